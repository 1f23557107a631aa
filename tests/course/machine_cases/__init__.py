"""The machines under test, a file of cases for each file of `bertcourse.machines`.

A case is (make, altered, draw, expected, answer):
make() and altered() give the machine, made of two different objects of the same kind;
draw(rng, data) draws a state as the script holds it, from a numpy generator;
expected(data, state) is a dict of what the library computes of that state; each entry is compared with the one of that
name in what the script computes;
answer(data) is a list of changes of the state, made one after the other, the last of which answers the question.

A file's WRONG, which it need not have, holds what its machines refuse: a name, what makes it, and words of the message.
"""

import importlib
import pkgutil

CASES, WRONG = {}, {}
for found in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
    module = importlib.import_module(f"{__name__}.{found.name}")
    CASES |= module.CASES
    WRONG |= {f"{found.name}: {name}": case for name, case in getattr(module, "WRONG", {}).items()}
