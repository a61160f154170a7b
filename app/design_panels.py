"""The two panels under the canvas: the verdict on a design, and its settings."""

from __future__ import annotations

import streamlit as st

from app import design_state as ds
from app.page import file_stem, plain
from argminn_core.checkpoint import ModelBundle
from argminn_core.design import Rendered, design_header
from argminn_core.fasta import to_fasta
from argminn_core.tables import PLACEMENTS


def controls(made: ds.Design) -> None:
    """Draw the settings of a design; what is chosen outlives a change of page."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kinds = [ds.RANDOM] if made.given is None else [ds.RANDOM, ds.GIVEN, ds.SHUFFLED]
        kind = st.selectbox("Background", kinds, key=ds.KIND, persist_state="session")
        st.button("New draw", on_click=made.draw_again, disabled=kind == ds.GIVEN, help="Placements stay.")
    if kind == ds.RANDOM:
        st.slider("GC content (%)", 20, 80, 50, key=ds.GC, persist_state="session")
    st.segmented_control(
        "A placement writes", ds.MODES, default=ds.CONSENSUS, required=True, key=ds.MODE,
        persist_state="session", help="The commonest base of each column, or a draw from the motif.",
    )  # fmt: skip
    with st.expander("Open a design, or give a background", expanded=bool(made.problem)):
        take = {"on_change": ds.take, "args": [made]}
        st.file_uploader("FASTA file", ["fa", "fasta", "fna", "txt", "gz"], key=ds.UPLOAD, **take)
        st.text_area("or paste it", key=ds.PASTED, placeholder=">name\nACGT…", **take)
        st.caption(
            "A design from this page comes back with its placements. Of any other sequence, the middle "
            f"{made.length:,} bp become the background."
        )
        if made.problem:
            st.error(plain(made.problem))
    # A design that is opened brings its name along: a new revision, a new field.
    name = st.text_input("Name", made.name, max_chars=60, key=f"design_name_{made.rev}")
    made.name = name.strip() or "design_01"
    st.multiselect("Restriction sites to look for", ds.CUTTERS, key=ds.ENZYMES, persist_state="session")


def report(model: ModelBundle, made: ds.Design, rendered: Rendered, verdict: ds.Verdict) -> None:
    """The verdict on a design, the checks before it is ordered, and its files."""
    change = made.change(rendered.text, verdict.logit)
    read, placed = len(verdict.read), len(rendered.placements)
    accidental = verdict.instances["accidental"]
    with st.container(horizontal=True):
        st.metric("Logit", f"{verdict.logit:.2f}", None if change is None else f"{change:+.2f}")
        st.metric("Probability", f"{verdict.probability:.3f}")
        st.metric("Placements read", f"{read} of {placed}")
        st.metric("Accidental motifs", int(accidental.sum()))
    overwritten = rendered.placements.iloc[rendered.damaged]
    for rows, what in [
        (verdict.unread, "Placed but not read"),
        (overwritten, "Overwritten in part by a later placement"),
    ]:
        if len(rows):
            where = ", ".join(f"**{plain(row.motif)}** at {row.start0}" for row in rows.itertuples())
            st.warning(f"{what}: {where}.")
    table = verdict.instances.assign(origin=accidental.map({True: "accidental", False: "placed"}))
    if table.empty:
        st.info(
            "The model reads no motif in this sequence."
            if placed
            else "Place a motif: the verdict follows it."
        )
    else:
        st.dataframe(
            table[["motif", "start0", "end0", "strand", "contribution", "origin"]], hide_index=True,
            column_config={"contribution": st.column_config.NumberColumn(format="%.2f")},
        )  # fmt: skip
    lines = ds.checks(rendered.codes, st.session_state.get(ds.ENZYMES) or [])
    st.markdown("  \n".join(f"{what}: **{found}**" for what, found in lines))
    stem = file_stem(made.name)
    header = design_header(made.name, model=model.name, logit=verdict.logit, placements=rendered.placements)
    fasta = to_fasta([(header.removeprefix(">"), rendered.text)])
    placements = rendered.placements.assign(sequence=made.name)
    with st.container(horizontal=True):
        st.download_button("Design (FASTA)", fasta, f"{stem}.fa", on_click="ignore")
        st.download_button(
            "Placements (TSV)", PLACEMENTS.to_tsv(placements), f"{stem}.tsv", on_click="ignore"
        )
    if placed:
        with st.expander("Placements"):
            st.dataframe(placements.drop(columns="sequence"), hide_index=True)
