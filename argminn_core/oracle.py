"""The best that any classifier can do on simulated sequences: the likelihood ratio of the grammar itself.

codes -> motif likelihood ratios at every position -> mean over strands, configurations, gaps and positions
of positives, the same of negatives -> log of their ratio.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    background = _background(gc)
    scores = np.empty(len(codes))
    for start in range(0, len(codes), _ROWS):
        part = slice(start, start + _ROWS)
        positive, negative = np.zeros(len(codes[part])), np.zeros(len(codes[part]))
        for strand in (codes[part], reverse_complement_codes(codes[part])):
            ratios = _all_ratios(grammar, strand, background)
            # Each mean is a sum over the two strands, so the half of each cancels in the ratio.
            positive += _likelihood(grammar.positives, ratios, grammar, strand.shape)
            negative += _likelihood(grammar.negatives, ratios, grammar, strand.shape)
        scores[part] = np.log(np.maximum(positive, _LEAST)) - np.log(np.maximum(negative, _LEAST))
    return scores


def oracle_sites(grammar: Grammar, codes: np.ndarray, *, gc: float = 0.5) -> dict[str, np.ndarray]:
    """How probably each motif was planted at each place of sequences that are positives of `grammar`.

    By motif (N, 2, L): strand + and -, `start0`. The same likelihoods as in `oracle_scores`, so nothing can know
    better where the sites are.
    """
    background, (n, length) = _background(gc), codes.shape
    found = {name: np.zeros((n, 2, length)) for name in motifs_of(grammar)}
    for start in range(0, n, _ROWS):
        part = slice(start, start + _ROWS)
        total = np.zeros(len(codes[part]))
        for turned, strand in enumerate((codes[part], reverse_complement_codes(codes[part]))):
            ratios = _all_ratios(grammar, strand, background)
            for likelihood, sites in _arrangements(grammar.positives, ratios, grammar, strand.shape):
                total += likelihood.sum(1)
                for name, sign, first in sites:
                    at = found[name][part, ("+-".index(sign) + turned) % 2]
                    width, places = motifs_of(grammar)[name].width, likelihood.shape[1]
                    if turned:
                        at[:, length - width - first - places + 1 : length - width - first + 1] += likelihood[
                            :, ::-1
                        ]
                    else:
                        at[:, first : first + places] += likelihood
        for of in found.values():
            of[part] /= np.maximum(total, _LEAST)[:, None, None]
    return found


def _background(gc: float) -> np.ndarray:
    """The share of each base, (4,)."""
    if not 0 < gc < 1:
        raise ConfigError(
            "the oracle needs backgrounds that hold every base", found=gc, expected="0 < gc < 1"
        )
    return np.array([1 - gc, gc, gc, 1 - gc]) / 2


Ratios = dict[str, dict[str, np.ndarray]]  # motif -> strand -> (N, L - W + 1)


def _all_ratios(grammar: Grammar, codes: np.ndarray, background: np.ndarray) -> Ratios:
    return {name: _ratios(motif.pfm, codes, background) for name, motif in motifs_of(grammar).items()}


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
    configurations: Sequence[Configuration], ratios: Ratios, grammar: Grammar, shape: tuple[int, ...]
) -> np.ndarray:
    """Likelihood of sequences under configurations on the given strand over that of background, (N,)."""
    arrangements = _arrangements(configurations, ratios, grammar, shape)
    return sum((likelihood.sum(1) for likelihood, _ in arrangements), start=np.zeros(shape[0]))


def _arrangements(
    configurations: Sequence[Configuration], ratios: Ratios, grammar: Grammar, shape: tuple[int, ...]
) -> Iterator[tuple[np.ndarray, list[tuple[str, str, int]]]]:
    """Every configuration with every choice of gaps: its likelihood ratios (N, places), and its sites.

    Of a site its motif, its strand, and its `start0` at the first place; at the next it lies one base further.
    """
    n, length = shape
    for configuration in configurations:
        if not configuration.motifs:
            yield np.full((n, 1), configuration.probability), []
            continue
        widths = [motifs_of(grammar)[name].width for name in configuration.motifs]
        choices = list(product(*(range(low, high + 1) for low, high in configuration.gaps)))
        for gaps in choices:
            low, high = (int(bound) for bound in start_range(np.array(sum(widths) + sum(gaps)), length))
            together, first, sites = np.ones((n, high - low + 1)), low, []
            for (name, strand), width, gap in zip(configuration.sites, widths, (*gaps, 0), strict=True):
                together *= ratios[name][strand][:, first : first + high - low + 1]
                sites.append((name, strand, first))
                first += width + gap
            yield configuration.probability / len(choices) / together.shape[1] * together, sites
