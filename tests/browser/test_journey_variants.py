"""Variants as a person uses them: the example, another row, both alleles, the VCF."""

import studio


def test_an_example_edit_and_its_files(page, studio_url):
    studio.visit(page, studio_url, "variants?model=toy")
    page.get_by_role("button", name="Try an example").click()
    page.locator(".trace svg").nth(1).wait_for()
    studio.settle(page)
    assert page.locator(".trace").count() == 2
    assert "lowers the logit by" in page.get_by_test_id("stMain").inner_text()
    letters = page.get_by_label("letters of both alleles")
    assert letters.inner_text().count("│") == 1
    # the next row of the table
    table = page.get_by_test_id("stDataFrame").first.bounding_box()
    page.mouse.click(table["x"] + 16, table["y"] + 35 + 35 * 1.5)
    page.wait_for_function(
        "before => document.querySelector('[aria-label=\"letters of both alleles\"]').innerText !== before",
        arg=letters.inner_text(),
    )
    with page.expect_download() as got:
        page.get_by_role("button", name="Effects (VCF)").click()
    lines = got.value.path().read_text().splitlines()
    assert got.value.suggested_filename.endswith(".vcf") and lines[0] == "##fileformat=VCFv4.3"
    assert len([line for line in lines if not line.startswith("#")]) == 3
