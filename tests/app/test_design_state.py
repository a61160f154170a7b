"""What the session keeps of a design, without a page."""

import numpy as np
import pandas as pd
import pytest
from handmade import LENGTH, SITES, planted, toy_bundle

from app import design_state as ds
from app import design_verdict as dv
from app.components.canvas import CanvasState
from argminn_core import design_files as files
from argminn_core.checkpoint import ModelBundle
from argminn_core.design_files import SavedDesign
from argminn_core.dna import decode, encode
from argminn_core.errors import InputError
from argminn_core.tables import PLACEMENTS

MODEL = toy_bundle()
PFMS = ds.pfms(MODEL)
ROW = ["motif", "start0", "end0", "strand"]


def placed(*rows):
    return PLACEMENTS.frame(
        [
            {"sequence": "d", "motif": m, "start0": s, "end0": s + 12, "strand": d, "site": site}
            for m, s, d, site in rows
        ]
    )


TWO = placed(("CTCF", 40, "+", ""), ("SPI1", 100, "-", "ACGTACGTACGT"))


def sent(made, placements=None, *, base=None, seen=None):
    placements = made.placements if placements is None else placements
    return CanvasState(
        made.rev, placements, made.at if base is None else base, made.latest if seen is None else seen
    )


def test_the_browser_brings_an_older_base_back():
    made = ds.Design(LENGTH)
    first = decode(made.background())
    made.draw_again()
    second = decode(made.background())
    assert first != second and made.latest == 2
    made.take(sent(made, base=1))
    assert decode(made.background()) == first
    made.take(sent(made, base=2))
    assert decode(made.background()) == second


def test_an_answer_that_did_not_know_of_the_last_base_leaves_it():
    made = ds.Design(LENGTH)
    made.draw_again()
    made.take(sent(made, TWO, base=1, seen=1))
    assert made.at == 2 and len(made.placements) == 2
    made.take(sent(made, base=77))  # no such base
    assert made.at == 2


def test_after_an_undo_a_new_draw_is_another_base():
    made = ds.Design(LENGTH)
    made.draw_again()
    made.take(sent(made, base=1))
    made.draw_again()
    assert (made.at, made.latest) == (3, 3)
    made.take(sent(made, base=1, seen=2))  # the answer of before, which the session still holds
    assert made.at == 3


def test_bases_are_bounded_and_the_present_one_stays():
    made = ds.Design(LENGTH)
    for _ in range(ds.MAX_BASES + 50):
        made.draw_again()
    assert len(made.bases) == ds.MAX_BASES and made.at in made.bases


def test_a_locked_background_stays_whatever_is_opened():
    made = ds.Design(LENGTH)
    made.locked = True
    letters = decode(made.background())
    made.draw_again()
    made.put(SavedDesign("other", TWO, np.zeros(LENGTH, np.uint8)), PFMS)
    assert decode(made.background()) == letters and made.name == "other"
    assert made.placements[ROW].equals(TWO[ROW])


@pytest.mark.parametrize("kind", ["fasta", "genbank", "tsv", "project"])
def test_every_file_brings_the_canvas_and_the_shelf_back(kind):
    made = ds.Design(LENGTH)
    made.placements = TWO
    text = dv.render(MODEL, made).text
    other = SavedDesign("second", placed(("GATA1", 20, "+", "")), made.background())
    designs = [made.saved(MODEL, 1.0), other]
    raw = {
        "fasta": lambda: files.designs_fasta(designs, PFMS),
        "genbank": lambda: files.designs_genbank(designs, PFMS),
        "tsv": lambda: files.designs_tsv(designs, PFMS),
        "project": lambda: files.project_json(designs, model="toy"),
    }[kind]()
    again = ds.Design(LENGTH)
    again.open(raw.encode(), PFMS)
    assert again.rev == 2 and again.name == "design_01"
    pd.testing.assert_frame_equal(again.placements[[*ROW, "site"]], TWO[[*ROW, "site"]])
    assert dv.render(MODEL, again).text == text
    assert dv.shelve(MODEL, again, again.pending) == 1
    (kept,) = again.shelf
    assert kept.saved.name == "second" and (kept.read, kept.accidental) == (1, 0)
    assert dv.shelve(MODEL, again, again.pending) == 0  # opened twice, kept once


def test_what_does_not_fit_changes_nothing():
    made = ds.Design(LENGTH)
    made.placements = TWO
    for saved in (
        SavedDesign("short", TWO, np.zeros(50, np.uint8)),
        SavedDesign("long", TWO, np.zeros(LENGTH + 9, np.uint8)),
        SavedDesign("unknown", placed(("GONE", 5, "+", "")), np.zeros(LENGTH, np.uint8)),
        SavedDesign("outside", placed(("CTCF", LENGTH - 3, "+", "")), np.zeros(LENGTH, np.uint8)),
    ):
        with pytest.raises(InputError):
            made.put(saved, PFMS)
    assert made.rev == 1 and made.at == 1 and made.placements is TWO


def test_a_long_plain_sequence_gives_its_middle_and_leaves_the_sites():
    made = ds.Design(LENGTH)
    made.placements = TWO
    text = planted(("CTCF", 60), length=LENGTH + 20)
    made.open(f">chr1\n{text}\n>chr2\n{text}\n".encode(), PFMS)
    assert decode(made.background()) == text[10:-10]
    assert made.placements is TWO and made.rev == 1 and made.name == "design_01"
    assert "1 left out" in made.notice and not made.pending


def test_names_on_the_shelf_are_each_their_own():
    made = ds.Design(LENGTH)
    designs = [
        SavedDesign(name, placed(("CTCF", start, "+", "")), made.background())
        for name, start in [("design_09", 10), ("design_09", 40), ("x", 60), ("x", 80)]
    ]
    assert dv.shelve(MODEL, made, designs) == 4
    assert [kept.saved.name for kept in made.shelf] == ["design_09", "design_10", "x", "x_2"]
    assert made.free_name("design_10") == "design_11" and made.free_name("new") == "new"


def test_kept_logits_are_those_of_the_canvas():
    made = ds.Design(LENGTH)
    made.placements = TWO
    verdict = dv.judge(MODEL, made, dv.render(MODEL, made))
    dv.shelve(MODEL, made, [made.saved(MODEL, verdict.logit)])
    (kept,) = made.shelf
    assert kept.logit == pytest.approx(verdict.logit, abs=1e-4)
    assert kept.probability == pytest.approx(verdict.probability, abs=1e-4)
    assert (kept.read, kept.accidental) == (
        len(verdict.read),
        int((verdict.instances["origin"] != "placed").sum()),
    )


def test_seams_and_background_are_told_apart():
    made = ds.Design(LENGTH)
    made.set_base(kind=ds.GIVEN, given=encode(planted(("GATA1", 150))).tobytes())
    site = SITES["CTCF"]
    # CTCF in two halves that nobody placed as CTCF
    made.placements = PLACEMENTS.frame(
        [
            {"sequence": "d", "motif": "a", "start0": 40, "end0": 46, "strand": "+", "site": site[:6]},
            {"sequence": "d", "motif": "b", "start0": 46, "end0": 52, "strand": "+", "site": site[6:]},
        ]
    )
    verdict = dv.judge(MODEL, made, dv.render(MODEL, made))
    origins = dict(zip(verdict.instances["motif"], verdict.instances["origin"], strict=True))
    assert origins["CTCF"] == "seam" and origins["GATA1"] == "background"


RULE = {
    "kind": "pair", "left": "CTCF", "right": "SPI1", "orientation": "++", "gaps": [[0, 0, 0.6], [5, 9, 0.3]],
    "share": 0.9, "effect": 4.0, "low": 3.0, "high": 5.0, "q_value": 1e-9, "sentence": "CTCF then SPI1",
}  # fmt: skip


def test_rules_of_the_card_reach_the_canvas_and_the_verdict():
    model = ModelBundle("toy", MODEL.model, MODEL.motifs, {"rules": [RULE, {"kind": "odd"}]})
    made = ds.Design(LENGTH)
    assert ds.rules(model, made)[1] == 1
    assert dv.snapping(model, made) == [
        {
            "left": "CTCF", "right": "SPI1", "orientation": "++", "name": "CTCF then SPI1, same strand",
            "gaps": [[0, 0], [5, 9]],
        }
    ]  # fmt: skip
    made.placements = placed(("CTCF", 40, "+", ""), ("SPI1", 55, "+", ""))
    assert dv.judge(model, made, dv.render(model, made)).judged["state"].tolist() == ["broken"]
    made.learned = []  # found in this session: none
    assert dv.snapping(model, made) == []


def test_checks_are_rows_and_marks():
    text = "ACGT" * 10 + "GAATTC" + "AAAAAAAAAA" + "CAGTTGCATCGTAGCTAGGATC" * 2 + "C" * 60
    checks = dv.check(encode(text), ["EcoRI", "NoSuchI"])
    found = {row["check"]: (row["found"], row["look"]) for row in checks.rows()}
    assert found["Longest homopolymer"] == ("C × 61 at 99", True)
    assert "NoSuchI" in found["Restriction sites"][0] and found["Restriction sites"][1]
    assert {(mark["kind"], mark["start0"]) for mark in checks.marks()} >= {
        ("cut", 40), ("homopolymer", 46), ("repeat", 56), ("repeat", 78),
    }  # fmt: skip
    calm = dv.check(encode("ACGTTGCA" * 2), [])
    assert {row["found"] for row in calm.rows()[3:]} == {"none"} and calm.marks() == []
