"""Patching a reading gives what a forward pass of the edited sequence gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from argminn_core import dna
from argminn_core.contributions import Reading
from argminn_core.model import Argminn, ModelConfig
from argminn_core.predict import predict


def model_of(**changes) -> Argminn:
    torch.manual_seed(3)
    settings = dict(length=70, filters=3, width=9, positional=4, hidden=8, stream=12, layers=3, heads=2)
    model = Argminn(ModelConfig(**settings | changes)).eval().requires_grad_(False)
    model.scanner.norm.running_mean.uniform_(-1, 1)
    model.scanner.norm.running_var.uniform_(0.5, 2)
    for layer in model.layers:
        if layer.spacing is not None:
            layer.spacing.weight.uniform_(-1, 1)
    if model.evidence is not None:
        model.evidence.gain.uniform_(-1, 1)
        model.evidence.log_sharpness.uniform_(0, 2)
        model.evidence.log_centre.uniform_(0, 4)
    return model


@pytest.mark.parametrize("spacing", [0, 12])
@pytest.mark.parametrize("evidence", [False, True])
@pytest.mark.parametrize("null_token", [False, True])
@pytest.mark.parametrize("strands", ["both", "single"])
def test_without_is_the_forward_pass_of_the_edited_sequence(evidence, null_token, strands, spacing):
    model = model_of(evidence=evidence, null_token=null_token, strands=strands, spacing=spacing)
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (5, 70)).astype(np.uint8)
    codes[2, 30:40] = dna.N_CODE
    row = rng.integers(0, 5, 200)
    start = rng.integers(0, 66, 200)
    end = np.minimum(start + rng.integers(1, 10, 200), 70)
    start[:2], end[:2] = (0, 69), (9, 70)  # both ends of the sequence
    edited = codes[row]
    for i in range(len(row)):
        edited[i, start[i] : end[i]] = dna.N_CODE
    with torch.inference_mode():
        reading = Reading(model, codes)
        patched = reading.without(row, start, end)
    np.testing.assert_allclose(reading.output.logit.numpy(), predict(model, codes), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(patched, predict(model, edited), rtol=1e-4, atol=1e-5)


def test_a_match_that_outweighs_all_others_is_taken_out_exactly():
    model = model_of(evidence=True, layers=1)
    model.evidence.log_sharpness.fill_(np.log(60.0))  # likelihoods over many orders of magnitude
    model.evidence.gain.fill_(1.0)
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 4, (1, 70)).astype(np.uint8)
    kernel = model.scanner.kernels()[0]
    codes[0, 30:39] = kernel.argmax(0).numpy()
    edited = codes.copy()
    edited[0, 30:39] = dna.N_CODE
    with torch.inference_mode():
        patched = Reading(model, codes).without(np.array([0]), np.array([30]), np.array([39]))
    np.testing.assert_allclose(patched, predict(model, edited), rtol=1e-3)


def test_no_question_has_no_answer():
    with torch.inference_mode():
        reading = Reading(model_of(), np.zeros((1, 70), dtype=np.uint8))
        none = np.zeros(0, dtype=int)
        assert reading.without(none, none, none).shape == (0,)


@pytest.mark.parametrize("sharpness", [0.5, 60.0])
def test_an_edited_copy_is_read_as_if_it_were_new(sharpness):
    """Letters that match better than anything before, edits far apart, everything new, and nothing new."""
    model = model_of(evidence=True)
    model.evidence.log_sharpness.fill_(np.log(sharpness))
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 4, (4, 70)).astype(np.uint8)
    row = rng.integers(0, 4, 60)
    edited = codes[row]
    best = model.scanner.kernels()[1].argmax(0).numpy()
    for i in range(len(row)):
        start = rng.integers(0, 62)
        edited[i, start : start + 9] = best
        if i % 3 == 0:
            edited[i, rng.integers(0, 70)] = 4
    edited[0], edited[1], edited[2] = codes[row[0]], codes[(row[1] + 1) % 4], 4
    with torch.inference_mode():
        patched = Reading(model, codes).edited(row, edited)
    np.testing.assert_allclose(patched, predict(model, edited), rtol=1e-3, atol=1e-4)
