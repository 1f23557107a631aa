"""Answers in a text: exact match and F1 as SQuAD's official script counts them (Rajpurkar et al., 2016, §6; 2018)."""

import re
import string
from collections import Counter
from collections.abc import Sequence

import numpy as np

PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalized(answer: str) -> str:
    """An answer as it is compared: lower case, without ASCII punctuation and a, an, the; single spaces."""
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", answer.lower().translate(PUNCTUATION)).split())


def exact_match(predicted: str, gold: str) -> float:
    """1 if both are the same once normalized, else 0."""
    return float(normalized(predicted) == normalized(gold))


def overlap_f1(predicted: str, gold: str) -> float:
    """Harmonic mean of precision and recall over normalized words, each counted as often as it stands there.

    Where either has no word left, "no answer" among them, 1 if both have none, else 0.
    """
    ours, theirs = (normalized(answer).split() for answer in (predicted, gold))
    if not ours or not theirs:
        return float(ours == theirs)
    common = sum((Counter(ours) & Counter(theirs)).values())
    return 2 * common / (len(ours) + len(theirs))


def score_each(gold: Sequence[Sequence[str]], predicted: Sequence[str]) -> np.ndarray:
    """(N, 2) exact match and F1 of each prediction, each the best over that question's right answers.

    Args:
        gold: of each question its right answers; none where the text has no answer. Answers that are nothing once
            normalized are passed over, as the official script does.
        predicted: of each an answer; "" for none.
    """
    if len(gold) != len(predicted):
        raise ValueError(f"{len(predicted)} predictions for {len(gold)} questions: give one for each")
    scores = np.zeros((len(gold), 2))
    for row, (answers, given) in enumerate(zip(gold, predicted, strict=True)):
        right = [answer for answer in answers if normalized(answer)] or [""]
        scores[row] = [max(measure(given, answer) for answer in right) for measure in (exact_match, overlap_f1)]
    return scores


def answer_scores(gold: Sequence[Sequence[str]], predicted: Sequence[str]) -> dict:
    """Means of `score_each`: exact and f1 as fractions; the same and their number apart for answerable and not.

    Of questions without an answer both are the share that was given none.
    """
    scores, answerable = score_each(gold, predicted), np.array([len(answers) > 0 for answers in gold])

    def means(chosen: np.ndarray) -> dict:
        exact, f1 = scores[chosen].mean(axis=0) if chosen.any() else (0.0, 0.0)
        return {"exact": float(exact), "f1": float(f1), "support": int(chosen.sum())}

    if not len(scores):
        raise ValueError("there are no questions: give at least one")
    every = means(np.ones(len(scores), dtype=bool))
    return every | {"has_answer": means(answerable), "no_answer": means(~answerable)}


def best_threshold(leads: Sequence[float], answered: Sequence[float], silent: Sequence[float]) -> float:
    """The threshold with the best mean F1 if "no answer" is said where its lead is above it; halfway between two leads.

    Each is (N,): how far "no answer" is ahead, the F1 if the model's span is given, and the F1 if nothing is.
    """
    order = np.argsort(leads, kind="stable")  # those with the smallest lead are answered first
    gains = np.subtract(answered, silent)[order]
    total, leads = np.concatenate([[0.0], np.cumsum(gains)]), np.asarray(leads, dtype=float)[order]
    between = np.concatenate([[leads[0] - 1], (leads[:-1] + leads[1:]) / 2, [leads[-1] + 1]])
    apart = np.concatenate([[True], leads[1:] > leads[:-1], [True]])  # equal leads are answered together
    return float(between[np.where(apart, total, -np.inf).argmax()])
