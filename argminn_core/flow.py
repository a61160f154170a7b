"""One sequence on its way through the network: where every head looked, what stood there, what each layer changed.

codes (L,) -> activations, attention -> the motif under each head's look, the logit after every layer
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

from argminn_core import dna
from argminn_core.checkpoint import ModelBundle


class Flow(NamedTuple):
    """What one forward pass says, layer by layer; K layers, A heads, F filters.

    logits : (K + 1,), what the readout makes of the memory stream before the first layer and after each; without
        the evidence.
    evidence : (F,), what each filter adds by itself; zeros where the model has no evidence path.
    look : (K, A), the largest attention of each head, 0 to 1.
    position : (K, A), where it is, the start of the filters' window.
    motif : (K, A), the filter that answers there most, by its own threshold; -1 where none is above it.
    """

    logits: np.ndarray
    evidence: np.ndarray
    look: np.ndarray
    position: np.ndarray
    motif: np.ndarray

    @property
    def logit(self) -> float:
        """The model's own."""
        return float(self.logits[-1] + self.evidence.sum())


def flow(bundle: ModelBundle, codes: np.ndarray) -> Flow:
    """The way of codes (L,) of the model's length through the model."""
    model = bundle.model
    with torch.inference_mode():
        model.eval()
        X = dna.one_hot(codes[None]).to(model.stream.device)
        match = F.conv1d(X, model.scanner.kernels(), model.scanner.biases())
        act = match.relu()
        looked, logits = [], [model.readout(model.norm(model.stream.expand(1, -1)))]
        for stream, att in model.walk(act, *model.scanner.fold(act)):
            looked.append(att[0])
            logits.append(model.readout(model.norm(stream)))
        evidence = (
            np.zeros(model.config.filters)
            if model.evidence is None
            else model.evidence(match)[0].cpu().numpy()
        )
    look, position = torch.stack(looked).max(-1)
    place = position.cpu().numpy()
    # Of a filter's two strands the stronger one, and how far it is above its threshold.
    active = act[0].view(-1, model.config.filters, act.shape[2]).amax(0).cpu().numpy()
    threshold = np.array([motif.threshold for motif in bundle.motifs])[:, None, None]
    excess = active[:, place] / np.maximum(threshold, 1e-9)
    motif = np.where(excess.max(0) > 1, excess.argmax(0), -1)
    return Flow(torch.cat(logits).reshape(-1).cpu().numpy(), evidence, look.cpu().numpy(), place, motif)
