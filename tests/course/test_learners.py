"""What the checks say to answers that learners gave (tests/learners)."""

import math
import random
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from bertcourse.checks import examine, names

FOLDER = Path(__file__).parents[1] / "learners"
ANSWERS = [
    answer
    for path in sorted(FOLDER.glob("*.py"))
    if path.stem != "__init__"
    for answer in import_module(f"learners.{path.stem}").ANSWERS
]
SEED = 1  # the same cases every time: what a rare draw lets pass is looked for by hand, over many seeds
KNOWN = {"np": np, "torch": torch, "math": math, "random": random, "re": re, "nn": nn, "F": F}


def report_on(answer):
    names_of_cell = dict(KNOWN)
    exec(answer.code, names_of_cell)
    return examine(answer.check, names_of_cell["answer"], seed=SEED)


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.check)
def test_an_answer_gets_what_it_deserves(answer):
    report = report_on(answer)
    said = f"{report.message} {report.hint}".lower()
    assert report.written
    assert report.passed == (answer.named is None), said
    if answer.named is not None:
        assert answer.named in said
        assert said.strip()
    assert not [word for word in answer.never if word in said]


def test_answers_are_to_checks_that_exist():
    assert {answer.check for answer in ANSWERS} <= set(names())
