"""How long a training will take, before it starts: one step is timed, the rest is counted."""

from __future__ import annotations

import time

import numpy as np
import torch
from torch.nn import functional as F

from argminn_core import dna
from argminn_core.predict import one_thread
from argminn_core.recipe import Recipe
from argminn_core.train import build

_ACTIVE = 0.03  # share of activations that are not zero once a training is under way
_START_UP = 4.0  # s to load what a worker needs
_JASPAR = 9.0  # s to weigh every known motif, and another _JASPAR_SCAN for 2,000 sequences of 500 bp
_JASPAR_SCAN, _WORDS_SCAN = 35.0, 6.0
_SCORING = 5.0


def seconds(recipe: Recipe, *, sequences: int) -> float:
    """About how many seconds a training takes on one core, of `sequences` in all. Takes half a second.

    Within a factor of two on an idle machine; where trainings and visitors share the cores, it takes longer.
    """
    model, train = recipe.model, recipe.train
    scan = min(sequences, 2_000) * model.length / 1e6
    known = _JASPAR + _JASPAR_SCAN * scan
    start = {"jaspar": known, "halves": 2 * known, "words": _WORDS_SCAN * (1 + 2 * scan), "random": 0.0}
    return _START_UP + start[recipe.start] + train.epochs * train.batches * _step(recipe) + _SCORING


def _step(recipe: Recipe) -> float:
    """Seconds of one step on random sequences, as sparse in its activations as a trained model's."""
    net, rows = build(recipe.model, seed=0), recipe.train.batch_size
    rng = np.random.default_rng(0)
    X = dna.one_hot(rng.integers(0, 4, (rows, recipe.model.length)).astype(np.uint8))
    with torch.no_grad():
        act = F.conv1d(X[:16], net.scanner.weight).transpose(0, 1).flatten(1)
        net.scanner.bias.copy_(-act[:, :20_000].quantile(1 - _ACTIVE, dim=1))
    best = np.inf
    with one_thread():
        for _ in range(3):
            began = time.perf_counter()
            loss = F.binary_cross_entropy_with_logits(net(X).logit, torch.ones(rows))
            net.zero_grad(set_to_none=True)
            loss.backward()
            best = min(best, time.perf_counter() - began)
    return best
