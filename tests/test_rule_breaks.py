"""Pairs of a sequence's own sites, planted intact and broken."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from argminn_core import dna
from argminn_core.rule_breaks import BREAKS, INTACT, Pair, break_rules, pairs
from tests.toy import LENGTH, SITE, background, detector, plant

LEFT, RIGHT = dna.encode("AACC"), dna.encode("GGT")


def written(placed: list[tuple[int, np.ndarray]], length: int = 40) -> str:
    codes = np.full(length, 4, dtype=np.uint8)
    for start, letters in placed:
        codes[start : start + len(letters)] = letters
    return dna.decode(codes).strip("N")


def calls(*spans: tuple[int, int, int, float]) -> pd.DataFrame:
    return pd.DataFrame(spans, columns=["row", "start0", "end0", "contribution"])


@pytest.mark.parametrize(
    "kind, text",
    [
        (INTACT, "AACCNNGGT"), ("order swapped", "GGTNNAACC"), ("weaker strand flipped", "AACCNNACC"),
        ("moved apart", "AACC" + "N" * 12 + "GGT"), ("moved together", "AACCNNGGT"), ("stronger alone", "AACC"),
    ],
)  # fmt: skip
def test_each_arrangement(kind, text):
    pair = Pair(0, (LEFT, RIGHT), (15, 21), strong=0)
    assert pair.gap == 2
    assert written(pair.arranged(kind, 12)) == text


def test_where_arrangements_lie():
    pair = Pair(0, (LEFT, RIGHT), (15, 21), strong=1)
    assert sorted(start for start, _ in pair.arranged("order swapped", 12)) == [15, 20]
    assert sorted(start for start, _ in pair.arranged("moved apart", 12)) == [10, 26]
    assert sorted(start for start, _ in pair.arranged("moved together", 12)) == [20, 26]
    assert sorted(start for start, _ in pair.arranged("moved together", 12, side=-1)) == [10, 16]
    assert [start for start, _ in pair.arranged("stronger alone", 12)] == [21]


def test_the_stronger_of_two_that_overlap_keeps_its_letters():
    for strong, text in ((0, "AACCT"), (1, "AAGGT")):
        pair = Pair(0, (LEFT, RIGHT), (15, 17), strong)
        assert pair.gap == -2
        assert written(pair.arranged(INTACT, 12)) == text
        assert written(pair.arranged("order swapped", 12)) == "GGTAACC"


def test_the_two_strongest_sites_make_a_pair():
    codes = np.arange(60, dtype=np.uint8)[None] % 4
    (pair,) = pairs(codes, calls((0, 5, 13, 2.0), (0, 30, 38, 9.0), (0, 50, 58, 3.0)))
    assert (pair.row, pair.start, pair.strong) == (0, (30, 50), 0)
    np.testing.assert_array_equal(pair.letters[1], codes[0, 50:58])


def test_filters_that_read_the_same_bases_make_no_pair():
    codes = np.zeros((1, 60), dtype=np.uint8)
    assert not pairs(codes, calls((0, 5, 13, 2.0), (0, 8, 16, 3.0)))
    (pair,) = pairs(codes, calls((0, 5, 13, 2.0), (0, 8, 16, 3.0), (0, 18, 26, 1.5)))
    assert pair.start == (5, 18)  # the two of one site are taken together
    assert len(pair.letters[0]) == 11


def test_a_model_of_single_sites_loses_nothing_but_strands():
    bundle = detector()
    text = plant(plant(background(LENGTH), SITE, 15), SITE, 30)
    codes = dna.encode_all([text])
    neutral = dna.encode_all([background(LENGTH, seed=s) for s in range(1, 4)])[None]
    found = break_rules(bundle, codes, calls((0, 15, 23, 6.0), (0, 30, 38, 5.0)), neutral)
    assert found.row.tolist() == [0]
    assert found.gap == 57  # wider than the sequence: no room to move
    column = {kind: i for i, kind in enumerate((INTACT, *BREAKS))}
    assert np.isnan(found.logit[0, [column["moved apart"], column["moved together"]]]).all()
    kept = [column[kind] for kind in (INTACT, "order swapped", "weaker strand flipped", "stronger alone")]
    np.testing.assert_allclose(found.logit[0, kept], found.logit[0, 0], atol=0.3)
    assert (found.called[0, kept] >= 0).all()


def test_no_pair_is_no_row():
    codes = dna.encode_all([background(LENGTH)])
    found = break_rules(detector(), codes, calls((0, 15, 23, 6.0)), codes[:, None])
    assert found.logit.shape == found.called.shape == (0, 6)
    assert found.gap == 0


def test_letters_are_not_planted_into_unknown_bases():
    text = plant(plant(background(LENGTH), SITE, 15), SITE, 30)
    neutral = dna.encode_all([background(LENGTH, seed=1)])[None]
    neutral[..., 34:] = dna.N_CODE
    found = break_rules(
        detector(), dna.encode_all([text]), calls((0, 15, 23, 6.0), (0, 30, 38, 5.0)), neutral
    )
    assert np.isfinite(found.logit[0]).tolist() == [False, False, False, False, False, True]
