"""The assignments: what students get holds no answers, and runs; right answers get all points, wrong ones their due."""

import ast
import csv
import io
import json
import os
import re
import sys
from contextlib import redirect_stdout
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from lesson_size import exercises_in

from bertcourse import __main__ as shell
from bertcourse import publish
from bertcourse.checks import cases_from, examine, find, question, question_rng
from bertcourse.classroom.assignments import build, release, sources_in, without_solution
from bertcourse.classroom.grading import Limits, grade_submission
from bertlib.device import seed_everything

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "notebooks" / "assignments" / "source"
if not SOURCE.is_dir():
    pytest.skip("this copy is for students and has no sources", allow_module_level=True)
SOURCES = sources_in(SOURCE)
transform = TransformerManager().transform_cell
LIMITS = Limits(cell_seconds=10, seconds=100, memory=1024)
NUMBER = re.compile(r'question\("([\w.]+)", variant=CLASS\)')


def read(path):
    return nbformat.read(path, as_version=4)


def about(cell):
    return cell.metadata.get("nbgrader", {})


def graded_by_tests(notebook):
    return [cell for cell in notebook.cells if about(cell).get("grade") and cell.cell_type == "code"]


def written_in(notebook):
    return [cell for cell in notebook.cells if about(cell).get("grade") and cell.cell_type == "markdown"]


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("releases")
    assert shell.main(["assignments", "--sources", str(SOURCE), "--out", str(folder), "--class", "1"]) == 0
    return folder


# ------------------------------------------------------------------------------------------------------- the sources


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_is_complete(name):
    notebook = read(SOURCES[name])
    nbformat.validate(notebook)
    title, colab = notebook.cells[0].source, notebook.cells[1].source
    assert colab == publish.CELL.format(address=publish.HOST + publish.published(ROOT))
    names = [about(cell)["grade_id"] for cell in notebook.cells if about(cell)]
    assert len(names) == len(set(names)) and all(
        cell.id == about(cell)["grade_id"] for cell in notebook.cells if about(cell)
    )
    automatic = sum(about(cell)["points"] for cell in graded_by_tests(notebook))
    (written,) = written_in(notebook)
    total = automatic + about(written)["points"]
    assert f"**Points:** {total}, of which {automatic} are given by tests" in title
    assert re.search(r"\*\*Working time:\*\* about \d+ minutes", title) and re.search(r"lessons? \d\d", title)
    before = notebook.cells[notebook.cells.index(written) - 1].source
    rubric = [int(points) for points in re.findall(r"^\| (\d+) \|", before, re.MULTILINE)]
    assert sum(rubric) == about(written)["points"] and len(rubric) >= 2
    assert len(graded_by_tests(notebook)) >= 6 and NUMBER.search("\n".join(cell.source for cell in notebook.cells))
    for cell in graded_by_tests(notebook):
        visible = without_solution(cell.source)
        assert "### BEGIN HIDDEN TESTS" in cell.source and about(cell)["points"] <= 4
        assert "assert" not in visible and re.search(r"\b(check|example)\(", visible), "what students see only tells"
        last = ast.parse(cell.source).body[-1]
        assert not isinstance(last, ast.Expr), "nbgrader takes a last value for points: False and nan for all of them"
    assert not any(cell.get("outputs") for cell in notebook.cells)
    assert "Answer" not in title  # nothing to be read there


def test_there_are_six():
    assert len(SOURCES) >= 6


def test_each_class_has_its_own_numbers():
    for name, path in SOURCES.items():
        texts = "\n".join(cell.source for cell in read(path).cells)
        for asked in NUMBER.findall(texts):
            assert len({question(asked, variant=number) for number in range(1, 9)}) >= 4, f"{name}: {asked}"
            public = [find(asked).solve(question_rng(asked, number)) for number in (0, 1)]
            for number in range(2, 30):  # 0 and 1 are public: neither lesson nor source may answer a class's question
                for answer in public:
                    assert not examine(asked, answer, variant=number).passed, f"{asked}: class {number}"


# Answers that are wrong in a plausible way: a piece of the worked solution, and what stands in its place.
FAULTS = [
    ("attention", "multi-test", ".masked_fill(~mask, 0.0)", ""),
    ("attention", "multi-test", "scores.softmax(dim=-1).masked_fill(~mask, 0.0)",
     "scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)"),
    ("encoder", "cosine-test", "fill_diagonal_(-2.0)", "fill_diagonal_(0.0)"),
    ("encoder", "cosine-test", "unit = vectors / vectors.norm(dim=-1, keepdim=True)", "unit = vectors"),
    ("wordpiece_and_mlm", "fertility-test", ") / len(words)", ") // len(words)"),
    ("wordpiece_and_mlm", "fertility-test", "return sum(", "return 2.0 if words else sum("),
    ("wordpiece_and_mlm", "whole-test", "rng.random(words)", "np.random.random(words)"),
    ("pretraining", "build-test", "if sentence != following", ""),
    ("pretraining", "build-test", "    return pairs", "    rng.shuffle(pairs)\n    return pairs"),
    ("news_classification", "calibration-test", "int(one * bins)", "math.ceil(one * bins) - 1"),
    ("news_classification", "compare-test", "max(one, other)", "one"),
    ("named_entities", "back-test", "if word is not None and word not in seen:", "if word is not None:"),
    ("named_entities", "errors-test", "if f < end and first < e", "if f <= first < e or f < end <= e"),
]  # fmt: skip
# Others that are right.
SPARES = [
    ("wordpiece_and_mlm", "select-test", "torch.from_numpy(rng.random(tuple(ids.shape)) < share) & ~special",
     "(rng.random(tuple(ids.shape)) < share) & ~special.numpy()"),
    ("wordpiece_and_mlm", "whole-test", "return [word is not None and bool(chosen[word]) for word in word_ids]",
     "return np.array([word is not None and bool(chosen[word]) for word in word_ids])"),
]  # fmt: skip


def passes_with(name, grade_id, old, new):
    """Whether the cell still passes once a piece of the worked solution above it is another."""
    cells = [cell for cell in read(SOURCES[name]).cells if cell.cell_type == "code"]
    place = next(i for i, cell in enumerate(cells) if about(cell).get("grade_id") == grade_id)
    assert cells[place - 1].source.count(old) == 1, "the worked solution is another now"
    cells[place - 1].source = cells[place - 1].source.replace(old, new)
    names = {"__name__": "__main__"}
    with redirect_stdout(io.StringIO()), cases_from(0):
        for cell in cells[:place]:
            exec(compile(transform(cell.source), f"<{name}, {cell.id}>", "exec"), names)
        seed_everything(0)
        try:
            exec(compile(transform(cells[place].source), f"<{name}, {grade_id}>", "exec"), names)
        except Exception:
            return False
    return True


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault[1]}-{fault[3][:20]}")
def test_a_wrong_answer_gets_no_points(fault):
    name, grade_id, *_ = fault
    assert not passes_with(*fault)
    assert passes_with(name, grade_id, "### END SOLUTION", "### END SOLUTION")


@pytest.mark.parametrize("other", SPARES, ids=lambda other: other[1])
def test_a_right_answer_in_other_words_gets_them(other):
    assert passes_with(*other)


# ------------------------------------------------------------------------------------------------------ the releases


@pytest.mark.parametrize("name", SOURCES)
def test_its_exercises_say_how_long_and_how_hard_they_are_and_fill_the_working_time(name):
    title, *texts = [cell.source for cell in read(SOURCES[name]).cells if cell.cell_type == "markdown"]
    found = [exercise for text in texts for exercise in exercises_in(text)]
    assert [exercise.number for exercise in found] == list(range(1, len(found) + 1)) and len(found) >= 6
    assert not any(re.search(r"^## \d", text, re.MULTILINE) for text in texts), "an older heading, without minutes"
    promised = int(re.search(r"\*\*Working time:\*\* about (\d+) minutes", title)[1])
    assert 0.9 * promised <= sum(exercise.minutes for exercise in found) <= promised


@pytest.mark.parametrize("name", SOURCES)
def test_it_ends_with_five_questions_which_no_one_grades(name):
    last = read(SOURCES[name]).cells[-1]
    assert last.id == "questions" and not about(last)
    assert last.source.count("<details>") >= 15 and last.source.count("✓ Right.") == 5


@pytest.mark.parametrize("name", SOURCES)
def test_a_release_holds_no_answer(name, releases):
    source, made = read(SOURCES[name]), read(releases / name / f"{name}.ipynb")
    nbformat.validate(made)
    assert [cell.id for cell in made.cells] == [cell.id for cell in source.cells]
    text = "\n".join(cell.source for cell in made.cells)
    assert (
        "### " not in re.sub(r"^#+ .*$", "", text, flags=re.MULTILINE) and "HIDDEN" not in text and "BEGIN" not in text
    )
    for one, other in zip(source.cells, made.cells, strict=True):
        assert about(one) == about(other)
        hidden = re.findall(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END", one.source, re.DOTALL)
        for line in "\n".join(hidden).splitlines():
            assert len(line.strip()) < 12 or line.strip() not in other.source or line in without_solution(one.source), (
                line
            )
        if not about(one).get("solution"):
            assert other.source == without_solution(one.source).strip("\n")
        if about(one).get("locked"):
            assert other.metadata["editable"] is False and other.metadata["deletable"] is False
    assert release(source) == release(source) and read(SOURCES[name]) == source


@pytest.mark.parametrize("name", SOURCES)
def test_a_release_runs_before_anything_is_written(name, releases):
    made, names, printed = read(releases / name / f"{name}.ipynb"), {"__name__": "__main__"}, io.StringIO()
    with redirect_stdout(printed):
        for cell in made.cells:
            if cell.cell_type == "code":
                exec(compile(transform(cell.source), f"<{name}, {cell.id}>", "exec"), names)
    told = printed.getvalue()
    assert told.count("not written yet") >= len(graded_by_tests(made)) and "✗" not in told and "✓" not in told


def test_a_release_for_another_class(tmp_path):
    build(ROOT / "notebooks/assignments/source", tmp_path, 7)
    one = read(tmp_path / "encoder" / "encoder.ipynb")
    assert "CLASS = 7 " in "\n".join(cell.source for cell in one.cells)
    with pytest.raises(ValueError, match="variant is 0: give the class a number from 1 on"):
        build(ROOT / "notebooks/assignments/source", tmp_path, 0)
    with pytest.raises(FileNotFoundError, match="give the folder of the assignments' sources"):
        build(tmp_path / "nowhere", tmp_path)


@pytest.mark.parametrize(
    "broken", ["### BEGIN SOLUTION\nx", "### END SOLUTION", "### BEGIN SOLUTION\n### END HIDDEN TESTS"]
)
def test_marks_without_a_counterpart_are_found(broken):
    with pytest.raises(ValueError, match="has no counterpart"):
        without_solution(broken)


def test_nbgrader_makes_the_same_of_the_sources():
    """Where nbgrader is installed: pip install nbgrader==0.9.6."""
    pytest.importorskip("nbgrader")
    from nbgrader.preprocessors import ClearHiddenTests, ClearSolutions, LockCells

    stubs = {"code_stub": {"python": "# your code here\n..."}, "text_stub": "*Your answer here.*"}
    config = (ROOT / "notebooks/assignments/nbgrader_config.py").read_text(encoding="utf-8")
    assert all(repr(text).strip("'") in config for text in ("# your code here\n...", "*Your answer here.*"))
    for path in SOURCES.values():
        theirs, resources = read(path), {}
        for step in (LockCells(), ClearSolutions(**stubs), ClearHiddenTests()):
            theirs, resources = step.preprocess(theirs, resources)
        ours = release(read(path))["cells"]
        assert [cell.source for cell in theirs.cells] == [cell["source"] for cell in ours]


# --------------------------------------------------------------------------------------------------------- the grader


@pytest.mark.parametrize("name", [name for name in SOURCES if name != "attention"])  # that one is graded below
def test_all_points_for_right_answers_and_none_for_none(name, releases):
    possible = sum(about(cell)["points"] for cell in graded_by_tests(read(SOURCES[name])))
    for submitted, wanted in ((SOURCES[name], possible), (releases / name / f"{name}.ipynb", 0)):
        grade = grade_submission(SOURCES[name], submitted, limits=LIMITS)
        assert grade.points == wanted and grade.notes == [], grade
    messages = {cell.grade_id: cell.message for cell in grade.cells}
    assert messages.pop("written") == "not answered"
    assert all("not written yet" in message for message in messages.values()), messages


def test_the_numbers_of_another_class_are_right_in_that_class_alone(tmp_path):
    path = SOURCES["encoder"]
    notebook = read(path)
    notebook.cells = [
        cell for cell in notebook.cells if about(cell).get("grade_id", "").startswith(("given", "parameters"))
    ]
    (tmp_path / "encoder.ipynb").write_text(nbformat.writes(notebook), encoding="utf-8")
    for cell in notebook.cells:
        if cell.id == "parameters":
            cell.source = f"my_parameters = {find('encoder.parameters').solve(question_rng('encoder.parameters', 2))}"
    (tmp_path / "answer.ipynb").write_text(nbformat.writes(notebook), encoding="utf-8")
    ours, other = (
        grade_submission(tmp_path / "encoder.ipynb", tmp_path / "answer.ipynb", limits=LIMITS, variant=number)
        for number in (2, 3)
    )
    assert ours.points == 2 and other.points == 0 and "was graded as one of class 3" in other.notes[0]


WINDOW = "def my_window_mask(length, reach):\n    "
SPY = """
import glob, os
from pathlib import Path
places = [{places}, f"/proc/{{os.getppid()}}/mem", f"/proc/{{os.getppid()}}/environ", os.path.expanduser("~")]
places += [str(path / "*") for path in Path.cwd().parents]
found = 0
for place in places:
    for path in [place, *glob.glob(place), *glob.glob(place + "/**/*.ipynb", recursive=True)]:
        try:
            found += len(open(path, "rb").read(1 << 20)) > 0
        except OSError:
            pass
raise RuntimeError(f"read {{found}} files")
"""


def hand_in(folder, student, notebook, **cells):
    notebook = json.loads(json.dumps(notebook))
    for cell in notebook["cells"]:
        cell["source"] = cells.get(cell["id"], cell["source"])
    path = folder / student / "attention.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")


@pytest.fixture(scope="module")
def a_class(releases, tmp_path_factory):
    """Six submissions of a real assignment, graded once from the shell."""
    folder, out = tmp_path_factory.mktemp("class"), tmp_path_factory.mktemp("grades")
    right, empty = read(SOURCES["attention"]), read(releases / "attention" / "attention.ipynb")
    places = ", ".join(repr(str(place)) for place in (SOURCES["attention"], ROOT / "notebooks", folder))
    hand_in(folder, "perfect", right)
    wrong = {"join": "def my_join_heads(heads):\n    return heads.flatten(2)", "deviation": "my_deviation = 3.0"}
    hand_in(
        folder, "half", right, multi="def my_multi_head(hidden, weights, num_heads, mask):\n    ...", waste="", **wrong
    )
    hand_in(folder, "empty", empty)
    hand_in(folder, "crashing", right, scores="1 / 0", window=WINDOW + "import os\n    os._exit(1)")
    hand_in(folder, "looping", right, split="def my_split_heads(hidden, num_heads):\n    while True:\n        pass")
    hoard = "hoard = []\n    while True:\n        hoard.append(torch.empty(2**27))"
    hand_in(folder, "eating", right, window=WINDOW + hoard)
    hand_in(folder, "spying", empty, weight=SPY.format(places=places))
    (folder / "manual.csv").write_text(
        "student,assignment,grade_id,points,comment\nperfect,attention,written,5,no test named\n", encoding="utf-8"
    )
    printed = io.StringIO()
    sources = ["--sources", str(SOURCE), "--class", "1"]  # the sources' own answers are of class 1
    with redirect_stdout(printed):
        limits = ["--cell-seconds", "6", "--memory", "1024", "--seconds", "150"]
        assert shell.main(["grade", str(folder), "--out", str(out), *sources, *limits]) == 0
    rows = list(csv.DictReader((out / "grades.csv").open(encoding="utf-8")))
    return {row["student"]: row for row in rows if row["grade_id"] == "total"}, rows, out, printed.getvalue()


def test_a_class_of_six_and_one_more(a_class):
    totals, _, _, _ = a_class
    assert {student: float(row["points"]) for student, row in totals.items()} == {
        "perfect": 16 + 5,
        "half": 2 + 2 + 3 + 1,
        "empty": 0,
        "crashing": 2 + 2 + 3,  # multi-head attention needs the scores
        "looping": 2 + 2 + 3 + 3,
        "eating": 13,
        "spying": 0,
    }
    assert totals["half"]["waiting"] == "6" and totals["perfect"]["waiting"] == "0"
    assert all(float(row["seconds"]) < 150 for row in totals.values())


def test_its_table_and_feedback_say_why(a_class):
    totals, rows, out, printed = a_class
    why = {(row["student"], row["grade_id"]): row["note"] for row in rows}
    assert "ran longer than 6 seconds" in why["looping", "split-test"]
    assert "ended" in why["crashing", "window-test"] and "emory" in why["eating", "window-test"]
    assert "ZeroDivisionError" in totals["crashing"]["note"]
    assert "expected 4, came 2" in why["half", "join-test"]
    assert why["perfect", "written"] == "no test named"
    for student in totals:
        page = (out / "feedback" / student / "attention.html").read_text(encoding="utf-8")
        assert f"{float(totals[student]['points']):g} of 22 points" in page
        assert "masked_fill" not in page and "torch.cat" not in page, "a solution or a hidden test"
    assert "grades.csv" in printed


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere files cannot be shut off")
def test_the_grader_and_its_files_are_not_reached(a_class):
    totals, _, _, printed = a_class
    assert "read 0 files" in totals["spying"]["note"]
    assert "in force: files, limits, network, processes" in printed
    assert not [entry for entry in os.listdir("/proc") if entry.isdigit() and _runs_a_submission(entry)]


def _runs_a_submission(process):
    try:
        return b"bertcourse.classroom.submission" in Path("/proc", process, "cmdline").read_bytes()
    except OSError:
        return False
