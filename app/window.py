"""One window of one record: its trace, its letters, and a row for each instance."""

from __future__ import annotations

import streamlit as st

from app import design_state, services, state
from app.components.trace import trace
from app.page import errors_shown, plain, short
from argminn_core.checkpoint import ModelBundle
from argminn_core.design import design_header
from argminn_core.dna import decode
from argminn_core.plot.traces import sequence_html, trace_rows
from argminn_core.tables import PREDICTIONS


def outline() -> None:
    """What will come, empty: the browser loads the code of the table before there is a file to wait for."""
    st.dataframe(PREDICTIONS.empty().assign(instances=[], motifs=[]), hide_index=True, height=72)


def show_window(model: ModelBundle, reading: services.Reading, index: int) -> None:
    """Draw row `index` of the reading's table."""
    row, instances = reading.table.iloc[index], reading.instances_of(index)
    text, start0 = reading.letters(index)
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        with st.container(width="content"):
            st.subheader(plain(short(row["sequence"])), anchor=False)
            st.markdown(
                f"logit **{row['logit']:.2f}**, probability **{row['probability']:.3f}**, "
                f"bases {start0:,} to {start0 + len(text):,} (0-based, half-open)"
            )
        with st.container(horizontal=True, vertical_alignment="center", width="content", gap="medium"):
            ghosts = st.toggle(
                "Ignored matches", key="ghosts", persist_state="session",
                help="Places that match a motif's matrix (p < 0.0001) and were not called: what the model left alone.",
            )  # fmt: skip
            st.button(
                "Open in Design", help="The instances become placements on this sequence.",
                on_click=_open_in_design, args=[model, reading, index],
            )  # fmt: skip
    out, colours = services.window_trace(model, reading, index), services.colours(model)
    trace(
        key="trace", id=f"{state.model_name()} {row['sequence']} {start0}", name=row["sequence"], letters=text,
        start0=start0, instances=instances, colours=colours, track=services.worth(model, reading, index),
        ghosts=services.ignored(model, reading, index) if ghosts else None,
        rows=trace_rows(
            out.att[0], out.act[0], [motif.name for motif in model.motifs], colours, width=model.model.config.width,
            start0=int(reading.windows.start0[index]), scale=[motif.max_activation for motif in model.motifs],
        ),
    )  # fmt: skip
    if len(instances):
        decimals = st.column_config.NumberColumn(format="%.2f")
        st.dataframe(
            instances.drop(columns="sequence"), hide_index=True, key="instances",
            column_config=dict.fromkeys(("attention", "activation", "contribution"), decimals)
            | {"readers": "read by"},
        )  # fmt: skip
    st.html(sequence_html(text, instances, colours, start0=start0))


def _open_in_design(model: ModelBundle, reading: services.Reading, index: int) -> None:
    """Put the window on the track of the Design page, its instances as placements."""
    row, start0 = reading.table.iloc[index], int(reading.windows.start0[index])
    found = reading.instances_of(index)
    placements = found.assign(start0=found["start0"] - start0, end0=found["end0"] - start0)
    placements = placements[placements["end0"] <= model.length]
    header = design_header(row["sequence"], model=model.name, logit=row["logit"], placements=placements)
    letters = decode(reading.windows.codes(index, index + 1)[0])
    made = design_state.current(model, state.model_name())
    made.locked = False  # this sequence is meant, not only its sites
    with errors_shown():
        made.open(f"{header}\n{letters}\n".encode(), design_state.pfms(model))
        state.go("design")
