"""The best that any classifier can do on simulated sequences: the likelihood ratio of the grammar itself.

codes -> motif likelihood ratios at every position -> mean over strands, configurations, gaps and positions
of positives, the same of negatives -> log of their ratio.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from argminn_core.dna import reverse_complement_codes
from argminn_core.errors import ConfigError
from argminn_core.grammars import Configuration, Grammar, motifs_of
from argminn_core.simulate import start_range

_ROWS = 512  # sequences in work at once
_LEAST = 1e-300  # a sequence that a side cannot make gets a large finite score instead of an infinite one


def oracle_scores(grammar: Grammar, codes: np.ndarray, *, gc: float = 0.5) -> np.ndarray:
    """Log likelihood ratio of positives to negatives of `grammar`, natural units, (N,).

    Exact up to one thing: the bases of backgrounds count as independent, whatever they were made to avoid (with the
    built-in grammars there is nothing to avoid). No classifier has a larger auROC on average.

    Parameters
    ----------
    grammar : Grammar
        What the sequences were made with.
    codes : ndarray
        (N, L) uint8 without N.
    gc : float
        Share of G and C in the backgrounds, strictly between 0 and 1.
    """
    if not 0 < gc < 1:
        raise ConfigError(
            "the oracle needs backgrounds that hold every base", found=gc, expected="0 < gc < 1"
        )
    background = np.array([1 - gc, gc, gc, 1 - gc]) / 2
    scores = np.empty(len(codes))
    for start in range(0, len(codes), _ROWS):
        part = slice(start, start + _ROWS)
        positive, negative = np.zeros(len(codes[part])), np.zeros(len(codes[part]))
        for strand in (codes[part], reverse_complement_codes(codes[part])):
            ratios = {
                name: _ratios(motif.pfm, strand, background) for name, motif in motifs_of(grammar).items()
            }
            # Each mean is a sum over the two strands, so the half of each cancels in the ratio.
            positive += _likelihood(grammar.positives, ratios, grammar, strand.shape)
            negative += _likelihood(grammar.negatives, ratios, grammar, strand.shape)
        scores[part] = np.log(np.maximum(positive, _LEAST)) - np.log(np.maximum(negative, _LEAST))
    return scores


def _ratios(pfm: np.ndarray, codes: np.ndarray, background: np.ndarray) -> dict[str, np.ndarray]:
    """By strand: likelihood of every window under a motif over that under background, (N, L - W + 1)."""
    out = {}
    for strand, matrix in (("+", pfm), ("-", pfm[::-1, ::-1])):
        width = matrix.shape[1]
        positions = codes.shape[1] - width + 1
        out[strand] = np.ones((len(codes), max(positions, 0)))
        for column in range(width if positions > 0 else 0):
            out[strand] *= (matrix[:, column] / background)[codes[:, column : column + positions]]
    return out


def _likelihood(
    configurations: Sequence[Configuration],
    ratios: dict[str, dict[str, np.ndarray]],
    grammar: Grammar,
    shape: tuple[int, ...],
) -> np.ndarray:
    """Likelihood of sequences under configurations on the given strand over that of background, (N,)."""
    n, length = shape
    total = np.zeros(n)
    for configuration in configurations:
        if not configuration.motifs:
            total += configuration.probability
            continue
        widths = [motifs_of(grammar)[name].width for name in configuration.motifs]
        choices = list(product(*(range(low, high + 1) for low, high in configuration.gaps)))
        for gaps in choices:
            low, high = (int(bound) for bound in start_range(np.array(sum(widths) + sum(gaps)), length))
            together, shift = np.ones((n, high - low + 1)), 0
            for (name, strand), width, gap in zip(configuration.sites, widths, (*gaps, 0), strict=True):
                together *= ratios[name][strand][:, low + shift : high + shift + 1]
                shift += width + gap
            total += configuration.probability / len(choices) * together.mean(axis=1)
    return total
