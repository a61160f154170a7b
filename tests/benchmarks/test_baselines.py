"""The yardsticks must be what their papers describe, and must not be handicapped by how they are trained here."""

import copy

import baselines
import numpy as np
import pytest
import torch
from torch.nn import functional as F
from toy import LENGTH, SITE, random_codes

from argminn_core import dna
from argminn_core.errors import ConfigError
from argminn_core.predict import metrics
from argminn_core.sources import ArraySource

TINY = {"cnn": dict(channels=16, hidden=16), "explainn": dict(units=6, width=9, hidden=8)}


def tiny(name, seed=0, length=LENGTH):
    return baselines.build(name, length, seed=seed, **TINY[name])


@pytest.fixture(scope="module")
def source():
    """SITE three times in the middle against random letters; drawn with half of them turned round."""
    codes, y = random_codes(1200, LENGTH), np.arange(1200) % 2
    codes[y == 1, 18:42] = dna.encode(3 * SITE)
    return ArraySource(codes, y, np.repeat(["train", "valid", "test"], [800, 200, 200]))


def test_a_layer_for_each_unit_is_a_grouped_convolution():
    torch.manual_seed(0)
    layer, x = baselines.PerUnit(5, 7, 3), torch.randn(4, 5, 7)
    weight = layer.weight.transpose(1, 2).reshape(15, 7, 1)
    grouped = F.conv1d(x.reshape(4, 35, 1), weight, layer.bias.reshape(15), groups=5)
    assert torch.allclose(layer(x).reshape(4, 15), grouped.squeeze(2), atol=1e-5)


def test_units_of_explainn_do_not_see_each_other():
    model = tiny("explainn").eval()
    X = dna.one_hot(random_codes(20, LENGTH))
    with torch.no_grad():
        model.outer_norm.bias.fill_(10)  # no unit is silent
        before = model.units(X)
        model.scanner.weight[2] += 1
    changed = (model.units(X) != before).any(0)
    assert changed.tolist() == [False, False, True, False, False, False]


def test_explainn_pools_exponentials_and_adds_its_units():
    model = tiny("explainn").eval()
    X = dna.one_hot(random_codes(20, LENGTH))
    written_out = F.max_pool1d(model.norm(model.scanner(X)).exp(), 7)
    hidden = model.inner_norm(model.inner(written_out).flatten(1)).relu().view(20, 6, 8)
    units = model.outer_norm(model.outer(hidden).squeeze(2)).relu()
    logit = units @ model.readout.weight[0] + model.readout.bias
    assert torch.allclose(model(X), logit, atol=1e-6)


def test_explainn_trains_as_if_every_place_were_normalised():
    """A gain may be negative; gradients and running statistics are those of the modules written out."""
    model = tiny("explainn").train()
    with torch.no_grad():
        model.norm.weight.copy_(torch.linspace(-1, 1, 6))
    plain = copy.deepcopy(model)
    plain._tops = lambda X: plain.pool(plain.match(X))
    X = dna.one_hot(random_codes(40, LENGTH))
    for network in (model, plain):
        torch.manual_seed(0)  # dropout
        network(X).square().sum().backward()
    for (name, found), expected in zip(model.named_parameters(), plain.parameters(), strict=True):
        assert torch.allclose(
            found.grad, expected.grad, atol=1e-4 * float(expected.grad.abs().max()) + 1e-5
        ), name
    for (name, found), expected in zip(model.named_buffers(), plain.buffers(), strict=True):
        assert torch.allclose(found, expected, atol=1e-5), name


@pytest.mark.parametrize("name", baselines.BASELINES)
def test_it_learns_what_is_easy(name, source):
    model = tiny(name)
    fitted = baselines.fit(model, source, epochs=4, batches=20, batch_size=64)
    codes, y = source.test
    assert metrics(y, baselines.predict(model, codes))["auroc"] > 0.95
    assert fitted.valid == metrics(
        source.valid[1], baselines.predict(model, source.valid[0])
    )  # of the kept epoch
    assert not model.training


@pytest.mark.parametrize("name", baselines.BASELINES)
def test_a_stopped_training_goes_on_as_if_it_had_not(name, source, tmp_path):
    whole, halves, state = tiny(name), tiny(name), tmp_path / "state.pt"
    options = dict(epochs=3, batches=4, batch_size=32)
    baselines.fit(whole, source, **options)
    asked = iter([False] * 6 + [True])  # in the second epoch
    stopped = baselines.fit(halves, source, **options, state_path=state, should_stop=lambda: next(asked))
    assert stopped is None
    resumed = tiny(name, seed=1)
    baselines.fit(resumed, source, **options, state_path=state)
    assert all(
        torch.equal(a, b)
        for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize("name", baselines.BASELINES)
def test_a_saved_model_says_the_same(name, tmp_path):
    model, codes = tiny(name).train(), random_codes(10, LENGTH)
    codes[0, :5] = dna.N_CODE
    says = baselines.predict(model, codes, batch=3)
    assert model.training
    baselines.save(tmp_path / "model.safetensors", name, model)
    assert np.array_equal(
        baselines.predict(baselines.load(tmp_path / "model.safetensors"), codes, batch=3), says
    )
    assert baselines.predict(model, codes[:0]).shape == (0,)


def test_weights_depend_on_the_seed_alone():
    first, again, other = (next(tiny("cnn", seed).parameters()) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_errors_say_what_is_wrong():
    with pytest.raises(ConfigError, match=r"no such baseline\. Found: rnn"):
        baselines.build("rnn", LENGTH, seed=0)
    with pytest.raises(ConfigError, match="at least 48 bp"):
        baselines.build("cnn", 47, seed=0)
    with pytest.raises(ConfigError, match="at least 25 bp"):
        baselines.build("explainn", 24, seed=0)
