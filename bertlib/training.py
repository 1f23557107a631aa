"""The one training loop of the course: schedule, accumulation, clipping, evaluation, the best model, progress."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from bertlib.progress import progress_bar
from bertlib.runtime import autocast, pick_dtype, seed_everything

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
        epochs: a row for each epoch: epoch, loss (mean over its updates), seconds and examples_per_second (of the
            training alone), and what `evaluate` returned.
        best_epoch: the epoch whose weights the model has now.
    """

    updates: list[dict] = field(default_factory=list)
    epochs: list[dict] = field(default_factory=list)
    best_epoch: int | None = None


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
    maximize: str | None = None,
    on_best: Callable[[nn.Module], None] | None = None,
    what: str = "training",
    show_progress: bool = True,
) -> History:
    """Train a model in place, and leave it with the weights of its best epoch.

    An update may be split over several batches. Its loss is, for every term (such as "mlm" and "nsp"), the sum over all
    its batches divided by the count over all its batches, so that the split changes nothing. Averaging each batch's
    mean instead gives the tokens of short batches too much weight.

    Args:
        model: on the device where it is to be trained.
        make_batches: epoch (from 0) -> the batches of that epoch; the same number each epoch.
        loss_sums: (model, batch) -> for every term of the loss, its sum over the batch in nats.
        loss_counts: batch -> for every term, how many examples or tokens that sum runs over.
        epochs: passes over the data.
        learning_rate: the peak, reached after warm-up; AdamW with β = (0.9, 0.999), ε = 1e-6 (google-research/bert).
        warmup: share of all updates over which the rate rises from 0.
        weight_decay: decoupled, on matrices only.
        max_grad_norm: gradients are scaled down to this norm.
        accumulation: batches an update.
        precision: "auto", "fp32" or "bf16"; see `bertlib.runtime.pick_dtype`.
        seed: for dropout; the order of data is make_batches' own.
        evaluate: model -> figures after each epoch; the model is in evaluation mode.
        maximize: which of these figures decides what is best; None keeps the last epoch.
        on_best: called with the model whenever it is the best so far, e.g. to write a checkpoint.
        what: the words before the progress line.
        show_progress: False for silence.

    Raises:
        ValueError: an argument is out of its range, or there is nothing to train on.
        FloatingPointError: the loss or a gradient is not a number (the message names the update and remedies), or
            the figure to maximize is not.
    """
    for name, value, least in (("epochs", epochs, 1), ("accumulation", accumulation, 1)):
        if not isinstance(value, int) or value < least:
            raise ValueError(f"{name}={value!r}: give a whole number of at least {least}")
    if not learning_rate > 0:
        raise ValueError(f"learning_rate={learning_rate!r}: give a number above 0, such as 2e-5")
    if not 0 <= warmup < 1:
        raise ValueError(f"warmup={warmup!r}: give the share of updates, at least 0 and below 1")
    if not max_grad_norm > 0:
        raise ValueError(f"max_grad_norm={max_grad_norm!r}: give a number above 0")
    if maximize is not None and evaluate is None:
        raise ValueError(f"maximize={maximize!r} needs evaluate: pass the function that measures it")

    seed_everything(seed)
    device = next(model.parameters()).device
    dtype = pick_dtype(device, precision)
    batches = make_batches(0)
    if not len(batches):
        raise ValueError("make_batches(0) is empty: there is nothing to train on")
    total_steps = epochs * math.ceil(len(batches) / accumulation)
    # Biases, gains and tables of one model share a device, so the fused kernel serves on CPU, CUDA and MPS alike.
    optimizer = torch.optim.AdamW(
        parameter_groups(model, weight_decay), lr=learning_rate, betas=(0.9, 0.999), eps=1e-6, fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: linear_schedule(step, warmup_steps=int(warmup * total_steps), total_steps=total_steps)
    )

    history, best_value, best_state = History(), -math.inf, None
    examples_in_all = epochs * sum(len(batch["input_ids"]) for batch in batches)
    with progress_bar(what=what, unit="examples", total=examples_in_all, show=show_progress) as bar:
        for epoch in range(epochs):
            if epoch:
                batches = make_batches(epoch)
            model.train()
            losses, examples, started = [], 0, time.perf_counter()
            for first in range(0, len(batches), accumulation):
                group = batches[first : first + accumulation]
                counts = [loss_counts(batch) for batch in group]
                totals = {term: sum(count[term] for count in counts) for term in counts[0]}
                optimizer.zero_grad(set_to_none=True)
                loss_of_update = 0.0
                for batch in group:
                    batch = {name: tensor.to(device) for name, tensor in batch.items()}
                    with autocast(device, dtype):
                        sums = loss_sums(model, batch)
                    # A term without a single example (nothing masked, say) counts 0, not 0/0.
                    loss = sum(sums[term].float() / max(totals[term], 1) for term in sums)
                    loss.backward()
                    loss_of_update += loss.detach()
                    examples += len(batch["input_ids"])
                    bar.update(len(batch["input_ids"]))
                norm = torch.nn.utils.clip_grad_norm_(model.parameters(), max_grad_norm)
                loss_of_update, norm = float(loss_of_update), float(norm)
                if not (math.isfinite(loss_of_update) and math.isfinite(norm)):
                    raise FloatingPointError(
                        f"update {len(history.updates) + 1}: loss {loss_of_update}, gradient norm {norm}; lower "
                        f"learning_rate={learning_rate}, or train with precision='fp32'"
                    )
                history.updates.append(
                    {
                        "epoch": epoch + 1,
                        "loss": loss_of_update,
                        "learning_rate": schedule.get_last_lr()[0],
                        "grad_norm": norm,
                    }
                )
                optimizer.step()
                schedule.step()
                losses.append(loss_of_update)
                speed = examples / (time.perf_counter() - started)
                bar.set_postfix_str(f"{speed:.0f} examples/s, loss {loss_of_update:.3f}", refresh=False)
            seconds = time.perf_counter() - started
            row = {"epoch": epoch + 1, "loss": sum(losses) / len(losses), "seconds": seconds}
            row["examples_per_second"] = examples / seconds
            model.eval()
            if evaluate is not None:
                row |= evaluate(model)
            history.epochs.append(row)
            value = epoch if maximize is None else row[maximize]
            if math.isnan(value):
                raise FloatingPointError(f"epoch {epoch + 1}: {maximize!r} is nan, so no epoch can be called the best")
            if value > best_value:
                best_value, history.best_epoch = value, epoch + 1
                if maximize is not None and epoch < epochs - 1:
                    best_state = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
                if on_best is not None and maximize is not None:
                    on_best(model)
    if maximize is None:
        if on_best is not None:
            on_best(model)
    elif history.best_epoch < epochs:
        model.load_state_dict(best_state)
    return history
