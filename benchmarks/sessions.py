"""Ten visitors at once, one of them training: does anyone see an error, or what belongs to somebody else?

python benchmarks/sessions.py [--seconds 300] [--visitors 10] [--model ctcf-hepg2] [--think 2] [--behind 5]

Each visitor is a context of its own (own cookies, own Streamlit session) in one Chromium, driven by asynchronous
Playwright; it takes what the server leaves of the cores (`--behind 0`: has equal rights, as if all shared one
machine). The first starts a training on the Train page and follows it. The others, with pauses of `think` seconds on
average, go round: own FASTA -> table -> Open in Design -> three motifs dropped -> Syntax -> Models -> Sequences. What
they must see is worked out here, without the app: the names of the records carry the visitor's number, and the
placements and the logit on the canvas are those of their own sequence. Exit code 1 if anything went wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "browser")]

import studio  # noqa: E402
from playwright.async_api import ConsoleMessage, Error, Page, WebSocket, async_playwright  # noqa: E402

from argminn_core import jobs, zoo  # noqa: E402
from argminn_core.checkpoint import ModelBundle, load_model  # noqa: E402
from argminn_core.fasta import Sequences, to_fasta  # noqa: E402
from argminn_core.instances import scan  # noqa: E402

FIRST = 60.0  # s; memory must be flat after it
PATIENCE = 60.0  # s until something that does not come is an error
DROPS = 3  # in every round
LOOK = 100  # ms between two looks at a page; once a frame, ten browsers would be busy with being looked at
# No fault of a page: a font of icons that none needs, and how Streamlit finds its own root from a link to a page.
HARMLESS = re.compile(
    r"ERR_NAME_NOT_RESOLVED|ERR_INTERNET_DISCONNECTED|404 .*/\w+/_stcore/(health|host-config)"
)
Placed = tuple[str, int, int]  # motif, start0, end0

# What a visitor can read anywhere: the page, the cells of tables, fields, and the labels of the canvas, which lie in a
# shadow root that locators see through and this need not.
READABLE = """() => [document.body.innerText,
    ...[...document.querySelectorAll('[role=gridcell]')].map(cell => cell.textContent),
    ...[...document.querySelectorAll('input, textarea')].map(field => field.value)].join('\\n')"""
# From the release of the pointer to the first change of the page after which the verdict counts the new motif: timed
# in the page itself, so that this process, busy with ten of them, has no part in it.
VERDICT = """end => { window.verdict = new Promise((resolve, reject) => {
    let released = null;
    addEventListener('pointerup', () => { released = performance.now(); }, {capture: true, once: true});
    const counted = () => [...document.querySelectorAll('[data-testid=stMetricValue]')]
        .some(value => value.textContent.trim().endsWith(end));
    const watch = new MutationObserver(() => {
        if (released !== null && counted()) { watch.disconnect(); resolve(performance.now() - released); } });
    watch.observe(document.body, {subtree: true, childList: true, characterData: true});
    setTimeout(() => { watch.disconnect(); reject(new Error('no verdict in 30 s')); }, 30000);
    }); window.verdict.catch(() => {}); }"""


@dataclass
class Seen:
    """What all visitors came across."""

    errors: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    drops: list[float] = field(default_factory=list)  # s
    answers: list[float] = field(
        default_factory=list
    )  # s of these between the server's socket and the browser's
    closed: int = 0  # tracebacks of the web server about itself: a browser left while it was being greeted
    rounds: int = 0
    epochs: int = 0
    # s since the start, and MB of the server: resident, and of these its own, without files that the kernel may drop.
    memory: list[tuple[float, float, float]] = field(default_factory=list)
    cores: float = 0.0  # that the server kept busy, on average
    load: float = 0.0  # of the machine before it began: others slow it down


class Over(Exception):
    """The time is over: a round ends where it is."""


class Mixed(Exception):
    """Something is shown that is not this visitor's, or is not what it should be."""


@dataclass
class Given:
    """A visitor's own FASTA, and what the app must make of each record."""

    names: list[str]
    raw: bytes
    placed: dict[str, list[Placed]]
    logit: dict[str, float]


def given(bundle: ModelBundle, number: int, turn: int, *, n: int) -> Given:
    """Records that hold the model's two strongest motifs at places that only this visitor uses."""
    rng = np.random.default_rng([number, turn])
    motifs = sorted((m for m in bundle.motifs if m.counts), key=lambda m: -abs(m.contribution))[:2]
    names, texts = [f"visitor{number:02d}-{turn}-{row:04d}" for row in range(n)], []
    for _ in names:
        letters = rng.choice(list("ACGT"), bundle.length)
        start = bundle.length // 3 + 5 * number
        for motif in motifs:
            site = ["ACGT"[base] for base in motif.motif.pfm.argmax(0)]
            letters[start : start + len(site)] = site
            start += len(site) + int(rng.integers(3, 20))
        texts.append("".join(letters))
    read = scan(bundle, Sequences.from_texts(names, texts))
    placed: dict[str, list[Placed]] = {name: [] for name in names}
    for row in read.instances.itertuples():
        placed[row.sequence].append((row.motif, int(row.start0), int(row.end0)))
    logit = dict(zip(read.predictions["sequence"], read.predictions["logit"], strict=True))
    return Given(names, to_fasta(zip(names, texts, strict=True)).encode(), placed, logit)


class Visitor:
    """One browser context, and what a person does in it."""

    def __init__(
        self, number: int, page: Page, address: str, options: argparse.Namespace, seen: Seen
    ) -> None:
        self.number, self.page, self.address, self.options, self.seen = number, page, address, options, seen
        self.doing, self.random, self.end = (
            "starting",
            random.Random(number),
            time.monotonic() + options.seconds,
        )
        page.set_default_timeout(1000 * PATIENCE)
        page.on("pageerror", lambda error: self.wrong(f"page error: {error}"))
        page.on("console", self._console)
        page.on("websocket", self._listen)
        self.asked, self.answered, self.verdict = 0.0, 0.0, b""

    def _listen(self, socket: WebSocket) -> None:
        """Of a drop: when the browser sent it, and when the message came that counts the new motif."""

        def sent(_: object) -> None:
            self.asked = self.asked or time.monotonic()

        def received(message: bytes | str) -> None:
            if self.verdict and not self.answered and isinstance(message, bytes) and self.verdict in message:
                self.answered = time.monotonic()

        socket.on("framesent", sent)
        socket.on("framereceived", received)

    def _console(self, message: ConsoleMessage) -> None:
        text = f"{message.text[:300]} {message.location.get('url', '')}"
        if message.type == "error" and not HARMLESS.search(text):
            self.wrong(f"console: {text}")

    def wrong(self, what: str) -> None:
        self.seen.errors.append(f"visitor {self.number}, {self.doing}: {what}")

    async def rest(self) -> None:
        """Until the script rests, as in `studio.settle`; then see that nothing on the page is wrong."""
        for _ in range(2):
            await self.page.wait_for_timeout(300)
            await self.page.wait_for_function(studio.SETTLED, polling=LOOK)
        for box in ("stException", "stAlertContentError"):
            for text in await self.page.get_by_test_id(box).all_inner_texts():
                self.wrong(f"{box}: {text[:300]}")
        strangers = {
            name for name in re.findall(r"visitor(\d\d)", await self.page.evaluate(READABLE))
        } - {f"{self.number:02d}"}  # fmt: skip
        if strangers:
            raise Mixed(f"sees what belongs to {', '.join(sorted(strangers))}")

    async def think(self) -> None:
        if time.monotonic() > self.end:
            raise Over
        await asyncio.sleep(self.random.uniform(0.5, 1.5) * self.options.think)

    async def until(
        self, what: str, look: Callable[[], Awaitable[object]], right: Callable[[object], bool]
    ) -> object:
        """What `look` finds, once it is right; a page may still be on its way."""
        deadline = time.monotonic() + PATIENCE
        while not right(found := await look()):
            if time.monotonic() > deadline:
                raise Mixed(f"{what}: sees {found}")
            await asyncio.sleep(0.2)
        return found

    async def visit(self, name: str) -> None:
        self.doing = f"opening {name}"
        await self.page.goto(f"{self.address}/{name}?model={self.options.model}")
        await self.rest()

    async def turn_to(self, name: str) -> None:
        """Another page through the navigation: the session lives on."""
        self.doing = f"turning to {name}"
        where = "/" if name == "models" else f"/{name}"
        await self.page.locator(f"[data-testid=stSidebarNavLink][href$='{where}']").first.evaluate(
            "link => link.click()"
        )
        await self.page.wait_for_function("where => location.pathname === where", arg=where, polling=LOOK)
        await self.page.locator("h1").filter(has_text=name.capitalize()).wait_for()
        await self.rest()

    async def heading(self) -> str:
        headings = await self.page.get_by_role("heading", level=3).all_inner_texts()
        return headings[0] if headings else ""

    async def blocks(self) -> list[Placed]:
        labels = await self.page.locator(".block").evaluate_all(
            "all => all.map(b => b.getAttribute('aria-label'))"
        )
        found = [re.match(r"(.+?), (\d+) to (\d+)", label or "") for label in labels]
        return sorted((match[1], int(match[2]), int(match[3])) for match in found if match)

    async def metric(self, name: str) -> str:
        tile = self.page.get_by_test_id("stMetric").filter(has_text=name).first
        return await tile.get_by_test_id("stMetricValue").inner_text()

    # --- a round ------------------------------------------------------------------------------------------------

    async def round(self, bundle: ModelBundle, turn: int) -> None:
        mine = given(bundle, self.number, turn, n=self.options.sequences + turn % 5)
        name = await self.upload(mine, f"visitor{self.number:02d}-{turn}.fa")
        await self.think()
        await self.design(mine, name)
        await self.think()
        await self.turn_to("syntax")
        if f"visitor{self.number:02d}-{turn}.fa" not in await self.page.locator("body").inner_text():
            raise Mixed("Syntax is not about the file that was given last")
        await self.think()
        await self.turn_to("models")
        await self.think()
        await self.turn_to("sequences")
        self.doing = "coming back to the table"
        await self.until("the picked record", self.heading, mine.names.__contains__)
        self.seen.rounds += 1

    async def upload(self, mine: Given, label: str) -> str:
        """The name of the record that the page has picked."""
        self.doing = "uploading"
        inputs = self.page.locator("input[type=file]")
        if not await inputs.count():
            await self.page.get_by_text("Sequences from").first.click()
        upload = {"name": label, "mimeType": "text/plain", "buffer": mine.raw}
        await inputs.first.set_input_files(upload)
        grid = self.page.locator(f"[role=grid][aria-rowcount='{len(mine.names) + 1}']").first
        await grid.wait_for(state="attached")
        name = await self.until("the picked record", self.heading, mine.names.__contains__)
        await self.rest()
        cells = await grid.locator("[role=gridcell]").all_text_contents()
        shown = [cell for cell in cells if cell.startswith("visitor")]
        if not shown or set(shown) - set(mine.names):
            raise Mixed(f"the table shows {sorted(set(shown) - set(mine.names)) or 'no name'}")
        return str(name)

    async def design(self, mine: Given, name: str) -> None:
        self.doing = "opening in Design"
        await self.page.get_by_role("button", name="Open in Design").click()
        await self.page.locator(".chip").first.wait_for()
        await self.until("the placements", self.blocks, sorted(mine.placed[name]).__eq__)
        await self.until(
            "the logit",
            lambda: self.metric("Logit"),
            lambda text: abs(float(text) - mine.logit[name]) < 0.011,
        )
        await self.rest()
        for drop in range(DROPS):
            self.doing = "dropping a motif"
            await self.drop(drop)
            await self.think()

    async def drop(self, drop: int) -> None:
        before = await self.blocks()
        chip = self.page.locator(".chip").nth(drop)
        await self.page.locator("h1").scroll_into_view_if_needed()
        motif = re.match(r"Place (.+), \d+ bp", await chip.get_attribute("aria-label") or "")[1]
        at, track = await chip.bounding_box(), await self.page.locator(".track").bounding_box()
        lane = await self.page.locator(".lane.at-plus").bounding_box()
        x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
        mouse = self.page.mouse
        await self.page.evaluate(VERDICT, f" of {len(before) + 1}")
        self.asked, self.answered, self.verdict = 0.0, 0.0, f" of {len(before) + 1}".encode()
        await mouse.move(x, y)
        await mouse.down()
        await mouse.move(x + 8, y + 8)
        share = 0.08 + 0.012 * self.number + 0.3 * drop
        await mouse.move(track["x"] + share * track["width"], lane["y"] + lane["height"] / 2, steps=4)
        await mouse.up()
        self.seen.drops.append(await self.page.evaluate("() => window.verdict") / 1000)
        if self.answered:
            self.seen.answers.append(self.answered - self.asked)
        await self.rest()
        after = await self.blocks()
        new = [one for one in after if one not in before]
        if len(after) != len(before) + 1 or {one[0] for one in new} - {motif}:
            raise Mixed(f"{motif} was dropped beside {before}, and there is {after}")

    # --- a training ---------------------------------------------------------------------------------------------

    async def train(self) -> None:
        """Start a training that lasts longer than all of this, follow it, come back to it, and end it."""
        await self.visit("train")
        self.doing = "starting a training"
        await self.page.get_by_text("A grammar, to learn the tool").click()
        await self.rest()
        await self.page.get_by_role("spinbutton", name="Epochs").fill("500")
        await self.page.keyboard.press("Enter")
        await self.rest()
        await self.page.get_by_role("textbox", name="Name of the model").fill("one of many")
        await self.page.keyboard.press("Enter")
        await self.rest()
        await self.page.get_by_role("button", name="Start training").click()
        await self.page.get_by_role("heading", name="one of many").wait_for()
        again = time.monotonic() + 60
        while time.monotonic() < self.end:
            self.doing = "following a training"
            await asyncio.sleep(self.options.think)
            await self.follow()
            if time.monotonic() > again:
                self.doing = "reloading a training"
                await self.page.reload()
                await self.page.get_by_role("heading", name="one of many").wait_for()
                again += 60
        self.doing = "ending a training"
        await self.page.get_by_role("button", name="Cancel").first.click()
        await self.page.get_by_role("button", name="Cancel the training").click()
        await self.page.get_by_test_id("stMarkdown").get_by_text("cancelled").first.wait_for()

    async def follow(self) -> None:
        text = await self.page.locator("body").inner_text()
        if done := re.search(r"Epoch (\d+) of 500", text):
            if int(done[1]) < self.seen.epochs:
                raise Mixed(f"epoch {done[1]} after epoch {self.seen.epochs}")
            self.seen.epochs = int(done[1])
        elif "running" not in text:
            raise Mixed("the training does not run any more")
        for text in await self.page.get_by_test_id("stException").all_inner_texts():
            self.wrong(text[:300])


async def busy(visitor: Visitor, bundle: ModelBundle) -> None:
    """Rounds until the time is over; every third one is a new session in the same browser."""
    await asyncio.sleep(visitor.number * visitor.options.think)  # people do not come all at once
    turn, fresh = 0, True
    while time.monotonic() < visitor.end:
        try:
            if visitor.number == 0:
                await visitor.train()
                return
            if fresh or turn % 3 == 0:
                await visitor.visit("sequences")
            await visitor.round(bundle, turn)
            fresh = False
        except Over:
            return
        except Mixed as mixed:
            visitor.seen.mixed.append(f"visitor {visitor.number}, {visitor.doing}: {mixed}")
            fresh = True
        except Error as error:
            visitor.wrong(str(error).strip().splitlines()[0][:300])
            fresh = True
        if fresh:
            await asyncio.sleep(visitor.options.think)
        turn += 1


def cpu(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def watch(pid: int, seen: Seen, started: float) -> None:
    """Take down the memory of the server every other second."""
    while True:
        found = dict(re.findall(r"(VmRSS|RssAnon):\s+(\d+)", Path(f"/proc/{pid}/status").read_text()))
        if len(found) == 2:
            seen.memory.append(
                (time.monotonic() - started, *(int(found[k]) / 1024 for k in ("VmRSS", "RssAnon")))
            )
        await asyncio.sleep(2)


async def visits(address: str, pid: int, bundle: ModelBundle, options: argparse.Namespace) -> Seen:
    seen = Seen(load=os.getloadavg()[0])
    os.nice(options.behind)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=studio.chromium_path(), args=studio.FLAGS)
        visitors = []
        for number in range(options.visitors):
            context = await browser.new_context(viewport={"width": 1440, "height": 1000})
            visitors.append(Visitor(number, await context.new_page(), address, options, seen))
        started, spent = time.monotonic(), cpu(pid)
        watching = asyncio.create_task(watch(pid, seen, started))
        await asyncio.gather(*(busy(visitor, bundle) for visitor in visitors))
        seen.cores = (cpu(pid) - spent) / (time.monotonic() - started)
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await browser.close()
    return seen


def slope(memory: list[tuple[float, float, float]], since: float) -> float:
    """MB a minute of the server's own memory, by least squares of what was taken down after `since` seconds."""
    late = [(at / 60, own) for at, _, own in memory if at >= since]
    return statistics.linear_regression(*zip(*late, strict=True)).slope if len(late) > 2 else float("nan")


def table(seen: Seen, options: argparse.Namespace) -> str:
    drops, since = sorted(seen.drops), min(FIRST, options.seconds / 2)
    sizes = [mb for _, mb, _ in seen.memory]
    after = next((own for at, _, own in seen.memory if at >= since), float("nan"))
    rows = {
        f"rounds of {options.visitors - 1} visitors": str(seen.rounds),
        "epochs of the training meanwhile": str(seen.epochs),
        "errors": str(len(seen.errors)),
        "mixed-up data": str(len(seen.mixed)),
        "drops": str(len(drops)),
    }
    if drops:
        rows["drop to verdict, median (s)"] = f"{statistics.median(drops):.2f}"
        rows["drop to verdict, 95 % (s)"] = f"{drops[min(int(0.95 * len(drops)), len(drops) - 1)]:.2f}"
        rows["drop to verdict, slowest (s)"] = f"{drops[-1]:.2f}"
    if seen.answers:
        answers = sorted(seen.answers)
        rows["of it from the message to the server to its verdict, median and 95 % (s)"] = (
            f"{statistics.median(answers):.2f}, {answers[min(int(0.95 * len(answers)), len(answers) - 1)]:.2f}"
        )
    rows["resident memory of the server at first, largest, at last (MB)"] = (
        f"{sizes[0]:.0f}, {max(sizes):.0f}, {sizes[-1]:.0f}"
    )
    rows[f"its own memory from {since:.0f} s on: at first, at last (MB), slope (MB a minute)"] = (
        f"{after:.0f}, {seen.memory[-1][2]:.0f}, {slope(seen.memory, since):+.1f}"
    )
    rows["its own memory at the end of each minute (MB)"] = ", ".join(
        f"{own:.0f}" for before, (at, _, own) in pairwise(seen.memory) if before[0] // 60 < at // 60
    )
    rows["tracebacks in the server's log without a line of the app"] = str(seen.closed)
    rows["cores that the server kept busy"] = f"{seen.cores:.2f}"
    rows["load of the machine before, cores"] = f"{seen.load:.1f}, {os.cpu_count()}"
    return "| what | found |\n|---|---|\n" + "".join(
        f"| {what} | {found} |\n" for what, found in rows.items()
    )


def end_trainings() -> None:
    """None may go on when this is over, whatever happened."""
    for job in jobs.jobs():
        if job.active:
            jobs.cancel(job.id)
    deadline = time.monotonic() + 60
    while any(job.state == "running" for job in jobs.jobs()) and time.monotonic() < deadline:
        time.sleep(0.2)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--visitors", type=int, default=10)
    parser.add_argument("--model", default="ctcf-hepg2")
    parser.add_argument("--sequences", type=int, default=50, help="records of a FASTA, and up to four more")
    parser.add_argument(
        "--think", type=float, default=2.0, help="seconds between two things that a visitor does"
    )
    parser.add_argument(
        "--behind",
        type=int,
        default=5,
        help="niceness of the browsers, which visitors run on machines of their own",
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    bundle = load_model(zoo.resolve(options.model))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home, log = Path(folder) / "home", Path(folder) / "server.txt"
        home.mkdir()
        os.environ["ARGMINN_HOME"] = str(home)
        with log.open("wb") as printed, studio.serving(home, printed) as (address, server):
            try:
                seen = asyncio.run(visits(address, server.pid, bundle, options))
            finally:
                end_trainings()
        text = log.read_text(errors="replace")
        for trace in text.split("Traceback (most recent call last):\n")[1:]:
            if any(f"{ROOT / part}" in trace for part in ("app", "pages", "argminn_core")):
                seen.errors.append(f"the server's log: {trace[-1500:]}")
            else:
                seen.closed += 1
    sys.stdout.write(table(seen, options))
    for what in [*seen.errors[:20], *seen.mixed[:20]]:
        sys.stdout.write(f"- {what}\n")
    return int(bool(seen.errors or seen.mixed or not seen.drops))


if __name__ == "__main__":
    sys.exit(main())
