"""One site, one motif: so that a site which two filters call is no pair.

INSTANCES -> where instances of two filters share bases -> MERGED, and INSTANCES under the remaining names; of motifs
that stay two, the better match keeps a site (`settled`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from argminn_core.tables import MERGED

# When two filters are one motif: see `merge`.
ONE_MOTIF, SOMETIMES, NEARLY_ALWAYS, MOSTLY = 0.5, 0.1, 0.75, 2 / 3
AT_LEAST = 5


class Merge(NamedTuple):
    """INSTANCES under the names of the remaining motifs, each site once, and MERGED, which says what became what."""

    instances: pd.DataFrame
    merged: pd.DataFrame


def merge(instances: pd.DataFrame) -> Merge:
    """Make filters one motif that read the same bases.

    A filter joins a stronger one (by the contributions of all its instances, summed) when instances of both lie at one
    and the same shift and strand from each other and share at least half of the shorter, and these are

    - more than half of its instances; or
    - a tenth of its instances, five or more, and three in four of those that meet the other so, and two thirds of the
      longer are shared. A site that two filters know is often called by one of them alone: a head reads one position.

    Its instances are then moved to where the other's would lie, and a site that was called twice is kept once; it may
    then stick out of the sequence. Halves of a longer site that overlap by less stay two motifs: their distance is a
    rule.
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
        found = meetings.get(motif)
        if found is None:
            continue
        found = found[found.index.get_level_values("into").isin(ranked[:rank])]
        met = found.groupby(level="into").sum()
        same = [
            (into, turned, shift) for (into, turned, shift), count in found.items()
            if count > ONE_MOTIF * sizes[motif]
            or (count >= max(SOMETIMES * sizes[motif], AT_LEAST) and count >= NEARLY_ALWAYS * met[into]
                and _shared(shift, widths[motif], widths[into]) >= MOSTLY * max(widths[motif], widths[into]))
        ]  # fmt: skip
        if not same:
            continue
        into, turned, shift = same[0]
        share = found[same[0]] / sizes[motif]
        place[motif] = _through(place[into], turned, shift, widths[into], widths[motif])
        root, turned, shift = place[motif]
        rows.append(
            {
                "motif": motif, "into": root, "strand": "+-"[turned], "shift": shift,
                "instances": int(sizes[motif]), "share": share,
            }
        )  # fmt: skip
    return Merge(_once(_moved(frame, place, widths)), MERGED.frame(rows))


def settled(instances: pd.DataFrame) -> pd.DataFrame:
    """INSTANCES in which no two motifs have the same site.

    Motifs may be relatives (TGASTCA and TGACGTCA), and one is then called on the other's sites. Replacing the bases
    costs the same for either, so contributions do not tell whose site it is; the match does: of two instances that
    share half of the shorter, the one stays whose activation comes nearer to the largest of its motif, or where both
    do, the one with the larger contribution. Halves that overlap by less keep both.
    """
    frame = instances.reset_index(drop=True)
    rivals = _rivals(frame, one_motif=False)
    if not rivals:
        return frame
    strength = (frame["activation"] / frame.groupby("motif")["activation"].transform("max")).to_numpy()
    size, motif = frame["contribution"].abs().to_numpy(), frame["motif"].to_numpy()
    ranked = sorted(rivals, key=lambda i: (-strength[i], -size[i], motif[i]))
    return frame.drop(index=_losers(rivals, ranked)).reset_index(drop=True)


def _losers(rivals: dict[int, list[int]], ranked: list[int]) -> list[int]:
    """Who goes when each in turn, the strongest first, sends its rivals away unless it was sent away itself."""
    gone: set[int] = set()
    for i in ranked:
        if i not in gone:
            gone.update(rivals[i])
    return list(gone)


def _rivals(frame: pd.DataFrame, *, one_motif: bool) -> dict[int, list[int]]:
    """For every row its rivals: instances, of the same motif or of other ones, that share half of the shorter."""
    rivals: dict[int, list[int]] = {}
    for one, other in _half_shared(frame, one_motif=one_motif):
        for i, j in zip(one.tolist(), other.tolist(), strict=True):
            rivals.setdefault(i, []).append(j)
            rivals.setdefault(j, []).append(i)
    return rivals


def _half_shared(frame: pd.DataFrame, *, one_motif: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of `frame`, every pair once, of instances that share half of the shorter: of one motif, or of two."""
    order = frame.sort_values(["sequence", "start0"], kind="stable")
    sequence, motif, start, end = (order[name].to_numpy() for name in ("sequence", "motif", "start0", "end0"))
    rows = order.index.to_numpy()
    for step in range(1, len(order)):
        one = np.flatnonzero((sequence[:-step] == sequence[step:]) & (start[step:] < end[:-step]))
        if not len(one):
            return
        other = one + step
        shared = np.minimum(end[one], end[other]) - start[other]
        shorter = np.minimum(end[one] - start[one], end[other] - start[other])
        half = (2 * shared >= shorter) & ((motif[one] == motif[other]) == one_motif)
        yield rows[one[half]], rows[other[half]]


def _shared(shift: int, width: int, other: int) -> int:
    """Bases that a motif of `width` shares with one of width `other` that starts `shift` before it."""
    return min(shift + width, other) - max(shift, 0)


def _meetings(frame: pd.DataFrame) -> dict[str, pd.Series]:
    """For every motif: how many of its instances lie at (into, turned, shift) from another's, most frequent first."""
    motif, strand, start, end = (frame[name].to_numpy() for name in ("motif", "strand", "start0", "end0"))
    found = []
    for pair in _half_shared(frame, one_motif=False):
        for one, other in (pair, pair[::-1]):
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
    frame = frame.reset_index(drop=True)
    size = frame["contribution"].abs().to_numpy()
    rivals = _rivals(frame, one_motif=True)
    frame = frame.drop(index=_losers(rivals, sorted(rivals, key=lambda i: -size[i])))
    return frame.sort_values(["sequence", "start0", "motif"], kind="stable", ignore_index=True)
