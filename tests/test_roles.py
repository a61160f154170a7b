"""Single motifs: necessary, sufficient, repressors, in models whose logic is written down."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from argminn_core.causal import Planter
from argminn_core.instances import scan
from argminn_core.roles import necessary, repressors, sufficient
from argminn_core.sentences import Exists
from argminn_core.tables import INSTANCES
from tests.toy import random_codes
from tests.written import LENGTH, WIDTH, bundle_of, with_sites


def read(sentence, placed):
    bundle, sequences = bundle_of(sentence), with_sites(placed)
    found = scan(bundle, sequences, min_contribution=None)
    used = found.instances[found.instances["contribution"].abs() >= 1]
    return bundle, sequences, found.predictions, used


def test_without_a_necessary_motif_calls_are_lost():
    bundle, sequences, predictions, used = read(
        Exists("A") | Exists("B"), [[("A", 20)]] * 30 + [[("B", 40)]] * 8
    )
    (row,) = necessary(bundle, sequences, predictions, used, ["A", "B"])
    assert (row["left"], row["sequences"]) == ("A", 30)
    assert row["share"] == pytest.approx(30 / 38)
    assert row["effect"] == pytest.approx(8, abs=1e-3)
    # Two motifs were tested, the other one in vain.
    assert row["q_value"] == pytest.approx(2 * stats.binomtest(30, 38, alternative="greater").pvalue)
    assert "in 30 of 38 positive calls, and 79% of them are lost without it, logit -8.0" in row["sentence"]


def test_half_of_the_calls_is_not_most():
    bundle, sequences, predictions, used = read(
        Exists("A") | Exists("B"), [[("A", 20)]] * 20 + [[("B", 40)]] * 20
    )
    assert not necessary(bundle, sequences, predictions, used, ["A", "B"])


def test_an_instance_that_sticks_out_takes_nothing_from_the_next_sequence():
    """Merged instances may end behind their sequence; the next one's A starts at its first base."""
    bundle, sequences, predictions, used = read(Exists("A"), [[("A", LENGTH - WIDTH)], [("A", 0)]] * 8)
    last = used["start0"] > 0
    used = used.assign(
        start0=np.where(last, used["start0"], 50),  # nothing is there: the A at the start stays
        end0=np.where(last, used["end0"] + WIDTH, 60),
    )
    assert not necessary(bundle, sequences, predictions, used, ["A"])  # 8 of 16 are lost
    found = used.assign(start0=np.where(last, used["start0"], 0))
    (row,) = necessary(bundle, sequences, predictions, found, ["A"])
    assert row["share"] == 1


def test_a_motif_is_sufficient_where_it_makes_backgrounds_positive():
    bundle = bundle_of(Exists("A") & ~Exists("B"))
    planter = Planter(bundle, random_codes(8, LENGTH))
    instances = INSTANCES.empty()
    (row,) = sufficient(planter, instances, ["A", "B"], 10)
    assert row["left"] == "A"
    assert row["q_value"] == pytest.approx(2 * 0.5**8)
    assert "planted alone, logit +4.0 [4.0, 4.0] (background -4.0)" in row["sentence"]
    assert not sufficient(planter, instances, [], 10)


def test_too_few_backgrounds_are_no_proof():
    planter = Planter(bundle_of(Exists("A")), random_codes(4, LENGTH))
    assert not sufficient(planter, INSTANCES.empty(), ["A"], 10)  # 1 in 16


def test_nothing_is_sufficient_where_backgrounds_are_positive_by_themselves():
    planter = Planter(bundle_of(~Exists("A") | Exists("B")), random_codes(8, LENGTH))
    assert (planter.alone("B") > 0).all()
    assert not sufficient(planter, INSTANCES.empty(), ["A", "B"], 10)


def test_repressors_lower_the_logit_most_of_the_time():
    def calls(motif: str, values: list[float]) -> pd.DataFrame:
        return INSTANCES.frame({
            "sequence": [f"s{i}" for i in range(len(values))], "start0": 0, "end0": 10, "motif": motif, "strand": "+",
            "attention": 1.0, "activation": 1.0, "contribution": values,
        })  # fmt: skip

    frame = pd.concat([
        calls("down", [-2.0] * 18 + [1.0] * 2), calls("mixed", [-2.0] * 11 + [2.0] * 9), calls("up", [3.0] * 20),
    ])  # fmt: skip
    (row,) = repressors(frame, ["down", "mixed", "up"], 40)
    assert row["left"] == "down"
    assert (row["sequences"], row["share"]) == (20, 0.5)
    assert row["effect"] == pytest.approx(np.mean([-2.0] * 18 + [1.0] * 2))
    assert row["q_value"] == pytest.approx(3 * stats.binomtest(18, 20, alternative="greater").pvalue)
    assert "90% of its 20 instances lower the logit, by 1.7" in row["sentence"]
