"""Tagging speed and entity F1: bertlib against transformers' Trainer and its defaults, same model and data, in one run.

The plain run: DataCollatorForTokenClassification (each batch padded to its longest), first pieces labelled, batches
of 16, float32, AdamW with a linear schedule; scored by seqeval on the data's own words. Both see each sentence as
often, at the same rate. Prints one table of ratios.

    python benchmarks/tagging.py --data universal_ner   from the hub (HF_ENDPOINT chooses which hub)
    python benchmarks/tagging.py --data bbc_entities    without a network
"""

from __future__ import annotations

import argparse
import tempfile
import time

import numpy as np
import torch
import transformers
from datasets import Dataset, DatasetDict
from measure import print_machine

from bertlib.data.catalog import ENTITY_SETS, load
from bertlib.data.encoders import encoder_folder
from bertlib.data.entities import tag_names_of
from bertlib.device import bf16_speedup, pick_device, pick_dtype
from bertlib.metrics import entity_scores
from bertlib.tasks.tag import fine_tune


def plain_tagging(data: DatasetDict, epochs: int, learning_rate: float, seed: int) -> tuple[float, float]:
    """Train and test the plain way: examples a second while training, and entity F1 on "test" as a fraction."""
    names = tag_names_of(data["train"])
    tokenizer = transformers.AutoTokenizer.from_pretrained(encoder_folder())

    def encode(row: dict) -> dict:
        encoded = tokenizer(row["tokens"], is_split_into_words=True, truncation=True, max_length=128)
        words = encoded.word_ids()
        first = [word is not None and word not in words[:place] for place, word in enumerate(words)]
        encoded["labels"] = [row["ner_tags"][w] if f else -100 for w, f in zip(words, first, strict=True)]
        return encoded

    encoded = {
        split: Dataset.from_list([{"tokens": r["tokens"], "ner_tags": r["ner_tags"]} for r in data[split]])
        .map(encode, remove_columns=["tokens", "ner_tags"])
        for split in ("train", "test")
    }  # fmt: skip
    transformers.set_seed(seed)
    model = transformers.AutoModelForTokenClassification.from_pretrained(
        encoder_folder(), id2label=dict(enumerate(names)), label2id={name: i for i, name in enumerate(names)}
    )
    with tempfile.TemporaryDirectory() as folder:
        settings = transformers.TrainingArguments(
            folder,
            num_train_epochs=epochs,
            per_device_train_batch_size=16,
            learning_rate=learning_rate,
            weight_decay=0.01,
            seed=seed,
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            dataloader_pin_memory=False,
        )
        trainer = transformers.Trainer(
            model,
            settings,
            train_dataset=encoded["train"],
            data_collator=transformers.DataCollatorForTokenClassification(tokenizer),
        )
        started = time.perf_counter()
        trainer.train()
        speed = epochs * len(data["train"]) / (time.perf_counter() - started)
        logits = trainer.predict(encoded["test"]).predictions
    predicted = []
    for scores, row, original in zip(logits, encoded["test"], data["test"], strict=True):
        tags = [names[tag] for tag, label in zip(scores.argmax(-1), row["labels"], strict=False) if label != -100]
        predicted.append(tags + ["O"] * (len(original["tokens"]) - len(tags)))  # what was cut off
    gold = [[names[tag] for tag in tags] for tags in data["test"]["ner_tags"][:]]
    return speed, entity_scores(gold, predicted)["f1"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="bbc_entities", choices=ENTITY_SETS)
    parser.add_argument("--train", type=int, default=10**9, help="training sentences, at most")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--learning-rate", type=float, default=3e-4)
    parser.add_argument("--seeds", type=int, default=1, help="runs of each side, alternating; means are printed")
    options = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()

    data = load(options.data)
    train = data["train"].shuffle(seed=0).take(min(options.train, len(data["train"])))
    data = DatasetDict(train=train, test=data["test"] if "test" in data else data["validation"])
    device = pick_device()
    print_machine()
    print(f"{options.data}: {len(train)} sentences × {options.epochs} epochs, tested on {len(data['test'])}; {device}")
    if device.type == "cpu":
        dtype = str(pick_dtype(device)).removeprefix("torch.")
        print(f"{torch.get_num_threads()} threads; bf16 products {bf16_speedup():.1f} × as fast as fp32, so: {dtype}")
    ours, plain = [], []
    for seed in range(options.seeds):
        tagger = fine_tune(
            DatasetDict(train=train), epochs=options.epochs, learning_rate=options.learning_rate, seed=seed
        )
        rows = tagger.history.epochs
        speed = len(rows) / sum(1 / row["examples_per_second"] for row in rows)
        ours.append((speed, tagger.evaluate(data["test"])["f1"]))
        plain.append(plain_tagging(data, options.epochs, options.learning_rate, seed))
    (our_speed, our_f1), (plain_speed, plain_f1) = np.mean(ours, axis=0), np.mean(plain, axis=0)
    print(f"\n{'':10}{'examples/s':>12}{'ratio':>8}{'entity F1':>11}{'points':>8}")
    print(f"{'Trainer':10}{plain_speed:12.1f}{1:8.2f}{plain_f1:11.1%}{'':>8}")
    print(
        f"{'bertlib':10}{our_speed:12.1f}{our_speed / plain_speed:8.2f}{our_f1:11.1%}{100 * (our_f1 - plain_f1):+8.1f}"
    )


if __name__ == "__main__":
    main()
