"""Train: learn from my data."""

import streamlit as st

from app import page
from app import train_state as ts
from app.train_panels import new_training
from app.train_view import trainings
from argminn_core import jobs

HELP = """
**Checks** come first, since most models that look too good learned something else: the GC content of one class, a gap
of N, or test sequences that stood in the training set too. *auROC of GC alone* is how well a model would score that
knows nothing but GC; 0.5 is a guess, 1 is perfect.

**Loss** is the cross-entropy: how surprised the network is by the true class. When the training line falls and the
held-out one rises, it learns by heart. **auROC** is the chance that a positive scores above a negative; **auPRC** is
the mean precision over all cut-offs. Both are of the *validation* part, which is never trained on. The *test* part is
looked at once, at the end; its scores are on the model's card.

**The motifs as they form**: every filter of the scanner is a motif. What is drawn is the average of the windows that
the filter answers to with more than half of its largest activation, as in the paper.

A training is a process of its own. Close the page, the browser or the app: it goes on, and is here when you return.
"""

page.heading("Train", "Learn from my data: checked first, then trained while you watch, or while you do not.")
jobs.advance()
found = jobs.jobs()
ts.arrive(found)
view = st.segmented_control(
    "Show", [ts.NEW, ts.FOLLOW], required=True, key=ts.VIEW, label_visibility="collapsed",
    format_func=lambda view: view if view == ts.NEW else f"{view} ({len(found)})",
)  # fmt: skip
if (problem := ts.problem()) is not None:
    page.show_error(problem)
with st.container():
    if view == ts.NEW:
        new_training()
    else:
        trainings(found)
with st.expander("How to read this"):
    st.markdown(HELP)
