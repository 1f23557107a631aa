"""Raters among themselves: what is counted by hand, what a simulation knows, what is refused."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import pearsonr

from bertcourse.data.raters import check_ratings, correlation, doubled, rater_spread, split_half


def simulated(sentences, raters, noise, seed=0):
    """True means of variance 1, and ratings around them (a scale without ends)."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=sentences)
    return truth, [mean + noise * rng.normal(size=raters) for mean in truth]


def test_spread_by_hand():
    # Variances within: 2, 0, 7 / 3 (of -1, 0, 2). Pairs of raters: 1 of 1 opposed, 0 of 1, 1 of 3.
    found = rater_spread([[1, -1], [3, 3], [-1, 0, 2]])
    assert (found["sentences"], found["ratings"]) == (3, 7)
    assert found["deviation"] == pytest.approx(np.sqrt((2 + 0 + 7 / 3) / 3), abs=1e-12)
    assert found["opposed"] == pytest.approx(2 / 3, abs=1e-12)
    assert found["opposed_pairs"] == pytest.approx((1 + 0 + 1 / 3) / 3, abs=1e-12)


def test_opposed_raters_are_found_the_more_the_more_are_asked_and_opposed_pairs_are_not():
    rng = np.random.default_rng(0)
    sentences = [rng.integers(-4, 5, 60) if number % 2 else rng.integers(0, 5, 60) for number in range(400)]
    few, many = (rater_spread([ratings[:count] for ratings in sentences]) for count in (4, 60))
    assert many["opposed"] > few["opposed"] + 0.03
    assert many["opposed_pairs"] == pytest.approx(few["opposed_pairs"], abs=0.02)
    pairs = [a * b < 0 for ratings in sentences for a, b in combinations(ratings.tolist(), 2)]
    assert many["opposed_pairs"] == pytest.approx(np.mean(pairs), abs=1e-12)


def test_correlation_is_scipys():
    first, second = np.random.default_rng(0).normal(size=(2, 50))
    assert correlation(first, second) == pytest.approx(pearsonr(first, second).statistic, abs=1e-12)
    assert correlation([1, 2, 4], [-1, -2, -4]) == pytest.approx(-1, abs=1e-12)
    assert correlation(first + 1e8, second) == pytest.approx(correlation(first, second), abs=1e-6)


@pytest.mark.parametrize(("raters", "noise"), [(20, 1.0), (15, 2.0), (2, 0.5)])
def test_reliability_is_what_the_simulation_has(raters, noise):
    """Of true means with variance 1 and raters who stray by `noise`: 1 / (1 + noise² / raters)."""
    truth, ratings = simulated(4000, raters, noise)
    found = split_half(ratings, scale=(-99, 99), draws=200)
    expected = 1 / (1 + noise**2 / raters)
    assert found["reliability"] == pytest.approx(expected, abs=0.02)
    assert found["low"] < expected < found["high"]
    assert found["reliability"] == doubled(found["halves"])
    means = [row.mean() for row in ratings]
    assert found["ceiling"] == pytest.approx(correlation(truth, means), abs=0.01), "who knows the truth reaches this"
    assert found["ceiling"] > found["reliability"]


def test_reliability_agrees_with_the_analysis_of_variance():
    """The same quantity by another way, without halves: 1 - (mean variance within / raters) / variance of the means."""
    _, ratings = simulated(3000, 20, 1.5, seed=1)
    within = np.mean([row.var(ddof=1) for row in ratings]) / 20
    between = np.var([row.mean() for row in ratings], ddof=1)
    assert split_half(ratings, scale=(-99, 99), draws=10)["reliability"] == pytest.approx(
        1 - within / between, abs=0.004
    )


def test_each_rater_is_in_one_half():
    """With two raters the halves are the raters; who all agree agree in halves; an odd one stays in."""
    first, second = [1, 2, 3, -4, 0], [1, 3, 2, -2, 0]
    found = split_half([list(pair) for pair in zip(first, second, strict=True)], splits=200, draws=10)
    swapped = [
        correlation(np.where(mask, first, second), np.where(mask, second, first))
        for mask in (np.array([number >> place & 1 for place in range(5)], dtype=bool) for number in range(32))
    ]
    assert found["halves"] == pytest.approx(np.mean(swapped), abs=0.01)
    agreed = split_half([[1] * 5, [2] * 3, [-4] * 2, [0] * 7], draws=50)
    assert agreed["halves"] == agreed["reliability"] == agreed["ceiling"] == pytest.approx(1, abs=1e-12)


def test_raters_who_guess_have_no_reliability():
    rng = np.random.default_rng(3)
    found = split_half([rng.integers(-4, 5, 20) for _ in range(2000)], draws=200)
    assert found["low"] < 0 < found["high"] and found["ceiling"] < 0.3


def test_the_same_seed_gives_the_same_numbers():
    _, ratings = simulated(60, 7, 1.0)
    assert split_half(ratings, scale=(-99, 99), draws=50) == split_half(ratings, scale=(-99, 99), draws=50)
    assert split_half(ratings, scale=(-99, 99), draws=50, seed=1) != split_half(ratings, scale=(-99, 99), draws=50)


@pytest.mark.parametrize(
    ("ratings", "message"),
    [
        ([], "ratings is empty: give those of one sentence"),
        ([[1, 2], []], r"sentence 1 has the ratings \[\]: give two at least, or leave it out"),
        ([[3]], r"sentence 0 has the ratings \[3\.0\]: give two at least"),
        ([[1, 2], [0, 5]], r"sentence 1 has the rating 5: correct it, or give its scale; here it is \(-4, 4\)"),
        ([[-4.5, 0]], "sentence 0 has the rating -4.5: correct it"),
        ([[1, float("nan")]], "sentence 0 has the rating nan: correct it"),
    ],
)
def test_ratings_that_are_refused(ratings, message):
    for function in (check_ratings, rater_spread, split_half):
        with pytest.raises(ValueError, match=message):
            function(ratings)


def test_the_ends_of_the_scale_are_on_it():
    assert [row.tolist() for row in check_ratings([[-4, 4], [0, 1, 2]])] == [[-4, 4], [0, 1, 2]]
    assert len(check_ratings([[1, 5]], scale=(1, 5))) == 1


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([1, 2], [1, 2, 3], "2 and 3 numbers: give as many of each"),
        ([1, float("inf")], [1, 2], "place 1 is inf: leave it out of both lists"),
        ([1, 2, 3], [1, 2, float("nan")], "place 2 is nan"),
        ([2, 2, 2], [1, 2, 3], r"numbers \[2\.0, 2\.0, 2\.0\]: nothing correlates with them"),
        ([], [], r"numbers \[\]: nothing correlates"),
    ],
)
def test_correlations_that_are_refused(first, second, message):
    with pytest.raises(ValueError, match=message):
        correlation(first, second)


def test_all_sentences_alike_have_no_reliability_to_speak_of():
    with pytest.raises(ValueError, match=r"numbers \[1\.0, 1\.0, 1\.0\]: nothing correlates with them"):
        split_half([[1, 1], [1, 1], [1, 1]])
