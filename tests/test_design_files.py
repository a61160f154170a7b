import io
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argminn_core import design_files as files
from argminn_core.design import background
from argminn_core.design_files import SavedDesign, open_designs
from argminn_core.dna import decode, encode
from argminn_core.errors import ArgminnError, InputError
from argminn_core.tables import PLACEMENTS


def pfm(consensus):
    matrix = np.full((4, len(consensus)), 0.05)
    matrix[encode(consensus), np.arange(len(consensus))] = 0.85
    return matrix


MOTIFS = {"left": pfm("GATTACA"), 'a b,c:d;e=f%"ü': pfm("CCGGT")}
ODD = list(MOTIFS)[1]
WRITERS = {
    "fasta": files.designs_fasta,
    "genbank": files.designs_genbank,
    "tsv": files.designs_tsv,
    "project": lambda designs, motifs: files.project_json(designs, model="m"),
}


def saved(name="design 1", *rows, seed=3):
    frame = PLACEMENTS.frame(
        [
            {"sequence": name, "motif": m, "start0": s, "end0": e, "strand": d, "site": site}
            for m, s, e, d, site in rows
        ]
    )
    return SavedDesign(name, frame, background(120, seed=seed), "toy model", 4.21)


FULL = [
    saved(
        "design 1", ("left", 40, 47, "-", ""), (ODD, 10, 15, "+", ""), ("left", 60, 67, "+", "GATCACA"),
        (ODD, 90, 95, "-", "TTTTT"), ("left", 96, 103, "+", ""),
    ),
    saved("ü=2;,%", ("left", 0, 7, "+", ""), seed=4),
]  # fmt: skip
ROW = ["motif", "start0", "end0", "strand", "site"]


@pytest.mark.parametrize("kind", WRITERS)
def test_a_file_opens_again_as_the_same_designs(kind):
    again = open_designs(WRITERS[kind](FULL, MOTIFS).encode(), MOTIFS)
    assert [design.name for design in again] == ["design 1", "ü=2;,%"]
    for before, after in zip(FULL, again, strict=True):
        pd.testing.assert_frame_equal(after.placements[ROW], before.placements[ROW])
        assert after.render(MOTIFS).text == before.render(MOTIFS).text
        assert not after.plain
        if kind != "fasta":  # which does not say what lay beneath
            assert decode(after.background) == decode(before.background)
        if kind != "tsv":
            assert after.model == "toy model"


@pytest.mark.parametrize("kind", WRITERS)
def test_overlaps_and_empty_tracks_survive(kind):
    designs = [saved("over", ("left", 40, 47, "+", ""), (ODD, 44, 49, "-", "")), saved("bare")]
    over, bare = open_designs(WRITERS[kind](designs, MOTIFS).encode(), MOTIFS)
    assert over.placements[ROW[:4]].to_numpy().tolist() == designs[0].placements[ROW[:4]].to_numpy().tolist()
    assert over.render(MOTIFS).text == designs[0].render(MOTIFS).text
    assert bare.placements.empty and bare.render(MOTIFS).text == designs[1].render(MOTIFS).text
    if kind != "fasta":
        assert over.render(MOTIFS).damaged == [0]


def test_genbank_shows_other_programs_each_site_on_its_strand():
    from Bio import SeqIO

    record, other = SeqIO.parse(io.StringIO(files.designs_genbank(FULL, MOTIFS)), "genbank")
    assert (record.id, other.id) == ("design_1", "_2_")
    made = FULL[0].render(MOTIFS)
    assert str(record.seq) == made.text
    sites = [feature for feature in record.features if feature.type == "protein_bind"]
    first = next(f for f in sites if f.location.start == 40)
    assert first.qualifiers["label"] == first.qualifiers["bound_moiety"] == ["left"]
    assert str(first.extract(record.seq)) == "GATTACA" and first.location.strand == -1
    assert "GATCACA" in {str(f.extract(record.seq)) for f in sites}


def test_the_table_is_placements_for_any_reader():
    text = files.designs_tsv(FULL, MOTIFS)
    frame = PLACEMENTS.read(text.encode())
    assert frame["site"].tolist()[:3] == ["GATTACA", "CCGGT", "GATCACA"]
    bare = "".join(line + "\n" for line in text.splitlines() if not line.startswith("#"))
    again = open_designs(bare.encode(), MOTIFS)
    assert again[0].background is None and len(again[0].placements) == 5
    with pytest.raises(InputError, match="background"):
        again[0].render(MOTIFS)


def test_other_sequences_are_backgrounds():
    (bare,) = open_designs(b"ACGTACGTAA\nACGT", MOTIFS)
    assert bare.plain and bare.placements.empty and decode(bare.background) == "ACGTACGTAAACGT"
    first, second = open_designs(b">chr1:1-9 text\nACGTACGT\n>b\nTTTT\n", MOTIFS)
    assert (first.name, second.name) == ("chr1:1-9", "b") and decode(second.background) == "TTTT"


PROJECT = json.loads(files.project_json(FULL, model="m"))


def changed(path, value):
    data = json.loads(json.dumps(PROJECT))
    part = data
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return json.dumps(data).encode()


FIRST = ("designs", 0, "placements", 0)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (["format"], "other", "not a project"), (["version"], 2, "version"), (["version"], True, "version"),
        (["designs"], {}, "designs"), (["designs"], [], "no design"), (["designs", 0], 7, "not an object"),
        (["designs"], [None] * 1001, "too many"), (["designs", 0, "name"], None, "name"),
        (["designs", 0, "name"], "n" * 999, "long"), (["designs", 0, "background"], "ACGX", "column 4"),
        (["designs", 0, "background"], "A" * 100_001, "too many"),
        (["designs", 0, "placements"], [PROJECT["designs"][0]["placements"][0]] * 1001, "too many"),
        ([*FIRST, "start0"], 4.5, "start0"), ([*FIRST, "start0"], True, "start0"),
        ([*FIRST, "start0"], 10**30, "outside"), ([*FIRST, "end0"], "47", "end0"),
        ([*FIRST, "strand"], "*", "strand"), ([*FIRST, "motif"], ["x"], "motif"),
        ([*FIRST, "motif"], "m" * 300, "too long"), ([*FIRST, "site"], None, "site"),
        (["designs", 0, "placements", 0], 3, "not an object"),
    ],
)  # fmt: skip
def test_a_project_that_is_not_one_is_refused_in_words(path, value, says):
    with pytest.raises(InputError, match=says):
        open_designs(changed(path, value), MOTIFS)


@pytest.mark.parametrize(
    "raw", [b"{", b"[" * 10**5 + b"{", b"{" * 10**5, b'{"a": NaN}', b"{" + b" " * 6_000_000]
)
def test_text_that_is_no_json_is_refused(raw):
    with pytest.raises(InputError):
        open_designs(raw, MOTIFS)


def test_what_is_odd_but_harmless_is_taken():
    (first, _) = open_designs(changed(["designs", 0, "logit"], "much"), MOTIFS)
    assert first.logit != first.logit
    (first, _) = open_designs(changed(["designs", 0, "surprise"], {"a": 1}), MOTIFS)
    assert first.name == "design 1"


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damage_to_a_file_is_more_than_an_input_error(data):
    kind = data.draw(st.sampled_from(sorted(WRITERS)))
    raw = bytearray(WRITERS[kind](FULL, MOTIFS).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        piece = data.draw(st.binary(max_size=6))
        raw[at : at + data.draw(st.integers(0, 30))] = piece
    try:
        for design in open_designs(bytes(raw), MOTIFS):
            design.render(MOTIFS)
    except ArgminnError as error:
        assert len(str(error)) < 3000
