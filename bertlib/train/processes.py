"""Several processes that train one model together, or one alone: what differs between them, behind one interface."""

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor, nn

from bertlib.device import pick_device
from bertlib.train.sharding import gather, shard, sharding_wanted


def process_rank() -> tuple[int, int]:
    """This process's number, from 0, and how many of them train together; (0, 1) for one alone."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


@contextmanager
def joined_processes() -> Iterator[tuple[int, int]]:
    """Join the processes that torchrun or `accelerate launch` started (it sets WORLD_SIZE and RANK); leave at the end.

    Gives what `process_rank` gives. Without such a launcher nothing happens.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or dist.is_initialized():
        yield process_rank()
        return
    device = pick_device()
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield process_rank()
    finally:
        dist.destroy_process_group()


class Alone:
    """One process, which has the whole model and takes all batches.

    Attributes:
        rank, count: its number, from 0, and how many there are; number 0 speaks and writes.
        scale: by what a loss is multiplied before its gradient is taken.
    """

    scale = 1

    def __init__(self, rank: int = 0, count: int = 1):
        self.rank, self.count = rank, count

    @property
    def speaks(self) -> bool:
        return self.rank == 0

    def place(self, model: nn.Module) -> nn.Module:
        """What is trained in this process."""
        return model

    def own(self, numbers: Sequence[int]) -> tuple[list[int], int]:
        """Which of an update's batches to build here, and how many of them, from the first, count."""
        return list(numbers), len(numbers)

    def total(self, numbers: Sequence[float], device: torch.device) -> list[float]:
        """Each number, summed over processes."""
        return list(numbers)

    def add_up(self, model: nn.Module, loss: Tensor) -> None:
        """Sum the loss and the gradients over processes, in place."""

    def bring_back(self, trained: nn.Module, model: nn.Module) -> None:
        """Copy what was trained into the model that `place` was given."""

    def wait(self) -> None:
        """Until all have come here."""


class Replicated(Alone):
    """Each process has the whole model and takes its share of an update's batches; gradients are summed."""

    def own(self, numbers: Sequence[int]) -> tuple[list[int], int]:
        own = list(numbers[self.rank :: self.count])
        return own, len(own)

    def total(self, numbers: Sequence[float], device: torch.device) -> list[float]:
        shared = torch.tensor(numbers, dtype=torch.float64, device=device)
        dist.all_reduce(shared)
        return shared.tolist()

    def add_up(self, model: nn.Module, loss: Tensor) -> None:
        for parameter in model.parameters():
            if parameter.grad is None and parameter.requires_grad:  # a process without a batch in this update
                parameter.grad = torch.zeros_like(parameter)
        tensors = [loss, *(p.grad for p in model.parameters() if p.grad is not None)]
        flat = torch.cat([tensor.flatten() for tensor in tensors])  # summed in one message
        dist.all_reduce(flat)
        for tensor, part in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def wait(self) -> None:
        dist.barrier()


class Sharded(Replicated):
    """Each process has a part of every weight, of its gradient and of the optimizer's memory; see `sharding`."""

    def __init__(self, rank: int, count: int):
        super().__init__(rank, count)
        self.scale = count  # gradients of a sharded model are averaged over processes, not summed

    def place(self, model: nn.Module) -> nn.Module:
        return shard(model)

    def own(self, numbers: Sequence[int]) -> tuple[list[int], int]:
        own, counting = super().own(numbers)
        # Every process takes part in every layer: one without work goes through the motions with a batch that counts
        # for nothing.
        idle = counting < math.ceil(len(numbers) / self.count)
        return ([*own, numbers[0]] if idle else own), counting

    def add_up(self, model: nn.Module, loss: Tensor) -> None:
        dist.all_reduce(loss)

    def bring_back(self, trained: nn.Module, model: nn.Module) -> None:
        gather(trained, model)


def find_processes(*, may_shard: bool) -> Alone:
    """How this process trains: alone, beside others with the whole model, or with a part of it."""
    rank, count = process_rank()
    if count == 1:
        return Alone()
    return Sharded(rank, count) if may_shard and sharding_wanted() else Replicated(rank, count)
