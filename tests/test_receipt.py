"""The receipt tells a faithful model from an unfaithful one, says so when there is nothing to test, and never NaNs."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from argminn_core import dna
from argminn_core import receipt as module
from argminn_core.checkpoint import ModelBundle, load_model
from argminn_core.fasta import Sequences
from argminn_core.model import Argminn
from argminn_core.receipt import Receipt, receipt
from argminn_core.simulate import grammar, simulate
from argminn_core.tables import RECEIPT
from argminn_core.zoo import resolve
from tests.toy import LENGTH, SITE, background, detector, plant, tiny_bundle


def planted(n: int, *, length: int = LENGTH, sites: tuple[int, ...] = (20,)) -> Sequences:
    texts = []
    for i in range(n):
        text = background(length, seed=i)
        for start in sites:
            text = plant(text, SITE, start)
        texts.append(text)
    return Sequences.from_texts([f"s{i}" for i in range(n)], texts)


def values(made: Receipt) -> pd.Series:
    return made.table.set_index("test")["value"]


@pytest.fixture(scope="module")
def rest() -> Receipt:
    rule = simulate(grammar("REST"), 40, seed=77)
    bundle = load_model(resolve("rest"))
    return receipt(bundle, Sequences.from_codes(rule.names, rule.codes), draws=3)


def test_a_model_that_reads_one_site_passes():
    made = receipt(detector(), planted(12))
    value = values(made)
    assert made.passed
    assert made.sequences == made.calls == 12
    # 3.6 with the site and -3 without it: a call is worth all of it, and a window elsewhere nothing
    assert value["necessity"] > 500
    assert value["necessity, random letters"] > 100
    assert value["necessity, windows like a call"] == 0
    assert value["sufficiency"] == pytest.approx(1, abs=0.01)
    assert value["agreement, DeepLIFT error"] < 1e-6
    assert made.verdict.startswith("3 of 3 targets met.")
    assert "no rule to break" in made.verdict
    assert RECEIPT.check(made.table).equals(made.table)


def test_a_model_whose_calls_are_half_of_what_it_reads_falls_short_of_sufficiency():
    bundle = detector()
    # The filter reads columns 4 to 12, and the instance is said to be its first three.
    motifs = [replace(bundle.motifs[0], core=(4, 7)), *bundle.motifs[1:]]
    made = receipt(ModelBundle("cut", bundle.model, motifs, bundle.card), planted(12))
    assert made.passed is False
    assert values(made)["sufficiency"] < 0.2
    assert set(made.table.set_index("test")["passed"][["necessity", "sufficiency"]]) == {"yes", "no"}
    assert made.verdict.startswith("2 of 3 targets met.")


def test_a_model_that_reads_all_bases_falls_short_of_necessity():
    made = receipt(composition_reader(), planted(12))
    value = values(made)
    assert 0.5 < value["necessity"] < 5
    assert value["necessity, windows like a call"] > 0.2
    assert value["sufficiency"] > 0.8  # its shuffles have the same composition
    assert made.passed is False


def composition_reader() -> ModelBundle:
    """The detector, with some 6 logits more for each A or T and 6 less for each C or G."""
    bundle = detector()
    model = Argminn(replace(bundle.model.config, evidence=True))
    model.load_state_dict(bundle.model.state_dict(), strict=False)
    with torch.no_grad():
        model.scanner.weight[2, :, 0] = torch.tensor([1.0, -1.0, -1.0, 1.0])
        model.scanner.bias[2] = -3  # never active, so that nothing is called for it
        # With so small a sharpness the log-sum-exp is a mean.
        model.evidence.log_sharpness[2], model.evidence.log_centre[2] = -5, -9
        model.evidence.gain[2] = 300 / np.exp(-5)
        model.readout.bias += 900
    return ModelBundle("composition", model.eval().requires_grad_(False), bundle.motifs, bundle.card)


def test_the_rule_of_rest_is_broken_at_a_price(rest):
    value = values(rest)
    assert rest.passed
    for kind in ("order swapped", "weaker strand flipped", "moved apart", "stronger alone"):
        assert value[f"pairs {kind}, logit lost"] > 2, kind
    assert abs(value["pairs moved together, logit lost"]) < 1
    assert value["pairs intact, called"] > value["pairs stronger alone, called"]
    assert value["agreement, Spearman"] > 0.5
    assert value["agreement, DeepLIFT error"] < 1e-6


def test_intervals_hold_their_value(rest):
    known = rest.table.dropna(subset="low")
    assert len(known) > 10
    assert (known["low"] <= known["value"]).all()
    assert (known["value"] <= known["high"]).all()


def test_the_same_seed_gives_the_same_receipt():
    bundle, sequences = composition_reader(), planted(8)
    first, again, other = (receipt(bundle, sequences, seed=s, most=5) for s in (3, 3, 4))
    pd.testing.assert_frame_equal(first.table, again.table)
    assert first.verdict == again.verdict
    assert not first.table["value"].equals(other.table["value"])
    assert first.sequences == 5


def test_to_dict_is_json_without_nan():
    made = receipt(detector(), planted(3))
    text = json.dumps(made.to_dict(), allow_nan=False)
    back = json.loads(text)
    assert back["passed"] is True
    assert [test["test"] for test in back["tests"]] == list(made.table["test"])
    assert {test["test"]: test["target"] for test in back["tests"]}["agreement, Pearson"] is None
    assert back["settings"] == {"seed": 0, "most": 300, "draws": 5}


def test_no_call_is_nothing_to_test():
    texts = [background(LENGTH, seed=i) for i in range(4)]
    made = receipt(detector(), Sequences.from_texts("abcd", texts))
    assert made.table.empty
    assert list(made.table.columns) == list(RECEIPT.columns)
    assert made.passed is None
    assert made.verdict == "Nothing to test: no instance is called in 4 sequences."
    json.dumps(made.to_dict(), allow_nan=False)


def test_no_sequence_is_nothing_to_test():
    made = receipt(detector(), Sequences.from_texts([], []))
    assert (made.sequences, made.calls, made.passed) == (0, 0, None)


def test_sequences_that_cannot_be_read_are_dropped_and_counted():
    texts = ["ACGTA", "N" * LENGTH, plant(background(LENGTH), SITE, 20)]
    made = receipt(detector(), Sequences.from_texts(["short", "unknown", "good"], texts))
    assert sorted(made.dropped["record"]) == ["short", "unknown"]
    assert made.to_dict()["dropped"] == 2
    assert made.sequences == made.calls == 1


def test_one_sequence_has_values_and_no_intervals():
    made = receipt(detector(), planted(1))
    assert made.passed
    assert made.table["low"].isna().all()
    assert values(made)["sufficiency"] == pytest.approx(1, abs=0.01)


def test_padding_is_neither_shuffled_nor_deleted():
    texts = [plant(background(40, seed=i), SITE, 15) for i in range(4)]
    made = receipt(detector(), Sequences.from_texts("abcd", texts))
    assert made.passed
    codes = np.full((3, 30), 4, dtype=np.uint8)
    codes[0, 5:25] = codes[1, :28] = np.random.default_rng(0).integers(0, 4)
    codes[0, 5:25] = np.random.default_rng(1).integers(0, 4, 20)
    shuffled = module._shuffled(codes, seed=1)
    np.testing.assert_array_equal(shuffled == dna.N_CODE, codes == dna.N_CODE)
    np.testing.assert_array_equal(np.bincount(shuffled[0]), np.bincount(codes[0]))
    assert (shuffled[0] != codes[0]).any()


def test_a_call_that_leaves_no_room_beside_it_is_said_so():
    length = 20  # 6 bases on either side of the site's 8
    bundle = detector(length=length)
    made = receipt(
        bundle, Sequences.from_texts("ab", [plant(background(length, seed=i), SITE, 6) for i in (0, 1)])
    )
    row = made.table.set_index("test").loc["necessity"]
    assert made.calls == 2
    assert (row["n"], row["passed"], row["note"]) == (0, "", "no room for a window beside the calls")
    assert "Deleting" not in made.verdict


def test_windows_elsewhere_touch_no_call_and_no_unknown_base():
    texts = [plant(background(LENGTH, seed=i), SITE, 12)[:45] + "N" * 15 for i in range(20)]
    case, _ = module._case(
        detector(), Sequences.from_texts([f"s{i}" for i in range(20)], texts), 50, 1, np.random.default_rng(0)
    )
    elsewhere, calls = module._elsewhere(case, np.random.default_rng(1))
    assert len(elsewhere) == len(calls) == 20
    assert (elsewhere["end0"] - elsewhere["start0"] == calls["end0"] - calls["start0"]).all()
    assert ((elsewhere["end0"] <= 12) | (elsewhere["start0"] >= 20)).all()
    assert elsewhere["end0"].max() <= 45
    assert elsewhere["start0"].nunique() > 3


def test_records_longer_than_the_model_are_read_in_windows():
    made = receipt(detector(), planted(3, length=150, sites=(20, 70, 120)))
    assert made.sequences == 12
    assert made.passed


def test_random_weights_give_a_receipt_too():
    bundle = tiny_bundle(seed=2, evidence=True, null_token=True)
    codes = np.random.default_rng(0).integers(0, 4, (30, 30)).astype(np.uint8)
    made = receipt(bundle, Sequences.from_codes([f"s{i}" for i in range(30)], codes))
    json.dumps(made.to_dict(), allow_nan=False)
    assert made.verdict


def test_an_interval_of_whole_records_is_wider_than_one_of_copies():
    rng = np.random.default_rng(0)
    x = np.repeat(rng.normal(size=30), 20)
    _, low, high = module._estimate(np.mean, np.repeat(np.arange(30), 20), (x,), np.random.default_rng(1))
    _, narrow, wide = module._estimate(np.mean, np.arange(600), (x,), np.random.default_rng(1))
    assert (high - low) > 2.5 * (wide - narrow)
    assert low < x.mean() < high
