"""How many of the calls are false: the same scan of sequences in which nothing is planted.

    sequences + INSTANCES -> decoys -> scanned by the same rule -> target-decoy q-values, motif by motif

A head must look somewhere, so a sequence without any motif has calls too, and some of them move the logit. Dinucleotide
shuffles say how many to expect at each contribution (target and decoy, as in Elias and Gygi 2007).

Plain shuffles are not exchangeable with the rest of a sequence that holds a true instance. There the heads have found
what they look for and the logit saturates, so that chance matches are called less often; or a chance match completes a
pair, and is worth more. So a decoy keeps the true instances of its sequence in place and shuffles around them. Which
ones are true is not known, only how likely each is, one minus its local false discovery rate: by that they are
drawn. Rounds on a part of the sequences estimate the rate, the first with nothing kept (a stochastic EM of two steps).

With an instance the bases beside it stay, as far as a filter reaches that shares a base with it: another filter, or the
same one on the other strand, may read half of the site, and the model goes by that too. What was called there and not
drawn as true is shuffled all the same. `benchmarks/calibration.py` measures what comes out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from argminn_core.checkpoint import ModelBundle
from argminn_core.dna import N_CODE
from argminn_core.errors import InputError
from argminn_core.fasta import Sequences
from argminn_core.instances import scan
from argminn_core.negatives import dinucleotide_shuffle
from argminn_core.overlaps import overlapping
from argminn_core.regions import tile
from argminn_core.tables import INSTANCES

_BLOCK = 1024  # pieces that are shuffled at a time, to bound memory
_ROUNDS = 2  # that learn which calls to keep
_LEARN = 2000  # windows that they read
_ENOUGH = 1000  # decoy windows, below which a set of sequences is shuffled more than once
_MOST = 20  # shuffles of a small set
_KEY = ["sequence", "start0", "end0", "motif", "strand", "contribution"]


def q_values(
    bundle: ModelBundle,
    sequences: Sequences,
    instances: pd.DataFrame,
    *,
    shuffles: int | None = None,
    stride: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """INSTANCES with `q_value`: the false discovery rate among calls of the motif that contribute as much or more.

    Parameters
    ----------
    bundle : ModelBundle
        The model that made the calls.
    sequences : Sequences
        All that were scanned, those without a call too.
    instances : pd.DataFrame
        INSTANCES as `scan` gave them, at any `min_contribution`; a rate of 10 % is often reached only below
        the default one.
    shuffles : int, optional
        Decoys of each sequence. One by default, up to 20 where there are fewer than 1,000 windows: with `T` calls of a
        motif no q-value is below `1 / (shuffles * T)`.
    stride : int, optional
        That of the scan.
    seed : int
        The same seed gives the same q-values.
    progress : callable, optional
        `progress(done, total)` counts decoy windows.

    Returns
    -------
    pd.DataFrame
        The rows of `instances` in their order.

    Raises
    ------
    InputError
        The instances are not of these sequences and this model.
    """
    instances = INSTANCES.check(instances).reset_index(drop=True)
    if instances.empty:
        return INSTANCES.check(instances.assign(q_value=np.zeros(0)))
    # In one order for the draws, so that q-values do not depend on the order of the rows.
    instances = instances.sort_values(_KEY, kind="stable")
    given = instances.index.to_numpy().argsort()
    instances = instances.reset_index(drop=True)
    config = bundle.model.config
    windows, _ = tile(sequences, length=config.length, stride=stride, min_length=config.width)
    record = _records(bundle, sequences, instances)
    if not np.isin(record, windows.record).all():
        raise InputError("there are instances of sequences that the model cannot read")
    shuffles = min(-(-_ENOUGH // len(windows)), _MOST) if shuffles is None else shuffles
    if shuffles < 1:
        raise InputError("q-values need decoys", found=f"{shuffles} shuffles", expected="at least 1")
    rng = np.random.default_rng(seed)
    learn = _part(windows.record, rng)
    plan = [learn] * _ROUNDS + [np.unique(windows.record)]
    sizes = [int(np.isin(windows.record, rows).sum()) for rows in plan]
    total, done = sum(sizes) * shuffles, 0
    decoy_scan = partial(scan, min_contribution=float(instances["contribution"].min()), stride=stride)

    def report(read: int, _: int) -> None:
        if progress is not None:
            progress(done + read, total)

    wrong = np.ones(len(instances))  # local false discovery rates; at first nothing is kept
    for rows, size in zip(plan, sizes, strict=True):
        part, inside = sequences.subset(rows), np.isin(record, rows)
        found, together = [], max(_ENOUGH // size, 1)  # few sequences: several shuffles a scan
        for first in range(0, shuffles, together):
            drawn = [
                _drawn(part, instances[inside], wrong[inside], config.length, config.width - 1, rng)
                for _ in range(min(together, shuffles - first))
            ]
            decoys, kept = _side_by_side(drawn)
            calls = decoy_scan(bundle, decoys, progress=report).instances
            found.append(calls[~overlapping(calls, kept)])
            done += size * len(drawn)
        q, wrong = _rates(instances, inside, pd.concat(found), shuffles)
    return INSTANCES.check(instances.assign(q_value=q).iloc[given].reset_index(drop=True))


def shuffled(
    sequences: Sequences,
    kept: pd.DataFrame,
    *,
    length: int,
    seed: int,
    margin: int = 0,
    moved: pd.DataFrame | None = None,
) -> Sequences:
    """Decoys: dinucleotide shuffles in which the intervals `kept` and every N stay where they are.

    Records are shuffled in pieces of `length` bases, so that a long one keeps the composition of its parts.

    Parameters
    ----------
    sequences : Sequences
        Of any lengths.
    kept : pd.DataFrame
        `sequence`, `start0` and `end0` of what must not change.
    length, seed : int
        Bases of a piece; the same seed gives the same decoys.
    margin : int
        Bases on either side of each kept interval that stay too,
    moved : pd.DataFrame, optional
        except for these intervals.
    """
    codes = sequences.codes.copy()
    still = np.zeros(len(codes), dtype=bool)
    _mark(still, sequences, kept, margin, True)
    if moved is not None:
        _mark(still, sequences, moved, 0, False)
        _mark(still, sequences, kept, 0, True)
    still |= codes == N_CODE
    pieces = -(-sequences.lengths // length)
    first = np.repeat(np.cumsum(pieces) - pieces, pieces)
    begin = np.repeat(sequences.offsets[:-1], pieces) + (np.arange(len(first)) - first) * length
    end = np.minimum(begin + length, np.repeat(sequences.offsets[1:], pieces))
    seeds = np.random.SeedSequence(seed).generate_state(-(-len(begin) // _BLOCK))
    for block, state in enumerate(seeds):
        rows = slice(block * _BLOCK, (block + 1) * _BLOCK)
        at = begin[rows, None] + np.arange(length)
        moves = at < end[rows, None]
        moves[moves] = ~still[at[moves]]
        piece = np.full(at.shape, N_CODE, dtype=np.uint8)
        piece[moves] = codes[at[moves]]
        # What stays is shuffled along as a run of N and taken out again: the other letters fill the places between.
        mixed = dinucleotide_shuffle(piece, seed=int(state))
        codes[at[moves]] = mixed[mixed != N_CODE]
    return Sequences(sequences.names, codes, sequences.offsets, sequences.headers)


def target_decoy(targets: np.ndarray, decoys: np.ndarray, scores: np.ndarray, *, shuffles: int) -> np.ndarray:
    """q-values at `scores` (N,), given those of targets (T,) and of the calls in `shuffles` decoys of each sequence.

    At a target, `(decoys + 1) / shuffles / targets` that score as much or more; a q-value is the smallest such rate
    at a target of the same or a lower score, 1 at most. The 1 keeps a few lucky calls from counting as free of
    error.
    """
    ranked = np.sort(targets)
    above = len(ranked) - np.searchsorted(ranked, ranked)  # ties are called together
    false = len(decoys) - np.searchsorted(np.sort(decoys), ranked)
    rate = np.minimum.accumulate(np.concatenate([[1.0], (false + 1) / shuffles / np.maximum(above, 1)]))
    return rate[np.searchsorted(ranked, scores, side="right")]


def local_rate(targets: np.ndarray, decoys: np.ndarray, scores: np.ndarray, *, shuffles: int) -> np.ndarray:
    """The share of false calls among targets of just these `scores` (N,), 1 at most.

    The share of decoys among targets and decoys, made to fall with the score (isotonic regression), turned into the
    ratio of the two.
    """
    from sklearn.isotonic import IsotonicRegression

    both = np.concatenate([targets, decoys])
    is_decoy = np.repeat([0.0, 1.0], [len(targets), len(decoys)])
    weight = np.repeat([1.0, 1 / shuffles], [len(targets), len(decoys)])
    fit = IsotonicRegression(increasing=False, out_of_bounds="clip").fit(both, is_decoy, weight)
    share = fit.predict(scores)
    return np.minimum(share / np.maximum(1 - share, 1e-9), 1.0)


def _drawn(
    sequences: Sequences,
    instances: pd.DataFrame,
    wrong: np.ndarray,
    length: int,
    margin: int,
    rng: np.random.Generator,
) -> tuple[Sequences, pd.DataFrame]:
    """Decoys, and the instances that stay in them: each is false with a chance of `wrong` (N,), and then moves."""
    true = rng.random(len(instances)) >= wrong
    kept, seed = instances[true], int(rng.integers(2**31))
    decoys = shuffled(sequences, kept, moved=instances[~true], margin=margin, length=length, seed=seed)
    return decoys, kept


def _side_by_side(drawn: list[tuple[Sequences, pd.DataFrame]]) -> tuple[Sequences, pd.DataFrame]:
    """Several sets of decoys, and what was kept in each, as one; a number before every name keeps them apart."""
    sets = [decoys for decoys, _ in drawn]
    names = [f"{i} {name}" for i, decoys in enumerate(sets) for name in decoys.names]
    sizes = np.concatenate([[0], *(decoys.lengths for decoys in sets)])
    kept = [frame.assign(sequence=f"{i} " + frame["sequence"]) for i, (_, frame) in enumerate(drawn)]
    return Sequences(names, np.concatenate([decoys.codes for decoys in sets]), sizes.cumsum()), pd.concat(
        kept
    )


def _mark(still: np.ndarray, sequences: Sequences, spans: pd.DataFrame, margin: int, value: bool) -> None:
    """Write `value` into `still` (all bases of the sequences) where `spans` lie, each `margin` wider on both sides."""
    record = pd.Index(sequences.names, dtype=object).get_indexer(spans["sequence"])
    start = np.maximum(spans["start0"].to_numpy() - margin, 0)
    end = np.minimum(spans["end0"].to_numpy() + margin, sequences.lengths[record])
    offset = sequences.offsets[record]
    for lo, hi in zip(offset + start, offset + end, strict=True):
        still[lo:hi] = value


def _rates(
    instances: pd.DataFrame, inside: np.ndarray, decoys: pd.DataFrame, shuffles: int
) -> tuple[np.ndarray, np.ndarray]:
    """q-values and local rates of all instances, from those `inside` and their decoys, motif by motif.

    Not pooled: motifs differ in what their true and false calls contribute, and the rate of all would
    flatter the weak ones.
    """
    q, local = np.ones(len(instances)), np.ones(len(instances))
    score = instances["contribution"].to_numpy()
    for motif in instances["motif"].unique():
        mine = (instances["motif"] == motif).to_numpy()
        targets = score[mine & inside]
        false = decoys.loc[decoys["motif"] == motif, "contribution"].to_numpy()
        if len(targets):  # else the part that was read has none, and nothing is known of it in this round
            q[mine] = target_decoy(targets, false, score[mine], shuffles=shuffles)
            local[mine] = local_rate(targets, false, score[mine], shuffles=shuffles)
    return q, np.maximum(q, local)


def _part(record: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Random records, sorted, with about `_LEARN` windows; `record` (M,) is that of each window."""
    rows, counts = np.unique(record, return_counts=True)
    order = rng.permutation(len(rows))
    enough = int(np.searchsorted(np.cumsum(counts[order]), _LEARN)) + 1
    return np.sort(rows[order[:enough]])


def _records(bundle: ModelBundle, sequences: Sequences, instances: pd.DataFrame) -> np.ndarray:
    """The index (N,) of each instance's sequence."""
    record = pd.Index(sequences.names).get_indexer(instances["sequence"])
    known = [motif.name for motif in bundle.motifs]
    strange = ~instances["motif"].isin(known).to_numpy()
    if strange.any():
        raise InputError(
            "the instances are not of this model", found=f"a motif {instances['motif'][strange].iloc[0]}",
            expected=", ".join(known), mend="Give the model that made them",
        )  # fmt: skip
    ends = np.append(sequences.lengths, 0)[record]  # 0 where there is no such sequence
    outside = ((instances["start0"] < 0) | (instances["end0"] > ends)).to_numpy()
    if outside.any():
        row = instances[outside].iloc[0]
        raise InputError(
            "the instances are not of these sequences",
            found=f"{row['sequence']} {row['start0']}-{row['end0']}",
            mend="Give the sequences that were scanned",
        )
    return record
