"""What a model says, from the command line: motifs, scan and edit with all their files."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from handmade import LENGTH, SITES, planted, toy_bundle

from argminn_core import dna
from argminn_core.checkpoint import load_model, save_model
from argminn_core.fasta import Sequences, read_fasta
from argminn_core.instances import scan
from argminn_core.pfm import Motif, jaspar, to_meme
from argminn_core.predict import predict
from argminn_core.tables import CARDS, IGNORED, INSTANCES, MOTIFS


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The model made by hand, under names that no database has."""
    path = tmp_path_factory.mktemp("model") / "toy.safetensors"
    save_model(path, toy_bundle())
    return path


@pytest.fixture(scope="module")
def peaks(tmp_path_factory):
    """Twelve windows on a chromosome, every second one with CTCF and SPI1; they overlap by half."""
    path = tmp_path_factory.mktemp("peaks") / "peaks.fa"
    texts = [planted(*[("CTCF", 60), ("SPI1", 110)][: 2 * (i % 2)], seed=i) for i in range(12)]
    path.write_text("".join(f">chr1:{300 * i}-{300 * i + LENGTH}\n{text}\n" for i, text in enumerate(texts)))
    return path


# --- motifs -------------------------------------------------------------------------------------------------


def test_motifs_are_read_by_biopython(argminn, model, tmp_path):
    from Bio import motifs as bio

    said = argminn("motifs", "--model", model, "--out", tmp_path)
    kinds = {"meme": "minimal", "jaspar": "jaspar", "transfac": "transfac"}
    for kind, name in kinds.items():
        with open(tmp_path / f"motifs.{kind}") as file:
            read = list(bio.parse(file, name))
        counts = [np.array([motif.counts[base] for base in "ACGT"]) for motif in read]
        consensus = ["".join("ACGT"[base] for base in count.argmax(0)) for count in counts]
        assert consensus == list(SITES.values())
        named = [
            motif["AC"] if kind == "transfac" else getattr(motif, "matrix_id", None) or motif.name
            for motif in read
        ]
        assert named == list(SITES)
    table = MOTIFS.read(tmp_path / "motifs.tsv")
    assert list(table["motif"]) == list(SITES) and "match_offset" not in table
    logos = sorted((tmp_path / "logos").iterdir())
    assert [path.name for path in logos] == sorted(f"{name}.svg" for name in SITES)
    for path in logos:
        assert path.stem in "".join(ElementTree.parse(path).getroot().itertext())  # logomaker's title is text
    assert "CTCF\tCCAGCAGGGGGC\tMA0000.1 CTCF, q = 1e-06" in said.out


def test_logos_as_pdf_and_cards_of_some_sequences(argminn, model, peaks, tmp_path):
    argminn("motifs", "--model", model, "--out", tmp_path, "--pdf", "--fasta", peaks)
    for name in SITES:
        raw = (tmp_path / "logos" / f"{name}.pdf").read_bytes()
        assert raw.startswith(b"%PDF-") and raw.rstrip().endswith(b"%%EOF")
    cards = CARDS.read(tmp_path / "cards.tsv").set_index("motif")
    assert (cards["sequences"] == 12).all() and cards["with_instance"]["CTCF"] == 6
    assert cards["share"]["SPI1"] == pytest.approx(0.5)


@pytest.mark.slow
def test_names_come_from_the_groups_or_the_file_that_is_asked_for(argminn, tmp_path):
    bundle = toy_bundle()
    names = ("A", "B", "C")
    model = tmp_path / "other.safetensors"
    motifs = [
        replace(m, name=name, match="", match_name="") for m, name in zip(bundle.motifs, names, strict=True)
    ]
    motifs[0] = replace(motifs[0], pfm=jaspar("MA0139.2").pfm[:, 3:])
    save_model(model, replace(bundle, motifs=motifs, card=bundle.card | {"confidence": {"B": 0.5}}))
    argminn("motifs", "--model", model, "--out", tmp_path / "j", "--jaspar-groups", "vertebrates, insects")
    table = MOTIFS.read(tmp_path / "j" / "motifs.tsv")
    assert table["motif"][0] == table["match_name"][0] == "CTCF" and table["q_value"].max() < 0.1
    assert set(table["match_strand"]) <= {"+", "-"}

    rng = np.random.default_rng(0)
    known = [Motif(f"R{i}", rng.dirichlet([0.3] * 4, 10).T) for i in range(60)]
    flanked = np.concatenate([rng.dirichlet([0.3] * 4, 2).T, bundle.motifs[1].pfm], axis=1)
    known += [Motif("SPI1.H12", flanked[::-1, ::-1]), Motif("X.1", bundle.motifs[2].pfm, alt="GATA")]
    (tmp_path / "known.meme").write_text(to_meme(known))
    said = argminn("motifs", "--model", model, "--out", tmp_path / "m", "--database", tmp_path / "known.meme")
    table = MOTIFS.read(tmp_path / "m" / "motifs.tsv")
    assert list(table["motif"]) == ["motif_01", "SPI1.H12", "GATA"]
    assert list(table["match"]) == ["", "SPI1.H12", "X.1"] and "motif_01\tACCAGGGGGCGC\tno match" in said.out
    assert list(table["match_strand"]) == ["", "-", "+"] and list(table["match_offset"]) == [0, 2, 0]
    assert {path.stem for path in (tmp_path / "m" / "logos").iterdir()} == set(table["motif"])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--jaspar-groups", "vertebrates,martians"], "no such taxonomic group. Found: martians"),
        (["--jaspar-groups", "plants", "--database", "x.meme"], "two databases"),
        (["--database", "nowhere.meme"], "nowhere.meme does not exist"),
        (["--fasta", "nowhere.fa"], "nowhere.fa does not exist"),
    ],
)
def test_what_cannot_name_motifs_is_said_before_a_file_is_written(options, says, argminn, model, tmp_path):
    said = argminn("motifs", "--model", model, "--out", tmp_path / "out", *options, code=2)
    assert says in said.err and len(said.err.splitlines()) == 1 and not (tmp_path / "out").exists()


# --- scan ---------------------------------------------------------------------------------------------------


def test_scan_writes_what_it_always_did_and_gff3(argminn, model, peaks, tmp_path):
    import gffutils

    argminn("scan", "--model", model, "--fasta", peaks, "--out", tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "instances.tsv", "instances.bed", "instances.gff3", "predictions.tsv", "dropped.tsv", "params.json",
    }  # fmt: skip
    found = INSTANCES.read(tmp_path / "instances.tsv")
    assert len(found) >= 12 and "q_value" not in found
    database = gffutils.create_db(str(tmp_path / "instances.gff3"), ":memory:")
    places = found["sequence"].str.extract(r"chr1:(\d+)")[0].astype(int) + found["start0"]
    assert sorted(f.start - 1 for f in database.all_features()) == sorted(places)


def test_scan_with_all_that_can_be_asked_for(argminn, model, peaks, tmp_path):
    import pyBigWig

    (tmp_path / "g.sizes").write_text("chr1\t5000\n")
    argminn(
        "scan", "--model", model, "--fasta", peaks, "--out", tmp_path, "--q-values", "--ignored", "--sites",
        "--tracks", "--chrom-sizes", tmp_path / "g.sizes", "--seed", 3,
    )  # fmt: skip
    found = INSTANCES.read(tmp_path / "instances.tsv")
    true = found[found["start0"].isin([60, 110]) & (found["motif"] != "GATA1")]
    assert len(true) >= 12 and (true["q_value"] < 0.1).all() and found["q_value"].between(0, 1).all()
    assert "q_value=" in (tmp_path / "instances.gff3").read_text()
    IGNORED.read(tmp_path / "ignored.tsv")
    probable = INSTANCES.read(tmp_path / "sites.tsv")
    places = ["sequence", "start0", "motif"]
    assert len(true.merge(probable, on=places)) == len(true)
    assert probable["probability"].between(0.5, 1).all() and probable["occupancy"].between(0, 1).all()
    for name in ("contribution", "attention"):
        graph = pd.read_csv(tmp_path / f"{name}.bedgraph", sep="\t", header=None)
        with pyBigWig.open(str(tmp_path / f"{name}.bw")) as bigwig:
            assert bigwig.chroms() == {"chr1": 5000}
            assert [row[:2] for row in bigwig.intervals("chr1")] == [*zip(graph[1], graph[2], strict=True)]
    # a site of the second window: its letters, and what the track says there
    bundle, (sequences, _) = load_model(model), read_fasta(peaks)
    expected = scan(bundle, sequences).instances
    site = expected[(expected["sequence"] == sequences.names[1]) & (expected["start0"] == 60)].iloc[0]
    with pyBigWig.open(str(tmp_path / "contribution.bw")) as bigwig:
        assert bigwig.values("chr1", 360, 361)[0] == pytest.approx(site["contribution"], rel=1e-4)


def test_tracks_need_places_and_say_so_at_once(argminn, model, tmp_path):
    (tmp_path / "in.fa").write_text(f">peak_1\n{planted()}\n")
    said = argminn(
        "scan", "--model", model, "--fasta", tmp_path / "in.fa", "--out", tmp_path / "o", "--tracks", code=2
    )
    assert "--tracks needs places in a genome. Found: peak_1" in said.err and not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    "text", ["N" * LENGTH, "ACGT", "A" * LENGTH], ids=["unknown", "short", "nothing in it"]
)
def test_no_instance_at_all_is_empty_files(text, argminn, model, tmp_path):
    (tmp_path / "in.fa").write_text(f">chr1:100-{100 + len(text)}\n{text}\n")
    out = tmp_path / "out"
    argminn(
        "scan", "--model", model, "--fasta", tmp_path / "in.fa", "--out", out, "--q-values", "--ignored",
        "--tracks", "--min-contribution", 50,
    )  # fmt: skip
    instances = INSTANCES.read(out / "instances.tsv")
    assert len(instances) == 0 and {*INSTANCES.columns, "q_value"} <= {*instances}
    assert (out / "instances.bed").read_text() == (out / "contribution.bedgraph").read_text() == ""
    assert (out / "instances.gff3").read_text() == "##gff-version 3\n"
    assert not (out / "contribution.bw").exists()


# --- edit ---------------------------------------------------------------------------------------------------


def test_edits_write_a_new_model_and_leave_the_old_one(argminn, model, tmp_path):
    before, codes = model.read_bytes(), dna.encode_all([planted(("CTCF", 60), seed=1), planted(seed=2)])
    argminn(
        "edit", "--model", model, "--mute", "CTCF", "--mute", "SPI1", "--out", tmp_path / "deaf.safetensors"
    )
    deaf = load_model(tmp_path / "deaf.safetensors")
    assert [m.name for m in deaf.motifs if m.counts] == ["GATA1"] and deaf.name == "deaf"
    assert deaf.card["edits"] == [{"edit": "mute", "motifs": ["CTCF", "SPI1"]}]
    old = predict(load_model(model).model, codes)
    assert old[0] - predict(deaf.model, codes)[0] > 3

    argminn("edit", "--model", model, "--swap", "CTCF", "GATA1", "--out", tmp_path / "swapped.safetensors")
    assert [m.name for m in load_model(tmp_path / "swapped.safetensors").motifs] == ["GATA1", "SPI1", "CTCF"]

    pfm = np.full((4, 8), 0.01) + 0.96 * np.eye(4)[:, [0, 2, 0, 3, 3, 0, 1, 0]]
    (tmp_path / "m.meme").write_text(to_meme([Motif("X1", pfm), Motif("M.1", pfm, alt="TWO")]))
    for name in ("M.1", "TWO"):
        out = tmp_path / "sub" / "new.safetensors"
        argminn(
            "edit",
            "--model",
            model,
            "--import",
            f"{tmp_path / 'm.meme'}:{name}",
            "--into",
            "SPI1",
            "--out",
            out,
        )
        new = load_model(out)
        assert [m.name for m in new.motifs] == ["CTCF", "TWO", "GATA1"]
        calls = scan(
            new, Sequences.from_texts(["s"], [planted()[:90] + "AGATTACA" + planted()[98:]])
        ).instances
        assert ("TWO", 90) in list(zip(calls["motif"], calls["start0"], strict=True))
    assert model.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "say what to edit. Found: nothing. Expected: one of --mute, --swap, --import"),
        (["--mute", "CTCF", "--swap", "CTCF", "SPI1"], "say what to edit"),
        (["--mute", "NOPE"], "no motif of that name. Found: NOPE. Expected: CTCF, SPI1, GATA1"),
        (["--swap", "CTCF", "NOPE"], "no motif of that name"),
        (["--import", "m.meme:X1"], "belong together"),
        (["--mute", "CTCF", "--into", "SPI1"], "belong together"),
        (["--import", "X1", "--into", "SPI1"], "FILE:NAME"),
        (
            ["--import", "m.meme:NOPE", "--into", "SPI1"],
            "m.meme has no motif of that name. Found: NOPE. Expected: X1",
        ),
        (["--import", "cut.meme:X1", "--into", "SPI1"], "cut off"),
        (["--import", "sum.meme:X1", "--into", "SPI1"], "does not sum to 1"),
        (["--import", "no.meme:X1", "--into", "SPI1"], "no.meme does not exist"),
    ],
)
def test_what_cannot_be_edited_is_said(options, says, argminn, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = to_meme([Motif("X1", np.full((4, 6), 0.25))])
    (tmp_path / "m.meme").write_text(whole)
    (tmp_path / "cut.meme").write_text(whole.rsplit("\n", 3)[0])
    (tmp_path / "sum.meme").write_text(whole.replace("0.250000", "0.350000", 1))
    said = argminn("edit", "--model", model, *options, "--out", tmp_path / "o.safetensors", code=2)
    assert says in said.err and "Traceback" not in said.err and not (tmp_path / "o.safetensors").exists()
