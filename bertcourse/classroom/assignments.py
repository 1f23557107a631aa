"""Builds what students get from the assignments' sources: no solutions, no hidden tests, one class's numbers.

A source is a notebook in nbgrader's format, `source/NAME/NAME.ipynb`. What is built is what nbgrader's own
`generate_assignment` builds with this folder's nbgrader_config.py (a test compares the two where nbgrader is
installed), but needs nothing that the course does not install, and sets the class's number.

    python -m bertcourse assignments --class 3
"""

from __future__ import annotations

import re
from pathlib import Path

STUB = "# your code here\n..."
WRITE = "*Your answer here.*"
CLASS_LINE = re.compile(r"^CLASS = (\d+)", re.MULTILINE)


def without_solution(source: str, kind: str = "code") -> str:
    """A source cell as students get it.

    Args:
        source: of the cell.
        kind: "code" or "markdown".

    Raises:
        ValueError: a BEGIN without its END, or the other way round.
    """
    lines, inside = [], ""
    for line in source.splitlines():
        mark = re.match(r"(\s*)### (BEGIN|END) (SOLUTION|HIDDEN TESTS)\s*$", line)
        if mark is None:
            if not inside:
                lines.append(line)
            continue
        indent, where, what = mark.groups()
        if (where == "BEGIN") == bool(inside) or (where == "END" and inside != what):
            raise ValueError(f"'### {where} {what}' has no counterpart; give each BEGIN its END")
        inside = what if where == "BEGIN" else ""
        if where == "BEGIN" and what == "SOLUTION":
            lines += [indent + stub for stub in (STUB if kind == "code" else WRITE).splitlines()]
    if inside:
        raise ValueError(f"'### BEGIN {inside}' has no counterpart; give each BEGIN its END")
    return "\n".join(lines)


def as_released(kind: str, about: dict, source: str) -> str:
    """A cell as students get it.

    Args:
        kind: "code" or "markdown".
        about: its nbgrader metadata.
        source: its text.

    Raises:
        ValueError: see `without_solution`.
    """
    if about.get("solution") and "### BEGIN SOLUTION" not in source:
        return STUB if kind == "code" else WRITE
    return without_solution(source, kind)


def for_class(source: str, variant: int) -> str:
    """A given cell with the number of a class in its line `CLASS = …`."""
    return CLASS_LINE.sub(f"CLASS = {variant}", source, count=1)


def release(notebook: dict, variant: int = 1) -> dict:
    """What students get.

    Args:
        notebook: a source, as nbformat or json reads it. It stays as it is.
        variant: number of the class, from 1 on (0 are the lessons' own); its questions have their own numbers.

    Raises:
        ValueError: see `without_solution`.
    """
    cells = []
    for cell in notebook["cells"]:
        about = cell["metadata"].get("nbgrader", {})
        source = as_released(cell["cell_type"], about, for_class("".join(cell["source"]), variant))
        made = {key: value for key, value in cell.items() if key not in ("outputs", "execution_count")}
        made |= {"source": source, "metadata": dict(cell["metadata"])}
        if about.get("locked"):
            made["metadata"] |= {"editable": False, "deletable": False}
        elif about:
            made["metadata"] |= {"deletable": False}
        if cell["cell_type"] == "code":
            made |= {"outputs": [], "execution_count": None}
        cells.append(made)
    return {**notebook, "cells": cells}


def build(sources: Path, out: Path, variant: int = 1) -> list[Path]:
    """Write out/NAME/NAME.ipynb for each source/NAME/NAME.ipynb, and give their places.

    Raises:
        FileNotFoundError: there are no sources.
        ValueError: variant is below 1, or a source is not well-formed; the message names it.
    """
    import nbformat

    if variant < 1:
        raise ValueError(f"variant is {variant}: give the class a number from 1 on; 0 are the lessons' own questions")
    written = []
    for path in sources_in(sources).values():
        try:
            made = nbformat.from_dict(release(nbformat.read(path, as_version=4), variant))
            nbformat.validate(made)
        except (ValueError, nbformat.ValidationError) as error:
            raise ValueError(f"{path}: {error}") from error
        place = out / path.stem / path.name
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_suffix(".part")
        beside.write_text(nbformat.writes(made) + "\n", encoding="utf-8", newline="\n")
        beside.replace(place)
        written.append(place)
    return written


def sources_in(folder: Path) -> dict[str, Path]:
    """The assignments of a folder, by name.

    Raises:
        FileNotFoundError: there are none.
    """
    found = {path.stem: path for path in sorted(folder.glob("*/*.ipynb")) if path.stem == path.parent.name}
    if not found:
        raise FileNotFoundError(f"{folder}: no NAME/NAME.ipynb in it; give the folder of the assignments' sources")
    return found
