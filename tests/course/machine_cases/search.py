"""Machines of lesson 12."""

from functools import cache

import numpy as np

from bertcourse.bm25 import BM25, search_words
from bertcourse.machines import search
from bertlib.data.nearest import fuse_scores
from bertlib.metrics.ranking import ranking_scores

QUERY = search_words("Is a king snake immune to rattlesnake venom?")
TOLD = {
    "Kingsnake": "A kingsnake eats rattlesnakes: it is immune, or nearly immune, to the venom of most of them.",
    "Venom": "The venom of a snake is a fluid; a snake has to bite. A snake without venom is no danger to a king.",
    "King": "A king is a man who rules a country. To be a king one has to be the son of a king, in most of them.",
    "Immunity": "To be immune is to be safe from a disease.",
    "Chess": "In chess the king is the one piece that is never taken, and a game ends when it cannot be saved.",
}
REST = [f"This is the story of a man and a train, number {n}, and it has nothing to do with it." for n in range(20)]
TEXTS = {title: search_words(text) for title, text in TOLD.items()}
CORPUS = [*TEXTS.values(), *map(search_words, REST)]


def query_by_hand(query=tuple(QUERY), wanted="Kingsnake", corpus=CORPUS, texts=TEXTS):
    return search.query_by_hand(query, texts, wanted, corpus)


def draw_query(rng, data):
    kind, words = rng.integers(4), len(data["words"])
    on = np.full(words, kind == 1) if kind < 2 else rng.random(words) < 0.5
    if kind == 2:
        on = np.arange(words) == rng.integers(words)
    return {
        "on": on.tolist(),
        "k1": int(rng.choice([0, 12, 30, int(rng.integers(31))])),
        "b": int(rng.choice([0, 75, 100, 5 * int(rng.integers(21))])),
    }


@cache
def indexed(k1, b, count):
    return BM25(CORPUS if count == len(CORPUS) else list(TEXTS.values()), k1, b)


def scored(data, words, k1, b):
    """The library's scores of the texts that are shown; they are the first of the corpus."""
    return indexed(k1 / 10, b / 100, data["count"]).scores(words)[: len(data["titles"])]


def places(scores):
    return [1 + int((scores > own + 1e-9).sum()) for own in scores]


def lead(data, scores):
    return float(scores[data["wanted"]] - np.delete(scores, data["wanted"]).max())


def expected_query(data, state):
    words, setting = data["words"], (state["k1"], state["b"])
    on = [word for word, one in zip(words, state["on"], strict=True) if one]
    scores, whole = scored(data, on, *setting), scored(data, words, *setting)
    alone = [scored(data, [word], *setting) for word in words]
    without = [scored(data, words[:j] + words[j + 1 :], *setting) for j in range(len(words))]
    return {
        "parts": [[float(one[i]) * on for one, on in zip(alone, state["on"], strict=True)] for i in range(len(whole))],
        "scores": scores.tolist(),
        "ranks": places(scores),
        "lead": lead(data, scores),
        "alone": [lead(data, one) for one in alone],
        "without": [lead(data, one) for one in without],
        "idle": [places(one) == places(whole) for one in without],
        "whole": places(whole)[data["wanted"]],
    }


def switched(data, *on):
    return {"on": [word in on for word in data["words"]]}


@cache
def recorded(seed, questions, candidates=20):
    """Scores of candidates, those of the right one higher by either score in half of the questions; some are equal."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(questions):
        bm25 = rng.gamma(2, 3, candidates).round(1) * (rng.random(candidates) < 0.8)
        cosine, right = rng.normal(0.3, 0.1, candidates).round(2), int(rng.integers(candidates))
        bm25[right] += 9 * (number % 2)
        cosine[right] += 0.25 * (number % 4 < 2)
        found.append((bm25.tolist(), cosine.tolist(), None if number % 15 == 14 else right))
    return found


def weight_of_fusion(seed=0):
    return search.weight_of_fusion(recorded(seed, 60), recorded(seed + 1, 120))


def draw_weight(rng, data):
    return {
        "at": int(rng.choice([0, 100, int(rng.integers(101))])),
        "scaled": bool(rng.random() < 0.5),
        "opened": bool(rng.random() < 0.3),
    }


def fused(bm25, cosine, at, scaled):
    """Sums of both scores, of which only the order is asked."""
    if scaled:
        sums = dict(fuse_scores(list(enumerate(bm25)), list(enumerate(cosine)), at / 100))
        return np.array([sums[candidate] for candidate in range(len(bm25))]).round(9)
    return (np.array([bm25, cosine]).T @ [1 - at / 100, at / 100]).round(9)


@cache
def measured(seed, questions, at, scaled):
    """What the library measures of the candidates as they are sorted, in the order given where scores are equal."""
    found, relevant = [], []
    for bm25, cosine, right in recorded(seed, questions):
        found.append(np.argsort(-fused(bm25, cosine, at, scaled), kind="stable"))
        relevant.append([] if right is None else [right])
    measures = ranking_scores(found, relevant, (1,))
    reciprocal = measures["reciprocal_rank"]
    return {
        "places": [round(1 / one) if one else None for one in reciprocal.tolist()],
        "recall": float(measures["recall@1"].mean()),
        "mrr": float(reciprocal.mean()),
    }


def expected_weight(data, state):
    choice = state["at"], state["scaled"]
    return {"validation": measured(0, 60, *choice), "test": measured(1, 120, *choice)}


def best_weight(data):
    choices = [{"at": at, "scaled": scaled} for scaled in (False, True) for at in range(101)]
    return max(choices, key=lambda choice: measured(0, 60, *choice.values())["mrr"])


CASES = {
    "query_by_hand": (
        query_by_hand,
        lambda: query_by_hand(corpus=None),
        draw_query,
        expected_query,
        lambda data: [
            switched(data, *data["words"]),
            switched(data, "snake"),
            switched(data, "immune", "rattlesnake"),
            switched(data, "venom"),
            switched(data, "immune"),
        ],
    ),
    "weight_of_fusion": (
        weight_of_fusion,
        lambda: weight_of_fusion(seed=2),
        draw_weight,
        expected_weight,
        lambda data: [
            {"opened": True},
            {"opened": False, "at": 0},
            best_weight(data),
            {"opened": True},
        ],
    ),
}

BM25S, COSINES = recorded(0, 1)[0][:2]


def fuse(bm25=BM25S, cosine=COSINES, right=3, test=None):
    split = [(bm25, cosine, right)]
    return search.weight_of_fusion(split, split if test is None else test)


WRONG = {
    "two words": (lambda: query_by_hand(["immune", "venom"]), "words: 2 of them: give 3 to 12"),
    "thirteen words": (lambda: query_by_hand(["immune"] * 13), "words: 13 of them"),
    "two texts": (lambda: query_by_hand(texts=dict(list(TEXTS.items())[:2])), "texts: 2 of them: give 3 to 8"),
    "a text that is not there": (lambda: query_by_hand(wanted="Snake"), "wanted='Snake' is the title of no text"),
    "a text of another corpus": (lambda: query_by_hand(corpus=CORPUS[1:]), "texts: 'Kingsnake' is not in the corpus"),
    "a text without words": (lambda: query_by_hand(texts=TEXTS | {"King": []}), "texts: 'King' is empty"),
    "a text that was not split": (lambda: query_by_hand(texts=TOLD), "texts: 'Kingsnake' is not in the corpus"),
    "nothing to find by a word": (
        lambda: query_by_hand(["is", "a", "king"]),
        "none of ['is', 'a', 'king'] by itself puts 'Kingsnake' first",
    ),
    "no question": (lambda: fuse(test=[]), "test: 0 questions, none with its answer among its candidates"),
    "no right candidate": (lambda: fuse(right=None), "validation: 1 questions, none with its answer"),
    "a cosine too few": (lambda: fuse(cosine=COSINES[1:]), "validation, question 0 has the shapes [(20,), (19,)]"),
    "one candidate": (lambda: fuse([1.0], [0.5], 0), "give 2 or more of each kind"),
    "scores of all questions": (lambda: fuse([BM25S], [COSINES]), "question 0 has the shapes [(1, 20), (1, 20)]"),
    "a score that is none": (lambda: fuse([np.nan, 1], [0.1, 0.2], 1), "has a score that is not finite"),
    "a passage's number": (lambda: fuse(right=20), "candidate 20 of 20 is none: give its place from 0, or None"),
    "a place before the first": (lambda: fuse(right=-1), "candidate -1 of 20 is none"),
    "many candidates": (lambda: fuse(test=[(BM25S, COSINES, 0)] * 600), "12,020 candidates in both splits"),
}
