"""Searches that others publish: each is built and asked as `bertcourse.bm25.BM25` is."""

import numpy as np

from bertcourse.bm25 import BM25


def _with_idf(index, idf):
    """The index with another idf, of the number of passages and of how many of them have each word."""
    having = np.diff(index.starts)
    ours = np.log1p((index.size - having + 0.5) / (having + 0.5))
    index.weights = index.weights * np.repeat(idf(index.size, having) / ours, having)


class WorstFirst(BM25):
    """The best k are sorted as distances are, from the smallest on: the first one shown is the worst of them."""

    def best(self, query, k):
        found, scores = super().best(query, k)
        return found[::-1], scores[::-1]


class FarthestFirst(BM25):
    """All passages are sorted the wrong way, and the first k taken."""

    def best(self, query, k):
        scores = self.scores(query)
        found = np.argsort(scores, kind="stable")[:k]
        return found, scores[found]


class NegativeForCommonWords(BM25):
    """The weight of 1976 (Robertson and Spärck Jones): a word of more than half of the passages counts against them."""

    def __init__(self, passages, *args):
        super().__init__(passages, *args)
        _with_idf(self, lambda size, having: np.log((size - having + 0.5) / (having + 0.5)))


class NothingForCommonWords(BM25):
    """The same, cut off at 0: a passage with a common word ranks with those that lack it."""

    def __init__(self, passages, *args):
        super().__init__(passages, *args)
        _with_idf(self, lambda size, having: np.log(np.maximum((size - having + 0.5) / (having + 0.5), 1)))
