"""What to know of two classes of sequences before a minute is spent on training: counts, lengths, GC, repeats, leaks.

    positives, negatives -> CHECKS, a row for each question with a verdict; `go`, `care` or `cannot` of them all

The rules of what is dropped are those of the training itself: the parts are those that it will use.
`python -m argminn_core.checks` does it for peaks in a process of its own: a genome takes memory and minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from argminn_core import dna
from argminn_core.datasets import Prepared, from_peaks, from_sequences
from argminn_core.errors import ArgminnError
from argminn_core.fasta import Sequences
from argminn_core.model import BOUNDS
from argminn_core.sources import Source
from argminn_core.tables import CHECKS, DROPPED

Verdict = Literal["go", "care", "cannot"]

FEW, FEW_HELD_OUT = 200, 50  # sequences of a class
GC_SUSPECT, GC_ENOUGH = 0.60, 0.75  # auROC of the GC content alone
MANY_DROPPED = 0.2  # of a class
LONG = 5_000  # bases
_WORD = 24  # letters that two sequences share by chance about never
_WORDS = 40  # of a sequence that are looked at
_SPLIT_BETTER = "Remove overlaps, or give peaks with a genome: then the split goes by chromosome."
_ALIKE = 0.5  # share of them that is found elsewhere


@dataclass(frozen=True, eq=False)
class Checked:
    """What was found.

    rows : CHECKS. dropped : DROPPED. lengths, gc : by class, of every sequence that was given, in bases and 0 to 1.
    length : bases of the sequences that are left, 0 where none are. parts : positives and negatives of each.
    """

    verdict: Verdict
    rows: pd.DataFrame
    dropped: pd.DataFrame
    lengths: dict[str, np.ndarray]
    gc: dict[str, np.ndarray]
    length: int
    parts: dict[str, tuple[int, int]]

    def to_json(self) -> str:
        known = {"rows": self.rows.to_dict("records"), "dropped": self.dropped.to_dict("records")}
        arrays = {key: {k: v.tolist() for k, v in getattr(self, key).items()} for key in ("lengths", "gc")}
        return json.dumps(
            known | arrays | {"verdict": self.verdict, "length": self.length, "parts": self.parts}
        )

    @classmethod
    def from_json(cls, text: str) -> Checked:
        said = json.loads(text)
        arrays = {key: {k: np.asarray(v) for k, v in said[key].items()} for key in ("lengths", "gc")}
        return cls(
            said["verdict"], CHECKS.frame(said["rows"]), DROPPED.frame(said["dropped"]), length=said["length"],
            parts={part: (a, b) for part, (a, b) in said["parts"].items()}, **arrays,
        )  # fmt: skip


def check_classes(
    positives: Sequences, negatives: Sequences | None, *, unread: pd.DataFrame | None = None,
    length: int | None = None, seed: int = 0,
) -> Checked:  # fmt: skip
    """Check two sets of sequences; without negatives, what shuffles of the positives will be.

    unread : DROPPED, of reading the files. length, seed : as the training will have them: the split depends on both.
    """
    unread = DROPPED.empty() if unread is None else unread
    # Read backwards, a positive has its own length and GC, as its shuffle will, and costs nothing.
    bad = _backwards(positives) if negatives is None else negatives
    prepared, problem = None, None
    try:
        prepared = from_sequences(
            positives,
            bad,
            names=("positives", "negatives"),
            digests={},
            unread=unread,
            length=length,
            seed=seed,
        )
    except ArgminnError as error:
        problem = error
    table = _Table({"positives": positives, "negatives": bad}, shuffled=negatives is None, unread=len(unread))
    table.counts()
    table.sizes(length)
    table.repeats()
    return table.finished(prepared, problem)


def check_source(prepared: Prepared) -> Checked:
    """Check what is ready for training already: peaks on a genome, or a grammar."""
    classes = {}
    for label, name in ((1, "positives"), (0, "negatives")):
        codes = np.concatenate([codes[y == label] for codes, y in _parts(prepared.source).values()])
        classes[name] = Sequences.from_codes([str(row) for row in range(len(codes))], codes)
    table = _Table(classes, shuffled=False, by_chrom=True)
    table.counts()
    table.sizes(prepared.source.length)
    return table.finished(prepared, None)


class _Table:
    """The rows as they come."""

    def __init__(
        self, classes: dict[str, Sequences], *, shuffled: bool, unread: int = 0, by_chrom: bool = False
    ) -> None:
        """`shuffled`: the negatives stand in for shuffles. `unread`: records that reading the files dropped."""
        self.by_chrom = by_chrom
        self.classes, self.shuffled, self.rows = classes, shuffled, []
        counted = [len(s) for name, s in classes.items() if name == "positives" or not shuffled]
        self.given = sum(counted) + unread
        self.gc = {name: _share(s, (1, 2)) for name, s in classes.items()}

    def add(self, check: str, said: list[str], verdict: str = "ok", advice: str = "") -> None:
        self.row(check, [said[0], "as the positives"] if self.shuffled else said, verdict, advice)

    def row(self, check: str, said: list[str], verdict: str, advice: str) -> None:
        row = {"check": check, "positives": said[0], "negatives": said[1]}
        self.rows.append(row | {"verdict": verdict, "advice": advice})

    def counts(self) -> None:
        counts = [len(s) for s in self.classes.values()]
        verdict, advice = "ok", ""
        if min(counts) < FEW:
            verdict = "care"
            advice = f"Below {FEW} a class, a motif is learned poorly: give more, or expect weak scores."
        elif max(counts) > 10 * min(counts):
            advice = "Both classes are drawn equally often, so the smaller one is repeated often."
        self.add("Sequences", [f"{n:,}" for n in counts], verdict, advice)

    def sizes(self, length: int | None) -> None:
        said, odd = [], 0.0
        length = length or _commonest(self.classes["positives"])
        for s in self.classes.values():
            fits = float((s.lengths == length).mean()) if len(s) else 0.0
            odd = max(odd, 1 - fits)
            ends = f"{s.lengths.min():,} to {s.lengths.max():,} bp" if len(s) else "none"
            number = int((s.lengths == length).sum())
            said.append(f"{length:,} bp" if fits == 1 else f"{ends}; {number:,} have {length:,} bp")
        verdict, advice = "ok", ""
        low, high = BOUNDS["length"]
        if not low <= length <= high:
            verdict, advice = (
                "stop",
                f"A model reads {low} to {high:,} bp: cut the sequences to one such length.",
            )
        elif odd > 0:
            verdict = "care" if odd > MANY_DROPPED / 4 else "ok"
            advice = "Those of another length are dropped. Cut all of them to one length around their middle."
        elif length > LONG:
            verdict, advice = (
                "care",
                "Long sequences train slowly. Cut them around what matters, to 200 to 1,000 bp.",
            )
        self.add("Length", said, verdict, advice)

    def repeats(self) -> None:
        keys = {name: _keys(s) for name, s in self.classes.items()}
        own = [len(k) - len(set(k)) for k in keys.values()]
        many = max((n / max(len(k), 1) for n, k in zip(own, keys.values(), strict=True)), default=0)
        advice = "One of each is kept; either strand counts as the same." if sum(own) else ""
        self.add("Repeats within the class", [f"{n:,}" for n in own], "care" if many > 0.1 else "ok", advice)
        if self.shuffled:
            return
        both = set(keys["positives"]) & set(keys["negatives"])
        verdict, advice = "ok", ""
        if both:
            verdict = "care"
            advice = "A sequence cannot be both: they stay positives. Find out which of the two they are."
        if both and len(both) >= 0.5 * min(len(set(k)) for k in keys.values()):
            verdict, advice = (
                "stop",
                "Half of a class or more is in the other one too: is one file given twice?",
            )
        self.add("In both classes", [f"{len(both):,}"] * 2, verdict, advice)

    def composition(self) -> None:
        said = [f"{gc.mean():.1%} ± {gc.std():.1%}" if len(gc) else "none" for gc in self.gc.values()]
        score = 0.5 if self.shuffled else _auroc(*self.gc.values())
        verdict, advice = "ok", f"GC alone tells the classes apart with an auROC of {score:.2f}."
        if self.shuffled:
            advice = "A shuffle keeps the dinucleotides, so GC tells nothing."
        elif score >= GC_SUSPECT:
            verdict = "care"
            much = (
                "GC alone does most of the work" if score >= GC_ENOUGH else "a model may learn GC for motifs"
            )
            advice += f" So {much}: take negatives of the same GC, or shuffles of the positives."
        self.add("GC content", said, verdict, advice)
        unknown = [_share(s, (dna.N_CODE,), of_known=False) for s in self.classes.values()]
        said = [
            f"{u.mean():.2%} of the bases, in {int((u > 0).sum()):,}" if len(u) else "none" for u in unknown
        ]
        score = 0.5 if self.shuffled else _auroc(*unknown)
        verdict, advice = "ok", ""
        if score >= 0.55:
            verdict = "care"
            advice = f"N alone tells the classes apart (auROC {score:.2f}): prepare both in the same way."
        self.add("N", said, verdict, advice)

    def held_out(self, source: Source) -> dict[str, tuple[int, int]]:
        parts = _parts(source)
        counts = {part: (int((y == 1).sum()), int((y == 0).sum())) for part, (_, y) in parts.items()}
        said = [" / ".join(f"{counts[p][i]:,}" for p in ("train", "valid", "test")) for i in (0, 1)]
        few = min(min(counts["valid"]), min(counts["test"]))
        verdict, advice = "ok", ""
        if few < FEW_HELD_OUT:
            verdict = "care"
            # of an auROC, for two classes of that size and a middling score
            by = 0.3 / max(few, 1) ** 0.5
            advice = f"Scores on {few} held-out sequences of a class move by about ±{by:.2f} by chance."
        self.add("Train / valid / test", said, verdict, advice)
        codes, y = parts["train"]
        train, leaks = (codes[y == 1] if self.shuffled else codes), []
        for label in (1, 0):
            held = np.concatenate([parts[p][0][parts[p][1] == label] for p in ("valid", "test")])
            leaks.append(near_same(held, train) if label or not self.shuffled else np.zeros(0, dtype=bool))
        share = max(float(found.mean()) if len(found) else 0.0 for found in leaks)
        verdict, advice = "ok", ""
        if share > 0:
            verdict = "care" if share > 0.01 else "ok"
            advice = (
                "These held-out sequences share half or more of their letters with a training one, so scores flatter. "
                + ("They are repeats of the genome." if self.by_chrom else _SPLIT_BETTER)
            )
        self.add("Held out, but near a training one", [f"{int(f.sum()):,}" for f in leaks], verdict, advice)
        return counts

    def finished(self, prepared: Prepared | None, problem: ArgminnError | None) -> Checked:
        self.composition()
        parts: dict[str, tuple[int, int]] = {}
        dropped = DROPPED.empty()
        if prepared is not None:
            dropped = prepared.dropped
            if self.shuffled:  # those of the stand-ins are no one's records
                dropped = dropped[~dropped["detail"].str.startswith("negative")].reset_index(drop=True)
            parts = self.held_out(prepared.source)
            reasons = ", ".join(f"{n:,} {why}" for why, n in dropped["reason"].value_counts().items())
            share = len(dropped) / max(self.given, 1)
            verdict = "care" if share > MANY_DROPPED else "ok"
            self.row("Dropped", [f"{len(dropped):,} in all", ""], verdict, reasons)
        if problem is not None:
            self.row("Can it be trained?", ["no", ""], "stop", str(problem))
        found = {row["verdict"] for row in self.rows}
        verdict: Verdict = "cannot" if "stop" in found else "care" if "care" in found else "go"
        return Checked(
            verdict, CHECKS.frame(self.rows), dropped, {name: s.lengths for name, s in self.classes.items()},
            self.gc, prepared.source.length if prepared else 0, parts,
        )  # fmt: skip


def near_same(held: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Which held-out sequences (M,) have half or more of their words in some training sequence, on either strand.

    Codes (M, L) and (N, L). A word is 24 letters, fewer in short sequences; some 40 of a sequence are looked at,
    the same ones wherever they occur, since their own letters choose them.
    """
    if not len(held) or not len(train):
        return np.zeros(len(held), dtype=bool)
    length = held.shape[1]
    size = min(_WORD, max(length // 4, 1))
    rate = max((length - size + 1) // _WORDS, 1)
    known = np.sort(np.concatenate([words[keep] for words, keep in _words(train, size, rate)]))
    known = np.append(known, np.uint64(2**64 - 1))  # no word of 24 letters, and there is always a next one
    alike = []
    for words, keep in _words(held, size, rate):
        hit = known[np.searchsorted(known, words[keep])] == words[keep]  # np.isin takes thirty times as long
        hits = np.bincount(np.nonzero(keep)[0][hit], minlength=len(keep))
        alike.append((hits >= _ALIKE * keep.sum(1)) & (hits >= 2))
    return np.concatenate(alike)


def _words(
    codes: np.ndarray, size: int, rate: int, *, block: int = 1_000
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Blocks of words (n, P) of `size` letters as numbers, the smaller of both strands, and which of them are kept."""
    for start in range(0, len(codes), block):
        part = codes[start : start + block]
        unknown = np.cumsum(np.pad(part == dna.N_CODE, ((0, 0), (1, 0))), axis=1, dtype=np.int32)
        both = _numbers(part, size), _numbers(dna.reverse_complement_codes(part), size)[:, ::-1]
        words = np.minimum(*both)
        mixed = words * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(40)
        keep = (mixed % np.uint64(rate) == 0) & (unknown[:, size:] == unknown[:, :-size])
        yield words, keep


def _numbers(codes: np.ndarray, size: int) -> np.ndarray:
    """Words (n, P) of `size` letters, two bits a letter: from words half as long, twice as long each time."""
    power, have = (codes & 3).astype(np.uint64), 1
    found, done = None, 0  # the first `done` letters of every word
    while True:
        if size & have:
            shifted = power[:, done:]
            shared = min(shifted.shape[1], shifted.shape[1] if found is None else found.shape[1])
            found = (
                shifted if found is None else found[:, :shared] << np.uint64(2 * have) | shifted[:, :shared]
            )
            done += have
        if done == size:
            return found
        power = power[:, :-have] << np.uint64(2 * have) | power[:, have:]
        have *= 2


def _parts(source: Source) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {"train": source.training(), "valid": source.valid, "test": source.test}


def _backwards(sequences: Sequences) -> Sequences:
    parts = [sequences.codes_of(i)[::-1] for i in range(len(sequences))]
    codes = np.concatenate(parts) if parts else sequences.codes
    return Sequences(list(sequences.names), codes, sequences.offsets)


def _commonest(sequences: Sequences) -> int:
    lengths, counts = np.unique(sequences.lengths, return_counts=True)
    return int(lengths[counts.argmax()]) if len(lengths) else 0


def _share(sequences: Sequences, codes: tuple[int, ...], *, of_known: bool = True) -> np.ndarray:
    """The share (N,) of some letters in each sequence: of its known ones, or of all."""
    if not len(sequences):
        return np.zeros(0)
    # Sums of whole numbers between offsets: right for an empty record too.
    hits, known = (
        np.concatenate([[0], np.cumsum(mask, dtype=np.int64)])
        for mask in (np.isin(np.arange(256), codes)[sequences.codes], sequences.codes < dna.N_CODE)
    )
    ends = sequences.offsets
    total = np.diff(known[ends]) if of_known else sequences.lengths
    return np.diff(hits[ends]) / np.maximum(total, 1)


def _keys(sequences: Sequences) -> list[bytes]:
    """One key for a sequence and its reverse complement."""
    every = (sequences.codes_of(i) for i in range(len(sequences)))
    return [min(codes.tobytes(), dna.reverse_complement_codes(codes).tobytes()) for codes in every]


def _auroc(one: np.ndarray, other: np.ndarray) -> float:
    """How well a number tells two groups apart, whichever has the larger one: 0.5 to 1."""
    from sklearn.metrics import roc_auc_score

    if not len(one) or not len(other):
        return 0.5
    score = float(roc_auc_score(np.repeat([1, 0], [len(one), len(other)]), np.concatenate([one, other])))
    return max(score, 1 - score)


def main(arguments: list[str] | None = None) -> int:
    """Check peaks on a genome, and print `Checked` or the error as JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("peaks", type=Path)
    parser.add_argument("genome", type=Path)
    parser.add_argument("settings", type=json.loads, help="JSON: the options of datasets.from_peaks")
    options = parser.parse_args(arguments)
    try:
        said = check_source(from_peaks(options.peaks, options.genome, **options.settings)).to_json()
    except ArgminnError as error:
        said = json.dumps({"error": _parts_of(error)})
    sys.stdout.write(said)
    return 0


def _parts_of(error: ArgminnError) -> dict[str, Any]:
    return {key: getattr(error, key) for key in ("what", "found", "expected", "mend")}


if __name__ == "__main__":
    sys.exit(main())
