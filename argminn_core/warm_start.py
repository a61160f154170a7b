"""Starting filters from motifs: known ones that separate the training classes best, or those of `discover`.

From a thousand sequences a network learns a motif poorly; a database already knows it. Each database motif scans the
training sequences once, both strands; the softly pooled match is its score, and the motifs are taken by a sparse
regression, skipping those whose scores repeat a motif already taken. Training then frees the filters.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
    threshold : the median best match of sequences without the motif, in nats: of the negatives, or of shuffled ones.
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


def ends(motif: Motif, width: int) -> list[Motif]:
    """The motif, or where it has more than `width` columns, its two ends as motifs: of a long site, the halves.

    A factor with many fingers may hold on by either half, or by both at another distance than the usual one: a
    filter as wide as the whole site cannot see that.
    """
    whole = motif.trimmed()
    if whole.width <= width:
        return [motif]
    return [
        replace(part, name=f"{motif.name}_{side}", alt=f"{motif.alt or motif.name}_{side}")
        for side, part in (
            ("left", whole.columns(0, width).trimmed()),
            ("right", whole.columns(whole.width - width, whole.width).trimmed()),
        )
    ]


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

    scores = _Scores.of(database, codes, y, width=width, sequences=sequences)
    for strength in (0.003, 0.01, 0.03, 0.1, 0.3, 1.0):
        sparse = LogisticRegression(l1_ratio=1, solver="liblinear", C=strength, random_state=0)
        size = np.abs(sparse.fit(scores.scaled, scores.y).coef_[0])
        taken = _distinct(np.argsort(-size)[: (size > 0).sum()], scores.scaled, most)
        if len(taken) >= count:
            break
    return scores.choices(database, taken[:count] or [int(scores.auroc.argmax())])


def choose_all(
    motifs: Sequence[Motif], codes: np.ndarray, y: np.ndarray, *, width: int, sequences: int = 2_000
) -> list[Choice]:
    """`choose` without a choice: every motif, in order, with what it is worth; codes (N, L), labels (N,).

    What `discover` found may stand in every negative too, since a grammar can be about how motifs stand to each other.
    The threshold is therefore what chance reaches, in the first `sequences` of them with their letters shuffled.
    """
    scores = _Scores.of(motifs, codes, y, width=width, sequences=sequences)
    shuffled = np.random.default_rng(0).permuted(codes[:sequences], axis=1)
    _, chance = pooled_scores(shuffled, np.stack([fitted(motif, width) for motif in motifs]))
    return [
        replace(choice, threshold=float(threshold))
        for choice, threshold in zip(
            scores.choices(motifs, list(range(len(motifs)))), np.median(chance, axis=0), strict=True
        )
    ]


@dataclass(frozen=True)
class _Scores:
    """What M motifs say of N sequences, each with the centre weight that serves it best.

    y: (N,); scaled: (N, M), pooled matches, standardised by `spread` (M,); best: (N, M); auroc, centre: (M,).
    """

    y: np.ndarray
    scaled: np.ndarray
    spread: np.ndarray
    best: np.ndarray
    auroc: np.ndarray
    centre: np.ndarray

    @classmethod
    def of(
        cls, motifs: Sequence[Motif], codes: np.ndarray, y: np.ndarray, *, width: int, sequences: int
    ) -> _Scores:
        from sklearn.metrics import roc_auc_score

        y = np.asarray(y)
        rows = [np.flatnonzero(y == label) for label in (0, 1)]
        keep = np.concatenate([of[:: max(-(-2 * len(of) // sequences), 1)] for of in rows])
        codes, y = codes[keep], y[keep]
        soft, best = pooled_scores(codes, np.stack([fitted(motif, width) for motif in motifs]))
        auroc = np.array([[roc_auc_score(y, of) for of in soft[:, m].T] for m in range(len(motifs))])
        centre = auroc.argmax(1)
        score = soft[:, np.arange(len(motifs)), centre]
        spread = np.maximum(score.std(0), 1e-9)
        scaled = (score - score.mean(0)) / spread
        return cls(y, scaled, spread, best, auroc.max(1), np.array(CENTRES)[centre])

    def choices(self, motifs: Sequence[Motif], taken: list[int]) -> list[Choice]:
        from sklearn.linear_model import LogisticRegression

        dense = LogisticRegression(C=0.1, max_iter=1000).fit(self.scaled[:, taken], self.y)
        chosen = [
            Choice(
                motifs[m],
                auroc=float(self.auroc[m]),
                centre=float(self.centre[m]),
                gain=float(gain / self.spread[m]),
                threshold=float(np.median(self.best[self.y == 0][:, m])),
            )
            for m, gain in zip(taken, dense.coef_[0], strict=True)
        ]
        log.info(
            "filters start from %s",
            ", ".join(f"{c.motif.alt or c.motif.name} ({c.auroc:.2f})" for c in chosen),
        )
        return chosen


@torch.no_grad()
def start_from(model: Argminn, choices: Sequence[Choice], *, first: int = 0, below: float = 0.0) -> None:
    """Write the chosen motifs into the filters from number `first` on, and what they are worth into the evidence path.

    A filter is scaled so that a match `below` nats under the choice's threshold is 0 and one of 5 nats more is 1:
    the size that the rest of the network expects of an activation.
    """
    width, scale = model.config.width, 0.2
    for f, choice in enumerate(choices, start=first):
        matrix = torch.from_numpy(fitted(choice.motif, width)).float() * scale
        model.scanner.weight[f] = matrix
        model.scanner.bias[f] = (below - choice.threshold) * scale
        if model.evidence is not None:
            model.evidence.log_sharpness[f] = float(np.log(1 / scale))
            model.evidence.log_centre[f] = float(np.log(choice.centre))
            model.evidence.gain[f] = choice.gain


@torch.no_grad()
def point_heads(model: Argminn, *, strength: float = 1.0) -> None:
    """Let every head of the first layer start at a channel of its own, and at no position in particular.

    Left to chance, all heads of a layer find the same strongest site, and a rule is then only ever checked from that
    one end. A pair that is read from both ends survives one weak half: with the true matrices of the REST grammar the
    best partner of the best left half gives an auROC of .964, of the best right half .971, of either .991.
    """
    layer, channels = model.layers[0], model.config.channels
    heads, hidden = layer.heads, model.config.hidden
    query = layer.query(model.stream).view(heads, -1)  # of an untouched stream, the same for every sequence
    inverse = torch.linalg.pinv(model.token.weight.T)  # (H, C + D)
    keys = layer.key.weight.view(heads, hidden // heads, hidden)
    for head in range(heads):
        wanted = strength * (hidden // heads) ** 0.5 * inverse[:, head % channels]  # probe in token space
        found = query[head] @ keys[head]
        keys[head] += torch.outer(query[head] / query[head].square().sum(), wanted - found)
