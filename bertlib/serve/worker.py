"""A process that computes for a service: a line of JSON comes in with a batch, a line goes out with its results.

It is a process of its own so that the service answers while it computes, and outlives it: see `bertlib.serve.app`.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bertlib.files import read_json

Predict = Callable[..., Any]


def is_export(folder: str | Path) -> bool:
    """Whether a folder is an exported one, and no task's that torch opens."""
    about = Path(folder) / "bertlib.json"
    return about.is_file() and "format" in read_json(about)


def open_model(folder: str | Path, threads: int) -> tuple[str, Predict]:
    """The kind of a folder's model, exported or not, and its `predict`."""
    if is_export(folder):
        from bertlib.serve.graph import Graph

        graph = Graph.load(folder, threads=threads)
        return graph.kind, graph.predict
    import torch

    from bertlib.serve.export import TASKS, kind_of

    torch.set_num_threads(threads)
    kind = kind_of(folder)
    return kind, TASKS[kind].load(folder).predict


def compute(kind: str, predict: Predict, jobs: list[list]) -> list[dict[str, Any]]:
    """Of each job {"results": one an input}; where an input does not fit, {"error": why}, and of its own job alone."""
    several = [tuple(one) if kind in ("match", "answer") else one for job in jobs for one in job]
    try:
        found = predict(*map(list, zip(*several, strict=True))) if kind == "answer" else predict(several)
    except ValueError as error:
        if len(jobs) == 1:
            return [{"error": str(error)}]
        return [answer for job in jobs for answer in compute(kind, predict, [job])]
    rest = iter(found.tolist() if isinstance(found, np.ndarray) else found)
    return [{"results": [next(rest) for _ in job]} for job in jobs]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the service's: it closes our input when it is done
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # whatever prints does not end up among the results

        def tell(said: Any) -> None:
            out.write(json.dumps(said).encode() + b"\n")
            out.flush()

        try:
            kind, predict = open_model(options.folder, options.threads)
        except Exception as error:
            tell({"error": str(error)})
            return 1
        tell({"kind": kind})
        for line in sys.stdin.buffer:
            tell(compute(kind, predict, json.loads(line)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
