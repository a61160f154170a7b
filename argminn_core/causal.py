"""What a model makes of two motifs at every gap and orientation: both planted, each alone, and neither.

best letters of the motifs' cores + neutral backgrounds -> logits -> CAUSAL.

`synergy = f(both) - f(left alone) - f(right alone) + f(neither)`, all four in the same background and at the same
places, so that what a background adds falls out. The logit saturates (its memory passes a layer norm), so two motifs
that each suffice show a negative synergy: the sum overstates what any sequence can reach.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from argminn_core.backgrounds import uniform_codes
from argminn_core.checkpoint import ModelBundle
from argminn_core.contributions import Reading
from argminn_core.dna import reverse_complement_codes
from argminn_core.errors import InputError
from argminn_core.instances import Calls, read_batch
from argminn_core.predict import each_batch
from argminn_core.syntax import MAX_GAP, USED, arrangements_of
from argminn_core.tables import CAUSAL

BACKGROUNDS = 32
_DRAWS = 4  # random sequences drawn for each background that is kept


class Interval(NamedTuple):
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float

    def __neg__(self) -> Interval:
        return Interval(-self.mean, -self.high, -self.low)

    def __str__(self) -> str:
        return f"{self.mean:+.1f} [{self.low:.1f}, {self.high:.1f}]"


def intervals(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means of values (..., B) and the ends of their 95 % intervals by Student's t, each (...,).

    One value alone has no spread to judge by: its interval is the value itself.
    """
    from scipy.stats import t

    n = values.shape[-1]
    mean = values.mean(axis=-1)
    if n < 2:
        return mean, mean, mean
    half = t.ppf(0.975, n - 1) * values.std(axis=-1, ddof=1) / np.sqrt(n)
    return mean, mean - half, mean + half


def interval(values: np.ndarray) -> Interval:
    """`intervals` of values (B,)."""
    return Interval(*(float(end) for end in intervals(values)))


def neutral(bundle: ModelBundle, n: int = BACKGROUNDS, *, seed: int = 0) -> np.ndarray:
    """Random sequences (n, L) in which the model uses nothing: no instance is worth a logit either way.

    Where fewer than `n` of the `4 n` that are drawn are that empty, those follow in which least is used.
    """
    codes = uniform_codes(np.random.default_rng(seed), _DRAWS * n, bundle.length)
    used = np.zeros(len(codes))

    def read(lo: int, hi: int) -> tuple[int, Calls]:
        return lo, read_batch(bundle, codes[lo:hi])[1]

    for lo, calls in each_batch(read, len(codes), batch=n):
        size = np.abs(calls.contribution)
        np.add.at(used, lo + calls.row, np.where(size >= USED, size, 0))
    return codes[np.sort(np.argsort(used, kind="stable")[:n])]


class PairScan(NamedTuple):
    """One arrangement of two motifs over gaps (G,) and backgrounds (B,): logits with both, each alone, and neither.

    Shapes: gaps (G,), together (G, B), alone (2, G, B), neither (B,).
    """

    left: str
    right: str
    orientation: str
    gaps: np.ndarray
    together: np.ndarray
    alone: np.ndarray
    neither: np.ndarray

    @property
    def additive(self) -> np.ndarray:
        """What both would give if each added what it adds alone, (G, B)."""
        return self.alone.sum(axis=0) - self.neither

    @property
    def synergy(self) -> np.ndarray:
        """(G, B)."""
        return self.together - self.additive

    @property
    def excess(self) -> np.ndarray:
        """By how much both give more than the lower of each alone, (G, B): below 0 one undoes the other."""
        return self.together - self.alone.min(axis=0)

    def table(self) -> pd.DataFrame:
        """CAUSAL, one row a gap."""
        mean, low, high = intervals(self.synergy)
        return CAUSAL.frame(
            {
                "left": np.full(len(self.gaps), self.left, dtype=object),
                "right": np.full(len(self.gaps), self.right, dtype=object),
                "orientation": np.full(len(self.gaps), self.orientation, dtype=object),
                "gap": self.gaps, "logit": self.together.mean(1), "additive": self.additive.mean(1),
                "synergy": mean, "low": low, "high": high,
            }
        )  # fmt: skip


class Planter:
    """Plants motifs into the same backgrounds again and again, and remembers what each is worth alone.

    Of a model with tied strands every second background is read reverse-complemented, as in training: what is found
    then does not hang on the strand.

    Parameters
    ----------
    bundle : ModelBundle
        The model, and the motifs whose cores are planted: of every column the commonest base.
    backgrounds : ndarray, optional
        Codes (B, L) of the model's own length; `neutral` ones, drawn with `seed`, where left out.
    """

    def __init__(self, bundle: ModelBundle, backgrounds: np.ndarray | None = None, *, seed: int = 0) -> None:
        if backgrounds is not None and (backgrounds.ndim != 2 or backgrounds.shape[1] != bundle.length):
            raise InputError(
                "the backgrounds do not fit the model",
                found=f"shape {backgrounds.shape}", expected=f"(B, {bundle.length})",
            )  # fmt: skip
        self.bundle = bundle
        self.backgrounds = neutral(bundle, seed=seed) if backgrounds is None else backgrounds
        self._turn = bundle.model.config.strands == "both"
        with torch.inference_mode():
            bundle.model.eval()
            self._reading = Reading(bundle.model, self._as_read(self.backgrounds[None])[0])
        self._sites: dict[tuple[str, str], np.ndarray] = {}
        self._alone: dict[tuple[str, str, int], np.ndarray] = {}
        self.empty = self._logits(self.backgrounds[None])[0]  # (B,)

    def site(self, motif: str, strand: str) -> np.ndarray:
        """The letters that are planted, codes (W,)."""
        if (motif, strand) not in self._sites:
            letters = self.bundle.motif(motif).motif.pfm.argmax(0).astype(np.uint8)
            self._sites[motif, strand] = letters if strand == "+" else reverse_complement_codes(letters)
        return self._sites[motif, strand]

    def alone(self, motif: str, strand: str = "+", start0: Iterable[int] | None = None) -> np.ndarray:
        """Logits (S, B) of the motif planted at each of `start0` (S,); in the middle where left out."""
        site = self.site(motif, strand)
        starts = [(self.bundle.length - len(site)) // 2] if start0 is None else [int(s) for s in start0]
        missing = sorted({s for s in starts if (motif, strand, s) not in self._alone})
        planted = self._copies(len(missing))
        for codes, s in zip(planted, missing, strict=True):
            codes[:, s : s + len(site)] = site
        for s, logit in zip(missing, self._logits(planted), strict=True):
            self._alone[motif, strand, s] = logit
        return np.array([self._alone[motif, strand, s] for s in starts]).reshape(
            len(starts), len(self.backgrounds)
        )

    def scan(
        self,
        left: str,
        right: str,
        orientation: str,
        *,
        max_gap: int = MAX_GAP,
        gaps: Iterable[int] | None = None,
    ) -> PairScan:
        """Both motifs, their middle in the middle of the sequence, at every gap that fits, up to `max_gap`.

        Gaps start where each motif has one base left to itself. Where they overlap the right one is written over the
        left one: the synergy then also says whether their letters get along. Of `gaps`, where given, those that fit.
        """
        first, second = self.site(left, orientation[0]), self.site(right, orientation[1])
        both, length = len(first) + len(second), self.bundle.length
        fit = np.arange(1 - min(len(first), len(second)), min(max_gap, length - both) + 1)
        gaps = fit if gaps is None else np.intersect1d(fit, np.fromiter(gaps, dtype=int))
        starts = (length - both - gaps) // 2
        nexts = starts + len(first) + gaps
        planted = self._copies(len(gaps))
        for codes, a, b in zip(planted, starts, nexts, strict=True):
            codes[:, a : a + len(first)] = first
            codes[:, b : b + len(second)] = second
        alone = [self.alone(left, orientation[0], starts), self.alone(right, orientation[1], nexts)]
        return PairScan(left, right, orientation, gaps, self._logits(planted), np.stack(alone), self.empty)

    def _copies(self, n: int) -> np.ndarray:
        return np.repeat(self.backgrounds[None], n, axis=0)

    def _as_read(self, codes: np.ndarray) -> np.ndarray:
        """Codes (n, B, L) on the strand on which the model reads each background."""
        if self._turn:
            codes = codes.copy()
            codes[:, 1::2] = reverse_complement_codes(codes[:, 1::2])
        return codes

    def _logits(self, codes: np.ndarray) -> np.ndarray:
        """Logits (n, B) of codes (n, B, L), edited copies of the backgrounds."""
        flat = self._as_read(codes).reshape(-1, codes.shape[-1])
        row = np.tile(np.arange(codes.shape[1]), len(codes))

        def read(lo: int, hi: int) -> np.ndarray:
            with torch.inference_mode():  # which holds for one thread
                return self._reading.edited(row[lo:hi], flat[lo:hi])

        parts = list(each_batch(read, len(flat)))
        logits = np.concatenate(parts) if parts else np.zeros(0)
        return logits.astype(np.float64).reshape(codes.shape[:2])


def causal_scan(
    planter: Planter, a: str, b: str, *, max_gap: int = MAX_GAP
) -> tuple[pd.DataFrame, list[PairScan]]:
    """CAUSAL of motifs `a` and `b` in every order and orientation, and the scans that it sums up.

    Arrangements are those of `syntax.observe`, so a row of GAPS and a row of CAUSAL with the same names mean the
    same.
    """
    scans = [planter.scan(*arrangement, max_gap=max_gap) for arrangement in arrangements_of(a, b)]
    tables = [scan.table() for scan in scans if len(scan.gaps)]
    return (pd.concat(tables, ignore_index=True) if tables else CAUSAL.empty()), scans
