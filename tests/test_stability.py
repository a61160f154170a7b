"""Motifs across seeds: found whatever the strand and the trimming, and not where another one stands."""

from dataclasses import replace

import numpy as np
import pytest
from toy import learned, tiny_bundle

from argminn_core import dna
from argminn_core.grammars import GRAMMARS, motifs_of
from argminn_core.pfm import Motif, alike
from argminn_core.stability import confidence


def sure(word, *, noise=0.0):
    pfm = np.equal.outer(np.arange(4), dna.encode(word)).astype(float)
    return (1 - noise) * pfm + noise / 4


def model(*pfms):
    bundle = tiny_bundle()
    bundle.motifs[:] = [learned(f"motif_{i}", i, pfm) for i, pfm in enumerate(pfms)]
    return bundle


GATA, TEAD, OTHER = sure("AGATAA", noise=0.1), sure("ACATTCCA"), sure("CGCGTTCG")


def test_a_motif_is_counted_in_every_model_that_has_one_like_it():
    others = [model(TEAD, GATA), model(GATA[::-1, ::-1]), model(TEAD[:, 1:]), model(OTHER)]
    assert confidence(model(GATA, TEAD, OTHER), others) == {"motif_0": 0.5, "motif_1": 0.5, "motif_2": 0.25}


def test_motifs_that_do_not_count_are_neither_asked_for_nor_found():
    mine, theirs = model(GATA, TEAD), model(GATA, TEAD)
    mine.motifs[0] = replace(mine.motifs[0], counts=False)
    theirs.motifs[1] = replace(theirs.motifs[1], counts=False)
    assert confidence(mine, [theirs]) == {"motif_1": 0.0}


def test_without_others_nothing_is_known():
    assert confidence(model(GATA), []) == {}


@pytest.mark.parametrize("cut", [slice(1, None), slice(None, -1), slice(1, -1)])
def test_trimmed_ends_do_not_make_another_motif(cut):
    assert alike(Motif("whole", TEAD), Motif("part", TEAD[:, cut])) == (TEAD[:, cut].shape[1] > 5)


def test_the_motifs_of_one_grammar_are_not_alike():
    for rule in GRAMMARS.values():
        motifs = list(motifs_of(rule).values())
        for i, one in enumerate(motifs):
            assert [alike(one, other) for other in motifs].count(True) == 1 and alike(one, motifs[i])


def test_a_flat_matrix_is_like_nothing():
    flat = Motif("flat", np.full((4, 6), 0.25))
    assert not alike(flat, flat) and not alike(flat, Motif("one", GATA))
