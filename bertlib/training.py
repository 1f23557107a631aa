"""The one training loop of the course: schedule, accumulation, processes, evaluation, checkpoints, progress."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from bertlib.checkpoints import Checkpoints
from bertlib.progress import progress_bar
from bertlib.runtime import autocast, keep_freed_memory, pick_dtype, process_rank
from bertlib.sharding import gather, optimizer_moments, restore_moments, shard, sharding_wanted, whole

Batch = Mapping[str, Tensor]


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Two groups for AdamW: biases and LayerNorm's gains do not decay (google-research/bert, optimization.py)."""
    still = {
        f"{module_name}.{name}" if module_name else name
        for module_name, module in model.named_modules()
        for name, _ in module.named_parameters(recurse=False)
        if name == "bias" or isinstance(module, nn.LayerNorm)
    }
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    return [
        {"params": [parameter for name, parameter in named if name not in still], "weight_decay": weight_decay},
        {"params": [parameter for name, parameter in named if name in still], "weight_decay": 0.0},
    ]


def linear_schedule(step: int, *, warmup_steps: int, total_steps: int) -> float:
    """The share of the learning rate at update `step` (0, 1, 2, …): up linearly, then down linearly to 0.

    Devlin et al., 2019, A.2. The first update of a warm-up has rate 0, as in the reference implementations.
    """
    if step < warmup_steps:
        return step / warmup_steps
    return max(0.0, (total_steps - step) / max(1, total_steps - warmup_steps))


@dataclass
class History:
    """What happened in training.

    Attributes:
        updates: a row for each update: epoch (from 1), loss (nats), learning_rate, grad_norm (before clipping).
        epochs: a row for each epoch: epoch, updates and units (such as examples) done so far, loss (mean over the
            epoch's updates), seconds and units_per_second (of the training alone), and what `evaluate` returned. With
            `evaluate_first` a row for epoch 0 goes before, with the figures of the untrained model.
        best_epoch: the epoch whose weights the model has now.
    """

    updates: list[dict] = field(default_factory=list)
    epochs: list[dict] = field(default_factory=list)
    best_epoch: int | None = None


def count_examples(batch: Batch) -> int:
    return len(batch["input_ids"])


def sum_over_processes(tensors: Sequence[Tensor]) -> None:
    """Replace each tensor by its sum over all processes, in one message."""
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    dist.all_reduce(flat)
    for tensor, part in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))


def taken_in_turn(batches: Sequence[Batch], shares: Sequence[Sequence[int]], ahead: bool) -> Iterator[list[Batch]]:
    """The batches of each share, one share after the other.

    Args:
        batches: built when they are asked for.
        shares: which of them go together.
        ahead: build the next share in a thread while the caller works with this one: right where the work is a GPU's.
            On a CPU it would only take cores from the work.
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


def train(
    model: nn.Module,
    make_batches: Callable[[int], Sequence[Batch]],
    *,
    loss_sums: Callable[[nn.Module, Batch], Mapping[str, Tensor]],
    loss_counts: Callable[[Batch], Mapping[str, int]],
    epochs: int,
    learning_rate: float,
    warmup: float = 0.1,
    weight_decay: float = 0.01,
    max_grad_norm: float = 1.0,
    accumulation: int = 1,
    precision: str = "auto",
    seed: int = 0,
    evaluate: Callable[[nn.Module], Mapping[str, float]] | None = None,
    evaluate_first: bool = False,
    maximize: str | None = None,
    on_best: Callable[[nn.Module], None] | None = None,
    on_epoch: Callable[[History], None] | None = None,
    checkpoints: Checkpoints | None = None,
    what: str = "training",
    unit: str = "examples",
    size: Callable[[Batch], int] = count_examples,
    show_progress: bool = True,
) -> History:
    """Train a model in place, and leave it with the weights of its best epoch.

    An update may be split over several batches, and these over several processes. Its loss is, for every term (such as
    "mlm" and "nsp"), the sum over all its batches divided by the count over all its batches, so that the split changes
    nothing. Averaging each batch's mean instead gives the tokens of short batches too much weight. Each process holds
    the whole model, or, started by `accelerate launch --use_fsdp` and with maximize=None, a part of it; the result is
    the same.

    Nothing random is carried from one update to the next: dropout is seeded anew by seed, update and process. So a run
    that goes on from a checkpoint goes on bit for bit.

    Args:
        model: on the device where it is to be trained.
        make_batches: epoch (from 0) -> the batches of that epoch; the same number each epoch. Only items are asked for,
            each once (the first of all twice: it names the terms), so the sequence may build them when they are needed.
        loss_sums: (model, batch) -> for every term of the loss, its sum over the batch in nats.
        loss_counts: batch -> for every term, how many examples or tokens that sum runs over.
        epochs: passes over the data.
        learning_rate: the peak, reached after warm-up; AdamW with β = (0.9, 0.999), ε = 1e-6 (google-research/bert).
        warmup: share of all updates over which the rate rises from 0.
        weight_decay: decoupled, on matrices only.
        max_grad_norm: gradients are scaled down to this norm.
        accumulation: batches an update, over all processes together.
        precision: "auto", "fp32" or "bf16"; see `bertlib.runtime.pick_dtype`.
        seed: for dropout; the order of data is make_batches' own.
        evaluate: model -> figures after each epoch; the model is in evaluation mode.
        evaluate_first: evaluate before the first epoch too.
        maximize: which of these figures decides what is best; None keeps the last epoch.
        on_best: called with the model whenever it is the best so far, e.g. to write it to a folder.
        on_epoch: called with the history after each epoch (and after evaluate_first), e.g. to draw it.
        checkpoints: where to write the state after each epoch, and to go on from if there is one; with maximize=None.
        what: the words before the progress line.
        unit, size: what the speed counts, and how many of them a batch has.
        show_progress: False for silence.

    Raises:
        ValueError: an argument is out of its range, there is nothing to train on, or a checkpoint does not fit.
        FloatingPointError: the loss or a gradient is not a number (the message names the update and remedies), or
            the figure to maximize is not.
    """
    for name, value, least in (("epochs", epochs, 1), ("accumulation", accumulation, 1), ("seed", seed, 0)):
        if not isinstance(value, int) or value < least:
            raise ValueError(f"{name}={value!r}: give a whole number of at least {least}")
    if not learning_rate > 0:
        raise ValueError(f"learning_rate={learning_rate!r}: give a number above 0, such as 2e-5")
    if not 0 <= warmup < 1:
        raise ValueError(f"warmup={warmup!r}: give the share of updates, at least 0 and below 1")
    if not weight_decay >= 0:
        raise ValueError(f"weight_decay={weight_decay!r}: give a number of at least 0, such as 0.01")
    if not max_grad_norm > 0:
        raise ValueError(f"max_grad_norm={max_grad_norm!r}: give a number above 0")
    if maximize is not None and evaluate is None:
        raise ValueError(f"maximize={maximize!r} needs evaluate: pass the function that measures it")
    if maximize is not None and checkpoints is not None:
        raise ValueError(f"maximize={maximize!r} with checkpoints: a checkpoint keeps the last weights, not the best")

    device = next(model.parameters()).device
    dtype = pick_dtype(device, precision)
    if device.type == "cpu":
        keep_freed_memory()
    rank, processes = process_rank()
    batches = make_batches(0)
    if not len(batches):
        raise ValueError("make_batches(0) is empty: there is nothing to train on")
    terms = tuple(loss_counts(batches[0]))
    updates_an_epoch = math.ceil(len(batches) / accumulation)
    total_steps = epochs * updates_an_epoch
    warmup_steps = int(warmup * total_steps)
    stored = None if checkpoints is None else checkpoints.resume(model)
    complete = model  # the model that the caller gave, where training goes on with a part of it
    sharded = processes > 1 and maximize is None and sharding_wanted()
    if sharded:
        model = shard(complete)
    # Biases, gains and tables of one model share a device, so the fused kernel serves on CPU, CUDA and MPS alike.
    optimizer = torch.optim.AdamW(
        parameter_groups(model, weight_decay), lr=learning_rate, betas=(0.9, 0.999), eps=1e-6, fused=True
    )

    history, best_value, best_state, first_epoch, units = History(), -math.inf, None, 0, 0
    if stored is not None:
        state, moments = stored
        restore_moments(model, optimizer, moments)
        history, first_epoch, units = History(**state["history"]), state["epochs"], state["units"]
    elif evaluate_first and evaluate is not None:
        model.eval()
        history.epochs.append({"epoch": 0, "updates": 0, unit: 0} | dict(evaluate(model)))
        if on_epoch is not None and rank == 0:
            on_epoch(history)
    with progress_bar(what=what, unit="updates", total=total_steps, show=show_progress and rank == 0) as bar:
        bar.update(len(history.updates))
        for epoch in range(first_epoch, epochs):
            if epoch:
                batches = make_batches(epoch)
            model.train()
            losses, units_before, started = [], units, time.perf_counter()
            shares, owned = [], []
            for first in range(0, len(batches), accumulation):
                numbers = range(first, min(first + accumulation, len(batches)))
                own = numbers[rank::processes]
                # Where the model is sharded, every process takes part in every layer: one without work goes through
                # the motions with a batch that counts for nothing.
                idle = sharded and len(own) < math.ceil(len(numbers) / processes)
                shares.append([*own, numbers[0]] if idle else own)
                owned.append(len(own))
            in_turn = taken_in_turn(batches, shares, ahead=device.type == "cuda")
            for number_own, built in zip(owned, in_turn, strict=True):
                mine = built[:number_own]
                step = len(history.updates)
                torch.manual_seed(int(np.random.SeedSequence((seed, step, rank)).generate_state(1)[0]))
                counts = [loss_counts(batch) for batch in mine]
                totals = [sum(count[term] for count in counts) for term in terms] + [sum(map(size, mine))]
                if processes > 1:
                    shared = torch.tensor(totals, dtype=torch.float64, device=device)
                    dist.all_reduce(shared)
                    totals = shared.tolist()
                # A term without a single example (nothing masked, say) counts 0, not 0/0.
                divisors = {term: max(total, 1) for term, total in zip(terms, totals, strict=False)}
                optimizer.zero_grad(set_to_none=True)
                loss_of_update = torch.zeros((), device=device)
                # Of a sharded model gradients are averaged over processes, not summed.
                weights = [processes if sharded else 1] * number_own + [0] * (len(built) - number_own)
                for batch, weight in zip(built, weights, strict=True):
                    batch = {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}
                    with autocast(device, dtype):
                        sums = loss_sums(model, batch)
                    loss = sum(sums[term].float() / divisors[term] for term in terms)
                    (weight * loss).backward()
                    if weight:
                        loss_of_update += loss.detach()
                if sharded:
                    dist.all_reduce(loss_of_update)
                elif processes > 1:
                    for parameter in model.parameters():
                        if parameter.grad is None and parameter.requires_grad:
                            parameter.grad = torch.zeros_like(parameter)
                    gradients = [p.grad for p in model.parameters() if p.grad is not None]
                    sum_over_processes([loss_of_update, *gradients])
                norm = torch.nn.utils.clip_grad_norm_(model.parameters(), max_grad_norm)
                loss_of_update, norm = float(loss_of_update), float(whole(norm))
                if not (math.isfinite(loss_of_update) and math.isfinite(norm)):
                    raise FloatingPointError(
                        f"update {step + 1}: loss {loss_of_update}, gradient norm {norm}; lower "
                        f"learning_rate={learning_rate}, or train with precision='fp32'"
                    )
                rate = learning_rate * linear_schedule(step, warmup_steps=warmup_steps, total_steps=total_steps)
                for group in optimizer.param_groups:
                    group["lr"] = rate
                optimizer.step()
                history.updates.append(
                    {"epoch": epoch + 1, "loss": loss_of_update, "learning_rate": rate, "grad_norm": norm}
                )
                losses.append(loss_of_update)
                units += int(totals[-1])
                speed = (units - units_before) / (time.perf_counter() - started)
                bar.set_postfix_str(f"{speed:,.0f} {unit}/s, loss {loss_of_update:.3f}", refresh=False)
                bar.update()
            seconds = time.perf_counter() - started
            row = {"epoch": epoch + 1, "updates": len(history.updates), unit: units}
            row |= {"loss": sum(losses) / len(losses), "seconds": seconds}
            row[f"{unit}_per_second"] = (units - units_before) / seconds
            model.eval()
            if evaluate is not None:
                row |= evaluate(model)
            history.epochs.append(row)
            if maximize is not None and maximize not in row:
                raise ValueError(f"maximize={maximize!r} is not among what evaluate gave: {', '.join(row)}")
            value = epoch if maximize is None else row[maximize]
            if math.isnan(value):
                raise FloatingPointError(f"epoch {epoch + 1}: {maximize!r} is nan, so no epoch can be called the best")
            if history.best_epoch is None or value > best_value:
                best_value, history.best_epoch = value, epoch + 1
                if maximize is not None and epoch < epochs - 1:
                    best_state = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
                if on_best is not None and maximize is not None and rank == 0:
                    on_best(model)
            if on_epoch is not None and rank == 0:
                on_epoch(history)
            if checkpoints is not None:
                if sharded:
                    gather(model, complete)
                moments = optimizer_moments(model, optimizer) if rank == 0 or sharded else {}
                if rank == 0:
                    state = {"epochs": epoch + 1, "units": units, "history": asdict(history)}
                    checkpoints.save(complete, moments, len(history.updates), state)
                if processes > 1:
                    dist.barrier()
    if sharded:
        gather(model, complete)
        model = complete.to(device)
    model.eval()
    if maximize is None:
        if on_best is not None and rank == 0:
            on_best(model)
    elif history.best_epoch < epochs:
        model.load_state_dict(best_state)
    return history
