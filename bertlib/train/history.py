"""What happened in training: kept row by row, shown as a line, handed to whoever listens."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bertlib.progress import progress_bar
from bertlib.text.batching import Batch


@dataclass
class History:
    """What happened in training.

    Attributes:
        updates: a row for each update: epoch (from 1), loss (nats), learning_rate, grad_norm (before clipping).
        epochs: a row for each epoch: epoch, updates and units (such as examples) done so far, loss (mean over the
            epoch's updates), seconds and units_per_second (of the training alone), and what was measured. Where the
            untrained model was measured too, a row for epoch 0 goes before.
        best_epoch: the epoch whose weights the model has now.
    """

    updates: list[dict] = field(default_factory=list)
    epochs: list[dict] = field(default_factory=list)
    best_epoch: int | None = None


@dataclass
class Log:
    """Writes the history, and shows it while it grows.

    Attributes:
        what: the words before the progress line.
        unit, size: what the speed counts, and how many of them a batch has.
        on_epoch: called with the history after each epoch, e.g. to draw it.
        done: units so far.
    """

    what: str = "training"
    unit: str = "examples"
    size: Callable[[Batch], int] = lambda batch: len(batch["input_ids"])
    show_progress: bool = True
    on_epoch: Callable[[History], None] | None = None
    history: History = field(default_factory=History)
    done: int = 0

    def begin(self, total_updates: int, speaks: bool) -> None:
        """Start the line; only the process that speaks shows one and calls `on_epoch`."""
        self.speaks = speaks
        self.bar = progress_bar(what=self.what, unit="updates", total=total_updates, show=self.show_progress and speaks)
        self.bar.update(len(self.history.updates))

    def start_epoch(self) -> None:
        self.done_before, self.first_update, self.started = self.done, len(self.history.updates), time.perf_counter()

    def update(self, units: int, row: dict) -> None:
        self.history.updates.append({name: row[name] for name in ("epoch", "loss", "learning_rate", "grad_norm")})
        self.done += units
        speed = (self.done - self.done_before) / (time.perf_counter() - self.started)
        self.bar.set_postfix_str(f"{speed:,.0f} {self.unit}/s, loss {row['loss']:.3f}", refresh=False)
        self.bar.update()

    def end_epoch(self, epoch: int) -> dict:
        """The row of the epoch that has just been trained; what is measured is added to it."""
        seconds = time.perf_counter() - self.started
        losses = [row["loss"] for row in self.history.updates[self.first_update :]]
        row = {"epoch": epoch, "updates": len(self.history.updates), self.unit: self.done}
        row |= {"loss": sum(losses) / len(losses), "seconds": seconds}
        row[f"{self.unit}_per_second"] = (self.done - self.done_before) / seconds
        return row

    def add_epoch(self, row: dict, best_epoch: int | None = None) -> None:
        """Add one epoch's row, and tell whoever listens."""
        self.history.epochs.append(row)
        self.history.best_epoch = best_epoch
        if self.on_epoch is not None and self.speaks:
            self.on_epoch(self.history)

    def state(self, epochs: int) -> dict:
        """What a checkpoint keeps of it."""
        return {"epochs": epochs, "units": self.done, "history": asdict(self.history)}

    def close(self) -> None:
        self.bar.close()


def describe(row: Mapping[str, Any]) -> str:
    """One evaluation in one line."""
    parts = [f"update {row['updates']:,}"]
    if "tokens_per_second" in row:
        parts.append(f"loss {row['loss']:.3f}, {row['tokens']:,} tokens, {row['tokens_per_second']:,.0f} tokens/s")
    if "mlm_loss" in row:
        parts.append(
            f"held-out MLM {row['mlm_loss']:.3f} nats, {row['mlm_accuracy']:.1%} right, NSP {row['nsp_accuracy']:.1%}"
        )
    return " · ".join(parts)
