"""Make data/chinese_bert, a small Chinese BERT, and the tables of data/chinese; each command goes on where it stopped.

python data/make_chinese.py pretrain     # data/chinese_bert, about 45 minutes on two cores
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np
import torch

from bertcourse.data.chinese import chinese_tokenizer, encode_words, load_reviews, longest_words, newspaper
from bertlib.device import autocast, pick_dtype, seed_everything
from bertlib.files import write_folder
from bertlib.model.config import BertConfig
from bertlib.model.heads import BertForMaskedLM
from bertlib.model.starts import look_nearby, start_from_counts
from bertlib.model.weights import model_files, write_model
from bertlib.text.batching import Batch
from bertlib.text.masking import mask_tokens
from bertlib.text.pair_stream import special_ids
from bertlib.text.tokenizer import tokenizer_files
from bertlib.train.checkpoints import Checkpoints
from bertlib.train.evaluation import Evaluation
from bertlib.train.history import Log
from bertlib.train.loop import train
from bertlib.train.recipe import Recipe

DATA = Path(__file__).parent
BUILD = DATA.parent / "build"
LENGTH, ROWS, EVERY = 128, 32, 300  # tokens a row, rows an update, updates between two measurements


# ----------------------------------------------------------------------------------------------------- pretraining


@cache
def known_words() -> frozenset[str]:
    """The newspaper's words of two characters and more, of its training part: what divides the reviews."""
    return frozenset(word for line in newspaper()["train"] for word in line.words if len(word) > 1)


def texts_in_words(part: str) -> list[list[Sequence[str]]]:
    """The texts of a part as words: the newspaper in its order, in pieces of 20 lines, and reviews, each alone."""
    lines = [line.words for line in newspaper()[part]]
    reviews = [[longest_words(text, known_words())] for text in load_reviews()[part]["text"]]
    return [lines[start : start + 20] for start in range(0, len(lines), 20)] + reviews


class Rows(Sequence):
    """Rows of 128 tokens, full to the last one: [CLS], text, [SEP] after each text, cut where the row is full.

    Each pass has the texts in another order, so rows begin elsewhere; whole words are hidden.
    """

    def __init__(self, texts: Sequence, seed: int = 0):
        self.tokenizer = chinese_tokenizer()
        self.ids = special_ids(self.tokenizer)
        self.texts = []  # of each text its ids and its words' numbers
        for lines in texts:
            ids, words = [], []
            for line in lines:
                own, numbers = encode_words(self.tokenizer, line)
                words += [(words[-1] + 1 if words else 0) + number for number in numbers]
                ids += own
            self.texts.append((ids, words))
        self.seed = seed
        self.tokens = sum(len(ids) + 1 for ids, _ in self.texts)
        self.per_pass = self.tokens // (LENGTH - 1)  # rows
        self._kept: tuple[int, np.ndarray, np.ndarray] | None = None

    def rows_of_pass(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        if self._kept is None or self._kept[0] != number:
            order = np.random.default_rng((self.seed, 0, number)).permutation(len(self.texts))
            ids, words, last = [], [], 0
            for i in order.tolist():
                own, numbers = self.texts[i]
                ids += [*own, self.ids["[SEP]"]]
                words += [last + n for n in numbers]
                last = (words[-1] if words else 0) + 1
                words.append(last)
                last += 1
            size = self.per_pass * (LENGTH - 1)
            shape = (self.per_pass, LENGTH - 1)
            self._kept = (number, np.array(ids[:size]).reshape(shape), np.array(words[:size]).reshape(shape))
        return self._kept[1:]

    def batch(self, number: int) -> Batch:
        """Batch `number` of the stream, from 0: input_ids (masked), attention_mask, labels (B, T)."""
        each = self.per_pass // ROWS
        turn, place = divmod(number, each)
        ids, words = self.rows_of_pass(turn)
        mixed = np.random.default_rng((self.seed, 1, turn)).permutation(len(ids))[place * ROWS : (place + 1) * ROWS]
        first = np.full((len(mixed), 1), self.ids["[CLS]"])
        input_ids = torch.from_numpy(np.concatenate([first, ids[mixed]], axis=1))
        numbers = torch.from_numpy(np.concatenate([np.full_like(first, -1), words[mixed]], axis=1))
        masked, labels = mask_tokens(
            input_ids,
            vocab_size=self.tokenizer.get_vocab_size(),
            mask_token_id=self.ids["[MASK]"],
            special_ids=list(self.ids.values()),
            rng=np.random.default_rng((self.seed, 2, number)),
            words=numbers,
        )
        return {"input_ids": masked, "attention_mask": torch.ones_like(masked), "labels": labels}

    def __len__(self) -> int:
        return self.per_pass // ROWS

    def __getitem__(self, index: int) -> Batch:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.batch(index)

    def token_counts(self) -> np.ndarray:
        return np.bincount(
            np.concatenate([ids for ids, _ in self.texts]), minlength=self.tokenizer.get_vocab_size()
        )


class Part(Sequence):
    """Batches `first` to `first + count` of a stream."""

    def __init__(self, rows: Rows, first: int, count: int):
        self.rows, self.first, self.count = rows, first, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Batch:
        if not 0 <= index < self.count:
            raise IndexError(index)
        return self.rows.batch(self.first + index)


@torch.inference_mode()
def masked_loss(model: BertForMaskedLM, batches: Sequence[Batch], precision: str = "fp32") -> dict[str, float]:
    """Mean loss in nats over all hidden tokens, and the share that is guessed right."""
    total = right = count = 0
    for batch in batches:
        hidden = batch["labels"] != -100
        with autocast(batch["input_ids"].device, pick_dtype(batch["input_ids"].device, precision)):
            logits = model.logits(batch["input_ids"], batch["attention_mask"], hidden).float()
        gold = batch["labels"][hidden]
        total += torch.nn.functional.cross_entropy(logits, gold, reduction="sum").item()
        right += int((logits.argmax(-1) == gold).sum())
        count += len(gold)
    return {"mlm_loss": total / count, "mlm_accuracy": right / count}


def pretrain(updates: int) -> None:
    """Train from random weights, ship the result in 16-bit numbers with its history."""
    rows, held_out = Rows(texts_in_words("train")), Rows(texts_in_words("validation"))
    tokenizer = rows.tokenizer
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=192,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=768,
        max_position_embeddings=LENGTH,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    recipe = Recipe(epochs=updates // EVERY, learning_rate=1e-3, batch_size=ROWS, warmup=0.05, seed=0)
    seed_everything(recipe.seed)
    model = BertForMaskedLM(config)
    start_from_counts(model, rows.token_counts())
    look_nearby(model)
    print(f"{rows.tokens:,} tokens, {len(rows)} batches a pass, {len(held_out)} batches held out", flush=True)
    some = [held_out[i] for i in range(0, len(held_out), 4)]
    checkpoints = Checkpoints(
        BUILD / "chinese_bert" / "checkpoints",
        {"updates": updates, "recipe": asdict(recipe)},
        tokenizer_files(tokenizer, LENGTH),
    )

    def tell(history) -> None:
        print(json.dumps({k: v for k, v in history.epochs[-1].items()}), flush=True)

    log = Log("pretraining", "tokens", lambda batch: batch["input_ids"].numel(), show_progress=False, on_epoch=tell)
    history = train(
        model,
        lambda number: Part(rows, number * EVERY, EVERY),
        recipe,
        evaluation=Evaluation(lambda model: masked_loss(model, some, "auto")),
        checkpoints=checkpoints,
        log=log,
    )
    files, tensors = model_files(model, tokenizer_files(tokenizer, LENGTH))
    files["config.json"] = files["config.json"].replace('"float32"', '"float16"')
    files["history.json"] = json.dumps({"recipe": asdict(recipe), "rows": history.epochs}, indent=1) + "\n"
    target = DATA / "chinese_bert"
    with write_folder(target, sum(tensor.nbytes for tensor in tensors.values())) as beside:
        write_model(beside, files, {name: tensor.half() for name, tensor in tensors.items()})


if __name__ == "__main__":
    if sys.argv[1] == "pretrain":
        pretrain(int(sys.argv[2]) if len(sys.argv) > 2 else 6000)
