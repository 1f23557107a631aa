"""Machines of lesson 11."""

from functools import cache

import numpy as np

from bertcourse.machines import answers
from bertlib.metrics.answers import answer_scores, score_each
from bertlib.text.answers import LONGEST, Reading, Spans, read_with_questions
from bertlib.text.windows import Pieces
from machine_cases.tagging import TOKENIZER

QUESTION = "Where did they meet?"
SENTENCE = (
    "Rowling met the two bakers of Llanfairpwllgwyngyll in a bookshop near Oxford, close to the river, in the wet "
    "summer of 1896."
)
TOKENS = [TOKENIZER.id_to_token(token) for token in read_with_questions(TOKENIZER, [QUESTION], [SENTENCE], 256)[0][0]]
BEFORE = TOKENS.index("[SEP]") + 1
GOLD = (TOKENS.index("books"), TOKENS.index("oxford"))


def scores(seed=0, start="books", end="row"):
    """Scores drawn at random, the right answer's higher; the highest are these two tokens' as first and as last."""
    starts, ends = np.random.default_rng(seed).normal(-3, 2, (2, len(TOKENS)))
    starts[GOLD[0]] += 9
    ends[GOLD[1]] += 9
    starts[TOKENS.index(start)], ends[TOKENS.index(end)] = starts.max() + 1, ends.max() + 1
    return starts, ends


def span_by_hand(seed=0, gold=GOLD, longest=LONGEST, **highest):
    return answers.span_by_hand(TOKENS, *scores(seed, **highest), gold, longest)


def draw_span(rng, data):
    most = len(data["tokens"]) - 1 - data["before"]
    first = int(rng.choice([0, 1, most, int(rng.integers(most + 1))]))
    near = min(most, first + int(rng.integers(4)))
    return {"first": first, "last": int(rng.choice([0, most, near, near, int(rng.integers(most + 1))]))}


@cache
def allowed(starts, ends, before, tokens):
    """Every span that the library may choose, by its places in the window, and the score of "no answer"."""
    window = tokens[before:-1]
    words = np.cumsum([not token.startswith("##") for token in window]) - 1
    pieces = Pieces([0] * len(window), [(0, 0)] * len(window), words.tolist(), (0, len(window)))
    spans = Spans(pieces, len(window) ** 2)
    spans.add(Reading(0, 0, len(window), before), np.array([starts, ends]).T / 100)
    return spans.scores, spans.nothing


def spans_of(data):
    return allowed(tuple(data["starts"]), tuple(data["ends"]), data["before"], tuple(data["tokens"]))


def expected_span(data, state):
    spans, nothing = spans_of(data)
    first, last = state["first"], state["last"]
    tokens = [place and data["before"] + place - 1 for place in (first, last)]
    none, start, end = first == last == 0, data["starts"][tokens[0]] / 100, data["ends"][tokens[1]] / 100
    is_span = (first - 1, last - 1) in spans
    above = sum(score > start + end + 1e-9 for score in spans.values())
    return {
        "first": tokens[0],
        "last": tokens[1],
        "start": start,
        "end": end,
        "sum": nothing if none else spans[first - 1, last - 1] if is_span else start + end,
        "none": none,
        "allowed": is_span or none,
        "above": above,
        "rank": above + 1 if is_span else None,
        "count": len(spans),
        "best": max(spans.values()),
        "nothing": nothing,
    }


def highest(data):
    """Places on the sliders of the highest start score and the highest end score of the window."""
    first, last = (int(np.argmax(data[name][data["before"] : -1])) + 1 for name in ("starts", "ends"))
    return {"first": first, "last": last}


def best(data):
    spans, _ = spans_of(data)
    first, last = max(spans, key=spans.get)
    return {"first": first + 1, "last": last + 1}


@cache
def recorded(seed, questions):
    """Questions with their right answers, what is given if anything is, and leads, many of them on a tenth."""
    rng = np.random.default_rng(seed)
    names = np.array(["anna", "bert", "carla", "dora", "emil", "frieda", "gustav", "hans"])
    gold, given = [], []
    for number in range(questions):
        right = " ".join(rng.choice(names, rng.integers(1, 4)))
        gold.append([right] if number % 4 else [])
        other = " ".join(rng.choice(names, rng.integers(1, 4)))
        given.append(right if rng.random() < 0.4 else other)
    answered = score_each(gold, given)[:, 1]
    leads = rng.normal(np.where(np.arange(questions) % 4, -3 - 3 * answered, 0.5), 2.5)
    leads[::2] = leads[::2].round(1)
    return gold, given, leads


def columns(seed, questions):
    gold, given, leads = recorded(seed, questions)
    return leads, score_each(gold, given)[:, 1], score_each(gold, [""] * questions)[:, 1]


def threshold_of_no_answer(seed=0):
    return answers.threshold_of_no_answer(columns(seed, 120), columns(seed + 1, 160))


def draw_threshold(rng, data):
    last = data["places"]
    return {"at": int(rng.choice([0, last, int(rng.integers(last + 1))])), "opened": bool(rng.random() < 0.3)}


def expected_threshold(data, state):
    found = {"threshold": (data["low"] + data["step"] * state["at"]) / 1000}
    for split, arguments in (("validation", (0, 120)), ("test", (1, 160))):
        gold, given, _ = recorded(*arguments)
        silent = np.array(data[split]["leads"]) / 1000 > found["threshold"]
        measured = answer_scores(gold, ["" if none else text for none, text in zip(silent, given, strict=True)])
        found[split] = {
            "f1": measured["f1"],
            "answerable": measured["has_answer"]["f1"],
            "none": measured["no_answer"]["f1"],
            "nothing": int(silent.sum()),
        }
    return found


def best_threshold(data):
    return int(
        np.argmax([expected_threshold(data, {"at": at})["validation"]["f1"] for at in range(data["places"] + 1)])
    )


CASES = {
    "span_by_hand": (
        span_by_hand,
        lambda: span_by_hand(seed=1),
        draw_span,
        expected_span,
        lambda data: [{"first": 0, "last": 0}, highest(data), best(data)],
    ),
    "threshold_of_no_answer": (
        threshold_of_no_answer,
        lambda: threshold_of_no_answer(seed=2),
        draw_threshold,
        expected_threshold,
        lambda data: [{"opened": True}, {"at": 0}, {"at": best_threshold(data), "opened": False}, {"opened": True}],
    ),
}

COLUMNS = columns(0, 40)


def by_hand(tokens=TOKENS, gold=GOLD, **settings):
    return answers.span_by_hand(tokens, *scores(), gold, **settings)


def at_threshold(leads=COLUMNS[0], answered=COLUMNS[1], silent=COLUMNS[2], test=COLUMNS):
    return answers.threshold_of_no_answer((leads, answered, silent), test)


def with_first(column, value):
    return [value, *column[1:]]


WRONG = {
    "padding after it": (lambda: by_hand([*TOKENS, "[PAD]"]), "give [CLS], a question, [SEP], a window, [SEP]"),
    "a piece of a word": (
        lambda: by_hand(gold=(BEFORE, BEFORE)),
        "give first and last token of whole words",
    ),
    "an answer in the question": (
        lambda: by_hand(gold=(1, 2)),
        f"{BEFORE} to {len(TOKENS) - 2}, or 0",
    ),
    "half of no answer": (lambda: by_hand(gold=(0, 9)), "or 0 and 0"),
    "no length": (lambda: by_hand(longest=0), "longest=0: give at least 1"),
    "nothing to find": (
        lambda: span_by_hand(start="in", end="oxford"),
        "the highest start score ('in', token 25) and the highest end score ('oxford', token 30) make a span",
    ),
    "two columns": (
        lambda: answers.threshold_of_no_answer(COLUMNS[:2], COLUMNS),
        "[(40,), (40,)]: give leads",
    ),
    "a lead too few": (
        lambda: at_threshold(leads=COLUMNS[0][1:]),
        "validation has the shapes [(39,), (40,), (40,)]",
    ),
    "no questions": (lambda: at_threshold(test=([], [], [])), "test has the shapes [(0,), (0,), (0,)]"),
    "many questions": (lambda: at_threshold(test=np.tile(COLUMNS, 51)), "as many of each, 1 to 2000"),
    "no span at all": (
        lambda: at_threshold(leads=with_first(COLUMNS[0], np.inf)),
        "question 0 has no finite lead",
    ),
    "F1 in percent": (lambda: at_threshold(answered=100 * COLUMNS[1]), "validation: give F1 from 0 to 1"),
    "a half where nothing is said": (lambda: at_threshold(silent=with_first(COLUMNS[2], 0.5)), "0 or 1 where nothing"),
    "all have an answer": (lambda: at_threshold(silent=[0] * 40), "validation: 0 of 40 questions have no answer"),
    "none has an answer": (lambda: at_threshold(test=(*COLUMNS[:2], [1] * 40)), "test: 40 of 40 questions have no"),
    "leads of no logits": (lambda: at_threshold(leads=1e6 * COLUMNS[0]), "give them in logits"),
}
