"""The library's architecture, held by reading its syntax trees."""

import ast
import re
from pathlib import Path

import floors
import pytest

ROOT = Path(__file__).parents[2]
HOUSE = floors.declared()
FLOOR = {  # a room -> how high it lies; the course stands on the library
    f"{package}.{name}": height + 100 * (package == "bertcourse")
    for package in floors.PACKAGES
    for height, rooms in enumerate(HOUSE[package])
    for name in rooms
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in floors.modules().items()}
HEAVY = {"transformers", "datasets"}
MAKE_DATASETS = {f"bertlib.data.{name}" for name in ("bbc", "catalog", "from_hub", "own", "splits")}
MAKE_DATASETS |= {f"bertcourse.data.{name}" for name in ("boolq", "customers", "faq", "guardian", "privacy", "rated")}
MAKE_DATASETS |= {f"bertcourse.data.{name}" for name in ("chinese", "verses", "xsum")}
COURSE_ONLY = {"IPython", "matplotlib", "papermill", "bertviz", "nbformat", "nbconvert", "nbclient", "bertcourse"}


def imported(node):
    """The modules that an import statement names; a relative one counts from bertlib."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    module = ".".join(filter(None, ["bertlib" if node.level else "", node.module]))
    inner = [f"{module}.{alias.name}" for alias in node.names]
    return [name for name in inner if name in TREES or module in floors.PACKAGES] or [module]


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


def upward_imports(module, tree):
    """Imports of our own modules that do not lie below the module's room; those of its own room may."""
    mine = floors.room(module)
    own = {floors.room(name) for name in all_imports(tree) if name.split(".")[0] in floors.PACKAGES and "." in name}
    return sorted(room for room in own - {mine} if FLOOR.get(room, 999) >= FLOOR.get(mine, 0))


def circles(imports):
    """Modules of a room that lead back to themselves.

    Args:
        imports: module -> the modules of its room that it imports.
    """
    found = []
    for start in imports:
        seen, waiting = set(), list(imports[start])
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += imports.get(name, ())
        if start in seen:
            found.append(start)
    return found


# A student's cells are code, and somebody has to run them: `shell` does (IPython's exec, in its own code), for
# `submission`, in a process that has been shut in before it gets the first of them, and in `grading` for the teacher's
# given cells. `grading` itself runs the teacher's tests from the assignments' sources, nothing of a student's.
RUNS_CELLS = {"bertcourse.classroom.grading": ["exec"]}


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
            continue  # bertlib.text.sentences's own, which reads UTF-8
        if ast.unparse(node.func) in {"os.open", "Image.open", "tarfile.open"}:
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


def test_every_room_has_its_floor():
    doors = set(HOUSE["doors"])
    assert set(FLOOR) == {floors.room(module) for module in TREES if "." in module} - doors
    assert doors <= set(TREES)


def test_contributing_shows_the_same_house():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert floors.with_table(text) == text, "python tools/floors.py writes it anew"


@pytest.mark.parametrize("module", sorted(TREES.keys() - set(HOUSE["doors"]) - set(floors.PACKAGES)))
def test_rooms_import_from_floors_below_only(module):
    assert upward_imports(module, TREES[module]) == []


@pytest.mark.parametrize("room", sorted(FLOOR))
def test_no_circle_inside_a_room(room):
    inside = {module for module in TREES if floors.room(module) == room}
    imports = {module: inside.intersection(all_imports(TREES[module])) - {module} for module in inside}
    assert circles(imports) == []


@pytest.mark.parametrize("module", sorted(module for module in TREES if module.startswith("bertlib")))
def test_the_library_knows_no_course(module):
    path = floors.modules()[module]
    assert "BERT_COURSE_" not in path.read_text(encoding="utf-8")
    if module not in HOUSE["doors"] and module != "bertlib.progress":  # which asks a running notebook for its display
        assert not COURSE_ONLY & {name.split(".")[0] for name in all_imports(TREES[module])}


@pytest.mark.parametrize("module", sorted(TREES))
def test_heavy_libraries_stay_out(module):
    names = {name.split(".")[0] for name in imports_at_module_level(TREES[module])}
    assert names & HEAVY <= ({"datasets"} if module in MAKE_DATASETS else set())
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
        "from bertlib.train.loop import train",
        "from bertlib.tasks import classify",
        "import bertlib.train.loop",
        "def f():\n    from bertlib.tasks.classify import fine_tune",
        "from .tasks.classify import fine_tune",
        "from . import tasks",
        "from bertcourse.profile import get_profile",
        "from bertlib.unknown import x",
    ],
)
def test_upward_imports_are_caught(line):
    assert len(upward_imports("bertlib.model.encoder", ast.parse(line))) == 1


def test_downward_imports_pass():
    lines = "from bertlib.device import x\nfrom bertlib.model.attention import y\nimport torch"
    assert upward_imports("bertlib.model.encoder", ast.parse(lines)) == []
    assert upward_imports("bertcourse.plots", ast.parse("from bertlib.tasks.classify import fine_tune")) == []


def test_circles_are_caught():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == ["b", "c"]


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
