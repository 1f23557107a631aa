"""Worked solutions of the exercises on sentiment. Try first: `check` tells you more than these do."""

import numpy as np


def my_opposed(ratings):
    opposed = 0
    for row in ratings:
        if any(rating > 0 for rating in row) and any(rating < 0 for rating in row):
            opposed += 1
    return opposed / len(ratings)


def my_halves(table, rng):
    half = table.shape[1] // 2
    first, second = [], []
    for row in table:
        shuffled = rng.permutation(row)  # a copy: the table stays as it is
        first.append(shuffled[:half].mean())
        second.append(shuffled[half:].mean())
    r = np.corrcoef(first, second)[0, 1]
    return 2 * r / (1 + r)


def my_lexicon_score(words, lexicon):
    score, before = 0, None
    for word in words:
        value = lexicon.get(word, 0)
        score += -value if before in ("not", "no", "never") else value
        before = word
    return score


def my_soft_loss(logits, shares):
    losses = -(shares * logits.log_softmax(dim=-1)).sum(dim=-1)
    return losses.mean()


def my_ece(probabilities, gold, bins):
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == gold
    error = 0.0
    for k in range(bins):
        inside = (confidence > k / bins) & (confidence <= (k + 1) / bins)  # no highest probability is 0
        if inside.any():
            gap = abs(right[inside].mean() - confidence[inside].mean())
            error += inside.mean() * gap
    return error


def my_augmented_split(texts, labels, share, rewrite, rng):
    order = rng.permutation(len(texts))
    count = round(share * len(texts))
    test, train = order[:count], order[count:]
    train_texts = [texts[i] for i in train]
    train_labels = [labels[i] for i in train]
    copies = [rewrite(text) for text in train_texts]  # the test has been put aside
    test_texts, test_labels = [texts[i] for i in test], [labels[i] for i in test]
    return train_texts + copies, train_labels + train_labels, test_texts, test_labels


def my_confident(probabilities, least):
    highest, classes = probabilities.max(axis=1), probabilities.argmax(axis=1)
    of_class = []
    for c in range(probabilities.shape[1]):
        rows = [row for row in range(len(classes)) if classes[row] == c and highest[row] >= least]
        of_class.append(sorted(rows, key=lambda row: -highest[row]))
    fewest = min(len(rows) for rows in of_class)
    rows = [row for rows in of_class for row in rows[:fewest]]
    return rows, [int(classes[row]) for row in rows]


my_budget = 8 * 3 + 380  # what the epoch was chosen by is labelled, too
