"""What a visitor waits for, in a real browser: medians of several runs, printed as a table.

python benchmarks/browser.py [--runs 7] [--sequences 1000] [--many 10000]

Of the start: from the call of `streamlit run`, its process and a browser's context new in each run. Of a change of
page: all pages in turn, from the click in the navigation until the new page is at rest, with sequences given. Of the
table with many sequences: the longest that the browser stood still, between two frames, while it was scrolled and
while it was sorted. Of the logos: from matrices to decoded pictures in an empty page.
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

import numpy as np  # noqa: E402
import studio  # noqa: E402
from handmade import LENGTH, fasta, save_toy  # noqa: E402

from argminn_core import zoo  # noqa: E402
from argminn_core.checkpoint import load_model  # noqa: E402
from argminn_core.plot.logo import logo_svg, svg_uri  # noqa: E402

START = "start of the app to its first page, with its title"
RESTS = "start of the app to its first page, at rest"
PAGES = "page to page, until all is at rest"
SLOWEST = "the slowest page"
LOGOS = "20 logos of 19 bp"
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
# The components' parts lie in shadow roots; this wait is exact, where a locator looks again after up to half a second.
DRAWN = """wanted => (function find(root) { return root.querySelector(wanted) !== null
    || [...root.querySelectorAll('*')].some(part => part.shadowRoot && find(part.shadowRoot)); })(document)"""
AT_REST = f"title => ({studio.FINISHED})() && document.querySelector('h1').innerText === title"
DECODED = """sources => { const began = performance.now();
    document.body.innerHTML = sources.map(source => `<img src="${source}">`).join('');
    return Promise.all([...document.images].map(image => image.decode())).then(
        () => new Promise(done => requestAnimationFrame(
            () => done([document.images.length, performance.now() - began])))); }"""
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


def first_page(browser, home: Path) -> tuple[float, float]:
    """Seconds from the start of the server's process to a first page with its title, and at rest."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    started = time.perf_counter()
    with studio.running(home) as address:
        page = context.new_page()
        page.goto(address)
        page.wait_for_function(DRAWN, arg="h1", polling=5, timeout=60_000)
        titled = time.perf_counter() - started
        page.wait_for_function(AT_REST, arg="Models", polling=5, timeout=60_000)
        rests = time.perf_counter() - started
        context.close()
    return titled, rests


def page_changes(page) -> list[float]:
    """Seconds from a click in the navigation to the page at rest, a page each."""
    waits, names = [], [name.capitalize() for name in studio.pages(page)]
    for name in names:
        link = page.get_by_test_id("stSidebarNav").get_by_text(name, exact=True)
        waits.append(
            timed(
                link.click,
                lambda name=name: page.wait_for_function(AT_REST, arg=name, polling=5, timeout=60_000),
            )
        )
        studio.settle(page)
    return waits


def twenty_logos(browser, seed: int) -> float:
    """Seconds from 20 matrices to 20 pictures on a page: drawing them here, and showing them there."""
    matrices = np.random.default_rng(seed).dirichlet(np.full(4, 0.2), (20, 19)).transpose(0, 2, 1)
    page = browser.new_page()
    started = time.perf_counter()
    pictures = [svg_uri(logo_svg(pfm)) for pfm in matrices]
    drawn = time.perf_counter() - started
    shown, milliseconds = page.evaluate(DECODED, pictures)
    page.close()
    assert shown == len(matrices)
    return drawn + milliseconds / 1000


def measure(browser, address: str, model: str, raw: bytes, n: int) -> dict[str, float]:
    """One visitor's waits, in seconds; the server has seen none of it before."""
    page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
    studio.visit(page, address, f"sequences?model={model}")
    page.get_by_test_id("stDataFrame").wait_for(state="attached")  # the page is at rest
    upload = {"name": "given.fa", "mimeType": "text/plain", "buffer": raw}
    waits = {
        UPLOAD.format(n=n): timed(
            lambda: page.locator("input[type=file]").first.set_input_files(upload),
            lambda: page.wait_for_function(
                DRAWN, arg=f"[role=grid][aria-rowcount='{n + 1}']", polling=5, timeout=60_000
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
        lambda: page.wait_for_function(DRAWN, arg=".chip", polling=5, timeout=60_000),
    )
    studio.settle(page)
    waits[DROP] = statistics.median(one_drop(page, 0.1 + 0.08 * number) for number in range(DROPS))
    waits[MOTIFS] = timed(
        lambda: page.get_by_test_id("stSidebarNav").get_by_text("Motifs").click(),
        lambda: page.wait_for_function(DRAWN, arg="figure img", polling=5, timeout=60_000),
    )
    studio.settle(page)
    changes = page_changes(page)
    waits |= {PAGES: statistics.median(changes), SLOWEST: max(changes)}
    waits[LOGOS] = twenty_logos(browser, seed=n)
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
        with studio.chromium() as browser:
            starts = [first_page(browser, Path(folder)) for _ in range(options.runs + 1)][1:]
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
            extra = {START: [titled for titled, _ in starts], RESTS: [rests for _, rests in starts]}
            if options.many:
                raw = fasta(options.many, length=length)
                extra |= fluid(browser, address, name, raw, options.many, runs=options.runs)
    sys.stdout.write("| what | median (s) | slowest (s) |\n|---|---|---|\n")
    for what, waits in ({what: [run[what] for run in runs] for what in runs[0]} | extra).items():
        sys.stdout.write(f"| {what} | {statistics.median(waits):.2f} | {max(waits):.2f} |\n")


if __name__ == "__main__":
    main()
