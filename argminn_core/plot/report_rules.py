"""The rules of the report, as sentences by kind; of pairs, what was seen and what planting showed."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from argminn_core.plot.report_html import Html, count, nothing, percent, plural, section, tag
from argminn_core.plot.report_tracks import spot
from argminn_core.plot.spacing import spacing_svg

PICTURES = 16  # gap charts, of some 20 kB each
SENTENCES = 60  # of each kind
KINDS = {
    "pair": (
        "Pairs that work together",
        "Seen together, or at some gaps, more often than chance, and together worth more than the sum of both.",
    ),
    "necessary": ("Necessary motifs", "Without their instances most positive sequences are called negative."),
    "sufficient": (
        "Sufficient motifs",
        "Planted alone, in the middle of random letters, they make the model say yes.",
    ),
    "repressor": (
        "Repressors",
        "Most instances of such a motif lower the logit, or of such a pair planted together.",
    ),
    "additive": (
        "Pairs that merely add up",
        "Seen together, or at some gaps, more often than chance; but the model does not ask for both.",
    ),
}
_STRANDS = {
    "++": "same strand",
    "+-": "opposite strands, facing each other",
    "-+": "opposite strands, back to back",
}


def rules_section(
    rules: pd.DataFrame,
    gaps: pd.DataFrame,
    causal: pd.DataFrame,
    merged: pd.DataFrame,
    colours: Mapping[str, str],
) -> Html:
    """RULES with GAPS and CAUSAL of their pairs, and MERGED."""
    lead = (
        "What the model goes by: seen in these sequences, and checked by planting motifs into sequences that say "
        "nothing. Percentages after a gap are shares of the positive sequences that hold both motifs."
    )
    pairs = rules[rules["right"] != ""].head(PICTURES)
    pictures = {row.Index: _spacing(row, gaps, causal) for row in pairs.itertuples()}
    body: list[Html] = []
    for kind in dict.fromkeys([*KINDS, *rules["kind"]]):
        if len(mine := rules[rules["kind"] == kind]):
            body += _kind(kind, mine, pictures, colours)
    if not body:
        why = "No rule passed its tests: no pair of motifs, and no motif that is necessary or sufficient."
        body = [nothing(why)]
    elif "pair" not in set(rules["kind"]):
        body.insert(0, nothing("No pair of motifs is worth more together than the sum of both."))
    return section("rules", "Rules", lead, *body, *_merged(merged))


def _kind(
    kind: str, rules: pd.DataFrame, pictures: Mapping[int, Html | None], colours: Mapping[str, str]
) -> list[Html]:
    """The rules of one kind under their heading."""
    title, meaning = KINDS.get(kind, (kind, ""))
    items = [
        tag("li", _sentence(row, colours), pictures.get(row.Index) or Html())
        for row in rules.head(SENTENCES).itertuples()
    ]
    shown = [tag("h3", title), tag("p", meaning, class_="note"), tag("ul", *items, class_="rules")]
    if len(rules) > SENTENCES:
        shown.append(tag("p", f"and {count(len(rules) - SENTENCES)} more, in rules.tsv", class_="note"))
    return shown


def _sentence(row: object, colours: Mapping[str, str]) -> Html:
    names = [name for name in dict.fromkeys((row.left, row.right)) if name]
    return tag("p", *(spot(name, colours) for name in names), row.sentence)


def _spacing(row: object, gaps: pd.DataFrame, causal: pd.DataFrame) -> Html | None:
    """The gaps of a pair's arrangement, the most frequent one where the rule holds in all; None without any."""
    key = row.left, row.right, row.orientation
    if not row.orientation:
        pair = gaps[gaps["left"].isin(key[:2]) & gaps["right"].isin(key[:2])]
        pair = pair[(pair["left"] != pair["right"]) | (key[0] == key[1])]
        if pair.empty:
            return None
        key = pair.groupby(["left", "right", "orientation"])["sequences"].sum().idxmax()
    seen, planted = (_of(frame, key) for frame in (gaps, causal))
    if seen.empty and planted.empty:
        return None
    title = f"{key[0]} then {key[1]}, {_STRANDS.get(key[2], key[2])}"
    columns = (planted[name].to_numpy() for name in ("gap", "synergy", "low", "high"))
    at, synergy, low, high = columns
    svg = spacing_svg(
        seen["gap"].to_numpy(), seen["sequences"].to_numpy(), at, synergy, low, high, title=f"gaps of {title}"
    )
    many = "" if row.orientation else " (its most frequent arrangement)"
    caption = (
        f"{title}{many}. Bars, on a scale of square roots: sequences seen at each gap. Line: how many logits both "
        "are worth above the sum of each, planted at that gap, with its 95 % interval."
    )
    frame = tag("div", Html(svg), class_="scroll", role="region", tabindex=0, aria_label="gap chart")
    return tag("figure", frame, tag("figcaption", caption), class_="spacing")


def _of(frame: pd.DataFrame, key: tuple[str, str, str]) -> pd.DataFrame:
    left, right, orientation = key
    return frame[(frame["left"] == left) & (frame["right"] == right) & (frame["orientation"] == orientation)]


def _merged(merged: pd.DataFrame) -> list[Html]:
    if merged.empty:
        return []
    items = [
        tag(
            "li",
            f"{row.motif} reads the sites of {row.into}: {percent(row.share)} of its "
            f"{plural(int(row.instances), 'instance')} share their bases with one, and {_shift(int(row.shift))}"
            f"{', on the other strand' if row.strand == '-' else ''}.",
        )
        for row in merged.itertuples()
    ]
    note = "Filters that read the same sites are one motif in the rules, under the name of the stronger one."
    return [tag("h3", "Filters made one"), tag("p", note, class_="note"), tag("ul", *items)]


def _shift(shift: int) -> str:
    if not shift:
        return "start where it does"
    return f"start {abs(shift)} bp {'after' if shift > 0 else 'before'} it"
