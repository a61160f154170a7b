"""A learned motif with a known one laid under it: two matrices -> where they fit -> one SVG.

Tomtom says *which* motif of a database is near; here is only found where the two lie on each other.
"""

from __future__ import annotations

from html import escape
from typing import NamedTuple

import numpy as np

from argminn_core.plot.logo import MUTED, Mode, logo_svg

_GAP = 16  # pixels between the logos, with the name of the known motif


class Alignment(NamedTuple):
    """Where a motif lies on a known one: its first column is the known one's `offset`, read on `strand`.

    Before it when `offset` is negative.
    """

    offset: int
    strand: str


def align(pfm: np.ndarray, known: np.ndarray, *, least: int = 4) -> Alignment:
    """The offset and strand at which columns agree most, weighted by how much both of them say.

    The score is the sum over shared columns of `(p - 1/4) . (q - 1/4)`: flat columns add nothing, columns that
    contradict each other take away. At least `least` columns are shared, or all of the shorter one.

    Parameters
    ----------
    pfm, known : ndarray
        (4, W) and (4, V), columns sum to 1.
    """
    width, other = pfm.shape[1], known.shape[1]
    shared = min(least, width, other)
    best, at = -np.inf, Alignment(0, "+")
    for strand, matrix in (("+", known), ("-", known[::-1, ::-1])):
        agreement = (pfm - 0.25).T @ (matrix - 0.25)  # (W, V)
        for offset in range(shared - width, other - shared + 1):
            score = float(np.trace(agreement, offset=offset))
            if score > best + 1e-9:
                best, at = score, Alignment(offset, strand)
    return at


def aligned_svg(
    pfm: np.ndarray,
    known: np.ndarray,
    at: Alignment,
    *,
    name: str,
    known_name: str,
    height: float = 60,
    most: float = 240,
    mode: Mode = "information",
    reverse: bool = False,
    ink: str = MUTED,
) -> str:
    """The logo of `pfm` and beneath it that of `known`, turned and shifted so that their columns lie on each other.

    Parameters
    ----------
    pfm, known : ndarray
        (4, W) and (4, V).
    at : Alignment
        From `align`.
    name, known_name : str
        Any text; it is escaped.
    height, most : float
        Pixels of one logo, and the widest that the picture may be.
    reverse : bool
        Show both on their other strand.
    ink : str
        Colour of the known motif's name.
    """
    turned = known if at.strand == "+" else known[::-1, ::-1]
    left = max(at.offset, 0), max(-at.offset, 0)  # columns before the learned and before the known one
    ends = left[0] + pfm.shape[1], left[1] + known.shape[1]
    columns = max(ends)
    if reverse:
        pfm, turned = pfm[::-1, ::-1], turned[::-1, ::-1]
        left = columns - ends[0], columns - ends[1]
    step = min(0.3 * height, most / columns)
    parts = [
        logo_svg(matrix, height=height, column_width=step, mode=mode, title=title).replace(
            "<svg ", f'<svg x="{before * step:.1f}" y="{y:.1f}" ', 1
        )
        for matrix, title, before, y in (
            (pfm, name, left[0], 0), (turned, known_name, left[1], height + _GAP),
        )
    ]  # fmt: skip
    total = 2 * height + _GAP + 2
    wide = max(columns * step, min(most, 7 * len(known_name)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.1f} {total:.1f}" width="{wide:.1f}" '
        f'height="{total:.1f}" role="img" aria-label="{escape(name)} above {escape(known_name)}" '
        'font-family="sans-serif">'
        f'{"".join(parts)}<text x="0" y="{height + _GAP - 4:.1f}" font-size="11" fill="{escape(ink)}">'
        f"{escape(known_name)}</text></svg>"
    )
