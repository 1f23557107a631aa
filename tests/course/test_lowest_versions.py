"""The lower bounds of pyproject.toml are those with which the lessons ran, and what the tool does that tries them."""

import json
import subprocess
import sys
from pathlib import Path

import lowest_versions
import nbformat
import pytest
from lowest_versions import COLAB, RECORD, first_section, has_heading, lowest

from bertcourse.lessons import lessons_in

ROOT = Path(__file__).resolve().parents[2]
LESSONS = lessons_in(ROOT / "notebooks")


def recorded():
    return [line for line in RECORD.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]


def test_the_bounds_are_those_that_were_tried():
    """One that is set lower, or is new: python tools/lowest_versions.py tries them and writes the list."""
    releases = lowest()
    assert sorted([*releases["all"], *releases["alone"]]) == recorded()


def test_neither_jupyterlab_nor_a_newer_kernel_is_among_them():
    names = {line.split("==")[0] for line in recorded()}
    assert not names & {"jupyterlab", "ipykernel", "ipython", "notebook", "jupyter-client"}
    assert COLAB == ("ipython==7.34.0", "ipykernel==6.17.1")


def write_project(folder, bound):
    extras = '[project.optional-dependencies]\nlessons = ["b==2"]\nviews = ["c>=3.1"]\n'
    text = f'[project]\ndependencies = ["{bound}"]\n{extras}'
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def test_bounds_become_exact_releases(tmp_path):
    assert lowest(write_project(tmp_path, "a-b>=1.0")) == {"all": ["a-b==1.0", "b==2"], "alone": ["c==3.1"]}


@pytest.mark.parametrize("bound", ["a", "a<2", "a>=1,<2", "a~=1.0", "a[x]>=1", "a>=1; python_version>'3'"])
def test_a_bound_that_is_none_is_named(tmp_path, bound):
    with pytest.raises(ValueError, match=r"has no plain lower bound: write it as name>=version"):
        lowest(write_project(tmp_path, bound))


@pytest.mark.parametrize("lesson", LESSONS[1:], ids=lambda path: path.stem)
def test_a_first_section_begins_with_the_imports_and_ends_before_the_second_heading(lesson):
    whole = json.loads(lesson.read_text(encoding="utf-8"))
    part = first_section(whole)
    cells = len(part["cells"])
    assert 3 < cells < len(whole["cells"]) * 3 / 4
    assert part["cells"] == whole["cells"][:cells]
    text = "".join("".join(cell["source"]) for cell in part["cells"] if cell["cell_type"] == "code")
    assert "start_lesson()" in text
    headings = [number for number, cell in enumerate(whole["cells"]) if has_heading(cell)]
    assert headings[1] == cells


def test_the_parts_run_as_on_colab_and_what_fails_is_told(tmp_path, monkeypatch, capsys):
    """In this environment, on two small lessons."""
    lessons = tmp_path / "root" / "notebooks"
    lessons.mkdir(parents=True)
    cells = [nbformat.v4.new_code_cell("raise OSError('not run: Colab installs')", id="colab")]
    cells.append(
        nbformat.v4.new_code_cell("import os; from pathlib import Path\nassert os.environ['COLAB_RELEASE_TAG']")
    )
    cells.append(
        nbformat.v4.new_code_cell("assert Path.cwd().name == 'notebooks' and not os.environ.get('BERT_COURSE_BANDS')")
    )
    metadata = {"kernelspec": {"name": "python3", "display_name": "P"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), lessons / "00_good.ipynb")
    bad = [nbformat.v4.new_markdown_cell("## One"), nbformat.v4.new_code_cell("1 / 0")]
    unseen = [nbformat.v4.new_markdown_cell("## Two"), nbformat.v4.new_code_cell("print('never')")]
    nbformat.write(nbformat.v4.new_notebook(cells=bad + unseen, metadata=metadata), lessons / "01_bad.ipynb")
    monkeypatch.setattr(lowest_versions, "ROOT", tmp_path / "root")
    monkeypatch.setenv("BERT_COURSE_BANDS", "shown")
    assert lowest_versions.try_lessons(Path(sys.executable), tmp_path) == ["01_bad"]
    said = capsys.readouterr().out
    assert "00_good: ok, 2 cells" in said and "01_bad: failed, 2 cells" in said and "ZeroDivisionError" in said


def test_the_environment_gets_what_it_is_said_to_get(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(subprocess, "run", lambda command, check: calls.append([str(word) for word in command]))
    monkeypatch.setattr(lowest_versions.venv, "create", lambda folder, **options: None)
    lowest_versions.make_environment(tmp_path, {"all": ["a==1"], "alone": ["c==3"]})
    together, alone, course = (" ".join(call) for call in calls)
    assert "a==1" in together and "ipython==7.34.0" in together and "ipykernel==6.17.1" in together
    assert alone.endswith("--no-deps c==3") and course.endswith(f"--no-deps -e {ROOT}")
