"""Two journeys of a first visit: looking at a bundled model, and explaining one's own FASTA; wide and on a phone."""

import pytest
import studio
from handmade import fasta

from argminn_core.tables import INSTANCES


@pytest.fixture(scope="module")
def bundled_url(tmp_path_factory):
    """The app with an empty home: only what is bundled."""
    with studio.running(tmp_path_factory.mktemp("empty")) as address:
        yield address


@pytest.fixture
def phone(browser):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    yield context.new_page()
    context.close()


@pytest.fixture
def fasta_file(tmp_path):
    path = tmp_path / "given.fa"
    path.write_bytes(fasta(40))
    return path


def steps(page):
    return page.get_by_text("Step ", exact=False).filter(has_text=" of 4")


def test_a_first_visit_looks_at_a_bundled_model(page, bundled_url):
    studio.visit(page, bundled_url, "?model=tal-gata")
    steps(page).wait_for()
    picture = page.get_by_role("img", name="architecture of tal-gata")
    assert picture.evaluate("picture => picture.complete && picture.naturalWidth") > 800
    # A comparison with another model, by name of motif.
    page.get_by_text("Compare two models").click()
    page.locator(".st-key-compare canvas").first.wait_for()

    page.get_by_role("button", name="Next: Motifs").click()
    page.get_by_role("heading", name="Motifs", exact=True).wait_for()
    page.locator("figure").first.wait_for()
    studio.settle(page)
    card = page.locator(".st-key-card h3")
    first, second = page.locator("figure").nth(0).inner_text(), page.locator("figure button").nth(1)
    assert card.inner_text() in first
    wanted = second.inner_text()
    second.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("name => document.querySelector('.st-key-card h3').innerText === name", arg=wanted)
    studio.settle(page)
    page.get_by_text("Mute this motif").click()
    metric = page.get_by_test_id("stMetric").filter(has_text="Mean logit")
    metric.wait_for()
    assert float(metric.get_by_test_id("stMetricDelta").inner_text().replace("\u2212", "-")) < -0.2
    page.get_by_role("button", name="Unmute all").click()
    metric.wait_for(state="detached")
    studio.settle(page)  # until then what stood above the table stands there twice
    with page.expect_download() as download:
        page.get_by_role("button", name="MEME").click()
    assert download.value.path().read_text().startswith("MEME version 4")

    page.get_by_role("button", name="Skip the tour").click()
    steps(page).wait_for(state="detached")
    studio.settle(page)
    page.reload()  # another session, the same browser
    studio.settle(page)
    studio.visit(page, bundled_url)
    assert steps(page).count() == 0


def open_sequences(page, url, path):
    studio.visit(page, url, "sequences?model=toy")
    page.locator("input[type=file]").first.set_input_files(path)
    page.get_by_text("of them with an instance").wait_for(timeout=30_000)
    page.locator(".trace svg").wait_for()
    studio.settle(page)


def test_my_fasta_is_explained_down_to_its_letters(page, studio_url, fasta_file):
    open_sequences(page, studio_url, fasta_file)
    trace = page.locator(".trace")
    blocks = trace.locator(".block")
    assert blocks.evaluate_all("blocks => blocks.map(b => b.querySelector('text').textContent)") == [
        "CTCF →",
        "SPI1 →",
    ]
    assert trace.locator(".letter").count() == 0  # the whole sequence: stripes
    rows = trace.locator("text").filter(has_text="layer 2 head")
    assert rows.count() == 2
    trace.get_by_role("radio", name="all heads as one").check()
    assert rows.count() == 0 and trace.locator("text").filter(has_text="all heads").count() == 1

    blocks.first.click()  # near enough to read the site
    trace.locator(".letter").first.wait_for()
    letters = "".join(trace.locator(".letter").all_text_contents())
    assert "CCAGCAGGGGGC" in letters and len(letters) < 120
    blocks.first.hover()
    tip = trace.locator(".tip")
    assert "bases 60 to 72, + strand" in tip.inner_text() and "contribution" in tip.inner_text()
    trace.locator(".stage").focus()
    page.keyboard.press("0")
    page.wait_for_function("() => true")
    trace.locator(".letter").first.wait_for(state="detached")

    with page.expect_download() as download:
        trace.get_by_role("button", name="Save SVG").click()
    assert "CTCF" in download.value.path().read_text()
    with page.expect_download() as download:
        page.get_by_role("button", name="Instances (GFF3)").click()
    assert "seq_00001\targminn\tnucleotide_motif\t61\t72" in download.value.path().read_text()


def test_the_table_is_filtered_and_the_files_follow(page, studio_url, fasta_file):
    open_sequences(page, studio_url, fasta_file)
    page.get_by_text("Filter the table").click()
    field = page.get_by_label("Name contains")
    field.fill("seq_00007")
    field.press("Enter")
    page.get_by_text("of 40 pass the filter").wait_for()
    studio.settle(page)
    assert page.get_by_role("heading", level=3).inner_text() == "seq_00007"
    with page.expect_download() as download:
        page.get_by_role("button", name="Instances (TSV)").click()
    assert set(INSTANCES.read(download.value.path())["sequence"]) == {"seq_00007"}


def test_the_tabs_of_the_keyboard_reach_an_instance(page, studio_url, fasta_file):
    open_sequences(page, studio_url, fasta_file)
    page.locator(".trace .stage").focus()
    page.keyboard.press("Tab")
    tip = page.locator(".trace .tip")
    assert "CTCF →" in tip.inner_text()
    page.keyboard.press("Enter")
    page.locator(".trace .letter").first.wait_for()


def no_overflow(page):
    return page.evaluate("() => document.documentElement.scrollWidth <= innerWidth + 1")


def test_a_phone_looks_and_reads(phone, studio_url, fasta_file):
    studio.visit(phone, studio_url, "?model=toy")
    assert no_overflow(phone)
    phone.get_by_role("button", name="Next: Motifs").click()
    phone.locator("figure").first.wait_for()
    studio.settle(phone)
    assert no_overflow(phone)
    phone.locator("figure button").nth(1).tap()
    phone.wait_for_function(
        "() => document.querySelector('.st-key-card h3').innerText === 'SPI1'"
        " && document.querySelector('.st-key-card').getBoundingClientRect().top < innerHeight"
    )
    open_sequences(phone, studio_url, fasta_file)
    assert no_overflow(phone)
    trace = phone.locator(".trace")
    assert trace.bounding_box()["width"] <= 390
    trace.get_by_role("button", name="Letters").tap()
    trace.locator(".letter").first.wait_for()
    assert "L1 H1" in trace.inner_text()
