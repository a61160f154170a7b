"""FASTA: bytes -> (gunzip by content) -> records -> one flat array of codes, and back to text.

A file of 100,000 records costs two copies of its bases at most: the text and the codes.
"""

from __future__ import annotations

import gzip
import io
import logging
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from argminn_core.dna import N_CODE, decode, encode
from argminn_core.errors import InputError
from argminn_core.tables import DROPPED

logger = logging.getLogger(__name__)

MAX_BYTES = 2**31
_CHUNK = 2**24
_BLANK = b" \t\r\n\v\f"

# Beyond the five codes of `dna`, a letter is ambiguous (may be read as N), a protein's, or none at all.
_AMBIGUOUS, _PROTEIN, _OTHER = 5, 6, 7
_LETTERS = np.full(256, _OTHER, dtype=np.uint8)
for _code, _group in enumerate(("A", "C", "G", "T", "N", "RYSWKMBDHVX", "EFIJLOPQZ*")):
    for _letter in _group:
        _LETTERS[ord(_letter)] = _LETTERS[ord(_letter.lower())] = _code
_TRANSLATE = _LETTERS.tobytes()

_OTHER_FORMATS = {
    b"BZh": "a bzip2 file",
    b"PK\x03\x04": "a zip archive",
    b"\xfd7zXZ": "an xz file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}


@dataclass(frozen=True, eq=False)
class Sequences:
    """Named sequences of any lengths in one flat array, a byte a base.

    Parameters
    ----------
    names : N names, all different.
    codes : uint8, all sequences one after the other.
    offsets : int64 (N + 1,); sequence `i` is `codes[offsets[i]:offsets[i + 1]]`.
    headers : N whole header lines without their `>`; the names where left out.
    """

    names: list[str]
    codes: np.ndarray
    offsets: np.ndarray
    headers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if len(self.offsets) != len(self.names) + 1:
            raise ValueError(f"{len(self.names)} names need {len(self.names) + 1} offsets")
        if not self.headers:
            object.__setattr__(self, "headers", list(self.names))

    @classmethod
    def from_texts(cls, names: Iterable[str], texts: Iterable[str]) -> Sequences:
        """Build from letters ACGTN, either case."""
        names = list(names)
        parts = [encode(text, name=name) for name, text in zip(names, texts, strict=True)]
        return cls(names, _joined(parts), _offsets([len(part) for part in parts]))

    @classmethod
    def from_codes(cls, names: Iterable[str], codes: np.ndarray) -> Sequences:
        """Build from codes (N, L) without copying them."""
        n, length = codes.shape
        return cls(list(names), codes.reshape(-1), np.arange(n + 1, dtype=np.int64) * length)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def lengths(self) -> np.ndarray:
        """Bases of each sequence, int64 (N,)."""
        return np.diff(self.offsets)

    def codes_of(self, i: int) -> np.ndarray:
        """Codes (L_i,) of sequence `i`, a view."""
        i = range(len(self))[i]
        return self.codes[self.offsets[i] : self.offsets[i + 1]]

    def text(self, i: int) -> str:
        """Letters of sequence `i`."""
        return decode(self.codes_of(i))

    def stack(self) -> np.ndarray:
        """All sequences as codes (N, L), a view; `InputError` where their lengths differ."""
        lengths = self.lengths
        if len(lengths) == 0:
            return np.zeros((0, 0), dtype=np.uint8)
        if (odd := np.flatnonzero(lengths != lengths[0])).size:
            i = int(odd[0])
            raise InputError(
                "the sequences differ in length",
                found=f"{self.names[0]} has {lengths[0]} bp, {self.names[i]} has {lengths[i]} bp",
                expected="one length",
                mend="Cut or pad them to one length",
            )
        return self.codes.reshape(len(self), int(lengths[0]))

    def subset(self, indices: Iterable[int] | np.ndarray) -> Sequences:
        """The sequences at `indices`, in that order (copied)."""
        indices = [int(i) for i in indices]
        parts = [self.codes_of(i) for i in indices]
        offsets = _offsets([len(part) for part in parts])
        return Sequences(
            [self.names[i] for i in indices], _joined(parts), offsets, [self.headers[i] for i in indices]
        )


def read_fasta(
    source: Path | str | bytes,
    *,
    ambiguous: str = "error",
    max_records: int | None = None,
    max_bytes: int = MAX_BYTES,
) -> tuple[Sequences, pd.DataFrame]:
    """Read FASTA from a path, from bytes, or from text.

    Plain, gzip and bgzip are told apart by content. A `str` that starts with `>` or holds a line end is text,
    any other is a path. A name ends at the first white space; a missing one becomes `sequence_<number>`.

    A record whose name came before is dropped as a duplicate if its sequence did too; with another sequence
    it is kept as `name_2` and so on, with a warning in the log (`headers` keeps the name as it was written).

    Parameters
    ----------
    source : Path, str or bytes
        A path, the bytes of a file (compressed or not), or its text.
    ambiguous : str
        "error", or "N" to read the other IUPAC letters (RYSWKMBDHV, and X) as N.
    max_records : int, optional
        Most records that are accepted.
    max_bytes : int
        Most bytes that are accepted after decompression.

    Returns
    -------
    sequences, dropped
        The records kept, and a `DROPPED` frame with reasons `empty` and `duplicate`.

    Raises
    ------
    InputError
        The source is missing, damaged, too large, not FASTA, or not DNA (with record, line and column).
    """
    if ambiguous not in ("error", "N"):
        raise ValueError(f'ambiguous must be "error" or "N", got {ambiguous!r}')
    text, label = read_bytes(source, max_bytes=max_bytes)
    _check_is_fasta(text, label)
    spans = list(_spans(text))
    if max_records is not None and len(spans) > max_records:
        raise InputError(
            f"{label} has too many records",
            found=f"{len(spans):,} records",
            expected=f"at most {max_records:,}",
            mend="Split the file, or use the command line, which has no such limit",
        )
    codes = bytearray()
    lengths = []
    for _, body, stop in spans:
        before = len(codes)
        codes += text[body:stop].translate(_TRANSLATE, _BLANK)
        lengths.append(len(codes) - before)
    flat, offsets = np.frombuffer(codes, dtype=np.uint8), _offsets(lengths)
    headers = [bytes(text[start:body]).decode("utf-8", "replace").strip() for start, body, _ in spans]
    worst = int(flat.max(initial=0))
    if worst > _AMBIGUOUS or (worst == _AMBIGUOUS and ambiguous == "error"):
        allowed = N_CODE if ambiguous == "error" else _AMBIGUOUS
        record = int(np.searchsorted(offsets, int((flat > allowed).argmax()), side="right")) - 1
        raise _letter_error(text, label, spans[record], _name(headers[record], record), allowed)
    if worst == _AMBIGUOUS:
        flat[flat == _AMBIGUOUS] = N_CODE
    return _keep(flat, offsets, headers)


def read_bytes(source: Path | str | bytes, *, max_bytes: int = MAX_BYTES) -> tuple[bytes | bytearray, str]:
    """The decompressed bytes of a path, of bytes or of text, and what to call them in a message.

    The line ends of old Macs are replaced; a byte-order mark is removed.

    Raises
    ------
    InputError : nothing there, a folder, a damaged or foreign compression, or more than `max_bytes`.
    """
    raw: bytes | bytearray
    if isinstance(source, str) and (source.lstrip().startswith(">") or "\n" in source or "\r" in source):
        source = source.encode()
    if isinstance(source, (bytes, bytearray, memoryview)):
        raw, label = bytes(source), "the input"
    else:
        path, label = Path(source), str(source)
        if not path.exists():
            raise InputError(f"{label} does not exist", mend="Check the path")
        if path.is_dir():
            raise InputError(f"{label} is a folder", expected="a file", mend="Name one file in it")
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise InputError(f"{label} cannot be read", found=error.strerror or str(error)) from error
    if raw[:2] == b"\x1f\x8b":
        raw = _gunzip(raw, label, max_bytes)
    elif len(raw) > max_bytes:
        raise _too_large(label, max_bytes)
    for magic, kind in _OTHER_FORMATS.items():
        if raw.startswith(magic):
            raise InputError(
                f"{label} cannot be read", found=kind, expected="plain text (UTF-8), gzip or bgzip"
            )
    if b"\0" in raw[:65536]:
        raise InputError(f"{label} is a binary file", expected="text, plain or compressed by gzip or bgzip")
    if raw.startswith(b"\xef\xbb\xbf"):
        raw = raw[3:]
    if b"\n" not in raw and b"\r" in raw:
        raw = raw.replace(b"\r", b"\n")
    if not raw.strip(_BLANK):
        raise InputError(f"{label} is empty")
    return raw, label


def to_fasta(records: Iterable[tuple[str, str]], *, width: int | None = 60) -> str:
    """FASTA text of (header, sequence) pairs; `width` letters a line, None for one line each."""
    return "".join(_fasta_records(records, width))


def write_fasta(records: Iterable[tuple[str, str]], path: str | Path, *, width: int | None = 60) -> None:
    """Write (header, sequence) pairs as FASTA, one by one, so that a generator is never held whole."""
    with Path(path).open("w", encoding="utf-8", newline="\n") as handle:
        handle.writelines(_fasta_records(records, width))


def _fasta_records(records: Iterable[tuple[str, str]], width: int | None) -> Iterator[str]:
    for header, text in records:
        if "\n" in header or "\r" in header:
            raise InputError("a FASTA header holds a line end", found=repr(header))
        step = width or max(len(text), 1)
        lines = "".join(f"{text[i : i + step]}\n" for i in range(0, len(text), step))
        yield f">{header}\n{lines}"


def _gunzip(raw: bytes, label: str, max_bytes: int) -> bytearray:
    """Decompress every member of a gzip (bgzip has one a block), and stop past `max_bytes`."""
    out = bytearray()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as handle:
            while chunk := handle.read(_CHUNK):
                out += chunk
                if len(out) > max_bytes:
                    raise _too_large(label, max_bytes)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            f"{label} is a damaged or truncated gzip file", found=str(error), mend="Copy or download it again"
        ) from error
    return out


def _too_large(label: str, max_bytes: int) -> InputError:
    return InputError(
        f"{label} is too large",
        found=f"more than {max_bytes:,} bytes after decompression",
        expected=f"at most {max_bytes:,} bytes",
        mend="Split it",
    )


def _check_is_fasta(text: bytes | bytearray, label: str) -> None:
    """Raise `InputError` unless the first character that is not blank is `>`, with a guess at what it is."""
    head = bytes(text[:4096].lstrip(_BLANK))
    if head.startswith(b">"):
        return
    line = head.split(b"\n", 1)[0].decode("utf-8", "replace").rstrip()
    fields = line.split("\t")
    kind, mend = repr(line[:60]), "Start every record with a line such as >name"
    if len(fields) >= 3 and fields[1].isdigit() and fields[2].isdigit():
        kind = f"what looks like a {'narrowPeak' if len(fields) == 10 else 'BED'} file, line {line[:60]!r}"
        mend = "Give it as regions, together with a genome"
    elif line.startswith("@"):
        kind, mend = f"what looks like a FASTQ file, line {line[:60]!r}", "Turn it into FASTA"
    elif line.startswith("MEME version"):
        kind, mend = "what looks like a MEME motif file", "Give it as motifs"
    elif line and set(line.upper()) <= set("ACGTN"):
        kind, mend = "bare letters without a header", "Put a line such as >name above them"
    raise InputError(
        f"{label} is not FASTA", found=kind, expected="a first line that starts with >", mend=mend
    )


def _spans(text: bytes | bytearray) -> Iterator[tuple[int, int, int]]:
    """Where each record's header starts (after `>`), its header ends, and the record ends."""
    start = text.find(b">")
    while start < len(text):
        stop = text.find(b"\n>", start)
        stop = len(text) if stop < 0 else stop + 1
        body = text.find(b"\n", start, stop)
        yield start + 1, stop if body < 0 else body, stop
        start = stop


def _name(header: str, record: int) -> str:
    """The name in a header; one that is missing is made from the record's number."""
    words = header.split(maxsplit=1)
    return words[0] if words else f"sequence_{record + 1}"


def _letter_error(
    text: bytes | bytearray, label: str, span: tuple[int, int, int], name: str, allowed: int
) -> InputError:
    """The error for the first letter of a record that is not DNA, with its line and column in the file."""
    _, body, stop = span
    raw = np.frombuffer(text, dtype=np.uint8)[body:stop]
    kinds = np.where(np.isin(raw, np.frombuffer(_BLANK, dtype=np.uint8)), N_CODE, _LETTERS[raw])
    is_protein = bool((kinds == _PROTEIN).any())
    at = body + int((kinds == _PROTEIN if is_protein else kinds > allowed).argmax())
    letter = bytes(text[at : at + 4]).decode("utf-8", "replace")[:1]
    line, column = text.count(b"\n", 0, at) + 1, at - text.rfind(b"\n", 0, at)
    where = f"record {name} of {label}, line {line}, column {column}"
    if is_protein:
        return InputError(
            f"{where} looks like protein", found=repr(letter), expected="DNA: A, C, G, T or N",
            mend="Give the DNA sequences",
        )  # fmt: skip
    mend = "Correct it"
    if letter in "Uu":
        mend = "It looks like RNA: write T for U"
    elif _LETTERS[text[at]] == _AMBIGUOUS:
        mend = "Correct it, or ask for ambiguous letters to be read as N"
    return InputError(
        f"{where}: a letter that is not DNA", found=repr(letter), expected="A, C, G, T or N", mend=mend
    )


def _keep(flat: np.ndarray, offsets: np.ndarray, headers: list[str]) -> tuple[Sequences, pd.DataFrame]:
    """Drop empty and duplicate records, and tell apart different sequences of one name."""
    names = [_name(header, i) for i, header in enumerate(headers)]
    taken, kept, dropped = set(names), [], []
    if len(taken) == len(names) and np.diff(offsets).all():
        return Sequences(names, flat, offsets, headers), DROPPED.empty()
    same_name: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        if offsets[i] == offsets[i + 1]:
            dropped.append({"record": name, "reason": "empty", "detail": "a header without a sequence"})
            continue
        earlier = same_name.setdefault(name, [])
        sequence = flat[offsets[i] : offsets[i + 1]]
        if any(np.array_equal(sequence, flat[offsets[j] : offsets[j + 1]]) for j in earlier):
            detail = f"record {i + 1} repeats the name and the sequence of an earlier one"
            dropped.append({"record": name, "reason": "duplicate", "detail": detail})
            continue
        if earlier:
            number = len(earlier) + 1
            while (new := f"{name}_{number}") in taken:
                number += 1
            logger.warning(
                "record %d: the name %s is taken by another sequence, renamed %s", i + 1, name, new
            )
            taken.add(new)
            names[i] = new
        earlier.append(i)
        kept.append(i)
    sequences = Sequences(names, flat, offsets, headers)
    if dropped:
        logger.info("dropped %d of %d records", len(dropped), len(names))
        sequences = sequences.subset(kept)
    return sequences, DROPPED.frame(dropped)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint8)


def _offsets(lengths: list[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)
