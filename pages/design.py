"""Design: write me one."""

import streamlit as st

from app import design_state as ds
from app import page, state
from app.components.canvas import answer, canvas
from app.design_panels import controls, report
from argminn_core.errors import InputError


@st.fragment
def studio() -> None:
    """The canvas and all that follows from it: a drop re-runs only this."""
    key = f"canvas_{state.model_name()}"
    sent = answer(key, rev=made.rev, name=made.name)
    made.placements = made.placements if sent is None else sent
    board, (left, right) = st.container(), st.columns([3, 2], gap="large")
    with right:
        controls(made)
    try:
        rendered = ds.render(model, made)
    except InputError as error:  # placements of a model that has since been trained anew
        board.error(page.plain(error))
        board.button("Start again", on_click=made.clear)
        return
    verdict = ds.judge(model, made, rendered)
    with board:
        canvas(
            key=key, length=model.length, sequence=rendered.text, motifs=ds.palette(model),
            placements=made.placements, rev=made.rev, instances=verdict.instances, damaged=rendered.damaged,
            unread=verdict.unread.index, name=made.name,
        )  # fmt: skip
    with left:
        report(model, made, rendered, verdict)


page.heading(
    "Design", "Write me one: place motifs on a sequence, and see at once what the model makes of it."
)
model = state.bundle()
made = ds.current(model, state.model_name())
studio()
