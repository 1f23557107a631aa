"""The house as pyproject.toml declares it, and the table of it in CONTRIBUTING.md.

python tools/floors.py        writes the table anew, from the modules' first sentences
"""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("bertlib", "bertcourse")
BEGIN, END = "<!-- floors: made by tools/floors.py -->", "<!-- end of floors -->"


def declared(root: Path = ROOT) -> dict[str, list[list[str]]]:
    """Of each package its rooms by floor, from below; and "doors", the modules that may look up."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["floors"]


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Every module of both packages by its dotted name; a package's own __init__ has the package's name."""
    found = {}
    for path in sorted(path for package in PACKAGES for path in (root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room(module: str) -> str:
    """The room that a module stands in: "bertlib.text.spans" -> "bertlib.text"."""
    return ".".join(module.split(".")[:2])


def first_sentence(path: Path) -> str:
    """What a module's docstring begins with; the module is not imported."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return re.match(r".+?\.(?=\s|$)|.+|", docstring.replace("\n", " "))[0]


def table(root: Path = ROOT) -> str:
    """The rooms by floor, each with its files, as Markdown."""
    known, lines = modules(root), []
    for package in PACKAGES:
        lines += [f"| `{package}` | what is there |", "| --- | --- |"]
        for rooms in declared(root)[package]:
            for name in rooms:
                files = [module.rpartition(".")[2] for module in known if module.startswith(f"{package}.{name}.")]
                told = first_sentence(known[f"{package}.{name}"]).rstrip(".")
                lines.append(f"| `{name}` | {told}{': ' if files else ''}{', '.join(f'`{file}`' for file in files)} |")
            if rooms is not declared(root)[package][-1]:
                lines.append("| | |")
        lines.append("")
    return "\n".join(lines)


def with_table(text: str, root: Path = ROOT) -> str:
    """CONTRIBUTING.md with the table as it is now."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table(root)}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    contributing = ROOT / "CONTRIBUTING.md"
    contributing.write_text(with_table(contributing.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
