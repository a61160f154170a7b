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


@dataclass(frozen=True)
class Choice:
    """A database motif that was taken: its auROC between the training classes, and its threshold in nats."""

    motif: Motif
    auroc: float
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
    codes: np.ndarray, matrices: np.ndarray, *, batch: int = 256
) -> tuple[np.ndarray, np.ndarray]:
    """Log-sum-exp over positions and strands, and the best match, both (N, M), in nats.

    codes (N, L); matrices (M, 4, W). The log-sum-exp weighs positions by their distance from the centre.
    """
    kernels = torch.from_numpy(np.concatenate([matrices, matrices[:, ::-1, ::-1]])).float()
    motifs = len(matrices)
    soft, best = [], []
    with torch.inference_mode():
        for start in range(0, len(codes), batch):
            match = F.conv1d(dna.one_hot(codes[start : start + batch]), kernels)
            match = torch.maximum(match[:, :motifs], match[:, motifs:])
            tilt = 3 * torch.linspace(-1, 1, match.shape[2]).square()
            soft.append((match - tilt).logsumexp(2).numpy())
            best.append(match.amax(2).numpy())
    return np.concatenate(soft), np.concatenate(best)


def choose(
    database: Sequence[Motif], codes: np.ndarray, y: np.ndarray, *, count: int, width: int, most: float = 0.7,
    min_auroc: float = 0.5, sequences: int = 2_000,
) -> list[Choice]:  # fmt: skip
    """Pick up to `count` motifs by auROC on training codes (N, L) with labels (N,), no two correlated over `most`.

    At most `sequences` are looked at, half of each class and evenly spaced: the best stand out in few.
    """
    from sklearn.metrics import roc_auc_score

    y = np.asarray(y)
    rows = [np.flatnonzero(y == label) for label in (0, 1)]
    keep = np.concatenate([of[:: -(-2 * len(of) // sequences)] for of in rows])
    codes, y = codes[keep], y[keep]
    matrices = np.stack([fitted(motif, width) for motif in database])
    soft, best = pooled_scores(codes, matrices)
    auroc = np.array([roc_auc_score(y, soft[:, m]) for m in range(len(database))])
    ranks = (soft - soft.mean(0)) / np.maximum(soft.std(0), 1e-9)
    taken: list[int] = []
    for m in np.argsort(-auroc):
        if len(taken) == count or auroc[m] < min_auroc:
            break
        if all(abs(ranks[:, m] @ ranks[:, t]) / len(ranks) < most for t in taken):
            taken.append(int(m))
    negatives = best[y == 0]
    chosen = [Choice(database[m], float(auroc[m]), float(np.median(negatives[:, m]))) for m in taken]
    log.info("filters start from %s", ", ".join(f"{c.motif.alt} ({c.auroc:.2f})" for c in chosen))
    return chosen


@torch.no_grad()
def start_from(model: Argminn, choices: Sequence[Choice], *, first: int = 0) -> None:
    """Write the chosen motifs into the filters from number `first` on.

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
            model.evidence.centre[f] = 3.0
