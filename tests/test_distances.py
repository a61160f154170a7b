"""Kernels are checked where they are used: as products of the model's own encoding of positions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argminn_core.distances import LEAST_MARGIN, Offsets, solve
from argminn_core.errors import ConfigError
from argminn_core.model import sinusoids

LAST = 60  # positions are 0 to 60, so offsets -60 to 60


def scores(offsets, dims, x):
    """Offsets of every position from x, and the scores that a head at x gives them."""
    encoding = sinusoids(LAST + 1, dims).double().numpy()
    return np.arange(LAST + 1) - x, encoding.T @ (solve(offsets, dims).query() @ encoding[:, x])


@settings(max_examples=25, deadline=None)
@given(
    low=st.integers(-LAST, LAST),
    size=st.integers(0, 40),
    x=st.integers(0, LAST),
    dims=st.sampled_from([16, 32]),
)
def test_offsets_that_count_lie_above_the_threshold_and_others_below(low, size, x, dims):
    offsets = Offsets(low, low + size, -LAST, LAST)
    kernel = solve(offsets, dims)
    offset, score = scores(offsets, dims, x)
    counts = (offset >= low) & (offset <= low + size)
    assert kernel.margin >= LEAST_MARGIN
    assert (score[counts] >= kernel.threshold + 0.98 * kernel.margin).all()
    assert (score[~counts] <= kernel.threshold - 0.98 * kernel.margin).all()
    assert np.abs(score).max() <= 1


@pytest.mark.parametrize(
    ("prefer", "order"), [("leftmost", [12, 13, 14, 15, 16, 17]), ("middle", [15, 14, 16, 13, 17, 12])]
)
def test_of_several_that_count_the_preferred_one_wins_by_the_margin(prefer, order):
    offsets = Offsets(12, 17, -LAST, LAST, prefer)
    offset, score = scores(offsets, 24, 20)
    ranked = [score[offset == d].item() for d in order]
    assert (-np.diff(ranked) >= 0.98 * solve(offsets, 24).margin).all()
    assert ranked[0] == score.max()


def test_any_one_that_counts_will_do_unless_one_is_preferred():
    """A wish costs margin, so "all" must not pay for it."""
    margins = [solve(Offsets(12, 30, -LAST, LAST, prefer), 24).margin for prefer in ("all", "middle")]
    assert margins[0] > 1.5 * margins[1]


def test_twice_the_dimensions_hold_all_rates_of_half_and_never_do_worse():
    margins = [solve(Offsets(20, 20, -LAST, LAST), dims).margin for dims in (4, 8, 16, 32)]
    assert margins == sorted(margins)
    assert margins[1] > 2 * margins[0]


def test_a_query_depends_on_the_distance_alone():
    turn = solve(Offsets(5, 9, -LAST, LAST), 16).query()
    encoding = sinusoids(LAST + 1, 16).double().numpy()
    score = encoding.T @ turn @ encoding  # (q, x)
    for apart in (-40, -1, 0, 7, 33):
        assert np.ptp(np.diagonal(score, -apart)) < 1e-6  # float32 in the encoding


def test_every_offset_or_none_may_count():
    for low, high in ((-LAST, LAST), (-LAST - 5, LAST + 5)):
        kernel = solve(Offsets(low, high, -LAST, LAST), 8)
        assert (
            kernel.threshold + kernel.margin <= scores(Offsets(low, high, -LAST, LAST), 8, 30)[1].min() + 1e-6
        )
    nothing = Offsets(LAST + 1, LAST + 9, -LAST, LAST)
    assert scores(nothing, 8, 30)[1].max() < solve(nothing, 8).threshold


def test_too_few_dimensions_are_refused_with_numbers():
    with pytest.raises(ConfigError, match=r"too coarse.*4001 distances, 4 dimensions"):
        solve(Offsets(20, 20, -2000, 2000), 4)
