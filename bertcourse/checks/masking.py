"""Checks of masked language modelling (Devlin et al., 2019, §3.1 and A.1)."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from bertcourse.checks.engine import Check, Trial, Wrong, against, floats, integers, number, show, truths
from bertlib.text.masking import IGNORED

VOCAB_SIZE, MASK, SPECIALS = 60, 4, (0, 1, 2, 3, 4)
SIGMAS = 5  # a right answer misses such a bound about once in two million times
OF_MANY = 6  # the same for the largest of many deviations, of small and so skewed counts


def _rows(rng: np.random.Generator, rows: int, length: int) -> Tensor:
    """[CLS] … [SEP] and padding, of random ordinary tokens."""
    ids = integers(rng, len(SPECIALS), VOCAB_SIZE, rows, length)
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
    if not isinstance(got, Tensor) or got.shape != ids.shape or got.dtype != dtype:
        raise Wrong(f"{what}: expected a {dtype} tensor {tuple(ids.shape)}, came {show(got)}")
    return got


# ------------------------------------------------------------------------------------------------------- select, hide


def _judge_select(trial: Trial) -> None:
    counts = {"selected": 0, "ordinary": 0}
    for rows in (2, 800, 800):
        ids = _rows(trial.rng, rows, 64)
        special = ids < len(SPECIALS)
        got = trial.call(ids, special, 0.15, np.random.default_rng(int(trial.rng.integers(2**31))))
        chosen = _tensor_like(
            "selected", torch.from_numpy(got) if isinstance(got, np.ndarray) else got, ids, torch.bool
        )
        if (chosen & special).any():
            place = tuple((chosen & special).nonzero()[0].tolist())
            raise Wrong(
                f"at {list(place)} the special token {int(ids[place])} is selected; tried with: {trial.described}",
                "special tokens ([CLS], [SEP], padding) are never selected: combine the draw with ~special.",
            )
        counts["selected"] += int(chosen.sum())
        counts["ordinary"] += int((~special).sum())
    hints = (
        (0.15 * 64 / 57, "the share counts from the ordinary tokens, each with a draw of its own."),
        (0.85, "your comparison is the wrong way round: draw < share."),
    )
    _rate("selected ordinary tokens", counts["selected"], counts["ordinary"], 0.15, hints)
    if len({int(n) for n in chosen.sum(dim=1)}) == 1:
        raise Wrong("every row has the same number of selected tokens", "each token takes a draw of its own.")
    per_place = chosen[:, 1:58].float().mean(dim=0)
    if float((per_place - 0.15).abs().max()) > OF_MANY * math.sqrt(0.15 * 0.85 / len(chosen)):
        raise Wrong("some places are selected more often than others", "the draws must not depend on the place.")
    _same_draws(trial, (ids, special, 0.15))


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
    for rows, length, share in ((3, 20, 0.2), (500, 40, 0.35), (200, 40, 0.37), (600, 30, 0.15)):
        ids = np.tile(np.arange(length), (rows, 1))
        special = ids % 10 == 0
        got = trial.call(ids, special, share, np.random.default_rng(int(trial.rng.integers(2**31))))
        if not isinstance(got, np.ndarray) or got.shape != ids.shape or got.dtype != bool:
            raise Wrong(f"expected a bool array {ids.shape}, came {show(got)}; tried with: {trial.described}")
        if (got & special).any():
            raise Wrong(
                "a special token is selected", "give special tokens the largest numbers, so that they come last."
            )
        exact = share * int((~special[0]).sum())
        wanted = round(exact)
        wrong = np.flatnonzero(got.sum(axis=1) != wanted)
        if len(wrong):
            hints = (
                (math.floor(exact), f"round, do not cut off: {exact:.2f} is nearer to {wanted}."),
                (math.ceil(exact), f"round, not always up: {exact:.2f} is nearer to {wanted}."),
                (
                    round(share * length),
                    f"{share:.0%} of the {(~special[0]).sum()} ordinary tokens, not of all {length}.",
                ),
            )
            near = [hint for count, hint in hints if (got.sum(axis=1) == count).all()]
            message = f"row {wrong[0]}: expected {wanted} selected tokens, came {got[wrong[0]].sum()}"
            raise Wrong(message, near[0] if near else "")
        places = got.mean(axis=0)[~special[0]]
        expected = wanted / (~special[0]).sum()
        if rows > 100 and abs(places - expected).max() > OF_MANY * math.sqrt(expected * (1 - expected) / rows):
            raise Wrong("some places are selected more often than others", "every row needs draws of its own.")
    _same_draws(trial, (ids, special, share))


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
    for rows in (3, 2000, 2000, 2000):  # enough to tell 81/10/9 from 80/10/10
        ids = _rows(trial.rng, rows, 64)
        got = trial.call(ids, **fixed, rng=np.random.default_rng(int(trial.rng.integers(2**31))))
        if not isinstance(got, tuple | list) or len(got) != 2:
            raise Wrong(f"two things are asked for, the ids to show and the labels; came {show(got)}")
        shown, labels = (_tensor_like(n, t, ids, torch.long) for n, t in zip(("ids", "labels"), got, strict=True))
        selected, special = labels != IGNORED, torch.isin(ids, torch.tensor(SPECIALS))
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
            if (shown[selected] == MASK).all():
                hint = (
                    "yours has labels only where [MASK] is shown: random tokens, and those kept, are asked for as well."
                )
            raise Wrong("a token is shown changed, and its label is -100", hint)
        random = selected & (shown != ids) & (shown != MASK)
        counted["ordinary"] += int((~special).sum())
        counted["selected"] += int(selected.sum())
        counted["masked"] += int((shown[selected] == MASK).sum())
        counted["kept"] += int((shown[selected] == ids[selected]).sum())
        counted["random"] += int(random.sum())
        drawn += shown[random].tolist()
    if set(drawn) & set(SPECIALS):
        raise Wrong(
            f"the random tokens include {sorted(set(drawn) & set(SPECIALS))}, which are special",
            "draw random tokens from the ordinary ones only: a [PAD] or [MASK] in the text is no noise.",
        )
    hints = (
        (0.15 * 64 / 57, "15 % of the ordinary tokens."),
        (0.15 * 0.8, "that is 80 % of 15 %: random tokens, and those that stay as they are, are selected too."),
        (0.15 * 0.9, "that is 90 % of 15 %: tokens that stay as they are are selected too, and have their label."),
        (1.0, "labels are -100 where nothing is selected."),
    )
    _rate("selected ordinary tokens", counted["selected"], counted["ordinary"], 0.15, hints)
    ordinary = VOCAB_SIZE - len(SPECIALS)
    same = 0.1 / ordinary  # a random token may be the old one
    shares = (("masked", 0.8), ("kept", 0.1 + same), ("random", 0.1 - same))
    came = {name: counted[name] / counted["selected"] for name, _ in shares}
    hint = "80 % as [MASK], 10 % as a random token, 10 % as they are – of the selected ones." + _mixed_up(**came)
    for name, expected in shares:
        _rate(name, counted[name], counted["selected"], expected, ((came[name], hint),))
    if len(set(drawn)) < ordinary:
        missing = sorted(set(range(len(SPECIALS), VOCAB_SIZE)) - set(drawn))
        raise Wrong(
            f"the ids {missing[:5]} are never drawn as random tokens (of {len(drawn):,})",
            "rng.integers excludes its upper end: draw from all ordinary ids.",
        )
    _same_draws(trial, (ids,), **fixed)


# -------------------------------------------------------------------------------------------------------------- loss


def _mlm_loss(scores: Tensor, tokens: Tensor, selected: Tensor) -> Tensor:
    """As `bertlib.model.heads.BertForPreTraining` computes it: the sum over what is selected, by its number."""
    total = F.cross_entropy(scores[selected].double(), tokens[selected], reduction="sum")
    return total / max(int(selected.sum()), 1)


def _scored(rng):
    yield torch.tensor([[[2.0, 0.0], [0.0, 1.0]]]), torch.tensor([[0, 0]]), torch.tensor([[True, False]])
    yield floats(rng, 2, 3, 5), integers(rng, 0, 5, 2, 3), torch.zeros(2, 3, dtype=torch.bool)
    yield 100 * floats(rng, 2, 3, 5), integers(rng, 0, 5, 2, 3), torch.ones(2, 3, dtype=torch.bool)
    yield floats(rng, 2, 3, 5) + 500, integers(rng, 0, 5, 2, 3), torch.ones(2, 3, dtype=torch.bool)
    for _ in range(4):
        rows, length, size = rng.integers(2, 9, 3).tolist()
        selected = truths(rng, 0.4, rows, length)
        selected[0, 0] = True
        yield 3 * floats(rng, rows, length, size), integers(rng, 0, size, rows, length), selected


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


def _mean_of_rows(scores, tokens, selected):
    each = F.cross_entropy(scores.transpose(1, 2), tokens, reduction="none") * selected
    return (each.sum(1) / selected.sum(1).clamp(min=1)).mean()


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
    "mlm_loss": against(
        "scores (B, T, V), tokens (B, T), selected (B, T) bool -> mean of −log p(token) over what is selected; 0 if "
        "nothing is",
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
            (_mean_of_rows, "a mean of means: rows with few selected tokens weigh too much. One sum, one count."),
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
        ),
    ),
}
