"""PLACEMENTS + background -> sequences, and back; what a model read of them. Checks of the letters: `synthesis`.

Coordinates are 0-based and half-open. A placement's `site` is the motif as it reads on its own strand, so the
same letters describe it on either one; on - the reverse complement is what gets written.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple
from urllib.parse import quote, unquote
from zlib import crc32

import numpy as np
import pandas as pd

from argminn_core.dna import (
    decode,
    encode,
    gc_content,
    reverse_complement,
    reverse_complement_codes,
)
from argminn_core.errors import InputError
from argminn_core.tables import PLACEMENTS

Mode = Literal["consensus", "sample"]
Pfms = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Rendered:
    """A design as letters.

    Attributes
    ----------
    codes : uint8 (L,), the background with every placement written into it.
    placements : PLACEMENTS with `site` as it was written, before any later placement wrote over it.
    damaged : numbers, from 0, of the rows that no longer read as written because a later one changed them.
    """

    codes: np.ndarray
    placements: pd.DataFrame
    damaged: list[int]

    @property
    def text(self) -> str:
        return decode(self.codes)


def background(length: int, *, gc: float = 0.5, seed: int) -> np.ndarray:
    """Independent random bases, uint8 (length,), of which a share `gc` is expected to be G or C."""
    if length < 1 or not 0 <= gc <= 1:
        raise InputError(
            "a background cannot be drawn",
            found=f"length {length}, GC {gc}",
            expected="length >= 1, 0 <= GC <= 1",
        )
    shares = [(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2]
    return np.random.default_rng(seed).choice(4, size=length, p=shares).astype(np.uint8)


def render(
    placements: pd.DataFrame,
    background: np.ndarray,
    motifs: Pfms,
    *,
    mode: Mode = "consensus",
    seed: int | None = None,
) -> Rendered:
    """Write every placement into one background; where two overlap, the later row wins.

    Parameters
    ----------
    placements : DataFrame
        PLACEMENTS. A row whose `site` is empty takes its letters from its motif; `sequence` is not looked at.
    background : ndarray
        uint8 codes (L,).
    motifs : mapping
        Name -> PFM (4, W).
    mode : {"consensus", "sample"}
        Each column's commonest base, or a draw from the PFM.
    seed : int, optional
        For "sample". A draw depends on it, on the motif and on how many of that motif came before, so moving
        one placement leaves the letters of the others alone.

    Raises
    ------
    InputError
        A placement that is out of bounds, of an unknown motif, of the wrong width, or not DNA.
    """
    frame = PLACEMENTS.check(placements).reset_index(drop=True)
    return _render(frame, np.arange(len(frame)), background, motifs, mode, seed)


def render_all(
    placements: pd.DataFrame,
    backgrounds: Mapping[str, np.ndarray] | np.ndarray,
    motifs: Pfms,
    *,
    mode: Mode = "consensus",
    seed: int | None = None,
) -> dict[str, Rendered]:
    """`render`, one design a sequence name.

    `backgrounds` maps a name to codes (L,), and each becomes a design, also one without placements. A single
    array is the background of every name in the `sequence` column.
    """
    frame = PLACEMENTS.check(placements).reset_index(drop=True)
    if isinstance(backgrounds, np.ndarray):
        backgrounds = dict.fromkeys(frame["sequence"], backgrounds)
    for row, name in enumerate(frame["sequence"]):
        if name not in backgrounds:
            raise InputError(
                f"row {row + 1} of the placements is on a sequence without a background", found=repr(name),
                expected=_some(backgrounds), mend="Correct the name, or add its FASTA record",
            )  # fmt: skip
    numbers = frame.groupby("sequence", sort=False).indices
    none = np.array([], dtype=int)
    designs = {}
    for name, codes in backgrounds.items():
        rows = numbers.get(name, none)
        own = frame.iloc[rows].reset_index(drop=True)
        designs[name] = _render(own, rows, codes, motifs, mode, seed)
    return designs


def _render(
    frame: pd.DataFrame, rows: np.ndarray, background: np.ndarray, motifs: Pfms, mode: Mode, seed: int | None
) -> Rendered:
    """`frame` is checked and numbered from 0; `rows` are its numbers in the caller's table, for messages."""
    if mode == "sample" and seed is None:
        raise InputError("sites cannot be drawn without a seed", mend="Give a seed, or ask for the consensus")
    codes = np.array(background, dtype=np.uint8)
    earlier: Counter[str] = Counter()
    sites, written = [], []
    for row, placed in zip(rows, frame.itertuples(index=False), strict=True):
        where = f"row {row + 1} of the placements ({placed.motif} at {placed.start0}-{placed.end0})"
        if not 0 <= placed.start0 < placed.end0 <= len(codes):
            expected = f"0 <= start0 < end0 <= {len(codes)}"
            raise InputError(f"{where} lies outside the sequence", expected=expected)
        if letters := getattr(placed, "site", ""):
            site = encode(letters, name=f"the site of {where}")
        elif placed.motif in motifs:
            pfm = np.asarray(motifs[placed.motif], dtype=float)
            if mode == "sample":
                draw = seed, crc32(placed.motif.encode()), earlier[placed.motif]
                site = draw_site(pfm, np.random.default_rng(draw))
            else:
                site = pfm.argmax(axis=0).astype(np.uint8)
        else:
            raise InputError(
                f"{where} names a motif that is not known", expected=_some(motifs),
                mend="Correct the name, or give the letters in the column site",
            )  # fmt: skip
        if len(site) != placed.end0 - placed.start0:
            raise InputError(
                f"{where} and its letters differ in length",
                found=f"{len(site)} letters" + (f", {letters}" if letters else " in the motif"),
                expected=f"{placed.end0 - placed.start0}, which is end0 - start0",
                mend="Set end0 to start0 plus the number of letters",
            )
        earlier[placed.motif] += 1
        sites.append(decode(site))
        written.append(site if placed.strand == "+" else reverse_complement_codes(site))
        codes[placed.start0 : placed.end0] = written[-1]
    spans = enumerate(zip(frame["start0"], frame["end0"], written, strict=True))
    damaged = [row for row, (start, end, site) in spans if (codes[start:end] != site).any()]
    made = frame.drop(columns="site", errors="ignore")
    made.insert(len(PLACEMENTS.columns), "site", pd.Series(sites, dtype=object))
    return Rendered(codes, made, damaged)


def draw_site(pfm: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Letters drawn from each column of a PFM (4, W), as uint8 codes (W,)."""
    steps = np.cumsum(pfm / pfm.sum(axis=0), axis=0)
    levels = rng.random(pfm.shape[1])
    return np.minimum((levels >= steps).sum(axis=0), 3).astype(np.uint8)


def _some(names: Iterable[str], limit: int = 8) -> str:
    names = list(map(str, names))
    return "one of " + ", ".join(names[:limit]) + ", ..." * (len(names) > limit) if names else "none"


# --- FASTA headers ------------------------------------------------------------------------------------------

_PLACED = re.compile(
    r"(?P<motif>[^\s:,()]*):(?P<start0>[0-9]{1,12})-(?P<end0>[0-9]{1,12})\((?P<strand>[+-])\)"
)
_HEADER = "motifs=REST_left:241-250(+),REST_right:250-261(+)"


_WISH = re.compile(r"(?P<motif>.+)@(?P<start0>\d+)(?P<strand>[+-]?)")


def parse_wishes(wishes: Iterable[str], motifs: Pfms, *, name: str) -> pd.DataFrame:
    """What a person types, such as `GATA1@98+` (motif, first base, strand) -> PLACEMENTS of the design `name`.

    A motif is as wide as its matrix; without a strand it is +.

    Raises
    ------
    InputError : it cannot be read, or the model has no such motif.
    """
    rows = []
    for wish in wishes:
        match = _WISH.fullmatch(wish.strip())
        if match is None:
            raise InputError(
                "a placement cannot be read",
                found=wish[:80],
                expected="MOTIF@START and a strand, such as GATA1@98+",
            )
        if match["motif"] not in motifs:
            raise InputError(
                "the model has no motif of that name", found=match["motif"][:80], expected=", ".join(motifs)
            )
        start0, width = int(match["start0"]), motifs[match["motif"]].shape[1]
        rows.append(
            {
                "sequence": name, "start0": start0, "end0": start0 + width, "motif": match["motif"],
                "strand": match["strand"] or "+",
            }
        )  # fmt: skip
    return PLACEMENTS.frame(rows)


def design_header(name: str, *, model: str, logit: float, placements: pd.DataFrame) -> str:
    """The FASTA header of a design, which says what was placed where.

    Letters that could end a name or a field are percent-encoded: white space, `,`, `:`, brackets, `=`, `%`,
    and all that is not ASCII.

    >>> design_header("design_01", model="rest", logit=4.214, placements=placements)  # doctest: +SKIP
    '>design_01 model=rest logit=4.21 motifs=REST_left:241-250(+),REST_right:250-261(+)'
    """
    if not name:
        raise InputError("a design has no name", expected="a name such as design_01")
    rows = PLACEMENTS.check(placements).itertuples(index=False)
    motifs = ",".join(f"{_quoted(row.motif)}:{row.start0}-{row.end0}({row.strand})" for row in rows)
    return f">{_quoted(name)} model={_quoted(model)} logit={logit:.2f} motifs={motifs}"


def parse_design_header(header: str) -> tuple[str, pd.DataFrame]:
    """A design's header -> its name and PLACEMENTS (without sites), whose `sequence` is that name.

    A header without `motifs=` is that of any other FASTA record: it has no placements.

    Raises
    ------
    InputError : the header has no name, or its `motifs=` cannot be read.
    """
    words = header.strip().removeprefix(">").split()
    if not words:
        raise InputError(
            "a FASTA header has no name", found=repr(header[:80]), expected=f">design_01 {_HEADER}"
        )
    name = unquote(words[0])
    lists = [word.removeprefix("motifs=") for word in words[1:] if word.startswith("motifs=")]
    if len(lists) > 1:
        raise InputError(f"the header of {name} lists its motifs twice", expected=_HEADER)
    rows = []
    for item in lists[0].split(",") if lists and lists[0] else []:
        match = _PLACED.fullmatch(item)
        if match is None or int(match["start0"]) >= int(match["end0"]):
            raise InputError(
                f"the header of {name[:80]} places a motif that cannot be read",
                found=item[:80],
                expected=_HEADER,
            )
        rows.append({"sequence": name, **match.groupdict(), "motif": unquote(match["motif"])})
    return name, PLACEMENTS.frame(rows)


def reopen(header: str, text: str, *, seed: int = 0) -> tuple[str, np.ndarray, pd.DataFrame]:
    """An exported FASTA record -> name, background codes (L,) and PLACEMENTS that render to the same letters.

    Sites are read off the sequence, so that drawn or typed ones come back. What lay under them is not in a
    FASTA file; random bases of the same GC take its place, so that a motif that moves leaves no copy behind.
    """
    name, placements = parse_design_header(header)
    codes = encode(text, name=name)
    if (placements["end0"] > len(codes)).any():
        raise InputError(
            f"the header of {name} places a motif beyond the end of its sequence",
            found=f"end0 {placements['end0'].max()}", expected=f"at most {len(codes)}",
        )  # fmt: skip
    gc = gc_content(codes)
    fill = background(len(codes), gc=0.5 if np.isnan(gc) else float(gc), seed=seed) if len(codes) else codes
    below, sites = codes.copy(), []
    for row in placements.itertuples(index=False):
        letters = decode(codes[row.start0 : row.end0])
        sites.append(letters if row.strand == "+" else reverse_complement(letters))
        below[row.start0 : row.end0] = fill[row.start0 : row.end0]
    return name, below, placements.assign(site=pd.Series(sites, dtype=object))


def _quoted(text: str) -> str:
    return quote(text, safe="|/+@*!", errors="replace")


# --- what the model read of it ------------------------------------------------------------------------------


class Comparison(NamedTuple):
    """Placements against instances: `read` and `unread` are rows of the first, `accidental` of the second."""

    read: pd.DataFrame
    unread: pd.DataFrame
    accidental: pd.DataFrame


def compare(placements: pd.DataFrame, instances: pd.DataFrame) -> Comparison:
    """Which placements the model reads, which it does not, and what it reads that nobody placed.

    A placement is read where an instance of its motif overlaps it by at least half of the shorter one, on
    either strand, since a palindrome is called on one of the two. Rows keep their index.
    """
    keys = ["sequence", "motif"]
    read = np.zeros(len(placements), dtype=bool)
    placed = np.zeros(len(instances), dtype=bool)
    called = instances.groupby(keys, sort=False).indices
    for key, rows in placements.groupby(keys, sort=False).indices.items():
        if (columns := called.get(key)) is not None:
            met = _overlap(placements.iloc[rows], instances.iloc[columns])
            read[rows] = met.any(axis=1)
            placed[columns] = met.any(axis=0)
    return Comparison(placements[read], placements[~read], instances[~placed])


def origins(placements: pd.DataFrame, instances: pd.DataFrame, accidental: pd.Index) -> list[str]:
    """Where each instance of one design comes from: "placed", "seam" or "background".

    An accidental one at a seam shares a base with a placement, and so came with it, or with two of them; one of the
    background was there before anything was placed.

    Parameters
    ----------
    placements, instances : PLACEMENTS and INSTANCES of one sequence.
    accidental : index of the rows of `instances` that nobody placed, as `compare` gives them.
    """
    start, end = placements["start0"].to_numpy(), placements["end0"].to_numpy()
    found = []
    for row in instances.itertuples():
        touches = bool(((start < row.end0) & (end > row.start0)).any())
        found.append("placed" if row.Index not in accidental else "seam" if touches else "background")
    return found


def _overlap(left: pd.DataFrame, right: pd.DataFrame) -> np.ndarray:
    """Pairs that overlap by half of the shorter one, bool (rows of left, rows of right)."""
    a, b = left["start0"].to_numpy()[:, None], left["end0"].to_numpy()[:, None]
    c, d = right["start0"].to_numpy()[None], right["end0"].to_numpy()[None]
    shared = np.minimum(b, d) - np.maximum(a, c)
    return (shared > 0) & (2 * shared >= np.minimum(b - a, d - c))
