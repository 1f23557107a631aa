"""Checks of the lesson on sentiment and its raters (Hutto and Gilbert, 2014; Guo et al., 2017)."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections import Counter
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from bertcourse.checks.classification import PERCENT, ROUNDED
from bertcourse.checks.engine import (
    STAYS_IN_TORCH,
    Around,
    Check,
    Trial,
    Wrong,
    against,
    floats,
    number,
    show,
    started_again,
    with_gradient,
)
from bertcourse.checks.pretraining import EXP_OVERFLOWS, errors_named
from bertlib.metrics.calibration import bins_of, confidences, expected_calibration_error

NEGATIONS = ("not", "no", "never")


def _opposed(ratings: list[list[int]]) -> float:
    return _share_where(lambda row: max(row) > 0 > min(row))(ratings)


def _halves(table: np.ndarray, rng: np.random.Generator) -> float:
    shuffled, half = rng.permuted(table, axis=1), table.shape[1] // 2
    return _doubled(_pearson(shuffled[:, :half].mean(axis=1), shuffled[:, half:].mean(axis=1)))


def _pearson(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Along the last dimension, the sentences."""
    first, second = (values - values.mean(axis=-1, keepdims=True) for values in (first, second))
    return (first * second).sum(axis=-1) / np.sqrt((first**2).sum(axis=-1) * (second**2).sum(axis=-1))


def _doubled(r: np.ndarray) -> np.ndarray:
    """Spearman and Brown, 1910."""
    return 2 * r / (1 + r)


def _lexicon_score(words: list[str], lexicon: dict[str, float]) -> float:
    return _scored(lambda words, place: -1 if place and words[place - 1] in NEGATIONS else 1)(words, lexicon)


def _soft_loss(logits: Tensor, shares: Tensor) -> Tensor:
    return -(shares * logits.log_softmax(dim=-1)).sum(dim=-1).mean()


def _confident(probabilities: np.ndarray, least: float) -> tuple[list[int], list[int]]:
    return _chosen()(probabilities, least)


def cost(per_class: int, classes: int, validation: int) -> int:
    """Labels that made a model: what it learned from, and what something was chosen by."""
    return per_class * classes + validation


# ------------------------------------------------------------------------------------------------------------- cases


def _ratings(rng):
    yield ([[1, -1], [2, 3]],)
    yield ([[0, 2], [-1, 0, 3], [0, -2, -1], [0, 0]],)
    yield ([[3, 1, 2, -2], [1, 2], [-1, -1, -4, -2, 0], [-3, 4, -3]],)
    yield ([[2], [0], [-1, 1]],)
    for _ in range(6):
        middles = rng.integers(-3, 4, int(rng.integers(4, 9)))
        yield ([np.clip(m + rng.integers(-2, 3, int(rng.integers(2, 7))), -4, 4).tolist() for m in middles],)


# Of two raters and of four: whatever the draw, the correlation is that of one of few divisions.
TWO_RATERS = np.array([[-3, -1], [0, 1], [1, 3], [2, 4]])
FOUR_RATERS = np.array([[-4, -3, -1, 0], [-2, 0, 1, 3], [1, 2, 3, 4]])


def _in_ascending_order(seed: int = 0, sentences: int = 4000) -> np.ndarray:
    """Four ratings a sentence, the lowest first; four sentences in five have raters who agree."""
    rng = np.random.default_rng(seed)
    apart = np.where(np.arange(sentences) % 5 == 0, math.sqrt(5.0), 0.0)
    return 2 * rng.standard_normal((sentences, 1)) + apart[:, None] * np.array([-3.0, -1.0, 1.0, 3.0])


FILM = {"good": 2, "great": 3, "bad": -3, "no": -1}


def _words(rng):
    yield ["a", "good", "film"], FILM
    yield ["not", "good"], FILM
    yield ["good", "and", "never", "bad"], FILM
    yield ["no", "good", "film"], FILM
    yield ["not", "very", "good"], FILM
    yield ["good", "never"], FILM  # there is nothing behind the last word, and nothing before the first
    yield ["nothing", "good", "i", "know", "great"], FILM  # words that only look like negations
    yield ["good", "good", "not", "good", "and", "bad"], FILM
    yield ["it", "is", "what", "it", "is"], FILM
    yield [], FILM
    vocabulary = ["film", "very", "nothing", "know", *FILM, "good", "bad", "awful", *NEGATIONS]
    for size in (4, 6, 8, 8, 10, 12):
        words: list[str] = []
        while len(words) < size:
            word = str(rng.choice(vocabulary))
            # "never not good" may be read in two ways.
            if not (words and words[-1] in NEGATIONS and word in NEGATIONS):
                words.append(word)
        values = np.round(rng.uniform(0.5, 3.5, 6), 1).tolist()
        signs = dict(zip(("good", "great", "film", "bad", "awful", "no"), (1, 1, 1, -1, -1, -1), strict=True))
        yield words, {word: sign * value for (word, sign), value in zip(signs.items(), values, strict=True)}


def _logits_and_shares(rng):
    yield torch.tensor([[0.0, 0.0]]), torch.tensor([[0.5, 0.5]])
    yield torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([[0.75, 0.25], [0.5, 0.5]])
    yield torch.tensor([[1.0, 0.0, -1.0]]), torch.tensor([[0.0, 1.0, 0.0]])
    yield torch.tensor([[100.0, 98.0]]), torch.tensor([[0.5, 0.5]])  # exp(100) is beyond float32, their softmax is not
    yield torch.tensor([[200.0, 0.0], [0.0, 0.0]]), torch.tensor([[0.5, 0.5], [1.0, 0.0]])
    for rows, classes in ((2, 3), (3, 3), (5, 3), (4, 2), (1, 4)):
        shares = rng.multinomial(20, rng.dirichlet(np.ones(classes)), size=rows) / 20
        yield 2 * floats(rng, rows, classes), torch.from_numpy(shares).float()
    yield torch.tensor([[300.0, 0.0, -200.0]]), torch.tensor([[0.25, 0.5, 0.25]])


def _probabilities_and_gold(rng):
    yield np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 0]), 2
    yield np.array([[1.0, 0.0], [1.0, 0.0], [0.4, 0.6]]), np.array([0, 1, 1]), 5
    yield np.array([[0.9, 0.1], [0.3, 0.7], [0.55, 0.45], [0.05, 0.95]]), np.array([1, 1, 0, 1]), 4
    yield np.array([[0.5, 0.3, 0.2], [0.1, 0.3, 0.6], [0.1, 0.8, 0.1]]), np.array([1, 2, 1]), 2  # 0.5 is an edge
    yield (
        np.array([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125], [0.2, 0.2, 0.6], [0.0, 1.0, 0.0]]),
        np.array([2, 1, 2, 0]),
        4,
    )
    for bins in (5, 10, 15, 10, 4, 1):
        rows, classes = int(rng.integers(20, 60)), int(rng.integers(2, 5))
        table = rng.dirichlet(np.full(classes, 0.6), size=rows)
        table[0] = np.eye(classes)[0]  # a probability of 1
        gold = np.where(rng.random(rows) < 0.6, table.argmax(axis=1), rng.integers(0, classes, rows))
        gold[0] = 1
        yield table, gold, bins


def _again(text: str) -> str:
    return f"{text}, again"


_again.__name__ = "rewrite"


def _tables(rng):
    yield np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.1, 0.9], [0.7, 0.3]]), 0.65
    yield np.array([[0.8, 0.2], [0.9, 0.1], [0.7, 0.3], [0.6, 0.4], [0.05, 0.95]]), 0.65
    yield np.array([[0.75, 0.25], [0.5, 0.5], [0.125, 0.875]]), 0.75  # at least: 0.75 is enough
    yield np.array([[0.8, 0.1, 0.1], [0.1, 0.7, 0.2], [0.3, 0.3, 0.4]]), 0.6  # class 2 has none
    yield np.array([[0.45, 0.35, 0.2], [0.2, 0.45, 0.35], [0.35, 0.2, 0.45], [0.3, 0.1, 0.6]]), 0.3
    for size, least in ((8, 0.5), (14, 0.6), (20, 0.55), (30, 0.7), (16, 0.4)):
        classes = int(rng.integers(2, 4))
        table = rng.dirichlet(np.linspace(0.9, 0.5, classes), size=size)
        for c in range(classes):  # each class has a row that is sure
            table[c] = (0.1 - 0.02 * c) / (classes - 1)
            table[c, c] = 0.9 + 0.02 * c
        yield rng.permutation(table), least


# ------------------------------------------------------------------------------------- known mistakes: ratings, words


def _then(right: Callable, change: Callable) -> Callable:
    """What is right, and then changed."""
    return lambda *args: change(right(*args))


def _share_where(holds: Callable[[list[int]], bool]) -> Callable:
    return lambda ratings: sum(bool(holds(row)) for row in ratings) / len(ratings)


def _neighbours(row):
    return any(one * other < 0 for one, other in itertools.pairwise(row))


def _pairs_apart(ratings):
    """The mean share of opposed pairs among a sentence's raters."""
    pairs = [[one * other < 0 for one, other in itertools.combinations(row, 2)] for row in ratings]
    return float(np.mean([np.mean(row) if row else 0.0 for row in pairs]))


def _ratings_on_the_other_side(ratings):
    sides = [(sum(r > 0 for r in row), sum(r < 0 for r in row)) for row in ratings]
    return sum(map(min, sides)) / sum(map(len, ratings))


def _all_ratings_together(ratings):
    flat = [rating for row in ratings for rating in row]
    return float(max(flat) > 0 > min(flat))


def _divided_by(count: Callable) -> Callable:
    return lambda ratings: _opposed(ratings) * len(ratings) / max(count(ratings), 1)


ZERO_HAS_NO_SIDE = "a rating of 0 is neither above 0 nor below."


def _scored(sign: Callable, value: Callable = lambda lexicon, word: lexicon.get(word, 0)) -> Callable:
    """The sum over a text's words of a sign, 1 or -1, that depends on its place, times a value."""
    return lambda words, lexicon: sum(sign(words, place) * value(lexicon, word) for place, word in enumerate(words))


def _right_sign(words, place):
    return -1 if place and words[place - 1] in NEGATIONS else 1


def _sign_by(negates: Callable, instead: float = -1) -> Callable:
    """A sign that `negates(words, place)` turns over."""
    return lambda words, place: instead if negates(words, place) else 1


def _directly(negations: tuple[str, ...]) -> Callable:
    return lambda words, place: place and words[place - 1] in negations


def _within(distance: int) -> Callable:
    return lambda words, place: any(word in NEGATIONS for word in words[max(place - distance, 0) : place])


def _next_word_of_the_lexicon(words, lexicon):
    total, sign = 0, 1
    for word in words:
        if word in lexicon:
            total += sign * lexicon[word]
            sign = 1
        if word in NEGATIONS:
            sign = -1
    return total


def _switched(words, lexicon):
    total, sign = 0, 1
    for word in words:
        total += sign * lexicon.get(word, 0)
        sign = -sign if word in NEGATIONS else sign
    return total


def _negations_silent(sign: Callable = _right_sign) -> Callable:
    return _scored(sign, lambda lexicon, word: 0 if word in NEGATIONS else lexicon.get(word, 0))


def _each_word_once(words, lexicon):
    return sum(
        _right_sign(words, place) * lexicon.get(word, 0)
        for place, word in enumerate(words)
        if word not in words[:place]
    )


def _listed(words, lexicon):
    return [_right_sign(words, place) * lexicon.get(word, 0) for place, word in enumerate(words)]


def _listed_found(words, lexicon):
    return [_right_sign(words, place) * lexicon[word] for place, word in enumerate(words) if word in lexicon]


def _mean_of_found(words, lexicon):
    return float(np.mean(_listed_found(words, lexicon) or [0.0]))


DIRECTLY = "only the word directly after the negation counts with the opposite sign, not those further on."

# ------------------------------------------------------------------------------------- known mistakes: soft labels


def _hard(logits, shares):
    return F.cross_entropy(logits, shares.argmax(dim=-1))


def _divergence(logits, shares):
    return F.kl_div(logits.log_softmax(-1), shares, reduction="batchmean")


def _divergence_per_number(logits, shares):
    return F.kl_div(logits.log_softmax(-1), shares)


def _other_divergence(logits, shares):
    return (logits.softmax(-1) * (logits.log_softmax(-1) - shares.log())).sum(-1).mean()


def _roles_exchanged(logits, shares):
    return -(logits.softmax(-1) * shares.log()).sum(-1).mean()


def _with_a_small_number(shift: float) -> Callable:
    """Added to the probabilities before the logarithm; put beneath them it comes to the same."""
    return lambda logits, shares: -(shares * (logits.softmax(-1) + shift).log()).sum(-1).mean()


def _exponentials(logits, shares):
    powers = logits.exp()
    return -(shares * (powers / powers.sum(-1, keepdim=True)).log()).sum(-1).mean()


def _exponentials_summed(logits, shares):
    return -(shares * (logits - logits.exp().sum(-1, keepdim=True).log())).sum(-1).mean()


# ------------------------------------------------------------------------------------------ known mistakes: calibration


def _highest(probabilities, gold):
    return confidences(probabilities, gold)


def _of_the_gold_class(probabilities, gold):
    return probabilities[np.arange(len(gold)), gold], probabilities.argmax(axis=1) == gold


def _of_class(c: int) -> Callable:
    return lambda probabilities, gold: (probabilities[:, c], gold == c)


def _of_every_class(probabilities, gold):
    return probabilities.ravel(), np.eye(probabilities.shape[1])[gold].ravel() > 0


def _binned(place_of: Callable = bins_of, join: Callable | None = None, of: Callable = _highest) -> Callable:
    """An ECE whose bins, or what is made of their gaps, or whose numbers are other ones; place -1 is in no bin.

    join(shares, gaps, bins, counts): over the bins with something in them; gaps are accuracy minus mean confidence.
    """

    def ece(probabilities, gold, bins):
        confidence, right = of(probabilities, gold)
        place = np.asarray(place_of(confidence, bins))
        inside = [place == k for k in np.unique(place[place >= 0])]
        gaps = np.array([right[rows].mean() - confidence[rows].mean() for rows in inside])
        counts = np.array([rows.sum() for rows in inside])
        shares = counts / len(gold) if of is not _of_every_class else counts / len(right)
        return float((shares * np.abs(gaps)).sum() if join is None else join(shares, gaps, bins, counts))

    return ece


def _floor(confidence, bins):
    return np.floor(confidence * bins).astype(int)


def _one_in_no_bin(confidence, bins):
    place = _floor(confidence, bins)
    return np.where(place == bins, -1, place)


def _edges_in_no_bin(confidence, bins):
    return np.where(confidence * bins % 1 == 0, -1, _floor(confidence, bins))


def _last_in_no_bin(confidence, bins):
    place = bins_of(confidence, bins)
    return np.where(place == bins - 1, -1, place)


def _first_in_no_bin(confidence, bins):
    place = bins_of(confidence, bins)
    return np.where(place == 0, -1, place)


def _lower_edges(confidence, bins):
    return np.minimum(_floor(confidence, bins), bins - 1)


def _equal_counts(confidence, bins):
    return confidence.argsort(kind="stable").argsort(kind="stable") * bins // len(confidence)


def _from_the_smallest(confidence, bins):
    edges = np.linspace(confidence.min(), confidence.max(), bins + 1)
    return np.clip(np.searchsorted(edges, confidence, side="right") - 1, 0, bins - 1)


def _of_so_many(count: int) -> Callable:
    return lambda confidence, bins: bins_of(confidence, count)


def _middle_of_the_bin(probabilities, gold, bins):
    confidence, right = confidences(probabilities, gold)
    place = bins_of(confidence, bins)
    return float(sum(abs((right[place == k] - (k + 0.5) / bins).sum()) for k in range(bins)) / len(gold))


def _squares(probabilities, gold, bins):
    return float(((probabilities - np.eye(probabilities.shape[1])[gold]) ** 2).sum(axis=1).mean())


def _nothing_is_nan(probabilities, gold, bins):
    place = bins_of(confidences(probabilities, gold)[0], bins)
    empty = len(np.unique(place)) < bins
    return math.nan if empty else expected_calibration_error(probabilities, gold, bins)


EDGE = "an edge belongs to the bin below it: bin k holds what is over k / bins, up to (k + 1) / bins."
IN_A_BIN = "the last bin holds everything up to 1, and 1 itself: a probability of 1 is in no bin of its own."
ALL_COUNT = "a probability of 1 is in none of your bins: the last one goes up to 1, and holds it."

# ---------------------------------------------------------------------------------- known mistakes: sure of a label


def _chosen(
    sure: Callable = lambda table: table.max(axis=1),
    enough: Callable = np.greater_equal,
    first: Callable = lambda rows, sure: sorted(rows, key=lambda row: -sure[row]),
    count: Callable = min,
) -> Callable:
    """The choice with another measure, threshold, order or number."""

    def choose(probabilities, least):
        measure, labels = sure(probabilities), probabilities.argmax(axis=1)
        rows = np.flatnonzero(enough(measure, least)).tolist()
        of = [[row for row in rows if labels[row] == c] for c in range(probabilities.shape[1])]
        most = count([len(own) for own in of])
        kept = sorted(row for own in of for row in first(own, measure)[:most])
        return kept, labels[kept].tolist()

    return choose


def _surest_of_all(probabilities, least):
    rows, _ = _confident(probabilities, least)
    order = sorted(np.argsort(-probabilities.max(axis=1), kind="stable")[: len(rows)].tolist())
    return order, probabilities[order].argmax(axis=1).tolist()


def _by_column(of_the_row: bool, column_s_label: bool) -> Callable:
    """Each class's column against the threshold: a row may be there twice."""

    def choose(probabilities, least):
        of = [np.flatnonzero(column >= least) for column in probabilities.T]
        fewest, kept = min(map(len, of)), []
        for c, rows in enumerate(of):
            measure = probabilities[rows].max(axis=1) if of_the_row else probabilities[rows, c]
            kept += [(int(row), c) for row in rows[np.argsort(-measure, kind="stable")][:fewest]]
        rows = [row for row, _ in kept]
        return rows, [c for _, c in kept] if column_s_label else probabilities[rows].argmax(axis=1).tolist()

    return choose


def _second_column(probabilities, least):
    rows = np.flatnonzero(probabilities[:, 1] >= least).tolist()
    return rows, probabilities[rows].argmax(axis=1).tolist()


def _lead(table):
    ordered = np.sort(table, axis=1)
    return ordered[:, -1] - ordered[:, -2]


def _places_among_the_sure(probabilities, least):
    rows, labels = _confident(probabilities, least)
    among = np.flatnonzero(probabilities.max(axis=1) >= least).tolist()
    return [among.index(row) for row in rows], labels


def _labels_by_place(order: Callable) -> Callable:
    """order(row, its class, its probability): by what the rows that are chosen are sorted."""

    def choose(probabilities, least):
        rows, labels = _confident(probabilities, least)
        highest = probabilities.max(axis=1)
        kept = sorted(zip(rows, labels, strict=True), key=lambda pair: order(*pair, highest[pair[0]]))
        return [row for row, _ in kept], list(range(len(kept)))

    return choose


def _labels_of_the_first_rows(probabilities, least):
    rows, _ = _confident(probabilities, least)
    return rows, probabilities.argmax(axis=1)[: len(rows)].tolist()


def _with_probabilities(probabilities, least):
    rows, _ = _confident(probabilities, least)
    return rows, probabilities[rows].max(axis=1).tolist()


def _as_mask(probabilities, least):
    rows, labels = _confident(probabilities, least)
    return np.isin(np.arange(len(probabilities)), rows).tolist(), labels


def _as_pairs(probabilities, least):
    return list(zip(*_confident(probabilities, least), strict=True))


def _rows_alone(probabilities, least):
    return _confident(probabilities, least)[0]


def _rows_from_one(probabilities, least):
    rows, labels = _confident(probabilities, least)
    return [row + 1 for row in rows], labels


OF_EVERY_CLASS = "of every class equally many: as many as the class with the fewest has; yours keeps all that are sure."
NONE_OF_ANY = "a class without a sure row is the one with the fewest, none: then nothing is chosen of any class."
TWO_LISTS = "two lists of one length are asked for: the rows' numbers, and the class of each."
ROW_NUMBERS = "the rows' numbers are asked for, not a mask: np.flatnonzero tells where a mask is true."
CLASS_NUMBERS = "labels are numbers of classes: argmax, not max."

# ------------------------------------------------------------------------------------------ halves of the raters


def _ways(raters: int, first: int, second: int) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """All ways to take so many of the raters, and so many others."""
    return [
        (one, other)
        for one in itertools.combinations(range(raters), first)
        for other in itertools.combinations(sorted({*range(raters)} - {*one}), second)
    ]


def _means(table: np.ndarray, ways: list) -> tuple[np.ndarray, np.ndarray]:
    """The halves' means (K, N) for every choice of one of the ways in each row."""
    choices = np.array(list(itertools.product(range(len(ways)), repeat=len(table)))).T
    each = [np.array([[row[list(way[side])].mean() for way in ways] for row in table]) for side in (0, 1)]
    return tuple(
        np.stack([values[choice] for values, choice in zip(side, choices, strict=True)], axis=1) for side in each
    )


def _of_halves(statistic: Callable) -> Callable:
    """table -> all values that a statistic of two halves may have."""

    def values(table):
        half = table.shape[1] // 2
        return statistic(*_means(table, _ways(table.shape[1], half, half)))

    return values


def _of_r(change: Callable) -> Callable:
    return _of_halves(lambda first, second: change(_pearson(first, second)))


def _covariance(first, second, less: int = 0):
    return ((first - first.mean(-1, keepdims=True)) * (second - second.mean(-1, keepdims=True))).sum(-1) / (
        first.shape[-1] - less
    )


def _of_ranks(first, second):
    ranks = [np.argsort(np.argsort(values, axis=-1), axis=-1).astype(float) for values in (first, second)]
    return _doubled(_pearson(*ranks))


def _of_chosen(first: Callable, second: Callable) -> Callable:
    """Other numbers of raters; None where they come to the right ones."""

    def values(table):
        raters = table.shape[1]
        sizes = first(raters), second(raters)
        if sizes == (raters // 2, raters // 2):
            return None
        return _doubled(_pearson(*_means(table, _ways(raters, *sizes))))

    return values


def _overlapping(table):
    """Each half drawn for itself, so that a rater may be in both; told apart only where there are few divisions."""
    if table.shape[1] > 2:
        return None
    alone = [(number,) for number in range(table.shape[1])]
    return _doubled(_pearson(*_means(table, list(itertools.product(alone, alone)))))


def _half_and_all(table):
    half, raters = table.shape[1] // 2, range(table.shape[1])
    return _doubled(_pearson(*_means(table, [(one, tuple(raters)) for one in itertools.combinations(raters, half)])))


def _halves_of_the_sentences(table):
    """Means of sentences, half of them against the others."""
    if len(table) % 2:
        return None
    orders, half = np.array(list(itertools.permutations(range(len(table))))), len(table) // 2
    means = table.mean(axis=1)[orders]
    return _doubled(_pearson(means[:, :half], means[:, half:]))


def _mixed_up(table):
    if table.size > 8:
        return None
    flat = np.array(list(itertools.permutations(table.ravel().tolist())), dtype=float).reshape(-1, *table.shape)
    half = table.shape[1] // 2
    return _doubled(_pearson(flat[:, :, :half].mean(-1), flat[:, :, half:].mean(-1)))


# What may come for a small table -> hint; the first that explains all that came is told.
SLIPS = (
    (_of_r(lambda r: r), "that is r, of half of the raters: 2r / (1 + r) tells what all of them would have."),
    (_of_r(lambda r: 2 * r), "2r alone may be over 1: the formula is 2r / (1 + r)."),
    (_of_r(lambda r: 3 * r), "2 * r / 1 + r divides by 1 alone: put 1 + r in parentheses."),
    (_of_r(lambda r: r / (1 + r)), "the factor 2 is missing: 2r / (1 + r)."),
    (_of_r(lambda r: 2 * r / (1 - r)), "the sign below is a plus: 2r / (1 + r)."),
    (
        _of_r(lambda r: np.sqrt(_doubled(r))),
        "that is the root of it, the ceiling; the reliability itself is asked for.",
    ),
    (_of_r(lambda r: _doubled(r) ** 2), "that is its square: 2r / (1 + r) is asked for."),
    (_of_r(lambda r: _doubled(r**2)), "the formula takes r itself, not its square."),
    (_of_r(lambda r: _doubled(_doubled(r))), "the formula is applied once; yours applies it twice."),
    *(
        (
            _of_halves(lambda a, b, change=change, less=less: change(_covariance(a, b, less))),
            "that is the covariance: Pearson's r divides it by both standard deviations.",
        )
        for less in (0, 1)
        for change in (_doubled, lambda value: value)
    ),
    *(
        (
            _of_halves(
                lambda a, b, less=less: _doubled(
                    _covariance(a, b, less) / (a.std(-1, ddof=1 - less) * b.std(-1, ddof=1 - less))
                )
            ),
            "covariance and standard deviations divide by different numbers, N and N − 1: use one of them for all.",
        )
        for less in (0, 1)
    ),
    (_of_halves(_of_ranks), "that is the correlation of ranks (Spearman's rho); Pearson's r is asked for."),
    (_half_and_all, "half of the raters against all of them: the second half is the other raters alone."),
    (_of_chosen(lambda raters: 1, lambda raters: 1), "a half has half of the raters, not one of them."),
    (_of_chosen(lambda raters: 1, lambda raters: raters - 1), "both halves have equally many raters."),
    (_overlapping, "a rater may be in both halves: shuffle once, then cut; do not draw twice."),
    (
        _halves_of_the_sentences,
        "halves of the raters are asked for: of each sentence two means, and r over sentences.",
    ),
    (_mixed_up, "numbers of different sentences are mixed: shuffle within each row."),
)
NOT_SHUFFLED = "the halves are the same whatever the rng: shuffle each row's raters, by itself, with the rng."
ONE_ORDER = "one order of the columns for all sentences: shuffle the raters of each row by itself."
FROM_RNG = "the same rng in the same state must give the same number: draw from the rng that is given alone."
OWN_RNG = "the number does not depend on the rng: draw from the one that is given, without a seed of its own."
NOT_ALL_DIVISIONS = (
    "every division of a row's raters into two halves must be equally likely, and each row needs a draw of its own."
)
A_TABLE = "np.corrcoef gives a table of both with both: take its entry [0, 1]."


def _judge_halves(trial: Trial) -> None:
    """By the values that a division can lead to; then by how often they come, on many sentences."""
    for table in (TWO_RATERS, FOUR_RATERS):
        seen = [_reliability(trial, table, seed) for seed in range(10)]
        possible = np.unique(_of_r(_doubled)(table).round(6))
        wrong = [got for got in seen if not _is_one_of(got, possible)]
        if wrong:
            listed = ", ".join(f"{value:.3g}" for value in possible)
            listed = (
                listed if len(possible) < 9 else f"{len(possible)} numbers from {possible[0]:.3g} to {possible[-1]:.3g}"
            )
            tried = f"; tried with: {trial.described}"
            raise Wrong(
                f"expected one of {listed}, by who is drawn into which half; came {wrong[0]:.6g}{tried}", _slip(trial)
            )
        if _reliability(trial, table, 0) != seen[0]:
            raise Wrong(f"the same rng gives another number; tried with: {trial.described}", FROM_RNG)
        # Four raters have three divisions in one order of the columns, and over a hundred if each row has its own.
        distinct = len({round(got, 6) for got in seen})
        if distinct < (2 if table is TWO_RATERS else 4):
            message = f"ten generators in different states give {distinct} different number{'s' * (distinct > 1)}"
            message += f"; tried with: {trial.described}"
            if table is TWO_RATERS:  # which have one division, if all rows have the same: four tell more
                seen, table = [_reliability(trial, FOUR_RATERS, seed) for seed in range(10)], FOUR_RATERS
            raise Wrong(message, _lack_of_draws(seen, table))
        trial.right += 1
    table = _in_ascending_order()
    expected = float(np.mean([_halves(table, np.random.default_rng(seed)) for seed in range(20)]))
    for seed in range(2):
        got = _reliability(trial, table, int(trial.rng.integers(2**31)) + seed)
        if not abs(got - expected) < 0.08:  # over five standard deviations
            raise Wrong(
                f"for {len(table)} sentences, four ratings each, in ascending order, expected about {expected:.2f}, "
                f"came {got:.4g}",
                NOT_ALL_DIVISIONS,
            )
        trial.right += 1


def _reliability(trial: Trial, table: np.ndarray, seed: int) -> float:
    got = trial.call(table, np.random.default_rng(seed))
    if isinstance(got, Tensor | np.ndarray | np.generic):
        if np.ndim(got):
            hint = A_TABLE if tuple(got.shape) == (2, 2) else "one number is asked for."
            raise Wrong(f"expected a number, came {show(got)}; tried with: {trial.described}", hint)
        got = got.item()
    if got is None:
        raise Wrong("it returned None: is there a return at its end?")
    if isinstance(got, bool) or not isinstance(got, int | float):
        raise Wrong(f"expected a number, came {show(got)} ({type(got).__name__}); tried with: {trial.described}")
    return float(got)


def _is_one_of(got: float, values: np.ndarray, within: float = 1e-4) -> bool:
    return bool((np.abs(values - got) < within).any())


def _slip(trial: Trial) -> str:
    """The hint of the first slip that explains every number that comes for the small tables; "" if none does."""
    came: list[tuple[np.ndarray, float]] = []
    quiet = dataclasses.replace(trial, seconds=min(trial.seconds, 1.0), spent=0.0)
    for table in (TWO_RATERS, FOUR_RATERS):
        for seed in range(8):
            try:
                came.append((table, _reliability(quiet, table, seed)))
            except Wrong:
                break
    with np.errstate(all="ignore"):
        for slip, hint in SLIPS:
            values = {len(table): slip(table) for table in (TWO_RATERS, FOUR_RATERS)}
            told = [(values[len(table)], got) for table, got in came if values[len(table)] is not None]
            if len(told) > 5 and all(_is_one_of(got, found, 2e-6 * max(1, abs(got))) for found, got in told):
                return hint
    return ""


def _lack_of_draws(seen: list[float], table: np.ndarray) -> str:
    """What is likely to be wrong if draws lead to too few different numbers."""
    half = table.shape[1] // 2
    orders = [list(order) for order in itertools.permutations(range(table.shape[1]))]
    of_orders = [
        float(_doubled(_pearson(table[:, order[:half]].mean(axis=1), table[:, order[half:]].mean(axis=1))))
        for order in orders
    ]
    if all(_is_one_of(got, np.array(of_orders[:1])) for got in seen):
        return NOT_SHUFFLED
    if len({round(got, 6) for got in seen}) > 1 and all(_is_one_of(got, np.array(of_orders)) for got in seen):
        return ONE_ORDER
    return OWN_RNG


def _halved(divide: Callable, statistic: Callable = lambda a, b: _doubled(_pearson(a, b))) -> Callable:
    """divide(table, rng, half) -> two tables of ratings, of which each row's mean is taken."""

    def halves(table, rng):
        first, second = divide(table, rng, table.shape[1] // 2)
        return float(statistic(first.mean(axis=1), second.mean(axis=1)))

    return halves


def _cut(table, rng, half):
    shuffled = rng.permuted(table, axis=1)
    return shuffled[:, :half], shuffled[:, half:]


def _as_it_stands(table, rng, half):
    return table[:, :half], table[:, half:]


def _columns_in_one_order(table, rng, half):
    shuffled = rng.permutation(table, axis=1)
    return shuffled[:, :half], shuffled[:, half:]


def _sentences_shuffled(table, rng, half):
    shuffled = rng.permutation(table)
    return shuffled[:, :half], shuffled[:, half:]


def _drawn_twice(table, rng, half):
    return rng.permuted(table, axis=1)[:, :half], rng.permuted(table, axis=1)[:, :half]


def _all_mixed(table, rng, half):
    shuffled = rng.permuted(table)
    return shuffled[:, :half], shuffled[:, half:]


def _one_each(table, rng, half):
    shuffled = rng.permuted(table, axis=1)
    return shuffled[:, :1], shuffled[:, -1:]


def _against_all(table, rng, half):
    return rng.permuted(table, axis=1)[:, :half], table


def _halves_exchanged(table, rng, half):
    """A coin for each row says which of the halves, as they stand, is the first."""
    turned = np.where(rng.random((len(table), 1)) < 0.5, table, np.roll(table, half, axis=1))
    return turned[:, :half], turned[:, half:]


def _seeded(table, rng, half):
    return _cut(table, np.random.default_rng(0), half)


def _unseeded(table, rng, half):
    return _cut(table, np.random.default_rng(), half)


# ----------------------------------------------------------------------------------- copies, and the test part


def _judge_augmented(trial: Trial) -> None:
    texts = ["good film", "bad film", "fine book", "dull book", "nice day", "grey day"]
    for case in range(4):
        if case:
            texts = [f"text {n}" for n in trial.rng.permutation(20 if case == 1 else 1000)]
        labels = trial.rng.integers(0, 3, len(texts)).tolist() if case else [2, 0, 2, 0, 1, 0]
        share = 0.5 if case == 0 else 0.2
        test = _test_part(trial, texts, labels, share, int(trial.rng.integers(2**31)))
        if case > 1:
            _judge_share(len(test), len(texts))
        trial.right += 1
    texts = [f"text {n}" for n in trial.rng.permutation(200)]
    labels = trial.rng.integers(0, 3, len(texts)).tolist()
    one, same, other = (_test_part(trial, texts, labels, 0.2, seed) for seed in (1, 1, 2))
    if one != same:
        raise Wrong("the same rng gives another test part", "draw only from the rng that you are given.")
    if one == other:
        raise Wrong("another rng gives the same test part", "shuffle the texts with the rng that you are given.")
    for (later,) in started_again(texts):
        if _test_part(trial, later, labels, 0.2, 1) != one:
            raise Wrong(
                "the same rng gives another test part when Python is started again",
                "the order of a set of texts changes from start to start: draw over the list.",
            )


def _judge_share(test: int, size: int) -> None:
    share = test / size
    if abs(share - 0.2) < 0.07:  # some toss a coin for each text: of a thousand, they come near
        return
    hint = "`share` of the texts are for the test: see where the share goes in."
    if abs(share - 0.8) < 0.07:
        hint = "the two parts are exchanged: first train, then test, which has the share."
    elif abs(share - 0.4) < 0.02:
        hint = "`share` of the texts that are given, not of texts and copies together."
    elif abs(share - 0.5) < 0.02 or not test:
        hint = "the share is an argument: use it for the size of the test part."
    raise Wrong(f"{share:.0%} of {size} texts are in the test part, expected about 20 %", hint)


TEXTS_FIRST = "the order is train_texts, train_labels, test_texts, test_labels."


def _test_part(trial: Trial, texts: list[str], labels: list[int], share: float, seed: int) -> list[str]:
    """The test texts, sorted, of an answer that is sound."""
    got = trial.call(texts, labels, share, _again, np.random.default_rng(seed))
    tried = f"; tried with: {trial.described}" if len(texts) < 10 else ""
    train, test = _two_parts(got, tried)
    texts = [str(text) for text in texts]
    _judge_places(train, test, texts, tried)
    label_of = dict(zip(texts, labels, strict=True))
    label_of |= {_again(text): label for text, label in label_of.items()}
    for text, label in [*train, *test]:
        if label != label_of[text]:
            copies = all(t.endswith(_again("")) for t, given in train if given != label_of[t])
            alone = copies and all(given == label_of[t] for t, given in test)
            hint = "texts and labels no longer go together: whatever shuffles the texts must shuffle the labels alike."
            hint = "a copy has the label of the text that it was made from." if alone else hint
            raise Wrong(f"{text!r} has the label {label}, expected {label_of[text]}{tried}", hint)
    return sorted(text for text, _ in test)


def _two_parts(got: object, tried: str) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """(text, label) of the training part and of the test part; Wrong if what came is something else."""
    four = list(got) if isinstance(got, list | tuple) else [None]
    four = [part.tolist() if isinstance(part, Tensor | np.ndarray) else part for part in four]
    if len(four) != 4 or not all(isinstance(part, list | tuple) for part in four):
        came = f"{len(four)} things" if len(four) > 1 else show(got)
        raise Wrong(f"expected four lists, came {came}{tried}", TEXTS_FIRST if len(four) > 1 else "")
    are_texts = [all(isinstance(entry, str) for entry in part) if part else None for part in four]
    wanted = [True, False, True, False]
    if any(found not in (None, want) for found, want in zip(are_texts, wanted, strict=True)):
        numbers = not any(are_texts)
        raise Wrong(
            f"the four lists do not hold texts, labels, texts, labels{tried}",
            "the texts themselves are asked for, not their places." if numbers else TEXTS_FIRST,
        )
    for what, one, other in (("training", *four[:2]), ("test", *four[2:])):
        if len(one) != len(other):
            copies = what == "training" and len(one) == 2 * len(other) and not {*map(str, one)} & {*map(str, four[2])}
            hint = "a copy needs a label too." if copies else ""
            raise Wrong(f"the {what} part has {len(one)} texts and {len(other)} labels{tried}", hint)
    plain = [[str(t) if isinstance(t, str) else getattr(t, "item", lambda t=t: t)() for t in part] for part in four]
    return list(zip(plain[0], plain[1], strict=True)), list(zip(plain[2], plain[3], strict=True))


def _judge_places(train: list, test: list, texts: list[str], tried: str) -> None:
    """Refuse parts in which a text or a copy stands where it must not, is missing, or stands twice."""
    known, source = set(texts), {_again(text): text for text in texts}
    in_train, in_test = ({text for text, _ in part} for part in (train, test))

    def fail(message: str, hint: str = "") -> Wrong:
        return Wrong(message + tried, hint)

    copies = sorted(in_test & source.keys())
    if copies:
        apart = [copy for copy in copies if source[copy] in in_train]
        raise fail(
            f"the copy {(apart or copies)[0]!r} is in the test part" + (", its text in training" if apart else ""),
            "split first, then rewrite the training texts alone: else the test asks for what training has seen."
            if apart
            else "the test texts stay as they are: only training gets copies.",
        )
    for text in sorted((in_train | in_test) - known - source.keys()):
        twice = text.startswith(tuple(_again(copied) for copied in source))
        raise fail(f"{text!r} is neither a text nor its copy", "a copy is not rewritten once more." if twice else "")
    if both := sorted(in_train & in_test):
        raise fail(f"{both[0]!r} is in both parts", "train is what is not in test.")
    if leaked := sorted(text for text in in_test if _again(text) in in_train):
        raise fail(
            f"{leaked[0]!r} is in the test part, its copy in training",
            "only training texts are rewritten: a copy of a test text gives the test away.",
        )
    if missing := sorted(known - in_train - in_test):
        gone = {source[copy] for copy in in_train & source.keys()} >= set(missing)
        hint = "the copies stand beside their texts, not in their place." if gone else "leave no text out."
        raise fail(f"{missing[0]!r} is in neither part", hint)
    counts = Counter(text for text, _ in [*train, *test])
    if repeated := [text for text, count in counts.items() if count > 1]:
        raise fail(f"{repeated[0]!r} is there {counts[repeated[0]]} times", "each text once, and one copy of it.")
    if without := sorted(text for text in in_train & known if _again(text) not in in_train):
        hint = "one copy for each training text." if in_train & source.keys() else "the copies are missing: rewrite."
        raise fail(f"{without[0]!r} is in training without its copy", hint)


def _augmented(
    before: bool = False, rewritten: str = "train", order: tuple[int, ...] = (0, 1, 2, 3), drawn: bool = True
) -> Callable:
    """A split with a mistake: copies before it, of other texts, in another order, or without a draw."""

    def split(texts, labels, share, rewrite, rng):
        pairs = list(zip(texts, labels, strict=True))
        if before:
            pairs += [(rewrite(text), label) for text, label in pairs]
        places = rng.permutation(len(pairs)).tolist() if drawn else list(range(len(pairs)))
        count = round(share * len(pairs))
        test, train = ([pairs[place] for place in part] for part in (places[:count], places[count:]))
        copies = {
            "train": [(rewrite(text), label) for text, label in train],
            "all": [(rewrite(text), label) for text, label in pairs],
            "none": [],
            "alone": [(rewrite(text), label) for text, label in train],
            "unlike": [(rewrite(text), labels[0]) for text, _ in train],
        }
        own = [] if rewritten == "alone" else train
        train = own + ([] if before else copies[rewritten if rewritten in copies else "train"])
        if rewritten == "both":
            test = test + [(rewrite(text), label) for text, label in test]
        parts = [[text for text, _ in train], [label for _, label in train]]
        parts += [[text for text, _ in test], [label for _, label in test]]
        return tuple(parts[place] for place in order)

    return split


def _labels_left_behind(texts, labels, share, rewrite, rng):
    shuffled, count = rng.permutation(texts).tolist(), round(share * len(texts))
    train = shuffled[count:]
    return train + [rewrite(text) for text in train], labels[count:] * 2, shuffled[:count], labels[:count]


def _exchanged(texts, labels, share, rewrite, rng):
    return _augmented()(texts, labels, 1 - share, rewrite, rng)


# ---------------------------------------------------------------------------------------------- rows and labels


def _in_order(choose: Callable) -> Callable:
    """The rows in ascending order, each with its label: an order is not asked for."""

    def run(*args: object) -> object:
        got = choose(*args)
        if got is Ellipsis or got is NotImplemented:
            return got
        rows, labels = _rows_and_labels(got)
        pairs = sorted(zip(rows, labels, strict=True))
        return {"rows": [row for row, _ in pairs], "labels": [label for _, label in pairs]}

    return run


class _Form(ValueError):
    """What came is not of the form that was asked for."""


def _rows_and_labels(got: object) -> tuple[list, list]:
    both = got.tolist() if isinstance(got, Tensor | np.ndarray) else got
    if not isinstance(both, list | tuple) or len(both) != 2:
        raise _Form(f"expected two lists, rows and labels; came {show(got)}")
    both = [part.tolist() if isinstance(part, Tensor | np.ndarray) else part for part in both]
    if not all(isinstance(part, list | tuple) for part in both):
        raise _Form(f"expected two lists, rows and labels; came {show(got)}")
    both = [[entry.item() if hasattr(entry, "item") else entry for entry in part] for part in both]
    for what, part in zip(("rows", "labels"), both, strict=True):
        if any(isinstance(entry, bool) for entry in part):
            raise _Form(f"expected whole numbers as {what}, came truth values: {show(part)}")
        if not all(isinstance(entry, int | float) for entry in part):
            raise _Form(f"expected whole numbers as {what}, came {show(part)}")
        if any(entry != int(entry) for entry in part):
            raise _Form(f"expected whole numbers as {what}, came fractions: {show(part)}")
    if len(both[0]) != len(both[1]):
        raise _Form(f"expected as many labels as rows, came {len(both[0])} rows and {len(both[1])} labels")
    return [int(row) for row in both[0]], [int(label) for label in both[1]]


FORMS = {
    "rows, came truth values": ROW_NUMBERS,
    "labels, came fractions": CLASS_NUMBERS,
    "expected two lists": TWO_LISTS,
}


def _choices(mistakes: tuple[tuple[Callable, str], ...]) -> Check:
    inner = errors_named(
        against(
            "probabilities (N, C), a numpy array, and least, a number -> (rows, labels): the numbers of the rows whose "
            "highest probability is at least `least`, with its class; of every class equally many, as many as the "
            "class with the fewest such rows has (none, if one of the C classes has none), the surest of each; in any "
            "order",
            _in_order(_confident),
            _tables,
            shrink=False,  # rows add up to 1
            mistakes=tuple((_in_order(wrong), hint) for wrong, hint in mistakes),
        ),
        FORMS,
    )

    def judge(trial: Trial) -> None:
        if not callable(trial.answer):
            inner.judge(trial)
        around = dataclasses.replace(trial, answer=Around(trial.answer, _in_order(trial.answer)))
        try:
            inner.judge(around)
        except Wrong as wrong:
            wrong.message = wrong.message.removeprefix("_Form: ")
            raise
        finally:
            trial.cases, trial.printed, trial.right = around.cases, around.printed, around.right

    return Check(inner.asks, judge, mistakes)


def _with_soft_gradient(inner: Check) -> Check:
    """The loss must lead back to the logits; the shares are given, and need nothing."""
    shares = torch.tensor([[0.5, 0.5], [0.75, 0.25]])
    numbers = errors_named(
        with_gradient(Check(inner.asks, lambda trial: None), lambda: (torch.tensor([[2.0, 0.0], [0.0, 1.0]]),)),
        {"Can't call numpy()": STAYS_IN_TORCH},
    )

    def judge(trial: Trial) -> None:
        inner.judge(trial)
        answer = trial.answer
        around = dataclasses.replace(trial, answer=Around(answer, lambda logits: answer(logits, shares.clone())))
        numbers.judge(around)

    return Check(inner.asks, judge, inner.mistakes)


def _bins_tried(inner: Check) -> Check:
    """Where all gaps have one sign no bins matter: that the argument is unused is said only if it is so in others."""

    def judge(trial: Trial) -> None:
        try:
            inner.judge(trial)
        except Wrong as wrong:
            if wrong.hint.startswith("its argument bins changes nothing"):
                table = np.random.default_rng(0).dirichlet(np.ones(2), size=60)
                gold = np.arange(60) % 2
                quiet = dataclasses.replace(trial, spent=0.0)
                if quiet.call(table, gold, 1) != quiet.call(table, gold, 7):
                    wrong.hint = ""
            raise

    return Check(inner.asks, judge, inner.mistakes)


CHECKS = {
    "opposed": errors_named(
        against(
            "ratings (a list of lists of whole numbers, of different lengths) -> share of the sentences, 0 to 1, that "
            "have at least one rating above 0 and at least one below",
            _opposed,
            _ratings,
            mistakes=(
                (_then(_opposed, lambda share: 100 * share), PERCENT),
                (_then(_opposed, lambda share: round(share, 2)), ROUNDED),
                (_then(_opposed, lambda share: 1 - share), "that is the share of the others."),
                (_divided_by(lambda ratings: 1), "divide by the number of sentences."),
                (
                    _divided_by(lambda ratings: sum(map(len, ratings))),
                    "divide by the number of sentences, not of ratings.",
                ),
                (
                    lambda ratings: [max(row) > 0 > min(row) for row in ratings],
                    "one number is asked for: the share of the sentences for which that is true.",
                ),
                (
                    lambda ratings: [row for row in ratings if max(row) > 0 > min(row)],
                    "one number is asked for: the share of such sentences.",
                ),
                (_share_where(lambda row: max(row) >= 0 > min(row)), ZERO_HAS_NO_SIDE),
                (_share_where(lambda row: max(row) > 0 >= min(row)), ZERO_HAS_NO_SIDE),
                (_share_where(lambda row: max(row) >= 0 >= min(row)), ZERO_HAS_NO_SIDE),
                (_share_where(_neighbours), "any two ratings of a sentence count, not only neighbours in the list."),
                (
                    _share_where(lambda row: any(row[0] * other < 0 for other in row)),
                    "any two ratings of a sentence count, not only the first and another one.",
                ),
                (
                    _share_where(lambda row: row[0] * row[-1] < 0),
                    "any two ratings of a sentence count, not only the first and the last.",
                ),
                (
                    _share_where(lambda row: len(set(row)) > 1),
                    "ratings that differ are not opposed yet: one must be above 0, one below.",
                ),
                (_share_where(lambda row: max(row) > 0 or min(row) < 0), "both must be there: `and`, not `or`."),
                (
                    _share_where(lambda row: max(row) > 0),
                    "that asks for one above 0 alone: one below must be there too.",
                ),
                (
                    _share_where(lambda row: min(row) < 0),
                    "that asks for one below 0 alone: one above must be there too.",
                ),
                (
                    _share_where(lambda row: sum(row) < 0),
                    "that asks for the sum's, or the mean's, sign: look at the single ratings.",
                ),
                (
                    _share_where(lambda row: sum(row) == 0),
                    "ratings that cancel are asked for nowhere: look for one above 0 and one below.",
                ),
                (_pairs_apart, "that is the share of pairs of raters: a sentence counts once, or not."),
                (_ratings_on_the_other_side, "that is a share of the ratings: a share of the sentences is asked for."),
                (_all_ratings_together, "each sentence by itself: yours looks at the ratings of all together."),
            ),
        ),
        {
            "inhomogeneous": "sentences have different numbers of ratings, which make no array: go through them one by "
            "one.",
            "expected sequence of length": "sentences have different numbers of ratings, which make no tensor: go "
            "through them one by one.",
        },
    ),
    "halves": Check(
        "table (N, R), a numpy array, N sentences and an even number R of ratings, and rng -> the reliability, a "
        "number: for each row by itself the ratings are shuffled with rng and divided, once, into two halves; r is "
        "Pearson's correlation, over the sentences, of the two halves' means; 2r / (1 + r) is asked for",
        _judge_halves,
        (
            (_halved(_cut, _pearson), SLIPS[0][1]),
            (_halved(_cut, lambda a, b: 2 * _pearson(a, b)), SLIPS[1][1]),
            (_halved(_cut, lambda a, b: 2 * _pearson(a, b) / 1 + _pearson(a, b)), SLIPS[2][1]),
            (_halved(_cut, lambda a, b: _pearson(a, b) / (1 + _pearson(a, b))), SLIPS[3][1]),
            (_halved(_cut, lambda a, b: np.sqrt(_doubled(_pearson(a, b)))), SLIPS[5][1]),
            (_halved(_cut, lambda a, b: _doubled(_pearson(a, b) ** 2)), SLIPS[7][1]),
            (
                _halved(_cut, lambda a, b: _doubled(np.cov(a, b)[0, 1])),
                "that is the covariance: Pearson's r divides it by both standard deviations.",
            ),
            (
                _halved(_cut, lambda a, b: _doubled(np.cov(a, b)[0, 1] / (a.std() * b.std()))),
                "covariance and standard deviations divide by different numbers, N and N − 1: use one of them for all.",
            ),
            (
                _halved(_cut, _of_ranks),
                "that is the correlation of ranks (Spearman's rho); Pearson's r is asked for.",
            ),
            (
                _halved(_against_all),
                "half of the raters against all of them: the second half is the other raters alone.",
            ),
            (_halved(_one_each), "a half has half of the raters, not one of them."),
            (_halved(_drawn_twice), "a rater may be in both halves: shuffle once, then cut; do not draw twice."),
            (_halved(_all_mixed), "numbers of different sentences are mixed: shuffle within each row."),
            (
                _halved(_as_it_stands),
                NOT_SHUFFLED,
            ),
            (
                _halved(_sentences_shuffled),
                NOT_SHUFFLED,
            ),
            (
                _halved(_columns_in_one_order),
                ONE_ORDER,
            ),
            (_halved(_halves_exchanged), NOT_ALL_DIVISIONS),
            (_halved(_seeded), OWN_RNG),
            (_halved(_unseeded), FROM_RNG),
        ),
    ),
    "lexicon_score": errors_named(
        against(
            "words (a list, in lower case), lexicon (word -> value) -> the sum of the values of the words that the "
            'lexicon has; a word directly after "not", "no" or "never" counts with the opposite sign; those three '
            "themselves count as what the lexicon says of them",
            _lexicon_score,
            _words,
            shrink=False,  # of a shorter text two negations may become neighbours
            mistakes=(
                (
                    _scored(lambda words, place: 1),
                    "the negations change nothing yet: the word after one turns its sign.",
                ),
                (
                    _scored(_sign_by(lambda words, place: any(word in NEGATIONS for word in words[:place]))),
                    DIRECTLY,
                ),
                (_switched, DIRECTLY),
                (_scored(_sign_by(_within(2))), DIRECTLY),
                (_scored(_sign_by(_within(3))), DIRECTLY),
                (
                    _next_word_of_the_lexicon,
                    'only the word directly after the negation: in "not very good", good keeps its sign.',
                ),
                *(
                    (_scored(_sign_by(_directly(some))), f"{missing} negate{s} as well.")
                    for some, missing, s in (
                        (("not",), '"no" and "never"', ""),
                        (("not", "never"), '"no"', "s"),
                        (("not", "no"), '"never"', "s"),
                        (("no", "never"), '"not"', "s"),
                    )
                ),
                (
                    _scored(_sign_by(lambda words, place: words[place - 1] in NEGATIONS)),
                    "the first word has none before it: words[-1], which that asks for, is the last one.",
                ),
                (
                    _scored(_sign_by(lambda words, place: words[place + 1 : place + 2] in [[n] for n in NEGATIONS])),
                    "the word after the negation turns its sign, not the one before.",
                ),
                (
                    _scored(_sign_by(lambda words, place: place and words[place - 1].startswith(NEGATIONS))),
                    'whole words: "nothing" and "know" are not among the three.',
                ),
                (
                    _scored(_sign_by(lambda words, place: place and any(n in words[place - 1] for n in NEGATIONS))),
                    'whole words: "nothing" and "know" are not among the three.',
                ),
                (
                    _scored(_sign_by(_directly(NEGATIONS), 0)),
                    'the opposite sign, not 0: "not good" is less than nothing.',
                ),
                *(
                    (_scored(_sign_by(_directly(NEGATIONS), factor)), "the opposite sign, and the whole value.")
                    for factor in (-0.5, -0.74, 0.5, -2)
                ),
                (_negations_silent(), "a negation counts as well, with what the lexicon says of it."),
                (
                    _scored(_sign_by(lambda w, p: _directly(NEGATIONS)(w, p) or w[p] in NEGATIONS)),
                    "a negation itself keeps its sign: only the word after it turns.",
                ),
                (
                    _scored(_right_sign, lambda lexicon, word: np.sign(lexicon.get(word, 0))),
                    "the values themselves add up, not their signs.",
                ),
                (
                    _scored(_right_sign, lambda lexicon, word: abs(lexicon.get(word, 0))),
                    "values may be negative: take them as they are.",
                ),
                (_then(_lexicon_score, lambda value: -value), "the sign of all is the wrong way round."),
                (
                    lambda words, lexicon: _lexicon_score(words, lexicon) / max(len(words), 1),
                    "the sum is asked for, not the mean.",
                ),
                (_mean_of_found, "the sum is asked for, not the mean."),
                (_each_word_once, "a word that stands twice counts twice."),
                (_listed, "one number is asked for: the sum of those."),
                (_listed_found, "one number is asked for: the sum of those."),
            ),
        ),
        {
            "KeyError": "most words are not in the lexicon: ask first, or use lexicon.get(word, 0).",
            "list index out of range": "the last word has none after it: look from each word to the one before.",
        },
    ),
    "soft_loss": _with_soft_gradient(
        errors_named(
            against(
                "logits (B, C), shares (B, C), of which each row adds up to 1 -> a tensor: the mean over the batch of "
                "−Σ share · log softmax(logits), in nats, for scores of 200 as well; with a gradient for the logits",
                _soft_loss,
                _logits_and_shares,
                shrink=False,  # rows of shares add up to 1
                mistakes=(
                    (_hard, "that is the loss of the largest share's class alone: every class counts by its share."),
                    (
                        lambda logits, shares: -(shares * logits.log_softmax(-1)).sum(),
                        "that is the sum over the batch; a mean is asked for.",
                    ),
                    (
                        lambda logits, shares: -(shares * logits.log_softmax(-1)).mean(),
                        "sum over the classes, then the mean over the batch: yours divides by B · C.",
                    ),
                    (
                        lambda logits, shares: -(shares * logits.log_softmax(-1)).sum(-1),
                        "that is the loss of each row; their mean is asked for, one number.",
                    ),
                    (
                        lambda logits, shares: -(shares * logits.log_softmax(-1)).sum(0).mean(),
                        "sum over the classes, the last dimension, then the mean over the batch.",
                    ),
                    (
                        lambda logits, shares: (shares * logits.log_softmax(-1)).sum(-1).mean(),
                        "the minus is missing: a loss is not negative.",
                    ),
                    (
                        lambda logits, shares: _soft_loss(logits.softmax(-1), shares),
                        "the softmax is taken twice: log_softmax, or cross_entropy, wants the logits themselves.",
                    ),
                    (
                        lambda logits, shares: -(shares * logits).sum(-1).mean(),
                        "that is the mean score: take the log-softmax first.",
                    ),
                    (
                        lambda logits, shares: -(shares * logits.softmax(-1)).sum(-1).mean(),
                        "the logarithm is missing: share · log p.",
                    ),
                    (
                        lambda logits, shares: 1 - (shares * logits.softmax(-1)).sum(-1).mean(),
                        "the logarithm is missing: share · log p.",
                    ),
                    (
                        lambda logits, shares: -(shares * logits.softmax(-1)).sum(-1).log().mean(),
                        "take the logarithm of each probability first, then weight it.",
                    ),
                    (
                        lambda logits, shares: -(shares * logits.log_softmax(0)).sum(-1).mean(),
                        "the softmax runs over the classes, the last dimension, not over the batch.",
                    ),
                    (
                        lambda logits, shares: _soft_loss(logits, shares) / math.log(2),
                        "nats are asked for: the natural logarithm.",
                    ),
                    (
                        lambda logits, shares: F.mse_loss(logits.softmax(-1), shares),
                        "that is the squared error; the cross-entropy is asked for.",
                    ),
                    (
                        lambda logits, shares: (logits.softmax(-1) - shares).square().sum(-1).mean(),
                        "that is the squared error; the cross-entropy is asked for.",
                    ),
                    (_divergence, "that is the KL divergence, which lacks the shares' own entropy."),
                    (_divergence_per_number, "that is the KL divergence, and divided by B · C: no kl_div here."),
                    (
                        _other_divergence,
                        "the roles are exchanged: the logarithm is of the model's probabilities, not of the shares.",
                    ),
                    (
                        _roles_exchanged,
                        "the roles are exchanged: the logarithm is of the model's probabilities, not of the shares.",
                    ),
                    (
                        lambda logits, shares: F.binary_cross_entropy_with_logits(logits, shares),
                        "those are sigmoids, one for each class; here all scores of a row go through one softmax.",
                    ),
                    (_exponentials, EXP_OVERFLOWS),
                    (_exponentials_summed, EXP_OVERFLOWS),
                    (
                        lambda logits, shares: -(shares * logits.softmax(-1).log()).sum(-1).mean(),
                        "a small probability becomes 0, and its logarithm infinite: use log_softmax.",
                    ),
                    *(
                        (
                            _with_a_small_number(shift),
                            "a small number beside the probability caps the loss: use log_softmax, without one.",
                        )
                        for shift in (1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12)
                    ),
                ),
            ),
            {
                "Can't call numpy()": STAYS_IN_TORCH,
                "math range error": EXP_OVERFLOWS,
                "OverflowError": EXP_OVERFLOWS,
                "math domain error": "a small probability becomes 0, which has no logarithm: use log_softmax.",
            },
        )
    ),
    "ece": errors_named(
        _bins_tried(
            against(
                "probabilities (N, C) and gold (N,), numpy arrays, and bins, a number -> the expected calibration "
                "error of the highest probabilities, 0 to 1: in bins of equal width from 0 to 1, of which bin k holds "
                "what is over k / bins, up to (k + 1) / bins (0 itself is in bin 0), the gap between accuracy and mean "
                "confidence, times the bin's share of the rows, summed",
                expected_calibration_error,
                _probabilities_and_gold,
                shrink=False,  # rows add up to 1
                mistakes=(
                    (_binned(_floor), IN_A_BIN),
                    (_binned(_one_in_no_bin), ALL_COUNT),
                    (
                        _binned(_edges_in_no_bin),
                        "what is on an edge is in none of your bins: it belongs to the one below.",
                    ),
                    (_binned(_last_in_no_bin), "the last bin is left out: there are `bins` of them."),
                    (_binned(_first_in_no_bin), "the first bin is left out: there are `bins` of them."),
                    (_binned(_lower_edges), EDGE),
                    (_binned(_equal_counts), "all bins have one width, 1 / bins; yours have equally many rows."),
                    (
                        _binned(_from_the_smallest),
                        "the bins divide 0 to 1, not the smallest to the largest confidence.",
                    ),
                    (
                        _binned(join=lambda shares, gaps, bins, counts: np.abs(gaps).mean()),
                        "a bin counts by its share of the rows, not each alike.",
                    ),
                    (
                        _binned(join=lambda shares, gaps, bins, counts: np.abs(gaps).sum() / bins),
                        "a bin counts by its share of the rows, not each alike.",
                    ),
                    (
                        _binned(join=lambda shares, gaps, bins, counts: np.abs(gaps).sum()),
                        "a bin counts by its share of the rows, not each alike.",
                    ),
                    (
                        _binned(join=lambda shares, gaps, bins, counts: (counts * np.abs(gaps)).sum()),
                        "a bin counts by its *share*: divide by the number of rows.",
                    ),
                    (
                        _binned(join=lambda shares, gaps, bins, counts: math.sqrt((shares * gaps**2).sum())),
                        "that is the root of the mean square: the gaps' absolute values are asked for.",
                    ),
                    (
                        _binned(join=lambda shares, gaps, bins, counts: (shares * gaps**2).sum()),
                        "those are squares: the gaps' absolute values are asked for.",
                    ),
                    (
                        _binned(join=lambda shares, gaps, bins, counts: np.abs(gaps).max()),
                        "that is the largest gap: all of them count, by their share of the rows.",
                    ),
                    (
                        _binned(join=lambda shares, gaps, bins, counts: (shares * gaps).sum()),
                        "gaps of both signs cancel: take the absolute value in each bin.",
                    ),
                    (
                        _binned(join=lambda shares, gaps, bins, counts: -(shares * gaps).sum()),
                        "gaps of both signs cancel: take the absolute value in each bin.",
                    ),
                    (
                        _binned(join=lambda shares, gaps, bins, counts: abs((shares * gaps).sum())),
                        "gaps of both signs cancel: take the absolute value in each bin.",
                    ),
                    (
                        _binned(of=lambda table, gold: (table.max(axis=1), table.argmax(axis=1) != gold)),
                        "accuracy is the share that is right; yours counts what is wrong.",
                    ),
                    (
                        _binned(of=_of_the_gold_class),
                        "confidence is the highest probability of a row, whichever class it is, not the gold class's.",
                    ),
                    *(
                        (
                            _binned(of=lambda table, gold, c=c: (table[:, c], table.argmax(axis=1) == gold)),
                            "confidence is the highest probability of a row, not that of one class.",
                        )
                        for c in (0, 1)
                    ),
                    *(
                        (
                            _binned(of=_of_class(c)),
                            "confidence is the highest probability of a row, not that of one class.",
                        )
                        for c in (0, 1)
                    ),
                    (_binned(of=_of_every_class), "of each row the highest probability alone, not all of them."),
                    (_middle_of_the_bin, "mean confidence is that of the bin's rows, not the middle of the bin."),
                    (_squares, "that is the Brier score, without any bins."),
                    (_nothing_is_nan, "a bin may be empty: there is no mean of nothing, and it counts 0."),
                    (_then(expected_calibration_error, lambda value: 100 * value), PERCENT),
                    (_then(expected_calibration_error, lambda value: round(value, 2)), ROUNDED),
                    (_then(expected_calibration_error, lambda value: 1 - value), "that is 1 minus it."),
                ),
            )
        ),
        {
            "out of range": "is it a probability of 1, for which the index is `bins`? It belongs to the last bin.",
            "out of bounds": "is it a probability of 1, for which the index is `bins`? It belongs to the last bin.",
        },
    ),
    "augmented_split": Check(
        "texts (all different), labels, share, rewrite (a text -> another one), rng -> (train_texts, train_labels, "
        "test_texts, test_labels), lists in any order: about `share` of the texts, drawn with rng, are the test; of "
        "each training text a copy, rewrite(text), stands in training too, with its label; the test has no copies",
        _judge_augmented,
        (
            (
                _augmented(before=True),
                "split first, then rewrite the training texts alone: else the test asks for what training has seen.",
            ),
            (
                _augmented(rewritten="all"),
                "only training texts are rewritten: a copy of a test text gives the test away.",
            ),
            (_augmented(rewritten="none"), "the copies are missing: rewrite."),
            (_augmented(rewritten="alone"), "the copies stand beside their texts, not in their place."),
            (_augmented(rewritten="both"), "the test texts stay as they are: only training gets copies."),
            (_augmented(rewritten="unlike"), "a copy has the label of the text that it was made from."),
            (_augmented(order=(0, 2, 1, 3)), TEXTS_FIRST),
            (
                _augmented(drawn=False),
                "shuffle the texts with the rng that you are given.",
            ),
            (_exchanged, "the two parts are exchanged: first train, then test, which has the share."),
            (
                _labels_left_behind,
                "texts and labels no longer go together: whatever shuffles the texts must shuffle the labels alike.",
            ),
        ),
    ),
    "confident": _choices(
        (
            (_chosen(count=max), OF_EVERY_CLASS),
            (_surest_of_all, "the surest of each class, not of all: else one class takes the places of the others."),
            (
                _chosen(first=lambda rows, sure: rows),
                "the surest of each class are kept, not those that stand first.",
            ),
            (
                _chosen(first=lambda rows, sure: sorted(rows, key=lambda row: sure[row])),
                "the surest of each class are kept; yours keeps the least sure.",
            ),
            (_chosen(enough=np.greater), "at least: a probability of just `least` is enough."),
            (_chosen(enough=lambda sure, least: sure > -1), "`least` is not used: rows under it are left out."),
            (_chosen(enough=np.less), "rows of at least `least` are asked for; yours are under it."),
            (_chosen(sure=_lead), "the highest probability itself counts, not its lead over the second."),
            (_second_column, "the highest probability of a row counts, whichever column it is in."),
            *(
                (
                    _by_column(*how),
                    "each row once, with the class of its highest probability; yours may take one for two classes.",
                )
                for how in itertools.product((True, False), repeat=2)
            ),
            (_chosen(count=lambda counts: min([n for n in counts if n] or [0])), NONE_OF_ANY),
            (
                _chosen(count=lambda counts: min(1, *counts)),
                "as many as the class with the fewest has, not one of each.",
            ),
            (
                _places_among_the_sure,
                "the rows' numbers in the whole table; yours count among the sure ones alone.",
            ),
            (_rows_from_one, "rows count from 0."),
            *(
                (
                    _labels_by_place(order),
                    "labels are classes, those of the highest probabilities, not places in a list.",
                )
                for order in (
                    lambda row, c, highest: row,
                    lambda row, c, highest: (c, row),
                    lambda row, c, highest: (c, -highest),
                    lambda row, c, highest: -highest,
                )
            ),
            (_labels_of_the_first_rows, "each label is that of its row: argmax of probabilities[rows]."),
            (_then(_confident, lambda both: both[::-1]), "the two are exchanged: first the rows, then the labels."),
            (_with_probabilities, CLASS_NUMBERS),
            (_as_mask, ROW_NUMBERS),
            (_as_pairs, TWO_LISTS),
            (_rows_alone, TWO_LISTS),
        )
    ),
    "budget": number(
        "a whole number",
        lambda rng: {"v": 10 * int(rng.integers(9, 80)), "t": 50 * int(rng.integers(20, 60))},
        'Somebody reports a model made from "8 labels per class, 3 classes". Its epoch was chosen on a validation set '
        "of {v} labelled sentences; {t} labelled test sentences were looked at once, when it was finished. How many "
        "labels did it take to make this model? (What only measures the finished model does not count.)",
        lambda v, t: cost(8, 3, v),
        mistakes=(
            (lambda v, t: 24, "without the validation set no epoch could have been chosen: its labels count."),
            (lambda v, t: 8, "that is one class; and what else was the model made with?"),
            (lambda v, t: v, "that is what the epoch was chosen by; the model was trained on labels, too."),
            (lambda v, t: 24 + v + t, "the test measures the finished model: it makes nothing of it."),
            (lambda v, t: 24 + t, "the test measures the finished model; what was the epoch chosen by?"),
            (lambda v, t: v + t, "the test measures the finished model; and what was it trained on?"),
            (lambda v, t: t, "the test measures the finished model: it makes nothing of it."),
            (lambda v, t: 8 + v, "8 labels per class: there are three classes."),
            (lambda v, t: 8 + v + t, "8 labels per class, of three classes; and the test makes nothing of the model."),
            (lambda v, t: 3 * (8 + v), "the validation set's labels are counted in all already, not per class."),
            (lambda v, t: v - 24, "the two add up: different sentences are trained on, and chosen by."),
        ),
    ),
}
