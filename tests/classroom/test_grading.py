"""The class grader: grades as they should be, whatever a submission does, and nothing left behind."""

import contextlib
import csv
import json
import os
import socket
import sys
import threading
import time
from array import array
from collections import deque
from pathlib import Path

import numpy as np
import pytest
import torch

from bertcourse.checks.engine import difference
from bertcourse.classroom import grading
from bertcourse.classroom.grading import Limits, grade_class, grade_submission
from bertcourse.classroom.wire import WireError, carry_back, decode, encode

linux = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and namespaces are Linux's")
QUICK = Limits(cell_seconds=3, seconds=25, memory=1024)

GIVEN = "import math\n\nimport numpy as np\nimport torch\n\nfrom bertcourse.checks import check\n"
DOUBLE = """def double(values):
    ### BEGIN SOLUTION
    return [2 * value for value in values]
    ### END SOLUTION
"""
NORM = """def norm(x):
    ### BEGIN SOLUTION
    return x / x.sum(dim=-1, keepdim=True)
    ### END SOLUTION
"""
NUMBER = """### BEGIN SOLUTION
answer = 42
### END SOLUTION
"""
TEST_DOUBLE = """assert double([1, 2]) == [2, 4]
### BEGIN HIDDEN TESTS
import random
values = [random.random() for _ in range(5)]
before = list(values)
assert double(values) == [2 * value for value in before], "the secret reason"
assert values == before, "the list was changed"
### END HIDDEN TESTS
"""
TEST_NORM = """x = torch.rand(3, 4) + 0.1
assert torch.allclose(norm(x).sum(dim=-1), torch.ones(3))
### BEGIN HIDDEN TESTS
def spread(values):
    return float(norm(values).std())
assert spread(torch.rand(2, 9)) > 0
### END HIDDEN TESTS
"""
TEST_NUMBER = "### BEGIN HIDDEN TESTS\nassert answer == 6 * 7\n### END HIDDEN TESTS\n"
WRITTEN = "### BEGIN SOLUTION\nBecause.\n### END SOLUTION\n"


def cell(name, source, kind="code", **about):
    nbgrader = {"grade_id": name, "grade": False, "solution": False, "locked": False, "schema_version": 3} | about
    return {"cell_type": kind, "id": name, "metadata": {"nbgrader": nbgrader}, "source": source}


def notebook(*cells):
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def graded_cell(name, source, points):
    return cell(name, source, grade=True, locked=True, points=points)


SOURCE = notebook(
    cell("given", GIVEN, locked=True),
    cell("double", DOUBLE, solution=True),
    graded_cell("test_double", TEST_DOUBLE, 3),
    cell("norm", NORM, solution=True),
    graded_cell("test_norm", TEST_NORM, 2),
    cell("number", NUMBER, solution=True),
    graded_cell("test_number", TEST_NUMBER, 1),
    cell("why", WRITTEN, kind="markdown", grade=True, solution=True, points=4),
)
RIGHT = {
    "double": "def double(values):\n    return [value + value for value in values]",
    "norm": "def norm(x):\n    return x / x.sum(-1, keepdim=True)",
    "number": "answer = 6 * 7",
    "why": "Since it is so.",
}
RELEASED = {
    "double": "def double(values):\n    raise NotImplementedError",
    "norm": "def norm(x):\n    ...",
    "number": "answer = ...",
    "why": "",
}


def handed_in(folder, student="ann", extra=(), **cells):
    """A student's notebook: right but for what is given; `extra` cells come first."""
    made = []
    for one in SOURCE["cells"]:
        name = one["metadata"]["nbgrader"]["grade_id"]
        made.append(one | {"source": (RIGHT | cells).get(name, "# nothing to see here")})
    more = [{"cell_type": "code", "id": f"x{i}", "metadata": {}, "source": text} for i, text in enumerate(extra)]
    path = folder / student / "task" / "task.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook(*more, *made)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "task" / "task.ipynb"
    path.parent.mkdir()
    path.write_text(json.dumps(SOURCE), encoding="utf-8")
    return path


def points(grade):
    return {one.grade_id: one.points for one in grade.cells}


def graded(source, tmp_path, limits=QUICK, **cells):
    return grade_submission(source, handed_in(tmp_path, **cells), limits=limits)


# --------------------------------------------------------------------------------------------------- a whole class


@pytest.fixture(scope="module")
def a_class(source, tmp_path_factory):
    """Six submissions and some more, graded once."""
    folder = tmp_path_factory.mktemp("class")
    secret = source.parent.parent
    handed_in(folder, "perfect")
    handed_in(folder, "half", norm="def norm(x):\n    return x / x.sum()", number="answer = 41")
    handed_in(folder, "empty", **RELEASED)
    handed_in(folder, "crashing", extra=["import sys\nsys.exit(1)"], double="raise RuntimeError('no')")
    handed_in(folder, "looping", double="while True:\n    try:\n        pass\n    except:\n        pass")
    handed_in(folder, "eating", norm="hoard = [torch.ones(2**28)]\nwhile True:\n    hoard.append(hoard[-1] * 2)")
    handed_in(
        folder,
        "spying",
        number=f"""
import glob, os
from pathlib import Path
found = []
places = [{str(secret)!r}, {str(folder)!r}, f"/proc/{{os.getppid()}}", *map(str, Path.cwd().parents)]
places += [os.path.expanduser("~"), "/proc/self/root" + {str(secret)!r}]
for place in places:
    inside = glob.glob(place + "/*") + glob.glob(place + "/*/*.ipynb")
    for path in [place, *inside, place + "/mem", place + "/environ"]:
        try:
            with open(path, "rb") as file:
                if b"BEGIN HIDDEN" in file.read(1 << 20):
                    found.append(path)
        except OSError:
            pass
answer = len(found)
""",
    )
    (folder / "=cmd|evil").mkdir()
    (folder / "=cmd|evil" / "task.ipynb").write_text("{ not a notebook", encoding="utf-8")
    (folder / "linked").mkdir()
    if hasattr(os, "symlink"):
        (folder / "linked" / "task.ipynb").symlink_to(source)
    (folder / "manual.csv").write_text(
        "student,assignment,grade_id,points,comment\nperfect,task,why,3,well reasoned\n", encoding="utf-8"
    )
    out = tmp_path_factory.mktemp("out")
    start = time.perf_counter()
    grades = grade_class(secret, folder, out, limits=QUICK, show_progress=False)
    return {grade.student: grade for grade in grades}, out, time.perf_counter() - start


def test_grades_are_as_they_should_be(a_class):
    grades, _, seconds = a_class
    assert {name: grade.points for name, grade in grades.items()} == {
        "perfect": 9,  # 3 + 2 + 1, and 3 of 4 from the reader
        "half": 3,
        "empty": 0,
        "crashing": 3,
        "looping": 3,
        "eating": 4,
        "spying": 5,
        "=cmd|evil": 0,
    }
    assert all(grade.possible == 10 for grade in grades.values())
    assert seconds < 120


def test_messages_say_what_happened(a_class):
    grades, _, _ = a_class
    told = {name: {one.grade_id: one.message for one in grade.cells} for name, grade in grades.items()}
    assert told["half"]["test_norm"] == "the test failed"
    assert "NotImplementedError" in told["empty"]["test_double"]
    assert told["empty"]["why"] == "not answered" and told["half"]["why"] == "to be read"
    assert any("SystemExit: 1" in note for note in grades["crashing"].notes)
    assert any("cell double: RuntimeError: no" in note for note in grades["crashing"].notes)
    assert any("cell double: it ran longer than 3 seconds" in note for note in grades["looping"].notes)
    assert "'double' is not defined" in told["looping"]["test_double"]
    assert any("cell norm" in note and "emory" in note for note in grades["eating"].notes), grades["eating"].notes
    assert "not a notebook" in grades["=cmd|evil"].notes[0]
    assert told["perfect"]["why"] == "well reasoned" and grades["perfect"].waiting == 0 and grades["half"].waiting == 4


def test_table_and_feedback(a_class):
    grades, out, _ = a_class
    rows = list(csv.DictReader((out / "grades.csv").open(encoding="utf-8")))
    totals = {row["student"]: float(row["points"]) for row in rows if row["grade_id"] == "total"}
    assert totals["perfect"] == 9 and totals["'=cmd|evil"] == 0 and len(totals) == len(grades)
    assert sum(float(row["points"]) for row in rows if row["student"] == "half" and row["grade_id"] != "total") == 3
    page = (out / "feedback" / "half" / "task.html").read_text(encoding="utf-8")
    assert "3 of 10 points" in page and "4 points wait for a reader" in page
    for path in out.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert "BEGIN" not in text and "6 * 7" not in text and "<script" not in text
    assert grading.summary(list(grades.values())).splitlines()[0].split()[:4] == [
        "'=cmd|evil".strip("'"),
        "task",
        "0",
        "of",
    ]


@linux
def test_a_submission_is_shut_in(a_class):
    assert a_class[0]["perfect"].force == {"network": True, "files": True, "processes": True, "limits": True}


def test_nothing_is_left_behind(a_class):
    if not Path("/proc").exists():
        pytest.skip("needs /proc")
    mine = [p for p in Path("/proc").glob("[0-9]*") if b"bertcourse.classroom.submission" in _command(p)]
    assert not mine


def _command(path):
    try:
        return (path / "cmdline").read_bytes()
    except OSError:
        return b""


# ----------------------------------------------------------------------------------------------------- hostile ones


def test_overwriting_the_tests_tools_gains_nothing(source, tmp_path):
    attack = (
        "import builtins, bertlib, sys\n"
        "check = lambda *a, **k: True\nassertion = True\n"
        "builtins.AssertionError = type('A', (Exception,), {})\n"
        "class Yes:\n    __eq__ = __gt__ = lambda self, other: True\n"
        "answer = Yes()"
    )
    grade = graded(
        source,
        tmp_path,
        number=attack,
        double="class Yes(list):\n    __eq__ = lambda a, b: True\ndef double(v):\n    return Yes()",
    )
    assert points(grade) == {"test_double": 0, "test_norm": 2, "test_number": 0, "why": 0}
    assert "WireError: a Yes" in grade.cells[2].message


def test_killing_forging_and_flooding(source, tmp_path):
    grade = graded(
        source,
        tmp_path,
        double="def double(values):\n    import os\n    os._exit(0)",
        norm="""def norm(x):
    import os
    for number in range(3, 30):
        try:
            os.write(number, b"\\xff" * 100)
        except OSError:
            pass
    return x""",
        number="for _ in range(1000):\n    print('x' * 10_000)\nanswer = 42",
    )
    assert points(grade) == {"test_double": 0, "test_norm": 0, "test_number": 1, "why": 0}
    assert "ended" in grade.cells[0].message


def test_answers_too_large_to_send(source, tmp_path):
    grade = graded(
        source,
        tmp_path,
        double="def double(values):\n    return 'x' * 200_000_000",
        number="answer = []\nfor _ in range(99):\n    answer = [answer]",
    )
    assert points(grade) == {"test_double": 0, "test_norm": 2, "test_number": 0, "why": 0}


def test_changing_the_inputs_is_seen(source, tmp_path):
    grade = graded(
        source, tmp_path, double="def double(values):\n    values[:] = [2 * v for v in values]\n    return list(values)"
    )
    assert grade.cells[0].message == "the list was changed"


def test_looping_in_a_function_costs_that_test_alone(source, tmp_path):
    grade = graded(source, tmp_path, norm="def norm(x):\n    while True:\n        pass")
    assert points(grade) == {"test_double": 3, "test_norm": 0, "test_number": 1, "why": 0}
    assert "it ran longer than 3 seconds" in grade.cells[1].message


def test_the_whole_time_is_limited(source, tmp_path):
    limits = Limits(cell_seconds=4, seconds=6, memory=1024)
    cells = ["import time\ntime.sleep(3.5)"] * 4
    start = time.perf_counter()
    grade = grade_submission(source, handed_in(tmp_path, extra=cells), limits=limits)
    assert time.perf_counter() - start < 15
    assert any("whole submission ran longer than 6 seconds" in note for note in grade.notes)


@linux
def test_no_other_process_is_started_or_reached(source, tmp_path):
    attempts = """
import os, signal, socket, subprocess, threading
def attempt(action):
    try:
        action()
    except OSError:
        return 1
    return 0
parent = os.getppid()
refused = [attempt(action) for action in (
    os.fork,
    lambda: subprocess.Popen(["true"]),
    lambda: os.execv("/bin/true", ["true"]),
    lambda: os.kill(parent, 0),
    lambda: os.kill(-1, 0),
    lambda: socket.socket(socket.AF_UNIX),
    lambda: socket.socket(),
)]
worker = threading.Thread(target=refused.append, args=[1])  # threads may be
worker.start()
worker.join()
answer = 42 if refused == [1] * 8 else refused
"""
    assert points(graded(source, tmp_path, number=attempts))["test_number"] == 1


@linux
def test_memory_and_disk_are_bounded_whatever_the_way(source, tmp_path):
    hoard = """def norm(x):
    import os
    files = []
    try:
        while True:
            files.append(os.memfd_create("x"))
            for _ in range(16):
                os.write(files[-1], bytes(2**20))
    except OSError:
        return x if len(files) < 64 else None
    finally:
        for file in files:
            os.close(file)
"""
    flood = "number = 0\nwhile True:\n    open(str(number), 'wb').write(bytes(10 * 2**20))\n    number += 1"
    patient = Limits(cell_seconds=10, seconds=60, memory=1024)  # a GB into memory takes seconds on a busy machine
    grade = graded(source, tmp_path, patient, norm=hoard, number=flood)
    assert grade.cells[1].message == "the test failed"
    assert any("wrote too much into its folder" in note for note in grade.notes), grade.notes


def test_it_works_without_the_systems_help(source, tmp_path, monkeypatch):
    """Where neither Landlock nor filters nor namespaces are to be had, limits and the time remain."""
    limits = Limits(cell_seconds=3, seconds=25, memory=1024, closed=False)
    monkeypatch.setattr(grading.sys, "executable", _python_without_help(tmp_path))
    grade = grade_submission(source, handed_in(tmp_path, number="import time\nwhile True:\n    pass"), limits=limits)
    assert points(grade) == {"test_double": 3, "test_norm": 2, "test_number": 0, "why": 0}
    assert grade.force == {"network": False, "files": False, "processes": False, "limits": True}
    assert "in force: limits; open: network, files, processes" in grading.summary([grade])


def _python_without_help(folder):
    """A Python whose bertcourse.classroom.submission cannot leave the network."""
    path = folder / "python"
    path.write_text(
        f"#!{sys.executable}\nimport sys\n"
        "sys.argv = [sys.argv[0], *sys.argv[4:]]\nsys.path.insert(0, sys.argv.pop(1))\n"
        "from bertcourse.classroom import submission\nsubmission.cut_network = lambda: False\nsubmission.main()\n",
        encoding="utf-8",
    )
    path.chmod(0o755)
    return str(path)


def test_texts_of_a_submission_are_made_harmless(source, tmp_path):
    nasty = "raise ValueError('\\x1b[2J\\ud800 <b>' + 'x' * 9999)"
    grade = graded(source, tmp_path, number=nasty, double="def double(values):\n    " + nasty)
    for text in (*grade.notes, grade.cells[0].message):
        assert "\x1b" not in text and len(text) <= 600
        text.encode("utf-8")
    grading.write_feedback(grade, tmp_path / "page.html")
    assert "<b>x" not in (tmp_path / "page.html").read_text(encoding="utf-8")
    many = graded(source, tmp_path / "many", extra=["1 / 0"] * 99)
    assert len(many.notes) == grading.MOST_NOTES and many.points == 6


def test_given_cells_are_the_teachers(tmp_path):
    """A test uses the source's constants and the class that is graded, whatever the student makes of them."""
    given = cell("given", "LIMIT = 5\nCLASS = 0\n", locked=True)
    made = notebook(given, cell("n", "n = ...", solution=True), graded_cell("t", "assert n == LIMIT + CLASS", 1))
    (tmp_path / "s").mkdir()
    for path, content in ((tmp_path / "task.ipynb", made), (tmp_path / "s" / "task.ipynb", made)):
        path.write_text(json.dumps(content), encoding="utf-8")
    theirs = notebook(cell("given", "LIMIT = 0\nCLASS = 1\n"), cell("n", "n = LIMIT\nLIMIT = CLASS = 0", solution=True))

    def grade(text, variant):
        theirs["cells"][1]["source"] = text
        (tmp_path / "s" / "task.ipynb").write_text(json.dumps(theirs), encoding="utf-8")
        return grade_submission(tmp_path / "task.ipynb", tmp_path / "s" / "task.ipynb", limits=QUICK, variant=variant)

    assert grade("n = 7", 2).points == 1
    cheated = grade("from bertlib.model.attention import attention_scores\nn = LIMIT = CLASS = 0", 2)
    assert cheated.points == 0 and "graded as one of class 2" in "".join(cheated.notes)
    assert "imports bertlib.model.attention" in "".join(cheated.notes)
    made["cells"][0]["source"] = "LIMIT = n\n"
    (tmp_path / "task.ipynb").write_text(json.dumps(made), encoding="utf-8")
    with pytest.raises(ValueError, match="a locked cell may not use what students write"):
        grade("n = 7", 0)


@linux
def test_no_network(source, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port, reached = server.getsockname()[1], []

        def listen():
            server.settimeout(20)
            with contextlib.suppress(OSError):
                reached.append(server.accept())

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        call = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), timeout=2)\nanswer = 42"
        grade = graded(source, tmp_path, number=call)
    assert points(grade)["test_number"] == 0 and not reached


def test_a_function_may_be_handed_over_and_called_back(tmp_path):
    path = tmp_path / "task.ipynb"
    path.write_text(
        json.dumps(
            notebook(
                cell(
                    "twice", "def twice(f, x):\n    ### BEGIN SOLUTION\n    ### END SOLUTION\n    pass", solution=True
                ),
                graded_cell(
                    "test",
                    "assert twice(lambda x: x + 1, 3) == 5\nimport numpy as np\n"
                    "rng, other = np.random.default_rng(0), np.random.default_rng(0)\n"
                    "assert draw(rng) == other.random()\nassert rng.random() == other.random()",
                    1,
                ),
            )
        ),
        encoding="utf-8",
    )
    answer = tmp_path / "s" / "task.ipynb"
    answer.parent.mkdir()
    answer.write_text(
        json.dumps(
            notebook(
                cell(
                    "twice",
                    "def twice(f, x):\n    return f(f(x))\ndef draw(rng):\n    return rng.random()",
                    solution=True,
                )
            )
        ),
        encoding="utf-8",
    )
    grade = grade_submission(path, answer, limits=QUICK)
    assert grade.points == 1, grade


def test_missing_and_doubled_cells_are_noted(source, tmp_path):
    path = handed_in(tmp_path)
    content = json.loads(path.read_text(encoding="utf-8"))
    content["cells"] = [one for one in content["cells"] if one["id"] != "norm"] + [content["cells"][1]]
    path.write_text(json.dumps(content), encoding="utf-8")
    grade = grade_submission(source, path, limits=QUICK)
    assert points(grade) == {"test_double": 3, "test_norm": 0, "test_number": 1, "why": 0}
    assert "the cell norm is missing" in grade.notes and any("twice" in note for note in grade.notes)


def test_wrong_arguments_are_answered(source, tmp_path):
    with pytest.raises(FileNotFoundError, match="give the folder of the assignments' sources"):
        grade_class(tmp_path, tmp_path, tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="nothing handed in"):
        grade_class(source.parent.parent, tmp_path, tmp_path / "out")
    (tmp_path / "ann").mkdir()
    handed_in(tmp_path)
    (tmp_path / "manual.csv").write_text("student,assignment,grade_id,points\nann,task,why,many\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 2: give student"):
        grade_class(source.parent.parent, tmp_path, tmp_path / "out")


# ------------------------------------------------------------------------------------------------------- the wire


def test_numbers_of_another_byte_order_keep_their_values():
    for value in (np.arange(3, dtype=">i4"), np.array([1.5, -2.0], dtype=">f8"), np.array(7, dtype=">u2")):
        there = decode(json.loads(json.dumps(encode(value))))
        assert there.dtype == value.dtype.newbyteorder("=") and np.array_equal(there, value)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        2**70,
        -0.5,
        float("inf"),
        "Ünï",
        [1, [2, (3, "x")]],
        {"a": 1, 2: (None,)},
        {1, 2},
        np.arange(6, dtype=np.int32).reshape(2, 3),
        np.float32(0.5),
        np.zeros((0, 3)),
        torch.arange(6.0).reshape(2, 3).T,
        torch.tensor(True),
        torch.zeros(0, 4),
        torch.ones(3, dtype=torch.bfloat16),
        ...,
        NotImplemented,
    ],
)
def test_values_come_over_as_they_are(value):
    back = decode(json.loads(json.dumps(encode(value))))
    assert type(back) is type(value)
    if isinstance(value, torch.Tensor | np.ndarray):
        assert back.dtype == value.dtype and back.shape == value.shape and bool((back == value).all())
    else:
        assert back == value


@pytest.mark.parametrize(
    "value, plain",
    [
        (range(3, 0, -1), [3, 2, 1]),
        (deque([1, (2,), "x"]), [1, (2,), "x"]),
        (array("d", [1.5, 2.0]), [1.5, 2.0]),
        (np.array(["un", "##able"]), ["un", "##able"]),
        (np.array([["a", "b"], ["c", "d"]]), [["a", "b"], ["c", "d"]]),
        (np.array([[1], [2, 3]], dtype=object), [[1], [2, 3]]),
        (list(np.array(["[CLS]", "the"])), ["[CLS]", "the"]),
        (dict.fromkeys(np.array(["the", "cat"]), 1), {"the": 1, "cat": 1}),
    ],
)
def test_what_a_check_takes_comes_over(value, plain):
    """Right for `check` in the notebook, so right for the grader: `difference` compares sequences by their items."""
    back = decode(json.loads(json.dumps(encode(value))))
    assert back == plain and difference(plain, value, 0.0) is None
    assert all(type(part) is not np.str_ for part in back)


def test_a_generator_goes_on_where_it_was():
    rng = np.random.default_rng(4)
    rng.random(7)
    assert decode(json.loads(json.dumps(encode(rng)))).random() == rng.random()


@pytest.mark.parametrize(
    "message",
    [
        {"tensor": ["float32", [2], "AAAA"]},
        {"tensor": ["float32", [-1], ""]},
        {"tensor": ["object", [1], "AAAA"]},
        {"array": ["O", [1], "AAAA"]},
        {"array": ["float64", [2**40], ""]},
        {"array": ["float64"]},
        {"tuple": 3},
        {"dict": [[[], 1]]},
        {"rng": {"state": {"state": -1, "inc": 1}, "has_uint32": 0, "uinteger": 0}},
        {"constant": "exit"},
        {"function": 1},
        {"function": "x"},
        {"code": "x"},
        {},
        {"a": 1, "b": 2},
    ],
)
def test_malformed_messages_are_refused(message):
    with pytest.raises(WireError):
        decode(message)


def test_values_without_a_form_are_refused():
    deep = []
    for _ in range(99):
        deep = [deep]
    for value in (object(), lambda: 1, torch.ones(1, dtype=torch.complex64), np.array([object()]), deep):
        with pytest.raises(WireError):
            encode(value)


def test_changes_are_carried_back_into_the_same_objects():
    inner, tensor, array = [1], torch.zeros(2), np.zeros(2)
    mine = [inner, tensor, array, {"a": 1, "b": 2}, 5]
    carry_back(mine, [[1, 2], torch.ones(2), np.ones(2), {"a": 3, "c": 4}, 6, 7])
    assert inner == [1, 2] and tensor.tolist() == [1, 1] and array.tolist() == [1, 1]
    assert mine[3] == {"a": 3, "c": 4} and mine[4:] == [6, 7]
    short = [1, 2, 3]
    carry_back(short, [1])
    assert short == [1]


# ------------------------------------------------------------------------------------------ what notebooks have in them

HALF_OF = "def half(x):\n    return x / 2\n\n"
# Right answers as Jupyter runs them, each from a public report: the cells of a notebook that make answer 42. By the
# grader that turned lines of % and ! into `pass` and exec'd the rest, all of them got nothing.
FROM_REPORTS = {
    "nbQA 249: a magic is a block's only line": ["if True:\n    %time answer = 42"],
    "nbQA 377: a magic over several lines": ["%time answer = sum(\\\n    [40, 2]\\\n)"],
    "nbQA 455: the shell's lines in a name": ["files = !pip list\nif files:\n    print(files)\nanswer = 42"],
    "nbQA 445: a magic without its sign": ["time answer = 42"],
    "black-nb 53: a question mark behind a name": [HALF_OF + "half?\nanswer = 42"],
    "notebook 7630 and nbconvert 620: a cell indented as a whole": ["    answer = 42\n    other = 1"],
    "analysis-grand-challenge 93: await at the top": [
        "import asyncio\nasync def work():\n    await asyncio.sleep(0)\n    return 42\nanswer = await work()"
    ],
    "notebook 3860: a task for the loop that runs": [
        "import asyncio\nasync def work():\n    return 42\ntask = asyncio.get_event_loop().create_task(work())",
        "answer = task.result()",
    ],
    "otter-grader 229: the source of one's own function": [
        HALF_OF + "import inspect\nassert 'x / 2' in inspect.getsource(half)\nanswer = 42"
    ],
    "marimo 3915 and 3312: annotations are types, not text": [
        "def half(x: float):\n    return x / 2\nassert half.__annotations__['x'] is float\nanswer = 42"
    ],
    "marimo 811: a class of one's own is pickled": [
        "import pickle\nclass Point:\n    x = 42\nanswer = pickle.loads(pickle.dumps(Point())).x"
    ],
    "ipython-in-depth 7: the last value": ["40 + 2", "answer = _"],
    "notebook 4400: quit() ends nothing": ["quit()\nanswer = 42"],
    "AzureNotebooks 637: a cell that is skipped": ["answer = 42", "%%script false\nanswer = 0"],
    "notebook 4863: %%timeit keeps its names to itself": ["answer = 42", "%%timeit -n 2\nanswer = 0"],
    "papermill 418: a module that stands beside the notebook": [
        "%%writefile thirds.py\ndef third(x):\n    return x / 3",
        "import thirds\nanswer = round(thirds.third(126))",
    ],
}


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """A notebook of all of them, graded once; each stands in a solution cell and the ones before it."""
    folder = tmp_path_factory.mktemp("reported")
    wanted, theirs = [], []
    for number, cells in enumerate(FROM_REPORTS.values()):
        wanted.append(cell(f"task{number}", "answer = ...", solution=True))
        wanted.append(graded_cell(f"test{number}", f"assert answer == 42  # {number}", 1))
        sources = ["answer = None", *cells[:-1]]
        theirs += [
            {"cell_type": "code", "id": f"c{number}-{place}", "metadata": {}, "source": source}
            for place, source in enumerate(sources)
        ]
        theirs += [cell(f"task{number}", cells[-1], solution=True), wanted[-1]]
    for name, cells in (("task.ipynb", wanted), ("theirs.ipynb", theirs)):
        (folder / name).write_text(json.dumps(notebook(*cells)), encoding="utf-8")
    return grade_submission(folder / "task.ipynb", folder / "theirs.ipynb", limits=Limits(20, 200, 2048))


@pytest.mark.parametrize("report", FROM_REPORTS)
def test_right_answers_of_reports_get_their_points(report, reported):
    one = reported.cells[list(FROM_REPORTS).index(report)]
    assert one.points == 1, (one.message, reported.notes)


def test_what_was_not_run_is_told_and_nothing_else(reported):
    assert reported.notes == [
        "not run when graded, which by itself costs nothing: !pip list (task2); exit (task12); %%script false (task13)"
    ]


def test_numbers_of_outputs_count_the_tests_cells_too(source, tmp_path):
    """Out[4] is the fourth code cell's, as where the notebook is run from its top."""
    texts = {"double": RIGHT["double"] + "\n(40, 2)", "number": "answer = sum(Out[2])"}
    assert points(graded(source, tmp_path, **texts))["test_number"] == 1
    texts = {"norm": RIGHT["norm"] + "\n42", "number": "answer = _4"}
    assert points(graded(source, tmp_path / "next", **texts))["test_number"] == 1


def test_a_cell_is_run_once(source, tmp_path):
    """The first one, for which the process is started, and the first after one that was stopped."""
    count = "with open('runs', 'a', encoding='utf-8') as file:\n    file.write('x')\n"
    told = "answer = 42 if open('runs', encoding='utf-8').read() == 'x' else 0"
    first = grade_submission(source, handed_in(tmp_path, extra=[count], number=told), limits=QUICK)
    assert points(first)["test_number"] == 1
    after = graded(source, tmp_path, double="while True:\n    pass", norm=count + RIGHT["norm"], number=told)
    assert points(after) == {"test_double": 0, "test_norm": 2, "test_number": 1, "why": 0}


def test_an_error_names_the_students_line(source, tmp_path):
    timed = "%%time\nanswer = 41\nanswer = 1 / 0"
    grade = graded(source, tmp_path, double="%time double = nothing", norm="%no_magic 1", number=timed)
    assert grade.notes == [
        "cell double: NameError: name 'nothing' is not defined (<cell double>, line 1)",
        "cell norm: UsageError: Line magic function `%no_magic` not found. (<cell norm>, line 1)",
        "cell number: ZeroDivisionError: division by zero (<cell number>, line 3)",
    ]
    captured = graded(source, tmp_path / "captured", number="%%capture\nanswer = 42\nanswer.no")
    assert points(captured)["test_number"] == 1  # what came before the error stays
    assert captured.notes and "AttributeError" in captured.notes[0]
    asked = graded(source, tmp_path / "asked", number="answer = int(input('A number: '))")
    assert "nobody answers input() while a notebook is graded" in asked.notes[0]


def test_line_ends_of_windows(source, tmp_path):
    text = "%load_ext autoreload\r\n%time answer = 42\r\nwords = '''\r\n!'''\r\nanswer += len(words) - 2\r\n"
    grade = graded(source, tmp_path, number=text)
    assert points(grade)["test_number"] == 1 and not grade.notes


def test_imports_are_seen_behind_magics(source, tmp_path):
    text = "%%time\nfrom bertlib.attention import padding_mask\n%time import bertlib.masking\nanswer = 42"
    grade = graded(source, tmp_path, number=text)
    told = "imports bertlib.attention, bertlib.masking: look whether that is the answer itself"
    assert grade.notes == [told]
    flooded = grade_submission(source, handed_in(tmp_path / "b", extra=["{}['a']"] * 30, number=text), limits=QUICK)
    assert flooded.notes[0] == "cell before given, 1: KeyError: 'a' (<cell before given, 1>, line 1)"
    assert len(flooded.notes) == grading.MOST_NOTES + 1 and flooded.notes[-1] == told


def test_a_timeit_takes_no_time(source, tmp_path):
    """Jupyter runs it eight times and more; nobody reads the figures here."""
    text = "import time\n%timeit time.sleep(1)\n%timeit -n 4 -r 3 time.sleep(1)\nanswer = 42"
    assert points(graded(source, tmp_path, number=text))["test_number"] == 1  # within 3 seconds


@linux
def test_no_magic_starts_a_program_or_leaves_the_folder(source, tmp_path):
    """Whatever a magic is asked to do, the process's own limits hold: they are not the shell's to give."""
    kept, touched = tmp_path / "kept.txt", tmp_path / "touched"
    kept.write_text("secret", encoding="utf-8")
    attempts = [
        f"!touch {touched}",
        f"%%bash\ntouch {touched}",
        f"%%writefile {touched}\nx",
        "from IPython.core.interactiveshell import InteractiveShell\n"
        f"InteractiveShell.system_raw(get_ipython(), 'touch {touched}')",
        "from IPython.core.magics.script import ScriptMagics\n"
        f"ScriptMagics(get_ipython()).shebang('sh', 'touch {touched}')",
        f"%run {kept}",
        f"%load {kept}",
        f"%cd {tmp_path}\nstolen = open('kept.txt').read()",
    ]
    path = handed_in(tmp_path, extra=attempts, number="answer = 42 if 'stolen' not in globals() else 0")
    grade = grade_submission(source, path, limits=Limits(cell_seconds=10, seconds=60, memory=1024))
    assert points(grade)["test_number"] == 1 and not touched.exists()
    assert sum("PermissionError" in note for note in grade.notes) >= 3, grade.notes


def test_a_test_with_magics_is_the_teachers_to_mend(tmp_path):
    """otter-grader 756: tests are no notebook's cells."""
    wanted = [cell("n", "n = ...", solution=True), graded_cell("t", "%%capture\nassert n == 1", 1)]
    for name, cells in (("task.ipynb", wanted), ("theirs.ipynb", [cell("n", "n = 1", solution=True), wanted[1]])):
        (tmp_path / name).write_text(json.dumps(notebook(*cells)), encoding="utf-8")
    with pytest.raises(ValueError, match=r"the test 't' is not plain Python \(line 1.*without magics"):
        grade_submission(tmp_path / "task.ipynb", tmp_path / "theirs.ipynb", limits=QUICK)


def test_given_cells_may_have_magics(tmp_path):
    """They run on both sides; nothing of the shell's runs on either, and nothing of it stands in the feedback."""
    given = f"%matplotlib inline\n!touch {tmp_path / 'touched'}\n%time LIMIT = 5\ndisplay(LIMIT)\nwords = '''\n!x'''"
    wanted = [
        cell("given", given, locked=True),
        cell("n", "n = ...", solution=True),
        graded_cell("t", "assert n == LIMIT + len(words)", 1),
    ]
    theirs = [wanted[0], cell("n", "n = LIMIT + len(words)", solution=True), wanted[2]]
    for name, cells in (("task.ipynb", wanted), ("theirs.ipynb", theirs)):
        (tmp_path / name).write_text(json.dumps(notebook(*cells)), encoding="utf-8")
    main = sys.modules["__main__"]
    grade = grade_submission(tmp_path / "task.ipynb", tmp_path / "theirs.ipynb", limits=QUICK)
    assert grade.points == 1 and not grade.notes and not (tmp_path / "touched").exists()
    assert sys.modules["__main__"] is main


def test_what_a_submission_sends_of_itself_is_not_trusted():
    nasty = ["a\x1b[2J", 5, None, ["x"], "b" * 999, *"c" * 99]
    assert grading.texts(nasty)[:2] == ["a\ufffd[2J", "b" * 100] and len(grading.texts(nasty)) <= grading.MOST_NOTES
    assert grading.texts("abc") == grading.texts(None) == grading.texts({"a": 1}) == []


# ------------------------------------------------------------------------------------ what a student can read of ours


COURSE = Path(grading.__file__).parents[1]
KEPT = [str(path) for folder in ("checks", "classroom") for path in (COURSE / folder).rglob("*.py*")]
THEMES = [path.stem for path in (COURSE / "checks").glob("*.py") if path.stem not in ("__init__", "engine")]


@linux
def test_checks_are_a_stand_in_and_their_files_are_closed(source, tmp_path):
    """Under both of their names, however they are imported; neither file nor module gives a reference away."""
    assert len(KEPT) > 15 and len(THEMES) > 10
    looks = f"""
import importlib, os, sys
import bertcourse.checks, bertlib.checks
import bertcourse.checks as one
import bertlib.checks as other
from bertcourse import checks
from bertcourse.checks import check, example, examine, question
from bertlib.checks import check as old
same = one is checks is bertcourse.checks and other is bertlib.checks and check is one.check and old is other.check
found = [] if same and check.__module__ == old.__module__ == "bertcourse.classroom.submission" else ["another"]
found += [name for name in ("find", "checks_of", "THEMES", "__path__") for at in (one, other) if hasattr(at, name)]

def attempt(what, action):
    try:
        action()
        found.append(what)
    except (ImportError, OSError):
        pass

for path in {KEPT!r}:
    attempt(path, lambda: open(path, "rb").read(1))
for folder in ("checks", "classroom"):
    attempt(folder, lambda: os.listdir(os.path.join(os.path.dirname(bertcourse.__file__), folder)))
for theme in {THEMES!r}:
    attempt(theme, lambda: importlib.import_module("bertcourse.checks." + theme))
for name in ("bertcourse.checks", "bertlib.checks"):
    sys.modules.pop(name)
for theme in {THEMES!r}:
    attempt(theme, lambda: importlib.import_module("bertcourse.checks." + theme))
attempt("grading", lambda: importlib.import_module("bertcourse.classroom.grading"))
attempt("the door", lambda: importlib.import_module("bertlib.checks").find)
assert not found, found
answer = 42
"""
    grade = graded(source, tmp_path, number=looks)
    assert points(grade)["test_number"] == 1, grade.notes


@linux
def test_the_whole_library_can_be_imported_inside(source, tmp_path):
    """When a cell asks for it: its files are readable, and none needs what is refused."""
    root = COURSE.parent
    paths = [path.relative_to(root).with_suffix("") for path in sorted((root / "bertlib").rglob("*.py"))]
    names = [".".join(path.parts).removesuffix(".__init__") for path in paths if path.stem != "__main__"]
    assert {"bertlib", "bertlib.text", "bertlib.tasks.tag", "bertlib.data.catalog"} <= set(names)
    asks = f"""
import importlib
for name in {names!r}:
    importlib.import_module(name)
from bertlib.data import from_csv
from bertlib.attention import scaled_dot_product_attention
import bertcourse.figures, bertcourse.plots, bertcourse.profile, bertcourse.views
answer = 42
"""
    grade = graded(source, tmp_path, limits=Limits(cell_seconds=90, seconds=150, memory=2048), number=asks)
    assert points(grade)["test_number"] == 1, (grade.notes, [one.message for one in grade.cells])
