"""A reference genome as codes, a chromosome at a time: FASTA file or folder -> names -> whole chromosomes."""

from __future__ import annotations

import gzip
import logging
import re
import tempfile
from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
import pyfaidx

from argminn_core.dna import encode
from argminn_core.errors import InputError
from argminn_core.fasta import read_fasta

logger = logging.getLogger(__name__)

# A whole vertebrate genome in one plain gzip is a little over 3 GB.
_MAX_BYTES = 2**33
_STEMS = (".fa", ".fasta", ".fna")
SUFFIXES = tuple(stem + end for stem in _STEMS for end in ("", ".gz", ".bgz"))


class Genome:
    """The chromosomes of a FASTA file, or of a folder of them, as codes; each is read when first asked for.

    Plain and bgzip files are indexed by pyfaidx (the index goes to a temporary folder where it cannot be
    written beside the file); a plain gzip has no index and is decompressed whole. In memory a base is a byte.
    A gzip named after its first record, as `chr20.fa.gz`, is taken to hold that chromosome alone.

    Parameters
    ----------
    path : Path or str
        FASTA file, plain, gzip or bgzip, or a folder of `*.fa`, `*.fasta` or `*.fna`, with or without `.gz`.

    Raises
    ------
    InputError
        No such path, no FASTA in the folder, or a chromosome in two files.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._codes: dict[str, np.ndarray] = {}
        self._index: dict[str, pyfaidx.Fasta] = {}
        self._file: dict[str, Path] = {}
        for file in _files(self.path):
            for chrom in self._open(file):
                if self._file.setdefault(chrom, file) != file:
                    raise InputError(
                        f"{chrom} is in two files of {path}",
                        found=f"{self._file[chrom].name} and {file.name}",
                    )

    @property
    def chroms(self) -> list[str]:
        """Names of the chromosomes, chr2 before chr10."""
        return sorted(self._file, key=_natural)

    def __contains__(self, chrom: str) -> bool:
        return chrom in self._file

    def length(self, chrom: str) -> int:
        """Bases of a chromosome."""
        if chrom in self._index:
            return len(self._index[chrom][chrom])
        return len(self.codes(chrom))

    def codes(self, chrom: str) -> np.ndarray:
        """A whole chromosome as codes (L,), read-only and kept for the next call; other letters are N."""
        if chrom not in self._file:
            raise InputError(
                f"the genome {self.path} has no chromosome {chrom}",
                found=", ".join(self.chroms[:30]) + (", ..." if len(self._file) > 30 else ""),
            )
        if chrom not in self._codes:
            if chrom in self._index:
                self._add(chrom, encode(self._index[chrom][chrom][:], ambiguous="N"))
            else:
                self._read(self._file[chrom])
        return self._codes[chrom]

    def match(self, chroms: Iterable[str]) -> dict[str, str]:
        """The genome's own name of each of `chroms` that it has: `20` finds `chr20`, `MT` finds `chrM`."""
        return match_names(chroms, self._file)

    def _open(self, file: Path) -> list[str]:
        """The names in a file, by its index or by its first record where that will do."""
        with file.open("rb") as handle:
            head = handle.read(14)
        is_gzip = head[:2] == b"\x1f\x8b"
        # A block of bgzip carries an extra field BC. pyfaidx goes by the suffix, so the two have to agree.
        can_index = (not is_gzip or head[12:14] == b"BC") and is_gzip == (file.suffix in (".gz", ".bgz"))
        if can_index and (index := _faidx(file)) is not None:
            names = list(index.keys())
            self._index.update(dict.fromkeys(names, index))
            return names
        if is_gzip and (name := _first_name(file)) and file.name.startswith(f"{name}."):
            return [name]
        return self._read(file)

    def _read(self, file: Path) -> list[str]:
        sequences, dropped = read_fasta(file, ambiguous="N", max_bytes=_MAX_BYTES)
        if len(dropped):
            logger.warning(
                "%s: %d records dropped: %s", file, len(dropped), ", ".join(dropped["record"][:10])
            )
        for i, name in enumerate(sequences.names):
            self._add(name, sequences.codes_of(i))
            self._file.setdefault(name, file)
        return sequences.names

    def _add(self, chrom: str, codes: np.ndarray) -> None:
        codes.flags.writeable = False
        self._codes[chrom] = codes


def match_names(chroms: Iterable[str], available: Collection[str]) -> dict[str, str]:
    """For each of `chroms`, the name among `available` that means the same, where there is one."""
    matched = {}
    for chrom in chroms:
        bare = chrom.removeprefix("chr")
        bare = "M" if bare == "MT" else bare
        tries = (chrom, f"chr{bare}", bare, "MT" if bare == "M" else bare)
        if name := next((name for name in tries if name in available), None):
            matched[chrom] = name
    return matched


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise InputError(f"the genome {path} does not exist", mend="Check the path")
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.name.lower().endswith(SUFFIXES))
    if not files:
        raise InputError(f"the folder {path} holds no FASTA", expected="files such as chr1.fa or chr1.fa.gz")
    return files


def _faidx(file: Path) -> pyfaidx.Fasta | None:
    """The index of a plain or bgzip FASTA; None where it has none (lines of uneven length, for one)."""
    with tempfile.TemporaryDirectory() as folder:
        for place in (file, Path(folder) / file.name):
            try:
                return pyfaidx.Fasta(
                    str(file), indexname=f"{place}.fai", gzi_indexname=f"{place}.gzi", as_raw=True
                )
            except (pyfaidx.FastaIndexingError, ValueError):
                return None
            except OSError:
                continue
    return None


def _first_name(file: Path) -> str:
    """The name of the first record of a gzip, or nothing where there is none to read."""
    try:
        with gzip.open(file) as handle:
            words = handle.readline(4096).removeprefix(b">").split()
    except (OSError, EOFError):
        return ""
    return words[0].decode("utf-8", "replace") if words else ""


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name) if part]
