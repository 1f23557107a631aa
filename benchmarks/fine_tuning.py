"""Fine-tuning speed and accuracy: the tutorials' loop, transformers' Trainer at its best, bertlib; same texts, one run.

The plain loop: every text padded to 128 tokens, batches of 16, float32, AdamW at 2e-5 on all parameters. The Trainer:
each batch padded to its longest and made of texts of similar length, bf16 where the processor gains by it, fused AdamW,
and bertlib's own batch size, rate and schedule. All start from the same encoder and see each text once. A ratio is
printed with the accuracy on the test texts, and the command fails if bertlib's is lower than both others'.

    python benchmarks/fine_tuning.py                     AG News from the hub (HF_ENDPOINT chooses which hub)
    python benchmarks/fine_tuning.py --data bbc_news     without a network
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile

import numpy as np
import torch
import transformers
from datasets import Dataset, DatasetDict
from measure import TrainingSide, alternate, close_all, print_machine, print_table, say, start_all

from bertlib.data.catalog import load
from bertlib.data.columns import class_names, labels_of, teasers
from bertlib.data.encoders import DEFAULT_ENCODER, encoder_folder, suited_learning_rate
from bertlib.device import pick_device, pick_dtype, seed_everything
from bertlib.tasks.classify import fine_tune
from bertlib.train.optimizer import parameter_groups

MAX_LENGTH, PLAIN_BATCH, BATCH = 128, 16, 32


def read(options: dict) -> DatasetDict:
    data = teasers(load(options["data"]))
    sizes = {"train": options["train"], "test": options["test"]}
    return DatasetDict({n: data[n].shuffle(seed=0).take(min(size, len(data[n]))) for n, size in sizes.items()})


def accuracy(model: torch.nn.Module, tokenizer, test: Dataset, names: list[str]) -> float:
    """Of a transformers model, as a fraction."""
    model.eval()
    gold, right = labels_of(test, names), []
    with torch.no_grad():
        for start in range(0, len(gold), 64):
            texts = test["text"][start : start + 64]
            encoded = tokenizer(texts, padding=True, truncation=True, max_length=MAX_LENGTH, return_tensors="pt")
            logits = model(**encoded.to(model.device)).logits
            right.extend(logits.argmax(dim=1).cpu().numpy() == gold[start : start + 64])
    return float(np.mean(right))


def plain_loop(options: dict) -> float:
    """As tutorials print it; gives the test accuracy."""
    data = read(options)
    seed_everything(options["seed"])
    device, names = pick_device(), class_names(data["train"])
    tokenizer = transformers.AutoTokenizer.from_pretrained(encoder_folder())
    model = transformers.BertForSequenceClassification.from_pretrained(encoder_folder(), num_labels=len(names))
    model.to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    texts, labels = data["train"]["text"], torch.from_numpy(labels_of(data["train"], names))
    model.train()
    for chosen in torch.randperm(len(labels)).split(PLAIN_BATCH):
        model.zero_grad()
        encoded = tokenizer(
            [texts[i] for i in chosen.tolist()],
            padding="max_length",
            truncation=True,
            max_length=MAX_LENGTH,
            return_tensors="pt",
        )
        model(**encoded.to(device), labels=labels[chosen].to(device)).loss.backward()
        optimizer.step()
    return accuracy(model, tokenizer, data["test"], names)


def trainer(options: dict) -> float:
    """transformers' Trainer with the settings that serve it best; gives the test accuracy."""
    data = read(options)
    device, names = pick_device(), class_names(data["train"])
    tokenizer = transformers.AutoTokenizer.from_pretrained(encoder_folder())
    labels = labels_of(data["train"], names).tolist()
    encoded = tokenizer(data["train"]["text"][:], truncation=True, max_length=MAX_LENGTH)
    rows = Dataset.from_dict(
        {name: encoded[name] for name in encoded} | {"labels": labels, "length": [len(x) for x in encoded["input_ids"]]}
    )
    transformers.set_seed(options["seed"])
    model = transformers.BertForSequenceClassification.from_pretrained(encoder_folder(), num_labels=len(names))
    rate = suited_learning_rate(DEFAULT_ENCODER)
    with tempfile.TemporaryDirectory() as folder:
        settings = transformers.TrainingArguments(
            folder,
            num_train_epochs=1,
            per_device_train_batch_size=BATCH,
            learning_rate=rate,
            weight_decay=0.01,
            warmup_steps=0.1,
            lr_scheduler_type="linear",
            adam_epsilon=1e-6,
            optim="adamw_torch_fused",
            train_sampling_strategy="group_by_length",
            bf16=pick_dtype(device) == torch.bfloat16,
            use_cpu=device.type == "cpu",
            seed=options["seed"],
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            dataloader_pin_memory=device.type == "cuda",
        )
        optimizer = torch.optim.AdamW(parameter_groups(model.to(device), 0.01), lr=rate, eps=1e-6, fused=True)
        transformers.Trainer(
            model,
            settings,
            train_dataset=rows,
            data_collator=transformers.DataCollatorWithPadding(tokenizer),
            optimizers=(optimizer, None),
        ).train()
    return accuracy(model, tokenizer, data["test"], names)


def ours(options: dict) -> float:
    """bertlib's fine_tune at its defaults; gives the test accuracy."""
    data = read(options)
    classifier = fine_tune(
        DatasetDict(train=data["train"]),
        epochs=1,
        seed=options["seed"],
        max_length=MAX_LENGTH,
        batch_size=BATCH,
        show_progress=False,
    )
    return classifier.evaluate(data["test"])["accuracy"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="ag_news", choices=["ag_news", "bbc_news"])
    parser.add_argument("--train", type=int, default=1600, help="training texts")
    parser.add_argument("--test", type=int, default=1200, help="test texts")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    options = vars(parser.parse_args())
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()

    data = read(options)
    count = len(data["train"])
    each = count // BATCH // (options["rounds"] + 1)  # of bertlib's updates a round
    if each < 1:
        parser.error(f"--train {count} has too few texts for {options['rounds']} rounds")
    print_machine()
    print(f"{options['data']}: {count} texts, once; tested on {len(data['test'])}")
    wanted = {
        "plain loop": (plain_loop, each * BATCH // PLAIN_BATCH),
        "Trainer, at its best": (trainer, each),
        "bertlib": (ours, each),
    }
    sides = {}
    try:
        for name, (function, _) in wanted.items():  # three at once: some 3 GB
            say(f"starting: {name}")
            sides[name] = TrainingSide(function, options=options)
        start_all(sides)
        # The first step of each was its start; a round has the same number of texts for all.
        speeds = alternate(
            {
                name: lambda name=name, steps=steps: each * BATCH / sides[name].seconds(steps)
                for name, (_, steps) in wanted.items()
            },
            options["rounds"],
        )
        reached = {}
        for name, side in sides.items():
            say(f"to its end, and testing: {name}")
            reached[name] = side.finish()
    finally:
        close_all(sides.values())
    print_table(speeds, "examples/s", {"accuracy": {name: f"{share:.1%}" for name, share in reached.items()}})
    faster = [mine / theirs for mine, theirs in zip(speeds["bertlib"], speeds["Trainer, at its best"], strict=True)]
    print(f"bertlib against the Trainer: {sorted(faster)[len(faster) // 2]:.2f} times")
    lowest = min(reached["plain loop"], reached["Trainer, at its best"])
    error = math.sqrt(lowest * (1 - lowest) / len(data["test"]))
    if reached["bertlib"] < lowest - 2 * error:
        print("bertlib's accuracy is lower than both others': its speed is worth nothing", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
