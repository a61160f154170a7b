"""A filter that is taken out is one that is never active; which go is decided by the loss of validation sequences."""

import json

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from toy import LENGTH, SITE, background, detector, plant, random_codes, tiny_model
from training import inputs

from argminn_core import dna
from argminn_core.checkpoint import load_model
from argminn_core.datasets import from_fasta
from argminn_core.model import Argminn
from argminn_core.predict import predict
from argminn_core.pruning import in_words, prune, without_filters
from argminn_core.recipe import RECIPES, Run, recipe


def logits(model: Argminn, codes: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return model(dna.one_hot(codes).double()).logit.numpy()


@pytest.mark.parametrize("gone", [(), (0,), (1,), (0, 2)])
@pytest.mark.parametrize("strands", ["both", "single"])
@pytest.mark.parametrize(
    "parts",
    [{}, {"evidence": True}, {"spacing": 6}, {"evidence": True, "spacing": 6, "null_token": True}],
    ids=str,
)
def test_what_is_taken_out_is_silent_and_its_evidence_a_constant(parts, strands, gone):
    model = tiny_model(strands=strands, **parts).eval()
    config, codes = model.config, random_codes(40, model.config.length)
    level = torch.tensor([0.5, -2.0, 3.0], dtype=torch.float64)
    smaller = without_filters(model, gone, level)
    assert smaller.config.filters == config.filters - len(gone) and not smaller.training
    with torch.no_grad():
        match = F.conv1d(dna.one_hot(codes).double(), model.scanner.kernels(), model.scanner.biases())
        act = match.relu()
        assert (act > 0).flatten(1).any(1).all()
        for strand in range(config.channels // config.filters):
            act[:, [strand * config.filters + f for f in gone]] = 0
        expected, _ = model.attend(act, *model.scanner.fold(act))
        if model.evidence is not None:
            evidence = model.evidence(match)
            evidence[:, list(gone)] = level[list(gone)]
            expected = expected + evidence.sum(1)
        else:
            expected = expected + level[list(gone)].sum()
    np.testing.assert_allclose(logits(smaller, codes), expected.numpy(), rtol=0, atol=1e-9)
    if gone:  # or the test would not see it
        change = logits(smaller, codes) - logits(model, codes)
        assert change.std() > 1e-3


def with_and_without(n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    backgrounds = [background(LENGTH, seed=i) for i in range(2 * n)]
    codes = dna.encode_all([plant(b, SITE, 20) if i % 2 else b for i, b in enumerate(backgrounds)])
    return codes, np.arange(2 * n) % 2


@pytest.mark.parametrize("evidence", [False, True])
def test_filters_that_nothing_reads_go_and_the_one_that_decides_stays(evidence):
    bundle = detector(evidence=evidence)
    codes, y = with_and_without()
    pruned = prune(bundle.model, codes, y, tolerance=0.01)
    assert pruned.kept == (0,) and pruned.filters == 3 and pruned.model.config.filters == 1
    assert torch.equal(pruned.model.scanner.weight[0], bundle.model.scanner.weight[0])
    np.testing.assert_allclose(predict(pruned.model, codes), predict(bundle.model, codes), atol=1e-4)
    assert abs(pruned.rise) < 1e-4 and pruned.error < 1e-4
    assert json.loads(json.dumps(pruned.to_dict()))["kept"] == 1


def test_a_filter_that_helps_a_little_stays_where_so_much_is_not_allowed():
    model = tiny_model(evidence=True).float().eval()
    with torch.no_grad():
        model.evidence.gain.fill_(1.0)
    codes = random_codes(400, model.config.length)
    logit = predict(model, codes)
    with torch.no_grad():
        model.readout.bias -= float(np.median(logit))
    y = (logit > np.median(logit)).astype(int)
    kept = [prune(model, codes, y, tolerance=tolerance).kept for tolerance in (0.0, 1e6)]
    assert len(kept[0]) > len(kept[1]) == 1
    allowed = prune(model, codes, y, tolerance=1e6)
    after = prune(allowed.model, codes, y, tolerance=0.0).loss
    assert after == pytest.approx(allowed.loss + allowed.rise, rel=1e-4)


def test_labels_do_not_say_which_filter_goes():
    model = tiny_model(evidence=True).float().eval()
    with torch.no_grad():
        model.evidence.gain.copy_(torch.tensor([0.2, -3.0, 1.0]))
    codes = random_codes(200, model.config.length)
    y = (predict(model, codes) > np.median(predict(model, codes))).astype(int)
    for labels in (y, 1 - y):
        assert prune(model, codes, labels, tolerance=1e6).kept == (1,)


def test_one_sequence_says_nothing_about_any_filter():
    codes, y = with_and_without(1)
    assert prune(detector().model, codes[:1], y[:1], tolerance=1e6).kept == (0, 1, 2)


def test_a_training_on_peaks_leaves_out_what_it_does_not_need_and_says_so(tmp_path):
    for name, data in inputs(150).items():
        (tmp_path / name).write_bytes(data)
    data = from_fasta(tmp_path / "positives.fa", tmp_path / "negatives.fa", length=60, seed=0)
    small = {"length": 60, "filters": 12, "hidden": 16, "stream": 16}
    chosen = recipe("peaks", model=small, train={"epochs": 3, "batches": 20, "batch_size": 32})
    assert chosen.prune == RECIPES["peaks"].prune > 0 and recipe("peaks", prune=0.0).prune == 0
    run = Run("small", data.source, chosen, tmp_path / "run", data.about, data.dropped)
    for _ in run.epochs():
        pass
    bundle = run.finish()
    said = bundle.card["training"]["pruned"]
    assert said["filters"] == 12 and said["kept"] == bundle.model.config.filters == len(bundle.motifs) < 12
    assert said["rise"] + said["error"] <= chosen.prune * said["loss"]
    again = load_model(tmp_path / "run" / "model.safetensors")
    codes, _ = data.source.valid
    np.testing.assert_array_equal(predict(again.model, codes), predict(bundle.model, codes))
    loss = bundle.card["metrics"]["valid"]["loss"]
    assert loss == pytest.approx(said["loss"] + said["rise"], abs=1e-4)
    assert in_words(bundle.card).startswith(
        f"left of 12 that were trained; taking out the other {12 - said['kept']} "
    )


CHANGED = {"filters": 24, "kept": 8, "loss": 0.2, "rise": -0.001, "error": 0.0025}


def test_what_was_taken_out_is_said_against_the_loss_that_was():
    assert in_words({"training": {"pruned": CHANGED}}) == (
        "left of 24 that were trained; taking out the other 16 changed the validation loss by -0.5% "
        "(standard error 1.2%)"
    )


@pytest.mark.parametrize(
    "training",
    [
        None, "long", {}, {"pruned": 8}, {"pruned": {}}, {"pruned": CHANGED | {"loss": "much"}},
        {"pruned": CHANGED | {"rise": float("nan")}}, {"pruned": CHANGED | {"loss": 0}},
        {"pruned": CHANGED | {"error": 10**400}}, {"pruned": CHANGED | {"kept": 10**400}},
        {"pruned": CHANGED | {"rise": True}}, {"pruned": CHANGED | {"kept": 24}},
    ],
)  # fmt: skip
def test_a_card_that_says_nothing_of_it_or_nonsense_adds_no_words(training):
    assert in_words({"training": training}) == "" == in_words({})
