"""Which motifs stand in one sequence more often than chance: a matrix whose cells can be clicked.

    PAIRS -> plotly figure

Names come from files of users, so they are escaped; inks are translucent, for light hosts and dark ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from argminn_core.plot.syntax import DIVERGING, MARK, NEUTRAL

ALPHA = 0.05
_MOST = 6.0  # log2 odds ratio at which the colours end
_NUMBERS = 10  # motifs, up to which a cell has room for a number
_LABEL = 16  # letters of a name on an axis


def pairs_figure(
    pairs: pd.DataFrame, names: Sequence[str], chosen: tuple[str, str] | None = None
) -> go.Figure:
    """The log odds of every two motifs of `names`, in that order; a click gives `customdata` (motif_a, motif_b).

    Parameters
    ----------
    pairs : DataFrame
        PAIRS. A cell with a q-value of 0.05 or less has a star; with ten motifs or fewer it says in how many
        sequences both stand.
    names : motifs, those without a row in `pairs` too.
    chosen : the pair whose cell is framed, in either order.

    Returns
    -------
    Figure
        The lower triangle, with a transparent background. A heat map reports no clicks to the host, so each of its
        cells has an invisible point on it.
    """
    place = {name: i for i, name in enumerate(names)}
    size = len(names)
    odds, points = np.full((size, size), np.nan), []
    for row in pairs[pairs["motif_a"].isin(place) & pairs["motif_b"].isin(place)].itertuples():
        i, j = sorted((place[row.motif_a], place[row.motif_b]))
        odds[j, i] = np.log2(row.odds_ratio)
        star = "★" if row.q_value <= ALPHA else ""
        points.append((i, j, row, f"{row.together:,}{star}" if size <= _NUMBERS else star))
    limit = min(max(float(np.nanmax(np.abs(odds))) if len(points) else 0.0, 1.0), _MOST)
    figure = go.Figure(
        go.Heatmap(
            x=np.arange(size), y=np.arange(size), z=odds, zmin=-limit, zmax=limit, colorscale=DIVERGING,
            hoverinfo="skip", xgap=2, ygap=2,
            colorbar={
                "orientation": "h", "thickness": 10, "outlinewidth": 0, "y": 1, "yanchor": "bottom", "x": 0.5,
                "title": {"text": "log2 odds ratio of standing together", "side": "top", "font": {"size": 12}},
            },
        )
    )  # fmt: skip
    place_of = {"x": [i for i, *_ in points], "y": [j for _, j, *_ in points], "showlegend": False}
    # Not as text of the heat map, which takes a pale cell of a dark page for a white one.
    strong = [abs(odds[j, i]) > limit / 2 for i, j, *_ in points]
    figure.add_trace(
        go.Scatter(
            **place_of, mode="text", text=[text for *_, text in points], hoverinfo="skip",
            textfont={"color": ["#ffffff" if dark else NEUTRAL for dark in strong], "size": 12},
        )
    )  # fmt: skip
    figure.add_trace(
        go.Scattergl(
            **place_of, mode="markers",
            marker={"symbol": "square", "size": max(cell_px(size) - 4, 8), "opacity": 0},
            customdata=[(row.motif_a, row.motif_b) for _, _, row, _ in points],
            text=[_said(row) for _, _, row, _ in points], hovertemplate="%{text}<extra></extra>",
        )
    )  # fmt: skip
    if chosen is not None and set(chosen) <= set(place):
        i, j = sorted(place[name] for name in chosen)
        figure.add_shape(
            type="rect", x0=i - 0.5, x1=i + 0.5, y0=j - 0.5, y1=j + 0.5, line={"width": 3, "color": MARK}
        )
    labels = [escape(name if len(name) <= _LABEL else name[: _LABEL - 1] + "…") for name in names]
    axis = {
        "tickmode": "array", "tickvals": np.arange(size), "ticktext": labels, "showgrid": False, "zeroline": False,
        "range": [-0.5, size - 0.5], "fixedrange": True, "automargin": True,
    }  # fmt: skip
    figure.update_layout(
        height=int(cell_px(size) * size + 150), margin={"l": 8, "r": 8, "t": 8, "b": 8}, hovermode="closest",
        xaxis=axis | {"tickangle": -40 if size > 2 else 0}, yaxis=axis | {"range": [size - 0.5, -0.5]},
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
    )  # fmt: skip
    return figure


def cell_px(motifs: int) -> float:
    """Height of a cell: the matrix of many motifs stays on a screen."""
    return float(np.clip(420 / max(motifs, 1), 14, 64))


def _said(row: tuple) -> str:
    who = f"{escape(row.motif_a)} twice" if row.motif_a == row.motif_b else (
        f"{escape(row.motif_a)} and {escape(row.motif_b)}"
    )  # fmt: skip
    return (
        f"{who}<br>{row.together:,} sequences, {row.expected:.1f} expected<br>"
        f"odds ratio {row.odds_ratio:.3g}, q = {row.q_value:.2g}"
    )
