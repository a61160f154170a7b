"""What a user gives, made into what training draws from: a grammar, two FASTA files, or peaks and a genome.

The command line's `train` and the training jobs of the app share it, so that both say the same on a model's card.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from argminn_core.errors import ArgminnError, ConfigError, InputError
from argminn_core.fasta import Sequences, read_fasta
from argminn_core.genome import Genome
from argminn_core.grammars import Grammar, grammar
from argminn_core.recipe import two_class_source
from argminn_core.regions import read_bed
from argminn_core.sources import GrammarSource, PeakSource, Source
from argminn_core.tables import DROPPED

# Which recipe suits which kind of data, where none is asked for.
DEFAULT_RECIPE = {"grammar": "grammar", "fasta": "peaks", "peaks": "peaks"}

_SIMULATED = "simulated grammar "  # how a card says what its data are


class Prepared(NamedTuple):
    """A source with what the card says about it (`data`, `split`, `digests`), and the DROPPED records."""

    source: Source
    about: dict[str, Any]
    dropped: pd.DataFrame


def from_grammar(rules: Grammar, *, length: int | None = None, seed: int = 0) -> Prepared:
    """Fresh simulated sequences of `length` bases, 500 where left out."""
    source = GrammarSource(rules, length=length or 500, seed=seed)
    split = f"fresh sequences in every batch; {len(source.valid[1])} valid and {len(source.test[1])} test of their own"
    about = {"data": f"{_SIMULATED}{rules.name}", "split": split, "digests": {}}
    return Prepared(source, about, DROPPED.empty())


def grammar_of(card: Mapping[str, Any]) -> Grammar | None:
    """The grammar that a card says its model was trained on; None where that were other data, or no known one."""
    data = card.get("data")
    if not isinstance(data, str) or not data.startswith(_SIMULATED):
        return None
    try:
        return grammar(data.removeprefix(_SIMULATED)[:100])
    except ConfigError:
        return None


def from_sequences(
    positives: Sequences, negatives: Sequences | None, *, names: tuple[str, str], digests: dict[str, str],
    unread: pd.DataFrame, length: int | None = None, valid_fraction: float = 0.1, test_fraction: float = 0.1,
    seed: int = 0,
) -> Prepared:  # fmt: skip
    """Two sets of sequences, split at random; without negatives, shuffles that keep the dinucleotides.

    `names` are what the card calls the two, `digests` those of their files, `unread` what reading them dropped.
    """
    for sequences, name in ((positives, names[0]), (negatives, names[1])):
        if sequences is not None and not len(sequences):
            raise InputError(f"{name} holds no sequence", expected="at least 10 records with letters")
    source, more = two_class_source(
        positives, negatives, length=length, valid_fraction=valid_fraction, test_fraction=test_fraction,
        seed=seed,
    )  # fmt: skip
    against = "dinucleotide shuffles" if negatives is None else names[1]
    about = {
        "data": f"{names[0]} against {against}",
        "split": f"at random, {valid_fraction:g} valid and {test_fraction:g} test, seed {seed}",
        "digests": digests,
    }
    return Prepared(source, about, pd.concat([unread, more], ignore_index=True))


def from_fasta(
    positives: Path, negatives: Path | None, *, names: tuple[str, str] | None = None, ambiguous: str = "error",
    **options: Any,
) -> Prepared:  # fmt: skip
    """`from_sequences` for two FASTA files; `names` are those of the files where left out."""
    names = names or (positives.name, negatives.name if negatives else "")
    good, unread = read_class(positives, names[0], ambiguous=ambiguous)
    digests, bad = {names[0]: file_digest(positives)}, None
    if negatives is not None:
        bad, more = read_class(negatives, names[1], ambiguous=ambiguous)
        unread = pd.concat([unread, more], ignore_index=True)
        digests[names[1]] = file_digest(negatives)
    return from_sequences(good, bad, names=names, digests=digests, unread=unread, **options)


def read_class(
    source: Path | bytes, name: str, *, ambiguous: str = "error", **limits: int
) -> tuple[Sequences, pd.DataFrame]:
    """`read_fasta` whose errors say which of two files they are about."""
    try:
        return read_fasta(source, ambiguous=ambiguous, **limits)
    except ArgminnError as error:
        what = error.what if not isinstance(source, bytes) else f"{name}: {error.what}"
        raise InputError(what, found=error.found, expected=error.expected, mend=error.mend) from error


def from_peaks(
    peaks: Path, genome: Path, *, name: str | None = None, length: int | None = None, valid: Sequence[str],
    test: Sequence[str], negatives: str = "gc", seed: int = 0,
) -> Prepared:  # fmt: skip
    """Windows of `length` bases, 500 where left out, on the summits of a BED or narrowPeak file.

    valid, test : held-out chromosomes or ranges, such as "chr22". negatives : "gc" or "shuffle".
    """
    regions, dropped = read_bed(peaks)
    source = PeakSource(
        regions, Genome(genome), length=length or 500, valid=valid, test=test, negatives=negatives, seed=seed
    )
    counts = {part: int((source.split == part).sum()) for part in ("train", "valid", "test")}
    name = name or peaks.name
    about = {
        "data": f"{name}: {len(source.regions):,} of {len(regions):,} peaks have a window in the genome; "
        + ("GC-matched windows" if source.kind == "gc" else "dinucleotide shuffles") + " as negatives",
        "split": f"valid {','.join(valid)}, test {','.join(test)}; peaks: "
        + ", ".join(f"{n} {part}" for part, n in counts.items()),
        "digests": {name: file_digest(peaks)},
    }  # fmt: skip
    return Prepared(source, about, pd.concat([dropped, source.dropped], ignore_index=True))


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, as cards name it."""
    with open(path, "rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
