import contextlib
import json

import IPython.display
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from bertlib.figures import MIME, Figure, OutOfBand, collect, figure

INFINITY = float("inf")


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
