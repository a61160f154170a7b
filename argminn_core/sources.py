"""What training draws from: a grammar, a fixed set of sequences, or peaks on a genome.

A source gives whole epochs of codes, half of them positive, from the generator that it is handed, and keeps none of
its own: an epoch depends on (seed, epoch) alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd

from argminn_core import dna
from argminn_core.errors import InputError
from argminn_core.genome import Genome
from argminn_core.negatives import GcMatcher, dinucleotide_shuffle
from argminn_core.regions import parse_ranges, split_by_chrom, split_ranges, windows
from argminn_core.simulate import Grammar, simulate_codes
from argminn_core.tables import DROPPED


class Source(Protocol):
    """Codes (n, L) uint8 and labels (n,) for training; `valid` and `test` are held out."""

    length: int
    valid: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]

    def draw(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]: ...

    def training(self) -> tuple[np.ndarray, np.ndarray]:
        """A fixed set of training sequences with labels: for the filters' statistics and for choosing motifs."""
        ...

    def describe(self) -> dict[str, Any]:
        """What a resumed run must share with the one before, as plain JSON."""
        ...


def digest(*arrays: np.ndarray) -> str:
    """A short name for the content of arrays."""
    hasher = hashlib.sha256()
    for array in arrays:
        hasher.update(np.ascontiguousarray(array).tobytes())
    return hasher.hexdigest()[:16]


def _shuffled(
    rng: np.random.Generator, positives: np.ndarray, negatives: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    codes, y = _labelled(positives, negatives)
    order = rng.permutation(len(y))
    return codes[order], y[order]


def _labelled(positives: np.ndarray, negatives: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([positives, negatives]), np.repeat([1, 0], [len(positives), len(negatives)])


def _sample(rng: np.random.Generator, pool: int, n: int) -> np.ndarray:
    """`n` of `pool` row numbers, every row about equally often."""
    rounds = [rng.permutation(pool) for _ in range(-(-n // pool))]
    return np.concatenate(rounds)[:n]


def _flip_half(rng: np.random.Generator, codes: np.ndarray) -> np.ndarray:
    """Reverse-complement a random half."""
    flip = rng.random(len(codes)) < 0.5
    codes = codes.copy()
    codes[flip] = dna.reverse_complement_codes(codes[flip])
    return codes


class GrammarSource:
    """Fresh simulated sequences in every epoch; the held-out sets come from generators that no epoch uses."""

    def __init__(
        self,
        grammar: Grammar,
        *,
        length: int = 500,
        seed: int = 0,
        held_out: int = 2_000,
        reference: int = 8_000,
    ) -> None:
        self.grammar, self.length = grammar, length
        self.valid = self._set(np.random.default_rng([seed, 1 << 40]), held_out)
        self.test = self._set(np.random.default_rng([seed, 1 << 41]), held_out)
        self._training = self._set(np.random.default_rng([seed, 1 << 42]), reference)

    def _set(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        half = n // 2
        positives = simulate_codes(self.grammar, half, rng, positives=True, length=self.length)
        negatives = simulate_codes(self.grammar, n - half, rng, positives=False, length=self.length)
        return _shuffled(rng, positives, negatives)

    def draw(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        return self._set(rng, n)

    def training(self) -> tuple[np.ndarray, np.ndarray]:
        return self._training

    def describe(self) -> dict[str, Any]:
        held_out = digest(*self.valid)
        return {
            "kind": "grammar",
            "grammar": self.grammar.to_dict(),
            "length": self.length,
            "held_out": held_out,
        }


class ArraySource:
    """Fixed sequences, codes (N, L) with labels and a split of "train", "valid" and "test".

    Positives and negatives are drawn equally often, whatever their numbers, half of them reverse-complemented.
    """

    def __init__(self, codes: np.ndarray, y: np.ndarray, split: np.ndarray) -> None:
        self.length = codes.shape[1]
        self._codes, self._y, self._split = codes, np.asarray(y).astype(np.uint8), np.asarray(split)
        self.valid, self.test = (self._part(name) for name in ("valid", "test"))
        train = self._split == "train"
        self._positives = codes[train & (self._y == 1)]
        self._negatives = codes[train & (self._y == 0)]
        for label, rows in (("positive", self._positives), ("negative", self._negatives)):
            if not len(rows):
                raise InputError(
                    f"there is no {label} sequence to train on", mend="Check the split and the input"
                )

    def _part(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        rows = self._split == name
        return self._codes[rows], self._y[rows]

    def draw(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        half = n // 2
        positives = self._positives[_sample(rng, len(self._positives), half)]
        negatives = self._negatives[_sample(rng, len(self._negatives), n - half)]
        codes, y = _shuffled(rng, positives, negatives)
        return _flip_half(rng, codes), y

    def training(self) -> tuple[np.ndarray, np.ndarray]:
        return _labelled(self._positives, self._negatives)

    def describe(self) -> dict[str, Any]:
        return {"kind": "sequences", "digest": digest(self._codes, self._y, self._split.astype("S5"))}


def _reaches(regions: pd.DataFrame, ranges: Sequence[tuple[str, int, int]], reach: int) -> np.ndarray:
    """Which regions (N,) have a window, `reach` bases to each side of the summit, that touches one of `ranges`."""
    touched = np.zeros(len(regions), dtype=bool)
    summit = regions["summit0"].to_numpy()
    for chrom, start, end in ranges:
        touched |= (regions["chrom"] == chrom).to_numpy() & (summit + reach > start) & (summit - reach < end)
    return touched


class PeakSource:
    """Peaks on a genome: windows on their summits, shifted a little in every epoch, against fresh negatives.

    Parameters
    ----------
    regions : REGIONS, all peaks; those that cannot be used are in `dropped` with their reasons.
    valid, test : chromosomes or ranges that are held out, such as "chr22" or "chr20:0-12000000".
    negatives : "gc" draws windows of the same GC content from the same part of the genome, at least 1 kb from any
        peak, anew in every epoch; "shuffle" shuffles the positives, keeping their dinucleotides.
    shift : training windows move by up to so many bases; held-out ones stay on the summit. Small, since where a motif
        lies relative to the summit is the strongest evidence that there is.
    """

    def __init__(
        self, regions: pd.DataFrame, genome: Genome, *, length: int = 500, valid: Sequence[str],
        test: Sequence[str], negatives: Literal["gc", "shuffle"] = "gc", shift: int = 12, seed: int = 0,
    ) -> None:  # fmt: skip
        codes, kept, self.dropped = windows(regions, genome, length=length)
        if not len(kept):
            reasons = ", ".join(
                f"{n} x {reason}" for reason, n in self.dropped["reason"].value_counts().items()
            )
            raise InputError(
                "no peak can be used", found=reasons, mend="Check that peaks and genome are one assembly"
            )
        self.length, self.shift, self.kind, self.seed = length, shift, negatives, seed
        split = split_by_chrom(kept, valid=valid, test=test)
        held_out = parse_ranges([*valid, *test], set(kept["chrom"]))
        apart = (split != "train") | ~_reaches(kept, held_out, length // 2 + shift)
        leaks = [
            {"record": name, "reason": "next to a held-out range", "detail": f"summit {chrom}:{summit}"}
            for name, chrom, summit in kept.loc[~apart, ["name", "chrom", "summit0"]].itertuples(index=False)
        ]
        self.dropped = pd.concat([self.dropped, DROPPED.frame(leaks)], ignore_index=True)
        codes, kept, split = codes[apart], kept[apart].reset_index(drop=True), split[apart]
        self.regions, self.split = kept, split
        for part in ("train", "valid", "test"):
            if not (split == part).any():
                raise InputError(
                    f"no peak lies in the {part} part", mend="Choose other chromosomes for the split"
                )
        ranges = split_ranges(list(dict.fromkeys(kept["chrom"])), valid=valid, test=test)
        self._digest = digest(codes, split.astype("S5"))
        self._positives = codes[split == "train"]
        self._wide = self._with_margins(kept[split == "train"], genome)
        self._matcher = None
        held = {}
        for part in ("train", "valid", "test"):
            mine = codes[split == part]
            if negatives == "gc":
                matcher = GcMatcher(
                    genome, kept[split == part], length=length, exclude=regions, ranges=ranges[part]
                )
                draw = 43 if part == "train" else 44
                theirs = matcher.sample(len(mine), np.random.default_rng([seed, 1 << draw])).codes
                if not len(theirs):
                    raise InputError(
                        f"no window of the {part} part matches its peaks in GC content and lies apart from all peaks",
                        mend="Choose other chromosomes for the split, or shuffled negatives",
                    )
                if part == "train":
                    self._matcher, self._negatives = matcher, theirs
                    continue
            else:
                theirs = dinucleotide_shuffle(mine, seed=seed)
                if part == "train":
                    self._negatives = theirs
                    continue
            held[part] = _shuffled(np.random.default_rng([seed, 1 << 45]), mine, theirs)
        self.valid, self.test = held["valid"], held["test"]

    def _with_margins(self, regions: pd.DataFrame, genome: Genome) -> np.ndarray:
        """Codes (n, length + 2 * shift) around the summits, N beyond the ends of a chromosome."""
        wide = self.length + 2 * self.shift
        codes = np.full((len(regions), wide), dna.N_CODE, dtype=np.uint8)
        for row, (chrom, summit) in enumerate(zip(regions["chrom"], regions["summit0"], strict=True)):
            whole, start = genome.codes(chrom), summit - self.length // 2 - self.shift
            lo, hi = max(start, 0), min(start + wide, len(whole))
            codes[row, lo - start : hi - start] = whole[lo:hi]
        return codes

    def draw(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        half = n // 2
        rows = _sample(rng, len(self._wide), half)
        offset = rng.integers(0, 2 * self.shift + 1, half)
        positives = np.take_along_axis(
            self._wide[rows], offset[:, None] + np.arange(self.length)[None], axis=1
        )
        if self._matcher is not None:
            negatives = self._matcher.sample(n - half, rng).codes
            if len(negatives) < n - half:  # a small genome has not so many: they come more than once
                negatives = negatives[_sample(rng, len(negatives), n - half)]
        else:
            source = _sample(rng, len(self._positives), n - half)
            negatives = dinucleotide_shuffle(self._positives[source], seed=int(rng.integers(2**31)))
        codes, y = _shuffled(rng, positives, negatives)
        return _flip_half(rng, codes), y

    def training(self) -> tuple[np.ndarray, np.ndarray]:
        return _labelled(self._positives, self._negatives)

    def describe(self) -> dict[str, Any]:
        return {
            "kind": "peaks", "digest": self._digest, "length": self.length, "negatives": self.kind,
            "shift": self.shift, "seed": self.seed,
        }  # fmt: skip
