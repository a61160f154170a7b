"""Which intervals of one table share bases with those of another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd


def overlapping(
    spans: pd.DataFrame, others: pd.DataFrame, *, on: Sequence[str] = ("sequence",)
) -> np.ndarray:
    """Whether each row of `spans` shares half of the shorter with any row of `others`, bool (N,): see `pairs`."""
    found = np.zeros(len(spans), dtype=bool)
    found[pairs(spans, others, on=on)[0]] = True
    return found


def pairs(
    spans: pd.DataFrame, others: pd.DataFrame, *, on: Sequence[str] = ("sequence",)
) -> tuple[np.ndarray, np.ndarray]:
    """Which row of `spans` shares half of the shorter with which row of `others`.

    Parameters
    ----------
    spans, others : pd.DataFrame
        With `start0` and `end0`, and the columns of `on`.
    on : sequence of str
        Only rows that agree in these columns are compared.

    Returns
    -------
    row, other : ndarray of int64
        Positions in `spans` and in `others`, one entry for each pair, in the order of neither.
    """
    none = np.zeros(0, dtype=np.int64)
    if not len(spans) or not len(others):
        return none, none
    both = pd.concat([frame[[*on, "start0", "end0"]] for frame in (spans, others)], ignore_index=True)
    # One axis for all groups, each on a stretch of its own, so that sorting finds the neighbours.
    span = both["end0"].max() - min(both["start0"].min(), 0) + 1
    stretch = both.groupby(list(on), sort=False).ngroup().to_numpy() * span
    start, end = stretch + both["start0"].to_numpy(), stretch + both["end0"].to_numpy()
    n = len(spans)
    order = np.argsort(start[n:], kind="stable")
    other_start, other_end = start[n:][order], end[n:][order]
    start, end = start[:n], end[:n]
    widest = int((other_end - other_start).max())
    first = np.searchsorted(other_start, start - widest)
    last = np.searchsorted(other_start, end)
    rows, met = [none], [none]
    for step in range(int((last - first).max())):
        at = np.minimum(first + step, len(others) - 1)
        shared = np.minimum(end, other_end[at]) - np.maximum(start, other_start[at])
        shorter = np.minimum(end - start, other_end[at] - other_start[at])
        row = np.flatnonzero((first + step < last) & (2 * shared >= shorter))
        rows.append(row)
        met.append(order[at[row]])
    return np.concatenate(rows), np.concatenate(met)
