"""Machines of lesson 13."""

from functools import cache

import numpy as np

from bertcourse.machines import desk
from machine_cases.masking import numbers

SAID = [  # question, stored, answer, confidence, right, exists
    ("can i build a shed?", "Do I need a permit for a shed?", "A small one needs none.", 0.91, True, True),
    ("who pays if it leaks", "What is a warranty?", "A promise to mend what breaks.", 0.62, False, True),
    ("do you sell cars?", "Do you build garages?", "Yes, with one door or two.", 0.35, False, False),
    ("how long does it take", "How long does a bath take?", "About three weeks.", 0.58, True, True),
    ("is my dog allowed", "Is a wall allowed?", "Up to a height of 1.8 metres.", 0.77, False, False),
    ("price of a new roof?", "What does a roof cost?", "It depends on its size.", 0.83, True, True),
    ("can i pay later", "When do I pay?", "In parts, as the work goes on.", 0.45, False, True),
]
NAMES = (*desk.TEXTS, "confidence", *desk.MARKS)
ASKED = [dict(zip(NAMES, row, strict=True)) for row in SAID]


def be_the_desk(cases=tuple(ASKED), costs=(12, 3), threshold=0.62):
    return desk.be_the_desk(cases, costs, threshold)


def draw_decisions(rng, data):
    count = len(data["cases"])
    choices = [[None, True, False][kind] for kind in rng.integers(0 if rng.random() < 0.6 else 1, 3, count)]
    return {"at": int(rng.integers(count)), "choices": choices}


def sums(rows, answered, costs):
    """What decisions about some questions come to."""
    right = np.array([row[4] for row in rows], dtype=bool)
    answered = np.array(answered, dtype=bool)
    wrong, hand = int((answered & ~right).sum()), int((~answered).sum())
    return {
        "right": int((answered & right).sum()),
        "wrong": wrong,
        "hand": hand,
        "cost": wrong * costs[0] + hand * costs[1],
    }


def expected_decisions(data, state):
    decided = [number for number, choice in enumerate(state["choices"]) if choice is not None]
    rows = [SAID[number] for number in decided]
    yours = [state["choices"][number] for number in decided]
    own = [row[3] >= 0.62 for row in rows]
    found = {"yours": yours, "desk": own, "always": [True] * len(rows), "never": [False] * len(rows)}
    return {
        "decided": len(decided),
        "differ": [number for number, one, two in zip(decided, yours, own, strict=True) if one != two],
        **{name: sums(rows, answered, (12, 3)) for name, answered in found.items()},
    }


# -------------------------------------------------------------------------------------------------------- the promise


@cache
def recorded(seed, questions):
    """Questions with a confidence, calibrated, many of them equal, and whether the answer is right."""
    rng = np.random.default_rng(seed)
    confidence = rng.beta(2.2, 1.2, questions)
    confidence[::3] = confidence[::3].round(2)
    return confidence, rng.random(questions) < confidence


ALPHAS, SIZES = (0.02, 0.05, 0.1, 0.2), (10, 20, 40, 80, 160, 320)


def promise_kept(seed=0, alphas=ALPHAS, sizes=SIZES, questions=600):
    return desk.promise_kept(*recorded(seed, questions), alphas, sizes)


def draw_promise(rng, data):
    return {
        "alpha": int(rng.integers(len(data["alphas"]))),
        "size": int(rng.integers(len(data["sizes"]))),
        "draws": int(rng.choice([1, 2, 100, 300, int(rng.integers(1, 301))])),
    }


@cache
def shuffled(draw):
    """Whole numbers drawn as the script draws them, as a shuffle of the questions, surest first."""
    order = list(range(600))
    for place, share in enumerate(numbers(draw, SIZES[-1])):
        other = place + int(np.floor(share * (600 - place)))
        order[place], order[other] = order[other], order[place]
    return order


@cache
def sorted_questions():
    confidence, right = recorded(0, 600)
    confidence = confidence.round(6)
    order = sorted(range(600), key=lambda number: -confidence[number])
    return confidence[order], right[order]


@cache
def risk_controlled(alpha, n, draw):
    """The threshold by its definition: each confidence of the calibration questions is tried, from the lowest on."""
    confidence, right = sorted_questions()
    chosen = shuffled(draw)[:n]
    own, good = confidence[chosen], right[chosen]
    tried = np.unique(own)
    wrong = np.array([(own >= t).astype(int)[~good].sum() for t in tried])
    fits = (wrong + 1) / (n + 1) <= alpha + 1e-12
    threshold = float(tried[fits.argmax()]) if fits.any() else None
    rest = np.setdiff1d(np.arange(600), chosen)
    given = confidence[rest] >= (np.inf if threshold is None else threshold)
    return {
        "threshold": threshold,
        "wrong": int(wrong[fits.argmax()]) if fits.any() else 0,
        "answered": int(given.sum()),
        "false_": int((given & ~right[rest]).sum()),
        "risk": float((given & ~right[rest]).mean()),
        "coverage": float(given.mean()),
    }


def expected_promise(data, state):
    alpha, n = ALPHAS[state["alpha"]], SIZES[state["size"]]
    drawn = [risk_controlled(alpha, n, draw) for draw in range(1, state["draws"] + 1)]
    risks = [one["risk"] for one in drawn]
    return {
        "promise": alpha,
        "n": n,
        "risks": risks,
        "last": drawn[-1],
        "broken": sum(risk > alpha + 1e-9 for risk in risks),
        "risk": float(np.mean(risks)),
        "coverage": float(np.mean([one["coverage"] for one in drawn])),
        "allowed": int(np.floor(alpha * (n + 1) - 1 + 1e-9)),
    }


def smallest(data):
    """Place of the smallest n that answers as many as asked, on average over the first 100 draws."""
    share = data["asked"][1]
    states = [{"alpha": data["asked"][0], "size": size, "draws": 100} for size in range(len(SIZES))]
    return next(size for size, state in enumerate(states) if 100 * expected_promise(data, state)["coverage"] >= share)


CASES = {
    "be_the_desk": (
        be_the_desk,
        lambda: be_the_desk(threshold=0.7),
        draw_decisions,
        expected_decisions,
        lambda data: [
            {"choices": [True, None, None, None, None, None, None]},
            {"choices": [True, False, False, None, True, True, False], "at": 6},
            {"choices": [True, False, False, True, True, True, False]},
        ],
    ),
    "promise_kept": (
        promise_kept,
        lambda: promise_kept(seed=1),
        draw_promise,
        expected_promise,
        lambda data: [
            {"size": smallest(data)},
            {"size": smallest(data) - 1, "draws": 100},
            {"size": len(SIZES) - 1, "draws": 100},
            {"size": smallest(data), "alpha": len(ALPHAS) - 1},
            {"alpha": data["asked"][0], "draws": 99},
            {"draws": 100},
        ],
    ),
}


def case(**changes):
    return be_the_desk([*ASKED[:3], ASKED[3] | changes])


CONFIDENCE, RIGHT = recorded(0, 600)


def promise(confidence=CONFIDENCE, right=RIGHT, alphas=ALPHAS, sizes=SIZES):
    return desk.promise_kept(confidence, right, alphas, sizes)


WRONG = {
    "three cases": (lambda: be_the_desk(ASKED[:3]), "cases: 3 questions: give 4 to 20"),
    "many cases": (lambda: be_the_desk(ASKED * 3), "cases: 21 questions"),
    "a case without an answer": (
        lambda: be_the_desk([*ASKED[:3], {"question": "a", "stored": "b"}]),
        "cases: number 3 lacks 'answer'",
    ),
    "a blank question": (lambda: case(question=" \n"), "cases: number 3, question has 0 words: give 1 to 25"),
    "a long question": (lambda: case(question="why " * 26), "cases: number 3, question has 26 words"),
    "a long stored question": (lambda: case(stored="why " * 26), "cases: number 3, stored has 26 words"),
    "a mark that is none": (lambda: case(right="yes"), "cases: number 3 has right='yes': give True or False"),
    "right, but nothing there": (lambda: case(exists=False), "cases: number 3 is right, though nothing is stored"),
    "a confidence in percent": (lambda: case(confidence=58), "cases: number 3, confidence=58: give a number from 0"),
    "no threshold": (lambda: be_the_desk(threshold=float("inf")), "threshold=inf: give a number from 0 to 1"),
    "a cheap mistake": (lambda: be_the_desk(costs=(3, 12)), "costs=(3, 12): give what a wrong answer costs"),
    "a confidence too few": (
        lambda: promise(confidence=CONFIDENCE[1:]),
        "confidence and right have the shapes (599,) and (600,): give one of each for 60 to 2,000 questions",
    ),
    "few questions": (lambda: promise([0.5] * 59, [True] * 59), "shapes (59,) and (59,)"),
    "percent": (lambda: promise(confidence=100 * CONFIDENCE), "confidence: one lies outside 0 … 1"),
    "a confidence that is none": (lambda: promise(confidence=np.full(600, np.nan)), "confidence: one lies outside"),
    "all right": (lambda: promise(right=[True] * 600), "right has the values [True]: give True and False"),
    "classes for right": (lambda: promise(right=[0, 1, 2] * 200), "right has the values [0, 1, 2]: give True"),
    "one promise": (lambda: promise(alphas=[0.05]), "alphas=[0.05]: give 2 to 12 growing shares, whole thousandths"),
    "promises that shrink": (lambda: promise(alphas=(0.1, 0.05)), "alphas=[0.1, 0.05]: give 2 to 12 growing shares"),
    "a promise too fine": (lambda: promise(alphas=(0.0505, 0.1)), "alphas=[0.0505, 0.1]: give 2 to 12 growing"),
    "a promise of all": (lambda: promise(alphas=(0.05, 1.0)), "alphas=[0.05, 1.0]: give 2 to 12 growing shares"),
    "a promise that is none": (lambda: promise(alphas=(0.05, np.inf)), "alphas=[0.05, inf]: give 2 to 12"),
    "sizes that shrink": (lambda: promise(sizes=(40, 20)), "sizes=[40, 20]: give 2 to 12 growing whole numbers"),
    "half a question": (lambda: promise(sizes=(20.5, 40)), "sizes=[20.5, 40]: give 2 to 12 growing whole numbers"),
    "nothing left": (lambda: promise(sizes=(20, 571)), "at least 30 must be left to be measured: give at most 570"),
    "nothing to be found": (
        lambda: promise(sizes=(2, 3), alphas=(0.01, 0.02)),
        "with none of these promises does the desk answer a tenth to nine tenths of the questions from some size on",
    ),
}
