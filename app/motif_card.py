"""All that is known of one motif, from the sequences at hand or from examples; and the model without it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from app import page, services, state
from app.page import plain
from argminn_core.checkpoint import ModelBundle
from argminn_core.errors import ArgminnError
from argminn_core.instances import EVIDENCE
from argminn_core.motifs import LearnedMotif
from argminn_core.plot.alignment import align, aligned_svg
from argminn_core.plot.logo import Mode, logo_img
from argminn_core.plot.positions import positions_svg

EXAMPLES = "examples"
_MUTED = "muted"  # the key in the session: names by model


class Basis(NamedTuple):
    """What the numbers of a card are from: a reading, what stands for it in caches, and what to call it."""

    reading: services.Reading
    digest: str
    label: str


def basis() -> Basis:
    """The session's sequences, or the model's examples where there are none that can be read."""
    name, source = state.model_name(), state.source()
    if source is not None:
        try:
            reading = services.read(name, source.raw, source.digest, ambiguous=state.ambiguous())
            if len(reading.table):
                return Basis(reading, f"{source.digest} {state.ambiguous()}", source.label)
        except ArgminnError:
            pass  # the Sequences page says what is wrong with them
    return Basis(
        services.example_reading(name), EXAMPLES, "60 example sequences with the model's motifs planted"
    )


def muted() -> list[str]:
    """The motifs of the chosen model that are muted in this session."""
    return st.session_state.get(_MUTED, {}).get(state.model_name(), [])


def _toggle(motif: str) -> str:
    return f"mute_{state.model_name()}_{motif}"


def _mute(motif: str, key: str) -> None:
    kept = [name for name in muted() if name != motif]
    every = st.session_state.get(_MUTED, {})
    st.session_state[_MUTED] = every | {state.model_name(): kept + [motif] * bool(st.session_state[key])}


def _unmute_all() -> None:
    for motif in muted():
        st.session_state[_toggle(motif)] = False
    st.session_state[_MUTED] = st.session_state.get(_MUTED, {}) | {state.model_name(): []}


def picture(
    motif: LearnedMotif, *, mode: Mode, reverse: bool, with_match: bool, height: float = 72, most: float = 208
) -> str:
    """The motif's logo, with its match beneath where that is asked for and known, as SVG."""
    known = services.known_motif(motif.match) if with_match and motif.match else None
    if known is None:
        return services.logo(motif, height=height, most=most, mode=mode, reverse=reverse)
    pfm = motif.motif.pfm
    return aligned_svg(
        pfm, known, align(pfm, known), name=motif.name, known_name=f"{motif.match_name} {motif.match}",
        height=height, most=most, mode=mode, reverse=reverse,
    )  # fmt: skip


def known_as(motif: LearnedMotif) -> str:
    """The match in words."""
    if not motif.match:
        return "no match in JASPAR" if motif.counts else "not clear enough to be named"
    return f"{motif.match_name} {motif.match}, q = {motif.q_value:.1g}"


def show(model: ModelBundle, motif: LearnedMotif, at: Basis, *, mode: Mode, reverse: bool) -> None:
    """Draw the card of a motif."""
    st.subheader(plain(motif.name), anchor=False)
    svg = picture(motif, mode=mode, reverse=reverse, with_match=True, most=320)
    st.html(logo_img(svg, f"{motif.name} above its match" if motif.match else f"{motif.name}, no match"))
    st.caption(plain(known_as(motif)))
    row = services.cards(state.model_name(), at.reading, at.digest).set_index("motif").loc[motif.name]
    st.caption(f"In {plain(page.short(at.label))}:")
    with st.container(horizontal=True):
        st.metric(
            "With an instance",
            f"{row['share']:.0%}",
            help=f"{row['with_instance']:,} of {row['sequences']:,}",
        )
        st.metric(
            "Mean contribution", "none" if np.isnan(row["contribution"]) else f"{row['contribution']:.1f}",
            help="Logits that an instance is worth, on average.",
        )  # fmt: skip
        st.metric("Instances", f"{row['instances']:,}", help=f"{row['plus']:,} on the + strand")
    if row["instances"]:
        _positions(model, motif, at, row)
    lines = [
        f"Read by **{_readers(row['readers'])}**" if row["readers"] else "Not read here",
        f"{motif.windows:,} windows made the logo, {motif.information:.1f} bits",
        f"Found by {row['confidence']:.0%} of the seeds" if np.isfinite(row["confidence"])
        else "Confidence across seeds: not measured",
    ]  # fmt: skip
    st.markdown("  \n".join(lines))
    key = _toggle(motif.name)
    st.toggle(
        "Mute this motif", motif.name in muted(), key=key, on_change=_mute, args=[motif.name, key],
        help="The model reads on as if it matched nowhere.",
    )  # fmt: skip


def _positions(model: ModelBundle, motif: LearnedMotif, at: Basis, row: pd.Series) -> None:
    found = at.reading.instances[at.reading.instances["motif"] == motif.name]
    sequences = at.reading.windows.sequences
    length = dict(zip(sequences.names, sequences.lengths.tolist(), strict=True))
    middle = (found["start0"] + found["end0"]).to_numpy() / 2 - found["sequence"].map(length).to_numpy() / 2
    svg = positions_svg(middle, max(length.values()) / 2, colour=services.colours(model)[motif.name])
    st.html(logo_img(svg, f"distances of {len(found)} instances from the centre of their sequence"))
    if at.digest == EXAMPLES:
        st.caption(
            "The examples have their motifs near the centre. Give your own sequences to see a preference."
        )
    elif row["central_q"] < 0.05:
        st.caption(
            f"{row['central_share']:.0%} of its best instances lie in the central {row['central_width']:.0f} bp "
            f"(q = {row['central_q']:.1g})."
        )
    else:
        st.caption("No preference for the centre beyond chance.")


def _readers(text: str) -> str:
    """A list such as 1.2:34,evidence:10 in words, the four that read most."""
    every = [part.partition(":")[::2] for part in text.split(",")]
    words = ", ".join(f"{_reader(reader)} ({n})" for reader, n in every[:4])
    return words + (f" and {len(every) - 4} more" if len(every) > 4 else "")


def _reader(name: str) -> str:
    return "the evidence path" if name == EVIDENCE else f"layer {name.replace('.', ' head ')}"


def effect(at: Basis) -> None:
    """What the muted motifs were worth, in all the sequences at hand."""
    names = muted()
    if not names:
        return
    change = services.without_motifs(state.model_name(), at.reading, at.digest, names)
    before, after = change["logit"], change["muted"]
    with st.container(border=True):
        st.markdown(
            f"**Muted:** {plain(', '.join(names))}, in {page.count(len(change), 'window')} of {plain(at.label)}"
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.metric("Mean logit", f"{after.mean():.2f}", f"{after.mean() - before.mean():+.2f}")
            calls = int((after > 0).sum()), int((before > 0).sum())
            st.metric("Read as positive", f"{calls[0]:,} of {len(change):,}", f"{calls[0] - calls[1]:+,}")
            worst = change["change"].min()
            st.metric("Largest fall", f"{worst:.2f}" if worst < 0 else "none")
            st.button("Unmute all", on_click=_unmute_all)
        with st.expander("The sequences that change most"):
            order = change["change"].abs().sort_values(ascending=False, kind="stable").index[:50]
            decimals = st.column_config.NumberColumn(format="%.2f")
            st.dataframe(
                change.loc[order], hide_index=True, key="muted_rows",
                column_config={
                    "logit": decimals, "muted": st.column_config.NumberColumn("logit when muted", format="%.2f"),
                    "change": decimals,
                },
            )  # fmt: skip
