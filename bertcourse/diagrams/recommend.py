"""Recommending: what a model of items reads, which ratings a protocol asks for, a rank among drawn films."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing, listed, shortened

MOST = 6  # titles of a history, users, protocols side by side
MARKS = 60  # ratings of a user that are drawn


def items_read(history: Sequence[str], places: int, clicked: str | None = None) -> Drawing:
    """A history as a person has it, the oldest first, and as the model reads it: newest first behind [MASK].

    Args:
        history: titles, 1 to 6, oldest first.
        places: that the model has, [MASK] included; what does not fit is left out.
        clicked: a title that comes after them; with it the row is drawn a second time.

    Raises:
        ValueError: too few or too many titles, or places is below 2.
    """
    history = list(history)
    if not 1 <= len(history) <= MOST:
        raise ValueError(f"history: {len(history)} titles: give 1 to {MOST}")
    if places < 2:
        raise ValueError(f"places={places}: give at least 2, for [MASK] and an item")
    rows = [history] if clicked is None else [history, [*history, clicked]]
    told = []
    for row in rows:
        read = row[:-places:-1]
        told.append(f"of {listed(row)} the model reads [MASK], then {listed(read)}")
    drawing = Drawing(f"A history has the oldest film first; {'; after one more click, '.join(told)}.")
    wide = (drawing.width - 2 * MARGIN) / (MOST + 1)
    y = 20
    for number, row in enumerate(rows):
        lead = "rated, oldest first" if number == 0 else "one more click: nothing is trained"
        drawing.text(MARGIN, y, lead, size=SMALL, align="start", bold=True)
        for place, title in enumerate(row):
            tone = "green" if number and place == len(row) - 1 else "plain"
            drawing.box(
                MARGIN + place * wide, y + 14, wide - 4, 40, shortened(title, wide - 12, SMALL), tone, size=SMALL
            )
        read = ["[MASK]", *row[:-places:-1]]
        drawing.text(MARGIN, y + 74, "read, newest first", size=SMALL, align="start", color=SOFT)
        for place, title in enumerate(read):
            tone = "orange" if place == 0 else "green" if number and place == 1 else "blue"
            drawing.box(
                MARGIN + place * wide, y + 88, wide - 4, 40, shortened(title, wide - 12, SMALL), tone, size=SMALL
            )
            drawing.text(MARGIN + place * wide + wide / 2 - 2, y + 140, str(place), size=SMALL, color=SOFT)
        y += 172
    drawing.text(280, y - 8, "below each: its position, which says how long ago", size=SMALL, color=SOFT)
    return drawing


def questions_in_time(
    users: Mapping[str, Sequence[float]], asked: Mapping[str, Mapping[str, Sequence[int]]], date: float | None = None
) -> Drawing:
    """Ratings of some users along the time, and which of them protocols ask for.

    Args:
        users: of each user, by a name, the times of the ratings, ascending, in any unit.
        asked: of each protocol, by a name, the places of the ratings that it asks for, by user; from 0.
        date: when one that cuts at a date cuts, in the same unit.

    Raises:
        ValueError: too few or too many users or protocols, a user without ratings, or a place that is none.
    """
    if not 1 <= len(users) <= MOST or not 1 <= len(asked) <= 2:
        raise ValueError(
            f"users: {len(users)}, asked: {len(asked)} protocols: give 1 to {MOST} users, 1 or 2 protocols"
        )
    for name, times in users.items():
        if not 1 <= len(times) <= MARKS:
            raise ValueError(f"users: {name!r} has {len(times)} ratings: give 1 to {MARKS}")
    every = [time for times in users.values() for time in times]
    low, high = min(every), max(every)
    span = (high - low) or 1
    told = []
    for protocol, chosen in asked.items():
        for user, places in chosen.items():
            if user not in users or not all(0 <= place < len(users[user]) for place in places):
                raise ValueError(f"asked: {protocol!r} asks for {list(places)} of {user!r}: give places of a user")
        first = min((users[user][place] for user, places in chosen.items() for place in places), default=high)
        asks = sum(map(len, chosen.values()))
        told.append((protocol, asks, first))
    drawing = Drawing(
        f"{sum(map(len, users.values()))} ratings of {len(users)} people along the time. "
        + ". ".join(f"“{protocol}” asks for {asks} of them" for protocol, asks, _ in told)
        + "."
    )
    left, right = 92, drawing.width - MARGIN - 8
    y = 18
    for protocol, chosen in asked.items():
        drawing.text(MARGIN, y, protocol, align="start", bold=True, size=SMALL)
        top = y
        for name, times in users.items():
            y += 26
            drawing.text(MARGIN, y, shortened(name, 74, SMALL), align="start", size=SMALL)
            drawing.line((left, y), (right, y), width=1)
            marked = set(chosen.get(name, ()))
            for place, time in enumerate(times):
                x = left + (right - left) * (time - low) / span
                drawing.dot(x, y, 6 if place in marked else 3, "orange" if place in marked else "blue")
        if date is not None and low <= date <= high:
            x = left + (right - left) * (date - low) / span
            drawing.line((x, top + 12), (x, y + 12), dashed=True)
        y += 34
    drawing.text(280, y - 6, "large: asked for; small: known; time runs to the right", size=SMALL, color=SOFT)
    return drawing


def rank_among(rank: int, unseen: int, drawn: Sequence[int], k: int = 10) -> Drawing:
    """One film's rank among all unseen films, and among those that were drawn.

    Args:
        rank: of the right film among all, from 1. unseen: how many films these are.
        drawn: the ranks among all of the films that were drawn beside it.
        k: length of the list that is shown.

    Raises:
        ValueError: the rank is not from 1 to unseen, or a drawn one is none of the others.
    """
    if not 1 <= rank <= unseen or unseen < 2:
        raise ValueError(f"rank={rank} among {unseen}: give 1 to {unseen}, of at least 2 films")
    drawn = sorted(int(one) for one in drawn)
    if not drawn or drawn[0] < 1 or drawn[-1] > unseen or rank in drawn or len({*drawn}) < len(drawn):
        raise ValueError(f"drawn: {len(drawn)} ranks: give different ones from 1 to {unseen}, none of them {rank}")
    ahead = int(np.searchsorted(drawn, rank))
    place = ahead + 1
    verdict = [f"{'in' if one <= k else 'not in'} the first {k}" for one in (rank, place)]
    drawing = Drawing(
        f"The right film has rank {rank} of {unseen:,} unseen films, {verdict[0]}. Of {len(drawn)} films that are "
        f"drawn {ahead} are in front of it: there it has rank {place}, {verdict[1]}."
    )
    left, right = MARGIN + 6, drawing.width - MARGIN - 6

    def x_of(one: int, count: int) -> float:
        return left + (right - left) * (one - 1) / max(count - 1, 1)

    drawing.text(
        MARGIN, 20, f"all {unseen:,} unseen films: rank {rank}, {verdict[0]}", align="start", bold=True, size=SMALL
    )
    drawing.box(left, 40, right - left, 26, "", "grey", round_=0)
    for one in drawn:
        x = x_of(one, unseen)
        drawing.line((x, 42), (x, 64), tone="blue", width=1.5)
    drawing.dot(x_of(rank, unseen), 53, 7, "orange")
    drawing.text(left, 82, "best", align="start", size=SMALL, color=SOFT)
    drawing.text(right, 82, "worst", align="end", size=SMALL, color=SOFT)
    words = f"the {len(drawn)} that were drawn, and it: rank {place}, {verdict[1]}"
    drawing.text(MARGIN, 118, words, align="start", bold=True, size=SMALL)
    drawing.box(left, 138, right - left, 26, "", "plain", round_=0)
    for number in range(len(drawn) + 1):
        x = x_of(number + 1, len(drawn) + 1)
        if number != ahead:
            drawing.line((x, 140), (x, 162), tone="blue", width=1.5)
    drawing.dot(x_of(place, len(drawn) + 1), 151, 7, "orange")
    drawing.text(280, 184, "orange: the right film; blue: films that were drawn", size=SMALL, color=SOFT)
    return drawing
