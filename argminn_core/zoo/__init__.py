"""Bundled models, and the user's own beside them.

A user's models are the `*.safetensors` files in `$ARGMINN_HOME/models` (`~/.argminn/models` by default).
"""

from __future__ import annotations

import os
import re
import secrets
from itertools import count
from pathlib import Path

from argminn_core.errors import ModelFileError

BUNDLED = Path(__file__).parent
SUFFIX = ".safetensors"


def user_dir() -> Path:
    """Where the user's models are; not created here."""
    home = os.environ.get("ARGMINN_HOME")
    return (Path(home) if home else Path.home() / ".argminn") / "models"


def _files() -> dict[str, Path]:
    """Names to files; a user's model does not hide a bundled one of the same name."""
    files = {path.stem: path for path in sorted(user_dir().glob(f"*{SUFFIX}"))}
    return {path.stem: path for path in sorted(BUNDLED.glob(f"*{SUFFIX}"))} | {
        name: path for name, path in files.items() if not (BUNDLED / f"{name}{SUFFIX}").exists()
    }


def names() -> list[str]:
    """All models that can be named, bundled ones first."""
    return list(_files())


def is_bundled(name: str) -> bool:
    return (BUNDLED / f"{name}{SUFFIX}").exists()


def resolve(name_or_path: str | Path) -> Path:
    """The file of a model's name, or the path itself.

    Raises
    ------
    ModelFileError : there is neither such a name nor such a file.
    """
    files = _files()
    if str(name_or_path) in files:
        return files[str(name_or_path)]
    path = Path(name_or_path)
    if path.is_file():
        return path
    raise ModelFileError(
        f"there is no model {name_or_path}", expected=f"a file, or one of {', '.join(files) or 'no bundled model'}",
        mend="`argminn models` lists what there is",
    )  # fmt: skip


def add(raw: bytes, name: str) -> str:
    """Keep the bytes of a model file in the user's folder; returns the name it got, another one where `name` is taken.

    The same bytes under the same name are kept once. The caller has checked that they are a model.
    """
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")[:60] or "model"
    folder = user_dir()
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{stem}-{os.getpid()}-{secrets.token_hex(4)}.partial"
    partial.write_bytes(raw)
    try:
        for number in count(1):
            name = stem if number == 1 else f"{stem}_{number}"
            target = folder / f"{name}{SUFFIX}"
            try:
                if not is_bundled(name):
                    os.link(partial, target)  # unlike a rename, never over another one's file
                    return name
            except FileExistsError:
                pass
            except OSError:  # a file system without hard links
                if not target.exists():
                    os.replace(partial, target)
                    return name
            if resolve(name).read_bytes() == raw:
                return name
    finally:
        partial.unlink(missing_ok=True)
    raise AssertionError  # count() does not end
