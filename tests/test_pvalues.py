"""p-values of matches against all words, written out."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argminn_core.errors import InputError
from argminn_core.pfm import jaspar, log_odds
from argminn_core.pvalues import FIMO_P, ScoreDistribution


def words(width):
    return np.array(list(product(range(4), repeat=width)))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.sampled_from([0.1, 1.0]))
def test_p_values_are_shares_of_all_words(seed, width, spread):
    rng = np.random.default_rng(seed)
    matrix = np.round(
        log_odds(rng.dirichlet([spread] * 4, width).T), 2
    )  # whole steps, so that nothing is rounded
    scores = matrix[words(width), np.arange(width)].sum(1)
    expected = (scores[None] >= scores[:, None] - 1e-9).mean(1)
    np.testing.assert_allclose(ScoreDistribution.of(matrix, step=0.01).p_values(words(width)), expected)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.floats(1e-5, 0.9))
def test_above_the_cutoff_lie_the_rare_words_or_the_best_ones(seed, width, p):
    matrix = log_odds(np.random.default_rng(seed).dirichlet([0.5] * 4, width).T)
    scores = matrix[words(width), np.arange(width)].sum(1)
    found = ScoreDistribution.of(matrix, step=0.005)
    cutoff = found.cutoff(p)
    assert (scores > cutoff).any() and not (scores > cutoff).all()
    best = scores > scores.max() - width * 0.005 - 1e-9
    rounded = found.lowest + 0.005 * found.steps[words(width), np.arange(width)].sum(1)
    above = rounded > cutoff
    assert above.mean() <= p or best[above].all()
    surely = scores > cutoff + width * 0.0025 + 1e-9  # what rounding cannot have moved
    assert surely.mean() <= p or best[surely].all()


@pytest.mark.parametrize("width", [4, 6])
def test_a_cutoff_is_the_lowest_that_keeps_its_promise(width):
    matrix = np.round(log_odds(np.random.default_rng(width).dirichlet([0.5] * 4, width).T), 2)
    scores = matrix[words(width), np.arange(width)].sum(1)
    cutoff = ScoreDistribution.of(matrix, step=0.01).cutoff(0.1)
    lower = scores[scores < cutoff].max() - 1e-6
    assert (scores > cutoff).mean() <= 0.1 < (scores > lower).mean()


def test_background_and_unknown_bases():
    matrix = np.array([[1.0], [-1], [-1], [-1]])
    rich = ScoreDistribution.of(matrix, background=(0.7, 0.1, 0.1, 0.1))
    np.testing.assert_allclose(rich.p_values(np.array([[0], [1], [4]])), [0.7, 1, 0.7])  # N lies between


def test_a_known_matrix_at_fimos_p_value():
    matrix = log_odds(jaspar("MA0139.2").pfm)
    found = ScoreDistribution.of(matrix)
    rng = np.random.default_rng(0)
    sites = rng.integers(0, 4, (400_000, matrix.shape[1]))
    scores = matrix[sites, np.arange(matrix.shape[1])].sum(1)
    assert (scores > found.cutoff(FIMO_P)).mean() == pytest.approx(FIMO_P, rel=0.5)
    assert (scores > found.cutoff(0.01)).mean() == pytest.approx(0.01, rel=0.05)


def test_a_flat_matrix_has_no_cutoff():
    with pytest.raises(InputError, match="same score"):
        ScoreDistribution.of(np.zeros((4, 5))).cutoff(0.01)
