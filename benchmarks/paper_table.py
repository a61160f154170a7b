"""The paper's table, side by side on the same sequences: `python benchmarks/paper_table.py`, then `--table`.

Runs every (data set, method, seed) that is not finished yet and appends a JSON line for each to
`runs/paper_table.jsonl`, which begins as a copy of `benchmarks/results/paper_table.jsonl`, the runs that are in the
repository; a run that was stopped goes on where it was. Methods: `ours` (recipe `grammar`, or `peaks` on
real sets), `unpruned` (`peaks` with all of its filters), `paper` (recipe `paper`), `cnn` and `explainn`
(`baselines.py`), all on the same draws for the same number of epochs; `oracle`, the ceiling of a grammar; `pwm`, the
best hit of one JASPAR matrix on real sets.

    python benchmarks/paper_table.py --only 'REST,cnn' --only '*HepG2*,' --jobs 4 --device cuda --minutes 9
    python benchmarks/paper_table.py --epochs 2 --batches 10      # a smoke test, kept apart from the full runs
    python benchmarks/paper_table.py --table
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import chipseq  # noqa: E402
import trainings  # noqa: E402
from published import PUBLISHED  # noqa: E402
from records import head, read_lines, row, spread, three  # noqa: E402
from trainings import METRICS, Scale, Task  # noqa: E402

from argminn_core.grammars import GRAMMARS  # noqa: E402
from argminn_core.oracle import oracle_scores  # noqa: E402
from argminn_core.predict import metrics  # noqa: E402
from argminn_core.recipe import Recipe, recipe  # noqa: E402
from argminn_core.sources import GrammarSource, Source  # noqa: E402

# In the order in which they run, the quick ones first; the heads of the table's columns.
METHODS = {
    "oracle": "oracle", "pwm": "best PWM hit", "ours": "ours", "unpruned": "ours, all filters",
    "paper": "recipe `paper`", "cnn": "CNN", "explainn": "ExplaiNN",
}  # fmt: skip
LENGTH = 500  # bp of a simulated sequence and of most real ones
RESULTS = ROOT / "runs" / "paper_table.jsonl"


@dataclass(frozen=True)
class Dataset:
    """What to train on: a grammar with fresh sequences in every epoch, or a fixed real set."""

    name: str
    length: int
    shelf = "paper"

    @property
    def simulated(self) -> bool:
        return self.name in GRAMMARS

    @property
    def slug(self) -> str:
        return self.name.lower().replace("/", "-")

    @property
    def split(self) -> str:
        return "held-out sequences" if self.simulated else "as the files say"

    @property
    def factor(self) -> str:
        """The transcription factor of a real set."""
        return self.name.removeprefix("101bp/").split("_")[0]

    def source(self, seed: int) -> Source:
        """Grammars hold out other sequences for every seed; a real set is the same for all."""
        if self.simulated:
            return GrammarSource(GRAMMARS[self.name], length=self.length, seed=seed)
        return chipseq.available()[self.name][1]()

    def has(self, method: str) -> bool:
        real = {"oracle": False, "pwm": True, "unpruned": True}
        return method not in real or real[method] != self.simulated

    def recipe(self, method: str, seed: int, scale: Scale) -> Recipe:
        """The settings of `ours`, `unpruned` or `paper`; all train for as many epochs of as many batches as ours."""
        ours = recipe(
            "grammar" if self.simulated else "peaks",
            model={"length": self.length},
            train={"epochs": scale.epochs, "batches": scale.batches, "seed": seed},
            prune=0.0 if method == "unpruned" else None,
        )
        if method != "paper":
            return ours
        # The paper's own sizes: 8 filters of 10 bp, 15 bp for SPI1/CTCF; 20 filters of 15 bp on experiments.
        wide = {"width": 15 if self.name == "SPI1/CTCF" else None}
        sizes = wide if self.simulated else {"filters": 20, "width": 15}
        like_ours = {key: getattr(ours.train, key) for key in ("epochs", "batches", "batch_size", "seed")}
        return recipe("paper", model={"length": self.length, **sizes}, train=like_ours)

    def made_of(self) -> dict[str, Any]:
        return {"grammar": GRAMMARS[self.name].to_dict()} if self.simulated else {}

    def untrained(self, method: str, source: Source) -> dict[str, Any]:
        """The oracle of a grammar, or the best hit of a matrix."""
        extra = {}
        if method == "oracle":
            rate = partial(oracle_scores, GRAMMARS[self.name])
        else:
            motif = chipseq.best_pwm(self.factor, source)
            rate, extra = partial(chipseq.best_hits, motif=motif), {"matrix": motif.name}
        parts = {"valid": source.valid, "test": source.test}
        scores = {part: metrics(y, rate(codes)) for part, (codes, y) in parts.items()}
        if method == "pwm":  # a best hit has no threshold of its own, so no accuracy
            scores = {part: of | {"accuracy": None} for part, of in scores.items()}
        return {"scores": scores, "device": "cpu", **extra}


def datasets(recorded: Iterable[str] = ()) -> dict[str, Dataset]:
    """The grammars, the real sets that are here, and those of `recorded`: a table needs no data to be printed."""
    real = {name: length for name, (length, _) in chipseq.available().items()}
    known = dict.fromkeys(GRAMMARS, LENGTH) | real
    for name in recorded:
        known.setdefault(name, 101 if name.startswith("101bp/") else LENGTH)
    return {name: Dataset(name, length) for name, length in known.items()}


def table(records: Sequence[dict[str, Any]], tasks: Sequence[Task]) -> str:
    """Markdown: for each metric a row a data set, mean and range of all seeds, the paper's numbers beside them."""
    runs, asked = trainings.finished_runs(records, tasks)
    names = list(dict.fromkeys(name for name, _ in asked))
    methods = [method for method in METHODS if any(of == method for _, of in asked)]
    beside = ("ours", "cnn", "explainn")
    lines = []
    for place, (metric, title) in enumerate(METRICS.items()):
        lines += [f"## {title} on the test part, mean (lowest–highest) of all seeds", ""]
        lines += head(["data", *(METHODS[m] for m in methods), "published: ARGMINN / CNN / ExplaiNN"])
        for name in names:
            found = {
                m: [r[metric] for r in runs.get((name, m), []) if r[metric] is not None] for m in methods
            }
            known = PUBLISHED.get(name)
            paper = " / ".join(three(known[m][place]) for m in beside) if known else "–"
            lines.append(row([name, *(spread(v, asked.get((name, m), 0)) for m, v in found.items()), paper]))
        lines.append("")
    lines += ["## Cost of a training, without its start from JASPAR and its readouts", ""]
    return "\n".join(lines + trainings.cost(runs, METHODS)) + "\n"


def add_choices(parser: argparse.ArgumentParser) -> None:
    """The options that say which runs are meant; `discovery.py` has them too."""
    trainings.add_choices(parser, RESULTS)


def tasks_of(options: argparse.Namespace, **limits: Any) -> list[Task]:
    """The runs that the options ask for; a matrix once, since it is the same on the same windows whatever the seed."""
    recorded = [record["dataset"] for record in read_lines(options.results)] if options.table else []
    tasks = trainings.tasks_of(options, datasets(recorded).values(), METHODS, **limits)
    first = tasks[0].seed if tasks else 0
    return [task for task in tasks if task.method != "pwm" or task.seed == first]


def main() -> int:
    """Run or print; 1 when a run failed, 2 when the options name none."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_choices(parser)
    trainings.add_limits(parser)
    options = parser.parse_args()
    trainings.start_log()
    trainings.start_results(options.results)
    tasks = tasks_of(options, **trainings.limits_of(options))
    if not tasks:
        return trainings.no_run(options, datasets().values(), METHODS)
    if options.table:
        sys.stdout.write(table(read_lines(options.results), tasks))
        return 0
    return 0 if trainings.work_through(tasks, options.jobs) else 1


if __name__ == "__main__":
    sys.exit(main())
