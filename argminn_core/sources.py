"""What training draws from: a grammar, a fixed set of sequences, or peaks on a genome.

A source gives whole epochs of codes, half of them positive, from the generator that it is handed, and keeps none of
its own: an epoch depends on (seed, epoch) alone.
"""

from __future__ import annotations

import hashlib
from typing import Any, Protocol

import numpy as np

from argminn_core import dna
from argminn_core.errors import InputError
from argminn_core.simulate import Grammar, simulate_codes


class Source(Protocol):
    """Codes (n, L) uint8 and labels (n,) for training; `valid` and `test` are held out."""

    valid: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]

    def draw(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]: ...

    def reference(self) -> np.ndarray:
        """Training sequences of both classes for the filters' statistics, codes (n, L)."""
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
    codes = np.concatenate([positives, negatives])
    y = np.repeat(np.array([1, 0], dtype=np.uint8), [len(positives), len(negatives)])
    order = rng.permutation(len(y))
    return codes[order], y[order]


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

    def __init__(self, grammar: Grammar, *, length: int = 500, seed: int = 0, held_out: int = 2_000) -> None:
        self.grammar, self.length = grammar, length
        self.valid = self._set(np.random.default_rng([seed, 1 << 40]), held_out)
        self.test = self._set(np.random.default_rng([seed, 1 << 41]), held_out)
        self._reference = self._set(np.random.default_rng([seed, 1 << 42]), held_out)[0]

    def _set(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        half = n // 2
        positives = simulate_codes(self.grammar, half, rng, positives=True, length=self.length)
        negatives = simulate_codes(self.grammar, n - half, rng, positives=False, length=self.length)
        return _shuffled(rng, positives, negatives)

    def draw(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        return self._set(rng, n)

    def reference(self) -> np.ndarray:
        return self._reference

    def describe(self) -> dict[str, Any]:
        return {"kind": "grammar", "grammar": self.grammar.to_dict(), "length": self.length}


class ArraySource:
    """Fixed sequences, codes (N, L) with labels and a split of "train", "valid" and "test".

    Positives and negatives are drawn equally often, whatever their numbers, half of them reverse-complemented.
    """

    def __init__(self, codes: np.ndarray, y: np.ndarray, split: np.ndarray) -> None:
        self._codes, self._y, self._split = codes, np.asarray(y).astype(np.uint8), np.asarray(split)
        self.valid, self.test = (self._part(name) for name in ("valid", "test"))
        train = self._split == "train"
        self._positives = codes[train & (self._y == 1)]
        self._negatives = codes[train & (self._y == 0)]
        for label, rows in (("positive", self._positives), ("negative", self._negatives)):
            if not len(rows):
                raise InputError(f"there is no {label} sequence to train on", mend="Check the split and the input")

    def _part(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        rows = self._split == name
        return self._codes[rows], self._y[rows]

    def draw(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        half = n // 2
        positives = self._positives[_sample(rng, len(self._positives), half)]
        negatives = self._negatives[_sample(rng, len(self._negatives), n - half)]
        codes, y = _shuffled(rng, positives, negatives)
        return _flip_half(rng, codes), y

    def reference(self) -> np.ndarray:
        return np.concatenate([self._positives, self._negatives])

    def describe(self) -> dict[str, Any]:
        return {"kind": "sequences", "digest": digest(self._codes, self._y, self._split.astype("S5"))}
