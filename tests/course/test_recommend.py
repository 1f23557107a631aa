"""Protocols and methods of recommending: nothing from the future, nothing seen, and counts that are those of loops."""

from collections import Counter

import numpy as np
import pytest
from bug_zoo import recommend_bugs

from bertcourse.data.movielens import Clicks
from bertcourse.recommend.methods import (
    by_last,
    by_vectors,
    coverage,
    item_knn,
    joined,
    mean_popularity,
    next_counts,
    popularity,
    popularity_then,
    shuffled,
    standardised,
    unlikeness,
)
from bertcourse.recommend.protocols import (
    DAY,
    Questions,
    best,
    cold,
    gains,
    hits,
    leave_one_out,
    ranks,
    sampled,
    time_line,
)
from bertlib.metrics.ranking import ranking_scores

FILMS = 30


@pytest.fixture(scope="module")
def clicks():
    """Twelve users; the films of each in a drawn order, at times that run on."""
    rng = np.random.default_rng(0)
    rows = []
    for user in range(12):
        length, start = int(rng.integers(3, 15)), int(rng.integers(0, 50)) * DAY
        times = start + np.sort(rng.integers(0, 5 * DAY, length))
        rows += zip([user] * length, rng.permutation(FILMS)[:length], times, rng.integers(1, 6, length), strict=True)
    return Clicks(*(np.array(column) for column in zip(*rows, strict=True)))


def test_leave_one_out_asks_for_the_last_of_each_user(clicks):
    split = leave_one_out(clicks)
    for user, whole in enumerate(clicks.histories(12)):
        assert split.histories[user] == whole[:-2]
        assert split.validation.seen[user] == whole[:-2]
        assert split.test.seen[user] == whole[:-1]
        assert (split.validation.truth[user], split.test.truth[user]) == (whole[-2], whole[-1])
    assert len(split.train) == len(clicks) - 24


def nothing_of_the_future_trains(split, clicks):
    """What a split by a date promises."""
    assert len(split.test) and len(split.validation)
    date = np.quantile(clicks.time, 0.6)
    assert split.train.time.max() < date <= split.test.time.min()
    assert split.validation.time.max() < date
    for asked in (split.validation, split.test):
        for user, truth, seen in zip(asked.user, asked.truth, asked.seen, strict=True):
            whole = clicks.histories(12)[user]
            assert seen
            assert seen == whole[: whole.index(truth)], "all that came before, and nothing else"
    assert max(Counter(split.test.user.tolist()).values()) <= 4
    learned = {(user, film) for user, film in zip(split.train.user, split.train.film, strict=True)}
    asked = {
        (user, film) for one in (split.validation, split.test) for user, film in zip(one.user, one.truth, strict=True)
    }
    assert not learned & asked


def test_nothing_of_the_future_trains_on_the_time_line(clicks):
    nothing_of_the_future_trains(time_line(clicks, 0.6, most=4), clicks)
    with pytest.raises(ValueError, match=r"share=1\.5"):
        time_line(clicks, 1.5)


def test_a_split_by_chance_is_found_out(clicks):
    """Bug 29: a split that leaks the future."""
    with pytest.raises(AssertionError):
        nothing_of_the_future_trains(recommend_bugs.split_by_chance(clicks, 0.6, 4), clicks)


def test_a_leave_one_out_split_does_learn_from_the_future(clicks):
    split = leave_one_out(clicks)
    assert any(split.train.time.max() > time for time in split.test.time)


def brute_rank(scores, seen, truth, among=None):
    left = [film for film in (range(len(scores)) if among is None else {*among, truth}) if film not in seen]
    return sorted(left, key=lambda film: (-scores[film], film)).index(truth) + 1


def ranks_are_those_of_a_sorted_list(rank_of, scores, test):
    for own, seen, truth in zip(scores, test.seen, test.truth, strict=True):
        assert rank_of(own, seen, truth) == brute_rank(own, seen, truth)


@pytest.mark.parametrize("wrong", [recommend_bugs.seen_films_stay, recommend_bugs.truth_taken_for_seen])
def test_what_was_seen_is_not_ranked_and_the_truth_is(clicks, wrong):
    """Bug 30: seen films not removed, or the truth removed with them."""
    scores = np.random.default_rng(1).random((12, FILMS))
    test = leave_one_out(clicks).test
    ranks_are_those_of_a_sorted_list(
        lambda own, seen, truth: ranks(own[None], Questions(*(np.array([x]) for x in (0, truth, 0)), [seen]))[0],
        scores,
        test,
    )
    with pytest.raises(AssertionError):
        ranks_are_those_of_a_sorted_list(wrong, scores, test)


def test_a_rank_among_a_hundred_is_no_rank(clicks):
    """Bug 28: sampled negatives, reported as if they were all films."""
    rng = np.random.default_rng(6)
    test = leave_one_out(clicks).test
    scores = rng.random((len(test), FILMS))
    whole, drawn = ranks(scores, test), recommend_bugs.ranked_among_a_hundred(scores, test, rng)
    with pytest.raises(AssertionError):
        assert np.array_equal(whole, drawn)
    assert hits(drawn, 5).mean() > hits(whole, 5).mean()


def test_ranks_are_those_of_a_sorted_list_ties_included(clicks):
    rng, test = np.random.default_rng(1), leave_one_out(clicks).test
    scores = rng.integers(0, 4, (len(test), FILMS)).astype(float)
    given = scores.copy()
    found, drawn = ranks(scores, test), sampled(test, FILMS, 6, rng)
    among = ranks(scores, test, drawn)
    assert np.array_equal(scores, given), "scores are left as they were"
    for row, (own, seen, truth) in enumerate(zip(scores, test.seen, test.truth, strict=True)):
        assert found[row] == brute_rank(own, seen, truth)
        assert among[row] == brute_rank(own, seen, truth, drawn[row])
    assert (among <= 7).all() and (among <= found).all()


def test_seen_films_stand_in_no_list_and_lists_agree_with_ranks(clicks):
    rng, test = np.random.default_rng(2), leave_one_out(clicks).test
    scores = rng.random((len(test), FILMS))
    lists, found = best(scores, test, 5), ranks(scores, test)
    for row, seen in enumerate(test.seen):
        assert not {*lists[row].tolist()} & {*seen}
        place = lists[row].tolist().index(test.truth[row]) + 1 if test.truth[row] in lists[row] else 6
        assert place == min(found[row], 6)


def test_measures_are_those_of_the_library(clicks):
    rng, test = np.random.default_rng(3), leave_one_out(clicks).test
    scores = rng.integers(0, 9, (len(test), FILMS)).astype(float)
    found = ranks(scores, test)
    lists = best(scores, test, FILMS - max(map(len, test.seen)))
    library = ranking_scores(list(lists), [{int(film)} for film in test.truth])
    assert np.allclose(gains(found), library["ndcg@10"]) and np.allclose(hits(found), library["recall@10"])


def test_the_truth_may_not_be_seen(clicks):
    test = leave_one_out(clicks).test
    wrong = Questions(
        test.user, test.truth, test.time, [[*seen, truth] for seen, truth in zip(test.seen, test.truth, strict=True)]
    )
    with pytest.raises(ValueError, match="is asked for and was seen"):
        ranks(np.zeros((len(test), FILMS)), wrong)
    with pytest.raises(ValueError, match="no NaN"):
        ranks(np.full((len(test), FILMS), np.nan), test)
    with pytest.raises(ValueError, match="shape"):
        ranks(np.zeros((3, FILMS)), test)


def test_sampled_films_are_unseen_and_even(clicks):
    test = leave_one_out(clicks).test
    drawn = [sampled(test, FILMS, 5, np.random.default_rng(seed)) for seed in range(300)]
    for row, (seen, truth) in enumerate(zip(test.seen, test.truth, strict=True)):
        counts = Counter(film for one in drawn for film in one[row].tolist())
        unseen = {*range(FILMS)} - {*seen, int(truth)}
        assert {*counts} == unseen
        assert all(len({*one[row].tolist()}) == 5 for one in drawn)
        expected = 300 * 5 / len(unseen)
        assert max(abs(count - expected) for count in counts.values()) < 6 * np.sqrt(expected)
    with pytest.raises(ValueError, match="negatives=29"):
        sampled(test, FILMS, 29, np.random.default_rng(0))


def test_fewer_negatives_can_only_help(clicks):
    rng, test = np.random.default_rng(4), leave_one_out(clicks).test
    scores = rng.random((len(test), FILMS))
    most = sampled(test, FILMS, 10, rng)
    for few in (1, 5):
        assert (ranks(scores, test, most[:, :few]) <= ranks(scores, test, most)).all()


def test_popularity_then_counts_only_what_was_before(clicks):
    test = leave_one_out(clicks).test
    found = popularity_then(clicks, test, FILMS, 3)
    for row, moment in enumerate(test.time):
        recent = (clicks.time < moment) & (clicks.time >= moment - 3 * DAY)
        assert np.array_equal(found[row], np.bincount(clicks.film[recent], minlength=FILMS))
    split = leave_one_out(clicks)
    assert popularity(split.train, test, FILMS).sum() == len(split.train) * len(test)


def test_popular_at_any_time_is_told_from_popular_then(clicks):
    """Bug 29: "popular now" that knows what is still to come."""
    test = leave_one_out(clicks).test
    found = popularity_then(clicks, test, FILMS, 3)
    wrong = [recommend_bugs.popular_at_any_time(clicks.film, clicks.time, now, 3, FILMS) for now in test.time]
    assert (np.array(wrong) >= found).all() and not np.array_equal(wrong, found)


def test_counts_of_next_films_are_those_of_loops(clicks):
    histories = leave_one_out(clicks).histories
    wanted = np.zeros((FILMS, FILMS))
    for history in histories:
        for place, film in enumerate(history):
            for other in history[place + 1 : place + 4]:
                wanted[film, other] += 1
    assert np.array_equal(next_counts(histories, FILMS, 3), wanted)
    assert not next_counts([[], [3]], FILMS).any()
    asked = leave_one_out(clicks).test
    summed = by_last(wanted, asked, 2)
    for row, seen in enumerate(asked.seen):
        assert np.array_equal(summed[row], wanted[seen[-2]] + wanted[seen[-1]])
    nobody = Questions(np.array([0]), np.array([1]), np.array([0]), [[]])
    assert not by_last(wanted, nobody).any(), "a user without history: equal scores"


def test_neighbours_of_items_are_cosines(clicks):
    histories = leave_one_out(clicks).histories
    cosines = item_knn(histories, FILMS)
    raters = [{user for user, history in enumerate(histories) if film in history} for film in range(FILMS)]
    for one in range(FILMS):
        for other in range(FILMS):
            both = len(raters[one] & raters[other])
            wanted = both / np.sqrt(len(raters[one]) * len(raters[other])) if both and one != other else 0
            assert cosines[one, other] == pytest.approx(wanted, abs=1e-6)


def test_text_and_behaviour_together(clicks):
    rng = np.random.default_rng(5)
    one, other = 100 * rng.random((4, FILMS)), rng.random((4, FILMS))
    assert np.allclose(joined(one, other, 0), standardised(one)) and np.allclose(
        joined(one, other, 1), standardised(other)
    )
    assert np.allclose(joined(one * 1000 + 5, other, 0.3), joined(one, other, 0.3)), "scales do not matter"
    assert np.array_equal(standardised(np.ones((2, 3))), np.zeros((2, 3)))
    with pytest.raises(ValueError, match="weight=2"):
        joined(one, other, 2)
    vectors = rng.standard_normal((FILMS, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    test = leave_one_out(clicks).test
    assert np.allclose(by_vectors(vectors, test, 1)[3], vectors @ vectors[test.seen[3][-1]])
    with pytest.raises(ValueError, match="rank by popularity"):
        by_vectors(vectors, Questions(np.array([0]), np.array([1]), np.array([0]), [[]]), 3)


def test_a_shuffled_history_has_the_same_films(clicks):
    histories = clicks.histories(12)
    drawn = shuffled(histories, np.random.default_rng(0))
    assert [sorted(one) for one in drawn] == [sorted(one) for one in histories]
    assert drawn != histories


def test_lists_beside_accuracy(clicks):
    split = leave_one_out(clicks)
    lists = np.array([[0, 1, 2], [0, 1, 3]])
    assert coverage(lists, 10) == 0.4
    assert unlikeness(lists, np.eye(FILMS)) == 1
    assert unlikeness(lists, np.ones((FILMS, 1))) == 0
    counts = np.bincount(split.train.film, minlength=FILMS)
    top, low = np.argsort(-counts)[:3], np.argsort(counts)[:3]
    assert mean_popularity(np.array([top]), split.train, FILMS) > mean_popularity(np.array([low]), split.train, FILMS)
    assert np.array_equal(cold(split, FILMS, 3), counts < 3)
