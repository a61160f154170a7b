"""Trainings in processes of their own: started, followed, cancelled, killed, resumed; folders that are no trainings."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
import training

from argminn_core import job_files, jobs, recipe, worker, zoo
from argminn_core.checkpoint import load_model
from argminn_core.errors import ConfigError, InputError
from argminn_core.predict import one_thread

EPOCHS = 40


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ARGMINN_HOME", str(tmp_path))
    monkeypatch.setenv("ARGMINN_JOBS", "1")
    yield tmp_path
    for job in jobs.jobs():  # whatever a failed test left running
        if job.state == "running":
            os.kill(job.pid, signal.SIGKILL)


@pytest.fixture
def unstarted(home, monkeypatch):
    """Nothing starts by itself."""
    monkeypatch.setattr(jobs, "_spawn", lambda job: None)
    return home


@pytest.fixture
def inline(monkeypatch):
    """The worker may run in the test's own process, whose priority and signals stay."""
    monkeypatch.setattr(worker.os, "setpriority", lambda *_: None)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def weights(name):
    return load_model(zoo.resolve(name)).model.state_dict()


def uninterrupted(job, folder):
    """The same training in this process, in one go."""
    data = worker.prepare(job.settings, job.folder)
    run = recipe.Run(
        "whole",
        data.source,
        job.settings.chosen(data.source.length),
        folder / "whole",
        data.about,
        data.dropped,
    )
    with one_thread():
        for _ in run.epochs():
            pass
    return run


def test_a_killed_training_resumes_and_ends_as_if_it_had_not_been(home, tmp_path):
    job = jobs.create(training.settings("killed", epochs=EPOCHS, batches=1), training.inputs())
    job = training.wait(job.id, lambda job: job.epoch >= 2)
    os.kill(job.pid, signal.SIGKILL)
    stopped = training.wait(job.id, training.ended)
    assert stopped.state == "stopped" and stopped.resumable and 2 <= stopped.epoch < EPOCHS
    jobs.resume(job.id)
    done = training.wait(job.id, training.ended)
    assert done.state == "done", training.log(done)
    assert list(job_files.history(done)["epoch"]) == list(range(1, EPOCHS + 1))
    for name, value in uninterrupted(done, tmp_path).model.state_dict().items():
        torch.testing.assert_close(weights("killed")[name], value, rtol=0, atol=0)


def test_one_at_a_time_and_the_next_is_called_by_the_one_that_ends(home):
    first = jobs.create(training.settings("first", epochs=2000), training.inputs())
    second = jobs.create(training.settings("second"), training.inputs())
    third = jobs.create(training.settings("third"), training.inputs(), owner="me")
    assert first.state == "running" and first.pid != os.getpid() and os.getsid(first.pid) == first.pid
    assert (second.state, third.state) == ("waiting", "waiting")
    assert [job.id for job in jobs.ahead(third)] == [second.id, first.id]
    jobs.cancel(second.id)
    assert jobs.get(second.id).state == "cancelled"
    training.wait(first.id, lambda job: job.epoch >= 1)
    with pytest.raises(InputError, match="running"):
        jobs.delete(first.id)
    jobs.cancel(first.id)
    ended = training.wait(first.id, training.ended)
    assert (
        ended.state == "cancelled"
        and ended.resumable
        and (ended.folder / "run" / "state.safetensors").exists()
    )
    # nobody has called it since: `jobs.get` only looks
    done = training.wait(third.id, training.ended)
    assert (done.state, done.model, done.owner, done.problem) == ("done", "third", "me", "")
    assert "third" in zoo.names()
    history = job_files.history(done)
    assert list(history["epoch"]) == [1, 2] and history["valid_auroc"].between(0, 1).all()
    assert job_files.snapshots(done) == [1, 2]
    assert [motif.filter for motif in job_files.snapshot(done, 2)] == [0, 1]
    card = load_model(zoo.resolve("third")).card
    assert card["data"] == "bound.fa against unbound.fa" and set(card["digests"]) == {
        "bound.fa",
        "unbound.fa",
    }
    assert (done.epoch, done.epochs) == (2, 2) and done.ended > done.started > 0
    jobs.delete(first.id)
    assert first.id not in [job.id for job in jobs.jobs()] and not first.folder.exists()


def test_cancelled_before_the_first_batch_is_cancelled(home):
    job = jobs.create(training.settings(start="jaspar", epochs=50), training.inputs())
    jobs.cancel(job.id)
    assert training.wait(job.id, training.ended).state == "cancelled"


# --- without a process --------------------------------------------------------------------------------------


def test_data_that_cannot_be_trained_on_fail_in_words(unstarted, inline):
    few = training.inputs() | {"negatives.fa": training.records(4, site=False)}
    job = jobs.create(training.settings(), few)
    assert worker.main(job.folder) == 0
    job = jobs.get(job.id)
    assert job.state == "failed" and "too few sequences" in job.problem
    assert not zoo.user_dir().exists()


def test_a_fault_of_the_program_is_said_to_be_one(unstarted, inline, monkeypatch):
    job = jobs.create(training.settings(), training.inputs())
    monkeypatch.setattr(worker, "prepare", lambda *_: 1 / 0)
    worker.main(job.folder)
    assert jobs.get(job.id).state == "failed" and "ZeroDivisionError" in jobs.get(job.id).problem


def test_ended_by_the_machine_it_is_stopped_and_calls_no_next_one(unstarted, inline, monkeypatch):
    job = jobs.create(training.settings(), training.inputs())
    monkeypatch.setattr(worker, "prepare", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    monkeypatch.setattr(jobs, "advance", lambda: pytest.fail("the machine is going down"))
    worker.main(job.folder)
    assert jobs.get(job.id).state == "stopped"


def test_a_process_is_told_by_its_start_and_not_by_its_number(unstarted):
    job = jobs.create(training.settings(), training.inputs())
    jobs.change(job.folder, state="running", pid=os.getpid(), token=jobs.process_token(os.getpid()))
    assert jobs.get(job.id).state == "running"
    jobs.change(job.folder, token="another boot:1")
    assert jobs.get(job.id).state == "stopped"
    (job.folder / "cancel").touch()
    assert jobs.get(job.id).state == "cancelled"


def test_a_zombie_is_dead():
    child = subprocess.Popen([sys.executable, "-c", ""])
    deadline = time.monotonic() + 30
    while job_files.process_token(child.pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert child.returncode is None and job_files.process_token(child.pid) == ""
    child.wait()
    assert job_files.process_token(child.pid) == "" and job_files.process_token(0) == ""


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("job.json", None),
        ("job.json", b""),
        ("job.json", b"[" * 100_000),
        ("job.json", b'{"state": "done"}'),
        (
            "job.json",
            b'{"settings": {"name": "<b>", "kind": "fasta", "recipe": "peaks", "model": []}, "state": "done"}',
        ),
        ("job.json", b'{"settings": {"name": "x", "kind": "fasta", "recipe": "no"}, "state": "waiting"}'),
        ("job.json", b"x" * (2 << 20)),
    ],
)
def test_a_damaged_folder_is_unreadable_and_can_be_deleted(unstarted, file, content):
    good = jobs.create(training.settings("good"), training.inputs())
    bad = jobs.create(training.settings("bad"), training.inputs())
    (bad.folder / file).unlink()
    if content is not None:
        (bad.folder / file).write_bytes(content)
    assert {job.id: job.state for job in jobs.jobs()} == {good.id: "waiting", bad.id: "unreadable"}
    assert jobs.get(bad.id).problem
    jobs.advance()
    jobs.cancel(bad.id)
    jobs.resume(bad.id)
    jobs.delete(bad.id)
    assert [job.id for job in jobs.jobs()] == [good.id]


def test_damaged_parts_of_a_training_are_left_out(unstarted):
    job = jobs.create(training.settings(), training.inputs())
    (job.folder / "progress.json").write_text('{"epoch": "many", "phase": 3}')
    (job.folder / "run").mkdir()
    line = dict.fromkeys(job_files.HISTORY.columns, 0.5) | {"epoch": 1}
    (job.folder / "run" / "history.jsonl").write_text(f'{{"epoch"\n{json.dumps(line)}\n[]\n{{"epoch": 2}}\n')
    (job.folder / "motifs").mkdir()
    job_files.snapshot_file(job.folder, 1).write_text(
        '{"motifs": [{"name": "x", "filter": 0, "pfm": [[1]]}]}'
    )
    (job.folder / "motifs" / "epoch_x.json").write_text("")
    job = jobs.get(job.id)
    assert job.state == "waiting" and job.progress == {} and job.epoch == 0
    assert list(job_files.history(job)["epoch"]) == [1]
    assert (
        job_files.snapshots(job) == [1]
        and job_files.snapshot(job, 1) == []
        and job_files.snapshot(job, 9) == []
    )


def test_no_path_gets_out_of_the_folder(unstarted, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    for name in ("../outside", "", ".lock", "20260101-000000000-zzzzzzzz"):
        with pytest.raises(InputError, match="no such training"):
            jobs.delete(name)
    jobs.folder().mkdir(parents=True)
    link = jobs.folder() / "20260101-000000000-00000000"
    link.symlink_to(outside)
    jobs.delete(link.name)
    assert not link.exists() and (outside / "kept").exists()


def test_what_cannot_be_started_is_refused(unstarted, monkeypatch):
    with pytest.raises(InputError, match="missing") as missing:
        jobs.create(training.settings(), {"positives.fa": b">a\nACGT\n"})
    assert "negatives.fa" in str(missing.value)
    for change in (dict(name=" "), dict(kind="bam"), dict(seed=-1), dict(recipe="none"), dict(train={"epochs": 0}),
                   dict(train={"speed": 3}), dict(length=10)):  # fmt: skip
        with pytest.raises(ConfigError):
            training.settings(**change)
    monkeypatch.setattr(jobs, "MAX_WAITING", 1)
    jobs.create(training.settings(), training.inputs())
    with pytest.raises(InputError, match="too many"):
        jobs.create(training.settings(), training.inputs())


def test_time_left_runs_down_between_epochs():
    job = job_files.Job(
        "x", None, "running", training.settings(), progress={"epoch": 1, "remaining": 60.0, "at": 100.0}
    )
    assert job.remaining(110.0) == 50 and job.remaining(1_000.0) == 0
    assert job_files.Job("x", None, "running", training.settings()).remaining(0) is None


def test_a_model_of_a_taken_name_gets_another_one_and_the_same_bytes_are_kept_once(home):
    assert zoo.add(b"one", "My model!") == "My_model"
    assert zoo.add(b"two", "My model!") == "My_model_2"
    assert zoo.add(b"one", "My model!") == "My_model"
    assert sorted(path.name for path in zoo.user_dir().iterdir()) == [
        "My_model.safetensors",
        "My_model_2.safetensors",
    ]


def test_settings_come_back_from_json(unstarted):
    given = training.settings(valid=("chr1",), negatives="shuffle")
    job = jobs.create(given, training.inputs())
    assert job.settings == given
    assert not (job.folder / "negatives.fa").exists()


def test_only_one_process_works_in_a_folder(unstarted):
    import fcntl

    job = jobs.create(training.settings(), training.inputs())
    with open(job.folder / ".worker", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert worker.main(job.folder) == 1
    assert jobs.get(job.id).state == "waiting"
