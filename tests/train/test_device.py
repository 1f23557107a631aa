import os
import random
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bertlib import device as runtime
from bertlib.device import autocast, pick_device, pick_dtype, seed_everything
from bertlib.train import processes

CPU = torch.device("cpu")
TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("cuda, mps, expected", [(1, 1, "cuda"), (1, 0, "cuda"), (0, 1, "mps"), (0, 0, "cpu")])
def test_fastest_device_is_picked(monkeypatch, cuda, mps, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(cuda))
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: bool(mps))
    assert pick_device().type == expected


@pytest.mark.parametrize("speedup, expected", [(0.5, torch.float32), (1.2, torch.float32), (4.0, torch.bfloat16)])
def test_auto_takes_bf16_where_the_processor_gains(monkeypatch, speedup, expected):
    monkeypatch.setattr(runtime, "bf16_speedup", lambda: speedup)
    assert pick_dtype(CPU) == expected


@pytest.mark.parametrize("supported, expected", [(False, torch.float32), (True, torch.bfloat16)])
def test_auto_asks_the_gpu(monkeypatch, supported, expected):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: supported)
    assert pick_dtype(SimpleNamespace(type="cuda")) == expected


def test_precision_by_name():
    assert pick_dtype(CPU, "fp32") == torch.float32
    assert pick_dtype(CPU, "bf16") == torch.bfloat16
    assert pick_dtype(SimpleNamespace(type="mps"), "auto") == torch.float32
    with pytest.raises(ValueError, match="precision='fp16': choose 'auto', 'fp32' or 'bf16'"):
        pick_dtype(CPU, "fp16")


def test_speedup_is_measured_once_and_positive():
    assert runtime.bf16_speedup() > 0
    assert runtime.bf16_speedup() == runtime.bf16_speedup()


def test_speedup_is_the_best_time_of_each_in_turn(monkeypatch):
    spent = {torch.float32: iter([9, 8, 6, 7, 9, 9]), torch.bfloat16: iter([5, 5, 4, 3, 5, 5])}
    now = [0.0]

    def linear(x, weight):
        now[0] += next(spent[x.dtype])

    monkeypatch.setattr(torch.nn.functional, "linear", linear)
    monkeypatch.setattr(runtime, "work_clock", lambda: now[0])
    assert runtime.bf16_speedup.__wrapped__() == 2


def test_one_core_for_a_measurement_and_all_of_them_again_after_it():
    before = torch.get_num_threads()
    with torch.inference_mode():
        assert runtime.on_one_core(lambda: (torch.get_num_threads(), torch.is_inference_mode_enabled())) == (1, False)
        with pytest.raises(ZeroDivisionError):
            runtime.on_one_core(lambda: 1 / 0)
    assert torch.get_num_threads() == before


@pytest.mark.skipif(os.name == "nt", reason="counts in steps of 16 ms there, so a wall clock is taken")
def test_the_clock_of_work_stands_still_while_others_work():
    before = runtime.work_clock()
    time.sleep(0.2)
    assert runtime.work_clock() - before < 0.1
    end = time.thread_time() + 0.05
    while time.thread_time() < end:
        pass
    assert runtime.work_clock() - before > 0.04


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_autocast_decides_on_matrix_products(dtype):
    layer = torch.nn.Linear(2, 2)
    with autocast(CPU, dtype):
        assert layer(torch.ones(1, 2)).dtype == dtype
    assert layer(torch.ones(1, 2)).dtype == torch.float32


@pytest.mark.parametrize("seed", [0, 7, 2**40])
def test_seed_everything(seed):
    def draws():
        seed_everything(seed)
        return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002 - the global generator is meant

    assert draws() == draws()


def test_one_process_alone(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert processes.process_rank() == (0, 1)
    with processes.joined_processes() as joined:
        assert joined == (0, 1)


def test_a_launcher_of_one_process_is_no_launcher(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "1")
    with processes.joined_processes() as joined:
        assert joined == (0, 1)
        assert not torch.distributed.is_initialized()


KEEPING = """
import torch
torch.set_num_threads(1)
import keywords
from bertlib import device
from bertlib.train import loop
results, kept = [], []
for keep in (lambda: None, lambda: kept.append(device.keep_freed_memory())):
    loop.keep_freed_memory = keep
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(64, 512), torch.nn.Dropout(0.1), torch.nn.Linear(512, 1))
    batches = [{"input_ids": torch.randn(256, 64)} for _ in range(4)]
    history = keywords.train(
        model, lambda epoch: batches, loss_sums=lambda model, batch: {"toy": model(batch["input_ids"]).square().sum()},
        loss_counts=lambda batch: {"toy": 256}, epochs=2, learning_rate=1e-2, precision="fp32", show_progress=False,
    )
    results.append([history.updates, *(parameter.tolist() for parameter in model.parameters())])
assert len(kept) == 1 and isinstance(kept[0], bool), kept
assert results[0] == results[1]
"""


def test_keeping_memory_changes_no_result():
    """In a process of its own, where the first of two trainings is without it."""
    result = subprocess.run(
        [sys.executable, "-c", KEEPING], cwd=TESTS, capture_output=True, text=True, encoding="utf-8"
    )
    assert result.returncode == 0, result.stderr
    assert isinstance(runtime.keep_freed_memory(), bool)


def test_no_such_c_library_is_no_reason_to_die(monkeypatch):
    def fails(name):
        raise OSError("no C library")

    monkeypatch.setattr(runtime.ctypes, "CDLL", fails)
    assert runtime.keep_freed_memory.__wrapped__() is False


@pytest.mark.filterwarnings("ignore:.*CUDA is not available")
def test_on_a_gpu_cudnns_attention_is_left_out():
    """It plans every new shape anew, which made buckets of lengths slower than padding."""
    allowed = torch.backends.cuda.cudnn_sdp_enabled
    before = allowed()
    with autocast(torch.device("cuda"), torch.bfloat16):
        assert not allowed() and torch.backends.cuda.flash_sdp_enabled() and torch.backends.cuda.math_sdp_enabled()
    assert allowed() == before
    for device, dtype in (("cpu", torch.bfloat16), ("cuda", torch.float32)):
        with autocast(torch.device(device), dtype):
            assert allowed() == before
