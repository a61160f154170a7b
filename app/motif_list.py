"""Which motifs the Motifs page shows, and in which order: the controls, the grid, the table and its files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import streamlit as st

from app import services
from app.components.tiles import tiles
from app.motif_card import known_as, picture
from app.page import WARNING
from argminn_core.motifs import LearnedMotif
from argminn_core.pfm import to_jaspar, to_meme, to_transfac
from argminn_core.plot.logo import Mode, svg_uri
from argminn_core.readout import motif_table
from argminn_core.tables import MOTIFS

# What comes first, and "not known" last. The sort is stable, and the motifs come ranked.
_ORDERS: dict[str, Callable[[LearnedMotif], float | str]] = {
    "contribution": lambda motif: -motif.contribution if np.isfinite(motif.contribution) else np.inf,
    "information": lambda motif: -motif.information,
    "q-value of the match": lambda motif: motif.q_value if np.isfinite(motif.q_value) else np.inf,
    "windows": lambda motif: -motif.windows,
    "name": lambda motif: motif.name.casefold(),
}


_WEIGHT = 1.0  # logits; a filter that is worth as much is shown, however blurred its motif is


def worth_showing(motif: LearnedMotif) -> bool:
    """Whether the motif is clear, or the model's logits come from it all the same."""
    return motif.counts or motif.contribution >= _WEIGHT


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
    return sorted(kept, key=lambda motif: (not worth_showing(motif), _ORDERS[order](motif)))


def controls(motifs: Sequence[LearnedMotif]) -> View:
    """Draw the controls; what is chosen outlives a change of page."""
    good = [motif for motif in motifs if worth_showing(motif)]
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
                f"Also {rest} filter{'s' * (rest != 1)} without a clear motif", disabled=not good
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


def table_and_files(view: View, *, stem: str) -> None:
    """The motifs that are shown as a table, and as files of other tools."""
    table = motif_table(view.shown)
    st.dataframe(
        table, hide_index=True, height="content" if len(table) < 12 else 420,
        column_config={
            "information": st.column_config.NumberColumn("bits", format="%.1f"),
            "contribution": st.column_config.NumberColumn("contribution (logits)", format="%.2f"),
            "q_value": st.column_config.NumberColumn("q-value", format="%.1e"),
            "max_activation": st.column_config.NumberColumn("max activation", format="%.3f"),
            "threshold": st.column_config.NumberColumn(format="%.3f"),
        },
    )  # fmt: skip
    exported = [motif.motif for motif in view.shown]
    with st.container(horizontal=True):
        st.download_button("MEME", to_meme(exported), f"{stem}.meme")
        st.download_button("JASPAR", to_jaspar(exported), f"{stem}.jaspar")
        st.download_button("TRANSFAC", to_transfac(exported), f"{stem}.transfac")
        st.download_button("Table (TSV)", MOTIFS.to_tsv(table), f"{stem}_motifs.tsv")
        st.download_button(
            "Logos (SVG)",
            lambda: services.logo_archive(view.shown, mode=view.mode, reverse=view.reverse),
            f"{stem}_logos.zip",
        )
