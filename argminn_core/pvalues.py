"""How often a random sequence matches a motif as well as this: matrix of scores -> distribution -> p-values, cut-offs.

The distribution over all 4^W words is computed exactly, column by column, on scores rounded to a fine step, as FIMO
does (Staden 1989, "Methods for calculating the probabilities of finding patterns in sequences").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from argminn_core.errors import InputError

UNIFORM = (0.25, 0.25, 0.25, 0.25)
FIMO_P = 1e-4
PSEUDOCOUNT = 4e-4  # for `pfm.log_odds`, so that scores are memelite's


@dataclass(frozen=True, eq=False)
class ScoreDistribution:
    """The scores that a matrix gives to the words of its width, and how common each is.

    steps : int64 (5, W), every base's score in steps above the lowest of its column; the row of N is that of score 0.
    lowest : the score of the word that is least alike.
    step : the size of a step, in the unit of the matrix.
    tail : float64 (S,), the probability of at least so many steps.
    """

    steps: np.ndarray
    lowest: float
    step: float
    tail: np.ndarray

    @classmethod
    def of(
        cls, matrix: np.ndarray, *, background: tuple[float, ...] = UNIFORM, step: float = 0.005
    ) -> ScoreDistribution:
        """The distribution for `matrix` (4, W), whose words have independent bases of frequencies `background`."""
        matrix = np.asarray(matrix, dtype=np.float64)
        floor = matrix.min(axis=0)
        with_n = np.vstack([matrix, np.zeros(matrix.shape[1])])
        steps = np.rint((with_n - floor) / step).astype(np.int64)
        chance = np.ones(1)
        for column in steps[:4].T:
            wider = np.zeros(len(chance) + column.max())
            for base, frequency in zip(column, background, strict=True):
                wider[base : base + len(chance)] += frequency * chance
            chance = wider
        tail = np.minimum(chance[::-1].cumsum()[::-1], 1.0)
        return cls(steps, float(floor.sum()), step, tail)

    def p_values(self, sites: np.ndarray) -> np.ndarray:
        """For sites, codes (n, W), how probable a score at least as high is, (n,). An N scores 0."""
        total = self.steps[sites, np.arange(self.steps.shape[1])].sum(axis=1)
        return self.tail[np.clip(total, 0, len(self.tail) - 1)]

    def cutoff(self, p: float) -> float:
        """The score above which a word lies with a probability of at most `p`.

        It lies halfway between two scores that words can have. Scores are rounded to half a step a column, so a word
        that close to it may lie on either side. Where even the best word is more common than `p`, the cut-off lies
        just below the best.

        Raises
        ------
        InputError : all words score alike.
        """
        possible = np.flatnonzero(np.diff(self.tail, append=0.0) < 0)
        if len(possible) < 2:
            raise InputError(
                "the matrix gives every word the same score", expected="a column with a preferred base"
            )
        common = int((self.tail[possible] > p).sum())  # the lowest ones, as the tail falls
        above = min(max(common, 1), len(possible) - 1)
        return self.lowest + self.step * (possible[above - 1] + possible[above]) / 2
