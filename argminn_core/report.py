"""Everything that a model says about a set of sequences, as one folder that other tools read, and one page.

sequences -> scan -> q-values, cards, rules, receipt -> TSV, BED, GFF3, bedGraph, bigWig, MEME, logos, report.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from argminn_core import __version__, tracks
from argminn_core.card import motif_cards
from argminn_core.checkpoint import ModelBundle
from argminn_core.decoys import q_values
from argminn_core.dna import decode
from argminn_core.errors import InputError
from argminn_core.fasta import Sequences
from argminn_core.ignored import ignored_matches
from argminn_core.instances import CONTRIBUTION, Scan, scan, to_bed
from argminn_core.pfm import to_meme
from argminn_core.plot.logo import write_logos
from argminn_core.plot.report_page import Example, Page, render
from argminn_core.readout import motif_table
from argminn_core.receipt import Receipt, receipt
from argminn_core.rules import Rules, find_rules, with_controls
from argminn_core.tables import (
    ARRANGEMENTS,
    CARDS,
    CAUSAL,
    DROPPED,
    GAPS,
    IGNORED,
    INSTANCES,
    MERGED,
    MOTIFS,
    PAIRS,
    PREDICTIONS,
    RANGES,
    RECEIPT,
    RULES,
    Table,
)  # fmt: skip

STEPS = ("scan", "decoys", "motifs", "rules", "receipt", "files")
EXAMPLES = 6

# What each file holds, in the order of the page. Columns are described in `tables.py`.
FILES = {
    "predictions.tsv": "logit and probability of every window",
    "instances.tsv": "sites that the model used, with contribution, q-value and readers",
    "instances.bed": "the same as BED6 with attention, activation and contribution behind, for genome browsers",
    "instances.gff3": "the same as GFF3, 1-based",
    "instances.fimo.tsv": "the same with the columns of FIMO, 1-based",
    "ignored.tsv": "matches of the motifs' matrices that the model did not use",
    "contribution.bedgraph": "contributions along the sequences, or along the genome where names are places in it",
    "contribution.bw": "the same as bigWig",
    "motifs.tsv": "what every filter learned",
    "motifs.meme": "the motifs' matrices in MEME format, those that count",
    "logos/": "their logos as SVG",
    "cards.tsv": "what the instances of every motif say: share, contribution, position, readers",
    "rules.tsv": "the rules, a sentence and its numbers each",
    "pairs.tsv": "how often two motifs stand in one sequence, against chance",
    "arrangements.tsv": "order and orientation of the pairs",
    "gaps.tsv": "how often each gap was seen, against chance",
    "ranges.tsv": "ranges of gaps that are preferred, a tight or a loose spacing each",
    "causal.tsv": "logits of pairs planted at every gap",
    "merged.tsv": "filters that read the same sites and were made one for the rules",
    "receipt.tsv": "the tests of whether the instances are what the model uses",
    "dropped.tsv": "records that were left out, and why",
    "params.json": "settings, versions, and digests of what went in",
}


@dataclass(frozen=True)
class Findings:
    """What was found in `sequences`, and with which `settings`.

    predictions, instances (called, with q-values), cards, ignored, dropped : their tables. rules : what is seen and
    what planting shows. receipt : whether the calls are what the model uses.
    """

    bundle: ModelBundle
    sequences: Sequences
    predictions: pd.DataFrame
    instances: pd.DataFrame
    cards: pd.DataFrame
    ignored: pd.DataFrame
    dropped: pd.DataFrame
    rules: Rules
    receipt: Receipt
    settings: dict[str, Any] = field(default_factory=dict)


def examine(
    bundle: ModelBundle,
    sequences: Sequences,
    *,
    controls: Sequences | None = None,
    dropped: pd.DataFrame | None = None,
    min_contribution: float = CONTRIBUTION,
    stride: int | None = None,
    seed: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> Findings:
    """Read `sequences` and test what was read.

    Parameters
    ----------
    controls : Sequences, optional
        Sequences without the signal: with them the rules know what is rare elsewhere, and repressors can be seen. They
        take part in the rules only.
    dropped : DROPPED of reading the sequences; what is dropped here is added.
    progress : called with the step (one of `STEPS`), what is done, and the total.

    Raises
    ------
    InputError : there is no sequence to read.
    """
    if not len(sequences):
        raise InputError(
            "there is no sequence to report on", found="0 records", mend="Give a FASTA file with sequences"
        )

    def say(step: str) -> Callable[[int, int], None]:
        return lambda done, total: progress(step, done, total) if progress is not None else None

    everything = scan(bundle, sequences, min_contribution=None, stride=stride, progress=say("scan"))
    called = everything.instances["contribution"] >= min_contribution
    instances = everything.instances[called].reset_index(drop=True)
    instances = q_values(bundle, sequences, instances, stride=stride, seed=seed, progress=say("decoys"))
    cards = motif_cards(bundle, everything._replace(instances=instances), sequences)
    ignored = ignored_matches(bundle, sequences, instances, stride=stride, progress=say("motifs"))
    say("rules")(0, 1)
    every, found = sequences, everything
    if controls is not None and len(controls):
        every, found = _with_controls(bundle, sequences, everything, controls, stride)
    rules = find_rules(bundle, every, found, seed=seed, progress=say("rules"))
    say("receipt")(0, 1)
    tested = receipt(bundle, sequences, seed=seed, progress=say("receipt"))
    parts = [part for part in (dropped, everything.dropped) if part is not None and len(part)]
    return Findings(
        bundle, sequences, everything.predictions, instances, cards, ignored,
        DROPPED.check(pd.concat(parts, ignore_index=True)) if parts else DROPPED.empty(), rules, tested,
        {
            "model": bundle.name, "argminn": __version__, "sequences": len(sequences),
            "control_sequences": 0 if controls is None else len(controls), "min_contribution": min_contribution,
            "stride": stride, "seed": seed,
        },
    )  # fmt: skip


def _with_controls(
    bundle: ModelBundle, sequences: Sequences, found: Scan, controls: Sequences, stride: int | None
) -> tuple[Sequences, Scan]:
    """Sequences and controls in one, and the scan of both, for which only the controls are read."""
    both = with_controls(sequences, controls)
    renamed = both.subset(range(len(sequences), len(both)))
    more = scan(bundle, renamed, min_contribution=None, stride=stride)
    return both, Scan(*(pd.concat(parts, ignore_index=True) for parts in zip(found, more, strict=True)))


def check_sizes(sequences: Sequences, sizes: Mapping[str, int]) -> None:
    """Raise `InputError` where a sequence's name is a place that the chromosomes of `sizes` do not have.

    Worth asking before the work is done: the bigWig comes last.
    """
    if not tracks.have_places(sequences.names):
        return
    for name, length in zip(sequences.names, sequences.lengths.tolist(), strict=True):
        chrom, _, place = name.partition(":")
        end = int(place.partition("-")[0]) + length
        if end > sizes.get(chrom, 0):
            raise InputError(
                f"the sequence {name} does not lie in the genome whose sizes were given",
                found=f"{chrom} with {sizes[chrom]:,} bases" if chrom in sizes else f"no {chrom}",
                expected=f"a chromosome of {end:,} bases at least",
                mend="Give the sizes of the genome that the sequences are from",
            )  # fmt: skip


def write(
    findings: Findings, out: Path, *, sizes: Mapping[str, int] | None = None, **params: Any
) -> list[Path]:
    """Write the folder; returns what is in it. `params`, JSON, join the settings in params.json and on the page.

    `sizes` are the chromosomes' (bases), for the bigWig; it is written where the names of the sequences carry
    coordinates, such as chr1:100-600. Files of an earlier report in the same folder that this one has no use for
    are removed.
    """
    out.mkdir(parents=True, exist_ok=True)
    bundle, instances = findings.bundle, findings.instances
    settings = findings.settings | params
    texts = _tables(findings)
    texts["motifs.meme"] = to_meme([motif.motif for motif in bundle.motifs if motif.counts])
    texts["instances.bed"] = to_bed(instances)
    texts["instances.gff3"] = tracks.to_gff3(instances)
    texts["instances.fimo.tsv"] = tracks.to_fimo(bundle, instances, findings.sequences)
    signal = tracks.contribution_signal(instances)
    texts["contribution.bedgraph"] = tracks.to_bedgraph(signal)
    texts["params.json"] = json.dumps(settings, indent=1, default=str)
    for name, text in texts.items():
        (out / name).write_text(text, encoding="utf-8")
    (out / "contribution.bw").unlink(missing_ok=True)
    if len(signal) and tracks.have_places(findings.sequences.names):
        tracks.write_bigwig(signal, out / "contribution.bw", sizes=sizes)
    for old in (out / "logos").glob("*.svg"):
        old.unlink()
    write_logos({motif.name: motif.motif.pfm for motif in bundle.motifs if motif.counts}, out / "logos")
    files = {name: what for name, what in FILES.items() if (out / name).exists()}
    (out / "report.html").write_text(render(_page(findings, settings, files)), encoding="utf-8")
    return [out / name for name in (*files, "report.html")]


def _tables(findings: Findings) -> dict[str, str]:
    """Every table as TSV, by its file's name."""
    syntax = findings.rules.syntax
    tables: dict[str, tuple[Table, pd.DataFrame]] = {
        "predictions": (PREDICTIONS, findings.predictions),
        "instances": (INSTANCES, findings.instances),
        "ignored": (IGNORED, findings.ignored),
        "dropped": (DROPPED, findings.dropped),
        "motifs": (MOTIFS, motif_table(findings.bundle.motifs)),
        "cards": (CARDS, findings.cards),
        "rules": (RULES, findings.rules.rules),
        "merged": (MERGED, syntax.merged),
        "pairs": (PAIRS, syntax.pairs),
        "arrangements": (ARRANGEMENTS, syntax.arrangements),
        "gaps": (GAPS, syntax.gaps),
        "ranges": (RANGES, syntax.ranges),
        "causal": (CAUSAL, findings.rules.causal),
        "receipt": (RECEIPT, findings.receipt.table),
    }
    return {f"{name}.tsv": schema.to_tsv(frame) for name, (schema, frame) in tables.items()}


def _page(findings: Findings, settings: dict[str, Any], files: Mapping[str, str]) -> Page:
    bundle, rules = findings.bundle, findings.rules
    return Page(
        model=bundle.name,
        **{key: str(bundle.card.get(key, "")) for key in ("description", "data", "split")},
        pfms={motif.name: motif.motif.pfm for motif in bundle.motifs},
        examples=_examples(findings),
        predictions=findings.predictions,
        instances=findings.instances,
        cards=findings.cards,
        rules=rules.rules,
        merged=rules.syntax.merged,
        gaps=rules.syntax.gaps,
        causal=rules.causal,
        receipt=findings.receipt.table,
        verdict=findings.receipt.verdict,
        passed=findings.receipt.passed,
        ignored=findings.ignored["motif"].value_counts().to_dict(),
        dropped=findings.dropped,
        settings=settings,
        files=files,
    )


def _examples(findings: Findings) -> list[Example]:
    """Sequences with an instance, from the highest logit to the lowest and evenly spread in between: each in its
    best window.
    """
    best = findings.predictions.sort_values("logit", ascending=False, kind="stable").drop_duplicates(
        "sequence"
    )
    best = best[best["sequence"].isin(findings.instances["sequence"])]
    picked = np.unique(np.linspace(0, len(best) - 1, min(EXAMPLES, len(best))).round().astype(int))
    index = {name: i for i, name in enumerate(findings.sequences.names)}
    examples = []
    for row in best.iloc[picked].itertuples():
        codes = findings.sequences.codes_of(index[row.sequence])
        start, end = max(row.start0, 0), min(row.end0, len(codes))
        mine = findings.instances[findings.instances["sequence"] == row.sequence]
        mine = mine[(mine["end0"] > start) & (mine["start0"] < end)]
        text = decode(codes[start:end])
        examples.append(Example(row.sequence, start, text, row.logit, row.probability, mine))
    return examples
