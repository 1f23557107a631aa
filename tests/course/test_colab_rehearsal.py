"""The rehearsal of Google Colab: its list of versions, and the tool, on a toy course with a toy list."""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import colab_rehearsal as tool
import pytest
import yaml
from colab_rehearsal import changes, find_python, megabytes, plain, problems, read_versions, table
from packaging.requirements import Requirement
from test_colab import ADDED, UNWANTED

from bertcourse.publish import CELL

ROOT = Path(__file__).resolve().parents[2]
POSIX = pytest.mark.skipif(os.name == "nt", reason="the rehearsal is for Linux and macOS")
AUTHOR = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")


# ------------------------------------------------------------------------------------------------------------ the list


def test_the_list_has_what_colab_has_and_nothing_that_it_lacks():
    versions = read_versions()
    assert versions["python"] == "3.13"
    assert {"torch", "numpy", "pandas", "matplotlib", "ipython", "ipykernel", "transformers"} <= versions.keys()
    assert not versions.keys() & {*map(plain, ADDED), *UNWANTED}
    assert (versions["ipython"], versions["ipykernel"]) == ("7.34.0", "6.17.1")


def test_colabs_versions_are_within_the_courses_bounds():
    """Else pip would renew what Colab has loaded already."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bounds = list(map(Requirement, project["dependencies"] + project["optional-dependencies"]["lessons"]))
    versions = read_versions()
    met = [bound for bound in bounds if plain(bound.name) in versions]
    assert len(met) > 8
    assert [str(bound) for bound in met if versions[plain(bound.name)] not in bound.specifier] == []


def write_list(folder, *lines):
    path = folder / "versions.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_list_is_read(tmp_path):
    path = write_list(tmp_path, "# Python 3.13", "pip==24.1", "Torch==2.0  # why", "", "a_b.c==1.0.post1")
    assert read_versions(path) == {"python": "3.13", "pip": "24.1", "torch": "2.0", "a-b-c": "1.0.post1"}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["pip==1", "torch==2"], "no line '# Python 3.13'"),
        (["# Python 3.13", "pip==1", "torch>=2"], "line 3: 'torch>=2' is no exact version: write it as name==version"),
        (["# Python 3.13", "pip==1", "torch==2", "Torch==2"], "line 4: torch stands there twice: keep one"),
        (["# Python 3.13", "pip==1"], "torch is missing: add it as name==version"),
    ],
)
def test_a_list_that_is_none_is_named(tmp_path, lines, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        read_versions(write_list(tmp_path, *lines))


@POSIX
def test_colabs_python_is_looked_for_and_another_one_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert find_python("3.99") == sys.executable
    assert "No Python 3.99 here, which Colab has: played with" in capsys.readouterr().out
    own = "{}.{}".format(*sys.version_info[:2])
    assert find_python(own) == sys.executable and capsys.readouterr().out == ""
    for place, answer in (("bin/python3.99", "3.98"), ("versions/3.99.1/bin/python", "3.99")):
        python = tmp_path / place
        python.parent.mkdir(parents=True)
        python.write_text(f"#!/bin/sh\necho {answer}\n", encoding="utf-8")
        python.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))  # as a shim that leads to another release
    assert find_python("3.99") == str(tmp_path / "versions/3.99.1/bin/python")


@POSIX
def test_the_environment_gets_the_list_and_torch_the_name_that_it_has_on_colab(tmp_path, monkeypatch):
    calls = []

    def run(command, **options):
        calls.append(" ".join(map(str, command)))
        if "venv" in command:  # it clears the folder
            shutil.rmtree(tmp_path / "lib", ignore_errors=True)
            return
        about = tmp_path / "lib/python3.13/site-packages/torch-2.0.dist-info"
        about.mkdir(parents=True, exist_ok=True)
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 2.0\n\nVersion: 2.0\n", "utf-8")

    monkeypatch.setattr(subprocess, "run", run)
    versions = {"python": "3.13", "pip": "24.1", "torch": "2.0", "numpy": "2.1"}
    assert tool.make_base(tmp_path, "python3.13", versions) == tmp_path / "bin" / "python"
    made, pip, torch, rest = calls
    assert made.startswith("python3.13 -m venv") and pip.endswith(" pip==24.1")
    assert torch.endswith(f"--constraint {tmp_path / 'versions.txt'} torch==2.0") and "--no-deps" in rest
    assert (tmp_path / "versions.txt").read_text(encoding="utf-8").split() == ["pip==24.1", "torch==2.0", "numpy==2.1"]
    renamed = tmp_path / "lib/python3.13/site-packages/torch-2.0+cpu.dist-info"
    assert "Version: 2.0+cpu\n\nVersion: 2.0\n" in (renamed / "METADATA").read_text(encoding="utf-8")
    tool.make_base(tmp_path, "python3.13", versions)
    assert len(calls) == 4, "it was there"
    tool.make_base(tmp_path, "python3.13", versions | {"numpy": "2.2"})
    assert len(calls) == 8


def test_what_pip_took_is_added_up(tmp_path):
    here = tmp_path / "c-1-py3-none-any.whl"
    here.write_bytes(bytes(500_000))
    log = f"""
    2026-11-29T19:00:00,000   Downloading a-1-py3-none-any.whl (83.5 MB)
    2026-11-29T19:00:00,000   Downloading a-1-py3-none-any.whl.metadata (9.9 MB)
    2026-11-29T19:00:00,000   Using cached b-1.tar.gz (250 kB)
    2026-11-29T19:00:00,000     Using cached b-1.tar.gz (250 kB)
    2026-11-29T19:00:00,000 Processing {here}
    """
    assert megabytes(log) == pytest.approx(83.5 + 0.25 + 0.5)


# ------------------------------------------------------------------------------------------------------- a toy course

INSTALL = """
import os, sys
sys.path.insert(0, "course")
print("The course is installed.")
"""
CHECKS = """
def check(name, answer):
    right = callable(answer) and answer(2) == 4
    print("✓ right" if right else "✗ wrong")
"""
FIGURE = {"name": "share", "value": "0.5", "low": "0.0", "high": "1.0", "unit": "", "where": ""}
LESSON = f"""
from IPython.display import display
display({{"text/plain": "share", "application/vnd.bertlib.figure+json": {FIGURE!r}}}, raw=True)
check = print; check("toy.double", 1)
"""
FAULTS = """
import sys, warnings
print("oh", file=sys.stderr)
print("FutureWarning: soon")
"""
CHANGES = """
from pathlib import Path; import numpy, sys, sysconfig
about = Path(sysconfig.get_path("purelib")) / "numpy-99.0.dist-info"
about.mkdir()
(about / "METADATA").write_text("Metadata-Version: 2.1\\nName: numpy\\nVersion: 99.0\\n")
"""


@pytest.fixture
def course(tmp_path, monkeypatch):
    """The folder of a course with two lessons, as the tool's own; `write` puts a file there and commits."""
    root = tmp_path / "root"

    def write(place, text):
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        subprocess.run(["git", "add", "--all"], cwd=root, check=True)
        subprocess.run(["git", *AUTHOR, "commit", "--quiet", "--message", "More"], cwd=root, check=True)

    root.mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    write("bertlib/__init__.py", "")
    write("bertcourse/checks.py", CHECKS)
    write("colab/install.py", INSTALL)
    write("colab/versions.txt", "# Python {}.{}\npip==1\ntorch==2\n".format(*sys.version_info[:2]))
    write("data/README.md", "")
    write("pyproject.toml", "")
    write("notebooks/solutions/toy.py", "def my_double(n):\n    return 2 * n\n")
    for number in ("00", "05"):
        write(f"notebooks/{number}_toy.ipynb", lesson())
    monkeypatch.setattr(tool, "ROOT", root)
    monkeypatch.setattr(tool, "VERSIONS", root / "colab" / "versions.txt")
    monkeypatch.setattr(tool, "OTHERS", {})
    monkeypatch.setattr(tool, "make_base", lambda folder, python, versions: Path(sys.executable))
    monkeypatch.setattr(tool.read_versions, "__defaults__", (root / "colab" / "versions.txt",))
    return root, write


def lesson(*sources):
    first = {**tool.code_cell(CELL.format(address="https://example.org/a/b"), 0), "id": "colab"}
    cells = [tool.code_cell(source, number) for number, source in enumerate([LESSON, *sources], start=1)]
    return json.dumps(tool.notebook_of([first, *cells]))


@POSIX
def test_a_lesson_is_played_as_on_colab(course, tmp_path):
    root, write = course
    asserts = 'import os; assert os.listdir() in (["course", "00_toy.ipynb"], ["00_toy.ipynb", "course"])\n'
    asserts += 'assert os.environ["COLAB_RELEASE_TAG"] and "BERT_COURSE_REHEARSAL" not in os.environ'
    write("notebooks/00_toy.ipynb", lesson(asserts))
    result = tool.play_part("00", Path(sys.executable), tmp_path / "build", root, "")
    assert problems(result) == []
    (play,) = result["plays"]
    assert (play["name"], play["error"], play["figures"]) == ("00_toy", "", [FIGURE])
    assert play["checks"] == ["✓ right", "✗ wrong"]
    assert play["first"]["said"].splitlines() == [
        "Fetching the course from https://example.org/a/b …",
        "The course is installed.",
    ]
    assert 0 < play["first"]["processor"] < 30
    assert result["cold"] and result["changed"] == [] and result["added"] == []


@POSIX
def test_what_a_learner_should_not_see_is_found(course, tmp_path):
    root, write = course
    write("notebooks/05_toy.ipynb", lesson(FAULTS, CHANGES, "import os; print(os.environ['BERT_COURSE_REHEARSAL'])"))
    result = tool.play_part("05", Path(sys.executable), tmp_path / "build", root, "40")
    said = "\n".join(problems(result))
    assert "05_toy: on stderr: oh" in said and "05_toy: a warning: FutureWarning: soon" in said
    assert re.search(r"05: of Colab's packages changed: numpy [\d.]+ → 99\.0", said)
    assert len(problems(result)) == 3 and not result["cold"]
    write("notebooks/05_toy.ipynb", lesson("1 / 0", "print('never', file=sys.stderr)"))
    write("bertcourse/checks.py", CHECKS.replace("if right", "if True"))
    result = tool.play_part("05", Path(sys.executable), tmp_path / "build", root, "")
    assert problems(result) == ["05_toy: cell 3: ZeroDivisionError: division by zero"]
    write("notebooks/05_toy.ipynb", lesson())
    result = tool.play_part("05", Path(sys.executable), tmp_path / "build", root, "")
    assert problems(result) == ["05_toy: a right and a wrong answer gave ['✓ right', '✓ right']"]


def played(part="00", **changed):
    play = {"name": f"{part}_toy", "error": "", "seconds": 3, "figures": [FIGURE], "stderr": [], "warnings": []}
    play["first"] = {"processor": 12.0, "seconds": 40.0, "said": ""}
    result = {"part": part, "rows": "", "cold": part == "00", "plays": [play], "changed": [], "added": ["x 1"]}
    result["megabytes"] = 88.0
    for name, value in changed.items():
        (play if name in play else result)[name] = value
    return result


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"error": "cell 2: E: no"}, "00_toy: cell 2: E: no"),
        ({"figures": [FIGURE | {"value": "1.5"}]}, "00_toy: share is 1.5"),
        ({"figures": [FIGURE | {"value": "nan"}]}, "00_toy: share is nan"),
        ({"stderr": ["a"]}, "00_toy: on stderr: a"),
        ({"warnings": ["b"]}, "00_toy: a warning: b"),
        ({"changed": ["numpy 2.1.3 → 99.0"]}, "00: of Colab's packages changed: numpy 2.1.3 → 99.0"),
        ({"first": {"processor": 20.6, "seconds": 9.0}}, "00: the first cell took 21 s of processor time"),
        ({"first": None}, "00: the first cell took inf s of processor time"),
        ({"megabytes": 109.0}, "00: the first cell fetched 109 MB of packages"),
    ],
)
def test_each_thing_that_is_wrong_is_told_alone(changed, said):
    assert problems(played()) == []
    assert problems(played(**changed)) == [said]
    assert f"WRONG: {said}" in table([played(**changed)])


def test_in_a_rehearsal_bands_are_shown_and_not_held():
    few = played("05", rows="40", figures=[FIGURE, FIGURE | {"value": "2"}])
    assert problems(few) == []
    assert re.search(r"05_toy +ok, 40 rows +1 of 2 \(shown\)", table([few]))
    slow = {"processor": 99.0, "seconds": 99.0, "said": ""}
    assert problems(played("05", first=slow)) == [], "only the first session begins without pip's cache"


def test_changes_of_packages():
    before = {"numpy": "2.1.3", "torch": "2.11.0+cpu", "jedi": "1"}
    assert changes(before, before | {"bertlib": "1"}) == []
    assert changes(before, {"numpy": "2.5", "torch": "2.11.0+cpu"}) == ["jedi 1 → removed", "numpy 2.1.3 → 2.5"]


@POSIX
def test_what_passed_is_not_played_again(course, tmp_path, monkeypatch, capsys):
    root, write = course
    calls, outcome = [], {}

    def play_part(part, base, build, root, rows):
        calls.append((part, rows))
        return played(part, rows=rows, **outcome)

    monkeypatch.setattr(tool, "play_part", play_part)
    build = tmp_path / "build"

    def rehearse(parts=("00", "05"), **options):
        calls.clear()
        return tool.rehearse(parts, build, python=sys.executable, **options)

    assert rehearse(["00"]) == 0 and calls == [("00", "")]
    assert "Not played yet: 05" in capsys.readouterr().out
    assert rehearse() == 0 and calls == [("05", "500")]
    told = capsys.readouterr().out
    assert re.search(r"00_toy +ok", told) and re.search(r"05_toy +ok, 500 rows", told)
    assert rehearse() == 0 and calls == []
    assert rehearse(fresh=True) == 0 and len(calls) == 2
    write("notebooks/00_toy.ipynb", lesson("more = 1"))
    assert rehearse() == 0 and calls == [("00", "")]
    assert rehearse(whole=True) == 0 and calls == [("05", "")]
    assert rehearse() == 0 and calls == [], "the whole lesson will do"
    write("bertlib/__init__.py", "more = 1")
    outcome["error"] = "no"
    assert rehearse() == 1 and len(calls) == 2
    outcome.clear()
    assert rehearse(["05"]) == 1, "the other one is still wrong"
    assert rehearse() == 0 and calls == [("00", "")]
    (build / "records" / "00.json").write_text("{", encoding="utf-8")
    assert rehearse() == 0 and calls == [("00", "")]
    (root / "data" / "new.txt").write_text("not committed", encoding="utf-8")
    capsys.readouterr()
    assert rehearse() == 0 and calls == []
    assert "Not all is committed: the last commit is played." in capsys.readouterr().out


def test_a_part_that_does_not_exist_is_named(capsys):
    with pytest.raises(SystemExit):
        tool.main(["05", "99"])
    assert "there is no part '99': choose among 00 01 02" in capsys.readouterr().err


@pytest.mark.parametrize("part", [part for part in tool.parts_of(ROOT) if part not in tool.OTHERS])
def test_every_lesson_has_a_check_that_can_be_answered(part, tmp_path, monkeypatch, capsys):
    (tmp_path / "course").mkdir()
    shutil.copytree(ROOT / "notebooks" / "solutions", tmp_path / "course" / "notebooks" / "solutions")
    monkeypatch.chdir(tmp_path)
    _, notebook = tool.read_lesson(ROOT, part)
    exec(tool.answers_to(notebook, ROOT), {})
    said = [line for line in capsys.readouterr().out.splitlines() if line[:2] in ("✓ ", "✗ ", "○ ")]
    assert [line[0] for line in said] == ["✓", "✗"], said
    assert tool.address_of(notebook).startswith("https://")


# ------------------------------------------------------------------------------------------------ where it is written


def test_once_a_week_it_is_run_with_colabs_python():
    workflow = yaml.safe_load((ROOT / ".github/workflows/colab.yml").read_text(encoding="utf-8"))
    (schedule,) = workflow[True]["schedule"]  # YAML takes the word "on" for true
    assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", schedule["cron"])
    (job,) = workflow["jobs"].values()
    runs = textwrap.dedent("\n".join(step.get("run", "") for step in job["steps"]))
    assert "python tools/colab_rehearsal.py --whole" in runs
    pythons = [step["with"]["python-version"] for step in job["steps"] if "setup-python" in step.get("uses", "")]
    assert pythons == [read_versions()["python"]]


def test_contributors_are_told_how_the_list_is_renewed():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert "colab/versions.txt" in text and "tools/colab_rehearsal.py" in text
