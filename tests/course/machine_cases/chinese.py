"""Machines of lesson 21."""

from functools import cache

import numpy as np

from bertcourse.data.chinese import longest_words
from bertcourse.machines import chinese

PEOPLE = ["研究", "生命", "的", "起源"]
WORDS = ["研究", "研究生", "生命", "起源", "学生"]
SENTENCE = ["人民", "日报", "一月", "在", "北京", "出版", "社", "发行"]


@cache
def draws(seed, count=20):
    """The first draw hides nothing; one of the others is sure to leave parts of words in sight."""
    rng = np.random.default_rng(seed)
    rows = np.round(rng.random((count, sum(map(len, SENTENCE)))), 3)
    rows[0] = 0.9
    rows[5] = 0.9
    rows[5, [0, 3, 4, 7]] = 0.05
    return tuple(tuple(row.tolist()) for row in rows)


def longest_by_hand(words=WORDS):
    return chinese.longest_by_hand(PEOPLE, words)


def expected_cut(data, state):
    words = [word for word, out in zip(data["words"], state["out"], strict=True) if not out]
    return {"cut": longest_words(data["text"], words), "removed": sum(state["out"])}


def hidden_by_words(seed=0):
    return chinese.hidden_by_words(SENTENCE, draws(seed))


def expected_hidden(data, state):
    draw, share = data["draws"][state["draw"]], state["percent"] / 100
    hidden = chinese.hidden_in(SENTENCE, draw, share, state["whole"])
    alone = chinese.hidden_in(SENTENCE, draw, share, False)
    return {
        "hidden": hidden,
        "count": sum(hidden),
        "sight": chinese.parts_in_sight(SENTENCE, hidden),
        "byCharacter": chinese.parts_in_sight(SENTENCE, alone),
    }


def out(*places):
    return {"out": [place in places for place in range(len(WORDS))]}


CASES = {
    "longest_by_hand": (
        longest_by_hand,
        lambda: longest_by_hand([*WORDS, "究生"]),
        lambda rng, data: {"out": (rng.random(len(data["words"])) < 0.4).tolist()},
        expected_cut,
        lambda data: [out(0), out(2, 3), out(1)],
    ),
    "hidden_by_words": (
        hidden_by_words,
        lambda: hidden_by_words(1),
        lambda rng, data: {
            "draw": int(rng.integers(len(data["draws"]))),
            "percent": 5 * int(rng.integers(1, 11)),
            "whole": bool(rng.random() < 0.5),
        },
        expected_hidden,
        lambda data: [{"whole": True}, {"whole": False}, {"whole": True, "draw": 5}],
    ),
}


def hidden(words=SENTENCE, own=None):
    return chinese.hidden_by_words(words, draws(0) if own is None else own)


WRONG = {
    "one word": (lambda: longest_by_hand(WORDS[:1]), "1 words, 7 characters: give 2 to 8 words"),
    "nine words": (lambda: longest_by_hand([*WORDS, *WORDS]), "10 words, 7 characters"),
    "a word of people is missing": (lambda: longest_by_hand(WORDS[1:]), "words lacks ['研究']"),
    "a word of one character": (lambda: longest_by_hand([*WORDS, "的"]), "give words of two characters and more"),
    "cut as people do": (lambda: longest_by_hand([*WORDS[:1], *WORDS[2:]]), "is cut as people do"),
    "no single word": (lambda: longest_by_hand([*WORDS, "研究生命"]), "no single word, left out"),
    "a long sentence": (lambda: hidden(SENTENCE * 2), "characters, 20 draws: give 2 to 22"),
    "one draw": (lambda: hidden(own=draws(0)[:1]), "1 draws: give 2 to 22 characters, 2 to 60 draws"),
    "a short draw": (lambda: hidden(own=[*draws(0)[:3], (0.5,)]), "a draw has 1 numbers: give 14"),
    "nothing in sight": (lambda: hidden(own=draws(0)[:1] * 2), "give one draw with 3 or more"),
    "the first one already": (lambda: hidden(own=draws(0)[5:]), "and not the first"),
}
