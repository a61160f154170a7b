"""axe-core over every page, light and dark: no finding that is serious or worse."""

import re

import pytest
import studio
from axe_playwright_python.sync_playwright import Axe

# Findings inside the host's own widgets, which cannot be changed from here: rule, a pattern for the element's place or
# markup, and why it is left. Anything else fails.
KNOWN: list[tuple[str, str, str]] = []

AXE = Axe()


def findings(page) -> list[str]:
    """Serious and critical findings on what is open now, one line an element."""
    said = []
    for violation in AXE.run(page).response["violations"]:
        if violation["impact"] not in ("serious", "critical"):
            continue
        for node in violation["nodes"]:
            where = f"{node['target']} {node['html']}"
            if not any(rule == violation["id"] and re.search(pattern, where) for rule, pattern, _ in KNOWN):
                why = (node["any"] or node["all"] or node["none"] or [{}])[0].get("message", "")
                said.append(f"{violation['id']}: {where[:300]} {why}")
    return said


@pytest.fixture(params=["light", "dark"])
def themed(browser, request):
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, color_scheme=request.param)
    yield context.new_page()
    context.close()


def test_axe_finds_what_is_wrong(page):
    page.set_content("<html lang=en><title>t</title><main><h1>h</h1><button></button></main></html>")
    assert any(line.startswith("button-name") for line in findings(page))


def test_no_serious_finding_on_any_page(themed, studio_url):
    found = {}
    for name in studio.walk(themed, studio_url, model="toy"):
        found[name] = findings(themed)
    assert {"models", "motifs", "sequences", "design"} <= set(found)
    assert not any(found.values()), found


def test_no_serious_finding_in_what_unfolds(themed, studio_url):
    studio.visit(themed, studio_url, "?model=toy")
    for title in ("How to read this", "Compare two models", "Add a model file"):
        themed.get_by_text(title, exact=True).click()
    studio.settle(themed)
    assert not findings(themed)
    studio.visit(themed, studio_url, "sequences?model=toy")
    themed.get_by_role("button", name="Use example sequences").click()
    themed.locator(".trace svg").wait_for()
    for title in ("How to read this", "Filter the table"):
        themed.get_by_text(title, exact=True).click()
    studio.settle(themed)
    assert not findings(themed)


# The element with the keyboard: its name, whether its style shows that it has it, and whether it is part of a table.
FOCUSED = """() => {
  const e = document.activeElement, s = getComputedStyle(e);
  return [
    e === document.body ? '' : e.innerText || e.getAttribute('aria-label') || e.tagName,
    s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 1 || s.boxShadow !== 'none',
    e.closest('canvas') !== null,
  ];
}"""
# A table of Streamlit is one canvas: a cell with the keyboard is an unseen element inside it, and the grid draws the
# ring of the cell itself, a frame later. So a table shows the keyboard when its picture is not the one from before.
REDRAWN = """before => {
  const canvas = document.activeElement.closest('canvas');
  return canvas.toDataURL() !== before[[...document.querySelectorAll('canvas')].indexOf(canvas)];
}"""


def test_the_keyboard_reaches_everything_and_shows_where_it_is(page, studio_url):
    studio.visit(page, studio_url, "?model=toy")
    before = page.evaluate("() => [...document.querySelectorAll('canvas')].map(canvas => canvas.toDataURL())")
    reached, tables = [], 0
    for _ in range(40):
        page.keyboard.press("Tab")
        name, seen, in_table = page.evaluate(FOCUSED)
        if in_table and not seen:
            page.wait_for_function(REDRAWN, arg=before)
            seen = True
        tables += in_table
        reached.append((name, seen))
    names = " ".join(name for name, _ in reached)
    assert "Next: Motifs" in names and "Skip the tour" in names and "Model file" in names and tables
    # After the last element the browser's own window has the keyboard; a field shows it by its frame.
    unseen = [name for name, seen in reached if name and not seen and name != "INPUT"]
    assert not unseen
