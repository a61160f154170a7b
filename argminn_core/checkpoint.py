"""Model files: safetensors weights with a JSON header of ours, and the state of an unfinished training.

A model file says everything that is needed to use it: format, version, configuration, training summary, and for
every filter its PFM and reference statistics. Opening it needs no data, runs no code, and allocates nothing
before names and shapes were checked against a bounded configuration.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from argminn_core.errors import ArgminnError, ConfigError, ModelFileError
from argminn_core.model import Argminn, ModelConfig
from argminn_core.motifs import LearnedMotif

FORMAT = "argminn-model"
VERSION = 1
_KEY = "argminn"
_MAX_HEADER = 8 << 20
_MAX_FILE = 512 << 20


@dataclass(frozen=True)
class ModelBundle:
    """A trained model with what is known about it.

    `motifs` has one entry for each filter, in the order of the filters. `card` is plain JSON: description, data,
    split, metrics, training, digests.
    """

    name: str
    model: Argminn
    motifs: list[LearnedMotif]
    card: dict[str, Any] = field(default_factory=dict)

    @property
    def length(self) -> int:
        return self.model.config.length

    def motif(self, name: str) -> LearnedMotif:
        for motif in self.motifs:
            if motif.name == name:
                return motif
        known = ", ".join(motif.name for motif in self.motifs)
        raise ArgminnError(f"the model {self.name} has no motif of that name", found=name, expected=known)

    def renamed(self, name: str) -> ModelBundle:
        return replace(self, name=name)


def save_model(path: str | Path, bundle: ModelBundle) -> None:
    """Write the model file, whole or not at all."""
    header = {
        "format": FORMAT,
        "version": VERSION,
        "name": bundle.name,
        "config": bundle.model.config.to_dict(),
        "motifs": [motif.to_dict() for motif in bundle.motifs],
        "card": bundle.card,
    }
    tensors = {name: value.detach().cpu().contiguous() for name, value in bundle.model.state_dict().items()}
    _save(Path(path), tensors, header)


def load_model(path: str | Path) -> ModelBundle:
    """Read and check a model file.

    Raises
    ------
    ModelFileError : it does not exist, is cut off, is a pickle, is of an unknown format or version, or its header,
        its tensors and its configuration do not agree.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise ModelFileError(f"{path.name} is not a file")
        if size > _MAX_FILE:
            raise ModelFileError(f"{path.name} is too large for a model", found=f"{size:,} bytes")
        raw = path.read_bytes()
    except OSError as error:
        raise ModelFileError(
            f"the model file {path} cannot be read", found=error.strerror or str(error), mend="Check the path"
        ) from error
    return read_model(raw, name=path.name)


def read_model(raw: bytes, *, name: str = "the model file") -> ModelBundle:
    """`load_model` for bytes, such as an upload."""
    header, shapes = _read_header(raw, name)
    if header.get("format") != FORMAT:
        raise ModelFileError(
            f"{name} is not a model of this package", found=header.get("format", "no format")
        )
    if header.get("version") != VERSION:
        raise ModelFileError(
            f"{name} has a version that is not known here",
            found=header.get("version"), expected=VERSION, mend="Update argminn, or save the model again",
        )  # fmt: skip
    try:
        config = ModelConfig(**header["config"])
    except (KeyError, TypeError) as error:
        raise ModelFileError(f"the configuration in {name} is not a model's", found=str(error)) from error
    except ConfigError as error:
        raise ModelFileError(f"{name} asks for a model that cannot be built", found=str(error)) from error
    # Opening a file must not change what is drawn next.
    with torch.random.fork_rng(devices=[]), torch.device("meta"):  # shapes without memory
        built = Argminn(config).state_dict()
    expected = {key: tuple(value.shape) for key, value in built.items()}
    if shapes != expected:
        wrong = sorted(set(shapes.items()) ^ set(expected.items()), key=str)[0]
        raise ModelFileError(
            f"the tensors in {name} are not those of its configuration",
            found=f"{wrong[0]} {shapes.get(wrong[0], 'missing')}", expected=expected.get(wrong[0], "no such tensor"),
        )  # fmt: skip
    try:
        tensors = load(raw)
    except (SafetensorError, ValueError) as error:
        raise ModelFileError(f"{name} is damaged", found=str(error), mend="Copy it again") from error
    for key, value in tensors.items():
        kind = str(built[key].dtype).removeprefix("torch.")
        if value.dtype != built[key].dtype or not torch.isfinite(value).all():
            raise ModelFileError(f"the tensor {key} in {name} is not finite {kind}", found=value.dtype)
        if key.endswith("running_var") and (value < 0).any():
            raise ModelFileError(f"the variances {key} in {name} are not variances", found="a negative one")
    motifs = _read_motifs(header, config, name)
    with torch.random.fork_rng(devices=[]):
        model = Argminn(config)
    model.load_state_dict(tensors)
    model.eval().requires_grad_(False)
    card = header.get("card")
    return ModelBundle(
        str(header.get("name", name))[:80], model, motifs, card if isinstance(card, dict) else {}
    )


def _read_motifs(header: dict, config: ModelConfig, name: str) -> list[LearnedMotif]:
    try:
        motifs = [LearnedMotif.from_dict(entry) for entry in header["motifs"]]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelFileError(f"the motifs in {name} cannot be read", found=str(error)) from error
    if [motif.filter for motif in motifs] != list(range(config.filters)):
        raise ModelFileError(
            f"{name} does not describe each of its filters once",
            found=f"{len(motifs)} motifs", expected=f"{config.filters}",
        )  # fmt: skip
    for motif in motifs:
        if motif.pfm.shape != (4, config.width) or not np.isfinite(motif.pfm).all():
            raise ModelFileError(
                f"the PFM of {motif.name} in {name} is not a matrix of its filter",
                found=motif.pfm.shape, expected=(4, config.width),
            )  # fmt: skip
    if len({motif.name for motif in motifs}) < len(motifs):
        raise ModelFileError(f"two motifs in {name} share a name")
    return motifs


def _read_header(raw: bytes, name: str) -> tuple[dict[str, Any], dict[str, tuple[int, ...]]]:
    """Our JSON and the declared shapes, checked against the size of the file before anything is allocated."""
    if raw[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        raise ModelFileError(
            f"{name} is a pickle, as torch.save writes it; it is not opened, since it could run code",
            expected="a safetensors file", mend="Save the model with argminn",
        )  # fmt: skip
    damaged = ModelFileError(
        f"{name} is damaged or cut off", found=f"{len(raw):,} bytes", mend="Copy it again"
    )
    if len(raw) < 10:
        raise damaged
    (length,) = struct.unpack("<Q", raw[:8])
    if length > _MAX_HEADER or not raw[8:9] == b"{":
        raise ModelFileError(f"{name} is not a safetensors file", expected="a model saved by argminn")
    if 8 + length > len(raw):
        raise damaged
    try:
        entries = json.loads(raw[8 : 8 + length])
        metadata = entries.pop("__metadata__", {})
        header = json.loads(metadata.get(_KEY, "{}"))
        shapes = {key: tuple(entry["shape"]) for key, entry in entries.items()}
        end = max((entry["data_offsets"][1] for entry in entries.values()), default=0)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise ModelFileError(f"the header of {name} cannot be read", found=type(error).__name__) from error
    if not isinstance(header, dict):
        raise ModelFileError(f"the header of {name} is not ours")
    if any(not isinstance(size, int) for shape in shapes.values() for size in shape):
        raise ModelFileError(f"the header of {name} cannot be read", found="a shape not of whole numbers")
    if not isinstance(end, int) or 8 + length + end != len(raw):
        raise damaged
    return header, shapes


def _save(path: Path, tensors: dict[str, torch.Tensor], header: dict[str, Any]) -> None:
    partial = path.with_name(path.name + ".partial")
    # Not save_file: that makes a file which only its owner can read, whatever the umask says.
    partial.write_bytes(save(tensors, metadata={_KEY: json.dumps(header)}))
    os.replace(partial, path)


def save_state(
    path: Path,
    networks: Mapping[str, Argminn],
    optimizer: torch.optim.Optimizer,
    settings: dict,
    progress: dict,
) -> None:
    """Everything that the next epoch depends on, in one file, written atomically.

    networks : by what they are to the training, such as `model` and `average`.
    """
    tensors = {
        f"{role}.{name}": value
        for role, network in networks.items()
        for name, value in network.state_dict().items()
    }
    state = optimizer.state_dict()
    for index, slots in state["state"].items():
        tensors |= {f"optimizer.{index}.{slot}": value for slot, value in slots.items()}
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    _save(path, tensors, {"settings": settings, "progress": progress})


def load_state(
    path: Path, networks: Mapping[str, Argminn], optimizer: torch.optim.Optimizer, settings: dict
) -> dict[str, Any]:
    """Restore what `save_state` wrote and return its progress.

    Raises
    ------
    ConfigError : the state belongs to other settings.
    """
    raw = path.read_bytes()
    header, _ = _read_header(raw, path.name)
    # JSON turns tuples into lists
    if header.get("settings") != json.loads(json.dumps(settings)):
        theirs, ours = header.get("settings", {}), json.loads(json.dumps(settings))
        changed = [
            f"{part}.{key}"
            for part in ours
            for key in ours[part]
            if theirs.get(part, {}).get(key) != ours[part][key]
        ]
        raise ConfigError(
            "the unfinished training in this folder has other settings",
            found=", ".join(changed) or "another format", mend="Use the same settings, or another folder",
        )  # fmt: skip
    tensors = load(raw)
    for role, network in networks.items():
        prefix = f"{role}."
        network.load_state_dict(
            {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        )
    state = optimizer.state_dict()
    state["state"] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, index, slot = name.split(".")
            state["state"].setdefault(int(index), {})[slot] = value
    optimizer.load_state_dict(state)
    return header["progress"]
