"""One sequence of the report: a ruler, the instances as arrows on it, and what each one is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from argminn_core.dna import reverse_complement
from argminn_core.plot.report_html import UNKNOWN, Html, count, join, number, percent, table, tag
from argminn_core.plot.traces import lanes

WIDTH, MARGIN, LANE, RULER = 520, 10, 30, 24
_LETTER = 7.8  # of a label; as large as the style sheet makes it on a phone
ROWS = 12  # instances listed below a track
NEUTRAL = "#808495"


@dataclass(frozen=True)
class Example:
    """One window of a record: `text` are its letters from base `start0` on, `instances` the INSTANCES in it."""

    name: str
    start0: int
    text: str
    logit: float
    probability: float
    instances: pd.DataFrame


def example_html(example: Example, colours: Mapping[str, str]) -> Html:
    """The track of an example, its prediction, and a table of the instances that count most."""
    end0 = example.start0 + len(example.text)
    caption = tag(
        "figcaption", tag("strong", example.name), " ", _whole(f"bases {count(example.start0)}–{count(end0)}"),
        f", logit {number(example.logit)}, probability {percent(example.probability)}",
    )  # fmt: skip
    picture = tag(
        "div", track_svg(example, colours), class_="scroll", role="region", tabindex=0, aria_label="track"
    )
    best = example.instances.sort_values("contribution", ascending=False, kind="stable")
    rows = [_row(row, example, colours) for row in best.head(ROWS).itertuples()]
    header = ("motif", "bases", "strand", "letters read on that strand", "contribution", "q-value")
    listed = table(header, rows, label=f"instances of {example.name}", numbers=(4, 5))
    more = len(best) - ROWS
    rest = [tag("p", f"and {count(more)} more, in instances.tsv", class_="note")] if more > 0 else []
    return tag("figure", caption, picture, listed, *rest, class_="example")


def chip(motif: str, colours: Mapping[str, str]) -> Html:
    """A motif's name behind a spot of its colour."""
    return tag("span", spot(motif, colours), motif, class_="whole")


def bases(row: object) -> Html:
    """Where an instance lies."""
    return _whole(f"{count(row.start0)}–{count(row.end0)}")


def _whole(text: str) -> Html:
    """Text that is not broken over two lines."""
    return tag("span", text, class_="whole")


def spot(motif: str, colours: Mapping[str, str]) -> Html:
    """A spot of a motif's colour."""
    return tag("span", class_="spot", style=f"background:{colours.get(motif, NEUTRAL)}")


def _row(row: object, example: Example, colours: Mapping[str, str]) -> Sequence[object]:
    site = example.text[max(row.start0 - example.start0, 0) : max(row.end0 - example.start0, 0)]
    letters = reverse_complement(site) if row.strand == "-" else site
    q = number(getattr(row, "q_value", float("nan")), 2)
    return (
        chip(row.motif, colours), bases(row), row.strand,
        tag("code", letters or UNKNOWN), number(row.contribution), q,
    )  # fmt: skip


def track_svg(example: Example, colours: Mapping[str, str]) -> Html:
    """The instances of a window as arrows in the direction of their strand, over a ruler in bases of the record."""
    length = max(len(example.text), 1)
    scale = (WIDTH - 2 * MARGIN) / length
    frame = example.instances.sort_values(["start0", "end0"], kind="stable")
    blocks = []
    for row in frame.itertuples():
        left = MARGIN + (max(row.start0 - example.start0, 0)) * scale
        right = MARGIN + min(row.end0 - example.start0, length) * scale
        label = f"{row.motif} {number(row.contribution, 2)}"
        need = _LETTER * len(label)
        text = min(left, WIDTH - MARGIN - need) if need < WIDTH - 2 * MARGIN else MARGIN
        blocks.append((left, max(right, left + 3), max(text, MARGIN), need, label, row))
    lane = lanes([min(b[0], b[2]) for b in blocks], [max(b[1], b[2] + b[3]) + 4 for b in blocks])
    height = LANE * (max(lane, default=0) + 1) + RULER + 10
    base = height - RULER
    shapes = [
        _block(left, right, text, label, row, base - LANE * (level + 1) + 4, colours)
        for (left, right, text, _, label, row), level in zip(blocks, lane, strict=True)
    ]
    return tag(
        "svg", join(shapes), _ruler(example.start0, length, scale, base),
        viewBox=f"0 0 {WIDTH} {height}", role="img", class_="track",
        aria_label=f"{len(frame)} instances in {length} bases of {example.name}",
    )  # fmt: skip


def _block(
    left: float, right: float, text: float, label: str, row: object, top: float, colours: Mapping[str, str]
) -> Html:
    """An arrow of the motif's colour and its label above; `top` is the label's baseline."""
    tip = min(5.0, (right - left) / 2)
    y, middle, low = top + 4, top + 10, top + 16
    if row.strand == "+":
        points = [(left, y), (right - tip, y), (right, middle), (right - tip, low), (left, low)]
    else:
        points = [(right, y), (left + tip, y), (left, middle), (left + tip, low), (right, low)]
    title = f"{row.motif} {row.start0}–{row.end0} ({row.strand}), contribution {number(row.contribution)}"
    shape = tag(
        "polygon", tag("title", title), points=" ".join(f"{a:.1f},{b:.1f}" for a, b in points),
        fill=colours.get(row.motif, NEUTRAL),
    )  # fmt: skip
    return tag("g", tag("text", label, x=f"{text:.1f}", y=f"{top:.1f}"), shape)


def _ruler(start0: int, length: int, scale: float, y: float) -> Html:
    """A line with a tick at round numbers of bases, at most about ten."""
    step = next(s * 10**e for e in range(10) for s in (1, 2, 5) if length <= 10 * s * 10**e)
    ticks = []
    for base in range(-(-start0 // step) * step, start0 + length + 1, step):
        x = MARGIN + (base - start0) * scale
        anchor = "start" if x < MARGIN + 12 else "end" if x > WIDTH - MARGIN - 12 else "middle"
        ticks.append(tag("path", d=f"M{x:.1f} {y:.1f}v4", class_="line"))
        ticks.append(
            tag("text", count(base), x=f"{x:.1f}", y=f"{y + 16:.1f}", text_anchor=anchor, class_="soft")
        )
    line = tag("path", d=f"M{MARGIN} {y:.1f}H{WIDTH - MARGIN}", class_="line")
    return tag("g", line, join(ticks))
