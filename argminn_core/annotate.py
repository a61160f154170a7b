"""What known motifs the learned ones resemble: Tomtom against JASPAR 2026.

motifs -> trimmed cores -> Tomtom p-values against every matrix -> q-values -> one row a motif.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import warnings
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd

from argminn_core.pfm import Motif, information, jaspar_collection

log = logging.getLogger(__name__)

MAX_Q = 0.1
FEW = 50  # motifs of a database: below, their own columns are a poor sample of all columns
# Tomtom's null takes the columns of a motif for independent, but flat columns keep company with flat columns,
# so flat matrices resemble each other "significantly". Random matrices of 0.8 bit a column and more get a
# match at q <= 0.1 in about a tenth of cases, as they should; of 0.45 bit in two thirds, of 0.25 bit always.
MIN_BITS = 0.8

# numba's plain thread pool ends the whole process when two threads enter it, and a web app has many.
_ONE_AT_A_TIME = threading.Lock()


class _Nearest(NamedTuple):
    """The best match of one core: its index in the database, p and q, the column that it starts at, its strand."""

    index: int
    p: float
    q: float
    offset: int
    strand: str


_KNOWN: dict[tuple[bytes, bytes], _Nearest] = {}  # by what was matched with what: a page asks again and again
_MOST_KNOWN = 10_000


class Named(Protocol):
    """Anything with a name and a PFM (4, W)."""

    @property
    def name(self) -> str: ...

    @property
    def pfm(self) -> np.ndarray: ...


def annotate(
    motifs: Iterable[Named | tuple[str, np.ndarray]],
    *,
    database: Sequence[Motif] | None = None,
    groups: Sequence[str] = ("vertebrates",),
    max_q: float = MAX_Q,
) -> pd.DataFrame:
    """The nearest known motif of every motif, where one is near enough.

    The trimmed core is matched, as it is shown. The first call on a machine compiles Tomtom, which takes a
    minute or more; the first of a process about a second and a half, later ones a tenth. What was matched before in
    this process is remembered.

    Parameters
    ----------
    motifs : iterable
        Objects with a `name` and a `pfm` (4, W), or pairs of these.
    database : sequence of Motif, optional
        What to match with, `FEW` motifs at least for p-values that can be trusted; by default JASPAR 2026 CORE.
    groups : sequence of str
        Taxonomic groups of JASPAR.
    max_q : float
        A nearest motif with a larger q-value (Benjamini-Hochberg over the database) is not named.

    Returns
    -------
    DataFrame
        One row a motif, in order: motif, match (id), match_name (the id where it has no other), q_value, p_value,
        offset, strand and width (of the match). The core starts at column `offset` of the match on that strand,
        before it when negative.
        Without a match, or with a core under 0.8 bit a column: empty texts, NaN, and 0.

    Raises
    ------
    InputError
        JASPAR has no such group.
    """
    pairs = [motif if isinstance(motif, tuple) else (motif.name, motif.pfm) for motif in motifs]
    known = list(database) if database is not None else jaspar_collection(groups)
    nothing = dict(match="", match_name="", q_value=np.nan, p_value=np.nan, offset=0, strand="", width=0)
    rows = [{"motif": name, **nothing} for name, _ in pairs]
    cores = {i: core for i, (_, pfm) in enumerate(pairs) if (core := _core(pfm)) is not None}
    if cores and known:
        for i, near in zip(cores, _nearest(list(cores.values()), known), strict=True):
            if near.q <= max_q:
                match = known[near.index]
                rows[i] |= dict(
                    match=match.name, match_name=match.alt or match.name, q_value=near.q, p_value=near.p
                )
                rows[i] |= dict(offset=near.offset, strand=near.strand, width=match.width)
    log.info("%d of %d motifs have a match", sum(bool(row["match"]) for row in rows), len(rows))
    return pd.DataFrame(rows, columns=["motif", *nothing])


def q_values(p: np.ndarray) -> np.ndarray:
    """Benjamini-Hochberg: the smallest false discovery rate at which each p-value (N,) is called, (N,)."""
    order = np.argsort(p)
    rates = p[order] * len(p) / np.arange(1, len(p) + 1)
    out = np.empty(len(p))
    out[order] = np.minimum(np.minimum.accumulate(rates[::-1])[::-1], 1.0)
    return out


def _core(pfm: np.ndarray) -> np.ndarray | None:
    """The trimmed columns (4, W); None where there is too little to tell motifs apart."""
    pfm = np.asarray(pfm, dtype=np.float64)
    start0, end0 = Motif("motif", pfm / pfm.sum(axis=0)).core()
    core = pfm[:, start0:end0]
    return core if end0 and information(core).mean() >= MIN_BITS else None


def _nearest(cores: list[np.ndarray], known: list[Motif]) -> list[_Nearest]:
    """The best match of each core (4, W), from memory where it is known."""
    database = hashlib.blake2b(digest_size=16)
    for motif in known:
        database.update(repr((motif.name, motif.width)).encode() + motif.pfm.tobytes())
    keys = [(database.digest(), core.tobytes()) for core in cores]
    with _ONE_AT_A_TIME:
        if len(_KNOWN) > _MOST_KNOWN:
            _KNOWN.clear()
        new = {key: core for key, core in zip(keys, cores, strict=True) if key not in _KNOWN}
        if new:
            _KNOWN.update(zip(new, _tomtom(list(new.values()), [motif.pfm for motif in known]), strict=True))
        return [_KNOWN[key] for key in keys]


def _tomtom(queries: list[np.ndarray], targets: list[np.ndarray]) -> list[_Nearest]:
    """The best of `targets` for each query; one thread at a time."""
    from memelite import tomtom

    if len(targets) < FEW:
        log.warning("%d known motifs are few: their p-values depend on which they are", len(targets))
    found = []
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # Tomtom says the same
        p_values, _, offsets, _, strands = tomtom(queries, targets)
    for p, offset, strand in zip(p_values, offsets, strands, strict=True):
        best = int(p.argmin())
        q = float(q_values(p)[best])
        found.append(_Nearest(best, float(p[best]), q, int(offset[best]), "-" if strand[best] else "+"))
    return found
