"""Machines of lesson 16."""

from bertcourse.machines import writing
from bertlib.metrics.overlap import rouge

SENTENCES = [
    "The meeting began late in the afternoon.",
    "The minister said that taxes will fall next year.",
    "It rained.",
    "Taxes fell last year, too, and the minister was glad.",
]
SUMMARY = "Taxes will fall next year, says the minister."
FOUND = [
    ("le roi est", -5.0, 30.0),
    ("le roi vient", -5.0, 20.0),
    ("un roi vint", -4.2, 41.0),
    ("un roi vint", -4.1, 41.0),
    ("ce roi vint", -4.0, 44.0),
    ("ce roi vint", -3.9, 44.0),
]


def choose_sentences(more=0):
    return writing.choose_sentences([*SENTENCES, *SENTENCES[:more]], SUMMARY)


def draw_chosen(rng, data):
    return {"chosen": [int(one) for one in rng.random(len(data["sentences"])) < 0.5]}


def expected_chosen(data, state):
    words = [word for own, on in zip(data["words"], state["chosen"], strict=True) if on for word in own]
    f1 = rouge(" ".join(words), SUMMARY)["rouge1"]
    return {"f1": f1, "words": len(words)}


def choice_of_best(data):
    single = [rouge(" ".join(own), SUMMARY)["rouge1"] for own in data["words"]]
    best = single.index(max(single))
    count = len(single)
    return [{"chosen": [1] * count}, {"chosen": [0] * count}, {"chosen": [int(i == best) for i in range(count)]}]


def beams_moved(count=6):
    return writing.beams_moved(FOUND[:count])


CASES = {
    "choose_sentences": (choose_sentences, lambda: choose_sentences(2), draw_chosen, expected_chosen, choice_of_best),
    "beams_moved": (
        beams_moved,
        lambda: beams_moved(5),
        lambda rng, data: {"beams": int(rng.integers(1, len(data["texts"]) + 1))},
        lambda data, state: {"logs": FOUND[state["beams"] - 1][1], "score": FOUND[state["beams"] - 1][2]},
        lambda data: [{"beams": 2}, {"beams": 3}],
    ),
}
WRONG = {
    "two sentences": (lambda: writing.choose_sentences(SENTENCES[:2], SUMMARY), "sentences: 2: give 3 to 8"),
    "the first is best": (
        lambda: writing.choose_sentences([SENTENCES[1], SENTENCES[0], SENTENCES[2]], SUMMARY),
        "the first sentence has the highest ROUGE-1",
    ),
    "two searches": (lambda: writing.beams_moved(FOUND[:2]), "found: 2 searches: give 3 to 6"),
    "nothing likelier": (
        lambda: writing.beams_moved([FOUND[0], FOUND[1], ("le", -6.0, 10.0)]),
        "no search finds a likelier text",
    ),
}
