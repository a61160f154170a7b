"""Take the pictures of the README: the four pages with one model, into docs/screenshots.

    python tests/browser/screenshots.py [--model NAME] [--to FOLDER] [--dark] [--width 1440]

Without --model it is the first bundled one, and where none is bundled the hand-made model of the tests.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import studio

sys.path[:0] = [str(studio.ROOT), str(studio.ROOT / "tests")]

from handmade import save_toy  # noqa: E402

from argminn_core import zoo  # noqa: E402

MAX_BYTES = 300_000


def take(page, address: str, model: str, folder: Path, suffix: str) -> None:
    """Walk through the pages as a visitor with the example sequences."""

    def save(name: str) -> None:
        studio.settle(page)
        path = folder / f"{name}{suffix}.png"
        page.screenshot(path=path)
        if path.stat().st_size > MAX_BYTES:
            raise SystemExit(f"{path.name} has {path.stat().st_size:,} bytes, more than {MAX_BYTES:,}")

    for name, path in (("models", ""), ("motifs", "motifs")):
        studio.visit(page, address, f"{path}?model={model}")
        save(name)
    studio.visit(page, address, f"sequences?model={model}")
    page.get_by_role("button", name="Use example sequences").click()
    page.locator(".trace svg").wait_for()
    save("sequences")
    page.get_by_role("button", name="Open in Design").click()
    page.locator(".block").first.wait_for()
    page.mouse.move(0, 0)  # away from the button's tooltip
    save("design")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model")
    parser.add_argument("--to", type=Path, default=studio.ROOT / "docs" / "screenshots")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--width", type=int, default=1440)
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    suffix = "_dark" * options.dark + (f"_{options.width}" if options.width != 1440 else "")
    bundled = sorted(path.stem for path in zoo.BUNDLED.glob(f"*{zoo.SUFFIX}"))
    with tempfile.TemporaryDirectory() as home:
        if not bundled:
            save_toy(Path(home))
        model = options.model or (bundled or ["toy"])[0]
        with studio.running(Path(home)) as address, studio.chromium() as browser:
            context = browser.new_context(
                viewport={"width": options.width, "height": 1000},
                color_scheme="dark" if options.dark else "light",
            )
            take(context.new_page(), address, model, options.to, suffix)


if __name__ == "__main__":
    main()
