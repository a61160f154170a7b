"""Precision and recall of instances on fresh simulated positives: `python benchmarks/instances.py [MODEL GRAMMAR]`.

A call is right when it overlaps a planted motif by half of the shorter; a planted motif is found when a right call
overlaps it. Strands are compared within each pair of a learned and a planted motif. Sequences come from a seed that no
training uses.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from argminn_core.checkpoint import load_model
from argminn_core.fasta import Sequences
from argminn_core.instances import scan
from argminn_core.oracle import oracle_scores
from argminn_core.predict import metrics, predict
from argminn_core.simulate import grammar, simulate
from argminn_core.zoo import resolve

MODELS = {
    "rest": "REST", "spi1": "SPI1", "tal-gata": "TAL/GATA", "jund-tead": "JUND/TEAD", "e2f6": "E2F6",
    "spi1-ctcf": "SPI1/CTCF",
}  # fmt: skip
SEED = 20_261


def joined(calls: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Pairs of a call and a planted motif that overlap by half of the shorter."""
    calls, truth = calls.reset_index(names="call"), truth.reset_index(names="planted")
    pairs = calls.merge(truth, on="sequence", suffixes=("", "_true"))
    shared = np.minimum(pairs["end0"], pairs["end0_true"]) - np.maximum(pairs["start0"], pairs["start0_true"])
    shorter = np.minimum(pairs["end0"] - pairs["start0"], pairs["end0_true"] - pairs["start0_true"])
    return pairs[2 * shared >= shorter]


def report(name: str, rules: str, n: int) -> None:
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
    for label, least in (("paper's rule", -np.inf), ("contribution > 0.5", 0.5), ("> 1", 1.0), ("> 2", 2.0)):
        kept = calls[calls["contribution"] > least]
        pairs = joined(kept, good.truth)
        precision = pairs["call"].nunique() / max(len(kept), 1)
        recall = pairs["planted"].nunique() / len(good.truth)
        print(f"| {label} | {len(kept)} | {precision:.3f} | {recall:.3f} |")
    pairs = joined(calls[calls["contribution"] > 1], good.truth)
    same = pairs["strand"] == pairs["strand_true"]
    print("\n| motif | planted | same strand | other strand |\n|---|---|---|---|")
    for (motif, planted), rows in pairs.assign(same=same).groupby(["motif", "motif_true"]):
        print(f"| {motif} | {planted} | {rows['same'].sum()} | {(~rows['same']).sum()} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?")
    parser.add_argument("grammar", nargs="?")
    parser.add_argument("--n", type=int, default=1_000)
    options = parser.parse_args()
    pairs = [(options.model, options.grammar)] if options.grammar else MODELS.items()
    for name, rules in pairs:
        report(name, rules, options.n)


if __name__ == "__main__":
    main()
