"""The figure of a pair: bars are the counts, the map is the synergy, and names of users are only text."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from argminn_core.plot.syntax import syntax_figure
from argminn_core.tables import CAUSAL, GAPS, SPACINGS

SAME, SWAPPED, FACING = ("A", "B", "++"), ("B", "A", "++"), ("A", "B", "+-")


def gaps_of(*rows: tuple[tuple[str, str, str], int, int, float]) -> pd.DataFrame:
    """Rows of arrangement, gap, sequences, q-value."""
    return GAPS.frame(pd.DataFrame(
        [(*key, gap, n, 1.5, q / 2, q) for key, gap, n, q in rows], columns=list(GAPS.columns)
    ))  # fmt: skip


def causal_of(*rows: tuple[tuple[str, str, str], int, float, float, float]) -> pd.DataFrame:
    """Rows of arrangement, gap, synergy, low, high."""
    return CAUSAL.frame(pd.DataFrame(
        [(*key, gap, 2.0, 2.0 - s, s, low, high) for key, gap, s, low, high in rows], columns=list(CAUSAL.columns)
    ))  # fmt: skip


def bars(figure: go.Figure) -> dict[str, go.Bar]:
    """The bars of each arrangement, without those that are there for the legend or for clicks."""
    found = [trace for trace in figure.data if isinstance(trace, go.Bar)]
    return {trace.name: trace for trace in found if trace.name and trace.showlegend is False}


def clickable(figure: go.Figure) -> go.Bar:
    (found,) = (trace for trace in figure.data if isinstance(trace, go.Bar) and not trace.name)
    return found


def lines(figure: go.Figure) -> list[go.Scatter]:
    return [trace for trace in figure.data if isinstance(trace, go.Scatter) and trace.mode == "lines"]


def synergy(figure: go.Figure) -> go.Heatmap:
    (found,) = (trace for trace in figure.data if isinstance(trace, go.Heatmap))
    return found


def test_bars_are_the_sequences_at_each_gap():
    gaps = gaps_of(
        (FACING, -3, 4, 0.2), (SAME, 0, 50, 1e-9), (SAME, 7, 3, 1.0), (("A", "C", "++"), 1, 99, 1e-9)
    )
    found = bars(syntax_figure(gaps, CAUSAL.empty(), "B", "A"))
    assert list(found) == ["A → B →", "A → B ←"]  # same strand first; the other pair is not drawn
    assert list(found["A → B →"].x) == [0, 7]
    assert list(found["A → B →"].y) == [50, 3]
    strong, pale = found["A → B →"].marker.color
    assert (strong, pale) == ("#0072b2", "rgba(0,114,178,0.35)")  # pale where not preferred
    assert found["A → B ←"].marker.color[0] != pale


def test_a_gap_can_be_hit_and_says_all_that_stands_there():
    gaps = gaps_of((SAME, 5, 9, 1e-5), (FACING, 5, 2, 1.0), (SAME, 7, 1, 1.0))
    trace = clickable(syntax_figure(gaps, CAUSAL.empty(), "A", "B"))
    assert list(trace.x) == [5, 7]
    assert len(set(trace.y)) == 1  # as high over a gap that was seen once
    assert "A → B →: 9 sequences" in trace.text[0] and "A → B ←: 2 sequences" in trace.text[0]


def test_a_pale_bar_does_not_make_the_legend_pale():
    figure = syntax_figure(gaps_of((SAME, 5, 9, 1.0)), CAUSAL.empty(), "A", "B")
    (legend,) = (trace for trace in figure.data if trace.name and trace.showlegend is not False)
    assert legend.marker.color == "#0072b2"


def test_one_arrangement_is_drawn_as_logit_sum_and_interval():
    causal = causal_of((SAME, 0, 3.0, 2.0, 4.0), (SAME, 1, 0.5, -1.0, 2.0), (FACING, 0, 9.0, 8.0, 10.0))
    low, high, logit, total = lines(syntax_figure(gaps_of(), causal, "A", "B", shown=SAME))
    assert list(logit.y) == [2.0, 2.0]  # of CAUSAL, made so by `causal_of`
    assert list(total.y) == [-1.0, 1.5]
    assert list(low.y) == [1.0, 0.5] and list(high.y) == [3.0, 3.5]
    assert not lines(syntax_figure(gaps_of(), causal, "A", "B"))
    assert not lines(syntax_figure(gaps_of(), CAUSAL.empty(), "A", "B", shown=SAME))


def test_the_chosen_gap_is_marked_in_every_part():
    causal = causal_of((SAME, 0, 3.0, 2.0, 4.0))
    figure = syntax_figure(gaps_of((SAME, 5, 9, 1e-5)), causal, "A", "B", shown=SAME, at=5)
    marks = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    # A frame without a filling hides nothing.
    assert {(shape.x0, shape.x1, shape.fillcolor) for shape in marks} == {(4.5, 5.5, None)}
    assert {shape.xref for shape in marks} == {"x", "x2", "x3"}


def test_the_map_has_a_row_for_each_arrangement_and_nothing_where_nothing_was_planted():
    causal = causal_of((SAME, -1, 3.0, 2.0, 4.0), (SAME, 1, 0.5, -1.0, 2.0), (SWAPPED, 0, -2.0, -3.0, -1.0))
    trace = synergy(syntax_figure(GAPS.empty(), causal, "A", "B"))
    assert list(trace.x) == [-1, 0, 1]
    assert list(trace.y) == ["A → B →", "B → A →"]
    # An interval that holds 0 is drawn as 0; the numbers stay in the hover text.
    np.testing.assert_array_equal(np.asarray(trace.z, dtype=float), [[3, np.nan, 0], [np.nan, -2, np.nan]])
    np.testing.assert_array_equal(trace.customdata[0][2], [0.5, -1, 2, 2])
    assert (trace.zmin, trace.zmax) == (-3, 3)  # no synergy is the middle of the colours


def test_both_parts_share_one_axis_of_gaps():
    figure = syntax_figure(gaps_of((SAME, 5, 9, 1e-5)), causal_of((SAME, 5, 1.0, 0.5, 1.5)), "A", "B")
    assert figure.layout.xaxis.matches == "x2"
    (line,) = {shape.x0 for shape in figure.layout.shapes}
    assert line == -0.5


@pytest.mark.parametrize("gaps", [GAPS.empty(), gaps_of((SAME, 5, 9, 1e-5))], ids=["nothing seen", "seen"])
def test_what_was_not_planted_says_so(gaps):
    figure = syntax_figure(gaps, CAUSAL.empty(), "A", "B")
    assert "not planted" in [note.text for note in figure.layout.annotations]
    assert len(bars(figure)) == (len(gaps) > 0)
    figure.to_json()


def test_a_motif_with_itself():
    key = ("A", "A", "-+")
    figure = syntax_figure(
        gaps_of((key, 5, 9, 1e-5), (SAME, 1, 2, 1.0)), causal_of((key, 5, 1.0, 0.5, 1.5)), "A", "A"
    )
    assert list(bars(figure)) == list(synergy(figure).y) == ["A ← A →"]


def test_names_are_text_and_no_markup():
    key = ("<b>x</b>", "A&B", "++")
    figure = syntax_figure(gaps_of((key, 1, 9, 1e-5)), causal_of((key, 1, 1.0, 0.5, 1.5)), "A&B", "<b>x</b>")
    assert list(bars(figure)) == ["&lt;b&gt;x&lt;/b&gt; → A&amp;B →"]
    assert "<b>x" not in figure.to_json()


def test_weights_are_a_map_of_their_own():
    """The mean of both directions, summed over layers, on the axis of the other parts."""
    rows = [
        (*key, layer, gap, 2.0 * layer, 4.0 * layer)
        for key in (SAME, FACING)
        for layer in (2, 3)
        for gap in (0, 5)
    ]
    weights = SPACINGS.frame(pd.DataFrame(rows, columns=list(SPACINGS.columns)))
    weights.loc[weights["gap"] == 5, ["after_left", "after_right"]] = -1.0
    figure = syntax_figure(
        gaps_of((SAME, 0, 5, 0.1)), causal_of((SAME, 0, 3.0, 2.0, 4.0)), "A", "B", weights=weights
    )
    _, found = (trace for trace in figure.data if isinstance(trace, go.Heatmap))
    assert list(found.y) == ["A → B →", "A → B ←"]
    z = dict(zip(found.x, np.array(found.z)[0], strict=True))
    assert z[0] == pytest.approx(3 * 2 + 3 * 3) and z[5] == pytest.approx(-2) and np.isnan(z[1])
    assert found.zmax == -found.zmin == pytest.approx(15)
    without = syntax_figure(GAPS.empty(), CAUSAL.empty(), "A", "B", weights=SPACINGS.empty())
    assert sum(isinstance(trace, go.Heatmap) for trace in without.data) == 0
