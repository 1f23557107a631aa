"""Make data/verses: an encoder–decoder that translates verses, and its table; each command goes on where it stopped.

python data/make_verses.py train     # build/verses, about 40 minutes on one core with bf16 units; ships epoch 15
python data/make_verses.py rows      # data/verses/rows.csv, about 10 minutes
"""

from __future__ import annotations

import copy
import csv
import json
import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from datasets import DatasetDict
from sklearn.feature_extraction.text import TfidfVectorizer

from bertcourse.data.verses import load_verses
from bertlib.device import seed_everything
from bertlib.files import write_folder
from bertlib.metrics import interval
from bertlib.metrics.overlap import bleu_counts, bleu_of, chrf_counts, chrf_of
from bertlib.model.config import BertConfig
from bertlib.model.seq2seq import BertForSeq2Seq, seq2seq_files
from bertlib.model.weights import model_files, read_tensors, write_model
from bertlib.tasks.translate import JOINED, Translator
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
        (beside / "bertlib.json").write_text(json.dumps({"max_length": POSITIONS}) + "\n", encoding="utf-8")


# ------------------------------------------------------------------------------------------------------------ rows

LAST_STRETCH = Recipe(epochs=1, learning_rate=2e-4, batch_size=64, warmup=0.0, precision="fp32", seed=0)
UPDATES = 48  # of the last stretch that the lesson does live


def likeliest_words(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """A dictionary by co-occurrence: of each source word the target word with the highest Dice coefficient."""
    together, source_of, target_of = Counter(), Counter(), Counter()
    for source, target in pairs:
        words, others = set(plain_words(source)), set(plain_words(target))
        source_of.update(words)
        target_of.update(others)
        together.update((word, other) for word in words for other in others)
    best: dict[str, tuple[float, str]] = {}
    for (word, other), count in together.items():
        score = 2 * count / (source_of[word] + target_of[other])
        best[word] = max(best.get(word, (0.0, "")), (score, other))
    return {word: other for word, (_, other) in best.items()}


def plain_words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+|[^\w\s]", text.lower())


def written_by(name: str, verses, translator: Translator, sources: list[str]) -> list[str]:
    """What a row gives for some sources."""
    train_split = verses["train"]
    if name == "copy":
        return sources
    if name == "dictionary":
        known = likeliest_words(list(zip(train_split["source"][:], train_split["target"][:], strict=True)))
        return [JOINED.sub(r"\1", " ".join(known.get(word, word) for word in plain_words(text))) for text in sources]
    if name == "nearest":
        vectorizer = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2))
        known = vectorizer.fit_transform(train_split["source"][:])
        nearest = np.asarray((vectorizer.transform(sources) @ known.T).argmax(axis=1)).ravel()
        return [train_split["target"][int(i)] for i in nearest]
    if name == "shuffled source":
        order = np.random.default_rng(0).permutation(len(sources))
        return translator.predict([sources[i] for i in order], beams=1)
    return translator.predict(sources, beams=4 if "beams" in name else 1)


def without_cross_attention(translator: Translator) -> Translator:
    """The same weights, but nothing comes from the source: its output matrices are 0."""
    cut = copy.deepcopy(translator)
    for layer in cut.model.decoder.layers:
        layer.cross.output.weight.data.zero_()
        layer.cross.output.bias.data.zero_()
    return cut


def last_stretch(translator: Translator, verses) -> Translator:
    """Go on from what ships for 48 updates, the rate falling from where it stood to 0."""
    some = np.random.default_rng(1).choice(len(verses["train"]), UPDATES * 64, replace=False)
    return translator.go_on(DatasetDict({"train": verses["train"].select(some)}), recipe=LAST_STRETCH)


ROWS = ("copy", "dictionary", "nearest", "greedy", "4 beams", "shuffled source", "no cross-attention")
ROWS += ("last stretch, greedy", "last stretch, 4 beams")


def run_rows() -> None:
    """BLEU and chrF on the held-out books, each with its interval over verses."""
    path, verses = HERE / "rows.csv", load_verses()
    there = []
    if path.is_file():
        there = [row["row"] for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())]
    else:
        path.write_text("row,verses,bleu,bleu_low,bleu_high,chrf,chrf_low,chrf_high\n", encoding="utf-8")
    sources, wanted = verses["test"]["source"][:], verses["test"]["target"][:]
    shipped, later = Translator.load(HERE), None
    for name in ROWS:
        if name in there:
            continue
        used = shipped
        if name.startswith("last"):
            later = used = later or last_stretch(Translator.load(HERE), verses)
        elif name.startswith("no"):
            used = without_cross_attention(shipped)
        written = written_by(name, verses, used, sources)
        row = [name, len(wanted)]
        for counted, of in ((bleu_counts, bleu_of), (chrf_counts, chrf_of)):
            counts = np.array([counted(*pair) for pair in zip(written, wanted, strict=True)])
            row += [f"{value:.2f}" for value in (of(counts), *interval(of, counts))]
        with open(path, "a", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(row)
        print(row, flush=True)


if __name__ == "__main__":
    {"train": run_training, "rows": run_rows}[sys.argv[1]]()
