"""Checks of the lesson on answers in a text (Devlin et al., 2019, §4.2 and §4.3; Rajpurkar et al., 2016 and 2018)."""

from __future__ import annotations

import inspect
import itertools
import math
import statistics
from collections import Counter
from collections.abc import Callable

import numpy as np

from bertcourse.checks.classification import PERCENT, ROUNDED
from bertcourse.checks.engine import against, as_plain, is_number, is_whole, number, seen_as, show
from bertcourse.checks.pretraining import errors_named
from bertcourse.checks.tagging import fault_of_windows, windows_given
from bertlib.metrics.answers import overlap_f1
from bertlib.text.answers import Reading, best_spans

Triple = tuple[int, int, float]
SPECIALS = 3  # [CLS], and [SEP] behind the question and behind the window


def _windows_needed(n: int, q: int, most: int, shared: int) -> int:
    return len(_windows(n, most - q - SPECIALS, shared))


def _best_span(starts: np.ndarray, ends: np.ndarray, longest: int) -> tuple[int, int]:
    return best_spans(starts, ends, 1, longest)[0][:2]


def _windows(n: int, room: int, overlap: int) -> list[tuple[int, int]]:
    return [(start, min(start + room, n)) for start in range(0, max(n - overlap, 1), room - overlap)]


def _label(first: int, last: int, start: int, end: int, before: int) -> tuple[int, int]:
    return tuple(Reading(0, start, end, before).place((first, last)))


def _lead(windows: list[tuple[float, list[float]]]) -> float:
    return min(null for null, _ in windows) - max(_all_scores(windows))


def _all_scores(windows: list[tuple[float, list[float]]]) -> list[float]:
    return [score for _, scores in windows for score in scores]


def _merged(found: list[Triple]) -> list[Triple]:
    return _kept(max)(found)


def _threshold(leads: np.ndarray, answered: np.ndarray, silent: np.ndarray) -> float:
    return _chosen(_mean_f1)(leads, answered, silent)


def _mean_f1(silenced: np.ndarray, answered: np.ndarray, silent: np.ndarray) -> float:
    """Of all questions, where those that `silenced` names are given no answer."""
    return float(np.where(silenced, silent, answered).mean())


# ------------------------------------------------------------------------------------------------------------- cases


def _a_long_text(rng) -> dict:
    """Drawn until every slip leads to a number of its own."""
    while True:
        given = {
            "n": int(rng.integers(1000, 2400)),
            "q": int(rng.integers(6, 25)),
            "most": int(rng.choice([96, 112, 128])),
            "shared": int(rng.choice([16, 24, 32])),
        }
        numbers = [_windows_needed(**given), *(slip(**given) for slip, _ in SLIPS_OF_COUNTING)]
        if len(set(numbers)) == len(numbers):
            return given


NOTHING = -math.inf


def _starts_and_ends(rng):
    yield np.array([0.0, 3.0, 1.0, 0.0]), np.array([0.0, 0.0, 2.0, 1.0]), 3
    yield np.array([0.0, 1.0, 4.0]), np.array([5.0, 0.0, 3.0]), 3  # the best end stands before the best start
    yield np.array([4.0, 1.0, 0.0]), np.array([0.0, 1.0, 5.0]), 2  # the best pair is too long, by one token
    yield np.array([4.0, 1.0, 0.0, 2.0, 2.0]), np.array([0.0, 3.0, 0.0, 1.0, 5.0]), 3  # by two
    yield np.array([5.0, 0.0, 2.0, 0.0]), np.array([-2.0, 1.0, 4.0, 0.0]), 3  # just long enough
    yield np.array([-4.0, -1.0, -2.0]), np.array([-3.0, -2.0, -1.0]), 2  # all negative
    yield np.array([-3.0, -2.0, 1.0]), np.array([-4.0, 1.0, 2.0]), 2
    yield np.array([NOTHING, 2.0, NOTHING, 1.0]), np.array([NOTHING, NOTHING, 0.5, 1.0]), 3
    yield np.array([2.0]), np.array([-1.0]), 4
    yield np.array([1.0, 1.0, 0.0]), np.array([0.0, 1.0, 1.0]), 2  # four equally good pairs
    yield np.array([4.0, 3.0, -2.0]), np.array([-1.0, 1.0, 4.0]), 1  # one token at most
    for size in (4, 5, 6, 7, 8, 9, 10):
        starts, ends = np.round(3 * rng.standard_normal((2, size)), 1) - rng.integers(0, 4)
        longest = int(rng.integers(2, max(size - 1, 3)))
        if size > 6:  # word pieces within a word begin no answer
            starts[rng.permutation(size)[: size // 3]] = NOTHING
            ends[rng.permutation(size)[: size // 4]] = NOTHING
        if np.isfinite(ends[np.isfinite(starts)]).any():
            yield starts, ends, longest


def _lengths(rng):
    yield 10, 6, 2
    yield 5, 8, 3
    yield 6, 6, 2
    yield 9, 4, 1
    yield 12, 5, 3  # neighbours share most of a window
    yield 11, 4, 1  # a step more would begin within the last window
    yield 1, 4, 2
    for _ in range(10):
        room = int(rng.integers(4, 30))
        yield int(rng.integers(room // 2, 6 * room)), room, int(rng.integers(1, room))
    room = int(rng.integers(8, 30))
    yield 5 * room, room, room - 1


def _answers_and_windows(rng):
    yield 5, 6, 4, 10, 7
    yield 4, 5, 4, 10, 7  # at the window's first piece
    yield 8, 9, 4, 10, 7  # at its last
    yield 2, 4, 4, 10, 7  # its end alone
    yield 9, 11, 4, 10, 7  # its beginning alone
    yield 0, 2, 4, 10, 7
    yield 12, 12, 4, 10, 7
    yield 10, 10, 4, 10, 7  # the first piece behind the window
    yield 3, 3, 4, 10, 7
    yield 3, 12, 4, 10, 7  # the window is a part of the answer
    yield 4, 9, 4, 10, 7  # the answer is the window
    yield 0, 1, 0, 6, 5
    for case in range(14):
        start, size, before = int(rng.integers(0, 40)), int(rng.integers(5, 20)), int(rng.integers(4, 25))
        long = int(rng.integers(1, 4))
        first = max(int(rng.integers(start - 3, start + size + 3)), 0)
        if case % 3 == 0:
            first = int(rng.integers(start, start + size - long + 1))
        yield first, first + long - 1, start, start + size, before


def _nulls_and_scores(rng):
    yield ([(2.0, [5.0, 3.0]), (4.0, [1.0])],)
    yield ([(4.0, [5.0]), (1.0, [2.0, 0.0])],)
    yield ([(3.0, []), (1.0, [-2.0])],)
    yield ([(0.5, []), (2.0, [1.0, -3.0])],)
    yield ([(-1.0, [-2.5, -4.0])],)
    yield ([(2.0, [1.0, 4.5]), (-1.0, [0.5]), (3.0, [2.0, 3.0])],)
    for size in (2, 3, 3, 4, 5, 4):
        shift = float(rng.integers(-6, 5))
        counts = rng.integers(0, 4, size)
        counts[int(rng.integers(size))] = 2
        drawn = [np.round(shift + 3 * rng.standard_normal(1 + count), 1).tolist() for count in counts]
        yield ([(null, scores) for null, *scores in drawn],)


def _found_spans(rng):
    yield ([(4, 6, 2.0), (0, 1, 3.0), (4, 6, 5.0)],)
    yield ([(2, 3, 1.5), (2, 5, 1.0)],)
    yield ([(1, 4, 1.0), (3, 4, 2.0)],)
    yield ([(8, 9, 3.0), (4, 6, 5.0), (4, 6, 2.0)],)
    yield ([(3, 3, 2.0), (3, 3, 2.0), (0, 1, 4.0)],)  # the same score in both windows
    yield ([(5, 6, -1.0), (2, 3, -2.0), (5, 6, -3.0)],)
    yield ([(7, 8, 2.0), (1, 2, 2.0), (4, 4, 3.0)],)  # two spans of one score
    yield ([(1, 2, 1.0), (5, 5, 6.0), (1, 2, 4.0), (1, 2, 2.0), (3, 5, 5.0)],)
    for size in (5, 6, 7, 8, 9):
        firsts = rng.integers(0, 4, size)
        lasts = firsts + rng.integers(0, 3, size)
        scores = np.round(3 * rng.standard_normal(size), 1)
        again = rng.permutation(size)[:2]  # seen in another window
        first, last, score = (
            np.concatenate([values, more])
            for values, more in ((firsts, firsts[again]), (lasts, lasts[again]), (scores, scores[again] - 1.5))
        )
        yield (list(zip(first.tolist(), last.tolist(), score.tolist(), strict=True)),)


VOCABULARY = ("new", "york", "times", "two", "goals", "in", "eight", "million", "pounds", "pound", "goal", "london")


def _two_answers(rng):
    yield "eight million", "eight million pounds"
    yield "goals in new york", "two goals"
    yield "new york new york", "new york times"
    yield "tony blair", "gordon brown"
    yield "", "two goals"
    yield "two goals", ""
    yield "", ""
    yield "goals two", "two goals"
    yield "pound", "pounds"
    yield "york new york", "new york"
    yield "two goals", "two goals two"
    for _ in range(8):
        yield tuple(" ".join(rng.choice(VOCABULARY[:6], int(rng.integers(1, 7))).tolist()) for _ in range(2))
    yield tuple(" ".join(rng.choice(VOCABULARY, 8).tolist()) for _ in range(2))


def _judged_questions(rng):
    yield np.array([-3.0, -1.0, 2.0, 4.0]), np.array([1.0, 1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0, 1.0])
    yield np.array([-6.0, -5.0, -4.0, -1.0]), np.array([1.0, 0.8, 0.0, 0.0]), np.array([0.0, 0.0, 1.0, 1.0])
    yield np.array([8.0, 2.0, 3.0, 1.0]), np.array([0.0, 1.0, 0.5, 1.0]), np.array([1.0, 0.0, 0.0, 0.0])
    yield np.array([-1.0, 2.0, 0.5]), np.array([0.0, 0.0, 0.0]), np.array([1.0, 0.0, 1.0])  # better silent everywhere
    yield np.array([5.0, 0.0, 3.0]), np.array([0.4, 1.0, 0.5]), np.array([0.0, 0.0, 0.0])  # and nowhere
    # The third and fourth have an answer, but not the one that is given: to be silent on them is no loss.
    yield np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 0.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0, 0.0])
    # Two of one lead: both are answered, or neither.
    yield np.array([1.0, 3.0, 3.0, 4.0]), np.array([0.5, 0.8, 0.0, 0.0]), np.array([0.0, 0.0, 1.0, 1.0])
    yield np.array([-1.0, -1.0, 4.0]), np.array([0.5, 0.0, 0.0]), np.array([0.0, 1.0, 1.0])
    for size in (6, 8, 9, 10, 12, 14, 16):
        impossible = rng.random(size) < 0.4
        impossible[:2] = False, True
        answered = np.where(impossible, 0.0, rng.choice([0.0, 0.2, 0.4, 0.8, 1.0], size))
        leads = rng.choice([-9.0, 7.0]) + rng.uniform(1, 4) * (rng.standard_normal(size) + 1.2 * impossible)
        yield np.round(leads, 1), answered, impossible.astype(float)


# ------------------------------------------------------------------------------- what may be right in several ways


def _pair_of(got: object) -> tuple[int, int] | None:
    parts = as_plain(got)
    two = isinstance(parts, list) and len(parts) == 2 and all(map(is_whole, parts))
    return (int(parts[0]), int(parts[1])) if two else None


def _sum_of(pair: tuple[int, int], starts: np.ndarray, ends: np.ndarray) -> float:
    return float(starts[pair[0]] + ends[pair[1]])


def _canonical_span(got: object, starts: np.ndarray, ends: np.ndarray, longest: int) -> object:
    """The reference's span for one that is as good."""
    pair = _pair_of(got)
    if pair is None:
        return got
    first, last = pair
    best = _best_span(starts, ends, longest)
    allowed = 0 <= first <= last < len(starts) and last - first < longest
    as_good = allowed and math.isclose(_sum_of(pair, starts, ends), _sum_of(best, starts, ends), abs_tol=1e-5)
    return best if as_good else pair


TWO_PLACES = "two places are asked for, the first and the last token of the answer."


def _span_in_words(got: object, starts: np.ndarray, ends: np.ndarray, longest: int) -> tuple[str, str]:
    pair, best = _pair_of(got), _best_span(starts, ends, longest)
    if pair is None:
        return f"expected (first, last), two whole numbers; came {show(got)}", TWO_PLACES
    if not all(0 <= place < len(starts) for place in pair):
        return f"expected {best}, came {pair}: there are tokens 0 to {len(starts) - 1}", ""
    if pair[1] < pair[0]:
        return f"{pair} ends before it begins; expected {best}", "the last token is not before the first one."
    size = pair[1] - pair[0] + 1
    if size > longest:
        return f"{pair} has {size} tokens, at most {longest} are allowed; expected {best}", ""
    sums = [f"{_sum_of(span, starts, ends):.6g}" for span in (best, pair)]
    return f"expected {best}, whose scores add up to {sums[0]}; came {pair}, to {sums[1]}", ""


def _canonical_windows(got: object, n: int, room: int, overlap: int) -> object:
    """The reference's windows for others that are as good, in any order."""
    windows = windows_given(got)
    if windows is None:
        return "a generator" if inspect.isgenerator(got) else got
    return _windows(n, room, overlap) if fault_of_windows(sorted(windows), n, room, overlap) is None else windows


def _windows_in_words(got: object, n: int, room: int, overlap: int) -> tuple[str, str]:
    windows = windows_given(got)
    if windows == []:
        return "expected one window at least, came none", ""
    return fault_of_windows(got if windows is None else sorted(windows), n, room, overlap)


def _as_pair(got: object, *args: object) -> object:
    pair = _pair_of(got)
    return got if pair is None else pair


def _label_in_words(got: object, *args: int) -> tuple[str, str]:
    first, last, start, end, before = args
    which = f"piece {first} is" if first == last else f"pieces {first} to {last} are"
    inside = "whole in" if _whole(*args[:4]) else "not whole in"
    case = f"{which} {inside} the window of pieces {start} to {end - 1}, behind {before} tokens"
    return f"{case}: expected {_label(*args)}, came {show(_as_pair(got))}", ""


def _triples_of(got: object) -> list[Triple] | None:
    parts = as_plain(got)
    if not isinstance(parts, list) or not all(isinstance(row, list) and len(row) == 3 for row in parts):
        return None
    if not all(is_whole(start) and is_whole(end) and is_number(score) for start, end, score in parts):
        return None
    return [(int(start), int(end), float(score)) for start, end, score in parts]


def _in_order_of_score(got: object, found: list[Triple]) -> object:
    """Spans of equal scores in one order, where the scores do not rise."""
    triples = _triples_of(got)
    if triples is None:
        return got
    falling = all(one[2] >= other[2] for one, other in itertools.pairwise(triples))
    return sorted(triples, key=lambda span: (-span[2], span[:2])) if falling else triples


TRIPLES = "a list is asked for, of (start, end, score) each."
FROM_DICT = "a dict is a good way there; then make the list of it, best first."


def _merged_in_words(got: object, found: list[Triple]) -> tuple[str, str]:
    triples, right = _triples_of(got), _merged(found)
    if triples is None:
        hint = FROM_DICT if isinstance(got, dict) else TRIPLES
        return f"expected a list of (start, end, score), came {show(got)}", hint
    of_span = {(start, end): score for start, end, score in right}
    counts = Counter(span[:2] for span in triples)
    came = f"came {show(triples)}"
    for span, count in counts.items():
        if span not in of_span:
            return f"{span} was not among the spans found; {came}", ""
        if count > 1:
            return f"{span} is there {count} times, {came}", "a span that two windows hold counts once."
    missing = [span for span in of_span if span not in counts]
    if missing:
        return f"{missing[0]} is missing, {came}", "spans with different starts or ends are different ones."
    for start, end, score in triples:
        if not math.isclose(score, of_span[start, end], rel_tol=1e-4, abs_tol=1e-5):
            return f"{start, end} has the score {score:.6g}, expected {of_span[start, end]:.6g}; {came}", ""
    return f"the right spans in another order: expected {show(right)}, {came}", "best first: the scores must not rise."


def _mean_at(got: object, leads: np.ndarray, answered: np.ndarray, silent: np.ndarray) -> object:
    """The mean F1 with a threshold; what is none, as it is."""
    t = as_plain(got)
    return _mean_f1(leads > t, answered, silent) if is_number(t) else got


def _best_mean(leads: np.ndarray, answered: np.ndarray, silent: np.ndarray) -> float:
    return _mean_at(_threshold(leads, answered, silent), leads, answered, silent)


def _threshold_in_words(got: object, *args: np.ndarray) -> tuple[str, str]:
    t = as_plain(got)
    if not is_number(t):
        return f"expected a number, a threshold; came {show(got)}", ""
    return f"t = {t:.6g} gives a mean F1 of {_mean_at(t, *args):.4g}, another one gives {_best_mean(*args):.4g}", ""


# -------------------------------------------------------------------------------------------- known mistakes: counting


def _in_steps(n: int, room: int, step: int) -> int:
    return 1 + math.ceil((n - room) / step)


SLIPS_OF_COUNTING = (
    (
        lambda n, q, most, shared: _in_steps(n, most - q, most - q - shared),
        "[CLS] and both [SEP] take room in every window, too.",
    ),
    (
        lambda n, q, most, shared: _in_steps(n, most - SPECIALS, most - SPECIALS - shared),
        "the question stands before every window, and takes room there.",
    ),
    (
        lambda n, q, most, shared: _in_steps(n, most, most - shared),
        "the question, [CLS] and both [SEP] stand beside every window, and take room.",
    ),
    (
        lambda n, q, most, shared: math.ceil(n / (most - q - SPECIALS)),
        "neighbours share pieces: from the second window on, each brings fewer new ones.",
    ),
    (
        lambda n, q, most, shared: math.ceil(n / (most - q)),
        "two things: [CLS] and both [SEP] take room too; and what neighbours share is not new.",
    ),
    (
        lambda n, q, most, shared: math.ceil(n / most),
        "what stands beside each window takes room; and what neighbours share is not new.",
    ),
    (
        lambda n, q, most, shared: _windows_needed(n, q, most, shared) - 1,
        "one too few: what is left over needs a window too (round up), and the first window counts.",
    ),
    (
        lambda n, q, most, shared: _in_steps(n, most - q - SPECIALS, shared),
        "the overlap is what neighbours share, not how far apart they begin.",
    ),
    (
        lambda n, q, most, shared: math.ceil(n / (most - q - SPECIALS - shared)),
        "the first window shares nothing with one before it: all its pieces are new.",
    ),
    (
        lambda n, q, most, shared: _in_steps(n, most - q - SPECIALS, most - q - SPECIALS - 2 * shared),
        "a window shares pieces with both neighbours, but each of these is new in one of the two.",
    ),
)

# --------------------------------------------------------------------------------------------- known mistakes: spans


def _then(right: Callable, change: Callable) -> Callable:
    """What is right, and then changed."""
    return lambda *args: change(right(*args))


def _pair_by(
    worth: Callable = lambda start, end: start + end,
    allowed: Callable = lambda first, last, longest: first <= last < first + longest,
    least: float = -math.inf,
    none: object = None,
) -> Callable:
    """The search with another worth, other pairs, or another best so far to begin with."""

    def span(starts, ends, longest):
        best, found = least, none
        for first, last in itertools.product(range(len(starts)), range(len(ends))):
            if allowed(first, last, longest) and worth(starts[first], ends[last]) > best:
                best, found = worth(starts[first], ends[last]), (first, last)
        return found

    return span


def _each_for_itself(starts, ends, longest):
    return int(starts.argmax()), int(ends.argmax())


def _put_in_order(starts, ends, longest):
    return tuple(sorted(_each_for_itself(starts, ends, longest)))


def _start_first(starts, ends, longest):
    first = int(starts.argmax())
    return first, first + int(ends[first : first + longest].argmax())


def _start_first_any_length(starts, ends, longest):
    first = int(starts.argmax())
    return first, first + int(ends[first:].argmax())


def _end_first(starts, ends, longest):
    last = int(ends.argmax())
    lowest = max(last - longest + 1, 0)
    return lowest + int(starts[lowest : last + 1].argmax()), last


def _cut_to_the_limit(starts, ends, longest):
    first, last = _pair_by(allowed=lambda first, last, longest: first <= last)(starts, ends, longest)
    return first, min(last, first + longest - 1)


def _zeros_where_forbidden(starts, ends, longest):
    places = np.arange(len(starts))
    more = places - places[:, None]
    return divmod(int(np.where((more >= 0) & (more < longest), starts[:, None] + ends, 0.0).argmax()), len(starts))


def _shares(scores):
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def _added_shares(starts, ends, longest):
    return _best_span(_shares(starts), _shares(ends), longest)


def _place_in_the_table(starts, ends, longest):
    first, last = _best_span(starts, ends, longest)
    return first * len(starts) + last


def _start_and_length(starts, ends, longest):
    first, last = _best_span(starts, ends, longest)
    return first, last - first + 1


NOT_TOGETHER = "each taken for itself, the last token can stand before the first: look at pairs, and add their scores."
ONE_AFTER_THE_OTHER = "the best of one list need not belong to the best pair: look at all pairs, and add their scores."

# ------------------------------------------------------------------------------------------- known mistakes: windows


def _stepping(
    step: Callable = lambda room, overlap: room - overlap,
    stop: Callable = lambda n, room, overlap: max(n - overlap, 1),
    end: Callable = lambda start, n, room, overlap: min(start + room, n),
) -> Callable:
    """Windows with another step, another end of the loop, or other ends of their own."""
    return lambda n, room, overlap: [
        (start, end(start, n, room, overlap)) for start in range(0, stop(n, room, overlap), step(room, overlap))
    ]


def _until_the_end(step: Callable) -> Callable:
    """Windows one after the other until one reaches the end."""

    def windows(n, room, overlap):
        found = [(0, min(room, n))]
        while found[-1][1] < n:
            start = found[-1][0] + step(room, overlap)
            found.append((start, min(start + room, n)))
        return found

    return windows


def _last_forgotten(n, room, overlap):
    return _windows(n, room, overlap)[:-1] if n > room else [(0, n)]


def _starts_alone(n, room, overlap):
    return [start for start, _ in _windows(n, room, overlap)]


def _pieces_listed(n, room, overlap):
    return [list(range(start, end)) for start, end in _windows(n, room, overlap)]


STEP = "the overlap is what neighbours share: from start to start it is room - overlap."
LOST = "the last pieces are in no window: an answer there would never be found. One more window, up to the end."
NEEDLESS = "the last window lies within the one before it: stop once the end is reached."

# -------------------------------------------------------------------------------------------- known mistakes: labels


def _labelled(holds: Callable, place: Callable | None = None, none: object = (0, 0)) -> Callable:
    """A label where the window holds the answer by another rule, at other places, or with another sign for "no"."""

    def label(first, last, start, end, before):
        if not holds(first, last, start, end):
            return none
        return (place or _shifted)(first, last, start, end, before)

    return label


def _whole(first, last, start, end):
    return start <= first and last < end


def _touches(first, last, start, end):
    return start <= last and first < end


def _shifted(first, last, start, end, before):
    return first - start + before, last - start + before


def _clipped(first, last, start, end, before):
    return max(first, start) - start + before, min(last, end - 1) - start + before


HALF = "a window that holds only a part of the answer has none: half an answer would be learnt as if it were one."
AT_THE_EDGE = "an answer that begins at the window's first piece, or ends at its last, is whole in it."
BEHIND = "end is excluded: the window's last piece is end - 1."
NO_ANSWER = "no answer is marked at [CLS], token 0: (0, 0)."

# ---------------------------------------------------------------------------------------- known mistakes: no answer


def _lead_by(null: Callable, score: Callable = max) -> Callable:
    """With another choice among the null scores, and among the scores of all spans."""
    return lambda windows: null([null for null, _ in windows]) - score(_all_scores(windows))


def _null_beside_the_best(windows):
    null, scores = max((one for one in windows if one[1]), key=lambda one: max(one[1]))
    return null - max(scores)


def _null_where_spans_are(windows):
    return _lead([one for one in windows if one[1]])


def _per_window(choose: Callable) -> Callable:
    return lambda windows: choose([null - max(scores) for null, scores in windows if scores])


def _nothing_is_zero(windows):
    return min(null for null, _ in windows) - max(max(scores, default=0) for _, scores in windows)


def _best_at_least_zero(windows):
    return min(null for null, _ in windows) - max(0, *_all_scores(windows))


def _null_at_most_zero(windows):
    return min(0, *(null for null, _ in windows)) - max(_all_scores(windows))


def _firsts_of_windows(windows):
    return min(null for null, _ in windows) - max(scores[0] for _, scores in windows if scores)


SMALLEST_NULL = (
    "of the null scores the smallest counts: one window that sees an answer is enough, all others hold none of it."
)
ACROSS_WINDOWS = "take each over all windows: the smallest null score and the best span may come from different ones."


def _kept(choose: Callable, key: Callable = lambda start, end: (start, end), order: Callable | None = None) -> Callable:
    """choose(the scores of one span): what is kept of it; another key, or another order."""

    def merge(found):
        of_key: dict = {}
        for start, end, score in found:
            of_key.setdefault(key(start, end), []).append((start, end, score))
        spans = []
        for same in of_key.values():
            score = choose([score for *_, score in same])
            start, end = next((span[:2] for span in same if span[2] == score), same[0][:2])
            spans.append((start, end, score))
        return sorted(spans, key=order or (lambda span: (-span[2], span[:2])))

    return merge


def _all_of_them(found):
    return sorted(found, key=lambda span: -span[2])


def _equal_ones_alone(found):
    return sorted(set(found), key=lambda span: -span[2])


def _by_score(found):
    return _merged(list({score: (start, end, score) for start, end, score in found}.values()))


def _in_the_order_found(found):
    of_span = {(start, end): score for start, end, score in _merged(found)}
    return [(*span, of_span[span]) for span in dict.fromkeys((start, end) for start, end, _ in found)]


def _only_twice(found):
    counts = Counter((start, end) for start, end, _ in found)
    return [span for span in _merged(found) if counts[span[:2]] > 1]


def _without_overlap(found):
    kept: list = []
    for start, end, score in _merged(found):
        if all(end < other[0] or other[1] < start for other in kept):
            kept.append((start, end, score))
    return kept


def _the_best_alone(found):
    return _merged(found)[:1]


ONCE = "a span that two windows hold counts once, with its better score."
DIFFERENT_ENDS = "spans with one start and different ends are different: the key is (start, end)."

# ------------------------------------------------------------------------------------------ known mistakes: words


def _overlapping(split: Callable = str.split, count: Callable = Counter) -> Callable:
    """F1 with other parts, or parts counted otherwise."""

    def f1(predicted, gold):
        ours, theirs = split(predicted), split(gold)
        if not ours or not theirs:
            return float(ours == theirs)
        one, other = count(ours), count(theirs)
        common = sum((Counter(one) & Counter(other)).values())
        return 2 * common / (sum(Counter(one).values()) + sum(Counter(other).values()))

    return f1


def _with_common(common: Callable, join: Callable = lambda common, ours, theirs: 2 * common / (ours + theirs)):
    """Another count of what both have, or another figure of it: both get lists of words."""

    def score(predicted, gold):
        ours, theirs = predicted.split(), gold.split()
        if not ours or not theirs:
            return float(ours == theirs)
        return float(join(common(ours, theirs), len(ours), len(theirs)))

    return score


def _common(ours, theirs):
    return sum((Counter(ours) & Counter(theirs)).values())


def _share_in_each(predicted, gold):
    """Precision of the predicted words that stand in gold somewhere, recall likewise."""
    ours, theirs = predicted.split(), gold.split()
    if not ours or not theirs:
        return float(ours == theirs)
    precision = sum(word in theirs for word in ours) / len(ours)
    recall = sum(word in ours for word in theirs) / len(theirs)
    return 2 * precision * recall / (precision + recall) if precision else 0.0


def _empty(both: float, one: float) -> Callable:
    def score(predicted, gold):
        if not predicted and not gold:
            return both
        return overlap_f1(predicted, gold) if predicted and gold else one

    return score


EACH_TIME = "words count as often as they stand there: a set forgets how often, a Counter knows."
BOTH_EMPTY = "where both are empty nothing was to be said and nothing was: that is right, 1."
LETTERS = "that counts letters: split() gives the words."
ONE_EMPTY = "where one alone is empty nothing is right: 0."

# --------------------------------------------------------------------------------------- known mistakes: thresholds


def _chosen(
    worth: Callable,
    candidates: Callable = lambda leads: [leads.min() - 1, *np.sort(leads)],
    silenced: Callable = np.greater,
) -> Callable:
    """The candidate of most worth, the smallest of equals; with another worth, other candidates, or another rule."""

    def threshold(leads, answered, silent):
        tried = list(candidates(leads))
        return float(tried[int(np.argmax([worth(silenced(leads, t), answered, silent) for t in tried]))])

    return threshold


def _answerability(silenced, answered, silent):
    return (silenced == (silent == 1)).mean()


def _of_the_answered(silenced, answered, silent):
    return answered[~silenced].mean() if not silenced.all() else 0.0


def _split_within_equals(leads, answered, silent):
    order = np.argsort(leads, kind="stable")
    totals = np.concatenate([[0.0], np.cumsum((answered - silent)[order])])
    count = int(totals.argmax())
    return float(leads[order][count - 1]) if count else float(leads.min() - 1)


def _halfway_between_means(leads, answered, silent):
    return float((leads[silent == 1].mean() + leads[silent != 1].mean()) / 2)


MIDDLE = "a middle of the leads knows nothing of F1: compute the mean F1 for each t that makes a difference."
AS_IT_COMES = "a fixed number such as 0 knows nothing of these questions: choose t by the mean F1."
REVERSED = 'that is the worst t. "No answer" is said where the lead is over t: `silent` counts there, else `answered`.'
CANDIDATES = "also try one t below all leads (never an answer), and one for each lead, the largest too (always one)."


CHECKS = {
    "windows_needed": number(
        "a whole number",
        _a_long_text,
        "A text of {n} pieces is searched for the answer to a question of {q} pieces. The model reads at most {most} "
        "tokens at once: [CLS] question [SEP] window [SEP]. Neighbouring windows share {shared} pieces, and nothing "
        "of the text is left out. How many windows does it take at least?",
        _windows_needed,
        mistakes=SLIPS_OF_COUNTING,
    ),
    "best_span": errors_named(
        seen_as(
            _canonical_span,
            _span_in_words,
            "starts, ends (T,), numpy arrays of scores, among which there may be -inf, and longest, a number -> "
            "(first, last): first <= last, at most `longest` tokens, both counted, with the largest sum of "
            "starts[first] and ends[last]; of equals any",
            _best_span,
            _starts_and_ends,
            mistakes=(
                (_each_for_itself, NOT_TOGETHER),
                (_pair_by(allowed=lambda first, last, longest: True), NOT_TOGETHER),
                (_pair_by(allowed=lambda first, last, longest: last - first < longest), NOT_TOGETHER),
                (_pair_by(allowed=lambda first, last, longest: abs(last - first) < longest), NOT_TOGETHER),
                (_put_in_order, "the best start and the best end exchanged are no answer that the scores speak for."),
                (
                    _pair_by(allowed=lambda first, last, longest: first <= last),
                    "the limit is not used: an answer has at most `longest` tokens.",
                ),
                (_start_first, ONE_AFTER_THE_OTHER),
                (_start_first_any_length, ONE_AFTER_THE_OTHER),
                (_end_first, ONE_AFTER_THE_OTHER),
                (
                    _pair_by(allowed=lambda first, last, longest: first <= last <= first + longest),
                    "one token too long: from first to last, both counted, there are last - first + 1.",
                ),
                (
                    _pair_by(allowed=lambda first, last, longest: first <= last < first + longest - 1),
                    "one token too short: from first to last, both counted, there may be just `longest`.",
                ),
                (
                    _pair_by(allowed=lambda first, last, longest: first < last < first + longest),
                    "an answer may be a single token: first and last are then the same.",
                ),
                (
                    _cut_to_the_limit,
                    "a span that is too long is no answer, cut or not: look for the best among those that fit.",
                ),
                (
                    _pair_by(worth=lambda start, end: start * end),
                    "the sum, not the product: two low scores have a high product.",
                ),
                (_added_shares, "the scores themselves add up; softmax makes shares of them, which multiply."),
                *(
                    (
                        _pair_by(least=0.0, none=none),
                        "scores may all be negative: begin with -inf as the best so far, not with 0.",
                    )
                    for none in (None, (0, 0))
                ),
                (
                    _pair_by(allowed=lambda first, last, longest: 0 < first <= last < first + longest),
                    "token 0 is a token like others here: what may not begin or end an answer has -inf.",
                ),
                (_then(_best_span, lambda pair: pair[::-1]), "first token, then the last: yours are exchanged."),
                (
                    _then(_best_span, lambda pair: (pair[0], pair[1] + 1)),
                    "the last token itself is asked for, not the place behind it.",
                ),
                (_zeros_where_forbidden, "0 where a pair is forbidden beats negative sums: put -inf there."),
                (_start_and_length, "the last token is asked for, not how many there are."),
                (
                    _place_in_the_table,
                    "argmax of a table counts through all its rows: np.unravel_index(place, table.shape) gives both.",
                ),
                (
                    lambda starts, ends, longest: _sum_of(_best_span(starts, ends, longest), starts, ends),
                    "that is the largest sum: the places are asked for.",
                ),
            ),
        ),
        {
            "has no attribute 'index'": "arrays have no index(): argmax() tells the place of the largest, or enumerate "
            "goes through places and scores.",
        },
    ),
    "windows": seen_as(
        _canonical_windows,
        _windows_in_words,
        "n pieces, room, overlap -> list of (start, end), end excluded: as few windows as hold every piece, each at "
        "most `room` pieces long, neighbours sharing at least `overlap`",
        _windows,
        _lengths,
        mistakes=(
            (_stepping(step=lambda room, overlap: overlap), STEP),
            (_stepping(step=lambda room, overlap: overlap, stop=lambda n, room, overlap: n), STEP),
            (_until_the_end(lambda room, overlap: overlap), STEP),
            (
                _until_the_end(lambda room, overlap: room),
                "neighbours share nothing: an answer on a border is whole in neither. From start to start it is "
                "room - overlap.",
            ),
            (
                _until_the_end(lambda room, overlap: room - overlap + 1),
                "neighbours share one piece too few: from start to start it is room - overlap.",
            ),
            (
                _stepping(stop=lambda n, room, overlap: max(n - room + 1, 1)),
                LOST,
            ),
            (_last_forgotten, LOST),
            (lambda n, room, overlap: [(0, min(n, room))], LOST),
            (_stepping(stop=lambda n, room, overlap: n), NEEDLESS),
            (
                _stepping(end=lambda start, n, room, overlap: start + room),
                "the last window goes on behind the text: cut it there, min(start + room, n), or move it back.",
            ),
            (
                _stepping(
                    step=lambda room, overlap: room,
                    stop=lambda n, room, overlap: n,
                    end=lambda start, n, room, overlap: min(start + room + overlap, n),
                ),
                "a window is never longer than room: the overlap counts in it.",
            ),
            (
                _stepping(end=lambda start, n, room, overlap: min(room, n - start)),
                "the second number is where the window ends, not how long it is.",
            ),
            (
                _stepping(end=lambda start, n, room, overlap: min(start + room, n) - 1),
                "the end is excluded: one behind the last piece, as in range.",
            ),
            (_starts_alone, "each window is a pair: (start, end)."),
            (_pieces_listed, "each window is a pair, (start, end), not the list of its pieces."),
        ),
    ),
    "label": seen_as(
        _as_pair,
        _label_in_words,
        "an answer's first and last piece, both counted, a window's start and end, end excluded, and before, how many "
        "tokens stand before the window -> (a, b): the tokens of the answer's first and last piece, counted from 0 "
        "([CLS]), if the window holds it whole; else (0, 0)",
        _label,
        _answers_and_windows,
        mistakes=(
            (_labelled(_touches, _clipped), HALF),
            (_labelled(_touches), HALF),
            (lambda *args: _clipped(*args) if _touches(*args[:4]) else (0, 0), HALF),
            (_labelled(lambda first, last, start, end: start <= first < end), HALF),
            (_labelled(lambda first, last, start, end: start <= first < end, _clipped), HALF),
            (_labelled(lambda first, last, start, end: start <= last < end), HALF),
            (_labelled(lambda first, last, start, end: start <= last < end, _clipped), HALF),
            (_labelled(lambda first, last, start, end: start < first and last < end - 1), AT_THE_EDGE),
            (_labelled(lambda first, last, start, end: start < first and last < end), AT_THE_EDGE),
            (_labelled(lambda first, last, start, end: start <= first and last < end - 1), AT_THE_EDGE),
            (_labelled(lambda first, last, start, end: start <= first and last <= end), BEHIND),
            (
                _labelled(_whole, lambda first, last, start, end, before: (first - start, last - start)),
                "before the window stand [CLS], the question and [SEP]: `before` tokens.",
            ),
            (
                _labelled(_whole, lambda first, last, start, end, before: (first + before, last + before)),
                "pieces are counted from the text's beginning, tokens from the window's: take `start` away.",
            ),
            (
                _labelled(_whole, lambda first, last, start, end, before: (first, last)),
                "those are pieces of the text; tokens of what the model reads are asked for.",
            ),
            *(
                (
                    _labelled(
                        _whole,
                        lambda *args, by=by: tuple(place + by for place in _shifted(*args)),
                    ),
                    "one token off: the window's first piece is token `before`, for tokens 0 to before - 1 stand "
                    "before it.",
                )
                for by in (-1, 1)
            ),
            (
                _labelled(_whole, lambda *args: (_shifted(*args)[0], _shifted(*args)[1] + 1)),
                "the last piece itself is marked, not the one behind it.",
            ),
            (
                _labelled(_whole, lambda *args: (_shifted(*args)[0], args[1] - args[0] + 1)),
                "the token of the answer's last piece is asked for, not how many there are.",
            ),
            (
                _labelled(_whole, lambda *args: _shifted(*args)[::-1]),
                "first the first piece's token, then the last one's: yours are exchanged.",
            ),
            (_shifted, "it is never asked whether the window holds the answer: where it does not, (0, 0)."),
            (_clipped, "it is never asked whether the window holds the answer: where it does not, (0, 0)."),
            (_labelled(_whole, none=(-1, -1)), NO_ANSWER),
            (_labelled(_whole, none=(-100, -100)), NO_ANSWER),
            (
                lambda *args: _shifted(*args) if _whole(*args[:4]) else (args[4], args[4]),
                "token `before` is the window's first piece: " + NO_ANSWER,
            ),
        ),
    ),
    "lead": errors_named(
        against(
            "windows, a list of (null_score, span_scores), span_scores a list that is empty in some of them -> a "
            'number: how far "no answer" is ahead, the smallest null score less the best span\'s score, each taken '
            "over all windows",
            _lead,
            _nulls_and_scores,
            mistakes=(
                (_lead_by(max), SMALLEST_NULL),
                (_lead_by(statistics.mean), SMALLEST_NULL),
                (_lead_by(sum), SMALLEST_NULL),
                (_lead_by(lambda nulls: nulls[0]), SMALLEST_NULL),
                (_lead_by(lambda nulls: nulls[-1]), SMALLEST_NULL),
                (_null_beside_the_best, ACROSS_WINDOWS),
                (_per_window(min), ACROSS_WINDOWS),
                (_per_window(max), ACROSS_WINDOWS),
                (_per_window(statistics.mean), ACROSS_WINDOWS),
                (_per_window(sum), ACROSS_WINDOWS),
                (_null_where_spans_are, "a window without a span has a null score too: it counts among them."),
                (
                    _nothing_is_zero,
                    "where a window has no span there is no score of 0, which would beat negative ones: leave it out.",
                ),
                (_best_at_least_zero, "scores may all be negative: begin with -inf as the best, not with 0."),
                (_null_at_most_zero, "null scores may all be positive: begin with inf as the smallest, not with 0."),
                (_firsts_of_windows, "span scores are in no order: the largest of all, not the first of each window."),
                (_then(_lead, lambda lead: -lead), 'the sign: the lead of "no answer" is its score less the span\'s.'),
                (_lead_by(min, min), "of the spans the best counts: the largest score."),
                (_lead_by(min, statistics.mean), "of the spans the best counts: the largest score, no mean."),
                (_lead_by(min, sum), "of the spans the best counts: the largest score, no sum."),
                (lambda windows: min(null for null, _ in windows), "take the best span's score away from it."),
                (lambda windows: max(_all_scores(windows)), "that is the best span's score: the lead is asked for."),
                (
                    lambda windows: min(null for null, _ in windows) > max(_all_scores(windows)),
                    "a number is asked for, how far it is ahead, not whether it is.",
                ),
                (
                    lambda windows: [null - max(scores, default=-math.inf) for null, scores in windows],
                    "one number is asked for, over all windows.",
                ),
            ),
        ),
        {
            "empty sequence": "a window may have no span at all: gather the scores of all windows first.",
            "iterable argument is empty": "a window may have no span at all: gather the scores of all windows first.",
            "zero-size array": "a window may have no span at all: gather the scores of all windows first.",
            "argmax of an empty": "a window may have no span at all: gather the scores of all windows first.",
            "list index out of range": "a window may have no span at all: gather the scores of all windows first.",
            "inhomogeneous": "windows have different numbers of spans, which make no array: go through them one by "
            "one.",
        },
    ),
    "merged": seen_as(
        _in_order_of_score,
        _merged_in_words,
        "found, a list of (start, end, score), some spans twice or more -> list of (start, end, score), best first: "
        "each span once, with its best score; of equal scores in any order",
        _merged,
        _found_spans,
        mistakes=(
            (_all_of_them, ONCE),
            (_equal_ones_alone, ONCE + " Yours counts it twice where its two scores differ."),
            (_kept(sum), "the scores of a span that is found twice do not add up: the better one counts."),
            (
                _kept(lambda scores: max(0, *scores)),
                "scores may be negative: begin with the first score of a span, or -inf, not with 0.",
            ),
            (_kept(min), "yours keeps the worse score of the two."),
            (_kept(statistics.mean), "no mean: of a span's scores the best one counts."),
            (_kept(lambda scores: scores[0]), "yours keeps the score found first: the better one counts."),
            (_kept(lambda scores: scores[-1]), "yours keeps the score found last: the better one counts."),
            (_kept(max, key=lambda start, end: start), DIFFERENT_ENDS),
            (
                _kept(max, key=lambda start, end: end),
                "spans with one end and different starts are different: the key is (start, end).",
            ),
            (
                _kept(max, key=lambda start, end: end - start),
                "spans of one length are different: the key is (start, end).",
            ),
            (_by_score, "two spans may have one score: the key is the span, (start, end)."),
            (_in_the_order_found, "best first: sort by the score, the largest first."),
            (_kept(max, order=lambda span: span[2]), "best first: yours begins with the worst."),
            (_kept(max, order=lambda span: span[:2]), "best first: by score; yours is sorted by place."),
            (_only_twice, "a span that one window holds alone counts as well."),
            (_without_overlap, "spans that only overlap are different answers: both stay."),
            (_the_best_alone, "all spans are asked for, not the best one alone."),
            (lambda found: [span[:2] for span in _merged(found)], "each with its score: (start, end, score)."),
            (
                lambda found: [(score, start, end) for start, end, score in _merged(found)],
                "the order within a triple is (start, end, score).",
            ),
            (
                lambda found: {(start, end): score for start, end, score in _merged(found)},
                FROM_DICT,
            ),
        ),
    ),
    "f1": errors_named(
        against(
            'predicted, gold, texts of words between spaces, already normalized, "" for no answer -> F1 over the '
            "words, 0 to 1, each counted as often as it stands there; if either text is empty, 1 if both are, else 0",
            overlap_f1,
            _two_answers,
            mistakes=(
                (_overlapping(count=set), EACH_TIME),
                (_with_common(lambda ours, theirs: len({*ours} & {*theirs})), EACH_TIME),
                (_share_in_each, EACH_TIME),
                (
                    _with_common(lambda ours, theirs: sum(word in theirs for word in ours)),
                    EACH_TIME,
                ),
                (
                    _with_common(lambda ours, theirs: sum(word in ours for word in theirs)),
                    EACH_TIME,
                ),
                (
                    _with_common(_common, lambda common, ours, theirs: common / ours),
                    "that is the precision alone: the share of the predicted words that are right.",
                ),
                (
                    _with_common(_common, lambda common, ours, theirs: common / theirs),
                    "that is the recall alone: the share of the right words that were found.",
                ),
                (
                    _with_common(_common, lambda common, ours, theirs: (common / ours + common / theirs) / 2),
                    "that is the mean of precision and recall; F1 is their harmonic mean, 2PR / (P + R).",
                ),
                (
                    _with_common(_common, lambda common, ours, theirs: common**2 / ours / theirs),
                    "that is precision times recall; F1 is their harmonic mean, 2PR / (P + R).",
                ),
                (
                    _with_common(_common, lambda common, ours, theirs: common / (ours + theirs)),
                    "the factor 2 is missing: 2PR / (P + R).",
                ),
                (
                    _with_common(_common, lambda common, ours, theirs: common / (ours + theirs - common)),
                    "that divides by all words of both, each counted once (Jaccard's index): F1 is 2PR / (P + R).",
                ),
                (
                    _with_common(
                        lambda ours, theirs: len({*ours} & {*theirs}) / len({*ours} | {*theirs}),
                        lambda share, ours, theirs: share,
                    ),
                    "that divides by all words of both, each counted once (Jaccard's index): F1 is 2PR / (P + R).",
                ),
                (
                    _with_common(_common, lambda common, ours, theirs: common / max(ours, theirs)),
                    "that divides by the longer one's words; F1 is 2PR / (P + R).",
                ),
                (_overlapping(split=list), LETTERS),
                (
                    _overlapping(split=lambda text: list(text.replace(" ", ""))),
                    LETTERS,
                ),
                (_overlapping(split=list, count=set), LETTERS),
                (
                    _with_common(lambda ours, theirs: sum(map(str.__eq__, ours, theirs))),
                    "words count wherever they stand: not only those at the same place.",
                ),
                (
                    lambda predicted, gold: float(predicted == gold),
                    "that is the exact match: a part that is right counts as a part.",
                ),
                (_empty(0.0, 0.0), BOTH_EMPTY),
                (_empty(1.0, 1.0), ONE_EMPTY),
                (_empty(0.0, 1.0), BOTH_EMPTY + " " + ONE_EMPTY),
                (_then(overlap_f1, lambda value: 100 * value), PERCENT),
                (_then(overlap_f1, lambda value: round(value, 2)), ROUNDED),
                (_then(overlap_f1, lambda value: 1 - value), "that is 1 minus it."),
            ),
        ),
        {
            "ZeroDivisionError": "it divides by 0 here: precision and recall are both 0 where no word is common, and "
            "an empty text has no words. Decide these cases first.",
        },
    ),
    "threshold": seen_as(
        _mean_at,
        _threshold_in_words,
        'leads, answered, silent (N,), numpy arrays: of each question the lead of "no answer", and its F1 if the best '
        'span is given, and if nothing is -> a number t: "no answer" is said where lead > t; t with the highest mean '
        "F1, of equals any",
        _best_mean,
        _judged_questions,
        mistakes=(
            (lambda leads, answered, silent: 0.0, AS_IT_COMES),
            (lambda leads, answered, silent: float(np.median(leads)), MIDDLE),
            (lambda leads, answered, silent: float(np.mean(leads)), MIDDLE),
            (_halfway_between_means, MIDDLE),
            (_chosen(lambda silenced, answered, silent: _mean_f1(~silenced, answered, silent)), REVERSED),
            (
                _chosen(_answerability),
                "that counts how often silence is right; a wrong span instead of a right one costs as well: mean F1.",
            ),
            (
                _chosen(lambda silenced, answered, silent: np.where(silenced, 0, answered).sum()),
                "silence counts too: where nothing is said the question's F1 is `silent`.",
            ),
            (
                _chosen(_of_the_answered),
                "the mean is over all questions, with `silent` where nothing is said, not over those answered.",
            ),
            (
                _chosen(lambda silenced, answered, silent: np.where(silenced, silent, 0).sum()),
                "answers count too: where the span is given the question's F1 is `answered`.",
            ),
            (_chosen(_mean_f1, candidates=np.sort), CANDIDATES),
            (_chosen(_mean_f1, candidates=lambda leads: [leads.min() - 1, *np.sort(leads)[:-1]]), CANDIDATES),
            (
                _chosen(
                    _mean_f1,
                    candidates=lambda leads: [*np.sort(leads), leads.max() + 1],
                    silenced=np.greater_equal,
                ),
                "a lead of just t is answered: nothing is said only where lead > t.",
            ),
            (
                _chosen(_mean_f1, silenced=np.greater_equal),
                "a lead of just t is answered: nothing is said only where lead > t.",
            ),
            (_split_within_equals, "questions with one lead are answered together, or not at all."),
            (_best_mean, "that is the best mean F1: the threshold that leads to it is asked for."),
        ),
    ),
}
