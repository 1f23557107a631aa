"""Lessons in a real JupyterLab, as a learner opens them: in Chromium, through its menus, without a network.

These tests take minutes, so `make test` leaves them out and `make browser` runs them.
"""

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from browser import chromium, watch

from bertcourse.figures import collect
from bertcourse.lessons import lessons_in, number_of

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]
LESSONS = {number_of(path): path for path in lessons_in(ROOT / "notebooks")}
WHOLE = ("01", "07", "09")  # run from top to bottom
CELLS = "[...jupyterapp.shell.currentWidget.content.model.cells].filter((cell) => cell.type == 'code')"
DONE = f"{CELLS}.every((cell) => cell.executionCount)"
ERRORS = f"{CELLS}.flatMap((cell) => cell.toJSON().outputs).filter((output) => output.output_type == 'error')"
SHOWN = "([what, count]) => document.querySelectorAll(what).length == count"  # drawn little by little
GUARD = ROOT / "tests" / "offline"  # no process of the server, kernels included, may call another machine


class Lab:
    """A JupyterLab server over a copy of the lessons, with settings of its own, and a browser that looks at it."""

    def __init__(self, folder, browser):
        self.lessons = folder / "notebooks"
        self.lessons.mkdir()
        self.browser, self.token = browser, secrets.token_hex(8)
        names = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
        own = {f"JUPYTER_{name}": str(folder / name.lower()) for name in names}
        own |= {f"JUPYTERLAB_{name}_DIR": str(folder / name.lower()) for name in ("SETTINGS", "WORKSPACES")}
        self.environment = os.environ | own | {"IPYTHONDIR": str(folder / "ipython")}
        self.refused = folder / "refused.txt"
        self.environment |= {"PYTHONPATH": str(GUARD), "BERT_COURSE_REFUSED": str(self.refused)}
        self.environment.pop("MPLBACKEND", None)  # conftest.py's; a notebook draws in itself
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        options = [f"--port={port}", "--ip=127.0.0.1", "--no-browser", "--allow-root", "--expose-app-in-browser"]
        options += [f"--IdentityProvider.token={self.token}", f"--notebook-dir={self.lessons}"]
        with (folder / "server.log").open("w", encoding="utf-8") as log:
            self.server = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *options],
                env=self.environment, cwd=folder, stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.address}/api/status?token={self.token}", timeout=5).close()
                return
            except (urllib.error.URLError, ConnectionError):
                assert self.server.poll() is None, (folder / "server.log").read_text(encoding="utf-8")
                assert time.monotonic() < deadline, "JupyterLab did not start within a minute"
                time.sleep(0.2)

    def close(self):
        self.server.terminate()  # it ends the kernels that a failed test has left
        try:
            self.server.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.server.kill()

    def copy(self, lesson, trusted=True):
        path = shutil.copyfile(lesson, self.lessons / lesson.name)
        if trusted:
            command = [sys.executable, "-m", "jupyter", "trust", str(path)]
            subprocess.run(command, env=self.environment, check=True, capture_output=True)
        return path

    @contextmanager
    def open(self, path):
        """The page with a notebook, once its kernel is idle, and the list of what goes wrong in it."""
        context = self.browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        wrong = watch(page)
        page.goto(f"{self.address}/lab/workspaces/{secrets.token_hex(4)}/tree/{path.name}?token={self.token}")
        # data-status says idle too early
        page.locator(".jp-StatusBar-TextItem", has_text="| Idle").wait_for(timeout=120_000)
        yield page, wrong
        page.evaluate("jupyterapp.serviceManager.sessions.shutdownAll()")
        context.close()


def choose(page, menu, command):
    """Click an entry of the menu bar."""
    page.locator(".lm-MenuBar-item", has_text=re.compile(f"^{menu}$")).click()
    page.locator(f".lm-Menu-item[data-command='{command}']").click()


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with chromium() as browser:
        lab = Lab(tmp_path_factory.mktemp("lab"), browser)
        yield lab
        lab.close()


def stored(lesson):
    return nbformat.read(lesson, as_version=4)


def html_of(cells):
    """The outputs as they are shown: their HTML, or a picture that has none."""
    data = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    return [kinds.get("text/html", "<img>" if "image/png" in kinds else "") for kinds in data]


@pytest.mark.parametrize("number", LESSONS)
def test_a_lesson_looks_right_before_it_is_run(lab, number):
    """As a learner first sees it: JupyterLab does not trust it yet, so no script in its outputs runs."""
    lesson = LESSONS[number]
    pages = html_of(stored(lesson).cells)
    with lab.open(lab.copy(lesson, trusted=False)) as (page, wrong):
        for kind in ("img", "table"):
            count = sum(len(re.findall(rf"<{kind}\b", text)) for text in pages)
            page.wait_for_function(SHOWN, arg=[f".jp-OutputArea-output {kind}", count])
        broken = "[...document.querySelectorAll('.jp-Notebook img')].filter((image) => !image.naturalWidth).length"
        assert page.evaluate(broken) == 0
        assert page.locator("mjx-merror, .katex-error").count() == 0
        assert wrong == []


def test_attention_views_are_drawn_once_the_lesson_is_trusted(lab):
    lesson = LESSONS["09"]
    views = sum('role="figure"' in text for text in html_of(stored(lesson).cells))
    with lab.open(lab.copy(lesson)) as (page, wrong):
        assert views > 0
        page.wait_for_function(SHOWN, arg=["[role=figure]:has(svg line)", views])
        assert wrong == []


STILL = "(count) => document.body.textContent.split('This is a picture.').length == count + 1"
MACHINES = "[...document.querySelectorAll('.jp-OutputArea-output [data-machine]')]"


def test_machines_are_pictures_until_the_lesson_is_trusted(lab):
    """Then they are moved by keys, which JupyterLab leaves to them: the letters a and b would add cells."""
    lesson = LESSONS["01"]
    count = sum("data-machine=" in text for text in html_of(stored(lesson).cells))
    assert count > 1
    moving = f"{MACHINES}.filter((host) => host.machine).length == {count}"
    with lab.open(lab.copy(lesson, trusted=False)) as (page, wrong):
        page.wait_for_function(STILL, arg=count)
        choose(page, "View", "apputils:activate-command-palette")  # as the picture and lesson 00 say
        page.keyboard.type("trust notebook")
        page.locator(".lm-CommandPalette-item.lm-mod-active[data-command='notebook:trust']").click()
        page.locator(".jp-Dialog button", has_text="Trust").click()
        page.wait_for_function(moving)
        assert wrong == []
    with lab.open(lab.copy(lesson)) as (page, wrong):
        page.wait_for_function(moving)
        slider, cells = page.locator("[data-machine] input").first, page.evaluate(f"{CELLS}.length")
        slider.focus()
        for key in ("ArrowRight", "a", "ArrowRight", "b", "d", "d"):
            slider.press(key)
        assert page.evaluate(f"{MACHINES}[0].machine.state().width") == 3
        assert page.evaluate(f"{CELLS}.length") == cells
        assert wrong == []


def test_beside_each_attention_view_stands_a_plain_picture():
    """For those who have not trusted the lesson, where the view stays blank: in its cell, or in the next one."""
    for lesson in LESSONS.values():
        cells = [cell for cell in stored(lesson).cells if cell.cell_type == "code"]
        for cell, following in pairwise(cells):
            if any('role="figure"' in text for text in html_of([cell])):
                assert any("<img" in text for text in html_of([cell, following])), f"{lesson.name}: {cell.source}"


@pytest.mark.parametrize("number", WHOLE)
def test_run_all(lab, number):
    lesson = LESSONS[number]
    path = lab.copy(lesson)
    before = stored(lesson)
    # The last that prints; the questions at the very end are HTML.
    (*_, last) = (cell for cell in before.cells if cell.get("outputs") and cell.outputs[0].output_type == "stream")
    with lab.open(path) as (page, wrong):
        choose(page, "Edit", "editmenu:clear-all")
        started = time.monotonic()
        choose(page, "Run", "runmenu:run-all")
        page.wait_for_function(f"{ERRORS}.length || {DONE}", timeout=1_200_000, polling=500)
        assert page.evaluate(ERRORS) == []
        page.locator(".jp-StatusBar-TextItem", has_text="| Idle").wait_for()
        print(f"lesson {number} in JupyterLab: {time.monotonic() - started:.0f} s")
        choose(page, "File", "docmanager:save")
        page.wait_for_function("!jupyterapp.shell.currentWidget.context.model.dirty")
        shown = page.locator(f".jp-CodeCell:nth-child({before.cells.index(last) + 1}) .jp-OutputArea-output").first
        shown.scroll_into_view_if_needed()
        first_line = shown.inner_text().splitlines()[0]
    ran = nbformat.read(path, as_version=4)
    cells = [cell for cell in ran.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(figure.ok for figure in collect(ran))
    assert [figure.name for figure in collect(ran)] == [figure.name for figure in collect(before)]
    assert first_line == last.outputs[0].text.splitlines()[0]
    assert wrong == []


def test_no_process_asked_for_another_machine(lab):
    """The last test of this file: whatever the server and the kernels tried until now was written down."""
    assert not lab.refused.exists(), lab.refused.read_text(encoding="utf-8")
