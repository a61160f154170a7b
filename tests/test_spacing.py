"""What the weights say of distances, against the network: the same gap, the same strand, the same number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from argminn_core.errors import ArgminnError, InputError
from argminn_core.model import Tokens
from argminn_core.spacing import learned_spacing
from argminn_core.tables import SPACINGS
from tests.toy import learned, tiny_bundle

REACH = 7


def bundle_of(**changes):
    bundle = tiny_bundle(3, spacing=REACH, **changes)
    cores = [(0, 4), (1, 5), (2, 5)]
    motifs = [
        replace(learned(f"m{f}", f, motif.pfm, core=core), max_activation=1.0 + f)
        for f, (motif, core) in enumerate(zip(bundle.motifs, cores, strict=True))
    ]
    return replace(bundle, motifs=motifs)


@pytest.mark.parametrize("orientation", ["++", "+-", "-+", "--"])
def test_a_row_is_what_a_layer_adds_to_the_score(orientation):
    """Two channels active at one place each: the network's own sum, at the place that the gap says."""
    bundle = bundle_of()
    model, config = bundle.model, bundle.model.config
    a, b = bundle.motif("m1"), bundle.motif("m2")
    table = SPACINGS.check(learned_spacing(bundle, "m1", "m2", orientation))
    assert sorted(table["layer"].unique()) == [2, 3]
    for gap in (-1, 0, 2):
        at = 9
        cores = [
            m.core if s == "+" else (config.width - m.core[1], config.width - m.core[0])
            for m, s in zip((a, b), orientation, strict=True)
        ]
        other = at + cores[0][1] + gap - cores[1][0]
        act = torch.zeros(1, config.channels, config.positions)
        channels = [m.filter + config.filters * (s == "-") for m, s in zip((a, b), orientation, strict=True)]
        act[0, channels[0], at], act[0, channels[1], other] = a.max_activation, b.max_activation
        tokens = Tokens(act, model.position, *model.scanner.fold(act), model.token, config.heads)
        for layer in (2, 3):
            row = table[(table["gap"] == gap) & (table["layer"] == layer)].iloc[0]
            for found, scored, column in ((at, other, "after_left"), (other, at, "after_right")):
                seen = torch.zeros(1, config.positions)
                seen[0, found] = 1
                near = tokens.near(seen, model.layers[layer - 1].spacing)[0]
                assert near[scored].item() == pytest.approx(row[column], rel=1e-4)


def test_reading_the_other_strand_says_the_same():
    """A(+) gap B(-) is, on the other strand, B(+) gap A(-)."""
    bundle = bundle_of()
    one, other = learned_spacing(bundle, "m0", "m1", "+-"), learned_spacing(bundle, "m1", "m0", "+-")
    one, other = (t.sort_values(["layer", "gap"]).reset_index(drop=True) for t in (one, other))
    np.testing.assert_array_equal(one["gap"], other["gap"])
    np.testing.assert_allclose(one["after_left"], other["after_right"], rtol=1e-5)


def test_a_model_without_distances_says_so():
    with pytest.raises(InputError, match="does not know distances"):
        learned_spacing(tiny_bundle(3), "motif_01", "motif_02", "++")
    with pytest.raises(InputError, match="one strand"):
        learned_spacing(bundle_of(strands="single"), "m0", "m1", "+-")
    with pytest.raises(ArgminnError):
        learned_spacing(bundle_of(), "m0", "nobody", "++")


def test_one_layer_has_nothing_before_it():
    assert learned_spacing(bundle_of(layers=1), "m0", "m1", "++").empty
