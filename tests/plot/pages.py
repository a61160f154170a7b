"""Pages of the report with numbers that are known, and a reader that says what a browser would show."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pandas as pd

from argminn_core.plot.report_page import Example, Page
from argminn_core.tables import (
    CARDS,
    CAUSAL,
    DROPPED,
    GAPS,
    INSTANCES,
    MERGED,
    PREDICTIONS,
    RECEIPT,
    RULES,
)

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Reading(HTMLParser):
    """Text and attributes of a page; `open` is empty at the end when every tag was closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        self.text = " ".join(" ".join(self.words).replace("\xa0", " ").replace("\u2011", "-").split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("style", "script"):
            self.words.append(data)


def card(motif: str, f: int, **changes) -> dict:
    row = {
        "motif": motif, "filter": f, "consensus": "ACGTACGT", "counts": True, "windows": 1234, "information": 11.25,
        "sequences": 80, "instances": 57, "with_instance": 41, "share": 41 / 80, "contribution": 3.47, "plus": 29,
        "distance": 12.0, "central_width": 88.0, "central_share": 0.83, "central_p": 1e-9, "central_q": 2.3e-8,
        "readers": "2.3:37,1.1:20", "confidence": 0.75, "gain": 0.617, "sharpness": 1.0, "centre": 0.5,
        "match": "MA0139.2", "match_name": "CTCF", "q_value": 4.5e-11, "note": "",
    }  # fmt: skip
    return row | changes


def instances(n: int, motif: str = "CTCF", name: str = "seq") -> pd.DataFrame:
    rows = np.arange(n)
    return INSTANCES.frame(
        {
            "sequence": [f"{name}_{i}" for i in rows], "start0": rows % 400, "end0": rows % 400 + 12,
            "motif": motif, "strand": "+", "attention": 0.97, "activation": 5.0, "contribution": 2 + rows / n,
            "readers": "2.3", "q_value": 0.031,
        }
    )  # fmt: skip


def page(**changes) -> Page:
    """A page on two motifs; `changes` replace its fields."""
    found = instances(3)
    rules = [
        {
            "kind": "pair", "left": "CTCF", "right": "SPI1", "orientation": "++", "gaps": "3 (62%)", "sequences": 31,
            "share": 0.62, "effect": 2.9, "low": 2.5, "high": 3.3, "q_value": 1e-40,
            "sentence": "CTCF then SPI1, same strand, gap 3 (62%), synergy +2.9 [2.5, 3.3], q = 1e-40",
        },
        {
            "kind": "necessary", "left": "CTCF", "right": "", "orientation": "", "gaps": "", "sequences": 41,
            "share": 0.9, "effect": 4.0, "low": 3.0, "high": 5.0, "q_value": 1e-9,
            "sentence": "CTCF is necessary: 90% are lost without it",
        },
    ]  # fmt: skip
    arranged = {"left": "CTCF", "right": "SPI1", "orientation": "++"}
    fields = dict(
        model="toy", description="a toy", data="toy data", split="by hand",
        pfms={"CTCF": np.full((4, 8), 0.25), "SPI1": np.eye(4)[:, [0, 1, 2, 3, 0]]},
        examples=[Example("seq_0", 0, "ACGT" * 125, 3.21, 0.961, found.iloc[:1])],
        predictions=PREDICTIONS.frame(
            {"sequence": ["seq_0", "seq_1", "seq_2", "quiet"], "logit": [3.21, 1.5, 0.25, -4.125],
             "probability": [0.96, 0.82, 0.56, 0.02]}
        ),
        instances=found,
        cards=CARDS.frame([card("CTCF", 0), card("SPI1", 1, match="", match_name="", q_value=np.nan,
                                                 confidence=np.nan, windows=99, instances=0, contribution=np.nan)]),
        rules=RULES.frame(rules),
        merged=MERGED.frame([{"motif": "SPI1", "into": "CTCF", "strand": "-", "shift": 4, "instances": 17,
                              "share": 0.53}]),
        gaps=GAPS.frame([arranged | {"gap": 3, "sequences": 31, "expected": 0.4, "p_value": 0.0, "q_value": 0.0}]),
        causal=CAUSAL.frame([arranged | {"gap": g, "logit": 2.0, "additive": 1.0, "synergy": 1.0, "low": 0.5,
                                         "high": 1.5} for g in range(-2, 20)]),
        receipt=RECEIPT.frame([
            {"test": "necessity", "value": 36.4, "low": 30.1, "high": 41.7, "n": 57, "target": 5.0, "passed": "yes",
             "note": "N in place of a call"},
            {"test": "sufficiency", "value": 0.71, "low": np.nan, "high": np.nan, "n": 40, "target": 0.8,
             "passed": "no", "note": "how much comes back"},
        ]),
        verdict="1 of 2 targets met.", passed=False, ignored={"CTCF": 219},
        dropped=DROPPED.frame([{"record": "tiny", "reason": "too short", "detail": "4 bp"}]),
        settings={"fasta": "in.fa", "seed": 11, "stride": None}, files={"instances.tsv": "sites that the model used"},
    )  # fmt: skip
    return Page(**fields | changes)


def empty() -> Page:
    """Nothing was read, and nothing found."""
    none = {"predictions": PREDICTIONS, "instances": INSTANCES, "cards": CARDS, "rules": RULES, "merged": MERGED,
            "gaps": GAPS, "causal": CAUSAL, "receipt": RECEIPT, "dropped": DROPPED}  # fmt: skip
    tables = {name: table.empty() for name, table in none.items()}
    return page(**tables, pfms={}, examples=[], verdict="Nothing to test.", passed=None, ignored={}, files={})
