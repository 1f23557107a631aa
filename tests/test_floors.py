"""The library's architecture, held by reading its syntax trees."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = {
    "config": 0,
    "dropout": 0,
    "figures": 0,
    "hub": 0,
    "progress": 0,
    "runtime": 0,
    "sharding": 0,
    "spans": 0,
    "wire": 0,
    "attention": 1,
    "batching": 1,
    "costs": 1,
    "masking": 1,
    "pairs": 1,
    "text": 1,
    "weights": 1,
    "wordpiece": 1,
    "checkpoints": 2,
    "corpus": 2,
    "data": 2,
    "encoder": 2,
    "heads": 3,
    "starts": 4,
    "training": 4,
    "classify": 5,
    "pretrain": 5,
    "tag": 5,
    "checks": 6,
    "plots": 6,
    "course": 6,
    "doctor": 6,
    "views": 6,
    "assignments": 6,
    "submission": 7,
    "grading": 8,
    "__main__": 9,
}
HEAVY = {"transformers", "datasets"}
TREES = {  # a package's modules have its floor: checks.engine is checks
    ".".join(path.relative_to(ROOT / "bertlib").with_suffix("").parts): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "bertlib").rglob("*.py"))
}
MODULES = sorted({name.split(".")[0] for name in TREES} - {"__init__"})


def imported(node):
    """The modules that an import statement names; a relative one counts from bertlib."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    module = ("bertlib." if node.level else "") + (node.module or "")
    if module.strip(".") == "bertlib":
        return [f"bertlib.{alias.name}" for alias in node.names]
    return [module]


def all_imports(tree):
    return [
        name for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom)) for name in imported(node)
    ]


def imports_at_module_level(tree):
    """What runs when the module is imported: not in functions, not under `if TYPE_CHECKING`."""
    found, waiting = [], list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found += imported(node)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            waiting += ast.iter_child_nodes(node)
    return found


def upward_imports(module, tree, floors):
    """Imports of bertlib's modules that do not lie below the module's own floor; those of its own package may."""
    package, _, inner = module.partition(".")
    own = [name.split(".")[1] for name in all_imports(tree) if name.startswith("bertlib.")]
    return [name for name in own if floors.get(name, 99) >= floors[package] and not (inner and name == package)]


# A student's cells are code, and somebody has to run them: `submission` does, in a process that has been shut in before
# it gets the first of them. `grading` runs the teacher's own cells from the assignments' sources, none of a student's.
RUNS_CELLS = {"submission": ["exec"], "grading": ["exec", "exec"]}


def unsafe(tree):
    """Reading or writing that can run code."""
    found = [
        name for name in all_imports(tree) if name.split(".")[0] in {"pickle", "dill", "joblib", "shelve", "marshal"}
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"torch.load", "torch.save", "np.load", "np.save"}:
            found.append(ast.unparse(node))
        if isinstance(node, ast.keyword) and node.arg in {"trust_remote_code", "allow_pickle"}:
            found.append(node.arg)
        if isinstance(node, ast.Name) and node.id in {"eval", "exec"} and isinstance(node.ctx, ast.Load):
            found.append(node.id)
    return found


def without_encoding(tree):
    """Lines that open a text file in whatever encoding the machine prefers."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name == "read_text" and isinstance(node.func, ast.Name):
            continue  # bertlib.text's own, which reads UTF-8
        if ast.unparse(node.func) in {"os.open", "Image.open"}:
            continue  # no text comes of these
        constants = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
        constants += [keyword.value.value for keyword in node.keywords if keyword.arg == "mode"]
        binary = name == "open" and any(
            isinstance(value, str) and re.fullmatch(r"[rwax]\+?b\+?|[rwax]b?\+?b", value) for value in constants
        )
        if (
            name in {"open", "read_text", "write_text"}
            and not binary
            and "encoding" not in {k.arg for k in node.keywords}
        ):
            found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


def table_in_contributing():
    floors = {}
    for floor, modules in re.findall(
        r"^\| (\d+) \| (.*) \|$", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.M
    ):
        for part in modules.split("·"):
            floors[re.match(r"\s*`(\w+)`", part)[1]] = int(floor)
    return floors


def test_every_module_has_its_floor():
    assert sorted(FLOORS) == MODULES


def test_contributing_shows_the_same_floors():
    assert table_in_contributing() == FLOORS


@pytest.mark.parametrize("module", sorted(TREES.keys() - {"__init__"}))
def test_modules_import_from_floors_below_only(module):
    assert upward_imports(module, TREES[module], FLOORS) == []


@pytest.mark.parametrize("module", TREES)
def test_heavy_libraries_stay_out(module):
    names = {name.split(".")[0] for name in imports_at_module_level(TREES[module])}
    assert names & HEAVY <= ({"datasets"} if module == "data" else set())
    assert "transformers" not in {name.split(".")[0] for name in all_imports(TREES[module])}


@pytest.mark.parametrize("module", TREES)
def test_nothing_is_read_or_written_that_can_run_code(module):
    assert unsafe(TREES[module]) == RUNS_CELLS.get(module, [])


@pytest.mark.parametrize("module", TREES)
def test_text_files_are_opened_with_an_encoding(module):
    assert without_encoding(TREES[module]) == []


# ----------------------------------------------------------------------------------- these checks can fail


@pytest.mark.parametrize(
    "line",
    [
        "from bertlib.training import train",
        "from bertlib import heads",
        "import bertlib.encoder",
        "def f():\n    from bertlib.classify import fine_tune",
        "from .doctor import run_doctor",
        "from . import plots",
        "from bertlib.unknown import x",
    ],
)
def test_upward_imports_are_caught(line):
    assert len(upward_imports("encoder", ast.parse(line), FLOORS)) == 1


def test_downward_imports_pass():
    assert upward_imports("encoder", ast.parse("from bertlib.attention import x\nimport torch"), FLOORS) == []


def test_imports_in_functions_and_for_types_are_not_at_module_level():
    tree = ast.parse(
        "if TYPE_CHECKING:\n    import a\nelse:\n    import b\ntry:\n    import c\nexcept ImportError:\n    import d\n"
        "def f():\n    import e\nclass X:\n    import g\n    def h(self):\n        import i"
    )
    assert sorted(imports_at_module_level(tree)) == ["b", "c", "d", "g"]


@pytest.mark.parametrize(
    "line", ["import pickle", "torch.load(path)", "f(trust_remote_code=True)", "eval('1')", "from joblib import load"]
)
def test_unsafe_lines_are_caught(line):
    assert len(unsafe(ast.parse(line))) == 1


@pytest.mark.parametrize(
    "line, wrong",
    [
        ("open(p)", True),
        ("open(p, 'w')", True),
        ("p.read_text()", True),
        ("p.write_text(t, newline='')", True),
        ("p.open()", True),
        ("open(p, 'rb')", False),
        ("open(p, mode='wb')", False),
        ("p.read_text(encoding='utf-8')", False),
        ("p.read_bytes()", False),
        ("os.open(p, os.O_PATH)", False),
    ],
)
def test_missing_encoding_is_caught(line, wrong):
    assert bool(without_encoding(ast.parse(line))) is wrong
