"""How likely a found answer is right: logistic regression on a few figures of the search (Platt, 1999)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from bertlib.files import read_json

SHIPPED = Path(__file__).with_name("confidence.json")


@dataclass(frozen=True)
class Confidence:
    """A probability out of the figures of a search, and from which one on the desk answers by itself.

    Attributes:
        weights: of each figure that is read, by its name; see `bertcourse.desk.answers.figures_of`.
        bias: is added to the weighted sum.
        threshold: a probability of at least this is answered; 0 answers all, and over 1 none.
        fitted: on what, in words.
    """

    weights: Mapping[str, float]
    bias: float
    threshold: float = 0.5
    fitted: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for name, value in {**self.weights, "bias": self.bias, "threshold": self.threshold}.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise ValueError(f"{name}={value!r}: give a finite number")

    def of(self, figures: Mapping[str, float]) -> float:
        """The probability that the best answer is right, 0 to 1; a ValueError names a figure that is missing."""
        if missing := sorted(set(self.weights) - set(figures)):
            raise ValueError(f"figures lack {', '.join(missing)}: they have {', '.join(figures)}")
        total = self.bias + sum(weight * figures[name] for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-total)) if total > -700 else 0.0

    @classmethod
    def load(cls, path: str | Path = SHIPPED) -> Self:
        """Read a file that `save` wrote; the shipped one by default.

        Raises:
            FileNotFoundError: no such file. ValueError: no JSON, or not of this form.
        """
        values = read_json(Path(path))
        wanted = {"weights": dict, "bias": int | float, "threshold": int | float, "fitted": str}
        if set(values) != set(wanted) or not all(isinstance(values[name], kind) for name, kind in wanted.items()):
            raise ValueError(f"{path}: give a file that Confidence.save wrote, with {', '.join(wanted)}")
        try:
            return cls(**values)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def save(self, path: str | Path) -> None:
        """Write it as JSON."""
        values: dict[str, Any] = {"weights": dict(self.weights), "bias": self.bias}
        values |= {"threshold": self.threshold, "fitted": self.fitted}
        Path(path).write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def fit_confidence(
    figures: Sequence[Mapping[str, float]],
    right: Sequence[bool],
    *,
    threshold: float = 0.5,
    fitted: str = "",
    strength: float = 1.0,
) -> Confidence:
    """Fit the probability on questions for which it is known whether the best answer was right.

    Figures are scaled to variance 1 for the fit and back after it, so that the penalty is alike for all of them. Use
    questions on which nothing else was chosen, and measure on others.

    Args:
        figures: of each question what `bertcourse.desk.answers.figures_of` gives, all with the same names.
        right: whether its best answer was right; a question that no stored answer suits is False.
        threshold, fitted: kept with it.
        strength: of the penalty on the squares of the weights (1 / C of scikit-learn).

    Raises:
        ValueError: no rows, unlike lengths or names, a figure that is not finite, or all right, or all wrong.
    """
    from sklearn.linear_model import LogisticRegression

    if len(figures) != len(right) or not figures:
        raise ValueError(f"{len(figures)} figures and {len(right)} right: give one or more, and as many of both")
    names = list(figures[0])
    for number, row in enumerate(figures):
        if list(row) != names:
            raise ValueError(f"figures[{number}] has {', '.join(row)}, the first one {', '.join(names)}: give the same")
    table, labels = (
        np.array([[row[name] for name in names] for row in figures], dtype=np.float64),
        np.array(right, bool),
    )
    if not np.isfinite(table).all():
        raise ValueError(f"figures[{int(np.isfinite(table).all(axis=1).argmin())}] is not finite: look at the search")
    if labels.all() or not labels.any():
        raise ValueError(f"right is {bool(labels[0])} for all {len(labels)}: give questions of both kinds")
    center, spread = table.mean(axis=0), table.std(axis=0)
    spread[spread == 0] = 1.0  # a figure that never moves gets no say
    model = LogisticRegression(C=1 / strength, max_iter=1000).fit((table - center) / spread, labels)
    weights = model.coef_[0] / spread
    bias = float(model.intercept_[0] - weights @ center)
    return Confidence(dict(zip(names, weights.tolist(), strict=True)), bias, threshold, fitted)


def threshold_for(wrong: float, handed_over: float) -> float:
    """From which probability on an answer costs less than a hand-over: 1 - handed_over / wrong (Chow, 1970).

    Args:
        wrong: what a wrong answer costs; a right one costs nothing. handed_over: what a person's answer costs.

    Raises:
        ValueError: a cost that is not over 0.
    """
    for name, cost in (("wrong", wrong), ("handed_over", handed_over)):
        if not (math.isfinite(cost) and cost > 0):
            raise ValueError(f"{name}={cost!r}: give a cost over 0")
    return max(0.0, 1 - handed_over / wrong)
