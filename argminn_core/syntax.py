"""Which motifs stand together, in which order and orientation, and at which gaps: counted, and tested against chance.

INSTANCES + sequences -> one motif a filter group (MERGED) -> PAIRS, ARRANGEMENTS, GAPS.

The sequence is the unit: each gives at most one pair of any two motifs, that of the strongest instance of either (by
the size of its contribution), so that a repeat does not count as many observations. The test of gaps is SpaMo's
(Whitington et al. 2011, Nucleic Acids Research 39:e98): at every gap, a binomial against positions that are
all as likely.
"""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
import pandas as pd

from argminn_core.annotate import q_values
from argminn_core.errors import InputError
from argminn_core.fasta import Sequences
from argminn_core.tables import ARRANGEMENTS, GAPS, INSTANCES, MERGED, PAIRS

MAX_GAP = 150  # SpaMo's margin
USED = 1.0  # size of a contribution, in logits: below it an instance was looked at and not used
ONE_MOTIF = 0.5  # share of a filter's instances at one shift from another's that makes both one motif


class Merge(NamedTuple):
    """INSTANCES under the names of the remaining motifs, each site once, and MERGED, which says what became what."""

    instances: pd.DataFrame
    merged: pd.DataFrame


class Syntax(NamedTuple):
    """What a set of sequences shows: see `observe`.

    joint : one row a sequence and motif pair: sequence, left, right, orientation, gap, room (the largest gap that fits
        into the sequence, given where the left instance lies), reversed (read on the other strand).
    """

    instances: pd.DataFrame
    merged: pd.DataFrame
    joint: pd.DataFrame
    pairs: pd.DataFrame
    arrangements: pd.DataFrame
    gaps: pd.DataFrame


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
    joint, counts = _joint(used, sequences)
    arrangements, gaps = _spacing(joint, max_gap)
    return Syntax(used, merged, joint, _pairs(counts, len(sequences)), arrangements, gaps)


# --- filters that read the same motif -----------------------------------------------------------------------


def merge(instances: pd.DataFrame) -> Merge:
    """Make filters one motif whose instances nearly always cover each other at the same shift.

    A filter joins a stronger one (by the contributions of all its instances, summed) when more than half of its
    instances lie at one and the same shift and strand from one of the stronger filter's, and share at least half of
    the shorter. Its instances are then moved to where the other's would lie, and a site that was called twice is kept
    once. Halves of a longer site that overlap by less stay two motifs: their distance is a rule.
    """
    frame = instances.reset_index(drop=True)
    strength = frame["contribution"].abs().groupby(frame["motif"]).sum()
    ranked = strength.sort_values(ascending=False, kind="stable").index.tolist()
    meetings = _meetings(frame)
    widths = (frame["end0"] - frame["start0"]).groupby(frame["motif"]).first()
    sizes = frame["motif"].value_counts()
    place = {name: (name, False, 0) for name in ranked}  # motif: into, turned, shift
    rows = []
    for rank, motif in enumerate(ranked):
        found = meetings.get(motif, pd.Series(dtype="int64"))
        found = found[found.index.get_level_values("into").isin(ranked[:rank])]
        if found.empty or found.iloc[0] <= ONE_MOTIF * sizes[motif]:
            continue
        into, turned, shift = found.index[0]
        place[motif] = _through(place[into], turned, shift, widths[into], widths[motif])
        root, turned, shift = place[motif]
        rows.append(
            {
                "motif": motif, "into": root, "strand": "+-"[turned], "shift": shift,
                "instances": int(sizes[motif]), "share": found.iloc[0] / sizes[motif],
            }
        )  # fmt: skip
    return Merge(_once(_moved(frame, place, widths)), MERGED.frame(rows))


def _meetings(frame: pd.DataFrame) -> dict[str, pd.Series]:
    """For every motif: how many of its instances lie at (into, turned, shift) from another's, most frequent first."""
    order = frame.sort_values(["sequence", "start0"], kind="stable")
    sequence, motif, strand = (order[name].to_numpy() for name in ("sequence", "motif", "strand"))
    start, end = order["start0"].to_numpy(), order["end0"].to_numpy()
    found = []
    for step in range(1, len(order)):
        near = (sequence[:-step] == sequence[step:]) & (start[step:] < end[:-step])
        if not near.any():
            break
        i = np.flatnonzero(near)
        for one, other in ((i, i + step), (i + step, i)):
            shared = np.minimum(end[one], end[other]) - np.maximum(start[one], start[other])
            shorter = np.minimum(end[one] - start[one], end[other] - start[other])
            half = (2 * shared >= shorter) & (motif[one] != motif[other])
            one, other = one[half], other[half]
            # Where `one` starts, read on the strand of `other`.
            shift = np.where(strand[other] == "+", start[one] - start[other], end[other] - end[one])
            found.append(
                pd.DataFrame(
                    {
                        "motif": motif[one], "into": motif[other], "turned": strand[one] != strand[other],
                        "shift": shift, "row": one,
                    }
                )
            )  # fmt: skip
    if not found:
        return {}
    table = pd.concat(found)
    counts = table.groupby(["motif", "into", "turned", "shift"])["row"].nunique()
    counts = counts.sort_values(ascending=False, kind="stable")
    return {name: rows.droplevel("motif") for name, rows in counts.groupby(level="motif", sort=False)}


def _through(
    place: tuple[str, bool, int], turned: bool, shift: int, width: int, own: int
) -> tuple[str, bool, int]:
    """Where a motif of width `own` lies that is `shift` from a motif of `width`, itself placed by `place`."""
    root, over, start = place
    if not over:
        return root, bool(turned), int(start + shift)
    return root, not turned, int(start + width - shift - own)


def _moved(frame: pd.DataFrame, place: dict[str, tuple[str, bool, int]], widths: pd.Series) -> pd.DataFrame:
    """Instances under the motif, and on the bases, that `place` gives to theirs."""
    if frame.empty:
        return frame
    into = frame["motif"].map({name: root for name, (root, _, _) in place.items()})
    turned = frame["motif"].map({name: over for name, (_, over, _) in place.items()}).to_numpy()
    shift = frame["motif"].map({name: start for name, (_, _, start) in place.items()})
    forward = (frame["strand"] == "+").to_numpy() ^ turned  # strand of the motif it joins
    width = into.map(widths)
    start = np.where(forward, frame["start0"] - shift, frame["end0"] + shift - width)
    moved = frame.assign(motif=into, start0=start, end0=start + width)
    return moved.assign(strand=np.where(forward, "+", "-").astype(object))


def _once(frame: pd.DataFrame) -> pd.DataFrame:
    """Of instances of one motif that share half of their bases, the one with the largest contribution."""
    frame = frame.sort_values(["sequence", "motif", "start0"], kind="stable", ignore_index=True)
    while len(frame) > 1:
        key = frame["sequence"].to_numpy(), frame["motif"].to_numpy()
        start, end = frame["start0"].to_numpy(), frame["end0"].to_numpy()
        size = frame["contribution"].abs().to_numpy()
        clash = (key[0][1:] == key[0][:-1]) & (key[1][1:] == key[1][:-1])
        clash &= 2 * (end[:-1] - start[1:]) >= np.minimum(end - start, np.roll(end - start, -1))[:-1]
        if not clash.any():
            break
        first_wins = size[:-1] >= size[1:]
        beaten = np.zeros(len(frame), dtype=bool)
        beaten[1:] = clash & first_wins
        beaten[:-1] |= clash & ~first_wins
        # Only those go that lose to an instance which itself stays.
        out = np.zeros(len(frame), dtype=bool)
        out[1:] = clash & first_wins & ~beaten[:-1]
        out[:-1] |= clash & ~first_wins & ~beaten[1:]
        frame = frame[~out].reset_index(drop=True)
    return frame.sort_values(["sequence", "start0"], kind="stable", ignore_index=True)


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
    columns = ["sequence", "motif_a", "motif_b", "left", "right", "orientation", "gap", "room", "reversed"]
    if not parts:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    both = pd.concat(parts, ignore_index=True)
    first = ((both["start0"] < both["start0_b"]) | (
        (both["start0"] == both["start0_b"]) & (both["end0"] <= both["end0_b"])
    )).to_numpy()  # fmt: skip
    left = {
        name: np.where(first, both[name], both[f"{name}_b"]) for name in ("motif", "start0", "end0", "strand")
    }
    right = {name: np.where(first, both[f"{name}_b"], both[name]) for name in left}
    length = sequences.lengths[both["row"].to_numpy(dtype=int)]
    orientation = left["strand"].astype(object) + right["strand"].astype(object)
    mirrored = (orientation == "--") | ((orientation != "++") & (left["motif"] > right["motif"]))
    ahead = length - left["end0"] - (right["end0"] - right["start0"])
    behind = right["start0"] - (left["end0"] - left["start0"])
    return pd.DataFrame(
        {
            "sequence": np.asarray(sequences.names, dtype=object)[both["row"].to_numpy(dtype=int)],
            "motif_a": both["motif"], "motif_b": both["motif_b"],
            "left": np.where(mirrored, right["motif"], left["motif"]),
            "right": np.where(mirrored, left["motif"], right["motif"]),
            "orientation": np.where(orientation == "--", "++", orientation),
            "gap": right["start0"] - left["end0"],
            "room": np.where(mirrored, behind, ahead),
            "reversed": mirrored,
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


def _spacing(joint: pd.DataFrame, max_gap: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """ARRANGEMENTS and GAPS.

    An arrangement is held against all orders and strands being as likely (1/4 each; of a motif with itself ++ is two
    of four). A gap is held, within its arrangement, against every free position being as likely: pair `i` takes
    each of the gaps 0 to `min(room_i, max_gap)` with the same probability, and the binomial has their mean, which
    for upper tails is on the safe side (Hoeffding 1956). An overlap is held against the same probability, as if those
    positions were free too; but two motifs with letters in common are called on the same bases without any rule, so
    an overlap needs the causal scan before it says something.

    Gaps that do not occur have no row, and count as tests in the q-values all the same.
    """
    from scipy.stats import binom

    arrangements, gaps, tests = [], [], 0
    for (a, b), pair in joint.groupby(["motif_a", "motif_b"]):
        for left, right, orientation in arrangements_of(a, b):
            mine = pair[
                (pair["left"] == left) & (pair["right"] == right) & (pair["orientation"] == orientation)
            ]
            gap, room = mine["gap"].to_numpy(dtype=int), mine["room"].to_numpy(dtype=int)
            key = (left, right, orientation)
            p = float(binom.sf(len(mine) - 1, len(pair), 0.5 if a == b and orientation == "++" else 0.25))
            outside = int((gap < 0).sum()), int((gap > max_gap).sum())
            arrangements.append((*key, len(mine), len(mine) / len(pair), *outside, p))
            inside = gap <= max_gap
            if not inside.any():
                continue
            gap, free = gap[inside], np.minimum(room[inside], max_gap) + 1
            values, seen = np.unique(gap, return_counts=True)
            tests += max_gap + 1 - min(int(values[0]), 0)
            apart = gap >= 0
            for value, count in zip(values.tolist(), seen.tolist(), strict=True):
                among = apart if value >= 0 else np.ones(len(gap), dtype=bool)
                chance = np.where(free[among] > value, 1 / np.maximum(free[among], 1), 0.0).mean()
                p = float(binom.sf(count - 1, int(among.sum()), chance))
                gaps.append((*key, value, count, among.sum() * chance, p))
    where = pd.DataFrame(arrangements, columns=list(ARRANGEMENTS.columns)[:-1])
    where = where.assign(q_value=q_values(where["p_value"].to_numpy(dtype=float)))
    each = pd.DataFrame(gaps, columns=list(GAPS.columns)[:-1])
    p = np.append(each["p_value"].to_numpy(dtype=float), np.ones(tests - len(each)))
    return ARRANGEMENTS.check(where), GAPS.check(each.assign(q_value=q_values(p)[: len(each)]))
