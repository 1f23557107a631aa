"""Machines and diagrams refuse what they cannot show, and name it: the argument, its value, what to give."""

import diagram_cases
import machine_cases
import pytest

WRONG = machine_cases.WRONG | {f"diagrams: {name}": case for name, case in diagram_cases.WRONG.items()}


@pytest.mark.parametrize("name", WRONG)
def test_it_names_what_is_wrong(name):
    make, message = WRONG[name]
    with pytest.raises(ValueError) as raised:
        make()
    assert message in str(raised.value)
