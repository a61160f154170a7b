"""`argminn syntax`: rules as sentences on the screen, and as tables in a folder."""

from __future__ import annotations

import json

import numpy as np
import pytest

from argminn_core import tables
from argminn_core.checkpoint import save_model
from argminn_core.fasta import write_fasta
from argminn_core.sentences import before
from tests.written import LENGTH, WIDTH, bundle_of, pairs, with_sites

FILES = ("pairs", "arrangements", "gaps", "ranges", "causal", "rules", "merged", "dropped")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model of "A before B", forty sequences of which it is true, and sixty of which it is not, of the same names."""
    path = tmp_path_factory.mktemp("syntax")
    save_model(path / "model.safetensors", bundle_of(before("A", "B")))
    rng = np.random.default_rng(0)
    good = with_sites(pairs("A", rng.integers(0, LENGTH - 2 * WIDTH, 40).tolist(), "B"))
    bad = with_sites(pairs("B", rng.integers(0, LENGTH - 2 * WIDTH, 30).tolist(), "A") + [[]] * 30, seed=5)
    for name, sequences in (("good", good), ("bad", bad)):
        write_fasta(
            [(each, sequences.text(i)) for i, each in enumerate(sequences.names)], path / f"{name}.fa"
        )
    return path


def test_rules_are_said_and_written(argminn, folder, tmp_path):
    out = tmp_path / "out"
    said = argminn(
        "syntax", "--model", folder / "model.safetensors", "--fasta", folder / "good.fa",
        "--controls", folder / "bad.fa", "--out", out, "--max-gap", 40, "--quiet",
    ).out  # fmt: skip
    read = {name: getattr(tables, name.upper()).read(out / f"{name}.tsv") for name in FILES}
    lines = [f"{row.kind}: {row.sentence}" for row in read["rules"].itertuples()]
    assert said.splitlines()[:-1] == lines
    assert lines[0].startswith(
        "pair: A then B, same strand (100%), no preferred gap, synergy +8.0 [8.0, 8.0], q = "
    )
    assert [line.split(", q")[0] for line in lines[1:]] == [
        f"necessary: {motif} is necessary: in 40 of 40 positive calls, and 100% of them are lost without it, "
        "logit -8.0 [-8.0, -8.0]" for motif in "AB"
    ]  # fmt: skip
    assert said.splitlines()[-1] == f"3 rules in 100 sequences; see {out}"
    assert read["causal"]["gap"].max() == 40
    assert read["pairs"].set_index(["motif_a", "motif_b"]).loc[("A", "B"), "together"] == 40
    params = json.loads((out / "params.json").read_text())
    assert params["max_gap"] == 40
    assert set(params["digests"]) == {"good.fa", "bad.fa"}


def test_no_sequence_is_no_rule(argminn, folder, tmp_path):
    (tmp_path / "short.fa").write_text(">a\nACGT\n>b\n" + "N" * LENGTH + "\n")
    said = argminn(
        "syntax", "--model", folder / "model.safetensors", "--fasta", tmp_path / "short.fa", "--out", tmp_path / "out",
        "--quiet",
    )  # fmt: skip
    assert said.out.startswith("0 rules in 2 sequences")
    assert tables.DROPPED.read(tmp_path / "out" / "dropped.tsv")["reason"].tolist() == [
        "too short",
        "no known base",
    ]
    assert tables.RULES.read(tmp_path / "out" / "rules.tsv").empty


def test_a_file_that_is_not_there_is_one_message(argminn, folder, tmp_path):
    said = argminn(
        "syntax", "--model", folder / "model.safetensors", "--fasta", folder / "good.fa",
        "--controls", tmp_path / "none.fa", "--out", tmp_path / "out", code=2,
    )  # fmt: skip
    assert said.err.startswith("argminn: ")
    assert "none.fa" in said.err
