"""Checks of the lesson on pretraining (Devlin et al., 2019, §3.1 and A.2)."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F

from bertcourse.checks.engine import against, floats, integers, number
from bertlib.metrics import unigram_baseline
from bertlib.model.config import BertConfig
from bertlib.model.heads import MLMHead


def _scores(hidden: Tensor, table: Tensor, weights: dict[str, Tensor]) -> Tensor:
    head = MLMHead(BertConfig(vocab_size=len(table), hidden_size=table.size(1), num_attention_heads=1))
    head.load_state_dict(weights)
    with torch.no_grad():
        return head(hidden, table)


def _nsp_loss(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits, labels)


def _joint_loss(mlm_sums: Tensor, mlm_counts: Tensor, nsp_sums: Tensor, nsp_counts: Tensor) -> Tensor:
    """As `bertlib.train.loop.train` joins batches: for each term one sum and one count."""
    return mlm_sums.sum() / mlm_counts.sum().clamp(min=1) + nsp_sums.sum() / nsp_counts.sum().clamp(min=1)


def _perplexity(losses: Tensor, counts: Tensor) -> float:
    return math.exp(float((losses * counts).sum() / counts.sum()))


def _unigram_loss(counts: Tensor, labels: Tensor) -> float:
    return unigram_baseline(counts.numpy(), [{"labels": labels}])["mlm_loss"]


def _bigram_guess(sentences: list[list[int]], left: int) -> int:
    """The commonest token behind `left`; the smallest id among equals; the commonest of all where there is none."""
    follows = Counter(b for sentence in sentences for a, b in pairwise(sentence) if a == left)
    follows = follows or Counter(token for sentence in sentences for token in sentence)
    return min(follows, key=lambda token: (-follows[token], token))


# ------------------------------------------------------------------------------------------------------------- cases


def _heads(rng):
    for tokens, size, vocab in ((1, 4, 6), (3, 6, 9), (5, 3, 7)):
        weights = {
            "dense.weight": floats(rng, size, size),
            "dense.bias": floats(rng, size),
            "norm.weight": 1 + floats(rng, size) / 3,
            "norm.bias": floats(rng, size),
            "bias": floats(rng, vocab),
        }
        yield floats(rng, tokens, size), floats(rng, vocab, size), weights


def _pair_scores(rng):
    yield torch.tensor([[2.0, 0.0], [0.0, 0.0]]), torch.tensor([0, 1])
    for rows in (3, 5, 8):
        yield 2 * floats(rng, rows, 2), integers(rng, 0, 2, rows)
    yield floats(rng, 4, 2), torch.zeros(4, dtype=torch.long)
    yield floats(rng, 4, 2), torch.ones(4, dtype=torch.long)


def _sums(rng):
    nothing = torch.zeros(2, dtype=torch.long)
    yield torch.zeros(2), nothing, torch.tensor([1.0, 2.0]), torch.tensor([2, 2])
    yield torch.tensor([3.0, 0.0]), torch.tensor([1, 0]), torch.tensor([0.5]), torch.tensor([1])
    yield torch.tensor([30.0, 6.0]), torch.tensor([10, 1]), torch.tensor([1.0, 3.0]), torch.tensor([2, 2])
    for size in (2, 3, 4):
        counts, pairs = integers(rng, 1, 40, size), integers(rng, 1, 9, size)
        yield counts * floats(rng, size).abs(), counts, pairs * floats(rng, size).abs(), pairs


def _losses(rng):
    yield torch.tensor([1.0, 3.0]), torch.tensor([1, 1])
    for size in (2, 3, 5):
        yield 4 * floats(rng, size).abs(), integers(rng, 1, 50, size)


def _counts_and_labels(rng):
    yield torch.tensor([3, 1, 0]), torch.tensor([[0, -100, 2]])
    yield torch.tensor([3, 1, 0]), torch.tensor([[0, -100, 2], [-100, 1, -100]])  # rows with unequal numbers of labels
    for _ in range(4):
        size = int(rng.integers(3, 12))
        labels = integers(rng, 0, size, 2, 9)
        labels[:, ::2] = -100
        labels[0, :6] = -100
        yield integers(rng, 0, 30, size), labels


def _corpus(rng):
    yield [[5, 6, 7], [5, 6], [5, 7]], 5
    yield [[5, 6, 7], [9, 9, 9]], 7
    for _ in range(25):
        sentences = [rng.integers(5, 10, int(rng.integers(2, 9))).tolist() for _ in range(5)]
        yield sentences, int(rng.integers(4, 10))


# ---------------------------------------------------------------------------------------------------- known mistakes


def _scores_without(what):
    def scores(hidden, table, weights):
        x = hidden
        if what != "transform":
            x = F.linear(x, weights["dense.weight"], weights["dense.bias"])
            x = x if what == "gelu" else F.gelu(x)
            x = (
                x
                if what == "norm"
                else F.layer_norm(x, x.shape[-1:], weights["norm.weight"], weights["norm.bias"], 1e-12)
            )
        x = x @ table.T
        if what == "softmax":
            return (x + weights["bias"]).softmax(-1)
        return x if what == "bias" else x + weights["bias"]

    return scores


def _class_zero_ignored(logits, labels):
    return F.cross_entropy(logits, labels, ignore_index=0)


def _swapped(logits, labels):
    return F.cross_entropy(logits, 1 - labels)


def _log_without_softmax(logits, labels):
    return -logits.gather(1, labels[:, None]).mean()


def _softmax_twice(logits, labels):
    return F.cross_entropy(logits.softmax(-1), labels)


def _over_the_batch(logits, labels):
    return -logits.log_softmax(0).gather(1, labels[:, None]).mean()


def _means_of_means(mlm_sums, mlm_counts, nsp_sums, nsp_counts):
    return (mlm_sums / mlm_counts).mean() + (nsp_sums / nsp_counts).mean()


def _nan_for_nothing(mlm_sums, mlm_counts, nsp_sums, nsp_counts):
    return mlm_sums.sum() / mlm_counts.sum() + nsp_sums.sum() / nsp_counts.sum()


def _one_count(mlm_sums, mlm_counts, nsp_sums, nsp_counts):
    return (mlm_sums.sum() + nsp_sums.sum()) / (mlm_counts.sum() + nsp_counts.sum())


def _averaged_terms(mlm_sums, mlm_counts, nsp_sums, nsp_counts):
    return _joint_loss(mlm_sums, mlm_counts, nsp_sums, nsp_counts) / 2


def _mlm_alone(mlm_sums, mlm_counts, nsp_sums, nsp_counts):
    return mlm_sums.sum() / mlm_counts.sum().clamp(min=1)


def _mean_of_perplexities(losses, counts):
    return float(losses.exp().mean())


def _weighted_perplexities(losses, counts):
    return float((losses.exp() * counts).sum() / counts.sum())


def _unweighted(losses, counts):
    return math.exp(float(losses.mean()))


def _base_two(losses, counts):
    return 2 ** float((losses * counts).sum() / counts.sum())


def _no_exponential(losses, counts):
    return float((losses * counts).sum() / counts.sum())


def _unsmoothed(counts, labels):
    chosen = labels[labels != -100]
    return float(-(counts[chosen] / counts.sum()).log().mean())


def _half_smoothed(counts, labels):
    chosen = labels[labels != -100]
    return float(-((counts[chosen] + 1) / counts.sum()).log().mean())


def _all_positions(counts, labels):
    smoothed = counts + 1.0
    return float(-(smoothed[labels.clamp(min=0)] / smoothed.sum()).log().mean())


def _mean_of_row_means(counts, labels):
    return sum(_unigram_loss(counts, row[None]) for row in labels) / len(labels)


def _entropy(counts, labels):
    share = (counts + 1.0) / (counts + 1.0).sum()
    return float(-(share * share.log()).sum())


def _bits(counts, labels):
    return _unigram_loss(counts, labels) / math.log(2)


def _before(sentences, left):
    return _bigram_guess([sentence[::-1] for sentence in sentences], left)


def _across_borders(sentences, left):
    return _bigram_guess([[token for sentence in sentences for token in sentence]], left)


def _commonest_of_all(sentences, left):
    return _bigram_guess(sentences, -1)


def _first_follower(sentences, left):
    found = [b for sentence in sentences for a, b in pairwise(sentence) if a == left]
    return found[0] if found else _bigram_guess(sentences, left)


def _largest_among_equals(sentences, left):
    return -_bigram_guess([[-token for token in sentence] for sentence in sentences], -left)


CHECKS = {
    "vocabulary_scores": against(
        "hidden (M, D), table E (V, D), weights {'dense.weight', 'dense.bias', 'norm.weight', 'norm.bias', 'bias'} -> "
        "scores E · g(h) + b (M, V), with g = dense, GELU, LayerNorm (eps 1e-12)",
        _scores,
        _heads,
        atol=1e-4,
        mistakes=(
            (_scores_without("transform"), "g is missing: dense, GELU and LayerNorm come before the table."),
            (_scores_without("gelu"), "the GELU is missing."),
            (_scores_without("norm"), "the LayerNorm is missing."),
            (_scores_without("bias"), "the bias b, one number for each vocabulary entry, is missing."),
            (_scores_without("softmax"), "scores are asked for, before any softmax."),
        ),
    ),
    "nsp_loss": against(
        "logits (B, 2), labels (B,): 0 IsNext, 1 NotNext -> mean cross-entropy over the batch, in nats",
        _nsp_loss,
        _pair_scores,
        mistakes=(
            (_class_zero_ignored, "class 0 is a class, not padding: ignore_index=0 leaves IsNext untrained."),
            (_swapped, "the label's own score belongs into the numerator; yours is the other one's."),
            (_log_without_softmax, "that is the mean score: take the log-softmax first."),
            (_softmax_twice, "cross_entropy takes the softmax itself: give it the logits."),
            (_over_the_batch, "the softmax runs over the two classes, not over the batch."),
        ),
    ),
    "joint_loss": against(
        "mlm_sums, mlm_counts, nsp_sums, nsp_counts (each one number a batch) -> mean MLM + mean NSP over all batches",
        _joint_loss,
        _sums,
        mistakes=(
            (_means_of_means, "a mean of means: batches with few tokens weigh too much. Add up sums and counts first."),
            (_nan_for_nothing, "nothing selected is 0/0, NaN: divide by at least 1."),
            (_one_count, "each of the two losses has its own mean; only then are they added."),
            (_averaged_terms, "the two means are added, not averaged (A.2)."),
            (_mlm_alone, "the NSP loss is missing."),
        ),
    ),
    "perplexity": against(
        "losses (mean nats of each batch), counts (tokens of each batch) -> perplexity over all tokens",
        _perplexity,
        _losses,
        mistakes=(
            (_mean_of_perplexities, "average the losses first, by tokens, and take the exponential last."),
            (_weighted_perplexities, "take the exponential last, of the mean loss."),
            (_unweighted, "batches count by their tokens."),
            (_base_two, "the losses are in nats: e to the power, not 2."),
            (_no_exponential, "that is the mean loss: perplexity is its exponential."),
        ),
    ),
    "unigram_loss": against(
        "counts (V,) in training, labels (B, T), -100 where nothing is asked -> mean −log p, one added to every count",
        _unigram_loss,
        _counts_and_labels,
        mistakes=(
            (
                _unsmoothed,
                "a token that never occurred has probability 0, its loss is infinite: add one to every count.",
            ),
            (_half_smoothed, "one is added to every count, so the total grows by V as well."),
            (_all_positions, "only positions whose label is not -100 count."),
            (_entropy, "that is the entropy of the training text: the labels say which tokens are scored."),
            (_bits, "nats are asked for: the natural logarithm."),
            (_mean_of_row_means, "a mean of means: rows with few labels weigh too much. One sum, one count."),
        ),
    ),
    "bigram_guess": against(
        "sentences (lists of ids), left -> the token that most often follows it in a sentence (smallest id among "
        "equals); "
        "where none does, the commonest of all",
        _bigram_guess,
        _corpus,
        mistakes=(
            (_before, "that is the token before, not behind."),
            (_across_borders, "the end of a sentence and the beginning of the next are no pair."),
            (_commonest_of_all, "that is the unigram guess: look only behind `left`."),
            (_first_follower, "count them all: the first is not the commonest."),
            (_largest_among_equals, "among equals, the smallest id."),
        ),
    ),
    "uniform_loss": number(
        "nats, to three significant digits",
        lambda rng: {"V": int(rng.integers(4, 60)) * 1000, "k": int(rng.integers(3, 20)) * 100},
        "A model gives each of the {k} commonest of {V} tokens the same probability, and all others none. What is "
        "its loss "
        "on a text of those {k} tokens alone?",
        lambda V, k: math.log(k),
        rel_tol=5e-3,
        mistakes=(
            (lambda V, k: math.log(V), "the others have no probability: each of the k has 1/k."),
            (lambda V, k: math.log2(k), "nats: the natural logarithm."),
            (lambda V, k: 1 / k, "that is the probability: the loss is −log of it."),
        ),
    ),
    "tokens_seen": number(
        "a whole number",
        lambda rng: {"b": int(2 ** rng.integers(6, 10)), "s": int(rng.integers(5, 20)) * 10_000},
        "{s} steps of {b} rows; 90 % of the steps with 128 tokens a row, the rest with 512. How many token slots is "
        "that?",
        lambda b, s: b * (s * 9 // 10 * 128 + s // 10 * 512),
        mistakes=(
            (lambda b, s: b * s * 512, "90 % of the steps are short."),
            (lambda b, s: b * s * 128, "a tenth of the steps are long."),
            (lambda b, s: s * 9 // 10 * 128 + s // 10 * 512, "each step has many rows."),
        ),
    ),
}
