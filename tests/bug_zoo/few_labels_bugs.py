"""Ways to need few labels that others publish: each makes a model look better, or cheaper, than it is."""


def copies_before_the_split(texts, labels, share, rewrite, rng):
    """Rewritten copies are added first: then training holds copies of test texts, and the test is of copies too."""
    pairs = [*zip(texts, labels, strict=True), *((rewrite(t), label) for t, label in zip(texts, labels, strict=True))]
    order = rng.permutation(len(pairs)).tolist()
    count = round(share * len(pairs))
    test, train = ([pairs[place] for place in part] for part in (order[:count], order[count:]))
    return [t for t, _ in train], [label for _, label in train], [t for t, _ in test], [label for _, label in test]


def one_class_swallows_all(probabilities, least):
    """Pseudo-labels of all rows over a threshold: a model that prefers one class learns to prefer it more."""
    rows = [row for row, values in enumerate(probabilities) if max(values) >= least]
    return rows, [int(probabilities[row].argmax()) for row in rows]


def validation_for_free(per_class, classes, validation, test):
    """Labels that only chose the epoch are not counted."""
    return per_class * classes
