"""Machines of lesson 11: why a pair of tokens is no span, what the answers say, and a split that is opened once."""

import json

import pytest
from machine_cases.answers import BEFORE, GOLD, TOKENS, best, highest, span_by_hand, threshold_of_no_answer
from test_machines import HOST, data_of, opened

from bertcourse.machines import answers


def place(word, after=0):
    """Where a token of the window stands on the sliders."""
    return TOKENS.index(word, BEFORE + after) - BEFORE + 1


def moved(page, machine, change):
    opened(page, machine.html())
    page.evaluate(f"(change) => {{ {HOST}.machine.set(change); }}", change)
    assert page.wrong == []
    return page.locator("section").inner_text()


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (0, 3, "but no span: one of both is [CLS], which stands for “no answer” as first and as last token."),
        (3, 0, "but no span: one of both is [CLS]"),
        (place("the"), place("met"), "but no span: it ends before it begins."),
        (place("met"), place("summer"), "but no span: it has 32 pieces, more than 30."),
        (place("##ling"), place("met"), "but no span: it begins inside of a word."),
        (place("two"), place("baker"), "but no span: it ends inside of a word."),
        (place("baker"), place("##s"), "“bakers”: "),
        (0, 0, "“No answer”: "),
    ],
)
def test_it_says_why_a_pair_is_no_span(page, first, last, words):
    assert words in moved(page, span_by_hand(), {"first": first, "last": last})


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({}, "It is the right answer; “no answer” is worth"),
        ({"gold": (0, 0)}, "The text has no answer to this question; “no answer”"),
        ({"gold": (GOLD[0], GOLD[0] + 1)}, "The right answer is “bookshop”, which it overlaps"),
        ({"gold": (TOKENS.index("1896"),) * 2}, "The right answer is “1896”, elsewhere"),
        ({"start": "1896"}, "and no span: it ends before it begins."),
        ({"start": "row", "end": "."}, "and no span: it has 37 pieces, more than 30."),
        ({"start": "##ling", "end": "oxford"}, "and no span: it begins inside of a word."),
        ({}, "The best span keeps that start, with another end."),
        ({"start": "1896", "end": "oxford"}, "The best span keeps that end, with another start."),
        ({"start": "1896", "end": "row"}, "The best span has neither of the two."),
    ],
)
def test_what_the_best_span_teaches_is_told_from_the_scores(page, made, words):
    machine = span_by_hand(**made)
    data = json.loads(json.dumps(machine.data))
    opened(page, machine.html())
    status = page.locator(".answer")
    page.evaluate(f"(change) => {{ {HOST}.machine.set(change); }}", highest(data))
    assert status.inner_text() == (
        "Not answered yet. These are the highest start score and the highest end score of the text, and no span."
    )
    page.evaluate(f"(change) => {{ {HOST}.machine.set(change); }}", best(data))
    assert status.inner_text().startswith("✓ ") and words in status.inner_text()


def test_its_first_state_is_a_whole_word_and_not_the_answer():
    assert span_by_hand().data["begin"] == [1, 2], "the first word, of two pieces"
    # Highest by themselves are the start of "two" and the end of "one"; best is "one" alone.
    tokens, starts, ends = ["[CLS]", "why", "[SEP]", "one", "two", "[SEP]"], [0, 0, 0, 5, 5.5, 0], [0, 0, 0, 6, 0, 0]
    assert answers.span_by_hand(tokens, starts, ends, (0, 0)).data["begin"] == [2, 2], "the last word"


def test_a_token_is_moved_by_one(page):
    opened(page, span_by_hand().html())
    state = f"{HOST}.machine.state()"
    start = page.evaluate(state)
    page.get_by_role("button", name="last token: one to the right").click()
    page.get_by_role("button", name="first token: one to the left").click(click_count=3)
    assert page.evaluate(state) == {"first": 0, "last": start["last"] + 1}


def test_the_test_split_is_closed_until_a_threshold_is_chosen(page):
    opened(page, threshold_of_no_answer().html())
    table, slider, status = page.locator("table"), page.get_by_role("slider"), page.locator(".answer")
    assert table.inner_text().count("closed") == 4
    page.get_by_role("button", name="lower").click()
    assert page.evaluate(f"{HOST}.machine.state().at") == data_of("threshold_of_no_answer")["start"] - 1
    page.get_by_role("button", name="Open the test split").click()
    assert "closed" not in table.inner_text() and slider.is_disabled()
    assert status.inner_text() == ("Not answered yet. At another threshold the validation F1 is higher: start again.")
    page.get_by_role("button", name="Start again").click()
    assert table.inner_text().count("closed") == 4 and slider.is_enabled()


def test_a_question_whose_lead_is_the_threshold_is_answered():
    leads, answered, silent = [-1.0, 0.0, 0.5, 2.0], [1.0, 0.5, 0.0, 0.0], [0, 0, 1, 1]
    data = answers.threshold_of_no_answer((leads, answered, silent), (leads, answered, silent)).data
    assert data["low"] < -1000 and data["low"] + data["step"] * data["start"] == 0
    assert data["low"] + data["step"] * data["places"] == 2000, "at the right end every question is answered"
    assert [sum(kind) for kind in data["columns"]] == [2, 2]


@pytest.mark.parametrize(
    ("more", "chosen", "words"),
    [
        (
            0.0,
            0.0,
            "(60.0 % if the model always answers, 40.0 % if it never does). Here 0 happens to be best. A higher",
        ),
        (0.0, 0.5, "At 0 it is the same. "),
        (
            1.5,
            1.0,
            "At 0 it is 80.0 %: 3 questions with an answer get 66.7 % there instead of 100.0 %, and of 2 without one "
            "100.0 % are right instead of 100.0 %. ",
        ),
        (-1.5, -1.0, "At 0 it is 80.0 %: 3 questions with an answer get 100.0 % there instead of 100.0 %, and of 2"),
    ],
)
def test_zero_is_compared_with_the_best(page, more, chosen, words):
    """Three questions with an answer and two without, which a threshold of `more` tells apart."""
    split = [lead + more for lead in (-3, -2, -1, 1, 2)], [1, 1, 1, 0, 0], [0, 0, 0, 1, 1]
    machine = answers.threshold_of_no_answer(split, split)
    at = round((1000 * chosen - machine.data["low"]) / machine.data["step"])
    opened(page, machine.html())
    page.evaluate(f"(at) => {{ {HOST}.machine.set({{ at, opened: true }}); }}", at)
    told = page.locator(".answer").inner_text()
    assert told.startswith("✓ Threshold ") and words in told and told.endswith(", and no other gives more there.")
