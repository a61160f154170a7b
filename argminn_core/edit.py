"""A model edited motif by motif: ModelBundle -> another ModelBundle, the first one untouched.

A filter stands between two things: the motif that it matches (its weights, its statistics) and what reads its
channel (batch norm, attention, the gain and the centre of its evidence). Every edit changes the first and leaves the
second as it is: "what would this grammar say if the motif were not there, or another one, or these two exchanged?"

Two conventions keep an edit from saying more than that. A motif that takes the place of another is scaled, so that
its best match is as active as the largest activation that was seen there. And the evidence of a filter does not vanish
where nothing matches: it has a level on sequences without any motif. What an edit does to that level, measured on
seeded random sequences, goes into the bias of the readout, so that neutral sequences keep their evidence.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from argminn_core import dna, pfm
from argminn_core.checkpoint import ModelBundle
from argminn_core.errors import InputError
from argminn_core.model import Argminn
from argminn_core.motifs import LearnedMotif
from argminn_core.pvalues import FIMO_P, ScoreDistribution
from argminn_core.readout import MIN_CORE, MIN_MEAN_BITS, TRIM_BITS
from argminn_core.warm_start import fitted

PER_NAT = 0.2  # the activation of a nat in a warm start
NEUTRAL = 256  # random sequences: the level of evidence on them is known to about a fiftieth of a nat


def mute(bundle: ModelBundle, filters: str | Iterable[str]) -> ModelBundle:
    """The model without the motifs of these names: they are active nowhere, and add no evidence.

    What reads a muted channel reads what it reads where nothing matches. The motif keeps its name and matrix, no longer
    counts, and its note says why.

    Raises
    ------
    ArgminnError : no such motif.
    """
    names = [filters] if isinstance(filters, str) else list(filters)
    muted = {bundle.motif(name).filter for name in names}
    model = copy.deepcopy(bundle.model)
    with torch.no_grad():
        for f in muted:
            model.scanner.weight[f] = 0
            model.scanner.bias[f] = -1  # below the rectifier everywhere
            if model.evidence is not None:
                model.evidence.gain[f] = 0
    motifs = [
        replace(motif, counts=False, contribution=0.0, note="muted") if motif.filter in muted else motif
        for motif in bundle.motifs
    ]
    return _edited(bundle, model, motifs, {"edit": "mute", "motifs": names})


def swap(bundle: ModelBundle, a: str, b: str) -> ModelBundle:
    """The model with motif `a` where `b` was read, and `b` where `a` was.

    Both are scaled to the activations of their new place, so that swapping twice gives the model back.

    Raises
    ------
    ArgminnError : no such motif. InputError : one of the two is never active, so that its scale is unknown.
    """
    one, two = bundle.motif(a), bundle.motif(b)
    for motif in (one, two):
        if motif.max_activation <= 0:
            raise InputError(
                f"{motif.name} cannot be swapped", found="a filter that is never active",
                mend="Import the other motif into its filter instead",
            )  # fmt: skip
    model = copy.deepcopy(bundle.model)
    motifs = list(bundle.motifs)
    for motif, place in ((one, two), (two, one)):
        ratio = place.max_activation / motif.max_activation
        with torch.no_grad():
            for new, old in zip(_of_motif(model), _of_motif(bundle.model), strict=True):
                new[place.filter] = ratio * old[motif.filter]
            if model.evidence is not None:  # sharpness times match is what it was
                sharpness = bundle.model.evidence.log_sharpness[motif.filter]
                model.evidence.log_sharpness[place.filter] = sharpness - np.log(ratio)
        motifs[place.filter] = replace(
            motif, filter=place.filter, max_activation=place.max_activation, threshold=ratio * motif.threshold,
            contribution=float("nan"),
        )  # fmt: skip
    return _edited(bundle, model, motifs, {"edit": "swap", "motifs": [a, b]})


def import_motif(bundle: ModelBundle, filter: str, motif: pfm.Motif) -> ModelBundle:
    """The model with `motif` in place of the motif named `filter`.

    The matrix becomes log-odds, centred in the filter or cut to its most informative window. As in a warm start
    (`warm_start.start_from`) a match is 0 where every second sequence without the motif has a better one; no data says
    where that is, but the distribution of scores on a uniform background. An instance needs FIMO's p < 1e-4. Where the
    filter was never active nothing has learned to read it: the motif enters on the scale of a warm start, past a
    batch norm that is reset.

    Raises
    ------
    ArgminnError : no such motif. InputError : the matrix is flat.
    """
    place = bundle.motif(filter)
    f, config = place.filter, bundle.model.config
    wide = _widened(motif, config.width)
    matrix = fitted(wide, config.width)
    scores = ScoreDistribution.of(matrix)
    windows = config.positions * config.channels // config.filters
    zero, best = scores.cutoff(1 - 0.5 ** (1 / windows)), float(matrix.max(axis=0).sum())
    dead = place.max_activation <= 0
    scale = PER_NAT if dead else place.max_activation / (best - zero)
    # An unknown base reads as an average one: see `Argminn.centre_filters`.
    mean = matrix.mean(axis=0)
    model = copy.deepcopy(bundle.model)
    with torch.no_grad():
        model.scanner.weight[f] = torch.from_numpy(scale * (matrix - mean))
        model.scanner.bias[f] = scale * (mean.sum() - zero)
        if dead:
            model.scanner.norm.running_mean[f] = 0
            model.scanner.norm.running_var[f] = 1
        if model.evidence is not None:
            model.evidence.log_sharpness[f] = -np.log(scale)  # nats
    others = {known.name for known in bundle.motifs if known.filter != f}
    learned = LearnedMotif(
        name=_free_name("_".join((motif.alt or motif.name).split())[:70], others),
        filter=f,
        pfm=np.array(wide.pfm),
        windows=round(motif.nsites or 0),
        core=wide.core(TRIM_BITS),
        counts=_counts(wide),
        max_activation=scale * (best - zero),
        threshold=scale * max(min(scores.cutoff(FIMO_P), (zero + best) / 2) - zero, 0),
        match=motif.name if motif.source.startswith("JASPAR") else "",
        match_name=motif.alt if motif.source.startswith("JASPAR") else "",
        note="imported" if motif.width <= config.width else f"imported, cut from {motif.width} columns",
    )
    motifs = [learned if known.filter == f else known for known in bundle.motifs]
    entry = {"edit": "import", "motif": learned.name, "replaced": place.name, "source": motif.name}
    return _edited(bundle, model, motifs, entry)


def _edited(
    bundle: ModelBundle, model: Argminn, motifs: list[LearnedMotif], entry: dict[str, Any]
) -> ModelBundle:
    """The new bundle; its card lists the edits, the oldest first. The rest of the card is the trained model's."""
    if model.evidence is not None:
        with torch.no_grad():
            model.readout.bias += neutral_evidence(bundle.model) - neutral_evidence(model)
    card = copy.deepcopy(bundle.card)
    return ModelBundle(bundle.name, model, motifs, card | {"edits": [*card.get("edits", []), entry]})


def neutral_evidence(model: Argminn, *, seed: int = 0, batch: int = 16) -> float:
    """What the evidence path adds to the logit of a random sequence, on average; 0 where there is none."""
    if model.evidence is None:
        return 0.0
    codes = np.random.default_rng(seed).integers(0, 4, (NEUTRAL, model.config.length)).astype(np.uint8)
    kernels, biases = model.scanner.kernels(), model.scanner.biases()
    total = 0.0
    with torch.inference_mode():
        for start in range(0, NEUTRAL, batch):
            X = dna.one_hot(codes[start : start + batch]).to(kernels)
            total += float(model.evidence(F.conv1d(X, kernels, biases)).sum())
    return total / NEUTRAL


def _of_motif(model: Argminn) -> tuple[torch.Tensor, torch.Tensor]:
    """What belongs to the motifs, the filter first: its weights and where it starts to be active."""
    return model.scanner.weight, model.scanner.bias


def _widened(motif: pfm.Motif, width: int) -> pfm.Motif:
    """The motif as `warm_start.fitted` places it: in `width` columns, flat ones around it, or its best window."""
    extra = width - motif.width
    if extra < 0:
        start = int(np.convolve(motif.information, np.ones(width), mode="valid").argmax())
        return motif.columns(start, start + width)
    padding = ((0, 0), (extra // 2, extra - extra // 2))
    return replace(motif, pfm=np.pad(motif.pfm, padding, constant_values=0.25))


def _counts(motif: pfm.Motif) -> bool:
    bits = motif.information[slice(*motif.core(TRIM_BITS))]
    return bool(len(bits) >= MIN_CORE and bits.mean() >= MIN_MEAN_BITS)


def _free_name(name: str, taken: set[str]) -> str:
    return next(
        tried for n in range(1, len(taken) + 2) if (tried := name if n == 1 else f"{name}_{n}") not in taken
    )
