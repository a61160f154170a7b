import pytest

from argminn_core import synthesis
from argminn_core.design import background
from argminn_core.dna import decode, encode, reverse_complement
from argminn_core.errors import InputError


def test_gc_windows():
    codes = encode("G" * 50 + "A" * 50)
    windows = synthesis.gc_windows(codes)
    assert windows.shape == (51,) and windows[0] == 1 and windows[25] == 0.5 and windows[-1] == 0
    assert synthesis.gc_windows(encode("GGAT")).tolist() == [0.5]


def test_longest_homopolymer():
    assert synthesis.longest_homopolymer(encode("ACCCGTTTNNNNN")) == ("C", 1, 3)
    assert synthesis.longest_homopolymer(encode("NN")) == ("", 0, 0)


def test_repeats_grow_to_their_whole_length():
    unit = decode(background(25, seed=4))
    text = "A" + unit + "CCGT" + unit + "G"
    assert synthesis.repeats(encode(text)) == [(1, 30, 25)]
    assert synthesis.repeats(encode(text), length=26) == []
    assert synthesis.repeats(encode("A" * 22)) == [(0, 1, 21)]
    assert synthesis.repeats(encode("N" * 60)) == []
    assert synthesis.repeats(encode("ACGT")) == []


def test_restriction_sites_on_both_strands():
    text = "AAGAATTCAAGGTCTCAA" + reverse_complement("GGTCTC") + "A"
    found = synthesis.restriction_sites(encode(text), ["EcoRI", "BsaI"])
    assert found.to_numpy().tolist() == [
        ["EcoRI", 2, 8, "+"],
        ["BsaI", 10, 16, "+"],
        ["BsaI", 18, 24, "-"],
    ]
    assert list(synthesis.restriction_sites(encode("GANTC"), ["HinfI"])["start0"]) == []
    assert list(synthesis.restriction_sites(encode("GACTC"), ["HinfI"])["start0"]) == [0]
    assert synthesis.restriction_sites(encode(text), []).empty
    with pytest.raises(InputError, match="ecori"):
        synthesis.restriction_sites(encode(text), ["ecori"])


def test_homopolymers_are_all_listed_from_left_to_right():
    assert synthesis.homopolymers(encode("AAAACCGGGGGNNNNNT"), length=4) == [("A", 0, 4), ("G", 6, 5)]
    assert synthesis.homopolymers(encode("NNNN"), length=1) == []
