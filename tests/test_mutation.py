"""The mutation tool itself, on a module of three functions."""

import json
import os

import mutation
import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")

MODULE = '''"""A toy."""


def larger(a, b):
    """The larger of two."""
    return a if a > b else b


def halves(n):
    return n // 2


def nobody_calls(n):
    return not n
'''
TESTS = """
from toy import numbers


def test_larger():
    assert numbers.larger(1, 2) == numbers.larger(2, 1) == 2


def test_halves():
    assert numbers.halves(0) == 0
"""


@pytest.fixture
def toy(tmp_path):
    files = {"pyproject.toml": "", "toy/__init__.py": "", "toy/numbers.py": MODULE, "tests/test_toy.py": TESTS}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_kills_and_survivors(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(mutation, "EQUIVALENT", {("numbers", "return a if a > b", "Gt to GtE"): "equal ones are equal"})
    monkeypatch.setattr(mutation.sys, "pycache_prefix", None)
    before = {path: path.read_bytes() for path in toy.rglob("*") if path.is_file()}
    modules = {"numbers": ((), ["toy"])}
    (result,) = mutation.measure(toy, modules, package="toy", jobs=2, out=tmp_path / "out.json")
    assert {path: path.read_bytes() for path in before} == before
    assert not list(toy.rglob("__pycache__"))
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))[0]["killed"] == result["killed"]
    assert (result["mutants"], result["killed"], result["errors"]) == (9, 4, [])
    assert [what for _, _, what in result["explained"]] == ["Gt to GtE"]
    assert sorted((line, what) for line, _, what in result["survivors"]) == [
        (10, "2 to 3"),
        (10, "FloorDiv to Mult"),
        (14, "returns None"),
        (14, "without Not"),
    ]
    assert "100" not in mutation.table([result]) and " 50.0%" in mutation.table([result])


def test_tests_that_fail_by_themselves_kill_nothing(toy):
    (toy / "tests" / "test_toy.py").write_text("def test_wrong():\n    assert False\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="pytest ends with 1 without any mutant"):
        mutation.measure(toy, {"numbers": ((), ["toy"])}, package="toy")
    assert mutation.verdict(mutation.OWN_ERROR) == mutation.verdict(-9) == mutation.verdict(5) == "error"


def test_samples_are_the_same_again():
    assert [mutant[:3] for mutant in mutation.mutants(MODULE)] == [mutant[:3] for mutant in mutation.mutants(MODULE)]
    whole, part = (mutation.draw(list(range(50)), size, "numbers", seed=1) for size in (None, 9))
    assert whole[:9] == part and sorted(whole) == list(range(50)) != whole
