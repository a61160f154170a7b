"""Sequences made by a known grammar, with the truth of what was planted.

grammar (data) -> uniform background without chance matches -> planted sites -> half reverse-complemented
-> codes (n, L) and PLACEMENTS.

A grammar is plain data: motifs by JASPAR id, and two lists of weighted configurations (ordered motifs and the
gaps between them), one for positives and one for negatives. `Grammar.from_dict` reads a user's own from JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from argminn_core.backgrounds import Avoider, uniform_codes
from argminn_core.dna import decode, reverse_complement_codes
from argminn_core.errors import ConfigError
from argminn_core.pfm import Motif, jaspar
from argminn_core.tables import PLACEMENTS

CENTRE_RANGE = 50  # bp: how far a configuration's centre may lie from the middle of the sequence


@dataclass(frozen=True)
class MotifSource:
    """A motif of a grammar: a JASPAR matrix with its ends trimmed, or some of that matrix's columns.

    Parameters
    ----------
    name : str
        What the truth table calls it.
    matrix : str
        JASPAR id.
    columns : (int, int), optional
        First and last column to keep, counted from 1, after trimming; all by default.
    pfm : tuple, optional
        Instead of `matrix`: the rows A, C, G, T of a user's own motif, used as they are.
    """

    name: str
    matrix: str = ""
    columns: tuple[int, int] | None = None
    pfm: tuple[tuple[float, ...], ...] | None = None

    def motif(self) -> Motif:
        """The motif itself, named `name`."""
        if self.pfm is not None:
            return Motif(self.name, np.array(self.pfm, dtype=np.float64), source="grammar")
        found = jaspar(self.matrix).trimmed()
        first, last = self.columns or (1, found.width)
        if not 1 <= first <= last <= found.width:
            raise ConfigError(
                f"motif {self.name} asks for columns that {self.matrix} does not have",
                found=f"{first} to {last}", expected=f"within 1 to {found.width}",
            )  # fmt: skip
        cut = found.columns(first - 1, last)
        return Motif(self.name, cut.pfm, found.name, found.nsites, found.source)


@dataclass(frozen=True)
class Configuration:
    """Motifs from left to right and the gaps between them; no motifs means background alone.

    Parameters
    ----------
    probability : float
        Share of the sequences that get this configuration.
    motifs : tuple of str
        Names, left to right.
    gaps : tuple of (int, int)
        Smallest and largest gap between neighbours, in bases, both included: one pair fewer than motifs.
    strands : str
        One + or - per motif; all + by default.
    """

    probability: float
    motifs: tuple[str, ...] = ()
    gaps: tuple[tuple[int, int], ...] = ()
    strands: str = ""

    @property
    def sites(self) -> list[tuple[str, str]]:
        """(motif, strand) from left to right."""
        return list(zip(self.motifs, self.strands or "+" * len(self.motifs), strict=True))


@dataclass(frozen=True)
class Grammar:
    """What positives and negatives are made of.

    Parameters
    ----------
    name : str
        What users call it.
    motifs : tuple of MotifSource
        The motifs that configurations name, and that backgrounds avoid.
    positives, negatives : tuple of Configuration
        Their probabilities sum to 1.
    avoid : float
        No window of a background reaches this mean probability of its bases under a motif, on either strand.

    Raises
    ------
    ConfigError
        A configuration names an unknown motif, or its gaps, strands or probabilities do not fit.
    """

    name: str
    motifs: tuple[MotifSource, ...]
    positives: tuple[Configuration, ...]
    negatives: tuple[Configuration, ...]
    avoid: float = 0.9

    def __post_init__(self) -> None:
        known = [motif.name for motif in self.motifs]
        if len(set(known)) != len(known):
            raise self._error("two motifs have the same name", found=", ".join(known))
        for side in ("positives", "negatives"):
            configurations = getattr(self, side)
            total = sum(c.probability for c in configurations)
            if abs(total - 1) > 1e-6 or any(c.probability < 0 for c in configurations):
                raise self._error(f"the probabilities of {side} do not sum to 1", found=f"{total:g}")
            for c in configurations:
                self._check(c, known)

    def _check(self, c: Configuration, known: list[str]) -> None:
        if unknown := [name for name in c.motifs if name not in known]:
            raise self._error(f"no motif is called {unknown[0]}", expected=", ".join(known))
        if len(c.gaps) != max(len(c.motifs) - 1, 0) or any(low > high or low < 0 for low, high in c.gaps):
            raise self._error(
                "gaps do not fit the motifs", found=f"{len(c.motifs)} motifs, gaps {list(c.gaps)}",
                expected="one [smallest, largest] pair between neighbours, from 0 up",
            )  # fmt: skip
        if c.strands and (len(c.strands) != len(c.motifs) or set(c.strands) - {"+", "-"}):
            raise self._error(
                "strands do not fit the motifs", found=c.strands, expected="one + or - per motif"
            )

    def _error(self, what: str, **parts: object) -> ConfigError:
        return ConfigError(f"grammar {self.name}: {what}", **parts)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; `from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Grammar:
        """Build a grammar from plain data, such as parsed JSON.

        Raises
        ------
        ConfigError
            A key is unknown or missing, or the parts do not fit each other.
        """
        try:
            data = dict(data)
            data["motifs"] = tuple(_build(MotifSource, motif) for motif in data["motifs"])
            for side in ("positives", "negatives"):
                data[side] = tuple(_build(Configuration, c) for c in data[side])
            return _build(cls, data)
        except KeyError as error:
            raise ConfigError(f"a grammar lacks the key {error}") from error
        except (TypeError, ValueError) as error:
            raise ConfigError("a grammar cannot be read", found=str(error)) from error


def _build(kind: type, data: Mapping[str, Any]) -> Any:
    """A frozen dataclass from a dict, with lists made tuples so that grammars can be cached by value."""
    known = [field.name for field in fields(kind)]
    if unknown := [key for key in data if key not in known]:
        raise ConfigError(
            f"a grammar's {kind.__name__} has an unknown key",
            found=str(unknown[0]),
            expected=", ".join(known),
        )
    return kind(**{key: _tuples(value) for key, value in data.items()})


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list | tuple) else value


def _either_order(
    probability: float, one: str, other: str, gap: tuple[int, int]
) -> tuple[Configuration, ...]:
    return (
        Configuration(probability / 2, (one, other), (gap,)),
        Configuration(probability / 2, (other, one), (gap,)),
    )


_BACKGROUND = (Configuration(1.0),)

# Close to the simulations of arXiv 2410.06211, whose own settings are not public. "Either order" is two
# configurations of half the probability. The half-sites of REST are the 20 columns of MA0138.3 (trimming
# takes none) cut after the ninth, TCAGCACCA | TGGACAGCGCC: the two columns beside the cut are the least
# informative of the inside, and the halves are those that REST also binds at other spacings.
GRAMMARS: dict[str, Grammar] = {
    each.name: each
    for each in (
        Grammar("SPI1", (MotifSource("SPI1", "MA0080.6"),), (Configuration(1.0, ("SPI1",)),), _BACKGROUND),
        Grammar(
            "TAL/GATA",
            (MotifSource("TAL1", "MA0091.1"), MotifSource("GATA1", "MA0035.4")),
            (
                Configuration(1 / 3, ("TAL1",)),
                Configuration(1 / 3, ("GATA1",)),
                Configuration(1 / 3, ("TAL1", "GATA1"), ((5, 8),)),
            ),
            _BACKGROUND,
        ),
        Grammar(
            "E2F6",
            (MotifSource("E2F6", "MA0471.2"), MotifSource("MAX", "MA0058.3")),
            _either_order(1.0, "E2F6", "MAX", (2, 19)),
            (Configuration(0.5, ("E2F6",)), Configuration(0.5, ("MAX",))),
        ),
        Grammar(
            "JUND/TEAD",
            (
                MotifSource("TRE", "MA0491.2"),
                MotifSource("CRE", "MA0492.1"),
                MotifSource("TEAD4", "MA0809.2"),
            ),
            (
                Configuration(0.25, ("TRE",)),
                Configuration(0.25, ("CRE",)),
                Configuration(0.25, ("TRE", "TEAD4"), ((8, 8),)),
                Configuration(0.25, ("CRE", "TEAD4"), ((8, 8),)),
            ),
            _BACKGROUND,
        ),
        Grammar(
            "REST",
            (MotifSource("REST_left", "MA0138.3", (1, 9)), MotifSource("REST_right", "MA0138.3", (10, 20))),
            (
                Configuration(0.5, ("REST_left", "REST_right"), ((0, 0),)),
                Configuration(0.5, ("REST_left", "REST_right"), ((5, 9),)),
            ),
            (Configuration(0.5, ("REST_left",)), Configuration(0.5, ("REST_right",))),
        ),
        Grammar(
            "SPI1/CTCF",
            (MotifSource("SPI1", "MA0080.6"), MotifSource("CTCF", "MA0139.2")),
            (Configuration(1.0, ("SPI1",)),),
            _either_order(1.0, "SPI1", "CTCF", (5, 29)),
        ),
    )
}


def grammar(name: str) -> Grammar:
    """The grammar of that name; case and the separator do not matter (tal-gata, TAL_GATA).

    Raises
    ------
    ConfigError
        There is none; the message lists the names.
    """
    for each in GRAMMARS.values():
        if _key(each.name) == _key(name):
            return each
    raise ConfigError("no grammar has this name", found=name, expected=", ".join(GRAMMARS))


def _key(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


@lru_cache(maxsize=64)
def motifs_of(grammar: Grammar) -> dict[str, Motif]:
    """The motifs of a grammar by name, in its order."""
    return {source.name: source.motif() for source in grammar.motifs}


@lru_cache(maxsize=64)
def _avoider(grammar: Grammar) -> Avoider:
    return Avoider([motif.pfm for motif in motifs_of(grammar).values()], grammar.avoid)


class Simulated(NamedTuple):
    """Sequences and what was planted in them.

    codes : ndarray
        (n, L) uint8.
    truth : DataFrame
        PLACEMENTS, by sequence and then start0. `site` is what was drawn, as the motif reads on its own
        strand: for strand - the reverse complement of the sequence from start0 to end0.
    """

    codes: np.ndarray
    truth: pd.DataFrame


class _Planted(NamedTuple):
    """One motif of one configuration in m sequences."""

    motif: str
    strand: str
    rows: np.ndarray  # (m,)
    start0: np.ndarray  # (m,)
    site: np.ndarray  # (m, W) uint8, on the motif's own strand


def simulate(
    grammar: Grammar, n: int, *, length: int = 500, seed: int | np.random.Generator, positives: bool = True
) -> Simulated:
    """Make `n` sequences of `length` bp and the table of what was planted.

    Every sequence draws a configuration, gaps, and a centre within 50 bp of the middle; its letters are drawn
    from the PFMs column by column; half of the sequences are then reverse-complemented, the truth with them.

    Parameters
    ----------
    grammar : Grammar
        One of `GRAMMARS`, or a user's own.
    n, length : int
        How many sequences, of how many bases.
    seed : int or Generator
        What to draw from.
    positives : bool
        Make positives, named pos_000001 and so on; otherwise negatives, neg_000001.

    Raises
    ------
    ConfigError
        A configuration is longer than the sequences, or no background can avoid the motifs.
    """
    codes, planted, flipped = _draw(grammar, n, np.random.default_rng(seed), positives, length)
    prefix = "pos" if positives else "neg"
    return Simulated(codes, _truth(planted, flipped, length, prefix))


def simulate_codes(
    grammar: Grammar, n: int, rng: np.random.Generator, positives: bool = True, *, length: int = 500
) -> np.ndarray:
    """The codes (n, length) of `simulate` without its table, for training."""
    return _draw(grammar, n, rng, positives, length)[0]


def _draw(
    grammar: Grammar, n: int, rng: np.random.Generator, positives: bool, length: int
) -> tuple[np.ndarray, list[_Planted], np.ndarray]:
    codes = uniform_codes(rng, n, length)
    _avoider(grammar).clear(codes, rng)
    planted = list(_plant(grammar, codes, rng, positives))
    flipped = rng.random(n) < 0.5
    codes[flipped] = reverse_complement_codes(codes[flipped])
    return codes, planted, flipped


def _plant(
    grammar: Grammar, codes: np.ndarray, rng: np.random.Generator, positives: bool
) -> Iterator[_Planted]:
    """Write the configurations into `codes`, in place; yield what was written."""
    n, length = codes.shape
    motifs = motifs_of(grammar)
    configurations = grammar.positives if positives else grammar.negatives
    bounds = np.cumsum([c.probability for c in configurations])
    drawn = np.searchsorted(bounds[:-1], rng.random(n), side="right")
    for index, configuration in enumerate(configurations):
        rows = np.flatnonzero(drawn == index)
        if not len(rows) or not configuration.motifs:
            continue
        widths = [motifs[name].width for name in configuration.motifs]
        gaps = [rng.integers(low, high, size=len(rows), endpoint=True) for low, high in configuration.gaps]
        span = sum(widths) + sum(gaps, np.zeros(len(rows), dtype=np.int64))
        low, high = start_range(span, length)
        if (low > high).any():
            raise ConfigError(
                f"grammar {grammar.name} does not fit into the sequences", found=f"{span.max()} bp",
                expected=f"at most {length} bp", mend="Ask for longer sequences",
            )  # fmt: skip
        start0 = rng.integers(low, high, endpoint=True)
        for (name, strand), width, gap in zip(configuration.sites, widths, [*gaps, 0], strict=True):
            site = _sample(motifs[name].pfm, len(rows), rng)
            written = site if strand == "+" else reverse_complement_codes(site)
            codes[rows[:, None], start0[:, None] + np.arange(width)] = written
            yield _Planted(name, strand, rows, start0, site)
            start0 = start0 + width + gap


def start_range(span: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """First and last start0 that put the centre of `span` bases within 50 bp of the middle of `length`."""
    low = np.maximum((length - span + 1) // 2 - CENTRE_RANGE, 0)
    return low, np.minimum((length - span) // 2 + CENTRE_RANGE, length - span)


def _sample(pfm: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Letters (n, W) uint8 drawn column by column from `pfm` (4, W)."""
    upto = np.cumsum(pfm, axis=0)
    draws = rng.random((n, pfm.shape[1]))
    return (draws >= upto[0]).view(np.uint8) + (draws >= upto[1]) + (draws >= upto[2])


def _truth(planted: list[_Planted], flipped: np.ndarray, length: int, prefix: str) -> pd.DataFrame:
    if not planted:
        return PLACEMENTS.empty().assign(site=pd.Series(dtype=object))
    parts = []
    for motif, strand, rows, start0, site in planted:
        turned = flipped[rows]
        width = site.shape[1]
        start = np.where(turned, length - start0 - width, start0)
        text = decode(site.reshape(-1))
        parts.append(
            pd.DataFrame({
                "row": rows, "start0": start, "end0": start + width, "motif": motif,
                "strand": np.where(turned == (strand == "+"), "-", "+"),
                "site": [text[at : at + width] for at in range(0, len(text), width)],
            })
        )  # fmt: skip
    frame = pd.concat(parts, ignore_index=True).sort_values(["row", "start0"], ignore_index=True)
    frame["sequence"] = [f"{prefix}_{row + 1:06d}" for row in frame.pop("row")]
    return PLACEMENTS.check(frame)
