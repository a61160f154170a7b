"""A sentence as questions that attention heads can ask, and who asks which in which layer.

    sentence -> one rule over answers -> the questions it rests on -> layers of heads within the bounds of a model

A head asks whether a motif occurs at an offset that counts. Finders look around a fixed place and write down where they
found it; checkers, one layer later or more, look relative to that; gates combine answers.

"Before" and "at least two" need just the leftmost occurrence. For a bounded gap the sequence is cut into blocks of
`Plan.blocks[motif]` bases with a finder each: if two occurrences of the motif cannot start so close to each other,
every one is tried, and the plan is exact for every sequence. Where heads are short the blocks are longer; then it is
exact for the sequences that it `covers`, and elsewhere a gap may be missed, but is never made up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from argminn_core.distances import Offsets
from argminn_core.errors import ConfigError
from argminn_core.model import BOUNDS, ModelConfig
from argminn_core.sentences import (
    And,
    AtLeastTwo,
    Exists,
    Gap,
    Not,
    Or,
    Sentence,
    atoms,
    check_motifs,
    columns,
    motifs_of,
    occurrences,
    self_overlap,
)

MOST_DIMS, LEAST_DIMS = 32, 8  # of the positional encoding: more tell distances apart better
HEADS_IN_ALL = 62  # what `ModelConfig` allows over all layers


@dataclass(frozen=True)
class Find:
    """Look for a motif at offsets from a fixed place; write the position read, or that there was none."""

    motif: str
    offsets: Offsets
    place: int = 0


@dataclass(frozen=True)
class Check:
    """Is there a motif: anywhere, or at offsets from what a finder found? Nothing found, no answer but no."""

    motif: str
    offsets: Offsets | None = None
    near: Find | None = None


@dataclass(frozen=True)
class Rule:
    """A weighted sum of answers (each +1 or -1) that is >= 1 for yes and <= -1 for no, and never beyond `reach`."""

    terms: tuple[tuple[Check | Gate, float], ...] = ()
    constant: float = -1.0
    reach: float = 1.0

    def __neg__(self) -> Rule:
        return Rule(tuple((task, -weight) for task, weight in self.terms), -self.constant, self.reach)


@dataclass(frozen=True)
class Gate:
    """Answer by a rule of other answers."""

    rule: Rule


Task = Find | Check | Gate


def needs(task: Task) -> list[Task]:
    """The tasks whose results a task reads."""
    match task:
        case Check(near=Find() as found):
            return [found]
        case Gate(rule):
            return [term for term, _ in rule.terms]
    return []


@dataclass(frozen=True)
class Plan:
    """Who asks what in which layer, and how the answers make the logit.

    blocks : of each motif whose occurrences are all tried, how far apart two must start so that none is missed.
    """

    config: ModelConfig
    sites: dict[str, str]
    layers: tuple[tuple[Task, ...], ...]
    rule: Rule
    blocks: dict[str, int]

    @property
    def exact(self) -> bool:
        """Whether the network is right about every sequence: no motif can overlap itself within a block."""
        return all(block <= self_overlap(self.sites[motif]) for motif, block in self.blocks.items())

    def covers(self, codes: np.ndarray) -> np.ndarray:
        """The sequences (N,) of codes (N, L) for which the network is exact; the others hold too dense a motif."""
        covered = np.ones(len(codes), dtype=bool)
        for motif, block in self.blocks.items():
            found = occurrences(codes, self.sites[motif])
            for apart in range(1, min(block, found.shape[1])):
                covered &= ~(found[:, apart:] & found[:, :-apart]).any(1)
        return covered


def plan(sentence: Sentence, motifs: Mapping[str, str], length: int) -> Plan:
    """Which heads a sentence needs, with blocks as short as the bounds of `ModelConfig` allow; errors as `write`."""
    check_motifs(sentence, motifs)
    sites = {name: motifs[name] for name in motifs_of(sentence)}
    size = dict(length=length, filters=len(sites), width=_one_width(sites), strands="single", null_token=True)
    positions = ModelConfig(**size).positions
    blocks: dict[str, int] = {}
    while True:
        rule = _Compiler(sentence, sites, positions, blocks).rule(sentence)
        tasks = _ordered(rule)
        if (layout := _layout(tasks, size)) is not None:
            return Plan(layout[0], sites, layout[1], rule, blocks)
        finders = {motif: -(-positions // block) for motif, block in blocks.items()}
        most = max(finders, key=finders.get, default=None)
        if most is None or finders[most] == 1:
            raise ConfigError(
                "the sentence needs more heads than a model may have",
                found=f"{len(tasks)} questions", expected=f"about {HEADS_IN_ALL} at most",
                mend="Shorten the sentence or the sequences",
            )  # fmt: skip
        blocks[most] = -(-positions // (finders[most] - 1))


def _one_width(sites: Mapping[str, str]) -> int:
    for site in sites.values():
        columns(site)  # reads the letters, or says which is none
    widths = {name: len(site) for name, site in sites.items()}
    if len(set(widths.values())) > 1:
        raise ConfigError(
            "the sites differ in width, and a filter must fit wherever another does",
            found=", ".join(f"{name} {width}" for name, width in widths.items()), expected="one width",
            mend="Lengthen the shorter ones, if need be by N",
        )  # fmt: skip
    return next(iter(widths.values()))


# From sentences to rules over answers.


class _Compiler:
    """Sentences to rules, for sequences with so many positions.

    blocks : of each motif that is tried block by block; one that is missing is entered, as long as it may be without
        missing anything.
    """

    def __init__(
        self, sentence: Sentence, sites: Mapping[str, str], positions: int, blocks: dict[str, int]
    ) -> None:
        self.sites, self.positions, self.blocks = sites, positions, blocks
        self.last = positions - 1
        gaps = [atom for atom in atoms(sentence) if isinstance(atom, Gap)]
        self.said = Counter(motif for gap in gaps for motif in (gap.left, gap.right))

    def rule(self, sentence: Sentence) -> Rule:
        match sentence:
            case Exists(motif):
                return _answer(Check(motif))
            case AtLeastTwo(motif):
                return self.right_of_leftmost(motif, motif, 1)
            case Gap(left, right, low, high):
                width = len(self.sites[left])
                if high is None or high + width >= self.last:
                    return self.right_of_leftmost(left, right, low + width)
                return self.apart(left, right, low + width, high + width)
            case Not(part):
                return -self.rule(part)
            case And(parts):
                return -_any_of([-self.rule(part) for part in parts])
            case Or(parts):
                return _any_of([self.rule(part) for part in parts])
        raise ConfigError("this is no sentence", found=repr(sentence))

    def right_of_leftmost(self, left: str, right: str, low: int) -> Rule:
        """Some `right` starts `low` or more bases after some `left`: then it does so after the leftmost."""
        if low > self.last:
            return Rule()
        leftmost = Find(left, Offsets(0, self.last, 0, self.last, "leftmost"))
        return _answer(Check(right, Offsets(low, self.last, -self.last, self.last), leftmost))

    def apart(self, left: str, right: str, low: int, high: int) -> Rule:
        """Some `right` starts `low` to `high` bases after some `left`: one of the two is tried block by block."""
        if low > self.last or high < -self.last:
            return Rule()
        # The one that can be less dense; if that is no difference, the one whose finders serve other gaps too.
        cost = {motif: (-self_overlap(self.sites[motif]), -self.said[motif]) for motif in (left, right)}
        if cost[right] < cost[left]:
            left, right, low, high = right, left, -high, -low
        block = self.blocks.setdefault(left, self_overlap(self.sites[left]))
        found = Offsets(0, block - 1, -self.last, self.last, "middle")
        counts = Offsets(low, high, -self.last, self.last)
        places = range(0, self.positions, block)
        return _any_of([_answer(Check(right, counts, Find(left, found, place))) for place in places])


def _answer(task: Check | Gate) -> Rule:
    return Rule(((task, 1.0),), 0.0)


def _any_of(rules: list[Rule]) -> Rule:
    """The rule that says yes where one of `rules` does.

    Answers, of reach 1, are added with a weight that outvotes the rest; of the longer rules one stays a sum and
    the others become gates, which costs a layer.
    """
    if len(rules) == 1:
        return rules[0]
    longer = sorted((rule for rule in rules if rule.reach > 1), key=lambda rule: rule.reach)
    total = longer.pop() if longer else Rule()
    answers = [rule for rule in rules if rule.reach == 1] + [_answer(Gate(rule)) for rule in longer]
    weight = (total.reach + 1) / 2
    terms = dict(total.terms)
    for answer in answers:
        for task, sign in answer.terms:
            terms[task] = terms.get(task, 0.0) + weight * sign
    constant = total.constant + weight * sum(1 + answer.constant for answer in answers)
    return Rule(tuple(terms.items()), constant, total.reach + 2 * weight * len(answers))


# From rules to layers.


def _ordered(rule: Rule) -> list[Task]:
    """All tasks that a rule rests on, each once and after those that it needs."""
    tasks: dict[Task, None] = {}

    def add(task: Task) -> None:
        if task not in tasks:
            for needed in needs(task):
                add(needed)
            tasks[task] = None

    for task, _ in rule.terms:
        add(task)
    return list(tasks)


def _schedule(tasks: list[Task], heads: int) -> tuple[tuple[Task, ...], ...]:
    """Tasks into layers of at most `heads`, those first on which the longest chain of others waits."""
    waits: dict[Task, int] = dict.fromkeys(tasks, 0)
    for task in reversed(tasks):
        for needed in needs(task):
            waits[needed] = max(waits[needed], waits[task] + 1)
    layers: list[tuple[Task, ...]] = []
    done: set[Task] = set()
    while len(done) < len(tasks):
        ready = [task for task in tasks if task not in done and done.issuperset(needs(task))]
        layer = tuple(sorted(ready, key=lambda task: -waits[task])[:heads])
        layers.append(layer)
        done |= set(layer)
    return tuple(layers) or ((),)


def _layout(
    tasks: list[Task], size: Mapping[str, object]
) -> tuple[ModelConfig, tuple[tuple[Task, ...], ...]] | None:
    """The layout with the finest positions, of these the one with the fewest heads; None where nothing fits."""
    finders = sum(isinstance(task, Find) for task in tasks)
    best, best_rank = None, None
    for heads in range(1, BOUNDS["heads"][1] + 1):
        layers = _schedule(tasks, heads)
        if len(layers) > BOUNDS["layers"][1] or len(layers) * heads > HEADS_IN_ALL:
            continue
        for dims in range(MOST_DIMS, LEAST_DIMS - 1, -2):
            share = max(2 * (dims + 1), 2 * -(-(size["filters"] + dims) // (2 * heads)))
            stream = 2 * (1 + finders * (dims + 1) + len(tasks) - finders)
            if heads * share <= BOUNDS["hidden"][1] and stream <= BOUNDS["stream"][1]:
                break
        else:
            continue
        rank = (-dims, heads * len(layers), len(layers))
        if best_rank is None or rank < best_rank:
            config = ModelConfig(
                **size, positional=dims, hidden=heads * share, stream=max(stream, BOUNDS["stream"][0]),
                layers=len(layers), heads=heads,
            )  # fmt: skip
            best, best_rank = (config, layers), rank
    return best
