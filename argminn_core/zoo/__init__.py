"""Bundled models, and the user's own beside them.

A user's models are the `*.safetensors` files in `$ARGMINN_HOME/models` (`~/.argminn/models` by default).
"""

from __future__ import annotations

import os
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
