"""The command line from outside: files in, files out, and what a mistake prints."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from argminn_core import dna
from argminn_core.fasta import read_fasta
from argminn_core.pfm import read_meme
from argminn_core.tables import DROPPED, INSTANCES, PLACEMENTS, PREDICTIONS


def argminn(*arguments: object, code: int = 0) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [sys.executable, "-c", "from argminn_core.cli import main; main()", *map(str, arguments)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cli")


@pytest.fixture(scope="module")
def simulated(folder):
    out = folder / "simulated"
    argminn("simulate", "--grammar", "REST", "--n", 60, "--seed", 1, "--out", out)
    return out


@pytest.fixture(scope="module")
def trained(folder, simulated):
    out = folder / "trained"
    argminn(
        "train", "--positives", simulated / "positives.fa", "--negatives", simulated / "negatives.fa", "--out", out,
        "--start", "random", "--epochs", 2, "--batches", 2, "--filters", 3, "--width", 10, "--name", "tiny",
    )  # fmt: skip
    return out


def test_simulate_says_where_every_motif_is(simulated):
    truth = PLACEMENTS.read(simulated / "truth.tsv")
    positives, _ = read_fasta(simulated / "positives.fa")
    assert len(positives) == 60
    row = truth.iloc[0]
    text = positives.text(positives.names.index(row["sequence"]))[row["start0"] : row["end0"]]
    assert row["site"] == (text if row["strand"] == "+" else dna.reverse_complement(text))


def test_simulate_is_repeatable(simulated, tmp_path):
    argminn("simulate", "--grammar", "rest", "--n", 60, "--seed", 1, "--out", tmp_path)
    assert (tmp_path / "positives.fa").read_bytes() == (simulated / "positives.fa").read_bytes()


def test_train_writes_the_folder_of_a_run(trained):
    names = {path.name for path in trained.iterdir()}
    assert names == {"model.safetensors", "params.json", "history.jsonl", "metrics.json", "dropped.tsv"}
    scores = json.loads((trained / "metrics.json").read_text())
    assert {"auroc", "auprc", "accuracy"} <= set(scores["test"]) and {"auroc"} <= set(scores["valid"])
    assert len((trained / "history.jsonl").read_text().splitlines()) == 2
    params = json.loads((trained / "params.json").read_text())
    assert params["data"]["digests"]["positives.fa"].startswith("sha256:")


def test_predict_and_scan_agree(trained, simulated, tmp_path):
    model, fasta = trained / "model.safetensors", simulated / "positives.fa"
    argminn("predict", "--model", model, "--fasta", fasta, "--out", tmp_path / "p.tsv")
    argminn("scan", "--model", model, "--fasta", fasta, "--out", tmp_path / "scan", "--paper-rule")
    predicted = PREDICTIONS.read(tmp_path / "p.tsv")
    scanned = PREDICTIONS.read(tmp_path / "scan" / "predictions.tsv")
    pd.testing.assert_frame_equal(predicted, scanned)
    assert list(predicted.columns[:3]) == ["sequence", "logit", "probability"]
    instances = INSTANCES.read(tmp_path / "scan" / "instances.tsv")
    assert list(instances.columns[:8]) == [
        "sequence", "start0", "end0", "motif", "strand", "attention", "activation", "contribution"
    ]  # fmt: skip
    bed = (tmp_path / "scan" / "instances.bed").read_text().splitlines()
    assert len(bed) == len(instances)
    assert len(DROPPED.read(tmp_path / "scan" / "dropped.tsv")) == 0


def test_motifs_are_exported_for_other_tools(tmp_path):
    argminn("motifs", "--model", "rest", "--out", tmp_path)
    table = pd.read_csv(tmp_path / "motifs.tsv", sep="\t")
    assert {"REST_left", "REST_right"} <= set(table["motif"])
    assert [motif.name for motif in read_meme(tmp_path / "motifs.meme")] == list(
        table["motif"][table["counts"]]
    )
    assert len(list((tmp_path / "logos").glob("*.svg"))) == table["counts"].sum()


def test_design_places_what_it_was_told(tmp_path):
    model = "rest"
    table = tmp_path / "motifs"
    argminn("motifs", "--model", model, "--out", table)
    motif = read_meme(table / "motifs.meme")[0]
    placements = PLACEMENTS.frame(
        {
            "sequence": ["d1"],
            "start0": [240],
            "end0": [240 + motif.width],
            "motif": [motif.name],
            "strand": ["-"],
        }
    )
    PLACEMENTS.write(placements, tmp_path / "placements.tsv")
    (tmp_path / "background.fa").write_text(">b\n" + "ACGT" * 125 + "\n")
    argminn(
        "design", "--model", model, "--placements", tmp_path / "placements.tsv", "--background",
        tmp_path / "background.fa", "--out", tmp_path / "designs.fa",
    )  # fmt: skip
    designs, _ = read_fasta(tmp_path / "designs.fa")
    assert designs.names == ["d1"]
    assert dna.reverse_complement(designs.text(0)[240 : 240 + motif.width]) == motif.consensus
    assert f"motifs={motif.name}:240-{240 + motif.width}(-)" in designs.headers[0]


def test_a_design_says_what_to_place_once(tmp_path):
    (tmp_path / "b.fa").write_text(">b\n" + "ACGT" * 125 + "\n")
    given = ("design", "--model", "rest", "--background", tmp_path / "b.fa", "--out", tmp_path / "d.fa")
    assert "one of --placements, --place" in argminn(*given, code=2).stderr
    assert "no motif of that name" in argminn(*given, "--place", "nobody@5+", code=2).stderr
    assert not (tmp_path / "d.fa").exists()


def test_regions_are_cut_and_the_lost_ones_said(tmp_path):
    (tmp_path / "g.fa").write_text(">chr1\n" + "ACGGT" * 40 + "\n")
    (tmp_path / "p.bed").write_text("chr1\t50\t70\tpeak\nchr1\t0\t4\nchr9\t1\t9\n")
    given = ("regions", "--peaks", tmp_path / "p.bed", "--genome", tmp_path / "g.fa")
    said = argminn(*given, "--length", 20, "--out", tmp_path / "out.fa").stderr
    assert "1 records: off the chromosome end" in said
    assert "1 records: chromosome not in genome" in said
    cut, _ = read_fasta(tmp_path / "out.fa")
    assert cut.headers == ["chr1:50-70 peak"] and cut.text(0) == "ACGGT" * 4
    assert "could be cut" in argminn(*given, "--length", 500, "--out", tmp_path / "no.fa", code=2).stderr


def test_models_lists_the_bundled_ones():
    lines = argminn("models").stdout.splitlines()
    assert {"rest", "spi1", "tal-gata", "ctcf-hepg2"} <= {line.split("\t")[0] for line in lines}


def test_lengths_that_differ_are_read_in_windows_or_padded(trained, tmp_path):
    rng = np.random.default_rng(0)

    def text(n: int) -> str:
        return dna.decode(rng.integers(0, 4, n).astype(np.uint8))

    records = {"short": text(300), "long": text(5000), "exact": text(500), "tiny": text(4)}
    (tmp_path / "in.fa").write_text("".join(f">{name}\r\n{text}\r\n" for name, text in records.items()))
    done = argminn(
        "scan",
        "--model",
        trained / "model.safetensors",
        "--fasta",
        tmp_path / "in.fa",
        "--out",
        tmp_path / "out",
    )
    table = PREDICTIONS.read(tmp_path / "out" / "predictions.tsv")
    assert table.groupby("sequence").size().to_dict() == {"short": 1, "long": 19, "exact": 1}
    assert set(table["note"][table["sequence"] == "short"]) == {"padded"}
    dropped = DROPPED.read(tmp_path / "out" / "dropped.tsv")
    assert dropped["record"].tolist() == ["tiny"] and "too short" in dropped["reason"][0]
    assert "dropped 1 records: too short" in done.stderr


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"chr1\t100\t600\n", "FASTA"),
        (b">p\nMEEPQSDPSVEPPLSQETFSDLWKLL\n", "protein"),
        (gzip.compress(b">a\nACGT\n", mtime=0)[:20], "gzip"),
    ],
)
def test_bad_input_is_one_message_and_code_2(content, says, trained, tmp_path):
    (tmp_path / "bad.fa").write_bytes(content)
    done = argminn(
        "predict", "--model", trained / "model.safetensors", "--fasta", tmp_path / "bad.fa", "--out", tmp_path / "o",
        code=2,
    )  # fmt: skip
    assert done.stderr.startswith("argminn: ") and len(done.stderr.splitlines()) == 1
    assert says.lower() in done.stderr.lower()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["train", "--out", "o"], "--grammar, --positives, --peaks"),
        (["train", "--out", "o", "--grammar", "NOPE"], "REST"),
        (["train", "--out", "o", "--grammar", "REST", "--strands", "three"], "both or single"),
        (["train", "--out", "o", "--peaks", "p.bed"], "--genome"),
        (["models", "--nope"], "--nope"),
        (["predict", "--model", "nope", "--fasta", "f", "--out", "o"], ""),
    ],
)
def test_a_wrong_call_exits_with_2(arguments, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = argminn(*arguments, code=2)
    assert says in done.stderr and "Traceback" not in done.stderr
