"""The library stays small: its lines, functions, tasks and rooms; what `fine_tune` reads; what importing it costs."""

import ast
import importlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import datasets
import floors
import pytest
from test_floors import HOUSE, TREES, all_imports

from bertlib.data.questions import question_rows

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = sorted((ROOT / "bertlib").rglob("*.py"))
LINES = 13662  # of all of it; what goes beyond this has to take its room from something else, or say why it may not
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def lines_of(path):
    return path.read_text(encoding="utf-8").splitlines()


def docstring_lines(tree):
    """The numbers of the lines that docstrings take."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, (*DEFINITIONS, ast.Module)) and ast.get_docstring(node, clean=False) is not None:
            found |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return found


def functions_of(source):
    """Every function by name: lines of code in its body (no blank, comment or docstring), and named parameters."""
    tree, lines = ast.parse(source), source.splitlines()
    no_code = docstring_lines(tree)
    no_code |= {number for number, line in enumerate(lines, start=1) if not line.strip() or line.strip()[0] == "#"}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, DEFINITIONS[:2]):
            own = set(range(node.body[0].lineno, node.end_lineno + 1)) - no_code
            given = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
            found.append((node.name, len(own), len([name for name in given if name not in ("self", "cls")])))
    return found


def arrows(trees):
    """Room -> room, for every import of one room of the library by another, inside functions too."""
    return {
        (floors.room(module), floors.room(name))
        for module, tree in trees.items()
        for name in all_imports(tree)
        if module.split(".")[0] == name.split(".")[0] == "bertlib" and floors.room(module) != floors.room(name)
    }


def test_the_library_has_at_most_so_many_lines():
    assert sum(len(lines_of(path)) for path in LIBRARY) <= LINES


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(ROOT)))
def test_functions_have_at_most_60_lines_of_code_and_10_parameters(path):
    functions = functions_of(path.read_text(encoding="utf-8"))
    assert [found for found in functions if found[1] > 60 or found[2] > 10] == []


@pytest.mark.parametrize("path", sorted((ROOT / "bertlib" / "tasks").glob("[a-z]*.py")), ids=lambda path: path.stem)
def test_a_task_is_one_short_file(path):
    """`task` is what all of them share, `tuning` a search among settings of any of them: no tasks themselves."""
    most = {"match": 120, "task": 375, "tuning": 335, "translate": 197}.get(path.stem, 180)
    assert len(lines_of(path)) <= most


def test_few_rooms_and_few_arrows_between_them():
    rooms = {floors.room(module) for module in TREES if module.split(".")[0] == "bertlib"}
    assert rooms == {"bertlib", *HOUSE["doors"], *(f"bertlib.{name}" for row in HOUSE["bertlib"] for name in row)}
    assert len(rooms) <= 14
    assert len(arrows(TREES)) <= 38


# ----------------------------------------------------------------------------------------- what `fine_tune` reads


@pytest.fixture(scope="module")
def watched():
    """Counts, while it is given a counter, every file that Python opens and every folder that it lists, by any call."""
    active = []

    def hook(event, arguments):
        if active and event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], (str, os.PathLike)):
            active[0]["opened" if event == "open" else "listed", os.path.realpath(arguments[0])] += 1

    sys.addaudithook(hook)  # it cannot be taken away again, only be given nothing to do
    return active


@pytest.fixture
def reads(watched):
    watched.append(Counter())
    yield watched[0]
    watched.clear()


@pytest.fixture(params=["vocab.txt", "tokenizer.json"])
def encoder(request, tiny_folder, tokenizer, tmp_path):
    """An encoder's folder with either form of a tokenizer."""
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "encoder"))
    if request.param == "tokenizer.json":
        tokenizer.save(str(folder / "tokenizer.json"))
        (folder / "vocab.txt").unlink()
    return folder


@pytest.mark.parametrize("task", ["classify", "match", "tag", "answer", "embed"])
def test_fine_tune_reads_config_once_and_lists_the_folder_once_at_most(task, encoder, tiny_dataset, reads):
    words = {"first": "good", "second": "goal"}
    data = tiny_dataset
    if task == "match":
        data = tiny_dataset.map(lambda row: words, remove_columns="text")
    elif task == "embed":
        rows = datasets.Dataset.from_dict({"first": ["the", "good"] * 4, "second": ["goal", "bank"] * 4})
        data = datasets.DatasetDict(train=rows, validation=rows)
    elif task == "tag":
        tags = datasets.Features(
            {
                "tokens": datasets.List(datasets.Value("string")),
                "ner_tags": datasets.List(datasets.ClassLabel(names=["O", "B-PER", "I-PER"])),
            }
        )
        rows = datasets.Dataset.from_list([{"tokens": ["the", "goal"], "ner_tags": [0, 1]}] * 8, features=tags)
        data = datasets.DatasetDict(train=rows, validation=rows)
    elif task == "answer":
        answers = {"text": ["goal"], "answer_start": [4]}
        rows = question_rows([{"question": "the", "context": "the goal", "answers": answers}] * 8)
        data = datasets.DatasetDict(train=rows, validation=rows)
    module = importlib.import_module(f"bertlib.tasks.{task}")
    reads.clear()
    module.fine_tune(data, encoder=encoder, epochs=1, learning_rate=1e-3, max_length=16, show_progress=False)
    of_folder = {(what, Path(place).name): times for (what, place), times in reads.items() if str(encoder) in place}
    assert of_folder["opened", "config.json"] == 1
    assert max(of_folder.values()) == 1, of_folder


def test_a_second_reading_would_be_counted(encoder, reads):
    for _ in range(2):
        json.loads((encoder / "config.json").read_text(encoding="utf-8"))
        list(encoder.iterdir())
    place = os.path.realpath(encoder)
    assert reads["opened", os.path.join(place, "config.json")] == reads["listed", place] == 2


# --------------------------------------------------------------------------------------------- what importing costs

IMPORT = """
import time, torch
start = time.process_time()
import bertlib
print(time.process_time() - start)
"""


def test_importing_the_library_costs_next_to_nothing_beyond_torch():
    seconds = []
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, encoding="utf-8", check=True)
        seconds.append(float(done.stdout))
    assert min(seconds) <= 0.1


# ------------------------------------------------------------------------------------------- these counts can fail


def test_only_code_counts_in_a_function():
    body = "\n".join(f"    x{number} = 1" for number in range(61))
    source = f'def f(self, a, *, b):\n    """One.\n\n    Two."""\n    # why\n\n{body}\n    def g(c, d=1): return c\n'
    assert functions_of(source) == [("f", 62, 2), ("g", 1, 2)]


def test_an_import_inside_a_function_is_an_arrow():
    tree = ast.parse("import torch\nfrom bertlib.text.spans import x\ndef f():\n    from bertlib.data.own import y")
    found = arrows({"bertlib.text.pairs": tree})
    assert found == {("bertlib.text", "bertlib.data")}
