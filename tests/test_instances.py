"""Calls of a model made by hand: the right bases, the right strand, and what they are worth to the logit."""

import math

import numpy as np
import pytest
import torch
from toy import LEAD, LENGTH, SITE, WIDTH, background, detector, plant, random_codes, tiny_bundle

from argminn_core import dna
from argminn_core.contributions import Reading
from argminn_core.fasta import Sequences
from argminn_core.instances import ATTENTION, call, read_batch, scan
from argminn_core.predict import predict
from argminn_core.tables import DROPPED, INSTANCES, PREDICTIONS

TURNED = dna.reverse_complement(SITE)


@pytest.fixture(scope="module")
def bundle():
    return detector()


@pytest.fixture(scope="module")
def pooling():
    """A model whose heads look nowhere and whose evidence path finds SITE."""
    bundle = detector(evidence=True)
    with torch.no_grad():
        for layer in bundle.model.layers:
            layer.query.bias.zero_()
        bundle.model.evidence.gain[0] = 1
        bundle.model.evidence.log_sharpness[0] = math.log(3)
    return bundle


def anywhere(pooling, gain):
    """`pooling` with a gain, and matches that count as much at the edges as in the middle."""
    bundle = detector(evidence=True)
    bundle.model.load_state_dict(pooling.model.state_dict())
    with torch.no_grad():
        bundle.model.evidence.gain[0] = gain
        bundle.model.evidence.log_centre[0] = -9
    return bundle


def with_site(start0, *, length=LENGTH, site=SITE, seed=0):
    return plant(background(length, seed=seed), site, start0)


def read(bundle, *texts, **options):
    return scan(bundle, Sequences.from_texts([f"s{i}" for i in range(len(texts))], texts), **options)


def places(frame, motif="SITE"):
    frame = frame[frame["motif"] == motif]
    return list(zip(frame["sequence"], frame["start0"], frame["end0"], frame["strand"], strict=True))


@pytest.mark.parametrize("start0", [4, 23, 44, 52])
def test_a_planted_site_is_called_where_it_is(bundle, start0):
    found = read(bundle, with_site(start0), dna.reverse_complement(with_site(start0)), background(LENGTH))
    back = LENGTH - start0 - len(SITE)
    expected = [("s0", start0, start0 + 8, "+"), ("s1", back, back + 8, "-")]
    assert places(found.instances) == expected
    assert list(found.instances["readers"]) == ["1.1", "1.1"]  # layer 1, head 1
    assert (found.instances["attention"] > ATTENTION).all()
    np.testing.assert_allclose(found.instances["activation"], 1)
    assert (found.predictions["logit"][:2] > 0).all() and found.predictions["logit"][2] < 0
    assert len(found.dropped) == 0


@pytest.mark.parametrize("start0", [8, 30, 48])
@pytest.mark.parametrize("site", [SITE, TURNED])
def test_the_evidence_path_reads_too(pooling, start0, site):
    text = with_site(start0, site=site)
    (found,) = read(pooling, text, background(LENGTH)).instances.itertuples()
    assert (found.sequence, found.start0, found.end0) == ("s0", start0, start0 + len(SITE))
    assert found.strand == ("+" if site == SITE else "-") and found.readers == "evidence"
    assert ATTENTION < found.attention <= 1
    without = text[:start0] + "N" * len(SITE) + text[found.end0 :]
    fall = np.diff(read(pooling, without, text).predictions["logit"])
    np.testing.assert_allclose(found.contribution, fall[0], rtol=1e-5)


def test_what_a_head_and_the_evidence_path_read_is_one_instance(pooling):
    both = detector(evidence=True)
    both.model.evidence.load_state_dict(pooling.model.evidence.state_dict())
    (found,) = read(both, with_site(23)).instances.itertuples()
    assert found.start0 == 23 and found.readers == "1.1,evidence"


@pytest.mark.parametrize("gain, called", [(1, []), (2, [10, 40])])
def test_of_two_sites_that_share_the_evidence_both_are_read(pooling, gain, called):
    """Each holds half of the pool, and without it the logit falls by `gain * log 2`."""
    two = anywhere(pooling, gain)
    twice = plant(with_site(10), SITE, 40)
    seen = read(two, twice, min_contribution=None).instances
    assert list(seen["start0"]) == [10, 40] and list(read(two, twice).instances["start0"]) == called
    np.testing.assert_allclose(seen["attention"], 0.5, atol=0.01)
    np.testing.assert_allclose(seen["contribution"], gain * math.log(2), atol=0.05)


def test_of_four_sites_none_is_what_the_evidence_rests_on(pooling):
    text = background(LENGTH)
    for start0 in (6, 18, 30, 42):
        text = plant(text, SITE, start0)
    assert read(anywhere(pooling, 9), text, min_contribution=None).instances.empty


def test_shares_of_the_evidence_are_what_the_pool_is_made_of(pooling):
    codes = dna.encode_all([with_site(23, site=TURNED), background(LENGTH)])
    reading = Reading(pooling.model, codes)
    model = pooling.model
    match = torch.nn.functional.conv1d(dna.one_hot(codes), model.scanner.kernels(), model.scanner.biases())
    terms = (match.double() * model.evidence.sharpness()[:, None]).exp() * model.evidence.weights()
    shares = terms / terms.sum(2).view(len(codes), 2, -1).sum(1).repeat(1, 2)[..., None]
    for least in (0.02, 0.3):
        *places, share = reading.pooled(least)
        assert torch.equal(torch.stack(places, 1), torch.nonzero((shares > least) & (match > 0)))
        torch.testing.assert_close(share.double(), shares[tuple(places)], rtol=1e-5, atol=0)


def test_single_strands_read_one_strand():
    untied = detector(strands="single")
    assert places(read(untied, with_site(20), with_site(20, site=TURNED)).instances) == [("s0", 20, 28, "+")]


@pytest.mark.parametrize("site", [SITE, TURNED])
def test_the_contribution_is_the_fall_of_the_logit_without_the_core(bundle, site):
    codes = dna.encode_all([with_site(at, site=site, seed=at) for at in (4, 17, 31, 48)])
    calls = call(bundle, codes, list("abcd"))
    assert list(calls["start0"]) == [4, 17, 31, 48]
    without = codes.copy()
    for row, (start, end) in enumerate(zip(calls["start0"], calls["end0"], strict=True)):
        without[row, start:end] = dna.N_CODE
    expected = predict(bundle.model, codes) - predict(bundle.model, without)
    np.testing.assert_allclose(calls["contribution"], expected, rtol=1e-5)
    assert (expected > 6).all()


def test_contributions_of_any_model_are_those_of_predict():
    # Random weights, and a threshold of attention that random heads reach because they are sharpened.
    bundle = tiny_bundle(layers=2, heads=2)
    for layer in bundle.model.layers:
        layer.query.weight.mul_(40)
        layer.query.bias.mul_(40)
    codes = random_codes(40, 30)
    calls = call(bundle, codes, [str(i) for i in range(40)], min_contribution=None)
    assert len(calls) > 20 and set(calls["strand"]) == {"+", "-"} and (calls["contribution"] < 0).any()
    rows = calls["sequence"].astype(int).to_numpy()
    without = codes[rows]
    for row, (start, end) in enumerate(zip(calls["start0"], calls["end0"], strict=True)):
        without[row, start:end] = dna.N_CODE
    expected = predict(bundle.model, codes)[rows] - predict(bundle.model, without)
    np.testing.assert_allclose(calls["contribution"], expected, atol=1e-4)
    kept = call(bundle, codes, [str(i) for i in range(40)], min_contribution=0.2)
    assert 0 < len(kept) < len(calls) and (kept["contribution"] >= 0.2).all()


def test_the_papers_rule_reports_more(bundle):
    # LEAD stands right before SITE, where the head looks; nothing behind reads it.
    texts = [
        with_site(20, site=LEAD + SITE),
        with_site(20),
        with_site(20, site=dna.reverse_complement(LEAD + SITE)),
    ]
    every = read(bundle, *texts, min_contribution=None).instances
    used = read(bundle, *texts).instances
    assert places(every) == places(used) == [("s0", 24, 32, "+"), ("s1", 20, 28, "+"), ("s2", 20, 28, "-")]
    assert places(every, "LEAD") == [("s0", 20, 24, "+"), ("s2", 28, 32, "-")] and places(used, "LEAD") == []
    ignored = every[every["motif"] == "LEAD"]
    np.testing.assert_allclose(ignored["contribution"], 0, atol=1e-5)
    assert len(read(bundle, *texts, min_contribution=100.0).instances) == 0


@pytest.mark.parametrize("length", range(WIDTH, LENGTH + 1, 6))
@pytest.mark.parametrize("site", [SITE, TURNED])
def test_short_records_are_padded_and_keep_their_own_coordinates(bundle, length, site):
    edge = max(4 - (LENGTH - length) // 2, 0)  # the filter reaches 4 bases beyond the site and needs a place
    for start0 in {edge, (length - 8) // 2, length - 8 - edge}:
        found = read(bundle, with_site(start0, length=length, site=site))
        assert places(found.instances) == [("s0", start0, start0 + 8, "+" if site == SITE else "-")]
        (window,) = found.predictions.itertuples()
        assert window.end0 - window.start0 == LENGTH and window.start0 == -((LENGTH - length) // 2)
        assert window.note == ("" if length == LENGTH else "padded")


@pytest.mark.parametrize("stride", [None, 60, 31, 13])
@pytest.mark.parametrize("length", [61, 90, 137, 300])
def test_long_records_are_read_in_windows_and_reported_once(bundle, length, stride):
    step = stride or LENGTH // 2
    starts = sorted({min(start, length - LENGTH) for start in range(0, length - LENGTH + step, step)})
    text, expected = background(length, seed=length), []
    for i, at in enumerate(range(12, length - 11, 61)):  # no two in one window
        text = plant(text, SITE if i % 2 else TURNED, at)
        # with windows end to end a site may lie across an edge, and is whole in none
        if any(start + 4 <= at and at + 12 <= start + LENGTH for start in starts):
            expected.append(("s1", at, at + 8, "+" if i % 2 else "-"))
    assert expected
    found = read(bundle, with_site(30), text, stride=stride, batch=3)
    assert places(found.instances) == [("s0", 30, 38, "+"), *expected]
    windows = found.predictions[found.predictions["sequence"] == "s1"]
    assert list(windows["start0"]) == starts and set(windows["note"]) == {"window"}


def test_what_cannot_be_read_is_dropped_and_said_so(bundle):
    found = read(bundle, "ACGTACGTACG", "N" * 80, with_site(20), "", "N" * 5)
    assert places(found.instances) == [("s2", 20, 28, "+")]
    assert list(found.predictions["sequence"]) == ["s2"]
    assert list(found.dropped["record"]) == ["s0", "s1", "s3", "s4"]
    assert list(found.dropped["reason"]) == ["too short", "no known base", "too short", "too short"]
    assert list(found.dropped) == list(DROPPED.columns)


def same_schema(frame, table):
    empty = table.empty()
    assert list(frame)[: len(empty.columns)] == list(empty)
    assert all(frame[name].dtype == empty[name].dtype for name in empty)


@pytest.mark.parametrize("threshold", [None, 1.0])
@pytest.mark.parametrize(
    "texts", [(), ("ACGT",), (background(LENGTH),), (background(LENGTH), "ACG")], ids=len
)
def test_nothing_found_is_an_empty_table(bundle, texts, threshold):
    found = read(bundle, *texts, min_contribution=threshold)
    assert len(found.instances) == 0 and len(found.predictions) == sum(len(t) >= WIDTH for t in texts)
    for frame, table in zip(found, (PREDICTIONS, INSTANCES, DROPPED), strict=True):
        same_schema(frame, table)
    empty = call(bundle, np.zeros((0, LENGTH), dtype=np.uint8), [], min_contribution=threshold)
    assert len(empty) == 0
    same_schema(empty, INSTANCES)


def test_tables_are_checked_sorted_and_alike_in_any_batch(bundle):
    texts = [with_site(48 - 7 * (i % 6), seed=i, site=SITE if i % 3 else TURNED) for i in range(20)]
    whole, parts = read(bundle, *texts), read(bundle, *texts, batch=3)
    same_schema(whole.instances, INSTANCES)
    same_schema(whole.predictions, PREDICTIONS)
    assert whole.instances.drop(columns="contribution").equals(parts.instances.drop(columns="contribution"))
    assert list(whole.instances["sequence"]) == [f"s{i}" for i in range(20)]
    np.testing.assert_allclose(
        whole.predictions["logit"], predict(bundle.model, dna.encode_all(texts)), rtol=1e-5
    )
    probability = 1 / (1 + np.exp(-whole.predictions["logit"]))
    np.testing.assert_allclose(whole.predictions["probability"], probability)
    assert INSTANCES.read(INSTANCES.to_tsv(whole.instances).encode()).shape == whole.instances.shape


def test_progress_counts_windows(bundle):
    seen = []
    read(bundle, *[background(100, seed=i) for i in range(4)], batch=5, progress=lambda *at: seen.append(at))
    assert seen[-1][0] == seen[-1][1] and {total for _, total in seen} == {seen[-1][1]}
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_batch_reads_share_a_forward_pass(bundle):
    codes = dna.encode_all([background(LENGTH), with_site(20)])
    logits, calls = read_batch(bundle, codes)
    np.testing.assert_allclose(logits, predict(bundle.model, codes), rtol=1e-5)
    assert list(calls.row) == [1] and list(calls.position) == [16] and list(calls.channel) == [0]
    assert list(calls.readers) == [1]
