"""The command line: thin over the library. Heavy imports wait inside the commands, so that `--help` answers at once."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections.abc import Iterator
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
) -> None:
    """Simulate a grammar: positives.fa, negatives.fa, and truth.tsv with every planted motif of both."""
    import numpy as np
    import pandas as pd

    from argminn_core.dna import decode_all
    from argminn_core.fasta import write_fasta
    from argminn_core.simulate import simulate as draw
    from argminn_core.tables import PLACEMENTS

    rules = _grammar(grammar)
    out.mkdir(parents=True, exist_ok=True)
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
        str, typer.Option(help="Where filters start: `random`, or `jaspar` (known motifs).")
    ] = "",
    strands: Annotated[
        str | None, typer.Option(help="both (one filter reads both strands) or single.")
    ] = None,
    filters: int | None = None,
    width: Annotated[int | None, typer.Option(help="Bases of a filter.")] = None,
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
    if start not in ("", "random", "jaspar"):
        raise _usage("unknown start", start, "random or jaspar")
    if grammar:
        source, about, dropped = _grammar_data(grammar, length, seed)
    elif positives is not None:
        source, about, dropped = _fasta_data(
            positives, negatives, length, valid_fraction, test_fraction, seed
        )
    else:
        source, about, dropped = _peak_data(peaks, genome, negatives, length, valid_chroms, test_chroms, seed)
    chosen = recipes.recipe(
        recipe or ("grammar" if grammar else "peaks"),
        model={"length": source.length, "filters": filters, "width": width, "strands": strands},
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
def motifs(model: Model, out: Out) -> None:
    """Export what the filters learned: motifs.meme, motifs.tsv, and a logo of each in logos/."""
    from argminn_core.checkpoint import load_model
    from argminn_core.pfm import to_meme
    from argminn_core.plot.logo import logo_svg
    from argminn_core.readout import motif_table
    from argminn_core.tables import MOTIFS
    from argminn_core.zoo import resolve

    bundle = load_model(resolve(model))
    found = [motif for motif in bundle.motifs if motif.counts]
    logos = out / "logos"
    logos.mkdir(parents=True, exist_ok=True)
    (out / "motifs.meme").write_text(to_meme([motif.motif for motif in found]), encoding="utf-8")
    MOTIFS.write(motif_table(bundle.motifs), out / "motifs.tsv")
    for motif in found:
        safe = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in motif.name)
        (logos / f"{safe}.svg").write_text(logo_svg(motif.core_pfm, title=motif.name), encoding="utf-8")
    typer.echo(f"{len(found)} motifs of {len(bundle.motifs)} filters in {out}")


@app.command()
def scan(
    model: Model,
    fasta: Fasta,
    out: Out,
    min_contribution: Annotated[
        float, typer.Option(help="Smallest fall of the logit that makes an instance.")
    ] = 1.0,
    paper_rule: Annotated[bool, typer.Option("--paper-rule", help="Attention and activation alone.")] = False,
    stride: Stride = None,
    ambiguous_n: Ambiguous = False,
    quiet: Quiet = False,
) -> None:
    """Find the motif instances that the model read: predictions.tsv, instances.tsv, instances.bed, dropped.tsv."""
    import pandas as pd

    from argminn_core.instances import scan as read
    from argminn_core.instances import to_bed
    from argminn_core.tables import DROPPED, INSTANCES, PREDICTIONS

    bundle, sequences, dropped = _load(model, fasta, ambiguous_n)
    least = None if paper_rule else min_contribution
    with _progress("scanning", quiet) as progress:
        result = read(bundle, sequences, min_contribution=least, stride=stride, progress=progress)
    out.mkdir(parents=True, exist_ok=True)
    PREDICTIONS.write(result.predictions, out / "predictions.tsv")
    INSTANCES.write(result.instances, out / "instances.tsv")
    (out / "instances.bed").write_text(to_bed(result.instances), encoding="utf-8")
    DROPPED.write(pd.concat([dropped, result.dropped], ignore_index=True), out / "dropped.tsv")
    _write_params(
        out, model=model, fasta=str(fasta), min_contribution=least, stride=stride, digest=_digest(fasta)
    )
    _say_dropped(dropped, result.dropped)
    typer.echo(f"{len(result.instances)} instances in {len(sequences)} sequences; see {out}")


@app.command()
def design(
    model: Model,
    placements: Annotated[
        Path, typer.Option(help="TSV: sequence start0 end0 motif strand, and site where chosen.")
    ],
    background: Annotated[Path, typer.Option(help="FASTA with one background, or one for each `sequence`.")],
    out: Annotated[Path, typer.Option(help="FASTA of the designs, with what was placed in each header.")],
    sample: Annotated[
        bool, typer.Option("--sample", help="Draw sites from the motifs, not their consensus.")
    ] = False,
    seed: int = 0,
) -> None:
    """Write motifs into backgrounds and say what the model thinks of it."""
    from argminn_core.checkpoint import load_model
    from argminn_core.design import design_header, render_all
    from argminn_core.dna import encode
    from argminn_core.fasta import read_fasta, write_fasta
    from argminn_core.predict import predict as logits_of
    from argminn_core.tables import PLACEMENTS
    from argminn_core.zoo import resolve

    bundle = load_model(resolve(model))
    frame = PLACEMENTS.read(placements)
    sequences, dropped = read_fasta(background)
    known = {name: sequences.codes_of(i) for i, name in enumerate(sequences.names)}
    # One background serves every design, unless the table names it.
    single = len(known) == 1 and not set(frame["sequence"]) <= set(known)
    pfms = {motif.name: motif.motif.pfm for motif in bundle.motifs}
    designs = render_all(
        frame, next(iter(known.values())) if single else known, pfms,
        mode="sample" if sample else "consensus", seed=seed,
    )  # fmt: skip
    records = []
    for name, made in designs.items():
        if len(made.text) != bundle.length:
            raise ArgminnError(
                f"the background of {name} does not fit the model",
                found=f"{len(made.text)} bp", expected=f"{bundle.length} bp",
            )  # fmt: skip
        logit = float(logits_of(bundle.model, encode(made.text)[None])[0])
        header = design_header(name, model=bundle.name, logit=logit, placements=made.placements)
        records.append((header.removeprefix(">"), made.text))
        typer.echo(f"{name}\tlogit {logit:.3f}\t{len(made.placements)} placements")
    _make_parent(out)
    write_fasta(records, out)
    _say_dropped(dropped)
    typer.echo(f"{len(records)} designs in {out}")


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
    from argminn_core.sources import GrammarSource
    from argminn_core.tables import DROPPED

    rules = _grammar(name)
    source = GrammarSource(rules, length=length or 500, seed=seed)
    split = f"fresh sequences in every batch; {len(source.valid[1])} valid and {len(source.test[1])} test of their own"
    return source, {"data": f"simulated grammar {rules.name}", "split": split, "digests": {}}, DROPPED.empty()


def _fasta_data(
    positives: Path, negatives: str, length: int | None, valid: float, test: float, seed: int
) -> tuple[Any, dict, Any]:
    import pandas as pd

    from argminn_core.fasta import read_fasta
    from argminn_core.recipe import two_class_source

    good, dropped = read_fasta(positives)
    digests, bad = {positives.name: _digest(positives)}, None
    if negatives not in ("", "shuffle"):
        if negatives == "gc":
            raise _usage(
                "--negatives gc draws from a genome", "--positives", "--peaks and --genome, or `shuffle`"
            )
        bad, more = read_fasta(Path(negatives))
        dropped = pd.concat([dropped, more], ignore_index=True)
        digests[Path(negatives).name] = _digest(Path(negatives))
    source, more = two_class_source(
        good, bad, length=length, valid_fraction=valid, test_fraction=test, seed=seed
    )
    about = {
        "data": f"{positives.name} against {Path(negatives).name if bad is not None else 'dinucleotide shuffles'}",
        "split": f"at random, {valid:g} valid and {test:g} test, seed {seed}", "digests": digests,
    }  # fmt: skip
    return source, about, pd.concat([dropped, more], ignore_index=True)


def _peak_data(
    peaks: Path, genome: Path | None, negatives: str, length: int | None, valid: str, test: str, seed: int
) -> tuple[Any, dict, Any]:
    import pandas as pd

    from argminn_core.genome import Genome
    from argminn_core.regions import read_bed
    from argminn_core.sources import PeakSource

    if genome is None:
        raise _usage("--peaks needs a genome", "no --genome", "--genome FASTA or a folder of chromosomes")
    if not valid or not test:
        raise _usage("--peaks needs a split by chromosome", "no split", "--valid-chroms and --test-chroms")
    if negatives not in ("", "gc", "shuffle"):
        raise _usage("unknown --negatives for peaks", negatives, "gc or shuffle")
    regions, dropped = read_bed(peaks)
    source = PeakSource(
        regions, Genome(genome), length=length or 500, valid=valid.split(","), test=test.split(","),
        negatives=negatives or "gc", seed=seed,
    )  # fmt: skip
    counts = {part: int((source.split == part).sum()) for part in ("train", "valid", "test")}
    about = {
        "data": f"{peaks.name}: {len(source.regions):,} of {len(regions):,} peaks have a window in the genome; "
        + ("GC-matched windows" if source.kind == "gc" else "dinucleotide shuffles") + " as negatives",
        "split": f"valid {valid}, test {test}; peaks: " + ", ".join(f"{n} {part}" for part, n in counts.items()),
        "digests": {peaks.name: _digest(peaks)},
    }  # fmt: skip
    return source, about, pd.concat([dropped, source.dropped], ignore_index=True)


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
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _digest(path: Path) -> str:
    import hashlib

    with open(path, "rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


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
