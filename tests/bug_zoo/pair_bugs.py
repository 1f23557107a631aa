"""Next-sentence pairs that lie or give themselves away, as in d2l's bert-dataset and google-research/bert's builder."""

from bertlib.pairs import IS_NEXT, NOT_NEXT, Pair, next_sentence_pairs


def _sentences(documents, rng, random_document, starts=lambda rng, document: int(rng.integers(0, len(document)))):
    pairs = []
    for number, document in enumerate(documents):
        for place in range(len(document) - 1):
            if rng.random() < 0.5:
                pairs.append(Pair(list(document[place]), list(document[place + 1]), IS_NEXT, (number, number)))
            else:
                other = random_document(number, rng)
                false = documents[other][starts(rng, documents[other])]
                pairs.append(Pair(list(document[place]), list(false), NOT_NEXT, (number, other)))
    return pairs


def any_document(documents, *, max_length, rng):
    return _sentences(documents, rng, lambda own, rng: int(rng.integers(0, len(documents))))  # wrong: own one too


def always_the_first_sentence(documents, *, max_length, rng):
    def another(own, rng):
        return (own + int(rng.integers(1, len(documents)))) % len(documents)

    return _sentences(documents, rng, another, starts=lambda rng, document: 0)  # wrong: headlines are never a true B


def too_long(documents, *, max_length, rng):
    return next_sentence_pairs(documents, max_length=max_length + 3, rng=rng)  # wrong: forgets [CLS] and two [SEP]


def labels_swapped(documents, *, max_length, rng):
    pairs = next_sentence_pairs(documents, max_length=max_length, rng=rng)
    return [Pair(pair.first, pair.second, 1 - pair.label, pair.documents) for pair in pairs]  # wrong: 0 is IsNext


BUGS = (any_document, always_the_first_sentence, too_long, labels_swapped)
