"""What a training's folder holds, read with care: anything in it may be missing, cut off or someone's joke.

`jobs` says what the files are; here they become a `Job`, its history and its snapshots, and never an exception.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from argminn_core import recipe as recipes
from argminn_core.errors import ArgminnError, ConfigError
from argminn_core.motifs import LearnedMotif
from argminn_core.tables import HISTORY

State = Literal["waiting", "running", "done", "failed", "cancelled", "stopped", "unreadable"]
STATES = ("waiting", "running", "done", "failed", "cancelled", "stopped")
ACTIVE = ("waiting", "running")
_JSON_BYTES, _HISTORY_BYTES = 1 << 20, 8 << 20


@dataclass(frozen=True)
class Settings:
    """What to train, on what; plain JSON.

    kind : "fasta", with `positives.fa` and, unless `negatives` is "shuffle", `negatives.fa` among the inputs; "peaks",
        with `peaks.bed`, `genome` (a path), `valid` and `test`; or "grammar", by its name.
    labels : what the card calls the files.
    model, train : settings of the recipe to replace. threads : of the process; the same after a resume, since sums
        in another order differ in their last bits.
    """

    name: str
    kind: Literal["fasta", "peaks", "grammar"]
    recipe: str
    seed: int = 0
    length: int | None = None
    negatives: str = ""
    grammar: str = ""
    genome: str = ""
    valid: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    labels: tuple[str, str] = ("positives", "negatives")
    ambiguous: str = "error"
    description: str = ""
    start: str | None = None
    model: dict[str, Any] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)
    threads: int = 1

    def __post_init__(self) -> None:
        if self.kind not in ("fasta", "peaks", "grammar"):
            raise ConfigError(
                "there is no such kind of data", found=self.kind, expected="fasta, peaks, grammar"
            )
        if not self.name.strip() or len(self.name) > 60:
            raise ConfigError("the model needs a name", found=self.name, expected="1 to 60 letters")
        if not isinstance(self.seed, int) or not 0 <= self.seed < 2**31:
            raise ConfigError("the seed must be a whole number from 0", found=self.seed)
        if not 1 <= self.threads <= 64:
            raise ConfigError(
                "the number of threads is out of bounds", found=self.threads, expected="1 to 64"
            )
        self.chosen(self.length or 500)

    def chosen(self, length: int) -> recipes.Recipe:
        """The recipe for sequences of `length` bases; `ConfigError` where its settings contradict each other."""
        try:
            return recipes.recipe(
                self.recipe, model=self.model | {"length": length}, train=self.train | {"seed": self.seed},
                start=self.start,
            )  # fmt: skip
        except TypeError as error:
            raise ConfigError("a setting of the recipe is unknown", found=str(error)) from error

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Settings:
        """Read what `asdict` wrote; `ConfigError` or TypeError where it is something else."""
        known = {key: tuple(v) if isinstance(v, list) else v for key, v in data.items()}
        wrong = [f.name for f in fields(cls) if f.name in known and not _fits(known[f.name], str(f.type))]
        if wrong:
            raise ConfigError("a setting is not of its kind", found=wrong[0])
        return cls(**known)


@dataclass(frozen=True)
class Job:
    """One training as it is now. Times are seconds since 1970, 0 where they have not come; `problem` is for users."""

    id: str
    folder: Path
    state: State
    settings: Settings | None = None
    problem: str = ""
    owner: str = ""
    model: str = ""
    created: float = 0.0
    queued: float = 0.0
    started: float = 0.0
    ended: float = 0.0
    pid: int = 0
    token: str = ""
    progress: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.settings.name if self.settings else self.id

    @property
    def active(self) -> bool:
        return self.state in ACTIVE

    @property
    def resumable(self) -> bool:
        return self.state in ("stopped", "cancelled", "failed")

    @property
    def epochs(self) -> int:
        """How many epochs it is to have."""
        return self.settings.chosen(self.settings.length or 500).train.epochs if self.settings else 0

    @property
    def epoch(self) -> int:
        """Epochs that are done."""
        return int(self.progress.get("epoch", 0))

    def remaining(self, now: float) -> float | None:
        """Seconds left of a running training by its epochs so far; None while there is nothing to go by."""
        if self.state != "running" or not self.epoch:
            return None
        return max(self.progress.get("remaining", 0.0) - (now - self.progress.get("at", now)), 0.0)


def load(path: Path) -> Job:
    """The training in a folder; one that cannot be read has the state "unreadable" and says why."""
    try:
        record = read_json(path / "job.json")
        settings = Settings.from_dict(record["settings"])
        state = record["state"]
        if state not in STATES:
            raise ValueError(f"the state {str(state)[:40]!r}")
        texts = {key: str(record.get(key, ""))[:4000] for key in ("problem", "owner", "model", "token")}
        times = {key: float(record.get(key, 0)) for key in ("created", "queued", "started", "ended")}
        pid = int(record.get("pid", 0))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, ArgminnError) as error:
        return Job(path.name, path, "unreadable", problem=f"job.json cannot be read ({type(error).__name__})")
    if state == "running" and not (texts["token"] and process_token(pid) == texts["token"]):
        state = "cancelled" if (path / "cancel").exists() else "stopped"
    return Job(path.name, path, state, settings, pid=pid, progress=_progress(path), **texts, **times)


def history(job: Job) -> pd.DataFrame:
    """HISTORY so far; lines that are none are left out."""
    rows = []
    try:
        path = job.folder / "run" / "history.jsonl"
        if path.stat().st_size <= _HISTORY_BYTES:
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                rows += _history_row(line)
    except OSError:
        pass
    return HISTORY.frame(rows)


def snapshots(job: Job) -> list[int]:
    """The epochs after which the filters' motifs were kept."""
    names = (path.stem.removeprefix("epoch_") for path in (job.folder / "motifs").glob("epoch_*.json"))
    return sorted(int(name) for name in names if name.isdecimal() and len(name) < 7)


def snapshot(job: Job, epoch: int) -> list[LearnedMotif]:
    """What the filters read after `epoch`: none where the file is missing or damaged."""
    try:
        entries = read_json(snapshot_file(job.folder, epoch))["motifs"]
        return [LearnedMotif.from_dict(entry) for entry in entries[:512]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return []


def snapshot_file(path: Path, epoch: int) -> Path:
    return path / "motifs" / f"epoch_{epoch:04d}.json"


def process_token(pid: int) -> str:
    """What tells a living process from a later one of the same number: boot and start; empty where it is gone."""
    if pid <= 1:
        return ""
    try:
        if Path("/proc/self/stat").exists():
            parts = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            return "" if parts[0] in "ZX" else f"{boot}:{parts[19]}"
        said = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True)
        stat, _, start = said.stdout.strip().partition(" ")
        return "" if stat.startswith("Z") else " ".join(start.split())
    except (OSError, IndexError):
        return ""


def read_json(path: Path) -> dict[str, Any]:
    if path.stat().st_size > _JSON_BYTES:
        raise ValueError(f"{path.name} is too large")
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} holds no object")
    return found


def _progress(path: Path) -> dict[str, Any]:
    """What the worker said last, with the right types; empty where it said nothing yet."""
    try:
        said = read_json(path / "progress.json")
        numbers = {key: float(said[key]) for key in ("remaining", "at", "auroc", "loss") if key in said}
        return {"phase": str(said.get("phase", ""))[:80], "epoch": int(said.get("epoch", 0)), **numbers}
    except (OSError, ValueError, TypeError, RecursionError, OverflowError):
        return {}


def _history_row(line: str) -> list[dict[str, float]]:
    try:
        said = json.loads(line)
        return [{key: (int if kind == "int" else float)(said[key]) for key, kind in HISTORY.columns.items()}]
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return []


def _fits(value: object, kind: str) -> bool:
    """Whether a value read from JSON is of a field's annotated kind, as far as a later step relies on it."""
    if kind.startswith(("str", "Literal")):
        return isinstance(value, str) or (value is None and "None" in kind)
    if kind.startswith("int"):
        return (isinstance(value, int) and not isinstance(value, bool)) or (value is None and "None" in kind)
    if kind.startswith("tuple"):
        return isinstance(value, tuple) and all(isinstance(part, str) for part in value)
    return isinstance(value, dict)
