import re

from argminn_core.plot.positions import positions_svg


def test_a_bar_over_the_centre_for_what_lies_there():
    svg = positions_svg([-2, 0, 3, 240], 250, colour="#0072B2")
    titles = re.findall("<title>(.*?)</title>", svg)
    assert titles == ["3 between -10 and 10 bp", "1 between 230 and 250 bp"]


def test_no_instance_is_an_empty_axis():
    svg = positions_svg([], 100, colour="#0072B2")
    assert "<title>" not in svg and "centre" in svg and "bp" in svg
