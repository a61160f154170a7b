"""The network as a picture with its own motifs: sequence -> filters -> layers and memory stream -> logit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from argminn_core.plot.logo import COLOURS, MUTED, logo_svg

_TOP, _ROW, _BODY = 58, 42, 252  # pixels: above the body, a logo with its name, the body
_SHOWN = _BODY // _ROW
_ACCENT = "#2f78c4"


def architecture_svg(
    motifs: Sequence[tuple[str, np.ndarray]],
    colours: Mapping[str, str],
    *,
    length: int,
    filters: int,
    width: int,
    layers: int,
    heads: int,
    strands: int = 2,
    evidence: bool = False,
    ink: str = "#31333f",
) -> str:
    """Draw a model of this shape, with up to six of its motifs in the scanner.

    Parameters
    ----------
    motifs : sequence of (str, ndarray)
        Name and PFM (4, w) in the order of their importance; the first six are drawn.
    colours : mapping
        CSS colour of each motif name.
    length, filters, width, layers, heads : int
        Of the configuration.
    strands : int
        2 when every filter is also scanned reverse-complemented.
    evidence : bool
        Every filter also adds to the logit by itself.
    ink : str
        Colour of the text; an <img> cannot see the theme of its page.
    """
    bottom = _TOP + _BODY
    height = bottom + (66 if evidence else 40)
    parts = [
        _head(0, "Sequence", f"{length:,} bp"),
        _sequence(),
        _head(170, "Motif scanner", f"{filters} filters of {width} bp" + ", both strands" * (strands == 2)),
        _scanner(motifs, colours, filters),
        _head(500, "Syntax builder", f"{layers} layers of {heads} heads read the activations"),
        _layers(layers, heads),
        _head(850, "Prediction", "one logit"),
        _stream(),
    ]
    if evidence:
        y = bottom + 24
        parts.append(
            f'<path d="M310 {bottom}V{y}H893V{_TOP + _BODY / 2 + 34}" fill="none" stroke-dasharray="5 4" '
            f'stroke="{_ACCENT}" marker-end="url(#arrow)"/>'
            + _text(600, y + 18, "evidence: every motif also adds to the logit by itself", anchor="middle")
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 {height}" width="960" height="{height}" '
        f'role="img" aria-label="Architecture of the model" font-family="sans-serif" fill="{escape(ink)}">'
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        f'orient="auto"><path d="M0 0L8 4L0 8z" fill="{_ACCENT}"/></marker></defs>{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, text: str, *, size: int = 12, anchor: str = "start", style: str = "") -> str:
    muted = f' fill="{MUTED}"' if size < 14 else ' font-weight="600"'
    return (
        f'<text x="{x}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"{muted}{style}>'
        f"{escape(text)}</text>"
    )


def _head(x: float, title: str, detail: str) -> str:
    return _text(x, 18, title, size=15) + _text(x, 37, detail)


def _arrow(x0: float, x1: float, y: float) -> str:
    return f'<path d="M{x0} {y}H{x1}" stroke="{_ACCENT}" stroke-width="1.5" marker-end="url(#arrow)"/>'


def _sequence() -> str:
    letters = "GATTACACG"
    step = _BODY / len(letters)
    column = "".join(
        f'<text x="45" y="{_TOP + (i + 0.72) * step:.1f}" font-size="19" font-weight="700" '
        f'text-anchor="middle" fill="{COLOURS[letter]}">{letter}</text>'
        for i, letter in enumerate(letters)
    )
    frame = f'<rect x="20" y="{_TOP}" width="50" height="{_BODY}" rx="6" fill="none" stroke="{MUTED}"/>'
    return frame + column + _arrow(78, 160, _TOP + _BODY / 2)


def _scanner(motifs: Sequence[tuple[str, np.ndarray]], colours: Mapping[str, str], filters: int) -> str:
    rows = []
    for i, (name, pfm) in enumerate(motifs[:_SHOWN]):
        y = _TOP + i * _ROW
        logo = logo_svg(pfm, height=_ROW - 9, column_width=min(13, 170 / pfm.shape[1]), title=name)
        short = name if len(name) <= 15 else name[:14] + "…"
        rows.append(
            f'<rect x="170" y="{y}" width="4" height="{_ROW - 8}" rx="2" '
            f'fill="{escape(colours.get(name, MUTED))}"/>'
            + logo.replace("<svg ", f'<svg x="182" y="{y}" ', 1)
            + _text(362, y + 22, short)
        )
    rest = filters - min(len(motifs), _SHOWN)
    if rest > 0:
        kind = "more filters" if motifs else "filters"
        rows.append(_text(182, _TOP + _BODY + 16, f"and {rest} {kind}" if motifs else f"{rest} {kind}"))
    return "".join(rows)


def _layers(layers: int, heads: int) -> str:
    """Boxes of heads, each read from the original activations: what keeps a peak traceable to one motif."""
    step = _BODY / layers
    tall = min(step - 8, 54)
    parts = [f'<path d="M480 {_TOP + step / 2:.1f}V{_TOP + _BODY - step / 2:.1f}" stroke="{_ACCENT}"/>']
    for k in range(layers):
        y = _TOP + (k + 0.5) * step
        parts.append(_arrow(480, 498, y))
        parts.append(
            f'<rect x="500" y="{y - tall / 2:.1f}" width="220" height="{tall:.1f}" rx="6" fill="{_ACCENT}" '
            f'fill-opacity=".1" stroke="{_ACCENT}" stroke-opacity=".6"/>'
        )
        parts.append(_text(512, y + 4, f"layer {k + 1}"))
        gap = 130 / heads
        radius = min(7, gap * 0.4, tall * 0.35)
        parts += [
            f'<circle cx="{570 + (a + 0.5) * gap:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{_ACCENT}"/>'
            for a in range(heads)
        ]
        parts.append(_arrow(720, 762, y))
    return "".join(parts) + _arrow(458, 479, _TOP + _BODY / 2)


def _stream() -> str:
    middle = _TOP + _BODY / 2
    return (
        f'<rect x="764" y="{_TOP}" width="14" height="{_BODY}" rx="7" fill="{_ACCENT}"/>'
        + _text(771, _TOP + _BODY + 16, "memory stream", anchor="middle")
        + _arrow(778, 850, middle)
        + f'<circle cx="893" cy="{middle}" r="32" fill="{_ACCENT}" fill-opacity=".1" stroke="{_ACCENT}"/>'
        + f'<text x="893" y="{middle + 5}" font-size="15" font-weight="600" text-anchor="middle">logit</text>'
    )
