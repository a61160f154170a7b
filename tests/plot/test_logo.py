import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

from argminn_core.errors import InputError
from argminn_core.plot.logo import letter_heights, logo_img, logo_svg, publication_logo, write_logos

SVG = "{http://www.w3.org/2000/svg}"
PFM = np.array([[1, 0.25, 0.5, 0], [0, 0.25, 0.5, 0.1], [0, 0.25, 0, 0.2], [0, 0.25, 0, 0.7]], dtype=float)


def test_heights_are_bits_or_probabilities():
    heights = letter_heights(PFM)
    np.testing.assert_allclose(heights.sum(0)[:3], [2, 0, 1], atol=1e-12)
    np.testing.assert_allclose(letter_heights(PFM, "probability"), PFM)


def test_letters_stack_without_gaps_up_to_the_information():
    root = ElementTree.fromstring(logo_svg(PFM, height=100, column_width=10))
    stacks: dict[float, list[tuple[float, float]]] = {}
    for use in root.iter(f"{SVG}use"):
        move, scale = use.get("transform").rstrip(")").split(")scale(")
        x, y = map(float, move.removeprefix("translate(").split())
        stacks.setdefault(x, []).append((y, float(scale.split()[1])))
    assert len(stacks) == 3  # the column without information draws nothing
    for x, letters in stacks.items():
        column = int(x // 10)
        bottom = 100.0
        for y, tall in letters:
            assert y + tall == pytest.approx(bottom, abs=0.02)
            bottom = y
        assert 100 - bottom == pytest.approx(letter_heights(PFM).sum(0)[column] * 50, abs=0.2)
        assert [tall for _, tall in letters] == sorted(tall for _, tall in letters)


def test_ids_differ_between_logos_and_resolve_within():
    pictures = [logo_svg(PFM), logo_svg(PFM[:, ::-1]), logo_svg(PFM, height=30), logo_svg(PFM, title="b")]
    seen: set[str] = set()
    for svg in pictures:
        root = ElementTree.fromstring(svg)
        ids = {element.get("id") for element in root.iter() if element.get("id")}
        assert len(ids) == 4 and not ids & seen
        assert {use.get("href")[1:] for use in root.iter(f"{SVG}use")} <= ids
        seen |= ids


def test_a_hostile_name_stays_text():
    name = '"><script>alert(1)</script>'
    root = ElementTree.fromstring(logo_svg(PFM, title=name, axis=True))
    assert root.get("aria-label") == name
    assert not list(root.iter(f"{SVG}script"))
    assert "<script>" not in logo_img("<svg/>", name)


def test_core_leaves_the_flanks_pale():
    assert logo_svg(PFM, core=(0, 2)).count('opacity=".35"') == 2


@pytest.mark.parametrize("pfm", [np.ones((3, 4)) / 3, np.ones((4, 5)), np.ones((4, 0)), np.ones(4) / 4])
def test_what_is_no_pfm_is_said(pfm):
    with pytest.raises(InputError, match="a logo needs"):
        logo_svg(pfm)


@pytest.mark.parametrize(("file_format", "head"), [("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_publication_logo(file_format, head):
    first = publication_logo(PFM, file_format=file_format, title="CTCF $x")
    assert first.startswith(head)
    assert first == publication_logo(PFM, file_format=file_format, title="CTCF $x")


def test_files_of_logos_never_overwrite_each_other(tmp_path):
    names = ["A/B", "A:B", "a", "x" * 200, "A_B"]
    files = write_logos(dict.fromkeys(names, PFM), tmp_path / "new")
    assert [path.name for path in files] == ["A_B.svg", "A_B_2.svg", "a.svg", f"{'x' * 80}.svg", "A_B_3.svg"]
    assert ElementTree.parse(files[1]).getroot().get("aria-label") == "A:B"
    printed = write_logos({"A/B": PFM, "A:B": PFM}, tmp_path / "print", print_formats=("svg", "pdf"))
    assert [path.name for path in printed] == ["A_B.svg", "A_B.pdf", "A_B_2.svg", "A_B_2.pdf"]
    assert printed[0].read_bytes() == publication_logo(PFM, title="A/B")
    assert printed[3].read_bytes().startswith(b"%PDF")


def test_the_way_to_the_screen_needs_no_matplotlib():
    code = (
        "import sys, argminn_core.plot.logo as m, numpy as np; m.logo_svg(np.full((4, 3), .25));"
        "sys.exit('matplotlib' in sys.modules or 'logomaker' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
