"""Worked solutions of the exercises on masking. Try first: `check` tells you more than these do."""

import math

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
    picked, fate = torch.from_numpy(rng.random((2, *input_ids.shape)))
    random = torch.from_numpy(rng.choice(ordinary, size=input_ids.shape))
    chosen = (picked < 0.15) & ~torch.isin(input_ids, torch.tensor(special_ids))
    shown = torch.where(chosen & (fate < 0.9), random, input_ids)
    shown = torch.where(chosen & (fate < 0.8), mask_token_id, shown)
    return shown, torch.where(chosen, input_ids, -100)


def my_mlm_loss(scores, tokens, selected):
    if not selected.any():
        return scores.sum() * 0.0  # no loss, and no gradient either
    scores, tokens = scores[selected], tokens[selected]
    scores = scores - scores.max(dim=-1, keepdim=True).values  # changes no probability, and exp cannot overflow
    log_p = scores[torch.arange(len(tokens)), tokens] - scores.exp().sum(dim=-1).log()
    return -log_p.sum() / len(tokens)


my_shown_as_mask = 16 * 90 / 100
my_nothing_selected = (1 - 0.14) ** 16
my_loss_by_hand = -(math.log(0.66) + math.log(0.13) + math.log(0.43)) / 3
my_asked_in_passes = 100 * (1 - 0.8**4)  # all but those that were never selected
my_divided_by_all = 5.09 * 14 / 100  # the same sum, more places
my_two_coins = (100 - 26) * (100 - 19) / 100
my_wrong_line = 4  # a draw of its own: it also takes tokens that show [MASK] already
