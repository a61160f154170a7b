"""The command line: thin over the library. Heavy imports wait inside the commands, so that `--help` answers at once."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from argminn_core.errors import ArgminnError

app = typer.Typer(
    name="argminn", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Train interpretable networks on regulatory sequences, read their motifs, instances and rules, and design "
    "new sequences. Coordinates in every table are 0-based and half-open.",
)  # fmt: skip

Out = Annotated[Path, typer.Option(help="Folder for the results; it is made where missing.")]
Model = Annotated[
    str, typer.Option(help="A bundled or user model by name (see `argminn models`), or a file.")
]
Fasta = Annotated[Path, typer.Option(help="FASTA, plain, gzip or bgzip.")]
Ambiguous = Annotated[bool, typer.Option("--ambiguous-n", help="Read ambiguous letters such as R or Y as N.")]
ChromSizes = Annotated[
    Path | None,
    typer.Option(help="Sizes of the chromosomes for the bigWig: a .fai, a .sizes, or the genome's FASTA."),
]
MinContribution = Annotated[float, typer.Option(help="Smallest fall of the logit that makes an instance.")]
Stride = Annotated[int | None, typer.Option(help="Bases between windows of long records; half a window.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bar.")]


@app.command()
def simulate(
    grammar: Annotated[
        str, typer.Option(help="SPI1, TAL/GATA, E2F6, JUND/TEAD, REST, SPI1/CTCF, or a JSON file.")
    ],
    out: Out,
    n: Annotated[int, typer.Option(min=1, help="Sequences of each class.")] = 1000,
    length: Annotated[int, typer.Option(min=20, help="Bases of a sequence.")] = 500,
    seed: int = 0,
    as_genome: Annotated[
        bool,
        typer.Option(
            "--as-genome", help="A small genome with the positives on it, and their BED: to practise."
        ),
    ] = False,
) -> None:
    """Simulate a grammar: positives.fa, negatives.fa, and truth.tsv with every planted motif of both.

    With --as-genome instead genome.fa (chr1, chr2, chr3), peaks.bed, and truth.tsv in the genome's coordinates.
    """
    import numpy as np
    import pandas as pd

    from argminn_core.dna import decode_all
    from argminn_core.fasta import write_fasta
    from argminn_core.simulate import simulate as draw
    from argminn_core.tables import PLACEMENTS

    rules = _grammar(grammar)
    out.mkdir(parents=True, exist_ok=True)
    if as_genome:
        from argminn_core.dna import decode
        from argminn_core.practice import practice_genome

        made = practice_genome(rules, n, length=length, seed=seed)
        write_fasta(((name, decode(codes)) for name, codes in made.chroms.items()), out / "genome.fa")
        bed = made.regions[["chrom", "start0", "end0", "name"]]
        bed.to_csv(out / "peaks.bed", sep="\t", header=False, index=False)
        PLACEMENTS.write(made.truth, out / "truth.tsv")
        _write_params(out, grammar=rules.to_dict(), n=n, length=length, seed=seed, as_genome=True)
        typer.echo(f"{n} regions of {rules.name} on {', '.join(made.chroms)} in {out}")
        return
    truth = []
    for index, label in enumerate(("positives", "negatives")):
        made = draw(
            rules, n, length=length, seed=np.random.default_rng([seed, index]), positives=label == "positives"
        )
        write_fasta(zip(made.names, decode_all(made.codes), strict=True), out / f"{label}.fa")
        truth.append(made.truth)
    PLACEMENTS.write(pd.concat(truth, ignore_index=True), out / "truth.tsv")
    _write_params(out, grammar=rules.to_dict(), n=n, length=length, seed=seed)
    typer.echo(f"{n} positives and {n} negatives of {rules.name} in {out}")


@app.command()
def regions(
    peaks: Annotated[Path, typer.Option(help="BED or narrowPeak; windows are centred on the summits.")],
    genome: Annotated[Path, typer.Option(help="FASTA of the genome, or a folder of chromosomes.")],
    out: Annotated[Path, typer.Option(help="FASTA of the windows, named after their places: chr1:100-600.")],
    length: Annotated[int, typer.Option(min=1, help="Bases of a window; what the model reads.")] = 500,
) -> None:
    """Cut the regions of a BED file out of a genome, as sequences for `scan`, `syntax`, `report` and `design`."""
    import pandas as pd

    from argminn_core.fasta import write_fasta
    from argminn_core.genome import Genome
    from argminn_core.regions import fasta_records, read_bed, windows

    wanted, unread = read_bed(peaks)
    codes, kept, lost = windows(wanted, Genome(genome), length=length)
    dropped = pd.concat([unread, lost], ignore_index=True)
    if kept.empty:
        reasons = ", ".join(
            f"{count} x {reason}" for reason, count in dropped["reason"].value_counts().items()
        )
        raise ArgminnError(
            f"no region of {peaks} could be cut out of {genome}", found=reasons,
            mend="Check that regions and genome are of one assembly",
        )  # fmt: skip
    _make_parent(out)
    write_fasta(fasta_records(codes, kept), out)
    _say_dropped(dropped)
    typer.echo(f"{len(kept)} regions of {length} bp in {out}")


@app.command()
def train(
    out: Out,
    grammar: Annotated[str, typer.Option(help="Train on fresh simulated sequences of this grammar.")] = "",
    positives: Annotated[Path | None, typer.Option(help="FASTA of positive sequences.")] = None,
    negatives: Annotated[
        str,
        typer.Option(help="FASTA of negatives; or `shuffle` (dinucleotides kept); with --peaks also `gc`."),
    ] = "",
    peaks: Annotated[
        Path | None, typer.Option(help="BED or narrowPeak; windows are centred on the summits.")
    ] = None,
    genome: Annotated[
        Path | None, typer.Option(help="FASTA of the genome, or a folder of chromosomes.")
    ] = None,
    length: Annotated[
        int | None, typer.Option(min=20, help="Bases of a sequence; 500, or the FASTA's.")
    ] = None,
    valid_chroms: Annotated[
        str, typer.Option(help="Held out for validation: chr20, or chr20:0-12000000.")
    ] = "",
    test_chroms: Annotated[str, typer.Option(help="Held out for the test, comma-separated.")] = "",
    valid_fraction: float = 0.1,
    test_fraction: float = 0.1,
    recipe: Annotated[
        str, typer.Option(help="grammar, peaks or paper; chosen by the data where left out.")
    ] = "",
    start: Annotated[
        str,
        typer.Option(
            help="Where filters start: `random`, `words` (found here), `jaspar` (known), `halves` (their ends)."
        ),
    ] = "",
    strands: Annotated[
        str | None, typer.Option(help="both (one filter reads both strands) or single.")
    ] = None,
    filters: int | None = None,
    width: Annotated[int | None, typer.Option(help="Bases of a filter.")] = None,
    spacing: Annotated[
        int | None, typer.Option(help="Largest distance that attention knows; 0 switches it off.")
    ] = None,
    epochs: int | None = None,
    batches: Annotated[int | None, typer.Option(help="Batches of an epoch.")] = None,
    patience: Annotated[
        int | None, typer.Option(help="Stop after so many epochs without a better auROC.")
    ] = None,
    seed: int = 0,
    name: Annotated[str, typer.Option(help="The model's name; the folder's where left out.")] = "",
    description: Annotated[str, typer.Option(help="A line for the model's card.")] = "",
    device: Annotated[str | None, typer.Option(help="cpu or cuda; a GPU is used where there is one.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an unfinished training in --out.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Train a model on a grammar, on two FASTA files, or on peaks of a genome.

    Writes model.safetensors, params.json, history.jsonl, metrics.json and dropped.tsv. The test part is looked at
    once, at the end.
    """
    import torch

    from argminn_core import recipe as recipes
    from argminn_core.datasets import DEFAULT_RECIPE
    from argminn_core.pruning import in_words
    from argminn_core.train import pick_device

    kinds = {"--grammar": bool(grammar), "--positives": positives is not None, "--peaks": peaks is not None}
    if sum(kinds.values()) != 1:
        raise _usage(
            "say what to train on",
            [k for k, v in kinds.items() if v] or "nothing",
            "one of " + ", ".join(kinds),
        )
    if strands not in (None, "both", "single"):
        raise _usage("unknown strands", strands, "both or single")
    if start not in ("", "random", "words", "jaspar", "halves"):
        raise _usage("unknown start", start, "random, words, jaspar or halves")
    if grammar:
        source, about, dropped = _grammar_data(grammar, length, seed)
    elif positives is not None:
        source, about, dropped = _fasta_data(
            positives, negatives, length, valid_fraction, test_fraction, seed
        )
    else:
        source, about, dropped = _peak_data(peaks, genome, negatives, length, valid_chroms, test_chroms, seed)
    chosen = recipes.recipe(
        recipe or DEFAULT_RECIPE["grammar" if grammar else "fasta" if positives is not None else "peaks"],
        model={
            "length": source.length,
            "filters": filters,
            "width": width,
            "strands": strands,
            "spacing": spacing,
        },
        train={"epochs": epochs, "batches": batches, "patience": patience, "seed": seed},
        start=start or None,
    )
    about = {"description": description} | about
    run = recipes.Run(name or out.name, source, chosen, out, about, dropped)
    if len(dropped):
        counts = ", ".join(
            f"{count} x {reason}" for reason, count in dropped["reason"].value_counts().items()
        )
        typer.echo(f"dropped {len(dropped)} records ({counts}); see {out / 'dropped.tsv'}")
    typer.echo(f"training on {pick_device(device)}, {torch.get_num_threads()} threads")
    for record in run.epochs(resume=resume, device=device):
        if not quiet:
            typer.echo(
                f"epoch {record.epoch:>3}/{record.epochs}  loss {record.bce:.4f}  "
                f"valid auROC {record.valid_auroc:.4f}  left {_clock(record.remaining)}"
            )
    bundle = run.finish()
    test = bundle.card["metrics"]["test"]
    found = ", ".join(motif.name for motif in bundle.motifs if motif.counts) or "none"
    if left := in_words(bundle.card):
        typer.echo(f"{bundle.model.config.filters} filters {left}")
    typer.echo(f"test auROC {test['auroc']:.4f}, auPRC {test['auprc']:.4f}; motifs: {found}")
    typer.echo(f"wrote {out / 'model.safetensors'}")


@app.command()
def models() -> None:
    """List the bundled models and your own (in $ARGMINN_HOME/models)."""
    from argminn_core import zoo
    from argminn_core.checkpoint import load_model

    for name in zoo.names():
        bundle = load_model(zoo.resolve(name))
        test = bundle.card.get("metrics", {}).get("test", {})
        found = ", ".join(motif.name for motif in bundle.motifs if motif.counts)
        kind = "bundled" if zoo.is_bundled(name) else "yours"
        typer.echo(
            f"{name}\t{kind}\t{bundle.length} bp\tauROC {test.get('auroc', float('nan')):.3f}\t{found}"
        )


@app.command()
def predict(
    model: Model,
    fasta: Fasta,
    out: Annotated[Path, typer.Option(help="TSV: sequence, logit, probability, start0, end0, note.")],
    stride: Stride = None,
    ambiguous_n: Ambiguous = False,
    quiet: Quiet = False,
) -> None:
    """Predict every sequence. Longer ones than the model's are read in windows, shorter ones padded with N."""
    from argminn_core.predict import predict_sequences
    from argminn_core.tables import PREDICTIONS

    bundle, sequences, dropped = _load(model, fasta, ambiguous_n)
    with _progress("predicting", quiet) as progress:
        predictions, unread = predict_sequences(bundle, sequences, stride=stride, progress=progress)
    _make_parent(out)
    PREDICTIONS.write(predictions, out)
    _say_dropped(dropped, unread)
    typer.echo(f"{len(predictions)} predictions in {out}")


@app.command()
def motifs(
    model: Model,
    out: Out,
    fasta: Annotated[
        Path | None, typer.Option(help="Sequences to say more about each motif: cards.tsv.")
    ] = None,
    jaspar_groups: Annotated[
        str,
        typer.Option(
            help="Name the motifs anew after these groups of JASPAR 2026, such as vertebrates,plants."
        ),
    ] = "",
    database: Annotated[
        Path | None, typer.Option(help="Name the motifs anew after the motifs of a MEME file.")
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Logos as PDF too.")] = False,
    stride: Stride = None,
    ambiguous_n: Ambiguous = False,
    quiet: Quiet = False,
) -> None:
    """Export what the filters learned: motifs.meme, .jaspar, .transfac and .tsv, and a logo of each in logos/.

    Names are the model's own unless a database is given; then the table says where each motif lies on its match.
    """
    from argminn_core import pfm
    from argminn_core.checkpoint import load_model
    from argminn_core.fasta import read_fasta
    from argminn_core.plot.logo import write_logos
    from argminn_core.readout import motif_table, renamed
    from argminn_core.tables import CARDS, MOTIFS
    from argminn_core.zoo import resolve

    if jaspar_groups and database is not None:
        raise _usage(
            "two databases to name the motifs after", "--jaspar-groups and --database", "one of them"
        )
    bundle, matches = load_model(resolve(model)), None
    if fasta is not None:
        sequences, dropped = read_fasta(fasta, ambiguous="N" if ambiguous_n else "error")
    if database is not None:
        bundle, matches = renamed(bundle, database=pfm.read_meme(database))
    elif jaspar_groups:
        bundle, matches = renamed(bundle, groups=[group.strip() for group in jaspar_groups.split(",")])
    found = [motif for motif in bundle.motifs if motif.counts]
    out.mkdir(parents=True, exist_ok=True)
    for kind, text in (("meme", pfm.to_meme), ("jaspar", pfm.to_jaspar), ("transfac", pfm.to_transfac)):
        (out / f"motifs.{kind}").write_text(text([motif.motif for motif in found]), encoding="utf-8")
    MOTIFS.write(motif_table(bundle.motifs, matches), out / "motifs.tsv")
    cores = {motif.name: motif.motif.pfm for motif in found}
    write_logos(cores, out / "logos", print_formats=("svg", "pdf") if pdf else ("svg",))
    if fasta is not None:
        from argminn_core.card import motif_cards
        from argminn_core.instances import scan as read

        with _progress("scanning", quiet) as progress:
            reading = read(bundle, sequences, stride=stride, progress=progress)
        CARDS.write(motif_cards(bundle, reading, sequences), out / "cards.tsv")
        _say_dropped(dropped, reading.dropped)
    for motif in found:
        near = f"{motif.match} {motif.match_name}, q = {motif.q_value:.1g}" if motif.match else "no match"
        typer.echo(f"{motif.name}\t{motif.motif.consensus}\t{near}")
    typer.echo(f"{len(found)} motifs of {len(bundle.motifs)} filters in {out}")


@app.command()
def scan(
    model: Model,
    fasta: Fasta,
    out: Out,
    min_contribution: MinContribution = 1.0,
    paper_rule: Annotated[bool, typer.Option("--paper-rule", help="Attention and activation alone.")] = False,
    q_values: Annotated[
        bool, typer.Option("--q-values", help="False discovery rates, by a scan of shuffled sequences.")
    ] = False,
    ignored: Annotated[
        bool, typer.Option("--ignored", help="Matches that the model did not use: ignored.tsv.")
    ] = False,
    sites: Annotated[
        bool,
        typer.Option(
            "--sites", help="Every site that is probably there, whether the model used it or not: sites.tsv."
        ),
    ] = False,
    tracks: Annotated[
        bool,
        typer.Option("--tracks", help="Contribution and attention for genome browsers: .bedgraph and .bw."),
    ] = False,
    chrom_sizes: ChromSizes = None,
    stride: Stride = None,
    seed: Annotated[int, typer.Option(help="Of the shuffles for --q-values.")] = 0,
    ambiguous_n: Ambiguous = False,
    quiet: Quiet = False,
) -> None:
    """Find the motif instances that the model read: instances.tsv, .bed and .gff3, predictions.tsv, dropped.tsv.

    Tracks need sequences that are named after their place in a genome, such as chr1:100-600 (0-based, half-open).
    """
    import pandas as pd

    from argminn_core import tracks as files
    from argminn_core.instances import scan as read
    from argminn_core.instances import to_bed
    from argminn_core.tables import DROPPED, IGNORED, INSTANCES, PREDICTIONS

    bundle, sequences, dropped = _load(model, fasta, ambiguous_n)
    if tracks and not files.have_places(sequences.names):
        raise _usage("--tracks needs places in a genome", sequences.names[0], "names such as chr1:100-600")
    least = None if paper_rule else min_contribution
    with _progress("scanning", quiet) as progress:
        result = read(bundle, sequences, min_contribution=least, stride=stride, progress=progress)
        instances = result.instances
        if q_values:
            from argminn_core.decoys import q_values as rates

            instances = rates(
                bundle, sequences, instances, stride=stride, seed=seed,
                progress=lambda done, total: progress(done, total, "shuffles"),
            )  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    PREDICTIONS.write(result.predictions, out / "predictions.tsv")
    INSTANCES.write(instances, out / "instances.tsv")
    (out / "instances.bed").write_text(to_bed(instances), encoding="utf-8")
    (out / "instances.gff3").write_text(files.to_gff3(instances), encoding="utf-8")
    DROPPED.write(pd.concat([dropped, result.dropped], ignore_index=True), out / "dropped.tsv")
    if ignored:
        from argminn_core.ignored import ignored_matches

        with _progress("ignored matches", quiet) as progress:
            rest = ignored_matches(bundle, sequences, instances, stride=stride, progress=progress)
        IGNORED.write(rest, out / "ignored.tsv")
    if sites:
        from argminn_core.occupancy import sites as probable

        with _progress("probable sites", quiet) as progress:
            found = probable(bundle, sequences, stride=stride, progress=progress)
        INSTANCES.write(found, out / "sites.tsv")
    if tracks:
        with _progress("tracks", quiet) as progress:
            attention = files.attention_signal(bundle, sequences, stride=stride, progress=progress)
        _write_tracks(
            out, chrom_sizes, contribution=files.contribution_signal(instances), attention=attention
        )
    _write_params(
        out, model=model, fasta=str(fasta), min_contribution=least, stride=stride, digest=_digest(fasta),
        **({"q_values": True, "seed": seed} if q_values else {}),
    )  # fmt: skip
    _say_dropped(dropped, result.dropped)
    typer.echo(f"{len(instances)} instances in {len(sequences)} sequences; see {out}")


@app.command()
def syntax(
    model: Model,
    fasta: Fasta,
    out: Out,
    controls: Annotated[
        Path | None,
        typer.Option(help="FASTA of sequences without the signal: what is rare there can be a rule."),
    ] = None,
    max_gap: Annotated[
        int, typer.Option(min=0, help="Largest gap that is tested and planted, in bases.")
    ] = 150,
    stride: Stride = None,
    seed: int = 0,
    ambiguous_n: Ambiguous = False,
    quiet: Quiet = False,
) -> None:
    """Find the rules that a model goes by: which motifs, in which order and orientation, at which gaps.

    Prints them, and writes rules.tsv; pairs.tsv, arrangements.tsv, gaps.tsv and ranges.tsv (what the sequences show);
    causal.tsv (what planting the pairs does to the logit); merged.tsv (filters that are one motif); dropped.tsv.
    """
    import pandas as pd

    from argminn_core import tables
    from argminn_core.fasta import read_fasta
    from argminn_core.instances import scan as read
    from argminn_core.rules import find_rules, with_controls

    bundle, sequences, dropped = _load(model, fasta, ambiguous_n)
    given = [path for path in (fasta, controls) if path is not None]
    if controls is not None:
        against, unread = read_fasta(controls, ambiguous="N" if ambiguous_n else "error")
        sequences = with_controls(sequences, against)
        dropped = pd.concat([dropped, unread], ignore_index=True)
    with _progress("scanning", quiet) as progress:
        found = read(bundle, sequences, min_contribution=None, stride=stride, progress=progress)
    with _progress("planting", quiet) as progress:
        rules = find_rules(bundle, sequences, found, max_gap=max_gap, seed=seed, progress=progress)
    dropped = pd.concat([dropped, found.dropped], ignore_index=True)
    out.mkdir(parents=True, exist_ok=True)
    for name, frame in (
        ("pairs", rules.syntax.pairs), ("arrangements", rules.syntax.arrangements), ("gaps", rules.syntax.gaps),
        ("ranges", rules.syntax.ranges),
        ("merged", rules.syntax.merged), ("causal", rules.causal), ("rules", rules.rules), ("dropped", dropped),
    ):  # fmt: skip
        getattr(tables, name.upper()).write(frame, out / f"{name}.tsv")
    _write_params(
        out, model=model, fasta=str(fasta), controls=None if controls is None else str(controls), max_gap=max_gap,
        stride=stride, seed=seed, digests={path.name: _digest(path) for path in given},
    )  # fmt: skip
    _say_dropped(dropped)
    for row in rules.rules.itertuples():
        typer.echo(f"{row.kind}: {row.sentence}")
    typer.echo(f"{len(rules.rules)} rules in {len(sequences)} sequences; see {out}")


@app.command()
def report(
    model: Model,
    fasta: Fasta,
    out: Out,
    controls: Annotated[
        Path | None,
        typer.Option(help="FASTA of sequences without the signal, which the rules are held against."),
    ] = None,
    chrom_sizes: ChromSizes = None,
    min_contribution: MinContribution = 1.0,
    stride: Stride = None,
    seed: int = 0,
    ambiguous_n: Ambiguous = False,
    quiet: Quiet = False,
) -> None:
    """Say all that a model reads in sequences, with tests of it: report.html, and every table and track beside it.

    Sequences named after their place in a genome, such as chr1:100-600, give tracks for genome browsers.
    """
    from argminn_core import report as reports
    from argminn_core import tracks
    from argminn_core.fasta import read_fasta

    bundle, sequences, dropped = _load(model, fasta, ambiguous_n)
    inputs = {"fasta": fasta, "controls": controls, "chrom_sizes": chrom_sizes}
    given = {name: path for name, path in inputs.items() if path is not None}
    against, sizes = None, None
    if controls is not None:
        against, _ = read_fasta(controls, ambiguous="N" if ambiguous_n else "error")
    if chrom_sizes is not None:
        sizes = tracks.chrom_sizes(chrom_sizes)
        reports.check_sizes(sequences, sizes)
    with _steps(reports.STEPS, quiet) as progress:
        findings = reports.examine(
            bundle, sequences, controls=against, dropped=dropped, min_contribution=min_contribution, stride=stride,
            seed=seed, progress=progress,
        )  # fmt: skip
        progress("files", 0, 1)
        reports.write(
            findings, out, sizes=sizes, command=["report"], **{name: str(path) for name, path in given.items()},
            ambiguous_n=ambiguous_n,
            digests={path.name: _digest(path) for path in given.values() if path.is_file()},
        )  # fmt: skip
    _say_dropped(findings.dropped)
    if sizes is not None and not (out / "contribution.bw").exists():
        typer.echo(
            "no bigWig: the sequences' names are no places such as chr1:100-600, or nothing was found",
            err=True,
        )
    typer.echo(
        f"{len(findings.instances)} instances in {len(sequences)} sequences, {len(findings.rules.rules)} rules"
    )
    typer.echo(findings.receipt.verdict)
    typer.echo(f"see {out / 'report.html'}")


@app.command()
def variants(
    model: Model,
    fasta: Fasta,
    vcf: Annotated[
        Path,
        typer.Option(
            help="VCF, plain or gzip; CHROM names a sequence, or the chromosome of one named chr1:100-600."
        ),
    ],
    out: Out,
    min_contribution: MinContribution = 1.0,
    max_variants: Annotated[int, typer.Option(min=1, help="Most alleles that are read.")] = 100_000,
    ambiguous_n: Ambiguous = False,
    quiet: Quiet = False,
) -> None:
    """Say what variants do: variants.tsv (logits, instances lost and gained), variants.vcf, dropped.tsv.

    Each allele is read in a window centred on the variant. The VCF has a record for each alternative allele that was
    read, with what the model says of it in INFO; genotypes and other columns are not carried over.
    """
    import pandas as pd

    from argminn_core import __version__
    from argminn_core.tables import DROPPED, VARIANTS
    from argminn_core.variants import contig_lengths, variant_effects
    from argminn_core.vcf import read_vcf, to_vcf

    bundle, sequences, dropped = _load(model, fasta, ambiguous_n)
    edits, unread = read_vcf(vcf, max_records=max_variants)
    with _progress("reading alleles", quiet) as progress:
        effects = variant_effects(
            bundle, sequences, edits, min_contribution=min_contribution, max_rows=max_variants, progress=progress
        )  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    VARIANTS.write(effects.table, out / "variants.tsv")
    text = to_vcf(
        effects.table,
        model=bundle.name,
        version=__version__,
        lengths=contig_lengths(sequences, effects.table),
    )
    (out / "variants.vcf").write_text(text, encoding="utf-8")
    lost = pd.concat([dropped, unread, effects.dropped], ignore_index=True)
    DROPPED.write(lost, out / "dropped.tsv")
    _write_params(
        out, model=model, fasta=str(fasta), vcf=str(vcf), min_contribution=min_contribution,
        max_variants=max_variants, ambiguous_n=ambiguous_n,
        digests={path.name: _digest(path) for path in (fasta, vcf)},
    )  # fmt: skip
    _say_dropped(lost)
    typer.echo(f"{len(effects.table)} effects of {len(edits)} alleles; see {out}")


@app.command()
def edit(
    model: Model,
    out: Annotated[Path, typer.Option(help="The new model's file; the old one is left as it is.")],
    mute: Annotated[
        list[str] | None, typer.Option(help="Make the model deaf to this motif; repeatable.")
    ] = None,
    swap: Annotated[
        tuple[str, str] | None, typer.Option(help="Two motifs, each to be read where the other was.")
    ] = None,
    import_: Annotated[str, typer.Option("--import", help="A motif of a MEME file, as FILE:NAME.")] = "",
    into: Annotated[str, typer.Option(help="The motif that the imported one replaces.")] = "",
) -> None:
    """Change one motif of a model: mute it, swap it with another, or put a known one in its place."""
    from argminn_core import edit as edits
    from argminn_core.checkpoint import load_model, save_model
    from argminn_core.zoo import resolve

    asked = {"--mute": bool(mute), "--swap": swap is not None, "--import": bool(import_)}
    if sum(asked.values()) != 1:
        raise _usage(
            "say what to edit", [k for k, v in asked.items() if v] or "nothing", "one of " + ", ".join(asked)
        )
    if bool(import_) != bool(into):
        raise _usage(
            "--import and --into belong together",
            f"--import {import_}" if import_ else f"--into {into}",
            "both",
        )
    bundle = load_model(resolve(model))
    if mute:
        edited = edits.mute(bundle, mute)
    elif swap is not None:
        edited = edits.swap(bundle, *swap)
    else:
        edited = edits.import_motif(bundle, into, _meme_motif(import_))
    _make_parent(out)
    save_model(out, edited.renamed(out.stem))
    typer.echo(f"{', '.join(motif.name for motif in edited.motifs if motif.counts) or 'no motifs'} in {out}")


@app.command()
def design(
    model: Model,
    background: Annotated[Path, typer.Option(help="FASTA with one background, or one for each `sequence`.")],
    out: Annotated[Path, typer.Option(help="FASTA of the designs, with what was placed in each header.")],
    placements: Annotated[
        Path | None, typer.Option(help="TSV: sequence start0 end0 motif strand, and site where chosen.")
    ] = None,
    place: Annotated[
        list[str] | None,
        typer.Option(help="Instead of a table: MOTIF@START and strand, such as GATA1@98+; repeatable."),
    ] = None,
    genbank: Annotated[
        Path | None, typer.Option(help="GenBank of the same, a feature for each placement.")
    ] = None,
    sample: Annotated[
        bool, typer.Option("--sample", help="Draw sites from the motifs, not their consensus.")
    ] = False,
    seed: int = 0,
) -> None:
    """Write motifs into backgrounds and say what the model thinks of it, before and after.

    With --place there is one design, named after --out; START is 0-based.
    """
    import numpy as np

    from argminn_core import design_files as files
    from argminn_core.checkpoint import load_model
    from argminn_core.design import parse_wishes, render_all
    from argminn_core.dna import encode
    from argminn_core.fasta import read_fasta
    from argminn_core.predict import predict as logits_of
    from argminn_core.tables import PLACEMENTS
    from argminn_core.zoo import resolve

    if (placements is None) == (not place):
        raise _usage("say what to place", "both" if place else "nothing", "one of --placements, --place")
    bundle = load_model(resolve(model))
    pfms = {motif.name: motif.motif.pfm for motif in bundle.motifs}
    frame = (
        PLACEMENTS.read(placements) if placements is not None else parse_wishes(place, pfms, name=out.stem)
    )
    sequences, dropped = read_fasta(background)
    known = {name: sequences.codes_of(i) for i, name in enumerate(sequences.names)}
    # One background serves every design, unless the table names it.
    single = len(known) == 1 and not set(frame["sequence"]) <= set(known)
    below = next(iter(known.values())) if single else known
    designs = render_all(frame, below, pfms, mode="sample" if sample else "consensus", seed=seed)
    saved = []
    for name, made in designs.items():
        if len(made.text) != bundle.length:
            raise ArgminnError(
                f"the background of {name} does not fit the model",
                found=f"{len(made.text)} bp", expected=f"{bundle.length} bp",
            )  # fmt: skip
        beneath = below if single else below[name]
        before, logit = map(float, logits_of(bundle.model, np.stack([beneath, encode(made.text)])))
        saved.append(files.SavedDesign(name, made.placements, beneath, bundle.name, logit))
        typer.echo(f"{name}\tlogit {logit:.3f}, background {before:.3f}\t{len(made.placements)} placements")
    for path, write in ((out, files.designs_fasta), (genbank, files.designs_genbank)):
        if path is not None:
            _make_parent(path)
            path.write_text(write(saved, pfms), encoding="utf-8")
    _say_dropped(dropped)
    typer.echo(f"{len(saved)} designs in {out}" + (f" and {genbank}" if genbank else ""))


@app.command(name="app")
def open_app(port: int = 8501) -> None:
    """Open the app in a browser. It needs a checkout of the repository."""
    import subprocess

    main_page = Path(__file__).parents[1] / "app" / "main.py"
    if not main_page.exists():
        raise ArgminnError(
            "the app's pages are not installed beside the package", mend="Run `make app` in a checkout"
        )
    command = [sys.executable, "-m", "streamlit", "run", str(main_page), "--server.port", str(port)]
    raise typer.Exit(subprocess.call(command, cwd=main_page.parents[1]))


def _grammar_data(name: str, length: int | None, seed: int) -> tuple[Any, dict, Any]:
    from argminn_core.datasets import from_grammar

    return from_grammar(_grammar(name), length=length, seed=seed)


def _fasta_data(
    positives: Path, negatives: str, length: int | None, valid: float, test: float, seed: int
) -> tuple[Any, dict, Any]:
    from argminn_core.datasets import from_fasta

    if negatives == "gc":
        raise _usage(
            "--negatives gc draws from a genome", "--positives", "--peaks and --genome, or `shuffle`"
        )
    bad = None if negatives in ("", "shuffle") else Path(negatives)
    return from_fasta(positives, bad, length=length, valid_fraction=valid, test_fraction=test, seed=seed)


def _peak_data(
    peaks: Path, genome: Path | None, negatives: str, length: int | None, valid: str, test: str, seed: int
) -> tuple[Any, dict, Any]:
    from argminn_core.datasets import from_peaks

    if genome is None:
        raise _usage("--peaks needs a genome", "no --genome", "--genome FASTA or a folder of chromosomes")
    if not valid or not test:
        raise _usage("--peaks needs a split by chromosome", "no split", "--valid-chroms and --test-chroms")
    if negatives not in ("", "gc", "shuffle"):
        raise _usage("unknown --negatives for peaks", negatives, "gc or shuffle")
    return from_peaks(
        peaks, genome, length=length, valid=valid.split(","), test=test.split(","), negatives=negatives or "gc",
        seed=seed,
    )  # fmt: skip


def _grammar(name: str) -> Any:
    from argminn_core.simulate import Grammar
    from argminn_core.simulate import grammar as by_name

    if not name.endswith(".json"):
        return by_name(name)
    try:
        return Grammar.from_dict(json.loads(Path(name).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise ArgminnError(
            f"the grammar {name} cannot be read", found=error, expected="a JSON file"
        ) from error


def _meme_motif(source: str) -> Any:
    """The motif that `FILE:NAME` names, by id or by its other name."""
    from argminn_core.pfm import read_meme

    path, _, name = source.rpartition(":")
    if not path:
        raise _usage("--import does not name a motif", source, "FILE:NAME, such as motifs.meme:MA0139.2")
    known = read_meme(Path(path))
    for motif in known:
        if name in (motif.name, motif.alt):
            return motif
    raise ArgminnError(
        f"{path} has no motif of that name",
        found=name,
        expected=", ".join(motif.name for motif in known[:20]),
    )


def _write_tracks(out: Path, chrom_sizes: Path | None, **signals: Any) -> None:
    """A bedGraph and a bigWig of each signal; a bigWig cannot be empty."""
    from argminn_core import tracks

    sizes = None if chrom_sizes is None else tracks.chrom_sizes(chrom_sizes)
    for name, signal in signals.items():
        (out / f"{name}.bedgraph").write_text(tracks.to_bedgraph(signal), encoding="utf-8")
        if len(signal):
            tracks.write_bigwig(signal, out / f"{name}.bw", sizes=sizes)
        else:
            typer.echo(f"no {name}.bw: nothing was found", err=True)


def _load(model: str, fasta: Path, ambiguous_n: bool) -> tuple[Any, Any, Any]:
    from argminn_core.checkpoint import load_model
    from argminn_core.fasta import read_fasta
    from argminn_core.zoo import resolve

    sequences, dropped = read_fasta(fasta, ambiguous="N" if ambiguous_n else "error")
    return load_model(resolve(model)), sequences, dropped


@contextlib.contextmanager
def _progress(label: str, quiet: bool) -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total, label=label: bar.update(
            task, completed=done, total=total, description=label
        )


@contextlib.contextmanager
def _steps(steps: Sequence[str], quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A bar that names the step which it counts; it yields `progress(step, done, total)`."""
    with _progress(steps[0], quiet) as progress:

        def say(step: str, done: int, total: int) -> None:
            progress(done, total, f"{step} ({steps.index(step) + 1}/{len(steps)})")

        yield say


def _digest(path: Path) -> str:
    from argminn_core.datasets import file_digest

    return file_digest(path)


def _write_params(out: Path, **params: Any) -> None:
    from argminn_core import __version__

    text = json.dumps({"command": sys.argv[1:2], "argminn": __version__, **params}, indent=1)
    (out / "params.json").write_text(text, encoding="utf-8")


def _make_parent(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)


def _say_dropped(*tables: Any) -> None:
    for table in tables:
        for reason, count in table["reason"].value_counts().items():
            typer.echo(f"dropped {count} records: {reason}", err=True)


def _usage(what: str, found: object, expected: str) -> ArgminnError:
    return ArgminnError(what, found=found, expected=expected, mend="See --help")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def main() -> None:
    """Run the command line; a user's mistake is one message and exit code 2."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        app()
    except ArgminnError as error:
        typer.echo(f"argminn: {error}", err=True)
        sys.exit(2)
