"""Pretraining speed: bertlib against transformers' BertForPreTraining in the loop that a user would write, in one run.

The plain loop: float32, AdamW, dropout 0.1, every pair padded to T tokens, scores of the whole vocabulary at every
position; on a GPU bfloat16 and fused AdamW, as nobody trains there without. The rows below give it each of bertlib's
steps that it can take too, one on top of the other. All sides see the same pairs and masks. Before any ratio: from the
same weights, without dropout, both sides' losses of a dozen updates must be equal.

    python benchmarks/pretraining.py                              four layers of 256, T = 128, on BBC News
    python benchmarks/pretraining.py --model base --length 512    BERT-base; on a GPU, perhaps with --compile
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from dataclasses import replace
from functools import partial

import torch
import transformers
from measure import TrainingSide, against_first, print_machine, print_table
from torch.nn import functional as F

from bertcourse.costs import matrix_peak, training_flops
from bertlib.data.catalog import load
from bertlib.data.columns import documents_of
from bertlib.data.encoders import encoder_folder
from bertlib.device import autocast, keep_freed_memory, pick_device, pick_dtype, seed_everything
from bertlib.files import data_folder
from bertlib.model.config import BertConfig
from bertlib.model.heads import BertForPreTraining
from bertlib.text.masking import IGNORED
from bertlib.text.pair_stream import PretrainingData, real_tokens
from bertlib.text.wordpiece import load_tokenizer
from bertlib.train.history import Log
from bertlib.train.loop import train
from bertlib.train.optimizer import linear_schedule
from bertlib.train.recipe import Recipe

SHAPES = {"small": (4, 256, 4), "base": (12, 768, 12)}
STEPS = ("buckets", "selected only", "fused AdamW", "bf16", "eager attention", "memory kept", "no dropout")
GPU_START, GPU_STEPS = ("bf16", "fused AdamW"), ("buckets", "selected only", "no dropout")


def make_data(options: dict, packing: bool = False) -> PretrainingData:
    """BBC News, in the 8,192 pieces of the course's own checkpoint, or for BERT-base in BERT's 30,522."""
    documents = documents_of(load("bbc_news")["train"])
    folder = encoder_folder("minilm") if options["model"] == "base" else data_folder("bbc_bert")
    sizes = {"max_length": options["length"], "batch_size": options["batch"], "packing": packing}
    return PretrainingData(documents, load_tokenizer(folder), **sizes, show_progress=False)


def make_config(options: dict, vocab_size: int) -> BertConfig:
    layers, width, heads = SHAPES[options["model"]]
    return BertConfig(
        vocab_size=vocab_size,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        max_position_embeddings=options["length"],
    )


def padded(batch: dict, length: int) -> dict:
    """The same batch with every row as long as the longest could be."""
    more = length - batch["input_ids"].size(1)
    fill = {"input_ids": 0, "attention_mask": 0, "token_type_ids": 0, "labels": IGNORED}
    return batch | {name: F.pad(batch[name], (0, more), value=value) for name, value in fill.items()}


def reference_loss(model: torch.nn.Module, batch: dict, selected_only: bool) -> torch.Tensor:
    """transformers' loss; on demand with the MLM head on the selected positions alone."""
    if not selected_only:
        return model(**batch).loss
    encoded = model.bert(batch["input_ids"], batch["attention_mask"], batch["token_type_ids"])
    selected = batch["labels"] != IGNORED
    scores = model.cls.predictions(encoded[0][selected])
    follows = model.cls.seq_relationship(encoded[1])
    return F.cross_entropy(scores, batch["labels"][selected]) + F.cross_entropy(follows, batch["next_sentence_label"])


def train_reference(options: dict, steps: tuple[str, ...], weights: str | None = None, updates: int = 10**6) -> list:
    """transformers in a plain loop, with some of bertlib's steps; gives the loss and real tokens of each update."""
    seed_everything(0)
    device = pick_device()
    data = make_data(options)
    attention = "eager" if "eager attention" in steps else "sdpa"
    dropout = 0.0 if "no dropout" in steps else 0.1
    if weights is not None:
        model = transformers.BertForPreTraining.from_pretrained(weights, attn_implementation=attention)
    else:
        config = transformers.BertConfig(**make_config(options, data.vocab_size).to_dict())
        config.hidden_dropout_prob = config.attention_probs_dropout_prob = dropout
        model = transformers.BertForPreTraining._from_config(config, attn_implementation=attention)
    model.to(device).train()
    if options["compile"]:
        (model.bert if "selected only" in steps else model).compile()  # what `reference_loss` calls
    if "memory kept" in steps and device.type == "cpu":
        keep_freed_memory()
    dtype = pick_dtype(device) if "bf16" in steps else torch.float32
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=options["rate"], eps=1e-6, fused="fused AdamW" in steps or None
    )
    if options["check"]:
        optimizer.param_groups[0]["weight_decay"] = 0.0
    losses = []
    for number in range(updates):
        batch = data.batch(number)
        tokens = real_tokens(batch)
        if "buckets" not in steps:
            batch = padded(batch, options["length"])
        batch = {name: tensor.to(device) for name, tensor in batch.items()}
        optimizer.zero_grad()
        with autocast(device, dtype):
            loss = reference_loss(model, batch, "selected only" in steps)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        share = linear_schedule(number, warmup_steps=options["warmup"], total_steps=max(updates, options["warmup"] + 1))
        for group in optimizer.param_groups:
            group["lr"] = options["rate"] * share
        optimizer.step()
        losses.append((loss.item(), tokens))
    return losses


class Stream:
    """The batches of a stream, in order, as `bertlib.train.loop.train` asks for them."""

    def __init__(self, data: PretrainingData, count: int):
        self.data, self.count = data, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> dict:
        return self.data.batch(number)


def train_ours(
    options: dict,
    dropout: float,
    packing: bool = False,
    precision: str = "auto",
    weights: str | None = None,
    updates: int = 10**6,
) -> list:
    """bertlib's own loop as `pretrain` calls it; gives the loss of each update."""
    seed_everything(0)
    data = make_data(options, packing)
    if weights is not None:
        model = BertForPreTraining.from_pretrained(weights)
    else:
        shape = make_config(options, data.vocab_size)
        model = BertForPreTraining(replace(shape, hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout))
    model.to(pick_device())
    if options["compile"]:
        for layer in model.bert.layers:
            layer.compile(dynamic=True)
    recipe = Recipe(
        epochs=1,
        learning_rate=options["rate"],
        warmup=options["warmup"] / updates,
        weight_decay=0.0 if options["check"] else 0.01,
        precision=precision,
    )
    log = Log(unit="tokens", size=real_tokens, show_progress=False)
    history = train(model, lambda epoch: Stream(data, updates), recipe, log=log)
    return [row["loss"] for row in history.updates]


def update_flops(shape: BertConfig, batch: dict) -> int:
    """What a batch costs, forward and backward."""
    return training_flops(shape, *batch["input_ids"].shape, int((batch["labels"] != IGNORED).sum()))


def check_equal(options: dict, updates: int = 12) -> float:
    """The largest relative difference between both sides' losses, from the same weights on the same batches."""
    options = options | {"check": True, "compile": False, "warmup": 3}
    seed_everything(1)
    config = make_config(options, make_data(options).vocab_size)
    config = replace(config, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    with tempfile.TemporaryDirectory() as folder:
        BertForPreTraining(config).save_pretrained(folder)
        plain = train_reference(options, ("no dropout",), weights=folder, updates=updates)
        ours = train_ours(options, 0.0, precision="fp32", weights=folder, updates=updates)
    return max(abs(loss - mine) / loss for (loss, _), mine in zip(plain, ours, strict=True))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=SHAPES, default="small")
    parser.add_argument("--length", type=int, default=128, help="tokens a pair, at most")
    parser.add_argument("--batch", type=int, default=64, help="pairs a batch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=3, help="updates a round")
    parser.add_argument("--packing", action="store_true", help="bertlib with several short pairs in a row, too")
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--compile", action="store_true", help="both sides compiled")
    parser.add_argument("--ends", action="store_true", help="only the plain loop, all of its steps, and bertlib")
    options = vars(parser.parse_args()) | {"check": False, "warmup": 10}
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()

    layers, width, _ = SHAPES[options["model"]]
    print_machine()
    print(f"{layers} layers of {width}, at most {options['length']} tokens, {options['batch']} pairs a batch")
    difference = check_equal(options)
    print(f"same weights, same batches, no dropout, fp32: losses differ by at most {difference:.1e} of themselves")
    if not difference < 1e-3:
        print("the two sides do not compute the same: no ratio is worth anything", file=sys.stderr)
        return 1

    device = pick_device()
    start, steps = (GPU_START, GPU_STEPS) if device.type == "cuda" else ((), STEPS)
    wanted = {f"transformers, {', '.join(start) or 'plain'}": (train_reference, {"steps": start})}
    for count in range(1, len(steps) + 1):
        if count == len(steps) - 1 or not options["ends"]:
            wanted[f"+ {steps[count - 1]}"] = (train_reference, {"steps": start + steps[:count]})
    wanted["bertlib"] = (train_ours, {"dropout": 0.1})
    if options["packing"]:
        wanted["bertlib, packed"] = (train_ours, {"dropout": 0.1, "packing": True})
    wanted["bertlib, no dropout"] = (train_ours, {"dropout": 0.0})
    # The first side runs against each of the others in turn, so it sees more updates than they do.
    count = (len(wanted) - 1) * options["steps"] * (options["rounds"] + 1) + 2
    seen = {}  # packed or not -> of each update, its real tokens and what it costs
    for packing in {False, options["packing"]}:
        data = make_data(options, packing)
        shape = make_config(options, data.vocab_size)
        seen[packing] = [(real_tokens(batch), update_flops(shape, batch)) for batch in map(data.batch, range(count))]
    done = dict.fromkeys(wanted, 1)

    def speed(name: str, side: TrainingSide) -> float:
        first = done[name]
        done[name] += options["steps"]
        updates = seen["packing" in wanted[name][1]][first : done[name]]
        return sum(tokens for tokens, _ in updates) / side.seconds(options["steps"])

    starts = {
        name: partial(TrainingSide, function, options=options, **arguments)
        for name, (function, arguments) in wanted.items()
    }
    runs, ratios = against_first(starts, speed, options["rounds"])
    print_table(runs, "tokens/s", ratios=ratios)

    dtype = pick_dtype(device)
    peak = matrix_peak(dtype, device)
    print(f"of this machine's measured {str(dtype).removeprefix('torch.')} matrix peak, {peak / 1e9:,.0f} GFLOP/s:")
    for name, (function, arguments) in wanted.items():
        if function is train_ours:
            measured = slice(1 + options["steps"], 1 + options["steps"] * (options["rounds"] + 1))
            tokens, flops = map(sum, zip(*seen["packing" in arguments][measured], strict=True))
            share = flops / tokens * statistics.median(runs[name]) / peak
            print(f"{name}: {share:.0%}, at {flops / tokens / 1e6:.1f} MFLOP a token")
    return 0


if __name__ == "__main__":
    sys.exit(main())
