"""Letters of two alleles: columns kept, the change marked, names of files only ever text."""

import html
import re

import pytest

from argminn_core.plot.alleles import alleles_html
from argminn_core.tables import INSTANCES


def instances(*rows):
    return INSTANCES.frame(
        [
            dict(sequence="s", start0=a, end0=b, motif=name, strand="+", attention=1, activation=1, contribution=2.5)
            for a, b, name in rows
        ]
    ) if rows else INSTANCES.empty()  # fmt: skip


def lines(markup):
    return html.unescape(re.sub("<[^>]+>", "", markup)).split("\n")


def test_alleles_stand_above_each_other():
    made = alleles_html(
        "ACGTAC", "ACG--C", instances((101, 104, "M")), instances(), {"M": "#ff0000"}, at=3, start0=100
    )
    assert lines(made) == [
        "     base 101 (from 1)", "      M → +2.5", "ref  ACGTAC", "        ││", "alt  ACG--C",
    ]  # fmt: skip
    assert made.count("outline:1px") == 3  # the motif ends within the change: two pieces in ref, one in alt
    assert "#ff0000" in made


def test_only_the_surroundings_are_drawn():
    made = lines(alleles_html("A" * 50 + "C" + "A" * 49, "A" * 50 + "G" + "A" * 49, instances(), instances(), {},
                              at=50, columns=11))  # fmt: skip
    assert made == ["     base 46 (from 1)", "ref  AAAAACAAAAA", "          │", "alt  AAAAAGAAAAA"]


def test_a_motifs_name_is_never_markup():
    made = alleles_html("ACGT", "ACGA", instances((0, 2, "<img src=x>")), instances(), {}, at=3)
    assert "<img" not in made and "&lt;img" in made


def test_alleles_of_other_lengths_are_a_mistake():
    with pytest.raises(ValueError, match="columns"):
        alleles_html("ACG", "AC", instances(), instances(), {}, at=0)
