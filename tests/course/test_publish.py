"""bertcourse/publish.py: link and cell in every lesson, the address everywhere, and nothing else touched."""

import json
import shutil
from pathlib import Path

import nbformat
import pytest

from bertcourse import publish
from bertcourse.__main__ import main
from bertcourse.lessons import lessons_in

ROOT = Path(__file__).resolve().parents[2]
LESSONS = lessons_in(ROOT / "notebooks")
FILES = ("pyproject.toml", "README.md", "CITATION.cff", "colab", "book", "notebooks")


@pytest.fixture
def copy(tmp_path):
    """What `publish` works on: of the notebooks two, beside an assignment."""
    for name in FILES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("*.ipynb", "__pycache__"))
        else:
            shutil.copyfile(source, tmp_path / name)
    for lesson in LESSONS[:2]:
        shutil.copyfile(lesson, tmp_path / "notebooks" / lesson.name)
    cells = [nbformat.v4.new_markdown_cell("# An assignment\n\nText."), nbformat.v4.new_code_cell("1 + 1")]
    assignment = tmp_path / "notebooks" / "assignments" / "source" / "one" / "one.ipynb"
    assignment.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), assignment)
    return tmp_path


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_lesson_carries_the_link_and_the_same_cell(tmp_path):
    """A lesson that lacks them: make publish REPO=…, with the address in pyproject.toml, puts them in."""
    repo = publish.published()
    for lesson in LESSONS:
        path = shutil.copyfile(lesson, tmp_path / lesson.name)
        assert publish.stamp_notebook(path, repo, f"notebooks/{lesson.name}") == "", lesson.name
        assert path.read_bytes() == lesson.read_bytes()


def test_the_readme_opens_every_lesson_in_colab():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for lesson in LESSONS:
        assert f"({publish.COLAB}{publish.published()}/blob/main/notebooks/{lesson.name})" in readme


def test_a_copy_is_stamped_and_stamped_again_and_back(copy):
    first = publish.published(copy)
    publish.publish(first, copy)  # whatever had no cell before has one now
    before = contents(copy)
    changed = publish.publish("ada/bert-course", copy)
    assert {"pyproject.toml", "README.md", f"notebooks/{LESSONS[0].name}"} <= set(changed)
    assert set(changed.values()) == {"stamped"}
    assert publish.published(copy) == "ada/bert-course"
    for path, content in contents(copy).items():
        if path.suffix != ".py":
            assert f"github.com/{first}".encode() not in content, path
            assert f"google.com/github/{first}".encode() not in content, path
    assert publish.publish("ada/bert-course", copy) == {}
    publish.publish("ada/bert-course.2", copy)  # one name begins like the other
    publish.publish(first, copy)
    assert contents(copy) == before


def test_outputs_counts_and_ids_stay_as_they_are(copy):
    def rest(path):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return [cell for cell in cells[1:] if cell["id"] != publish.CELL_ID]

    paths = [copy / "notebooks" / lesson.name for lesson in LESSONS[:2]]
    before = [rest(path) for path in paths]
    publish.publish("ada/bert-course", copy)
    assert [rest(path) for path in paths] == before


def test_a_new_notebook_gets_link_and_cell(tmp_path):
    cells = [nbformat.v4.new_markdown_cell("# 10 · New\n\nText."), nbformat.v4.new_code_cell("start_lesson()")]
    path = tmp_path / "10_new.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    assert publish.stamp_notebook(path, "ada/bert-course", "notebooks/10_new.ipynb") == "to be executed"
    title, cell, own = nbformat.read(path, as_version=4).cells
    link = f"[Open in Colab]({publish.COLAB}ada/bert-course/blob/main/notebooks/10_new.ipynb)"
    assert title.source == f"# 10 · New\n\n{link}\n\nText."
    assert (cell.id, cell.execution_count, own.source) == (publish.CELL_ID, None, "start_lesson()")
    assert '"https://github.com/ada/bert-course"' in cell.source
    assert publish.stamp_notebook(path, "ada/bert-course", "notebooks/10_new.ipynb") == ""


def test_students_are_sent_no_link_to_a_source_with_solutions(copy):
    path = copy / "notebooks" / "assignments" / "source" / "one" / "one.ipynb"
    assert publish.publish("ada/bert-course", copy)["notebooks/assignments/source/one/one.ipynb"] == "to be executed"
    title, cell, _ = nbformat.read(path, as_version=4).cells
    assert "colab" not in title.source.lower()
    assert cell.id == publish.CELL_ID


WRONG = (None, "", "ada", "https://github.com/ada/x", "ada/x/y", "ada/x.git", "a da/x", "-a/x")


@pytest.mark.parametrize("repo", WRONG)
def test_what_is_no_owner_and_name_is_refused(repo, monkeypatch, capsys):
    monkeypatch.setattr(publish, "published", None)  # nothing is read or written before the name is found good
    assert main(["publish", *([] if repo is None else ["--", repo])]) == 2
    assert "owner/name" in capsys.readouterr().err
