"""What the Models page says of a model. Cards come from files, so every part of one may be missing or odd."""

from __future__ import annotations

import math
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from app import services
from app.page import plain, short
from argminn_core.checkpoint import ModelBundle
from argminn_core.errors import InputError
from argminn_core.motifs import ranked
from argminn_core.plot.logo import logo_img
from argminn_core.pruning import in_words
from argminn_core.tables import RECEIPT, number

SCORES = {"auroc": "auROC", "auprc": "auPRC", "accuracy": "accuracy"}


def scores(model: ModelBundle) -> dict[str, dict[str, float]]:
    """Split -> score -> value, of the scores that the card has."""
    metrics = model.card.get("metrics")
    return {
        str(split): {key: value for key in SCORES if math.isfinite(value := number(values.get(key)))}
        for split, values in (metrics.items() if isinstance(metrics, dict) else ())
        if isinstance(values, dict)
    }


def headline(model: ModelBundle) -> str:
    """The scores on sequences that training never saw, as one line of Markdown."""
    known = scores(model)
    for split in ("test", "valid"):
        if known.get(split):
            values = [
                f"{SCORES[key]} **{value:.3f}**" for key, value in known[split].items() if key != "accuracy"
            ]
            return ", ".join(values) + f" ({split} split)"
    return "No scores in its record"


def badges(model: ModelBundle) -> str:
    """Receipt and confidence, one line of Markdown."""
    return f"Receipt {receipt_in_short(model)}; confidence {confidence_in_short(model)}"


def receipt_in_short(model: ModelBundle) -> str:
    """In a word or two."""
    receipt = model.card.get("receipt")
    if not isinstance(receipt, dict):
        return "not measured"
    return {True: "passed", False: "not passed"}.get(receipt.get("passed"), "nothing to judge")


def confidences(model: ModelBundle) -> dict[str, float]:
    """How often other seeds found each motif, 0 to 1, where the card knows."""
    known = model.card.get("confidence")
    return {
        str(name): float(share)
        for name, share in (known.items() if isinstance(known, dict) else ())
        if isinstance(share, int | float) and not isinstance(share, bool) and 0 <= share <= 1
    }


def confidence_in_short(model: ModelBundle) -> str:
    known = confidences(model)
    others = model.card.get("confidence_of")
    seeds = f"{others} other seeds" if isinstance(others, int) and others > 1 else "seeds"
    return f"{sum(known.values()) / len(known):.0%} across {seeds}" if known else "not measured"


def show_confidence(model: ModelBundle) -> None:
    """A row for each motif, or that it was not measured."""
    known = confidences(model)
    if not known:
        st.markdown("**Confidence** across seeds: not measured")
        return
    st.dataframe(
        pd.DataFrame({"motif": list(known), "found by seeds": list(known.values())}), hide_index=True, key="confidence",
        column_config={
            "found by seeds": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)
        },
    )  # fmt: skip


def show_receipt(model: ModelBundle) -> None:
    """The tests of whether called instances are what the model uses, with a verdict for each."""
    receipt = model.card.get("receipt")
    if not isinstance(receipt, dict):
        st.markdown("**Receipt**: not measured for this model")
        return
    st.markdown(f"**Receipt** {plain(short(str(receipt.get('verdict', '')), 600))}")
    try:
        table = RECEIPT.frame(receipt.get("tests") or [])
    except (InputError, ValueError, TypeError, AttributeError):  # a card is anyone's
        st.caption("The tests of this receipt cannot be read.")
        return
    verdict = {"yes": "met", "no": "not met"}
    table = table.assign(passed=[verdict.get(word, "no target") for word in table["passed"]])
    aimed = table["passed"] != "no target"
    _tests(table[aimed], key="receipt")
    if not aimed.all():
        with st.expander(f"{(~aimed).sum()} more that were measured, without a target"):
            _tests(table[~aimed], key="receipt_more")


def _tests(table: pd.DataFrame, *, key: str) -> None:
    decimals = st.column_config.NumberColumn(format="%.2f")
    st.dataframe(
        table, hide_index=True, key=key,
        column_order=("test", "passed", "value", "target", "low", "high", "n", "note"),
        column_config={
            "passed": "verdict", "value": decimals, "target": decimals,
            "low": st.column_config.NumberColumn("95 % from", format="%.2f"),
            "high": st.column_config.NumberColumn("to", format="%.2f"),
        },
    )  # fmt: skip


def score_table(model: ModelBundle) -> pd.DataFrame:
    rows = {split: values for split, values in scores(model).items() if values}
    return pd.DataFrame(rows).T.rename(columns=SCORES).rename_axis("split").reset_index()


def fact(value: Any) -> str:
    """A part of a card as one line: text as it is, a table as `key value` pairs."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {fact(part)}" for key, part in value.items())
    if isinstance(value, list):
        return ", ".join(map(fact, value))
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def facts(model: ModelBundle) -> str:
    """Data, split and training, one paragraph each, as Markdown."""
    config = model.model.config
    training = model.card.get("training")
    training = training if isinstance(training, dict) else {}
    left = in_words(model.card)
    shown = {
        "Data": model.card.get("data"),
        "Split": model.card.get("split"),
        "Training": {
            key: training[key] for key in ("seed", "epochs", "seconds", "device") if key in training
        },
        "Reads": f"{config.length:,} bp with {config.filters} filters of {config.width} bp"
        + (f", {left}" if left else ""),
    }
    return "\n\n".join(f"**{key}** {plain(short(fact(value), 400))}" for key, value in shown.items() if value)


def logo_strip(model: ModelBundle, *, most: int = 4, height: int = 30) -> str:
    """Small logos of the best motifs, as HTML."""
    found = [motif for motif in ranked(model.motifs) if motif.counts]
    parts = []
    for motif in found[:most]:
        picture = logo_img(services.logo(motif, height=height, most=118), f"logo of {motif.name}")
        label = f'<div style="font-size:12px;opacity:.7;overflow-wrap:anywhere">{escape(motif.name)}</div>'
        parts.append(f'<div style="max-width:46%">{picture}{label}</div>')
    rest = len(found) - most
    if not found:
        parts = ['<div style="opacity:.7">No motif reached 5 columns with a mean of 1 bit.</div>']
    elif rest > 0:
        parts.append(f'<div style="font-size:13px;opacity:.7;align-self:center">and {rest} more</div>')
    style = "display:flex;flex-wrap:wrap;gap:6px 18px;align-content:flex-start"
    return f'<div style="{style}">{"".join(parts)}</div>'
