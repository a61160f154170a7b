"""From a FASTA file to an exported design, as a visitor does it."""

import pytest
import studio
from handmade import LENGTH, SITES, fasta

from argminn_core.design import parse_design_header


@pytest.fixture
def outside(page):
    """Requests that leave the machine: there must be none."""
    asked: list[str] = []
    page.on(
        "request",
        lambda request: (
            request.url.startswith(("http://127.0.0.1", "data:", "blob:")) or asked.append(request.url)
        ),
    )
    return asked


@pytest.fixture
def fasta_file(tmp_path):
    path = tmp_path / "given.fa"
    path.write_bytes(fasta(40))
    return path


def table_is_filled(page):
    page.get_by_text("of them with an instance").wait_for(timeout=30_000)
    page.locator("[data-testid=stDataFrame] canvas").first.wait_for()
    studio.settle(page)


def test_pages_show_the_models_logos_and_ask_nothing_of_the_network(page, studio_url, outside):
    for name in ("models", "motifs", "sequences", "syntax", "design", "variants"):
        studio.visit(page, studio_url, f"{name.removeprefix('models')}?model=toy")  # the start page is at /
        assert not page.get_by_role("dialog").count()
        assert page.locator("h1").inner_text() == name.capitalize()
        assert not page.locator("[data-testid=stException]").count()
        if name in ("models", "motifs"):
            logos = page.get_by_role("img", name="logo of SPI1")
            assert logos.first.evaluate("picture => picture.complete && picture.naturalWidth") > 50
    assert not outside


def test_a_model_stays_chosen_through_pages_and_links(page, studio_url):
    studio.visit(page, studio_url, "motifs?model=toy")
    page.get_by_test_id("stSidebarNav").get_by_text("Sequences").click()
    page.get_by_role("heading", name="Sequences").wait_for()
    studio.settle(page)
    assert "model=toy" in page.url
    assert page.get_by_test_id("stSelectbox").locator("input").input_value() == "toy"


def test_sequences_outlive_a_change_of_page(page, studio_url, fasta_file):
    studio.visit(page, studio_url, "sequences?model=toy")
    page.locator("input[type=file]").set_input_files(fasta_file)
    table_is_filled(page)
    page.get_by_test_id("stSidebarNav").get_by_text("Motifs").click()
    page.get_by_role("heading", name="Motifs").wait_for()
    page.get_by_test_id("stSidebarNav").get_by_text("Sequences").click()
    table_is_filled(page)
    assert page.get_by_text("given.fa").count()


def test_upload_shows_instances_and_another_row_can_be_picked(page, studio_url, fasta_file):
    studio.visit(page, studio_url, "sequences?model=toy")
    page.locator("input[type=file]").set_input_files(fasta_file)
    table_is_filled(page)
    letters = page.get_by_role("region", name="letters of the sequence")
    assert "CTCF →" in letters.inner_text() and letters.locator("b").first.inner_text() == "CCAGCAGGGGGC"
    first = page.get_by_role("heading", level=3).inner_text()
    table = page.locator("[data-testid=stDataFrame]").first
    table.click(position={"x": 18, "y": 35 * 3 + 18})  # the marker of the third row
    page.wait_for_function(
        "name => document.querySelector('h3').innerText !== name", arg=first, timeout=20_000
    )


def test_a_download_holds_every_instance(page, studio_url, fasta_file):
    studio.visit(page, studio_url, "sequences?model=toy")
    page.locator("input[type=file]").set_input_files(fasta_file)
    table_is_filled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Instances (BED)").click()
    lines = download.value.path().read_text().splitlines()
    assert sum("\tCTCF\t" in line for line in lines) >= 20
    assert "seq_00001\t60\t72\tCTCF" in "\n".join(lines)


def test_bad_input_is_answered_in_words(page, studio_url, tmp_path):
    path = tmp_path / "protein.fa"
    path.write_text(">p\nMKVLLAAGIVGLL\n")
    studio.visit(page, studio_url, "sequences?model=toy")
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_test_id("stAlert").get_by_text("protein").wait_for(timeout=20_000)
    assert page.locator("input[type=file]").is_enabled()


def test_from_a_file_over_its_instances_to_an_exported_design(page, studio_url, fasta_file):
    studio.visit(page, studio_url, "sequences?model=toy")
    page.locator("input[type=file]").set_input_files(fasta_file)
    table_is_filled(page)
    picked = page.get_by_role("heading", level=3).inner_text()
    page.get_by_role("button", name="Open in Design").click()
    page.get_by_role("heading", name="Design").wait_for()
    page.locator(".block").nth(1).wait_for()
    studio.settle(page)
    opened = sorted(page.locator(".block").evaluate_all("blocks => blocks.map(b => b.title.split('\\n')[0])"))
    assert [title.split("–")[0] for title in opened] == ["CTCF 60", "SPI1 100"]

    before = studio.logit(page)
    studio.drop_chip(page, "GATA1", 140, width=len(SITES["GATA1"]), length=LENGTH)
    studio.wait_for_another_logit(page, before)
    after = studio.logit(page)
    assert float(after) > float(before) + 2
    page.get_by_label("Undo").click()
    studio.wait_for_another_logit(page, after)
    assert studio.logit(page) == before
    page.get_by_label("Redo").click()
    studio.wait_for_another_logit(page, before)
    studio.settle(page)

    with page.expect_download() as download:
        page.get_by_role("button", name="Design (FASTA)").click()
    header, letters = download.value.path().read_text().split("\n", 1)
    name, placements = parse_design_header(header)
    text = letters.replace("\n", "")
    assert name == picked and len(text) == LENGTH
    (placed,) = placements[placements["motif"] == "GATA1"].itertuples()
    assert abs(placed.start0 - 140) <= 1  # a base is five pixels wide
    assert text[placed.start0 : placed.end0] == SITES["GATA1"]
    assert text[60:72] == SITES["CTCF"]
