"""Planting against plain forward passes, and against models whose rule is written down."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from argminn_core import dna
from argminn_core.causal import PairScan, Planter, causal_scan, interval, neutral
from argminn_core.errors import InputError
from argminn_core.instances import read_batch
from argminn_core.predict import predict
from argminn_core.sentences import Exists, before, exactly, within
from argminn_core.tables import CAUSAL
from tests.handmade import LENGTH as TOY_LENGTH
from tests.handmade import toy_bundle
from tests.toy import random_codes, tiny_bundle
from tests.written import WIDTH, bundle_of

SHORT = 80


def scans_of(sentence, *, backgrounds: int = 4) -> dict[tuple, PairScan]:
    bundle = bundle_of(sentence, length=SHORT)
    table, scans = causal_scan(Planter(bundle, random_codes(backgrounds, SHORT)), "A", "B")
    CAUSAL.check(table)
    assert len(table) == sum(len(scan.gaps) for scan in scans)
    return {(scan.left, scan.right, scan.orientation): scan for scan in scans}


def test_a_written_rule_is_seen_at_its_gap_and_nowhere_else():
    """Logits are 4 where the rule holds and -4 elsewhere, so the synergy is 4 + 4 + 4 - 4 or 0."""
    for key, scan in scans_of(exactly("A", 3, "B")).items():
        assert scan.gaps.tolist() == list(range(1 - WIDTH, SHORT - 2 * WIDTH + 1))
        true = (scan.gaps == 3) & (key == ("A", "B", "++"))
        np.testing.assert_allclose(scan.synergy, np.where(true, 8.0, 0.0)[:, None].repeat(4, 1), atol=1e-3)


@pytest.mark.parametrize(
    "sentence, low, high", [(within("A", 12, 20, "B"), 12, 20), (before("A", "B"), 0, 60)], ids=str
)
def test_a_range_of_gaps_in_one_order(sentence, low, high):
    for key, scan in scans_of(sentence).items():
        true = (scan.gaps >= low) & (scan.gaps <= high) & (key == ("A", "B", "++"))
        # Where they overlap one site is overwritten; no rule of two whole sites can hold.
        np.testing.assert_allclose(scan.synergy.mean(1), np.where(true, 8.0, 0.0), atol=1e-3)


def test_either_of_two_has_no_synergy_and_neither_undoes_the_other():
    scan = scans_of(Exists("A") | Exists("B"))["A", "B", "++"]
    apart = scan.gaps >= 0
    assert scan.synergy[apart].max() < 1e-3
    assert scan.excess[apart].min() > -1e-3
    undone = scans_of(~within("A", 12, 20, "B"))["A", "B", "++"]
    low = (undone.gaps >= 12) & (undone.gaps <= 20)
    np.testing.assert_allclose(undone.excess.mean(1), np.where(low, -8.0, 0.0), atol=1e-3)


def test_a_scan_is_four_forward_passes():
    bundle = toy_bundle()
    backgrounds = random_codes(3, TOY_LENGTH, seed=5)
    scan = Planter(bundle, backgrounds).scan("CTCF", "GATA1", "+-", max_gap=20)
    first = bundle.motif("CTCF").motif.pfm.argmax(0)
    second = dna.reverse_complement_codes(bundle.motif("GATA1").motif.pfm.argmax(0).astype(np.uint8))

    def logit(row: int, *sites: tuple[int, np.ndarray]) -> float:
        codes = backgrounds[row].copy()
        for start, site in sites:
            codes[start : start + len(site)] = site
        codes = dna.reverse_complement_codes(codes[None]) if row % 2 else codes[None]
        return float(predict(bundle.model, codes)[0])

    assert scan.gaps.tolist() == list(range(-11, 21))
    for at, gap in enumerate(scan.gaps):
        start = (TOY_LENGTH - 24 - gap) // 2
        a, b = (start, first), (start + 12 + gap, second)
        for row in range(3):
            expected = logit(row, a, b) - logit(row, a) - logit(row, b) + logit(row)
            assert scan.synergy[at, row] == pytest.approx(expected, abs=2e-3)
    table = scan.table()
    np.testing.assert_allclose(table["synergy"], table["logit"] - table["additive"], atol=1e-9)
    assert (table["low"] <= table["synergy"]).all() and (table["synergy"] <= table["high"]).all()


def test_what_is_found_does_not_hang_on_the_strand():
    """Of a strand-tied model A+ then B+ and its mirror image are one arrangement: the logits must agree too."""
    bundle = tiny_bundle(3, length=60, width=5)
    backgrounds = random_codes(2, 60, seed=1)
    a, b = (motif.name for motif in bundle.motifs[:2])
    one = Planter(bundle, backgrounds).scan(a, b, "++", max_gap=30)
    mirrored = dna.reverse_complement_codes(backgrounds)
    other = Planter(bundle, mirrored).scan(b, a, "--", max_gap=30)
    # At odd gaps the pair's middle is half a base off the sequence's, and once mirrored to the other side; where sites
    # overlap the other one is written over.
    even = (one.gaps % 2 == 0) & (one.gaps >= 0)
    turned = Planter(bundle, mirrored[::-1].copy()).scan(b, a, "--", max_gap=30)
    np.testing.assert_allclose(turned.together[even][:, ::-1], one.together[even], atol=1e-4)
    assert not np.allclose(other.together[even], one.together[even], atol=1e-4)  # read on the other strand


def test_intervals_are_students():
    values = np.random.default_rng(0).normal(3, 2, 12)
    found = interval(values)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert found == pytest.approx((values.mean(), low, high))
    assert -found == pytest.approx((-values.mean(), -high, -low))
    assert interval(np.array([2.0])) == (2, 2, 2)
    assert str(interval(np.array([2.0]))) == "+2.0 [2.0, 2.0]"


def test_neutral_backgrounds_are_those_that_the_model_does_not_use():
    bundle = toy_bundle()
    chosen = neutral(bundle, 16, seed=2)
    assert chosen.shape == (16, TOY_LENGTH)
    calls = read_batch(bundle, chosen)[1]
    assert np.abs(calls.contribution).max(initial=0) < 1
    np.testing.assert_array_equal(chosen, neutral(bundle, 16, seed=2))
    assert (chosen != neutral(bundle, 16, seed=3)).any()


def test_where_two_motifs_do_not_fit_nothing_is_planted():
    planter = Planter(bundle_of(Exists("A") & Exists("B"), length=2 * WIDTH), random_codes(2, 2 * WIDTH))
    assert [scan.gaps.max() for scan in causal_scan(planter, "A", "B")[1]] == [0] * 4
    scan = planter.scan("A", "B", "++", gaps=range(1, 9))
    assert scan.gaps.size == 0 and scan.synergy.shape == (0, 2)
    assert scan.table().empty


def test_only_the_gaps_that_are_asked_for():
    planter = Planter(bundle_of(exactly("A", 3, "B"), length=SHORT), random_codes(2, SHORT))
    scan = planter.scan("A", "B", "++", gaps=[5, 3, 700])
    assert scan.gaps.tolist() == [3, 5]
    np.testing.assert_allclose(scan.synergy.mean(1), [8, 0], atol=1e-3)


def test_a_motif_alone_goes_to_the_middle():
    planter = Planter(bundle_of(Exists("A") & ~Exists("B"), length=SHORT), random_codes(3, SHORT))
    np.testing.assert_allclose(planter.alone("A"), [[4, 4, 4]], atol=1e-3)
    np.testing.assert_allclose(planter.alone("A", "-"), [[-4, -4, -4]], atol=1e-3)  # its strands are not tied
    np.testing.assert_allclose(planter.alone("A", start0=[0, 70]), np.full((2, 3), 4), atol=1e-3)


def test_backgrounds_of_another_length_are_an_error():
    with pytest.raises(InputError, match="do not fit the model"):
        Planter(bundle_of(Exists("A"), length=SHORT), random_codes(2, SHORT + 1))
