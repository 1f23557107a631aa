"""Checkpoints from which training goes on as if it had never stopped, and which a kill at any moment cannot spoil."""

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import nn

from bertlib.files import read_json, write_folder
from bertlib.model.weights import model_files, read_tensors, write_model
from bertlib.train.sharding import Moments

STATE, OPTIMIZER = "training.json", "optimizer.safetensors"


@dataclass(frozen=True)
class Checkpoints:
    """A folder of checkpoints, each named by the number of updates done, the newest of which training goes on from.

    A checkpoint is a model folder in transformers' format with two more files: the optimizer's moments and what had
    happened so far. It is written beside its place and renamed into it; older ones are removed only after that.

    Attributes:
        settings: what must be the same for a run to go on (JSON values): configuration, data, schedule, seed.
        extra_files: text files that go into each, such as tokenizer.json, by name.
        keep: how many of the newest to keep.

    Raises:
        ValueError: keep is below 1.
    """

    folder: Path
    settings: Mapping[str, Any]
    extra_files: Mapping[str, str] = field(default_factory=dict)
    keep: int = 1

    def __post_init__(self):
        if self.keep < 1:
            raise ValueError(f"keep={self.keep}: give at least 1, or training cannot go on")

    def numbers(self) -> list[int]:
        """The updates after which there is a checkpoint, ascending."""
        if not self.folder.is_dir():
            return []
        return sorted(int(path.name) for path in self.folder.iterdir() if re.fullmatch(r"\d{8,}", path.name))

    def place(self, updates: int) -> Path:
        return self.folder / f"{updates:08d}"

    def save(self, model: nn.Module, moments: Moments, updates: int, state: Mapping[str, Any]) -> Path:
        """Write a checkpoint and remove the oldest ones.

        Args:
            moments: from `bertlib.train.sharding.optimizer_moments`.
            updates: how many were done.
            state: any JSON object.

        Raises:
            OSError: no room, or writing failed; the checkpoints that were there stay.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.sweep()
        files, tensors = model_files(model, self.extra_files)
        flat = {f"{name}/{key}": value for name, memory in moments.items() for key, value in memory.items()}
        files[STATE] = json.dumps({"settings": self.settings, "updates": updates, "state": state}, indent=1) + "\n"
        size = sum(tensor.nbytes for tensor in [*tensors.values(), *flat.values()])
        with write_folder(self.place(updates), size + sum(len(text) for text in files.values())) as beside:
            safetensors.torch.save_file(flat, beside / OPTIMIZER)
            write_model(beside, files, tensors)
        for old in self.numbers()[: -self.keep]:
            os.replace(self.place(old), self.folder / f".{old:08d}.old")  # at once, so that no half of it is ever seen
        self.sweep()
        return self.place(updates)

    def sweep(self) -> None:
        """Remove what a killed process left half-written or half-removed."""
        for path in self.folder.glob(".[0-9]*"):
            shutil.rmtree(path, ignore_errors=True)

    def resume(self, model: nn.Module) -> tuple[dict[str, Any], Moments] | None:
        """Put the newest checkpoint's weights into the model.

        Returns:
            The `state` that was saved, and the moments for `restore_moments`; None if there is no checkpoint yet.

        Raises:
            ValueError: it was made with other settings, is incomplete or damaged; the message says how to go on.
        """
        self.sweep()
        numbers = self.numbers()
        if not numbers:
            return None
        place = self.place(numbers[-1])
        remedy = f"remove {place} to go on from an earlier checkpoint or from the start"
        try:
            stored = read_json(place / STATE)
            weights = read_tensors(place)
            flat = safetensors.torch.load_file(place / OPTIMIZER)
            settings, state = stored["settings"], stored["state"]
            absent = [name for name in ("config.json", *self.extra_files) if not (place / name).is_file()]
            if absent:
                raise FileNotFoundError(f"{', '.join(absent)} missing")
            if not (isinstance(settings, dict) and isinstance(state, dict)):
                raise ValueError(f"{STATE} does not hold settings and a state")
        except (OSError, ValueError, KeyError, safetensors.SafetensorError) as error:
            raise ValueError(f"{place}: not a whole checkpoint ({error}); {remedy}") from error
        now = json.loads(json.dumps(dict(self.settings)))  # tuples become lists, as in the file
        for name in sorted(settings.keys() | now.keys()):
            if settings.get(name) != now.get(name):
                raise ValueError(
                    f"{place}: was made with {name}={settings.get(name)!r}, now it is {now.get(name)!r}; give the same "
                    "setting again, or another folder"
                )
        expected = model_files(model)[1]
        if {name: tensor.shape for name, tensor in weights.items()} != {n: t.shape for n, t in expected.items()}:
            raise ValueError(f"{place}: holds the weights of another model; {remedy}")
        moments: dict[str, dict[str, torch.Tensor]] = {}
        for key, tensor in flat.items():
            name, _, kind = key.rpartition("/")
            moments.setdefault(name, {})[kind] = tensor
        with torch.no_grad():
            for (key, mine), stored_name in zip(model.state_dict().items(), expected, strict=True):
                mine.copy_(weights[stored_name])
                whole = {"step": (), "exp_avg": mine.shape, "exp_avg_sq": mine.shape}  # what AdamW remembers
                if key in moments and {kind: tensor.shape for kind, tensor in moments[key].items()} != whole:
                    raise ValueError(f"{place}: the optimizer's moments of {key} have another shape; {remedy}")
        return state, moments
