"""The course's commands, `python -m bertcourse`, as a shell calls them."""

import os
import subprocess
import sys

import pytest

from bertcourse.__main__ import build_parser, main
from bertcourse.classroom.grading import Grade


def run(*arguments):
    """As a person runs it, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "bertcourse", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def test_no_command_shows_the_commands(capsys):
    with pytest.raises(SystemExit) as stop:
        main([])
    assert stop.value.code == 2
    assert "command" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["doctor", "course", "assignments", "grade", "recommend", "publish"])
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"python -m bertcourse {command}" in capsys.readouterr().out


def test_wrong_input_is_one_line_and_exit_code_2(tmp_path):
    result = run("course", "--notebooks", tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith("error: ") and "no lessons" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_doctor_is_run(monkeypatch):
    monkeypatch.setattr("bertcourse.doctor.run_doctor", lambda: 1)
    assert main(["doctor"]) == 1


def test_course_hands_on_its_options(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr("bertcourse.run.run_course", lambda *given, **named: seen.append((*given, named)) or 0)
    options = ["course", "01", "07", "--notebooks", str(tmp_path), "--build", str(tmp_path / "b")]
    assert main(options) == main([*options, "--force"]) == 0
    assert seen == [(tmp_path, tmp_path / "b", ["01", "07"], {"force": force}) for force in (False, True)]


def test_assignments_and_grade_hand_on_their_options(monkeypatch, tmp_path, capsys):
    seen = []
    monkeypatch.setattr("bertcourse.classroom.assignments.build", lambda *given: seen.append(given) or ["one.ipynb"])
    places = ["--sources", str(tmp_path / "s"), "--out", str(tmp_path / "o"), "--class", "3"]
    assert main(["assignments", *places]) == 0
    assert seen == [(tmp_path / "s", tmp_path / "o", 3)]
    assert "one.ipynb\nclass 3: " in capsys.readouterr().out

    graded = {}
    monkeypatch.setattr(
        "bertcourse.classroom.grading.grade_class",
        lambda *given, **named: graded.update(named, given=given) or [Grade("ada", "one")],
    )
    limits = ["--cell-seconds", "3", "--seconds", "40", "--memory", "500"]
    assert main(["grade", str(tmp_path / "in"), *places, *limits]) == 0
    assert graded["given"] == (tmp_path / "s", tmp_path / "in", tmp_path / "o") and graded["variant"] == 3
    asked = graded["limits"]
    assert (asked.cell_seconds, asked.seconds, asked.memory, asked.closed) == (3, 40, 500, True)
    assert f"table: {tmp_path / 'o' / 'grades.csv'}" in capsys.readouterr().out


@pytest.mark.parametrize("error", [ValueError, OSError, ImportError, FloatingPointError])
def test_mendable_errors_need_no_traceback(monkeypatch, capsys, error):
    def fails():
        raise error("mend this")

    monkeypatch.setattr("bertcourse.doctor.run_doctor", fails)
    assert main(["doctor"]) == 2
    assert capsys.readouterr().err == "error: mend this\n"


def test_a_bug_keeps_its_traceback(monkeypatch):
    def fails():
        raise KeyError("bug")

    monkeypatch.setattr("bertcourse.doctor.run_doctor", fails)
    with pytest.raises(KeyError):
        main(["doctor"])


def test_unknown_option(capsys):
    with pytest.raises(SystemExit) as stop:
        build_parser().parse_args(["course", "--notbooks", "x"])
    assert stop.value.code == 2


def test_a_console_without_check_marks_is_no_reason_to_die():
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    result = subprocess.run([sys.executable, "-m", "bertcourse", "doctor"], capture_output=True, env=environment)
    assert result.returncode == 0, result.stderr.decode("cp1252")
    assert b"python" in result.stdout
