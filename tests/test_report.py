"""The report of a hand-made model, whose sites are known: what is in the folder, and what bad input does to it."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from handmade import LENGTH, SITES, planted, toy_bundle

from argminn_core import report
from argminn_core.dna import N_CODE
from argminn_core.errors import InputError
from argminn_core.fasta import Sequences
from argminn_core.pfm import read_meme
from argminn_core.tables import (
    CARDS,
    DROPPED,
    GAPS,
    IGNORED,
    INSTANCES,
    MOTIFS,
    PAIRS,
    PREDICTIONS,
    RANGES,
    RECEIPT,
    RULES,
)

WIDTH = len(SITES["CTCF"])
PLACED = {"CTCF": 60, "SPI1": 60 + WIDTH + 7}
N = 24


def positives(n: int = N, name: str = "chr1:{start}-{end}") -> Sequences:
    """Each holds CTCF at 60 and, 7 bases behind it, SPI1."""
    names = [name.format(start=1000 * i, end=1000 * i + LENGTH, i=i) for i in range(n)]
    return Sequences.from_texts(names, [planted(*PLACED.items(), seed=i) for i in range(n)])


def background(n: int = N, name: str = "chr1:{start}-{end}") -> Sequences:
    names = [name.format(start=1000 * i, end=1000 * i + LENGTH, i=i) for i in range(n)]
    return Sequences.from_texts(names, [planted(seed=1000 + i) for i in range(n)])


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, int, int]]:
    return []


@pytest.fixture(scope="module")
def findings(steps):
    dropped = DROPPED.frame([{"record": "twice", "reason": "duplicate", "detail": "record 3"}])
    texts = [positives().text(i) for i in range(N)]
    sequences = Sequences.from_texts([*positives().names, "chr1:90000-90004"], [*texts, "ACGT"])
    return report.examine(
        toy_bundle(), sequences, controls=background(), dropped=dropped, progress=lambda *step: steps.append(step)
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(findings, tmp_path_factory):
    out = tmp_path_factory.mktemp("report")
    report.write(findings, out, sizes={"chr1": 10**6}, fasta="in.fa", digests={"in.fa": "sha256:00"})
    return out


def test_the_folder_holds_every_file_that_the_page_names(findings, folder):
    found = {path.name + "/" * path.is_dir() for path in folder.iterdir()}
    assert found == {*report.FILES, "report.html"}
    html = (folder / "report.html").read_text()
    assert all(f"<code>{name}</code>" in html for name in report.FILES)
    assert {path.name for path in (folder / "logos").iterdir()} == {f"{name}.svg" for name in SITES}


def test_the_planted_sites_are_reported_everywhere(folder):
    instances = INSTANCES.read(folder / "instances.tsv")
    for motif, start in PLACED.items():
        mine = instances[(instances["motif"] == motif) & (instances["start0"] == start)]
        assert mine["sequence"].nunique() == N
        assert (mine["strand"] == "+").all() and (mine["q_value"] <= 0.1).all()
    bed = [line.split("\t") for line in (folder / "instances.bed").read_text().splitlines()]
    assert len(bed) == len(instances)
    assert sum(int(row[1]) % 1000 == PLACED["CTCF"] and row[3] == "CTCF" for row in bed) == N
    for name in ("instances.gff3", "instances.fimo.tsv"):
        lines = (folder / name).read_text().splitlines()
        assert len(lines) == len(instances) + 1
    cards = CARDS.read(folder / "cards.tsv").set_index("motif")
    assert cards.loc["CTCF", "with_instance"] == N and cards.loc["CTCF", "sequences"] == N
    ignored = IGNORED.read(folder / "ignored.tsv")
    assert not ((ignored["motif"] == "CTCF") & (ignored["start0"] == PLACED["CTCF"])).any()


def test_the_other_files_read_back(findings, folder):
    assert [m.name for m in read_meme(folder / "motifs.meme")] == list(SITES)
    assert MOTIFS.read(folder / "motifs.tsv")["motif"].tolist() == list(SITES)
    assert len(PREDICTIONS.read(folder / "predictions.tsv")) == N
    read = RECEIPT.read(folder / "receipt.tsv")
    assert read["test"].tolist() == findings.receipt.table["test"].tolist()
    params = json.loads((folder / "params.json").read_text())
    assert params["model"] == "toy" and params["sequences"] == N + 1 and params["control_sequences"] == N
    assert params["seed"] == 0 and params["digests"] == {"in.fa": "sha256:00"} and params["fasta"] == "in.fa"


def test_the_bigwig_holds_the_contributions_on_the_genome(folder):
    pybigtools = pytest.importorskip("pybigtools")
    instances = INSTANCES.read(folder / "instances.tsv")
    own = instances[instances["sequence"] == "chr1:3000-3200"]
    best = own[(own["motif"] == "CTCF") & (own["start0"] == PLACED["CTCF"])].iloc[0]
    with pybigtools.open(str(folder / "contribution.bw")) as track:
        assert track.chroms() == {"chr1": 10**6}
        start = 3000 + PLACED["CTCF"]
        values = track.values("chr1", start, start + WIDTH, fillna=0)
    assert values.max() >= best["contribution"] - 1e-3


def test_controls_count_in_the_rules_and_nowhere_else(findings):
    """Every sequence holds both motifs, so that only controls can show that they keep company."""
    pair = findings.rules.syntax.pairs.set_index(["motif_a", "motif_b"]).loc[("CTCF", "SPI1")]
    assert pair["together"] >= N and pair["q_value"] < 1e-6
    assert not findings.predictions["sequence"].str.startswith("control").any()
    alone = report.examine(toy_bundle(), positives(6))
    assert alone.rules.syntax.pairs["q_value"].min() > 0.5
    assert alone.settings["control_sequences"] == 0
    gaps = findings.rules.syntax.gaps
    assert gaps.loc[gaps["sequences"].idxmax(), "gap"] == 7


def test_what_was_left_out_is_told_with_its_reason(findings, folder):
    dropped = DROPPED.read(folder / "dropped.tsv")
    assert dropped["record"].tolist() == ["twice", "chr1:90000-90004"]
    assert dropped["reason"].tolist() == ["duplicate", "too short"]
    assert "too short" in (folder / "report.html").read_text()


def test_steps_are_told_in_their_order(findings, steps):
    told = list(dict.fromkeys(step for step, _, _ in steps))
    assert told == [step for step in report.STEPS if step != "files"]  # files are written by `write`
    assert all(0 <= done <= total for _, done, total in steps)
    assert ("scan", N, N) in steps


def test_the_folder_of_an_earlier_report_is_brought_up_to_date(findings, tmp_path):
    def write(changed):
        written = report.write(changed, tmp_path, sizes={"chr1": 10**6})
        assert all(path.exists() for path in written)
        return {path.name for path in tmp_path.iterdir()}, (tmp_path / "report.html").read_text()

    names, first = write(findings)
    assert "contribution.bw" in names
    assert write(findings)[1] == first  # nothing hangs on the time or on chance
    motifs = [
        replace(motif, name="other") if motif.filter == 2 else motif for motif in findings.bundle.motifs
    ]
    quiet = replace(
        findings, bundle=replace(findings.bundle, motifs=motifs), instances=findings.instances.iloc[:0]
    )
    names, _ = write(quiet)
    assert "contribution.bw" not in names
    assert {path.stem for path in (tmp_path / "logos").iterdir()} == {"CTCF", "SPI1", "other"}


def test_examples_run_from_the_highest_logit_to_the_lowest(findings):
    examples = report._examples(findings)
    logits = findings.predictions["logit"]
    assert len(examples) == report.EXAMPLES
    assert examples[0].logit == logits.max() and examples[-1].logit == logits.min()
    assert [e.logit for e in examples] == sorted((e.logit for e in examples), reverse=True)
    for example in examples:
        index = findings.sequences.names.index(example.name)
        assert example.text == findings.sequences.text(index)
        assert len(example.instances) == (findings.instances["sequence"] == example.name).sum()


def test_an_example_of_a_long_record_is_its_best_window(tmp_path):
    text = planted(seed=1) + planted(*PLACED.items(), seed=2) + planted(seed=3)
    made = report.examine(toy_bundle(), Sequences.from_texts(["long"], [text]))
    (example,) = report._examples(made)
    assert len(example.text) == LENGTH
    assert example.text == text[example.start0 : example.start0 + LENGTH]
    assert {LENGTH + start for start in PLACED.values()} <= set(example.instances["start0"])


def test_a_place_outside_the_genome_is_told_before_the_work():
    report.check_sizes(positives(2), {"chr1": 1200})
    report.check_sizes(positives(2, name="seq_{i}"), {})  # no places, no bigWig
    with pytest.raises(InputError, match="1,200 bases at least"):
        report.check_sizes(positives(2), {"chr1": 1199})
    with pytest.raises(InputError, match="no chr1"):
        report.check_sizes(positives(2), {"chr2": 10**6})


# --- bad input ------------------------------------------------------------------------------------------------


def muted(bundle):
    """No filter counts and none is ever read."""
    motifs = [
        replace(
            m, counts=False, windows=0, core=(0, 0), threshold=1e9, match="", match_name="", q_value=np.nan
        )
        for m in bundle.motifs
    ]
    return replace(bundle, motifs=motifs)


NOTHING = "No sequence has an instance"
ONE = "<strong>1</strong><span>sequence read</span>"
ODD = {
    "no instance at all": (toy_bundle(), background(5), {"min_contribution": 1e6}, NOTHING),
    "one sequence": (toy_bundle(), positives(1), {}, ONE),
    "all shorter than a filter": (
        toy_bundle(), Sequences.from_texts(["a", "b"], ["ACGT", "AC"]), {}, "None of the sequences could be read",
    ),
    "all N": (
        toy_bundle(), Sequences.from_codes(["a"], np.full((1, LENGTH), N_CODE, np.uint8)), {}, "no known base",
    ),
    "mostly N": (toy_bundle(), Sequences.from_texts(["a"], ["N" * 150 + "ACGTT" * 10]), {}, ONE),
    "shorter than the model's length": (
        toy_bundle(), Sequences.from_texts(["a"], [SITES["CTCF"] + "ACGTT" * 3]), {}, ONE,
    ),
    "no motif that counts": (muted(toy_bundle()), positives(3), {}, "No filter of this model learned a motif"),
    "hostile names": (
        toy_bundle(), positives(3, name="<script>{i}</script>"), {}, "&lt;script&gt;0&lt;/script&gt;",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ODD)
def test_odd_input_gives_an_honest_page(case, tmp_path):
    bundle, sequences, settings, said = ODD[case]
    made = report.examine(bundle, sequences, **settings)
    report.write(made, tmp_path, sizes={"chr1": 10**6})
    html = (tmp_path / "report.html").read_text()
    assert said in html
    assert not re.search(r"\b(nan|NaN|inf|NaT)\b", html)
    assert "<script>" not in html
    tables = {
        "predictions": PREDICTIONS, "instances": INSTANCES, "dropped": DROPPED, "rules": RULES, "pairs": PAIRS,
        "gaps": GAPS, "ranges": RANGES, "receipt": RECEIPT, "cards": CARDS,
    }  # fmt: skip
    read = {name: table.read(tmp_path / f"{name}.tsv") for name, table in tables.items()}
    assert read["predictions"]["sequence"].nunique() + len(read["dropped"]) == len(sequences)
    assert np.isfinite(read["predictions"]["logit"]).all()
    if said == NOTHING:
        assert read["instances"].empty and (tmp_path / "contribution.bedgraph").read_text() == ""


def test_no_sequence_is_an_error():
    with pytest.raises(InputError, match="no sequence"):
        report.examine(toy_bundle(), Sequences.from_texts([], []))


def test_a_control_may_have_the_name_of_a_sequence():
    """Simulated positives and negatives are both named 1, 2, 3."""
    sequences, controls = positives(3, name="s{i}"), background(4, name="s{i}")
    made = report.examine(toy_bundle(), sequences, controls=controls)
    assert pd.unique(made.predictions["sequence"]).tolist() == ["s0", "s1", "s2"]
    assert made.settings["control_sequences"] == 4
