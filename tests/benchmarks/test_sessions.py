"""What ten visitors are judged by: their own sequences, the slope of the memory, the table."""

import argparse

import pytest
import sessions
from handmade import toy_bundle

OPTIONS = argparse.Namespace(seconds=300.0, visitors=10)


def test_visitors_give_sequences_of_their_own_with_placements_of_their_own():
    bundle = toy_bundle()
    one, other, later = (
        sessions.given(bundle, number, turn, n=4) for number, turn in ((1, 0), (2, 0), (1, 1))
    )
    assert one.names == [f"visitor01-0-000{row}" for row in range(4)]
    assert not set(one.names) & (set(other.names) | set(later.names))
    assert len({one.raw, other.raw, later.raw}) == 3
    first, second = one.placed[one.names[0]], other.placed[other.names[0]]
    assert len(first) >= 2 and len(second) >= 2 and set(first).isdisjoint(second)
    assert set(one.logit) == set(one.names) and min(one.logit.values()) > 0


def test_the_slope_is_that_of_what_came_after_the_first_minute():
    memory = [(at, 800, 900 - 10 * at if at < 60 else 300 + 2 * at / 60) for at in range(0, 300, 2)]
    assert sessions.slope(memory, 60) == pytest.approx(2)
    assert sessions.slope(memory[:3], 60) != sessions.slope(memory[:3], 60)  # too few to say


def test_the_table_says_what_was_found():
    seen = sessions.Seen(
        errors=["a"],
        drops=[0.1] * 18 + [0.5, 0.9],
        memory=[(60 * minute, 400.0, 300.0 + minute) for minute in range(4)],
    )
    text = sessions.table(seen, OPTIONS)
    assert "| errors | 1 |" in text and "| mixed-up data | 0 |" in text
    assert "| drop to verdict, median (s) | 0.10 |" in text and "slowest (s) | 0.90 |" in text
    assert "at first, at last (MB), slope (MB a minute) | 301, 303, +1.0 |" in text
