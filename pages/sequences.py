"""Sequences: what did it read here?"""

import streamlit as st

from app import page, picker, services, state
from app.window import outline, show_window
from argminn_core.errors import ArgminnError
from argminn_core.instances import to_bed
from argminn_core.tables import DROPPED, INSTANCES, PREDICTIONS


@st.fragment
def browse() -> None:
    """The table and the picked window: picking another one re-runs only this."""
    place = ("start0", "end0", "note") if reading.table["note"].any() else ()
    picked = st.dataframe(
        reading.table, hide_index=True, height=300 if len(reading.table) > 7 else "content",
        on_select="rerun", selection_mode="single-row-required",
        key=f"table_{state.model_name()}_{source.digest}",
        column_order=("sequence", *place, "logit", "probability", "instances", "motifs"),
        column_config={
            "sequence": st.column_config.TextColumn(width="medium"),
            "logit": st.column_config.NumberColumn(format="%.2f"),
            "probability": st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1),
            "motifs": st.column_config.TextColumn("motifs, left to right", width="large"),
        },
    )  # fmt: skip
    rows = picked.selection.rows
    show_window(model, reading, rows[0] if rows and rows[0] < len(reading.table) else 0)


page.heading("Sequences", "What did it read here? Predictions, and the motif instances behind them.")
model = state.bundle()
source, reading, problem = state.source(), None, None
if source is not None:
    try:
        reading = services.read(state.model_name(), source.raw, source.digest, ambiguous=state.ambiguous())
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
with_instance = int((reading.table["instances"] > 0).sum())
st.markdown(
    f"{page.count(len(reading.windows.sequences), 'record')} read in {page.count(len(reading.table), 'window')}, "
    f"**{with_instance:,}** of them with an instance; {page.count(len(reading.instances), 'instance')}, "
    f"{page.count(len(reading.dropped), 'record')} dropped"
)
if len(reading.dropped):
    with st.expander("Dropped records, and why"):
        st.dataframe(reading.dropped, hide_index=True)
if reading.table.empty:
    st.warning("No record could be read.")
    st.stop()
with st.container(horizontal=True):
    stem = page.file_stem(source.label)
    # Callables: nothing is written out before it is asked for.
    st.download_button(
        "Predictions (TSV)", lambda: PREDICTIONS.to_tsv(reading.table), f"{stem}_predictions.tsv"
    )
    st.download_button(
        "Instances (TSV)", lambda: INSTANCES.to_tsv(reading.instances), f"{stem}_instances.tsv"
    )
    st.download_button("Instances (BED)", lambda: to_bed(reading.instances), f"{stem}_instances.bed")
    if len(reading.dropped):
        st.download_button("Dropped (TSV)", lambda: DROPPED.to_tsv(reading.dropped), f"{stem}_dropped.tsv")
browse()
