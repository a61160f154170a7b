"""The logic is checked against a slow evaluation that shares no code with it: regular expressions and loops."""

import re

import numpy as np
import pytest

from argminn_core import dna
from argminn_core.errors import ConfigError, InputError
from argminn_core.sentences import (
    And,
    AtLeastTwo,
    Exists,
    Gap,
    Not,
    Or,
    atoms,
    before,
    exactly,
    holds,
    motifs_of,
    near_misses,
    occurrences,
    self_overlap,
    within,
)

MOTIFS = {"A": "GATTA", "B": "CCRT", "C": "TCATCATC"}
BASES = {"R": "[AG]"}


def starts(text, site):
    pattern = "".join(BASES.get(letter, letter) for letter in site)
    return [match.start() for match in re.finditer(f"(?={pattern})", text)]


def slowly(sentence, text):
    match sentence:
        case Exists(motif):
            return len(starts(text, MOTIFS[motif])) > 0
        case AtLeastTwo(motif):
            return len(starts(text, MOTIFS[motif])) > 1
        case Gap(left, right, low, high):
            gaps = [
                q - p - len(MOTIFS[left])
                for p in starts(text, MOTIFS[left])
                for q in starts(text, MOTIFS[right])
            ]
            return any(gap >= low and (high is None or gap <= high) for gap in gaps)
        case Not(part):
            return not slowly(part, text)
        case And(parts):
            return all(slowly(part, text) for part in parts)
        case Or(parts):
            return any(slowly(part, text) for part in parts)


SENTENCES = [
    Exists("A"),
    AtLeastTwo("C"),
    before("A", "B"),
    before("C", "C"),
    exactly("A", 0, "B"),
    exactly("C", -5, "C"),
    exactly("B", 7, "A"),
    within("A", 3, 9, "C"),
    Gap("A", "C", -2, None),
    within("A", -60, 500, "B"),
    ~before("A", "B") & Exists("B"),
    (exactly("A", 4, "B") | AtLeastTwo("B")) & ~Exists("C"),
    Or((Exists("A"), Exists("B"), Exists("C"))),
]


@pytest.mark.parametrize("sentence", SENTENCES, ids=str)
def test_truth_is_what_regular_expressions_say(sentence):
    codes = near_misses(sentence, MOTIFS, 300, 40, np.random.default_rng(3))
    truth = holds(sentence, codes, MOTIFS)
    assert truth.tolist() == [slowly(sentence, text) for text in dna.decode_all(codes)]
    assert 0.02 < truth.mean() < 0.999


def one(sentence, text):
    return holds(sentence, dna.encode_all([text]), MOTIFS)[0]


def test_gaps_are_the_bases_between_end_and_start():
    assert one(exactly("A", 3, "B"), "GATTACGTCCAT")
    assert not one(exactly("A", 2, "B"), "GATTACGTCCAT")
    assert not one(exactly("A", 4, "B"), "GATTACGTCCAT")
    assert not one(before("B", "A"), "GATTACGTCCAT")
    assert one(exactly("A", 0, "B"), "GATTACCAT")
    assert one(exactly("C", -5, "C"), "TCATCATCATC")


def test_a_site_is_found_at_both_ends_and_over_itself():
    assert np.flatnonzero(occurrences(dna.encode_all(["GATTACGATTA"]), "GATTA")[0]).tolist() == [0, 6]
    assert one(AtLeastTwo("C"), "TCATCATCATC")
    assert not one(AtLeastTwo("C"), "TCATCATC")


def test_an_n_is_matched_by_an_n_alone():
    assert not one(Exists("A"), "GATNA")
    assert not one(Exists("B"), "CCNT")
    codes = dna.encode_all(["GATNA", "GATCA", "GCTCA"])
    assert occurrences(codes, "GATNA")[:, 0].tolist() == [True, True, False]


def test_nothing_to_read_is_an_empty_answer():
    assert holds(before("A", "B"), np.zeros((0, 30), dtype=np.uint8), MOTIFS).shape == (0,)
    assert occurrences(np.zeros((3, 4), dtype=np.uint8), "GATTA").shape == (3, 0)
    short = np.zeros((2, 4), dtype=np.uint8)
    for sentence in SENTENCES:
        truth = holds(sentence, short, MOTIFS)
        assert truth.tolist() == [slowly(sentence, "AAAA")] * 2, sentence
    assert not holds(Exists("A"), np.full((2, 50), dna.N_CODE, dtype=np.uint8), MOTIFS).any()


@pytest.mark.parametrize(
    ("site", "distance"), [("ACGT", 4), ("TCATCATC", 3), ("AAAA", 1), ("ACGA", 3), ("NACG", 3), ("RY", 2)]
)
def test_how_close_two_occurrences_can_start(site, distance):
    assert self_overlap(site) == distance
    codes = np.random.default_rng(0).integers(0, 4, (4_000, 12), dtype=np.uint8)
    found = occurrences(codes, site)
    for apart in range(1, distance):
        assert not (found[:, apart:] & found[:, :-apart]).any()


def test_sentences_read_as_english():
    sentence = (exactly("A", 30, "B") | ~Exists("C")) & before("A", "C")
    assert str(sentence) == "(A exactly 30 before B or not exists C) and A before C"
    assert str(within("A", 2, 5, "B")) == "A 2 to 5 before B"
    assert str(~(Exists("A") & AtLeastTwo("B"))) == "not (exists A and at least two B)"
    assert motifs_of(sentence) == ["A", "B", "C"]
    assert len(list(atoms(sentence))) == 3


def test_errors_say_what_is_wrong():
    codes = np.zeros((1, 30), dtype=np.uint8)
    with pytest.raises(ConfigError, match=r"unknown motif\. Found: Z"):
        holds(Exists("Z"), codes, MOTIFS)
    with pytest.raises(InputError, match="column 2"):
        holds(Exists("A"), codes, {"A": "GXTA"})
    with pytest.raises(InputError, match="no letters"):
        holds(Exists("A"), codes, {"A": ""})
    with pytest.raises(ConfigError, match="gap"):
        within("A", 5, 2, "B")
    with pytest.raises(ConfigError, match="at least one"):
        And(())
    with pytest.raises(ConfigError, match="longer than the sequences"):
        near_misses(Exists("C"), MOTIFS, 1, 5, np.random.default_rng(0))


def test_near_misses_are_near():
    """Every way to be just wrong is there: off by one, the other order, on both sides, absent, at the ends."""
    codes = near_misses(exactly("A", 7, "B"), MOTIFS, 2000, 60, np.random.default_rng(0))
    a, b = (occurrences(codes, MOTIFS[name]) for name in "AB")
    for gap in (6, 7, 8):
        assert holds(exactly("A", gap, "B"), codes, MOTIFS).mean() > 0.05
    order = [holds(before(*pair), codes, MOTIFS) for pair in ("AB", "BA")]
    assert (order[1] & ~order[0]).mean() > 0.05
    assert (order[0] & order[1]).mean() > 0.05
    assert (~a.any(1) & b.any(1)).mean() > 0.05
    assert (a.sum(1) > 1).mean() > 0.05
    assert min(a[:, 0].mean(), a[:, -1].mean(), b[:, 0].mean(), b[:, -1].mean()) > 0.01
    overlapping = near_misses(AtLeastTwo("C"), MOTIFS, 500, 60, np.random.default_rng(0))
    assert holds(exactly("C", -5, "C"), overlapping, MOTIFS).mean() > 0.05


def test_near_misses_come_from_the_generator_alone():
    first, again, other = (
        near_misses(SENTENCES[-2], MOTIFS, 20, 50, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != other).any()
    assert near_misses(SENTENCES[0], MOTIFS, 0, 50, np.random.default_rng(0)).shape == (0, 50)
