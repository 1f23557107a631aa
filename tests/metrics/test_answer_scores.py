"""Scores of answers: SQuAD's official script to the last digit, what must hold of them, and what is refused.

The script's own scores of a thousand made pairs stand in squad_scores.csv; make_squad_scores.py says where they come
from and writes them anew.
"""

import csv
import json
import math
from pathlib import Path

import make_squad_scores
import numpy as np
import pytest

from bertlib.metrics.answers import answer_scores, exact_match, normalized, overlap_f1, score_each

WORDS = ["goal", "team", "the", "a", "bank", "Goal", "goal,", "café", "3.5", ""]


@pytest.fixture(scope="module")
def official():
    """Predictions, right answers, and the official script's scores, (N, 2)."""
    with make_squad_scores.TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    scores = np.array([[float(row["exact"]), float(row["f1"])] for row in rows])
    return [json.loads(row["prediction"]) for row in rows], [json.loads(row["golds"]) for row in rows], scores


def random_answers(seed, size=200):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, size=rng.integers(0, 6))) for _ in range(size)]


# --------------------------------------------------------------------------------------------- the official script


def test_a_thousand_scores_are_those_of_the_official_script(official):
    predicted, golds, expected = official
    assert len(predicted) == make_squad_scores.SIZE == 1000
    scores = score_each(golds, predicted)
    assert np.array_equal(scores[:, 0], expected[:, 0])
    np.testing.assert_allclose(scores[:, 1], expected[:, 1], rtol=0, atol=1e-12)
    found = answer_scores(golds, predicted)
    assert (found["exact"], found["f1"]) == pytest.approx(tuple(expected.mean(axis=0)), abs=1e-12)


def test_the_table_holds_what_could_go_wrong(official):
    predicted, golds, scores = official
    assert {len(own) for own in golds} == {0, 1, 2, 3, 4}
    assert ((scores[:, 1] > 0) & (scores[:, 1] < 1)).sum() >= 150
    assert 300 < scores[:, 0].sum() < 700
    text = " ".join([*predicted, *(gold for own in golds for gold in own)])
    assert all(sign in text for sign in ("The", "\u0301", "’", "東", "\n", "\u00a0", "-", "U.S."))
    assert sum(not normalized(given) for given in predicted) >= 50
    assert sum(any(not normalized(gold) for gold in own) for own in golds) >= 50


def test_the_pairs_are_those_that_the_table_was_made_of(official):
    """The generator stands beside it: who changes one has to make the other anew."""
    import random

    rng = random.Random(0)
    made = [make_squad_scores.pair(rng) for _ in range(make_squad_scores.SIZE)]
    assert [prediction for prediction, _ in made] == official[0]
    assert [golds for _, golds in made] == official[1]


# -------------------------------------------------------------------------------------------------- what must hold


@pytest.mark.parametrize(
    "answer, form",
    [
        ("The  Goal,", "goal"),
        ("a.n.", ""),  # the points go first, then an
        ("A theatre", "theatre"),
        ("the-end", "theend"),  # a hyphen goes without leaving a space
        ("O'Neill's", "oneills"),
        ("O’Neill’s", "o’neill’s"),  # only ASCII punctuation goes
        ("3.5", "35"),
        ("\n the\u00a0team\t", "team"),
        ("an an a", ""),
        ("ÄRZTE", "ärzte"),
        ("", ""),
    ],
)
def test_normal_forms(answer, form):
    assert normalized(answer) == form
    assert normalized(normalized(answer)) == form


@pytest.mark.parametrize("seed", range(5))
def test_bounds_symmetry_and_what_is_equal(seed):
    ours, theirs = random_answers(seed), random_answers(seed + 100)
    for one, other in zip(ours, theirs, strict=True):
        f1, exact = overlap_f1(one, other), exact_match(one, other)
        assert 0 <= f1 <= 1 and exact in (0.0, 1.0)
        assert f1 == overlap_f1(other, one) and exact == exact_match(other, one)
        assert exact <= f1
        assert overlap_f1(one, one) == exact_match(one, one) == 1
        assert overlap_f1(" ".join(reversed(one.split())), other) == f1  # it does not look at the words' order
        if not set(normalized(one).split()) & set(normalized(other).split()) and normalized(one):
            assert f1 == 0


@pytest.mark.parametrize("seed", range(3))
def test_the_best_of_several_right_answers_counts_in_any_order(seed):
    rng = np.random.default_rng(seed)
    predicted = random_answers(seed, 100)
    golds = [random_answers(1000 * seed + row, int(rng.integers(0, 4))) for row in range(100)]
    scores = score_each(golds, predicted)
    assert scores.shape == (100, 2) and scores.dtype == np.float64
    assert np.array_equal(score_each([own[::-1] for own in golds], predicted), scores)
    assert np.array_equal(score_each([own + own[:1] for own in golds], predicted), scores)
    for row, (given, own) in enumerate(zip(predicted, golds, strict=True)):
        alone = [score_each([[gold]], [given])[0] for gold in own if normalized(gold)]
        assert not alone or np.array_equal(scores[row], np.max(alone, axis=0))
    more = score_each([[*own, "goal team"] for own in golds], predicted)
    assert all(more[row].tolist() >= scores[row].tolist() for row in range(100) if any(map(normalized, golds[row])))


def test_f1_by_hand():
    assert overlap_f1("the goal of the team", "goal of a bank") == pytest.approx(2 * 2 / (3 + 3))
    assert overlap_f1("goal goal", "goal") == pytest.approx(2 / 3)  # each as often as it stands there
    assert overlap_f1("goal goal bank", "goal goal team") == pytest.approx(2 / 3)
    assert score_each([["bank", "the goal"]], ["goal team"]).tolist() == [[0.0, pytest.approx(2 / 3)]]


# ----------------------------------------------------------------------------------------------------- no answer


def test_no_answer():
    given = ["", "goal", "the", "...", ""]
    golds = [[], [], [], [], ["goal"]]
    assert score_each(golds, given).tolist() == [[1, 1], [0, 0], [1, 1], [1, 1], [0, 0]]
    assert score_each([["the", "goal"]], [""]).tolist() == [[0, 0]]  # a right answer of articles alone is passed over
    assert score_each([["the"]], [""]).tolist() == [[1, 1]]


def test_answerable_and_not_are_told_apart():
    golds, given = [["goal"], ["bank", "the bank"], [], [], []], ["goal team", "", "", "goal", ""]
    scores = answer_scores(golds, given)
    assert scores["has_answer"] == {"exact": 0.0, "f1": pytest.approx(1 / 3), "support": 2}
    assert scores["no_answer"] == {"exact": pytest.approx(2 / 3), "f1": pytest.approx(2 / 3), "support": 3}
    assert (scores["exact"], scores["support"]) == (pytest.approx(2 / 5), 5)
    for figure in ("exact", "f1"):
        parts = [(scores[part][figure], scores[part]["support"]) for part in ("has_answer", "no_answer")]
        assert scores[figure] == pytest.approx(sum(value * support for value, support in parts) / 5)
    assert json.loads(json.dumps(scores)) == scores


def test_one_kind_alone():
    nothing = {"exact": 0.0, "f1": 0.0, "support": 0}
    scores = answer_scores([["goal"]], ["goal"])
    assert scores["has_answer"] == {"exact": 1.0, "f1": 1.0, "support": 1} and scores["no_answer"] == nothing
    scores = answer_scores([[]], [""])
    assert scores["no_answer"] == {"exact": 1.0, "f1": 1.0, "support": 1} and scores["has_answer"] == nothing
    assert not any(math.isnan(scores[figure]) for figure in ("exact", "f1"))


# ----------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("golds, given", [([["a"]], []), ([], ["a"]), ([["a"], []], ["a", "b", "c"])])
def test_lists_of_different_lengths(golds, given):
    for scores in (score_each, answer_scores):
        with pytest.raises(ValueError, match=f"{len(given)} predictions for {len(golds)} questions: give one for each"):
            scores(golds, given)


def test_no_questions():
    assert score_each([], []).shape == (0, 2)
    with pytest.raises(ValueError, match="there are no questions: give at least one"):
        answer_scores([], [])


def test_the_script_is_pinned(tmp_path):
    other = tmp_path / "squad.py"
    other.write_text("", encoding="utf-8")
    before = make_squad_scores.TABLE.read_bytes()
    with pytest.raises(SystemExit, match=r"SHA-256 .* take it from allennlp-models 2\.10\.1"):
        make_squad_scores.main(str(other))
    assert make_squad_scores.TABLE.read_bytes() == before
    assert Path(make_squad_scores.__file__).parent == Path(__file__).parent
