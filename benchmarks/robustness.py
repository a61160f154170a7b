"""One model on sequences unlike those it was trained on: `python benchmarks/robustness.py [MODEL ...]`.

Fresh positives and negatives of the model's grammar, in backgrounds of 5 to 95 % GC, and 200 to 2,000 bp long; auROC of
the model and of the oracle, which knows the background. Other lengths are read in two ways: by the same weights in a
network of that length, and as `argminn predict` reads them, in windows, of which the highest counts, or padded with N.
Nothing is trained: models learned from 500 bp of uniform letters.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from typing import Any

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
from argminn_core.simulate import both_classes
from argminn_core.zoo import resolve

MODELS = ("rest", "spi1", "tal-gata", "jund-tead", "e2f6", "spi1-ctcf")
GC = (0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95)
LENGTHS = (200, 300, 500, 1_000, 2_000)
SEED = 20_264  # no training and no other benchmark draws from it

Classes = tuple[Sequences, Sequences]


def at_length(model: Argminn, length: int) -> Argminn:
    """The same weights for sequences of another length: positions are counted from the start, as in training."""
    other = Argminn(replace(model.config, length=length))
    other.load_state_dict(model.state_dict())
    return other.eval()


def in_windows(bundle: ModelBundle, sequences: Sequences) -> np.ndarray:
    """The highest logit of each sequence's windows, (N,)."""
    table, _ = predict_sequences(bundle, sequences)
    return table.groupby("sequence")["logit"].max().reindex(sequences.names).to_numpy()


def grammar_behind(bundle: ModelBundle) -> Grammar:
    rules = grammar_of(bundle.card)
    if rules is None:
        raise ConfigError("the model was not trained on a grammar", mend=f"Take one of {', '.join(MODELS)}")
    return rules


def auroc(classes: Classes, scores: Callable[[Sequences], np.ndarray]) -> str:
    """How well `scores`, of (N,) sequences, tells the first class from the second, as it is printed."""
    y = np.repeat([1, 0], [len(part) for part in classes])
    return three(metrics(y, np.concatenate([scores(part) for part in classes]))["auroc"])


def in_background(bundle: ModelBundle, n: int, gc: float) -> str:
    """A cell: the model, and in brackets the oracle, in backgrounds of this share of G and C."""
    rules = grammar_behind(bundle)
    classes = both_classes(rules, n, gc=gc, seed=SEED)
    says = auroc(classes, lambda part: predict(bundle.model, part.stack()))
    return f"{says} ({auroc(classes, lambda part: oracle_scores(rules, part.stack(), gc=gc))})"


def of_length(bundle: ModelBundle, n: int, length: int) -> str:
    """A cell: the same weights, windows, and in brackets the oracle, on sequences of this length."""
    rules = grammar_behind(bundle)
    classes = both_classes(rules, n, length=length, seed=SEED)
    model = at_length(bundle.model, length)
    whole = auroc(classes, lambda part: predict(model, part.stack()))
    windows = auroc(classes, lambda part: in_windows(bundle, part))
    return f"{whole} / {windows} ({auroc(classes, lambda part: oracle_scores(rules, part.stack()))})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--n", type=int, default=1_000, help="of each class (default %(default)s)")
    options = parser.parse_args()
    bundles = {name: load_model(resolve(name)) for name in options.models}

    def show(title: str, rows: str, labels: dict[str, Any], cell: Callable[..., str]) -> None:
        print(f"\n## {title}\n")
        print("\n".join(head([rows, *bundles])))
        for label, value in labels.items():
            print(row([label, *(cell(bundle, options.n, value) for bundle in bundles.values())]), flush=True)

    shares = {f"{gc:.0%}": gc for gc in GC}
    show("Backgrounds: auROC, in brackets the oracle's", "share of G and C", shares, in_background)
    lengths = {f"{length:,}": length for length in LENGTHS}
    title = "Lengths: auROC of the same weights / of windows, in brackets the oracle's"
    show(title, "bp", lengths, of_length)


if __name__ == "__main__":
    main()
