"""Checks of the training loop (Devlin et al., 2019, A.2 and A.3; google-research/bert, optimization.py)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from bertcourse.checks.engine import against, floats, number
from bertlib.train.optimizer import linear_schedule, parameter_groups


def _rate(step: int, warmup_steps: int, total_steps: int, peak: float) -> float:
    return peak * linear_schedule(step, warmup_steps=warmup_steps, total_steps=total_steps)


def _accumulated(losses: list[Tensor]) -> Tensor:
    return sum(loss.sum() for loss in losses) / sum(loss.numel() for loss in losses)


def _clipped(gradients: list[Tensor], max_norm: float) -> list[Tensor]:
    parameters = [nn.Parameter(torch.zeros_like(gradient)) for gradient in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient.clone()
    nn.utils.clip_grad_norm_(parameters, max_norm)
    return [parameter.grad for parameter in parameters]


def _decayed(shapes: dict[str, tuple[int, ...]]) -> list[str]:
    """Names of the parameters that decay, by `parameter_groups` on modules of these names."""
    root = nn.Module()
    for name, shape in shapes.items():
        module, at = root, name.split(".")
        for part in at[:-1]:
            if not hasattr(module, part):
                module.add_module(part, nn.LayerNorm(1) if "norm" in part.lower() else nn.Module())
            module = getattr(module, part)
        setattr(module, at[-1], nn.Parameter(torch.zeros(shape)))
    decays = {id(parameter) for parameter in parameter_groups(root, 0.01)[0]["params"]}
    return sorted(name for name, parameter in root.named_parameters() if name in shapes and id(parameter) in decays)


def _adamw(weight: float, gradients: list[float], rate: float, decay: float) -> float:
    """A weight after so many updates, by torch's own AdamW with BERT's constants."""
    parameter = nn.Parameter(torch.tensor([weight], dtype=torch.float64))
    optimizer = torch.optim.AdamW([parameter], lr=rate, betas=(0.9, 0.999), eps=1e-6, weight_decay=decay)
    for gradient in gradients:
        parameter.grad = torch.tensor([gradient], dtype=torch.float64)
        optimizer.step()
    return parameter.item()


def _percent(right: int, total: int) -> str:
    return f"{right / total:.2%}"


def _best_epoch(validation: list[float], test: list[float]) -> int:
    return validation.index(max(validation)) + 1


# ------------------------------------------------------------------------------------------------------------- cases


def _steps(rng):
    yield from ((step, 2, 10, 1.0) for step in (0, 1, 2, 6, 9, 10))
    for _ in range(12):
        total = int(rng.integers(5, 60))
        warmup = int(rng.integers(0, total))
        yield int(rng.integers(0, total + 1)), warmup, total, float(rng.uniform(1e-5, 1e-3))
    yield 0, 0, 5, 1e-4


def _uneven(rng):
    yield ([torch.tensor([1.0, 2.0, 3.0]), torch.tensor([8.0])],)
    for _ in range(4):
        sizes = [int(rng.integers(1, 4)), int(rng.integers(5, 9)), int(rng.integers(10, 15))]
        yield ([3 * floats(rng, size).abs() + step for step, size in enumerate(sizes)],)


def _gradients(rng):
    yield [torch.tensor([3.0]), torch.tensor([4.0])], 1.0
    yield [torch.tensor([0.3]), torch.tensor([0.4])], 1.0
    for scale in (0.1, 2.0, 30.0):
        yield [scale * floats(rng, 3, 2), scale * floats(rng, 4)], 1.0
    yield [floats(rng, 5), floats(rng, 2, 2)], 0.5


def _names(rng):
    yield ({"dense.weight": (3, 2), "dense.bias": (3,), "norm.weight": (3,), "norm.bias": (3,)},)
    for _ in range(3):
        layers = {}
        for layer in range(int(rng.integers(1, 4))):
            at = f"layers.{layer}"
            layers |= {f"{at}.query.weight": (4, 4), f"{at}.query.bias": (4,)}
            layers |= {f"{at}.attention_norm.weight": (4,), f"{at}.attention_norm.bias": (4,)}
        yield ({"words.weight": (9, 4), "LayerNorm.weight": (4,), "LayerNorm.bias": (4,), "bias": (9,)} | layers,)


def _updates(rng):
    yield 1.0, [0.5], 0.1, 0.0
    yield 1.0, [0.0], 0.1, 0.1
    yield 0.5, [1e-5, -2e-5], 0.1, 0.0  # so small that ε is felt
    for size in (2, 3, 4):
        gradients = rng.normal(size=size).tolist()
        yield float(rng.normal()), gradients, float(rng.uniform(0.01, 0.1)), float(rng.uniform(0.01, 0.5))


def _epochs(rng):
    yield [0.80, 0.84, 0.83], [0.79, 0.82, 0.85]
    yield [0.5, 0.9, 0.9], [0.1, 0.2, 0.3]
    yield [0.9, 0.9, 0.8], [0.1, 0.2, 0.3]
    yield [0.7], [0.6]
    for _ in range(6):
        size = int(rng.integers(2, 7))
        yield rng.permutation(size).astype(float).tolist(), rng.permutation(size).astype(float).tolist()


# ---------------------------------------------------------------------------------------------------- known mistakes


def _full_at_once(step, warmup_steps, total_steps, peak):
    return peak * (total_steps - step) / total_steps


def _one_ahead(step, warmup_steps, total_steps, peak):
    return _rate(min(step + 1, total_steps), warmup_steps, total_steps, peak)


def _down_from_the_start(step, warmup_steps, total_steps, peak):
    return peak * min(step / max(warmup_steps, 1), (total_steps - step) / total_steps)


def _constant_after(step, warmup_steps, total_steps, peak):
    return peak * min(1.0, step / max(1, warmup_steps))


def _first_at_full_rate(step, warmup_steps, total_steps, peak):
    return peak if step == 0 else _rate(step, warmup_steps, total_steps, peak)


def _mean_of_means(losses):
    return sum(loss.mean() for loss in losses) / len(losses)


def _sum_of_means(losses):
    return sum(loss.mean() for loss in losses)


def _sum_alone(losses):
    return sum(loss.sum() for loss in losses)


def _last_batch(losses):
    return losses[-1].mean()


def _each_on_its_own(gradients, max_norm):
    return [_clipped([gradient], max_norm)[0] for gradient in gradients]


def _value_clipped(gradients, max_norm):
    return [gradient.clamp(-max_norm, max_norm) for gradient in gradients]


def _always_scaled(gradients, max_norm):
    norm = math.sqrt(sum(float((g**2).sum()) for g in gradients))
    return [gradient * max_norm / norm for gradient in gradients]


def _largest_number(gradients, max_norm):
    top = max(float(gradient.abs().max()) for gradient in gradients)
    return [gradient * min(1.0, max_norm / top) for gradient in gradients]


def _added_norms(gradients, max_norm):
    norm = sum(float(gradient.norm()) for gradient in gradients)
    return [gradient * min(1.0, max_norm / norm) for gradient in gradients]


def _everything(shapes):
    return sorted(shapes)


def _no_bias(shapes):
    return sorted(name for name in shapes if not name.endswith("bias"))


def _no_norm(shapes):
    return sorted(name for name in shapes if "norm" not in name.lower())


def _one_spelling(shapes):
    return sorted(name for name in shapes if not name.endswith("bias") and "LayerNorm" not in name)


def _the_others(shapes):
    return sorted(set(shapes) - set(_decayed(shapes)))


def _by_hand(weight, gradients, rate, decay, *, wrong=""):
    first = second = 0.0
    for step, gradient in enumerate(gradients, start=1):
        if wrong == "L2":
            gradient = gradient + decay * weight
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        corrected = (
            (first, second) if wrong == "no correction" else (first / (1 - 0.9**step), second / (1 - 0.999**step))
        )
        shrink = {"L2": 0.0, "rate": decay, "none": 0.0}.get(wrong, rate * decay)
        weight -= shrink * weight + rate * corrected[0] / (math.sqrt(corrected[1]) + 1e-6)
    return weight


def _adamw_with(wrong):
    return lambda weight, gradients, rate, decay: _by_hand(weight, gradients, rate, decay, wrong=wrong)


def _plain_descent(weight, gradients, rate, decay):
    for gradient in gradients:
        weight -= rate * gradient + rate * decay * weight
    return weight


CHECKS = {
    "schedule": against(
        "step (0, 1, 2, …), warmup_steps, total_steps, peak -> learning rate: up linearly from 0, then down linearly "
        "to 0",
        _rate,
        _steps,
        atol=1e-12,
        printed=6,
        mistakes=(
            (_full_at_once, "there is no warm-up: the first updates are at nearly the full rate."),
            (_one_ahead, "you are one step ahead: the schedule was stepped before the optimizer; the first rate is 0."),
            (_down_from_the_start, "the way down begins where the warm-up ends, at the peak."),
            (_constant_after, "behind the warm-up it falls to 0 at total_steps."),
            (
                _first_at_full_rate,
                "the first update is at the full rate: set the rate before the update, not behind it.",
            ),
        ),
    ),
    "accumulate": against(
        "losses: for each micro-batch a tensor with one loss a token -> the loss of the one update that they make "
        "together",
        _accumulated,
        _uneven,
        mistakes=(
            (
                _mean_of_means,
                "a mean of means: tokens of short batches weigh too much. One sum over all, divided by one count.",
            ),
            (_sum_of_means, "divide by the number of tokens of all batches together."),
            (_sum_alone, "that is the sum: divide by the number of tokens."),
            (_last_batch, "only the last batch counts in yours."),
        ),
    ),
    "clip": against(
        "gradients (list of tensors), max_norm -> gradients, scaled down together if their common norm is above "
        "max_norm",
        _clipped,
        _gradients,
        printed=2,
        mistakes=(
            (_each_on_its_own, "the norm is that of all gradients together: their directions keep their proportions."),
            (_value_clipped, "that cuts each number on its own and turns the direction."),
            (_always_scaled, "gradients below the norm stay as they are."),
            (_largest_number, "the norm is the root of the sum of squares, not the largest number."),
            (_added_norms, "norms do not add up: squares do."),
        ),
    ),
    "decay": against(
        "shapes {name: shape} of a model's parameters -> sorted names of those that decay: no bias, nothing of a "
        "LayerNorm "
        "(modules with 'norm' in their name)",
        _decayed,
        _names,
        mistakes=(
            (_everything, "biases and LayerNorms do not decay."),
            (_no_bias, "LayerNorms' gains do not decay either."),
            (_no_norm, "biases do not decay either."),
            (_one_spelling, "a LayerNorm may have another name, such as attention_norm: look at small letters."),
            (_the_others, "those are the ones that do not decay."),
        ),
    ),
    "adamw": against(
        "weight, gradients (one an update), rate, decay -> the weight behind them: AdamW, β = (0.9, 0.999), ε = 1e-6",
        _adamw,
        _updates,
        atol=1e-9,
        mistakes=(
            (
                _adamw_with("L2"),
                "that is L2: AdamW's decay is decoupled, it shrinks the weight and stays out of the moments.",
            ),
            (_adamw_with("no correction"), "the moments begin at 0: divide them by 1 − β to the power of the step."),
            (_adamw_with("rate"), "the decay is multiplied by the learning rate."),
            (_adamw_with("none"), "the weight does not decay."),
            (_plain_descent, "that is plain gradient descent."),
        ),
    ),
    "percent": against(
        "right, total -> the accuracy as a text with two decimals and a percent sign, such as '94.51%'",
        _percent,
        lambda rng: [(9451, 10000), (1, 2), *((int(n), 997) for n in rng.integers(0, 998, 6))],
        mistakes=(
            (lambda right, total: f"{right / total:.2f}%", "a fraction printed as if it were percent: × 100, or :.2%."),
            (lambda right, total: f"{100 * right / total:.2f}", "the percent sign is missing."),
            (lambda right, total: f"{100 * right / total:.0f}%", "two decimals are asked for."),
            (lambda right, total: f"{right / total:.4f}", "percent are asked for."),
        ),
    ),
    "best_epoch": against(
        "validation, test (accuracies, one an epoch) -> the number (from 1) of the epoch to keep",
        _best_epoch,
        _epochs,
        mistakes=(
            (lambda validation, test: test.index(max(test)) + 1, "choosing on the test set makes its figure too good."),
            (lambda validation, test: len(validation), "the last epoch is not always the best."),
            (lambda validation, test: validation.index(max(validation)), "epochs count from 1."),
            (
                lambda validation, test: len(validation) - validation[::-1].index(max(validation)),
                "of equals take the first: less training for the same.",
            ),
        ),
    ),
    "updates": number(
        "a whole number",
        lambda rng: {
            "n": int(rng.integers(900, 5000)),
            "b": 16,
            "a": int(rng.integers(2, 5)),
            "e": int(rng.integers(2, 5)),
        },
        "{n} examples in batches of {b} (the last may be smaller), {a} batches an update (the last may have fewer), "
        "{e} "
        "epochs: how many updates?",
        lambda n, b, a, e: e * math.ceil(math.ceil(n / b) / a),
        mistakes=(
            (lambda n, b, a, e: e * (n // (b * a)), "round up: the last batch and the last update count too."),
            (lambda n, b, a, e: e * math.ceil(n / b), "several batches make one update."),
            (lambda n, b, a, e: math.ceil(math.ceil(n / b) / a), "every epoch goes over all of them."),
        ),
    ),
}
