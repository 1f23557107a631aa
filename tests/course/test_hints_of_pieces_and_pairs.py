"""The hints of lesson 03's and 04b's machines: each on one state that nearly answers its question."""

import pytest
from browser import chromium
from machine_cases import CASES
from test_machines import HOST, data_of, opened

from bertcourse.machines.wordpiece import MOST


@pytest.fixture(scope="module")
def page():
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 700, "height": 900})
        yield context.new_page()
        context.close()


def counts(**moved):
    data = data_of("merges_moved")
    return {
        "counts": [moved.get(word, count) for word, count in zip(data["words"], data["counts"], strict=True)],
        "step": data["steps"],
    }


def told(page, name, *changes):
    opened(page, CASES[name][0]().html())
    for change in changes:
        page.evaluate(f"(change) => {{ {HOST}.machine.set(change); }}", change)
    return page.locator(".answer").inner_text()


SEEN = {"few": True, "many": True}


@pytest.mark.parametrize(
    "name, state, hint",
    [
        ("greedy_pieces", {"text": "playable"}, "In playable, play stands at the start, so it has no ##."),
        ("greedy_pieces", {"text": "nplayable"}, "n is only a part of unplayable: give another beginning"),
        ("greedy_pieces", {"text": "oplayable"}, "Give a beginning of at least two letters."),
        ("greedy_pieces", {"text": "replayable"}, "In replayable, replay itself is a piece and took the p."),
        ("greedy_pieces", {"text": "☃☃playable playable ☃☃playable"}, "Give a beginning of at least two letters."),
        (
            "merges_moved",
            counts(stayed=MOST),
            "Now ##ayed is joined, and ##ed is not. stayed is too common now: try fewer.",
        ),
        ("merges_moved", counts(stayed=5, say=5), "Two counts differ; put one back."),
        ("merges_moved", counts(stayed=5, say=5, day=5), "3 counts differ; put all but one back."),
        ("merges_moved", counts(stayed=5) | {"step": 0}, "Go forward to see the merges."),
        (
            "windows_walked",
            {"heads": [True] * 5, "cuts": [0] * 5},
            "Nothing left over with 2 pairs; more are possible.",
        ),
        ("windows_walked", {"heads": [False] * 5, "cuts": [0] * 5}, "4 pairs, but a sentence is left over."),
        ("draw_false", {"other": True}, "First look without any rule: 1,000 drawn from 2 documents, and from 6."),
        ("draw_false", SEEN | {"other": True}, "Draw 1,000."),
        (
            "draw_false",
            SEEN | {"other": True, "next": True, "opening": True, "drawn": 1001},
            "No fault is left, but two",
        ),
    ],
)
def test_a_near_miss_has_its_hint(page, name, state, hint):
    assert told(page, name, state).startswith(f"Not answered yet. {hint}")


def test_the_sentence_follows_the_last_word_that_fits(page):
    assert told(page, "greedy_pieces", {"text": "outplayable xxplayable"}).startswith("✓ xxplayable becomes")


def test_what_is_drawn_without_rules_is_remembered_where_it_is_moved(page):
    told(page, "draw_false")
    slider, draw = page.get_by_role("slider"), page.get_by_role("button", name="Draw 1,000")
    seen = f"(({{few, many}}) => [few, many])({HOST}.machine.state())"
    assert page.evaluate(seen) == [False, False]
    draw.click()
    assert page.evaluate(seen) == [True, False]
    slider.fill("6")
    assert page.evaluate(seen) == [True, True]
    for _ in range(4):
        assert draw.is_enabled()
        draw.click()
    assert draw.is_disabled(), "5,000 are the most"
