"""BM25: how well passages fit the words of a query. It counts words and reads no meaning.

Robertson et al. (1994), explained in Robertson and Zaragoza (2009), section 3. Variants differ in idf, and in a factor
k1 + 1 that changes no order (Kamphuis et al., 2020); this one is Lucene's, without the factor.
"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np


def search_words(text: str) -> list[str]:
    """The runs of letters and digits in lower case: "It's 3.5 %" gives it, s, 3, 5. Nothing is stemmed or left out."""
    return re.findall(r"[^\W_]+", text.lower())


def check_words(words: Sequence[str], name: str) -> Sequence[str]:
    """Words as they are; a ValueError for a text that was not cut, whose letters would be taken for words."""
    if isinstance(words, str):
        raise ValueError(f"{name} is the text {words[:40]!r}: give its words as a list, such as search_words(text)")
    return words


class BM25:
    """An index of passages by their words: what each word adds to a passage's score is computed once, in advance.

    That is ln(1 + (N - n + 0.5) / (n + 0.5)) · f / (f + k1 · (1 - b + b · length / average)) for a word that is in n of
    the N passages, f times in this one, which has `length` words. It is over 0 for common words too.

    Args:
        passages: of each its words; some may have none.
        k1: 0 or more: how much it counts that a word is there more than once; at 0 it does not.
        b: from 0 to 1: how much it counts against a passage that it is long; at 0 it does not.
    """

    def __init__(self, passages: Sequence[Sequence[str]], k1: float = 1.2, b: float = 0.75):
        if not len(check_words(passages, "passages")):
            raise ValueError("passages is empty: give the words of one passage at least")
        if not 0 <= k1 < np.inf or not 0 <= b <= 1:
            raise ValueError(f"k1={k1!r}, b={b!r}: give k1 of at least 0 and b from 0 to 1, such as 1.2 and 0.75")
        counts = [Counter(check_words(words, f"passage {place}")) for place, words in enumerate(passages)]
        self.size, self.ids = len(counts), {}
        word = np.array([self.ids.setdefault(word, len(self.ids)) for count in counts for word in count], dtype=int)
        often = np.array([times for count in counts for times in count.values()], dtype=float)
        passage, length = np.repeat(np.arange(self.size), list(map(len, counts))), np.array(list(map(len, passages)))
        having = np.bincount(word, minlength=len(self.ids))
        idf = np.log1p((self.size - having + 0.5) / (having + 0.5))
        damping = k1 * (1 - b + b * length / (length.mean() or 1))  # a mean of 0: there is no word to weigh
        order = np.argsort(word, kind="stable")
        self.starts = np.concatenate([[0], np.cumsum(having)])  # word i has the places starts[i] up to starts[i + 1]
        self.passages, self.weights = passage[order], (idf[word] * often / (often + damping[passage]))[order]

    def scores(self, query: Sequence[str]) -> np.ndarray:
        """Each passage's score, (N,) float64. A word that is twice in the query counts twice; an unknown one adds 0."""
        total = np.zeros(self.size)
        for word, times in Counter(check_words(query, "query")).items():
            if (number := self.ids.get(word)) is not None:
                places = slice(self.starts[number], self.starts[number + 1])
                total[self.passages[places]] += times * self.weights[places]
        return total

    def best(self, query: Sequence[str], k: int) -> tuple[np.ndarray, np.ndarray]:
        """The k passages with the highest scores, or all if there are fewer: indices and scores, best first.

        Of equal scores the lower index comes first. Passages without a word of the query have 0, and fill the rest.
        """
        if k < 1:
            raise ValueError(f"k={k!r}: give a whole number of at least 1")
        scores, k = self.scores(query), min(k, self.size)
        among = np.flatnonzero(scores >= np.partition(scores, -k)[-k])  # the best k, and what equals the last of them
        order = among[np.argsort(-scores[among], kind="stable")[:k]]
        return order, scores[order]
