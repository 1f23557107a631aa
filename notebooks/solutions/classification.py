"""Worked solutions of the exercises on classification. Try first: `check` tells you more than these do."""

import math

import torch
from torch import nn
from torch.nn import functional as F


def my_padding(sequences, pad_token_id):
    longest = max(len(sequence) for sequence in sequences)
    ids = [[*sequence, *[pad_token_id] * (longest - len(sequence))] for sequence in sequences]
    mask = [[1] * len(sequence) + [0] * (longest - len(sequence)) for sequence in sequences]
    return torch.tensor(ids), torch.tensor(mask)


def my_buckets(lengths, batch_size):
    order = sorted(range(len(lengths)), key=lambda index: lengths[index])
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def my_truncate(ids, max_length):
    if len(ids) <= max_length:
        return ids
    return ids[: max_length - 1] + ids[-1:]


def my_predict(pooled, weight, bias):
    return torch.stack([(weight @ vector + bias).argmax() for vector in pooled])


class my_head(nn.Module):
    def __init__(self, size, classes):
        super().__init__()
        self.dropout = nn.Dropout(0.1)
        self.layer = nn.Linear(size, classes)

    def forward(self, pooled):
        return self.layer(self.dropout(pooled))


def my_epoch(model, optimizer, batches):
    model.train()
    total, texts = 0.0, 0
    for ids, mask, labels in batches:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(ids, mask), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
        texts += len(labels)
    return total / texts


def my_answer_span(start, end):
    best, found = -math.inf, None
    for first in range(len(start)):
        for last in range(first, len(end)):
            if start[first] + end[last] > best:
                best, found = start[first] + end[last], (first, last)
    return found


def my_accuracy(gold, predicted):
    return sum(g == p for g, p in zip(gold, predicted, strict=True)) / len(gold)


def my_confusion(gold, predicted, classes):
    table = [[0] * classes for _ in range(classes)]
    for g, p in zip(gold, predicted, strict=True):
        table[g][p] += 1
    return table


def my_report(gold, predicted, classes):
    table, result = my_confusion(gold, predicted, classes), []
    for c in range(classes):
        right, found, there = table[c][c], sum(row[c] for row in table), sum(table[c])
        precision = right / found if found else 0.0
        recall = right / there if there else 0.0
        f1 = 2 * precision * recall / (precision + recall) if right else 0.0
        result.append((precision, recall, f1))
    return result


def my_macro_f1(gold, predicted, classes):
    return sum(f1 for _, _, f1 in my_report(gold, predicted, classes)) / classes


def my_split(texts, share, rng):
    different = sorted(set(texts))  # sorted: a set's own order changes from run to run
    rng.shuffle(different)
    test_texts, count = set(), 0
    for text in different:
        if count < share * len(texts):
            test_texts.add(text)
            count += texts.count(text)
    train = [i for i, text in enumerate(texts) if text not in test_texts]
    return train, [i for i, text in enumerate(texts) if text in test_texts]


def my_interval(right, total):
    share = right / total
    error = math.sqrt(share * (1 - share) / total)
    return share - 1.96 * error, share + 1.96 * error


my_baseline = 38 / (38 + 23 + 16)

my_leak = 100 * 37 / 450 * (1 - 90 / 100)

my_wrong_line = 4  # the tokenizer that it calls is made nowhere
