"""The faithfulness receipt of bundled models on data that they have not seen: `benchmarks/receipt.py [MODEL ...]`.

Models of a grammar are tested on fresh positives from a seed that no training uses; a model of CTCF on the peaks
of chr22 in `../shared/data/chipseq_500bp`, which its training has not seen. Targets: deleting a call costs at least 5
times as much as deleting a window elsewhere, and the calls alone bring back at least 0.8 of the logit.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd

from argminn_core.checkpoint import load_model
from argminn_core.receipt import Receipt, receipt
from argminn_core.zoo import is_bundled, names, resolve
from argminn_core.zoo.evidence import held_out

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def cell(row: pd.Series) -> str:
    if not np.isfinite(row["value"]):
        return "-"
    text = f"{row['value']:.3g}"
    if np.isfinite(row["low"]):
        text += f" [{row['low']:.3g}, {row['high']:.3g}]"
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", help="which; all bundled ones where left out")
    parser.add_argument("--n", type=int, default=500, help="simulated positives")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    made: dict[str, Receipt] = {}
    for name in options.models or [name for name in names() if is_bundled(name)]:
        bundle = load_model(resolve(name))
        unseen = held_out(bundle, options.data, n=options.n)
        if isinstance(unseen, str):
            print(f"- {name}: skipped, {unseen}")
            continue
        start = time.perf_counter()
        made[name] = receipt(bundle, unseen.positives, seed=options.seed)
        seconds = time.perf_counter() - start
        tested = f"{made[name].sequences} tested, {made[name].calls} calls, {seconds:.1f} s"
        print(f"- {name}: {unseen.what}, {tested}. {made[name].verdict}")
    if not made:
        return
    tests = list(dict.fromkeys(test for each in made.values() for test in each.table["test"]))
    targets = {row.test: row.target for each in made.values() for row in each.table.itertuples()}
    print(f"\n| test | target | {' | '.join(made)} |\n|---|---|{'---|' * len(made)}")
    for test in tests:
        cells = []
        for each in made.values():
            rows = each.table[each.table["test"] == test]
            cells.append(
                cell(rows.iloc[0]) + " **missed**" * (rows.iloc[0]["passed"] == "no") if len(rows) else "-"
            )
        target = f">= {targets[test]:g}" if np.isfinite(targets[test]) else ""
        print(f"| {test} | {target} | {' | '.join(cells)} |")
    print("\nn:", "; ".join(f"{name} {_counts(each)}" for name, each in made.items()))


def _counts(made: Receipt) -> str:
    n = made.table.set_index("test")["n"]
    kept = [
        test
        for test in ("necessity", "sufficiency", "pairs intact, called", "agreement, Pearson")
        if test in n
    ]
    return ", ".join(f"{test.partition(',')[0]} {n[test]}" for test in kept)


if __name__ == "__main__":
    main()
