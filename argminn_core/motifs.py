"""What one filter learned: its motif and the statistics that calls depend on. Stored in every model file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from argminn_core.pfm import Motif, information


@dataclass(frozen=True, eq=False)
class LearnedMotif:
    """What one filter learned.

    pfm : (4, W), columns sum to 1, over the whole width of the filter; `core` (start, end) are the columns that
        remain after trimming ends under 0.2 bit.
    windows : how many windows made the PFM. counts : at least 5 core columns with a mean of 1 bit.
    contribution : what the motif's instances add to the logit of a positive sequence, on average; NaN where unknown.
    max_activation, threshold : largest and mean positive activation over the reference set; an instance needs more
        than the threshold.
    """

    name: str
    filter: int
    pfm: np.ndarray
    windows: int
    core: tuple[int, int]
    counts: bool
    max_activation: float
    threshold: float
    match: str = ""
    match_name: str = ""
    q_value: float = float("nan")
    note: str = ""
    contribution: float = float("nan")

    @property
    def core_pfm(self) -> np.ndarray:
        """(4, core width)."""
        return self.pfm[:, slice(*self.core)]

    @property
    def motif(self) -> Motif:
        """The trimmed core as a `Motif`: what is shown, matched and exported; the whole PFM where no core remains."""
        pfm = self.core_pfm if self.core[1] > self.core[0] else self.pfm
        return Motif(self.name, pfm, alt=self.match_name, nsites=max(self.windows, 1))

    def turned(self) -> LearnedMotif:
        """The same motif read on its other strand."""
        start, end = self.core
        width = self.pfm.shape[1]
        return replace(
            self, pfm=self.pfm[::-1, ::-1].copy(), core=(width - end, width - start) if end else (0, 0)
        )

    @property
    def information(self) -> float:
        """Bits in the core."""
        return float(information(self.core_pfm).sum())

    def to_dict(self) -> dict[str, Any]:
        fields = {key: getattr(self, key) for key in self.__dataclass_fields__}
        known = {key: None if np.isnan(fields[key]) else fields[key] for key in ("q_value", "contribution")}
        return fields | {"pfm": np.round(self.pfm, 5).tolist(), "core": list(self.core)} | known

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> LearnedMotif:
        pfm = np.asarray(entry["pfm"], dtype=np.float64)
        pfm = pfm / pfm.sum(axis=0, keepdims=True)  # files carry five digits
        start, end = (int(x) for x in entry["core"])
        if pfm.ndim != 2 or pfm.shape[0] != 4 or not 0 <= start <= end <= pfm.shape[1]:
            raise ValueError(f"a PFM of shape {pfm.shape} with core {start}-{end}")
        statistics = [float(entry[key]) for key in ("max_activation", "threshold")]
        if (pfm < 0).any() or not np.isfinite(statistics).all():
            raise ValueError("a negative frequency, or statistics that are not finite")
        q, contribution = (
            float("nan") if entry.get(key) is None else float(entry[key])
            for key in ("q_value", "contribution")
        )
        return cls(
            name=str(entry["name"])[:80], filter=int(entry["filter"]), pfm=pfm, windows=int(entry["windows"]),
            core=(start, end), counts=bool(entry["counts"]), max_activation=float(entry["max_activation"]),
            threshold=float(entry["threshold"]), match=str(entry.get("match", "")),
            match_name=str(entry.get("match_name", "")), q_value=q,
            note=str(entry.get("note", "")), contribution=contribution,
        )  # fmt: skip


def ranked(motifs: Sequence[LearnedMotif]) -> list[LearnedMotif]:
    """Motifs that count first, those that contribute most before the others."""

    def order(motif: LearnedMotif) -> tuple[bool, float, int]:
        known = np.isfinite(motif.contribution)
        return not motif.counts, -motif.contribution if known else np.inf, -motif.windows

    return sorted(motifs, key=order)


def usable(motifs: Sequence[LearnedMotif]) -> list[LearnedMotif]:
    """Those of `ranked` that count; all motifs where none does."""
    return [motif for motif in ranked(motifs) if motif.counts] or list(motifs)
