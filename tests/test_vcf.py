"""Edits in and out: typed lines, VCF of all kinds, and the annotated VCF read back by the letter of the format."""

from __future__ import annotations

import gzip
import re

import pandas as pd
import pytest

from argminn_core.errors import InputError
from argminn_core.vcf import MAX_LINE, Edit, parse_edits, read_vcf, to_vcf

HEAD = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def vcf(*rows: str) -> bytes:
    return (HEAD + "".join("\t".join(row.split()) + "\n" for row in rows)).encode()


@pytest.mark.parametrize(
    ("line", "edit"),
    [
        ("seq1:120 A>G", Edit("seq1", 120, "A", "G")),
        ("  seq1:1,200 a > gt ", Edit("seq1", 1200, "A", "GT")),
        ("chr1:100-600:7 AC>A", Edit("chr1:100-600", 7, "AC", "A")),
        ("chr1:250:A:G", Edit("chr1", 250, "A", "G")),
    ],
)
def test_typed_edits(line, edit):
    edits, dropped = parse_edits(f"# a comment\n\n{line}\n", max_records=5)
    assert edits == [edit] and dropped.empty


def test_several_typed_alternatives_are_an_edit_each():
    edits, _ = parse_edits("s:3 A>C,T", max_records=5)
    assert [edit.alt for edit in edits] == ["C", "T"]


def test_a_line_that_is_no_edit_is_dropped_and_the_others_stay():
    edits, dropped = parse_edits(
        "s:3 A>C\nhello\ns:0 A>C\ns:,, A>C\ns:4 N>A\ns:4 A>A\n" + "x" * 10_000, max_records=9
    )
    assert len(edits) == 1
    assert dropped["reason"].tolist() == [
        "not an edit", "no such position", "no such position", "not A, C, G or T", "no change", "not an edit",
    ]  # fmt: skip
    assert dropped["record"].str.len().max() <= 80


@pytest.mark.parametrize(
    ("text", "words"), [("", "no edit"), ("A>G", "no edit"), ("s:1 A>C\n" * 4, "too many")]
)
def test_text_without_edits_is_refused(text, words):
    with pytest.raises(InputError, match=words):
        parse_edits(text, max_records=3)


@pytest.mark.parametrize("packed", [False, True])
def test_a_vcf_is_read_plain_or_gzip(packed):
    raw = vcf("s 3 rs1 A C . . .", "s 9 . ac a,g . . . GT 0/1")
    edits, dropped = read_vcf(gzip.compress(raw) if packed else raw, max_records=5)
    assert edits == [
        Edit("s", 3, "A", "C", "rs1"), Edit("s", 9, "AC", "A"), Edit("s", 9, "AC", "G")
    ]  # fmt: skip
    assert dropped.empty


def test_what_a_vcf_cannot_be_read_for_has_a_reason():
    raw = vcf(
        "s 1 . A C . . .", "s 2 . A <DEL> . . .", "s 3 . A * . . .", "s 4 . A . . . .", "s 5 . N C . . .",
        "s 6 . A A]s:9] . . .", "s x . A C . . .", "s 0 . A C . . .", "s 99999999999999 . A C . . .",
        f"{'y' * 300} 1 . A C . . .", "short 3",
    )  # fmt: skip
    edits, dropped = read_vcf(raw, max_records=20)
    assert len(edits) == 1
    assert dropped["reason"].tolist() == [
        "symbolic allele", "symbolic allele", "no alternative", "not A, C, G or T", "symbolic allele",
        "not a record", "no such position", "no such position", "name too long", "not a record",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        (HEAD.encode(), "no variant"),
        (b">seq\nACGT\n", "not VCF"),
        (b"\0\1\2\3", "binary"),
        (b"PK\x03\x04zzzz", "zip"),
        (b"\x1f\x8bnot gzip at all", "damaged"),
        (vcf(*["s 1 . A C . . ."] * 6), "too many"),
        (vcf("s 1 . A " + ",".join("C" * 6) + " . . ."), "too many"),
        (gzip.compress(b"#" * 2_000_000, mtime=0), "too large"),
    ],
)  # fmt: skip
def test_a_hostile_vcf_is_refused_in_words(raw, words):
    with pytest.raises(InputError, match=words):
        read_vcf(raw, max_records=5, max_bytes=1_000_000)


def test_a_line_without_end_is_dropped_and_the_next_one_read():
    raw = vcf("s 1 . A C . . .")[:-1] + b"\t" + b"0" * MAX_LINE + b"\n" + b"s\t2\t.\tA\tC\t.\t.\t.\n"
    edits, dropped = read_vcf(raw, max_records=5)
    assert [edit.pos1 for edit in edits] == [2]
    assert dropped["reason"].tolist() == ["line too long"]


def row(**changes) -> dict:
    return dict(
        sequence="s", start0=2, end0=3, ref="A", alt="G", ref_logit=1.5, alt_logit=-0.5, difference=-2.0,
        ref_probability=0.8, alt_probability=0.4, lost="", weakened="", gained="", strengthened="", chrom="s",
        pos1=3, id="", note="",
    ) | changes  # fmt: skip


def strictly(text: str) -> list[dict]:
    """Records of a VCF 4.3, or an assertion where a line breaks the format's rules."""
    lines = text.split("\n")
    assert lines[0] == "##fileformat=VCFv4.3" and lines.pop() == ""
    declared, contigs, at = {}, [], 1
    while lines[at].startswith("##"):
        if match := re.fullmatch(
            r'##INFO=<ID=(\w+),Number=([1A.]),Type=(String|Float),Description="[^"\\]+">', lines[at]
        ):
            declared[match[1]] = match[2], match[3]
        elif match := re.fullmatch(
            r"##contig=<ID=([0-9A-Za-z!#$%&+./:;?@^_|~-][0-9A-Za-z!#$%&*+./:;=?@^_|~-]*)(?:,length=\d+)?>", lines[at]
        ):  # fmt: skip
            contigs.append(match[1])
        else:
            assert re.fullmatch(r"##\w+=[^<\s].*", lines[at]), lines[at]
        at += 1
    assert lines[at] == "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
    out = []
    for line in lines[at + 1 :]:
        chrom, pos, name, ref, alt, quality, passed, info = line.split("\t")
        assert chrom in contigs and int(pos) >= 1 and (quality, passed) == (".", ".")
        assert re.fullmatch("[ACGT]+", ref) and re.fullmatch("[ACGT]+", alt) and not re.search(r"\s", name)
        values = dict(entry.split("=") for entry in info.split(";"))
        for key, value in values.items():
            number, kind = declared[key]
            assert not re.search(r"\s", value)
            assert number == "." or "," not in value
            assert kind == "String" or float(value) is not None
        out.append(values | {"CHROM": chrom, "POS": int(pos), "ID": name})
    assert [contigs.index(each["CHROM"]) for each in out] == sorted(
        contigs.index(each["CHROM"]) for each in out
    )
    return out


def test_the_annotated_vcf_keeps_the_rules_of_the_format():
    nasty = 'a;b="c",<d>%'
    table = pd.DataFrame(
        [
            row(pos1=9),
            row(chrom=nasty, sequence=nasty, id="rs1;rs2"),
            row(lost="SITE/+/3/9/-2.00 B;x=/-/11/19/-1.00", ref="AC", alt="A"),
        ]
    )
    text = to_vcf(table, model="m; =1", version="1", lengths={"s": 60})
    first, second, third = strictly(text)
    assert (first["POS"], second["POS"], third["ID"]) == (3, 9, "rs1;rs2")
    assert first["ARGMINN_LOST"] == "SITE/+/3/9/-2.00,B%3Bx%3D/-/11/19/-1.00"
    assert float(second["ARGMINN_DLOGIT"]) == -2
    assert "##contig=<ID=s,length=60>" in text
    edits, dropped = read_vcf(text.encode(), max_records=9)
    assert len(edits) == 3 and dropped.empty


def test_no_effect_is_still_a_vcf():
    from argminn_core.tables import VARIANTS

    empty = VARIANTS.empty().assign(chrom="", pos1=0, id="")
    assert strictly(to_vcf(empty, model="m", version="1", lengths={})) == []
