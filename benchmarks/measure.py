"""What all benchmarks share: the machine above the table, sides that alternate, medians, ratios."""

from __future__ import annotations

import multiprocessing
import platform
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from bertlib.device import bf16_speedup, pick_device

PACKAGES = ("torch", "transformers", "tokenizers", "datasets")


def processor_name() -> str:
    """The processor's model, as the system calls it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def print_machine(*more_packages: str) -> None:
    """The machine and the versions that the figures below come from."""
    device = pick_device()
    print(f"{processor_name()}, {torch.get_num_threads()} threads, {platform.system()}", end="")
    if device.type == "cuda":
        print(f"; {torch.cuda.get_device_name(device)}")
    else:
        print(f"; bf16 products {bf16_speedup():.1f} × as fast as fp32")
    found = []
    for package in (*PACKAGES, *more_packages):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"no {package}")
    print(f"python {platform.python_version()}, {', '.join(found)}")


def say(text: str) -> None:
    """Progress, on the side: the table alone goes to standard output."""
    print(text, file=sys.stderr, flush=True)


def alternate(sides: Mapping[str, Callable[[], float]], rounds: int = 5) -> dict[str, list[float]]:
    """Measure every side once a round, forwards and backwards in turn, after a round that does not count.

    A machine that slows down on the way (heat, neighbours) slows all sides alike.

    Args:
        sides: name -> a function that works and gives its speed.
        rounds: that count.

    Returns:
        For each side its speeds, one a round.
    """
    speeds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        names = list(sides) if number % 2 == 0 else list(reversed(sides))
        for name in names:
            speed = sides[name]()
            if number:
                speeds[name].append(speed)
        say(f"round {number} of {rounds}" + ("" if number else " (does not count)"))
    return speeds


def against_first(
    sides: Mapping[str, Callable[[], TrainingSide]], speed: Callable[[str, TrainingSide], float], rounds: int = 5
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Measure the first side against each of the others, so that no more than two trainings live at a time.

    Args:
        sides: name -> a function that starts the training.
        speed: gets a side's name and its training, lets that go on for a while, and gives its speed.
        rounds: of each pair, that count.

    Returns:
        For each side its speeds, and for each its ratios to the first side in the same round.
    """
    first, *others = sides
    speeds: dict[str, list[float]] = {name: [] for name in sides}
    ratios: dict[str, list[float]] = {first: [1.0]}
    living: dict[str, TrainingSide] = {}
    most = 0
    try:
        say(f"starting: {first}")
        living[first] = sides[first]()
        for number, name in enumerate(others, start=1):
            say(f"starting: {name} ({number} of {len(others)})")
            living[name] = sides[name]()
            start_all(living)
            turns = {each: lambda each=each: speed(each, living[each]) for each in (first, name)}
            pair = alternate(turns, rounds)
            for each, values in pair.items():
                speeds[each] += values
            ratios[name] = [mine / base for mine, base in zip(pair[name], pair[first], strict=True)]
            most = max(most, sum(side.peak_bytes() for side in living.values()))
            living.pop(name).close()
    finally:
        close_all(living.values())
    if most:
        say(f"memory: at most {most / 2**30:.1f} GB for the two trainings that lived at a time")
    return speeds, ratios


def print_table(
    speeds: Mapping[str, Sequence[float]],
    unit: str,
    more: Mapping[str, Mapping[str, str]] | None = None,
    ratios: Mapping[str, Sequence[float]] | None = None,
):
    """One row a side: median speed, median of its ratios to the first side in the same round, and their range.

    Args:
        speeds: from `alternate` or `against_first`; higher is better.
        unit: of the speeds.
        more: further columns: heading -> side -> text.
        ratios: from `against_first`; without them each side has as many rounds as the first.
    """
    more = more or {}
    first = next(iter(speeds.values()))
    wide = max(map(len, speeds)) + 2
    print(f"\n{'':{wide}}{unit:>14}{'ratio':>8}{'range':>14}" + "".join(f"  {heading:>12}" for heading in more))
    for name, values in speeds.items():
        own = ratios[name] if ratios else [mine / base for mine, base in zip(values, first, strict=True)]
        span = f"{min(own):.2f}–{max(own):.2f}"
        cells = "".join(f"  {column.get(name, ''):>12}" for column in more.values())
        print(f"{name:{wide}}{statistics.median(values):14,.1f}{statistics.median(own):8.2f}{span:>14}{cells}")


def _work(connection, function: Callable, arguments: dict, threads: int) -> None:
    """A worker's life: run the training, and stop at every k-th step of its optimizer until told to go on."""
    torch.set_num_threads(threads)
    steps_left = 0

    def pause(optimizer, args, kwargs):
        nonlocal steps_left
        if steps_left == 0:
            connection.send(("paused", None))
            steps_left = connection.recv()
            if steps_left is None:
                raise SystemExit
        steps_left -= 1

    try:
        handle = register_optimizer_step_post_hook(pause)
        result = function(**arguments)
        handle.remove()
        connection.send(("done", result))
    except SystemExit:
        pass
    except BaseException:
        connection.send(("failed", traceback.format_exc()))


class TrainingSide:
    """A whole training in a process of its own, which runs only while it is this side's turn.

    So several complete trainings, each with its own loop, optimizer and memory, alternate in one run. The clock runs
    from the parent's "go on" to the worker's next pause.
    """

    def __init__(self, function: Callable[..., object], **arguments):
        """Start the worker; it stops after its first step, for which `started` waits.

        Args:
            function: importable by name; gets the arguments, trains (any optimizer of torch), returns anything that can
                be pickled.
        """
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.worker = context.Process(
            target=_work, args=(theirs, function, arguments, torch.get_num_threads()), daemon=True
        )
        self.worker.start()
        theirs.close()
        self.result, self.waits = None, False

    def started(self) -> None:
        """Wait until it has done its first step. Several sides may be on their way at once: that step includes
        imports, data and, on demand, compiling.

        Raises:
            RuntimeError: it failed.
        """
        if not self.waits:
            self._receive()
            self.waits = True

    def _receive(self) -> str:
        try:
            kind, content = self.connection.recv()
        except EOFError:
            raise RuntimeError("a training side ended without a word (killed, or out of memory)") from None
        if kind == "failed":
            self.close()
            raise RuntimeError(f"a training side failed:\n{content}")
        if kind == "done":
            self.result = content
            self.worker.join()
        return kind

    def seconds(self, steps: int) -> float:
        """Go on for so many optimizer steps; gives how long they took.

        Raises:
            RuntimeError: the training ended before, or failed.
        """
        self.started()
        started = time.perf_counter()
        self.connection.send(steps)
        if self._receive() == "done":
            raise RuntimeError("a training side has fewer steps than are to be measured: give it more data or epochs")
        return time.perf_counter() - started

    def finish(self) -> object:
        """Let it run to its end; gives what its function returned."""
        self.started()
        while self.result is None and self.worker.is_alive():
            self.connection.send(10**9)
            if self._receive() == "done":
                break
        return self.result

    def peak_bytes(self) -> int:
        """The most memory that the worker has held so far; 0 where the system does not say (it is Linux's /proc)."""
        try:
            with open(f"/proc/{self.worker.pid}/status", encoding="utf-8") as lines:
                return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
        except (OSError, StopIteration):
            return 0

    def close(self) -> None:
        """End the worker, wherever it is."""
        if self.worker.is_alive():
            with suppress(OSError):  # it may have ended by itself just now
                self.connection.send(None)
            self.worker.join(timeout=20)
            if self.worker.is_alive():
                self.worker.terminate()
        self.worker.join()
        self.connection.close()


def start_all(sides: Mapping[str, TrainingSide]) -> None:
    """Wait until every side has done its first step."""
    for side in sides.values():
        side.started()


def close_all(sides: Iterable[TrainingSide]) -> None:
    for side in sides:
        side.close()
