"""Tiny models: one of seeded random weights, one written by hand, so that its calls are known.

`detector` has filters of width 12: SITE reads GATTACAG in columns 4 to 12 and decides the logit, LEAD reads
TTCA in columns 0 to 4 and is ignored by all that follows, DEAD is never active. Head 1 of layer 1 points at
SITE.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from argminn_core import dna
from argminn_core.checkpoint import ModelBundle
from argminn_core.model import Argminn, ModelConfig
from argminn_core.motifs import LearnedMotif
from argminn_core.simulate import Configuration, Grammar, MotifSource
from argminn_core.train import build

SITE, LEAD, WIDTH, LENGTH = "GATTACAG", "TTCA", 12, 60
CARD = {"description": "by hand", "data": "none", "split": "none", "metrics": {}, "training": {"seed": 0}}

# Six sure columns in a background that never holds them: what a tiny network learns in seconds.
SIX = "GATACC"
EASY = Grammar(
    "easy",
    (MotifSource("M", pfm=tuple(tuple(float(base == letter) for letter in SIX) for base in "ACGT")),),
    (Configuration(1.0, ("M",)),),
    (Configuration(1.0),),
)


def tiny_config(**changes) -> ModelConfig:
    small = dict(length=30, filters=3, width=5, positional=4, hidden=8, stream=12, layers=3, heads=2)
    return ModelConfig(**(small | changes))


def tiny_model(seed: int = 0, **changes) -> Argminn:
    """Seeded weights, none zero or one, batch norm averages included; float64, training mode."""
    model = build(tiny_config(**changes), seed=seed).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        model.scanner.norm.running_mean.uniform_(-1, 1, generator=generator)
        model.scanner.norm.running_var.uniform_(0.5, 2, generator=generator)
    return model


def tiny_bundle(seed: int = 0, **changes) -> ModelBundle:
    """`tiny_model` in float32 with a random PFM for every filter."""
    model = tiny_model(seed, **changes).float().eval().requires_grad_(False)
    rng = np.random.default_rng(seed)
    motifs = [
        learned(f"motif_{f + 1:02d}", f, rng.dirichlet(np.ones(4), model.config.width).T)
        for f in range(model.config.filters)
    ]
    return ModelBundle("tiny", model, motifs, CARD)


def learned(name: str, f: int, pfm: np.ndarray, *, core: tuple[int, int] | None = None) -> LearnedMotif:
    return LearnedMotif(
        name=name, filter=f, pfm=pfm, windows=50, core=core or (0, pfm.shape[1]), counts=True,
        max_activation=1.0, threshold=0.5,
    )  # fmt: skip


def detector(*, strands: str = "both", length: int = LENGTH, evidence: bool = False) -> ModelBundle:
    """A model whose logit is about 3.6 with SITE in the sequence and -3 without; an evidence path adds nothing."""
    config = ModelConfig(
        length=length, filters=3, width=WIDTH, strands=strands, positional=2, hidden=8, stream=12, layers=2,
        heads=2, evidence=evidence,
    )  # fmt: skip
    model = Argminn(config)
    sites = [(SITE, 4), (LEAD, 0)]
    pfms = np.full((3, 4, WIDTH), 0.25)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.stream.zero_()
        scanner = model.scanner
        for f, (site, at) in enumerate(sites):
            matrix = np.equal.outer(np.arange(4), dna.encode(site)).astype(float)
            pfms[f, :, at : at + len(site)] = matrix
            # every mismatch costs 1; a whole match gives 1, anything else 0
            scanner.weight[f, :, at : at + len(site)] = torch.from_numpy(matrix - 0.25)
            scanner.bias[f] = 1 - 0.75 * len(site)
        scanner.bias[2] = -100
        for norm in (scanner.norm, model.norm, *(n for x in model.layers for n in (x.norm_join, x.norm_out))):
            norm.weight.fill_(1)
        model.token.weight[0, 0 :: config.filters][: config.channels // config.filters] = 1
        layer = model.layers[0]
        layer.query.bias[0] = 40 * math.sqrt(config.hidden / config.heads)
        layer.key.weight[0, 0] = layer.value.weight[0, 0] = layer.join.weight[0, 0] = 1
        layer.mlp[0].weight[0, 0] = layer.mlp[2].weight[0, 0] = 1
        model.readout.weight[0, 0], model.readout.bias[0] = 2, -3
    motifs = [
        learned(name, f, pfm, core=core)
        for f, (name, pfm, core) in enumerate(
            zip(("SITE", "LEAD", "DEAD"), pfms, ((4, 12), (0, 4), (0, 0)), strict=True)
        )
    ]
    return ModelBundle("detector", model.eval().requires_grad_(False), motifs, CARD)


def background(length: int, *, seed: int = 0) -> str:
    """Random letters that hold neither SITE nor its reverse complement."""
    rng = np.random.default_rng(seed)
    while True:
        text = dna.decode(rng.integers(0, 4, length))
        if SITE not in text and dna.reverse_complement(SITE) not in text:
            return text


def plant(text: str, site: str, start0: int) -> str:
    return text[:start0] + site + text[start0 + len(site) :]


def random_codes(n: int, length: int, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4, (n, length)).astype(np.uint8)
