"""What a person wants to know of one motif: its matrix, where it was found, what it does, who reads it.

bundle + scan of some sequences -> CARDS, one row a filter -> the card of one motif as plain JSON.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from argminn_core.annotate import q_values
from argminn_core.checkpoint import ModelBundle
from argminn_core.errors import InputError
from argminn_core.fasta import Sequences
from argminn_core.instances import Scan
from argminn_core.tables import CARDS

# Central regions that are tried, as shares of the places where a filter fits.
REGIONS = np.arange(1, 50) / 50


def motif_cards(bundle: ModelBundle, reading: Scan, sequences: Sequences) -> pd.DataFrame:
    """CARDS, one row for each filter of the model, from `reading`, the scan of `sequences`.

    Whether a motif is central is tested as CentriMo does (Bailey and Machanick 2012, doi:10.1093/nar/gks433). Of every
    sequence with an instance the one that contributes most counts; were all places as likely, the number within a
    central region would be binomial. The most surprising of many regions is reported, and its p-value corrected for
    their number. Sequences may differ in length: a region is a share of the places that each one has.

    Raises
    ------
    InputError : the instances are not of this model and these sequences.
    """
    found, config = reading.instances, bundle.model.config
    motif = _index(found["motif"], [m.name for m in bundle.motifs], f"motif of the model {bundle.name}")
    record = _index(found["sequence"], sequences.names, "sequence that was given")
    filters = config.filters
    read = int(reading.predictions["sequence"].nunique())
    best = _best(motif, record, found["contribution"].to_numpy())
    with_instance = np.bincount(motif[best], minlength=filters)
    number = np.bincount(motif, minlength=filters)
    length = sequences.lengths[record]
    off = np.abs((found["start0"] + found["end0"]).to_numpy() - length) / 2
    places = np.maximum(length - config.width + 1, 1)
    u = _centrality(_window(bundle, found, motif), places)
    rows = [
        {
            "motif": m.name, "filter": f, "consensus": m.motif.consensus if m.core[1] else "", "counts": m.counts,
            "windows": m.windows, "information": m.information, "sequences": read, "instances": number[f],
            "with_instance": with_instance[f], "share": with_instance[f] / read if read else np.nan,
            "plus": int(((found["strand"] == "+").to_numpy() & (motif == f)).sum()),
            **_position(u[best][motif[best] == f], off[best][motif[best] == f], places[best][motif[best] == f]),
            "readers": _readers(found, motif == f), "match": m.match, "match_name": m.match_name, "q_value": m.q_value,
            "note": m.note, "confidence": _confidence(bundle, m.name),
        }
        for f, m in enumerate(bundle.motifs)
    ]  # fmt: skip
    cards = pd.DataFrame(rows)
    total = np.bincount(motif, weights=found["contribution"], minlength=filters)
    cards["contribution"] = np.where(number > 0, total / np.maximum(number, 1), np.nan)
    tested = cards["central_p"].notna().to_numpy()
    cards["central_q"] = np.nan
    cards.loc[tested, "central_q"] = q_values(cards["central_p"].to_numpy()[tested])
    evidence = bundle.model.evidence
    if evidence is not None:
        cards["gain"] = evidence.gain.detach().cpu().numpy()
        cards["sharpness"] = evidence.log_sharpness.detach().exp().cpu().numpy()
        cards["centre"] = evidence.log_centre.detach().exp().cpu().numpy()
    return CARDS.check(cards)


def motif_card(bundle: ModelBundle, name: str, cards: pd.DataFrame) -> dict[str, Any]:
    """The row of motif `name` in CARDS with its matrix, as plain JSON: `pfm` is (4, W), `core` its columns that count.

    What is not known is None.

    Raises
    ------
    ArgminnError : the model has no such motif. InputError : the table has not.
    """
    motif = bundle.motif(name)
    row = cards[cards["motif"] == name]
    if row.empty:
        raise InputError(f"the cards hold no motif {name}", found=", ".join(cards["motif"]) or "none")
    values = {key: value.item() if hasattr(value, "item") else value for key, value in row.iloc[0].items()}
    known = {key: None if isinstance(v, float) and np.isnan(v) else v for key, v in values.items()}
    return known | {"pfm": motif.pfm.tolist(), "core": list(motif.core)}


def _index(names: pd.Series, known: list[str], what: str) -> np.ndarray:
    """Where each name stands in `known`, (M,)."""
    at = pd.Index(known, dtype=object).get_indexer(names)
    if (at < 0).any():
        raise InputError(f"an instance names no {what}", found=names.iloc[int((at < 0).argmax())])
    return at


def _best(motif: np.ndarray, record: np.ndarray, contribution: np.ndarray) -> np.ndarray:
    """The instance of each motif in each sequence that contributes most, as indices; the first of equals."""
    order = np.lexsort((-contribution, record, motif))
    key = np.stack([motif, record])[:, order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (key[:, 1:] != key[:, :-1]).any(axis=0)
    return order[first]


def _window(bundle: ModelBundle, found: pd.DataFrame, motif: np.ndarray) -> np.ndarray:
    """Where the filter's window starts, (M,): an instance is its core alone, mirrored on the minus strand."""
    width = bundle.model.config.width
    cores = np.array([m.core if m.core[1] > m.core[0] else (0, width) for m in bundle.motifs])
    before = np.where(found["strand"] == "+", cores[motif, 0], width - cores[motif, 1])
    return found["start0"].to_numpy() - before


def _centrality(start: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The share of all `places` that are at least as central as `start`, (M,): its chance, were every place as good."""
    off = np.abs(start - (places - 1) / 2)
    return np.minimum((2 * off + 1) / places, 1.0)


def _position(u: np.ndarray, off: np.ndarray, places: np.ndarray) -> dict[str, float]:
    """The columns on position of one motif, from the best instance of each sequence: chances, distances, places."""
    from scipy.stats import binom

    names = ("distance", "central_width", "central_share", "central_p")
    if not len(u):
        return dict.fromkeys(names, np.nan)
    inside = np.searchsorted(np.sort(u), REGIONS + 1e-9, side="right")
    p = binom.sf(inside - 1, len(u), REGIONS)
    top = int(p.argmin())
    values = (
        np.median(off), REGIONS[top] * np.median(places), inside[top] / len(u), min(p[top] * len(REGIONS), 1.0)
    )  # fmt: skip
    return dict(zip(names, map(float, values), strict=True))


def _readers(found: pd.DataFrame, of: np.ndarray) -> str:
    """How many instances each reader looked at, as "1.2:34,evidence:10", the most first."""
    if "readers" not in found:
        return ""
    counts: dict[str, int] = {}
    for together, n in found["readers"][of].value_counts().items():
        for reader in filter(None, str(together).split(",")):
            counts[reader] = counts.get(reader, 0) + int(n)
    return ",".join(
        f"{reader}:{n}" for reader, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def _confidence(bundle: ModelBundle, name: str) -> float:
    """How often other seeds found the motif, 0 to 1, where the model's card knows."""
    return float(bundle.card.get("confidence", {}).get(name, np.nan))
