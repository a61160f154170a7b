"""Sites that are there, used or not: Bayes written as loops, and a model that reads one motif and ignores another."""

from dataclasses import replace

import numpy as np
import pytest
from toy import LEAD, LENGTH, SITE, background, detector, learned, plant, random_codes

from argminn_core import dna
from argminn_core.errors import InputError
from argminn_core.fasta import Sequences
from argminn_core.instances import scan
from argminn_core.occupancy import Occupancy, sites
from argminn_core.tables import INSTANCES

UNREAD = "TTCAGGTC"  # begins as LEAD, and nothing after the filters reads it


def named(texts):
    return Sequences.from_texts([f"s{i}" for i in range(len(texts))], texts)


def two_motifs(**changes):
    """`detector`, whose second motif is eight columns wide."""
    bundle = detector(**changes)
    pfm = np.full((4, 12), 0.25)
    pfm[:, :8] = np.equal.outer(np.arange(4), dna.encode(UNREAD))
    assert UNREAD.startswith(LEAD)
    bundle.motifs[1] = learned("UNREAD", 1, pfm, core=(0, 8))
    return bundle


def rows(frame, motif):
    frame = frame[frame["motif"] == motif]
    return list(zip(frame["sequence"], frame["start0"], frame["strand"], strict=True))


def test_the_probability_of_each_place_is_that_of_one_site_at_most():
    rng = np.random.default_rng(0)
    ratios = rng.lognormal(0, 2, (7, 2, 9))
    places = rng.dirichlet(np.ones(9))
    found = Occupancy(0.3, places).of(ratios)
    for row in range(7):
        # the hypotheses: no site, or one on either strand at any place
        weights = {None: 0.7} | {
            (s, p): 0.3 * 0.5 * places[p] * ratios[row, s, p] for s in range(2) for p in range(9)
        }
        for (s, p), weight in ((key, value) for key, value in weights.items() if key):
            assert found[row, s, p] == pytest.approx(weight / sum(weights.values()))


def test_the_share_and_the_places_are_learned():
    rng = np.random.default_rng(1)
    n, size, chance = 3_000, 200, 0.002  # a place matches by chance in one of 500; a site always does
    holds, place = rng.random(n) < 0.6, rng.integers(80, 120, n)
    matches = rng.random((n, size)) < chance
    matches[np.flatnonzero(holds), place[holds]] = True
    learned = Occupancy.learn(matches / chance)
    assert learned.share == pytest.approx(0.6, abs=0.06)  # smoothed places reach a little too far
    assert learned.places.sum() == pytest.approx(1) and learned.places.shape == (size,)
    assert learned.places[80:120].mean() > 20 * learned.places[160:].mean()


def test_one_sequence_teaches_next_to_nothing():
    ratios = np.ones((1, 50))
    ratios[0, 10] = 1e6
    learned = Occupancy.learn(ratios)
    assert learned.share < 0.7 and learned.places.max() < 2 * learned.places.min()


@pytest.mark.parametrize("shape", [(0, 5), (3, 0)])
def test_nothing_teaches_nothing(shape):
    learned = Occupancy.learn(np.zeros(shape))
    assert learned.share == 0.5 and len(learned.places) == shape[1]


def test_a_site_that_the_model_does_not_use_is_found_beside_one_that_it_does():
    bundle = two_motifs()
    texts = [
        plant(plant(background(LENGTH, seed=i), SITE, 20), dna.reverse_complement(UNREAD), 40)
        for i in range(30)
    ]
    found = sites(bundle, named(texts))
    assert rows(found, "SITE") == [(f"s{i}", 20, "+") for i in range(30)]
    assert rows(found, "UNREAD") == [(f"s{i}", 40, "-") for i in range(30)]
    used, unread = (found[found["motif"] == motif] for motif in ("SITE", "UNREAD"))
    assert (used["contribution"] > 5).all() and (used["readers"] != "").all()
    assert (unread["contribution"].abs() < 1e-4).all() and (unread["readers"] == "").all()
    assert (unread["occupancy"] > 0.9).all()
    # what is called is said as it was
    calls = scan(bundle, named(texts)).instances
    columns = list(INSTANCES.columns)
    assert used[columns].reset_index(drop=True).equals(calls[columns])


def test_the_probability_is_that_of_either_account():
    texts = [plant(background(LENGTH, seed=i), SITE, 20 + i) for i in range(20)]
    found = sites(two_motifs(), named(texts), min_probability=0)
    assert found["occupancy"].between(0, 1).all()
    for row in found.itertuples():
        used = max(row.contribution, 0) if row.readers else 0
        assert row.probability == pytest.approx(1 - (1 - row.occupancy) * np.exp(-used))
    some = sites(two_motifs(), named(texts), min_probability=0.8)
    assert 0 < len(some) < len(found) and some["probability"].min() >= 0.8


def test_bases_of_a_used_site_are_no_evidence_for_a_place_beside_it():
    """Taking a chance match out takes half of the true site with it: that says nothing of the match."""
    bundle = detector()
    pfm = np.full((4, 12), 0.25)
    pfm[:, :8] = np.equal.outer(np.arange(4), dna.encode("ACAGTTTT"))
    bundle.motifs[1] = learned("BESIDE", 1, 0.6 * pfm + 0.1, core=(0, 8))
    codes = random_codes(60, LENGTH, seed=5)
    codes[:, 20:28] = dna.encode(SITE)
    codes[0, 28:32] = dna.encode("TTTT")
    found = sites(bundle, Sequences.from_codes([f"s{i}" for i in range(60)], codes), min_probability=0)
    (beside,) = found[
        (found["motif"] == "BESIDE") & (found["sequence"] == "s0") & (found["start0"] == 24)
    ].itertuples()
    assert beside.readers == "" and beside.contribution > 3
    assert beside.probability == pytest.approx(beside.occupancy)


def test_two_sites_of_a_window_share_the_occupancy():
    texts = [plant(plant(background(LENGTH, seed=i), UNREAD, 10), UNREAD, 40) for i in range(20)]
    found = sites(two_motifs(), named(texts), min_probability=0.3)
    found = found[found["motif"] == "UNREAD"]
    assert len(found) == 40 and found["occupancy"].between(0.3, 0.7).all()


@pytest.mark.parametrize("stride", [None, 17])
def test_long_and_short_records_keep_their_coordinates_and_say_a_site_once(stride):
    long = plant(background(201, seed=4), UNREAD, 100)
    short = plant(background(31, seed=2), UNREAD, 13)
    found = sites(two_motifs(), named(["ACG", long, short, "N" * 80]), stride=stride)
    assert rows(found, "UNREAD") == [("s1", 100, "+"), ("s2", 13, "+")]


def test_a_place_with_an_unknown_base_is_none():
    text = plant(background(LENGTH), UNREAD, 20)
    text = text[:22] + "N" + text[23:]
    found = sites(two_motifs(), named([text]), min_probability=0)
    assert not [row for row in rows(found, "UNREAD") if abs(row[1] - 20) < 8]


def test_one_strand_is_searched_where_the_model_reads_one():
    texts = [plant(background(LENGTH, seed=i), dna.reverse_complement(UNREAD), 20) for i in range(10)]
    assert rows(sites(two_motifs(), named(texts)), "UNREAD")
    assert not rows(sites(two_motifs(strands="single"), named(texts)), "UNREAD")


@pytest.mark.parametrize("texts", [[], ["ACG"], ["N" * 80]], ids=len)
def test_nothing_found_is_an_empty_table(texts):
    found = sites(two_motifs(), named(texts))
    assert len(found) == 0
    assert list(found) == [*INSTANCES.columns, "readers", "occupancy", "probability"]


def test_a_model_without_a_motif_knows_no_site():
    bundle = detector()
    bundle.motifs[:] = [replace(motif, counts=False) for motif in bundle.motifs]
    assert len(sites(bundle, named([plant(background(LENGTH), SITE, 9)]), min_probability=0)) == 0


@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_the_least_probability_is_one(value):
    with pytest.raises(InputError, match="0 to 1"):
        sites(detector(), named([background(LENGTH)]), min_probability=value)


def test_progress_counts_every_window_three_times():
    seen = []
    texts = [plant(background(LENGTH, seed=i), UNREAD, 20) for i in range(5)]
    sites(two_motifs(), named(texts), progress=lambda *at: seen.append(at))
    assert seen[-1] == (15, 15) and [done for done, _ in seen] == sorted(done for done, _ in seen)
