"""Checks of masked language modelling (Devlin et al., 2019, §3.1 and A.1)."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from bertcourse.checks.engine import (
    Check,
    Trial,
    Wrong,
    against,
    as_array,
    floats,
    integers,
    number,
    show,
    truths,
    with_gradient,
)
from bertcourse.checks.pretraining import errors_named
from bertlib.text.masking import IGNORED

VOCAB_SIZE, MASK, SPECIALS = 60, 4, (0, 1, 2, 3, 4)
FREQUENT = 7  # stands at every third ordinary place, so that tokens drawn from the text are told from drawn ids
SIGMAS = 5  # a right answer misses such a bound about once in two million times
OF_MANY = 6  # the same for the largest of many deviations, of small and so skewed counts


def _rows(rng: np.random.Generator, rows: int, length: int) -> Tensor:
    """[CLS] … [SEP] and padding, of random ordinary tokens, one of them frequent."""
    ids = integers(rng, len(SPECIALS), VOCAB_SIZE, rows, length)
    ids[truths(rng, 1 / 3, rows, length)] = FREQUENT
    ids[:, 0], ids[:, -6], ids[:, -5:] = 2, 3, 0
    return ids


def _rate(name: str, hits: int, trials: int, expected: float, hints: tuple[tuple[float, str], ...] = ()) -> None:
    """Wrong, if so many hits are beyond chance; the hint is that of the nearest known wrong rate."""
    if not trials:
        raise Wrong(f"{name}: there is nothing to count")
    error = math.sqrt(expected * (1 - expected) / trials)
    if abs(hits / trials - expected) > SIGMAS * error:
        near = [hint for rate, hint in hints if abs(hits / trials - rate) < SIGMAS * error]
        raise Wrong(f"{name}: expected {expected:.1%}, came {hits / trials:.1%} of {trials:,}", near[0] if near else "")


def _tensor_like(what: str, got: object, ids: Tensor, dtype: torch.dtype) -> Tensor:
    """What came as a tensor; lists and numpy arrays of the right numbers are as good."""
    numbers = as_array(got)
    kinds = "b" if dtype == torch.bool else "iu"
    if numbers is None or numbers.shape != tuple(ids.shape) or numbers.dtype.kind not in kinds:
        raise Wrong(f"{what}: expected a {dtype} tensor {tuple(ids.shape)}, came {show(got)}")
    return torch.from_numpy(numbers).to(dtype)


# ------------------------------------------------------------------------------------------------------- select, hide


def _judge_select(trial: Trial) -> None:
    counts = {"selected": 0, "ordinary": 0}
    for rows in (2, 400, 400, 400, 400):
        ids = _rows(trial.rng, rows, 64)
        special = ids < len(SPECIALS)
        got = trial.call(ids, special, 0.15, np.random.default_rng(int(trial.rng.integers(2**31))))
        chosen = _tensor_like("selected", got, ids, torch.bool)
        if (chosen & special).any():
            place = tuple((chosen & special).nonzero()[0].tolist())
            raise Wrong(
                f"at {list(place)} the special token {int(ids[place])} is selected; tried with: {trial.described}",
                "special tokens ([CLS], [SEP], padding) are never selected: combine the draw with ~special.",
            )
        if rows > 2:
            _own_draws(chosen, ~special)
        counts["selected"] += int(chosen.sum())
        counts["ordinary"] += int((~special).sum())
        trial.right += 1
        if _slow(trial):
            break
    hints = (
        (0.15 * 64 / 57, "the share counts from the ordinary tokens, each with a draw of its own."),
        (0.85, "your comparison is the wrong way round: draw < share."),
    )
    _rate("selected ordinary tokens", counts["selected"], counts["ordinary"], 0.15, hints)
    per_place = chosen[:, 1:58].float().mean(dim=0)
    if float((per_place - 0.15).abs().max()) > OF_MANY * math.sqrt(0.15 * 0.85 / len(chosen)):
        raise Wrong("some places are selected more often than others", "the draws must not depend on the place.")
    _same_draws(trial, (ids[:20], special[:20], 0.15))


def _own_draws(chosen: Tensor, ordinary: Tensor) -> None:
    """Wrong, if what is selected shows that tokens share their draws; all rows have the same ordinary places."""
    if not chosen.any():
        raise Wrong("not one token is selected", "a token is selected if its draw is below the share.")
    if bool((chosen == ordinary).all()):
        raise Wrong(
            "every ordinary token is selected",
            "about 15 % are to be: compare each draw with the share. In labels, all others are -100.",
        )
    if bool((chosen == chosen[:1]).all()):
        raise Wrong(
            "every row has the same tokens selected", "each row needs draws of its own: draw for all of (B, T)."
        )
    counts = chosen.sum(dim=1)
    if bool(((counts == 0) | (counts == ordinary.sum(dim=1))).all()):
        raise Wrong(
            "each row has all of its tokens selected, or none", "each token takes a draw of its own, not each row."
        )
    if len(set(counts.tolist())) == 1:
        raise Wrong(
            f"every row has exactly {int(counts[0])} selected tokens",
            "each token takes a draw of its own: then their number varies from row to row.",
        )


def _slow(trial: Trial) -> bool:
    """Whether an answer, right so far, has used so much of its time that it is judged by the draws made till now."""
    return trial.spent > 0.8 * trial.seconds


def _same_draws(trial: Trial, args: tuple, **kwargs: object) -> None:
    """Everything random must come from the rng: the same one gives the same, another one something else."""
    seeds = (7, 7, 8)
    got = [trial.call(*args, *_rng_last(kwargs, seed), **_rng_named(kwargs, seed)) for seed in seeds]
    alike = [str([torch.as_tensor(p).tolist() for p in (g if isinstance(g, tuple) else (g,))]) for g in got]
    if alike[0] != alike[1]:
        raise Wrong(
            "the same rng gives something else the second time",
            "draw from the rng that you are given: torch.rand and np.random have a state of their own.",
        )
    if alike[0] == alike[2]:
        raise Wrong("another rng gives the same", "do not make an rng of your own: use the one that you are given.")


def _rng_last(kwargs: dict, seed: int) -> tuple:
    return () if "vocab_size" in kwargs else (np.random.default_rng(seed),)


def _rng_named(kwargs: dict, seed: int) -> dict:
    return kwargs | {"rng": np.random.default_rng(seed)} if "vocab_size" in kwargs else {}


def _judge_exactly(trial: Trial) -> None:
    # Of 18, 36, 36 and 27 ordinary tokens: 3.6, 12.6, 13.32 and 4.05. Up, down, and other numbers than those of all.
    for rows, length, share in ((60, 20, 0.2), (400, 40, 0.35), (200, 40, 0.37), (400, 30, 0.15)):
        ids = np.tile(np.arange(length), (rows, 1))
        special = ids % 10 == 0
        got = trial.call(ids, special, share, np.random.default_rng(int(trial.rng.integers(2**31))))
        given, got = got, as_array(got)
        if got is None or got.shape != ids.shape or got.dtype != bool:
            raise Wrong(f"expected a bool array {ids.shape}, came {show(given)}; tried with: {trial.described}")
        if (got & special).any():
            raise Wrong(
                "a special token is selected", "give special tokens the largest numbers, so that they come last."
            )
        exact = share * int((~special[0]).sum())
        wanted, counts = round(exact), got.sum(axis=1)
        wrong = np.flatnonzero(counts != wanted)
        if len(wrong):
            message = f"row {wrong[0]}: expected {wanted} selected tokens, came {counts[wrong[0]]}"
            raise Wrong(message, _wrong_number(counts, exact, share, special[0]))
        places = got.mean(axis=0)[~special[0]]
        expected = wanted / (~special[0]).sum()
        if rows > 100 and (got == got[:1]).all():
            raise Wrong("every row has the same tokens selected", "every row needs draws of its own.")
        if rows > 100 and abs(places - expected).max() > OF_MANY * math.sqrt(expected * (1 - expected) / rows):
            raise Wrong(
                "some places are selected more often than others",
                "which tokens are selected must not depend on their place: the ones with the smallest of their random "
                "numbers. argsort gives an order; argsort of that gives ranks.",
            )
        trial.right += 1
    _same_draws(trial, (ids[:20], special[:20], share))


def _wrong_number(counts: np.ndarray, exact: float, share: float, special: np.ndarray) -> str:
    """What is likely to be wrong if rows do not have `exact`, rounded, selected tokens."""
    ordinary, wanted = int((~special).sum()), round(exact)
    if len(set(counts.tolist())) > 1 and counts.min() < wanted < counts.max():
        return "a coin for each token gives about so many; the same number is asked for in every row."
    if len(set(counts.tolist())) > 1 and counts.max() == wanted:
        return "some rows have fewer: is the same token drawn twice? Draw without replacement."
    known = (
        (math.floor(exact), f"round, do not cut off: {exact:.2f} is nearer to {wanted}."),
        (math.ceil(exact), f"round, not always up: {exact:.2f} is nearer to {wanted}."),
        (round(share * len(special)), f"{share:.0%} of the {ordinary} ordinary tokens, not of all {len(special)}."),
    )
    return next((hint for count, hint in known if (counts == count).all()), "")


def _mixed_up(masked: float, kept: float, random: float) -> str:
    """What is likely to be wrong with these three shares of the selected tokens; begins with a space."""
    known = (
        ((1.0, 0.0, 0.0), " Yours shows all of them as [MASK]."),
        ((0.8, 0.2, 0.0), " Yours draws no random tokens."),
        ((0.8, 0.0, 0.2), " Yours leaves none as it is: does the condition for random ones hold for the rest always?"),
        (
            (0.8, 0.18, 0.02),
            " Two draws in a row multiply: of those that are not masked, half are to be random.",
        ),
        ((0.1, 0.1, 0.8), " Yours has [MASK] and random tokens exchanged."),
    )
    for shares, words in known:
        if all(abs(one - other) < 0.01 for one, other in zip(shares, (masked, kept, random), strict=True)):
            return words
    return ""


def _judge_mask_tokens(trial: Trial) -> None:
    fixed = {"vocab_size": VOCAB_SIZE, "mask_token_id": MASK, "special_ids": SPECIALS}
    counted = dict.fromkeys(("ordinary", "selected", "masked", "kept", "random"), 0)
    drawn: list[int] = []
    # Of tokens that must not share a draw, how many pairs there are, and how many of which both show [MASK].
    neighbours, twice, before = np.zeros(2, dtype=int), np.zeros(2, dtype=int), None
    mixed = False  # whether any call shows [MASK] at some selected tokens, and not at others
    for rows in (
        *[3] * 20,
        *[500] * 12,
    ):  # enough to tell 81/10/9 from 80/10/10, in calls that a loop over tokens can do
        ids = _rows(trial.rng, rows, 64)
        got = trial.call(ids, **fixed, rng=np.random.default_rng(int(trial.rng.integers(2**31))))
        shown, labels = _shown_and_labels(trial, got, ids)
        selected, special = labels != IGNORED, torch.isin(ids, torch.tensor(SPECIALS))
        if rows > 3:
            _own_draws(selected, ~special)
        random = selected & (shown != ids) & (shown != MASK)
        counted["ordinary"] += int((~special).sum())
        counted["selected"] += int(selected.sum())
        counted["masked"] += int((shown[selected] == MASK).sum())
        mixed |= 0 < int((shown[selected] == MASK).sum()) < int(selected.sum())
        counted["kept"] += int((shown[selected] == ids[selected]).sum())
        counted["random"] += int(random.sum())
        drawn += shown[random].tolist()
        neighbours += _first_two_masked(shown, selected)
        if before is not None and rows > 3 and before[0].shape == shown.shape:
            both = selected & before[1]
            twice += int(both.sum()), int((both & (shown == MASK) & (before[0] == MASK)).sum())
        before = shown, selected
        if rows > 3 and int(random.sum()) > 50 and len(set(shown[random].tolist())) == 1:
            raise Wrong(
                f"all {int(random.sum())} random tokens of a call are the same, {drawn[-1]}",
                "draw an id for each of them: size= says how many.",
            )
        trial.right += 1
        if _slow(trial):
            break
    if set(drawn) & set(SPECIALS):
        raise Wrong(
            f"the random tokens include {sorted(set(drawn) & set(SPECIALS))}, which are special",
            "draw random tokens from the ordinary ones only: a [PAD] or [MASK] in the text is no noise.",
        )
    hints = (
        (0.15 * 64 / 57, "15 % of the ordinary tokens."),
        (0.15 * 0.8, "that is 80 % of 15 %: random tokens, and those that stay as they are, are selected too."),
        (0.15 * 0.9, "that is 90 % of 15 %: tokens that stay as they are are selected too, and have their label."),
    )
    _rate("selected ordinary tokens", counted["selected"], counted["ordinary"], 0.15, hints)
    if not mixed and 0 < counted["masked"] < counted["selected"]:
        raise Wrong(
            "in each call all selected tokens are shown as [MASK], or none",
            "each selected token needs a draw of its own for how it is shown; yours share one.",
        )
    _judge_shared_draws(counted["masked"] / counted["selected"], neighbours, twice)
    _judge_random_tokens(drawn)
    _judge_fates(counted)
    _same_draws(trial, (ids[:20],), **fixed)


def _shown_and_labels(trial: Trial, got: object, ids: Tensor) -> tuple[Tensor, Tensor]:
    """What an answer gave, if it is what a masking can give at all."""
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong(f"two things are asked for, the ids to show and the labels; came {show(got)}")
    shown, labels = (_tensor_like(n, t, ids, torch.long) for n, t in zip(("ids", "labels"), got, strict=True))
    selected, special = labels != IGNORED, torch.isin(ids, torch.tensor(SPECIALS))
    if (shown == IGNORED).any() and not (labels == IGNORED).any():
        raise Wrong("the ids to show hold -100", "the two are exchanged: first the ids to show, then the labels.")
    wrong = selected & (labels != ids)
    if wrong.any():
        place = tuple(wrong.nonzero()[0].tolist())
        hint = "the label is what stood there, not what is shown." if labels[place] == shown[place] else ""
        if (labels == labels[place]).float().mean() > 0.5:
            hint = f"labels are -100 wherever nothing is to be predicted, not {int(labels[place])}."
        expected = "-100, which a special token always has" if special[place] else f"{int(ids[place])} or -100"
        raise Wrong(f"label at {list(place)}: expected {expected}, came {int(labels[place])}", hint)
    if (selected & special).any():
        hint = "[CLS], [SEP] and padding are never selected."
        if selected.float().mean() > 0.9:
            hint = "labels are -100 wherever nothing is to be predicted."
        raise Wrong(f"a special token is selected; tried with: {trial.described}", hint)
    if ((shown != ids) & ~selected).any():
        hint = "only selected tokens may change."
        if selected.any() and (shown[selected] == MASK).all():
            hint = "yours has labels only where [MASK] is shown: random tokens, and those kept, are asked for as well."
        raise Wrong("a token is shown changed, and its label is -100", hint)
    return shown, labels


def _first_two_masked(shown: Tensor, selected: Tensor) -> np.ndarray:
    """Of how many rows the first two selected tokens are known, and in how many of them both show [MASK]."""
    order = selected.cumsum(dim=1)
    several = order[:, -1] >= 2
    masked = ((shown == MASK) & selected & (order <= 2)).sum(dim=1)
    return np.array([int(several.sum()), int((masked[several] == 2).sum())])


def _judge_shared_draws(masked: float, neighbours: np.ndarray, twice: np.ndarray) -> None:
    """Wrong, if two tokens show [MASK] together more often than two independent draws would."""
    for pairs, both, where, hint in (
        (
            *neighbours.tolist(),
            "the first two selected tokens of a row",
            "each selected token needs a draw of its own for how it is shown; yours share one, a row or a call.",
        ),
        (
            *twice.tolist(),
            "tokens that are selected at the same place in two calls",
            "everything random must come from the rng that you are given: an rng of your own begins anew each time.",
        ),
    ):
        chance = masked**2
        if pairs and both / pairs - chance > SIGMAS * math.sqrt(0.25 / pairs) and chance < 0.98:
            raise Wrong(f"{where} both show [MASK] in {both / pairs:.0%} of the cases, expected 64 %", hint)


def _judge_fates(counted: dict[str, int]) -> None:
    """80/10/10 of the selected tokens."""
    same = 0.1 / (VOCAB_SIZE - len(SPECIALS))  # a random token may be the old one
    shares = (("masked", 0.8), ("kept", 0.1 + same), ("random", 0.1 - same))
    came = {name: counted[name] / counted["selected"] for name, _ in shares}
    hint = "80 % as [MASK], 10 % as a random token, 10 % as they are – of the selected ones." + _mixed_up(**came)
    for name, expected in shares:
        _rate(name, counted[name], counted["selected"], expected, ((came[name], hint),))


def _judge_random_tokens(drawn: list[int]) -> None:
    """Every ordinary id as often as the others, up to chance."""
    ordinary = np.arange(len(SPECIALS), VOCAB_SIZE)
    often = np.bincount(drawn, minlength=VOCAB_SIZE)[ordinary]
    missing = ordinary[often == 0].tolist()
    expected = len(drawn) / len(ordinary)
    if missing and expected > 25:  # by chance none is missing then
        ends = {missing[0], missing[-1]} & {len(SPECIALS), VOCAB_SIZE - 1}
        hint = "rng.integers excludes its upper end: draw from all ordinary ids." if len(missing) == 1 and ends else ""
        raise Wrong(f"the ids {missing[:5]} are never drawn as random tokens (of {len(drawn):,})", hint)
    if often.max() - expected > OF_MANY * math.sqrt(expected) + 3:
        raise Wrong(
            f"of {len(drawn):,} random tokens {often.max()} are {ordinary[often.argmax()]}, expected about "
            f"{expected:.0f}",
            "a random token is drawn from the vocabulary, each ordinary id as often as the others: not from the text, "
            "and not made from the token that stood there.",
        )


# -------------------------------------------------------------------------------------------------------------- loss


def _mlm_loss(scores: Tensor, tokens: Tensor, selected: Tensor) -> Tensor:
    """As `bertlib.model.heads.BertForPreTraining` computes it: the sum over what is selected, by its number."""
    total = F.cross_entropy(scores[selected].double(), tokens[selected], reduction="sum")
    return total / max(int(selected.sum()), 1)


def _scored(rng):
    yes, no = True, False
    # Two positions and three classes: whoever takes one dimension for the other gets an error at once.
    one_row = torch.tensor([[[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    yield one_row, torch.tensor([[0, 0]]), torch.tensor([[yes, no]])
    yield one_row, torch.tensor([[0, 0]]), torch.tensor([[no, no]])
    two_rows = torch.tensor([[[2.0, 0.0, 1.0], [0.0, 1.0, 4.0]], [[3.0, 0.0, 0.0], [1.0, 2.0, 0.0]]])
    yield two_rows, torch.tensor([[0, 1], [2, 1]]), torch.tensor([[yes, yes], [yes, no]])
    yield 100 * two_rows, torch.tensor([[0, 1], [2, 1]]), torch.tensor([[yes, yes], [yes, yes]])
    yield two_rows + 500, torch.tensor([[0, 1], [2, 1]]), torch.tensor([[yes, no], [yes, yes]])
    for _ in range(4):
        rows, length, size = rng.integers(2, 9, 3).tolist()
        selected = truths(rng, 0.4, rows, length)
        selected[0, 0] = True
        yield 3 * floats(rng, rows, length, size), integers(rng, 0, size, rows, length), selected


ROW_I_HAS_TOKEN_I = (
    "[:, ids] takes the numbers of all ids from every row; row i has id i: [range(n), ids], or cross_entropy."
)


def _weighted_too_late(scores, tokens, selected):
    loss = F.cross_entropy(scores.flatten(0, 1), tokens.flatten())
    return (loss * selected).sum() / selected.sum()


def _by_all_positions(scores, tokens, selected):
    each = F.cross_entropy(scores.flatten(0, 1), tokens.flatten(), reduction="none")
    return (each * selected.flatten()).mean()


def _over_all_positions(scores, tokens, selected):
    return F.cross_entropy(scores.flatten(0, 1), tokens.flatten())


def _nan_for_nothing(scores, tokens, selected):
    return F.cross_entropy(scores[selected], tokens[selected])


def _no_logarithm(scores, tokens, selected):
    chance = scores.softmax(-1).gather(-1, tokens[..., None])[..., 0]
    return -(chance * selected).sum() / selected.sum().clamp(min=1)


def _minus_forgotten(scores, tokens, selected):
    return -_mlm_loss(scores, tokens, selected)


def _in_bits(scores, tokens, selected):
    return _mlm_loss(scores, tokens, selected) / math.log(2)


def _softmax_twice(scores, tokens, selected):
    return _mlm_loss(scores.softmax(-1), tokens, selected)


def _scores_for_probabilities(scores, tokens, selected):
    each = -scores.gather(-1, tokens[..., None])[..., 0].log()
    return each[selected].sum() / selected.sum().clamp(min=1)


def _scores_alone(scores, tokens, selected):
    return -scores.gather(-1, tokens[..., None])[..., 0][selected].sum() / selected.sum().clamp(min=1)


def _sum_alone(scores, tokens, selected):
    return F.cross_entropy(scores[selected], tokens[selected], reduction="sum")


def _overflowing(scores, tokens, selected):
    powers = scores.exp()
    chance = powers.gather(-1, tokens[..., None])[..., 0] / powers.sum(-1)
    return -(torch.where(selected, chance.log(), 0.0)).sum() / selected.sum().clamp(min=1)


def _over_positions(scores, tokens, selected):
    each = -scores.log_softmax(1).gather(-1, tokens[..., None])[..., 0]
    return (each * selected).sum() / selected.sum().clamp(min=1)


def _all_tokens_in_each_row(scores, tokens, selected):
    return -scores[selected].log_softmax(-1)[:, tokens[selected]].mean()


def _all_tokens_in_each_row_summed(scores, tokens, selected):
    picked = scores[selected].log_softmax(-1)[:, tokens[selected]]
    return -picked.sum() / max(int(selected.sum()), 1)


def _all_tokens_in_each_row_or_0(scores, tokens, selected):
    return _all_tokens_in_each_row(scores, tokens, selected) if selected.any() else 0.0 * scores.sum()


def _mean_of_rows_or_nan(scores, tokens, selected):
    rows = zip(scores, tokens, selected, strict=True)
    return torch.stack([F.cross_entropy(row[chosen], asked[chosen]) for row, asked, chosen in rows]).mean()


def _mean_of_rows(scores, tokens, selected):
    each = F.cross_entropy(scores.transpose(1, 2), tokens, reduction="none") * selected
    return (each.sum(1) / selected.sum(1).clamp(min=1)).mean()


# ---------------------------------------------------------------------------------------------------- a line to find

MASKING = (
    "selected = (rng.random(ids.shape) < 0.15) & ~special",
    "fate = rng.random(ids.shape)",
    "shown = np.where(selected & (fate < 0.8), MASK, ids)",
    "randomly = selected & (fate >= 0.9)",
    "shown[randomly] = rng.choice(ordinary, size=randomly.sum())",
    "labels = np.where(selected, ids, -100)",
)
MASKING_FAULTS = (
    "selected = rng.random(ids.shape) < 0.15",
    "fate = rng.random()",
    "shown = ids; shown[selected & (fate < 0.8)] = MASK",
    "randomly = selected & (rng.random(ids.shape) < 0.1)",
    "shown[randomly] = rng.integers(vocab_size, size=randomly.sum())",
    "labels = np.where(selected, shown, -100)",
)


MASKING_LEADS = (
    "is there anything that must never be selected?",
    "how many tokens are there, and how many draws are needed?",
    "which of the arrays are meant to stay as they came in, and do they?",
    "can two lines say something about the same token? What does it show then?",
    "which ids may stand in the place of a token, and which must not?",
    "for a token that shows [MASK]: what is the model asked for there?",
)


def _at_fault(code: str, right: tuple[str, ...]) -> int:
    """The number of the line that is another one than it should be."""
    return 1 + next(n for n, line in enumerate(code.splitlines()) if line != f"{n + 1}  {right[n]}")


def _faulty_lines(rng: np.random.Generator) -> dict[str, str]:
    """The six lines of masking, one of them with a fault."""
    at = int(rng.integers(len(MASKING)))
    lines = [*MASKING[:at], MASKING_FAULTS[at], *MASKING[at + 1 :]]
    return {"code": "\n".join(f"{number}  {line}" for number, line in enumerate(lines, start=1))}


CHECKS = {
    "select": Check(
        "ids (B, T), special (B, T) bool, share, rng (numpy Generator) -> bool (B, T), each ordinary token with this "
        "chance",
        _judge_select,
    ),
    "exactly": Check(
        "ids (B, T) array, special (B, T) bool array, share, rng -> bool array: round(share · n) of each row's n "
        "ordinary tokens",
        _judge_exactly,
    ),
    "mask_tokens": Check(
        "input_ids (B, T), *, vocab_size, mask_token_id, special_ids, rng -> (ids to show, labels), both (B, T) long",
        _judge_mask_tokens,
    ),
    "mlm_loss": with_gradient(
        errors_named(
            against(
                "scores (B, T, V), tokens (B, T), selected (B, T) bool -> a tensor: the mean of −log p(token) over "
                "what is selected, 0 if nothing is; with a gradient",
                _mlm_loss,
                _scored,
                atol=1e-4,
                mistakes=(
                    (
                        _weighted_too_late,
                        "your loss counts padding and everything else: the mean was taken before the weights. Compare "
                        "reduction='none'.",
                    ),
                    (_by_all_positions, "you divide by all positions; divide by the number of selected ones."),
                    (_over_all_positions, "`selected` is not used: only the selected positions count."),
                    (
                        _nan_for_nothing,
                        "nothing selected: the mean over nothing is 0/0. Then the loss is 0, and no weight moves.",
                    ),
                    (
                        _mean_of_rows_or_nan,
                        "a mean of means, and a row with nothing selected is 0/0 in it. One sum, one count of at least "
                        "1.",
                    ),
                    (_all_tokens_in_each_row, ROW_I_HAS_TOKEN_I),
                    (_all_tokens_in_each_row_summed, ROW_I_HAS_TOKEN_I),
                    (_all_tokens_in_each_row_or_0, ROW_I_HAS_TOKEN_I),
                    (_no_logarithm, "the logarithm is missing: −log p, not −p."),
                    (_minus_forgotten, "the minus is missing: log p is below 0, a loss is not."),
                    (_in_bits, "that is in bits, with log2: the natural logarithm is asked for."),
                    (
                        _softmax_twice,
                        "the softmax is taken twice: cross_entropy and log_softmax want scores, not probabilities.",
                    ),
                    (_scores_for_probabilities, "scores are no probabilities: the softmax comes before the logarithm."),
                    (_scores_alone, "that is the mean score: the log-softmax is missing."),
                    (_sum_alone, "that is the sum: divide by the number of selected positions."),
                    (_overflowing, "exp overflows: subtract each position's largest score first, or use log_softmax."),
                    (_over_positions, "the softmax runs over the vocabulary, not over the positions."),
                    (
                        _mean_of_rows,
                        "a mean of means: rows with few selected tokens weigh too much. One sum, one count.",
                    ),
                ),
            ),
            {
                "Expected target size": "cross_entropy looks for the classes in the second dimension: give it (n, V) "
                "scores and (n,) tokens, as scores.flatten(0, 1) and tokens.flatten() are, or scores[selected] and "
                "tokens[selected].",
            },
        ),
        lambda: (torch.tensor([[[2.0, 0.0], [0.0, 1.0]]]), torch.zeros(1, 2).long(), torch.tensor([[True, True]])),
        nothing=lambda: (torch.tensor([[[2.0, 0.0]]]), torch.zeros(1, 1).long(), torch.tensor([[False]])),
    ),
    "loss_by_hand": number(
        "nats, to three significant digits",
        lambda rng: {name: int(value) / 100 for name, value in zip("abc", rng.integers(3, 98, 3), strict=True)},
        "At three selected places a model gives the true token the probabilities {a}, {b} and {c}. What is its MLM "
        "loss?",
        lambda a, b, c: -math.log(a * b * c) / 3,
        rel_tol=5e-3,
        mistakes=(
            (lambda a, b, c: -math.log(a * b * c), "that is the sum: the loss is the mean over the selected places."),
            (lambda a, b, c: -math.log2(a * b * c) / 3, "that is in bits, with log2: take the natural logarithm."),
            (lambda a, b, c: -math.log10(a * b * c) / 3, "that is with log10: take the natural logarithm."),
            (
                lambda a, b, c: -math.log((a + b + c) / 3),
                "that is the logarithm of a mean; asked for is the mean of logarithms.",
            ),
            (lambda a, b, c: math.log(a * b * c) / 3, "the minus is missing: a loss is not below 0."),
            (lambda a, b, c: (a + b + c) / 3, "the logarithm is missing: −log p, then the mean."),
            (lambda a, b, c: -math.log(a * b * c) / 2, "three places: the sum is divided by 3."),
        ),
    ),
    "asked_in_passes": number(
        "percent of the tokens, to three significant digits",
        lambda rng: {"p": int(rng.integers(8, 26)), "k": int(rng.integers(3, 9))},
        "Masks are drawn anew in each pass, and a token is selected with probability {p} %. What percentage of the "
        "tokens has been selected at least once after {k} passes?",
        lambda p, k: 100 * (1 - (1 - p / 100) ** k),
        rel_tol=5e-3,
        mistakes=(
            (lambda p, k: p * k, "a token that is selected twice would count twice. Ask how many were never selected."),
            (lambda p, k: 100 * (1 - p / 100) ** k, "those are the tokens that were never selected."),
            (lambda p, k: 100 * (p / 100) ** k, "those are the tokens that were selected every time."),
            (lambda p, k: p, "that is one pass; or all of them, if masks were drawn once."),
            (lambda p, k: 100 * (1 - (1 - p / 100) ** (k - 1)), "that is one pass too few."),
        ),
    ),
    "shown_as_mask": number(
        "percent of all ordinary tokens, to three significant digits",
        lambda rng: {"p": int(rng.integers(10, 41)), "m": int(rng.integers(6, 10)) * 10},
        "{p} % of the ordinary tokens are selected, and {m} % of those shown as [MASK]. How many percent of all "
        "ordinary "
        "tokens are shown as [MASK]?",
        lambda p, m: p * m / 100,
        rel_tol=5e-3,
        mistakes=(
            (lambda p, m: m, "that is the share of the selected ones."),
            (lambda p, m: p * (100 - m) / 100, "those are the selected ones that are not shown as [MASK]."),
            (lambda p, m: p, "that is the share that is selected; not all of these show [MASK]."),
            (lambda p, m: 12, "that is 80 % of 15 %, BERT's numbers: take those of the question."),
        ),
    ),
    "nothing_selected": number(
        "a probability from 0 to 1, to three significant digits",
        lambda rng: {"n": int(rng.integers(5, 21)), "p": int(rng.integers(10, 26))},
        "Each of {n} ordinary tokens is selected with probability {p} %, independently. How likely is it that none is?",
        lambda n, p: (1 - p / 100) ** n,
        rel_tol=5e-3,
        mistakes=(
            (lambda n, p: (p / 100) ** n, "that is the probability that all of them are selected."),
            (lambda n, p: 1 - (1 - p / 100) ** n, "that is the probability that at least one is."),
            (lambda n, p: 1 - n * p / 100, "probabilities of independent events multiply."),
            (lambda n, p: 0.85**n, "that is with BERT's 15 %: take the percentage of the question."),
            (lambda n, p: 1 - p / 100, "that is for one token: all of them must fail."),
        ),
    ),
    "divided_by_all": number(
        "nats, to three significant digits",
        lambda rng: {"p": int(rng.integers(5, 41)), "loss": int(rng.integers(200, 900)) / 100},
        "A batch has {p} % of its positions selected, and its MLM loss is {loss} nats. What comes out if the sum over "
        "the selected places is divided by the number of all positions?",
        lambda p, loss: loss * p / 100,
        rel_tol=5e-3,
        mistakes=(
            (lambda p, loss: loss * 100 / p, "the other way round: the divisor is larger, so the loss looks smaller."),
            (lambda p, loss: loss * (100 - p) / 100, "only selected places are in the sum, so their share counts."),
            (lambda p, loss: loss, "the sum is the same, the divisor is not."),
        ),
    ),
    "two_coins": number(
        "percent of the selected tokens, to three significant digits",
        lambda rng: {"a": int(rng.integers(5, 31)), "b": int(rng.integers(5, 31))},
        "A program throws two coins for each selected token: 'leave it' comes up with {a} %, 'a random one' "
        "with {b} %, independently. If neither does, it shows [MASK]. How many percent of the selected tokens show "
        "[MASK]?",
        lambda a, b: (100 - a) * (100 - b) / 100,
        rel_tol=2e-3,
        mistakes=(
            (lambda a, b: 100 - a - b, "sometimes both come up: independent chances multiply."),
            (lambda a, b: a * b / 100, "those are the tokens for which both come up."),
            (lambda a, b: 100 - a * b / 100, "those are the tokens for which not both come up."),
        ),
    ),
    "wrong_line": number(
        "the number of the wrong line",
        _faulty_lines,
        "One line is wrong. Which?\n\n{code}",
        lambda code: _at_fault(code, MASKING),
        noun="line",
        lead=lambda code: MASKING_LEADS[_at_fault(code, MASKING) - 1],
        kinds=len(MASKING),
    ),
}
