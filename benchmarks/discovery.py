"""Which motifs each method discovers in simulated sequences: `python benchmarks/discovery.py`, then `--table`.

Reads the models that `paper_table.py` trained and kept, and matches what they learned with the motifs that the grammar
planted. A method's motifs: for `ours` and `paper` the filters that count (`argminn_core.readout`); for `explainn` the
windows that activate a filter to half of its largest, by the same rule; for `cnn` the patterns that MoDISco makes of
DeepLIFT/SHAP (tangermeme). All see the reference sequences of training.

A motif is matched with the planted motif of the smallest Tomtom p-value, p-values among all of JASPAR's vertebrates,
and is extraneous unless that is worth an E-value of at most 0.1. On the planted matrices themselves their noisy copies
and halves stay below 0.001, and another one of the same grammar above 3. Motifs that are not extraneous are written to
`runs/discovery/*.meme`, where `instances.py` finds them.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import baselines  # noqa: E402
from paper_table import METHODS, Task, add_choices, tasks_of  # noqa: E402
from records import append_line, head, read_lines, row, three  # noqa: E402

from argminn_core import dna  # noqa: E402
from argminn_core.annotate import MIN_BITS  # noqa: E402
from argminn_core.checkpoint import load_model  # noqa: E402
from argminn_core.grammars import GRAMMARS, Grammar, motifs_of  # noqa: E402
from argminn_core.pfm import Motif, information, jaspar_collection, to_meme  # noqa: E402
from argminn_core.readout import FEW_WINDOWS, MIN_CORE, MIN_MEAN_BITS  # noqa: E402
from argminn_core.train import pick_device, write_atomically  # noqa: E402

log = logging.getLogger("discovery")

MAX_E = 0.1
TRIM_SHARE = 0.3  # MoDISco's own report trims a pattern to columns with so much of its largest contribution


def filter_motifs(
    model: baselines.ExplaiNN, codes: np.ndarray, *, share: float = 0.5, batch: int = 256
) -> list[Motif]:
    """The motifs of ExplaiNN's filters that count, by the rule of `argminn_core.readout`, from codes (N, L)."""
    units, width = model.config["units"], model.config["width"]
    offsets = np.arange(width)
    counts, top = np.zeros((units, 4, width)), torch.full((units,), -torch.inf)
    batches = [codes[start : start + batch] for start in range(0, len(codes), batch)]
    with torch.inference_mode():
        for part in batches:
            top = torch.maximum(top, model.match(dna.one_hot(part)).amax(dim=(0, 2)))
        for part in batches:
            # The activation is the exponential of the match: half of it is a logarithm of two less.
            above = model.match(dna.one_hot(part)) > (top + np.log(share))[None, :, None]
            n, unit, place = (index.numpy() for index in above.nonzero(as_tuple=True))
            windows = part[n[:, None], place[:, None] + offsets]
            known = (windows < dna.N_CODE).all(axis=1)
            np.add.at(counts, (unit[known, None], windows[known], offsets), 1)
    motifs = []
    for unit, count in enumerate(counts):
        number = int(count[:, 0].sum())
        if number < FEW_WINDOWS:
            continue
        motif = Motif(f"filter_{unit + 1:03d}", count / number, nsites=number)
        core = motif.columns(*motif.core()) if motif.core()[1] else None
        if core is not None and core.width >= MIN_CORE and core.information.mean() >= MIN_MEAN_BITS:
            motifs.append(core)
    return motifs


class _Column(torch.nn.Module):
    """A model whose logit is a column (N, 1), as tangermeme wants it."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        return self.model(X)[:, None]


def attributions(
    model: torch.nn.Module, codes: np.ndarray, *, shuffles: int, seed: int, device: str | None = None
) -> np.ndarray:
    """Hypothetical DeepLIFT/SHAP attributions (N, 4, L) against dinucleotide shuffles of each sequence."""
    from tangermeme.deep_lift_shap import deep_lift_shap
    from tangermeme.ersatz import dinucleotide_shuffle

    X = dna.one_hot(codes)
    seeds = (
        np.random.SeedSequence(seed).generate_state(len(codes)) >> 1
    )  # one each, as `negatives.py` explains
    references = dinucleotide_shuffle(X, n=shuffles, random_state=seeds.tolist())
    return deep_lift_shap(
        _Column(model).eval(), X, references=references, hypothetical=True, batch_size=256,
        device=str(pick_device(device)),
    ).cpu().numpy()  # fmt: skip


def modisco_motifs(codes: np.ndarray, hypothetical: np.ndarray, *, seqlets: int) -> list[Motif]:
    """The patterns that MoDISco makes of attributions (N, 4, L), of both signs, trimmed as in its report.

    Parameters
    ----------
    seqlets : at most so many of each sign; the time grows with their square.
    """
    from modiscolite.tfmodisco import TFMoDISco

    found = TFMoDISco(
        dna.one_hot(codes).numpy().transpose(0, 2, 1), hypothetical.transpose(0, 2, 1),
        max_seqlets_per_metacluster=seqlets,
    )  # fmt: skip
    motifs = []
    for sign, patterns in zip(("pos", "neg"), found, strict=True):
        for number, pattern in enumerate(patterns or []):
            weight = np.abs(pattern.contrib_scores).sum(axis=1)
            kept = np.flatnonzero(weight >= TRIM_SHARE * weight.max())
            pfm = pattern.sequence[kept[0] : kept[-1] + 1].T
            name = f"{sign}_{number + 1:02d}"
            motifs.append(Motif(name, pfm / pfm.sum(axis=0), nsites=len(pattern.seqlets)))
    return motifs


def similarity(motif: np.ndarray, planted: np.ndarray) -> tuple[float, str]:
    """Largest correlation of a PFM (4, W) with a planted one, over all shifts and both strands; and the strand.

    Over the columns of the planted motif, where what `motif` does not reach counts as uniform: half a motif is no
    whole one.
    """
    best, width = (-1.0, "+"), planted.shape[1]
    for strand, matrix in (("+", motif), ("-", motif[::-1, ::-1])):
        flanked = np.pad(matrix, ((0, 0), (width, width)), constant_values=0.25)
        for start in range(1, flanked.shape[1] - width):
            piece = flanked[:, start : start + width]
            if piece.std() > 0:
                best = max(best, (float(np.corrcoef(piece.ravel(), planted.ravel())[0, 1]), strand))
    return best


def match(motifs: Sequence[Motif], grammar: Grammar) -> pd.DataFrame:
    """One row a discovered motif: motif, consensus, planted (empty when extraneous), e_value, similarity, strand."""
    planted = motifs_of(grammar)
    rows = []
    e_values = _e_values([motif.pfm for motif in motifs], [motif.pfm for motif in planted.values()])
    for motif, of in zip(motifs, e_values, strict=True):
        nearest = int(of.argmin())
        name = list(planted)[nearest]
        alike, strand = similarity(motif.pfm, planted[name].pfm)
        hit = of[nearest] <= MAX_E
        rows.append(
            {
                "motif": motif.name, "consensus": motif.consensus, "nsites": motif.nsites,
                "planted": name if hit else "", "e_value": float(of[nearest]),
                "similarity": alike if hit else float("nan"), "strand": strand if hit else "",
            }
        )  # fmt: skip
    columns = ["motif", "consensus", "nsites", "planted", "e_value", "similarity", "strand"]
    return pd.DataFrame(rows, columns=columns)


def _e_values(queries: list[np.ndarray], planted: list[np.ndarray]) -> np.ndarray:
    """Tomtom E-values (queries, planted): how many of the whole database would match as well by chance."""
    from memelite import tomtom

    database = [*planted, *(motif.pfm for motif in jaspar_collection())]
    values = np.full((len(queries), len(planted)), np.inf)
    # Tomtom takes flat matrices for alike (`annotate.py`), so they match nothing.
    sharp = [i for i, pfm in enumerate(queries) if information(pfm).mean() >= MIN_BITS]
    if sharp:
        p_values = tomtom([queries[i] for i in sharp], database)[0]
        values[sharp] = p_values[:, : len(planted)] * len(database)
    return values


def summary(matches: pd.DataFrame, grammar: Grammar, *, tied: bool) -> dict[str, Any]:
    """How well the planted motifs were discovered.

    `times` says how often each was found; for methods that read one strand (`tied=False`) on each strand, since they
    need a filter for both. `redundancy` is how often a motif was found that was found at all, an orientation that has
    to be found for itself being one of its own; 1 is best. `similarity` is the mean of the best of each.
    """
    hits = matches[matches["planted"] != ""]
    times = {name: [] for name in motifs_of(grammar)}
    for name, group in hits.groupby("planted"):
        strands = [len(group)] if tied else [int((group["strand"] == s).sum()) for s in "+-"]
        times[name] = [count for count in strands if count]
    found = [count for counts in times.values() for count in counts]
    return {
        "relevant": len(times),
        "recovered": sum(bool(counts) for counts in times.values()),
        "times": times,
        "redundancy": sum(found) / len(found) if found else None,
        "similarity": float(hits.groupby("planted")["similarity"].max().mean()) if len(hits) else None,
        "extraneous": int((matches["planted"] == "").sum()),
        "motifs": len(matches),
    }


def discover(task: Task, options: argparse.Namespace) -> list[Motif]:
    """The motifs of one trained model."""
    path = task.folder / "model.safetensors"
    if task.method in ("ours", "paper"):
        return [learned.motif for learned in load_model(path).motifs if learned.counts]
    model = baselines.load(path)
    codes, y = task.dataset.source(task.seed).training()
    if task.method == "explainn":
        return filter_motifs(model, codes)
    half = options.sequences // 2
    chosen = np.concatenate([np.flatnonzero(y == label)[:half] for label in (1, 0)])
    hypothetical = attributions(
        model, codes[chosen], shuffles=options.shuffles, seed=task.seed, device=options.device
    )
    return modisco_motifs(codes[chosen], hypothetical, seqlets=options.seqlets)


def run(task: Task, options: argparse.Namespace) -> dict[str, Any]:
    """One line of the results."""
    started = time.perf_counter()
    grammar = GRAMMARS[task.dataset.name]
    motifs = discover(task, options)
    matches = match(motifs, grammar)
    folder = options.out.parent / "discovery"
    folder.mkdir(parents=True, exist_ok=True)
    relevant = [motif for motif, planted in zip(motifs, matches["planted"], strict=True) if planted]
    write_atomically(folder / f"{task.dataset.slug}-{task.method}-{task.seed}.meme", to_meme(relevant))
    tied = task.method != "explainn" and task.method != "paper"
    return {
        **dict(zip(("dataset", "method", "seed", "model"), key_of(task, options), strict=True)),
        **summary(matches, grammar, tied=tied), "found": matches.replace({np.nan: None}).to_dict("records"),
        "seconds": round(time.perf_counter() - started, 1),
    }  # fmt: skip


def key_of(task: Task, options: argparse.Namespace) -> tuple[str, str, int, str]:
    """What a finished discovery is known by: the model's content, and for the CNN how it was asked."""
    content = (task.folder / "model.safetensors").read_bytes()
    asked = f"{options.sequences},{options.shuffles},{options.seqlets}" if task.method == "cnn" else ""
    name = hashlib.sha256(content + asked.encode()).hexdigest()[:16]
    return (task.dataset.name, task.method, task.seed, name)


def table(records: Sequence[dict[str, Any]]) -> str:
    """Markdown: a row a data set and method, mean over seeds, and the worst seed where it counts."""
    lines = ["## Motifs discovered, means over seeds", ""]
    lines += head(
        [
            "data",
            "method",
            "seeds",
            "recovered, worst seed",
            "redundancy",
            "similarity",
            "extraneous",
            "times found, by seed",
        ]
    )
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for record in records:
        groups.setdefault((record["dataset"], record["method"]), []).append(record)
    for (name, method), group in groups.items():
        mean = {
            key: [record[key] for record in group if record[key] is not None]
            for key in ("redundancy", "similarity", "extraneous")
        }
        cells = [
            f"{np.mean(mean['redundancy']):.2f}" if mean["redundancy"] else "–",
            three(float(np.mean(mean["similarity"]))) if mean["similarity"] else "–",
            f"{np.mean(mean['extraneous']):.1f}",
        ]
        worst = min(record["recovered"] for record in group)
        times = "; ".join(
            ", ".join(
                f"{motif} {'+'.join(map(str, counts)) or 0}" for motif, counts in record["times"].items()
            )
            for record in group
        )
        lines.append(
            row([name, METHODS[method], len(group), f"{worst} of {group[0]['relevant']}", *cells, times])
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Discover in every model that is there, or print; 1 when one failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_choices(parser)
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "discovery.jsonl")
    parser.add_argument(
        "--sequences", type=int, default=1000, help="that the CNN is explained on, half positive"
    )
    parser.add_argument("--shuffles", type=int, default=10, help="references of DeepLIFT/SHAP for each")
    parser.add_argument("--seqlets", type=int, default=2000, help="that MoDISco clusters, of each sign")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    tasks = [t for t in tasks_of(options) if t.dataset.simulated and t.method not in ("oracle", "pwm")]
    trained = [t for t in tasks if (t.folder / "model.safetensors").exists()]
    log.info("%d of %d models are trained", len(trained), len(tasks))
    known = {tuple(r[k] for k in ("dataset", "method", "seed", "model")): r for r in read_lines(options.out)}
    keys = {key_of(task, options): task for task in trained}
    if options.table:
        sys.stdout.write(table([known[key] for key in keys if key in known]))
        return 0
    failed = 0
    for key, task in keys.items():
        if key in known:
            continue
        try:
            record = run(task, options)
        except Exception:
            log.exception("%s, %s, seed %d failed", *key[:3])
            failed = 1
            continue
        append_line(options.out, record)
        log.info("%s, %s, seed %d: %d of %d motifs", *key[:3], record["recovered"], record["relevant"])
    return failed


if __name__ == "__main__":
    sys.exit(main())
