"""Inference speed: texts a second of one classifier, from transformers padded to the full length to int8, in one run.

Every side gets the same weights and the same tokenized texts. Before the ratios: each side's logits against those of
transformers in float32. Sides in float32 must agree to 1e-3, bf16 in at least 98 % of its decisions, int8 in 95 %.

    python benchmarks/inference.py       (ONNX Runtime's rows need: pip install onnx onnxruntime onnxscript)
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import torch
import transformers
from datasets import DatasetDict
from measure import alternate, print_machine, print_table, say

from bertlib.data.catalog import load
from bertlib.data.columns import teasers
from bertlib.device import autocast, pick_device, pick_dtype
from bertlib.tasks.classify import fine_tune
from bertlib.text.batching import encode_texts, length_buckets, pad_batch

MAX_LENGTH, BATCH = 128, 32


def export(model: torch.nn.Module, file: Path) -> None:
    """Write transformers' classifier as ONNX, as its users do; ours is `bertlib.serve.export`."""
    axes = {0: "batch", 1: "tokens"}
    example = (torch.ones(2, 16, dtype=torch.long), torch.ones(2, 16, dtype=torch.long))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            example,
            str(file),
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_axes={"input_ids": axes, "attention_mask": axes},
            dynamo=False,
        )


class Logits(torch.nn.Module):
    """A transformers classifier as a function of two tensors."""

    def __init__(self, model: torch.nn.Module):
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.model(input_ids, attention_mask).logits


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=192)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compile", action="store_true", help="with a row for torch.compile (a minute or two)")
    options = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)

    data = teasers(load("bbc_news"))
    device = pick_device()
    few = DatasetDict(train=data["train"].shuffle(seed=0).take(320))
    say("fine-tuning the classifier that all sides use")
    classifier = fine_tune(few, epochs=2, show_progress=False)
    test = data["test"].shuffle(seed=0).take(options.texts)
    sequences = encode_texts(classifier.tokenizer, test["text"][:], MAX_LENGTH)
    buckets = length_buckets([len(s) for s in sequences], BATCH)
    in_order = [list(range(n, min(n + BATCH, len(sequences)))) for n in range(0, len(sequences), BATCH)]

    def full_length(chosen: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        ids, mask = pad_batch([sequences[i] for i in chosen] + [[0] * MAX_LENGTH], 0)
        return ids[:-1], mask[:-1]

    def shortest(chosen: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        return pad_batch([sequences[i] for i in chosen], 0)

    def run(batches, pad, forward) -> np.ndarray:
        logits = np.empty((len(sequences), len(classifier.labels)), dtype=np.float32)
        for chosen in batches:
            logits[chosen] = forward(*pad(chosen))
        return logits

    @torch.inference_mode()
    def through(model, ids, mask, dtype=torch.float32):
        with autocast(device, dtype):
            output = model(ids.to(device), mask.to(device))
        return (output if isinstance(output, torch.Tensor) else output.logits).float().cpu().numpy()

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        classifier.save(folder / "model")
        reference = transformers.BertForSequenceClassification.from_pretrained(folder / "model").to(device).eval()
        model, fast = classifier.model.eval(), pick_dtype(device)
        sides = {
            "transformers, padded": lambda: run(in_order, full_length, lambda *b: through(reference, *b)),
            "transformers, buckets": lambda: run(buckets, shortest, lambda *b: through(reference, *b)),
            "bertlib, padded": lambda: run(in_order, full_length, lambda *b: through(model, *b)),
            "bertlib, buckets": lambda: run(buckets, shortest, lambda *b: through(model, *b)),
        }
        exact = set(sides)
        if fast == torch.bfloat16:
            sides["bertlib, buckets, bf16"] = lambda: run(buckets, shortest, lambda *b: through(model, *b, fast))
        if options.compile:
            compiled = torch.compile(model, dynamic=True)
            sides["bertlib, buckets, compiled"] = lambda: run(buckets, shortest, lambda *b: through(compiled, *b))
            exact.add("bertlib, buckets, compiled")
        try:
            import onnxruntime
            from onnxruntime.quantization import quantize_dynamic

            onnxruntime.set_default_logger_severity(3)
            logging.getLogger().setLevel(logging.ERROR)
            export(Logits(reference).eval().cpu(), folder / "fp32.onnx")
            reference.to(device)
            quantize_dynamic(folder / "fp32.onnx", folder / "int8.onnx", per_channel=True)
            settings = onnxruntime.SessionOptions()
            settings.intra_op_num_threads = torch.get_num_threads()
            for name, file in (("ONNX Runtime, buckets", "fp32.onnx"), ("ONNX Runtime, buckets, int8", "int8.onnx")):
                session = onnxruntime.InferenceSession(folder / file, settings, providers=["CPUExecutionProvider"])
                sides[name] = lambda session=session: run(
                    buckets,
                    shortest,
                    lambda ids, mask: session.run(
                        None, {"input_ids": ids.numpy(), "attention_mask": mask.numpy()}
                    )[0],
                )  # fmt: skip
            exact.add("ONNX Runtime, buckets")
            from bertlib.serve.export import export as write
            from bertlib.serve.graph import Graph

            for name in ("exported", "exported, int8"):
                write(classifier, folder / name, int8=name.endswith("int8"))
                graph = Graph.load(folder / name, threads=torch.get_num_threads())

                def in_buckets(graph=graph) -> np.ndarray:
                    found = np.empty((len(sequences), len(classifier.labels)), dtype=np.float32)
                    for chosen, logits in graph.logits(sequences):
                        found[chosen] = logits
                    return found

                sides[f"bertlib, {name}"] = in_buckets
            exact.add("bertlib, exported")
        except ImportError as error:
            say(f"without ONNX Runtime ({error}): pip install onnx onnxruntime onnxscript")

        print_machine("onnxruntime")
        print(f"{len(sequences)} texts of BBC News, at most {MAX_LENGTH} tokens, {BATCH} a batch")
        gold = sides["transformers, padded"]()
        columns = {"logits off by": {}, "same decision": {}}
        for name, side in sides.items():
            logits = side()
            off, same = np.abs(logits - gold).max(), (logits.argmax(-1) == gold.argmax(-1)).mean()
            columns["logits off by"][name], columns["same decision"][name] = f"{off:.1e}", f"{same:.1%}"
            if same < (0.95 if name.endswith("int8") else 0.98) or (name in exact and off > 1e-3):
                print(f"{name}: logits off by {off:.2g}, {same:.1%} of the decisions agree", file=sys.stderr)
                return 1

        def speed(side) -> float:
            start = time.perf_counter()
            side()
            return len(sequences) / (time.perf_counter() - start)

        speeds = alternate({name: lambda side=side: speed(side) for name, side in sides.items()}, options.rounds)
    print_table(speeds, "texts/s", columns)
    return 0


if __name__ == "__main__":
    sys.exit(main())
