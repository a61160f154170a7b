"""Two models side by side: scores, settings, and the motifs that both of them learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app import cards, services, state
from app.page import errors_shown, short
from argminn_core.checkpoint import ModelBundle
from argminn_core.motifs import LearnedMotif, ranked
from argminn_core.plot.logo import svg_uri


def show(names: list[str]) -> None:
    """Draw the comparison, folded away: two tables, one of them of pictures, that few visits of the page open."""
    folded = st.expander("Compare two models", key="compare", on_change="rerun")
    if not folded.open:
        return
    with folded:
        if len(names) < 2:
            st.info("There is one model only. Train another one, or add a model file.")
            return
        here = names.index(state.model_name()) if state.model_name() in names else 0
        left, right = st.columns(2)
        one = left.selectbox("One model", names, index=here, key="compare_one")
        two = right.selectbox("and another", names, index=(here + 1) % len(names), key="compare_two")
        with errors_shown():
            a, b = services.bundle(one), services.bundle(two)
        # Two columns need two names.
        labels = (one, two if two != one else f"{two} (again)")
        st.dataframe(settings_table(a, b, labels), hide_index=True, key="compare_settings", height="content")
        st.dataframe(
            motif_rows(a, b, labels), hide_index=True, key="compare_motifs", height="content", row_height=44,
            column_config={f"{side} logo": st.column_config.ImageColumn(width="medium") for side in labels}
            | {f"{side} contribution": f"{side} contribution (logits)" for side in labels},
        )  # fmt: skip


def settings_table(a: ModelBundle, b: ModelBundle, labels: tuple[str, str]) -> pd.DataFrame:
    """What differs and what does not, as text, one row a quantity; columns are `what` and the two labels."""
    columns = [_settings(model) for model in (a, b)]
    keys = list(dict.fromkeys([*columns[0], *columns[1]]))
    return pd.DataFrame(
        {"what": keys}
        | {
            label: [column.get(key, "") for key in keys]
            for label, column in zip(labels, columns, strict=True)
        }
    )


def _settings(model: ModelBundle) -> dict[str, str]:
    config, card = model.model.config, model.card
    known = {
        f"{cards.SCORES[key]}, {split}": f"{value:.3f}"
        for split, values in sorted(cards.scores(model).items())
        for key, value in values.items()
    }
    training = card.get("training") if isinstance(card.get("training"), dict) else {}
    shape: dict[str, Any] = {
        "motifs that are clear": sum(motif.counts for motif in model.motifs), "filters": config.filters,
        "filter width (bp)": config.width, "sequence length (bp)": f"{config.length:,}", "layers": config.layers,
        "heads a layer": config.heads, "strands": config.strands, "evidence path": "yes" if config.evidence else "no",
        "null token": "yes" if config.null_token else "no", "seed": training.get("seed", ""),
        "epochs": training.get("epochs", ""), "data": cards.fact(card.get("data", "")),
        "receipt": cards.receipt_in_short(model), "confidence": cards.confidence_in_short(model),
    }  # fmt: skip
    return known | {key: short(str(value), 120) for key, value in shape.items()}


def motif_rows(a: ModelBundle, b: ModelBundle, labels: tuple[str, str]) -> pd.DataFrame:
    """Motifs of both models, one row a name of the database; those that both have come first.

    A motif without a match stands under its own name, beside nothing.
    """
    sides = [_by_name(model, place) for place, model in enumerate((a, b))]
    names = sorted(
        dict.fromkeys([*sides[0], *sides[1]]), key=lambda name: name not in sides[0] or name not in sides[1]
    )
    rows = []
    for name in names:
        row: dict[str, Any] = {"motif": name.rpartition("\0")[2]}
        for label, side in zip(labels, sides, strict=True):
            motif = side.get(name)
            row[f"{label} logo"] = "" if motif is None else svg_uri(services.logo(motif, height=36, most=150))
            row[f"{label} contribution"] = _number(motif)
        rows.append(row)
    return pd.DataFrame(
        rows, columns=["motif", *(f"{side} {part}" for side in labels for part in ("logo", "contribution"))]
    )


def _number(motif: LearnedMotif | None) -> str:
    """The contribution, or nothing where it is not known: a table shows an unknown number as None."""
    return "" if motif is None or np.isnan(motif.contribution) else f"{motif.contribution:.2f}"


def _by_name(model: ModelBundle, place: int) -> dict[str, LearnedMotif]:
    """Motifs that count by what they are matched with: the same name in both models, and the first, second, ... of it.

    `motif_01` means another thing in every model, so it carries the model's place before its name.
    """
    found: dict[str, LearnedMotif] = {}
    for motif in ranked(model.motifs):
        if not motif.counts:
            continue
        base = motif.match_name or f"{place}\0{motif.name}"
        number, name = 1, base
        while name in found:
            number += 1
            name = f"{base} ({number})"
        found[name] = motif
    return found
