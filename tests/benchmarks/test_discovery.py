"""What a method has learned must be told apart from what it has not, and counted once."""

import discovery
import numpy as np
import pytest

from argminn_core.grammars import GRAMMARS, motifs_of
from argminn_core.pfm import Motif

RULE = GRAMMARS["TAL/GATA"]
PLANTED = {name: motif.pfm for name, motif in motifs_of(RULE).items()}
TAL, GATA = PLANTED


def noisy(pfm, seed=0):
    """A copy as if counted on a few hundred sites."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.multinomial(300, column / column.sum()) for column in pfm.T]).T / 300


def turned(pfm):
    return pfm[::-1, ::-1]


@pytest.fixture(scope="module")
def matches():
    """Both motifs once more, one of them on the other strand too, another motif and one that says nothing."""
    other = np.full((4, 12), 0.02)
    other[np.random.default_rng(5).integers(0, 4, 12), np.arange(12)] = 0.94
    found = {
        "a": noisy(PLANTED[TAL]),
        "b": noisy(PLANTED[GATA], 1),
        "c": turned(noisy(PLANTED[GATA], 2)),
        "other": other,
        "flat": np.full((4, 12), 0.25),
    }
    return discovery.match([Motif(name, pfm) for name, pfm in found.items()], RULE)


def test_copies_match_what_was_planted_and_others_do_not(matches):
    assert matches["planted"].tolist() == [TAL, GATA, GATA, "", ""]
    assert (matches["e_value"][:3] < 1e-3).all()
    assert (matches["similarity"][:3] > 0.97).all()
    assert matches["similarity"][3:].isna().all()
    assert matches["strand"][1] != matches["strand"][2]


def test_two_orientations_are_one_too_many_only_for_filters_that_read_both(matches):
    tied, single = (discovery.summary(matches, RULE, tied=value) for value in (True, False))
    assert tied["times"][GATA] == [2] and tied["redundancy"] == 1.5
    assert sorted(single["times"][GATA]) == [1, 1] and single["redundancy"] == 1
    for of in (tied, single):
        assert (of["relevant"], of["recovered"], of["extraneous"], of["motifs"]) == (2, 2, 2, 5)


def test_nothing_discovered_is_said_so():
    of = discovery.summary(discovery.match([], RULE), RULE, tied=True)
    assert of["recovered"] == 0 and of["redundancy"] is None and of["similarity"] is None


def test_half_a_motif_is_less_similar_than_a_whole_one():
    whole, half = PLANTED[TAL], PLANTED[TAL][:, : PLANTED[TAL].shape[1] // 2]
    assert discovery.similarity(whole, whole)[0] == pytest.approx(1)
    assert discovery.similarity(half, whole)[0] < 0.9
