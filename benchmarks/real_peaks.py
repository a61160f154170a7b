"""A model on the held-out chromosome of a real set: `python benchmarks/real_peaks.py [MODEL] [FACTOR]`.

Reads `../shared/data/chipseq_500bp`: 500-bp windows on ChIP-seq summits against GC-matched windows and, harder, against
summits of other factors; the part named `test` is chr22, which no training here has seen.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from argminn_core import dna
from argminn_core.checkpoint import load_model
from argminn_core.pfm import jaspar
from argminn_core.predict import metrics, predict
from argminn_core.warm_start import fitted, pooled_scores
from argminn_core.zoo import resolve

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "chipseq_500bp"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="ctcf-hepg2")
    parser.add_argument("factor", nargs="?", default="CTCF")
    parser.add_argument("--matrix", default="MA0139.2", help="the PWM to compare with")
    options = parser.parse_args()
    path = DATA / f"{options.factor}_HepG2.tsv.gz"
    if not path.exists():
        print(f"skipped: {path.name} is not here")
        return
    bundle = load_model(resolve(options.model))
    table = pd.read_csv(path, sep="\t")
    matrix = jaspar(options.matrix)
    print(f"# {options.model} on {options.factor}, HepG2\n")
    print(
        "| part | negatives | peaks | negatives, n | auROC | auPRC | both strands averaged | best PWM hit |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for part in ("valid", "test"):
        for kind in ("neg_gc", "neg_open"):
            rows = table[(table["split"] == part) & table["kind"].isin(["peak", kind])]
            codes, y = dna.encode_all(list(rows["sequence"])), rows["label"].to_numpy()
            logits = predict(bundle.model, codes)
            turned = predict(bundle.model, dna.reverse_complement_codes(codes))
            score, both = metrics(y, logits), metrics(y, (logits + turned) / 2)
            _, best = pooled_scores(codes, fitted(matrix, matrix.width)[None])
            pwm = metrics(y, best[:, 0])
            print(
                f"| {part} | {kind} | {int(y.sum())} | {int(np.sum(y == 0))} | {score['auroc']:.4f} | "
                f"{score['auprc']:.4f} | {both['auroc']:.4f} | {pwm['auroc']:.4f} |"
            )
    if bundle.model.evidence is not None:
        gains = bundle.model.evidence.gain.tolist()
        order = sorted(range(len(gains)), key=lambda f: -abs(gains[f]))
        print("\nlargest gains of the evidence path: " + ", ".join(
            f"{bundle.motifs[f].name} {gains[f]:+.2f}" for f in order[:6]
        ))  # fmt: skip


if __name__ == "__main__":
    main()
