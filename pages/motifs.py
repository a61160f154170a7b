"""Motifs: what did it learn?"""

from html import escape

import streamlit as st

from app import page, services, state
from argminn_core.motifs import LearnedMotif
from argminn_core.pfm import to_jaspar, to_meme, to_transfac
from argminn_core.plot.logo import logo_img
from argminn_core.readout import motif_table
from argminn_core.tables import MOTIFS


def tile(motif: LearnedMotif, colour: str, mode: str, reverse: bool) -> str:
    """One motif of the grid as HTML; every name is escaped."""
    known = (
        f"{motif.match_name} {motif.match}, q = {motif.q_value:.1g}" if motif.match else "no match in JASPAR"
    )
    detail = f"{motif.windows:,} windows, {motif.information:.1f} bits"
    picture = logo_img(
        services.logo(motif, height=72, most=226, mode=mode, reverse=reverse), f"logo of {motif.name}"
    )
    note = f'<div style="color:{page.WARNING}">{escape(motif.note)}</div>' if motif.note else ""
    return (
        f'<figure style="margin:0;padding:10px 12px;border-left:4px solid {colour};min-width:0">'
        f'<figcaption style="font-weight:600;overflow-wrap:anywhere">{escape(motif.name)}</figcaption>'
        f'<div style="min-height:80px;display:flex;align-items:end">{picture}</div>'
        f'<div style="font-size:13px;opacity:.75">{escape(known)}<br>{detail}{note}</div></figure>'
    )


page.heading(
    "Motifs", "What did it learn? One motif per filter, from the windows that the filter answers to."
)
model = state.bundle()
motifs, colours = services.ranked(model.motifs), services.colours(model)
good = [motif for motif in motifs if motif.counts]

with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    scale = st.segmented_control(
        "Letter height", ["information", "probability"], default="information", required=True
    )
    reverse = st.toggle("Reverse complement")
    rest = len(motifs) - len(good)
    every = bool(rest) and st.toggle(f"Also the {rest} filters without a clear motif", disabled=not good)
shown = motifs if every or not good else good
if not good:
    st.info("No filter has a motif of at least 5 columns with a mean of 1 bit; all of them are shown.")
tiles = "".join(tile(motif, colours[motif.name], scale, reverse) for motif in shown)
grid = "display:grid;grid-template-columns:repeat(auto-fill,minmax(250px,1fr));gap:18px"
st.html(f'<div style="{grid}">{tiles}</div>')

table = motif_table(shown)
st.dataframe(
    table, hide_index=True, height="content" if len(table) < 12 else 420,
    column_config={
        "information": st.column_config.NumberColumn("bits", format="%.1f"),
        "q_value": st.column_config.NumberColumn("q-value", format="%.1e"),
        "max_activation": st.column_config.NumberColumn("max activation", format="%.3f"),
        "threshold": st.column_config.NumberColumn(format="%.3f"),
    },
)  # fmt: skip

stem = page.file_stem(state.model_name())
exported = [motif.motif for motif in shown]
with st.container(horizontal=True):
    st.download_button("MEME", to_meme(exported), f"{stem}.meme")
    st.download_button("JASPAR", to_jaspar(exported), f"{stem}.jaspar")
    st.download_button("TRANSFAC", to_transfac(exported), f"{stem}.transfac")
    st.download_button("Table (TSV)", MOTIFS.to_tsv(table), f"{stem}_motifs.tsv")
    st.download_button(
        "Logos (SVG)",
        lambda: services.logo_archive(shown, mode=scale, reverse=reverse),
        f"{stem}_logos.zip",
    )
