"""Where the motifs of a model stand, whether it used them or not, and how probably.

    cores of the motifs -> likelihood ratios of every place -> share of sequences with a site and where it lies, by
    expectation maximisation -> occupancy of each place -> beside what the model made of it -> probability

`instances` says what a model used. A site that is in both classes alike is used by no good classifier, and yet a
biologist wants to see it. A scan with the matrix has to find it among hundreds of chance matches; but a sequence seldom
holds two sites of a motif, so that its places compete, and sites of one experiment lie in like places. That is MEME's
model of zero or one site a sequence (Bailey and Elkan, ISMB 1995), its prior over places learned as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F

from argminn_core import dna
from argminn_core.checkpoint import ModelBundle
from argminn_core.errors import InputError
from argminn_core.fasta import Sequences
from argminn_core.ignored import read_places
from argminn_core.instances import once, scan
from argminn_core.overlaps import pairs
from argminn_core.pfm import log_odds
from argminn_core.predict import BATCH, each_batch
from argminn_core.regions import Windows, tile
from argminn_core.tables import INSTANCES

PROBABILITY = 0.5
FAINT = 0.05  # occupancy from which a place that the model did not call is looked into
_SPREAD = 10  # bp, standard deviation of what smooths the prior over places
_PSEUDO = 10.0  # sites, spread evenly over all places: one sequence learns no prior
_SAMPLE = 2_000  # windows at most that the shares and priors are learned from
_ROUNDS = 100
_BLOCK = 512  # windows that are searched at a time, to bound memory
_SEEN = ["attention", "activation", "contribution"]
_NOWHERE = INSTANCES.empty().drop(columns=_SEEN)


@dataclass(frozen=True)
class Occupancy:
    """What a set of sequences says of one motif: the share of them that holds a site, and where it lies.

    `places` (P,) is the prior of a site's start and sums to 1.
    """

    share: float
    places: np.ndarray

    @classmethod
    def learn(cls, ratios: np.ndarray) -> Occupancy:
        """By expectation maximisation from likelihood ratios of every place (N, P), the mean over strands."""
        n, size = ratios.shape
        share, places = 0.5, np.full(size, 1 / max(size, 1))
        if not n or not size:
            return cls(share, places)
        for _ in range(_ROUNDS):
            rest = 1 - share + share * (ratios @ places)
            mass = share * places * (ratios / rest[:, None]).sum(0)
            before, share = share, float((mass.sum() + 1) / (n + 2))
            places = _smooth(mass + _PSEUDO / size)
            places /= places.sum()
            if abs(share - before) < 1e-5:
                break
        return cls(share, places)

    def of(self, ratios: np.ndarray) -> np.ndarray:
        """The probability of a site at every place, given that a sequence holds one at most; (N, S, P) of ratios
        (N, S, P) by strand.
        """
        rest = 1 - self.share + self.share * (ratios.mean(1) @ self.places)
        return self.share * ratios * self.places / ratios.shape[1] / rest[:, None, None]


def sites(
    bundle: ModelBundle,
    sequences: Sequences,
    *,
    min_probability: float = PROBABILITY,
    stride: int | None = None,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """INSTANCES with two columns more, of every site that is probably there: used by the model, or not.

    - `occupancy`: how probably the letters there are a site of the motif, if a window of the model's length holds one
      at most. Both strands, and places that share half of their bases, count as one. What share of the sequences
      holds a site, and where sites lie, is learned from these very sequences (from 2,000 windows at most): with few
      of them the share is near one half and all places are alike.
    - `contribution`: as for an instance; it is measured also where the model looked elsewhere, `readers` then being "".
    - `probability`: that a site is there by either account, 1 - (1 - occupancy) exp(-contribution), negative
      contributions counting 0, and those of places that the model did not look at, which may share bases with another
      site that it did. Of the odds that the sequence is a positive, the share 1 - exp(-contribution) rests on the site.

    Two sites of one motif in a window share the occupancy. Only motifs that count are looked for.

    Parameters
    ----------
    bundle, sequences
        A model, and what to scan.
    min_probability : float
        Sites below it are left out.
    stride, threads : int, optional
        As in `instances.scan`.
    progress : callable, optional
        `progress(done, total)` counts every window three times: scanned, searched, and done with.

    Returns
    -------
    pd.DataFrame
        By sequence and start.

    Raises
    ------
    InputError
        `min_probability` is no probability.
    """
    if not 0 <= min_probability <= 1:
        raise InputError(
            "the least probability of a site is out of bounds", found=min_probability, expected="0 to 1"
        )
    config = bundle.model.config
    windows, _ = tile(sequences, length=config.length, stride=stride, min_length=config.width)
    report = progress or (lambda done, total: None)
    whole = len(windows)
    calls = scan(
        bundle, sequences, min_contribution=None, stride=stride, threads=threads,
        progress=lambda done, _: report(done, 3 * whole),
    ).instances  # fmt: skip
    known = {motif.name: motif for motif in bundle.motifs if motif.counts and motif.core[1] > motif.core[0]}
    calls = calls[calls["motif"].isin(known)].reset_index(drop=True)
    places = occupied(
        {name: motif.core_pfm for name, motif in known.items()}, windows, both=config.strands == "both",
        progress=lambda done, _: report(whole + done, 3 * whole),
    )  # fmt: skip
    places["filter"] = places["motif"].map({name: motif.filter for name, motif in known.items()}).astype(int)
    call, place = pairs(calls, places, on=("sequence", "motif"))
    occupancy = np.zeros(len(calls))
    np.maximum.at(occupancy, call, places["occupancy"].to_numpy()[place])
    calls["occupancy"] = occupancy
    alone = places.drop(index=np.unique(place))
    alone = alone[alone["occupancy"] >= min_probability]  # their probability is their occupancy
    alone = _seen(bundle, windows, alone, lambda done: report(2 * whole + done, 3 * whole))
    both = pd.concat([calls, alone.assign(readers="")], ignore_index=True)
    both = INSTANCES.check(both[[*INSTANCES.columns, "readers", "occupancy"]])
    used = both["contribution"].clip(lower=0).where(both["readers"] != "", 0)
    both["probability"] = 1 - (1 - both["occupancy"]) * np.exp(-used)
    order = pd.Series(np.arange(len(sequences.names)), index=sequences.names)
    both["record"] = both["sequence"].map(order)
    both = both[both["probability"] >= min_probability]
    return both.sort_values(["record", "start0"], kind="stable", ignore_index=True).drop(columns="record")


def occupied(
    pfms: Mapping[str, np.ndarray],
    windows: Windows,
    *,
    both: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Where motifs probably stand by the letters alone: places whose occupancy is at least 0.05.

    Parameters
    ----------
    pfms : mapping
        By name, (4, W).
    windows : Windows
        What is searched; share and places of each motif are learned from 2,000 of them at most.
    both : bool
        Whether both strands are searched.
    progress : callable, optional
        `progress(done, total)` counts windows.

    Returns
    -------
    pd.DataFrame
        `sequence`, `start0`, `end0`, `motif`, `strand`, `occupancy` as in `sites`, and `record`, `window` and `place`,
        the start within the window; by window and start.
    """
    strands, names = ["+", "-"][: 1 + both], np.asarray(windows.sequences.names, dtype=object)
    some = np.unique(np.linspace(0, len(windows) - 1, min(_SAMPLE, len(windows))).astype(np.int64))
    nothing = np.zeros((0, windows.length), dtype=np.uint8)
    sample = np.concatenate([nothing, *(windows.codes(i, i + 1) for i in some)])
    background = _background(sample, both=both)
    learned = {}
    for name, pfm in pfms.items():
        odds = log_odds(pfm, background)
        learned[name] = odds, Occupancy.learn(_ratios(sample, odds, len(strands)).mean(1))
    parts = []
    for lo in range(0, len(windows), _BLOCK):
        codes = windows.codes(lo, lo + _BLOCK)
        for name, (odds, occupancy) in learned.items():
            width = odds.shape[1]
            row, strand, place, mass = _peaks(occupancy.of(_ratios(codes, odds, len(strands))), width)
            window = row + lo
            record, start = windows.record[window], windows.start0[window] + place
            parts.append(pd.DataFrame({
                "sequence": names[record], "start0": start, "end0": start + width, "motif": name,
                "strand": np.array(strands, dtype=object)[strand], "occupancy": mass, "record": record,
                "window": window, "place": place,
            }))  # fmt: skip
        if progress is not None:
            progress(lo + len(codes), len(windows))
    columns = dict.fromkeys(("record", "window", "place"), 0)
    parts = [part for part in parts if len(part)] or [_NOWHERE.assign(occupancy=0.0, **columns)]
    # Overlapping windows see a site twice.
    every = pd.concat(parts, ignore_index=True).sort_values("occupancy", ascending=False, kind="stable")
    every = every.drop_duplicates(["record", "start0", "motif"])
    return every.sort_values(["window", "start0"], kind="stable", ignore_index=True)


def _background(sample: np.ndarray, *, both: bool) -> np.ndarray:
    """The share of each letter, (4,), a hundred even letters mixed in; of both strands, where both are read."""
    counts = 25.0 + np.bincount(sample.reshape(-1), minlength=5)[:4]
    if both:
        counts = counts + counts[::-1]
    return counts / counts.sum()


def _ratios(codes: np.ndarray, odds: np.ndarray, strands: int) -> np.ndarray:
    """Likelihood of every place as a site over that as background, float64 (n, strands, P); 0 where there is an N."""
    X = dna.one_hot(codes)
    kernel = torch.from_numpy(odds).to(X.dtype)
    kernels = torch.stack([kernel, kernel.flip(0, 1)][:strands])
    total = F.conv1d(X, kernels).double().exp2_()
    known = F.conv1d(X.sum(1, keepdim=True), X.new_ones(1, 1, odds.shape[1])).round() == odds.shape[1]
    return (total * known).numpy()


def _peaks(occupancy: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Row, strand, place and mass of the places that outdo all others within half of `width` bp; the mass is of all
    these, on all strands.
    """
    half = width // 2
    values = torch.from_numpy(occupancy)
    mass = F.avg_pool1d(values.sum(1, keepdim=True), 2 * half + 1, 1, half, count_include_pad=True)[:, 0]
    mass = (mass * (2 * half + 1)).clamp_max_(1)
    best, strand = values.max(1)
    tops = F.max_pool1d(best[:, None], 2 * half + 1, 1, half)[:, 0]
    row, place = torch.nonzero((best == tops) & (mass >= FAINT), as_tuple=True)
    return tuple(t.numpy() for t in (row, strand[row, place], place, mass[row, place]))


def _seen(
    bundle: ModelBundle, windows: Windows, places: pd.DataFrame, report: Callable[[int], None]
) -> pd.DataFrame:
    """`places` with attention, activation and contribution, each site once."""
    used, row = np.unique(places["window"].to_numpy(dtype=np.int64), return_inverse=True)
    edges = np.searchsorted(row, np.arange(len(used) + 1))

    def read(lo: int, hi: int) -> np.ndarray:
        codes = np.concatenate([windows.codes(window, window + 1) for window in used[lo:hi]])
        part = slice(edges[lo], edges[hi])
        return read_places(bundle, codes, row[part] - lo, places.iloc[part])

    seen, done = [np.zeros((0, len(_SEEN)))], 0
    for values in each_batch(read, len(used)):
        seen.append(values)
        done = min(done + BATCH, len(used))
        report(int(used[done - 1]) + 1)
    report(len(windows))
    places = places.copy()
    places[_SEEN] = np.concatenate(seen)
    inside = (places["start0"] >= 0) & (
        places["end0"] <= windows.sequences.lengths[places["record"].to_numpy(dtype=np.int64)]
    )
    return once(places[inside].sort_values(["record", "start0"], kind="stable"))


def _smooth(mass: np.ndarray) -> np.ndarray:
    """`mass` (P,) through a Gaussian, its ends not drawn towards 0."""
    reach = np.arange(-4 * _SPREAD, 4 * _SPREAD + 1)
    kernel = np.exp(-0.5 * (reach / _SPREAD) ** 2)
    sums, weights = (np.convolve(values, kernel) for values in (mass, np.ones_like(mass)))
    inner = slice(4 * _SPREAD, 4 * _SPREAD + len(mass))
    return sums[inner] / weights[inner]
