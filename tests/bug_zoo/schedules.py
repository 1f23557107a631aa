"""Warm-ups gone wrong: the first update at the full rate, and a schedule stepped before the optimizer."""

import torch


def _parts(peak):
    weight = torch.nn.Parameter(torch.ones(2))
    return weight, torch.optim.AdamW([weight], lr=peak)


def starts_at_full_rate(total_steps, warmup_steps, peak):
    weight, optimizer = _parts(peak)
    for step in range(total_steps):
        weight.sum().backward()
        optimizer.step()
        share = min(step / warmup_steps, (total_steps - step) / (total_steps - warmup_steps))
        optimizer.param_groups[0]["lr"] = peak * share  # wrong: set only after the update it was meant for


def steps_before_the_optimizer(total_steps, warmup_steps, peak):
    weight, optimizer = _parts(peak)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: (
            step / warmup_steps if step < warmup_steps else (total_steps - step) / (total_steps - warmup_steps)
        ),
    )
    for _ in range(total_steps):
        weight.sum().backward()
        schedule.step()  # wrong: the first rate is skipped, the last is 0
        optimizer.step()
