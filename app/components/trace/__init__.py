"""The trace of one sequence: instances, contributions, attention and activations over one axis that zooms to letters.

It is drawn in the browser, from a few stretches of bases a row, so that zoom, pooling and hover need no server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

_SEEN = ["start0", "end0", "motif", "strand", "attention", "activation", "contribution"]


def _text(file: str) -> str:
    return (Path(__file__).parent / file).read_text(encoding="utf-8")


_mount = st.components.v2.component(
    "argminn_trace", html=_text("trace.html"), css=_text("trace.css"), js=_text("trace.js")
)


def trace(
    *,
    key: str,
    id: str,
    name: str,
    letters: str,
    start0: int,
    instances: pd.DataFrame,
    colours: Mapping[str, str],
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    track: Mapping[str, Any] | None = None,
    ghosts: pd.DataFrame | None = None,
) -> None:
    """Draw the trace.

    Parameters
    ----------
    key, id : str
        Of the widget; and of what is shown: with another `id` the whole sequence comes into view again.
    name, letters, start0 : str, str, int
        Of the sequence; `start0` is the base of the first letter.
    instances, ghosts : DataFrame
        INSTANCES, and IGNORED where they were asked for, in the same coordinates.
    colours : mapping
        CSS colour of each motif name.
    rows : mapping
        From `plot.traces.trace_rows`.
    track : mapping, optional
        `start` (list of int), `value` (list of float, logits), `width` (int): what `width` bases from there are worth.
    """
    _mount(
        key=key,
        data={
            "id": id, "name": name, "letters": letters, "start0": start0, **rows,
            "instances": _records(instances, [*_SEEN, "readers"], colours),
            "ghosts": None if ghosts is None else _records(ghosts, [*_SEEN, "score", "p_value"], colours),
            "track": None if track is None else dict(track),
        },
    )  # fmt: skip


def _records(frame: pd.DataFrame, columns: list[str], colours: Mapping[str, str]) -> list[dict[str, Any]]:
    kept = frame[[name for name in columns if name in frame.columns]]
    return kept.assign(colour=[colours.get(name, "#808495") for name in frame["motif"]]).to_dict("records")
