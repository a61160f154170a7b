"""What a model read in one sequence: letters with its instances, and where every head looked.

    arrays (act, att) + INSTANCES rows + colours by motif name -> HTML of letters, plotly figure

Arrays and tables only, never models. Names come from files of users, so they are escaped, for plotly too.
Inks are translucent or left to the host's theme: one picture is readable on light and on dark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

NEUTRAL = "#808495"
_BLUE = [[0, "rgba(49,130,206,0)"], [0.15, "rgba(49,130,206,.25)"], [1, "rgba(49,130,206,1)"]]
_GREEN = [[0, "rgba(27,158,90,0)"], [0.4, "rgba(27,158,90,.15)"], [1, "rgba(27,158,90,1)"]]
_ARROW = {"+": "→", "-": "←"}
_ROW_PX, _LANE_PX = 17, 30


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


def attention_figure(
    att: np.ndarray,
    act: np.ndarray,
    instances: pd.DataFrame,
    motifs: Sequence[str],
    colours: Mapping[str, str],
    *,
    width: int,
    start0: int = 0,
    scale: Sequence[float] | None = None,
) -> go.Figure:
    """Instances, attention of every layer and head, and activation of every motif, over one shared ruler.

    Parameters
    ----------
    att : ndarray
        (K, A, P), one sequence's attention.
    act : ndarray
        (C, P), its activations; channel `c` is motif `c % F` on strand `c // F`.
    instances : DataFrame
        Its INSTANCES rows, in the record's coordinates.
    motifs : sequence of str
        F names, in the order of the filters.
    colours : mapping
        CSS colour of each motif name; those that are missing are drawn grey.
    width : int
        W, the bases of a filter's window.
    start0 : int
        The record's base at which `att` and `act` start.
    scale : sequence of float, optional
        F, the activation that is drawn at full strength; the largest one seen here when left out.

    Returns
    -------
    Figure
        With a transparent background, for a host that brings its own theme.
    """
    layers, heads, positions = att.shape
    bases = np.arange(start0, start0 + positions + width - 1)
    strongest = act.reshape(-1, len(motifs), positions).max(0)  # over the strands, (F, P)
    full = np.maximum(strongest.max(1) if scale is None else np.asarray(scale), 1e-9)
    names = [escape(name) for name in motifs]
    rows = [f"layer {k + 1} head {a + 1}" for k in range(layers) for a in range(heads)]

    labels = [_label(row.motif, row.strand) for row in instances.itertuples()]
    spans = [
        _span(start, end, label, bases)
        for start, end, label in zip(instances["start0"], instances["end0"], labels, strict=True)
    ]
    lane = lanes([left for left, _ in spans], [right for _, right in spans])
    heights = [_LANE_PX * (max(lane, default=0) + 1), _ROW_PX * len(rows), _ROW_PX * len(motifs)]

    figure = make_subplots(
        rows=3, shared_xaxes=True, row_heights=heights, vertical_spacing=34 / (sum(heights) + 130),
        subplot_titles=("Instances", "Attention", "Motif activation"),
    )  # fmt: skip
    _add_instances(figure, instances, labels, lane, colours)
    _add_labels(figure, spans, instances["start0"].tolist(), labels, lane)
    z = read_bases(att, width).reshape(len(rows), -1)
    figure.add_trace(_heat(bases, rows, z, _BLUE, "attention %{z:.2f}"), row=2, col=1)
    z = np.minimum(read_bases(strongest, width) / full[:, None], 1)
    figure.add_trace(_heat(bases, names, z, _GREEN, "%{z:.0%} of its largest activation"), row=3, col=1)

    figure.update_layout(
        height=sum(heights) + 130, margin={"l": 8, "r": 8, "t": 30, "b": 36, "pad": 0}, showlegend=False,
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", hovermode="closest", dragmode="zoom",
    )  # fmt: skip
    for title in figure.layout.annotations[:3]:
        title.update(x=0, xanchor="left", yshift=2, font={"size": 13, "color": NEUTRAL})
    figure.update_xaxes(range=[bases[0] - 0.5, bases[-1] + 0.5], showgrid=False, zeroline=False)
    figure.update_xaxes(title="position (0-based)", row=3, col=1)
    figure.update_yaxes(showgrid=False, zeroline=False, fixedrange=True, automargin=True)
    for update in (figure.update_xaxes, figure.update_yaxes):
        update(showline=True, mirror=True, linecolor="rgba(128,132,149,.35)", linewidth=1)
    figure.update_yaxes(autorange="reversed", tickfont={"size": 10}, row=2, col=1, dtick=1)
    figure.update_yaxes(autorange="reversed", tickfont={"size": 10}, row=3, col=1, dtick=1)
    figure.update_yaxes(range=[max(lane, default=0) + 0.6, -0.9], showticklabels=False, row=1, col=1)
    return figure


def _label(motif: str, strand: str) -> str:
    return f"{motif} {_ARROW[strand]}"


def _span(start: int, end: int, label: str, bases: np.ndarray) -> tuple[float, float]:
    """The bases that a block and its label cover; near the right edge the label hangs to the left."""
    need = len(label) * len(bases) / 130  # a letter is about 7 of 900 pixels
    return (start, max(end, start + need)) if start + need <= bases[-1] + 1 else (min(start, end - need), end)


def _heat(x: np.ndarray, y: list[str], z: np.ndarray, colours: list, value: str) -> go.Heatmap:
    return go.Heatmap(
        x=x, y=y, z=z, zmin=0, zmax=1, colorscale=colours, showscale=False,
        hovertemplate=f"%{{y}}<br>base %{{x}}<br>{value}<extra></extra>",
    )  # fmt: skip


def _add_instances(
    figure: go.Figure, frame: pd.DataFrame, labels: list[str], lane: list[int], colours: Mapping[str, str]
) -> None:
    if frame.empty:
        figure.add_annotation(
            text="no instance in this window", x=0.5, y=0.5, xref="x domain", yref="y domain",
            showarrow=False, font={"color": NEUTRAL},
        )  # fmt: skip
    labels = [escape(label) for label in labels]
    readers = frame["readers"] if "readers" in frame else pd.Series([""] * len(frame))
    blocks = ["start0", "end0", "attention", "activation", "contribution"]
    details = np.column_stack([labels, frame[blocks], readers]) if len(frame) else None
    figure.add_trace(
        go.Bar(
            orientation="h", y=lane, width=0.42,
            base=frame["start0"] - 0.5, x=frame["end0"] - frame["start0"],
            marker={"color": [colours.get(name, NEUTRAL) for name in frame["motif"]]},
            customdata=details,
            hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}-%{customdata[2]}<br>"
            "contribution %{customdata[5]:.2f}<br>attention %{customdata[3]:.2f}<br>"
            "activation %{customdata[4]:.2f}<br>read by %{customdata[6]}<extra></extra>",
        ), row=1, col=1,
    )  # fmt: skip


def _add_labels(
    figure: go.Figure,
    spans: list[tuple[float, float]],
    start0: list[int],
    labels: list[str],
    lane: list[int],
) -> None:
    right = [left == start for (left, _), start in zip(spans, start0, strict=True)]
    figure.add_trace(
        go.Scatter(
            x=[(span[0] if goes else span[1]) - 0.5 for span, goes in zip(spans, right, strict=True)],
            y=[value - 0.3 for value in lane], mode="text", text=[escape(label) for label in labels],
            textposition=["top right" if goes else "top left" for goes in right], textfont={"size": 11},
            hoverinfo="skip", cliponaxis=False,
        ), row=1, col=1,
    )  # fmt: skip


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
