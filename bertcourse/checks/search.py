"""Checks of the lesson on search (Robertson and Zaragoza, 2009; Järvelin and Kekäläinen, 2002)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from bertcourse.checks.classification import PERCENT, ROUNDED
from bertcourse.checks.encoder import CHECKS as OF_ENCODERS
from bertcourse.checks.engine import against, as_plain, is_whole, number, seen_as, show
from bertcourse.checks.pretraining import errors_named
from bertlib.metrics.ranking import ndcg

K1, B = 1.2, 0.75  # of BM25
SPECIALS = 2  # [CLS] and [SEP]


def _best(vectors: np.ndarray, query: np.ndarray, k: int) -> list[int]:
    if not 1 <= k <= len(vectors):
        raise ValueError(f"k={k}: there are {len(vectors)} vectors")
    return _ranked(_cosines)(vectors, query, k)


def _cosines(vectors: np.ndarray, query: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
    if not lengths.all():
        raise ValueError("a vector of length 0 has no direction")
    return vectors @ query / lengths


def _neighbours(similarities: np.ndarray) -> list[int]:
    return _with_diagonal(-np.inf)(similarities)


def _bm25(query: list[str], passage: list[str], counts: dict[str, int], N: int, average: float) -> float:
    return _scored()(query, passage, counts, N, average)


def _ndcg(found: list[int], relevant: set[int], k: int) -> float:
    return ndcg(found, relevant, k)


def _fused(bm25: np.ndarray, cosine: np.ndarray, weight: float) -> list[float]:
    return _joined(_from_0_to_1)(bm25, cosine, weight)


def _from_0_to_1(scores: np.ndarray) -> np.ndarray:
    return _stretched(0.0)(scores)


def _negatives(passages: list[int], answers: list[set[int]]) -> np.ndarray:
    return _pairs_where(lambda i, j: passages[j] not in answers[i], len(passages))


def _unread(n: int, most: int) -> float:
    return max(n - (most - SPECIALS), 0) / n


# ------------------------------------------------------------------------------------------------------------- cases


def _vectors_and_query(rng):
    yield np.array([[10.0, 10.0], [1.0, 0.0], [0.0, 2.0]]), np.array([3.0, 1.0]), 2
    yield np.array([[1.0, 2.0], [-4.0, 1.0], [2.0, 0.5], [8.0, 9.0]]), np.array([0.5, 0.0]), 3
    yield np.array([[-1.0, 0.0], [-2.0, -2.0], [-9.0, 2.0]]), np.array([1.0, 0.5]), 2  # all point away
    yield np.array([[2.0, 1.0], [4.0, 2.0], [1.0, 3.0]]), np.array([1.0, 1.0]), 3  # two of one direction
    yield np.array([[0.1, 0.2], [5.0, 5.0]]), np.array([1.0, 2.0]), 1
    yield np.array([[3.0, -1.0, 2.0]]), np.array([-1.0, 1.0, 1.0]), 1
    for size in (5, 6, 7, 8, 9, 3000):  # among few, numpy's argpartition sorts
        dimensions = int(rng.integers(2, 5))
        lengths = np.exp(1.2 * rng.standard_normal((size, 1)))
        vectors = np.round(lengths * rng.standard_normal((size, dimensions)), 2) + 0.005
        yield (
            vectors,
            np.round(3 * rng.standard_normal(dimensions), 1) + 0.05,
            int(rng.integers(2, size)) if size < 3000 else 1000,
        )


def _similarity_tables(rng):
    yield (np.array([[1.0, 0.2, 0.7], [0.2, 1.0, 0.4], [0.7, 0.4, 1.0]]),)
    yield (np.array([[1.0, -0.3, -0.6], [-0.3, 1.0, -0.2], [-0.6, -0.2, 1.0]]),)  # nobody is alike
    yield (np.array([[1.0, 0.1, 1.0], [0.1, 1.0, 0.1], [1.0, 0.1, 1.0]]),)  # 0 and 2 are the same text
    yield (np.array([[1.0, 0.9, 0.8], [0.9, 1.0, 0.1], [0.8, 0.1, 1.0]]),)
    yield (np.array([[1.0, -0.5], [-0.5, 1.0]]),)
    yield (np.array([[0.4, 0.5, 0.3], [0.5, 0.9, 0.6], [0.3, 0.6, 0.6]]),)  # of vectors shorter than 1
    for size in (4, 4, 5, 5, 6, 7):
        vectors = rng.standard_normal((size, 3)) + rng.choice([0.0, 1.0])
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        if size % 2:
            vectors[-1] = vectors[int(rng.integers(size - 1))]  # a text that is there twice
        yield (np.round(vectors @ vectors.T, 2),)


WORDS = ("bank", "rate", "of", "the", "river", "goal", "tax", "in", "cup", "film")


def _queries_and_passages(rng):
    yield ["river", "bank"], ["the", "bank", "of", "the", "river"], {"river": 2, "bank": 4, "the": 9, "of": 8}, 10, 5.0
    yield ["the"], ["the", "rate", "of", "the", "bank"], {"the": 9, "rate": 3, "of": 8, "bank": 4}, 10, 4.0
    yield ["goal"], ["goal", "goal", "goal"], {"goal": 2, "cup": 3}, 20, 6.0
    yield ["cup"], ["cup", "in", "the", "cup", "of", "the", "rate", "tax"], {
        "cup": 3, "in": 9, "the": 11, "of": 10, "rate": 5, "tax": 2,
    }, 12, 4.0  # fmt: skip
    yield ["tax", "tax", "rate"], ["tax", "rate"], {"tax": 1, "rate": 3}, 8, 4.0  # a word twice in the query
    yield ["film", "goal"], ["the", "goal"], {"the": 5, "goal": 1, "film": 2}, 6, 2.0  # the passage lacks one
    yield ["zebra", "goal"], ["the", "goal"], {"the": 5, "goal": 1}, 6, 4.0  # and so do all
    yield ["goal"], ["tax", "rate"], {"tax": 1, "rate": 3, "goal": 2}, 8, 3.0
    yield ["goal"], [], {"goal": 2}, 4, 3.0
    for _ in range(8):
        N, length = int(rng.integers(6, 40)), int(rng.integers(2, 9))
        passage = [str(word) for word in rng.choice(WORDS[:7], length)]
        counts = {word: int(rng.integers(1, N + 1)) for word in WORDS}
        yield [str(word) for word in rng.choice(WORDS, 3)], passage, counts, N, float(rng.integers(4, 20)) / 2


def _found_and_relevant(rng):
    yield [7, 2, 9, 4], {2, 4, 5}, 3
    yield [3, 1], {1, 3}, 2
    yield [5, 3, 1], {3}, 3
    yield [5, 3, 8, 1], {1}, 3  # found behind place k
    yield [4, 6, 2, 8, 1], {6, 8, 1, 2, 9, 3}, 2  # more relevant than fit
    yield [4, 6], {6, 1}, 5  # fewer found than asked for
    yield [4], {4, 1}, 3
    yield [4, 6], {8}, 2
    yield [2, 1], set(), 2  # nothing is relevant
    yield [], {1, 2}, 3
    yield [9, 8, 7, 6], {9, 6}, 4
    for size in (5, 6, 7, 8, 10, 12):
        ids = rng.permutation(20).tolist()
        relevant = {*rng.choice(ids[: size + 3], int(rng.integers(1, 6)), replace=False).tolist()}
        yield ids[:size], relevant, int(rng.integers(2, size + 1))


def _candidates(rng):
    yield np.array([12.0, 3.0, 6.0]), np.array([0.2, 0.8, 0.5]), 0.25
    yield np.array([10.0, 0.0, 5.0]), np.array([0.3, 0.4, 0.25]), 0.75
    yield np.array([0.0, 0.0, 0.0, 0.0]), np.array([0.1, 0.5, 0.3, 0.2]), 0.5  # no word was found
    yield np.array([2.0, 4.0, 8.0, 3.0]), np.array([0.5, 0.5, 0.5, 0.5]), 0.25
    yield np.array([1.0, 2.0, 5.0, 3.0]), np.array([-0.2, 0.1, -0.6, -0.4]), 1.0
    yield np.array([3.0, 1.0, 4.0, 2.0]), np.array([0.9, 0.1, 0.2, 0.3]), 0.0
    for size in (4, 4, 5, 5, 6, 8):
        bm25 = np.round(rng.uniform(0, 30) * rng.random(size) + rng.integers(0, 6), 1)
        cosine = np.round(rng.uniform(-0.3, 0.9, size), 2)
        yield bm25, cosine, float(rng.choice([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8]))


def _batches(rng):
    yield [4, 7, 4], [{4}, {4, 7}, {4}]
    yield [1, 2], [{1}, {2}]
    yield [5, 5], [{5}, {5}]  # two questions on one passage
    yield [1, 2, 3], [{1, 3}, {2}, {3}]  # passage 3 answers question 0 as well
    yield [3, 8, 6], [{3, 9}, {8, 9}, {6, 3}]  # two share an answer that is not in the batch
    yield [2], [{2, 5}]
    for size in (3, 4, 4, 5, 6):
        passages = rng.integers(0, size + 2, size).tolist()
        known = {passage: {passage} for passage in passages}
        for passage, other in rng.integers(0, size + 2, (size, 2)).tolist():
            known.get(passage, set()).add(other)
        yield passages, [{*known[passage], *rng.integers(0, size + 2, 1).tolist()} for passage in passages]


def _a_long_passage(rng) -> dict:
    """Drawn until every slip leads to a number of its own."""
    while True:
        given = {"n": int(rng.integers(200, 900)), "most": int(rng.choice([128, 256, 384, 512]))}
        shares = [_unread(**given), *(slip(**given) for slip, _ in SLIPS_OF_READING)]
        near = min(abs(one - other) for place, one in enumerate(shares) for other in shares[:place])
        if 0.25 < shares[0] < 0.8 and near > 0.002:
            return given


# -------------------------------------------------------------------------------------- rankings, equals in any order


def _places_in(got: object, below: int) -> list[int] | None:
    """What came as a list of places, if it is one."""
    parts = as_plain(got)
    if not isinstance(parts, list) or not all(map(is_whole, parts)) or not all(0 <= part < below for part in parts):
        return None
    return [int(part) for part in parts]


def _canonical_best(got: object, vectors: np.ndarray, query: np.ndarray, k: int) -> object:
    """The reference's places for others that are as good."""
    places = _places_in(got, len(vectors))
    if places is None:
        return as_plain(got)
    best, cosines = _best(vectors, query, k), _cosines(vectors, query)
    different = len(places) == k and len({*places}) == k
    return best if different and np.allclose(cosines[places], cosines[best], atol=1e-6) else places


def _best_in_words(got: object, vectors: np.ndarray, query: np.ndarray, k: int) -> tuple[str, str]:
    best, places, cosines = _best(vectors, query, k), _places_in(got, len(vectors)), _cosines(vectors, query)
    asked = f"a list of {k} indices" if k > 1 else "a list of one index"
    if places is None:
        return f"expected {asked}, each from 0 to {len(vectors) - 1}; came {show(as_plain(got))}", PLACES
    if len(places) != k:
        return f"expected {asked}, came {len(places)}: {show(places)}", ""
    came = f"came {show(places)}"
    if len({*places}) < k:
        return f"expected {show(best)}, {came}: the same vector more than once", ""
    place = next(place for place in range(k) if not math.isclose(*cosines[[best[place], places[place]]], abs_tol=1e-6))
    what = [f"vector {those[place]} (cosine {cosines[those[place]]:.3f})" for those in (best, places)]
    same = np.allclose(np.sort(cosines[best]), np.sort(cosines[places]), atol=1e-6)
    told = f"number {place + 1} should be {what[0]}, not {what[1]}: expected {show(best)}, {came}"
    return told, UNSORTED if same else ""


def _canonical_neighbours(got: object, similarities: np.ndarray) -> object:
    """The reference's neighbours for others that are as similar."""
    places, size = _places_in(got, len(similarities)), len(similarities)
    if places is None or len(places) != size:
        return as_plain(got)
    best = _neighbours(similarities)
    as_good = (
        place != row and math.isclose(similarities[row, place], similarities[row, best[row]], abs_tol=1e-9)
        for row, place in enumerate(places)
    )
    return [one if good else place for one, good, place in zip(best, as_good, places, strict=True)]


def _neighbours_in_words(got: object, similarities: np.ndarray) -> tuple[str, str]:
    places, size = _places_in(got, len(similarities)), len(similarities)
    if places is None or len(places) != size:
        return f"expected {size} indices, each from 0 to {size - 1}; came {show(as_plain(got))}", PLACES
    best, seen = _neighbours(similarities), _canonical_neighbours(got, similarities)
    row = next(row for row in range(size) if seen[row] != best[row])
    if places[row] == row:
        return f"text {row} is its own neighbour, expected text {best[row]}; came {places}", ITSELF
    what = [f"text {place} ({similarities[row, place]:.3g})" for place in (best[row], places[row])]
    return f"the neighbour of text {row} is {what[0]}, came {what[1]}; came {places}", ""


# ------------------------------------------------------------------------------------------ known mistakes: the k best


def _falling(scores: np.ndarray, k: int) -> np.ndarray:
    return np.argsort(-scores, kind="stable")[:k]


def _ranked(likeness: Callable, pick: Callable = _falling) -> Callable:
    """By another likeness, or with other places picked: pick(scores, k)."""
    return lambda vectors, query, k: pick(likeness(vectors, query), k).tolist()


def _products(vectors, query):
    return vectors @ query


def _nearness(vectors, query):
    return -np.linalg.norm(vectors - query, axis=1)


def _columns_normalised(vectors, query):
    return vectors / np.linalg.norm(vectors, axis=0) @ query


def _by_squares(vectors, query):
    return vectors @ query / (vectors**2).sum(axis=1)


def _vectors_themselves(vectors, query, k):
    return vectors[_best(vectors, query, k)].tolist()


def _cosines_themselves(vectors, query, k):
    return _cosines(vectors, query)[_best(vectors, query, k)].tolist()


PLACES = "plain indices are asked for: where each stands, not what stands there."
LENGTHS = "a longer vector gets a larger product: divide each by its own length, np.linalg.norm(vectors, axis=1)."
APART = "how far apart the ends are depends on the lengths: bring all to length 1 first, or compare the cosines."
WORST = "that begins with the worst: argsort sorts upwards. The largest cosine comes first."
UNSORTED = "the right ones, but not sorted: the best comes first."

# ------------------------------------------------------------------------------------------ known mistakes: neighbours


def _with_diagonal(value: float, pick: Callable = np.argmax) -> Callable:
    def neighbours(similarities):
        others = similarities.astype(float)
        np.fill_diagonal(others, value)
        return pick(others, axis=1).tolist()

    return neighbours


def _second_by_place(similarities):
    return np.argsort(similarities, axis=1, kind="stable")[:, -2].tolist()


def _second_downwards(similarities):
    return np.argsort(-similarities, axis=1, kind="stable")[:, 1].tolist()


def _row_without_it(similarities):
    return [int(np.delete(row, place).argmax()) for place, row in enumerate(similarities)]


def _only_later(similarities):
    return np.where(np.triu(np.ones_like(similarities), 1) > 0, similarities, -np.inf).argmax(axis=1).tolist()


def _no_twins(similarities):
    return np.where(similarities >= 1, -np.inf, similarities).argmax(axis=1).tolist()


ITSELF = "a text is most similar to itself: leave the diagonal out, on a copy."
NEGATIVE = "0 is no small similarity where all others are negative: put -inf on the diagonal of a copy."
SECOND = "the second of the order need not be another text: one that stands twice is as similar as the text itself."
TWIN = "a text that stands twice is another text, and may be found: leave out the diagonal alone."

# ------------------------------------------------------------------------------------------------ known mistakes: BM25


def _rare(N, n):
    return math.log(1 + (N - n + 0.5) / (n + 0.5))


def _saturated(k1: float = K1, b: float = B) -> Callable:
    return lambda count, ratio: count / (count + k1 * (1 - b + b * ratio))


def _scored(
    idf: Callable = _rare,
    worth: Callable | None = None,
    length: Callable = lambda query, passage: len(passage),
    words: Callable = lambda query, passage: query,
) -> Callable:
    """The sum of idf(N, n) · worth(count in the passage, its length / average) over the words."""

    def score(query, passage, counts, N, average):
        ratio = length(query, passage) / average
        there = [word for word in words(query, passage) if word in passage]
        return sum((idf(N, counts[word]) * (worth or _saturated())(passage.count(word), ratio) for word in there), 0.0)

    return score


def _in_each(query, passage, counts, N, average):
    """How often the words are in the corpus, instead of in the passage."""
    ratio = len(passage) / average
    there = [word for word in query if word in passage]
    return sum((_rare(N, counts[word]) * _saturated()(counts[word], ratio) for word in there), 0.0)


def _mean_of_words(query, passage, counts, N, average):
    return _bm25(query, passage, counts, N, average) / len(query)


IDF = "the weight of a word is ln(1 + (N − n + 0.5) / (n + 0.5)), n = counts[word]."
NATURAL = "the natural logarithm is asked for: math.log, or np.log."
SETTINGS = "k1 = 1.2 and b = 0.75 are asked for."
BRACKETS = "mind the brackets: k1 · (1 − b + b · length / average) is added to the count."
UNKNOWN = "a word of the query may be in no passage, and then it is not in counts: it adds 0."

# ------------------------------------------------------------------------------------------------ known mistakes: nDCG


def _ideal(found, relevant, k):
    return min(len(relevant), k)


def _gained(
    discount: Callable = lambda place: 1 / math.log2(place + 1),
    ideal: Callable = _ideal,
    cut: Callable = lambda found, k: found[:k],
    none: float = 0.0,
) -> Callable:
    """With another discount of place 1, 2, …, another number of relevant ones in the ideal, or found cut otherwise."""

    def score(found, relevant, k):
        best = sum(discount(place) for place in range(1, ideal(found, relevant, k) + 1))
        gained = [discount(place) for place, one in enumerate(cut(found, k), start=1) if one in relevant]
        return float(sum(gained) / best) if best else none

    return score


def _first_is_infinite(place):
    return math.inf if place == 1 else 1 / math.log2(place)


def _only_ideal_right(found, relevant, k):
    """Not defined where the first one found is relevant: log2(1) is 0."""
    best = sum(1 / math.log2(place + 1) for place in range(1, _ideal(found, relevant, k) + 1))
    gained = sum(1 / math.log2(place) for place, one in enumerate(found[:k], start=1) if one in relevant)
    return gained / best if best else 0.0


def _dcg(found, relevant, k):
    return sum(1 / math.log2(place + 1) for place, one in enumerate(found[:k], start=1) if one in relevant)


def _reciprocal_rank(found, relevant, k):
    return next((1 / place for place, one in enumerate(found[:k], start=1) if one in relevant), 0.0)


def _first_alone(found, relevant, k):
    best = sum(1 / math.log2(place + 1) for place in range(1, _ideal(found, relevant, k) + 1))
    return next((1 / math.log2(p + 1) / best for p, one in enumerate(found[:k], start=1) if one in relevant), 0.0)


def _recall(found, relevant, k):
    return len({*found[:k]} & relevant) / len(relevant) if relevant else 0.0


def _precision(found, relevant, k):
    return len({*found[:k]} & relevant) / k


def _average_precision(found, relevant, k):
    hits = [place for place, one in enumerate(found[:k], start=1) if one in relevant]
    return sum(count / place for count, place in enumerate(hits, start=1)) / len(relevant) if relevant else 0.0


FIRST_PLACE = "place 1 is divided by log2(2), place 2 by log2(3): log2(place + 1), places from 1."
ALL_RELEVANT = "the ideal has all that are relevant in front, found or not, as far as k places hold them."
AT_K = "only the first k of `found` count."
IDEAL_AT_K = "the ideal has k places too: at most k of the relevant ones stand in it."
NO_DISCOUNT = "each is divided by log2(place + 1): what stands further behind counts less."
NOTHING_RELEVANT = "where nothing is relevant the ideal is 0, and nDCG is 0 by definition here."

# ----------------------------------------------------------------------------------------------- known mistakes: fusion


def _stretched(equal: float) -> Callable:
    """From 0 to 1, or `equal` where all are."""

    def scaled(scores):
        span = scores.max() - scores.min()
        return (scores - scores.min()) / span if span else np.full(len(scores), equal)

    return scaled


def _joined(
    scale: Callable,
    scale_cosine: Callable | None = None,
    shares: Callable = lambda weight: (1 - weight, weight),
    join: Callable = np.add,
) -> Callable:
    """With other scales, other shares of the two, or joined otherwise."""

    def fused(bm25, cosine, weight):
        lexical, dense = shares(weight)
        with np.errstate(all="ignore"):
            return join(lexical * scale(bm25), dense * (scale_cosine or scale)(cosine)).tolist()

    return fused


def _as_it_is(scores):
    return scores


def _divided(by: Callable) -> Callable:
    return lambda scores: scores / by(scores) if by(scores) else np.zeros(len(scores))


def _unguarded(scores):
    return (scores - scores.min()) / (scores.max() - scores.min())


def _standardised(scores):
    return (scores - scores.mean()) / scores.std() if scores.std() else np.zeros(len(scores))


def _shares_of_e(scores):
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def _turned(scores):
    return 1 - _from_0_to_1(scores)


def _halved(scores):
    return (scores + 1) / 2


def _by_ranks(scores):
    return 1 / (60 + 1 + np.argsort(np.argsort(-scores, kind="stable"), kind="stable"))


def _scaled_together(bm25, cosine, weight):
    both = _from_0_to_1(np.concatenate([bm25, cosine]))
    return ((1 - weight) * both[: len(bm25)] + weight * both[len(bm25) :]).tolist()


SCALES = "BM25 goes to 20 and more, a cosine to 1: added as they are, the cosine has no say. Bring both to 0 … 1 first."
SMALLEST = "the smallest becomes 0: take the minimum away, then divide by maximum − minimum."
SPAN = "divide by maximum − minimum, so that the largest becomes 1."
TURNED = "the weight is the cosine's: (1 − weight) · BM25 + weight · cosine."
EQUAL = "where all scores are equal, maximum − minimum is 0: these become 0."

# -------------------------------------------------------------------------------------------- known mistakes: negatives


def _pairs_where(wanted: Callable, size: int) -> np.ndarray:
    return np.array([[wanted(i, j) for j in range(size)] for i in range(size)], dtype=bool)


def _own_row_alone(passages, answers, i, j):
    return i != j and passages[j] not in answers[i] - {passages[i]}


def _negative_where(wanted: Callable) -> Callable:
    """wanted(passages, answers, i, j): whether passage j is a wrong answer of question i, by another rule."""
    return lambda passages, answers: _pairs_where(lambda i, j: wanted(passages, answers, i, j), len(passages))


DUPLICATES = "one passage may stand in two rows: question i's right passage is no wrong answer wherever it stands."
KNOWN = "passage j may answer question i too, though it is another row's: look into answers[i]."
ROWS = "[i, j] asks whether passage j answers question i: passages[j] in answers[i]."
REVERSED = "True is where passage j may serve as a wrong answer: yours is True where it answers."
SHARED = "that two questions share an answer says nothing of passage j: is it in answers[i]?"

# ---------------------------------------------------------------------------------------------- known mistakes: the cut

SLIPS_OF_READING = (
    (lambda n, most: (n - most) / n, "[CLS] and [SEP] take two of the model's tokens."),
    (lambda n, most: (most - SPECIALS) / n, "that is the share that is read."),
    (lambda n, most: most / n, "two things: that is the share that is read, and [CLS] and [SEP] take two tokens."),
    (
        lambda n, most: (n - most + SPECIALS) / (n + SPECIALS),
        "[CLS] and [SEP] are no pieces of the text: divide by its pieces alone.",
    ),
    (lambda n, most: n - most + SPECIALS, "that is how many pieces: which share of all?"),
    (lambda n, most: (n - most + SPECIALS) / (most - SPECIALS), "of the whole text, not of the part that is read."),
)


CHECKS = {
    "mean_pooling": dataclasses.replace(
        OF_ENCODERS["mean_pool"],
        asks="states (B, T, D), mask (B, T), 1 for a token, special ones too, 0 for padding -> (B, D): the mean of "
        "each text's tokens alone",
    ),
    "best": seen_as(
        _canonical_best,
        _best_in_words,
        "vectors (N, D), query (D,), numpy arrays, of any length but 0, and k, at most N -> list of the k indices with "
        "the largest cosine, best first; of equals in any order",
        _best,
        _vectors_and_query,
        mistakes=(
            (_ranked(_products), LENGTHS),
            (_ranked(_columns_normalised), "axis=0 gives a length for each dimension: axis=1 one for each vector."),
            (_ranked(_by_squares), "divide by the length, not by its square: the root is missing."),
            (_ranked(_nearness), APART),
            (_ranked(_nearness, lambda scores, k: np.argsort(scores)[:k]), APART + " And the nearest come first."),
            (
                _ranked(_products, lambda scores, k: np.argsort(scores)[:k]),
                "two things: argsort sorts upwards, and a longer vector gets a larger product.",
            ),
            (_ranked(_cosines, lambda scores, k: np.argsort(scores)[:k]), WORST),
            (
                _ranked(_cosines, lambda scores, k: np.argsort(scores)[-k:]),
                "the right ones, the worst of them first: turn them round, [::-1].",
            ),
            (_ranked(_cosines, lambda scores, k: np.sort(_falling(scores, k))), UNSORTED),
            (
                _ranked(_cosines, lambda scores, k: np.argpartition(-scores, k - 1)[:k]),
                UNSORTED + " argpartition puts the best k in front and does not sort them.",
            ),
            (
                _ranked(lambda vectors, query: np.abs(_cosines(vectors, query))),
                "a cosine of -1 points the other way: it is the least similar, not the most.",
            ),
            (
                _ranked(_cosines, lambda scores, k: _falling(scores, k + 1)[1:]),
                "the best one is left out: the query is no vector of the list here.",
            ),
            (
                _ranked(_cosines, lambda scores, k: _falling(scores, len(scores))),
                "k is not used: the k best alone are asked for.",
            ),
            (
                _ranked(_cosines, lambda scores, k: _falling(-_falling(scores, len(scores)), k)),
                "argsort tells where to find the first, the second, …: a second argsort makes ranks of these.",
            ),
            (_cosines_themselves, "those are the cosines: the indices of the vectors are asked for."),
            (_vectors_themselves, "those are the vectors: their indices are asked for."),
        ),
    ),
    "neighbours": seen_as(
        _canonical_neighbours,
        _neighbours_in_words,
        "similarities (N, N), a numpy array -> for each of the N texts the index of the most similar other one: N "
        "indices; of equals any",
        _neighbours,
        _similarity_tables,
        shrink=False,  # a table of similarities has its largest numbers on the diagonal
        mistakes=(
            (_with_diagonal(np.inf), ITSELF),
            (lambda similarities: similarities.argmax(axis=1).tolist(), ITSELF),
            (_with_diagonal(0.0), NEGATIVE),
            (lambda similarities: (similarities - np.eye(len(similarities))).argmax(axis=1).tolist(), NEGATIVE),
            (_second_by_place, SECOND),
            (_second_downwards, SECOND),
            (
                _row_without_it,
                "without its own place a row is one shorter: what stands behind that has moved by one.",
            ),
            (_only_later, "texts that stand before it are other texts as well."),
            (_no_twins, TWIN),
            (_with_diagonal(np.inf, np.argmin), "that is the least similar one: a larger similarity is nearer."),
            (
                lambda similarities: (
                    np.where(np.eye(len(similarities)) > 0, -np.inf, similarities).max(axis=1).tolist()
                ),
                "those are the similarities: the indices of the texts are asked for.",
            ),
        ),
    ),
    "bm25": errors_named(
        against(
            "query, passage (lists of words), counts {word: passages that hold it}, N passages, average, their mean "
            "length in words -> BM25's score of the passage, k1 = 1.2, b = 0.75, without the factor k1 + 1: the sum, "
            "over the words of the query, each time they stand there, of ln(1 + (N − n + 0.5) / (n + 0.5)) · "
            "tf / (tf + k1 · (1 − b + b · length / average))",
            _bm25,
            _queries_and_passages,
            mistakes=(
                (
                    _scored(lambda N, n: math.log((N - n + 0.5) / (n + 0.5))),
                    "the 1 + is missing: without it a word that more than half of the passages hold takes away.",
                ),
                (
                    _scored(lambda N, n: max(math.log((N - n + 0.5) / (n + 0.5)), 0.0)),
                    "the 1 + is missing: a word that more than half of the passages hold should still add a little.",
                ),
                (_scored(lambda N, n: math.log(N / n)), IDF),
                (_scored(lambda N, n: math.log(1 + N / n)), IDF),
                (_scored(lambda N, n: 1 + (N - n + 0.5) / (n + 0.5)), IDF + " The logarithm is missing."),
                (_scored(lambda N, n: math.log1p(1 + (N - n + 0.5) / (n + 0.5))), "log1p(x) is ln(1 + x) already."),
                (_scored(lambda N, n: 1.0), IDF),
                (_scored(lambda N, n: math.log10(1 + (N - n + 0.5) / (n + 0.5))), NATURAL),
                (_scored(lambda N, n: math.log2(1 + (N - n + 0.5) / (n + 0.5))), NATURAL),
                (_scored(worth=_saturated(b=0.0)), "a long passage has more words by chance: its length is missing."),
                (
                    _scored(length=lambda query, passage: 0.0),
                    "a long passage has more words by chance: its length is missing.",
                ),
                (
                    _scored(worth=lambda count, ratio: count / (count + K1 * (1 - B + (B / ratio if ratio else 0)))),
                    "length / average, not the other way round: in a longer passage a word is worth less.",
                ),
                (_scored(worth=_saturated(b=1.0)), SETTINGS + " b = 1 takes the length in full."),
                (_scored(worth=_saturated(b=1 - B)), "b goes with length / average, 1 − b stands alone."),
                (_scored(worth=_saturated(k1=1.5)), SETTINGS),
                (_scored(worth=_saturated(k1=2.0)), SETTINGS),
                (_scored(worth=_saturated(k1=0.9, b=0.4)), SETTINGS),
                (
                    _scored(worth=lambda count, ratio: (K1 + 1) * _saturated()(count, ratio)),
                    "the factor k1 + 1 is left out here, as Lucene does: it changes the scale alone, never the order.",
                ),
                (
                    _scored(worth=lambda count, ratio: count),
                    "the count is not saturated: the tenth time a word adds less than the first, tf / (tf + …).",
                ),
                (
                    _scored(worth=lambda count, ratio: 1.0),
                    "how often the word stands in the passage is missing: tf / (tf + …).",
                ),
                (
                    _scored(worth=lambda count, ratio: _saturated()(1, ratio)),
                    "tf is how often the word stands in the passage, not 1.",
                ),
                (_scored(worth=lambda count, ratio: count / (count + K1 * (1 - B) + B * ratio)), BRACKETS),
                (_scored(worth=lambda count, ratio: count / (count + K1 * 1 - B + B * ratio)), BRACKETS),
                (
                    _scored(worth=lambda count, ratio: count / count + K1 * (1 - B + B * ratio)),
                    "mind the brackets: all of tf + k1 · (…) stands under the line.",
                ),
                (
                    _scored(length=lambda query, passage: len(query)),
                    "the length is the passage's, not the query's.",
                ),
                (
                    _scored(length=lambda query, passage: len({*passage})),
                    "the length is how many words the passage has, each as often as it stands there.",
                ),
                (
                    _scored(length=lambda query, passage: len(" ".join(passage))),
                    "the length is counted in words, as the average is; yours is in characters.",
                ),
                (
                    _scored(words=lambda query, passage: {*query}),
                    "a word that stands twice in the query counts twice: a set forgets that.",
                ),
                (
                    _scored(words=lambda query, passage: [word for word in passage if word in query]),
                    "go through the words of the query: how often one stands in the passage is in tf already.",
                ),
                (_in_each, "counts is of the corpus; tf is how often the word stands in this passage."),
                (_mean_of_words, "the sum over the words of the query is asked for, not the mean."),
                (lambda *given: round(_bm25(*given), 2), ROUNDED),
            ),
        ),
        {"KeyError": UNKNOWN},
    ),
    "ndcg": errors_named(
        against(
            "found, a list of ids, best first, each once, relevant, a set of ids, and k -> nDCG@k, 0 to 1: the sum of "
            "1 / log2(place + 1) over the relevant ones among the first k (places from 1), divided by the same sum "
            "with all relevant ones in front; 0 if nothing is relevant",
            _ndcg,
            _found_and_relevant,
            mistakes=(
                (_gained(_first_is_infinite), FIRST_PLACE),
                (_only_ideal_right, FIRST_PLACE),
                (_gained(lambda place: 1 / math.log2(place + 2)), FIRST_PLACE),
                (
                    _gained(lambda place: 1 / max(math.log2(place), 1)),
                    "an older form, in which places 1 and 2 count alike: each is divided by log2(place + 1).",
                ),
                (_gained(lambda place: 1 / place), "each is divided by log2(place + 1), not by its place."),
                (_gained(lambda place: 1.0), NO_DISCOUNT),
                (_recall, NO_DISCOUNT + " (That is the recall.)"),
                (_precision, NO_DISCOUNT + " (That is the precision.)"),
                (
                    _gained(ideal=lambda found, relevant, k: len({*found[:k]} & relevant)),
                    ALL_RELEVANT,
                ),
                (
                    _gained(ideal=lambda found, relevant, k: min(len({*found} & relevant), k)),
                    ALL_RELEVANT,
                ),
                (_gained(ideal=lambda found, relevant, k: len(relevant)), IDEAL_AT_K),
                (
                    _gained(ideal=lambda found, relevant, k: k if relevant else 0),
                    "the ideal has no more relevant ones than there are: min(k, len(relevant)) of them.",
                ),
                (
                    _gained(ideal=lambda found, relevant, k: min(k, len(found), len(relevant))),
                    "that fewer than k were found makes the ideal no smaller: min(k, len(relevant)).",
                ),
                (_gained(cut=lambda found, k: found), AT_K),
                (
                    _gained(cut=lambda found, k: found, ideal=lambda found, relevant, k: len(relevant)),
                    "k is not used: it is the first k of `found` that count, and k places that the ideal has.",
                ),
                (_gained(cut=lambda found, k: found[: k - 1]), "place k itself counts too."),
                (_gained(cut=lambda found, k: found[::-1][:k]), "`found` has the best first: do not turn it round."),
                (_dcg, "divide by the ideal: the same sum with all relevant ones in front."),
                (_first_alone, "each of the relevant ones counts, not only the first that was found."),
                (_reciprocal_rank, "that is the reciprocal rank; nDCG adds up all that are relevant."),
                (_average_precision, "that is the average precision; nDCG adds up 1 / log2(place + 1)."),
                (_gained(none=1.0), NOTHING_RELEVANT),
                (_gained(none=math.nan), NOTHING_RELEVANT),
                (lambda *given: 1 - _ndcg(*given), "that is 1 minus it."),
                (lambda *given: 100 * _ndcg(*given), PERCENT),
                (lambda *given: round(_ndcg(*given), 2), ROUNDED),
            ),
        ),
        {
            "ZeroDivisionError": "it divides by 0 here: log2 of 1 is 0 (place 1 needs log2(2)), and the ideal is 0 "
            "where nothing is relevant (nDCG is 0 there).",
            "IndexError": "fewer than k may be found: found[:k] takes what there is.",
        },
    ),
    "fused": errors_named(
        against(
            "bm25, cosine (n,), numpy arrays of scores of the same n candidates, and weight -> n numbers: "
            "(1 − weight) · BM25 + weight · cosine, after both were brought to 0 … 1 (the smallest becomes 0, the "
            "largest 1; where all are equal, all become 0)",
            _fused,
            _candidates,
            shrink=False,  # of one candidate alone the score is 0
            mistakes=(
                (_joined(_as_it_is), SCALES),
                (_joined(_as_it_is, _from_0_to_1), "BM25 is still as it was: bring both to 0 … 1."),
                (_joined(_from_0_to_1, _as_it_is), "the cosine is still as it was: bring both to 0 … 1."),
                (
                    _joined(_from_0_to_1, _halved),
                    "the cosine goes from its smallest to its largest here, as BM25 does.",
                ),
                (_joined(_divided(np.max)), SMALLEST),
                (_joined(_divided(lambda scores: np.abs(scores).max())), SMALLEST),
                (_joined(_divided(np.sum)), SMALLEST + " Yours adds up to 1."),
                (_joined(_divided(np.linalg.norm)), SMALLEST + " Yours has length 1."),
                (_joined(_standardised), SMALLEST + " Yours has mean 0 and deviation 1."),
                (_joined(_shares_of_e), SMALLEST + " Yours is a softmax."),
                (_joined(lambda scores: scores - scores.min()), SPAN),
                (
                    _joined(lambda scores: (scores - scores.min()) / (scores.max() or 1.0)),
                    SPAN + " The maximum alone is more than that.",
                ),
                (_joined(_turned), "the largest becomes 1, the smallest 0: yours is turned round."),
                (_joined(_by_ranks), "that fuses ranks; the scores themselves are asked for, from 0 to 1."),
                (_scaled_together, "each has a smallest and a largest of its own: bring them to 0 … 1 one by one."),
                (_joined(_from_0_to_1, shares=lambda weight: (weight, 1 - weight)), TURNED),
                (
                    _joined(_as_it_is, shares=lambda weight: (weight, 1 - weight)),
                    TURNED + " And bring both to 0 … 1 first.",
                ),
                (_joined(_from_0_to_1, shares=lambda weight: (1, weight)), "BM25 has a weight too, 1 − weight."),
                (_joined(_from_0_to_1, shares=lambda weight: (0.5, 0.5)), TURNED + " Yours does not use it."),
                (_joined(_from_0_to_1, shares=lambda weight: (1, 1)), TURNED + " Yours does not use it."),
                (_joined(_from_0_to_1, join=np.multiply), "the two are added, not multiplied."),
                (_joined(_unguarded), EQUAL),
                (_joined(_stretched(1.0)), EQUAL),
                (_joined(_stretched(0.5)), EQUAL),
                (lambda *given: np.round(_fused(*given), 2).tolist(), ROUNDED),
                (
                    lambda *given: np.argsort(-np.array(_fused(*given)), kind="stable").tolist(),
                    "that is the order of the candidates: a number for each of them is asked for.",
                ),
                (lambda *given: max(_fused(*given)), "a number for each candidate is asked for."),
            ),
        ),
        {"ZeroDivisionError": EQUAL},
    ),
    "negatives": errors_named(
        against(
            "passages, a list of B ids, that of row i answering question i, and answers, a list of B sets: all ids "
            "that are known to answer question i -> bool (B, B), True at [i, j] where passage j may serve as a wrong "
            "answer of question i",
            _negatives,
            _batches,
            mistakes=(
                (
                    _negative_where(lambda passages, answers, i, j: i != j),
                    DUPLICATES + " And " + KNOWN,
                ),
                (_negative_where(lambda passages, answers, i, j: passages[i] != passages[j]), KNOWN),
                (
                    _negative_where(_own_row_alone),
                    DUPLICATES,
                ),
                (
                    _negative_where(lambda passages, answers, i, j: passages[j] not in answers[i] - {passages[i]}),
                    "its own passage is no wrong answer either.",
                ),
                (_negative_where(lambda passages, answers, i, j: passages[i] not in answers[j]), ROWS),
                (
                    _negative_where(
                        lambda passages, answers, i, j: passages[j] not in answers[i] and passages[i] not in answers[j]
                    ),
                    "that leaves out too much: whether passage i answers question j is asked at [j, i].",
                ),
                (_negative_where(lambda passages, answers, i, j: passages[j] in answers[i]), REVERSED),
                (_negative_where(lambda passages, answers, i, j: passages[i] in answers[j]), REVERSED + " And " + ROWS),
                (_negative_where(lambda passages, answers, i, j: i == j), REVERSED),
                (_negative_where(lambda passages, answers, i, j: not answers[i] & answers[j]), SHARED),
                (_negative_where(lambda passages, answers, i, j: answers[i] != answers[j]), SHARED),
                (
                    _negative_where(lambda passages, answers, i, j: j > i and passages[j] not in answers[i]),
                    "passages of earlier rows may serve as wrong answers as well.",
                ),
                (_negative_where(lambda passages, answers, i, j: j not in answers[i]), "answers hold ids, not rows."),
            ),
        ),
        {"expected the dtype bool": "True and False are asked for, not numbers: a comparison gives them."},
    ),
    "unread": number(
        "a share from 0 to 1, to three significant digits",
        _a_long_passage,
        "A text has {n} pieces. A model reads at most {most} tokens, [CLS] and [SEP] among them, and silently cuts "
        "off the rest. Which share of the text does its vector not know?",
        _unread,
        rel_tol=2e-3,
        mistakes=SLIPS_OF_READING,
    ),
}
