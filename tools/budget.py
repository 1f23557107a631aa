"""Writes the lessons' times where a reader looks for them: `python tools/budget.py`.

Two kinds: how long a lesson takes to work through, counted by tools/lesson_size.py (text, code, exercises, machine) and
rounded to five minutes; and how long its cells compute, from notebooks/budget.toml: "5" where all machines of the table
take as long, "5 to 10" where they do not. They stand in each lesson's first cell, in README's table and under it, and
in lesson 00's table, beside the lessons and hours of the routes of notebooks/routes.toml. tests/house/test_budget.py
holds that all say the same.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from lesson_size import Size, sizes

from bertcourse.lessons import number_of, parent_of, read_routes
from bertcourse.run import read_budget

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "notebooks" / "budget.toml"

NUMBER = r"½|\d+"
MINUTES = rf"(?:{NUMBER})(?: to \d+)?"
COMPUTES = re.compile(rf"(?<=\btake )(?:about|under) (?:a|{MINUTES}) minutes?\b")
WORKS = re.compile(r"(?<=\*\*Time\*\* )about (?:an hour|\d+ minutes)(?= to work through\b)")
COMPUTES_IN_ALL = re.compile(rf"(?<=\bcells compute for ){MINUTES}(?= minutes in all\b)")
WORKS_IN_ALL = re.compile(r"(?<=\bAll lessons take about )\d+(?= hours\b)")
FIRST = "00_start_here"  # the lesson that has the table


def number(seconds: float) -> str:
    """Seconds as whole minutes, or a half where it is less than three quarters of one."""
    return "½" if seconds < 45 else f"{seconds / 60:.0f}"


def minutes(seconds: Mapping[str, float]) -> str:
    """How long cells compute: "5", or from the fastest machine to the slowest, "5 to 10"."""
    fastest, slowest = number(min(seconds.values())), number(max(seconds.values()))
    return fastest if fastest == slowest else f"{fastest} to {slowest}"


def words(seconds: Mapping[str, float]) -> str:
    """The same in a lesson's first cell: "about a minute", "about 5 to 10 minutes"."""
    found = minutes(seconds)
    return {"½": "under a minute", "1": "about a minute"}.get(found, f"about {found} minutes")


def about(working: float) -> int:
    """Minutes to work through a lesson, rounded to five."""
    return max(5, 5 * round(working / 5))


def hours(working: float) -> int:
    """Minutes as whole hours, at least one."""
    return max(1, round(working / 60))


def row(name: str, linked: bool) -> re.Pattern:
    """A lesson's row in a table, but for its minutes: README's has a link and a column behind, lesson 00's has not."""
    if linked:
        return re.compile(rf"(?m)(\(notebooks/{name}\.ipynb\) \|.*\| ){MINUTES}( \|[^|\n]*\|)$")
    return re.compile(rf"(?m)(^\| {name.replace('_', ' ')} \|.*\| ){MINUTES}( \|)$")


def route_hours(routes: Mapping[str, list[str]], found: Mapping[str, Size]) -> dict[str, int]:
    """How long each route takes, second parts (04b) of its lessons included."""
    return {
        name: hours(sum(about(s.minutes) for lesson, s in found.items() if on_route(lesson, lessons)))
        for name, lessons in routes.items()
    }


def on_route(lesson: str, numbers: list[str]) -> bool:
    """Whether a lesson or its second part is one of these; an appendix is on no route."""
    number = number_of(lesson)
    return not number.startswith("A") and parent_of(number) in numbers


def with_routes(text: str, routes: Mapping[str, list[str]], found: Mapping[str, Size], where: str) -> str:
    """A table of routes with their lessons and hours, | **use it** | 04, 04b | 3 |. Raises ValueError if one lacks."""
    for name, time in route_hours(routes, found).items():
        pattern = re.compile(rf"(?m)^(\| \*\*{name}\*\*.*\| )[^|\n]*( \| )\d+( \|)$")
        listed = ", ".join(number_of(lesson) for lesson in found if on_route(lesson, routes[name]))
        text = write(text, pattern, rf"\g<1>{listed}\g<2>{time}\g<3>", f"{where}, row of the route {name}")
    return text


def write(text: str, pattern: re.Pattern, replacement: str, where: str) -> str:
    """The text with what the pattern finds replaced.

    Raises:
        ValueError: it does not stand there once.
    """
    new, count = pattern.subn(replacement, text)
    if count != 1:
        raise ValueError(f"{where}: the minutes should stand there once, they stand there {count} times")
    return new


def in_lesson(text: str, seconds: Mapping[str, float], size: Size, name: str) -> str:
    """A lesson's first cell with its times. Raises ValueError if there is no place for them."""
    text = write(text, WORKS, f"about {about(size.minutes)} minutes", f"{name}, **Time** about … to work through")
    return write(text, COMPUTES, words(seconds), f"{name}, the cells take about …")


def in_table(text: str, found: Mapping[str, Size], linked: bool, where: str) -> str:
    """A table of lessons with the minutes to work through each. Raises ValueError if it lacks a lesson's row."""
    for name, size in found.items():
        text = write(text, row(name, linked), rf"\g<1>{about(size.minutes)}\g<2>", f"{where}, row of {name}")
    return text


def in_readme(text: str, budget: Mapping[str, Mapping[str, float]], found: Mapping[str, Size]) -> str:
    """README with the minutes of its table and the sums under it. Raises ValueError if there is no place for one."""
    text = in_table(text, found, True, "README.md")
    machines = next(iter(budget.values()))
    computing = {machine: sum(seconds[machine] for seconds in budget.values()) for machine in machines}
    text = write(text, COMPUTES_IN_ALL, minutes(computing), "README.md, the cells compute for … in all")
    working = sum(about(size.minutes) for size in found.values())
    return write(text, WORKS_IN_ALL, str(hours(working)), "README.md, All lessons take about … hours")


def table_of(cells: list[dict]) -> int:
    """The place of lesson 00's cell with the table.

    Raises:
        ValueError: there is none.
    """
    for place, cell in enumerate(cells):
        if "| 00 start here |" in "".join(cell["source"]):
            return place
    raise ValueError(f"{FIRST}: no table of lessons")


def changes(root: Path = ROOT) -> dict[Path, str]:
    """The files whose times are not the right ones -> their text as it should be.

    Raises:
        ValueError: a place where they belong is not there.
    """
    budget, found = read_budget(root / "notebooks" / "budget.toml"), sizes(root)
    routes = read_routes(root / "notebooks" / "routes.toml")["routes"]
    readme = in_readme((root / "README.md").read_text(encoding="utf-8"), budget, found)
    texts = {root / "README.md": with_routes(readme, routes, found, "README.md")}
    for lesson, size in found.items():
        path = root / "notebooks" / f"{lesson}.ipynb"
        text = path.read_text(encoding="utf-8")
        notebook = json.loads(text)
        cells = notebook["cells"]
        new = {0: in_lesson("".join(cells[0]["source"]), budget[lesson], size, lesson)}
        if lesson == FIRST:
            place = table_of(cells)
            table = in_table(new.get(place, "".join(cells[place]["source"])), found, False, lesson)
            new[place] = with_routes(table, routes, found, lesson)
        if any("".join(cells[place]["source"]) != source for place, source in new.items()):
            for place, source in new.items():
                cells[place]["source"] = source.splitlines(keepends=True)
            text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
        texts[path] = text
    return {path: text for path, text in texts.items() if path.read_text(encoding="utf-8") != text}


def main() -> int:
    """Write, and say what was written."""
    for path, text in changes().items():
        path.write_text(text, encoding="utf-8", newline="\n")
        print(f"{path.relative_to(ROOT)}: times written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
