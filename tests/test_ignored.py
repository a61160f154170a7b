"""Matches that a model did not use: a search written as loops, and what a forward pass says of each."""

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from toy import LENGTH, SITE, background, detector, plant, random_codes, tiny_bundle

from argminn_core import dna
from argminn_core.errors import InputError
from argminn_core.fasta import Sequences
from argminn_core.ignored import ignored_matches
from argminn_core.instances import scan
from argminn_core.predict import predict, trace
from argminn_core.tables import IGNORED, INSTANCES

WHERE = ["sequence", "start0", "end0", "motif", "strand"]


def named(texts):
    return Sequences.from_texts([f"s{i}" for i in range(len(texts))], texts)


def places(frame, motif):
    frame = frame[frame["motif"] == motif]
    return list(zip(frame["sequence"], frame["start0"], frame["strand"], strict=True))


def by_loops(bundle, sequences, p):
    """FIMO's search, word by word: every place, motif and strand whose score is rare among all words."""
    rows = []
    for motif in bundle.motifs:
        if not motif.counts:
            continue
        pfm = motif.core_pfm
        width = pfm.shape[1]
        odds = np.log2((pfm + 1e-4) / (1 + 4e-4) / 0.25)
        floor = odds.min(axis=0)
        # In steps of 0.005 above the least score of each column; an N scores 0 bits.
        steps = np.rint((np.vstack([odds, np.zeros(width)]) - floor) / 0.005)
        words = [
            sum(steps[base, j] for j, base in enumerate(word)) for word in product(range(4), repeat=width)
        ]
        for i, name in enumerate(sequences.names):
            for strand in "+-" if bundle.model.config.strands == "both" else "+":
                codes = sequences.codes_of(i)
                for start in range(len(codes) - width + 1):
                    word = codes[start : start + width]
                    if strand == "-":
                        word = dna.reverse_complement_codes(word)
                    score = sum(steps[base, j] for j, base in enumerate(word))
                    chance = np.mean([other >= score for other in words])
                    if chance < p:
                        bits = floor.sum() + 0.005 * score
                        rows.append((name, start, start + width, motif.name, strand, bits, chance))
    return pd.DataFrame(rows, columns=[*WHERE, "score", "p_value"])


@pytest.mark.parametrize("strands", ["both", "single"])
def test_matches_are_those_of_a_search_by_loops(strands):
    bundle = tiny_bundle(3, strands=strands)
    bundle.motifs[1] = replace(bundle.motifs[1], core=(1, 4))
    bundle.motifs[2] = replace(bundle.motifs[2], counts=False)
    codes = random_codes(20, 30, seed=1)
    codes[2, 8:12] = dna.N_CODE
    texts = [*map(dna.decode, codes), dna.decode(random_codes(1, 17)[0]), dna.decode(random_codes(1, 71)[0])]
    sequences = named(texts)
    found = ignored_matches(bundle, sequences, INSTANCES.empty(), p=0.05)
    expected = by_loops(bundle, sequences, 0.05)
    assert len(expected) > 20
    found, expected = (frame.sort_values(WHERE, ignore_index=True) for frame in (found, expected))
    assert found[WHERE].to_numpy().tolist() == expected[WHERE].to_numpy().tolist()
    np.testing.assert_allclose(found[["score", "p_value"]], expected[["score", "p_value"]], atol=1e-9)


def test_what_was_called_is_left_out_by_half_an_overlap_with_its_own_motif():
    bundle, sequences = detector(), named([plant(background(LENGTH), SITE, 20)])
    calls = scan(bundle, sequences).instances
    assert places(calls, "SITE") == [("s0", 20, "+")]
    assert places(ignored_matches(bundle, sequences, calls), "SITE") == []
    assert places(ignored_matches(bundle, sequences, calls[:0]), "SITE") == [("s0", 20, "+")]
    for shift, left in ((4, []), (5, [("s0", 20, "+")])):
        moved = calls.assign(start0=20 + shift, end0=28 + shift)
        assert places(ignored_matches(bundle, sequences, moved), "SITE") == left
    other = calls.assign(motif="LEAD")
    assert places(ignored_matches(bundle, sequences, other), "SITE") == [("s0", 20, "+")]


def test_a_site_that_stands_twice_is_half_attended_and_worth_little():
    # One head looks at two equal sites: neither gets nine tenths of it, and without one the other is enough.
    text = plant(plant(background(LENGTH), SITE, 10), dna.reverse_complement(SITE), 40)
    bundle, sequences = detector(), named([text])
    calls = scan(bundle, sequences, min_contribution=None).instances
    found = ignored_matches(bundle, sequences, calls)
    assert places(calls, "SITE") == [] and places(found, "SITE") == [("s0", 10, "+"), ("s0", 40, "-")]
    np.testing.assert_allclose(found["attention"], 0.5, atol=0.01)
    np.testing.assert_allclose(found["activation"], 1, atol=1e-5)
    assert (found["contribution"].abs() < 0.5).all() and (found["p_value"] < 1e-4).all()


@pytest.mark.parametrize("strands", ["both", "single"])
def test_attention_activation_and_contribution_are_those_of_a_forward_pass(strands):
    bundle = tiny_bundle(5, strands=strands)
    bundle.motifs[0] = replace(bundle.motifs[0], core=(1, 5))
    config, codes = bundle.model.config, random_codes(30, 30, seed=2)
    sequences = Sequences.from_codes([f"s{i}" for i in range(30)], codes)
    found = ignored_matches(bundle, sequences, INSTANCES.empty(), p=0.02)
    assert len(found) > 30
    output, logit = trace(bundle.model, codes), predict(bundle.model, codes)
    for match in found.itertuples():
        row, motif = int(match.sequence[1:]), bundle.motif(match.motif)
        half = (match.end0 - match.start0) / 2
        near = [
            place
            for place in range(config.positions)
            if min(place + config.width, match.end0) - max(place, match.start0) >= half
        ]
        assert match.attention == pytest.approx(output.att[row][:, :, near].max(), abs=1e-6)
        minus = match.strand == "-"
        before = config.width - motif.core[1] if minus else motif.core[0]
        place, channel = match.start0 - before, motif.filter + config.filters * minus
        fits = 0 <= place < config.positions
        assert match.activation == pytest.approx(output.act[row, channel, place] if fits else 0, abs=1e-6)
        without = codes[row].copy()
        without[match.start0 : match.end0] = dna.N_CODE
        fall = logit[row] - predict(bundle.model, without[None])[0]
        assert match.contribution == pytest.approx(fall, abs=1e-4)


@pytest.mark.parametrize("stride", [None, 60, 17])
def test_long_records_speak_with_the_window_whose_middle_is_nearest(stride):
    bundle, length = detector(), 201
    text = plant(plant(background(length, seed=1), SITE, 95), SITE, 105)
    sequences = named(["ACG", text])
    found = ignored_matches(bundle, sequences, INSTANCES.empty(), stride=stride)
    assert places(found, "SITE") == [("s1", 95, "+"), ("s1", 105, "+")]
    windows = scan(bundle, sequences, stride=stride).predictions["start0"].to_numpy()
    for match in found.itertuples():
        inside = windows[(windows <= match.start0) & (windows + LENGTH >= match.end0)]
        start = inside[np.abs(2 * inside + LENGTH - match.start0 - match.end0).argmin()]
        codes = dna.encode(text[start : start + LENGTH])[None]
        without = codes.copy()
        without[0, match.start0 - start : match.end0 - start] = dna.N_CODE
        fall = predict(bundle.model, codes)[0] - predict(bundle.model, without)[0]
        assert match.contribution == pytest.approx(fall, abs=1e-4)


def test_at_an_edge_the_filter_sticks_out_and_is_not_active():
    text = plant(background(LENGTH), SITE, 0)  # its filter would begin four bases earlier
    (match,) = ignored_matches(detector(), named([text]), INSTANCES.empty()).itertuples()
    assert (match.start0, match.activation) == (0, 0)


def test_short_records_keep_their_coordinates_and_padding_matches_nothing():
    text = plant(background(31), SITE, 13)
    found = ignored_matches(detector(), named([text]), INSTANCES.empty(), p=0.01)
    assert ("s0", 13, "+") in places(found, "SITE")
    assert (found["start0"] >= 0).all() and (found["end0"] <= 31).all()


@pytest.mark.parametrize("texts", [[], ["ACG"], ["N" * 80], ["A" * LENGTH]], ids=len)
def test_nothing_found_is_an_empty_table(texts):
    found = ignored_matches(detector(), named(texts), INSTANCES.empty())
    assert len(found) == 0 and list(found) == list(IGNORED.columns)
    assert found.dtypes.equals(IGNORED.empty().dtypes)


def test_a_model_without_a_motif_ignores_nothing():
    bundle = detector()
    bundle.motifs[:] = [replace(motif, counts=False) for motif in bundle.motifs]
    assert len(ignored_matches(bundle, named([plant(background(LENGTH), SITE, 9)]), INSTANCES.empty())) == 0


@pytest.mark.parametrize("p", [0, 1, -1e-4, 1.5])
def test_a_p_value_is_a_probability(p):
    with pytest.raises(InputError, match="between 0 and 1"):
        ignored_matches(detector(), named([background(LENGTH)]), INSTANCES.empty(), p=p)


def test_progress_counts_every_window_twice():
    seen = []
    sequences = named([plant(background(LENGTH, seed=i), SITE, 20) for i in range(5)])
    ignored_matches(detector(), sequences, INSTANCES.empty(), progress=lambda *at: seen.append(at))
    assert seen[-1] == (10, 10) and [done for done, _ in seen] == sorted(done for done, _ in seen)
