"""From texts to tensors: encode once, group by length, pad to the longest of the batch."""

from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from bertlib.text.tokenizer import encode_batch

Batch = Mapping[str, Tensor]  # a model's arguments by name


def encode_texts(tokenizer: Tokenizer, texts: Sequence[str], max_length: int) -> list[list[int]]:
    """Token ids of every text, with [CLS] and [SEP], cut to max_length tokens (the closing [SEP] stays).

    Raises:
        ValueError: no texts, a text that is empty, not a string or half a character, or max_length below 3.
    """
    if max_length < 3:
        raise ValueError(f"max_length={max_length}: give at least 3, for [CLS], one token and [SEP]")
    if isinstance(texts, str) or not len(texts):
        raise ValueError(f"texts={texts!r}: give a list with at least one text")
    for index, text in enumerate(texts):
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"texts[{index}] is {text!r}: every text must be a string with something in it")
    tokenizer.no_padding()
    tokenizer.no_truncation()  # cut here: a tokenizer's own setting would hold for other threads' texts, too
    closing = min(tokenizer.num_special_tokens_to_add(is_pair=False), 1)
    kept, encoded = max_length - closing, [encoding.ids for encoding in encode_batch(tokenizer, texts)]
    return [ids if len(ids) <= max_length else ids[:kept] + ids[len(ids) - closing :] for ids in encoded]


def encode_pairs(
    tokenizer: Tokenizer, pairs: Sequence[tuple[str, str]], max_length: int
) -> tuple[list[list[int]], list[list[int]]]:
    """Token ids and segment ids of every pair: [CLS] first [SEP] second [SEP], segment 1 from the second text on.

    The longer text is cut at its end, token by token, as by transformers; of two equally long ones the first
    (google-research/bert and transformers before release 5 take the second).

    Raises:
        ValueError: no pairs, something else than two strings with something in them, or max_length below 5.
    """
    if max_length < 5:
        raise ValueError(f"max_length={max_length}: give at least 5, for [CLS], two [SEP] and a token of each text")
    if not len(pairs):
        raise ValueError(f"pairs={pairs!r}: give a list with at least one pair")
    for index, pair in enumerate(pairs):
        if not (isinstance(pair, Sequence) and not isinstance(pair, str) and len(pair) == 2):
            raise ValueError(f"pairs[{index}] is {pair!r}: give two texts, as (first, second)")
        if not all(isinstance(text, str) and text.strip() for text in pair):
            raise ValueError(f"pairs[{index}] is {pair!r}: both must be strings with something in them")
    cutting = Tokenizer.from_str(tokenizer.to_str())  # a tokenizer's own setting would hold for other threads, too
    cutting.no_padding()
    cutting.enable_truncation(max_length, strategy="longest_first")
    encoded = cutting.encode_batch([tuple(pair) for pair in pairs])
    return [encoding.ids for encoding in encoded], [encoding.type_ids for encoding in encoded]


def pad_batch(sequences: Sequence[Sequence[int]], pad_token_id: int) -> tuple[Tensor, Tensor]:
    """Pad to the longest: input_ids, and attention_mask with 1 for tokens and 0 for padding; both (B, T) torch.long."""
    lengths = np.array([len(sequence) for sequence in sequences])
    mask = np.arange(lengths.max()) < lengths[:, None]
    ids = np.full(mask.shape, pad_token_id, dtype=np.int64)
    ids[mask] = np.fromiter(chain.from_iterable(sequences), dtype=np.int64, count=lengths.sum())
    return torch.from_numpy(ids), torch.from_numpy(mask.astype(np.int64))


def pack(lengths: Sequence[int], max_length: int) -> list[list[int]]:
    """Put short sequences side by side into rows of max_length: the longest first, each into the fullest row with room.

    ("Best fit decreasing"; Krell et al., 2021, "Efficient Sequence Packing without Cross-contamination".) What keeps
    the sequences of a row from looking at each other is `bertlib.model.attention.packed_mask`.

    Returns:
        For each row the indices of its sequences; every index occurs exactly once.

    Raises:
        ValueError: a sequence is empty or longer than a row.
    """
    for number, length in enumerate(lengths):
        if not 0 < length <= max_length:
            raise ValueError(f"lengths[{number}] = {length}: give 1 to {max_length=} tokens; truncate longer sequences")
    rows: list[list[int]] = []
    with_room: list[list[int]] = [[] for _ in range(max_length + 1)]  # the rows with so much room left
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        room = next((r for r in range(lengths[index], max_length) if with_room[r]), None)
        if room is None:
            row, room = len(rows), max_length
            rows.append([])
        else:
            row = with_room[room].pop()
        rows[row].append(index)
        with_room[room - lengths[index]].append(row)
    return rows


def length_buckets(
    lengths: Sequence[int], batch_size: int, rng: np.random.Generator | None = None, *, jitter: float = 0.1
) -> list[list[int]]:
    """Split examples into batches of similar length, so that little is padded; every example occurs exactly once.

    With an rng, each length is first misjudged at random by up to the share `jitter`, and the batches come in random
    order: every epoch sees other neighbours, and no epoch sees all short texts first. Without one the split is exactly
    by length, which is best for evaluation.

    Args:
        lengths: tokens of each example.
        batch_size: examples per batch (one may be smaller).
        jitter: smaller pads less, larger mixes better.

    Raises:
        ValueError: no examples, or a batch_size below 1.
    """
    if not len(lengths):
        raise ValueError("lengths is empty: there is nothing to batch; give at least one example")
    if batch_size < 1:
        raise ValueError(f"batch_size={batch_size}: give at least 1")
    judged = np.asarray(lengths, dtype=float)
    if rng is not None:
        judged = judged * rng.uniform(1 - jitter, 1 + jitter, size=len(judged))
    order = np.argsort(judged, kind="stable").tolist()
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    if rng is not None:
        batches = [batches[i] for i in rng.permutation(len(batches))]
    return batches


def padding_share(lengths: Sequence[int], batches: Sequence[Sequence[int]], pad_to: int | None = None) -> float:
    """The share of a run's token slots that hold padding, if each batch is padded to its longest (or to pad_to)."""
    slots = sum(len(batch) * (pad_to or max(lengths[i] for i in batch)) for batch in batches)
    return 1.0 - sum(lengths[i] for batch in batches for i in batch) / slots
