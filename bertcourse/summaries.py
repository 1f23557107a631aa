"""Summaries that quote: each method gives of a text's sentences the places of those that it takes, from 0.

All take one sentence but `best_few`. Ties go to the earlier sentence. See lesson 16, and data/writing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from torch.nn import functional as F

from bertcourse.data.xsum import load_xsum
from bertlib.data.bbc import load_bbc_news
from bertlib.metrics.overlap import rouge
from bertlib.text.sentences import split_sentences

KINDS = ("rouge1", "rouge2", "rougeL")
# What is read: articles of each split, the first sentences of each, pieces of each sentence.
AT_MOST = {"train": 400, "validation": 100, "test": 409}
SENTENCES, TOKENS = 12, 48
PLACES = 5  # that have a weight of their own in the extractor; all later ones share one
PLAIN = PLACES + 2  # features that are no vectors


@cache
def summary_texts(name: str, split: str) -> list[tuple[list[str], str]]:
    """Of each article its first sentences, and the text that stands for a summary; of training the first articles.

    "xsum": XSum's summary. "title": the title of an article of BBC News. "first": its first sentence, taken out of it
    as XSum's was.
    """
    if name == "xsum":
        rows = load_xsum()[split]
        rows = rows.select(range(min(len(rows), AT_MOST[split])))
        return [(row["sentences"][:SENTENCES], row["summary"]) for row in rows]
    rows = load_bbc_news()[split].select(range(AT_MOST[split]))
    texts = [(split_sentences(row["text"])[:SENTENCES], row["title"]) for row in rows]
    texts = [(sentences, title) for sentences, title in texts if len(sentences) > 2]
    return texts if name == "title" else [(sentences[1:], sentences[0]) for sentences, _ in texts]


def worth_of(text: str, reference: str) -> float:
    """The mean of ROUGE-1, ROUGE-2 and ROUGE-L, from 0 to 1: what the oracle looks for."""
    scores = rouge(text, reference)
    return sum(scores[kind] for kind in KINDS) / len(KINDS)


def gains_of(sentences: Sequence[str], reference: str) -> np.ndarray:
    """`worth_of` of each sentence alone, (N,) float64. The best is the oracle: it has read the reference."""
    return np.array([worth_of(sentence, reference) for sentence in sentences])


def best_few(sentences: Sequence[str], reference: str, most: int = 3) -> list[int]:
    """The greedy oracle: the sentence that adds most to `worth_of`, then the next, while it rises; ascending places."""
    chosen, reached = [], 0.0
    while len(chosen) < min(most, len(sentences)):
        tries = [place for place in range(len(sentences)) if place not in chosen]
        found = [worth_of("\n".join(sentences[i] for i in sorted([*chosen, place])), reference) for place in tries]
        if max(found) <= reached:
            break
        reached = max(found)
        chosen.append(tries[int(np.argmax(found))])
    return sorted(chosen)


def by_words(sentences: Sequence[str]) -> int:
    """The sentence whose words are commonest in the text, by the mean over its words: a method without any model."""
    words = [re.findall(r"[^\W_]+", sentence.lower()) for sentence in sentences]
    common = Counter(word for own in words for word in own if len(word) > 3)  # short ones are in every sentence
    return int(np.argmax([sum(common[word] for word in set(own)) / (len(set(own)) + 5) for own in words]))


def by_mean(vectors: np.ndarray) -> int:
    """The sentence nearest to the mean of all; vectors (N, D) of length 1."""
    return int(np.argmax(vectors @ vectors.mean(axis=0)))


def by_walk(vectors: np.ndarray, stay: float = 0.85, steps: int = 50) -> int:
    """The sentence where a walk from each to its likes ends most often (LexRank: Erkan and Radev, 2004)."""
    likeness = np.maximum(vectors @ vectors.T, 0)
    moves = likeness / likeness.sum(axis=1, keepdims=True)
    share = np.full(len(vectors), 1 / len(vectors))
    for _ in range(steps):
        share = (1 - stay) / len(vectors) + stay * share @ moves
    return int(np.argmax(share))


def features_of(vectors: np.ndarray, sentences: Sequence[str]) -> np.ndarray:
    """What the extractor reads of each sentence, (N, PLAIN + 1 + D): place, length, likeness to the mean, vector."""
    count = len(sentences)
    places = np.eye(PLACES + 1)[np.minimum(np.arange(count), PLACES)]
    length = np.log([[1 + len(sentence.split())] for sentence in sentences])
    likeness = vectors @ vectors.mean(axis=0)
    return np.hstack([places, length, likeness[:, None], vectors]).astype(np.float32)


def trained_extractor(
    texts: Sequence[np.ndarray], gains: Sequence[np.ndarray], decay: float, steps: int = 300, sharpness: float = 20.0
) -> np.ndarray:
    """The weights of one layer: its softmax over a text's sentences is drawn towards the softmax of their gains.

    Args:
        texts: of each text its features, (N, F). gains: of each what its sentences are worth, (N,).
        decay: how much the squares of the weights cost. sharpness: the gains are multiplied by it before the softmax.

    Returns:
        (F,) float32, found by Adam on all texts at once from zeros: nothing is drawn.
    """
    longest = max(map(len, texts))
    there = torch.tensor([[i < len(own) for i in range(longest)] for own in texts])
    rows = torch.zeros(len(texts), longest, texts[0].shape[1])
    wanted = torch.full((len(texts), longest), -torch.inf)
    for place, (own, worth) in enumerate(zip(texts, gains, strict=True)):
        rows[place, : len(own)] = torch.from_numpy(own)
        wanted[place, : len(own)] = torch.from_numpy(sharpness * worth).float()
    wanted = wanted.softmax(-1)
    weights = torch.zeros(rows.size(-1), requires_grad=True)
    optimizer = torch.optim.Adam([weights], lr=0.05)
    for _ in range(steps):
        scores = (rows @ weights).masked_fill(~there, torch.finfo(torch.float32).min)
        loss = F.cross_entropy(scores, wanted) + decay * weights.square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return weights.detach().numpy()


def by_extractor(features: np.ndarray, weights: np.ndarray) -> int:
    """The sentence that the layer scores highest; features (N, F), or more than it has weights: the first are read."""
    return int(np.argmax(features[:, : len(weights)] @ weights))
