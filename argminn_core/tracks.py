"""Instances, attention and contributions as files of other tools: GFF3, FIMO's table, bedGraph, bigWig.

    INSTANCES -> to_gff3, to_fimo
    INSTANCES -> contribution_signal, model + sequences -> attention_signal -> SIGNAL -> to_bedgraph, write_bigwig

Sequences named `chr1:100-600` (0-based, half-open, as BED and `bedtools getfasta` have them) are put where they lie
in the genome; others stay in their own coordinates, and their name stands where the chromosome's would. BED is
`instances.to_bed`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F

from argminn_core import dna
from argminn_core.checkpoint import ModelBundle
from argminn_core.errors import InputError
from argminn_core.fasta import Sequences, read_bytes
from argminn_core.genome import Genome
from argminn_core.pfm import log_odds
from argminn_core.predict import BATCH, each_batch, trace
from argminn_core.pvalues import PSEUDOCOUNT, ScoreDistribution
from argminn_core.regions import tile
from argminn_core.tables import INSTANCES, SIGNAL

_PLACE = r"^(?P<chrom>[^:]+):(?P<start>\d+)-\d+$"
FIMO_COLUMNS = (
    "motif_id", "motif_alt_id", "sequence_name", "start", "stop", "strand", "score", "p-value", "q-value",
    "matched_sequence",
)  # fmt: skip
FAINT = 0.01  # attention below this is left out of a track
_SEQID = ".:^*$@!+_?-|"  # what GFF3 allows in a name beside letters and digits
_ATTRIBUTE = " " + _SEQID + "/()[]{}<>#~'`"  # GFF3 allows ", but readers take it for a quoted value


def have_places(names: Iterable[str]) -> bool:
    """Whether there are names, and every one of them is a place in a genome, so that a bigWig of them makes sense."""
    names = pd.Series(list(names), dtype=object)
    return bool(len(names)) and bool(names.str.match(_PLACE).all())


def _placed(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with `chrom`, and `start0` and `end0` on it, sorted by these.

    Raises
    ------
    InputError : an interval is empty, or begins before its sequence.
    """
    wrong = ((frame["start0"] < 0) | (frame["end0"] <= frame["start0"])).to_numpy()
    if wrong.any():
        row = frame.iloc[int(wrong.argmax())]
        raise InputError(
            f"an interval on {row['sequence']} is none", found=f"{row['start0']}-{row['end0']}",
            expected="0 <= start0 < end0",
        )  # fmt: skip
    names = frame["sequence"].astype(object)
    place = names.str.extract(_PLACE)
    shift = place["start"].fillna(0).astype(np.int64)
    placed = frame.assign(
        chrom=place["chrom"].fillna(names), start0=frame["start0"] + shift, end0=frame["end0"] + shift
    )
    return placed.sort_values(["chrom", "start0", "end0"], kind="stable").reset_index(drop=True)


# ------------------------------------------------------------------------------------------------- instances


def to_gff3(instances: pd.DataFrame) -> str:
    """INSTANCES as GFF3, sorted: 1-based, closed, the contribution as score, the rest as attributes.

    The type is `nucleotide_motif` (SO:0000714): that a protein binds there was not seen.

    Raises
    ------
    InputError : the table lacks a column, or an interval is none.
    """
    placed = _placed(INSTANCES.check(instances))
    extra = [
        name for name in ("attention", "activation", "contribution", "q_value", "readers") if name in placed
    ]
    lines = ["##gff-version 3"]
    for number, row in enumerate(placed.to_dict("records"), start=1):
        attributes = {"ID": f"instance_{number:06d}", "Name": quote(row["motif"], safe=_ATTRIBUTE)}
        for name in extra:
            value = row[name]
            if name == "readers":  # a list already, by its commas
                attributes[name] = quote(value, safe=_ATTRIBUTE + ",")
            elif np.isfinite(value):
                attributes[name] = f"{value:.6g}"
        columns = [
            quote(row["chrom"], safe=_SEQID), "argminn", "nucleotide_motif", str(row["start0"] + 1), str(row["end0"]),
            f"{row['contribution']:.6g}" if np.isfinite(row["contribution"]) else ".", row["strand"], ".",
            ";".join(f"{key}={value}" for key, value in attributes.items() if value),
        ]  # fmt: skip
        lines.append("\t".join(columns))
    return "\n".join(lines) + "\n"


def to_fimo(bundle: ModelBundle, instances: pd.DataFrame, sequences: Sequences) -> str:
    """INSTANCES of `sequences` as FIMO writes its hits: 1-based, closed, on the sequences as they are named.

    `score` (bits) and `p-value` are those of the motif's trimmed matrix on a uniform background, as FIMO would give
    them; the q-value is that of the instances where they have one. An N counts 0 bits.

    Raises
    ------
    InputError : an instance names a motif that the model has not or a sequence that is not given, or lies outside it.
    """
    found = INSTANCES.check(instances).reset_index(drop=True)
    record = pd.Index(sequences.names, dtype=object).get_indexer(found["sequence"])
    ends = np.append(sequences.lengths, 0)[record]  # 0 where there is no such sequence
    outside = ((found["start0"] < 0) | (found["end0"] > ends)).to_numpy()
    if outside.any():
        row = found.iloc[int(outside.argmax())]
        raise InputError(
            "an instance lies outside the sequences", found=f"{row['sequence']}:{row['start0']}-{row['end0']}",
            mend="Give the sequences that were scanned",
        )  # fmt: skip
    first = sequences.offsets[record] + found["start0"].to_numpy()
    score, p = np.zeros(len(found)), np.ones(len(found))
    alt, site = np.full((2, len(found)), "", dtype=object)
    for name in found["motif"].unique():
        motif, rows = bundle.motif(name), np.flatnonzero(found["motif"] == name)
        width = motif.motif.width
        if (odd := (found["end0"] - found["start0"])[rows] != width).any():
            raise InputError(
                f"an instance of {name} is not as wide as the motif",
                found=int((found["end0"] - found["start0"])[rows][odd].iloc[0]), expected=width,
            )  # fmt: skip
        codes = sequences.codes[first[rows, None] + np.arange(width)]
        minus = (found["strand"] == "-").to_numpy()[rows]
        codes[minus] = dna.reverse_complement_codes(codes[minus])
        odds = log_odds(motif.motif.pfm, pseudocount=PSEUDOCOUNT)
        score[rows] = np.vstack([odds, np.zeros(width)])[codes, np.arange(width)].sum(axis=1)
        p[rows] = ScoreDistribution.of(odds).p_values(codes)
        alt[rows] = motif.match_name
        site[rows] = dna.decode_all(codes)
    values = (
        found["motif"], alt, found["sequence"], found["start0"] + 1, found["end0"], found["strand"], score, p,
        found.get("q_value", ""), site,
    )  # fmt: skip
    frame = pd.DataFrame(dict(zip(FIMO_COLUMNS, values, strict=True)), columns=list(FIMO_COLUMNS))
    return frame.to_csv(sep="\t", index=False, lineterminator="\n", float_format="%.6g")


# --------------------------------------------------------------------------------------------------- signals


def contribution_signal(instances: pd.DataFrame, column: str = "contribution") -> pd.DataFrame:
    """SIGNAL of a column of INSTANCES: every base of an instance has its value.

    Where instances or overlapping windows of the genome share bases, the largest value counts.

    Raises
    ------
    InputError : no such column of numbers, or an interval is none.
    """
    found = INSTANCES.check(instances)
    if INSTANCES.kinds.get(column) != "float" or column not in found:
        raise InputError(f"instances have no number {column}", expected="attention, activation, contribution")
    placed = _placed(found)
    return _largest(
        *(placed[name].to_numpy() for name in ("chrom", "start0", "end0")), placed[column].to_numpy()
    )


def attention_signal(
    bundle: ModelBundle,
    sequences: Sequences,
    *,
    stride: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """SIGNAL of the model's attention: for each base the largest of any layer and head that reads it.

    A head that looks at position `p` reads the filter's whole window there, so its attention counts for all of its
    bases. Where windows overlap, those of a long record or those of several on the genome, the largest counts.
    Values are rounded to a thousandth, and what is below a hundredth is left out. Sequences that are too short or
    unknown have no signal.
    """
    config = bundle.model.config
    windows, _ = tile(sequences, length=config.length, stride=stride, min_length=config.width)
    parts, done = [], 0

    def read(lo: int, hi: int) -> tuple[int, tuple[np.ndarray, ...]]:
        att = torch.from_numpy(trace(bundle.model, windows.codes(lo, hi)).att).amax((1, 2))  # (n, P)
        bases = F.max_pool1d(F.pad(att, (config.width - 1, config.width - 1)), config.width, stride=1)
        row, start, end, value = _runs(np.round(bases.numpy().astype(np.float64), 3))
        record, shift = windows.record[lo + row], windows.start0[lo + row]
        start = np.maximum(start + shift, 0)
        end = np.minimum(end + shift, sequences.lengths[record])
        keep = (value >= FAINT) & (end > start)
        return hi - lo, tuple(part[keep] for part in (record, start, end, value))

    for count, part in each_batch(read, len(windows), batch=BATCH):
        parts.append(part)
        done += count
        if progress is not None:
            progress(done, len(windows))
    if not parts:
        return SIGNAL.empty()
    record, start, end, value = (np.concatenate(values) for values in zip(*parts, strict=True))
    names = np.asarray(sequences.names, dtype=object)
    placed = _placed(pd.DataFrame({"sequence": names[record], "start0": start, "end0": end, "value": value}))
    return _largest(*(placed[name].to_numpy() for name in ("chrom", "start0", "end0", "value")))


def _runs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Stretches of one value in the rows of values (n, L): row, start, end, value, each (R,)."""
    length = values.shape[1]
    new = np.ones(values.shape, dtype=bool)
    new[:, 1:] = values[:, 1:] != values[:, :-1]
    first = np.flatnonzero(new)  # a row begins a stretch, so that none goes over an edge
    row, start = np.divmod(first, length)
    end = np.append(first[1:], values.size) - row * length
    return row, start, end, values.reshape(-1)[first]


def _largest(chrom: np.ndarray, start: np.ndarray, end: np.ndarray, value: np.ndarray) -> pd.DataFrame:
    """SIGNAL of intervals (M,) that may overlap: the largest value at every base, stretches of one value as one."""
    if not len(start):
        return SIGNAL.empty()
    names, code = np.unique(chrom.astype(str), return_inverse=True)
    # All chromosomes on one line, with a gap between them.
    span = int(end.max()) + 1
    start, end = start + code * span, end + code * span
    edges = np.unique(np.concatenate([start, end]))
    low, count = np.searchsorted(edges, start), np.searchsorted(edges, end) - np.searchsorted(edges, start)
    piece = np.repeat(low - (count.cumsum() - count), count) + np.arange(count.sum())
    top = np.full(len(edges), -np.inf)
    np.maximum.at(top, piece, np.repeat(value, count))
    filled = np.flatnonzero(np.isfinite(top))
    left, right, top = edges[filled], edges[filled + 1], top[filled]
    new = np.ones(len(left), dtype=bool)
    new[1:] = (left[1:] != right[:-1]) | (top[1:] != top[:-1])
    last = np.append(np.flatnonzero(new)[1:], len(left)) - 1
    code, left = np.divmod(left[new], span)
    columns = {"chrom": names[code], "start0": left, "end0": right[last] - code * span, "value": top[new]}
    return SIGNAL.frame(columns)


# ----------------------------------------------------------------------------------------------------- files


def to_bedgraph(signal: pd.DataFrame) -> str:
    """SIGNAL as bedGraph: 0-based, half-open, without a track line, as the programs that convert it want it."""
    frame = SIGNAL.check(signal)[list(SIGNAL.columns)]
    return frame.to_csv(sep="\t", header=False, index=False, lineterminator="\n", float_format="%.6g")


def chrom_sizes(source: str | Path) -> dict[str, int]:
    """Bases of each chromosome, from a `.fai`, a `.sizes` (two columns) or a genome.

    Raises
    ------
    InputError : there is no such file, or a line of it has no size.
    """
    if Path(source).suffix not in (".fai", ".sizes"):
        genome = Genome(source)
        return {chrom: genome.length(chrom) for chrom in genome.chroms}
    raw, label = read_bytes(Path(source))
    sizes = {}
    for number, line in enumerate(raw.decode("utf-8", "replace").splitlines(), start=1):
        if not line.strip():
            continue
        name, _, rest = line.partition("\t")
        size = rest.partition("\t")[0].strip()
        if not name or not size.isdecimal() or int(size) == 0:
            raise InputError(
                f"line {number} of {label} has no size of a chromosome", found=line[:80], expected="name, tab, bases"
            )  # fmt: skip
        sizes[name] = int(size)
    return sizes


def write_bigwig(signal: pd.DataFrame, path: str | Path, *, sizes: Mapping[str, int] | None = None) -> None:
    """SIGNAL as a bigWig, whole or not at all.

    `sizes` are the chromosomes' (see `chrom_sizes`); without them each is as long as its largest end, which
    browsers accept though some warn of it.

    Raises
    ------
    InputError : there is nothing to write, an interval overlaps another or leaves its chromosome, a chromosome has no
        size, or the file cannot be written.
    """
    import pybigtools

    frame = SIGNAL.check(signal).sort_values(["chrom", "start0"], kind="stable")
    if frame.empty:
        raise InputError("there is no signal to write", mend="A bigWig cannot be empty; a bedGraph can")
    if sizes is None:
        sizes = frame.groupby("chrom")["end0"].max().to_dict()
    _check_intervals(frame, sizes)
    used = {chrom: int(sizes[chrom]) for chrom in frame["chrom"].unique()}
    partial = Path(path).with_name(f"{Path(path).name}.partial.bw")  # the reader goes by the name
    rows = zip(*(frame[name].tolist() for name in SIGNAL.columns), strict=True)
    try:
        pybigtools.open(str(partial), "w").write(used, rows)
        pybigtools.open(str(partial)).close()  # the writer prints what goes wrong, and does not raise
    except Exception as error:  # pybigtools raises no narrower one where a file cannot be created
        partial.unlink(missing_ok=True)
        raise InputError(f"{path} could not be written", found=str(error)) from error
    os.replace(partial, path)


def _check_intervals(frame: pd.DataFrame, sizes: Mapping[str, int]) -> None:
    """Raise where intervals, sorted, are not what a bigWig takes."""
    chrom, start, end = (frame[name].to_numpy() for name in ("chrom", "start0", "end0"))
    if unknown := sorted(set(chrom) - set(sizes)):
        raise InputError(
            f"the chromosome {unknown[0]} has no size", found=", ".join(list(sizes)[:20]) or "none",
            mend="Give the sizes of the genome that the sequences are from",
        )  # fmt: skip
    size = np.array([sizes[name] for name in chrom])
    wrong = (start < 0) | (end <= start) | (end > size) | ~np.isfinite(frame["value"].to_numpy())
    wrong[1:] |= (chrom[1:] == chrom[:-1]) & (start[1:] < end[:-1])
    if wrong.any():
        at = int(wrong.argmax())
        raise InputError(
            f"the interval {chrom[at]}:{start[at]}-{end[at]} cannot be written",
            found=f"value {frame['value'].iloc[at]:g}, the chromosome has {size[at]} bp",
            expected="finite values on intervals that neither overlap nor leave the chromosome",
        )  # fmt: skip
