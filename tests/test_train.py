import json
import math
import os
from dataclasses import asdict, fields, replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from toy import EASY, random_codes, tiny_config

from argminn_core import checkpoint
from argminn_core.errors import ConfigError, ModelFileError
from argminn_core.predict import metrics, predict
from argminn_core.sources import ArraySource, GrammarSource
from argminn_core.train import EpochRecord, TrainConfig, build, fit, write_atomically

TIMES = ("seconds", "remaining")
# Small enough for milliseconds an epoch, with every part of the state in use.
SHORT = TrainConfig(epochs=4, batches=3, batch_size=8, average=0.9, anneal=True, weight_decay=1e-4, seed=3)


@pytest.fixture(scope="module")
def source():
    codes = random_codes(60, 30)
    codes[:30, 10:16] = 2
    split = np.array(["train", "train", "train", "valid", "test"] * 12)
    return ArraySource(codes, np.repeat([1, 0], 30), split)


def train(source, config=SHORT, *, model=None, **options):
    model = build(tiny_config(null_token=True, evidence=True), seed=config.seed) if model is None else model
    return model, list(fit(model, source, config, **options))


def same_bits(one, two):
    assert one.keys() == two.keys()
    for name in one:
        assert one[name].numpy().tobytes() == two[name].numpy().tobytes(), name


def untimed(records):
    return [{k: v for k, v in record.to_dict().items() if k not in TIMES} for record in records]


class Stop:
    """Says stop, or raises, after so many batches."""

    def __init__(self, after, error=None):
        self.left, self.error = after, error

    def __call__(self):
        self.left -= 1
        if self.left < 0 and self.error:
            raise self.error
        return self.left < 0


def test_a_tiny_network_learns_an_easy_motif():
    # Held out as many as make a score certain to .01: machines round differently, and reach .98 in other steps.
    source = GrammarSource(EASY, length=60, held_out=1000)
    model = build(tiny_config(length=60, filters=8, width=7, layers=2), seed=0)
    off, records = (1.0, 0.0), []
    config = TrainConfig(epochs=20, batches=20, batch_size=64, rate=1e-2, overlap=off, l1=off, entropy=off)
    for record in fit(model, source, config, should_stop=lambda: bool(records) and learnt(records[-1])):
        records.append(record)
    codes, y = source.test
    assert metrics(y, predict(model, codes))["auroc"] > 0.95
    assert records[-1].bce < records[0].bce


def learnt(record):
    return record.valid_auroc > 0.97


def test_records_tell_of_every_epoch(source):
    config = replace(SHORT, epochs=8)
    model, records = train(source, config)
    assert [r.epoch for r in records] == list(range(1, 9)) and {r.epochs for r in records} == {8}
    # nothing in the first quarter, then all three rise, then held
    assert records[0].weights == records[1].weights == (0, 0, 0) and records[1].overlap == 0
    assert records[2].weights == pytest.approx((10**0.5, 1e-3, 1e-3))
    assert records[6].weights == records[7].weights == pytest.approx((1e5, 1e-2, 1e-2))
    assert records[2].overlap > 0 and records[2].l1 > 0 and records[2].entropy > 0
    assert records[-1].remaining == 0 and records[0].remaining > 0 and not any(r.stopped for r in records)
    assert all(a.seconds < b.seconds for a, b in pairwise(records))
    assert json.loads(json.dumps(records[0].to_dict())).keys() == {f.name for f in fields(EpochRecord)}
    assert not model.training and model.scanner.weight.sum(1).abs().max() < 1e-6  # an N reads as the mean


def test_each_record_scores_the_model_as_it_is_yielded(source):
    model = build(tiny_config(), seed=0)
    codes, y = source.valid
    for record in fit(model, source, SHORT):
        score = metrics(y, predict(model, codes))
        assert (record.valid_auroc, record.valid_loss) == (score["auroc"], score["loss"])


def test_an_onlooker_does_not_change_the_training(source):
    model, _ = train(source)
    watched = build(tiny_config(null_token=True, evidence=True), seed=SHORT.seed)
    for _ in fit(watched, source, SHORT):
        torch.rand(3)
        np.random.default_rng(0).random(3)
        predict(watched, source.valid[0])
    same_bits(model.state_dict(), watched.state_dict())


def test_the_seed_decides_the_weights(source):
    one, two = train(source)[0], train(source)[0]
    same_bits(one.state_dict(), two.state_dict())
    start = build(tiny_config(null_token=True, evidence=True), seed=SHORT.seed)
    other, _ = train(source, replace(SHORT, seed=4), model=start)  # other batches from the same start
    assert not torch.equal(one.scanner.weight, other.scanner.weight)


@pytest.mark.parametrize("average", [0.0, 0.9])
@pytest.mark.parametrize("after", [6, 7, 8], ids=["between", "one-batch-in", "two-batches-in"])
@pytest.mark.parametrize("crash", [None, RuntimeError("power cut")], ids=["stop", "crash"])
def test_an_interrupted_run_goes_on_bit_for_bit(source, tmp_path, after, crash, average):
    config = replace(SHORT, average=average)
    straight, expected = train(source, config)
    state, records = tmp_path / "state.safetensors", []
    model = build(straight.config, seed=config.seed)
    try:
        for record in fit(model, source, config, state_path=state, should_stop=Stop(after, crash)):
            records.append(record)
    except RuntimeError:
        assert crash
    assert len(records) == 2
    again = build(straight.config, seed=99)  # whatever it starts from is replaced
    _, rest = train(source, config, model=again, state_path=state, resume=True)
    same_bits(straight.state_dict(), again.state_dict())
    assert untimed(records + rest) == untimed(expected)
    assert rest[0].seconds > records[-1].seconds


def test_a_reader_that_walks_away_can_come_back(source, tmp_path):
    straight, expected = train(source)
    state = tmp_path / "state.safetensors"
    steps = fit(build(straight.config, seed=SHORT.seed), source, SHORT, state_path=state)
    first = next(steps)
    steps.close()
    again, rest = train(source, state_path=state, resume=True)
    same_bits(straight.state_dict(), again.state_dict())
    assert untimed([first, *rest]) == untimed(expected)


def test_a_finished_run_has_nothing_left_to_do(source, tmp_path):
    state = tmp_path / "state.safetensors"
    model, _ = train(source, state_path=state)
    again, rest = train(source, state_path=state, resume=True)
    assert rest == []
    same_bits(model.state_dict(), again.state_dict())


def test_without_resume_a_state_is_overwritten(source, tmp_path):
    state = tmp_path / "state.safetensors"
    train(source, replace(SHORT, seed=8), state_path=state)
    model, records = train(source, state_path=state)
    assert len(records) == SHORT.epochs
    same_bits(model.state_dict(), train(source, state_path=state, resume=True)[0].state_dict())


def test_a_stop_before_the_first_epoch_ends_leaves_no_state(source, tmp_path):
    state = tmp_path / "state.safetensors"
    _, records = train(source, state_path=state, should_stop=Stop(2))
    assert records == [] and not state.exists()


def test_other_settings_do_not_resume_and_are_named(source, tmp_path):
    state = tmp_path / "state.safetensors"
    model, _ = train(source, state_path=state, should_stop=Stop(4))
    for changes, named in [
        ({"rate": 2e-3}, "train.rate"),
        ({"epochs": 5}, "train.epochs"),
        ({"overlap": (1.0, 2.0), "seed": 4}, "train.overlap, train.seed"),
    ]:
        with pytest.raises(ConfigError, match=f"other settings.*Found: {named}\\."):
            train(source, replace(SHORT, **changes), state_path=state, resume=True)
    with pytest.raises(ConfigError, match=r"model\.filters"):
        train(source, model=build(tiny_config(filters=4), seed=0), state_path=state, resume=True)
    codes, y = random_codes(40, 30, seed=7), np.arange(40) % 2
    data = ArraySource(codes, y, np.array(["train", "train", "valid", "valid"] * 10))
    with pytest.raises(ConfigError, match=r"data\.digest"):
        train(data, model=build(model.config, seed=SHORT.seed), state_path=state, resume=True)
    assert len(train(source, state_path=state, resume=True)[1]) == 3  # the refusals broke nothing


@pytest.mark.parametrize("cut", [0, 5, 100, -1])
def test_a_damaged_state_is_refused(source, tmp_path, cut):
    state = tmp_path / "state.safetensors"
    train(source, state_path=state, should_stop=Stop(4))
    state.write_bytes(state.read_bytes()[:cut])
    with pytest.raises(ModelFileError, match="damaged"):
        train(source, state_path=state, resume=True)


def test_a_state_is_written_whole_or_not_at_all(source, tmp_path, monkeypatch):
    state = tmp_path / "state.safetensors"
    straight, _ = train(source)
    train(source, state_path=state, should_stop=Stop(6))
    assert [path.name for path in tmp_path.iterdir()] == [state.name]
    before = state.read_bytes()

    def power_cut(*_):
        raise OSError("power cut")

    monkeypatch.setattr(checkpoint.os, "replace", power_cut)
    with pytest.raises(OSError, match="power cut"):
        train(source, state_path=state, resume=True)
    assert state.read_bytes() == before
    monkeypatch.undo()
    again, _ = train(source, state_path=state, resume=True)
    same_bits(straight.state_dict(), again.state_dict())
    assert [path.name for path in tmp_path.iterdir()] == [state.name]


def nothing_to_learn() -> ArraySource:
    """Random letters under random labels: the validation scores of a training go up and down."""
    parts = np.array(["train", "valid", "valid", "valid", "test"] * 12)
    return ArraySource(random_codes(60, 30), np.repeat([1, 0], 30), parts)


def test_patience_stops_where_it_says(tmp_path):
    source, config = nothing_to_learn(), replace(SHORT, epochs=14, batches=2)
    _, straight = train(source, config)
    for patience in (1, 3):
        best, waited, expected = (-1.0, 0.0), 0, []
        for record in straight:
            rank = (record.valid_auroc, -record.valid_loss)
            waited = 0 if rank > best else waited + 1
            best = max(best, rank)
            expected.append(waited >= patience)
            if expected[-1]:
                break
        assert expected[-1] and len(expected) < config.epochs  # else it tests nothing
        state = tmp_path / f"{patience}.safetensors"
        model, records = train(source, replace(config, patience=patience), state_path=state)
        assert [r.stopped for r in records] == expected
        # what stopped by itself has nothing left to do
        again, rest = train(source, replace(config, patience=patience), state_path=state, resume=True)
        assert rest == []
        same_bits(model.state_dict(), again.state_dict())


def test_the_best_epoch_is_kept_where_it_is_asked_for(tmp_path):
    source = nothing_to_learn()
    config, (codes, y) = replace(SHORT, epochs=6, batches=2, average=0.5, keep_best=True), source.valid
    found, record = train(source, config)
    last, same = train(source, replace(config, keep_best=False))
    scores = [r.valid_auroc for r in record]
    assert untimed(record) == untimed(same)
    assert max(scores) > scores[-1]  # else it tests nothing
    assert metrics(y, predict(found, codes))["auroc"] == pytest.approx(max(scores))
    assert metrics(y, predict(last, codes))["auroc"] == pytest.approx(scores[-1])
    # also where it was found before an interruption
    state = tmp_path / "state.safetensors"
    after = scores.index(max(scores)) + 1
    train(source, config, state_path=state, should_stop=Stop(after * config.batches + 1))
    again, rest = train(source, config, state_path=state, resume=True)
    assert len(rest) == config.epochs - after
    same_bits(found.state_dict(), again.state_dict())


def test_of_epochs_with_the_same_score_the_one_with_the_smaller_loss_is_kept():
    # One validation sequence of each class: the score is 0, or 1 for many epochs on end.
    source = ArraySource(
        random_codes(40, 30), np.repeat([1, 0], 20), np.array((["train"] * 18 + ["valid", "test"]) * 2)
    )
    config = replace(SHORT, epochs=8, batches=2, keep_best=True)
    found, record = train(source, config)
    top = max(r.valid_auroc for r in record)
    tied = [r.valid_loss for r in record if r.valid_auroc == top]
    assert len(tied) > 1 and tied.index(min(tied)) > 0  # else it tests nothing
    codes, y = source.valid
    assert metrics(y, predict(found, codes))["loss"] == pytest.approx(min(tied), rel=1e-5)


def test_an_average_is_kept_where_it_is_asked_for(source):
    plain, averaged = (train(source, replace(SHORT, average=a))[0] for a in (0.0, 0.9))
    assert not torch.equal(plain.scanner.weight, averaged.scanner.weight)


def test_the_evidence_has_a_rate_of_its_own(source):
    config = replace(tiny_config(), evidence=True)
    start, moved = build(config, seed=SHORT.seed), {}
    for rate in (0.0, 1.0):
        model = build(config, seed=SHORT.seed)
        train(source, replace(SHORT, evidence_rate=rate, weight_decay=0.0), model=model)
        moved[rate] = (model.evidence.gain - start.evidence.gain).abs().max().item()
    assert moved[0.0] == 0 < 1e-3 < moved[1.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"batches": -1}, "batches must be at least 1"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"average": 1.0}, r"average must lie in \[0, 1\)"),
        ({"rate": 0.0}, "learning rate must be positive"),
    ],
)
def test_settings_that_cannot_train_are_errors(changes, message):
    with pytest.raises(ConfigError, match=message):
        TrainConfig(**changes)


def test_settings_and_texts_are_plain(tmp_path):
    assert TrainConfig(**json.loads(json.dumps(asdict(TrainConfig())))).epochs == 40
    path = tmp_path / "history.jsonl"
    write_atomically(path, "old")
    write_atomically(path, "new µ\n")
    assert path.read_text(encoding="utf-8") == "new µ\n" and os.listdir(tmp_path) == ["history.jsonl"]
    assert math.isfinite(TrainConfig().rate)
