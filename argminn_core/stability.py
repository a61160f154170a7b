"""How often other trainings find the motifs of a model: what a seed gave, and what the data gave."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from argminn_core.checkpoint import ModelBundle
from argminn_core.pfm import Motif, alike


def confidence(bundle: ModelBundle, others: Sequence[ModelBundle]) -> dict[str, float]:
    """For each motif of `bundle` that counts, the share of `others` that have one like it, 0 to 1, by name.

    Cores are compared by `pfm.alike`, on either strand. Without others nothing is known of any motif: the result is
    empty.
    """
    if not others:
        return {}
    theirs = [_cores(other) for other in others]
    return {
        motif.name: sum(any(alike(motif, other) for other in cores) for cores in theirs) / len(theirs)
        for motif in _cores(bundle)
    }


def _cores(bundle: ModelBundle) -> Iterable[Motif]:
    return [motif.motif for motif in bundle.motifs if motif.counts]
