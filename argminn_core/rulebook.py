"""The rules that a model goes by as data that travels with it: in its card, to the canvas, and against a design.

    RULES -> list of plain dicts (card["rules"]) -> `Rule`s, checked -> which of them a set of placements keeps

An entry of a card has `kind`, `left`, `right`, `orientation`, `gaps` (a list of [low, high, share]), `share`, `effect`,
`low`, `high`, `q_value`, `sentence`, with the meanings of RULES; what is not known is null. Cards come from files that
anyone may have written, so an entry that cannot be used is left out and counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from argminn_core.checkpoint import ModelBundle
from argminn_core.errors import InputError
from argminn_core.fasta import Sequences
from argminn_core.tables import number

MAX_RULES = 300
MAX_TEXT = 400
MAX_GAP = 100_000

KINDS = ("pair", "necessary", "sufficient", "repressor", "additive")
FLIP = {"+": "-", "-": "+"}
_GAPS = re.compile(r"(-?\d{1,6})(?:(?:-| to )(-?\d{1,6}))? \((\d{1,3})%\)")
_STRANDS = {
    "++": "same strand",
    "--": "same strand",
    "+-": "opposite strands, facing each other",
    "-+": "opposite strands, back to back",
    "": "any order and strand",
}


class Gaps(NamedTuple):
    """Gaps from `low` to `high` in bases, both included; `share` of the sequences that hold the pair."""

    low: int
    high: int
    share: float

    def text(self) -> str:
        if self.low == self.high:
            return str(self.low)
        return f"{self.low}{' to ' if self.low < 0 else '-'}{self.high}"


class Rule(NamedTuple):
    """One rule of a model; of a single motif where `right` is empty.

    kind : one of KINDS. orientation : "++", "+-", "-+", or "" where the order does not matter. gaps : the preferred
    ones, none where none is preferred. effect : logits, NaN where not known.
    """

    kind: str
    left: str
    right: str
    orientation: str
    gaps: tuple[Gaps, ...]
    share: float
    effect: float
    q_value: float
    sentence: str

    @property
    def pair(self) -> str:
        """The two motifs and how they stand: `REST_left then REST_right, same strand`."""
        pair = f"{self.left} then {self.right}" if self.orientation else f"{self.left} with {self.right}"
        return f"{pair}, {_STRANDS[self.orientation]}"

    @property
    def name(self) -> str:
        """The rule in short: `REST_left then REST_right, same strand, gap 0 or 5-9`."""
        if not self.right:
            return f"{self.left}, {self.kind}"
        gaps = " or ".join(run.text() for run in sorted(self.gaps))
        return self.pair + (f", gap {gaps}" if gaps else "")

    def holds(self, arrangement: Arrangement) -> bool:
        """Whether two sites keep this rule of a pair, read on either strand."""
        readings = (arrangement, arrangement.other())
        if self.orientation:
            wanted = (self.left, self.right, self.orientation)
            same = any((r.left, r.right, r.orientation) == wanted for r in readings)
        else:
            same = any((r.left, r.right) == (self.left, self.right) for r in readings)
        return same and (not self.gaps or any(g.low <= arrangement.gap <= g.high for g in self.gaps))


class Arrangement(NamedTuple):
    """Two sites, read from left to right on the + strand."""

    left: str
    right: str
    orientation: str
    gap: int

    def other(self) -> Arrangement:
        """The same two sites, read on the other strand."""
        flipped = FLIP[self.orientation[1]] + FLIP[self.orientation[0]]
        return Arrangement(self.right, self.left, flipped, self.gap)

    def text(self) -> str:
        shown = self.other() if self.orientation == "--" else self
        return f"{shown.left} then {shown.right}, {_STRANDS[shown.orientation]}, gap {self.gap}"


# --- to and from a card -----------------------------------------------------------------------------------------


def to_card(rules: pd.DataFrame) -> list[dict[str, Any]]:
    """RULES as a list for `card["rules"]`: plain JSON, the order kept.

    Raises
    ------
    InputError : a text of gaps that is not of the form `0 (43%), 5-9 (48%)`.
    """
    entries = []
    for row in rules.itertuples(index=False):
        found = list(_GAPS.finditer(row.gaps))
        if ", ".join(match[0] for match in found) != row.gaps:
            raise InputError(
                "the gaps of a rule cannot be read", found=row.gaps, expected="0 (43%), 5-9 (48%)"
            )
        entries.append(
            {
                "kind": row.kind, "left": row.left, "right": row.right, "orientation": row.orientation,
                "gaps": [[int(m[1]), int(m[2] or m[1]), int(m[3]) / 100] for m in found],
                "share": _finite(row.share), "effect": _finite(row.effect), "low": _finite(row.low),
                "high": _finite(row.high), "q_value": _finite(row.q_value), "sentence": row.sentence,
            }
        )  # fmt: skip
    return entries


def from_card(card: Mapping[str, Any], motifs: Iterable[str]) -> tuple[list[Rule], int]:
    """The rules in a card that concern `motifs`, and how many entries were left out as unusable."""
    entries = card.get("rules")
    if not isinstance(entries, list):
        return [], int(entries is not None)
    known = set(motifs)
    rules = [rule for entry in entries[:MAX_RULES] if (rule := _rule(entry, known)) is not None]
    return rules, len(entries) - len(rules)


def learn(
    bundle: ModelBundle,
    sequences: Sequences,
    controls: Sequences | None = None,
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[dict[str, Any]]:
    """What `rules.find_rules` finds in sequences, held against controls where there are any, for a card."""
    from argminn_core.rules import find_rules, with_controls

    together = sequences if controls is None else with_controls(sequences, controls)
    return to_card(find_rules(bundle, together, seed=seed, progress=progress).rules)


def _rule(entry: object, known: set[str]) -> Rule | None:
    if not isinstance(entry, dict):
        return None
    kind, left, right, orientation, sentence = (
        entry.get(key, "") for key in ("kind", "left", "right", "orientation", "sentence")
    )
    if not all(isinstance(text, str) for text in (kind, left, right, orientation, sentence)):
        return None
    if kind not in KINDS or left not in known or (right and right not in known):
        return None
    if orientation not in ("", "++", "+-", "-+") or len(sentence) > MAX_TEXT or (orientation and not right):
        return None
    gaps = entry.get("gaps", [])
    if not isinstance(gaps, list) or len(gaps) > 50 or not all(map(_is_run, gaps)):
        return None
    numbers = [number(entry.get(key)) for key in ("share", "effect", "q_value")]
    runs = tuple(Gaps(int(low), int(high), float(share)) for low, high, share in gaps)
    return Rule(kind, left, right, orientation, runs, *numbers, sentence)


def _is_run(run: object) -> bool:
    if not isinstance(run, list) or len(run) != 3 or any(isinstance(part, bool) for part in run):
        return False
    low, high, share = run
    if not (isinstance(low, int) and isinstance(high, int) and isinstance(share, int | float)):
        return False
    return -MAX_GAP <= low <= high <= MAX_GAP and 0 <= share <= 1


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


# --- against a design -------------------------------------------------------------------------------------------

# state: met, broken (both motifs are there, and no rule of the two is kept), open (one of the two, or a necessary
# motif, is missing) or repressed (what lowers the logit is there). found: what the placements have.
JUDGED = ["state", "rule", "found"]


def judge(placements: pd.DataFrame, rules: Iterable[Rule]) -> pd.DataFrame:
    """Which rules the PLACEMENTS of one design keep: a frame with the columns of JUDGED, kept rules first.

    Rules of which no motif is placed are left out, necessary ones aside once anything is placed; those that only say
    what adds up, or what suffices, cannot be broken and are left out too.
    """
    rows: list[dict[str, str]] = []
    sites = list(placements[["motif", "start0", "end0", "strand"]].itertuples(index=False))
    present = {site.motif for site in sites}
    pairs: dict[frozenset[str], list[Rule]] = {}
    for rule in rules:
        if rule.right and rule.kind in ("pair", "repressor"):
            pairs.setdefault(frozenset((rule.kind, rule.left, rule.right)), []).append(rule)
        elif rule.kind == "necessary" and sites:
            there = rule.left in present
            rows.append(_row("met" if there else "open", rule, "placed" if there else "not placed"))
        elif rule.kind == "repressor" and rule.left in present:
            rows.append(_row("repressed", rule, "placed"))
    for group in pairs.values():
        rows += _judge_pair(sites, group)
    order = ["met", "broken", "repressed", "open"]
    return pd.DataFrame(sorted(rows, key=lambda row: order.index(row["state"])), columns=JUDGED)


def _judge_pair(sites: list, group: list[Rule]) -> list[dict[str, str]]:
    """Rows for the rules of one pair of motifs and one kind."""
    first = group[0]
    found = _arrangements(sites, first.left, first.right)
    if not found:
        names = [name for name in (first.left, first.right) if any(site.motif == name for site in sites)]
        if not names or first.kind == "repressor":
            return []
        missing = (
            "a second one" if first.left == first.right else ({first.left, first.right} - set(names)).pop()
        )
        return [_row("open", rule, f"{names[0]} without {missing}") for rule in group]
    kept = [(rule, next((a for a in found if rule.holds(a)), None)) for rule in group]
    if first.kind == "repressor":
        return [_row("repressed", rule, a.text()) for rule, a in kept if a is not None]
    met = [_row("met", rule, a.text()) for rule, a in kept if a is not None]
    return met or [_row("broken", rule, found[0].text()) for rule in group]


def _arrangements(sites: list, left: str, right: str) -> list[Arrangement]:
    """Every two sites of two motifs, those nearest to each other first."""
    found = []
    for i, a in enumerate(sites):
        for b in sites[i + 1 :]:
            if sorted((a.motif, b.motif)) == sorted((left, right)):
                x, y = (a, b) if (a.start0, a.end0) <= (b.start0, b.end0) else (b, a)
                found.append(Arrangement(x.motif, y.motif, x.strand + y.strand, int(y.start0 - x.end0)))
    return sorted(found, key=lambda arrangement: abs(arrangement.gap))


def _row(state: str, rule: Rule, found: str) -> dict[str, str]:
    return {"state": state, "rule": rule.name, "found": found}
