"""Hand-written weights are run through the ordinary network and compared with the logic, sequence by sequence."""

import numpy as np
import pytest
import torch

from argminn_core import dna
from argminn_core.distances import Offsets, solve
from argminn_core.errors import ConfigError, InputError
from argminn_core.handwritten import LOGIT, build, write
from argminn_core.model import Argminn, sinusoids
from argminn_core.predict import predict
from argminn_core.questions import Check, Gate, plan
from argminn_core.sentences import (
    AtLeastTwo,
    Exists,
    Gap,
    Or,
    before,
    exactly,
    holds,
    near_misses,
    within,
)

MOTIFS = {"A": "AAAGAGGAAG", "B": "TTCTTATCTG", "C": "CCAGNWGGGG", "D": "CATCATCATC"}
LENGTH = 120

SENTENCES = [
    Exists("A"),
    ~Exists("C"),
    before("A", "B"),
    before("D", "D"),
    AtLeastTwo("A"),
    AtLeastTwo("D"),
    exactly("A", 0, "B"),
    exactly("A", 30, "B"),
    ~within("A", 12, 40, "B"),
    exactly("D", -1, "C"),  # the last base of one is the first of the other
    exactly("D", 25, "B"),
    Gap("A", "B", 50, None),
    before("A", "B") & ~Exists("C"),
    exactly("A", 30, "B") & (Exists("C") | AtLeastTwo("B")),
    within("A", 20, 30, "B") | (before("C", "A") & ~AtLeastTwo("A")),
    Or((Exists("A") & Exists("B"), Exists("C") & Exists("D"), before("B", "A") & before("D", "C"))),
    exactly("A", 20, "B") & exactly("B", 15, "C"),
]


@pytest.mark.parametrize("sentence", SENTENCES, ids=str)
def test_the_logit_has_the_sign_of_the_sentence(sentence):
    plans = plan(sentence, MOTIFS, LENGTH)
    codes = near_misses(sentence, MOTIFS, 600, LENGTH, np.random.default_rng(7))
    truth, logit = holds(sentence, codes, MOTIFS), predict(build(plans), codes)
    assert plans.exact
    assert 0.03 < truth.mean() < 0.97
    assert ((logit > 0) == truth).all()
    assert np.abs(logit).min() > 0.99 * LOGIT  # no close calls: float32 is enough


def test_it_is_an_ordinary_network():
    model = write(before("A", "B"), MOTIFS, LENGTH)
    assert type(model) is Argminn
    assert not model.training
    assert all(torch.isfinite(value).all() for value in model.state_dict().values())
    again = Argminn(model.config)
    again.load_state_dict(model.state_dict())
    codes = near_misses(before("A", "B"), MOTIFS, 50, LENGTH, np.random.default_rng(0))
    assert (predict(model, codes) == predict(again.eval(), codes)).all()


def test_every_position_is_read():
    """One A and one B at every pair of places, B's start from A's end on: exactly one distance counts."""
    model = write(exactly("A", 11, "B"), MOTIFS, 60)
    sites = {name: dna.encode(MOTIFS[name]) for name in "AB"}
    rows, truth = [], []
    for p in range(51):
        for q in [*range(p - 9), *range(p + 10, 51)]:
            row = np.full(60, 1, dtype=np.uint8)
            row[p : p + 10], row[q : q + 10] = sites["A"], sites["B"]
            rows.append(row)
            truth.append(q == p + 21)
    assert sum(truth) == 30
    assert ((predict(model, np.stack(rows)) > 0) == truth).all()


def test_attention_points_at_what_makes_the_sentence_true():
    model = write(exactly("A", 30, "B"), MOTIFS, LENGTH)
    row = np.full(LENGTH, 3, dtype=np.uint8)
    row[20:30], row[60:70], row[100:110] = (dna.encode(MOTIFS[name]) for name in "ABB")
    with torch.no_grad():
        att = model(dna.one_hot(row[None])).att[0].amax((0, 1))
    assert (att[[20, 60]] > 0.999).all()
    att[[20, 60]] = 0
    assert att.max() < 1e-3  # the second B is not looked at


def test_without_any_motif_nothing_is_looked_at():
    model = write(exactly("A", 30, "B") & ~Exists("C"), MOTIFS, LENGTH)
    for code in range(5):
        codes = np.full((2, LENGTH), code, dtype=np.uint8)
        with torch.inference_mode():
            out = model(dna.one_hot(codes))
        assert out.att.max() < 1e-3
        assert (out.logit < 0).all()


def test_an_n_breaks_a_site_unless_the_site_says_n():
    model = write(Exists("C"), MOTIFS, 40)
    codes = np.zeros((3, 40), dtype=np.uint8)
    codes[:, 10:20] = dna.encode("CCAGTAGGGG")
    codes[1, 14] = dna.N_CODE  # the site's N
    codes[2, 15] = dna.N_CODE  # the site's W
    assert (predict(model, codes) > 0).tolist() == [True, True, False]


def test_where_heads_are_short_it_misses_but_makes_nothing_up():
    motifs, sentence = {"A": "ATATATATAT", "B": "GCCATTGCAA"}, exactly("A", 30, "A")
    plans = plan(sentence, motifs, 150)
    assert not plans.exact
    assert plans.blocks["A"] > 2
    rng = np.random.default_rng(5)
    codes = np.concatenate([
        near_misses(sentence, motifs, 800, 150, rng),
        near_misses(sentence, {"A": "ATATATATATATATAT"}, 200, 150, rng),
    ])  # fmt: skip
    truth, says, covered = (
        holds(sentence, codes, motifs),
        predict(build(plans), codes) > 0,
        plans.covers(codes),
    )
    assert 0.2 < covered.mean() < 0.95
    assert (says == truth)[covered].all()
    assert not (says & ~truth).any()
    assert (truth & ~says).any()  # or the bound would be too strict to be called one


def test_distances_that_cannot_occur_are_false():
    rng = np.random.default_rng(0)
    codes = near_misses(before("A", "B") & exactly("B", -3, "D"), MOTIFS, 50, LENGTH, rng)
    # beyond the sequence; or with three bases in common, B's CTG and D's CAT, which differ
    never = [exactly("A", 500, "B"), Gap("A", "B", 500, None), exactly("A", -300, "B"), exactly("B", -3, "D")]
    for sentence in never:
        assert not holds(sentence, codes, MOTIFS).any()
        assert (predict(write(sentence, MOTIFS, LENGTH), codes) < 0).all()
        assert (predict(write(~sentence, MOTIFS, LENGTH), codes) > 0).all()
        either = predict(write(sentence | Exists("A"), MOTIFS, LENGTH), codes) > 0
        assert (either == holds(Exists("A"), codes, MOTIFS)).all()


def test_what_is_said_twice_is_asked_once():
    said = plan(before("A", "B") | (before("A", "B") & Exists("A")), MOTIFS, LENGTH)
    tasks = [task for layer in said.layers for task in layer]
    assert len(tasks) == len(set(tasks))
    assert sum(isinstance(task, Check) for task in tasks) == 2
    nested = plan((Exists("A") & Exists("B")) | (Exists("C") & Exists("D")), MOTIFS, LENGTH)
    assert sum(isinstance(task, Gate) for layer in nested.layers for task in layer) == 1


def test_a_sentence_and_its_negation_are_never_both_true():
    codes = near_misses(before("A", "B"), MOTIFS, 40, LENGTH, np.random.default_rng(0))
    assert (predict(write(Exists("A") & ~Exists("A"), MOTIFS, LENGTH), codes) < 0).all()
    assert (predict(write(Exists("A") | ~Exists("A"), MOTIFS, LENGTH), codes) > 0).all()


def test_a_kernel_keeps_its_margin():
    offsets = Offsets(12, 20, -90, 90, "middle")
    kernel = solve(offsets, 24)
    encoding, turn = sinusoids(200, 24).double().numpy(), kernel.query()
    for x in (0, 57, 109):
        span = np.arange(max(x - 90, 0), x + 91)
        score = encoding[:, span].T @ turn @ encoding[:, x]
        counts = (span - x >= 12) & (span - x <= 20)
        assert score[counts].min() >= kernel.threshold + 0.99 * kernel.margin
        assert score[~counts].max() <= kernel.threshold - 0.99 * kernel.margin
        assert span[score.argmax()] - x == 16
        assert np.abs(score).max() <= 1


def test_errors_say_what_is_wrong():
    with pytest.raises(ConfigError, match="A 10, B 4"):
        write(before("A", "B"), {"A": "AAAGAGGAAG", "B": "CCGT"}, LENGTH)
    with pytest.raises(ConfigError, match="unknown motif"):
        write(before("A", "Z"), MOTIFS, LENGTH)
    with pytest.raises(InputError, match="IUPAC"):
        write(Exists("A"), {"A": "ACGJ"}, LENGTH)
    with pytest.raises(ConfigError, match="length is out of bounds"):
        write(Exists("A"), MOTIFS, 10)
    with pytest.raises(ConfigError, match="too coarse"):
        write(AtLeastTwo("A"), MOTIFS, 12_000)
    many = {f"M{i}": np.base_repr(i + 64, 4).translate(str.maketrans("0123", "ACGT")) for i in range(70)}
    with pytest.raises(ConfigError, match="more heads"):
        write(Or(tuple(Exists(name) for name in many)), many, LENGTH)
