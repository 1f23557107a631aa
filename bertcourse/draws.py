"""Experiments that are repeated: one draw runs where you are, the others are read from what `tools/draws.py` made."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from bertcourse.figures import figure
from bertcourse.profile import PROFILES, Profile
from bertlib.files import data_folder
from bertlib.progress import progress_bar

ALL_DRAWS = "BERT_COURSE_ALL_DRAWS"  # where it is set, all draws run here, and the table is written
STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)  # t at 97.5 %, 1 to 9 degrees of freedom


def interval_of_mean(values: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of the mean of 2 to 10 draws, by Student's t; one draw alone says nothing: (-inf, inf)."""
    half = STUDENT[len(values) - 2] * np.std(values, ddof=1) / len(values) ** 0.5 if len(values) > 1 else np.inf
    return float(np.mean(values) - half), float(np.mean(values) + half)


def read_draws(path: Path) -> dict[int, dict[str, float]]:
    """A table's draws: number -> name -> value; none where there is no such file."""
    found: dict[int, dict[str, float]] = {}
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                found.setdefault(int(row["draw"]), {})[row["name"]] = float(row["value"])
    return found


def write_draws(path: Path, found: Mapping[int, Mapping[str, float]]) -> None:
    """The table of these draws, written beside its place and renamed into it."""
    beside = path.with_name(f"{path.name}.new")
    with beside.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["draw", "name", "value"])
        table.writerows([draw, name, value] for draw, values in found.items() for name, value in values.items())
    beside.replace(path)


def draws_of(
    name: str, one_draw: Callable[[int], Mapping[str, float]], profile: Profile, draws: int, *, within: float
) -> dict[str, np.ndarray]:
    """What an experiment gave in each of several draws: draw 0 from here and now, the others from data/draws/NAME.csv.

    That is so in the profile mini as it stands. In any other (full, another encoder) all draws run here; in a rehearsal
    draw 0 alone. With BERT_COURSE_ALL_DRAWS=1 mini runs all, too, and writes the table: after each draw into
    NAME.csv.part, from which a run that was cut short goes on. Delete that file after a change of the experiment.

    Args:
        name: of the table, such as "08_few_sentences".
        one_draw: number of the draw, 0 to `draws` - 1 -> name -> what was measured, the same names in every draw.
        within: how far any value of draw 0 may lie from that of the table's: another processor rounds otherwise, and
            trainings part from there. It is shown as a figure.

    Returns: name -> (draws,) values.

    Raises:
        ValueError: the table lacks a draw, or has other names than draw 0 gave. OutOfBand: see `within`.
    """
    mini = profile == PROFILES["mini"]
    making = mini and bool(os.environ.get(ALL_DRAWS))
    path = data_folder("draws") / f"{name}.csv"
    part, remedy = path.with_name(f"{path.name}.part"), f"make it anew: python tools/draws.py {name.partition('_')[0]}"
    found = read_draws(part if making else path) if mini else {}
    numbers = range(draws if profile.rows is None else 1)
    missing = [draw for draw in numbers if draw not in found]
    if mini and not making and missing:  # told before the draw that takes its time
        raise ValueError(f"{path} lacks draw {missing[0]}; {remedy}")
    shipped, running = found.get(0), [0] if mini and not making else missing
    for draw in progress_bar(running, what=name, unit="draws", show=len(running) > 1):
        found[draw] = {key: float(value) for key, value in one_draw(draw).items()}
        if making:
            write_draws(part, {number: found[number] for number in sorted(found)})
    for draw, values in (*found.items(), (0, shipped or found[0])):
        if other := sorted(values.keys() ^ found[0].keys()):
            raise ValueError(f"{part if making else path}, draw {draw}: {other} is not in both it and draw 0; {remedy}")
    if making:
        part.replace(path)
    elif mini:
        apart = max(abs(value - shipped[key]) for key, value in found[0].items())
        words = name.partition("_")[2].replace("_", " ")
        figure(f"{words}, draw 0: largest difference between here and the shipped table", apart, 0, within)
    return {key: np.array([found[draw][key] for draw in numbers]) for key in found[0]}
