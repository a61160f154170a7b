"""Design and export and re-open, as a visitor does it: two motifs that keep a learned rule."""

import io
import json
import re

import pytest
import studio
from handmade import LENGTH, SITES, toy_bundle

from argminn_core.checkpoint import ModelBundle, save_model
from argminn_core.design import parse_design_header

pytestmark = pytest.mark.browser
RULE = "CTCF then SPI1, same strand, gap 0"
CARD = {
    "rules": [
        {
            "kind": "pair", "left": "CTCF", "right": "SPI1", "orientation": "++",
            "gaps": [[0, 0, 0.6], [5, 9, 0.3]], "share": 0.9, "effect": 4.0, "low": 3.0, "high": 5.0,
            "q_value": 1e-9, "sentence": "CTCF then SPI1, same strand, gap 0 (60%) or 5-9 (30%), synergy +4.0",
        }
    ]
}  # fmt: skip


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The app with a model that brings a rule along."""
    home = tmp_path_factory.mktemp("home")
    (home / "models").mkdir()
    toy = toy_bundle("ruled")
    save_model(home / "models" / "ruled.safetensors", ModelBundle("ruled", toy.model, toy.motifs, CARD))
    with studio.running(home) as address:
        yield address


def canvas(page) -> list[str]:
    """Every block as its label says it, from left to right."""
    return page.locator(".block").evaluate_all("blocks => blocks.map((b) => b.getAttribute('aria-label'))")


def carry_chip(page, motif: str, base: float) -> None:
    """Hold a chip over the + strand so that its motif would start at `base`."""
    chip = page.locator(".chip").filter(has_text=motif).bounding_box()
    track, lane = page.locator(".track").bounding_box(), page.locator(".lane.at-plus").bounding_box()
    page.mouse.move(chip["x"] + 20, chip["y"] + 20)
    page.mouse.down()
    page.mouse.move(chip["x"] + 28, chip["y"] + 28)
    middle = track["x"] + (base + len(SITES[motif]) / 2) * track["width"] / LENGTH
    page.mouse.move(middle, lane["y"] + lane["height"] / 2, steps=6)


def download(page, name: str) -> str:
    with page.expect_download(timeout=30_000) as waiting:
        page.get_by_role("button", name=name).click()
    return waiting.value.path().read_text()


def open_file(page, name: str, text: str) -> None:
    if (
        not page.locator("input[type=file]").count()
        or not page.locator("input[type=file]").first.is_visible()
    ):
        page.get_by_text("Open a design, or give a background").click()
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "text/plain", "buffer": text.encode()}
    )


def test_two_motifs_by_a_rule_kept_exported_cleared_and_opened_again(page, address):
    from Bio import SeqIO

    studio.visit(page, address, "design?model=ruled")
    page.locator(".chip").first.wait_for()
    empty = studio.logit(page)
    studio.drop_chip(page, "CTCF", 60, width=12, length=LENGTH)
    studio.wait_for_another_logit(page, empty)
    one = studio.logit(page)
    carry_chip(page, "SPI1", 73.5)
    assert page.locator(".avatar.rule").text_content() == RULE
    page.mouse.up()
    studio.wait_for_another_logit(page, one)
    assert float(studio.logit(page)) > float(one) > float(empty)
    studio.settle(page)
    placed = canvas(page)
    assert [re.match(r"(\w+), (\d+) to", label).groups() for label in placed] == [
        ("CTCF", "60"),
        ("SPI1", "72"),
    ]
    assert all(f"keeps {RULE}" in label for label in placed)
    page.get_by_text("kept").first.wait_for()
    page.get_by_test_id("stMetric").get_by_text("2 of 2").wait_for()

    field = page.locator(".inspector input")  # other letters for SPI1, which has the focus
    field.fill(SITES["SPI1"][:-1] + "A")
    field.press("Enter")
    studio.settle(page)
    logit, final = studio.logit(page), canvas(page)

    page.get_by_role("button", name="Keep on the shelf").click()
    page.get_by_role("img", name="Tracks of design_01").wait_for(timeout=20_000)
    studio.settle(page)

    fasta, genbank, project = (download(page, name) for name in ("FASTA", "GenBank", "Project file"))
    name, placements = parse_design_header(fasta.splitlines()[0])
    assert placements[["motif", "start0"]].to_numpy().tolist() == [["CTCF", 60], ["SPI1", 72]]
    record = next(SeqIO.parse(io.StringIO(genbank), "genbank"))
    sites = {
        f.qualifiers["label"][0]: str(f.extract(record.seq))
        for f in record.features
        if "label" in f.qualifiers
    }
    assert sites == {"CTCF": SITES["CTCF"], "SPI1": SITES["SPI1"][:-1] + "A"}
    assert [one["name"] for one in json.loads(project)["designs"]] == [name, "design_01"]

    for file, text in [("p.json", project), ("d.gb", genbank), ("d.fa", fasta)]:
        page.get_by_role("button", name="Clear").click()
        page.get_by_test_id("stMetric").get_by_text("0 of 0").wait_for(timeout=15_000)
        open_file(page, file, text)
        page.get_by_test_id("stMetric").get_by_text(" of 2").wait_for(timeout=30_000)
        studio.settle(page)
        assert canvas(page) == final and studio.logit(page) == logit
    page.get_by_label("Undo").click()  # what was opened last
    page.get_by_test_id("stMetric").get_by_text("0 of 0").wait_for(timeout=15_000)
    assert not page.locator("[data-testid=stException]").count()


def test_on_a_phone_by_taps_alone(browser, address):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    try:
        studio.visit(page, address, "design?model=ruled")
        page.locator(".chip").filter(has_text="CTCF").tap()
        page.get_by_test_id("stMetric").get_by_text("1 of 1").wait_for(timeout=15_000)
        page.locator(".inspector").get_by_role("button", name="Flip").tap()
        page.locator(".block.minus").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.locator(".inspector").get_by_role("button", name="Remove").tap()
        page.get_by_test_id("stMetric").get_by_text("0 of 0").wait_for(timeout=15_000)
        page.get_by_label("Undo").tap()
        page.get_by_test_id("stMetric").get_by_text("1 of 1").wait_for(timeout=15_000)
    finally:
        context.close()
