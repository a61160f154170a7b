"""Precision and recall of instances on fresh simulated positives: `python benchmarks/instances.py [MODEL GRAMMAR]`.

A call is right when it overlaps a planted motif by half of the shorter; a planted motif is found when a right call
overlaps it. Strands are compared within each pair of a learned and a planted motif. Sequences come from a seed that no
training uses.

Beside it, what others find whose calls are ranked and cut where the precision is still .97: FIMO (memelite, both
strands, p < 1e-3) with the motifs that the model learned and with those that were planted, and the oracle that knows
the grammar too; with `--modisco`, FIMO with the motifs that MoDISco made of the CNN's attributions, as far as
`discovery.py` could match them with planted ones. At the same cut, how many of the motifs are called that negatives
hold, where their rule is broken.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from paper_table import LENGTH, Dataset
from records import head, row

from argminn_core import dna
from argminn_core.checkpoint import ModelBundle, load_model
from argminn_core.fasta import Sequences
from argminn_core.grammars import Grammar, grammar, motifs_of
from argminn_core.instances import scan
from argminn_core.occupancy import occupied, sites
from argminn_core.oracle import oracle_scores, oracle_sites
from argminn_core.pfm import Motif, read_meme
from argminn_core.predict import metrics, predict
from argminn_core.regions import tile
from argminn_core.simulate import Simulated, simulate
from argminn_core.zoo import resolve

MODELS = {
    "rest": "REST", "spi1": "SPI1", "tal-gata": "TAL/GATA", "jund-tead": "JUND/TEAD", "e2f6": "E2F6",
    "spi1-ctcf": "SPI1/CTCF",
}  # fmt: skip
SEED = 20_261
PRECISION = 0.97
WEAK = 1e-3  # p-value up to which FIMO lists a match
FAINT = 0.01  # probability from which the oracle lists a place


def joined(calls: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Pairs of a call and a planted motif that overlap by half of the shorter."""
    calls, truth = calls.reset_index(names="call"), truth.reset_index(names="planted")
    pairs = calls.merge(truth, on="sequence", suffixes=("", "_true"))
    shared = np.minimum(pairs["end0"], pairs["end0_true"]) - np.maximum(pairs["start0"], pairs["start0_true"])
    shorter = np.minimum(pairs["end0"] - pairs["start0"], pairs["end0_true"] - pairs["start0_true"])
    return pairs[2 * shared >= shorter]


@dataclass(frozen=True)
class Cut:
    """Calls from the best down to the score `least`: how many, and what share of the planted motifs they find."""

    calls: int
    recall: float
    least: float


def cut(calls: pd.DataFrame, truth: pd.DataFrame, *, precision: float = PRECISION) -> Cut:
    """As many of the best calls, by `score`, as keep the precision; calls of one score go together."""
    calls = calls.sort_values("score", ascending=False, ignore_index=True)
    pairs = joined(calls, truth)
    right = np.zeros(len(calls), dtype=bool)
    right[pairs["call"].unique()] = True
    number = np.arange(1, len(calls) + 1)
    score = calls["score"].to_numpy()
    last = np.append(score[1:] < score[:-1], True)[: len(calls)]
    enough = np.flatnonzero(last & (np.cumsum(right) >= precision * number))
    if not len(enough):
        return Cut(0, 0.0, np.inf)
    kept = int(enough[-1]) + 1
    found = pairs.loc[pairs["call"] < kept, "planted"].nunique()
    return Cut(kept, found / len(truth), float(score[kept - 1]))


def fimo_calls(motifs: Mapping[str, np.ndarray], made: Simulated) -> pd.DataFrame:
    """FIMO's matches of PFMs (4, W), scored by -log10 p."""
    from memelite import fimo

    tables = fimo(dict(motifs), dna.one_hot(made.codes).numpy(), threshold=WEAK)
    hits = pd.concat([table for table in tables if len(table)], ignore_index=True)
    return pd.DataFrame({
        "sequence": np.array(made.names)[hits["sequence_name"].to_numpy(int)], "motif": hits["motif_name"],
        "start0": hits["start"].astype(int), "end0": hits["end"].astype(int), "strand": hits["strand"],
        "score": -np.log10(np.maximum(hits["p-value"].to_numpy(float), 1e-300)),
    })  # fmt: skip


def oracle_calls(rule: Grammar, made: Simulated) -> pd.DataFrame:
    """Places that the oracle takes for sites of a positive, scored by how probably they are, classes being equal."""
    positive = 1 / (1 + np.exp(-oracle_scores(rule, made.codes)))
    parts = []
    for name, probable in oracle_sites(rule, made.codes).items():
        probable *= positive[:, None, None]
        row, strand, start = np.nonzero(probable >= FAINT)
        parts.append(pd.DataFrame({
            "sequence": np.array(made.names)[row], "motif": name, "start0": start,
            "end0": start + motifs_of(rule)[name].width, "strand": np.array(["+", "-"])[strand],
            "score": probable[row, strand, start],
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def beside(
    bundle: ModelBundle, rule: Grammar, good: Simulated, bad: Simulated, discovered: Sequence[Motif]
) -> None:
    """Print what each way of calling finds at the same precision; `discovered` are MoDISco's motifs, if any."""

    def ours(by: str, made: Simulated) -> pd.DataFrame:
        calls = scan(bundle, Sequences.from_codes(made.names, made.codes), min_contribution=None).instances
        return calls.assign(score=calls[by])

    def probable(made: Simulated) -> pd.DataFrame:
        calls = sites(bundle, Sequences.from_codes(made.names, made.codes), min_probability=0)
        return calls.assign(score=calls["probability"])

    def letters(made: Simulated) -> pd.DataFrame:
        sequences = Sequences.from_codes(made.names, made.codes)
        windows, _ = tile(sequences, length=made.codes.shape[1])
        calls = occupied({name: motif.pfm for name, motif in motifs_of(rule).items()}, windows)
        return calls.assign(score=calls["occupancy"])

    searched = {
        "our motifs": {motif.name: motif.motif.trimmed().pfm for motif in bundle.motifs if motif.counts},
        "the planted motifs": {name: motif.pfm for name, motif in motifs_of(rule).items()},
        "MoDISco's motifs": {motif.name: motif.pfm for motif in discovered},
    }
    ways: dict[str, Callable[[Simulated], pd.DataFrame]] = {
        "ours, by contribution": partial(ours, "contribution"),
        "ours, by activation": partial(ours, "activation"),
        "ours, sites by probability": probable,
        **{f"FIMO with {label}": partial(fimo_calls, pfms) for label, pfms in searched.items() if pfms},
        "occupancy of the planted motifs": letters,
        "the oracle, which knows the grammar": partial(oracle_calls, rule),
    }
    print(f"\nAt a precision of {PRECISION}:\n")
    print("\n".join(head(["calls", "number", "recall", "called in negatives, of the motifs there"])))
    for label, calls_of in ways.items():
        at = cut(calls_of(good), good.truth)
        decoys = "–"
        if len(bad.truth):
            calls = calls_of(bad)
            pairs = joined(calls[calls["score"] >= at.least], bad.truth)
            decoys = f"{pairs['planted'].nunique() / len(bad.truth):.3f}"
        print(row([label, at.calls, f"{at.recall:.3f}", decoys]), flush=True)


def report(name: str, rules: str, n: int, discovered: Sequence[Motif] = ()) -> None:
    bundle, rule = load_model(resolve(name)), grammar(rules)
    good = simulate(rule, n, seed=SEED)
    bad = simulate(rule, n, seed=SEED + 1, positives=False)
    codes, y = np.concatenate([good.codes, bad.codes]), np.repeat([1, 0], n)
    ours = metrics(y, predict(bundle.model, codes))["auroc"]
    ceiling = metrics(y, oracle_scores(rule, codes))["auroc"]
    calls = scan(bundle, Sequences.from_codes(good.names, good.codes), min_contribution=None).instances
    print(f"\n## {name} on {n} fresh positives and {n} negatives of {rules}\n")
    print(f"auROC {ours:.4f}; oracle {ceiling:.4f}\n")
    print("| calls | number | precision | recall |\n|---|---|---|---|")
    rows = {"paper's rule": calls}
    rows |= {f"contribution > {least}": calls[calls["contribution"] > least] for least in (0.5, 1, 2)}
    probable = sites(bundle, Sequences.from_codes(good.names, good.codes))
    rows |= {f"sites, probability > {p}": probable[probable["probability"] > p] for p in (0.5, 0.9, 0.97)}
    for label, kept in rows.items():
        pairs = joined(kept, good.truth)
        precision = pairs["call"].nunique() / max(len(kept), 1)
        recall = pairs["planted"].nunique() / len(good.truth)
        print(f"| {label} | {len(kept)} | {precision:.3f} | {recall:.3f} |")
    pairs = joined(calls[calls["contribution"] > 1], good.truth)
    same = pairs["strand"] == pairs["strand_true"]
    print("\n| motif | planted | same strand | other strand |\n|---|---|---|---|")
    for (motif, planted), rows in pairs.assign(same=same).groupby(["motif", "motif_true"]):
        print(f"| {motif} | {planted} | {rows['same'].sum()} | {(~rows['same']).sum()} |")
    beside(bundle, rule, good, bad, discovered)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?")
    parser.add_argument("grammar", nargs="?")
    parser.add_argument("--n", type=int, default=1_000)
    parser.add_argument("--modisco", type=Path, metavar="FOLDER", help="runs/discovery, of `discovery.py`")
    options = parser.parse_args()
    pairs = [(options.model, options.grammar)] if options.grammar else MODELS.items()
    for name, rules in pairs:
        slug = Dataset(rules, LENGTH).slug
        discovered = read_meme(options.modisco / f"{slug}-cnn-0.meme") if options.modisco else []
        report(name, rules, options.n, discovered)


if __name__ == "__main__":
    main()
