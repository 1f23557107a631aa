"""Checks a learner's own code at once: `check("attention.masks", my_function)`.

Needs neither the notebook's file nor a network, in JupyterLab, on Colab, in a plain interpreter and in the class grader
alike. The answer is called on simple cases and on drawn ones, in a limited time, and compared with the library's own
code; what differs is told in a line or two, with a hint if the answer is a known mistake.
"""

from __future__ import annotations

import difflib
import math
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from importlib import import_module

import numpy as np

from bertcourse.checks.engine import (
    Check,
    NotWritten,
    Question,
    Trial,
    Wrong,
    difference,
    is_placeholder,
    random_state_kept,
    show,
    show_call,
)

_cases: ContextVar[int | None] = ContextVar("cases", default=None)  # see cases_from
THEMES = (
    "attention",
    "encoder",
    "wordpiece",
    "masking",
    "pairs",
    "pretraining",
    "training",
    "speed",
    "classification",
    "tagging",
    "looking",
    "sentiment",
    "answers",
    "search",
    "desk",
    "recommend",
    "monitor",
    "tuning",
    "small",
    "writing",
    "chinese",
)


@dataclass(frozen=True)
class Report:
    """What came of an examination; true if the answer is right.

    Attributes:
        name: of the check.
        passed: whether the answer is right.
        written: False if it is still the placeholder.
        cases: how many cases it got right, at least.
        message: what is wrong, with what was tried, what was expected and what came; empty if nothing is.
        hint: the likely mistake; empty if there is no telling.
        printed: the beginning of what the answer printed.
        seconds: how long it took.
    """

    name: str
    passed: bool
    written: bool
    cases: int
    message: str = ""
    hint: str = ""
    printed: str = ""
    seconds: float = 0.0

    def __bool__(self) -> bool:
        return self.passed

    def _ipython_display_(self) -> None:
        """Nothing: as a cell's last value it has been printed already."""

    def __str__(self) -> str:
        if not self.written:
            return f"○ {self.name}: not written yet. {self.message}"
        if self.passed:
            return f"✓ {self.name}: right" + (f", on {self.cases} cases." if self.cases > 1 else ".")
        what, _, tried = self.message.partition("; tried with: ")
        lines = [f"✗ {self.name}: {what}", *([f"  Tried with: {tried}"] if tried else [])]
        if self.hint:
            lines.append(f"  Hint: {self.hint}")
        if self.printed.strip():
            lines.append(f"  It printed: {' '.join(self.printed.split())[:200]}")
        return "\n".join(lines)


def checks_of(theme: str) -> dict[str, Check]:
    """The checks of one theme, by name; its module is imported only now."""
    return {f"{theme}.{name}": found for name, found in import_module(f"bertcourse.checks.{theme}").CHECKS.items()}


def names() -> list[str]:
    """All checks, in the order of the lessons."""
    return [name for theme in THEMES for name in checks_of(theme)]


def find(name: str) -> Check:
    """The check of this name.

    Raises:
        ValueError: there is none; the message names those that are spelled nearly so.
    """
    theme = name.split(".")[0] if isinstance(name, str) else None
    if theme in THEMES and name in checks_of(theme):
        return checks_of(theme)[name]
    near = difflib.get_close_matches(str(name), names(), n=3, cutoff=0.4)
    remedy = f"did you mean {' or '.join(near)}?" if near else f"the checks are {', '.join(names())}"
    raise ValueError(f"there is no check {name!r}: {remedy}")


def question_rng(name: str, variant: int) -> np.random.Generator:
    """What a variant of a question is drawn from.

    The answers of variants 0 (the lessons') and 1 (the assignments' sources') are public: a later variant is drawn anew
    while it has one of them. Where there are few different questions, the first ones are drawn without repetition.
    Raises ValueError if it cannot be helped.
    """
    return np.random.default_rng(_question_key(name, variant))


@cache
def _question_key(name: str, variant: int) -> list[int]:
    """The key of a variant's generator; see `question_rng`."""
    base = [zlib.crc32(name.encode()), variant]
    if variant == 0:
        return base
    found = find(name)
    public = [found.solve(question_rng(name, number)) for number in (0, 1)] if variant > 1 else []
    earlier = [found.draw(question_rng(name, number)) for number in range(variant)] if variant < found.kinds else []
    for again in range(200):
        key = [*base, again] if again else base
        answer, given = found.solve(np.random.default_rng(key)), found.draw(np.random.default_rng(key))
        published = any(math.isclose(answer, other, rel_tol=2 * found.rel_tol) for other in public)
        if not published and given not in earlier:
            return key
    raise ValueError(f"{name!r} has no variant {variant} whose answer is not one of the published ones")


@contextmanager
def cases_from(seed: int) -> Iterator[None]:
    """Within, checks that are given no seed draw their cases from this one: grading again gives the same marks."""
    token = _cases.set(seed)
    try:
        yield
    finally:
        _cases.reset(token)


def question(name: str, *, variant: int = 0) -> str:
    """The text of a question for a number.

    Args:
        name: of its check.
        variant: which of its variants, such as the number of a class.

    Raises:
        ValueError: there is no such question.
    """
    found = find(name)
    if not isinstance(found, Question):
        raise ValueError(f"{name!r} checks a function: {found.asks}")
    return found.ask(question_rng(name, variant))


def examine(name: str, answer: object, *, seconds: float = 10.0, seed: int | None = None, variant: int = 0) -> Report:
    """Judge an answer without printing anything.

    Args:
        name: of the check; see `names`.
        answer: the learner's function, or number.
        seconds: processor time that one call may take.
        seed: of the drawn cases; None for others each time.
        variant: of a question for a number.

    Raises:
        ValueError: there is no such check. A wrong answer raises nothing.
    """
    found = find(name)
    drawn = np.random.default_rng(_cases.get() if seed is None else seed)
    rng = question_rng(name, variant) if isinstance(found, Question) else drawn
    return _judged(name, found, Trial(answer, rng, seconds))


def _judged(name: str, found: Check, trial: Trial) -> Report:
    start = time.perf_counter()

    def report(**what):
        return Report(name, cases=trial.cases, printed=trial.printed, seconds=time.perf_counter() - start, **what)

    with random_state_kept():
        try:
            if is_placeholder(trial.answer):
                raise NotWritten
            found.judge(trial)
        except NotWritten:
            return report(passed=False, written=False, message=f"It asks for: {found.asks}")
        except Wrong as wrong:
            return report(passed=False, written=True, message=wrong.message, hint=wrong.hint)
        except Exception as error:  # an answer of an unforeseen kind may not end the lesson
            what = f"what came cannot be judged ({type(error).__name__}: {error}). It asks for: {found.asks}"
            return report(passed=False, written=True, message=what)
    return report(passed=True, written=True)


def check(name: str, answer: object, *, seconds: float = 10.0, seed: int | None = None, variant: int = 0) -> Report:
    """Judge an answer, print what came of it, and return that. The arguments are those of `examine`."""
    report = examine(name, answer, seconds=seconds, seed=seed, variant=variant)
    print(report)
    return report


def example(answer: object, *args: object, gives: object, **kwargs: object) -> Report:
    """Try an answer on one example and print what came of it: for functions of assignments, which have no check.

    Args:
        answer: the learner's function.
        args, kwargs: what it is called with.
        gives: what it should give.
    """
    call = f"{getattr(answer, '__name__', 'the function')}({show_call(args, kwargs)})"

    def judge(trial: Trial) -> None:
        what = difference(gives, trial.call(*args, **kwargs), 1e-5)
        if what is not None:
            raise Wrong(what)

    report = _judged(call, Check(f"the value {show(gives)}", judge), Trial(answer, np.random.default_rng(0), 10.0))
    print(report)
    return report
