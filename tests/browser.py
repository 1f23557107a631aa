"""A browser and a web server, for tests that look at pages as a reader does."""

import functools
import http.server
import importlib.util
import os
import shutil
import threading
from contextlib import contextmanager

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = ("--no-sandbox", "--disable-background-networking")  # root needs the first; Chromium's own calls home go


def absent(message):
    """Skip the test, but fail where BROWSER_TESTS=required (.ci/run)."""
    (pytest.fail if os.environ.get("BROWSER_TESTS") == "required" else pytest.skip)(message)


@contextmanager
def chromium():
    """Playwright's browser; see `absent` for where there is none."""
    if CHROMIUM is None or importlib.util.find_spec("playwright") is None:
        absent("needs Chromium and playwright: make browser installs the latter")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as starter:
        browser = starter.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@contextmanager
def served(folder):
    """The address at which a folder's files are served, on this machine only."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def watch(page):
    """A list of all that a page does wrong from now on: errors, and requests that fail or leave this machine."""
    wrong = []
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("console", lambda line: wrong.append(f"console: {line.text}") if line.type == "error" else None)
    page.on("requestfailed", lambda request: wrong.append(f"failed: {request.url}"))
    page.on("response", lambda answer: wrong.append(f"{answer.status}: {answer.url}") if answer.status >= 400 else None)

    def left(request):
        if not request.url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:")):
            wrong.append(f"another host: {request.url}")

    page.on("request", left)
    return wrong
