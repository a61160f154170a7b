"""The losses as pure functions, and the schedule of their weights (arXiv 2410.06211, section 3).

`loss = BCE(logit, y) + lo * overlap + l1 * sum|w| + la * entropy`
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

_TINY = 1e-9


class _Count(torch.autograd.Function):
    """`count[a, b, k] = sum_{n,p} top[n, a, p] act[n, b, p + k - reach]`, (C, C, 2 * reach + 1).

    This is the weight gradient of a convolution, and its own gradient is a convolution; both are single library
    calls that no shift has to be written out for.
    """

    @staticmethod
    def forward(ctx, act: Tensor, top: Tensor, reach: int) -> Tensor:
        ctx.save_for_backward(top)
        ctx.reach = reach
        shape = (top.shape[1], act.shape[1], 2 * reach + 1)
        return torch.nn.grad.conv1d_weight(act, shape, top, padding=reach)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, None]:
        (top,) = ctx.saved_tensors
        return F.conv1d(top, grad.transpose(0, 1).flip(2), padding=ctx.reach), None, None


def overlap(act: Tensor, weight: Tensor) -> Tensor:
    """Punish two filters that read the same bases.

    At position `p` let `a` be the channel with the largest activation. For every other filter `b` and every shift
    `d` the two share the columns `max(0,d) .. W-1-max(0,-d)` of `a` and `max(0,-d) .. W-1-max(0,d)` of `b`; the
    penalty is `act[n,b,p+d] * (sum |w_a| there) * (sum |w_b| there)`, averaged over n, p, b and d and divided by
    `sum |w|`. As `a` is one-hot in every position, the sum over n and p is one small matrix product for each shift.

    With tied strands (`act` has twice the channels of `weight`) the two orientations of one filter are one motif,
    and a palindrome is read by both at the same bases: that is no redundancy, so a filter never overlaps itself.
    Two different filters overlap in any of the four orientations. Where no filter is active, none reads, so `p`
    costs nothing.

    Parameters
    ----------
    act : (N, C, P), C = F or 2F, rectified.
    weight : (F, 4, W), the filters.
    """
    N, C, P = act.shape
    filters, _, W = weight.shape
    size = weight.abs().sum(1)  # (F, W)
    total = size.sum().clamp_min(_TINY)
    if 2 * filters == C:
        size = torch.cat([size, size.flip(1)])
    best, top = act.max(1)
    one_hot = torch.zeros_like(act).scatter_(1, top.unsqueeze(1), (best > 0).to(act.dtype).unsqueeze(1))
    identity = torch.arange(C, device=act.device) % filters
    other = (identity[:, None] != identity[None]).to(act.dtype)
    count = _Count.apply(act, one_hot, W - 1)
    below = F.pad(size.cumsum(1), (1, 0))  # (C, W + 1): sum of the first j columns
    d = torch.arange(1 - W, W, device=act.device)
    ahead, behind = d.clamp_min(0), (-d).clamp_min(0)
    of_a = below[:, W - behind] - below[:, ahead]  # (C, 2W - 1)
    of_b = below[:, W - ahead] - below[:, behind]
    loss = (count * other[:, :, None] * of_a[:, None] * of_b[None]).sum()
    return loss / (N * P * max(C - C // filters, 1) * (2 * W - 1)) / total


def l1(weight: Tensor) -> Tensor:
    """`sum |w|` over all filters."""
    return weight.abs().sum()


def entropy(att: Tensor) -> Tensor:
    """Mean over sequences, layers and heads of `-sum_p att log2 att`, in bits; att is (N, K, A, P).

    Where a null token took a share, it counts as one more place to look.
    """
    rest = (1 - att.sum(-1)).clamp_min(0)
    return (torch.special.entr(att + _TINY).sum(-1) + torch.special.entr(rest + _TINY)).mean() / math.log(2)


def ramp(progress: float, low: float, high: float, *, warm_up: float = 0.25) -> float:
    """The paper's schedule of a loss weight: 0 for the first quarter, then evenly in log space to `high`, held
    in the last quarter. `progress` runs from 0 to 1 over the training; another `warm_up` starts the ramp there.
    """
    if progress < warm_up or high <= 0:
        return 0.0
    share = min((progress - warm_up) / (0.75 - warm_up), 1.0)
    return low * (high / low) ** share
