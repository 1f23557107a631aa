"""Peak memory of a pretraining step against batch and length: bertlib, with and without recomputing, and transformers.

Each cell is a process of its own: on a CPU what it had at its peak, beyond what it had before the first step; on a GPU
what torch had allocated at most. Both sides' losses on the same weights and tokens must agree.

    python benchmarks/memory.py
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import replace

import torch
import transformers
from measure import print_machine, say
from pretraining import SHAPES, make_config

from bertlib.device import autocast, pick_device, pick_dtype
from bertlib.model.heads import BertForPreTraining

SIDES = ("transformers", "transformers, checkpointing", "bertlib", "bertlib, recompute")


def resident(kind: str) -> float:
    """Of this process, in MB: "VmRSS" now, "VmHWM" at its peak (Linux)."""
    with open("/proc/self/status", encoding="utf-8") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(kind)) / 1024


def one_cell(side: str, folder: str, batch: int, length: int) -> None:
    """Print the megabytes of two steps, and the first loss."""
    device = pick_device()
    dtype = pick_dtype(device)
    if side.startswith("bertlib"):
        model = BertForPreTraining.from_pretrained(folder)
        model.bert.recompute = side.endswith("recompute")
    else:
        model = transformers.BertForPreTraining.from_pretrained(folder)
        if side.endswith("checkpointing"):
            model.gradient_checkpointing_enable({"use_reentrant": False})
    model.to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0, fused=True)
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, 8000, (batch, length), generator=generator)
    labels = torch.where(torch.rand(ids.shape, generator=generator) < 0.15, ids, -100)
    follows = torch.zeros(batch, dtype=torch.long)
    given = {"input_ids": ids, "labels": labels, "next_sentence_label": follows}
    given = {name: tensor.to(device) for name, tensor in given.items()}
    on_gpu = device.type == "cuda"
    before = torch.cuda.memory_allocated() / 2**20 if on_gpu else resident("VmRSS")
    losses = []
    for _ in range(2):
        optimizer.zero_grad()
        with autocast(device, dtype):
            loss = model(**given).loss
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    peak = torch.cuda.max_memory_allocated() / 2**20 if on_gpu else resident("VmHWM")
    print(peak - before, losses[0])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=SHAPES, default="small")
    parser.add_argument("--batches", type=int, nargs="+", default=[8, 32, 128])
    parser.add_argument("--lengths", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--cell", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cell:
        side, folder, batch, length = options.cell
        one_cell(side, folder, int(batch), int(length))
        return 0
    if pick_device().type != "cuda" and sys.platform != "linux":
        print("on a CPU this reads /proc, which only Linux has", file=sys.stderr)
        return 2
    transformers.utils.logging.set_verbosity_error()
    print_machine()
    vocab_size = 30522 if options.model == "base" else 8192
    config = make_config({"model": options.model, "length": max(options.lengths)}, vocab_size)
    config = replace(config, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    print(f"{config.num_hidden_layers} layers of {config.hidden_size}, V = {vocab_size:,}, no dropout; ", end="")
    print("MB above the idle model, and the ratio to transformers")
    print(f"\n{'batch':>6}{'tokens':>8}" + "".join(f"{side:>28}" for side in SIDES))
    with tempfile.TemporaryDirectory() as folder:
        BertForPreTraining(config).save_pretrained(folder)
        for length in options.lengths:
            for batch in options.batches:
                cells = []
                for side in SIDES:
                    command = [sys.executable, __file__, "--cell", side, folder, str(batch), str(length)]
                    result = subprocess.run(command, capture_output=True, text=True)
                    if result.returncode:
                        print(result.stderr, file=sys.stderr)
                        return 1
                    cells.append([float(x) for x in result.stdout.split()])
                    say(f"{side}: {batch} × {length}")
                losses = [loss for _, loss in cells]
                if max(losses) - min(losses) > 0.02 * losses[0]:  # bf16 sums in another order
                    print(f"the sides' losses differ: {losses}", file=sys.stderr)
                    return 1
                row = "".join(f"{f'{used:,.0f} ({used / cells[0][0]:.2f})':>28}" for used, _ in cells)
                print(f"{batch:6}{length:8}{row}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
