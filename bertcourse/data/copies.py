"""Texts that are nearly one, and rows that hang together, so that a set is not divided between them."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence


def near_copies(texts: Sequence[str], threshold: float = 0.7) -> list[tuple[int, int]]:
    """Pairs (earlier, later) of texts that have `threshold` of all their words in common; case, marks and order aside.

    The share is that of the two sets of words: those of both, over those of either.
    """
    words = [set(re.findall(r"\w+", text.lower())) for text in texts]
    counts, where, pairs = Counter(word for own in words for word in own), defaultdict(list), []
    for later, own in enumerate(words):
        # Two such texts share one at least of so many of their rarest words, so only those are looked up.
        rarest = sorted(own, key=lambda word: (counts[word], word))[: len(own) - math.ceil(threshold * len(own)) + 1]
        for earlier in sorted({index for word in rarest for index in where[word]}):
            common = len(own & words[earlier])
            if common >= threshold * (len(own) + len(words[earlier]) - common):
                pairs.append((earlier, later))
        for word in rarest:
            where[word].append(later)
    return pairs


def tied(keys: Sequence[str], pairs: Sequence[tuple[int, int]]) -> list[int]:
    """For each row the first one that it hangs together with, over any number of equal keys and pairs of rows."""
    first_of: dict[str, int] = {}
    first = [first_of.setdefault(key, index) for index, key in enumerate(keys)]

    def root(index: int) -> int:
        while first[index] != index:
            index = first[index]
        return index

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        first[high] = low
    return [root(index) for index in range(len(first))]
