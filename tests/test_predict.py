import math

import numpy as np
import pytest
import torch
from toy import random_codes, tiny_bundle

from argminn_core import dna
from argminn_core.errors import ConfigError
from argminn_core.predict import metrics, one_thread, predict, sigmoid, trace


@pytest.fixture(scope="module")
def model():
    return tiny_bundle().model


@pytest.mark.parametrize("batch", [1, 3, 7, 100])
def test_batches_do_not_matter_and_progress_adds_up(model, batch):
    codes, seen = random_codes(7, 30), []
    logits = predict(model, codes, batch=batch, progress=seen.append)
    assert logits.shape == (7,) and logits.dtype == np.float32 and sum(seen) == 7 and max(seen) <= batch
    with torch.no_grad():
        expected = [model(dna.one_hot(codes[i : i + 1])).logit.item() for i in range(7)]
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)


def test_nothing_in_nothing_out(model):
    assert predict(model, np.zeros((0, 30), dtype=np.uint8)).shape == (0,)


def test_a_trace_is_the_forward_pass_as_arrays(model):
    codes = random_codes(2, 30)
    traced = trace(model, codes)
    assert all(isinstance(part, np.ndarray) for part in traced)
    np.testing.assert_allclose(traced.logit, predict(model, codes), rtol=1e-5)
    assert traced.act.shape == (2, 6, 26) and traced.att.shape == (2, 3, 2, 26)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("run", [predict, trace])
def test_the_mode_is_restored_and_the_averages_stay(run, training):
    model = tiny_bundle().model.train(training)
    before = model.scanner.norm.running_mean.clone()
    run(model, random_codes(2, 30))
    assert model.training is training and torch.equal(model.scanner.norm.running_mean, before)
    with pytest.raises(ConfigError):
        run(model, random_codes(2, 29))
    assert model.training is training


def test_an_n_is_allowed(model):
    codes = random_codes(2, 30)
    codes[0, 3:9] = dna.N_CODE
    codes[1] = dna.N_CODE
    assert np.isfinite(predict(model, codes)).all()


def test_the_probability_of_any_logit():
    logits = np.array([-1e4, -30.0, -1.0, 0.0, 2.0, 1e4], dtype=np.float32)
    got = sigmoid(logits)
    assert got[0] == 0 and got[-1] == 1 and got[3] == 0.5
    np.testing.assert_allclose(got[2:5], [1 / (1 + math.exp(-x)) for x in (-1, 0, 2)])


def test_metrics_by_hand():
    y = np.array([1, 0, 1, 0, 0])
    logits = np.array([2.0, 1.0, 0.5, -1.0, -3.0])
    got = metrics(y, logits)
    assert got["auroc"] == pytest.approx(5 / 6)  # of six pairs one is the wrong way round
    assert got["auprc"] == pytest.approx((1 + 2 / 3) / 2)
    assert got["accuracy"] == pytest.approx(4 / 5)
    p = [1 / (1 + math.exp(-x)) for x in logits]
    assert got["loss"] == pytest.approx(
        -np.mean([math.log(q if t else 1 - q) for q, t in zip(p, y, strict=True)])
    )
    assert metrics(y, 1e4 * logits)["loss"] == pytest.approx(1e4 / 5)


@pytest.mark.parametrize("y", [[], [1, 1], [0]])
def test_one_class_has_no_curve(y):
    got = metrics(np.array(y), np.ones(len(y)))
    assert (
        math.isnan(got["auroc"])
        and math.isnan(got["auprc"])
        and got.keys() == {"auroc", "auprc", "accuracy", "loss"}
    )
    assert math.isnan(got["loss"]) == (not y)


def test_one_thread_is_left_as_it_was_found():
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), one_thread():
        assert torch.get_num_threads() == 1
        raise ZeroDivisionError
    assert torch.get_num_threads() == before
