"""A small genome to practise on: simulated sequences laid out on random chromosomes, and the BED of where they lie.

simulate -> chromosomes without chance matches -> sequences written into them -> genome, REGIONS, PLACEMENTS.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from argminn_core.backgrounds import Avoider, uniform_codes
from argminn_core.errors import ConfigError
from argminn_core.grammars import Grammar, motifs_of
from argminn_core.simulate import simulate
from argminn_core.tables import PLACEMENTS, REGIONS

SPACE = 4_000  # bp from one region's start to the next: GC-matched negatives stay 1 kb away from every peak
SHARES = (0.7, 0.15, 0.15)  # of the regions on chr1, chr2 and chr3: to train on, to validate, to test


class Practice(NamedTuple):
    """A genome that holds a grammar's positives, and nothing of its motifs besides.

    chroms : dict
        Name to codes (L,) uint8.
    regions : DataFrame
        REGIONS, one a positive sequence; the summit is its middle.
    truth : DataFrame
        PLACEMENTS in the chromosome's coordinates, with `sequence` the chromosome.
    """

    chroms: dict[str, np.ndarray]
    regions: pd.DataFrame
    truth: pd.DataFrame


def practice_genome(grammar: Grammar, n: int, *, length: int = 500, seed: int) -> Practice:
    """Lay `n` positives of `length` bp out on three chromosomes, one every 4,000 bp (more where they are longer).

    Parameters
    ----------
    grammar : Grammar
        What the positives are made of; its negatives are not used, since the rest of the genome is background.
    n, length : int
        How many regions, of how many bases.
    seed : int
        What to draw from.

    Raises
    ------
    ConfigError
        There are too few regions for three chromosomes, or the grammar does not fit into `length`.
    """
    if n < 20:
        raise ConfigError(
            "too few regions for a practice genome",
            found=n,
            expected="at least 20, on three chromosomes",
        )
    made = simulate(grammar, n, length=length, seed=np.random.default_rng([seed, 0]))
    rng = np.random.default_rng([seed, 2])
    avoid = Avoider([motif.pfm for motif in motifs_of(grammar).values()], grammar.avoid)
    step = max(SPACE, 3 * length)
    counts = [round(n * share) for share in SHARES[1:]]
    chroms, where, first = {}, [], 0
    for number, count in enumerate([n - sum(counts), *counts], start=1):
        whole = uniform_codes(rng, 1, step * (count + 1))
        avoid.clear(whole, rng)
        starts = step * np.arange(1, count + 1) - step // 2 + rng.integers(0, step // 8, count)
        for row, start in enumerate(starts, start=first):
            whole[0, start : start + length] = made.codes[row]
        chroms[f"chr{number}"] = whole[0]
        where += [(f"chr{number}", int(start)) for start in starts]
        first += count
    regions = pd.DataFrame(
        [
            (chrom, start, start + length, name, start + length // 2)
            for (chrom, start), name in zip(where, made.names, strict=True)
        ],
        columns=list(REGIONS.columns),
    )
    place = dict(zip(made.names, where, strict=True))
    truth = made.truth.copy()
    shift = truth["sequence"].map(lambda name: place[name][1]).astype("int64")
    truth["start0"] += shift
    truth["end0"] += shift
    truth["sequence"] = truth["sequence"].map(lambda name: place[name][0])
    truth = truth.sort_values(["sequence", "start0"], ignore_index=True)
    return Practice(chroms, REGIONS.check(regions), PLACEMENTS.check(truth))
