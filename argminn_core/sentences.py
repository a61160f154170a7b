"""A small logic over motifs: what a sequence may say, and whether it does.

    motif -> where it occurs (N, P) -> atoms (exists, gap, at least two) -> and, or, not -> bool (N,)

It is first-order logic with positional variables, cut down to what syntax in DNA is described with. `holds`
evaluates a sentence exactly: it is the truth that networks are measured against (`handwritten.write`,
`benchmarks/expressivity.py`), on sequences that `near_misses` makes as treacherous as it can.

A motif is a site in IUPAC letters; it occurs where every base is one of its column's. An N in a sequence is only
matched by an N of the site. Gaps are counted as everywhere here: bases between the end of the left occurrence
and the start of the right one, negative where they overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from argminn_core import dna
from argminn_core.errors import ConfigError, InputError

# Which of A, C, G, T each letter allows.
_IUPAC = {
    letter: [base in bases for base in "ACGT"]
    for letter, bases in {
        "A": "A", "C": "C", "G": "G", "T": "T", "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC",
        "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": "ACGT",
    }.items()
}  # fmt: skip


@dataclass(frozen=True)
class Sentence:
    """Something that is true or false of a sequence; combine with `&`, `|` and `~`."""

    def __and__(self, other: Sentence) -> And:
        return And((self, other))

    def __or__(self, other: Sentence) -> Or:
        return Or((self, other))

    def __invert__(self) -> Not:
        return Not(self)


@dataclass(frozen=True)
class Exists(Sentence):
    """The motif occurs."""

    motif: str

    def __str__(self) -> str:
        return f"exists {self.motif}"


@dataclass(frozen=True)
class AtLeastTwo(Sentence):
    """The motif occurs at two positions or more; the two may overlap."""

    motif: str

    def __str__(self) -> str:
        return f"at least two {self.motif}"


@dataclass(frozen=True)
class Gap(Sentence):
    """Some `left` and some `right` with `low` to `high` bases between them, both included; None: any number."""

    left: str
    right: str
    low: int = 0
    high: int | None = None

    def __post_init__(self) -> None:
        if self.high is not None and self.high < self.low:
            raise ConfigError(
                f"the gap between {self.left} and {self.right} has no length",
                found=f"{self.low} to {self.high}", expected="the smaller number first",
            )  # fmt: skip

    def __str__(self) -> str:
        if self.high is None:
            return f"{self.left} before {self.right}" + (f", gap from {self.low}" if self.low else "")
        if self.low == self.high:
            return f"{self.left} exactly {self.low} before {self.right}"
        return f"{self.left} {self.low} to {self.high} before {self.right}"


@dataclass(frozen=True)
class Not(Sentence):
    part: Sentence

    def __str__(self) -> str:
        return f"not {_nested(self.part)}"


@dataclass(frozen=True)
class _Joined(Sentence):
    parts: tuple[Sentence, ...]

    def __post_init__(self) -> None:
        if not self.parts:
            raise ConfigError("and, or join at least one sentence", found="none")


@dataclass(frozen=True)
class And(_Joined):
    def __str__(self) -> str:
        return " and ".join(map(_nested, self.parts))


@dataclass(frozen=True)
class Or(_Joined):
    def __str__(self) -> str:
        return " or ".join(map(_nested, self.parts))


def before(left: str, right: str) -> Gap:
    """Some `left` ends before some `right` starts."""
    return Gap(left, right)


def exactly(left: str, gap: int, right: str) -> Gap:
    """Some `left` with exactly `gap` bases between it and some `right`."""
    return Gap(left, right, gap, gap)


def within(left: str, low: int, high: int, right: str) -> Gap:
    """Some `left` with `low` to `high` bases between it and some `right`."""
    return Gap(left, right, low, high)


def _nested(part: Sentence) -> str:
    return f"({part})" if isinstance(part, (And, Or)) else str(part)


def atoms(sentence: Sentence) -> Iterator[Exists | AtLeastTwo | Gap]:
    """The parts without and, or, not, from left to right; one that is said twice comes twice."""
    match sentence:
        case Not(part):
            yield from atoms(part)
        case And(parts) | Or(parts):
            for part in parts:
                yield from atoms(part)
        case Exists() | AtLeastTwo() | Gap():
            yield sentence
        case _:
            raise ConfigError("this is no sentence", found=repr(sentence))


def motifs_of(sentence: Sentence) -> list[str]:
    """The names of the motifs that a sentence speaks of, in order of appearance."""
    names: list[str] = []
    for atom in atoms(sentence):
        names += [atom.left, atom.right] if isinstance(atom, Gap) else [atom.motif]
    return list(dict.fromkeys(names))


def columns(site: str) -> np.ndarray:
    """Which of A, C, G, T (rows) each column of an IUPAC site allows: bool (4, W)."""
    if not site:
        raise InputError("a site has no letters", expected="IUPAC letters such as AYGTTN")
    for at, letter in enumerate(site.upper()):
        if letter not in _IUPAC:
            raise InputError(
                f"site {site} has a letter that is not IUPAC at column {at + 1}",
                found=repr(letter), expected=" ".join(_IUPAC),
            )  # fmt: skip
    return np.array([_IUPAC[letter] for letter in site.upper()]).T


def self_overlap(site: str) -> int:
    """The smallest distance that two occurrences of a site can start apart: W where none can overlap another."""
    allowed = columns(site)
    width = allowed.shape[1]
    return next(
        (d for d in range(1, width) if (allowed[:, d:] & allowed[:, :-d]).any(0).all()),
        width,
    )


def occurrences(codes: np.ndarray, site: str) -> np.ndarray:
    """Where a site occurs: codes (N, L) to bool (N, P) by start, P = L - W + 1, none where L < W."""
    allowed = np.vstack([columns(site), np.zeros(len(site), dtype=bool)])
    allowed[dna.N_CODE] = allowed[: dna.N_CODE].all(0)
    count = max(codes.shape[1] - len(site) + 1, 0)
    found = np.ones((len(codes), count), dtype=bool)
    for column in range(len(site)):
        found &= allowed[codes[:, column : column + count], column]
    return found


def holds(sentence: Sentence, codes: np.ndarray, motifs: Mapping[str, str]) -> np.ndarray:
    """Whether a sentence is true of each sequence.

    Parameters
    ----------
    codes : (N, L) uint8.
    motifs : the sites, in IUPAC letters, of the names that the sentence uses.

    Returns
    -------
    ndarray of bool, (N,)
    """
    check_motifs(sentence, motifs)
    found = {name: occurrences(codes, motifs[name]) for name in motifs_of(sentence)}

    def truth(part: Sentence) -> np.ndarray:
        match part:
            case Exists(motif):
                return found[motif].any(1)
            case AtLeastTwo(motif):
                return found[motif].sum(1) >= 2
            case Gap(left, right, low, high):
                width = len(motifs[left])
                return _any_apart(
                    found[left], found[right], low + width, None if high is None else high + width
                )
            case Not(inner):
                return ~truth(inner)
            case And(parts):
                return np.logical_and.reduce([truth(p) for p in parts])
            case Or(parts):
                return np.logical_or.reduce([truth(p) for p in parts])
        raise ConfigError("this is no sentence", found=repr(part))

    return truth(sentence)


def check_motifs(sentence: Sentence, motifs: Mapping[str, str]) -> None:
    """Raise `ConfigError` where a sentence speaks of a motif that has no site."""
    for name in motifs_of(sentence):
        if name not in motifs:
            raise ConfigError(
                "the sentence speaks of an unknown motif", found=name, expected=", ".join(motifs)
            )


def _any_apart(left: np.ndarray, right: np.ndarray, low: int, high: int | None) -> np.ndarray:
    """Rows with some True of `left` (N, P) at p and some of `right` (N, Q) at q, low <= q - p <= high."""
    most = right.shape[1] - 1
    high = most if high is None else min(high, most)
    low = max(low, 1 - left.shape[1])
    hit = np.zeros(len(left), dtype=bool)
    for offset in range(low, high + 1):
        p, q = max(-offset, 0), max(offset, 0)
        size = min(left.shape[1] - p, right.shape[1] - q)
        hit |= (left[:, p : p + size] & right[:, q : q + size]).any(1)
    return hit


BROKEN = 0.1  # share of planted sites with one base that does not match
EDGE = 0.2  # share of sites that stand on the first or the last possible position


def near_misses(
    sentence: Sentence, motifs: Mapping[str, str], n: int, length: int, rng: np.random.Generator
) -> np.ndarray:
    """Random sequences, codes (n, length), that make each part of a sentence true, or only just not.

    For every atom each draws a scene: its motifs absent, alone, as they should be, a gap too short or too long by
    one or by anything, the wrong order, the right one on both sides of the left one, several of the left one of
    which one counts, two that overlap, a motif at either end. One planted site in ten has a base that does not
    match. Later sites overwrite earlier ones, so what a sequence says in the end is for `holds` to say; a gap that
    two sites contradict, each asking for another base at the same place, never comes out true.
    """
    check_motifs(sentence, motifs)
    parts = list(atoms(sentence))
    letters = {name: columns(motifs[name]) for name in motifs_of(sentence)}
    longest = max(map(len, (motifs[name] for name in letters)))
    if longest > length:
        raise ConfigError("a site is longer than the sequences", found=f"{longest} in {length} bp")
    codes = rng.integers(0, 4, (n, length), dtype=np.uint8)
    for row in codes:
        for part in rng.permutation(len(parts)):
            for name, start in _scene(parts[part], motifs, length, rng):
                allowed = letters[name]
                site = (rng.random(allowed.shape) * allowed).argmax(0)
                if rng.random() < BROKEN:
                    column = rng.integers(len(site))
                    site[column] = allowed[:, column].argmin()
                start = min(max(start, 0), length - len(site))
                row[start : start + len(site)] = site
    return codes


def _scene(
    atom: Sentence, motifs: Mapping[str, str], length: int, rng: np.random.Generator
) -> list[tuple[str, int]]:
    """Motifs and where they start, for one atom in one sequence."""

    def anywhere(name: str) -> tuple[str, int]:
        last = length - len(motifs[name])
        start = int(rng.integers(last + 1))
        return name, int(rng.choice([0, last])) if rng.random() < EDGE else start

    if not isinstance(atom, Gap):
        name = atom.motif
        match rng.integers(4):
            case 0:
                return []
            case 1:
                return [anywhere(name)]
            case 2:
                return [anywhere(name), anywhere(name)]
            case _:  # a second one over the first, which lasts where the site allows it
                first = anywhere(name)
                return [first, (name, first[1] + self_overlap(motifs[name]) * int(rng.choice([-1, 1])))]

    left, right, width = atom.left, atom.right, len(motifs[atom.left])
    room = max(length - width - len(motifs[right]), 0)
    gap = _gap(atom, room, rng)
    start = int(rng.integers(max(room - max(gap, 0), 0) + 1))
    pair = [(left, start), (right, start + width + gap)]
    match rng.integers(7):
        case 0:
            return [anywhere(name) for name in (left, right) if rng.random() < 0.5]
        case 1 | 2:
            return pair
        case 3:  # the wrong order
            return [(right, start), (left, start + len(motifs[right]) + max(gap, 0))]
        case 4:
            return [(right, int(rng.integers(start + 1))), *pair]
        case 5:
            return [*(anywhere(left) for _ in range(rng.integers(1, 5))), *pair]
        case _:  # of two that overlap one has the gap
            return [(left, start + self_overlap(motifs[left]) * int(rng.choice([-1, 1]))), *pair]


def _gap(atom: Gap, room: int, rng: np.random.Generator) -> int:
    """A gap that counts in half of the draws, else one that is off by one, or in a third of these any up to `room`."""
    high = max(atom.low, room) if atom.high is None else atom.high
    right = int(rng.integers(atom.low, high + 1))
    match rng.integers(6):
        case 0 | 1 | 2:
            return right
        case 3:
            return atom.low - 1
        case 4:
            return right if atom.high is None else high + 1
        case _:
            return int(rng.integers(room + 1))
