"""Machines of lesson 15: how many films a rank is measured among, and what is recommended after a few clicks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations

import numpy as np
from scipy.stats import hypergeom

from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing, listed, shortened
from bertcourse.machines.frame import Machine

NEGATIVES = (0, 500, 200, 100, 50, 20, 10)  # 0: all
K = 10
QUESTIONS = 1000
FILMS, CLICKS, SHOWN = 6, 3, 5  # to click on, clicks at most, recommended films that are shown


def expected_recall(ranks: np.ndarray, unseen: np.ndarray, negatives: int, k: int = K) -> float:
    """Recall@k if each film is ranked among so many others that are drawn; on average over all draws.

    Args:
        ranks: (Q,) of the right films among all unseen ones, from 1. unseen: (Q,) how many these are.
        negatives: how many others are drawn, without putting back; 0 for all of them.
    """
    if not negatives:
        return float(np.mean(ranks <= k))
    return float(np.mean(hypergeom.cdf(k - 1, unseen - 1, ranks - 1, negatives)))


def negatives_moved(ranks: Mapping[str, Sequence[int]], unseen: Sequence[int]) -> Machine:
    """Recall@10 of two methods, among 10 to 500 films that are drawn, and among all.

    Args:
        ranks: of two methods, by their names, the ranks among all unseen films of the same questions.
        unseen: of each question how many films these are.

    Raises:
        ValueError: not two methods, not as many ranks, more than 1,000 questions, a rank or number out of its range;
            or the first method is not ahead among all films, or the second one at no number of drawn ones: then there
            is nothing to find.
    """
    if len(ranks) != 2:
        raise ValueError(f"ranks: {len(ranks)} methods: give two")
    unseen = np.asarray(unseen, dtype=int)
    rows = {name: np.asarray(row, dtype=int) for name, row in ranks.items()}
    if not 1 <= len(unseen) <= QUESTIONS or any(row.shape != unseen.shape for row in rows.values()):
        shapes = [len(row) for row in rows.values()]
        raise ValueError(
            f"ranks of {shapes} questions, unseen of {len(unseen)}: give as many of each, 1 to {QUESTIONS}"
        )
    if unseen.min() <= NEGATIVES[1] or any(row.min() < 1 or (row > unseen).any() for row in rows.values()):
        raise ValueError(f"unseen is {unseen.min()} and more: give more than {NEGATIVES[1]}, and ranks from 1 to it")
    found = {n: [expected_recall(row, unseen, n) for row in rows.values()] for n in NEGATIVES}
    if found[0][0] <= found[0][1] or all(one >= other for one, other in found.values()):
        told = listed([f"{name} {one:.3f}" for name, one in zip(rows, found[0], strict=True)])
        remedy = "give a method that is ahead there and one that is ahead among drawn films"
        raise ValueError(f"among all films {told}: {remedy}")
    data = {"names": list(rows), "ranks": [row.tolist() for row in rows.values()], "unseen": unseen.tolist()}
    first = found[0]
    told = listed([f"{name} {one:.3f}" for name, one in zip(rows, first, strict=True)])
    picture = Drawing(f"Recall at 10 over all unseen films of {len(unseen)} questions: {told}.")
    picture.text(280, 22, "ranked among all unseen films", bold=True)
    for number, (name, one) in enumerate(zip(rows, first, strict=True)):
        y = 56 + 34 * number
        picture.text(MARGIN, y, shortened(name, 180, SMALL), size=SMALL, align="start")
        picture.box(204, y - 11, max(2, 280 * one), 22, "", ("blue", "orange")[number], round_=0)
        picture.text(546, y, f"{one:.3f}", size=SMALL, align="end")
    picture.text(280, 132, "recall@10, the share of questions with the film in the first ten", size=SMALL, color=SOFT)
    question = (
        f"Over all films “{data['names'][0]}” has the higher recall@10. Among how many drawn films does "
        f"“{data['names'][1]}” look better? Say first what a hundred drawn films do to both figures."
    )
    return Machine("negatives_moved", "Which result would you like?", question, data, picture)


def clicks_moved(films: Sequence[str], lists: Mapping[tuple[int, ...], Sequence[tuple[str, float]]]) -> Machine:
    """Films to click on, in any order, and what a model recommends after these clicks.

    Args:
        films: titles, 3 to 6.
        lists: of every ordered choice of 1 to 3 films (their places from 0, the oldest first) what is recommended, best
            first, at least 5 titles with their probabilities.

    Raises:
        ValueError: too few or too many films, a choice is missing, a list is too short; or no two films whose order
            changes what is recommended first.
    """
    films = list(films)
    if not 3 <= len(films) <= FILMS:
        raise ValueError(f"films: {len(films)} titles: give 3 to {FILMS}")
    wanted = [chosen for length in range(1, CLICKS + 1) for chosen in permutations(range(len(films)), length)]
    for chosen in wanted:
        if len(lists.get(chosen, ())) < SHOWN:
            raise ValueError(
                f"lists has {len(lists.get(chosen, ()))} titles for {chosen}: give {SHOWN}, for each choice"
            )
    if not any(lists[pair][0][0] != lists[pair[::-1]][0][0] for pair in permutations(range(len(films)), 2)):
        raise ValueError("lists: no two films whose order changes the first recommendation: choose other films")
    titles = list(dict.fromkeys(title for chosen in wanted for title, _ in lists[chosen][:SHOWN]))
    place = {title: number for number, title in enumerate(titles)}
    table = {
        ",".join(map(str, chosen)): [[place[title], round(1000 * share)] for title, share in lists[chosen][:SHOWN]]
        for chosen in wanted
    }
    data = {"films": films, "titles": titles, "lists": table}
    picture = Drawing(f"Films to click on: {listed(films)}. None is clicked, so that nothing is recommended yet.")
    picture.text(MARGIN, 20, "click on films, the oldest first", size=SMALL, align="start", bold=True)
    for number, title in enumerate(films):
        picture.box(
            MARGIN + (number % 3) * 180,
            36 + 44 * (number // 3),
            172,
            36,
            shortened(title, 160, SMALL),
            "blue",
            size=SMALL,
        )
    picture.text(280, 142, "after the first click: five films, the likeliest first", size=SMALL, color=SOFT)
    question = (
        "Click two films and look at what comes first; then click the same two in the other order. Find two films "
        "whose order changes the first recommendation. Nothing is trained here: what changes it?"
    )
    return Machine("clicks_moved", "What comes next?", question, data, picture)
