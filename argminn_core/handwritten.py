"""ARGMINN's weights written by hand for a sentence of `sentences`: the constructive side of the paper's Theorem 1.

    sentence -> questions, one a head, in layers -> weights of an ordinary `Argminn`; its logit has the sentence's sign

Nothing is trained and nothing is added to the network. How it reads:

- **Filters** are the sites: an activation is 1 where the site occurs and 0 elsewhere.
- **Scores know distances.** For a position x in the stream the score of position q is a sum of waves `k(q - x)`, with
  the widest margin between the offsets that count and those that do not (`distances`).
- **A head asks one question**: is there an occurrence of this motif at an offset that counts? Its score is
  `k(q - x)` and a large amount where the motif occurs; the null token wins unless an occurrence lies where it
  counts. What it looked at is what it found, so attention is the explanation.
- **Finders** look around a fixed place and write the position that they read into the stream; **checkers** of the
  next layers look relative to it; **gates** look at the first base if a weighted sum of answers is positive.
  Every answer has a place of its own in the stream; the logit is one more such sum.
- **Layer norms do nothing**: whatever is written is written twice, with both signs, and has the same length whatever
  the answer; so the mean is 0 and the variance a constant that the norm's weight takes back.

Whether it is exact for every sequence or only for those without very dense motifs says `questions.Plan`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from argminn_core.distances import Offsets, solve
from argminn_core.model import Argminn, Layer, Scanner
from argminn_core.questions import Check, Find, Gate, Plan, Rule, Task, plan
from argminn_core.sentences import Sentence, columns

SHARPNESS = 30.0  # a head's choice beats every other by so many nats
LOGIT = 4.0  # the smallest |logit|


def write(sentence: Sentence, motifs: Mapping[str, str], length: int) -> Argminn:
    """A network in float32 whose logit is positive where the sentence is true and negative where it is false.

    Parameters
    ----------
    motifs : a site in IUPAC letters for each name, all of one width: every position must fit every filter.
    length : of the sequences that it reads, in bases.

    Raises
    ------
    ConfigError
        The sites differ in width, or the sentence needs more heads, layers or memory than a model may have.
    """
    return build(plan(sentence, motifs, length))


class _Memory:
    """Where in the stream each task writes: a finder D + 1 fields, the last one for "nothing there", others one.

    Field 0 holds a constant 1. Every field is there a second time, negated, half a stream further on.
    """

    def __init__(self, plan: Plan) -> None:
        self.half, self.dims = plan.config.stream // 2, plan.config.positional
        self.fields: dict[Task, slice] = {}
        end = 1
        for task in (task for layer in plan.layers for task in layer):
            self.fields[task] = slice(end, end + self.count(task))
            end += self.count(task)

    def count(self, task: Task) -> int:
        return self.dims + 1 if isinstance(task, Find) else 1

    def reading(self, rule: Rule) -> Tensor:
        """The weights (S,) by which the stream's product is the rule's sum."""
        weight = torch.zeros(2 * self.half)
        weight[0] = rule.constant
        for task, share in rule.terms:
            weight[self.fields[task]] = share
        return weight

    def squared(self, tasks: Iterable[Task]) -> float:
        """The squared length of what `tasks` write, the same whatever they find."""
        return sum(self.dims / 2 if isinstance(task, Find) else 1.0 for task in tasks)


@torch.no_grad()
def build(plan: Plan) -> Argminn:
    """The network of a plan, in evaluation mode."""
    model = Argminn(plan.config).eval()
    for parameter in model.parameters():
        parameter.zero_()
    channels, dims = plan.config.channels, plan.config.positional
    _write_filters(model.scanner, plan.sites)
    model.centre_filters()
    model.token.weight[: channels + dims] = torch.eye(channels + dims)
    memory = _Memory(plan)
    model.stream.zero_()
    model.stream[0], model.stream[memory.half] = 1, -1
    for layer, tasks in zip(model.layers, plan.layers, strict=True):
        for head, task in enumerate(tasks):
            _write_question(_Head(layer, head, channels, dims), task, plan, memory, model.position)
        layer.null_bias[len(tasks) :] = SHARPNESS  # who has no task looks at nothing
        _write_answers(layer, tasks, memory)
    _undo(model.norm, 1 + memory.squared(memory.fields))
    model.norm.weight *= LOGIT
    model.readout.weight[0] = memory.reading(plan.rule)
    return model


def _write_filters(scanner: Scanner, sites: Mapping[str, str]) -> None:
    """Activation 1 where a site occurs, 0 elsewhere: a base that misses costs 4, an N, once centred, at least 1."""
    for f, site in enumerate(sites.values()):
        scanner.weight[f] = torch.from_numpy(4.0 * columns(site))
        scanner.bias[f] = 1.0 - 4.0 * len(site)
    scanner.norm.weight.fill_(math.sqrt(1 + scanner.norm.eps))


class _Head:
    """The rows of one head in a layer: one for the motif, D for the position, one for what speaks for nothing."""

    def __init__(self, layer: Layer, head: int, channels: int, dims: int) -> None:
        share = layer.query.out_features // layer.heads
        first = head * share
        self.layer, self.head = layer, head
        self.motif, self.place, self.veto = first, slice(first + 1, first + 1 + dims), first + 1 + dims
        self.root = math.sqrt(share)  # queries are divided by it
        self.tokens = slice(channels, channels + dims)


def _write_question(head: _Head, task: Task, plan: Plan, memory: _Memory, position: Tensor) -> None:
    """What a head looks for, and when it rather looks at nothing."""
    layer, dims = head.layer, plan.config.positional
    query, key, value = layer.query, layer.key, layer.value
    value.bias[head.motif] = 1  # "I looked somewhere"
    if isinstance(task, Gate):
        offsets = Offsets(0, 0, 0, plan.config.positions - 1)
    else:
        offsets = task.offsets
        key.weight[head.motif, list(plan.sites).index(task.motif)] = 1
    if offsets is None:
        query.bias[head.motif] = head.root * 2 * SHARPNESS
        layer.null_bias[head.head] = SHARPNESS
        return
    kernel = solve(offsets, dims)
    scale = SHARPNESS / kernel.margin
    turn = head.root * scale * torch.from_numpy(kernel.query()).float()
    key.weight[head.place, head.tokens] = torch.eye(dims)
    layer.null[head.veto] = 1
    # No position makes up for a motif that is not there: k spans 2 at most.
    motif = 2 * scale + SHARPNESS
    match task:
        case Find(place=place):
            query.bias[head.place] = turn @ position[:, place]
            value.weight[head.place, head.tokens] = torch.eye(dims)
        case Check(near=near):
            pointer = memory.fields[near]
            query.weight[head.place, pointer.start : pointer.stop - 1] = turn
            query.weight[head.veto, pointer.stop - 1] = head.root * 2 * motif / math.sqrt(dims / 2)
        case Gate(rule):
            motif = 0.0
            query.bias[head.place] = turn @ position[:, 0]
            query.weight[head.veto] = -head.root * 2 * scale * memory.reading(rule)
    query.bias[head.motif] = head.root * motif
    layer.null_bias[head.head] = motif + scale * kernel.threshold


def _write_answers(layer: Layer, tasks: tuple[Task, ...], memory: _Memory) -> None:
    """What the heads read into the stream's fields: +1 or -1, or a position and whether there was none."""
    hidden = layer.join.out_features
    share, half = hidden // layer.heads, hidden // 2
    join, nothing, end = layer.join, math.sqrt(memory.dims / 2), 0
    for head, task in enumerate(tasks):
        looked = head * share
        fields = range(end, end + memory.count(task))
        last = fields[-1]
        if isinstance(task, Find):
            join.weight[end:last, looked + 1 : looked + 1 + memory.dims] = torch.eye(memory.dims)
            join.weight[last, looked], join.bias[last] = -nothing, nothing
        else:
            join.weight[last, looked], join.bias[last] = 2, -1
        # Rectified both ways and put together again, the perceptron hands on what it gets.
        start = memory.fields[task].start
        for field in fields:
            out = start + field - end
            layer.mlp[2].weight[out, [field, half + field]] = torch.tensor([1.0, -1.0])
            layer.mlp[2].weight[memory.half + out, [field, half + field]] = torch.tensor([-1.0, 1.0])
        end = last + 1
    join.weight[half : half + end], join.bias[half : half + end] = -join.weight[:end], -join.bias[:end]
    layer.mlp[0].weight.fill_diagonal_(1)
    for norm in (layer.norm_join, layer.norm_out):
        _undo(norm, memory.squared(tasks))


def _undo(norm: nn.LayerNorm, squared: float) -> None:
    """Make a layer norm hand on vectors of mean 0 whose two halves each have this squared length."""
    norm.weight.fill_(math.sqrt(2 * squared / norm.normalized_shape[0] + norm.eps))
