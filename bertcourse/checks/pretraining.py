"""Checks of the lesson on pretraining (Devlin et al., 2019, §3.1 and A.2)."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F

from bertcourse.checks.engine import Check, Trial, Wrong, against, floats, integers, number, with_gradient
from bertlib.metrics import unigram_baseline
from bertlib.model.config import BertConfig
from bertlib.model.heads import MLMHead


class _Weights(dict):
    """The head's tensors by name, which show in a message what is in them if that is short."""

    def __repr__(self) -> str:
        if any(tensor.numel() > 9 or bool((tensor != tensor.round()).any()) for tensor in self.values()):
            return f"<{len(self)} tensors by name>"
        numbers = {name: str(tensor.tolist()).replace(".0", "").replace(" ", "") for name, tensor in self.items()}
        return "{" + ", ".join(f"{name}: {shown}" for name, shown in numbers.items()) + "}"


def errors_named(check: Check, hints: dict[str, str]) -> Check:
    """The same check; an error whose message holds these words has this hint, if nothing better is known."""

    def judge(trial: Trial) -> None:
        try:
            check.judge(trial)
        except Wrong as wrong:
            found = [hint for words, hint in hints.items() if words in wrong.message.partition("; tried with")[0]]
            if not found or (wrong.hint and "an edge case" not in wrong.hint):
                raise
            raise Wrong(wrong.message, found[0]) from None

    return replace(check, judge=judge)


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


def _topics_alone(k: int) -> float:
    """Percent of the pairs that a judge gets right which sees the classes of A and B, of k equally large ones."""
    return 100 * (0.5 + 0.5 * (k - 1) / k)


def _unigram_loss(counts: Tensor, labels: Tensor) -> float:
    return unigram_baseline(counts.numpy(), [{"labels": labels}])["mlm_loss"]


def _bigram_guess(sentences: list[list[int]], left: int) -> int:
    """The commonest token behind `left`; the smallest id among equals; the commonest of all where there is none."""
    follows = Counter(b for sentence in sentences for a, b in pairwise(sentence) if a == left)
    follows = follows or Counter(token for sentence in sentences for token in sentence)
    return min(follows, key=lambda token: (-follows[token], token))


# ------------------------------------------------------------------------------------------------------------- cases


def _heads(rng):
    names = ("dense.weight", "dense.bias", "norm.weight", "norm.bias", "bias")
    # Of two numbers LayerNorm makes 1 and -1: [3, 2, 5], without a calculator.
    small = [[0.0, 1.0], [0.0, 2.0]], [3.0, 0.0], [2.0, 1.0], [0.0, 3.0], [1.0, 0.0, -1.0]
    table = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 2.0]])
    yield torch.tensor([[1.0, 2.0]]), table, _Weights(zip(names, map(torch.tensor, small), strict=True))
    plain = torch.eye(3), torch.zeros(3), torch.ones(3), torch.zeros(3), torch.zeros(2)  # GELU and LayerNorm alone
    table = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    yield torch.tensor([[-1.0, 0.0, 3.0]]), table, _Weights(zip(names, plain, strict=True))
    for tokens, size, vocab in ((1, 4, 6), (3, 6, 9), (5, 3, 7)):
        weights = floats(rng, size, size), floats(rng, size), 1 + floats(rng, size) / 3, floats(rng, size)
        weights = _Weights(zip(names, (*weights, floats(rng, vocab)), strict=True))
        yield floats(rng, tokens, size), floats(rng, vocab, size), weights


def _pair_scores(rng):
    yield torch.tensor([[2.0, 0.0], [0.0, 0.0]]), torch.tensor([0, 1])
    for rows in (3, 5, 8):
        yield 2 * floats(rng, rows, 2), integers(rng, 0, 2, rows)
    yield floats(rng, 4, 2), torch.zeros(4, dtype=torch.long)
    yield floats(rng, 4, 2), torch.ones(4, dtype=torch.long)
    yield torch.tensor([[100.0, 0.0]]), torch.tensor([0])  # exp(100) is beyond float32
    yield torch.tensor([[200.0, 0.0]]), torch.tensor([1])  # exp(-200) is below it


def _sums(rng):
    nothing = torch.zeros(2, dtype=torch.long)
    yield torch.tensor([3.0, 0.0]), torch.tensor([1, 0]), torch.tensor([0.5]), torch.tensor([1])
    yield torch.zeros(2), nothing, torch.tensor([1.0, 2.0]), torch.tensor([2, 2])
    yield torch.tensor([30.0, 6.0]), torch.tensor([10, 1]), torch.tensor([1.0, 3.0]), torch.tensor([2, 2])
    for size in (2, 3, 4):
        counts, pairs = integers(rng, 1, 40, size), integers(rng, 1, 9, size)
        yield counts * floats(rng, size).abs(), counts, pairs * floats(rng, size).abs(), pairs


def _losses(rng):
    yield torch.tensor([1.0, 3.0]), torch.tensor([1, 1])
    yield torch.tensor([1.0, 3.0]), torch.tensor([3, 1])
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
    yield [[5, 6, 5, 7, 5, 7]], 5
    yield [[5, 6, 7], [9, 9, 9]], 7
    yield [[9, 8], [6, 8, 9]], 7  # none follows, and two are the commonest
    for _ in range(25):
        sentences = [rng.integers(5, 10, int(rng.integers(2, 9))).tolist() for _ in range(5)]
        yield sentences, int(rng.integers(4, 10))


# ---------------------------------------------------------------------------------------------------- known mistakes


def _scores_by_hand(wrong):
    """The head with one thing left out or mixed up."""

    def scores(hidden, table, weights):
        def dense(x):
            matrix = weights["dense.weight"]
            bias = None if wrong == "no dense bias" else weights["dense.bias"]
            return F.linear(x, matrix.T if wrong == "transposed" else matrix, bias)

        def gelu(x):
            other = {"no gelu": lambda x: x, "tanh": lambda x: F.gelu(x, approximate="tanh"), "relu": F.relu}
            return other.get(wrong, F.gelu)(x)

        def norm(x):
            dims = {"over tokens": (0,), "over everything": (0, 1)}.get(wrong, (-1,))
            mean = x.mean(dims, keepdim=True)
            variance = x.var(dims, keepdim=True, unbiased=wrong == "sample")
            x = (x - mean) / (variance + 1e-12 if wrong == "not its root" else (variance + 1e-12).sqrt())
            if wrong == "no gain and bias":
                return x
            gain, bias = weights["norm.weight"], weights["norm.bias"]
            return x * bias + gain if wrong == "gain for bias" else x * gain + bias

        steps = {
            "no transform": (),
            "no norm": (dense, gelu),
            "norm first": (dense, norm, gelu),
            "norm before dense": (norm, dense, gelu),
            "gelu first": (gelu, dense, norm),
        }
        x = hidden
        for step in steps.get(wrong, (dense, gelu, norm)):
            x = step(x)
        if wrong == "residual":
            x = x + hidden
        if wrong == "transform alone":
            return x
        x = x @ table.T
        if wrong != "no bias":
            x = x + weights["bias"]
        return {"softmax": x.softmax(-1), "log_softmax": x.log_softmax(-1)}.get(wrong, x)

    return scores


BEFORE_SOFTMAX = "scores are asked for, before any softmax."
EXP_OVERFLOWS = (
    "exp overflows: exp(100) is beyond float32, and what is computed from it is inf or NaN. logsumexp and log_softmax "
    "take the largest score away first."
)


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


def _nsp_sum(logits, labels):
    return F.cross_entropy(logits, labels, reduction="sum")


def _nsp_each(logits, labels):
    return F.cross_entropy(logits, labels, reduction="none")


def _all_labels_in_each_row(logits, labels):
    return -logits.log_softmax(-1)[:, labels].mean()


def _sigmoid_of_the_second(logits, labels):
    return F.binary_cross_entropy_with_logits(logits[:, 1], labels.float())


def _sigmoid_of_both(logits, labels):
    return F.binary_cross_entropy_with_logits(logits, F.one_hot(labels, 2).float())


def _probability(sign):
    def loss(logits, labels):
        return sign(logits.softmax(-1).gather(1, labels[:, None])).mean()

    return loss


def _log_of_the_mean(logits, labels):
    return -logits.softmax(-1).gather(1, labels[:, None]).mean().log()


def _nsp_minus_missing(logits, labels):
    return -F.cross_entropy(logits, labels)


def _nsp_bits(logits, labels):
    return F.cross_entropy(logits, labels) / math.log(2)


def _plain_share(logits, labels):
    shares = logits.exp() / logits.exp().sum(-1, keepdim=True)
    return -shares.gather(1, labels[:, None]).log().mean()


def _plain_sum(logits, labels):
    return (logits.exp().sum(-1).log() - logits.gather(1, labels[:, None])[:, 0]).mean()


def _log_of_softmax(logits, labels):
    return -logits.softmax(-1).log().gather(1, labels[:, None]).mean()


def _means_of_means(mlm_sums, mlm_counts, nsp_sums, nsp_counts):
    return (mlm_sums / mlm_counts).mean() + (nsp_sums / nsp_counts).mean()


def _guarded_means_of_means(mlm_sums, mlm_counts, nsp_sums, nsp_counts):
    return (mlm_sums / mlm_counts.clamp(min=1)).mean() + (nsp_sums / nsp_counts).mean()


def _nan_for_nothing(mlm_sums, mlm_counts, nsp_sums, nsp_counts):
    return mlm_sums.sum() / mlm_counts.sum() + nsp_sums.sum() / nsp_counts.sum()


def _one_count(mlm_sums, mlm_counts, nsp_sums, nsp_counts):
    return (mlm_sums.sum() + nsp_sums.sum()) / (mlm_counts.sum() + nsp_counts.sum())


def _mlm_count_for_both(mlm_sums, mlm_counts, nsp_sums, nsp_counts):
    return (mlm_sums.sum() + nsp_sums.sum()) / mlm_counts.sum().clamp(min=1)


def _averaged_terms(mlm_sums, mlm_counts, nsp_sums, nsp_counts):
    return _joint_loss(mlm_sums, mlm_counts, nsp_sums, nsp_counts) / 2


def _mlm_alone(mlm_sums, mlm_counts, nsp_sums, nsp_counts):
    return mlm_sums.sum() / mlm_counts.sum().clamp(min=1)


def _nsp_alone(mlm_sums, mlm_counts, nsp_sums, nsp_counts):
    return nsp_sums.sum() / nsp_counts.sum()


def _sums_alone(mlm_sums, mlm_counts, nsp_sums, nsp_counts):
    return mlm_sums.sum() + nsp_sums.sum()


def _by_batches(mlm_sums, mlm_counts, nsp_sums, nsp_counts):
    return mlm_sums.mean() + nsp_sums.mean()


def _one_more_in_each_batch(mlm_sums, mlm_counts, nsp_sums, nsp_counts):
    return mlm_sums.sum() / mlm_counts.clamp(min=1).sum() + nsp_sums.sum() / nsp_counts.clamp(min=1).sum()


def _one_added(mlm_sums, mlm_counts, nsp_sums, nsp_counts):
    return mlm_sums.sum() / (mlm_counts.sum() + 1) + nsp_sums.sum() / (nsp_counts.sum() + 1)


def _one_added_to_mlm(mlm_sums, mlm_counts, nsp_sums, nsp_counts):
    return mlm_sums.sum() / (mlm_counts.sum() + 1) + nsp_sums.sum() / nsp_counts.sum()


def _two_means(mlm_sums, mlm_counts, nsp_sums, nsp_counts):
    return torch.stack([mlm_sums.sum() / mlm_counts.sum().clamp(min=1), nsp_sums.sum() / nsp_counts.sum()])


def _each_batch(mlm_sums, mlm_counts, nsp_sums, nsp_counts):
    return mlm_sums / mlm_counts.clamp(min=1) + nsp_sums / nsp_counts


def _mean_of_perplexities(losses, counts):
    return float(losses.exp().mean())


def _weighted_perplexities(losses, counts):
    return float((losses.exp() * counts).sum() / counts.sum())


def _unweighted(losses, counts):
    return math.exp(float(losses.mean()))


def _base_two(losses, counts):
    return 2 ** float((losses * counts).sum() / counts.sum())


def _base_ten(losses, counts):
    return 10 ** float((losses * counts).sum() / counts.sum())


def _no_exponential(losses, counts):
    return float((losses * counts).sum() / counts.sum())


def _losses_taken_for_sums(losses, counts):
    return math.exp(float(losses.sum() / counts.sum()))


def _sums_by_batches(losses, counts):
    return math.exp(float((losses * counts).mean()))


def _not_divided(losses, counts):
    return float(torch.exp((losses * counts).sum()))


def _inverse(losses, counts):
    return 1 / _perplexity(losses, counts)


def _each_perplexity(losses, counts):
    return losses.exp()


def _shares_of_counts(smooth):
    """The mean of −log of a share that is not right; `smooth` gives the shares."""

    def loss(counts, labels):
        return float(-smooth(counts)[labels[labels != -100]].log().mean())

    return loss


def _all_positions(counts, labels):
    smoothed = counts + 1.0
    return float(-(smoothed[labels.clamp(min=0)] / smoothed.sum()).log().mean())


def _over_all_positions(counts, labels):
    return _unigram_loss(counts, labels) * int((labels != -100).sum()) / labels.numel()


def _mean_of_row_means(counts, labels):
    return sum(_unigram_loss(counts, row[None]) for row in labels) / len(labels)


def _by_rows(counts, labels):
    return _unigram_loss(counts, labels) * int((labels != -100).sum()) / len(labels)


def _sum_of_labels(counts, labels):
    return _unigram_loss(counts, labels) * int((labels != -100).sum())


def _entropy(counts, labels):
    share = (counts + 1.0) / (counts + 1.0).sum()
    return float(-(share * share.log()).sum())


def _bits(counts, labels):
    return _unigram_loss(counts, labels) / math.log(2)


def _unigram_perplexity(counts, labels):
    return math.exp(_unigram_loss(counts, labels))


def _unigram_minus_missing(counts, labels):
    return -_unigram_loss(counts, labels)


def _log_of_mean_share(counts, labels):
    share = (counts + 1.0) / (counts + 1.0).sum()
    return float(-share[labels[labels != -100]].mean().log())


def _share_of_labels(counts, labels):
    share = (counts + 1.0) / (counts + 1.0).sum()
    return float(share[labels[labels != -100]].mean())


def _counts_of_the_labels(counts, labels):
    return _unigram_loss(labels[labels != -100].bincount(minlength=len(counts)), labels)


def _before(sentences, left):
    return _bigram_guess([sentence[::-1] for sentence in sentences], left)


def _across_borders(sentences, left):
    return _bigram_guess([[token for sentence in sentences for token in sentence]], left)


def _around(sentences, left):
    return _bigram_guess([sentence + sentence[:1] for sentence in sentences], left)


def _commonest_of_all(sentences, left):
    return _bigram_guess(sentences, -1)


def _followers(sentences, left):
    return [b for sentence in sentences for a, b in pairwise(sentence) if a == left]


def _first_follower(sentences, left):
    return (_followers(sentences, left) or [_bigram_guess(sentences, left)])[0]


def _first_of_both(sentences, left):
    return (_followers(sentences, left) or [_first_among_equals(sentences, left)])[0]


def _last_follower(sentences, left):
    return (_followers(sentences, left) or [_bigram_guess(sentences, left)])[-1]


def _left_itself(sentences, left):
    return left if any(left in sentence[1:] for sentence in sentences) else _bigram_guess(sentences, -1)


def _smallest_follower(sentences, left):
    return min(_followers(sentences, left) or [_bigram_guess(sentences, left)])


def _rarest_follower(sentences, left):
    follows = Counter(_followers(sentences, left))
    return min(follows, key=lambda token: (follows[token], token)) if follows else _bigram_guess(sentences, left)


def _largest_among_equals(sentences, left):
    return -_bigram_guess([[-token for token in sentence] for sentence in sentences], -left)


def _first_among_equals(sentences, left):
    follows = Counter(_followers(sentences, left)) or Counter(token for sentence in sentences for token in sentence)
    return follows.most_common(1)[0][0]


def _first_among_equals_of_all(sentences, left):
    everywhere = Counter(token for sentence in sentences for token in sentence)
    return _bigram_guess(sentences, left) if _followers(sentences, left) else everywhere.most_common(1)[0][0]


def _once_a_sentence(sentences, left):
    firsts = [sentence[sentence.index(left) :][:2] for sentence in sentences if left in sentence[:-1]]
    return _bigram_guess(firsts, left) if firsts else _bigram_guess(sentences, left)


def _once_a_sentence_at_most(sentences, left):
    """Of equals the first: what `index` and `most_common` give together."""
    follows = Counter(sentence[sentence.index(left) + 1] for sentence in sentences if left in sentence[:-1])
    return follows.most_common(1)[0][0] if follows else _first_among_equals_of_all(sentences, left)


def _gives_for_none(value):
    def guess(sentences, left):
        return _bigram_guess(sentences, left) if _followers(sentences, left) else value(left)

    return guess


def _places_counted(sentences, left):
    """The token two places on."""
    follows = Counter(c for sentence in sentences for a, c in zip(sentence, sentence[2:], strict=False) if a == left)
    return min(follows, key=lambda token: (-follows[token], token)) if follows else _commonest_of_all(sentences, left)


CHECKS = {
    "vocabulary_scores": against(
        "hidden (n, D), table E (V, D), weights {'dense.weight', 'dense.bias', 'norm.weight', 'norm.bias', 'bias'} -> "
        "scores E · g(h) + b (n, V), with g = dense, GELU, LayerNorm (eps 1e-12)",
        _scores,
        _heads,
        atol=1e-4,
        mistakes=(
            (_scores_by_hand("no transform"), "g is missing: dense, GELU and LayerNorm come before the table."),
            (_scores_by_hand("no gelu"), "the GELU is missing."),
            (_scores_by_hand("tanh"), "that is GELU's approximation by tanh; BERT's is the exact one, with Φ."),
            (_scores_by_hand("relu"), "BERT's head has a GELU, not a ReLU."),
            (_scores_by_hand("gelu first"), "the GELU comes after the dense layer, not before it."),
            (_scores_by_hand("no norm"), "the LayerNorm is missing."),
            (_scores_by_hand("norm first"), "the LayerNorm comes after the GELU, not before it."),
            (_scores_by_hand("norm before dense"), "the LayerNorm comes last: dense, GELU, LayerNorm."),
            (_scores_by_hand("sample"), "LayerNorm divides by D, not by D - 1: unbiased=False."),
            (_scores_by_hand("not its root"), "LayerNorm divides by the root of the variance."),
            (_scores_by_hand("over tokens"), "LayerNorm runs over each token's own numbers: the last dimension."),
            (_scores_by_hand("over everything"), "LayerNorm takes a mean and a variance for each token: dim=-1."),
            (
                _scores_by_hand("no gain and bias"),
                "LayerNorm's own gain and bias (norm.weight, norm.bias) are missing.",
            ),
            (_scores_by_hand("gain for bias"), "norm.weight multiplies and norm.bias is added; yours are exchanged."),
            (_scores_by_hand("transposed"), "a dense layer is x @ weight.T + bias: the matrix is stored (out, in)."),
            (_scores_by_hand("no dense bias"), "the dense layer's own bias is missing."),
            (_scores_by_hand("no bias"), "the bias b, one number for each vocabulary entry, is missing."),
            (_scores_by_hand("residual"), "the head has no residual path: nothing is added to g(h)."),
            (_scores_by_hand("transform alone"), "that is g(h): its products with the rows of the table are missing."),
            (_scores_by_hand("softmax"), BEFORE_SOFTMAX),
            (_scores_by_hand("log_softmax"), BEFORE_SOFTMAX),
        ),
    ),
    "nsp_loss": with_gradient(
        against(
            "logits (B, 2), labels (B,): 0 IsNext, 1 NotNext -> a tensor: the mean cross-entropy over the batch, in "
            "nats, for scores of 200 as well; with a gradient",
            _nsp_loss,
            _pair_scores,
            mistakes=(
                (_class_zero_ignored, "class 0 is a class, not padding: ignore_index=0 leaves IsNext untrained."),
                (_swapped, "the label's own score belongs into the numerator; yours is the other one's."),
                (_log_without_softmax, "that is the mean score: take the log-softmax first."),
                (_softmax_twice, "cross_entropy takes the softmax itself: give it the logits."),
                (_over_the_batch, "the softmax runs over the two classes, not over the batch."),
                (_nsp_sum, "that is the sum over the batch; a mean is asked for."),
                (_nsp_each, "that is the loss of each pair; their mean is asked for, one number."),
                (
                    _all_labels_in_each_row,
                    "[:, labels] takes the scores of all labels from every row; row i has label i: [range(B), labels].",
                ),
                (
                    _sigmoid_of_the_second,
                    "a sigmoid of the second score leaves the first one out: here both go through one softmax.",
                ),
                (_sigmoid_of_both, "those are two sigmoids; here both scores go through one softmax."),
                (_probability(torch.neg), "the logarithm is missing: the loss is −log p."),
                (_probability(lambda p: 1 - p), "that is 1 − p; the loss is −log p."),
                (_log_of_the_mean, "take the logarithm of each p first, and the mean of them."),
                (_nsp_minus_missing, "the minus is missing: a loss is not negative."),
                (_nsp_bits, "nats are asked for: the natural logarithm."),
                (_plain_share, EXP_OVERFLOWS),
                (_plain_sum, EXP_OVERFLOWS),
                (_log_of_softmax, "a small probability becomes 0, and its logarithm infinite: use log_softmax."),
            ),
        ),
        lambda: (torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 1])),
    ),
    "joint_loss": with_gradient(
        against(
            "mlm_sums, mlm_counts, nsp_sums, nsp_counts (each one number per batch) -> a tensor: mean MLM + mean NSP "
            "over all batches; with a gradient",
            _joint_loss,
            _sums,
            mistakes=(
                (
                    _means_of_means,
                    "a mean of means: batches with few tokens weigh too much. Add up sums and counts first.",
                ),
                (
                    _guarded_means_of_means,
                    "a mean of means: batches with few tokens weigh too much. Add up sums and counts first.",
                ),
                (_nan_for_nothing, "nothing selected is 0/0, NaN: divide by at least 1."),
                (_one_more_in_each_batch, "a batch without tokens counts 0, not 1: add up first, and then at least 1."),
                (_one_added, "that adds 1 to each count; at least 1 is max(count, 1)."),
                (_one_added_to_mlm, "that adds 1 to each count; at least 1 is max(count, 1)."),
                (_one_count, "each of the two losses has its own mean; only then are they added."),
                (_mlm_count_for_both, "NSP has a count of its own: pairs, not tokens."),
                (_averaged_terms, "the two means are added, not averaged (A.2)."),
                (_mlm_alone, "the NSP loss is missing."),
                (_nsp_alone, "the MLM loss is missing."),
                (_sums_alone, "those are sums: each is divided by its count."),
                (_by_batches, "a mean over tokens and pairs is asked for: divide by the counts, not by the batches."),
                (_two_means, "the two means are right; their sum is asked for."),
                (_each_batch, "one number is asked for, over all batches together: add up sums and counts first."),
            ),
        ),
        lambda: (torch.tensor([30.0, 6.0]), torch.tensor([10, 1]), torch.tensor([1.0, 3.0]), torch.tensor([2, 2])),
        nothing=lambda: (torch.zeros(1), torch.tensor([0]), torch.zeros(1), torch.tensor([0])),
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
            (_base_ten, "the losses are in nats: e to the power, not 10."),
            (_no_exponential, "that is the mean loss: perplexity is its exponential."),
            (_losses_taken_for_sums, "the losses are means already: each times its tokens is a sum."),
            (_sums_by_batches, "divide by the number of tokens, not of batches."),
            (_not_divided, "divide by the number of tokens before you take the exponential."),
            (_inverse, "that is one over the perplexity: e to the mean loss, without a minus."),
            (_each_perplexity, "one number over all tokens is asked for, not one per batch."),
        ),
    ),
    "unigram_loss": errors_named(
        against(
            "counts (V,) in training, labels (B, T), -100 where nothing is asked -> mean −log p, one added to every "
            "count",
            _unigram_loss,
            _counts_and_labels,
            mistakes=(
                (
                    _shares_of_counts(lambda counts: counts / counts.sum()),
                    "a token that never occurred has probability 0, its loss is infinite: add one to every count.",
                ),
                (
                    _shares_of_counts(lambda counts: (counts + 1) / counts.sum()),
                    "one is added to every count, so the total grows by V as well.",
                ),
                (
                    _shares_of_counts(lambda counts: (counts + 1) / (counts.sum() + 1)),
                    "one is added to every count, so the total grows by V as well.",
                ),
                (
                    _shares_of_counts(lambda counts: counts.clamp(min=1) / counts.clamp(min=1).sum()),
                    "one is added to every count, not to zeros alone.",
                ),
                (
                    _shares_of_counts(lambda counts: counts / counts.sum() + 1),
                    "one is added to the counts, before they are divided by their sum.",
                ),
                (_shares_of_counts(lambda counts: counts + 1.0), "a probability is a count divided by their sum."),
                (
                    _shares_of_counts(lambda counts: counts.float().softmax(0)),
                    "counts become probabilities by division by their sum, not by a softmax.",
                ),
                (_all_positions, "only positions whose label is not -100 count."),
                (_over_all_positions, "divide by the number of labels that are not -100, not by all positions."),
                (_entropy, "that is the entropy of the training text: the labels say which tokens are scored."),
                (_counts_of_the_labels, "p comes from the counts in training, not from the labels' own."),
                (_bits, "nats are asked for: the natural logarithm."),
                (_unigram_perplexity, "that is the perplexity: the mean itself is asked for, before the exponential."),
                (_unigram_minus_missing, "the minus is missing: a loss is not negative."),
                (_log_of_mean_share, "take the logarithm of each p first, and the mean of them."),
                (_share_of_labels, "that is the mean probability: the loss is −log of each."),
                (_sum_of_labels, "that is the sum; a mean is asked for."),
                (_by_rows, "divide by the number of labels that are not -100, not by the rows."),
                (_mean_of_row_means, "a mean of means: rows with few labels weigh too much. One sum, one count."),
            ),
        ),
        {
            "-100": "-100 is no token: it says that nothing is asked here. Leave those positions out.",
            "math domain error": "a token that never occurred has probability 0: add one to every count.",
        },
    ),
    "bigram_guess": errors_named(
        against(
            "sentences (lists of ids), left -> the token that most often follows it in a sentence (smallest id among "
            "equals); where none does, the commonest of all (smallest id among equals)",
            _bigram_guess,
            _corpus,
            mistakes=(
                (_before, "that is the token before, not behind."),
                (_across_borders, "the end of a sentence and the beginning of the next are no pair."),
                (_around, "behind the last token of a sentence there is none; yours goes on with the first."),
                (_commonest_of_all, "that is the unigram guess: look only behind `left`."),
                (_first_follower, "count them all: the first is not the commonest."),
                (_first_of_both, "count them all: the first is not the commonest."),
                (_last_follower, "count them all: the last is not the commonest."),
                (_left_itself, "that is `left` itself: what comes behind it is asked for."),
                (_smallest_follower, "the smallest id counts only among equals; first comes how often each follows."),
                (_rarest_follower, "that is the rarest; the one that follows most often is asked for."),
                (_largest_among_equals, "among equals, the smallest id."),
                (
                    _first_among_equals,
                    "among equals, the smallest id: max and most_common give the one that came first.",
                ),
                (
                    _first_among_equals_of_all,
                    "where none follows, too: among equals the smallest id, not the one that came first.",
                ),
                (_once_a_sentence, "`left` may stand more than once in a sentence: index finds the first place only."),
                (
                    _once_a_sentence_at_most,
                    "`left` may stand more than once in a sentence: index finds the first place only. And among "
                    "equals, the smallest id.",
                ),
                (_places_counted, "that is the token two places on."),
                (_gives_for_none(lambda left: None), "where none follows, the commonest of all is asked for."),
                (_gives_for_none(lambda left: left), "where none follows, the commonest of all is asked for."),
                (_gives_for_none(lambda left: -1), "where none follows, the commonest of all is asked for."),
                (_gives_for_none(lambda left: 0), "where none follows, the commonest of all is asked for."),
            ),
        ),
        {
            "index out of range": "behind the last token of a sentence there is none, and there may be no token that "
            "follows `left` at all.",
            "max()": "where none follows, there is nothing to take the largest of: then the commonest of all.",
            "min()": "where none follows, there is nothing to choose from: then the commonest of all.",
        },
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
            (lambda V, k: -math.log(k), "a loss is not negative: −log p, and p is below 1."),
            (lambda V, k: math.log10(k), "nats: the natural logarithm, not that to base 10."),
            (lambda V, k: k, "that is the perplexity: the loss is its logarithm."),
            (lambda V, k: k / V, "that is the share of tokens that are possible; the loss is −log of each one's p."),
            (lambda V, k: math.log(k) / k, "−log p is the same for each of them: it is not multiplied by p."),
        ),
    ),
    "topic_judge": number(
        "percent, to three significant digits",
        lambda rng: {"k": int(rng.integers(4, 13))},
        "Half of the pairs are true. In the others, B comes from an article drawn from all {k} classes, which are "
        "equally large. A judge that only sees the classes of A and B says IsNext if they are the same. What share of "
        "all pairs does it get right?",
        _topics_alone,
        rel_tol=2e-3,
        mistakes=(
            (
                lambda k: _topics_alone(5 if k not in (5, 10) else 6),
                "that is for another number of classes, as BBC News has: take the number in the question.",
            ),
            (lambda k: 100 * (k - 1) / k, "that is its share of the false pairs: of the true ones it gets all right."),
            (lambda k: 100.0, "a false B may come from the same class by chance: then it says IsNext."),
            (lambda k: 50.0, "that is a coin: this judge knows the classes."),
            (lambda k: 100 * (0.5 + 0.5 / k), "it errs where the classes are the same by chance, and only there."),
            (lambda k: 50 * (k - 1) / k, "those are the false pairs that it gets right; the true ones are missing."),
            (lambda k: 100 / k, "that is how often two classes are the same by chance."),
            (lambda k: 50 / k, "those are the pairs that it gets wrong."),
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
            (lambda b, s: b * (s // 10 * 128 + s * 9 // 10 * 512), "the short ones are 90 %, the long ones a tenth."),
            (lambda b, s: b * s * 320, "not half of each: 90 % of the steps are short."),
            (lambda b, s: b * s * 640, "a step is short or long, not both."),
            (lambda b, s: b * s, "those are the rows: each has 128 or 512 tokens."),
            (lambda b, s: b * (s * 9 // 10 * 128), "the long steps are missing."),
            (lambda b, s: b * (s // 10 * 512), "the short steps are missing."),
        ),
    ),
}
