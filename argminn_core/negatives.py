"""Sequences without the signal: shuffles of the positives, and windows of the genome matched to them in GC.

`tangermeme.match.extract_matching_loci` matches GC too, and is not used: it knows no ranges of a chromosome
and no distance from excluded peaks, looks only at windows on one fixed grid, needs an indexed FASTA file, and
reads and counts the whole genome in every call, where training draws fresh negatives in every epoch.
`GcMatcher` counts once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from argminn_core import dna
from argminn_core.errors import InputError
from argminn_core.genome import Genome
from argminn_core.regions import cut, parse_ranges, windows
from argminn_core.tables import DROPPED, REGIONS

logger = logging.getLogger(__name__)

_BINS = 50  # GC bins of 2 %
_BLOCK = 2**22  # window starts that are counted at a time, to bound memory


def dinucleotide_shuffle(codes: np.ndarray, *, seed: int) -> np.ndarray:
    """Shuffle each sequence so that it keeps the count of every dinucleotide, and its first and last base.

    tangermeme's Eulerian walk. An N is shuffled as a letter of its own: a run of N stays one run but moves.

    Parameters
    ----------
    codes : np.ndarray
        uint8 (N, L).
    seed : int
        The same seed gives the same shuffles.

    Returns
    -------
    np.ndarray
        uint8 (N, L).
    """
    if codes.shape[0] == 0 or codes.shape[1] < 4:  # the ends stay, so that nothing can move
        return codes.copy()
    # Slow to import (numba), and slow in its first call, which compiles.
    import torch
    from tangermeme import ersatz

    # A seed for each sequence: tangermeme's own are seed + i, which would repeat in the next epoch's seed.
    seeds = np.random.SeedSequence(seed).generate_state(len(codes)) >> 1
    X = dna.one_hot(codes).to(torch.int8)
    shuffled = ersatz.dinucleotide_shuffle(X, n=1, random_state=seeds.tolist(), allow_N=True)
    return dna.from_one_hot(shuffled[:, 0])


class Drawn(NamedTuple):
    """Windows drawn from a genome: codes (n, length), chromosome names (n,) and starts (n,)."""

    codes: np.ndarray
    chrom: np.ndarray
    start0: np.ndarray


class GcMatcher:
    """Draws windows of a genome whose GC content is distributed as that of the positives' windows.

    Prepared once: every `step` bases of the allowed ranges, the GC of the window that starts there is counted
    and the window is filed in a bin of 2 % GC, unless it has too many N or is too near to an excluded region.
    A draw takes from each bin its share, windows that do not overlap; a bin that runs out borrows from those
    nearest to it, `tolerance` at most away, and only then are overlaps accepted.

    Parameters
    ----------
    genome : Genome
        Where to draw from.
    positives : pd.DataFrame
        `REGIONS` whose windows on their summits set the GC histogram.
    length : int
        Bases of a window.
    exclude : pd.DataFrame, optional
        `REGIONS` to stay away from, such as all peaks; the positives by default.
    min_distance : int
        Fewest bases between a window and an excluded region.
    ranges : Iterable[str], optional
        Where to draw, such as `chr22` or `chr20:12000000-` (`split_ranges` makes them); the positives'
        chromosomes by default.
    tolerance : float
        Largest difference in GC, 0 to 1, that a window from a neighbouring bin may have.
    max_n : float
        Largest share of N.
    step : int, optional
        Bases between the starts that are considered; a tenth of `length` by default.

    Attributes
    ----------
    positives : pd.DataFrame
        The positives that have a window.
    dropped : pd.DataFrame
        `DROPPED`: the positives that have none.

    Raises
    ------
    InputError
        No positive has a window, or a range names an unknown chromosome.
    """

    def __init__(
        self,
        genome: Genome,
        positives: pd.DataFrame,
        *,
        length: int,
        exclude: pd.DataFrame | None = None,
        min_distance: int = 1000,
        ranges: Iterable[str] | None = None,
        tolerance: float = 0.04,
        max_n: float = 0.05,
        step: int | None = None,
    ) -> None:
        codes, self.positives, self.dropped = windows(positives, genome, length=length, max_n=max_n)
        if not len(codes):
            raise InputError(
                "no positive region has a window in the genome",
                found=", ".join(f"{n} x {why}" for why, n in self.dropped["reason"].value_counts().items()),
                mend="Check that the regions and the genome are of one assembly",
            )
        self.genome, self.length = genome, length
        self._reach = int(tolerance * _BINS + 1e-9)
        self._share = np.bincount(_gc_bins(codes), minlength=_BINS) / len(codes)
        excluded = positives if exclude is None else exclude
        chroms = list(dict.fromkeys(self.positives["chrom"]))
        allowed = parse_ranges(chroms if ranges is None else ranges, genome.chroms)
        self._chroms = sorted({chrom for chrom, _, _ in allowed})
        found = [
            _candidates(
                genome.codes(name),
                [(start, end) for chrom, start, end in allowed if chrom == name],
                _Excluded(excluded, genome, name, min_distance),
                length=length, step=step or max(length // 10, 1), max_n=max_n,
            )
            for name in self._chroms
        ]  # fmt: skip
        start0, bins = (np.concatenate(parts) for parts in zip(*found, strict=True))
        order = np.argsort(bins, kind="stable")
        self._chrom = np.repeat(np.arange(len(found)), [len(starts) for starts, _ in found])[order]
        self._start0 = start0[order]
        self._edges = np.searchsorted(bins[order], np.arange(_BINS + 1))
        logger.info("%d candidate windows on %d chromosomes", len(order), len(self._chroms))

    def sample(self, n: int, rng: np.random.Generator) -> Drawn:
        """Draw `n` windows in random order; fewer, with a warning, where too few match."""
        picked: list[int] = []
        taken: dict[tuple[int, int], int] = {}
        for gc_bin, quota in enumerate(_quotas(self._share, n)):
            if quota:
                self._pick(gc_bin, quota, picked, taken, rng)
        if len(picked) < n:
            logger.warning("only %d of %d GC-matched windows could be drawn", len(picked), n)
        order = rng.permutation(np.array(picked, dtype=np.int64))
        chrom, start0 = self._chrom[order], self._start0[order]
        codes = np.empty((len(order), self.length), dtype=np.uint8)
        for i, name in enumerate(self._chroms):
            rows = np.flatnonzero(chrom == i)
            if len(rows):
                codes[rows] = cut(self.genome.codes(name), start0[rows], self.length)
        return Drawn(codes, np.array(self._chroms, dtype=object)[chrom], start0)

    def _pick(
        self,
        gc_bin: int,
        quota: int,
        picked: list[int],
        taken: dict[tuple[int, int], int],
        rng: np.random.Generator,
    ) -> None:
        """Add `quota` candidates of a bin or its neighbours, apart from all others while there are enough."""
        near = sorted(range(_BINS), key=lambda other: abs(other - gc_bin))[: 2 * self._reach + 1]
        pools = [np.arange(*self._edges[b : b + 2]) for b in near if abs(b - gc_bin) <= self._reach]
        wanted = len(picked) + quota
        for pool in pools:
            # A few more than needed make up for overlaps; the rest of the bin is tried only if they do not.
            tries = rng.choice(len(pool), min(len(pool), 2 * quota + 64), replace=False)
            picked += self._apart(pool[tries], wanted - len(picked), taken)
            if len(picked) < wanted and len(tries) < len(pool):
                picked += self._apart(rng.permutation(pool), wanted - len(picked), taken)
            if len(picked) == wanted:
                return
        rest = np.setdiff1d(np.concatenate(pools), picked)
        picked += rng.permutation(rest)[: wanted - len(picked)].tolist()

    def _apart(self, candidates: np.ndarray, quota: int, taken: dict[tuple[int, int], int]) -> list[int]:
        """The first `quota` candidates that overlap none in `taken`, which they join.

        `taken` has a cell of `length` bases for each window, by its start: no two that are apart share one,
        and one that overlaps is in the same cell or the next.
        """
        picked = []
        chroms, starts = self._chrom[candidates].tolist(), self._start0[candidates].tolist()
        for i, chrom, start in zip(candidates.tolist(), chroms, starts, strict=True):
            if len(picked) == quota:
                break
            cell = start // self.length
            near = (taken.get((chrom, c)) for c in (cell - 1, cell, cell + 1))
            if all(other is None or abs(other - start) >= self.length for other in near):
                taken[chrom, cell] = start
                picked.append(i)
        return picked


def gc_matched(
    regions: pd.DataFrame,
    genome: Genome,
    *,
    length: int,
    n: int | None = None,
    exclude: pd.DataFrame | None = None,
    seed: int,
    min_distance: int = 1000,
    ranges: Iterable[str] | None = None,
    tolerance: float = 0.04,
) -> tuple[np.ndarray, pd.DataFrame, pd.DataFrame]:
    """Draw windows matched in GC once; `GcMatcher` draws again and again.

    Parameters
    ----------
    regions, genome, length, exclude, min_distance, ranges, tolerance
        As for `GcMatcher`.
    n : int, optional
        Windows to draw; one for each positive that has a window by default.
    seed : int
        The same seed gives the same windows.

    Returns
    -------
    codes : np.ndarray
        uint8 (n, length).
    drawn : pd.DataFrame
        `REGIONS` of the windows, named by their coordinates.
    dropped : pd.DataFrame
        `DROPPED`: the positives that have no window.
    """
    matcher = GcMatcher(
        genome, regions, length=length, exclude=exclude, min_distance=min_distance, ranges=ranges,
        tolerance=tolerance,
    )  # fmt: skip
    n = len(matcher.positives) if n is None else n
    codes, chrom, start0 = matcher.sample(n, np.random.default_rng(seed))
    frame = pd.DataFrame(
        {
            "chrom": chrom,
            "start0": start0,
            "end0": start0 + length,
            "name": [f"{c}:{s}-{s + length}" for c, s in zip(chrom, start0, strict=True)],
            "summit0": start0 + length // 2,
        }
    )
    return codes, REGIONS.check(frame), DROPPED.check(matcher.dropped)


class _Excluded:
    """The excluded regions of one chromosome, widened by the distance to keep."""

    def __init__(self, regions: pd.DataFrame, genome: Genome, chrom: str, distance: int) -> None:
        names = genome.match(regions["chrom"].unique())
        here = regions[regions["chrom"].map(names) == chrom].sort_values("start0")
        self._starts = here["start0"].to_numpy() - distance
        # The furthest end so far, so that one look suffices however the regions overlap.
        self._ends = np.maximum.accumulate(here["end0"].to_numpy() + distance) if len(here) else self._starts

    def touches(self, start0: np.ndarray, length: int) -> np.ndarray:
        """Whether windows (N,) overlap any of the widened regions."""
        before = np.searchsorted(self._starts, start0 + length)
        ends = np.concatenate([[np.iinfo(np.int64).min], self._ends])
        return ends[before] > start0


def _candidates(
    codes: np.ndarray,
    ranges: list[tuple[int, int]],
    excluded: _Excluded,
    *,
    length: int,
    step: int,
    max_n: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Starts (M,) and GC bins (M,) of the windows of a chromosome that may be drawn."""
    grid = np.arange(0, len(codes) - length + 1, step)
    inside = np.zeros(len(grid), dtype=bool)
    for start, end in ranges:
        inside |= (grid >= start) & (grid + length <= end)
    grid = grid[inside]
    grid = grid[~excluded.touches(grid, length)]
    kept, bins = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    per_block = max(_BLOCK // step, 1)
    for block in np.split(grid, range(per_block, len(grid), per_block)):
        if not len(block):
            continue
        part = codes[block[0] : block[-1] + length]
        at = block - block[0]
        known = _window_sums(part < dna.N_CODE, at, length)
        gc = _window_sums((part == 1) | (part == 2), at, length)
        good = (known >= (1 - max_n) * length) & (known > 0)
        kept.append(block[good])
        bins.append(_bin_of(gc[good], known[good]))
    return np.concatenate(kept), np.concatenate(bins)


def _window_sums(mask: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    total = np.concatenate([[0], np.cumsum(mask, dtype=np.int32)])
    return total[starts + length] - total[starts]


def _gc_bins(codes: np.ndarray) -> np.ndarray:
    gc = ((codes == 1) | (codes == 2)).sum(axis=1)
    return _bin_of(gc, (codes < dna.N_CODE).sum(axis=1))


def _bin_of(gc: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Bins (N,) of GC counts among known bases, in whole numbers, so that 58 % never falls below its edge."""
    return np.minimum(gc.astype(np.int64) * _BINS // known, _BINS - 1)


def _quotas(share: np.ndarray, n: int) -> list[int]:
    """Whole numbers that add up to `n`, in proportion to `share`: the largest remainders are rounded up."""
    exact = share * n
    quotas = np.floor(exact + 1e-9).astype(int)
    rest = np.argsort(quotas - exact, kind="stable")[: n - quotas.sum()]
    quotas[rest] += 1
    return quotas.tolist()
