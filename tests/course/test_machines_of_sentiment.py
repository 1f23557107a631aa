"""Machines and diagrams of lesson 10 refuse what they cannot show."""

import numpy as np
import pytest
from diagram_cases import sure_of
from machine_cases.sentiment import logits_of, rated

from bertcourse.diagrams import sentiment as diagrams
from bertcourse.machines import sentiment

RATINGS, TEXTS = rated(0), {0: "Not bad."}
LOGITS = logits_of(0, 40, 1.5)


def asked(ratings=RATINGS, texts=TEXTS):
    return sentiment.raters_asked(ratings, texts)


def moved(validation=LOGITS, test=LOGITS, **settings):
    return sentiment.temperature_moved(validation, test, **settings)


def with_row(row):
    return [*RATINGS[:5], row, *RATINGS[5:]]


def spread(**changes):
    names = ("labelled", "unlabelled", "chosen", "classes", "least")
    return diagrams.labels_spread(**(dict(zip(names, sure_of(0), strict=True)) | changes))


WRONG = {
    "few sentences": (lambda: asked(RATINGS[:9]), "ratings: 9 sentences; give 10 to 60"),
    "many sentences": (lambda: asked(RATINGS * 2), "ratings: 80 sentences"),
    "few raters": (lambda: asked(with_row([1] * 19)), "ratings: sentence 5 has [1.0, 1.0"),
    "half a point": (lambda: asked(with_row([0.5] * 20)), "give whole numbers, 20 or more"),
    "off the scale": (lambda: asked(with_row([5] * 20)), "sentence 5 has the rating 5"),
    "all the same": (lambda: asked([[1] * 20] * 12), "1 raters gave all sentences the same mean"),
    "no text": (lambda: asked(texts={}), "texts has the keys []: give 1 to 10"),
    "many texts": (lambda: asked(texts=dict.fromkeys(range(11), "a")), "give 1 to 10"),
    "a text of no sentence": (lambda: asked(texts={40: "a"}), "texts has the keys [40]"),
    "a long text": (lambda: asked(texts={0: "a " * 26}), "has 26 words; choose one of 1 to 25"),
    "an empty text": (lambda: asked(texts={0: " "}), "has 0 words"),
    "other rows": (lambda: moved(test=(LOGITS[0], LOGITS[1][:-1])), "gold has the shape (39,)"),
    "no number": (lambda: moved((LOGITS[0] * np.nan, LOGITS[1])), "validation, row 0"),
    "other classes": (lambda: moved(test=(LOGITS[0][:, :2], LOGITS[1] % 2)), "validation has 3 classes, test 2"),
    "many rows": (lambda: moved((np.tile(LOGITS[0], (26, 1)), np.tile(LOGITS[1], 26))), "(1040, 3): give at most 1000"),
    "all right": (lambda: moved((LOGITS[0], LOGITS[0].argmax(axis=1))), "no temperature is best"),
    "far too sure": (lambda: moved((LOGITS[0] * 30, LOGITS[1])), "beyond the slider, 0.25 to 8"),
    "one bin": (lambda: moved(bins=1), "bins=1: give a whole number from 2 to 20"),
    "nobody": (lambda: diagrams.one_sentence("a", []), "ratings is empty"),
    "a rating of 5": (lambda: diagrams.one_sentence("a", [1, 5]), "5 is off the scale"),
    "no ceiling": (lambda: diagrams.halves_to_ceiling({"halves": 0.5}, 20), "found lacks reliability and ceiling"),
    "one rater": (lambda: diagrams.halves_to_ceiling(dict.fromkeys(FOUND, 0.5), 1), "raters=1: two halves"),
    "no such row": (lambda: spread(chosen=([300], [0])), "chosen: 1 rows, 1 classes"),
    "another class": (lambda: spread(chosen=(CHOSEN[:1], [2])), "is labelled 2, the teacher says 0"),
    "not sure": (lambda: spread(least=0.999999), "rows with 0.999999 or more"),
}
FOUND, CHOSEN = ("halves", "reliability", "ceiling"), sure_of(0)[2][0]


@pytest.mark.parametrize("name", WRONG)
def test_it_names_what_is_wrong(name):
    make, message = WRONG[name]
    with pytest.raises(ValueError) as raised:
        make()
    assert message in str(raised.value)


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
