"""Designs into files and back: FASTA, GenBank, a table of placements, and a project file.

    SavedDesign -> FASTA | GenBank | TSV | JSON -> SavedDesign, with the same placements and the same letters

FASTA says what was placed but not what lay beneath; the other three carry the background too. Whatever is opened is
anyone's: sizes and numbers are bounded, and every error is an `InputError`.
"""

from __future__ import annotations

import io
import json
import math
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn
from urllib.parse import quote, unquote

import numpy as np
import pandas as pd

from argminn_core.design import Pfms, Rendered, design_header, render, reopen
from argminn_core.dna import decode, encode
from argminn_core.errors import InputError
from argminn_core.fasta import read_bytes, read_fasta, to_fasta
from argminn_core.tables import PLACEMENTS, number

FORMAT, VERSION = "argminn-design", 1
MAX_BYTES = 5_000_000
MAX_DESIGNS = 1000
MAX_PLACEMENTS = 1000
MAX_LENGTH = 100_000
MAX_NAME = 200
_BACKGROUND = b"# background\t"


@dataclass(frozen=True)
class SavedDesign:
    """A design as it goes into a file.

    Attributes
    ----------
    placements : PLACEMENTS; an empty `site` writes the motif's consensus.
    background : codes (L,) beneath; None where a file does not say.
    model, logit : what it was made with, "" and NaN where not known.
    plain : a record of letters that no design was made on.
    """

    name: str
    placements: pd.DataFrame = field(default_factory=PLACEMENTS.empty)
    background: np.ndarray | None = None
    model: str = ""
    logit: float = math.nan
    plain: bool = False

    def render(self, motifs: Pfms) -> Rendered:
        if self.background is None:
            raise InputError(f"the design {self.name} has no background", mend="Choose one")
        return render(self.placements, self.background, motifs)


# --- out --------------------------------------------------------------------------------------------------------


def designs_fasta(designs: Iterable[SavedDesign], motifs: Pfms) -> str:
    """FASTA whose headers say what was placed."""
    records = []
    for design in designs:
        made = design.render(motifs)
        header = design_header(
            design.name, model=design.model, logit=design.logit, placements=made.placements
        )
        records.append((header.removeprefix(">"), made.text))
    return to_fasta(records)


def designs_tsv(designs: Iterable[SavedDesign], motifs: Pfms) -> str:
    """PLACEMENTS with the letters of every site; comment lines above the header hold the backgrounds."""
    lines, frames = [], [PLACEMENTS.empty().assign(site=pd.Series(dtype=object))]
    for design in designs:
        made = design.render(motifs)
        lines.append(f"# background\t{quote(design.name, safe='')}\t{decode(design.background)}\n")
        frames.append(made.placements.assign(sequence=design.name)[[*PLACEMENTS.columns, "site"]])
    return "".join(lines) + PLACEMENTS.to_tsv(pd.concat(frames, ignore_index=True))


def designs_genbank(designs: Iterable[SavedDesign], motifs: Pfms) -> str:
    """GenBank records with a feature for each placement; written by Biopython.

    A note on each feature keeps what the format has no field for: the order of the placements, their letters and
    those beneath.
    """
    from Bio import SeqIO
    from Bio.Seq import Seq
    from Bio.SeqFeature import SeqFeature, SimpleLocation
    from Bio.SeqRecord import SeqRecord

    records = []
    for design in designs:
        made = design.render(motifs)
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", design.name)[:16] or "design"
        whole = {
            "organism": ["synthetic construct"], "mol_type": ["other DNA"],
            "note": [f"argminn_design={_quoted(design.name)};model={_quoted(design.model)};logit={design.logit:.4f}"],
        }  # fmt: skip
        features = [SeqFeature(SimpleLocation(0, len(made.text)), type="source", qualifiers=whole)]
        for order, row in enumerate(made.placements.itertuples()):
            beneath = decode(design.background[row.start0 : row.end0])
            label = " ".join(re.sub(r"[^\x20-\x7e]+|\"", "_", row.motif).split())
            qualifiers = {
                "bound_moiety": [label], "label": [label],
                "note": [f"argminn_placement={_quoted(row.motif)};order={order};site={row.site};beneath={beneath}"],
            }  # fmt: skip
            location = SimpleLocation(row.start0, row.end0, strand=1 if row.strand == "+" else -1)
            features.append(SeqFeature(location, type="protein_bind", qualifiers=qualifiers))
        about = {"molecule_type": "DNA", "topology": "linear", "data_file_division": "SYN"}
        description = f"designed with the model {_quoted(design.model)}, logit {design.logit:.2f}"
        records.append(
            SeqRecord(Seq(made.text), plain, plain, description, features=features, annotations=about)
        )
    handle = io.StringIO()
    SeqIO.write(records, handle, "genbank")
    return handle.getvalue()


def project_json(designs: Iterable[SavedDesign], *, model: str) -> str:
    """A project: versioned JSON with all that is needed to draw every canvas again."""
    entries = []
    for design in designs:
        frame = design.placements
        sites = frame["site"] if "site" in frame else [""] * len(frame)
        rows = zip(frame["motif"], frame["start0"], frame["end0"], frame["strand"], sites, strict=True)
        entries.append(
            {
                "name": design.name, "model": design.model,
                "logit": design.logit if math.isfinite(design.logit) else None,
                "background": "" if design.background is None else decode(design.background),
                "placements": [
                    {"motif": m, "start0": int(s), "end0": int(e), "strand": d, "site": letters}
                    for m, s, e, d, letters in rows
                ],
            }
        )  # fmt: skip
    return (
        json.dumps({"format": FORMAT, "version": VERSION, "model": model, "designs": entries}, indent=1)
        + "\n"
    )


# --- in ---------------------------------------------------------------------------------------------------------


def open_designs(raw: bytes, motifs: Pfms) -> list[SavedDesign]:
    """Read any of the four formats, or any other FASTA, told apart by content; plain or gzip.

    A record of FASTA that places nothing is a design without placements, whose background it is. Sites that are their
    motif's consensus come back empty, as they were before a file spelt them out.

    Raises
    ------
    InputError : not one of these formats, damaged, too large, or not DNA.
    """
    raw = bytes(read_bytes(raw, max_bytes=MAX_BYTES)[0])
    head = raw.lstrip()[:200]
    if head.startswith(b"{"):
        designs = _from_project(raw)
    elif head.startswith(b"LOCUS"):
        designs = _from_genbank(raw)
    elif head.startswith(_BACKGROUND) or b"start0" in head.partition(b"\n")[0]:
        designs = _from_tsv(raw)
    else:
        designs = _from_fasta(raw)
    if not designs:
        raise InputError("there is no design in it", expected="one design or one sequence at least")
    _few("designs", len(designs), MAX_DESIGNS)
    for design in designs:
        _few(f"placements in {design.name[:40]}", len(design.placements), MAX_PLACEMENTS)
        if len(design.name) > MAX_NAME:
            raise InputError("a design has too long a name", found=f"{len(design.name):,} letters")
    return [_short_sites(design, motifs) for design in designs]


def _from_fasta(raw: bytes) -> list[SavedDesign]:
    text = raw if raw.lstrip().startswith(b">") else b">pasted\n" + raw
    sequences, _ = read_fasta(text, max_records=MAX_DESIGNS, max_bytes=MAX_BYTES)
    designs = []
    for i, header in enumerate(sequences.headers):
        name, below, placements = reopen(f">{header}" if header else ">unnamed", sequences.text(i))
        model = re.search(r" model=(\S+)", header)
        plain = " motifs=" not in header
        designs.append(SavedDesign(name, placements, below, unquote(model[1]) if model else "", plain=plain))
    return designs


def _from_tsv(raw: bytes) -> list[SavedDesign]:
    beneath: dict[str, np.ndarray] = {}
    for line in raw.splitlines():
        if not line.startswith(b"#"):
            break
        if line.startswith(_BACKGROUND):
            name, _, letters = line.removeprefix(_BACKGROUND).decode("utf-8", "replace").partition("\t")
            _few("bases in a background", len(letters), MAX_LENGTH)
            beneath[unquote(name)] = encode(letters.strip(), name=f"the background of {name[:40]}")
    frame = PLACEMENTS.read(raw)
    _few("placements", len(frame), MAX_DESIGNS * MAX_PLACEMENTS)
    groups = dict(iter(frame.groupby("sequence", sort=False)))
    names = dict.fromkeys([*beneath, *groups])
    return [
        SavedDesign(
            name or "unnamed", groups.get(name, PLACEMENTS.empty()).reset_index(drop=True), beneath.get(name)
        )
        for name in names
    ]


def _from_genbank(raw: bytes) -> list[SavedDesign]:
    from Bio import SeqIO

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Biopython's, on what it mends by itself
            records = list(SeqIO.parse(io.StringIO(raw.decode("utf-8", "replace")), "genbank"))
            texts = [str(record.seq).upper() for record in records]
    except Exception as error:  # a parser of many layers, given a file that anyone may have written
        raise InputError(
            "the GenBank file cannot be read", found=str(error)[:200] or type(error).__name__
        ) from error
    return [_genbank_design(record, text) for record, text in zip(records, texts, strict=True)]


def _genbank_design(record: Any, text: str) -> SavedDesign:
    _few("bases in a record", len(text), MAX_LENGTH)
    name, model, codes, rows = record.id, "", encode(text, name=f"record {record.id[:40]}"), []
    ours = False
    below = codes.copy()
    for feature in record.features:
        notes = {}
        for note in feature.qualifiers.get("note", []):
            words = "".join(note.split())  # long notes come back with a space at each line end
            notes |= dict(part.partition("=")[::2] for part in words.split(";"))
        if "argminn_design" in notes:
            name, model = unquote(notes["argminn_design"]) or name, unquote(notes.get("model", ""))
            ours = True
        elif "argminn_placement" in notes:
            try:
                start, end = int(feature.location.start), int(feature.location.end)
                beneath = encode(notes["beneath"])
                order = int(notes["order"])
                below[start:end] = beneath
            except (AttributeError, KeyError, ValueError, TypeError, InputError) as error:
                raise InputError(
                    f"a placement in {name[:40]} cannot be read", found=str(feature.location)[:80],
                    expected="a note as this program writes it",
                ) from error  # fmt: skip
            strand = "-" if feature.location.strand == -1 else "+"
            motif = unquote(notes["argminn_placement"])
            rows.append((order, [name, start, end, motif, strand, notes.get("site", "")]))
    rows.sort(key=lambda row: row[0])
    columns = [*PLACEMENTS.columns, "site"]
    frame = PLACEMENTS.frame([dict(zip(columns, values, strict=True)) for _, values in rows])
    return SavedDesign(name, frame.assign(sequence=name), below, model, plain=not (ours or rows))


def _from_project(raw: bytes) -> list[SavedDesign]:
    try:
        data = json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(
            "the project file is not JSON", found=str(error)[:100], mend="Export it again"
        ) from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise InputError("this JSON is not a project of this app", expected=f'"format": "{FORMAT}"')
    if (version := data.get("version")) != VERSION or isinstance(version, bool):
        raise InputError(
            "the project has a version that is not known here", found=repr(version)[:40], expected=VERSION,
            mend="Update argminn, or export the project again",
        )  # fmt: skip
    entries = _typed(data, "designs", list, "the project")
    _few("designs", len(entries), MAX_DESIGNS)
    return [_project_design(entry, f"design {i + 1} of the project") for i, entry in enumerate(entries)]


def _project_design(entry: object, where: str) -> SavedDesign:
    if not isinstance(entry, dict):
        raise InputError(f"{where} is not an object", found=type(entry).__name__)
    name = _typed(entry, "name", str, where)
    letters = _typed(entry, "background", str, where)
    _few("bases in a background", len(letters), MAX_LENGTH)
    rows = _typed(entry, "placements", list, where)
    _few(f"placements in {where}", len(rows), MAX_PLACEMENTS)
    records = []
    for row, placed in enumerate(rows):
        at = f"placement {row + 1} of {where}"
        if not isinstance(placed, dict):
            raise InputError(f"{at} is not an object", found=type(placed).__name__)
        record = {key: _typed(placed, key, str, at) for key in ("motif", "strand", "site")}
        if len(record["motif"]) > MAX_NAME or len(record["site"]) > MAX_LENGTH:
            raise InputError(f"a text of {at} is too long")
        spans = {key: _typed(placed, key, int, at) for key in ("start0", "end0")}
        if not all(0 <= value <= MAX_LENGTH for value in spans.values()):
            raise InputError(f"{at} lies outside any sequence", found=str(spans)[:80])
        records.append({"sequence": name, **record, **spans})
    model = entry.get("model", "")
    return SavedDesign(
        name, PLACEMENTS.frame(records), encode(letters, name=f"the background of {where}") if letters else None,
        model if isinstance(model, str) else "", number(entry.get("logit")),
    )  # fmt: skip


def _typed(entry: dict, key: str, kind: type, where: str) -> Any:
    value = entry.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        words = {str: "a text", int: "a whole number", list: "a list"}
        found = "nothing" if value is None else type(value).__name__
        raise InputError(f"{key} of {where} cannot be read", found=found, expected=words[kind])
    return value


def _short_sites(design: SavedDesign, motifs: Pfms) -> SavedDesign:
    """Sites that say what their motif would write anyway become empty; others are put into capitals."""
    frame = design.placements
    if frame.empty:
        return design
    named = set(frame["motif"]) & set(motifs)
    known = {motif: decode(np.asarray(motifs[motif]).argmax(axis=0).astype(np.uint8)) for motif in named}
    sites = frame["site"] if "site" in frame else pd.Series([""] * len(frame), index=frame.index)
    sites = sites.fillna("").str.strip().str.upper()
    plain = ["" if known.get(m) == site else site for m, site in zip(frame["motif"], sites, strict=True)]
    placements = frame.assign(sequence=design.name, site=pd.Series(plain, index=frame.index, dtype=object))
    return replace(design, placements=placements)


def _few(what: str, found: int, most: int) -> None:
    if found > most:
        raise InputError(f"there are too many {what}", found=f"{found:,}", expected=f"at most {most:,}")


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def _quoted(text: str) -> str:
    return quote(text, safe="|/+@*!:", errors="replace")
