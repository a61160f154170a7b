"""A training in pictures: the data before it, the curves while it runs.

    GC and lengths by class, HISTORY -> plotly figures

Transparent backgrounds and translucent inks, for light hosts and dark ones.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

NEUTRAL = "#808495"
# Okabe and Ito; the dashes and bands differ too.
POSITIVE, NEGATIVE = "#0072B2", "#D55E00"
_CLASSES = {"positives": POSITIVE, "negatives": NEGATIVE}
_BINS = 40


def data_figure(gc: Mapping[str, np.ndarray], lengths: Mapping[str, np.ndarray]) -> go.Figure:
    """How GC content (0 to 1) and length (bases) are distributed in each class, as shares of the class."""
    figure = make_subplots(
        rows=1,
        cols=2,
        column_widths=[0.6, 0.4],
        horizontal_spacing=0.1,
        subplot_titles=("GC content", "Length"),
    )
    every = np.concatenate(list(lengths.values())) if lengths else np.zeros(0)
    low, high = (int(every.min()), int(every.max())) if len(every) else (0, 1)
    edges = np.linspace(0, 1, _BINS + 1)
    # One length is one bar of a sensible width, not a line in an empty picture.
    sizes = np.linspace(low, high, 21) if high - low > 20 else np.arange(low - 10, high + 11) + 0.5
    for name, colour in _CLASSES.items():
        for column, (values, bins, unit) in enumerate(
            ((gc.get(name), edges, "% GC"), (lengths.get(name), sizes, "bp")), start=1
        ):
            if values is None or not len(values):
                continue
            share = np.histogram(values, bins)[0] / len(values)
            dash = "solid" if name == "positives" else "dot"
            scale = 100 if column == 1 else 1
            figure.add_trace(
                go.Scatter(
                    x=(bins[:-1] + bins[1:]) / 2 * scale, y=share, name=name, legendgroup=name, mode="lines",
                    line={"color": colour, "shape": "hvh", "width": 2, "dash": dash},
                    fill="tozeroy", fillcolor=_pale(colour), showlegend=column == 1,
                    hovertemplate="about %{x:.0f} " + unit + ": %{y:.1%} of the " + name + "<extra></extra>",
                ),
                row=1, col=column,
            )  # fmt: skip
    _finish(figure, height=270)
    figure.update_layout(
        legend={"orientation": "h", "x": 0, "y": 1.14, "yanchor": "bottom"}, margin={"t": 66}
    )
    figure.update_xaxes(title="GC (%)", range=[0, 100], row=1, col=1)
    figure.update_xaxes(title="bases", row=1, col=2)
    figure.update_yaxes(tickformat=".0%", rangemode="tozero", nticks=4)
    figure.update_yaxes(title="share of the class", row=1, col=1)
    return figure


def loss_figure(history: pd.DataFrame, *, epochs: int) -> go.Figure:
    """Cross-entropy in nats of HISTORY, in training and held out, over the epochs to come."""
    lines = [("bce", "training", NEGATIVE, "dot"), ("valid_loss", "held out", POSITIVE, "solid")]
    return _curves(history, lines, epochs=epochs, title="Loss (cross-entropy, nats)", bounds=None)


def score_figure(history: pd.DataFrame, *, epochs: int) -> go.Figure:
    """The auROC and auPRC of HISTORY on held-out sequences."""
    lines = [("valid_auroc", "auROC", POSITIVE, "solid"), ("valid_auprc", "auPRC", NEGATIVE, "dot")]
    return _curves(history, lines, epochs=epochs, title="Score on held-out sequences", bounds=(0.45, 1.0))


def _curves(
    history: pd.DataFrame, lines: list[tuple[str, str, str, str]], *, epochs: int, title: str,
    bounds: tuple[float, float] | None,
) -> go.Figure:  # fmt: skip
    figure = go.Figure()
    ends = []
    for column, label, colour, dash in lines:
        figure.add_trace(
            go.Scatter(
                x=history["epoch"], y=history[column], name=label, mode="lines+markers",
                line={"color": colour, "dash": dash, "width": 2}, marker={"size": 5 if len(history) < 30 else 3},
                hovertemplate="epoch %{x}: %{y:.4f}<extra>" + label + "</extra>",
            )
        )  # fmt: skip
        if len(history) and np.isfinite(history[column].iloc[-1]):
            ends.append((float(history[column].iloc[-1]), label, colour))
    _finish(figure, height=280)
    columns = [column for column, *_ in lines]
    floor = None if bounds is None else _floor(history, columns, bounds[0])
    values = history[columns].to_numpy()
    span = 1.0 - floor if floor is not None else float(np.ptp(values)) if len(values) else 1.0
    _label_ends(figure, history, ends, span)
    figure.update_layout(
        title={"text": title, "font": {"size": 14, "color": NEUTRAL}, "x": 0, "xanchor": "left"},
        showlegend=False, hovermode="x unified", uirevision="kept", margin={"l": 8, "r": 108, "t": 40, "b": 36},
    )  # fmt: skip
    pad = max(epochs * 0.02, 0.2)
    every = max(-(-epochs // 8), 1)
    figure.update_xaxes(title="epoch", range=[1 - pad, max(epochs, 2) + pad], tick0=every, dtick=every)
    if floor is not None:
        figure.update_yaxes(range=[floor, 1.005])
        figure.add_hline(y=0.5, line={"color": NEUTRAL, "width": 1, "dash": "dot"})  # a guess
    return figure


def _floor(history: pd.DataFrame, columns: list[str], usual: float) -> float:
    """Where an axis of scores begins: below a guess, but near the curves once all of them are far above it."""
    lowest = history[columns].min().min() if len(history) else np.nan
    if not np.isfinite(lowest):
        return usual
    return min(usual, lowest - 0.02) if lowest < 0.75 else np.floor(20 * lowest - 1) / 20


def _label_ends(
    figure: go.Figure, history: pd.DataFrame, ends: list[tuple[float, str, str]], span: float
) -> None:
    """The name and last value beside each line's end, apart from each other; `span` is the height of the axis."""
    ends = sorted(ends)
    near = len(ends) == 2 and ends[1][0] - ends[0][0] < 0.09 * span
    for rank, (value, label, colour) in enumerate(ends):
        # The mark has the line's colour; text in it would be too faint on one of the two backgrounds.
        text = f'<span style="color:{colour}">●</span> <b>{label}</b> {value:.3f}'
        shift = (-8, 8)[rank] if near else 0
        figure.add_annotation(
            x=int(history["epoch"].iloc[-1]), y=value, text=text, showarrow=False, xanchor="left", xshift=8,
            yshift=shift, font={"size": 12},
        )  # fmt: skip


def _finish(figure: go.Figure, *, height: int) -> None:
    figure.update_layout(
        height=height, margin={"l": 8, "r": 8, "t": 44, "b": 36}, paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )  # fmt: skip
    for title in figure.layout.annotations:
        title.update(x=title.x, font={"size": 13, "color": NEUTRAL})
    for update in (figure.update_xaxes, figure.update_yaxes):
        update(
            showgrid=False, zeroline=False, showline=True, linecolor="rgba(128,132,149,.35)", fixedrange=True
        )
    figure.update_yaxes(automargin=True, showgrid=True, gridcolor="rgba(128,132,149,.15)")


def _pale(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},.18)"
