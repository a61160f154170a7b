"""A grid of motifs as cards: a click, or Enter on its name, picks one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st


def _text(file: str) -> str:
    return (Path(__file__).parent / file).read_text(encoding="utf-8")


_mount = st.components.v2.component(
    "argminn_tiles", html='<div class="tiles"></div>', css=_text("tiles.css"), js=_text("tiles.js")
)


def picked(key: str) -> str | None:
    """The name that was picked last, asked for before the grid is drawn."""
    value = (st.session_state.get(key) or {}).get("picked") or {}
    return value.get("name")


def tiles(cards: Sequence[Mapping[str, Any]], *, key: str, picked: str | None, warning: str) -> None:
    """Draw the grid.

    Parameters
    ----------
    cards : sequence of mappings
        `name`, `colour`, `src` and `alt` of the picture, `lines` (list of str), `note` (str), `muted` (bool).
    picked : str, optional
        The one that is marked.
    warning : str
        CSS colour of the notes.
    """
    _mount(
        key=key, data={"tiles": [dict(card) for card in cards], "picked": picked, "warning": warning},
        default={"picked": None}, on_picked_change=_nothing,
    )  # fmt: skip


def _nothing() -> None:
    """A state value exists only with a callback; `picked` is read at the start of each run instead."""
