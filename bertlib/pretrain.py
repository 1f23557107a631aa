"""Pretraining on the loop: documents in, a BERT with both of its heads out (Devlin et al., 2019, §3.1 and A.2)."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from bertlib.attention import MultiHeadSelfAttention
from bertlib.batching import length_buckets, pack, pad_batch
from bertlib.checkpoints import Checkpoints
from bertlib.config import BertConfig
from bertlib.corpus import EncodedCorpus, vocabulary_digest
from bertlib.dropout import Dropout
from bertlib.heads import BertForPreTraining
from bertlib.masking import IGNORED, mask_tokens
from bertlib.pairs import SPECIALS_A_PAIR, Pair, next_sentence_pairs
from bertlib.progress import progress_bar
from bertlib.runtime import autocast, pick_device, pick_dtype, process_rank, seed_everything
from bertlib.starts import look_nearby, pass_through, start_from_counts
from bertlib.training import Batch, History, train
from bertlib.weights import load_model, save_model, tokenizer_files
from bertlib.wordpiece import SPECIAL_TOKENS, WordPiece, load_tokenizer

Documents = Sequence[Sequence[str]] | EncodedCorpus  # documents of sentences
DOCUMENTS_A_SECTION = 50_000  # as many are drawn into pairs at a time: a few hundred MB of Wikipedia


def special_ids(tokenizer: Tokenizer) -> dict[str, int]:
    """The ids of [PAD], [UNK], [CLS], [SEP] and [MASK].

    Raises:
        ValueError: the vocabulary lacks one of them.
    """
    ids = {token: tokenizer.token_to_id(token) for token in SPECIAL_TOKENS}
    absent = [token for token, number in ids.items() if number is None]
    if absent:
        raise ValueError(f"tokenizer has no {' and no '.join(absent)}: pretraining needs {', '.join(SPECIAL_TOKENS)}")
    return ids


class PretrainingData:
    """Encoded documents, and the endless stream of batches drawn from them.

    Batch number n is a pure function of the documents, the settings and n: each pass over the documents draws its pairs
    and its order anew from (seed, pass), each batch its masks from (seed, n). Nothing has to be remembered to go on
    from the middle, and no mask is ever used twice (RoBERTa's dynamic masking; Liu et al., 2019, §4.1).

    A pass over a large corpus goes section by section, each a random part of the documents, whose pairs alone are in
    memory. A false second segment comes from the same section.

    Attributes:
        sentences: the documents as token ids, without special tokens.
        tokens: how many tokens they have in all.
    """

    def __init__(
        self,
        documents: Documents,
        tokenizer: Tokenizer,
        *,
        max_length: int,
        batch_size: int,
        seed: int = 0,
        probability: float = 0.15,
        whole_words: bool = False,
        topics: Sequence | None = None,
        packing: bool = False,
        section: int = DOCUMENTS_A_SECTION,
        show_progress: bool = True,
    ):
        """Encode the documents, unless they are encoded already.

        Args:
            documents: each a sequence of sentences; or an EncodedCorpus, of any size.
            tokenizer: with the five special tokens.
            max_length: tokens a pair may have.
            batch_size: pairs a batch.
            seed: of pairs, order and masks.
            probability, whole_words: see `bertlib.masking.mask_tokens`.
            topics: see `bertlib.pairs.next_sentence_pairs`.
            packing: put several short pairs into one row of max_length, in place of batches of similar length; see
                `bertlib.batching.pack`. A batch has batch_size pairs all the same.
            section: documents a section, at most.

        Raises:
            ValueError: there is no document with two sentences, an argument is out of its range, or the corpus was
                encoded with another vocabulary.
        """
        if not len(documents):
            raise ValueError("documents is empty: give at least two documents of two sentences")
        self.ids = special_ids(tokenizer)
        self.vocab_size = tokenizer.get_vocab_size()
        self.max_length, self.batch_size, self.seed = max_length, batch_size, seed
        self.probability, self.topics, self.packing = probability, topics, packing
        pieces = tokenizer.get_vocab()
        continuations = sorted(number for piece, number in pieces.items() if piece.startswith("##"))
        self.continuation_ids = continuations if whole_words else None
        if isinstance(documents, EncodedCorpus):
            if documents.vocabulary != vocabulary_digest(tokenizer):
                raise ValueError(f"{documents.folder} was encoded with another vocabulary: encode it again")
            self.sentences, self.tokens = documents, documents.tokens
        else:
            self.sentences = []
            with progress_bar(what="encoding", unit="documents", total=len(documents), show=show_progress) as bar:
                for first in range(0, len(documents), 256):
                    part = documents[first : first + 256]
                    flat = tokenizer.encode_batch([s for document in part for s in document], add_special_tokens=False)
                    encoded = iter(flat)
                    self.sentences += [[next(encoded).ids for _ in document] for document in part]
                    bar.update(len(part))
            self.tokens = sum(len(sentence) for document in self.sentences for sentence in document)
        self.sections = math.ceil(len(documents) / section)
        self._drawn: dict[int, list[list[Pair]]] = {}
        self._starts = [0]  # number of the first batch of each section of each pass
        self.batches_of_section(0)  # raises now, not in the middle of training, if there is nothing to pair

    def digest(self) -> str:
        """A fingerprint of the encoded documents."""
        if isinstance(self.sentences, EncodedCorpus):
            return self.sentences.digest()
        digest = hashlib.sha256()
        for document in self.sentences:
            for sentence in document:
                digest.update(np.asarray(sentence, dtype=np.int32).tobytes() + b"\n")
            digest.update(b"\n")
        return digest.hexdigest()[:16]

    def batches_of_section(self, turn: int) -> list[list[Pair]]:
        """The pairs of section `turn % sections` of pass `turn // sections`, grouped into batches, in random order."""
        if turn not in self._drawn:
            rng = np.random.default_rng((self.seed, 0, turn))
            documents, topics = self.sentences, self.topics
            if self.sections > 1:
                in_pass, place = divmod(turn, self.sections)
                order = np.random.default_rng((self.seed, 2, in_pass)).permutation(len(self.sentences))
                chosen = np.sort(np.array_split(order, self.sections)[place]).tolist()
                documents = [self.sentences[i] for i in chosen]
                topics = None if topics is None else [topics[i] for i in chosen]
            pairs = next_sentence_pairs(documents, max_length=self.max_length, rng=rng, topics=topics)
            if self.packing:
                order = rng.permutation(len(pairs)).tolist()
                chosen = [order[start : start + self.batch_size] for start in range(0, len(order), self.batch_size)]
            else:
                lengths = [len(pair.first) + len(pair.second) + SPECIALS_A_PAIR for pair in pairs]
                chosen = length_buckets(lengths, self.batch_size, rng)
            batches = [[pairs[i] for i in batch] for batch in chosen]
            self._drawn = {n: kept for n, kept in self._drawn.items() if n == turn - 1} | {turn: batches}
            if turn == len(self._starts) - 1:
                self._starts.append(self._starts[-1] + len(batches))
        return self._drawn[turn]

    def batches_of_pass(self, number: int) -> list[list[Pair]]:
        """The pairs of one pass over the documents, grouped by length into batches, in random order."""
        turns = range(number * self.sections, (number + 1) * self.sections)
        return [batch for turn in turns for batch in self.batches_of_section(turn)]

    def batch(self, number: int) -> Batch:
        """Batch `number` of the stream, from 0: input_ids (masked), attention_mask (sequence_ids if packed),
        token_type_ids, labels (B, T); next_sentence_label, one a pair. All torch.long.
        """
        while number >= self._starts[-1]:
            self.batches_of_section(len(self._starts) - 1)
        turn = int(np.searchsorted(self._starts, number, side="right")) - 1
        pairs = self.batches_of_section(turn)[number - self._starts[turn]]
        joined = [pair.join(self.ids["[CLS]"], self.ids["[SEP]"]) for pair in pairs]
        if self.packing:
            rows = pack([len(ids) for ids, _ in joined], self.max_length)
            pairs = [pairs[i] for row in rows for i in row]
            numbers = [[n for n, i in enumerate(row, start=1) for _ in joined[i][0]] for row in rows]
            joined = [tuple(list(chain(*(joined[i][k] for i in row))) for k in (0, 1)) for row in rows]
        input_ids, attention_mask = pad_batch([ids for ids, _ in joined], self.ids["[PAD]"])
        masked, labels = mask_tokens(
            input_ids,
            vocab_size=self.vocab_size,
            mask_token_id=self.ids["[MASK]"],
            special_ids=list(self.ids.values()),
            rng=np.random.default_rng((self.seed, 1, number)),
            probability=self.probability,
            continuation_ids=self.continuation_ids,
        )
        padding = {"sequence_ids": pad_batch(numbers, 0)[0]} if self.packing else {"attention_mask": attention_mask}
        return padding | {
            "input_ids": masked,
            "token_type_ids": pad_batch([segments for _, segments in joined], 0)[0],
            "labels": labels,
            "next_sentence_label": torch.tensor([pair.label for pair in pairs]),
        }

    def one_pass(self) -> list[Batch]:
        """The batches of the first pass: every document once, always with the same masks. For evaluation."""
        return [self.batch(number) for number in range(len(self.batches_of_pass(0)))]

    def token_counts(self) -> np.ndarray:
        """How often each id occurs, int64 (V,)."""
        if isinstance(self.sentences, EncodedCorpus):
            return sum(np.bincount(part, minlength=self.vocab_size) for part in self.sentences.token_parts())
        flat = [np.asarray(sentence) for document in self.sentences for sentence in document if sentence]
        return np.bincount(np.concatenate(flat), minlength=self.vocab_size)


class Stretch(Sequence):
    """Batches `first` to `first + count` of a stream, each built when it is asked for."""

    def __init__(self, data: PretrainingData, first: int, count: int):
        self.data, self.first, self.count = data, first, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Batch:
        if not 0 <= index < self.count:
            raise IndexError(index)
        return self.data.batch(self.first + index)


def unigram_baseline(counts: np.ndarray, batches: Sequence[Batch]) -> dict[str, float]:
    """What can be had without reading: guess every masked token by how frequent each is in the training text.

    Args:
        counts: (V,) occurrences in the training text; one is added to each, so that none has probability 0.
        batches: with labels.

    Returns:
        mlm_loss (nats) and mlm_accuracy (a fraction: always the most frequent token) over the selected tokens.
    """
    labels = np.concatenate([batch["labels"][batch["labels"] != IGNORED].numpy() for batch in batches])
    smoothed = counts + 1.0
    return {
        "mlm_loss": float(-np.log(smoothed[labels] / smoothed.sum()).mean()),
        "mlm_accuracy": float((labels == smoothed.argmax()).mean()),
    }


def loss_sums(model: BertForPreTraining, batch: Batch) -> dict[str, Tensor]:
    """The two losses summed over the batch: "mlm" over its selected tokens, "nsp" over its pairs (nats)."""
    output = model(**batch)
    return {
        "mlm": output.mlm_loss * (batch["labels"] != IGNORED).sum(),
        "nsp": output.nsp_loss * len(batch["next_sentence_label"]),
    }


def loss_counts(batch: Batch) -> dict[str, int]:
    """Over how many tokens and pairs those sums run."""
    return {"mlm": int((batch["labels"] != IGNORED).sum()), "nsp": len(batch["next_sentence_label"])}


def real_tokens(batch: Batch) -> int:
    """Tokens of a batch, padding left out."""
    return int((batch["sequence_ids"] > 0).sum() if "sequence_ids" in batch else batch["attention_mask"].sum())


@torch.no_grad()  # not inference_mode: what a sharded model gathers here, its next training step uses again
def evaluate(model: BertForPreTraining, batches: Sequence[Batch], *, precision: str = "auto") -> dict[str, float]:
    """Measure a model on held-out batches, packed ones too.

    Returns:
        mlm_loss and nsp_loss (nats, means over all selected tokens and all pairs), mlm_accuracy and nsp_accuracy
        (fractions), mlm_tokens and nsp_pairs (how many those are).

    Raises:
        ValueError: no token is selected in any of the batches.
    """
    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    totals = dict.fromkeys(("mlm_loss", "mlm_accuracy", "nsp_loss", "nsp_accuracy", "mlm_tokens", "nsp_pairs"), 0.0)
    with autocast(device, pick_dtype(device, precision)):
        for batch in batches:
            batch = {name: tensor.to(device) for name, tensor in batch.items()}
            output = model(**{name: tensor for name, tensor in batch.items() if name != "next_sentence_label"})
            labels = batch["labels"][batch["labels"] != IGNORED]
            for task, logits, gold in (
                ("mlm", output.prediction_logits, labels),
                ("nsp", output.seq_relationship_logits, batch["next_sentence_label"]),
            ):
                totals[f"{task}_loss"] += F.cross_entropy(logits.float(), gold, reduction="sum").item()
                totals[f"{task}_accuracy"] += (logits.argmax(-1) == gold).sum().item()
            totals["mlm_tokens"] += len(labels)
            totals["nsp_pairs"] += len(batch["next_sentence_label"])
    model.train(was_training)
    if not totals["mlm_tokens"]:
        raise ValueError("no token is selected in the held-out batches: give more text, or a higher probability")
    for task, count in (("mlm", totals["mlm_tokens"]), ("nsp", totals["nsp_pairs"])):
        totals[f"{task}_loss"] /= count
        totals[f"{task}_accuracy"] /= count
    return totals


class PretrainedBert:
    """A pretrained model with its tokenizer: fills masks, judges pairs, is measured, saved and loaded.

    Attributes:
        model: the BertForPreTraining, in evaluation mode.
        tokenizer: its `tokenizers.Tokenizer`.
        max_length: the longest pair it was trained on, in tokens; after `load` the longest that it can read.
        history: of the training; None after `load`.
        baseline: of the unigram guess on the held-out text; None if nothing was held out, and after `load`.
    """

    def __init__(
        self,
        model: BertForPreTraining,
        tokenizer: Tokenizer,
        max_length: int,
        history: History | None = None,
        baseline: Mapping[str, float] | None = None,
    ):
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.history = history
        self.baseline = baseline

    @torch.inference_mode()
    def fill_mask(self, text: str, top_k: int = 5) -> list[dict] | list[list[dict]]:
        """The likeliest tokens behind each [MASK] of a text, as transformers' fill-mask pipeline gives them.

        Returns:
            For each of the top_k tokens score (probability), token (id), token_str and sequence (the text with it).
            With several [MASK], a list of such lists, in which only that mask is filled.

        Raises:
            ValueError: the text has no [MASK], or too many tokens; top_k is below 1.
        """
        if top_k < 1:
            raise ValueError(f"top_k={top_k}: give at least 1")
        ids = torch.tensor([self.tokenizer.encode(text).ids])
        places = (ids[0] == self.tokenizer.token_to_id("[MASK]")).nonzero().flatten().tolist()
        if not places:
            raise ValueError(f"text={text!r} has no [MASK]: write [MASK] where a token is to be guessed")
        device = next(self.model.parameters()).device
        logits = self.model(ids.to(device)).prediction_logits[0, places].float().cpu()
        answers = []
        for place, probabilities in zip(places, logits.softmax(-1), strict=True):
            scores, tokens = probabilities.topk(min(top_k, len(probabilities)))
            rows = []
            for score, token in zip(scores.tolist(), tokens.tolist(), strict=True):
                filled = ids[0].tolist()
                filled[place] = token
                several = len(places) > 1  # the pipeline keeps [CLS], [SEP] and the other masks visible then
                rows.append(
                    {
                        "score": score,
                        "token": token,
                        "token_str": self.tokenizer.decode([token]),
                        "sequence": self.tokenizer.decode(filled, skip_special_tokens=not several),
                    }
                )
            answers.append(rows)
        return answers if len(places) > 1 else answers[0]

    @torch.inference_mode()
    def follows(self, first: str, second: str) -> float:
        """The probability, by the NSP head, that the second text follows the first in a document."""
        encoding = self.tokenizer.encode(first, second)
        device = next(self.model.parameters()).device
        ids, segments = (torch.tensor([row], device=device) for row in (encoding.ids, encoding.type_ids))
        return self.model(ids, token_type_ids=segments).seq_relationship_logits.float().softmax(-1)[0, 0].item()

    def evaluate(
        self, documents: Documents, *, topics: Sequence | None = None, seed: int = 0, precision: str = "auto"
    ) -> dict[str, float]:
        """Losses and accuracies on held-out documents, always with the same pairs and masks; see `evaluate`."""
        data = PretrainingData(
            documents,
            self.tokenizer,
            max_length=self.max_length,
            batch_size=32,
            seed=seed,
            topics=topics,
            show_progress=False,
        )
        return evaluate(self.model, data.one_pass(), precision=precision)

    def save(self, folder: str | Path) -> None:
        """Write a folder that `load` and transformers (BertForPreTraining, the fill-mask pipeline) open.

        Raises:
            OSError: no room, or writing failed; nothing half-written is left.
        """
        save_model(self.model, folder, extra_files=tokenizer_files(self.tokenizer, self.max_length))

    @classmethod
    def load(cls, folder: str | Path) -> PretrainedBert:
        """Open a folder that `save`, `pretrain` or transformers wrote.

        Raises:
            FileNotFoundError: a file is missing. ValueError: a file does not fit, or there is no MLM head.
        """
        model = BertForPreTraining.from_pretrained(folder).to(pick_device())
        if any(name.startswith("mlm.") for name in model.fresh):
            raise ValueError(f"{folder} has no MLM head: pretrain it first, or open it as a bertlib.BertModel")
        return cls(model, load_tokenizer(folder), model.config.max_position_embeddings)


def pretrain(
    documents: Documents,
    held_out: Documents | None = None,
    *,
    start: BertConfig | str | Path,
    updates: int,
    tokenizer: Tokenizer | WordPiece | None = None,
    out: str | Path | None = None,
    batch_size: int = 32,
    accumulation: int = 1,
    max_length: int = 128,
    learning_rate: float = 1e-4,
    warmup: float = 0.1,
    weight_decay: float = 0.01,
    probability: float = 0.15,
    whole_words: bool = False,
    dropout: float | None = None,
    good_start: bool = True,
    packing: bool = False,
    recompute: bool = False,
    compile: bool = False,
    evaluate_every: int | None = None,
    precision: str = "auto",
    seed: int = 0,
    tensorboard: bool = False,
    on_evaluation: Callable[[History, Mapping[str, float] | None], None] | None = None,
    show_progress: bool = True,
) -> PretrainedBert:
    """Pretrain a BERT with MLM and NSP, from scratch or from existing weights.

    With `out`, every evaluation leaves a checkpoint there, and the same call goes on from the last one, bit for bit.
    Under torchrun or `accelerate launch`, inside `bertlib.runtime.joined_processes`, the batches of an update are
    shared out, and the result is that of one process.

    Args:
        documents: each a sequence of sentences, in order; see `bertlib.text.read_documents`.
        held_out: documents for the curves; None for none.
        start: a BertConfig for a random start (its vocab_size and pad_token_id are set to the tokenizer's), or the
            folder of a model whose weights to go on from; heads that it lacks are made anew.
        updates: of the optimizer; rounded up to a multiple of evaluate_every.
        tokenizer: None for that of the folder `start`.
        out: folder for `checkpoints/`, and at the end for `model/` (transformers' format).
        batch_size: pairs a batch.
        accumulation: batches an update, over all processes together.
        max_length: tokens a pair may have; BERT used 128 for 90 % of the updates, then 512 (A.2).
        learning_rate: the peak; BERT's is 1e-4 (A.2), small models take ten times more.
        warmup: share of the updates; BERT's is 0.01.
        weight_decay, precision: see `bertlib.training.train`.
        probability, whole_words: see `bertlib.masking.mask_tokens`.
        dropout: while training, in place of what `start` says; 0 is best for a run that sees nothing often. The model
            that comes out has start's again. None for no change.
        good_start: give new weights a start that saves a small model most of its plateau; see `bertlib.starts`.
        packing: several short pairs in a row; see `PretrainingData`.
        recompute: less memory for more time; see `bertlib.BertModel`.
        compile: have torch compile each layer, which takes up to a minute at the start. Worth a try on a GPU; on the
            CPUs that we measured it never paid for itself.
        evaluate_every: updates between evaluations (and checkpoints); None for a tenth of all.
        seed: of new weights, pairs, order, masks and dropout.
        tensorboard: write curves to `out/runs` (needs the package tensorboard).
        on_evaluation: called with the history and the baseline after each evaluation.
        show_progress: show lines with tokens a second and the time left.

    Raises:
        ValueError: nothing to train on, an argument out of its range, or a checkpoint in `out` that does not fit; the
            message says which and what to do.
        FloatingPointError: the loss is not a number.
    """
    for name, value in (("updates", updates), ("batch_size", batch_size), ("evaluate_every", evaluate_every)):
        if not (value is None and name == "evaluate_every") and (not isinstance(value, int) or value < 1):
            raise ValueError(f"{name}={value!r}: give a whole number of at least 1")
    if not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed={seed!r}: give a whole number of at least 0")
    if tensorboard and out is None:
        raise ValueError("tensorboard=True needs out: the folder to write the curves to")
    from_folder = not isinstance(start, BertConfig)
    if tokenizer is None:
        if not from_folder:
            raise ValueError("tokenizer=None with a BertConfig: give a tokenizer, such as WordPiece.train(texts, 8192)")
        tokenizer = load_tokenizer(start)
    elif isinstance(tokenizer, WordPiece):
        tokenizer = tokenizer.to_tokenizers()

    rank, _ = process_rank()
    show_progress = show_progress and rank == 0
    settings = {"max_length": max_length, "probability": probability}
    data = PretrainingData(
        documents,
        tokenizer,
        **settings,
        batch_size=batch_size,
        seed=seed,
        whole_words=whole_words,
        packing=packing,
        show_progress=show_progress,
    )
    held_out_batches = None
    if held_out is not None:  # always masked at 15 %, so that losses can be compared
        held_out_batches = PretrainingData(
            held_out, tokenizer, max_length=max_length, batch_size=32, show_progress=show_progress
        ).one_pass()

    seed_everything(seed)
    own_config = BertConfig.from_pretrained(start) if from_folder else start
    if not from_folder:
        own_config = replace(own_config, vocab_size=tokenizer.get_vocab_size(), pad_token_id=data.ids["[PAD]"])
    config = own_config
    if dropout is not None:
        config = replace(own_config, hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout)
    if from_folder:
        model = load_model(BertForPreTraining, start, config)
        fresh = set(model.fresh)
    else:
        model = BertForPreTraining(config)
        fresh = {name for name, _ in model.named_parameters()}
    if config.vocab_size != tokenizer.get_vocab_size():
        raise ValueError(
            f"the tokenizer has {tokenizer.get_vocab_size()} entries, the model {config.vocab_size}: use its own"
        )
    if max_length > config.max_position_embeddings:
        raise ValueError(
            f"max_length={max_length}: the model's position table ends at {config.max_position_embeddings}"
        )
    counts = data.token_counts()
    if good_start and "mlm.bias" in fresh:
        start_from_counts(model, counts)
    if good_start and not from_folder:
        look_nearby(model)
    elif good_start and "mlm.dense.weight" in fresh:
        pass_through(model)
    model = model.to(pick_device())
    model.bert.recompute = recompute
    if compile:
        for layer in model.bert.layers:
            layer.compile(dynamic=True)

    every = min(updates, evaluate_every or math.ceil(updates / 10))
    rounds = math.ceil(updates / every)
    baseline = None if held_out is None else unigram_baseline(counts, held_out_batches)
    checkpoints = None
    if out is not None:
        checkpoints = Checkpoints(
            Path(out) / "checkpoints",
            {
                "config": config.to_dict(),
                "start": "random" if not from_folder else str(Path(start).name),
                "documents": data.digest(),
                "updates": rounds * every,
                "evaluate_every": every,
                "batch_size": batch_size,
                "accumulation": accumulation,
                "learning_rate": learning_rate,
                "warmup": warmup,
                "weight_decay": weight_decay,
                "whole_words": whole_words,
                "good_start": good_start,
                "packing": packing,
                "precision": str(pick_dtype(pick_device(), precision)).removeprefix("torch."),
                "seed": seed,
                **settings,
            },
            tokenizer_files(tokenizer, max_length),
        )
    curves = Curves(Path(out) / "runs") if tensorboard and rank == 0 else None

    def on_epoch(history: History) -> None:
        if curves is not None:
            curves.write(history)
        if on_evaluation is not None:
            on_evaluation(history, baseline)

    history = train(
        model,
        lambda number: Stretch(data, number * every * accumulation, every * accumulation),
        loss_sums=loss_sums,
        loss_counts=loss_counts,
        epochs=rounds,
        learning_rate=learning_rate,
        warmup=warmup,
        weight_decay=weight_decay,
        accumulation=accumulation,
        precision=precision,
        seed=seed,
        evaluate=None if held_out is None else lambda model: evaluate(model, held_out_batches, precision=precision),
        evaluate_first=True,
        on_epoch=on_epoch,
        checkpoints=checkpoints,
        what="pretraining",
        unit="tokens",
        size=real_tokens,
        show_progress=show_progress,
    )
    if curves is not None:
        curves.close()
    model.config = model.bert.config = own_config
    for module in model.modules():
        if isinstance(module, Dropout):
            module.p = own_config.hidden_dropout_prob
        elif isinstance(module, MultiHeadSelfAttention):
            module.dropout_p = own_config.attention_probs_dropout_prob
    result = PretrainedBert(model, tokenizer, max_length, history, baseline)
    if out is not None and rank == 0:
        result.save(Path(out) / "model")
    return result


class Curves:
    """Writes a history to TensorBoard: losses, rate and gradient norm an update, held-out figures an evaluation."""

    def __init__(self, folder: Path):
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ModuleNotFoundError("tensorboard=True needs the package: pip install tensorboard") from error
        # A run that goes on writes its curves from the start again, and hides what it wrote before it was stopped.
        self.make_writer = partial(SummaryWriter, str(folder), purge_step=0)
        self.writer = None
        self.updates = self.epochs = 0

    def write(self, history: History) -> None:
        """Write the rows that are new since the last call."""
        if self.writer is None:
            self.writer = self.make_writer()
        for number, row in enumerate(history.updates[self.updates :], start=self.updates + 1):
            for name in ("loss", "learning_rate", "grad_norm"):
                self.writer.add_scalar(f"training/{name}", row[name], number)
        for row in history.epochs[self.epochs :]:
            for name, value in row.items():
                if name not in ("epoch", "updates", "loss", "seconds", "tokens"):
                    kind = "training" if name.endswith("per_second") else "held_out"
                    self.writer.add_scalar(f"{kind}/{name}", value, row["updates"])
        self.updates, self.epochs = len(history.updates), len(history.epochs)
        self.writer.flush()

    def close(self) -> None:
        """Let go of the file."""
        if self.writer is not None:
            self.writer.close()


def describe(row: Mapping[str, Any]) -> str:
    """One evaluation in one line."""
    parts = [f"update {row['updates']:,}"]
    if "tokens_per_second" in row:
        parts.append(f"loss {row['loss']:.3f}, {row['tokens']:,} tokens, {row['tokens_per_second']:,.0f} tokens/s")
    if "mlm_loss" in row:
        parts.append(
            f"held-out MLM {row['mlm_loss']:.3f} nats, {row['mlm_accuracy']:.1%} right, NSP {row['nsp_accuracy']:.1%}"
        )
    return " · ".join(parts)
