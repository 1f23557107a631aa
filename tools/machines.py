"""Writes the machines that are stored in the lessons anew, with the scripts as they are now.

    python tools/machines.py

A machine's output holds the scripts and its data. Where only a script has changed, running its lesson again would give
the same data in the new script; this does as much in a second. Where a function in `bertcourse/machines/` has changed
what it asks or gives, the lesson has to be run.
"""

from __future__ import annotations

import base64
import html
import json
import re
from dataclasses import dataclass
from pathlib import Path

from bertcourse.lessons import lessons_in
from bertcourse.machines.frame import Machine

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Picture:
    """The stored still picture, as a `Drawing` would show it."""

    image: str

    @property
    def alt(self) -> str:
        return html.unescape(re.search(r'alt="([^"]*)"', self.image)[1])

    def svg(self) -> str:
        return base64.b64decode(re.search(r'base64,([^"]*)"', self.image)[1]).decode("utf-8")

    def html(self) -> str:
        return self.image


def again(page: str) -> str:
    """The HTML of a stored machine, made from its own data with the scripts of now."""
    values, decoder, at = [], json.JSONDecoder(), page.index("\nmount(mark, ") + len("\nmount(mark, ")
    for _ in range(3):  # styles, what is told, data
        value, end = decoder.raw_decode(page, at)
        values.append(value)
        at = end + len(", ")
    _, told, data = values
    picture = Picture(re.search(r"<img [^>]*>", page)[0])
    return Machine(re.search(r"// machine: (\w+)", page)[1], told["title"], told["question"], data, picture).html()


def main() -> None:
    for path in lessons_in(ROOT / "notebooks"):
        notebook, changed = json.loads(path.read_text(encoding="utf-8")), 0
        for output in (output for cell in notebook["cells"] for output in cell.get("outputs", [])):
            page = "".join(output.get("data", {}).get("text/html", ""))
            if 'data-machine="' in page and (new := again(page)) != page:
                output["data"]["text/html"] = new.splitlines(keepends=True)
                changed += 1
        if changed:
            text = json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"
            path.write_text(text, encoding="utf-8")
            print(f"{path.relative_to(ROOT)}: {changed} machines written")


if __name__ == "__main__":
    main()
