"""Variants: what does this change break?"""

import streamlit as st

from app import page, picker, services, state
from app import variants_panels as panels
from argminn_core.errors import ArgminnError

page.heading(
    "Variants", "What does this change break? Both alleles of an edit, and the motif instances between them."
)
model = state.bundle()
source, given, found, problem = state.source(), panels.given(), None, None
if source is not None and given is not None:
    try:
        found = services.effects(
            state.model_name(), source.raw, source.digest, given.raw, given.digest, typed=given.typed,
            ambiguous=state.ambiguous(),
        )  # fmt: skip
    except ArgminnError as error:
        problem = error
picker.sequence_picker(model, folded=source is not None)
panels.edit_inputs(model)
if problem is not None:
    page.show_error(problem)
elif source is None:
    st.info("Give sequences above and say what to change in them, or try the example.")
elif given is None:
    st.info("Type an edit such as **name:120 A>G**, upload a VCF, or try the example.")
if found is not None:
    dropped = panels.all_dropped(found)
    panels.summary(found.effects, dropped)
    if found.effects.table.empty:
        st.warning("No variant could be read: each is listed above with its reason.")
    else:
        panels.explore(model, found.sequences, found.effects, dropped)
with st.expander("How to read this"):
    st.markdown(panels.HOW_TO_READ)
