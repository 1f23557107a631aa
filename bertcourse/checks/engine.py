"""Runs a learner's answer where it can do no harm, and compares what it gives with what was expected.

What is told is what is known: a mistake is named only if the answer agrees with it in all that was seen, an argument is
called unused only if that was shown, and what was right before it became too slow is told so.
"""

from __future__ import annotations

import contextlib
import copy
import ctypes
import dataclasses
import dis
import inspect
import io
import linecache
import math
import random
import re
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain, islice, permutations

import numpy as np
import torch
from torch import Tensor

SHOWN = 140  # characters of a value in a message
CALL_SHOWN = 260  # characters of all arguments of a call
PATIENCE = 6  # all calls together, and a call that sleeps, may take so many times what one call may compute
EASY = 120  # characters of a case that need not be made smaller
ROUNDED, ABOUT = 0.05, 0.1  # a rounded number, and one that is about right, are off by less, relatively
THREE_DIGITS = "give three significant digits (0.0123 has three)."
MORE_CASES = 24  # at most so many more cases are tried to find out what is wrong with an answer


class Wrong(Exception):
    """What is wrong with an answer; `hint` names the likely mistake."""

    def __init__(self, message: str, hint: str = ""):
        super().__init__(message)
        self.message, self.hint = message, hint


class NotWritten(Exception):
    """The answer is still the placeholder."""


def _dots(): ...


def _words_and_dots():
    """Words."""


def is_placeholder(answer: object) -> bool:
    """Whether there is no answer yet: None, `...`, a function of nothing but `...` or `pass`, or a class of these."""
    if inspect.isclass(answer):
        own = [value for value in vars(answer).values() if hasattr(value, "__code__")]
        return all(map(is_placeholder, own)) and not any(map(_holds_work, vars(answer).values()))
    code = getattr(answer, "__code__", None)
    if code is None:
        return answer is None or answer is ...
    empty = code.co_code in (_dots.__code__.co_code, _words_and_dots.__code__.co_code)
    return empty and set(code.co_consts) <= {None, answer.__doc__}


def _holds_work(value: object) -> bool:
    """Whether a class's attribute is more than a name: a property or another descriptor that computes something."""
    return isinstance(value, property | classmethod | staticmethod)


class _TimeIsUp(BaseException):
    """Not an Exception, so that an `except Exception` in a learner's loop does not swallow it."""


class _Tail(io.TextIOBase):
    """Takes any flood of printing and keeps its beginning."""

    def __init__(self):
        self.kept = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if len(self.kept) < 2000:
            self.kept += text[:2000]
        return len(text)


# ----------------------------------------------------------------------------------------------------- values in words


def show(value: object) -> str:
    """A value in a few words: what it is, its shape, and its numbers as far as they fit in a line."""
    if isinstance(value, Tensor | np.ndarray):
        kind = str(value.dtype).removeprefix("torch.")
        what = "tensor" if isinstance(value, Tensor) else "array"
        if not value.shape:
            return f"{_number(value.item())} ({kind} {what})"
        numbers = str(_rounded(value.tolist())).replace("'", "")
        return f"{kind} {what} {tuple(value.shape)}: {_cut(numbers)}"
    if isinstance(value, float):
        return _number(value)
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    if isinstance(value, list | tuple) and any(isinstance(part, Tensor | np.ndarray) for part in value):
        return "(" + ", ".join(show(part) for part in value) + ")"
    try:
        return _cut(repr(value))
    except Exception:  # a learner's class may have a __repr__ that fails
        return f"a {type(value).__name__}"


def _number(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _rounded(value: object) -> object:
    if isinstance(value, list):
        return [_rounded(part) for part in value[:40]]
    return _number(round(value, 4)) if isinstance(value, float) and math.isfinite(value) else str(value)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 2] + " …"


def show_call(args: Sequence, kwargs: Mapping) -> str:
    """All arguments in a few words; where they are too long together, tensors by their shapes alone, longest first."""
    names = [*([""] * len(args)), *(f"{name}=" for name in kwargs)]
    values = [*args, *kwargs.values()]
    shown = [show(value) for value in values]
    for place in sorted(range(len(values)), key=lambda place: -len(shown[place])):
        if sum(map(len, shown)) > CALL_SHOWN and isinstance(values[place], Tensor | np.ndarray):
            shown[place] = shown[place].partition(":")[0]
    return ", ".join(name + text for name, text in zip(names, shown, strict=True))


# ---------------------------------------------------------------------------------------------------------- comparison


def difference(expected: object, got: object, atol: float) -> str | None:
    """How `got` differs from `expected`, in a few words; None if it does not.

    The numbers decide: lists, tuples, numpy arrays and tensors are as good as each other where numbers and shape are
    right, and so are Python's numbers and tensors without dimensions. Floats may have any width; whether something is a
    truth value, a whole number or a float matters, but that Python's whole numbers in a list are floats as well.
    """
    if expected is None:
        return None if got is None else f"expected None, came {show(got)}"
    if got is None:
        return "it returned None: is there a return at its end?"
    if isinstance(expected, Tensor | np.ndarray) and np.ndim(expected):
        return _array_difference(expected, got, atol)
    if isinstance(expected, bool | np.bool_ | int | np.integer | float | np.floating | Tensor | np.ndarray):
        return _number_difference(expected, got, atol)
    if isinstance(expected, dict):
        if not isinstance(got, Mapping):
            return f"expected a dict, came {show(got)}"
        for key in expected:
            if key not in got:
                return f"the key {key!r} is missing"
            found = difference(expected[key], got[key], atol)
            if found:
                return f"at {key!r}: {found}"
        extra = [key for key in got if key not in expected]
        return f"the key {show(extra[0])} is too many" if extra else None
    if isinstance(expected, list | tuple):
        several = any(isinstance(part, Tensor | np.ndarray) and np.ndim(part) for part in expected)
        if several and isinstance(got, Tensor | np.ndarray):
            return f"expected {len(expected)} things, came one: {show(got)}"
        single = isinstance(got, Tensor | np.ndarray) and not np.ndim(got)
        if single or isinstance(got, str | bytes | Mapping) or not isinstance(got, Sequence | Tensor | np.ndarray):
            return f"expected a {type(expected).__name__}, came {show(got)} ({type(got).__name__})"
        if len(expected) != len(got):
            return f"expected {len(expected)} things, came {len(got)}: {show(got)}"
        for number, (one, other) in enumerate(zip(expected, got, strict=True)):
            found = difference(one, other, atol)
            if found:
                return f"at [{number}]: {found}"
        return None
    if type(expected) is not type(got) and not isinstance(got, type(expected)):
        return f"expected {show(expected)}, came {show(got)} ({type(got).__name__})"
    return None if bool(expected == got) else f"expected {show(expected)}, came {show(got)}"


def _kind(value: Tensor | np.ndarray) -> str:
    if isinstance(value, np.ndarray):
        return {"b": "bool", "i": "int", "u": "int", "f": "float"}.get(value.dtype.kind, str(value.dtype))
    return "bool" if value.dtype == torch.bool else "float" if value.is_floating_point() else "int"


def _array_difference(expected: Tensor | np.ndarray, got: object, atol: float) -> str | None:
    listed = isinstance(got, list | tuple)
    if listed:
        got, given = as_array(got), got
    if not isinstance(got, Tensor | np.ndarray):
        what = "tensor" if isinstance(expected, Tensor) else "numpy array"
        why = "not the numbers of one" if listed else type(given if listed else got).__name__
        return f"expected a {what} {tuple(expected.shape)}, came {show(given if listed else got)} ({why})"
    if tuple(expected.shape) != tuple(got.shape):
        return f"expected the shape {tuple(expected.shape)}, came {tuple(got.shape)}"
    kinds = _kind(expected), _kind(got)
    if kinds[0] != kinds[1] and not (listed and (kinds == ("float", "int") or not got.size)):
        came = {"bool": "truth values", "int": "whole numbers"}.get(kinds[1], "floats") if listed else got.dtype
        return f"expected the dtype {expected.dtype}, came {came}"
    one = expected.detach().cpu().double().numpy() if isinstance(expected, Tensor) else expected.astype(float)
    other = got.detach().cpu().double().numpy() if isinstance(got, Tensor) else got.astype(float)
    if np.isnan(other).any() and not np.isnan(one).any():
        place = np.argwhere(np.isnan(other))[0].tolist()
        return f"NaN at {place}, where {_number(float(one[tuple(place)]))} was expected"
    wrong = ~np.isclose(other, one, rtol=1e-4, atol=atol, equal_nan=True)
    if not wrong.any():
        return None
    place = tuple(np.argwhere(wrong)[0].tolist())
    pair = [value[place] for value in (one, other)]
    shown = [str(bool(v)) if _kind(expected) == "bool" else _number(int(v) if v.is_integer() else v) for v in pair]
    return f"at {list(place)}: expected {shown[0]}, came {shown[1]} ({int(wrong.sum())} of {wrong.size} differ)"


def as_array(value: object) -> np.ndarray | None:
    """Nested lists or tuples of numbers, tensors and arrays among them, as one array; None if they are no such thing.

    For checks that judge by properties: `as_array(got)` takes a tensor, too.
    """

    def plain(part: object) -> object:
        if isinstance(part, Tensor):
            return part.detach().cpu().tolist()
        if isinstance(part, np.ndarray | np.generic):
            return part.tolist()
        return [plain(inner) for inner in part] if isinstance(part, list | tuple) else part

    try:
        found = np.array(plain(value))
    except (ValueError, OverflowError):  # rows of different lengths
        return None
    return found if found.dtype.kind in "biuf" else None


def as_plain(value: object) -> object:
    """Arrays, tensors and tuples of them as lists, their numbers as Python's."""
    if isinstance(value, Tensor | np.ndarray | np.generic):
        return value.tolist()
    return [as_plain(part) for part in value] if isinstance(value, list | tuple) else value


def is_number(value: object) -> bool:
    return type(value) in (int, float) and not math.isnan(value)


def is_whole(value: object) -> bool:
    return is_number(value) and float(value).is_integer()


def _number_difference(expected: object, got: object, atol: float) -> str | None:
    if isinstance(got, Tensor | np.ndarray):
        if got.shape:
            return f"expected a number, came {show(got)}"
        got = got.item()
    expected = expected.item() if hasattr(expected, "item") else expected
    if isinstance(got, bool | np.bool_) != isinstance(expected, bool):
        return f"expected {show(expected)}, came {show(got)} ({type(got).__name__})"
    if not isinstance(got, int | float | np.number | np.bool_):
        return f"expected {show(expected)}, came {show(got)} ({type(got).__name__})"
    if math.isnan(got):
        return None if math.isnan(expected) else f"NaN, where {_number(expected)} was expected"
    near = got == expected if isinstance(expected, int) else math.isclose(got, expected, rel_tol=1e-4, abs_tol=atol)
    return None if near else f"expected {_number(expected)}, came {_number(got)}"


def _changed(before: object, after: object) -> bool:
    """Whether an argument is not what it was. Generators are there to be drawn from."""
    if isinstance(before, np.random.Generator) or callable(before):
        return False
    if isinstance(before, Tensor):
        return before.shape != after.shape or before.dtype != after.dtype or not torch.equal(before, after)
    if isinstance(before, np.ndarray):
        return not np.array_equal(before, after)
    if isinstance(before, Mapping):
        return list(before) != list(after) or any(_changed(before[key], after[key]) for key in before)
    if isinstance(before, list | tuple):
        return len(before) != len(after) or any(map(_changed, before, after))
    return bool(before != after)


# ------------------------------------------------------------------------------------------------------------- running


@contextlib.contextmanager
def random_state_kept() -> Iterator[None]:
    """Whatever a check and an answer draw from the global generators, the notebook's own draws stay what they were."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002 - the global one is meant
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])


def run_limited(action: Callable[[], object], seconds: float) -> object:
    """action(), or TimeoutError after so many seconds of processor time, or where it sleeps after `PATIENCE` as many.

    Processor time is its thread's own: a machine that is busy with other things makes no answer wrong.

    In the main thread of Linux or macOS (notebooks run there) a timer interrupts any Python code, again and again. From
    the third time on it rings at once: a loop around `except:` is then hit outside of its `try`, as a rule. Elsewhere
    the action runs in a thread of its own, which is asked to end between two of its lines; one that hangs inside
    compiled code is left behind.
    """
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        rings, over = 0, False
        computed, waited = time.thread_time() + seconds, time.perf_counter() + PATIENCE * seconds

        def ring(number, frame):
            nonlocal rings
            left = min(computed - time.thread_time(), waited - time.perf_counter())
            if not over and not rings and left > 0:
                signal.setitimer(signal.ITIMER_REAL, max(left, 0.01))
            elif not over:
                rings += 1
                signal.setitimer(signal.ITIMER_REAL, 0.1 if rings < 3 else 2e-5)
                raise _TimeIsUp

        before = signal.signal(signal.SIGALRM, ring)
        late = True
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            value, late = action(), False
        except _TimeIsUp:
            value = None
        finally:
            while not over:
                try:
                    over = True
                except _TimeIsUp:  # it may ring once more right here
                    over = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        if late:
            raise TimeoutError
        return value
    outcome: dict[str, object] = {}

    def work():
        try:
            outcome["value"] = action()
        except BaseException as error:
            outcome["error"] = error

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    clock, waited = _clock_of(worker), time.perf_counter() + PATIENCE * seconds
    until = clock() + seconds
    while worker.is_alive() and (left := min(until - clock(), waited - time.perf_counter())) > 0:
        worker.join(max(left, 0.01))
    for _ in range(10):
        if not worker.is_alive():
            break
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(worker.ident), ctypes.py_object(_TimeIsUp))
        worker.join(0.1)
    error = outcome.get("error")
    if worker.is_alive() or isinstance(error, _TimeIsUp):
        raise TimeoutError
    if error is not None:
        raise error
    return outcome["value"]


def _clock_of(worker: threading.Thread) -> Callable[[], float]:
    """A clock of a thread's processor time; of wall time where the system has none."""
    try:
        number = time.pthread_getcpuclockid(worker.ident)
        time.clock_gettime(number)
    except (AttributeError, OSError):
        return time.perf_counter

    def clock() -> float:
        try:
            return time.clock_gettime(number)
        except OSError:  # the thread has just ended
            return math.inf

    return clock


@dataclass
class Trial:
    """One examination of one answer: calls it, counts the calls, and keeps what it printed.

    Attributes:
        answer: the learner's function or value.
        rng: source of the drawn cases.
        seconds: processor time that a call may take; all together may take `PATIENCE` times as much.
        cases: calls that went through.
        right: cases whose result is known to be right.
        in_place: whether it may change its arguments.
    """

    answer: object
    rng: np.random.Generator
    seconds: float
    cases: int = 0
    right: int = 0
    in_place: bool = False
    printed: str = ""
    spent: float = 0.0
    described: str = field(default="", repr=False)

    def call(self, *args: object, **kwargs: object) -> object:
        """What the answer gives for these arguments.

        Raises:
            Wrong: it raised something, ran too long, or changed its arguments.
            NotWritten: it is still the placeholder.
        """
        if not callable(self.answer):
            raise Wrong(f"expected a function, came {show(self.answer)}: give the function itself, without ()")
        self.described = show_call(args, kwargs)
        given, named = copy.deepcopy((list(args), dict(kwargs)))
        tail = _Tail()
        left = PATIENCE * self.seconds - self.spent

        def timed() -> object:
            start = time.thread_time()
            try:
                return self.answer(*given, **named)
            finally:
                self.spent += time.thread_time() - start

        try:
            with contextlib.redirect_stdout(tail), contextlib.redirect_stderr(tail):
                got = run_limited(timed, max(min(self.seconds, left), 0.01))
        except TimeoutError:
            raise self._too_slow(left < self.seconds) from None
        except NotImplementedError:
            raise NotWritten from None
        except KeyboardInterrupt:
            raise Wrong("it was interrupted") from None
        except BaseException as error:  # SystemExit too: nothing that an answer raises may end the notebook
            message = f"{_error_in_words(error, self.answer)}; tried with: {self.described}"
            raise Wrong(message, _edge_case(error, [*args, *kwargs.values()])) from None
        finally:
            self.printed = self.printed or tail.kept
        if got is Ellipsis or got is NotImplemented:
            raise NotWritten
        self.cases += 1
        if self.in_place:
            return got
        for place, (before, after) in enumerate(zip(args, given, strict=True)):
            if _changed(before, after):
                raise Wrong(
                    f"it changed its argument number {place + 1} in place; tried with: {self.described}",
                    "whoever calls it still needs the original: work on a copy (clone(), list(…)).",
                )
        for name, before in kwargs.items():
            if _changed(before, named[name]):
                raise Wrong(
                    f"it changed its argument {name!r} in place; tried with: {self.described}",
                    "whoever calls it still needs the original: work on a copy (clone(), list(…)).",
                )
        return got

    def _too_slow(self, together: bool) -> Wrong:
        """What to say of a call that was stopped, for its own time or for that of all calls together."""
        stopped = f"it ran longer than {self.seconds:g} seconds of processor time, and was stopped"
        if together:
            stopped = f"its calls together ran longer than {PATIENCE * self.seconds:g} seconds of processor time"
        if not self.right:
            hint = (
                "a loop that never ends? Look whether what its condition asks for ever changes. If it does end, it is "
                "too slow: work on whole tensors, not on their numbers one by one."
            )
            return Wrong(f"{stopped}; tried with: {self.described}", hint)
        before = f"{self.right} case" + "s" * (self.right > 1)
        return Wrong(
            f"right so far, on {before}, but too slow: {stopped}; tried with: {self.described}",
            "work on whole tensors, not on their numbers one by one. (Or is there a loop that does not end here?)",
        )


def _error_in_words(error: BaseException, answer: object) -> str:
    """Type, message, and the line of the learner's own code where it happened."""
    file = getattr(getattr(answer, "__code__", None), "co_filename", None)
    line, at = 0, error.__traceback__
    while at is not None:
        if at.tb_frame.f_code.co_filename == file:
            line = at.tb_lineno
        at = at.tb_next
    where = f" in line {line} ({linecache.getline(file, line).strip()})" if line else ""
    return f"{type(error).__name__}{where}: {_cut(str(error))}"


def _edge_case(error: BaseException, given: list) -> str:
    """A hint, if the error comes from an edge case that is easily forgotten: nothing to divide by, None, empty."""
    if isinstance(error, ZeroDivisionError):
        return (
            "it divides by 0 here: is there nothing to divide by, an edge case, or does a count begin at 0 that should "
            "begin at 1?"
        )
    if "NoneType" in str(error) and _holds(given, lambda value: value is None):
        return (
            "an edge case: None is among the arguments here, and None is neither a text nor a number. Ask for it first."
        )
    if isinstance(error, LookupError | ValueError | RuntimeError) and _holds(given, _is_empty):
        return "an edge case: one of the arguments is empty here, or has something empty in it."
    return ""


def _holds(values: Sequence, wanted: Callable[[object], bool]) -> bool:
    inside = (value for value in values if isinstance(value, list | tuple))
    return any(wanted(value) for value in values) or any(_holds(value, wanted) for value in inside)


def _is_empty(value: object) -> bool:
    return isinstance(value, list | tuple | str | dict) and not value


# ----------------------------------------------------------------------------------------------------- kinds of checks

Case = tuple  # positional arguments, the last of which may be a `Named`


class Named(dict):
    """Keyword arguments of a case."""


def _parts(case: Case) -> tuple[tuple, dict]:
    return (case[:-1], dict(case[-1])) if case and isinstance(case[-1], Named) else (case, {})


@dataclass(frozen=True)
class Check:
    """What an exercise asks for, and how an answer is judged.

    Attributes:
        asks: one line: what the function gets and gives, with shapes.
        judge: raises Wrong if the answer of a trial is wrong.
        mistakes: known wrong functions, each with the hint for a learner whose answer agrees with it.
    """

    asks: str
    judge: Callable[[Trial], None]
    mistakes: tuple[tuple[Callable, str], ...] = ()


class Around:
    """A call around an answer; where lines and arguments are told, it looks like the answer itself."""

    def __init__(self, answer: Callable, call: Callable):
        self.__wrapped__, self.call = answer, call
        if hasattr(answer, "__code__"):
            self.__code__ = answer.__code__

    def __call__(self, *args: object) -> object:
        return self.call(*args)


@dataclass(frozen=True)
class _Seen:
    """A case that was tried: what was given, what was right, what came, and how the two differ (None: they do not)."""

    args: tuple
    kwargs: dict
    expected: object
    got: object
    what: str | None
    described: str

    @property
    def toil(self) -> int:
        """How hard it is to check by eye: its length, and much more where it has fractions or leaves numbers out."""
        hidden = re.search(r"(tensor|array) \([\d, ]*\)(?!:)|…|\d\.\d", self.described)
        return len(self.described) + (CALL_SHOWN if hidden else 0)


def against(
    asks: str,
    reference: Callable,
    cases: Callable[[np.random.Generator], Iterable[Case]],
    *,
    mistakes: tuple[tuple[Callable, str], ...] = (),
    atol: float = 1e-5,
    printed: int = 1,
    shrink: bool = True,
    in_place: bool = False,
) -> Check:
    """A check of a function that always gives the same for the same: against a reference, case by case.

    A wrong answer is told about the smallest case found in which it is wrong, with the known mistake that it agrees
    with wherever the two were compared; else with an argument that is shown to change nothing.

    Args:
        asks: see `Check`.
        reference: the right function.
        cases: rng -> tuples of arguments, the simplest first. It may be asked for more cases than one round gives.
        mistakes: see `Check`.
        atol: absolute tolerance of floats (the relative one is 1e-4).
        printed: so many of the cases stand in the exercise's text; who is right on these alone is told so.
        shrink: whether a case stays one if tensors and lists in it become shorter, and drawn floats whole numbers.
        in_place: whether the answer may change its arguments.
    """

    def tried(trial: Trial, args: tuple, kwargs: dict) -> _Seen:
        expected = reference(*copy.deepcopy(args), **copy.deepcopy(kwargs))
        got = trial.call(*args, **kwargs)
        return _Seen(args, kwargs, expected, got, difference(expected, got, atol), trial.described)

    def judge(trial: Trial) -> None:
        trial.in_place = in_place
        waiting, seen = iter(cases(trial.rng)), []
        for case in waiting:
            seen.append(tried(trial, *_parts(case)))
            if seen[-1].what is not None:
                break
            trial.right += 1
        else:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of references and mistakes, on cases that are tried to explain
            raise explained(trial, waiting, seen)

    def explained(trial: Trial, waiting: Iterator[Case], seen: list[_Seen]) -> Wrong:
        """What is wrong with an answer that is wrong in the last case of those seen."""
        place = len(seen) - 1
        quiet = dataclasses.replace(trial, seconds=min(trial.seconds, 1.0), spent=0.0)  # what is tried to explain
        for case in islice(chain(waiting, cases(trial.rng)), MORE_CASES):
            with contextlib.suppress(Wrong, NotWritten):
                seen.append(tried(quiet, *_parts(case)))
            if quiet.spent > quiet.seconds:
                break
        mistake, hint = _mistake_of(seen, mistakes, atol)
        if not hint:
            hint = _unused(quiet, seen, reference, atol)
        if not hint and place >= max(printed, 1):
            hint = "it is right on the simplest case; what is different in this one?"
        wrong = [one for one in seen[place:] if one.what]
        worst = min(wrong, key=lambda one: max(one.toil, EASY))  # of equals the first
        if shrink:
            worst = _smallest(worst, lambda args, kwargs: tried(quiet, args, kwargs), mistake, atol, quiet)
        return Wrong(f"{worst.what}; tried with: {worst.described}", hint)

    return Check(asks, judge, mistakes)


def _mistake_of(seen: Sequence[_Seen], mistakes: Iterable, atol: float) -> tuple[Callable | None, str]:
    """The mistake that the answer makes, and its hint; (None, "") if there is no telling.

    Where the answer is right and the mistake is not, it is another one. Where both are right, nothing is learnt. Where
    both are wrong they must agree, more often than not, since an answer may have two faults. One case alone may be a
    coincidence: two are asked for; or, for a slip that shows in one alone, that it is no mere yes or no, and that the
    two agree in all others; or one with two wrong fractions.
    """
    best, found, hint = 0, None, ""
    for wrong, words in mistakes:
        told, other, compared, plain, fractions = set(), set(), 0, False, False
        for one in seen:
            try:
                value = wrong(*copy.deepcopy(one.args), **copy.deepcopy(one.kwargs))
            except Exception:  # nosec B112 - a mistake may not be defined for this case
                continue
            agree, shows = difference(value, one.got, atol) is None, difference(one.expected, value, atol) is not None
            if shows and one.what is None:
                break  # it is not this mistake
            compared += 1
            if one.what is not None and shows and agree:
                told.add(one.described)
                plain = isinstance(one.expected, bool | np.bool_)
                fractions = fractions or _wrong_fractions(one.expected, value) > 1
            elif not agree:
                other.add(one.described)
        else:
            alone = compared > 2 and not plain and not other
            evidence = len(told) if (len(told) > 1 and len(told) >= len(other)) or alone or fractions else 0
            if evidence > best:
                best, found, hint = evidence, wrong, words
    return found, hint


def _wrong_fractions(expected: object, value: object) -> int:
    """How many different fractions of `value` are wrong: two of them right by chance are hardly to be thought of."""
    several = isinstance(expected, tuple | list) and any(isinstance(part, Tensor | np.ndarray) for part in expected)
    if several and isinstance(value, tuple | list) and len(expected) == len(value):
        return sum(_wrong_fractions(one, other) for one, other in zip(expected, value, strict=True))
    right, wrong = as_array(expected), as_array(value)
    if right is None or wrong is None or right.shape != wrong.shape or right.dtype.kind != "f":
        return 0
    differing = wrong[~np.isclose(wrong, right)].astype(float)
    return len(np.unique(differing[differing != differing.round()].round(4)))


def _unused(trial: Trial, seen: Sequence[_Seen], reference: Callable, atol: float) -> str:
    """A hint, if an argument is shown to change nothing though it should; "" if none is."""
    try:
        names = list(inspect.signature(trial.answer).parameters.values())
    except (TypeError, ValueError):
        return ""
    plain = [one.name for one in names if one.kind is one.POSITIONAL_OR_KEYWORD]
    code = getattr(trial.answer, "__code__", None)
    if code is not None and "locals" not in code.co_names:
        read = {name for step in dis.get_instructions(code) if "LOAD" in step.opname for name in _names(step.argval)}
        for name in plain:
            if name not in read | {*code.co_cellvars, "self"} | _ignored_by(reference):
                return f"it never uses its argument {name}."
    for place, name in enumerate(plain):
        if _changes_nothing(trial, seen, place, reference, atol):
            return f"its argument {name} changes nothing: with another one the same comes out."
    return ""


def _ignored_by(reference: Callable) -> set[str]:
    """The arguments that a right answer, too, never reads: a figure of the test set, where one chooses an epoch."""
    code = getattr(reference, "__code__", None)
    if code is None:
        return set()
    read = {name for step in dis.get_instructions(code) if "LOAD" in step.opname for name in _names(step.argval)}
    return {*code.co_varnames[: code.co_argcount]} - read - {*code.co_cellvars}


def _names(value: object) -> tuple:
    return value if isinstance(value, tuple) else (value,)


def _changes_nothing(trial: Trial, seen: Sequence[_Seen], place: int, reference: Callable, atol: float) -> bool:
    """Whether other values of a number or tensor left every result as it was, four times, though they should not."""
    same = 0
    for one, other in islice(permutations(seen, 2), 40):
        if len(one.args) != len(other.args) or len(one.args) <= place or trial.spent > trial.seconds:
            continue
        if not isinstance(one.args[place], Tensor | np.ndarray | int | float):
            return False  # texts and lists of one case seldom go with those of another
        args = (*one.args[:place], other.args[place], *one.args[place + 1 :])
        try:
            expected = reference(*copy.deepcopy(args), **copy.deepcopy(one.kwargs))
            if difference(one.expected, expected, atol) is None:
                continue
            got = trial.call(*args, **one.kwargs)
        except Exception:  # nosec B112 - the two do not go together
            continue
        if got is None or not _is_sound(got):  # NaN is NaN, whatever comes in; and so is no return
            return False
        if difference(one.got, got, atol) is not None:
            return False
        same += 1
        if same == 4:
            break
    return same == 4


def seen_as(
    view: Callable,
    words: Callable,
    asks: str,
    reference: Callable,
    cases: Callable,
    *,
    mistakes: tuple[tuple[Callable, str], ...],
    **options: object,
) -> Check:
    """`against`, of what may be right in several ways.

    Args:
        view: of what came and the arguments, by what it is compared with the reference.
        words: of what came and the arguments, what is wrong with it, and a hint if none better is known.
        asks, reference, cases, mistakes, options: as of `against`.
    """

    def seen(function: Callable) -> Callable:
        return lambda *args: view(function(*copy.deepcopy(args)), *args)

    inner = against(asks, reference, cases, mistakes=tuple((seen(wrong), hint) for wrong, hint in mistakes), **options)

    def judge(trial: Trial) -> None:
        if not callable(trial.answer):
            inner.judge(trial)
        told: dict[str, tuple[str, tuple[str, str]]] = {}

        def call(*args: object) -> object:
            tried, given = show_call(args, {}), copy.deepcopy(args)
            got = trial.answer(*args)
            if got is None or got is Ellipsis or got is NotImplemented:
                return got
            if isinstance(got, zip | map):  # what they hold can be taken once
                got = list(got)
            value = view(got, *given)
            what = difference(reference(*given), value, 1e-5)
            if what is not None:
                told[tried] = what, words(got, *given)
            return value

        around = dataclasses.replace(trial, answer=Around(trial.answer, call))
        try:
            inner.judge(around)
        except Wrong as wrong:
            what, _, tried = wrong.message.partition("; tried with: ")
            if tried not in told or told[tried][0] != what:
                raise
            better, hint = told[tried][1]
            known = wrong.hint
            # Of a view "changes nothing" does not tell: an answer may give (0, 0) for many cases, and use them all.
            if "changes nothing" in known or (hint and known.startswith("it is right on the simplest case")):
                known = ""
            raise Wrong(f"{better}; tried with: {tried}", known or hint) from None
        finally:
            trial.cases, trial.printed, trial.right = around.cases, around.printed, around.right

    return Check(asks, judge, mistakes)


# ------------------------------------------------------------------------------------------------ the smallest case


def _smallest(case: _Seen, tried: Callable, mistake: Callable | None, atol: float, trial: Trial) -> _Seen:
    """A case that is wrong in the same way as this one, in whole numbers, and if it is long, with less in it.

    Args:
        case: one that is wrong.
        tried: (args, kwargs) -> that case, tried.
        mistake: what the answer agrees with; it must go on doing so.
        trial: whose time is spent.
    """
    manner = _manner(case.what)
    for _ in range(40):
        shorter = _shorter(case.args) if case.toil > EASY else ()
        for args in chain(_in_whole_numbers(case.args), shorter):
            if trial.spent > trial.seconds:
                return case
            try:
                new = tried(args, case.kwargs)
                if mistake is not None:
                    same = mistake(*copy.deepcopy(args), **copy.deepcopy(case.kwargs))
                    if difference(same, new.got, atol) is not None:
                        continue
            except Exception:  # nosec B112 - it is no case any more
                continue
            if new.what is not None and _manner(new.what) == manner and _is_sound(new.expected):
                case = new
                break
        else:
            break
    return case


def _manner(what: str) -> str:
    """How two things differ, without the numbers: at a place, in shape, in length."""
    return " ".join(re.sub(r"[^a-z ]", "", what.lower()).split()[:3])


def _is_sound(expected: object) -> bool:
    """Whether a result is one that can be looked at: there is something, and no NaN in it."""
    if isinstance(expected, float):
        return math.isfinite(expected)
    if isinstance(expected, Tensor | np.ndarray):
        numbers = as_array(expected)
        return numbers is not None and numbers.size > 0 and bool(np.isfinite(numbers.astype(float)).all())
    if isinstance(expected, list | tuple):
        return len(expected) > 0 and all(map(_is_sound, expected))
    return True


def _shorter(args: tuple) -> Iterator[tuple]:
    """The arguments, a length that several of them share cut in all of them; or some entries left out."""
    lengths = {size for value in args if isinstance(value, Tensor | np.ndarray) for size in value.shape}
    for length in sorted((size for size in lengths if size > 1), reverse=True):
        for new in sorted({1, 2, length // 2, length - 1} & set(range(1, length))):
            for counts in (False, True):
                cut = tuple(_cut_to(value, length, new, counts) for value in args)
                if counts or any(_changed(one, other) for one, other in zip(args, cut, strict=True)):
                    yield cut
    if not lengths:
        for length in sorted({len(value) for value in args if isinstance(value, list | dict) and len(value) > 1}):
            for start, stop in [(0, length // 2), (length // 2, length), *((n, n + 1) for n in range(min(length, 12)))]:
                yield tuple(_without(value, length, start, stop) for value in args)


def _in_whole_numbers(args: tuple) -> Iterator[tuple]:
    """The arguments with their drawn floats made whole, if they were not."""
    whole = tuple(_whole(value) for value in args)
    if any(_changed(one, other) for one, other in zip(args, whole, strict=True)):
        yield whole


def _cut_to(value: object, length: int, new: int, counts: bool) -> object:
    """A tensor or list of this length in any dimension, cut; a number that may be this length too, if `counts`."""
    if isinstance(value, Tensor | np.ndarray):
        return value[tuple(slice(new) if size == length else slice(None) for size in value.shape)]
    if isinstance(value, list) and len(value) == length:
        return value[:new]
    return new if counts and type(value) is int and value == length else value


def _without(value: object, length: int, start: int, stop: int) -> object:
    """A list or dict of this length without some of its entries, but one at least."""
    if not isinstance(value, list | dict) or len(value) != length or stop - start >= length:
        return value
    if isinstance(value, dict):
        return {key: entry for number, (key, entry) in enumerate(value.items()) if not start <= number < stop}
    return value[:start] + value[stop:]


def _whole(value: object) -> object:
    """A tensor of drawn floats, negative ones among them, as whole numbers: different ones where they are few."""
    if not isinstance(value, Tensor | np.ndarray) or _kind(value) != "float" or not (value < 0).any():
        return value
    if bool((value == value.round()).all()):
        return value
    flat = np.asarray(value.detach() if isinstance(value, Tensor) else value).ravel()
    order = flat.argsort().argsort() - flat.size // 2 if flat.size <= 12 else (2 * flat).round() + 0.0  # no -0
    if isinstance(value, np.ndarray):
        return order.reshape(value.shape).astype(value.dtype)
    return torch.as_tensor(order).reshape(value.shape).to(value.dtype)


# ------------------------------------------------------------------------------------ what a comparison does not show


class Salted(str):
    """A text whose place in a set changes with the salt, as that of any text does whenever Python is started again."""

    salt = 0

    def __hash__(self):
        return hash((str(self), Salted.salt))


def started_again(*lists: list[str]) -> Iterator[list[list[str]]]:
    """Lists of texts as they are after other starts of Python: equal, and in another order wherever a set holds them.

    For answers that draw: who draws over a set of texts gives the same for the same rng only until Python ends.
    """
    for Salted.salt in range(1, 4):
        yield [[Salted(text) for text in texts] for texts in lists]


STAYS_IN_TORCH = (
    "training follows a loss back to what it was computed from: use operations of torch, without item(), float(), "
    "numpy or detach()."
)
NOTHING_WITH_GRADIENT = (
    "backward() stops at a 0 that leads back to nothing: make it of what came in, as scores.sum() * 0.0 does, or "
    "divide the sum by at least 1."
)


def with_gradient(check: Check, usual: Callable[[], tuple], *, nothing: Callable[[], tuple] | None = None) -> Check:
    """The same check, and what came must lead back to the floats among the arguments: else it trains nothing.

    Args:
        check: of the numbers.
        usual: -> arguments for which each float must get a gradient.
        nothing: -> arguments of the case in which there is nothing to be learnt: the loss, 0, needs a gradient too, of
            zeros. None if there is no such case.
    """

    def judge(trial: Trial) -> None:
        with torch.enable_grad():  # lessons may have switched gradients off
            check.judge(trial)
            got, gradients = _led_back(trial, usual())
            if any(gradient is None for gradient in gradients):
                raise Wrong(
                    f"the numbers are right, but the loss has no gradient: came {show(got)}; tried with: "
                    f"{trial.described}",
                    STAYS_IN_TORCH,
                )
            if nothing is None:
                return
            got, gradients = _led_back(trial, nothing())
            if all(gradient is None for gradient in gradients):
                raise Wrong(
                    "the numbers are right, but where nothing is asked for the loss has no gradient: came "
                    f"{show(got)}; tried with: {trial.described}",
                    NOTHING_WITH_GRADIENT,
                )

    return dataclasses.replace(check, judge=judge)


def _led_back(trial: Trial, given: tuple) -> tuple[object, Sequence[Tensor | None]]:
    """What an answer gives, and the gradient for each float tensor that it was given, None where nothing leads back."""
    answer = trial.answer

    def reached(*args: object) -> tuple[object, Sequence[Tensor | None]]:
        floats_given = [one.requires_grad_() for one in args if isinstance(one, Tensor) and one.is_floating_point()]
        got = answer(*args)
        if not isinstance(got, Tensor) or not got.requires_grad:
            return got, [None]
        return got, torch.autograd.grad(got, floats_given, allow_unused=True)

    trial.answer, in_place, trial.in_place = Around(answer, reached), trial.in_place, False
    try:
        return trial.call(*given)
    finally:
        trial.answer, trial.in_place = answer, in_place


@dataclass(frozen=True)
class Question(Check):
    """A question whose answer is a number, in as many variants as there are classes.

    Attributes:
        ask: rng -> the question's text.
        solve: rng -> the number.
        draw: rng -> what is given.
        rel_tol: how far an answer may be off, relatively.
        kinds: how many different ones there are, where these are few: the first so many variants all differ.
    """

    ask: Callable[[np.random.Generator], str] = lambda rng: ""
    solve: Callable[[np.random.Generator], float] = lambda rng: math.nan
    draw: Callable[[np.random.Generator], dict] = dict
    rel_tol: float = 1e-9
    kinds: int = 0


def number(
    asks: str,
    draw: Callable[[np.random.Generator], dict],
    text: str,
    answer: Callable[..., float],
    *,
    mistakes: tuple[tuple[Callable, str], ...] = (),
    rel_tol: float = 1e-9,
    noun: str = "number",
    lead: Callable[..., str] | None = None,
    kinds: int = 0,
) -> Question:
    """A question for a number.

    Args:
        asks: see `Check`.
        draw: rng -> what is given, by name.
        text: the question, with the givens' names in braces.
        answer: the givens -> the number.
        mistakes: the givens -> a wrong number, each with its hint.
        rel_tol: how far the answer may be off, relatively.
        noun: what the number is. "line" for one of a program, which stands in the question and is not printed again.
        lead: the givens -> a hint for who is wrong in no known way; it must not tell the number.
        kinds: see `Question`.
    """

    def judge(trial: Trial) -> None:
        got = trial.answer
        if isinstance(got, Tensor | np.ndarray | np.number) and not np.ndim(got):
            got = got.item()
        if isinstance(got, bool) or not isinstance(got, int | float):
            raise Wrong(f"expected a number, came {show(got)} ({type(got).__name__})")
        given = draw(trial.rng)
        trial.cases += 1
        right = answer(**given)
        if math.isclose(got, right, rel_tol=rel_tol):
            return
        near = (hint for wrong, hint in mistakes if math.isclose(got, wrong(**given), rel_tol=max(rel_tol, 1e-6)))
        # The right number is not told: the check is for finding it.
        hint = next(near, "") or (lead(**given) if lead else _unit_or_digits(got, right, asks, rel_tol))
        again = "" if noun == "line" else f" {text.format(**given)}"
        said = "is rounded too far" if "rounded too far" in hint else f"is not the {noun}"
        raise Wrong(f"{_number(got)} {said}.{again}", hint)

    return Question(
        asks,
        judge,
        tuple(mistakes),
        ask=lambda rng: text.format(**draw(rng)),
        solve=lambda rng: answer(**draw(rng)),
        draw=draw,
        rel_tol=rel_tol,
        kinds=kinds,
    )


def _unit_or_digits(got: float, right: float, asks: str, rel_tol: float) -> str:
    """A hint, if the number is right but for its unit (percent or a fraction) or for the digits that it lacks."""
    if not math.isfinite(got) or not got:
        return ""
    if "percent" in asks and math.isclose(100 * got, right, rel_tol=0.02):
        return "percent are asked for, not a fraction from 0 to 1."
    if 0 < right < 1 and math.isclose(got, 100 * right, rel_tol=0.02):
        return "a number from 0 to 1 is asked for, not percent."
    if rel_tol <= 1e-6:
        return ""
    digits, exponent = Decimal(str(got)).normalize().as_tuple()[1:]
    unit = 10.0**exponent  # what its last digit counts
    cut = unit * math.floor(right / unit), unit * round(right / unit)
    off = abs(got - right) / abs(right) if right else math.inf
    if not any(math.isclose(got, one, rel_tol=1e-9) for one in cut):
        return ""
    if len(digits) > 1 and off < ROUNDED:
        return "right as far as it goes, but rounded too far: " + THREE_DIGITS
    # One digit may as well be a guess: that it is right is not said.
    return ("about that: " if off < ABOUT else "that is too rough to be judged: ") + THREE_DIGITS


# ------------------------------------------------------------------------------------------------------- drawn values


def floats(rng: np.random.Generator, *shape: int) -> Tensor:
    """Standard normal float32."""
    return torch.from_numpy(rng.standard_normal(shape)).float()


def integers(rng: np.random.Generator, low: int, high: int, *shape: int) -> Tensor:
    """torch.long from low to high - 1."""
    return torch.from_numpy(rng.integers(low, high, shape))


def truths(rng: np.random.Generator, share: float, *shape: int) -> Tensor:
    """bool, True with this probability."""
    return torch.from_numpy(rng.random(shape) < share)
