"""Where the time goes, as ratios within one run: `python benchmarks/speed.py [--sequences 100000]`.

Prints Markdown. The machines that run this are shared: compare within a run, never across runs. Models: the bundled
`ctcf-hepg2` for inference, the REST grammar's settings for training.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parent))
import naive

from argminn_core import dna, losses
from argminn_core.backgrounds import uniform_codes
from argminn_core.checkpoint import load_model
from argminn_core.fasta import read_fasta
from argminn_core.instances import scan
from argminn_core.model import Active, ModelConfig, Tokens
from argminn_core.predict import predict, predict_sequences
from argminn_core.recipe import RECIPES
from argminn_core.train import build
from argminn_core.zoo import resolve

MEGA = 1e6


def median(call: Callable[[], object], *, runs: int = 7) -> float:
    """Seconds of the median of `runs` calls, after one that warms up."""
    call()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def training(filters: int, width: int) -> None:
    """One training step, written out and contracted, with the same numbers."""
    rng = np.random.default_rng(0)
    X = dna.one_hot(uniform_codes(rng, 128, 500))
    y = torch.from_numpy(rng.integers(0, 2, 128).astype(np.float32))
    model = build(ModelConfig(filters=filters, width=width), seed=0).train()
    weight = model.scanner.weight

    def loss_of(forward: Callable, overlap: Callable, entropy: Callable) -> torch.Tensor:
        out = forward()
        bce = F.binary_cross_entropy_with_logits(out.logit, y)
        return bce + 10 * overlap(out.act, weight) + 1e-2 * losses.l1(weight) + 1e-2 * entropy(out.att)

    ways = {
        "written out": lambda: loss_of(lambda: naive.forward(model, X), naive.overlap, naive.entropy),
        "contracted": lambda: loss_of(lambda: model(X), losses.overlap, losses.entropy),
    }
    seconds, values, gradients = {}, {}, {}
    for name, way in ways.items():

        def step(way: Callable = way) -> torch.Tensor:
            model.zero_grad(set_to_none=True)
            loss = way()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            return loss

        seconds[name] = median(step)
        values[name] = step().item()
        # A key's bias is the same for all positions: contracted, it never enters; written out, its gradient is 0.
        parts = [p.grad if p.grad is not None else torch.zeros_like(p) for p in model.parameters()]
        gradients[name] = torch.cat([part.flatten() for part in parts])
    a, b = gradients.values()
    print(f"\n## A training step (128 x 500 bp, {filters} filters of {width} bp on both strands, float32)\n")
    print("| | ms | loss |\n|---|---|---|")
    for name in ways:
        print(f"| {name} | {seconds[name] * 1e3:.0f} | {values[name]:.6f} |")
    ratio = seconds["written out"] / seconds["contracted"]
    print(f"\nratio {ratio:.1f}; gradients differ by {float((a - b).norm() / a.norm()):.1e} of their norm")


def inference(name: str, sequences: int) -> None:
    """Predict and scan against FIMO with as many motifs, and the share of each part."""
    bundle = load_model(resolve(name))
    config, model = bundle.model.config, bundle.model
    codes = uniform_codes(np.random.default_rng(1), sequences, bundle.length)
    with tempfile.TemporaryDirectory() as folder:
        fasta = Path(folder) / "sequences.fa"
        from argminn_core.fasta import write_fasta

        write_fasta(((f"s{i}", text) for i, text in enumerate(dna.decode_all(codes))), fasta)
        mega = codes.size / MEGA
        records, _ = read_fasta(fasta)
        rows = {
            "read the FASTA": median(lambda: read_fasta(fasta), runs=3),
            "predict": median(lambda: predict_sequences(bundle, records), runs=3),
            "scan, with contributions": median(lambda: scan(bundle, records), runs=3),
        }
        calls = scan(bundle, records, min_contribution=None).instances
        rows[f"memelite FIMO, {config.filters} motifs, warm"] = fimo(bundle, codes)
        print(
            f"\n## Inference: {name}, {config.filters} filters of {config.width} bp, {sequences} x {bundle.length} bp\n"
        )
        print(f"{len(calls) / sequences:.2f} calls a sequence by the paper's rule.\n")
        print("| | s | Mb/s | against FIMO |\n|---|---|---|---|")
        floor = list(rows.values())[-1]
        for label, seconds in rows.items():
            print(f"| {label} | {seconds:.2f} | {mega / seconds:.2f} | {floor / seconds:.2f} |")
    parts(model, codes[:128])


def fimo(bundle, codes: np.ndarray) -> float:
    """Seconds of memelite's FIMO on the same sequences, both strands."""
    from memelite import fimo as run

    motifs = {m.name: torch.from_numpy(m.pfm).float().numpy() for m in bundle.motifs}
    X = dna.one_hot(codes).numpy()
    return median(lambda: run(motifs, X, threshold=1e-4, reverse_complement=True), runs=3)


def parts(model, codes: np.ndarray) -> None:
    """The share of each step of one batch."""
    X = dna.one_hot(codes)
    with torch.inference_mode():
        kernels, biases = model.scanner.kernels(), model.scanner.biases()
        match = F.conv1d(X, kernels, biases)
        act = match.relu()
        active, norm = Active.of(act), model.scanner.fold(act)
        tokens = Tokens(active, model.position, *norm, model.token, model.config.heads)
        stream = model.stream.expand(len(codes), -1)
        shares = {
            "one-hot": median(lambda: dna.one_hot(codes)),
            "convolution": median(lambda: F.conv1d(X, kernels, biases)),
            "active positions": median(lambda: Active.of(act)),
            "attention layers": len(model.layers) * median(lambda: model.layers[0](stream, tokens)),
        }
        if model.evidence is not None:
            shares["evidence"] = median(lambda: model.evidence(match.clone()))  # it spends its argument
        whole = median(lambda: predict(model, codes))
    print("\n| step of a forward pass | ms a batch of 128 | share |\n|---|---|---|")
    for label, seconds in shares.items():
        print(f"| {label} | {seconds * 1e3:.1f} | {seconds / whole:.0%} |")
    print(f"| whole | {whole * 1e3:.1f} | 100% |")


def memory(name: str, sequences: int) -> None:
    """Peak memory of `argminn scan` on many sequences, in a process of its own."""
    program = (
        "import resource, sys; from argminn_core.cli import app; from typer.testing import CliRunner\n"
        "result = CliRunner().invoke(app, sys.argv[1:]); assert result.exit_code == 0, result.output\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    with tempfile.TemporaryDirectory() as folder:
        fasta = Path(folder) / "sequences.fa"
        rng = np.random.default_rng(2)
        with open(fasta, "w", encoding="ascii") as file:
            for start in range(0, sequences, 1000):
                for i, text in enumerate(
                    dna.decode_all(uniform_codes(rng, min(1000, sequences - start), 500))
                ):
                    file.write(f">s{start + i}\n{text}\n")
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", program, "scan", "--model", name, "--fasta", str(fasta), "--out", folder, "--quiet"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        seconds = time.perf_counter() - start
    peak = int(done.stdout.split()[-1]) / 2**20
    print(f"\n## Memory\n\n`argminn scan` of {sequences:,} x 500 bp: peak {peak:.2f} GiB, {seconds:.0f} s in all, "
          f"{sequences * 500 / seconds / MEGA:.2f} Mb/s with start-up, reading and writing")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="ctcf-hepg2")
    parser.add_argument("--sequences", type=int, default=4_000)
    parser.add_argument("--many", type=int, default=100_000, help="sequences of the memory test; 0 skips it")
    options = parser.parse_args()
    print(f"# Speed\n\n{torch.get_num_threads()} threads, torch {torch.__version__}")
    shape = RECIPES["grammar"].model
    training(shape.filters, shape.width)
    inference(options.model, options.sequences)
    if options.many:
        memory(options.model, options.many)
    print(f"\nthis process: peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
