"""HTML of the report, piece by piece: text is escaped unless it is `Html` already, and no NaN reaches the page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from itertools import chain

UNKNOWN = "–"


class Html(str):
    """Text that is HTML already. Everything else is escaped on its way into a tag."""


def html(value: object) -> Html:
    """`value` as HTML: as it is, or escaped."""
    return value if isinstance(value, Html) else Html(escape(str(value)))


def join(parts: Iterable[object], between: str = "") -> Html:
    return Html(between.join(html(part) for part in parts))


def tag(name: str, *children: object, **attributes: object) -> Html:
    """An element. `class_` is the attribute `class`, `aria_label` is `aria-label`; one that is None is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{written}>{join(children)}</{name}>")


def section(key: str, title: str, lead: object, *body: object) -> Html:
    """A part of the page with its heading and a line on what it shows."""
    return tag("section", tag("h2", title), tag("p", lead, class_="lead"), *body, id=key)


def nothing(why: object) -> Html:
    """What stands where there is nothing to show."""
    return tag("p", why, class_="nothing")


def table(
    header: Sequence[str], rows: Iterable[Sequence[object]], *, label: str, numbers: Iterable[int] = ()
) -> Html:
    """A table that scrolls sideways on a narrow screen. `label` names it, `numbers` are the columns of numbers."""
    right = set(numbers)

    def row(kind: str, cells: Sequence[object]) -> Html:
        return tag("tr", *(tag(kind, c, class_="n" if i in right else None) for i, c in enumerate(cells)))

    inside = tag(
        "table", tag("thead", row("th", header)), tag("tbody", *(row("td", cells) for cells in rows))
    )
    return tag("div", inside, class_="scroll", role="region", tabindex=0, aria_label=label)


def facts(pairs: Iterable[tuple[str, object]], class_: str = "facts") -> Html:
    """A list of names and what they are."""
    return tag(
        "dl",
        *chain.from_iterable((tag("dt", name), tag("dd", value)) for name, value in pairs),
        class_=class_,
    )


def number(value: float, digits: int = 3) -> str:
    """Significant `digits`; a dash for what is not known or not finite."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return count(value) if abs(value) >= 1000 else f"{value:.{digits}g}"


def count(value: float) -> str:
    """A whole number with commas; a dash where it is not finite."""
    return f"{round(value):,}" if math.isfinite(value) else UNKNOWN


def percent(value: float) -> str:
    """A share, 0 to 1; what is nearly none or nearly all is not told as such."""
    if not math.isfinite(value):
        return UNKNOWN
    if 0.995 <= value < 1:
        return "> 99%"
    if 0 < value < 0.001:
        return "< 0.1%"
    return f"{value:.0%}" if value == 0 or value >= 0.0995 else f"{value:.1%}"


def q_text(value: float) -> str:
    """A q-value as it is told in a sentence; it stays in one line."""
    if not math.isfinite(value):
        return f"q {UNKNOWN}"
    text = f"q = {value:.2g}" if value >= 1e-300 else "q < 1e-300"
    return text.replace(" ", "\N{NO-BREAK SPACE}").replace("-", "\N{NON-BREAKING HYPHEN}")


def plural(n: int, one: str, many: str = "") -> str:
    """`1 motif`, `2 motifs`."""
    return f"{count(n)} {one if n == 1 else many or one + 's'}"
