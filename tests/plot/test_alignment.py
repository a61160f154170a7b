import numpy as np
import pytest

from argminn_core.plot.alignment import Alignment, align, aligned_svg


def matrix(site: str, strong: float = 0.85) -> np.ndarray:
    pfm = np.full((4, len(site)), (1 - strong) / 3)
    pfm[["ACGT".index(letter) for letter in site], range(len(site))] = strong
    return pfm


KNOWN = matrix("TTCAGCACCATGGACAGCGCC")


@pytest.mark.parametrize("start", [0, 2, 11])
def test_a_part_of_a_motif_is_found_where_it_was_cut_out(start):
    assert align(KNOWN[:, start : start + 9], KNOWN) == Alignment(start, "+")


def test_a_turned_part_is_found_on_the_other_strand():
    part = KNOWN[::-1, ::-1][:, 3:12]
    assert align(part, KNOWN) == Alignment(3, "-")


def test_a_motif_that_sticks_out_begins_before_its_match():
    wide = np.concatenate([np.full((4, 3), 0.25), matrix("GGACAGCG")], axis=1)
    assert align(wide, matrix("GGACAGCG")) == Alignment(-3, "+")


def test_a_motif_of_two_columns_has_a_place_too():
    assert align(matrix("GC"), matrix("ATGCAT")).offset == 2


def columns(svg: str) -> list[float]:
    """Where the two logos start, in columns of 10 pixels."""
    return [float(part.split('"')[0]) / 10 for part in svg.split('<svg x="')[1:]]


def test_the_logos_lie_on_each_other():
    part = KNOWN[:, 2:11]
    options = dict(name="a", known_name="b", height=60, most=210)
    assert columns(aligned_svg(part, KNOWN, Alignment(2, "+"), **options)) == [2, 0]
    assert columns(aligned_svg(part, KNOWN, Alignment(2, "+"), reverse=True, **options)) == [10, 0]
    wide = np.concatenate([np.full((4, 3), 0.25), KNOWN[:, :18]], axis=1)
    assert columns(aligned_svg(wide, KNOWN[:, :18], Alignment(-3, "+"), **options)) == [0, 3]


def test_names_are_escaped():
    svg = aligned_svg(KNOWN, KNOWN, Alignment(0, "+"), name="<b>", known_name='"><script>')
    assert "<b>" not in svg and "<script>" not in svg
