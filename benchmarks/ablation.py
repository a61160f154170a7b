"""What each ingredient of the recipes is worth: trainings with one thing changed, `python benchmarks/ablation.py`.

Grammars are learned with the recipe `grammar`, real sets with `peaks` and all of its filters, on the same draws, for as
many batches and with as many seeds as in `paper_table.py`, whose runs of the whole recipe stand beside them. A change
is one of `CHANGES`; `weights` are the loss weights that the paper varies. Runs append to `runs/ablation.jsonl`, which
begins as a copy of `benchmarks/results/ablation.jsonl`, and go on where they were stopped.

    python benchmarks/ablation.py --only 'REST,' --only 'HNF4A_HepG2/neg_gc,' --jobs 2
    python benchmarks/ablation.py --table
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

import paper_table  # noqa: E402
import trainings  # noqa: E402
from records import head, read_lines, row, spread  # noqa: E402
from trainings import Scale, Task  # noqa: E402

from argminn_core.recipe import OFF, Recipe, recipe  # noqa: E402

RESULTS = ROOT / "runs" / "ablation.jsonl"


@dataclass(frozen=True)
class Change:
    """What a recipe is without one of its ingredients; for grammars, for real sets, or both."""

    says: str
    grammar: dict[str, Any] | None = None
    peaks: dict[str, Any] | None = None


def _both(says: str, **settings: Any) -> Change:
    return Change(says, settings, settings)


CHANGES = {
    "ours-no-distances": Change("no distances", {"model": {"spacing": 0}}),
    "ours-no-evidence": Change("no evidence path", None, {"model": {"evidence": False}}),
    "ours-no-null": _both("no null token", model={"null_token": False}),
    "ours-random": _both("filters start at random", start="random"),
    "ours-words": Change("filters start from words", None, {"start": "words"}),
    "ours-single": _both("one strand", model={"strands": "single"}),
    "ours-no-average": _both("weights not averaged", train={"average": 0.0}),
    "ours-no-anneal": _both("a constant rate", train={"anneal": False}),
    "ours-last": Change("the last epoch, not the best", None, {"train": {"keep_best": False, "patience": None}}),
    "ours-no-decay": Change("no weight decay", None, {"train": {"weight_decay": 0.0}}),
    "ours-no-entropy": Change("no entropy loss", {"train": {"entropy": OFF}}),
    "ours-entropy-low": Change("entropy loss x 0.1", {"train": {"entropy": (1e-3, 1e-3)}}),
    "ours-entropy-high": Change("entropy loss x 10", {"train": {"entropy": (0.1, 0.1)}}),
}  # fmt: skip


class Ablated(paper_table.Dataset):
    """A data set of the paper's table, learned with a recipe that lacks something."""

    shelf = "ablation"

    def has(self, method: str) -> bool:
        return self._settings(method) is not None

    def recipe(self, method: str, seed: int, scale: Scale) -> Recipe:
        """`ours` is the whole recipe, which nothing is taken out of at the end."""
        name, settings = ("grammar" if self.simulated else "peaks"), self._settings(method) or {}
        train = {"epochs": scale.epochs, "batches": scale.batches, "seed": seed, **settings.get("train", {})}
        model = {"length": self.length, **settings.get("model", {})}
        return recipe(name, model=model, train=train, start=settings.get("start"), prune=0.0)

    def _settings(self, method: str) -> dict[str, Any] | None:
        change = CHANGES.get(method)
        return None if change is None else change.grammar if self.simulated else change.peaks


def whole(records: Sequence[dict[str, Any]], tasks: Sequence[Task]) -> dict[tuple[str, int], dict[str, Any]]:
    """Runs of the whole recipe by data set and seed, of the records of `paper_table.py`."""
    latest = {trainings.key_of(record): record for record in records}
    runs = {}
    for task in tasks:
        data = paper_table.Dataset(task.dataset.name, task.dataset.length)
        method = "ours" if data.simulated else "unpruned"
        key = (data.name, method, task.seed, trainings.settings_of(data, method, task.scale))
        if key in latest:
            runs[data.name, task.seed] = latest[key]
    return runs


def difference(
    found: Sequence[dict[str, Any]], full: dict[tuple[str, int], dict[str, Any]], part: str
) -> str:
    """By how much `part` of the runs changed on the mean of the seeds that the whole recipe has too."""
    pairs = [
        r[part] - full[r["dataset"], r["seed"]][part] for r in found if (r["dataset"], r["seed"]) in full
    ]
    return f"{np.mean(pairs):+.4f}" if pairs else "–"


def table(records: Sequence[dict[str, Any]], beside: Sequence[dict[str, Any]], tasks: Sequence[Task]) -> str:
    """Markdown, a row a change: auROC on the test part, and what the change did to it and to the validation part."""
    runs, asked = trainings.finished_runs(records, tasks)
    full = whole(beside, tasks)
    names = list(dict.fromkeys(name for name, _ in asked))
    lines = head(["change", *(title for name in names for title in (name, "change, test", "change, valid"))])
    cells = []
    for name in names:
        scores = [run["auroc"] for (of, _), run in full.items() if of == name]
        cells += [spread(scores, len(scores)), "", ""]
    lines.append(row(["none", *cells]))
    for method, change in CHANGES.items():
        cells = []
        for name in names:
            found = runs.get((name, method), [])
            if found:
                score = spread([run["auroc"] for run in found], asked.get((name, method), 0))
                cells += [score, difference(found, full, "auroc"), difference(found, full, "valid_auroc")]
            else:
                cells += ["", "", ""]
        if any(cells):
            lines.append(row([change.says, *cells]))
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run or print; 1 when a run failed, 2 when the options name none."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    trainings.add_choices(parser, RESULTS)
    trainings.add_limits(parser)
    options = parser.parse_args()
    trainings.start_log()
    trainings.start_results(options.results)
    records = read_lines(options.results)
    known = paper_table.datasets([record["dataset"] for record in records] if options.table else []).values()
    datasets = [Ablated(data.name, data.length) for data in known]
    tasks = trainings.tasks_of(options, datasets, CHANGES, **trainings.limits_of(options))
    if not tasks:
        return trainings.no_run(options, datasets, CHANGES)
    if options.table:
        trainings.start_results(paper_table.RESULTS)
        done = {record["dataset"] for record in records}
        sys.stdout.write(
            table(
                records,
                read_lines(paper_table.RESULTS),
                [task for task in tasks if task.dataset.name in done],
            )
        )
        return 0
    return 0 if trainings.work_through(tasks, options.jobs) else 1


if __name__ == "__main__":
    sys.exit(main())
