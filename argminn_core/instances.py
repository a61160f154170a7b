"""Motif instances from one forward pass, each with the contribution that it makes to the logit.

Position `p` of a sequence is an instance of filter `f` when the largest attention over layers and heads exceeds 0.9
and the activation there exceeds the mean of `f`'s positive activations (arXiv 2410.06211, section 3). A model with an
evidence path looks in a second way: it pools the matches of each filter softly, and a place that holds over a third of
that pool is looked at; a third, so that two sites of a sequence, or the two strands of a palindrome, are not hidden by
sharing it. That says where the model looked. Whether it *used* what it saw is another question: the instance's bases
are replaced by N, which a centred filter reads as an average base, and the fall of the logit is the instance's
contribution. It costs one more evaluation for each candidate, no random draws, and no gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from argminn_core.checkpoint import ModelBundle
from argminn_core.contributions import Reading
from argminn_core.fasta import Sequences
from argminn_core.predict import BATCH, each_batch, prediction_table
from argminn_core.regions import tile
from argminn_core.tables import INSTANCES

_PLACE = r"^(?P<chrom>[^:]+):(?P<start>\d+)-\d+$"

ATTENTION = 0.9  # of a head
SHARE = 1 / 3  # of a filter's pool of evidence
EVIDENCE = "evidence"  # the evidence path's name among readers, beside "layer.head"
CONTRIBUTION = 1.0


class Calls(NamedTuple):
    """Candidates of a batch, one entry each.

    row: index of the sequence; position: start of the filter's window; channel: filter and strand; attention,
    activation, contribution: floats; readers: bit `k * A + a` is set when head `a` of layer `k` looked, bit `K * A`
    when the evidence path did.
    """

    row: np.ndarray
    position: np.ndarray
    channel: np.ndarray
    attention: np.ndarray
    activation: np.ndarray
    contribution: np.ndarray
    readers: np.ndarray


class Scan(NamedTuple):
    """PREDICTIONS, INSTANCES and DROPPED of a set of sequences."""

    predictions: pd.DataFrame
    instances: pd.DataFrame
    dropped: pd.DataFrame


def call(
    bundle: ModelBundle,
    codes: np.ndarray,
    names: Sequence[str],
    *,
    min_contribution: float | None = CONTRIBUTION,
) -> pd.DataFrame:
    """INSTANCES of codes (N, L) of the model's own length.

    `min_contribution` None keeps whatever was looked at and answered; contributions are reported all the same.
    """
    return scan(bundle, Sequences.from_codes(list(names), codes), min_contribution=min_contribution).instances


def scan(
    bundle: ModelBundle,
    sequences: Sequences,
    *,
    min_contribution: float | None = CONTRIBUTION,
    stride: int | None = None,
    batch: int = BATCH,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Scan:
    """Predictions and instances of sequences of any length; `progress(done, total)` counts windows.

    `threads` read a batch each; as many as torch uses where left out.

    A record longer than the model's length is read in windows, half a window apart unless `stride` says otherwise,
    and an instance seen in two windows is reported once, with its larger contribution. A shorter record is padded
    with N; one shorter than a filter is dropped.
    """
    config = bundle.model.config
    windows, dropped = tile(sequences, length=config.length, stride=stride, min_length=config.width)
    logits, parts, done = [], [], 0

    def read(lo: int, hi: int) -> tuple[np.ndarray, Calls]:
        logit, calls = read_batch(bundle, windows.codes(lo, hi))
        keep = slice(None) if min_contribution is None else calls.contribution >= min_contribution
        return logit, Calls(*(values[keep] for values in calls._replace(row=calls.row + lo)))

    for logit, calls in each_batch(read, len(windows), batch=batch, threads=threads):
        logits.append(logit)
        parts.append(calls)
        done += len(logit)
        if progress is not None:
            progress(done, len(windows))
    logit = np.concatenate(logits) if logits else np.zeros(0)
    predictions = prediction_table(windows, logit)
    if not parts:
        return Scan(predictions, INSTANCES.empty(), dropped)
    calls = Calls(*(np.concatenate(values) for values in zip(*parts, strict=True)))
    record = windows.record[calls.row]
    names = np.asarray(sequences.names, dtype=object)
    frame = _table(bundle, calls, names[record], windows.start0[calls.row])
    inside = (frame["start0"] >= 0) & (frame["end0"].to_numpy() <= sequences.lengths[record])
    order = np.lexsort((frame["start0"], record))
    frame = frame.iloc[order][inside.to_numpy()[order]]
    return Scan(predictions, once(frame), dropped)


def read_batch(bundle: ModelBundle, codes: np.ndarray) -> tuple[np.ndarray, Calls]:
    """Logits (n,) and candidates of codes (n, L), which share one forward pass.

    Candidates that fill the same bases of the same sequence share one evaluation of their contribution.
    """
    model = bundle.model
    config = model.config
    threshold = np.array([motif.threshold for motif in bundle.motifs], dtype=np.float32)
    threshold = threshold[np.arange(config.channels) % config.filters]
    with torch.inference_mode():
        model.eval()
        reading = Reading(model, codes)
        logit = reading.output.logit.cpu().numpy()
        looked = [_pointed(reading), *([_pooled(reading)] if config.evidence else [])]
        row, place, channel, share, bit = (np.concatenate(parts) for parts in zip(*looked, strict=True))
        activation = _picked(reading.output.act, row, channel, place)
        answers = activation > threshold[channel]
        # Sequence, position and channel in one number: what several readers saw is one candidate.
        spots = (row * config.positions + place) * config.channels + channel
        spots, first, inverse = np.unique(spots[answers], return_index=True, return_inverse=True)
        attention = np.zeros(len(spots), dtype=np.float32)
        np.maximum.at(attention, inverse, share[answers])
        readers = np.zeros(len(spots), dtype=np.int64)
        np.bitwise_or.at(readers, inverse, np.left_shift(1, bit[answers]))
        row, place, channel, activation = (v[answers][first] for v in (row, place, channel, activation))
        start, end = _span(bundle, channel, place)
        contribution = _contributions(reading, row, start, end)
    return logit, Calls(row, place, channel, attention, activation, contribution, readers)


def _pointed(reading: Reading) -> tuple[np.ndarray, ...]:
    """Where heads look: sequence, position, channel, attention and head, one entry for every channel at that place.

    A head's attention sums to one at most, so only its largest entry can exceed 0.9.
    """
    peak, place = (t.flatten(1).cpu().numpy() for t in reading.output.att.max(-1))  # (n, K * A)
    row, head = np.nonzero(peak > ATTENTION)
    channels = reading.model.config.channels
    values = (row, place[row, head], peak[row, head], head)
    row, place, share, head = (np.repeat(value, channels) for value in values)
    return row, place, np.tile(np.arange(channels), len(row) // channels), share, head


def _pooled(reading: Reading) -> tuple[np.ndarray, ...]:
    """Where the evidence path looks, likewise: the places that hold over a third of what a filter pools."""
    config = reading.model.config
    row, channel, place, share = (t.cpu().numpy() for t in reading.pooled(SHARE))
    return row, place, channel, share, np.full(len(row), config.layers * config.heads)


def _picked(values: torch.Tensor, *index: np.ndarray) -> np.ndarray:
    return values[tuple(torch.from_numpy(i) for i in index)].cpu().numpy()


def _span(bundle: ModelBundle, channel: np.ndarray, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the core of each call lies; on the minus strand it is mirrored within the filter's window.

    A filter whose PFM has no core is taken whole.
    """
    config = bundle.model.config
    whole = (0, config.width)
    cores = np.array([motif.core if motif.core[1] > motif.core[0] else whole for motif in bundle.motifs])
    filters, minus = channel % config.filters, channel >= config.filters
    left, right = cores[filters, 0], cores[filters, 1]
    return (
        place + np.where(minus, config.width - right, left),
        place + np.where(minus, config.width - left, right),
    )


def _contributions(reading: Reading, row: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The fall of the logit when bases `start:end` of sequence `row` become N, for each call."""
    if not len(row):
        return np.zeros(0, dtype=np.float32)
    spans, inverse = np.unique(np.stack([row, start, end], axis=1), axis=0, return_inverse=True)
    fallen = reading.without(*spans.T)
    return reading.output.logit.cpu().numpy()[row] - fallen[inverse.reshape(-1)]


def _table(bundle: ModelBundle, calls: Calls, names: np.ndarray, offset: np.ndarray) -> pd.DataFrame:
    config = bundle.model.config
    start, end = _span(bundle, calls.channel, calls.position)
    motifs = np.array([motif.name for motif in bundle.motifs], dtype=object)
    return INSTANCES.frame(
        {
            "sequence": names, "start0": start + offset, "end0": end + offset,
            "motif": motifs[calls.channel % config.filters],
            "strand": np.where(calls.channel < config.filters, "+", "-").astype(object),
            "attention": calls.attention, "activation": calls.activation, "contribution": calls.contribution,
            "readers": _readers(calls.readers, config.layers, config.heads),
        }
    )  # fmt: skip


def _readers(bits: np.ndarray, layers: int, heads: int) -> np.ndarray:
    """Bit sets to "layer.head" lists, both counted from 1; `EVIDENCE` stands last."""
    names = [f"{i // heads + 1}.{i % heads + 1}" for i in range(layers * heads)] + [EVIDENCE]
    known = {
        int(value): ",".join(name for i, name in enumerate(names) if value >> i & 1)
        for value in np.unique(bits)
    }
    return np.array([known[int(value)] for value in bits], dtype=object)


def to_bed(instances: pd.DataFrame) -> str:
    """BED6 and three columns more: attention, activation, contribution.

    The score is the contribution times 100, clamped to 0-1000; the raw values stand behind it. A sequence named
    `chr1:100-600` gives genome coordinates.
    """
    place = instances["sequence"].str.extract(_PLACE)
    shift = place["start"].fillna(0).astype(np.int64)
    columns = {
        "chrom": place["chrom"].fillna(instances["sequence"]),
        "start": instances["start0"] + shift,
        "end": instances["end0"] + shift,
        "name": instances["motif"],
        "score": (100 * instances["contribution"]).clip(0, 1000).round().astype(int),
        "strand": instances["strand"],
        **{name: instances[name] for name in ("attention", "activation", "contribution")},
    }
    frame = pd.DataFrame(columns)
    return frame.to_csv(sep="\t", header=False, index=False, lineterminator="\n", float_format="%.6g")


def once(frame: pd.DataFrame) -> pd.DataFrame:
    """One row where windows, or the two strands of a palindrome, give the same motif on overlapping bases.

    The row with the largest contribution stays, the larger activation where contributions tie. Rows come sorted by
    sequence and start, and keep that order.
    """
    if frame.empty:
        return frame.reset_index(drop=True)
    best = frame.sort_values(["contribution", "activation"], ascending=False, kind="stable")
    taken: dict[tuple[str, str], list[tuple[int, int]]] = {}
    keep = []
    for index, sequence, motif, start, end in zip(
        best.index, best["sequence"], best["motif"], best["start0"], best["end0"], strict=True
    ):
        spans = taken.setdefault((sequence, motif), [])
        # Half of the instance, so that two neighbours that share an edge both stay.
        if all(min(end, e) - max(start, s) < (end - start) / 2 for s, e in spans):
            spans.append((start, end))
            keep.append(index)
    kept = set(keep)
    return frame[[index in kept for index in frame.index]].reset_index(drop=True)
