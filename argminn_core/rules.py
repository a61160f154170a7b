"""What a model goes by, as a list of sentences: rules that the data show and that planting confirms.

    syntax of the sequences -> pairs worth planting -> causal scans -> RULES, each with a sentence

A pair becomes a rule where the sequences prefer some gaps, or an order and orientation, or simply hold both motifs more
often than chance, *and* the model gives both together at least one logit more than the sum of each (`pair`), or
one less than either alone (`repressor`); where it does neither, the two are only `additive` partners. What single
motifs are is in `roles`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from argminn_core.causal import Interval, PairScan, Planter, causal_scan, interval
from argminn_core.checkpoint import ModelBundle
from argminn_core.fasta import Sequences
from argminn_core.instances import Scan, scan
from argminn_core.roles import necessary, q_text, repressors, rule_row, sufficient
from argminn_core.syntax import ALPHA, MAX_GAP, USED, Syntax, arrangements_of, observe
from argminn_core.tables import CAUSAL, RULES

# A rule concerns at least these shares: of the sequences that have the rarer motif, and of all.
SUPPORT, SUPPORT_OF_ALL = 0.05, 0.01

Key = tuple[str, str, str]  # left, right, orientation

_KINDS = ["pair", "necessary", "sufficient", "repressor", "additive"]
_STRANDS = {
    "++": "same strand",
    "+-": "opposite strands, facing each other",
    "-+": "opposite strands, back to back",
}


class Rules(NamedTuple):
    """RULES, what the sequences show, and CAUSAL of every pair that was planted."""

    rules: pd.DataFrame
    syntax: Syntax
    causal: pd.DataFrame


class Run(NamedTuple):
    """Gaps from `low` to `high`, the sequences that have them, and their share of those that hold the pair."""

    low: int
    high: int
    sequences: int
    share: float

    def text(self) -> str:
        if self.low == self.high:
            return f"{self.low} ({self.share:.0%})"
        to = "-" if self.low >= 0 else " to "
        return f"{self.low}{to}{self.high} ({self.share:.0%})"

    def holds(self, gaps: np.ndarray) -> np.ndarray:
        """Which of gaps (G,) belong to it."""
        return (gaps >= self.low) & (gaps <= self.high)


def find_rules(
    bundle: ModelBundle,
    sequences: Sequences,
    found: Scan | None = None,
    *,
    planter: Planter | None = None,
    max_gap: int = MAX_GAP,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Rules:
    """Rules of a model on sequences, best positives and negatives together.

    Shares of gaps and orders are of the sequences that hold the pair and that the model calls positive: in the others
    a pair is mostly one site and a chance match. Where there is none, they are of all that hold the pair.

    Parameters
    ----------
    sequences : Sequences
        Without negatives co-occurrence has nothing to be held against, and repressors stay unseen.
    found : Scan, optional
        What `scan(bundle, sequences, min_contribution=None)` gave; made here where left out.
    planter : Planter, optional
        The backgrounds of the causal checks; 32 neutral ones drawn with `seed` where left out. Each pair of motifs
        whose sequences show something costs a few seconds.
    progress : callable, optional
        `progress(done, total)` counts pairs of motifs.
    """
    found = scan(bundle, sequences, min_contribution=None) if found is None else found
    syntax = observe(found.instances, sequences, max_gap=max_gap)
    planter = Planter(bundle, seed=seed) if planter is None else planter
    positive = set(found.predictions["sequence"][found.predictions["logit"] > 0])
    rows, tables = [], []
    for done, (a, b) in enumerate(syntax.pairs[["motif_a", "motif_b"]].itertuples(index=False)):
        if progress is not None:
            progress(done, len(syntax.pairs))
        if (seen := _seen(syntax, a, b, len(sequences), positive)) is None:
            continue
        seen = seen._replace(runs={key: _used(planter, seen, key, max_gap) for key in seen.runs})
        if seen.shows_something:
            table, scans = causal_scan(planter, a, b, max_gap=max_gap)
            tables.append(table)
            rows += _pair_rules(seen, scans)
    motifs = list(dict.fromkeys(syntax.instances["motif"]))
    rows += necessary(bundle, sequences, found.predictions, syntax.instances, motifs)
    rows += sufficient(planter, syntax.instances, motifs, len(sequences))
    rows += repressors(syntax.instances, motifs, len(sequences))
    causal = pd.concat(tables, ignore_index=True) if tables else CAUSAL.empty()
    return Rules(_sorted(RULES.frame(rows)), syntax, causal)


def with_controls(sequences: Sequences, controls: Sequences) -> Sequences:
    """Both in one, for `find_rules`; the name of a control says that it is one, and so is never a sequence's."""
    shift = sequences.offsets[-1]
    return Sequences(
        [*sequences.names, *(f"control {name}" for name in controls.names)],
        np.concatenate([sequences.codes, controls.codes]),
        np.concatenate([sequences.offsets, controls.offsets[1:] + shift]),
    )


def _sorted(rules: pd.DataFrame) -> pd.DataFrame:
    rank = rules["kind"].map(_KINDS.index).astype(int)
    order = rules.assign(rank=rank).sort_values(["rank", "share"], ascending=[True, False], kind="stable")
    return order.drop(columns="rank").reset_index(drop=True)


# --- what the sequences show ------------------------------------------------------------------------------------


class Seen(NamedTuple):
    """What the sequences show of one pair of motifs.

    pair : its row of PAIRS. least : sequences that a rule must concern. gaps, ranges : its rows of GAPS and RANGES.
    joint : its sequences, those called positive where there are any. runs : preferred gaps of each arrangement.
    orders : arrangements that are preferred, with their rows of ARRANGEMENTS.
    """

    pair: pd.Series
    least: float
    gaps: pd.DataFrame
    ranges: pd.DataFrame
    joint: pd.DataFrame
    runs: dict[Key, list[Run]]
    orders: dict[Key, pd.Series]

    @property
    def together(self) -> bool:
        """Whether both occur together more often than chance."""
        return bool(self.pair.q_value <= ALPHA)

    @property
    def shows_something(self) -> bool:
        return any(self.runs.values()) or bool(self.orders) or self.together


def _seen(syntax: Syntax, a: str, b: str, total: int, positive: set[str]) -> Seen | None:
    """What there is to see of `a` and `b` in `total` sequences; None where both are too rare for any rule."""
    (pair,) = (row for _, row in _of_pair(syntax.pairs, a, b).iterrows())
    least = max(SUPPORT * min(pair.sequences_a, pair.sequences_b), SUPPORT_OF_ALL * total)
    if pair.together < least:
        return None
    joint = _of_pair(syntax.joint, a, b)
    called = joint[joint["sequence"].isin(positive)]
    joint = called if len(called) else joint
    keys = arrangements_of(a, b)
    gaps = pd.concat([_of(syntax.gaps, key) for key in keys])
    ranges = pd.concat([_of(syntax.ranges, key) for key in keys])
    runs = {
        key: _runs(
            _of(gaps, key), _of(ranges, key), _of(joint, key)["gap"].to_numpy(dtype=int), len(joint), least
        )
        for key in keys
    }
    orders = {}
    for key in keys:
        for _, row in _of(syntax.arrangements, key).iterrows():
            if row.q_value <= ALPHA and row.sequences - row.overlapping >= least:
                orders[key] = row
    return Seen(pair, least, gaps, ranges, joint, runs, orders)


def _of_pair(frame: pd.DataFrame, a: str, b: str) -> pd.DataFrame:
    return frame[(frame["motif_a"] == a) & (frame["motif_b"] == b)]


def _of(frame: pd.DataFrame, key: Key) -> pd.DataFrame:
    """The rows of one arrangement."""
    left, right, orientation = key
    return frame[(frame["left"] == left) & (frame["right"] == right) & (frame["orientation"] == orientation)]


def _runs(gaps: pd.DataFrame, ranges: pd.DataFrame, joint: np.ndarray, total: int, least: float) -> list[Run]:
    """Preferred gaps of one arrangement as runs of at least `least` sequences: its ranges, and single overlaps.

    A range concerns as many sequences too: instances that are read a base or two beside the site would widen it.
    One gap in between that is not preferred does not end a run; a run does not go from overlaps to gaps. Shares are
    those of the gaps `joint` (J,) among `total`.
    """
    overlaps = gaps["gap"][(gaps["q_value"] <= ALPHA) & (gaps["gap"] < 0)].tolist()
    clear = ranges[ranges["sequences"] >= least]
    inside = [g for row in clear.itertuples() for g in range(row.low, row.high + 1)]
    good = np.unique(np.array(overlaps + inside, dtype=int))
    if not len(good):
        return []
    ends = (np.diff(good) > 2) | (good[1:] >= 0) & (good[:-1] < 0)
    runs = []
    for part in np.split(good, np.flatnonzero(ends) + 1):
        low, high = int(part[0]), int(part[-1])
        inside = int(((joint >= low) & (joint <= high)).sum())
        count = int(gaps["sequences"][gaps["gap"].between(low, high)].sum())
        runs.append(Run(low, high, count, inside / max(total, 1)))
    return [run for run in runs if run.sequences >= least]


def _used(planter: Planter, seen: Seen, key: Key, max_gap: int) -> list[Run]:
    """The runs of an arrangement without overlaps that are no rule.

    Two motifs with letters in common are called on the same bases without any: there, planting decides.
    """
    kept = []
    for run in seen.runs[key]:
        if run.low < 0:
            planted = planter.scan(*key, max_gap=max_gap, gaps=range(run.low, run.high + 1))
            effect = _effect([planted], seen.gaps, [run])
            if effect is None or effect.synergy.low < USED:
                continue
        kept.append(run)
    return kept


# --- what the model makes of it ---------------------------------------------------------------------------------


def _pair_rules(seen: Seen, scans: list[PairScan]) -> list[dict]:
    """Rows of one pair: its preferred gaps; where there are none its order; where there is none that both occur."""
    rows = [row for planted in scans if (row := _gap_rule(seen, planted)) is not None]
    rows = rows or [row for planted in scans if (row := _order_rule(seen, planted)) is not None]
    if not rows and seen.together and (effect := _effect(scans, seen.gaps, [_ANYWHERE])) is not None:
        a, b, together, q = seen.pair.motif_a, seen.pair.motif_b, seen.pair.together, seen.pair.q_value
        head = f"{a} twice, no preferred gap" if a == b else f"{a} with {b}, no preferred gap"
        share = together / max(min(seen.pair.sequences_a, seen.pair.sequences_b), 1)
        row = rule_row(effect.size, a, b, sequences=together, share=share, q=q)
        rows.append(row | _worded(head, effect, q))
    return rows


def _gap_rule(seen: Seen, planted: PairScan) -> dict | None:
    """The preferred gaps of one arrangement, or None."""
    key = planted.left, planted.right, planted.orientation
    runs = sorted(seen.runs[key], key=lambda run: -run.sequences)
    if any(run.share for run in runs):  # gaps that no sequence called positive has are a rule of the others
        runs = [run for run in runs if run.share]
    effect = _effect([planted], seen.gaps, runs) if runs else None
    if effect is None:
        return None
    gaps, ranges = _of(seen.gaps, key), _of(seen.ranges, key)
    inside = np.any([run.holds(gaps["gap"].to_numpy()) for run in runs], axis=0)
    within = np.any([run.holds(ranges["low"].to_numpy()) for run in runs], axis=0)
    q = float(min(gaps["q_value"][inside].min(), ranges["q_value"].to_numpy()[within].min(initial=1.0)))
    texts = [run.text() for run in runs]
    head = f"{key[0]} then {key[1]}, {_STRANDS[key[2]]}, gap {' or '.join(texts)}"
    row = rule_row(
        effect.size, *key, gaps=", ".join(texts), sequences=sum(run.sequences for run in runs),
        share=sum(run.share for run in runs), q=q,
    )  # fmt: skip
    return row | _worded(head, effect, q, reach=_reach(planted, effect, runs))


def _order_rule(seen: Seen, planted: PairScan) -> dict | None:
    """An arrangement that is preferred at no particular gap, or None."""
    key = planted.left, planted.right, planted.orientation
    effect = _effect([planted], seen.gaps, [_ANYWHERE]) if key in seen.orders else None
    if effect is None:
        return None
    order = seen.orders[key]
    share = len(_of(seen.joint, key)) / max(len(seen.joint), 1)
    head = f"{key[0]} then {key[1]}, {_STRANDS[key[2]]} ({share:.0%}), no preferred gap"
    row = rule_row(effect.size, *key, sequences=order.sequences, share=share, q=order.q_value)
    return row | _worded(head, effect, order.q_value)


_ANYWHERE = Run(0, 1 << 30, 0, 0.0)


class Effect(NamedTuple):
    """Synergy of a pair, and by how much both give more than the lower of each alone."""

    synergy: Interval
    excess: Interval

    @property
    def kind(self) -> str:
        if self.synergy.low > 0 and self.synergy.mean >= USED:
            return "pair"
        return "repressor" if self.excess.high < 0 and self.excess.mean <= -USED else "additive"

    @property
    def size(self) -> Interval:
        """What RULES shows."""
        return self.excess if self.kind == "repressor" else self.synergy


def _worded(head: str, effect: Effect, q: float, *, reach: str = "") -> dict[str, str]:
    """Kind and sentence of a pair."""
    if effect.kind == "pair":
        text = f"synergy {effect.synergy}{reach}"
    elif effect.kind == "repressor":
        text = f"together lower the logit below that of either alone, {effect.excess}"
    else:
        how = "less than" if effect.synergy.high < 0 else "about"
        text = f"{how} the sum of both: synergy {effect.synergy}"
    return {"kind": effect.kind, "sentence": f"{head}, {text}, {q_text(q)}"}


def _effect(scans: list[PairScan], seen: pd.DataFrame, runs: list[Run]) -> Effect | None:
    """The effect at the gaps of `runs`, each as often as it was seen; None where none of them was planted."""
    synergy, excess, weights = 0.0, 0.0, 0
    for planted in scans:
        counts = _of(seen, (planted.left, planted.right, planted.orientation)).set_index("gap")["sequences"]
        inside = np.zeros(len(planted.gaps), dtype=bool)
        for run in runs:
            inside |= run.holds(planted.gaps)
        weight = counts.reindex(planted.gaps, fill_value=0).to_numpy() * inside
        synergy, excess = synergy + weight @ planted.synergy, excess + weight @ planted.excess
        weights += weight.sum()
    return Effect(interval(synergy / weights), interval(excess / weights)) if weights else None


def _reach(planted: PairScan, effect: Effect, runs: list[Run]) -> str:
    """The gaps around the rule's own at which the model still gives half of its synergy, where they are more."""
    strong = planted.synergy.mean(axis=1) >= effect.synergy.mean / 2
    main = max(runs, key=lambda run: run.sequences)
    at = int(np.searchsorted(planted.gaps, main.low))
    if at >= len(strong) or not strong[at]:
        return ""
    low = at - int(np.argmin(np.append(strong[at::-1], False))) + 1
    high = at + int(np.argmin(np.append(strong[at:], False))) - 1
    ends = int(planted.gaps[low]), int(planted.gaps[high])
    if ends == (main.low, main.high):
        return ""
    return f" (half of it or more from gap {ends[0]} to {ends[1]})"
