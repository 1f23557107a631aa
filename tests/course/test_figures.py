import ast
import contextlib
import json
import re
from pathlib import Path

import IPython.display
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from bertcourse.figures import MIME, Figure, OutOfBand, collect, figure
from bertcourse.lessons import lessons_in

INFINITY = float("inf")
LESSONS = lessons_in(Path(__file__).resolve().parents[2] / "notebooks")


@pytest.fixture
def shown(monkeypatch):
    """What a lesson would display."""
    outputs = []
    monkeypatch.setattr(IPython.display, "display", lambda data, raw: outputs.append(data))
    return outputs


@pytest.mark.parametrize(
    "low, high, unit, band",
    [
        (0.9, 1.0, "", "0.9 to 1"),
        (90, INFINITY, "%", "at least 90 %"),
        (-INFINITY, 1e-5, "", "at most 1e-05"),
        (109482240, 109482240, "", "exactly 109,482,240"),
        (1.23456, 2.34567, "nats", "1.235 nats to 2.346 nats"),
    ],
)
def test_band_in_words(low, high, unit, band):
    assert Figure("x", low, low, high, unit).band == band


@pytest.mark.parametrize(
    "value, low, high, ok",
    [
        (1.0, 1.0, 2.0, True),
        (2.0, 1.0, 2.0, True),
        (2.0000001, 1.0, 2.0, False),
        (0.9, 1.0, INFINITY, False),
        (float("nan"), -INFINITY, INFINITY, False),
        (INFINITY, 0, 1e300, False),
    ],
)
def test_value_in_its_band(value, low, high, ok, shown):
    assert Figure("x", value, low, high).ok is ok
    if ok:
        figure("x", value, low, high)
    else:
        with pytest.raises(OutOfBand, match="✗ x: "):
            figure("x", value, low, high)
    assert shown[0]["text/plain"] == str(Figure("x", value, low, high))  # shown before it is judged


def test_text_of_a_figure():
    assert str(Figure("accuracy", 97.25, 90, 100, "%")) == "✓ accuracy: 97.25 %  (expected 90 % to 100 %)"
    assert str(Figure("accuracy", 12, 90, 100, "%")) == "✗ accuracy: 12 %  (expected 90 % to 100 %)"


def test_out_of_band_is_an_assertion_error():
    assert issubclass(OutOfBand, AssertionError)


@pytest.mark.parametrize("value", [1, 2.5, INFINITY, float("nan")])
def test_stored_figure_is_json_and_is_collected_again(value, shown):
    with contextlib.suppress(OutOfBand):
        figure("x", value, low=1, unit="nats")
    data = json.loads(json.dumps(shown[0], allow_nan=False))
    cell = new_code_cell("…", outputs=[new_output("display_data", data=data)])
    notebook = nbformat.reads(nbformat.writes(new_notebook(cells=[new_markdown_cell("text"), cell])), as_version=4)
    (found,) = collect(notebook)
    assert repr(found) == repr(Figure("x", float(value), 1.0, INFINITY, "nats"))


def test_other_outputs_are_passed_over():
    outputs = [
        new_output("stream", text="text"),
        new_output("display_data", data={"text/plain": "x"}),
        new_output("error", ename="E", evalue="", traceback=[]),
    ]
    assert collect(new_notebook(cells=[new_code_cell("", outputs=outputs)])) == []
    assert MIME.startswith("application/vnd.") and MIME.endswith("+json")


def test_a_band_says_for_which_machine_it_is(shown):
    figure("speed", 3, 2, 60, "times", where="with units for bfloat16")
    assert shown[0]["text/plain"] == "✓ speed: 3 times  (expected 2 times to 60 times with units for bfloat16)"
    cell = new_code_cell("…", outputs=[new_output("display_data", data=shown[0])])
    (found,) = collect(new_notebook(cells=[cell]))
    assert found.where == "with units for bfloat16" and found.band.endswith(found.where)
    del shown[0][MIME]["where"]  # as lessons stored it that were run before there was such a word
    cell = new_code_cell("…", outputs=[new_output("display_data", data=shown[0])])
    (found,) = collect(new_notebook(cells=[cell]))
    assert found.where == ""


MACHINE = re.compile(r"device|bfloat16|\bunits\b|dtype|cpu")


def depends_on_the_machine(tree):
    """The calls of `figure` whose band the machine chooses, in place or in a line before, and that do not say so."""
    chosen, found = set(), []
    for node in ast.walk(tree):
        choice = node.value if isinstance(node, ast.Assign) else None
        if isinstance(choice, ast.IfExp) and MACHINE.search(ast.unparse(choice.test)):
            chosen |= {name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "figure"):
            continue
        words = {keyword.arg: keyword.value for keyword in node.keywords}
        bands = [*node.args[2:4], *(words[name] for name in ("low", "high") if name in words)]
        parts = [part for band in bands for part in ast.walk(band)]
        here = any(isinstance(part, ast.IfExp) and MACHINE.search(ast.unparse(part.test)) for part in parts)
        if (here or any(isinstance(part, ast.Name) and part.id in chosen for part in parts)) and "where" not in words:
            found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_band_that_depends_on_the_machine_says_so(lesson):
    for cell in nbformat.read(lesson, as_version=4).cells:
        if cell.cell_type == "code" and "figure(" in cell.source:
            assert depends_on_the_machine(ast.parse(cell.source)) == []


@pytest.mark.parametrize(
    "source, count",
    [
        ("figure('a', x, 2.0 if fast == torch.bfloat16 else 1.1, 60)", 1),
        ("figure('a', x, low=0, high=0 if pick_device().type == 'cpu' else 9)", 1),
        ("least, most = (1, 2) if device.type == 'cpu' else (3, 4)\nfigure('a', x, least, 5)", 1),
        ("figure('a', x, 2.0 if fast == torch.bfloat16 else 1.1, 60, where='with units')", 0),
        ("low = 10 if profile.name == 'mini' else 0\nfigure('a', x, low, 60)", 0),
        ("figure('a', x if device.type == 'cpu' else y, 0, 60)", 0),
    ],
)
def test_such_a_band_would_be_found(source, count):
    assert len(depends_on_the_machine(ast.parse(source))) == count
