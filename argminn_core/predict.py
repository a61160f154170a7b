"""Batched inference on codes, and the scores of predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import pandas as pd
import torch

from argminn_core import dna
from argminn_core.checkpoint import ModelBundle
from argminn_core.fasta import Sequences
from argminn_core.model import Argminn, Output
from argminn_core.regions import Windows, tile
from argminn_core.tables import PREDICTIONS

# Small enough that a batch's activations stay in the cache of an ordinary core, large enough to amortise calls.
BATCH = 128

Result = TypeVar("Result")


def predict(
    model: Argminn, codes: np.ndarray, *, batch: int = BATCH, progress: Callable[[int], None] | None = None
) -> np.ndarray:
    """Logits (N,) float32 of codes (N, L). The model's mode is restored."""
    training = model.training
    model.eval()
    device = model.stream.device
    parts = []
    try:
        with torch.inference_mode():
            for start in range(0, len(codes), batch):
                rows = codes[start : start + batch]
                parts.append(model(dna.one_hot(rows).to(device)).logit.cpu().numpy())
                if progress is not None:
                    progress(len(rows))
    finally:
        model.train(training)
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)


def each_batch(
    work: Callable[[int, int], Result], total: int, *, batch: int = BATCH, threads: int | None = None
) -> Iterator[Result]:
    """`work(lo, hi)` for every batch of `total` rows, in order, one batch a thread.

    A batch of this model is many small operations: threads that share one spend their time waiting for each other,
    and threads with a batch each do not. Without `threads`, torch's own number says how many; it is restored.
    """
    spans = [(lo, min(lo + batch, total)) for lo in range(0, total, batch)]
    threads = min(threads or torch.get_num_threads(), len(spans))
    if threads <= 1:
        yield from (work(*span) for span in spans)
        return
    with (
        one_thread(),
        ThreadPoolExecutor(threads, initializer=lambda: torch.set_num_threads(1)) as pool,
    ):
        yield from pool.map(lambda span: work(*span), spans)


@contextmanager
def one_thread() -> Iterator[None]:
    """Operations of torch in one thread each; its own number of threads is restored."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def predict_sequences(
    bundle: ModelBundle,
    sequences: Sequences,
    *,
    stride: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """PREDICTIONS and DROPPED of sequences of any length; `progress(done, total)` counts windows.

    A record longer than the model's length is read in windows, half a window apart unless `stride` says otherwise;
    a shorter one is padded with N; one shorter than a filter is dropped.
    """
    config = bundle.model.config
    windows, dropped = tile(sequences, length=config.length, stride=stride, min_length=config.width)
    parts, done = [], 0
    for logits in each_batch(lambda lo, hi: predict(bundle.model, windows.codes(lo, hi)), len(windows)):
        parts.append(logits)
        done += len(logits)
        if progress is not None:
            progress(done, len(windows))
    logits = np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)
    return prediction_table(windows, logits), dropped


def prediction_table(windows: Windows, logits: np.ndarray) -> pd.DataFrame:
    """PREDICTIONS, one row a window."""
    names = np.asarray(windows.sequences.names, dtype=object)
    return PREDICTIONS.frame(
        {
            "sequence": names[windows.record], "logit": logits, "probability": sigmoid(logits),
            "start0": windows.start0, "end0": windows.end0, "note": windows.note,
        }
    )  # fmt: skip


def trace(model: Argminn, codes: np.ndarray) -> Output:
    """Everything that one forward pass says of codes (N, L), as numpy arrays: meant for few sequences."""
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            out = model(dna.one_hot(codes).to(model.stream.device))
    finally:
        model.train(training)
    return Output(*(part.cpu().numpy() for part in out))


def sigmoid(logit: np.ndarray) -> np.ndarray:
    """Probability of a logit, without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(logit, dtype=np.float64)))


def metrics(y: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    """auROC, auPRC, accuracy at probability one half, and the mean cross-entropy (nats); NaN with one class."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    y = np.asarray(y).astype(int)
    logits = np.asarray(logits, dtype=np.float64)
    loss = float(np.mean(np.logaddexp(0, logits) - y * logits)) if len(y) else float("nan")
    accuracy = float(np.mean((logits > 0) == (y == 1))) if len(y) else float("nan")
    if len(np.unique(y)) < 2:
        return {"auroc": float("nan"), "auprc": float("nan"), "accuracy": accuracy, "loss": loss}
    return {
        "auroc": float(roc_auc_score(y, logits)),
        "auprc": float(average_precision_score(y, logits)),
        "accuracy": accuracy,
        "loss": loss,
    }
