"""Where to compute and in which number format: the device, bfloat16 if it pays, the seeds."""

import ctypes
import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel


def pick_device() -> torch.device:
    """The fastest device at hand: CUDA (each process of a machine its own), else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def work_clock() -> float:
    """Seconds that this thread has computed. Unlike a wall clock it stands still while other programs have the cores,
    so that a choice made by measuring is the same on a busy machine. (Windows counts in steps too coarse for that.)
    """
    return time.perf_counter() if os.name == "nt" else time.thread_time()


def on_one_core(measure: Callable[[], Any]) -> Any:
    """What a function gives in a thread of its own, where torch computes on one core.

    On several, torch's threads wait for each other by spinning, and `work_clock` would count that. A thread of its own
    also has none of the caller's modes: autocast, inference mode, hooks on what autograd keeps.
    """
    threads = torch.get_num_threads()

    def alone() -> Any:
        torch.set_num_threads(1)
        try:
            return measure()
        finally:
            torch.set_num_threads(threads)

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(alone).result()


@cache
def bf16_speedup() -> float:
    """How many times faster this CPU multiplies bfloat16 matrices than float32 ones, measured (20 to 200 ms).

    Processors with bf16 units (AVX512-BF16, AMX, recent ARM) gain 2 to 8 times; on others bf16 is emulated and loses.
    """
    sides = []
    for dtype in (torch.float32, torch.bfloat16):
        sides.append((torch.ones(512, 384, dtype=dtype), torch.ones(1536, 384, dtype=dtype), []))

    def measure() -> None:
        for _ in range(6):
            for x, weight, times in sides:
                start = work_clock()
                torch.nn.functional.linear(x, weight)
                times.append(work_clock() - start)

    on_one_core(measure)
    (*_, single), (*_, half) = sides
    return min(single) / min(half)


def pick_dtype(device: torch.device, precision: str = "auto") -> torch.dtype:
    """The number format for the matrix products of training.

    "fp32", "bf16", or "auto": bf16 where the device gains by it (on a CPU: measured).
    """
    if precision not in ("auto", "fp32", "bf16"):
        raise ValueError(f"precision={precision!r}: choose 'auto', 'fp32' or 'bf16'")
    if precision == "auto":
        if device.type == "cuda":
            gains = torch.cuda.is_bf16_supported(including_emulation=False)
        else:
            gains = device.type == "cpu" and bf16_speedup() > 1.3
        precision = "bf16" if gains else "fp32"
    return torch.bfloat16 if precision == "bf16" else torch.float32


@contextmanager
def autocast(device: torch.device, dtype: torch.dtype) -> Iterator[None]:
    """Within it matrix products run in dtype, while weights, LayerNorm sums and losses keep float32.

    On a GPU, cuDNN's attention is left out: it plans anew for each new shape, and buckets make batches of many lengths.
    On an H200 a step of BERT-base took 185 ms so, and 68 without (benchmarks/results; the same is told in
    modelscope/FunASR#3704).
    """
    if dtype == torch.float32:
        yield
    elif device.type != "cuda":
        with torch.autocast(device.type, dtype):
            yield
    else:
        others = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
        with torch.autocast(device.type, dtype), sdpa_kernel(others):
            yield


def same_attention_kernels() -> tuple[AbstractContextManager, AbstractContextManager]:
    """For `torch.utils.checkpoint(context_fn=)`: what is computed again runs the kernels that it ran the first time.

    Checkpointing carries autocast over to the backward pass by itself, but not the choice of attention's kernel, which
    `autocast` makes on a GPU. Another kernel keeps other tensors, and torch refuses them.
    """
    allowed = {
        SDPBackend.FLASH_ATTENTION: torch.backends.cuda.flash_sdp_enabled(),
        SDPBackend.EFFICIENT_ATTENTION: torch.backends.cuda.mem_efficient_sdp_enabled(),
        SDPBackend.CUDNN_ATTENTION: torch.backends.cuda.cudnn_sdp_enabled(),
        SDPBackend.MATH: torch.backends.cuda.math_sdp_enabled(),
    }
    return nullcontext(), sdpa_kernel([kernel for kernel, on in allowed.items() if on])


@cache
def keep_freed_memory() -> bool:
    """Let this process keep the memory that it frees, on Linux; gives whether that could be had.

    By default the C library gives large blocks back to the system at once, so every training step pays again for the
    first touch of each page: a third of a step of MiniLM on two cores. The peak stays what it was.
    """
    try:
        library = ctypes.CDLL(None)
        return bool(library.mallopt(-4, 0) and library.mallopt(-1, 2**31 - 1))  # M_MMAP_MAX, M_TRIM_THRESHOLD
    except (OSError, AttributeError, TypeError):  # another C library, or Windows
        return False


def seed_everything(seed: int) -> None:
    """Seed Python, numpy and torch (all devices), so that the same machine gives the same run."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - for libraries that use the global generator
    torch.manual_seed(seed)
