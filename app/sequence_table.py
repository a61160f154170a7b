"""The table of the Sequences page: its filters, its downloads, and which row is picked."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pandas as pd
import streamlit as st

from app import services
from app.page import count
from app.services import Reading
from argminn_core.checkpoint import ModelBundle
from argminn_core.fasta import to_fasta
from argminn_core.instances import to_bed
from argminn_core.tables import DROPPED, INSTANCES, PREDICTIONS
from argminn_core.tracks import to_gff3


@dataclass(frozen=True)
class Filter:
    """What a visitor asks of the rows; the widest filter lets all pass.

    `text` is looked for in the name, `motifs` must all be there, `logit` are the lowest and the highest.
    """

    text: str = ""
    with_instance: bool = False
    motifs: tuple[str, ...] = ()
    logit: tuple[float, float] | None = None

    @property
    def key(self) -> str:
        """Short, and another one for another filter: a table with other rows is another widget."""
        return blake2b(repr(self).encode(), digest_size=6).hexdigest()

    def rows(self, reading: Reading) -> np.ndarray:
        """The rows of the reading's table that pass, as indices in their order."""
        table = reading.table
        keep = np.ones(len(table), dtype=bool)
        if self.text.strip():
            keep &= table["sequence"].str.contains(self.text.strip(), case=False, regex=False).to_numpy()
        if self.with_instance:
            keep &= (table["instances"] > 0).to_numpy()
        for motif in self.motifs:
            # Instances are sorted by place, so those of a window are a stretch: count the motif's in it.
            seen = np.concatenate([[0], np.cumsum((reading.instances["motif"] == motif).to_numpy())])
            keep &= seen[reading.last] > seen[reading.first]
        if self.logit is not None:
            # The slider's ends are rounded outwards to a tenth.
            keep &= table["logit"].between(self.logit[0] - 1e-9, self.logit[1] + 1e-9).to_numpy()
        return np.flatnonzero(keep)


def filters(reading: Reading, *, key: str) -> Filter:
    """Draw the filters, folded away."""
    lowest = np.floor(10 * reading.table["logit"].min()) / 10
    highest = np.ceil(10 * reading.table["logit"].max()) / 10
    with st.expander("Filter the table", key=f"filters_{key}"):
        left, right = st.columns(2)
        text = left.text_input("Name contains", key=f"filter_text_{key}")
        motifs = right.multiselect(
            "With the motifs", sorted(reading.instances["motif"].unique()), key=f"filter_motifs_{key}",
            placeholder="any",
        )  # fmt: skip
        logit = None
        if highest > lowest:
            chosen = left.slider("Logit", lowest, highest, (lowest, highest), 0.1, key=f"filter_logit_{key}")
            logit = None if chosen == (lowest, highest) else chosen
        with_instance = right.toggle("Only with an instance", key=f"filter_with_{key}")
    return Filter(text, with_instance, tuple(motifs), logit)


def pick(reading: Reading, rows: np.ndarray, *, key: str) -> int:
    """Draw these rows of the reading's table; returns the one that is picked, as an index of the whole table."""
    shown = reading.table.iloc[rows]
    place = ("start0", "end0", "note") if reading.table["note"].any() else ()
    picked = st.dataframe(
        shown, hide_index=True, height=228 if len(shown) > 5 else "content", on_select="rerun",
        selection_mode="single-row-required", key=f"table_{key}",
        column_order=("sequence", *place, "logit", "probability", "instances", "motifs"),
        column_config={
            "sequence": st.column_config.TextColumn(width="medium"),
            "logit": st.column_config.NumberColumn(format="%.2f"),
            "probability": st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1),
            "motifs": st.column_config.TextColumn("motifs, left to right", width="large"),
        },
    )  # fmt: skip
    chosen = picked.selection.rows
    return int(rows[chosen[0] if chosen and chosen[0] < len(rows) else 0])


def downloads(model: ModelBundle, reading: Reading, rows: np.ndarray, *, stem: str) -> None:
    """Files of the rows that are shown. Callables: nothing is written out before it is asked for."""

    def instances() -> pd.DataFrame:
        if len(rows) == len(reading.table):
            return reading.instances
        spans = [np.arange(reading.first[row], reading.last[row]) for row in rows]
        return reading.instances.iloc[np.unique(np.concatenate([np.zeros(0, dtype=int), *spans]))]

    def fasta() -> str:
        sequences = reading.windows.sequences
        records = dict.fromkeys(reading.windows.record[rows].tolist())
        return to_fasta((sequences.headers[i] or sequences.names[i], sequences.text(i)) for i in records)

    def sites() -> pd.DataFrame:
        # Of all sequences: how many hold a site, and where, is learned from them.
        names = np.asarray(reading.windows.sequences.names, dtype=object)
        found = services.probable_sites(model, reading)
        return found[found["sequence"].isin(names[reading.windows.record[rows]])]

    files = [
        ("Predictions (TSV)", lambda: PREDICTIONS.to_tsv(reading.table.iloc[rows]), "predictions.tsv"),
        ("Instances (TSV)", lambda: INSTANCES.to_tsv(instances()), "instances.tsv"),
        ("Instances (BED)", lambda: to_bed(instances()), "instances.bed"),
        ("Instances (GFF3)", lambda: to_gff3(instances()), "instances.gff3"),
        ("Probable sites (TSV)", lambda: INSTANCES.to_tsv(sites()), "sites.tsv"),
        ("Sequences (FASTA)", fasta, "sequences.fa"),
    ]
    if len(reading.dropped):
        files.append(("Dropped (TSV)", lambda: DROPPED.to_tsv(reading.dropped), "dropped.tsv"))
    st.caption(f"Files of all {len(rows):,} windows in the table")
    with st.container(horizontal=True, gap="small"):
        for label, data, ending in files:
            st.download_button(label, data, f"{stem}_{ending}", on_click="ignore")


def summary(reading: Reading) -> str:
    """What was read, as one line of Markdown."""
    with_instance = int((reading.table["instances"] > 0).sum())
    return (
        f"{count(len(reading.windows.sequences), 'record')} read in {count(len(reading.table), 'window')}, "
        f"**{with_instance:,}** of them with an instance; {count(len(reading.instances), 'instance')}, "
        f"{count(len(reading.dropped), 'record')} dropped"
    )
