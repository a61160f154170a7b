"""The Motifs page as the server builds it: order, filter, card, muting."""

from dataclasses import replace

import numpy as np
import pytest
from apprun import run, widget
from handmade import fasta, toy_bundle

from app import motif_card, motif_list, services
from argminn_core import edit
from argminn_core.checkpoint import save_model
from argminn_core.predict import predict


@pytest.fixture
def app(app):
    app.run()
    app.switch_page("../pages/motifs.py")
    return run(app)


def names(app):
    return list(app.dataframe[-1].value["motif"])


def metric(app, label):
    return widget(app.metric, label)


def give(app, raw):
    from app.state import Source

    app.session_state["source"] = Source("given.fa", raw)
    return run(app)


MOTIFS = [
    replace(motif, contribution=worth, q_value=q)
    for motif, worth, q in zip(
        toy_bundle().motifs, (0.5, float("nan"), 2.0), (1e-3, 1e-9, float("nan")), strict=True
    )
]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("contribution", ["GATA1", "CTCF", "SPI1"]),  # what is not known comes last
        ("q-value of the match", ["SPI1", "CTCF", "GATA1"]),
        ("windows", ["CTCF", "SPI1", "GATA1"]),
        ("name", ["CTCF", "GATA1", "SPI1"]),
    ],
)
def test_motifs_in_every_order(order, expected):
    assert [motif.name for motif in motif_list.arranged(MOTIFS, order=order)] == expected


def test_motifs_that_do_not_count_come_last():
    motifs = [replace(MOTIFS[2], counts=False, contribution=0.5), *MOTIFS[:2]]
    assert motif_list.arranged(motifs, order="contribution")[-1].name == "GATA1"


@pytest.fixture
def blurred(home):
    """The toy model, its motifs blurred but for one: it is on disk before the app runs."""
    bundle = toy_bundle("toy")
    worth = {"CTCF": 3.0, "SPI1": 0.5, "GATA1": float("nan")}
    motifs = [
        replace(motif, counts=motif.name == "GATA1", contribution=worth[motif.name])
        for motif in bundle.motifs
    ]
    save_model(home / "models" / "toy.safetensors", replace(bundle, motifs=motifs))


def test_a_filter_that_the_logits_come_from_is_shown_however_blurred(blurred, app):
    assert names(app) == ["CTCF", "GATA1"]
    (more,) = (toggle for toggle in app.toggle if "clear" in toggle.label)
    assert more.label == "Also 1 filter without a clear motif"
    more.set_value(True).run()
    assert names(app) == ["CTCF", "GATA1", "SPI1"]


@pytest.mark.parametrize(
    ("text", "expected"), [("gata", ["GATA1"]), ("ma0001", ["SPI1"]), ("AGAGGAA", ["SPI1"])]
)
def test_a_text_finds_name_match_and_consensus(text, expected):
    assert [motif.name for motif in motif_list.arranged(MOTIFS, order="name", text=text)] == expected


def test_the_page_sorts_and_filters(app):
    app.selectbox("motif_order").set_value("name").run()
    assert names(app) == ["CTCF", "GATA1", "SPI1"]
    widget(app.text_input, "Name, match or consensus contains").set_value("nothing of the kind").run()
    assert any("No motif holds that text" in text.value for text in app.info)


def test_the_first_motif_has_its_card_from_examples(app):
    assert app.subheader[0].value == "CTCF"
    assert metric(app, "With an instance").value.endswith("%")
    assert any("example sequences" in text.value for text in app.caption)


def test_the_card_counts_in_the_sequences_at_hand(app):
    give(app, fasta(8))
    assert any("given" in text.value for text in app.caption)
    assert int(metric(app, "Instances").value) >= 4
    assert not any("example sequences" in text.value for text in app.caption)


def test_sequences_that_cannot_be_read_leave_the_examples(app):
    give(app, b">protein\nMKVLLAAGIVGLL\n")
    assert any("example sequences" in text.value for text in app.caption)


def test_a_picked_motif_has_its_card(app):
    app.session_state["tiles_toy"] = {"picked": {"name": "SPI1"}}
    assert run(app).subheader[0].value == "SPI1"


def test_muting_shows_the_change_of_the_logits_and_can_be_taken_back(app):
    give(app, fasta(8))
    app.toggle("mute_toy_CTCF").set_value(True).run()
    assert not app.exception
    reading = services.read_now(toy_bundle(), fasta(8))
    codes = np.concatenate([reading.windows.codes(i, i + 1) for i in range(8)])
    before, after = (
        predict(bundle.model, codes).mean() for bundle in (toy_bundle(), edit.mute(toy_bundle(), "CTCF"))
    )
    assert float(metric(app, "Mean logit").value) == pytest.approx(after, abs=0.01)
    assert float(metric(app, "Mean logit").delta) == pytest.approx(after - before, abs=0.02)
    widget(app.button, "Unmute all").click().run()
    assert not [one for one in app.metric if one.label == "Mean logit"]
    assert not app.toggle("mute_toy_CTCF").value


def test_muted_motifs_are_those_of_one_model(app):
    app.session_state["muted"] = {"another": ["CTCF"]}
    assert not [one for one in run(app).metric if one.label == "Mean logit"]


def test_a_match_of_another_database_leaves_the_logo_alone(monkeypatch):
    motif = toy_bundle().motifs[0]
    monkeypatch.setattr(services, "known_motif", lambda match: None)
    alone = motif_card.picture(motif, mode="information", reverse=False, with_match=True)
    assert alone == motif_card.picture(motif, mode="information", reverse=False, with_match=False)


def test_a_known_match_stands_beneath(monkeypatch):
    motif = toy_bundle().motifs[0]
    monkeypatch.setattr(services, "known_motif", lambda match: motif.pfm)
    svg = motif_card.picture(motif, mode="information", reverse=False, with_match=True)
    assert svg.count("<svg") == 3 and motif.match in svg
