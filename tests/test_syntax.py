"""Pairs, arrangements and gaps against tables with known answers, plain counting, and chance."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from argminn_core.errors import InputError
from argminn_core.fasta import Sequences
from argminn_core.syntax import Syntax, arrangements_of, observe, preferred
from argminn_core.tables import INSTANCES

WIDTH = 10


def table(*rows: tuple) -> pd.DataFrame:
    """Rows of sequence, start0, motif, strand and, where they matter, contribution and width."""
    full = [(*row, *(5.0, WIDTH)[len(row) - 4 :]) for row in rows]
    frame = pd.DataFrame(full, columns=["sequence", "start0", "motif", "strand", "contribution", "width"])
    frame = frame.assign(end0=frame["start0"] + frame["width"], attention=1.0, activation=1.0)
    return INSTANCES.check(frame.drop(columns="width"))


def of_length(*lengths: int) -> Sequences:
    offsets = np.cumsum([0, *lengths])
    return Sequences([f"s{i}" for i in range(len(lengths))], np.zeros(offsets[-1], dtype=np.uint8), offsets)


def mirrored(frame: pd.DataFrame, sequences: Sequences) -> pd.DataFrame:
    length = frame["sequence"].map(dict(zip(sequences.names, sequences.lengths, strict=True)))
    return frame.assign(
        start0=length - frame["end0"],
        end0=length - frame["start0"],
        strand=frame["strand"].map({"+": "-", "-": "+"}),
    )


def only(frame: pd.DataFrame) -> pd.Series:
    assert len(frame) == 1
    return frame.iloc[0]


# --- reading an arrangement -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "a, b, expected",
    [
        ((20, "+"), (33, "+"), ("A", "B", "++", 3)),
        ((20, "-"), (33, "-"), ("B", "A", "++", 3)),
        ((33, "+"), (20, "+"), ("B", "A", "++", 3)),
        ((20, "+"), (33, "-"), ("A", "B", "+-", 3)),
        ((33, "+"), (20, "-"), ("A", "B", "-+", 3)),  # B(-) A(+), mirrored
        ((33, "-"), (20, "+"), ("A", "B", "+-", 3)),
        ((20, "+"), (30, "+"), ("A", "B", "++", 0)),
        ((20, "+"), (26, "+"), ("A", "B", "++", -4)),
        ((26, "-"), (20, "+"), ("A", "B", "+-", -4)),
    ],
)
def test_order_orientation_and_gap(a, b, expected):
    seen = observe(table(("s0", a[0], "A", a[1]), ("s0", b[0], "B", b[1])), of_length(100))
    row = only(seen.joint)
    assert (row.left, row.right, row.orientation, row.gap) == expected
    assert expected[:3] in arrangements_of("A", "B")
    assert only(seen.gaps)["gap"] == expected[3]


@pytest.mark.parametrize("start", [20, 21, 23, 24])
def test_a_motif_within_another_is_no_pair(start):
    """A at 20 to 30, B of 4 bases within: one site, and the one that matches better has it."""
    alone = [("s1", 20, "A", "-"), ("s2", 20, "B", "-", 5.0, 4)]
    frame = table(("s0", 20, "A", "-"), ("s0", start, "B", "-", 4.0, 4), *alone)
    seen = observe(frame, of_length(*[100] * 3))
    assert seen.joint.empty
    assert seen.instances["motif"].tolist() == ["A", "A", "B"]


def test_the_strongest_of_each_makes_the_pair():
    seen = observe(
        table(
            ("s0", 10, "A", "+", 2.0), ("s0", 60, "A", "+", -6.0), ("s0", 85, "B", "+", 3.0),
            ("s0", 30, "B", "+", 0.9),  # looked at, not used
        ),
        of_length(100),
    )  # fmt: skip
    pairs = seen.joint.set_index(["motif_a", "motif_b"])
    assert pairs.loc[("A", "B"), "gap"] == 15
    assert pairs.loc[("A", "A"), "gap"] == 40
    assert ("B", "B") not in pairs.index
    assert len(seen.instances) == 3


def test_what_overlaps_and_what_is_too_far_is_counted_and_not_tested():
    rows = [row for i, gap in enumerate((-3, 7, 7, 180)) for row in (
        (f"s{i}", 20, "A", "+"), (f"s{i}", 20 + WIDTH + gap, "B", "+"),
    )]  # fmt: skip
    seen = observe(table(*rows), of_length(400, 400, 400, 400))
    row = only(seen.arrangements[seen.arrangements["sequences"] > 0])
    assert row[["sequences", "overlapping", "beyond"]].tolist() == [4, 1, 1]
    assert row["p_value"] == pytest.approx(0.25**3)
    gaps = seen.gaps.set_index("gap")["sequences"]
    assert gaps.to_dict() == {-3: 1, 7: 2}


# --- plain counting ---------------------------------------------------------------------------------------------

CALLS = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.integers(0, 20),
        st.sampled_from("ABC"),
        st.sampled_from("+-"),
        st.integers(-9, 9),
    ),
    max_size=24,
    unique_by=(lambda call: call[:3], lambda call: (call[0], call[4])),
)


def counted(calls: list[tuple]) -> tuple[dict, dict]:
    """PAIRS' counts and the sequences of each arrangement and gap, one sequence and pair at a time."""
    together: dict[tuple, int] = {}
    arranged: dict[tuple, int] = {}
    used = [call for call in calls if abs(call[4]) >= 1]
    for n in range(5):
        best: dict[str, list[tuple]] = {}
        for call in sorted(used, key=lambda call: -abs(call[4])):
            if call[0] == n:
                best.setdefault(call[2], []).append(call)
        for a, b in combinations_with_replacement("ABC", 2):
            mine = best.get(a, [])[:1] + (best.get(b, [])[:1] if a != b else best.get(a, [])[1:2])
            if len(mine) < 2:
                continue
            together[a, b] = together.get((a, b), 0) + 1
            (_, p, m, s, _), (_, q, k, t, _) = sorted(mine, key=lambda call: call[1])
            key = m, k, s + t
            if key[2] == "--":
                key = k, m, "++"
            elif key[2] != "++" and m > k:
                key = k, m, key[2]
            at = (*key, 20 * q - 20 * p - WIDTH)
            arranged[at] = arranged.get(at, 0) + 1
    return together, arranged


@given(CALLS)
@settings(max_examples=40, deadline=None)
def test_counts_are_those_of_plain_counting(calls):
    # Sizes differ within a sequence and places are 20 bases apart, so nothing merges and no choice is a tie.
    calls = [
        c for i, c in enumerate(calls) if all(c[:2] != d[:2] and abs(c[4]) != abs(d[4]) for d in calls[:i])
    ]
    frame = table(*((f"s{n}", 20 * at, motif, strand, float(size)) for n, at, motif, strand, size in calls))
    sequences = of_length(*[430] * 5)
    seen = observe(frame, sequences, max_gap=400)
    together, arranged = counted(calls)
    rows = seen.pairs.set_index(["motif_a", "motif_b"])["together"]
    assert {key: n for key, n in rows.to_dict().items() if n} == together
    assert seen.gaps.set_index(["left", "right", "orientation", "gap"])["sequences"].to_dict() == arranged
    other = observe(mirrored(frame, sequences), sequences, max_gap=400)
    for name in ("pairs", "arrangements", "gaps", "ranges"):
        pd.testing.assert_frame_equal(getattr(seen, name), getattr(other, name))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 30), st.sampled_from("AB"), st.sampled_from("+-"),
                          st.integers(1, 6)), max_size=12), st.sampled_from([4, 10, 13]))  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_the_other_strand_of_every_sequence_says_the_same(calls, width):
    """Overlaps, instances within others and merged filters included; B is 10 wide, A of any width."""
    # No two contributions are the same: which of two equals has a site is a matter of order.
    calls = {(n, at, m): (f"s{n}", at, m, s, n + at / 50 + size + (m == "B") / 200, width if m == "A" else WIDTH)
             for n, at, m, s, size in calls}.values()  # fmt: skip
    sequences = of_length(*[60] * 5)
    frame = table(*calls)
    one, other = observe(frame, sequences), observe(mirrored(frame, sequences), sequences)
    for name in ("pairs", "arrangements", "gaps", "ranges", "merged"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))


# --- the tests --------------------------------------------------------------------------------------------------


def bulk(placed: list[dict[str, tuple[int, str]]], length: int = 500) -> Syntax:
    """Sequences that hold the motifs of each dict at (start, strand)."""
    frame = table(
        *((f"s{i}", at, motif, strand) for i, row in enumerate(placed) for motif, (at, strand) in row.items())
    )
    return observe(frame, of_length(*[length] * len(placed)))


def test_cooccurrence_is_fishers_test():
    both, a, b, none = ({"A": (10, "+"), "B": (50, "+")}, {"A": (10, "+")}, {"B": (50, "+")}, {})
    seen = bulk([both] * 9 + [a] * 4 + [b] * 3 + [none] * 14)
    row = seen.pairs.set_index(["motif_a", "motif_b"]).loc[("A", "B")]
    assert row[["sequences_a", "sequences_b", "together", "expected"]].tolist() == [13, 12, 9, 13 * 12 / 30]
    exact = stats.fisher_exact([[9, 4], [3, 14]], alternative="greater").pvalue
    assert row["p_value"] == pytest.approx(exact)
    assert row["odds_ratio"] == pytest.approx(9.5 * 14.5 / (4.5 * 3.5))
    np.testing.assert_allclose(
        seen.pairs["q_value"], stats.false_discovery_control(seen.pairs["p_value"]), rtol=1e-12
    )


def test_gaps_are_a_binomial_over_the_free_positions():
    """A at 20 of sequences of 60, 90 and 500 bases leaves B 20, 50 and 151 gaps."""
    lengths = [60] * 4 + [90] * 5 + [500] * 6
    gaps = [7] * 9 + [3, 9, 12, 14, 7, 7]
    rows = [row for i, gap in enumerate(gaps) for row in (
        (f"s{i}", 20, "A", "+"), (f"s{i}", 20 + WIDTH + gap, "B", "+"),
    )]  # fmt: skip
    seen = observe(table(*rows), of_length(*lengths))
    assert seen.joint["room"].tolist() == [20] * 4 + [50] * 5 + [460] * 6
    row = seen.gaps.set_index("gap").loc[7]
    chance = (4 / 21 + 5 / 51 + 6 / 151) / 15
    by_place = row["expected"] / 15  # at least as likely: the motifs keep to the start of short sequences
    assert row["sequences"] == 11
    assert by_place >= chance
    assert row["p_value"] == pytest.approx(stats.binomtest(11, 15, by_place, alternative="greater").pvalue)
    # Of one arrangement with a gap each of 0 to 150 was tested, seen or not.
    p = np.append(seen.gaps["p_value"], np.ones(151 - len(seen.gaps)))
    np.testing.assert_allclose(seen.gaps["q_value"], stats.false_discovery_control(p)[: len(seen.gaps)])


def test_the_free_positions_alone_decide_where_motifs_lie_anywhere():
    rng = np.random.default_rng(4)
    placed = []
    for _ in range(3000):
        start = int(rng.integers(0, 300))
        placed.append({"A": (start, "+"), "B": (start + WIDTH + int(rng.integers(0, 151)), "+")})
    gaps = bulk(placed).gaps
    np.testing.assert_allclose(gaps["expected"], 3000 / 151, rtol=0.15)


def test_where_there_is_no_room_there_is_no_choice():
    """Two motifs that fill their sequence touch by necessity."""
    rows = [row for i in range(50) for row in ((f"s{i}", 0, "A", "+"), (f"s{i}", WIDTH, "B", "+"))]
    seen = observe(table(*rows), of_length(*[2 * WIDTH] * 50))
    row = only(seen.gaps)
    assert row[["gap", "sequences", "expected", "p_value"]].tolist() == [0, 50, 50, 1]


def placed_at_random(rng: np.random.Generator, n: int, spread: float | None, length: int = 500) -> list[dict]:
    """A and B that do not overlap, anywhere or about the middle, on any strand."""
    rows = []
    while len(rows) < n:
        a, b = (
            rng.integers(0, length - WIDTH + 1, 2) if spread is None
            else np.rint(rng.normal((length - WIDTH) / 2, spread, 2)).astype(int)
        )  # fmt: skip
        if abs(a - b) >= WIDTH and min(a, b) >= 0 and max(a, b) <= length - WIDTH:
            rows.append({"A": (int(a), rng.choice(["+", "-"])), "B": (int(b), rng.choice(["+", "-"]))})
    return rows


@pytest.mark.parametrize("spread", [None, 60, 30])
def test_pairs_at_random_prefer_nothing(spread):
    """A false gap in one of twenty sets, and p-values no smaller than chance makes them; also where both keep to the
    middle, where free positions alone would call some twenty false gaps in every set."""
    p, orders, called = [], [], 0
    for seed in range(12):
        seen = bulk(placed_at_random(np.random.default_rng(seed), 1000, spread))
        called += (seen.gaps["q_value"] <= 0.05).any()
        absent = 4 * 151 - len(seen.gaps)
        p.append(np.append(seen.gaps["p_value"], np.ones(absent)))
        orders.append(seen.arrangements["p_value"].to_numpy())
        assert (
            only(seen.pairs[seen.pairs["motif_a"] != seen.pairs["motif_b"]])["p_value"] == 1
        )  # all hold both
    p, orders = np.concatenate(p), np.concatenate(orders)
    for level in (0.05, 0.01, 0.001):
        limit = level + 3 * np.sqrt(level / len(p))
        assert (p <= level).mean() <= limit
    assert called <= 2  # of 12, at 5 %: more in 2 % of all runs
    assert (orders <= 0.05).sum() <= 6  # of 48: more in 2 %


def test_motifs_scattered_at_random_do_not_cooccur():
    p = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        placed = [
            {m: (at, "+") for m, at in (("A", 10), ("B", 50)) if rng.random() < 0.3} for _ in range(120)
        ]
        p.append(bulk(placed, 100).pairs.set_index(["motif_a", "motif_b"]).loc[("A", "B"), "p_value"])
    assert np.sum(np.array(p) <= 0.05) <= 4  # of 30


def test_twice_the_same_motif_is_held_against_chance():
    """Instances that fall on sequences at random are no rule, twice in every second sequence is one."""
    rng = np.random.default_rng(0)
    homes = rng.integers(0, 200, 120)
    frame = table(*((f"s{n}", 40 * list(homes[:i]).count(n), "A", "+") for i, n in enumerate(homes)))
    scattered = only(observe(frame, of_length(*[500] * 200)).pairs)
    share = stats.binom.sf(1, 120, 1 / 200)
    assert scattered["expected"] == pytest.approx(200 * share)
    assert scattered["p_value"] > 0.05
    paired = only(bulk([{"A": (10, "+")}] * 60 + [{}] * 60).pairs)
    assert paired["together"] == 0
    rows = [(f"s{i}", at, "A", "+") for i in range(60) for at in (10, 60)]
    assert only(observe(table(*rows), of_length(*[500] * 120)).pairs)["p_value"] < 1e-6


@pytest.mark.parametrize("spread", [None, 30])
def test_a_planted_gap_is_found_and_no_other(spread):
    rng = np.random.default_rng(11)
    placed = placed_at_random(rng, 300, spread)
    for row in placed[:40]:  # on either strand
        at, turned = row["A"][0], rng.random() < 0.5
        row["A"] = (at + WIDTH + 17 if turned else at, "-" if turned else "+")
        row["B"] = (at if turned else at + WIDTH + 17, "-" if turned else "+")
    seen = bulk(placed, 520)
    called = seen.gaps[seen.gaps["q_value"] <= 0.05]
    row = only(called)
    assert row[["left", "right", "orientation", "gap"]].tolist() == ["A", "B", "++", 17]
    assert 40 <= row["sequences"] <= 43
    assert row["q_value"] < 1e-15


# --- bad input --------------------------------------------------------------------------------------------------


def test_nothing_gives_empty_tables():
    for frame in (INSTANCES.empty(), table(("s0", 10, "A", "+", 0.5))):
        seen = observe(frame, of_length(100, 100))
        assert all(part.empty for part in seen)
    assert all(part.empty for part in observe(INSTANCES.empty(), of_length()))


def test_one_motif_in_one_sequence_is_no_evidence():
    seen = observe(table(("s0", 10, "A", "+")), of_length(100))
    row = only(seen.pairs)
    assert row[["together", "p_value", "q_value"]].tolist() == [0, 1, 1]
    assert np.isfinite(row["odds_ratio"])
    twice = observe(table(("s0", 10, "A", "+"), ("s0", 40, "A", "-")), of_length(100))
    assert only(twice.pairs)["p_value"] == 1
    assert only(twice.gaps)["q_value"] > 0.05


def test_a_merged_instance_that_sticks_out_has_room_for_its_gap():
    """B2 is B's first bases, so where it lies at the end B goes on behind it."""
    rows = [row for i in range(6) for row in ((f"s{i}", 30, "B", "+"), (f"s{i}", 30, "B2", "+", 2.0, 4))]
    rows += [("s6", 0, "A", "+"), ("s6", 18, "B2", "+", 2.0, 4)]
    seen = observe(table(*rows), of_length(*[100] * 6, 22))
    assert seen.merged["motif"].tolist() == ["B2"]
    assert seen.instances["end0"].max() == 40
    assert only(seen.joint)[["gap", "room"]].tolist() == [8, 8]
    row = only(seen.gaps)
    assert (row["gap"], row["sequences"]) == (8, 1)
    assert row["p_value"] >= 1 / 9


def test_an_instance_of_a_strange_sequence_is_an_error():
    with pytest.raises(InputError, match="not among those given"):
        observe(table(("other", 10, "A", "+")), of_length(100))


# --- ranges of gaps -----------------------------------------------------------------------------------------------


def ranges_of(*gaps: np.ndarray, size: int = 151) -> list[tuple[int, int]]:
    count = np.bincount(np.concatenate(gaps), minlength=size)
    return [(low, high) for low, high, *_ in preferred(count, np.full(size, 1 / size))]


def test_a_loose_rule_is_one_range_though_no_gap_of_it_stands_out():
    rng = np.random.default_rng(0)
    rows = []
    for gap in [*rng.integers(2, 20, 60), *rng.integers(0, 151, 240)]:
        start = int(rng.integers(0, 250))
        rows.append({"A": (start, "+"), "B": (start + WIDTH + int(gap), "+")})
    seen = bulk(rows)
    assert (seen.gaps["q_value"] > 0.05).sum() > 0.9 * len(seen.gaps)
    row = only(seen.ranges)
    assert row[["left", "right", "orientation"]].tolist() == ["A", "B", "++"]
    assert abs(row["low"] - 2) <= 2 and abs(row["high"] - 19) <= 2
    assert row["q_value"] < 1e-4
    assert row["expected"] < row["sequences"] / 1.5


def test_a_tight_rule_does_not_hide_a_loose_one():
    rng = np.random.default_rng(1)
    found = ranges_of(np.zeros(500, dtype=int), rng.integers(5, 10, 60), rng.integers(0, 151, 150))
    assert found[0] == (0, 0)
    assert found[1] == (5, 9)
    assert len(found) == 2


def test_the_test_of_a_range_counts_every_range_that_could_have_been():
    count = np.full(20, 2)
    count[7] = 30
    ((low, high, inside, expected, p),) = preferred(count, np.full(20, 1 / 20), widest=3)
    assert (low, high, inside) == (7, 7, 30)
    assert expected == pytest.approx(68 / 20)
    assert p == pytest.approx(stats.binom.sf(29, 68, 1 / 20) * (20 + 19 + 18))


def test_gaps_at_random_are_no_range():
    """Of 200 sets at 5 %, 10 are called by chance; Bonferroni over overlapping ranges calls far fewer."""
    rng = np.random.default_rng(2)
    assert sum(bool(ranges_of(rng.integers(0, 151, n))) for n in (5, 50, 500, 5000) for _ in range(50)) <= 10


def test_no_pair_has_no_range():
    assert preferred(np.zeros(151, dtype=int), np.full(151, 1 / 151)) == []
    assert preferred(np.array([4]), np.array([1.0])) == []
