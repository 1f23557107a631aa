"""`make course` leaves out what passed and has not changed since; whatever it rests on makes it run again."""

import json
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from bertcourse import run
from bertcourse.figures import MIME
from bertcourse.run import LessonResult, foundations, key_of, passed_before, remember, run_course

FIGURE = {"name": "accuracy", "value": "0.95", "low": "0.9", "high": "1.0", "unit": ""}


def write_lesson(path, source="x = 1", **more):
    output = nbformat.v4.new_output("display_data", data={"text/plain": "✓", MIME: FIGURE})
    cells = [new_markdown_cell("# A lesson", id="a"), new_code_cell(source, id="b", outputs=[output], **more)]
    nbformat.write(new_notebook(cells=cells), path)
    return path


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A folder with one lesson, and a run without a kernel: it copies the lesson, and fails as `course.error` says."""

    class Course:
        folder, build, runs, error = tmp_path / "notebooks", tmp_path / "build", [], ""

        def run(self, **options):
            self.runs.clear()
            return run_course(self.folder, self.build, **options), list(self.runs)

    course = Course()
    course.folder.mkdir()
    write_lesson(course.folder / "01_one.ipynb")

    def run_lesson(lesson, build):
        course.runs.append(lesson.stem)
        for path in (build / "notebooks" / lesson.name, build / "html" / f"{lesson.stem}.html"):
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(lesson, path)
        return LessonResult(lesson.stem, 12.0, error=course.error)

    monkeypatch.setattr(run, "run_lesson", run_lesson)
    return course


def test_what_passed_is_not_run_again_and_the_table_says_so(course, capsys):
    assert course.run() == (0, ["01_one"])
    assert "not run again" not in capsys.readouterr().out
    assert course.run() == (0, [])
    said = capsys.readouterr().out
    assert "nothing changed since it passed on 20" in said and "FORCE=1" in said
    assert any(line.split()[:4] == ["01_one", "12", "accuracy", "0.95"] for line in said.splitlines()), said
    assert "1 of 1 lessons went through, in 0.0 minutes" in said
    assert course.run(force=True) == (0, ["01_one"])


def test_what_failed_is_run_again_and_forgets_that_it_passed(course):
    course.run()
    course.error = "cell 2 failed"
    assert course.run(force=True) == (1, ["01_one"])
    assert course.run() == (1, ["01_one"])
    course.error = ""
    assert course.run() == (0, ["01_one"])
    assert course.run() == (0, [])


@pytest.mark.parametrize("lost", ["notebooks/01_one.ipynb", "html/01_one.html", "passed.json"])
def test_what_is_gone_is_made_again(course, lost):
    course.run()
    (course.build / lost).unlink()
    assert course.run() == (0, ["01_one"])


@pytest.mark.parametrize("lost", ["notebooks/01_one.ipynb", "passed.json"])
def test_what_cannot_be_read_is_made_again(course, lost):
    course.run()
    (course.build / lost).write_text("[1", encoding="utf-8")
    assert course.run() == (0, ["01_one"])


def test_sources_count_and_outputs_do_not(course):
    path = course.folder / "01_one.ipynb"
    course.run()
    write_lesson(path, execution_count=7, metadata={"tags": ["x"]})
    assert course.run() == (0, [])
    write_lesson(path, "x = 2")
    assert course.run() == (0, ["01_one"])


SETTINGS = [("BERT_COURSE_PROFILE", "full"), ("BERT_COURSE_REHEARSAL", "300"), ("BERT_COURSE_BANDS", "shown")]


@pytest.mark.parametrize("name, value", [*SETTINGS, ("BERT_COURSE_ENCODER", "owner/name@1")])
def test_another_setting_is_another_run(course, monkeypatch, name, value):
    course.run()
    monkeypatch.setenv(name, value)
    assert course.run() == (0, ["01_one"])


# ------------------------------------------------------------------------------------------------- what it rests on


@pytest.fixture
def root(tmp_path):
    """A small copy of a course, known to git but for one file of data."""
    for name in ("bertlib/a.py", "bertcourse/tools/b.py", "data/c.txt", "requirements.txt", "README.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("numpy==1.0\n" if name == "requirements.txt" else name, encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "--all"], cwd=tmp_path, check=True)
    (tmp_path / "data" / "own.txt").write_text("not committed", encoding="utf-8")
    return tmp_path


def changed(root, before):
    after = foundations(root)
    return {name for name in after if after[name] != before[name]}


@pytest.mark.parametrize(
    "name, part",
    [
        ("bertlib/a.py", {"library"}),
        ("bertcourse/tools/b.py", {"library"}),
        ("bertcourse/new.py", {"library"}),
        ("data/c.txt", {"data"}),
        ("data/own.txt", set()),
        ("README.md", set()),
    ],
)
def test_each_file_counts_where_it_should(root, name, part):
    before = foundations(root)
    assert changed(root, before) == set()
    (root / name).write_text("other", encoding="utf-8")
    assert changed(root, before) == part


def test_a_file_that_was_renamed_counts(root):
    before = foundations(root)
    (root / "bertlib" / "a.py").rename(root / "bertlib" / "z.py")
    assert changed(root, before) == {"library"}


def test_a_copy_without_history_counts_all_its_data(root):
    shutil.rmtree(root / ".git")
    before = foundations(root)
    (root / "data" / "c.txt").write_text("other", encoding="utf-8")
    assert changed(root, before) == {"data"}


def test_installed_versions_count(root, monkeypatch):
    before = foundations(root)
    monkeypatch.setattr("importlib.metadata.version", lambda name: "99")
    assert changed(root, before) == {"versions"}


def test_an_encoder_of_ones_own_counts_by_its_files(root, monkeypatch):
    weights = root / "mine" / "model.safetensors"
    weights.parent.mkdir()
    weights.write_text("1", encoding="utf-8")
    monkeypatch.setenv("BERT_COURSE_ENCODER", str(weights.parent))
    before = foundations(root)
    weights.write_text("2", encoding="utf-8")
    assert changed(root, before) == {"encoder"}


def test_each_part_is_in_the_key(root, tmp_path):
    lesson, shared = write_lesson(tmp_path / "01_one.ipynb"), foundations(root)
    keys = {key_of(lesson, shared | {name: "other"}) for name in shared} | {key_of(lesson, shared)}
    assert len(keys) == len(shared) + 1 == 6


def test_names_and_contents_do_not_run_into_each_other():
    assert run.digest_of([("a", b"bc")]) != run.digest_of([("ab", b"c")])
    assert run.digest_of([("a", b"1"), ("b", b"2")]) == run.digest_of([("b", b"2"), ("a", b"1")])


def test_the_record_keeps_the_other_lessons(tmp_path):
    remember(LessonResult("01_a", 1.0), tmp_path, "k1")
    remember(LessonResult("02_b", 2.0), tmp_path, "k2")
    remember(LessonResult("01_a", 3.0, error="no"), tmp_path, "k3")
    record = json.loads((tmp_path / "passed.json").read_text(encoding="utf-8"))
    assert {name: entry["key"] for name, entry in record.items()} == {"02_b": "k2"}
    assert [path.name for path in tmp_path.iterdir()] == ["passed.json"]
    assert passed_before(Path("02_b.ipynb"), tmp_path, "k2") is None, "there is no copy of it"
