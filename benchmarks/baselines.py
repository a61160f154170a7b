"""A plain CNN and ExplaiNN, trained on the very sequences that `argminn_core.train.fit` draws.

source -> the same batches in the same epochs -> AdamW -> the epoch of the best validation auROC.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from argminn_core import dna
from argminn_core.errors import ConfigError
from argminn_core.predict import metrics
from argminn_core.sources import Source
from argminn_core.train import pick_device


class Cnn(nn.Module):
    """A plain CNN of Basset's shape (Kelley et al. 2016), thinner: these data sets are smaller than its.

    Three convolutions of 19, 11 and 7 bases, each with batch norm, ReLU, max-pool and dropout, one hidden dense layer,
    one logit. Positions survive the pooling, so that it can learn that a motif lies in the middle. Dropout, weight
    decay and pooling were chosen on validation parts (benchmarks/README.md). `dropout` is that after each convolution
    and that after the dense layer.
    """

    rate, decay = 1e-3, 1e-2
    widths, pools = (19, 11, 7), (6, 4, 2)

    def __init__(
        self, length: int, *, channels: int = 64, hidden: int = 128, dropout: tuple[float, float] = (0.4, 0.5)
    ) -> None:
        super().__init__()
        self.config = dict(length=length, channels=channels, hidden=hidden, dropout=dropout)
        cells, inputs, blocks = length, 4, []
        for width, pool in zip(self.widths, self.pools, strict=True):
            blocks += [
                nn.Conv1d(inputs, channels, width, padding="same"),
                nn.BatchNorm1d(channels),
                nn.ReLU(),  # one for each layer: DeepLIFT keeps what passed through it
                nn.MaxPool1d(pool),
                nn.Dropout(dropout[0]),
            ]
            cells, inputs = cells // pool, channels
        if cells < 1:
            raise ConfigError(
                "the sequences are too short for the CNN's pooling",
                found=length,
                expected=f"at least {np.prod(self.pools)} bp",
            )
        self.body = nn.Sequential(*blocks, nn.Flatten())
        self.head = nn.Sequential(
            nn.Linear(channels * cells, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(dropout[1]),
            nn.Linear(hidden, 1),
        )  # fmt: skip

    def forward(self, X: Tensor) -> Tensor:
        """X (N, 4, L) to logit (N,)."""
        return self.head(self.body(X)).squeeze(1)


class PerUnit(nn.Module):
    """A dense layer for each unit, none of which sees another: (N, U, inputs) to (N, U, outputs).

    A grouped convolution of one column, computed as one batched matrix product: on a CPU seven times faster.
    """

    def __init__(self, units: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = inputs**-0.5
        self.weight = nn.Parameter(torch.empty(units, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(units, 1, outputs).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, x.transpose(0, 1), self.weight).transpose(0, 1)


class _NormedTops(torch.autograd.Function):
    """Batch norm without its gains, then max-pooling: only the largest of each pool is ever normalised.

    Normalising keeps the order, so pooling may come first; that leaves one pass over all places in place of four.
    """

    @staticmethod
    def forward(ctx: Any, y: Tensor, pool: int, eps: float) -> tuple[Tensor, Tensor, Tensor]:
        """Normalised tops (N, U, P // pool), mean and variance (1, U, 1) of y (N, U, P)."""
        n = y.shape[0] * y.shape[2]
        mean = y.sum(2, keepdim=True).sum(0, keepdim=True) / n
        squares = torch.linalg.vector_norm(y, dim=2, keepdim=True).square().sum(0, keepdim=True)
        variance = (squares / n - mean.square()).clamp(min=0)
        scale = (variance + eps).rsqrt()
        top, where = F.max_pool1d(y, pool, return_indices=True)
        normed = (top - mean) * scale
        ctx.save_for_backward(y, where, normed, mean, scale)
        ctx.mark_non_differentiable(mean, variance)
        return normed, mean, variance

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor, None, None]:
        """What batch norm passes back: each top's own share, and what all places share through mean and variance."""
        y, where, normed, mean, scale = ctx.saved_tensors
        n = y.shape[0] * y.shape[2]
        slope = -scale.square() * (grad * normed).sum((0, 2), keepdim=True) / n
        shared = torch.addcmul(-scale * grad.sum((0, 2), keepdim=True) / n - slope * mean, y, slope)
        return shared.scatter_add_(2, where, grad * scale), None, None


class ExplaiNN(nn.Module):
    """ExplaiNN as its paper describes it (Novakovsky et al., Genome Biology 2023).

    Independent units of one filter each: convolution, batch norm, exponential activation, max-pool, a dense layer
    with batch norm, ReLU and dropout, another to one number with batch norm and ReLU. The logit is linear in these.
    """

    rate, decay = 3e-3, 0.0

    def __init__(
        self, length: int, *, units: int = 100, width: int = 19, pool: int = 7, hidden: int = 100, dropout: float = 0.3
    ) -> None:  # fmt: skip
        super().__init__()
        self.config = dict(length=length, units=units, width=width, pool=pool, hidden=hidden, dropout=dropout)
        cells = (length - width + 1) // pool
        if cells < 1:
            raise ConfigError(
                "the sequences are too short for ExplaiNN's filters",
                found=length,
                expected=f"at least {width + pool - 1} bp",
            )
        self.scanner = nn.Conv1d(4, units, width)
        self.norm = nn.BatchNorm1d(units)
        self.pool = nn.MaxPool1d(pool)
        self.inner, self.inner_norm = PerUnit(units, cells, hidden), nn.BatchNorm1d(units * hidden)
        self.dropout = nn.Dropout(dropout)
        self.outer, self.outer_norm = PerUnit(units, hidden, 1), nn.BatchNorm1d(units)
        self.readout = nn.Linear(units, 1)

    def match(self, X: Tensor) -> Tensor:
        """The logarithm of the units' activations, (N, U, P)."""
        return self.norm(self.scanner(X))

    def units(self, X: Tensor) -> Tensor:
        """What each unit says, (N, U)."""
        tops = self._tops(X) if self.training else self.pool(self.match(X))
        pooled = tops.exp()  # exp rises, so it may follow the pooling: fewer of them
        hidden = self.inner(pooled)
        hidden = self.dropout(self.inner_norm(hidden.flatten(1)).relu()).view_as(hidden)
        return self.outer_norm(self.outer(hidden).squeeze(2)).relu()

    def _tops(self, X: Tensor) -> Tensor:
        """`pool(match(X))` in training, in six tenths of a step's time; the running mean and variance are kept."""
        norm = self.norm
        # A filter of negative gain is turned over, so that its largest is largest before the gain too.
        sign = torch.where(norm.weight.detach() < 0, -1.0, 1.0)
        y = F.conv1d(X, self.scanner.weight * sign[:, None, None], self.scanner.bias * sign)
        normed, mean, variance = _NormedTops.apply(y, self.pool.kernel_size, norm.eps)
        with torch.no_grad():
            n = y.shape[0] * y.shape[2]
            norm.num_batches_tracked += 1
            norm.running_mean.lerp_(sign * mean.flatten(), norm.momentum)
            norm.running_var.lerp_(variance.flatten() * n / (n - 1), norm.momentum)
        return normed * norm.weight.abs()[:, None] + norm.bias[:, None]

    def forward(self, X: Tensor) -> Tensor:
        """X (N, 4, L) to logit (N,)."""
        return self.readout(self.units(X)).squeeze(1)


BASELINES: dict[str, type[Cnn] | type[ExplaiNN]] = {"cnn": Cnn, "explainn": ExplaiNN}


def build(name: str, length: int, *, seed: int, **options: Any) -> nn.Module:
    """A fresh baseline whose weights depend on `seed` alone."""
    if name not in BASELINES:
        raise ConfigError("there is no such baseline", found=name, expected=", ".join(BASELINES))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return BASELINES[name](length, **options)


def predict(model: nn.Module, codes: np.ndarray, *, batch: int = 256) -> np.ndarray:
    """Logits (N,) float32 of codes (N, L) in evaluation mode; the model's mode is restored."""
    training, device = model.training, next(model.parameters()).device
    model.eval()
    with torch.inference_mode():
        parts = [
            model(dna.one_hot(codes[start : start + batch]).to(device)).cpu().numpy()
            for start in range(0, len(codes), batch)
        ]
    model.train(training)
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)


@dataclass(frozen=True)
class Fitted:
    """How a training ended: the epoch whose weights were kept, their validation scores, seconds of wall time."""

    epoch: int
    valid: dict[str, float]
    seconds: float


def fit(
    model: nn.Module,
    source: Source,
    *,
    epochs: int,
    batches: int,
    batch_size: int = 128,
    seed: int = 0,
    device: str | None = None,
    state_path: Path | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Fitted | None:
    """Train in place, keep the weights of the epoch with the best validation auROC; None when it was stopped.

    Every epoch draws as `argminn_core.train.fit` does, from a generator seeded by (seed, epoch). A stopped training
    leaves the state of its last whole epoch in `state_path` and goes on from there, whoever calls it next.
    """
    where = pick_device(device)
    model.to(where)
    optimizer = torch.optim.AdamW(model.parameters(), lr=model.rate, weight_decay=model.decay)
    first, spent = 0, 0.0
    best: dict[str, Any] = {}
    if state_path is not None and state_path.exists():
        state = torch.load(state_path, map_location=where, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first, best, spent = state["epoch"], state["best"], state["spent"]
    codes, y = source.valid
    for epoch in range(first, epochs):
        started = time.perf_counter()
        if not _epoch(model, optimizer, source, epoch, batches, batch_size, seed, should_stop):
            return None
        valid = metrics(y, predict(model, codes))
        if not best or valid["auroc"] > best["valid"]["auroc"]:
            weights = {name: value.clone() for name, value in model.state_dict().items()}
            best = {"epoch": epoch + 1, "valid": valid, "weights": weights}
        spent += time.perf_counter() - started
        if state_path is not None:
            state = {
                "model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch + 1, "best": best,
                "spent": spent,
            }  # fmt: skip
            partial = state_path.with_name(state_path.name + ".partial")
            torch.save(state, partial)
            os.replace(partial, state_path)
    model.load_state_dict(best["weights"])
    model.eval().to("cpu")
    return Fitted(best["epoch"], best["valid"], spent)


def _epoch(
    model: nn.Module, optimizer: torch.optim.Optimizer, source: Source, epoch: int, batches: int, batch_size: int,
    seed: int, should_stop: Callable[[], bool],
) -> bool:  # fmt: skip
    """One epoch; False when it was stopped half way."""
    device = next(model.parameters()).device
    codes, y = source.draw(np.random.default_rng([seed, epoch]), batches * batch_size)
    targets = torch.from_numpy(y.astype(np.float32)).to(device)
    model.train()
    with torch.random.fork_rng(devices=[]):
        # Dropout, too, depends on the epoch and not on how often the run was interrupted before it.
        torch.manual_seed(int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0]))
        for step in range(batches):
            if should_stop():
                return False
            rows = slice(step * batch_size, (step + 1) * batch_size)
            logit = model(dna.one_hot(codes[rows]).to(device))
            loss = F.binary_cross_entropy_with_logits(logit, targets[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
    return True


def save(path: Path, name: str, model: nn.Module) -> None:
    """Write a baseline, whole or not at all; `load` opens it."""
    partial = path.with_name(path.name + ".partial")
    header = json.dumps({"name": name, "config": model.config})
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, partial, {"baseline": header})
    os.replace(partial, path)


def load(path: Path) -> nn.Module:
    """A baseline as it was saved, in evaluation mode."""
    with safe_open(path, "pt") as file:
        header = json.loads(file.metadata()["baseline"])
        weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118, not a dict
    model = build(header["name"], seed=0, **header["config"])
    model.load_state_dict(weights)
    return model.eval()
