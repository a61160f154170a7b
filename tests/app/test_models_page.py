"""The Models page as the server builds it: the example in the picture, receipts, comparison, the tour."""

from dataclasses import replace

import pytest
from apprun import run
from handmade import fasta, toy_bundle

from app import cards, compare, tour
from argminn_core.checkpoint import save_model

RECEIPT = {
    "verdict": "The calls are necessary.", "passed": False, "sequences": 3, "calls": 4, "dropped": 0, "settings": {},
    "tests": [
        dict(test="necessity", value=9.5, low=8.0, high=11.0, n=40, target=5.0, passed="yes", note=""),
        dict(test="sufficiency", value=0.5, low=None, high=None, n=9, target=0.8, passed="no", note=""),
        dict(test="pairs", value=1.0, low=None, high=None, n=9, target=None, passed="", note=""),
    ],
}  # fmt: skip


def messages(*kinds):
    return " ".join(element.value for kind in kinds for element in kind)


def keep(home, name, **card):
    bundle = toy_bundle(name)
    bundle.card.update(card)
    save_model(home / "models" / f"{name}.safetensors", bundle)


def table(app, column):
    return next(frame.value for frame in app.dataframe if column in frame.value.columns)


def test_the_example_of_the_picture_can_be_chosen(app):
    highest = next(text.value for text in run(app).caption if "logit" in text.value)
    app.segmented_control("inside_example").set_value("lowest logit").run()
    lowest = next(text.value for text in app.caption if "logit" in text.value)
    assert not app.exception and highest != lowest


def test_the_picture_shows_the_sequences_at_hand(app):
    from app.state import Source

    app.session_state["source"] = Source("given.fa", fasta(6))
    assert "seq\\_0000" in messages(run(app).caption)


def test_filters_that_were_taken_out_are_said_where_the_filters_are(app, home):
    keep(
        home,
        "toy",
        training={"pruned": {"filters": 9, "kept": 2, "loss": 0.5, "rise": 0.001, "error": 0.002}},
    )
    assert "left of 9 that were trained; taking out the other 7 changed" in messages(run(app).markdown)


@pytest.mark.parametrize(
    "odd", [10**400, float("nan"), True, "0.9", None], ids=["huge", "nan", "bool", "text", "none"]
)
def test_a_score_that_is_no_number_is_left_out(app, home, odd):
    keep(home, "toy", metrics={"test": {"auroc": odd, "auprc": 0.75}})
    said = messages(run(app).caption, app.markdown)
    assert "auPRC **0.750** (test split)" in said and "auROC **" not in said and not app.exception


def test_a_receipt_has_a_verdict_a_line(app, home):
    keep(home, "toy", receipt=RECEIPT)
    aimed, more = (frame.value for frame in run(app).dataframe if "target" in frame.value.columns)
    assert list(aimed["passed"]) == ["met", "not met"] and list(more["passed"]) == ["no target"]
    assert "1 more" in " ".join(part.label for part in app.expander)
    assert "The calls are necessary" in messages(app.markdown)
    assert "Receipt not passed" in messages(app.caption)


@pytest.mark.parametrize(
    "receipt", [{"tests": [{"x": 1}]}, {"tests": "no list"}, {"tests": [3]}, {"verdict": ["<b>"]}, "none"]
)
def test_an_odd_receipt_breaks_nothing(app, home, receipt):
    keep(home, "toy", receipt=receipt)
    run(app)


def test_what_was_not_measured_is_said(app):
    run(app)
    assert "Receipt not measured; confidence not measured" in messages(app.caption)


def test_confidence_is_shown_by_motif(app, home):
    keep(home, "toy", confidence={"CTCF": 1.0, "SPI1": 0.5, "odd": "many", "beyond": 3})
    assert dict(table(run(app), "found by seeds").to_numpy()) == {"CTCF": 1.0, "SPI1": 0.5}
    assert "75%" in messages(app.caption).replace("\\", "")


def test_two_models_are_compared(app, home):
    keep(home, "other", metrics={"test": {"auroc": 0.5}})
    app.session_state["compare"] = True
    run(app)
    settings = table(app, "what").set_index("what")
    assert settings.loc["auROC, test"].tolist() == ["0.912", "0.500"]
    assert settings.loc["filters"].tolist() == ["3", "3"]
    assert list(table(app, "toy logo")["motif"]) == ["CTCF", "SPI1", "GATA1"]


def test_motifs_are_matched_by_the_name_of_their_match():
    a, b = toy_bundle("a"), toy_bundle("b")
    b.motifs[:] = [
        replace(b.motifs[0], match="", match_name="", name="motif_01"), replace(b.motifs[1], name="x"),
        replace(b.motifs[2], match_name="SPI1"),
    ]  # fmt: skip
    rows = compare.motif_rows(a, b, ("a", "b")).set_index("motif")
    both = rows[(rows["a logo"] != "") & (rows["b logo"] != "")]
    assert list(both.index) == ["SPI1"] and rows.index[0] == "SPI1"  # matched, and so first
    assert {"CTCF", "GATA1", "motif_01", "SPI1 (2)"} == set(rows.index) - {"SPI1"}


def test_numbered_motifs_of_two_models_are_not_taken_for_one():
    a, b = toy_bundle("a"), toy_bundle("b")
    for bundle in (a, b):
        bundle.motifs[:] = [replace(bundle.motifs[0], match="", match_name="", name="motif_01")]
    assert len(compare.motif_rows(a, b, ("a", "b"))) == 2


def test_a_model_beside_itself_has_two_columns(app, home):
    keep(home, "other")
    assert not run(app).exception and "compare_two" not in [
        box.key for box in app.selectbox
    ]  # folded: not drawn
    app.session_state["compare"] = True
    app.run()
    app.selectbox("compare_two").set_value("toy").run()
    assert not app.exception and "toy (again)" in table(app, "what").columns


def test_a_card_without_anything_is_said_to_have_nothing():
    bundle = toy_bundle()
    bundle.card.clear()
    assert cards.receipt_in_short(bundle) == cards.confidence_in_short(bundle) == "not measured"


# --- the tour


def steps(app):
    return [text.value for text in app.caption if text.value.startswith("Step ")]


def test_the_tour_begins_on_the_start_page_and_leads_through_the_pages(app):
    assert steps(run(app)) == ["Step 1 of 4"]
    for number in (2, 3, 4):
        app.button("tour_next").click().run()
        assert not app.exception and steps(app) == [f"Step {number} of 4"]
        assert app.title[0].value == tour.STEPS[number - 1].page.capitalize()
    app.button("tour_next").click().run()
    assert steps(app) == []


def test_a_skipped_tour_does_not_come_back(app):
    run(app)
    app.button("tour_skip").click().run()
    assert steps(app) == []
    app.switch_page("../pages/motifs.py").run()
    app.switch_page("../pages/models.py").run()
    assert steps(app) == []


def test_who_comes_to_another_page_is_left_alone(app):
    run(app)
    app.switch_page("../pages/sequences.py").run()
    assert steps(app) == []
