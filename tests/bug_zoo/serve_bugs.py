"""Models exported and served as others did: half a file in floats, one batch size, a health check that waits."""

import asyncio
import time

import numpy as np
import torch

from bertlib.serve.operators import Operators


class TableInFloats(Operators):
    """NLP with Transformers, chapter 8: torch quantizes linear layers alone, and half of the file stays as it is."""

    def rows(self, name, table, ids):
        return self.op("Gather", self.weight(name, table), ids)  # wrong: the largest matrix


def eight_bits_everywhere():
    """onnxruntime 5849, 6004, 6695: no reduce_range, whatever the processor."""
    return 8  # wrong: without VNNI pairs of products saturate


def wrapped_as_it_is(model):
    """onnxruntime 4589: what is exported is a wrapper, whose eval() is forgotten, or another model's."""
    return lambda ids: model(ids).logits  # wrong: dropout is in it


def fixed_axes(model, file):
    """Without dynamic axes: the example's batch and length are the graph's."""

    class Logits(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, input_ids, attention_mask):
            return self.model(input_ids, attention_mask).logits

    given = (torch.ones(1, 8, dtype=torch.long), torch.ones(1, 8, dtype=torch.long))
    names = {"input_names": ["input_ids", "attention_mask"], "output_names": ["logits"]}
    torch.onnx.export(Logits().eval(), given, str(file), dynamo=False, **names)  # wrong: no axis is free


def add_blocking(app, seconds):
    """fastapi 2148, FastChat 3793: a coroutine that computes, so that nothing else is answered."""

    @app.post("/blocking")
    async def blocking() -> dict[str, str]:
        time.sleep(seconds)  # wrong: in the event loop
        return {"done": "yes"}


def all_cores_each(workers, cores):
    """sentence-transformers 3856: every worker takes all cores."""
    return cores  # wrong: workers × cores threads on so many cores


async def closed_loop(ask, rate, seconds):
    """The next request goes out when the last one is answered: who would have come meanwhile does not count."""
    latencies, begin = [], time.perf_counter()
    while time.perf_counter() - begin < seconds:
        sent = time.perf_counter()
        await ask()
        latencies.append(time.perf_counter() - sent)  # wrong: from when it was sent, not from when it was due
        await asyncio.sleep(1 / rate)
    return latencies


def with_the_warm_up(seconds):
    """The first call is in the mean."""
    return float(np.mean(seconds))  # wrong: it opens, compiles and fills caches
