"""Take pictures of every page in the navigation: light and dark, wide and narrow.

    python tests/browser/screenshots.py [--model NAME] [--to FOLDER]

The full set goes to artifacts/screenshots, which git ignores; the wide, light ones also go to docs/screenshots, with
256 colours to keep them small. Without --model it is `rest`, and where that is not bundled the tests' hand-made model.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path

import studio
from PIL import Image

sys.path[:0] = [str(studio.ROOT), str(studio.ROOT / "tests")]

from handmade import save_toy  # noqa: E402

from argminn_core import zoo  # noqa: E402

SIZES = {"wide": (1440, 1000), "narrow": (390, 844)}
DOCS = studio.ROOT / "docs" / "screenshots"
MAX_BYTES = 150_000  # of a picture in docs
TALLEST = 6000  # pixels of a full page

log = logging.getLogger("screenshots")


def take(browser, address: str, model: str, folder: Path, *, theme: str, size: str) -> list[str]:
    """Pictures `NAME_theme_size.png` of the window, and `..._full.png` of the whole page; returns the names."""
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
    # Pictures are of the second visit: without the tour.
    context.add_cookies([{"name": "argminn_tour", "value": "over", "url": address}])
    page, names = context.new_page(), []
    for name in studio.walk(page, address, model=model):
        stem = folder / f"{name}_{theme}_{size}"
        page.screenshot(path=f"{stem}.png")
        # The page scrolls inside of its main part, so a full picture needs a window as tall as that.
        tall = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        page.set_viewport_size({"width": width, "height": min(max(int(tall), height), TALLEST)})
        studio.settle(page)
        page.screenshot(path=f"{stem}_full.png")
        page.set_viewport_size({"width": width, "height": height})
        studio.settle(page)
        names.append(name)
    context.close()
    return names


def publish(folder: Path, names: list[str]) -> None:
    """Copy the wide, light pictures to docs, small."""
    DOCS.mkdir(parents=True, exist_ok=True)
    for name in names:
        path = DOCS / f"{name}.png"
        with Image.open(folder / f"{name}_light_wide.png") as picture:
            # Rare colours are kept too: a motif's is one of them.
            full = picture.convert("RGB")
            few = full.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
            few.save(path, optimize=True)
        if path.stat().st_size > MAX_BYTES:
            raise SystemExit(f"{path.name} has {path.stat().st_size:,} bytes, more than {MAX_BYTES:,}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model")
    parser.add_argument("--to", type=Path)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    folder = options.to or studio.ROOT / "artifacts" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        model = options.model or ("rest" if zoo.is_bundled("rest") else "toy")
        if model == "toy":
            save_toy(Path(home))
        with studio.running(Path(home)) as address, studio.chromium() as browser:
            for theme in ("light", "dark"):
                for size in SIZES:
                    names = take(browser, address, model, folder, theme=theme, size=size)
                    log.info("%s, %s: %s", theme, size, ", ".join(names))
    if options.to is None:
        publish(folder, names)


if __name__ == "__main__":
    main()
