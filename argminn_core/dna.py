"""Letters <-> codes <-> one-hot.

Codes are `uint8`: A 0, C 1, G 2, T 3, N 4; they are how sequences travel and wait, at a byte a base. Models
take one-hot `X` of shape (N, 4, L), channels A, C, G, T; an N is four zeros.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from argminn_core.errors import InputError

ALPHABET = "ACGT"
N_CODE = 4
INVALID = 255

_ENCODE = np.full(256, INVALID, dtype=np.uint8)
for _code, _letter in enumerate("ACGTN"):
    _ENCODE[ord(_letter)] = _ENCODE[ord(_letter.lower())] = _code
_DECODE = np.frombuffer(b"ACGTN", dtype=np.uint8)
_COMPLEMENT = np.array([3, 2, 1, 0, 4], dtype=np.uint8)
_ONE_HOT = np.vstack([np.eye(4, dtype=np.float32), np.zeros((1, 4), dtype=np.float32)])
_RC_LETTERS = str.maketrans("ACGTNacgtn", "TGCANtgcan")


def encode(sequence: str | bytes, *, ambiguous: str = "error", name: str = "the sequence") -> np.ndarray:
    """Letters to codes, shape (L,). Lower case is upper-cased.

    `ambiguous="N"` turns every letter outside ACGTN into N; otherwise such a letter raises `InputError` with
    its column, counted from 1.
    """
    raw = sequence.encode("ascii", "replace") if isinstance(sequence, str) else bytes(sequence)
    codes = _ENCODE[np.frombuffer(raw, dtype=np.uint8)]
    bad = codes == INVALID
    if bad.any():
        if ambiguous != "N":
            column = int(bad.argmax())
            letter = sequence[column] if isinstance(sequence, str) else chr(raw[column])
            raise InputError(
                f"{name} has a letter that is not DNA at column {column + 1}",
                found=repr(letter), expected="A, C, G, T or N",
                mend="Correct it, or ask for ambiguous letters to be read as N",
            )  # fmt: skip
        codes[bad] = N_CODE
    return codes


def encode_all(sequences: Sequence[str]) -> np.ndarray:
    """Sequences of one length to codes, shape (N, L); an `InputError` counts the sequences from 1."""
    lengths = {len(sequence) for sequence in sequences}
    if len(lengths) > 1:
        raise InputError("the sequences differ in length", found=f"{min(lengths)} to {max(lengths)}")
    if not sequences:
        return np.zeros((0, 0), dtype=np.uint8)
    try:
        return encode("".join(sequences)).reshape(len(sequences), *lengths)
    except InputError:
        for i, sequence in enumerate(sequences, start=1):
            encode(sequence, name=f"sequence {i}")
        raise


def decode(codes: np.ndarray) -> str:
    """Codes (L,) to letters."""
    return _DECODE[np.asarray(codes, dtype=np.uint8)].tobytes().decode("ascii")


def decode_all(codes: np.ndarray) -> list[str]:
    """Codes (N, L) to N strings."""
    length = codes.shape[1]
    text = decode(codes.reshape(-1))
    return [text[i * length : (i + 1) * length] for i in range(len(codes))]


def one_hot(codes: np.ndarray) -> torch.Tensor:
    """Codes (N, L) to one-hot float32 (N, 4, L)."""
    return torch.from_numpy(np.ascontiguousarray(_ONE_HOT[codes].transpose(0, 2, 1)))


def from_one_hot(X: torch.Tensor) -> np.ndarray:
    """One-hot (N, 4, L) to codes (N, L); a column of zeros is N."""
    codes = X.argmax(dim=1).to(torch.uint8)
    codes[X.sum(dim=1) == 0] = N_CODE
    return codes.numpy()


def reverse_complement(sequence: str) -> str:
    return sequence.translate(_RC_LETTERS)[::-1]


def reverse_complement_codes(codes: np.ndarray) -> np.ndarray:
    """Reverse complement along the last axis; any leading shape."""
    return _COMPLEMENT[codes[..., ::-1]]


def gc_content(codes: np.ndarray) -> np.ndarray:
    """Share of G and C among the bases that are not N, along the last axis; NaN where all are N."""
    known = (codes < N_CODE).sum(axis=-1)
    gc = ((codes == 1) | (codes == 2)).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known > 0, gc / np.maximum(known, 1), np.nan)
