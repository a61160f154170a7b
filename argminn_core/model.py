"""The network that is its own explanation: motif scanner -> syntax builder -> one logit.

    X (N, 4, L) --conv--> act (N, C, P) --K attention layers that update one memory stream--> logit (N,)

Letters: N sequences, L bases, F filters, W their width, P = L - W + 1 positions, C channels (F, or 2F with tied
strands), D positional dimensions, H hidden size, S stream size, K layers, A heads.

One query per head means that keys and values never need to exist per position:
`q . (Wk z_p) = (Wk^T q) . z_p`, and `sum_p att_p (Wv z_p) = Wv (sum_p att_p z_p)`. The token map and the batch norm
are linear too, so both contract onto the activations themselves. It is the paper's attention (arXiv 2410.06211,
section 3), exactly, at a cost of A * P * (C + D) a layer instead of P * H * H; `tests/test_model.py` proves it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from argminn_core.errors import ConfigError

# Nats below which a term of the evidence counts as this faint. A product of two such terms is still an ordinary
# float32: arithmetic on the smallest ones, the denormals, takes a processor a hundred times as long.
_FAINT = -40.0

# Largest share of activations that are not zero at which it pays to list them, when gradients are asked for and when
# not: an entry of the list costs some ten times as much as one of the full array, but the gradients of the full arrays
# cost more still.
_SPARSE = {True: 0.03, False: 0.01}

# Up to so many channels their products are written out: a matrix product of each frequency copies every matrix in its
# gradients. Of two channels that takes a third of the time, of six nine tenths; of eight it is a half slower.
_FEW = 6

# Most pairs of active positions that are listed for a batch: a few tens of megabytes.
_MOST_PAIRS = 1 << 23

# Most weights that `Spacing` may have in all layers.
_MOST_GAPS = 1 << 23

# What a model may ask for: generous for science, small enough that a hostile file cannot exhaust the memory.
BOUNDS = {
    "length": (20, 20_000), "filters": (1, 512), "width": (3, 64), "positional": (2, 256), "hidden": (4, 512),
    "stream": (4, 1024), "layers": (1, 16), "heads": (1, 16), "spacing": (0, 256),
}  # fmt: skip


@dataclass(frozen=True)
class ModelConfig:
    """Everything that is needed to build the network.

    `strands="both"` scans every filter reverse-complemented too, with the same weights: one motif, one filter, and
    an instance has a strand. `null_token` gives every head one more place to look, which reads nothing, so that a
    head need not point where there is nothing to see. `evidence` adds to the logit one named number per filter,
    its softly pooled matches weighted by their distance from the centre (see `Evidence`). With `spacing` above 0 a
    layer knows how far it is from every motif that was pointed at before to any other motif, up to so many bases
    from start to start (see `Spacing`).
    """

    length: int = 500
    filters: int = 8
    width: int = 10
    strands: Literal["both", "single"] = "both"
    positional: int = 16
    hidden: int = 32
    stream: int = 128
    layers: int = 4
    heads: int = 4
    null_token: bool = False
    evidence: bool = False
    spacing: int = 0

    def __post_init__(self) -> None:
        for name, (low, high) in BOUNDS.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise ConfigError(
                    f"the model's {name} is out of bounds", found=value, expected=f"{low} to {high}"
                )
        for name in ("null_token", "evidence"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"the model's {name} must be true or false", found=getattr(self, name))
        if self.strands not in ("both", "single"):
            raise ConfigError("unknown strands", found=self.strands, expected="both or single")
        if self.width > self.length:
            raise ConfigError(
                "the filters are wider than the sequences", found=f"width {self.width}, length {self.length}"
            )
        if self.hidden % self.heads:
            raise ConfigError(
                "the hidden size cannot be split into the heads",
                found=f"hidden {self.hidden}, heads {self.heads}", expected="a multiple",
            )  # fmt: skip
        if self.spacing and self.layers * self.channels * self.filters * (2 * self.spacing + 1) > _MOST_GAPS:
            raise ConfigError(
                "so many filters cannot know so many distances",
                found=f"filters {self.filters}, spacing {self.spacing}, layers {self.layers}",
                expected=f"at most {_MOST_GAPS:,} weights in all",
            )  # fmt: skip
        if self.layers * self.heads > 62:  # instances keep the heads that looked as bits of one integer
            raise ConfigError("too many heads in all", found=self.layers * self.heads, expected="at most 62")
        if self.positional % 2:
            raise ConfigError("positional must be even: pairs of sine and cosine", found=self.positional)

    @property
    def channels(self) -> int:
        """C: filters times strands. Channel `c` is filter `c % filters`, strand `c // filters`."""
        return self.filters * (2 if self.strands == "both" else 1)

    @property
    def positions(self) -> int:
        """P, the number of places where a filter fits."""
        return self.length - self.width + 1

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


class Output(NamedTuple):
    """What one forward pass says.

    Shapes: logit (N,), act (N, C, P), att (N, K, A, P), evidence (N, F): the part of the logit that each
    filter adds by itself, zeros where the model has no evidence path. With a null token the attention of a head
    sums to less than one: the rest looked at nothing.
    """

    logit: Tensor
    act: Tensor
    att: Tensor
    evidence: Tensor


def sinusoids(positions: int, dims: int, base: float = 1e4) -> Tensor:
    """The sinusoidal position encoding, shape (dims, positions)."""
    # On "meta", where a model has shapes alone, torch takes a second to import what makes ranges and random numbers.
    real = {"dtype": torch.float64, "device": "cpu"}
    rate = base ** (-torch.arange(0, dims, 2, **real) / dims)
    angle = rate[:, None] * torch.arange(positions, **real)[None]
    return torch.stack([angle.sin(), angle.cos()], dim=1).reshape(dims, positions).float()


class Scanner(nn.Module):
    """One convolution with nothing before it, so that a filter is a motif; then a batch norm over the filters.

    The batch norm is returned as `scale, shift` of shape (C,) and not applied: what follows is linear, so it folds.
    Both strands of a filter share one mean and variance, as they share the weights.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.tied = config.strands == "both"
        bound = 1 / math.sqrt(4 * config.width)
        self.weight = nn.Parameter(torch.empty(config.filters, 4, config.width).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(config.filters).uniform_(-bound, bound))
        self.norm = nn.BatchNorm1d(config.filters)

    def kernels(self) -> Tensor:
        """The weights of every channel, (C, 4, W): reversing A, C, G, T complements them."""
        return torch.cat([self.weight, self.weight.flip(1, 2)]) if self.tied else self.weight

    def biases(self) -> Tensor:
        return torch.cat([self.bias, self.bias]) if self.tied else self.bias

    def fold(self, act: Tensor) -> tuple[Tensor, Tensor]:
        """The batch norm as scale and shift (C,), from `act` (N, C, P) in training and its averages otherwise."""
        norm, strands = self.norm, 2 if self.tied else 1
        if self.training:
            n, _, p = act.shape
            var, mean = torch.var_mean(act.view(n, strands, -1, p), dim=(0, 1, 3), correction=0)
            with torch.no_grad():
                count = n * strands * p
                norm.running_mean.lerp_(mean, norm.momentum)
                norm.running_var.lerp_(var * count / max(count - 1, 1), norm.momentum)
                norm.num_batches_tracked += 1
        else:
            mean, var = norm.running_mean, norm.running_var
        scale = norm.weight * torch.rsqrt(var + norm.eps)
        shift = norm.bias - mean * scale
        return scale.repeat(strands), shift.repeat(strands)


class Spacing(nn.Module):
    """What a layer makes of the distance to motifs that were pointed at before: its grammar, in plain numbers.

    `weight[a, s, b, d + reach]` is added to the score of an active motif `b` that starts `d` bases downstream of motif
    `a` (downstream as `a` reads), on its strand (`s` = 0) or the other one (1), times both activations and the
    attention that `a` has had. Keys and values stay the original tokens, so an attention peak is still one position
    and one motif; but "five bases after the site that was found" is one weight, whereas sinusoids must learn it
    for every position and lose it among the 32 numbers of a token.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.reach = config.spacing
        strands = config.channels // config.filters
        self.weight = nn.Parameter(torch.zeros(config.filters, strands, config.filters, 2 * self.reach + 1))

    def kernel(self) -> Tensor:
        """By channels, (C, C, 2 * reach + 1): from the motif found, to the one scored, at each distance.

        On the minus strand everything is mirrored, so that a sequence and its reverse complement read alike.
        """
        if self.weight.shape[1] == 1:
            return self.weight[:, 0]
        same, other = self.weight[:, 0], self.weight[:, 1]
        plus, minus = torch.cat([same, other], 1), torch.cat([other.flip(2), same.flip(2)], 1)
        return torch.cat([plus, minus])

    def taps(self) -> Tensor:
        """The kernel as weights of a convolution over what was found, (C, C, 2 * reach + 1).

        It reads its tap `k` at `p + k - reach`; what was found `d` upstream lies at `p - d`.
        """
        return self.kernel().transpose(0, 1).flip(2)

    @torch.no_grad()
    def turn(self, f: int) -> None:
        """Follow a filter that is turned round: what was the same strand as `f` is the other one, and mirrored."""
        self.weight[f] = self.weight[f].flip(0, 2)  # found: upstream of it becomes downstream
        self.weight[:, :, f] = self.weight[:, :, f].flip(1)  # scored: it lies on the other strand


class Layer(nn.Module):
    """One reading of the tokens by the memory stream: `s <- s + u`."""

    def __init__(self, config: ModelConfig, *, first: bool = False) -> None:
        super().__init__()
        H, S = config.hidden, config.stream
        self.heads = config.heads
        self.query = nn.Linear(S, H)
        self.key = nn.Linear(H, H)
        self.value = nn.Linear(H, H)
        self.join = nn.Linear(H, H)
        self.norm_join = nn.LayerNorm(H)
        self.mlp = nn.Sequential(nn.Linear(H, H), nn.ReLU(), nn.Linear(H, S))
        self.norm_out = nn.LayerNorm(S)
        # The null token: a learned score bias for each head and the query's own taste for nothing.
        self.null = nn.Parameter(torch.zeros(H)) if config.null_token else None
        self.null_bias = nn.Parameter(torch.zeros(config.heads)) if config.null_token else None
        self.spacing = Spacing(config) if config.spacing and not first else None

    def forward(self, stream: Tensor, tokens: Tokens, seen: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Read `tokens` by `stream` (N, S): the new stream and the attention (N, A, P).

        seen : (N, P), how surely each position was pointed at by the layers before.
        """
        A, H = self.heads, self.query.out_features
        q = self.query(stream).view(-1, A, H // A) / math.sqrt(H // A)  # (N, A, h)
        # (Wk_a^T q_a): what this query looks for, in token space
        probe = torch.einsum("nah,ahz->naz", q, self.key.weight.view(A, H // A, H))  # (N, A, H)
        nothing = None
        if self.null is not None:  # scores are up to a constant over positions, which nothing does not share
            constant = tokens.constant(probe) + torch.einsum("nah,ah->na", q, self.key.bias.view(A, -1))
            nothing = torch.einsum("nah,ah->na", q, self.null.view(A, -1)) + self.null_bias - constant
        near = None
        if self.spacing is not None and seen is not None:
            near = tokens.near(seen, self.spacing)  # (N, P)
        att = tokens.attention(probe, nothing, near)  # (N, A, P)
        pooled, mass = tokens.pool(att)  # (N, A, H), (N, A)
        value = torch.einsum("naz,ahz->nah", pooled, self.value.weight.view(A, H // A, H))
        value = value + mass.unsqueeze(-1) * self.value.bias.view(A, -1)
        return stream + self.norm_out(self.mlp(self.norm_join(self.join(value.flatten(1))))), att


def _fast_size(least: int) -> int:
    """The smallest of some sizes, at least `least`, of which Fourier transforms are fast."""
    return min(odd << max(-(-least // odd) - 1, 0).bit_length() for odd in (1, 3, 5, 9))


def _products(found: Tensor, kernel: Tensor) -> Tensor:
    """`sum_c found[n, c, f] * kernel[c, d, f]` of complex found (N, C, f) and kernel (C, D, f): (N, D, f)."""
    if len(kernel) > _FEW:
        return torch.einsum("ncf,cdf->ndf", found, kernel)
    return (found.unsqueeze(2) * kernel).sum(1)


class Active(NamedTuple):
    """The activations (N, C, P) that are not zero, one entry each, sequence by sequence.

    row, channel, place: int64 (E,); value: (E,); shape: N, C, P.
    """

    row: Tensor
    channel: Tensor
    place: Tensor
    value: Tensor
    shape: tuple[int, int, int]

    @property
    def pays(self) -> bool:
        """Whether so few are active that the list is the quicker way."""
        return len(self.value) <= _SPARSE[torch.is_grad_enabled()] * math.prod(self.shape)

    @classmethod
    def of(cls, act: Tensor) -> Active:
        N, C, P = act.shape
        flat = act.reshape(-1)
        entry = flat.nonzero().squeeze(1)
        line = entry.div(P, rounding_mode="floor")
        row = line.div(C, rounding_mode="floor")
        return cls(row, line - row * C, entry - line * P, flat[entry], (N, C, P))


class Tokens:
    """`z[n, p] = token map of [batch norm(act[n, :, p]); position(p)]`, never written out.

    Scores and pooled tokens are computed from the activations and the positions' encoding. A trained scanner is
    silent nearly everywhere (half a percent of the activations are not zero), so the activations may come as a list
    of those that are not zero: `Active`.
    """

    def __init__(
        self,
        act: Tensor | Active,
        position: Tensor,
        scale: Tensor,
        shift: Tensor,
        linear: nn.Linear,
        heads: int,
    ) -> None:
        channels = len(scale)
        # (H, C + D): the token map with the batch norm folded in
        self.map = torch.cat([linear.weight[:, :channels] * scale, linear.weight[:, channels:]], dim=1)
        self.offset = linear.bias + linear.weight[:, :channels] @ shift  # (H,)
        self.position, self.active, self.channels = position, None, channels
        self._pairs: dict[int, tuple[Tensor, Tensor, Tensor, Tensor] | None] = {}
        if isinstance(act, Active):
            self.active, self.rows = act, act.shape[0]
            # Of every active entry, its sequence and head as one number, (A, E).
            self._line = act.row * heads + torch.arange(heads, device=act.row.device)[:, None]
        else:
            self.act, self.rows = act, len(act)

    def near(self, seen: Tensor, spacing: Spacing) -> Tensor:
        """What `spacing` adds to the score of each position, (N, P), when `seen` (N, P) was pointed at before."""
        kernel, reach = spacing.kernel(), spacing.reach
        if self.active is not None and (pairs := self._pairs_within(reach)) is not None:
            found, scored, entry, product = pairs
            active = self.active
            weight = kernel.reshape(-1)[entry] * product * seen[active.row[found], active.place[found]]
            N, P = seen.shape
            where = active.row[scored] * P + active.place[scored]
            return seen.new_zeros(N * P).index_add(0, where, weight).view(N, P)
        act = self.dense()
        # By Fourier transform: of 24 channels a convolution as wide as the reach takes ten times as long.
        # What is longer than P + reach wraps round into the first `reach` places, which are cut off.
        P, size = act.shape[2], _fast_size(act.shape[2] + reach)
        swept = _products(torch.fft.rfft(act * seen.unsqueeze(1), size), torch.fft.rfft(kernel, size))
        return (act * torch.fft.irfft(swept, size)[..., reach : reach + P]).sum(1)

    def dense(self) -> Tensor:
        """The activations (N, C, P) written out."""
        if self.active is None:
            return self.act
        N, C, P = self.active.shape
        flat = self.active.value.new_zeros(N * C * P)
        line = (self.active.row * C + self.active.channel) * P + self.active.place
        return flat.index_put((line,), self.active.value).view(N, C, P)

    def _pairs_within(self, reach: int) -> tuple[Tensor, Tensor, Tensor, Tensor] | None:
        """Pairs of active entries of one sequence at most `reach` apart: both, their place in a kernel, their product.

        None where some sequence has so many that a convolution is the better way.
        """
        if reach not in self._pairs:
            active = self.active
            N, C, _ = active.shape
            count = torch.bincount(active.row, minlength=N)
            most = int(count.max()) if len(count) else 0
            if N * most * most > _MOST_PAIRS:
                self._pairs[reach] = None
                return None
            order = active.row.argsort(stable=True)
            row = active.row[order]
            slot = torch.arange(len(row), device=row.device) - (count.cumsum(0) - count)[row]
            place = torch.full((N, most), -10 * reach - 10 * active.shape[2], device=row.device)
            place[row, slot] = active.place[order]
            entry = torch.zeros_like(place)
            entry[row, slot] = order
            away = place[:, None, :] - place[:, :, None]  # of the scored one (last) from the found one
            real = torch.zeros_like(place, dtype=torch.bool)
            real[row, slot] = True
            near = (away.abs() <= reach) & real[:, None, :] & real[:, :, None]
            n, i, j = near.nonzero(as_tuple=True)
            found, scored = entry[n, i], entry[n, j]
            at = (
                (active.channel[found] * C + active.channel[scored]) * (2 * reach + 1) + away[n, i, j] + reach
            )
            self._pairs[reach] = found, scored, at, active.value[found] * active.value[scored]
        return self._pairs[reach]

    def attention(self, probe: Tensor, nothing: Tensor | None, near: Tensor | None = None) -> Tensor:
        """Softmax over positions of probe (N or 1, A, H) . z: (N, A, P).

        Scores leave out what is the same for all positions. `nothing` (N or 1, A) is the score of one more place to
        look, which takes its share and is left out of the result. `near` (N, P) is added to the scores of all heads.
        """
        probe = (probe @ self.map).expand(self.rows, -1, -1)  # (N, A, C + D)
        C = self.channels
        score = probe[..., C:] @ self.position
        if self.active is None:
            score = torch.baddbmm(score, probe[..., :C], self.act)
        else:
            P = self.active.shape[2]
            line = self._line
            # What the activations add: one number a head for each that is not zero.
            added = probe[..., :C].reshape(-1)[line * C + self.active.channel] * self.active.value
            score.view(-1).index_add_(0, (line * P + self.active.place).view(-1), added.view(-1))
        if near is not None:
            score = score + near.unsqueeze(1)
        if nothing is None:
            return score.softmax(-1)
        nothing = nothing.expand(self.rows, -1).unsqueeze(-1)
        return torch.cat([score, nothing], dim=-1).softmax(-1)[..., :-1]

    def constant(self, probe: Tensor) -> Tensor:
        """The part of probe . z that does not depend on the position, (N, A)."""
        return probe @ self.offset

    def pool(self, att: Tensor) -> tuple[Tensor, Tensor]:
        """`sum_p att_p z_p` (N, A, H) and `sum_p att_p` (N, A)."""
        mass = att.sum(-1)
        if self.active is None:
            of_channels = torch.bmm(att, self.act.transpose(1, 2))
        else:
            N, C, _ = self.active.shape
            A = att.shape[1]
            seen = att[self.active.row, :, self.active.place].T * self.active.value  # (A, E)
            of_channels = att.new_zeros(N, A, C)
            of_channels.view(-1).index_add_(
                0, (self._line * C + self.active.channel).view(-1), seen.reshape(-1)
            )
        pooled = torch.cat([of_channels, att @ self.position.T], dim=2)
        return pooled @ self.map.T + mass.unsqueeze(-1) * self.offset, mass


class Evidence(nn.Module):
    """Plain additive evidence: for every filter one number, softly pooled over positions and strands.

    `e_f = gain_f * log sum_p exp(sharpness_f * match_f[p] - centre_f * ((p - middle) / half)^2)`, `match` before
    the rectifier, `centre_f` how strictly the filter's matches must lie in the middle. Pointers find
    grammar; many weak matches that merely add up are what they find hard. Every term is one filter's, so the logit
    still splits into parts with names.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.filters, self.positions = config.filters, config.positions
        self.strands = config.channels // config.filters
        self.gain = nn.Parameter(torch.zeros(config.filters))
        self.log_sharpness = nn.Parameter(torch.zeros(config.filters))
        self.log_centre = nn.Parameter(torch.zeros(config.filters))

    def forward(self, match: Tensor) -> Tensor:
        """Match (N, C, P) before the rectifier to evidence (N, F)."""
        # A log-sum-exp with the centre weight outside of the exponent: half the passes over (N, C, P). The largest
        # match is taken out first, so that nothing overflows; the log-sum-exp does not depend on it.
        best = match.detach().amax(2, keepdim=True)
        return self.pool((self.likelihoods(match, best) * self.weights()).sum(2), best)

    def likelihoods(self, match: Tensor, best: Tensor) -> Tensor:
        """`exp(sharpness * (match - best))`, (N, C, P) for best (N, C, 1). Without gradients `match` is spent."""
        sharpness = self.sharpness()[:, None]
        if torch.is_grad_enabled():
            return ((match - best) * sharpness).clamp_min(_FAINT).exp()
        return match.sub_(best).mul_(sharpness).clamp_(min=_FAINT).exp_()  # no new array of that size

    def sharpness(self) -> Tensor:
        """How much more a better match counts, (C,)."""
        return self.log_sharpness.exp().repeat(self.strands)

    def weights(self) -> Tensor:
        """How much a match of each channel counts at each position, (C, P)."""
        offset = torch.linspace(
            -1, 1, self.positions, device=self.gain.device, dtype=self.gain.dtype
        ).square()
        weight = (-self.log_centre.exp()[:, None] * offset).clamp_min(_FAINT).exp()
        return weight.repeat(self.strands, 1)

    def pool(self, summed: Tensor, best: Tensor) -> Tensor:
        """Weighted sums of likelihoods (N, C), taken relative to best (N, C, 1), to evidence (N, F)."""
        pooled = summed.clamp_min(1e-30).log() + best.squeeze(2) * self.sharpness()
        pooled = pooled.view(len(summed), self.strands, self.filters).logsumexp(1)
        return self.gain * (pooled - math.log(self.positions * self.strands))


class Argminn(nn.Module):
    """The whole network; `model(X)` returns an `Output`. No hooks, no second forward pass."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.scanner = Scanner(config)
        self.token = nn.Linear(config.channels + config.positional, config.hidden)
        self.layers = nn.ModuleList(Layer(config, first=k == 0) for k in range(config.layers))
        self.norm = nn.LayerNorm(config.stream)
        self.readout = nn.Linear(config.stream, 1)
        self.evidence = Evidence(config) if config.evidence else None
        # s_0: fixed, saved, never trained; on the CPU, as `sinusoids` are, for the same reason.
        self.register_buffer("stream", torch.randn(config.stream, device="cpu"))
        self.register_buffer("position", sinusoids(config.positions, config.positional), persistent=False)

    def forward(self, X: Tensor) -> Output:
        """One-hot X (N, 4, L) to an `Output`; L is the configuration's length."""
        if X.ndim != 3 or X.shape[1:] != (4, self.config.length):
            raise ConfigError(
                "the model cannot read this array",
                found=f"shape {tuple(X.shape)}", expected=f"(N, 4, {self.config.length}), channels A, C, G, T",
            )  # fmt: skip
        return self.read(F.conv1d(X, self.scanner.kernels(), self.scanner.biases()))

    def read(self, match: Tensor) -> Output:
        """Everything behind the convolution, from its raw `match` (N, C, P)."""
        act = match.relu()
        logit, attention = self.attend(act, *self.scanner.fold(act))
        att = torch.stack(attention, 1)
        if self.evidence is None:
            return Output(logit, act, att, act.new_zeros(len(act), self.config.filters))
        evidence = self.evidence(match)
        return Output(logit + evidence.sum(1), act, att, evidence)

    def attend(self, act: Tensor | Active, scale: Tensor, shift: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The syntax builder on the activations with the folded batch norm: logit (N,), attention (N, A, P) K times."""
        streams, attention = zip(*self.walk(act, scale, shift), strict=True)
        return self.readout(self.norm(streams[-1])).squeeze(-1), list(attention)

    def walk(self, act: Tensor | Active, scale: Tensor, shift: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Layer by layer: the stream (N, S) after it and where it looked (N, A, P)."""
        if isinstance(act, Tensor) and (active := Active.of(act)).pays:
            act = active
        tokens = Tokens(act, self.position, scale, shift, self.token, self.config.heads)
        stream = self.stream.expand(1, -1)  # the first query is the same for every sequence
        unseen = None
        for layer in self.layers:
            stream, att = layer(stream, tokens, None if unseen is None else 1 - unseen)
            yield stream, att
            if self.config.spacing:
                left = (1 - att).prod(1)  # the share of a position at which no head has looked
                unseen = left if unseen is None else unseen * left

    @torch.no_grad()
    def flip_filter(self, f: int) -> None:
        """Turn filter `f` round, so that its plus strand becomes its minus strand; no output changes but the
        order of two channels. Only with tied strands.
        """
        if self.config.strands != "both":
            raise ConfigError("only filters that read both strands can be turned round")
        self.scanner.weight[f] = self.scanner.weight[f].flip(0, 1)
        pair = [f, f + self.config.filters]
        self.token.weight[:, pair] = self.token.weight[:, pair[::-1]]
        for layer in self.layers:
            if layer.spacing is not None:
                layer.spacing.turn(f)

    @torch.no_grad()
    def centre_filters(self) -> None:
        """Make every filter column sum to zero, moving its mean into the bias.

        For A, C, G and T this changes nothing. An N, four zeros, then reads as an average base instead of as
        something that no sequence contains; contributions rely on it.
        """
        mean = self.scanner.weight.mean(1, keepdim=True)
        self.scanner.weight -= mean
        self.scanner.bias += mean.sum((1, 2))
