"""The class grader: grades as they should be, whatever a submission does, and nothing left behind."""

import contextlib
import csv
import json
import os
import socket
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from bertlib import grading
from bertlib.grading import Limits, grade_class, grade_submission
from bertlib.wire import WireError, carry_back, decode, encode

linux = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and namespaces are Linux's")
QUICK = Limits(cell_seconds=3, seconds=25, memory=1024)

GIVEN = "import math\n\nimport numpy as np\nimport torch\n\nfrom bertlib.checks import check\n"
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
    mine = [p for p in Path("/proc").glob("[0-9]*") if b"bertlib.submission" in _command(p)]
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
    lambda: subprocess.run(["true"]),
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
    grade = graded(source, tmp_path, norm=hoard, number=flood)
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
    """A Python whose bertlib.submission cannot leave the network."""
    path = folder / "python"
    path.write_text(
        f"#!{sys.executable}\nimport sys\n"
        "sys.argv = [sys.argv[0], *sys.argv[4:]]\nsys.path.insert(0, sys.argv.pop(1))\n"
        "import bertlib.submission as submission\nsubmission.cut_network = lambda: False\nsubmission.main()\n",
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
    cheated = grade("from bertlib.attention import attention_scores\nn = LIMIT = CLASS = 0", 2)
    assert cheated.points == 0 and "graded as one of class 2" in "".join(cheated.notes)
    assert "imports bertlib.attention" in "".join(cheated.notes)
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
    for value in (object(), lambda: 1, torch.ones(1, dtype=torch.complex64), np.array([None]), deep):
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
