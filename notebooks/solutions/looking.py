"""Worked solutions of the exercises on looking inside. Try first: `check` tells you more than these do."""

import torch


def my_entropy(weights):
    terms = torch.where(weights > 0, weights * weights.clamp(min=1e-30).log(), 0.0)
    return -terms.sum(dim=-1)


def my_share_at(weights, offset):
    size = weights.shape[-1]
    queries = [q for q in range(size) if 0 <= q + offset < size]
    return float(torch.stack([weights[..., q, q + offset] for q in queries]).mean())


my_padding_share = 100 * (16 - 9) / 16


def my_looks_back(weights):
    shares = [[float(one.diagonal(-1).mean()) for one in maps] for maps in weights]
    best = max(max(row) for row in shares)
    layer = [best in row for row in shares].index(True)
    return layer, shares[layer].index(best)


def my_control_tags(words, tags, rng):
    drawn = {}
    for word in words:
        if word not in drawn:
            drawn[word] = str(rng.choice(tags))
    return [drawn[word] for word in words]


def my_order(tokens, words):
    order = []
    for word in words:
        order += [place for place, token in enumerate(tokens) if token == word and place not in order]
    return order + [place for place in range(len(tokens)) if place not in order]


def my_arrives(weights, values, output):
    size = values.shape[-1]
    rows = []
    for head, value in enumerate(values):
        handed = value @ output[:, head * size : (head + 1) * size].T
        rows.append(weights[head] * handed.norm(dim=-1))
    return torch.stack(rows)


def my_without_head(heads, output, bias, head):
    silent = torch.stack([torch.zeros_like(one) if h == head else one for h, one in enumerate(heads.unbind(1))], dim=1)
    batch, count, tokens, size = silent.shape
    return silent.permute(0, 2, 1, 3).reshape(batch, tokens, count * size) @ output.T + bias


def my_gradient_times_input(score, x):
    x = x.clone().requires_grad_()
    score(x).backward()
    return (x.grad * x.detach()).sum(dim=-1)


def my_integrated_gradients(score, x, baseline, steps):
    total = torch.zeros_like(x)
    for step in range(steps):
        share = (step + 0.5) / steps  # the middle of each step: far nearer than its end
        point = (baseline + share * (x - baseline)).requires_grad_()
        total += torch.autograd.grad(score(point), point)[0]
    return (total / steps * (x - baseline)).sum(dim=-1)


def my_balanced_accuracy(gold, predicted):
    recalls = []
    for c in set(gold):
        guesses = [p for g, p in zip(gold, predicted, strict=True) if g == c]
        recalls.append(guesses.count(c) / len(guesses))
    return sum(recalls) / len(recalls)


my_completeness = 100 * (2.4 - 0.9 - 2.0) / (2.4 - 0.9)
