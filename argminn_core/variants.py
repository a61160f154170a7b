"""What edits of sequences do: to the prediction, and to the instances behind it.

    edits -> places in sequences (REF checked) -> a window for each allele -> one scan of all windows
          -> VARIANTS, and the instances that an edit takes away, weakens, makes or strengthens

Both alleles are compared on common columns: where one allele is longer, the other has a gap there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote

import numpy as np
import pandas as pd

from argminn_core.checkpoint import ModelBundle
from argminn_core.dna import N_CODE, decode, encode
from argminn_core.errors import InputError
from argminn_core.fasta import Sequences
from argminn_core.instances import CONTRIBUTION, scan
from argminn_core.predict import sigmoid
from argminn_core.tables import DROPPED, VARIANTS
from argminn_core.vcf import CHANGES, Edit, labels

MAX_ALLELE = 50  # bases; longer ones also have to fit into half of what the model reads
CHANGE = 0.5  # logits: a smaller change of a contribution is none
_PLACE = re.compile(r"(?P<chrom>[^:]+):(?P<start>\d{1,12})-(?P<end>\d{1,12})")


class Placed(NamedTuple):
    """An edit in a sequence: the record's index, the 0-based place of REF, the window's first base, and a note."""

    edit: Edit
    record: int
    start0: int
    window0: int
    note: str

    @property
    def shared(self) -> int:
        """Columns from the start of REF that both alleles have."""
        return min(len(self.edit.ref), len(self.edit.alt))

    @property
    def gap(self) -> int:
        """Columns that only one allele has: those of ALT when above 0, those of REF when below."""
        return len(self.edit.alt) - len(self.edit.ref)


@dataclass(frozen=True, eq=False)
class Effects:
    """What edits do.

    table : VARIANTS, in the order of the edits.
    dropped : DROPPED, the edits that fit no sequence.
    placed : where each row's edit lies.
    codes : (U, L) all different windows; `ref` and `alt` (N,) say which of them is an allele of a row.
    instances : INSTANCES of the windows and `_window`, `sequence` the window's number, coordinates from its first base.
    """

    table: pd.DataFrame
    dropped: pd.DataFrame
    placed: list[Placed]
    codes: np.ndarray
    ref: np.ndarray
    alt: np.ndarray
    instances: pd.DataFrame

    def instances_of(self, window: int) -> pd.DataFrame:
        lo, hi = np.searchsorted(self.instances["_window"].to_numpy(), [window, window + 1])
        return self.instances.iloc[lo:hi].drop(columns="_window")


def variant_effects(
    bundle: ModelBundle,
    sequences: Sequences,
    edits: Sequence[Edit],
    *,
    min_contribution: float = CONTRIBUTION,
    max_rows: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Effects:
    """Predictions and instances of both alleles of every edit.

    Parameters
    ----------
    bundle : ModelBundle
        The model.
    sequences : Sequences
        What the edits are made in. A record named `chr1:100-600` (0-based, half-open) also takes edits of `chr1` that
        lie inside of it.
    edits : sequence of Edit
        One alternative allele each.
    min_contribution : float
        Fall of the logit that makes an instance.
    max_rows : int, optional
        Most rows: where records overlap, an edit has one in each.
    progress : callable, optional
        `progress(done, total)` counts windows.

    Notes
    -----
    The window is centred on the edit where the record is longer than what the model reads, and else the record, padded
    with N. Both alleles start at the same base; what an insertion pushes out at the end, or a deletion brings in there,
    is said in `note`, and instances that come or go with it are no effects.

    Raises
    ------
    InputError : more than `max_rows`.
    """
    length = bundle.length
    placed, dropped = place(sequences, edits, length=length, width=bundle.model.config.width, most=max_rows)
    windows: dict[tuple[bytes, int, int], int] = {}
    codes: list[np.ndarray] = []

    def number(where: Placed, letters: str) -> int:
        window, *bounds = _window(sequences, where, letters, length)
        key = window.tobytes(), *bounds
        if key not in windows:
            windows[key] = len(codes)
            codes.append(window)
        return windows[key]

    ref = np.array([number(where, where.edit.ref) for where in placed], dtype=np.int64)
    alt = np.array([number(where, where.edit.alt) for where in placed], dtype=np.int64)
    stacked = np.stack(codes) if codes else np.zeros((0, length), dtype=np.uint8)
    # Candidates too: one that just misses being called is not lost, only a little weaker.
    found = scan(
        bundle, Sequences.from_codes([str(i) for i in range(len(stacked))], stacked), min_contribution=None,
        progress=progress,
    )  # fmt: skip
    logit = found.predictions["logit"].to_numpy()
    candidates = found.instances.assign(_window=found.instances["sequence"].astype(np.int64))
    # As in a scan of the record itself: what reaches into the padding is no instance.
    bounds = np.array([key[1:] for key in windows], dtype=np.int64).reshape(-1, 2)[candidates["_window"]]
    inside = (candidates["start0"] >= bounds[:, 0]) & (candidates["end0"] <= bounds[:, 1])
    candidates = candidates[inside]
    by_window = _by_window(candidates, len(stacked))
    changes = [
        _changes(by_window[r], by_window[a], where, length=length, least=min_contribution)
        for r, a, where in zip(ref, alt, placed, strict=True)
    ]
    return Effects(
        _table(sequences, placed, logit[ref], logit[alt], changes), dropped, placed, stacked, ref, alt,
        candidates[candidates["contribution"] >= min_contribution].reset_index(drop=True),
    )  # fmt: skip


def place(
    sequences: Sequences, edits: Iterable[Edit], *, length: int, width: int = 1, most: int | None = None
) -> tuple[list[Placed], pd.DataFrame]:
    """Where edits lie in sequences, and DROPPED of those that do not fit; `width`: the shortest record that is read."""
    named = {name: i for i, name in enumerate(sequences.names)}
    on_chrom: dict[str, list[tuple[int, int, int]]] = {}
    for i, name in enumerate(sequences.names):
        if match := _PLACE.fullmatch(name):
            on_chrom.setdefault(match["chrom"], []).append((int(match["start"]), int(match["end"]), i))
    spans = {chrom: np.array(rows, dtype=np.int64) for chrom, rows in on_chrom.items()}
    limit = min(MAX_ALLELE, length // 2)
    placed: list[Placed] = []
    dropped: list[dict[str, str]] = []
    seen: set[tuple[int, int, str, str]] = set()
    for edit in edits:
        found = _records(edit, named, spans)
        if not found:
            on = edit.chrom in spans
            reason = "outside the sequences" if on else "no such sequence"
            detail = f"no record of {edit.chrom} covers it" if on else "its name is that of no record"
            dropped.append({"record": edit.label, "reason": reason, "detail": detail})
        for record, start0 in found:
            codes = sequences.codes_of(record)
            wrong = _wrong(edit, codes, start0, limit=limit, width=width)
            key = (record, start0, edit.ref, edit.alt)
            if wrong is None and key in seen:
                wrong = "duplicate", "the same edit came before"
            if wrong is not None:
                dropped.append({"record": edit.label, "reason": wrong[0], "detail": wrong[1]})
                continue
            seen.add(key)
            placed.append(_placed(edit, record, start0, len(codes), length))
            if most is not None and len(placed) > most:
                raise InputError(
                    "the variants lie in too many sequences", found=f"more than {most:,} pairs of both",
                    expected=f"at most {most:,}", mend="Give fewer variants, or sequences that do not overlap",
                )  # fmt: skip
    return placed, DROPPED.frame(dropped)


def snvs(sequences: Sequences, record: int, start0: int, end0: int) -> list[Edit]:
    """Every single-letter change of bases `start0` to `end0` of a record, left to right."""
    letters = decode(sequences.codes_of(record)[start0:end0])
    return [
        Edit(sequences.names[record], start0 + i + 1, ref, alt)
        for i, ref in enumerate(letters)
        if ref != "N"
        for alt in "ACGT"
        if alt != ref
    ]


def contig_lengths(sequences: Sequences, table: pd.DataFrame) -> dict[str, int]:
    """Bases of the sequences that VARIANTS names as its `chrom`, for the header of a VCF."""
    lengths = dict(zip(sequences.names, sequences.lengths.tolist(), strict=True))
    return {
        chrom: lengths[name]
        for chrom in set(table["chrom"])
        for name in (chrom, unquote(chrom))
        if name in lengths
    }


def sentence(row: pd.Series) -> str:
    """What an edit does, a row of VARIANTS as one sentence; bases count from 1."""
    difference = row["difference"]
    verb = "raises" if difference > 0 else "lowers"
    effect = (
        f"{verb} the logit by {abs(difference):.2f}, from {row['ref_logit']:.2f} to {row['alt_logit']:.2f}"
        if abs(difference) >= 0.005
        else f"leaves the logit at {row['ref_logit']:.2f}"
    )
    told = []
    for change in CHANGES:
        found = [_spoken(entry) for entry in str(row[change]).split()]
        if found:
            told.append(f"{', '.join(found)} {'is' if len(found) == 1 else 'are'} {change}")
    crossed = (row["ref_logit"] > 0) != (row["alt_logit"] > 0)
    call = f"; the call turns {'negative' if row['ref_logit'] > 0 else 'positive'}" if crossed else ""
    what = "; ".join(told) or "no motif instance changes"
    return f"{row['ref']}>{row['alt']} at base {row['start0'] + 1:,} of {row['sequence']} {effect}{call}: {what}."


def _spoken(entry: str) -> str:
    motif, strand, first, last, change = entry.split("/")
    return f"{unquote(motif)} ({strand}) at {first}–{last} [{change}]"


def _records(edit: Edit, named: dict[str, int], spans: dict[str, np.ndarray]) -> list[tuple[int, int]]:
    """Records that an edit lies in, and the 0-based place of its REF in each."""
    for name in (edit.chrom, unquote(edit.chrom)):  # a VCF of ours writes odd letters as %xx
        if name in named:
            return [(named[name], edit.pos1 - 1)]
    rows = spans.get(edit.chrom)
    if rows is None:
        return []
    at = edit.pos1 - 1
    inside = rows[(rows[:, 0] <= at) & (at < rows[:, 1])]
    return [(int(record), at - int(start)) for start, _, record in inside]


def _wrong(edit: Edit, codes: np.ndarray, start0: int, *, limit: int, width: int) -> tuple[str, str] | None:
    """Why an edit cannot be made in a record: reason and detail."""
    longest = max(len(edit.ref), len(edit.alt))
    if longest > limit:
        return "allele too long", f"{longest:,} bp, at most {limit} are read"
    if len(codes) < width:
        return "sequence too short", f"{len(codes)} bp, at least {width} are needed"
    if start0 + len(edit.ref) > len(codes):
        return "off the sequence", f"the sequence has {len(codes):,} bp"
    there = decode(codes[start0 : start0 + len(edit.ref)])
    if there != edit.ref:
        return "reference mismatch", f"the sequence has {there} there, not {edit.ref}"
    if len(codes) + len(edit.alt) - len(edit.ref) < width:
        return "sequence too short", "the deletion leaves less than a motif"
    return None


def _placed(edit: Edit, record: int, start0: int, size: int, length: int) -> Placed:
    notes = []
    if size >= length:
        window0 = int(np.clip(start0 + len(edit.ref) // 2 - length // 2, 0, size - length))
        gap = len(edit.alt) - len(edit.ref)
        if gap > 0:
            notes.append(f"{gap} bp pushed out at the end")
        elif gap < 0:
            there = min(-gap, size - length - window0)
            notes += [f"{there} bp come in at the end"] if there else []
            notes += [f"{-gap - there} N at the end"] if there < -gap else []
    else:
        window0 = -((length - size) // 2)
        notes.append("padded")
    return Placed(edit, record, start0, window0, ", ".join(notes))


def _window(sequences: Sequences, where: Placed, letters: str, length: int) -> tuple[np.ndarray, int, int]:
    """Codes (L,) of the window with `letters` in the place of REF, N where the record ends, and where it does."""
    codes = sequences.codes_of(where.record)
    end = where.start0 + len(where.edit.ref)
    left, right = codes[max(where.window0, 0) : where.start0], codes[end : end + length]
    lead = max(-where.window0, 0)
    piece = np.concatenate([left, encode(letters), right])[: length - lead]
    window = np.full(length, N_CODE, dtype=np.uint8)
    window[lead : lead + len(piece)] = piece
    return window, lead, lead + len(piece)


def columns(where: Placed, at: np.ndarray, *, allele: str) -> np.ndarray:
    """Bases of an allele's window as columns that both alleles share, counted from the window's first base."""
    at = np.asarray(at)
    shorter = "ref" if where.gap > 0 else "alt"
    cut = where.start0 - where.window0 + where.shared
    return at + abs(where.gap) * (at >= cut) if allele == shorter else at


def _by_window(instances: pd.DataFrame, n: int) -> list[list[tuple]]:
    """(motif, strand, start0, end0, contribution) of each window."""
    out: list[list[tuple]] = [[] for _ in range(n)]
    names = ["_window", "motif", "strand", "start0", "end0", "contribution"]
    for window, *rest in zip(*(instances[name].tolist() for name in names), strict=True):
        out[window].append(tuple(rest))
    return out


def _changes(
    ref: list[tuple], alt: list[tuple], where: Placed, *, length: int, least: float
) -> dict[str, list[tuple]]:
    """Instances by what becomes of them, in the coordinates of the record; those gained in the edited one's."""
    out: dict[str, list[tuple]] = {change: [] for change in CHANGES}
    if ref is alt:
        return out
    pairs, free = [], list(alt)
    for one in sorted(ref, key=lambda each: -each[4]):
        other = next((each for each in free if _same(one, each, where)), None)
        if other is not None:
            free.remove(other)
        pairs.append((one, other))
    pairs += [(None, each) for each in free]
    for one, other in pairs:
        before, after = (0.0 if each is None else each[4] for each in (one, other))
        change = after - before
        if abs(change) < CHANGE or max(before, after) < least or _at_the_end(one, other, where, length):
            continue
        kind = (
            ("lost" if after < least else "weakened")
            if change < 0
            else ("gained" if before < least else "strengthened")
        )
        motif, strand, start0, end0, _ = one if one is not None and kind != "gained" else other
        out[kind].append((motif, strand, start0 + where.window0, end0 + where.window0, change))
    return out


def _same(one: tuple, other: tuple, where: Placed) -> bool:
    """Whether an instance of REF and one of ALT are the same: one motif, half of the shorter on common columns."""
    if one[0] != other[0]:
        return False
    start, end = columns(where, np.array([one[2], one[3] - 1]), allele="ref").tolist()
    first, last = columns(where, np.array([other[2], other[3] - 1]), allele="alt").tolist()
    return min(end, last) - max(start, first) + 1 >= min(one[3] - one[2], other[3] - other[2]) / 2


def _at_the_end(one: tuple | None, other: tuple | None, where: Placed, length: int) -> bool:
    """Whether an instance comes or goes because the window's end moves along the sequence."""
    if one is not None and other is None:
        return where.gap > 0 and one[2] >= where.start0 - where.window0 and one[3] + where.gap > length
    if other is not None and one is None:
        return where.gap < 0 and other[2] >= where.start0 - where.window0 and other[3] - where.gap > length
    return False


def _table(
    sequences: Sequences, placed: list[Placed], ref: np.ndarray, alt: np.ndarray, changes: list[dict]
) -> pd.DataFrame:
    ref, alt = ref.astype(np.float64), alt.astype(np.float64)
    return VARIANTS.frame(
        {
            "sequence": np.array([sequences.names[where.record] for where in placed], dtype=object),
            "start0": np.array([where.start0 for where in placed], dtype=np.int64),
            "end0": np.array([where.start0 + len(where.edit.ref) for where in placed], dtype=np.int64),
            "ref": np.array([where.edit.ref for where in placed], dtype=object),
            "alt": np.array([where.edit.alt for where in placed], dtype=object),
            "ref_logit": ref, "alt_logit": alt, "difference": alt - ref,
            "ref_probability": sigmoid(ref), "alt_probability": sigmoid(alt),
            **{change: np.array([labels(each[change]) for each in changes], dtype=object) for change in CHANGES},
            "chrom": np.array([where.edit.chrom for where in placed], dtype=object),
            "pos1": np.array([where.edit.pos1 for where in placed], dtype=np.int64),
            "id": np.array([where.edit.id for where in placed], dtype=object),
            "note": np.array([where.note for where in placed], dtype=object),
        }
    )  # fmt: skip
