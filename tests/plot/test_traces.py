import re
from html import unescape

import numpy as np

from argminn_core.plot.traces import NEUTRAL, lanes, read_bases, runs, sequence_html, trace_rows
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


def test_a_row_for_every_head_and_motif_with_the_stretches_that_are_not_zero():
    att, act = np.zeros((2, 3, 18)), np.zeros((4, 18))
    att[1, 2, 4] = 0.987
    act[3, 10] = 1.5  # the second motif on its minus strand
    rows = trace_rows(att, act, ["CTCF", HOSTILE], COLOURS, width=3, start0=100, scale=[2.0, 3.0])
    assert [(row["layer"], row["head"]) for row in rows["heads"]] == [
        (k, a) for k in (1, 2) for a in (1, 2, 3)
    ]
    assert [row["runs"] for row in rows["heads"]] == [[]] * 5 + [[[104, 107, 0.99]]]
    assert [row["colour"] for row in rows["motifs"]] == ["#0072b2", NEUTRAL]
    assert [row["runs"] for row in rows["motifs"]] == [[], [[110, 113, 0.5]]]


def test_an_activation_beyond_its_scale_is_drawn_as_full():
    act = np.full((1, 4), 9.0)
    rows = trace_rows(np.zeros((1, 1, 4)), act, ["CTCF"], COLOURS, width=2, scale=[2.0])
    assert rows["motifs"][0]["runs"] == [[0, 5, 1.0]]


def test_runs_end_where_the_value_changes_and_leave_out_what_is_faint():
    assert runs(np.array([0.5, 0.501, 0.01, 0.9]), start0=7) == [[7, 9, 0.5], [10, 11, 0.9]]
    assert runs(np.zeros(0)) == []
