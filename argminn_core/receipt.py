"""Is what the model says it reads what it uses? One table of tests with their targets, and one verdict.

    sequences -> called instances -> necessity, sufficiency, broken pairs, agreement -> RECEIPT

*Necessity*: deleting a call must cost much more than deleting a window of the same width elsewhere in its sequence.
Calls are chosen by what their deletion costs (`instances.CONTRIBUTION`), with N in their place, so that alone could
please itself; the same windows are also filled with random letters of their sequence, which chose nothing, and the
share of the windows elsewhere that would pass the rule for calls is told.

*Sufficiency*: the letters under the calls, at their places, in an otherwise neutral sequence must bring the logit
back. *Neutral* is the dinucleotide shuffle of the sequence itself, for simulated and real sequences alike: it has
the same composition, so that a logit which rises with GC is not credited to the calls, nor held against them, as
it would be on uniform letters. A share is (planted - neutral) / (own - neutral), in logits, which do not saturate as
probabilities do; it is not clipped, since the median does not mind and a median over 1 says that the rest of the
sequences speaks against them. A sequence with a positive logit but no call counts as 0: its explanation is empty.

*Pairs*: the two strongest sites of a sequence, in the same backgrounds, their arrangement kept and broken
(`rule_breaks.py`). There is no target: a model that reads single motifs has no rule to break, and its logit stays.

*Agreement*: contributions against DeepLIFT/SHAP summed over the same window (`deeplift.py`), over all places that the
attention picked out, called or not, so that agreement on what to reject counts too.

Intervals are 95 % of bootstrap draws of whole records, since calls of one record are not independent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from argminn_core.checkpoint import ModelBundle
from argminn_core.contributions import Reading
from argminn_core.deeplift import deep_lift
from argminn_core.dna import N_CODE
from argminn_core.fasta import Sequences
from argminn_core.instances import CONTRIBUTION
from argminn_core.negatives import dinucleotide_shuffle
from argminn_core.predict import each_batch, predict
from argminn_core.regions import tile
from argminn_core.rule_breaks import BREAKS, INTACT, break_rules, scan_codes
from argminn_core.tables import RECEIPT

NECESSITY = 5.0  # times what deleting a random window costs
SUFFICIENCY = 0.8  # of the logit

_FLOOR = (
    0.01  # logits: a smaller median of the random windows counts as this much, which keeps the ratio finite
)
_BOOTSTRAPS = 500
_EXPLAINED = 50  # sequences for DeepLIFT, the slowest of the tests


@dataclass(frozen=True)
class Receipt:
    """What was tested and what came out.

    table : RECEIPT, one row a test. verdict : a few sentences. sequences, calls : how many were tested.
    dropped : DROPPED. settings : seed, most, draws.
    """

    table: pd.DataFrame
    verdict: str
    sequences: int
    calls: int
    dropped: pd.DataFrame
    settings: dict[str, int]

    @property
    def passed(self) -> bool | None:
        """Whether every target was met; None where nothing could be held against one."""
        judged = self.table["passed"][self.table["passed"] != ""]
        return bool((judged == "yes").all()) if len(judged) else None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON and a model's card; None where there is no number."""
        tests = self.table.astype(object).where(self.table.notna(), None).to_dict("records")
        counts = {"sequences": self.sequences, "calls": self.calls, "dropped": len(self.dropped)}
        return {
            "verdict": self.verdict, "passed": self.passed, **counts, "settings": self.settings, "tests": tests
        }  # fmt: skip


def receipt(
    bundle: ModelBundle,
    sequences: Sequences,
    *,
    seed: int = 0,
    most: int = 300,
    draws: int = 5,
    progress: Callable[[int, int], None] | None = None,
) -> Receipt:
    """Test on `sequences`, best positive and held out, whether called instances are what the model uses.

    Parameters
    ----------
    bundle, sequences
        Records longer than the model's length are read in windows, shorter ones padded with N.
    seed : int
        Of the sample, the random windows and letters, the shuffles and the bootstrap.
    most : int
        Windows tested; where there are more, that many are drawn.
    draws : int
        Neutral backgrounds of each sequence, and random fillings of each deleted window. Their logits are averaged.
    progress : callable, optional
        `progress(done, total)` counts tests.
    """
    rng = np.random.default_rng(seed)
    case, dropped = _case(bundle, sequences, most, draws, rng)
    settings = {"seed": seed, "most": most, "draws": draws}
    if case.calls.empty:
        verdict = f"Nothing to test: no instance is called in {len(case.codes)} sequences."
        return Receipt(RECEIPT.empty(), verdict, len(case.codes), 0, dropped, settings)
    tests, rows = (_necessity, _sufficiency, _pairs, _agreement), []
    for done, test in enumerate(tests, start=1):
        rows += test(case, rng)
        if progress is not None:
            progress(done, len(tests))
    table = RECEIPT.frame(rows)
    return Receipt(table, _verdict(table), len(case.codes), len(case.calls), dropped, settings)


class _Case(NamedTuple):
    """What every test starts from; n windows of the model's length.

    codes: (n, L); record: (n,), where each comes from; logit: (n,); neutral: (n, draws, L), shuffles of each; read:
    INSTANCES that attention picked out, with their number of the sequence in `row`; calls: those that are called.
    """

    bundle: ModelBundle
    codes: np.ndarray
    record: np.ndarray
    logit: np.ndarray
    neutral: np.ndarray
    read: pd.DataFrame
    calls: pd.DataFrame


def _case(
    bundle: ModelBundle, sequences: Sequences, most: int, draws: int, rng: np.random.Generator
) -> tuple[_Case, pd.DataFrame]:
    config = bundle.model.config
    windows, dropped = tile(sequences, length=config.length, min_length=config.width)
    picked = np.arange(len(windows))
    if len(picked) > most:
        picked = np.sort(rng.choice(len(windows), most, replace=False))
    parts = [np.zeros((0, config.length), dtype=np.uint8), *(windows.codes(i, i + 1) for i in picked)]
    codes = np.concatenate(parts)
    predictions, read = scan_codes(bundle, codes, min_contribution=None)
    # A call that reaches into N, such as the padding, has no letters that could be planted.
    unknown = _cumulated(codes == N_CODE)
    read = read[_summed(unknown, read) == 0].reset_index(drop=True)
    neutral = np.stack([_shuffled(codes, int(rng.integers(2**31))) for _ in range(draws)], axis=1)
    calls = read[read["contribution"] >= CONTRIBUTION].reset_index(drop=True)
    return _Case(bundle, codes, windows.record[picked], predictions, neutral, read, calls), dropped


def _shuffled(codes: np.ndarray, seed: int) -> np.ndarray:
    """Dinucleotide shuffles of codes (n, L); every N stays where it is."""
    known = codes < N_CODE
    size = known.sum(axis=1)
    shuffled = codes.copy()
    for letters in np.unique(size):  # of one length, for one call
        rows = np.flatnonzero(size == letters)
        block, mask = codes[rows], known[rows]
        block[mask] = dinucleotide_shuffle(block[mask].reshape(len(rows), letters), seed=seed).ravel()
        shuffled[rows] = block
    return shuffled


def _logits(bundle: ModelBundle, codes: np.ndarray) -> np.ndarray:
    """Of codes (..., L): the same shape without L."""
    flat = codes.reshape(-1, codes.shape[-1])
    parts = each_batch(lambda lo, hi: predict(bundle.model, flat[lo:hi]), len(flat))
    return np.concatenate([np.zeros(0), *parts]).reshape(codes.shape[:-1])


def _cumulated(values: np.ndarray) -> np.ndarray:
    """(n, L) to sums of the first 0 to L, (n, L + 1)."""
    return np.pad(values.cumsum(axis=1, dtype=np.float64), ((0, 0), (1, 0)))


def _summed(cumulated: np.ndarray, spans: pd.DataFrame) -> np.ndarray:
    """Sums over each row's start0 to end0."""
    row, start, end = (spans[name].to_numpy() for name in ("row", "start0", "end0"))
    return cumulated[row, end] - cumulated[row, start]


def _covered(case: _Case) -> np.ndarray:
    """Which bases lie under a call, (n, L)."""
    mask = np.zeros(case.codes.shape, dtype=bool)
    for row, start, end in case.calls[["row", "start0", "end0"]].itertuples(index=False):
        mask[row, start:end] = True
    return mask


def _row(
    test: str, estimate: tuple[float, float, float], n: int, note: str, *, target: float = np.nan
) -> dict[str, Any]:
    value, low, high = estimate
    judged = np.isfinite(value) and np.isfinite(target)
    passed = ("yes" if value >= target else "no") if judged else ""
    return {
        "test": test, "value": value, "low": low, "high": high, "n": n, "target": target, "passed": passed,
        "note": note,
    }  # fmt: skip


def _estimate(
    statistic: Callable[..., float],
    record: np.ndarray,
    columns: Iterable[np.ndarray],
    rng: np.random.Generator,
) -> tuple[float, float, float]:
    """A statistic of aligned columns (n,) with its bootstrap interval; NaN where there is nothing to compute it of."""
    columns = [np.asarray(column, dtype=np.float64) for column in columns]
    if not len(record):
        return np.nan, np.nan, np.nan
    value = statistic(*columns)
    groups, member = np.unique(record, return_inverse=True)
    if len(groups) < 2 or not np.isfinite(value):
        return value, np.nan, np.nan
    drawn = []
    for counts in rng.multinomial(len(groups), np.full(len(groups), 1 / len(groups)), size=_BOOTSTRAPS):
        index = np.repeat(np.arange(len(record)), counts[member])
        drawn.append(statistic(*(column[index] for column in columns)))
    low, high = np.percentile([x for x in drawn if np.isfinite(x)] or [np.nan], [2.5, 97.5])
    return float(value), float(low), float(high)


# --- necessity ----------------------------------------------------------------------------------------------


def _necessity(case: _Case, rng: np.random.Generator) -> list[dict[str, Any]]:
    elsewhere, calls = _elsewhere(case, rng)
    record = case.record[calls["row"]]
    rows = []
    for test, fall, how in (
        ("necessity", _fall_to_n, "N"),
        ("necessity, random letters", _fall_to_letters, "random letters of the sequence"),
    ):
        called, random = (fall(case, spans, rng) for spans in (calls, elsewhere))
        estimate = _estimate(_ratio, record, (called, random), rng)
        if not len(calls):
            note = "no room for a window beside the calls"
        else:
            usual = float(np.median(np.abs(random)))
            note = (
                f"{how} in place of a call cost {np.median(called):.2f} logits, in a window elsewhere {usual:.3f}"
                " (medians, the latter without sign)" + f", counted as {_FLOOR}" * (usual < _FLOOR)
            )
        rows.append(_row(test, estimate, len(calls), note, target=NECESSITY))
        if how == "N":
            estimate = _estimate(np.mean, record, (random >= CONTRIBUTION,), rng)
            note = f"share of the windows elsewhere whose deletion costs {CONTRIBUTION:g} or more, as a call's does"
            rows.append(_row("necessity, windows like a call", estimate, len(calls), note))
    return rows


def _ratio(called: np.ndarray, random: np.ndarray) -> float:
    """Of medians; the random falls are of either sign and lie around 0, so they count by their size."""
    return float(np.median(called) / max(np.median(np.abs(random)), _FLOOR))


def _elsewhere(case: _Case, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A random window as wide as each call, in its sequence, that touches no call and no N; and the calls that
    have one.
    """
    blocked = _cumulated(_covered(case) | (case.codes == N_CODE))
    starts = np.full(len(case.calls), -1)
    for i, (row, start, end) in enumerate(case.calls[["row", "start0", "end0"]].itertuples(index=False)):
        width = end - start
        free = np.flatnonzero(blocked[row, width:] == blocked[row, :-width])
        if len(free):
            starts[i] = rng.choice(free)
    calls = case.calls[starts >= 0]
    starts = starts[starts >= 0]
    return calls.assign(start0=starts, end0=starts + (calls["end0"] - calls["start0"])), calls


def _fall_to_n(case: _Case, spans: pd.DataFrame, *_: object) -> np.ndarray:
    """How far the logit falls when each span becomes N."""
    case.bundle.model.eval()
    row, start, end = (spans[name].to_numpy() for name in ("row", "start0", "end0"))

    def read(lo: int, hi: int) -> tuple[np.ndarray, np.ndarray]:
        here = np.flatnonzero((row >= lo) & (row < hi))
        with torch.inference_mode():
            reading = Reading(case.bundle.model, case.codes[lo:hi])
            return here, reading.without(row[here] - lo, start[here], end[here])

    left = np.zeros(len(spans))
    for here, logit in each_batch(read, len(case.codes)):
        left[here] = logit
    return case.logit[row] - left


def _fall_to_letters(case: _Case, spans: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """How far the logit falls, on average, when each span is filled with letters drawn from its sequence."""
    row, start, end = (spans[name].to_numpy() for name in ("row", "start0", "end0"))
    known = np.argsort(case.codes == N_CODE, axis=1, kind="stable")  # places of letters, then those of N
    draws = case.neutral.shape[1]
    count = (case.codes < N_CODE).sum(axis=1)
    fallen = np.zeros(len(spans))
    place = np.arange(case.codes.shape[1])
    inside = (place >= start[:, None]) & (place < end[:, None])
    for _ in range(draws):
        drawn = (rng.random(inside.shape) * count[row][:, None]).astype(int)
        letters = case.codes[row[:, None], known[row[:, None], drawn]]
        fallen += case.logit[row] - _logits(case.bundle, np.where(inside, letters, case.codes[row]))
    return fallen / draws


# --- sufficiency --------------------------------------------------------------------------------------------


def _sufficiency(case: _Case, rng: np.random.Generator) -> list[dict[str, Any]]:
    rows = np.flatnonzero(case.logit > 0)
    neutral = _logits(case.bundle, case.neutral[rows]).mean(axis=1)
    distance = case.logit[rows] - neutral
    # A share of a small distance is noise; a call's worth is the unit that we have.
    far = distance >= CONTRIBUTION
    left_out, rows, neutral, distance = int((~far).sum()), rows[far], neutral[far], distance[far]
    without = int((~np.isin(rows, case.calls["row"])).sum())
    planted = np.where(_covered(case)[rows, None], case.codes[rows, None], case.neutral[rows])
    share = (_logits(case.bundle, planted).mean(axis=1) - neutral) / distance
    note = (
        f"median share of the way from its shuffles' logit to its own that a sequence's calls bring back; {without} "
        f"without a call count as 0; {left_out} less than {CONTRIBUTION:g} above their shuffles are left out"
    )
    estimate = _estimate(np.median, case.record[rows], (share,), rng)
    return [_row("sufficiency", estimate, len(share), note, target=SUFFICIENCY)]


# --- pairs --------------------------------------------------------------------------------------------------


_CALLED, _LOST = ", called", ", logit lost"


def _pairs(case: _Case, rng: np.random.Generator) -> list[dict[str, Any]]:
    positive = case.calls[case.logit[case.calls["row"]] > 0]
    broken = break_rules(case.bundle, case.codes, positive, case.neutral)
    total = len(broken.row)
    if not total:
        return [_row("pairs", (np.nan,) * 3, 0, "no positive sequence has two sites: no rule to break")]
    rows = []
    for k, kind in enumerate((INTACT, *BREAKS)):
        kept = np.isfinite(broken.logit[:, k])
        n, record = int(kept.sum()), case.record[broken.row[kept]]
        far = {"moved apart": f", gap {broken.gap}", "moved together": ", as far as those moved apart"}.get(
            kind, ""
        )
        room = f"; {total - n} of {total} have no room" if n < total else ""
        called = _estimate(np.mean, record, (broken.called[kept, k],), rng)
        note = f"share of the planted sites that are called{far}{room}"
        rows.append(_row(f"pairs {kind}{_CALLED}", called, n, note))
        if kind != INTACT:
            lost = _estimate(np.median, record, (broken.logit[kept, 0] - broken.logit[kept, k],), rng)
            note = f"median fall of the logit against the two intact{far}{room}"
            rows.append(_row(f"pairs {kind}{_LOST}", lost, n, note))
    return rows


# --- agreement ----------------------------------------------------------------------------------------------


def _agreement(case: _Case, rng: np.random.Generator) -> list[dict[str, Any]]:
    rows = rng.permutation(np.unique(case.read["row"]))[:_EXPLAINED]
    explained = deep_lift(case.bundle.model, case.codes[rows], case.neutral[rows])
    read = case.read[case.read["row"].isin(rows)].drop_duplicates(["row", "start0", "end0"])
    number = np.zeros(len(case.codes), dtype=int)
    number[rows] = np.arange(len(rows))
    attributed = _summed(_cumulated(explained.values), read.assign(row=number[read["row"]]))
    record, columns = case.record[read["row"]], (read["contribution"], attributed)
    note = f"contributions and DeepLIFT/SHAP of the places that {len(rows)} sequences' attention picked out"
    error = _estimate(_relative, case.record[rows], (explained.error, explained.difference), rng)
    return [
        _row("agreement, Pearson", _estimate(_pearson, record, columns, rng), len(read), note),
        _row("agreement, Spearman", _estimate(_spearman, record, columns, rng), len(read), note),
        _row("agreement, DeepLIFT error", error, len(rows), "what attributions miss of the logit's difference, share"),
    ]  # fmt: skip


def _pearson(x: np.ndarray, y: np.ndarray) -> float:
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    return float(np.corrcoef(x, y)[0, 1])


def _spearman(x: np.ndarray, y: np.ndarray) -> float:
    return _pearson(*(pd.Series(values).rank().to_numpy() for values in (x, y)))


def _relative(error: np.ndarray, difference: np.ndarray) -> float:
    scale = np.abs(difference).mean()
    return float(error.mean() / scale) if scale > 0 else np.nan


# --- verdict ------------------------------------------------------------------------------------------------


def _verdict(table: pd.DataFrame) -> str:
    """A few sentences: what was held against a target, then what the rest says."""
    known = table[table["value"].notna()].set_index("test")
    value, judged = known["value"], known["passed"][known["passed"] != ""]
    parts = ["Nothing could be held against a target."]
    if len(judged):
        parts = [f"{int((judged == 'yes').sum())} of {len(judged)} targets met."]
    if "necessity" in value:
        parts.append(
            f"Deleting a call costs {value['necessity']:.3g} times as much as deleting a window elsewhere, and "
            f"{value['necessity, random letters']:.3g} times with random letters in place (target {NECESSITY:g})."
        )
    if "sufficiency" in value:
        share = value["sufficiency"]
        parts.append(f"The calls alone bring back {share:.2f} of the logit (target {SUFFICIENCY:g}).")
    lost = known[known.index.str.endswith(_LOST)]
    if len(lost):
        falls = [
            f"{row.value:.1f} {test.removeprefix('pairs ').removesuffix(_LOST)}"
            for test, row in lost.iterrows()
        ]
        parts.append(f"Of two sites ({lost['n'].max()} sequences), logits lost: {', '.join(falls)}.")
    else:
        parts.append("No sequence has two sites, so there is no rule to break.")
    if "agreement, Spearman" in value:
        parts.append(f"Contributions rank as DeepLIFT's: Spearman {value['agreement, Spearman']:.2f}.")
    return " ".join(parts)
