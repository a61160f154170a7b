"""Syntax: which rules?"""

import streamlit as st

from app import page, picker, services, state
from app.progress import show_progress
from app.syntax_inputs import HOW_TO_READ, controls_picker, remarks, simulate_button
from app.syntax_panels import explore

page.heading("Syntax", "Which rules? What stands together, at which gaps, and what the model makes of it.")
model = state.bundle()
source, controls = state.source(), state.controls()
job = None
if source is not None:
    given = {
        "against": controls.digest if controls else "", "ambiguous": state.ambiguous(),
    }  # fmt: skip
    job = services.observing(
        state.model_name(), source.raw, source.digest, controls=controls.raw if controls else b"", **given
    )
    job.wait(1.0)  # a few thousand sequences take no longer, and need no progress bar
picker.sequence_picker(model, folded=job is not None and job.problem is None)
controls_picker(model)
if job is None:
    st.info("Upload or paste FASTA above, or start with sequences that hold motifs of this model.")
    simulate_button(model, primary=True)
    st.stop()
if job.running:
    show_progress(job, "Reading the sequences", key="reading")
    st.stop()
if job.cancelled:
    st.info("Reading was cancelled.")
    st.button("Read the sequences", on_click=job.start)
    st.stop()
with page.errors_shown():
    seen = job.result
if not remarks(seen):
    st.stop()

explore(model, seen, services.ruling(state.model_name(), source.digest, seen, **given))
with st.expander("How to read this"):
    st.markdown(HOW_TO_READ)
