"""Writes the lessons' minutes where a reader looks for them, from notebooks/budget.toml: `python tools/budget.py`.

They stand in README's table and under it, in lesson 00's table, and in each lesson's first cell: "5" where all machines
of the table take as long, "5 to 10" where they do not. tests/house/test_budget.py holds that all say the same.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from bertcourse.run import read_budget

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "notebooks" / "budget.toml"

NUMBER = r"½|\d+"
MINUTES = rf"(?:{NUMBER})(?: to \d+)?"
IN_LESSON = re.compile(rf"(?<=\btake )(?:about|under) (?:a|{MINUTES}) minutes?\b")
IN_ALL = re.compile(rf"(?<=\bThe ten lessons take ){MINUTES}(?= minutes in all\b)")


def number(seconds: float) -> str:
    """Seconds as whole minutes, or a half where it is less than three quarters of one."""
    return "½" if seconds < 45 else f"{seconds / 60:.0f}"


def minutes(seconds: dict[str, float]) -> str:
    """What a table says of a lesson: "5", or from the fastest machine to the slowest, "5 to 10"."""
    fastest, slowest = number(min(seconds.values())), number(max(seconds.values()))
    return fastest if fastest == slowest else f"{fastest} to {slowest}"


def words(seconds: dict[str, float]) -> str:
    """What a lesson's first cell says: "about a minute", "about 5 to 10 minutes"."""
    found = minutes(seconds)
    return {"½": "under a minute", "1": "about a minute"}.get(found, f"about {found} minutes")


def row(name: str, linked: bool) -> re.Pattern:
    """A lesson's row in a table, but for its minutes: README's has a link and a column behind, lesson 00's has not."""
    if linked:
        return re.compile(rf"(?m)(\(notebooks/{name}\.ipynb\) \|.*\| ){MINUTES}( \|[^|\n]*\|)$")
    return re.compile(rf"(?m)(^\| {name.replace('_', ' ')} \|.*\| ){MINUTES}( \|)$")


def wanted(text: str, budget: dict[str, dict[str, float]], lesson: str = "") -> str:
    """A text with the table's minutes: README, or with the name of a lesson that lesson's cell.

    Raises:
        ValueError: a place where they belong is not there.
    """

    def write(pattern: re.Pattern, replacement, where: str) -> str:
        new, count = pattern.subn(replacement, text)
        if count != 1:
            raise ValueError(f"{where}: the minutes should stand there once, they stand there {count} times")
        return new

    if lesson and lesson != "00_start_here":
        return write(IN_LESSON, words(budget[lesson]), lesson)
    for name, seconds in budget.items():
        text = write(row(name, not lesson), rf"\g<1>{minutes(seconds)}\g<2>", f"{lesson or 'README.md'}, row of {name}")
    if not lesson:
        machines = next(iter(budget.values()))
        total = {machine: sum(seconds[machine] for seconds in budget.values()) for machine in machines}
        text = write(IN_ALL, minutes(total), "README.md, sum")
    return text


def cell_of(notebook: dict, lesson: str) -> dict:
    """The cell that names the minutes: the first, in lesson 00 the one with the table.

    Raises:
        ValueError: lesson 00 has no such table.
    """
    if lesson != "00_start_here":
        return notebook["cells"][0]
    for cell in notebook["cells"]:
        if "| 00 start here |" in "".join(cell["source"]):
            return cell
    raise ValueError(f"{lesson}: no table of lessons")


def changes(root: Path = ROOT) -> dict[Path, str]:
    """The files whose minutes are not the table's -> their text as it should be.

    Raises:
        ValueError: a place where they belong is not there.
    """
    budget = read_budget(root / "notebooks" / "budget.toml")
    texts = {root / "README.md": wanted((root / "README.md").read_text(encoding="utf-8"), budget)}
    for lesson in budget:
        path = root / "notebooks" / f"{lesson}.ipynb"
        text = path.read_text(encoding="utf-8")
        notebook = json.loads(text)
        cell = cell_of(notebook, lesson)
        source = "".join(cell["source"])
        new = wanted(source, budget, lesson)
        if new != source:
            cell["source"] = new.splitlines(keepends=True)
            text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
        texts[path] = text
    return {path: text for path, text in texts.items() if path.read_text(encoding="utf-8") != text}


def main() -> int:
    """Write, and say what was written."""
    for path, text in changes().items():
        path.write_text(text, encoding="utf-8", newline="\n")
        print(f"{path.relative_to(ROOT)}: minutes written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
