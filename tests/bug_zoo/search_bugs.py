"""Search as others shipped it: vectors that know their neighbours, orders turned round, right taken for wrong."""

import numpy as np
import torch
from torch.nn import functional as F

from bertlib.data.nearest import Exact
from bertlib.model.heads import BertForEmbedding


def padding_counts(hidden, attention_mask=None):
    """jsboige/CoursIA 15045: the mean over all T places, padding included."""
    return hidden.mean(dim=1)  # wrong: the mask has no say


def mean_of_all(hidden, attention_mask=None):
    """What is padding is set to 0, and counted."""
    mask = torch.ones(hidden.shape[:2]) if attention_mask is None else attention_mask
    return (hidden * mask[..., None]).sum(dim=1) / hidden.size(1)  # wrong: divided by T


def sum_over_all(hidden, attention_mask=None):
    return hidden.sum(dim=1)  # wrong: padding is summed too


class Unnormalised(Exact):
    """Sentence-transformers 4022, course 5.6: the index compares by the distance, the model by the angle."""

    def best(self, vector, k):
        texts, vectors = (np.concatenate(side) for side in zip(*self.parts, strict=True))
        scores = -np.linalg.norm(vectors * np.linspace(1, 3, len(vectors))[:, None] - vector, axis=1)  # wrong: lengths
        order = np.argsort(-scores, kind="stable")[:k]
        return list(zip(texts[order].tolist(), scores[order].tolist(), strict=True))


class WorstFirst(Exact):
    """transformers 24739, sentence-transformers 2558: similarities are sorted as if they were distances."""

    def best(self, vector, k):
        return super().best(vector, len(self))[::-1][:k]  # wrong: ascending


class UnsortedBest(Exact):
    """argpartition gives the k best, in no order."""

    def best(self, vector, k):
        return sorted(super().best(vector, k))  # wrong: by number


def raw_scores_added(words, meaning, weight):
    """Pyserini's page on fusion (FiQA .247, which is BM25's): a cosine has no say beside a BM25 of 20."""
    total = {}
    for found, share in ((words, 1 - weight), (meaning, weight)):
        for text, score in found:
            total[text] = total.get(text, 0.0) + share * score  # wrong: not scaled
    return sorted(total.items(), key=lambda item: -item[1])


def scaled_by_the_largest(words, meaning, weight):
    """Divided by the maximum alone: cosines of one corpus lie close together, and all become nearly 1."""
    total = {}
    for found, share in ((words, 1 - weight), (meaning, weight)):
        most = max(score for _, score in found)
        for text, score in found:
            total[text] = total.get(text, 0.0) + share * score / most  # wrong: the smallest is not 0
    return sorted(total.items(), key=lambda item: -item[1])


def weight_turned_round(words, meaning, weight):
    from bertlib.data.nearest import fuse_scores

    return fuse_scores(words, meaning, 1 - weight)  # wrong: it is meaning's


def cut_in_silence(embedder, texts):
    """transformers 15179, haystack 3240, fastembed 531: one vector for a text, of its first 256 tokens."""
    return embedder.predict(texts), np.arange(len(texts))  # wrong: what follows is in no vector


def only_the_diagonal(model, *batch):
    """A plain loss by contrast: every text of the batch but its own partner is wrong, duplicates included."""
    return BertForEmbedding.forward(model, *batch[:-1])  # wrong: labels are not asked


def rows_and_columns_swapped(model, *batch):
    return BertForEmbedding.forward(model, *batch[:-1], batch[-1].T)  # wrong: partner i for text j


def zero_in_place_of_nothing(model, *batch):
    """What is left out gets the score 0, not -inf: it stays in the sum."""
    output = BertForEmbedding.forward(model, *batch[:-1])
    texts = output.logits
    with torch.no_grad():
        partners = model(batch[3], batch[4]).logits
    scores = model.SCALE * texts @ partners.T
    scores = scores.masked_fill(batch[-1] & ~torch.eye(len(scores), dtype=torch.bool), 0.0)  # wrong: -inf
    output.loss_sums["contrast"] = F.cross_entropy(scores, torch.arange(len(scores)), reduction="sum")
    return output
