"""One model on sequences unlike those it was trained on: `python benchmarks/robustness.py [MODEL ...]`.

Fresh positives and negatives of the model's grammar, in backgrounds of 5 to 95 % GC, and 200 to 2,000 bp long; auROC of
the model and of the oracle, which knows the background. Other lengths are read in two ways: by the same weights in a
network of that length, and as `argminn predict` reads them, in windows, of which the highest counts, or padded with N.
Nothing is trained: models learned from 500 bp of uniform letters.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
from records import head, row, three

from argminn_core.checkpoint import ModelBundle, load_model
from argminn_core.datasets import grammar_of
from argminn_core.errors import ConfigError
from argminn_core.fasta import Sequences
from argminn_core.grammars import Grammar
from argminn_core.model import Argminn
from argminn_core.oracle import oracle_scores
from argminn_core.predict import metrics, predict, predict_sequences
from argminn_core.simulate import simulate
from argminn_core.zoo import resolve

MODELS = ("rest", "spi1", "tal-gata", "jund-tead", "e2f6", "spi1-ctcf")
GC = (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95)
LENGTHS = (200, 300, 500, 1_000, 2_000)
SEED = 20_264  # no training and no other benchmark draws from it


def at_length(model: Argminn, length: int) -> Argminn:
    """The same weights for sequences of another length: positions are counted from the start, as in training."""
    other = Argminn(replace(model.config, length=length))
    other.load_state_dict(model.state_dict())
    return other.eval()


def sequences(
    grammar: Grammar, n: int, *, length: int = 500, gc: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Codes (2n, length) and labels of `n` fresh positives and `n` negatives."""
    parts = [
        simulate(grammar, n, length=length, gc=gc, seed=SEED + 1 - y, positives=bool(y)).codes for y in (1, 0)
    ]
    return np.concatenate(parts), np.repeat([1, 0], n)


def in_windows(bundle: ModelBundle, codes: np.ndarray) -> np.ndarray:
    """The highest logit of each sequence's windows, (N,)."""
    names = [f"{number:06d}" for number in range(len(codes))]
    table, _ = predict_sequences(bundle, Sequences.from_codes(names, codes))
    return table.groupby("sequence")["logit"].max().reindex(names).to_numpy()


def grammar_behind(bundle: ModelBundle) -> Grammar:
    rules = grammar_of(bundle.card)
    if rules is None:
        raise ConfigError("the model was not trained on a grammar", mend=f"Take one of {', '.join(MODELS)}")
    return rules


def auroc(y: np.ndarray, scores: np.ndarray) -> str:
    return three(metrics(y, scores)["auroc"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--n", type=int, default=1_000, help="of each class (default %(default)s)")
    options = parser.parse_args()
    bundles = {name: load_model(resolve(name)) for name in options.models}
    rules = {name: grammar_behind(bundle) for name, bundle in bundles.items()}

    print("\n## Backgrounds: auROC, in brackets the oracle's\n")
    print("\n".join(head(["share of G and C", *bundles])))
    for gc in GC:
        cells = []
        for name, bundle in bundles.items():
            codes, y = sequences(rules[name], options.n, gc=gc)
            ceiling = auroc(y, oracle_scores(rules[name], codes, gc=gc))
            cells.append(f"{auroc(y, predict(bundle.model, codes))} ({ceiling})")
        print(row([f"{gc:.0%}", *cells]), flush=True)

    print("\n## Lengths: auROC of the same weights / of windows, in brackets the oracle's\n")
    print("\n".join(head(["bp", *bundles])))
    for length in LENGTHS:
        cells = []
        for name, bundle in bundles.items():
            codes, y = sequences(rules[name], options.n, length=length)
            ceiling = auroc(y, oracle_scores(rules[name], codes))
            whole = auroc(y, predict(at_length(bundle.model, length), codes))
            cells.append(f"{whole} / {auroc(y, in_windows(bundle, codes))} ({ceiling})")
        print(row([f"{length:,}", *cells]), flush=True)


if __name__ == "__main__":
    main()
