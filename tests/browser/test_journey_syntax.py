"""Find a rule and check it causally, as a visitor does it, with a bundled model."""

import pandas as pd
import pytest
import studio

from argminn_core.fasta import read_fasta
from argminn_core.tables import RULES

SLOW = 180_000  # milliseconds; planting takes seconds, on a busy machine more


@pytest.fixture
def narrow(browser):
    context = browser.new_context(viewport={"width": 390, "height": 844}, accept_downloads=True)
    yield context.new_page()
    context.close()


def simulate(page, address):
    """Open the page, and sequences of the model's own grammar."""
    studio.visit(page, address, "syntax?model=rest")
    page.get_by_role("button", name="Simulate sequences").click()
    page.get_by_role("heading", name="Rules").wait_for(timeout=SLOW)
    charts(page).nth(1).locator(".barlayer").first.wait_for(timeout=SLOW)
    studio.settle(page)


def charts(page):
    return page.locator(".js-plotly-plot")


def click_gap(page, gap: int):
    """Click above a gap of the pair's figure, where its bar may be too small to be hit."""
    place = charts(page).nth(1).evaluate(
        """(chart, gap) => {
            const box = chart.getBoundingClientRect(), {xaxis: x, yaxis: y} = chart._fullLayout;
            return [box.left + x._offset + x.d2p(gap), box.top + y._offset + y._length / 3];
        }""", gap,
    )  # fmt: skip
    page.mouse.move(*place)
    page.mouse.click(*place)


def gap_field(page):
    return page.get_by_role("spinbutton", name="Gap")


def download(page, name: str):
    with page.expect_download() as file:
        page.get_by_role("button", name=name).click()
    return file.value.path()


def plant(page):
    page.get_by_role("button", name="Check causally").click()
    page.get_by_role("button", name="Synergy (TSV)").wait_for(timeout=SLOW)
    studio.settle(page)


def find_rules(page):
    page.get_by_role("button", name="Find the rules").click()
    page.get_by_role("button", name="Rules (TSV)").wait_for(timeout=SLOW)
    studio.settle(page)


def test_find_a_rule_and_check_it_causally(page, studio_url):
    simulate(page, studio_url)
    assert page.get_by_role("heading", name="REST_left + REST_right").count() == 1

    charts(page).nth(1).scroll_into_view_if_needed()
    click_gap(page, 6)  # one of the gaps of the grammar, 0 or 5 to 9
    page.get_by_text("with the pair at gap 6").wait_for(timeout=SLOW)
    studio.settle(page)
    assert gap_field(page).input_value() == "6"
    listed = int(page.get_by_text("with the pair at gap 6").inner_text().split()[0])
    assert listed > 5
    path = download(page, "These sequences (FASTA)")
    assert len(read_fasta(path.read_bytes())[0]) == listed
    letters = page.get_by_role("region", name="letters of the sequence").inner_text()
    assert "REST_left" in letters and "REST_right" in letters

    plant(page)
    causal = pd.read_csv(download(page, "Synergy (TSV)"), sep="\t")
    same = causal[(causal["left"] == "REST_left") & (causal["orientation"] == "++")].set_index("gap")
    assert same.loc[6, "low"] > 1 and same.loc[6, "synergy"] > same.loc[100, "synergy"] + 1
    svg = download(page, "Figure (SVG)").read_text()
    assert svg.startswith("<svg") and "synergy" in svg

    find_rules(page)
    sentence = page.get_by_text("REST_left then REST_right, same strand")
    assert "gap" in sentence.first.inner_text() and "synergy" in sentence.first.inner_text()
    rules = RULES.read(download(page, "Rules (TSV)"))
    (rule,) = rules[(rules["kind"] == "pair") & (rules["left"] == "REST_left")].itertuples()
    assert rule.low > 1 and rule.q_value < 1e-6
    assert {"REST_left", "REST_right"} <= set(rules.loc[rules["kind"] == "necessary", "left"])


def test_a_cell_of_the_matrix_chooses_its_pair_again_and_again(page, studio_url):
    simulate(page, studio_url)
    for pair in ("REST_left + REST_left", "REST_left + REST_right", "REST_left + REST_left"):
        place = charts(page).first.evaluate(
            """(chart, pair) => {
                const box = chart.getBoundingClientRect(), {xaxis: x, yaxis: y} = chart._fullLayout;
                const points = chart.data.find(trace => trace.type === 'scattergl');
                const i = points.customdata.findIndex(names => names.join(' + ') === pair);
                return [box.left + x._offset + x.d2p(points.x[i]), box.top + y._offset + y.d2p(points.y[i])];
            }""", pair,
        )  # fmt: skip
        page.mouse.move(*place)
        page.mouse.click(*place)
        page.get_by_role("heading", name=pair).wait_for(timeout=SLOW)
        studio.settle(page)


def test_the_keyboard_reaches_the_gap_and_cancels_the_search(page, studio_url):
    simulate(page, studio_url)
    gap_field(page).fill("8")
    gap_field(page).press("Enter")
    page.get_by_text("with the pair at gap 8").wait_for(timeout=SLOW)
    page.get_by_role("button", name="Find the rules").press("Enter")
    cancel = page.get_by_role("button", name="Cancel")
    cancel.wait_for(timeout=SLOW)
    cancel.press("Enter")
    page.get_by_text("The search was cancelled").wait_for(timeout=SLOW)
    assert page.get_by_text("with the pair at gap 8").count()
    assert page.get_by_role("button", name="Find the rules").is_enabled()


def test_on_a_narrow_screen(narrow, studio_url):
    simulate(narrow, studio_url)
    assert narrow.evaluate("document.documentElement.scrollWidth") <= 390
    charts(narrow).nth(1).scroll_into_view_if_needed()
    click_gap(narrow, 0)
    narrow.get_by_text("with the pair at gap 0").wait_for(timeout=SLOW)
    plant(narrow)
    find_rules(narrow)
    assert narrow.get_by_text("REST_left then REST_right, same strand").count()
