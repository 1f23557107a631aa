"""What is a lesson, and in which order: 04_name, 04b_name, … 09_name, then the appendices A1_name, A4_name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

NAME = re.compile(r"(A?)([1-9]\d?|\d\d)([b-z]?)_\w+", re.ASCII)


def is_lesson(name: str) -> bool:
    """Whether a notebook of this name, with or without its ending, is a lesson; an appendix is one."""
    match = NAME.fullmatch(name.removesuffix(".ipynb"))
    return match is not None and (len(match[2]) == 2 or match[1] == "A")


def number_of(lesson: Path | str) -> str:
    """A lesson's number, which is what comes before its name: "04", "04b", "A4".

    Raises:
        ValueError: it is no lesson.
    """
    name = Path(lesson).name
    if not is_lesson(name):
        raise ValueError(f"{name} is no lesson: its name begins with a number, as in 04_name, 04b_name or A4_name")
    return name.partition("_")[0]


def place_of(lesson: Path | str) -> tuple:
    """What lessons are sorted by: the numbered ones first, 04b behind 04, then the appendices, A4 before A10."""
    match = NAME.match(f"{number_of(lesson)}_x")
    return bool(match[1]), int(match[2]), match[3], Path(lesson).name


def parent_of(number: str) -> str:
    """The number of the lesson that another one belongs to: of "04b" and of "A4" it is "04", of "04" itself."""
    match = NAME.match(f"{number}_x")
    return f"{int(match[2]):02}"


def lessons_in(folder: Path) -> list[Path]:
    """The lessons of a folder, in their order; none where there are none."""
    return sorted((path for path in folder.glob("*.ipynb") if is_lesson(path.name)), key=place_of)


def find_lessons(folder: Path, only: Sequence[str] = ()) -> list[Path]:
    """The lessons of a folder, in their order; with `only`, those of these numbers.

    Raises:
        FileNotFoundError: the folder holds no lessons. ValueError: a number of `only` is no lesson's.
    """
    lessons = lessons_in(folder)
    if not lessons:
        raise FileNotFoundError(f"{folder}: no lessons (NN_name.ipynb) there; run from the root of the course")
    known = [number_of(lesson) for lesson in lessons]
    for number in only:
        if number not in known:
            raise ValueError(f"ONLY names lesson {number!r}, which does not exist: choose among {', '.join(known)}")
    return [lesson for lesson, number in zip(lessons, known, strict=True) if not only or number in only]


def read_routes(path: Path) -> dict[str, dict[str, list[str]]]:
    """The tables "needs" (lesson -> lessons) and "routes" (name -> lessons), by number.

    Raises:
        ValueError: a route leaves out a lesson that one of its lessons needs, or names one before it.
    """
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    for name, lessons in table["routes"].items():
        for place, lesson in enumerate(lessons):
            for needed in table["needs"][lesson]:
                if needed not in lessons[:place]:
                    raise ValueError(f"{path.name}: {name!r} has {lesson} without {needed} before it, which it needs")
    return table
