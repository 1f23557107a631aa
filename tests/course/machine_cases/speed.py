"""Machines of lesson 06."""

from bisect import bisect_left

import numpy as np

from bertcourse.costs import forward_flops
from bertcourse.machines import speed
from bertlib import BertConfig
from bertlib.text.batching import length_buckets, padding_share


def padded_batches(shortest=10):
    rng = np.random.default_rng(0)
    lengths = np.where(rng.random(700) < 0.3, rng.integers(100, 129, 700), rng.integers(shortest, 129, 700))
    return speed.padded_batches(lengths.tolist(), batch_size=16, longest=128)


def draw_batches(rng, data):
    return {
        "size": int(rng.integers(len(data["sizes"]))),
        "together": int(rng.integers(len(data["pools"]))),
        "all": bool(rng.random() < 0.3),
    }


def expected_batches(data, state):
    """Each pool of texts in the library's buckets, and what it says of their padding."""
    size, lengths, longest = data["sizes"][state["size"]], data["lengths"], data["longest"]
    pool = data["pools"][state["together"]] * size or len(lengths)
    batches = []
    for start in range(0, len(lengths), pool):
        found = length_buckets(lengths[start : start + pool], size)
        batches += [[start + index for index in batch] for batch in found]
    pad_to = longest if state["all"] else None
    of_batches = [[lengths[index] for index in batch] for batch in batches]
    return {
        "batches": of_batches,
        "longest": [pad_to or max(batch) for batch in of_batches],
        "padding": padding_share(lengths, batches, pad_to),
    }


def share_of_attention(width=256):
    return speed.share_of_attention(config_of(width, 4, 4), length=128)


def config_of(width, layers, times):
    return BertConfig(
        hidden_size=width, num_hidden_layers=layers, num_attention_heads=1, intermediate_size=times * width
    )


def draw_sizes(rng, data):
    sliders = data["sliders"]
    return {
        "length": int(rng.integers(1, data["positions"] // sliders["lengths"] + 1)) * sliders["lengths"],
        "width": int(rng.integers(1, sliders["widest"] // sliders["step"] + 1)) * sliders["step"],
        "layers": int(rng.integers(1, sliders["deepest"] + 1)),
        "batch": int(rng.integers(1, sliders["batch"] + 1)),
    }


def expected_share(data, state):
    config = config_of(state["width"], state["layers"], data["times"])
    of_layers = {"projections", "attention", "feed-forward"}

    def parts(batch, length):
        flops = forward_flops(config, batch, length, 0)
        return {name: count for name, count in flops.items() if name in of_layers}

    def takes_half(length):
        found = parts(1, length)
        return 2 * found["attention"] >= sum(found.values())

    found = parts(state["batch"], state["length"])
    total = sum(found.values())
    half = bisect_left(range(20_000), True, lo=1, key=takes_half)
    return {"parts": found, "total": total, "share": found["attention"] / total, "half": half}


CASES = {
    "padded_batches": (
        padded_batches,
        lambda: padded_batches(shortest=20),
        draw_batches,
        expected_batches,
        lambda data: [{"size": 6}, {"together": 3}, {"together": 2}],
    ),
    "share_of_attention": (
        share_of_attention,
        lambda: share_of_attention(width=512),
        draw_sizes,
        expected_share,
        lambda data: [{"length": 512}, {"width": 96}, {"layers": 24, "batch": 64}, {"width": 80}],
    ),
}
