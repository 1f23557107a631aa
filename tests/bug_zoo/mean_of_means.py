"""Gradient accumulation that averages the means of its batches, although their token counts differ."""

from torch.nn import functional as F


def one_update(model, batches):
    total = 0.0
    for batch in batches:
        logits = model(batch["input_ids"])
        loss = F.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten()) / len(batches)  # wrong
        loss.backward()
        total += loss.item()
    return total
