"""Trainings side by side on the same draws: which are asked for, which are finished, one JSON line for each.

    data set x method x seed -> Task -> a model in its folder, resumable -> a record in a file of JSON lines

What `paper_table.py`, `ablation.py` and `expressivity.py` share. Methods that are trained: `ours`, `unpruned` and
`paper` (recipes of `argminn_core.recipe`), `ours-CHANGE` (ours with one thing changed), `cnn` and `explainn`
(`baselines.py`); a data set may know others that need no training.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import multiprocessing
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import baselines  # noqa: E402
from records import append_line, head, read_lines, row  # noqa: E402

from argminn_core import __version__  # noqa: E402
from argminn_core.predict import metrics  # noqa: E402
from argminn_core.recipe import Recipe, Run  # noqa: E402
from argminn_core.sources import Source  # noqa: E402
from argminn_core.tables import DROPPED  # noqa: E402
from argminn_core.train import write_atomically  # noqa: E402

log = logging.getLogger("trainings")

METRICS = {"auroc": "auROC", "auprc": "auPRC", "accuracy": "accuracy"}
RECIPES = ("ours", "unpruned", "paper")


def is_recipe(method: str) -> bool:
    """Whether a method is this package's own network, whose settings the data set's `recipe` gives."""
    return method in RECIPES or method.startswith("ours-")


@dataclass(frozen=True)
class Scale:
    """A smaller training than the recipe's, for smoke tests; None leaves the recipe's number."""

    epochs: int | None = None
    batches: int | None = None

    @property
    def suffix(self) -> str:
        """Keeps the models of smoke tests apart; empty at full scale."""
        return "".join(
            f"-{value}{unit}" for value, unit in ((self.epochs, "e"), (self.batches, "b")) if value
        )


class Dataset(Protocol):
    """What to train on.

    slug : its name in paths. shelf : the folder of all models of this benchmark. split : what its test part is.
    """

    name: str
    length: int
    slug: str
    shelf: str
    split: str

    def source(self, seed: int) -> Source: ...

    def has(self, method: str) -> bool:
        """Whether the method makes sense on this data."""
        ...

    def recipe(self, method: str, seed: int, scale: Scale) -> Recipe:
        """The settings of a method that `is_recipe`; the baselines take epochs and batches from `ours`."""
        ...

    def made_of(self) -> dict[str, Any]:
        """What the data depend on but name and length, as plain JSON: a changed data set is run anew."""
        ...

    def untrained(self, method: str, source: Source) -> dict[str, Any]:
        """Scores of a method without a training: `scores`, `device` and whatever else belongs into the record."""
        ...


def settings_of(dataset: Dataset, method: str, scale: Scale) -> str:
    """A short name for everything that a result depends on but the seed: a changed recipe is run anew."""
    chosen = dataset.recipe(method if is_recipe(method) else "ours", 0, scale)
    train = {key: getattr(chosen.train, key) for key in ("epochs", "batches", "batch_size")}
    parts: dict[str, Any] = {"length": dataset.length}
    if is_recipe(method):
        parts |= {"model": chosen.model.to_dict(), "train": asdict(chosen.train), "start": chosen.start}
        if chosen.prune:
            parts["prune"] = chosen.prune
    elif method in baselines.BASELINES:
        model = baselines.build(method, dataset.length, seed=0)
        parts |= {"model": model.config, "rate": model.rate, "train": train}
        if model.decay:
            parts["decay"] = model.decay
    parts |= dataset.made_of()
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Task:
    """One run, complete enough to be sent to another process. `deadline` is in seconds since the epoch."""

    dataset: Dataset
    method: str
    seed: int
    scale: Scale
    device: str | None
    threads: int
    deadline: float
    results: Path

    @property
    def key(self) -> tuple[str, str, int, str]:
        """What a finished run is known by."""
        return (self.dataset.name, self.method, self.seed, settings_of(self.dataset, self.method, self.scale))

    @property
    def folder(self) -> Path:
        """Where the model is kept: `SHELF/DATASET/SEED` for ours, `SHELF/DATASET/METHOD/SEED` for the others."""
        top = self.results.parent / f"{self.dataset.shelf}{self.scale.suffix}" / self.dataset.slug
        return top / str(self.seed) if self.method == "ours" else top / self.method / str(self.seed)

    def late(self) -> bool:
        return time.time() > self.deadline

    def __str__(self) -> str:
        return f"{self.dataset.name}, {self.method}, seed {self.seed}"


def run(task: Task) -> dict[str, Any] | None:
    """Do one run; None when the time was up before its end. The test part is scored once, at the end."""
    torch.set_num_threads(task.threads)
    started = time.perf_counter()
    source = task.dataset.source(task.seed)
    if is_recipe(task.method):
        found = _argminn(task, source)
    elif task.method in baselines.BASELINES:
        found = _baseline(task, source)
    else:
        found = task.dataset.untrained(task.method, source)
    if found is None:
        return None
    scores = found.pop("scores")
    return {
        "dataset": task.dataset.name, "method": task.method, "seed": task.seed, "settings": task.key[-1],
        **{metric: scores["test"][metric] for metric in METRICS},
        **{f"valid_{metric}": scores["valid"][metric] for metric in METRICS},
        "n_test": len(source.test[1]), "positives": int(source.test[1].sum()), **found,
        "wall_seconds": round(time.perf_counter() - started, 1), "threads": task.threads,
        "machine": _machine(found["device"]), "versions": _versions(), "commit": _commit(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }  # fmt: skip


def _argminn(task: Task, source: Source) -> dict[str, Any] | None:
    _prepare(task)
    chosen = task.dataset.recipe(task.method, task.seed, task.scale)
    describe = {
        "description": f"{task.method} on {task.dataset.name}, seed {task.seed}", "data": task.dataset.name,
        "split": task.dataset.split, "digests": {},
    }  # fmt: skip
    job = Run(task.dataset.slug, source, chosen, task.folder, describe=describe, dropped=DROPPED.empty())
    for record in job.epochs(resume=True, device=task.device, should_stop=task.late):
        log.info("%s: epoch %d, valid auROC %.4f", task, record.epoch, record.valid_auroc)
    last = getattr(job, "last", None)  # none: it was stopped in its first epoch
    if last is None or not (last.stopped or last.epoch == chosen.train.epochs):
        return None
    card = job.finish().card
    train = card["training"]
    return {
        "scores": card["metrics"], "seconds": train["seconds"], "device": train["device"], "epochs": train["epochs"],
        "batches": train["batches"], "batch_size": train["batch_size"], "kept_epoch": train["kept_epoch"],
        "model": str(task.folder.relative_to(task.results.parent) / "model.safetensors"),
    }  # fmt: skip


def _baseline(task: Task, source: Source) -> dict[str, Any] | None:
    _prepare(task)
    train = task.dataset.recipe("ours", task.seed, task.scale).train
    model = baselines.build(task.method, task.dataset.length, seed=task.seed)
    device = str(baselines.pick_device(task.device))
    state = task.folder / "state.pt"
    fitted = baselines.fit(
        model, source, epochs=train.epochs, batches=train.batches, batch_size=train.batch_size, seed=task.seed,
        device=device, state_path=state, should_stop=task.late,
    )  # fmt: skip
    if fitted is None:
        return None
    path = task.folder / "model.safetensors"
    baselines.save(path, task.method, model)
    codes, y = source.test
    scores = {"valid": fitted.valid, "test": metrics(y, baselines.predict(model, codes))}
    state.unlink()
    return {
        "scores": scores, "seconds": round(fitted.seconds, 1), "device": device, "epochs": train.epochs,
        "batches": train.batches, "batch_size": train.batch_size, "kept_epoch": fitted.epoch,
        "model": str(path.relative_to(task.results.parent)),
    }  # fmt: skip


def _prepare(task: Task) -> None:
    """Make the folder, and throw away what a training with other settings left in it half finished."""
    folder, settings = task.folder, task.key[-1]
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / "settings.txt"
    if not note.exists() or note.read_text(encoding="utf-8") != settings:
        for name in ("state.pt", "state.safetensors"):
            (folder / name).unlink(missing_ok=True)
        write_atomically(note, settings)


def _machine(device: str) -> str:
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(torch.device(device))
    return f"{os.cpu_count()} cores, {platform.machine()}"


def _versions() -> dict[str, str]:
    return {
        "argminn": __version__, "torch": torch.__version__, "numpy": np.__version__,
        "python": platform.python_version(),
    }  # fmt: skip


def _commit() -> str:
    """The commit of this checkout, marked where tracked files differ from it; "unknown" without git."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=10", "--exclude", "*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


# Which runs, and doing them.


def add_choices(parser: argparse.ArgumentParser, results: Path) -> None:
    """The options that say which runs are meant, and where their lines are."""
    parser.add_argument(
        "--only", action="append", default=[], metavar="DATASET,METHOD",
        help="these runs alone; * and ? stand for letters, an empty half for all; may be repeated",
    )  # fmt: skip
    parser.add_argument("--seeds", default="0,1,2", help="comma-separated (default %(default)s)")
    parser.add_argument("--epochs", type=int, help="fewer than the recipe's: a smoke test, kept apart")
    parser.add_argument("--batches", type=int, help="batches an epoch, likewise")
    parser.add_argument("--results", type=Path, default=results)
    parser.add_argument("--device", help="cpu, cuda, cuda:1; default: a GPU where there is one")
    parser.add_argument("--table", action="store_true", help="print what is there as Markdown, run nothing")


def start_results(results: Path) -> None:
    """Let a file of `runs/` that is not there yet begin as the one of its name in `benchmarks/results/`, if any."""
    kept = ROOT / "benchmarks" / "results" / results.name
    if results.absolute().parent == ROOT / "runs" and not results.exists() and kept.exists():
        results.parent.mkdir(exist_ok=True)
        shutil.copyfile(kept, results)


def add_limits(parser: argparse.ArgumentParser) -> None:
    """The options that say how much at a time and for how long."""
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time, on one GPU or the cores")
    parser.add_argument(
        "--threads", type=int, help="of each training; default: the cores shared among the jobs"
    )
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), help="stop after so long, to go on later"
    )


def tasks_of(
    options: argparse.Namespace,
    datasets: Iterable[Dataset],
    methods: Iterable[str],
    *,
    threads: int = 1,
    deadline: float = float("inf"),
) -> list[Task]:
    """The runs that the options ask for, seed by seed, so that early results cover all data sets."""
    scale, datasets = Scale(options.epochs, options.batches), list(datasets)
    return [
        Task(dataset, method, int(seed), scale, options.device, threads, deadline, options.results.absolute())
        for seed in options.seeds.split(",")
        for dataset in datasets
        for method in methods
        if dataset.has(method) and wanted(options.only, dataset.name, method)
    ]


def limits_of(options: argparse.Namespace) -> dict[str, Any]:
    """The `threads` and the `deadline` that the options ask for."""
    threads = options.threads or max(torch.get_num_threads() // options.jobs, 1)
    return {"threads": threads, "deadline": time.time() + 60 * options.minutes}


def wanted(only: Iterable[str], dataset: str, method: str) -> bool:
    """Whether one of the patterns `DATASET,METHOD` names this pair; without any, all are wanted."""
    pairs = [pattern.partition(",") for pattern in only]
    return not pairs or any(
        fnmatchcase(dataset.lower(), one.lower() or "*") and fnmatchcase(method, other or "*")
        for one, _, other in pairs
    )


def key_of(record: Mapping[str, Any]) -> tuple[str, str, int, str]:
    return (record["dataset"], record["method"], record["seed"], record["settings"])


def attempt(task: Task) -> bool:
    """Do one run and write its line; False when it failed, which does not end the others."""
    start_log()
    if task.late():
        return True
    try:
        record = run(task)
    except Exception:
        log.exception("%s failed", task)
        return False
    if record is None:
        log.info("%s: the time is up; it goes on from its last whole epoch next time", task)
        return True
    append_line(task.results, record)
    log.info("%s: test auROC %.4f in %.0f s", task, record["auroc"], record["wall_seconds"])
    return True


def start_log() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")


def work_through(tasks: Sequence[Task], jobs: int) -> bool:
    """Run what is not finished, `jobs` at a time; whether all went well."""
    finished = {key_of(record) for path in {task.results for task in tasks} for record in read_lines(path)}
    todo = [task for task in tasks if task.key not in finished]
    log.info("%d runs asked for, %d of them finished before", len(tasks), len(tasks) - len(todo))
    if jobs == 1:
        return all([attempt(task) for task in todo])
    # A fresh interpreter for each process: a GPU's context does not survive a fork.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        return all(list(pool.map(attempt, todo)))


def no_run(options: argparse.Namespace, datasets: Iterable[Dataset], methods: Iterable[str]) -> int:
    """Say that `--only` names no run, and what there is; the exit status."""
    names = ", ".join(dataset.name for dataset in datasets)
    sys.stderr.write(
        f"no run is called {' or '.join(options.only)}; data sets: {names}; methods: {', '.join(methods)}\n"
    )
    return 2


# Tables of what is there.

Runs = dict[tuple[str, str], list[dict[str, Any]]]


def finished_runs(
    records: Iterable[dict[str, Any]], tasks: Iterable[Task]
) -> tuple[Runs, dict[tuple[str, str], int]]:
    """By data set and method: the records of the tasks that are finished, and how many tasks there are."""
    latest = {key_of(record): record for record in records}  # of repeated runs the last one counts
    runs: Runs = {}
    asked: dict[tuple[str, str], int] = {}
    for task in tasks:
        pair = (task.dataset.name, task.method)
        asked[pair] = asked.get(pair, 0) + 1
        runs.setdefault(pair, []).extend([latest[task.key]] if task.key in latest else [])
    return runs, asked


def cost(runs: Runs, titles: Mapping[str, str]) -> list[str]:
    """Markdown lines: what a training took, and where. titles : what a method is called."""
    lines = head(["data", "method", "epochs x batches", "median s", "where"])
    for (name, method), group in runs.items():
        if group and "epochs" in group[0]:
            where = sorted({f"{r['device']}: {r['machine']}, {r['threads']} threads" for r in group})
            size = f"{group[0]['epochs']} x {group[0]['batches']}"
            seconds = np.median([record["seconds"] for record in group])
            lines.append(row([name, titles[method], size, f"{seconds:.0f}", "; ".join(where)]))
    return lines
