"""Train the bundled models from the command line, with the seeds and settings of `models.json`.

    python -m argminn_core.zoo.build [NAME ...]

Each entry is a call of `argminn train`. Real data is read from the folder that `--data` names; an entry whose data
is not there is skipped, and said so. A model is replaced only when its training ran to the end.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PLAN = HERE / "models.json"


def main() -> int:
    """Build the named models, or all; 1 when one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="which; all where left out")
    parser.add_argument("--data", type=Path, default=HERE.parents[2] / "shared" / "data")
    parser.add_argument("--runs", type=Path, default=HERE.parents[1] / "runs" / "zoo")
    options = parser.parse_args()
    plan = json.loads(PLAN.read_text(encoding="utf-8"))
    failed = 0
    for name, entry in plan.items():
        if options.names and name not in options.names:
            continue
        arguments = [argument.replace("{data}", str(options.data)) for argument in entry["train"]]
        missing = [
            a
            for a, raw in zip(arguments, entry["train"], strict=True)
            if "{data}" in raw and not Path(a).exists()
        ]
        if missing:
            sys.stderr.write(f"{name}: skipped, {', '.join(missing)} is not here\n")
            continue
        out = options.runs / name
        command = [
            sys.executable, "-c", "from argminn_core.cli import main; main()", "train", "--resume", "--name", name,
            "--description", entry["description"], "--out", str(out), *arguments,
        ]  # fmt: skip
        sys.stderr.write(f"{name}: argminn train {' '.join(entry['train'])}\n")
        if subprocess.call(command) != 0:
            failed += 1
            continue
        shutil.copyfile(out / "model.safetensors", HERE / f"{name}.safetensors")
        record_digest(name)
    return 1 if failed else 0


def record_digest(name: str) -> None:
    """Note the digest of a bundled model: what is checked when it is opened."""
    digests_file = HERE / "digests.json"
    digests = json.loads(digests_file.read_text(encoding="utf-8")) if digests_file.exists() else {}
    digests[name] = hashlib.sha256((HERE / f"{name}.safetensors").read_bytes()).hexdigest()
    digests_file.write_text(json.dumps(digests, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
