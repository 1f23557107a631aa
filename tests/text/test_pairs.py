"""Next-sentence pairs: they do not lie, give nothing away, lose no text; the published bugs are caught."""

import checks
import numpy as np
import pytest
from bug_zoo import mlm_losses, pair_bugs

from bertlib import BertForPreTraining
from bertlib.data.catalog import load
from bertlib.data.columns import documents_of
from bertlib.data.encoders import encoder_folder
from bertlib.text.pairs import Pair, cut_to_fit, false_segment, next_sentence_pairs
from bertlib.text.wordpiece import load_tokenizer


def rng(seed=0):
    return np.random.default_rng(seed)


def telling_documents(count=60, sentences=25, lengths=(1, 9)):
    """Token = document · 1000 + place among the document's tokens, so that each tells where it stands."""
    draw, documents = rng(7), []
    for number in range(1, count + 1):
        tokens = iter(range(number * 1000, number * 1000 + 1000))
        documents.append([[next(tokens) for _ in range(draw.integers(*lengths))] for _ in range(sentences)])
    return documents


def test_pairs_do_not_lie():
    checks.pairs_do_not_lie(next_sentence_pairs, telling_documents())


@pytest.mark.parametrize("bug", pair_bugs.BUGS, ids=lambda bug: bug.__name__)
def test_pair_bugs_are_caught(bug):
    with pytest.raises(AssertionError):
        checks.pairs_do_not_lie(bug, telling_documents())


@pytest.mark.parametrize(
    "check, bugs",
    [
        (checks.true_next_is_never_a_false_b, [pair_bugs.another_document_is_enough, pair_bugs.any_document]),
        (
            checks.short_documents_get_both_labels,
            [pair_bugs.lone_sentence_is_always_false, pair_bugs.short_documents_are_always_true],
        ),
    ],
    ids=["true next", "short documents"],
)
def test_other_lies(check, bugs):
    check(next_sentence_pairs)
    for bug in bugs:
        with pytest.raises(AssertionError):
            check(bug)


@pytest.fixture(scope="module")
def bbc():
    tokenizer = load_tokenizer(encoder_folder("minilm"))
    documents = documents_of(load("bbc_news")["validation"])
    return [[e.ids for e in tokenizer.encode_batch(document, add_special_tokens=False)] for document in documents]


def test_nothing_but_the_content_gives_a_pair_away(bbc):
    checks.nothing_but_content_tells_the_label(next_sentence_pairs, bbc)
    with pytest.raises(AssertionError):
        checks.nothing_but_content_tells_the_label(pair_bugs.filled_to_the_brim, bbc)


def test_nsp_head_reads_the_pooled_cls(tiny_config, batch):
    checks.nsp_head_reads_pooled_cls(BertForPreTraining(tiny_config), batch)
    with pytest.raises(AssertionError):
        checks.nsp_head_reads_pooled_cls(mlm_losses.NSPReadsAllTokens(tiny_config), batch)


def test_true_windows_are_running_text_and_false_ones_lose_none(bbc):
    pairs = next_sentence_pairs(bbc, max_length=128, rng=rng(), short_share=0.0)
    seen = {}
    for pair in pairs:
        own = pair.documents[0]
        seen.setdefault(own, []).extend(pair.first + (pair.second if pair.label == 0 else []))
    for number, document in enumerate(bbc):
        flat = [token for sentence in document for token in sentence]
        share = len(seen.get(number, [])) / len(flat)
        assert share <= 1
    total = sum(len(tokens) for tokens in seen.values()) / sum(len(s) for d in bbc for s in d)
    assert total > 0.9  # the rest: a document's last sentence that stood alone, or was replaced


def test_lengths(bbc):
    for max_length in (5, 16, 64, 128):
        pairs = next_sentence_pairs(bbc[:40], max_length=max_length, rng=rng())
        lengths = [len(pair.first) + len(pair.second) + 3 for pair in pairs]
        assert max(lengths) <= max_length
        assert min(len(part) for pair in pairs for part in (pair.first, pair.second)) >= 1
    full = next_sentence_pairs(bbc, max_length=64, rng=rng(), short_share=0.0)
    short = next_sentence_pairs(bbc, max_length=64, rng=rng(), short_share=1.0)
    assert len(short) > 1.05 * len(full)


def test_windows_hold_as_many_whole_sentences_as_fit():
    documents = telling_documents(6, 30, lengths=(2, 5))
    starts = {sentence[0] for document in documents for sentence in document}
    ends = {sentence[-1] for document in documents for sentence in document}
    for seed in range(20):
        for pair in next_sentence_pairs(documents, max_length=23, rng=rng(seed), short_share=seed % 3 / 2):
            assert pair.first[0] in starts and pair.first[-1] in ends
            assert pair.second[0] in starts and pair.second[-1] in ends
    words = [[[number * 1000 + place] for place in range(101)] for number in range(4)]
    pairs = next_sentence_pairs(words, max_length=23, rng=rng(), short_share=0.0)
    true = [pair for pair in pairs if pair.label == 0 and pair.second[-1] % 1000 != 100]  # not at a document's end
    assert {len(pair.first) + len(pair.second) for pair in true} == {20}
    lengths = [
        len(pair.first) + len(pair.second)
        for seed in range(20)
        for pair in next_sentence_pairs(words, max_length=23, rng=rng(seed), short_share=1.0)
    ]
    assert min(lengths) == 2 and max(lengths) == 20


def test_a_false_b_is_as_long_as_the_true_one_could_have_been():
    """Up to the window's end where the document goes on; at a document's end no longer than what was left of it."""
    short = [[[number] * 3 for _ in range(9)] for number in range(4)]  # of 27 tokens, all in one window
    pairs = [pair for seed in range(9) for pair in next_sentence_pairs(short, max_length=63, rng=rng(seed))]
    assert max(len(pair.first) + len(pair.second) for pair in pairs) == 27
    long = [*([[number] * 3 for _ in range(60)] for number in range(2)), *([[number]] * 200 for number in (2, 3))]
    sizes = [
        len(pair.first) + len(pair.second)
        for pair in next_sentence_pairs(long, max_length=23, rng=rng(), short_share=0.0)
        if pair.label == 1 and pair.documents[0] < 2 and pair.documents[1] >= 2
    ]
    assert max(sizes) == 20  # six sentences of three would be 18; single tokens fill the rest


class Drawn:
    """An rng whose draws are written down."""

    def __init__(self, *draws):
        self.draws = list(draws)

    def integers(self, low, high=None):
        number = self.draws.pop(0) if len(self.draws) > 1 else self.draws[0]
        return max(number, low) if high is not None else number


@pytest.mark.parametrize(
    "wanted, limit, expected",
    [
        (5, 6, [1, 1, 1, 2, 2]),
        (5, 5, [1, 1, 1, 2, 2]),  # just fits
        (5, 4, [1, 1, 1]),
        (4, 6, [1, 1, 1, 2, 2]),  # half of the next sentence is wanted still
        (3, 6, [1, 1, 1]),
        (1, 3, [1, 1, 1]),
        (9, 9, [1, 1, 1, 2, 2, 3, 3, 3]),
        (5, 2, [1, 1, 1]),  # too long, but there is nothing else
    ],
)
def test_false_segment_by_hand(wanted, limit, expected):
    documents = [[[9]], [[0], [1, 1, 1], [2, 2], [3, 3, 3]]]
    assert false_segment(documents, [1], 0, [9], wanted, limit, Drawn(0)) == (1, expected)


def test_false_segment_takes_the_first_that_fits():
    documents = [[[9]], [[0], [1, 1, 1]], [[0], [2]]]
    assert false_segment(documents, [1, 2], 0, [9], 3, 3, Drawn(0, 1, 1, 1)) == (1, [1, 1, 1])
    assert false_segment(documents, [1, 2], 0, [9], 2, 2, Drawn(0, 1, 1, 1)) == (2, [2])


def test_false_segment_looks_on():
    documents = [[[9]], [[5], [9]], [[0], [8], [7]]]
    assert false_segment(documents, [0, 1, 2], 0, [9], 1, 1, Drawn(0, 1, 1, 2, 1)) == (2, [8])  # own one, what follows
    with pytest.raises(ValueError, match="document 0: remove documents that repeat"):
        false_segment(documents, [1], 0, [9], 1, 1, Drawn(0, 1, 0, 1, 0))


@pytest.mark.parametrize(
    "first, second, budget, expected",
    [
        ("abc", "xyz", 6, ("abc", "xyz")),
        ("abcde", "xy", 4, ("de", "xy")),  # the longer one alone, at its front
        ("ab", "vwxyz", 4, ("ab", "vw")),  # or at its end
        ("abcde", "xy", 3, ("de", "x")),
        ("abc", "xyz", 3, ("bc", "x")),
        ("abcdef", "xyz", 2, ("f", "x")),
        ("abc", "uvwxyz", 4, ("bc", "uv")),
    ],
)
def test_cut_to_fit(first, second, budget, expected):
    assert tuple("".join(part) for part in cut_to_fit(list(first), list(second), budget)) == expected


def test_everything_random_comes_from_the_rng(bbc):
    for builder in (next_sentence_pairs, pair_bugs.own_randomness, pair_bugs.moves_the_global_generator):

        def pairs(rng, builder=builder):
            return builder(bbc[:30], max_length=64, rng=rng)

        if builder is next_sentence_pairs:
            checks.everything_random_comes_from_the_rng(pairs)
        else:
            with pytest.raises(AssertionError):
                checks.everything_random_comes_from_the_rng(pairs)


def test_documents_stay_as_they_were():
    documents = telling_documents(5, 5)
    checks.inputs_stay_as_they_were(lambda given: next_sentence_pairs(given, max_length=20, rng=rng()), documents)


def test_topics():
    documents = telling_documents(20, 10)
    topics = [number % 3 for number in range(20)]
    pairs = next_sentence_pairs(documents, max_length=24, rng=rng(), topics=topics)
    for pair in pairs:
        own, other = pair.documents
        assert topics[own] == topics[other]
        assert (own == other) == (pair.label == 0)


def test_join():
    ids, segments = Pair([7, 8], [9], 0, (0, 0)).join(2, 3)
    assert ids == [2, 7, 8, 3, 9, 3]
    assert segments == [0, 0, 0, 0, 1, 1]


def test_one_sentence_documents_have_no_pair_but_may_lend():
    documents = [[[1], [2], [3]], [[9]]]
    labels = set()
    for seed in range(20):
        for pair in next_sentence_pairs(documents, max_length=8, rng=rng(seed)):
            labels.add(pair.label)
            assert pair.documents[0] == 0
            assert pair.second == [9] if pair.label else pair.second != [9]
    assert labels == {0, 1}


def test_one_sentence_documents_lend_only_where_two_others_cannot():
    documents = [[[1], [2]], [[3], [4]], [[9]]]
    for seed in range(20):
        for pair in next_sentence_pairs(documents, max_length=8, rng=rng(seed)):
            assert pair.second != [9]


def test_smallest_and_largest_settings():
    documents = [[[1, 1], [2, 2]], [[3, 3], [4, 4]]]
    for share in (0, 1):
        for pair in next_sentence_pairs(documents, max_length=5, rng=rng(), short_share=share):
            assert len(pair.first) == len(pair.second) == 1


@pytest.mark.parametrize(
    "documents, settings, message",
    [
        ([[[1], [2]], [[3], [4]]], {"max_length": 4}, "max_length=4: a pair needs at least 5 tokens"),
        ([], {}, "none of the 0 documents has two sentences"),
        ([[[1]], [[2]], []], {}, "none of the 3 documents has two sentences"),
        ([[[1], []], [[2]]], {}, "none of the 2 documents has two sentences"),
        ([[[1], [2], [3]]], {}, "the corpus has only one document with text"),
        ([[[1], [2]], [[3], [4]]], {"topics": ["a"]}, "topics names 1 topics for 2 documents"),
        ([[[1], [2]], [[3], [4]]], {"topics": ["a", "b"]}, "topic 'a' has only one document"),
        ([[[1], [2]]] * 3, {"max_length": 5}, "documents that repeat each other"),
        ([[[1], [2]], [[3], [4]]], {"short_share": 2}, "short_share=2: give a share"),
        ([[[1], [2]], [[3], [4]]], {"short_share": 1.01}, "short_share=1.01"),
        ([[[1], [2]], [[3], [4]]], {"short_share": -0.01}, "short_share=-0.01"),
    ],
)
def test_bad_input(documents, settings, message):
    with pytest.raises(ValueError, match=message):
        for seed in range(20):
            next_sentence_pairs(documents, **{"max_length": 16} | settings, rng=rng(seed))
