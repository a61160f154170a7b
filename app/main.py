"""The entry, `streamlit run app/main.py`: page settings, navigation, the model that every page is about."""

import sys
from pathlib import Path

# A clean checkout runs without being installed: of its own accord, streamlit puts only app/ on the path.
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [] if str(ROOT) in sys.path else [str(ROOT)]

import streamlit as st  # noqa: E402

from app import page  # noqa: E402

st.set_page_config(page_title="ARGMINN Studio", layout="wide")
st.logo(page.WORDMARK, size="large")
st.html(page.style())

chosen = st.navigation(
    [
        st.Page(
            ROOT / "pages" / f"{name}.py", title=name.capitalize(), url_path=name, default=name == "models"
        )
        for name in ("models", "motifs", "sequences", "syntax", "design", "variants", "train")
    ]
)
from app import state, tour  # noqa: E402  torch with them: two seconds, once, in which the frame is already there

with st.sidebar:
    state.model_selector()
state.follow()  # after the selector: the choice of a widget that a run leaves out is lost
tour.remember()
tour.show(chosen.url_path or "models")
chosen.run()
