"""Cards of motifs whose instances are known."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from toy import LENGTH, SITE, WIDTH, background, detector, plant, tiny_bundle

from argminn_core import dna
from argminn_core.card import REGIONS, motif_card, motif_cards
from argminn_core.errors import ArgminnError, InputError
from argminn_core.fasta import Sequences
from argminn_core.instances import Scan, scan
from argminn_core.tables import CARDS, DROPPED, INSTANCES, PREDICTIONS


def read(bundle, texts):
    sequences = Sequences.from_texts([f"s{i}" for i in range(len(texts))], texts)
    return scan(bundle, sequences), sequences


def made_up(bundle, starts, *, length=500, n=None, strand="+", contribution=2.0, core=4):
    """A scan with one instance of SITE in each sequence, whose filter's window begins at `starts`."""
    n = n or len(starts)
    sequences = Sequences.from_codes([f"s{i}" for i in range(n)], np.zeros((n, length), dtype=np.uint8))
    found = pd.DataFrame(
        {
            "sequence": [f"s{i}" for i in range(len(starts))], "start0": np.asarray(starts) + core,
            "end0": np.asarray(starts) + core + 8, "motif": "SITE", "strand": strand, "attention": 1.0,
            "activation": 1.0, "contribution": contribution,
        }
    )  # fmt: skip
    predictions = PREDICTIONS.frame(
        {"sequence": sequences.names, "logit": np.zeros(n), "probability": np.full(n, 0.5)}
    )
    return Scan(predictions, INSTANCES.check(found), DROPPED.empty()), sequences


def site_row(bundle, reading, sequences):
    return motif_cards(bundle, reading, sequences).set_index("motif").loc["SITE"]


def test_a_card_says_what_was_found():
    bundle = detector()
    texts = [plant(background(LENGTH, seed=i), SITE, 26) for i in range(6)]
    texts += [dna.reverse_complement(texts[0]), background(LENGTH, seed=9), "ACG"]
    reading, sequences = read(bundle, texts)
    cards = motif_cards(bundle, reading, sequences)
    assert list(cards["motif"]) == ["SITE", "LEAD", "DEAD"] and list(cards["filter"]) == [0, 1, 2]
    row = cards.iloc[0]
    found = reading.instances
    assert (row["sequences"], row["with_instance"]) == (8, 7)  # the one that is too short was not read
    assert row["share"] == pytest.approx(7 / 8)
    assert row["instances"] == len(found) and row["contribution"] == pytest.approx(
        found["contribution"].mean()
    )
    assert row["plus"] == (found["strand"] == "+").sum() == row["instances"] - 1
    assert row["readers"] == f"1.1:{len(found)}" and row["consensus"] == SITE
    assert row["information"] == pytest.approx(16) and row["distance"] == 0
    assert (cards["instances"][1:] == 0).all() and cards["contribution"][1:].isna().all()
    assert (cards["share"][1:] == 0).all() and cards["central_p"][1:].isna().all()
    assert CARDS.read(CARDS.to_tsv(cards).encode()).shape == cards.shape
    one = motif_card(bundle, "LEAD", cards)
    assert one["contribution"] is None and one["instances"] == 0 and one["core"] == [0, 4]
    assert np.shape(json.loads(json.dumps(motif_card(bundle, "SITE", cards), allow_nan=False))["pfm"]) == (
        4,
        WIDTH,
    )


def test_central_instances_are_called_central():
    bundle, rng = detector(), np.random.default_rng(0)
    middle = (500 - WIDTH) // 2
    row = site_row(bundle, *made_up(bundle, middle + rng.integers(-25, 26, 200)))
    assert row["central_q"] < 1e-50 and row["central_width"] == pytest.approx(51, abs=12)
    assert row["central_share"] > 0.8 and row["distance"] < 20
    edges = np.concatenate([rng.integers(0, 50, 100), rng.integers(430, 480, 100)])
    assert site_row(bundle, *made_up(bundle, edges))["central_p"] == 1


@pytest.mark.parametrize("length", [13, 60, 500])
def test_uniform_instances_are_central_as_often_as_they_should(length):
    bundle, rng = detector(), np.random.default_rng(1)
    p = [
        site_row(bundle, *made_up(bundle, rng.integers(0, length - WIDTH + 1, 60), length=length))[
            "central_p"
        ]
        for _ in range(150)
    ]
    assert np.mean(np.array(p) <= 0.05) <= 0.08  # two standard errors of 150 draws above
    assert max(p) == 1


@pytest.mark.parametrize("n", [1, 2, 7])
def test_the_test_is_a_binomial_over_places(n):
    bundle = detector()
    places = 500 - WIDTH + 1
    starts = np.full(n, (places - 1) // 2)  # the very middle: one of 489 places
    row = site_row(bundle, *made_up(bundle, starts))
    expected = binom.sf(n - 1, n, REGIONS[0]) * len(REGIONS)
    assert row["central_p"] == pytest.approx(min(expected, 1)) and row["central_share"] == 1
    # the minus strand is mirrored: the core of columns 4 to 12 comes first
    turned = site_row(bundle, *made_up(bundle, starts, strand="-", core=0))
    assert turned["central_p"] == row["central_p"]


def test_of_a_sequence_only_the_best_instance_counts():
    bundle = detector()
    reading, sequences = made_up(bundle, [244, 10], n=5)
    both = reading.instances.assign(sequence="s0", contribution=[3.0, 1.0])
    row = site_row(bundle, reading._replace(instances=both), sequences)
    assert (row["instances"], row["with_instance"], row["share"]) == (2, 1, 0.2)
    assert row["distance"] == pytest.approx(abs(244 + 8 - 250)) and row["contribution"] == 2


def test_evidence_and_confidence_where_they_are_known():
    for evidence in (True, False):
        bundle = replace(tiny_bundle(evidence=evidence), card={"confidence": {"motif_02": 0.75}})
        cards = motif_cards(bundle, *read(bundle, ["ACGTAACCGGTTAACCGGTTACGTACGTAC"]))
        assert cards["confidence"].tolist()[1] == 0.75 and cards["confidence"].isna().sum() == 2
        assert ("gain" in cards) == evidence
        if evidence:
            np.testing.assert_allclose(cards["gain"], bundle.model.evidence.gain.numpy())
            np.testing.assert_allclose(cards["centre"], bundle.model.evidence.log_centre.exp().numpy())


@pytest.mark.parametrize("texts", [[], ["ACG"], ["N" * 80], [background(LENGTH)], [background(300)]], ids=len)
def test_nothing_found_is_a_row_that_says_so(texts):
    bundle = detector()
    cards = motif_cards(bundle, *read(bundle, texts))
    assert len(cards) == 3 and (cards["instances"] == 0).all() and (cards["readers"] == "").all()
    for motif in bundle.motifs:
        card = motif_card(bundle, motif.name, cards)
        assert card["central_p"] is None and json.dumps(card, allow_nan=False)
    assert list(CARDS.check(cards)) == list(cards)


def test_long_and_short_records_are_placed_in_themselves():
    bundle = detector()
    long = plant(background(301, seed=3), SITE, 143)
    short = plant(background(30, seed=4), SITE, 11)
    row = site_row(bundle, *read(bundle, [long, short]))
    assert (row["sequences"], row["with_instance"]) == (2, 2) and row["distance"] <= 3.5


def test_what_does_not_belong_together_is_said():
    bundle = detector()
    reading, sequences = made_up(bundle, [10, 20])
    with pytest.raises(InputError, match=r"no motif of the model detector.*OTHER"):
        motif_cards(bundle, reading._replace(instances=reading.instances.assign(motif="OTHER")), sequences)
    with pytest.raises(InputError, match=r"no sequence that was given.*s1"):
        motif_cards(bundle, reading, sequences.subset([0]))
    cards = motif_cards(bundle, reading, sequences)
    with pytest.raises(ArgminnError, match="no motif of that name"):
        motif_card(bundle, "X", cards)
    with pytest.raises(InputError, match="hold no motif SITE"):
        motif_card(bundle, "SITE", cards[1:])


def test_fifty_thousand_sequences_take_a_moment():
    bundle, rng = detector(), np.random.default_rng(0)
    row = site_row(bundle, *made_up(bundle, rng.integers(0, 480, 50_000)))
    assert row["with_instance"] == 50_000
