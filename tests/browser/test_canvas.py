"""The design canvas in a browser, mounted alone by a small host script."""

import re
from pathlib import Path

import pytest
import studio
from canvas_host import centre, drag, drop_chip, lane_point, python_has, status

pytestmark = pytest.mark.browser


@pytest.fixture
def page(open_canvas):
    return open_canvas()


@pytest.fixture
def page_of_app(browser, studio_url):
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
    page = context.new_page()
    page.goto(f"{studio_url}/design?model=toy")
    page.locator(".chip").first.wait_for(timeout=60_000)
    page.locator("[data-testid=stMetric]").first.wait_for(timeout=60_000)
    yield page
    context.close()


def expect_other(locator, text: str):
    from playwright.sync_api import expect

    expect(locator).not_to_have_text(text, timeout=15_000, use_inner_text=True)


def test_a_dragged_chip_lands_at_the_base_under_the_pointer(page):
    drop_chip(page, 41)
    python_has(page, "left@41+")
    assert status(page) == "left placed at 41, + strand"
    drop_chip(page, 100, "-", chip=1)
    python_has(page, "left@41+ <b>right</b>@100-")
    drop_chip(page, 198)  # no room: as far right as it goes
    python_has(page, "left@41+ <b>right</b>@100- left@192+")
    assert page.locator(".design b").all_text_contents() == ["+", "−"]  # a name is text, never markup


def test_a_chip_dropped_elsewhere_is_not_placed(page):
    drag(page, centre(page.locator(".chip").first), centre(page.locator("h1")))
    assert status(page) == "left was not placed"
    assert page.locator(".block").count() == 0


def test_the_ghost_says_where_it_would_land_and_escape_cancels(page):
    page.mouse.move(*centre(page.locator(".chip").first))
    page.mouse.down()
    page.mouse.move(*lane_point(page, 24, "-"), steps=4)
    assert page.locator(".ghost .flag").text_content() == "left 20–28 (−)"
    page.keyboard.press("Escape")
    page.mouse.up()
    assert page.locator(".block").count() == 0


def test_a_block_is_dragged_along_across_and_off(page):
    drop_chip(page, 40)
    block = page.locator(".block")
    drag(page, centre(block), lane_point(page, 64))
    python_has(page, "left@60+")
    drag(page, centre(block), lane_point(page, 64, "-"))
    python_has(page, "left@60-")
    drag(page, centre(block), centre(page.locator("h1")))
    python_has(page, "nothing")
    page.get_by_label("Undo").click()
    python_has(page, "left@60-")


def test_keyboard_alone(page):
    page.locator(".chip").first.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    python_has(page, "<b>right</b>@96+")
    for key, now in [
        ("ArrowRight", "97+"), ("Shift+ArrowRight", "107+"), ("ArrowLeft", "106+"),
        ("f", "106-"), ("r", "106-"), ("c", "106-"),
        ("Control+z", "106+"), ("Control+z", "107+"), ("Control+Shift+z", "106+"), ("Control+y", "106-"),
    ]:  # fmt: skip
        page.keyboard.press(key)
        python_has(page, f"<b>right</b>@{now}")
    assert page.locator(".block").get_attribute("aria-label") == "<b>right</b>, 106 to 114, − strand"
    page.keyboard.press("Delete")
    python_has(page, "nothing")
    assert status(page) == "<b>right</b> removed"


def test_tab_walks_the_blocks_from_left_to_right(page):
    for base in (120, 20, 70):
        drop_chip(page, base)
    page.locator(".viewport").focus()
    for base in (20, 70, 120):
        page.keyboard.press("Tab")
        assert page.locator(".block:focus").get_attribute("title").startswith(f"left {base}–")
    page.keyboard.press("Backspace")
    assert page.locator(".block:focus").get_attribute("title").startswith("left 70–")


def test_clear_can_be_undone(page):
    drop_chip(page, 20)
    drop_chip(page, 60)
    page.get_by_role("button", name="Clear").click()
    python_has(page, "nothing")
    page.get_by_label("Undo").click()
    python_has(page, "left@20+ left@60+")
    page.get_by_label("Redo").click()
    python_has(page, "nothing")


def test_placements_and_history_survive_a_rerun(page):
    drop_chip(page, 20)
    drop_chip(page, 60)
    page.get_by_role("button", name="Rerun").click()
    python_has(page, "left@20+ left@60+")
    page.get_by_label("Undo").click()
    python_has(page, "left@20+")


def test_a_drag_spans_a_rerun(page):
    drop_chip(page, 20)
    page.mouse.move(*centre(page.locator(".chip").first))
    page.mouse.down()
    page.mouse.move(*lane_point(page, 60), steps=3)
    python_has(page, "left@20+")  # the answer to the first drop arrives under the second drag
    page.mouse.move(*lane_point(page, 104), steps=3)
    page.mouse.up()
    python_has(page, "left@20+ left@100+")


def test_a_new_revision_replaces_what_is_there(page):
    drop_chip(page, 20)
    python_has(page, "left@20+")
    page.get_by_role("button", name="Open").click()
    python_has(page, "left@7-")
    page.locator(".block").press("ArrowRight")
    python_has(page, "left@8-")
    page.get_by_label("Undo").click()
    page.get_by_label("Undo").click()
    python_has(page, "left@20+")  # what was there before it was opened
    page.get_by_label("Redo").click()
    python_has(page, "left@7-")


def test_many_nudges_are_few_runs(page):
    drop_chip(page, 20)
    python_has(page, "left@20+")
    before = int(re.search(r"\d+", page.get_by_text("runs=").text_content())[0])
    page.evaluate(  # faster than a hand, so that a slow machine does not matter
        """() => { const find = (root) => root.querySelector('.block') ?? [...root.querySelectorAll('*')]
             .map((e) => e.shadowRoot && find(e.shadowRoot)).find(Boolean);
           for (let i = 0; i < 30; i++) find(document).dispatchEvent(
             new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true, composed: true})); }"""
    )
    python_has(page, "left@50+")
    assert int(re.search(r"\d+", page.get_by_text("runs=").text_content())[0]) == before + 1


def test_zoom_shows_letters_and_fit_the_whole(page):
    assert page.locator(".letters text").count() == 0
    for _ in range(4):
        page.get_by_label("Zoom in").click()
    assert page.locator(".letters text.A.forward").text_content() == "A" * 50
    assert page.locator(".letters text.T.reverse").get_attribute("x") == page.locator(
        ".letters text.A.forward"
    ).get_attribute("x")  # the other strand, base by base
    drop_chip(page, 100)  # the view is zoomed about its middle
    python_has(page, "left@100+")
    page.get_by_role("button", name="Fit").click()
    assert page.locator(".viewport").evaluate("v => v.scrollWidth <= v.clientWidth")
    point = lane_point(page, 50)
    page.mouse.move(*point)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    assert lane_point(page, 50)[0] == pytest.approx(point[0], abs=2)  # what is under the pointer stays there


def test_what_the_model_reads_is_marked(page):
    drop_chip(page, 41)
    read = page.locator(".read")
    read.wait_for()
    assert read.get_attribute("title") == "left 41–49 (+)\nContribution 2.50"


def test_touch_on_a_phone(open_canvas):
    page = open_canvas(has_touch=True, is_mobile=True)
    page.set_viewport_size({"width": 390, "height": 780})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    touch = page.context.new_cdp_session(page)

    def point(kind, at=None):
        points = [{"x": at[0], "y": at[1]}] if at else []
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    start, end = centre(page.locator(".chip").first), lane_point(page, 64, "-")
    point("touchStart", start)
    for step in range(1, 6):
        point("touchMove", tuple(a + (b - a) * step / 5 for a, b in zip(start, end, strict=True)))
    point("touchEnd")
    python_has(page, "left@60-")
    page.locator(".chip").nth(1).tap()
    page.get_by_text(re.compile(r"^<b>right</b> placed at \d+, \+ strand$")).wait_for()


def test_the_page_answers_a_drop_and_keeps_the_design(page_of_app):
    page = page_of_app
    logit = page.locator("[data-testid=stMetric]").first
    empty = logit.inner_text()
    page.locator(".chip").first.click()
    expect_other(logit, empty)
    page.locator(".read").first.wait_for()
    page.get_by_role("link", name="Motifs").click()
    page.get_by_role("heading", name="Motifs", exact=True).wait_for()
    page.get_by_role("link", name="Design").click()
    block = page.locator(".block")
    block.wait_for(timeout=30_000)
    start = int(re.search(r" (\d+)–", block.get_attribute("title"))[1])
    block.press("ArrowRight")
    studio.settle(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Design (FASTA)").click()
    header = Path(download.value.path()).read_text().splitlines()[0]
    assert re.fullmatch(rf">design_01 model=\w+ logit=\S+ motifs=\w+:{start + 1}-\d+\(\+\)", header)


def test_undo_goes_back_past_a_change_of_page(page_of_app):
    page = page_of_app
    page.locator(".chip").first.click()
    page.locator(".read").first.wait_for()
    studio.settle(page)
    page.get_by_role("link", name="Motifs").click()
    page.get_by_role("heading", name="Motifs", exact=True).wait_for()
    page.get_by_role("link", name="Design").click()
    page.locator(".block").wait_for(timeout=30_000)
    studio.settle(page)
    page.get_by_label("Undo").click()
    page.locator(".block").wait_for(state="detached")
    page.get_by_test_id("stMetric").get_by_text("0 of 0").wait_for(timeout=15_000)
    page.get_by_label("Redo").click()
    page.get_by_test_id("stMetric").get_by_text("1 of 1").wait_for(timeout=15_000)
