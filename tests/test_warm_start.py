import numpy as np
import pytest
import torch
from torch.nn import functional as F
from toy import background, plant, tiny_config

from argminn_core import dna
from argminn_core.model import Argminn
from argminn_core.pfm import Motif, log_odds
from argminn_core.warm_start import CENTRES, choose, choose_all, ends, fitted, pooled_scores, start_from

CONSENSUS = {"A": "GATTACAG", "B": "CCGCGAAT", "C": "TGTTTACTTA", "D": "ACCTCCAAGG"}


def motif(name, consensus, *, sure=0.91):
    pfm = np.full((4, len(consensus)), (1 - sure) / 3)
    pfm[dna.encode(consensus), range(len(consensus))] = sure
    return Motif(name, pfm, alt=name)


DATABASE = [motif(name, consensus) for name, consensus in CONSENSUS.items()]
BY_NAME = {each.name: each for each in DATABASE}


@pytest.fixture(scope="module")
def data():
    """Positives hold A near the centre, on either strand; half of them B too."""
    texts = []
    for i in range(80):
        text = background(60, seed=i)
        if i < 40:
            site = CONSENSUS["A"] if i % 2 else dna.reverse_complement(CONSENSUS["A"])
            text = plant(text, site, 24 + i % 5)
            if i % 4 < 2:
                text = plant(text, CONSENSUS["B"], 38)
        texts.append(text)
    return dna.encode_all(texts), np.repeat([1, 0], 40)


def test_the_planted_motif_is_taken_first(data):
    choices = choose(DATABASE, *data, count=4, width=10)
    assert [c.motif.name for c in choices[:2]] == ["A", "B"]
    assert choices[0].auroc > 0.97 and choices[0].gain > 0
    assert len(choose(DATABASE, *data, count=1, width=10)) == 1
    assert [c.motif.name for c in choose(DATABASE[::-1], *data, count=2, width=10)] == ["A", "B"]


def test_a_repeat_of_a_motif_is_skipped(data):
    twins = [motif("A2", CONSENSUS["A"], sure=0.9), BY_NAME["A"].reverse_complement(), *DATABASE]
    names = [c.motif.name for c in choose(twins, *data, count=6, width=10)]
    assert len({"A", "A2"} & set(names)) == 1 and names.count("A") <= 1 and "B" in names
    every = choose(twins, *data, count=6, width=10, most=1.1)
    assert {"A", "A2"} <= {c.motif.name for c in every}


def test_labels_of_any_kind_will_do(data):
    codes, y = data
    one, two = (choose(DATABASE, codes, labels, count=2, width=10) for labels in (y, y.astype(bool)))
    assert [c.motif.name for c in one] == [c.motif.name for c in two]


def test_the_threshold_is_the_median_negatives_best_match(data):
    codes, y = data
    (choice,) = choose([BY_NAME["A"]], codes, y, count=1, width=8)
    matrix = log_odds(BY_NAME["A"].pfm, pseudocount=0.01) * np.log(2)
    best = []
    for row in codes[y == 0]:
        reads = [r[p : p + 8] for r in (row, dna.reverse_complement_codes(row)) for p in range(53)]
        best.append(max(matrix[read, range(8)].sum() for read in reads))
    assert choice.threshold == pytest.approx(np.median(best), rel=1e-5)


def test_of_all_motifs_the_threshold_is_what_chance_reaches_though_every_negative_holds_them(data):
    codes, y = data
    held = codes.copy()
    held[y == 0, 10:18] = dna.encode(CONSENSUS["A"])
    usual, everywhere = (choose_all([BY_NAME["A"]], of, y, width=10)[0] for of in (codes, held))
    (by_negatives,) = choose([BY_NAME["A"]], held, y, count=1, width=10)
    best = np.log(BY_NAME["A"].pfm.max(0) / 0.25).sum()
    assert by_negatives.threshold == pytest.approx(best, rel=0.05)  # no site is better than the others
    assert everywhere.threshold == pytest.approx(usual.threshold, abs=1)
    assert everywhere.threshold < best - 4
    assert (everywhere.motif, everywhere.centre) == (by_negatives.motif, by_negatives.centre)


def test_pooled_scores_are_the_sum_over_places(data):
    codes = data[0][:6]
    matrices = np.stack([fitted(each, 10) for each in DATABASE])
    soft, best = pooled_scores(codes, matrices, batch=4)
    assert soft.shape == (6, 4, len(CENTRES)) and best.shape == (6, 4)
    for n, row in enumerate(codes):
        for m, matrix in enumerate(matrices):
            places = []
            for p in range(51):
                read = row[p : p + 10]
                both = (read, dna.reverse_complement_codes(read))
                places.append(max(matrix[one, range(10)].sum() for one in both))
            places, offset = np.array(places), np.linspace(-1, 1, 51)
            assert best[n, m] == pytest.approx(places.max(), rel=1e-4)
            pooled = [np.log(np.exp(places - centre * offset**2).sum()) for centre in CENTRES]
            assert soft[n, m] == pytest.approx(pooled, rel=1e-4)


def test_a_matrix_is_centred_or_cut_to_its_best_columns():
    narrow, matrix = fitted(BY_NAME["A"], 11), log_odds(BY_NAME["A"].pfm, pseudocount=0.01) * np.log(2)
    assert narrow.shape == (4, 11) and not narrow[:, [0, 9, 10]].any()
    np.testing.assert_allclose(narrow[:, 1:9], matrix)
    np.testing.assert_allclose(fitted(BY_NAME["A"], 8), matrix)
    flat = np.full((4, 3), 0.25)
    padded = Motif("wide", np.hstack([flat, BY_NAME["A"].pfm, flat[:, :1]]))
    np.testing.assert_allclose(fitted(padded, 8), matrix)


@pytest.mark.parametrize("strands", ["both", "single"])
def test_filters_that_start_from_a_motif_answer_to_it(data, strands):
    choices = choose(DATABASE, *data, count=2, width=10)
    torch.manual_seed(0)
    model = Argminn(tiny_config(length=60, width=10, filters=4, strands=strands, evidence=True)).eval()
    before = model.scanner.weight.detach().clone()
    start_from(model, choices, first=1)
    assert torch.equal(model.scanner.weight[[0, 3]], before[[0, 3]])
    for f, choice in enumerate(choices, start=1):
        consensus = choice.motif.consensus
        texts = [plant(background(60, seed=i), consensus, 26) for i in range(5)]
        codes = dna.encode_all(texts)
        with torch.no_grad():
            act = model(dna.one_hot(codes)).act[:, f]
        pad = (10 - len(consensus)) // 2
        assert (act.argmax(1) == 26 - pad).all()
        best = (choice.motif.pfm.max(0) / 0.25).prod()
        expected = 0.2 * (np.log(best) - choice.threshold)  # 5 nats above the median negative are 1
        np.testing.assert_allclose(act.amax(1), expected, rtol=0.05)
        if strands == "both":
            turned = dna.one_hot(dna.reverse_complement_codes(codes))
            with torch.no_grad():
                assert (model(turned).act[:, f + 4].amax(1) > 0).all()


def test_started_filters_are_off_in_the_median_negative(data):
    codes, y = data
    choices = choose(DATABASE, codes, y, count=2, width=10)
    model = Argminn(tiny_config(length=60, width=10, filters=2))
    start_from(model, choices)
    with torch.no_grad():
        match = F.conv1d(dna.one_hot(codes[y == 0]), model.scanner.kernels(), model.scanner.biases())
    best = match.view(40, 2, 2, -1).amax(dim=(1, 3))  # over strands and positions
    assert np.abs(np.median(best.numpy(), 0)).max() < 1e-5


def test_nothing_chosen_changes_nothing():
    model = Argminn(tiny_config())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    start_from(model, [])
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_a_motif_wider_than_a_filter_is_its_two_ends():
    long = motif("L", CONSENSUS["A"] + "AA" + CONSENSUS["B"])
    left, right = ends(long, 8)
    assert (left.name, left.alt, left.consensus) == ("L_left", "L_left", CONSENSUS["A"])
    assert (right.name, right.consensus) == ("L_right", CONSENSUS["B"])
    assert ends(BY_NAME["A"], 8) == [BY_NAME["A"]]


def test_blank_columns_do_not_make_a_motif_wide():
    padded = Motif("P", np.pad(BY_NAME["A"].pfm, ((0, 0), (5, 5)), constant_values=0.25))
    assert ends(padded, 8) == [padded]
