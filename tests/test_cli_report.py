"""`argminn report` from outside: one command, one folder, and what a mistake prints."""

from __future__ import annotations

import hashlib
import json

import pytest
from handmade import LENGTH, fasta, save_toy
from test_cli import argminn

from argminn_core.report import FILES
from argminn_core.tables import DROPPED, INSTANCES


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    save_toy(home)
    return home / "models" / "toy.safetensors"


@pytest.fixture(scope="module")
def placed(tmp_path_factory):
    """Records named after places of a chromosome, one of them too short; the chromosome's size; controls."""
    folder = tmp_path_factory.mktemp("in")
    lines = fasta(12).decode().splitlines()
    texts = [f">chr7:{1000 * i}-{1000 * i + LENGTH}\n{text}\n" for i, text in enumerate(lines[1::2])]
    (folder / "in.fa").write_text("".join(texts) + ">chr7:500-504\nACGT\n")
    (folder / "controls.fa").write_bytes(fasta(6, seed=99))
    (folder / "hg.sizes").write_text("chr7\t90000\n")
    return folder


@pytest.fixture(scope="module")
def done(model, placed, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "new" / "folder"
    said = argminn(
        "report", "--model", model, "--fasta", placed / "in.fa", "--controls", placed / "controls.fa", "--chrom-sizes",
        placed / "hg.sizes", "--seed", 3, "--out", out,
    )  # fmt: skip
    return said, out


def test_one_command_makes_the_whole_folder(done):
    _, out = done
    assert {path.name + "/" * path.is_dir() for path in out.iterdir()} == {*FILES, "report.html"}
    assert len(INSTANCES.read(out / "instances.tsv")) >= 12
    assert DROPPED.read(out / "dropped.tsv")["record"].tolist() == ["chr7:500-504"]


def test_it_says_the_verdict_and_where_the_page_is(done):
    said, out = done
    html = (out / "report.html").read_text()
    lines = said.stdout.splitlines()
    assert lines[-1] == f"see {out / 'report.html'}"
    assert "targets met" in lines[-2] and lines[-2].partition(".")[0] in html
    assert lines[0].startswith(f"{len(INSTANCES.read(out / 'instances.tsv'))} instances in 13 sequences")
    assert "dropped 1 records: too short" in said.stderr


def test_settings_come_with_the_digests_of_what_went_in(done, placed):
    _, out = done
    params = json.loads((out / "params.json").read_text())
    for name in ("in.fa", "controls.fa", "hg.sizes"):
        digest = hashlib.sha256((placed / name).read_bytes()).hexdigest()
        assert params["digests"][name] == f"sha256:{digest}"
    assert params["command"] == ["report"] and params["seed"] == 3 and params["control_sequences"] == 6
    assert params["fasta"] == str(placed / "in.fa") and params["min_contribution"] == 1.0


@pytest.mark.parametrize(
    ("fasta_text", "sizes", "says"),
    [
        ("", None, "empty"),
        (">a\nMEEPQSDPSVEPPLSQETFSDLWKLL\n", None, "protein"),
        (">chr7:0-200\n" + "ACGTT" * 40 + "\n", "chr7\t199\n", "at least"),
        (">chr7:0-200\n" + "ACGTT" * 40 + "\n", "chr7 200\n", "size of a chromosome"),
    ],
)
def test_a_mistake_is_one_message_before_the_work(fasta_text, sizes, says, model, tmp_path):
    (tmp_path / "in.fa").write_text(fasta_text)
    more = []
    if sizes is not None:
        (tmp_path / "in.sizes").write_text(sizes)
        more = ["--chrom-sizes", tmp_path / "in.sizes"]
    said = argminn(
        "report", "--model", model, "--fasta", tmp_path / "in.fa", "--out", tmp_path / "out", *more, code=2
    )
    assert said.stderr.startswith("argminn: ") and len(said.stderr.splitlines()) == 1
    assert says in said.stderr
    assert not (tmp_path / "out").exists()
