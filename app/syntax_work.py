"""What the Syntax page has done in the background; `services` keeps the jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from app.background import CORES, TURN, Progress
from argminn_core.causal import PairScan, Planter, causal_scan
from argminn_core.checkpoint import ModelBundle
from argminn_core.datasets import grammar_of
from argminn_core.errors import ConfigError
from argminn_core.fasta import Sequences, read_fasta, to_fasta
from argminn_core.instances import Scan, scan
from argminn_core.rules import Rules, find_rules, with_controls
from argminn_core.simulate import both_classes
from argminn_core.syntax import Syntax, arrangements_of, observe


@dataclass(frozen=True, eq=False)
class Observed:
    """What stands together in sequences and controls.

    sequences : both, the last `controls` of them controls. found : every call, those of little worth too. logits :
    the highest of each sequence. dropped : DROPPED of both.
    """

    sequences: Sequences
    controls: int
    found: Scan
    syntax: Syntax
    logits: pd.Series
    dropped: pd.DataFrame


def observed(
    model: ModelBundle, raw: bytes, controls: bytes, *, ambiguous: bool, limits: dict[str, int],
    progress: Progress,
) -> Observed:  # fmt: skip
    """Read FASTA bytes and count pairs.

    Raises
    ------
    InputError : the bytes are not FASTA of DNA, or exceed the `limits` of `read_fasta`.
    """
    letters = "N" if ambiguous else "error"
    sequences, dropped = read_fasta(raw, ambiguous=letters, **limits)
    parts, others = [dropped], 0
    if controls:
        against, dropped = read_fasta(controls, ambiguous=letters, **limits)
        sequences, others = with_controls(sequences, against), len(against)
        parts.append(dropped)
    found = scan(model, sequences, min_contribution=None, threads=CORES, progress=progress)
    logits = found.predictions.groupby("sequence")["logit"].max()
    dropped = pd.concat([*parts, found.dropped], ignore_index=True)
    return Observed(sequences, others, found, observe(found.instances, sequences), logits, dropped)


class _Turns(Planter):
    """A planter that tells how many arrangements it has planted, and takes turns with those of other visitors."""

    def __init__(self, model: ModelBundle, tell: Callable[[int], None]) -> None:
        self._tell, self._scans = tell, 0
        super().__init__(model)

    def scan(self, *args: object, **kwargs: object) -> PairScan:
        self._tell(self._scans)
        self._scans += 1
        with TURN:
            return super().scan(*args, **kwargs)


def planted(model: ModelBundle, a: str, b: str, progress: Progress) -> pd.DataFrame:
    """CAUSAL of two motifs planted at every gap."""
    total = len(arrangements_of(a, b))
    return causal_scan(_Turns(model, lambda done: progress(done, total)), a, b)[0]


def rules(model: ModelBundle, seen: Observed, progress: Progress) -> Rules:
    """The rules of what was observed; progress counts pairs of motifs."""
    place = (0, max(len(seen.syntax.pairs), 1))

    def tell(done: int, total: int) -> None:
        nonlocal place
        place = done, total
        progress(done, total)

    # Planting asks in the middle of a pair whether to go on.
    planter = _Turns(model, lambda _: progress(*place))
    return find_rules(model, seen.sequences, seen.found, planter=planter, progress=tell)


def simulated(model: ModelBundle, *, n: int = 300, seed: int = 11) -> tuple[bytes, bytes]:
    """FASTA of `n` positives and of `n` negatives of the grammar that a model was trained on.

    Raises
    ------
    ConfigError : the model has none, or one that this version does not know.
    """
    origin = grammar_of(model.card)
    if origin is None:
        raise ConfigError(f"{model.name} was not trained on a grammar that is known here")
    return tuple(
        to_fasta((name, part.text(i)) for i, name in enumerate(part.names)).encode("ascii")
        for part in both_classes(origin, n, length=model.length, seed=seed)
    )
