"""How large each lesson is for the person in front of it, as a table: `python tools/lesson_size.py [01 04b …]`.

Counted is what a reader reads: the text outside of folds (`<details>`) and the code in cells that are not folded. A
stop is a cell where the reader writes something that is checked: it calls `check("…", …)`. tests/course/
test_lesson_size.py holds every lesson to the limits; tools/budget.py writes the minutes into the lessons.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bertcourse.lessons import find_lessons, lessons_in
from bertcourse.publish import CELL_ID
from bertcourse.run import read_budget

ROOT = Path(__file__).resolve().parents[1]

WORDS_A_MINUTE, LINES_A_MINUTE = 150, 9
UNTIMED = 10  # minutes of an exercise that names none
LIMITS = {"words": 3500, "lines": 450, "longest": 20, "first": 9, "run": 10, "minutes": 120}
# **Exercise 3 · Split into heads** (8 min, ●●)
EXERCISE = re.compile(r"^\*\*Exercise (\d+) · ([^*\n]+)\*\* \((\d+) min, (●{1,3})\)", re.MULTILINE)
LIKE_ONE = re.compile(r"^\*\*Exercise\b.*", re.MULTILINE)
OLDER = re.compile(r"^\*\*\d+ · ", re.MULTILINE)
FOLDS = re.compile(r"<details>.*?</details>", re.DOTALL)
HAN = re.compile(r"[\u4e00-\u9fff]")
BEHIND_A_BAR = re.compile(r"(?:^>.*(?:\n|\Z))+", re.MULTILINE)
MAGIC = re.compile(r"^(\s*)(?:[%!].*|(\w+) = !.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Exercise:
    """What an exercise's heading says of it."""

    number: int
    title: str
    minutes: int
    difficulty: int


@dataclass(frozen=True)
class Size:
    """A lesson's size; the fields of `LIMITS` are those that are limited.

    Attributes:
        words: in Markdown outside of <details>; signs without a letter or digit do not count.
        lines: of code, empty ones left out, in cells that are not folded.
        longest: lines of the longest such cell that is no stop.
        first: cells before the first stop; all of them where there is none.
        run: cells of the longest run without a stop.
        exercises: minutes of the exercises.
        machine: minutes that the cells take, on the slower machine of budget.toml.
    """

    words: int
    lines: int
    longest: int
    first: int
    run: int
    exercises: int
    machine: float

    @property
    def minutes(self) -> float:
        """To read the text, to read the code, to do the exercises, and of the machine."""
        return self.words / WORDS_A_MINUTE + self.lines / LINES_A_MINUTE + self.exercises + self.machine

    def beyond(self) -> dict[str, int]:
        """What exceeds its limit -> its value, minutes rounded up."""
        values = {name: getattr(self, name) for name in LIMITS}
        return {name: -int(-value // 1) for name, value in values.items() if value > LIMITS[name]}


def source_of(cell: dict) -> str:
    return "".join(cell["source"])


def is_folded(cell: dict) -> bool:
    """Whether JupyterLab shows a code cell's first line alone."""
    return bool(cell["metadata"].get("jupyter", {}).get("source_hidden"))


def is_stop(cell: dict) -> bool:
    """Whether the reader writes something here: a code cell with a call check("…", …)."""
    if cell["cell_type"] != "code" or "check(" not in source_of(cell):
        return False
    tree = ast.parse(MAGIC.sub(r"\1pass", source_of(cell)))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "check"]
    return any(call.args and isinstance(call.args[0], ast.Constant) for call in calls)


def count_lines(cell: dict) -> int:
    return sum(bool(line.strip()) for line in source_of(cell).splitlines())


def in_english(text: str) -> str:
    """A text without its Chinese: lesson 21 says everything twice, and a reader reads one of the two.

    Chinese is a quotation (`> …`, line by line) in which there are Chinese characters; other quotations stay.
    """
    return BEHIND_A_BAR.sub(lambda found: "" if HAN.search(found[0]) else found[0], text)


def count_words(text: str) -> int:
    """Words in Markdown, folds left out, and where it is said twice, the English ones."""
    text = in_english(FOLDS.sub("", text))
    return sum(any(sign.isalnum() for sign in word) for word in text.split())


def exercises_in(text: str) -> list[Exercise]:
    """The exercises whose headings stand in a Markdown text.

    Raises:
        ValueError: a line begins like such a heading and is none.
    """
    for line in LIKE_ONE.findall(text):
        if not EXERCISE.match(line):
            raise ValueError(f"{line!r}: write an exercise's heading as **Exercise 3 · Title** (8 min, ●●)")
    return [Exercise(int(n), title, int(minutes), len(dots)) for n, title, minutes, dots in EXERCISE.findall(text)]


def size_of(notebook: dict, seconds: Mapping[str, float]) -> Size:
    """A lesson's size.

    Args:
        notebook: as json or nbformat reads it.
        seconds: machine -> how long the cells take, as budget.toml has it.

    Raises:
        ValueError: an exercise's heading is not as it should be.
    """
    cells = [cell for cell in notebook["cells"] if cell.get("id") != CELL_ID]
    texts = [source_of(cell) for cell in cells if cell["cell_type"] == "markdown"]
    open_cells = [cell for cell in cells if cell["cell_type"] == "code" and not is_folded(cell)]
    runs = [0]
    for cell in cells:
        if is_stop(cell):
            runs.append(0)
        else:
            runs[-1] += 1
    timed = sum(exercise.minutes for text in texts for exercise in exercises_in(text))
    untimed = sum(len(OLDER.findall(text)) for text in texts)
    return Size(
        words=sum(map(count_words, texts)),
        lines=sum(map(count_lines, open_cells)),
        longest=max((count_lines(cell) for cell in open_cells if not is_stop(cell)), default=0),
        first=runs[0],
        run=max(runs),
        exercises=timed + UNTIMED * untimed,
        machine=max(seconds.values()) / 60,
    )


def sizes(root: Path = ROOT) -> dict[str, Size]:
    """Every lesson's size, by its name.

    Raises:
        ValueError: budget.toml lacks a lesson, or an exercise's heading is not as it should be.
    """
    budget, found = read_budget(root / "notebooks" / "budget.toml"), {}
    for lesson in lessons_in(root / "notebooks"):
        if lesson.stem not in budget:
            raise ValueError(f"notebooks/budget.toml lacks {lesson.stem}: give the seconds that its cells take")
        try:
            notebook = json.loads(lesson.read_text(encoding="utf-8"))
            found[lesson.stem] = size_of(notebook, budget[lesson.stem])
        except (ValueError, SyntaxError) as error:
            raise ValueError(f"{lesson.name}: {error}") from error
    return found


def table(found: Mapping[str, Size]) -> str:
    """The sizes in columns, what exceeds its limit with a star; the last line has the limits."""
    heads = {
        "words": "words",
        "lines": "code lines",
        "longest": "longest cell",
        "first": "before first stop",
        "run": "longest run",
        "minutes": "minutes",
    }
    rows = [["lesson", *heads.values()]]
    for name, size in found.items():
        beyond = size.beyond()
        rows.append([name, *(f"{getattr(size, key):.0f}{'*' if key in beyond else ' '}" for key in heads)])
    rows.append(["limit", *(f"{LIMITS[key]} " for key in heads)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *rest in rows:
        columns = zip(rest, widths[1:], strict=True)
        lines.append("  ".join([first.ljust(widths[0]), *(text.rjust(width) for text, width in columns)]).rstrip())
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Print the table; returns 1 if a lesson exceeds a limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="numbers of lessons, such as 01 04b A4; all where left out")
    options = parser.parse_args(arguments)
    chosen = {lesson.stem for lesson in find_lessons(ROOT / "notebooks", options.lessons)}
    found = {name: size for name, size in sizes().items() if name in chosen}
    print(table(found))
    return int(any(size.beyond() for size in found.values()))


if __name__ == "__main__":
    sys.exit(main())
