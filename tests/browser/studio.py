"""The app on a free port and a browser to look at it: for tests, screenshots and timings."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip
SETTLED = """() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
    && document.querySelector('h1') && !document.querySelector('[data-testid=stSkeleton]')"""

# A reading in the background draws its bar between two runs of the script. The Train page keeps one for an hour.
FINISHED = f"() => ({SETTLED})() && !document.querySelector('[data-testid=stProgress]')"


def chromium_path() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def running(home: Path) -> Iterator[str]:
    """The address of the app, served with `home` as ARGMINN_HOME until the block ends."""
    with serving(home) as (address, _):
        yield address


@contextmanager
def serving(home: Path, log: int | IO = subprocess.DEVNULL) -> Iterator[tuple[str, subprocess.Popen]]:
    """`running` with the server's process; what the server prints goes to `log`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app/main.py", "--server.port", str(port),
         "--server.address", "127.0.0.1", "--server.fileWatcherType", "none"],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT), "ARGMINN_HOME": str(home)},
        stdout=log, stderr=log,
    )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(server, address)
        yield address, server
    finally:
        server.terminate()
        server.wait(60)  # a busy machine takes its time


def _wait(server: subprocess.Popen, address: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with {server.returncode}")
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"no answer from {address} within {seconds} s")


@contextmanager
def chromium() -> Iterator:
    """A headless browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def settle(page, *, pause: float = 400, until: str = SETTLED) -> None:
    """Wait until the script rests and nothing is a placeholder, twice: a rerun may just be starting."""
    for _ in range(2):
        page.wait_for_timeout(pause)
        page.wait_for_function(until, timeout=60_000)


def visit(page, address: str, name: str = "") -> None:
    page.goto(f"{address}/{name}")
    settle(page)


def drop_chip(page, motif: str, base: int, *, width: int, length: int) -> None:
    """Drag a motif from the palette of the canvas to the + strand, so that it starts at `base`."""
    chip = page.locator(".chip").filter(has_text=motif).first.bounding_box()
    track, lane = page.locator(".track").bounding_box(), page.locator(".lane.at-plus").bounding_box()
    page.mouse.move(chip["x"] + chip["width"] / 2, chip["y"] + chip["height"] / 2)
    page.mouse.down()
    page.mouse.move(chip["x"] + chip["width"] / 2 + 8, chip["y"] + chip["height"] / 2 + 8)
    # The pointer holds the motif's middle.
    middle = track["x"] + (base + width / 2) * track["width"] / length
    page.mouse.move(middle, lane["y"] + lane["height"] / 2, steps=6)
    page.mouse.up()


def logit(page) -> str:
    """The logit that the Design page shows."""
    return (
        page.get_by_test_id("stMetric").filter(has_text="Logit").get_by_test_id("stMetricValue").inner_text()
    )


LOGIT_CHANGED = """before => [...document.querySelectorAll('[data-testid=stMetric]')].some(metric =>
    metric.innerText.startsWith('Logit')
    && metric.querySelector('[data-testid=stMetricValue]').innerText !== before)"""


def wait_for_another_logit(page, before: str) -> None:
    page.wait_for_function(LOGIT_CHANGED, arg=before, timeout=30_000)


def pages(page) -> list[str]:
    """The names of the pages, as the navigation has them, the start page first; one must be open."""
    links = page.get_by_test_id("stSidebarNavLink").evaluate_all("links => links.map(link => link.href)")
    return [link.rstrip("/").rpartition("/")[2] if number else "models" for number, link in enumerate(links)]


def walk(page, address: str, *, model: str) -> Iterator[str]:
    """Every page in turn as a visitor sees it who has the example sequences, opens the best in Design, and edits it.

    A page of the navigation that this function does not know is simply opened, so new ones are never left out.
    """
    visit(page, address, f"?model={model}")
    for name in pages(page):
        if name != "models":
            # Through the navigation, so that the session and its sequences live on. On a phone it is folded away.
            link = page.locator(f"[data-testid=stSidebarNavLink][href$='/{name}']")
            link.evaluate("link => link.click()")
            page.wait_for_function("name => location.pathname.endsWith(name)", arg=name)
            settle(page, until=FINISHED)
        if name == "sequences":
            page.get_by_role("button", name="Use example sequences").click()
            page.locator(".trace svg").wait_for()
            settle(page)
        if name == "variants":
            page.get_by_role("button", name="Try an example").click()
            page.locator(".trace svg").nth(1).wait_for()  # one an allele
            page.mouse.move(0, 0)  # away from the button's tooltip
            settle(page)
        yield name
        if name == "sequences":
            page.get_by_role("button", name="Open in Design").click()
            page.locator(".block").first.wait_for()
            page.mouse.move(0, 0)  # away from the button's tooltip
            settle(page)
