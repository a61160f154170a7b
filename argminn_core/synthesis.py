"""What a synthesis provider will ask of a sequence: GC, homopolymers, repeats, restriction sites.

Coordinates are 0-based and half-open; N is never part of what is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

import numpy as np
import pandas as pd

from argminn_core.dna import ALPHABET, N_CODE, decode, gc_content
from argminn_core.errors import InputError


class Run(NamedTuple):
    """A homopolymer."""

    letter: str
    start0: int
    length: int


class Repeat(NamedTuple):
    """The same letters at two places of one strand."""

    first0: int
    second0: int
    length: int


def gc_windows(codes: np.ndarray, *, window: int = 50) -> np.ndarray:
    """GC share of every window, one base apart, (L - window + 1,); of the whole where that is shorter."""
    return gc_content(np.lib.stride_tricks.sliding_window_view(codes, min(window, len(codes))))


def homopolymers(codes: np.ndarray, *, length: int = 1) -> list[Run]:
    """Runs of one base that are at least `length` long, from left to right; N does not count."""
    runs, start = [], 0
    for code, group in groupby(codes.tolist()):
        count = sum(1 for _ in group)
        if code != N_CODE and count >= length:
            runs.append(Run(ALPHABET[code], start, count))
        start += count
    return runs


def longest_homopolymer(codes: np.ndarray) -> Run:
    """The longest run of one base, the first of several; an empty one where there is none."""
    return max(homopolymers(codes), key=lambda run: run.length, default=Run("", 0, 0))


def repeats(codes: np.ndarray, *, length: int = 20) -> list[Repeat]:
    """Stretches of at least `length` bases that were seen before on the same strand, each as long as it goes.

    The earlier copy is the first one; N matches nothing.
    """
    text = decode(codes)
    seen: dict[str, int] = {}
    found: list[Repeat] = []
    for start, end in enumerate(range(length, len(text) + 1)):
        word = text[start:end]
        if "N" in word or (first := seen.setdefault(word, start)) == start:
            continue
        last = found[-1] if found else Repeat(0, 0, 0)
        goes_on = last.second0 + last.length == end - 1 and text[last.first0 + last.length] == word[-1]
        if goes_on:
            found[-1] = last._replace(length=last.length + 1)
        else:
            found.append(Repeat(first, start, length))
    return found


def restriction_sites(codes: np.ndarray, enzymes: Iterable[str]) -> pd.DataFrame:
    """Where enzymes bind, on either strand: columns enzyme, start0, end0, strand; a palindrome counts once.

    Raises
    ------
    InputError : an enzyme that Biopython's copy of REBASE does not know.
    """
    text = decode(codes)
    rows = []
    for enzyme in enzymes:
        for strand, pattern, width in _recognition(enzyme):
            rows += [(enzyme, m.start(), m.start() + width, strand) for m in re.finditer(pattern, text)]
    frame = pd.DataFrame(rows, columns=["enzyme", "start0", "end0", "strand"])
    return frame.sort_values(["start0", "enzyme"], ignore_index=True)


@lru_cache(maxsize=256)
def _recognition(enzyme: str) -> list[tuple[str, str, int]]:
    """(strand, pattern, width) of each sequence that the enzyme recognises, written on the + strand."""
    from Bio import Seq  # with REBASE a quarter of a second, and rarely asked for
    from Bio.Data.IUPACData import ambiguous_dna_values
    from Bio.Restriction.Restriction_Dictionary import rest_dict

    if enzyme not in rest_dict:
        raise InputError(
            "an enzyme is not known", found=repr(enzyme), expected="a REBASE name such as EcoRI or BsaI",
            mend="Names are case-sensitive, and end in a Roman numeral",
        )  # fmt: skip
    found = []
    for site in rest_dict[enzyme]["site"].split("|"):
        other = Seq.reverse_complement(site)
        found += [("+", site)] if site == other else [("+", site), ("-", other)]
    # A look-ahead, so that sites which overlap are all found.
    classes = {letter: f"[{bases}]" for letter, bases in ambiguous_dna_values.items()}
    return [(strand, f"(?={''.join(map(classes.get, site))})", len(site)) for strand, site in found]
