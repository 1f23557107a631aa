"""The questions about BBC News: whole, in their places, read twice; what their card says of them."""

import importlib.util
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from bertlib.data.bbc import read_bbc_articles
from bertlib.data.catalog import load
from bertlib.data.hub import DataChanged
from bertlib.data.questions import load_bbc_questions, read_questions

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "data" / "bbc_questions"
SIZES = {"train": 480, "validation": 180, "test": 340}


@pytest.fixture(scope="module")
def questions():
    return load("bbc_questions")


@pytest.fixture(scope="module")
def texts():
    return {article["id"]: article["text"] for article in read_bbc_articles()}


@pytest.fixture(scope="module")
def making():
    spec = importlib.util.spec_from_file_location("make_bbc_questions", ROOT / "data" / "make_bbc_questions.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_four_questions_an_article_and_a_quarter_without_an_answer(questions):
    assert {split: len(part) for split, part in questions.items()} == SIZES
    for part in questions.values():
        assert set(Counter(part["document"]).values()) == {4}
        none = sum(not answers["text"] for answers in part["answers"]) / len(part)
        assert 0.24 <= none <= 0.26
        assert len(set(Counter(part["label"]).values())) == 1  # as many of each section


def test_splits_are_those_of_the_articles(questions, texts):
    homes = {(row["title"], row["text"]): split for split, part in load("bbc_news").items() for row in part}
    titles = {(article["title"], article["text"]): article["id"] for article in read_bbc_articles()}
    split_of = {titles[key]: split for key, split in homes.items()}
    for split, part in questions.items():
        assert {split_of[document] for document in part["document"]} == {split}


def test_answers_are_whole_words_of_at_most_25(questions):
    for part in questions.values():
        for context, spans in zip(*read_questions(part)[1:], strict=True):
            for start, end in spans:
                assert context[start:end] == context[start:end].strip() and len(context[start:end].split()) <= 25
                for border in (context[max(start - 1, 0) : start + 1], context[end - 1 : end + 1]):
                    assert len(border) < 2 or not border.isalnum()


def test_no_question_comes_twice_and_none_is_made_by_a_template(questions):
    every = [question for part in questions.values() for question in part["question"]]
    assert len(set(every)) == len(every) == 1000
    openings = Counter(" ".join(question.lower().split()[:4]) for question in every)
    assert max(openings.values()) <= 0.03 * len(every)
    assert not any(re.search(r"(in|to) the (article|text)", question.lower()) for question in every)


def test_every_drawn_question_was_read_twice_and_decided(questions, texts):
    for split in ("validation", "test"):
        final = {row["id"]: row["answers"] for row in rows_of(FOLDER / f"{split}.jsonl")}
        passes = [
            {row["id"]: row["answers"] for row in rows_of(FOLDER / name / f"{split}.jsonl")}
            for name in ("pass_a", "pass_b")
        ]
        assert final.keys() == passes[0].keys() == passes[1].keys()
        for name, spans in final.items():
            assert all(any(span in one[name] for one in passes) for span in spans), name


def test_the_card_gives_the_agreement_of_the_stored_passes(making):
    card = " ".join((ROOT / "data" / "README.md").read_text(encoding="utf-8").split())
    found = making.agreement()
    for split in ("validation", "test"):
        row = found[split]
        assert (row["questions"], row["kappa"]) == (SIZES[split], 1)
        assert f"{split}: the same answer in {row['same answer']:.1%}, F1 {row['f1']:.3f}" in card


def test_disagreement_would_be_counted(making, tmp_path, monkeypatch):
    for name in ("", "pass_a", "pass_b"):
        (tmp_path / name).mkdir(exist_ok=True)
        for split in ("validation", "test"):
            rows = rows_of(FOLDER / name / f"{split}.jsonl")
            if name == "pass_b":
                rows[0]["answers"] = [] if rows[0]["answers"] else [[0, 3]]
            lines = [json.dumps(row) for row in rows]
            (tmp_path / name / f"{split}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    before = making.agreement()
    monkeypatch.setattr(making, "HERE", tmp_path)
    after = making.agreement()
    for split in before:
        assert after[split]["same answer"] < before[split]["same answer"] and after[split]["kappa"] < 1


@pytest.mark.parametrize("change", ["span", "question", "line"])
def test_what_was_altered_is_named(change, tmp_path):
    for split in SIZES:
        lines = (FOLDER / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
        if split == "validation":
            row = json.loads(lines[2])
            if change == "span":
                row["answers"] = [[1, 5]]
            elif change == "question":
                row["question"] += " "
            lines[2] = "{" if change == "line" else json.dumps(row)
        (tmp_path / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(DataChanged, match=r"validation.jsonl, line 3: .*; restore the file"):
        load_bbc_questions(tmp_path)


def test_readers_lines_are_checked(making, tmp_path):
    (tmp_path / "sheet.txt").write_text("=== a/1\nTITLE: T\nTEXT:\nOne, two and two.\n\n", encoding="utf-8")
    rows = [
        {"document": "a/1", "question": "Who?", "answer": "two"},
        {"document": "a/1", "question": "What?", "answer": "tw", "quote": "One, two"},
        {"document": "a/2", "question": "Why?", "answer": ""},
        {"document": "a/1", "question": "How?", "answer": "two", "quote": "One, two"},
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = "\n".join(making.faults(tmp_path / "sheet.txt", tmp_path / "rows.jsonl"))
    for line in (
        "line 1: 'two' stands 2 times",
        "line 2: 'tw' begins or ends within a word",
        "line 3: 'a/2'",
        "a/1: 3 questions",
    ):
        assert line in found
    assert "line 4" not in found
