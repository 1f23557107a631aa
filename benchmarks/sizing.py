"""How many cores for how many requests: time by batch and memory, measured; queue and cores, reckoned from that.

One computing thread, as a replica has. Texts are teasers of BBC News, one a request. What HTTP costs beside the model
is not in it: benchmarks/serving.py measures the whole service.

    python benchmarks/sizing.py           (prints the tables; half a minute)
    python benchmarks/sizing.py --write   (into book/sizing.md as well)
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from measure import processor_name

PAGE = Path(__file__).resolve().parents[1] / "book" / "sizing.md"
BATCHES = (1, 2, 4, 8, 16, 32)
LIMIT = 0.2  # seconds within which 99 of 100 answers are to come
BUSY = 0.7  # of the highest rate, in the table of cores: room for waves, and for a replica that fails
MARKS = "<!-- measured: python benchmarks/sizing.py --write -->", "<!-- reckoned from it -->", "<!-- end -->"
LOADED = """
import sys
from bertlib.serve.graph import Graph
def held(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status", encoding="utf-8") if line.startswith(name))
before = held("VmRSS")
graph = Graph.load(sys.argv[1], threads=1)
graph.predict(["a text of some words, as long as a teaser of a newspaper often is"] * 32)
print(before // 1000, held("VmRSS") // 1000, held("VmHWM") // 1000, "torch" in sys.modules)
"""


def latencies(rate: float, start: float, each: float, most: int, *, count: int = 8_000, seed: int = 0) -> np.ndarray:
    """Seconds from arrival to answer of requests that come at random, one text each, to one worker.

    The worker takes what waits, at most `most` of them, and computes for `start` + `each` a text; meanwhile the next
    batch fills. Nobody waits for a batch to be full.
    """
    arrivals = np.cumsum(np.random.default_rng(seed).exponential(1 / rate, count))
    now, first, found = 0.0, 0, np.empty(count)
    while first < count:
        now = max(now, arrivals[first])
        last = min(int(np.searchsorted(arrivals, now, side="right")), first + most)
        now += start + each * (last - first)
        found[first:last] = now - arrivals[first:last]
        first = last
    return found


def highest_rate(start: float, each: float, most: int, limit: float = LIMIT) -> float:
    """Requests a second up to which 99 of 100 are answered within `limit` seconds; 0 where one alone takes longer."""
    low, high = 0.0, most / (start + most * each)  # beyond that a queue grows without end
    if start + each > limit:
        return 0.0
    for _ in range(20):
        middle = (low + high) / 2
        fits = np.quantile(latencies(middle, start, each, most), 0.99) <= limit
        low, high = (middle, high) if fits else (low, middle)
    return low


def straight_line(seconds: dict[int, float]) -> tuple[float, float]:
    """Seconds a batch costs at all, and each text more: least squares of the relative errors."""
    sizes, times = np.array(list(seconds)), np.array(list(seconds.values()))
    columns = np.stack([1 / times, sizes / times], axis=1)
    start, each = np.linalg.lstsq(columns, np.ones(len(sizes)), rcond=None)[0]
    return (float(start), float(each)) if start > 0 else (0.0, float(1 / np.mean(sizes / times)))


def measured_table(rows: dict[str, dict[str, float]]) -> str:
    """Of each precision: milliseconds by size of batch, MB of the folder, of a process with it, and at its peak."""
    head = (
        "| | "
        + " | ".join(f"{size} text{'s' * (size > 1)}, ms" for size in BATCHES)
        + " | folder, MB | process, MB | peak, MB |"
    )
    lines = [head, "| --- " * (len(BATCHES) + 4) + "|"]
    for name, row in rows.items():
        cells = [f"{row[str(size)]:.2f}" for size in BATCHES] + [
            f"{row[part]:.0f}" for part in ("folder", "rss", "peak")
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def read_table(text: str) -> dict[str, dict[str, float]]:
    """What `measured_table` wrote."""
    names = [*map(str, BATCHES), "folder", "rss", "peak"]
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")][2:]
    lines = [[cell.strip() for cell in line] for line in lines]
    return {name: dict(zip(names, map(float, cells), strict=True)) for name, *cells in lines}


def reckoned(rows: dict[str, dict[str, float]]) -> str:
    """The queue and the cores that follow from measured rows."""
    lines = ["| | start of a batch, ms | each text, ms | one core, most a second | p99 at 50 % | 70 % | 85 % | 95 % | "]
    lines[0] += f"with p99 ≤ {1000 * LIMIT:.0f} ms | cores for 10 a second | 100 | 1,000 |"
    lines.append("| --- " * 12 + "|")
    for name, row in rows.items():
        start, each = straight_line({size: row[str(size)] / 1000 for size in BATCHES})
        for how, most in (("one by one", 1), ("batches of up to 32", 32)):
            full = most / (start + most * each)
            tails = [
                1000 * np.quantile(latencies(part * full, start, each, most), 0.99) for part in (0.5, 0.7, 0.85, 0.95)
            ]
            best = highest_rate(start, each, most)
            cores = [f"{-(-rate // (BUSY * best)):,.0f}" if best else "–" for rate in (10, 100, 1000)]
            cells = [f"{1000 * start:.2f}", f"{1000 * each:.2f}", f"{full:.0f}", *(f"{tail:.0f} ms" for tail in tails)]
            lines.append(f"| {name}, {how} | {' | '.join([*cells, f'{best:.0f}', *cores])} |")
    return "\n".join(lines)


def measure(folder: Path, texts: list[str], rounds: int = 5) -> dict[str, float]:
    """A row of an exported folder: see `measured_table`."""
    from bertlib.serve.graph import Graph

    graph, spent = Graph.load(folder, threads=1), {size: [] for size in BATCHES}
    graph.predict(texts[:32])
    for number in range(rounds):
        for size in BATCHES:
            parts = [texts[at : at + size] for at in range(32 * (number % 4), 32 * (number % 4) + 32, size)][:8]
            begin = time.perf_counter()
            for part in parts:
                graph.predict(part)
            spent[size].append((time.perf_counter() - begin) / len(parts))
    row = {str(size): 1000 * float(np.median(times)) for size, times in spent.items()}
    done = subprocess.run([sys.executable, "-c", LOADED, folder], capture_output=True, text=True, check=True)
    _, rss, peak, torch_too = done.stdout.split()
    if torch_too == "True":
        raise RuntimeError("the exported folder was opened with torch: its memory would be counted")
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    return row | {"folder": size, "rss": float(rss), "peak": float(peak)}


def exported(where: Path) -> tuple[dict[str, Path], list[str]]:
    """A classifier of five topics as ONNX, in fp32 and int8, and 128 teasers. Its head is fresh: time counts."""
    import torch

    from bertlib.data.catalog import load
    from bertlib.data.columns import teasers
    from bertlib.data.encoders import encoder_folder
    from bertlib.model.heads import BertForSequenceClassification
    from bertlib.serve.export import export
    from bertlib.tasks.classify import TextClassifier
    from bertlib.text.wordpiece import load_tokenizer

    torch.manual_seed(0)
    news, encoder = load("bbc_news"), encoder_folder("minilm")
    labels = news["train"].features["label"].names
    model = BertForSequenceClassification.from_pretrained(encoder, labels=labels).eval()
    TextClassifier(model, load_tokenizer(encoder), 128).save(where / "model")
    for name, int8 in (("fp32", False), ("int8", True)):
        export(where / "model", where / name, int8=int8)
    return {name: where / name for name in ("fp32", "int8")}, list(teasers(news)["test"]["text"][:128])


def with_tables(page: str, rows: dict[str, dict[str, float]], machine: str) -> str:
    """The page with both tables between its marks, and what they were measured on."""
    first, second, end = MARKS
    new = f"{first}\n\n{machine}\n\n{measured_table(rows)}\n\n{second}\n\n"
    new += f"{reckoned(read_table(measured_table(rows)))}\n\n{end}"
    return re.sub(f"{re.escape(first)}.*?{re.escape(end)}", lambda _: new, page, flags=re.DOTALL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the tables into book/sizing.md")
    parser.add_argument("--rounds", type=int, default=5, help="how often each size is measured; default: 5")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        folders, texts = exported(Path(work))
        rows = {name: measure(folder, texts, arguments.rounds) for name, folder in folders.items()}
    machine = f"{processor_name()}, one thread, onnxruntime {version('onnxruntime')}."
    print(f"{machine}\n\n{measured_table(rows)}\n\n{reckoned(read_table(measured_table(rows)))}")
    if arguments.write:
        PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8"), rows, machine), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
