"""The colours of motifs, the same in the app and in reports."""

from __future__ import annotations

# Okabe and Ito's six hues, then eight found by search: any two of them are told apart with normal sight, without red
# cones and without green ones, and each is clear on a light and on a dark page (`tests/plot/test_colours.py` measures
# it). Names always stand beside them.
MOTIF_COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#A10B85",
    "#386124", "#C3B153", "#3741D7", "#734B5E", "#91BD79", "#DE053E", "#5083FD",
)  # fmt: skip


def motif_colour(index: int) -> str:
    """The colour, `#rrggbb`, of a model's `index`-th motif: the same on every page."""
    return MOTIF_COLOURS[index % len(MOTIF_COLOURS)]
