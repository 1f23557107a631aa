"""A service under load: the highest rate with 99 of 100 requests answered in time, and a long run below it.

    python benchmarks/serving.py                     (about four minutes, on two cores)
    python benchmarks/serving.py --soak 600          (then ten minutes at 70 % of what int8 bears)

Teasers of BBC News, one a request. Each side is `python -m bertlib serve` with the same threads; "one a pass" gives the
model one request at a time, as a server without batches does. Requests come from benchmarks/load.py, in a process of
its own on the same machine: it takes a part of the cores, which is stated.

The long run exchanges the model, sends requests that are to be refused, and kills the process that computes. Every
answer is compared with what the model says of the text alone. Texts whose two best classes are within 0.1 are left out:
in int8 the scale of activations is a batch's, so that neighbours have a little say.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from datasets import DatasetDict
from measure import print_machine, say

from bertlib.data.catalog import load
from bertlib.data.columns import teasers
from bertlib.serve.export import export
from bertlib.serve.graph import Graph
from bertlib.serve.quantize import processor_units
from bertlib.tasks.classify import TextClassifier, fine_tune

BOUND = 0.2  # seconds that 99 of 100 may take
TOKEN = "a token for this run alone"
BAD = (b"{", b'{"texts": []}', b'{"texts": [""]}', json.dumps({"texts": ["x"] * 10_000}).encode(), b"\xff" * 2_000_000)


@contextmanager
def running(folder: Path, batch: int, options: argparse.Namespace) -> Iterator[tuple[subprocess.Popen, str]]:
    """A service that is ready, and its address."""
    command = [sys.executable, "-m", "bertlib", "serve", str(folder), "--port", "0", "--max-batch", str(batch)]
    command += ["--workers", str(options.workers), "--threads", str(options.threads)]
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "token").write_text(TOKEN, encoding="utf-8")
        command += ["--token-file", f"{place}/token"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
            try:
                found = re.fullmatch(r"serving: (http://\S+)\n", run.stdout.readline())
                if found is None:
                    raise SystemExit("the service did not start")
                end = time.monotonic() + 120
                while ask(f"{found[1]}/ready")[0] != 200:
                    if time.monotonic() > end:
                        raise SystemExit("the service was not ready within two minutes")
                    time.sleep(0.1)
                yield run, found[1]
            finally:
                run.terminate()
                try:
                    run.wait(20)
                finally:
                    run.kill()


def ask(address: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Status and body of one request; status 0 where there is no answer."""
    request = urllib.request.Request(address, body, {"Content-Type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, b""


def loaded(address: str, texts: Path, rate: float, seconds: float, warm: float = 1.0, seed: int = 0) -> dict:
    """What benchmarks/load.py says of a rate."""
    command = [sys.executable, str(Path(__file__).with_name("load.py")), address, "--texts", str(texts)]
    command += ["--rate", f"{rate:.3f}", "--seconds", str(seconds), "--warm", str(warm), "--seed", str(seed)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    return json.loads(done.stdout)


def bears(row: dict) -> bool:
    return set(row["statuses"]) == {"200"} and row["wrong"] == 0 and row["p99"] <= BOUND


def highest(address: str, texts: Path, guess: float, step: float) -> dict:
    """The highest rate that is borne, to a tenth: up or down from a guess in steps of a tenth."""
    loaded(address, texts, min(guess, 20), 1)  # warms up
    best, rate, factor = None, guess, None
    while True:
        row = loaded(address, texts, rate, step, seed=int(rate))
        good = bears(row)
        late, verdict = 1000 * row.get("p99", float("nan")), "" if good else "  not borne"
        say(f"  {rate:7.0f} a second: p99 {late:6.0f} ms, {row['statuses']}, {row['wrong']} wrong{verdict}")
        best = row if good else best
        if factor is None:
            factor = 1.1 if good else 1 / 1.1
        elif good != (factor > 1):
            return best
        if rate < 1:
            raise SystemExit("not even one request a second")
        rate *= factor
        time.sleep(0.3)


def throughput(address: str, texts: Path) -> float:
    """A guess to begin with: requests a second when far too many come."""
    for rate in (60, 240, 960):
        row = loaded(address, texts, rate, 1.5, warm=0.5)
        if not bears(row):
            break
    return max(5.0, 0.9 * min(rate, row["statuses"].get("200", 0) / (1.5 + row.get("p99", 1))))


def line(name: str, row: dict, first: float | None) -> str:
    times = "".join(f"{1000 * row[p]:>9,.0f}" for p in ("p50", "p95", "p99"))
    ratio = row["rate"] / (first or row["rate"])
    return f"{name:<24}{row['rate']:>8,.0f}{ratio:>8.2f}{times}{row['generator_cores']:>11.2f}"


def children(process: int) -> list[int]:
    """Processes that a process has started (Linux)."""
    return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8").split()]


def soak(folders: list[Path], texts: Path, rate: float, options: argparse.Namespace) -> bool:
    """The long run; whether nothing good was lost or wrong."""
    refused: list[int] = []
    told: list[str] = []
    with running(folders[0], options.batch, options) as (run, address):
        done = threading.Event()

        def disturb() -> None:
            begin, swapped, killed = time.monotonic(), 0, 0
            while not done.wait(1.0):
                refused.append(ask(f"{address}/predict", BAD[len(refused) % len(BAD)])[0])
                spent = (time.monotonic() - begin) / options.soak
                if swapped < 2 and spent > (0.2, 0.6)[swapped]:
                    body = json.dumps({"folder": str(folders[1 - swapped])}).encode()
                    status, _ = ask(f"{address}/models/model", body, {"Authorization": f"Bearer {TOKEN}"})
                    told.append(f"model exchanged: {status}")
                    swapped += 1
                if killed < 2 and spent > (0.4, 0.8)[killed]:
                    os.kill(children(run.pid)[0], signal.SIGKILL)
                    told.append("worker killed (-9)")
                    killed += 1

        side = threading.Thread(target=disturb)
        side.start()
        row = loaded(address, texts, rate, options.soak, warm=2)
        done.set()
        side.join()
    print(f"\n{options.soak:.0f} s at {rate:.0f} a second: {', '.join(told)}")
    times = ", ".join(f"{p} {1000 * row[p]:.0f} ms" for p in ("p50", "p95", "p99"))
    lost = row["sent"] - row["statuses"].get("200", 0)
    print(f"{row['sent']:,} good requests: {lost} lost, {row['wrong']} wrong; {times}")
    print(f"{len(refused)} bad requests: statuses {sorted(set(refused))}, none of them 200")
    return lost == 0 and row["wrong"] == 0 and set(refused) <= {413, 422}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--step", type=float, default=5, help="seconds for each rate that is tried")
    parser.add_argument("--workers", type=int, default=torch.get_num_threads(), help="processes, in every row")
    parser.add_argument("--threads", type=int, default=1, help="of each worker, in every row")
    parser.add_argument("--batch", type=int, default=32, help="texts that are computed at a time")
    parser.add_argument("--only", default="", help="rows whose names hold this, and the first")
    parser.add_argument("--soak", type=float, default=0, help="seconds of the long run")
    parser.add_argument("--rate", type=float, help="of the long run; without it no rates are tried")
    parser.add_argument("--model", type=Path, help="a classifier's folder; otherwise one is trained (half a minute)")
    options = parser.parse_args()
    data = teasers(load("bbc_news"))
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        if options.model is None:
            say("fine-tuning the classifier that all sides use")
            few = DatasetDict(train=data["train"].shuffle(seed=0).take(320))
            fine_tune(few, epochs=2, show_progress=False, precision="fp32").save(place / "torch")
        else:
            TextClassifier.load(options.model).save(place / "torch")
        for name, int8 in (("fp32", False), ("int8", True), ("again", True)):
            export(place / "torch", place / name, int8=int8)
        asked = data["test"]["text"][:]
        scores = np.sort(TextClassifier.load(place / "torch").probabilities(asked), axis=1)
        sure, told = scores[:, -1] - scores[:, -2] > 0.1, []
        for name in ("fp32", "int8"):
            graph = Graph.load(place / name, threads=options.threads)
            told.append([graph.predict(text)["label"] for text in asked])
        alike = zip(asked, sure, *told, strict=True)
        rows = [{"text": text, "label": one} for text, clear, one, other in alike if clear and one == other]
        (place / "texts.json").write_text(json.dumps(rows), encoding="utf-8")

        print_machine("onnxruntime", "fastapi", "uvicorn")
        units = ", ".join(processor_units()) or "none"
        print(f"{len(rows)} texts; {options.workers} × {options.threads} threads; units for int8: {units}")
        sides = {"torch, one a pass": ("torch", 1), "torch, batches": ("torch", options.batch)}
        for name in ("fp32", "int8"):
            sides |= {f"ONNX {name}, one a pass": (name, 1), f"ONNX {name}, batches": (name, options.batch)}
        best = {}
        if options.rate is None:
            heads = f"{'a second':>8}{'ratio':>8}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'generator':>11}"
            print(f"highest rate with p99 ≤ {1000 * BOUND:.0f} ms, no error; generator in cores\n\n{'':<24}{heads}")
            for name, (folder, batch) in sides.items():
                if options.only in name or not best:
                    say(name)
                    with running(place / folder, batch, options) as (_, address):
                        best[name] = highest(
                            address, place / "texts.json", throughput(address, place / "texts.json"), options.step
                        )
                    print(line(name, best[name], next(iter(best.values()))["rate"]), flush=True)
            both = [best.get(f"ONNX int8, {how}") for how in ("batches", "one a pass")]
            if all(both):
                print(f"\nof which batching, by itself: {both[0]['rate'] / both[1]['rate']:.2f} times, in int8")
        if options.soak:
            rate = options.rate or 0.7 * best["ONNX int8, batches"]["rate"]
            return 0 if soak([place / "int8", place / "again"], place / "texts.json", rate, options) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
