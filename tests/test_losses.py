"""The contracted losses against their definitions, written out as loops."""

import math
from itertools import pairwise

import pytest
import torch

from argminn_core import losses

W = 4


def naive_overlap(act, weight):
    """Every sequence, position, second channel and shift.

    A filter never overlaps itself on either strand, and a position where nothing is active costs nothing.
    """
    N, C, P = act.shape
    filters = len(weight)
    kernels = torch.cat([weight, weight.flip(1, 2)]) if 2 * filters == C else weight
    size = kernels.abs().sum(1)  # (C, W)
    total, terms = act.new_zeros(()), 0
    for n in range(N):
        for p in range(P):
            a = int(act[n, :, p].argmax())
            for b in range(C):
                if b % filters == a % filters:
                    continue
                for d in range(-(W - 1), W):
                    terms += 1
                    if act[n, a, p] <= 0 or not 0 <= p + d < P:
                        continue
                    of_a = size[a, max(0, d) : W - max(0, -d)].sum()
                    of_b = size[b, max(0, -d) : W - max(0, d)].sum()
                    total = total + act[n, b, p + d] * of_a * of_b
    return total / max(terms, 1) / weight.abs().sum()


def example(strands, *, filters=3, P=9, seed=0):
    generator = torch.Generator().manual_seed(seed)
    channels = filters * (2 if strands == "both" else 1)
    act = (torch.randn(2, channels, P, generator=generator, dtype=torch.float64) - 0.3).relu()
    act[0, :, 4] = 0  # nothing reads here
    weight = torch.randn(filters, 4, W, generator=generator, dtype=torch.float64)
    return act.requires_grad_(), weight.requires_grad_()


@pytest.mark.parametrize("strands", ["both", "single"])
@pytest.mark.parametrize(("filters", "P"), [(3, 9), (2, 3), (4, 1)])
def test_overlap_is_exact_in_value_and_gradient(strands, filters, P):
    act, weight = example(strands, filters=filters, P=max(P, 5))
    act = act[:, :, :P].detach().requires_grad_()
    ours, theirs = losses.overlap(act, weight), naive_overlap(act, weight)
    assert theirs > 0
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=0)
    mine, expected = (torch.autograd.grad(loss, (act, weight)) for loss in (ours, theirs))
    for one, two in zip(mine, expected, strict=True):
        assert (one - two).abs().max() <= 1e-10 * two.abs().max()


def test_the_strands_of_one_filter_are_one_motif():
    act, weight = example("both", filters=1)
    assert losses.overlap(act, weight) == 0
    act, weight = example("single", filters=1)
    assert losses.overlap(act, weight) == 0
    # two filters, one of them silent: whatever the first reads on both strands is no redundancy
    act, weight = example("both", filters=2)
    silent = act.detach().clone()
    silent[:, [1, 3]] = 0
    assert losses.overlap(silent, weight) == 0
    silent[0, 3, 2] = 1e-6  # on the other strand, a different filter does count
    assert losses.overlap(silent, weight) > 0


def test_silence_costs_nothing():
    act, weight = example("both")
    assert losses.overlap(torch.zeros_like(act), weight) == 0
    assert torch.isfinite(losses.overlap(act, torch.zeros_like(weight)))


@pytest.mark.parametrize("strands", ["both", "single"])
def test_overlap_needs_shared_bases(strands):
    weight = torch.ones(2, 4, W, dtype=torch.float64)
    values = []
    for distance in range(W + 2):
        act = torch.zeros(1, 4 if strands == "both" else 2, 20, dtype=torch.float64)
        act[0, 0, 8], act[0, 1, 8 + distance] = 2, 1
        values.append(losses.overlap(act, weight).item())
    # each is the other's partner as soon as they lie apart
    assert values[0] > 0 and all(x > y for x, y in pairwise(values[1 : W + 1]))
    assert values[W:] == [0, 0]


def test_overlap_does_not_depend_on_the_strand_that_is_read():
    act, weight = example("both")
    turned = torch.cat([act[:, 3:], act[:, :3]], 1).flip(2)
    torch.testing.assert_close(
        losses.overlap(turned, weight), losses.overlap(act, weight), rtol=1e-10, atol=0
    )


def test_l1_is_the_sum_over_all_filters():
    _, weight = example("single")
    assert losses.l1(weight).item() == pytest.approx(sum(abs(x) for x in weight.flatten().tolist()))


@pytest.mark.parametrize("null", [False, True])
def test_entropy_is_in_bits_with_the_null_token_as_a_place(null):
    att = torch.randn(2, 3, 2, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64).softmax(-1)
    seen = att[..., :6] if null else att
    total = 0.0
    for row in att.reshape(-1, 7).tolist():
        total += sum(-share * math.log2(share) for share in row)
    assert losses.entropy(seen).item() == pytest.approx(total / 12, abs=1e-6)


def test_entropy_of_a_pointer_is_zero_and_of_a_smear_the_log_of_the_places():
    pointer = torch.zeros(1, 1, 1, 64, dtype=torch.float64)
    pointer[..., 5] = 1
    pointer.requires_grad_()
    value = losses.entropy(pointer)
    assert value.item() == pytest.approx(0, abs=1e-5)
    (gradient,) = torch.autograd.grad(value, pointer)
    assert torch.isfinite(gradient).all()
    assert losses.entropy(torch.full((1, 1, 1, 64), 1 / 64)).item() == pytest.approx(6, abs=1e-4)


def test_entropy_has_the_gradient_of_its_definition():
    score = torch.randn(1, 2, 2, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    score.requires_grad_()
    att = score.softmax(-1)
    naive = -(att * att.log2()).sum(-1).mean()
    ours, theirs = (
        torch.autograd.grad(loss, score, retain_graph=True)[0] for loss in (losses.entropy(att), naive)
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-7)


def naive_ramp(epoch, epochs, low, high):
    if epoch < epochs / 4:
        return 0.0
    share = (epoch - epochs / 4) / (epochs / 2)
    return 10 ** (math.log10(low) + min(share, 1) * (math.log10(high) - math.log10(low)))


@pytest.mark.parametrize(("low", "high"), [(10**0.5, 1e5), (1e-3, 1e-2), (1.0, 1.0)])
def test_the_ramp_is_even_in_log_space_over_the_middle_half(low, high):
    for epoch in range(40):
        assert losses.ramp(epoch / 40, low, high) == pytest.approx(naive_ramp(epoch, 40, low, high))
    assert losses.ramp(0.249, low, high) == 0
    assert losses.ramp(0.25, low, high) == pytest.approx(low)
    assert losses.ramp(0.5, low, high) == pytest.approx(math.sqrt(low * high))
    assert losses.ramp(0.75, low, high) == losses.ramp(1.0, low, high) == pytest.approx(high)


def test_a_high_of_zero_switches_a_loss_off():
    assert [losses.ramp(x / 10, 1.0, 0.0) for x in range(11)] == [0.0] * 11
