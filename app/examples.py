"""Sequences to begin with, where a visitor has none: the model's own motifs, planted into random backgrounds."""

from __future__ import annotations

import numpy as np

from argminn_core import design, dna, rulebook
from argminn_core.checkpoint import ModelBundle
from argminn_core.motifs import usable


def example(model: ModelBundle, *, n: int = 60, seed: int = 7) -> bytes:
    """FASTA of random backgrounds, most with one to three of the model's own motifs near the centre.

    Of a model whose card has rules of pairs, those with two keep one of them.
    """
    rng = np.random.default_rng(seed)
    motifs = usable(model.motifs)
    pfms = {motif.name: motif.motif.pfm for motif in motifs}
    rules = [
        rule
        for rule in rulebook.from_card(model.card, pfms)[0]
        if rule.kind == "pair" and rule.orientation and rule.gaps and min(rule.gaps).low >= 0
    ]
    lines = []
    for number in range(n):
        chosen = [
            (motifs[motif].name, "+-"[int(rng.integers(2))], int(rng.integers(4, 20)))
            for motif in rng.permutation(len(motifs))[: number % 4].tolist()  # every fourth has none
        ]
        if number % 4 == 2 and rules:
            rule = rules[int(rng.integers(len(rules)))]
            run = rule.gaps[int(rng.integers(len(rule.gaps)))]
            gap = int(rng.integers(run.low, run.high + 1))
            chosen = [(rule.left, rule.orientation[0], gap), (rule.right, rule.orientation[1], 0)]
        codes = design.background(model.length, seed=int(rng.integers(2**31)))
        left, planted = model.length // 2 - min(60, model.length // 4), 0
        for name, strand, gap in chosen:
            right = left + pfms[name].shape[1]
            if right > model.length:
                break
            site = design.draw_site(pfms[name], rng)
            codes[left:right] = site if strand == "+" else dna.reverse_complement_codes(site)
            left, planted = right + gap, planted + 1
        lines.append(f">example_{number + 1:02d} planted={planted}\n{dna.decode(codes)}\n")
    return "".join(lines).encode("ascii")
