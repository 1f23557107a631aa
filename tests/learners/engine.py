"""Answers to what all checks have in common: any form of numbers, no false diagnosis, no guess at arguments."""

from . import Answer

GENERIC = "every one of its arguments"

ANSWERS = [
    # The numbers decide: lists, tuples, arrays where a tensor is asked for.
    Answer("attention.masks", "def answer(m): return [[[[x == 1 for x in row]]] for row in m.tolist()]", None),
    Answer("attention.masks", "def answer(m): return (m.numpy() == 1)[:, None, None, :]", None),
    Answer("attention.masks", "def answer(m): return [[[[x for x in row]]] for row in m.tolist()]", "whole numbers"),
    Answer("attention.masks", "def answer(m): return [row == 1 for row in m]", "expected the shape"),
    Answer("attention.causal_mask", "def answer(n): return [[j <= i for j in range(n)] for i in range(n)]", None),
    Answer("attention.causal_mask", "def answer(n): return np.tril(np.ones((n, n), dtype=bool))", None),
    Answer("attention.causal_mask", "def answer(n): return tuple(torch.arange(n) <= i for i in range(n))", None),
    Answer(
        "encoder.layer_norm",
        """
def answer(x, gain, bias, eps):
    x = x.numpy()
    mean = x.mean(-1, keepdims=True)
    return gain.numpy() * (x - mean) / np.sqrt(x.var(-1, keepdims=True) + eps) + bias.numpy()
""",
        None,
    ),
    # An argument is called unused only if that is shown.
    Answer("attention.scores", "def answer(query, key): return query @ query.mT / math.sqrt(query.size(-1))", "key"),
    Answer(
        "attention.scores",
        "def answer(query, key): return query @ key.mT / math.sqrt(key.size(-1) + 1)",
        "",
        never=(GENERIC, "never uses", "changes nothing"),
    ),
    Answer(
        "encoder.layer_norm",
        """
def answer(x, gain, bias, eps):
    return gain * ((x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + eps).sqrt() + bias)
""",
        "",
        never=(GENERIC, "never uses", "changes nothing", "not used"),
    ),
    # A mistake is named only if the answer agrees with it everywhere.
    Answer(
        "wordpiece.greedy",
        """
def answer(word, vocab):
    pieces, start = [], 0
    while start < len(word):
        end = len(word)
        while end > start and ('##' * (start > 0) + word[start:end]) not in vocab:
            end -= 1
        if end == start:
            return ['[UNK]']
        pieces.append('##' * (start > 0) + word[start:end])
        start = end
    return pieces
""",
        "",
        never=("cut from the left",),
    ),
    Answer(
        "training.schedule",
        """
def answer(step, warmup_steps, total_steps, peak):
    if step < warmup_steps:
        return peak * step / warmup_steps
    return max(0.0, peak * (total_steps - step) / total_steps)
""",
        "",
        never=("there is no warm-up", GENERIC),
    ),
    Answer(
        "training.adamw",
        """
def answer(weight, gradients, rate, decay):
    m = v = 0.0
    for step, g in enumerate(gradients):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        weight -= rate * (m / (1 - 0.9**step) / ((v / (1 - 0.999**step)) ** 0.5 + 1e-6) + decay * weight)
    return weight
""",
        "begin at 0 that should begin at 1",
        never=("catch it",),
    ),
    Answer(
        "classification.truncate",
        "def answer(ids, max_length): return ids if len(ids) <= max_length + 1 else ids[: max_length - 1] + ids[-1:]",
        "",
        never=("nothing was cut", GENERIC),
    ),
    Answer(
        "pretraining.bigram_guess",
        """
from collections import Counter

def answer(sentences, left):
    after = Counter(b for s in sentences for a, b in zip(s, s[1:]) if a == left)
    return (after or Counter(t for s in sentences for t in s)).most_common(1)[0][0]
""",
        "",
        never=("the first is not the commonest", GENERIC),
    ),
    Answer(
        "pretraining.nsp_loss",
        "def answer(logits, labels): return F.binary_cross_entropy_with_logits(logits[:, 1], labels.float())",
        "",
        never=("ignore_index", GENERIC),
    ),
    # A thing of another kind than asked for is told as such.
    Answer(
        "attention.scaled_dot_product",
        """
def answer(query, key, value, mask):
    weights = (query @ key.mT / math.sqrt(query.size(-1))).masked_fill(~mask, -1e9).softmax(-1)
    return (weights * mask) @ value
""",
        "expected 2 things, came one",
    ),
    Answer("attention.masks", "class answer:\n    def __init__(self, m): self.m = m", "came"),
]
