"""Where sequences come from: a file, pasted text, or examples with the model's own motifs planted."""

from __future__ import annotations

import streamlit as st

from app import services, state
from app.page import errors_shown, plain
from argminn_core.checkpoint import ModelBundle

_FILE, _TEXT = "fasta_file", "fasta_text"


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
        st.checkbox(
            "Read other IUPAC letters (R, Y, S, …) as N", key=state.AMBIGUOUS, persist_state="session"
        )
        st.caption(
            f"The model reads {model.length:,} bp. A longer record is read in windows that overlap by half, "
            "a shorter one is padded with N, one shorter than a motif is dropped and listed. For more than "
            f"{services.MAX_RECORDS:,} records use **argminn scan** on the command line."
        )


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
        state.set_source("examples", services.example(model))
