"""Trainings as folders: created, waiting, running in a process of their own, finished; pages only look and ask.

    create -> waiting -> (advance) -> running, `argminn_core.worker` -> done | failed | cancelled | stopped

Everything is on disk, so that a training outlives the page, the browser and the app, and any session can follow it:

    <id>/job.json       settings, state, process, times; changed only under the lock of the folder of jobs
         progress.json  what the worker is at, and its last epoch
         cancel         where it exists, the worker stops after its batch
         *.fa, *.bed    what was given
         run/           `recipe.Run`: history.jsonl, state.safetensors, model.safetensors ...
         motifs/        epoch_0001.json ...: what the filters read after an epoch

A training whose process is gone is "stopped", and can be resumed: its state is that of the last whole epoch. Whatever
is wrong with a folder is said of that training alone.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from argminn_core import zoo
from argminn_core.errors import InputError
from argminn_core.job_files import Job, Settings, load, process_token, read_json
from argminn_core.train import write_atomically

INPUTS = ("positives.fa", "negatives.fa", "peaks.bed")
MAX_WAITING = 20
_SHOWN = 200  # newest folders that are looked at
_ID = re.compile(r"\d{8}-\d{9}-[0-9a-f]{8}")


def folder() -> Path:
    """Where trainings are kept, beside the user's models; not created here."""
    return zoo.user_dir().parent.absolute() / "jobs"


def most_running() -> int:
    """How many train at once: half of the cores, or what ARGMINN_JOBS says."""
    asked = os.environ.get("ARGMINN_JOBS", "")
    return int(asked) if asked.isdigit() and int(asked) else max((os.cpu_count() or 2) // 2, 1)


def threads() -> int:
    """How many threads a training gets: half of the cores, four at most, so that pages stay quick."""
    return min(max((os.cpu_count() or 2) // 2, 1), 4)


def environment(threads: int) -> dict[str, str]:
    """What a process of this package needs from the one that starts it: its path, installed or not, and its threads."""
    root = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    counts = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), str(threads))
    return {**os.environ, "PYTHONPATH": path, **counts}


# --- looking ------------------------------------------------------------------------------------------------


def jobs() -> list[Job]:
    """All trainings, newest first."""
    return [load(path) for path in _folders()]


def get(job_id: str) -> Job:
    """The training of that id.

    Raises
    ------
    InputError : there is none; it may have been deleted.
    """
    if not _ID.fullmatch(job_id) or not (folder() / job_id).is_dir():
        raise InputError("there is no such training", mend="It may have been deleted: choose another one")
    return load(folder() / job_id)


def ahead(job: Job) -> list[Job]:
    """Those that run or wait before a waiting one."""
    return [
        other for other in jobs()
        if other.state == "running" or (other.state == "waiting" and other.queued < job.queued)
    ]  # fmt: skip


# --- asking -------------------------------------------------------------------------------------------------


def create(settings: Settings, inputs: Mapping[str, bytes], *, owner: str = "") -> Job:
    """Keep what was given, and let it wait for its turn.

    Raises
    ------
    InputError : an input is missing, too many wait, or the disk is full.
    """
    needed = {
        "fasta": INPUTS[:1] if settings.negatives == "shuffle" else INPUTS[:2], "peaks": INPUTS[2:], "grammar": (),
    }[settings.kind]  # fmt: skip
    if missing := [name for name in needed if not inputs.get(name)]:
        raise InputError("an input of the training is missing", found=missing[0])
    if sum(job.state == "waiting" for job in jobs()) >= MAX_WAITING:
        raise InputError("too many trainings wait", found=MAX_WAITING, mend="Cancel one, or come back later")
    now = time.time()
    moment = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now)) + f"{int(now * 1000) % 1000:03d}"
    job_id = f"{moment}-{secrets.token_hex(4)}"  # sorted by name, they are sorted by time
    partial = folder() / f".new-{job_id}"
    try:
        partial.mkdir(parents=True)
        for name in needed:
            (partial / name).write_bytes(inputs[name])
        record = {
            "settings": asdict(settings),
            "state": "waiting",
            "created": now,
            "queued": now,
            "owner": owner,
        }
        write_atomically(partial / "job.json", json.dumps(record, indent=1))
        partial.rename(folder() / job_id)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise InputError(
            "the training cannot be kept", found=error.strerror or str(error), mend=f"Make room in {folder()}"
        ) from error
    advance()
    return load(folder() / job_id)


def advance() -> None:
    """Start those that wait, the oldest first, while fewer run than may. Safe to call from anywhere, at any time."""
    _children[:] = [child for child in _children if child.poll() is None]
    if not folder().is_dir():
        return
    with _locked():
        found = jobs()
        free = most_running() - sum(job.state == "running" for job in found)
        waiting = sorted((job for job in found if job.state == "waiting"), key=lambda job: job.queued)
        for job in waiting[: max(free, 0)]:
            _spawn(job)


def cancel(job_id: str) -> None:
    """Stop a training; what it has learned by its last whole epoch is kept, and it can be resumed."""
    job = get(job_id)
    with _locked():
        job = load(job.folder)
        if job.state == "waiting":
            change(job.folder, state="cancelled", ended=time.time(), locked=True)
        elif job.state == "running":
            (job.folder / "cancel").touch()
            # It may be far from its next batch: still reading a genome, or choosing where filters start.
            with suppress(ProcessLookupError):
                os.kill(job.pid, signal.SIGTERM)


def resume(job_id: str) -> None:
    """Let one that was cancelled, failed or stopped wait for its turn again; it goes on after its last whole epoch."""
    job = get(job_id)
    with _locked():
        if load(job.folder).resumable:
            (job.folder / "cancel").unlink(missing_ok=True)
            change(job.folder, state="waiting", queued=time.time(), problem="", ended=0, locked=True)
    advance()


def delete(job_id: str) -> None:
    """Remove a training's folder; its model, once in the list of models, stays.

    Raises
    ------
    InputError : it is running.
    """
    job = get(job_id)
    with _locked():
        if load(job.folder).state == "running":
            raise InputError("the training is running", mend="Cancel it first")
        trash = folder() / f".trash-{job.id}"
        os.replace(job.folder, trash)
    if trash.is_symlink():
        trash.unlink()
    else:
        shutil.rmtree(trash, ignore_errors=True)


def change(path: Path, *, locked: bool = False, **changes: Any) -> None:
    """Change fields of job.json; under the lock, unless the caller holds it."""
    if not locked:
        with _locked():
            return change(path, locked=True, **changes)
    write_atomically(path / "job.json", json.dumps(read_json(path / "job.json") | changes, indent=1))
    return None


# --- inside -------------------------------------------------------------------------------------------------

_children: list[subprocess.Popen] = []  # of this process, so that none stays behind as a zombie


def _spawn(job: Job) -> None:
    """Start the worker in a session of its own: it lives on when the app ends."""
    try:
        with open(job.folder / "log.txt", "ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "argminn_core.worker", str(job.folder)],
                env=environment(job.settings.threads), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
    except OSError as error:
        problem = f"The process could not be started: {error.strerror or error}."
        return change(job.folder, state="failed", problem=problem, ended=time.time(), locked=True)
    _children.append(child)
    token = process_token(child.pid)
    return change(job.folder, state="running", pid=child.pid, token=token, started=time.time(), locked=True)


@contextmanager
def _locked() -> Iterator[None]:
    """Alone among all processes that change states; held for milliseconds."""
    folder().mkdir(parents=True, exist_ok=True)
    with open(folder() / ".lock", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _folders() -> list[Path]:
    try:
        names = sorted((name for name in os.listdir(folder()) if _ID.fullmatch(name)), reverse=True)
    except OSError:
        return []
    return [folder() / name for name in names[:_SHOWN] if (folder() / name).is_dir()]
