"""Worked solutions of the exercises on speed and scale. Try first: `check` tells you more than these do."""

from torch.nn import functional as F


def my_layer_flops(shape, batch, length):
    tokens, width, inner = batch * length, shape["hidden_size"], shape["intermediate_size"]
    one_layer = {
        "projections": 4 * (2 * tokens * width * width),
        "attention": 2 * (2 * tokens * length * width),
        "feed-forward": 2 * (2 * tokens * width * inner),
    }
    return {name: shape["num_hidden_layers"] * count for name, count in one_layer.items()}


def my_utilisation(shape, batch, length, selected, seconds, peak):
    width = shape["hidden_size"]
    forward = sum(my_layer_flops(shape, batch, length).values())
    forward += 2 * selected * width * width + 2 * selected * width * shape["vocab_size"]  # MLM head
    # (Pooler and NSP work on one token of each row: next to nothing.)
    return 3 * forward / (seconds * peak)


def my_padding_share(lengths, length):
    slots = len(lengths) * length
    return (slots - sum(lengths)) / slots


def my_pack(lengths, room):
    rows = []
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        fits = [row for row in rows if sum(lengths[i] for i in row) + lengths[index] <= room]
        if fits:
            max(fits, key=lambda row: sum(lengths[i] for i in row)).append(index)
        else:
            rows.append([index])
    return rows


def my_buckets(lengths, batch_size, rng):
    order = sorted(range(len(lengths)), key=lambda index: lengths[index])
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    return [batches[place] for place in rng.permutation(len(batches))]


def my_selected_loss(hidden, labels, head):
    selected = labels != -100
    return F.cross_entropy(head(hidden[selected]), labels[selected])


def my_six_n(shape, selected):
    width, inner = shape["hidden_size"], shape["intermediate_size"]
    in_layers = shape["num_hidden_layers"] * (4 * width * width + 2 * width * inner)
    in_head = width * width + width * shape["vocab_size"]
    return 6 * (in_layers + selected * in_head)


def my_hours(tokens, flops, peak, utilisation):
    return tokens * flops / (peak * utilisation) / 3600


my_attention_share = 100 * 4 * 256 / (24 * 896 + 4 * 256)
my_training_memory = 16 * 219e6 / 1e9
my_slots_saved = (100 - 6) / (100 - 21)
my_whole_update = 100 / (100 - 73 + 73 / 6)
my_mean_of_two = (100 * 3.2 + 400 * 5.3) / (100 + 400)
