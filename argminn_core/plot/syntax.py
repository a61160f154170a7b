"""One pair of motifs: how often it is seen at each gap, above what planting it there does to the logit.

    GAPS + CAUSAL + SPACINGS -> plotly figure, all parts over one axis of gaps

Names come from files of users, so they are escaped; inks are translucent, for light hosts and dark ones.
"""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from argminn_core.tables import SPACINGS

Arrangement = tuple[str, str, str]  # left, right, orientation

NEUTRAL, MARK = "#808495", "#e69f00"
_COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"]  # Okabe and Ito; told apart without red and green
DIVERGING = [[0, "#b2182b"], [0.5, "rgba(128,132,149,.08)"], [1, "#2166ac"]]
_BARS_PX, _ROW_PX, _LINES_PX = 190, 34, 150
_APART, _AROUND = 44, 110  # pixels between the parts, and around them


def syntax_figure(
    gaps: pd.DataFrame,
    causal: pd.DataFrame,
    a: str,
    b: str,
    *,
    weights: pd.DataFrame | None = None,
    shown: Arrangement | None = None,
    at: int | None = None,
) -> go.Figure:
    """The gaps of motifs `a` and `b` in every order and orientation.

    Parameters
    ----------
    gaps : DataFrame
        GAPS; rows of other motifs are left out. Bars of gaps with a q-value above 0.05 are pale. A click anywhere
        above a gap that was seen gives its `x`: most bars are too small to be hit.
    causal : DataFrame
        CAUSAL; may be empty, then the lower part says so. A synergy whose interval holds 0 is drawn as 0, its
        numbers are in the hover text.
    weights : SPACINGS, of a model that knows distances: one more map, of what its weights alone say, the mean of both
        directions, summed over layers.
    shown : the arrangement (left, right, orientation) of which a third part draws the logit, the sum of what both
        motifs do alone, and the 95 % interval of the synergy on top of that sum.
    at : a gap that is marked in every part.

    Returns
    -------
    Figure
        With a transparent background, for a host that brings its own theme.
    """
    gaps, causal = (frame[_is_pair(frame, a, b)] for frame in (gaps, causal))
    weights = weights[_is_pair(weights, a, b)] if weights is not None else SPACINGS.empty()
    names = arrangement_labels(gaps, causal, weights)
    lines = causal[_is(causal, shown)] if shown is not None else causal.iloc[:0]
    map_px = _ROW_PX * max(len(names), 1)
    heights = [_BARS_PX, map_px] + [map_px] * bool(len(weights)) + [_LINES_PX] * bool(len(lines))
    limit = float(np.abs(causal["synergy"]).max()) if len(causal) else 0.0
    # Short enough for a narrow screen.
    scale = f" (blue {limit:+.1f}, red {-limit:+.1f})" if limit else ""
    titles = ["Sequences with the pair at each gap", f"Synergy if planted{scale}"]
    titles += ["Weights: preference of attention, read off"] if len(weights) else []
    titles += ["Logit if planted; the sum of both dashed"] if len(lines) else []
    rows = len(heights)
    between = _APART * (rows - 1)
    figure = make_subplots(
        rows=rows, shared_xaxes=True, row_heights=heights, vertical_spacing=_APART / (sum(heights) + between),
        subplot_titles=titles, specs=[[{"secondary_y": True}], *[[{}]] * (rows - 1)],
    )  # fmt: skip
    colours = dict(zip(names, _COLOURS, strict=False))
    for key, label in names.items():
        mine = gaps[_is(gaps, key)]
        ink = np.where(mine["q_value"] <= 0.05, colours[key], _pale(colours[key]))
        # The legend takes the colour of the first bar, which may be a pale one: it has a trace of its own.
        legend = go.Bar(x=[None], y=[None], name=label, legendgroup=label, marker={"color": colours[key]})
        bar = go.Bar(
            x=mine["gap"], y=mine["sequences"], name=label, legendgroup=label, showlegend=False, width=1,
            hoverinfo="skip", marker={"color": ink, "line": {"width": 0}},
            unselected={"marker": {"opacity": 1}},  # a host that takes clicks fades what was not clicked
        )  # fmt: skip
        figure.add_traces([legend, bar], rows=1, cols=1)
    if len(gaps):
        figure.add_trace(_clickable(gaps, names), row=1, col=1, secondary_y=True)
    if len(causal):
        figure.add_trace(_map(causal, names), row=2, col=1)
    else:
        figure.add_trace(go.Scatter(x=gaps["gap"], y=[None] * len(gaps), showlegend=False), row=2, col=1)
        figure.add_annotation(
            text="not planted", showarrow=False, font={"color": NEUTRAL}, x=0.5, y=0.5,
            xref="x2 domain", yref="y3 domain",
        )  # fmt: skip
    if len(weights):
        figure.add_trace(_weights(weights, names), row=3, col=1)
    if len(lines):
        figure.add_traces(_lines(lines, colours[shown]), rows=rows, cols=1)
    figure.add_vline(x=-0.5, line={"color": NEUTRAL, "width": 1, "dash": "dot"})  # overlaps lie left of it
    if at is not None:
        # A frame, that hides neither a bar nor a weight.
        figure.add_vrect(x0=at - 0.5, x1=at + 0.5, line={"width": 2, "color": MARK}, layer="above")
    height = sum(heights) + between + _AROUND - _APART
    figure.update_layout(
        height=height, barmode="stack", bargap=0, hovermode="closest", clickmode="event+select",
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        legend={"orientation": "h", "y": -80 / (height - 36), "yanchor": "top", "x": 0},
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
    )  # fmt: skip
    for title in figure.layout.annotations[:rows]:
        title.update(x=0, xanchor="left", yshift=5, font={"size": 13, "color": NEUTRAL})
    for update in (figure.update_xaxes, figure.update_yaxes):
        update(showgrid=False, zeroline=False, showline=True, mirror=True, linecolor="rgba(128,132,149,.35)")
    figure.update_xaxes(title="gap (bases between the two; below 0 they overlap)", row=rows, col=1)
    spans = [frame["gap"] for frame in (gaps, causal) if len(frame)]
    if spans:
        # Not so near that three sequences fill the picture.
        figure.update_xaxes(range=[min(-10, *map(min, spans)) - 2, max(40, *map(max, spans)) + 2])
    figure.update_yaxes(fixedrange=True, automargin=True)
    figure.update_yaxes(visible=False, range=[0, 1], row=1, col=1, secondary_y=True)
    # The names stand in the legend: on a narrow screen they would leave no room for the map.
    ticks = [f'<span style="color:{colours[key]}">■</span> {_arrows(key[2])}' for key in names]
    for row in (2, 3)[: 1 + bool(len(weights))]:
        figure.update_yaxes(
            autorange="reversed",
            tickmode="array",
            tickvals=list(names.values()),
            ticktext=ticks,
            row=row,
            col=1,
        )
    return figure


def _arrows(orientation: str) -> str:
    return " ".join("→" if strand == "+" else "←" for strand in orientation)


def _pale(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.35)"


def _clickable(gaps: pd.DataFrame, names: dict[Arrangement, str]) -> go.Bar:
    """An unseen bar of full height at every gap that was seen, which says all that stands there."""
    said = []
    for gap, rows in gaps.groupby("gap"):
        parts = [
            f"{names[row.left, row.right, row.orientation]}: {row.sequences:,} sequences, {row.expected:.1f} expected, "
            f"q = {row.q_value:.2g}"
            for row in rows.itertuples()
        ]
        said.append((gap, "<br>".join([f"<b>gap {gap}</b>", *parts])))
    return go.Bar(
        x=[gap for gap, _ in said], y=[1] * len(said), width=1, text=[text for _, text in said], textposition="none",
        hovertemplate="%{text}<extra></extra>", showlegend=False, marker={"color": "rgba(0,0,0,0)"},
        hoverlabel={"bgcolor": "#31333f", "font": {"color": "#ffffff"}},
    )  # fmt: skip


def _lines(causal: pd.DataFrame, colour: str) -> list[go.Scatter]:
    """The logit and the sum of both alone over gaps; the interval of their difference on top of the sum."""
    mine = causal.sort_values("gap")
    gap, total = mine["gap"].to_numpy(), mine["additive"].to_numpy()
    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    hover = (
        "gap %{x}: logit %{y:.2f}, synergy %{customdata[0]:+.2f} [%{customdata[1]:.2f}, %{customdata[2]:.2f}]"
    )
    return [
        go.Scatter(x=gap, y=total + mine["low"], **edge),
        go.Scatter(x=gap, y=total + mine["high"], fill="tonexty", fillcolor=_pale(colour), **edge),
        go.Scatter(
            x=gap, y=mine["logit"], mode="lines", line={"color": colour, "width": 2}, showlegend=False,
            customdata=mine[["synergy", "low", "high"]], hovertemplate=hover + "<extra>planted</extra>",
        ),
        go.Scatter(
            x=gap, y=total, mode="lines", line={"color": NEUTRAL, "width": 2, "dash": "dash"}, showlegend=False,
            hovertemplate="gap %{x}: %{y:.2f}<extra>sum of both alone</extra>",
        ),
    ]  # fmt: skip


def _is_pair(frame: pd.DataFrame, a: str, b: str) -> np.ndarray:
    one = (frame["left"] == a) & (frame["right"] == b)
    return (one | ((frame["left"] == b) & (frame["right"] == a))).to_numpy()


def _is(frame: pd.DataFrame, key: Arrangement) -> np.ndarray:
    left, right, orientation = key
    found = (frame["left"] == left) & (frame["right"] == right) & (frame["orientation"] == orientation)
    return found.to_numpy()


def arrangement_labels(*frames: pd.DataFrame) -> dict[Arrangement, str]:
    """Label, escaped, of every (left, right, orientation) in any of the tables: same strand first."""
    columns = ["left", "right", "orientation"]
    found = pd.concat([frame[columns] for frame in frames]).drop_duplicates()
    keys = sorted(
        found.itertuples(index=False, name=None), key=lambda key: (key[2] != "++", key[2] == "-+", key)
    )
    arrow = {"+": "→", "-": "←"}
    return {key: f"{escape(key[0])} {arrow[key[2][0]]} {escape(key[1])} {arrow[key[2][1]]}" for key in keys}


def _weights(weights: pd.DataFrame, names: dict[Arrangement, str]) -> go.Heatmap:
    """What the weights add to the score of a motif at each distance from the other (arrangements, gaps)."""
    size = weights.assign(score=(weights["after_left"] + weights["after_right"]) / 2)
    size = size.groupby(["left", "right", "orientation", "gap"], as_index=False)["score"].sum()
    columns = np.arange(size["gap"].min(), size["gap"].max() + 1)
    z = np.full((len(names), len(columns)), np.nan)
    for row, key in enumerate(names):
        mine = size[_is(size, key)]
        z[row, mine["gap"].to_numpy() - columns[0]] = mine["score"]
    limit = max(float(np.nanmax(np.abs(z))), 1e-9)
    return go.Heatmap(
        x=columns, y=list(names.values()), z=z, zmin=-limit, zmax=limit, colorscale=DIVERGING, showscale=False,
        hovertemplate="%{y}, gap %{x}: %{z:+.2f} nats of attention<extra></extra>",
    )  # fmt: skip


def _map(causal: pd.DataFrame, names: dict[Arrangement, str]) -> go.Heatmap:
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
        colorscale=DIVERGING, showscale=False,  # its ends stand in the title: a bar would take room from all parts
        hovertemplate="%{y}, gap %{x}: %{customdata[0]:+.2f} [%{customdata[1]:.2f}, %{customdata[2]:.2f}], "
        "logit %{customdata[3]:.2f}<extra></extra>",
    )  # fmt: skip
