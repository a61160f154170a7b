"""Learned rules on the Design page: from the model's card, or found in this session when the visitor asks."""

from __future__ import annotations

import streamlit as st

from app import design_state as ds
from app import state
from app.page import errors_shown, plain
from argminn_core import rulebook
from argminn_core.checkpoint import ModelBundle
from argminn_core.datasets import grammar_of
from argminn_core.fasta import Sequences, read_fasta
from argminn_core.simulate import both_classes

MAX_RECORDS = 2000
SIMULATED = 300  # of each class


def rules_panel(model: ModelBundle, made: ds.Design) -> None:
    """Where the rules come from, and a way to find them where the model file brings none."""
    known, left_out = ds.rules(model, made)
    if left_out:
        st.warning(f"{left_out} of the rules in the model file cannot be read and were left out.")
    pairs = [rule for rule in known if rule.kind == "pair" and rule.gaps]
    title = f"{len(known)} learned rules" if known else "Learned rules: none known"
    with st.expander(title):
        if known:
            st.markdown("\n".join(f"- {plain(rule.sentence or rule.name)}" for rule in known[:40]))
            st.caption(
                "A motif that is dragged near a preferred gap snaps to it; hold Alt to place it freely."
                if pairs
                else "None of them prefers a gap, so nothing snaps."
            )
        else:
            st.caption("The model file brings no rules, so nothing snaps to a gap and no rule is judged.")
        source, simulated = state.source(), grammar_of(model.card)
        if source is not None and st.button(f"Find rules in {plain(source.label)}"):
            with errors_shown():
                sequences, _ = read_fasta(source.raw, ambiguous="N", max_records=MAX_RECORDS)
                _find(model, made, sequences, None)
        if simulated is not None and st.button(f"Find rules in simulated {simulated.name} sequences"):
            with errors_shown():
                _find(model, made, *both_classes(simulated, SIMULATED, length=model.length, seed=1))
        if source is None and simulated is None:
            st.caption("Give sequences on the Sequences page, and rules can be found in them here.")


def _find(model: ModelBundle, made: ds.Design, sequences: Sequences, controls: Sequences | None) -> None:
    bar = st.progress(0.0, "Reading the sequences")

    def progress(done: int, total: int) -> None:
        bar.progress(done / max(total, 1), f"Planting pairs of motifs, {done} of {total}")

    made.learned = rulebook.learn(model, sequences, controls, progress=progress)
    st.rerun()
