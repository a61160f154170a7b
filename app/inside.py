"""The model in use as a picture, with one sequence on its way through it; its scores, receipt and files."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import cards, page, services
from app.motif_card import Basis, basis
from app.page import plain, short
from argminn_core.checkpoint import ModelBundle
from argminn_core.flow import flow
from argminn_core.motifs import ranked
from argminn_core.plot.architecture import Example, architecture_svg
from argminn_core.plot.logo import logo_img

_HIGHEST, _MIDDLE, _LOWEST = "highest logit", "nearest to 0", "lowest logit"


def show(model: ModelBundle, name: str) -> None:
    """Draw what the model in use is."""
    st.header(f"Inside {plain(name)}", anchor=False)
    at = basis()
    choice = st.segmented_control(
        f"One sequence on its way, of {short(at.label)}", [_HIGHEST, _MIDDLE, _LOWEST], default=_HIGHEST,
        required=True, key="inside_example", persist_state="session",
    )  # fmt: skip
    window = _window(at, choice)
    picture = _picture(model, at, window)
    said = f"architecture of {name}: sequence, motif scanner, attention layers, memory stream, logit"
    # Wider than a phone: it can be scrolled, with the keyboard too.
    st.html(
        '<div style="overflow-x:auto" tabindex="0" role="region" aria-label="architecture">'
        + logo_img(picture, said, style="min-width:820px;max-width:100%")
        + "</div>"
    )
    if window is not None:
        row = at.reading.table.iloc[window]
        st.caption(
            f"{plain(short(row['sequence']))}: logit {row['logit']:.2f}, probability {row['probability']:.3f}. "
            "A head has the colour of the motif that it looks at, an empty one looks at none. Beside the stream: the "
            "logit, were the model to stop there."
        )
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(cards.facts(model))
        with st.container(horizontal=True):
            stem = page.file_stem(name)
            st.download_button("Model file", lambda: services.model_file(name), f"{stem}.safetensors")
            st.download_button("Training record", services.training_record(model), f"{stem}.json")
    with right:
        table = cards.score_table(model)
        if len(table):
            decimals = st.column_config.NumberColumn(format="%.3f")
            st.dataframe(
                table, hide_index=True, column_config=dict.fromkeys(table.columns.drop("split"), decimals)
            )
        cards.show_confidence(model)
    cards.show_receipt(model)


def _window(at: Basis, choice: str) -> int | None:
    """The row of the reading's table that is shown; it is sorted by falling logit."""
    logits = at.reading.table["logit"].to_numpy()
    if not len(logits):
        return None
    return {_HIGHEST: 0, _MIDDLE: int(np.abs(logits).argmin()), _LOWEST: len(logits) - 1}[choice]


def _picture(model: ModelBundle, at: Basis, window: int | None) -> str:
    config = model.model.config
    counting = [motif for motif in ranked(model.motifs) if motif.counts]
    return architecture_svg(
        [(motif.name, motif.motif.pfm) for motif in counting], services.colours(model), length=config.length,
        filters=config.filters, width=config.width, layers=config.layers, heads=config.heads,
        strands=config.channels // config.filters, evidence=config.evidence, ink=page.ink(),
        example=None if window is None else _example(model, at.reading, window),
    )  # fmt: skip


def _example(model: ModelBundle, reading: services.Reading, window: int) -> Example:
    said = flow(model, reading.windows.codes(window, window + 1)[0])
    names = [motif.name for motif in model.motifs]
    found, start0 = reading.instances_of(window), int(reading.windows.start0[window])
    middle = (found["start0"] + found["end0"]) / 2 - start0
    return Example(
        reads=[[None if f < 0 else names[f] for f in heads] for heads in said.motif.tolist()],
        look=said.look, logits=said.logits.tolist(), logit=said.logit, evidence=float(said.evidence.sum()),
        sites=list(zip(found["motif"], middle / model.length, strict=True)),
    )  # fmt: skip
