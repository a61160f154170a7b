"""Freed memory goes back to the machine."""

import sys
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from app import memory

STATM = Path("/proc/self/statm")  # in pages: the second number is what is resident
BLOCKS = 3000  # each too small to be a mapping of its own, which would go back at once


def resident() -> float:
    return int(STATM.read_text().split()[1]) * 4096 / 1e6


def leave_a_full_arena() -> None:
    """As a reading does: much is freed, and a little above it stays."""
    blocks = [np.ones(12_000) for _ in range(BLOCKS)]
    kept.append(blocks[-1])


kept: list[np.ndarray] = []


@pytest.mark.skipif(memory._trim is None or sys.platform != "linux", reason="needs glibc")
def test_what_a_thread_freed_goes_back():
    worker = Thread(target=leave_a_full_arena)
    worker.start()
    worker.join()
    full = resident()
    memory.give_back()
    assert full - resident() > BLOCKS * 12_000 * 8 / 1e6 / 2


def test_another_c_library_is_no_error(monkeypatch):
    monkeypatch.setattr(memory, "_trim", None)
    memory.give_back()
