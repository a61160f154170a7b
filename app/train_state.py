"""The session's part of training: what was given so far, which training is looked at, and which are this visitor's.

Trainings themselves are on disk (`argminn_core.jobs`), where every session finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from secrets import token_hex

import streamlit as st

from argminn_core import jobs
from argminn_core.errors import ArgminnError
from argminn_core.job_files import Job, Settings

DRAFT, VIEW, PICKED, PROBLEM = "train_draft", "train_view", "train_job", "train_problem"
_OWNER, _MINE = "train_owner", "train_mine"
NEW, FOLLOW = "New training", "Trainings"
QUERY = "job"  # a link, and a reload, keep the training that is looked at


@dataclass(frozen=True)
class Given:
    """A file as it was given."""

    label: str
    raw: bytes

    @cached_property
    def digest(self) -> str:
        return sha256(self.raw).hexdigest()


@dataclass
class Draft:
    """The files of a training to be; a widget forgets its file when the page changes, this does not."""

    files: dict[str, Given] = field(default_factory=dict)

    def take(self, name: str, key: str) -> None:
        """Keep what the uploader `key` holds as the input `name`; an emptied uploader takes it away."""
        uploaded = st.session_state.get(key)
        if uploaded is None:
            self.files.pop(name, None)
        else:
            self.files[name] = Given(uploaded.name, uploaded.getvalue())


def draft() -> Draft:
    return st.session_state.setdefault(DRAFT, Draft())


def owner() -> str:
    """The visitor's mark on a new training: of the cookie that the browser has for the app, else of the session."""
    cookie = st.context.cookies.get("_streamlit_xsrf", "")
    if cookie and isinstance(cookie, str):  # a session without a browser, as in tests, has stand-ins
        return sha256(cookie.encode()).hexdigest()[:16]
    return st.session_state.setdefault(_OWNER, token_hex(8))


def mine(job: Job) -> bool:
    """Whether it was started in this browser: by its mark, or since a reload came back to it."""
    # A first visit has no cookie yet, so that what it starts has the mark of a session that a reload ends.
    marks = {owner(), st.session_state.get(_OWNER)}
    return job.owner in marks or job.id in st.session_state.get(_MINE, ())


def arrive(found: list[Job]) -> None:
    """Choose what the page shows first: the training of the link, else one that runs, else the form for a new one."""
    ids = [job.id for job in found]
    linked = st.query_params.get(QUERY)
    if VIEW not in st.session_state:
        running = any(job.active for job in found)
        st.session_state[VIEW] = FOLLOW if linked in ids or running else NEW
        st.session_state[PICKED] = linked if linked in ids else None
        st.session_state.setdefault(_MINE, set()).add(linked)
    if st.session_state.get(PICKED) not in ids:
        own = [job.id for job in found if mine(job)]
        st.session_state[PICKED] = (own or ids or [None])[0]
    if st.session_state[VIEW] == FOLLOW and st.session_state[PICKED]:
        if linked != st.session_state[PICKED]:
            st.query_params[QUERY] = st.session_state[PICKED]
    elif linked:
        del st.query_params[QUERY]


def show(view: str) -> None:
    st.session_state[VIEW] = view


def start(settings: Settings, names: list[str]) -> None:
    """Create the training and look at it; what goes wrong is said on the page."""
    files = draft().files
    with problems_kept():
        job = jobs.create(settings, {name: files[name].raw for name in names}, owner=owner())
        st.session_state[PICKED] = job.id
        show(FOLLOW)


def ask(what: Callable[[str], None], job_id: str) -> None:
    """Cancel, resume or delete."""
    with problems_kept():
        what(job_id)


@contextmanager
def problems_kept() -> Iterator[None]:
    """For callbacks, which run before the page: an error of the user's is kept for it to show."""
    try:
        yield
    except ArgminnError as error:
        st.session_state[PROBLEM] = error


def problem() -> ArgminnError | None:
    """What went wrong in the last callback, once."""
    return st.session_state.pop(PROBLEM, None)
