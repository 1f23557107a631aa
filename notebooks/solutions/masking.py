"""Worked solutions of the exercises on masking. Try first: `check` tells you more than these do."""

import numpy as np
import torch


def my_select(ids, special, share, rng):
    draws = torch.from_numpy(rng.random(ids.shape))
    return (draws < share) & ~special


def my_exactly(ids, special, share, rng):
    draws = np.where(special, 2.0, rng.random(ids.shape))  # special tokens come last
    ranks = draws.argsort(axis=1).argsort(axis=1)
    wanted = np.round(share * (~special).sum(axis=1, keepdims=True))
    return ranks < wanted


def my_mask_tokens(input_ids, *, vocab_size, mask_token_id, special_ids, rng):
    ordinary = [number for number in range(vocab_size) if number not in special_ids]
    shown, labels = input_ids.clone(), torch.full_like(input_ids, -100)
    picked, fate = rng.random(input_ids.shape), rng.random(input_ids.shape)
    random = rng.choice(ordinary, size=input_ids.shape)
    chosen = (picked < 0.15) & ~np.isin(input_ids.numpy(), special_ids)
    for place in zip(*np.nonzero(chosen), strict=True):
        labels[place] = input_ids[place]
        if fate[place] < 0.8:
            shown[place] = mask_token_id
        elif fate[place] < 0.9:
            shown[place] = int(random[place])
    return shown, labels


def my_mlm_loss(scores, tokens, selected):
    if not selected.any():
        return scores.sum() * 0.0  # no loss, and no gradient either
    scores, tokens = scores[selected], tokens[selected]
    scores = scores - scores.max(dim=-1, keepdim=True).values  # changes no probability, and exp cannot overflow
    log_p = scores[torch.arange(len(tokens)), tokens] - scores.exp().sum(dim=-1).log()
    return -log_p.sum() / len(tokens)


my_shown_as_mask = 16 * 90 / 100
my_nothing_selected = (1 - 0.14) ** 16
