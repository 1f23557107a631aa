"""The files around the code say one thing: versions, licences, pins of what looks at a commit."""

import json
import re
import tomllib
from pathlib import Path

import yaml

import bertlib
from bertcourse.lessons import lessons_in

ROOT = Path(__file__).parents[2]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


PROJECT = tomllib.loads(read("pyproject.toml"))["project"]
CITATION = yaml.safe_load(read("CITATION.cff"))


def test_one_version_everywhere():
    version, day = re.search(r"^## (\S+) \((\S+)\)", read("CHANGELOG.md"), re.MULTILINE).groups()
    assert PROJECT["version"] == CITATION["version"] == bertlib.__version__ == version
    assert CITATION["date-released"] == day


def test_one_title_everywhere():
    assert read("README.md").splitlines()[0] == f"# {CITATION['title']}"
    assert CITATION["title"] in read("LICENSE-TEXT.md")


def test_licences_agree():
    assert PROJECT["license"] == "MIT" == CITATION["license"]
    assert read("LICENSE").startswith("MIT License\n")
    assert "CC BY 4.0" in read("LICENSE-TEXT.md") and "LICENSE-TEXT.md" in read("README.md")
    for text in ("LICENSE-TEXT.md", "data/bbc_bert/README.md"):  # of the weights
        assert "for research and teaching" in read(text), text


def test_what_looks_at_a_commit_has_the_pins_of_make_test():
    (repo,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    pins = {line.split("#")[0].strip() for line in read("requirements.txt").splitlines()}
    wanted = [pin for hook in repo["hooks"] for pin in hook.get("additional_dependencies", [])]
    assert wanted and set(wanted) <= pins
    looked_at = next(hook["files"] for hook in repo["hooks"] if hook["id"] == "lessons")
    assert all(re.search(looked_at, f"notebooks/{path.name}") for path in lessons_in(ROOT / "notebooks"))


def test_differences_between_notebooks_leave_outputs_out():
    assert json.loads(read("nbdime_config.json"))["Diff"] == {"outputs": False, "metadata": False, "details": False}
    assert "*.ipynb diff=jupyternotebook merge=jupyternotebook" in read(".gitattributes").splitlines()
