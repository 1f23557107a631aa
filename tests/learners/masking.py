"""Answers to the checks on masking."""

from . import Answer

SIGNATURE = "def answer(input_ids, *, vocab_size, mask_token_id, special_ids, rng):"
ORDINARY = "    ordinary = np.array([i for i in range(vocab_size) if i not in special_ids])"
START = f"""
{SIGNATURE}
{ORDINARY}
    ids = input_ids.numpy()
    special = np.isin(ids, special_ids)
    selected = (rng.random(ids.shape) < 0.15) & ~special
    fate = rng.random(ids.shape)
    shown = ids.copy()
"""
END = """
    labels = np.where(selected, ids, -100)
    return torch.from_numpy(shown), torch.from_numpy(labels)
"""
RIGHT = """
    shown[selected & (fate < 0.8)] = mask_token_id
    randomly = selected & (fate >= 0.9)
    shown[randomly] = rng.choice(ordinary, size=randomly.sum())
"""


def masked(old: str, new: str) -> str:
    """The right answer in numpy with one piece of it exchanged."""
    code = START + RIGHT + END
    assert old in code
    return code.replace(old, new)


# What a Python developer writes first: every token of the tensor by itself.
BY_TOKENS = f"""
{SIGNATURE}
    shown, labels = input_ids.clone(), torch.full_like(input_ids, -100)
    ordinary = [i for i in range(vocab_size) if i not in special_ids]
    for row in range(input_ids.shape[0]):
        for column in range(input_ids.shape[1]):
            if input_ids[row, column] in special_ids or rng.random() >= 0.15:
                continue
            labels[row, column] = input_ids[row, column]
            fate = rng.random()
            if fate < 0.8:
                shown[row, column] = mask_token_id
            elif fate < 0.9:
                shown[row, column] = ordinary[rng.integers(len(ordinary))]
    return shown, labels
"""
BY_LISTS = f"""
{SIGNATURE}
    ordinary = sorted(set(range(vocab_size)) - set(special_ids))
    shown, labels = [], []
    for row in input_ids.tolist():
        new, asked = [], []
        for token in row:
            if token not in special_ids and rng.random() < 0.15:
                asked.append(token)
                fate = rng.random()
                new.append(mask_token_id if fate < 0.8 else token if fate < 0.9 else int(rng.choice(ordinary)))
            else:
                asked.append(-100)
                new.append(token)
        shown.append(new)
        labels.append(asked)
    return torch.tensor(shown), torch.tensor(labels)
"""
ONE_DRAW = f"""
{SIGNATURE}
    ordinary = torch.tensor([i for i in range(vocab_size) if i not in special_ids])
    draw = torch.from_numpy(rng.random(tuple(input_ids.shape)))
    special = torch.isin(input_ids, torch.tensor(special_ids))
    selected = (draw < 0.15) & ~special
    random_ids = ordinary[torch.from_numpy(rng.integers(len(ordinary), size=tuple(input_ids.shape)))]
    shown = torch.where(selected & (draw < 0.12), mask_token_id, input_ids)
    shown = torch.where(selected & (draw >= 0.135), random_ids, shown)
    return shown, torch.where(selected, input_ids, -100)
"""
NEVER_THE_OLD_ONE = """
    shown[selected & (fate < 0.8)] = mask_token_id
    for row, column in zip(*np.nonzero(selected & (fate >= 0.9))):
        shown[row, column] = rng.choice(ordinary[ordinary != ids[row, column]])
"""

MASK_TOKENS = [
    Answer("masking.mask_tokens", START + RIGHT + END, None),
    Answer("masking.mask_tokens", BY_TOKENS, None),
    Answer("masking.mask_tokens", BY_LISTS, None),
    Answer("masking.mask_tokens", ONE_DRAW, None),
    Answer("masking.mask_tokens", START + NEVER_THE_OLD_ONE + END, None),
    Answer("masking.mask_tokens", masked(" & ~special", ""), "never selected"),
    Answer("masking.mask_tokens", masked("fate = rng.random(ids.shape)", "fate = rng.random()"), "share one"),
    Answer(
        "masking.mask_tokens",
        masked("fate = rng.random(ids.shape)", "fate = rng.random((len(ids), 1)) + np.zeros(ids.shape)"),
        "share one",
    ),
    Answer("masking.mask_tokens", masked("ids.copy()", "ids"), "in place"),
    Answer("masking.mask_tokens", masked("ordinary, size=randomly.sum()", "ordinary"), "draw an id for each"),
    Answer("masking.mask_tokens", masked("rng.choice(ordinary, ", "rng.choice(ids[~special], "), "not from the text"),
    Answer(
        "masking.mask_tokens",
        masked("rng.choice(ordinary, size=randomly.sum())", "(ids[randomly] - 4) % (vocab_size - 5) + 5"),
        "not from the text",
    ),
    Answer("masking.mask_tokens", masked("rng.choice(ordinary, ", "rng.integers(vocab_size, "), "ordinary ones only"),
    Answer(
        "masking.mask_tokens",
        masked("rng.choice(ordinary, ", "rng.integers(5, vocab_size - 1, "),
        "excludes its upper end",
    ),
    Answer("masking.mask_tokens", masked("(selected, ids, -100)", "(selected, shown, -100)"), "what stood there"),
    Answer("masking.mask_tokens", masked("ids, -100)", "ids, 0)"), "not 0"),
    Answer(
        "masking.mask_tokens",
        masked("return torch.from_numpy(shown), torch.from_numpy(labels)", "return torch.from_numpy(shown)"),
        "two things",
    ),
    Answer(
        "masking.mask_tokens",
        masked(
            "torch.from_numpy(shown), torch.from_numpy(labels)", "torch.from_numpy(labels), torch.from_numpy(shown)"
        ),
        "exchanged",
    ),
    Answer(
        "masking.mask_tokens",
        masked("(rng.random(ids.shape) < 0.15)", "(rng.random(ids.shape[1]) < 0.15)"),
        "each row needs",
        ("15 % of the ordinary",),
    ),
    Answer("masking.mask_tokens", masked("rng.random(ids.shape) < 0.15", "np.random.random(ids.shape) < 0.15"), "rng"),
    Answer("masking.mask_tokens", masked("    fate = ", "    rng = np.random.default_rng(0)\n    fate = "), "rng"),
    Answer("masking.mask_tokens", masked("(fate >= 0.9)", "(fate >= 0.8)"), "leaves none"),
    Answer("masking.mask_tokens", masked("< 0.15", "< 0.12"), "80 % of 15 %"),
]

SELECT_START = "def answer(ids, special, share, rng):\n    "
SELECT = [
    Answer("masking.select", SELECT_START + "return (rng.random(ids.shape) < share) & ~special.numpy()", None),
    Answer(
        "masking.select",
        """
def answer(ids, special, share, rng):
    chosen = torch.zeros(ids.shape, dtype=torch.bool)
    for i in range(ids.shape[0]):
        for j in range(ids.shape[1]):
            chosen[i, j] = not special[i, j] and rng.random() < share
    return chosen
""",
        None,
    ),
    Answer(
        "masking.select",
        SELECT_START
        + "return torch.tensor([[not s and rng.random() < share for s in row] for row in special.tolist()])",
        None,
    ),
    Answer("masking.select", SELECT_START + "return torch.from_numpy(rng.random(ids.shape) < share)", "~special"),
    Answer(
        "masking.select",
        SELECT_START + "return torch.from_numpy(rng.random(ids.shape) > share) & ~special",
        "wrong way",
    ),
    Answer(
        "masking.select",
        SELECT_START + "return torch.from_numpy(rng.random(ids.shape[1]) < share) & ~special",
        "each row needs",
    ),
    Answer(
        "masking.select",
        SELECT_START + "return torch.from_numpy(rng.random((len(ids), 1)) < share) & ~special",
        "not each row",
    ),
    Answer("masking.select", SELECT_START + "return (torch.rand(ids.shape) < share) & ~special", "state of their own"),
    Answer(
        "masking.select",
        SELECT_START + "return torch.from_numpy(np.random.default_rng(1).random(ids.shape) < share) & ~special",
        "",
    ),
    Answer(
        "masking.select",
        SELECT_START + "return ((torch.from_numpy(rng.random(ids.shape)) < share) & ~special).long()",
        "bool",
    ),
    Answer(
        "masking.select",
        """
def answer(ids, special, share, rng):
    draws = torch.from_numpy(rng.random(ids.shape)) + 2 * special
    return draws.argsort(1).argsort(1) < (share * (~special).sum(1, keepdim=True)).round()
""",
        "number varies",
    ),
]

EXACTLY_START = "def answer(ids, special, share, rng):\n"
EXACTLY = [
    Answer(
        "masking.exactly",
        EXACTLY_START
        + """
    chosen = np.zeros(ids.shape, dtype=bool)
    for row in range(len(ids)):
        places = np.flatnonzero(~special[row])
        chosen[row, rng.choice(places, round(share * len(places)), replace=False)] = True
    return chosen
""",
        None,
    ),
    Answer(
        "masking.exactly",
        EXACTLY_START
        + """
    chosen = np.zeros(ids.shape, dtype=bool)
    for row in range(len(ids)):
        places = [place for place in range(ids.shape[1]) if not special[row, place]]
        rng.shuffle(places)
        for place in places[: round(share * len(places))]:
            chosen[row, place] = True
    return chosen
""",
        None,
    ),
    Answer(
        "masking.exactly",
        EXACTLY_START
        + """
    draws = np.where(special, np.inf, rng.random(ids.shape))
    wanted = np.rint(share * (~special).sum(1)).astype(int)
    limits = np.sort(draws, axis=1)[np.arange(len(ids)), wanted]
    return draws < limits[:, None]
""",
        None,
    ),
    Answer(
        "masking.exactly", EXACTLY_START + "    return (rng.random(ids.shape) < share) & ~special", "a coin for each"
    ),
    Answer(
        "masking.exactly",
        EXACTLY_START
        + """
    chosen = np.zeros(ids.shape, dtype=bool)
    for row in range(len(ids)):
        places = np.flatnonzero(~special[row])
        chosen[row, rng.choice(places, round(share * len(places)))] = True
    return chosen
""",
        "without replacement",
        ("a coin for each",),
    ),
    Answer(
        "masking.exactly",
        EXACTLY_START
        + """
    draws = np.where(special, 2.0, rng.random(ids.shape))
    return draws.argsort(1).argsort(1) < int(share * (~special[0]).sum())
""",
        "do not cut off",
    ),
    Answer(
        "masking.exactly",
        EXACTLY_START
        + """
    draws = np.where(special, 2.0, rng.random(ids.shape))
    return draws.argsort(1).argsort(1) < round(share * ids.shape[1])
""",
        "ordinary tokens, not of all",
    ),
    Answer(
        "masking.exactly",
        EXACTLY_START
        + """
    draws = np.where(special, 2.0, rng.random(ids.shape[1]))
    return draws.argsort(1).argsort(1) < round(share * (~special[0]).sum())
""",
        "draws of its own",
    ),
    Answer(
        "masking.exactly",
        EXACTLY_START
        + """
    chosen = np.zeros(ids.shape, dtype=bool)
    for row in range(len(ids)):
        places = np.flatnonzero(~special[row])
        chosen[row, places[: round(share * len(places))]] = True
    return chosen
""",
        "draws of its own",
    ),
    Answer(
        "masking.exactly",
        EXACTLY_START
        + """
    draws = rng.random(ids.shape)
    return draws.argsort(1).argsort(1) < round(share * (~special[0]).sum())
""",
        "special",
    ),
    Answer(
        "masking.exactly",
        EXACTLY_START
        + """
    draws = np.where(special, 2.0, np.random.random(ids.shape))
    return draws.argsort(1).argsort(1) < round(share * (~special[0]).sum())
""",
        "state of their own",
    ),
]

LOSS = "def answer(scores, tokens, selected):\n"
EACH = (
    LOSS + "    each = F.cross_entropy(scores.flatten(0, 1), tokens.flatten(), reduction='none').view(tokens.shape)\n"
)
MLM_LOSS = [
    Answer(
        "masking.mlm_loss",
        LOSS
        + """
    total, count = 0.0 * scores.sum(), 0
    for i in range(len(scores)):
        for j in range(scores.shape[1]):
            if selected[i, j]:
                total = total - scores[i, j].log_softmax(0)[tokens[i, j]]
                count += 1
    return total / max(count, 1)
""",
        None,
    ),
    Answer(
        "masking.mlm_loss",
        LOSS
        + """
    if not selected.any():
        return 0.0 * scores.sum()
    return F.cross_entropy(scores.flatten(0, 1), torch.where(selected, tokens, -100).flatten())
""",
        None,
    ),
    *(
        Answer(
            "masking.mlm_loss",
            LOSS
            + f"""
    if not selected.any():
        return {nothing}
    return F.cross_entropy(scores.flatten(0, 1), torch.where(selected, tokens, -100).flatten())
""",
            "where nothing is asked for the loss has no gradient",
        )
        for nothing in ("torch.tensor(0.0)", "0.0", "scores.detach().sum() * 0")
    ),
    Answer(
        "masking.mlm_loss",
        LOSS
        + """
    truth = F.one_hot(tokens, scores.shape[-1]).float()
    each = -torch.einsum("btv,btv->bt", scores.log_softmax(-1), truth)
    return (each * selected).sum() / selected.sum().clamp(min=1)
""",
        None,
    ),
    Answer("masking.mlm_loss", EACH + "    return (each * selected).sum() / tokens.numel()", "all positions"),
    Answer("masking.mlm_loss", EACH + "    return each.mean()", "not used"),
    Answer("masking.mlm_loss", EACH + "    return (each * selected).sum() / selected.sum()", "0/0"),
    Answer("masking.mlm_loss", EACH + "    return (each * selected).sum()", "that is the sum"),
    Answer(
        "masking.mlm_loss",
        LOSS + "    return F.cross_entropy(scores, torch.where(selected, tokens, -100))",
        "second dimension",
        ("nothing selected", "simplest case"),
    ),
    Answer(
        "masking.mlm_loss",
        LOSS
        + """
    each = F.cross_entropy(scores, tokens, reduction="none")
    return (each * selected).sum() / selected.sum().clamp(min=1)
""",
        "second dimension",
    ),
    Answer(
        "masking.mlm_loss",
        LOSS
        + """
    rows = zip(scores, tokens, selected)
    return torch.stack([F.cross_entropy(s[chosen], t[chosen]) for s, t, chosen in rows]).mean()
""",
        "mean of means",
        ("simplest case",),
    ),
    Answer(
        "masking.mlm_loss",
        LOSS
        + """
    log_p = scores[selected].log_softmax(-1)
    return -log_p[:, tokens[selected]].sum() / max(int(selected.sum()), 1)
""",
        "row i has id i",
    ),
    Answer(
        "masking.mlm_loss",
        LOSS
        + """
    if not selected.any():
        return 0 * scores.sum()
    return -scores[selected].log_softmax(-1)[:, tokens[selected]].mean()
""",
        "row i has id i",
    ),
    Answer(
        "masking.mlm_loss",
        EACH + "    return ((each * selected).sum(1) / selected.sum(1).clamp(min=1)).mean()",
        "mean of means",
    ),
    Answer(
        "masking.mlm_loss",
        EACH + "    return ((each * selected).sum() / selected.sum().clamp(min=1)).item()",
        "gradient",
    ),
    Answer(
        "masking.mlm_loss",
        LOSS
        + """
    log_p = scores.detach().log_softmax(-1).gather(-1, tokens[..., None])[..., 0]
    return -(log_p * selected).sum() / selected.sum().clamp(min=1)
""",
        "gradient",
    ),
    Answer(
        "masking.mlm_loss",
        LOSS
        + """
    p = scores.exp() / scores.exp().sum(-1, keepdim=True)
    each = -p.gather(-1, tokens[..., None])[..., 0].log()
    return torch.where(selected, each, 0.0).sum() / selected.sum().clamp(min=1)
""",
        "overflows",
    ),
    Answer(
        "masking.mlm_loss",
        LOSS
        + """
    each = -scores.softmax(1).log().gather(-1, tokens[..., None])[..., 0]
    return torch.where(selected, each, 0.0).sum() / selected.sum().clamp(min=1)
""",
        "not over the positions",
    ),
    Answer(
        "masking.mlm_loss",
        LOSS
        + """
    p = scores.softmax(-1).gather(-1, tokens[..., None])[..., 0]
    return -torch.where(selected, p, 0.0).sum() / selected.sum().clamp(min=1)
""",
        "logarithm is missing",
    ),
]

NUMBERS = [
    Answer("masking.loss_by_hand", "answer = -(math.log(0.66) + math.log(0.13) + math.log(0.43)) / 3", None),
    Answer("masking.loss_by_hand", "answer = -np.log([0.66, 0.13, 0.43]).mean()", None),
    Answer("masking.loss_by_hand", "answer = 1.10", None),
    Answer("masking.loss_by_hand", "answer = -sum(map(math.log, (0.66, 0.13, 0.43)))", "the sum"),
    Answer("masking.loss_by_hand", "answer = -math.log((0.66 + 0.13 + 0.43) / 3)", "logarithm of a mean"),
    Answer("masking.loss_by_hand", "answer = -sum(map(math.log2, (0.66, 0.13, 0.43))) / 3", "in bits"),
    Answer("masking.loss_by_hand", "answer = -sum(map(math.log10, (0.66, 0.13, 0.43))) / 3", "log10"),
    Answer("masking.loss_by_hand", "answer = sum(map(math.log, (0.66, 0.13, 0.43))) / 3", "minus"),
    Answer("masking.loss_by_hand", "answer = '1.10'", "a number"),
    Answer("masking.shown_as_mask", "answer = 0.16 * 0.9 * 100", None),
    Answer("masking.shown_as_mask", "answer = torch.tensor(14.4)", None),
    Answer("masking.shown_as_mask", "answer = 14.4", None),
    Answer("masking.shown_as_mask", "answer = 12", "bert's numbers"),
    Answer("masking.shown_as_mask", "answer = 90", "of the selected"),
    Answer("masking.shown_as_mask", "answer = 16", "not all of these"),
    Answer("masking.shown_as_mask", "answer = 0.144", "percent are asked for"),
    Answer("masking.shown_as_mask", "answer = 1.6", "not shown"),
    Answer("masking.shown_as_mask", "answer = 14", "three significant digits"),
    Answer("masking.nothing_selected", "answer = 0.86**16", None),
    Answer("masking.nothing_selected", "answer = np.prod(np.full(16, 0.86))", None),
    Answer("masking.nothing_selected", "answer = math.exp(16 * math.log(0.86))", None),
    Answer("masking.nothing_selected", "answer = 0.85**16", "bert's 15"),
    Answer("masking.nothing_selected", "answer = 0.14**16", "all of them"),
    Answer("masking.nothing_selected", "answer = 1 - 0.86**16", "at least one"),
    Answer("masking.nothing_selected", "answer = 0.86", "for one token"),
    Answer("masking.nothing_selected", "answer = 1 - 16 * 0.14", "multiply"),
    Answer("masking.nothing_selected", "answer = 8.95", "not percent"),
    Answer("masking.asked_in_passes", "answer = 100 * (1 - 0.8**4)", None),
    Answer("masking.asked_in_passes", "answer = 59.0", None),
    Answer("masking.asked_in_passes", "answer = 20 + 16 + 12.8 + 10.24", None),
    Answer("masking.asked_in_passes", "answer = 80", "count twice"),
    Answer("masking.asked_in_passes", "answer = 100 * 0.8**4", "never selected"),
    Answer("masking.asked_in_passes", "answer = 100 * 0.2**4", "every time"),
    Answer("masking.asked_in_passes", "answer = 20", "one pass"),
    Answer("masking.asked_in_passes", "answer = 1 - 0.8**4", "percent are asked for"),
    Answer("masking.asked_in_passes", "answer = 100 * (1 - 0.8**3)", "too few"),
    Answer("masking.divided_by_all", "answer = 5.09 * 0.14", None),
    Answer("masking.divided_by_all", "answer = 0.713", None),
    Answer("masking.divided_by_all", "answer = np.float32(5.09 * 14 / 100)", None),
    Answer("masking.divided_by_all", "answer = 5.09 / 0.14", "other way round"),
    Answer("masking.divided_by_all", "answer = 5.09 * 0.86", "only selected"),
    Answer("masking.divided_by_all", "answer = 5.09", "the divisor is not"),
    Answer("masking.divided_by_all", "answer = 0.7", "three significant digits"),
    Answer("masking.divided_by_all", "answer = -0.713", ""),
    Answer("masking.divided_by_all", "answer = [0.713]", "a number"),
    Answer("masking.two_coins", "answer = 74 * 81 / 100", None),
    Answer("masking.two_coins", "answer = 59.94", None),
    Answer("masking.two_coins", "answer = 100 - 26 - 19 + 26 * 19 / 100", None),
    Answer("masking.two_coins", "answer = 55", "both come up"),
    Answer("masking.two_coins", "answer = 26 * 19 / 100", "both come up"),
    Answer("masking.two_coins", "answer = 100 - 26 * 19 / 100", "not both"),
    Answer("masking.two_coins", "answer = 0.5994", "percent are asked for"),
    Answer("masking.two_coins", "answer = 80", ""),
    Answer("masking.two_coins", "answer = 81", ""),
    Answer("masking.wrong_line", "answer = 4", None),
    Answer("masking.wrong_line", "answer = 4.0", None),
    Answer("masking.wrong_line", "answer = np.int64(4)", None),
    *(
        Answer("masking.wrong_line", f"answer = {line}", f"{line} is not the line. can two lines", ("selected =",))
        for line in (1, 2, 3, 5, 6, 0)
    ),
]

ANSWERS = [*MASK_TOKENS, *SELECT, *EXACTLY, *MLM_LOSS, *NUMBERS]
