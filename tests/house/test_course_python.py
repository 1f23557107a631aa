"""tools/course_python.py: the hooks find the Python with the course, wherever it is."""

import os
import shutil
import sys
from pathlib import Path

import course_python
import pytest

ROOT = Path(__file__).resolve().parents[2]


def stand_in(folder, name):
    """A file that the system would run as Python, and that fails."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (f"{name}.bat" if os.name == "nt" else name)
    path.write_text("exit 1\n" if os.name == "nt" else "#!/bin/sh\nexit 1\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_the_path_comes_first_in_its_order_then_the_folder_of_make(tmp_path):
    one, two = stand_in(tmp_path / "one", "python"), stand_in(tmp_path / "two", "python3")
    wanted = [one, two]
    for inside in ("bin/python", "Scripts/python.exe"):
        path = tmp_path / ".venv" / inside
        path.parent.mkdir(parents=True)
        path.touch()
        wanted.append(str(path))
    path = os.pathsep.join([str(tmp_path / "one"), "", str(tmp_path / "absent"), str(tmp_path / "two")])
    found = [os.path.normcase(python) for python in course_python.candidates(tmp_path, path)]
    assert found == [os.path.normcase(python) for python in wanted]


def test_only_a_python_with_the_course_will_do(tmp_path):
    assert course_python.has_the_course(sys.executable)
    assert not course_python.has_the_course(stand_in(tmp_path, "python"))
    assert not course_python.has_the_course(str(tmp_path / "absent"))


def test_a_stand_in_before_it_is_passed_over_and_the_exit_status_handed_on(tmp_path, monkeypatch, capfd):
    pythons = [stand_in(tmp_path, "python"), sys.executable]
    monkeypatch.setattr(course_python, "candidates", lambda: iter(pythons))
    assert course_python.main(["-c", "import os, sys; print(os.getcwd()); sys.exit(3)"]) == 3
    assert Path(capfd.readouterr().out.strip()) == ROOT


def test_no_python_is_one_line_with_the_remedy(monkeypatch, capsys):
    monkeypatch.setattr(course_python, "candidates", lambda: iter(()))
    assert course_python.main(["-c", "1"]) == 2
    assert "run make setup" in capsys.readouterr().err


@pytest.mark.skipif(not shutil.which("python3"), reason="needs a python3 on the PATH")
def test_the_real_path_is_read():
    assert next(course_python.candidates())
