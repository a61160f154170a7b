"""From data to a finished model: start, train, read the motifs, name them, score, write the folder.

What the command line's `train`, the bundled models and the app share. A run's folder holds `model.safetensors`,
`params.json`, `history.jsonl`, `metrics.json`, `dropped.tsv` and, until it is finished, `state.safetensors`.
"""

from __future__ import annotations

import json
import logging
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch

from argminn_core import __version__, warm_start
from argminn_core.annotate import annotate
from argminn_core.checkpoint import ModelBundle, save_model
from argminn_core.discover import discover
from argminn_core.errors import ConfigError, InputError
from argminn_core.fasta import Sequences
from argminn_core.instances import scan
from argminn_core.model import Argminn, ModelConfig
from argminn_core.pfm import jaspar_collection
from argminn_core.predict import metrics, predict
from argminn_core.pruning import prune
from argminn_core.readout import learn_motifs, name_motifs
from argminn_core.sources import ArraySource, Source
from argminn_core.tables import DROPPED
from argminn_core.train import (
    EpochRecord,
    TrainConfig,
    build,
    fit,
    pick_device,
    standing,
    write_atomically,
)

log = logging.getLogger(__name__)

OFF = (1.0, 0.0)
START = Literal["random", "words", "jaspar", "halves"]
_ROOM = 4  # columns of a filter beyond the widest core that it starts from
_BELOW = 3.0  # nats below the usual threshold at which such a filter is active: half of a pair is often weak


@dataclass(frozen=True)
class Recipe:
    """How a kind of data is trained: the network, the schedule, and where the filters start.

    `start` is "random"; "words", from motifs that `discover` finds in the training sequences, which also say how many
    filters there are and how wide, the model's numbers being the most that is allowed; "jaspar", from known ones; or
    "halves", from known ones, those wider than a filter as their two ends.

    With `prune` above 0, filters that the trained network can do without are taken out at the end: see `pruning.prune`,
    whose tolerance it is.
    """

    model: ModelConfig
    train: TrainConfig
    start: START = "random"
    prune: float = 0.0


# "paper" is arXiv 2410.06211's own: single strands, plain softmax, its schedule. "grammar" learns from unlimited
# simulated sequences: filters start from words, one a motif, so that nothing has to keep them apart or sparse. "peaks"
# is for a few thousand real sequences: filters start from known motifs, an additive evidence path stands beside the
# pointers, and since a thousand sequences are soon known by heart, weights decay and the best epoch is kept;
# benchmarks/README.md has the numbers behind each choice.
RECIPES: dict[str, Recipe] = {
    "paper": Recipe(ModelConfig(filters=8, width=10, strands="single"), TrainConfig()),
    "grammar": Recipe(
        ModelConfig(filters=8, width=19, null_token=True, spacing=64),
        TrainConfig(
            rate=3e-3, average=0.99, anneal=True, overlap=OFF, l1=OFF, entropy=(1e-2, 1e-2), warm_up=0.0
        ),
        start="words",
    ),
    "peaks": Recipe(
        ModelConfig(filters=24, width=19, layers=2, null_token=True, evidence=True),
        TrainConfig(
            epochs=14,
            weight_decay=1e-3,
            average=0.99,
            anneal=True,
            evidence_rate=10,
            patience=5,
            keep_best=True,
            overlap=OFF,
            l1=OFF,
            entropy=OFF,
        ),
        start="jaspar",
        prune=0.01,
    ),
}


def recipe(
    name: str,
    *,
    model: dict[str, Any] | None = None,
    train: dict[str, Any] | None = None,
    start: START | None = None,
    prune: float | None = None,
) -> Recipe:
    """A named recipe with some of its settings replaced; entries that are None are left as they are."""
    if name not in RECIPES:
        raise ConfigError("there is no such recipe", found=name, expected=", ".join(RECIPES))
    chosen = RECIPES[name]
    return replace(
        chosen,
        model=replace(chosen.model, **{k: v for k, v in (model or {}).items() if v is not None}),
        train=replace(chosen.train, **{k: v for k, v in (train or {}).items() if v is not None}),
        start=start or chosen.start,
        prune=chosen.prune if prune is None else prune,
    )


def started(recipe: Recipe, codes: np.ndarray, y: np.ndarray) -> Argminn:
    """The network as it goes into training, given training sequences, codes (N, L) with labels (N,)."""
    config, seed = recipe.model, recipe.train.seed
    if recipe.start in ("jaspar", "halves"):
        model = build(config, seed=seed)
        database = jaspar_collection()
        if recipe.start == "halves":
            database = [part for motif in database for part in warm_start.ends(motif, config.width)]
        choices = warm_start.choose(database, codes, y, count=config.filters, width=config.width)
        warm_start.start_from(model, choices)
        return model
    found = []
    if recipe.start == "words":
        found = discover(codes, y, most=config.filters, width=max(config.width - _ROOM, 1), seed=seed)
    if not found:
        return build(config, seed=seed)
    width = min(max(motif.width for motif in found) + _ROOM, config.width)
    model = build(replace(config, filters=len(found), width=width), seed=seed)
    warm_start.start_from(model, warm_start.choose_all(found, codes, y, width=width), below=_BELOW)
    warm_start.point_heads(model)
    return model


@dataclass
class Run:
    """A training in a folder. Iterate `epochs()` to its end, then `finish()` gives the model.

    `describe` is what the card says about the data: `description`, `data`, `split` and `digests`.
    """

    name: str
    source: Source
    recipe: Recipe
    out: Path
    describe: dict[str, Any]
    dropped: pd.DataFrame

    def epochs(
        self,
        *,
        resume: bool = False,
        device: str | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Iterator[EpochRecord]:
        """Train, writing the folder as it goes. With `resume` an unfinished training goes on where it was."""
        self.out.mkdir(parents=True, exist_ok=True)
        state, history = self.out / "state.safetensors", self.out / "history.jsonl"
        resume = resume and state.exists()
        if not resume:
            history.unlink(missing_ok=True)
        lines = history.read_text(encoding="utf-8").splitlines() if history.exists() else []
        self.device = str(pick_device(device))
        DROPPED.write(self.dropped, self.out / "dropped.tsv")
        params = self.out / "params.json"
        if resume and params.exists():  # the sequences may have had a say in its size
            self.model = build(
                ModelConfig(**json.loads(params.read_text())["model"]), seed=self.recipe.train.seed
            )
        else:
            self.model = started(self.recipe, *self.source.training())
        self.recipe = replace(self.recipe, model=self.model.config)
        write_atomically(params, json.dumps(self._params(), indent=1))
        for record in fit(
            self.model, self.source, self.recipe.train,
            state_path=state, resume=resume, device=device, should_stop=should_stop,
        ):  # fmt: skip
            lines = [*lines[: record.epoch - 1], json.dumps(record.to_dict())]
            write_atomically(history, "\n".join(lines) + "\n")
            self.last = record
            yield record
        if lines and not hasattr(self, "last"):  # resumed after the last epoch
            self.last = EpochRecord(**json.loads(lines[-1]))
        if self.recipe.train.keep_best and lines:
            records = [json.loads(line) for line in lines]
            ranks = [standing(record["valid_auroc"], record["valid_loss"]) for record in records]
            self.kept = ranks.index(max(ranks)) + 1
        elif lines:
            self.kept = len(lines)

    def finish(self) -> ModelBundle:
        """Take out the filters that are not needed, read and name the motifs of the others, score the held-out sets,
        write the model and its metrics.
        """
        codes, y = self.source.training()
        pruned = {}
        if self.recipe.prune:
            smaller = prune(self.model, *self.source.valid, tolerance=self.recipe.prune)
            self.model = smaller.model
            pruned = {"pruned": smaller.to_dict()}
        motifs = learn_motifs(self.model, codes)
        matches = annotate([m.motif for m in motifs if m.counts])
        if self.recipe.model.strands == "both":
            # A filter that reads both strands has no direction of its own; the database's is the one people know.
            turned = set(matches.loc[matches["strand"] == "-", "motif"])
            for motif in motifs:
                if motif.name in turned:
                    self.model.flip_filter(motif.filter)
            motifs = [motif.turned() if motif.name in turned else motif for motif in motifs]
        motifs = name_motifs(motifs, matches)
        scores = {
            part: {
                "n": len(held_y),
                "positives": int(held_y.sum()),
                **metrics(held_y, predict(self.model, held)),
            }
            for part, (held, held_y) in (("valid", self.source.valid), ("test", self.source.test))
        }
        train = self.recipe.train
        card = self.describe | {
            "metrics": scores,
            "training": {
                "seed": train.seed, "epochs": self.last.epoch, "kept_epoch": self.kept, "batches": train.batches,
                "batch_size": train.batch_size, "seconds": round(self.last.seconds, 1), "device": self.device,
                "threads": torch.get_num_threads(), "start": self.recipe.start, "settings": asdict(train),
                "argminn": __version__, "torch": torch.__version__,
                "date": time.strftime("%Y-%m-%d", time.gmtime()), **pruned,
            },
        }  # fmt: skip
        bundle = ModelBundle(self.name, self.model.requires_grad_(False), motifs, card)
        bundle = weigh(bundle, codes[y == 1])
        save_model(self.out / "model.safetensors", bundle)
        write_atomically(self.out / "metrics.json", json.dumps(scores, indent=1))
        (self.out / "state.safetensors").unlink(missing_ok=True)
        return bundle

    def _params(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "model": self.recipe.model.to_dict(),
            "train": asdict(self.recipe.train),
            "start": self.recipe.start,
            "prune": self.recipe.prune,
            "data": self.describe,
            "source": self.source.describe(),
            "versions": {
                "argminn": __version__, "torch": torch.__version__, "numpy": np.__version__,
                "python": platform.python_version(),
            },
        }  # fmt: skip


def weigh(bundle: ModelBundle, positives: np.ndarray, *, most: int = 500) -> ModelBundle:
    """Say of each motif what its instances contribute to the logit of a positive sequence, on average.

    positives : training sequences, codes (N, L); at most `most` of them are read, evenly spaced.
    """
    chosen = positives[:: max(-(-len(positives) // most), 1)]
    names = [str(row) for row in range(len(chosen))]
    calls = scan(bundle, Sequences.from_codes(names, chosen), min_contribution=None).instances
    total = calls.groupby("motif")["contribution"].sum()
    motifs = [
        replace(motif, contribution=float(total.get(motif.name, 0.0)) / max(len(chosen), 1))
        for motif in bundle.motifs
    ]
    return replace(bundle, motifs=motifs)


def two_class_source(
    positives: Sequences, negatives: Sequences | None, *, length: int | None = None, valid_fraction: float = 0.1,
    test_fraction: float = 0.1, seed: int = 0,
) -> tuple[ArraySource, pd.DataFrame]:  # fmt: skip
    """Sequences of two FASTA files as a source, split at random; and what was dropped.

    Without negatives, each positive is shuffled, keeping its dinucleotides; a shuffle stays in the part of the
    sequence that it came from. `length` is the most common one unless given; records of another length, those with
    N over a twentieth, and repeats of a sequence (either strand, either class) are dropped, so that none can sit in
    two parts of the split.
    """
    from argminn_core import dna
    from argminn_core.negatives import dinucleotide_shuffle

    if not 0 < valid_fraction < 1 or not 0 < test_fraction < 1 or valid_fraction + test_fraction >= 0.9:
        raise ConfigError(
            "the held-out fractions leave too little to train on",
            found=f"valid {valid_fraction}, test {test_fraction}", expected="two positive shares, below 0.9 together",
        )  # fmt: skip
    if length is None:
        lengths, counts = np.unique(positives.lengths, return_counts=True)
        length = int(lengths[counts.argmax()]) if len(lengths) else 0
    rows: list[dict[str, str]] = []
    seen: set[bytes] = set()

    def kept(sequences: Sequences, label: str) -> np.ndarray:
        chosen = []
        for i, name in enumerate(sequences.names):
            codes = sequences.codes_of(i)
            reason = ""
            if len(codes) != length:
                reason, detail = "other length", f"{label}, {len(codes)} bp where {length} are needed"
            elif (codes == dna.N_CODE).mean() > 0.05:
                reason, detail = "too many N", f"{label}, {(codes == dna.N_CODE).mean():.0%} N"
            else:
                key = min(codes.tobytes(), dna.reverse_complement_codes(codes).tobytes())
                if key in seen:
                    reason, detail = (
                        "duplicate",
                        f"{label}, the same sequence or its reverse complement came before",
                    )
                seen.add(key)
            if reason:
                rows.append({"record": name, "reason": reason, "detail": detail})
            else:
                chosen.append(codes)
        return np.stack(chosen) if chosen else np.zeros((0, length), dtype=np.uint8)

    good = kept(positives, "positive")
    bad = dinucleotide_shuffle(good, seed=seed) if negatives is None and len(good) else None
    if negatives is not None:
        bad = kept(negatives, "negative")
    if len(good) < 10 or bad is None or len(bad) < 10:
        raise InputError(
            "too few sequences are left to train on",
            found=f"{len(good)} positives, {0 if bad is None else len(bad)} negatives, {len(rows)} dropped",
            expected=f"at least 10 of each, of {length} bp",
        )  # fmt: skip
    rng = np.random.default_rng([seed, 1 << 46])

    def split(n: int) -> np.ndarray:
        part = np.full(n, "train", dtype="<U5")
        order = rng.permutation(n)
        held = max(1, round(n * valid_fraction))
        part[order[:held]] = "valid"
        part[order[held : held + max(1, round(n * test_fraction))]] = "test"
        return part

    of_good = split(len(good))
    of_bad = of_good if negatives is None else split(len(bad))
    y = np.repeat([1, 0], [len(good), len(bad)])
    source = ArraySource(np.concatenate([good, bad]), y, np.concatenate([of_good, of_bad]))
    return source, DROPPED.frame(rows)
