"""The session's designs, one a model: what is on the track, what lies under it, and the shelf of kept ones.

A change of page destroys the canvas; what is kept here draws it again. What the browser can undo is placements and
`Base`: every base has a number, and the browser names the one that it went back to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from uuid import uuid4

import numpy as np
import pandas as pd
import streamlit as st

from app.components.canvas import CanvasState
from argminn_core import design
from argminn_core.checkpoint import ModelBundle
from argminn_core.design_files import SavedDesign, open_designs
from argminn_core.errors import ArgminnError, InputError
from argminn_core.rulebook import Rule, from_card
from argminn_core.tables import PLACEMENTS

DESIGNS = "designs"
KIND, GC, MODE, NAME, LOCK, UPLOAD, PASTED, ENZYMES = (
    f"design_{name}" for name in ("kind", "gc", "mode", "name", "lock", "upload", "pasted", "enzymes")
)
RANDOM, GIVEN, SHUFFLED = "Random", "A sequence as it is", "Its dinucleotide shuffle"
CONSENSUS, DRAWN = MODES = ("Consensus", "A draw from the motif")
MAX_BASES = 600  # of them, and more steps than the browser remembers
MAX_SHELF = 200


@dataclass(frozen=True)
class Base:
    """What lies beneath the placements. `given` : codes of an opened sequence as bytes; `gc` : per cent."""

    name: str = "design_01"
    kind: str = RANDOM
    gc: int = 50
    seed: int = 1
    given: bytes | None = None

    def background(self, length: int) -> np.ndarray:
        """Codes (length,)."""
        if self.kind == RANDOM or self.given is None:
            return design.background(length, gc=self.gc / 100, seed=self.seed)
        codes = np.frombuffer(self.given, dtype=np.uint8)
        if self.kind == GIVEN:
            return codes
        from argminn_core.negatives import (
            dinucleotide_shuffle,
        )  # slow to import, and compiled when first called

        return dinucleotide_shuffle(codes[None], seed=self.seed)[0]


@dataclass(frozen=True)
class Kept:
    """A design on the shelf, with what the model made of it."""

    saved: SavedDesign
    text: str
    logit: float
    probability: float
    read: int
    accidental: int


@dataclass
class Design:
    """One model's design. `rev` grows when placements come from elsewhere than from the canvas."""

    length: int
    id: str = field(default_factory=lambda: uuid4().hex)
    placements: pd.DataFrame = field(default_factory=PLACEMENTS.empty)
    rev: int = 1
    bases: dict[int, Base] = field(default_factory=lambda: {1: Base()})
    at: int = 1  # the number of the base that lies there now
    locked: bool = False
    shelf: list[Kept] = field(default_factory=list)
    pending: list[SavedDesign] = field(default_factory=list)  # opened, and to be judged for the shelf
    learned: list[dict] | None = None  # rules found in this session, as a card has them
    problem: str = ""
    notice: str = ""
    _drawn: tuple[Base, np.ndarray] | None = None
    _text: str = ""
    _logits: tuple[float | None, float | None] = (None, None)

    @property
    def base(self) -> Base:
        return self.bases[self.at]

    @property
    def latest(self) -> int:
        return max(self.bases)

    @property
    def name(self) -> str:
        return self.base.name

    def set_base(self, **changes: object) -> None:
        """Put another base beneath; under a lock only its name changes."""
        if self.locked:
            changes = {key: value for key, value in changes.items() if key == "name"}
        wanted = replace(self.base, **changes)
        if wanted != self.base:
            self.at = self.latest + 1
            self.bases[self.at] = wanted
            for number in sorted(self.bases)[:-MAX_BASES]:
                if number != self.at:
                    del self.bases[number]

    def take(self, sent: CanvasState | None) -> None:
        """What the browser answered; about the base only if it knew of the last one."""
        if sent is None:
            return
        self.placements = sent.placements
        if sent.seen >= self.latest and sent.base in self.bases:
            self.at = sent.base

    def background(self) -> np.ndarray:
        """Codes (length,), drawn once: a shuffle takes a while."""
        if self._drawn is None or self._drawn[0] != replace(self.base, name=""):
            self._drawn = replace(self.base, name=""), self.base.background(self.length)
        return self._drawn[1]

    def draw_again(self) -> None:
        self.set_base(seed=self.base.seed + 1)

    def clear(self) -> None:
        self.placements, self.rev = PLACEMENTS.empty(), self.rev + 1

    def put(self, saved: SavedDesign, motifs: design.Pfms) -> None:
        """Draw a saved design on the canvas, on a locked background only its placements.

        Raises
        ------
        InputError : it does not fit the model, or cannot be written.
        """
        below = saved.background
        if below is not None and (len(below) < self.length or (not saved.plain and len(below) > self.length)):
            raise InputError(
                f"{saved.name} does not have the length that the model reads", found=f"{len(below)} bp",
                expected=f"{self.length} bp",
            )  # fmt: skip
        if below is not None:
            left = (len(below) - self.length) // 2  # of a longer sequence, the middle
            below = below[left : left + self.length]
        locked = self.locked or below is None
        design.render(saved.placements, self.background() if locked else below, motifs)
        changes = {} if locked else {"kind": GIVEN, "given": below.tobytes()}
        if not saved.plain:
            self.placements, self.rev = saved.placements, self.rev + 1
            changes["name"] = saved.name[:60]
        self.set_base(**changes)

    def open(self, raw: bytes, motifs: design.Pfms) -> None:
        """Take up a file: its first design goes to the canvas, the others to the shelf.

        A sequence that no design was made on becomes the background.

        Raises
        ------
        InputError : not a file of designs or of DNA, or of a length that the model does not read.
        """
        first, *others = open_designs(raw, motifs)
        self.put(first, motifs)
        if not others:
            return
        fit = [one for one in others if not one.plain and _length(one) == self.length][:MAX_SHELF]
        self.pending = fit
        words = [f"{first.name} is {'the background' if first.plain else 'on the canvas'}"]
        words += [f"{len(fit)} more on the shelf"] * bool(fit)
        if left_out := len(others) - len(fit):
            words.append(
                f"{left_out} left out, since a shelf takes designs of {self.length:,} bp and at most {MAX_SHELF}"
            )
        self.notice = ", ".join(words) + "."

    def change(self, text: str, logit: float) -> float | None:
        """How far the logit is from that of the last other sequence; None for the first."""
        if text != self._text:
            self._text, self._logits = text, (self._logits[1], logit)
        before = self._logits[0]
        return None if before is None else logit - before

    def saved(self, model: ModelBundle, logit: float) -> SavedDesign:
        return SavedDesign(self.name, self.placements, self.background(), model.name, logit)

    def free_name(self, name: str) -> str:
        """`name`, or with the next number where the shelf has it already."""
        taken = {kept.saved.name for kept in self.shelf}
        while name in taken:
            stem, digits = re.fullmatch(r"(.*?)(\d*)", name, re.DOTALL).groups()
            number = str(int(digits[-9:]) + 1).zfill(len(digits)) if digits else "_2"
            name = stem + number
        return name


def _length(saved: SavedDesign) -> int:
    return 0 if saved.background is None else len(saved.background)


def current(model: ModelBundle, name: str) -> Design:
    """The design for a model, begun where there is none."""
    designs = st.session_state.setdefault(DESIGNS, {})
    if name not in designs or designs[name].length != model.length:
        designs[name] = Design(model.length)
    return designs[name]


def pfms(model: ModelBundle) -> dict[str, np.ndarray]:
    return {motif.name: motif.motif.pfm for motif in model.motifs}


def take(made: Design, model: ModelBundle) -> None:
    """Open what was uploaded or pasted last; a callback of those widgets."""
    uploaded, pasted = st.session_state.get(UPLOAD), (st.session_state.get(PASTED) or "").strip()
    raw = uploaded.getvalue() if uploaded is not None else pasted.encode()
    made.problem = made.notice = ""
    if not raw:
        return
    try:
        made.open(raw, pfms(model))
    except ArgminnError as error:
        made.problem = str(error)


def rules(model: ModelBundle, made: Design) -> tuple[list[Rule], int]:
    """The rules that are known, and how many entries of the card cannot be used; those of this session win."""
    card = model.card if made.learned is None else {"rules": made.learned}
    return from_card(card, [motif.name for motif in model.motifs])
