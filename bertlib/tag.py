"""Named entities on the loop: fine-tune a tagger, find entities, score them, save, load (Devlin et al., 2019, §5.3)."""

from __future__ import annotations

import itertools
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn import functional as F

from bertlib.batching import length_buckets, pad_batch
from bertlib.config import BertConfig, read_json
from bertlib.heads import BertForTokenClassification
from bertlib.progress import progress_bar
from bertlib.runtime import autocast, get_profile, pick_device, pick_dtype, seed_everything
from bertlib.spans import Entity, Span, best_tags, entities_of, follows, split_tag
from bertlib.training import History, train
from bertlib.weights import encoder_folder, save_model, tokenizer_files
from bertlib.wordpiece import load_tokenizer

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

IGNORED = -100  # the label of a piece that is not asked for
OVERLAP = 0.25  # of a window is read again in the next one


# ------------------------------------------------------------------------------------------------- words and pieces


@dataclass
class Pieces:
    """A text as the tagger reads it: N word pieces, without [CLS] and [SEP].

    Attributes:
        ids: (N,) token ids.
        offsets: (N,) start and end of each piece in the text, in characters.
        words: (N,) number of the word, as BERT cuts words, that each piece belongs to.
        core: first and one behind the last piece of the text itself; what lies around it is context.
    """

    ids: list[int]
    offsets: list[Span]
    words: list[int]
    core: Span

    def first_of_words(self) -> np.ndarray:
        """(N,) whether a piece is the first of its word."""
        words = np.asarray(self.words)
        return np.concatenate([[True], words[1:] != words[:-1]]) if len(words) else np.zeros(0, dtype=bool)


def cut_into_pieces(
    tokenizer: Tokenizer, texts: Sequence[str], contexts: Sequence[tuple[str, str]] | None = None
) -> list[Pieces]:
    """Tokenize whole texts, nothing cut off; with contexts (what stands before and after each), those around them."""
    if contexts is None:
        contexts = [("", "")] * len(texts)
    whole = [f"{before} {text} {after}" for text, (before, after) in zip(texts, contexts, strict=True)]
    tokenizer.no_padding()
    tokenizer.no_truncation()
    result = []
    for encoding, text, (before, _) in zip(
        tokenizer.encode_batch(whole, add_special_tokens=False), texts, contexts, strict=True
    ):
        shift = len(before) + 1
        offsets = [(start - shift, end - shift) for start, end in encoding.offsets]
        inside = [i for i, (start, end) in enumerate(offsets) if start >= 0 and end <= len(text)]
        core = (inside[0], inside[-1] + 1) if inside else (0, 0)
        result.append(Pieces(encoding.ids, offsets, encoding.word_ids, core))
    return result


def first_pieces(pieces: Pieces, words: Sequence[Span]) -> np.ndarray:
    """For each word the number of its first piece, -1 if no piece begins in it; words and pieces meet by their offsets.

    Args:
        pieces: of the text.
        words: start and end of each, ascending, in characters of the same text.
    """
    first, last = pieces.core
    starts = np.array([start for start, _ in pieces.offsets[first:last]], dtype=np.int64)
    found = np.searchsorted(starts, [start for start, _ in words])
    return np.array(
        [
            first + at if at < len(starts) and starts[at] < end else -1
            for at, (_, end) in zip(found, words, strict=True)
        ],
        dtype=np.int64,
    )


def piece_labels(pieces: Pieces, words: Sequence[Span], tags: Sequence[int], names: Sequence[str]) -> np.ndarray:
    """What each piece is asked for in training: its word's tag at the first piece, -100 at the others.

    Where BERT cuts a word of the data into several (`U.S.` is four words to it), each of them is asked for: the first
    for the word's tag, the others for its continuation, so that plain text, of which only BERT's words are known, is
    tagged as well. Scores count one tag a word of the data, whatever BERT made of it.

    Args:
        pieces, words: as in `first_pieces`.
        tags: id of each word's tag.
        names: the tags.

    Returns:
        (N,) tag ids, or -100.
    """
    goes_on = [
        number if split_tag(name)[0] != "B" else names.index(f"I{name[1:]}") for number, name in enumerate(names)
    ]
    labels = np.full(len(pieces.ids), IGNORED, dtype=np.int64)
    begins = pieces.first_of_words()
    starts = np.array([start for start, _ in pieces.offsets], dtype=np.int64)
    for first, (_, end), tag in zip(first_pieces(pieces, words), words, tags, strict=True):
        if first < 0:
            continue
        labels[first] = tag
        behind = np.searchsorted(starts, end)
        for number in range(first + 1, min(behind, pieces.core[1])):
            if begins[number]:
                labels[number] = goes_on[tag]
    return labels


@dataclass
class Window:
    """A stretch of a text's pieces that goes through the model at once.

    Attributes:
        text: number of the text.
        start, end: its pieces.
        own: the pieces whose scores are taken from this window; every piece of a text is some window's own, once.
    """

    text: int
    start: int
    end: int
    own: Span


def make_windows(texts: Sequence[Pieces], max_length: int) -> list[Window]:
    """Cut every text into windows of at most max_length tokens, [CLS] and [SEP] included; none of it is dropped.

    Neighbours overlap by a quarter, and each piece belongs to the one in whose middle it lies. A short text takes as
    much of its context along as there is room for, in equal parts before and after it.

    Raises:
        ValueError: max_length leaves no room.
    """
    room = max_length - 2
    if room < 4:
        raise ValueError(f"max_length={max_length}: give at least 6, for [CLS], [SEP] and some pieces between them")
    windows = []
    for number, pieces in enumerate(texts):
        first, last = pieces.core
        if last - first <= room:
            spare = room - (last - first)
            before = min(first, max(spare // 2, spare - (len(pieces.ids) - last)))
            start = first - before
            windows.append(Window(number, start, min(start + room, len(pieces.ids)), (first, last)))
            continue
        step = room - int(room * OVERLAP)
        starts = [*range(first, last - room, step), last - room]
        borders = [first, *((left + room + right) // 2 for left, right in itertools.pairwise(starts)), last]
        for start, own in zip(starts, itertools.pairwise(borders), strict=True):
            windows.append(Window(number, start, start + room, own))
    return windows


# ------------------------------------------------------------------------------------------------------- the data


def tag_names_of(split: Dataset) -> tuple[str, ...]:
    """The tags of a split's column "ner_tags", in id order.

    Raises:
        ValueError: there is no such column of ClassLabels, a name is no tag, O is absent, or an I- lacks its B-.
    """
    feature = getattr(split.features.get("ner_tags"), "feature", None)
    names = getattr(feature, "names", None)
    if names is None:
        raise ValueError(
            "the data needs a column 'ner_tags', for each row a list of datasets.ClassLabel ids; it has the columns "
            f"{', '.join(split.column_names)}"
        )
    for name in names:
        prefix, kind = split_tag(name)
        if prefix != "O" and f"{'I' if prefix == 'B' else 'B'}-{kind}" not in names:
            raise ValueError(
                f"the tags {', '.join(names)} have {name} without its other half: give B- and I- of each type"
            )
    if "O" not in names or len(names) < 3:
        raise ValueError(f"the tags {', '.join(names)}: there must be O, and B- and I- of one type at least")
    return tuple(names)


def tag_ids(split: Dataset, names: Sequence[str]) -> list[list[int]]:
    """The column "ner_tags".

    Raises:
        ValueError: an id is outside the named tags, such as -1, with which published data marks what is kept secret.
    """
    rows = split["ner_tags"][:]
    for number, row in enumerate(rows):
        if row is None or not all(0 <= tag < len(names) for tag in row):
            raise ValueError(
                f"row {number} has the tags {row!r:.60}: their ids must be 0 … {len(names) - 1}; remove rows without "
                "tags"
            )
    return rows


def read_split(split: Dataset) -> tuple[list[str], list[list[Span]]]:
    """Texts of a split, and start and end of each word in them.

    With the columns text and starts (as `bertlib.data` gives them) those; else tokens joined by spaces.

    Raises:
        ValueError: no column "tokens"; a row without tokens, with an empty one, with as many tags as tokens only
            nearly, or with a token that does not stand where starts says.
    """
    if "tokens" not in split.column_names:
        raise ValueError(f"the data has no column 'tokens'; it has {', '.join(split.column_names)}")
    tokens = split["tokens"][:]
    for number, row in enumerate(tokens):
        if not row or not all(isinstance(token, str) and token.strip() for token in row):
            raise ValueError(f"row {number} is {row!r:.80}: every row needs tokens, none of them empty")
    if "ner_tags" in split.column_names:
        for number, (row, tags) in enumerate(zip(tokens, split["ner_tags"][:], strict=True)):
            if len(row) != len(tags or ()):
                raise ValueError(f"row {number} has {len(row)} tokens and {len(tags or ())} tags: give one tag a token")
    if "text" in split.column_names and "starts" in split.column_names:
        starts = split["starts"][:]
        texts = split["text"][:]
        for number, (row, at, text) in enumerate(zip(tokens, starts, texts, strict=True)):
            if len(row) != len(at or ()) or not all(map((text or "").startswith, row, at)):
                raise ValueError(
                    f"row {number}: its tokens do not stand in its text where starts says; correct the column, or "
                    "leave it out"
                )
    else:
        texts = [" ".join(row) for row in tokens]
        starts = [np.cumsum([0, *(len(token) + 1 for token in row[:-1])]).tolist() for row in tokens]
    words = [
        [(start, start + len(token)) for start, token in zip(at, row, strict=True)]
        for at, row in zip(starts, tokens, strict=True)
    ]
    return texts, words


def contexts_of(split: Dataset, context: bool) -> list[tuple[str, str]] | None:
    """What stands before and after each row's text, if it is wanted.

    Raises:
        ValueError: it is wanted, and there are no columns "before" and "after".
    """
    if not context:
        return None
    if not {"before", "after"} <= set(split.column_names):
        raise ValueError(
            f"context=True needs the columns before and after; the data has {', '.join(split.column_names)}"
        )
    return [(before or "", after or "") for before, after in zip(split["before"], split["after"], strict=True)]


def entity_scores(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> dict:
    """Whole entities counted as conlleval does, by seqeval: right only if both borders and the type are.

    Args:
        gold, predicted: for each text one tag a word.

    Returns:
        precision, recall and f1 over all entities, token_accuracy (all fractions), and by_type: for each type
        precision, recall, f1 and support (how many there are).
    """
    from seqeval.metrics import accuracy_score, classification_report

    gold, predicted = [list(tags) for tags in gold], [list(tags) for tags in predicted]
    accuracy = float(accuracy_score(gold, predicted))
    if not any(entities_of(tags) for tags in [*gold, *predicted]):  # seqeval would average over nothing
        return {"precision": 0.0, "recall": 0.0, "f1": 0.0, "token_accuracy": accuracy, "by_type": {}}
    report = classification_report(gold, predicted, output_dict=True, zero_division=0)
    kinds = {
        kind: {
            "precision": float(row["precision"]),
            "recall": float(row["recall"]),
            "f1": float(row["f1-score"]),
            "support": int(row["support"]),
        }
        for kind, row in report.items()
        if not kind.endswith(" avg")
    }
    total = report["micro avg"]
    return {
        "precision": float(total["precision"]),
        "recall": float(total["recall"]),
        "f1": float(total["f1-score"]),
        "token_accuracy": accuracy,
        "by_type": kinds,
    }


@dataclass
class Difference:
    """One entity that was found wrongly, or not at all, or where there is none.

    Attributes:
        text: number of the text.
        kind: "border" (right type, other words), "type" (right words), "border and type", "missed" or "invented".
        gold, found: first word, one behind the last, type; None where there is none.
    """

    text: int
    kind: str
    gold: Entity | None
    found: Entity | None


def find_differences(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> list[Difference]:
    """What kinds of mistakes there are, from one tag a word: each gold entity is compared with those that it overlaps.

    A found entity that overlaps no gold one is "invented"; one that overlaps several counts with the first of them.
    """
    result = []
    for number, (right, tags) in enumerate(zip(gold, predicted, strict=True)):
        expected, found = entities_of(right), entities_of(tags)
        free = [entity for entity in found if entity not in expected]
        for entity in expected:
            if entity in found:
                continue
            start, end, kind = entity
            meets = [other for other in free if other[0] < end and start < other[1]]
            if not meets:
                result.append(Difference(number, "missed", entity, None))
                continue
            best = max(meets, key=lambda other: other[2] == kind)  # with the same borders it is the only one
            free.remove(best)
            same = best[:2] == (start, end)
            what = "type" if same else "border" if best[2] == kind else "border and type"
            result.append(Difference(number, what, entity, best))
        result += [Difference(number, "invented", None, entity) for entity in free]
    return result


# ------------------------------------------------------------------------------------------------------ the tagger


class EntityTagger:
    """A fine-tuned tagger with its tokenizer: from texts to entities.

    Attributes:
        model: the BertForTokenClassification, in evaluation mode.
        tokenizer: its `tokenizers.Tokenizer`.
        max_length: tokens a window; longer texts are read in several.
        constrained: whether decoding forbids sequences that no annotator would write (see `bertlib.spans.best_tags`).
        context: whether `evaluate` reads what stands before and after a text too.
        history: of the training; None after `load`.
    """

    def __init__(
        self,
        model: BertForTokenClassification,
        tokenizer: Tokenizer,
        max_length: int = 128,
        *,
        constrained: bool = True,
        context: bool = False,
        history: History | None = None,
    ):
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.constrained = constrained
        self.context = context
        self.history = history

    @property
    def labels(self) -> tuple[str, ...]:
        return self.model.config.labels

    @torch.inference_mode()
    def log_probabilities(
        self, texts: Sequence[Pieces], *, batch_size: int = 64, precision: str = "fp32", show_progress: bool = False
    ) -> list[np.ndarray]:
        """Of each text's pieces: (N, C) float32 log-probability of each tag; zeros for those of its context."""
        device, names = next(self.model.parameters()).device, self.labels
        cls, sep = (self.tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
        result = [np.zeros((len(pieces.ids), len(names)), dtype=np.float32) for pieces in texts]
        windows = [window for window in make_windows(texts, self.max_length) if window.end > window.start]
        with (
            autocast(device, pick_dtype(device, precision)),
            progress_bar(what="tagging", unit="windows", total=len(windows), show=show_progress) as bar,
        ):
            lengths = [window.end - window.start + 2 for window in windows]
            for batch in length_buckets(lengths, batch_size) if windows else []:
                rows = [[cls, *texts[windows[i].text].ids[windows[i].start : windows[i].end], sep] for i in batch]
                ids, mask = pad_batch(rows, self.model.config.pad_token_id)
                scores = self.model(ids.to(device), mask.to(device)).logits.float().log_softmax(dim=-1).cpu().numpy()
                for row, i in zip(scores, batch, strict=True):
                    start, end = windows[i].own
                    shift = 1 - windows[i].start  # [CLS]
                    result[windows[i].text][start:end] = row[start + shift : end + shift]
                bar.update(len(batch))
        return result

    def choose(self, scores: np.ndarray) -> np.ndarray:
        """(W, C) log-probabilities of a text's words -> (W,) tag ids."""
        return best_tags(scores, self.labels) if self.constrained else scores.argmax(axis=-1)

    def predict(self, texts: str | Sequence[str], *, precision: str = "fp32", show_progress: bool = False) -> list:
        """The entities in plain text, as transformers' pipeline gives them with aggregation_strategy="first".

        Args:
            texts: one text or several, of any length; an empty one has no entities.
            precision, show_progress: see `bertlib.classify.TextClassifier.probabilities`.

        Returns:
            For one text a list of {"type", "start", "end", "text", "score"}: start and end in characters of the text,
            score the mean probability of its words' tags. For several texts a list of such lists.

        Raises:
            ValueError: something that is not a string.
        """
        several = [texts] if isinstance(texts, str) else list(texts)
        for number, text in enumerate(several):
            if not isinstance(text, str):
                raise ValueError(f"texts[{number}] is {text!r}: give strings")
        cut = cut_into_pieces(self.tokenizer, several)
        found = []
        for text, pieces, scores in zip(
            several, cut, self.log_probabilities(cut, precision=precision, show_progress=show_progress), strict=True
        ):
            begins = np.flatnonzero(pieces.first_of_words())
            ends = [*begins[1:], len(pieces.ids)]
            scores = scores[begins]
            tags = self.choose(scores)
            entities = []
            for first, last, kind in entities_of([self.labels[tag] for tag in tags]):
                start, end = pieces.offsets[begins[first]][0], pieces.offsets[ends[last - 1] - 1][1]
                while end < len(text) and unicodedata.category(text[end]) == "Mn":  # an accent of the last letter
                    end += 1
                chosen = np.exp(scores[range(first, last), tags[first:last]])
                entities.append(
                    {"type": kind, "start": start, "end": end, "text": text[start:end], "score": float(chosen.mean())}
                )
            found.append(entities)
        return found[0] if isinstance(texts, str) else found

    def predict_tags(self, split: Dataset, *, precision: str = "fp32") -> list[list[str]]:
        """One tag for each token of each row, from its first piece; O for a token without one (a control character)."""
        texts, words = read_split(split)
        cut = cut_into_pieces(self.tokenizer, texts, contexts_of(split, self.context))
        outside = np.full(len(self.labels), -1e4, dtype=np.float32)
        outside[self.labels.index("O")] = 0.0
        tags = []
        for pieces, spans, scores in zip(cut, words, self.log_probabilities(cut, precision=precision), strict=True):
            first = first_pieces(pieces, spans)
            by_word = np.where((first >= 0)[:, None], scores[np.maximum(first, 0)] if len(scores) else outside, outside)
            tags.append([self.labels[tag] for tag in self.choose(by_word)])
        return tags

    def evaluate(self, split: Dataset, *, precision: str = "fp32") -> dict:
        """Score a labelled split by whole entities; see `entity_scores`.

        Raises:
            ValueError: the split is empty, its tags are not among the tagger's, or its columns do not fit.
        """
        if not len(split):
            raise ValueError("split has no rows: give at least one")
        names = tag_names_of(split)
        strange = [name for name in names if name not in self.labels]
        gold = [[names[tag] for tag in tags] for tags in tag_ids(split, names)]
        used = {tag for tags in gold for tag in tags}
        if used.intersection(strange):
            raise ValueError(
                f"the data has the tags {', '.join(sorted(used.intersection(strange)))}; the tagger knows "
                f"{', '.join(self.labels)}: map them first"
            )
        return entity_scores(gold, self.predict_tags(split, precision=precision))

    def save(self, folder: str | Path) -> None:
        """Write a folder that `load` and transformers (AutoModelForTokenClassification, pipeline) open.

        Raises:
            OSError: no room, or writing failed; nothing half-written is left.
        """
        settings = {"max_length": self.max_length, "constrained": self.constrained, "context": self.context}
        files = {"bertlib.json": json.dumps(settings, indent=2) + "\n"}
        longest = self.model.config.max_position_embeddings
        save_model(self.model, folder, extra_files=files | tokenizer_files(self.tokenizer, longest))

    @classmethod
    def load(cls, folder: str | Path) -> EntityTagger:
        """Open a folder that `save` wrote.

        Raises:
            FileNotFoundError: a file is missing. ValueError: a file does not fit; see `bertlib.weights.load_model`.
        """
        settings = read_json(Path(folder) / "bertlib.json")
        model = BertForTokenClassification.from_pretrained(folder).to(pick_device())
        if model.fresh:
            raise ValueError(f"{folder} has no tagging head ({model.fresh[0]} is missing): fine-tune it first")
        absent = [name for name in ("max_length", "constrained", "context") if name not in settings]
        if absent:
            raise ValueError(f"{folder}: bertlib.json lacks {absent[0]}; give a folder that EntityTagger.save wrote")
        return cls(
            model,
            load_tokenizer(folder),
            settings["max_length"],
            constrained=settings["constrained"],
            context=settings["context"],
        )


def fine_tune(
    dataset: DatasetDict,
    *,
    encoder: str | Path | None = None,
    pretrained: bool = True,
    context: bool = False,
    constrained: bool = True,
    epochs: int = 4,
    learning_rate: float | None = None,
    batch_size: int = 32,
    max_length: int = 128,
    warmup: float = 0.1,
    weight_decay: float = 0.01,
    max_grad_norm: float = 1.0,
    accumulation: int = 1,
    precision: str = "auto",
    seed: int = 0,
    checkpoint: str | Path | None = None,
    show_progress: bool = True,
) -> EntityTagger:
    """Fine-tune an encoder to tag entities, and keep the epoch that is best on validation.

    Args:
        dataset: splits "train" and, to choose the epoch by its entity F1, "validation"; columns tokens and ner_tags
            (lists, of ClassLabel), and, where there are, text and starts (see `bertlib.data.load`).
        encoder: a transformers folder; None for the profile's (see `bertlib.weights.encoder_folder`).
        pretrained: False starts from random weights of the same shape, for comparison.
        context: read what stands before and after each text too (columns before and after), as far as there is room.
        constrained: forbid impossible sequences when decoding; training is not touched by it.
        epochs, batch_size: the paper searches 2–4 and 16–32 (A.3); small sets take more epochs.
        learning_rate: None for the profile's rate with the profile's encoder, and 3e-5 with another one.
        max_length: tokens a window, [CLS] and [SEP] included; longer texts are read in several windows.
        warmup, weight_decay, max_grad_norm, accumulation, precision: see `bertlib.training.train`.
        seed: of the new weights, the order of the data and dropout.
        checkpoint: folder to which the best model so far is written after each epoch.
        show_progress: show a line with the speed and the time left.

    Raises:
        ValueError: a split or column is missing or empty, tags do not fit, an argument is out of its range.
    """
    if not isinstance(dataset, Mapping):
        raise ValueError(f"dataset is a {type(dataset).__name__}: give a DatasetDict(train=…, validation=…)")
    if "train" not in dataset or not len(dataset["train"]):
        raise ValueError(f"dataset has no examples to train on: it needs a split 'train', it has {sorted(dataset)}")
    training, validation = dataset["train"], dataset.get("validation")
    names = tag_names_of(training)
    texts, words = read_split(training)
    tags = tag_ids(training, names)
    for number, row in enumerate(tags):
        written = [names[tag] for tag in row]
        for at, (before, tag) in enumerate(zip([None, *written], written, strict=False)):
            if not follows(before, tag):
                raise ValueError(
                    f"row {number}, token {at}: {tag} does not go on with an entity of its type; begin entities with B-"
                )
    if validation is not None:  # before the first epoch, not after it
        if not len(validation):
            raise ValueError("dataset's split 'validation' is empty: add examples, or leave it out")
        if tag_names_of(validation) != names:
            raise ValueError(
                f"the validation split has the tags {', '.join(tag_names_of(validation))}, not {', '.join(names)}"
            )
        read_split(validation)
        tag_ids(validation, names)

    if learning_rate is None:
        learning_rate = get_profile().learning_rate if encoder is None else 3e-5
    if encoder is None:
        encoder = encoder_folder()
    seed_everything(seed)
    if pretrained:
        model = BertForTokenClassification.from_pretrained(encoder, labels=names)
    else:
        model = BertForTokenClassification(replace(BertConfig.from_pretrained(encoder), labels=names))
    model = model.to(pick_device())
    max_length = min(max_length, model.config.max_position_embeddings)
    tokenizer = load_tokenizer(encoder)
    tagger = EntityTagger(model, tokenizer, max_length, constrained=constrained, context=context)

    cut = cut_into_pieces(tokenizer, texts, contexts_of(training, context))
    labels = [piece_labels(*row, names) for row in zip(cut, words, tags, strict=True)]
    cls, sep = (tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
    sequences, answers = [], []
    for window in make_windows(cut, max_length):
        own = np.full(window.end - window.start, IGNORED)
        start, end = window.own
        own[start - window.start : end - window.start] = labels[window.text][start:end]
        if (own != IGNORED).any():
            sequences.append([cls, *cut[window.text].ids[window.start : window.end], sep])
            answers.append([IGNORED, *own.tolist(), IGNORED])
    lengths = [len(sequence) for sequence in sequences]

    def make_batches(epoch: int) -> list[dict[str, torch.Tensor]]:
        batches = []
        for chosen in length_buckets(lengths, batch_size, np.random.default_rng((seed, epoch))):
            ids, mask = pad_batch([sequences[i] for i in chosen], model.config.pad_token_id)
            asked, _ = pad_batch([answers[i] for i in chosen], IGNORED)
            batches.append({"input_ids": ids, "attention_mask": mask, "labels": asked})
        return batches

    def loss_sums(model, batch):
        logits = model(batch["input_ids"], batch["attention_mask"]).logits
        loss = F.cross_entropy(logits.float().flatten(0, 1), batch["labels"].flatten(), reduction="sum")
        return {"tagging": loss}

    def validate(model):
        scores = tagger.evaluate(validation, precision=precision)
        return {f"validation_{name}": scores[name] for name in ("f1", "precision", "recall")}

    tagger.history = train(
        model,
        make_batches,
        loss_sums=loss_sums,
        loss_counts=lambda batch: {"tagging": int((batch["labels"] != IGNORED).sum())},
        epochs=epochs,
        learning_rate=learning_rate,
        warmup=warmup,
        weight_decay=weight_decay,
        max_grad_norm=max_grad_norm,
        accumulation=accumulation,
        precision=precision,
        seed=seed,
        evaluate=None if validation is None else validate,
        maximize=None if validation is None else "validation_f1",
        on_best=None if checkpoint is None else lambda model: tagger.save(checkpoint),
        what="tagging",
        show_progress=show_progress,
    )
    return tagger
