"""What machines of lesson 10 keep of what they are given."""

import numpy as np
from machine_cases.sentiment import asked, rated

from bertcourse.machines import sentiment


def test_numbers_of_sentences_and_their_texts_stay_together():
    data = asked(texts={5: "five", 2: " two\n words"}).data
    assert data["texts"] == [[2, "two words"], [5, "five"]]
    ratings = rated(0)
    assert all(len(row) == 20 for row in data["ratings"])
    for row, theirs in zip(ratings, data["ratings"], strict=True):
        assert all(theirs.count(value) <= row.count(value) for value in theirs)


def test_who_is_not_asked_stands_after_the_asked_in_the_circle():
    table = np.array(asked().data["ratings"])
    mine, others = sentiment.asked_and_others(table, 7, 3)
    theirs, ours = sentiment.asked_and_others(table, 13, 10)
    assert np.allclose(mine, ours) and np.allclose(others, theirs)
