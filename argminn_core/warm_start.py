"""Starting filters from known motifs: those of a database that separate the training classes best.

From a thousand sequences a network learns a motif poorly; a database already knows it. Each database motif scans the
training sequences once, both strands; the softly pooled match is its score, and the motifs are taken greedily by
auROC, skipping those whose scores repeat a motif already taken. Training then frees the filters.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from argminn_core import dna
from argminn_core.model import Argminn
from argminn_core.pfm import Motif, log_odds

log = logging.getLogger(__name__)

# From no preference to one of some 20 bp around the summit of a 500-bp window.
CENTRES = (0.1, 3.0, 10.0, 30.0, 100.0, 300.0)


@dataclass(frozen=True)
class Choice:
    """A database motif that was taken.

    auroc : how well its softly pooled match tells the training classes apart, with the weight `centre`, the one of
        `CENTRES` that does so best.
    gain : its coefficient, a nat of pooled match, in a logistic regression on all motifs that were taken.
    threshold : the median negative's best match, in nats.
    """

    motif: Motif
    auroc: float
    centre: float
    gain: float
    threshold: float


def fitted(motif: Motif, width: int) -> np.ndarray:
    """Log-odds (4, width) in nats: centred with zero columns around it, or its most informative window."""
    matrix = log_odds(motif.pfm, pseudocount=0.01) * np.log(2)
    extra = width - motif.width
    if extra < 0:
        bits = np.convolve(motif.information, np.ones(width), mode="valid")
        start = int(bits.argmax())
        return matrix[:, start : start + width]
    return np.pad(matrix, ((0, 0), (extra // 2, extra - extra // 2)))


def pooled_scores(
    codes: np.ndarray, matrices: np.ndarray, *, batch: int = 128
) -> tuple[np.ndarray, np.ndarray]:
    """Log-sum-exp over positions (N, M, len(CENTRES)), and the best match (N, M), both strands, in nats.

    codes (N, L); matrices (M, 4, W). Each of `CENTRES` weighs positions by their distance from the middle: a match at
    the end of the sequence counts as that many nats less.
    """
    kernels = torch.from_numpy(np.concatenate([matrices, matrices[:, ::-1, ::-1]])).float()
    motifs = len(matrices)
    soft, best = [], []
    with torch.inference_mode():
        for start in range(0, len(codes), batch):
            match = F.conv1d(dna.one_hot(codes[start : start + batch]), kernels)
            match = torch.maximum(match[:, :motifs], match[:, motifs:])
            top = match.amax(2, keepdim=True)
            offset = torch.linspace(-1, 1, match.shape[2]).square()
            weight = (-offset[:, None] * torch.tensor(CENTRES)).exp()  # (P, len(CENTRES))
            soft.append((((match - top).exp() @ weight).clamp_min(1e-30).log() + top).numpy())
            best.append(top.squeeze(2).numpy())
    return np.concatenate(soft), np.concatenate(best)


def _distinct(order: np.ndarray, scaled: np.ndarray, most: float) -> list[int]:
    """Those of `order` whose standardised scores, columns of (N, M), correlate at most so much with all before."""
    taken: list[int] = []
    for m in order:
        if all(abs(scaled[:, m] @ scaled[:, t]) / len(scaled) <= most for t in taken):
            taken.append(int(m))
    return taken


def choose(
    database: Sequence[Motif],
    codes: np.ndarray,
    y: np.ndarray,
    *,
    count: int,
    width: int,
    most: float = 0.8,
    sequences: int = 2_000,
) -> list[Choice]:
    """Pick up to `count` motifs by a sparse logistic regression on training codes (N, L) with labels (N,).

    Each motif enters with the centre weight that serves it best. They are taken by the size of their coefficient,
    without those whose scores correlate over `most` with one already taken: a family of matrices is one motif. At
    most `sequences` are looked at, half of each class and evenly spaced.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    y = np.asarray(y)
    rows = [np.flatnonzero(y == label) for label in (0, 1)]
    keep = np.concatenate([of[:: max(-(-2 * len(of) // sequences), 1)] for of in rows])
    codes, y = codes[keep], y[keep]
    matrices = np.stack([fitted(motif, width) for motif in database])
    soft, best = pooled_scores(codes, matrices)
    auroc = np.array([[roc_auc_score(y, of) for of in soft[:, m].T] for m in range(len(database))])
    centre = auroc.argmax(1)
    score = soft[:, np.arange(len(database)), centre]
    mean, spread = score.mean(0), np.maximum(score.std(0), 1e-9)
    scaled = (score - mean) / spread
    for strength in (0.003, 0.01, 0.03, 0.1, 0.3, 1.0):
        sparse = LogisticRegression(l1_ratio=1, solver="liblinear", C=strength, random_state=0).fit(scaled, y)
        size = np.abs(sparse.coef_[0])
        taken = _distinct(np.argsort(-size)[: (size > 0).sum()], scaled, most)
        if len(taken) >= count:
            break
    taken = taken[:count] or [int(auroc.max(1).argmax())]
    dense = LogisticRegression(C=0.1, max_iter=1000).fit(scaled[:, taken], y)
    chosen = [
        Choice(
            database[m],
            auroc=float(auroc[m, centre[m]]),
            centre=CENTRES[centre[m]],
            gain=float(gain / spread[m]),
            threshold=float(np.median(best[y == 0][:, m])),
        )
        for m, gain in zip(taken, dense.coef_[0], strict=True)
    ]
    log.info("filters start from %s", ", ".join(f"{c.motif.alt} ({c.auroc:.2f})" for c in chosen))
    return chosen


@torch.no_grad()
def start_from(model: Argminn, choices: Sequence[Choice], *, first: int = 0) -> None:
    """Write the chosen motifs into the filters from number `first` on, and what they are worth into the evidence path.

    A filter is scaled so that a match at the median negative's best is 0 and one of 5 nats more is 1: the size
    that the rest of the network expects of an activation.
    """
    width, scale = model.config.width, 0.2
    for f, choice in enumerate(choices, start=first):
        matrix = torch.from_numpy(fitted(choice.motif, width)).float() * scale
        model.scanner.weight[f] = matrix
        model.scanner.bias[f] = -choice.threshold * scale
        if model.evidence is not None:
            model.evidence.log_sharpness[f] = float(np.log(1 / scale))
            model.evidence.log_centre[f] = float(np.log(choice.centre))
            model.evidence.gain[f] = choice.gain
