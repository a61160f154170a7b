"""Motifs: what did it learn?"""

import streamlit as st

from app import help_texts, motif_card, motif_list, page, services, state
from app.components.tiles import picked
from argminn_core.motifs import ranked

page.heading(
    "Motifs", "What did it learn? One motif per filter, from the windows that the filter answers to."
)
help_texts.show("motifs")
model = state.bundle()
motifs = ranked(model.motifs)
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
    motif_list.table_and_files(view, stem=page.file_stem(state.model_name()))
with right:
    with st.container(border=True, key="card"):
        basis = motif_card.basis()
        motif_card.show(model, chosen, basis, mode=view.mode, reverse=view.reverse)
    motif_card.effect(basis)
