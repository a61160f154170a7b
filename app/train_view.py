"""The trainings: how far each is, its curves, its motifs as they form, and what can be done with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

import pandas as pd
import streamlit as st

from app import cards, services, state
from app import train_state as ts
from app.page import file_stem, plain, show_error
from app.progress import about
from app.train_panels import KINDS
from argminn_core import job_files, jobs, zoo
from argminn_core.errors import ArgminnError
from argminn_core.job_files import Job
from argminn_core.motifs import LearnedMotif
from argminn_core.plot.colours import motif_colour
from argminn_core.plot.logo import logo_img
from argminn_core.plot.training import loss_figure, score_figure
from argminn_core.tables import HISTORY

EVERY = 2.0  # s between looks at a training that runs
BADGES = {
    "waiting": ("waits for its turn", "gray"), "running": ("running", "blue"), "done": ("finished", "green"),
    "failed": ("failed", "red"), "cancelled": ("cancelled", "orange"), "stopped": ("stopped", "orange"),
    "unreadable": ("unreadable", "red"),
}  # fmt: skip


def trainings(found: list[Job]) -> None:
    """Draw all trainings; while one is under way, this part alone looks again every other second."""
    if not found:
        st.info(
            "There is no training yet. Start one: your data are checked first, and then a minute or an hour later…"
        )
        st.button("New training", key="train_first", on_click=ts.show, args=[ts.NEW])
        return
    labels = {job.id: _label(job) for job in found}
    picked = st.selectbox(
        "Training", list(labels), key=ts.PICKED, format_func=lambda job_id: labels.get(job_id, job_id)
    )
    active = any(job.active for job in found)
    st.fragment(_look, run_every=EVERY if active else None)(picked, _seen(found))


def _label(job: Job) -> str:
    when = datetime.fromtimestamp(job.created).strftime("%d %b %H:%M") if job.created else ""
    return ", ".join(filter(None, [job.name, when, "yours" if ts.mine(job) else ""]))


def _seen(found: list[Job]) -> tuple:
    """What the rest of the page depends on: labels, the pace of looking, the list of models and the one in use."""
    return [(job.id, job.state) for job in found], state.model_name()


def _look(picked: str, before: tuple) -> None:
    state.follow()
    jobs.advance()  # where the process of the last one was killed, nobody else has called the next
    found = jobs.jobs()
    if _seen(found) != before:
        st.rerun()  # all of the page, and not this part alone
    if (problem := ts.problem()) is not None:
        show_error(problem)
    job = next((job for job in found if job.id == picked), None)
    if job is not None:
        show_job(job)
    _overview(found)


def show_job(job: Job) -> None:
    """One training, whatever its state."""
    word, colour = BADGES[job.state]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(job.name), anchor=False, width="content")
        st.badge(word, color=colour)
        _buttons(job)
    _said(job)
    history = job_files.history(job)
    if job.settings is not None and (len(history) or job.state == "running"):
        left, right = st.columns(2)
        config = {"displaylogo": False, "displayModeBar": False}
        with left:
            figure = loss_figure(history, epochs=job.epochs)
            st.plotly_chart(figure, key=f"loss_{job.id}", config=config, alt="Loss in every epoch")
        with right:
            figure = score_figure(history, epochs=job.epochs)
            st.plotly_chart(
                figure, key=f"score_{job.id}", config=config, alt="Held-out scores in every epoch"
            )
    if job.state == "done":
        _result(job)
    _motifs(job)
    if len(history):
        # Written when it is asked for: a file made anew in every epoch is gone before a slow browser has looked at it.
        st.download_button(
            "Training curves (TSV)", lambda: HISTORY.to_tsv(job_files.history(job)),
            f"{file_stem(job.name)}_history.tsv", on_click="ignore", key=f"history_{job.id}",
        )  # fmt: skip


def _buttons(job: Job) -> None:
    foreign = "" if ts.mine(job) else "It was not started in this browser. "
    if job.active:
        with st.popover("Cancel"):
            st.markdown(f"{foreign}What is learned by the last whole epoch is kept, and it can be resumed.")
            _act("Cancel the training", jobs.cancel, job)
    elif job.resumable:
        _act("Resume" if job.epoch or job.state != "failed" else "Try again", jobs.resume, job)
    if job.state != "running":
        with st.popover("Delete"):
            st.markdown(f"{foreign}Its files go; a finished model stays in the list.")
            _act("Delete the training", jobs.delete, job)


def _act(label: str, what: Callable[[str], None], job: Job) -> None:
    st.button(label, key=f"{label}_{job.id}", on_click=ts.ask, args=[what, job.id])


def _said(job: Job) -> None:
    """Where it stands, in a sentence and a bar."""
    if job.state == "running":
        left = job.remaining(time.time())
        phase = job.progress.get("phase") or "loading"
        text = phase.capitalize()
        if left is not None and job.epoch < job.epochs:
            text = f"Epoch {job.epoch} of {job.epochs} done, {about(left)} left"
        st.progress(min(job.epoch / max(job.epochs, 1), 1.0), plain(text))
    elif job.state == "waiting":
        others = len(jobs.ahead(job))
        st.info(
            f"{others} training{'s' * (others != 1)} before it. It starts by itself, with or without this page."
        )
    elif job.state == "stopped":
        st.warning(
            f"Its process has ended, after {job.epoch} of {job.epochs} epochs: killed, or the machine was restarted. "
            "**Resume** goes on after the last whole epoch, and ends where it would have ended."
        )
    elif job.state == "cancelled":
        st.info(f"Cancelled after {job.epoch} of {job.epochs} epochs. **Resume** goes on from there.")
    elif job.state in ("failed", "unreadable"):
        st.error(plain(job.problem or "It ended without saying why."))
        if log := _log(job):
            with st.expander("The end of its log"):
                st.code(log, language=None)


def _log(job: Job, *, most: int = 4_000) -> str:
    try:
        with open(job.folder / "log.txt", "rb") as file:
            file.seek(max(file.seek(0, 2) - most, 0))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _result(job: Job) -> None:
    """The finished model, and the way to it."""
    if job.model not in zoo.names():
        st.warning(f"Its model, {plain(job.model)}, is no longer in the list of models.")
        return
    try:
        model = services.bundle(job.model)
    except ArgminnError as error:
        show_error(error)
        return
    chosen = state.model_name() == job.model
    st.markdown(f"In the list of models as **{plain(job.model)}**: {cards.headline(model)}.")
    with st.container(horizontal=True):
        st.button(
            "In use" if chosen else "Use this model", type="primary", disabled=chosen,
            on_click=state.choose_model, args=[job.model],
        )  # fmt: skip
        st.button("See its motifs", on_click=_see_motifs, args=[job.model])
        stem = file_stem(job.model)
        st.download_button("Model file", lambda: services.model_file(job.model), f"{stem}.safetensors")
        st.download_button("Training record", services.training_record(model), f"{stem}.json")


def _see_motifs(model: str) -> None:
    state.choose_model(model)
    state.go("motifs")


def _motifs(job: Job) -> None:
    """The filters' motifs after an epoch: the newest, or the one that the slider is at."""
    epochs = job_files.snapshots(job)
    if not epochs:
        return
    st.markdown("**The motifs as they form**")
    key, newest = f"motifs_at_{job.id}", f"motifs_newest_{job.id}"
    if (
        st.session_state.get(key) in (None, st.session_state.get(newest))
        or st.session_state[key] not in epochs
    ):
        st.session_state[key] = epochs[-1]  # it was at the newest, and stays at the newest
    st.session_state[newest] = epochs[-1]
    at = epochs[-1]
    if len(epochs) > 1:
        at = st.select_slider("After epoch", epochs, key=key, width=420)
    motifs = job_files.snapshot(job, at)
    st.html(_grid(motifs) or "<p>The motifs of this epoch cannot be read.</p>")
    st.caption(
        "Each filter's motif is the average of the windows that it answers to most (over half of its largest "
        "activation) in up to 500 training positives. Pale: not yet 5 columns with a mean of 1 bit."
    )


def _grid(motifs: list[LearnedMotif]) -> str:
    tiles = "".join(map(_tile, motifs))
    grid = "display:grid;grid-template-columns:repeat(auto-fill,minmax(210px,1fr));gap:12px"
    return f'<div style="{grid}">{tiles}</div>' if tiles else ""


def _tile(motif: LearnedMotif) -> str:
    """One filter's motif as HTML; pale while it is none yet."""
    number = motif.filter + 1
    picture = '<span style="font-size:13px">silent</span>'
    if motif.windows:
        alt = f"logo of filter {number}: {motif.motif.consensus}"
        picture = logo_img(services.logo(motif, height=52, most=190), alt)
    pale = "" if motif.counts else ";opacity:.45"
    frame = f"margin:0;padding:6px 10px;border-left:4px solid {motif_colour(motif.filter)};min-width:0{pale}"
    caption = f'<figcaption style="font-size:13px">filter {number}, {motif.windows:,} windows</figcaption>'
    return f'<figure style="{frame}">{caption}{picture}</figure>'


def _overview(found: list[Job]) -> None:
    """All trainings as a table."""
    rows = [
        {
            "name": job.name, "state": BADGES[job.state][0],
            "progress": 1.0 if job.state == "done" else job.epoch / max(job.epochs, 1),
            "auROC": job.progress.get("auroc"), "learns from": KINDS[job.settings.kind] if job.settings else "",
            "begun": datetime.fromtimestamp(job.created) if job.created else None, "yours": ts.mine(job),
        }
        for job in found
    ]  # fmt: skip
    st.subheader("All trainings", anchor=False)
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, height="content" if len(rows) < 9 else 320, key="train_all",
        column_config={
            "progress": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
            "auROC": st.column_config.NumberColumn("auROC, held out", format="%.3f"),
            "begun": st.column_config.DatetimeColumn(format="D MMM, HH:mm"),
        },
    )  # fmt: skip
