import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers

from bertlib.data.encoders import encoder_folder
from bertlib.text.batching import encode_texts, length_buckets, pack, pad_batch, padding_share
from bertlib.text.wordpiece import load_tokenizer


def random_lengths(seed):
    rng = np.random.default_rng(seed)
    return rng.integers(1, 129, size=rng.integers(1, 700)).tolist(), int(rng.integers(1, 40))


@pytest.mark.parametrize("seed", range(25))
def test_every_example_comes_exactly_once(seed):
    lengths, batch_size = random_lengths(seed)
    for rng in (None, np.random.default_rng(seed)):
        batches = length_buckets(lengths, batch_size, rng)
        assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
        assert all(1 <= len(batch) <= batch_size for batch in batches)
        assert len(batches) == -(-len(lengths) // batch_size)


@pytest.mark.parametrize("seed", range(10))
def test_number_of_batches_is_the_same_each_epoch(seed):
    lengths, batch_size = random_lengths(seed)
    counts = {len(length_buckets(lengths, batch_size, np.random.default_rng((0, epoch)))) for epoch in (0, 1)}
    assert counts == {-(-len(lengths) // batch_size)}


def test_epochs_differ_and_seeds_repeat():
    lengths = np.random.default_rng(0).integers(1, 60, size=400).tolist()

    def run(*seed):
        return length_buckets(lengths, 8, np.random.default_rng(seed))

    assert run(0, 0) == run(0, 0)
    assert run(0, 0) != run(0, 1)
    assert run(0, 0) != run(1, 0)
    neighbours = [{frozenset(batch) for batch in run(0, epoch)} for epoch in (0, 1)]
    assert not neighbours[0] & neighbours[1]


def test_a_small_set_has_other_neighbours_each_epoch():
    """A set that fits into few batches, too: sorting it exactly would keep every batch for ever."""
    lengths = np.random.default_rng(0).integers(10, 60, size=64).tolist()
    batches = [length_buckets(lengths, 8, np.random.default_rng((0, epoch))) for epoch in (0, 1)]
    first = {index: number for number, batch in enumerate(batches[0]) for index in batch}
    kept = [first[one] == first[other] for batch in batches[1] for one in batch for other in batch if one != other]
    assert np.mean(kept) < 0.7


def test_short_texts_do_not_all_come_first():
    lengths = list(range(1, 801))
    batches = length_buckets(lengths, 8, np.random.default_rng(0))
    means = np.array([np.mean([lengths[i] for i in batch]) for batch in batches])
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.5


def test_without_rng_the_split_is_by_length():
    assert length_buckets([5, 1, 4, 2, 3], 2) == [[1, 3], [4, 2], [0]]


@pytest.mark.parametrize("seed", range(10))
def test_padding_shrinks(seed):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(4, 129, size=500).tolist()
    naive = rng.permutation(500).reshape(-1, 20).tolist()
    shuffled = padding_share(lengths, length_buckets(lengths, 20, rng))
    by_length = padding_share(lengths, length_buckets(lengths, 20))
    assert by_length <= shuffled < padding_share(lengths, naive) / 3
    assert padding_share(lengths, naive) <= padding_share(lengths, naive, pad_to=128)


def test_padding_share_by_hand():
    assert padding_share([4, 2, 1, 1], [[0, 1], [2, 3]]) == pytest.approx(2 / 10)
    assert padding_share([4, 2, 1, 1], [[0, 1], [2, 3]], pad_to=8) == pytest.approx(24 / 32)
    assert padding_share([3, 3], [[0, 1]]) == 0


@pytest.mark.parametrize("seed", range(10))
def test_pad_batch(seed):
    rng = np.random.default_rng(seed)
    sequences = [rng.integers(1, 99, size=rng.integers(1, 12)).tolist() for _ in range(rng.integers(1, 9))]
    ids, mask = pad_batch(sequences, 7)
    assert ids.dtype == mask.dtype == torch.long
    assert ids.shape == mask.shape == (len(sequences), max(map(len, sequences)))
    for row, row_mask, sequence in zip(ids.tolist(), mask.tolist(), sequences, strict=True):
        rest = ids.size(1) - len(sequence)
        assert row == sequence + [7] * rest
        assert row_mask == [1] * len(sequence) + [0] * rest


def test_token_that_looks_like_padding_counts_as_a_token():
    _, mask = pad_batch([[2, 0, 3], [2, 3]], 0)
    assert mask.tolist() == [[1, 1, 1], [1, 1, 0]]


def test_no_examples():
    with pytest.raises(ValueError, match=r"lengths is empty: .*at least one example"):
        length_buckets([], 4)


@pytest.mark.parametrize("batch_size", [0, -3])
def test_batch_size_below_one(batch_size):
    with pytest.raises(ValueError, match=f"batch_size={batch_size}: give at least 1"):
        length_buckets([1, 2], batch_size)


def test_encode_texts_cuts_and_keeps_the_closing_sep(tokenizer):
    short, long = encode_texts(tokenizer, ["goal", "goal match team coach"], 4)
    assert short == [2, 5, 3]
    assert long == [2, 5, 6, 3]


def test_encoding_leaves_the_tokenizer_as_it_was(tokenizer):
    encode_texts(tokenizer, ["goal"], 4)
    assert tokenizer.truncation is None
    assert tokenizer.padding is None
    tokenizer.enable_padding(length=9)
    assert encode_texts(tokenizer, ["goal"], 4) == [[2, 5, 3]]


class Interrupted:
    """A tokenizer that encodes another thread's texts, cut to another length, while it is at its own."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def __getattr__(self, name):
        return getattr(self.tokenizer, name)

    def encode_batch(self, texts):
        assert encode_texts(self.tokenizer, ["bank share profit market"], 5) == [[2, 9, 10, 11, 3]]
        return self.tokenizer.encode_batch(texts)


def test_threads_may_share_a_tokenizer(tokenizer):
    assert encode_texts(Interrupted(tokenizer), ["goal match team coach"], 4) == [[2, 5, 6, 3]]


def test_encode_texts_cuts_as_the_tokenizer_would():
    """Also one without [CLS] and [SEP], and texts that just fit."""
    bare = Tokenizer(models.WordLevel({letter: number for number, letter in enumerate("?abcde")}, unk_token="?"))
    bare.pre_tokenizer = pre_tokenizers.Whitespace()
    for tokenizer in (load_tokenizer(encoder_folder("minilm")), bare):
        texts = ["a b c d e", "the goals of the match", "a"]
        for max_length in range(3, 9):
            cut = encode_texts(tokenizer, texts, max_length)
            tokenizer.enable_truncation(max_length)
            assert cut == [encoding.ids for encoding in tokenizer.encode_batch(texts)]


@pytest.mark.parametrize(
    "texts, message",
    [
        ([], "at least one text"),
        ("goal", "give a list"),
        (["goal", ""], r"texts\[1\] is ''"),
        (["goal", " \n"], r"texts\[1\] is ' \\n': every text"),
        ([None], r"texts\[0\] is None: every text must be a string"),
        (["goal", 7], r"texts\[1\] is 7"),
    ],
)
def test_texts_that_cannot_be_encoded(tokenizer, texts, message):
    with pytest.raises(ValueError, match=message):
        encode_texts(tokenizer, texts, 8)


def test_smallest_sizes_that_are_allowed(tokenizer):
    assert encode_texts(tokenizer, ["goal match"], 3) == [[2, 5, 3]]
    assert length_buckets([2, 1], 1) == [[1], [0]]
    assert pack([1, 1], 1) == [[0], [1]]


def test_max_length_without_room_for_a_token(tokenizer):
    with pytest.raises(ValueError, match="max_length=2: give at least 3"):
        encode_texts(tokenizer, ["goal"], 2)


@pytest.mark.parametrize("seed", range(25))
def test_packing_keeps_every_sequence_whole_and_fills_rows(seed):
    lengths, _ = random_lengths(seed)
    rows = pack(lengths, 128)
    assert sorted(index for row in rows for index in row) == list(range(len(lengths)))
    filled = [sum(lengths[i] for i in row) for row in rows]
    assert max(filled) <= 128
    assert len(rows) <= 1.25 * sum(lengths) / 128 + 2  # best fit decreasing: 11/9 of the best, and little more
    assert sum(f <= 64 for f in filled) <= 1  # two half-empty rows would have been one


def test_packing_by_hand():
    assert pack([3, 8, 5, 2, 10, 2], 10) == [[4], [1, 5], [2, 0, 3]]
    assert pack([], 10) == []


@pytest.mark.parametrize("lengths", [[3, 0], [3, 11]])
def test_sequences_that_cannot_be_packed(lengths):
    with pytest.raises(ValueError, match=r"lengths\[1\] = (0|11): give 1 to max_length=10 tokens"):
        pack(lengths, 10)
