"""Masking as it was published, with its bugs: labml_nn's transformers/mlm and others."""

import numpy as np
import torch

from bertlib.masking import mask_tokens


def _mask(ids, *, vocab_size, mask_token_id, special_ids, rng, probability, shares, drawn, spare=True, inplace=False):
    selected = torch.from_numpy(rng.random(ids.shape) < probability)
    if spare:
        selected &= ~torch.isin(ids, torch.tensor(list(special_ids)))
    labels = torch.where(selected, ids, -100)
    fate = torch.from_numpy(rng.random(ids.shape))
    shown = ids if inplace else ids.clone()
    shown[selected & (fate < shares[0])] = mask_token_id
    randomly = selected & (fate >= shares[0]) & (fate < shares[1])
    shown[randomly] = torch.from_numpy(rng.choice(drawn, int(randomly.sum())))
    return shown, labels


def _settings(settings):
    specials = {*settings["special_ids"]}
    return settings | {"drawn": [i for i in range(settings["vocab_size"]) if i not in specials], "shares": (0.8, 0.9)}


def eighty_one_ten_nine(ids, *, probability=0.15, **settings):
    settings = _settings(settings) | {"shares": (0.81, 0.91)}  # wrong
    return _mask(ids, probability=probability, **settings)


def changes_its_input(ids, *, probability=0.15, **settings):
    return _mask(ids, probability=probability, **_settings(settings), inplace=True)  # wrong


def draws_specials(ids, *, probability=0.15, **settings):
    settings = _settings(settings) | {"drawn": list(range(settings["vocab_size"]))}  # wrong: [PAD] and [MASK] too
    return _mask(ids, probability=probability, **settings)


def masks_specials(ids, *, probability=0.15, **settings):
    return _mask(ids, probability=probability, **_settings(settings), spare=False)  # wrong


def own_randomness(ids, *, rng, **settings):
    return mask_tokens(ids, rng=np.random.default_rng(), **settings)  # wrong: the rng passed in is ignored


def labels_what_is_shown(ids, *, probability=0.15, **settings):
    shown, labels = mask_tokens(ids, probability=probability, **settings)
    return shown, torch.where(labels != -100, shown, -100)  # wrong: the label is what stood there


def labels_everything(ids, **settings):
    shown, _ = mask_tokens(ids, **settings)
    return shown, ids.clone()  # wrong: the loss would run over tokens that are in plain sight


def masked_once(batches):
    """A stream that is masked at preprocessing and served again and again."""
    stored = [mask_tokens(**batch) for batch in batches]
    return lambda epoch, number: stored[number]  # wrong: every epoch shows the same holes


BUGS = (
    eighty_one_ten_nine,
    changes_its_input,
    draws_specials,
    masks_specials,
    own_randomness,
    labels_what_is_shown,
    labels_everything,
)
