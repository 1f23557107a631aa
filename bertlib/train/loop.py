"""The one training loop. Each paragraph is a step; what has more to it is an object that it calls."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bertlib.device import autocast, keep_freed_memory, pick_dtype
from bertlib.text.batching import Batch
from bertlib.train.checkpoints import Checkpoints
from bertlib.train.evaluation import Evaluation
from bertlib.train.history import History, Log
from bertlib.train.optimizer import make_optimizer, set_rate
from bertlib.train.processes import Alone, find_processes
from bertlib.train.recipe import Recipe
from bertlib.train.sharding import Moments, optimizer_moments, restore_moments, whole


class HeadLoss:
    """The loss that the model's own head gives, as sums and counts. Distillation passes another object like this."""

    def sums(self, model: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        """For every term of the loss (such as "mlm" and "nsp") its sum over the batch, in nats."""
        return model(**batch).loss_sums

    def counts(self, model: nn.Module, batch: Batch) -> Mapping[str, int]:
        """For every term over how many examples or tokens that sum runs."""
        return model.loss_counts(batch)


def whole_batch(model: nn.Module, batch: Batch, loss_of: Callable[[nn.Module, Batch], Tensor]) -> Tensor:
    """Add the gradient of a batch's loss to the weights' `.grad`, and give the loss. Private training passes another
    function: one that asks for the loss of each example alone and bounds its gradient."""
    loss = loss_of(model, batch)
    loss.backward()
    return loss.detach()


def train(
    model: nn.Module,
    batches: Callable[[int], Sequence[Batch]],
    recipe: Recipe,
    *,
    evaluation: Evaluation | None = None,
    checkpoints: Checkpoints | None = None,
    log: Log | None = None,
    loss: HeadLoss | None = None,
    gradient: Callable[..., Tensor] = whole_batch,
) -> History:
    """Train a model in place, and leave it with the weights of its best epoch.

    An update may be split over several batches, and these over several processes. Its loss is, for every term, the sum
    over all its batches divided by the count over all its batches, so that the split changes nothing. Averaging each
    batch's mean instead gives the tokens of short batches too much weight. Each process holds the whole model, or,
    started by `accelerate launch --use_fsdp` and without a figure to maximize, a part of it; the result is the same.

    Nothing random is carried from one update to the next: dropout is seeded anew by seed, update and process. So a run
    that goes on from a checkpoint goes on bit for bit.

    Args:
        model: on the device where it is to be trained. Weights whose requires_grad is False stay as they are.
        batches: epoch (from 0) -> the batches of that epoch; the same number each epoch. Only items are asked for, each
            once (the first of all twice: it names the terms), so the sequence may build them when they are needed.
        recipe: how; its learning_rate must be a number.
        evaluation: what is measured after each epoch, and whether it decides which epoch is kept.
        checkpoints: where to write the state after each epoch, and to go on from if there is one.
        loss: what is minimised; None for the head's own loss.
        gradient: (model, batch, loss_of) -> loss; adds a batch's gradient to the weights.

    Raises:
        ValueError: there is nothing to train on, a checkpoint does not fit, or checkpoints with a figure to maximize.
        FloatingPointError: the loss, a gradient or the figure to maximize is not a number; the message names the
            remedies.
    """
    evaluation, log, loss = evaluation or Evaluation(), log or Log(), loss or HeadLoss()
    if evaluation.maximize is not None and checkpoints is not None:
        raise ValueError(
            f"maximize={evaluation.maximize!r} with checkpoints: these keep the last weights, not the best"
        )
    of_epoch, device = batches(0), next(model.parameters()).device
    if not len(of_epoch):
        raise ValueError("batches(0) is empty: there is nothing to train on")
    if device.type == "cpu":
        keep_freed_memory()
    dtype = pick_dtype(device, recipe.precision)
    terms = tuple(loss.counts(model, of_epoch[0]))
    total_steps = recipe.epochs * math.ceil(len(of_epoch) / recipe.accumulation)

    # Go on from the newest checkpoint; where the model is sharded, with this process's part of it.
    stored = None if checkpoints is None else checkpoints.resume(model)
    processes = find_processes(may_shard=evaluation.maximize is None)
    part = processes.place(model)
    optimizer = make_optimizer(part, recipe)
    first_epoch = 0 if stored is None else resume(part, optimizer, log, *stored)
    log.begin(total_steps, speaks=processes.speaks)
    if stored is None and evaluation.first:
        evaluation.measure_untrained(part, log)

    for epoch in range(first_epoch, recipe.epochs):
        of_epoch = of_epoch if epoch == 0 else batches(epoch)
        part.train()
        log.start_epoch()
        for built, counting in share_out(of_epoch, recipe.accumulation, processes, ahead=device.type == "cuda"):
            step = len(log.history.updates)
            seed_dropout(recipe.seed, step, processes.rank)

            # Over how many examples this update's loss runs, in all of its batches and processes. A term without a
            # single one (nothing masked, say) counts 0, not 0/0.
            counts = [loss.counts(model, batch) for batch in built[:counting]]
            totals = [sum(count[term] for count in counts) for term in terms] + [sum(map(log.size, built[:counting]))]
            *totals, units = processes.total(totals, device)
            divisors = {term: max(total, 1) for term, total in zip(terms, totals, strict=True)}

            # Forward and backward, batch by batch. Whatever else than a whole batch's gradient is wanted (a bounded
            # one of each example, say) comes in as `gradient`, another loss as `loss`.
            optimizer.zero_grad(set_to_none=True)
            loss_of_update = torch.zeros((), device=device)
            for number, batch in enumerate(built):
                weight = processes.scale if number < counting else 0
                batch = {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}
                share = gradient(part, batch, Share(loss, divisors, weight, dtype))
                loss_of_update += share / (weight or 1)

            # Sum over processes, clip, step.
            processes.add_up(part, loss_of_update)
            norm = torch.nn.utils.clip_grad_norm_(part.parameters(), recipe.max_grad_norm)
            row = {"epoch": epoch + 1, "loss": float(loss_of_update), "grad_norm": float(whole(norm))}
            refuse_nan(row, step, recipe)
            row["learning_rate"] = set_rate(optimizer, recipe, step, total_steps)
            optimizer.step()
            log.update(int(units), row)

        # Measure, keep the best, write a checkpoint.
        part.eval()
        row = log.end_epoch(epoch + 1) | evaluation.figures(part)
        log.add_epoch(row, evaluation.judge(part, row, last=epoch + 1 == recipe.epochs, writes=processes.speaks))
        if checkpoints is not None:
            processes.bring_back(part, model)
            moments = optimizer_moments(part, optimizer)
            if processes.speaks:
                checkpoints.save(model, moments, len(log.history.updates), log.state(epoch + 1))
            processes.wait()
    log.close()
    processes.bring_back(part, model)
    evaluation.finish(model.to(device).eval(), writes=processes.speaks)
    return log.history


@dataclass(frozen=True)
class Share:
    """What a batch adds to its update's loss: for each term its sum, divided by the count over the whole update."""

    loss: HeadLoss
    divisors: Mapping[str, float]
    weight: float
    dtype: torch.dtype

    def __call__(self, model: nn.Module, batch: Batch) -> Tensor:
        with autocast(batch["input_ids"].device, self.dtype):
            sums = self.loss.sums(model, batch)
        return self.weight * sum(sums[term].float() / divisor for term, divisor in self.divisors.items())


def resume(
    model: nn.Module, optimizer: torch.optim.Optimizer, log: Log, state: Mapping[str, Any], moments: Moments
) -> int:
    """Bring optimizer and log to where a checkpoint left them; gives the number of the next epoch, from 0."""
    restore_moments(model, optimizer, moments)
    log.history, log.done = History(**state["history"]), state["units"]
    return state["epochs"]


def seed_dropout(seed: int, step: int, rank: int) -> None:
    """Dropout depends on seed, update and process alone, so that a run that goes on does so bit for bit."""
    torch.manual_seed(int(np.random.SeedSequence((seed, step, rank)).generate_state(1)[0]))


def refuse_nan(row: Mapping[str, float], step: int, recipe: Recipe) -> None:
    if not (math.isfinite(row["loss"]) and math.isfinite(row["grad_norm"])):
        raise FloatingPointError(
            f"update {step + 1}: loss {row['loss']}, gradient norm {row['grad_norm']}; lower "
            f"learning_rate={recipe.learning_rate}, or train with precision='fp32'"
        )


def share_out(
    batches: Sequence[Batch], accumulation: int, processes: Alone, ahead: bool
) -> Iterator[tuple[list[Batch], int]]:
    """This process's batches of each update, and how many of them, from the first, count."""
    shares = [
        processes.own(range(first, min(first + accumulation, len(batches))))
        for first in range(0, len(batches), accumulation)
    ]
    turns = taken_in_turn(batches, [numbers for numbers, _ in shares], ahead)
    yield from zip(turns, (counting for _, counting in shares), strict=True)


def taken_in_turn(batches: Sequence[Batch], shares: Sequence[Sequence[int]], ahead: bool) -> Iterator[list[Batch]]:
    """The batches of each share, one share after the other; each is built when it is asked for.

    `ahead` builds the next share in a thread while the caller works with this one: right where the work is a GPU's. On
    a CPU it would only take cores from the work.
    """

    def build(share: Sequence[int]) -> list[Batch]:
        return [batches[i] for i in share]

    if not ahead:
        yield from map(build, shares)
        return
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(build, shares[0])
        for share in shares[1:]:
            ready, waiting = waiting.result(), thread.submit(build, share)
            yield ready
        yield waiting.result()
