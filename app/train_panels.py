"""A new training: data in, checks, a few settings, start."""

from __future__ import annotations

import json
from typing import NamedTuple

import pandas as pd
import streamlit as st

from app import genomes, services
from app import train_state as ts
from app.page import count, errors_shown, file_stem, plain, show_error
from app.progress import about
from argminn_core import jobs
from argminn_core.checks import Checked
from argminn_core.datasets import DEFAULT_RECIPE
from argminn_core.errors import ArgminnError
from argminn_core.grammars import GRAMMARS, motifs_of
from argminn_core.job_files import Settings
from argminn_core.plot.logo import logo_img, logo_svg
from argminn_core.plot.training import data_figure
from argminn_core.recipe import RECIPES
from argminn_core.tables import CHECKS, DROPPED

KINDS = {"fasta": "Two FASTA files", "peaks": "Peaks on a genome", "grammar": "A grammar, to learn the tool"}
SHUFFLES, OWN = "Shuffles of the positives", "A FASTA file"
FASTA_TYPES = ["fa", "fasta", "fna", "txt", "gz"]
ABOUT_RECIPES = {
    "peaks": "for some thousand real sequences; filters start from JASPAR's motifs",
    "grammar": "filters start from words found in the sequences, as many as there are motifs",
    "paper": "as in arXiv 2410.06211; filters start at random",
}
# On a phone the advice would else be a column of single words.
_WIDE_TABLE = (
    "<style>[data-testid=stTable]{overflow-x:auto}[data-testid=stTable] table{min-width:680px}</style>"
)
VERDICTS = {"ok": "✓ ok", "care": "! care", "stop": "✕ stop"}


class Data(NamedTuple):
    """What the data panel found: settings of `Settings` that the data decide, the inputs' names, and their checks."""

    settings: dict
    inputs: list[str]
    length: int
    sequences: int
    verdict: str
    name: str


def new_training() -> None:
    """Draw the form; what comes next appears once there is something to go by."""
    kind = st.segmented_control(
        "Learn from", list(KINDS), default="fasta", required=True, format_func=KINDS.get, key="train_kind",
        persist_state="session",
    )  # fmt: skip
    seed = st.session_state.get("train_seed", 0)
    data = {"fasta": _fasta, "peaks": _peaks, "grammar": _grammar}[kind](ts.draft(), seed)
    if data is None:
        return
    if data.verdict == "cannot":
        st.button("Start training", type="primary", disabled=True, help="See what stands against it, above.")
        return
    _settings(kind, data)


# --- data in ------------------------------------------------------------------------------------------------


def _upload(draft: ts.Draft, name: str, label: str, types: list[str]) -> ts.Given | None:
    key = f"train_upload_{name}"
    st.file_uploader(label, types, key=key, on_change=draft.take, args=[name, key])
    given = draft.files.get(name)
    if given is not None and st.session_state.get(key) is None:
        st.caption(f"Still here: **{plain(given.label)}**, {len(given.raw) / 1e3:,.0f} kB")
    return given


def _fasta(draft: ts.Draft, seed: int) -> Data | None:
    left, right = st.columns(2)
    with left:
        positives = _upload(
            draft, "positives.fa", "Positives: sequences with what is to be learned (FASTA)", FASTA_TYPES
        )
    with right:
        how = st.radio(
            "Negatives", [SHUFFLES, OWN], horizontal=True, key="train_negatives", persist_state="session",
            help="A shuffle keeps a sequence's dinucleotides and loses its motifs. Sequences of your own, say "
            "unbound open chromatin, ask a harder and often better question.",
        )  # fmt: skip
        negatives = _upload(draft, "negatives.fa", "Negatives (FASTA)", FASTA_TYPES) if how == OWN else None
        ambiguous = st.checkbox(
            "Read other IUPAC letters (R, Y, S, …) as N", key="train_ambiguous", persist_state="session"
        )
    if positives is None or (how == OWN and negatives is None):
        missing = "positives" if positives is None else "negatives"
        st.info(
            f"Give the {missing} above: some hundred to some ten thousand sequences of one length, such as 500 bp "
            "around ChIP-seq summits. They are checked before anything is trained. Nothing at hand? Learn the tool "
            "with a grammar."
        )
        return None
    letters = "N" if ambiguous else "error"
    with errors_shown():
        good, unread = services.given_class(
            positives.raw, positives.digest, positives.label, ambiguous=letters
        )
        bad = None
        if negatives is not None:
            bad, more = services.given_class(
                negatives.raw, negatives.digest, negatives.label, ambiguous=letters
            )
            unread = pd.concat([unread, more], ignore_index=True)
        digests = positives.digest, negatives.digest if negatives else ""
        checked = services.check_classes(digests, letters, seed, good, bad, unread)
    show_checks(checked)
    settings = {
        "labels": (positives.label, negatives.label if negatives else ""), "ambiguous": letters,
        "negatives": "" if negatives else "shuffle", "length": checked.length or None,
    }  # fmt: skip
    inputs = ["positives.fa"] + ["negatives.fa"] * (negatives is not None)
    sequences = sum(map(sum, checked.parts.values()))
    return Data(settings, inputs, checked.length, sequences, checked.verdict, file_stem(positives.label))


def _peaks(draft: ts.Draft, seed: int) -> Data | None:
    offered = genomes.to_train_on()
    if not offered:
        st.info(
            "This server offers no genome. Whoever runs it names a folder of FASTA files in the environment variable "
            f"**{genomes.VARIABLE}**, and starts the app again. On the command line, **argminn train --peaks** does "
            "the same with any genome."
            if offered is None
            else f"The folder that {genomes.VARIABLE} names holds no FASTA file (.fa, .fasta or .fna, plain or gzip), "
            "nor a folder of them."
        )
        return None
    left, right = st.columns(2)
    with left:
        peaks = _upload(draft, "peaks.bed", "Peaks (BED or narrowPeak)", ["bed", "narrowpeak", "txt", "gz"])
    with right:
        genome = st.selectbox("Genome", list(offered), key="train_genome")
        length = st.number_input(
            "Bases around a summit", 50, 5_000, 500, 50, key="train_length", persist_state="session"
        )
    if peaks is None:
        st.info(
            "Give the peaks: windows on their summits are the positives, windows of the same GC the negatives."
        )
        return None
    with errors_shown():
        chroms = services.peaks_by_chrom(peaks.digest, peaks.raw)
    valid, test = _held_out(chroms)
    if not valid or not test:
        st.info("Choose what is held out: a chromosome, or a range of one, for validation and for the test.")
        return None
    options = {"length": int(length), "valid": valid, "test": test, "seed": seed, "name": peaks.label}
    # The checks read a whole genome: not before they are asked for.
    key = (peaks.digest, str(offered[genome]), json.dumps(options, sort_keys=True))
    if st.session_state.get("train_checked") != key and not st.button("Check the peaks"):
        return None
    with errors_shown():
        checked = services.check_peaks(*key, peaks.raw)
    st.session_state["train_checked"] = key
    show_checks(checked)
    settings = {
        "labels": (peaks.label, ""), "genome": key[1], "valid": tuple(valid), "test": tuple(test), "negatives": "gc",
        "length": int(length),
    }  # fmt: skip
    sequences = sum(map(sum, checked.parts.values()))
    return Data(settings, ["peaks.bed"], int(length), sequences, checked.verdict, file_stem(peaks.label))


def _held_out(chroms: dict[str, int]) -> tuple[list[str], list[str]]:
    """Chromosomes for validation and test; about a tenth of the peaks each is a good share."""
    total = sum(chroms.values())
    near = sorted(chroms, key=lambda chrom: abs(chroms[chrom] / total - 0.1))
    left, right = st.columns(2)
    options = {
        "options": list(chroms), "accept_new_options": True,
        "help": "Chromosomes, or ranges such as chr20:0-12000000 (type them).",
        "format_func": lambda chrom: f"{chrom} ({chroms[chrom]:,} peaks)" if chrom in chroms else chrom,
    }  # fmt: skip
    valid = left.multiselect("Held out for validation", default=near[:1], key="train_valid", **options)
    test = right.multiselect("Held out for the test", default=near[1:2], key="train_test", **options)
    return valid, test


def _grammar(draft: ts.Draft, seed: int) -> Data | None:
    left, right = st.columns(2)
    name = left.selectbox("Grammar", list(GRAMMARS), key="train_grammar", persist_state="session")
    length = right.number_input(
        "Bases of a sequence", 80, 1_000, 200, 20, key="train_size", persist_state="session"
    )
    rules = GRAMMARS[name]
    st.markdown(
        "Simulated sequences with known motifs: you see whether the network finds them.  \n"
        f"Positives: {_rules(rules.positives)}.  \nNegatives: {_rules(rules.negatives)}."
    )
    tiles = "".join(
        f'<figure style="margin:0"><figcaption style="font-size:13px;font-weight:600">{motif.name}</figcaption>'
        + logo_img(logo_svg(motif.pfm, height=56, title=motif.name), f"logo of {motif.name}") + "</figure>"
        for motif in motifs_of(rules).values()
    )  # fmt: skip
    st.html(f'<div style="display:flex;flex-wrap:wrap;gap:12px 32px">{tiles}</div>')
    return Data({"grammar": name, "length": int(length)}, [], int(length), 8_000, "go", file_stem(name))


def _rules(configurations: tuple) -> str:
    """Configurations of a grammar as one line."""
    said = []
    for c in configurations:
        parts = [c.motifs[0] if c.motifs else "background alone"]
        for (low, high), motif in zip(c.gaps, c.motifs[1:], strict=True):
            parts.append(f"{low} bp" if low == high else f"{low} to {high} bp")
            parts.append(motif)
        said.append(f"{' – '.join(parts)} ({c.probability:.0%})")
    return ", ".join(said)


# --- checks -------------------------------------------------------------------------------------------------


def show_checks(checked: Checked) -> None:
    """The verdict, the picture, the table, and what was dropped."""
    concern = checked.rows[checked.rows["verdict"] != "ok"]["check"]
    names = ", ".join(concern)
    if checked.verdict == "go":
        st.success("**Go.** Nothing stands against training on these sequences.")
    elif checked.verdict == "care":
        st.warning(f"**Go with care** ({plain(names)}): the table says what, and what to do.")
    else:
        st.error(f"**Cannot be trained as it is** ({plain(names)}): the table says what, and what to do.")
    st.plotly_chart(
        data_figure(checked.gc, checked.lengths), key="train_data", config={"displayModeBar": False},
        alt="Distribution of GC content and of length in positives and negatives",
    )  # fmt: skip
    shown = checked.rows.assign(verdict=checked.rows["verdict"].map(VERDICTS))
    st.html(_WIDE_TABLE)
    st.table(shown.map(plain).set_index("check")[["verdict", "positives", "negatives", "advice"]])
    with st.container(horizontal=True):
        st.download_button("Checks (TSV)", CHECKS.to_tsv(checked.rows), "checks.tsv", on_click="ignore")
        if len(checked.dropped):
            st.download_button(
                "Dropped (TSV)", lambda: DROPPED.to_tsv(checked.dropped), "dropped.tsv", on_click="ignore"
            )
    if len(checked.dropped):
        with st.expander(f"{len(checked.dropped):,} dropped records, and why"):
            st.dataframe(checked.dropped, hide_index=True)


# --- settings -----------------------------------------------------------------------------------------------


def _settings(kind: str, data: Data) -> None:
    st.subheader("Settings", anchor=False)
    names = sorted(RECIPES, key=lambda name: name != DEFAULT_RECIPE[kind])
    left, right = st.columns([2, 3])
    name = left.text_input("Name of the model", data.name[:60], max_chars=60, key=f"train_name_{data.name}")
    chosen = right.selectbox(
        "Recipe", names, key=f"train_recipe_{kind}",
        format_func=lambda name: f"{name}: {ABOUT_RECIPES[name]}" if name in ABOUT_RECIPES else name,
    )  # fmt: skip
    plan = RECIPES[chosen]
    columns = st.columns(3)
    epochs = columns[0].number_input(
        "Epochs", 1, 500, plan.train.epochs, key=f"train_epochs_{chosen}",
        help="Passes of some ten thousand sequences each. The learning rate falls over all of them.",
    )  # fmt: skip
    strands = columns[1].selectbox(
        "Strands", ["both", "single"], index=int(plan.model.strands == "single"), key=f"train_strands_{chosen}",
        help="Both: one filter reads a motif in either orientation.",
    )  # fmt: skip
    seed = columns[2].number_input(
        "Seed", 0, 2**31 - 1, 0, key="train_seed", help="Of the split and all that is drawn."
    )
    try:
        settings = Settings(
            name.strip(), kind, chosen, seed=int(seed), threads=jobs.threads(), model={"strands": strands},
            train={"epochs": int(epochs)}, **data.settings,
        )  # fmt: skip
        seconds = services.training_seconds(chosen, data.length, strands, int(epochs), data.sequences)
    except ArgminnError as error:
        show_error(error)
        return
    before = [job for job in jobs.jobs() if job.active]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Start training", type="primary", on_click=ts.start, args=[settings, data.inputs])
        st.markdown(f"Takes **{about(seconds)}** on this machine, in a process of its own.{_queue(before)}")


def _queue(before: list) -> str:
    if len(before) < jobs.most_running():
        return " You may close the page meanwhile."
    return f" {count(len(before), 'training')} come{'s' * (len(before) == 1)} first; it waits for its turn."
