"""The session's designs, one a model: what is on the track, what lies under it, what the model made of it.

A change of page destroys the canvas; what is kept here draws it again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from app import services
from argminn_core import design, synthesis
from argminn_core.checkpoint import ModelBundle
from argminn_core.dna import decode, gc_content
from argminn_core.errors import ArgminnError, InputError
from argminn_core.fasta import Sequences, read_bytes, read_fasta
from argminn_core.instances import scan
from argminn_core.tables import PLACEMENTS

DESIGNS = "designs"
KIND, GC, MODE, UPLOAD, PASTED, ENZYMES = (
    f"design_{name}" for name in ("kind", "gc", "mode", "upload", "pasted", "enzymes")
)
RANDOM, GIVEN, SHUFFLED = "Random", "A sequence as it is", "Its dinucleotide shuffle"
CONSENSUS, DRAWN = MODES = ("Consensus", "Drawn from the motif")
CUTTERS = ["BsaI", "BsmBI", "BbsI", "SapI", "EcoRI", "BamHI", "HindIII", "NotI", "XhoI"]


@dataclass
class Design:
    """One model's design. `rev` grows when placements come from elsewhere than from the canvas."""

    length: int
    name: str = "design_01"
    placements: pd.DataFrame = field(default_factory=PLACEMENTS.empty)
    rev: int = 1
    given: np.ndarray | None = None
    seed: int = 1
    problem: str = ""
    _drawn: tuple[tuple, np.ndarray] | None = None
    _text: str = ""
    _logits: tuple[float | None, float | None] = (None, None)

    def background(self) -> np.ndarray:
        """Codes (length,) of the chosen kind, drawn once: a shuffle takes a while."""
        kind, gc = st.session_state.get(KIND, RANDOM), st.session_state.get(GC, 50)
        if self.given is None:
            kind = RANDOM
        key = (kind, gc if kind == RANDOM else id(self.given), self.seed if kind != GIVEN else 0)
        if self._drawn is None or self._drawn[0] != key:
            self._drawn = key, self._draw(kind, gc / 100)
        return self._drawn[1]

    def _draw(self, kind: str, gc: float) -> np.ndarray:
        if kind == RANDOM:
            return design.background(self.length, gc=gc, seed=self.seed)
        if kind == GIVEN:
            return self.given
        from argminn_core.negatives import (
            dinucleotide_shuffle,
        )  # slow to import, and compiled when first called

        return dinucleotide_shuffle(self.given[None], seed=self.seed)[0]

    def draw_again(self) -> None:
        self.seed += 1

    def clear(self) -> None:
        self.placements, self.rev = PLACEMENTS.empty(), self.rev + 1

    def open(self, raw: bytes) -> None:
        """Take up FASTA: a design comes with its placements, any other sequence becomes the background.

        Raises
        ------
        InputError : not FASTA of DNA, or of a length that the model does not read.
        """
        text = bytes(read_bytes(raw)[0]).decode("utf-8", "replace").lstrip()
        sequences, _ = read_fasta(raw if text.startswith(">") else b">pasted\n" + raw, max_records=1000)
        if not len(sequences):
            raise InputError("there is no sequence in it", mend="Give one FASTA record")
        codes = sequences.codes_of(0)
        header = text.splitlines()[0] if text.startswith(">") else ">pasted"
        name, below, placements = design.reopen(header, decode(codes))
        if len(codes) < self.length or (len(placements) and len(codes) > self.length):
            raise InputError(
                f"{name} does not have the length that the model reads", found=f"{len(codes)} bp",
                expected=f"{self.length} bp",
            )  # fmt: skip
        left = (len(codes) - self.length) // 2  # of a longer sequence, the middle
        self.given = below[left : left + self.length]
        if len(placements):
            self.name, self.placements, self.rev = name, placements, self.rev + 1

    def change(self, text: str, logit: float) -> float | None:
        """How far the logit is from that of the last other sequence; None for the first."""
        if text != self._text:
            self._text, self._logits = text, (self._logits[1], logit)
        before = self._logits[0]
        return None if before is None else logit - before


class Verdict(NamedTuple):
    """What the model makes of a design: INSTANCES with a column `accidental`, placements read and unread."""

    logit: float
    probability: float
    instances: pd.DataFrame
    read: pd.DataFrame
    unread: pd.DataFrame


def current(model: ModelBundle, name: str) -> Design:
    """The design for a model, begun where there is none."""
    designs = st.session_state.setdefault(DESIGNS, {})
    if name not in designs or designs[name].length != model.length:
        designs[name] = Design(model.length)
    return designs[name]


def take(made: Design) -> None:
    """Open what was uploaded or pasted last; a callback of those widgets."""
    uploaded, pasted = st.session_state.get(UPLOAD), (st.session_state.get(PASTED) or "").strip()
    raw = uploaded.getvalue() if uploaded is not None else pasted.encode()
    made.problem = ""
    if not raw:
        return
    try:
        made.open(raw)
        st.session_state[KIND] = GIVEN
    except ArgminnError as error:
        made.problem = str(error)


def palette(model: ModelBundle) -> list[dict]:
    """The motifs that can be placed, as the canvas wants them: those that count, or else all."""
    motifs = [motif for motif in services.ranked(model.motifs) if motif.counts] or list(model.motifs)
    colours = services.colours(model)
    return [
        {
            "name": motif.name, "width": motif.motif.width, "colour": colours[motif.name],
            "logo_svg": services.logo(motif, height=26),
        }
        for motif in motifs
    ]  # fmt: skip


def render(model: ModelBundle, made: Design) -> design.Rendered:
    pfms = {motif.name: motif.motif.pfm for motif in model.motifs}
    mode = "sample" if st.session_state.get(MODE) == DRAWN else "consensus"
    return design.render(made.placements, made.background(), pfms, mode=mode, seed=1)


def judge(model: ModelBundle, made: Design, rendered: design.Rendered) -> Verdict:
    found = scan(model, Sequences.from_codes([made.name], rendered.codes[None]))
    placements = rendered.placements.assign(sequence=made.name)
    read, unread, accidental = design.compare(placements, found.instances)
    instances = found.instances.assign(accidental=found.instances.index.isin(accidental.index))
    row = found.predictions.iloc[0]
    return Verdict(float(row["logit"]), float(row["probability"]), instances, read, unread)


def checks(codes: np.ndarray, enzymes: list[str]) -> list[tuple[str, str]]:
    """What a synthesis provider will ask: (what, answer)."""
    windows, run, found = synthesis.gc_windows(codes), synthesis.longest_homopolymer(codes), synthesis.repeats(codes)
    cuts = synthesis.restriction_sites(codes, enzymes)
    repeats = ", ".join(f"{r.length} bp at {r.first0} and {r.second0}" for r in found[:5])
    sites = ", ".join(f"{c.enzyme} at {c.start0} ({c.strand})" for c in cuts.itertuples())
    return [
        ("GC", f"{gc_content(codes):.0%}"),
        ("GC in 50-bp windows", f"{np.nanmin(windows):.0%} to {np.nanmax(windows):.0%}"),
        ("Longest homopolymer", f"{run.letter} × {run.length} at {run.start0}"),
        ("Repeats of 20 bp or more", repeats or "none"),
    ] + ([("Restriction sites", sites or "none")] if enzymes else [])
