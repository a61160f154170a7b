"""The Train page as the server builds it: what it says of data and of trainings, without a process of theirs."""

import json
import os
import time

import pytest
import training
from streamlit.testing.v1 import AppTest

from argminn_core import job_files, jobs, zoo
from argminn_core.train import write_atomically

MAIN = "app/main.py"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ARGMINN_HOME", str(tmp_path))
    monkeypatch.delenv("ARGMINN_GENOMES", raising=False)
    monkeypatch.setattr(zoo, "BUNDLED", tmp_path / "bundled")
    monkeypatch.setattr(jobs, "_spawn", lambda job: None)
    return tmp_path


@pytest.fixture
def app(home, request):
    return AppTest.from_file(str(request.config.rootpath / MAIN), default_timeout=60)


def visit(app):
    app.run()
    app.switch_page("../pages/train.py").run()
    return checked(app)


def checked(app):
    assert not app.exception, [error.value for error in app.exception]
    return app


def give(app, **files):
    from app.train_state import Draft, Given

    names = {"positives": "positives.fa", "negatives": "negatives.fa", "peaks": "peaks.bed"}
    app.session_state["train_draft"] = Draft({names[k]: Given(f"{k}.file", raw) for k, raw in files.items()})
    if "negatives" in files:
        app.session_state["train_negatives"] = "A FASTA file"
    return visit(app)


def words(elements):
    return " ".join(element.value for element in elements)


def button(app, label):
    (found,) = [button for button in app.button if button.label == label]
    return found


def labels(app):
    return [button.label for button in app.button]


def run_to(job, state, **progress):
    """Pretend that a process got so far."""
    token = job_files.process_token(os.getpid())
    jobs.change(job.folder, state=state, pid=os.getpid(), token=token, started=time.time())
    (job.folder / "run").mkdir(exist_ok=True)
    lines = [
        json.dumps(dict.fromkeys(job_files.HISTORY.columns, 0.7) | {"epoch": epoch})
        for epoch in range(1, progress.get("epoch", 0) + 1)
    ]
    write_atomically(job.folder / "run" / "history.jsonl", "\n".join(lines))
    write_atomically(
        job.folder / "progress.json", json.dumps({"phase": "training", "at": time.time()} | progress)
    )
    return jobs.get(job.id)


def test_an_empty_page_says_what_to_give(app):
    visit(app)
    assert "Give the positives" in words(app.info) and not labels(app)
    app.segmented_control("train_view").set_value("Trainings").run()
    assert "no training yet" in words(checked(app).info)
    button(app, "New training").click().run()
    assert "Give the positives" in words(checked(app).info)


def test_files_are_checked_and_a_training_starts_and_waits(app):
    given = training.inputs(240)
    give(app, positives=given["positives.fa"], negatives=given["negatives.fa"])
    assert "Go with care" in words(app.warning)
    table = app.table[0].value
    assert (
        table.loc["Sequences", "positives"] == "240"
        and "care" in table.loc["Train / valid / test", "verdict"]
    )
    app.number_input("train_epochs_peaks").set_value(3)
    app.text_input[0].set_value("my model <b>").run()
    assert "about" in words(app.markdown)
    button(app, "Start training").click().run()
    (job,) = jobs.jobs()
    assert (job.state, job.settings.name, job.settings.train) == ("waiting", "my model <b>", {"epochs": 3})
    assert (
        job.settings.labels == ("positives.file", "negatives.file") and job.settings.length == training.LENGTH
    )
    assert (job.folder / "positives.fa").read_bytes() == given["positives.fa"]
    assert checked(app).segmented_control("train_view").value == "Trainings"
    assert "0 trainings before it" in words(app.info) and "yours" in app.selectbox("train_job").options[0]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b">p\nMKVLLAAGIVGLL\n", "protein"),
        (b"chr1\t5\t90\n", "BED"),
        (b"\x00\x01", "binary"),
        (b">a\n", "no sequence"),
        (b"", "empty"),
    ],
)
def test_bad_files_are_answered_in_words_and_nothing_can_be_started(app, raw, said):
    give(app, positives=raw)
    shown = words(app.error) + (str(app.table[0].value) if app.table else "")
    assert said in shown.replace("\\", "")
    assert "Start training" not in labels(app) or button(app, "Start training").disabled


def test_one_file_twice_cannot_be_started(app):
    given = training.records(60, site=True)
    give(app, positives=given, negatives=given)
    assert "Cannot be trained" in words(app.error) and button(app, "Start training").disabled


def test_without_genomes_the_page_says_how_to_offer_one(app, home, monkeypatch):
    app.session_state["train_kind"] = "peaks"
    visit(app)
    assert "ARGMINN_GENOMES" in words(app.info)
    monkeypatch.setenv("ARGMINN_GENOMES", str(home))
    assert "no FASTA" in words(app.run().info)
    (home / "g.fa").write_text(">chr1\nACGT\n")
    app.run()
    assert checked(app).selectbox("train_genome").options == ["g.fa"] and "Give the peaks" in words(app.info)


def test_a_grammar_can_be_learned_at_once(app):
    app.session_state["train_kind"] = "grammar"
    visit(app)
    assert "SPI1 (100%)" in words(app.markdown)
    button(app, "Start training").click().run()
    (job,) = jobs.jobs()
    assert (job.settings.kind, job.settings.grammar, job.settings.recipe) == ("grammar", "SPI1", "grammar")
    checked(app)


def test_a_training_is_followed_and_cancelled(app):
    job = jobs.create(training.settings("mine", epochs=10), training.inputs())
    run_to(job, "running", epoch=3, remaining=600.0, auroc=0.7)
    visit(app)  # with one under way, the page opens with it
    assert app.segmented_control("train_view").value == "Trainings"
    table = app.dataframe[-1].value
    assert (
        list(table["state"]) == ["running"]
        and list(table["progress"]) == [0.3]
        and list(table["auROC"]) == [0.7]
    )
    assert not table["yours"][0]
    assert "Cancel the training" in labels(app) and "Delete the training" not in labels(app)
    charts = app.get("plotly_chart")
    assert len(charts) == 2


@pytest.mark.parametrize("state", ["stopped", "cancelled", "failed"])
def test_what_ended_early_can_be_resumed_and_deleted(app, state):
    job = jobs.create(training.settings("early", epochs=10), training.inputs())
    run_to(job, state, epoch=4)
    jobs.change(job.folder, problem="No & <b>reason</b> *at* all.")
    app.query_params["job"] = job.id
    visit(app)
    app.segmented_control("train_view").set_value("Trainings").run()
    shown = words(app.warning) + words(app.info) + words(app.error)
    assert ("4 of 10 epochs" in shown) != (state == "failed")
    if state == "failed":
        assert r"<b\>" in shown or r"\<b\>" in shown
    button(app, "Resume").click().run()
    assert jobs.get(job.id).state == "waiting"
    button(checked(app), "Delete the training").click().run()
    assert not jobs.jobs() and "no training yet" in words(checked(app).info)


def test_damaged_folders_do_not_take_the_page_down(app):
    good = jobs.create(training.settings("good"), training.inputs())
    bad = jobs.create(training.settings("bad"), training.inputs())
    (bad.folder / "job.json").write_text('{"settings": 3}')
    (bad.folder / "log.txt").write_bytes(b"\xff<script>")
    visit(app)
    app.selectbox("train_job").set_value(bad.id).run()
    assert "cannot be read" in words(checked(app).error) and "Delete the training" in labels(app)
    app.selectbox("train_job").set_value(good.id).run()
    checked(app)
    run_to(good, "done", epoch=2)
    jobs.change(good.folder, model="gone")
    app.run()
    assert "no longer in the list" in words(checked(app).warning)


def test_a_training_deleted_elsewhere_is_no_error(app):
    job = jobs.create(training.settings("one"), training.inputs())
    jobs.create(training.settings("two"), training.inputs())
    visit(app)
    app.selectbox("train_job").set_value(job.id).run()
    jobs.delete(job.id)
    button(app, "Cancel the training").click().run()
    assert "no such training" in words(checked(app).error) or job.id not in app.selectbox("train_job").options


def test_the_finished_model_is_used(app, home):
    from handmade import save_toy

    job = jobs.create(training.settings("toy", epochs=2), training.inputs())
    run_to(job, "done", epoch=2)
    jobs.change(job.folder, model="toy")
    for name in ("another", "toy"):
        save_toy(home, name)
    app.query_params["job"] = job.id
    visit(app)
    app.segmented_control("train_view").set_value("Trainings").run()
    assert "auROC **0.912**" in words(app.markdown)
    button(app, "Use this model").click().run()
    assert checked(app).session_state["model"] == "toy" and button(app, "In use").disabled
