"""What lesson 11 ships: each run is there once, scores are those of the predictions, the model still gives them."""

import csv
import importlib.util
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from bertlib.data.catalog import load
from bertlib.metrics.answers import answer_scores, best_threshold, score_each
from bertlib.tasks.answer import Answerer

FOLDER = Path(__file__).parents[2] / "data" / "answerer"
UNTRAINED = (
    "no answer",
    "first sentence",
    "longest overlap",
    "most frequent type",
    "TF-IDF sentence",
    "MiniLM sentence",
)


def table(name):
    with (FOLDER / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def runs():
    return table("runs.csv")


@pytest.fixture(scope="module")
def questions():
    return load("bbc_questions")


def kept(reads, seed, split):
    path = FOLDER / f"predicted-{reads}-{seed}-{split}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_each_run_is_there_once(runs):
    keys = Counter((row["part"], row["way"], row["reads"], row["seed"], row["split"]) for row in runs)
    assert set(keys.values()) == {1}
    wanted = {("rows", way, "", "0", split) for way in UNTRAINED for split in ("validation", "test")}
    wanted |= {
        ("tuned", "all", reads, str(seed), split)
        for reads in ("found", "windows")
        for seed in range(3)
        for split in ("validation", "test")
    }
    wanted |= {
        ("tuned", way, "found", "0", split)
        for way in ("quac+ours", "blanks+ours", "blanks+quac")
        for split in ("validation", "test")
    }
    wanted |= {("yes_no", way, "", "0", "test") for way in ("majority", "TF-IDF", "MiniLM")}
    assert keys.keys() == wanted


def test_scores_are_those_of_the_predictions(runs, questions):
    found = {
        (row["reads"], row["seed"], row["split"]): row for row in runs if row["part"] == "tuned" and row["way"] == "all"
    }
    for (reads, seed, name), row in found.items():
        split, rows = questions[name], kept(reads, seed, name)
        assert [one["id"] for one in rows] == split["id"][:]
        said = [text[one["start"] : one["end"]] for text, one in zip(split["context"], rows, strict=True)]
        scores = answer_scores([answers["text"] for answers in split["answers"]], said)
        assert scores["f1"] == pytest.approx(float(row["f1"]), abs=1e-4)
        assert scores["has_answer"]["f1"] == pytest.approx(float(row["answerable_f1"]), abs=1e-4)
        assert np.isfinite([one["lead"] for one in rows]).all()


def test_the_model_gives_the_predictions_that_ship(questions):
    answerer, split, rows = Answerer.load(FOLDER), questions["test"], kept("windows", 0, "test")
    numbers = [0, 7, 61, 130, 250]
    found = answerer.candidates([split["question"][i] for i in numbers], [split["context"][i] for i in numbers])
    for number, (best, nothing) in zip(numbers, found, strict=True):
        one = rows[number]
        assert (best[0].start, best[0].end) == (one["start"], one["end"])
        assert nothing - best[0].score == pytest.approx(one["lead"], abs=0.02)


def test_the_threshold_is_the_best_of_validation(questions):
    split, rows = questions["validation"], kept("found", 0, "validation")
    gold = [answers["text"] for answers in split["answers"]]
    said = [text[one["start"] : one["end"]] for text, one in zip(split["context"], rows, strict=True)]
    f1 = [score_each(gold, given)[:, 1] for given in (said, [""] * len(gold))]
    assert Answerer.load(FOLDER).threshold == pytest.approx(best_threshold([one["lead"] for one in rows], *f1))


def test_three_sentences_were_measured_twice(runs):
    """sentences.csv is made from the folder that ships, runs.csv before it was stored."""
    rows = {row["sentences"]: row for row in table("sentences.csv")}
    assert list(rows) == ["1", "2", "3", "5", "8"]
    assert {row["questions"] for row in rows.values()} == {"135"}
    held = [float(row["held"]) for row in rows.values()]
    assert held == sorted(held) and held[0] > 0 and held[-1] < 1
    for row in rows.values():
        assert float(row["ahead_low"]) <= float(row["f1"]) - float(rows["3"]["f1"]) <= float(row["ahead_high"])
    wanted = {"part": "tuned", "way": "all", "reads": "found", "seed": "0", "split": "validation"}
    (stored,) = (row for row in runs if wanted.items() <= row.items())
    assert rows["3"]["exact"] == stored["answerable_exact"] and rows["3"]["f1"] == stored["answerable_f1"]


def test_a_part_of_the_row_of_three_sentences_again(questions, monkeypatch):
    monkeypatch.syspath_prepend(FOLDER.parent)  # it imports make_sentiment
    spec = importlib.util.spec_from_file_location("make_answerer", FOLDER.parent / "make_answerer.py")
    making = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(making)
    split = questions["validation"].select(range(16))  # four articles
    gold = [answers["text"] for answers in split["answers"]]
    said = [
        text[one["start"] : one["end"]]
        for text, one in zip(split["context"], kept("found", 0, "validation"), strict=False)
    ]
    again = making.sentences_scores(Answerer.load(FOLDER), split, 3)
    assert again[:, 1:] == pytest.approx(score_each(gold, said))
    assert set(again[:, 0]) == {0, 1} and not again[[not answers for answers in gold], 0].any()


def test_the_folder_of_adapters_is_small():
    names = ("adapter_model.safetensors", "adapter_config.json", "bertlib.json")
    assert sum((FOLDER / name).stat().st_size for name in names) <= 1_500_000
