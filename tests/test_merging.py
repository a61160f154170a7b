"""Which filters are made one motif, and where their instances then lie."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argminn_core.merging import merge, settled
from argminn_core.tables import INSTANCES

SPANS = ["sequence", "start0", "end0", "motif", "strand"]


def table(*rows: tuple[str, int, int, str, str, float]) -> pd.DataFrame:
    """Rows of sequence, start0, end0, motif, strand, contribution."""
    frame = pd.DataFrame(rows, columns=[*SPANS, "contribution"])
    return INSTANCES.check(frame.assign(attention=1.0, activation=1.0))


def spans(frame: pd.DataFrame) -> list[tuple]:
    return list(frame[SPANS].itertuples(index=False, name=None))


def test_a_shifted_copy_is_the_same_motif():
    rows = [row for i in range(4) for row in (
        (f"s{i}", 20, 30, "A", "+", 5.0), (f"s{i}", 23, 31, "A2", "+", 2.0),
    )]  # fmt: skip
    found = merge(table(*rows, ("s9", 43, 51, "A2", "+", 2.0)))
    assert spans(found.instances) == [
        *((f"s{i}", 20, 30, "A", "+") for i in range(4)),
        ("s9", 40, 50, "A", "+"),
    ]
    (row,) = found.merged.to_dict("records")
    assert row == {"motif": "A2", "into": "A", "strand": "+", "shift": 3, "instances": 5, "share": 0.8}


@pytest.mark.parametrize("strand", ["+", "-"])
def test_a_copy_on_the_other_strand_keeps_its_place(strand):
    """A2 covers the last 8 of A's 10 bases, turned round; alone on a strand it says where A would be."""
    other = "-" if strand == "+" else "+"
    at = (22, 30) if strand == "+" else (20, 28)
    calls = [
        (f"s{i}", *each)
        for i in range(2)
        for each in ((20, 30, "A", strand, 5.0), (*at, "A2", other, 2.0))
    ]  # fmt: skip
    found = merge(table(*calls, ("t", 60, 68, "A2", "+", 2.0)))
    assert found.merged.loc[0, ["strand", "shift"]].tolist() == ["-", 2]
    # On t A2 reads +, so A lies on -, and its first two bases are to the right.
    assert spans(found.instances) == [
        ("s0", 20, 30, "A", strand), ("s1", 20, 30, "A", strand), ("t", 60, 70, "A", "-"),
    ]  # fmt: skip


def test_a_copy_of_a_copy():
    rows = [row for i in range(5) for row in (
        (f"s{i}", 20, 30, "A", "+", 9.0), (f"s{i}", 23, 33, "B", "-", 3.0), (f"t{i}", 50, 60, "B", "-", 3.0),
        (f"t{i}", 52, 62, "C", "+", 1.0),
    )]  # fmt: skip
    found = merge(table(*rows))
    merged = found.merged.set_index("motif")
    assert merged.loc["B", ["into", "strand", "shift"]].tolist() == ["A", "-", 3]
    assert merged.loc["C", ["into", "strand", "shift"]].tolist() == ["A", "+", 5]  # 52 - 47
    assert set(spans(found.instances)) == {(f"s{i}", 20, 30, "A", "+") for i in range(5)} | {
        (f"t{i}", 47, 57, "A", "+") for i in range(5)
    }


def test_of_a_site_called_twice_the_larger_contribution_stays():
    found = merge(table(
        ("s", 20, 30, "A", "+", 2.0), ("s", 24, 34, "A", "+", -4.0), ("s", 29, 39, "A", "+", 3.0),
        ("s", 37, 47, "A", "+", 1.0),
    ))  # fmt: skip
    # The second covers half of the first and of the third; the fourth shares two bases with what is gone.
    assert spans(found.instances) == [("s", 24, 34, "A", "+"), ("s", 37, 47, "A", "+")]
    assert found.merged.empty


def test_halves_that_overlap_by_less_than_half_stay_two():
    rows = [(f"s{i}", *span) for i in range(9) for span in ((20, 30, "A", "+", 5.0), (26, 36, "B", "+", 4.0))]
    found = merge(table(*rows))
    assert found.merged.empty
    assert len(found.instances) == 18


def test_a_site_that_mostly_one_of_two_filters_calls():
    """Called together in a fifth of the sequences, always at one shift: one motif. At two shifts, or a short one
    within a long one: two."""

    def rows(shift: Callable[[int], int], width: int, together: int = 12) -> pd.DataFrame:
        each = [(f"s{i}", 20, 30, "A", "+", 5.0) for i in range(60)]
        each += [(f"s{i}", s := 20 + shift(i), s + width, "B", "+", 2.0) for i in range(together)]
        each += [(f"t{i}", 50, 50 + width, "B", "+", 2.0) for i in range(4 * together)]
        return table(*each)

    assert merge(rows(lambda i: 2, 10)).merged["motif"].tolist() == ["B"]
    assert merge(rows(lambda i: i % 2, 10)).merged.empty
    assert merge(rows(lambda i: 2, 6)).merged.empty
    assert merge(rows(lambda i: 2, 10, together=4)).merged.empty  # too few to tell


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 60), st.sampled_from("AB"), st.floats(1, 9)), max_size=25
    )
)
@settings(max_examples=60, deadline=None)
def test_no_motif_is_left_twice_on_the_same_bases(calls):
    frame = table(*((f"s{n}", start, start + 10, motif, "+", size) for n, start, motif, size in calls))
    kept = merge(frame).instances
    for _, mine in kept.groupby(["sequence", "motif"]):
        assert (np.diff(np.sort(mine["start0"].to_numpy())) > 5).all()
    if len(frame):  # the strongest of all never goes
        assert kept["contribution"].max() == frame["contribution"].max()


def test_nothing_is_made_of_nothing():
    found = merge(INSTANCES.empty())
    assert found.instances.empty and found.merged.empty


# --- one site, one motif --------------------------------------------------------------------------------------


def called(*rows: tuple[str, int, int, str, float]) -> pd.DataFrame:
    """Rows of sequence, start0, end0, motif, activation."""
    frame = table(*((name, start, end, motif, "+", 5.0) for name, start, end, motif, _ in rows))
    return frame.assign(activation=[row[-1] for row in rows])


def test_a_relative_gives_way_to_the_better_match():
    """B's largest activation is 2, A's 10: on s0 A matches at its best and B at half, on s1 it is the other way."""
    found = settled(called(
        ("s0", 20, 28, "A", 10.0), ("s0", 21, 28, "B", 1.0), ("s1", 20, 28, "A", 4.0), ("s1", 21, 28, "B", 2.0),
        ("s2", 50, 57, "B", 0.5),
    ))  # fmt: skip
    assert list(found[["sequence", "motif"]].itertuples(index=False, name=None)) == [
        ("s0", "A"), ("s1", "B"), ("s2", "B"),
    ]  # fmt: skip


def test_what_gives_way_makes_nobody_else_give_way():
    """A beats B, so that C, which only B would beat, stays."""
    found = settled(called(
        ("s0", 20, 30, "A", 1.0), ("s0", 25, 35, "B", 0.9), ("s0", 30, 40, "C", 0.8), ("s1", 0, 10, "B", 1.0),
        ("s1", 50, 60, "C", 1.0),
    ))  # fmt: skip
    assert found[found["sequence"] == "s0"]["motif"].tolist() == ["A", "C"]


def test_halves_that_overlap_by_less_than_half_both_stay():
    both = called(("s0", 20, 32, "A", 1.0), ("s0", 27, 40, "B", 0.2), ("s1", 0, 13, "B", 1.0))
    pd.testing.assert_frame_equal(settled(both), both)
    assert settled(INSTANCES.empty()).empty
