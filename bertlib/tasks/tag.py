"""Named entities: a tag a word, entities made of them (Devlin et al., 2019, §5.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from tokenizers import Tokenizer

from bertlib.data.entities import check_continuations, contexts_of, gold_tags, read_split, tag_ids, tag_names_of
from bertlib.metrics import entity_scores
from bertlib.model.heads import BertForTokenClassification
from bertlib.tasks.task import Examples, Task
from bertlib.text.inputs import one_or_many
from bertlib.text.masking import IGNORED
from bertlib.text.spans import best_tags, check_tags, is_bio, read_tags, to_bio
from bertlib.text.tokenizer import framing_ids
from bertlib.text.windows import Pieces, cut_into_pieces, first_pieces, make_windows, piece_labels
from bertlib.train.history import History
from bertlib.train.recipe import RECIPES

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict


class EntityTagger(Task):
    """A fine-tuned tagger with its tokenizer: from texts to entities.

    Models of others may have the tags of any scheme that `bertlib.text.spans.read_tags` knows.

    Attributes:
        max_length: tokens per window; longer texts are read in several.
        constrained: whether decoding forbids sequences that no annotator would write (`bertlib.text.spans`). Only for
            models that learned from BIO, as `fine_tune` makes them: in IOB1 it forbids nearly every entity.
        context: whether `evaluate` reads what stands before and after a text too.
    """

    head = BertForTokenClassification
    kept = ("max_length", "constrained", "context")
    suited: ClassVar = {"constrained": False, "context": False}
    recipe = RECIPES["tag"]
    figures = ("f1", "precision", "recall")
    kind = "tagging"
    words = ("tagging", "tagging", "windows")
    names_of = staticmethod(tag_names_of)

    def __init__(
        self,
        model: BertForTokenClassification,
        tokenizer: Tokenizer,
        max_length: int = 128,
        *,
        constrained: bool = False,
        context: bool = False,
        history: History | None = None,
    ):
        super().__init__(model, tokenizer, max_length, history)
        self.constrained, self.context = constrained, context
        check_tags(self.labels, constrained)

    def examples(self, split: Dataset) -> Examples:
        """The windows of a split in which something is asked for."""
        names = tag_names_of(split)
        if names != self.labels:
            raise ValueError(f"the split has the tags {', '.join(names)}, not {', '.join(self.labels)}")
        texts, words = read_split(split)
        cut = cut_into_pieces(self.tokenizer, texts, contexts_of(split, self.context))
        rows = zip(cut, words, tag_ids(split, names), strict=True)
        labels = [piece_labels(*row, names) for row in rows]
        asked = [(w, w.labels(labels[w.text])) for w in make_windows(cut, self.max_length)]
        asked = [(w, [IGNORED, *own.tolist(), IGNORED]) for w, own in asked if (own != IGNORED).any()]
        return Examples([self.with_ends(cut[w.text].ids[w.start : w.end]) for w, _ in asked], [own for _, own in asked])

    def check_training(self, split: Dataset) -> None:
        check_continuations(tag_ids(split, self.labels), self.labels)

    def with_ends(self, ids: Sequence[int]) -> list[int]:
        """[CLS] and [SEP] around a window's pieces."""
        first, last = framing_ids(self.tokenizer)
        return [first, *ids, last]

    def log_probabilities(self, texts: Sequence[Pieces], **options: Any) -> list[np.ndarray]:
        """Of each text's pieces: (N, C) float32 log-probability of each tag; zeros for those of its context."""
        result = [np.zeros((len(pieces.ids), len(self.labels)), dtype=np.float32) for pieces in texts]
        windows = [window for window in make_windows(texts, self.max_length) if window.end > window.start]
        examples = Examples([self.with_ends(texts[w.text].ids[w.start : w.end]) for w in windows])
        for chosen, logits in self.logits(examples, **options):
            read = logits.log_softmax(dim=-1).cpu().numpy()[:, 1:]  # 0 is [CLS]
            for number, scores in zip(chosen, read, strict=True):
                window, (start, end) = windows[number], windows[number].own
                result[window.text][start:end] = scores[start - window.start : end - window.start]
        return result

    def choose(self, scores: np.ndarray) -> np.ndarray:
        """(W, C) log-probabilities of a text's words -> (W,) tag ids."""
        return best_tags(scores, self.labels) if self.constrained else scores.argmax(axis=-1)

    def predict(self, texts: str | Sequence[str], **options: Any) -> list:
        """The entities in plain text, as transformers' pipeline gives them with aggregation_strategy="first".

        They differ where a letter and its accent are two characters (as in texts from macOS or a PDF): the pipeline
        takes such a word for a part of the one before it, and loses the accent at the end of a name.

        Texts may have any length; an empty one has no entity. For the options see `Task.logits`.

        Returns:
            For one text a list of {"type", "start", "end", "text", "score"}: start and end in characters of the text,
            score the mean probability of its words' tags. For several texts a list of such lists. No two overlap.
        """
        several, single = one_or_many(texts)
        cut = cut_into_pieces(self.tokenizer, several)
        found = []
        for text, pieces, scores in zip(several, cut, self.log_probabilities(cut, **options), strict=True):
            scores = scores[pieces.first_of_words()]
            found.append(pieces.entities(text, scores, self.choose(scores), self.labels))
        return found[0] if single else found

    def predict_tags(self, split: Dataset, **options: Any) -> list[list[str]]:
        """One tag in BIO for each token of each row, from its first piece; O for one without (a control character)."""
        texts, words = read_split(split)
        cut = cut_into_pieces(self.tokenizer, texts, contexts_of(split, self.context))
        outside = np.where(np.array(self.labels) == "O", 0.0, -1e4).astype(np.float32)
        tags = []
        for pieces, spans, scores in zip(cut, words, self.log_probabilities(cut, **options), strict=True):
            by_word = np.vstack([scores, outside])[first_pieces(pieces, spans)]  # -1, the last, has no piece
            tags.append([self.labels[tag] for tag in self.choose(by_word)])
        return tags if is_bio(self.labels) else [to_bio(row, self.labels) for row in tags]

    def evaluate(self, split: Dataset, **options: Any) -> dict:
        """Score a labelled split by whole entities; see `bertlib.metrics.entity_scores`.

        Raises:
            ValueError: the split is empty, its types are not among the tagger's, or its columns do not fit.
        """
        if not len(split):
            raise ValueError("split has no rows: give at least one")
        gold = gold_tags(split, sorted({kind for _, kind in read_tags(self.labels).values() if kind}))
        return entity_scores(gold, self.predict_tags(split, **options))

    def cuts_at(self) -> int:
        return self.model.config.max_position_embeddings  # transformers reads a text at once, not in windows


def fine_tune(dataset: DatasetDict, *, context: bool = False, constrained: bool = True, **options: Any) -> EntityTagger:
    """Fine-tune an encoder to tag entities, and keep the epoch that is best on validation.

    Args:
        dataset: splits "train" and, to choose the epoch by its entity F1, "validation"; columns tokens and ner_tags
            (lists, of ClassLabel), and, where there are, text and starts (see `bertlib.data.entities`).
        context: read what stands before and after each text too (columns before and after), as far as there is room.
        constrained: forbid impossible sequences when decoding; training is not touched by it.
        options: as of `bertlib.tasks.classify.fine_tune`; what it raises is raised here. max_length is of a window.
    """
    return EntityTagger.fit(dataset, kept={"context": context, "constrained": constrained}, **options)
