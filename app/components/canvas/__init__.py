"""The design canvas: motifs are dragged onto a track in the browser, and come back as PLACEMENTS.

The browser owns the placements, and the history of what was done. Python sends some only together with a new `rev`
and ignores answers that carry another one, so that a rerun in the middle of a drag, or a late answer, changes
nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from argminn_core.plot.logo import COLOURS, GLYPHS
from argminn_core.tables import PLACEMENTS


def _text(*files: str) -> str:
    return "\n".join((Path(__file__).parent / file).read_text(encoding="utf-8") for file in files)


_mount = st.components.v2.component(
    "argminn_canvas",
    html=_text("canvas.html"),
    css=_text("canvas.css"),
    js=f"const GLYPHS = {json.dumps(GLYPHS)};\nconst LETTER_COLOURS = {json.dumps(COLOURS)};\n"
    + _text("drawing.js", "logos.js", "rules.js", "stage.js", "dragging.js", "inspector.js", "canvas.js"),
)


NO_GC: dict[str, Any] = {"values": [], "step": 1, "window": 50, "low": 0.3, "high": 0.7, "title": ""}


@dataclass(frozen=True)
class CanvasState:
    """What is on the track.

    rev : the revision that it goes back to. placements : PLACEMENTS, the last placed last. base : the number of what
    lies beneath them, which Undo may have changed. seen : the largest such number that the browser knew of.
    """

    rev: int
    placements: pd.DataFrame
    base: int = 0
    seen: int = 0


def answer(key: str, *, rev: int, name: str = "design") -> CanvasState | None:
    """What the browser last sent for `rev`; None where it has sent nothing.

    To be asked before `canvas` is drawn: what the track shows beneath (letters, instances) follows from it.
    """
    value = _value(key)
    return _state(value, rev, name) if value.get("rev") == rev else None


def canvas(
    *,
    key: str,
    length: int,
    sequence: str,
    motifs: Sequence[Mapping[str, Any]],
    placements: pd.DataFrame,
    rev: int,
    design: str = "",
    base: int = 0,
    latest: int = 0,
    writes: str = "consensus",
    rules: Sequence[Mapping[str, Any]] = (),
    instances: pd.DataFrame | None = None,
    damaged: Iterable[int] = (),
    unread: Iterable[int] = (),
    gc: Mapping[str, Any] = NO_GC,
    marks: Sequence[Mapping[str, Any]] = (),
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
        The palette: `name`, `width`, `colour` (`#rrggbb`), `consensus`, and `pfm`, a list of [A, C, G, T] in
        thousandths for each column.
    placements : DataFrame
        PLACEMENTS of `rev`, taken up where the browser has another revision or none.
    rev : int
        Give a new one whenever placements come from elsewhere than from this canvas.
    design : str
        A name for the history of this canvas in the browser, which outlives a change of page.
    base, latest : int
        The number of what lies beneath the placements now, and the largest one so far. A new one is a change that can
        be undone: `CanvasState.base` then goes back to an earlier number.
    writes : {"consensus", "draw"}
        What a motif writes when it is placed.
    rules : sequence of mappings
        Learned pairs to snap to: `left`, `right`, `orientation`, `gaps` (lists of low and high), `name`.
    instances : DataFrame, optional
        INSTANCES to mark beneath the track; with a column `origin`, those that are not "placed" are drawn hollow.
    damaged, unread : iterable of int
        Positions of the placements that a later one overwrote, and that the model does not read.
    gc : mapping
        `values` between 0 and 1 of windows of `window` bases, `step` apart; `low` and `high` of the usual range;
        `title`.
    marks : sequence of mappings
        What is to be checked: `kind` (cut, repeat, homopolymer), `start0`, `end0`, `title`.
    name : str
        For the `sequence` column of what comes back.
    """
    names = [f"{row.motif}|{row.start0}|{row.strand}" for row in placements.itertuples()]
    result = _mount(
        key=key,
        data={
            "rev": rev,
            "number": _value(key).get("number", 0),
            "design": design or key,
            "base": base,
            "latest": latest,
            "writes": writes,
            "length": length,
            "sequence": sequence,
            "motifs": [dict(motif) for motif in motifs],
            "rules": [dict(rule) for rule in rules],
            "placements": _records(placements, ["motif", "start0", "end0", "strand", "site"]),
            "instances": _records(instances, ["motif", "start0", "end0", "strand", "contribution", "origin"]),
            "damaged": [names[row] for row in damaged],
            "unread": [names[row] for row in unread],
            "gc": dict(gc),
            "marks": [dict(mark) for mark in marks],
        },
        default={"value": None},
        on_value_change=_nothing,
    )
    value = result.value or {}
    return _state(value, rev, name) if value.get("rev") == rev else CanvasState(rev, placements, base, latest)


def _state(value: Mapping[str, Any], rev: int, name: str) -> CanvasState:
    placements = _frame(value.get("placements"), name)
    return CanvasState(rev, placements, int(value.get("base") or 0), int(value.get("seen") or 0))


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
