"""The mutation tool itself, on a module of three functions; and what it lists of the library."""

import ast
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
from toy.sums import numbers


def test_larger():
    assert numbers.larger(1, 2) == numbers.larger(2, 1) == 2


def test_halves():
    assert numbers.halves(0) == 0
"""


@pytest.fixture
def toy(tmp_path):
    files = {"pyproject.toml": "", "toy/__init__.py": "", "toy/sums/__init__.py": "", "toy/sums/numbers.py": MODULE}
    files["tests/sums/test_toy.py"] = TESTS
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_kills_and_survivors(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(
        mutation, "EQUIVALENT", {("sums.numbers", "return a if a > b", "Gt to GtE"): "equal ones are equal"}
    )
    monkeypatch.setattr(mutation.sys, "pycache_prefix", None)
    before = {path: path.read_bytes() for path in toy.rglob("*") if path.is_file()}
    modules = {"sums.numbers": ((), ["toy"])}
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
    (toy / "tests" / "sums" / "test_toy.py").write_text("def test_wrong():\n    assert False\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"tests/sums/test_toy\.py: pytest ends with 1 without any mutant"):
        mutation.measure(toy, {"sums.numbers": ((), ["toy"])}, package="toy")
    assert mutation.verdict(mutation.OWN_ERROR) == mutation.verdict(-9) == mutation.verdict(5) == "error"


def test_a_module_of_the_course_meets_its_tests(toy, monkeypatch):
    monkeypatch.setattr(mutation, "COURSE", "lesson")
    for name, text in {"lesson/__init__.py": "", "lesson/thirds.py": "def thirds(n):\n    return n // 3\n"}.items():
        (toy / name).parent.mkdir(exist_ok=True)
        (toy / name).write_text(text, encoding="utf-8")
    tests = "from lesson import thirds\n\n\ndef test_thirds():\n    assert thirds.thirds(8) == 2\n"
    (toy / "tests" / "test_lesson.py").write_text(tests, encoding="utf-8")
    (result,) = mutation.measure(toy, {"lesson.thirds": ((), ["lesson"])}, package="toy")
    assert (result["mutants"], result["killed"], result["errors"]) == (3, 2, [])
    assert result["survivors"] == [(2, "return n // 3", "3 to 4")]


def test_samples_are_the_same_again():
    assert [mutant[:3] for mutant in mutation.mutants(MODULE)] == [mutant[:3] for mutant in mutation.mutants(MODULE)]
    whole, part = (mutation.draw(list(range(50)), size, "numbers", seed=1) for size in (None, 9))
    assert whole[:9] == part and sorted(whole) == list(range(50)) != whole


def test_a_file_of_tests_is_found_by_its_name_alone(toy):
    assert mutation.test_file(toy, "toy") == "tests/sums/test_toy.py"
    (toy / "tests" / "test_toy.py").write_text("", encoding="utf-8")
    for name, found in (("toy", 2), ("absent", 0)):
        with pytest.raises(SystemExit, match=rf"test_{name}\.py: found {found} files, one is wanted"):
            mutation.test_file(toy, name)


def source_of(module):
    path = f"{mutation.full_name(module).replace('.', '/')}.py"
    return (mutation.ROOT / path).read_text(encoding="utf-8")


def test_what_is_to_be_changed_is_there_and_has_its_tests():
    for module, (names, files) in mutation.MODULES.items():
        there = {getattr(node, "name", None) for node in ast.parse(source_of(module)).body}
        assert set(names) <= there, module
        assert files and all(mutation.test_file(mutation.ROOT, name) for name in files)


@pytest.mark.parametrize("module, text, what", mutation.EQUIVALENT)
def test_lines_whose_mutants_are_explained_are_there(module, text, what):
    assert module in mutation.MODULES
    assert any(f"{line.strip()}\n".startswith(text) for line in source_of(module).splitlines())
