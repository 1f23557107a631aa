"""Runs the lessons: in order, each in a fresh kernel, and reports their figures and what took longer than planned.

A lesson that passed is not run again until something that it rests on has changed; build/passed.json keeps note.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import logging
import os
import platform
import subprocess  # nosec B404 - git is started, with fixed arguments
import sys
import time
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bertcourse.figures import Figure, collect
from bertcourse.lessons import find_lessons
from bertcourse.profile import get_profile

ROOT = Path(__file__).resolve().parents[1]
RECORD = "passed.json"  # in the build folder: lesson -> what it rested on when it last passed, its seconds, the day
SETTINGS = "BERT_COURSE_"  # how the environment variables begin that change a lesson


@dataclass
class LessonResult:
    """How one lesson's run went.

    Attributes:
        lesson: the notebook's name without its ending.
        seconds: wall time.
        figures: what it measured.
        error: empty, or where and why it stopped.
        passed: empty if it was run now; else the day on which it passed, since when nothing that it rests on changed.
    """

    lesson: str
    seconds: float
    figures: list[Figure] = field(default_factory=list)
    error: str = ""
    passed: str = ""


def run_lesson(lesson: Path, build: Path) -> LessonResult:
    """Execute one notebook in a fresh kernel; leave the executed copy and its HTML under build/."""
    import nbformat
    import papermill
    from nbconvert import HTMLExporter

    logging.getLogger("papermill").setLevel(logging.ERROR)  # its own messages repeat what is reported here
    executed = build / "notebooks" / lesson.name
    page = build / "html" / f"{lesson.stem}.html"
    for path in (executed, page):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
    result = LessonResult(lesson.stem, 0.0)
    started = time.perf_counter()
    try:
        papermill.execute_notebook(
            str(lesson),
            str(executed),
            cwd=str(lesson.parent),
            kernel_name="python3",
            progress_bar={"desc": lesson.stem, "mininterval": 0.2 if sys.stderr.isatty() else 10.0},
            extra_arguments=["--IPKernelApp.log_level=40"],  # kernels otherwise warn that loopback is not encrypted
        )
    except papermill.exceptions.PapermillExecutionError as error:
        result.error = f"cell {error.cell_index + 1} failed: {error.ename}: {str(error.evalue).strip()}"
    except Exception as error:  # a kernel that died, a notebook that cannot be read: report it, go on with the others
        result.error = f"{type(error).__name__}: {str(error).strip()}"
    result.seconds = time.perf_counter() - started
    if executed.is_file():
        notebook = nbformat.read(executed, as_version=4)
        result.figures = collect(notebook)
        html, _ = HTMLExporter().from_notebook_node(notebook, {"metadata": {"name": lesson.stem}})
        page.write_text(html, encoding="utf-8")
    return result


# ------------------------------------------------------------------------------- what has not changed is not run again


def digest_of(parts: Iterable[tuple[str, bytes]]) -> str:
    """One SHA-256 over named contents; the order in which they come does not matter."""
    whole = hashlib.sha256()
    for name, content in sorted(parts):
        whole.update(f"{name}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()


def committed(folder: str, root: Path) -> list[Path]:
    """The files of a folder that belong to the course: those that git knows, or all where git knows nothing."""
    try:
        listed = subprocess.run(  # nosec B603 B607 - no shell; git is the user's own
            ["git", "ls-files", "-z", "--", folder], cwd=root, capture_output=True, check=True
        ).stdout
        paths = [root / name for name in listed.decode().split("\0") if name]
    except (OSError, subprocess.CalledProcessError):  # no git, or a copy without its history
        paths = list((root / folder).rglob("*"))
    return [path for path in paths if path.is_file() and "__pycache__" not in path.parts]


def versions(root: Path) -> dict[str, str]:
    """What is installed of the packages that requirements.txt pins, and this Python."""
    from bertcourse.doctor import read_pins

    path, found = root / "requirements.txt", {"python": f"{platform.python_version()} {platform.machine()}"}
    for name in read_pins(path) if path.is_file() else ():
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "absent"
    return found


def foundations(root: Path = ROOT) -> dict[str, str]:
    """What every lesson rests on, as short texts to be compared: library, data, versions, profile and its settings."""
    code = [path for package in ("bertlib", "bertcourse") for path in (root / package).rglob("*.py")]
    code += (root / "bertcourse").rglob("*.toml")
    settings = {name: value for name, value in os.environ.items() if name.startswith(SETTINGS)}
    encoder = Path(settings.get(f"{SETTINGS}ENCODER") or os.devnull)
    weights = [path for path in encoder.rglob("*") if path.is_file()] if encoder.is_dir() else []

    def contents(paths: Iterable[Path], base: Path) -> Iterable[tuple[str, bytes]]:
        return ((path.relative_to(base).as_posix(), path.read_bytes()) for path in paths)

    return {
        "library": digest_of(contents(code, root)),
        "data": digest_of(contents(committed("data", root), root)),
        "versions": json.dumps(versions(root), sort_keys=True),
        "profile": json.dumps({"name": get_profile().name, **settings}, sort_keys=True),
        "encoder": digest_of(contents(weights, encoder)),
    }


def key_of(lesson: Path, shared: dict[str, str]) -> str:
    """One digest over all that a lesson's results rest on: its cells' sources, and what all lessons share.

    Outputs, execution counts and metadata of the stored notebook do not count.

    Raises:
        ValueError, KeyError: the file is no notebook.
    """
    cells = json.loads(lesson.read_text(encoding="utf-8"))["cells"]
    sources = [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
    parts = {"sources": json.dumps(sources), **shared}
    return digest_of((name, text.encode()) for name, text in parts.items())


def read_record(build: Path) -> dict[str, dict]:
    """What passed before; nothing if that was never written or cannot be read: then all is run."""
    try:
        record = json.loads((build / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    entries = record.items() if isinstance(record, dict) else ()
    return {name: entry for name, entry in entries if isinstance(entry, dict) and {*entry} >= {"key", "seconds", "day"}}


def passed_before(lesson: Path, build: Path, key: str) -> LessonResult | None:
    """The last run's result, if the lesson passed on the same foundations and its copy and page still lie there."""
    entry = read_record(build).get(lesson.stem, {})
    executed, page = build / "notebooks" / lesson.name, build / "html" / f"{lesson.stem}.html"
    if entry.get("key") != key or not page.is_file():
        return None
    import nbformat

    try:
        figures = collect(nbformat.read(executed, as_version=4))
    except Exception:  # it is gone, or something else wrote there
        return None
    return LessonResult(lesson.stem, entry["seconds"], figures, passed=entry["day"])


def remember(result: LessonResult, build: Path, key: str) -> None:
    """Note that a lesson passed on these foundations, or forget that it ever did."""
    record = read_record(build)
    record.pop(result.lesson, None)
    if not result.error:
        record[result.lesson] = {"key": key, "seconds": round(result.seconds, 1), "day": f"{datetime.now():%Y-%m-%d}"}
    build.mkdir(parents=True, exist_ok=True)
    written = build / f"{RECORD}.new"
    written.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    written.replace(build / RECORD)


# ----------------------------------------------------------------------------------------------- what it was to take


def read_budget(path: Path) -> dict[str, dict[str, float]]:
    """The table of seconds: lesson -> machine -> seconds.

    Raises:
        FileNotFoundError: it is not there. ValueError: it is no such table; the message names file, lesson and machine.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: {error}") from None
    machines = set(table.get("machines", {}))
    for lesson, seconds in table.get("seconds", {}).items():
        for machine in machines ^ set(seconds):
            raise ValueError(f"{path}: {lesson} and [machines] do not agree on {machine!r}: name it in both or neither")
        for machine, value in seconds.items():
            if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
                raise ValueError(f"{path}: {lesson}, {machine} is {value!r}: give seconds, such as 60")
    return table.get("seconds", {})


def this_machine() -> str:
    """Which column of the budget holds here: "bf16" or "avx2"; "" for a GPU, a rehearsal or another profile."""
    import torch

    from bertlib.device import pick_device, pick_dtype

    profile, device = get_profile(), pick_device()
    if device.type != "cpu" or profile.name != "mini" or profile.rows is not None:
        return ""
    return "bf16" if pick_dtype(device) == torch.bfloat16 else "avx2"


def over_budget(results: Sequence[LessonResult], budget: dict[str, dict[str, float]], machine: str) -> list[str]:
    """A line for each lesson that was run now and took longer than planned for such a machine."""
    lines = []
    for result in results:
        planned = budget.get(result.lesson, {}).get(machine)
        if planned is not None and not result.passed and result.seconds > planned:
            lines.append(f"{result.lesson} took {result.seconds:.0f} s, {planned:.0f} s are planned ({machine})")
    return lines


# ---------------------------------------------------------------------------------------------------------- the table


def summary(results: Sequence[LessonResult]) -> str:
    """One table: lesson, seconds, its figures, the band of each, verdict; what was not run again says since when."""
    rows = [("lesson", "seconds", "figure", "value", "expected", "")]
    for result in results:
        lines = [
            (figure.name, figure.show(figure.value), figure.band, "ok" if figure.ok else "OUT")
            for figure in result.figures
        ] or [("", "", "", "")]
        for number, line in enumerate(lines):
            first = (result.lesson, f"{result.seconds:.0f}") if number == 0 else ("", "")
            rows.append(first + line)
        if result.error:
            rows.append(("", "", result.error.splitlines()[0][:100], "", "", "FAILED"))
        if result.passed:
            rows.append(("", "", f"nothing changed since it passed on {result.passed}: not run again", "", "", ""))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for number, row in enumerate(rows):
        cells = [
            text.rjust(w) if column in (1, 3) else text.ljust(w)
            for column, (text, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
        if number == 0 or (number + 1 < len(rows) and rows[number + 1][0]):
            lines.append("-" * (sum(widths) + 2 * len(widths) - 2))
    return "\n".join(lines)


def run_course(
    folder: Path = Path("notebooks"), build: Path = Path("build"), only: Sequence[str] = (), *, force: bool = False
) -> int:
    """Run the lessons and print the table, and what took longer than budget.toml in the lessons' folder plans.

    Args:
        folder: where the lessons lie.
        build: where executed copies, pages and the record of what passed go.
        only: numbers of lessons; none for all.
        force: also run what has not changed since it passed.

    Returns:
        0, or 1 if a lesson failed.

    Raises:
        FileNotFoundError: the folder holds no lessons. ValueError: a number is no lesson's, or budget.toml is none.
    """
    lessons = find_lessons(folder, only)
    planned = folder / "budget.toml"
    budget = read_budget(planned) if planned.is_file() else {}
    print(f"{len(lessons)} lessons, profile {get_profile().name!r}", flush=True)
    shared, results = foundations(), []
    for number, lesson in enumerate(lessons, start=1):
        try:
            key = key_of(lesson, shared)
        except (ValueError, KeyError, TypeError):  # no notebook: running it says what is wrong
            key = ""
        result = None if force or not key else passed_before(lesson, build, key)
        if result is not None:
            print(f"\n[{number}/{len(lessons)}] {lesson.stem}: nothing changed since it passed", flush=True)
        else:
            print(f"\n[{number}/{len(lessons)}] {lesson.stem}", flush=True)
            result = run_lesson(lesson, build)
            remember(result, build, key)
        results.append(result)
        if result.error:
            print(f"FAILED: {lesson.stem}, {result.error}", flush=True)
    print("\n" + summary(results))
    minutes = sum(result.seconds for result in results if not result.passed) / 60
    failed = [result for result in results if result.error]
    print(f"\n{len(results) - len(failed)} of {len(results)} lessons went through, in {minutes:.1f} minutes.")
    if same := [result.lesson for result in results if result.passed]:
        print(f"Not run again, as nothing changed since they passed: {', '.join(same)}. FORCE=1 (--force) runs them.")
    for line in over_budget(results, budget, this_machine()) if budget else ():
        print(f"OVER BUDGET: {line}; see {planned}")
    print(f"Executed notebooks: {build / 'notebooks'}, pages: {build / 'html'}")
    for result in failed:
        print(f"FAILED: {result.lesson}, {result.error}")
    return 1 if failed else 0
