"""Two alleles of one place, one above the other: letters on common columns, each with its instances.

    aligned letters + INSTANCES rows + colours by motif name -> HTML

Arrays and tables only, never models. Names come from files of users, so they are escaped.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from itertools import pairwise

import numpy as np
import pandas as pd

from argminn_core.plot.traces import _ARROW, NEUTRAL, _label_rows, _shade

COLUMNS = 70
_GUTTER = 5
_CHANGED = "outline:1px solid currentColor;font-weight:700"


def alleles_html(
    ref: str,
    alt: str,
    ref_instances: pd.DataFrame,
    alt_instances: pd.DataFrame,
    colours: Mapping[str, str],
    *,
    at: int,
    start0: int = 0,
    columns: int = COLUMNS,
) -> str:
    """The letters around a change: the reference allele above, the alternative one below.

    Parameters
    ----------
    ref, alt : str
        Letters on common columns; a gap is `-`. Equally long.
    ref_instances, alt_instances : DataFrame
        INSTANCES rows in the coordinates of these columns, which start at `start0`.
    colours : mapping
        CSS colour of each motif name; those that are missing are drawn grey.
    at : int
        The column in the middle, counted from `start0` as zero.
    start0 : int
        The coordinate of the first column; the ruler counts from 1, as edits do.
    columns : int
        Most columns that are drawn.
    """
    if len(ref) != len(alt):
        raise ValueError(f"alleles of {len(ref)} and {len(alt)} columns")
    first = max(0, min(at - columns // 2, len(ref) - columns))
    last = min(len(ref), first + columns)
    changed = np.array([a != b for a, b in zip(ref[first:last], alt[first:last], strict=True)], dtype=bool)
    begin = start0 + first
    above, upper = _allele(ref[first:last], ref_instances, colours, begin, changed)
    below, lower = _allele(alt[first:last], alt_instances, colours, begin, changed)
    ruler = f'<span style="opacity:.7">base {begin + 1:,} (from 1)</span>'
    bars = "".join("│" if one else " " for one in changed)
    gutter = " " * _GUTTER
    rows = [
        gutter + ruler, *(gutter + row for row in above), f"{'ref':<{_GUTTER}}{upper}", gutter + bars,
        f"{'alt':<{_GUTTER}}{lower}", *(gutter + row for row in reversed(below)),
    ]  # fmt: skip
    return (
        '<div tabindex="0" role="region" aria-label="letters of both alleles" style="overflow-x:auto">'
        "<pre style=\"font:13px/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
        'margin:0;padding:.5rem 0;background:none;border:0;white-space:pre">'
        + "\n".join(row.rstrip() for row in rows)
        + "</pre></div>"
    )


def _allele(
    text: str, instances: pd.DataFrame, colours: Mapping[str, str], begin: int, changed: np.ndarray
) -> tuple[list[str], str]:
    """Rows of labels, the last nearest the letters, and the letters; the larger contribution covers the smaller."""
    seen = instances[(instances["end0"] > begin) & (instances["start0"] < begin + len(text))]
    seen = seen.sort_values("contribution", kind="stable")
    owner, labels = np.full(len(text), -1), []
    shades = [_shade(colours.get(name, NEUTRAL)) for name in seen["motif"]]
    for i, row in enumerate(seen.itertuples()):
        start = max(row.start0 - begin, 0)
        owner[start : max(row.end0 - begin, 0)] = i
        labels.append((int(start), f"{row.motif} {_ARROW[row.strand]} {row.contribution:+.1f}", shades[i]))
    cuts = np.flatnonzero((np.diff(owner) != 0) | (np.diff(changed.astype(int)) != 0)) + 1
    letters = ""
    for a, b in pairwise([0, *cuts.tolist(), len(text)]):
        styles = ([] if owner[a] < 0 else [shades[owner[a]]]) + ([_CHANGED] if changed[a] else [])
        part = escape(text[a:b])
        letters += f'<span style="{";".join(styles)}">{part}</span>' if styles else part
    return _label_rows(sorted(labels)), letters
