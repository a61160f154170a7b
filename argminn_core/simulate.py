"""Sequences made by a known grammar, with the truth of what was planted.

grammar -> random background without chance matches -> planted sites -> half reverse-complemented
-> codes (n, L) and PLACEMENTS.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from argminn_core.backgrounds import Avoider, random_codes
from argminn_core.dna import decode, reverse_complement_codes
from argminn_core.errors import ConfigError
from argminn_core.fasta import Sequences
from argminn_core.grammars import GRAMMARS, Configuration, Grammar, MotifSource, grammar, motifs_of
from argminn_core.tables import PLACEMENTS

__all__ = [
    "GRAMMARS", "Configuration", "Grammar", "MotifSource", "Simulated", "grammar", "motifs_of", "simulate",
    "simulate_codes", "start_range",
]  # fmt: skip

CENTRE_RANGE = 50  # bp: how far a configuration's centre may lie from the middle of the sequence


@lru_cache(maxsize=64)
def _avoider(grammar: Grammar) -> Avoider:
    return Avoider([motif.pfm for motif in motifs_of(grammar).values()], grammar.avoid)


class Simulated(NamedTuple):
    """Sequences and what was planted in them.

    codes : ndarray
        (n, L) uint8.
    truth : DataFrame
        PLACEMENTS, by sequence and then start0. `site` is what was drawn, as the motif reads on its own
        strand: for strand - the reverse complement of the sequence from start0 to end0.
    names : list of str
        (n,), those of `truth`; a background without any motif has a name too.
    """

    codes: np.ndarray
    truth: pd.DataFrame
    names: list[str]


class _Planted(NamedTuple):
    """One motif of one configuration in m sequences."""

    motif: str
    strand: str
    rows: np.ndarray  # (m,)
    start0: np.ndarray  # (m,)
    site: np.ndarray  # (m, W) uint8, on the motif's own strand


def simulate(
    grammar: Grammar,
    n: int,
    *,
    length: int = 500,
    seed: int | np.random.Generator,
    positives: bool = True,
    gc: float = 0.5,
) -> Simulated:
    """Make `n` sequences of `length` bp and the table of what was planted.

    Every sequence draws a configuration, gaps, and a centre within 50 bp of the middle; its letters are drawn
    from the PFMs column by column; half of the sequences are then reverse-complemented, the truth with them.

    Parameters
    ----------
    grammar : Grammar
        One of `GRAMMARS`, or a user's own.
    n, length : int
        How many sequences, of how many bases.
    seed : int or Generator
        What to draw from.
    positives : bool
        Make positives, named pos_000001 and so on; otherwise negatives, neg_000001.
    gc : float
        Share of G and C in the backgrounds; the sites are drawn from their PFMs whatever it is.

    Raises
    ------
    ConfigError
        A configuration is longer than the sequences, or no background can avoid the motifs.
    """
    codes, planted, flipped = _draw(grammar, n, np.random.default_rng(seed), positives, length, gc)
    prefix = "pos" if positives else "neg"
    names = [f"{prefix}_{row:06d}" for row in range(1, n + 1)]
    return Simulated(codes, _truth(planted, flipped, length, prefix), names)


def both_classes(
    grammar: Grammar, n: int, *, length: int = 500, gc: float = 0.5, seed: int
) -> tuple[Sequences, Sequences]:
    """`n` positives and `n` negatives of a grammar as sequences, from `seed` and the next one."""
    good, bad = (
        simulate(grammar, n, length=length, gc=gc, seed=seed + number, positives=positives)
        for number, positives in enumerate((True, False))
    )
    return Sequences.from_codes(good.names, good.codes), Sequences.from_codes(bad.names, bad.codes)


def simulate_codes(
    grammar: Grammar, n: int, rng: np.random.Generator, positives: bool = True, *, length: int = 500
) -> np.ndarray:
    """The codes (n, length) of `simulate` without its table, for training."""
    return _draw(grammar, n, rng, positives, length)[0]


def _draw(
    grammar: Grammar, n: int, rng: np.random.Generator, positives: bool, length: int, gc: float = 0.5
) -> tuple[np.ndarray, list[_Planted], np.ndarray]:
    codes = random_codes(rng, n, length, gc=gc)
    _avoider(grammar).clear(codes, rng, gc=gc)
    planted = list(_plant(grammar, codes, rng, positives))
    flipped = rng.random(n) < 0.5
    codes[flipped] = reverse_complement_codes(codes[flipped])
    return codes, planted, flipped


def _plant(
    grammar: Grammar, codes: np.ndarray, rng: np.random.Generator, positives: bool
) -> Iterator[_Planted]:
    """Write the configurations into `codes`, in place; yield what was written."""
    n, length = codes.shape
    motifs = motifs_of(grammar)
    configurations = grammar.positives if positives else grammar.negatives
    bounds = np.cumsum([c.probability for c in configurations])
    drawn = np.searchsorted(bounds[:-1], rng.random(n), side="right")
    for index, configuration in enumerate(configurations):
        rows = np.flatnonzero(drawn == index)
        if not len(rows) or not configuration.motifs:
            continue
        widths = [motifs[name].width for name in configuration.motifs]
        gaps = [rng.integers(low, high, size=len(rows), endpoint=True) for low, high in configuration.gaps]
        span = sum(widths) + sum(gaps, np.zeros(len(rows), dtype=np.int64))
        low, high = start_range(span, length)
        if (low > high).any():
            raise ConfigError(
                f"grammar {grammar.name} does not fit into the sequences", found=f"{span.max()} bp",
                expected=f"at most {length} bp", mend="Ask for longer sequences",
            )  # fmt: skip
        start0 = rng.integers(low, high, endpoint=True)
        for (name, strand), width, gap in zip(configuration.sites, widths, [*gaps, 0], strict=True):
            site = _sample(motifs[name].pfm, len(rows), rng)
            written = site if strand == "+" else reverse_complement_codes(site)
            codes[rows[:, None], start0[:, None] + np.arange(width)] = written
            yield _Planted(name, strand, rows, start0, site)
            start0 = start0 + width + gap


def start_range(span: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """First and last start0 that put the centre of `span` bases within 50 bp of the middle of `length`."""
    low = np.maximum((length - span + 1) // 2 - CENTRE_RANGE, 0)
    return low, np.minimum((length - span) // 2 + CENTRE_RANGE, length - span)


def _sample(pfm: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Letters (n, W) uint8 drawn column by column from `pfm` (4, W)."""
    upto = np.cumsum(pfm, axis=0)
    draws = rng.random((n, pfm.shape[1]))
    return (draws >= upto[0]).view(np.uint8) + (draws >= upto[1]) + (draws >= upto[2])


def _truth(planted: list[_Planted], flipped: np.ndarray, length: int, prefix: str) -> pd.DataFrame:
    if not planted:
        return PLACEMENTS.empty().assign(site=pd.Series(dtype=object))
    parts = []
    for motif, strand, rows, start0, site in planted:
        turned = flipped[rows]
        width = site.shape[1]
        start = np.where(turned, length - start0 - width, start0)
        text = decode(site.reshape(-1))
        parts.append(
            pd.DataFrame({
                "row": rows, "start0": start, "end0": start + width, "motif": motif,
                "strand": np.where(turned == (strand == "+"), "-", "+"),
                "site": [text[at : at + width] for at in range(0, len(text), width)],
            })
        )  # fmt: skip
    frame = pd.concat(parts, ignore_index=True).sort_values(["row", "start0"], ignore_index=True)
    frame["sequence"] = [f"{prefix}_{row + 1:06d}" for row in frame.pop("row")]
    return PLACEMENTS.check(frame)
