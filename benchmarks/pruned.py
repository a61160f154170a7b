"""What taking filters out costs: `python benchmarks/pruned.py`, after `paper_table.py --only '*,unpruned'`.

Every model of that method that is in `runs/` is pruned once more, at several tolerances: on the validation part, as the
recipe `peaks` does, and scored on the test part; and on one half of the validation part, scored on the other, which is
what the choice itself should be judged by.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import paper_table
from records import head, row

from argminn_core.checkpoint import load_model
from argminn_core.model import Argminn
from argminn_core.predict import metrics, predict
from argminn_core.pruning import prune

Part = tuple[np.ndarray, np.ndarray]  # codes (N, L), labels (N,)
SEED = 7  # which half a validation sequence is in


def loss(model: Argminn, part: Part) -> float:
    return metrics(part[1], predict(model, part[0]))["loss"]


def across_halves(model: Argminn, part: Part, tolerance: float) -> float:
    """By what share the loss rises on either half when the other one decided, on average."""
    codes, y = part
    order = np.random.default_rng(SEED).permutation(len(y))
    halves = [(codes[rows], y[rows]) for rows in (order[::2], order[1::2])]
    rises = [
        loss(prune(model, *chosen_on, tolerance=tolerance).model, other) / loss(model, other) - 1
        for chosen_on, other in (halves, halves[::-1])
    ]
    return float(np.mean(rises))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tolerance", type=float, action="append", help="default: .01, the recipe's")
    parser.add_argument("--runs", type=Path, default=paper_table.RESULTS.parent, help="default: %(default)s")
    options = parser.parse_args()
    columns = ["data, seed", "tolerance", "filters left", "validation loss", "its rise (standard error)",
               "across halves", "test auROC, all filters", "those left", "test loss, before and after"]  # fmt: skip
    print("\n".join(head(columns)))
    for data in paper_table.datasets().values():
        for path in sorted((options.runs / data.shelf / data.slug / "unpruned").glob("*/model.safetensors")):
            model, source = load_model(path).model, data.source(int(path.parent.name))
            codes, y = source.test
            before = metrics(y, predict(model, codes))
            for tolerance in options.tolerance or [0.01]:
                pruned = prune(model, *source.valid, tolerance=tolerance)
                after = metrics(y, predict(pruned.model, codes))
                print(row([
                    f"{data.name}, {path.parent.name}", tolerance, len(pruned.kept), f"{pruned.loss:.4f}",
                    f"{pruned.rise:.4f} ({pruned.error:.4f})",
                    f"{across_halves(model, source.valid, tolerance):+.1%}",
                    f"{before['auroc']:.4f}", f"{after['auroc']:.4f}",
                    f"{before['loss']:.4f}, {after['loss']:.4f}",
                ]), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
