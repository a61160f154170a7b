"""Design: write me one."""

import streamlit as st

from app import design_state as ds
from app import design_verdict as dv
from app import page, state
from app.components.canvas import answer, canvas
from app.design_panels import HOW_TO_READ, controls, exports, report
from app.design_rules import rules_panel
from app.design_shelf import keep, shelf
from argminn_core.errors import InputError


@st.fragment
def studio() -> None:
    """The canvas and all that follows from it: a drop re-runs only this."""
    key = f"canvas_{state.model_name()}"
    made.take(answer(key, rev=made.rev, name=made.name))
    if made.pending:  # from a file with more than one design
        dv.shelve(model, made, made.pending)
        made.pending = []
        st.rerun()
    board, (left, right) = st.container(), st.columns([3, 2], gap="large")
    try:
        rendered = dv.render(model, made)
    except InputError as error:  # placements of a model that has since been trained anew
        board.error(page.plain(error))
        board.button("Start again", on_click=made.clear)
        return
    verdict = dv.judge(model, made, rendered)
    checks = dv.check(rendered.codes, st.session_state.get(ds.ENZYMES) or [])
    # What a drop is waiting for comes first.
    with board:
        canvas(
            key=key, length=model.length, sequence=rendered.text, motifs=dv.palette(model),
            placements=made.placements, rev=made.rev, design=made.id, base=made.at, latest=made.latest,
            writes="draw" if st.session_state.get(ds.MODE) == ds.DRAWN else "consensus",
            rules=dv.snapping(model, made), instances=verdict.instances, damaged=rendered.damaged,
            unread=verdict.unread.index, gc=dv.gc_track(rendered.codes), marks=checks.marks(), name=made.name,
        )  # fmt: skip
    with left:
        report(made, rendered, verdict, checks)
        exports(model, made, rendered, verdict)
    with right:
        kept = controls(model, made)
        rules_panel(model, made)
    if kept:
        keep(model, made, verdict.logit)
        st.rerun()


page.heading(
    "Design", "Write me one: place motifs on a sequence, and see at once what the model makes of it."
)
model = state.bundle()
made = ds.current(model, state.model_name())
studio()
shelf(model, made)
with st.expander("How to read this"):
    st.markdown(HOW_TO_READ)
