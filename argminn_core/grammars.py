"""What simulated sequences are made of, as plain data: the six grammars, and the ones that users write.

A grammar is motifs by JASPAR id and two lists of weighted configurations (ordered motifs and the gaps between
them), one for positives and one for negatives. `Grammar.from_dict` reads a user's own from JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np

from argminn_core.errors import ConfigError
from argminn_core.pfm import Motif, jaspar


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
# takes none) cut after the ninth, TCAGCACCA | TGGACAGCGCC: the cut lies between two of the least
# informative columns, and the halves are those that REST also binds at other spacings.
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
