"""Runs the lessons: in order, each in a fresh kernel, and reports their figures."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bertlib.figures import Figure, collect
from bertlib.runtime import get_profile


@dataclass
class LessonResult:
    """How one lesson's run went.

    Attributes:
        lesson: the notebook's name without its ending.
        seconds: wall time.
        figures: what it measured.
        error: empty, or where and why it stopped.
    """

    lesson: str
    seconds: float
    figures: list[Figure] = field(default_factory=list)
    error: str = ""


def find_lessons(folder: Path, only: Sequence[str] = ()) -> list[Path]:
    """The numbered notebooks of a folder, in order; with `only`, those whose names start with these numbers.

    Raises:
        FileNotFoundError: the folder holds no lessons. ValueError: a number of `only` is no lesson's.
    """
    lessons = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not lessons:
        raise FileNotFoundError(f"{folder}: no lessons (NN_name.ipynb) there; run from the root of the course")
    if not only:
        return lessons
    chosen = {number: [lesson for lesson in lessons if lesson.name.startswith(f"{number}_")] for number in only}
    for number, matches in chosen.items():
        if not matches:
            known = ", ".join(lesson.name[:2] for lesson in lessons)
            raise ValueError(f"ONLY names lesson {number!r}, which does not exist: choose among {known}")
    return sorted({match for matches in chosen.values() for match in matches})


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


def summary(results: Sequence[LessonResult]) -> str:
    """One table: lesson, seconds, its figures, the band of each, verdict."""
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


def run_course(folder: Path = Path("notebooks"), build: Path = Path("build"), only: Sequence[str] = ()) -> int:
    """Run the lessons and print the table.

    Returns:
        0, or 1 if a lesson failed.
    """
    lessons = find_lessons(folder, only)
    print(f"{len(lessons)} lessons, profile {get_profile().name!r}", flush=True)
    results = []
    for number, lesson in enumerate(lessons, start=1):
        print(f"\n[{number}/{len(lessons)}] {lesson.stem}", flush=True)
        results.append(run_lesson(lesson, build))
        if results[-1].error:
            print(f"FAILED: {lesson.stem}, {results[-1].error}", flush=True)
    print("\n" + summary(results))
    minutes = sum(result.seconds for result in results) / 60
    failed = [result for result in results if result.error]
    print(f"\n{len(results) - len(failed)} of {len(results)} lessons went through, in {minutes:.1f} minutes.")
    print(f"Executed notebooks: {build / 'notebooks'}, pages: {build / 'html'}")
    for result in failed:
        print(f"FAILED: {result.lesson}, {result.error}")
    return 1 if failed else 0
