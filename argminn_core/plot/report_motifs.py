"""The motifs of the report: a card for each that says something, a line for those that do not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from argminn_core.plot.logo import logo_svg
from argminn_core.plot.report_html import (
    UNKNOWN,
    Html,
    count,
    facts,
    join,
    nothing,
    number,
    percent,
    plural,
    q_text,
    section,
    tag,
)  # fmt: skip
from argminn_core.plot.report_tracks import spot

MAX_CARDS = 60
LOGO_HEIGHT, LOGO_WIDTH = 64, 270  # pixels
CENTRAL_Q = 0.05
_HEADS = 4  # of the layers and heads that read a motif, those that read it most


def motifs_section(cards: pd.DataFrame, pfms: Mapping[str, np.ndarray], colours: Mapping[str, str]) -> Html:
    """CARDS with the matrices (4, W) of `pfms`, those first whose instances add most to the logits."""
    lead = (
        "What the model's filters look for, in the order of what their instances add to the logits here. A taller "
        "letter is a surer base; the matrix that is drawn is the one that was matched with known motifs."
    )
    silent = (cards["instances"] == 0) & ~cards["counts"]
    worth = (cards["contribution"].fillna(0) * cards["instances"]).to_numpy()
    order = np.lexsort((-cards["windows"], ~cards["counts"], -worth))
    ranked = cards.iloc[order][~silent.to_numpy()[order]]
    if ranked.empty:
        body = [
            nothing(
                "No filter of this model learned a motif that counts, and none was read in these sequences."
            )
        ]
    else:
        shown = [_card(row, pfms.get(row.motif), colours) for row in ranked.head(MAX_CARDS).itertuples()]
        body = [tag("div", *shown, class_="cards")]
        if len(ranked) > MAX_CARDS:
            body.append(tag("p", f"{len(ranked) - MAX_CARDS} more are in cards.tsv.", class_="note"))
    if silent.any():
        names = ", ".join(cards["motif"][silent])
        text = f"{plural(int(silent.sum()), 'filter')} without a clear motif and without an instance here: {names}."
        body.append(tag("p", text, class_="note"))
    return section("motifs", "Motifs", lead, *body)


def _card(row: object, pfm: np.ndarray | None, colours: Mapping[str, str]) -> Html:
    logo = nothing("The filter was never active, so it has no matrix.")
    if pfm is not None and row.windows:
        # Columns as wide as a card allows, so that all logos are of one height.
        column = min(0.3 * LOGO_HEIGHT, LOGO_WIDTH / pfm.shape[1])
        svg = logo_svg(pfm, height=LOGO_HEIGHT, column_width=column, axis=True, title=f"logo of {row.motif}")
        logo = tag("div", Html(svg), class_="logo")
    notes = [_short_of(row)] if not row.counts and row.windows else []
    notes += [row.note] if getattr(row, "note", "") else []
    note = [tag("p", "; ".join(notes), class_="note")] if notes else []
    return tag(
        "article",
        tag("h3", spot(row.motif, colours), row.motif),
        _match(row),
        logo,
        *note,
        _facts(row),
        class_="card",
    )


def _short_of(row: object) -> str:
    """Why a filter's matrix does not count as a motif."""
    width = len(row.consensus)
    bits = f"{row.information / width:.2f} bits a column" if width else "no sure column"
    return f"does not count as a motif: {bits} ({plural(width, 'column')}); 1 bit over 5 columns is asked for"


def _match(row: object) -> Html:
    """What known motif it resembles."""
    if not getattr(row, "match", ""):
        return tag("p", "no match among known motifs", class_="match")
    return tag("p", f"{row.match_name} ", tag("code", row.match), f", {q_text(row.q_value)}", class_="match")


def _facts(row: object) -> Html:
    pairs: list[tuple[str, object]] = [
        ("made of", f"{plural(int(row.windows), 'window')}, {number(row.information)} bits"),
        (
            "found in",
            f"{count(row.with_instance)} of {plural(int(row.sequences), 'sequence')} ({percent(row.share)})",
        ),
        (
            "instances",
            f"{count(row.instances)}, {count(row.plus)} on the + strand" if row.instances else "none",
        ),
        ("contribution", f"{number(row.contribution)} logits on average" if row.instances else UNKNOWN),
        ("central?", _central(row)),
        ("read by", _readers(row.readers)),
    ]
    if hasattr(row, "gain"):
        pairs.append(("evidence gain", number(row.gain)))
    if np.isfinite(row.confidence):
        pairs.append(("other seeds", f"{percent(row.confidence)} found it too"))
    return facts(pairs)


def _central(row: object) -> str:
    if not np.isfinite(row.central_q):
        return UNKNOWN
    if row.central_q > CENTRAL_Q:
        return f"no ({q_text(row.central_q)})"
    return (
        f"yes: {percent(row.central_share)} within {count(row.central_width / 2)} bp of the middle, "
        f"{q_text(row.central_q)}"
    )


def _readers(readers: str) -> object:
    """`1.2:34,evidence:10` in words: layer.head, or the evidence path."""
    if not readers:
        return UNKNOWN
    parts = [entry.rpartition(":") for entry in readers.split(",")]
    shown = [f"{head} ({count(int(n))})".replace(" ", "\N{NO-BREAK SPACE}") for head, _, n in parts[:_HEADS]]
    more = len(parts) - _HEADS
    return join([", ".join(shown), f" and {more} more" if more > 0 else ""])
