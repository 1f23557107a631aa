"""What a step costs, counted by hand, and what the machine could do at best."""

import time
from collections.abc import Callable

import torch

from bertlib.model.config import BertConfig


def forward_flops(config: BertConfig, batch: int, length: int, selected: int) -> dict[str, int]:
    """Floating-point operations of the matrix products of one forward pass, by part; a backward pass costs twice that.

    A product of (n, k) and (k, m) is 2nkm operations. All else (softmax, LayerNorm, GELU, dropout) is left out: it is a
    few percent of the operations, though not of the time.

    Args:
        batch: rows.
        length: tokens per row, padding included.
        selected: tokens in the whole batch that pass through the MLM head.
    """
    tokens, width = batch * length, config.hidden_size
    layers = config.num_hidden_layers
    return {
        "projections": layers * 4 * 2 * tokens * width**2,  # query, key, value, output
        "attention": layers * 2 * 2 * tokens * length * width,  # scores, and the weighted sum of the values
        "feed-forward": layers * 2 * 2 * tokens * width * config.intermediate_size,
        "MLM transform": 2 * selected * width**2,
        "vocabulary": 2 * selected * width * config.vocab_size,
        "pooler and NSP": 2 * batch * width * (width + 2),
    }


def training_flops(config: BertConfig, batch: int, length: int, selected: int) -> int:
    """Of a forward and a backward pass: three times `forward_flops`."""
    return 3 * sum(forward_flops(config, batch, length, selected).values())


def matrix_peak(dtype: torch.dtype, device: torch.device, size: int | None = None, seconds: float = 1.0) -> float:
    """The most FLOP per second that this device reached in large square matrix products, in some `seconds`.

    Args:
        size: of the matrices; None for 2048 on a CPU and 8192 on a GPU. Smaller ones are taken where a single product
            would take all the time: a processor without units for a format can be hundreds of times slower in it.
    """
    largest = size or (8192 if device.type == "cuda" else 2048)
    size = min(256, largest)

    def products() -> Callable[[], float]:
        one, other = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))

        def product() -> float:
            start = time.perf_counter()
            one @ other
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            return time.perf_counter() - start

        product()  # the first one sets things up
        return product

    product = products()
    while size < largest and 8 * product() < seconds:  # twice the size is eight times the work
        size = min(2 * size, largest)
        product = products()
    best, ends = float("inf"), time.perf_counter() + seconds
    while best == float("inf") or time.perf_counter() < ends:
        best = min(best, product())
    return 2 * size**3 / best
