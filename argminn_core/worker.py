"""The process of one training: `python -m argminn_core.worker FOLDER`, started by `jobs.advance`.

It reads what was given, trains, keeps the motifs as they form, puts the model into the user's list, and starts whoever
waits next. Its state on disk is that of the last whole epoch, whenever it is ended.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch

from argminn_core import job_files, jobs, recipe, zoo
from argminn_core.datasets import Prepared, from_fasta, from_grammar, from_peaks
from argminn_core.errors import ArgminnError
from argminn_core.model import Argminn
from argminn_core.readout import learn_motifs
from argminn_core.simulate import grammar
from argminn_core.train import write_atomically

log = logging.getLogger(__name__)

READING, STARTING, TRAINING, SCORING = (
    "reading the data", "finding where the filters start", "training", "reading the motifs and scoring",
)  # fmt: skip
_NICE = 10  # pages come first
_SNAPSHOTS = 60  # of a training, at most
_WINDOWS_FROM = 500  # training positives that snapshots are read from


class Stopped(BaseException):
    """Asked to end; not an Exception, so that nothing on the way takes it for a failure of its own."""


class Worker:
    """One training in its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.run_folder = folder, folder / "run"
        self.progress: dict[str, object] = {}
        self.stop, self.soft = False, False

    def asked_to_stop(self) -> bool:
        """Whether to end after this batch."""
        return self.stop or (self.folder / "cancel").exists()

    def on_signal(self, *_: object) -> None:
        """SIGTERM: end after the batch while training, at once otherwise; nothing is half written either way."""
        self.stop = True
        if not self.soft:
            raise Stopped

    def say(self, **progress: object) -> None:
        self.progress |= progress
        write_atomically(self.folder / "progress.json", json.dumps(self.progress))

    def work(self) -> str:
        """Train to the end, or from where it was left; returns the name of the model in the list."""
        settings = job_files.load(self.folder).settings
        if settings is None:
            raise ArgminnError("the settings of this training cannot be read")
        torch.set_num_threads(settings.threads)
        if not self._finished():
            self.say(phase=READING)
            data = prepare(settings, self.folder)
            run = recipe.Run(
                settings.name, data.source, settings.chosen(data.source.length), self.run_folder,
                {"description": settings.description} | data.about, data.dropped,
            )  # fmt: skip
            self._train(run, data)
            self.say(phase=SCORING)
            run.finish()
        return zoo.add((self.run_folder / "model.safetensors").read_bytes(), settings.name)

    def _finished(self) -> bool:
        """Whether an earlier process got as far as writing the model, after which the training's state is gone."""
        return (self.run_folder / "metrics.json").exists() and not (
            self.run_folder / "state.safetensors"
        ).exists()

    def _train(self, run: recipe.Run, data: Prepared) -> None:
        codes, y = data.source.training()
        positives = codes[y == 1]
        positives = positives[:: max(-(-len(positives) // _WINDOWS_FROM), 1)]
        every = -(-run.recipe.train.epochs // _SNAPSHOTS)
        self.say(phase=STARTING)
        for record in run.epochs(resume=True, should_stop=self.asked_to_stop):
            self.soft = True  # from here on a batch is never far
            if record.epoch % every == 0 or record.epoch == record.epochs:
                self._keep_motifs(run.model, positives, record.epoch)
            self.say(
                phase=TRAINING, epoch=record.epoch, remaining=0.0 if record.stopped else record.remaining,
                at=time.time(), auroc=record.valid_auroc, loss=record.bce,
            )  # fmt: skip
        self.soft = False
        if self.asked_to_stop():
            raise Stopped

    def _keep_motifs(self, model: Argminn, positives: np.ndarray, epoch: int) -> None:
        """The filters' motifs from their top windows in some of the training positives, as `readout` reads them."""
        path = job_files.snapshot_file(self.folder, epoch)
        path.parent.mkdir(exist_ok=True)
        motifs = [motif.to_dict() for motif in learn_motifs(model, positives)]
        write_atomically(path, json.dumps({"epoch": epoch, "motifs": motifs}))


def prepare(settings: job_files.Settings, folder: Path) -> Prepared:
    """What `settings` train on, from the inputs in `folder`."""
    if settings.kind == "grammar":
        return from_grammar(grammar(settings.grammar), length=settings.length, seed=settings.seed)
    if settings.kind == "peaks":
        return from_peaks(
            folder / "peaks.bed", Path(settings.genome), name=settings.labels[0], length=settings.length,
            valid=settings.valid, test=settings.test, negatives=settings.negatives or "gc", seed=settings.seed,
        )  # fmt: skip
    negatives = None if settings.negatives == "shuffle" else folder / "negatives.fa"
    return from_fasta(
        folder / "positives.fa", negatives, names=settings.labels, ambiguous=settings.ambiguous,
        length=settings.length, seed=settings.seed,
    )  # fmt: skip


def main(folder: Path) -> int:
    """Do the training in `folder` and say how it ended in its job.json; then the next one's turn has come."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    worker = Worker(folder)
    signal.signal(signal.SIGTERM, worker.on_signal)
    with open(folder / ".worker", "w") as alone:
        try:
            fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.error("another process works in this folder")
            return 1
        try:
            os.setpriority(os.PRIO_PROCESS, 0, _NICE)
            ended = {"state": "done", "model": worker.work(), "problem": ""}
        except Stopped:
            ended = {"state": "cancelled" if (folder / "cancel").exists() else "stopped"}
        except ArgminnError as error:
            ended = {"state": "failed", "problem": str(error)}
        except MemoryError:
            ended = {"state": "failed", "problem": "The machine has too little memory for this training."}
        except Exception as error:
            log.exception("a fault")
            problem = f"A fault in the program, {type(error).__name__}: {error}. The log has more."
            ended = {"state": "failed", "problem": problem}
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        jobs.change(folder, ended=time.time(), **ended)
        log.info("%s", ended["state"])
    if ended["state"] != "stopped":  # stopped from outside: the machine may be going down
        jobs.advance()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute()))
