"""The columns of every table, for reading, writing and checking: the only place where they are named.

`PLACEMENTS` is the one idea that keeps the package small: the simulator emits it as truth, instance calling
as calls, design renders it, the plots draw it. Coordinates are 0-based and half-open (`start0`, `end0`).
"""

from __future__ import annotations

import gzip
import io
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from argminn_core.errors import InputError

Kind = Literal["text", "int", "float", "bool", "strand"]
_DTYPE = {"text": "object", "strand": "object", "int": "int64", "float": "float64", "bool": "bool"}


@dataclass(frozen=True)
class Table:
    """A schema: required columns in their order, then optional ones that are kept where present."""

    name: str
    columns: Mapping[str, Kind]
    optional: Mapping[str, Kind] = field(default_factory=dict)

    @property
    def kinds(self) -> dict[str, Kind]:
        return {**self.columns, **self.optional}

    def empty(self) -> pd.DataFrame:
        """An empty frame with the required columns and their types."""
        return pd.DataFrame({name: pd.Series(dtype=_DTYPE[kind]) for name, kind in self.columns.items()})

    def frame(self, rows: object) -> pd.DataFrame:
        """Build a checked frame from a dict of columns or a list of dicts."""
        frame = pd.DataFrame(rows)
        return self.empty() if frame.empty and not len(frame.columns) else self.check(frame)

    def check(self, frame: pd.DataFrame, *, source: str = "") -> pd.DataFrame:
        """Return `frame` with known columns first, in order and of the right types; other columns follow.

        Raises
        ------
        InputError : a required column is missing, or a value is not of its column's kind.
        """
        where = source or f"the {self.name} table"
        missing = [name for name in self.columns if name not in frame.columns]
        if missing:
            raise InputError(
                f"{where} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}",
                found=", ".join(map(str, frame.columns)) or "no columns",
                expected=", ".join(self.columns),
                mend="Write a tab-separated file whose first line names the columns",
            )
        known = [name for name in self.kinds if name in frame.columns]
        order = known + [name for name in frame.columns if name not in self.kinds]
        columns = {name: frame[name] for name in order}
        for name in known:
            kind = self.kinds[name]
            try:
                columns[name] = _cast(frame[name], kind)
            except (ValueError, TypeError) as error:
                raise InputError(
                    f"column {name} of {where} holds a value that is not of kind {kind}", found=str(error)
                ) from error
            if kind == "strand" and (bad := ~columns[name].isin(["+", "-"])).any():
                row = int(bad.to_numpy().argmax())
                raise InputError(
                    f"row {row + 1} of {where} has no strand",
                    found=repr(columns[name].iloc[row]),
                    expected="+ or -",
                )
        # Built once: assigning column by column costs a millisecond each, and the canvas waits for this.
        return pd.DataFrame(columns, index=frame.index)

    def read(self, source: str | Path | bytes) -> pd.DataFrame:
        """Read a TSV (path or bytes, plain or gzip) and check it; # starts a comment line above the header.

        Raises
        ------
        InputError : the file cannot be read, or is not this table.
        """
        name = "the uploaded table" if isinstance(source, bytes) else str(source)
        raw = _raw(source, name)
        while raw.startswith(b"#"):  # only above the header: below, a name may start with # too
            raw = raw.partition(b"\n")[2]
        text = [column for column, kind in self.kinds.items() if kind in ("text", "strand")]
        try:
            frame = pd.read_csv(
                io.BytesIO(raw), sep="\t", dtype=dict.fromkeys(text, str), keep_default_na=False,
                na_values={c: [""] for c, kind in self.kinds.items() if kind in ("int", "float")},
            )  # fmt: skip
        except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
            raise InputError(
                f"{name} is not a tab-separated table", found=str(error), expected=", ".join(self.columns)
            ) from error
        if not isinstance(frame.index, pd.RangeIndex):  # pandas took the first columns for row names
            raise InputError(f"{name} has rows with more columns than its first line names")
        return self.check(frame, source=name)

    def write(self, frame: pd.DataFrame, path: str | Path) -> None:
        """Write a checked TSV with a header line."""
        Path(path).write_text(self.to_tsv(frame), encoding="utf-8")

    def to_tsv(self, frame: pd.DataFrame) -> str:
        return self.check(frame).to_csv(sep="\t", index=False, float_format="%.6g", lineterminator="\n")


def _cast(values: pd.Series, kind: Kind) -> pd.Series:
    """A column as its kind; `ValueError` rather than a fraction cut off or a word taken for True."""
    if kind in ("text", "strand"):
        return values.astype(object).where(values.notna(), "").map(str).astype(object)
    if kind == "bool" and values.dtype != bool:
        words = values.map(str).str.lower()
        if (bad := ~words.isin(["true", "false", "1", "0"])).any():
            raise ValueError(f"{values[bad].iloc[0]!r} is neither true nor false")
        return words.isin(["true", "1"])
    cast = values.astype(_DTYPE[kind])
    if kind == "int" and pd.api.types.is_float_dtype(values.dtype) and (bad := cast != values).any():
        raise ValueError(f"{values[bad].iloc[0]} is not a whole number")
    return cast


def _raw(source: str | Path | bytes, name: str) -> bytes:
    try:
        raw = source if isinstance(source, bytes) else Path(source).read_bytes()
        return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except FileNotFoundError as error:
        raise InputError(f"{name} does not exist", mend="Check the path") from error
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{name} cannot be read", found=str(error)) from error


_SITE: dict[str, Kind] = {
    "sequence": "text",
    "start0": "int",
    "end0": "int",
    "motif": "text",
    "strand": "strand",
}

# `site`: the letters that a placement writes; where empty, the motif's consensus is written.
PLACEMENTS = Table("placements", _SITE, {"site": "text", "score": "float"})

# attention: the largest over layers and heads, or of the evidence path the place's share of the filter's pool;
# activation: the filter's; contribution: the logit's fall when the instance is replaced by background; readers: the
# layers and heads that looked, and the evidence path, such as "1.2,3.4,evidence" (from 1); q_value: the false
# discovery rate among the motif's calls that contribute as much or more.
INSTANCES = Table(
    "instances",
    {**_SITE, "attention": "float", "activation": "float", "contribution": "float"},
    {"readers": "text", "site": "text", "q_value": "float", "occupancy": "float", "probability": "float"},
)

# Matches of a motif's matrix that a model did not call. score: log2-odds in bits; p_value: FIMO's; attention,
# activation, contribution: what the model made of that place.
IGNORED = Table(
    "ignored",
    {
        **_SITE, "score": "float", "p_value": "float", "attention": "float", "activation": "float",
        "contribution": "float",
    },
)  # fmt: skip

# One row a window: a record of the model's own length is one window, a longer one is tiled, a shorter padded.
PREDICTIONS = Table(
    "predictions",
    {"sequence": "text", "logit": "float", "probability": "float"},
    {"start0": "int", "end0": "int", "note": "text"},
)

# Every record that was left out, and why. `reason` is one of a few fixed phrases, `detail` the particulars.
DROPPED = Table("dropped", {"record": "text", "reason": "text", "detail": "text"})

# What each filter learned. `windows`: how many windows made the PFM; `counts`: it has a trimmed core of at
# least 5 columns with a mean of 1 bit; `max_activation`, `threshold`: over the reference set; `contribution`: what its
# instances add to the logit of a positive sequence, on average; `match_offset`, `match_strand`: the core starts at that
# column of its match, read on that strand, before it when negative.
MOTIFS = Table(
    "motifs",
    {
        "motif": "text", "filter": "int", "windows": "int", "core_start0": "int", "core_end0": "int",
        "information": "float", "consensus": "text", "counts": "bool", "max_activation": "float",
        "threshold": "float",
    },
    {
        "match": "text", "match_name": "text", "q_value": "float", "contribution": "float", "note": "text",
        "match_offset": "int", "match_strand": "text",
    },
)  # fmt: skip

# What the instances of each motif in a set of sequences say, one row a filter. `sequences`: how many were read;
# `with_instance`, `share`: those with an instance; `contribution`: mean over instances; `plus`: instances on the plus
# strand; `distance`: median from a sequence's best instance to its centre, bp; `central_width`, `central_share`: the
# central region (bp) that is fullest against chance, and the share of best instances in it; `central_p`: corrected for
# the widths that were tried, `central_q`: and for the motifs; `readers`: "layer.head:instances", of the evidence path
# "evidence:instances"; `confidence`: across seeds, 0 to 1; `gain`, `sharpness`, `centre`: of the evidence path. What
# is not known is NaN, in a file nothing.
CARDS = Table(
    "cards",
    {
        "motif": "text", "filter": "int", "consensus": "text", "counts": "bool", "windows": "int",
        "information": "float", "sequences": "int", "instances": "int", "with_instance": "int", "share": "float",
        "contribution": "float", "plus": "int", "distance": "float", "central_width": "float",
        "central_share": "float", "central_p": "float", "central_q": "float", "readers": "text",
        "confidence": "float",
    },
    {
        "gain": "float", "sharpness": "float", "centre": "float", "match": "text", "match_name": "text",
        "q_value": "float", "note": "text",
    },
)  # fmt: skip

# What an edit does to a prediction, one row an edit and sequence. `start0`, `end0`: of `ref` in the sequence; `chrom`,
# `pos1`: as the edit was given, counted from 1; `difference`: the logit of `alt` minus that of `ref`; `lost` to
# `strengthened`: instances as motif/strand/first base/last base (from 1)/change of contribution, separated by spaces.
VARIANTS = Table(
    "variants",
    {
        "sequence": "text", "start0": "int", "end0": "int", "ref": "text", "alt": "text", "ref_logit": "float",
        "alt_logit": "float", "difference": "float", "ref_probability": "float", "alt_probability": "float",
        "lost": "text", "weakened": "text", "gained": "text", "strengthened": "text",
    },
    {"chrom": "text", "pos1": "int", "id": "text", "note": "text"},
)  # fmt: skip

# A value along chromosomes, or along sequences that have no place in a genome: sorted intervals that never overlap.
SIGNAL = Table("signal", {"chrom": "text", "start0": "int", "end0": "int", "value": "float"})

# Genomic intervals; `summit` is an absolute 0-based position.
REGIONS = Table(
    "regions", {"chrom": "text", "start0": "int", "end0": "int", "name": "text", "summit0": "int"}
)

# Filters that read the same motif and were made one: `motif` lies `shift` bases right of where `into` starts (read on
# the + strand of `into`) in a share of its instances.
MERGED = Table(
    "merged",
    {
        "motif": "text", "into": "text", "strand": "strand", "shift": "int", "instances": "int",
        "share": "float",
    },
)  # fmt: skip

# Two motifs in one sequence, over all sequences; `together`: the sequences that hold both, or one motif twice.
PAIRS = Table(
    "pairs",
    {
        "motif_a": "text", "motif_b": "text", "sequences_a": "int", "sequences_b": "int", "together": "int",
        "expected": "float", "odds_ratio": "float", "p_value": "float", "q_value": "float",
    },
)  # fmt: skip

# Order and orientation (++, +- or -+, read left to right) of the pairs: `share` of the motif pair's sequences;
# `overlapping` and `beyond` are those of `sequences` with a gap below 0 or above the largest that is tested; the test
# is of those that do not overlap.
_ARRANGED: dict[str, Kind] = {"left": "text", "right": "text", "orientation": "text"}
ARRANGEMENTS = Table(
    "arrangements",
    {
        **_ARRANGED, "sequences": "int", "share": "float", "overlapping": "int", "beyond": "int",
        "p_value": "float", "q_value": "float",
    },
)  # fmt: skip

# How many sequences have a pair at each gap that occurs; gaps without a row have none.
GAPS = Table(
    "gaps",
    {
        **_ARRANGED, "gap": "int", "sequences": "int", "expected": "float", "p_value": "float",
        "q_value": "float",
    },
)  # fmt: skip

# Ranges of gaps that an arrangement prefers, `low` to `high`, both included; `q_value` is corrected for every range of
# every arrangement that was looked at.
RANGES = Table(
    "ranges",
    {
        **_ARRANGED, "low": "int", "high": "int", "sequences": "int", "expected": "float", "p_value": "float",
        "q_value": "float",
    },
)  # fmt: skip

# What a layer's weights add to the attention score of one motif once the other was pointed at, in nats.
SPACINGS = Table(
    "spacings",
    {**_ARRANGED, "layer": "int", "gap": "int", "after_left": "float", "after_right": "float"},
)

# A pair planted into neutral backgrounds: mean logit, the sum of what its two motifs do alone at the same places, and
# the difference of both with its 95 % interval over backgrounds.
CAUSAL = Table(
    "causal",
    {
        **_ARRANGED, "gap": "int", "logit": "float", "additive": "float", "synergy": "float", "low": "float",
        "high": "float",
    },
)  # fmt: skip

# What a model goes by, one sentence a row. `kind` is pair, necessary, sufficient, additive or repressor; `right`,
# `orientation` and `gaps` are empty for a single motif. `effect` with its 95 % interval: the synergy of a pair; how far
# the logit falls without a necessary motif; the logit of a sufficient one alone; a repressor's contribution, or of two
# that repress together their logit above the lower one of either alone.
RULES = Table(
    "rules",
    {
        "kind": "text", **_ARRANGED, "gaps": "text", "sequences": "int", "share": "float", "effect": "float",
        "low": "float", "high": "float", "q_value": "float", "sentence": "text",
    },
)  # fmt: skip

# Tests of what a model says about sequences. low, high: a bootstrap interval of 95 %; n: what the value is an average
# or a median of; target: the least that passes, empty where there is none; passed: yes, no, or empty.
RECEIPT = Table(
    "receipt",
    {
        "test": "text", "value": "float", "low": "float", "high": "float", "n": "int", "target": "float",
        "passed": "text", "note": "text",
    },
)  # fmt: skip

# One epoch of a training a row: losses are unweighted means over its batches, `valid_*` are of the held-out validation
# set, `seconds` is the time spent so far.
HISTORY = Table(
    "history",
    {
        "epoch": "int", "bce": "float", "overlap": "float", "l1": "float", "entropy": "float", "valid_loss": "float",
        "valid_auroc": "float", "valid_auprc": "float", "valid_accuracy": "float", "seconds": "float",
    },
)  # fmt: skip

# What was looked at before a training, for each class; `verdict` is ok, care or stop, `advice` says what to do.
CHECKS = Table(
    "checks",
    {"check": "text", "positives": "text", "negatives": "text", "verdict": "text", "advice": "text"},
)


def number(value: object) -> float:
    """A number in somebody's file, such as a model's card; NaN for what is none, or is too large to reckon with."""
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if usable and abs(value) < 1e300 else math.nan
