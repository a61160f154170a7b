"""A user's folder with the toy model, and the app with it chosen, for the tests of every page."""

import pytest
from handmade import save_toy
from streamlit.testing.v1 import AppTest

from argminn_core import zoo


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The user's folder; whatever is bundled, and whatever genomes the server has, play no part."""
    monkeypatch.setenv("ARGMINN_HOME", str(tmp_path))
    monkeypatch.delenv("ARGMINN_GENOMES", raising=False)
    monkeypatch.setattr(zoo, "BUNDLED", tmp_path / "bundled")
    save_toy(tmp_path)
    return tmp_path


@pytest.fixture
def app(home, request):
    """The app before its first run."""
    app = AppTest.from_file(str(request.config.rootpath / "app/main.py"), default_timeout=90)
    app.session_state["model"] = "toy"
    return app
