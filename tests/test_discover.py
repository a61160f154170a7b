"""Motifs from sequences alone: each found once, whatever the strand, and none where there is none."""

import numpy as np
import pytest

from argminn_core import dna
from argminn_core.backgrounds import uniform_codes
from argminn_core.discover import WORD, _holders, discover
from argminn_core.simulate import GRAMMARS, motifs_of, simulate


def occurrences(codes):
    """Sequences that hold each word or one a base away, counted a word at a time, on either strand."""
    count = np.zeros(4**WORD)
    powers = 4 ** np.arange(WORD - 1, -1, -1)
    own = np.zeros(4**WORD)
    for row in codes:
        windows = np.lib.stride_tricks.sliding_window_view(row, WORD)
        own[np.unique(windows[(windows < 4).all(1)] @ powers)] += 1
    for word in np.flatnonzero(own):
        letters = word // powers % 4
        for column in range(WORD):
            for base in range(4):
                if base != letters[column]:
                    near = letters.copy()
                    near[column] = base
                    count[near @ powers] += own[word]
        count[word] += own[word]
    turned = np.array([(3 - word // powers % 4)[::-1] @ powers for word in range(4**WORD)])
    return count + count[turned]


def test_words_are_counted_once_a_sequence_with_neighbours_and_both_strands():
    codes = uniform_codes(np.random.default_rng(0), 6, 40)
    codes[2, 10:13] = dna.N_CODE
    codes[3, :16] = np.tile(codes[3, :4], 4)  # a word that comes twice in a sequence
    np.testing.assert_array_equal(_holders(codes), occurrences(codes))


def distance(found, true):
    """Largest mean probability that one matrix gives to the other's consensus, over shifts and strands."""
    word = true.pfm.argmax(0)
    best = 0.0
    for pfm in (found.pfm, found.pfm[::-1, ::-1]):
        for shift in range(1 - pfm.shape[1], len(word)):
            low, high = max(shift, 0), min(shift + pfm.shape[1], len(word))
            if high - low >= 5:
                columns = np.arange(low, high)
                best = max(best, pfm[word[columns], columns - shift].mean())
    return best


@pytest.mark.parametrize("name", GRAMMARS)
def test_every_motif_of_a_grammar_is_found_once_and_nothing_else(name):
    rule = GRAMMARS[name]
    parts = [simulate(rule, 1_000, seed=7, positives=label).codes for label in (True, False)]
    found = discover(np.concatenate(parts), np.repeat([1, 0], 1_000))
    meant = [max(motifs_of(rule).items(), key=lambda item: distance(motif, item[1]))[0] for motif in found]
    assert sorted(meant) == sorted(motifs_of(rule))
    for motif, planted in zip(found, meant, strict=True):
        assert distance(motif, motifs_of(rule)[planted]) > 0.75


def test_a_column_that_says_little_does_not_end_a_motif():
    """CTCF's sixth column has .37 bits, and ten more sure ones stand behind it."""
    rule = GRAMMARS["SPI1/CTCF"]
    codes = simulate(rule, 1_000, seed=7, positives=False).codes
    found = discover(codes, np.ones(len(codes)), width=15)
    ctcf = motifs_of(rule)["CTCF"]
    longest = max(found, key=lambda motif: distance(motif, ctcf))
    assert longest.width >= 12 and longest.information.sum() > 14


def test_random_sequences_hold_no_motif():
    codes = uniform_codes(np.random.default_rng(1), 2_000, 200)
    assert discover(codes, np.repeat([1, 0], 1_000)) == []


def test_the_same_sequences_give_the_same_motifs_and_stay_as_they_were():
    codes = simulate(GRAMMARS["TAL/GATA"], 1_000, seed=3).codes
    before = codes.copy()
    one, two = (discover(codes, np.ones(len(codes)), most=1) for _ in range(2))
    np.testing.assert_array_equal(one[0].pfm, two[0].pfm)
    np.testing.assert_array_equal(codes, before)
    assert len(one) == 1


def test_sequences_shorter_than_a_word_and_unknown_letters_hold_nothing():
    assert discover(np.zeros((20, WORD - 1), dtype=np.uint8), np.ones(20)) == []
    assert discover(np.full((20, 50), dna.N_CODE, dtype=np.uint8), np.ones(20)) == []
