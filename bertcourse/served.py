"""A service in a process of its own, and what asks it: on time, whether or not it answers, or one after the other.

`python -m bertcourse.served` is either side: with arguments the service, which ends when its standard input does, so
that no service outlives the notebook; without any the side that asks, so that neither waits for the notebook.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

STARTED = re.compile(r"http://127\.0\.0\.1:\d+")
PATIENCE = 60.0  # seconds for one answer
LARGEST = 64 * 1024  # bytes of an answer's head


@dataclass(frozen=True)
class Load:
    """What came of asking.

    Attributes:
        seconds: of each request that was answered with 200, from the moment when it was due (open loop) or sent (closed
            loop).
        status: how often each status came; 0 is no answer.
        took: seconds from the first request to the last answer.
        cores: that the asking side used, of 1 each.
    """

    seconds: tuple[float, ...]
    status: dict[int, int] = field(default_factory=dict)
    took: float = 0.0
    cores: float = 0.0

    def quantile(self, share: float) -> float:
        """Seconds that this share of the answers took at most; NaN without any."""
        return float(np.quantile(self.seconds, share, method="higher")) if self.seconds else float("nan")

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return len(self.seconds) / self.took if self.took else 0.0


@contextmanager
def served(folder: str | Path, *options: str) -> Iterator[str]:
    """`python -m bertlib serve FOLDER` on a free port of this machine, ended behind; gives its address once ready.

    Args:
        folder: an exported model.
        options: of that command, such as "--threads", "1".

    Raises:
        RuntimeError: it did not start; the message holds what it said.
    """
    command = [sys.executable, "-m", "bertcourse.served", str(folder), "--port", "0", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True) as server:
        try:
            said = []
            for line in server.stdout:
                said.append(line)
                if found := STARTED.search(line):
                    break
            else:
                raise RuntimeError(f"the service did not start:\n{''.join(said)[-2000:]}")
            wait_until_ready(found[0], server)
            yield found[0]
        finally:
            server.stdin.close()
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                server.kill()


def wait_until_ready(address: str, server: subprocess.Popen) -> None:
    """Until its model can be asked; a RuntimeError if that takes longer than `PATIENCE`, or the service ends."""
    end = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{address}/ready", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:  # not ready: 503
            time.sleep(0.05)
    raise RuntimeError(f"{address} was not ready within {PATIENCE:g} s, or has ended")


def answer_of(address: str, path: str, body: str | None = None) -> tuple[int, str]:
    """The status and the first 100 characters of an answer; a body is sent as JSON."""
    data = None if body is None else body.encode()
    request = urllib.request.Request(address + path, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()[:100]
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()[:100]


def serve_until_input_ends(arguments: Sequence[str]) -> int:
    """`python -m bertlib serve`, asked to stop as soon as nobody holds the other end of standard input any more."""
    from bertlib.__main__ import main as command

    def watch() -> None:
        sys.stdin.read()
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=watch, daemon=True).start()
    return command(["serve", *arguments])


class Asker:
    """Requests over connections that are kept open."""

    def __init__(self, address: str):
        parts = urlsplit(address)
        self.host, self.port = parts.hostname, parts.port
        self.free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, text: str) -> int:
        """The status of one text's answer."""
        body = json.dumps({"texts": [text]}).encode()
        head = f"POST /predict HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: application/json\r\n"
        pair = self.free.pop() if self.free else None
        try:
            reader, writer = pair or await asyncio.open_connection(self.host, self.port, limit=LARGEST)
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: *(\d+)", answer, re.IGNORECASE)
            await reader.readexactly(int(length[1]) if length else 0)
        except (OSError, EOFError, asyncio.LimitOverrunError):
            return 0
        self.free.append((reader, writer))
        return int(answer.split(b" ", 2)[1])

    async def close(self) -> None:
        for _, writer in self.free:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def asked(address: str, texts: Sequence[str], due: Sequence[float] | None, people: int, seconds: float) -> Load:
    """Ask on time (due: seconds from the beginning), or, with None, by so many people who wait for their answers."""
    asker, taken, status = Asker(address), [], {}
    begin, busy = time.perf_counter(), time.process_time()

    async def one(text: str, at: float | None) -> None:
        if at is not None:
            await asyncio.sleep(max(0.0, begin + at - time.perf_counter()))
        began = time.perf_counter() if at is None else begin + at
        try:
            code = await asyncio.wait_for(asker.ask(text), PATIENCE)
        except TimeoutError:
            code = 0
        status[code] = status.get(code, 0) + 1
        if code == 200:
            taken.append(time.perf_counter() - began)

    async def person(number: int) -> None:
        turn = number
        while time.perf_counter() - begin < seconds:
            await one(texts[turn % len(texts)], None)
            turn += people

    if due is not None:
        await asyncio.gather(*(one(texts[n % len(texts)], at) for n, at in enumerate(due)))
    else:
        await asyncio.gather(*(person(number) for number in range(people)))
    took = time.perf_counter() - begin
    await asker.close()
    return Load(tuple(taken), status, took, (time.process_time() - busy) / took)


def _in_a_process(given: dict[str, Any]) -> Load:
    command = [sys.executable, "-m", "bertcourse.served"]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the asking side failed:\n{done.stderr[-2000:]}")
    found = json.loads(done.stdout)
    return Load(
        tuple(found["seconds"]),
        {int(code): many for code, many in found["status"].items()},
        found["took"],
        found["cores"],
    )


def open_loop(address: str, texts: Sequence[str], rate: float, seconds: float, *, rng: np.random.Generator) -> Load:
    """Ask at a rate, at random moments (a Poisson process), whether earlier ones are answered or not.

    Args:
        address: of the service.
        texts: asked in turn, one a request.
        rate: requests a second.
        seconds: for how long.
        rng: draws the moments.

    Raises:
        ValueError: rate or seconds is not above 0. RuntimeError: the asking side failed.
    """
    if not rate > 0 or not seconds > 0:
        raise ValueError(f"rate={rate}, seconds={seconds}: give numbers above 0")
    due = np.cumsum(rng.exponential(1 / rate, int(2 * rate * seconds) + 20))
    return _in_a_process({"address": address, "texts": list(texts), "due": due[due < seconds].tolist()})


def closed_loop(address: str, texts: Sequence[str], people: int, seconds: float) -> Load:
    """Ask by so many people, each of whom asks again when the answer is there: while it is slow, nobody asks.

    Raises:
        ValueError: people is below 1, or seconds is not above 0. RuntimeError: the asking side failed.
    """
    if people < 1 or not seconds > 0:
        raise ValueError(f"people={people}, seconds={seconds}: give at least one, and a time above 0")
    return _in_a_process({"address": address, "texts": list(texts), "people": people, "seconds": seconds})


def main() -> None:
    if sys.argv[1:]:
        raise SystemExit(serve_until_input_ends(sys.argv[1:]))
    given = json.load(sys.stdin)
    load = asyncio.run(
        asked(given["address"], given["texts"], given.get("due"), given.get("people", 0), given.get("seconds", 0.0))
    )
    json.dump({"seconds": load.seconds, "status": load.status, "took": load.took, "cores": load.cores}, sys.stdout)


if __name__ == "__main__":
    main()
