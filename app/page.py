"""What every page shares: its heading, errors as messages, and text of users that stays text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from argminn_core.errors import ArgminnError

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!~|<>$:&])")

WARNING = "#c2571a"  # readable on light and on dark
_ACCENT = {
    "light": "#2563a8",
    "dark": "#6aa7e8",
}  # as in .streamlit/config.toml, which a page's style cannot see
WORDMARK = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="236" height="32" viewBox="0 0 236 32" role="img" '
    'aria-label="ARGMINN Studio" font-family="sans-serif" font-size="22">'
    '<text y="24" font-weight="800" letter-spacing="1" fill="#2f78c4">ARGMINN</text>'
    '<text x="140" y="24" fill="#808495">Studio</text></svg>'
)


def style() -> str:
    """What the theme cannot say, as CSS.

    The host leaves six lines of air above every title, and its captions are too pale to read on white. What has the
    keyboard shows it, whatever it is. Descriptions on cards are as high as three lines, so that what follows them
    stands on one line with the neighbours'.
    """
    dark = st.context.theme.type == "dark"
    accent, on_accent = _ACCENT["dark" if dark else "light"], "#0d1117" if dark else "#ffffff"
    return f"""<style>
[data-testid=stMainBlockContainer]{{padding-top:3.5rem}}
[data-testid=stCaptionContainer]{{color:inherit;opacity:.76}}
:focus-visible{{outline:2px solid {accent}!important;outline-offset:2px}}
[data-testid^=stBaseButton-primary],[data-testid^=stBaseButton-primary] p{{color:{on_accent}}}
[data-testid=stMetricValue]{{font-size:1.6rem}}
.st-key-card [data-testid=stMetricValue]{{font-size:1.3rem}}
.st-key-tour{{border-left:4px solid {accent}}}
@media(min-width:641px){{[class*=st-key-description_]{{min-height:3.9rem}}}}
</style>"""


def heading(title: str, question: str) -> None:
    """The title of a page and the one sentence that it answers."""
    st.title(title)
    st.caption(question)


def plain(text: object) -> str:
    """Escape `text` for Markdown: names in files are anyone's, and could hold links and pictures."""
    return _MARKDOWN.sub(r"\\\1", " ".join(str(text).split()))


def file_stem(label: str) -> str:
    """A name for downloads from the name of what was read."""
    return re.sub(r"[^\w-]+", "_", label.split(".")[0]).strip("_")[:60] or "sequences"


def short(text: str, limit: int = 60) -> str:
    """`text` with its end cut off where it is too long for a heading."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def count(n: int, thing: str) -> str:
    """A number with its noun, as Markdown: **1** record, **2** records."""
    return f"**{n:,}** {thing}{'s' * (n != 1)}"


def show_error(error: ArgminnError) -> None:
    text = str(error)
    # A message may begin with the name of a file, which stays as it is.
    st.error(plain(text[:1].upper() + text[1:] if text.partition(" ")[0].isalpha() else text))


@contextmanager
def errors_shown() -> Iterator[None]:
    """Show an `ArgminnError` as a message and end the page there; anything else is a bug and stays one."""
    try:
        yield
    except ArgminnError as error:
        show_error(error)
        st.stop()


def ink() -> str:
    """The text colour of the visitor's theme, for pictures that cannot see the page's style."""
    return "#fafafa" if st.context.theme.type == "dark" else "#31333f"
