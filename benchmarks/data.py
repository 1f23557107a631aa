"""Speed of the data pipeline: tokenizing, pairing, masking and batching, on the same text in one run.

Masking and batching: exactly the same pairs go through bertlib's batches and through DataCollatorForLanguageModeling.
Before the ratio, both must select 15 % of the ordinary tokens and corrupt them 80/10/10.

    python benchmarks/data.py
"""

from __future__ import annotations

import argparse
import math
import sys
import time

import numpy as np
import torch
import transformers
from measure import alternate, print_machine, print_table
from tokenizers import BertWordPieceTokenizer

from bertlib.data.catalog import load
from bertlib.data.columns import documents_of
from bertlib.files import data_folder
from bertlib.text.masking import IGNORED
from bertlib.text.pair_stream import PretrainingData
from bertlib.text.pairs import next_sentence_pairs
from bertlib.text.wordpiece import WordPiece, load_tokenizer


def rates(batches: list[dict], special: list[int], mask_id: int) -> dict[str, tuple[int, int]]:
    """How often of how often: tokens selected; and of the selected ones, masked and replaced by another token."""
    found = {"selected": [0, 0], "masked": [0, 0], "replaced": [0, 0]}
    for batch in batches:
        shown, labels = batch["input_ids"], batch["labels"]
        selected = labels != IGNORED
        original = torch.where(selected, labels, shown)
        found["selected"][0] += int(selected.sum())
        found["selected"][1] += int((~torch.isin(original, torch.tensor(special))).sum())
        found["masked"][0] += int((shown[selected] == mask_id).sum())
        found["replaced"][0] += int(((shown != labels) & (shown != mask_id) & selected).sum())
        for name in ("masked", "replaced"):
            found[name][1] += int(selected.sum())
    return {name: tuple(pair) for name, pair in found.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=64, help="pairs a batch")
    parser.add_argument("--documents", type=int, default=10**9, help="at most")
    options = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    print_machine()

    documents = documents_of(load("bbc_news")["train"])[: options.documents]
    sentences = [sentence for document in documents for sentence in document]
    folder = data_folder("bbc_bert")
    fast, theirs = load_tokenizer(folder), transformers.BertTokenizerFast.from_pretrained(folder)
    own = WordPiece.from_vocab(folder / "vocab.txt")
    plain = BertWordPieceTokenizer(str(folder / "vocab.txt"))
    few = sentences[: len(sentences) // 20]
    same = [own.encode(s, add_special_tokens=False).ids for s in few[:200]]
    if same != [plain.encode(s, add_special_tokens=False).ids for s in few[:200]]:
        print("the tokenizers do not agree", file=sys.stderr)
        return 1

    def timed(units: int, action) -> float:
        start = time.perf_counter()
        action()
        return units / (time.perf_counter() - start)

    print(f"\ntokenizing {len(sentences):,} sentences (the readable tokenizer: a twentieth of them)")
    speeds = alternate(
        {
            "transformers, one by one": lambda: timed(len(few), lambda: [theirs(s) for s in few]),
            "transformers, a batch": lambda: timed(len(sentences), lambda: theirs(sentences)),
            "bertlib.WordPiece (readable)": lambda: timed(len(few), lambda: [own.encode(s) for s in few]),
            "bertlib's pipeline": lambda: timed(len(sentences), lambda: fast.encode_batch(sentences)),
        },
        options.rounds,
    )
    print_table(speeds, "sentences/s")

    data = PretrainingData(documents, fast, max_length=128, batch_size=options.batch, show_progress=False)
    numbers = range(len(data.batches_of_pass(0)))
    rng = np.random.default_rng(0)
    pairs = alternate(
        {"bertlib": lambda: timed(data.tokens, lambda: next_sentence_pairs(data.sentences, max_length=128, rng=rng))},
        options.rounds,
    )
    print("\ndrawing pairs (transformers has no pair builder any more, so there is no ratio)")
    print_table(pairs, "tokens/s")

    ids = data.ids
    joined = [[pair.join(ids["[CLS]"], ids["[SEP]"]) for pair in batch] for batch in data.batches_of_pass(0)]
    examples = [
        [
            {"input_ids": i, "token_type_ids": s, "attention_mask": [1] * len(i), "next_sentence_label": pair.label}
            for (i, s), pair in zip(rows, batch, strict=True)
        ]
        for rows, batch in zip(joined, data.batches_of_pass(0), strict=True)
    ]
    collator = transformers.DataCollatorForLanguageModeling(theirs, mlm_probability=0.15)
    torch.manual_seed(0)
    collated, ours = [collator(rows) for rows in examples], [data.batch(number) for number in numbers]
    tokens = sum(int(batch["attention_mask"].sum()) for batch in ours)
    for one, other in zip(collated, ours, strict=True):
        if one["input_ids"].shape != other["input_ids"].shape or not torch.equal(
            one["attention_mask"].long(), other["attention_mask"]
        ):
            print("the two sides' batches have other shapes or padding", file=sys.stderr)
            return 1
    for name, batches in (("DataCollatorForLanguageModeling", collated), ("bertlib", ours)):
        found = rates(batches, list(ids.values()), ids["[MASK]"])
        for what, expected in (("selected", 0.15), ("masked", 0.8), ("replaced", 0.1)):
            hits, count = found[what]
            error = math.sqrt(expected * (1 - expected) / count)
            if abs(hits / count - expected) > 5 * error + 1e-3:  # a random token may be the old one
                print(f"{name}: {what} {hits / count:.2%}, not {expected:.0%}", file=sys.stderr)
                return 1
    print(f"\nmasking and batching the same {sum(map(len, joined)):,} pairs; both sides' rates are 15 % and 80/10/10")
    speeds = alternate(
        {
            "DataCollatorForLanguageModeling": lambda: timed(tokens, lambda: [collator(rows) for rows in examples]),
            "bertlib": lambda: timed(tokens, lambda: [data.batch(number) for number in numbers]),
        },
        options.rounds,
    )
    print_table(speeds, "tokens/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
