"""How to read each page, in plain words with the terms of the paper (arXiv 2410.06211)."""

from __future__ import annotations

import streamlit as st

_TEXTS = {
    "models": """
- A model reads a DNA sequence and gives one number, the **logit**: above 0 it speaks for the class it was trained to
  find, below 0 against it. The **probability** is the same number between 0 and 1.
- **Motif scanner**: each filter is one motif. It slides along both strands and is *active* where the letters match.
- **Syntax builder**: layers of attention **heads**. A head points at the one place that it wants to know of; what it
  finds there goes into the **memory stream**, and the last state of that stream becomes the logit.
- In the picture, a circle takes the colour of the motif that its head points at in the example sequence; an empty
  circle points at no motif. The number behind a layer is the logit, were the model to stop there.
- **auROC** and **auPRC** are measured on sequences that no training saw; 1 is perfect, guessing gives an auROC of 0.5.
- The **receipt** tests whether the called instances are what the model uses. **Confidence** says how often models
  trained from other seeds find the same motif.
""",
    "motifs": """
- A **logo** stacks the letters of each position; a stack is as high as its **information**, 2 bits at most. It is
  made of the windows that activate the filter by more than half of its largest activation.
- **Contribution** is how far the logit falls, on average, when an instance of the motif is replaced by an average base.
- The **match** is the nearest motif of JASPAR by Tomtom, named where its q-value is 0.1 or less: the share of
  false names to expect among those that are as good. Below it you see the match, laid under what was learned.
- **Mute** a motif and the model reads on as if it matched nowhere: what the logits lose is what the motif was worth.
""",
    "sequences": """
- The **logit** above 0 speaks for the class that the model finds, below 0 against it; **probability** is the same
  between 0 and 1.
- An **instance** is a place where the model looked, the motif's filter answered, *and* the logit falls by at least 1
  when those bases are replaced by N. That fall is its **contribution**. A head looked where its attention is above 0.9;
  a model with an **evidence path** also adds up the matches of each motif, and looked where one is a third of that sum.
- In the trace all rows share one axis. **Instances** are blocks that point along their strand. **Contribution** is the
  same fall at every place, called or not. **Attention** has a row for each layer and head; pool them to see where any
  of them looked. **Motif activation** is how well the letters match, before anyone asks whether it matters.
- **Ignored matches**, dashed, fit a motif's matrix but were not called: the syntax was not right, or nobody looked.
- **Probable sites**, a download, also holds sites that the model makes nothing of. **Occupancy** is how probably the
  letters are a site of the motif if a sequence holds one at most, its places learned from all that you gave;
  **probability** puts that and the contribution together.
- Zoom with + and −, the mouse wheel with Ctrl, two fingers, or a double click; drag to move; click an instance to read
  its letters. Click on a column's name to sort the table. Downloads hold the rows that pass the filter.
""",
}


def show(name: str) -> None:
    """The folded help of a page."""
    with st.expander("How to read this"):
        st.markdown(_TEXTS[name])
