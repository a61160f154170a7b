"""Training: `fit()` yields one record an epoch, writes its state atomically, and resumes bit for bit.

Every epoch draws from a generator of its own, seeded by (seed, epoch): what an epoch sees does not depend on how
often the run was interrupted before it.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from argminn_core import dna, losses
from argminn_core.checkpoint import load_state, save_state
from argminn_core.errors import ConfigError
from argminn_core.model import Argminn, ModelConfig
from argminn_core.predict import metrics, predict
from argminn_core.sources import Source

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainConfig:
    """How to train. Loss weights are (low, high) of the ramp in `losses.ramp`; a high of 0 switches a loss off.

    `warm_up` is the share of the epochs in which these losses weigh nothing. `average` is the decay a step of a running
    average of the weights, which is what gets evaluated and kept; 0 keeps the last weights. `patience` stops after so
    many epochs that were no better on the validation set (None: never): auROC, and of equal ones the loss. `keep_best`
    keeps the weights of the best epoch, not those of the last one. `evidence_rate` scales the learning rate of the
    evidence path: its few parameters are gains and logarithms, which have further to go than weights.
    """

    epochs: int = 40
    batches: int = 100
    batch_size: int = 128
    rate: float = 1e-3
    anneal: bool = False
    clip: float = 1.0
    overlap: tuple[float, float] = (10**0.5, 1e5)
    l1: tuple[float, float] = (1e-3, 1e-2)
    entropy: tuple[float, float] = (1e-3, 1e-2)
    warm_up: float = 0.25
    weight_decay: float = 0.0
    average: float = 0.0
    evidence_rate: float = 1.0
    patience: int | None = None
    keep_best: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batches", "batch_size"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1", found=getattr(self, name))
        if not 0 <= self.warm_up < 0.75:
            raise ConfigError(
                "warm_up must lie in [0, 0.75): the last quarter has all losses", found=self.warm_up
            )
        if not 0 <= self.average < 1:
            raise ConfigError("average must lie in [0, 1)", found=self.average)
        if self.rate <= 0:
            raise ConfigError("the learning rate must be positive", found=self.rate)


@dataclass(frozen=True)
class EpochRecord:
    """One line of `history.jsonl`. Losses are unweighted means over the epoch's batches; seconds are wall time."""

    epoch: int
    epochs: int
    bce: float
    overlap: float
    l1: float
    entropy: float
    weights: tuple[float, float, float]
    valid_loss: float
    valid_auroc: float
    valid_auprc: float
    valid_accuracy: float
    seconds: float
    remaining: float
    stopped: bool = False

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def pick_device(name: str | None = None) -> torch.device:
    """The device asked for, else a GPU where there is one."""
    return torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))


def build(config: ModelConfig, *, seed: int) -> Argminn:
    """A fresh model whose weights depend on `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Argminn(config)


def standing(auroc: float, loss: float) -> tuple[float, float]:
    """What tells the better of two epochs on the validation set, the greater the better.

    On a handful of sequences many epochs have the same auROC, often 1 from the first one on.
    """
    return auroc, -loss


def fit(
    model: Argminn,
    source: Source,
    config: TrainConfig,
    *,
    state_path: Path | None = None,
    resume: bool = False,
    device: str | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[EpochRecord]:
    """Train `model` in place, yielding a record after every epoch; the model is the averaged one at each yield.

    After the last yield it is the one that is kept.

    Parameters
    ----------
    source : gives each epoch its batches and holds the validation set.
    state_path : where the state is written after each epoch, whole or not at all; None keeps no state.
    resume : go on from `state_path` where it exists; it must belong to the same model and settings.
    should_stop : asked after every batch; a stop leaves the state of the last whole epoch.
    """
    where = pick_device(device)
    log.info("training on %s, %d threads", where, torch.get_num_threads())
    model.to(where)
    # The average of the weights, and the kept weights of the best epoch.
    average, top = (build(model.config, seed=config.seed).to(where) for _ in range(2))
    networks = {"model": model, "average": average} | ({"best": top} if config.keep_best else {})
    for network in (average, top):
        network.load_state_dict(model.state_dict())
    evidence, rest = [], []
    for name, parameter in model.named_parameters():
        (evidence if name.startswith("evidence.") else rest).append(parameter)
    optimizer = torch.optim.Adam(
        [{"params": rest, "lr": config.rate}, {"params": evidence, "lr": config.rate * config.evidence_rate}],
        weight_decay=config.weight_decay,
    )
    settings = {"model": model.config.to_dict(), "train": asdict(config), "data": source.describe()}
    first, best, waited, spent = 0, (-np.inf, -np.inf), 0, 0.0
    if resume and state_path is not None and state_path.exists():
        progress = load_state(state_path, networks, optimizer, settings)
        first, best, waited, spent = (progress[k] for k in ("epoch", "best", "waited", "spent"))
        best = tuple(best)
        log.info("resuming after epoch %d", first)
        if config.patience is not None and waited >= config.patience:
            first = config.epochs  # it had stopped by itself
    valid_codes, valid_y = source.valid
    for epoch in range(first, config.epochs):
        started = time.perf_counter()
        sums = _epoch(model, average, optimizer, source, config, epoch, where, should_stop)
        if sums is None:
            log.info("stopped in epoch %d; the state of epoch %d is kept", epoch + 1, epoch)
            break
        kept = average if config.average else model
        logits = predict(kept, valid_codes)
        score = metrics(valid_y, logits)
        rank = standing(score["auroc"], score["loss"])
        if rank > best:
            best, waited = rank, 0
            top.load_state_dict(kept.state_dict())
        else:
            waited += 1
        spent += time.perf_counter() - started
        stopped = config.patience is not None and waited >= config.patience
        if state_path is not None:
            progress = {"epoch": epoch + 1, "best": best, "waited": waited, "spent": spent}
            save_state(state_path, networks, optimizer, settings, progress)
        record = EpochRecord(
            epoch + 1, config.epochs, *sums, weights=_weights(config, epoch), valid_loss=score["loss"],
            valid_auroc=score["auroc"], valid_auprc=score["auprc"], valid_accuracy=score["accuracy"],
            seconds=spent, remaining=spent / (epoch + 1) * (config.epochs - epoch - 1), stopped=stopped,
        )  # fmt: skip
        raw = {name: value.clone() for name, value in model.state_dict().items()}
        model.load_state_dict(kept.state_dict())
        yield record
        model.load_state_dict(raw)
        if stopped:
            break
    if config.keep_best:
        model.load_state_dict(top.state_dict())
    elif config.average:
        model.load_state_dict(average.state_dict())
    model.centre_filters()
    model.eval().to("cpu")


def _weights(config: TrainConfig, epoch: int) -> tuple[float, float, float]:
    # Epoch 0 of 40 has progress 0, epoch 10 starts the ramp, epoch 30 ends it.
    progress = epoch / config.epochs
    pairs = (config.overlap, config.l1, config.entropy)
    return tuple(losses.ramp(progress, *pair, warm_up=config.warm_up) for pair in pairs)


def _epoch(
    model: Argminn, average: Argminn, optimizer: torch.optim.Optimizer, source: Source, config: TrainConfig,
    epoch: int, where: torch.device, should_stop: Callable[[], bool],
) -> tuple[float, float, float, float] | None:  # fmt: skip
    """One epoch: mean bce, overlap, l1 and entropy; None when it was stopped half way."""
    rng = np.random.default_rng([config.seed, epoch])
    codes, y = source.draw(rng, config.batches * config.batch_size)
    targets = torch.from_numpy(y.astype(np.float32))
    lo, l1, la = _weights(config, epoch)
    total = torch.zeros(4, device=where)
    model.train()
    for step in range(config.batches):
        if should_stop():
            return None
        rows = slice(step * config.batch_size, (step + 1) * config.batch_size)
        if config.anneal:
            # flat for half of the time, then a cosine down to a fiftieth
            done = (epoch + step / config.batches) / config.epochs
            factor = 1.0 if done < 0.5 else 0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * (done - 0.5) / 0.5))
            optimizer.param_groups[0]["lr"] = config.rate * factor
            optimizer.param_groups[1]["lr"] = config.rate * config.evidence_rate * factor
        out = model(dna.one_hot(codes[rows]).to(where))
        bce = F.binary_cross_entropy_with_logits(out.logit, targets[rows].to(where))
        weight = model.scanner.weight
        # A loss that weighs nothing is not computed: in the first quarter that saves half of a step.
        parts = [
            losses.overlap(out.act, weight) if lo else bce.new_zeros(()),
            losses.l1(weight) if l1 else bce.new_zeros(()),
            losses.entropy(out.att) if la else bce.new_zeros(()),
        ]
        loss = bce + lo * parts[0] + l1 * parts[1] + la * parts[2]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        optimizer.step()
        if config.average:
            _update_average(average, model, config.average, epoch * config.batches + step)
        total += torch.stack([bce.detach(), *(part.detach() for part in parts)])
    return tuple((total / config.batches).tolist())


@torch.no_grad()
def _update_average(average: Argminn, model: Argminn, decay: float, step: int) -> None:
    # A young average forgets its random start quickly.
    decay = min(decay, (1 + step) / (10 + step))
    for mine, theirs in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
        if mine.is_floating_point():
            mine.lerp_(theirs, 1 - decay)
        else:
            mine.copy_(theirs)


def write_atomically(path: Path, text: str) -> None:
    """Write `text` whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
