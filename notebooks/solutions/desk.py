"""Worked solutions of the exercises on a support desk. Try first: `check` tells you more than these do."""

import math

import numpy as np


def my_nearest(vectors, labels, query, k):
    places = np.argsort(-(vectors @ query))[:k]
    near = [labels[place] for place in places]
    return max(near, key=near.count)  # of equal counts max gives the first, whose member is nearest


my_one_accuracy = (4500 * 96.9 + 1000 * 40.3) / 5500  # a weighted mean: 9 of 11 questions are in scope


def my_auroc(scores, positive):
    ours, theirs = scores[positive], scores[~positive]
    if len(ours) == 0 or len(theirs) == 0:
        raise ValueError("AUROC compares positives with negatives: give some of both")
    gaps = ours[:, None] - theirs  # (positives, negatives)
    return float(((gaps > 0) + 0.5 * (gaps == 0)).mean())


def my_risk_at(confidence, right, coverage):
    count = math.ceil(round(coverage * len(confidence), 9))  # 0.55 · 100 is 55.00000000000001
    answered = np.argsort(-confidence)[:count]
    return float((~right[answered]).mean())


def my_threshold(confidence, right, wrong_cost, handover_cost):
    def total(t):
        answered = confidence >= t
        return wrong_cost * (answered & ~right).sum() + handover_cost * (~answered).sum()

    highest_first = sorted([*confidence, math.inf], reverse=True)
    return min(highest_first, key=total)  # of equal totals min gives the first


my_break_even = 1 - 3 / 12  # answering costs (1 - p) · 12 in the mean: less than 3 from here on


def my_conformal(scores, alpha):
    place = math.ceil(round((len(scores) + 1) * (1 - alpha), 9))  # 100 · 0.55 is 55.00000000000001
    return sorted(scores)[place - 1] if place <= len(scores) else math.inf


def my_promised(confidence, right, alpha):
    for t in sorted(confidence):
        wrong = (~right & (confidence >= t)).sum()
        if (wrong + 1) / (len(confidence) + 1) <= alpha:
            return t
    return math.inf
