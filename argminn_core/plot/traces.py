"""What a model read in one sequence: letters with its instances, and where every head looked.

    arrays (act, att) + INSTANCES rows + colours by motif name -> HTML of letters, rows of the trace

Arrays and tables only, never models. Names come from files of users, so they are escaped.
Inks are translucent or left to the host's theme: one picture is readable on light and on dark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

NEUTRAL = "#808495"
_ARROW = {"+": "→", "-": "←"}


def lanes(start0: Sequence[int], end0: Sequence[int]) -> list[int]:
    """The first free lane of each interval, so that no two in one lane touch; in the order given."""
    free: list[int] = []
    chosen = []
    for start, end in zip(start0, end0, strict=True):
        lane = next((i for i, edge in enumerate(free) if edge < start), len(free))
        free[lane : lane + 1] = [end]
        chosen.append(lane)
    return chosen


def read_bases(att: np.ndarray, width: int) -> np.ndarray:
    """Attention over positions (..., P) to attention over bases (..., P + width - 1).

    A head that looks at position `p` reads the `width` bases of the filter's window there; a base takes the
    largest attention of the windows that hold it, so a pointer shows as the block of letters it points at.
    """
    padded = np.zeros((*att.shape[:-1], att.shape[-1] + 2 * (width - 1)), dtype=np.float32)
    padded[..., width - 1 : padded.shape[-1] - width + 1] = att
    return np.lib.stride_tricks.sliding_window_view(padded, width, axis=-1).max(-1)


def runs(values: np.ndarray, *, start0: int = 0, least: float = 0.03) -> list[list[float]]:
    """Stretches of bases with one value, as [start0, end0, value]: values (L,) to two decimals, none under `least`.

    Attention and activations are zero nearly everywhere, so a browser gets a few stretches and not every base.
    """
    rounded = np.round(np.asarray(values, dtype=np.float64), 2)
    edges = np.flatnonzero(np.diff(rounded)) + 1
    return [
        [int(a) + start0, int(b) + start0, float(rounded[a])]
        for a, b in pairwise([0, *edges.tolist(), len(rounded)])
        if b > a and rounded[a] >= least
    ]


def trace_rows(
    att: np.ndarray,
    act: np.ndarray,
    motifs: Sequence[str],
    colours: Mapping[str, str],
    *,
    width: int,
    start0: int = 0,
    scale: Sequence[float] | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """Attention of every layer and head, and activation of every motif, as rows of `runs` for the trace.

    Parameters
    ----------
    att : ndarray
        (K, A, P), one sequence's attention.
    act : ndarray
        (C, P), its activations; channel `c` is motif `c % F` on strand `c // F`.
    motifs : sequence of str
        F names, in the order of the filters.
    colours : mapping
        CSS colour of each motif name; those that are missing are drawn grey.
    width : int
        W, the bases of a filter's window.
    start0 : int
        The record's base at which `att` and `act` start.
    scale : sequence of float, optional
        F, the activation that counts as 1; the largest one seen here when left out.

    Returns
    -------
    dict
        `heads`: layer and head (from 1) with runs of attention; `motifs`: name and colour with runs of activation, as
        a share of `scale`.
    """
    layers, heads, positions = att.shape
    looked = read_bases(att, width)
    strongest = act.reshape(-1, len(motifs), positions).max(0)  # over the strands, (F, P)
    full = np.maximum(strongest.max(1) if scale is None else np.asarray(scale), 1e-9)
    shares = np.minimum(read_bases(strongest, width) / full[:, None], 1)
    return {
        "heads": [
            {"layer": k + 1, "head": a + 1, "runs": runs(looked[k, a], start0=start0)}
            for k in range(layers)
            for a in range(heads)
        ],
        "motifs": [
            {
                "name": name,
                "colour": colours.get(name, NEUTRAL),
                "runs": runs(share, start0=start0, least=0.05),
            }
            for name, share in zip(motifs, shares, strict=True)
        ],
    }


def _label(motif: str, strand: str) -> str:
    return f"{motif} {_ARROW[strand]}"


def sequence_html(
    text: str,
    instances: pd.DataFrame,
    colours: Mapping[str, str],
    *,
    start0: int = 0,
    line: int = 100,
) -> str:
    """The letters in lines of `line`, each instance on its motif's colour with its name and strand above.

    Letters, labels and ruler are text in a monospaced block: it copies, and a screen reader reads it. Where
    instances overlap, a base takes the colour of the one with the largest contribution.

    Parameters
    ----------
    text : str
        Letters of one window of a record.
    instances : DataFrame
        INSTANCES rows in the record's coordinates; those outside the window are left out.
    colours : mapping
        CSS colour of each motif name; those that are missing are drawn grey.
    start0 : int
        The record's base at which `text` starts.
    line : int
        Letters a line.
    """
    window = instances[(instances["end0"] > start0) & (instances["start0"] < start0 + len(text))]
    window = window.sort_values("contribution", kind="stable").reset_index(drop=True)
    owner = np.full(len(text), -1)
    begins = np.clip(window["start0"].to_numpy() - start0, 0, len(text))
    ends = np.clip(window["end0"].to_numpy() - start0, 0, len(text))
    for index in range(len(window)):
        owner[begins[index] : ends[index]] = index
    shades = [_shade(colours.get(name, NEUTRAL)) for name in window["motif"]]
    names = [_label(row.motif, row.strand) for row in window.itertuples()]

    digits = len(f"{start0 + len(text):,}")
    blocks = []
    for begin in range(0, len(text), line):
        end = min(begin + line, len(text))
        here = [i for i in np.argsort(begins, kind="stable") if begin <= begins[i] < end]
        rows = _label_rows([(int(begins[i] - begin), names[i], shades[i]) for i in here])
        cuts = [begin, *(np.flatnonzero(np.diff(owner[begin:end])) + begin + 1).tolist(), end]
        letters = "".join(
            escape(text[a:b]) if owner[a] < 0 else f'<b style="{shades[owner[a]]}">{escape(text[a:b])}</b>'
            for a, b in pairwise(cuts)
        )
        gutter = " " * (digits + 2)
        ruler = f'<span style="opacity:.55">{start0 + begin:>{digits},}</span>  '
        blocks.append("".join(f"{gutter}{row}\n" for row in rows) + ruler + letters)
    return (
        '<div tabindex="0" role="region" aria-label="letters of the sequence" style="overflow-x:auto">'
        "<pre style=\"font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
        'margin:0;padding:.5rem 0;background:none;border:0;white-space:pre">'
        + "\n".join(blocks)
        + "</pre></div>"
    )


def _shade(colour: str) -> str:
    """A tint that keeps the host's text colour readable on top, and a full-strength underline."""
    colour = escape(colour)
    return f"background:color-mix(in srgb,{colour} 28%,transparent);box-shadow:inset 0 -2px {colour}"


def _label_rows(labels: list[tuple[int, str, str]]) -> list[str]:
    """Labels (column, text, style) as monospaced rows without collisions, the last nearest the letters."""
    lane = lanes([column for column, _, _ in labels], [column + len(text) for column, text, _ in labels])
    rows = []
    for number in range(max(lane, default=-1), -1, -1):
        row, width = "", 0
        for (column, text, style), mine in zip(labels, lane, strict=True):
            if mine == number:
                row += " " * (column - width) + f'<span style="{style}">{escape(text)}</span>'
                width = column + len(text)
        rows.append(row)
    return rows
