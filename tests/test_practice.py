"""The genome to practise on holds what its tables say, and nothing of the motifs besides."""

import numpy as np
import pytest

from argminn_core.dna import decode, reverse_complement
from argminn_core.errors import ConfigError
from argminn_core.grammars import grammar
from argminn_core.practice import SPACE, practice_genome
from argminn_core.simulate import simulate

RULES = grammar("TAL/GATA")


@pytest.fixture(scope="module")
def made():
    return practice_genome(RULES, 40, length=200, seed=3)


def test_the_positives_lie_where_the_regions_say(made):
    codes = simulate(RULES, 40, length=200, seed=np.random.default_rng([3, 0])).codes
    for row, region in enumerate(made.regions.itertuples()):
        assert np.array_equal(made.chroms[region.chrom][region.start0 : region.end0], codes[row])
        assert region.summit0 == region.start0 + 100


def test_the_truth_is_in_the_chromosomes_coordinates(made):
    assert len(made.truth) >= 40
    for placed in made.truth.itertuples():
        text = decode(made.chroms[placed.sequence][placed.start0 : placed.end0])
        assert placed.site == (text if placed.strand == "+" else reverse_complement(text))


def test_every_chromosome_has_regions_and_room_for_negatives(made):
    counts = made.regions["chrom"].value_counts().to_dict()
    assert counts == {"chr1": 28, "chr2": 6, "chr3": 6}
    for _, mine in made.regions.groupby("chrom"):
        gaps = mine["start0"].to_numpy()[1:] - mine["end0"].to_numpy()[:-1]
        assert (gaps > SPACE - 200 - SPACE // 8).all()


def test_the_same_seed_makes_the_same_genome(made):
    again, other = (practice_genome(RULES, 40, length=200, seed=seed) for seed in (3, 4))
    assert all(np.array_equal(made.chroms[name], again.chroms[name]) for name in made.chroms)
    assert not np.array_equal(made.chroms["chr1"][:200], other.chroms["chr1"][:200])


def test_too_few_regions_are_refused():
    with pytest.raises(ConfigError, match="at least 20"):
        practice_genome(RULES, 19, seed=0)
