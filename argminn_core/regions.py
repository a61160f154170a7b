"""BED -> regions -> (genome) -> windows of one length; and sequences -> the windows that a model reads.

Every region or record that does not become a window is a row of the `dropped` table.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from argminn_core.dna import N_CODE, decode
from argminn_core.errors import InputError
from argminn_core.fasta import Sequences, read_bytes
from argminn_core.genome import Genome, match_names
from argminn_core.tables import DROPPED, REGIONS

logger = logging.getLogger(__name__)


def read_bed(source: Path | str | bytes) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read BED3+ or narrowPeak, plain, gzip or bgzip, from a path, bytes or text.

    A line of ten columns is narrowPeak: its summit is `start0` plus the tenth column, or the middle where
    that is -1. The summit of any other line is its middle. A region without a name is called
    `chrom:start0-end0`.

    Returns
    -------
    regions, dropped
        A `REGIONS` frame, and a `DROPPED` frame with reasons `empty interval`, `below zero`,
        `summit outside the interval` and `duplicate` (the same interval and summit).

    Raises
    ------
    InputError
        The source cannot be read, is not BED, or what should be a number is none (with its line).
    """
    raw, label = read_bytes(source)
    rows: list[tuple[str, int, int, str, int]] = []
    dropped: list[dict[str, str]] = []
    seen: set[tuple[str, int, int, int]] = set()
    for number, line in enumerate(bytes(raw).decode("utf-8", "replace").splitlines(), start=1):
        if not line.strip() or line.startswith(("#", "track", "browser")):
            continue
        fields = line.rstrip("\r\n").split("\t") if "\t" in line else line.split()
        if len(fields) < 3:
            raise _bed_error(label, number, line)
        chrom, start, end = fields[0], _integer(fields, 1, label, number), _integer(fields, 2, label, number)
        offset = _integer(fields, 9, label, number) if len(fields) == 10 else -1
        summit = (start + end) // 2 if offset == -1 else start + offset
        name = fields[3] if len(fields) > 3 and fields[3] not in ("", ".") else f"{chrom}:{start}-{end}"
        reason = ""
        if start < 0:
            reason = "below zero"
        elif end <= start:
            reason = "empty interval"
        elif not start <= summit <= end:  # callers that round put a few summits right at the end
            reason = "summit outside the interval"
        elif (chrom, start, end, summit) in seen:
            reason = "duplicate"
        if reason:
            detail = f"line {number}: {chrom}:{start}-{end}, summit {summit}"
            dropped.append({"record": name, "reason": reason, "detail": detail})
            continue
        seen.add((chrom, start, end, summit))
        rows.append((chrom, start, end, name, summit))
    if not rows and not dropped:
        raise InputError(
            f"{label} has no regions", expected="lines of chrom, start and end, separated by tabs"
        )
    logger.info("%s: %d regions, %d dropped", label, len(rows), len(dropped))
    return REGIONS.check(pd.DataFrame(rows, columns=list(REGIONS.columns))), DROPPED.frame(dropped)


def _integer(fields: list[str], column: int, label: str, number: int) -> int:
    try:
        return int(fields[column])
    except ValueError:
        what = {1: "the start", 2: "the end", 9: "the summit (column 10)"}[column]
        raise InputError(
            f"{label}, line {number}: {what} is not a whole number",
            found=repr(fields[column]),
            expected="BED: chrom, start and end, separated by tabs",
            mend="Correct the line; put # before a line of column names",
        ) from None


def _bed_error(label: str, number: int, line: str) -> InputError:
    if line.startswith(">"):
        return InputError(
            f"{label} is not BED",
            found=f"what looks like FASTA, line {number}: {line[:60]!r}",
            expected="chrom, start and end, separated by tabs",
            mend="Give it as sequences",
        )
    return InputError(
        f"{label}, line {number} has fewer than three columns",
        found=repr(line[:60]),
        expected="BED: chrom, start and end, separated by tabs",
    )


def windows(
    regions: pd.DataFrame, genome: Genome, *, length: int, max_n: float = 0.05
) -> tuple[np.ndarray, pd.DataFrame, pd.DataFrame]:
    """Cut windows of one length, the summit at 0-based index `length // 2`.

    Parameters
    ----------
    regions : pd.DataFrame
        A `REGIONS` frame. Chromosomes may be named `20` where the genome says `chr20`, and the reverse.
    genome : Genome
        Where to cut them.
    length : int
        Bases of every window.
    max_n : float
        Largest share of N, 0 to 1.

    Returns
    -------
    codes : np.ndarray
        uint8 (N, length).
    kept : pd.DataFrame
        `REGIONS` of the N windows in the order of `regions`, with the genome's chromosome names; `start0` and
        `end0` are the window's, and so is a name that was made of coordinates.
    dropped : pd.DataFrame
        `DROPPED` with reasons `chromosome not in genome`, `off the chromosome end`, `too many N` and
        `duplicate window`.
    """
    if length < 1:
        raise InputError("windows need a length of at least 1 bp", found=length)
    regions = REGIONS.check(regions).reset_index(drop=True)
    names = genome.match(regions["chrom"].unique())
    renamed = {old: new for old, new in names.items() if old != new}
    if renamed:
        pairs = ", ".join(f"{old} as {new}" for old, new in sorted(renamed.items()))
        logger.warning("chromosomes are named differently in the genome: read %s", pairs)

    chrom = regions["chrom"].map(names).to_numpy(dtype=object, na_value="")
    start = regions["summit0"].to_numpy() - length // 2
    reason = np.full(len(regions), "", dtype=object)
    reason[chrom == ""] = "chromosome not in genome"
    again = pd.DataFrame({"chrom": chrom, "start": start}).duplicated().to_numpy()
    reason[(reason == "") & again] = "duplicate window"
    codes = np.full((len(regions), length), N_CODE, dtype=np.uint8)
    for name in dict.fromkeys(chrom[reason == ""]):
        rows = np.flatnonzero((chrom == name) & (reason == ""))
        inside = (start[rows] >= 0) & (start[rows] + length <= genome.length(name))
        reason[rows[~inside]] = "off the chromosome end"
        rows = rows[inside]
        if len(rows):
            codes[rows] = cut(genome.codes(name), start[rows], length)
    many_n = (codes == N_CODE).mean(axis=1) > max_n if len(codes) else np.zeros(0, dtype=bool)
    reason[(reason == "") & many_n] = "too many N"

    keep = reason == ""
    kept = regions[keep].reset_index(drop=True)
    by_place = _places(kept["chrom"], kept["start0"], kept["end0"])
    kept["chrom"], kept["start0"], kept["end0"] = chrom[keep], start[keep], start[keep] + length
    by_window = _places(kept["chrom"], kept["start0"], kept["end0"])
    kept["name"] = [
        new if name == old else name for name, old, new in zip(kept["name"], by_place, by_window, strict=True)
    ]
    gone = regions[~keep]
    dropped = DROPPED.check(
        pd.DataFrame(
            {
                "record": gone["name"],
                "reason": reason[~keep],
                "detail": _places(gone["chrom"], start[~keep], start[~keep] + length),
            }
        )
    )
    for why, count in dropped["reason"].value_counts().items():
        logger.info("dropped %d of %d regions: %s", count, len(regions), why)
    return (codes if keep.all() else codes[keep]), REGIONS.check(kept), dropped.reset_index(drop=True)


def fasta_records(codes: np.ndarray, kept: pd.DataFrame) -> list[tuple[str, str]]:
    """What `windows` gave as (header, letters), named `chr1:100-600`, so that exports are in the genome's coordinates.

    A region's own name, if it has one, follows as the header's description.
    """
    places = _places(kept["chrom"], kept["start0"], kept["end0"])
    headers = [
        place if name == place else f"{place} {' '.join(name.split())}"
        for place, name in zip(places, kept["name"], strict=True)
    ]
    return list(zip(headers, map(decode, codes), strict=True))


def cut(codes: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    """Windows (N, length) of a chromosome's codes (L,), a copy; all of them lie inside it."""
    return np.lib.stride_tricks.sliding_window_view(codes, length)[starts]


def _places(chrom: Iterable[str], start0: Iterable[int], end0: Iterable[int]) -> list[str]:
    return [f"{c}:{s}-{e}" for c, s, e in zip(chrom, start0, end0, strict=True)]


_ENTRY = re.compile(r"(?P<chrom>.+?)(?::(?P<start>[\d,]+)-(?P<end>[\d,]*))?")
_FAR = 2**62


def parse_ranges(entries: Iterable[str], chroms: Collection[str]) -> list[tuple[str, int, int]]:
    """`chr22`, `chr20:0-12000000` or `chr20:12000000-` as (chrom, start0, end0), with names as in `chroms`.

    Raises
    ------
    InputError
        An entry names a chromosome that is not among `chroms`, or an empty range.
    """
    ranges = []
    for entry in entries:
        match = _ENTRY.fullmatch(entry.strip())
        chrom = match_names([match["chrom"]], chroms).get(match["chrom"]) if match else None
        if match is None or chrom is None:
            raise InputError(
                f"the split names {entry!r}, which is not among the chromosomes",
                found=", ".join(sorted(chroms)) or "no chromosomes",
                expected="a chromosome such as chr22, or a range such as chr20:0-12000000",
            )
        start = int((match["start"] or "0").replace(",", ""))
        end = int(match["end"].replace(",", "")) if match["end"] else _FAR
        if end <= start:
            raise InputError(f"the range {entry!r} is empty", expected="start0-end0 with start0 below end0")
        ranges.append((chrom, start, end))
    return ranges


def split_by_chrom(
    regions: pd.DataFrame, *, valid: Iterable[str] = (), test: Iterable[str] = ()
) -> np.ndarray:
    """Assign each region to "train", "valid" or "test" by where its summit lies.

    Parameters
    ----------
    regions : pd.DataFrame
        A `REGIONS` frame.
    valid, test : Iterable[str]
        Chromosomes such as `chr22`, or ranges such as `chr20:0-12000000` (0-based, half-open).

    Returns
    -------
    np.ndarray
        (N,) of "train", "valid", "test".

    Raises
    ------
    InputError
        An entry names a chromosome that no region lies on, or a region falls in both sets.
    """
    chrom, summit = regions["chrom"].to_numpy(dtype=object), regions["summit0"].to_numpy()
    split = np.full(len(regions), "train", dtype="<U5")
    for name, entries in (("valid", valid), ("test", test)):
        inside = np.zeros(len(regions), dtype=bool)
        for where, start, end in parse_ranges(entries, set(chrom)):
            inside |= (chrom == where) & (summit >= start) & (summit < end)
        if (both := inside & (split != "train")).any():
            region = regions.iloc[int(both.argmax())]
            raise InputError(
                "a region falls in both the valid and the test set",
                found=f"{region['name']}, summit {region['chrom']}:{region['summit0']}",
                mend="Give the two sets chromosomes or ranges that do not overlap",
            )
        split[inside] = name
    return split


def split_ranges(
    chroms: Collection[str], *, valid: Iterable[str] = (), test: Iterable[str] = ()
) -> dict[str, list[str]]:
    """The same split as ranges, so that negatives are drawn where their positives lie.

    Returns
    -------
    dict
        "train", "valid" and "test", each a list of entries such as `chr20:12000000-`; train is what the other
        two leave of `chroms`.
    """
    held = {name: parse_ranges(entries, chroms) for name, entries in (("valid", valid), ("test", test))}
    train = []
    for chrom in chroms:
        at = 0
        for where, start, end in sorted(held["valid"] + held["test"], key=lambda held: held[1]):
            if where == chrom:
                if start > at:
                    train.append((chrom, at, start))
                at = max(at, end)
        if at < _FAR:
            train.append((chrom, at, _FAR))
    return {
        name: [f"{chrom}:{start}-{end if end < _FAR else ''}" for chrom, start, end in ranges]
        for name, ranges in {"train": train, **held}.items()
    }


@dataclass(frozen=True, eq=False)
class Windows:
    """Where a model of one input length looks in sequences of any length; the codes are gathered on demand.

    `record` (M,) indexes `sequences`; `start0` and `end0` (M,) are in the record's own coordinates, so that
    they are below 0 and above its length where a short record is padded; `note` (M,) is "", "window" or
    "padded".
    """

    sequences: Sequences
    length: int
    record: np.ndarray
    start0: np.ndarray
    end0: np.ndarray
    note: np.ndarray

    def __len__(self) -> int:
        return len(self.record)

    def codes(self, lo: int, hi: int) -> np.ndarray:
        """Codes (hi - lo, length) of windows `lo` to `hi`; N outside the record."""
        record = self.record[lo:hi]
        offset, size = self.sequences.offsets[record], self.sequences.lengths[record]
        at = self.start0[lo:hi, None] + np.arange(self.length)
        outside = (at < 0) | (at >= size[:, None])
        at[outside] = 0
        codes = self.sequences.codes[offset[:, None] + at]
        codes[outside] = N_CODE
        return codes


def tile(
    sequences: Sequences, *, length: int, stride: int | None = None, min_length: int = 1
) -> tuple[Windows, pd.DataFrame]:
    """Cover sequences of any length with windows of one.

    A record of exactly `length` is one window. A longer one has a window every `stride` bases, the last one
    flush with its end; a shorter one is centred between N.

    Parameters
    ----------
    sequences : Sequences
        The records.
    length : int
        Bases that the model reads.
    stride : int, optional
        Bases from one window to the next; half of `length` by default.
    min_length : int
        Shortest record that is worth padding.

    Returns
    -------
    windows, dropped
        `Windows` in the order of the records, and `DROPPED` with reasons `too short` and `no known base`.
    """
    stride = max(length // 2, 1) if stride is None else stride
    if not 1 <= stride <= length:
        raise InputError("the stride leaves gaps or stands still", found=stride, expected=f"1 to {length}")
    sizes = sequences.lengths
    short = sizes < max(min_length, 1)
    unknown = np.zeros(len(sizes), dtype=bool)
    filled = np.flatnonzero(sizes > 0)
    if len(filled):
        unknown[filled] = np.minimum.reduceat(sequences.codes, sequences.offsets[filled]) == N_CODE
    keep = np.flatnonzero(~short & ~unknown)
    over = np.maximum(sizes[keep] - length, 0)
    counts = 1 + -(-over // stride)
    record = np.repeat(keep, counts)
    step = np.arange(len(record)) - np.repeat(np.cumsum(counts) - counts, counts)
    missing = np.maximum(length - sizes[record], 0)
    start0 = np.where(missing > 0, -(missing // 2), np.minimum(step * stride, np.repeat(over, counts)))
    note = np.where(sizes[record] > length, "window", np.where(missing > 0, "padded", "")).astype(object)
    dropped = [
        {
            "record": sequences.names[i],
            "reason": "too short" if short[i] else "no known base",
            "detail": f"{sizes[i]} bp"
            + (f", at least {min_length} bp are needed" if short[i] else ", all N"),
        }
        for i in np.flatnonzero(short | unknown)
    ]
    return Windows(sequences, length, record, start0, start0 + length, note), DROPPED.frame(dropped)
