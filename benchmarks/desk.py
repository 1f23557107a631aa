"""The support desk under load: the rate that it bears, a minute below it, and a kill.

    python benchmarks/desk.py            (--step 10 --seconds 60 --threads 2)

Questions come when they come (Poisson), whether or not earlier ones are answered, and a latency counts from the moment
a question was due, so waiting is in it. Every question is handed over: each is searched for and written to the disk,
which is the most that the desk does. The load comes from this machine, and takes a part of its cores. The desk computes
in one thread; `--threads` are those that torch may use inside it. First questions, which are slower, are not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import httpx

from bertcourse.data.faq import load_faq
from bertcourse.desk.queue import Queue

BOUND = 0.3  # seconds that 95 of 100 questions may take
WORDS = ("my cabin", "our block of flats", "a shop", "the garage", "my mother's house", "the new build")


@contextmanager
def running_desk(database: Path, threads: int) -> Iterator[tuple[subprocess.Popen, str]]:
    """A desk that hands everything over, and its address."""
    command = [sys.executable, "-m", "bertcourse", "desk", "--port", "0", "--database", str(database)]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    with subprocess.Popen([*command, "--threshold", "1.1"], stdout=subprocess.PIPE, text=True, env=environment) as run:
        try:
            found = re.fullmatch(r"Support desk: (http://127\.0\.0\.1:\d+)\n", run.stdout.readline())
            if found is None:
                raise SystemExit("the desk did not start")
            yield run, found[1]
        finally:
            run.kill()


class Load:
    """Asks a desk at a rate; keeps what was acknowledged."""

    def __init__(self, address: str, seed: int):
        self.address, self.rng, self.acknowledged, self.asked = address, random.Random(seed), {}, 0
        self.questions = [row["question"] for row in load_faq()]

    def question(self) -> str:
        """Another one each time."""
        self.asked += 1
        return f"{self.rng.choice(self.questions)} It is about {self.rng.choice(WORDS)}, case {self.asked}."

    async def one(self, client: httpx.AsyncClient, due: float) -> float | None:
        """Ask when it is due; gives the seconds from then to the reply, or None for an error."""
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        question = self.question()
        try:
            answer = await client.post("/ask", json={"question": question})
        except httpx.HTTPError:
            return None
        if answer.status_code != 200:
            return None
        self.acknowledged[answer.json()["number"]] = question
        return time.perf_counter() - due

    async def at(self, rate: float, seconds: float, end: tuple[float, subprocess.Popen] | None = None) -> dict:
        """Questions at a rate for some seconds; with `end`, the desk is killed after so many of them."""
        limits = httpx.Limits(max_connections=512, max_keepalive_connections=512)
        async with httpx.AsyncClient(base_url=self.address, limits=limits, timeout=30, trust_env=False) as client:
            due, times = 0.1, []
            while (due := due + self.rng.expovariate(rate)) < seconds + 0.1:
                times.append(due)
            begin = time.perf_counter()
            asked = [asyncio.create_task(self.one(client, begin + due)) for due in times]
            if end is not None:
                await asyncio.sleep(end[0])
                end[1].kill()
            found = await asyncio.gather(*asked)
        good = sorted(latency for latency in found if latency is not None)
        percentiles = {f"p{p}": good[max(0, -(-p * len(good) // 100) - 1)] for p in (50, 95, 99)} if good else {}
        return {"rate": rate, "sent": len(found), "errors": len(found) - len(good)} | percentiles


def line(what: str, row: dict) -> str:
    times = "".join(f"{1000 * row[name]:>10,.0f}" if name in row else f"{'–':>10}" for name in ("p50", "p95", "p99"))
    return f"{what:<24}{row['rate']:>8.1f}{row['sent']:>8,}{row['errors']:>8,}{times}"


def bears(row: dict) -> bool:
    return row["errors"] == 0 and row.get("p95", BOUND + 1) <= BOUND


async def measure(load: Load, options: argparse.Namespace) -> float:
    """The highest rate that was borne: doubled until it is not, then narrowed."""
    await load.at(5, 5)  # not counted
    low, high, rate = 0.0, float("inf"), 8.0
    while high / max(low, 0.1) > 1.1:
        row = await load.at(rate, options.step)
        print(line("", row), flush=True)
        low, high = (rate, high) if bears(row) else (low, rate)
        if low == 0 and high < 1:
            raise SystemExit("the desk bears not even one question a second")
        rate = 2 * low if high == float("inf") else (low + high) / 2
        await asyncio.sleep(1)
    return low


def lost(load: Load, database: Path) -> int:
    """Questions that were acknowledged and are not in the file."""
    with Queue(database) as queue:
        kept = {row["number"]: row["question"] for row in queue.waiting()}
    return sum(kept.get(number) != question for number, question in load.acknowledged.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--step", type=float, default=10, help="seconds for each rate that is tried")
    parser.add_argument("--seconds", type=float, default=60, help="at 70 %% of the highest")
    parser.add_argument("--rate", type=float, help="take this for the highest, and try none")
    parser.add_argument("--threads", type=int, default=2, help="that torch may use")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "fastapi", "uvicorn", "httpx"))
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, {options.threads} threads; python {platform.python_version()}"
    )
    print(f"{packages}; load before: {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else packages)
    print(f"\n{'':<24}{'asked/s':>8}{'sent':>8}{'errors':>8}{'p50 ms':>10}{'p95 ms':>10}{'p99 ms':>10}")
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder, "desk.db")
        with running_desk(database, options.threads) as (run, address):
            load = Load(address, options.seed)
            highest = options.rate or asyncio.run(measure(load, options))
            row = asyncio.run(load.at(0.7 * highest, options.seconds))
            print(line(f"70 % for {options.seconds:.0f} s", row))
            told = (
                "given" if options.rate else f"the highest that was tried with p95 ≤ {1000 * BOUND:.0f} ms and no error"
            )
            print(f"{highest:.1f} a second: {told}")
            print(f"acknowledged: {len(load.acknowledged):,}; not in the queue: {lost(load, database)}")
            row = asyncio.run(load.at(0.7 * highest, 10, (5, run)))
            told = f"{row['sent'] - row['errors']} of {row['sent']} acknowledged"
        print(f"killed (-9) after 5 s of 10 at 70 %: {told}")
        print(f"acknowledged so far: {len(load.acknowledged):,}; not in the queue: {lost(load, database)}")


if __name__ == "__main__":
    main()
