"""Which motifs the Motifs page shows, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import streamlit as st

from app.components.tiles import tiles
from app.motif_card import known_as, picture
from app.page import WARNING
from argminn_core.motifs import LearnedMotif
from argminn_core.plot.logo import Mode, svg_uri

# What comes first, and "not known" last. The sort is stable, and the motifs come ranked.
_ORDERS: dict[str, Callable[[LearnedMotif], float | str]] = {
    "contribution": lambda motif: -motif.contribution if np.isfinite(motif.contribution) else np.inf,
    "information": lambda motif: -motif.information,
    "q-value of the match": lambda motif: motif.q_value if np.isfinite(motif.q_value) else np.inf,
    "windows": lambda motif: -motif.windows,
    "name": lambda motif: motif.name.casefold(),
}


class View(NamedTuple):
    """What the controls say: the motifs in their order, and how they are drawn."""

    shown: list[LearnedMotif]
    mode: Mode
    reverse: bool
    match: bool


def arranged(motifs: Sequence[LearnedMotif], *, order: str, text: str = "") -> list[LearnedMotif]:
    """The motifs whose name, match or consensus holds `text`, in an order of `_ORDERS`."""
    wanted = text.strip().casefold()
    kept = [
        motif for motif in motifs
        if any(wanted in part.casefold() for part in (motif.name, motif.match, motif.match_name, motif.motif.consensus))
    ]  # fmt: skip
    return sorted(kept, key=lambda motif: (not motif.counts, _ORDERS[order](motif)))


def controls(motifs: Sequence[LearnedMotif]) -> View:
    """Draw the controls; what is chosen outlives a change of page."""
    good = [motif for motif in motifs if motif.counts]
    rest = len(motifs) - len(good)
    keep = {"persist_state": "session"}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        order = st.selectbox("Sort by", list(_ORDERS), key="motif_order", width=190, **keep)
        text = st.text_input("Name, match or consensus contains", key="motif_text", width=230)
        mode = st.segmented_control(
            "Letter height",
            ["information", "probability"],
            default="information",
            required=True,
            key="motif_mode",
            **keep,
        )
        with st.container(horizontal=True, width="content", gap="medium"):
            match = st.toggle("JASPAR match beneath", key="motif_match", **keep)
            reverse = st.toggle("Reverse complement", key="motif_reverse", **keep)
            every = bool(rest) and st.toggle(
                f"Also the {rest} filters without a clear motif", disabled=not good
            )
    shown = arranged(motifs if every or not good else good, order=order, text=text)
    return View(shown, mode, reverse, match)


def grid(view: View, colours: dict[str, str], *, key: str, picked: str | None, muted: Sequence[str]) -> None:
    """Draw the motifs as cards."""
    cards = []
    for motif in view.shown:
        svg = picture(
            motif,
            mode=view.mode,
            reverse=view.reverse,
            with_match=view.match,
            height=58 if view.match else 72,
        )
        worth = (
            f"{motif.contribution + 0.0:+.1f} logits, ".replace("-0.0", "+0.0")
            if np.isfinite(motif.contribution)
            else ""
        )
        cards.append(
            {
                "name": motif.name, "colour": colours[motif.name], "src": svg_uri(svg), "alt": f"logo of {motif.name}",
                "lines": [known_as(motif), f"{worth}{motif.information:.1f} bits, {motif.windows:,} windows"],
                "note": motif.note, "muted": motif.name in muted,
            }
        )  # fmt: skip
    tiles(cards, key=key, picked=picked, warning=WARNING)
