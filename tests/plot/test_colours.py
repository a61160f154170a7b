"""Colours of motifs as they are seen: by most people, without red cones, without green ones."""

from itertools import combinations

import numpy as np
import pytest

from argminn_core.plot.colours import MOTIF_COLOURS, motif_colour

# Machado, Oliveira and Fernandes 2009 (doi:10.1109/TVCG.2009.113), severity 1, on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881],
    ],
}  # fmt: skip
TO_XYZ = [
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
]
WHITE = [0.95047, 1.0, 1.08883]
PAGES = {"light": "#ffffff", "dark": "#171614"}


def linear(colour: str) -> np.ndarray:
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear RGB (3,): Euclidean distances are those that people see, about."""
    xyz = np.array(TO_XYZ) @ np.clip(rgb, 0, 1) / WHITE
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(colour: str, page: str) -> float:
    low, high = sorted(float(np.array(TO_XYZ[1]) @ linear(one)) for one in (colour, page))
    return (high + 0.05) / (low + 0.05)


def test_the_measure_knows_what_red_and_green_are_without_red_or_green_cones():
    red, green = linear("#d00000"), linear("#8a6a00")
    seen = {kind: np.linalg.norm(lab(matrix @ red) - lab(matrix @ green)) for kind, matrix in SIGHT.items()}
    assert seen["normal"] > 2 * seen["deuteranopia"]


@pytest.mark.parametrize(("sight", "least"), [("normal", 25), ("protanopia", 15), ("deuteranopia", 15)])
def test_any_two_colours_are_told_apart(sight, least):
    seen = {colour: lab(np.array(SIGHT[sight]) @ linear(colour)) for colour in MOTIF_COLOURS}
    for one, other in combinations(MOTIF_COLOURS, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > least, f"{one} and {other}"


@pytest.mark.parametrize("page", PAGES)
def test_every_colour_stands_out_from_the_page(page):
    for colour in MOTIF_COLOURS:
        assert contrast(colour, PAGES[page]) > 2, colour


def test_motifs_beyond_the_last_colour_begin_again():
    assert motif_colour(len(MOTIF_COLOURS)) == motif_colour(0)
