"""Edits of sequences: typed or VCF in, annotated VCF out.

    "seq1:120 A>G" lines or VCF (plain or gzip) -> Edit, one an alternative allele, + DROPPED
    VARIANTS -> to_vcf

Positions are 1-based, as in VCF and in genome browsers. Whether an edit fits a sequence is asked in `variants`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from argminn_core.errors import InputError
from argminn_core.fasta import read_bytes
from argminn_core.tables import DROPPED, VARIANTS

MAX_BYTES = 2**28
MAX_LINE = 1_000_000  # bytes; genotypes of some 100,000 people
MAX_NAME = 200  # letters of a sequence's name or an id
MAX_POSITION = 2**31
COLUMNS = ("CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")

_TYPED = re.compile(
    r"(?P<chrom>\S+):(?P<pos>[\d,]{1,15})[ \t:]+(?P<ref>[A-Za-z]+)[ \t]*[>:][ \t]*(?P<alt>[A-Za-z,]+)"
)
# What VCF 4.3 allows in the name of a contig; other letters are percent-encoded.
_CONTIG = "!#$%&*+./:;=?@^_|~-"
_INFO = "!#$&*+./?@^_~-()[]{}<>'`"  # no white space, no ; = , and no % : | of our own


@dataclass(frozen=True)
class Edit:
    """One change: at base `pos1` (1-based) of `chrom`, the letters `ref` become `alt`."""

    chrom: str
    pos1: int
    ref: str
    alt: str
    id: str = ""

    @property
    def label(self) -> str:
        return f"{_brief(self.chrom)}:{self.pos1} {_brief(self.ref)}>{_brief(self.alt)}"


def parse_edits(text: str, *, max_records: int) -> tuple[list[Edit], pd.DataFrame]:
    """Typed edits, one a line: `name:position REF>ALT`; # starts a comment. Returns edits and DROPPED.

    Raises
    ------
    InputError : no line holds an edit, or there are more than `max_records`.
    """
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if len(lines) > max_records:
        raise _too_many("the text", f"{len(lines):,} lines", max_records)
    edits: list[Edit] = []
    dropped: list[dict[str, str]] = []
    for line in lines:
        match = _TYPED.fullmatch(line) if len(line) <= MAX_NAME + 500 else None
        if match is None:
            dropped.append(_lost(line, "not an edit", "write name:position REF>ALT, such as seq1:120 A>G"))
            continue
        position = match["pos"].replace(",", "")
        _take(match["chrom"], position, "", match["ref"], match["alt"], line, edits, dropped)
    if not edits:
        raise InputError(
            "no edit can be read", found=_brief(lines[0]) if lines else "nothing",
            expected="a line such as seq1:120 A>G; the position counts from 1",
        )  # fmt: skip
    _bounded("the text", edits, max_records)
    return edits, DROPPED.frame(dropped)


def read_vcf(
    source: Path | str | bytes, *, max_records: int, max_bytes: int = MAX_BYTES
) -> tuple[list[Edit], pd.DataFrame]:
    """Edits and DROPPED of a VCF, plain or gzip; several alternatives of a record become an edit each.

    Only the first five columns are looked at.

    Raises
    ------
    InputError : it is no VCF, is too large, or holds more than `max_records`.
    """
    raw, label = read_bytes(source, max_bytes=max_bytes)
    edits: list[Edit] = []
    dropped: list[dict[str, str]] = []
    records = 0
    for number, line in _lines(raw):
        if not line.strip() or line.startswith(b"#"):
            continue
        records += 1
        if records > max_records:
            raise _too_many(label, f"more than {max_records:,} records", max_records)
        fields = line[:MAX_LINE].decode("utf-8", "replace").rstrip("\r\n").split("\t", 5)
        is_record = len(fields) >= 5 and fields[1].strip().isdecimal()
        if records == 1 and not is_record:
            raise InputError(
                f"{label} is not VCF", found=f"line {number}: {_brief(line[:200].decode('utf-8', 'replace'))!r}",
                expected="tab-separated CHROM, POS, ID, REF, ALT",
            )  # fmt: skip
        if len(line) > MAX_LINE:
            dropped.append(_lost(f"line {number}", "line too long", f"more than {MAX_LINE:,} bytes"))
        elif not is_record:
            dropped.append(_lost(f"line {number}", "not a record", _brief(" ".join(fields))))
        else:
            chrom, position, name, ref, alt = (field.strip() for field in fields[:5])
            where = f"{chrom}:{position} {ref}>{alt}"
            _take(chrom, position, "" if name == "." else name, ref, alt, where, edits, dropped)
    if not records:
        raise InputError(f"{label} holds no variant", expected="VCF with at least one record")
    _bounded(label, edits, max_records)
    return edits, DROPPED.frame(dropped)


def to_vcf(table: pd.DataFrame, *, model: str, version: str, lengths: Mapping[str, int]) -> str:
    """VARIANTS as VCF 4.3, one record a row, sorted, with what the model says in INFO.

    Parameters
    ----------
    table : DataFrame
        VARIANTS with `chrom` and `pos1`.
    model, version : str
        For the header.
    lengths : mapping
        Bases of the contigs that are whole sequences; those of others are not known and left out.
    """
    table = VARIANTS.check(table)
    order = {chrom: i for i, chrom in enumerate(dict.fromkeys(table["chrom"]))}
    ranked = table.assign(_rank=table["chrom"].map(order)).sort_values(
        ["_rank", "pos1", "ref", "alt"], kind="stable"
    )
    head = ["##fileformat=VCFv4.3", f"##source=argminn {version}", f"##argminn_model={_text(model)}"]
    for chrom in order:
        size = f",length={lengths[chrom]}" if chrom in lengths else ""
        head.append(f"##contig=<ID={_contig(chrom)}{size}>")
    for key, (number, kind, said) in INFO.items():
        head.append(f'##INFO=<ID={key},Number={number},Type={kind},Description="{said}">')
    head.append("#" + "\t".join(COLUMNS))
    rows = []
    for row in ranked.itertuples(index=False):
        info = {
            "ARGMINN_SEQUENCE": _text(row.sequence),
            "ARGMINN_REF_LOGIT": f"{row.ref_logit:.5g}",
            "ARGMINN_ALT_LOGIT": f"{row.alt_logit:.5g}",
            "ARGMINN_DLOGIT": f"{row.difference:.5g}",
            "ARGMINN_REF_PROBABILITY": f"{row.ref_probability:.5g}",
            "ARGMINN_ALT_PROBABILITY": f"{row.alt_probability:.5g}",
        }
        for change in CHANGES:
            if said := getattr(row, change):
                info[f"ARGMINN_{change.upper()}"] = ",".join(_text(entry) for entry in said.split(" "))
        told = ";".join(f"{key}={value}" for key, value in info.items())
        name = _text(row.id).replace("%3B", ";") or "."  # several ids are separated by ;
        rows.append(f"{_contig(row.chrom)}\t{row.pos1}\t{name}\t{row.ref}\t{row.alt}\t.\t.\t{told}")
    return "\n".join([*head, *rows]) + "\n"


CHANGES = ("lost", "weakened", "gained", "strengthened")
_INSTANCES = (
    "instances, each as motif/strand/first base/last base (1-based, in the sequence)/change of contribution"
)
INFO = {
    "ARGMINN_SEQUENCE": ("1", "String", "Sequence that was read"),
    "ARGMINN_REF_LOGIT": ("1", "Float", "Logit with the reference allele"),
    "ARGMINN_ALT_LOGIT": ("A", "Float", "Logit with the alternative allele"),
    "ARGMINN_DLOGIT": ("A", "Float", "Logit of the alternative minus that of the reference allele"),
    "ARGMINN_REF_PROBABILITY": ("1", "Float", "Probability with the reference allele"),
    "ARGMINN_ALT_PROBABILITY": ("A", "Float", "Probability with the alternative allele"),
    **{
        f"ARGMINN_{change.upper()}": (".", "String", f"{change.capitalize()} {_INSTANCES}")
        for change in CHANGES
    },
}


def _take(
    chrom: str,
    position: str,
    name: str,
    ref: str,
    alts: str,
    where: str,
    edits: list[Edit],
    dropped: list[dict[str, str]],
) -> None:
    """Add an edit for each alternative, or why there is none."""
    if not chrom or len(chrom) > MAX_NAME or len(name) > MAX_NAME:
        dropped.append(_lost(where, "name too long", f"1 to {MAX_NAME} letters are read"))
        return
    name = "_".join(name.split())
    if not position.isdecimal() or len(position) > 12 or not 1 <= int(position) <= MAX_POSITION:
        dropped.append(_lost(where, "no such position", "positions count from 1"))
        return
    for alt in alts.split(","):
        each = f"{chrom}:{position} {ref}>{alt}"
        if alt in ("", "."):
            dropped.append(_lost(each, "no alternative", "the record names no other allele"))
        elif alt == "*" or set(alt) & set("<>[]"):
            dropped.append(_lost(each, "symbolic allele", "only alleles written out in letters are read"))
        elif set((ref + alt).upper()) - set("ACGT"):
            dropped.append(_lost(each, "not A, C, G or T", "an allele holds another letter"))
        elif ref.upper() == alt.upper():
            dropped.append(_lost(each, "no change", "both alleles are the same"))
        else:
            edits.append(Edit(chrom, int(position), ref.upper(), alt.upper(), name))


def _lines(raw: bytes | bytearray) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers, without a second copy of the file."""
    start, number = 0, 1
    while start < len(raw):
        stop = raw.find(b"\n", start)
        stop = len(raw) if stop < 0 else stop
        yield number, bytes(raw[start : min(stop, start + MAX_LINE + 1)])
        start, number = stop + 1, number + 1


def _bounded(label: str, edits: list[Edit], most: int) -> None:
    if len(edits) > most:
        raise _too_many(label, f"{len(edits):,} alleles", most)


def _too_many(label: str, found: str, most: int) -> InputError:
    return InputError(
        f"{label} has too many variants", found=found, expected=f"at most {most:,}",
        mend="Split it, or use `argminn variants` on the command line with a larger --max-variants",
    )  # fmt: skip


def _lost(record: str, reason: str, detail: str) -> dict[str, str]:
    return {"record": _brief(record), "reason": reason, "detail": detail}


def _brief(text: str, limit: int = 80) -> str:
    text = " ".join(text[: 2 * limit].split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _contig(name: str) -> str:
    return quote(name, safe=_CONTIG)


def _text(value: str) -> str:
    """A value of INFO or an id: whatever would end it is percent-encoded."""
    return quote(value, safe=_INFO)


def labels(changes: Iterable[tuple[str, str, int, int, float]]) -> str:
    """Instances (motif, strand, start0, end0, change) in the words of VARIANTS and of INFO."""
    return " ".join(
        f"{quote(motif, safe=_INFO.replace('/', ''))}/{strand}/{start0 + 1}/{end0}/{change:+.2f}"
        for motif, strand, start0, end0, change in changes
    )
