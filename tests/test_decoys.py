"""q-values: the definition written out, what holds where nothing is true, and calls whose truth is known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from toy import LENGTH, SITE, background, detector, plant, random_codes, tiny_bundle

from argminn_core import dna
from argminn_core.checkpoint import load_model
from argminn_core.datasets import grammar_of
from argminn_core.decoys import local_rate, q_values, shuffled, target_decoy
from argminn_core.errors import InputError
from argminn_core.fasta import Sequences
from argminn_core.instances import scan
from argminn_core.overlaps import overlapping
from argminn_core.simulate import simulate
from argminn_core.tables import INSTANCES
from argminn_core.zoo import resolve

scores = st.lists(st.integers(-3, 5).map(float), max_size=25).map(np.array)


def named(texts):
    return Sequences.from_texts([f"s{i}" for i in range(len(texts))], texts)


def spans(*rows):
    return pd.DataFrame(rows, columns=["sequence", "start0", "end0"])


# --- rates --------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(scores, scores, scores, st.sampled_from([1, 4, 20]))
def test_a_q_value_is_the_smallest_rate_at_a_target_of_no_higher_score(targets, decoys, asked, shuffles):
    def rate(at):
        return ((decoys >= at).sum() + 1) / shuffles / (targets >= at).sum()

    expected = [min([1.0, *(rate(at) for at in targets if at <= score)]) for score in asked]
    found = target_decoy(targets, decoys, asked, shuffles=shuffles)
    np.testing.assert_allclose(found, expected)
    order = np.argsort(asked)
    assert (np.diff(found[order]) <= 0).all()


@pytest.mark.parametrize("shuffles", [1, 5, 20])
def test_where_targets_are_like_decoys_hardly_a_set_has_a_call(shuffles):
    rng = np.random.default_rng(shuffles)
    sets, called = 2_000, 0
    for _ in range(sets):
        targets, decoys = rng.normal(size=60), rng.normal(size=60 * shuffles)
        called += (target_decoy(targets, decoys, targets, shuffles=shuffles) <= 0.05).any()
    # Every call is false, so a false discovery rate of 5 % is a call in 5 % of the sets; three standard errors.
    assert called / sets <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / sets)


@pytest.mark.parametrize("shuffles", [1, 10])
def test_of_a_mixture_as_many_calls_are_false_as_q_says(shuffles):
    rng, shares, calls = np.random.default_rng(0), [], []
    for _ in range(300):
        targets = np.concatenate([rng.normal(size=300), rng.normal(3, 1, size=200)])
        decoys = rng.normal(size=300 * shuffles)
        called = target_decoy(targets, decoys, targets, shuffles=shuffles) <= 0.1
        shares.append(called[:300].sum() / max(called.sum(), 1))
        calls.append(called[300:].mean())
    assert np.mean(shares) == pytest.approx(0.1, abs=0.01) and np.mean(calls) > 0.8


@settings(max_examples=50, deadline=None)
@given(scores.filter(len), scores, scores.filter(len), st.sampled_from([1, 20]))
def test_local_rates_are_bounded_and_fall_with_the_score(targets, decoys, asked, shuffles):
    found = local_rate(targets, decoys, np.sort(asked), shuffles=shuffles)
    assert (found >= 0).all() and (found <= 1).all() and (np.diff(found) <= 1e-12).all()


@pytest.mark.parametrize("shuffles", [1, 5])
def test_a_local_rate_is_the_ratio_of_false_to_all_at_a_score(shuffles):
    rng = np.random.default_rng(1)
    targets = np.concatenate([rng.normal(size=20_000), rng.normal(2, 1, size=20_000)])
    decoys = rng.normal(size=20_000 * shuffles)
    at = np.array([-1, 0, 1, 2, 3.0])
    expected = 1 / (1 + np.exp(2 * at - 2))  # of two normal densities, 2 apart
    np.testing.assert_allclose(local_rate(targets, decoys, at, shuffles=shuffles), expected, atol=0.05)
    assert (local_rate(targets, decoys[:0], at, shuffles=shuffles) == 0).all()


# --- decoys -------------------------------------------------------------------------------------------------


def dinucleotides(codes):
    return np.bincount(5 * codes[:-1].astype(int) + codes[1:], minlength=25)


def test_decoys_keep_dinucleotides_piece_by_piece():
    sequences = named([background(200, seed=1), background(95, seed=2), "ACG", "", background(100, seed=3)])
    decoys = shuffled(sequences, spans(), length=100, seed=5)
    assert decoys.names == sequences.names and decoys.lengths.tolist() == sequences.lengths.tolist()
    for i in range(len(sequences)):
        for start in range(0, int(sequences.lengths[i]), 100):
            one, two = (s.codes_of(i)[start : start + 100] for s in (sequences, decoys))
            assert (dinucleotides(one) == dinucleotides(two)).all()
            assert len(one) < 10 or (one != two).mean() > 0.3
    again, other = (shuffled(sequences, spans(), length=100, seed=seed) for seed in (5, 6))
    assert (again.codes == decoys.codes).all() and (other.codes != decoys.codes).any()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 12))
def test_what_is_kept_stays_and_the_rest_is_the_same_letters(seed, margin):
    rng = np.random.default_rng(seed)
    codes = random_codes(4, 90, seed=seed)
    codes[1, 30:40] = codes[3] = dna.N_CODE
    sequences = Sequences.from_codes(list("abcd"), codes)

    def some():
        rows = [(name, start, start + 9) for name in "abcd" for start in rng.integers(0, 82, 2)]
        return spans(*rows)

    kept, moved = some(), some()
    decoys = shuffled(sequences, kept, moved=moved, margin=margin, length=60, seed=seed % 1000)
    still = np.zeros((4, 90), dtype=bool)
    for frame, wider, value in ((kept, margin, True), (moved, 0, False), (kept, 0, True)):
        for name, start, end in frame.itertuples(index=False):
            still["abcd".index(name), max(start - wider, 0) : end + wider] = value
    still |= codes == dna.N_CODE
    found = decoys.codes.reshape(4, 90)
    assert (found[still] == codes[still]).all() and (decoys.codes_of(3) == dna.N_CODE).all()
    for row in range(3):
        for piece in (slice(0, 60), slice(60, 90)):
            loose = ~still[row, piece]
            assert sorted(found[row, piece][loose]) == sorted(codes[row, piece][loose])


# --- q-values of calls --------------------------------------------------------------------------------------


def planted(n, *, length=LENGTH, start0=26):
    """`n` records with SITE, and as many without."""
    with_site = [plant(background(length, seed=i), SITE, start0) for i in range(n)]
    return named(with_site + [background(length, seed=n + i) for i in range(n)])


def restless(seed=0):
    """A model of random weights whose heads are sure of themselves: it calls something in most sequences."""
    bundle = tiny_bundle(seed, layers=2, heads=2)
    for layer in bundle.model.layers:
        layer.query.weight.mul_(40)
        layer.query.bias.mul_(40)
    return bundle


def test_calls_that_no_decoy_has_get_the_smallest_q_value_there_is():
    bundle, sequences = detector(), planted(30)
    calls = scan(bundle, sequences).instances
    assert len(calls) == 30
    found = q_values(bundle, sequences, calls)
    assert list(found) == [*calls, "q_value"]
    np.testing.assert_allclose(q_values(bundle, sequences, calls, shuffles=1)["q_value"], 1 / 30)
    shuffles = -(-1000 // 60)  # more than a thousand decoys: some hold SITE by chance, 1.5 on average
    assert np.ptp(found["q_value"]) == 0 and 1 <= found["q_value"][0] * shuffles * 30 <= 7


def test_a_weak_motif_gets_no_strong_ones_rate():
    # A filter that answers to two letters is called wherever the head looks, in decoys as often.
    bundle, sequences = restless(), Sequences.from_codes([f"s{i}" for i in range(150)], random_codes(150, 30))
    calls = scan(bundle, sequences, min_contribution=None).instances
    found = q_values(bundle, sequences, calls, seed=3)
    assert len(calls) > 60 and (found["q_value"] > 0.1).mean() > 0.9 and found["q_value"].max() <= 1
    for _, motif in found.groupby("motif"):
        by_score = motif.sort_values("contribution")
        assert (np.diff(by_score["q_value"]) <= 1e-12).all()


def test_a_model_that_read_noise_calls_nothing():
    called = 0
    for seed in range(8):
        bundle = restless(seed)
        sequences = Sequences.from_codes([f"s{i}" for i in range(60)], random_codes(60, 30, seed=seed))
        calls = scan(bundle, sequences, min_contribution=None).instances
        called += int((q_values(bundle, sequences, calls, shuffles=5)["q_value"] <= 0.05).any())
    assert called <= 2  # one set in twenty, for each of three motifs


def test_seeds_and_the_order_of_rows():
    bundle, sequences = restless(), Sequences.from_codes([f"s{i}" for i in range(80)], random_codes(80, 30))
    calls = scan(bundle, sequences, min_contribution=None).instances
    one, two = (q_values(bundle, sequences, calls, seed=1, shuffles=2) for _ in range(2))
    pd.testing.assert_frame_equal(one, two)
    assert (q_values(bundle, sequences, calls, seed=2, shuffles=2)["q_value"] != one["q_value"]).any()
    mixed = calls.sample(frac=1, random_state=0)
    found = q_values(bundle, sequences, mixed, seed=1, shuffles=2)
    assert found["start0"].tolist() == mixed["start0"].tolist()
    pd.testing.assert_frame_equal(found, one.loc[mixed.index].reset_index(drop=True))


def test_decoys_of_long_records_are_read_in_the_windows_of_the_scan():
    bundle, seen = detector(), []
    sequences = planted(10, length=301, start0=143)
    calls = scan(bundle, sequences, stride=20).instances
    found = q_values(bundle, sequences, calls, stride=20, shuffles=2, progress=lambda *at: seen.append(at))
    assert len(calls) == 10 and (found["q_value"] <= 0.1).all()
    windows = len(scan(bundle, sequences, stride=20).predictions)
    assert seen[-1] == (3 * 2 * windows, 3 * 2 * windows)  # two rounds that learn, and the last one
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_one_sequence_and_unknown_bases():
    bundle = detector()
    for texts in (
        [plant(background(LENGTH), SITE, 20)],
        ["N" * 80, plant(background(LENGTH), SITE, 20), "ACG"],
    ):
        calls = scan(bundle, named(texts)).instances
        found = q_values(bundle, named(texts), calls)["q_value"]
        assert found.tolist() == [pytest.approx(1 / 20)]  # twenty shuffles at most


@pytest.mark.parametrize("texts", [[], ["ACG"], ["N" * LENGTH], [background(LENGTH)]], ids=len)
def test_no_call_is_an_empty_table(texts):
    found = q_values(detector(), named(texts), INSTANCES.empty())
    assert len(found) == 0 and list(found) == [*INSTANCES.columns, "q_value"]
    assert found["q_value"].dtype == np.float64


def test_what_does_not_belong_together_is_said():
    bundle, sequences = detector(), planted(2)
    calls = scan(bundle, sequences).instances
    with pytest.raises(InputError, match=r"not of this model. Found: a motif OTHER. Expected: SITE, LEAD"):
        q_values(bundle, sequences, calls.assign(motif="OTHER"))
    for other in (calls.assign(sequence="x"), calls.assign(end0=LENGTH + 1), calls.assign(start0=-1)):
        with pytest.raises(InputError, match="not of these sequences"):
            q_values(bundle, sequences, other)
    with pytest.raises(InputError, match="not of these sequences"):
        q_values(bundle, named([]), calls)
    with pytest.raises(InputError, match="cannot read"):
        q_values(bundle, named(["N" * LENGTH] * 4), calls)
    with pytest.raises(InputError, match="0 shuffles"):
        q_values(bundle, sequences, calls, shuffles=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rest", "tal-gata"])
def test_on_simulated_truth_a_tenth_of_the_calls_is_false(name):
    bundle = load_model(resolve(name))
    rule = grammar_of(bundle.card)
    good = simulate(rule, 600, seed=77_000)
    sequences = Sequences.from_codes(good.names, good.codes)
    calls = scan(bundle, sequences, min_contribution=None).instances
    false = ~overlapping(calls, good.truth)
    called = (q_values(bundle, sequences, calls, seed=1)["q_value"] <= 0.1).to_numpy()
    assert called.sum() > 400
    # Within .05 to .15, as far as so many calls can tell; benchmarks/calibration.py measures it on more.
    share = binomtest(int(false[called].sum()), int(called.sum())).proportion_ci(0.95)
    assert share.high >= 0.05 and share.low <= 0.15
