"""The design canvas mounted alone by a small host script, and the hands that move things on it."""

import os
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from studio import ROOT

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


@pytest.fixture(scope="session")
def canvas_url(tmp_path_factory):
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
def open_canvas(browser, canvas_url):
    contexts = []

    def open_canvas(**options):
        context = browser.new_context(viewport={"width": 1200, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.goto(canvas_url)
        page.locator(".chip").first.wait_for(timeout=30_000)
        python_has(page, "nothing")
        return page

    yield open_canvas
    for context in contexts:
        context.close()


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
