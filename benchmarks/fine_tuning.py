"""Fine-tuning speed and accuracy: bertlib against the plain loop that tutorials print, on the same texts, in one run.

The plain loop: transformers' model, every text padded to 128 tokens, batches of 16, float32, AdamW at 2e-5 on all
parameters. Both start from the same encoder and see each text as often. Prints one table of ratios.

    python benchmarks/fine_tuning.py                     AG News from the hub (HF_ENDPOINT chooses which hub)
    python benchmarks/fine_tuning.py --data bbc_news     without a network
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
import transformers
from datasets import DatasetDict

from bertlib.classify import class_names, fine_tune, labels_of
from bertlib.data import load, teasers
from bertlib.runtime import bf16_speedup, pick_device, pick_dtype, seed_everything
from bertlib.weights import encoder_folder


def plain_fine_tuning(data: DatasetDict, epochs: int, seed: int) -> tuple[float, float]:
    """Train and test the plain way: examples a second while training, and test accuracy as a fraction."""
    seed_everything(seed)
    device, names = pick_device(), class_names(data["train"])
    tokenizer = transformers.AutoTokenizer.from_pretrained(encoder_folder())
    model = transformers.BertForSequenceClassification.from_pretrained(encoder_folder(), num_labels=len(names))
    model.to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)

    def encode(texts):
        return tokenizer(texts, padding="max_length", truncation=True, max_length=128, return_tensors="pt").to(device)

    texts, labels = data["train"]["text"], torch.from_numpy(labels_of(data["train"], names))
    model.train()
    started = time.perf_counter()
    for _ in range(epochs):
        for chosen in torch.randperm(len(labels)).split(16):
            model.zero_grad()
            model(**encode([texts[i] for i in chosen.tolist()]), labels=labels[chosen].to(device)).loss.backward()
            optimizer.step()
    speed = epochs * len(labels) / (time.perf_counter() - started)

    model.eval()
    texts, right = data["test"]["text"], []
    gold = labels_of(data["test"], names)
    with torch.no_grad():
        for start in range(0, len(gold), 64):
            predicted = model(**encode(texts[start : start + 64])).logits.argmax(dim=1).cpu().numpy()
            right.extend(predicted == gold[start : start + 64])
    return speed, float(np.mean(right))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="ag_news", choices=["ag_news", "bbc_news"])
    parser.add_argument("--train", type=int, default=1600, help="training texts")
    parser.add_argument("--test", type=int, default=1200, help="test texts")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()

    data = teasers(load(options.data))
    data = DatasetDict(
        {
            name: data[name].shuffle(seed=0).take(min(getattr(options, name), len(data[name])))
            for name in ("train", "test")
        }
    )
    device = pick_device()
    dtype = str(pick_dtype(device)).removeprefix("torch.")
    print(
        f"{options.data}: {len(data['train'])} texts × {options.epochs} epochs, tested on {len(data['test'])}; {device}"
    )
    if device.type == "cpu":
        print(f"{torch.get_num_threads()} threads; bf16 products {bf16_speedup():.1f} × as fast as fp32, so: {dtype}")
    classifier = fine_tune(
        DatasetDict(train=data["train"]),
        epochs=options.epochs,
        seed=options.seed,
        max_length=128,
    )
    rows = classifier.history.epochs
    ours = (
        len(rows) / sum(1 / row["examples_per_second"] for row in rows),
        classifier.evaluate(data["test"])["accuracy"],
    )
    plain = plain_fine_tuning(data, options.epochs, options.seed)
    print(f"\n{'':10}{'examples/s':>12}{'ratio':>8}{'accuracy':>11}{'points':>8}")
    print(f"{'plain':10}{plain[0]:12.1f}{1:8.2f}{plain[1]:11.1%}{'':>8}")
    print(f"{'bertlib':10}{ours[0]:12.1f}{ours[0] / plain[0]:8.2f}{ours[1]:11.1%}{100 * (ours[1] - plain[1]):+8.1f}")


if __name__ == "__main__":
    main()
