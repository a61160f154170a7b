import os

import pytest
import studio
from canvas_host import canvas_url, open_canvas  # noqa: F401  fixtures of the tests of the canvas alone
from handmade import save_toy


@pytest.fixture(scope="session")
def browser():
    if studio.chromium_path() is None:
        message = "chromium is not installed; tests/browser/ensure_chromium.sh installs it"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    with studio.chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def studio_url(tmp_path_factory):
    """The address of the app, whose user has the hand-made model under two names."""
    home = tmp_path_factory.mktemp("home")
    for name in ("another", "toy"):  # the first is the default
        save_toy(home, name)
    with studio.running(home) as address:
        yield address


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
    page = context.new_page()
    yield page
    context.close()


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)
