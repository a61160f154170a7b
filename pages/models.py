"""Models: what am I looking at?"""

import streamlit as st

from app import cards, compare, help_texts, inside, page, services, state
from argminn_core.errors import ArgminnError

COLUMNS = 3


def card(name: str) -> None:
    st.subheader(page.plain(name), anchor=False)
    try:
        model = services.bundle(name)
    except ArgminnError as error:  # one bad file in the folder does not hide the others
        page.show_error(error)
        return
    # As high as three lines, so that what follows stands on one line with the neighbours'.
    with st.container(key=f"description_{page.file_stem(name)}"):
        st.caption(page.plain(page.short(str(model.card.get("description", "")), 160)) or "No description")
    st.markdown(cards.headline(model))
    st.caption(cards.badges(model))
    st.html(cards.logo_strip(model))
    st.space("stretch")
    chosen = name == state.model_name()
    st.button(
        "In use" if chosen else "Use this model", key=f"use_{name}", disabled=chosen, width="stretch",
        on_click=state.choose_model, args=[name],
    )  # fmt: skip


def add_model() -> None:
    uploaded = st.file_uploader("Model file (.safetensors, as argminn saves it)", type="safetensors")
    if uploaded is None:
        return
    with page.errors_shown():
        name = services.add_model(uploaded.getvalue(), uploaded.name)
    st.success(f"The model is in the list as {page.plain(name)}.")
    st.button("Use it", on_click=state.choose_model, args=[name])


page.heading("Models", "What am I looking at? Choose the network that the other pages read with.")
help_texts.show("models")
names = services.models()
if names:
    inside.show(state.bundle(), state.model_name())
    st.header("All models", anchor=False)
else:
    st.info("There is no model yet. Train one with `argminn train`, or add a model file here.")
for start in range(0, len(names), COLUMNS):
    for column, name in zip(st.columns(COLUMNS), names[start : start + COLUMNS], strict=False):
        with column.container(border=True, height="stretch"):
            card(name)
if names:
    compare.show(names)
with st.expander("Add a model file", expanded=not names):
    add_model()
