"""Sequences: what did it read here?"""

from dataclasses import replace

import pandas as pd
import streamlit as st

from app import help_texts, page, picker, sequence_table, services, state
from app.window import outline, show_window
from argminn_core.errors import ArgminnError


@st.fragment
def browse() -> None:
    """The table and the picked window: filtering, or picking another one, re-runs only this."""
    state.follow()
    key = f"{state.model_name()}_{source.digest}"
    wanted = sequence_table.filters(reading, key=key)
    rows = wanted.rows(reading)
    if not len(rows):
        st.info("No window passes the filter.")
        return
    if len(rows) < len(reading.table):
        st.markdown(f"{page.count(len(rows), 'window')} of {len(reading.table):,} pass the filter.")
    index = sequence_table.pick(reading, rows, key=f"{key}_{wanted.key}")
    show_window(model, reading, index)
    sequence_table.downloads(model, reading, rows, stem=page.file_stem(source.label))


page.heading("Sequences", "What did it read here? Predictions, and the motif instances behind them.")
help_texts.show("sequences")
model = state.bundle()
source, reading, problem = state.source(), None, None
if source is not None:
    try:
        reading = services.read(state.model_name(), source.raw, source.digest, ambiguous=state.ambiguous())
        if source.dropped is not None:
            reading = replace(
                reading, dropped=pd.concat([source.dropped, reading.dropped], ignore_index=True)
            )
    except ArgminnError as error:
        problem = error
picker.sequence_picker(model, folded=reading is not None)
if problem is not None:
    page.show_error(problem)
elif reading is None:
    st.info("Upload or paste FASTA above, or start with the example sequences.")
if reading is None:
    outline()
    st.stop()
st.markdown(sequence_table.summary(reading))
if len(reading.dropped):
    with st.expander("Dropped records, and why"):
        st.dataframe(reading.dropped, hide_index=True)
if reading.table.empty:
    st.warning("No record could be read.")
    st.stop()
browse()
