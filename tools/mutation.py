"""How much would the tests notice? Small faults are put into bertlib's core, one at a time, and the tests run.

    python tools/mutation.py --jobs 14 --out FILE            all mutants of all modules (an hour or two on one core)
    python tools/mutation.py --minutes 8 --jobs 14           as many, drawn evenly, as go into eight minutes
    python tools/mutation.py --module text.masking text.pairs --sample 60 --seed 1
    python tools/mutation.py --again FILE                    those that survived before

First the tests run without a fault, and it is noted which functions each of them calls. A mutant then meets only the
tests that call the function it changes, each file's quickest first, in a fork of a process that has imported the heavy
libraries already, on a copy of packages and tests: the working tree is never touched. It is killed if a test fails, if
the module no longer imports, or if the tests take ten times the processor time they should. Whatever else goes wrong
(no test found, a fork that was killed) is an error, never a kill. Needs Linux or macOS.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import gc
import importlib
import importlib.util
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from tqdm import tqdm

ROOT = Path(__file__).parents[1]
COURSE = "bertcourse"

# Module of bertlib, or of bertcourse with that name before it -> functions and classes to change (none named: all), and
# the files of tests that may notice, by their names without `test_`, wherever they stand in tests/.
MODULES = {
    "model.attention": ((), ["attention", "encoder", "heads", "bug_zoo"]),
    "model.encoder": ((), ["encoder", "heads", "bug_zoo", "weights"]),
    "model.heads": ((), ["heads", "question_answering", "tag", "bug_zoo", "weights", "embed"]),
    "text.masking": ((), ["masking"]),
    "text.pairs": ((), ["pairs"]),
    "text.wordpiece": ((), ["wordpiece", "spans"]),
    "text.tokenizer": ((), ["tokenizer"]),
    "text.batching": ((), ["batching", "bug_zoo"]),
    "text.inputs": ((), ["batching", "bug_zoo"]),
    "text.spans": ((), ["spans", "tag"]),
    "text.windows": ((), ["tag", "bug_zoo"]),
    "text.answers": ((), ["answers"]),
    "bertcourse.bm25": ((), ["bm25"]),
    "data.entities": (("tag_names_of", "read_split", "contexts_of"), ["tag", "bug_zoo"]),
    "data.questions": (
        ("question_rows", "check_question", "read_questions", "from_squad", "held_out", "question_check"),
        ["question_sets"],
    ),
    "data.nearest": ((), ["nearest"]),
    "data.store": ((), ["store"]),
    "tasks.embed": ((), ["embed"]),
    "tasks.search": ((), ["search"]),
    "metrics.scores": (("entity_scores", "find_differences", "interval"), ["tag", "bug_zoo", "interval"]),
    "metrics.answers": ((), ["answer_scores"]),
    "metrics.calibration": ((), ["calibration", "bug_zoo"]),
    "bertcourse.data.boolq": ((), ["boolq"]),
    "bertcourse.data.copies": ((), ["rated"]),
    "bertcourse.data.lee": ((), ["lee"]),
    "bertcourse.data.quac": ((), ["question_sets"]),
    "bertcourse.data.raters": ((), ["raters"]),
    "metrics.ranking": ((), ["ranking"]),
}
# Tests that take long and are left out: words of their names.
LONG = (
    "random_unicode",
    "tweets",
    "every_single",
    "trainer",
    "commonest",
    "learns",
    "killed",
    "checkpoint",
    "seed_decides",
    "long_rows",
)
LONG += ("long_texts", "context_is_read", "pipeline", "constrained", "unknown_tags", "no_strings", "batches_do_not")
LONG += ("quac_holds", "of_quac", "boolq_holds", "of_boolq")

# Mutants that change nothing that anybody could see: module, how the changed line begins, what was done -> why.
EQUIVALENT = {
    ("data.nearest", "if len(starts) < len(texts)", "Lt to LtE"): "the largest of one is that one",
    ("data.nearest", "least = np.partition(scores, -k)", "Lt to LtE"): "the least of all lets all in",
    ("data.nearest", "least = np.partition(scores, -k)", "always the second"): "all are sorted, which is slower",
    ("data.nearest", "least, most = (min(", "0.0 to 1.0"): "of an empty list nothing is scaled",
    ("model.attention", "ends = (steps < 0)", "0 to 1"): "standing still is allowed anyway",
    ("model.attention", "ends = (steps < 0)", "Lt to LtE"): "standing still is allowed anyway",
    ("model.attention", "wrong = (sequence_ids", "without USub (2)"): "of two dimensions the last is the second",
    (
        "model.attention",
        "return heads.transpose(1, 2)",
        "without USub",
    ): "of four dimensions the last but one is the third",
    ("model.attention", "query = torch.randn(8, 4", "8 to 9"): "what the clock is tried on, not what comes out",
    ("model.attention", "query = torch.randn(8, 4", "4 to 5"): "what the clock is tried on, not what comes out",
    ("model.attention", "query = torch.randn(8, 4", "128 to 129"): "what the clock is tried on, not what comes out",
    ("model.attention", "query = torch.randn(8, 4", "64 to 65"): "what the clock is tried on, not what comes out",
    ("model.attention", "query = torch.randn(8, 4", "0 to 1"): "what the clock is tried on, not what comes out",
    ("model.attention", "return measured_advantage", "Gt to GtE"): "no time is 2.5 times another, exactly",
    ("model.heads", "labels, remedy = labels.masked_fill", "0 to 1"): "any id that is a tag's will do",
    ("text.masking", "if continuation_ids is not None", "if True"): "without such ids every piece keeps its own draw",
    ("text.masking", "first[..., :1] = True", "True to False"): "the first place is place 0, whatever stands there",
    ("text.pairs", "target = int(rng", "Lt to LtE"): "a draw is never exactly the share",
    ("text.pairs", "if rng.random() < 0.5", "Lt to LtE"): "a draw is never exactly a half",
    ("text.pairs", "if excess <= 0", "LtE to Lt"): "without excess nothing is cut below, either",
    ("text.pairs", "from_first = ", "Gt to GtE"): "of equal lengths nothing is cut but from both",
    ("text.pairs", "from_second = ", "LtE to Lt"): "of equal lengths nothing is cut but from both",
    ("text.pairs", "for _ in range(100)", "100 to 101"): "one more try",
    ("text.wordpiece", "(0x2B740, 0x2B81F)", "178207 to 178208"): "the next block begins there",
    ("text.wordpiece", "(0x2A700, 0x2B73F)", "177983 to 177984"): "the next block begins there",
    ("text.wordpiece", "continue\n", "without continue"): "tabs and line ends are controls, which the next lines drop",
    ("text.wordpiece", "parts, group = [], 0", "0 to 1"): "groups are only compared",
    ("text.wordpiece", "places, index, result", "0 to 1"): "the first character opens, and has a place",
    ("text.wordpiece", "learned = dict.fromkeys(", "Gt to GtE"): "a single character never is ## alone",
    ("text.wordpiece", "learned = dict.fromkeys(", "And to Or"): "both say the same of single characters",
    ("text.wordpiece", "if pair_counts[best] > 0", "Gt to GtE"): "what occurs no more is too rare when it comes again",
    ("text.batching", "with_room: list", "1 to 2"): "a list that stays empty",
    ("text.inputs", "judged = judged * rng", "Mult to Div"): "a misjudged length either way",
    ("text.spans", "never = -1e9", "1000000000.0 to 1000000001.0"): "far below everything, too",
    ("text.spans", "step = np.array", "0.0 to 1.0"): "all that is allowed is shifted alike",
    ("text.spans", "begin = np.array", "0.0 to 1.0"): "all that is allowed is shifted alike",
    ("text.windows", "return np.concatenate([[True]", "zeros to ones"): "there is none of them",
    ("text.windows", "if last - first <= room", "LtE to Lt"): "a text that just fits is one window either way",
    ("bertcourse.bm25", "damping = k1", "1 to 2 (2)"): "where the mean length is 0 no word is to be weighed",
    ("bertcourse.data.quac", "if TYPE_CHECKING", "if True"): "what is imported there is installed",
    ("bertcourse.data.quac", "if TYPE_CHECKING", "if False"): "no annotation is looked up while it runs",
    ("bertcourse.data.quac", "middle = (low", "1 to 2"): "any place above low and up to high leads to the same end",
    (
        "bertcourse.data.quac",
        "low, high = (middle",
        "always the first",
    ): "what stands nowhere is passed over below, only later",
    ("metrics.answers", "if not ours or not theirs", "Or to And"): "with words on one side only none is common, too",
    ("metrics.answers", "scores = np.zeros", "zeros to ones"): "every row is written",
    ("bertcourse.data.boolq", "SIDES = ", "2 to 3"): "the last part takes what is left",
    ("bertcourse.data.boolq", "SIDES = ", "Div to Mult (2)"): "the last part takes what is left",
    ("bertcourse.data.boolq", "for side, chosen in", "0 to 1"): "one class, whatever it is called",
}

COMPARISONS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.MatMult: ast.Mult,
}
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "argmax": "argmin", "sum": "mean", "zeros": "ones"}


def variants(node: ast.AST) -> Iterator[tuple[str, ast.AST | None]]:
    """What one node may become, each with what was done; None removes a statement."""
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            changed = copy.deepcopy(node)
            changed.ops[place] = COMPARISONS[type(operator)]()
            yield f"{type(operator).__name__} to {type(changed.ops[place]).__name__}", changed
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in OPERATORS:
        changed = copy.deepcopy(node)
        changed.op = OPERATORS[type(node.op)]()
        yield f"{type(node.op).__name__} to {type(changed.op).__name__}", changed
    elif isinstance(node, ast.BoolOp):
        changed = copy.deepcopy(node)
        changed.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield f"{type(node.op).__name__} to {type(changed.op).__name__}", changed
    elif isinstance(node, ast.UnaryOp):
        yield f"without {type(node.op).__name__}", node.operand
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield f"{node.value} to {not node.value}", ast.Constant(not node.value)
        elif isinstance(node.value, int | float):
            yield f"{node.value} to {node.value + 1}", ast.Constant(node.value + 1)
    elif isinstance(node, ast.Dict | ast.Subscript):
        for key in node.keys if isinstance(node, ast.Dict) else [node.slice]:
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                changed = copy.deepcopy(node)
                for inner in ast.walk(changed):
                    if isinstance(inner, ast.Constant) and inner.value == key.value:
                        inner.value += "_"
                yield f"another key than {key.value!r}", changed
    elif isinstance(node, ast.IfExp):
        yield "always the first", node.body
        yield "always the second", node.orelse
    elif isinstance(node, ast.Slice):
        for end in ("lower", "upper"):
            if getattr(node, end) is not None:
                changed = copy.deepcopy(node)
                setattr(changed, end, None)
                yield f"without the slice's {end} end", changed
    elif isinstance(node, ast.Call):
        name = getattr(node.func, "id", getattr(node.func, "attr", None))
        if name in NAMES:
            changed = copy.deepcopy(node)
            setattr(changed.func, "id" if isinstance(node.func, ast.Name) else "attr", NAMES[name])
            yield f"{name} to {NAMES[name]}", changed
    elif isinstance(node, ast.If):
        for value in (True, False):
            changed = copy.deepcopy(node)
            changed.test = ast.Constant(value)
            yield f"if {value}", changed
    elif isinstance(node, ast.Return) and node.value is not None:
        if not (isinstance(node.value, ast.Constant) and node.value.value is None):
            yield "returns None", ast.Return(ast.Constant(None))
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "without the call", None
    elif isinstance(node, ast.Continue | ast.Break):
        yield f"without {type(node).__name__.lower()}", None
    if isinstance(node, ast.AugAssign):
        yield "without the change", None


def places(tree: ast.AST, wanted: set[str] | None) -> Iterator[tuple[ast.AST, str, int | None]]:
    """(parent, field, index) of all nodes that may change: no annotations, docstrings, messages or decorators."""

    def walk(node):
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "type_comment", "bases"):
                continue
            for index, child in enumerate(value if isinstance(value, list) else [value]):
                if not isinstance(child, ast.AST) or isinstance(
                    child, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom
                ):
                    continue
                if isinstance(child, ast.keyword) and child.arg == "strict":
                    continue  # a safety net of zip's
                if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                    continue  # a docstring
                yield node, name, index if isinstance(value, list) else None
                yield from walk(child)

    for number, top in enumerate(tree.body):
        named = wanted is None or getattr(top, "name", None) in wanted
        if named and not isinstance(top, ast.Import | ast.ImportFrom | ast.Expr):
            yield from walk(top) if hasattr(top, "name") else ((tree, "body", number), *walk(top))


def mutants(source: str, names: tuple[str, ...] = ()) -> list[tuple[int, str, str, str]]:
    """All mutants of a module: line, the line's text, what was done, and the whole changed source."""
    tree, lines, found, seen = ast.parse(source), source.splitlines(), [], Counter()
    for parent, name, index in places(tree, set(names) or None):
        held = getattr(parent, name)
        node = held if index is None else held[index]
        for what, changed in variants(node):
            new = changed if changed is not None else ast.Pass()
            if index is None:
                setattr(parent, name, new)
            else:
                held[index] = new
            text = ast.unparse(ast.fix_missing_locations(copy.deepcopy(tree)))
            number = getattr(node, "lineno", getattr(parent, "lineno", 1))
            line = lines[number - 1].strip()
            seen[line, what] += 1
            times = f" ({seen[line, what]})" if seen[line, what] > 1 else ""  # on the line, or on its like
            found.append((number, line, what + times, text))
            if index is None:
                setattr(parent, name, node)
            else:
                held[index] = node
    return found


def full_name(module: str, package: str = "bertlib") -> str:
    """A module of `MODULES` as it is imported: "text.masking" -> "bertlib.text.masking"; the course's stays."""
    return module if module.startswith(f"{COURSE}.") else f"{package}.{module}"


class Recorder:
    """Notes for each test its processor time and which of our functions it calls, itself or by its fixtures."""

    def __init__(self, job: Path, package: str):
        self.folder, self.inside = str(job) + os.sep, (package + os.sep, COURSE + os.sep)
        self.calls: set[tuple[str, int]] = set()
        self.outside: set[tuple[str, int]] = set()
        self.fixtures: dict[str, set[tuple[str, int]]] = {}
        self.tests: dict[str, tuple[float, set, list[str]]] = {}

    def profile(self, frame, event, _):
        if event == "call" and frame.f_code.co_filename.startswith(self.folder):
            path = frame.f_code.co_filename[len(self.folder) :]
            if path.startswith(self.inside):
                name = ".".join(Path(path).with_suffix("").parts)
                self.calls.add((name, frame.f_code.co_firstlineno))

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        before, self.calls = self.calls, set()
        try:
            return (yield)
        finally:
            self.fixtures.setdefault(fixturedef.argname, set()).update(self.calls)
            self.calls |= before

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        if not self.tests:
            self.outside = self.calls  # while the files of tests were imported
        self.calls, start = set(), time.process_time()
        sys.setprofile(self.profile)
        try:
            return (yield)
        finally:
            self.tests[item.nodeid] = time.process_time() - start, self.calls, item.fixturenames

    def found(self) -> dict[str, tuple[float, list]]:
        return {
            test: (seconds, sorted(calls.union(self.outside, *(self.fixtures.get(name, ()) for name in fixtures))))
            for test, (seconds, calls, fixtures) in self.tests.items()
        }


class Chosen:
    """Lets pytest run these tests only, in this order; without any, all but those left out."""

    def __init__(self, order: list[str] | None):
        self.order = order

    def pytest_collection_modifyitems(self, items):
        if self.order is None:
            items[:] = [item for item in items if not any(word in item.name for word in LONG)]
        else:
            place = {test: number for number, test in enumerate(self.order)}
            items[:] = sorted((item for item in items if item.nodeid in place), key=lambda item: place[item.nodeid])


def test_file(root: Path, name: str) -> str:
    """Where in the folder the file of tests of this name stands, as pytest names it: "tests/text/test_masking.py".

    Raises:
        SystemExit: it is not there, or there is more than one.
    """
    found = sorted((root / "tests").rglob(f"test_{name}.py"))
    if len(found) != 1:
        raise SystemExit(f"tests/**/test_{name}.py: found {len(found)} files, one is wanted: correct MODULES")
    return found[0].relative_to(root).as_posix()


test_file.__test__ = False  # it is no test, though pytest would take it for one


NO_IMPORT = 90  # exit statuses beside pytest's own
OWN_ERROR = 91
MEMORY = 8 * 2**30


def start_tests(
    job: Path, module: str, tests: list[str] | None, files: list[str], cpu: float, notes: Path | None
) -> int:
    """Run pytest in a fork on a copy of packages and tests; gives the fork's process id, whose exit status tells."""
    import resource  # not on Windows, where no one calls this

    child = os.fork()
    if child:
        return child
    status = OWN_ERROR
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        seconds = int(cpu + time.process_time()) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))
        os.chdir(job)
        sys.path.insert(0, str(job))
        os.environ["PYTHONPATH"] = str(job)  # for tests that start a process of their own
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        package = job / module.split(".")[0]
        plugins, recorder = [Chosen(tests)], Recorder(job, module.split(".")[0])
        if notes:
            plugins.append(recorder)
            sys.setprofile(recorder.profile)
        try:
            imported = importlib.import_module(module)
        except BaseException:
            os._exit(NO_IMPORT)
        assert Path(imported.__file__).is_relative_to(package), "this is another copy"
        arguments = [f"--rootdir={job}", f"--confcutdir={job}", "-q", "-x", "--tb=no", "-p", "no:cacheprovider"]
        for name in files:  # one by one: most mutants end in the first
            status = int(pytest.main([*arguments, test_file(job, name)], plugins=plugins))
            if status:
                break
        sys.setprofile(None)
        if notes:
            notes.write_text(json.dumps(recorder.found()), encoding="utf-8")
    except BaseException:
        status = OWN_ERROR
    finally:
        os._exit(status)


def end_of(child: int, until: float) -> int | None:
    """The exit status of a fork that has ended, or was stopped because its time was over; None if it still runs."""
    done, status = os.waitpid(child, os.WNOHANG)
    if not done and time.perf_counter() < until:
        return None
    if not done:
        stop(child)
        return OWN_ERROR
    return os.waitstatus_to_exitcode(status)


def stop(child: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)


def verdict(status: int) -> str:
    """What the end of a fork says of its mutant."""
    if status == 0:
        return "survived"
    if status in (1, 2, NO_IMPORT, -signal.SIGXCPU):  # 2: a file of tests fails as it is imported
        return "killed"
    return "error"


def function_lines(source: str) -> dict[int, tuple[int, int]]:
    """For each line inside a function or method: the first and last line of the outermost one."""
    lines = {}
    tops = [*(tree := ast.parse(source)).body]
    tops += [inner for top in tree.body if isinstance(top, ast.ClassDef) for inner in top.body]
    for node in tops:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            lines |= dict.fromkeys(range(node.lineno, node.end_lineno + 1), (first, node.end_lineno))
    return lines


def tests_for(line: int, module: str, lines: dict[int, tuple[int, int]], notes: dict[str, tuple]) -> list[str]:
    """The tests that call the function this line stands in, the quickest first; all for a line outside any."""
    first, last = lines.get(line, (0, sys.maxsize))
    chosen = [
        (seconds, test)
        for test, (seconds, calls) in notes.items()
        if any(name == module and first <= number <= last for name, number in calls)
    ]
    return [test for _, test in sorted(chosen)]


class Job:
    """A copy of packages and tests, in which one module at a time is changed; what stands beside them is linked."""

    def __init__(self, root: Path, package: str, folder: Path):
        self.root, self.folder, self.changed = root, folder, None
        folder.mkdir(parents=True)
        for path in root.iterdir():
            if path.name in (package, COURSE, "tests"):
                shutil.copytree(path, folder / path.name, ignore=shutil.ignore_patterns("__pycache__"))
            elif not path.name.startswith(".") and path.name != "build":
                (folder / path.name).symlink_to(path)

    def put(self, path: str | None, text: str | None) -> None:
        """Undo the last change; then give the file at `path` this text."""
        if self.changed:
            self._write(*self.changed)
        self.changed = None
        if path:
            self.changed = path, (self.folder / path).read_text(encoding="utf-8")
            self._write(path, text)

    def _write(self, path, text):
        (self.folder / path).write_text(text, encoding="utf-8")
        Path(importlib.util.cache_from_source(str(self.folder / path))).unlink(missing_ok=True)


def run_forks(tasks: list[tuple], jobs: list[Job], end: float) -> Iterator[tuple]:
    """Run tasks (path, text, arguments of start_tests, about) on free copies; yields (about, exit status) of each."""
    waiting, free, running = list(reversed(tasks)), list(jobs), {}
    try:
        while waiting or running:
            while waiting and free:
                job, (path, text, arguments, about) = free.pop(), waiting.pop()
                job.put(path, text)
                until = time.monotonic() + 15 * arguments["cpu"]  # others may need the processor, too
                running[start_tests(job.folder, **arguments)] = job, about, until
            time.sleep(0.01)
            for child, (job, about, until) in list(running.items()):
                status = end_of(child, until)
                if status is not None:
                    del running[child]
                    free.append(job)
                    yield about, status
            if time.monotonic() > end:
                return
    finally:
        for child in running:
            stop(child)


def draw(found: list, sample: int | None, name: str, seed: int) -> list:
    """So many of them, or all, in a drawn order; a larger sample begins with the smaller one."""
    return random.Random(f"{name} {seed}").sample(found, len(found))[:sample]


def measure(
    root: Path,
    modules: dict[str, tuple[tuple[str, ...], list[str]]],
    *,
    package: str = "bertlib",
    sample: int | None = None,
    seed: int = 0,
    only: dict[str, list] | None = None,
    jobs: int = 1,
    minutes: float | None = None,
    out: Path | None = None,
    before: dict[str, dict] | None = None,
) -> list[dict]:
    """Run mutants of the modules, evenly mixed.

    Args:
        root: the folder that holds the package and `tests/`.
        modules: name -> functions and classes to change (none: all), files of tests by their names.
        sample, seed: how many mutants of a module are drawn (None: all), and how.
        only: module -> the (text, what) of the mutants to run.
        jobs: how many run at once.
        minutes: when to stop, even if mutants are left.
        out: JSON that is written anew every few seconds.
        before: module -> result of an earlier run, whose mutants other than `only` count as they did.

    Returns:
        For each module its counts and the mutants that survived, as (line, text, what was done).

    Raises:
        SystemExit: tests fail without any mutant, before or afterwards.
    """
    end = time.monotonic() + 60 * minutes if minutes else float("inf")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder).resolve()
        sys.pycache_prefix = str(folder / "cache")
        copies = [Job(root, package, folder / str(number) / "copy") for number in range(jobs)]

        def without_mutants(files, tests=None, note=False):
            tasks = []
            for file in files:
                notes = folder / f"{file}.json" if note else None
                arguments = {"module": package, "tests": tests, "files": [file], "cpu": 900, "notes": notes}
                tasks.append((None, None, arguments, file))
            for file, status in run_forks(tasks, copies, float("inf")):
                if status:
                    raise SystemExit(f"{test_file(root, file)}: pytest ends with {status} without any mutant")

        files = sorted({file for _, names in modules.values() for file in names})
        without_mutants(files, note=True)
        noted = {file: json.loads((folder / f"{file}.json").read_text(encoding="utf-8")) for file in files}

        results, tasks = {}, []
        for name, (names, tests) in modules.items():
            full = full_name(name, package)
            path = f"{full.replace('.', '/')}.py"
            source = (copies[0].folder / path).read_text(encoding="utf-8")
            lines, found = function_lines(source), mutants(source, names)
            notes = {test: note for file in tests for test, note in noted[file].items()}
            result = {"module": name, "of": len(found), "mutants": 0, "killed": 0}
            results[name] = result | {"explained": [], "survivors": [], "errors": [], "listed but killed": []}
            if before:
                results[name] |= {key: before[name][key] for key in ("killed", "explained", "errors")}
                results[name]["mutants"] = before[name]["mutants"] - len(before[name]["survivors"])
            if only is not None:
                found = [mutant for mutant in found if [mutant[1], mutant[2]] in only.get(name, [])]
            chosen = draw(found, sample, name, seed)
            for number, mutant in enumerate(chosen):
                order = tests_for(mutant[0], full, lines, notes)
                used = [file for file in tests if any(test.startswith(f"{test_file(root, file)}:") for test in order)]
                cpu = 20 + 10 * sum(notes[test][0] for test in order)
                arguments = {"module": full, "tests": order, "files": used, "cpu": cpu, "notes": None}
                tasks.append(((number + 0.5) / len(chosen), (path, mutant[3], arguments, (name, mutant[:3]))))
        tasks = [task for _, task in sorted(tasks, key=lambda pair: pair[0])]
        uncalled = [(task[3], 0) for task in tasks if not task[2]["tests"]]
        tasks = [task for task in tasks if task[2]["tests"]]

        written = 0.0
        with tqdm(total=len(tasks) + len(uncalled), disable=None) as bar:
            for (name, mutant), status in chain(uncalled, run_forks(tasks, copies, end)):
                bar.update()
                count(results[name], mutant, status)
                if out and time.monotonic() > written + 5:
                    write(results, out)
                    written = time.monotonic()
        if out:
            write(results, out)
        without_mutants(files[:1], tests=list(noted[files[0]])[:20])  # what failed meanwhile failed for its mutant
    return list(results.values())


def count(result: dict, mutant: tuple[int, str, str], status: int) -> None:
    """Add to a module's result how the tests ended with this mutant."""
    _, text, what = mutant
    name, ending = result["module"], verdict(status)
    listed = any(name == key[0] and f"{text}\n".startswith(key[1]) and what == key[2] for key in EQUIVALENT)
    result["mutants"] += 1
    if ending == "error":
        result["errors"].append((*mutant, status))
    elif ending == "killed":
        result["killed"] += 1
        if listed:
            result["listed but killed"].append(mutant)
    else:
        result["explained" if listed else "survivors"].append(mutant)


def write(results: dict[str, dict], out: Path) -> None:
    beside = out.with_name(out.name + ".part")
    beside.write_text(json.dumps(list(results.values()), indent=1), encoding="utf-8")
    beside.replace(out)


def table(results: list[dict]) -> str:
    lines = [
        f"{'module':24}{'mutants':>9}{'of':>7}{'killed':>8}{'explained':>11}{'survive':>9}{'errors':>8}{'share':>8}"
    ]
    total = {"module": "all"} | {
        key: sum((result[key] for result in results), start=type(results[0][key])())
        for key in ("mutants", "of", "killed", "explained", "survivors", "errors")
    }
    for result in [*results, total]:
        counts = [len(result[key]) for key in ("explained", "survivors", "errors")]
        share = result["killed"] / max(1, result["mutants"] - counts[0] - counts[2])
        lines.append(
            f"{result['module']:24}{result['mutants']:9}{result['of']:7}{result['killed']:8}"
            f"{counts[0]:11}{counts[1]:9}{counts[2]:8}{share:8.1%}"
        )
    return "\n".join(lines)


def warm_up() -> None:
    """Import once what every fork needs."""
    for name in (
        "datasets",
        "safetensors.torch",
        "seqeval.metrics",
        "sklearn.ensemble",
        "sklearn.metrics",
        "sklearn.model_selection",
        "tokenizers.implementations",
        "transformers.models.bert.modeling_bert",
    ):
        importlib.import_module(name)
    import torch

    torch.set_num_threads(1)
    gc.collect()
    gc.freeze()  # a collection in a fork would touch, and so copy, every page of what is imported here


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--module", nargs="+", choices=MODULES, default=list(MODULES))
    parser.add_argument("--sample", type=int, help="mutants a module, drawn; default: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="mutants at once; default: 1")
    parser.add_argument("--minutes", type=float, help="stop then, with what there is")
    parser.add_argument("--again", type=Path, help="a file from --out: run its survivors, keep the rest as it stands")
    parser.add_argument("--out", type=Path, help="also write the results as JSON, every few seconds")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # and so end the forks
    only = before = None
    if options.again:
        before = {result["module"]: result for result in json.loads(options.again.read_text(encoding="utf-8"))}
        only = {name: [mutant[1:3] for mutant in result["survivors"]] for name, result in before.items()}
    warm_up()
    results = measure(
        ROOT,
        {name: MODULES[name] for name in options.module},
        sample=options.sample,
        seed=options.seed,
        only=only,
        jobs=options.jobs,
        minutes=options.minutes,
        out=options.out,
        before=before,
    )
    wrong = 0
    for result in results:
        for kind in ("survivors", "errors", "listed but killed"):
            wrong += len(result[kind]) if kind != "survivors" else 0
            for line, text, what, *status in sorted(result[kind]):
                path = full_name(result["module"]).replace(".", "/")
                print(f"{kind}: {path}.py:{line}: {what}: {text}", *status)
    print(f"\n{table(results)}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
