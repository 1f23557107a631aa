"""Next-sentence pairs that do not lie: two segments, and whether the second followed the first (BERT, §3.1 and A.2)."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

IS_NEXT, NOT_NEXT = 0, 1  # the labels' values in google-research/bert and in transformers
SPECIALS_A_PAIR = 3  # [CLS] A [SEP] B [SEP]

Sentence = Sequence[int]


@dataclass(frozen=True)
class Pair:
    """Two segments of token ids, without special tokens, neither of them empty (Devlin et al., 2019, Fig. 2).

    Attributes:
        label: 0 if the second followed the first in their document (IsNext), 1 if it comes from elsewhere (NotNext).
        documents: the numbers of the documents that they come from.
    """

    first: list[int]
    second: list[int]
    label: int
    documents: tuple[int, int]

    def join(self, cls_token_id: int, sep_token_id: int) -> tuple[list[int], list[int]]:
        """input_ids of [CLS] A [SEP] B [SEP], and token_type_ids: 0 up to the first [SEP], then 1."""
        ids = [cls_token_id, *self.first, sep_token_id, *self.second, sep_token_id]
        return ids, [0] * (len(self.first) + 2) + [1] * (len(self.second) + 1)


def next_sentence_pairs(
    documents: Sequence[Sequence[Sentence]],
    *,
    max_length: int,
    rng: np.random.Generator,
    short_share: float = 0.1,
    topics: Sequence[Hashable] | None = None,
) -> list[Pair]:
    """Cut documents into windows of sentences, each window into A and B, and put a false B into half of them.

    What the published pair builders get wrong, and this one does not: a false B comes from another document, never from
    A's own; it is never what truly follows A, even where two documents share a passage; and nothing about it but its
    content gives it away: it is filled with whole sentences as a true B is, and does not open its document, as a true B
    never does. The sentences that a false B replaced begin the next window: next to no text is lost.

    Args:
        documents: each a sequence of sentences, each a sequence of token ids, in reading order. A document of a single
            sentence has no pair of its own, but may lend a false B if no other document can.
        max_length: tokens a pair may have, its three special tokens included.
        rng: the only source of randomness.
        short_share: of the windows, how many aim at a random shorter length, so that a model meets those too (A.2 calls
            for full length; google-research/bert shortens 10 %).
        topics: one for each document. If given, a false B comes from another document of the same topic, which is
            harder to tell.

    Returns:
        Pairs in the order of the documents; shuffle them before batching.

    Raises:
        ValueError: no documents, none with two sentences, only one document (of a topic), or max_length too small.
    """
    if max_length < SPECIALS_A_PAIR + 2:
        raise ValueError(
            f"max_length={max_length}: a pair needs at least {SPECIALS_A_PAIR + 2} tokens, for [CLS], two times [SEP] "
            "and a token in each segment"
        )
    if not 0 <= short_share <= 1:
        raise ValueError(f"short_share={short_share!r}: give a share from 0 to 1")
    if topics is not None and len(topics) != len(documents):
        raise ValueError(f"topics names {len(topics)} topics for {len(documents)} documents: give one for each")
    documents = [[list(sentence) for sentence in document if len(sentence)] for document in documents]
    if not any(len(document) >= 2 for document in documents):
        raise ValueError(
            f"none of the {len(documents)} documents has two sentences: a pair needs consecutive sentences of one "
            "document (check how the text was split)"
        )
    lenders = lenders_by_topic(documents, topics)

    budget, pairs = max_length - SPECIALS_A_PAIR, []
    for number, document in enumerate(documents):
        start = 0
        while start < len(document) - 1:
            target = int(rng.integers(2, budget + 1)) if rng.random() < short_share else budget
            end, tokens = start, 0
            while end < len(document) and (end < start + 2 or tokens + len(document[end]) <= target):
                tokens += len(document[end])
                end += 1
            split = int(rng.integers(start + 1, end))
            first, second = flatten(document[start:split]), flatten(document[split:end])
            if rng.random() < 0.5:
                pairs.append(Pair(*cut_to_fit(first, second, budget), IS_NEXT, (number, number)))
                start = end
            else:
                limit = max(target - len(first), len(second))
                wanted = limit if end < len(document) else len(second)  # windows at a document's end are not filled
                pool = lenders[None if topics is None else topics[number]]
                other, false = false_segment(documents, pool, number, document[split], wanted, limit, rng)
                pairs.append(Pair(*cut_to_fit(first, false, budget), NOT_NEXT, (number, other)))
                start = split
    return pairs


def lenders_by_topic(documents: Sequence, topics: Sequence[Hashable] | None) -> dict[Hashable, list[int]]:
    """For each topic (None: of them all) the documents that may lend a false B: two of them at least."""
    found = {}
    for number, document in enumerate(documents):
        if document:
            found.setdefault(None if topics is None else topics[number], []).append(number)
    for topic, numbers in found.items():
        if len(numbers) < 2:
            where = "the corpus has only one document" if topics is None else f"topic {topic!r} has only one document"
            raise ValueError(
                f"{where} with text: a false second segment must come from another one; give more documents"
            )
        several = [number for number in numbers if len(documents[number]) >= 2]
        found[topic] = several if len(several) >= 2 else numbers
    return found


def false_segment(
    documents: Sequence[Sequence[Sentence]],
    pool: Sequence[int],
    own: int,
    true_next: Sentence,
    wanted: int,
    limit: int,
    rng: np.random.Generator,
) -> tuple[int, list[int]]:
    """A run of whole sentences from another document, which does not begin as the true B does.

    It is filled as a window is: at most `limit` tokens, `wanted` of them to half a sentence.
    """
    fallback = None
    for _ in range(100):
        other = int(pool[rng.integers(len(pool))])
        if other == own:
            continue
        document = documents[other]
        start = int(rng.integers(1, len(document))) if len(document) > 1 else 0
        if document[start] == true_next:
            continue
        run = list(document[start])
        if len(run) > limit:  # would be cut where a true B would not
            fallback = other, run
            continue
        for sentence in document[start + 1 :]:
            if len(run) + len(sentence) > limit or len(run) + len(sentence) / 2 > wanted:
                break
            run += sentence
        return other, run
    if fallback is None:
        raise ValueError(
            f"no other document offers anything but what truly follows in document {own}: remove documents that repeat "
            "each other"
        )
    return fallback


def flatten(sentences: Sequence[Sentence]) -> list[int]:
    return [token for sentence in sentences for token in sentence]


def cut_to_fit(first: list[int], second: list[int], budget: int) -> tuple[list[int], list[int]]:
    """Shorten the longer segment until both fit: A at its front, B at its end, so that the place where they meet stays.

    (google-research/bert cuts at the front or the end at random.)
    """
    excess = len(first) + len(second) - budget
    if excess <= 0:
        return first, second
    even = min(excess, abs(len(first) - len(second)))  # the longer one alone, then both alike
    rest = excess - even
    from_first = (even if len(first) > len(second) else 0) + rest // 2
    from_second = (even if len(first) <= len(second) else 0) + rest - rest // 2
    return first[from_first:], second[: len(second) - from_second]
