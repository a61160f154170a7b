"""What known motifs the learned ones resemble: Tomtom against JASPAR 2026.

motifs -> trimmed cores -> Tomtom p-values against every matrix -> q-values -> one row a motif.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
import pandas as pd

from argminn_core.pfm import Motif, information, jaspar_collection

log = logging.getLogger(__name__)

MAX_Q = 0.1
# Tomtom's null takes the columns of a motif for independent, but flat columns keep company with flat columns,
# so flat matrices resemble each other "significantly". Random matrices of 0.8 bit a column and more get a
# match at q <= 0.1 in about a tenth of cases, as they should; of 0.45 bit in two thirds, of 0.25 bit always.
MIN_BITS = 0.8

# numba's plain thread pool ends the whole process when two threads enter it, and a web app has many.
_ONE_AT_A_TIME = threading.Lock()


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
    minute or more; later ones take about a second.

    Parameters
    ----------
    motifs : iterable
        Objects with a `name` and a `pfm` (4, W), or pairs of these.
    database : sequence of Motif, optional
        What to match with, 50 motifs at least for p-values that can be trusted; by default JASPAR 2026 CORE.
    groups : sequence of str
        Taxonomic groups of JASPAR.
    max_q : float
        A nearest motif with a larger q-value (Benjamini-Hochberg over the database) is not named.

    Returns
    -------
    DataFrame
        One row a motif, in order: motif, match (id), match_name, q_value, p_value, offset, strand (of the
        match). The core starts at column `offset` of the match on that strand, before it when negative.
        Without a match, or with a core under 0.8 bit a column: empty texts, NaN, and 0.

    Raises
    ------
    InputError
        JASPAR has no such group.
    """
    pairs = [motif if isinstance(motif, tuple) else (motif.name, motif.pfm) for motif in motifs]
    known = list(database) if database is not None else jaspar_collection(groups)
    nothing = dict(match="", match_name="", q_value=np.nan, p_value=np.nan, offset=0, strand="")
    rows = [{"motif": name, **nothing} for name, _ in pairs]
    cores = {i: core for i, (_, pfm) in enumerate(pairs) if (core := _core(pfm)) is not None}
    if cores and known:
        p_values, offsets, strands = _tomtom(list(cores.values()), [motif.pfm for motif in known])
        for i, p, offset, strand in zip(cores, p_values, offsets, strands, strict=True):
            best = int(p.argmin())
            if (q := q_values(p)[best]) <= max_q:
                rows[i] |= dict(
                    match=known[best].name, match_name=known[best].alt, q_value=q, p_value=p[best]
                )
                rows[i] |= dict(offset=int(offset[best]), strand="-" if strand[best] else "+")
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


def _tomtom(
    queries: list[np.ndarray], targets: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """p-values, offsets and strands (1 for -), each (queries, targets)."""
    from memelite import tomtom

    with _ONE_AT_A_TIME:
        p_values, _, offsets, _, strands = tomtom(queries, targets)
    return p_values, offsets, strands
