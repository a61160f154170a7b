"""The grammar as it stands in the weights: how much each distance from a motif that was found counts for another.

    weights of `model.Spacing` -> SPACINGS, in gaps between cores as everywhere else

No sequence is needed. What sequences show (`syntax`), what planting shows (`causal`) and what the weights say are three
answers to one question, on the same axis of gaps.
"""

from __future__ import annotations

import pandas as pd
import torch

from argminn_core.checkpoint import ModelBundle
from argminn_core.errors import InputError
from argminn_core.motifs import LearnedMotif
from argminn_core.tables import SPACINGS


def learned_spacing(bundle: ModelBundle, left: str, right: str, orientation: str) -> pd.DataFrame:
    """SPACINGS of one arrangement: one row a layer and gap.

    `after_left` is added to the attention score of the right motif once the left one was pointed at, `after_right` the
    other way round, both in nats of attention and for two sites as strong as the strongest seen in training. Gaps start
    where each motif has a base left to itself. Layers are numbered from 1; the first has found nothing before it
    and no row.

    Parameters
    ----------
    left, right : str
        Names of motifs.
    orientation : str
        ++, +-, -+ or --, read left to right.

    Raises
    ------
    ArgminnError : no such motif. InputError : the model knows no distances, or one strand where two are asked for.
    """
    config = bundle.model.config
    if not config.spacing:
        raise InputError(
            f"{bundle.name} does not know distances", found="spacing 0",
            mend="Train with a recipe that has spacing, or ask the causal scan",
        )  # fmt: skip
    if "-" in orientation and config.channels == config.filters:
        raise InputError(f"{bundle.name} reads one strand", found=orientation, expected="++")
    a, b = bundle.motif(left), bundle.motif(right)
    channel_a, (_, end_a) = _channel(a, orientation[0], bundle)
    channel_b, (start_b, _) = _channel(b, orientation[1], bundle)
    strength = a.max_activation * b.max_activation
    reach = config.spacing
    gap = torch.arange(-reach, reach + 1) + start_b - end_a
    parts = []
    with torch.inference_mode():
        for number, layer in enumerate(bundle.model.layers, 1):
            if layer.spacing is None:
                continue
            kernel = layer.spacing.kernel() * strength
            parts.append(
                pd.DataFrame(
                    {
                        "left": left,
                        "right": right,
                        "orientation": orientation,
                        "layer": number,
                        "gap": gap.numpy(),
                        "after_left": kernel[channel_a, channel_b].double().numpy(),
                        "after_right": kernel[channel_b, channel_a].flip(0).double().numpy(),
                    }
                )
            )
    if not parts:
        return SPACINGS.empty()
    table = pd.concat(parts, ignore_index=True)
    # Further to the left, what is called the right one is the left one: another arrangement.
    least = 1 - min(a.core[1] - a.core[0], b.core[1] - b.core[0])
    return SPACINGS.frame(table[table["gap"] >= least].reset_index(drop=True))


def _channel(motif: LearnedMotif, strand: str, bundle: ModelBundle) -> tuple[int, tuple[int, int]]:
    """The channel that reads `motif` on `strand`, and the columns of its window that are the core, left to right."""
    (start, end), width = motif.core, bundle.model.config.width
    if strand == "+":
        return motif.filter, (start, end)
    return motif.filter + bundle.model.config.filters, (width - end, width - start)
