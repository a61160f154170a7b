"""What the bundled models' cards say beyond their scores: measured on what training has not seen."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from argminn_core import zoo
from argminn_core.checkpoint import load_model, save_model
from argminn_core.rulebook import from_card
from argminn_core.zoo.evidence import held_out, other_seeds, with_evidence
from tests.toy import detector

GRAMMARS = ("rest", "spi1", "tal-gata", "e2f6", "jund-tead", "spi1-ctcf")


def test_sequences_of_a_grammar_are_fresh_and_of_both_classes(tmp_path):
    unseen = held_out(load_model(zoo.resolve("rest")), tmp_path, n=6)
    assert len(unseen.positives) == len(unseen.negatives) == 6
    assert unseen.what == "6 fresh positives of REST"
    again = held_out(load_model(zoo.resolve("rest")), tmp_path, n=6)
    assert again.positives.text(0) == unseen.positives.text(0) != unseen.negatives.text(0)


def test_peaks_are_those_of_the_held_out_chromosome(tmp_path):
    ctcf = load_model(zoo.resolve("ctcf-hepg2"))
    assert held_out(ctcf, tmp_path, n=6) == "CTCF_HepG2.tsv.gz is not here"
    (tmp_path / "chipseq_500bp").mkdir()
    rows = [("train", "peak", "A"), ("test", "peak", "C"), ("test", "neg_gc", "G"), ("test", "neg_open", "T")]
    table = pd.DataFrame(
        [(split, kind, base * 500) for split, kind, base in rows], columns=["split", "kind", "sequence"]
    )
    table.to_csv(tmp_path / "chipseq_500bp" / "CTCF_HepG2.tsv.gz", sep="\t", index=False)
    unseen = held_out(ctcf, tmp_path, n=6)
    assert [unseen.positives.text(0)[0], unseen.negatives.text(0)[0]] == ["C", "G"]
    assert len(unseen.positives) == len(unseen.negatives) == 1


def test_data_that_nobody_knows_is_no_evidence(tmp_path):
    assert held_out(detector(), tmp_path, n=6) == "no data is known to be unseen by it"


def test_a_card_gets_rules_and_a_receipt_and_nothing_else_changes(tmp_path):
    bundle = load_model(zoo.resolve("spi1"))
    bare = {key: value for key, value in bundle.card.items() if key not in ("rules", "receipt")}
    made = with_evidence(bundle, held_out(bundle, tmp_path, n=40))
    assert {key: value for key, value in made.card.items() if key not in ("rules", "receipt")} == bare
    assert made.card["receipt"]["sequences"] == 40 and made.card["receipt"]["tests"]
    assert {rule.kind for rule in from_card(made.card, [m.name for m in made.motifs])[0]} <= {
        "necessary", "sufficient", "pair", "additive", "repressor",
    }  # fmt: skip


def test_other_seeds_are_trainings_on_the_same_data_from_another_seed(tmp_path):
    bundle = replace(detector(), name="foxa1-hepg2")  # of seed 0
    for slug, seed in (
        ("foxa1_hepg2-neg_gc", 0),
        ("foxa1_hepg2-neg_gc", 2),
        ("foxa1_hepg2-neg_open", 1),
        ("rest", 1),
    ):
        folder = tmp_path / slug / str(seed)
        folder.mkdir(parents=True)
        save_model(
            folder / "model.safetensors", replace(bundle, card=bundle.card | {"training": {"seed": seed}})
        )
    (tmp_path / "foxa1_hepg2-neg_gc" / "cnn" / "1").mkdir(parents=True)  # no model of ours
    (tmp_path / "foxa1_hepg2-neg_gc" / "cnn" / "1" / "model.safetensors").write_bytes(b"")
    assert [other.card["training"]["seed"] for other in other_seeds(bundle, tmp_path)] == [2]
    assert other_seeds(bundle, tmp_path / "nowhere") == []


@pytest.mark.parametrize("name", GRAMMARS)
def test_bundled_cards_hold_what_was_measured(name):
    bundle = load_model(zoo.resolve(name))
    rules, unusable = from_card(bundle.card, [motif.name for motif in bundle.motifs])
    assert rules and not unusable
    assert bundle.card["receipt"]["sequences_are"].startswith("600 fresh positives of ")


def test_the_rest_model_says_its_rule():
    bundle = load_model(zoo.resolve("rest"))
    (pair,) = [r for r in from_card(bundle.card, [m.name for m in bundle.motifs])[0] if r.kind == "pair"]
    assert pair.name == "REST_left then REST_right, same strand, gap 0 or 5-9"


@pytest.mark.parametrize("name", GRAMMARS)
def test_other_seeds_found_every_motif_of_a_grammar(name):
    bundle = load_model(zoo.resolve(name))
    assert bundle.card["confidence"] == {motif.name: 1.0 for motif in bundle.motifs if motif.counts}
    assert bundle.card["confidence_of"] == 2
