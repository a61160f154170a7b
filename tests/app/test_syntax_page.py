"""The Syntax page as the server builds it; clicks on charts are put into the session, as the browser would."""

import re
import time
from threading import Event

import pytest
from handmade import fasta, planted, toy_bundle

from app import syntax_panels, syntax_state, syntax_work
from app.state import Source
from app.syntax_work import simulated
from argminn_core.datasets import grammar_of
from argminn_core.fasta import read_fasta

SECONDS = 90


def run(app):
    """Run until no job runs; anything raised and not shown as a message fails here."""
    deadline = time.monotonic() + SECONDS
    app.run()
    while any(button.label == "Cancel" for button in app.button):
        assert time.monotonic() < deadline, "a job runs on and on"
        time.sleep(0.1)
        app.run()
    assert not app.exception, [error.value for error in app.exception]
    return app


def visit(app, raw=None, controls=None):
    if raw is not None:
        app.session_state["source"] = Source("given.fa", raw)
    if controls is not None:
        app.session_state["controls"] = Source("controls.fa", controls), ""
    app.run()
    app.switch_page("../pages/syntax.py")
    return run(app)


def press(app, label):
    next(button for button in app.button if button.label == label).click()
    return run(app)


def labels(app):
    return [button.label for button in app.button] + [button.label for button in app.get("download_button")]


def said(app):
    shown = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.subheader, *app.header]
    return " ".join(element.value for element in shown)


def records(*texts):
    return "".join(f">r{i}\n{text}\n" for i, text in enumerate(texts)).encode()


def test_without_a_model_the_page_says_what_to_do(app, home):
    (home / "models" / "toy.safetensors").unlink()
    del app.session_state["model"]
    assert "no model yet" in said(visit(app))


def test_without_sequences_one_click_gets_there(app):
    visit(app)
    assert "Upload or paste FASTA" in said(app)
    press(app, "Use 300 example sequences")
    assert "**300** sequences" in said(app)
    assert len(app.get("plotly_chart")) == 2


def test_the_clearest_pair_comes_first_and_its_sequences_are_listed(app):
    visit(app, fasta(60))
    assert app.selectbox(key=syntax_state.PAIR).value == ("CTCF", "SPI1")
    assert app.number_input[0].value == 28  # from the end of CTCF, 72, to the start of SPI1, 100
    table = app.dataframe[0].value
    assert len(table) == 30 and set(table["sequence"]) == {f"seq_{i:05d}" for i in range(1, 60, 2)}
    assert table["logit"].is_monotonic_decreasing
    assert set(table["order and orientation"]) == {"CTCF → SPI1 →"}


def test_a_gap_that_nothing_has_is_said_and_lists_nothing(app):
    visit(app, fasta(60))
    app.number_input[0].set_value(140)
    run(app)
    assert "**0** sequences with the pair at gap **140**" in said(app)
    assert not app.dataframe


def test_a_pair_that_was_chosen_stays_through_a_change_of_page(app):
    visit(app, fasta(60))
    app.selectbox(key=syntax_state.PAIR).set_value(("CTCF", "CTCF"))
    run(app)
    assert app.subheader[0].value == "CTCF \\+ CTCF"
    app.switch_page("../pages/motifs.py").run()
    app.switch_page("../pages/syntax.py")
    assert run(app).subheader[0].value == "CTCF \\+ CTCF"


def test_planting_a_pair_gives_its_synergy(app):
    visit(app, fasta(60))
    assert "Synergy (TSV)" not in labels(app)
    press(app, "Check causally: plant the pair")
    assert "Synergy (TSV)" in labels(app)
    assert "Check causally: plant the pair" not in labels(app)
    figure = app.get("plotly_chart")[1].proto.spec
    assert "the sum of both dashed" in figure


def test_a_planting_that_ends_while_the_page_is_drawn_is_shown(app, monkeypatch):
    known = syntax_panels._causal

    def late(pair, planting, rules):
        table = known(pair, planting, rules)
        while planting.running:
            time.sleep(0.01)
        return table

    monkeypatch.setattr(syntax_panels, "_causal", late)
    visit(app, fasta(60))
    press(app, "Check causally: plant the pair")
    assert "Synergy (TSV)" in labels(app)
    assert "No gap of the two fits" not in said(app)


def test_rules_are_sentences_with_their_numbers_and_choose_their_pair(app):
    """Of the hand-made model, whose logit adds up: the pair is seen, and is no synergy."""
    visit(app, fasta(60))
    app.selectbox(key=syntax_state.PAIR).set_value(("CTCF", "CTCF"))
    run(app)
    press(app, "Find the rules")
    assert "CTCF then SPI1" in said(app) and "gap 28" in said(app)
    assert "q = " in said(app) and re.search(r"\d sequences, \d+%", said(app))
    assert "Rules (TSV)" in labels(app)
    press(app, "Show this pair")
    assert app.selectbox(key=syntax_state.PAIR).value == ("CTCF", "SPI1")
    assert "Synergy (TSV)" in labels(app)  # planted on the way to the rules, and not again


def test_controls_are_read_too_and_can_be_removed(app):
    visit(app, fasta(40), controls=fasta(20, seed=3))
    assert "**40** sequences and **20** controls" in said(app)
    press(app, "Remove the controls")
    assert "**0** controls" in said(app)


def test_controls_that_were_made_for_other_sequences_are_not_used(app):
    app.session_state["controls"] = Source("simulated negatives", fasta(20, seed=3)), "another digest"
    visit(app, fasta(40))
    assert "**0** controls" in said(app)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (records(planted()), "uses no motif"),
        (b">tiny\nACGT\n", "uses no motif"),
        (records(planted(("CTCF", 60))), "One sequence shows"),
        (records(*(planted(("CTCF", 60), seed=i) for i in range(25))), "Only one motif"),
        (records(*(planted((name, 60), seed=i) for i in range(15) for name in ("CTCF", "GATA1"))),
         "No two motifs are used in the same sequence"),
        (b">p\nMKVLLAAGIVGLL\n", "protein"),
        (b"", "is empty"),
    ],
    ids=["no instance", "all dropped", "one sequence", "one motif", "never together", "protein", "empty"],
)  # fmt: skip
def test_what_is_too_little_is_said_in_words(app, raw, words):
    visit(app, raw)
    assert words.lower() in said(app).lower()


def test_a_pair_that_is_never_seen_can_be_planted(app):
    raw = records(*(planted((name, 60), seed=i) for i in range(15) for name in ("CTCF", "GATA1")))
    visit(app, raw)
    app.selectbox(key=syntax_state.PAIR).set_value(("CTCF", "GATA1"))
    run(app)
    assert "No sequence has both" in said(app)
    press(app, "Check causally: plant the pair")
    assert "Synergy (TSV)" in labels(app)


def test_a_hostile_name_stays_text(app):
    name = "<img-src=x>![p](https://example.org)"
    text = "".join(f">{name}{i}\n{planted(('CTCF', 60), ('SPI1', 100), seed=i)}\n" for i in range(25))
    visit(app, text.encode())
    assert "![p](" not in said(app)
    assert not [part for part in app.get("html") if "<img-src" in part.proto.body]


def test_reading_can_be_cancelled_and_begun_again(app, monkeypatch):
    whole, go = syntax_work.observed, Event()

    def slow(*args, progress, **kwargs):
        progress(1, 10)
        assert go.wait(SECONDS)
        return whole(*args, progress=progress, **kwargs)

    monkeypatch.setattr(syntax_work, "observed", slow)
    app.session_state["source"] = Source("given.fa", fasta(60))
    app.run()
    app.switch_page("../pages/syntax.py").run()
    assert "Cancel" in labels(app) and not app.get("plotly_chart")
    press(app, "Cancel")
    assert "Reading was cancelled" in said(app)
    go.set()
    press(app, "Read the sequences")
    assert "**60** sequences" in said(app)


def test_a_grammar_gives_sequences_that_hold_its_rule():
    bundle = toy_bundle(length=500)
    assert grammar_of(bundle.card) is None
    bundle.card["data"] = "simulated grammar REST"
    assert grammar_of(bundle.card).name == "REST"
    positives, negatives = simulated(bundle, n=5)
    assert [len(read_fasta(raw)[0]) for raw in (positives, negatives)] == [5, 5]
    assert set(read_fasta(positives)[0].lengths) == {500}
    assert not set(read_fasta(positives)[0].names) & set(read_fasta(negatives)[0].names)
