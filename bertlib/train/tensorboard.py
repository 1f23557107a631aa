"""A training history as TensorBoard curves."""

from functools import partial
from pathlib import Path

from bertlib.train.history import History


class Curves:
    """Writes a history to TensorBoard: losses, rate and gradient norm an update, held-out figures an evaluation."""

    def __init__(self, folder: Path):
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ModuleNotFoundError("tensorboard=True needs the package: pip install tensorboard") from error
        # A run that goes on writes its curves from the start again, and hides what it wrote before it was stopped.
        self.make_writer = partial(SummaryWriter, str(folder), purge_step=0)
        self.writer = None
        self.updates = self.epochs = 0

    def write(self, history: History) -> None:
        """Write the rows that are new since the last call."""
        if self.writer is None:
            self.writer = self.make_writer()
        for number, row in enumerate(history.updates[self.updates :], start=self.updates + 1):
            for name in ("loss", "learning_rate", "grad_norm"):
                self.writer.add_scalar(f"training/{name}", row[name], number)
        for row in history.epochs[self.epochs :]:
            for name, value in row.items():
                if name not in ("epoch", "updates", "loss", "seconds", "tokens"):
                    kind = "training" if name.endswith("per_second") else "held_out"
                    self.writer.add_scalar(f"{kind}/{name}", value, row["updates"])
        self.updates, self.epochs = len(history.updates), len(history.epochs)
        self.writer.flush()

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
