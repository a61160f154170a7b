"""Attention scores that know distances, from the sinusoidal encoding of positions alone.

    which offsets count -> linear program -> k(q - x), written as a query at x and a key at q

Rotating a sine and a cosine adds to their angle, so for a position x that the stream holds the score of position q can
be any `k(q - x) = sum_i a_i cos(w_i (q - x)) + b_i sin(w_i (q - x))`: the query is a linear map of the encoding of x.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy.optimize import linprog

from argminn_core.errors import ConfigError
from argminn_core.model import sinusoids

LEAST_MARGIN = 2e-4  # below it scores are so large that float32 blurs them


@dataclass(frozen=True)
class Offsets:
    """Which offsets q - x count: `low` to `high` of those that can occur, `first` to `last`.

    Of several occurrences that count a head reads the leftmost, or the one next to the middle, or all of them at once.
    """

    low: int
    high: int
    first: int
    last: int
    prefer: Literal["leftmost", "middle", "all"] = "all"


@dataclass(frozen=True)
class Kernel:
    """`k(d) = sum_i cosine_i cos(rate_i d) + sine_i sin(rate_i d)`, |k| <= 1: at least `margin` above `threshold` at
    offsets that count, as far below it at others, and as far apart wherever one offset is preferred to another.
    """

    cosine: np.ndarray
    sine: np.ndarray
    threshold: float
    margin: float

    def query(self) -> np.ndarray:
        """The map (D, D) from the encoding of x to the query whose product with the encoding of q is k(q - x)."""
        rates = len(self.cosine)
        turn = np.zeros((2 * rates, 2 * rates))
        sin, cos = np.arange(0, 2 * rates, 2), np.arange(1, 2 * rates, 2)
        turn[sin, sin] = turn[cos, cos] = self.cosine
        turn[sin, cos], turn[cos, sin] = self.sine, -self.sine
        return turn


@lru_cache(maxsize=256)
def solve(offsets: Offsets, dims: int) -> Kernel:
    """The kernel over `dims` positional dimensions with the widest margin whose coefficients' sizes sum to 1.

    Raises
    ------
    ConfigError
        The margin is too small for float32: the positions are too many for `dims`.
    """
    span = np.arange(offsets.first, offsets.last + 1)
    encoding = sinusoids(int(np.abs(span).max()) + 1, dims).double().numpy()[:, np.abs(span)]
    wave = np.concatenate([encoding[1::2], encoding[::2] * np.sign(span)]).T  # cosines, then sines
    counts = (span >= offsets.low) & (span <= offsets.high)
    sign = np.where(counts, 1.0, -1.0)[:, None]
    rows = [np.concatenate([sign * wave, -sign], axis=1)]  # the threshold is one more coefficient
    if offsets.prefer != "all":
        centre = (offsets.low + offsets.high) / 2 + 0.25  # a quarter off: no two are equally near
        target = offsets.low if offsets.prefer == "leftmost" else centre
        order = np.flatnonzero(counts)[np.argsort(np.abs(span[counts] - target), kind="stable")]
        step = wave[order[:-1]] - wave[order[1:]]
        rows.append(np.concatenate([step, np.zeros((len(step), 1))], axis=1))
    above = np.concatenate(rows)
    # Every coefficient is the difference of two that are not negative; the last variable is the margin.
    count = above.shape[1]
    limits = np.concatenate([-above, above, np.ones((len(above), 1))], axis=1)
    total = np.append(np.ones(2 * count), 0.0)
    goal = np.append(np.zeros(2 * count), -1.0)
    found = linprog(
        goal, A_ub=np.vstack([limits, total]), b_ub=np.append(np.zeros(len(above)), 1.0), bounds=(0, None),
        method="highs",
    )  # fmt: skip
    margin = 0.0
    if found.success:
        coefficient = found.x[:count] - found.x[count:-1]
        margin = float((above @ coefficient).min())  # measured, not what the solver says
    if margin < LEAST_MARGIN:
        raise ConfigError(
            "the positional encoding is too coarse to tell these distances apart",
            found=f"{len(span)} distances, {dims} dimensions, margin {margin:.1e}",
            expected=f"at least {LEAST_MARGIN:.0e}", mend="Shorten the sentence or the sequences",
        )  # fmt: skip
    half = dims // 2
    return Kernel(coefficient[:half], coefficient[half:dims], float(coefficient[dims]), margin)
