"""Make data/verses: an encoder–decoder that translates verses, and its table; each command goes on where it stopped.

python data/make_verses.py train     # build/verses, about 40 minutes on one core with bf16 units; ships epoch 15
python data/make_verses.py rows      # data/verses/rows.csv, about 10 minutes
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from bertcourse.data.verses import load_verses
from bertlib.device import seed_everything
from bertlib.files import write_folder
from bertlib.model.config import BertConfig
from bertlib.model.seq2seq import BertForSeq2Seq, seq2seq_files
from bertlib.model.weights import model_files, read_tensors, write_model
from bertlib.text.batching import Batch, length_buckets, pad_batch
from bertlib.text.tokenizer import framing_ids
from bertlib.text.wordpiece import WordPiece
from bertlib.train.checkpoints import Checkpoints
from bertlib.train.evaluation import Evaluation
from bertlib.train.history import Log
from bertlib.train.loop import train
from bertlib.train.recipe import Recipe

DATA = Path(__file__).parent
HERE, BUILD = DATA / "verses", DATA.parent / "build" / "verses"
PIECES, WIDTH, LAYERS, POSITIONS = 3072, 192, 3, 96
EPOCHS, SHIPPED = 18, 15  # the rate falls to 0 at the end; after 15 epochs it stands at 0.19 of its peak


def tokenizers(split) -> tuple[WordPiece, WordPiece]:
    """English, without case, and French, with case and accents: what is written has to be right."""
    return WordPiece.train(split["source"][:], PIECES), WordPiece.train(split["target"][:], PIECES, lowercase=False)


def fresh_model(start: int, end: int) -> BertForSeq2Seq:
    shape = {
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 4,
        "intermediate_size": 4 * WIDTH,
    }
    shape |= {"vocab_size": PIECES, "max_position_embeddings": POSITIONS}
    shape |= {"hidden_dropout_prob": 0.2, "attention_probs_dropout_prob": 0.2}
    return BertForSeq2Seq(BertConfig(**shape), BertConfig(**shape), start=start, end=end)


class Encoded(Sequence):
    """Pairs as ids; a batch of them as the model reads it: the source framed, the target with its end alone."""

    def __init__(self, split, english, french):
        self.sources = [encoding.ids[:POSITIONS] for encoding in english.encode_batch(split["source"][:])]
        self.targets = [encoding.ids[1:][: POSITIONS - 1] for encoding in french.encode_batch(split["target"][:])]

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, index: int):
        return self.sources[index], self.targets[index]

    def batch(self, chosen: Sequence[int]) -> Batch:
        ids, mask = pad_batch([self.sources[i] for i in chosen], 0)
        labels, _ = pad_batch([self.targets[i] for i in chosen], -100)
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}

    def epoch(self, number: int, size: int = 64) -> list[Batch]:
        lengths = [len(source) + len(target) for source, target in self]
        return [self.batch(chosen) for chosen in length_buckets(lengths, size, np.random.default_rng((0, number)))]


@torch.inference_mode()
def held_out_loss(model: BertForSeq2Seq, data: Encoded) -> float:
    """Mean loss a piece, in nats."""
    total = count = 0
    for first in range(0, len(data), 64):
        output = model(**data.batch(range(first, min(first + 64, len(data)))))
        total, count = total + output.loss_sums["token"].item(), count + output.loss_counts["token"]
    return total / count


def run_training() -> None:
    """From random weights; what ships is the state after epoch 15, in 16-bit numbers: the rest is the lesson's."""
    verses = load_verses()
    english, french = tokenizers(verses["train"])
    start, end = framing_ids(french.to_tokenizers())
    read = english.to_tokenizers(), french.to_tokenizers()
    data = {name: Encoded(split, *read) for name, split in verses.items()}
    recipe = Recipe(epochs=EPOCHS, learning_rate=1e-3, batch_size=64, warmup=0.1, seed=0)
    seed_everything(recipe.seed)
    model = fresh_model(start, end)
    checkpoints = Checkpoints(BUILD / "checkpoints", {"recipe": asdict(recipe)}, keep=4)

    def tell(history) -> None:
        print(json.dumps(history.epochs[-1]), flush=True)

    history = train(
        model,
        data["train"].epoch,
        recipe,
        evaluation=Evaluation(lambda model: {"validation_loss": held_out_loss(model, data["validation"])}),
        checkpoints=checkpoints,
        log=Log("translating", show_progress=False, on_epoch=tell),
    )
    updates = checkpoints.numbers()[-1] // EPOCHS * SHIPPED
    weights = read_tensors(checkpoints.place(updates))
    for (_, own), name in zip(model.state_dict().items(), model_files(model)[1], strict=True):
        own.copy_(weights[name])
    files, tensors = seq2seq_files(model)
    files["config.json"] = files["config.json"].replace('"float32"', '"float16"')
    rows = {"recipe": asdict(recipe), "shipped_epoch": SHIPPED, "rows": history.epochs}
    files["history.json"] = json.dumps(rows, indent=1) + "\n"
    with write_folder(HERE, sum(tensor.nbytes for tensor in tensors.values())) as beside:
        write_model(beside, files, {name: tensor.half() for name, tensor in tensors.items()})
        for name, vocabulary in (("source", english), ("target", french)):
            (beside / name).mkdir()
            vocabulary.save(beside / name)


if __name__ == "__main__":
    {"train": run_training}[sys.argv[1]]()
