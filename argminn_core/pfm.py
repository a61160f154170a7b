"""Position frequency matrices: `Motif`, MEME in and out, JASPAR and TRANSFAC out, the JASPAR 2026 database.

Letters travel in the order A, C, G, T, as the rows of every matrix.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from argminn_core.dna import ALPHABET
from argminn_core.errors import InputError
from argminn_core.fasta import read_bytes

TRIM_BITS = 0.2
UNIFORM = (0.25, 0.25, 0.25, 0.25)
GROUPS = (
    "vertebrates",
    "plants",
    "insects",
    "nematodes",
    "fungi",
    "urochordates",
    "diatoms",
)  # JASPAR CORE's
_SUM_TOLERANCE = 1e-2
_ALIKE = 0.8
_KEY_VALUE = re.compile(r"(\w+)\s*=\s*(\S+)")


@dataclass(frozen=True, eq=False)
class Motif:
    """A motif as the frequency of every base in every column.

    Parameters
    ----------
    name : str
        Identifier without white space, such as MA0139.2 or REST_left.
    pfm : ndarray
        (4, W) float64, rows A, C, G, T; every column sums to 1. Kept as a read-only copy.
    alt : str
        The name that people use, such as CTCF.
    nsites : float, optional
        How many sites the matrix was made from.
    source : str
        Where it came from, such as JASPAR2026.

    Raises
    ------
    InputError
        The matrix is not (4, W) with W > 0, or a column is not a distribution.
    """

    name: str
    pfm: np.ndarray
    alt: str = ""
    nsites: float | None = None
    source: str = ""

    def __post_init__(self) -> None:
        pfm = np.array(self.pfm, dtype=np.float64)
        if pfm.ndim != 2 or pfm.shape[0] != 4 or pfm.shape[1] == 0:
            raise InputError(
                f"motif {self.name} has no usable matrix",
                found=f"shape {pfm.shape}",
                expected="(4, W), W > 0",
            )
        sums = pfm.sum(axis=0)
        bad = ~(np.isfinite(pfm).all(axis=0) & (pfm >= 0).all(axis=0) & (np.abs(sums - 1) <= 1e-6))
        if bad.any():
            column = int(bad.argmax())
            raise InputError(
                f"column {column + 1} of motif {self.name} is not a distribution over A, C, G, T",
                found=np.array2string(pfm[:, column], precision=4), expected="4 frequencies that sum to 1",
            )  # fmt: skip
        pfm.setflags(write=False)
        object.__setattr__(self, "pfm", pfm)

    @property
    def width(self) -> int:
        return self.pfm.shape[1]

    @property
    def consensus(self) -> str:
        """The most frequent base of every column."""
        return "".join(ALPHABET[base] for base in self.pfm.argmax(axis=0))

    @property
    def information(self) -> np.ndarray:
        """Bits of every column against a uniform background, (W,): 2 minus the entropy."""
        return information(self.pfm)

    def reverse_complement(self) -> Motif:
        return replace(self, pfm=self.pfm[::-1, ::-1])

    def columns(self, start0: int, end0: int) -> Motif:
        """The motif of the columns start0 (included) to end0 (not included)."""
        return replace(self, pfm=self.pfm[:, start0:end0])

    def core(self, bits: float = TRIM_BITS) -> tuple[int, int]:
        """Columns (start0, end0) left when ends below `bits` are cut; (0, 0) when every column is below."""
        kept = np.flatnonzero(self.information >= bits)
        return (int(kept[0]), int(kept[-1]) + 1) if len(kept) else (0, 0)

    def trimmed(self, bits: float = TRIM_BITS) -> Motif:
        """The motif without the columns under `bits` at its ends.

        Raises
        ------
        InputError
            No column reaches `bits`.
        """
        start0, end0 = self.core(bits)
        if end0 == 0:
            raise InputError(
                f"nothing is left of motif {self.name} after trimming",
                found=f"at most {self.information.max():.2f} bit a column", expected=f"at least {bits} bit",
            )  # fmt: skip
        return self.columns(start0, end0)


def information(pfm: np.ndarray) -> np.ndarray:
    """Bits of every column of `pfm` (4, W) against a uniform background, (W,)."""
    logs = np.log2(pfm, out=np.zeros_like(pfm, dtype=np.float64), where=pfm > 0)
    return 2.0 + (pfm * logs).sum(axis=0)


def log_odds(
    pfm: np.ndarray, background: Sequence[float] | None = None, pseudocount: float = 0.01
) -> np.ndarray:
    """Log2 ratio of the motif to the background, (4, W), in bits.

    Parameters
    ----------
    pfm : ndarray
        (4, W) frequencies.
    background : sequence of 4 floats, optional
        Frequencies of A, C, G, T; uniform by default.
    pseudocount : float
        How much background is mixed into every column for each unit of motif; 0 allows -inf.
    """
    base = np.asarray(UNIFORM if background is None else background, dtype=np.float64)[:, None]
    mixed = (np.asarray(pfm, dtype=np.float64) + pseudocount * base) / (1.0 + pseudocount)
    with np.errstate(divide="ignore"):
        return np.log2(mixed / base)


def alike(one: Motif, other: Motif) -> bool:
    """Whether two matrices are one motif: their correlation at the best shift and strand is above .8.

    Columns that only one of them has count as even in the other.
    """
    a, b = one.pfm - 0.25, other.pfm - 0.25
    norm = np.sqrt((a**2).sum() * (b**2).sum())
    best = 0.0
    for turned in (b, b[::-1, ::-1]):
        for shift in range(1 - turned.shape[1], a.shape[1]):
            low, high = max(shift, 0), min(shift + turned.shape[1], a.shape[1])
            best = max(best, float((a[:, low:high] * turned[:, low - shift : high - shift]).sum()))
    return best > _ALIKE * norm


# ---------------------------------------------------------------------------------------------- reading MEME


def read_meme(source: str | Path | bytes) -> list[Motif]:
    """Read the motifs of a MEME file, minimal or full.

    Every key=value of a matrix line is optional, rows may be off 1 by rounding (they are renormalised),
    motifs may follow each other without a blank line, and the file may end on its last row.

    Parameters
    ----------
    source : str, Path or bytes
        A path, the bytes of a file, plain or gzip, or its text (any string with a line break).

    Raises
    ------
    InputError
        No motif, another alphabet, a row that is no distribution, a cut-off matrix; with its line.
    """
    text, where = _text_of(source)
    motifs = list(_MemeReader(text, where).motifs())
    if not motifs:
        raise InputError(
            f"{where} holds no motif", expected="MEME text with MOTIF lines",
            mend="Save the motifs as MEME minimal format",
        )  # fmt: skip
    return motifs


def _text_of(source: str | Path | bytes) -> tuple[str, str]:
    """The text of a source, and what to call it in a message."""
    if isinstance(source, bytes):
        raw, where = read_bytes(source)[0], "the uploaded MEME file"
    elif isinstance(source, str) and ("\n" in source or source.startswith("MEME version")):
        return source, "the MEME text"
    else:
        raw, where = read_bytes(Path(source))
    try:
        return raw.decode("utf-8"), where
    except UnicodeDecodeError as error:
        raise InputError(f"{where} is not a text file", found=str(error)) from error


class _MemeReader:
    """One pass over the lines; `self.at` is the line in hand, counted from 1."""

    def __init__(self, text: str, where: str) -> None:
        self.lines = text.splitlines()
        self.where = where
        self.at = 0

    def motifs(self) -> Iterator[Motif]:
        waiting: tuple[str, str, int] | None = None  # a MOTIF line whose matrix has not come yet
        while (line := self._next()) is not None:
            if line.startswith("ALPHABET"):
                self._alphabet(line)
            elif line.split(maxsplit=1)[:1] == ["MOTIF"]:
                if waiting:
                    raise self._error(f"motif {waiting[0]} has no letter-probability matrix", line=waiting[2])
                waiting = (*self._names(line), self.at)
            elif line.lower().startswith("letter-probability matrix"):
                if not waiting:
                    raise self._error("a letter-probability matrix without a MOTIF line before it")
                yield self._matrix(line, waiting[0], waiting[1])
                waiting = None
        if waiting:
            raise self._error(
                f"motif {waiting[0]} has no letter-probability matrix", line=waiting[2],
                mend="The file seems to be cut off: save it again",
            )  # fmt: skip

    def _next(self) -> str | None:
        if self.at >= len(self.lines):
            return None
        self.at += 1
        return self.lines[self.at - 1].strip()

    def _error(self, what: str, *, line: int | None = None, **parts: object) -> InputError:
        return InputError(f"line {line or self.at} of {self.where}: {what}", **parts)

    def _alphabet(self, line: str) -> None:
        if "=" in line:
            letters = line.split("=", 1)[1].strip()
            if letters.upper() != ALPHABET:
                raise self._error("the motifs are not DNA", found=letters or "no letters", expected=ALPHABET)
            return
        # A custom definition, `ALPHABET "DNA"` to `END ALPHABET`: the rows show how many letters it has.
        while (line := self._next()) is not None and not line.startswith("END ALPHABET"):
            pass

    def _names(self, line: str) -> tuple[str, str]:
        words = line.split()[1:]
        if not words:
            raise self._error("a MOTIF line without a name", expected="MOTIF name [alternative name]")
        # Full MEME output goes on with `width = 8  sites = 20 ...` where minimal files end.
        alt = words[1] if len(words) > 1 and "=" not in "".join(words[1:3]) else ""
        return words[0], alt

    def _matrix(self, header: str, name: str, alt: str) -> Motif:
        keys = dict(_KEY_VALUE.findall(header))
        width = self._number(keys, "w")
        if self._number(keys, "alength") not in (None, 4):
            raise self._error(f"the matrix of motif {name} is not DNA", found=f"alength= {keys['alength']}")
        rows: list[list[float]] = []
        while (width is None or len(rows) < width) and (line := self._next()) is not None:
            if row := self._row(line, name):
                rows.append(row)
            elif line or rows:  # blank lines may come before the first row
                self.at -= 1  # what ended the rows may be the next MOTIF
                break
        if not rows or len(rows) < (width or 0):
            raise self._error(
                f"the matrix of motif {name} is cut off", line=min(self.at + 1, len(self.lines)),
                found=f"{len(rows)} rows", expected=f"{width:g} rows" if width else "4 frequencies a row",
                mend="Save the file again, or correct w=",
            )  # fmt: skip
        if width is not None and self.at < len(self.lines) and self._row(self.lines[self.at], name):
            raise self._error(
                f"the matrix of motif {name} goes on after its last row", line=self.at + 1,
                expected=f"{width:g} rows",
            )  # fmt: skip
        pfm = np.array(rows).T
        return Motif(name, pfm / pfm.sum(axis=0), alt, _positive(keys.get("nsites", "")), "MEME")

    def _number(self, keys: dict[str, str], key: str) -> float | None:
        if key not in keys:
            return None
        try:
            number = float(keys[key])
        except ValueError:
            number = float("nan")
        if not 0 <= number < float("inf"):
            raise self._error(f"{key}= is not a number", found=keys[key])
        return number

    def _row(self, line: str, name: str) -> list[float] | None:
        """The four frequencies of a row; None when the line is not a row at all."""
        words = line.split()
        try:
            row = [float(word) for word in words]
        except ValueError:
            return None
        if not row:
            return None
        if len(row) != 4 or not all(0 <= value <= 1 + _SUM_TOLERANCE for value in row):
            raise self._error(
                f"a row of motif {name} is not four frequencies", found=" ".join(words), expected="A C G T"
            )
        if abs(sum(row) - 1) > _SUM_TOLERANCE + 1e-9:  # three times .33 is just within
            raise self._error(
                f"a row of motif {name} does not sum to 1", found=f"{' '.join(words)}, sum {sum(row):.4g}",
                expected=f"1 within {_SUM_TOLERANCE}",
            )  # fmt: skip
        return row


def _positive(text: str) -> float | None:
    """A number of sites; None for what other tools write where they know none, such as 0, nan or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 < number < float("inf") else None


# -------------------------------------------------------------------------------------------------- writing


def to_meme(motifs: Iterable[Motif]) -> str:
    """The motifs in MEME minimal format, version 4, with a uniform background."""
    parts = [
        "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\n"
        "Background letter frequencies\nA 0.25 C 0.25 G 0.25 T 0.25\n"
    ]
    for motif in motifs:
        rows = "\n".join(" ".join(f"{value:.6f}" for value in column) for column in motif.pfm.T)
        keys = f"alength= 4 w= {motif.width} nsites= {round(motif.nsites or 20)} E= 0"
        title = f"MOTIF {_word(motif.name)} {_word(motif.alt)}".rstrip()
        parts.append(f"\n{title}\nletter-probability matrix: {keys}\n{rows}\n")
    return "".join(parts)


def to_jaspar(motifs: Iterable[Motif]) -> str:
    """The motifs as JASPAR count matrices; frequencies are scaled to `nsites`, or to 1000 where unknown."""
    parts = []
    for motif in motifs:
        parts.append(f">{_word(motif.name)}\t{_word(motif.alt or motif.name)}\n")
        for letter, row in zip(ALPHABET, motif.pfm * (motif.nsites or 1000), strict=True):
            parts.append(f"{letter} [ {' '.join(f'{value:.4f}' for value in row)} ]\n")
    return "".join(parts)


def to_transfac(motifs: Iterable[Motif]) -> str:
    """The motifs as TRANSFAC count matrices, scaled as in `to_jaspar`."""
    parts = []
    for motif in motifs:
        parts.append(
            f"AC  {_word(motif.name)}\nXX\nID  {_word(motif.alt or motif.name)}\nXX\nP0  A  C  G  T\n"
        )
        for column, (values, base) in enumerate(zip(motif.pfm.T, motif.consensus, strict=True), start=1):
            numbers = " ".join(f"{value * (motif.nsites or 1000):.4f}" for value in values)
            parts.append(f"{column:02d}  {numbers} {base}\n")  # two spaces: Biopython insists
        parts.append("XX\n//\n")
    return "".join(parts)


def _word(name: str) -> str:
    """A name without white space, which would end it for a reader."""
    return "_".join(name.split())


# --------------------------------------------------------------------------------------------------- JASPAR


@lru_cache(maxsize=512)
def jaspar(matrix_id: str) -> Motif:
    """A matrix of JASPAR 2026 CORE, such as MA0139.2; without a version, the latest one.

    `name` is the matrix id with its version, `alt` the factor's name.

    Raises
    ------
    InputError
        There is no such matrix.
    """
    base, _, version = matrix_id.strip().upper().partition(".")
    found = [
        motif
        for motif in _select("m.BASE_ID = ?", (base,))
        if not version or motif.name == f"{base}.{version}"
    ]
    if not found:
        raise InputError(
            f"JASPAR 2026 has no matrix {matrix_id!r}", expected="an id such as MA0139.2",
            mend="Look it up at jaspar.elixir.no",
        )  # fmt: skip
    return max(found, key=lambda motif: int(motif.name.rpartition(".")[2]))


def jaspar_collection(groups: Sequence[str] = ("vertebrates",)) -> list[Motif]:
    """The latest version of every JASPAR 2026 CORE matrix of some taxonomic groups, in the order of ids.

    Raises
    ------
    InputError
        A group that JASPAR does not have.
    """
    return list(_collection(tuple(groups)))


@lru_cache(maxsize=8)
def _collection(groups: tuple[str, ...]) -> tuple[Motif, ...]:
    if not groups or not set(groups) <= set(GROUPS):
        raise InputError(
            "JASPAR 2026 has no such taxonomic group",
            found=", ".join(group for group in groups if group not in GROUPS) or "none",
            expected=", ".join(GROUPS),
        )  # fmt: skip
    marks = ", ".join("?" * len(groups))
    latest = "(select BASE_ID, max(VERSION) from MATRIX where COLLECTION = 'CORE' group by BASE_ID)"
    return tuple(_select(f"a.VAL in ({marks}) and (m.BASE_ID, m.VERSION) in {latest}", groups))


def _select(condition: str, values: Sequence[str]) -> list[Motif]:
    """Matrices of the CORE collection in one query: pyjaspar's own loop takes seconds for a collection."""
    from pyjaspar import jaspardb

    query = f"""
        select m.BASE_ID || '.' || m.VERSION, m.NAME, d.row, d.col, d.val
        from MATRIX m join MATRIX_ANNOTATION a on a.ID = m.ID join MATRIX_DATA d on d.ID = m.ID
        where m.COLLECTION = 'CORE' and a.TAG = 'tax_group' and {condition}
        order by m.BASE_ID, m.VERSION, d.row, d.col"""
    # A connection for each call: SQLite's belong to one thread, and a web app has many.
    with closing(jaspardb(release="JASPAR2026").conn) as connection:
        rows = connection.execute(query, tuple(values)).fetchall()
    values_of: dict[tuple[str, str], list[float]] = {}
    for matrix_id, name, _, _, value in rows:
        values_of.setdefault((matrix_id, name), []).append(value)
    motifs = []
    for (matrix_id, name), flat in values_of.items():
        counts = np.array(flat).reshape(4, -1)
        nsites = float(round(counts[:, 0].sum()))
        motifs.append(Motif(matrix_id, counts / counts.sum(axis=0), name, nsites, "JASPAR2026"))
    return motifs
