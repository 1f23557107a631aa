"""Masking: rates, randomness, what is spared; the published bugs are caught by the very check that ours passes."""

import checks
import numpy as np
import pytest
import torch
from bug_zoo import masking_bugs

from bertlib.text.masking import mask_tokens
from bertlib.text.pair_stream import PretrainingData

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


class Drawn:
    """An rng whose draws are written down: those of the selection, then those of the fate."""

    def __init__(self, *draws):
        self.draws = list(draws)

    def random(self, shape, dtype):
        return np.array(self.draws.pop(0), dtype=dtype).reshape(shape)

    def integers(self, high, size):
        return np.arange(size) % high


def test_where_the_shares_begin_and_end():
    below_half, below_08, below_09 = (np.nextafter(np.float32(share), np.float32(0)) for share in (0.5, 0.8, 0.9))
    ids = torch.full((6,), 9)
    _, labels = mask_tokens(ids, **SETTINGS, rng=Drawn([0, 0.2, below_half, 0.5, 0.6, 0.9], [0] * 6), probability=0.5)
    assert labels.tolist() == [9, 9, 9, -100, -100, -100]
    shown, _ = mask_tokens(ids, **SETTINGS, rng=Drawn([0] * 6, [0, below_08, 0.8, below_09, 0.9, 0.99]))
    assert shown.tolist() == [4, 4, 9, 9, 5, 6]  # [MASK], as they are, the first ordinary ids


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


def test_words_in_a_row_of_any_shape():
    """A row that begins in the middle of a text begins a word; and words are looked for along the last dimension."""
    ids = torch.tensor([10, 40, 41, 12, 40, 13]).expand(2, 300, 6)
    settings = SETTINGS | {"continuation_ids": [40, 41], "probability": 0.5}
    shown, labels = mask_tokens(ids, **settings, rng=rng())
    selected = labels.flatten(0, 1) != -100
    for word in ([0, 1, 2], [3, 4]):
        assert (selected[:, word].all(dim=1) == selected[:, word].any(dim=1)).all()
    assert (selected[:, 0] != selected[:, 3]).any()
    for shape in ((600, 6), (600 * 6,)):  # in one long row the words are the same: every 6th token begins one
        other = mask_tokens(ids.reshape(shape), **settings, rng=rng())
        assert torch.equal(other[0].view_as(shown), shown) and torch.equal(other[1].view_as(labels), labels)


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


def test_ids_below_zero():
    with pytest.raises(ValueError, match="input_ids lie in -1 … 9"):
        mask_tokens(torch.tensor([[9, -1]]), **SETTINGS, rng=rng())


@pytest.mark.parametrize("mask_token_id", [0, 49])
def test_first_and_last_id_may_be_the_mask(mask_token_id):
    settings = SETTINGS | {"mask_token_id": mask_token_id, "special_ids": [1], "probability": 0.9}
    shown, _ = mask_tokens(torch.full((99,), 9), **settings, rng=rng())
    assert (shown == mask_token_id).sum() > 50


@pytest.mark.parametrize("dtype", [torch.float32, torch.bool])
def test_ids_that_are_no_integers(dtype):
    with pytest.raises(TypeError, match=rf"dtype {dtype}: give integers"):
        mask_tokens(torch.ones(2, 2, dtype=dtype), **SETTINGS, rng=rng())
