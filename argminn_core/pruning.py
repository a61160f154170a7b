"""Filters that a trained model does not need, taken out: Argminn -> a smaller Argminn that reads the same.

A recipe for real sequences starts from more known motifs than one factor has partners, and half of them come to
nothing. They cost every reading its time and every reader a logo. How many of them go is decided on the validation
set, never on the test set, one after the other; what remains of a filter on sequences is a constant, and stays.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from argminn_core import dna
from argminn_core.model import Active, Argminn
from argminn_core.predict import BATCH
from argminn_core.tables import number

MOST = 1000  # validation sequences that are read, evenly spaced


@dataclass(frozen=True)
class Pruned:
    """A model without some of its filters.

    kept : the filters that stayed, by their number in the former model, which had `filters`. loss : mean cross-entropy
    (nats) of the validation sequences before. rise, error : by how much it is higher now, and the standard error of
    that, sequence by sequence.
    """

    model: Argminn
    kept: tuple[int, ...]
    filters: int
    loss: float
    rise: float
    error: float

    def to_dict(self) -> dict[str, float]:
        """For a card: plain numbers, without the model."""
        numbers = {"loss": self.loss, "rise": self.rise, "error": self.error}
        return {"filters": self.filters, "kept": len(self.kept)} | numbers


def in_words(card: Mapping[str, Any]) -> str:
    """What was taken out of the model that `card` describes, as half a sentence; empty where the card says nothing."""
    training = card.get("training")
    pruned = training.get("pruned") if isinstance(training, Mapping) else None
    known = pruned if isinstance(pruned, Mapping) else {}
    filters, kept, loss, rise, error = (
        number(known.get(key)) for key in ("filters", "kept", "loss", "rise", "error")
    )
    if not (
        kept < filters and loss > 0 and math.isfinite(rise + error)
    ):  # NaN, which is unknown, fails each of them
        return ""
    change, spread = rise / loss, error / loss
    return (
        f"left of {filters:g} that were trained; taking out the other {filters - kept:g} changed the validation loss "
        f"by {change:+.1%} (standard error {spread:.1%})"
    )


def prune(model: Argminn, codes: np.ndarray, y: np.ndarray, *, tolerance: float) -> Pruned:
    """Take filters out while the validation loss stays: its rise, plus one standard error, below `tolerance` times it.

    The filter that goes next is the one without which the logits change least. The labels say when to stop and not
    which goes: of many filters, that without which the loss of these sequences is lowest is often one that others
    need. On few sequences the standard error is large, and less is taken out. At least one filter stays.

    codes : validation sequences (N, L) of labels y (N,), not those that the filters were trained on.
    """
    step = max(-(-len(codes) // MOST), 1)
    reading = _Reading(model, codes[::step])
    whole, labels = reading.logits(frozenset()), y[::step]
    full = _cross_entropy(whole, labels)
    allowed = tolerance * full.mean()
    gone: frozenset[int] = frozenset()
    rise, error = 0.0, 0.0
    # What was measured with fewer filters gone is close enough to say which to measure again first.
    expected = {f: -np.inf for f in range(model.config.filters)}
    while len(expected) > 1:
        measured: dict[int, np.ndarray] = {}
        while (f := min(expected, key=expected.__getitem__)) not in measured:
            measured[f] = reading.logits(gone | {f})
            expected[f] = float(np.abs(measured[f] - whole).mean())
        change = _cross_entropy(measured[f], labels) - full
        spread = float(change.std(ddof=1) / np.sqrt(len(full))) if len(full) > 1 else np.inf
        if not change.mean() + spread <= allowed:
            break
        rise, error, gone = float(change.mean()), spread, gone | {f}
        del expected[f]
    smaller = without_filters(model, gone, reading.level)
    return Pruned(smaller, tuple(sorted(expected)), model.config.filters, float(full.mean()), rise, error)


def without_filters(model: Argminn, gone: Collection[int], level: Tensor) -> Argminn:
    """The model without the filters `gone`: the logit of any sequence is what it was with them never active.

    level : (F,), what the evidence of each filter is replaced by; those of `gone` go into the bias of the readout. The
    rest keep their order. In evaluation mode, as batch norms of a smaller model.
    """
    config = model.config
    kept = [f for f in range(config.filters) if f not in gone]
    strands = config.channels // config.filters
    channels = [strand * config.filters + f for strand in range(strands) for f in kept]
    tokens = [*channels, *range(config.channels, config.channels + config.positional)]
    lost = [c for c in range(config.channels) if c not in channels]
    _, shift = _folded(model)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    for name, value in state.items():
        if name.startswith(("scanner.", "evidence.")) and value.ndim:
            state[name] = value[kept]
        elif name.endswith("spacing.weight"):
            state[name] = value[kept][:, :, kept]
    state["token.weight"] = model.token.weight.detach()[:, tokens]
    # A channel that is never active still brings the batch norm's shift to every token.
    state["token.bias"] += model.token.weight.detach()[:, lost] @ shift[lost]
    state["readout.bias"] += level[sorted(gone)].sum().to(state["readout.bias"])
    smaller = Argminn(replace(config, filters=len(kept))).to(model.stream)
    smaller.load_state_dict(state)
    return smaller.train(model.training).requires_grad_(model.readout.bias.requires_grad)


class _Reading:
    """Validation sequences read once by the scanner; then the rest of the network without some of the filters."""

    def __init__(self, model: Argminn, codes: np.ndarray) -> None:
        self.model = model
        self.batches: list[Active] = []
        evidence = []
        kernels, biases = model.scanner.kernels().detach(), model.scanner.biases().detach()
        with torch.inference_mode():
            for start in range(0, len(codes), BATCH):
                match = F.conv1d(dna.one_hot(codes[start : start + BATCH]).to(kernels), kernels, biases)
                self.batches.append(Active.of(match.relu()))
                if model.evidence is None:
                    evidence.append(match.new_zeros(len(match), model.config.filters))
                else:
                    evidence.append(model.evidence(match))
        self.evidence = torch.cat(evidence)
        self.level = self.evidence.mean(0)  # (F,)

    def logits(self, gone: frozenset[int]) -> np.ndarray:
        """The logit (N,) of each sequence without the filters `gone`."""
        scale, shift = _folded(self.model)
        silent = torch.zeros(self.model.config.filters, dtype=torch.bool, device=scale.device)
        silent[sorted(gone)] = True
        logits = []
        with torch.inference_mode():
            for active in self.batches:
                heard = ~silent[active.channel % len(silent)]
                rest = Active(*(entry[heard] for entry in active[:4]), active.shape)
                logits.append(self.model.attend(rest, scale, shift)[0])
            evidence = torch.where(silent, self.level, self.evidence).sum(1)
            return (torch.cat(logits) + evidence).double().cpu().numpy()


def _cross_entropy(logit: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, np.where(y == 1, -logit, logit))


def _folded(model: Argminn) -> tuple[Tensor, Tensor]:
    """The batch norm of evaluation as scale and shift (C,)."""
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            return model.scanner.fold(model.stream)  # activations are not read in evaluation
    finally:
        model.train(training)
