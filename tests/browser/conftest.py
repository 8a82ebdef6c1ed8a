"""A browser, and a page that comes from another origin than the API."""

import os
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from tests.browser.backend import serve
from tests.serving import Running

HERE = Path(__file__).parent
WAIT_MS_MAX = 10_000


class Files(SimpleHTTPRequestHandler):
    def log_message(self, format, *args):  # noqa: A002 - that is its name
        """Say nothing."""


@pytest.fixture(scope="package")
def site() -> Iterator[str]:
    """Serve this folder, which is all that the page's own server does."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=HERE)) as files:
        thread = threading.Thread(target=files.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{files.server_port}"
        files.shutdown()
        thread.join()


@pytest.fixture(scope="package")
def shop(tmp_path_factory) -> Iterator[Running]:
    with serve(tmp_path_factory.mktemp("shop"), LAURELS_DEMO_ACCOUNTS="on") as server:
        yield server


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    # For this package alone: while it is there a loop runs, and other tests run loops of their own.
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium: apt-get install --no-install-recommends chromium")
    # Chromium's sandbox refuses to be root's.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=options)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def tab(browser) -> Iterator[tuple[Page, list[str]]]:
    """Open a tab, and note what goes wrong in it."""
    page = browser.new_page()
    page.set_default_timeout(WAIT_MS_MAX)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page, wrong
    page.close()


@pytest.fixture
def page(tab, site) -> Iterator[Page]:
    """Come to the page anew: whatever the one before it had open is gone."""
    page, wrong = tab
    page.goto(f"{site}/page.html")
    yield page
    assert not wrong
