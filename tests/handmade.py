"""A model built by hand, so that what it reads is known: every head points at the best match of one motif."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch

from argminn_core.checkpoint import ModelBundle, save_model
from argminn_core.model import Argminn, ModelConfig
from argminn_core.motifs import LearnedMotif

SITES = {"CTCF": "CCAGCAGGGGGC", "SPI1": "AAAGAGGAAGTG", "GATA1": "TTCTTATCTGTT"}
LENGTH = 200


def toy_bundle(name: str = "toy", *, length: int = LENGTH, sites: dict[str, str] = SITES) -> ModelBundle:
    """Filters are the log-odds of `sites`; the logit adds up each motif's evidence; nothing is random."""
    width, filters, heads = len(next(iter(sites.values()))), len(sites), 2
    hidden = heads * -(-max(filters, 8) // heads)
    config = ModelConfig(
        length=length, filters=filters, width=width, hidden=hidden, stream=8, heads=heads,
        layers=-(-filters // heads), positional=2, evidence=True,
    )  # fmt: skip
    pfms = np.full((filters, 4, width), 0.05)
    for pfm, site in zip(pfms, sites.values(), strict=True):
        pfm[["ACGT".index(letter) for letter in site], range(width)] = 0.85
    model = Argminn(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.stream.fill_(0.5)
        model.scanner.weight.copy_(torch.from_numpy(np.log2(pfms / 0.25)))
        model.scanner.norm.weight.fill_(1)
        model.centre_filters()
        best = model.scanner.weight.amax(1).sum(1)
        model.scanner.bias.copy_(-0.6 * best)
        for f in range(filters):
            model.token.weight[f, [f, f + filters]] = (
                1  # one dimension of a token is one motif, on both strands
            )
        share = config.hidden // heads
        for f in range(filters):
            layer, head = model.layers[f // heads], f % heads
            layer.key.weight[head * share, f] = 1
            layer.query.bias[head * share] = 4 * math.sqrt(share)
        model.evidence.gain.fill_(1.0)
        model.evidence.log_sharpness.fill_(math.log(0.5))
        model.readout.bias.fill_(4.0 * filters)
    motifs = [
        LearnedMotif(
            name=motif, filter=f, pfm=pfms[f], windows=120 - f, core=(0, width), counts=True,
            max_activation=0.4 * float(best[f]), threshold=0.1 * float(best[f]), match=f"MA000{f}.1",
            match_name=motif, q_value=1e-6,
        )
        for f, motif in enumerate(sites)
    ]  # fmt: skip
    card = {
        "description": "Built by hand for tests.",
        "data": "none",
        "split": "none",
        "metrics": {"test": {"auroc": 0.912, "auprc": 0.934, "accuracy": 0.85}},
        "training": {"seed": 1, "epochs": 2, "seconds": 3.5, "device": "cpu"},
    }
    return ModelBundle(name, model.eval(), motifs, card)


def planted(*placed: tuple[str, int], length: int = LENGTH, seed: int = 0) -> str:
    """Letters of a random background with the sites of `placed` (motif, start) written into it."""
    letters = np.random.default_rng(seed).choice(list("ACGT"), length)
    for motif, start in placed:
        letters[start : start + len(SITES[motif])] = list(SITES[motif])
    return "".join(letters)


def fasta(n: int, *, length: int = LENGTH, seed: int = 0) -> bytes:
    """`n` records; the odd ones hold CTCF at 60 and SPI1 at 100."""
    texts = (
        planted(*[("CTCF", 60), ("SPI1", 100)][: 2 * (i % 2)], length=length, seed=seed * n + i)
        for i in range(n)
    )
    return "".join(f">seq_{i:05d}\n{text}\n" for i, text in enumerate(texts)).encode()


def save_toy(home: Path, name: str = "toy") -> None:
    """Put the model where the app finds a user's own."""
    folder = home / "models"
    folder.mkdir(parents=True, exist_ok=True)
    save_model(folder / f"{name}.safetensors", toy_bundle(name))
