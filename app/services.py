"""The pages' one way to the core, and the only caches.

Caches are keyed on file stamps and digests, never on arrays: of a large array only a sample is hashed. What
they return is shared and read-only.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
import torch

from app import examples, syntax_work
from app.background import CORES, Job
from app.memory import give_back
from argminn_core import checks, contributions, edit, estimate, jobs, recipe, variants, zoo
from argminn_core.card import motif_cards
from argminn_core.checkpoint import ModelBundle, load_model, read_model
from argminn_core.datasets import read_class
from argminn_core.dna import decode
from argminn_core.errors import ArgminnError, InputError
from argminn_core.fasta import Sequences, read_fasta
from argminn_core.ignored import ignored_matches
from argminn_core.instances import Scan, scan
from argminn_core.model import Output
from argminn_core.motifs import LearnedMotif
from argminn_core.occupancy import sites
from argminn_core.pfm import jaspar
from argminn_core.plot.colours import motif_colour
from argminn_core.plot.logo import Mode, logo_svg
from argminn_core.predict import predict, trace
from argminn_core.regions import Windows, read_bed
from argminn_core.rules import Rules
from argminn_core.spacing import learned_spacing
from argminn_core.syntax import arrangements_of
from argminn_core.vcf import parse_edits, read_vcf

# Visitors share the cores. A pool of threads for each of them spins while it waits for the others, and on a
# busy machine an answer then takes ten times as long. Where many sequences are read, threads
# take a batch each (`background.CORES`) and never wait for each other.
torch.set_num_threads(1)

MAX_RECORDS = 20_000
MAX_BYTES = 25_000_000  # after decompression; some 50,000 windows of 500 bp


# --- models -------------------------------------------------------------------------------------------------


def models() -> list[str]:
    """Names of the bundled and the user's models."""
    return zoo.names()


def _file(name: str) -> tuple[str, int]:
    """The file of a model, and a stamp that changes with it: what caches are keyed on."""
    path = zoo.resolve(name)
    return str(path), path.stat().st_mtime_ns


def bundle(name: str) -> ModelBundle:
    """A model by name, read once for all sessions.

    Raises
    ------
    ModelFileError : the file is not a model.
    """
    return _bundle(*_file(name))


@st.cache_resource(max_entries=16, show_spinner=False)
def _bundle(path: str, stamp: int) -> ModelBundle:
    return load_model(path)


def model_file(name: str) -> bytes:
    return zoo.resolve(name).read_bytes()


def add_model(raw: bytes, filename: str) -> str:
    """Check an uploaded model and keep it in the user's folder; returns its name.

    Raises
    ------
    ModelFileError : it is damaged, hostile or not a model; nothing is kept then.
    """
    read_model(raw, name=filename)
    return zoo.add(raw, Path(filename).stem)


# --- motifs -------------------------------------------------------------------------------------------------


def colours(model: ModelBundle) -> dict[str, str]:
    """The colour of each motif by its name: the same on every page."""
    return {motif.name: motif_colour(motif.filter) for motif in model.motifs}


def logo(
    motif: LearnedMotif,
    *,
    height: float = 60,
    most: float = 400,
    mode: Mode = "information",
    reverse: bool = False,
) -> str:
    """The trimmed core of a motif, or of its reverse complement, as SVG at most `most` pixels wide."""
    pfm = motif.motif.pfm
    return logo_svg(
        pfm[::-1, ::-1] if reverse else pfm, height=height, mode=mode, title=motif.name,
        column_width=min(0.3 * height, most / pfm.shape[1]),
    )  # fmt: skip


def logo_archive(motifs: Sequence[LearnedMotif], *, mode: Mode, reverse: bool) -> bytes:
    """All logos as SVG files in a zip."""
    handle = io.BytesIO()
    with zipfile.ZipFile(handle, "w", zipfile.ZIP_DEFLATED) as archive:
        for motif in motifs:
            name = re.sub(r"[^\w.-]+", "_", motif.name)
            svg = logo(motif, height=100, mode=mode, reverse=reverse)
            archive.writestr(f"{motif.filter + 1:02d}_{name}.svg", svg)
    return handle.getvalue()


@st.cache_data(max_entries=500, show_spinner=False)
def known_motif(match: str) -> np.ndarray | None:
    """The JASPAR matrix (4, W) of an id; None where JASPAR has none, as for a match from another database."""
    try:
        return np.array(jaspar(match).pfm)
    except ArgminnError:
        return None


# --- sequences ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Reading:
    """What a model read in the sequences of one source.

    `table` is PREDICTIONS by falling logit, with the number of `instances` that start in each window and
    their `motifs` from left to right; its row `i` is `windows` `i`. `instances` is sorted by place; those of
    window `i` are its rows `first[i]:last[i]`.
    """

    windows: Windows
    table: pd.DataFrame
    instances: pd.DataFrame
    dropped: pd.DataFrame
    first: np.ndarray
    last: np.ndarray

    def instances_of(self, window: int) -> pd.DataFrame:
        return self.instances.iloc[self.first[window] : self.last[window]]

    def letters(self, window: int) -> tuple[str, int]:
        """The record's letters in a window, without padding, and the base at which they start."""
        start0 = max(int(self.windows.start0[window]), 0)
        codes = self.windows.sequences.codes_of(int(self.windows.record[window]))
        return decode(codes[start0 : int(self.windows.end0[window])]), start0


def read(name: str, raw: bytes, digest: str, *, ambiguous: bool) -> Reading:
    """Predictions and instances of FASTA bytes; the last few readings of a session are kept.

    Raises
    ------
    InputError : the bytes are not FASTA of DNA, or hold too many records.
    """
    return _read(*_file(name), digest, ambiguous, raw)


@st.cache_resource(max_entries=3, scope="session", show_spinner="Reading the sequences", show_time=True)
def _read(path: str, stamp: int, digest: str, ambiguous: bool, _raw: bytes) -> Reading:
    return read_now(_bundle(path, stamp), _raw, ambiguous=ambiguous)


def read_now(model: ModelBundle, raw: bytes, *, ambiguous: bool = False) -> Reading:
    """`read`, of a model at hand and without a cache."""
    sequences, unread = read_fasta(
        raw, ambiguous="N" if ambiguous else "error", max_records=MAX_RECORDS, max_bytes=MAX_BYTES
    )
    found = scan(model, sequences, threads=CORES)
    give_back()
    dropped = pd.concat([unread, found.dropped], ignore_index=True)
    return _joined(sequences, model.length, found.predictions, found.instances, dropped)


def _joined(
    sequences: Sequences,
    length: int,
    predictions: pd.DataFrame,
    instances: pd.DataFrame,
    dropped: pd.DataFrame,
) -> Reading:
    index = {name: i for i, name in enumerate(sequences.names)}
    table = predictions.sort_values("logit", ascending=False, kind="stable", ignore_index=True)
    record = table["sequence"].map(index).to_numpy(dtype=np.int64)
    start0, end0 = table["start0"].to_numpy(), table["end0"].to_numpy()
    # One number for a base anywhere in the file: where its record starts, plus its place in it.
    base = sequences.offsets[instances["sequence"].map(index).to_numpy(dtype=np.int64)] + instances["start0"]
    order = np.argsort(base.to_numpy(), kind="stable")
    instances, base = instances.iloc[order].reset_index(drop=True), base.to_numpy()[order]
    first = np.searchsorted(base, sequences.offsets[record] + np.maximum(start0, 0))
    last = np.searchsorted(base, sequences.offsets[record] + np.minimum(end0, sequences.lengths[record]))
    labels = (instances["motif"] + "(" + instances["strand"] + ")").tolist()
    table = table.assign(
        instances=last - first,
        motifs=[" ".join(labels[a:b]) for a, b in zip(first.tolist(), last.tolist(), strict=True)],
    )
    windows = Windows(sequences, length, record, start0, end0, table["note"].to_numpy())
    return Reading(windows, table, instances, dropped, first, last)


def window_trace(model: ModelBundle, reading: Reading, window: int) -> Output:
    """One window's forward pass, every array with a first axis of one."""
    return trace(model.model, reading.windows.codes(window, window + 1))


def worth(model: ModelBundle, reading: Reading, window: int) -> dict[str, object]:
    """`worth_between` of the record's letters in a window, by the record's bases. Padding is left out."""
    text, start0 = reading.letters(window)
    at = start0 - int(reading.windows.start0[window])
    track = worth_between(model, reading.windows.codes(window, window + 1)[0], at, at + len(text))
    return track | {"start": (track["start"] - at + start0).tolist()}


def worth_between(
    model: ModelBundle, codes: np.ndarray, low: int, high: int, *, most: int = 400
) -> dict[str, object]:
    """What a filter's width of bases is worth from `low` to `high` of codes (L,): `start`, `value` (logits), `width`.

    At most `most` places, a few milliseconds for a hundred.
    """
    width = min(model.model.config.width, high - low)
    start = np.arange(low, high - width + 1, max(2, (high - low) // most))
    with torch.inference_mode():
        read = contributions.Reading(model.model, codes[None])
        fall = float(read.output.logit[0]) - read.without(np.zeros_like(start), start, start + width)
    return {"start": start, "value": np.round(fall, 3).tolist(), "width": width}


def ignored(model: ModelBundle, reading: Reading, window: int) -> pd.DataFrame:
    """IGNORED in the record of a window: matches of the model's matrices that it called no instance."""
    sequences = reading.windows.sequences.subset([int(reading.windows.record[window])])
    instances = reading.instances[reading.instances["sequence"] == sequences.names[0]]
    found = ignored_matches(model, sequences, instances)
    inside = found["end0"] > reading.windows.start0[window]
    return found[inside & (found["start0"] < reading.windows.end0[window])]


def probable_sites(model: ModelBundle, reading: Reading) -> pd.DataFrame:
    """INSTANCES with occupancy and probability: every site that is probably there, used by the model or not."""
    return sites(model, reading.windows.sequences, threads=CORES)


def example_reading(name: str) -> Reading:
    """The reading of a model's own example sequences, the same for all sessions."""
    return _example_reading(*_file(name))


@st.cache_resource(max_entries=16, show_spinner="Reading example sequences")
def _example_reading(path: str, stamp: int) -> Reading:
    model = _bundle(path, stamp)
    return read_now(model, examples.example(model))


def cards(name: str, reading: Reading, digest: str) -> pd.DataFrame:
    """CARDS of a model from a reading that `digest` stands for."""
    return _cards(*_file(name), digest, reading)


@st.cache_resource(max_entries=8, scope="session", show_spinner=False)
def _cards(path: str, stamp: int, digest: str, _reading: Reading) -> pd.DataFrame:
    found = Scan(_reading.table, _reading.instances, _reading.dropped)
    return motif_cards(_bundle(path, stamp), found, _reading.windows.sequences)


def without_motifs(
    name: str, reading: Reading, digest: str, muted: Sequence[str], *, most: int = 300
) -> pd.DataFrame:
    """`sequence`, `logit`, `muted` and `change` of windows when these motifs are muted.

    Of more than `most` windows, that many are taken, evenly from the highest logit to the lowest.
    """
    return _without(*_file(name), digest, tuple(sorted(muted)), most, reading)


@st.cache_resource(max_entries=40, scope="session", show_spinner="Reading without the motif")
def _without(
    path: str, stamp: int, digest: str, muted: tuple[str, ...], most: int, _reading: Reading
) -> pd.DataFrame:
    total = len(_reading.table)
    rows = (
        np.unique(np.linspace(0, total - 1, min(total, most)).round().astype(int))
        if total
        else np.zeros(0, int)
    )
    codes = [_reading.windows.codes(row, row + 1) for row in rows.tolist()]
    kept = _reading.table.iloc[rows][["sequence", "logit"]].reset_index(drop=True)
    edited = edit.mute(_bundle(path, stamp), muted)
    logits = predict(edited.model, np.concatenate(codes)) if codes else np.zeros(0)
    return kept.assign(muted=logits, change=logits - kept["logit"].to_numpy())


# --- syntax: jobs and not results are kept, so that one that still runs is found again -------------------------


def observing(
    name: str, raw: bytes, digest: str, *, controls: bytes = b"", against: str = "", ambiguous: bool = False
) -> Job[syntax_work.Observed]:
    """The job, started, that reads FASTA bytes and `controls`, of digest `against`, and counts pairs of motifs."""
    return _observing(*_file(name), digest, against, ambiguous, raw, controls)


@st.cache_resource(max_entries=3, scope="session", show_spinner=False, on_release=Job.cancel)
def _observing(
    path: str, stamp: int, digest: str, against: str, ambiguous: bool, _raw: bytes, _controls: bytes
) -> Job[syntax_work.Observed]:
    model, limits = _bundle(path, stamp), {"max_records": MAX_RECORDS, "max_bytes": MAX_BYTES}
    job = Job(
        lambda progress: syntax_work.observed(
            model, _raw, _controls, ambiguous=ambiguous, limits=limits, progress=progress
        )
    )
    job.start()
    return job


def planting(name: str, a: str, b: str) -> Job[pd.DataFrame]:
    """The job that plants two motifs at every gap, CAUSAL; not started."""
    return _planting(*_file(name), *sorted((a, b)))


@st.cache_resource(max_entries=64, scope="session", show_spinner=False, on_release=Job.cancel)
def _planting(path: str, stamp: int, a: str, b: str) -> Job[pd.DataFrame]:
    model = _bundle(path, stamp)
    return Job(lambda progress: syntax_work.planted(model, a, b, progress))


def spacings(name: str, a: str, b: str) -> pd.DataFrame | None:
    """SPACINGS of two motifs in every arrangement; None where the model does not know distances."""
    model = bundle(name)
    if not model.model.config.spacing:
        return None
    strands = model.model.config.channels // model.model.config.filters
    arrangements = [key for key in arrangements_of(a, b) if strands == 2 or key[2] == "++"]
    return pd.concat([learned_spacing(model, *key) for key in arrangements], ignore_index=True)


def ruling(
    name: str, digest: str, seen: syntax_work.Observed, *, against: str = "", ambiguous: bool = False
) -> Job[Rules]:
    """The job that finds the rules of what `observing` gave for the same arguments; not started."""
    return _ruling(*_file(name), digest, against, ambiguous, seen)


@st.cache_resource(max_entries=3, scope="session", show_spinner=False, on_release=Job.cancel)
def _ruling(
    path: str, stamp: int, digest: str, against: str, ambiguous: bool, _seen: syntax_work.Observed
) -> Job[Rules]:
    model = _bundle(path, stamp)
    return Job(lambda progress: syntax_work.rules(model, _seen, progress))


# --- variants -----------------------------------------------------------------------------------------------

MAX_VARIANTS = 1_000  # some fifteen seconds on one busy core
MAX_VCF_BYTES = 25_000_000  # after decompression


@dataclass(frozen=True, eq=False)
class VariantReading:
    """Effects of edits, the sequences they were made in, and DROPPED of both."""

    sequences: Sequences
    effects: variants.Effects
    dropped: pd.DataFrame


def effects(
    name: str, raw: bytes, digest: str, edits: bytes, edits_digest: str, *, typed: bool, ambiguous: bool
) -> VariantReading:
    """What edits, typed lines or a VCF, do in FASTA bytes; the last few are kept.

    Raises
    ------
    InputError : the bytes are not FASTA of DNA, or not edits, or too many.
    """
    return _effects(*_file(name), digest, edits_digest, typed, ambiguous, raw, edits)


@st.cache_resource(max_entries=3, scope="session", show_spinner="Reading both alleles", show_time=True)
def _effects(
    path: str, stamp: int, digest: str, edits_digest: str, typed: bool, ambiguous: bool, _raw: bytes, _edits: bytes
) -> VariantReading:  # fmt: skip
    sequences, lost = read_fasta(
        _raw, ambiguous="N" if ambiguous else "error", max_records=MAX_RECORDS, max_bytes=MAX_BYTES
    )
    wanted, unread = (
        parse_edits(_edits.decode("utf-8", "replace"), max_records=MAX_VARIANTS)
        if typed
        else read_vcf(_edits, max_records=MAX_VARIANTS, max_bytes=MAX_VCF_BYTES)
    )
    found = variants.variant_effects(_bundle(path, stamp), sequences, wanted, max_rows=MAX_VARIANTS)
    give_back()
    return VariantReading(sequences, found, pd.concat([lost, unread, found.dropped], ignore_index=True))


def training_record(model: ModelBundle) -> str:
    """The card as JSON."""
    return json.dumps({"name": model.name, **model.card}, indent=2, sort_keys=False) + "\n"


# --- training -----------------------------------------------------------------------------------------------

MAX_TRAINING_RECORDS = 100_000  # of a class
MAX_TRAINING_BYTES = 100_000_000
CHECK_SECONDS = 900  # for peaks: a large genome is read once


def given_class(
    given_raw: bytes, digest: str, label: str, *, ambiguous: str
) -> tuple[Sequences, pd.DataFrame]:
    """A class of sequences for training, and what reading it dropped.

    Raises
    ------
    InputError : it is not FASTA of DNA, or too much of it; the message begins with `label`.
    """
    return _given_class(digest, label, ambiguous, given_raw)


@st.cache_resource(max_entries=4, scope="session", show_spinner="Reading the sequences")
def _given_class(digest: str, label: str, ambiguous: str, _raw: bytes) -> tuple[Sequences, pd.DataFrame]:
    return read_class(
        _raw, label, ambiguous=ambiguous, max_records=MAX_TRAINING_RECORDS, max_bytes=MAX_TRAINING_BYTES
    )


@st.cache_resource(max_entries=4, scope="session", show_spinner="Checking the sequences", show_time=True)
def check_classes(
    digests: tuple[str, str], ambiguous: str, seed: int, _positives: Sequences, _negatives: Sequences | None,
    _unread: pd.DataFrame,
) -> checks.Checked:  # fmt: skip
    """What there is to know of two classes before they are trained on; `digests` name them."""
    return checks.check_classes(_positives, _negatives, unread=_unread, seed=seed)


@st.cache_data(max_entries=8, show_spinner=False)
def peaks_by_chrom(digest: str, _raw: bytes) -> dict[str, int]:
    """How many peaks of a BED file lie on each chromosome, most first."""
    return read_bed(_raw)[0]["chrom"].value_counts().to_dict()


@st.cache_resource(max_entries=4, scope="session", show_spinner="Reading the genome", show_time=True)
def check_peaks(digest: str, genome: str, options: str, _raw: bytes) -> checks.Checked:
    """`check_classes` for a BED file on a genome: in a process of its own, which other visitors do not notice.

    options : JSON for `datasets.from_peaks`.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "peaks.bed"
        path.write_bytes(_raw)
        command = [sys.executable, "-m", "argminn_core.checks", str(path), genome, options]
        try:
            done = subprocess.run(
                command, env=jobs.environment(1), capture_output=True, text=True, timeout=CHECK_SECONDS
            )
            said = json.loads(done.stdout)
        except subprocess.TimeoutExpired:
            raise InputError("the genome could not be read in time", found=f"{CHECK_SECONDS} s") from None
        except ValueError:
            raise InputError(
                "the peaks could not be checked", found=(done.stderr.strip().splitlines() or ["no answer"])[-1],
                mend="A genome needs as much memory as it has bases: is there enough?",
            ) from None  # fmt: skip
    if "error" in said:
        raise InputError(**said["error"])
    return checks.Checked.from_json(json.dumps(said))


@st.cache_data(max_entries=64, show_spinner=False)
def training_seconds(
    name: str, length: int, strands: str, epochs: int, sequences: int, start: str | None = None
) -> float:
    """About how long a training takes."""
    chosen = recipe.recipe(
        name, model={"length": length, "strands": strands}, train={"epochs": epochs}, start=start
    )
    return estimate.seconds(chosen, sequences=sequences)
