"""Work that takes longer than a click: in a thread of its own, with progress, time left, and an end at any time.

A page starts a job, draws how far it is, and comes back; what the job is for goes on being used meanwhile.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from threading import Event, Semaphore, Thread
from typing import Generic, TypeVar

from app.memory import give_back
from argminn_core.errors import ArgminnError

Result = TypeVar("Result")
Progress = Callable[[int, int], None]

CORES = os.cpu_count() or 2
# Held for a step of a second or so, not for a whole job: jobs of several visitors take turns, and a core stays
# free for the pages.
TURN = Semaphore(max(CORES - 1, 1))


class Cancelled(Exception):
    """Raised inside of a job that was told to end."""


class Job(Generic[Result]):
    """One piece of work that can be started, watched, ended and started again.

    Parameters
    ----------
    work : callable
        `work(progress)` returns the result and calls `progress(done, total)` every now and then, which is where it
        ends when it was cancelled.
    """

    def __init__(self, work: Callable[[Progress], Result]) -> None:
        self._work = work
        self._run: _Run[Result] | None = None

    def start(self) -> None:
        """Begin, or begin again after it was cancelled or failed; what runs or is done stays."""
        if self._run is None or self._run.cancelled.is_set() or self._run.failure is not None:
            self._run = _Run(self._work)

    def cancel(self) -> None:
        """End it: for whoever looks at once, in its thread at the next step."""
        if self._run is not None and not self._run.ended.is_set():
            self._run.cancelled.set()
            self._run.ended.set()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within that time."""
        return self._run is not None and self._run.ended.wait(seconds)

    @property
    def running(self) -> bool:
        return self._run is not None and not self._run.ended.is_set()

    @property
    def cancelled(self) -> bool:
        return self._run is not None and self._run.cancelled.is_set()

    @property
    def done(self) -> bool:
        """Whether there is a result."""
        return self._run is not None and self._run.result is not None and not self.cancelled

    @property
    def result(self) -> Result:
        """The result.

        Raises
        ------
        ArgminnError : the work ended with one. Any other exception of the work is raised here as well.
        """
        if self._run is None or not self._run.ended.is_set() or self.cancelled:
            raise RuntimeError("the job has no result yet")
        if self._run.failure is not None:
            raise self._run.failure
        return self._run.result

    @property
    def problem(self) -> ArgminnError | None:
        """What the user can mend; None where nothing went wrong."""
        failure = None if self._run is None else self._run.failure
        return failure if isinstance(failure, ArgminnError) else None

    @property
    def failed(self) -> bool:
        return self._run is not None and self._run.failure is not None

    @property
    def share(self) -> float:
        """How much is done, 0 to 1."""
        done, total = (0, 1) if self._run is None else self._run.place
        return min(done / max(total, 1), 1.0)

    @property
    def seconds_left(self) -> float | None:
        """At the speed so far; None before the first step is done."""
        if self._run is None or self.share <= 0:
            return None
        return (time.monotonic() - self._run.began) * (1 - self.share) / self.share


class _Run(Generic[Result]):
    """One go at the work: what a cancelled one still does reaches nobody."""

    def __init__(self, work: Callable[[Progress], Result]) -> None:
        self.cancelled, self.ended = Event(), Event()
        self.result: Result | None = None
        self.failure: BaseException | None = None
        self.place = 0, 1
        self.began = time.monotonic()
        Thread(target=self._go, args=[work], daemon=True).start()

    def _go(self, work: Callable[[Progress], Result]) -> None:
        try:
            self.result = work(self._progress)
        except Cancelled:
            pass
        except Exception as failure:  # raised again where the result is asked for
            self.failure = failure
        finally:
            self.ended.set()
            give_back()

    def _progress(self, done: int, total: int) -> None:
        if self.cancelled.is_set():
            raise Cancelled
        self.place = done, total
