"""Where sequences come from: a file, pasted text, regions on a genome, or examples with the model's motifs planted."""

from __future__ import annotations

import streamlit as st

from app import examples, genomes, services, state
from app.page import errors_shown, plain, show_error
from argminn_core.checkpoint import ModelBundle
from argminn_core.errors import ArgminnError

_FILE, _TEXT, _BED, _GENOME = "fasta_file", "fasta_text", "bed_file", "genome"


def sequence_picker(model: ModelBundle, *, folded: bool) -> None:
    """Draw the inputs, folded away once something could be read."""
    source = state.source()
    title = "Give sequences" if source is None else f"Sequences from {plain(source.label)}"
    # A new key makes a new expander, which opens or closes as it is told.
    with st.expander(title, expanded=not folded, key=f"inputs_{source.digest if source else ''}_{folded}"):
        left, right = st.columns(2)
        with left:
            st.file_uploader(
                "FASTA file, plain or gzip", type=["fa", "fasta", "fna", "txt", "gz"], key=_FILE,
                on_change=_take_file,
            )  # fmt: skip
            st.button("Use example sequences", on_click=_take_example, args=[model])
        with right:
            st.text_area("or paste FASTA", key=_TEXT, height=120, placeholder=">name\nACGT…")
            st.button("Read the pasted text", on_click=_take_text)
        _regions(model)
        st.checkbox(
            "Read other IUPAC letters (R, Y, S, …) as N", key=state.AMBIGUOUS, persist_state="session"
        )
        st.caption(
            f"The model reads {model.length:,} bp. A longer record is read in windows that overlap by half, "
            "a shorter one is padded with N, one shorter than a motif is dropped and listed. For more than "
            f"{services.MAX_RECORDS:,} records use **argminn scan** on the command line."
        )


def _regions(model: ModelBundle) -> None:
    """BED on a genome of the server, where there is one."""
    offered = list(genomes.genomes())
    if not offered:
        st.caption(
            f"To read regions of a BED file, start the server with **{genomes.VARIABLE}** set to a folder of genomes "
            "(.fa, .fa.gz)."
        )
        return
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    with left:
        bed = st.file_uploader(
            "or a BED or narrowPeak file, plain or gzip", type=["bed", "narrowpeak", "txt", "gz"], key=_BED
        )
    with right:
        genome = st.selectbox("on the genome", offered, key=_GENOME, persist_state="session")
        pressed = st.button("Read the regions", disabled=bed is None)
    if pressed and bed is not None and genome is not None:
        try:
            with st.spinner("Cutting the regions out of the genome", show_time=True):
                raw, lost = genomes.regions_as_fasta(
                    bed.getvalue(), genome, length=model.length, most=services.MAX_RECORDS
                )
        except ArgminnError as error:
            show_error(error)  # what was read before stays
            return
        state.set_source(f"{bed.name} on {genome}", raw, lost)
        st.rerun()


def _take_file() -> None:
    uploaded = st.session_state[_FILE]
    if uploaded is not None:
        state.set_source(uploaded.name, uploaded.getvalue())


def _take_text() -> None:
    text = st.session_state[_TEXT].strip()
    if text:
        # Bare letters are a sequence without a name: the commonest thing that is pasted.
        state.set_source("pasted text", (text if text.startswith(">") else f">pasted\n{text}").encode())


def _take_example(model: ModelBundle) -> None:
    with errors_shown():
        state.set_source("examples", examples.example(model))
