"""Sequence logos as sharp SVG, a few tenths of a millisecond each.

    pfm (4, W) -> letter heights (4, W) -> stacked glyph outlines, one <use> a letter

The outlines of A, C, G, T (DejaVu Sans Bold, each scaled to the unit square) wait in `glyphs.json`: nothing
on the way to the screen imports matplotlib. For print, `publication_logo` goes through logomaker.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Literal

import numpy as np

from argminn_core.errors import InputError

Mode = Literal["information", "probability"]

LETTERS = "ACGT"
# Apart in hue and in lightness, readable on white and on near-black; red and green differ in lightness.
COLOURS = {"A": "#1b9e5a", "C": "#2f78c4", "G": "#e69500", "T": "#d0384f"}
MUTED = "#808495"
GLYPHS: dict[str, str] = json.loads(Path(__file__).with_name("glyphs.json").read_text(encoding="ascii"))


def letter_heights(pfm: np.ndarray, mode: Mode = "information") -> np.ndarray:
    """Heights (4, W) of the letters of `pfm` (4, W): bits (0 to 2 a column) or probabilities.

    Raises
    ------
    InputError : the array is not (4, W), or a column does not sum to 1.
    """
    pfm = np.asarray(pfm, dtype=np.float64)
    if pfm.ndim != 2 or pfm.shape[0] != 4 or not pfm.shape[1]:
        raise InputError("a logo needs a frequency matrix", found=f"shape {pfm.shape}", expected="(4, W)")
    if not np.allclose(pfm.sum(0), 1, atol=1e-2) or (pfm < 0).any():
        raise InputError("a logo needs columns of frequencies", expected="none negative, each sums to 1")
    if mode == "probability":
        return pfm
    bits = 2 + np.sum(pfm * np.log2(np.where(pfm > 0, pfm, 1)), axis=0)
    return pfm * np.maximum(bits, 0)


def logo_svg(
    pfm: np.ndarray,
    *,
    height: float = 60,
    column_width: float | None = None,
    mode: Mode = "information",
    title: str = "",
    axis: bool = False,
    core: tuple[int, int] | None = None,
) -> str:
    """The logo of `pfm` (4, W) as an SVG document that can also stand inside another one.

    Parameters
    ----------
    pfm : ndarray
        (4, W), columns sum to 1.
    height : float
        Pixels for 2 bits, or for probability 1.
    column_width : float, optional
        Pixels a column; 0.3 of the height when left out.
    mode : {"information", "probability"}
        What the height of a letter means.
    title : str
        Accessible name; any text, it is escaped.
    axis : bool
        Draw a scale of 0, 1, 2 bits (or 0, 1) at the left.
    core : (int, int), optional
        Columns `start, end` that count; those outside are drawn pale.

    Raises
    ------
    InputError : `pfm` is not a frequency matrix.
    """
    heights = letter_heights(pfm, mode)
    width = column_width or 0.3 * height
    unit = height / (1 if mode == "probability" else 2)
    left = 22 if axis else 0
    # Ids are global to a page, so they carry a digest of the picture: two logos never share one by accident.
    settings = repr((height, width, mode, title, axis, core)).encode()
    key = hashlib.blake2b(heights.tobytes() + settings, digest_size=5).hexdigest()

    columns: list[str] = []
    order = np.argsort(heights, axis=0, kind="stable").T.tolist()  # the tallest letter ends on top
    for index, (letters, tall) in enumerate(zip(order, (heights.T * unit).tolist(), strict=True)):
        y, x, parts = height, left + (index + 0.03) * width, []
        for letter in letters:
            if tall[letter] < 0.2:  # a fifth of a pixel: nothing to see
                continue
            y -= tall[letter]
            parts.append(
                f'<use href="#{key}{LETTERS[letter]}" '
                f'transform="translate({x:.2f} {y:.2f})scale({0.94 * width:.2f} {tall[letter]:.2f})"/>'
            )
        pale = core is not None and not core[0] <= index < core[1]
        columns.append(f'<g opacity=".35">{"".join(parts)}</g>' if pale else "".join(parts))

    total = left + width * len(order)
    defs = "".join(
        f'<path id="{key}{letter}" d="{GLYPHS[letter]}" fill="{COLOURS[letter]}"/>' for letter in LETTERS
    )
    label = f'aria-label="{escape(title)}"><title>{escape(title)}</title>' if title else 'aria-hidden="true">'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total:.1f} {height + 1:.1f}" '
        f'width="{total:.1f}" height="{height + 1:.1f}" role="img" {label}<defs>{defs}</defs>'
        f"{_axis(height, total, mode) if axis else ''}{''.join(columns)}</svg>"
    )


def _axis(height: float, total: float, mode: Mode) -> str:
    ticks = (0, 1) if mode == "probability" else (0, 1, 2)
    lines = []
    for tick in ticks:
        y = height * (1 - tick / ticks[-1]) + 0.5
        baseline = min(max(y + 3.5, 9), height)
        lines.append(
            f'<path d="M18 {y:.1f}H{22 if tick else total:.1f}"/>'
            f'<text x="14" y="{baseline:.1f}" text-anchor="end" stroke="none" fill="{MUTED}">{tick}</text>'
        )
    return f'<g stroke="{MUTED}" font-family="sans-serif" font-size="10">{"".join(lines)}</g>'


def write_logos(
    pfms: Mapping[str, np.ndarray], folder: Path, *, print_formats: Sequence[Literal["svg", "pdf"]] = ()
) -> list[Path]:
    """A logo of each matrix (4, W) as an SVG file in `folder`, which is made where missing; returns the files.

    With `print_formats` those of `publication_logo` instead, a file for each format. Letters of a name that a file
    system may not take become `_`; names that then look alike are numbered.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name, pfm in pfms.items():
        word = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)[:80]
        stem, number = word, 1
        while any(path.name.rpartition(".")[0] == stem for path in written):
            number += 1
            stem = f"{word}_{number}"
        for kind in print_formats or ("svg",):
            path = folder / f"{stem}.{kind}"
            path.write_bytes(
                publication_logo(pfm, file_format=kind, title=name) if print_formats
                else logo_svg(pfm, title=name).encode()
            )  # fmt: skip
            written.append(path)
    return written


def svg_uri(svg: str) -> str:
    """The SVG as a data URI."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode("ascii")


def logo_img(svg: str, alt: str = "", *, style: str = "max-width:100%") -> str:
    """An HTML <img> that holds the SVG; for pages that strip inline SVG. `alt` is escaped."""
    return f'<img src="{svg_uri(svg)}" alt="{escape(alt)}" style="{escape(style)}">'


def publication_logo(
    pfm: np.ndarray,
    *,
    file_format: Literal["svg", "pdf"] = "svg",
    mode: Mode = "information",
    title: str = "",
) -> bytes:
    """A logo for print by logomaker, with axes and editable text; about a fifth of a second each.

    Raises
    ------
    InputError : `pfm` is not a frequency matrix.
    """
    import logomaker
    import matplotlib
    import pandas as pd
    from matplotlib.figure import Figure

    heights = letter_heights(pfm, mode)
    # A Figure of its own, outside pyplot: the app draws from several threads, and nothing stays open.
    figure = Figure(figsize=(0.28 * heights.shape[1] + 0.7, 1.6))
    axes = figure.add_subplot()
    logomaker.Logo(pd.DataFrame(heights.T, columns=list(LETTERS)), ax=axes, color_scheme=COLOURS)
    axes.set_ylim(0, 1 if mode == "probability" else 2)
    axes.set_ylabel("probability" if mode == "probability" else "bits")
    axes.set_title(title, fontsize=10, parse_math=False)
    axes.spines[["top", "right"]].set_visible(False)
    handle = io.BytesIO()
    dates = {"Date": None} if file_format == "svg" else {"CreationDate": None}
    # No date and no random ids: the same motif gives the same file.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "argminn", "pdf.fonttype": 42}):
        figure.savefig(handle, format=file_format, bbox_inches="tight", metadata=dates)
    return handle.getvalue()
