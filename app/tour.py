"""The tour of a first visit: four steps, one a page, in the flow of the page, so that it never covers anything.

That it was taken or skipped is kept in the session, and in a cookie of the browser.
"""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from app import state

COOKIE = "argminn_tour"
_STEP, _OVER = "tour_step", "tour_over"


class Step(NamedTuple):
    page: str
    title: str
    text: str


STEPS = (
    Step(
        "models", "A network that is its own explanation",
        "This picture is the model in use: its filters are motifs, its heads point at single places, and one number "
        "comes out. Below it you can choose another model, or compare two.",
    ),
    Step(
        "motifs", "What it learned",
        "Each filter as a logo with its nearest known motif. Click one for its card; mute it to see its worth.",
    ),
    Step(
        "sequences", "What it read in your sequences",
        "Give FASTA, or start with the examples. Every instance says how far the logit falls without it, and the trace "
        "goes from the whole sequence down to its letters.",
    ),
    Step(
        "design", "Write one yourself",
        "Drag motifs onto a sequence and watch the prediction; then take the design along as a file.",
    ),
)  # fmt: skip


def show(page: str) -> None:
    """Draw the step of this page, if the tour has come to it."""
    step = st.session_state.get(_STEP, 0)
    if _is_over() or STEPS[step].page != page:
        return
    with st.container(border=True, key="tour"):
        st.markdown(f"**{STEPS[step].title}**  \n{STEPS[step].text}")
        with st.container(horizontal=True, vertical_alignment="center"):
            if step + 1 < len(STEPS):
                following = STEPS[step + 1].page
                st.button(
                    f"Next: {following.capitalize()}", key="tour_next", type="primary", on_click=_take, args=[step + 1]
                )  # fmt: skip
                st.button("Skip the tour", key="tour_skip", on_click=_end)
            else:
                st.button("Done", key="tour_next", type="primary", on_click=_end)
            st.caption(f"Step {step + 1} of {len(STEPS)}")


def remember() -> None:
    """Tell the browser that the tour is over; in every run, as the page of the last click may go at once."""
    if st.session_state.get(_OVER):
        st.html(
            f"<script>document.cookie = '{COOKIE}=over; path=/; max-age=31536000; samesite=lax'</script>",
            unsafe_allow_javascript=True,
        )


def _is_over() -> bool:
    return bool(st.session_state.get(_OVER)) or st.context.cookies.get(COOKIE) == "over"


def _take(step: int) -> None:
    st.session_state[_STEP] = step
    state.go(STEPS[step].page)


def _end() -> None:
    st.session_state[_OVER] = True
