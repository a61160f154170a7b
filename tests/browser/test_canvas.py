"""The design canvas in a browser, mounted alone by a small host script."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import studio

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2]
LENGTH, WIDTH = 200, 8

HOST = """
import pandas as pd, streamlit as st
from app.components.canvas import answer, canvas
from argminn_core.tables import PLACEMENTS

# `left` is CATGCATG for certain; `<b>right</b>` may draw A or C everywhere.
MOTIFS = [
    dict(name="left", width=8, colour="#0072B2", consensus="CATGCATG",
         pfm=[[0, 1000, 0, 0], [1000, 0, 0, 0], [0, 0, 0, 1000], [0, 0, 1000, 0]] * 2),
    dict(name="<b>right</b>", width=8, colour="#E69F00", consensus="AAAAAAAA", pfm=[[500, 500, 0, 0]] * 8),
]
RULES = [dict(left="left", right="<b>right</b>", orientation="++", gaps=[[0, 0], [5, 9]],
              name="left then <b>right</b>, same strand")]
OPENED = PLACEMENTS.frame([dict(sequence="design", motif="left", start0=7, end0=15, strand="-", site="")])
GC = dict(values=[0.2, 0.5, 0.8], step=5, window=50, low=0.3, high=0.7, title="GC in windows")
MARKS = [dict(kind="cut", start0=10, end0=16, title="EcoRI site at 10 (+)")]

@st.fragment
def design():
    s = st.session_state
    rev, base, latest = s.setdefault("rev", 1), s.setdefault("base", 1), s.setdefault("latest", 1)
    if st.button("Open"):
        rev = s["rev"] = rev + 1
    sent = answer("canvas", rev=rev)
    if sent is not None and sent.seen >= latest:
        base = s["base"] = sent.base
    if st.button("New base"):
        base = latest = s["base"] = s["latest"] = latest + 1
    placements = sent.placements if sent is not None else OPENED if rev > 1 else PLACEMENTS.empty()
    read = placements.tail(1).assign(attention=1.0, activation=1.0, contribution=2.5, origin="placed")
    state = canvas(key="canvas", length=200, sequence="ACGT" * 50, motifs=MOTIFS, placements=placements,
                   rev=rev, instances=read, base=base, latest=latest, rules=RULES if s.get("rules") else [],
                   gc=GC, marks=MARKS)
    s["runs"] = s.get("runs", 0) + 1
    st.text(f"runs={s['runs']}")
    rows = [f"{row.motif}@{row.start0}{row.strand}" + (f"={row.site}" if row.site else "")
            for row in state.placements.itertuples()] if len(state.placements) else []
    st.text("python=" + (" ".join(rows) or "nothing"))
    st.text(f"base={base}")

st.checkbox("Rules", key="rules")
st.title("Host")
st.button("Rerun")
design()
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    script = tmp_path_factory.mktemp("host") / "host.py"
    script.write_text(HOST)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", script, "--server.port", str(port),
         "--server.headless", "true", "--server.fileWatcherType", "none",
         "--browser.gatherUsageStats", "false"],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    for _ in range(120):
        try:
            urllib.request.urlopen(address + "/_stcore/health", timeout=1)
            break
        except OSError:
            time.sleep(0.25)
    yield address
    server.terminate()
    server.wait(10)


@pytest.fixture
def open_page(browser, url):
    contexts = []

    def open_page(**options):
        context = browser.new_context(viewport={"width": 1200, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.goto(url)
        page.locator(".chip").first.wait_for(timeout=30_000)
        python_has(page, "nothing")
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page):
    return open_page()


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


def python_has(page, placements: str):
    from playwright.sync_api import expect

    expect(page.get_by_text("python=")).to_have_text(f"python={placements}", timeout=15_000)


def lane_point(page, base: float, strand: str = "+") -> tuple[float, float]:
    """Where `base` is on the screen, in the lane of `strand`."""
    track = page.locator(".track").bounding_box()
    lane = page.locator(".lane.at-plus" if strand == "+" else ".lane.at-minus").bounding_box()
    return track["x"] + base * track["width"] / LENGTH, lane["y"] + lane["height"] / 2


def centre(locator) -> tuple[float, float]:
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page, start: tuple[float, float], end: tuple[float, float]):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + 6, start[1] + 6)
    page.mouse.move(*end, steps=5)
    page.mouse.up()


def drop_chip(page, base: int, strand: str = "+", chip: int = 0):
    """Drag a chip so that its motif should start at `base`: the pointer holds its middle."""
    drag(page, centre(page.locator(".chip").nth(chip)), lane_point(page, base + WIDTH / 2, strand))


def status(page) -> str:
    return page.locator(".status").text_content()


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


def test_touch_on_a_phone(open_page):
    page = open_page(has_touch=True, is_mobile=True)
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
