"""The session's keys, and nothing else writes them: the model, the source of the sequences."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import pandas as pd
import streamlit as st

from app import services
from app.page import errors_shown
from argminn_core.checkpoint import ModelBundle

_NEXT = "next_page"
MODEL = "model"  # the key of the selector and the name of the query parameter: a link keeps its model
SOURCE = "source"
CONTROLS = "controls"
AMBIGUOUS = "ambiguous"  # the key of the picker's checkbox


@dataclass(frozen=True)
class Source:
    """FASTA bytes with the name that the page shows for them, and DROPPED of what did not become FASTA."""

    label: str
    raw: bytes
    dropped: pd.DataFrame | None = None

    @property
    def digest(self) -> str:
        return sha256(self.raw).hexdigest()


def go(page: str) -> None:
    """From the callback of a button: the next page is `page`, by its name in the navigation.

    Kept until a run follows it, so that neither a run that ends early nor another click can lose it.
    """
    st.session_state[_NEXT] = page


def follow() -> None:
    """Go where a callback said: in every run before the page is drawn, and in fragments whose buttons lead away."""
    if (page := st.session_state.pop(_NEXT, None)) is not None:
        st.switch_page(f"../pages/{page}.py")


def model_selector() -> None:
    """The one choice that all pages share. Drawn by the entry file, so it lives through a change of page."""
    names = services.models()
    if not names:
        return
    wanted = st.session_state.get(MODEL, st.query_params.get(MODEL))
    st.session_state[MODEL] = wanted if wanted in names else names[0]
    chosen = st.selectbox("Model", names, key=MODEL)
    # By hand and not by `bind`, with which a page can no longer be switched from Python.
    if chosen != st.query_params.get(MODEL, names[0]):
        st.query_params[MODEL] = chosen


def choose_model(name: str) -> None:
    st.session_state[MODEL] = name


def model_name() -> str | None:
    return st.session_state.get(MODEL)


def bundle() -> ModelBundle:
    """The chosen model; without one the page says where to get it, and ends."""
    name = model_name()
    if name is None:
        st.info("There is no model yet. Add a model file on the Models page.")
        st.stop()
    with errors_shown():
        return services.bundle(name)


def source() -> Source | None:
    """The sequences that were given last: a widget forgets its file when the page changes, this does not."""
    return st.session_state.get(SOURCE)


def set_source(label: str, raw: bytes, dropped: pd.DataFrame | None = None) -> None:
    st.session_state[SOURCE] = Source(label, raw, dropped)


def clear_source() -> None:
    st.session_state.pop(SOURCE, None)


def controls() -> Source | None:
    """Sequences without the signal, which the rules are held against; not those that belong to other sequences."""
    found, belongs = st.session_state.get(CONTROLS, (None, ""))
    given = source()
    return found if not belongs or (given is not None and given.digest == belongs) else None


def set_controls(label: str, raw: bytes, *, belongs: str = "") -> None:
    """Take up controls; with `belongs` for the source of that digest alone."""
    st.session_state[CONTROLS] = Source(label, raw), belongs


def clear_controls() -> None:
    st.session_state.pop(CONTROLS, None)


def ambiguous() -> bool:
    return bool(st.session_state.get(AMBIGUOUS))
