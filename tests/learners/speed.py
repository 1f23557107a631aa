"""Answers to the checks on speed."""

from . import Answer

GENERIC = ("every one of its arguments", "never uses", "changes nothing")

LAYER = """
def answer(shape, batch, length):
    layers, width, inner = shape["num_hidden_layers"], shape["hidden_size"], shape["intermediate_size"]
    tokens = batch * length
    return {
        "projections": layers * 4 * 2 * tokens * width**2,
        "attention": layers * 2 * 2 * tokens * length * width,
        "feed-forward": layers * 2 * 2 * tokens * width * inner,
    }
"""

STEP = """
def answer(shape, batch, length, selected, seconds, peak):
    layers, width, inner = shape.num_hidden_layers, shape.hidden_size, shape.intermediate_size
    tokens = batch * length
    forward = layers * (8 * tokens * width**2 + 4 * tokens * length * width + 4 * tokens * width * inner)
    forward += 2 * selected * width**2 + 2 * selected * width * shape.vocab_size
    return 3 * forward / seconds / peak
"""


def layer_flops(change, to, named, *never):
    assert change in LAYER
    return Answer("speed.layer_flops", LAYER.replace(change, to), named, (*GENERIC, *never))


def utilisation(change, to, named, *never):
    assert change in STEP
    return Answer("speed.utilisation", STEP.replace(change, to), named, (*GENERIC, *never))


def padding_share(expression, named, *never):
    code = f"def answer(lengths, length): return {expression}"
    return Answer("speed.padding_share", code, named, (*GENERIC, *never))


def pack(lines, named, *never):
    return Answer("speed.pack", f"def answer(lengths, room):\n{lines}", named, never)


def placed(order, choice, named, *never):
    """Takes the texts in this order, and puts each into the row that `choice` names among those with room."""
    return pack(
        f"""
    rows = []
    def full(row): return sum(lengths[i] for i in row)
    for index in {order}:
        fits = [row for row in {choice[1]} if full(row) + lengths[index] <= room]
        if fits:
            {choice[0]}.append(index)
        else:
            rows.append([index])
    return rows""",
        named,
        *never,
    )


def number(name, expression, named, *never):
    return Answer(f"speed.{name}", f"answer = {expression}", named, never)


def buckets(lines, named, *never):
    return Answer("speed.buckets", f"def answer(lengths, batch_size, rng):\n{lines}", named, (*GENERIC, *never))


def grouped(order, give, named, *never):
    """Cuts this order into batches and gives them in this way."""
    cut = "batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]"
    return buckets(f"    order = {order}\n    {cut}\n    return {give}", named, *never)


def selected_loss(lines, named, *never):
    return Answer("speed.selected_loss", f"def answer(hidden, labels, head):\n{lines}", named, (*GENERIC, *never))


def chosen(condition, expression, named, *never):
    return selected_loss(f"    selected = {condition}\n    return {expression}", named, *never)


SIX = """
def answer(shape, selected):
    layers, width, inner = shape.num_hidden_layers, shape.hidden_size, shape.intermediate_size
    in_layers = layers * (4 * width**2 + 2 * width * inner)
    in_head = width**2 + width * shape.vocab_size
    return 6 * (in_layers + selected * in_head)
"""


def six_n(change, to, named, *never):
    assert change in SIX
    return Answer("speed.six_n", SIX.replace(change, to), named, (*GENERIC, *never))


def hours(expression, named, *never):
    code = f"def answer(tokens, flops, peak, utilisation): return {expression}"
    return Answer("speed.hours", code, named, (*GENERIC, *never))


BY_LENGTH = "sorted(range(len(lengths)), key=lambda i: lengths[i])"
DRAWN = "[batches[i] for i in rng.permutation(len(batches))]"
CE = "F.cross_entropy(head(hidden[selected]), labels[selected])"
LONGEST_FIRST = "sorted(range(len(lengths)), key=lambda i: -lengths[i])"
FIRST_FIT, BEST_FIT, LAST_ROW = ("fits[0]", "rows"), ("max(fits, key=full)", "rows"), ("fits[0]", "rows[-1:]")

ANSWERS = [
    # ---------------------------------------------------------------------------------------------------- layer_flops
    layer_flops("layers * 4", "4 * layers", None),
    Answer(
        "speed.layer_flops",
        """
def answer(shape, batch, length):
    D, n = shape.hidden_size, batch * length
    return {"projections": 8 * n * D**2, "attention": 4 * n * length * D, "feed-forward": 16 * n * D**2}
""",
        "not always 4 · d",
    ),
    Answer(
        "speed.layer_flops",
        """
def answer(shape, batch, length):
    D, m, n = shape.hidden_size, shape.intermediate_size, batch * length
    return {"projections": 8 * n * D**2, "attention": 4 * n * length * D, "feed-forward": 4 * n * D * m}
""",
        "of one layer",
        ("not always",),
    ),
    Answer(
        "speed.layer_flops",
        """
def answer(config, batch, length):
    D, m, n = config.hidden_size, config.intermediate_size, batch * length
    counts = dict.fromkeys(("projections", "attention", "feed-forward"), 0)
    for _ in range(config.num_hidden_layers):
        for rows, inside, columns in [(D, D, D)] * 4:
            counts["projections"] += 2 * n * inside * columns
        counts["attention"] += 2 * batch * length * D * length + 2 * batch * length * length * D
        counts["feed-forward"] += 2 * n * D * m + 2 * n * m * D
    return counts
""",
        None,
    ),
    Answer(
        "speed.layer_flops",
        """
def answer(shape, batch, length):
    heads = shape.num_attention_heads
    D, m = np.int64(shape.hidden_size), np.int64(shape.intermediate_size)
    one = np.array([8 * length * D * D, heads * 4 * length * length * (D // heads), 4 * length * D * m])
    return dict(zip(["projections", "attention", "feed-forward"], shape.num_hidden_layers * batch * one))
""",
        None,
    ),
    Answer(
        "speed.layer_flops",
        """
from bertcourse.costs import forward_flops

def answer(shape, batch, length):
    counted = forward_flops(shape, batch, length, 0)
    return {part: counted[part] for part in ("feed-forward", "attention", "projections")}
""",
        None,
    ),
    Answer(
        "speed.layer_flops",
        """
def answer(shape, batch, length):
    L, D, m = (float(shape[name]) for name in ("num_hidden_layers", "hidden_size", "intermediate_size"))
    def product(n, k, m): return 2 * n * k * m
    return {
        "projections": int(L * 4 * product(batch * length, D, D)),
        "attention": int(L * batch * (product(length, D, length) + product(length, length, D))),
        "feed-forward": int(L * (product(batch * length, D, m) + product(batch * length, m, D))),
    }
""",
        None,
    ),
    layer_flops("layers * 4 *", "layers * 3 *", "four projections"),
    layer_flops('"attention": layers * 2 * 2', '"attention": layers * 2', "two products"),
    layer_flops("tokens * length * width", "tokens * width", "every token"),
    layer_flops("tokens * length * width", "tokens * tokens * width", "its own row"),
    layer_flops("tokens * length * width", "tokens * length", "width"),
    layer_flops("tokens * width * inner", "tokens * width * 4 * width", "inner width is given"),
    layer_flops("layers * 2 * 2 * tokens * width * inner", "layers * 2 * tokens * width * inner", "two products"),
    layer_flops("tokens = batch * length", "tokens = length", "batch"),
    layer_flops("tokens = batch * length", "tokens = batch * length; layers = 1", "of one layer"),
    layer_flops("tokens = batch * length", "tokens = batch * length; layers = 3 * layers", "backward"),
    layer_flops("tokens = batch * length", "tokens = batch * length; layers = layers / 2", "two operations"),
    layer_flops('"feed-forward"', '"feed_forward"', "key 'feed-forward' is missing"),
    Answer("speed.layer_flops", "def answer(shape, batch, length): return {'total': 0}", "'projections' is missing"),
    Answer(
        "speed.layer_flops",
        LAYER.replace("    return {", "    parts = {") + "    return sum(parts.values())\n",
        "sum",
        GENERIC,
    ),
    # ---------------------------------------------------------------------------------------------------- utilisation
    utilisation("3 * forward / seconds / peak", "3 * forward / (seconds * peak)", None),
    utilisation("shape.hidden_size", "shape['hidden_size']", None),
    utilisation("return", "forward += 2 * batch * width * (width + 2)\n    return", None),
    utilisation("return 3 *", "return torch.tensor(3.0, dtype=torch.float64) *", None),
    Answer(
        "speed.utilisation",
        """
from bertcourse.costs import training_flops

def answer(shape, batch, length, selected, seconds, peak):
    return np.float64(training_flops(shape, batch, length, selected)) / seconds / peak
""",
        None,
    ),
    utilisation("3 * forward", "forward", "three times"),
    utilisation("3 * forward", "2 * forward", "twice"),
    utilisation("3 * forward", "4 * forward", "recomput"),
    utilisation("2 * selected * width**2 + ", "", "d × d"),
    utilisation(
        "    forward += 2 * selected * width**2 + 2 * selected * width * shape.vocab_size\n", "", "heads are missing"
    ),
    utilisation(" + 2 * selected * width * shape.vocab_size", "", "vocabulary"),
    utilisation(
        "2 * selected * width**2 + 2 * selected * width",
        "2 * tokens * width**2 + 2 * tokens * width",
        "only the selected",
    ),
    utilisation(
        "2 * selected * width**2 + 2 * selected",
        "2 * batch * selected * width**2 + 2 * batch * selected",
        "whole batch",
    ),
    utilisation("return 3", "return 300", "not percent"),
    utilisation("3 * forward / seconds / peak", "seconds * peak / (3 * forward)", "upside down"),
    utilisation("3 * forward / seconds / peak", "3 * forward / seconds", "divide by the peak"),
    utilisation("3 * forward / seconds / peak", "3 * forward / peak", "divide by the seconds", "upside"),
    utilisation("layers * (8", "(8", "all layers"),
    utilisation(" + 4 * tokens * length * width", "", "attention"),
    utilisation("shape.hidden_size", "shape.width", "attributeerror"),
    # -------------------------------------------------------------------------------------------------- padding_share
    padding_share("1 - sum(lengths) / (length * len(lengths))", None),
    padding_share("sum(length - n for n in lengths) / (length * len(lengths))", None),
    padding_share("(torch.arange(length) >= torch.tensor(lengths)[:, None]).double().mean()", None),
    padding_share("np.mean([1 - n / length for n in lengths])", None),
    padding_share("1 - torch.tensor(lengths).float().mean() / length", None),
    padding_share("sum(lengths) / (length * len(lengths))", "share of tokens"),
    padding_share("sum(length - n for n in lengths) / sum(lengths)", "divide by the slots"),
    padding_share("sum(length - n for n in lengths)", "number of padded slots"),
    padding_share("1 - sum(lengths) / (max(lengths) * len(lengths))", "padded to `length`"),
    padding_share("100 * (1 - sum(lengths) / (length * len(lengths)))", "not percent"),
    padding_share("1 - sum(lengths) / length", "all rows"),
    padding_share("sum(length - n for n in lengths) / len(lengths)", "per text"),
    padding_share("sum(n < length for n in lengths) / len(lengths)", "texts that are padded"),
    padding_share("1 - sum(lengths) // (length * len(lengths))", "//"),
    padding_share("[1 - n / length for n in lengths]", "of each text"),
    padding_share("1 - (len(lengths) * length) / sum(lengths)", "upside down"),
    # ----------------------------------------------------------------------------------------------------------- pack
    placed(LONGEST_FIRST, FIRST_FIT, None),
    placed(LONGEST_FIRST, BEST_FIT, None),
    placed("np.argsort(lengths)[::-1]", FIRST_FIT, None),
    placed("torch.tensor(lengths).argsort(descending=True)", BEST_FIT, None),
    pack(
        """
    waiting = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    while waiting:
        left, row = room, []
        for index in list(waiting):
            if lengths[index] <= left:
                row.append(index)
                waiting.remove(index)
                left -= lengths[index]
        yield row""",
        "list of rows",
    ),
    pack(
        """
    from bertlib.text.batching import pack
    return tuple(np.array(row) for row in pack(lengths, room))""",
        None,
    ),
    pack(
        """
    from bertlib.text.batching import pack
    return [set(row) for row in pack(lengths, room)]""",
        None,
    ),
    placed("range(len(lengths))", FIRST_FIT, "order in which they come"),
    placed("range(len(lengths))", BEST_FIT, "order in which they come"),
    placed("range(len(lengths))", LAST_ROW, "last row alone"),
    placed("np.random.default_rng(0).permutation(len(lengths)).tolist()", FIRST_FIT, "will do", "you take"),
    placed(LONGEST_FIRST, LAST_ROW, "last row alone", "longest first"),
    placed("sorted(range(len(lengths)), key=lambda i: lengths[i])", FIRST_FIT, "shortest first"),
    placed("sorted(range(len(lengths)), key=lambda i: lengths[i])", LAST_ROW, "shortest first"),
    pack("    return [[index] for index in range(len(lengths))]", "a row for each text"),
    pack("    return [list(range(len(lengths)))]", "room for"),
    placed(LONGEST_FIRST + "[1:]", BEST_FIT, "exactly once"),
    pack(
        """
    rows = []
    for n in sorted(lengths, reverse=True):
        fits = [row for row in rows if sum(row) + n <= room]
        if fits:
            fits[0].append(n)
        else:
            rows.append([n])
    return rows""",
        "not lengths",
    ),
    pack(
        """
    rows, full = [[]], 0
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if full + lengths[index] >= room:
            rows.append([])
            full = 0
        rows[-1].append(index)
        full += lengths[index]
    return rows""",
        "just fits",
    ),
    pack(
        """
    lengths.sort(reverse=True)
    return [[index] for index in range(len(lengths))]""",
        "in place",
    ),
    pack("    return len(lengths)", "list of rows"),
    pack("    return list(range(len(lengths)))", "list of rows"),
    pack("    return [[float('nan')]]", "list of rows"),
    # -------------------------------------------------------------------------------------------------------- buckets
    grouped(BY_LENGTH, DRAWN, None),
    grouped("np.argsort(lengths)[::-1]", DRAWN, None),
    grouped("torch.tensor(lengths).argsort()", "[batches[i].tolist() for i in rng.permutation(len(batches))]", None),
    grouped("np.argsort(np.array(lengths) * rng.uniform(0.9, 1.1, len(lengths)))", DRAWN, None),
    buckets(
        """
    batches = np.split(np.argsort(lengths), range(batch_size, len(lengths), batch_size))
    rng.shuffle(batches)
    return tuple(batches)""",
        None,
    ),
    buckets(
        """
    from bertlib.text.batching import length_buckets
    return length_buckets(lengths, batch_size, rng)""",
        None,
    ),
    buckets(
        """
    waiting, batches = sorted((n, i) for i, n in enumerate(lengths)), []
    while waiting:
        batches.insert(int(rng.integers(len(batches) + 1)), [i for _, i in waiting[:batch_size]])
        waiting = waiting[batch_size:]
    return batches""",
        None,
    ),
    grouped(BY_LENGTH, "batches", "all short texts first"),
    grouped("np.argsort(lengths)[::-1]", "batches", "all short texts first"),
    grouped("list(range(len(lengths)))", DRAWN, "of the *batches* alone"),
    grouped(BY_LENGTH, "rng.permutation(batches).tolist()", "draw their numbers"),
    grouped(BY_LENGTH, "[list(batch) for batch in rng.permutation(np.array(batches))]", "draw their numbers"),
    grouped("rng.permutation(len(lengths))", "batches", "of the *batches* alone"),
    grouped("rng.permutation(sorted(range(len(lengths)), key=lengths.__getitem__))", "batches", "the *batches* alone"),
    grouped(BY_LENGTH, "[batches[i] for i in np.random.permutation(len(batches))]", "the `rng` that is given"),
    grouped(
        BY_LENGTH,
        "[batches[i] for i in np.random.default_rng(0).permutation(len(batches))]",
        "the `rng` that is given",
        "all short texts",
    ),
    grouped("sorted(lengths)", DRAWN, "not lengths"),
    grouped(BY_LENGTH, DRAWN.replace("len(batches)", "len(batches) - 1"), "smaller batch is missing"),
    buckets(f"    return {BY_LENGTH}", "cut the sorted"),
    buckets(f"    order = {BY_LENGTH}\n    return [order[i::batch_size] for i in range(batch_size)]", "neighbours"),
    buckets(
        f"    order = {BY_LENGTH}\n    for i in rng.permutation(-(-len(order) // batch_size)):\n"
        "        yield order[i * batch_size : (i + 1) * batch_size]",
        "generator",
    ),
    buckets("    return []", ""),
    buckets("    rng.shuffle(lengths)\n    return [lengths]", "in place"),
    # -------------------------------------------------------------------------------------------------- selected_loss
    chosen("labels != -100", CE, None),
    chosen(
        "labels.flatten() >= 0",
        "F.cross_entropy(head(hidden.flatten(0, 1)[selected]), labels.flatten()[selected])",
        None,
    ),
    chosen("(labels != -100).nonzero(as_tuple=True)", CE, None),
    chosen(
        "labels > -1",
        "-head(hidden[selected]).log_softmax(-1).gather(-1, labels[selected][:, None]).mean()",
        None,
    ),
    selected_loss(
        """
    total, count = 0, 0
    for states, row in zip(hidden, labels):
        places = [i for i, label in enumerate(row.tolist()) if label >= 0]
        if places:
            scores = head(states[places])
            total = total + F.cross_entropy(scores, row[places], reduction="sum")
            count += len(places)
    return total / count""",
        None,
    ),
    chosen(
        "labels.ne(-100)",
        "nn.CrossEntropyLoss(reduction='sum')(head(hidden[selected]), labels[selected]) / selected.sum()",
        None,
    ),
    selected_loss(
        "    return F.cross_entropy(head(hidden).flatten(0, 1), labels.flatten())", "choose first", "right on"
    ),
    selected_loss("    return F.cross_entropy(head(hidden).transpose(1, 2), labels)", "choose first"),
    chosen("labels != -100", "F.cross_entropy(head(hidden)[selected], labels[selected])", "choose first"),
    chosen("labels != -100", CE[:-1] + ", reduction='sum')", "that is the sum"),
    chosen("labels != -100", CE[:-1] + ", reduction='sum') / labels.numel()", "not of all places"),
    chosen("labels != -100", CE[:-1] + ", reduction='sum') / len(labels)", "not of rows"),
    chosen("labels > 0", CE, "0 is a label"),
    chosen("labels == -100", CE, "without a label"),
    chosen("labels != -100", CE.replace("[selected])", "[selected]).softmax(-1)", 1), "leave yours out"),
    chosen("labels != -100", CE + ".item()", "no gradient"),
    chosen("labels != -100", CE.replace("hidden[selected]", "hidden[selected].detach()"), "no gradient"),
    chosen("labels != -100", "F.cross_entropy(head(hidden[selected]), labels)", "batch_size"),
    chosen(
        "labels != -100",
        "F.cross_entropy(head(hidden * selected[..., None]).flatten(0, 1), labels.flatten().clamp(min=0))",
        "leave it out",
    ),
    selected_loss(
        """
    rows = [F.cross_entropy(head(h[l != -100]), l[l != -100]) for h, l in zip(hidden, labels) if (l != -100).any()]
    return torch.stack(rows).mean()""",
        "row means",
    ),
    # ---------------------------------------------------------------------------------------------------------- six_n
    six_n("6 *", "6.0 *", None),
    six_n("shape.num_hidden_layers", "shape['num_hidden_layers']", None),
    Answer(
        "speed.six_n",
        """
from bertcourse.costs import forward_flops

def answer(shape, selected):
    parts = forward_flops(shape, 1, 1000, 1)
    once = parts["projections"] + parts["feed-forward"]
    return 3 * (once / 1000 + selected * (parts["MLM transform"] + parts["vocabulary"]))
""",
        None,
    ),
    Answer(
        "speed.six_n",
        """
def answer(config, selected):
    D, matrices = config.hidden_size, []
    for _ in range(config.num_hidden_layers):
        matrices += [(D, D)] * 4 + [(D, config.intermediate_size), (config.intermediate_size, D)]
    head = [(D, D), (D, config.vocab_size)]
    return np.float64(6 * sum(n * m for n, m in matrices) + 6 * selected * sum(n * m for n, m in head))
""",
        None,
    ),
    six_n("selected * in_head", "in_head", "selected tokens alone"),
    six_n(" + selected * in_head", "", "head is missing"),
    six_n("return 6 *", "return 2 *", "forward pass"),
    six_n("return 6 *", "return 3 *", "two operations"),
    six_n("width**2 + width * shape.vocab_size", "width * shape.vocab_size", "d × d"),
    six_n("selected * in_head)", "selected * in_head + width * shape.vocab_size)", "looked up"),
    six_n("layers * (4", "(4", "one layer"),
    six_n("2 * width * inner", "8 * width**2", "inner width"),
    six_n("(in_layers + selected * in_head)", "selected * (in_layers + in_head)", "labelled or not"),
    # ---------------------------------------------------------------------------------------------------------- hours
    hours("tokens * flops / (peak * utilisation) / 3600", None),
    hours("(tokens / (utilisation * peak / flops)) / 60 / 60", None),
    hours("np.float64(tokens) * flops / peak / utilisation / 3600", None),
    hours("torch.tensor(tokens * flops / (peak * utilisation) / 3600, dtype=torch.float64)", None),
    hours("tokens * flops / peak / 3600", "at its peak"),
    hours("tokens * flops / peak * utilisation / 3600", "divide by the utilisation"),
    hours("tokens * flops / (peak * utilisation)", "seconds"),
    hours("tokens * flops / (peak * utilisation) / 60", "minutes"),
    hours("tokens * flops / (peak * utilisation) / 86400", "days"),
    hours("3 * tokens * flops / (peak * utilisation) / 3600", "backward"),
    hours("tokens * flops / (peak * utilisation / 100) / 3600", "percent"),
    Answer(
        "speed.hours",
        "def answer(tokens, flops, peak, utilisation): return tokens / (peak * utilisation) / 3600",
        "never uses its argument flops",
    ),
    # --------------------------------------------------------------------------------------------------------- numbers
    number("slots_saved", "(100 - 6) / (100 - 21)", None),
    number("slots_saved", "0.94 / 0.79", None),
    number("slots_saved", "1.19", None),
    number("slots_saved", "21 / 6", "padding's share"),
    number("slots_saved", "0.79 / 0.94", "upside down"),
    number("slots_saved", "100 / 79", "without any padding"),
    number("slots_saved", "1.15", "different totals"),
    number("slots_saved", "15", "percentage points"),
    number("slots_saved", "1 / (1 - 0.15)", "different totals"),
    number("slots_saved", "1.2", "three significant digits"),
    number("whole_update", "1 / (0.27 + 0.73 / 6)", None),
    number("whole_update", "600 / (6 * 27 + 73)", None),
    number("whole_update", "2.55", None),
    number("whole_update", "6", "rest takes"),
    number("whole_update", "2.4", ""),
    number("whole_update", "0.27 + 0.73 * 6", "times add up"),
    number("whole_update", "0.27 + 0.73 / 6", "time that is left"),
    number("whole_update", "1 / 0.27", "no time at all"),
    number("whole_update", "1 / (0.73 + 0.27 / 6)", "not the rest"),
    number("mean_of_two", "(100 * 3.2 + 400 * 5.3) / 500", None),
    number("mean_of_two", "0.2 * 3.2 + 0.8 * 5.3", None),
    number("mean_of_two", "np.average([3.2, 5.3], weights=[100, 400])", None),
    number("mean_of_two", "(3.2 + 5.3) / 2", "mean of means"),
    number("mean_of_two", "0.8 * 3.2 + 0.2 * 5.3", "swapped"),
    number("mean_of_two", "(100 * 3.2 + 400 * 5.3) / 2", "not by 2"),
    number("mean_of_two", "100 * 3.2 + 400 * 5.3", "sum over all tokens"),
    number("mean_of_two", "3.2 + 5.3", "sum of the two means"),
    number("mean_of_two", "4.7", ""),
    number("attention_share", "100 * 4 * 256 / (24 * 896 + 4 * 256)", None),
    number("attention_share", "4.545", None),
    number("attention_share", "torch.tensor(4.5455)", None),
    number("attention_share", "100 * 4 * 256 / (24 * 896)", "divide by all"),
    number("attention_share", "100 * 2 * 256 / (24 * 896 + 2 * 256)", "two products"),
    number("attention_share", "4 * 256 / (24 * 896 + 4 * 256)", "not a fraction"),
    number("attention_share", "100 * 4 * 256 / (16 * 896 + 4 * 256)", "four projections"),
    number("attention_share", "100 * 4 * 256 / (8 * 896 + 4 * 256)", "feed-forward"),
    number("attention_share", "100 * (8 * 896 + 4 * 256) / (24 * 896 + 4 * 256)", "without the projections"),
    number("attention_share", "100 - 100 * 4 * 256 / (24 * 896 + 4 * 256)", "all the others"),
    number("attention_share", "4.5", "right as far as it goes"),
    number("attention_share", "5", "about that: give three significant digits", "right as far"),
    number("attention_share", "256", ""),
    number("training_memory", "16 * 219e6 / 1e9", None),
    number("training_memory", "3.504", None),
    number("training_memory", "sum(4 * 0.219 for _ in ('weight', 'gradient', 'first', 'second'))", None),
    number("training_memory", "16 * 219e6 / 2**30", "gib"),
    number("training_memory", "16 * 219e6 / 2**20", "megabytes"),
    number("training_memory", "3504", "megabytes"),
    number("training_memory", "16 * 219e6", "bytes"),
    number("training_memory", "4 * 0.219", "weights alone"),
    number("training_memory", "8 * 0.219", "two moments"),
    number("training_memory", "12 * 0.219", "two moments"),
    number("training_memory", "128 * 0.219", "bits"),
    number("training_memory", "3", ""),
]
