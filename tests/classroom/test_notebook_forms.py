"""What public notebooks look like: the grader runs it as Jupyter's own kernel does, and passes over what it cannot run.

Every form of notebook_forms.txt goes through both, and names, values and errors are compared. Those of
notebook_forms_passed_over.txt need a shell, a network or a person, and cost nothing.
"""

import json
import os
import re
from pathlib import Path

import pytest

from bertcourse.classroom.grading import Limits, StudentError, Submission

HERE = Path(__file__).parent
DESCRIBE = r"""
def _describe():
    import json, re
    kept = (type(None), bool, int, float, str, list, tuple, dict, set)
    shell, told = get_ipython(), {}
    for name, value in list(shell.user_ns.items()):
        if (name.startswith("_") and name != "_hidden") or shell.user_ns_hidden.get(name, 0) is value:
            continue
        kind = type(value).__name__
        plain = isinstance(value, kept) or kind in ("Tensor", "ndarray")
        told[name] = re.sub("0x[0-9a-f]+", "", repr(value)) if plain else kind
    print("told:" + json.dumps(told))
_describe()
"""
RESET = r"""
def _reset():
    import gc, os
    shell = get_ipython()
    os.chdir(os.environ.setdefault("FORMS_HOME", os.getcwd()))
    os.environ.pop("COURSE_OF", None)
    shell.run_line_magic("precision", "")
    if shell.find_line_magic("autoreload"):
        shell.run_line_magic("autoreload", "0")  # it looks at all of torch's files after each cell
    shell.compile.reset_compiler_flags()
    shell.ast_node_interactivity = "last_expr"
    shell.autocall = 0
    collect, gc.collect = gc.collect, lambda *about: 0  # takes a tenth of a second
    shell.reset(new_session=True)
    gc.collect = collect
_reset()
"""


def read_forms(name):
    """{what it is: its cells}."""
    parts = (HERE / name).read_text(encoding="utf-8").split("\n== ")[1:]
    forms = {}
    for part in parts:
        title, _, text = part.partition("\n")
        assert title not in forms, f"two forms are called {title!r}"
        forms[title] = re.split(r"^--\n", text + "\n", flags=re.MULTILINE)
    return {title: [cell[:-1] for cell in cells] for title, cells in forms.items()}


FORMS, PASSED_OVER = read_forms("notebook_forms.txt"), read_forms("notebook_forms_passed_over.txt")


@pytest.fixture(scope="module")
def in_jupyter(tmp_path_factory):
    """{form: (the error of each cell, {name: value})}, by a kernel."""
    from jupyter_client.manager import start_new_kernel

    home = tmp_path_factory.mktemp("kernel")
    env = {**os.environ, "IPYTHONDIR": str(home / ".ipython"), "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
    manager, client = start_new_kernel(cwd=str(home), env=env, extra_arguments=["--IPKernelApp.log_level=ERROR"])

    def run(source, silent=False):
        errors, printed = [], []

        def hear(message):
            content = message["content"]
            if message["msg_type"] == "error":
                errors.append(content["ename"])
            elif message["msg_type"] == "stream":
                printed.append(content["text"])

        reply = client.execute_interactive(
            source, silent=silent, store_history=not silent, allow_stdin=False, output_hook=hear, timeout=60
        )["content"]
        errors += [reply["ename"]] if reply["status"] == "error" else []
        return errors[0] if errors else "", "".join(printed)

    try:
        yield {title: outcome(cells, run, lambda source: run(source, silent=True)[1]) for title, cells in FORMS.items()}
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def outcome(cells, run, ask):
    ask(RESET)
    errors = [run(cell)[0] for cell in cells]
    told = ask(DESCRIBE)
    return errors, json.loads(told[told.index("told:") + 5 :].splitlines()[0])


def run_graded(submission, source):
    """(the error's kind, what was printed), as the grader sees them."""
    try:
        return "", submission.run(source, str(len(submission.history)))
    except StudentError as error:
        return str(error).partition(":")[0], ""
    except Exception as error:
        return type(error).__name__, ""


@pytest.fixture(scope="module")
def when_graded():
    """The same by the process in which submissions run."""
    with Submission(Limits(cell_seconds=60, seconds=600, memory=3000)) as submission:

        def run(source):
            return run_graded(submission, source)

        yield {title: outcome(cells, run, lambda source: run(source)[1]) for title, cells in FORMS.items()}


def test_there_are_enough_of_them():
    assert len(FORMS) >= 400 and len(PASSED_OVER) >= 60


@pytest.mark.parametrize("title", FORMS)
def test_as_jupyter_runs_it(title, in_jupyter, when_graded):
    assert when_graded[title] == in_jupyter[title]


@pytest.fixture(scope="module")
def shut_in():
    with Submission(Limits(cell_seconds=60, seconds=600, memory=3000)) as submission:
        yield submission


@pytest.mark.parametrize("title", PASSED_OVER)
def test_what_cannot_run_costs_nothing(title, shut_in):
    run_graded(shut_in, RESET)
    told = []
    for cell in PASSED_OVER[title]:
        shut_in.run(cell, "form")
        told += shut_in.passed_over
    assert shut_in.value("answer") == 42 and told
