import base64
import io
import re
from html.parser import HTMLParser
from itertools import combinations
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from bertcourse import plots
from bertcourse.plots import COLORS, attention_map, confusion_map, similarity_map, spread_lines, use_style


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


def test_a_small_attention_map_carries_its_numbers():
    ax = attention_map([[0.5, 0.25, 0.25], [0.0, 0.0, 1.0]], ["a", "b", "c"], ["x", "y"], darkest=1.0)
    assert written(ax) == ["0.50", "0.25", "0.25", "0.00", "0.00", "1.00"]
    assert [text.get_color() for text in ax.texts] == ["black"] * 5 + ["white"]
    assert ax.images[0].get_clim() == (0, 1)
    assert written(attention_map(np.eye(7), list("abcdefg"))) == []
    assert len(written(attention_map(np.eye(6), list("abcdef")))) == 36


def test_an_attention_map_is_darkest_at_its_largest_weight():
    assert attention_map([[0.1, 0.4]], ["a", "b"], ["x"]).images[0].get_clim() == (0, 0.4)


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
        def update(self, bundle, raw):
            updated.append(bundle)

    monkeypatch.setattr("IPython.display.display", lambda bundle, raw, display_id: shown.append(bundle) or Handle())
    curves, history = plots.LiveCurves("Ours", compare={"earlier": ROWS[:1]}), SimpleNamespace(epochs=ROWS)
    for _ in range(3):
        curves(history, {"mlm_loss": 6.9})
    assert (len(shown), len(updated)) == (1, 2)
    assert not plt.get_fignums()
    assert updated[-1]["text/plain"] == (
        "Picture: Ours, updates 0 to 10: held-out MLM loss goes from 7.00 to 6.50 nats, NSP accuracy from 50 to 60 % "
        "(a coin: 50 %). The unigram guess has a loss of 6.90. earlier: loss 7.00, accuracy 50 %."
    )


# --------------------------------------------------------------------------------------------------- text alternatives


def attributes(page):
    """Those of the only tag in this HTML."""
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, pairs: found.append((tag, dict(pairs)))
    parser.feed(page)
    ((tag, pairs),) = found
    assert tag == "img"
    return pairs


def test_a_picture_carries_its_text_alternative():
    figure, ax = plt.subplots()
    ax.plot([1, 2])
    alt = 'A line "up" from 1 to 2,\n  & <no> more.'
    bundle = plots.picture(figure, alt)
    words = 'A line "up" from 1 to 2, & <no> more.'
    assert attributes(bundle["text/html"]) == {"alt": words, "src": f"data:image/png;base64,{bundle['image/png']}"}
    assert bundle["text/plain"] == f"Picture: {words}"
    assert list(bundle) == ["text/html", "image/png", "text/plain"]


def test_pages_made_by_nbconvert_keep_it():
    bundle = plots.picture(plt.subplots()[0], 'Two axes & "nothing" in them.')
    cell = new_code_cell("", outputs=[new_output("display_data", data=bundle)])
    page, _ = HTMLExporter(template_name="lab").from_notebook_node(new_notebook(cells=[cell]))
    (picture,) = re.findall(r"<img [^>]*>", page)
    assert attributes(picture)["alt"] == 'Two axes & "nothing" in them.'


def test_a_stored_picture_looks_like_the_drawn_one():
    figure, ax = plt.subplots(figsize=(4, 3))
    ax.imshow(np.random.default_rng(0).random((20, 20)), cmap="Blues")
    for number, color in enumerate(COLORS):
        ax.axhline(2 * number, color=color)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi="figure", bbox_inches="tight")
    stored = Image.open(io.BytesIO(base64.b64decode(plots.picture(figure, "noise")["image/png"])))
    one, other = (np.asarray(Image.open(drawn).convert("RGB"), int), np.asarray(stored.convert("RGB"), int))
    assert one.shape == other.shape
    assert np.abs(one - other).max() <= 12  # of 255


def test_show_takes_the_current_figure_and_closes_it(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    older, newer = plt.subplots()[0], plt.subplots()[0]
    plots.show("the newer one")
    assert plt.get_fignums() == [older.number]
    plots.show("the older one", older)
    assert not plt.get_fignums()
    assert [bundle["text/plain"] for bundle in shown] == ["Picture: the newer one", "Picture: the older one"]
    with pytest.raises(ValueError, match="there is no current figure: draw one first"):
        plots.show("none")
    assert newer not in map(plt.figure, plt.get_fignums())


@pytest.mark.parametrize("alt", ["", " \n"])
def test_a_blank_text_alternative(alt):
    with pytest.raises(ValueError, match="say in a sentence or two what the picture shows"):
        plots.picture(plt.subplots()[0], alt)


# ---------------------------------------------------------------------------------------------------- colour-blindness

# Viénot, Brettel and Mollon (1999): what is left of linear RGB without the long or the middle cones.
LMS = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
WITHOUT = {
    "all cones": np.eye(3),
    "no long cones": np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]]),
    "no middle cones": np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]]),
}


def lab(colour, cones="all cones"):
    """CIE L*a*b* (D65) of what a reader with these cones sees."""
    linear = np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)])
    seen = np.clip(np.linalg.inv(LMS) @ WITHOUT[cones] @ LMS @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ seen
    f = [t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in xyz / (0.95047, 1, 1.08883)]
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_the_simulation_knows_what_is_confused():
    assert np.linalg.norm(lab("red") - lab("green")) > 80
    apart = {cones: np.linalg.norm(lab("#a65e2e", cones) - lab("#4f7a28", cones)) for cones in WITHOUT}
    assert apart["all cones"] > 40 > 2 * apart["no middle cones"]  # brown and green
    assert np.linalg.norm(lab("white", "no long cones") - lab("white")) < 3


def closest(colours, cones):
    """The smallest distance of two of these colours; about 2 can just be noticed."""
    return min(np.linalg.norm(lab(one, cones) - lab(other, cones)) for one, other in combinations(colours, 2))


@pytest.mark.parametrize("cones", WITHOUT)
def test_colours_are_told_apart_by_all_readers(cones):
    assert closest(COLORS, cones) > 18
    assert closest(COLORS[:3], cones) > 35  # few pictures have more lines
    for colour in COLORS:
        assert np.linalg.norm(lab(colour, cones) - lab("white", cones)) > 35  # the paper


def test_not_every_palette_passes():
    usual = plt.rcParamsDefault["axes.prop_cycle"].by_key()["color"]
    assert closest(usual, "all cones") > 18 > 8 > closest(usual, "no middle cones")
