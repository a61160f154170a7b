"""Runs must be done once, whoever stops them, and known by everything that their result depends on."""

import time
from dataclasses import dataclass, replace

import pytest
import trainings
from records import read_lines
from toy import EASY
from trainings import Scale, Task

from argminn_core.recipe import recipe
from argminn_core.sources import GrammarSource


@dataclass(frozen=True)
class Easy:
    name: str = "Easy/one"
    length: int = 60
    slug: str = "easy-one"
    shelf: str = "shelf"
    split: str = "held-out sequences"

    def source(self, seed):
        return GrammarSource(EASY, length=self.length, seed=seed, held_out=100)

    def has(self, method):
        return method != "paper"

    def recipe(self, method, seed, scale):
        train = {"epochs": scale.epochs, "batches": scale.batches, "seed": seed, "batch_size": 16}
        return recipe("grammar", model={"length": self.length}, train=train)

    def made_of(self):
        return {}

    def untrained(self, method, source):
        if method == "broken":
            raise ValueError("no such thing")
        scores = {"auroc": 0.5, "auprc": 0.5, "accuracy": None}
        return {"scores": {"test": scores, "valid": scores}, "device": "cpu"}


def task(tmp_path, method="cnn", deadline=float("inf"), **changes):
    scale = Scale(2, 3)
    return replace(
        Task(Easy(), method, 0, scale, "cpu", 1, deadline, tmp_path / "runs" / "lines.jsonl"), **changes
    )


def test_a_run_is_done_once_and_its_line_says_what_it_was(tmp_path):
    first = task(tmp_path)
    assert trainings.work_through([first], 1)
    assert trainings.work_through([first], 1)
    (line,) = read_lines(first.results)
    assert trainings.key_of(line) == first.key
    assert (line["epochs"], line["batches"], line["batch_size"], line["n_test"]) == (2, 3, 16, 100)
    assert (first.results.parent / line["model"]).exists()
    assert first.folder == tmp_path / "runs" / "shelf-2e-3b" / "easy-one" / "cnn" / "0"


def test_a_run_whose_time_is_up_goes_on_to_the_same_end(tmp_path, monkeypatch):
    whole, halves = task(tmp_path / "whole"), task(tmp_path / "halves", deadline=time.time() + 3600)
    trainings.work_through([whole], 1)
    asked = iter([False] * 5 + [True])  # once before it starts, then after every batch
    with monkeypatch.context() as patched:
        patched.setattr(Task, "late", lambda self: next(asked))
        assert trainings.work_through([halves], 1)
    assert read_lines(halves.results) == []
    trainings.work_through([halves], 1)
    scores = [{m: read_lines(of.results)[0][m] for m in trainings.METRICS} for of in (whole, halves)]
    assert scores[0] == scores[1]


def test_a_failure_ends_no_other_run(tmp_path, caplog):
    tasks = [task(tmp_path, "broken"), task(tmp_path, "oracle")]
    assert not trainings.work_through(tasks, 1)
    assert [line["method"] for line in read_lines(tasks[0].results)] == ["oracle"]
    assert "Easy/one, broken, seed 0 failed" in caplog.text


def test_what_a_result_depends_on_is_in_its_key():
    easy, scale = Easy(), Scale(2, 3)
    names = {
        trainings.settings_of(*of)
        for of in [
            (easy, "ours", scale),
            (easy, "cnn", scale),
            (easy, "explainn", scale),
            (easy, "cnn", Scale(2, 4)),
            (replace(easy, length=80), "cnn", scale),
        ]
    }
    assert len(names) == 5
    assert trainings.settings_of(easy, "cnn", scale) in names


@pytest.mark.parametrize(
    ("only", "found"),
    [
        ([], True),
        (["easy/one,cnn"], True),
        (["EASY*,"], True),
        ([",cnn"], True),
        (["easy/one,explainn"], False),
        (["other,cnn", "*,c?n"], True),
    ],
)
def test_patterns_name_runs(only, found):
    assert trainings.wanted(only, "Easy/one", "cnn") is found


def test_tables_count_what_is_missing(tmp_path):
    tasks = [task(tmp_path, "oracle"), task(tmp_path, "oracle", seed=1)]
    trainings.work_through(tasks[:1], 1)
    lines = read_lines(tasks[0].results)
    runs, asked = trainings.finished_runs([*lines, lines[0] | {"auroc": 0.75}], tasks)
    pair = ("Easy/one", "oracle")
    assert asked == {pair: 2}
    assert [record["auroc"] for record in runs[pair]] == [0.75]  # the last of repeated runs


def test_a_missing_file_of_runs_begins_as_the_runs_in_the_repository(tmp_path, monkeypatch):
    """A file that is there, or that lies elsewhere, is left alone."""
    kept = tmp_path / "benchmarks" / "results" / "some.jsonl"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}\n")
    monkeypatch.setattr(trainings, "ROOT", tmp_path)
    runs = tmp_path / "runs" / "some.jsonl"
    trainings.start_results(runs)
    assert runs.read_text() == "{}\n"
    runs.write_text("mine\n")
    for results in (runs, tmp_path / "some.jsonl", tmp_path / "runs" / "other.jsonl"):
        trainings.start_results(results)
    assert runs.read_text() == "mine\n"
    assert not (tmp_path / "some.jsonl").exists()
    assert not (tmp_path / "runs" / "other.jsonl").exists()
