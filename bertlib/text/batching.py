"""From texts to tensors: encode once, group by length, pad to the longest of the batch."""

from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np
import torch
from torch import Tensor

from bertlib.text.inputs import encode_pairs, encode_texts, length_buckets

__all__ = ["Batch", "encode_pairs", "encode_texts", "length_buckets", "pack", "pad_batch", "padding_share"]

Batch = Mapping[str, Tensor]  # a model's arguments by name


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


def padding_share(lengths: Sequence[int], batches: Sequence[Sequence[int]], pad_to: int | None = None) -> float:
    """The share of a run's token slots that hold padding, if each batch is padded to its longest (or to pad_to)."""
    slots = sum(len(batch) * (pad_to or max(lengths[i] for i in batch)) for batch in batches)
    return 1.0 - sum(lengths[i] for batch in batches for i in batch) / slots
