import re
from dataclasses import replace

import numpy as np

from argminn_core.plot.architecture import Example, architecture_svg

MOTIFS = [("CTCF", np.full((4, 8), 0.25)), ("SPI1", np.full((4, 8), 0.25))]
COLOURS = {"CTCF": "#0072b2", "SPI1": "#e69f00"}
SHAPE = dict(length=500, filters=9, width=12, layers=2, heads=3)
EXAMPLE = Example(
    reads=[["CTCF", None, "SPI1"], ["gone", "CTCF", None]], look=np.full((2, 3), 0.9), logits=[-1.0, 2.25, 3.5],
    logit=4.0, evidence=0.5, sites=[("CTCF", 0.25)],
)  # fmt: skip


def draw(**options):
    return architecture_svg(MOTIFS, COLOURS, **SHAPE, **options)


def heads(svg):
    """Fill and title of every head's circle."""
    return re.findall(r'<circle [^>]*fill="([^"]*)"[^>]*><title>([^<]*)</title>', svg)


def test_without_an_example_no_head_claims_to_read():
    svg = draw()
    assert "7 more filters" in svg and svg.count("layer ") >= 2
    assert heads(svg) == []


def test_heads_take_the_colour_of_what_they_read():
    drawn = heads(draw(example=EXAMPLE))
    assert [fill for fill, _ in drawn] == ["#0072b2", "none", "#e69f00", "#808495", "#0072b2", "none"]
    assert drawn[0][1] == "layer 1 head 1: looks at CTCF, attention 0.90"
    assert "no motif" in drawn[1][1]


def test_lines_lead_from_sites_to_motifs_and_on_to_heads():
    def lines(example):
        return [
            re.findall(rf'<path d="M{x} [^"]*C[^"]*"[^>]*stroke="([^"]*)"', draw(example=example))
            for x in (52, 458)
        ]

    assert lines(EXAMPLE) == [
        ["#0072b2"],
        ["#0072b2", "#e69f00", "#0072b2"],
    ]  # a motif that is not drawn has none
    assert lines(replace(EXAMPLE, sites=[]))[0] == []


def test_the_logit_is_told_after_every_layer():
    svg = draw(example=EXAMPLE, evidence=True)
    assert [text for text in ("-1.0 at first", "+2.2", "+3.5", "+4.0", "here +0.50") if text not in svg] == []


def test_a_sequence_without_instances_says_so():
    assert "no instance" in draw(example=replace(EXAMPLE, sites=[]))


def test_names_are_escaped():
    hostile = "<script>"
    svg = architecture_svg(
        [(hostile, MOTIFS[0][1])], {hostile: '"><script>'}, **SHAPE,
        example=replace(EXAMPLE, reads=[[hostile] * 3] * 2, sites=[(hostile, 0.5)]),
    )  # fmt: skip
    assert "<script>" not in svg
