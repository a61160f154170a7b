"""The colours of motifs, the same in the app and in reports."""

from __future__ import annotations

# Okabe and Ito's palette without its black and with a darker yellow, then some of Tol's "muted": told apart
# with the common colour blindnesses, and clear on a light and on a dark page. Names always stand beside them.
MOTIF_COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#B8A800",
    "#882255", "#44AA99", "#999933", "#AA4499", "#6A5ACD", "#CC6677", "#6B8E23",
)  # fmt: skip


def motif_colour(index: int) -> str:
    """The colour, `#rrggbb`, of a model's `index`-th motif: the same on every page."""
    return MOTIF_COLOURS[index % len(MOTIF_COLOURS)]
