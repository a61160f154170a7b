import re
from html import unescape

import numpy as np
import pytest

from argminn_core.plot.traces import attention_figure, lanes, read_bases, sequence_html
from argminn_core.tables import INSTANCES

HOSTILE = "<img src=x onerror=alert(1)>"
COLOURS = {"CTCF": "#0072b2"}


def instances(*rows):
    columns = ("start0", "end0", "motif", "strand", "contribution")
    fixed = {"sequence": "s", "attention": 0.9, "activation": 5.0, "readers": "1.2"}
    return INSTANCES.frame([{**fixed, **dict(zip(columns, row, strict=True))} for row in rows])


def visible(html):
    return unescape(re.sub(r"<[^>]+>", "", html))


def test_a_pointer_covers_the_bases_of_its_window():
    att = np.zeros((1, 2, 8))
    att[0, 1, 3] = 0.9
    bases = read_bases(att, 3)
    assert bases.shape == (1, 2, 10)
    np.testing.assert_allclose(bases[0, 1], [0, 0, 0, 0.9, 0.9, 0.9, 0, 0, 0, 0], rtol=1e-6)


def test_lanes_keep_neighbours_apart():
    assert lanes([0, 5, 30], [10, 15, 40]) == [0, 1, 0]


def test_letters_survive_with_their_ruler():
    text = "ACGT" * 60
    html = sequence_html(text, instances((10, 20, "CTCF", "+", 2.0)), COLOURS, start0=1000, line=100)
    lines = [line for line in visible(html).split("\n") if re.search("[ACGT]{20}", line)]
    assert "".join(re.search("[ACGT]+$", line)[0] for line in lines) == text
    assert [line.split()[0] for line in lines] == ["1,000", "1,100", "1,200"]


def test_an_instance_is_marked_and_its_label_stands_above_its_first_base():
    text = "A" * 40 + "CCGGCC" + "A" * 40
    html = sequence_html(text, instances((40, 46, "CTCF", "-", 2.0)), COLOURS)
    assert re.search(r'<b style="[^"]*#0072b2[^"]*">CCGGCC</b>', html)
    label, letters = visible(html).split("\n")
    assert label.index("CTCF ←") == letters.index("CCGGCC")


def test_overlaps_take_the_colour_of_the_larger_contribution():
    html = sequence_html("ACGTACGT", instances((0, 5, "CTCF", "+", 3.0), (3, 8, "x", "+", 1.0)), COLOURS)
    assert [visible(match) for match in re.findall("<b .*?</b>", html)] == ["ACGTA", "CGT"]


def test_an_instance_across_a_line_break_is_marked_on_both_lines():
    html = sequence_html("A" * 20, instances((8, 13, "CTCF", "+", 1.0)), COLOURS, line=10)
    assert [visible(match) for match in re.findall("<b .*?</b>", html)] == ["AA", "AAA"]
    assert html.count("CTCF →") == 1


def test_names_and_letters_are_escaped():
    html = sequence_html("<b>&", instances((0, 4, HOSTILE, "+", 1.0)), {HOSTILE: '"><script>'})
    assert "<img" not in html and "<script>" not in html and "&lt;b&gt;&amp;" in html


@pytest.mark.parametrize("rows", [(), ((5, 8, "CTCF", "+", 2.0), (6, 9, HOSTILE, "-", 1.0))])
def test_attention_figure_has_a_row_for_every_head_and_motif(rows):
    rng = np.random.default_rng(0)
    figure = attention_figure(
        rng.random((2, 3, 18)), rng.random((4, 18)), instances(*rows), ["CTCF", HOSTILE], COLOURS,
        width=3, start0=100,
    )  # fmt: skip
    heat = [trace for trace in figure.data if trace.type == "heatmap"]
    assert [len(trace.y) for trace in heat] == [6, 2]
    assert list(heat[0].x) == list(range(100, 120))
    assert "<img" not in figure.to_json().replace("\\u003c", "<")


def test_blocks_lie_on_the_bases_of_their_instances():
    figure = attention_figure(
        np.zeros((1, 1, 18)),
        np.zeros((2, 18)),
        instances((5, 8, "CTCF", "+", 2.0)),
        ["CTCF"],
        COLOURS,
        width=3,
    )
    (bar,) = (trace for trace in figure.data if trace.type == "bar")
    assert (bar.base[0], bar.x[0], bar.marker.color[0]) == (4.5, 3, "#0072b2")
