"""Plays one notebook as Google Colab's "Run all" does, and writes what a learner would see of it.

Called by tools/colab_rehearsal.py with the Python of a session, which has nbclient and not yet the course:

    python colab_player.py NOTEBOOK RECORD
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

FIGURE = "application/vnd.bertlib.figure+json"
FIRST = "colab"  # the id of the cell that fetches and installs the course
WARNING = re.compile(r"\b\w*Warning\b:")


def used(process: psutil.Process) -> float:
    """Seconds of processor time of a process and of those that it has waited for."""
    times = process.cpu_times()
    return times.user + times.system + times.children_user + times.children_system


def outputs_of(cell: dict) -> list[tuple[str, str]]:
    """The texts of a cell's outputs, each with where it was written: "stdout", "stderr", or "" for a result."""
    found = []
    for output in cell.get("outputs", []):
        text = output.get("text") or output.get("data", {}).get("text/plain", "")
        found.append((output.get("name", ""), "".join(text)))
    return found


def seen_in(notebook: dict) -> dict:
    """What there is to be judged in an executed notebook."""
    texts = [pair for cell in notebook["cells"] for pair in outputs_of(cell)]
    stored = [output.get("data", {}).get(FIGURE) for cell in notebook["cells"] for output in cell.get("outputs", [])]
    lines = [(where, line) for where, text in texts for line in text.splitlines() if line.strip()]
    return {
        "figures": [figure for figure in stored if figure],
        "stderr": [line for where, line in lines if where == "stderr"],
        "warnings": [line for _, line in lines if WARNING.search(line)],
        "checks": [line for _, line in lines if line.startswith(("✓ ", "✗ ", "○ "))],
    }


def play(path: Path) -> dict:
    """Run all cells in a new kernel, up to the first error; gives what was seen.

    The kernel works in the notebook's folder. The executed notebook takes the place of the one that was there.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=None, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    )
    record: dict = {"error": "", "first": None}
    started = time.perf_counter()
    with client.setup_kernel():
        kernel = psutil.Process(client.km.provisioner.process.pid)
        for number, cell in enumerate(notebook.cells):
            before, began = used(kernel), time.perf_counter()
            try:
                client.execute_cell(cell, number)
            except CellExecutionError as error:
                record["error"] = f"cell {number + 1}: {error.ename}: {str(error.evalue).strip()}"
                break
            if cell.get("id") == FIRST:
                said = "".join(text for _, text in outputs_of(cell))
                seconds = time.perf_counter() - began
                record["first"] = {"processor": used(kernel) - before, "seconds": seconds, "said": said}
    record["seconds"] = time.perf_counter() - started
    nbformat.write(notebook, path)
    return record | seen_in(notebook)


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(play(Path(sys.argv[1]).resolve())), encoding="utf-8")
