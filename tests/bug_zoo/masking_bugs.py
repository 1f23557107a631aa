"""Masking as it was published, with its bugs: labml_nn's transformers/mlm and others."""

import numpy as np
import torch

from bertlib.text.masking import mask_tokens


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


def tenth_of_the_rest(ids, *, probability=0.15, **settings):
    """Random tokens as a tenth of what is left after the 80 %: 80/2/18."""
    return _mask(ids, probability=probability, **_settings(settings) | {"shares": (0.8, 0.82)})  # wrong


def same_holes_in_every_row(ids, *, probability=0.15, rng, **settings):
    """One drawn pattern, laid over the whole batch."""
    selected = torch.from_numpy(rng.random(ids.shape[-1]) < probability).expand(ids.shape)  # wrong: a row's draws
    shown, labels = _mask(ids, probability=1.0, rng=rng, **_settings(settings))
    return torch.where(selected, shown, ids), torch.where(selected, labels, -100)


def changes_its_input(ids, *, probability=0.15, **settings):
    return _mask(ids, probability=probability, **_settings(settings), inplace=True)  # wrong


def draws_specials(ids, *, probability=0.15, **settings):
    settings = _settings(settings) | {"drawn": list(range(settings["vocab_size"]))}  # wrong: [PAD] and [MASK] too
    return _mask(ids, probability=probability, **settings)


def masks_specials(ids, *, probability=0.15, **settings):
    return _mask(ids, probability=probability, **_settings(settings), spare=False)  # wrong


def own_randomness(ids, *, rng, **settings):
    return mask_tokens(ids, rng=np.random.default_rng(), **settings)  # wrong: the rng passed in is ignored


def global_generator(ids, *, rng, **settings):
    torch.rand(1)  # wrong: as labml_nn does, which calls torch.rand for all of its draws
    return mask_tokens(ids, rng=np.random.default_rng(torch.initial_seed()), **settings)


def moves_the_global_generator(ids, *, rng, **settings):
    np.random.random()  # noqa: NPY002 - wrong: whatever else draws from it changes with every batch
    return mask_tokens(ids, rng=rng, **settings)


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


def tears_words(ids, *, continuation_ids, **settings):
    return mask_tokens(ids, **settings)  # wrong: every piece takes its own draw


def piece_after_a_special_is_special(ids, *, continuation_ids, special_ids, **settings):
    shown, labels = mask_tokens(ids, continuation_ids=continuation_ids, special_ids=special_ids, **settings)
    special = torch.isin(ids, torch.tensor(special_ids))
    pieces = torch.isin(ids, torch.tensor(continuation_ids))
    for place in range(1, ids.size(-1)):
        special[:, place] |= pieces[:, place] & special[:, place - 1]  # wrong: [SEP] ##ing is taken for one word
    return torch.where(special, ids, shown), torch.where(special, -100, labels)


def one_fate_a_word(ids, *, continuation_ids, **settings):
    shown, labels = mask_tokens(ids, continuation_ids=continuation_ids, **settings)
    pieces = torch.isin(ids, torch.tensor(continuation_ids)) & (labels != -100)
    for place in range(1, ids.size(-1)):  # wrong: A.1 draws the three ways for each token
        follows = pieces[:, place] & (shown[:, place - 1] == settings["mask_token_id"])
        shown[follows, place] = settings["mask_token_id"]
    return shown, labels


WORD_BUGS = (tears_words, piece_after_a_special_is_special, one_fate_a_word)

BUGS = (
    eighty_one_ten_nine,
    tenth_of_the_rest,
    same_holes_in_every_row,
    changes_its_input,
    draws_specials,
    masks_specials,
    own_randomness,
    global_generator,
    labels_what_is_shown,
    labels_everything,
)
