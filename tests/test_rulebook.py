import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argminn_core import rulebook
from argminn_core.errors import InputError
from argminn_core.rulebook import Gaps, from_card, judge, to_card
from argminn_core.tables import PLACEMENTS, RULES

SENTENCE = "L then R, same strand, gap 5-9 (48%) or 0 (43%), synergy +8.4 [7.9, 8.9], q = 3e-120"


def rule_row(kind="pair", left="L", right="R", orientation="++", gaps="5-9 (48%), 0 (43%)", **more):
    numbers = {"sequences": 269, "share": 0.91, "effect": 8.4, "low": 7.9, "high": 8.9, "q_value": 3e-120}
    texts = {"kind": kind, "left": left, "right": right, "orientation": orientation, "gaps": gaps}
    return texts | numbers | {"sentence": SENTENCE} | more


def rules(*rows):
    card = {"rules": json.loads(json.dumps(to_card(RULES.frame(list(rows)))))}
    found, left_out = from_card(card, ["L", "R", "S"])
    assert left_out == 0
    return found


def placed(*rows):
    return PLACEMENTS.frame(
        [{"sequence": "s", "motif": m, "start0": s, "end0": s + 8, "strand": d} for m, s, d in rows]
    )


# --- cards ---


def test_rules_go_through_a_card_and_keep_what_they_say():
    (rule,) = rules(rule_row())
    assert rule.gaps == (Gaps(5, 9, 0.48), Gaps(0, 0, 0.43))
    assert (rule.kind, rule.left, rule.right, rule.orientation) == ("pair", "L", "R", "++")
    assert (rule.share, rule.effect, rule.q_value, rule.sentence) == (0.91, 8.4, 3e-120, SENTENCE)
    assert rule.name == "L then R, same strand, gap 0 or 5-9"


def test_negative_gaps_and_what_is_not_known():
    overlap, bare = rules(
        rule_row(gaps="-3 to -1 (4%)"), rule_row(gaps="", orientation="", share=float("nan"))
    )
    assert overlap.gaps == (Gaps(-3, -1, 0.04),)
    assert overlap.name.endswith("gap -3 to -1")
    assert bare.gaps == () and bare.share != bare.share
    assert bare.name == "L with R, any order and strand"


def test_a_text_of_gaps_that_is_not_one_is_an_error():
    with pytest.raises(InputError, match="gaps"):
        to_card(RULES.frame([rule_row(gaps="about 3")]))


def test_rules_of_the_core_can_be_kept(tmp_path):
    from argminn_core import zoo
    from argminn_core.checkpoint import load_model
    from argminn_core.fasta import Sequences
    from argminn_core.grammars import grammar
    from argminn_core.simulate import simulate

    bundle = load_model(zoo.resolve("rest"))
    parts = [simulate(grammar("REST"), 120, length=bundle.length, seed=i, positives=not i) for i in range(2)]
    positives, controls = (Sequences.from_codes(part.names, part.codes) for part in parts)
    entries = rulebook.learn(bundle, positives, controls)
    found, left_out = from_card({"rules": entries}, [motif.name for motif in bundle.motifs])
    assert left_out == 0
    pair = next(rule for rule in found if rule.kind == "pair")
    assert (pair.left, pair.right, pair.orientation) == ("REST_left", "REST_right", "++")
    assert any(run.low <= 0 <= run.high for run in pair.gaps)


GOOD = to_card(RULES.frame([rule_row()]))[0]


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "law"}, {"kind": ["pair"]}, {"left": "none such"}, {"right": 3}, {"orientation": "--"},
        {"right": ""}, {"gaps": [[1, 0, 0.5]]}, {"gaps": [[0, 0, 2]]}, {"gaps": [[0, 10**9, 0.1]]},
        {"gaps": [[True, 1, 0.1]]}, {"gaps": [[0.5, 1, 0.1]]}, {"gaps": [[0, 0]]}, {"gaps": "0 (43%)"},
        {"gaps": [[0, 0, 0.1]] * 99}, {"sentence": "x" * 9999}, {"sentence": None},
    ],
)  # fmt: skip
def test_an_entry_that_cannot_be_used_is_counted(change):
    found, left_out = from_card({"rules": [GOOD | change, GOOD]}, ["L", "R"])
    assert len(found) == left_out == 1


def test_cards_without_rules_or_with_too_many():
    assert from_card({}, ["L"]) == ([], 0)
    assert from_card({"rules": {"a": 1}}, ["L"]) == ([], 1)
    found, left_out = from_card({"rules": [GOOD] * (rulebook.MAX_RULES + 7)}, ["L", "R"])
    assert (len(found), left_out) == (rulebook.MAX_RULES, 7)
    (odd,), _ = from_card({"rules": [GOOD | {"effect": "much", "share": True}]}, ["L", "R"])
    assert odd.effect != odd.effect and odd.share != odd.share


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda parts: (
        st.lists(parts, max_size=4) | st.dictionaries(st.sampled_from(sorted(GOOD)), parts, max_size=5)
    ),
    max_leaves=12,
)


@given(st.lists(anything, max_size=4), st.dictionaries(st.sampled_from(sorted(GOOD)), anything, max_size=3))
def test_no_card_breaks_the_reading(entries, change):
    entries = [*entries, GOOD | change]
    found, left_out = from_card({"rules": entries}, ["L", "R"])
    assert len(found) + left_out == len(entries)
    judge(placed(("L", 10, "+"), ("R", 18, "+")), found)


# --- judging ---


@pytest.mark.parametrize(
    ("sites", "state", "says"),
    [
        ([("L", 10, "+"), ("R", 18, "+")], "met", "L then R, same strand, gap 0"),
        ([("L", 10, "+"), ("R", 25, "+")], "met", "gap 7"),
        ([("R", 25, "+"), ("L", 10, "+")], "met", "gap 7"),  # the order of the rows is no order
        ([("R", 10, "-"), ("L", 18, "-")], "met", "L then R, same strand, gap 0"),  # on the other strand
        ([("L", 10, "+"), ("R", 20, "+")], "broken", "gap 2"),
        ([("R", 10, "+"), ("L", 18, "+")], "broken", "R then L, same strand, gap 0"),
        ([("L", 10, "+"), ("R", 18, "-")], "broken", "facing each other"),
        ([("L", 10, "+")], "open", "L without R"),
        ([("L", 10, "+"), ("R", 20, "+"), ("R", 60, "-"), ("L", 68, "-")], "met", "gap 0"),
    ],
)
def test_a_pair_is_met_broken_or_open(sites, state, says):
    judged = judge(placed(*sites), rules(rule_row()))
    assert judged["state"].tolist() == [state]
    assert says in judged["found"].iloc[0]


def test_opposite_strands_read_the_same_from_both_sides():
    (rule,) = rules(rule_row(orientation="+-", gaps="2 (50%)"))
    assert judge(placed(("L", 10, "+"), ("R", 20, "-")), [rule])["state"].tolist() == ["met"]
    assert judge(placed(("R", 10, "+"), ("L", 20, "-")), [rule])["state"].tolist() == [
        "met"
    ]  # seen from behind
    assert judge(placed(("L", 10, "-"), ("R", 20, "+")), [rule])["state"].tolist() == ["broken"]


def test_one_kept_rule_of_a_pair_is_enough():
    same, facing = rules(rule_row(), rule_row(orientation="+-", gaps="3 (20%)"))
    assert judge(placed(("L", 10, "+"), ("R", 18, "+")), [same, facing])["state"].tolist() == ["met"]
    assert judge(placed(("L", 10, "+"), ("R", 19, "+")), [same, facing])["state"].tolist() == ["broken"] * 2


def test_a_pair_without_order_or_gap_needs_both():
    (rule,) = rules(rule_row(orientation="", gaps=""))
    assert judge(placed(("R", 100, "-"), ("L", 10, "+")), [rule])["state"].tolist() == ["met"]


def test_a_motif_with_itself():
    (rule,) = rules(rule_row(right="L", gaps="4 (60%)"))
    assert judge(placed(("L", 10, "+"), ("L", 22, "+")), [rule])["state"].tolist() == ["met"]
    assert judge(placed(("L", 10, "+")), [rule])["found"].tolist() == ["L without a second one"]


def test_single_motifs_and_repressors():
    needed, repressing, apart, adds = rules(
        rule_row("necessary", "L", "", "", ""), rule_row("repressor", "S", "", "", ""),
        rule_row("repressor", "L", "S", "++", "1 (30%)"), rule_row("additive", "L", "R", "", ""),
    )  # fmt: skip
    book = [needed, repressing, apart, adds]
    assert judge(placed(), book).empty
    assert judge(placed(("R", 10, "+")), book)[["state", "found"]].to_numpy().tolist() == [
        ["open", "not placed"]
    ]
    both = judge(placed(("L", 10, "+"), ("S", 19, "+")), book)
    assert both["state"].tolist() == ["met", "repressed", "repressed"]
    assert judge(placed(("L", 10, "+"), ("S", 40, "+")), book)["state"].tolist() == ["met", "repressed"]
