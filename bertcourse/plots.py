"""Pictures that several lessons draw. Each takes numbers and returns the matplotlib axes it drew on; `show` puts a
picture into the notebook together with words for those who do not see it."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

# Okabe and Ito's palette: told apart by colour-blind readers too.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

STYLE = {
    "figure.figsize": (6.4, 3.6),
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "axes.prop_cycle": plt.cycler(color=COLORS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "font.size": 10,
}


def use_style() -> None:
    """Give all later plots of this kernel the course's look."""
    plt.rcParams.update(STYLE)


def picture(figure: Figure, alt: str) -> dict[str, str]:
    """A figure as a notebook stores it, with its text alternative.

    JupyterLab, nbconvert and myst-nb all prefer HTML, and only there do all three keep a text alternative. The bare
    PNG is for what cannot show HTML (PDF by LaTeX, comparing notebooks); plain text is the alternative itself.

    Args:
        figure: what to draw.
        alt: what one learns from the picture, in a sentence or two: its subject and what it shows, not its colours.

    Returns:
        MIME type -> content.

    Raises:
        ValueError: alt is blank.
    """
    alt = " ".join(alt.split())
    if not alt:
        raise ValueError(f"alt={alt!r}: say in a sentence or two what the picture shows")
    drawn, stored = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi="figure", bbox_inches="tight")
    # 256 colours look the same (none moves by more than a few levels) and take a third of the space.
    colours = Image.open(drawn).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    colours.save(stored, "PNG", optimize=True)
    data = base64.b64encode(stored.getvalue()).decode("ascii")
    page = f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{data}">'
    return {"text/html": page, "image/png": data, "text/plain": f"Picture: {alt}"}


def show(alt: str, figure: Figure | None = None) -> None:
    """Show a figure in the notebook with a text alternative, and close it; in a lesson, instead of `plt.show()`.

    After `attention_map`, say, `show("Attention of head 3: nearly every token looks at the one before it.")`.

    Args:
        alt: what one learns from the picture; see `picture`. May hold computed numbers (an f-string).
        figure: None for the current one.

    Raises:
        ValueError: alt is blank, or there is no figure to show.
    """
    from IPython.display import display

    if figure is None:
        if not plt.get_fignums():
            raise ValueError("figure=None, but there is no current figure: draw one first")
        figure = plt.gcf()
    display(picture(figure, alt), raw=True)
    plt.close(figure)  # or the notebook would show it a second time


def _axes(ax: Axes | None, size: tuple[float, float] | None = None) -> Axes:
    return plt.subplots(figsize=size)[1] if ax is None else ax


def attention_map(
    weights,
    keys: Sequence[str],
    queries: Sequence[str] | None = None,
    *,
    ax: Axes | None = None,
    title: str = "",
    darkest: float | None = None,
) -> Axes:
    """Attention weights as a grid: a row for each query token, a column for each key token, darker is more.

    A grid of at most six by six carries its numbers.

    Args:
        weights: (T_q, T_k) tensor or array of one head, or of a mean over heads.
        keys: T_k tokens.
        queries: T_q tokens; None for the same as keys.
        ax: where to draw; None for a new figure.
        title: above the grid.
        darkest: the weight that is darkest; None for the grid's largest. Give grids side by side the same.

    Raises:
        ValueError: the numbers of tokens do not fit the weights.
    """
    weights = np.asarray(weights.detach() if hasattr(weights, "detach") else weights, dtype=float)
    queries = keys if queries is None else queries
    if weights.shape != (len(queries), len(keys)):
        raise ValueError(f"weights has shape {weights.shape}: give ({len(queries)}, {len(keys)}), a row for each query")
    ax = _axes(ax, (0.34 * len(keys) + 1.6, 0.3 * len(queries) + 1.3))
    darkest = max(weights.max(initial=0), 1e-9) if darkest is None else darkest
    ax.imshow(weights, cmap="Blues", vmin=0, vmax=darkest, aspect="auto")
    if max(weights.shape) <= 6:
        for (row, column), value in np.ndenumerate(weights):
            color = "white" if value > 0.6 * darkest else "black"
            ax.text(column, row, f"{value:.2f}", ha="center", va="center", color=color, size=9)
    ax.set_xticks(range(len(keys)), keys, rotation=60, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(queries)), queries)
    ax.grid(False)
    ax.set(title=title, xlabel="looked at (key)", ylabel="looking (query)")
    return ax


def similarity_map(matrix, labels: Sequence[str], *, ax: Axes | None = None, title: str = "") -> Axes:
    """A square table of similarities, coloured, with the numbers written in.

    Args:
        matrix: (N, N) values, at most 1.
        labels: N names for rows and columns.
    """
    matrix = np.asarray(matrix, dtype=float)
    ax = _axes(ax, (0.62 * len(labels) + 3, 0.42 * len(labels) + 1.6))
    ax.imshow(matrix, cmap="Blues", vmin=min(0.0, matrix.min()), vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(matrix):
        ax.text(
            column, row, f"{value:.2f}", ha="center", va="center", color="white" if value > 0.6 else "black", size=8
        )
    ax.set_xticks(range(len(labels)), labels, rotation=40, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(labels)), labels)
    ax.grid(False)
    ax.set_title(title)
    return ax


def confusion_map(matrix, labels: Sequence[str], *, ax: Axes | None = None, title: str = "") -> Axes:
    """A confusion matrix: rows are true classes, columns predicted ones; colour is the share of the row.

    Args:
        matrix: (C, C) counts.
        labels: C class names.
    """
    matrix = np.asarray(matrix)
    ax = _axes(ax, (0.7 * len(labels) + 2, 0.55 * len(labels) + 1.4))
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    ax.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), count in np.ndenumerate(matrix):
        ax.text(column, row, count, ha="center", va="center", color="white" if share[row, column] > 0.6 else "black")
    ax.set_xticks(range(len(labels)), labels, rotation=40, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(labels)), labels)
    ax.grid(False)
    ax.set(title=title, xlabel="predicted", ylabel="true")
    return ax


def spread_lines(
    x: Sequence,
    series: Mapping[str, Sequence[Sequence[float]]],
    *,
    ax: Axes | None = None,
    title: str = "",
    xlabel: str = "",
    ylabel: str = "",
) -> Axes:
    """Lines through the means of repeated runs, each run a dot.

    Args:
        x: P positions or names along the axis, evenly spaced.
        series: name of a line -> for each position the results of its runs, one or more.
    """
    ax = _axes(ax)
    places = np.arange(len(x))
    for name, runs in series.items():
        (line,) = ax.plot(places, [np.mean(results) for results in runs], marker="o", label=name)
        for place, results in zip(places, runs, strict=True):
            ax.plot([place] * len(results), results, ".", color=line.get_color(), alpha=0.5)
    ax.set_xticks(places, x)
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    return ax


class LiveCurves:
    """Held-out pretraining curves that renew themselves in place while training runs.

    A notebook that is stored keeps the last picture only. Pass the object as `on_evaluation` of
    `bertlib.tasks.pretrain.pretrain`.
    """

    def __init__(self, title: str = "", compare: Mapping[str, Sequence[Mapping[str, float]]] | None = None):
        """
        Args:
            title: above the picture.
            compare: name of an earlier run -> its rows, drawn along (rows as in `History.epochs`).
        """
        self.title, self.compare, self.handle = title, compare or {}, None

    def __call__(self, history, baseline: Mapping[str, float] | None = None) -> None:
        from IPython.display import display

        fig = self.draw(history.epochs, baseline)
        bundle = picture(fig, self.describe(history.epochs, baseline))
        if self.handle is None:
            self.handle = display(bundle, raw=True, display_id=True)
        else:
            self.handle.update(bundle, raw=True)
        plt.close(fig)  # or the notebook would show it a second time

    def describe(self, rows: Sequence[Mapping[str, float]], baseline: Mapping[str, float] | None = None) -> str:
        """The figure's text alternative."""
        first, last = rows[0], rows[-1]
        words = (
            f"{self.title or 'Pretraining'}, updates {first['updates']} to {last['updates']}: held-out MLM loss goes "
            f"from {first['mlm_loss']:.2f} to {last['mlm_loss']:.2f} nats, NSP accuracy from "
            f"{100 * first['nsp_accuracy']:.0f} to {100 * last['nsp_accuracy']:.0f} % (a coin: 50 %)."
        )
        if baseline is not None:
            words += f" The unigram guess has a loss of {baseline['mlm_loss']:.2f}."
        for name, own in self.compare.items():
            words += f" {name}: loss {own[-1]['mlm_loss']:.2f}, accuracy {100 * own[-1]['nsp_accuracy']:.0f} %."
        return words

    def draw(self, rows: Sequence[Mapping[str, float]], baseline: Mapping[str, float] | None = None):
        """A figure with held-out MLM loss (left) and NSP accuracy (right) over the updates of these rows."""
        fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
        for number, (name, own) in enumerate([("this run", rows), *self.compare.items()]):
            steps = [row["updates"] for row in own]
            left.plot(steps, [row["mlm_loss"] for row in own], marker=".", color=COLORS[number], label=name)
            right.plot(steps, [100 * row["nsp_accuracy"] for row in own], marker=".", color=COLORS[number], label=name)
        if baseline is not None:
            left.axhline(baseline["mlm_loss"], color="black", linestyle=":", label="unigram guess")
        if self.compare:  # an earlier run may have begun far above: show where this one goes
            left.set_ylim(top=0.3 + max([row["mlm_loss"] for row in rows] + [(baseline or rows[0])["mlm_loss"]]))
        right.axhline(50, color="black", linestyle=":", label="coin")
        left.set(title=self.title, xlabel="updates", ylabel="held-out MLM loss (nats)")
        right.set(xlabel="updates", ylabel="held-out NSP accuracy (%)", ylim=(40, 100))
        left.legend(), right.legend()
        return fig
