from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from bertlib import plots
from bertlib.plots import COLORS, attention_map, confusion_map, similarity_map, spread_lines, use_style


@pytest.fixture(autouse=True)
def fresh_figures():
    with plt.rc_context():
        yield
    plt.close("all")


def tick_names(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def written(ax):
    return [text.get_text() for text in ax.texts]


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
def test_attention_map_has_a_row_for_each_query(kind):
    weights = kind([[0.5, 0.25, 0.25], [0.0, 0.0, 1.0]])
    ax = attention_map(weights, ["a", "b", "c"], ["x", "y"], title="head 1")
    np.testing.assert_allclose(ax.images[0].get_array(), np.asarray(weights))
    assert tick_names(ax.xaxis) == ["a", "b", "c"]
    assert tick_names(ax.yaxis) == ["x", "y"]
    assert ax.get_title() == "head 1"


def test_attention_map_of_self_attention_with_gradients():
    ax = attention_map(torch.eye(2, requires_grad=True), ["a", "b"])
    assert tick_names(ax.yaxis) == ["a", "b"]


@pytest.mark.parametrize("shape", [(2, 3), (3, 2), (1, 3, 3)])
def test_attention_map_with_other_numbers_of_tokens(shape):
    with pytest.raises(ValueError, match=r"weights has shape .*give \(3, 3\), a row for each query"):
        attention_map(np.zeros(shape), ["a", "b", "c"])


def test_map_of_zeros_is_drawn():
    attention_map(np.zeros((2, 2)), ["a", "b"]).figure.canvas.draw()


def test_similarity_map_writes_its_numbers():
    ax = similarity_map([[1.0, -0.256], [-0.256, 1.0]], ["cat", "dog"], title="cosine")
    assert written(ax) == ["1.00", "-0.26", "-0.26", "1.00"]
    assert tick_names(ax.xaxis) == tick_names(ax.yaxis) == ["cat", "dog"]
    assert (ax.get_title(), *ax.images[0].get_clim()) == ("cosine", -0.256, 1)


def test_confusion_map_writes_counts_and_colours_shares():
    ax = confusion_map(np.array([[9, 1], [0, 0]]), ["a", "b"])
    assert written(ax) == ["9", "1", "0", "0"]
    np.testing.assert_allclose(ax.images[0].get_array(), [[0.9, 0.1], [0, 0]])
    assert ax.images[0].get_clim() == (0, 1)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "true")


def test_spread_lines_go_through_the_means():
    ax = spread_lines([5, 20], {"ours": [[1.0, 3.0], [4.0, 4.0]], "theirs": [[0.0], [1.0]]}, ylabel="accuracy")
    mean = next(line for line in ax.lines if line.get_label() == "ours")
    assert mean.get_ydata().tolist() == [2.0, 4.0]
    assert len(ax.lines) == (1 + 2) + (1 + 2)  # a line for each series, dots for each place
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["ours", "theirs"]
    assert tick_names(ax.xaxis) == ["5", "20"]


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: attention_map(np.eye(2), "ab", ax=ax),
        lambda ax: similarity_map(np.eye(2), "ab", ax=ax),
        lambda ax: confusion_map(np.eye(2, dtype=int), "ab", ax=ax),
        lambda ax: spread_lines([1], {"a": [[1.0]]}, ax=ax),
    ],
)
def test_given_axes_are_drawn_on(draw):
    ax = plt.subplots()[1]
    assert draw(ax) is ax
    assert len(plt.get_fignums()) == 1
    assert draw(None) is not ax
    assert len(plt.get_fignums()) == 2


def test_style():
    use_style()
    assert plt.rcParams["axes.prop_cycle"].by_key()["color"] == list(COLORS)
    plt.subplots()[0].canvas.draw()


ROWS = [
    {"epoch": 0, "updates": 0, "mlm_loss": 7.0, "nsp_accuracy": 0.5},
    {"epoch": 1, "updates": 10, "mlm_loss": 6.5, "nsp_accuracy": 0.6},
]


def test_live_curves_draw_held_out_figures():
    fig = plots.LiveCurves("title", compare={"earlier": ROWS[:1]}).draw(ROWS, {"mlm_loss": 6.9})
    left, right = fig.axes
    assert left.lines[0].get_ydata().tolist() == [7.0, 6.5]
    assert right.lines[0].get_ydata().tolist() == [50.0, 60.0]
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["this run", "earlier", "unigram guess"]
    assert left.get_ylim()[1] == 7.3


def test_live_curves_renew_one_output(monkeypatch):
    shown, updated = [], []

    class Handle:
        def update(self, fig):
            updated.append(fig)

    monkeypatch.setattr("IPython.display.display", lambda fig, display_id: shown.append(fig) or Handle())
    curves, history = plots.LiveCurves(), SimpleNamespace(epochs=ROWS)
    for _ in range(3):
        curves(history)
    assert (len(shown), len(updated)) == (1, 2)
    assert not plt.get_fignums()
