"""Pairs must differ in order and spacing alone, and the check of hand-written weights must notice a wrong one."""

import expressivity
import numpy as np
import pytest
from expressivity import MOTIFS, SENTENCES, SentenceSource, construct, pairs, planted, profile
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from argminn_core.errors import ConfigError
from argminn_core.sentences import Exists, exactly, holds, motifs_of, occurrences

LENGTH = 80


@pytest.mark.parametrize("name", SENTENCES)
def test_the_two_of_a_pair_hold_as_many_motifs_and_differ_in_truth(name):
    sentence = SENTENCES[name]
    true, false = pairs(sentence, 40, LENGTH, np.random.default_rng(0))
    assert true.shape == false.shape == (40, LENGTH)
    assert holds(sentence, true, MOTIFS).all()
    assert not holds(sentence, false, MOTIFS).any()
    assert (profile(sentence, true) == profile(sentence, false)).all()


def test_of_a_gap_every_occurrence_is_matched_of_a_count_the_first():
    codes = planted(SENTENCES["chain"], 300, LENGTH, np.random.default_rng(0))
    counts = {name: occurrences(codes, site).sum(1) for name, site in MOTIFS.items()}
    assert (profile(SENTENCES["spacing"], codes) == np.stack([counts["A"], counts["B"]], 1)).all()
    assert (profile(SENTENCES["two"], codes)[:, 0] == (counts["A"] > 0)).all()
    assert profile(SENTENCES["absent"], codes).shape == (300, 0)
    assert counts["A"].max() > 1


def additive(name, n=1000, *, length=LENGTH):
    """auROC on held-out pairs of a sum over motifs, with a fitted weight for each of them at each place."""
    sentence = SENTENCES[name]
    codes = np.concatenate(pairs(sentence, n, length, np.random.default_rng(1)))
    y = np.repeat([1, 0], n)
    places = [occurrences(codes, MOTIFS[motif]) for motif in motifs_of(sentence)]
    X = np.concatenate(places, axis=1).astype(float)
    fit = LogisticRegression(C=0.1, max_iter=300).fit(X[::2], y[::2])
    return roc_auc_score(y[1::2], fit.decision_function(X[1::2]))


def test_what_sums_over_motifs_tell_about_pairs():
    """The order of two is such a sum, so it proves nothing about them; gaps and whether two orders agree are not."""
    assert additive("order") > 0.95
    assert additive("spacing") < 0.75
    assert additive("spacing-far") < 0.75
    assert additive("window") < 0.75
    assert additive("oriented") < 0.85
    assert additive("oriented", length=200) < 0.65
    assert additive("orders-agree") < 0.6


def test_a_source_is_half_true_and_depends_on_its_seed_alone():
    sentence = SENTENCES["order"]
    first, again, other = (
        SentenceSource(sentence, length=LENGTH, seed=seed, held_out=60) for seed in (0, 0, 1)
    )
    for codes, y in (first.valid, first.test, first.training(), first.draw(np.random.default_rng(5), 101)):
        assert (holds(sentence, codes, MOTIFS) == y).all()
        assert y.sum() in (len(y) // 2, len(y) - len(y) // 2)
    assert (first.test[0] == again.test[0]).all()
    assert (first.test[0] != other.test[0]).any()
    assert not set(map(bytes, first.test[0])) & set(map(bytes, first.valid[0]))
    assert first.describe() == again.describe() != other.describe()


def test_a_sentence_without_near_misses_is_refused(monkeypatch):
    monkeypatch.setattr(expressivity, "ROUNDS", 3)
    with pytest.raises(ConfigError, match="too rare"):
        pairs(exactly("A", -3, "B"), 5, LENGTH, np.random.default_rng(0))  # A's bases are not B's


def test_construction_counts_errors(monkeypatch):
    text, wrong = construct(["order", "spacing"], 200, LENGTH, 0)
    assert wrong == 0
    assert text.count("| 400 |") == 2
    monkeypatch.setattr(expressivity, "predict", lambda model, codes: np.ones(len(codes)))
    text, wrong = construct(["order"], 200, LENGTH, 0)
    assert wrong > 200
    assert f"| {wrong}" in text


def test_construction_tells_what_a_plan_does_not_cover(monkeypatch):
    monkeypatch.setitem(SENTENCES, "dense", exactly("D", 10, "D"))
    text, wrong = construct(["dense"], 500, 150, 0)
    assert wrong == 0
    assert "| all |" not in text
    assert "beyond" in text


def test_motifs_of_plain_sequences_are_anywhere_in_the_share_said():
    codes = planted(Exists("A"), 4000, LENGTH, np.random.default_rng(0))
    found = occurrences(codes, MOTIFS["A"])
    assert found.any(1).mean() == pytest.approx(0.4, abs=0.03)
    assert (found.sum(0) > 0).all()
