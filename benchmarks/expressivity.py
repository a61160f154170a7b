"""Theorem 1 both ways: sentences about motifs, written into ARGMINN's weights by hand, and learned from examples.

`--construct` writes the weights for every sentence (`argminn_core.handwritten`) and compares the sign of the logit with
the truth on 10,000 near misses and 10,000 plain random sequences with motifs in them; exit status 1 if one differs.

`--train` learns the same sentences: recipe `grammar`, the CNN and ExplaiNN (`baselines.py`) on the very same draws, a
JSON line a run in `runs/expressivity.jsonl`, which begins as a copy of `benchmarks/results/expressivity.jsonl`, the
runs that are in the repository. Held-out sequences are pairs, one for which the sentence is true and a near miss for
which it is false, both with as many occurrences of each motif: order and spacing alone decide.

The order of two motifs is no hard test: it compares where the leftmost A lies with where the rightmost B does, and
ExplaiNN, a sum over motifs that knows positions, can do that. Which of two motifs comes first at a bounded distance,
where either may stand elsewhere too (`oriented`), whether two orders agree (`orders-agree`) and bounded gaps
(`spacing`, `window`) are no such sums; `tests/benchmarks/test_expressivity.py` says how far sums get. They get less far
in longer sequences (`--length 200`), and no filter reaches from site to site in `spacing-far`.

    python benchmarks/expressivity.py --construct
    python benchmarks/expressivity.py --train --only 'order,' --only 'spacing,' --seeds 0 --minutes 9
    python benchmarks/expressivity.py --table
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import trainings  # noqa: E402
from records import head, read_lines, row, spread  # noqa: E402
from trainings import Scale, Task  # noqa: E402

from argminn_core.errors import ConfigError  # noqa: E402
from argminn_core.handwritten import build  # noqa: E402
from argminn_core.predict import predict  # noqa: E402
from argminn_core.questions import plan  # noqa: E402
from argminn_core.recipe import Recipe, recipe  # noqa: E402
from argminn_core.sentences import (  # noqa: E402
    AtLeastTwo,
    Exists,
    Gap,
    Sentence,
    atoms,
    before,
    columns,
    exactly,
    holds,
    motifs_of,
    near_misses,
    occurrences,
    within,
)
from argminn_core.sources import Source, digest  # noqa: E402

LENGTH = 100  # bp
# Two that cannot overlap themselves, one with letters for several bases, one that can start again after three bases.
MOTIFS = {"A": "TGACTCAG", "B": "CCGGAAGT", "C": "CANNTGWC", "D": "CATCATCA"}
# At the gap of `spacing` no filter of ExplaiNN, 19 bp, sees a base of both sites where they should be. At a gap of 12
# it sees 7 of them, and those alone gave it an auROC of .996.
SENTENCES: dict[str, Sentence] = {
    "exists": Exists("A"),
    "absent": ~Exists("C"),
    "two": AtLeastTwo("A"),
    "two-dense": AtLeastTwo("D"),
    "order": before("A", "B"),
    "order-of-one": before("A", "A"),
    "orders": before("A", "B") & before("C", "D"),
    "in-order": before("A", "B") & before("B", "C"),
    "orders-agree": (before("A", "B") & before("C", "D")) | (~before("A", "B") & ~before("C", "D")),
    "spacing": exactly("A", 20, "B"),
    "spacing-far": exactly("A", 35, "B"),
    "touching": exactly("A", 0, "B"),
    "overlapping": exactly("D", -2, "C"),
    "window": within("A", 20, 30, "B"),
    "oriented": within("A", 20, 30, "B") & ~within("B", 20, 30, "A"),
    "no-window": ~within("A", 20, 30, "B"),
    "far": Gap("A", "B", 50),
    "and": before("A", "B") & ~Exists("C"),
    "or": exactly("A", 20, "B") | AtLeastTwo("C"),
    "chain": exactly("A", 20, "B") & exactly("B", 15, "C"),
    "nested": (exactly("A", 20, "B") & ~Exists("C")) | (before("C", "A") & ~(AtLeastTwo("B") | Exists("D"))),
    "dense": exactly("D", 10, "D"),
}
ROUNDS = 200  # of drawing near misses until there are enough of a kind
METHODS = {"ours": "ours", "cnn": "CNN", "explainn": "ExplaiNN"}


def planted(sentence: Sentence, n: int, length: int, rng: np.random.Generator) -> np.ndarray:
    """Plain random codes (n, length) with the motifs of a sentence anywhere: each in 60% not at all, in 24% once."""
    codes = rng.integers(0, 4, (n, length), dtype=np.uint8)
    for name in motifs_of(sentence):
        allowed = columns(MOTIFS[name])
        width = allowed.shape[1]
        rows = np.repeat(np.arange(n), rng.geometric(0.6, n) - 1)
        starts = rng.integers(0, length - width + 1, len(rows))
        site = (rng.random((len(rows), *allowed.shape)) * allowed).argmax(1)
        for at, start, letters in zip(rows, starts, site, strict=True):
            codes[at, start : start + width] = letters
    return codes


# By construction.


def construct(names: Sequence[str], n: int, length: int, seed: int) -> tuple[str, int]:
    """Markdown, a row a sentence, and the number of errors where a plan says that it is exact."""
    lines = head(
        [
            "sentence", "layers x heads", "exact for", "sequences", "true: near misses / plain", "errors",
            "smallest \\|logit\\|",
        ]
    )  # fmt: skip
    wrong = 0
    for place, name in enumerate(names):
        sentence, rng = SENTENCES[name], np.random.default_rng([seed, place])
        made = plan(sentence, MOTIFS, length)
        codes = np.concatenate([
            near_misses(sentence, MOTIFS, n, length, rng), planted(sentence, n, length, rng)
        ])  # fmt: skip
        truth, logit, covered = (
            holds(sentence, codes, MOTIFS),
            predict(build(made), codes),
            made.covers(codes),
        )
        error = (logit > 0) != truth
        wrong += (error & covered).sum()
        share = f"{truth[:n].mean():.1%} / {truth[n:].mean():.1%}"
        errors = f"{(error & covered).sum()}" + (
            f", and {(error & ~covered).sum()} beyond" if error.any() else ""
        )
        lines.append(
            row([
                f"{name}: {sentence}", f"{made.config.layers} x {made.config.heads}",
                "all" if made.exact else f"{covered.mean():.1%}", len(codes), share, errors,
                f"{np.abs(logit).min():.2f}",
            ])
        )  # fmt: skip
    return "\n".join(lines) + "\n", int(wrong)


# By training.


def profile(sentence: Sentence, codes: np.ndarray) -> np.ndarray:
    """What the two sequences of a pair have in common, codes (N, L) to (N, motifs).

    The number of occurrences of every motif that has a place in the sentence; of one that is merely counted, whether
    it occurs at all; nothing of one whose presence alone is asked for, since that is the sentence.
    """
    most: dict[str, int] = {}
    for atom in atoms(sentence):
        if isinstance(atom, AtLeastTwo) or (isinstance(atom, Gap) and atom == before(atom.left, atom.left)):
            most.setdefault(motifs_of(atom)[0], 1)  # one before itself is a way of counting to two
        elif isinstance(atom, Gap):
            most |= dict.fromkeys((atom.left, atom.right), codes.shape[1])
    counts = [np.minimum(occurrences(codes, MOTIFS[name]).sum(1), upto) for name, upto in most.items()]
    return np.stack(counts, 1) if counts else np.zeros((len(codes), 0), dtype=np.int64)


def pairs(sentence: Sentence, n: int, length: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Near misses in pairs of one profile: codes for which the sentence is true, and false, (n, length) each."""
    true: list[np.ndarray] = []
    false: list[np.ndarray] = []
    for _ in range(ROUNDS):
        codes = near_misses(sentence, MOTIFS, max(2 * n, 100), length, rng)
        truth = holds(sentence, codes, MOTIFS)
        _, group = np.unique(profile(sentence, codes), axis=0, return_inverse=True)
        for of in range(group.max() + 1):
            yes, no = (np.flatnonzero((group == of) & (truth == says)) for says in (True, False))
            both = min(len(yes), len(no))
            true.append(codes[yes[:both]])
            false.append(codes[no[:both]])
        if sum(map(len, true)) >= n:
            chosen = rng.permutation(sum(map(len, true)))[:n]
            return np.concatenate(true)[chosen], np.concatenate(false)[chosen]
    raise ConfigError("near misses of one profile are too rare for pairs", found=str(sentence))


def _all_of(make: Any, says: bool, sentence: Sentence, n: int, length: int) -> np.ndarray:
    """The first `n` codes of what `make(number)` gives for which the sentence is `says`."""
    found = [np.zeros((0, length), dtype=np.uint8)]
    for _ in range(ROUNDS):
        codes = make(max(n, 100))
        found.append(codes[holds(sentence, codes, MOTIFS) == says])
        if sum(map(len, found)) >= n:
            return np.concatenate(found)[:n]
    raise ConfigError(f"the sentence is hardly ever {str(says).lower()}", found=str(sentence))


class SentenceSource:
    """Fresh examples of a sentence in every epoch, true and false by halves, on the strand that they are read on.

    Held-out sets are pairs alone. Of what is trained on half are pairs; the others are true near misses, and plain
    sequences for which the sentence is false: pairs tell nothing to a network that does not know the motifs yet.
    """

    def __init__(self, sentence: Sentence, *, length: int, seed: int = 0, held_out: int = 2_000) -> None:
        self.sentence, self.length = sentence, length
        self.valid, self.test = (
            self._labelled(*pairs(sentence, held_out // 2, length, rng), rng)
            for rng in (np.random.default_rng([seed, 1 << part]) for part in (40, 41))
        )
        self._training = self.draw(np.random.default_rng([seed, 1 << 42]), held_out)

    def _labelled(
        self, true: np.ndarray, false: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        order = rng.permutation(len(true) + len(false))
        y = np.repeat([1, 0], [len(true), len(false)])
        return np.concatenate([true, false])[order], y[order]

    def draw(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        quarter = n // 4
        true, false = pairs(self.sentence, quarter, self.length, rng)
        more = _all_of(
            lambda number: near_misses(self.sentence, MOTIFS, number, self.length, rng),
            True, self.sentence, n // 2 - quarter, self.length,
        )  # fmt: skip
        plain = _all_of(
            lambda number: planted(self.sentence, number, self.length, rng),
            False, self.sentence, n - n // 2 - quarter, self.length,
        )  # fmt: skip
        return self._labelled(np.concatenate([true, more]), np.concatenate([false, plain]), rng)

    def training(self) -> tuple[np.ndarray, np.ndarray]:
        return self._training

    def describe(self) -> dict[str, Any]:
        return {"kind": "sentence", "sentence": str(self.sentence), "held_out": digest(*self.valid)}


@dataclass(frozen=True)
class Examples:
    """A sentence as a data set of `trainings`."""

    name: str
    length: int = LENGTH
    shelf = "expressivity"
    split = "held-out sequences"

    @property
    def slug(self) -> str:
        return self.name if self.length == LENGTH else f"{self.name}-{self.length}"

    def source(self, seed: int) -> Source:
        return SentenceSource(SENTENCES[self.name], length=self.length, seed=seed)

    def has(self, method: str) -> bool:
        return method in METHODS

    def recipe(self, method: str, seed: int, scale: Scale) -> Recipe:
        """The recipe `grammar` as it is: a null token, since a motif may be absent, and filters that start from words.

        Both strands are scanned, as the words may lie on either: which one a match is on, its channel says.
        """
        train = {"epochs": scale.epochs, "batches": scale.batches, "seed": seed}
        return recipe("grammar", model={"length": self.length}, train=train)

    def made_of(self) -> dict[str, Any]:
        return {"sentence": str(SENTENCES[self.name]), "motifs": MOTIFS}

    def untrained(self, method: str, source: Source) -> dict[str, Any]:
        raise ConfigError("every method here is trained", found=method, expected=", ".join(METHODS))


def table(records: Sequence[dict[str, Any]], tasks: Sequence[Task]) -> str:
    """Markdown: auROC on held-out pairs, mean and range of all seeds, a row a sentence; and what it cost."""
    runs, asked = trainings.finished_runs(records, tasks)
    methods = [method for method in METHODS if any(of == method for _, of in asked)]
    lines = ["## auROC on held-out pairs, mean (lowest–highest) of all seeds", ""]
    lines += head(["sentence", *(METHODS[method] for method in methods)])
    for name in dict.fromkeys(name for name, _ in asked):
        cells = [
            spread([r["auroc"] for r in runs.get((name, m), [])], asked.get((name, m), 0)) for m in methods
        ]
        lines.append(row([f"{name}: {SENTENCES[name]}", *cells]))
    lines += ["", "## Cost of a training, without its readouts", "", *trainings.cost(runs, METHODS)]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Construct, train or print; 1 when something failed, 2 when the options name nothing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    trainings.add_choices(parser, ROOT / "runs" / "expressivity.jsonl")
    trainings.add_limits(parser)
    parser.add_argument("--construct", action="store_true", help="write weights by hand and check them")
    parser.add_argument("--train", action="store_true", help="train what is not finished yet")
    parser.add_argument(
        "--length", type=int, default=LENGTH, help="of the sequences, in bp (default %(default)s)"
    )
    parser.add_argument(
        "--sequences", type=int, default=10_000, help="near misses, and as many plain ones, for --construct"
    )
    options = parser.parse_args()
    trainings.start_log()
    trainings.start_results(options.results)
    if not (options.construct or options.train or options.table):
        parser.error("say --construct, --train or --table")
    examples = [Examples(name, options.length) for name in SENTENCES]
    tasks = trainings.tasks_of(options, examples, METHODS, **trainings.limits_of(options))
    if not tasks:
        return trainings.no_run(options, examples, METHODS)
    failed = 0
    if options.construct:
        names = list(dict.fromkeys(task.dataset.name for task in tasks))
        text, failed = construct(names, options.sequences, options.length, tasks[0].seed)
        sys.stdout.write(text)
    if options.train:
        failed += not trainings.work_through(tasks, options.jobs)
    if options.table:
        sys.stdout.write(table(read_lines(options.results), tasks))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
