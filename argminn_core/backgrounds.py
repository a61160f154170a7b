"""Random backgrounds that hold no chance match of some motifs.

random codes -> windows that match -> those windows drawn again, until none is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from argminn_core.errors import ConfigError

_ROUNDS = 500
_BLOCK = 1 << 18  # bases searched at once, so that what is in work stays in the processor's cache
_PIECE = 9  # columns that one look-up scores; a table has 4**_PIECE entries

# Four codes for every byte: random bytes become bases by one table look-up.
_UNPACK = ((np.arange(256)[:, None] >> np.arange(0, 8, 2)) & 3).astype(np.uint8).view(np.uint32).ravel()


def uniform_codes(rng: np.random.Generator, n: int, length: int) -> np.ndarray:
    """Codes (n, length) uint8, every base equally likely."""
    size = n * length
    raw = np.frombuffer(rng.bytes(-(-size // 4)), dtype=np.uint8)
    return _UNPACK[raw].view(np.uint8)[:size].reshape(n, length)


def random_codes(rng: np.random.Generator, n: int, length: int, *, gc: float = 0.5) -> np.ndarray:
    """Codes (n, length) uint8 of independent bases, a share `gc` of them G or C, both equally often.

    Raises
    ------
    ConfigError
        `gc` is not a share.
    """
    if not 0 <= gc <= 1:
        raise ConfigError("the GC content is no share", found=gc, expected="0 to 1")
    if gc == 0.5:
        return uniform_codes(rng, n, length)
    strong = rng.random((n, length)) < gc
    # A, C, G, T are 0 to 3: a coin says which of the two weak or of the two strong ones.
    coin = rng.integers(2, size=(n, length), dtype=np.uint8)
    return np.where(strong, 1 + coin, 3 * coin)


class Avoider:
    """Rids backgrounds of windows that score at least `limit` for any motif on either strand.

    The score of a window is the mean, over the columns, of the probability of its base.

    Parameters
    ----------
    pfms : sequence of ndarray
        Matrices (4, W).
    limit : float
        Scores from here up are matches. A motif whose best word stays below needs no search at all: so it
        is for every trimmed motif of the built-in grammars.
    """

    def __init__(self, pfms: Sequence[np.ndarray], limit: float) -> None:
        # One orientation of a motif each: its width, the sum that makes a match, its score tables.
        self._scorers: list[tuple[int, float, list[np.ndarray]]] = []
        for pfm in pfms:
            if pfm.max(axis=0).mean() < limit:
                continue
            width = pfm.shape[1]
            forward, reverse = _tables(pfm), _tables(pfm[::-1, ::-1])
            # With one piece a word has one score a strand, and the larger one decides.
            both = [[np.maximum(forward[0], reverse[0])]] if len(forward) == 1 else [forward, reverse]
            self._scorers += [(width, limit * width - 1e-5, tables) for tables in both]

    def matches(self, codes: np.ndarray) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """(width, rows, start0) of the windows of `codes` (n, L) that match, a group per motif and strand."""
        words: dict[int, np.ndarray] = {}
        for width, least, tables in self._scorers:
            positions = codes.shape[1] - width + 1
            if positions < 1:
                continue
            score, column = None, 0
            for table in tables:
                columns = _columns(table)
                if columns not in words:
                    words[columns] = _words(codes, columns)
                part = table[words[columns][:, column : column + positions]]
                score = part if score is None else score + part
                column += columns
            yield width, *np.nonzero(score >= least)

    def clear(self, codes: np.ndarray, rng: np.random.Generator, *, gc: float = 0.5) -> None:
        """Draw the bases under every match of `codes` (n, L) again, with `gc`, in place, until none is left.

        Only those bases are drawn again, not their whole sequence: a short motif matches in nearly every
        sequence, so that drawing whole ones would not end.

        Raises
        ------
        ConfigError
            Matches remain whatever is drawn.
        """
        if not self._scorers:
            return
        rows = max(_BLOCK // max(codes.shape[1], 1), 1)
        for start in range(0, len(codes), rows):
            self._clear_block(codes[start : start + rows], rng, gc)

    def _clear_block(self, codes: np.ndarray, rng: np.random.Generator, gc: float) -> None:
        pending = np.arange(len(codes))
        for _ in range(_ROUNDS):
            block = codes[pending]
            touched = np.zeros(len(block), dtype=bool)
            for width, rows, start0 in self.matches(block):
                touched[rows] = True
                block[rows[:, None], start0[:, None] + np.arange(width)] = random_codes(
                    rng, len(rows), width, gc=gc
                )
            if not touched.any():
                return
            codes[pending] = block
            pending = pending[touched]
        raise ConfigError(
            "no background avoids the motifs of the grammar", found=f"matches left after {_ROUNDS} rounds",
            mend="Raise `avoid`, or leave out motifs that match nearly everywhere",
        )  # fmt: skip


def _tables(pfm: np.ndarray) -> list[np.ndarray]:
    """Summed probabilities of all words under consecutive pieces of a matrix, each (4**columns,) float32."""
    pieces = np.array_split(pfm, -(-pfm.shape[1] // _PIECE), axis=1)
    tables = []
    for piece in pieces:
        table = np.zeros(1)
        for column in piece.T:
            table = (table[:, None] + column).ravel()
        tables.append(table.astype(np.float32))
    return tables


def _columns(table: np.ndarray) -> int:
    return (len(table).bit_length() - 1) // 2


def _words(codes: np.ndarray, columns: int) -> np.ndarray:
    """Index (n, L - columns + 1) of the word that starts at each position, in base 4."""
    positions = codes.shape[1] - columns + 1
    index = codes[:, :positions].astype(np.int32)
    for column in range(1, columns):
        index <<= 2
        index |= codes[:, column : column + positions]
    return index
