"""Search at its limits: a million vectors beside faiss, texts added, an index opened, and killed while it adds.

    python benchmarks/search.py vectors     (needs pip install faiss-cpu==1.15.1)
    python benchmarks/search.py adding      (sentences of BBC News through MiniLM; --texts 100000 for all that is asked)
    python benchmarks/search.py opening
    python benchmarks/search.py kills

`vectors` loads no torch: with it there are two OpenMP runtimes, and faiss is slower. Queries take turns; before the
ratio all sides must have found the same ten texts.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from bertlib.data.nearest import Exact
from bertlib.data.store import Store

SIZE, K, PART = 384, 10, 50_000
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "2")


def unit(rng: np.random.Generator, count: int) -> np.ndarray:
    vectors = rng.standard_normal((count, SIZE), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def parts(count: int) -> list[tuple[int, int]]:
    return list(pairwise([*range(0, count, PART), count]))


def peak() -> float:
    """Of this process so far, in MB."""
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 2**20)


def timed(do) -> tuple[float, object]:
    begin = time.perf_counter()
    done = do()
    return time.perf_counter() - begin, done


def vectors(options: argparse.Namespace) -> None:
    import faiss

    faiss.omp_set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    print(f"{platform.machine()}, {os.environ['OMP_NUM_THREADS']} threads, python {platform.python_version()}", end="")
    print(f", numpy {np.__version__}, faiss {faiss.__version__}; {options.count:,} vectors of {SIZE}")
    rng, exact, before = np.random.default_rng(0), Exact(), peak()
    for first, end in parts(options.count):
        exact.add(np.arange(first, end), unit(rng, end - first))
    exact.best(unit(rng, 1)[0], K)
    print(f"Exact: {sum(x.nbytes for x in exact.parts[0]) / 2**20:,.0f} MB held, {peak() - before:,.0f} MB at its peak")
    flat = faiss.IndexFlatIP(SIZE)
    flat.add(exact.parts[0][1])

    def of_faiss(query: np.ndarray, threshold: int) -> list[int]:
        faiss.cvar.distance_compute_blas_threshold = threshold
        return flat.search(query[None], K)[1][0].tolist()

    sides = {
        "faiss, threshold 20": lambda query: of_faiss(query, 20),
        "faiss, threshold 1": lambda query: of_faiss(query, 1),  # through its BLAS, which has threads for one query too
        "bertlib": lambda query: [text for text, _ in exact.best(query, K)],
    }
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number, query in enumerate(unit(rng, options.queries + 5)):
        found = {}
        for name in list(sides) if number % 2 else reversed(sides):
            took, found[name] = timed(lambda side=sides[name], query=query: side(query))
            if number >= 5:  # the first ones warm up
                seconds[name].append(1000 * took)
        if len({tuple(sorted(row)) for row in found.values()}) > 1:
            raise SystemExit(f"query {number}: other texts are found: {found}")
    print(f"\n{'':22}{'p50 ms':>10}{'p95 ms':>10}{'p50 ratio':>12}{'p95 ratio':>12}")
    first = np.percentile(next(iter(seconds.values())), [50, 95])
    for name, own in seconds.items():
        p50, p95 = found = np.percentile(own, [50, 95])
        print(f"{name:22}{p50:10.1f}{p95:10.1f}{found[0] / first[0]:12.2f}{found[1] / first[1]:12.2f}")


def adding(options: argparse.Namespace) -> None:
    from measure import print_machine

    from bertlib.data.catalog import load
    from bertlib.data.columns import documents_of
    from bertlib.data.encoders import encoder_folder
    from bertlib.tasks.embed import Embedder
    from bertlib.tasks.search import Index

    print_machine()
    splits = load("bbc_news")
    sentences = list(dict.fromkeys(s for split in splits for text in documents_of(splits[split]) for s in text))
    texts = [f"{sentences[i % len(sentences)]} ({i // len(sentences)})" for i in range(options.texts)]
    embedder = Embedder.load(encoder_folder("minilm"))
    with tempfile.TemporaryDirectory() as folder, Index(embedder, Path(folder) / "x.db") as index:
        before, work = peak(), time.process_time()
        took, _ = timed(lambda: index.add(texts, show_progress=True))
        work = time.process_time() - work
        each = f"{len(index) / took:,.0f} texts/s, {len(index) / work:,.0f} to a second of the processor"
        print(f"added {len(index):,} sentences in {took:,.0f} s: {each}")
        print(f"peak {peak():,.0f} MB, {peak() - before:,.0f} more than before")
        size = os.path.getsize(Path(folder) / "x.db") / 2**20
        given = embedder.predict(texts[:2000])
        took, _ = timed(lambda: index.add([f"{text}." for text in texts[:2000]], vectors=given))
        print(f"the file has {size:,.0f} MB; with vectors given {2000 / took:,.0f} texts/s are added")


def fill(store: Store, count: int) -> None:
    rng = np.random.default_rng(0)
    for first, end in parts(count):
        names = [str(number) for number in range(first, end)]
        store.add(names, [f"text {name}" for name in names], np.arange(end - first), unit(rng, end - first))


def opening(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "x.db"
        store = Store(path, np.ones(SIZE, dtype=np.float32))
        took, _ = timed(lambda: fill(store, options.count))
        print(f"{options.count:,} texts with vectors written in {took:,.1f} s", end="")
        store.close()
        print(f", {os.path.getsize(path) / 2**20:,.0f} MB")
        store, exact = Store(path), Exact()
        work = time.process_time()
        took, _ = timed(lambda: exact.add(*store.vectors_after(0)))
        print(f"opened and all vectors read in {took:,.1f} s, {time.process_time() - work:,.1f} of the processor")
        store.close()


ADD = """
import sys
import numpy as np
from bertlib.tasks.search import Index
class Given:
    predict = staticmethod(lambda text: np.full(384, 384**-0.5, dtype=np.float32))
index, count = Index.load(sys.argv[1], Given()), 5000
vectors = np.random.default_rng(len(index)).standard_normal((count, 384), dtype=np.float32)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
texts = [f"text {len(index)}-{number} of many words about the market and the match" for number in range(count)]
print("begin", flush=True)
index.add(texts, vectors=vectors)
print("end", flush=True)
sys.stdin.read()
"""


def kills(options: argparse.Namespace) -> None:
    def begin(path: Path) -> subprocess.Popen:
        command = [sys.executable, "-c", ADD, str(path)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        process.stdout.readline()
        return process

    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "x.db"
        Store(path, np.full(SIZE, SIZE**-0.5, dtype=np.float32)).close()
        process = begin(path)
        seconds, _ = timed(process.stdout.readline)
        process.kill()
        process.communicate()
        rng, amid, whole = random.Random(0), 0, 0
        for number in range(options.kills):
            process = begin(path)
            time.sleep(seconds * (number + rng.random()) / options.kills)
            process.kill()
            process.communicate()
            amid += Path(f"{path}-journal").exists()
            store = Store(path)
            counts = {len(store), len(store.vectors_after(0)[0]), len(store.by_words("market", 10**7))}
            whole += len(counts) == 1 and counts.pop() % 5000 == 0 and store.one("PRAGMA integrity_check") == "ok"
            store.close()
        print(
            f"{options.kills} kills within the {1000 * seconds:.0f} ms of adding 5,000 texts, {amid} in the middle",
            end="",
        )
        print(f" of a write: {whole} files open, with nothing half-added")
        if whole < options.kills:
            raise SystemExit("a file was damaged")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("vectors", "adding", "opening", "kills"))
    parser.add_argument("--count", type=int, default=1_000_000, help="vectors")
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--texts", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--folder", help="for the files that are written; None for the system's temporary one")
    options = parser.parse_args()
    if not THREADS.keys() <= os.environ.keys():  # numpy's BLAS has read them when it was loaded: begin again
        return subprocess.run([sys.executable, *sys.argv], env=THREADS | os.environ).returncode
    {"vectors": vectors, "adding": adding, "opening": opening, "kills": kills}[options.part](options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
