"""What a visitor waits for, in a real browser: medians of several runs, printed as a table.

python benchmarks/browser.py [--runs 7] [--sequences 1000] [--many 10000]

Of the table with many sequences: the longest that the browser stood still, between two frames, while it was scrolled
and while it was sorted.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "browser")]

import studio  # noqa: E402
from handmade import LENGTH, fasta, save_toy  # noqa: E402

from argminn_core import zoo  # noqa: E402
from argminn_core.checkpoint import load_model  # noqa: E402

UPLOAD = "upload of {n:,} sequences to a filled table"
PICK = "another row to its letters"
DESIGN = "page change to the canvas"
DROP = "drop of a motif to its new prediction"
MOTIFS = "page change to a grid of logos"
SCROLL = "longest stall while {n:,} rows are scrolled"
SORT = "longest stall while {n:,} rows are sorted"
FRAMES = """() => { window.gaps = []; let last = performance.now(); const frame = () => {
    const now = performance.now(); window.gaps.push(now - last); last = now; requestAnimationFrame(frame); };
    requestAnimationFrame(frame); }"""
DROPS = 8  # a visitor's wait is their median
COUNTED = """end => [...document.querySelectorAll('[data-testid=stMetricValue]')]
    .some(value => value.innerText.endsWith(end))"""


def timed(act: Callable[[], None], seen: Callable[[], None]) -> float:
    started = time.perf_counter()
    act()
    seen()
    return time.perf_counter() - started


def one_drop(page, share: float) -> float:
    """Seconds from the release of the first motif, a share along the track, to the verdict that counts it."""
    metric = (
        page.get_by_test_id("stMetric").filter(has_text="Placements read").get_by_test_id("stMetricValue")
    )
    placed = int(metric.inner_text().split()[-1])
    page.locator("h1").scroll_into_view_if_needed()
    studio.drop_chip(page, "", round(1000 * share), width=50, length=1000)
    wait = timed(
        lambda: None,
        lambda: page.wait_for_function(COUNTED, arg=f" of {placed + 1}", polling=5, timeout=30_000),
    )
    studio.settle(page, pause=150)
    return wait


def measure(browser, address: str, model: str, raw: bytes, n: int) -> dict[str, float]:
    """One visitor's waits, in seconds; the server has seen none of it before."""
    page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
    studio.visit(page, address, f"sequences?model={model}")
    page.get_by_test_id("stDataFrame").wait_for(state="attached")  # the page is at rest
    upload = {"name": "given.fa", "mimeType": "text/plain", "buffer": raw}
    waits = {
        UPLOAD.format(n=n): timed(
            lambda: page.locator("input[type=file]").first.set_input_files(upload),
            lambda: page.locator(f"[role=grid][aria-rowcount='{n + 1}']").wait_for(
                state="attached", timeout=60_000
            ),
        )
    }
    studio.settle(page)
    name = page.get_by_role("heading", level=3).inner_text()
    table = page.locator("[data-testid=stDataFrame]").first
    waits[PICK] = timed(
        lambda: table.click(position={"x": 18, "y": 35 * 3 + 18}),
        lambda: page.wait_for_function("name => document.querySelector('h3').innerText !== name", arg=name),
    )
    studio.settle(page)
    waits[DESIGN] = timed(
        lambda: page.get_by_role("button", name="Open in Design").click(),
        lambda: page.locator(".chip").first.wait_for(),
    )
    studio.settle(page)
    waits[DROP] = statistics.median(one_drop(page, 0.1 + 0.08 * number) for number in range(DROPS))
    waits[MOTIFS] = timed(
        lambda: page.get_by_test_id("stSidebarNav").get_by_text("Motifs").click(),
        lambda: page.locator("figure img").first.wait_for(),
    )
    page.context.close()
    return waits


def fluid(browser, address: str, model: str, raw: bytes, n: int, *, runs: int) -> dict[str, list[float]]:
    """The longest times between two frames, in seconds, one a run, of a table of `n` rows."""
    page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
    studio.visit(page, address, f"sequences?model={model}")
    upload = {"name": "many.fa", "mimeType": "text/plain", "buffer": raw}
    page.locator("input[type=file]").first.set_input_files(upload)
    page.locator(f"[role=grid][aria-rowcount='{n + 1}']").wait_for(state="attached", timeout=300_000)
    studio.settle(page)
    page.evaluate(FRAMES)

    def longest() -> float:
        return page.evaluate("() => Math.max(...window.gaps.splice(0)) / 1000")

    box = page.locator("[data-testid=stDataFrame]").first.bounding_box()
    stalls: dict[str, list[float]] = {SCROLL.format(n=n): [], SORT.format(n=n): []}
    for _ in range(runs):
        page.mouse.move(box["x"] + 300, box["y"] + 150)
        longest()
        for _ in range(30):
            page.mouse.wheel(0, 900)
            page.wait_for_timeout(30)
        stalls[SCROLL.format(n=n)].append(longest())
        page.mouse.click(box["x"] + 150, box["y"] + 17)  # the header of the names
        page.wait_for_timeout(1000)
        stalls[SORT.format(n=n)].append(longest())
    page.context.close()
    return stalls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--sequences", type=int, default=1000)
    parser.add_argument("--many", type=int, default=10_000, help="0 leaves the stalls out")
    parser.add_argument("--model")
    options = parser.parse_args()
    name = options.model or "toy"
    length = load_model(zoo.resolve(name)).length if options.model else LENGTH
    with tempfile.TemporaryDirectory() as folder:
        save_toy(Path(folder))
        with studio.running(Path(folder)) as address, studio.chromium() as browser:
            # Other letters in every run: nothing comes from a cache.
            runs = [
                measure(
                    browser,
                    address,
                    name,
                    fasta(options.sequences, length=length, seed=run),
                    options.sequences,
                )
                for run in range(options.runs + 1)
            ][1:]  # the first one imports and warms up
            stalls: dict[str, list[float]] = {}
            if options.many:
                raw = fasta(options.many, length=length)
                stalls = fluid(browser, address, name, raw, options.many, runs=options.runs)
    sys.stdout.write("| what | median (s) | slowest (s) |\n|---|---|---|\n")
    for what, waits in ({what: [run[what] for run in runs] for what in runs[0]} | stalls).items():
        sys.stdout.write(f"| {what} | {statistics.median(waits):.2f} | {max(waits):.2f} |\n")


if __name__ == "__main__":
    main()
