"""The Variants page: edits in, the table of their effects, both alleles of the one that is picked, files."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import unquote

import numpy as np
import pandas as pd
import streamlit as st

from app import examples, services, state, variants_work
from app.components.trace import trace
from app.page import count, file_stem, plain, short, show_error
from argminn_core import __version__
from argminn_core.checkpoint import ModelBundle
from argminn_core.errors import ArgminnError
from argminn_core.fasta import Sequences
from argminn_core.plot.alleles import alleles_html
from argminn_core.tables import DROPPED, VARIANTS
from argminn_core.variants import Effects, contig_lengths, sentence
from argminn_core.vcf import CHANGES, to_vcf

GIVEN, TEXT, FILE = "variants_given", "variants_text", "variants_file"
HOW_TO_READ = """
- A **variant** is one change of a sequence: a letter (an SNV), or a few letters that come or go (an indel). The model
  reads both **alleles**, the reference (ref) and the alternative (alt), in a window centred on the change.
- Bases in edits, in the table and in the sentence count from 1, as in VCF; the traces and the column `start0` of the
  TSV count from 0, as all tables here.
- The **difference** is the logit of alt minus that of ref: below 0 the change speaks against the class that the model
  finds, above 0 for it. Where the **call turns**, the logit crosses 0.
- **Lost** and **gained**: motif instances that only one of the alleles has. **Weakened** and **strengthened**: both
  have it, and its **contribution**, how far the logit falls without it, differs by 0.5 or more. An instance far from
  the change can go too: a head that reads two motifs together looks for the second where it found the first.
- Both alleles are drawn on the same columns; where one has letters that the other lacks, the other has a gap (-). Of
  the attention heads and motifs, those are drawn whose rows differ, and motifs with an instance.
- A model has no opinion about what it never learned: no difference is no proof that a variant does nothing.
"""


@dataclass(frozen=True)
class Given:
    """Edits as they were given: typed lines, or the bytes of a VCF."""

    label: str
    raw: bytes
    typed: bool

    @property
    def digest(self) -> str:
        return sha256(self.raw).hexdigest()


def given() -> Given | None:
    return st.session_state.get(GIVEN)


def edit_inputs(model: ModelBundle) -> None:
    """Typed edits on the left, a VCF on the right."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.text_area(
            "Edits, one a line", key=TEXT, height=120, persist_state="session",
            placeholder="seq1:120 A>G\nseq1:131 CT>C",
            help="name:position REF>ALT. The position counts from 1. An insertion or deletion begins with the letter "
            "before it, as in VCF.",
        )  # fmt: skip
        with st.container(horizontal=True, gap="small"):
            st.button("Show the effects", type="primary", on_click=_take_text)
            st.button(
                "Try an example", on_click=_take_example, args=[model],
                help="Edits in and beside the strongest motif instance of these sequences, or of example sequences.",
            )  # fmt: skip
    with right:
        st.file_uploader(
            "or a VCF, plain or gzip", type=["vcf", "gz", "txt"], key=FILE, on_change=_take_file,
            max_upload_size=services.MAX_VCF_BYTES // 1_000_000,
            help="CHROM names a sequence; where sequences are named chr1:100-600, also the chromosome, with POS on it.",
        )  # fmt: skip
        st.caption(
            f"SNVs and short indels, {services.MAX_VARIANTS:,} alleles at most; **argminn variants** on the command "
            "line reads more."
        )


def _take_text() -> None:
    text = st.session_state.get(TEXT, "")
    if text.strip():
        st.session_state[GIVEN] = Given("typed edits", text.encode(), typed=True)


def _take_file() -> None:
    uploaded = st.session_state[FILE]
    if uploaded is not None:
        st.session_state[GIVEN] = Given(uploaded.name, uploaded.getvalue(), typed=False)


def _take_example(model: ModelBundle) -> None:
    if state.source() is None:
        state.set_source("examples", examples.example(model))
    source = state.source()
    try:
        reading = services.read(state.model_name(), source.raw, source.digest, ambiguous=state.ambiguous())
        text = variants_work.example_edits(model, reading)
    except ArgminnError as error:
        show_error(error)
        return
    st.session_state[TEXT] = text
    st.session_state[GIVEN] = Given("typed edits", text.encode(), typed=True)


def all_dropped(found: services.VariantReading) -> pd.DataFrame:
    """DROPPED of the sequences and of the variants."""
    source = state.source()
    before = [] if source is None or source.dropped is None else [source.dropped]
    return pd.concat([*before, found.dropped], ignore_index=True)


def summary(effects: Effects, dropped: pd.DataFrame) -> None:
    """What was read, and what was not and why."""
    table = effects.table
    turned = int(((table["ref_logit"] > 0) != (table["alt_logit"] > 0)).sum())
    changed = int((table[list(CHANGES)] != "").any(axis=1).sum())
    st.markdown(
        f"{count(len(table), 'effect')}; **{changed:,}** change a motif instance, **{turned:,}** turn the call; "
        f"{count(len(dropped), 'record')} dropped"
    )
    if len(dropped):
        with st.expander("Dropped records, and why", expanded=table.empty):
            st.dataframe(dropped, hide_index=True, key="variants_dropped")


@st.fragment
def explore(model: ModelBundle, sequences: Sequences, effects: Effects, dropped: pd.DataFrame) -> None:
    """The table and the picked variant: picking another one re-runs only this."""
    row = _pick(effects)
    table = effects.table.iloc[row]
    st.subheader(
        plain(f"{short(table['sequence'])}: {short(table['ref'], 20)}>{short(table['alt'], 20)}"),
        anchor=False,
    )
    st.markdown(plain(_readable(sentence(table))))
    ref, alt = variants_work.alleles(model, effects, row)
    where, colours = effects.placed[row], services.colours(model)
    st.html(
        alleles_html(
            ref.letters, alt.letters, ref.instances, alt.instances, colours, start0=ref.start0,
            at=where.start0 - ref.start0,
        )
    )  # fmt: skip
    for kind, allele, logit in (("ref", ref, table["ref_logit"]), ("alt", alt, table["alt_logit"])):
        name = "Reference" if kind == "ref" else "Alternative"
        st.markdown(f"**{name} allele**, logit {logit:.2f}")
        trace(
            key=f"variants_{kind}", id=f"{state.model_name()} {row} {table['sequence']} {table['start0']} {kind}",
            name=f"{name.lower()} allele of {table['sequence']}", letters=allele.letters, start0=allele.start0,
            instances=allele.instances, colours=colours, rows=allele.rows, track=allele.track,
        )  # fmt: skip
    if where.gap:
        longer = "alternative" if where.gap > 0 else "reference"
        st.caption(f"Bases behind the change are counted on the {longer} allele, which is the longer one.")
    _downloads(model, sequences, effects, dropped)


def _pick(effects: Effects) -> int:
    """Draw the table, the largest effects first; returns the row of VARIANTS that is picked."""
    order = np.argsort(-effects.table["difference"].abs().to_numpy(), kind="stable")
    shown = effects.table.iloc[order].assign(position=lambda table: table["start0"] + 1)
    for change in CHANGES:
        shown[change] = [" ".join(map(_entry, said.split())) for said in shown[change]]
    names = ["id"] if shown["id"].any() else []
    told = [name for name in (*CHANGES, "note") if shown[name].any()]  # an empty column says nothing
    picked = st.dataframe(
        shown, hide_index=True, height=228 if len(shown) > 5 else "content", on_select="rerun",
        selection_mode="single-row-required", key="variants_table",
        column_order=("sequence", "position", *names, "ref", "alt", "difference", "ref_logit", "alt_logit", *told),
        column_config={
            "position": st.column_config.NumberColumn("base (from 1)", format="%d"),
            "difference": st.column_config.NumberColumn(
                "difference", format="%+.2f", help="Logit of alt minus that of ref"
            ),
            "ref_logit": st.column_config.NumberColumn("logit of ref", format="%.2f"),
            "alt_logit": st.column_config.NumberColumn("logit of alt", format="%.2f"),
        },
    )  # fmt: skip
    chosen = picked.selection.rows
    return int(order[chosen[0] if chosen and chosen[0] < len(order) else 0])


def _entry(entry: str) -> str:
    motif, strand, _, _, change = entry.split("/")
    return f"{unquote(motif)}({strand}) {change}"


def _readable(text: str) -> str:
    return text.replace(">", "→", 1)


def _downloads(model: ModelBundle, sequences: Sequences, effects: Effects, dropped: pd.DataFrame) -> None:
    held = given()
    stem = file_stem(held.label if held is not None else "variants")

    def vcf() -> str:
        return to_vcf(
            effects.table, model=model.name, version=__version__,
            lengths=contig_lengths(sequences, effects.table),
        )  # fmt: skip

    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Effects (TSV)", lambda: VARIANTS.to_tsv(effects.table), f"{stem}_variants.tsv", on_click="ignore"
        )
        st.download_button("Effects (VCF)", vcf, f"{stem}_variants.vcf", on_click="ignore")
        if len(dropped):
            st.download_button(
                "Dropped (TSV)", lambda: DROPPED.to_tsv(dropped), f"{stem}_dropped.tsv", on_click="ignore"
            )
