"""Next-sentence pairs that lie or give themselves away, as in d2l's bert-dataset and google-research/bert's builder."""

import random

import numpy as np

from bertlib.text.pairs import IS_NEXT, NOT_NEXT, Pair, next_sentence_pairs


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


def another_document_is_enough(documents, *, max_length, rng):
    """Where documents share a passage, the true next sentence also stands in another document."""

    def another(own, rng):
        return (own + int(rng.integers(1, len(documents)))) % len(documents)

    return _sentences(documents, rng, another)  # wrong: looks at the document's number alone


def lone_sentence_is_always_false(documents, *, max_length, rng):
    """google-research/bert: a window that one sentence fills cannot be cut, so it is always NotNext."""
    pairs = []
    for number, document in enumerate(documents):
        other = documents[(number + 1) % len(documents)]
        if len(document[0]) >= max_length - 3 or rng.random() < 0.5:  # wrong: long first sentences tell the label
            pairs.append(Pair(list(document[0]), list(other[1]), NOT_NEXT, (number, (number + 1) % len(documents))))
        else:
            pairs.append(Pair(list(document[0]), list(document[1]), IS_NEXT, (number, number)))
    return pairs


def short_documents_are_always_true(documents, *, max_length, rng):
    """A builder that replaces B only where a window is full: what fits as a whole is never NotNext."""
    pairs = next_sentence_pairs(documents, max_length=max_length, rng=rng)
    kept = [sum(map(len, documents[pair.documents[0]])) > max_length - 3 or pair.label == IS_NEXT for pair in pairs]
    return [pair for pair, keep in zip(pairs, kept, strict=True) if keep]


def filled_to_the_brim(documents, *, max_length, rng):
    """A false B is cut off wherever the pair is full, in the middle of a sentence; a true one ends with a sentence."""
    pairs = []
    for pair in next_sentence_pairs(documents, max_length=max_length, rng=rng):
        if pair.label == NOT_NEXT:
            other = documents[pair.documents[1]]
            tokens = [token for sentence in other[int(rng.integers(len(other))) :] for token in sentence]
            pair = Pair(pair.first, tokens[: max_length - 3 - len(pair.first)], NOT_NEXT, pair.documents)
        pairs.append(pair)
    return pairs


def own_randomness(documents, *, max_length, rng):
    return next_sentence_pairs(documents, max_length=max_length, rng=np.random.default_rng())  # wrong: not the rng


def moves_the_global_generator(documents, *, max_length, rng):
    random.shuffle(list(documents))  # wrong: and it would draw other pairs in every process
    return next_sentence_pairs(documents, max_length=max_length, rng=rng)


BUGS = (any_document, always_the_first_sentence, too_long, labels_swapped)
