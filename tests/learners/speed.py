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


LONGEST_FIRST = "sorted(range(len(lengths)), key=lambda i: -lengths[i])"
FIRST_FIT, BEST_FIT, LAST_ROW = ("fits[0]", "rows"), ("max(fits, key=full)", "rows"), ("fits[0]", "rows[-1:]")

ANSWERS = [
    # ---------------------------------------------------------------------------------------------------- layer_flops
    layer_flops("layers * 4", "4 * layers", None),
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
from bertlib.costs import forward_flops

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
from bertlib.costs import training_flops

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
    # --------------------------------------------------------------------------------------------------------- numbers
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
    number("attention_share", "4.5", "three significant digits"),
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
