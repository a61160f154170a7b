"""Which motifs stand together, in which order and orientation, and at which gaps: counted, and tested against chance.

INSTANCES + sequences -> one motif a filter group (MERGED) -> PAIRS, ARRANGEMENTS, GAPS, RANGES.

The sequence is the unit: each gives at most one pair of any two motifs, that of the strongest instance of either (by
the size of its contribution), so that a repeat does not count as many observations. The test of gaps is SpaMo's
(Whitington et al. 2011, Nucleic Acids Research 39:e98): at every gap, a binomial against positions that are
all as likely; or against what follows from the places that each motif prefers, where that is likelier. One gap at a
time it is blind to a loose rule, whose sequences are spread over many; so ranges of gaps are tested as well.
"""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
import pandas as pd

from argminn_core.annotate import q_values
from argminn_core.errors import InputError
from argminn_core.fasta import Sequences
from argminn_core.merging import merge, settled
from argminn_core.tables import ARRANGEMENTS, GAPS, INSTANCES, PAIRS, RANGES

MAX_GAP = 150  # SpaMo's margin
USED = 1.0  # size of a contribution, in logits: below it an instance was looked at and not used
WIDEST = 50  # gaps in a range: what is looser than that is no spacing
ALPHA = 0.05
_BROAD = 25  # bases: what motifs prefer as places in a sequence is no sharper than summits and fragments are


class Syntax(NamedTuple):
    """What a set of sequences shows: see `observe`.

    joint : one row a sequence and motif pair: sequence, left, right, orientation, gap, room (the largest gap that fits
        into the sequence, given where the left instance lies), reversed (read on the other strand), off_a and off_b
        (twice the distance from the sequence's middle to that of each instance), widths (of both, summed).
    """

    instances: pd.DataFrame
    merged: pd.DataFrame
    joint: pd.DataFrame
    pairs: pd.DataFrame
    arrangements: pd.DataFrame
    gaps: pd.DataFrame
    ranges: pd.DataFrame


def observe(instances: pd.DataFrame, sequences: Sequences, *, max_gap: int = MAX_GAP) -> Syntax:
    """Pairs, arrangements and gaps of the instances that a model used.

    A tied-strand model may read a sequence on either strand, so A(+) gap B(+) and its mirror image B(-) gap A(-)
    are one arrangement: -- is written as ++ with the names swapped, and +- and -+, which mirroring leaves alone, with
    the names in alphabetical order. Of a motif pair so remain four arrangements, three of a motif with itself.

    Parameters
    ----------
    instances : DataFrame
        INSTANCES, best those of `scan(..., min_contribution=None)`: with the default of `scan`, whatever lowers the
        logit is missing. Those whose contribution is smaller than 1 either way are left out here.
    sequences : Sequences
        All that were scanned, those without an instance too: they are what co-occurrence is held against.
    max_gap : int
        Largest gap that is tested. Wider pairs are counted as `beyond`.

    Raises
    ------
    InputError : an instance lies on a sequence that is not among `sequences`.
    """
    frame = INSTANCES.check(instances)
    used, merged = merge(frame[frame["contribution"].abs() >= USED])
    used = settled(used)
    joint, counts = _joint(used, sequences)
    return Syntax(used, merged, joint, _pairs(counts, len(sequences)), *_spacing(joint, max_gap))


# --- pairs --------------------------------------------------------------------------------------------------


def _joint(used: pd.DataFrame, sequences: Sequences) -> tuple[pd.DataFrame, dict]:
    """The strongest pair of any two motifs in every sequence, and in how many sequences each motif and pair is."""
    number = {name: i for i, name in enumerate(sequences.names)}
    row = used["sequence"].map(number)
    if row.isna().any():
        stranger = used["sequence"][row.isna()].iloc[0]
        raise InputError(
            "an instance lies on a sequence that is not among those given",
            found=stranger, mend="Give the sequences that were scanned",
        )  # fmt: skip
    used = used.assign(row=row.astype(int), size=used["contribution"].abs())
    used = used.sort_values(["row", "motif", "size"], ascending=[True, True, False], kind="stable")
    rank = used.groupby(["row", "motif"]).cumcount()
    columns = ["row", "start0", "end0", "strand"]
    best = {name: rows[columns] for name, rows in used[rank == 0].groupby("motif")}
    second = {name: rows[columns] for name, rows in used[rank == 1].groupby("motif")}
    total = used["motif"].value_counts()
    parts, counts = [], {}
    for a, b in combinations_with_replacement(sorted(best), 2):
        other = best[b] if a != b else second.get(a, best[a].iloc[:0])
        both = best[a].merge(other, on="row", suffixes=("", "_b"))
        counts[a, b] = len(best[a]), len(best[b]), len(both), int(total[a])
        parts.append(both.assign(motif=a, motif_b=b))
    return _arranged(parts, sequences), counts


def _arranged(parts: list[pd.DataFrame], sequences: Sequences) -> pd.DataFrame:
    """Pairs of instances, each read on the strand on which its arrangement is written."""
    columns = [
        "sequence", "motif_a", "motif_b", "left", "right", "orientation", "gap", "room", "reversed", "off_a", "off_b",
        "widths",
    ]  # fmt: skip
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    both = pd.concat(parts, ignore_index=True)
    # The left one has its middle further left, so that a motif within another is read alike on both strands.
    ahead_by = (both["start0_b"] + both["end0_b"] - both["start0"] - both["end0"]).to_numpy()
    first = np.where(ahead_by == 0, both["strand"] == "+", ahead_by > 0)
    left = {
        name: np.where(first, both[name], both[f"{name}_b"]) for name in ("motif", "start0", "end0", "strand")
    }
    right = {name: np.where(first, both[f"{name}_b"], both[name]) for name in left}
    length = sequences.lengths[both["row"].to_numpy(dtype=int)]
    orientation = left["strand"].astype(object) + right["strand"].astype(object)
    mirrored = (orientation == "--") | ((orientation != "++") & (left["motif"] > right["motif"]))
    gap = right["start0"] - left["end0"]
    ahead = length - left["end0"] - (right["end0"] - right["start0"])
    behind = right["start0"] - (left["end0"] - left["start0"])
    room = np.where(mirrored, behind, ahead)
    # Of a motif facing itself either one may be called the left one.
    either = (left["motif"] == right["motif"]) & (orientation != "++") & (orientation != "--")
    room = np.where(either, np.minimum(ahead, behind), room)
    return pd.DataFrame(
        {
            "sequence": np.asarray(sequences.names, dtype=object)[both["row"].to_numpy(dtype=int)],
            "motif_a": both["motif"], "motif_b": both["motif_b"],
            "left": np.where(mirrored, right["motif"], left["motif"]),
            "right": np.where(mirrored, left["motif"], right["motif"]),
            "orientation": np.where(orientation == "--", "++", orientation),
            "gap": gap,
            # A merged instance may stick out of the sequence; the gap that is seen has room all the same.
            "room": np.maximum(room, gap),
            "reversed": mirrored,
            "off_a": both["start0"] + both["end0"] - length,
            "off_b": both["start0_b"] + both["end0_b"] - length,
            "widths": both["end0"] - both["start0"] + both["end0_b"] - both["start0_b"],
        },
        columns=columns,
    )  # fmt: skip


def arrangements_of(a: str, b: str) -> list[tuple[str, str, str]]:
    """Every (left, right, orientation) of two motifs that mirroring does not turn into another: four, or three."""
    a, b = sorted((a, b))
    mixed = [(a, b, "+-"), (a, b, "-+")]
    return [(a, b, "++"), (b, a, "++"), *mixed] if a != b else [(a, a, "++"), *mixed]


def _pairs(counts: dict[tuple[str, str], tuple[int, int, int, int]], total: int) -> pd.DataFrame:
    """PAIRS: one-sided Fisher tests over sequences.

    A motif with itself has no fourfold table. There, the sequences with two or more are held against instances that
    fall on sequences at random (a binomial; the true variance is smaller, so the test is on the safe side).
    """
    from scipy.stats import binom, hypergeom

    rows = []
    for (a, b), (n_a, n_b, together, instances) in counts.items():
        if a == b:
            twice = float(binom.sf(1, instances, 1 / total))
            expected, p = total * twice, float(binom.sf(together - 1, total, twice))
            table = together, total - together, expected, total - expected
        else:
            expected, p = n_a * n_b / total, float(hypergeom.sf(together - 1, total, n_a, n_b))
            table = together, n_a - together, n_b - together, total - n_a - n_b + together
        x, y, z, w = (max(cell, 0) + 0.5 for cell in table)  # so that the ratio is finite
        odds = x / y * (w / z)
        rows.append((a, b, n_a, n_b, together, expected, odds, p))
    frame = pd.DataFrame(rows, columns=list(PAIRS.columns)[:-1])
    return PAIRS.check(frame.assign(q_value=q_values(frame["p_value"].to_numpy(dtype=float))))


def _spacing(joint: pd.DataFrame, max_gap: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """ARRANGEMENTS, GAPS and RANGES.

    An arrangement is held against all orders and strands being as likely (1/4 each; of a motif with itself ++ is two
    of four), among pairs that do not overlap: letters in common make two motifs overlap in one way only.

    A gap is held, within its arrangement, against every free position being as likely: pair `i` takes each of the gaps
    0 to `min(room_i, max_gap)` with the same probability, and the binomial has their mean, which for upper tails is
    on the safe side (Hoeffding 1956). Two motifs that both keep to the middle are near each other without any rule, so
    where `_by_place` finds a gap likelier that probability is taken. An overlap is held against the same probability
    as a gap of 0; but two motifs with letters in common are called on the same bases without any rule, so an overlap
    needs the causal scan before it says something.

    Gaps that do not occur have no row, and count as tests in the q-values all the same.
    """
    from scipy.stats import binom

    arrangements, gaps, ranges, tests = [], [], [], 0
    for (a, b), pair in joint.groupby(["motif_a", "motif_b"]):
        by_place = _by_place(pair, max_gap)
        for left, right, orientation in arrangements_of(a, b):
            mine = pair[
                (pair["left"] == left) & (pair["right"] == right) & (pair["orientation"] == orientation)
            ]
            gap, room = mine["gap"].to_numpy(dtype=int), mine["room"].to_numpy(dtype=int)
            key = (left, right, orientation)
            chance = 0.5 if a == b and orientation == "++" else 0.25
            p = float(binom.sf((gap >= 0).sum() - 1, (pair["gap"] >= 0).sum(), chance))
            outside = int((gap < 0).sum()), int((gap > max_gap).sum())
            arrangements.append((*key, len(mine), len(mine) / len(pair), *outside, p))
            inside = gap <= max_gap
            if not inside.any():
                continue
            gap, free = gap[inside], np.minimum(room[inside], max_gap) + 1
            values, seen = np.unique(gap, return_counts=True)
            tests += max_gap + 1 - min(int(values[0]), 0)
            apart = gap >= 0
            usual = (1 / free[apart]) @ (np.arange(max_gap + 1) < free[apart, None]) / max(apart.sum(), 1)
            usual = np.maximum(usual, by_place)
            observed = np.bincount(gap[apart], minlength=max_gap + 1)
            ranges += [(*key, *found) for found in preferred(observed, usual)]
            for value, count in zip(values.tolist(), seen.tolist(), strict=True):
                among = int(apart.sum()) if value >= 0 else len(gap)
                chance = usual[value] if value >= 0 else max((1 / np.maximum(free, 1)).mean(), by_place[0])
                p = float(binom.sf(count - 1, among, chance))
                gaps.append((*key, value, count, among * chance, p))
    where = pd.DataFrame(arrangements, columns=list(ARRANGEMENTS.columns)[:-1])
    where = where.assign(q_value=q_values(where["p_value"].to_numpy(dtype=float)))
    each = pd.DataFrame(gaps, columns=list(GAPS.columns)[:-1])
    p = np.append(each["p_value"].to_numpy(dtype=float), np.ones(tests - len(each)))
    each = each.assign(q_value=q_values(p)[: len(each)])
    wide = pd.DataFrame(ranges, columns=list(RANGES.columns)[:-1])
    wide = wide.assign(q_value=(wide["p_value"] * len(where)).clip(upper=1.0))
    return ARRANGEMENTS.check(where), GAPS.check(each), RANGES.check(wide[wide["q_value"] <= ALPHA])


def preferred(
    count: np.ndarray, chance: np.ndarray, *, widest: int = WIDEST
) -> list[tuple[int, int, int, float, float]]:
    """Ranges of gaps that are preferred, the clearest first: low, high, count, expected count, p-value.

    Gaps are cut into segments, each with one ratio of what lies in it to what chance puts there (of all cuts that of
    the largest likelihood, less a penalty for each segment). What lies in the clearest is tested by a binomial times
    the number of ranges that could have been (Bonferroni); then it is left out, so that a tight rule does not hide a
    loose one beside it, and the next is held against the rest, until p exceeds 0.05.

    Parameters
    ----------
    count : ndarray
        Sequences (G,) with each gap.
    chance : ndarray
        Probability (G,) of each gap without a rule.
    widest : int
        Longer segments are no ranges.
    """
    from scipy.stats import binom

    G = len(count)
    ranges = sum(G - width + 1 for width in range(1, min(widest, G) + 1))
    # Of every segment that is no longer than a range: low, high, what lies in it, what chance puts there.
    rest = [
        (low, high, int(count[low:high].sum()), float(chance[low:high].sum()))
        for low, high in _segments(count, chance)
        if high - low <= widest
    ]
    n, free = int(count.sum()), 1.0  # sequences, and chance, that no range has taken yet
    found = []
    while rest:
        shares = [min(usual / max(free, 1e-9), 1.0) for *_, usual in rest]
        log_p, at = min(
            (float(binom.logsf(inside - 1, n, share)), at)
            for at, ((_, _, inside, _), share) in enumerate(zip(rest, shares, strict=True))
        )
        p = float(np.exp(log_p)) * ranges
        if p > ALPHA:
            break
        low, high, inside, usual = rest.pop(at)
        found.append((low, high - 1, inside, n * shares[at], p))
        n, free = n - inside, free - usual
    return found


def _segments(count: np.ndarray, chance: np.ndarray) -> list[tuple[int, int]]:
    """Cuts gaps into half-open segments of one enrichment each, for count and chance (G,)."""
    G, n = len(count), max(int(count.sum()), 1)
    price = np.log(n) + np.log(G)  # a segment has a height and an end
    seen, usual = (np.append(0.0, np.cumsum(part)) for part in (count, chance))
    best, back = np.full(G + 1, -np.inf), np.zeros(G + 1, dtype=int)
    best[0] = 0.0
    for end in range(1, G + 1):
        inside = seen[end] - seen[:end]
        gain = inside * np.log(
            np.maximum(inside, 1e-300) / np.maximum(n * (usual[end] - usual[:end]), 1e-300)
        )
        total = best[:end] + gain - price
        back[end] = int(total.argmax())
        best[end] = total[back[end]]
    cuts = [G]
    while cuts[-1]:
        cuts.append(int(back[cuts[-1]]))
    return list(zip(cuts[:0:-1], cuts[-2::-1], strict=True))


def _by_place(pair: pd.DataFrame, max_gap: int) -> np.ndarray:
    """Chance (max_gap + 1,) of each gap if the two motifs of a pair knew their place in the sequence, not each other.

    One motif of one sequence and the other of another one are all pairs that could have been. A preference for a place
    is broad, a rule is not: what is within `_BROAD` bases of each other is averaged.
    """
    from scipy.signal import fftconvolve

    off_a, off_b = (pair[name].to_numpy(dtype=int) for name in ("off_a", "off_b"))
    reach = int(max(np.abs(off_a).max(), np.abs(off_b).max()))
    a, b = (np.bincount(off + reach, minlength=2 * reach + 1) for off in (off_a, off_b))
    if (pair["motif_a"] == pair["motif_b"]).all():
        a = b = a + b
    apart = np.maximum(fftconvolve(a, b[::-1]), 0)  # distance d, in half bases, is at 2 * reach + d
    apart += apart[::-1]  # in either order
    span = 2 * (max_gap + 2 * _BROAD) + int(pair["widths"].max())
    apart = np.pad(apart, span)
    smooth = np.concatenate([[0.0], np.cumsum(apart)])
    at = 2 * reach + span + 2 * np.arange(max_gap + 1) + round(pair["widths"].mean())
    chance = smooth[at + 2 * _BROAD + 1] - smooth[at - 2 * _BROAD]
    return chance / max(chance.sum(), 1e-300)
