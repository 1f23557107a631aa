"""Where a training's figures go beside its history (TensorBoard, Weights & Biases), and a card of the whole run."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import tokenizers
import torch

import bertlib
from bertlib.device import pick_dtype
from bertlib.train.history import History
from bertlib.train.recipe import Recipe

CARD = "run.json"


class Tracker:
    """Is handed a history whenever it has grown; this one does nothing with it. Others have the same two methods."""

    def write(self, history: History) -> None:
        """Write what is new since the last call."""

    def close(self) -> None:
        """The training is over, or was broken off."""


class Curves(Tracker):
    """Writes a history to TensorBoard: losses, rate and gradient norm an update, held-out figures an evaluation."""

    def __init__(self, folder: Path, settings: Mapping[str, Any] | None = None):
        self.start = partial(self.opener(), folder, dict(settings or {}))
        self.writer = None
        self.updates = self.epochs = 0

    def opener(self) -> Callable:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ModuleNotFoundError("tensorboard needs the package: pip install tensorboard") from error
        # A run that goes on writes its curves from the start again, and hides what it wrote before it was stopped.
        return lambda folder, settings: SummaryWriter(str(folder), purge_step=0)

    def put(self, update: int, row: Mapping[str, float]) -> None:
        for name, value in row.items():
            self.writer.add_scalar(name, value, update)

    def write(self, history: History) -> None:
        if self.writer is None:  # not sooner: of several processes only one ever writes
            self.writer = self.start()
        for number, row in enumerate(history.updates[self.updates :], start=self.updates + 1):
            self.put(number, {f"training/{name}": row[name] for name in ("loss", "learning_rate", "grad_norm")})
        for row in history.epochs[self.epochs :]:
            kinds = {name: "training" if name.endswith("per_second") else "held_out" for name in row}
            known = ("epoch", "updates", "loss", "seconds", "tokens", "examples")
            self.put(row["updates"], {f"{kinds[name]}/{name}": row[name] for name in row if name not in known})
        self.updates, self.epochs = len(history.updates), len(history.epochs)
        if hasattr(self.writer, "flush"):
            self.writer.flush()

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()


class Offline(Curves):
    """Writes the same to a run of Weights & Biases in a folder: no login, no network, and in its record nothing of the
    machine or of who runs it. `wandb sync` sends it later, if you want that."""

    def opener(self) -> Callable:
        try:
            import wandb
        except ImportError as error:
            raise ModuleNotFoundError("wandb needs the package: pip install 'bertlib[tracking]'") from error
        own = dict.fromkeys(("x_disable_meta", "x_disable_stats", "x_disable_machine_info", "disable_git"), True)
        own |= {"disable_code": True, "silent": True, "x_save_requirements": False, "host": "", "username": ""}

        def start(folder: Path, settings: Mapping[str, Any]):
            folder.mkdir(parents=True, exist_ok=True)  # wandb would write to the system's folder of temporary files
            there = {"dir": folder, "project": "bertlib", "mode": "offline", "config": settings}
            run = wandb.init(**there, settings=wandb.Settings(console="off", **own))
            run.define_metric("*", step_metric="updates")  # a step of wandb's own may not go back: it drops the row
            return run

        return start

    def put(self, update: int, row: Mapping[str, float]) -> None:
        self.writer.log({"updates": update, **row})

    def close(self) -> None:
        if self.writer is not None:
            self.writer.finish()


KINDS = {"tensorboard": Curves, "wandb": Offline}


def open_tracker(track: str | Tracker | None, settings: Mapping[str, Any]) -> Tracker:
    """The tracker that "tensorboard" or "wandb" names, each with a folder after a colon (else runs); None for none.

    Raises:
        ValueError: it names none. ModuleNotFoundError: the package is not installed.
    """
    if track is None or not isinstance(track, str):
        return track or Tracker()
    kind, _, folder = track.partition(":")
    if kind not in KINDS:
        raise ValueError(f"track={track!r}: give tensorboard or wandb, or with a folder, as in tensorboard:runs")
    return KINDS[kind](Path(folder or "runs"), settings)


def digest_of(split: Any) -> str:
    """SHA-256 of a split's rows: the content of every column, by name; nothing of files or of the columns' order."""
    sha, columns = hashlib.sha256(), sorted(split.column_names)
    for rows in split.with_format(None).iter(1000):
        for row in zip(*(rows[column] for column in columns), strict=True):
            sha.update(json.dumps(dict(zip(columns, row, strict=True)), default=str).encode() + b"\n")
    return sha.hexdigest()


def card(task: Any, dataset: Mapping[str, Any], recipe: Recipe, encoder: str, **own: Any) -> dict[str, Any]:
    """What a run was, as JSON can say it: data, settings, figures, versions, number format. No path, no name of a user.

    Args:
        task: a `bertlib.tasks.task.Task` with its history.
        dataset: the splits that it was made from; each is told by its rows' number and digest.
        encoder: its name. own: settings beside the recipe's.
    """
    model, history, dtype = task.model, task.history, pick_dtype(task.device, recipe.precision)
    weights, kept = list(model.parameters()), next(r for r in history.epochs if r["epoch"] == history.best_epoch)
    figures = {name: value for name, value in kept.items() if name != "seconds" and not name.endswith("per_second")}
    count = {"all": sum(w.numel() for w in weights), "trained": sum(w.numel() for w in weights if w.requires_grad)}
    versions = {"bertlib": bertlib.__version__, "python": platform.python_version(), "torch": torch.__version__}
    return {
        "task": type(task).__name__,
        "encoder": encoder,
        "labels": list(task.labels),
        "data": {name: {"rows": len(split), "sha256": digest_of(split)} for name, split in dataset.items()},
        "settings": asdict(recipe) | own,
        "weights": count,
        "kept": figures,
        "versions": versions | {"tokenizers": tokenizers.__version__},
        "computed": {"device": task.device.type, "numbers": str(dtype).removeprefix("torch.")},
    }


def write_card(folder: str | Path, about: Mapping[str, Any] | None) -> None:
    """Write a run's card as run.json into a model's folder; None takes away what stands there of another run."""
    target = Path(folder) / CARD
    if about is None:
        target.unlink(missing_ok=True)
        return
    beside = target.with_name(f".{CARD}.new")
    beside.write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(beside, target)
