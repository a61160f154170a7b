"""Rules of models whose rule is known to the letter: the list must say it, and nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from argminn_core import dna
from argminn_core.causal import Planter
from argminn_core.checkpoint import ModelBundle
from argminn_core.fasta import Sequences
from argminn_core.instances import Scan, scan
from argminn_core.rules import Run, find_rules
from argminn_core.sentences import AtLeastTwo, Exists, before, exactly, within
from argminn_core.tables import CAUSAL, GAPS, INSTANCES, PREDICTIONS, RULES
from tests.handmade import SITES as TOY_SITES
from tests.handmade import planted, toy_bundle
from tests.toy import random_codes
from tests.written import LENGTH, WIDTH, bundle_of, pairs, with_sites


def planter_of(bundle: ModelBundle, backgrounds: int = 6) -> Planter:
    return Planter(bundle, random_codes(backgrounds, bundle.length, seed=9))


def found_by(sentence, placed) -> pd.DataFrame:
    bundle = bundle_of(sentence)
    found = find_rules(bundle, with_sites(placed), planter=planter_of(bundle))
    RULES.check(found.rules)
    CAUSAL.check(found.causal)
    return found.rules


def kinds(rules: pd.DataFrame) -> list[tuple[str, str, str]]:
    return sorted(rules[["kind", "left", "right"]].itertuples(index=False, name=None))


def singles(rng: np.random.Generator, motif: str, n: int) -> list[list]:
    return [[(motif, int(start))] for start in rng.integers(0, LENGTH - WIDTH + 1, n)]


def test_an_exact_gap():
    rng = np.random.default_rng(0)
    others = rng.choice([0, 1, 2, 4, 5, 6, 20, 30, 60], 40).tolist()
    rules = found_by(
        exactly("A", 3, "B"),
        pairs("A", [3] * 60, "B") + pairs("A", others, "B") + pairs("B", [3] * 20, "A") + singles(rng, "A", 20)
        + singles(rng, "B", 20),
    )  # fmt: skip
    assert kinds(rules) == [("necessary", "A", ""), ("necessary", "B", ""), ("pair", "A", "B")]
    row = rules.iloc[0]
    assert row["sentence"].startswith("A then B, same strand, gap 3 (100%), synergy +8.0 [8.0, 8.0], q = ")
    assert row[["orientation", "gaps", "sequences", "share"]].tolist() == ["++", "3 (100%)", 60, 1.0]
    assert row["effect"] == pytest.approx(8, abs=1e-3)
    assert row["q_value"] < 1e-50


def test_a_range_of_gaps_and_a_gap_apart():
    """Two runs, the larger one first; a wrong gap in some positives is no rule."""
    rng = np.random.default_rng(1)
    gaps = [*rng.integers(5, 10, 150), *[0] * 110]
    rules = found_by(
        within("A", 5, 9, "B") | exactly("A", 0, "B"),
        pairs("A", gaps, "B") + pairs("A", rng.integers(12, 90, 60).tolist(), "B") + singles(rng, "A", 30)
        + singles(rng, "B", 30),
    )  # fmt: skip
    assert kinds(rules) == [("necessary", "A", ""), ("necessary", "B", ""), ("pair", "A", "B")]
    assert "gap 5-9 (58%) or 0 (42%), synergy +" in rules.iloc[0]["sentence"]


def test_an_order_without_a_gap():
    rng = np.random.default_rng(2)
    rules = found_by(
        before("A", "B"),
        pairs("A", rng.integers(0, 90, 100).tolist(), "B") + pairs("B", rng.integers(0, 90, 40).tolist(), "A")
        + singles(rng, "A", 30) + singles(rng, "B", 30),
    )  # fmt: skip
    assert kinds(rules) == [("necessary", "A", ""), ("necessary", "B", ""), ("pair", "A", "B")]
    assert rules.iloc[0]["sentence"].startswith(
        "A then B, same strand (100%), no preferred gap, synergy +8.0"
    )


def test_twice_the_same():
    rng = np.random.default_rng(3)
    rules = found_by(
        AtLeastTwo("A"), pairs("A", rng.integers(1, 90, 80).tolist(), "A") + singles(rng, "A", 60)
    )
    assert kinds(rules) == [("necessary", "A", ""), ("pair", "A", "A")]
    assert rules.iloc[0]["sentence"].startswith(
        "A then A, same strand (100%), no preferred gap, synergy +8.0"
    )


def test_either_of_two_is_two_sufficient_motifs():
    rng = np.random.default_rng(4)
    rules = found_by(Exists("A") | Exists("B"), singles(rng, "A", 60) + singles(rng, "B", 60) + [[]] * 60)
    assert kinds(rules) == [("sufficient", "A", ""), ("sufficient", "B", "")]


def test_one_motif_but_not_the_other():
    rng = np.random.default_rng(5)
    both = pairs("A", rng.integers(0, 90, 50).tolist(), "B")
    rules = found_by(
        Exists("A") & ~Exists("B"), singles(rng, "A", 60) + both + singles(rng, "B", 20) + [[]] * 40
    )
    assert kinds(rules[rules["kind"] != "additive"]) == [
        ("necessary", "A", ""), ("repressor", "B", ""), ("sufficient", "A", ""),
    ]  # fmt: skip
    # Together they are as much as A and B add up to, and the list says so: no synergy.
    assert (rules["effect"][rules["kind"] == "additive"].abs() < 1e-3).all()


def test_a_pair_that_represses():
    rng = np.random.default_rng(6)
    rules = found_by(
        ~within("A", 5, 9, "B"),
        pairs("A", rng.integers(5, 10, 120).tolist(), "B") + singles(rng, "A", 40) + singles(rng, "B", 40),
    )
    assert kinds(rules) == [("repressor", "A", ""), ("repressor", "A", "B"), ("repressor", "B", "")]
    row = rules[rules["right"] == "B"].iloc[0]
    assert "gap 5-9 (100%), together lower the logit below that of either alone, -8.0" in row["sentence"]
    assert row["effect"] == pytest.approx(-8, abs=1e-3)


def test_a_rule_of_the_sequences_that_the_model_does_not_go_by():
    """The sequences prefer a gap; the model adds what it reads, and its logit knows no gap."""
    bundle = toy_bundle()
    texts = [planted(("CTCF", 40 + i % 9), ("SPI1", 60 + i % 9), seed=i) for i in range(40)]
    codes = np.concatenate([dna.encode_all(texts), random_codes(40, bundle.length, seed=1)])
    sequences = Sequences.from_codes([f"s{i}" for i in range(80)], codes)
    found = find_rules(bundle, sequences, planter=planter_of(bundle))
    pair = found.rules[found.rules["right"] != ""]
    assert pair[["kind", "left", "right", "gaps"]].to_numpy().tolist() == [
        ["additive", "CTCF", "SPI1", "8 (100%)"]
    ]
    assert set(found.rules["kind"]) <= {"additive", "necessary", "sufficient"}
    assert abs(pair.iloc[0]["effect"]) < 1


def test_letters_in_common_are_no_rule():
    """Two filters of one site, five bases of it shared: every site is a pair with an overlap, and no pair is a rule."""
    sites = {"LEFT": "CCAGCAGGGGGC", "RIGHT": "GGGGCGATTACA", "SPI1": TOY_SITES["SPI1"]}
    bundle = toy_bundle(sites=sites)
    codes = random_codes(60, bundle.length, seed=3)
    whole = dna.encode("CCAGCAGGGGGCGATTACA")
    for i, row in enumerate(codes[:40]):
        row[50 + i : 50 + i + len(whole)] = whole
    sequences = Sequences.from_codes([f"s{i}" for i in range(60)], codes)
    calls = scan(bundle, sequences, min_contribution=None).instances
    both = calls[calls["motif"] != "SPI1"].groupby("sequence")["motif"].nunique()
    assert (both == 2).sum() >= 40
    found = find_rules(bundle, sequences, planter=planter_of(bundle))
    assert not len(found.syntax.merged)
    shared = found.syntax.gaps[found.syntax.gaps["gap"] == -5]
    assert shared["q_value"].min() < 1e-10
    assert not (found.rules["kind"] == "pair").any()
    assert not (found.rules["gaps"] != "").any()


def test_shares_are_of_the_sequences_that_are_called_positive():
    """Twelve negatives hold the pair at any gap: they take part in the tests, and not in the shares."""
    bundle = bundle_of(before("A", "B"))
    sequences = with_sites(pairs("A", [4] * 30 + [20 + 7 * i for i in range(12)], "B"))
    rows = [
        (name, int(at), int(at) + WIDTH, motif, "+", 1.0, 1.0, 8.0)
        for name, codes in ((n, sequences.codes_of(i)) for i, n in enumerate(sequences.names))
        for motif in "AB"
        for at in [dna.decode(codes).index({"A": "AAAGAGGAAG", "B": "TTCTTATCTG"}[motif])]
    ]
    instances = INSTANCES.frame(pd.DataFrame(rows, columns=list(INSTANCES.columns)))
    logit = np.where(np.arange(42) < 30, 4.0, -4.0)
    predictions = PREDICTIONS.frame({"sequence": sequences.names, "logit": logit, "probability": 0.5})
    given = Scan(predictions, instances, pd.DataFrame())
    rules = find_rules(bundle, sequences, given, planter=planter_of(bundle)).rules
    pair = rules[rules["kind"] == "pair"].iloc[0]
    assert "gap 4 (100%), synergy" in pair["sentence"]
    assert pair["share"] == 1
    none = given._replace(predictions=predictions.assign(logit=-4.0))
    pair = find_rules(bundle, sequences, none, planter=planter_of(bundle)).rules.iloc[0]
    assert pair["share"] == pytest.approx(30 / 42)


def test_two_filters_of_one_motif_make_one_rule():
    """The second filter is the first one's site shifted by two: one motif is necessary, and no pair is found."""
    site = "CCAGCAGGGGGCGATT"
    bundle = toy_bundle(sites={"ONE": site[:12], "TWO": site[2:14], "SPI1": TOY_SITES["SPI1"]})
    codes = random_codes(60, bundle.length, seed=4)
    for i, row in enumerate(codes[:40]):
        row[40 + i : 40 + i + 14] = dna.encode(site[:14])
    found = find_rules(
        bundle, Sequences.from_codes([f"s{i}" for i in range(60)], codes), planter=planter_of(bundle)
    )
    (merged,) = found.syntax.merged[["motif", "into", "strand", "shift"]].to_numpy().tolist()
    assert merged in (["TWO", "ONE", "+", 2], ["ONE", "TWO", "+", -2])
    assert set(found.syntax.instances["motif"]) <= {merged[1], "SPI1"}
    assert not (found.rules["right"] != "").any()


def test_a_run_says_its_gaps():
    assert Run(3, 3, 5, 0.25).text() == "3 (25%)"
    assert Run(5, 9, 5, 0.4).text() == "5-9 (40%)"
    assert Run(-4, -2, 5, 1.0).text() == "-4 to -2 (100%)"


@pytest.mark.parametrize("codes", [
    np.zeros((0, LENGTH), dtype=np.uint8), np.full((3, LENGTH), dna.N_CODE, dtype=np.uint8), random_codes(1, LENGTH),
], ids=["none", "all N", "one without a motif"])  # fmt: skip
def test_nothing_to_read_is_no_rule(codes):
    bundle = bundle_of(exactly("A", 3, "B"))
    sequences = Sequences.from_codes([f"s{i}" for i in range(len(codes))], codes)
    found = find_rules(bundle, sequences, planter=planter_of(bundle, 2))
    assert found.rules.empty and found.causal.empty
    assert list(found.rules.columns) == list(RULES.columns)
    GAPS.check(found.syntax.gaps)


def test_one_sequence_is_no_evidence():
    bundle = bundle_of(exactly("A", 3, "B"))
    found = find_rules(bundle, with_sites(pairs("A", [3], "B")), planter=planter_of(bundle, 2))
    assert found.rules.empty
    assert found.syntax.gaps["sequences"].tolist() == [1]
