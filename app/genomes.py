"""Regions on a genome that lies on the server: BED -> windows of the model's length -> FASTA named by place.

Only files in the folder that the environment variable ARGMINN_GENOMES names can be asked for, and only by the names
that are offered: a visitor never gives a path.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from argminn_core.errors import InputError
from argminn_core.fasta import to_fasta
from argminn_core.genome import SUFFIXES, Genome
from argminn_core.regions import fasta_records, read_bed, windows

VARIABLE = "ARGMINN_GENOMES"


def genomes() -> dict[str, Path]:
    """The genomes that may be read, by the name of their file; none where the variable is not set."""
    return _offered(lambda path: path.is_file() and path.name.lower().endswith(SUFFIXES)) or {}


def to_train_on() -> dict[str, Path] | None:
    """The genomes that a training may use: FASTA files, or folders of them; None where the variable is not set."""

    def fits(path: Path) -> bool:
        files = path.iterdir() if path.is_dir() else [path]
        return any(file.name.lower().endswith(SUFFIXES) for file in files)

    return _offered(fits)


def _offered(fits: Callable[[Path], bool]) -> dict[str, Path] | None:
    """What lies in the folder that `VARIABLE` names and `fits`, by name; None: it is unset."""
    folder = os.environ.get(VARIABLE, "")
    if not folder:
        return None
    try:
        return {path.name: path for path in sorted(Path(folder).iterdir()) if fits(path)}
    except OSError:
        return {}


def regions_as_fasta(bed: bytes, genome: str, *, length: int, most: int) -> tuple[bytes, pd.DataFrame]:
    """FASTA of windows around the summits of a BED file, and DROPPED of the regions that gave none.

    Records are named `chr1:100-600`, so that exports are in the genome's coordinates.

    Raises
    ------
    InputError : not BED, more than `most` regions, none of them on the genome, or no such genome.
    """
    path = genomes().get(genome)
    if path is None:
        raise InputError(
            f"there is no genome {genome} on this server", found=", ".join(genomes()) or "none",
            mend="Choose one of those that are offered",
        )  # fmt: skip
    regions, unread = read_bed(bed)
    if len(regions) > most:
        raise InputError(
            "the BED file has too many regions", found=f"{len(regions):,}", expected=f"at most {most:,}",
            mend="Split it, or use `argminn scan` on the command line",
        )  # fmt: skip
    codes, kept, dropped = windows(regions, Genome(path), length=length)
    lost = pd.concat([unread, dropped], ignore_index=True)
    if kept.empty:
        reasons = ", ".join(f"{reason}: {n}" for reason, n in lost["reason"].value_counts().items())
        raise InputError(
            f"no region could be read on {genome}", found=reasons,
            mend="Check that the regions are of this genome's assembly",
        )  # fmt: skip
    return to_fasta(fasta_records(codes, kept), width=None).encode(), lost
