"""How much would the tests notice? Small faults are put into bertlib's core, one at a time, and the tests run.

    python tests/mutation.py                        all mutants of all modules (hours on one core)
    python tests/mutation.py --sample 60 --seed 0   so many drawn ones of each module
    python tests/mutation.py --module masking pairs
    python tests/mutation.py --again results.json   those that survived before

A mutant is killed if a test fails or runs ten times as long as it should. Each is run in a fork of a process that has
imported the heavy libraries already, on a copy of the package; the working tree is never touched. Needs Linux or macOS.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

# Module -> functions and classes to change (None: all), and the tests that are to notice, the quickest first.
PARITY = "test_parity.py"
MODULES = {
    "attention": (None, ["test_attention.py", "test_bug_zoo.py", PARITY]),
    "encoder": (None, ["test_encoder.py", "test_bug_zoo.py", "test_attention.py", PARITY]),
    "heads": (None, ["test_heads.py", "test_bug_zoo.py", PARITY]),
    "masking": (None, ["test_masking.py"]),
    "pairs": (None, ["test_pairs.py"]),
    "wordpiece": (None, ["test_wordpiece.py"]),
    "batching": (None, ["test_batching.py", "test_attention.py"]),
    "spans": (None, ["test_spans.py", "test_tag.py"]),
    "tag": (
        {"Pieces", "cut_into_pieces", "first_pieces", "piece_labels", "make_windows", "read_split", "contexts_of"}
        | {"tag_names_of", "find_differences", "entity_scores"},
        ["test_tag.py", "test_bug_zoo.py"],
    ),
}

# Mutants that change nothing that anybody could see: module, the changed line, what was done -> why.
EQUIVALENT: dict[tuple[str, str, str], str] = {}

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


def mutants(source: str, wanted: set[str] | None = None) -> list[tuple[int, str, str, str]]:
    """All mutants of a module: line, the line's text, what was done, and the whole changed source."""
    tree, lines, found = ast.parse(source), source.splitlines(), []
    for parent, name, index in places(tree, wanted):
        held = getattr(parent, name)
        node = held if index is None else held[index]
        for what, changed in variants(node):
            new = changed if changed is not None else ast.Pass()
            if index is None:
                setattr(parent, name, new)
            else:
                held[index] = new
            text = ast.unparse(ast.fix_missing_locations(copy.deepcopy(tree)))
            found.append((node.lineno if hasattr(node, "lineno") else parent.lineno, what, text))
            if index is None:
                setattr(parent, name, node)
            else:
                held[index] = node
    return [(line, lines[line - 1].strip(), what, text) for line, what, text in found]


def run_tests(package: Path, tests: list[str], seconds: float) -> tuple[bool, float]:
    """Whether the tests fail (or take too long) with this copy of the package, and the seconds it took."""
    start = time.perf_counter()
    child = os.fork()
    if not child:
        os.setsid()
        with open(os.devnull, "w") as nothing:
            os.dup2(nothing.fileno(), 1)
            os.dup2(nothing.fileno(), 2)
        sys.path.insert(0, str(package.parent))
        os.chdir(ROOT)
        import pytest

        try:
            failed = pytest.main(["-x", "-q", "-p", "no:cacheprovider", *(f"tests/{test}" for test in tests)])
        except BaseException:
            failed = 1
        os._exit(1 if failed else 0)
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) != 0, time.perf_counter() - start
        if time.perf_counter() - start > seconds:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return True, time.perf_counter() - start
        time.sleep(0.01)


def examine(module: str, sample: int | None, seed: int, only: list | None) -> dict:
    """Run the mutants of a module: all, a drawn sample, or only those named by (line, text, what)."""
    from tqdm import tqdm

    wanted, tests = MODULES[module]
    source = (ROOT / "bertlib" / f"{module}.py").read_text(encoding="utf-8")
    chosen = mutants(source, wanted)
    total = len(chosen)
    if only is not None:
        chosen = [mutant for mutant in chosen if list(mutant[1:3]) in only]
    if sample is not None and sample < total:
        chosen = random.Random(f"{module} {seed}").sample(chosen, sample)
    killed, survivors, explained, wrongly = 0, [], [], []
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "bertlib"
        shutil.copytree(ROOT / "bertlib", package, ignore=shutil.ignore_patterns("__pycache__"))
        failed, clean = run_tests(package, tests, 600)
        if failed:
            raise SystemExit(f"{module}: {' '.join(tests)} fail without any mutant")
        for line, text, what, changed in tqdm(chosen, desc=module, disable=None):
            (package / f"{module}.py").write_text(changed, encoding="utf-8")
            shutil.rmtree(package / "__pycache__", ignore_errors=True)
            dead, _ = run_tests(package, tests, max(20.0, 10 * clean))
            killed += dead
            listed = (module, text, what) in EQUIVALENT
            if dead and listed:
                wrongly.append((line, text, what))
            if not dead:
                (explained if listed else survivors).append((line, text, what))
    return {
        "module": module,
        "mutants": len(chosen),
        "of": total,
        "killed": killed,
        "explained": explained,
        "survivors": survivors,
        "listed but killed": wrongly,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--module", nargs="+", choices=MODULES, default=list(MODULES))
    parser.add_argument("--sample", type=int, help="mutants a module, drawn; default: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--again", type=Path, help="a file from --out: run its survivors only")
    parser.add_argument("--out", type=Path, help="also write the results as JSON")
    options = parser.parse_args()
    import datasets  # noqa: F401 - imported once here, inherited by every fork
    import pytest  # noqa: F401
    import seqeval.metrics  # noqa: F401
    import sklearn.metrics  # noqa: F401
    import torch
    import transformers.models.bert.modeling_bert  # noqa: F401

    torch.set_num_threads(1)
    results, only = [], {}
    if options.again:
        before = json.loads(options.again.read_text(encoding="utf-8"))
        only = {result["module"]: [mutant[1:] for mutant in result["survivors"]] for result in before}
        options.module = [name for name in options.module if only.get(name)]
    for module in options.module:
        result = examine(module, options.sample, options.seed, only.get(module))
        results.append(result)
        for line, text, what in result["survivors"]:
            print(f"bertlib/{module}.py:{line}: {what}: {text}")
        for line, text, what in result["listed but killed"]:
            print(f"listed as equivalent, but killed: {module}.py:{line}: {what}: {text}")
        if options.out:
            options.out.write_text(json.dumps(results, indent=1), encoding="utf-8")
    print(f"\n{'module':12}{'mutants':>9}{'of':>7}{'killed':>8}{'explained':>11}{'survive':>9}{'share':>8}")
    for result in results:
        share = result["killed"] / (result["mutants"] - len(result["explained"]))
        print(
            f"{result['module']:12}{result['mutants']:9}{result['of']:7}{result['killed']:8}{len(result['explained']):11}"
            f"{len(result['survivors']):9}{share:8.1%}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
