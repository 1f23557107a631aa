"""Several tasks on one encoder in memory: what each trained stands beside it, and a request says which is asked."""

from collections.abc import Mapping
from pathlib import Path

import torch

from bertlib.data.encoders import encoder_for
from bertlib.model.adapters import trained
from bertlib.model.weights import ADAPTERS
from bertlib.tasks.task import Task


def load_together(
    folders: Mapping[str, tuple[type[Task], str | Path]], encoder: str | Path | None = None
) -> dict[str, Task]:
    """Open small folders of one encoder; what none of them trained is in memory once.

    Args:
        folders: of each task its class and the folder that its `save` wrote, with adapters or another part.
        encoder: name or folder of what all were trained on; None for what they name.

    Returns:
        The tasks by name, each as it is when loaded alone. They hold the same tensors: train or merge none of them.

    Raises:
        ValueError: there is no folder, one holds a whole model, or is of another encoder. Else as `Task.load`.
    """
    tasks, places, first = {}, set(), {}
    for name, (kind, folder) in folders.items():
        if not (Path(folder) / ADAPTERS[0]).is_file():
            raise ValueError(f"{name}: {folder} holds no adapters, but perhaps a whole model: save them alone")
        places.add(encoder_for(folder, encoder).resolve())
        if len(places) > 1:
            raise ValueError(f"{name}: its encoder is another, {encoder_for(folder)}: give the folders of one")
        tasks[name] = task = kind.load(folder, encoder)
        own = trained(task.model)
        for place, parameter in list(task.model.named_parameters()):
            shared = parameter if place in own else first.setdefault(place.removeprefix("bert."), parameter)
            module, _, kept = place.rpartition(".")
            if torch.equal(shared, parameter):
                setattr(task.model.get_submodule(module), kept, shared)
    if not tasks:
        raise ValueError("folders is empty: give a task's class and folder by name")
    return tasks
