"""Imports go down only, as ARCHITECTURE.md says; each slow or heavy package has one home."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# From the ground up; a module may import its own layer and those below it.
LAYERS = [
    {"dna", "tables", "errors"},
    {"motifs", "pfm", "overlaps", "pvalues", "regions", "fasta", "genome", "sentences", "vcf"},
    {"model", "losses", "sources", "negatives", "backgrounds", "grammars", "simulate", "practice", "oracle"},
    {"train", "checkpoint", "predict", "pruning", "discover", "warm_start", "contributions", "deeplift"},
    {"distances", "questions", "handwritten"},
    {
        "readout",
        "instances",
        "design",
        "annotate",
        "edit",
        "card",
        "tracks",
        "synthesis",
        "spacing",
        "flow",
        "stability",
    },
    {"design_files", "variants"},
    {"receipt", "rule_breaks"},
    {"decoys", "ignored", "merging", "syntax", "causal", "roles", "rules"},
    {"rulebook", "occupancy"},
    {"recipe"},
    {"datasets", "estimate"},
    {"checks"},
    {"plot", "zoo"},
    {"report", "job_files", "jobs"},
    {"worker"},
    {"cli", "__main__", "app", "pages"},
]
HEIGHT = {name: height for height, layer in enumerate(LAYERS) for name in layer}
HOMES = {
    "streamlit": {"app", "pages"},
    "plotly": {"plot"},
    "matplotlib": {"plot"},
    "logomaker": {"plot"},
    "typer": {"cli", "__main__"},
    "rich": {"cli", "__main__"},
}
SLOW = {"torch", "tangermeme", "pyjaspar", "memelite", "logomaker", "matplotlib", "sklearn"}
FILES = sorted(path for top in ("argminn_core", "app", "pages") for path in (ROOT / top).rglob("*.py"))


def imported(path: Path, *, top_level: bool = False) -> list[str]:
    """Dotted names that a file imports; those of `from a import b` as `a.b`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = [node for node in tree.body if not _only_for_types(node)] if top_level else ast.walk(tree)
    found: list[str] = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} line {node.lineno}: relative import"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def _only_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def unit(dotted: str) -> str:
    """The module or package that has a place in the layers: `argminn_core.plot.logo` -> `plot`."""
    parts = dotted.split(".")
    if parts[0] != "argminn_core":
        return parts[0]
    return parts[1] if len(parts) > 1 else ""


def home(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return unit(".".join(parts)) if parts != ("argminn_core", "__init__") else ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down_only(path):
    name = home(path)
    if not name:
        assert not [dotted for dotted in imported(path) if dotted.startswith("argminn_core")]
        return
    assert name in HEIGHT, f"{name} has no layer yet: give it one here and in ARCHITECTURE.md"
    for dotted in imported(path):
        below = unit(dotted)
        if dotted.split(".")[0] in ("argminn_core", "app", "pages") and below in HEIGHT:
            assert HEIGHT[below] <= HEIGHT[name], f"{name} imports {dotted}, which lies above it"
        if (homes := HOMES.get(dotted.split(".")[0])) is not None:
            assert name in homes, f"{name} imports {dotted}, which belongs to {sorted(homes)}"


def test_plots_take_arrays_and_tables_never_models():
    forbidden = {"model", "checkpoint", "predict", "readout", "instances", "train", "zoo"}
    for path in (ROOT / "argminn_core" / "plot").glob("*.py"):
        assert not {unit(dotted) for dotted in imported(path)} & (forbidden | {"torch"}), path.name


def test_the_command_line_starts_without_slow_imports():
    path = ROOT / "argminn_core" / "cli.py"
    if path.exists():
        assert not {dotted.split(".")[0] for dotted in imported(path, top_level=True)} & SLOW


@pytest.mark.parametrize("path", sorted((ROOT / "pages").glob("*.py")), ids=lambda path: path.stem)
def test_a_page_does_not_import_another(path):
    assert not [dotted for dotted in imported(path) if dotted.startswith("pages")]
