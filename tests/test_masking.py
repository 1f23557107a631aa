"""Masking: rates, randomness, what is spared; the published bugs are caught by the very check that ours passes."""

import checks
import numpy as np
import pytest
import torch
from bug_zoo import masking_bugs

from bertlib.masking import mask_tokens
from bertlib.pretrain import PretrainingData

SETTINGS = {"vocab_size": 50, "mask_token_id": 4, "special_ids": [0, 1, 2, 3, 4]}


def rng(seed=0):
    return np.random.default_rng(seed)


def test_masks_as_bert_does():
    checks.masks_as_bert_does(mask_tokens)


@pytest.mark.parametrize("bug", masking_bugs.BUGS, ids=lambda bug: bug.__name__)
def test_masking_bugs_are_caught(bug):
    with pytest.raises(AssertionError):
        checks.masks_as_bert_does(bug)


def test_masks_change_from_epoch_to_epoch():
    ids = torch.randint(5, 50, (4, 30))
    checks.masks_change_from_epoch_to_epoch(
        lambda epoch, number: mask_tokens(ids, **SETTINGS, rng=rng((epoch, number)))
    )
    stored = masking_bugs.masked_once([{"input_ids": ids, **SETTINGS, "rng": rng()}])
    with pytest.raises(AssertionError):
        checks.masks_change_from_epoch_to_epoch(stored)


def test_masks_of_the_pretraining_stream_change_from_epoch_to_epoch(tokenizer):
    texts = [["good team and bad coach", "the goal of the match"], ["the bank and the market", "bad share of profit"]]
    data = PretrainingData(texts, tokenizer, max_length=16, batch_size=4, probability=0.5, show_progress=False)
    one_pass = len(data.batches_of_pass(0))

    def batch_of(epoch, number):
        batch = data.batch(epoch * one_pass + number)
        return batch["input_ids"], batch["labels"]

    checks.masks_change_from_epoch_to_epoch(batch_of)


def test_everything_random_comes_from_the_rng():
    ids = torch.randint(5, 50, (40, 30))
    checks.everything_random_comes_from_the_rng(lambda rng: mask_tokens(ids, **SETTINGS, rng=rng))
    for bug in (masking_bugs.own_randomness, masking_bugs.global_generator, masking_bugs.moves_the_global_generator):
        with pytest.raises(AssertionError):
            checks.everything_random_comes_from_the_rng(lambda rng, bug=bug: bug(ids, **SETTINGS, rng=rng))


def test_positions_are_independent():
    _, labels = mask_tokens(torch.full((50_000, 8), 9), **SETTINGS, rng=rng())
    selected = (labels != -100).float()
    correlation = np.corrcoef(selected.numpy().T) - np.eye(8)
    assert np.abs(correlation).max() < 5 / 50_000**0.5
    checks.within_five_sigma(selected[:, 0].sum(), 50_000, 0.15)


@pytest.mark.parametrize("probability", [0.01, 0.4, 0.99])
def test_other_rates(probability):
    _, labels = mask_tokens(torch.full((300, 300), 9), **SETTINGS, rng=rng(), probability=probability)
    checks.within_five_sigma((labels != -100).sum(), 90_000, probability)


@pytest.mark.parametrize("shape", [(7,), (2, 7), (2, 3, 7), (0, 5), (1, 1)])
@pytest.mark.parametrize("dtype", [torch.int64, torch.int32])
def test_shapes_and_dtypes(shape, dtype):
    shown, labels = mask_tokens(torch.full(shape, 9, dtype=dtype), **SETTINGS, rng=rng())
    assert shown.shape == labels.shape == shape
    assert shown.dtype == labels.dtype == torch.int64


def test_nothing_but_specials_selects_nothing():
    ids = torch.tensor([[2, 3, 0, 0]])
    shown, labels = mask_tokens(ids, **SETTINGS, rng=rng(), probability=0.99)
    assert torch.equal(shown, ids)
    assert (labels == -100).all()


def test_the_mask_itself_counts_as_special():
    settings = SETTINGS | {"special_ids": [0, 1, 2, 3]}
    shown, labels = mask_tokens(torch.full((200, 200), 9), **settings, rng=rng())
    assert (labels[labels != -100] == 9).all()
    other = shown[(shown != 9) & (shown != 4)]
    assert (other > 4).all()


# ------------------------------------------------------------------------------------------------ whole words


def test_whole_words_stay_whole():
    checks.whole_words_stay_whole(mask_tokens)


@pytest.mark.parametrize("bug", masking_bugs.WORD_BUGS, ids=lambda bug: bug.__name__)
def test_torn_words_are_caught(bug):
    with pytest.raises(AssertionError):
        checks.whole_words_stay_whole(bug)


# --------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize("probability", [0, 1, -0.1, 1.5, float("nan")])
def test_rates_out_of_range(probability):
    with pytest.raises(ValueError, match=r"probability=.* give a share above 0 and below 1"):
        mask_tokens(torch.tensor([[9]]), **SETTINGS, rng=rng(), probability=probability)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"mask_token_id": 50}, "mask_token_id=50: give an id from 0 to 49"),
        ({"mask_token_id": -1}, "mask_token_id=-1"),
        ({"special_ids": range(50)}, "special_ids are all of the 50 ids"),
        ({"special_ids": [0, 50]}, "special_ids holds 50: give ids from 0 to 49"),
        ({"special_ids": [-1]}, "special_ids holds -1"),  # would count from the end of a table
        ({"vocab_size": 9}, "input_ids lie in 9 … 9: they must be at least 0 and below vocab_size=9"),
    ],
)
def test_ids_out_of_range(change, message):
    with pytest.raises(ValueError, match=message):
        mask_tokens(torch.tensor([[9]]), **SETTINGS | change, rng=rng())


def test_ids_that_are_no_integers():
    with pytest.raises(TypeError, match=r"dtype torch\.float32: give integers"):
        mask_tokens(torch.ones(2, 2), **SETTINGS, rng=rng())
