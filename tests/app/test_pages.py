"""Every page as the server builds it, without a browser."""

import json

import numpy as np
import pytest
from handmade import fasta, planted, save_toy, toy_bundle

from argminn_core import zoo
from argminn_core.checkpoint import load_model, save_model
from argminn_core.fasta import read_fasta
from argminn_core.instances import scan
from argminn_core.predict import predict


def visit(app, name):
    """Run a page; anything raised and not shown as a message fails here."""
    app.run()
    app.switch_page(f"../pages/{name}.py").run()
    assert not app.exception, [error.value for error in app.exception]
    return app


def give(app, raw: bytes, label: str = "given.fa"):
    from app.state import Source

    app.session_state["source"] = Source(label, raw)
    return visit(app, "sequences")


def messages(elements) -> str:
    return " ".join(element.value for element in elements)


@pytest.mark.parametrize("name", ["models", "motifs", "sequences", "syntax", "design", "variants"])
def test_every_page_opens(app, name):
    assert visit(app, name).title[0].value == name.capitalize()


def test_the_models_page_shows_scores_and_record(app):
    visit(app, "models")
    assert "0.912" in messages(app.markdown)
    assert any(button.label == "In use" for button in app.button)


def test_a_model_is_chosen_for_every_page(app, home):
    save_toy(home, "other")
    visit(app, "models")
    app.button("use_other").click().run()
    assert app.session_state["model"] == "other"
    assert visit(app, "motifs").session_state["model"] == "other"


def test_a_hostile_name_stays_text(app, home):
    bundle = toy_bundle("x")
    bundle.card["description"] = "![picture](https://example.org/x.png) <b>bold</b>"
    save_model(home / "models" / "hostile.safetensors", bundle)
    visit(app, "models")
    shown = messages([*app.caption, *app.markdown])
    assert "![picture](" not in shown and "\\!\\[picture\\]\\(" in shown


@pytest.mark.parametrize("raw", [b"", b"not a model", b"PK\x03\x04" + b"\0" * 100])
def test_a_file_that_is_no_model_is_refused_with_words(app, home, raw):
    visit(app, "models")
    app.get("file_uploader")[0].upload("bad.safetensors", raw).run()
    assert len(app.error) == 1 and "bad" in app.error[0].value
    assert [path.name for path in (home / "models").iterdir()] == ["toy.safetensors"]


def test_an_uploaded_model_joins_the_list(app, home):
    raw = (home / "models" / "toy.safetensors").read_bytes()
    visit(app, "models")
    app.get("file_uploader")[0].upload("../my model!.safetensors", raw + b"").run()
    assert not app.exception and not app.error
    assert "my" in messages(app.success) or "toy" in messages(app.success)


def test_a_damaged_file_in_the_folder_does_not_hide_the_others(app, home):
    (home / "models" / "broken.safetensors").write_bytes(b"{}")
    visit(app, "models")
    assert "broken" in messages(app.error)
    assert any(button.label == "In use" for button in app.button)


def test_without_any_model_every_page_says_what_to_do(app, home):
    (home / "models" / "toy.safetensors").unlink()
    del app.session_state["model"]
    for name in ("models", "motifs", "sequences", "syntax", "design", "variants"):
        assert "no model yet" in messages(visit(app, name).info)


def test_the_motifs_page_has_a_row_for_every_motif(app):
    visit(app, "motifs")
    assert list(app.dataframe[0].value["motif"]) == ["CTCF", "SPI1", "GATA1"]


def test_without_sequences_the_page_says_what_to_do(app):
    visit(app, "sequences")
    assert "Upload or paste FASTA" in messages(app.info)


def test_predictions_and_instances_of_given_sequences(app):
    give(app, fasta(6))
    table, instances = app.dataframe[0].value, app.dataframe[1].value
    assert table["logit"].is_monotonic_decreasing
    assert set(table["sequence"][:3]) == {"seq_00001", "seq_00003", "seq_00005"}
    assert table["motifs"][0] == "CTCF(+) SPI1(+)"
    assert list(instances["start0"]) == [60, 100]


def test_records_of_other_lengths_are_read_or_dropped_with_a_reason(app):
    long = planted(("CTCF", 700), length=1000)
    give(app, f">long\n{long}\n>short\n{planted(('SPI1', 20), length=60)}\n>tiny\nACGT\n".encode())
    dropped, table = app.dataframe[0].value, app.dataframe[1].value
    assert list(dropped["record"]) == ["tiny"] and "too short" in dropped["reason"][0]
    assert set(table["note"]) == {"window", "padded"}
    short = table[table["sequence"] == "short"].iloc[0]
    assert short["motifs"] == "SPI1(+)"
    ctcf = table[(table["sequence"] == "long") & (table["start0"] <= 700) & (table["end0"] > 712)]
    assert len(ctcf) and (ctcf["motifs"] == "CTCF(+)").all()


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b">protein\nMKVLLAAGIVGLL\n", "protein"),
        (b">iupac\nACGTRYACGT\n", "DNA"),
        (b"\x00\x01\x02", ""),
        (b"", ""),
        (b">a\n", ""),
    ],
)
def test_bad_input_is_answered_in_words(app, raw, words):
    give(app, raw)
    assert app.error or app.warning
    assert words in messages(app.error)


def test_other_letters_are_read_as_n_when_asked(app):
    raw = b">iupac\n" + planted(("CTCF", 60)).encode().replace(b"A", b"R", 1) + b"\n"
    assert give(app, raw).error
    app.checkbox("ambiguous").check().run()
    assert not app.error and len(app.dataframe[0].value) == 1


def test_example_sequences_hold_the_models_own_motifs(home):
    from app import examples

    raw = examples.example(toy_bundle())
    lines = raw.decode().splitlines()
    assert len(lines) == 120 and {len(line) for line in lines[1::2]} == {200}
    found = scan(toy_bundle(), read_fasta(raw)[0])
    assert found.instances["sequence"].nunique() > 30


def test_the_training_record_is_json(home):
    from app import services

    assert json.loads(services.training_record(toy_bundle()))["metrics"]["test"]["auroc"] == 0.912


def test_examples_keep_the_rules_of_a_model_that_has_some():
    """Every fourth has a pair, and the model calls it; without rules in the card pairs stand as they fall."""
    from app import examples

    bundle = load_model(zoo.resolve("rest"))
    sequences, _ = read_fasta(examples.example(bundle, n=40))
    logits = predict(bundle.model, np.stack([sequences.codes_of(i) for i in range(40)]))
    with_pair = np.arange(40) % 4 == 2
    assert (logits[with_pair] > 0).mean() >= 0.7
    assert (logits[~with_pair & (np.arange(40) % 4 != 3)] > 0).mean() <= 0.1


def test_where_a_click_leads_outlives_the_run_that_it_interrupts(app, home):
    """A click is over with its run; where it leads stands in the session until a run goes there."""
    save_toy(home, "other")
    visit(app, "models")
    app.button("use_other").click().run()
    app.session_state["next_page"] = "motifs"  # as `state.go` leaves it in a callback
    app.run()
    assert not app.exception and app.title[0].value == "Motifs"
    assert app.session_state["model"] == "other"
    assert "next_page" not in app.session_state  # it goes there once
