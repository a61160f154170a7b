"""Are the q-values of instances what they say? `python benchmarks/calibration.py [MODEL ...] [--figure FILE]`.

Prints Markdown. For each bundled model of a simulated grammar, on sequences that no training has seen: the share of
false calls at several q-values, beside what plain shuffles would give (nothing kept in place, per motif), and how much
is called in data without any motif. A call is false when it overlaps no planted motif by half of the shorter. Seeds
are 41,000 + 10 a repeat.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from argminn_core.backgrounds import uniform_codes
from argminn_core.checkpoint import ModelBundle, load_model
from argminn_core.datasets import grammar_of
from argminn_core.decoys import q_values, shuffled, target_decoy
from argminn_core.fasta import Sequences
from argminn_core.grammars import Grammar
from argminn_core.instances import scan
from argminn_core.negatives import dinucleotide_shuffle
from argminn_core.overlaps import overlapping
from argminn_core.plot.calibration import calibration_figure
from argminn_core.simulate import simulate
from argminn_core.zoo import names, resolve

SEED = 41_000
LEVELS = (0.01, 0.05, 0.1, 0.2)


def models_of_grammars(wanted: list[str]) -> list[tuple[ModelBundle, Grammar]]:
    bundles = [load_model(resolve(name)) for name in wanted or names()]
    return [(bundle, rule) for bundle in bundles if (rule := grammar_of(bundle.card)) is not None]


def plain(bundle: ModelBundle, sequences: Sequences, calls: pd.DataFrame, seed: int) -> np.ndarray:
    """q-values (N,) from shuffles that keep nothing in place."""
    decoys = shuffled(sequences, calls.iloc[:0], length=bundle.model.config.length, seed=seed)
    false = scan(bundle, decoys, min_contribution=None).instances
    q = np.ones(len(calls))
    for motif in calls["motif"].unique():
        mine = (calls["motif"] == motif).to_numpy()
        score = calls["contribution"].to_numpy()[mine]
        q[mine] = target_decoy(score, false.loc[false["motif"] == motif, "contribution"], score, shuffles=1)
    return q


def with_truth(bundle: ModelBundle, rule: Grammar, n: int, repeats: int) -> pd.DataFrame:
    """Calls and false ones: a row for each set, repeat, way and level."""
    rows = []
    for seed in SEED + 10 * np.arange(repeats):
        good = simulate(rule, n, seed=seed)
        bad = simulate(rule, n, seed=seed + 1, positives=False)
        both = np.concatenate([good.codes, bad.codes])
        for label, codes in (("positives and negatives", both), ("positives alone", good.codes)):
            sequences = Sequences.from_codes([*good.names, *bad.names][: len(codes)], codes)
            truth = pd.concat([good.truth, bad.truth])
            calls = scan(bundle, sequences, min_contribution=None).instances
            false = ~overlapping(calls, truth)
            ours = q_values(bundle, sequences, calls, seed=seed + 2)["q_value"].to_numpy()
            for way, q in (("kept", ours), ("plain", plain(bundle, sequences, calls, seed + 3))):
                for level in LEVELS:
                    called = q <= level
                    rows.append((label, way, level, called.sum(), (called & false).sum()))
    return pd.DataFrame(rows, columns=["set", "way", "level", "calls", "false"])


def without_motifs(bundle: ModelBundle, rule: Grammar, n: int, repeats: int) -> list[str]:
    """Lines of Markdown: what is called at q <= 0.05 where there is nothing."""
    lines = []
    for label in ("uniform letters", "shuffled positives"):
        sets, motifs, calls, instances, touched = 0, 0, 0, 0, 0
        for seed in SEED + 5_000 + 10 * np.arange(repeats):
            codes = uniform_codes(np.random.default_rng(seed), n, bundle.model.config.length)
            if label == "shuffled positives":
                codes = dinucleotide_shuffle(simulate(rule, n, seed=seed).codes, seed=int(seed) + 1)
            sequences = Sequences.from_codes([str(i) for i in range(n)], codes)
            found = scan(bundle, sequences, min_contribution=None).instances
            q = q_values(bundle, sequences, found, seed=int(seed) + 2)
            called = q[q["q_value"] <= 0.05]
            sets += len(called) > 0
            motifs += called["motif"].nunique()
            calls, instances = calls + len(called), instances + len(found)
            touched += called["sequence"].nunique()
        lines.append(
            f"| {bundle.name} | {label} | {touched / (n * repeats):.4f} | {calls / max(instances, 1):.4f} "
            f"| {sets} of {repeats} | {motifs} of {repeats * len(bundle.motifs)} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", help="all of simulated grammars where left out")
    parser.add_argument("--n", type=int, default=1_000, help="positives, and as many negatives")
    parser.add_argument("--repeats", type=int, default=3, help="0: only the data without motifs")
    parser.add_argument("--null-n", type=int, default=300, help="sequences of a set without motifs")
    parser.add_argument("--null-repeats", type=int, default=20)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    pairs = models_of_grammars(options.models)
    print(
        f"{options.repeats} repeats of {options.n} positives and {options.n} negatives, summed; seeds from {SEED}\n"
    )
    heads = "".join(f" q <= {level:g} |" for level in LEVELS)
    print(f"| model | sequences | decoys |{heads}\n|---|---|---|{'---|' * len(LEVELS)}")
    drawn = []
    for bundle, rule in pairs if options.repeats else []:
        rates = with_truth(bundle, rule, options.n, options.repeats)
        for (label, way), part in rates.groupby(["set", "way"], sort=False):
            sums = part.groupby("level")[["calls", "false"]].sum()
            cells = "".join(
                f" {f / max(c, 1):.3f} ({f:,} of {c:,}) |" for c, f in sums.itertuples(index=False)
            )
            print(f"| {bundle.name} | {label} | {way} |{cells}", flush=True)
            if way == "kept":
                drawn += [(label, bundle.name, q, f / max(c, 1)) for q, c, f in sums.itertuples()]
    print(
        f"\nWithout motifs: {options.null_repeats} sets of {options.null_n} sequences, called at q <= 0.05\n"
    )
    print(
        "| model | sequences | share of sequences | share of instances | sets with a call | their motifs |"
        "\n|---|---|---|---|---|---|"
    )
    for bundle, rule in pairs:
        print("\n".join(without_motifs(bundle, rule, options.null_n, options.null_repeats)), flush=True)
    if options.figure:
        frame = pd.DataFrame(drawn, columns=["panel", "series", "nominal", "realised"])
        options.figure.write_bytes(calibration_figure(frame))


if __name__ == "__main__":
    main()
