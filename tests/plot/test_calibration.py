"""The picture of nominal and realised rates."""

from xml.etree import ElementTree

import pandas as pd
import pytest

from argminn_core.errors import InputError
from argminn_core.plot.calibration import calibration_figure

RATES = pd.DataFrame(
    [
        ("positives", "REST", 0.1, 0.08), ("positives", "REST", 0.05, 0.03), ("positives", "SPI1", 0.1, 0.12),
        ("all", "REST", 0.2, 0.4), ("all", "SPI1 <&>", 0.1, 0.0),
    ],
    columns=["panel", "series", "nominal", "realised"],
)  # fmt: skip


def texts(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_a_panel_each_with_its_series_and_the_diagonal():
    found = texts(calibration_figure(RATES))
    assert found.count("as it should be") == 2 and found.count("share of false calls") == 1
    assert {"positives", "all", "REST", "SPI1", "SPI1 <&>"} <= set(found)
    assert found.count("SPI1") == 1


def test_the_same_table_gives_the_same_file():
    assert calibration_figure(RATES) == calibration_figure(RATES.sample(frac=1, random_state=1).sort_index())
    assert calibration_figure(RATES) != calibration_figure(RATES.assign(realised=0.1))


def test_points_of_a_line_are_joined_from_left_to_right():
    turned = pd.concat([RATES[1:2], RATES[:1], RATES[2:]])
    assert calibration_figure(turned) == calibration_figure(RATES)


def test_no_rates_is_said():
    with pytest.raises(InputError, match="no rates"):
        calibration_figure(RATES[:0])
