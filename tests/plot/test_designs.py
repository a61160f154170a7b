from xml.etree import ElementTree

from argminn_core.plot.designs import stacked_tracks_svg
from argminn_core.tables import PLACEMENTS

NS = "{http://www.w3.org/2000/svg}"


def placed(*rows):
    return PLACEMENTS.frame(
        [{"sequence": "s", "motif": m, "start0": s, "end0": e, "strand": d} for m, s, e, d in rows]
    )


def test_each_placement_is_an_arrow_in_its_colour_at_its_place():
    tracks = [("a", "1.00", placed(("L", 0, 50, "+"), ("R", 50, 100, "-"))), ("b", "2.00", placed())]
    root = ElementTree.fromstring(stacked_tracks_svg(tracks, 100, {"L": "#0072b2"}, width=1127))
    left, right = root.iter(f"{NS}polygon")
    assert (left.get("fill"), right.get("fill")) == ("#0072b2", "#808080")
    xs = [[float(point.split(",")[0]) for point in one.get("points").split()] for one in (left, right)]
    ys = [[float(point.split(",")[1]) for point in one.get("points").split()] for one in (left, right)]
    assert (min(xs[0]), max(xs[0]), min(xs[1]), max(xs[1])) == (47, 547, 547, 1047)
    assert max(ys[0]) < min(ys[1])  # the - strand lies beneath the line
    assert left[0].text == "L 0-50 (+)"
    texts = [text.text for text in root.iter(f"{NS}text")]
    assert {"a", "b", "1.00", "2.00", "0", "100"} <= set(texts)


def test_names_stay_text():
    svg = stacked_tracks_svg([('<script>"&', "", placed(("<b>", 0, 5, "+")))], 10, {"<b>": '"><x'})
    root = ElementTree.fromstring(svg)
    assert [element for element in root.iter() if element.tag in (f"{NS}script", f"{NS}x")] == []
    assert '<script>"&' in [text.text for text in root.iter(f"{NS}text")]
    long = ElementTree.fromstring(stacked_tracks_svg([("n" * 99, "", placed())], 10, {}))
    assert "n" * 23 + "…" in [text.text for text in long.iter(f"{NS}text")]
