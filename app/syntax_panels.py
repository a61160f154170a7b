"""The parts of the Syntax page: the matrix of pairs, one pair, the sequences behind a gap, the rules."""

from __future__ import annotations

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import services, state
from app import syntax_state as ss
from app.background import Job
from app.page import count, file_stem, plain, show_error
from app.progress import show_progress
from app.syntax_work import Observed
from argminn_core.checkpoint import ModelBundle
from argminn_core.dna import decode
from argminn_core.fasta import to_fasta
from argminn_core.motifs import ranked
from argminn_core.plot.pairs import pairs_figure
from argminn_core.plot.spacing import spacing_svg
from argminn_core.plot.syntax import Arrangement, syntax_figure
from argminn_core.plot.traces import sequence_html
from argminn_core.rules import Rules
from argminn_core.syntax import MAX_GAP
from argminn_core.tables import CAUSAL, GAPS, PAIRS, RULES

_AROUND, _LINE = 40, 50  # bases on either side of a pair, and in a line


@st.fragment
def explore(model: ModelBundle, seen: Observed, rules: Job[Rules]) -> None:
    """The matrix and the rules beside the chosen pair, and below them the sequences behind one of its gaps.

    A rule stands beside the picture that its button changes, so that the change is seen.
    """
    left, right = st.columns([2, 3], gap="large")
    with left:
        pair = _matrix(model, seen)
        _rules(rules)
    with right:
        figure = st.container()
    _one_pair(model, seen, rules, pair, figure)


def _matrix(model: ModelBundle, seen: Observed) -> ss.Pair:
    """The matrix of pairs and, for keyboards, the same choice as a list."""
    pairs = ss.pairs_in_order(seen)
    if st.session_state.get(ss.PAIR) not in pairs:
        st.session_state[ss.PAIR] = pairs[0]
    table = seen.syntax.pairs
    together = dict(zip(zip(table["motif_a"], table["motif_b"], strict=True), table["together"], strict=True))
    pair = st.selectbox(
        "Pair of motifs", pairs, key=ss.PAIR, persist_state="session", on_change=ss.forget_click,
        format_func=lambda pair: f"{ss.pair_name(pair)} ({together[pair]:,} sequences)",
        help="Clearest first. A click on a cell chooses a pair too.",
    )  # fmt: skip
    names = [motif.name for motif in ranked(model.motifs) if (motif.name, motif.name) in together]
    st.plotly_chart(
        pairs_figure(table, names, pair), key=ss.matrix_key(), on_select=ss.take_cell, selection_mode="points",
        config=_modebar("pairs"), alt="Matrix of motif pairs: log2 odds ratio of standing in one sequence",
    )  # fmt: skip
    st.caption(
        "Colour: how much more (blue) or less (red) often than by chance two motifs stand in one sequence. "
        "Number: sequences with both. ★: q ≤ 0.05 that it is more."
    )
    st.download_button("Pairs (TSV)", lambda: PAIRS.to_tsv(table), f"{_stem()}_pairs.tsv", on_click="ignore")
    return pair


def _one_pair(
    model: ModelBundle, seen: Observed, rules: Job[Rules], pair: ss.Pair, figure: DeltaGenerator
) -> None:
    """What is seen of a pair above what planting it does; the gap that is looked at is chosen below."""
    joint = seen.syntax.joint
    joint = joint[(joint["motif_a"] == pair[0]) & (joint["motif_b"] == pair[1])]
    planting = services.planting(state.model_name(), *pair)
    causal = _causal(pair, planting, rules)
    gaps = seen.syntax.gaps
    gaps = gaps[gaps["left"].isin(pair) & gaps["right"].isin(pair) & _both(gaps, pair)]
    with figure:
        st.subheader(plain(ss.pair_name(pair)), anchor=False)
        _numbers(seen, pair)
        picture = st.container()
        _plant(pair, planting, causal)
        files = st.container(horizontal=True)
    gap, arrangement = _place(pair, gaps)
    shown = arrangement if arrangement != ss.ANY else _commonest(joint, pair)
    if gap is not None:
        _behind(model, seen, joint, pair, gap, arrangement)
    if gaps.empty and causal.empty:
        picture.info(
            f"No sequence has both within {MAX_GAP} bases. Plant the pair to see what the model would make of it."
        )
        return
    weights = services.spacings(state.model_name(), *pair)
    drawn = f"syntax_pair_{pair[0]}\t{pair[1]}"
    picture.plotly_chart(
        syntax_figure(gaps, causal, *pair, weights=weights, shown=shown, at=gap), key=drawn, selection_mode="points",
        on_select=lambda: ss.take_bar(pair, drawn), config=_modebar("gaps"),
        alt="Sequences with the pair at each gap, above the synergy of the planted pair at the same gaps",
    )  # fmt: skip
    with files:
        name = f"{_stem()}_{file_stem(ss.pair_name(pair))}"
        ignore = {"on_click": "ignore"}
        st.download_button("Gaps (TSV)", lambda: GAPS.to_tsv(gaps), f"{name}_gaps.tsv", **ignore)
        if len(causal):
            st.download_button("Synergy (TSV)", lambda: CAUSAL.to_tsv(causal), f"{name}_causal.tsv", **ignore)
        st.download_button("Figure (SVG)", lambda: _svg(gaps, causal, shown), f"{name}.svg", **ignore)


def _both(frame: pd.DataFrame, pair: ss.Pair) -> pd.Series:
    """Rows that hold the two motifs of a pair, and not one of them twice."""
    return (frame["left"] == frame["right"]) == (pair[0] == pair[1])


def _numbers(seen: Observed, pair: ss.Pair) -> None:
    table = seen.syntax.pairs
    row = table[(table["motif_a"] == pair[0]) & (table["motif_b"] == pair[1])].iloc[0]
    st.markdown(
        f"together in {count(int(row['together']), 'sequence')}, **{row['expected']:.1f}** expected; odds ratio "
        f"**{row['odds_ratio']:.3g}**, q = **{row['q_value']:.2g}**"
    )


def _causal(pair: ss.Pair, planting: Job[pd.DataFrame], rules: Job[Rules]) -> pd.DataFrame:
    """What is known of planting the pair: on its own, or on the way to the rules."""
    if planting.done:
        return planting.result
    if rules.done:
        table = rules.result.causal
        return table[table["left"].isin(pair) & table["right"].isin(pair) & _both(table, pair)]
    return CAUSAL.empty()


def _plant(pair: ss.Pair, planting: Job[pd.DataFrame], causal: pd.DataFrame) -> None:
    if planting.failed:
        planting.result  # noqa: B018 - raises what went wrong
    if planting.running:
        show_progress(planting, "Planting the pair", key="planting")
    elif planting.done and causal.empty:
        if len(planting.result):  # it ended while the page was drawn
            st.rerun()
        st.caption("No gap of the two fits into what the model reads.")
    elif causal.empty:
        _begin(
            planting, "Planting", "Check causally: plant the pair", key="plant",
            help="Both motifs in 32 neutral backgrounds at every gap and orientation; takes some seconds.",
        )  # fmt: skip


def _begin(job: Job, what: str, label: str, *, key: str, help: str) -> None:
    """The button that starts a job, or starts it again."""
    if job.cancelled:
        st.caption(f"{what} was cancelled; nothing else was lost.")
    st.button(label, type="primary", on_click=job.start, key=key, help=help)


def _commonest(joint: pd.DataFrame, pair: ss.Pair) -> Arrangement:
    keys = ss.arrangements(pair)
    if joint.empty:
        return keys[0]
    return joint[["left", "right", "orientation"]].value_counts().index[0]


def _place(pair: ss.Pair, gaps: pd.DataFrame) -> tuple[int | None, Arrangement]:
    """The gap and the arrangement that are looked at, chosen by keyboard; a click on a bar sets the gap."""
    if gaps.empty:
        return None, ss.ANY
    key = ss.gap_key(pair)
    if key not in st.session_state:
        st.session_state[key] = int(gaps.sort_values("sequences", kind="stable")["gap"].iloc[-1])
    st.header("Sequences behind a gap", anchor=False)
    left, right = st.columns(2, gap="large")
    lowest = int(min(gaps["gap"].min(), -1))
    st.session_state[key] = max(st.session_state[key], lowest)  # it may be of other sequences
    gap = left.number_input(
        "Gap", lowest, MAX_GAP, step=1, key=key, persist_state="session",
        help="A click on a bar sets it. Bases between the two motifs; below 0 they overlap.",
    )  # fmt: skip
    seen = set(gaps[["left", "right", "orientation"]].itertuples(index=False, name=None))
    options = [ss.ANY, *(key for key in ss.arrangements(pair) if key in seen)]
    arrangement = right.selectbox(
        "Order and orientation", options, format_func=ss.arrangement_name, key=f"order_{pair[0]}\t{pair[1]}"
    )
    return int(gap), arrangement


def _svg(gaps: pd.DataFrame, causal: pd.DataFrame, key: Arrangement) -> str:
    mine, planted = (
        frame[
            (frame["left"] == key[0]) & (frame["right"] == key[1]) & (frame["orientation"] == key[2])
        ].sort_values("gap")
        for frame in (gaps, causal)
    )
    return spacing_svg(
        mine["gap"].to_numpy(), mine["sequences"].to_numpy(), planted["gap"].to_numpy(),
        *(planted[name].to_numpy() for name in ("synergy", "low", "high")), title=ss.arrangement_name(key),
    )  # fmt: skip


# --- the sequences behind a bar -----------------------------------------------------------------------------


def _behind(
    model: ModelBundle, seen: Observed, joint: pd.DataFrame, pair: ss.Pair, gap: int, arrangement: Arrangement
) -> None:
    """The sequences that have the pair at a gap, and the letters of one of them."""
    rows = joint[joint["gap"] == gap]
    if arrangement != ss.ANY:
        left, right, orientation = arrangement
        rows = rows[(rows["left"] == left) & (rows["right"] == right) & (rows["orientation"] == orientation)]
    st.markdown(f"{count(len(rows), 'sequence')} with the pair at gap **{gap}**")
    if rows.empty:
        return
    keys = zip(rows["left"], rows["right"], rows["orientation"], strict=True)
    table = pd.DataFrame(
        {
            "sequence": rows["sequence"].to_numpy(),
            "logit": rows["sequence"].map(seen.logits).to_numpy(),
            "order and orientation": [ss.arrangement_name(key) for key in keys],
            "read on strand": ["-" if turned else "+" for turned in rows["reversed"]],
        }
    ).sort_values("logit", ascending=False, kind="stable", ignore_index=True)
    left, right = st.columns(2, gap="large")
    with left:
        picked = st.dataframe(
            table, hide_index=True, height=300 if len(table) > 7 else "content", on_select="rerun",
            selection_mode="single-row-required", key=f"behind_{pair[0]}\t{pair[1]}\t{gap}\t{arrangement}",
            column_config={
                "sequence": st.column_config.TextColumn(width="medium"),
                "logit": st.column_config.NumberColumn(format="%.2f"),
            },
        )  # fmt: skip
        names = set(table["sequence"])
        st.download_button(
            "These sequences (FASTA)",
            lambda: to_fasta(
                (name, decode(seen.sequences.codes_of(i))) for i, name in enumerate(seen.sequences.names)
                if name in names
            ), f"{_stem()}_gap_{gap}.fa", on_click="ignore",
        )  # fmt: skip
    chosen = picked.selection.rows
    with right:
        name = table["sequence"].iloc[chosen[0] if chosen and chosen[0] < len(table) else 0]
        _letters(model, seen, pair, name)


def _letters(model: ModelBundle, seen: Observed, pair: ss.Pair, name: str) -> None:
    """The letters around the pair in one sequence."""
    used = seen.syntax.instances
    mine = used[used["sequence"] == name]
    of_pair = mine[mine["motif"].isin(pair)]
    index = seen.sequences.names.index(name)
    start = max(int(of_pair["start0"].min()) - _AROUND, 0)
    end = min(int(of_pair["end0"].max()) + _AROUND, int(seen.sequences.lengths[index]))
    text = decode(seen.sequences.codes_of(index)[start:end])
    st.caption(f"{plain(name)}, bases {start:,} to {end:,} (0-based, half-open)")
    st.html(sequence_html(text, mine, services.colours(model), start0=start, line=_LINE))


# --- rules --------------------------------------------------------------------------------------------------


def _rules(job: Job[Rules]) -> None:
    """The clearest rules as sentences, all of them as a table; one of a pair chooses it."""
    st.header("Rules", anchor=False)
    if job.running:
        show_progress(job, "Planting pair by pair", key="rules")
        return
    if job.problem is not None:
        show_error(job.problem)
    elif job.failed:
        job.result  # noqa: B018 - raises what went wrong
    if not job.done:
        st.markdown(
            "A rule is what the sequences show **and** what planting confirms; also which motifs are necessary, "
            "sufficient or repressing."
        )
        _begin(
            job, "The search", "Find the rules", key="find_rules",
            help="Plants every pair that shows something: seconds each.",
        )  # fmt: skip
        return
    rules = job.result.rules
    if rules.empty:
        st.info(
            "No rule: no pair, order or gap is both above chance and used by the model. More sequences, or "
            "controls without the signal, make rules visible."
        )
    for number, row in enumerate(rules.head(_MOST_RULES).itertuples()):
        with st.container(border=True, gap="small"):
            st.markdown(f":gray-badge[{row.kind}] {plain(row.sentence)}")
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(f"{row.sequences:,} sequences, {row.share:.0%}", width="stretch")
                if row.right:
                    st.button(
                        "Show this pair", key=f"rule_{number}", on_click=ss.choose_pair,
                        args=[row.left, row.right], help=ss.pair_name((row.left, row.right)),
                    )  # fmt: skip
    if len(rules) > _MOST_RULES:
        st.caption(f"The other {len(rules) - _MOST_RULES:,} stand in the table.")
    if len(rules):
        with st.expander("All rules as a table"):
            st.dataframe(rules, hide_index=True)
    st.download_button("Rules (TSV)", lambda: RULES.to_tsv(rules), f"{_stem()}_rules.tsv", on_click="ignore")


_MOST_RULES = 6  # as cards; more would push what follows off the screen


def _stem() -> str:
    source = state.source()
    return file_stem(source.label if source else "sequences")


def _modebar(name: str) -> dict:
    """The buttons of a chart: its picture is saved as SVG."""
    return {
        "displaylogo": False,
        "toImageButtonOptions": {"format": "svg", "filename": f"{_stem()}_{name}"},
    }
