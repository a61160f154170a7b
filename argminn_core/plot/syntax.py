"""One pair of motifs: how often it is seen at each gap, above what planting it there does to the logit.

    GAPS + CAUSAL -> plotly figure, both parts over one axis of gaps

Names come from files of users, so they are escaped; inks are translucent, for light hosts and dark ones.
"""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

NEUTRAL = "#808495"
_COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"]  # Okabe and Ito; told apart without red and green
_DIVERGING = [[0, "#b2182b"], [0.5, "rgba(128,132,149,.08)"], [1, "#2166ac"]]
_BARS_PX, _ROW_PX = 190, 34


def syntax_figure(gaps: pd.DataFrame, causal: pd.DataFrame, a: str, b: str) -> go.Figure:
    """The gaps of motifs `a` and `b` in every order and orientation.

    Parameters
    ----------
    gaps : DataFrame
        GAPS; rows of other motifs are left out. Bars of gaps with a q-value above 0.05 are pale.
    causal : DataFrame
        CAUSAL; may be empty, then the lower part says so. A synergy whose interval holds 0 is drawn as 0, its
        numbers are in the hover text.

    Returns
    -------
    Figure
        With a transparent background, for a host that brings its own theme.
    """
    gaps, causal = (frame[_is_pair(frame, a, b)] for frame in (gaps, causal))
    names = _arrangements(gaps, causal)
    heights = [_BARS_PX, _ROW_PX * max(len(names), 1)]
    figure = make_subplots(
        rows=2, shared_xaxes=True, row_heights=heights, vertical_spacing=44 / (sum(heights) + 110),
        subplot_titles=("Sequences with the pair at each gap", "Synergy of the planted pair (logits)"),
    )  # fmt: skip
    for (key, label), colour in zip(names.items(), _COLOURS, strict=False):
        mine = gaps[_is(gaps, key)]
        figure.add_trace(
            go.Bar(
                x=mine["gap"], y=mine["sequences"], name=label, width=1,
                marker={"color": colour, "opacity": np.where(mine["q_value"] <= 0.05, 1.0, 0.35), "line": {"width": 0}},
                customdata=np.stack([mine["expected"], mine["q_value"]], axis=1),
                hovertemplate="gap %{x}: %{y} sequences, %{customdata[0]:.1f} expected, q = %{customdata[1]:.1e}",
            ),
            row=1, col=1,
        )  # fmt: skip
    if len(causal):
        figure.add_trace(_map(causal, names), row=2, col=1)
    else:
        figure.add_annotation(
            text="not planted", showarrow=False, font={"color": NEUTRAL}, x=0.5, y=0.5,
            xref="x2 domain", yref="y2 domain",
        )  # fmt: skip
    figure.add_vline(x=-0.5, line={"color": NEUTRAL, "width": 1, "dash": "dot"})  # overlaps lie left of it
    figure.update_layout(
        height=sum(heights) + 110, barmode="stack", bargap=0, hovermode="closest",
        margin={"l": 8, "r": 8, "t": 56, "b": 36}, legend={"orientation": "h", "y": 1.06, "yanchor": "bottom"},
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
    )  # fmt: skip
    for title in figure.layout.annotations[:2]:
        title.update(x=0, xanchor="left", yshift=2, font={"size": 13, "color": NEUTRAL})
    for update in (figure.update_xaxes, figure.update_yaxes):
        update(showgrid=False, zeroline=False, showline=True, mirror=True, linecolor="rgba(128,132,149,.35)")
    figure.update_xaxes(title="gap (bases between the two; below 0 they overlap)", row=2, col=1)
    figure.update_yaxes(fixedrange=True, automargin=True)
    figure.update_yaxes(autorange="reversed", row=2, col=1)
    return figure


def _is_pair(frame: pd.DataFrame, a: str, b: str) -> np.ndarray:
    one = (frame["left"] == a) & (frame["right"] == b)
    return (one | ((frame["left"] == b) & (frame["right"] == a))).to_numpy()


def _is(frame: pd.DataFrame, key: tuple[str, str, str]) -> np.ndarray:
    left, right, orientation = key
    found = (frame["left"] == left) & (frame["right"] == right) & (frame["orientation"] == orientation)
    return found.to_numpy()


def _arrangements(*frames: pd.DataFrame) -> dict[tuple[str, str, str], str]:
    """Label of every (left, right, orientation) in any of the tables: same strand first, arrows for strands."""
    columns = ["left", "right", "orientation"]
    found = pd.concat([frame[columns] for frame in frames]).drop_duplicates()
    keys = sorted(
        found.itertuples(index=False, name=None), key=lambda key: (key[2] != "++", key[2] == "-+", key)
    )
    arrow = {"+": "→", "-": "←"}
    return {key: f"{escape(key[0])} {arrow[key[2][0]]} {escape(key[1])} {arrow[key[2][1]]}" for key in keys}


def _map(causal: pd.DataFrame, names: dict[tuple[str, str, str], str]) -> go.Heatmap:
    """Synergy (arrangements, gaps); what was not planted stays empty."""
    columns = np.arange(causal["gap"].min(), causal["gap"].max() + 1)
    z = np.full((len(names), len(columns)), np.nan)
    numbers = np.full((*z.shape, 4), np.nan)
    for row, key in enumerate(names):
        mine = causal[_is(causal, key)]
        at = mine["gap"].to_numpy() - columns[0]
        sure = (mine["low"] > 0) | (mine["high"] < 0)
        z[row, at] = np.where(sure, mine["synergy"], 0)
        numbers[row, at] = mine[["synergy", "low", "high", "logit"]]
    limit = max(float(np.nanmax(np.abs(z))), 1e-9)
    return go.Heatmap(
        x=columns, y=list(names.values()), z=z, customdata=numbers, zmin=-limit, zmax=limit,
        colorscale=_DIVERGING, colorbar={"thickness": 10, "outlinewidth": 0, "len": 0.45, "y": 0.2},
        hovertemplate="%{y}, gap %{x}: %{customdata[0]:+.2f} [%{customdata[1]:.2f}, %{customdata[2]:.2f}], "
        "logit %{customdata[3]:.2f}<extra></extra>",
    )  # fmt: skip
