"""Translation: an encoder reads a text, a decoder writes it in another language (Vaswani et al., 2017)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch
from tokenizers import Tokenizer
from torch import Tensor

from bertlib.data.columns import texts_of
from bertlib.data.encoders import encoder_folder
from bertlib.device import autocast, pick_device, pick_dtype, seed_everything
from bertlib.files import read_json
from bertlib.metrics.overlap import bleu, chrf
from bertlib.model.config import BertConfig
from bertlib.model.encoder import BertModel
from bertlib.model.generate import beam_search, greedy
from bertlib.model.seq2seq import BertForSeq2Seq
from bertlib.model.weights import read_model
from bertlib.tasks.task import Examples, Task, check_dataset
from bertlib.text.batching import encode_texts, length_buckets, pad_batch
from bertlib.text.inputs import one_or_many
from bertlib.text.tokenizer import framing_ids, load_tokenizer, tokenizer_files
from bertlib.text.wordpiece import WordPiece
from bertlib.train.evaluation import Evaluation
from bertlib.train.history import Log
from bertlib.train.loop import train
from bertlib.train.recipe import RECIPES, Recipe
from bertlib.train.tracking import card, write_card

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

JOINED = re.compile(r" ?(['’-]) ?| (?=[.,;:!?)\]»])|(?<=[(\[«]) ")


class Pairs(Examples):
    """Sources, and as labels what is to be written; a pair is as long as both together."""

    def lengths(self) -> list[int]:
        return [len(source) + len(text) for source, text in zip(self.sequences, self.labels, strict=True)]


class Translator(Task):
    """An encoder–decoder with the tokenizers of both sides.

    Attributes:
        tokenizer, target: of what is read, and of what is written.
        max_length: pieces of either text; longer sources are cut, and nothing longer is written.
    """

    head = BertForSeq2Seq
    recipe = RECIPES["translate"]
    figures = ("accuracy", "loss")
    words = ("learning to translate", "translating", "texts")

    def __init__(self, model: BertForSeq2Seq, tokenizer: Tokenizer, target: Tokenizer, max_length: int = 96):
        super().__init__(model, tokenizer, max_length)
        self.target = target

    def examples(self, split: Dataset) -> Pairs:
        """The columns source and target as ids; a target without its [CLS], which the decoder is given."""
        sources = encode_texts(self.tokenizer, texts_of(split, ["source"]), self.max_length)
        targets = encode_texts(self.target, texts_of(split, ["target"]), self.max_length + 1)
        return Pairs(sources, [ids[1:] for ids in targets])

    def predict(
        self, texts: str | Sequence[str], *, beams: int = 4, length_penalty: float = 1.0, batch_size: int = 32
    ) -> str | list[str]:
        """Translate a text or several; see `bertlib.model.generate`. One beam writes the likeliest piece each time."""
        several, single = one_or_many(texts)
        sources, written = encode_texts(self.tokenizer, several, self.max_length), [""] * len(several)
        for chosen in length_buckets([len(ids) for ids in sources], batch_size):
            given = pad_batch([sources[i] for i in chosen], self.model.config.pad_token_id)
            given = [self.model, *(x.to(self.device) for x in given)]
            if beams == 1:
                ids = greedy(*given, max_length=self.max_length)
            else:
                ids, _ = beam_search(*given, beams=beams, length_penalty=length_penalty, max_length=self.max_length)
            for i, row in zip(chosen, ids.tolist(), strict=True):
                written[i] = self.as_text(row)
        return written[0] if single else written

    def as_text(self, ids: Sequence[int]) -> str:
        """What pieces of the target say; spaces around marks are set by rule, as most texts have them."""
        unspoken = {*framing_ids(self.target), self.model.decoder_config.pad_token_id}
        pieces = [self.target.id_to_token(number) for number in ids if number not in unspoken]
        return JOINED.sub(r"\1", " ".join(pieces).replace(" ##", ""))

    @torch.inference_mode()
    def next_pieces(self, split: Dataset, *, batch_size: int = 64, precision: str = "fp32") -> dict[str, float]:
        """How well each next piece is foreseen behind the right ones: "accuracy", and "loss" in nats a piece."""
        examples, sums = self.examples(split), torch.zeros(3)
        for chosen in length_buckets(examples.lengths(), batch_size):
            batch = {k: x.to(self.device) for k, x in examples.batch(chosen, self.model.config.pad_token_id).items()}
            with autocast(self.device, pick_dtype(self.device, precision)):
                output = self.model(**batch)
            right = (output.logits.argmax(dim=-1) == batch["labels"]).sum()
            sums += Tensor([right, output.loss_sums["token"], output.loss_counts["token"]])
        return {"accuracy": (sums[0] / sums[2]).item(), "loss": (sums[1] / sums[2]).item()}

    def evaluate(self, split: Dataset, **options: Any) -> dict[str, float]:
        """BLEU and chrF of the translations (options as of `predict`), and `next_pieces`."""
        written, wanted = self.predict(texts_of(split, ["source"]), **options), texts_of(split, ["target"])
        return {"bleu": bleu(written, wanted), "chrf": chrf(written, wanted), **self.next_pieces(split)}

    @classmethod
    def fit(
        cls,
        dataset: DatasetDict,
        *,
        encoder: str | Path | None = None,
        layers: int = 3,
        width: int = 192,
        pieces: int = 3072,
        max_length: int = 96,
        dropout: float = 0.2,
        recipe: Recipe | None = None,
        **settings: Any,
    ) -> Self:
        """Train a translator whose decoder starts from random weights; see `fine_tune`."""
        shown = {"show_progress": settings.pop("show_progress", True)}
        recipe, (training, _) = (recipe or cls.recipe).but(**settings), check_dataset(dataset)
        seed_everything(recipe.seed)
        target = WordPiece.train(texts_of(training, ["target"]), pieces, lowercase=False).to_tokenizers()
        if encoder is None:
            reader = WordPiece.train(texts_of(training, ["source"]), pieces).to_tokenizers()
            shape = {"vocab_size": reader.get_vocab_size(), "max_position_embeddings": max_length}
            shape |= {"hidden_size": width, "intermediate_size": 4 * width, "num_hidden_layers": layers}
            shape |= {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
            bert = BertModel(BertConfig(num_attention_heads=4, **shape))
        else:
            stored = read_model(encoder_folder(encoder))
            reader, bert = load_tokenizer(stored.folder, stored.values), BertModel.from_pretrained(stored)
        max_length = min(max_length, bert.config.max_position_embeddings)
        own = {"vocab_size": target.get_vocab_size(), "num_hidden_layers": layers, "type_vocab_size": 2, "labels": ()}
        own |= {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
        writer = replace(bert.config, max_position_embeddings=max_length, **own)
        start, end = framing_ids(target)
        model = BertForSeq2Seq(bert.config, writer, start=start, end=end)
        model.bert = bert
        return cls(model.to(pick_device()), reader, target, max_length).go_on(dataset, recipe=recipe, **shown)

    def go_on(
        self, dataset: DatasetDict, *, recipe: Recipe | None = None, show_progress: bool = True, **settings: Any
    ) -> Self:
        """Train on, in place, and keep the epoch that is best on validation; gives itself. See `fine_tune`."""
        recipe, (training, validation) = (recipe or self.recipe).but(**settings), check_dataset(dataset)

        def measure(model: torch.nn.Module) -> Mapping[str, float]:
            figures = self.next_pieces(validation, precision=recipe.precision)
            return {f"validation_{name}": value for name, value in figures.items()}

        kept = Evaluation() if validation is None else Evaluation(measure, maximize="validation_accuracy")
        batches, log = self.shuffled(self.examples(training), recipe), Log(self.words[0], show_progress=show_progress)
        self.history = train(self.model, batches, recipe, evaluation=kept, log=log)
        own = {name: dataset[name] for name in dataset if name != "test"}
        self.card = card(self, own, recipe, "its own", max_length=self.max_length)
        return self

    def save(self, folder: str | Path) -> None:
        """Write a folder that `load` opens, and transformers' EncoderDecoderModel; tokenizers in source and target."""
        files = {"bertlib.json": json.dumps({"max_length": self.max_length}) + "\n"}
        for name, tokenizer in (("source", self.tokenizer), ("target", self.target)):
            of_side = tokenizer_files(tokenizer, self.max_length)
            files |= {f"{name}/{file}": text for file, text in of_side.items()}
        self.model.save_pretrained(folder, files)
        write_card(folder, self.card)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Open what `save` wrote; raises a FileNotFoundError or ValueError where a file is missing or does not fit."""
        model = BertForSeq2Seq.from_pretrained(folder).to(pick_device())
        sides = [load_tokenizer(Path(folder) / name, {"model_type": "bert"}) for name in ("source", "target")]
        return cls(model, *sides, read_json(Path(folder) / "bertlib.json")["max_length"])


def fine_tune(dataset: DatasetDict, **options: Any) -> Translator:
    """Train a translator, and keep the epoch that foresees most pieces of the validation texts.

    Args:
        dataset: splits "train" and, to choose the epoch, "validation"; columns source and target.
        options: encoder, a name that `bertlib.data.encoders` knows, or a folder; None for a new one of the decoder's
            shape. layers, width: of the decoder; with an encoder it has that one's width. pieces: of a new vocabulary,
            without case where it reads, with it where it writes. max_length: pieces of either text. dropout: of new
            parts. recipe, show_progress and settings as of `bertlib.tasks.classify.fine_tune`.

    Raises:
        ValueError: a split or column is missing, a text is empty, an argument is out of its range.
    """
    return Translator.fit(dataset, **options)
