"""The Design page as the server builds it; what the browser would send is put into the session."""

import pytest
from handmade import LENGTH, SITES, planted, save_toy
from streamlit.testing.v1 import AppTest

from argminn_core.design import parse_design_header

KEY = "canvas_toy"


@pytest.fixture
def app(tmp_path, monkeypatch, request):
    monkeypatch.setenv("ARGMINN_HOME", str(tmp_path))
    save_toy(tmp_path)
    app = AppTest.from_file(str(request.config.rootpath / "app/main.py"), default_timeout=60)
    app.session_state["model"] = "toy"
    app.run()
    app.switch_page("../pages/design.py")
    return run(app)


def run(app):
    app.run()
    assert not app.exception, [error.value for error in app.exception]
    return app


def design(app):
    return app.session_state["designs"]["toy"]


def place(app, *rows):
    """Put (motif, start0, strand) on the track, as a project that is opened does."""
    from argminn_core.tables import PLACEMENTS

    made = design(app)
    made.placements = PLACEMENTS.frame(
        [{"sequence": "d", "motif": m, "start0": s, "end0": s + 12, "strand": d} for m, s, d in rows]
    )
    made.rev += 1
    return run(app)


def metric(app, label):
    return next(metric for metric in app.metric if metric.label == label)


def test_an_empty_track_says_what_to_do(app):
    assert metric(app, "Placements read").value == "0 of 0"
    assert metric(app, "Logit").delta == ""


def test_placed_motifs_are_read_and_move_the_logit(app):
    before = float(metric(app, "Logit").value)
    place(app, ("CTCF", 40, "+"), ("SPI1", 100, "-"))
    assert metric(app, "Placements read").value == "2 of 2"
    after = float(metric(app, "Logit").value)
    assert after > before + 1
    assert float(metric(app, "Logit").delta) == pytest.approx(after - before, abs=0.02)
    table = app.dataframe[0].value
    assert {"CTCF", "SPI1"} <= set(table.loc[table["origin"] == "placed", "motif"])


def test_an_overwritten_placement_is_flagged(app):
    place(app, ("CTCF", 40, "+"), ("SPI1", 44, "+"))
    assert any("CTCF" in warning.value and "Overwritten" in warning.value for warning in app.warning)


def test_a_placement_of_another_model_can_be_cleared(app):
    place(app, ("GONE", 40, "+"))
    assert "not known" in app.error[0].value
    next(button for button in app.button if button.label == "Start again").click()
    run(app)
    assert not app.error and metric(app, "Placements read").value == "0 of 0"


def test_a_new_draw_keeps_the_placements(app):
    place(app, ("CTCF", 40, "+"))
    seed = design(app).background().copy()
    next(button for button in app.button if button.label == "New draw").click()
    run(app)
    assert (design(app).background() != seed).any()
    assert metric(app, "Placements read").value == "1 of 1"


def paste(app, text):
    app.text_area(key="design_pasted").set_value(text)
    return run(app)


def test_a_pasted_sequence_becomes_the_background(app):
    text = planted(("CTCF", 60), length=LENGTH + 20)
    paste(app, text)
    assert app.selectbox(key="design_kind").value == "A sequence as it is"
    assert int(metric(app, "Accidental motifs").value)  # it was there before anything was placed
    table = app.dataframe[0].value
    assert (table["start0"] == 50).any()  # the middle was taken: ten bases fell off each end


def test_a_design_opens_again(app):
    place(app, ("CTCF", 40, "+"), ("SPI1", 100, "-"))
    logit = metric(app, "Logit").value
    header = f">mine model=toy logit={logit} motifs=CTCF:40-52(+),SPI1:100-112(-)"
    from argminn_core.dna import decode

    made = design(app)
    letters = list(decode(made.background()))
    letters[40:52] = SITES["CTCF"]
    letters[100:112] = "CACTTCCTCTTT"
    rev = made.rev
    paste(app, f"{header}\n{''.join(letters)}\n")
    assert made.name == "mine" and made.rev == rev + 1
    assert metric(app, "Logit").value == logit
    assert parse_design_header(header)[1]["motif"].tolist() == made.placements["motif"].tolist()


@pytest.mark.parametrize(
    ("text", "says"),
    [("ACGT", "length"), ("hello world", "DNA"), (">a motifs=x\nACGT", "motif"), (">a\n", "sequence")],
)
def test_what_cannot_be_opened_is_said(app, text, says):
    paste(app, text)
    assert says in " ".join(error.value for error in app.error)
    assert metric(app, "Placements read").value == "0 of 0"


def test_restriction_sites_are_listed_when_asked_for(app):
    app.multiselect(key="design_enzymes").set_value(["EcoRI"])
    run(app)
    assert any("Restriction sites" in line.value for line in app.markdown)


def test_a_design_outlives_a_change_of_page(app):
    place(app, ("CTCF", 40, "+"))
    app.switch_page("../pages/motifs.py")
    run(app)
    app.switch_page("../pages/design.py")
    run(app)
    assert metric(app, "Placements read").value == "1 of 1"
