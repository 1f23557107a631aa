"""Requests that come when they come: an open-loop generator, in a process of its own.

    python benchmarks/load.py http://127.0.0.1:8000 --texts FILE --rate 100 --seconds 10

Requests arrive at random (Poisson), whether or not earlier ones are answered, and a latency counts from the moment a
request was due: neither a server that stands still nor a generator that is late hides what people would have waited.
The first `--warm` seconds are sent and not counted. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections import Counter
from urllib.parse import urlsplit

PERCENTILES = (50, 95, 99)


class Connections:
    """HTTP/1.1 over connections that stay open, as many as are needed at a time; next to no work a request."""

    def __init__(self, host: str, port: int):
        self.host, self.port, self.idle = host, port, []

    async def post(self, path: str, body: bytes, timeout: float = 60.0) -> tuple[int, bytes]:
        """Status and body of the answer. An OSError, or a TimeoutError, where there is none."""
        for fresh in (False, True):  # one that was idle may have been closed meanwhile
            if fresh or not self.idle:
                pair = await asyncio.open_connection(self.host, self.port)
            else:
                pair = self.idle.pop()
            try:
                status, answer, stays = await asyncio.wait_for(self.exchange(pair, path, body), timeout)
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                pair[1].close()
                if fresh or getattr(error, "partial", b""):
                    raise ConnectionResetError("no answer") from error
            except BaseException:
                pair[1].close()
                raise
            else:
                self.idle.append(pair) if stays else pair[1].close()
                return status, answer
        raise AssertionError

    async def exchange(self, pair, path: str, body: bytes) -> tuple[int, bytes, bool]:
        reader, writer = pair
        head = f"POST {path} HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r")[0])
        return int(head.split(None, 2)[1]), await reader.readexactly(length), b"connection: close" not in head

    def close(self) -> None:
        for _, writer in self.idle:
            writer.close()


def due_times(rate: float, seconds: float, rng: random.Random) -> list[float]:
    """When requests are due, in seconds from the beginning."""
    times, due = [], rng.expovariate(rate)
    while due < seconds:
        times.append(due)
        due += rng.expovariate(rate)
    return times


def summary(latencies: list[float]) -> dict[str, float]:
    """Percentiles in seconds, each the latency that so many of 100 do not exceed."""
    ordered = sorted(latencies)
    return {f"p{p}": ordered[max(0, -(-p * len(ordered) // 100) - 1)] for p in PERCENTILES} if ordered else {}


async def load(address: str, rows: list[dict], rate: float, seconds: float, warm: float, seed: int) -> dict:
    """Send at a rate; what came of it.

    Args:
        rows: {"text": what is asked, "label": what is to be answered}, drawn at random.
    """
    place, rng = urlsplit(address), random.Random(seed)
    connections, statuses, wrong, latencies, late = Connections(place.hostname, place.port), Counter(), 0, [], 0.0
    bodies = [json.dumps({"texts": [row["text"]]}).encode() for row in rows]

    async def one(due: float, begin: float, number: int) -> None:
        nonlocal wrong
        try:
            status, answer = await connections.post("/predict", bodies[number])
        except (OSError, TimeoutError):
            status, answer = 0, b""
        if due < warm:
            return
        statuses[str(status)] += 1
        if status == 200:
            latencies.append(time.perf_counter() - begin - due)
            wrong += json.loads(answer)["results"][0]["label"] != rows[number]["label"]

    begin, used, tasks = time.perf_counter(), time.process_time(), set()
    for due in due_times(rate, warm + seconds, rng):
        wait = begin + due - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        late = max(late, time.perf_counter() - begin - due)
        task = asyncio.create_task(one(due, begin, rng.randrange(len(rows))))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    share = (time.process_time() - used) / (time.perf_counter() - begin)
    connections.close()
    told = {"rate": rate, "sent": sum(statuses.values()), "statuses": dict(statuses), "wrong": wrong}
    return told | summary(latencies) | {"late": late, "generator_cores": share}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("--texts", required=True, help='JSON: a list of {"text", "label"}')
    parser.add_argument("--rate", type=float, required=True, help="requests a second")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--warm", type=float, default=1, help="seconds before, which do not count")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with open(options.texts, encoding="utf-8") as file:
        rows = json.load(file)
    print(
        json.dumps(asyncio.run(load(options.address, rows, options.rate, options.seconds, options.warm, options.seed)))
    )


if __name__ == "__main__":
    main()
