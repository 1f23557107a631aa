"""What learners answered: for each theme a module with ANSWERS, the wrong ones by kind and right ones in other forms.

They are the tests of the checks (tests/course/test_learners.py): a wrong answer is refused, and where a check can know
the mistake, it names it; a right answer passes, whatever its form.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """One answer to one check.

    Attributes:
        check: the check's name, such as "attention.masks".
        code: what the learner's cell holds; it binds the name `answer`, a function, a class or a value. numpy as np,
            torch, math, random, re, nn and F are imported.
        named: words that message or hint must hold, in small letters, for a wrong answer; "" where it need only be
            refused; None for a right answer, which must pass.
        never: words that neither may hold: a diagnosis that would be false here.
    """

    check: str
    code: str
    named: str | None
    never: tuple[str, ...] = ()
