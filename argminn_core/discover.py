"""Motifs that are more common in positives than in negatives, from the sequences alone: where filters start.

codes, y -> enriched words -> the best one made a matrix by expectation-maximisation -> its sites blanked -> the next

A filter that starts anywhere spends much of a training on finding a motif at all, and two filters may settle on shifted
halves of one. Here each motif is found once: what it explains is blanked before the next word is sought, as STREME
does (Bailey 2021, doi:10.1093/bioinformatics/btab203); the matrix is refined as MEME does, with at most one site a
sequence (Bailey and Elkan 1994), and with one thing more, where in a sequence its sites tend to lie. Nothing here
knows any database; training then frees the filters.
"""

from __future__ import annotations

import logging

import numpy as np
import torch
from torch.nn import functional as F

from argminn_core import dna
from argminn_core.negatives import dinucleotide_shuffle
from argminn_core.pfm import Motif, alike, information

log = logging.getLogger(__name__)

SEQUENCES = 4_000  # of a class, at most
WORD = 8  # bases of a seed
SURPRISE = 6.0  # standard errors by which a seed is more common than in shuffles; 32,896 words are tried
TRIM_BITS = 0.3
LEAST_BITS = 7.0  # a flatter matrix cannot be told from chance in a sequence of some hundred bases
GROW_BITS = 0.5  # of a column next to a matrix that joins it
LEAP_BITS = 0.8  # of a column that joins it together with weaker ones before it
_REACH = 3  # columns beyond an end that are looked at
_ROUNDS = 5
_BINS = 25  # of positions
_BY_CHANCE = 3  # windows of a random sequence that blanking may cost


def discover(
    codes: np.ndarray, y: np.ndarray, *, most: int = 8, width: int = 16, seed: int = 0
) -> list[Motif]:
    """Motifs of either class of sequences, those of positives first, each class by how surprising they are.

    Each class is held against its own dinucleotide shuffles and not against the other class: what tells classes apart
    is often where motifs stand to each other, and then the motifs themselves are in both.

    Parameters
    ----------
    codes, y
        (N, L) uint8 and labels (N,); at most 4,000 of each class are looked at, evenly spaced.
    most : int
        No more than so many motifs.
    width : int
        Columns of a matrix at most; ends under 0.3 bit are trimmed.

    Returns
    -------
    list of Motif
        Empty where no word is more common than chance allows. `alt` is the word that it started from.
    """
    found: list[Motif] = []
    for label in (1, 0):
        rows = np.flatnonzero(np.asarray(y) == label)
        part = codes[rows[:: max(-(-len(rows) // SEQUENCES), 1)]].copy()
        if len(part):
            _search(part, dinucleotide_shuffle(part, seed=seed), found, most, width)
    return found


def _search(good: np.ndarray, bad: np.ndarray, found: list[Motif], most: int, width: int) -> None:
    """Add to `found` what is more common in `good` (n, L) than in `bad`; both are blanked on the way."""
    for _ in range(3 * most):
        seed = _seed(good, bad) if len(found) < most else None
        if seed is None:
            return
        pfm, position = _refined(good, seed, width)
        motif = Motif(f"word_{len(found) + 1}", pfm, alt=dna.decode(seed)).trimmed(TRIM_BITS)
        for part in (good, bad):
            _blank(part, pfm, position)
        if float(motif.information.sum()) >= LEAST_BITS and not any(alike(motif, other) for other in found):
            found.append(motif)
            log.info("found %s around %s", motif.consensus, motif.alt)


# --- words --------------------------------------------------------------------------------------------------


def _seed(good: np.ndarray, bad: np.ndarray) -> np.ndarray | None:
    """The word (WORD,) that most surprises by how much more common it is in `good`; None: none does.

    A word counts with all words one base away, on either strand.
    """
    own, theirs = (_holders(part) for part in (good, bad))
    share = (own + theirs) / (len(good) + len(bad))
    error = np.sqrt(np.maximum(share, 1e-9) * (1 / len(good) + 1 / len(bad)))
    surprise = (own / len(good) - theirs / len(bad)) / error
    best = int(surprise.argmax())
    if surprise[best] < SURPRISE:
        return None
    return (best >> 2 * np.arange(WORD - 1, -1, -1) & 3).astype(np.uint8)


def _holders(codes: np.ndarray) -> np.ndarray:
    """How many occurrences each word has, one a sequence, neighbours and both strands included: (4**WORD,)."""
    count = np.zeros(4**WORD)
    positions = codes.shape[1] - WORD + 1
    for start in range(0, len(codes), 1024):
        block = codes[start : start + 1024].astype(np.int64)
        index = np.zeros((len(block), positions), dtype=np.int64)
        unknown = np.zeros((len(block), positions), dtype=bool)
        for column in range(WORD):
            letters = block[:, column : column + positions]
            index = index << 2 | letters & 3
            unknown |= letters > 3
        index[unknown] = -1
        index.sort(axis=1)
        first = np.ones(index.shape, dtype=bool)
        first[:, 1:] = index[:, 1:] != index[:, :-1]
        count += np.bincount(index[first & (index >= 0)], minlength=4**WORD)
    grid = count.reshape((4,) * WORD)
    near = grid * (1 - WORD) + sum(grid.sum(axis, keepdims=True) for axis in range(WORD))
    turned = near[(slice(None, None, -1),) * WORD].transpose(range(WORD - 1, -1, -1))
    return (near + turned).ravel()


# --- matrices -----------------------------------------------------------------------------------------------


def _refined(good: np.ndarray, seed: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """A matrix (4, at most `width`) and where its sites lie (P,), from a word, by expectation-maximisation.

    At most one site in each sequence, on either strand, at any position with the probability that the sites so far
    suggest. The matrix starts as narrow as the word and grows by columns that are as sure as its own, at times over
    one or two that are not: CTCF has such in its middle. A column that follows in only half of the sites (.45 bits, had
    it 2) belongs to another motif, at one of several gaps.
    """
    X = dna.one_hot(good)
    pfm = np.full((4, WORD), 0.1)
    pfm[seed, np.arange(WORD)] = 0.7
    position, share = np.full(good.shape[1] - WORD + 1, 1 / (good.shape[1] - WORD + 1)), 0.5
    while True:
        for _ in range(_ROUNDS):
            site = _posterior(X, pfm, position, share)  # (N, 2, P)
            share = float(np.clip(site.sum((1, 2)).mean(), 0.02, 0.98))
            position = _smoothed(site.sum((0, 1)))
            pfm = _frequencies(_counts(X, site, 0))
        wider = _frequencies(_counts(X, site, _REACH))
        bits = information(wider)
        left, right = _growth(bits[_REACH - 1 :: -1]), _growth(bits[-_REACH:])
        if not left + right or pfm.shape[1] + left + right > width:
            return pfm, position
        pfm = wider[:, _REACH - left : wider.shape[1] - _REACH + right]
        position = position[: len(position) - left - right]
        position /= position.sum()


def _growth(bits: np.ndarray) -> int:
    """By how many columns to grow, given the bits of those beyond an end, the nearest first."""
    if bits[0] >= GROW_BITS:
        return 1
    return int(np.argmax(bits >= LEAP_BITS)) + 1 if (bits >= LEAP_BITS).any() else 0


def _posterior(X: torch.Tensor, pfm: np.ndarray, position: np.ndarray, share: float) -> np.ndarray:
    """How probable each window (N, 2, P) is the sequence's site, float32."""
    odds = torch.from_numpy(np.log(pfm / 0.25)).float()
    kernels = torch.stack([odds, odds.flip(0, 1)])
    prior = torch.from_numpy(np.log(share / 2 * position + 1e-12)).float()
    with torch.inference_mode():
        score = F.conv1d(X, kernels) + prior
        score = score.flatten(1)
        none = torch.full((len(X), 1), float(np.log(1 - share)))
        site = torch.cat([score, none], 1).softmax(1)[:, :-1]
    return site.view(len(X), 2, -1).numpy()


def _counts(X: torch.Tensor, site: np.ndarray, more: int) -> np.ndarray:
    """Letters (4, W + 2 * more) under the sites (N, 2, P), read on their strands, and `more` columns to either side."""
    size = X.shape[2] - site.shape[2] + 1 + 2 * more
    with torch.inference_mode():
        both = torch.nn.grad.conv1d_weight(X, (2, 4, size), torch.from_numpy(site), padding=more)
    forward, reverse = both.double().numpy()
    return forward + reverse[::-1, ::-1]


def _frequencies(counts: np.ndarray) -> np.ndarray:
    return (counts + 0.25) / (counts + 0.25).sum(0)


def _smoothed(weight: np.ndarray) -> np.ndarray:
    """Weights (P,) as a distribution that is even within a bin, and mirrored, since either strand may be given."""
    weight = weight + weight[::-1]
    edges = np.linspace(0, len(weight), _BINS + 1).round().astype(int)
    bins = np.add.reduceat(weight, edges[:-1])
    sizes = np.diff(edges)
    even = np.repeat((bins + 0.02 * bins.sum() / _BINS) / sizes, sizes)
    return even / even.sum()


def _blank(codes: np.ndarray, pfm: np.ndarray, position: np.ndarray) -> None:
    """Make N, in place, of every window that may be a site: some three a sequence are blanked by chance."""
    first, last = Motif("site", pfm).core(TRIM_BITS)
    odds = torch.from_numpy(np.log(pfm / 0.25)).float()
    kernels = torch.stack([odds, odds.flip(0, 1)])
    prior = np.log(position * len(position))
    least = np.log(2 * len(position) / _BY_CHANCE)
    spans = ((first, last), (pfm.shape[1] - last, pfm.shape[1] - first))
    for start in range(0, len(codes), 512):
        block = codes[start : start + 512]
        with torch.inference_mode():
            score = F.conv1d(dna.one_hot(block), kernels).numpy() + prior
        for strand, span in enumerate(spans):
            row, place = np.nonzero(score[:, strand] > least)
            for column in range(*span):
                block[row, place + column] = dna.N_CODE
