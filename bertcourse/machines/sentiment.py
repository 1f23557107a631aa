"""Machines of lesson 10: how many raters one asks, and what a temperature moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bertcourse.data.rated import CLASSES, class_of
from bertcourse.data.raters import check_ratings, correlation
from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing
from bertcourse.machines.frame import Machine
from bertlib.metrics import classification_scores
from bertlib.metrics.calibration import (
    best_temperature,
    calibrated_range,
    check_gold,
    expected_calibration_error,
)

RATERS, FEWEST, MOST = 20, 10, 60  # raters that are kept, and sentences
TEXTS, WORDS = 10, 25  # so many sentences are quoted at most, and so long
STEPS = [2 ** (step / 8) for step in range(-16, 25)]  # temperatures, 0.25 to 8: each 9 % above the last
DRAWS = 200  # simulated calibrated models at each of them
ROWS, OF_CLASSES = 1000, 10


def asked_and_others(ratings: np.ndarray, asked: int, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Of each sentence (N, R) the mean of as many raters as asked, from the first on in a circle, and of the others."""
    turned = np.roll(ratings, -first, axis=1)
    return turned[:, :asked].mean(axis=1), turned[:, asked:].mean(axis=1)


def raters_asked(ratings: Sequence[Sequence[int]], texts: Mapping[int, str], seed: int = 0) -> Machine:
    """How many of twenty raters are asked, moved: how their mean agrees with that of all, and with that of the others.

    Args:
        ratings: of 10 to 60 sentences, whole numbers from −4 to 4, 20 at least. They are shuffled, each sentence's by
            themselves, and 20 are kept.
        texts: number of a sentence -> its text, to be looked at: one to ten of them, of at most 25 words.
        seed: of the shuffling.

    Raises:
        ValueError: too few or too many sentences, ratings, texts or words, or a rating off the scale; or a rater who
            gave all sentences the same.
    """
    rows = check_ratings(ratings)
    if not FEWEST <= len(rows) <= MOST:
        raise ValueError(f"ratings: {len(rows)} sentences; give {FEWEST} to {MOST}")
    for number, row in enumerate(rows):
        if len(row) < RATERS or (row % 1 != 0).any():
            raise ValueError(
                f"ratings: sentence {number} has {row.tolist()[:30]}; give whole numbers, {RATERS} or more, or "
                "leave it out"
            )
    if not 1 <= len(texts) <= TEXTS or any(not 0 <= number < len(rows) for number in texts):
        raise ValueError(f"texts has the keys {list(texts)[:12]}: give 1 to {TEXTS}, numbers of sentences, from 0")
    if long := [text for text in texts.values() if not 0 < len(text.split()) <= WORDS]:
        raise ValueError(f"texts: {long[0]!r:.60} has {len(long[0].split())} words; choose one of 1 to {WORDS}")
    rng = np.random.default_rng(seed)
    table = np.array([rng.permutation(row)[:RATERS] for row in rows]).astype(int)
    for asked in range(1, RATERS):
        for first in range(RATERS):
            if np.ptp(asked_and_others(table, asked, first)[0]) == 0:
                raise ValueError(f"ratings: {asked} raters gave all sentences the same mean: give others, or more")
    whole, found = table.mean(axis=1), {"all": [], "others": []}
    for first in range(RATERS):
        mine, others = asked_and_others(table, 1, first)
        for name, against in (("all", whole), ("others", others)):
            moved = sum(class_of(a) != class_of(b) for a, b in zip(mine, against, strict=True))
            found[name].append((correlation(mine, against), moved))
    data = {
        "ratings": table.tolist(),
        "texts": [[int(number), " ".join(text.split())] for number, text in sorted(texts.items())],
        "classes": list(CLASSES),
    }
    means = {name: np.mean(values, axis=0) for name, values in found.items()}
    picture = Drawing(
        f"One of {RATERS} raters is asked about each of {len(table)} sentences. The answers correlate with the means "
        f"of all {RATERS} with r = {means['all'][0]:.2f}, with the means of the {RATERS - 1} others with "
        f"{means['others'][0]:.2f}; {means['all'][1]:.1f} and {means['others'][1]:.1f} sentences get another class."
    )
    picture.text(280, 22, f"1 of {RATERS} raters asked, {len(table)} sentences", bold=True)
    cells = [["against the mean of", f"all {RATERS}", f"the {RATERS - 1} others"]]
    cells += [["r", *(f"{means[name][0]:.2f}" for name in means)]]
    cells += [["another class", *(f"{means[name][1]:.1f}" for name in means)]]
    picture.grid(MARGIN, 44, cells, (177, 34), tone=lambda i, j: "grey" if 0 in (i, j) else "plain")
    picture.text(280, 166, f"means over {RATERS} ways to ask one", size=SMALL, color=SOFT)
    question = (
        f"{RATERS} people rated each of {len(table)} sentences. Ask some of them, and compare the mean of what they "
        "say with the mean of the others, who were not asked. With how many asked do the two agree best (the largest "
        "r)? Guess first; then go there and press the button."
    )
    return Machine("raters_asked", "How many raters does one ask?", question, data, picture)


def shares_at(logits: np.ndarray, temperature: float) -> np.ndarray:
    """The softmax of logits (N, C), 0 at most, divided by a temperature."""
    weights = np.exp(logits / temperature)
    return weights / weights.sum(axis=1, keepdims=True)


def temperature_moved(
    validation: tuple[np.ndarray, Sequence[int]], test: tuple[np.ndarray, Sequence[int]], bins: int = 15
) -> Machine:
    """The temperature, moved on validation; the test split is opened once, when it is chosen.

    Args:
        validation, test: logits (N, C), or logarithms of probabilities, which serve as well, and class ids (N,).
        bins: of the reliability diagram and of ECE.

    Raises:
        ValueError: what `bertlib.metrics.calibration.check_gold` and `best_temperature` find wrong; more than 1,000
            rows or ten classes, not as many classes in both; bins outside 2 … 20; or the best temperature lies beyond
            the slider.
    """
    if isinstance(bins, bool) or bins not in range(2, 21):
        raise ValueError(f"bins={bins!r}: give a whole number from 2 to 20")
    tables, data = {}, {"bins": bins, "temperatures": [round(one, 4) for one in STEPS]}
    for name, (logits, gold) in (("validation", validation), ("test", test)):
        table, gold = check_gold(logits, gold, name)
        if len(table) > ROWS or table.shape[1] > OF_CLASSES:
            raise ValueError(
                f"{name} has the shape {table.shape}: give at most {ROWS} rows and {OF_CLASSES} classes; the first "
                "rows of a shuffled split will do"
            )
        thousandths = np.rint(1000 * (table - table.max(axis=1, keepdims=True))).astype(int)
        tables[name] = thousandths / 1000, gold
        data[name] = {"logits": thousandths.tolist(), "gold": gold.tolist()}
    if tables["validation"][0].shape[1] != tables["test"][0].shape[1]:
        raise ValueError(
            f"validation has {tables['validation'][0].shape[1]} classes, test {tables['test'][0].shape[1]}: give "
            "logits of the same model"
        )
    best = best_temperature(*tables["validation"])
    if not STEPS[0] < best < STEPS[-1]:
        raise ValueError(
            f"validation: its best temperature is {best:.3g}, beyond the slider, {STEPS[0]:g} to {STEPS[-1]:g}; look "
            "at what computed the logits"
        )
    data["ranges"] = []
    for one in data["temperatures"]:
        ends = calibrated_range(shares_at(tables["test"][0], one), bins=bins, draws=DRAWS)
        data["ranges"].append([round(end, 4) for end in ends])
    table, gold = tables["validation"]
    probabilities = shares_at(table, 1.0)
    scores = classification_scores(probabilities, gold)
    ece = expected_calibration_error(probabilities, gold, bins)
    shown = [f"{scores['loss']:.3f}", f"{100 * scores['accuracy']:.1f} %", f"{100 * ece:.1f} %"]
    shown.append(f"{100 * probabilities.max(axis=1).mean():.1f} %")
    picture = Drawing(
        f"At temperature 1 the {len(gold)} validation rows have a loss of {shown[0]}, an accuracy of {shown[1]}, an "
        f"ECE of {shown[2]} and a mean confidence of {shown[3]}. The test split is closed."
    )
    picture.text(280, 22, "temperature 1.00: as the model said it", bold=True)
    heads = ["", "loss", "accuracy", "ECE", "confidence"]
    cells = [heads, ["validation", *shown], ["test", *["closed"] * 4]]
    picture.grid(MARGIN, 44, cells, (106, 34), tone=lambda i, j: "grey" if 0 in (i, j) else "plain")
    question = (
        "All logits are divided by a temperature. For which one is the loss of the validation split least, and which "
        "of the four figures in the table did not move at all on the way there? When you are sure, open the test "
        "split: once."
    )
    return Machine("temperature_moved", "As sure as it is right", question, data, picture)
