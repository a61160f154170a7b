"""The real sets of `../shared/data` as training sources: fixed windows, the same for every method and seed.

`chipseq_500bp`: windows on ChIP-seq summits in HepG2 against GC-matched windows (`neg_gc`) or against summits of other
factors (`neg_open`), split by chromosome. `chipseq_101bp`: peaks of 101 bp against dinucleotide shuffles; the test
files hold their own shuffles.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F

from argminn_core import dna
from argminn_core.negatives import dinucleotide_shuffle
from argminn_core.pfm import Motif, jaspar_collection, log_odds
from argminn_core.predict import metrics
from argminn_core.sources import ArraySource

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
FACTORS = ("CTCF", "FOXA1", "REST", "HNF4A", "CEBPB", "JUND", "CRM4")
KINDS = ("neg_gc", "neg_open")
VALID_SHARE = 0.1  # of the 101-bp training peaks, which come without a validation part
SEED = 101  # of their shuffles and of that part: the same for all runs


def windows_500(path: Path, kind: str) -> ArraySource:
    """Peaks against one kind of negatives, with the file's own split."""
    table = pd.read_csv(path, sep="\t", usecols=["split", "label", "kind", "sequence"])
    table = table[table["kind"].isin(["peak", kind])]
    return ArraySource(
        dna.encode_all(list(table["sequence"])), table["label"].to_numpy(), table["split"].to_numpy()
    )


def windows_101(path: Path) -> ArraySource:
    """`NAME.train.seq.gz` against shuffles of its peaks, a tenth of them for validation; tested on `NAME.test.seq.gz`.

    A shuffle stays in the part of the peak that it was made from.
    """
    peaks = dna.encode_all(list(pd.read_csv(path, sep="\t")["seq"]))
    test = pd.read_csv(path.with_name(path.name.replace(".train.", ".test.")), sep="\t")
    rng = np.random.default_rng(SEED)
    part = np.where(rng.permutation(len(peaks)) < VALID_SHARE * len(peaks), "valid", "train")
    codes = [peaks, dinucleotide_shuffle(peaks, seed=SEED), dna.encode_all(list(test["seq"]))]
    y = [np.ones(len(peaks)), np.zeros(len(peaks)), test["Bound"].to_numpy()]
    split = [part, part, np.full(len(test), "test")]
    return ArraySource(np.concatenate(codes), np.concatenate(y), np.concatenate(split))


def available(data: Path = DATA) -> dict[str, tuple[int, partial[ArraySource]]]:
    """Name -> (length, how to read it) of every set that is here: `CTCF_HepG2/neg_gc`, `101bp/REST_GM12878`."""
    found: dict[str, tuple[int, partial[ArraySource]]] = {}
    for factor in FACTORS:
        path = data / "chipseq_500bp" / f"{factor}_HepG2.tsv.gz"
        if path.exists():
            found |= {f"{factor}_HepG2/{kind}": (500, partial(windows_500, path, kind)) for kind in KINDS}
    for path in sorted((data / "chipseq_101bp").glob("*.train.seq.gz")):
        found[f"101bp/{path.name.split('.')[0]}"] = (101, partial(windows_101, path))
    return found


def best_hits(codes: np.ndarray, motif: Motif) -> np.ndarray:
    """Largest log-odds of a motif in each sequence, both strands, bits, (N,)."""
    matrix = torch.from_numpy(log_odds(motif.pfm)).float()
    kernels = torch.stack([matrix, matrix.flip(0, 1)])
    with torch.inference_mode():
        parts = [
            F.conv1d(dna.one_hot(codes[start : start + 512]), kernels).amax((1, 2)).numpy()
            for start in range(0, len(codes), 512)
        ]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)


def best_pwm(factor: str, source: ArraySource) -> Motif:
    """The factor's JASPAR matrix whose best hit separates the training part best; any factor's where it has none."""
    fitting = [motif for motif in jaspar_collection() if motif.width <= source.length]
    own = [motif for motif in fitting if motif.alt.upper() == factor.upper()]
    codes, y = source.training()
    return max(own or fitting, key=lambda motif: metrics(y, best_hits(codes, motif))["auroc"])
