"""What the Syntax page reads besides the picked sequences, and what it says of them before any chart."""

from __future__ import annotations

import streamlit as st

from app import examples, state
from app.page import count, errors_shown, plain
from app.syntax_work import Observed, simulated
from argminn_core.checkpoint import ModelBundle
from argminn_core.datasets import grammar_of

_FILE = "controls_file"
_FEW = 20  # sequences, below which nothing can be told from chance

HOW_TO_READ = """
- **Instance**: a place where the model looked, the filter answered, and the logit changes by 1 or more when the bases
  are replaced. Of each motif the strongest instance of a sequence counts, so that one sequence is one
  observation.
- **Pairs**: two motifs in one sequence, against what their own frequencies would give (Fisher's exact test).
  q-values are corrected for all pairs.
- **Gap**: bases between the end of the left motif and the start of the right one; below 0 they overlap. Arrows are
  strands: → is +, ← is −. A pair and its mirror image on the other strand are one arrangement. Full bars: more
  sequences than positions by chance would give, q ≤ 0.05; pale bars: not.
- **Synergy**: the pair is planted into backgrounds in which the model uses nothing. Logit with both, minus what each
  adds alone. Above 0 the model wants both; near 0 they only add up; below 0 one makes the other needless, or
  represses it. An interval (95 %) that holds 0 is drawn as 0.
- **Weights**: where the model knows distances, what its attention adds to the score of one motif once the other was
  pointed at, read straight from the weights, no sequence needed. Blue gaps attract, red ones repel.
- **Rule**: a preference that the sequences show **and** the planted pair confirms by a logit or more. What is only
  seen above, and does nothing below, is a habit of the sequences, not of the model.
- **Necessary**: without the motif more than half of the positive calls are lost. **Sufficient**: alone it makes a
  neutral background positive. **Repressor**: most of its instances lower the logit.
"""


def controls_picker(model: ModelBundle) -> None:
    """Sequences without the signal, or sequences made with the rules of the model's own grammar."""
    controls = state.controls()
    title = "Controls (optional)" if controls is None else f"Controls from {plain(controls.label)}"
    with st.expander(title):
        st.caption(
            "Sequences without the signal. What is rare in them and frequent in yours stands out; repressors may show "
            "only there."
        )
        st.file_uploader(
            "FASTA of controls, plain or gzip", type=["fa", "fasta", "fna", "txt", "gz"], key=_FILE,
            on_change=_take_controls,
        )  # fmt: skip
        with st.container(horizontal=True):
            if controls is not None:
                st.button("Remove the controls", on_click=state.clear_controls)
            if grammar_of(model.card) is not None and state.source() is not None:
                simulate_button(model)


def simulate_button(model: ModelBundle, *, primary: bool = False) -> None:
    """One click to sequences that hold the model's rules, or where its data were real, its motifs."""
    kind = "primary" if primary else "secondary"
    if grammar_of(model.card) is not None:
        st.button(
            "Simulate sequences of this model's grammar", type=kind, on_click=_take_simulated, args=[model],
            help="300 positives, and 300 negatives as controls.",
        )  # fmt: skip
    else:
        st.button(
            "Use 300 example sequences", type=kind, on_click=_take_example, args=[model],
            help="Its motifs at random places: they hold no rule, as you will see.",
        )  # fmt: skip


def remarks(seen: Observed) -> bool:
    """Say what was read, and what it is too little for; whether there is anything to draw."""
    n, syntax = len(seen.sequences), seen.syntax
    motifs = syntax.instances["motif"].nunique()
    st.markdown(
        f"{count(n - seen.controls, 'sequence')} and {count(seen.controls, 'control')}; "
        f"{count(len(syntax.instances), 'instance')} of {count(motifs, 'motif')} that the model used; "
        f"{count(len(seen.dropped), 'record')} dropped"
    )
    if len(seen.dropped):
        with st.expander("Dropped records, and why"):
            st.dataframe(seen.dropped, hide_index=True)
    if len(syntax.merged):
        with st.expander(
            f"{len(syntax.merged)} filters read the same sites as another one and were joined to it"
        ):
            st.dataframe(syntax.merged, hide_index=True)
    if not n:
        st.warning("No record could be read. Give at least one sequence of DNA.")
        return False
    if not motifs:
        st.warning(
            "The model uses no motif in these sequences: no bases are worth a logit. Look at its predictions on the "
            "Sequences page, or give sequences of the kind that the model was trained on."
        )
        return False
    if n < _FEW:
        few = "One sequence shows" if n == 1 else f"{n} sequences show"
        st.warning(f"{few} no preference that could be told from chance; give {_FEW} or more, best hundreds.")
    if motifs == 1:
        st.info("Only one motif is used here: all there is to see is how it stands to itself.")
    elif not syntax.pairs["together"].any():
        st.info("No two motifs are used in the same sequence. A pair can still be planted.")
    return True


def _take_controls() -> None:
    uploaded = st.session_state[_FILE]
    if uploaded is not None:
        state.set_controls(uploaded.name, uploaded.getvalue())


def _take_simulated(model: ModelBundle) -> None:
    with errors_shown():
        positives, negatives = simulated(model)
        state.set_source("simulated positives", positives)
        state.set_controls("simulated negatives", negatives, belongs=state.source().digest)


def _take_example(model: ModelBundle) -> None:
    with errors_shown():
        state.set_source("examples", examples.example(model, n=300))
        state.clear_controls()
