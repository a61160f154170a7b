"""Attributions of the network in modules: the same logits, and a sum that is the difference."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from argminn_core import dna
from argminn_core.deeplift import _Hooked, deep_lift
from argminn_core.negatives import dinucleotide_shuffle
from argminn_core.predict import predict
from tests.toy import LENGTH, SITE, background, detector, plant, random_codes, tiny_model


def model_of(**changes):
    model = tiny_model(5, **changes).float().eval().requires_grad_(False)
    if model.evidence is not None:
        model.evidence.log_sharpness.uniform_(0, 1, generator=torch.Generator().manual_seed(1))
    return model


@pytest.mark.parametrize("evidence", [False, True])
@pytest.mark.parametrize("null_token", [False, True])
@pytest.mark.parametrize("strands", ["both", "single"])
@pytest.mark.parametrize("spacing", [0, 7])
def test_attributions_sum_to_the_difference(evidence, null_token, strands, spacing):
    model = model_of(evidence=evidence, null_token=null_token, strands=strands, spacing=spacing)
    codes = random_codes(6, 30)
    codes[1, 10:14] = dna.N_CODE
    references = random_codes(18, 30, seed=1).reshape(6, 3, 30)
    references[1, :, 10:14] = dna.N_CODE
    found = deep_lift(model, codes, references)
    expected = predict(model, codes) - predict(model, references.reshape(18, 30)).reshape(6, 3).mean(1)
    np.testing.assert_allclose(found.difference, expected, atol=1e-4)
    np.testing.assert_allclose(found.values.sum(1), found.difference, atol=1e-8)
    assert found.error.max() < 1e-8
    assert np.abs(found.difference).max() > 0.01  # not a model that says the same of everything
    assert (found.values[1, 10:14] == 0).all()


def test_the_model_in_modules_is_the_model():
    model = model_of(evidence=True, null_token=True, spacing=7)
    codes = random_codes(8, 30)
    with torch.inference_mode():
        logit = _Hooked(model)(dna.one_hot(codes).double())[:, 0]
    np.testing.assert_allclose(logit.numpy(), predict(model, codes), atol=1e-4)


def test_attributions_lie_on_the_site():
    model = detector().model
    codes = dna.encode_all([plant(background(LENGTH, seed=i), SITE, 20) for i in range(4)])
    references = np.stack([dinucleotide_shuffle(codes, seed=s) for s in range(4)], axis=1)
    found = deep_lift(model, codes, references)
    on_site = found.values[:, 20:28].sum(1)
    assert (on_site > 3).all()
    np.testing.assert_allclose(on_site, found.values.sum(1), rtol=0.35)


def test_the_model_is_left_as_it_was():
    model = model_of().train()
    deep_lift(model, random_codes(2, 30), random_codes(2, 30)[:, None])
    assert model.training
    assert model.token.weight.dtype == torch.float32
    assert not any(module._backward_hooks or module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("shape", [(0, 3, 30), (2, 0, 30)])
def test_nothing_to_explain(shape):
    found = deep_lift(model_of(), random_codes(shape[0], 30), np.zeros(shape, dtype=np.uint8))
    assert found.values.shape == (shape[0], 30)
    assert not found.error.any()
