"""`argminn variants`: a model, FASTA and VCF in, tables and an annotated VCF out."""

from __future__ import annotations

import gzip
import json

import pytest

from argminn_core.checkpoint import save_model
from argminn_core.tables import DROPPED, VARIANTS
from argminn_core.vcf import read_vcf
from tests.test_vcf import strictly, vcf
from tests.toy import LENGTH, SITE, background, detector, plant


@pytest.fixture
def folder(tmp_path):
    save_model(tmp_path / "model.safetensors", detector())
    (tmp_path / "s.fa").write_text(f">chr1:1000-1060 peak\n{plant(background(LENGTH), SITE, 24)}\n")
    (tmp_path / "v.vcf.gz").write_bytes(
        gzip.compress(vcf("chr1 1027 rs1 T C,G . . .", "chr1 1028 . A C . . .", "chr2 1 . A C . . ."))
    )
    return tmp_path


def test_effects_are_written(argminn, folder):
    out = folder / "out"
    said = argminn(
        "variants", "--model", folder / "model.safetensors", "--fasta", folder / "s.fa", "--vcf", folder / "v.vcf.gz",
        "--out", out, "--quiet",
    )  # fmt: skip
    assert said.out == f"2 effects of 4 alleles; see {out}\n"
    assert "dropped 1 records: reference mismatch" in said.err
    table = VARIANTS.read(out / "variants.tsv")
    assert table["difference"].round(2).tolist() == [-6.63, -6.63]
    assert table["lost"].str.startswith("SITE/+/25/32/").all()
    assert set(DROPPED.read(out / "dropped.tsv")["reason"]) == {"reference mismatch", "no such sequence"}
    records = strictly((out / "variants.vcf").read_text())
    assert [(each["CHROM"], each["POS"], each["ID"]) for each in records] == [("chr1", 1027, "rs1")] * 2
    assert float(records[0]["ARGMINN_DLOGIT"]) == pytest.approx(-6.633, abs=0.01)
    assert len(read_vcf(out / "variants.vcf", max_records=9)[0]) == 2
    params = json.loads((out / "params.json").read_text())
    assert set(params["digests"]) == {"s.fa", "v.vcf.gz"} and params["min_contribution"] == 1.0


def test_a_file_that_is_no_vcf_is_one_message(argminn, folder):
    said = argminn(
        "variants", "--model", folder / "model.safetensors", "--fasta", folder / "s.fa", "--vcf", folder / "s.fa",
        "--out", folder / "out", code=2,
    )  # fmt: skip
    assert said.err.startswith("argminn: ") and "is not VCF" in said.err and not (folder / "out").exists()
