"""What a model goes by, as a list of sentences: rules that the data show and that planting confirms.

A pair becomes a rule where the sequences prefer some gaps, or simply hold both motifs more often than chance, *and*
the model gives both together more than the sum of each (`pair`); where it does not, the two are only `additive`
partners. Single motifs are `necessary` (most positive calls fall without them), `sufficient` (a motif alone makes
a neutral background positive) or a `repressor` (most of its instances lower the logit).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from argminn_core.annotate import q_values
from argminn_core.causal import Interval, PairScan, Planter, causal_scan, interval
from argminn_core.checkpoint import ModelBundle
from argminn_core.dna import N_CODE
from argminn_core.fasta import Sequences
from argminn_core.instances import Scan, scan
from argminn_core.predict import predict_sequences
from argminn_core.syntax import MAX_GAP, Syntax, arrangements_of, observe
from argminn_core.tables import CAUSAL, RULES

ALPHA = 0.05
SUPPORT = 0.05  # a preferred gap must concern this share of the sequences that have the rarer motif

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
    """Neighbouring gaps that are all preferred, from `low` to `high`, and the sequences that have them."""

    low: int
    high: int
    sequences: int

    def text(self, total: int) -> str:
        span = f"{self.low}" if self.low == self.high else f"{self.low} to {self.high}"
        return f"{span} ({self.sequences / total:.0%})"


def find_rules(
    bundle: ModelBundle,
    sequences: Sequences,
    found: Scan | None = None,
    *,
    planter: Planter | None = None,
    max_gap: int = MAX_GAP,
    seed: int = 0,
) -> Rules:
    """Rules of a model on sequences, best positives and negatives together.

    Parameters
    ----------
    sequences : Sequences
        Without negatives co-occurrence has nothing to be held against, and repressors stay unseen.
    found : Scan, optional
        What `scan(bundle, sequences, min_contribution=None)` gave; made here where left out.
    planter : Planter, optional
        The backgrounds of the causal checks; 32 neutral ones drawn with `seed` where left out. Each pair of motifs
        whose sequences show something costs a few seconds.
    """
    found = scan(bundle, sequences, min_contribution=None) if found is None else found
    syntax = observe(found.instances, sequences, max_gap=max_gap)
    planter = Planter(bundle, seed=seed) if planter is None else planter
    rows, tables = [], []
    for a, b in syntax.pairs[["motif_a", "motif_b"]].itertuples(index=False):
        runs = {key: _runs(syntax, key) for key in arrangements_of(a, b)}
        if any(runs.values()) or _pair(syntax, a, b).q_value <= ALPHA:
            table, scans = causal_scan(planter, a, b, max_gap=max_gap)
            tables.append(table)
            rows += _pair_rules(syntax, runs, scans, _pair(syntax, a, b))
    motifs = list(dict.fromkeys(syntax.instances["motif"]))
    rows += _necessary(bundle, sequences, found.predictions, syntax.instances, motifs)
    rows += _sufficient(planter, syntax.instances, motifs, len(sequences))
    rows += _repressors(syntax.instances, motifs, len(sequences))
    rules = RULES.frame(rows)
    order = ["pair", "necessary", "sufficient", "repressor", "additive"]
    rank = rules["kind"].map(order.index) if len(rules) else rules["kind"]
    rules = rules.assign(rank=rank).sort_values(["rank", "share"], ascending=[True, False], kind="stable")
    causal = pd.concat(tables, ignore_index=True) if tables else CAUSAL.empty()
    return Rules(rules.drop(columns="rank").reset_index(drop=True), syntax, causal)


# --- pairs --------------------------------------------------------------------------------------------------


def _pair(syntax: Syntax, a: str, b: str) -> pd.Series:
    pairs = syntax.pairs
    return pairs[(pairs["motif_a"] == a) & (pairs["motif_b"] == b)].iloc[0]


def _of(frame: pd.DataFrame, key: tuple[str, str, str]) -> pd.DataFrame:
    """The rows of one arrangement."""
    left, right, orientation = key
    return frame[(frame["left"] == left) & (frame["right"] == right) & (frame["orientation"] == orientation)]


def _runs(syntax: Syntax, key: tuple[str, str, str]) -> list[Run]:
    """Preferred gaps as runs; one gap in between that is not preferred does not end a run, nor does it cross zero."""
    gaps = _of(syntax.gaps, key)
    good = np.sort(gaps["gap"][gaps["q_value"] <= ALPHA].to_numpy())
    if not len(good):
        return []
    pair = _pair(syntax, *sorted(key[:2]))
    ends = (np.diff(good) > 2) | (good[1:] >= 0) & (good[:-1] < 0)
    runs = []
    for part in np.split(good, np.flatnonzero(ends) + 1):
        low, high = int(part[0]), int(part[-1])
        seen = int(gaps["sequences"][gaps["gap"].between(low, high)].sum())
        runs.append(Run(low, high, seen))
    least = SUPPORT * min(pair.sequences_a, pair.sequences_b)
    return [run for run in runs if run.sequences >= least]


def _pair_rules(
    syntax: Syntax, runs: dict[tuple[str, str, str], list[Run]], scans: list[PairScan], pair: pd.Series
) -> list[dict]:
    rows = []
    for planted in scans:
        key = planted.left, planted.right, planted.orientation
        seen = _of(syntax.gaps, key)
        # Two motifs with letters in common overlap without any rule: there, planting decides.
        kept = [
            run for run in runs[key]
            if run.low >= 0 or ((over := _synergy([planted], seen, [run])) is not None and over.low > 0)
        ]  # fmt: skip
        effect = _synergy([planted], seen, kept) if kept else None
        if effect is None:
            continue
        inside = np.any([seen["gap"].between(run.low, run.high) for run in kept], axis=0)
        q = float(seen["q_value"][inside].min())
        share = sum(run.sequences for run in kept) / pair.together
        gaps = [run.text(pair.together) for run in sorted(kept, key=lambda run: -run.sequences)]
        head = f"{key[0]} then {key[1]}, {_STRANDS[key[2]]}, gap {' or '.join(gaps)}"
        row = _row(
            effect, *key, gaps=", ".join(gaps), sequences=sum(r.sequences for r in kept), share=share, q=q
        )
        rows.append(row | _worded(head, effect, q, reach=_reach(planted, effect, kept)))
    if not rows and pair.q_value <= ALPHA and (effect := _anywhere(syntax, scans)) is not None:
        head = f"{pair.motif_a} with {pair.motif_b}, no preferred gap"
        if pair.motif_a == pair.motif_b:
            head = f"{pair.motif_a} twice, no preferred gap"
        row = _row(
            effect, pair.motif_a, pair.motif_b, sequences=pair.together, q=pair.q_value,
            share=pair.together / max(min(pair.sequences_a, pair.sequences_b), 1),
        )  # fmt: skip
        rows.append(row | _worded(head, effect, pair.q_value))
    return rows


def _worded(head: str, effect: Interval, q: float, *, reach: str = "") -> dict[str, str]:
    """Kind and sentence of a pair."""
    if effect.low > 0:
        return {"kind": "pair", "sentence": f"{head}, synergy {effect}{reach}, {_q(q)}"}
    why = "no more than the sum of both" if effect.high >= 0 else "less than the sum of both"
    return {"kind": "additive", "sentence": f"{head}, {why}: synergy {effect}, {_q(q)}"}


def _synergy(scans: list[PairScan], seen: pd.DataFrame, runs: list[Run]) -> Interval | None:
    """Synergy at the gaps of `runs`, each as often as it was seen; None where none of them was planted."""
    total, weights = 0.0, 0
    for planted in scans:
        counts = _of(seen, (planted.left, planted.right, planted.orientation)).set_index("gap")["sequences"]
        inside = np.zeros(len(planted.gaps), dtype=bool)
        for run in runs:
            inside |= (planted.gaps >= run.low) & (planted.gaps <= run.high)
        weight = counts.reindex(planted.gaps, fill_value=0).to_numpy() * inside
        total, weights = total + weight @ planted.synergy, weights + weight.sum()
    return interval(total / weights) if weights else None


def _anywhere(syntax: Syntax, scans: list[PairScan]) -> Interval | None:
    """Synergy over all gaps from 0, in all arrangements, each as often as it was seen."""
    return _synergy(scans, syntax.gaps, [Run(0, 1 << 30, 0)])


def _reach(planted: PairScan, effect: Interval, runs: list[Run]) -> str:
    """The gaps around the rule's own at which the model still gives half of its synergy."""
    strong = planted.synergy.mean(axis=1) >= effect.mean / 2
    main = max(runs, key=lambda run: run.sequences)
    at = int(np.searchsorted(planted.gaps, main.low))
    if at >= len(strong) or not strong[at]:
        return ""
    low = at - int(np.argmin(np.append(strong[at::-1], False))) + 1
    high = at + int(np.argmin(np.append(strong[at:], False))) - 1
    return f" (half of it or more from gap {planted.gaps[low]} to {planted.gaps[high]})"


# --- single motifs ------------------------------------------------------------------------------------------


def _necessary(
    bundle: ModelBundle,
    sequences: Sequences,
    predictions: pd.DataFrame,
    instances: pd.DataFrame,
    motifs: list[str],
) -> list[dict]:
    """Motifs without which more than half of the sequences that are called positive no longer are."""
    from scipy.stats import binom

    logit = predictions.groupby("sequence")["logit"].max()
    positive = logit[logit > 0]
    if positive.empty:
        return []
    losses = []
    for motif in motifs:
        mine = instances[(instances["motif"] == motif) & instances["sequence"].isin(positive.index)]
        after = _without(bundle, sequences, mine)
        losses.append((positive[after.index] - after, int((after <= 0).sum())))
    p = np.array([binom.sf(lost - 1, len(positive), 0.5) for _, lost in losses])
    rows = []
    for motif, (fall, lost), q in zip(motifs, losses, q_values(p), strict=True):
        if q > ALPHA:
            continue
        effect = interval(fall.to_numpy(dtype=float))
        share = lost / len(positive)
        sentence = (
            f"{motif} is necessary: in {len(fall):,} of {len(positive):,} positive calls, and {share:.0%} of them "
            f"are lost without it, logit {Interval(-effect.mean, -effect.high, -effect.low)}, {_q(q)}"
        )
        row = _row(effect, motif, sequences=len(fall), share=share, q=q)
        rows.append(row | {"kind": "necessary", "sentence": sentence})
    return rows


def _without(bundle: ModelBundle, sequences: Sequences, instances: pd.DataFrame) -> pd.Series:
    """Logits, by sequence, with N in place of the instances; the highest window of a longer sequence."""
    if instances.empty:
        return pd.Series(dtype=float)
    index = {name: i for i, name in enumerate(sequences.names)}
    names = list(dict.fromkeys(instances["sequence"]))
    masked = sequences.subset([index[name] for name in names])
    begin = dict(zip(names, masked.offsets.tolist(), strict=False))
    for name, start, end in instances[["sequence", "start0", "end0"]].itertuples(index=False):
        masked.codes[begin[name] + max(start, 0) : begin[name] + end] = N_CODE
    return predict_sequences(bundle, masked)[0].groupby("sequence")["logit"].max()


def _sufficient(planter: Planter, instances: pd.DataFrame, motifs: list[str], total: int) -> list[dict]:
    """Motifs that make a neutral background positive when planted alone."""
    from scipy.stats import ttest_1samp

    alone = [planter.alone(motif)[0] for motif in motifs]
    if not alone or len(planter.empty) < 2:
        return []
    p = np.array([ttest_1samp(logit, 0, alternative="greater").pvalue for logit in alone])
    rows = []
    for motif, logit, q in zip(motifs, alone, q_values(p), strict=True):
        effect = interval(logit)
        if q > ALPHA or effect.low <= 0:
            continue
        seen = instances["sequence"][instances["motif"] == motif].nunique()
        sentence = (
            f"{motif} is sufficient: planted alone, logit {effect} "
            f"(background {planter.empty.mean():+.1f}), {_q(q)}"
        )
        row = _row(effect, motif, sequences=seen, share=seen / total, q=q)
        rows.append(row | {"kind": "sufficient", "sentence": sentence})
    return rows


def _repressors(instances: pd.DataFrame, motifs: list[str], total: int) -> list[dict]:
    """Motifs most of whose used instances lower the logit (sign test)."""
    from scipy.stats import binom

    worth = [instances["contribution"][instances["motif"] == motif].to_numpy() for motif in motifs]
    p = np.array([binom.sf((values < 0).sum() - 1, len(values), 0.5) for values in worth])
    rows = []
    for motif, values, q in zip(motifs, worth, q_values(p), strict=True):
        effect = interval(values)
        if q > ALPHA or effect.high >= 0:
            continue
        seen = instances["sequence"][instances["motif"] == motif].nunique()
        sentence = (
            f"{motif} is a repressor: {(values < 0).mean():.0%} of its {len(values):,} instances "
            f"lower the logit, by {-effect.mean:.1f} [{-effect.high:.1f}, {-effect.low:.1f}], {_q(q)}"
        )
        row = _row(effect, motif, sequences=seen, share=seen / total, q=q)
        rows.append(row | {"kind": "repressor", "sentence": sentence})
    return rows


def _row(
    effect: Interval, left: str, right: str = "", orientation: str = "", *,
    gaps: str = "", sequences: int, share: float, q: float,
) -> dict:  # fmt: skip
    return {
        "left": left, "right": right, "orientation": orientation, "gaps": gaps, "sequences": int(sequences),
        "share": float(share), "effect": effect.mean, "low": effect.low, "high": effect.high, "q_value": float(q),
    }  # fmt: skip


def _q(q: float) -> str:
    return f"q = {q:.0e}" if q > 1e-300 else "q < 1e-300"
