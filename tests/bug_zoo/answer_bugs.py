"""Answers in a text as others marked, decoded and judged them; where it was published stands beside each."""

import numpy as np

from bertlib.text.answers import Candidate, Reading, Spans, best_spans, read_with_questions


def half_answers(reading, span):
    """transformers' notebook on question answering (huggingface/notebooks 168, course 26): what is left of an answer in
    a window is labelled as if it were one.
    """
    if span[1] < reading.start or span[0] >= reading.end:  # wrong: only an answer that lies outside altogether
        return [0, 0]
    return [min(max(piece, reading.start), reading.end - 1) - reading.start + reading.before for piece in span]


def edge_answers_lost(reading, span):
    """FARM 698, EuroEval 81: an answer at a window's first or last token is called impossible."""
    if not (reading.start < span[0] and span[1] < reading.end - 1):  # wrong: ≤ on either side
        return [0, 0]
    return [piece - reading.start + reading.before for piece in span]


def skips_tokens(tokenizer, questions, contexts, max_length):
    """transformers 2548: the step is counted without the question's tokens, and what it skips is in no window."""
    _, _, _, cut = read_with_questions(tokenizer, questions, contexts, max_length)
    opening, closing = (tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
    sequences, segments, readings = [], [], []
    for row, (question, pieces) in enumerate(zip(questions, cut, strict=True)):
        before = [opening, *tokenizer.encode(question, add_special_tokens=False).ids, closing]
        room = max_length - len(before) - 1
        for start in range(0, len(pieces.ids), max_length - max_length // 4):  # wrong: room - room // 4
            window = pieces.ids[start : start + room]
            readings.append(Reading(row, start, start + len(window), len(before)))
            sequences.append([*before, *window, closing])
            segments.append([0] * len(before) + [1] * (len(window) + 1))
    return sequences, segments, readings, cut


def windows_too_long(tokenizer, questions, contexts, max_length):
    """transformers 2548 again: the question's own tokens are not counted, and the model is given more than it reads."""
    return read_with_questions(tokenizer, questions, contexts, max_length + 4)


class NothingWhereItIsWorthMost(Spans):
    """huggingface/notebooks 8: over many windows "no answer" keeps its largest score, and wins all long texts."""

    def __init__(self, pieces, n):
        super().__init__(pieces, n)
        self.nothing = -np.inf

    def add(self, reading, scores):
        before = self.nothing
        super().add(reading, scores)
        self.nothing = max(before, float(scores[0].sum()))  # wrong: min


def threshold_never_moved(answerer, split):
    """transformers 7319: "no answer" is decided at exactly 0, whatever validation says."""
    return 0.0


def scores_never_passed(answerer, split):
    """transformers 8710: the threshold is looked for, but every question's score for "no answer" comes as 0."""
    from bertlib.tasks.answer import Answerer

    class Forgetful:
        @staticmethod
        def candidates(questions, contexts, **options):
            found = answerer.candidates(questions, contexts, **options)
            return [(best, best[0].score if best else 0.0) for best, _ in found]  # wrong: no lead is left

    return Answerer.suited_threshold(Forgetful(), split)


def ends_before_it_begins(starts, ends, n, longest):
    """The likeliest first token and the likeliest last one, each for itself (course 7.7 warns of it)."""
    places = [(first, last) for first in range(len(starts)) for last in range(len(ends))]  # wrong: last ≥ first
    scored = [(first, last, starts[first] + ends[last]) for first, last in places]
    kept = [span for span in scored if span[2] > -np.inf and span[1] - span[0] < longest]
    return sorted(kept, key=lambda span: (-span[2], span[0], span[1]))[:n]


def of_any_length(starts, ends, n, longest):
    """Half a page, if its first and last word please."""
    return best_spans(starts, ends, n, max(longest, len(starts)))  # wrong: longest


def one_too_long(starts, ends, n, longest):
    return best_spans(starts, ends, n, longest + 1)  # wrong: longest


class AnswersInTheQuestion(Spans):
    """All tokens may begin and end an answer: those of the question, [SEP] and padding, too."""

    def add(self, reading, scores):
        shift = reading.start - reading.before
        for first, last, score in best_spans(*scores.T.astype(np.float64), self.n):  # wrong: the context's own
            span = tuple(min(max(token + shift, 0), len(self.pieces.ids) - 1) for token in (first, last))
            self.scores[span] = max(score, self.scores.get(span, -np.inf))
        self.nothing = min(self.nothing, float(scores[0].sum()))


class CountsTwice(Spans):
    """What stands in two windows is two candidates, and takes another one's place and share."""

    def __init__(self, pieces, n):
        super().__init__(pieces, n)
        self.found = []

    def add(self, reading, scores):
        of_window = Spans(self.pieces, self.n)
        of_window.add(reading, scores)
        self.found += of_window.scores.items()  # wrong: by their places
        self.nothing = min(self.nothing, of_window.nothing)

    def best(self, context):
        word = np.cumsum(self.first) - 1
        return [
            Candidate(*self.pieces.place(word[first], word[last] + 1, context), score)
            for (first, last), score in sorted(self.found, key=lambda own: (-own[1], own[0]))[: self.n]
        ]


class KeepsTheLastWindow(Spans):
    """Of a span that two windows hold it keeps the score of the later one, whatever the earlier one saw."""

    def add(self, reading, scores):
        of_window = Spans(self.pieces, self.n)
        of_window.add(reading, scores)
        self.scores |= of_window.scores  # wrong: the better of both
        self.nothing = min(self.nothing, of_window.nothing)


def takes_places_as_told(question, context, answers, place):
    """datasets 2585: the data's own places were off by one, and nothing compared them with the text."""
    return [(start, start + len(text)) for text, start in zip(answers["text"], answers["answer_start"], strict=True)]


def moves_places_in_silence(question, context, answers, place):
    """The first place where the words stand is taken for the one that was meant."""
    starts = [context.index(text) for text in answers["text"]]  # wrong: they stand elsewhere, too
    return [(start, start + len(text)) for text, start in zip(answers["text"], starts, strict=True)]
