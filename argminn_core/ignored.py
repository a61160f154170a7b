"""Matches of the model's own motifs that it did not use, with what it made of them.

    cores of the motifs -> matches in every window -> those that were not called -> attention, activation, contribution

A matrix says where a protein could bind, a model where it matters: the difference is the syntax, and these rows show
it. Matches and p-values are FIMO's, computed here: memelite's first call compiles for half a minute, and only one
thread at a time may be in it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F

from argminn_core import dna
from argminn_core.checkpoint import ModelBundle
from argminn_core.contributions import Reading
from argminn_core.errors import InputError
from argminn_core.fasta import Sequences
from argminn_core.overlaps import overlapping
from argminn_core.pfm import log_odds
from argminn_core.predict import BATCH, each_batch
from argminn_core.pvalues import FIMO_P, PSEUDOCOUNT, ScoreDistribution
from argminn_core.regions import Windows, tile
from argminn_core.tables import IGNORED, INSTANCES

_BLOCK = 512  # windows that are searched at a time, to bound memory
_SEEN = ["attention", "activation", "contribution"]


def ignored_matches(
    bundle: ModelBundle,
    sequences: Sequences,
    instances: pd.DataFrame,
    *,
    p: float = FIMO_P,
    stride: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """IGNORED: matches with a p-value under `p` of every motif that counts, where no instance of it was called.

    Searched are the strands that the model reads, both or one. A match is not ignored when it shares half of the
    shorter with an instance of its motif. Of the windows that a long record is read in, the one in which a match lies
    nearest to the middle speaks for it.

    - `attention`: the largest over layers and heads, among the places where a filter holds half of the match or more:
      large, too, where the model read these bases for another motif.
    - `activation`: the motif's filter, on the strand of the match; 0 where it would stick out of the window.
    - `contribution`: the fall of the logit when the match becomes N, as for an instance.

    Parameters
    ----------
    bundle, sequences, instances
        A model, what was scanned, and INSTANCES as `scan` gave them.
    p : float
        p-values, in uniform random letters, must lie below this.
    stride : int, optional
        That of the scan.
    progress : callable, optional
        `progress(done, total)` counts every window twice: searched, and done with.

    Returns
    -------
    pd.DataFrame
        By sequence and start.

    Raises
    ------
    InputError
        `p` is no probability.
    """
    if not 0 < p < 1:
        raise InputError(
            "the largest p-value of a match is out of bounds", found=p, expected="between 0 and 1"
        )
    config = bundle.model.config
    windows, _ = tile(sequences, length=config.length, stride=stride, min_length=config.width)
    report = progress or (lambda done, total: None)
    total = 2 * len(windows)
    matches = _matches(bundle, windows, p, lambda done: report(done, total))
    matches = matches[~overlapping(matches, INSTANCES.check(instances), on=("sequence", "motif"))]
    matches = matches.sort_values(["window", "start0"], kind="stable", ignore_index=True)
    used, row = np.unique(matches["window"].to_numpy(dtype=np.int64), return_inverse=True)
    edges = np.searchsorted(row, np.arange(len(used) + 1))

    def read(lo: int, hi: int) -> np.ndarray:
        codes = np.concatenate([windows.codes(window, window + 1) for window in used[lo:hi]])
        part = slice(edges[lo], edges[hi])
        return read_places(bundle, codes, row[part] - lo, matches.iloc[part])

    seen, done = [np.zeros((0, len(_SEEN)))], 0
    for values in each_batch(read, len(used)):
        seen.append(values)
        done = min(done + BATCH, len(used))
        report(len(windows) + int(used[done - 1]) + 1, total)
    report(total, total)
    matches[_SEEN] = np.concatenate(seen)
    return IGNORED.check(
        matches.sort_values(["record", "start0"], kind="stable", ignore_index=True)[list(IGNORED.columns)]
    )


def _matches(bundle: ModelBundle, windows: Windows, p: float, report: Callable[[int], None]) -> pd.DataFrame:
    """Every match once: the columns of IGNORED up to `p_value`, `filter`, `record`, `window`, and `place`, its
    start in the window.
    """
    strands = np.array(["+", "-"] if bundle.model.config.strands == "both" else ["+"], dtype=object)
    motifs = [motif for motif in bundle.motifs if motif.counts and motif.core[1] > motif.core[0]]
    chances = [ScoreDistribution.of(log_odds(motif.core_pfm, pseudocount=PSEUDOCOUNT)) for motif in motifs]
    parts = [IGNORED.empty().assign(filter=0, record=0, window=0, place=0)]
    names = np.asarray(windows.sequences.names, dtype=object)
    for lo in range(0, len(windows), _BLOCK):
        codes = windows.codes(lo, lo + _BLOCK)
        X = dna.one_hot(codes)
        for motif, chance in zip(motifs, chances, strict=True):
            steps = _steps(X, chance, len(strands))
            row, strand, place = np.nonzero(chance.tail[steps] < p)
            window = row + lo
            record, start = windows.record[window], windows.start0[window] + place
            found = steps[row, strand, place]
            part = pd.DataFrame(
                {
                    "sequence": names[record], "start0": start, "end0": start + motif.core_pfm.shape[1],
                    "motif": motif.name, "strand": strands[strand], "score": chance.lowest + chance.step * found,
                    "p_value": chance.tail[found], "filter": motif.filter, "record": record, "window": window,
                    "place": place,
                }
            )  # fmt: skip
            inside = (start >= 0) & (part["end0"] <= windows.sequences.lengths[record])
            parts.append(part[inside])
        report(lo + len(codes))
    every = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    off_centre = abs(2 * every["place"] + every["end0"] - every["start0"] - windows.length)
    best = every.iloc[off_centre.argsort(kind="stable")]
    return best.drop_duplicates(["record", "start0", "motif", "strand"])


def _steps(X: torch.Tensor, chance: ScoreDistribution, strands: int) -> np.ndarray:
    """Scores of X (n, 4, L) in steps, int64 (n, strands, positions): whole numbers, so float32 sums are exact."""
    of_n = chance.steps[4]
    kernel = torch.from_numpy(chance.steps[:4] - of_n).to(X.dtype)
    kernels = torch.stack([kernel, kernel.flip(0, 1)][:strands])
    if X.shape[2] < kernel.shape[1]:
        return np.zeros((len(X), strands, 0), dtype=np.int64)
    total = F.conv1d(X, kernels).round().to(torch.int64).numpy() + of_n.sum()
    return np.clip(total, 0, len(chance.tail) - 1)


def read_places(bundle: ModelBundle, codes: np.ndarray, row: np.ndarray, matches: pd.DataFrame) -> np.ndarray:
    """Attention, activation and contribution (m, 3) of matches in codes (n, L); `row` (m,) is their sequence.

    `matches` has `place`, where the core starts in the window, `start0`, `end0`, `strand` and `filter`; what the three
    numbers are stands with `ignored_matches`.
    """
    config = bundle.model.config
    start = matches["place"].to_numpy(dtype=np.int64)
    end = start + (matches["end0"] - matches["start0"]).to_numpy(dtype=np.int64)
    filters = matches["filter"].to_numpy(dtype=np.int64)
    minus = (matches["strand"] == "-").to_numpy()
    left, right = np.array([motif.core for motif in bundle.motifs])[filters].T
    place = start - np.where(minus, config.width - right, left)  # of the filter: its core lies within
    with torch.inference_mode():
        bundle.model.eval()
        reading = Reading(bundle.model, codes)
        peak = reading.output.att.amax((1, 2)).cpu().numpy()  # (n, P)
        act = reading.output.act.cpu().numpy()
        contribution = reading.output.logit.cpu().numpy()[row] - reading.without(row, start, end)
    half = -(-(end - start) // 2)[:, None]
    near = (
        start[:, None] + half - config.width + np.arange(2 * config.width)
    )  # places that hold half of the match
    near = np.where(near <= end[:, None] - half, near, -1)
    near = np.where((near >= 0) & (near < config.positions), near, -1)
    attention = np.where(near >= 0, peak[row[:, None], near], 0).max(axis=1, initial=0)
    fits = (place >= 0) & (place < config.positions)
    activation = np.where(fits, act[row, filters + config.filters * minus, np.where(fits, place, 0)], 0)
    return np.stack([attention, activation, contribution], axis=1)
