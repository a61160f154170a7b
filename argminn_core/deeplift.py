"""DeepLIFT/SHAP of a model, by tangermeme's rules, as a second opinion on contributions.

DeepLIFT attaches its rules to modules of torch; what a network computes outside of them it takes for linear. This
network is contracted (`model.py`): its attention is a product and a softmax without modules, and applied to it as
it is, attributions miss the difference of the logits that they should sum to by several times that difference. So
`_Hooked` says the same network again in modules that have rules: tangermeme's for ReLU, softmax, layer norm and
products of two changing factors, and one of the same kind, below, for the log-sum-exp of the evidence. Every rule
is exact, so attributions sum to the difference; what is left of it is returned, not assumed.
"""

from __future__ import annotations

import math
import warnings
from copy import deepcopy
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from argminn_core import dna
from argminn_core.model import Argminn, Layer
from argminn_core.predict import one_thread

_PAIRS = 64  # of a sequence and a reference, in one pass


class Attributions(NamedTuple):
    """What each base adds to the logit against the references.

    values : float64 (N, L), mean over the references; difference : float64 (N,), the logit less the mean logit of
    the references; error : float64 (N,), how far the values of a sequence are from summing to it, without sign.
    """

    values: np.ndarray
    difference: np.ndarray
    error: np.ndarray


def deep_lift(model: Argminn, codes: np.ndarray, references: np.ndarray) -> Attributions:
    """Attributions of codes (N, L) against references (N, R, L), such as shuffles of each sequence.

    The model is read in float64 and left as it is. A letter that is N in both a sequence and its reference gets 0.
    """
    from tangermeme.deep_lift_shap import deep_lift_shap  # slow to import

    N, R, L = references.shape
    if not N * R:
        return Attributions(np.zeros((N, L)), np.zeros(N), np.zeros(N))
    hooked = _Hooked(model)
    X = dna.one_hot(codes).double()
    refs = dna.one_hot(references.reshape(N * R, L)).double().view(N, R, 4, L)
    # In one thread: two spend ten times as long, on a busy machine, waiting for each other.
    with one_thread(), warnings.catch_warnings():
        # It warns of N, which is harmless here, and of errors, which are returned.
        warnings.simplefilter("ignore")
        multipliers = deep_lift_shap(
            hooked, X, references=refs, raw_outputs=True, batch_size=_PAIRS, only_warn=True,
            device=str(model.stream.device), additional_nonlinear_ops={_LogSumExp: _log_sum_exp_rule},
        )  # fmt: skip
    values = ((X[:, None] - refs) * multipliers).sum(2).mean(1).numpy()
    with torch.inference_mode():
        own = _logits(hooked, X)
        neutral = _logits(hooked, refs.flatten(0, 1)).reshape(N, R).mean(1)
    return Attributions(values, own - neutral, np.abs(own - neutral - values.sum(1)))


def _logits(hooked: _Hooked, X: Tensor) -> np.ndarray:
    device = hooked.kernels.device
    return np.concatenate([hooked(part.to(device))[:, 0].cpu().numpy() for part in X.split(_PAIRS)])


class _LogSumExp(nn.Module):
    """Over the last axis."""

    def forward(self, x: Tensor) -> Tensor:
        return x.logsumexp(-1)


def _log_sum_exp_rule(module: nn.Module, _: tuple, grad_output: tuple[Tensor, ...]) -> tuple[Tensor]:
    """The chain of two secants, `exp` at each entry and `log` of their sum: sums to the difference exactly."""
    x, ref = module.input.chunk(2)
    largest = torch.maximum(x.amax(-1, keepdim=True), ref.amax(-1, keepdim=True))
    a, b = (x - largest).exp(), (ref - largest).exp()
    s, t = a.sum(-1, keepdim=True), b.sum(-1, keepdim=True)
    each = torch.where((x - ref).abs() > 1e-6, (a - b) / (x - ref), b)
    total = torch.where((s - t).abs() > 1e-9 * t, (s.log() - t.log()) / (s - t), 1 / t)
    return (torch.cat([grad.unsqueeze(-1) * each * total for grad in grad_output[0].chunk(2)]),)


class _Hooked(nn.Module):
    """A copy of the model in float64 whose every nonlinearity is a module; X (N, 4, L) to logits (N, 1).

    A module of each kind suffices: the hooks keep the calls of a pass apart.
    """

    def __init__(self, model: Argminn) -> None:
        from tangermeme.deep_lift_shap import BilinearOp

        super().__init__()
        self.model = model = deepcopy(model).double().eval().requires_grad_(False)
        self.register_buffer("kernels", model.scanner.kernels())
        self.register_buffer("biases", model.scanner.biases())
        self.scale, self.shift = model.scanner.fold(self.kernels)
        self.relu, self.softmax, self.log_sum_exp = nn.ReLU(), nn.Softmax(-1), _LogSumExp()
        self.score, self.pool = BilinearOp(None), BilinearOp("nap,ncp->nac")
        self.both, self.found, self.near = (
            BilinearOp(of) for of in ("np,np->np", "ncp,np->ncp", "ncp,ncp->np")
        )

    def forward(self, X: Tensor) -> Tensor:
        model = self.model
        match = F.conv1d(X, self.kernels, self.biases)
        act = self.relu(match)
        features = torch.cat([act, model.position.expand(len(act), -1, -1)], dim=1)
        token, channels = model.token, len(self.scale)
        # As in `Tokens`: the token map with the batch norm folded in.
        map_ = torch.cat([token.weight[:, :channels] * self.scale, token.weight[:, channels:]], dim=1)
        offset = token.bias + token.weight[:, :channels] @ self.shift
        stream = model.stream.expand(len(X), -1)
        unseen = None
        for layer in model.layers:
            near = None
            if layer.spacing is not None:
                swept = F.conv1d(
                    self.found(act, 1 - unseen), layer.spacing.taps(), padding=layer.spacing.reach
                )
                near = self.near(act, swept)
            added, att = self._read(layer, stream, features, map_, offset, near)
            stream = stream + added
            if model.config.spacing:
                for head in (1 - att).unbind(1):
                    unseen = head if unseen is None else self.both(unseen, head)
        logit = model.readout(model.norm(stream)).squeeze(-1)
        if model.evidence is not None:
            logit = logit + self._evidence(match).sum(1)
        return logit.unsqueeze(1)

    def _read(
        self,
        layer: Layer,
        stream: Tensor,
        features: Tensor,
        map_: Tensor,
        offset: Tensor,
        near: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """What `layer` adds to the stream (N, S), and its attention (N, A, P); see `Layer.forward`."""
        A, H = layer.heads, layer.query.out_features
        q = layer.query(stream).view(-1, A, H // A) / math.sqrt(H // A)
        probe = torch.einsum("nah,ahz->naz", q, layer.key.weight.view(A, H // A, H))
        scores = self.score(probe @ map_, features)
        if near is not None:
            scores = scores + near.unsqueeze(1)
        if layer.null is not None:
            taste = (layer.null - layer.key.bias).view(A, -1)
            nothing = torch.einsum("nah,ah->na", q, taste) + layer.null_bias - probe @ offset
            att = self.softmax(torch.cat([scores, nothing.unsqueeze(-1)], dim=-1))[..., :-1]
        else:
            att = self.softmax(scores)
        mass = att.sum(-1, keepdim=True)
        pooled = self.pool(att, features) @ map_.T + mass * offset
        value = torch.einsum("naz,ahz->nah", pooled, layer.value.weight.view(A, H // A, H))
        value = value + mass * layer.value.bias.view(A, -1)
        return layer.norm_out(layer.mlp(layer.norm_join(layer.join(value.flatten(1))))), att

    def _evidence(self, match: Tensor) -> Tensor:
        """(N, F); see `Evidence`."""
        evidence = self.model.evidence
        offset = torch.linspace(-1, 1, evidence.positions, device=match.device, dtype=match.dtype)
        weight = -evidence.log_centre.exp()[:, None] * offset.square()  # (F, P), a logarithm
        sharpness = evidence.log_sharpness.exp()[:, None]
        exponent = match.unflatten(1, (evidence.strands, -1)) * sharpness + weight
        pooled = self.log_sum_exp(exponent.transpose(1, 2).flatten(2))
        return evidence.gain * (pooled - math.log(evidence.positions * evidence.strands))
