"""The panels under the canvas: the verdict on a design, its settings, its files."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app import design_state as ds
from app import design_verdict as dv
from app.page import count, file_stem, plain
from argminn_core import design_files as files
from argminn_core.checkpoint import ModelBundle
from argminn_core.design import Rendered
from argminn_core.design_files import SavedDesign

CUTTERS = ["BsaI", "BsmBI", "BbsI", "SapI", "EcoRI", "BamHI", "HindIII", "NotI", "XhoI"]
STATES = {
    "met": ":green[✓ kept]",
    "broken": ":red[✗ broken]",
    "open": "○ open",
    "repressed": ":red[▼ lowers]",
}
TYPES = ["fa", "fasta", "fna", "txt", "gz", "gb", "gbk", "tsv", "json"]

HOW_TO_READ = """
**The track** is one sequence of the length that the model reads. Arrows above the letters are the motifs that
you placed, on the strand on which they lie; a hatched one was overwritten in part by a later one, a pale one is
not read, a line in it says that it writes other letters than its consensus. A bracket joins two motifs that
keep a rule.

**Model reads** marks the *instances*: places where the model looked and the filter was active. The
taller a mark, the more the logit falls without it. A hollow mark was placed by nobody: it arose at a seam,
where a placement meets its neighbours, or lies in the background (dashed).

**The logit** is the model's evidence for its positive class; 0 is a probability of one half. The small number
beside it is the change since the sequence before.

**Rules** are what the model learned of pairs: order, strands, and the gap, counted in bases from the end of the
left motif to the start of the right one. They were found in data and confirmed by planting both motifs into
neutral backgrounds.

**GC** is drawn in windows of 50 bp; the grey band is what synthesis providers usually ask for, 30 to 70 %.
"""


def _follow(key: str, value: object) -> None:
    """Make a widget show what Undo or a file brought; only then, since it may just be typed into."""
    if st.session_state.get(key) != value:
        st.session_state[key] = value


def controls(model: ModelBundle, made: ds.Design) -> bool:
    """Draw the settings of a design; what is chosen outlives a change of page. Whether it is to be kept."""
    base = made.base
    for key, value in ((ds.KIND, base.kind), (ds.GC, base.gc), (ds.NAME, base.name), (ds.LOCK, made.locked)):
        _follow(key, value)

    def changed(what: str, key: str) -> None:
        made.set_base(**{what: st.session_state[key]})

    def named() -> None:
        made.set_base(name=st.session_state[ds.NAME].strip() or "design_01")

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Name", max_chars=60, key=ds.NAME, on_change=named)
        keep = st.button("Keep on the shelf", type="primary", help="To compare it with others, below.")
    # What comes and goes has a place of its own: what follows would else move up, and lose what is typed into it.
    with st.container():
        if made.notice:  # until something else is done
            st.success(plain(made.notice))
            made.notice = ""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kinds = [ds.RANDOM] if base.given is None else [ds.RANDOM, ds.GIVEN, ds.SHUFFLED]
        st.selectbox(
            "Background", kinds, key=ds.KIND, on_change=changed, args=["kind", ds.KIND], disabled=made.locked
        )
        still = made.locked or base.kind == ds.GIVEN
        st.button("New draw", on_click=made.draw_again, disabled=still, help="Placements stay.")
    with st.container():
        if base.kind == ds.RANDOM:
            st.slider(
                "GC content (%)",
                20,
                80,
                step=1,
                key=ds.GC,
                on_change=changed,
                args=["gc", ds.GC],
                disabled=made.locked,
            )
    st.toggle(
        "Lock the background", key=ds.LOCK, on_change=lambda: setattr(made, "locked", st.session_state[ds.LOCK]),
        help="New draws wait, and a design that is opened comes onto this background: what differs are the sites.",
    )  # fmt: skip
    st.segmented_control(
        "A new placement writes", ds.MODES, default=ds.CONSENSUS, required=True, key=ds.MODE,
        persist_state="session", help="The commonest base of each column, or letters drawn from the motif. The line "
        "under the track changes the letters of one placement.",
    )  # fmt: skip
    st.multiselect(
        "Restriction sites to look for", CUTTERS, key=ds.ENZYMES, persist_state="session", accept_new_options=True,
        placeholder="Choose, or type any enzyme",
    )  # fmt: skip
    opening(model, made)
    return keep


def opening(model: ModelBundle, made: ds.Design) -> None:
    with st.expander("Open a design, or give a background", expanded=bool(made.problem)):
        take = {"on_change": ds.take, "args": [made, model]}
        st.file_uploader(
            "FASTA, GenBank, TSV or project file", TYPES, key=ds.UPLOAD, max_upload_size=5, **take
        )
        st.text_area("or paste one", key=ds.PASTED, placeholder=">name\nACGT…", **take)
        st.caption(
            "A file of this page comes back with its placements; if it holds more designs, they go to the shelf. "
            f"Of any other sequence, the middle {made.length:,} bp become the background. Undo takes you back."
        )
        if made.problem:
            st.error(plain(made.problem))


def report(made: ds.Design, rendered: Rendered, verdict: dv.Verdict, checks: dv.Checks) -> None:
    """The verdict on a design, and the checks before it is ordered."""
    change = made.change(rendered.text, verdict.logit)
    placed, origin = len(rendered.placements), verdict.instances["origin"]
    seams, below = int((origin == "seam").sum()), int((origin == "background").sum())
    with st.container(horizontal=True):
        st.metric("Logit", f"{verdict.logit:.2f}", None if change is None else f"{change:+.2f}")
        st.metric("Probability", f"{verdict.probability:.3f}")
        st.metric("Placements read", f"{len(verdict.read)} of {placed}")
        st.metric(
            "Accidental motifs", seams + below,
            help="Read by the model, placed by nobody: at a seam they share bases with a placement.",
        )  # fmt: skip
    with st.container():
        _warnings(rendered, verdict)
    with st.container():
        _rules(verdict)
    with st.container():
        _instances(verdict, placed, seams, below)
    st.markdown("**Before you order it**")
    found = [(row["check"], f"**{plain(row['found'])}**", row["look"]) for row in checks.rows()]
    st.markdown(
        "  \n".join(f"{what}: :orange[{text}]" if look else f"{what}: {text}" for what, text, look in found)
    )


def _warnings(rendered: Rendered, verdict: dv.Verdict) -> None:
    overwritten = rendered.placements.iloc[rendered.damaged]
    for rows, what in [
        (verdict.unread, "Placed but not read"),
        (overwritten, "Overwritten in part by a later placement"),
    ]:
        if len(rows):
            where = ", ".join(f"**{plain(row.motif)}** at {row.start0}" for row in rows.itertuples())
            st.warning(f"{what}: {where}.")


def _rules(verdict: dv.Verdict) -> None:
    if len(verdict.judged):
        lines = ["**Rules that the model goes by**"] + [
            f"{STATES[row.state]} {plain(row.rule)}"
            + ("" if row.state == "met" else f" (here: {plain(row.found)})")
            for row in verdict.judged.head(12).itertuples()
        ]
        st.markdown("  \n".join(lines))


def _instances(verdict: dv.Verdict, placed: int, seams: int, below: int) -> None:
    if verdict.instances.empty:
        st.info(
            "The model reads no motif in this sequence."
            if placed
            else "Place a motif: the verdict follows it."
        )
        return
    where = f", accidental {seams} at seams and {below} in the background" if seams + below else ""
    st.markdown(f"**What the model reads**: {count(len(verdict.instances), 'instance')}{where}")
    st.dataframe(
        verdict.instances[["motif", "start0", "end0", "strand", "contribution", "origin"]], hide_index=True,
        column_config={"contribution": st.column_config.NumberColumn(format="%.2f")},
    )  # fmt: skip


def exports(model: ModelBundle, made: ds.Design, rendered: Rendered, verdict: dv.Verdict) -> None:
    """Files of the canvas and the shelf; each is written when it is asked for."""
    current, motifs = made.saved(model, verdict.logit), ds.pfms(model)
    shelf = [kept.saved for kept in made.shelf]
    here = rendered.text, current.name
    others = [kept.saved for kept in made.shelf if (kept.text, kept.saved.name) != here]
    # An empty track is no design where there are others.
    designs = ([current] if len(current.placements) or not others else []) + others
    stem = file_stem(made.name)

    def button(
        label: str, write: Callable[[list[SavedDesign]], str], suffix: str, what: list[SavedDesign]
    ) -> None:
        st.download_button(label, lambda: write(what), f"{stem}.{suffix}", on_click="ignore")

    with st.container(horizontal=True):
        button("Design (FASTA)", lambda d: files.designs_fasta(d, motifs), "fa", designs)
        button("GenBank", lambda d: files.designs_genbank(d, motifs), "gb", designs)
        button("Placements (TSV)", lambda d: files.designs_tsv(d, motifs), "tsv", designs)
        button("Project file", lambda d: files.project_json(d, model=model.name), "json", [current, *shelf])
    names = ", ".join(plain(one.name) for one in designs[:5]) + ", …" * (len(designs) > 5)
    st.caption(f"The files hold {names}. Each opens here again.")
