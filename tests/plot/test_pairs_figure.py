"""The matrix of pairs: every cell can be clicked, says its numbers, and names of users are only text."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from argminn_core.plot.pairs import pairs_figure
from argminn_core.tables import PAIRS


def pairs_of(*rows: tuple[str, str, int, float, float]) -> pd.DataFrame:
    """Rows of two motifs, sequences with both, odds ratio, q-value."""
    return PAIRS.frame(pd.DataFrame(
        [(a, b, 50, 40, n, 3.0, odds, q / 2, q) for a, b, n, odds, q in rows], columns=list(PAIRS.columns)
    ))  # fmt: skip


THREE = pairs_of(("A", "A", 0, 0.25, 1.0), ("A", "B", 20, 8.0, 1e-6), ("B", "B", 2, 1.0, 0.7))


def parts(figure: go.Figure) -> tuple[go.Heatmap, go.Scattergl]:
    cells, _, points = figure.data
    return cells, points


def written(figure: go.Figure) -> dict[tuple[int, int], str]:
    """What stands in each cell, by column and row."""
    trace = figure.data[1]
    return dict(zip(zip(trace.x, trace.y, strict=True), trace.text, strict=True))


def test_colours_are_log_odds_in_the_lower_triangle():
    cells, _ = parts(pairs_figure(THREE, ["B", "A"]))
    np.testing.assert_array_equal(np.asarray(cells.z, dtype=float), [[0, np.nan], [3, -2]])
    assert (cells.zmin, cells.zmax) == (-3, 3)  # no preference is the middle of the colours


def test_cells_say_how_many_and_a_star_that_it_is_more_than_chance():
    assert written(pairs_figure(THREE, ["A", "B"])) == {(0, 0): "0", (0, 1): "20★", (1, 1): "2"}
    many = [f"m{i}" for i in range(11)]
    assert written(pairs_figure(THREE, ["A", "B", *many])) == {(0, 0): "", (0, 1): "★", (1, 1): ""}


def test_every_cell_has_a_point_that_gives_its_pair():
    _, points = parts(pairs_figure(THREE, ["B", "A"]))
    at = dict(zip(zip(points.x, points.y, strict=True), map(tuple, points.customdata), strict=True))
    assert at == {(0, 0): ("B", "B"), (0, 1): ("A", "B"), (1, 1): ("A", "A")}
    assert "20 sequences" in points.text[list(at).index((0, 1))]


def test_the_chosen_cell_is_framed_whatever_the_order():
    (frame,) = pairs_figure(THREE, ["A", "B"], ("B", "A")).layout.shapes
    assert (frame.x0, frame.x1, frame.y0, frame.y1) == (-0.5, 0.5, 0.5, 1.5)
    assert not pairs_figure(THREE, ["A", "B"], ("A", "gone")).layout.shapes


def test_names_are_text_and_no_markup():
    figure = pairs_figure(pairs_of(("<b>x</b>", "y", 3, 2.0, 0.5)), ["<b>x</b>", "y"])
    assert figure.layout.xaxis.ticktext[0] == "&lt;b&gt;x&lt;/b&gt;"
    assert "<b>" not in figure.data[2].text[0]


def test_nothing_to_draw_is_drawn():
    pairs_figure(PAIRS.empty(), []).to_json()
