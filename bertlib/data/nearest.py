"""Which vectors are nearest to a given one, and lists of what was found fused into one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np


class Vectors(Protocol):
    """What finds the nearest vectors: `Exact`, or an engine such as `bertlib.tasks.qdrant.Qdrant`."""

    def add(self, texts: Sequence[int], vectors: np.ndarray) -> None:
        """Take vectors (M, D) along, with the number of the text that each is of, none below the last one's."""

    def best(self, vector: np.ndarray, k: int) -> list[tuple[int, float]]:
        """The k texts with the largest product of a vector with `vector` (D,), and that; best first."""

    def __len__(self) -> int:
        """How many vectors there are."""


class Exact:
    """All vectors in memory, every one compared: one product of a matrix with the query's vector."""

    def __init__(self):
        self.parts: list[tuple[np.ndarray, np.ndarray]] = []

    def __len__(self) -> int:
        return sum(len(texts) for texts, _ in self.parts)

    def add(self, texts: Sequence[int], vectors: np.ndarray) -> None:
        if len(vectors):
            self.parts.append((np.asarray(texts), np.ascontiguousarray(vectors, dtype=np.float32)))

    def best(self, vector: np.ndarray, k: int) -> list[tuple[int, float]]:
        if not self.parts:
            return []
        if len(self.parts) > 1:
            self.parts = [tuple(np.concatenate(side) for side in zip(*self.parts, strict=True))]
        texts, vectors = self.parts[0]
        scores, starts = vectors @ vector, np.flatnonzero(np.diff(texts, prepend=-1))
        if len(starts) < len(texts):  # a long text is as near as the nearest of its windows
            texts, scores = texts[starts], np.maximum.reduceat(scores, starts)
        least = np.partition(scores, -k)[-k] if k < len(scores) else -np.inf
        chosen = np.flatnonzero(scores >= least)  # more than k where some are equal: the first of them are taken
        chosen = chosen[np.argsort(-scores[chosen], kind="stable")][:k]
        return list(zip(texts[chosen].tolist(), scores[chosen].tolist(), strict=True))


def fuse_ranks(*found: Sequence[tuple[int, float]], constant: int = 60) -> list[tuple[int, float]]:
    """Lists fused by places alone: 1 / (constant + place), summed (Cormack et al., 2009, §2); best first."""
    total: dict[int, float] = {}
    for one in found:
        for place, (text, _) in enumerate(one, start=1):
            total[text] = total.get(text, 0.0) + 1 / (constant + place)
    return sorted(total.items(), key=lambda item: -item[1])


def fuse_scores(
    words: Sequence[tuple[int, float]], meaning: Sequence[tuple[int, float]], weight: float
) -> list[tuple[int, float]]:
    """Lists fused by scores, each scaled to 0 for its last text (and those it lacks) and 1 for its first; best first.

    Args:
        weight: of the second list, 0 to 1; the first one's is the rest.
    """
    total: dict[int, float] = {}
    for one, share in ((words, 1 - weight), (meaning, weight)):
        least, most = (min((score for _, score in one), default=0.0), max((score for _, score in one), default=0.0))
        for text, score in one:
            total[text] = total.get(text, 0.0) + share * ((score - least) / (most - least) if most > least else 1.0)
    return sorted(total.items(), key=lambda item: -item[1])
