"""Intervals that share bases, against every pair looked at."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argminn_core.overlaps import overlapping


def table(rows):
    return pd.DataFrame(rows, columns=["sequence", "motif", "start0", "end0"])


def rows(most):
    start, width = st.integers(-20, 60), st.integers(1, most)
    names = st.sampled_from(["a", "b", "chr1:5-9"])
    return st.lists(
        st.tuples(names, st.sampled_from("MN"), start, width).map(lambda t: (*t[:3], t[2] + t[3])),
        max_size=12,
    )


def pair_by_pair(spans, others, on):
    def shares(one, two):
        shared = min(one.end0, two.end0) - max(one.start0, two.start0)
        same = all(getattr(one, name) == getattr(two, name) for name in on)
        return same and 2 * shared >= min(one.end0 - one.start0, two.end0 - two.start0)

    return [any(shares(one, two) for two in others.itertuples()) for one in spans.itertuples()]


@settings(max_examples=60, deadline=None)
@given(rows(15), rows(40), st.sampled_from([("sequence",), ("sequence", "motif")]))
def test_every_pair(spans, others, on):
    spans, others = table(spans), table(others)
    found = overlapping(spans, others, on=on)
    assert found.dtype == bool and found.tolist() == pair_by_pair(spans, others, on)
    # whatever the rows' numbers
    turned = overlapping(
        spans[::-1], others.sample(frac=1, random_state=0).set_index("start0", drop=False), on=on
    )
    assert turned.tolist() == found[::-1].tolist()


@pytest.mark.parametrize(("start", "expected"), [(4, False), (5, True), (15, True), (16, False)])
def test_half_of_the_shorter_is_enough(start, expected):
    ten, others = table([("a", "M", start, start + 10)]), table([("a", "N", 10, 20)])
    assert overlapping(ten, others).tolist() == [expected]


def test_nothing():
    some = table([("a", "M", 0, 5)])
    assert overlapping(some[:0], some).tolist() == [] and overlapping(some, some[:0]).tolist() == [False]


def test_a_hundred_thousand_intervals_are_quick():
    rng = np.random.default_rng(0)
    start = rng.integers(0, 490, 100_000)
    many = pd.DataFrame(
        {"sequence": rng.integers(0, 20_000, 100_000).astype(str), "start0": start, "end0": start + 10}
    )
    found = overlapping(many, many[1:])  # a loop over pairs would take hours
    assert found[1:].all()
