"""Machines of lessons 05 and 05b: guess like a model, the rate's way beside recorded losses, perplexity on a curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from tokenizers import Tokenizer

from bertcourse.diagrams.drawing import MARGIN, SMALL, Drawing, wrap
from bertcourse.diagrams.pretraining import learning_rates
from bertcourse.machines.frame import Machine
from bertlib.train.optimizer import linear_schedule

NEVER = 10**12  # the update at which the rate reaches 0, where it is not to fall at all
FIRST_SHARE, SHARE_STEP, LARGEST_SHARE = 90, 5, 95  # percent of the probability on one's own guess
KEPT = 40  # of the model's guesses for a gap
CLEARLY = 0.05  # nats
NEARLY = 0.02  # of a ratio of perplexities to a half


@dataclass(frozen=True)
class Gap:
    """A short quotation with one word hidden.

    Attributes:
        words: of the headline, then of the article's beginning.
        headline: how many of them are the headline's.
        place: of the hidden word.
    """

    words: tuple[str, ...]
    headline: int
    place: int

    @property
    def hidden(self) -> str:
        """The hidden word, in lower case."""
        return self.words[self.place].lower()

    def with_mask(self, mask: str = "[MASK]") -> str:
        """The text with the mask in the place of the hidden word."""
        return " ".join((*self.words[: self.place], mask, *self.words[self.place + 1 :]))


def hide_words(
    documents: Sequence[Sequence[str]], tokenizer: Tokenizer, count: int, rng: np.random.Generator, *, words: int = 25
) -> list[Gap]:
    """The first `count` documents that have one, each with a word hidden: a drawn one that is a single piece.

    Args:
        documents: their sentences; the first is the headline.
        words: shown of a document at most.

    Raises:
        ValueError: no document has such a word.
    """
    gaps: list[Gap] = []
    for document in documents:
        shown = " ".join(document[:2]).split()[:words]
        places = [
            place
            for place, word in enumerate(shown)
            if word.isalpha() and len(word) > 2 and tokenizer.token_to_id(word.lower()) is not None
        ]
        if places and len(gaps) < count:
            gaps.append(Gap(tuple(shown), min(len(document[0].split()), len(shown)), int(rng.choice(places))))
    if not gaps:
        raise ValueError(
            f"documents: none of {len(documents)} begins with a word of three letters that is one piece of the "
            "vocabulary: give texts in the tokenizer's language"
        )
    return gaps


def be_the_model(
    gaps: Sequence[Gap], frequencies: Mapping[str, float], guesses: Sequence[Mapping[str, float]]
) -> Machine:
    """A word typed for each gap; one's own loss beside that of the frequencies and of a trained model.

    Args:
        gaps: texts with a hidden word.
        frequencies: piece -> its share of the training text, above 0; they sum to 1.
        guesses: for each gap, piece -> the probability that a trained model gives it there; they sum to 1.

    Raises:
        ValueError: no gaps, not as many guesses as gaps, or a hidden word that one of the two does not know.
    """
    if not len(gaps) == len(guesses) > 0:
        raise ValueError(f"{len(gaps)} gaps, {len(guesses)} guesses: give at least one gap, and guesses for each")
    for number, (gap, guess) in enumerate(zip(gaps, guesses, strict=True)):
        if not (frequencies.get(gap.hidden, 0) > 0 and guess.get(gap.hidden, 0) > 0):
            raise ValueError(
                f"gaps[{number}] hides {gap.hidden!r}, which has no frequency or no guess above 0: hide a word that is "
                "a piece of the vocabulary"
            )
    rows = []
    for gap, guess in zip(gaps, guesses, strict=True):
        best = sorted(guess.items(), key=lambda item: (-item[1], item[0]))[:KEPT]
        rows.append(
            {
                "before": [list(gap.words[: gap.place][: gap.headline]), list(gap.words[: gap.place][gap.headline :])],
                "after": [
                    list(gap.words[gap.place + 1 : gap.headline]),
                    list(gap.words[max(gap.place + 1, gap.headline) :]),
                ],
                "headline": gap.place < gap.headline,
                "hidden": gap.hidden,
                "frequency": frequencies[gap.hidden],
                "probability": guess[gap.hidden],
                "best": [[piece, round(probability, 4)] for piece, probability in best],
            }
        )
    data = {
        "rows": rows,
        "pieces": len(frequencies),
        "first": FIRST_SHARE,
        "step": SHARE_STEP,
        "largest": LARGEST_SHARE,
    }
    first = gaps[0].with_mask("____")
    picture = Drawing(f"A text with a gap: {first} A field to type the missing word, and no loss yet.")
    for number, line in enumerate(wrap(first, picture.width - 2 * MARGIN)):
        picture.text(MARGIN, 24 + 21 * number, line, align="start")
    y = picture.height + 14
    picture.text(MARGIN, y + 16, "your word", size=SMALL, align="start")
    picture.box(100, y, 200, 32, "", "plain")
    picture.box(312, y, 90, 32, "Guess", "grey", size=SMALL)
    question = (
        f"{len(gaps)} texts that the model has not read, a word hidden in each. {FIRST_SHARE} % of your probability "
        f"goes to the word that you type, the rest to all {len(frequencies):,} pieces by their frequency. Guess all, "
        f"then move the {FIRST_SHARE} %: at which share is your mean loss lowest, and what does it say about you?"
    )
    return Machine("be_the_model", "Be the model", question, data, picture)


def warm_up_and_decay(
    rates: Mapping[str, Sequence[float]], losses: np.ndarray, at: Sequence[int], goal: float, span: float
) -> Machine:
    """Peak, warm-up and the way down moved; the rate of each update beside the losses recorded with it.

    Args:
        rates: "peak" -> the peaks; "warmup" -> the updates that the rate rises; "zero" -> the updates at which it
            reaches 0, the first one at the end of the run, the last one `NEVER`.
        losses: (peaks, warm-ups, zeros, len(at)) recorded held-out losses.
        at: after which updates they were recorded; the last is the run's length.
        goal: a loss to draw a line at.
        span: by how much the largest and the smallest of the weights that are to be learned differ.

    Raises:
        ValueError: the shapes do not fit, or the way down gains with none of the settings, or costs something with
            none.
    """
    peaks, warmups, zeros = (list(rates[name]) for name in ("peak", "warmup", "zero"))
    losses = np.asarray(losses, dtype=float).round(4)
    total = int(at[-1])
    if losses.shape != (len(peaks), len(warmups), len(zeros), len(at)) or zeros[0] != total or zeros[-1] != NEVER:
        raise ValueError(
            f"losses.shape={losses.shape}, at[-1]={total}, rates={dict(rates)}: give one curve for each peak, warm-up "
            f"and zero; the first zero is the last update, the last one {NEVER}"
        )
    gains = losses[:, :, -1:, -1] - losses[:, :, :, -1]  # what the way down takes off the last loss
    peak, warmup = np.unravel_index(gains[:, :, 0].argmax(), gains.shape[:2])
    most = gains[peak, warmup, 0]

    def all_rates(peak: float, warmup: int, zero: int) -> list[float]:
        return [peak * linear_schedule(step, warmup_steps=warmup, total_steps=zero) for step in range(total)]

    if not (most > CLEARLY and gains.min() < -CLEARLY):
        raise ValueError(
            f"losses: the way down to 0 gains {most:.2f} nats at most, and costs {-gains.min():.2f}: record peaks from "
            f"too small to too large, so that both exceed {CLEARLY}"
        )
    data = {
        "peaks": peaks,
        "warmups": warmups,
        "zeros": zeros,
        "losses": losses.tolist(),
        "at": [int(update) for update in at],
        "goal": round(float(goal), 3),
        "span": round(float(span), 2),
        "start": [int(peak), int(warmup)],
        "clearly": CLEARLY,
        "shown": [float(np.floor(2 * min(losses.min(), goal)) / 2), float(np.ceil(2 * losses.max()) / 2)],
    }
    picture = learning_rates(
        all_rates(peaks[peak], warmups[warmup], total),
        f"last loss {losses[peak, warmup, 0, -1]:.2f} nats, of the constant rate {losses[peak, warmup, -1, -1]:.2f}",
    )
    question = (
        f"With a peak of {peaks[peak]:g} the way down to 0 pays: the last loss is {most:.2f} nats lower than where the "
        f"rate stays at its peak. With other settings a way down, whole or in part, costs more than {CLEARLY} nats "
        "instead. Which of them has the largest sum of rates? And what did the way down take away there?"
    )
    return Machine("warm_up_and_decay", "Up, and down again", question, data, picture)


def perplexity_halved(updates: Sequence[int], losses: Sequence[float], minutes: Sequence[float]) -> Machine:
    """Two marks moved on a recorded curve; the nats between them, and how the perplexity changes.

    Args:
        updates: after which the loss was measured, rising.
        losses: held-out, in nats.
        minutes: of training until then.

    Raises:
        ValueError: the lengths differ, or after a quarter of the run no two marks halve the perplexity.
    """
    if not len(updates) == len(losses) == len(minutes) > 1 or list(updates) != sorted(set(updates)):
        raise ValueError(
            f"{len(updates)} updates, {len(losses)} losses, {len(minutes)} minutes: give as many of each, at least "
            "two, the updates rising"
        )
    late = next(place for place, update in enumerate(updates) if 4 * update >= updates[-1])
    halves = [
        (start, end)
        for start, end in combinations(range(len(losses)), 2)
        if abs(np.exp(losses[end] - losses[start]) - 0.5) <= NEARLY
    ]
    if not any(start >= late for start, _ in halves):
        raise ValueError(
            f"losses: from update {updates[late]:,} on no two of them lie {np.log(2):.2f} nats apart: give a run in "
            "which the loss falls so far"
        )
    early = [pair for pair in halves if pair[0] < late]
    low, high = np.floor(2 * min(losses)) / 2, np.ceil(2 * max(losses)) / 2
    data = {
        "updates": [int(update) for update in updates],
        "losses": [round(float(loss), 4) for loss in losses],
        "minutes": [round(float(minute), 1) for minute in minutes],
        "late": late,
        "early": list(min(early, key=lambda pair: updates[pair[1]] - updates[pair[0]])) if early else None,
        "nearly": NEARLY,
        "shown": [float(low), float(high)],
    }
    picture = Drawing(
        f"Held-out loss over {updates[-1]:,} updates, from {losses[0]:.2f} to {losses[-1]:.2f} nats; the perplexity "
        f"falls from {np.exp(losses[0]):,.0f} to {np.exp(losses[-1]):,.0f}."
    )
    left, right, top, base = 70, picture.width - MARGIN - 6, 30, 220
    places = [
        (left + (right - left) * update / updates[-1], base - (base - top) * (loss - low) / (high - low))
        for update, loss in zip(updates, losses, strict=True)
    ]
    picture.line((left, top - 10), (left, base), (right, base))
    picture.line(*places, tone="blue", heavy=True)
    for (x, y), loss, align in ((places[0], losses[0], "start"), (places[-1], losses[-1], "end")):
        picture.dot(x, y, 6, "orange")
        picture.text(x + (12 if align == "start" else 0), y - 18, f"{loss:.2f} nats", size=SMALL, align=align)
    picture.text(right, base + 18, f"{updates[-1]:,} updates", size=SMALL, align="end")
    question = (
        f"Find two marks, both from update {updates[late]:,} on, between which the perplexity halves. Can you say "
        "before you move by how many nats the loss falls there?"
    )
    return Machine("perplexity_halved", "A perplexity halved", question, data, picture)
