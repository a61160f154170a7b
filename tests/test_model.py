"""The contracted network against one that writes every token, key and value out."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from toy import random_codes, tiny_config, tiny_model

from argminn_core import dna
from argminn_core.errors import ConfigError
from argminn_core.model import BOUNDS, Argminn, ModelConfig, Tokens, sinusoids
from argminn_core.train import build


def same(ours, theirs):
    """Equal to 1e-10 of the largest entry; `None` is a gradient of zero."""
    ours = torch.zeros_like(theirs) if ours is None else ours
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().max() <= 1e-10 * max(theirs.abs().max().item(), 1e-3)


def naive_match(model, X):
    """Every window times every filter, strand by strand: (N, strands, F, P)."""
    width, scan = model.config.width, model.scanner
    windows = X.unfold(2, width, 1)  # (N, 4, P, W)
    kernels = [scan.weight] + [scan.weight.flip(1, 2)] * (model.config.strands == "both")
    return torch.stack([torch.einsum("nbpw,fbw->nfp", windows, k) + scan.bias[:, None] for k in kernels], 1)


def naive(model, X):
    """Normalised activations, tokens, then K readings with keys and values at every position."""
    c, norm = model.config, model.scanner.norm
    match = naive_match(model, X)
    act, (N, _, _, P), h = match.relu(), match.shape, c.hidden // c.heads
    flat = act.transpose(1, 2).flatten(2)  # both strands of a filter share one mean and variance
    stats = (None, None) if model.training else (norm.running_mean, norm.running_var)
    flat = F.batch_norm(flat, *stats, norm.weight, norm.bias, training=model.training, eps=norm.eps)
    normed = flat.view(N, c.filters, -1, P).transpose(1, 2).flatten(1, 2)
    z = model.token(torch.cat([normed, model.position.expand(N, -1, -1)], 1).transpose(1, 2))  # (N, P, H)
    stream, attention = model.stream.expand(N, -1), []
    for layer in model.layers:
        near = naive_near(model, layer, act.flatten(1, 2), attention) if layer.spacing is not None else 0
        q = layer.query(stream).view(N, c.heads, h)
        key, value = (m(z).view(N, P, c.heads, h) for m in (layer.key, layer.value))
        score = torch.einsum("nah,npah->nap", q, key) / math.sqrt(h) + near
        if c.null_token:
            null = torch.einsum("nah,ah->na", q, layer.null.view(c.heads, h)) / math.sqrt(h) + layer.null_bias
            score = torch.cat([score, null[..., None]], -1)
        att = score.softmax(-1)[..., :P]  # the null token has no value
        read = layer.join(torch.einsum("nap,npah->nah", att, value).flatten(1))
        stream = stream + layer.norm_out(layer.mlp(layer.norm_join(read)))
        attention.append(att)
    logit = model.readout(model.norm(stream)).squeeze(-1)
    evidence = naive_evidence(model, match) if c.evidence else act.new_zeros(N, c.filters)
    return logit + evidence.sum(1), act.flatten(1, 2), torch.stack(attention, 1), evidence


def naive_near(model, layer, act, attention):
    """One pair of places and channels at a time, (N, 1, P): what was found on the minus strand is mirrored."""
    F_, reach, weight = model.config.filters, layer.spacing.reach, layer.spacing.weight
    seen = 1 - math.prod(1 - att[:, a] for att in attention for a in range(model.config.heads))  # (N, P)
    N, _, P = act.shape
    rows = [[torch.zeros((), dtype=act.dtype)] * P for _ in range(N)]
    for n in range(N):
        for c1, p1 in act[n].nonzero().tolist():
            for c2, p2 in act[n].nonzero().tolist():
                d = p2 - p1 if c1 < F_ else p1 - p2
                if abs(d) <= reach:
                    w = weight[c1 % F_, int(c1 // F_ != c2 // F_), c2 % F_, d + reach]
                    rows[n][p2] = rows[n][p2] + w * act[n, c1, p1] * act[n, c2, p2] * seen[n, p1]
    return torch.stack([torch.stack(row) for row in rows])[:, None]


def naive_evidence(model, match):
    """One filter and one sequence at a time: the log of a sum of exponentials, position by position."""
    path, (N, S, filters, P) = model.evidence, match.shape
    half = (P - 1) / 2
    rows = []
    for n in range(N):
        for f in range(filters):
            total = 0
            for s in range(S):
                for p in range(P):
                    tilt = path.log_centre[f].exp() * ((p - half) / half) ** 2
                    total = total + (path.log_sharpness[f].exp() * match[n, s, f, p] - tilt).exp()
            rows.append(path.gain[f] * (total / (S * P)).log())
    return torch.stack(rows).view(N, filters)


CASES = [
    dict(strands=strands, null_token=null, evidence=evidence)
    for strands in ("both", "single")
    for null in (False, True)
    for evidence in (False, True)
] + [dict(strands=strands, null_token=True, spacing=7) for strands in ("both", "single")]


@pytest.mark.parametrize("training", [True, False], ids=["training", "eval"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case.values())))
@pytest.mark.parametrize("listed", [0.0, 1.0], ids=["dense", "listed"])
def test_the_contraction_is_exact_in_value_and_gradient(case, training, listed, monkeypatch):
    # 1: only activations that are not zero are read
    monkeypatch.setattr("argminn_core.model._SPARSE", {True: listed, False: listed})
    model = tiny_model(1, **case).train(training)
    generator = torch.Generator().manual_seed(2)
    X = torch.rand(3, 4, model.config.length, generator=generator, dtype=torch.float64, requires_grad=True)
    ours, theirs = model(X), naive(model, X)
    for mine, expected in zip(ours, theirs, strict=True):
        same(mine, expected)
    towards = [torch.randn(part.shape, generator=generator, dtype=torch.float64) for part in theirs]
    inputs = {"X": X, **dict(model.named_parameters())}

    def gradients(parts):
        loss = sum((part * weight).sum() for part, weight in zip(parts, towards, strict=True))
        found = torch.autograd.grad(loss, list(inputs.values()), allow_unused=True)
        return dict(zip(inputs, found, strict=True))

    mine, expected = gradients(ours), gradients(theirs)
    for name, gradient in expected.items():
        assert gradient is not None, name
        same(mine[name], gradient)


@pytest.mark.parametrize("strands", ["both", "single"])
def test_batch_norm_keeps_the_averages_that_torch_keeps(strands):
    model = tiny_model(strands=strands).train()
    torchs = torch.nn.BatchNorm1d(model.config.filters).double()
    torchs.load_state_dict(model.scanner.norm.state_dict())
    for seed in range(2):
        X = dna.one_hot(random_codes(4, model.config.length, seed=seed)).double()
        torchs(naive_match(model, X).relu().transpose(1, 2).flatten(2))
        model(X)
    for name, value in torchs.state_dict().items():
        torch.testing.assert_close(model.scanner.norm.state_dict()[name], value)


def test_eval_changes_nothing_and_every_sequence_stands_alone():
    model = tiny_model(null_token=True, evidence=True).eval()
    X = dna.one_hot(random_codes(5, model.config.length)).double()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    whole = model(X)
    for i in range(len(X)):
        for part, one in zip(whole, model(X[i : i + 1]), strict=True):
            torch.testing.assert_close(part[i], one[0])
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize("null", [False, True])
@pytest.mark.parametrize("strands", ["both", "single"])
def test_shapes_and_mass_of_an_output(strands, null):
    c = tiny_config(strands=strands, null_token=null)
    out = tiny_model(strands=strands, null_token=null)(dna.one_hot(random_codes(2, c.length)).double())
    assert c.channels == (6 if strands == "both" else 3) and c.positions == 26
    assert out.logit.shape == (2,) and out.act.shape == (2, c.channels, 26)
    assert out.att.shape == (2, 3, 2, 26) and out.evidence.shape == (2, 3)
    assert (out.act >= 0).all() and not out.evidence.any()
    mass = out.att.sum(-1)
    assert (mass < 1).all() if null else torch.allclose(mass, torch.ones_like(mass))


def test_tied_strands_swap_and_mirror_with_the_sequence():
    model = tiny_model(evidence=True).eval()
    codes = random_codes(4, model.config.length)
    forward, reverse = (model(dna.one_hot(c).double()) for c in (codes, dna.reverse_complement_codes(codes)))
    filters = model.config.filters
    swapped = torch.cat([forward.act[:, filters:], forward.act[:, :filters]], 1).flip(2)
    torch.testing.assert_close(reverse.act, swapped)
    torch.testing.assert_close(reverse.evidence, forward.evidence)
    assert forward.act[:, :filters].any() and forward.act[:, filters:].any()


@pytest.mark.parametrize("strands", ["both", "single"])
def test_centred_filters_say_the_same_of_acgt_and_read_n_as_the_mean(strands):
    model = tiny_model(strands=strands, evidence=True, null_token=True).float().eval()
    codes = random_codes(6, model.config.length)
    X = dna.one_hot(codes)
    scanner = model.scanner
    with torch.no_grad():
        before = model(X)
        model.centre_filters()
        for part, after in zip(before, model(X), strict=True):
            torch.testing.assert_close(part, after, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(scanner.weight.sum(1), torch.zeros(3, 5), rtol=0, atol=1e-6)
        column = 11
        variants = []
        for letter in range(5):
            edited = codes.copy()
            edited[:, column] = letter
            variants.append(F.conv1d(dna.one_hot(edited), scanner.kernels(), scanner.biases()))
        torch.testing.assert_close(variants[4], torch.stack(variants[:4]).mean(0), rtol=1e-4, atol=1e-5)


def test_positions_are_sines_and_cosines():
    table = sinusoids(50, 6).numpy()
    for p in (0, 1, 17, 49):
        for j in range(3):
            angle = p / 1e4 ** (2 * j / 6)
            expected = [math.sin(angle), math.cos(angle)]
            np.testing.assert_allclose(table[[2 * j, 2 * j + 1], p], expected, atol=1e-6)


def test_a_seed_decides_the_weights_and_leaves_the_global_one_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one, two, other = (build(tiny_config(), seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["scanner.weight"], other["scanner.weight"])
    assert not torch.equal(one["stream"], other["stream"])
    assert "stream" not in dict(Argminn(tiny_config()).named_parameters())  # s_0 is saved, never trained


@pytest.mark.parametrize("shape", [(4, 30), (2, 4, 31), (2, 30, 4), (2, 5, 30)])
def test_an_array_that_does_not_fit_is_an_error(shape):
    with pytest.raises(ConfigError, match=r"cannot read this array.*\(N, 4, 30\)"):
        tiny_model()(torch.zeros(shape, dtype=torch.float64))


@pytest.mark.parametrize("name", BOUNDS)
def test_settings_out_of_bounds_are_errors(name):
    low, high = BOUNDS[name]
    for value in (low - 1, high + 1, 10**9, -1, float(low), True, "8", None):
        with pytest.raises(ConfigError, match=f"{name} is out of bounds"):
            ModelConfig(**{name: value})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strands": "minus"}, "unknown strands"),
        ({"strands": ["both"]}, "unknown strands"),
        ({"length": 20, "width": 21}, "wider than the sequences"),
        ({"hidden": 30}, "cannot be split into the heads"),
        ({"positional": 7}, "must be even"),
        ({"null_token": 1}, "null_token must be true or false"),
        ({"evidence": "yes"}, "evidence must be true or false"),
    ],
)
def test_settings_that_contradict_each_other_are_errors(changes, message):
    with pytest.raises(ConfigError, match=message):
        ModelConfig(**changes)


def test_settings_round_trip_as_a_dict():
    config = tiny_config(null_token=True)
    assert ModelConfig(**config.to_dict()) == config


# --- distances --------------------------------------------------------------------------------------------------------


def test_too_many_pairs_of_places_are_swept_by_a_convolution(monkeypatch):
    model = tiny_model(4, spacing=7, null_token=True).eval()
    X = dna.one_hot(random_codes(3, model.config.length)).double()
    monkeypatch.setattr("argminn_core.model._SPARSE", {True: 1.0, False: 1.0})
    listed = model(X)
    monkeypatch.setattr("argminn_core.model._MOST_PAIRS", 0)
    for mine, other in zip(listed, model(X), strict=True):
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize(("length", "spacing", "filters"), [(20, 7, 3), (33, 30, 2), (47, 9, 5), (64, 64, 1)])
def test_transforms_are_long_enough_for_what_is_kept(length, spacing, filters, monkeypatch):
    """Whatever wraps round must not reach the places that are read; five filters multiply otherwise than few."""
    model = tiny_model(5, length=length, spacing=spacing, filters=filters, strands="both").eval()
    for layer in model.layers[1:]:
        torch.nn.init.normal_(layer.spacing.weight)
    X = dna.one_hot(random_codes(4, length)).double()
    outputs = []
    for listed in (0.0, 1.0):
        monkeypatch.setattr("argminn_core.model._SPARSE", {True: listed, False: listed})
        outputs.append(model(X))
    for mine, other in zip(*outputs, strict=True):
        torch.testing.assert_close(mine, other)


def test_distances_read_both_strands_alike():
    """What a layer adds to the scores of a sequence is what it adds to its reverse complement, mirrored."""
    model = tiny_model(6, spacing=7).eval()
    codes = random_codes(4, model.config.length)
    seen = torch.rand(
        4, model.config.positions, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )

    def near(codes, seen):
        act = model(dna.one_hot(codes).double()).act
        tokens = Tokens(act, model.position, *model.scanner.fold(act), model.token, model.config.heads)
        return tokens.near(seen, model.layers[1].spacing)

    here, there = near(codes, seen), near(dna.reverse_complement_codes(codes), seen.flip(1))
    assert here.abs().max() > 0.1
    torch.testing.assert_close(there, here.flip(1))


def test_without_weights_distances_change_nothing():
    """A fresh model knows none, so that older results stand; and the first layer has found nothing before it."""
    fresh, plain = build(tiny_config(spacing=7), seed=1), build(tiny_config(), seed=1)
    assert fresh.layers[0].spacing is None
    assert all((layer.spacing.weight == 0).all() for layer in fresh.layers[1:])
    X = dna.one_hot(random_codes(3, 30))
    for mine, other in zip(fresh(X), plain(X), strict=True):
        assert torch.equal(mine, other)


def test_a_filter_that_is_turned_round_takes_its_distances_along():
    model = tiny_model(5, spacing=7, null_token=True).eval()
    X = dna.one_hot(random_codes(4, model.config.length)).double()
    before = model(X)
    model.flip_filter(1)
    after = model(X)
    torch.testing.assert_close(after.logit, before.logit)
    torch.testing.assert_close(after.att, before.att)


def test_more_distances_than_a_model_may_have():
    with pytest.raises(ConfigError, match="so many distances"):
        ModelConfig(filters=512, spacing=256)
