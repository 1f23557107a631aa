"""Answers in a text: where one begins and ends, or that there is none (Devlin et al., 2019, §4.2 and §4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from tokenizers import Tokenizer

from bertlib.data.questions import read_questions
from bertlib.metrics.answers import answer_scores, best_threshold, score_each
from bertlib.model.heads import BertForQuestionAnswering
from bertlib.tasks.task import Examples, Task
from bertlib.text.answers import KEPT, Candidate, Spans, decided, pieces_of, read_with_questions
from bertlib.text.inputs import one_or_many
from bertlib.text.spans import Span
from bertlib.train.history import History
from bertlib.train.recipe import RECIPES

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict


class Answerer(Task):
    """A fine-tuned model that marks the answer to a question in a context, or says that there is none.

    Attributes:
        max_length: tokens of question and window together; longer contexts are read in several windows.
        threshold: "no answer" if its score is above the best span's by more than so much (in logits).
    """

    head = BertForQuestionAnswering
    kept = ("max_length", "threshold")
    suited: ClassVar = {"threshold": 0.0}
    recipe = RECIPES["answer"]
    figures = ("f1", "exact")
    kind = "answering"
    words = ("answering", "answering", "windows")

    def __init__(
        self,
        model: BertForQuestionAnswering,
        tokenizer: Tokenizer,
        max_length: int = 256,
        *,
        threshold: float = 0.0,
        history: History | None = None,
    ):
        super().__init__(model, tokenizer, max_length, history)
        self.threshold = threshold

    @staticmethod
    def names_of(split: Dataset) -> tuple[str, ...]:
        return ()

    def examples(self, split: Dataset) -> Examples:
        """Windows, and where in each the (first) right answer stands: [CLS] where it does not stand whole."""
        questions, contexts, answers = read_questions(split)
        sequences, segments, readings, cut = read_with_questions(self.tokenizer, questions, contexts, self.max_length)
        spans: list[Span | None] = []
        for row, (pieces, own) in enumerate(zip(cut, answers, strict=True)):
            try:
                spans.append(pieces_of(pieces, own[0]) if own else None)
            except ValueError as error:
                raise ValueError(f"row {row}: the answer {contexts[row][slice(*own[0])]!r} {error}") from error
        labels = [[0, 0] if spans[reading.row] is None else reading.place(spans[reading.row]) for reading in readings]
        return Examples(sequences, labels, segments)

    def candidates(
        self, questions: Sequence[str], contexts: Sequence[str], n: int = KEPT, **options: Any
    ) -> list[tuple[list[Candidate], float]]:
        """Of each question the n best spans over all windows, best first, and the score of "no answer".

        See `bertlib.text.answers.Spans`; for the options `Task.logits`.
        """
        sequences, segments, readings, cut = read_with_questions(self.tokenizer, questions, contexts, self.max_length)
        found = [Spans(pieces, n) for pieces in cut]
        for chosen, logits in self.logits(Examples(sequences, segments=segments), **options):
            for number, scores in zip(chosen, logits.cpu().numpy(), strict=True):
                found[readings[number].row].add(readings[number], scores)
        return [(spans.best(context), spans.nothing) for spans, context in zip(found, contexts, strict=True)]

    def decide(self, best: Sequence[Candidate], nothing: float, context: str) -> dict:
        """What `predict` gives, from a question's candidates."""
        return decided(best, nothing, context, self.threshold)

    def predict(self, question: str | Sequence[str], context: str | Sequence[str], **options: Any) -> dict | list[dict]:
        """The answer to a question, as a stretch of its context; for lists of both a list, in their order.

        Returns:
            {"text", "start", "end", "score"}: places in characters of the context, text == context[start:end]; "", None
            and None where there is no answer. The score is its share among the best candidates and "no answer".

        Raises:
            ValueError: not as many contexts as questions, one is blank, or a question is too long for max_length.
        """
        (questions, single), (contexts, alone) = one_or_many(question), one_or_many(context)
        if single != alone or len(questions) != len(contexts):
            raise ValueError(
                f"{len(questions)} questions and {len(contexts)} contexts: give two texts, or two lists of one length"
            )
        found = self.candidates(questions, contexts, **options)
        given = [self.decide(*one, text) for one, text in zip(found, contexts, strict=True)]
        return given[0] if single else given

    def evaluate(self, split: Dataset, **options: Any) -> dict:
        """Score a split as SQuAD's script does; see `bertlib.metrics.answers.answer_scores`."""
        questions, contexts, spans = read_questions(split)
        gold = [[text[start:end] for start, end in own] for text, own in zip(contexts, spans, strict=True)]
        return answer_scores(gold, [found["text"] for found in self.predict(questions, contexts, **options)])

    def suited_threshold(self, split: Dataset, **options: Any) -> float:
        """The threshold with the best F1 on a split; a ValueError where that has no questions, or does not fit."""
        questions, contexts, spans = read_questions(split)
        if not questions:
            raise ValueError("there are no questions to choose a threshold on: give at least one")
        rows, found = [], self.candidates(questions, contexts, **options)
        for (best, nothing), text, own in zip(found, contexts, spans, strict=True):
            if best:  # without a candidate there is no answer, whatever the threshold
                gold, given = [text[start:end] for start, end in own], text[best[0].start : best[0].end]
                (_, answered), (_, silent) = score_each([gold, gold], [given, ""])
                rows.append((nothing - best[0].score, answered, silent))
        return best_threshold(*zip(*rows, strict=True)) if rows else 0.0


def fine_tune(dataset: DatasetDict, *, max_length: int = 256, checkpoint=None, **options: Any) -> Answerer:
    """Fine-tune an encoder to answer questions, and keep the epoch that is best on validation by F1.

    The threshold for "no answer" is then chosen on validation too.

    Args:
        dataset: splits "train" and, to choose epoch and threshold, "validation"; columns question, context and answers
            (lists text and answer_start, empty where there is no answer; training learns the first).
        max_length: tokens of question and window together.
        options: as of `bertlib.tasks.classify.fine_tune`; what it raises is raised here.
    """
    answerer = Answerer.fit(dataset, max_length=max_length, checkpoint=checkpoint, kept={"threshold": 0.0}, **options)
    if dataset.get("validation") is not None:
        answerer.threshold = answerer.suited_threshold(dataset["validation"])
        if checkpoint is not None:
            answerer.save(checkpoint)
    return answerer
