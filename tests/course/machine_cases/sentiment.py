"""Machines of lesson 10."""

import numpy as np
from scipy.special import softmax

from bertcourse.data.rated import class_of
from bertcourse.data.raters import correlation
from bertcourse.machines import sentiment
from bertlib.metrics import classification_scores
from bertlib.metrics.calibration import calibrated_range, expected_calibration_error, reliability_bins


def rated(seed, sentences=40, noise=1.5):
    """Ratings of 20 to 23 people for each sentence: a value of its own, and noise."""
    rng = np.random.default_rng(seed)
    own = rng.normal(0, 1.2, sentences)
    return [
        np.clip(np.rint(one + rng.normal(0, noise, rng.integers(20, 24))), -4, 4).astype(int).tolist() for one in own
    ]


def raters_asked(seed=0):
    return sentiment.raters_asked(
        rated(seed),
        {
            3: "WWWWWW WWWWWW WWWWWW WWWWWW WWWWWW WWWWWW is well made",
            0: "Not for me, and not at this price.",
            39: ":(",
        },
    )


def draw_asked(rng, data):
    last = len(data["ratings"][0]) - 1
    return {
        "asked": int(rng.choice([1, last, int(rng.integers(1, last + 1))])),
        "first": int(rng.integers(last + 1)),
        "look": int(rng.choice([number for number, _ in data["texts"]])),
    }


def expected_asked(data, state):
    ratings, asked = np.array(data["ratings"]), state["asked"]
    raters = ratings.shape[1]
    whole = ratings.mean(axis=1)
    at_a_border = np.abs(np.abs(whole) - 0.5) <= 0.25

    def once(first):
        inside = [(first + place) % raters for place in range(asked)]
        mine, others = ratings[:, inside].mean(axis=1), np.delete(ratings, inside, axis=1).mean(axis=1)
        classes = np.array([[class_of(one) for one in means] for means in (mine, others, whole)])
        moved = classes[0] != classes[1]
        return {
            "mine": mine.tolist(),
            "other": others.tolist(),
            "all": whole.tolist(),
            "classes": classes.T.tolist(),
            "near": int(at_a_border.sum()),
            "rAll": correlation(mine, whole),
            "rOthers": correlation(mine, others),
            "movedAll": int((classes[0] != classes[2]).sum()),
            "movedOthers": int(moved.sum()),
            "movedNear": int((moved & at_a_border).sum()),
        }

    ways = [once(first) for first in range(raters)]
    names = ("rAll", "rOthers", "movedAll", "movedOthers", "movedNear")
    return ways[state["first"]] | {"mean": {name: float(np.mean([way[name] for way in ways])) for name in names}}


def best_asked(data):
    raters = len(data["ratings"][0])
    agreement = [expected_asked(data, {"asked": one, "first": 0})["mean"]["rOthers"] for one in range(1, raters)]
    return 1 + int(np.argmax(agreement))


def answer_asked(data):
    best = best_asked(data)
    return [{"asked": best}, {"asked": 19}, {"said": 19}, {"asked": best, "first": 3}, {"said": best}]


def logits_of(seed, rows, sharpness):
    """Logits whose probabilities would be right if they were divided by the sharpness."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (rows, 3))
    gold = np.array([rng.choice(3, p=row) for row in softmax(logits, axis=1)])
    return sharpness * logits, gold


def with_even_ones(logits, gold):
    """And rows whose confidence is 0.5 at low temperatures, an edge of twelve bins; and one whose is 1."""
    return np.vstack([logits, [[0, 0, -40], [-40, 0, 0], [0, -90, -90]]]), np.append(gold, [0, 1, 0])


def temperature_moved(sharpness=2.0):
    validation, test = (with_even_ones(*logits_of(seed, rows, sharpness)) for seed, rows in ((0, 150), (1, 200)))
    return sentiment.temperature_moved(validation, test, bins=12)


def draw_temperature(rng, data):
    last = len(data["temperatures"]) - 1
    return {
        "step": int(rng.choice([0, last, int(rng.integers(last + 1))])),
        "still": [None, "loss", "accuracy", "ECE", "confidence"][rng.integers(5)],
        "opened": bool(rng.random() < 0.5),
    }


def expected_temperature(data, state):
    found, bins = {}, data["bins"]
    for split in ("validation", "test"):
        logits, gold = (np.array(data[split][name]) for name in ("logits", "gold"))
        probabilities = softmax(logits / 1000 / data["temperatures"][state["step"]], axis=1)
        scores = classification_scores(probabilities, gold)
        columns = reliability_bins(probabilities, gold, bins)
        found[split] = {
            "loss": scores["loss"],
            "accuracy": scores["accuracy"],
            "confidence": float(probabilities.max(axis=1).mean()),
            "ece": expected_calibration_error(probabilities, gold, bins),
            "bins": [
                {"count": int(count)}
                | {name: None if np.isnan(columns[name][k]) else float(columns[name][k]) for name in BIN_MEANS}
                for k, count in enumerate(columns["count"])
            ],
        }
    low, high = calibrated_range(probabilities, bins=bins, draws=sentiment.DRAWS)
    found["test"] |= {"low": round(low, 4), "high": round(high, 4)}
    return found


BIN_MEANS = ("confidence", "accuracy")


def least_loss(data):
    steps = range(len(data["temperatures"]))
    return int(np.argmin([expected_temperature(data, {"step": step})["validation"]["loss"] for step in steps]))


def answer_temperature(data):
    best = least_loss(data)
    return [{"still": "accuracy"}, {"step": best, "still": "loss"}, {"opened": True}, {"still": "accuracy"}]


CASES = {
    "raters_asked": (raters_asked, lambda: raters_asked(seed=1), draw_asked, expected_asked, answer_asked),
    "temperature_moved": (
        temperature_moved,
        lambda: temperature_moved(sharpness=0.6),
        draw_temperature,
        expected_temperature,
        answer_temperature,
    ),
}

RATINGS, TEXTS = rated(0), {0: "Not bad."}
LOGITS = logits_of(0, 40, 1.5)


def asked(ratings=RATINGS, texts=TEXTS):
    return sentiment.raters_asked(ratings, texts)


def moved(validation=LOGITS, test=LOGITS, **settings):
    return sentiment.temperature_moved(validation, test, **settings)


def with_row(row):
    return [*RATINGS[:5], row, *RATINGS[5:]]


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
}
