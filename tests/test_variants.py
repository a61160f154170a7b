"""What edits do to a model whose reading is known: SITE in the sequence gives a logit of 3.6, none gives -3."""

from __future__ import annotations

import numpy as np
import pytest

from argminn_core import dna
from argminn_core.errors import InputError
from argminn_core.fasta import Sequences
from argminn_core.instances import scan
from argminn_core.predict import predict
from argminn_core.variants import columns, contig_lengths, place, sentence, snvs, variant_effects
from argminn_core.vcf import Edit, parse_edits
from tests.toy import LENGTH, SITE, background, detector, plant

AT = 24
WITH, WITHOUT = 3.63, -3.0
TEXT = plant(background(LENGTH), SITE, AT)


@pytest.fixture(scope="module")
def model():
    return detector()


def effects(model, text, *lines, name="s", **options):
    sequences = Sequences.from_texts([name], [text])
    edits, dropped = parse_edits("\n".join(lines), max_records=100)
    assert dropped.empty
    return variant_effects(model, sequences, edits, **options)


def test_an_edit_in_the_site_kills_the_call(model):
    found = effects(model, TEXT, f"s:{AT + 3} T>C")
    row = found.table.iloc[0]
    assert (row["start0"], row["end0"]) == (AT + 2, AT + 3)
    assert row["ref_logit"] == pytest.approx(WITH, abs=0.01)
    assert row["alt_logit"] == pytest.approx(WITHOUT, abs=0.01)
    assert row["difference"] == pytest.approx(row["alt_logit"] - row["ref_logit"])
    assert row["alt_probability"] == pytest.approx(1 / (1 + np.exp(3)), abs=1e-3)
    assert row["lost"] == f"SITE/+/{AT + 1}/{AT + 8}/-6.63"
    assert row["gained"] == row["weakened"] == row["strengthened"] == row["note"] == ""
    said = sentence(row)
    assert "lowers the logit by 6.63, from 3.63 to -3.00; the call turns negative" in said
    assert f"SITE (+) at {AT + 1}–{AT + 8} [-6.63] is lost" in said


def test_an_edit_outside_changes_nothing(model):
    letter = TEXT[4]
    found = effects(model, TEXT, f"s:5 {letter}>{'A' if letter != 'A' else 'C'}")
    row = found.table.iloc[0]
    assert row["difference"] == 0 and not row[["lost", "gained", "weakened", "strengthened"]].any()
    assert "leaves the logit at 3.63: no motif instance changes" in sentence(row)


def test_the_edit_back_is_a_gain(model):
    text = TEXT[: AT + 2] + "C" + TEXT[AT + 3 :]
    row = effects(model, text, f"s:{AT + 3} C>T").table.iloc[0]
    assert row["gained"] == f"SITE/+/{AT + 1}/{AT + 8}/+6.63" and row["lost"] == ""
    assert "the call turns positive" in sentence(row)


def test_logits_are_those_of_the_alleles_written_out(model):
    lines = [
        f"s:{AT + 3} T>C",
        f"s:{AT + 3} TT>T",
        f"s:{AT + 3} T>TGG",
        "s:1 " + TEXT[0] + ">" + TEXT[0] + "GATTACA",
    ]
    found = effects(model, TEXT, *lines)
    expected = []
    for line in lines:
        pos, change = line[2:].split()
        ref, alt = change.split(">")
        start = int(pos) - 1
        edited = TEXT[:start] + alt + TEXT[start + len(ref) :]
        expected.append(dna.encode((edited + "N" * LENGTH)[:LENGTH]))
    np.testing.assert_allclose(found.table["alt_logit"], predict(model.model, np.stack(expected)), atol=1e-5)


@pytest.mark.parametrize(
    ("line", "lost", "note"),
    [
        (f"s:{AT + 3} TT>T", True, "1 N at the end"),
        (f"s:{AT + 3} T>TG", True, "1 bp pushed out at the end"),
        # before the site: it moves along, and stays the same instance
        (f"s:10 {TEXT[9:13]}>{TEXT[9]}", False, "3 N at the end"),
        (f"s:10 {TEXT[9]}>{TEXT[9]}TTT", False, "3 bp pushed out at the end"),
    ],
)
def test_indels(model, line, lost, note):
    row = effects(model, TEXT, line).table.iloc[0]
    assert bool(row["lost"]) == lost and row["gained"] == "" and row["note"] == note


def test_an_instance_that_is_pushed_out_of_the_window_is_not_lost(model):
    text = plant(background(LENGTH), SITE, LENGTH - 10)
    row = effects(model, text, f"s:10 {text[9]}>{text[9]}CCCCC").table.iloc[0]
    assert row["alt_logit"] == pytest.approx(
        WITHOUT, abs=0.01
    )  # it is not seen any more, and the note says why
    assert row["lost"] == "" and row["note"] == "5 bp pushed out at the end"


def test_a_long_record_is_read_in_a_window_around_the_edit(model):
    text = plant(background(500, seed=3), SITE, 300)
    found = effects(model, text, "s:304 T>C", f"s:450 {text[449]}>{'A' if text[449] != 'A' else 'C'}")
    first, second = found.placed
    assert first.window0 == 303 - LENGTH // 2 and second.window0 == 449 - LENGTH // 2
    assert found.table["lost"].tolist() == ["SITE/+/301/308/-6.63", ""]
    assert dna.decode(found.codes[found.ref[0]]) == text[first.window0 : first.window0 + LENGTH]
    assert found.table["ref_logit"].round(2).tolist() == [WITH, WITHOUT]


def test_a_short_record_is_padded_as_in_a_scan(model):
    text = plant(background(31, seed=1), SITE, 12)
    found = effects(model, text, "s:15 T>C")
    whole = scan(model, Sequences.from_texts(["s"], [text]))
    assert found.table["note"].tolist() == ["padded"]
    assert found.table["ref_logit"][0] == pytest.approx(whole.predictions["logit"][0], abs=1e-5)
    assert found.table["lost"][0].startswith("SITE/+/13/20/")


def test_genome_coordinates_find_the_record(model):
    name = f"chr1:1000-{1000 + LENGTH}"
    found = effects(model, TEXT, f"chr1:{1000 + AT + 3} T>C", f"{name}:{AT + 3} T>G", "chr1:5 A>C", name=name)
    assert found.table["start0"].tolist() == [AT + 2, AT + 2]
    assert found.table["chrom"].tolist() == ["chr1", name]
    assert found.dropped["reason"].tolist() == ["outside the sequences"]
    assert contig_lengths(Sequences.from_texts([name], [TEXT]), found.table) == {name: LENGTH}


def test_overlapping_records_have_a_row_each_and_are_bounded(model):
    names = [f"chr1:{100 + i}-{160 + i}" for i in range(3)]
    sequences = Sequences.from_texts(names, [background(60, seed=1)[:30] + "A" * 30] * 3)
    edits = [Edit("chr1", 150, "A", "C")]
    assert variant_effects(model, sequences, edits).table["sequence"].tolist() == names
    with pytest.raises(InputError, match="too many sequences"):
        variant_effects(model, sequences, edits, max_rows=2)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"s:{AT + 3} A>C", "reference mismatch"),
        ("s:61 A>C", "off the sequence"),
        (f"s:60 {TEXT[59]}A>C", "off the sequence"),
        ("other:1 A>C", "no such sequence"),
        ("s:1 A>" + "A" * 40, "allele too long"),
    ],
)
def test_an_edit_that_does_not_fit_is_dropped_with_its_reason(model, line, reason):
    found = effects(model, TEXT, line)
    assert found.dropped["reason"].tolist() == [reason] and found.table.empty and len(found.codes) == 0


def test_a_repeated_edit_is_read_once(model):
    found = effects(model, TEXT, *[f"s:{AT + 3} T>C"] * 2)
    assert len(found.table) == 1 and found.dropped["reason"].tolist() == ["duplicate"]


def test_an_unknown_base_in_the_sequence_is_a_mismatch(model):
    text = TEXT[:9] + "N" + TEXT[10:]
    found = effects(model, text, "s:10 A>C")
    assert "has N there, not A" in found.dropped["detail"][0]


def test_a_record_shorter_than_a_motif_is_not_read(model):
    assert effects(model, "ACGTACGT", "s:1 A>C").dropped["reason"].tolist() == ["sequence too short"]


def test_alleles_share_columns(model):
    sequences = Sequences.from_texts(["s"], [TEXT])
    edits = [Edit("s", 10, TEXT[9:13], TEXT[9]), Edit("s", 10, TEXT[9], TEXT[9] + "GG")]
    (deletion, insertion), _ = place(sequences, edits, length=LENGTH)
    at = np.array([8, 9, 10, 11])
    assert columns(deletion, at, allele="ref").tolist() == at.tolist()
    assert columns(deletion, at, allele="alt").tolist() == [8, 9, 13, 14]
    assert columns(insertion, at, allele="ref").tolist() == [8, 9, 12, 13]


def test_instances_of_a_window_are_its_own(model):
    found = effects(model, TEXT, f"s:{AT + 3} T>C")
    assert found.instances_of(int(found.ref[0]))[["start0", "motif"]].to_numpy().tolist() == [[AT, "SITE"]]
    assert found.instances_of(int(found.alt[0])).empty


def test_every_single_change_of_a_stretch():
    edits = snvs(Sequences.from_texts(["s"], ["ANG"]), 0, 0, 3)
    assert [(each.pos1, each.ref, each.alt) for each in edits] == [
        (1, "A", "C"), (1, "A", "G"), (1, "A", "T"), (3, "G", "A"), (3, "G", "C"), (3, "G", "T"),
    ]  # fmt: skip
