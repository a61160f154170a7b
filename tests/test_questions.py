"""Plans are carried out here by a plain interpreter, without any network: what the questions say must be the truth."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argminn_core.distances import Offsets
from argminn_core.errors import ConfigError
from argminn_core.model import BOUNDS
from argminn_core.questions import HEADS_IN_ALL, Check, Find, Gate, Rule, needs, plan
from argminn_core.sentences import (
    And,
    AtLeastTwo,
    Exists,
    Gap,
    Not,
    Or,
    before,
    exactly,
    holds,
    near_misses,
    occurrences,
    within,
)

# A and B can start again after 5 bases, D after 3.
MOTIFS = {"A": "GATTA", "B": "CCRTT", "D": "CATCA"}
LENGTH = 50
NAMES = st.sampled_from(sorted(MOTIFS))
GAPS = st.tuples(NAMES, NAMES, st.integers(-8, 50), st.one_of(st.none(), st.integers(0, 30)))
ATOMS = st.one_of(
    st.builds(Exists, NAMES),
    st.builds(AtLeastTwo, NAMES),
    GAPS.map(lambda gap: Gap(*gap[:3], None if gap[3] is None else gap[2] + gap[3])),
)
SENTENCES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=3,
)


def carry_out(made, codes):
    """The rule's sum for each sequence, every task asked of the plain occurrences."""
    found = {name: occurrences(codes, site) for name, site in made.sites.items()}

    def total(rule, answers):
        return rule.constant + sum(weight * (2 * answers[task] - 1) for task, weight in rule.terms)

    def one(row):
        where = {name: np.flatnonzero(of[row]) for name, of in found.items()}
        answers = {}
        for layer in made.layers:
            new = {}
            for task in layer:  # a layer reads what earlier ones wrote, never its own
                match task:
                    case Find(motif, offsets, place):
                        new[task] = read(where[motif] - place, offsets, place)
                    case Check(motif, None, None):
                        new[task] = len(where[motif]) > 0
                    case Check(motif, offsets, near):
                        new[task] = answers[near] is not None and any(
                            offsets.low <= q - answers[near] <= offsets.high for q in where[motif]
                        )
                    case Gate(rule):
                        new[task] = total(rule, answers) > 0
            answers |= new
        return total(made.rule, answers)

    return np.array([one(row) for row in range(len(codes))])


def read(apart, offsets, place):
    """The position that a finder reads, of occurrences so far `apart` from its place; None without any."""
    apart = apart[(apart >= offsets.low) & (apart <= offsets.high)]
    middle = (offsets.low + offsets.high) / 2 + 0.25
    key = apart if offsets.prefer == "leftmost" else np.abs(apart - middle)
    return int(place + apart[key.argmin()]) if len(apart) else None


@settings(max_examples=60, deadline=None)
@given(sentence=SENTENCES, seed=st.integers(0, 1000))
def test_what_the_questions_say_is_the_truth(sentence, seed):
    try:
        made = plan(sentence, MOTIFS, LENGTH)
    except ConfigError:  # more heads than there are; `test_errors_say_what_is_wrong` pins down when
        return
    codes = near_misses(sentence, MOTIFS, 60, LENGTH, np.random.default_rng(seed))
    truth, total = holds(sentence, codes, MOTIFS), carry_out(made, codes)
    assert (np.abs(total) >= 1).all()
    assert (np.abs(total) <= made.rule.reach).all()
    covered = made.covers(codes)
    assert ((total > 0) == truth)[covered].all()
    assert covered.all() or not made.exact


@settings(max_examples=40, deadline=None)
@given(sentence=SENTENCES)
def test_a_plan_keeps_within_the_bounds_of_a_model_and_asks_after_it_knows(sentence):
    try:
        made = plan(sentence, MOTIFS, LENGTH)
    except ConfigError:
        return
    config = made.config
    assert len(made.layers) == config.layers <= BOUNDS["layers"][1]
    assert max(map(len, made.layers)) <= config.heads
    assert config.layers * config.heads <= HEADS_IN_ALL
    known = set()
    for layer in made.layers:
        assert all(known.issuperset(needs(task)) for task in layer)
        assert not known.intersection(layer)
        known.update(layer)
    assert {task for task, _ in made.rule.terms} <= known


def asked(made):
    return [task for layer in made.layers for task in layer]


@pytest.mark.parametrize(
    ("sentence", "heads", "layers"),
    [
        (Exists("A"), 1, 1),
        (~Exists("A"), 1, 1),
        (Exists("A") & Exists("B") & Exists("D"), 3, 1),
        (before("A", "B"), 2, 2),
        (AtLeastTwo("D"), 2, 2),
        (Gap("A", "B", 3, 500), 2, 2),  # as good as no upper end
        (exactly("A", 7, "B"), 2 * 10, None),  # 46 positions, A at most every 5
        (exactly("A", 7, "B") | exactly("A", 9, "B"), 10 + 2 * 10 + 1, None),  # finders serve both; a gate
        (exactly("D", 7, "A"), 2 * 10, None),  # blocks of A, which is less dense than D, not of D
        (within("A", 900, 910, "B"), 0, 1),  # beyond the sequence: nothing to ask
    ],
    ids=str,
)
def test_how_many_heads_a_sentence_costs(sentence, heads, layers):
    made = plan(sentence, MOTIFS, LENGTH)
    assert len(asked(made)) == heads
    assert layers is None or made.config.layers == layers
    assert made.exact


def test_blocks_grow_where_heads_are_short_and_the_plan_says_so():
    made = plan(exactly("D", 7, "D"), MOTIFS, 150)
    assert not made.exact
    assert made.blocks["D"] == 5  # 146 positions by 30 finders, with a checker each: 60 of 62 heads
    codes = np.zeros((3, 150), dtype=np.uint8)
    site = np.array([1, 0, 3, 1, 0], dtype=np.uint8)
    for row, second in enumerate((3, 5, 4)):
        for start in (20, 20 + second):
            codes[row, start : start + 5] = site
    codes[2, 20:29] = 0  # none at all
    assert made.covers(codes).tolist() == [False, True, True]
    assert replace(made, blocks={"D": 3}).covers(codes).all()


def test_a_rule_turned_round_says_the_opposite():
    rule = Rule(((Check("A"), 2.0), (Check("B"), -1.0)), 0.5, 4.0)
    assert (-rule).terms == ((Check("A"), -2.0), (Check("B"), 1.0))
    assert (-rule).constant == -0.5
    opposite = -rule
    assert -opposite == rule


def test_tasks_are_known_by_what_they_ask():
    found = Find("A", Offsets(0, 4, -9, 9, "middle"), 5)
    assert found == Find("A", Offsets(0, 4, -9, 9, "middle"), 5)
    assert found != replace(found, place=10)
    assert needs(Check("B", Offsets(0, 3, -9, 9), found)) == [found]
    assert needs(Check("B")) == needs(found) == []


def test_errors_say_what_is_wrong():
    with pytest.raises(ConfigError, match="unknown motif"):
        plan(Exists("Z"), MOTIFS, LENGTH)
    with pytest.raises(ConfigError, match="A 5, B 6"):
        plan(before("A", "B"), {"A": "GATTG", "B": "CCRTTG"}, LENGTH)
    many = {f"M{i}": f"{np.base_repr(64 + i, 4).translate(str.maketrans('0123', 'ACGT'))}" for i in range(63)}
    with pytest.raises(ConfigError, match=r"more heads.*63 questions"):
        plan(Or(tuple(Exists(name) for name in many)), many, LENGTH)
    assert plan(
        Or(tuple(Exists(name) for name in list(many)[:60])), many, LENGTH
    ).exact  # 4 heads in 15 layers
