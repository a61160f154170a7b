"""What is known of the bundled models beyond their scores, put into their cards: rules, receipt and confidence.

    python -m argminn_core.zoo.evidence [NAME ...]

Rules and receipt are measured on sequences that no training has seen: fresh ones of the model's grammar, or the peaks
and GC-matched windows of the held-out chromosome in the folder that `--data` names. A model whose sequences are not
there keeps the card that it has. Weights stay as they are.

Confidence is how many trainings from other seeds found each motif: those that `benchmarks/paper_table.py` left in the
folder that `--seeds` names, on the same grammar or the peaks of the same factor. Where there is none the card keeps
what it has.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from argminn_core import dna
from argminn_core.checkpoint import ModelBundle, load_model, save_model
from argminn_core.datasets import grammar_of
from argminn_core.fasta import Sequences
from argminn_core.receipt import receipt
from argminn_core.rulebook import learn
from argminn_core.simulate import both_classes
from argminn_core.stability import confidence
from argminn_core.zoo import is_bundled, names, resolve
from argminn_core.zoo.build import HERE, record_digest

SEED = 20_265  # no training's


class HeldOut(NamedTuple):
    """Sequences that a model has not seen, of either class, and what they are in words."""

    positives: Sequences
    negatives: Sequences
    what: str


def held_out(bundle: ModelBundle, data: Path, *, n: int) -> HeldOut | str:
    """Unseen sequences for `bundle`, or the reason why there are none.

    data : folder with `chipseq_500bp`. n : simulated sequences of each class.
    """
    rules = grammar_of(bundle.card)
    if rules is not None:
        good, bad = both_classes(rules, n, length=bundle.length, seed=SEED)
        return HeldOut(good, bad, f"{n} fresh positives of {rules.name}")
    factor, _, cell = bundle.name.upper().partition("-")
    if cell != "HEPG2" or "test chr22" not in bundle.card.get("split", ""):
        return "no data is known to be unseen by it"
    path = data / "chipseq_500bp" / f"{factor}_HepG2.tsv.gz"
    if not path.exists():
        return f"{path.name} is not here"
    table = pd.read_csv(path, sep="\t")
    table = table[table["split"] == "test"]

    def of(kind: str) -> Sequences:
        codes = dna.encode_all(list(table["sequence"][table["kind"] == kind]))
        return Sequences.from_codes(map(str, range(len(codes))), codes)

    peaks = of("peak")
    return HeldOut(peaks, of("neg_gc"), f"{len(peaks)} peaks of chr22")


def with_evidence(bundle: ModelBundle, unseen: HeldOut) -> ModelBundle:
    """The model with `rules` and `receipt` in its card."""
    rules = learn(bundle, unseen.positives, unseen.negatives, seed=SEED)
    made = receipt(bundle, unseen.positives, seed=SEED).to_dict()
    return replace(
        bundle, card=bundle.card | {"rules": rules, "receipt": made | {"sequences_are": unseen.what}}
    )


def other_seeds(bundle: ModelBundle, folder: Path) -> list[ModelBundle]:
    """Models of seeds other than the bundled one's, from a folder as `benchmarks/paper_table.py` writes it."""
    slug = bundle.name.replace("-hepg2", "_hepg2-neg_gc")
    paths = sorted(folder.glob(f"{slug}/[0-9]*/model.safetensors"))
    models = [load_model(path) for path in paths]
    own = bundle.card["training"]["seed"]
    return [model for model in models if model.card["training"]["seed"] != own]


def main() -> int:
    """Measure the named models, or all that are bundled."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="which; all where left out")
    parser.add_argument("--data", type=Path, default=HERE.parents[2] / "shared" / "data")
    parser.add_argument(
        "--seeds", type=Path, default=HERE.parents[1] / "runs" / "paper", help="other trainings"
    )
    parser.add_argument(
        "--confidence", action="store_true", help="confidence alone: rules and receipts as they are"
    )
    parser.add_argument("--n", type=int, default=600, help="simulated sequences of each class")
    options = parser.parse_args()
    for name in options.names or [name for name in names() if is_bundled(name)]:
        made = bundle = load_model(resolve(name))
        said = []
        if not options.confidence:
            unseen = held_out(bundle, options.data, n=options.n)
            if isinstance(unseen, str):
                sys.stderr.write(f"{name}: skipped, {unseen}\n")
                continue
            made = with_evidence(bundle, unseen)
            said = [f"{len(made.card['rules'])} rules", made.card["receipt"]["verdict"]]
        others = other_seeds(bundle, options.seeds)
        if others:
            known = {"confidence": confidence(bundle, others), "confidence_of": len(others)}
            made = replace(made, card=made.card | known)
        save_model(HERE / f"{name}.safetensors", made)
        record_digest(name)
        sys.stderr.write(f"{name}: {'; '.join([*said, f'{len(others)} other seeds'])}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
