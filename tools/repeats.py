"""The lessons again and again, with other seeds: `make repeats` (an hour and more, on a quiet machine).

Every seed that a lesson or the library sets is moved by the run's number; run 0 is the lesson as it stands. A run goes
on where a figure lies outside its band, so that one run tells all. tools/spread.csv then holds each figure's value in
every run beside its band, and the band that the spread asks for: four standard deviations to either side of the mean.
tests/course/test_repeats.py holds that the lessons' bands are at least as wide, and that the table is about these
lessons.

Of an experiment with a table in data/draws only draw 0 runs, so it alone is of the moved seed; the table stays. A mean
of five draws then moves by a fifth of what one draw does, and draw 0 is compared with the table's, which had another
seed: such figures are marked "shipped", are no test of a band, and stand in the table for the lesson as it is.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

from bertcourse.figures import Figure, collect
from bertcourse.lessons import find_lessons

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "tools" / "spread.csv"
BUILD = ROOT / "build" / "repeats"
DEVIATIONS = 4
TIMED = {  # measured with a clock: they differ from run to run and from machine to machine
    "exponent of the T × T part's time in T",
    "compiled against readable code, speed",
    "heap and index against the naive trainer, speed",
    "BERT-base's pretraining on this machine",
    "bfloat16 products against float32",
    "ours against the plain loop",
    "utilisation of the measured peak, ours",
    "formula against fused kernel, forward and backward, this CPU",
    "matrix products' share of an update",
    "part of the gain that is work left out",
    *(f"time grows with {letter} to the power" for letter in "TDLV"),
    "speed of fine_tune against the plain loop",
}
SHIPPED = "largest difference between here and the shipped table"  # of draws_of: with a moved seed it is another draw's

# Put before a lesson's first cell.
MOVE_SEEDS = """
import numpy, torch

def moved(set_seed, move):
    return lambda seed=None, *rest, **named: set_seed(seed if seed is None else move(seed), *rest, **named)

def entropy(seed):
    if isinstance(seed, (int, numpy.integer)):
        return [seed, RUN]
    return [*seed, RUN] if isinstance(seed, (list, tuple)) else seed

numpy.random.default_rng = moved(numpy.random.default_rng, entropy)
torch.manual_seed = torch.random.manual_seed = moved(torch.manual_seed, lambda seed: seed + 1_000_003 * RUN)
"""


def moved_seeds(run: int) -> str:
    """The cell that makes this run."""
    return MOVE_SEEDS.replace("RUN", str(run))


def short(number: float) -> str:
    """A number as the table has it: six significant digits, whole numbers in full."""
    return f"{number:.0f}" if float(number).is_integer() else f"{number:.6g}"


def repeat(lesson: Path, run: int) -> nbformat.NotebookNode:
    """Run one lesson in a fresh kernel with its seeds moved; give the executed notebook and keep it under build/."""
    notebook = nbformat.read(lesson, as_version=4)
    if run:
        notebook.cells.insert(0, new_code_cell(moved_seeds(run), id="seeds"))
    client = NotebookClient(
        notebook,
        allow_errors=True,
        resources={"metadata": {"path": lesson.parent}},
        extra_arguments=["--IPKernelApp.log_level=40"],  # kernels otherwise warn that loopback is not encrypted
    )
    started = time.perf_counter()
    client.execute(env=os.environ | {"BERT_COURSE_BANDS": "shown"})  # no figure stops the lesson
    notebook.metadata["seconds"] = round(time.perf_counter() - started)
    path = BUILD / str(run) / lesson.name
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return notebook


def failures(notebook: nbformat.NotebookNode) -> list[str]:
    """The cells that raised, in words."""
    return [
        f"cell {number}: {output.ename}: {output.evalue.strip()[:300]}"
        for number, cell in enumerate(notebook.cells)
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]


def wanted_band(values: list[float]) -> tuple[float, float]:
    """Four standard deviations of the runs to either side of their mean."""
    mean, deviation = statistics.mean(values), statistics.stdev(values)
    return mean - DEVIATIONS * deviation, mean + DEVIATIONS * deviation


def write_table(lessons: list[Path], runs: list[int]) -> None:
    """tools/spread.csv from the executed notebooks under build/, and run 0 again as the lessons themselves hold it."""
    rows = []
    for lesson in lessons:
        paths = [*(BUILD / str(run) / lesson.name for run in runs), lesson]
        found = [collect(nbformat.read(path, as_version=4)) for path in paths]
        for path, figures in zip(paths, found, strict=True):
            if [figure.name for figure in figures] != [figure.name for figure in found[-1]]:
                raise ValueError(f"{path.relative_to(ROOT)} has other figures than the lesson: run it again")
        for *figures, stored in zip(*found, strict=True):
            values = [float(short(figure.value)) for figure in figures]  # as they are written
            spread = (statistics.mean(values), statistics.stdev(values), *wanted_band(values))
            numbers = (stored.low, stored.high, *spread, *values, stored.value)
            timed = "timed" if stored.name in TIMED else "shipped" if stored.name.endswith(SHIPPED) else ""
            rows.append([lesson.stem, stored.name, stored.unit, timed, *map(short, numbers)])
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        head = ["lesson", "figure", "unit", "timed", "low", "high", "mean", "deviation", "asks low", "asks high"]
        table.writerow([*head, *(f"run {run}" for run in runs), "run 0 again"])
        table.writerows(rows)


def main(arguments: list[str] | None = None) -> int:
    """Run, say what failed, write the table; returns 1 if a cell raised or a figure lay outside its band."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="numbers of lessons, such as 01 07; all where left out")
    parser.add_argument("--runs", default="0,1,2,3,4", help="numbers of the runs, such as 0,1,2 (default: %(default)s)")
    parser.add_argument("--table", action="store_true", help="only write the table, from runs done before")
    options = parser.parse_args(arguments)
    runs = [int(run) for run in options.runs.split(",")]
    lessons = find_lessons(ROOT / "notebooks", options.lessons)
    bad = 0
    for run in [] if options.table else runs:
        for lesson in lessons:
            notebook = repeat(lesson, run)
            outside: list[Figure] = [figure for figure in collect(notebook) if not figure.ok]
            problems = failures(notebook) + [str(figure) for figure in outside]
            bad += bool(problems)
            print(f"run {run}, {lesson.stem}: {notebook.metadata['seconds']} s", *problems, sep="\n    ", flush=True)
    if len(runs) > 1 and not options.lessons:
        write_table(lessons, runs)
        print(f"{TABLE.relative_to(ROOT)} written")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
