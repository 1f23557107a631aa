"""Checks of the training loop (Devlin et al., 2019, A.2 and A.3; google-research/bert, optimization.py)."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bertcourse.checks.engine import Around, Check, Trial, Wrong, against, floats, integers, number
from bertcourse.checks.pretraining import errors_named
from bertlib.text.batching import Batch
from bertlib.train.optimizer import linear_schedule, make_optimizer, parameter_groups, set_rate
from bertlib.train.recipe import Recipe


def _step(weights: Tensor, tokens: Tensor, rate: float) -> Tensor:
    """One update of gradient descent for scores that are the same at every place."""
    weights = weights.clone().requires_grad_()
    with torch.enable_grad():  # lessons may have switched gradients off
        F.cross_entropy(weights.expand(len(tokens), -1), tokens).backward()
    return (weights - rate * weights.grad).detach()


class SmallModel(nn.Module):
    """A model with the three kinds of parameters that a BERT has: a table, a LayerNorm, a dense layer."""

    def __init__(self, rng: np.random.Generator):
        super().__init__()
        self.table, self.norm, self.dense = nn.Embedding(5, 4), nn.LayerNorm(4), nn.Linear(4, 5)
        self.bias = nn.Parameter(torch.zeros(5))  # its gradients are so small that ε is felt
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(1.5 * floats(rng, *parameter.shape))
        self.double()

    def __repr__(self) -> str:
        return "<a model with 6 tensors>"

    def forward(self, input_ids: Tensor, labels: Tensor) -> SimpleNamespace:
        scores = self.dense(self.norm(self.table(input_ids))) + 1e-5 * self.bias
        return SimpleNamespace(loss=F.cross_entropy(scores, labels))


class _Batches(list):
    """Batches that say in a message how many they are."""

    def __repr__(self) -> str:
        return f"<{len(self)} batches>"


def _train(model: nn.Module, batches: list[Batch], peak: float, warmup_steps: int) -> list[float]:
    """What `bertlib.train.loop.train` does with an update of one batch, by the parts that it calls."""
    recipe = Recipe(learning_rate=peak, warmup=(warmup_steps + 0.5) / len(batches))
    optimizer, losses = make_optimizer(model, recipe), []
    for step, batch in enumerate(batches):
        optimizer.zero_grad()
        loss = model(**batch).loss
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), recipe.max_grad_norm)
        set_rate(optimizer, recipe, step, len(batches))
        optimizer.step()
        losses.append(loss.item())
    return losses


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
    yield 12, 2, 10, 1.0
    total = int(rng.integers(5, 60))
    yield total + int(rng.integers(1, 9)), total // 3, total, 1e-4
    yield 3, 4, 4, 1.0
    yield 5, 4, 4, 1.0


def _scores_and_tokens(rng):
    yield torch.zeros(3), torch.tensor([0, 0, 1, 2]), 1.0
    yield torch.zeros(2), torch.tensor([0, 0, 0, 1]), 2.0
    for _ in range(5):
        size = int(rng.integers(3, 7))
        yield floats(rng, size), integers(rng, 0, size, int(rng.integers(3, 9))), float(rng.uniform(0.5, 3))


def _runs(rng):
    for updates, peak, warmup_steps in ((3, 0.1, 1), (4, 0.3, 2), (3, 0.2, 1)):
        batches = [{"input_ids": integers(rng, 0, 5, 6), "labels": integers(rng, 0, 5, 6)} for _ in range(updates)]
        yield SmallModel(rng), _Batches(batches), peak, warmup_steps


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
    yield [torch.tensor([3.0]), torch.tensor([4.0])], 2.5
    yield [floats(rng, 5), floats(rng, 2, 2)], 0.5
    yield [5 * floats(rng, 2, 3), floats(rng, 7)], 2.0


def _names(rng):
    yield ({"dense.weight": (3, 2), "dense.bias": (3,), "norm.weight": (3,), "norm.bias": (3,)},)
    yield ({"words.weight": (9, 4), "norm.weight": (4,), "norm.bias": (4,), "dense.weight": (4, 4)},)
    yield ({"words.weight": (9, 4), "LayerNorm.weight": (4,), "LayerNorm.bias": (4,), "bias": (9,)},)
    yield ({"embeddings.word_embeddings.weight": (9, 4), "embeddings.LayerNorm.weight": (4,)},)
    for _ in range(3):
        layers = {}
        for layer in range(int(rng.integers(1, 4))):
            at = f"layers.{layer}"
            layers |= {f"{at}.query.weight": (4, 4), f"{at}.query.bias": (4,)}
            layers |= {f"{at}.attention_norm.weight": (4,), f"{at}.attention_norm.bias": (4,)}
        tables = {"word_embeddings.weight": (9, 4), "position_embeddings.weight": (8, 4)}
        yield (tables | {"LayerNorm.weight": (4,), "LayerNorm.bias": (4,), "bias": (9,)} | layers,)


def _updates(rng):
    yield 1.0, [0.5], 0.1, 0.0
    yield 1.0, [0.0], 0.1, 0.1
    yield 1.0, [0.5], 0.1, 0.5
    yield 1.0, [0.5, -0.5], 0.1, 0.0
    yield 0.5, [1e-5, -2e-5], 0.1, 0.0  # so small that ε is felt
    for size in (2, 3, 4):
        gradients = rng.normal(size=size).tolist()
        yield float(rng.normal()), gradients, float(rng.uniform(0.01, 0.1)), float(rng.uniform(0.01, 0.5))


def _epochs(rng):
    yield [0.80, 0.84, 0.83], [0.79, 0.82, 0.85]
    yield [0.5, 0.9, 0.9], [0.1, 0.2, 0.3]
    yield [0.9, 0.9, 0.8], [0.1, 0.2, 0.3]
    yield [0.7], [0.6]
    yield [0.6, 0.5, 0.8, 0.7], [0.9, 0.5, 0.6, 0.7]
    for _ in range(6):
        size = int(rng.integers(3, 7))
        yield rng.permutation(size).astype(float).tolist(), rng.permutation(size).astype(float).tolist()


# Three broken runs in words, by the number of the fault. They are P, Q and R: the lesson's picture has A to D.
_BROKEN = {
    1: "in training 9.6, 12.6, 23.2 and 13.3 nats, on held-out text 13",
    2: "in training 9.5, 2.7, 0.8 and 0.3 nats, on held-out text 10.2",
    3: "in training 9.4, 6.0, 4.4 and 3.4 nats, on held-out text 2.7",
}


def _order_of_faults(rng):
    order = rng.permutation([1, 2, 3]).tolist()
    return dict(zip("abc", (_BROKEN[fault] for fault in order), strict=True))


def _faults(a, b, c):
    numbers = {words: fault for fault, words in _BROKEN.items()}
    return 100 * numbers[a] + 10 * numbers[b] + numbers[c]


def _faults_taken_for(others):
    """The number if each fault is taken for another one: fault -> what it is taken for."""

    def number_of(a, b, c):
        return int("".join(str(others[int(digit)]) for digit in str(_faults(a, b, c))))

    return number_of


def _batches(rng):
    """Numbers of which each rounding counts: not by chance the same with and without."""
    while True:
        n, a, e = int(rng.integers(900, 5000)), int(rng.integers(2, 5)), int(rng.integers(2, 5))
        updates, unrounded = e * math.ceil(math.ceil(n / 16) / a), e * n / (16 * a)
        if updates not in (e * (math.ceil(n / 16) // a), math.ceil(unrounded)) and unrounded % 1:
            return {"n": n, "b": 16, "a": a, "e": e}


# ---------------------------------------------------------------------------------------------------- known mistakes


def _up(step, warmup_steps, total_steps, peak):
    return peak * step / warmup_steps


def _down(step, warmup_steps, total_steps, peak):
    return peak * max(0, total_steps - step) / max(1, total_steps - warmup_steps)


def _schedule_of(up: Callable, down: Callable) -> Callable:
    def rate(step, warmup_steps, total_steps, peak):
        return (up if step < warmup_steps else down)(step, warmup_steps, total_steps, peak)

    return rate


def _full_at_once(step, warmup_steps, total_steps, peak):
    return peak * max(0, total_steps - step) / total_steps


def _below_zero(step, warmup_steps, total_steps, peak):
    return peak * (total_steps - step) / max(1, total_steps - warmup_steps)


def _one_ahead(step, warmup_steps, total_steps, peak):
    return _rate(min(step + 1, total_steps), warmup_steps, total_steps, peak)


def _up_one_ahead(step, warmup_steps, total_steps, peak):
    return peak * (step + 1) / warmup_steps


def _down_from_the_start(step, warmup_steps, total_steps, peak):
    return peak * min(step / max(warmup_steps, 1), max(0, total_steps - step) / total_steps)


def _at_once_no_warmup(step, warmup_steps, total_steps, peak):
    return min(peak * step / max(warmup_steps, 1), _down(step, warmup_steps, total_steps, peak))


def _constant_after(step, warmup_steps, total_steps, peak):
    return peak * min(1.0, step / max(1, warmup_steps))


def _up_on_and_on(step, warmup_steps, total_steps, peak):
    return peak * step / max(1, warmup_steps)


def _peak(step, warmup_steps, total_steps, peak):
    return peak


def _share_of_all(step, warmup_steps, total_steps, peak):
    return peak * step / total_steps


def _down_too_early(step, warmup_steps, total_steps, peak):
    return peak * max(0, 1 - step / max(1, total_steps - warmup_steps))


def _up_again(step, warmup_steps, total_steps, peak):
    return peak * min(1, (step - warmup_steps) / max(1, total_steps - warmup_steps))


def _up_again_on(step, warmup_steps, total_steps, peak):
    return peak * (step - warmup_steps) / max(1, total_steps - warmup_steps)


def _cosine(step, warmup_steps, total_steps, peak):
    done = min(1, (step - warmup_steps) / max(1, total_steps - warmup_steps))
    return peak * (1 + math.cos(math.pi * done)) / 2


def _without_peak(step, warmup_steps, total_steps, peak):
    return _rate(step, warmup_steps, total_steps, 1.0)


def _first_at_full_rate(step, warmup_steps, total_steps, peak):
    return peak if step == 0 else _rate(step, warmup_steps, total_steps, peak)


def _step_with(change):
    """weights, tokens, rate -> weights minus rate times what `change` makes of p and of the tokens' shares."""

    def step(weights, tokens, rate):
        shares = torch.bincount(tokens, minlength=len(weights)) / len(tokens)
        return weights - rate * change(weights.softmax(0), shares)

    return step


def _summed_step(weights, tokens, rate):
    return _step(weights, tokens, rate * len(tokens))


def _without_rate(weights, tokens, rate):
    return _step(weights, tokens, 1.0)


def _gradient_alone(weights, tokens, rate):
    return (weights - _step(weights, tokens, 1.0)).detach()


def _step_alone(weights, tokens, rate):
    return _step(weights, tokens, rate) - weights


def _first_token_alone(weights, tokens, rate):
    return _step(weights, tokens[:1], rate)


def _of_scores(weights, tokens, rate):
    shares = torch.bincount(tokens, minlength=len(weights)) / len(tokens)
    return weights - rate * (weights - shares)


def _one_after_the_other(weights, tokens, rate):
    for token in tokens:
        weights = _step(weights, token[None], rate)
    return weights


def _divided_by_rate(weights, tokens, rate):
    return _step(weights, tokens, 1 / rate)


def _loss_of_the_step(weights, tokens, rate):
    return F.cross_entropy(weights.expand(len(tokens), -1), tokens)


def _probabilities_after(weights, tokens, rate):
    return _step(weights, tokens, rate).softmax(0)


def _loop(wrong: str) -> Callable:
    """A training loop with a mistake."""

    def train(model, batches, peak, warmup_steps):
        groups = {"decay on all": model.parameters(), "all defaults": model.parameters()}.get(
            wrong, parameter_groups(model, 0.0 if wrong == "no decay" else 0.01)
        )

        def new_optimizer():
            if wrong == "SGD":
                return torch.optim.SGD(groups, lr=peak)
            if wrong in ("Adam", "Adam by default"):
                return torch.optim.Adam(groups, lr=peak, eps=1e-6 if wrong == "Adam" else 1e-8)
            eps = 1e-8 if wrong in ("eps", "all defaults") else 1e-6
            return torch.optim.AdamW(groups, lr=peak, eps=eps, weight_decay=0.01)

        def set_rates(step):
            for group in optimizer.param_groups:
                group["lr"] = peak * linear_schedule(step, warmup_steps=warmup_steps, total_steps=len(batches))

        def clip():
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)

        optimizer, losses = new_optimizer(), []
        for step, batch in enumerate(batches):
            if wrong == "anew":
                optimizer = new_optimizer()
            if wrong != "no zero_grad":
                optimizer.zero_grad()
            if wrong == "clip first":
                clip()
            loss = model(**batch).loss
            if wrong == "step first":
                optimizer.step()
            loss.backward()
            if wrong == "zero_grad last":
                optimizer.zero_grad()
            if wrong not in ("no clip", "clip first", "clip last", "value clipped"):
                clip()
            if wrong == "value clipped":
                nn.utils.clip_grad_value_(model.parameters(), 1.0)
            if wrong != "constant" and (wrong != "rate last" or not step):
                set_rates(step + (wrong == "ahead"))
            if wrong == "rate last" and not step:
                for group in optimizer.param_groups:
                    group["lr"] = peak
            if wrong not in ("no step", "step first"):
                optimizer.step()
            if wrong == "rate last":
                set_rates(step + 1)
            if wrong == "clip last":
                clip()
            losses.append(float(model(**batch).loss if wrong == "loss afterwards" else loss))
            if wrong == "one":
                break
        return {"last": losses[-1], "mean": float(np.mean(losses)), "nothing": None}.get(wrong, losses)

    return train


def _mean_of_means(losses):
    return sum(loss.mean() for loss in losses) / len(losses)


def _sum_of_means(losses):
    return sum(loss.mean() for loss in losses)


def _sum_alone(losses):
    return sum(loss.sum() for loss in losses)


def _last_batch(losses):
    return losses[-1].mean()


def _first_batch(losses):
    return losses[0].mean()


def _sum_over_batches(losses):
    return sum(loss.sum() for loss in losses) / len(losses)


def _a_mean_each(losses):
    return [loss.mean() for loss in losses]


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


def _cut_above(gradients, max_norm):
    return [gradient.clamp(max=max_norm) for gradient in gradients]


def _scaled_by(norm_of: Callable) -> Callable:
    """Scales by a norm that is another one: norm_of(gradients) -> float."""
    return lambda gradients, max_norm: [g * min(1.0, max_norm / norm_of(gradients)) for g in gradients]


def _norm(gradients) -> float:
    return math.sqrt(sum(float((g**2).sum()) for g in gradients))


def _scaled_up(gradients, max_norm):
    return [gradient * min(1.0, _norm(gradients) / max_norm) for gradient in gradients]


def _to_one(gradients, max_norm):
    norm = _norm(gradients)
    return [gradient / norm if norm > max_norm else gradient for gradient in gradients]


def _to_one_at_most(gradients, max_norm):
    return [gradient * min(1.0, 1 / _norm(gradients)) for gradient in gradients]


def _as_they_are(gradients, max_norm):
    return gradients


def _before_a_fall(validation, least):
    """The epoch before the first one that gains less than `least`, or falls."""
    pairs = itertools.pairwise(validation)
    return next((n for n, (one, other) in enumerate(pairs, start=1) if other - one < least), len(validation))


def _everything(shapes):
    return sorted(shapes)


def _no_bias(shapes):
    return sorted(name for name in shapes if not name.endswith("bias"))


def _no_norm(shapes):
    return sorted(name for name in shapes if "norm" not in name.lower())


def _one_spelling(shapes):
    return sorted(name for name in shapes if not name.endswith("bias") and "LayerNorm" not in name)


def _small_letters(shapes):
    return sorted(name for name in shapes if not name.endswith("bias") and "norm" not in name)


def _no_embeddings(shapes):
    return [name for name in _decayed(shapes) if "embed" not in name]


def _unsorted(shapes):
    return [name for name in shapes if name in _decayed(shapes)]


def _the_others(shapes):
    return sorted(set(shapes) - set(_decayed(shapes)))


def _by_hand(weight, gradients, rate, decay, *, wrong="", betas=(0.9, 0.999), eps=1e-6, start=1):
    """AdamW written out, with a mistake: what `wrong` names, other constants, or steps that count from `start`."""
    first = second = 0.0
    for step, gradient in enumerate(gradients, start=start):
        if wrong in ("L2", "twice"):
            gradient = gradient + decay * weight
        if wrong == "forgets":
            first = second = 0.0
        first = betas[0] * first + (1 - betas[0]) * gradient
        second = betas[1] * second + (1 - betas[1]) * (gradient if wrong == "no square" else gradient**2)
        if wrong == "sum":
            first += betas[0] * gradient
        if wrong == "no mean":
            first = gradient
        corrected = first / (1 - 0.9**step), second / (1 - 0.999**step)
        if wrong == "kept":
            first, second = corrected
        if wrong == "power":
            corrected = first / (1 - 0.9) ** step, second / (1 - 0.999) ** step
        if wrong in ("no correction", "first not corrected"):
            corrected = first, corrected[1]
        if wrong in ("no correction", "second not corrected"):
            corrected = corrected[0], second
        root = math.sqrt(corrected[1]) + eps
        if wrong == "ε in the root":
            root = math.sqrt(corrected[1] + eps)
        if wrong == "no root":
            root = corrected[1] + eps
        change = rate * corrected[0] / root
        if wrong == "afterwards":
            weight -= change
            change = 0.0
        shrink = {"L2": 0.0, "rate": decay, "none": 0.0, "grows": -rate * decay}.get(wrong, rate * decay)
        weight -= shrink * weight + change
        if wrong == "one":
            break
    return weight


def _adamw_with(wrong="", **other):
    return lambda weight, gradients, rate, decay: _by_hand(weight, gradients, rate, decay, wrong=wrong, **other)


def _uphill(weight, gradients, rate, decay):
    return _by_hand(weight, gradients, -rate, decay)


def _plain_descent(weight, gradients, rate, decay):
    for gradient in gradients:
        weight -= rate * gradient + rate * decay * weight
    return weight


# ------------------------------------------------------------------------------------------------------------ judges


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Within, torch computes in one thread: for models this small, sharing costs many times what computing does."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _with_weights(found: Check) -> Check:
    """The same check of a training loop, whose result is what it returned and what it made of the model's weights."""

    def with_weights(train: Callable) -> Callable:
        def trained(model: nn.Module, *others: object) -> dict:
            with _one_thread(), torch.enable_grad():  # lessons may have switched gradients off
                losses = train(model, *others)
            weights = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
            return {"the losses": losses, "the weights afterwards": weights}

        return trained

    def judge(trial: Trial) -> None:
        answer = trial.answer
        if not callable(answer):
            found.judge(trial)
        mistakes = tuple((with_weights(wrong), hint) for wrong, hint in found.mistakes)
        whole = against(found.asks, with_weights(_train), _runs, mistakes=mistakes, shrink=False, in_place=True)
        inner = dataclasses.replace(trial, answer=Around(answer, with_weights(answer)))
        try:
            whole.judge(inner)
        finally:
            trial.cases, trial.printed = inner.cases, inner.printed

    return dataclasses.replace(found, judge=judge)


def _zero_named(found: Check) -> Check:
    """The same check of a schedule; who divides by 0 is told which of the two lengths is 0."""

    def judge(trial: Trial) -> None:
        try:
            found.judge(trial)
        except Wrong as wrong:
            if not wrong.message.startswith("ZeroDivisionError"):
                raise
            _, warmup_steps, total_steps, _ = trial.described.split(", ")
            hint = "without warm-up (warmup_steps = 0) there is no way up: ask for that before you divide."
            if warmup_steps == total_steps:
                hint = (
                    "here the warm-up ends where the run ends, so the way down has no length. From total_steps on the "
                    "rate is 0: settle that before you divide."
                )
            raise Wrong(wrong.message, hint) from None

    return dataclasses.replace(found, judge=judge)


def _in_place_as_well(found: Check) -> Check:
    """The same check, but an answer may also scale the gradients where they are, as torch does.

    Such an answer returns None or, like torch's own function, the norm: what it made of the gradients counts, then.
    """

    def judge(trial: Trial) -> None:
        answer, works_in_place = trial.answer, False
        if not callable(answer):
            found.judge(trial)

        def scaled(gradients: list[Tensor], max_norm: float) -> object:
            nonlocal works_in_place
            before = [gradient.clone() for gradient in gradients]
            got = answer(gradients, max_norm)
            # Once is enough: where nothing is to be clipped, it changes nothing.
            kept = (
                isinstance(new, Tensor) and torch.equal(one, new) for one, new in zip(before, gradients, strict=False)
            )
            works_in_place = works_in_place or not all(kept)
            return got if isinstance(got, list | tuple) or not works_in_place else gradients

        inner = dataclasses.replace(trial, answer=Around(answer, scaled))
        try:
            found.judge(inner)
        finally:
            trial.cases, trial.printed = inner.cases, inner.printed

    return dataclasses.replace(found, judge=judge)


def _with_gradient(found: Check) -> Check:
    """The same check; in the end, the loss must have a gradient, which reaches every token's loss."""

    def judge(trial: Trial) -> None:
        found.judge(trial)
        answer = trial.answer

        def gradients_of(losses: list[Tensor]) -> list[Tensor] | None:
            got = answer([1.0 * loss for loss in losses])
            if not isinstance(got, Tensor) or not got.requires_grad:
                return []
            return list(torch.autograd.grad(got, losses, allow_unused=True, materialize_grads=True))

        hint = (
            "backward() must reach every token's loss: stay with tensors; item(), tolist(), detach(), numpy() and "
            "torch.tensor(…) cut the gradient off."
        )
        losses = [floats(trial.rng, size).abs().requires_grad_() for size in (3, 1)]
        asked = dataclasses.replace(trial, answer=Around(answer, gradients_of))
        try:
            got = asked.call(losses)
        except Wrong as wrong:
            raise Wrong(f"right on numbers; where losses need a gradient: {wrong.message}", hint) from None
        if not got:
            raise Wrong("the number is right, but it has no gradient: nothing can be learnt from it", hint)
        for place, gradient in enumerate(got):
            if not torch.allclose(gradient, torch.full_like(gradient, 1 / 4)):
                came = f"1/4 for each of 4 tokens, in batch {place} it is {gradient[0].item():g}"
                raise Wrong(f"the number is right, but its gradient is not: expected {came}", hint)
        trial.cases = asked.cases

    return dataclasses.replace(found, judge=judge)


_ROUND_UP = "round up: the last batch and the last update count too."
_OFFICIAL = (
    "after the warm-up yours is where a way down that began at step 0 would be: the rate jumps down there "
    "(google-research/bert does that). Here the way down begins at peak, where the warm-up ends."
)
_STEP_AHEAD = "you are one step ahead: the schedule was stepped before the optimizer; the first rate is 0."
_TWO_DECIMALS = "two decimals are asked for: always two, zeros among them."
_ON_ITS_OWN = "that cuts each number on its own and turns the direction."
_BOTH_MOMENTS = "the moments begin at 0: divide them by 1 − β to the power of the step."

_STAYS = "the weights stay as they are: zero_grad() or step() is at the wrong place. Order: zero_grad, backward, step."
_WITHOUT_CLIPPING = "clip the gradients to a common norm of 1, between backward() and step()."

CHECKS = {
    "step": errors_named(
        against(
            "weights (V,), tokens (a tensor of ids), rate -> the weights (V,) after one update of gradient descent, "
            "for the model that gives each token the probability softmax(weights) at every place; loss: the mean of "
            "−log p",
            _step,
            _scores_and_tokens,
            printed=1,
            in_place=True,
            mistakes=(
                (_step_with(lambda p, shares: shares - p), "yours goes uphill: the gradient is subtracted."),
                (_summed_step, "the loss is a mean: divide by the number of tokens."),
                (_without_rate, "the gradient is multiplied by the rate."),
                (_divided_by_rate, "the gradient is multiplied by the rate, not divided by it."),
                (_gradient_alone, "that is the gradient: subtract rate times it from the weights."),
                (_step_alone, "that is the step alone: add it to the weights."),
                (_of_scores, "the weights are scores: the softmax makes probabilities of them first."),
                (_step_with(lambda p, shares: p), "the gradient is p minus the tokens' shares: these are missing."),
                (_step_with(lambda p, shares: -shares), "the gradient is p minus the tokens' shares: p is missing."),
                (_first_token_alone, "all tokens count, not the first alone."),
                (_one_after_the_other, "one update for all tokens together: yours makes one for each of them."),
                (_loss_of_the_step, "that is the loss: the weights after the update are asked for."),
                (_probabilities_after, "those are the probabilities: the weights themselves are asked for."),
            ),
        ),
        {
            "does not require grad": "torch follows only what it is asked to follow: begin with a copy that asks for a "
            "gradient, weights.detach().clone().requires_grad_().",
        },
    ),
    "train": _with_weights(
        against(
            "model (model(**batch).loss is a batch's loss), batches (a list of dictionaries), peak, warmup_steps -> "
            "the losses, one number per update, each as it was before it; the model is trained in place, one update "
            "per batch: AdamW with β = (0.9, 0.999), ε = 1e-6 and weight decay 0.01 for matrices alone, gradients "
            "clipped to a common norm of 1, the linear schedule over len(batches) steps",
            _train,
            _runs,
            mistakes=(
                (_loop("no zero_grad"), "gradients add up from update to update: zero_grad() is missing."),
                (_loop("no step"), _STAYS),
                (_loop("zero_grad last"), _STAYS),
                (_loop("step first"), _STAYS),
                (_loop("no clip"), _WITHOUT_CLIPPING),
                (_loop("clip first"), _WITHOUT_CLIPPING),
                (_loop("clip last"), _WITHOUT_CLIPPING),
                (_loop("value clipped"), "the norm is that of all gradients together: clip_grad_norm_, not _value_."),
                (_loop("constant"), "the rate is constant in yours: set group['lr'] for each step."),
                (_loop("ahead"), _STEP_AHEAD),
                (_loop("rate last"), "set the rate before step(), not after it: the first update has rate 0."),
                (_loop("no decay"), "the matrices decay: weight_decay=0.01."),
                (_loop("decay on all"), "biases and the LayerNorm do not decay: give parameter_groups(model, 0.01)."),
                (_loop("all defaults"), "biases and the LayerNorm do not decay, and ε is 1e-6: see parameter_groups."),
                (_loop("eps"), "ε is 1e-6 here; torch's default is 1e-8."),
                (_loop("Adam"), "that is Adam, where the decay enters the gradient: AdamW is asked for."),
                (_loop("Adam by default"), "that is Adam, where the decay enters the gradient: AdamW is asked for."),
                (_loop("SGD"), "that is plain gradient descent: AdamW is asked for."),
                (_loop("anew"), "the optimizer keeps the moments: make it once, before the loop."),
                (_loop("loss afterwards"), "the losses are those before each update, from the same forward pass."),
                (_loop("one"), "there is one update for each batch: is the return inside of the loop?"),
                (_loop("last"), "that is the last loss: one for each update is asked for, as a list."),
                (_loop("mean"), "that is the mean loss: one for each update is asked for, as a list."),
            ),
        )
    ),
    "schedule": _zero_named(
        against(
            "step (0, 1, 2, …), warmup_steps, total_steps, peak -> learning rate: up linearly from 0 to peak at step "
            "warmup_steps, then down linearly to 0 at total_steps, and 0 from there on; without warm-up it begins at "
            "peak",
            _rate,
            _steps,
            atol=1e-12,
            printed=6,
            mistakes=(
                (_full_at_once, "there is no warm-up: the first updates are at nearly the full rate."),
                (_schedule_of(_up, _below_zero), "it is negative after total_steps: from there on the rate stays 0."),
                (_schedule_of(_up, _full_at_once), _OFFICIAL),
                (_one_ahead, _STEP_AHEAD),
                (
                    _schedule_of(_up_one_ahead, _down),
                    "one step ahead in the warm-up: step counts from 0, the first rate is 0.",
                ),
                (_down_from_the_start, "the way down begins where the warm-up ends, at the peak."),
                (_at_once_no_warmup, "without warm-up (warmup_steps = 0) the first rate is peak."),
                (_constant_after, "after the warm-up it falls to 0 at total_steps."),
                (_schedule_of(_up, _peak), "after the warm-up it falls to 0 at total_steps."),
                (_up_on_and_on, "after the warm-up it falls to 0: yours climbs on and on."),
                (_schedule_of(_peak, _down), "in the warm-up yours is constant: it climbs from 0 to peak."),
                (
                    _schedule_of(_share_of_all, _down),
                    "on the way up, divide by warmup_steps: at its end the rate is peak.",
                ),
                (_schedule_of(_up, _down_too_early), "on the way down, steps are counted from the end of the warm-up."),
                (_schedule_of(_up, _up_again), "after the warm-up it climbs again in yours: it falls from peak to 0."),
                (
                    _schedule_of(_up, _up_again_on),
                    "after the warm-up it climbs again in yours: it falls from peak to 0.",
                ),
                (_schedule_of(_up, _cosine), "the way down is a cosine in yours: a straight line is asked for."),
                (_without_peak, "those are shares of the rate: they are multiplied by peak."),
                (
                    _first_at_full_rate,
                    "the first update is at the full rate: set the rate before the update, not after it.",
                ),
            ),
        )
    ),
    "accumulate": _with_gradient(
        against(
            "losses: for each micro-batch a tensor with one loss per token -> the loss of the one update that they "
            "make together, a tensor on which backward() can be called",
            _accumulated,
            _uneven,
            mistakes=(
                (
                    _mean_of_means,
                    "a mean of means: tokens of short batches weigh too much. One sum over all, divided by one count.",
                ),
                (_sum_of_means, "divide by the number of tokens of all batches together."),
                (_sum_alone, "that is the sum: divide by the number of tokens."),
                (_sum_over_batches, "divide by the number of tokens, not by that of batches."),
                (_last_batch, "only the last batch counts in yours."),
                (_first_batch, "only the first batch counts in yours."),
                (_a_mean_each, "that is a loss for each micro-batch: one number is asked for, over all tokens."),
                (torch.cat, "those are the losses of all tokens: one number is asked for, their mean."),
            ),
        )
    ),
    "clip": _in_place_as_well(
        against(
            "gradients (list of tensors), max_norm -> gradients, scaled down together if their common norm is above "
            "max_norm (new tensors, or the same ones changed in place)",
            _clipped,
            _gradients,
            printed=2,
            in_place=True,
            mistakes=(
                (
                    _each_on_its_own,
                    "the norm is that of all gradients together: their directions keep their proportions.",
                ),
                (_value_clipped, _ON_ITS_OWN),
                (_cut_above, _ON_ITS_OWN),
                (_always_scaled, "gradients below the norm stay as they are."),
                (_largest_number, "the norm is the root of the sum of squares, not the largest number."),
                (_added_norms, "norms do not add up: squares do."),
                (_scaled_by(lambda gradients: _norm(gradients) ** 2), "that is the norm's square: take its root."),
                (
                    _scaled_by(lambda gradients: sum(float(g.abs().sum()) for g in gradients)),
                    "the norm is the root of the sum of squares, not the sum of absolute values.",
                ),
                (
                    _scaled_by(lambda gradients: math.sqrt(sum(float((g**2).mean()) for g in gradients))),
                    "the norm is the root of the sum of all squares, not their mean.",
                ),
                (
                    _scaled_by(lambda gradients: max(float(g.norm()) for g in gradients)),
                    "that is the norm of the largest tensor: the norm is that of all gradients together.",
                ),
                (_scaled_up, "the factor is upside down: it is max_norm / norm where that is below 1."),
                (_to_one, "yours end at a norm of 1: the limit is max_norm."),
                (_to_one_at_most, "yours end at a norm of 1: the limit is max_norm."),
                (_as_they_are, "nothing is clipped: above max_norm, all are multiplied by max_norm / norm."),
                (lambda gradients, max_norm: _norm(gradients), "that is the norm: the gradients are asked for."),
            ),
        )
    ),
    "decay": against(
        "shapes {name: shape} of a model's parameters -> sorted list of the names of those that decay: no bias, "
        "nothing of a LayerNorm (modules with 'norm' in their name, in small letters or capital ones)",
        _decayed,
        _names,
        mistakes=(
            (_everything, "biases and LayerNorms do not decay."),
            (_no_bias, "LayerNorms' gains do not decay either."),
            (_no_norm, "biases do not decay either."),
            (_one_spelling, "a LayerNorm may have another name, such as attention_norm: look at small letters."),
            (_small_letters, "a LayerNorm may be written with a capital letter: compare name.lower()."),
            (_no_embeddings, "the tables of embeddings are matrices like others: they decay."),
            (_unsorted, "the right names, but not sorted."),
            (_the_others, "those are the ones that do not decay."),
        ),
    ),
    "adamw": against(
        "weight, gradients (one per update), rate, decay -> the weight after them: AdamW, β = (0.9, 0.999), ε = 1e-6",
        _adamw,
        _updates,
        atol=1e-6,  # an answer may compute in 32 bits
        mistakes=(
            (
                _adamw_with("L2"),
                "that is L2: AdamW's decay is decoupled, it shrinks the weight and stays out of the moments.",
            ),
            (_adamw_with("twice"), "the decay enters twice: leave it out of the gradient."),
            (
                _adamw_with("afterwards"),
                "the decay comes after the step in yours: it shrinks the weight as it was before the step.",
            ),
            (_adamw_with("no correction"), _BOTH_MOMENTS),
            (_adamw_with("first not corrected"), "the first moment begins at 0, too: divide it by 1 − β₁ᵗ."),
            (_adamw_with("second not corrected"), "the second moment begins at 0, too: divide it by 1 − β₂ᵗ."),
            (_adamw_with("power"), "divide by 1 − βᵗ, 1 minus the power of β, not by the power of 1 − β."),
            (_adamw_with("kept"), "keep the moments as they are: the corrected ones are for this step alone."),
            (_adamw_with("forgets"), "the moments go on from update to update: yours begin anew each time."),
            (_adamw_with(start=2), "steps count from 1 in 1 − βᵗ: yours are one ahead."),
            (_adamw_with("rate"), "the decay is multiplied by the learning rate."),
            (_adamw_with("none"), "the weight does not decay."),
            (_adamw_with("grows"), "the decay makes the weight grow in yours: it shrinks it."),
            (_adamw_with(eps=1e-8), "ε is 1e-6 here, not 1e-8."),
            (_adamw_with("ε in the root"), "ε stands outside the root: √v + ε."),
            (_adamw_with("no root"), "divide by the root of the second moment."),
            (_adamw_with("no square"), "the second moment is a mean of the gradients' squares."),
            (_adamw_with(betas=(0.9, 0.99)), "β₂ is 0.999."),
            (_adamw_with(betas=(0.9, 0.98)), "β₂ is 0.999."),
            (_adamw_with(betas=(0.1, 0.999)), "β₁ and 1 − β₁ are exchanged: 0.9 is for what was there before."),
            (_adamw_with(betas=(0.1, 0.001)), "β and 1 − β are exchanged: β is for what was there before."),
            (_adamw_with("sum"), "the new gradient enters the first moment with the factor 1 − β₁."),
            (_adamw_with("no mean"), "the first moment is a running mean of the gradients, not the last one."),
            (_adamw_with("one"), "only the first gradient is used in yours: is the return inside of the loop?"),
            (_uphill, "yours goes uphill: the step is subtracted."),
            (_plain_descent, "that is plain gradient descent."),
        ),
    ),
    "percent": against(
        "right, total -> the accuracy as a text with two decimals and a percent sign, such as '94.51%'",
        _percent,
        lambda rng: [(9451, 10000), (1, 2), (2, 3), *((int(n), 997) for n in rng.integers(1, 997, 5))],
        mistakes=(
            (lambda right, total: f"{right / total:.2f}%", "a fraction printed as if it were percent: × 100, or :.2%."),
            (lambda right, total: f"{100 * right / total:.2f}", "the percent sign is missing."),
            (lambda right, total: f"{100 * right / total:.2f} %", "no space before the percent sign."),
            (lambda right, total: f"{100 * right / total:.0f}%", _TWO_DECIMALS),
            (lambda right, total: f"{right / total:.1%}", _TWO_DECIMALS),
            (lambda right, total: f"{right / total:.3%}", _TWO_DECIMALS),
            (lambda right, total: f"{right / total:%}", _TWO_DECIMALS),
            (lambda right, total: f"{100 * right / total}%", _TWO_DECIMALS),
            (lambda right, total: f"{right / total * 100}%", _TWO_DECIMALS),
            (
                lambda right, total: f"{round(100 * right / total, 2)}%",
                "round() drops zeros at the end: the format code .2f keeps them.",
            ),
            (
                lambda right, total: f"{round(right / total * 100, 2)}%",
                "round() drops zeros at the end: the format code .2f keeps them.",
            ),
            (
                lambda right, total: f"{math.floor(10000 * right / total) / 100:.2f}%",
                "round to two decimals: yours cuts the others off.",
            ),
            (lambda right, total: f"{100 * right / total:.2%}", "the format code % multiplies by 100 by itself."),
            (lambda right, total: f"{right / total:.4f}", "percent are asked for."),
            (lambda right, total: f"{right / total:.2f}", "percent are asked for."),
            (lambda right, total: f"{right / total:.2}", "percent are asked for."),
            (lambda right, total: f"{right / total}", "percent are asked for."),
            (lambda right, total: right / total, "a text is asked for, in percent: that is a number."),
            (lambda right, total: 100 * right / total, "a text is asked for: that is a number."),
            (lambda right, total: round(100 * right / total, 2), "a text is asked for: that is a number."),
            (lambda right, total: f"{total / right:.2%}", "the fraction is upside down: right / total."),
            (lambda right, total: f"{1 - right / total:.2%}", "that is the share of wrong answers."),
        ),
    ),
    "best_epoch": against(
        "validation, test (accuracies, one per epoch) -> the number (from 1) of the epoch to keep; of equals the first",
        _best_epoch,
        _epochs,
        mistakes=(
            (lambda validation, test: test.index(max(test)) + 1, "choosing on the test set makes its figure too good."),
            (
                lambda validation, test: test.index(max(test)),
                "choosing on the test set makes its figure too good; and epochs count from 1.",
            ),
            (
                lambda validation, test: _best_epoch(
                    [one + other for one, other in zip(validation, test, strict=True)], test
                ),
                "both sets choose in yours: the test set is for reporting alone.",
            ),
            (
                lambda validation, test: _best_epoch(
                    [-abs(one - other) for one, other in zip(validation, test, strict=True)], test
                ),
                "yours takes the smallest gap: choose the highest accuracy on validation; the test set is for "
                "reporting alone.",
            ),
            (lambda validation, test: 1, "the first epoch is not always the best."),
            (lambda validation, test: len(validation), "the last epoch is not always the best."),
            (lambda validation, test: validation.index(max(validation)), "epochs count from 1."),
            (
                lambda validation, test: validation.index(min(validation)) + 1,
                "these are accuracies: higher is better.",
            ),
            (lambda validation, test: max(validation), "that is the accuracy: the number of the epoch is asked for."),
            (
                lambda validation, test: _before_a_fall(validation, 0),
                "yours stops at the first drop: a later epoch may be better.",
            ),
            (
                lambda validation, test: _before_a_fall(validation, 1e-12),
                "yours stops at the first drop: a later epoch may be better.",
            ),
            (
                lambda validation, test: len(validation) - validation[::-1].index(max(validation)),
                "of equals take the first: less training for the same.",
            ),
        ),
    ),
    "faults": number(
        "a number of three digits",
        _order_of_faults,
        "Three runs, with their training losses (MLM and NSP) at four moments from the first to the last, and the loss "
        "on held-out text at the end (MLM alone). P: {a}. Q: {b}. R: {c}. The faults: 1 the rate is a hundred times "
        "too high; 2 every update gets the same batch; 3 tokens that are not hidden are asked for as well, in training "
        "and on held-out text. Which fault has P, which Q, which R? Write the three digits in this order, as one "
        "number",
        _faults,
        mistakes=(
            (
                _faults_taken_for({1: 1, 2: 3, 3: 2}),
                "you found the run with the high rate. Of the other two: what is learned by heart does not help on "
                "other text.",
            ),
            (
                _faults_taken_for({1: 2, 2: 1, 3: 3}),
                "you found the run that is asked for what it sees. Of the other two: a single batch that comes again "
                "is learned well.",
            ),
            (
                _faults_taken_for({1: 3, 2: 2, 3: 1}),
                "you found the run with the same batch. Of the other two: too high a rate throws the loss above an "
                "even guess.",
            ),
            (_faults_taken_for({1: 2, 2: 3, 3: 1}), "none of the three is right: which loss is above an even guess?"),
            (_faults_taken_for({1: 3, 2: 1, 3: 2}), "none of the three is right: which loss is above an even guess?"),
        ),
    ),
    "updates": number(
        "a whole number",
        _batches,
        "{n} examples in batches of {b} (the last may be smaller), {a} batches per update (the last may have fewer), "
        "{e} epochs: how many updates?",
        lambda n, b, a, e: e * math.ceil(math.ceil(n / b) / a),
        mistakes=(
            (lambda n, b, a, e: e * (n // (b * a)), _ROUND_UP),
            (lambda n, b, a, e: e * (math.ceil(n / b) // a), _ROUND_UP),
            (lambda n, b, a, e: e * n / (b * a), _ROUND_UP),
            (
                lambda n, b, a, e: math.ceil(e * n / (b * a)),
                "every epoch ends with an update of its own: round up in each.",
            ),
            (lambda n, b, a, e: e * math.ceil(n / b), "several batches make one update."),
            (lambda n, b, a, e: e * a * math.ceil(n / b), "several batches make one update: divide, do not multiply."),
            (lambda n, b, a, e: e * math.ceil(n / a), "a batch has 16 examples: count the batches first."),
            (lambda n, b, a, e: math.ceil(math.ceil(n / b) / a), "every epoch goes over all of them."),
        ),
    ),
}
