"""The design canvas: motifs are dragged onto a track in the browser, and come back as PLACEMENTS.

The browser owns the placements. Python sends some only together with a new `rev` and ignores answers that
carry another one, so that a rerun in the middle of a drag, or a late answer, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from argminn_core.tables import PLACEMENTS


def _text(*files: str) -> str:
    return "\n".join((Path(__file__).parent / file).read_text(encoding="utf-8") for file in files)


_mount = st.components.v2.component(
    "argminn_canvas",
    html=_text("canvas.html"),
    css=_text("canvas.css"),
    js=_text("drawing.js", "canvas.js"),
)


@dataclass(frozen=True)
class CanvasState:
    """What is on the track: the revision that it goes back to, and PLACEMENTS, the last placed last."""

    rev: int
    placements: pd.DataFrame


def answer(key: str, *, rev: int, name: str = "design") -> pd.DataFrame | None:
    """The placements as the browser last sent them for `rev`; None where it has sent none.

    To be asked before `canvas` is drawn: what the track shows beneath (letters, instances) follows from it.
    """
    value = _value(key)
    return _frame(value.get("placements"), name) if value.get("rev") == rev else None


def canvas(
    *,
    key: str,
    length: int,
    sequence: str,
    motifs: Sequence[Mapping[str, Any]],
    placements: pd.DataFrame,
    rev: int,
    instances: pd.DataFrame | None = None,
    damaged: Iterable[int] = (),
    unread: Iterable[int] = (),
    name: str = "design",
) -> CanvasState:
    """Draw the canvas.

    Parameters
    ----------
    key : str
        Of the widget; pass the same one to `answer`.
    length, sequence : int, str
        The track, and the letters that it has now.
    motifs : sequence of mappings
        The palette: `name`, `width`, `colour` (`#rrggbb`) and `logo_svg`.
    placements : DataFrame
        PLACEMENTS of `rev`, taken up where the browser has another revision or none.
    rev : int
        Give a new one whenever placements come from elsewhere than from this canvas.
    instances : DataFrame, optional
        INSTANCES to mark beneath the track; a column `accidental` (bool) draws those hollow.
    damaged, unread : iterable of int
        Positions of the placements that a later one overwrote, and that the model does not read.
    name : str
        For the `sequence` column of what comes back.
    """
    names = [f"{row.motif}|{row.start0}|{row.strand}" for row in placements.itertuples()]
    result = _mount(
        key=key,
        data={
            "rev": rev,
            "number": _value(key).get("number", 0),
            "length": length,
            "sequence": sequence,
            "motifs": [dict(motif) for motif in motifs],
            "placements": _records(placements, ["motif", "start0", "end0", "strand", "site"]),
            "instances": _records(
                instances, ["motif", "start0", "end0", "strand", "contribution", "accidental"]
            ),
            "damaged": [names[row] for row in damaged],
            "unread": [names[row] for row in unread],
        },
        default={"value": None},
        on_value_change=_nothing,
    )
    value = result.value or {}
    return CanvasState(rev, _frame(value["placements"], name) if value.get("rev") == rev else placements)


def _value(key: str) -> Mapping[str, Any]:
    return (st.session_state.get(key) or {}).get("value") or {}


def _frame(records: object, name: str) -> pd.DataFrame:
    return PLACEMENTS.frame([{"sequence": name, **record} for record in records or []])


def _records(frame: pd.DataFrame | None, columns: list[str]) -> list[dict[str, Any]]:
    if frame is None:
        return []
    return frame[[column for column in columns if column in frame.columns]].to_dict("records")


def _nothing() -> None:
    """A state value exists only with a callback; `answer` is read at the start of each run instead."""
