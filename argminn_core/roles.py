"""What single motifs are to a model: `necessary`, `sufficient`, or a `repressor`; rows of RULES, each with a sentence.

instances + logits without them -> necessary; planted alone -> sufficient; signs of contributions -> repressor.

Sign tests ask for more than half of the sequences or instances; a signed-rank test for backgrounds, which may be few.
None of them needs the logits to be of any distribution, or to vary at all.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from argminn_core.annotate import q_values
from argminn_core.causal import Interval, Planter, interval
from argminn_core.checkpoint import ModelBundle
from argminn_core.dna import N_CODE
from argminn_core.fasta import Sequences
from argminn_core.predict import predict_sequences
from argminn_core.syntax import ALPHA, USED


def necessary(
    bundle: ModelBundle,
    sequences: Sequences,
    predictions: pd.DataFrame,
    instances: pd.DataFrame,
    motifs: list[str],
) -> list[dict]:
    """Motifs without which more than half of the sequences that are called positive no longer are."""
    logit = predictions.groupby("sequence")["logit"].max()
    positive = logit[logit > 0]
    if positive.empty:
        return []
    falls = []
    for motif in motifs:
        mine = instances[(instances["motif"] == motif) & instances["sequence"].isin(positive.index)]
        after = _without(bundle, sequences, mine)
        falls.append((positive[after.index] - after, int((after <= 0).sum())))
    rows = []
    q = _more_than_half([lost for _, lost in falls], [len(positive)] * len(falls))
    for motif, (fall, lost), q_value in zip(motifs, falls, q, strict=True):
        if q_value > ALPHA:
            continue
        effect = interval(fall.to_numpy(dtype=float))
        share = lost / len(positive)
        sentence = (
            f"{motif} is necessary: in {len(fall):,} of {len(positive):,} positive calls, and {share:.0%} of them "
            f"are lost without it, logit {-effect}, {q_text(q_value)}"
        )
        row = rule_row(effect, motif, sequences=len(fall), share=share, q=q_value)
        rows.append(row | {"kind": "necessary", "sentence": sentence})
    return rows


def sufficient(planter: Planter, instances: pd.DataFrame, motifs: list[str], total: int) -> list[dict]:
    """Motifs that make neutral backgrounds positive when planted alone; none where these are so by themselves."""
    from scipy.stats import wilcoxon

    if not motifs or interval(planter.empty).high >= 0:
        return []
    alone = [planter.alone(motif)[0] for motif in motifs]
    rows = []
    q = q_values(np.array([wilcoxon(each, alternative="greater", method="exact").pvalue for each in alone]))
    for motif, logit, q_value in zip(motifs, alone, q, strict=True):
        effect = interval(logit)
        if q_value > ALPHA or effect.low <= 0:
            continue
        sentence = (
            f"{motif} is sufficient: planted alone, logit {effect} "
            f"(background {planter.empty.mean():+.1f}), {q_text(q_value)}"
        )
        rows.append(_by_presence("sufficient", sentence, effect, motif, instances, total, q_value))
    return rows


def repressors(instances: pd.DataFrame, motifs: list[str], total: int) -> list[dict]:
    """Motifs most of whose used instances lower the logit, and which on average lower it by a logit or more.

    Less is what a motif costs that in some sequences helps: half of a pair that represses, for one.
    """
    worth = [instances["contribution"][instances["motif"] == motif].to_numpy() for motif in motifs]
    rows = []
    q = _more_than_half([int((each < 0).sum()) for each in worth], [len(each) for each in worth])
    for motif, values, q_value in zip(motifs, worth, q, strict=True):
        effect = interval(values)
        if q_value > ALPHA or effect.high >= 0 or effect.mean > -USED:
            continue
        sentence = (
            f"{motif} is a repressor: {(values < 0).mean():.0%} of its {len(values):,} instances "
            f"lower the logit, by {-effect.mean:.1f} [{-effect.high:.1f}, {-effect.low:.1f}], {q_text(q_value)}"
        )
        rows.append(_by_presence("repressor", sentence, effect, motif, instances, total, q_value))
    return rows


def _by_presence(
    kind: str, sentence: str, effect: Interval, motif: str, instances: pd.DataFrame, total: int, q: float
) -> dict:
    """A row of RULES of a motif that concerns the sequences, of `total`, that have an instance of it."""
    seen = instances["sequence"][instances["motif"] == motif].nunique()
    row = rule_row(effect, motif, sequences=seen, share=seen / total, q=q)
    return row | {"kind": kind, "sentence": sentence}


def rule_row(
    effect: Interval, left: str, right: str = "", orientation: str = "", *,
    gaps: str = "", sequences: int, share: float, q: float,
) -> dict:  # fmt: skip
    """A row of RULES that lacks its kind and sentence."""
    return {
        "left": left, "right": right, "orientation": orientation, "gaps": gaps, "sequences": int(sequences),
        "share": float(share), "effect": effect.mean, "low": effect.low, "high": effect.high, "q_value": float(q),
    }  # fmt: skip


def q_text(q: float) -> str:
    return f"q = {q:.0e}" if q > 1e-300 else "q < 1e-300"


def _more_than_half(hits: list[int], trials: list[int]) -> np.ndarray:
    """q-values (M,) of sign tests: so many `hits` in `trials` of even odds, or more."""
    from scipy.stats import binom

    return q_values(binom.sf(np.array(hits, dtype=int) - 1, np.array(trials, dtype=int), 0.5))


def _without(bundle: ModelBundle, sequences: Sequences, instances: pd.DataFrame) -> pd.Series:
    """Logits, by sequence, with N in place of the instances; the highest window of a longer sequence."""
    if instances.empty:
        return pd.Series(dtype=float)
    index = {name: i for i, name in enumerate(sequences.names)}
    names = list(dict.fromkeys(instances["sequence"]))
    masked = sequences.subset([index[name] for name in names])
    first = dict(zip(names, masked.offsets[:-1].tolist(), strict=True))
    last = dict(zip(names, masked.offsets[1:].tolist(), strict=True))
    for name, start, end in instances[["sequence", "start0", "end0"]].itertuples(index=False):
        # A merged instance may stick out of its sequence.
        masked.codes[first[name] + max(start, 0) : min(first[name] + end, last[name])] = N_CODE
    return predict_sequences(bundle, masked)[0].groupby("sequence")["logit"].max()
