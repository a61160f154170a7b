"""Rules of the bundled grammar models against the grammars' own: `python benchmarks/rules.py [MODEL ...]`.

Fresh simulated sequences, from a seed that no training uses. A learned motif stands for the planted one that its
instances cover, shifted by as much as most of them are; one that is called on both strands of the same planted motif (a
palindrome) has two such places, and a rule counts as true when it is for one of them.
"""

from __future__ import annotations

import argparse
import re
import time
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd
from instances import MODELS, joined

from argminn_core.causal import Planter
from argminn_core.checkpoint import ModelBundle, load_model
from argminn_core.fasta import Sequences
from argminn_core.grammars import Grammar, grammar, motifs_of
from argminn_core.occupancy import sites
from argminn_core.rules import Rules, find_rules
from argminn_core.simulate import simulate
from argminn_core.syntax import observe
from argminn_core.zoo import names, resolve

SEED = 20_263
SURE = 0.9  # probability from which a site counts as there
OFTEN = 0.2  # share of a learned motif's right calls that makes a place of its own
_RUN = re.compile(r"(-?\d+)(?:(?: to |-)(-?\d+))? \(")

Key = tuple[str, str, str]  # left, right, orientation


class Place(NamedTuple):
    """Where a learned motif lies on a planted one: `shift` bases right of its start, read on the planted + strand."""

    planted: str
    turned: bool
    shift: int
    width: int


def canonical(left: str, right: str, orientation: str) -> Key:
    """The arrangement as `syntax.observe` writes it."""
    if orientation == "--":
        return right, left, "++"
    return (right, left, orientation) if orientation != "++" and left > right else (left, right, orientation)


def places(rules: Rules, truth: pd.DataFrame, widths: dict[str, int]) -> dict[str, list[Place]]:
    """The places of every learned motif that covers a planted one."""
    pairs = joined(rules.syntax.instances, truth)
    plus = (pairs["strand_true"] == "+").to_numpy()
    before, after = pairs["start0"] - pairs["start0_true"], pairs["end0_true"] - pairs["end0"]
    pairs = pairs.assign(turned=pairs["strand"] != pairs["strand_true"], shift=np.where(plus, before, after))
    found: dict[str, list[Place]] = {}
    for motif, rows in pairs.groupby("motif"):
        planted = rows["motif_true"].mode().iloc[0]
        rows = rows[rows["motif_true"] == planted]
        for turned, side in rows.groupby("turned"):
            if len(side) >= OFTEN * len(rows):
                shift = int(side["shift"].mode().iloc[0])
                found.setdefault(motif, []).append(Place(planted, bool(turned), shift, widths[planted]))
    return found


def translated(
    key: Key, gap: int, where: dict[str, list[Place]], own: dict[str, int]
) -> set[tuple[Key, int]]:
    """What a learned arrangement and gap say of the planted motifs; empty where one motif stands for none."""
    left, right, orientation = key
    begin = {0: 0, 1: own[left] + gap}
    found = set()
    for sides in product(where.get(left, []), where.get(right, [])):
        spans = []
        for i, (place, name) in enumerate(zip(sides, (left, right), strict=True)):
            plus = (orientation[i] == "+") != place.turned
            start = begin[i] - place.shift if plus else begin[i] + own[name] + place.shift - place.width
            spans.append((start, start + place.width, place.planted, "+" if plus else "-"))
        (_, end, a, s), (start, _, b, t) = sorted(spans)
        found.add((canonical(a, b, s + t), start - end))
    return found


def true_gaps(rule: Grammar) -> dict[tuple[Key, int], float]:
    """Probability of each arrangement and gap among positives that hold a pair."""
    found: dict[tuple[Key, int], float] = {}
    for configuration in rule.positives:
        for (one, other), (low, high) in zip(
            zip(configuration.sites, configuration.sites[1:], strict=False), configuration.gaps, strict=True
        ):
            key = canonical(one[0], other[0], one[1] + other[1])
            for gap in range(low, high + 1):
                share = configuration.probability / (high - low + 1)
                found[key, gap] = found.get((key, gap), 0) + share
    total = sum(found.values())
    return {at: share / total for at, share in found.items()}


def true_singles(rule: Grammar) -> set[tuple[str, str]]:
    """(kind, planted motif) that follow from the two classes of the grammar.

    A motif in every sequence of both tells nothing of the class, and no sequence without it is ever seen: there is
    nothing to learn of it.
    """
    positive, negative = [set(c.motifs) for c in rule.positives], [set(c.motifs) for c in rule.negatives]
    found = set()
    for source in rule.motifs:
        name = source.name
        if all(name in motifs for motifs in positive + negative):
            continue
        if all(name in motifs for motifs in positive):
            found.add(("necessary", name))
        if {name} in positive and {name} not in negative:
            found.add(("sufficient", name))
        if any(name in motifs for motifs in negative) and not any(name in motifs for motifs in positive):
            found.add(("repressor", name))
    return found


def spans(gaps: set[int]) -> str:
    """Gaps as runs."""
    ordered = sorted(gaps)
    parts = np.split(ordered, np.flatnonzero(np.diff(ordered) > 1) + 1) if ordered else []
    return ", ".join(f"{p[0]}" if len(p) == 1 else f"{p[0]} to {p[-1]}" for p in parts)


class Score(NamedTuple):
    """One line of the summary."""

    true: int
    hits: int
    invented: int
    used: int = 0


def pair_lines(
    rules: Rules, truth: dict[tuple[Key, int], float], where: dict[str, list[Place]], own: dict[str, int]
) -> tuple[list[str], Score]:
    """Table lines for pairs of motifs."""
    wanted: dict[Key, set[int]] = {}
    for key, gap in truth:
        wanted.setdefault(key, set()).add(gap)
    said: dict[Key, list[tuple[str, set[int], bool]]] = {}
    lines, invented = [], 0
    for rule in rules.rules[rules.rules["orientation"] != ""].itertuples():
        runs = [(int(a), int(b or a)) for a, b in _RUN.findall(rule.gaps)]
        key = rule.left, rule.right, rule.orientation
        meant: dict[Key, set[int]] = {}
        for low, high in runs:
            for gap in range(low, high + 1):
                for true_key, true_gap in translated(key, gap, where, own):
                    meant.setdefault(true_key, set()).add(true_gap)
        known = [k for k, gaps in meant.items() if gaps & wanted.get(k, set())]
        for k in known:
            said.setdefault(k, []).append((rule.sentence, meant[k], rule.kind == "pair"))
        if not known:
            invented += rule.kind == "pair"
            lines.append(
                f"| none | {rule.kind}: {rule.sentence} | | {'invented' if rule.kind == 'pair' else '-'} |"
            )
    hits = used = 0
    for key, gaps in wanted.items():
        told = said.get(key, [])
        reported = set().union(*(found for _, found, _ in told))
        verdict = "hit" if reported == gaps else "partly" if reported & gaps else "miss"
        hits += verdict == "hit"
        used += any(causal for *_, causal in told)
        if told and not any(causal for *_, causal in told):
            verdict += ", in the sequences; the model does not use it"
        text = "<br>".join(sentence for sentence, *_ in told) or "nothing"
        lines.append(
            f"| {key[0]} then {key[1]} ({key[2]}), gap {spans(gaps)} | {text} | {spans(reported)} | {verdict} |"
        )
    return lines, Score(len(wanted), hits, invented, used)


def single_lines(rules: Rules, rule: Grammar, where: dict[str, list[Place]]) -> tuple[list[str], Score]:
    """Table lines for single motifs."""
    wanted, said = true_singles(rule), {}
    for found in rules.rules[rules.rules["right"] == ""].itertuples():
        planted = where[found.left][0].planted if found.left in where else "no planted motif"
        said[found.kind, planted] = found.sentence
    lines = [
        f"| {motif} {kind} | {said.get((kind, motif), 'nothing')} | | {'hit' if (kind, motif) in said else 'miss'} |"
        for kind, motif in sorted(wanted)
    ]
    extra = [(at, text) for at, text in said.items() if at not in wanted]
    lines += [f"| none | {text} | | invented |" for _, text in extra]
    return lines, Score(len(wanted), len(wanted & set(said)), len(extra))


def variation(
    rules: Rules,
    truth: dict[tuple[Key, int], float],
    positives: set[str],
    where: dict[str, list[Place]],
    own: dict[str, int],
) -> tuple[int, float, float]:
    """Jointly called pairs of positives, and the total variation distance of their gaps to the truth.

    The first distance counts pairs in a wrong arrangement as gaps that the truth does not have; the second
    leaves them out. Where a motif has two places, the one is taken that gives an arrangement of the grammar.
    """
    keys = {key for key, _ in truth}
    seen: dict[tuple[Key, int], int] = {}
    for row in rules.syntax.joint[rules.syntax.joint["sequence"].isin(positives)].itertuples():
        meant = translated((row.left, row.right, row.orientation), int(row.gap), where, own)
        if {key[:2] for key, _ in meant} & {pair for k in keys for pair in (k[:2], k[1::-1])}:
            at = min(meant, key=lambda each: (each[0] not in keys, each))
            seen[at] = seen.get(at, 0) + 1

    def distance(counts: dict[tuple[Key, int], int]) -> float:
        total = max(sum(counts.values()), 1)
        return 0.5 * sum(abs(counts.get(at, 0) / total - truth.get(at, 0)) for at in counts | truth)

    return sum(seen.values()), distance(seen), distance({at: n for at, n in seen.items() if at[0] in keys})


def ranking(
    causal: pd.DataFrame,
    truth: dict[tuple[Key, int], float],
    where: dict[str, list[Place]],
    own: dict[str, int],
) -> str:
    """Whether the synergy of every true gap lies above that of every false one, in words."""
    true, false = [], []
    for row in causal.itertuples():
        meant = translated((row.left, row.right, row.orientation), row.gap, where, own)
        if meant & set(truth):
            true.append(row.synergy)
        elif meant and {key[:2] for key, _ in meant} & {p for (k, _) in truth for p in (k[:2], k[1::-1])}:
            false.append(row.synergy)
    if not true:
        return "the pair was not planted: no evidence for it in the sequences"
    above = int((np.array(false) >= min(true)).sum())
    ordered = np.mean(np.array(true)[:, None] > np.array(false)[None])
    return (
        f"{'yes' if not above else 'no'}: {above} of {len(false)} false ones reach the lowest of {len(true)} "
        f"true ones; {ordered:.3f} of all pairs of a true and a false one are in order"
    )


def probable(bundle: ModelBundle, sequences: Sequences) -> pd.DataFrame:
    """Sites that are there with a probability over `SURE`, whether used or not, as INSTANCES for `observe`.

    Their contribution is all that speaks for them, in the same unit: -log(1 - probability), which is what they add to
    the logit where the letters say nothing.
    """
    found = sites(bundle, sequences, min_probability=SURE)
    return found.assign(contribution=-np.log(np.maximum(1 - found["probability"], 1e-9)))


def report(name: str, rule: Grammar, n: int, seed: int) -> str:
    bundle: ModelBundle = load_model(resolve(name))
    good, bad = simulate(rule, n, seed=seed), simulate(rule, n, seed=seed + 1, positives=False)
    sequences = Sequences.from_codes(good.names + bad.names, np.concatenate([good.codes, bad.codes]))
    begun = time.perf_counter()
    rules = find_rules(bundle, sequences, planter=Planter(bundle, seed=seed))
    seconds = time.perf_counter() - begun
    widths = {name: motif.width for name, motif in motifs_of(rule).items()}
    where = places(rules, pd.concat([good.truth, bad.truth]), widths)
    own = {motif.name: motif.motif.width for motif in bundle.motifs}
    truth, distance, likely = true_gaps(rule), "-", "-"
    pairs, score = pair_lines(rules, truth, where, own)
    singles, other = single_lines(rules, rule, where)
    print(
        f"\n## {name} ({rule.name}), {n} positives, {n} negatives, seeds {seed} and {seed + 1}, {seconds:.0f} s\n"
    )
    if len(rules.syntax.merged):
        print("One motif: " + "; ".join(
            f"{row.motif} is {row.into} ({row.strand}, shift {row.shift}, {row.share:.0%} of {row.instances})"
            for row in rules.syntax.merged.itertuples()
        ) + ".\n")  # fmt: skip
    print("| true rule | reported | its gaps, on the planted motifs | verdict |\n|---|---|---|---|")
    print("\n".join(pairs + singles))
    if truth:
        called, loose, strict = variation(rules, truth, set(good.names), where, own)
        distance = f"{loose:.3f} ({strict:.3f})"
        print(f"\nGaps of {called} jointly called pairs of positives: total variation distance {distance}")
        there = rules._replace(syntax=observe(probable(bundle, sequences), sequences))
        where_there = places(there, pd.concat([good.truth, bad.truth]), widths)
        called, loose, strict = variation(there, truth, set(good.names), where_there, own)
        likely = f"{loose:.3f} ({strict:.3f})"
        print(f"\nOf {called} pairs of sites with a probability over {SURE}: {likely}")
        print(
            f"\nCausal scan, every true gap above every false one: {ranking(rules.causal, truth, where, own)}"
        )
    return (
        f"| {name} | {score.true} | {score.hits} | {score.used} | {score.invented} | {other.true} | {other.hits} | "
        f"{other.invented} | {distance} | {likely} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", help="; ".join(MODELS))
    parser.add_argument("--n", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    chosen = options.models or [name for name in MODELS if name in names()]
    lines = [report(name, grammar(MODELS[name]), options.n, options.seed) for name in chosen]
    print("\n## Summary\n")
    print("A pair is a hit when exactly its gaps are reported, and used when planting it shows synergy too.")
    print("Distance: of all jointly called pairs (of those in a true arrangement).\n")
    print(
        "| model | true pairs | hit | used | invented | true single-motif rules | hit | invented | distance | "
        "of probable sites |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
