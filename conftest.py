"""`pytest --nbval-lax notebooks` runs the lessons without network: their kernels refuse it, and what they tried fails
the run. In the full profile, which needs the hub, they may have it."""

import os
import tempfile
from pathlib import Path

import pytest

collect_ignore = ["notebooks/assignments"]  # tests/test_assignments.py runs these, in the grader
GUARD = Path(__file__).parent / "tests" / "offline"


def pytest_configure(config):
    runs_lessons = config.getoption("nbval", False) or config.getoption("nbval_lax", False)
    if runs_lessons and os.environ.get("BERT_COURSE_PROFILE", "mini") == "mini":
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(GUARD), os.environ.get("PYTHONPATH")]))
        if "BERT_COURSE_REFUSED" not in os.environ:  # the processes of -n share one
            os.environ["BERT_COURSE_REFUSED"] = str(Path(tempfile.mkdtemp()) / "refused")


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
