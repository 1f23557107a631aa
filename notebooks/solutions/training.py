"""Worked solutions of the exercises on training. Try first: `check` tells you more than these do."""

import math

import torch


def my_step(weights, tokens, rate):
    weights = weights.detach().clone().requires_grad_()
    log_p = torch.log_softmax(weights, dim=0)
    loss = -log_p[tokens].mean()
    loss.backward()
    return (weights - rate * weights.grad).detach()


def my_schedule(step, warmup_steps, total_steps, peak):
    if step < warmup_steps:
        return peak * step / warmup_steps
    if step >= total_steps:
        return 0.0
    return peak * (total_steps - step) / (total_steps - warmup_steps)


def my_train(model, batches, peak, warmup_steps):
    decaying = my_decay({name: parameter.shape for name, parameter in model.named_parameters()})
    groups = [{"params": [], "weight_decay": 0.01}, {"params": [], "weight_decay": 0.0}]
    for name, parameter in model.named_parameters():
        groups[0 if name in decaying else 1]["params"].append(parameter)
    optimizer = torch.optim.AdamW(groups, lr=peak, betas=(0.9, 0.999), eps=1e-6)
    losses = []
    for step, batch in enumerate(batches):
        loss = model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = my_schedule(step, warmup_steps, len(batches), peak)
        optimizer.step()
        losses.append(loss.item())
    return losses


def my_accumulate(losses):
    total, count = 0.0, 0
    for loss in losses:
        total = total + loss.sum()
        count += loss.numel()
    return total / count


def my_clip(gradients, max_norm):
    norm = math.sqrt(sum(float((gradient**2).sum()) for gradient in gradients))
    scale = min(1.0, max_norm / norm)
    return [gradient * scale for gradient in gradients]


def my_decay(shapes):
    return sorted(name for name in shapes if not name.endswith("bias") and "norm" not in name.lower())


def my_adamw(weight, gradients, rate, decay):
    first = second = 0.0
    for step, gradient in enumerate(gradients, start=1):
        weight -= rate * decay * weight  # decoupled: it never enters the moments
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        weight -= rate * (first / (1 - 0.9**step)) / (math.sqrt(second / (1 - 0.999**step)) + 1e-6)
    return weight


def my_percent(right, total):
    return f"{100 * right / total:.2f}%"


def my_best_epoch(validation, test):
    best = 0
    for epoch, accuracy in enumerate(validation):
        if accuracy > validation[best]:
            best = epoch
    return best + 1


my_updates = 2 * math.ceil(math.ceil(3651 / 16) / 4)
my_faults = 132
