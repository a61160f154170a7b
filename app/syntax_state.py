"""The session's choices on the Syntax page, which its charts, its lists and its rules all change."""

from __future__ import annotations

import streamlit as st

from app.syntax_work import Observed
from argminn_core.plot.syntax import Arrangement
from argminn_core.syntax import arrangements_of

Pair = tuple[str, str]

PAIR, MATRIX_DRAWN = "syntax_pair", "syntax_matrix_drawn"
ANY = ("", "", "")  # no one arrangement
_ARROW = {"+": "→", "-": "←"}


def pair_name(pair: Pair) -> str:
    return f"{pair[0]} + {pair[1]}"


def arrangement_name(key: Arrangement) -> str:
    """Names from left to right, an arrow for the strand of each; plain text."""
    if key == ANY:
        return "any order and orientation"
    return f"{key[0]} {_ARROW[key[2][0]]} {key[1]} {_ARROW[key[2][1]]}"


def pairs_in_order(seen: Observed) -> list[Pair]:
    """All pairs, those first that stand together most clearly above chance, two motifs before one with itself."""
    table = seen.syntax.pairs
    table = table.assign(never=table["together"] == 0, twice=table["motif_a"] == table["motif_b"])
    table = table.sort_values(
        ["never", "q_value", "twice", "odds_ratio"], ascending=[True, True, True, False]
    )
    return list(table[["motif_a", "motif_b"]].itertuples(index=False, name=None))


def choose_pair(a: str, b: str) -> None:
    """Show another pair; a chart that was clicked forgets its click, so that it can be clicked there again."""
    st.session_state[PAIR] = tuple(sorted((a, b)))
    forget_click()


def forget_click() -> None:
    st.session_state[MATRIX_DRAWN] = st.session_state.get(MATRIX_DRAWN, 0) + 1


def matrix_key() -> str:
    return f"syntax_matrix_{st.session_state.get(MATRIX_DRAWN, 0)}"


def take_cell() -> None:
    """A click on the matrix; a callback."""
    points = st.session_state[matrix_key()].selection.points
    if points:
        choose_pair(*map(str, points[0]["customdata"][:2]))


def gap_key(pair: Pair) -> str:
    return f"syntax_gap_{pair[0]}\t{pair[1]}"


def take_bar(pair: Pair, key: str) -> None:
    """A click on a bar of a pair's figure; a callback."""
    points = st.session_state[key].selection.points
    if points:
        st.session_state[gap_key(pair)] = int(points[0]["x"])


def arrangements(pair: Pair) -> list[Arrangement]:
    return arrangements_of(*pair)
