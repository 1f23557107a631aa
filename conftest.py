"""`pytest --nbval-lax notebooks` runs the lessons as they stand, each figure held to its band.

With `--rehearsal` every cell runs on few rows and with a fraction of the updates: exact checks hold, bands are shown.
Without network either way: the kernels refuse it, and what they tried fails the run. In the full profile, which needs
the hub, they may have it.
"""

import os
import tempfile
from pathlib import Path

import pytest

collect_ignore = ["notebooks/assignments"]  # tests/classroom/test_assignments.py runs these, in the grader
GUARD = Path(__file__).parent / "tests" / "offline"
REHEARSAL = "BERT_COURSE_REHEARSAL"
ROWS = 300  # of each split; enough for 20 labels a class, and for a test set that says something


def pytest_addoption(parser):
    parser.addoption(
        "--rehearsal",
        action="store_true",
        help=f"lessons on at most {ROWS} rows of each split ({REHEARSAL}: other rows) and a fraction of the updates; "
        "figures outside their bands are shown and stop nothing",
    )


def runs_lessons(config) -> bool:
    return config.getoption("nbval", False) or config.getoption("nbval_lax", False)


def pytest_configure(config):
    if config.getoption("rehearsal"):
        os.environ.setdefault(REHEARSAL, str(ROWS))
    if runs_lessons(config) and os.environ.get("BERT_COURSE_PROFILE", "mini") == "mini":
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(GUARD), os.environ.get("PYTHONPATH")]))
        if "BERT_COURSE_REFUSED" not in os.environ:  # the processes of -n share one
            os.environ["BERT_COURSE_REFUSED"] = str(Path(tempfile.mkdtemp()) / "refused")


def pytest_report_header(config):
    if not runs_lessons(config):
        return None
    if rows := os.environ.get(REHEARSAL):
        return f"lessons: a rehearsal, at most {rows} rows of each split; bands are shown, not held"
    return "lessons: as they stand, figures held to their bands"


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    refused = Path(os.environ.get("BERT_COURSE_REFUSED", ""))
    if refused.is_file() and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    refused = Path(os.environ.get("BERT_COURSE_REFUSED", ""))
    if refused.is_file():
        terminalreporter.section("the lessons asked for the network")
        terminalreporter.write_line(refused.read_text(encoding="utf-8"))
