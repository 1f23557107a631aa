"""Masked language modelling: which tokens are hidden, and behind what (Devlin et al., 2019, §3.1 and A.1)."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from bertlib.text.spans import IGNORED


def mask_tokens(
    input_ids: Tensor,
    *,
    vocab_size: int,
    mask_token_id: int,
    special_ids: Sequence[int],
    rng: np.random.Generator,
    probability: float = 0.15,
    continuation_ids: Sequence[int] | None = None,
    words: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Select 15 % of the tokens for prediction; show 80 % of those as [MASK], 10 % as a random token, 10 % as they are.

    Each token is selected by a draw of its own, so a sequence's share varies (google-research/bert selects a fixed
    number: 15 % of the sequence's length, rounded, at least one). The three ways to show a selected token: Devlin et
    al., 2019, A.1.

    Args:
        input_ids: (..., T) integers.
        vocab_size: V; random tokens are drawn from it.
        special_ids: ids that are never selected and never drawn: [PAD], [UNK], [CLS], [SEP], [MASK].
        rng: the only source of randomness.
        probability: share of the tokens to select, above 0 and below 1.
        continuation_ids: ids of the pieces that go on with a word (##…). If given, whole words are selected; each of a
            word's pieces is still shown in its own way.
        words: (..., T) instead, the number of each token's word: neighbours with the same number are one word, as where
            a text's words are known and its pieces do not show them (Chinese; Cui et al., 2021, §3.1).

    Returns:
        The ids to show, and the labels: the original id where a token was selected, -100 elsewhere. Both (..., T)
        torch.long, new tensors. There may be nothing selected, in short inputs.

    Raises:
        TypeError: input_ids are not integers. ValueError: probability or an id is out of range, or every id is special.
    """
    if input_ids.is_floating_point() or input_ids.dtype == torch.bool:
        raise TypeError(f"input_ids has dtype {input_ids.dtype}: give integers (torch.long)")
    if not 0 < probability < 1:
        raise ValueError(f"probability={probability!r}: give a share above 0 and below 1, such as 0.15")
    if not 0 <= mask_token_id < vocab_size:
        raise ValueError(f"mask_token_id={mask_token_id!r}: give an id from 0 to {vocab_size - 1}")
    ids = input_ids.detach().cpu().numpy().astype(np.int64)
    if ids.size and not (ids.min() >= 0 and ids.max() < vocab_size):
        raise ValueError(f"input_ids lie in {ids.min()} … {ids.max()}: they must be at least 0 and below {vocab_size=}")
    if words is not None and words.shape != input_ids.shape:
        raise ValueError(
            f"words has shape {tuple(words.shape)}: give {tuple(input_ids.shape)}, a number for each token"
        )
    outside = [number for number in special_ids if not 0 <= number < vocab_size]
    if outside:
        raise ValueError(f"special_ids holds {outside[0]!r}: give ids from 0 to {vocab_size - 1}")
    is_special = np.zeros(vocab_size, dtype=bool)
    is_special[[*special_ids, mask_token_id]] = True
    ordinary = np.flatnonzero(~is_special)
    if not len(ordinary):
        raise ValueError(f"special_ids are all of the {vocab_size} ids: there is no token to draw")

    special = is_special[ids]
    draws = rng.random(ids.shape, dtype=np.float32)
    if continuation_ids is not None or words is not None:  # a word's pieces take the draw of its first piece
        after_special = np.zeros_like(special)
        after_special[..., 1:] = special[..., :-1]
        if words is None:
            first = ~np.isin(ids, continuation_ids) | special | after_special
        else:
            first = np.diff(words.cpu().numpy(), axis=-1, prepend=-1) != 0
            first |= special | after_special
        first[..., :1] = True
        position = np.maximum.accumulate(np.where(first, np.arange(ids.shape[-1]), 0), axis=-1)
        draws = np.take_along_axis(draws, position, axis=-1)
    selected = (draws < probability) & ~special

    fate = rng.random(ids.shape, dtype=np.float32)
    shown = np.where(selected & (fate < 0.8), mask_token_id, ids)
    randomly = selected & (fate >= 0.9)
    shown[randomly] = ordinary[rng.integers(len(ordinary), size=int(randomly.sum()))]
    labels = np.where(selected, ids, IGNORED)
    return torch.from_numpy(shown).to(input_ids.device), torch.from_numpy(labels).to(input_ids.device)
