"""The report as one page that needs nothing else: no network, no fonts, no scripts.

    Page (arrays and tables) -> sections -> HTML with its style and its pictures inside

Names come from files of users, so all text is escaped (`report_html.py`). Long tables are cut, and say where
the whole is; what is not known is a dash, never a NaN.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from argminn_core.plot.colours import motif_colour
from argminn_core.plot.report_html import (
    Html,
    count,
    facts,
    nothing,
    number,
    percent,
    plural,
    section,
    table,
    tag,
)  # fmt: skip
from argminn_core.plot.report_motifs import motifs_section
from argminn_core.plot.report_rules import rules_section
from argminn_core.plot.report_tracks import Example, bases, chip, example_html

MAX_INSTANCES, MAX_RECORDS, MAX_SETTING = 50, 3, 400
SURE_Q = 0.1
_STYLE = Path(__file__).with_name("report.css")

HOW_TO_READ = (
    ("Logit", "The model's score of a sequence: above 0 it says yes, below 0 no. One logit more multiplies the odds "
     "by 2.7."),
    ("Instance", "A site that the model looked at and used: one of its heads points there, or it holds most "
     "of a motif's evidence, a filter fires there, and without the site's letters the logit falls by what is called "
     "its contribution."),
    ("Contribution", "How many logits the prediction loses when the letters of the site are replaced by N."),
    ("q-value of an instance", "The share of false ones to expect among the instances of that motif that contribute as "
     "much or more. It is measured on shuffled copies of these sequences."),
    ("q-value of a match", "The share of chance resemblances to expect among matches as good as this one with known "
     "motifs (Tomtom). Above 0.1 no name is given: no match."),
    ("Gap", "Bases between the end of the left site and the start of the right one. Below 0 the two overlap."),
    ("Synergy", "What two motifs, planted into random letters, are worth together above the sum of each alone, in "
     "logits."),
    ("Receipt", "Tests of whether what is reported is what the model uses. It does not say whether the model is right "
     "about biology; for that, see how it does on data that it was not trained on."),
    ("Coordinates", "0-based and half-open, as in BED: bases 10–15 are the five that follow the first ten."),
)  # fmt: skip


@dataclass(frozen=True)
class Page:
    """What the page shows.

    model, description, data, split : the model's name and what its card says of it and of its training.
    pfms : the matrix (4, W) of every motif as it is drawn, in the order of the filters, which gives the colours.
    predictions, instances, cards, rules, merged, gaps, causal, receipt, dropped : the tables of those names.
    verdict, passed : of the receipt; None where nothing could be judged.
    ignored : for each motif its matches that the model did not use.
    settings : of the run, JSON. files : names, and what each file holds.
    """

    model: str
    description: str
    data: str
    split: str
    pfms: Mapping[str, np.ndarray]
    examples: Sequence[Example]
    predictions: pd.DataFrame
    instances: pd.DataFrame
    cards: pd.DataFrame
    rules: pd.DataFrame
    merged: pd.DataFrame
    gaps: pd.DataFrame
    causal: pd.DataFrame
    receipt: pd.DataFrame
    verdict: str
    passed: bool | None
    ignored: Mapping[str, int]
    dropped: pd.DataFrame
    settings: Mapping[str, Any]
    files: Mapping[str, str]


def render(page: Page) -> str:
    """The page as an HTML document."""
    colours = {name: motif_colour(index) for index, name in enumerate(page.pfms)}
    parts = [
        motifs_section(page.cards, page.pfms, colours),
        _examples(page, colours),
        rules_section(page.rules, page.gaps, page.causal, page.merged, colours),
        _receipt(page),
        _instances(page, colours),
        _dropped(page.dropped),
        _run(page),
        section("how", "How to read this", "The words that this page uses.", facts(HOW_TO_READ, "terms")),
    ]
    names = {
        "motifs": "Motifs", "examples": "Examples", "rules": "Rules", "receipt": "Receipt", "instances": "Instances",
        "dropped": "Left out", "run": "Settings and files", "how": "How to read this",
    }  # fmt: skip
    links = tag(
        "nav", *(tag("a", text, href=f"#{key}") for key, text in names.items()), aria_label="Sections"
    )
    main = tag("main", _head(page), links, *parts)
    title = escape(f"{page.model} · ARGMINN report")
    style = _STYLE.read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{title}</title>\n<style>\n{style}</style></head>\n<body>{main}</body></html>\n"
    )


# --- headline -----------------------------------------------------------------------------------------------


def _head(page: Page) -> Html:
    sequences = page.predictions["sequence"].nunique()
    positive = int((page.predictions.groupby("sequence")["logit"].max() > 0).sum())
    found = page.instances["sequence"].nunique()
    q = page.instances.get("q_value", pd.Series(dtype=float))
    numbers = [
        (count(sequences), "sequences read" if sequences != 1 else "sequence read"),
        (
            count(positive),
            f"called positive ({percent(positive / sequences)})" if sequences else "called positive",
        ),
        (count(len(page.instances)), f"instances, in {plural(found, 'sequence')}"),
        (count(int((q <= SURE_Q).sum())), f"of them at q ≤ {SURE_Q:g}"),
        (count(int(page.cards["counts"].sum())), f"motifs of {plural(len(page.cards), 'filter')}"),
        (count(len(page.rules)), "rules" if len(page.rules) != 1 else "rule"),
    ]
    about = [
        ("Sequences", page.settings.get("fasta", "given in memory")),
        ("Model", page.description or page.model),
    ]
    about += [("Trained on", page.data)] if page.data else []
    about += [("Split", page.split)] if page.split else []
    tiles = [tag("div", tag("strong", value), tag("span", name), class_="tile") for value, name in numbers]
    return tag(
        "header", tag("p", "ARGMINN report", class_="kicker"), tag("h1", f"What {page.model} reads"),
        facts(about, "about"), tag("div", *tiles, class_="tiles"), *_spread(page.predictions),
        tag("div", _badge(page.passed), tag("p", page.verdict), class_="verdict"),
    )  # fmt: skip


def _spread(predictions: pd.DataFrame) -> list[Html]:
    """The logits in a line; none without any."""
    if predictions.empty:
        return [
            nothing(
                "None of the sequences could be read, so there is nothing to report. See what was left out."
            )
        ]
    low, quarter, middle, three, high = np.quantile(predictions["logit"], [0, 0.25, 0.5, 0.75, 1])
    if len(predictions) == 1:
        return [tag("p", f"Its logit: {number(middle)}.", class_="note")]
    text = (
        f"Logits of {plural(len(predictions), 'window')}: median {number(middle)}, half of them from "
        f"{number(quarter)} to {number(three)}, all from {number(low)} to {number(high)}."
    )
    return [tag("p", text, class_="note")]


def _badge(passed: bool | None) -> Html:
    text, kind = {
        True: ("Receipt: every target met", "good"),
        False: ("Receipt: a target was missed", "bad"),
        None: ("Receipt: nothing could be judged", "open"),
    }[passed]
    return tag("strong", text, class_=f"badge {kind}")


# --- the rest -----------------------------------------------------------------------------------------------


def _examples(page: Page, colours: Mapping[str, str]) -> Html:
    lead = (
        "A few sequences with instances, from the highest prediction to the lowest, evenly spread in between. An "
        "arrow is an instance on its strand; the number is its contribution."
    )
    shown = [example_html(example, colours) for example in page.examples]
    return section(
        "examples", "Example sequences", lead, *(shown or [nothing("No sequence has an instance.")])
    )


def _receipt(page: Page) -> Html:
    lead = (
        "Whether the instances are what the model uses: each test with its 95 % interval, and its target where it "
        "has one."
    )
    if page.receipt.empty:
        return section("receipt", "Receipt of faithfulness", lead, nothing(page.verdict))
    rows = [
        (
            row.test, number(row.value), _interval(row.low, row.high), count(row.n),
            f"≥ {number(row.target)}" if np.isfinite(row.target) else "", _passed(row.passed), row.note,
        )
        for row in page.receipt.itertuples()
    ]  # fmt: skip
    header = ("test", "value", "95 %", "n", "target", "", "what it is")
    return section(
        "receipt", "Receipt of faithfulness", lead, table(header, rows, label="receipt", numbers=(1, 2, 3, 4))
    )


def _interval(low: float, high: float) -> str:
    return f"{number(low)} to {number(high)}" if np.isfinite(low) and np.isfinite(high) else ""


def _passed(passed: str) -> object:
    known = {"yes": ("met", "good"), "no": ("missed", "bad")}
    return tag("span", known[passed][0], class_=f"badge {known[passed][1]}") if passed in known else ""


def _instances(page: Page, colours: Mapping[str, str]) -> Html:
    lead = (
        "Sites that the model used, and matches of its own motifs (p < 0.0001) that it did not use: the difference is "
        "where syntax matters."
    )
    found = page.instances
    sure = found[found["q_value"] <= SURE_Q] if "q_value" in found else found.iloc[:0]
    seen, strong = found["motif"].value_counts(), sure["motif"].value_counts()
    names = [name for name in page.pfms if seen.get(name, 0) or page.ignored.get(name, 0)]
    if not names:
        return section("instances", "Instances", lead, nothing("No instance, and no match that was ignored."))
    rows = [
        (
            chip(name, colours), count(seen.get(name, 0)), count(strong.get(name, 0)),
            count(page.ignored.get(name, 0)),
        )
        for name in names
    ]  # fmt: skip
    rows.append(
        (tag("strong", "all"), count(len(found)), count(len(sure)), count(sum(page.ignored.values())))
    )
    header = ("motif", "instances", f"at q ≤ {SURE_Q:g}", "ignored matches")
    return section(
        "instances", "Instances", lead, table(header, rows, label="instances by motif", numbers=(1, 2, 3)),
        *_strongest(found, colours),
    )  # fmt: skip


def _strongest(found: pd.DataFrame, colours: Mapping[str, str]) -> list[Html]:
    if found.empty:
        return [nothing("No instance in these sequences.")]
    top = found.sort_values("contribution", ascending=False, kind="stable").head(MAX_INSTANCES)
    rows = [
        (
            row.sequence, bases(row), chip(row.motif, colours), row.strand,
            number(row.contribution), number(getattr(row, "q_value", np.nan), 2), number(row.attention, 2),
            getattr(row, "readers", ""),
        )
        for row in top.itertuples()
    ]  # fmt: skip
    header = (
        "sequence",
        "bases",
        "motif",
        "strand",
        "contribution",
        "q-value",
        "attention",
        "read by",
    )
    title = "The strongest" if len(found) > len(top) else "All of them"
    rest = (
        f"{count(len(top))} of {count(len(found))}; all are in instances.tsv."
        if len(found) > len(top)
        else ""
    )
    return [
        tag("h3", title), *([tag("p", rest, class_="note")] if rest else []),
        table(header, rows, label="instances", numbers=(4, 5, 6)),
    ]  # fmt: skip


def _dropped(dropped: pd.DataFrame) -> Html:
    lead = "Records that are not in this report, and why."
    if dropped.empty:
        return section("dropped", "What was left out", lead, nothing("Nothing: every record was read."))
    rows = []
    for reason, mine in dropped.groupby("reason", sort=False):
        names = ", ".join(mine["record"].head(MAX_RECORDS)) + (" …" if len(mine) > MAX_RECORDS else "")
        rows.append((reason, count(len(mine)), names, mine["detail"].iloc[0]))
    header = ("reason", "records", "such as", "detail of the first")
    return section("dropped", "What was left out", lead, table(header, rows, label="left out", numbers=(1,)))


def _run(page: Page) -> Html:
    settings = [(key, tag("code", _setting(value))) for key, value in page.settings.items()]
    files = [(tag("code", name), what) for name, what in page.files.items()]
    return section(
        "run", "Settings and files", "With these settings the same command gives the same numbers.",
        facts(settings, "settings"), tag("h3", "Files beside this page"), facts(files, "files"),
    )  # fmt: skip


def _setting(value: Any) -> str:
    if isinstance(value, Mapping):
        return "\n".join(f"{key}: {_setting(part)}" for key, part in value.items()) or "none"
    if value is None:
        return "default"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MAX_SETTING else text[:MAX_SETTING] + " …"
