"""The building firm's questions and answers: read from a made file, and the real ones counted."""

from collections import Counter

import pytest
from test_archives import needs

from bertcourse.data import faq
from bertcourse.data.faq import load_faq
from bertcourse.desk.run import faq_entries

FILE = """id,category,q,a,sources
vvs-001,vvs,"Who mends a ""dripping"" tap?","A plumber, mostly.
Ask first.",Säker Vatten
vvs-002,vvs,Does it cost?,Yes.,Branschpraxis
"""


def test_columns_have_our_names_and_texts_stay_as_they_are(monkeypatch):
    def read_member(package, member):
        assert (package, member) == ("zaragoza-construction-faq", "zaragoza_construction_faq/data/faq-en.csv")
        return FILE.encode()

    monkeypatch.setattr(faq, "read_member", read_member)
    assert load_faq().to_list() == [
        {
            "id": "vvs-001",
            "category": "vvs",
            "question": 'Who mends a "dripping" tap?',
            "answer": "A plumber, mostly.\nAsk first.",
            "sources": "Säker Vatten",
        },
        {"id": "vvs-002", "category": "vvs", "question": "Does it cost?", "answer": "Yes.", "sources": "Branschpraxis"},
    ]


@pytest.fixture(scope="module")
def rows():
    needs("zaragoza-construction-faq")
    return load_faq()


def test_the_faq_holds_so_many(rows):
    assert rows.column_names == ["id", "category", "question", "answer", "sources"]
    assert {name: len(set(rows[name])) for name in rows.column_names} == {
        "id": 503,
        "category": 39,
        "question": 497,
        "answer": 503,
        "sources": 311,
    }
    assert all(text == text.strip() != "" for row in rows for text in row.values())
    sizes = Counter(rows["category"])
    assert (max(sizes.values()), min(sizes.values()), sizes["rot-avdrag"]) == (30, 7, 30)
    words = sorted(len(text.split()) for text in rows["answer"])
    assert (words[0], words[251], words[-1]) == (17, 33, 77)
    words = sorted(len(text.split()) for text in rows["question"])
    assert (words[0], words[251], words[-1]) == (3, 7, 15)


def test_six_questions_of_the_faq_stand_twice_with_two_answers(rows):
    counts = Counter(rows["question"])
    twice = [row for row in rows if counts[row["question"]] == 2]
    assert max(counts.values()) == 2 and len(twice) == 12
    pairs = {
        row["question"]: sorted(other["id"] for other in twice if other["question"] == row["question"]) for row in twice
    }
    assert pairs["Does RUT apply to holiday homes?"] == ["rut-006", "rut-014"]
    assert len({row["answer"] for row in twice}) == 12


def test_what_the_card_of_the_faq_says_of_its_answers(rows):
    assert sum("Zaragoza" in row["answer"] for row in rows) == 62
    assert sum("SEK" in row["answer"] for row in rows) == 68
    assert sum("Helsingborg" in row["answer"] for row in rows) == 11


def test_it_becomes_the_entries_of_a_desk(rows):
    entries = faq_entries()
    assert [entry.id for entry in entries] == rows["id"][:]
    assert entries[0].source == "PBL 9 kap.; Boverket" and entries[0].question == rows["question"][0]
