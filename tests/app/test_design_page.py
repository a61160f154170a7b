"""The Design page as the server builds it; what the browser would send is put into the session."""

import pytest
from apprun import run
from handmade import LENGTH, SITES, planted, toy_bundle

from argminn_core.checkpoint import ModelBundle, save_model
from argminn_core.design import parse_design_header

KEY = "canvas_toy"


@pytest.fixture
def app(app):
    app.run()
    app.switch_page("../pages/design.py")
    return run(app)


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


# --- rules ---


@pytest.fixture
def app_with_rules(home, app):
    rule = {
        "kind": "pair", "left": "CTCF", "right": "SPI1", "orientation": "++", "gaps": [[0, 0, 0.6]],
        "share": 0.9, "effect": 4.0, "low": 3.0, "high": 5.0, "q_value": 1e-9,
        "sentence": "CTCF then SPI1, same strand, gap 0 (60%), synergy +4.0",
    }  # fmt: skip
    bundle = toy_bundle()
    save_model(
        home / "models" / "toy.safetensors",
        ModelBundle("toy", bundle.model, bundle.motifs, {"rules": [rule, {"kind": "odd"}]}),
    )
    return run(app)


def said(app):
    return "\n".join(part.value for kind in (app.markdown, app.caption, app.warning) for part in kind)


def test_rules_of_the_card_are_met_or_broken(app_with_rules):
    app = app_with_rules
    assert "1 of the rules in the model file cannot be read" in said(app)
    assert "synergy" in said(app) and "snaps to it" in said(app)
    place(app, ("CTCF", 40, "+"), ("SPI1", 52, "+"))
    assert "kept" in said(app) and "broken" not in said(app)
    place(app, ("CTCF", 40, "+"), ("SPI1", 60, "+"))
    assert "broken" in said(app) and "gap 8" in said(app)
    place(app, ("CTCF", 40, "+"))
    assert "CTCF without SPI1" in said(app)


def test_without_rules_the_page_says_so(app):
    assert "brings no rules" in said(app)


# --- shelf ---


def button(app, label):
    return next(button for button in app.button if button.label == label)


def press(app, label):
    button(app, label).click()
    return run(app)


def shelf(app):
    return [kept.saved.name for kept in design(app).shelf]


def test_kept_designs_are_compared_and_put_away(app):
    assert any("Nothing is kept yet" in info.value for info in app.info)
    place(app, ("CTCF", 40, "+"), ("SPI1", 100, "-"))
    press(app, "Keep on the shelf")
    assert shelf(app) == ["design_01"] and app.text_input(key="design_name").value == "design_02"
    press(app, "Keep on the shelf")  # under its next name it is another design
    place(app, ("GATA1", 20, "+"))
    press(app, "Keep on the shelf")
    assert shelf(app) == ["design_01", "design_02", "design_03"]
    table = next(frame.value for frame in app.dataframe if "background" in frame.value.columns)
    assert table["placed"].tolist() == [2, 2, 1] and table["read"].tolist() == [2, 2, 1]
    assert table["background"].tolist() == [1, 1, 1]
    assert table["logit"].iloc[0] == table["logit"].iloc[1] != table["logit"].iloc[2]


def choose(app, *rows):
    app.session_state[f"design_shelf_rows_{len(design(app).shelf)}"] = {
        "selection": {"rows": list(rows), "columns": []}
    }
    return run(app)


def test_a_kept_design_is_opened_renamed_removed_and_brought_back(app):
    place(app, ("CTCF", 40, "+"))
    press(app, "Keep on the shelf")
    place(app, ("SPI1", 90, "-"))
    press(app, "Keep on the shelf")
    choose(app, 0)
    app.text_input(key="rename_design_01").set_value("design_02")
    run(app)
    assert shelf(app) == ["design_03", "design_02"]  # the name was taken
    choose(app, 0)
    press(app, "Open on the canvas")
    assert design(app).placements["motif"].tolist() == ["CTCF"] and design(app).name == "design_03"
    choose(app, 0, 1)
    press(app, "Remove **2** designs")
    assert shelf(app) == []
    press(app, "Bring back design\\_03, design\\_02")
    assert shelf(app) == ["design_03", "design_02"]


def test_a_lock_holds_the_background(app):
    app.toggle(key="design_lock").set_value(True)
    run(app)
    assert button(app, "New draw").disabled and app.selectbox(key="design_kind").disabled
    before = design(app).background().copy()
    paste(app, ">other motifs=CTCF:40-52(+)\n" + planted(("CTCF", 40), seed=9))
    assert (design(app).background() == before).all()
    assert metric(app, "Placements read").value == "1 of 1" and design(app).name == "other"


def test_a_project_is_checked_when_it_is_opened(app):
    place(app, ("CTCF", 40, "+"))
    for text, says in [
        ('{"format": "argminn-design", "version": 9}', "version"), ('{"a": 1}', "not a project"),
        ('{"format": "argminn-design", "version": 1, "designs": [{"name": 3}]}', "name"), ("LOCUS x", "no design"),
    ]:  # fmt: skip
        paste(app, text)
        assert says in " ".join(error.value for error in app.error)
        assert metric(app, "Placements read").value == "1 of 1"


def test_an_enzyme_that_is_not_known_is_said_and_the_others_are_searched(app):
    paste(app, ">a\n" + planted(("CTCF", 60)).replace("CCAGCAGGGGGC", "AAGAATTCAAAA"))
    app.multiselect(key="design_enzymes").set_value(["NoSuchI", "EcoRI"])
    run(app)
    assert "NoSuchI" in said(app) and "EcoRI at" in said(app)


def test_the_name_of_a_design_is_a_step_of_its_own(app):
    app.text_input(key="design_name").set_value("  mine  ")
    run(app)
    made = design(app)
    assert made.name == "mine" and made.latest == 2
    app.text_input(key="design_name").set_value(" ")
    run(app)
    assert made.name == "design_01"


def test_more_designs_in_a_file_go_to_the_shelf_and_are_said_once(app):
    text = planted(("CTCF", 40), ("SPI1", 100))
    paste(app, f">one motifs=CTCF:40-52(+)\n{text}\n>two motifs=SPI1:100-112(+)\n{text}\n>three\n{text}\n")
    assert design(app).name == "one" and shelf(app) == ["two"]
    notice = " ".join(success.value for success in app.success)
    assert "1 more on the shelf" in notice and "1 left out" in notice
    run(app)
    assert not app.success
