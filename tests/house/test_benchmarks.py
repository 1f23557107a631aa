"""The benchmarks: turns, pauses and medians are right; every command runs; none prints a ratio of unequal things."""

import asyncio
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

FOLDER = Path(__file__).parents[2] / "benchmarks"
sys.path[:0] = [str(FOLDER), str(FOLDER.parent / "tests" / "data")]

import desk  # noqa: E402
import fine_tuning  # noqa: E402
import measure  # noqa: E402
import pretraining  # noqa: E402
from test_archives import needs  # noqa: E402

TINY = {"model": "small", "length": 32, "batch": 4, "rate": 5e-4, "compile": False, "check": False, "warmup": 2}


def command(*arguments, **environment):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=FOLDER,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=900,  # some minutes where other programs compute as well
    )


def test_sides_take_turns():
    order, clock = [], iter(range(100))
    sides = {name: lambda name=name: order.append(name) or float(next(clock)) for name in "abc"}
    speeds = measure.alternate(sides, rounds=3)
    assert "".join(order) == "abc" + "cba" + "abc" + "cba"
    assert speeds == {"a": [5.0, 6.0, 11.0], "b": [4.0, 7.0, 10.0], "c": [3.0, 8.0, 9.0]}  # without the first round


def test_the_table(capsys):
    measure.print_table(
        {"plain": [10.0, 20.0, 30.0], "ours": [20.0, 80.0, 90.0]}, "texts/s", {"right": {"ours": "yes"}}
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["texts/s", "ratio", "range", "right"]
    assert lines[2].split() == ["plain", "20.0", "1.00", "1.00–1.00"]
    assert lines[3].split() == ["ours", "80.0", "3.00", "2.00–4.00", "yes"]


def count_steps(steps, pause, fail_at=None):
    """A training of one number, which takes its time."""
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    for number in range(steps):
        if number == fail_at:
            raise ValueError("it broke here")
        time.sleep(pause)
        weight.grad = torch.ones(1)
        optimizer.step()
    return -weight.item()


def test_a_side_runs_when_it_is_its_turn_and_only_then():
    side = measure.TrainingSide(count_steps, steps=40, pause=0.02)
    try:
        time.sleep(1)  # it waits, and does not go on by itself
        assert 0.09 < side.seconds(5) < 0.5
        assert 0.38 < side.seconds(20) < 1.5
        assert side.finish() == 40
    finally:
        side.close()
    assert not side.worker.is_alive()


def test_a_side_that_fails_or_ends_too_early():
    side = measure.TrainingSide(count_steps, steps=10, pause=0, fail_at=4)
    with pytest.raises(RuntimeError, match="it broke here"):
        side.seconds(8)
    assert not side.worker.is_alive()
    side = measure.TrainingSide(count_steps, steps=3, pause=0)
    with pytest.raises(RuntimeError, match="fewer steps than are to be measured"):
        side.seconds(8)
    side.close()


def test_two_trainings_live_at_a_time(capsys):
    alive, started = [], []

    def start(name):
        side = measure.TrainingSide(count_steps, steps=100, pause=0)
        started.append(side)
        alive.append(sum(each.worker.is_alive() for each in started))
        return side

    def speed(name, side):
        side.seconds(1)
        return {"plain": 10.0, "ours": 30.0, "other": 5.0}[name]

    speeds, ratios = measure.against_first(
        {name: lambda name=name: start(name) for name in ("plain", "ours", "other")}, speed, rounds=2
    )
    assert alive == [1, 2, 2]
    assert not any(side.worker.is_alive() for side in started)
    assert speeds == {"plain": [10.0] * 4, "ours": [30.0] * 2, "other": [5.0] * 2}
    assert ratios == {"plain": [1.0], "ours": [3.0] * 2, "other": [0.5] * 2}
    measure.print_table(speeds, "tokens/s", ratios=ratios)
    printed = capsys.readouterr()
    assert printed.out.splitlines()[3].split() == ["ours", "30.0", "3.00", "3.00–3.00"]
    assert "starting: other (2 of 2)" in printed.err
    if sys.platform.startswith("linux"):
        assert "GB for the two trainings" in printed.err


def test_closing_ends_a_waiting_side():
    side = measure.TrainingSide(count_steps, steps=10, pause=0)
    side.started()
    begin = time.perf_counter()
    side.close()
    assert time.perf_counter() - begin < 15 and side.worker.exitcode == 0


# ------------------------------------------------------------------------------------------------ the same thing?


def test_pretraining_compares_like_with_like(monkeypatch):
    assert pretraining.check_equal(TINY, updates=4) < 1e-4
    original = pretraining.reference_loss
    monkeypatch.setattr(pretraining, "reference_loss", lambda *given: 1.01 * original(*given))
    assert pretraining.check_equal(TINY, updates=4) > 1e-3


@pytest.mark.parametrize("count", range(len(pretraining.STEPS)))
def test_each_step_leaves_the_loss_as_it_is(count, monkeypatch):
    monkeypatch.setattr(pretraining, "pick_dtype", lambda *about: torch.float32)
    plain, stepped = (
        pretraining.train_reference(TINY, (*steps, "no dropout"), updates=3)
        for steps in ((), pretraining.STEPS[:count])
    )
    for (one, tokens), (other, same_tokens) in zip(plain, stepped, strict=True):
        assert one == pytest.approx(other, rel=1e-4) and tokens == same_tokens


def test_fine_tuning_s_three_sides_learn():
    """A slow side that learned nothing would make any other look good."""
    options = {"data": "bbc_news", "train": 480, "test": 150, "seed": 0}
    reached = {side.__name__: side(options) for side in (fine_tuning.trainer, fine_tuning.ours)}
    assert all(share > 0.7 for share in reached.values()), reached


# ------------------------------------------------------------------------------------------------------ they run


def test_data_command():
    result = command("data.py", "--rounds", "1", "--documents", "150")
    assert result.returncode == 0, result.stderr
    assert sum(line.endswith("range") for line in result.stdout.splitlines()) == 3  # tables: tokenizing, pairs, batches


def test_memory_command():
    if not sys.platform.startswith("linux"):
        pytest.skip("reads /proc")
    result = command("memory.py", "--batches", "8", "--lengths", "64")
    assert result.returncode == 0, result.stderr
    row = result.stdout.splitlines()[-1].split()
    assert row[:2] == ["8", "64"]


def test_pretraining_command():
    result = command("pretraining.py", "--ends", "--rounds", "1", "--steps", "1", "--batch", "2", "--length", "32")
    assert result.returncode == 0, result.stderr
    rows = [line for line in result.stdout.splitlines() if "1.00–1.00" in line or line.startswith("bertlib")]
    assert len(rows) == 5 and rows[-1].startswith("bertlib, no dropout: ") and "MFLOP a token" in rows[-1]
    assert "matrix peak" in result.stdout


def test_inference_command():
    result = command("inference.py", "--rounds", "1", "--texts", "40")
    assert result.returncode == 0, result.stderr
    assert "bertlib, buckets" in result.stdout and "transformers, padded" in result.stdout
    assert "bertlib, exported, int8" in result.stdout


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_serving_command():
    """A short long run: a model exchanged, a worker killed, bad requests, and no good one lost or wrong."""
    done = command("serving.py", "--rate", 5, "--soak", 8, "--workers", 1)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "0 lost, 0 wrong" in done.stdout and "worker killed (-9)" in done.stdout
    assert "model exchanged: 200" in done.stdout and "statuses [413, 422]" in done.stdout


@pytest.mark.parametrize("part", [("opening", "--count", 3000), ("kills", "--kills", 1), ("adding", "--texts", 20)])
def test_search_runs(part, tmp_path):
    if part[0] == "adding" and sys.platform == "win32":
        pytest.skip("memory at its peak is asked of the module resource")
    folder = ["--folder", tmp_path]
    done = command("search.py", *part, *folder)
    assert done.returncode == 0, done.stderr
    said = {"opening": "all vectors read in", "kills": "nothing half-added", "adding": "texts/s are added"}
    assert said[part[0]] in done.stdout and os.listdir(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is Unix's")
def test_desk_command():
    needs("zaragoza-construction-faq")
    done = command("desk.py", "--rate", 10, "--seconds", 2, "--threads", 1)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    (row,) = (line.split() for line in lines if line.startswith("70 % for 2 s"))
    rate, sent, errors, p50, p95, p99 = (float(part.replace(",", "")) for part in row[5:])
    assert (rate, errors) == (7, 0) and sent > 0 and p50 <= p95 <= p99
    kept = [line for line in lines if line.startswith("acknowledged")]
    assert len(kept) == 2 and all(line.endswith("not in the queue: 0") for line in kept)


def test_latency_counts_from_when_a_question_was_due():
    """A desk that stops for a while makes all wait that come meanwhile, not only the one it is at."""
    load = desk.Load.__new__(desk.Load)
    load.rng, load.questions, load.acknowledged, load.asked, load.address = random.Random(0), ["a?"], {}, 0, "http://x"
    begin = time.perf_counter()

    async def post(self, address, json):
        await asyncio.sleep(max(0, begin + 1.0 - time.perf_counter()))  # stands still for a second
        return SimpleNamespace(status_code=200, json=lambda: {"number": load.asked})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desk.httpx.AsyncClient, "post", post)
        row = asyncio.run(load.at(100, 0.8))
    assert row["errors"] == 0 and row["sent"] > 40
    assert row["p50"] > 0.3, "half of them were due in the first half"
    assert desk.bears({"errors": 0, "p95": 0.3}) and not desk.bears({"errors": 1, "p95": 0.1})
    assert not desk.bears({"errors": 0, "p95": 0.31}) and not desk.bears({"errors": 0})
