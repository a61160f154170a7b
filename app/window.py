"""One window of one record: its letters, where every head looked, and a row for each instance."""

from __future__ import annotations

import streamlit as st

from app import services
from app.page import plain
from argminn_core.checkpoint import ModelBundle
from argminn_core.plot.traces import attention_figure, sequence_html


def show_window(model: ModelBundle, reading: services.Reading, index: int) -> None:
    """Draw row `index` of the reading's table."""
    row, instances = reading.table.iloc[index], reading.instances_of(index)
    text, start0 = reading.letters(index)
    colours = services.colours(model)
    st.subheader(plain(row["sequence"]), anchor=False)
    st.markdown(
        f"logit **{row['logit']:.2f}**, probability **{row['probability']:.3f}**, "
        f"bases {start0:,} to {start0 + len(text):,} (0-based, half-open)"
    )
    st.html(sequence_html(text, instances, colours, start0=start0))
    out = services.window_trace(model, reading, index)
    st.plotly_chart(
        attention_figure(
            out.att[0], out.act[0], instances, [motif.name for motif in model.motifs], colours,
            width=model.model.config.width, start0=int(reading.windows.start0[index]),
            scale=[motif.max_activation for motif in model.motifs],
        ), key="attention", config={"displaylogo": False},
    )  # fmt: skip
    decimals = st.column_config.NumberColumn(format="%.2f")
    st.dataframe(
        instances.drop(columns="sequence"), hide_index=True, key="instances",
        column_config=dict.fromkeys(("attention", "activation", "contribution"), decimals)
        | {"readers": "read by (layer.head)"},
    )  # fmt: skip
