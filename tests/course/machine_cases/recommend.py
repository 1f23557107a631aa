"""Machines of lesson 15."""

from functools import cache
from itertools import permutations

import numpy as np

from bertcourse.machines import recommend

FILMS = ("Alien", "Babe", "Casablanca", "Dune", "Emma", "Fargo")
REST = [f"Film {number}" for number in range(20)]


@cache
def ranked(seed, questions=80):
    """Two methods: one puts a third on top and the rest nowhere, the other all into the upper part."""
    rng = np.random.default_rng(seed)
    unseen = rng.integers(1200, 1600, questions)
    top = np.where(rng.random(questions) < 0.3, rng.integers(1, 8, questions), rng.integers(200, 1200, questions))
    upper = np.where(rng.random(questions) < 0.1, rng.integers(1, 11, questions), rng.integers(40, 140, questions))
    return {"sharp": top.tolist(), "broad": upper.tolist()}, unseen.tolist()


def negatives_moved(seed=0):
    return recommend.negatives_moved(*ranked(seed))


def expected_negatives(data, state):
    drawn = recommend.NEGATIVES[state["at"]]
    rows, unseen = (np.array(data[name]) for name in ("ranks", "unseen"))
    share = [recommend.expected_recall(row, unseen, drawn) for row in rows]
    return {"drawn": drawn, "recall": share, "whole": [float(np.mean(row <= 10)) for row in rows]}


@cache
def lists(seed):
    rng, found = np.random.default_rng(seed), {}
    for length in (1, 2, 3):
        for chosen in permutations(range(len(FILMS)), length):
            shares = np.sort(rng.random(5))[::-1] / 5
            titles = [REST[place] for place in rng.permutation(20)[:5]]
            found[chosen] = list(zip(titles, shares.tolist(), strict=True))
    for pair in ((0, 1), (1, 0)):  # the order of these two changes nothing
        found[pair] = found[0, 1]
    return found


def clicks_moved(seed=0):
    return recommend.clicks_moved(FILMS, lists(seed))


def draw_clicks(rng, data):
    return {"clicked": rng.permutation(len(data["films"]))[: int(rng.integers(0, 4))].tolist()}


def expected_clicks(data, state):
    clicked = tuple(state["clicked"])
    if not clicked:
        return {"titles": [], "shares": [], "other": None}
    own = lists(0)[clicked]
    return {
        "titles": [title for title, _ in own],
        "shares": [round(1000 * share) / 1000 for _, share in own],
        "other": lists(0)[clicked[::-1]][0][0],
    }


CASES = {
    "negatives_moved": (
        negatives_moved,
        lambda: negatives_moved(1),
        lambda rng, data: {"at": int(rng.integers(7))},
        expected_negatives,
        lambda data: [{"at": 1}, {"at": 3}],
    ),
    "clicks_moved": (
        clicks_moved,
        lambda: clicks_moved(1),
        draw_clicks,
        expected_clicks,
        lambda data: [{"clicked": [2]}, {"clicked": [0, 1]}, {"clicked": [2, 0, 3]}, {"clicked": [2, 3]}],
    ),
}


def moved(change=lambda rows: rows, unseen=None):
    rows, own = ranked(0)
    return recommend.negatives_moved(change(rows), own if unseen is None else unseen)


def clicked(films=FILMS, change=lambda found: found):
    return recommend.clicks_moved(films, change(dict(lists(0))))


WRONG = {
    "one method": (lambda: moved(lambda rows: {"sharp": rows["sharp"]}), "ranks: 1 methods: give two"),
    "a question too few": (lambda: moved(unseen=ranked(0)[1][1:]), "ranks of [80, 80] questions, unseen of 79"),
    "few films": (lambda: moved(unseen=[400] * 80), "unseen is 400 and more: give more than 500"),
    "a rank from 0": (lambda: moved(lambda rows: rows | {"sharp": [0] * 80}), "ranks from 1 to it"),
    "a rank beyond all": (lambda: moved(lambda rows: rows | {"sharp": [9999] * 80}), "ranks from 1 to it"),
    "nothing flips": (
        lambda: moved(lambda rows: rows | {"broad": [1500] * 80}, [1600] * 80),
        "ahead among drawn films",
    ),
    "the wrong one first": (
        lambda: moved(lambda rows: {"broad": rows["broad"], "sharp": rows["sharp"]}),
        "give a method that is ahead there",
    ),
    "two films": (lambda: clicked(FILMS[:2]), "films: 2 titles: give 3 to 6"),
    "seven films": (lambda: clicked([*FILMS, "Gandhi"]), "films: 7 titles"),
    "a choice that is missing": (
        lambda: clicked(change=lambda found: found | {(2, 1): []}),
        "lists has 0 titles for (2, 1): give 5",
    ),
    "no order matters": (
        lambda: clicked(change=lambda found: dict.fromkeys(found, found[0, 1])),
        "no two films whose order changes",
    ),
}
