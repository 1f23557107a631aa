"""The files that say what to install agree with each other, with the Makefile and with the workflows."""

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from bertlib import doctor

ROOT = Path(__file__).resolve().parents[1]
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
MATRIX = workflow("ci.yml")["jobs"]["test"]["strategy"]["matrix"]


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
    for line in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["lessons"]:
        bound = Requirement(line)
        assert required[canonicalize_name(bound.name)] in bound.specifier, line


def test_what_is_installed_fits_together():
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_lists_name_no_address_and_no_path():
    """Which package registry is asked is the business of the machine that installs."""
    files = ["requirements.txt", "constraints.txt", "environment.yml", "pyproject.toml", "Makefile", ".ci/run"]
    for name in [*files, *WORKFLOWS]:
        text = read(name).replace(f'Repository = "{PROJECT["urls"]["Repository"]}"', "")  # of the course itself
        for word in ("://", "index-url =", "--index-url", "--find-links"):
            assert word not in text, f"{name} holds {word}"


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


def test_windows_runs_the_commands_of_make_test():
    (step,) = (step for step in workflow("ci.yml")["jobs"]["test"]["steps"] if "Windows" in step.get("name", ""))
    setup, test = recipe(r"\$\(STAMP\)"), recipe("lint") + recipe("test")
    wanted = [line for line in setup if re.match(r"\$\((PYTHON|PY)\) -m (venv|pip)", line)] + test
    wanted = [line.replace("$(PYTHON)", "python").replace("$(PY)", ".venv/Scripts/python") for line in wanted]
    assert step["run"].splitlines() == wanted
    assert step["shell"] == "bash", "PowerShell goes on after a command that failed"
    assert len(wanted) == 6


def test_ci_run_is_make_test_from_anywhere_and_runs_each_lesson_once():
    path = ROOT / ".ci" / "run"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert lines[:2] == ["set -euo pipefail", 'cd "$(dirname "${BASH_SOURCE[0]}")/.."']
    *_, required, browser, test = lines
    assert required.startswith("export BROWSER_TESTS=required")
    assert browser == "make browser"
    left_out = re.fullmatch(r'PYTEST_ADDOPTS="--ignore-glob=notebooks/(\S+)" make test', test)[1]
    in_jupyterlab = ast.literal_eval(
        re.search(r"^WHOLE = (\(.*?\))", read("tests/test_jupyterlab.py"), re.MULTILINE)[1]
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
