"""Models: what am I looking at?"""

import streamlit as st

from app import cards, page, services, state
from argminn_core.errors import ArgminnError
from argminn_core.plot.architecture import architecture_svg
from argminn_core.plot.logo import logo_img

COLUMNS = 3


def card(name: str) -> None:
    st.subheader(page.plain(name), anchor=False)
    try:
        model = services.bundle(name)
    except ArgminnError as error:  # one bad file in the folder does not hide the others
        page.show_error(error)
        return
    with st.container():
        st.caption(page.plain(model.card.get("description", "")) or "No description")
        st.markdown(cards.headline(model))
        st.html(cards.logo_strip(model))
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
names = services.models()
if not names:
    st.info("There is no model yet. Train one with `argminn train`, or add a model file here.")
for start in range(0, len(names), COLUMNS):
    for column, name in zip(st.columns(COLUMNS), names[start : start + COLUMNS], strict=False):
        with column.container(border=True, height="stretch", vertical_alignment="distribute"):
            card(name)
with st.expander("Add a model file", expanded=not names):
    add_model()

if names:
    model, name = state.bundle(), state.model_name()
    config = model.model.config
    st.header(f"Inside {page.plain(name)}", anchor=False)
    ranked = [motif for motif in services.ranked(model.motifs) if motif.counts]
    picture = architecture_svg(
        [(motif.name, motif.motif.pfm) for motif in ranked], services.colours(model), length=config.length,
        filters=config.filters, width=config.width, layers=config.layers, heads=config.heads,
        strands=config.channels // config.filters, evidence=config.evidence, ink=page.ink(),
    )  # fmt: skip
    st.html(
        '<div style="overflow-x:auto">'
        + logo_img(
            picture,
            "sequence, motif scanner, attention layers, memory stream, logit",
            style="min-width:820px",
        )
        + "</div>"
    )
    left, right = st.columns(2)
    with left:
        st.markdown(cards.facts(model))
    with right:
        st.dataframe(cards.score_table(model), hide_index=True)
        with st.container(horizontal=True):
            stem = page.file_stem(name)
            st.download_button("Model file", lambda: services.model_file(name), f"{stem}.safetensors")
            st.download_button("Training record", services.training_record(model), f"{stem}.json")
