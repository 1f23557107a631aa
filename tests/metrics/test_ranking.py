"""Measures of a ranking: trec_eval's own numbers on drawn runs full of ties, values by hand, and what is refused."""

import math
import random
import re

import numpy as np
import pytest
import pytrec_eval

from bertlib.metrics import interval
from bertlib.metrics.ranking import average_precision, ndcg, order, ranking_scores, recall, reciprocal_rank

KS = (1, 3, 10)
THEIRS = {"reciprocal_rank": "recip_rank", "average_precision": "map"}
THEIRS |= {f"{ours}@{k}": f"{theirs}_{k}" for ours, theirs in (("ndcg", "ndcg_cut"), ("recall", "recall")) for k in KS}


def trec_eval(judged, runs):
    cuts = ",".join(map(str, KS))
    measures = {f"ndcg_cut.{cuts}", f"recall.{cuts}", "recip_rank", "map"}
    return pytrec_eval.RelevanceEvaluator(judged, measures).evaluate(runs)


def drawn(seed, grades, queries=250):
    """Judgments and runs of 0 to 30 results, of few different scores, two of which differ too little for float32."""
    rng = random.Random(seed)
    ids = [f"{kind}{number}" for kind in ("", "p", "P", "é") for number in range(1, 13)]
    judged, runs = {}, {}
    for query in map(str, range(queries)):
        # trec_eval misreads a query whose judgments are all below 0: give each one of 0 or more.
        judged[query] = {one: rng.choice(grades) for one in rng.sample(ids, rng.randint(1, 25))} | {"p0": 0}
        found = rng.sample(ids, rng.choice([0, 1, 5, 30]))
        runs[query] = {one: rng.choice([0.5, 1.0, 1 + 1e-9, 2.0, -1.0]) for one in found}
    return judged, runs


# ------------------------------------------------------------------------------------------------------- trec_eval


@pytest.mark.parametrize("grades", [(0, 1), (0, 0, 1, 2, 3), (-2, -1, 0, 0, 1, 4), (0,)], ids=str)
@pytest.mark.parametrize("seed", range(2))
def test_trec_eval_finds_the_same(seed, grades):
    judged, runs = drawn(seed, grades)
    found = [order(run.values(), run) for run in runs.values()]
    scores = ranking_scores(found, list(judged.values()), ks=KS)
    theirs = trec_eval(judged, runs)
    assert scores.keys() == THEIRS.keys() and len(theirs) == 250
    for ours, name in THEIRS.items():
        expected = [theirs[query][name] for query in judged]
        np.testing.assert_allclose(scores[ours], expected, rtol=0, atol=1e-12, err_msg=ours)
        assert scores[ours].shape == (250,) and scores[ours].dtype == np.float64
    assert len({len(run) for run in runs.values()}) == 4
    tied = sum(len({np.float32(score) for score in run.values()}) < len(run) for run in runs.values())
    assert tied >= 100


def test_trec_eval_breaks_ties_as_we_say():
    """Equal scores: the last id first, as strings; what float32 cannot tell apart is equal."""
    for scores, first in (
        ({"9": 1.0, "10": 1.0}, "9"),
        ({"a": 1.0, "Z": 1.0}, "a"),
        ({"é": 1.0, "z": 1.0}, "é"),
        ({"a": 1 + 1e-8, "b": 1.0}, "b"),
        ({"a": 1 + 1e-6, "b": 1.0}, "a"),
        ({"a": 16777217.0, "b": 16777216.0}, "b"),
        ({"a": -math.inf, "b": -1.0}, "b"),
    ):
        assert order(scores.values(), scores)[0] == first
        assert trec_eval({"q": {first: 1}}, {"q": scores})["q"]["recip_rank"] == 1


def test_which_queries_trec_eval_averages_over():
    """Over all that were judged and have a run, one with nothing relevant too, and over no others."""
    judged = {"right": {"a": 1}, "nothing": {"a": 0}, "no_run": {"a": 1}, "no_judgment": {}, "empty_run": {"a": 1}}
    runs = {name: {"a": 1.0} for name in ("right", "nothing", "no_judgment", "unknown")} | {"empty_run": {}}
    found = {query: values["map"] for query, values in trec_eval(judged, runs).items()}
    assert found == {"right": 1.0, "nothing": 0.0, "empty_run": 0.0}


# --------------------------------------------------------------------------------------------------------- by hand


def test_by_hand():
    found, relevant = ["d", "a", "c", "b"], {"a": 3, "b": 1, "c": 0, "x": 2, "y": -1}
    gained = 3 / math.log2(3) + 1 / math.log2(5)
    assert ndcg(found, relevant, 10) == pytest.approx(gained / (3 + 2 / math.log2(3) + 1 / 2), abs=1e-12)
    assert ndcg(found, relevant, 2) == pytest.approx(3 / math.log2(3) / (3 + 2 / math.log2(3)), abs=1e-12)
    assert ndcg(found, relevant, 1) == 0
    assert [recall(found, relevant, k) for k in (1, 2, 4, 99)] == pytest.approx([0, 1 / 3, 2 / 3, 2 / 3])
    assert reciprocal_rank(found, relevant) == 1 / 2
    assert average_precision(found, relevant) == pytest.approx((1 / 2 + 2 / 4 + 0) / 3)


def test_dense_scores_and_sets_of_numbers():
    """A matrix of scores, one right passage each: with one relevant all measures are functions of its rank."""
    scores = np.random.default_rng(0).normal(size=(50, 40))
    right = np.arange(50) % 40
    found = np.argsort(-scores, axis=1, kind="stable")
    ranks = (scores > scores[np.arange(50), right, None]).sum(axis=1) + 1
    values = ranking_scores(found, [{int(one)} for one in right])
    assert list(values) == ["reciprocal_rank", "average_precision", "ndcg@1", "recall@1", "ndcg@10", "recall@10"]
    np.testing.assert_allclose(values["reciprocal_rank"], 1 / ranks, rtol=1e-12)
    np.testing.assert_allclose(values["average_precision"], 1 / ranks, rtol=1e-12)
    np.testing.assert_allclose(values["ndcg@10"], np.where(ranks <= 10, 1 / np.log2(ranks + 1), 0), rtol=1e-12)
    assert np.array_equal(values["recall@10"], ranks <= 10)
    assert np.array_equal(values["ndcg@1"], ranks == 1)
    assert np.array_equal(ranking_scores(found.tolist(), [{one} for one in right])["ndcg@10"], values["ndcg@10"])
    cut = ranking_scores(found[:, :10], [{int(one)} for one in right])
    assert np.array_equal(cut["ndcg@10"], values["ndcg@10"])
    assert np.array_equal(cut["reciprocal_rank"], np.where(ranks <= 10, values["reciprocal_rank"], 0))
    low, high = interval(np.mean, values["ndcg@10"])
    assert low < values["ndcg@10"].mean() < high


@pytest.mark.parametrize("seed", range(3))
def test_bounds_and_the_best_order(seed):
    rng = random.Random(seed)
    for _ in range(50):
        relevant = {one: rng.choice([1, 2, 0.5, 0, -1]) for one in rng.sample(range(30), 12)} | {30: 1}
        found = rng.sample(range(31), rng.randint(0, 31))
        best = sorted(relevant, key=relevant.get, reverse=True)
        for k in KS:
            assert 0 <= ndcg(found, relevant, k) <= ndcg(best, relevant, k) + 1e-12
            assert ndcg(best, relevant, k) == pytest.approx(1, abs=1e-12)
            assert recall(found, relevant, k) <= recall(found, relevant, k + 1) <= 1
        assert average_precision(best, relevant) == reciprocal_rank(best, relevant) == 1
        assert average_precision(found, relevant) <= 1
        judged = {one for one, gain in relevant.items() if gain > 0}
        for measure in (reciprocal_rank, average_precision):  # these know no grades
            assert measure(found, relevant) == measure(found, judged)


@pytest.mark.parametrize("relevant", [set(), {}, {"a": 0}, {"a": -1}], ids=str)
def test_nothing_relevant_and_nothing_found(relevant):
    for found in (["a", "b"], []):
        assert {float(value[0]) for value in ranking_scores([found], [relevant]).values()} == {0.0}
    assert {float(value[0]) for value in ranking_scores([[]], [{"a"}]).values()} == {0.0}
    assert {value.shape for value in ranking_scores([], []).values()} == {(0,)}


def test_the_order_keeps_ids_as_they_are():
    assert order([1, 2, 2], [9, 10, 9.5]) == [9.5, 10, 9]
    assert order(np.array([0.5, 0.5]), np.array(["a", "b"])) == ["b", "a"]
    assert order([], []) == []


# -------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    "wrong, said",
    [
        (lambda: ndcg(["a"], {"a"}, 0), "k=0: give a whole number of at least 1"),
        (lambda: recall(["a"], {"a"}, -1), "k=-1"),
        (lambda: ranking_scores([["a"]], [{"a"}], ks=(1, 0)), "k=0"),
        (lambda: reciprocal_rank(["a", "b", "a"], {"b"}), "found has 'a' twice: give each id once, best first"),
        (lambda: average_precision([3, -1, -1], {3}), "found has -1 twice"),
        (lambda: average_precision(np.array([3, -1, -1]), {3}), "found has -1 twice"),
        (lambda: ndcg(["a"], "a", 1), "relevant is the text 'a': give ids, ['a'] if it is one"),
        (lambda: ranking_scores(["p1"], [{"p1"}]), "found is the text 'p1': give ids, ['p1'] if it is one"),
        (lambda: recall([1, 2], {"1"}, 1), "found begins with [1], relevant with ['1']: give strings in both, or none"),
        (lambda: recall(["1"], {1: 2}, 1), "found begins with ['1'], relevant with [1]"),
        (lambda: ndcg(["a"], {"a": math.nan}, 1), "relevant has the gains [nan]: give finite ones"),
        (lambda: ndcg(["a"], {"a": math.inf}, 1), "relevant has the gains [inf]"),
        (lambda: ranking_scores([["a"]], []), "found is of 1 queries, relevant of 0: give both for each query"),
        (lambda: order([1.0], ["a", "b"]), "scores of shape (1,) for 2 ids: give each id one number"),
        (lambda: order([1.0, math.nan], ["a", "b"]), "none of them NaN"),
    ],
)
def test_what_is_wrong_is_named(wrong, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        wrong()
