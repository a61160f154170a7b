"""Trainings of a few seconds, for tests of what starts, follows and ends them."""

import time

from handmade import planted

from argminn_core import jobs
from argminn_core.job_files import Settings

LENGTH = 60
SMALL = dict(filters=2, width=12, positional=4, hidden=8, stream=16, layers=2, heads=2)
PATIENCE = 150  # s; the machine may be busy with others


def records(n: int, *, site: bool, first: int = 0, length: int = LENGTH) -> bytes:
    """FASTA of `n` random records, each with the CTCF site of `handmade` or without it."""
    lines = []
    for i in range(first, first + n):
        placed = [("CTCF", 5 + i % (length - 25))] if site else []
        lines.append(f">r{i}\n{planted(*placed, length=length, seed=i)}\n")
    return "".join(lines).encode()


def settings(name: str = "small", *, epochs: int = 2, batches: int = 3, **changes) -> Settings:
    plan = dict(
        name=name, kind="fasta", recipe="grammar", length=LENGTH, start="random", model=SMALL,
        labels=("bound.fa", "unbound.fa"), train=dict(epochs=epochs, batches=batches, batch_size=16),
    )  # fmt: skip
    return Settings(**(plan | changes))


def inputs(n: int = 60) -> dict[str, bytes]:
    return {
        "positives.fa": records(n, site=True),
        "negatives.fa": records(n, site=False, first=10_000),
    }


def wait(job_id: str, until, *, patience: float = PATIENCE):
    """The job, once `until(job)` holds."""
    deadline = time.monotonic() + patience
    while not until(job := jobs.get(job_id)):
        if time.monotonic() > deadline:
            raise AssertionError(f"still {job.state}, {job.progress}, {log(job)}")
        time.sleep(0.05)
    return job


def ended(job) -> bool:
    return not job.active


def log(job) -> str:
    path = job.folder / "log.txt"
    return path.read_text(errors="replace")[-1500:] if path.exists() else "no log"
