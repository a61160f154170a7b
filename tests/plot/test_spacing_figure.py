"""The gap chart: bars where gaps were seen, a line where pairs were planted, one axis for both."""

from xml.etree import ElementTree

import numpy as np
import pytest

from argminn_core.plot.spacing import BAND, spacing_svg

SVG = "{http://www.w3.org/2000/svg}"


def drawn(gaps=(0, 6), sequences=(160, 10), planted=range(-5, 30), title="a pair"):
    planted = np.array(planted, dtype=int)
    synergy = planted / 10
    text = spacing_svg(
        np.array(gaps, dtype=int), np.array(sequences, dtype=int), planted, synergy, synergy - 0.5, synergy + 0.5,
        title=title,
    )  # fmt: skip
    return ElementTree.fromstring(text)


def middles(root) -> list[float]:
    return [float(bar.get("x")) + float(bar.get("width")) / 2 for bar in root.iter(f"{SVG}rect")]


def test_bars_are_as_tall_as_the_root_and_stand_over_the_line():
    root = drawn()
    tall, low = (float(bar.get("height")) for bar in root.iter(f"{SVG}rect"))
    assert tall == pytest.approx(BAND, abs=0.1) and low == pytest.approx(BAND / 4, abs=0.1)
    line = [float(p.split(",")[0]) for p in root.find(f"{SVG}polyline").get("points").split()]
    assert middles(root) == pytest.approx([line[5], line[11]], abs=0.2)
    assert [bar.find(f"{SVG}title").text for bar in root.iter(f"{SVG}rect")] == [
        "gap 0: 160 sequences",
        "gap 6: 10 sequences",
    ]


def test_more_synergy_is_higher():
    root = drawn()
    y = [float(p.split(",")[1]) for p in root.find(f"{SVG}polyline").get("points").split()]
    assert all(np.diff(y) < 0)


def test_gaps_off_the_axis_are_left_out():
    assert len(middles(drawn(gaps=(0, 400), sequences=(3, 9)))) == 1


@pytest.mark.parametrize("planted", [(), (3,)])
def test_one_side_alone_will_do(planted):
    root = drawn(gaps=(3,), sequences=(2,), planted=planted)
    assert len(middles(root)) == 1 and "nan" not in ElementTree.tostring(root, encoding="unicode")
    assert len(list(drawn(gaps=(), sequences=()).iter(f"{SVG}rect"))) == 0


def test_nothing_is_no_picture():
    none = np.zeros(0)
    assert spacing_svg(none, none, none, none, none, none, title="x") == ""


def test_a_hostile_title_stays_text():
    assert drawn(title='"><script>').get("aria-label") == '"><script>'
