"""From two FASTA files to a model of one's own, with a reload and a closed browser on the way."""

import pytest
import studio
import training

SOON, AT_LAST = 30_000, 240_000  # ms; the machine may be busy with others


@pytest.fixture
def files(tmp_path):
    """Positives with the CTCF site in one place, negatives without: what one epoch learns."""
    for name, raw in training.inputs(240).items():
        (tmp_path / name).write_bytes(raw)
    return tmp_path / "positives.fa", tmp_path / "negatives.fa"


def upload(page, number, path):
    page.locator("input[type=file]").nth(number).set_input_files(path)
    page.get_by_text(path.name).first.wait_for(timeout=SOON)
    studio.settle(page)


def check_and_start(page, address, files):
    studio.visit(page, address, "train?model=toy")
    upload(page, 0, files[0])
    page.get_by_text("A FASTA file", exact=True).click()
    studio.settle(page)
    upload(page, 1, files[1])
    page.get_by_text("Go with care").wait_for(timeout=SOON)
    rows = page.get_by_role("table").get_by_role("row").all_inner_texts()
    (lengths,) = [row for row in rows if row.startswith("Length")]
    assert lengths.split() == ["Length", "✓", "ok", "60", "bp", "60", "bp"]
    # filters that start from words: quicker than to weigh a thousand known motifs
    recipe = page.get_by_role("combobox", name="Recipe")
    recipe.click()
    page.keyboard.type("grammar")
    page.wait_for_timeout(500)
    page.keyboard.press("Enter")
    assert recipe.input_value().startswith("grammar")
    studio.settle(page)
    page.get_by_role("spinbutton", name="Epochs").fill("1")
    page.keyboard.press("Enter")
    studio.settle(page)
    page.get_by_role("textbox", name="Name of the model").fill("my ctcf")
    page.keyboard.press("Enter")
    studio.settle(page)
    page.get_by_role("button", name="Start training").click()
    page.get_by_role("heading", name="my ctcf").wait_for(timeout=SOON)


def test_train_on_my_data_and_come_back_to_it(browser, studio_url, files):
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    check_and_start(page, studio_url, files)
    assert "job=" in page.url
    page.reload()
    page.get_by_role("heading", name="my ctcf").wait_for(timeout=SOON)
    page.get_by_test_id("stSidebarNav").get_by_text("Motifs").click()
    page.get_by_role("heading", name="Motifs").wait_for(timeout=SOON)
    page.get_by_test_id("stSidebarNav").get_by_text("Train").click()
    page.get_by_role("heading", name="my ctcf").wait_for(timeout=SOON)
    context.close()  # nobody looks, and it goes on

    context = browser.new_context(viewport={"width": 390, "height": 900})
    page = context.new_page()
    studio.visit(page, studio_url, "train")
    page.get_by_text("Trainings (").click()
    page.get_by_role("heading", name="my ctcf").wait_for(timeout=SOON)
    page.get_by_role("button", name="Use this model").wait_for(timeout=AT_LAST)
    assert page.locator(".js-plotly-plot").count() == 2
    assert page.get_by_role("img", name="logo of filter 1").count()
    studio.settle(page)
    with page.expect_download(timeout=SOON) as curves:
        page.get_by_role("button", name="Training curves (TSV)").click()
    header, *epochs = curves.value.path().read_text().splitlines()
    assert header.startswith("epoch\t") and len(epochs) == 1
    page.get_by_role("button", name="Use this model").click()
    page.get_by_role("button", name="In use").wait_for(timeout=SOON)
    page.wait_for_url("**model=my_ctcf*")
    studio.settle(page)  # the page is drawn anew around the button, and a click in that moment is lost
    page.get_by_role("button", name="See its motifs").click()
    page.get_by_role("heading", name="Motifs").wait_for(timeout=SOON)
    studio.settle(page)
    logos = page.get_by_role("img", name="logo of")
    assert logos.first.evaluate("picture => picture.complete && picture.naturalWidth") > 50
    assert not page.get_by_test_id("stException").count()
    context.close()
