"""What the model makes of the session's design, and what the canvas is told to show of it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from app import services
from app.design_state import Design, Kept, pfms, rules
from argminn_core import design, rulebook, synthesis
from argminn_core.checkpoint import ModelBundle
from argminn_core.design_files import SavedDesign
from argminn_core.dna import decode, gc_content
from argminn_core.errors import InputError
from argminn_core.fasta import Sequences
from argminn_core.instances import Scan, scan
from argminn_core.motifs import usable

# Synthesis providers refuse less and more than this in a window.
LOW_GC, HIGH_GC = 0.3, 0.7
GC_STEP = 5
HOMOPOLYMER = 8


class Verdict(NamedTuple):
    """What the model makes of a design: INSTANCES with a column `origin`, placements read and unread, rules judged."""

    logit: float
    probability: float
    instances: pd.DataFrame
    read: pd.DataFrame
    unread: pd.DataFrame
    judged: pd.DataFrame


def render(model: ModelBundle, made: Design) -> design.Rendered:
    return design.render(made.placements, made.background(), pfms(model))


def judge(model: ModelBundle, made: Design, rendered: design.Rendered) -> Verdict:
    found = scan(model, Sequences.from_codes([made.name], rendered.codes[None]))
    read, unread, instances = _compared(made.name, rendered, found)
    row = found.predictions.iloc[0]
    judged = rulebook.judge(rendered.placements, rules(model, made)[0])
    return Verdict(float(row["logit"]), float(row["probability"]), instances, read, unread, judged)


def _compared(
    name: str, rendered: design.Rendered, found: Scan
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    placements = rendered.placements.assign(sequence=name)
    instances = found.instances[found.instances["sequence"] == name]
    read, unread, accidental = design.compare(placements, instances)
    origins = design.origins(placements, instances, accidental.index)
    return read, unread, instances.assign(origin=pd.Series(origins, index=instances.index, dtype=object))


def shelve(model: ModelBundle, made: Design, designs: list[SavedDesign]) -> int:
    """Put designs on the shelf, judged together; those that are there already stay once. Returns how many are new."""
    known = {(kept.saved.name, kept.text) for kept in made.shelf}
    fresh = []
    for saved in designs:
        try:
            rendered = saved.render(pfms(model))
        except InputError as error:
            made.notice = f"{made.notice} {saved.name} was left out: {error}".strip()
            continue
        if (saved.name, rendered.text) not in known:
            fresh.append((saved, rendered))
    if not fresh:
        return 0
    numbers = [str(i) for i in range(len(fresh))]
    found = scan(model, Sequences.from_codes(numbers, np.stack([rendered.codes for _, rendered in fresh])))
    predictions = found.predictions.set_index("sequence")
    for number, (saved, rendered) in zip(numbers, fresh, strict=True):
        read, _, instances = _compared(number, rendered, found)
        row = predictions.loc[number]
        name = made.free_name(saved.name)
        made.shelf.append(
            Kept(
                SavedDesign(name, rendered.placements, saved.background, model.name, float(row["logit"])),
                rendered.text, float(row["logit"]), float(row["probability"]), len(read),
                int((instances["origin"] != "placed").sum()),
            )
        )  # fmt: skip
    return len(fresh)


# --- for the canvas ---------------------------------------------------------------------------------------------


def palette(model: ModelBundle) -> list[dict[str, Any]]:
    """The motifs that can be placed, as the canvas wants them: those that count, or else all."""
    motifs = usable(model.motifs)
    colours = services.colours(model)
    return [
        {
            "name": motif.name, "width": motif.motif.width, "colour": colours[motif.name],
            "consensus": decode(motif.motif.pfm.argmax(axis=0).astype(np.uint8)),
            "pfm": (motif.motif.pfm.T * 1000).round().astype(int).tolist(),
        }
        for motif in motifs
    ]  # fmt: skip


def snapping(model: ModelBundle, made: Design) -> list[dict[str, Any]]:
    """Learned pairs with preferred gaps."""
    return [
        {
            "left": rule.left, "right": rule.right, "orientation": rule.orientation, "name": rule.pair,
            "gaps": [[run.low, run.high] for run in rule.gaps],
        }
        for rule in rules(model, made)[0]
        if rule.kind == "pair" and rule.orientation and rule.gaps
    ]  # fmt: skip


def gc_track(codes: np.ndarray) -> dict[str, Any]:
    windows = synthesis.gc_windows(codes)
    window = min(50, len(codes))
    return {
        "values": [round(float(value), 3) for value in np.nan_to_num(windows[::GC_STEP], nan=0.5)],
        "step": GC_STEP, "window": window, "low": LOW_GC, "high": HIGH_GC,
        "title": f"GC in windows of {window} bp: {_range(windows)}; usual {LOW_GC:.0%} to {HIGH_GC:.0%}",
    }  # fmt: skip


def _range(windows: np.ndarray) -> str:
    if np.isnan(windows).all():
        return "not known"
    return f"{np.nanmin(windows):.0%} to {np.nanmax(windows):.0%}"


class Checks(NamedTuple):
    """What a synthesis provider will ask, computed once for the canvas and the panel."""

    gc: float
    windows: np.ndarray
    runs: list[synthesis.Run]
    longest: synthesis.Run
    repeats: list[synthesis.Repeat]
    cuts: pd.DataFrame
    problem: str

    def rows(self) -> list[dict[str, Any]]:
        """(check, found, where, worth a look) for a table."""
        spread = _range(self.windows)
        odd = bool(((self.windows < LOW_GC) | (self.windows > HIGH_GC)).any())
        sites = [f"{cut.enzyme} at {cut.start0} ({cut.strand})" for cut in self.cuts.itertuples()]
        copies = [f"{r.length} bp at {r.first0} and {r.second0}" for r in self.repeats]
        longest = (
            f"{self.longest.letter} × {self.longest.length} at {self.longest.start0}"
            if self.longest.length
            else "none"
        )
        return [
            {"check": "GC, whole", "found": f"{self.gc:.0%}", "look": not LOW_GC <= self.gc <= HIGH_GC},
            {"check": "GC in windows of 50 bp", "found": spread, "look": odd},
            {"check": "Longest homopolymer", "found": longest, "look": self.longest.length >= HOMOPOLYMER},
            {"check": "Repeats of 20 bp or more", "found": _listed(copies), "look": bool(copies)},
            {
                "check": "Restriction sites",
                "found": " ".join(filter(None, [_listed(sites), self.problem])),
                "look": bool(sites or self.problem),
            },
        ]

    def marks(self) -> list[dict[str, Any]]:
        """The same as marks on the canvas, at most 300."""
        marks = [
            {"kind": "cut", "start0": cut.start0, "end0": cut.end0,
             "title": f"{cut.enzyme} site at {cut.start0} ({cut.strand})"}
            for cut in self.cuts.itertuples()
        ] + [
            {"kind": "homopolymer", "start0": run.start0, "end0": run.start0 + run.length,
             "title": f"{run.letter} × {run.length} at {run.start0}"}
            for run in self.runs
        ]  # fmt: skip
        for one in self.repeats:
            for start in (one.first0, one.second0):
                title = f"Repeat of {one.length} bp, at {one.first0} and {one.second0}"
                marks.append({"kind": "repeat", "start0": start, "end0": start + one.length, "title": title})
        return marks[:300]


def check(codes: np.ndarray, enzymes: list[str]) -> Checks:
    cuts, problems = [synthesis.restriction_sites(codes, [])], []
    for enzyme in enzymes:
        try:
            cuts.append(synthesis.restriction_sites(codes, [enzyme]))
        except InputError as error:
            problems.append(str(error))
    return Checks(
        float(gc_content(codes)), synthesis.gc_windows(codes), synthesis.homopolymers(codes, length=HOMOPOLYMER),
        synthesis.longest_homopolymer(codes), synthesis.repeats(codes), pd.concat(cuts, ignore_index=True),
        " ".join(problems),
    )  # fmt: skip


def _listed(parts: list[str], most: int = 6) -> str:
    return (
        ", ".join(parts[:most]) + f" and {len(parts) - most} more" * (len(parts) > most) if parts else "none"
    )
