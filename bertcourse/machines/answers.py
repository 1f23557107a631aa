"""Machines of lesson 11: the best span found by hand, and a threshold for "no answer"."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bertcourse.diagrams.answers import added, allowed_spans, check_scores, draw_scores, joined
from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing
from bertcourse.machines.frame import Machine
from bertlib.text.answers import LONGEST

STEPS = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)  # of the threshold's slider, in thousandths of a logit
PLACES, BINS = 250, 28  # on the slider at most; columns of the histogram
ROWS = 2000  # questions of a split at most


def span_by_hand(
    tokens: Sequence[str],
    starts: Sequence[float],
    ends: Sequence[float],
    gold: tuple[int, int],
    longest: int = LONGEST,
) -> Machine:
    """First and last token of an answer, moved over scores of which the highest two make no span.

    Args:
        tokens: (T,) what the model reads: [CLS], a question, [SEP], a window, [SEP]; the window is one sentence of at
            most 25 words.
        starts, ends: (T,) scores of each token as first and as last.
        gold: first and last token of the right answer, both included; 0 and 0 where there is none.
        longest: pieces that a span may have.

    Raises:
        ValueError: what `bertcourse.diagrams.answers.check_scores` finds wrong; gold is no span of whole words of the
            window; longest is below 1; the highest start score and the highest end score of the window are those of one
            span, so that nothing is to be found.
    """
    before, starts, ends = check_scores(tokens, starts, ends)
    if longest < 1:
        raise ValueError(f"longest={longest}: give at least 1")
    gold = tuple(int(token) for token in gold)
    spans = allowed_spans(tokens, before, starts, ends, longest)
    every = {(first, last) for first, last, _ in allowed_spans(tokens, before, starts, ends, len(tokens))}
    if gold != (0, 0) and gold not in every:
        raise ValueError(
            f"gold={gold}: give first and last token of whole words of the window, {before} to {len(tokens) - 2}, or "
            "0 and 0"
        )
    first, last = (before + int(own[before:-1].argmax()) for own in (starts, ends))
    if starts[first] + ends[last] == spans[0][2]:
        raise ValueError(
            f"the highest start score ({tokens[first]!r}, token {first}) and the highest end score ({tokens[last]!r}, "
            f"token {last}) make a span: choose a question where they make none, so that there is something to find"
        )
    # It begins at the window's first word; at its last one if that is the answer to be found.
    begins = [token for token in range(before, len(tokens) - 1) if not tokens[token].startswith("##")]
    words = list(zip(begins, [*(token - 1 for token in begins[1:]), len(tokens) - 2], strict=True))
    first, last = words[0] if spans[0][:2] != words[0] else words[-1]
    data = {
        "tokens": list(tokens),
        "before": before,
        "starts": [round(100 * score) for score in starts.tolist()],
        "ends": [round(100 * score) for score in ends.tolist()],
        "gold": list(gold),
        "longest": longest,
        "begin": [first - before + 1, last - before + 1],
    }
    told = f"{joined(tokens[first : last + 1])}: {added(starts[first], ends[last])}"
    picture = Drawing(
        f"The question “{joined(tokens[1 : before - 1])}” beside the text “{joined(tokens[before:-1])}”, with a start "
        f"score and an end score for each token. Chosen are first and last token of “{told}”."
    )
    picture.text(280, 22, "two scores for each token", bold=True)

    def tone(token: int) -> str:
        if first <= token <= last:
            return "green"
        return "yellow" if token == 0 else "plain" if token >= before else "grey"

    y = draw_scores(picture, 38, tokens, starts, ends, tone)
    picture.box(MARGIN, y, 532, 34, told, "green", size=SMALL)
    question = (
        "A span is worth the start score of its first token plus the end score of its last. Which span of the text is "
        "worth most? It ends where it begins or later, is of whole words, and has at most "
        f"{longest} pieces. Look for the highest bar of each colour first, and see what they make together."
    )
    return Machine("span_by_hand", "Where does the answer begin and end?", question, data, picture)


def threshold_of_no_answer(
    validation: tuple[Sequence[float], Sequence[float], Sequence[float]],
    test: tuple[Sequence[float], Sequence[float], Sequence[float]],
) -> Machine:
    """The threshold above which "no answer" is said, moved on validation; the test split is opened once.

    Args:
        validation, test: of each question the lead of "no answer" over the best span, in logits; the F1 if that span is
            given; the F1 if none is, which is 1 where there is no answer and else 0.

    Raises:
        ValueError: not as many of each; a lead is not finite, or an F1 beyond 0 … 1; a split has more than 2,000
            questions, or not both kinds of them.
    """
    data = {}
    for name, columns in (("validation", validation), ("test", test)):
        table = [np.asarray(column, dtype=np.float64) for column in columns]
        shapes = [column.shape for column in table]
        if len(table) != 3 or len(set(shapes)) > 1 or len(shapes[0]) != 1 or not 0 < len(table[0]) <= ROWS:
            raise ValueError(
                f"{name} has the shapes {shapes}: give leads, F1 if answered and F1 if silent, as many of each, 1 to "
                f"{ROWS}"
            )
        leads, answered, silent = table
        if not np.isfinite(leads).all():
            raise ValueError(f"{name}: question {int(np.isfinite(leads).argmin())} has no finite lead: give a number")
        if not ((answered >= 0) & (answered <= 1)).all() or not np.isin(silent, (0, 1)).all():
            raise ValueError(f"{name}: give F1 from 0 to 1, and 0 or 1 where nothing is said")
        if not 0 < silent.sum() < len(silent):
            raise ValueError(
                f"{name}: {int(silent.sum())} of {len(silent)} questions have no answer: give both kinds of questions"
            )
        data[name] = {
            "leads": np.rint(1000 * leads).astype(int).tolist(),
            "answered": [round(one, 7) for one in answered.tolist()],
            "silent": silent.astype(int).tolist(),
        }
    leads, silent = (np.array(data["validation"][name]) for name in ("leads", "silent"))
    low, high = min(0, int(leads.min())), max(0, int(leads.max()))
    step = next((one for one in STEPS if high - low <= one * (PLACES - 3)), None)
    if step is None:
        raise ValueError(f"validation: leads from {low / 1000:g} to {high / 1000:g}: give them in logits")
    low = (low // step - 1) * step
    places = -((low - high) // step)
    data |= {"low": low, "step": step, "places": places, "start": -low // step}
    edges = np.linspace(low, low + step * places, BINS + 1)
    data["columns"] = [np.histogram(leads[silent == kind], edges)[0].tolist() for kind in (0, 1)]
    told = data["validation"]
    said = np.where(leads > 0, told["silent"], told["answered"])
    shown = [f"{100 * part.mean():.1f} %" for part in (said, said[silent == 0], said[silent == 1])]
    nothing = int((leads > 0).sum())
    picture = Drawing(
        f"At the threshold 0 nothing is said to {nothing} of {len(said)} validation questions; their mean F1 is "
        f"{shown[0]}, that of the {int((silent == 0).sum())} with an answer {shown[1]}; of the {int(silent.sum())} "
        f"without one {shown[2]} are right. The test split is closed."
    )
    picture.text(280, 22, "threshold 0: the higher score wins", bold=True)
    cells = [["", "mean F1", "with answer", "without", "said nothing"]]
    cells += [["validation", *shown, str(nothing)], ["test", *["closed"] * 4]]
    picture.grid(MARGIN, 44, cells, (106, 34), tone=lambda i, j: "grey" if 0 in (i, j) else "plain")
    words = "with answer: their F1; without: the share that is given none"
    picture.text(280, 166, words, size=SMALL, color=SOFT)
    question = (
        "The lead of a question is the score of “no answer” minus that of its best span. Where it is above the "
        "threshold, the model says nothing. Which threshold gives the validation questions the highest mean F1: 0, "
        "where the higher score wins, or another one? When you are sure, open the test split: once."
    )
    return Machine("threshold_of_no_answer", "When is “no answer” the better answer?", question, data, picture)
