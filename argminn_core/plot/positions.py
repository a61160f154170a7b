"""Where the instances of a motif lie in their sequences, as a small histogram in SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from argminn_core.plot.logo import MUTED

_WIDE, _TALL, _LEFT, _FOOT = 320, 96, 34, 34


def positions_svg(
    distances: Sequence[float], reach: float, *, colour: str, bins: int = 25, ink: str = MUTED
) -> str:
    """A histogram of distances (bp, negative to the left) from the centre of each sequence, from -reach to reach.

    Parameters
    ----------
    distances : sequence of float
        From an instance's middle to its sequence's.
    reach : float
        Half of the longest sequence, bp.
    colour : str
        CSS colour of the bars.
    bins : int
        An odd number has a bar over the centre.
    ink : str
        Colour of the text.
    """
    counts, _ = np.histogram(np.asarray(distances, dtype=float), bins=bins, range=(-reach, reach))
    top = max(int(counts.max(initial=0)), 1)
    step = (_WIDE - _LEFT) / bins
    bars = "".join(
        f'<rect x="{_LEFT + i * step + 0.5:.1f}" y="{_TALL * (1 - n / top):.1f}" width="{step - 1:.1f}" '
        f'height="{_TALL * n / top:.1f}"><title>{n} between {-reach + 2 * reach * i / bins:.0f} and '
        f"{-reach + 2 * reach * (i + 1) / bins:.0f} bp</title></rect>"
        for i, n in enumerate(counts.tolist())
        if n
    )
    base = _TALL + 0.5
    ticks = "".join(
        f'<text x="{x:.1f}" y="{_TALL + 14}" text-anchor="{anchor}">{label}</text>'
        for x, anchor, label in (
            (_LEFT, "start", f"-{reach:.0f}"), ((_LEFT + _WIDE) / 2, "middle", "centre"),
            (_WIDE, "end", f"+{reach:.0f}"),
        )
    )  # fmt: skip
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -8 {_WIDE} {_TALL + _FOOT + 8}" width="{_WIDE}" '
        f'height="{_TALL + _FOOT + 8}" role="img" aria-label="positions of {len(distances)} instances" '
        f'font-family="sans-serif" font-size="11" fill="{escape(ink)}"><g fill="{escape(colour)}">{bars}</g>'
        f'<path d="M{_LEFT} {base}H{_WIDE}" stroke="{escape(ink)}" stroke-opacity=".5"/>'
        f'<text x="{_LEFT - 6}" y="4" text-anchor="end">{top}</text>'
        f'<text x="{_LEFT - 6}" y="{base}" text-anchor="end">0</text>'
        f'{ticks}<text x="{(_LEFT + _WIDE) / 2:.1f}" y="{_TALL + 30}" text-anchor="middle">'
        "distance from the sequence's centre (bp)</text></svg>"
    )
