"""Motifs: what did it learn?"""

import streamlit as st

from app import help_texts, motif_card, motif_list, page, services, state
from app.components.tiles import picked
from argminn_core.pfm import to_jaspar, to_meme, to_transfac
from argminn_core.readout import motif_table
from argminn_core.tables import MOTIFS

page.heading(
    "Motifs", "What did it learn? One motif per filter, from the windows that the filter answers to."
)
help_texts.show("motifs")
model = state.bundle()
motifs = services.ranked(model.motifs)
if not any(motif.counts for motif in motifs):
    st.info("No filter has a motif of at least 5 columns with a mean of 1 bit; all of them are shown.")
view = motif_list.controls(motifs)
if not view.shown:
    st.info("No motif holds that text. Clear the field to see all of them.")
    st.stop()

key = f"tiles_{state.model_name()}"
by_name = {motif.name: motif for motif in view.shown}
chosen = by_name.get(picked(key), view.shown[0])
left, right = st.columns([8, 5], gap="medium")
with left:
    motif_list.grid(view, services.colours(model), key=key, picked=chosen.name, muted=motif_card.muted())
with right, st.container(border=True, key="card"):
    basis = motif_card.basis()
    motif_card.show(model, chosen, basis, mode=view.mode, reverse=view.reverse)
motif_card.effect(basis)

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

stem = page.file_stem(state.model_name())
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
