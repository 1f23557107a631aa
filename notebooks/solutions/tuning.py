"""Worked solutions of the exercises on tuning a little. Try first: `check` tells you more than these do."""

import math

import torch


def my_rate(u, low, high):
    return math.exp(math.log(low) + u * (math.log(high) - math.log(low)))  # even on the scale of logarithms


def my_expected_maximum(scores, n):
    ordered, size = sorted(scores), len(scores)
    chance = [(i / size) ** n - ((i - 1) / size) ** n for i in range(1, size + 1)]  # that the largest is the i-th
    return sum(p * score for p, score in zip(chance, ordered, strict=True))


def my_reported(trials):
    validation, test = max(trials, key=lambda trial: max(trial[0]))  # the first of equals
    return test[validation.index(max(validation))]


def my_adapter(hidden, down, down_bias, up, up_bias):
    thin = torch.nn.functional.gelu(hidden @ down.T + down_bias)
    return hidden + thin @ up.T + up_bias


my_adapter_weights = 6 * (2 * (2 * 256 * 64 + 64 + 256) + 2 * (256 + 256))


my_stored = 4 * 135 * (1 + 22 * 0.8 / 100)  # MB


def my_trained(names, method):
    parts = {"bitfit": [".bias", "classifier."], "adapters": [".down.", ".up.", "norm.", "classifier."]}[method]
    return [name for name in names if any(part in name for part in parts)]


def my_merged(weight, A, B, alpha):
    return weight + alpha / A.shape[0] * (B @ A)


def my_with_prefix(query, keys, values, prefix_keys, prefix_values, mask):
    B, P = len(keys), len(prefix_keys)
    keys = torch.cat([prefix_keys.expand(B, -1, -1), keys], dim=1)
    values = torch.cat([prefix_values.expand(B, -1, -1), values], dim=1)
    mask = torch.cat([torch.ones(B, P), mask], dim=1)
    scores = query @ keys.transpose(1, 2) / math.sqrt(query.shape[-1])
    scores = scores.masked_fill(mask[:, None] == 0, -math.inf)
    return scores.softmax(dim=-1) @ values


def my_answers(requests, tasks):
    answers = [None] * len(requests)
    for name in {name for name, _ in requests}:
        places = [place for place, (asked, _) in enumerate(requests) if asked == name]
        for place, answer in zip(places, tasks[name]([requests[place][1] for place in places]), strict=True):
            answers[place] = answer
    return answers
