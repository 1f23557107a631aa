"""Worked solutions of the exercises on small models and a service. Try first: `check` tells you more than these do."""

import numpy as np
from torch.nn import functional as F


def my_frontier(sizes, scores):
    models = list(zip(sizes, scores, strict=True))

    def beaten(one):
        return any(size <= one[0] and score >= one[1] and (size, score) != one for size, score in models)

    return [n for n, one in enumerate(models) if not beaten(one)]


def my_distil_loss(student, teacher, labels, temperature, alpha):
    wrong, right = F.log_softmax(student / temperature, dim=-1), F.softmax(teacher / temperature, dim=-1)
    soft = F.kl_div(wrong, right, reduction="batchmean")  # sums over classes, a mean over texts
    return alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(student, labels)


my_wrong_line = 7  # cleared gradients move nothing: backward() has to stand before step()

my_head_bytes = 4 * (3 * (192 * 256 + 192) + 256 * 192 + 256)  # 6 heads of 32 are left; the output gives all 256


def my_quantize(weight):
    largest = np.abs(weight).max(axis=1)
    scales = np.where(largest > 0, largest / 127, 1.0)  # a row of zeros: any scale will do
    return np.rint(weight / scales[:, None]).astype(np.int8), scales


def my_int8_linear(x, zero, scale, q, scales, bias):
    sums = (x.astype(np.int32) - zero) @ q.astype(np.int32).T  # whole numbers, exact
    return sums * (scale * scales) + bias


def my_waits(arrivals, takes):
    free, waits = 0.0, []
    for arrival, take in zip(arrivals, takes, strict=True):
        free = max(free, arrival) + take
        waits.append(free - arrival)
    return waits


def my_batches(arrivals, most, base, each):
    clock, done, batches = 0.0, 0, []
    while done < len(arrivals):
        clock = max(clock, arrivals[done])  # with nothing to do the worker waits, for the first alone
        here = [n for n in range(done, len(arrivals)) if arrivals[n] <= clock][:most]
        batches.append(here)
        done += len(here)
        clock += base + each * len(here)
    return batches


def my_permutation_p(distance, reference, new, orders):
    pooled, n = np.concatenate([reference, new]), len(reference)
    seen = distance(reference, new)
    drawn = [distance(pooled[order[:n]], pooled[order[n:]]) for order in orders]
    return (1 + sum(one >= seen for one in drawn)) / (1 + len(drawn))


def my_alerts(p, effects, level, in_a_row, least):
    run, alerts = 0, []
    for one, effect in zip(p, effects, strict=True):
        run = run + 1 if one <= level and effect >= least else 0
        alerts.append(run >= in_a_row)
    return alerts
