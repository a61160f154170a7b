"""A job that runs, as the visitor sees it: how far it is, how long it still takes, and a button that ends it."""

from __future__ import annotations

import streamlit as st

from app.background import Job

_EVERY = 1.0  # seconds between two looks


def show_progress(job: Job, doing: str, *, key: str) -> None:
    """Draw a running job until it ends, then the page anew; the rest of the page can be used meanwhile."""

    @st.fragment(run_every=_EVERY)
    def look() -> None:
        if not job.running:
            st.rerun()
        left = job.seconds_left
        when = "" if left is None else f", {about(left)} left"
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(job.share, f"{doing}: {job.share:.0%}{when}")
            st.button("Cancel", on_click=job.cancel, key=f"cancel_{key}")

    look()


def about(seconds: float) -> str:
    """How long something takes, as coarse as an estimate is: a few seconds, about 40 s, about 3 min, about 1.5 h."""
    if seconds < 5:
        return "a few seconds"
    if seconds < 90:
        return f"about {5 * round(seconds / 5)} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"
