"""Writes the address of your copy of this repository wherever the course names it: `make publish REPO=owner/name`.

    python -m bertcourse publish owner/name

The address stands in pyproject.toml (project.urls, Repository), which the site reads. From there it goes into each
lesson's link "Open in Colab", into the cell that fetches the course on Colab, and into README and the other texts. A
lesson that lacks link or cell gets them. Outputs, execution counts and ids stay as they are; a second run changes
nothing.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

from bertcourse.lessons import lessons_in

ROOT = Path(__file__).resolve().parents[1]
PLACEHOLDER = "OWNER/NAME"  # until somebody publishes
HOST = "https://github.com/"
COLAB = "https://colab.research.google.com/github/"
TEXTS = ("pyproject.toml", "*.md", "CITATION.cff", "book/*.md", "data/*.md", "notebooks/**/*.md")

# The same in every lesson. On Colab the folder that a notebook starts in is empty, so "course" is this repository.
CELL_ID = "colab"
CELL = """\
# On Google Colab this cell fetches the course and installs it, once a session (two minutes). Elsewhere it does nothing.
import os

if "COLAB_RELEASE_TAG" in os.environ:
    from runpy import run_path

    REPOSITORY = "{address}"
    was_there = os.path.exists("course")
    if not was_there:
        print(f"Fetching the course from {{REPOSITORY}} …", flush=True)
        !git clone --quiet --depth 1 {{REPOSITORY}} course
    if not os.path.exists("course"):
        raise FileNotFoundError(
            f"the course could not be fetched from {{REPOSITORY}}. Is that the address of a public copy of the course? "
            "Correct it above and run this cell again."
        )
    if not os.path.exists("course/colab/install.py"):
        raise FileExistsError(
            "the folder course here is not the course: rename it (!mv course my-course) and run this cell again. "
            f"If it was just fetched, {{REPOSITORY}} is another repository: correct the address above, too."
        )
    run_path("course/colab/install.py", run_name="__main__")
    if was_there:
        !git --no-pager --git-dir=course/.git log -1 --format="The folder course was there before: commit %h of %cs."
        print("For the newest, rename it and run this cell again.")"""
# Folded away where the notebook's reader can fold (JupyterLab, Colab); not on the site, which runs nothing.
CELL_METADATA = {"jupyter": {"source_hidden": True}, "tags": ["remove-cell"]}
# Words, not the usual picture: that would be fetched from Colab's server each time a lesson is opened.
LINK = re.compile(r"^\[Open in Colab\]\(.*\)$", re.MULTILINE)


def published(root: Path = ROOT) -> str:
    """The owner/name that the copy carries now; `PLACEHOLDER` before it was published."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["urls"]["Repository"].removeprefix(HOST)


def stamp_notebook(path: Path, repo: str, place: str = "") -> str:
    """Put link and cell into a notebook, or bring them up to date.

    Args:
        path: the notebook, whose first cell holds the title.
        repo: owner/name.
        place: the notebook's path in the repository, for the link; without one there is no link.

    Returns:
        "": nothing was to be done; "stamped"; or "to be executed": the cell is new and has no execution count yet.
    """
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    before = nbformat.writes(notebook)
    title = notebook.cells[0]
    if place:
        link = f"[Open in Colab]({COLAB}{repo}/blob/main/{place})"
        if LINK.search(title.source):
            title.source = LINK.sub(lambda _: link, title.source, count=1)
        else:
            heading, _, rest = title.source.partition("\n")
            title.source = f"{heading}\n\n{link}\n\n{rest.lstrip()}".rstrip()
    source = CELL.format(address=HOST + repo)
    found = [cell for cell in notebook.cells if cell.get("id") == CELL_ID]
    if found:
        found[0].source = source
    else:
        first = next((i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"), len(notebook.cells))
        notebook.cells.insert(first, new_code_cell(source, id=CELL_ID, metadata=CELL_METADATA))
    if nbformat.writes(notebook) == before:
        return ""
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")
    return "stamped" if found else "to be executed"


def publish(repo: str, root: Path = ROOT) -> dict[str, str]:
    """Stamp a copy of the repository with its address on GitHub.

    Args:
        repo: owner/name.
        root: the copy's folder.

    Returns:
        Changed file -> "stamped" or "to be executed", as `stamp_notebook` says.

    Raises:
        ValueError: repo is not of the form owner/name.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*/[\w.-]+", repo, re.ASCII) or repo.endswith(".git"):
        raise ValueError(f"REPO={repo!r}: give your copy on GitHub as owner/name, such as REPO=ada/bert-course")
    old, changed = published(root), {}
    address = re.compile(rf"((?:{re.escape(HOST)}|{re.escape(COLAB)})){re.escape(old)}(?![\w-]|\.\w)")
    for path in sorted({path for pattern in TEXTS for path in root.glob(pattern)}):
        text = path.read_bytes().decode("utf-8")
        stamped = address.sub(lambda match: match[1] + repo, text)
        if stamped != text:
            path.write_bytes(stamped.encode("utf-8"))
            changed[path.relative_to(root).as_posix()] = "stamped"
    # An assignment's source holds its solutions: students are sent no link to it, but what is generated from it runs.
    sources = root.glob("notebooks/assignments/source/*/*.ipynb")
    for path in [*lessons_in(root / "notebooks"), *sorted(sources)]:
        place = path.relative_to(root).as_posix()
        if state := stamp_notebook(path, repo, "" if "assignments" in path.parts else place):
            changed[place] = state
    return changed


def run_publish(repo: str) -> int:
    """Publish, and say what was done.

    Raises:
        ValueError: repo is not of the form owner/name.
    """
    changed = publish(repo)
    for path, state in changed.items():
        print(f"{path}: {state}")
    print(f"{HOST}{repo}: {len(changed)} files changed. Commit them, and push to main: the links lead there.")
    if "to be executed" in changed.values():
        print("Notebooks with a new cell are to be executed from top to bottom before they are committed.")
    return 0
