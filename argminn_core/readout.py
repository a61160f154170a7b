"""Filters -> motifs: the windows that a filter answers to, averaged.

For filter `f`, the windows with `act > 0.5 * max(act_f)` over a reference set make its position frequency matrix
(arXiv 2410.06211, section 3); of each sequence only the best one. A filter that is read together with a partner may
have a low threshold, and then chance matches, several a sequence, would outnumber its sites. Windows on the minus
strand are reverse-complemented first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F

from argminn_core import dna
from argminn_core.annotate import annotate
from argminn_core.checkpoint import ModelBundle
from argminn_core.model import Argminn
from argminn_core.motifs import LearnedMotif
from argminn_core.pfm import Motif, information
from argminn_core.tables import MOTIFS

TRIM_BITS = 0.2
MIN_CORE = 5
MIN_MEAN_BITS = 1.0
FEW_WINDOWS = 10


def learn_motifs(
    model: Argminn, codes: np.ndarray, *, share: float = 0.5, batch: int = 256
) -> list[LearnedMotif]:
    """Read the motif of every filter from reference sequences, codes (N, L); one entry for each filter.

    Two passes over the scanner: the largest activations, then each sequence's best window, if above `share` of them.
    """
    config, scanner = model.config, model.scanner
    filters, width = config.filters, config.width
    with torch.inference_mode():
        kernels, biases = scanner.kernels(), scanner.biases()

        def activations(start: int) -> torch.Tensor:
            X = dna.one_hot(codes[start : start + batch]).to(kernels.device)
            act = F.conv1d(X, kernels, biases).relu()
            return act.view(len(act), -1, filters, act.shape[2])  # (n, strands, F, P)

        top = torch.zeros(filters)
        total, positive = torch.zeros(filters, dtype=torch.float64), torch.zeros(filters, dtype=torch.float64)
        for start in range(0, len(codes), batch):
            act = activations(start).cpu()
            top = torch.maximum(top, act.amax(dim=(0, 1, 3)))
            total += act.sum(dim=(0, 1, 3), dtype=torch.float64)
            positive += (act > 0).sum(dim=(0, 1, 3))
        counts = np.zeros((filters, 4, width))
        number = np.zeros(filters, dtype=int)
        offsets = np.arange(width)
        for start in range(0, len(codes), batch):
            act = activations(start).cpu()  # (n, strands, F, P)
            best, place = act.transpose(1, 2).flatten(2).max(2)  # (n, F)
            n, f = (index.numpy() for index in (best > share * top).nonzero(as_tuple=True))
            strand, p = np.divmod(place[n, f].numpy(), act.shape[3])
            windows = codes[start + n][np.arange(len(n))[:, None], p[:, None] + offsets]
            windows[strand == 1] = dna.reverse_complement_codes(windows[strand == 1])
            known = (windows < dna.N_CODE).all(axis=1)
            windows, f = windows[known], f[known]
            np.add.at(counts, (f[:, None], windows, offsets), 1)
            number += np.bincount(f, minlength=filters)
    motifs = []
    mean = (total / positive.clamp_min(1)).numpy()
    for f in range(filters):
        seen = counts[f].sum(0, keepdims=True)
        pfm = np.where(seen > 0, counts[f] / np.maximum(seen, 1), 0.25)
        core = core_of(pfm)
        bits = information(pfm[:, slice(*core)])
        note = ""
        if number[f] == 0:
            note = "never active in the reference set"
        elif number[f] < FEW_WINDOWS:
            note = f"only {number[f]} windows"
        good = number[f] >= FEW_WINDOWS and len(bits) >= MIN_CORE and bits.mean() >= MIN_MEAN_BITS
        learned = LearnedMotif(
            name=f"motif_{f + 1:02d}",
            filter=f,
            pfm=pfm,
            windows=int(number[f]),
            core=core,
            counts=bool(good),
            max_activation=float(top[f]),
            threshold=float(mean[f]),
            note=note,
        )
        motifs.append(learned)
    return motifs


def core_of(pfm: np.ndarray) -> tuple[int, int]:
    """Columns (start, end) of a filter's PFM (4, W) without the ends that say little; (0, 0) where all do.

    An end is cut while any stretch of it has a mean below `TRIM_BITS`: one column that just reaches it, such as the
    first of a neighbour that follows in some of the windows, does not hold on to flat ones further in. So the core is
    the stretch with the largest sum of `information - TRIM_BITS`, the widest of equal ones.
    """
    over = information(pfm) - TRIM_BITS
    if over.max() < 0:
        return 0, 0
    summed = np.concatenate([[0.0], np.cumsum(over)])
    gain = np.triu(summed[None] - summed[:, None], 1)  # of columns start to end
    starts, ends = np.nonzero(gain >= gain.max() - 1e-9)
    widest = (ends - starts).argmax()
    return int(starts[widest]), int(ends[widest])


def name_motifs(motifs: Sequence[LearnedMotif], matches: pd.DataFrame) -> list[LearnedMotif]:
    """Name motifs after their database match, from `annotate.annotate`.

    Where several motifs share one matrix, those that cover its first or second half alone are its `_left` and
    `_right`; what still shares a name is numbered. A motif without a match keeps the number of its filter.
    """
    by_name = matches.set_index("motif")
    matched = []
    for motif in motifs:
        if motif.name in by_name.index and by_name.loc[motif.name, "match"]:
            row = by_name.loc[motif.name]
            motif = replace(
                motif, match=row["match"], match_name=row["match_name"], q_value=float(row["q_value"])
            )
        matched.append(motif)
    groups: dict[str, list[int]] = {}
    for index, motif in enumerate(matched):
        if motif.match_name:
            groups.setdefault(motif.match_name, []).append(index)
    names: dict[str, list[int]] = {}
    for name, members in groups.items():
        shared = len(members) > 1 and len({matched[index].match for index in members}) == 1
        for index in members:
            side = _half(motifs[index], by_name.loc[motifs[index].name]) if shared else ""
            names.setdefault("_".join(name.split()) + side, []).append(index)
    for name, members in names.items():
        for rank, index in enumerate(members):
            matched[index] = replace(matched[index], name=name if len(members) == 1 else f"{name}_{rank + 1}")
    return matched


def renamed(
    bundle: ModelBundle,
    *,
    database: Sequence[Motif] | None = None,
    groups: Sequence[str] = ("vertebrates",),
) -> tuple[ModelBundle, pd.DataFrame]:
    """The model with names from a database, and what `annotate` says of each motif that counts, by its new name.

    The old names go: a motif without a match is called by the number of its filter. The weights are shared.
    """
    plain = [
        replace(m, name=f"motif_{m.filter + 1:02d}", match="", match_name="", q_value=float("nan"))
        for m in bundle.motifs
    ]
    matches = annotate([m.motif for m in plain if m.counts], database=database, groups=groups)
    motifs = name_motifs(plain, matches)
    by_number = {old.name: new.name for old, new in zip(plain, motifs, strict=True)}
    by_name = {old.name: new.name for old, new in zip(bundle.motifs, motifs, strict=True)}
    confidence = bundle.card.get("confidence", {})
    card = bundle.card | {"confidence": {by_name.get(name, name): of for name, of in confidence.items()}}
    matches = matches.assign(motif=matches["motif"].map(by_number))
    return replace(bundle, motifs=motifs, card=card), matches


def _half(motif: LearnedMotif, row: pd.Series) -> str:
    """`_left` or `_right` where the core covers only that part of its match, read on the match's plus strand."""
    width = int(row["width"])
    start, size = int(row["offset"]), motif.core[1] - motif.core[0]
    if row["strand"] == "-":
        start = width - start - size
    if start + size <= 0.6 * width:
        return "_left"
    return "_right" if start >= 0.4 * width else ""


def motif_table(motifs: Sequence[LearnedMotif], matches: pd.DataFrame | None = None) -> pd.DataFrame:
    """The MOTIFS table; with what `annotate` said, also where each core lies on its match."""
    rows = [
        {
            "motif": m.name, "filter": m.filter, "windows": m.windows, "core_start0": m.core[0],
            "core_end0": m.core[1], "information": m.information, "consensus": m.motif.consensus if m.core[1] else "",
            "counts": m.counts, "max_activation": m.max_activation, "threshold": m.threshold, "match": m.match,
            "match_name": m.match_name, "q_value": m.q_value, "contribution": m.contribution, "note": m.note,
        }
        for m in motifs
    ]  # fmt: skip
    frame = MOTIFS.frame(rows)
    if matches is None:
        return frame
    found = matches.set_index("motif").reindex(frame["motif"])
    offset, strand = found["offset"].fillna(0).to_numpy(), found["strand"].fillna("").to_numpy()
    return MOTIFS.check(frame.assign(match_offset=offset, match_strand=strand))
