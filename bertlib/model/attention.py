"""Attention, from the formula to many heads (Vaswani et al., 2017, §3.2), with masks that cannot fail in silence.

Dimension letters, here and in the whole library: B batch, T tokens, D hidden size, H heads, V vocabulary, C classes.
"""

import math
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bertlib.device import on_one_core, work_clock
from bertlib.model.config import BertConfig
from bertlib.model.dropout import dropout


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, *, dropout_p: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Average the values, weighted by how well each key matches the query (Vaswani et al., 2017, eq. 1).

    Args:
        query, key, value: (..., T_q, d_k), (..., T_k, d_k) and (..., T_k, d_v) floats.
        mask: bool, broadcastable to (..., T_q, T_k); True where a query may look at a key. A query that may look at
            nothing gets zero weights and a zero output: a plain softmax would spread evenly over the forbidden keys.
        dropout_p: share of the weights that is dropped, at random, before they are applied.

    Returns:
        output (..., T_q, d_v), and the weights (..., T_q, T_k) before dropout, whose rows sum to 1 (or to 0, see mask).

    Raises:
        ValueError: the shapes do not fit together. TypeError: the mask is not bool.
    """
    if query.size(-1) != key.size(-1) or key.size(-2) != value.size(-2):
        raise ValueError(
            f"query {tuple(query.shape)}, key {tuple(key.shape)} and value {tuple(value.shape)} do not fit: query and "
            "key need the same last size, key and value the same number of tokens"
        )
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))  # (..., T_q, T_k)
    if mask is None:
        weights = scores.softmax(dim=-1)
    else:
        if mask.dtype != torch.bool:
            raise TypeError(f"mask has dtype {mask.dtype}: give torch.bool, True where attention is allowed")
        # The lowest finite number, not -inf: a softmax over nothing but -inf is NaN.
        weights = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(dim=-1)
        weights = weights.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)  # over forbidden keys alone it was even
    return dropout(weights, dropout_p) @ value, weights


def packed_mask(sequence_ids: Tensor) -> Tensor:
    """The mask for rows that hold several sequences: each token looks at its own sequence, and at nothing else.

    Args:
        sequence_ids: (B, T) integers: 1 for the tokens of a row's first sequence, 2 for its second, …; 0 for padding.

    Returns:
        bool (B, 1, T, T), to broadcast over heads. Padding looks at nothing.

    Raises:
        ValueError: a row in which the numbers do not run 1, 2, 3, … and then 0.
    """
    check_packing(sequence_ids)
    return same_sequence(sequence_ids)


def same_sequence(sequence_ids: Tensor) -> Tensor:
    """`packed_mask` without its check, which makes a GPU wait for the host."""
    same = sequence_ids[:, :, None] == sequence_ids[:, None, :]
    return (same & (sequence_ids > 0)[:, None, :])[:, None]


def check_packing(sequence_ids: Tensor) -> None:
    """Refuse rows in which the numbers do not run 1, 2, 3, … and then 0."""
    steps = sequence_ids.diff(dim=-1)
    ends = (steps < 0) & (sequence_ids[:, 1:] == 0)
    wrong = (sequence_ids[:, 0] != 1) | ~((steps == 0) | (steps == 1) & (sequence_ids[:, :-1] > 0) | ends).all(dim=-1)
    if wrong.any():
        raise ValueError(
            f"sequence_ids row {int(wrong.nonzero()[0])}: number the sequences of a row 1, 2, 3, … from the left, with "
            "0 for the padding at its end"
        )


def padding_mask(attention_mask: Tensor) -> Tensor:
    """Turn a batch's attention_mask into the mask that every query of every head obeys.

    Args:
        attention_mask: (B, T), 1 for a token and 0 for padding; any dtype.

    Returns:
        bool (B, 1, 1, T), to broadcast over heads and queries: padding is never looked at.

    Raises:
        ValueError: not (B, T), values other than 0 and 1, or a row that is all padding.
    """
    if attention_mask.dim() != 2:
        raise ValueError(f"attention_mask has shape {tuple(attention_mask.shape)}: give (batch, tokens)")
    mask = attention_mask != 0
    if attention_mask.dtype != torch.bool and not torch.equal(mask.to(attention_mask.dtype), attention_mask):
        raise ValueError("attention_mask holds values other than 0 and 1: give 1 for a token, 0 for padding")
    empty = (~mask.any(dim=-1)).nonzero().flatten().tolist()
    if empty:
        raise ValueError(f"attention_mask row {empty[0]} is all padding: remove empty examples before batching")
    return mask[:, None, None, :]


@cache
def measured_advantage(dtype: torch.dtype, training: bool) -> float:
    """How many times faster than torch's fused kernel the formula is on this CPU (20 to 100 ms, once)."""

    def measure() -> float:
        query = torch.randn(8, 4, 128, 64, generator=torch.Generator().manual_seed(0)).to(dtype)
        query.requires_grad_(training)
        sides = (F.scaled_dot_product_attention, lambda *heads: scaled_dot_product_attention(*heads)[0])
        times = [[], []]
        with torch.set_grad_enabled(training):
            for _ in range(8):  # in turn, so that a busy machine is busy for both
                for attend, spent in zip(sides, times, strict=True):
                    start = work_clock()
                    heads = attend(query, query, query)
                    if training:
                        heads.sum().backward()
                    spent.append(work_clock() - start)
        return min(times[0]) / min(times[1])

    return on_one_core(measure)


def use_formula(query: Tensor) -> bool:
    """Whether to compute attention by the formula, where torch's fused kernel would give the same output.

    The kernel never holds the weights, which saves memory, but what it costs on a CPU depends on processor and number
    format: with bfloat16 its backward pass can take three times as long as the formula's. So both are measured. Only
    2.5 times the speed moves us from the usual choice (formula to train, kernel to infer): two runs take one path.
    """
    if query.device.type != "cpu":
        return False
    return measured_advantage(query.dtype, query.requires_grad) > (0.4 if query.requires_grad else 2.5)


class MultiHeadSelfAttention(nn.Module):
    """H attentions side by side, each on its own D / H-wide projection, mixed by one output matrix (§3.2.2).

    Dropout on the weights is BERT's: a dropped weight is a token that one head does not see for one step.
    """

    def __init__(self, config: BertConfig):
        super().__init__()
        self.num_heads = config.num_attention_heads
        self.dropout_p = config.attention_probs_dropout_prob
        self.query = nn.Linear(config.hidden_size, config.hidden_size)
        self.key = nn.Linear(config.hidden_size, config.hidden_size)
        self.value = nn.Linear(config.hidden_size, config.hidden_size)
        self.output = nn.Linear(config.hidden_size, config.hidden_size)

    def split_heads(self, hidden: Tensor) -> Tensor:
        """(B, T, D) -> (B, H, T, D / H)."""
        return hidden.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

    def merge_heads(self, heads: Tensor) -> Tensor:
        """(B, H, T, D / H) -> (B, T, D)."""
        return heads.transpose(1, 2).flatten(-2)

    def forward(
        self, hidden: Tensor, mask: Tensor | None, need_weights: bool, queries: int | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Let every token look at every token of its own sequence.

        Args:
            hidden: (B, T, D).
            mask: bool (B, 1, 1, T) from `padding_mask`; None if nothing is padded.
            need_weights: return the weights too, (B, H, T_q, T); otherwise None in their place.
            queries: only the first so many tokens look (at all of them); None for every token.
        """
        query = self.split_heads(self.query(hidden[:, :queries]))
        key, value = self.split_heads(self.key(hidden)), self.split_heads(self.value(hidden))
        dropout_p = self.dropout_p if self.training else 0.0
        if need_weights or use_formula(query):
            heads, weights = scaled_dot_product_attention(query, key, value, mask, dropout_p=dropout_p)
        else:
            heads = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout_p)
            weights = None
        return self.output(self.merge_heads(heads)), weights if need_weights else None
