"""Results as JSON lines, which survive crashes and several writers, and as cells of Markdown tables."""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

log = logging.getLogger(__name__)


def append_line(path: Path, record: dict[str, Any]) -> None:
    """Add a line in one locked write; a line that an earlier crash cut off does not swallow it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        torn = False
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            torn = file.read(1) != b"\n"
        file.write(b"\n" * torn + json.dumps(record).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_lines(path: Path) -> list[dict[str, Any]]:
    """All whole lines; one that was cut off is left out, and said so."""
    records = []
    for number, line in enumerate(path.read_bytes().splitlines() if path.exists() else [], start=1):
        try:
            records.append(json.loads(line))
        except ValueError:
            log.warning("%s line %d is not a whole record: left out", path.name, number)
    return records


def three(value: float) -> str:
    """Three decimals without the leading zero, as the papers of this field print scores; a dash for NaN."""
    return f"{value:.3f}".removeprefix("0") if np.isfinite(value) else "–"


def spread(values: Sequence[float], expected: int) -> str:
    """Mean (lowest–highest), and how many where some of the expected ones are missing."""
    if not values:
        return "–"
    notes = [f"{three(min(values))}–{three(max(values))}"] if len(values) > 1 else []
    if len(values) != expected:
        notes.append(f"{len(values)} of {expected}")
    return three(float(np.mean(values))) + (f" ({', '.join(notes)})" if notes else "")


def row(cells: Sequence[object]) -> str:
    """One line of a Markdown table."""
    return f"| {' | '.join(map(str, cells))} |"


def head(columns: Sequence[str]) -> list[str]:
    """The first two lines of a Markdown table."""
    return [row(columns), "|---" * len(columns) + "|"]
