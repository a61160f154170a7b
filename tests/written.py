"""Models whose rule is known to the letter: weights written for a sentence, and sequences on either side of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from argminn_core import dna
from argminn_core.checkpoint import ModelBundle
from argminn_core.fasta import Sequences
from argminn_core.handwritten import write
from argminn_core.motifs import LearnedMotif
from argminn_core.sentences import Sentence, motifs_of

SITES = {"A": "AAAGAGGAAG", "B": "TTCTTATCTG", "C": "CCAGTAGGGG"}
WIDTH, LENGTH = 10, 120


def bundle_of(sentence: Sentence, *, length: int = LENGTH) -> ModelBundle:
    """A model whose logit is 4 or more where the sentence holds, and -4 or less elsewhere."""
    names = motifs_of(sentence)
    motifs = []
    for f, name in enumerate(names):
        pfm = np.equal.outer(np.arange(4), dna.encode(SITES[name])).astype(float)
        motifs.append(
            LearnedMotif(
                name=name, filter=f, pfm=pfm, windows=100, core=(0, WIDTH), counts=True, max_activation=1.0,
                threshold=0.5,
            )
        )  # fmt: skip
    card = {"description": str(sentence), "data": "none", "split": "none", "metrics": {}, "training": {}}
    return ModelBundle("written", write(sentence, SITES, length).requires_grad_(False), motifs, card)


def with_sites(
    placed: Sequence[Sequence[tuple[str, int]]], *, length: int = LENGTH, seed: int = 0
) -> Sequences:
    """Random backgrounds, each with its sites (motif, start)."""
    codes = np.random.default_rng(seed).integers(0, 4, (len(placed), length)).astype(np.uint8)
    for row, sites in zip(codes, placed, strict=True):
        for motif, start in sites:
            row[start : start + WIDTH] = dna.encode(SITES[motif])
    return Sequences.from_codes([f"s{i}" for i in range(len(codes))], codes)


def pairs(left: str, gaps: Sequence[int], right: str, *, length: int = LENGTH, seed: int = 1) -> list[list]:
    """`left` and `right` at each of the gaps, anywhere in the sequence."""
    rng = np.random.default_rng(seed)
    starts = [int(rng.integers(0, length - 2 * WIDTH - gap + 1)) for gap in gaps]
    return [[(left, s), (right, s + WIDTH + gap)] for s, gap in zip(starts, gaps, strict=True)]
