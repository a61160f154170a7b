"""What the Variants page computes: both alleles of an edit on common columns, and edits worth trying."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from app.services import Reading, colours, worth_between
from argminn_core.checkpoint import ModelBundle
from argminn_core.dna import decode
from argminn_core.errors import InputError
from argminn_core.plot.traces import trace_rows
from argminn_core.predict import trace
from argminn_core.variants import Effects, columns, snvs, variant_effects

DIFFERS = 0.1  # of a head's look or a motif's activation


@dataclass(frozen=True, eq=False)
class Allele:
    """One allele as the trace draws it, on columns that both alleles share; a gap is `-`."""

    letters: str
    start0: int
    instances: pd.DataFrame
    rows: dict[str, list[dict[str, Any]]]
    track: dict[str, Any]


def alleles(model: ModelBundle, effects: Effects, row: int) -> tuple[Allele, Allele]:
    """The reference and the alternative allele of a row of VARIANTS.

    Of the heads and motifs those are kept that differ between the two, and motifs that have an instance.
    """
    where = effects.placed[row]
    windows = {"ref": int(effects.ref[row]), "alt": int(effects.alt[row])}
    letters = {name: _aligned(decode(effects.codes[window]), where, name) for name, window in windows.items()}
    lo = max(-where.window0, 0)
    hi = max(len(text.rstrip("N-")) for text in letters.values())
    outs = {name: trace(model.model, effects.codes[window][None]) for name, window in windows.items()}
    views = {}
    for name, window in windows.items():
        found = effects.instances_of(window)
        start = columns(where, found["start0"], allele=name)
        end = columns(where, found["end0"] - 1, allele=name) + 1
        found = found.assign(start0=start + where.window0, end0=end + where.window0)
        rows = trace_rows(
            outs[name].att[0], outs[name].act[0], [motif.name for motif in model.motifs], colours(model),
            width=model.model.config.width, scale=[motif.max_activation for motif in model.motifs],
        )  # fmt: skip
        for kind in rows.values():
            for each in kind:
                each["runs"] = _moved(each["runs"], where, name, lo, hi)
        codes = effects.codes[window]
        track = worth_between(model, codes, lo, len(decode(codes).rstrip("N")))
        track["start"] = (columns(where, track["start"], allele=name) + where.window0).tolist()
        views[name] = Allele(
            letters[name][lo:hi], where.window0 + lo, found[end <= hi].reset_index(drop=True), rows, track
        )
    _keep_what_differs(views["ref"], views["alt"])
    # One scale for both.
    values = [value for view in views.values() for value in view.track["value"]]
    for view in views.values():
        view.track.update(most=max(values, default=0), least=min(values, default=0))
    return views["ref"], views["alt"]


def example_edits(model: ModelBundle, reading: Reading) -> str:
    """Edits to try: the most harmful letter in the strongest instance, its deletion, and a letter beside it.

    Raises
    ------
    InputError : there is no instance in the sequences.
    """
    if reading.instances.empty:
        raise InputError(
            "there is no motif instance to edit in these sequences",
            mend="Type an edit, or give other sequences",
        )
    best = reading.instances.iloc[int(reading.instances["contribution"].to_numpy().argmax())]
    sequences = reading.windows.sequences
    record = sequences.names.index(best["sequence"])
    start0, end0 = int(best["start0"]), int(best["end0"])
    tried = variant_effects(model, sequences, snvs(sequences, record, start0, end0))
    if tried.table.empty:
        raise InputError("the strongest instance holds no known base", mend="Type an edit")
    worst = tried.table.iloc[int(tried.table["difference"].to_numpy().argmin())]
    name, text = best["sequence"], sequences.text(record)
    lines = [f"{name}:{worst['start0'] + 1} {worst['ref']}>{worst['alt']}"]
    before = int(worst["start0"]) - 1
    if before >= 0 and "N" not in text[before : before + 2]:
        lines.append(f"{name}:{before + 1} {text[before : before + 2]}>{text[before]}")
    beside = start0 - 12 if start0 >= 12 else min(end0 + 12, len(text) - 1)
    if text[beside] != "N":
        lines.append(f"{name}:{beside + 1} {text[beside]}>{'A' if text[beside] != 'A' else 'C'}")
    return "\n".join(lines)


def _aligned(letters: str, where: Any, name: str) -> str:
    shorter = "ref" if where.gap > 0 else "alt"
    if name != shorter or not where.gap:
        return letters
    cut = where.start0 - where.window0 + where.shared
    return (letters[:cut] + "-" * abs(where.gap) + letters[cut:])[: len(letters)]


def _moved(runs: list[list[float]], where: Any, name: str, lo: int, hi: int) -> list[list[float]]:
    """Runs from the window's first base as runs on common columns of the record."""
    out = []
    for start, end, value in runs:
        a = max(int(columns(where, start, allele=name)), lo)
        b = min(int(columns(where, end - 1, allele=name)) + 1, hi)
        if a < b:
            out.append([a + where.window0, b + where.window0, value])
    return out


def _keep_what_differs(ref: Allele, alt: Allele) -> None:
    """Leave out heads and motifs whose rows are the same for both alleles, in place."""
    seen = {*ref.instances["motif"], *alt.instances["motif"]}
    for kind in ("heads", "motifs"):
        pairs = zip(ref.rows[kind], alt.rows[kind], strict=True)
        keep = [one.get("name") in seen or _differ(one["runs"], other["runs"]) for one, other in pairs]
        for view in (ref, alt):
            view.rows[kind] = [row for row, kept in zip(view.rows[kind], keep, strict=True) if kept]


def _differ(one: list[list[float]], other: list[list[float]]) -> bool:
    edges = [int(edge) for runs in (one, other) for run in runs for edge in run[:2]]
    if not edges:
        return False
    first = min(edges)
    lines = np.zeros((2, max(edges) - first))
    for line, runs in zip(lines, (one, other), strict=True):
        for start, end, value in runs:
            np.maximum(line[start - first : end - first], value, out=line[start - first : end - first])
    return bool(np.abs(lines[0] - lines[1]).max() > DIFFERS)
