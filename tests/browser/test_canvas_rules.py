"""The canvas, mounted alone: learned rules, the letters of a placement, what lies beneath, and its history."""

import re

import pytest
from canvas_host import centre, drop_chip, lane_point, python_has, status

pytestmark = pytest.mark.browser
GAP_0 = "left then <b>right</b>, same strand, gap 0"


@pytest.fixture
def page(open_canvas):
    return open_canvas()


@pytest.fixture
def with_rules(page):
    page.get_by_test_id("stCheckbox").click()
    page.get_by_test_id("stApp").locator("input[type=checkbox]:checked").wait_for(state="attached")
    page.wait_for_timeout(400)
    return page


def hover_chip(page, base, strand="+", chip=1):
    """Carry a chip over the track so that its motif would start at `base`, and hold it there."""
    x, y = centre(page.locator(".chip").nth(chip))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 6, y + 6)
    page.mouse.move(*lane_point(page, base + 4, strand), steps=4)


def test_the_ghost_snaps_to_a_learned_gap_and_names_the_rule(with_rules):
    page = with_rules
    drop_chip(page, 20)
    python_has(page, "left@20+")
    hover_chip(page, 30)  # two bases beyond gap 0
    assert page.locator(".avatar.rule").text_content() == GAP_0
    assert page.locator(".ghost.kept .flag").text_content() == "<b>right</b> 28–36 (+)"
    page.mouse.up()
    python_has(page, "left@20+ <b>right</b>@28+")
    assert status(page) == f"<b>right</b> placed at 28, + strand; keeps {GAP_0}"
    assert page.locator(".link").get_attribute("title") == GAP_0
    assert f"keeps {GAP_0}" in page.locator(".block").last.get_attribute("aria-label")
    page.locator(".block").last.press("ArrowRight")
    python_has(page, "left@20+ <b>right</b>@29+")
    assert page.locator(".link").count() == 0


def test_within_a_range_of_gaps_nothing_moves_and_alt_lets_go(with_rules):
    page = with_rules
    drop_chip(page, 20)
    python_has(page, "left@20+")
    hover_chip(page, 35)
    assert page.locator(".avatar.rule").text_content().endswith("gap 7")
    assert page.locator(".ghost .flag").text_content() == "<b>right</b> 35–43 (+)"
    page.keyboard.down("Alt")
    page.mouse.move(*lane_point(page, 30 + 4), steps=2)
    assert page.locator(".avatar").is_hidden()
    page.mouse.up()
    page.keyboard.up("Alt")
    python_has(page, "left@20+ <b>right</b>@30+")


def test_the_other_strand_keeps_the_same_rule(with_rules):
    page = with_rules
    drop_chip(page, 60, "-")
    python_has(page, "left@60-")
    hover_chip(page, 50, "-")
    assert page.locator(".avatar.rule").text_content() == GAP_0
    page.mouse.up()
    python_has(page, "left@60- <b>right</b>@52-")
    hover_chip(page, 50, "+")  # another strand than its neighbour's: no rule
    assert page.locator(".avatar").is_hidden()
    page.keyboard.press("Escape")
    page.mouse.up()


def test_without_rules_nothing_snaps(page):
    drop_chip(page, 20)
    python_has(page, "left@20+")
    drop_chip(page, 30, chip=1)
    python_has(page, "left@20+ <b>right</b>@30+")
    assert page.locator(".link").count() == 0


def test_letters_are_typed_drawn_and_undone(page):
    assert page.locator(".inspector input").is_hidden()
    drop_chip(page, 20, chip=1)
    python_has(page, "<b>right</b>@20+")
    field = page.locator(".inspector input")
    assert field.input_value() == "AAAAAAAA"
    field.fill("acgtacgt")
    field.press("Enter")
    python_has(page, "<b>right</b>@20+=ACGTACGT")
    assert "writes ACGTACGT" in page.locator(".block").get_attribute("aria-label")
    for wrong, says in [("ACGT", "4 of 8 letters"), ("ACGTACGX", "X is not one of")]:
        field.fill(wrong)
        field.press("Enter")
        assert says in page.locator(".problem").text_content()
        assert field.get_attribute("aria-invalid") == "true"
    python_has(page, "<b>right</b>@20+=ACGTACGT")
    page.get_by_role("button", name="Consensus").click()
    python_has(page, "<b>right</b>@20+")
    page.locator(".inspector").get_by_role("button", name="Draw").click()
    drawn = page.get_by_text(re.compile(r"^python=.*@20\+=[AC]{8}$"))
    drawn.wait_for()
    page.get_by_label("Undo").click()
    python_has(page, "<b>right</b>@20+")
    page.get_by_label("Undo").click()
    python_has(page, "<b>right</b>@20+=ACGTACGT")
    assert field.input_value() == "ACGTACGT"
    page.locator(".inspector").get_by_role("button", name="Flip").click()
    python_has(page, "<b>right</b>@20-=ACGTACGT")
    page.locator(".inspector").get_by_role("button", name="Remove").click()
    python_has(page, "nothing")
    assert page.locator(".inspector input").is_hidden()


def base_is(page, number):
    page.get_by_text(re.compile(rf"^base={number}$")).wait_for(timeout=15_000)


def test_what_lies_beneath_is_undone_in_its_turn(page):
    drop_chip(page, 20)
    python_has(page, "left@20+")
    page.get_by_role("button", name="New base").click()
    base_is(page, 2)
    drop_chip(page, 60)
    python_has(page, "left@20+ left@60+")
    for placements, base in [("left@20+", 2), ("left@20+", 1), ("nothing", 1)]:
        page.get_by_label("Undo").click()
        python_has(page, placements)
        base_is(page, base)
    for placements, base in [("left@20+", 1), ("left@20+", 2)]:
        page.get_by_label("Redo").click()
        python_has(page, placements)
        base_is(page, base)
    page.get_by_role("button", name="New base").click()  # a number that was never used before
    base_is(page, 3)


def test_gc_and_marks_have_names(page):
    assert page.locator(".gc title").text_content() == "GC in windows"
    path = page.locator(".gc .line").get_attribute("d")
    ys = [float(pair.split()[1]) for pair in path.removeprefix("M").split("L")]
    assert ys[0] > ys[1] > ys[2]  # 20, 50, 80 %
    assert page.locator(".mark.cut").get_attribute("aria-label") == "EcoRI site at 10 (+)"


def test_near_the_letters_blocks_carry_logos_on_both_strands(page):
    drop_chip(page, 96)
    python_has(page, "left@96+")
    assert page.locator(".block .logo").count() == 0
    page.get_by_role("button", name="Letters").click()
    logo = page.locator(".block .logo")
    colours = [path.get_attribute("fill") for path in logo.locator("path").all()]
    box, block = logo.bounding_box(), page.locator(".block").bounding_box()
    assert box["width"] == pytest.approx(block["width"], abs=1) and box["y"] < block["y"]
    view = page.locator(".viewport").bounding_box()
    assert view["x"] < block["x"] and block["x"] + block["width"] < view["x"] + view["width"]
    page.locator(".block").press("f")
    python_has(page, "left@96-")
    reversed_colours = [path.get_attribute("fill") for path in page.locator(".block .logo path").all()]
    swap = {"#1b9e5a": "#d0384f", "#2f78c4": "#e69500"}  # A-T, C-G
    swap |= {b: a for a, b in swap.items()}
    assert reversed_colours == [swap[colour] for colour in reversed(colours)]
    page.keyboard.press("0")
    assert page.locator(".viewport").evaluate("v => v.scrollWidth <= v.clientWidth")
