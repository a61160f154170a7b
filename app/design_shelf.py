"""The shelf: kept designs one above the other, compared in a table, opened again, renamed, put away."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from app import design_state as ds
from app import services
from app.design_verdict import shelve
from app.page import count, errors_shown, ink, plain
from argminn_core.checkpoint import ModelBundle
from argminn_core.dna import decode, encode, gc_content
from argminn_core.plot.designs import stacked_tracks_svg
from argminn_core.plot.logo import logo_img

PICTURED = 30
ROWS = "design_shelf_rows"
REMOVED = "design_shelf_removed"


def keep(model: ModelBundle, made: ds.Design, logit: float) -> None:
    """Put what is on the canvas on the shelf; a callback."""
    shelf = len(made.shelf)
    if shelf >= ds.MAX_SHELF:
        made.notice = f"The shelf is full: it holds {ds.MAX_SHELF} designs. Export them, and remove some."
    elif shelve(model, made, [made.saved(model, logit)]):
        made.notice = f"{made.shelf[-1].saved.name} is on the shelf."
        made.set_base(name=made.free_name(made.name))
    else:
        made.notice = f"{made.name} is on the shelf already."


@st.fragment
def shelf(model: ModelBundle, made: ds.Design) -> None:
    """Draw the shelf; only what happens on it draws it again."""
    st.subheader("Shelf", anchor=False)
    if not made.shelf:
        st.info(
            "Nothing is kept yet. **Keep on the shelf** puts the design above here, to compare it with the next."
        )
        _bring_back(made)
        return
    tracks = [(kept.saved.name, f"{kept.logit:.2f}", kept.saved.placements) for kept in made.shelf[:PICTURED]]
    picture = stacked_tracks_svg(tracks, made.length, services.colours(model), ink=ink())
    names = ", ".join(name for name, _, _ in tracks)
    st.html(
        f'<div style="overflow-x:auto" tabindex="0" role="region" aria-label="Kept designs">'
        f"{logo_img(picture, f'Tracks of {names}', style='min-width:700px;width:100%')}</div>"
    )
    st.caption(
        "Placements of each design on its track, + strand above and - strand below the line, its logit at the right."
        + f" The first {PICTURED} of {len(made.shelf)} are drawn." * (len(made.shelf) > PICTURED)
    )
    picked = st.dataframe(
        table(made), hide_index=True, on_select="rerun", selection_mode="multi-row", key=f"{ROWS}_{len(made.shelf)}",
        column_config={
            "logit": st.column_config.NumberColumn(format="%.2f"),
            "probability": st.column_config.NumberColumn(format="%.3f"),
            "GC": st.column_config.NumberColumn(format="percent"),
            "background": st.column_config.NumberColumn(help="Designs on the same letters have the same number."),
        },
    )  # fmt: skip
    rows = [row for row in picked.selection.rows if row < len(made.shelf)]
    _actions(model, made, rows)
    _bring_back(made)


def table(made: ds.Design) -> pd.DataFrame:
    """One row a kept design."""
    below = [decode(kept.saved.background) for kept in made.shelf]
    numbers = {letters: i + 1 for i, letters in enumerate(dict.fromkeys(below))}
    return pd.DataFrame(
        {
            "name": [kept.saved.name for kept in made.shelf],
            "logit": [kept.logit for kept in made.shelf],
            "probability": [kept.probability for kept in made.shelf],
            "placed": [len(kept.saved.placements) for kept in made.shelf],
            "read": [kept.read for kept in made.shelf],
            "accidental": [kept.accidental for kept in made.shelf],
            "GC": [float(gc_content(encode(kept.text))) for kept in made.shelf],
            "background": [numbers[letters] for letters in below],
        }
    )


def _actions(model: ModelBundle, made: ds.Design, rows: list[int]) -> None:
    one = made.shelf[rows[0]] if len(rows) == 1 else None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if st.button("Open on the canvas", disabled=one is None) and one is not None:
            with errors_shown():
                made.put(one.saved, ds.pfms(model))
            made.notice = f"{one.saved.name} is on the canvas."
            st.rerun()
        if st.button(f"Remove {count(len(rows), 'design')}" if rows else "Remove", disabled=not rows):
            st.session_state[REMOVED] = [made.shelf[row] for row in rows]
            made.shelf = [kept for row, kept in enumerate(made.shelf) if row not in rows]
            st.rerun()
        if one is not None:
            name = st.text_input(
                "New name", one.saved.name, max_chars=60, key=f"rename_{one.saved.name}"
            ).strip()
            if name and name != one.saved.name:
                free = made.free_name(name)
                made.shelf[rows[0]] = replace(
                    one,
                    saved=replace(
                        one.saved, name=free, placements=one.saved.placements.assign(sequence=free)
                    ),
                )
                st.rerun()
        else:
            st.caption("Choose one design to open or rename it, one or more to remove them.")


def _bring_back(made: ds.Design) -> None:
    removed = st.session_state.get(REMOVED) or []
    if removed and st.button(f"Bring back {plain(', '.join(kept.saved.name for kept in removed[:3]))}"):
        made.shelf += removed
        st.session_state[REMOVED] = []
        st.rerun()
