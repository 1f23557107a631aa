"""Measuring a model while it is trained, and keeping the weights of its best epoch."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from bertlib.train.history import Log


@dataclass
class Evaluation:
    """What is measured after each epoch, and which figure says what is best.

    Attributes:
        measure: model -> figures; the model is in evaluation mode. None measures nothing.
        maximize: which of these figures decides; None keeps the last epoch.
        first: measure before the first epoch too.
        on_best: called with the model whenever it is the best so far, e.g. to write it to a folder.

    Raises:
        ValueError: maximize without measure.
    """

    measure: Callable[[nn.Module], Mapping[str, float]] | None = None
    maximize: str | None = None
    first: bool = False
    on_best: Callable[[nn.Module], None] | None = None

    def __post_init__(self):
        if self.maximize is not None and self.measure is None:
            raise ValueError(f"maximize={self.maximize!r} needs measure: pass the function that measures it")
        self.best_value, self.best_epoch = -math.inf, None
        self.best_weights: dict[str, Tensor] | None = None

    def figures(self, model: nn.Module) -> Mapping[str, float]:
        return {} if self.measure is None else self.measure(model)

    def measure_untrained(self, model: nn.Module, log: Log) -> None:
        """Add a row for epoch 0."""
        if self.measure is not None:
            model.eval()
            log.add_epoch({"epoch": 0, "updates": 0, log.unit: 0} | dict(self.measure(model)))

    def judge(self, model: nn.Module, row: Mapping[str, float], *, last: bool, writes: bool) -> int:
        """Remember the model if it is the best so far; gives the best epoch.

        Args:
            row: of the epoch, with its figures.
            last: no epoch comes after it, so that its weights need not be copied.
            writes: whether this process calls `on_best`.

        Raises:
            ValueError: the figure to maximize was not measured. FloatingPointError: it is not a number.
        """
        if self.maximize is None:
            self.best_epoch = row["epoch"]
            return self.best_epoch
        if self.maximize not in row:
            raise ValueError(f"maximize={self.maximize!r} is not among what was measured: {', '.join(row)}")
        value = row[self.maximize]
        if math.isnan(value):
            raise FloatingPointError(
                f"epoch {row['epoch']}: {self.maximize!r} is nan, so no epoch can be called the best"
            )
        if self.best_epoch is None or value > self.best_value:
            self.best_value, self.best_epoch, self.best_weights = value, row["epoch"], None
            if not last:
                self.best_weights = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
            if self.on_best is not None and writes:
                self.on_best(model)
        return self.best_epoch

    def finish(self, model: nn.Module, *, writes: bool) -> None:
        """Give the model its best weights."""
        if self.best_weights is not None:
            model.load_state_dict(self.best_weights)
        if self.maximize is None and self.on_best is not None and writes:
            self.on_best(model)
