import instances
import numpy as np
import pandas as pd
import pytest

from argminn_core.grammars import GRAMMARS
from argminn_core.simulate import simulate

PLACE = ["sequence", "start0", "end0", "motif", "strand"]


def calls(*rows):
    return pd.DataFrame(
        [("s", start, start + 10, "M", "+", score) for start, score in rows], columns=[*PLACE, "score"]
    )


TRUTH = pd.DataFrame([("s", start, start + 10, "M", "+") for start in (0, 100, 200)], columns=PLACE)


def test_calls_are_cut_where_the_precision_is_kept_for_the_last_time():
    ranked = calls((0, 9.0), (50, 8.0), (100, 7.0), (202, 6.0), (300, 5.0))
    at = instances.cut(ranked, TRUTH, precision=0.75)
    assert (at.calls, at.recall, at.least) == (4, 1.0, 6.0)
    strict = instances.cut(ranked, TRUTH, precision=0.8)
    assert (strict.calls, strict.recall, strict.least) == (1, pytest.approx(1 / 3), 9.0)


def test_calls_of_one_score_go_together():
    at = instances.cut(calls((0, 9.0), (50, 9.0), (100, 7.0)), TRUTH, precision=0.9)
    assert (at.calls, at.recall, at.least) == (0, 0.0, np.inf)
    assert instances.cut(calls((0, 9.0), (50, 9.0), (100, 7.0)), TRUTH, precision=0.6).calls == 3


def test_no_call_finds_nothing():
    assert instances.cut(calls(), TRUTH).recall == 0


def test_two_calls_of_one_motif_find_it_once():
    at = instances.cut(calls((0, 9.0), (1, 8.0)), TRUTH, precision=0.97)
    assert (at.calls, at.recall) == (2, pytest.approx(1 / 3))


def test_the_oracle_finds_what_was_planted_and_ranks_a_broken_pair_low():
    rule = GRAMMARS["REST"]
    good, bad = (simulate(rule, 60, seed=5, positives=positives) for positives in (True, False))
    at = instances.cut(instances.oracle_calls(rule, good), good.truth)
    assert at.recall > 0.9
    pairs = instances.joined(instances.oracle_calls(rule, bad).query("score > 0.5"), bad.truth)
    assert pairs["planted"].nunique() < 0.2 * len(bad.truth)
