"""Designs one above the other on one ruler, as SVG: arrows for placements, a name before each track."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import pandas as pd

RIGHT, ROW, TOP = 80, 34, 24
NAME = 24  # letters that a name may have
STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000)


def stacked_tracks_svg(
    tracks: Sequence[tuple[str, str, pd.DataFrame]],
    length: int,
    colours: Mapping[str, str],
    *,
    width: int = 1000,
    ink: str = "#31333f",
) -> str:
    """Tracks as an SVG document.

    Parameters
    ----------
    tracks : sequence of (str, str, DataFrame)
        What stands before and behind each track, and its PLACEMENTS; any text, it is escaped.
    length : int
        Bases of a track.
    colours : mapping
        Motif -> `#rrggbb`; grey where it has none.
    width : int
        Pixels.
    ink : str
        Colour of text and lines.
    """
    left = 40 + 7 * max((min(len(before), NAME) for before, _, _ in tracks), default=0)
    scale = (width - left - RIGHT) / max(length, 1)
    height = TOP + ROW * len(tracks) + 4
    step = next((step for step in STEPS if step * scale >= 60), STEPS[-1])
    parts = []
    for base in range(0, length + 1, step):
        x = left + base * scale
        parts.append(f'<path d="M{x:.1f} {TOP - 5}V{height}" stroke="{ink}" stroke-opacity=".13"/>')
        parts.append(
            f'<text x="{x:.1f}" y="{TOP - 9}" text-anchor="middle" fill-opacity=".7" font-size="11">{base}</text>'
        )
    for number, (before, behind, placements) in enumerate(tracks):
        y = TOP + ROW * number + ROW / 2
        end = left + length * scale
        parts.append(f'<path d="M{left} {y}H{end:.1f}" stroke="{ink}" stroke-opacity=".45"/>')
        parts.append(f'<text x="{left - 12}" y="{y + 4}" text-anchor="end">{escape(_short(before))}</text>')
        parts.append(
            f'<text x="{end + 10:.1f}" y="{y + 4}" font-weight="600">{escape(_short(behind))}</text>'
        )
        for row in placements.itertuples():
            parts.append(_arrow(row, left, y, scale, colours.get(row.motif, "#808080")))
    names = ", ".join(before for before, _, _ in tracks)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(f"Tracks of {names}")}" font-family="sans-serif" font-size="13" '
        f'fill="{ink}">{"".join(parts)}</svg>'
    )


def _arrow(row: object, origin: float, y: float, scale: float, colour: str) -> str:
    """A site above the line on the + strand, beneath it on the other, pointing where it reads."""
    left, right = origin + row.start0 * scale, origin + row.end0 * scale
    tip = min(6.0, (right - left) / 2)
    top = y - 12 if row.strand == "+" else y + 1
    middle, bottom = top + 5.5, top + 11
    points = (
        [(left, top), (right - tip, top), (right, middle), (right - tip, bottom), (left, bottom)]
        if row.strand == "+"
        else [(left + tip, top), (right, top), (right, bottom), (left + tip, bottom), (left, middle)]
    )
    shape = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
    title = escape(f"{row.motif} {row.start0}-{row.end0} ({row.strand})")
    return f'<polygon points="{shape}" fill="{escape(colour)}"><title>{title}</title></polygon>'


def _short(text: str, most: int = NAME) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
