"""Machines of lesson 04b."""

import numpy as np
import pytest

from bertcourse.machines import pairs
from bertlib.text.pairs import SPECIALS_A_PAIR, false_segment, next_sentence_pairs
from machine_cases.masking import numbers


def documents(lengths):
    return [[[100 * number + place] for place in range(length)] for number, length in enumerate(lengths)]


def draw_false(last=5):
    return pairs.draw_false(documents([4, 9, 6, 12, 3, last]))


class Given:
    """Stands for a numpy Generator: whole numbers from the script's, one after the other."""

    def __init__(self, drawn):
        self.drawn = iter(drawn)

    def integers(self, low, high=None):
        low, high = (0, low) if high is None else (low, high)
        return low + int(np.floor(next(self.drawn) * (high - low)))


def expected_false(data, state):
    """`false_segment` of the library, with what stands for a rule that is off: no own document, no true next sentence.

    It never takes a document's first sentence; where it may, another one is put before it.
    """
    some = [[[sentence] for sentence in document] for document in data["documents"][: state["documents"]]]
    before = 0 if state["opening"] else 1
    lent = [[[-9]] * before + document for document in some]
    rng, counts = Given(numbers(1, 20 * state["drawn"] + 200)), {"own": 0, "follows": 0, "opens": 0}
    for _ in range(state["drawn"]):
        own = rng.integers(len(some))
        place = rng.integers(len(some[own]) - 1)
        follower = some[own][place + 1]
        lender, taken = own if state["other"] else -1, follower if state["next"] else [-1]
        other, run = false_segment(lent, range(len(lent)), lender, taken, 1, 1, rng)
        start = some[other].index(run)
        counts["own"] += other == own
        counts["follows"] += run == follower
        counts["opens"] += start == 0
    return {"last": {"a": [own, place], "b": [other, start]}, "counts": counts}


def draw_rules(rng, data):
    rules = {rule: bool(rng.random() < 0.5) for rule in ("other", "next", "opening")}
    drawn = int(rng.integers(1, 10)) if rng.random() < 0.3 else int(rng.integers(10, 2500))
    return rules | {"documents": int(rng.integers(2, len(data["documents"]) + 1)), "drawn": drawn}


def test_documents_that_share_a_sentence_or_are_too_long_are_left_out():
    some = documents([4, 5, 6, 7, 21, 2])
    assert sorted(map(len, pairs.draw_false(some).data["documents"])) == [4, 5, 6, 7]
    some[3][2] = some[1][4]
    with pytest.raises(ValueError, match="6 documents, of which 3 have 3 to 20 sentences and share none: give at"):
        pairs.draw_false(some)
    assert len(pairs.draw_false(documents([12] * 30)).data["documents"]) == 12


def windows_walked(last=9):
    windows = [(0, 1, 3, False), (1, 2, 3, True), (3, 4, 5, False)]
    return pairs.windows_walked([10, 12, 8, 15, last], 30, windows)


class Chosen:
    """Stands for a numpy Generator: cuts and coins of the first document as the state has them, 0 for all else."""

    def __init__(self, cuts, heads):
        self.cuts, self.heads, self.window, self.begun, self.lender = cuts, heads, -1, False, 0

    def random(self):
        self.begun = not self.begun
        if self.begun:  # is the window to be a short one?
            self.window += 1
            return 0.9
        return 0.1 if self.window >= len(self.heads) or self.heads[self.window] else 0.9  # the coin

    def integers(self, low, high=None):
        if self.begun:  # where to cut
            return low + (self.cuts[self.window] % (high - low) if self.window < len(self.cuts) else 0)
        self.lender = 1 - self.lender
        return self.lender if high is None else low  # one of the two documents; the first sentence that may be taken


def expected_walk(data, state):
    """The library's pairs of a document whose tokens say in which sentence they stand, beside another document."""
    document = [[number] * length for number, length in enumerate(data["lengths"])]
    rng = Chosen(state["cuts"], state["heads"])
    found = next_sentence_pairs(
        [document, [[-1], [-2]]], max_length=data["limit"] + SPECIALS_A_PAIR, rng=rng, short_share=0
    )
    windows, reached = [], 0
    for pair in found:
        if pair.documents[0] == 0:
            start, cut, is_true = pair.first[0], pair.first[-1] + 1, pair.label == 0
            windows.append(
                {"start": start, "cut": cut, "isTrue": is_true} | ({"end": pair.second[-1] + 1} if is_true else {})
            )
            reached = pair.second[-1] + 1 if is_true else cut
    return {"windows": windows, "left": len(document) - reached}


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([10, 10], 30, [(0, 1, 2, False)]), "2 sentences: give 3 to 12"),
        (([10, 20, 20], 30, [(0, 1, 2, False)]), "any two neighbours fit"),
        (([10] * 3, 30, [(0, 1, 3, True)]), "leave no sentence over"),
    ],
)
def test_a_walk_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        pairs.windows_walked(*arguments)


CASES = {
    "draw_false": (
        draw_false,
        lambda: draw_false(last=7),
        draw_rules,
        expected_false,
        lambda data: [
            {"drawn": 1001},
            {"other": True, "next": True},
            {"opening": True},
            {"other": False},
            {"documents": 6},
            {"other": True, "next": False},
            {"few": True},
            {"many": True, "drawn": 999},
            {"drawn": 1001},
        ],
    ),
    "windows_walked": (
        windows_walked,
        lambda: windows_walked(last=10),
        lambda rng, data: {
            "cuts": rng.integers(6, size=len(data["lengths"])).tolist(),
            "heads": (rng.random(len(data["lengths"])) < 0.5).tolist(),
        },
        expected_walk,
        lambda data: [
            {"heads": [False] * 5},
            {"heads": [True] * 5},
            {"heads": [False] * 5, "cuts": [0] * 5},
            {"heads": [False, False, False, True, True]},
        ],
    ),
}
