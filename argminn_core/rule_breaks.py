"""Decoys of a sequence's own making: its two strongest sites in neutral backgrounds, their arrangement kept or broken.

    calls -> Pair -> each arrangement x each background -> logit, and which of the sites are still called

A model that reads a rule and not only motifs must lose logit where the order, a strand or the distance is wrong. One
that reads motifs alone, or a pair that keeps no rule, loses nothing, and that is an answer too.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from argminn_core.checkpoint import ModelBundle
from argminn_core.dna import N_CODE, reverse_complement_codes
from argminn_core.fasta import Sequences
from argminn_core.instances import scan

INTACT = "intact"
# "Moved together" breaks nothing: models read positions, and it says what being moved that far costs by itself.
BREAKS = ("order swapped", "weaker strand flipped", "moved apart", "moved together", "stronger alone")

_APART = 50  # bases by which the gap of those moved apart exceeds that of nine in ten pairs


class Pair(NamedTuple):
    """The two strongest sites of sequence `row` from left to right: letters, starts, and which is the stronger."""

    row: int
    letters: tuple[np.ndarray, np.ndarray]
    start: tuple[int, int]
    strong: int

    @property
    def gap(self) -> int:
        return self.start[1] - self.start[0] - len(self.letters[0])

    def arranged(self, kind: str, gap: int, side: int = 1) -> list[tuple[int, np.ndarray]]:
        """Starts and letters in the order in which they are written: where the two overlap, the stronger one wins.

        `gap` is that of those moved apart; those moved together go as far, to the left (side -1) or right (1).
        """
        (left, right), (start, other) = self.letters, self.start
        weak = 1 - self.strong
        placed = [(start, left), (other, right)]
        if kind == "stronger alone":
            return [placed[self.strong]]
        away = (gap - self.gap) // 2
        if kind == "order swapped":  # the same bases, unless the two overlap
            placed = [(start + len(right) + max(self.gap, 0), left), (start, right)]
        elif kind == "weaker strand flipped":
            placed[weak] = (placed[weak][0], reverse_complement_codes(placed[weak][1]))
        elif kind == "moved apart":
            placed = [(start - away, left), (start - away + len(left) + gap, right)]
        elif kind == "moved together":
            placed = [(start + side * away, left), (other + side * away, right)]
        return [placed[weak], placed[self.strong]]


class Broken(NamedTuple):
    """What each arrangement did, columns in the order of `INTACT, *BREAKS`; NaN where it has no room.

    row: (pairs,), numbers of the sequences; logit: (pairs, 6), mean over the backgrounds; called: (pairs, 6), share
    of the planted sites that a call covers; gap: that of those moved apart.
    """

    row: np.ndarray
    logit: np.ndarray
    called: np.ndarray
    gap: int


def break_rules(bundle: ModelBundle, codes: np.ndarray, calls: pd.DataFrame, neutral: np.ndarray) -> Broken:
    """Plant the two strongest sites of codes (n, L), intact and broken, into each one's neutral (n, B, L).

    `calls` has the number of the sequence in `row`, and start0, end0, contribution.
    """
    found = pairs(codes, calls)
    kinds = (INTACT, *BREAKS)
    logit, called = (np.full((len(found), len(kinds)), np.nan) for _ in range(2))
    rows = np.array([pair.row for pair in found], dtype=int)
    if not found:
        return Broken(rows, logit, called, 0)
    gap = int(np.quantile([pair.gap for pair in found], 0.9)) + _APART
    designs, key, sites = [], [], []
    for i, pair in enumerate(found):
        for k, kind in enumerate(kinds):
            for draw, background in enumerate(neutral[pair.row]):
                placed = pair.arranged(kind, gap, side=1 - 2 * (draw % 2))
                if not all(_fits(background, start, letters) for start, letters in placed):
                    continue
                design = background.copy()
                for start, letters in placed:
                    design[start : start + len(letters)] = letters
                    sites.append((len(designs), start, start + len(letters)))
                designs.append(design)
                key.append((i, k))
    each, read = scan_codes(bundle, np.stack(designs))
    hit = _share_called(pd.DataFrame(sites, columns=["row", "start0", "end0"]), read)
    means = pd.DataFrame(key, columns=["pair", "kind"]).assign(logit=each, called=hit)
    means = means.groupby(["pair", "kind"], as_index=False).mean()
    at = means["pair"].to_numpy(), means["kind"].to_numpy()
    logit[at], called[at] = means["logit"], means["called"]
    return Broken(rows, logit, called, gap)


def pairs(codes: np.ndarray, calls: pd.DataFrame) -> list[Pair]:
    """Of every sequence with two sites. Calls that share half of the shorter one are one site: two filters that read
    the same bases make no arrangement.
    """
    found = []
    order = calls.sort_values("contribution", ascending=False, kind="stable")
    for row, own in order.groupby("row"):
        sites: list[tuple[int, int]] = []
        for start, end in own[["start0", "end0"]].itertuples(index=False):
            for i, (low, high) in enumerate(sites):
                if 2 * (min(end, high) - max(start, low)) >= min(end - start, high - low):
                    sites[i] = (min(start, low), max(end, high))
                    break
            else:
                sites.append((start, end))
        if len(sites) > 1:
            left, right = sorted(sites[:2])
            letters = codes[row, slice(*left)], codes[row, slice(*right)]
            found.append(Pair(int(row), letters, (left[0], right[0]), int(right == sites[0])))
    return found


def scan_codes(bundle: ModelBundle, codes: np.ndarray, **options: Any) -> tuple[np.ndarray, pd.DataFrame]:
    """Logits of codes (n, L), NaN for one that is all N, and INSTANCES with the number of the sequence as `row`."""
    result = scan(bundle, Sequences.from_codes(map(str, range(len(codes))), codes), **options)
    logit = np.full(len(codes), np.nan)
    logit[result.predictions["sequence"].astype(int)] = result.predictions["logit"]
    return logit, result.instances.assign(row=result.instances["sequence"].astype(int))


def _fits(background: np.ndarray, start: int, letters: np.ndarray) -> bool:
    end = start + len(letters)
    return start >= 0 and end <= len(background) and not (background[start:end] == N_CODE).any()


def _share_called(sites: pd.DataFrame, calls: pd.DataFrame) -> np.ndarray:
    """Share of the sites of each sequence, from 0 on, that share half of the shorter one with a call."""
    sites = sites.reset_index(names="site")
    both = sites.merge(calls[["row", "start0", "end0"]], on="row", suffixes=("", "_call"))
    shared = both[["end0", "end0_call"]].min(axis=1) - both[["start0", "start0_call"]].max(axis=1)
    shorter = np.minimum(both["end0"] - both["start0"], both["end0_call"] - both["start0_call"])
    hit = sites["site"].isin(both["site"][2 * shared >= shorter])
    return hit.groupby(sites["row"]).mean().to_numpy()
