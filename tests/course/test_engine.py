"""What all checks have in common, on checks made up for it: time, the smallest case, mistakes, unused arguments."""

import threading
import time

import numpy as np
import pytest
import torch

from bertcourse.checks import _judged
from bertcourse.checks.engine import (
    Trial,
    against,
    as_array,
    difference,
    floats,
    is_placeholder,
    number,
    show_call,
    started_again,
    with_gradient,
)


def judge(check, answer, seconds=10.0, seed=0):
    return _judged("made.up", check, Trial(answer, np.random.default_rng(seed), seconds))


def twice(x):
    return 2 * x


def numbers(rng):
    yield from ((1,), (2,), (5,))


# ---------------------------------------------------------------------------------------------------------------- time


def test_a_machine_that_is_busy_makes_no_answer_wrong():
    """Asleep counts as little as waiting for others."""

    def waits(x):
        time.sleep(0.25)
        return 2 * x

    assert judge(against("", twice, numbers), waits, seconds=0.15)
    found = []
    worker = threading.Thread(target=lambda: found.append(judge(against("", twice, numbers), waits, seconds=0.15)))
    worker.start()
    worker.join(20)
    assert found[0]


def computes(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_each_case_has_its_own_time_and_all_together_have_six_times_as_much():
    def slowly(x):
        computes(0.1)
        return 2 * x

    assert judge(against("", twice, numbers), slowly, seconds=0.15), "0.3 seconds in all"
    many = against("", twice, lambda rng: ((x,) for x in range(20)))
    report = judge(many, slowly, seconds=0.15)
    assert not report and "cases, but too slow: its calls together ran longer than 0.9 seconds" in report.message


@pytest.mark.parametrize("in_a_thread", [False, True])
def test_right_so_far_is_told_where_it_is_known(in_a_thread):
    def slow_from_the_third(x):
        if x == 5:
            computes(30)
        return 2 * x

    def run():
        reports.append(judge(against("", twice, numbers), slow_from_the_third, seconds=0.2))
        reports.append(judge(against("", twice, numbers), lambda x: computes(30), seconds=0.2))

    reports = []
    if in_a_thread:
        worker = threading.Thread(target=run)
        worker.start()
        worker.join(30)
    else:
        run()
    slow, unknown = reports
    assert slow.message.startswith("right so far, on 2 cases, but too slow: it ran longer than 0.2 seconds")
    assert "whole tensors" in slow.hint
    assert "right so far" not in unknown.message and "never ends?" in unknown.hint


# ----------------------------------------------------------------------------------------------------------- mistakes

SUM = "you add."


def products(rng):
    yield 2, 2
    yield 3, 4
    yield from ((int(a), int(b)) for a, b in rng.integers(2, 9, (6, 2)))


PRODUCT = against("", lambda a, b: a * b, products, mistakes=((lambda a, b: a + b, SUM),))


def test_a_mistake_is_named_if_the_answer_agrees_everywhere():
    assert judge(PRODUCT, lambda a, b: b + a).hint == SUM


def test_agreeing_here_and_there_is_no_mistake():
    assert judge(PRODUCT, lambda a, b: a * b if b == 4 else a + b).hint != SUM
    assert judge(PRODUCT, lambda a, b: 7 if (a, b) == (3, 4) else a * b).hint != SUM, "a + b is 7 by chance"


def test_a_mere_yes_or_no_in_one_case_names_nothing():
    cases = [(1, 2), (2, 3), (5, 5)]
    slip = ((lambda a, b: a <= b, "equal is not below."),)
    one = against("", lambda a, b: a < b, lambda rng: cases, mistakes=slip)
    assert judge(one, lambda a, b: a <= b).hint != "equal is not below."
    two = against("", lambda a, b: a < b, lambda rng: [*cases, (4, 4)], mistakes=slip)
    assert judge(two, lambda a, b: a <= b).hint == "equal is not below."


def test_a_slip_that_shows_in_one_case_alone_is_named_if_the_others_were_compared():
    def right(word):
        return word if len(word) < 5 else "?"

    check = against(
        "", right, lambda rng: [("a",), ("bc",), ("longer",)], mistakes=((lambda word: word, "long ones."),)
    )
    assert judge(check, lambda word: word[:]).hint == "long ones."
    assert judge(check, lambda word: word if len(word) == 1 else word[::-1]).hint != "long ones."


# ------------------------------------------------------------------------------------------------------------ arguments


def sums(rng):
    yield torch.ones(2), torch.zeros(2), 1.0
    for _ in range(4):
        yield floats(rng, 2), floats(rng, 2), float(rng.integers(2, 9))


WEIGHTED = against("", lambda x, y, share: x + share * y, sums)


@pytest.mark.parametrize(
    "answer, hint",
    [
        (lambda x, y, share: x + y, "it never uses its argument share."),
        (lambda x, y, share: x + 0 * y * share, "its argument y changes nothing"),
        (lambda x, y, share: x + y * max(share, 9.5), "its argument share changes nothing"),
        (lambda *args: args[0] + args[1], "it is right on the simplest case"),
        (lambda x, y, share: x + share * y * y, "it is right on the simplest case"),
        (lambda x, y, share: x + share * abs(y), "it is right on the simplest case"),
        (lambda x, y, share: x + locals()["share"] * y * y, "it is right on the simplest case"),
    ],
)
def test_an_argument_is_called_unused_only_if_that_is_shown(answer, hint):
    report = judge(WEIGHTED, answer)
    assert not report and report.hint.startswith(hint), report


def test_what_gives_nan_shows_nothing_of_arguments():
    report = judge(WEIGHTED, lambda x, y, share: x * float("nan") + share * y)
    assert not report and "changes nothing" not in report.hint


# ---------------------------------------------------------------------------------------------------- the smallest case


def batches(rng):
    yield floats(rng, 4, 6, 8), floats(rng, 8, 8)


def test_a_case_is_cut_to_the_smallest_that_is_wrong_and_its_numbers_are_whole():
    check = against("", lambda x, w: x @ w.T, batches)
    report = judge(check, lambda x, w: x @ w)
    (tried,) = (line for line in str(report).splitlines() if "Tried with: " in line)
    assert "." not in tried and len(tried) < 140 and tried.count(": [") == 2, "whole numbers, all of them"
    long = judge(against("", lambda x, w: x @ w.T, batches, shrink=False), lambda x, w: x @ w)
    assert "Tried with: float32 tensor (4, 6, 8)" in str(long)


def test_lists_and_dicts_are_cut_too():
    words = {f"w{n}": n for n in range(40)}
    check = against("", lambda words: sum(words.values()), lambda rng: [(words,)])
    assert str(judge(check, lambda words: sum(words.values()) + 1)).count(": ") < 15
    ids = against("", sum, lambda rng: [(list(range(1000)),)])
    assert "…" not in str(judge(ids, lambda ids: sum(ids) - ids[0] + 1))


def test_a_smaller_case_is_wrong_in_the_same_way():
    """By the same mistake, with the same kind of difference; and one on which the reference gives something sound."""

    def deviation(x):
        return x.std(-1)

    check = against("", deviation, lambda rng: [(floats(rng, 5),)], mistakes=((lambda x: x.var(-1), "no root."),))
    report = judge(check, lambda x: x.var(-1))
    assert "(5,): [" in str(report) and "." not in str(report).split("Tried with: ")[1].split("\n")[0]
    long = against("", deviation, lambda rng: [(floats(rng, 300),)], mistakes=((lambda x: x.var(-1), "no root."),))
    report = judge(long, lambda x: x.var(-1))
    assert "nan" not in str(report).lower() and report.hint == "no root." and len(report.message) < 150


def test_many_long_arguments_are_shown_by_their_shapes():
    args = [torch.rand(50, 50) for _ in range(6)]
    assert len(show_call(args, {"mask": torch.ones(1)})) < 300
    assert show_call([torch.ones(1), 3], {"k": 2}) == "float32 tensor (1,): [1], 3, k=2"


# ------------------------------------------------------------------------------------------------------------- the rest


def test_arguments_may_be_changed_where_the_check_says_so():
    def adds(x):
        x += 1
        return x

    cases = [(torch.zeros(2),), (torch.ones(3),)]
    assert judge(against("", lambda x: x + 1, lambda rng: cases, in_place=True), adds)
    assert "in place" in judge(against("", lambda x: x + 1, lambda rng: cases), adds).message


def test_classes_are_placeholders_too():
    class Empty:
        """Words."""

        def __init__(self, size): ...

        def forward(self, x):
            """Words."""

    class Written(Empty):
        def forward(self, x):
            return x

    assert is_placeholder(Empty) and not is_placeholder(Written) and not is_placeholder(Written(1))


def test_numbers_in_any_form():
    assert as_array([torch.ones(2), [1, 2]]).tolist() == [[1, 1], [1, 2]]
    assert as_array([[1], [1, 2]]) is None and as_array(["a"]) is None
    assert difference(torch.ones(2), [1, 1], 1e-6) is None


def test_a_gradient_is_looked_at_where_nothing_is_asked_for():
    def mean(x, asked):
        return (x * asked).sum() / max(int(asked.sum()), 1)

    def cases(rng):
        yield torch.tensor([2.0, 4.0]), torch.tensor([True, False])
        yield torch.tensor([2.0, 4.0]), torch.tensor([False, False])

    check = with_gradient(
        against("", mean, cases),
        lambda: (torch.ones(2), torch.tensor([True, True])),
        nothing=lambda: (torch.ones(2), torch.tensor([False, False])),
    )
    assert judge(check, mean) and judge(check, lambda x, asked: x[asked].mean() if asked.any() else 0 * x.sum())
    with torch.no_grad():  # as a lesson may have left it
        assert judge(check, mean)
    cut = judge(check, lambda x, asked: mean(x, asked).detach())
    assert "but the loss has no gradient" in cut.message
    nothing = judge(check, lambda x, asked: mean(x, asked) if asked.any() else torch.tensor(0.0))
    assert "where nothing is asked for the loss has no gradient" in nothing.message and "0.0" in nothing.hint


def test_texts_of_another_start_are_equal_and_stand_otherwise_in_a_set():
    words = [f"word {n}" for n in range(50)]
    orders = [list(set(one)) for (one,) in started_again(words)]
    assert all(sorted(order) == sorted(words) for order in orders)
    assert len({str(order) for order in orders}) == 3


@pytest.mark.parametrize(
    "answer, told",
    [
        (4.5, "right as far"),
        (4.6, "right as far"),
        (5, "about that"),
        (5.0, "about that"),
        (4, "that is too rough"),
        (3, ""),
        (4.4, ""),
    ],
)
def test_digits_and_distance_decide_whether_a_number_is_called_right(answer, told):
    asked = number("a number, to three significant digits", lambda rng: {}, "What?", lambda: 4.5523, rel_tol=5e-3)
    report = judge(asked, answer)
    assert not report and report.hint.startswith(told) and bool(report.hint) == bool(told), report


def test_a_line_has_its_lead_and_its_program_is_not_printed_again():
    asked = number("a line", lambda rng: {}, "1 a\n2 b", lambda: 2, noun="line", lead=lambda: "look at b.")
    report = judge(asked, 1)
    assert (report.message, report.hint) == ("1 is not the line.", "look at b.")
