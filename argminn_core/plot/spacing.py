"""Gaps as a static SVG: how often each was seen above what the model makes of it, on one axis."""

from __future__ import annotations

from html import escape

import numpy as np

WIDTH, BAND, LEFT, FOOT = 720, 96, 54, 32
_TOP, _APART, _RIGHT = 12, 18, 8
_SEEN, _CAUSAL = "#2f78c4", "#c2571a"


def spacing_svg(
    gaps: np.ndarray, sequences: np.ndarray, planted: np.ndarray, synergy: np.ndarray, low: np.ndarray,
    high: np.ndarray, *, title: str,
) -> str:  # fmt: skip
    """Bars of `sequences` (G,) at `gaps` (G,); below, `synergy` (H,) with its interval at the `planted` gaps (H,).

    The axis spans the gaps that were planted, or those that were seen where none was; without either the text is empty.
    Bars are as tall as the square root, so that a second preferred gap shows beside a frequent one. Text takes the
    colour of the page.
    """
    known = planted if len(planted) else gaps
    if not len(known):
        return ""
    first, last = int(known.min()), int(known.max())
    step = (WIDTH - LEFT - _RIGHT) / (last - first + 1)
    centre = {gap: LEFT + (gap - first + 0.5) * step for gap in range(first, last + 1)}
    parts = [_bars(gaps, sequences, centre, 0.84 * step)]
    bottom = _TOP + BAND
    if len(planted):
        parts.append(_line(planted, synergy, low, high, centre, bottom + _APART))
        bottom += _APART + BAND
    every = 10 if last - first <= 200 else 50
    ticks = "".join(
        f'<text x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">{gap}</text>'
        for gap, x in centre.items()
        if gap % every == 0
    )
    middle = (LEFT + WIDTH) / 2
    axis = f'{ticks}<text x="{middle}" y="{bottom + 29}" text-anchor="middle">gap (bp)</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + FOOT}" role="img" '
        f'aria-label="{escape(title)}" font-family="sans-serif" font-size="11" fill="currentColor">'
        f"{''.join(parts)}{axis}</svg>"
    )


def _bars(gaps: np.ndarray, sequences: np.ndarray, centre: dict[int, float], width: float) -> str:
    """A bar for each gap that was seen and lies on the axis, on a scale of square roots."""
    seen = [(g, n) for g, n in zip(gaps.tolist(), sequences.tolist(), strict=True) if g in centre and n > 0]
    top = max((n for _, n in seen), default=1)
    floor = _TOP + BAND

    def y(n: float) -> float:
        return floor - BAND * (n / top) ** 0.5

    bars = "".join(
        f'<rect x="{centre[g] - width / 2:.1f}" y="{y(n):.1f}" width="{width:.1f}" height="{floor - y(n):.1f}">'
        f"<title>gap {g}: {n} sequences</title></rect>"
        for g, n in seen
    )
    marks = dict.fromkeys((0, *((round(top / 4),) if top >= 8 else ()), top))
    return f'<g fill="{_SEEN}">{bars}</g>' + _scale({str(n): y(n) for n in marks}, "sequences", _TOP)


def _line(
    planted: np.ndarray, synergy: np.ndarray, low: np.ndarray, high: np.ndarray, centre: dict[int, float], top: float
) -> str:  # fmt: skip
    """The synergy at each planted gap within its interval, and a line at zero."""
    floor, ceiling = min(float(low.min()), 0.0), max(float(high.max()), 0.0)
    span = max(ceiling - floor, 1e-9)

    def points(gaps: np.ndarray, values: np.ndarray) -> list[str]:
        return [f"{centre[g]:.1f},{y(v):.1f}" for g, v in zip(gaps.tolist(), values.tolist(), strict=True)]

    def y(value: float) -> float:
        return top + BAND * (ceiling - value) / span

    order = np.argsort(planted)
    at = planted[order]
    edge = " ".join(points(at, high[order]) + points(at[::-1], low[order][::-1]))
    zero = f'<path stroke="currentColor" opacity=".4" d="M{LEFT} {y(0):.1f}H{WIDTH - _RIGHT}"/>'
    # A zero is marked where it has room between the ends.
    marks = {f"{floor:.2g}": y(floor), f"{ceiling:.2g}": y(ceiling)}
    if min(abs(y(0) - place) for place in marks.values()) > 11:
        marks["0"] = y(0)
    return (
        f'<polygon fill="{_CAUSAL}" opacity=".25" points="{edge}"/>'
        f'<polyline fill="none" stroke="{_CAUSAL}" stroke-width="1.6" points="{" ".join(points(at, synergy[order]))}"/>'
        f"{zero}{_scale(marks, 'synergy', top)}"
    )


def _scale(marks: dict[str, float], label: str, top: float) -> str:
    """Values at their heights left of a band, and what they are."""
    numbers = "".join(
        f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>' for text, y in marks.items()
    )
    turned = f"translate(14 {top + BAND / 2:.1f}) rotate(-90)"
    return f'{numbers}<text transform="{turned}" text-anchor="middle">{label}</text>'
