"""The same model and losses written out, tensor by tensor, as the paper states them: what `speed.py` compares with.

Keys and values of every position, tokens of every position, and the overlap as an N x P x C x (2W - 1) tensor.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from argminn_core.model import Argminn, Output


def forward(model: Argminn, X: Tensor) -> Output:
    """`model(X)` with the weights of `model` in training mode; batch statistics are computed, not recorded."""
    scanner, config = model.scanner, model.config
    act = F.conv1d(X, scanner.kernels(), scanner.biases()).relu()
    n, channels, positions = act.shape
    strands = channels // config.filters
    by_filter = act.view(n, strands, config.filters, positions)
    normed = F.batch_norm(
        by_filter.reshape(n * strands, config.filters, positions), None, None,
        scanner.norm.weight, scanner.norm.bias, training=True, eps=scanner.norm.eps,
    ).view(n, channels, positions)  # fmt: skip
    position = model.position.T.expand(n, -1, -1)
    z = model.token(torch.cat([normed.transpose(1, 2), position], dim=2))  # (N, P, H)
    stream, attention = model.stream.expand(n, -1), []
    A, h = config.heads, config.hidden // config.heads
    for layer in model.layers:
        query = layer.query(stream).view(n, A, 1, h)
        key = layer.key(z).view(n, positions, A, h).permute(0, 2, 3, 1)
        value = layer.value(z).view(n, positions, A, h).transpose(1, 2)
        att = (query @ key / math.sqrt(h)).softmax(-1)  # (N, A, 1, P)
        read = (att @ value).transpose(1, 2).reshape(n, config.hidden)
        stream = stream + layer.norm_out(layer.mlp(layer.norm_join(layer.join(read))))
        attention.append(att.squeeze(2))
    logit = model.readout(model.norm(stream)).squeeze(-1)
    return Output(logit, act, torch.stack(attention, 1), act.new_zeros(n, config.filters))


def overlap(act: Tensor, weight: Tensor) -> Tensor:
    """`losses.overlap`, shift by shift over whole tensors."""
    n, channels, positions = act.shape
    filters, _, width = weight.shape
    size = weight.abs().sum(1)
    total = size.sum()
    if channels == 2 * filters:
        size = torch.cat([size, size.flip(1)])
    best, top = act.max(1)
    padded = F.pad(act, (width - 1, width - 1))
    near = padded.unfold(2, 2 * width - 1, 1)  # (N, C, P, 2W - 1): activation of b at p + d
    left = [range(max(0, d), width - max(0, -d)) for d in range(1 - width, width)]
    right = [range(max(0, -d), width - max(0, d)) for d in range(1 - width, width)]
    of_a = torch.stack([size[:, list(c)].sum(1) for c in left], 1)  # (C, 2W - 1)
    of_b = torch.stack([size[:, list(c)].sum(1) for c in right], 1)
    penalty = near * of_a[top][:, None] * of_b[None, :, None]  # (N, C, P, 2W - 1)
    identity = torch.arange(channels) % filters
    other = (identity[top][:, None] != identity[None, :, None]) & (best > 0)[:, None]  # (N, C, P)
    mean = (penalty * other[..., None]).sum() / (
        n * positions * (channels - channels // filters) * (2 * width - 1)
    )
    return mean / total


def entropy(att: Tensor) -> Tensor:
    """`losses.entropy` without a null token."""
    return -(att * (att + 1e-9).log2()).sum(-1).mean()
