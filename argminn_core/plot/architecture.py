"""The network as a picture with its own motifs: sequence -> filters -> layers and memory stream -> logit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np

from argminn_core.plot.logo import COLOURS, MUTED, logo_svg

_TOP, _ROW, _BODY = 58, 42, 252  # pixels: above the body, a logo with its name, the body
_SHOWN = _BODY // _ROW
_ACCENT = "#2f78c4"


@dataclass(frozen=True)
class Example:
    """What the network did with one sequence; arrays of `flow.Flow`, names instead of filters.

    sites : motif and place of each instance, from 0 (the first base) to 1. reads : (K, A), the motif under each head's
    look, None where there is none. look : (K, A), 0 to 1. logits : K + 1 numbers, the logit before the first layer and
    after each. logit : the model's own; evidence : the part of it that no layer made.
    """

    reads: Sequence[Sequence[str | None]]
    look: np.ndarray
    logits: Sequence[float]
    logit: float
    evidence: float = 0.0
    sites: Sequence[tuple[str, float]] = field(default_factory=tuple)


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
    example: Example | None = None,
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
    example : Example, optional
        Colours the heads by what they read in one sequence, and says what each layer made of it.
    ink : str
        Colour of the text; an <img> cannot see the theme of its page.
    """
    bottom = _TOP + _BODY
    height = bottom + (66 if evidence else 40)
    parts = [
        _head(0, "Sequence", f"{length:,} bp"),
        _sequence() if example is None else _sites(example, motifs, colours),
        _head(170, "Motif scanner", f"{filters} filters of {width} bp" + ", both strands" * (strands == 2)),
        _scanner(motifs, colours, filters),
        _head(500, "Syntax builder", f"{layers} layers of {heads} heads read the activations"),
        _layers(layers, heads) if example is None else _flow(example, motifs, colours, layers, heads),
        _head(850, "Prediction", "one logit"),
        _stream(example),
    ]
    if example is not None:
        parts.append(_after(example, layers))
    if evidence:
        y = bottom + 24
        parts.append(
            f'<path d="M310 {bottom}V{y}H893V{_TOP + _BODY / 2 + 34}" fill="none" stroke-dasharray="5 4" '
            f'stroke="{_ACCENT}" marker-end="url(#arrow)"/>'
            + _text(600, y + 18, _said(example), anchor="middle")
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


def _said(example: Example | None) -> str:
    said = "evidence: every motif also adds to the logit by itself"
    return said if example is None else f"{said}, here {example.evidence:+.2f}"


def _rows(motifs: Sequence[tuple[str, np.ndarray]]) -> dict[str, float]:
    """The middle of each drawn motif's row."""
    return {name: _TOP + i * _ROW + (_ROW - 8) / 2 for i, (name, _) in enumerate(motifs[:_SHOWN])}


def _curve(x0: float, y0: float, x1: float, y1: float, colour: str, strength: float = 1.0) -> str:
    half = (x0 + x1) / 2
    return (
        f'<path d="M{x0} {y0:.1f}C{half} {y0:.1f} {half} {y1:.1f} {x1:.1f} {y1:.1f}" fill="none" '
        f'stroke="{escape(colour)}" stroke-width="1.6" stroke-opacity="{0.75 * strength:.2f}"/>'
    )


def _sites(example: Example, motifs: Sequence[tuple[str, np.ndarray]], colours: Mapping[str, str]) -> str:
    """The sequence from its first base to its last, with its instances; each leads to its motif."""
    rows = _rows(motifs)
    parts = [
        f'<rect x="38" y="{_TOP}" width="14" height="{_BODY}" rx="7" fill="{MUTED}" fill-opacity=".25"/>'
        + _text(30, _TOP + 9, "5′", anchor="end")
        + _text(30, _TOP + _BODY - 2, "3′", anchor="end")
    ]
    for name, place in example.sites:
        y, colour = _TOP + 5 + place * (_BODY - 10), colours.get(name, MUTED)
        if name in rows:
            parts.append(_curve(52, y, 168, rows[name], colour))
        parts.append(f'<rect x="34" y="{y - 3.5:.1f}" width="22" height="7" rx="2" fill="{escape(colour)}"/>')
    if not example.sites:
        parts.append(_arrow(78, 160, _TOP + _BODY / 2) + _text(62, _TOP + _BODY / 2 - 8, "no instance"))
    return "".join(parts)


def _flow(
    example: Example,
    motifs: Sequence[tuple[str, np.ndarray]],
    colours: Mapping[str, str],
    layers: int,
    heads: int,
) -> str:
    """Layers and heads as ever, each head in the colour of the motif that it reads, with a line from there."""
    rows, step = _rows(motifs), _BODY / layers
    tall, gap = min(step - 8, 54), 130 / heads
    radius = min(8, gap * 0.42, tall * 0.38)
    boxes, lines, dots = [], [], []
    for k in range(layers):
        y = _TOP + (k + 0.5) * step
        boxes.append(
            f'<rect x="500" y="{y - tall / 2:.1f}" width="220" height="{tall:.1f}" rx="6" fill="{_ACCENT}" '
            f'fill-opacity=".08" stroke="{_ACCENT}" stroke-opacity=".5"/>'
            + _text(708, y + 4, f"layer {k + 1}", anchor="end")
            + _arrow(720, 762, y)
        )
        for a in range(heads):
            x, name, look = 518 + (a + 0.5) * gap, example.reads[k][a], float(example.look[k][a])
            colour = MUTED if name is None else colours.get(name, MUTED)
            if name in rows:
                lines.append(_curve(458, rows[name], x - radius, y, colour, look))
            said = f"layer {k + 1} head {a + 1}: " + (
                "no motif where it looks" if name is None else f"looks at {name}, attention {look:.2f}"
            )
            fill = "none" if name is None else escape(colour)
            dots.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{fill}" stroke="{escape(colour)}" '
                f'stroke-width="1.5"><title>{escape(said)}</title></circle>'
            )
    return "".join(boxes + lines + dots)


def _after(example: Example, layers: int) -> str:
    """The logit were the model to stop after each layer, beside the stream."""
    step = _BODY / layers
    return _text(784, _TOP + 4, f"{example.logits[0]:+.1f} at first") + "".join(
        _text(784, _TOP + (k + 0.5) * step + 4, f"{logit:+.1f}") for k, logit in enumerate(example.logits[1:])
    )


def _stream(example: Example | None = None) -> str:
    middle = _TOP + _BODY / 2
    if example is None:
        start, end, radius = 778, 850, 32
        said = f'<text x="893" y="{middle + 5}" font-size="15" font-weight="600" text-anchor="middle">logit</text>'
    else:  # the logits after each layer stand beside the stream
        start, end, radius = 826, 852, 36
        said = (
            f'<text x="893" y="{middle + 3}" font-size="19" font-weight="700" text-anchor="middle">'
            + f"{example.logit:+.1f}</text>"
            + _text(893, middle + 19, "logit", anchor="middle")
        )
    return (
        f'<rect x="764" y="{_TOP}" width="14" height="{_BODY}" rx="7" fill="{_ACCENT}"/>'
        + _text(771, _TOP + _BODY + 16, "memory stream", anchor="middle")
        + _arrow(start, end, middle)
        + f'<circle cx="893" cy="{middle}" r="{radius}" fill="{_ACCENT}" fill-opacity=".1" stroke="{_ACCENT}"/>'
        + said
    )
