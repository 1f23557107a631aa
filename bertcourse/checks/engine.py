"""Runs a learner's answer where it can do no harm, and compares what it gives with what was expected."""

from __future__ import annotations

import contextlib
import copy
import ctypes
import io
import linecache
import math
import random
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import torch
from torch import Tensor

SHOWN = 140  # characters of a value in a message


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
    """Whether there is no answer yet: None, `...`, or a function with nothing but `...` or `pass` in it."""
    code = getattr(answer, "__code__", None)
    if code is None:
        return answer is None or answer is ...
    empty = code.co_code in (_dots.__code__.co_code, _words_and_dots.__code__.co_code)
    return empty and set(code.co_consts) <= {None, answer.__doc__}


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
    return ", ".join([*(show(value) for value in args), *(f"{name}={show(value)}" for name, value in kwargs.items())])


# ---------------------------------------------------------------------------------------------------------- comparison


def difference(expected: object, got: object, atol: float) -> str | None:
    """How `got` differs from `expected`, in a few words; None if it does not.

    Lists and tuples are as good as each other, and so are Python's numbers and tensors without dimensions. Floats may
    have any width; whether something is a truth value, a whole number or a float matters.
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
        if isinstance(got, str | bytes | Mapping) or not isinstance(got, Sequence | Tensor | np.ndarray):
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
    if not isinstance(got, type(expected)):
        what = "tensor" if isinstance(expected, Tensor) else "numpy array"
        return f"expected a {what} {tuple(expected.shape)}, came {show(got)} ({type(got).__name__})"
    if tuple(expected.shape) != tuple(got.shape):
        return f"expected the shape {tuple(expected.shape)}, came {tuple(got.shape)}"
    if _kind(expected) != _kind(got):
        return f"expected the dtype {expected.dtype}, came {got.dtype}"
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
    """action(), or TimeoutError after so many seconds.

    In the main thread of Linux or macOS (notebooks run there) a timer interrupts any Python code, again and again. From
    the third time on it rings at once: a loop around `except:` is then hit outside of its `try`, as a rule. Elsewhere
    the action runs in a thread of its own, which is asked to end between two of its lines; one that hangs inside
    compiled code is left behind.
    """
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        rings, over = 0, False

        def ring(number, frame):
            nonlocal rings
            if not over:
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
    worker.join(seconds)
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


@dataclass
class Trial:
    """One examination of one answer: calls it, counts the calls, and keeps what it printed.

    Attributes:
        answer: the learner's function or value.
        rng: source of the drawn cases.
        seconds: time that all calls may take together.
    """

    answer: object
    rng: np.random.Generator
    seconds: float
    cases: int = 0
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
        tail, start = _Tail(), time.perf_counter()
        left = self.seconds - self.spent

        try:
            with contextlib.redirect_stdout(tail), contextlib.redirect_stderr(tail):
                got = run_limited(lambda: self.answer(*given, **named), max(left, 0.05))
        except TimeoutError:
            raise Wrong(
                f"it ran longer than {self.seconds:g} seconds, and was stopped; tried with: {self.described}",
                "a loop that never ends? Look whether what its condition asks for ever changes.",
            ) from None
        except NotImplementedError:
            raise NotWritten from None
        except KeyboardInterrupt:
            raise Wrong("it was interrupted") from None
        except BaseException as error:  # SystemExit too: nothing that an answer raises may end the notebook
            message = f"{_error_in_words(error, self.answer)}; tried with: {self.described}"
            raise Wrong(message, _edge_case(error, [*args, *kwargs.values()])) from None
        finally:
            self.spent += time.perf_counter() - start
            self.printed = self.printed or tail.kept
        if got is Ellipsis or got is NotImplemented:
            raise NotWritten
        self.cases += 1
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
        return "an edge case: there is nothing to divide by here. Look at the arguments, and catch it."
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


def against(
    asks: str,
    reference: Callable,
    cases: Callable[[np.random.Generator], Iterable[Case]],
    *,
    mistakes: tuple[tuple[Callable, str], ...] = (),
    atol: float = 1e-5,
    printed: int = 1,
) -> Check:
    """A check of a function that always gives the same for the same: against a reference, case by case.

    Args:
        asks: see `Check`.
        reference: the right function.
        cases: rng -> tuples of arguments, the simplest first: a wrong answer is told about the first that it fails.
        mistakes: see `Check`.
        atol: absolute tolerance of floats (the relative one is 1e-4).
        printed: so many of the cases stand in the exercise's text; who is right on these alone is told so.
    """

    def judge(trial: Trial) -> None:
        waiting = iter(cases(trial.rng))
        for place, case in enumerate(waiting):
            args, kwargs = _parts(case)
            expected = reference(*copy.deepcopy(args), **copy.deepcopy(kwargs))
            got = trial.call(*args, **kwargs)
            what = difference(expected, got, atol)
            if what is None:
                continue
            message = f"{what}; tried with: {trial.described}"
            hint = _likeliest_mistake(trial, [(args, kwargs, got)], waiting, mistakes, atol)
            if not hint and place >= printed:
                hint = "it is right on the simplest case; does it really use every one of its arguments?"
            raise Wrong(message, hint)

    return Check(asks, judge, mistakes)


def _likeliest_mistake(trial: Trial, seen: list, waiting: Iterator[Case], mistakes: Iterable, atol: float) -> str:
    """The hint of the mistake that gives what the answer gave, here and in most of the cases that are still to come."""
    with contextlib.suppress(Wrong, NotWritten):
        for case in waiting:
            args, kwargs = _parts(case)
            seen.append((args, kwargs, trial.call(*args, **kwargs)))
    best, hint = 0, ""
    for wrong, words in mistakes:
        agree = [_agrees(wrong, args, kwargs, got, atol) for args, kwargs, got in seen]
        if agree[0] and sum(agree) > best:
            best, hint = sum(agree), words
    return hint


def _agrees(wrong: Callable, args: tuple, kwargs: dict, got: object, atol: float) -> bool:
    try:
        return difference(wrong(*copy.deepcopy(args), **copy.deepcopy(kwargs)), got, atol) is None
    except Exception:  # a mistake may not be defined for this case
        return False


@dataclass(frozen=True)
class Question(Check):
    """A question whose answer is a number, in as many variants as there are classes.

    Attributes:
        ask: rng -> the question's text.
        solve: rng -> the number.
        draw: rng -> what is given.
        rel_tol: how far an answer may be off, relatively.
    """

    ask: Callable[[np.random.Generator], str] = lambda rng: ""
    solve: Callable[[np.random.Generator], float] = lambda rng: math.nan
    draw: Callable[[np.random.Generator], dict] = dict
    rel_tol: float = 1e-9


def number(
    asks: str,
    draw: Callable[[np.random.Generator], dict],
    text: str,
    answer: Callable[..., float],
    *,
    mistakes: tuple[tuple[Callable, str], ...] = (),
    rel_tol: float = 1e-9,
) -> Question:
    """A question for a number.

    Args:
        asks: see `Check`.
        draw: rng -> what is given, by name.
        text: the question, with the givens' names in braces.
        answer: the givens -> the number.
        mistakes: the givens -> a wrong number, each with its hint.
        rel_tol: how far the answer may be off, relatively.
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
        hint = next(near, "") or _unit_or_digits(got, right, asks, rel_tol)
        raise Wrong(f"{_number(got)} is not the number. {text.format(**given)}", hint)

    return Question(
        asks,
        judge,
        tuple(mistakes),
        ask=lambda rng: text.format(**draw(rng)),
        solve=lambda rng: answer(**draw(rng)),
        draw=draw,
        rel_tol=rel_tol,
    )


def _unit_or_digits(got: float, right: float, asks: str, rel_tol: float) -> str:
    """A hint, if the number is right but for its unit (percent or a fraction) or for the digits that it lacks."""
    if not math.isfinite(got) or not got:
        return ""
    if "percent" in asks and math.isclose(100 * got, right, rel_tol=0.02):
        return "percent are asked for, not a fraction from 0 to 1."
    if 0 < right < 1 and math.isclose(got, 100 * right, rel_tol=0.02):
        return "a number from 0 to 1 is asked for, not percent."
    unit = 10.0 ** Decimal(str(got)).normalize().as_tuple().exponent  # what its last digit counts
    cut = unit * math.floor(right / unit), unit * round(right / unit)
    if rel_tol > 1e-6 and any(math.isclose(got, one, rel_tol=1e-9) for one in cut):
        return "right as far as it goes, but rounded too far: give three significant digits (0.0123 has three)."
    return ""


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
