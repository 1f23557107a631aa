"""Answers in windows: the best spans, what each window is asked for, and which stretch of the text comes out."""

import unicodedata
from itertools import pairwise

import checks
import numpy as np
import pytest
from bug_zoo import answer_bugs

from bertlib.data.encoders import encoder_folder
from bertlib.text.answers import KEPT, LONGEST, Reading, Spans, best_spans, pieces_of, read_with_questions
from bertlib.text.tokenizer import load_tokenizer
from bertlib.text.windows import cut_into_pieces
from bertlib.text.wordpiece import word_spans

WORDS = "José Café cafe\u0301s Jose\u0301 naïve Zürich Å A\u030a 東京 首都は東京 Tokyo U.S."
WORDS += " well-known 3.5% (2004) “quoted” O'Neill … — the antidisestablishment can\x01not zero\u200bwidth"
WORDS += " 😀 ❤\ufe0f हिन्दी 한국어 Москва İstanbul ﬁne x²"
WORDS = WORDS.split()
SPACES = [" ", " ", " ", "  ", "\n", "\r\n", "\n\n", "\t", "\u00a0", ""]


@pytest.fixture(scope="module")
def minilm():
    return load_tokenizer(encoder_folder("minilm"))


def random_text(rng, size):
    return "".join(f"{rng.choice(WORDS)}{rng.choice(SPACES)}" for _ in range(size)) + "end"


# ------------------------------------------------------------------------------------------------------ best spans


def test_the_best_spans_are_those_of_brute_force():
    checks.best_spans_are_those_of_brute_force(best_spans)


@pytest.mark.parametrize(
    "bug", [answer_bugs.ends_before_it_begins, answer_bugs.of_any_length, answer_bugs.one_too_long]
)
def test_other_spans_are_caught(bug):
    with pytest.raises(AssertionError):
        checks.best_spans_are_those_of_brute_force(bug)


def test_spans_by_hand():
    starts, ends = np.array([0.0, 5.0, 1.0, -np.inf]), np.array([9.0, -1.0, 2.0, 4.0])
    assert best_spans(starts, ends, 3) == [(0, 0, 9.0), (1, 3, 9.0), (1, 2, 7.0)]  # (1, 0) would be 14
    assert best_spans(starts, ends, 3, 2) == [(0, 0, 9.0), (1, 2, 7.0), (2, 3, 5.0)]
    assert best_spans(starts, ends, 1, 1) == [(0, 0, 9.0)]
    assert len(best_spans(starts, ends, 100)) == 9  # all there are, and no impossible one
    assert best_spans(np.full(4, -np.inf), ends, 3) == []
    assert [type(number) for number in best_spans(starts, ends, 1)[0]] == [int, int, float]


def test_an_answer_has_thirty_pieces_at_most_and_twenty_are_kept():
    """As in google-research/bert, run_squad.py: max_answer_length and n_best_size."""
    assert (LONGEST, KEPT) == (30, 20)
    starts, ends = np.zeros(60), np.zeros(60)
    starts[10] = ends[39] = 5
    assert best_spans(starts, ends, 1) == [(10, 39, 10.0)]
    ends[39], ends[40] = 0, 5
    assert best_spans(starts, ends, 1)[0][2] == 5.0


@pytest.mark.parametrize("longest", [1, 30])
def test_no_tokens_no_spans(longest):
    assert best_spans(np.zeros(0), np.zeros(0), 5, longest) == []


# --------------------------------------------------------------------------------------------------------- windows


def test_windows_hold_the_whole_context(tokenizer):
    checks.windows_hold_the_whole_context(read_with_questions, tokenizer)


@pytest.mark.parametrize("bug", [answer_bugs.skips_tokens, answer_bugs.windows_too_long])
def test_other_windows_are_caught(bug, tokenizer):
    with pytest.raises(AssertionError):
        checks.windows_hold_the_whole_context(bug, tokenizer)


@pytest.mark.parametrize("seed", range(10))
def test_windows_of_any_text(seed, minilm):
    """Their union is the context, and of a context that fits there is one."""
    rng = np.random.default_rng(seed)
    contexts = [random_text(rng, int(rng.integers(1, 120))) for _ in range(6)]
    questions = [random_text(rng, int(rng.integers(1, 4))) for _ in range(6)]
    max_length = int(rng.integers(60, 200))
    sequences, segments, readings, cut = read_with_questions(minilm, questions, contexts, max_length)
    for row, pieces in enumerate(cut):
        own = [reading for reading in readings if reading.row == row]
        held = [piece for reading in own for piece in range(reading.start, reading.end)]
        assert sorted(set(held)) == list(range(len(pieces.ids)))
        assert pieces.ids == minilm.encode(contexts[row], add_special_tokens=False).ids
        room = max_length - own[0].before - 1
        assert (len(own) == 1) == (len(pieces.ids) <= room)
        assert all(reading.end - reading.start == room for reading in own) or len(own) == 1
        shared = [one.end - other.start for one, other in pairwise(own)]
        assert all(overlap >= room // 4 for overlap in shared)  # so that an answer of so many pieces is whole somewhere
    assert max(map(len, sequences)) <= max_length
    assert [len(row) for row in segments] == [len(row) for row in sequences]


def test_a_question_of_any_length_is_read_as_transformers_reads_it(minilm):
    """One window: [CLS] question [SEP] context [SEP], ids and segments."""
    import transformers

    theirs = transformers.BertTokenizer.from_pretrained(encoder_folder("minilm"))
    questions, contexts = ["Who was it?", "Café or naïve?"], ["It was José (2004).\nNobody else.", "東京 U.S. 3.5%"]
    sequences, segments, readings, _ = read_with_questions(minilm, questions, contexts, 60)
    for row, (question, context) in enumerate(zip(questions, contexts, strict=True)):
        expected = theirs(question, context)
        assert (sequences[row], segments[row]) == (expected["input_ids"], expected["token_type_ids"])
        assert readings[row].before == expected["token_type_ids"].index(1)


def test_what_the_tokenizer_was_set_to_changes_nothing(minilm):
    given = (["who is it"], ["goal " * 60], 30)
    expected = read_with_questions(minilm, *given)
    changed = load_tokenizer(encoder_folder("minilm"))
    changed.enable_padding(length=9)
    changed.enable_truncation(2)
    found = read_with_questions(changed, *given)
    assert found[:3] == expected[:3]


def test_one_context_of_many_questions_is_cut_once(tokenizer, monkeypatch):
    from bertlib.text import answers

    seen = []
    monkeypatch.setattr(
        answers, "cut_into_pieces", lambda own, texts: seen.append(texts) or cut_into_pieces(own, texts)
    )
    _, _, readings, cut = read_with_questions(tokenizer, ["a", "b", "a"], ["goal", "bank", "goal"], 20)
    assert seen == [["goal", "bank"]] and cut[0] is cut[2]
    assert [reading.row for reading in readings] == [0, 1, 2]


@pytest.mark.parametrize("pieces, max_length", [(1, 8), (13, 20), (25, 32)])
def test_the_longest_question_that_leaves_room(pieces, max_length, tokenizer):
    question = " ".join(["goal"] * pieces)
    sequences, _, readings, cut = read_with_questions(tokenizer, [question], ["bank of a team and a coach"], max_length)
    assert {len(sequence) for sequence in sequences} == {max_length}
    assert readings[-1].end == len(cut[0].ids)
    message = (
        rf"question 1 has {pieces + 1} pieces: with max_length={max_length} give 1 to {pieces}, so that a window of "
        "the context has room beside it"
    )
    with pytest.raises(ValueError, match=message):
        read_with_questions(tokenizer, ["goal", f"{question} goal"], ["bank", "bank"], max_length)


@pytest.mark.parametrize("max_length", [7, 3, 0, -1])
def test_no_room_for_any_question(max_length, tokenizer):
    with pytest.raises(ValueError, match=rf"max_length={max_length}: give at least 8"):
        read_with_questions(tokenizer, ["goal"], ["bank"], max_length)


@pytest.mark.parametrize("blank", ["", " ", "\n\t", "\u00a0"])
def test_blank_texts(blank, tokenizer):
    with pytest.raises(ValueError, match=r"question 1 is .*: give a text with something in it"):
        read_with_questions(tokenizer, ["goal", blank], ["bank", "bank"], 20)
    with pytest.raises(ValueError, match=r"context 0 is .*: give a text with something in it"):
        read_with_questions(tokenizer, ["goal"], [blank], 20)
    with pytest.raises(ValueError, match="question 0 has 0 pieces"):
        read_with_questions(tokenizer, ["\u200b"], ["bank"], 20)


# ---------------------------------------------------------------------------------------------------------- labels


def test_an_answer_is_labelled_where_it_stands_whole():
    checks.an_answer_is_labelled_where_it_stands_whole(Reading.place)


@pytest.mark.parametrize("bug", [answer_bugs.half_answers, answer_bugs.edge_answers_lost])
def test_other_labels_are_caught(bug):
    with pytest.raises(AssertionError):
        checks.an_answer_is_labelled_where_it_stands_whole(bug)


@pytest.mark.parametrize("seed", range(10))
def test_labels_cut_the_answer_out_of_every_window_or_are_cls(seed, minilm):
    """B4 and B9 on real pieces: the tokens from first to last label give the answer's ids, and an answer that is short
    enough is whole in some window.
    """
    rng = np.random.default_rng(seed)
    context = random_text(rng, 60)
    words = word_spans(context)
    sequences, _, readings, (pieces,) = read_with_questions(minilm, ["Where is it?"], [context], 40)
    for _ in range(20):
        first = int(rng.integers(len(words)))
        last = min(first + int(rng.integers(1, 5)), len(words)) - 1
        span = pieces_of(pieces, (words[first][0], words[last][1]))
        ids, whole = pieces.ids[span[0] : span[1] + 1], 0
        for sequence, reading in zip(sequences, readings, strict=True):
            one, other = reading.place(span)
            if (one, other) == (0, 0):
                assert not (reading.start <= span[0] and span[1] < reading.end)
            else:
                assert sequence[one : other + 1] == ids
                whole += 1
        assert whole or len(ids) > 8  # a quarter of the room


@pytest.mark.parametrize(
    "answer, words",
    [
        ("Jose\u0301", "Jose\u0301"),
        ("Jose", "Jose\u0301"),  # cut before its accent
        ("sang on", "sang on"),
        ("ang o", "sang on"),  # cut within words: those that it touches
        (" sang ", "sang"),
        ("3", "3"),
        ("3.5", "3.5"),
        ("5%", "5%"),
        ("京", "京"),  # of Chinese characters each is a word
        ("antidis", "antidisestablishment"),
        ("!", "!"),
        ("Mr", "Mr"),  # the first word, and the last one
        ("end", "end"),
    ],
)
def test_an_answer_is_the_words_that_it_touches(answer, words, minilm):
    context = "Mr Jose\u0301 sang on 3.5% of 東京, antidisestablishment! The end"
    (pieces,) = cut_into_pieces(minilm, [context])
    start = context.index(answer)
    first, last = pieces_of(pieces, (start, start + len(answer)))
    number = np.cumsum(pieces.first_of_words()) - 1
    assert context[slice(*pieces.place(number[first], number[last] + 1, context))] == words
    begins = pieces.first_of_words()
    assert begins[first] and (last + 1 == len(begins) or begins[last + 1])


@pytest.mark.parametrize("answer", ["\u200b", "\x01", "\u200b\u00ad"])
def test_an_answer_that_no_tokenizer_reads(answer, minilm):
    context = f"goal {answer} of"
    (pieces,) = cut_into_pieces(minilm, [context])
    with pytest.raises(ValueError, match="holds nothing that the tokenizer reads"):
        pieces_of(pieces, (5, 5 + len(answer)))


# ------------------------------------------------------------------------------------------------- over all windows


def test_spans_are_whole_words_of_the_context(tokenizer):
    checks.answers_are_whole_words_of_the_context(Spans, tokenizer)


def test_spans_in_the_question_are_caught(tokenizer):
    with pytest.raises(AssertionError):
        checks.answers_are_whole_words_of_the_context(answer_bugs.AnswersInTheQuestion, tokenizer)


def test_no_answer_is_worth_what_it_is_where_it_is_worth_least(tokenizer):
    checks.nothing_is_worth_what_it_is_where_it_is_worth_least(Spans, tokenizer)


def test_no_answer_that_is_worth_its_most_is_caught(tokenizer):
    with pytest.raises(AssertionError):
        checks.nothing_is_worth_what_it_is_where_it_is_worth_least(answer_bugs.NothingWhereItIsWorthMost, tokenizer)


def test_a_span_of_two_windows_counts_once(tokenizer):
    checks.one_span_of_two_windows_counts_once(Spans, tokenizer)


@pytest.mark.parametrize("bug", [answer_bugs.CountsTwice, answer_bugs.KeepsTheLastWindow])
def test_a_span_that_counts_twice_is_caught(bug, tokenizer):
    with pytest.raises(AssertionError):
        checks.one_span_of_two_windows_counts_once(bug, tokenizer)


@pytest.mark.parametrize("n", [1, 3, 20])
@pytest.mark.parametrize("seed", range(10))
def test_the_best_over_all_windows_are_those_of_brute_force(seed, n, tokenizer):
    """Only n of a window are kept; of ties and shared spans, too, none is lost by that."""
    rng = np.random.default_rng(seed)
    context = " ".join(rng.choice(["goal", "xyz", "bank", "of", "qqqqqq"], size=25))
    _, _, readings, (pieces,) = read_with_questions(tokenizer, ["the"], [context], 16)
    begins = pieces.first_of_words()
    ends = np.append(begins[1:], True)
    places = word_spans(context)
    number = np.cumsum(begins) - 1
    spans, every = Spans(pieces, n), {}
    for reading in readings:
        scores = rng.integers(-2, 3, size=(18, 2)).astype(np.float32) if seed % 2 else rng.normal(size=(18, 2))
        spans.add(reading, scores)
        for first in range(reading.start, reading.end):
            for last in range(first, min(first + LONGEST, reading.end)):
                if begins[first] and ends[last]:
                    score = float(scores[reading.before + first - reading.start, 0])
                    score += float(scores[reading.before + last - reading.start, 1])
                    every[first, last] = max(score, every.get((first, last), -np.inf))
    expected = sorted(every, key=lambda span: (-every[span], span))[:n]
    found = spans.best(context)
    assert [(span.start, span.end) for span in found] == [
        (places[number[first]][0], places[number[last]][1]) for first, last in expected
    ]
    assert [span.score for span in found] == pytest.approx([every[span] for span in expected])


def test_a_word_longer_than_every_window_is_no_answer(tokenizer):
    context = "abcdefghijklmnopqrstuvwxyz" * 2
    _, _, readings, (pieces,) = read_with_questions(tokenizer, ["the"], [context], 20)
    spans = Spans(pieces, 5)
    for reading in readings:
        spans.add(reading, np.zeros((20, 2)))
    assert len(readings) > 2 and spans.best(context) == [] and spans.nothing == 0


@pytest.mark.parametrize("context", ["\u200b", "\x01\x02", "\u200b\u0301"])
def test_a_context_of_which_the_tokenizer_reads_nothing(context, minilm):
    """It is not blank, and has no answer."""
    _, _, (reading,), (pieces,) = read_with_questions(minilm, ["who"], [context], 20)
    spans = Spans(pieces, 5)
    spans.add(reading, np.zeros((4, 2)))
    assert pieces.ids == [] and spans.best(context) == [] and spans.nothing == 0


def test_two_thousand_answers_are_stretches_of_their_texts(minilm):
    """Whatever the scores: places lie in the text, no border within a word, no accent is left behind."""
    rng = np.random.default_rng(0)
    seen, signs = 0, set()
    for _ in range(110):
        context = random_text(rng, int(rng.integers(3, 60)))
        words = word_spans(context)
        begins, ends = ({place[side] for place in words} for side in (0, 1))
        _, _, readings, (pieces,) = read_with_questions(minilm, ["Who?"], [context], 40)
        spans = Spans(pieces, KEPT)
        for reading in readings:
            spans.add(reading, rng.normal(size=(40, 2)))
        for found in spans.best(context):
            text = context[found.start : found.end]
            assert 0 <= found.start < found.end <= len(context)
            assert found.start in begins, (context, text)
            rest = context[found.end :]
            assert not rest or unicodedata.category(rest[0]) != "Mn", (context, text)
            assert found.end in ends or unicodedata.category(context[found.end - 1]) == "Mn", (context, text)
            assert text == text.strip()
            signs |= set(text)
            seen += 1
    assert seen >= 2000
    assert {"\u0301", "é", "東", "…", "\n", "(", "%"} <= signs
