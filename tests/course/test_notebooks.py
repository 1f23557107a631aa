"""What every committed lesson must be, whatever it teaches (CONTRIBUTING.md, "A lesson")."""

import ast
import re
from pathlib import Path

import floors
import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from bertcourse.figures import collect
from bertcourse.lessons import lessons_in

ROOT = Path(__file__).parents[2]
LESSONS = lessons_in(ROOT / "notebooks")
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)

# What a lesson is about is defined in it, not imported.
REQUIRED = {
    "01_attention": {"scaled_dot_product_attention", "padding_mask", "MultiHeadSelfAttention"},
    "02_encoder": {"BertEmbeddings", "BertLayer", "BertPooler"},
    "03_wordpiece": {"split_words", "join_pieces", "merge", "learn_pieces", "longest_match"},
    "04_mlm_and_nsp_data": {"mask_tokens"},
    "04b_next_sentence_pairs": {"next_sentence_pairs"},
    "05_pretraining": {"MLMHead", "unigram_baseline"},
    "06_speed_and_scale": {"forward_flops", "train"},
    "07_news_classification": {"linear_schedule"},
    "A7_controls_and_claims": {"length_buckets", "pad_batch"},
    "08_named_entities": {"entities_of", "first_pieces", "piece_labels"},
}
NEEDS_NO_FRAME = {"00_start_here"}  # no exercises, summary, sources or figures of its own

NOTEBOOK_METADATA = {"kernelspec", "language_info"}
CELL_METADATA = {"tags", "editable", "slideshow", "jupyter", "scrolled", "collapsed", "execution", "cellView"}
# What folds a cell's code away: in JupyterLab, on the site, on Colab. Folded in one place, it is folded in all.
FOLD = {"jupyter": {"source_hidden": True}, "tags": ["hide-input"], "cellView": "form"}
COLAB_CELL = "colab"  # the id of the cell that bertcourse/publish.py puts first; it counts for nothing here
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|work|tmp|Users)/|\b[A-Z]:\\")


# ---------------------------------------------------------------------------------------------------- the notebook


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook):
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def output_texts(notebook):
    """Everything readable in the outputs: streams, tracebacks, and all of the data but pictures."""
    for output in outputs(notebook):
        yield from (output.get("text", ""), *output.get("traceback", []))
        for kind, content in output.get("data", {}).items():
            if not kind.startswith("image/") or kind == "image/svg+xml":
                yield content if isinstance(content, str) else str(content)


def python_of(cell):
    """A cell's syntax tree; lines such as %matplotlib and !pip become ordinary calls."""
    return ast.parse(TransformerManager().transform_cell(cell.source))


def fold_problems(cell):
    """What keeps a code cell from being folded in JupyterLab, on the site and on Colab alike, under one title."""
    about = cell.metadata
    keys = {
        "jupyter.source_hidden": bool(about.get("jupyter", {}).get("source_hidden")),
        "tag hide-input": "hide-input" in about.get("tags", []),
        "cellView form": about.get("cellView") == "form",
    }
    titled = cell.source.startswith("# @title ")
    if not any(keys.values()) and "cellView" not in about:
        return ["# @title, but the cell is not folded"] if titled else []
    missing = [f"folded without {key}" for key, there in keys.items() if not there]
    return missing + ([] if titled else ["folded, but its first line is not # @title what it proves or draws"])


def has_silent_picture(output):
    """Whether there is a picture in an output that nobody can read out: `plots.show` stores one as HTML with words."""
    data = output.get("data", {})
    pictures = re.findall(r"<img\b[^>]*>", data.get("text/html", ""))
    bare = any(kind.startswith("image/") for kind in data) and not pictures
    return bare or not all(re.search(r"""\balt=("[^"]{20,}"|'[^']{20,}')""", picture) for picture in pictures)


def problems(notebook, name):
    """Everything that keeps a notebook from being a lesson of this course; empty if all is well."""
    found = []
    cells = code_cells(notebook)
    own = [cell for cell in notebook.cells if cell.get("id") != COLAB_CELL]

    def check(fine, problem):
        if not fine:
            found.append(problem)

    check(notebook.metadata.get("kernelspec", {}).get("name") == "python3", "kernelspec is not python3")
    check(set(notebook.metadata) <= NOTEBOOK_METADATA, f"metadata {set(notebook.metadata) - NOTEBOOK_METADATA}")
    for index, cell in enumerate(notebook.cells, start=1):
        check(set(cell.metadata) <= CELL_METADATA, f"cell {index}: metadata {set(cell.metadata) - CELL_METADATA}")
        if cell.cell_type == "code" and cell.get("id") != COLAB_CELL:
            found.extend(f"cell {index}: {problem}" for problem in fold_problems(cell))
    ids = [cell.get("id") for cell in notebook.cells]
    check(all(ids) and len(set(ids)) == len(ids), "cell ids are absent or repeated")
    check(len(own) < 60, f"{len(own)} cells")

    cut = any(re.search("^# %%", cell.source, re.MULTILINE) for cell in cells)
    check(not cut, "a comment '# %%', at which jupytext would cut its cell in two")
    check([cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), "not executed top to bottom")
    for output in outputs(notebook):
        check(output.output_type != "error", f"error output: {output.get('ename')}")
        for kind, content in output.get("data", {}).items():
            check("widget" not in kind, f"widget output: {kind}")
            check(not kind.startswith("image/") or content, f"empty {kind}")
        check(
            not has_silent_picture(output), "a picture without a text alternative: show it with bertcourse.plots.show"
        )
    for cell in notebook.cells:
        pictures = re.findall(r"!\[([^\]]*)\]", cell.source) if cell.cell_type == "markdown" else []
        check(all(alt.strip() for alt in pictures), "a picture in the text without a text alternative")
    for text in output_texts(notebook):
        path = MACHINE_PATH.search(text)
        check(path is None, f"path of a machine: {text[path.start() : path.end() + 40] if path else ''}")
        check("Warning" not in text, f"warning: {text[:80]}")

    first = notebook.cells[0] if notebook.cells else None
    check(first is not None and first.cell_type == "markdown" and first.source.startswith("# "), "no title")
    first_code = [cell for cell in own if cell.cell_type == "code"][:1]
    calls = [node for cell in first_code for node in ast.walk(python_of(cell))]
    called = {getattr(node.func, "id", getattr(node.func, "attr", "")) for node in calls if isinstance(node, ast.Call)}
    check("start_lesson" in called, "the first code cell does not call start_lesson()")
    if name not in NEEDS_NO_FRAME:
        text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        for heading in ("summary", "sources"):
            check(re.search(rf"^##\s.*\b{heading}\b", text, re.I | re.M), f"no heading '## {heading.title()}'")
        exercises = re.search(r"^##\s.*\bexercises\b|^\*\*Exercise \d+ · ", text, re.I | re.M)
        check(exercises, "no heading '## Exercises', and no '**Exercise 1 · …'")
        check(collect(notebook), "no figure() output")
    return found


# -------------------------------------------------------------------------------------------------------- the code


def definitions(tree):
    """Top-level functions and classes by name."""
    return {node.name: node for node in tree.body if isinstance(node, DEFINITIONS)}


def without_docstrings(node):
    """The syntax tree as text, docstrings left out, so that comments, line breaks and quotes do not count either."""
    tree = ast.parse(ast.unparse(node))
    for inner in ast.walk(tree):
        if isinstance(inner, DEFINITIONS) and ast.get_docstring(inner, clean=False) is not None:
            inner.body = inner.body[1:]
    return ast.dump(tree)


def same_code(one, other):
    return without_docstrings(one) == without_docstrings(other)


def library():
    """Every top-level definition of both packages, the checks left out: name -> [(module, node)]."""
    found = {}
    for module, path in floors.modules().items():
        if not module.startswith("bertcourse.checks"):
            for name, node in definitions(ast.parse(path.read_text(encoding="utf-8"))).items():
                found.setdefault(name, []).append((module, node))
    return found


def defined_in(notebook):
    """Every top-level definition of a lesson, in order."""
    return [pair for cell in code_cells(notebook) for pair in definitions(python_of(cell)).items()]


# ------------------------------------------------------------------------------------------------------- the tests


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def lesson(request):
    return request.param, nbformat.read(request.param, as_version=nbformat.NO_CONVERT)


def test_lesson_is_fit_to_be_committed(lesson):
    path, notebook = lesson
    nbformat.validate(notebook)
    assert notebook.nbformat == 4
    assert notebook.nbformat_minor >= 5
    assert problems(notebook, path.stem) == []


def test_lesson_is_small(lesson):
    path, _ = lesson
    assert path.stat().st_size < 3 * 2**20


def test_code_in_the_lesson_is_the_librarys(lesson):
    _, notebook = lesson
    known = library()
    for name, node in defined_in(notebook):
        if name in known:
            modules = [module for module, _ in known[name]]
            assert any(same_code(node, own) for _, own in known[name]), (
                f"{name} differs from the library's, in {modules}"
            )


@pytest.mark.parametrize("name", REQUIRED)
def test_lesson_defines_what_it_is_about(name):
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    assert {defined for defined, _ in defined_in(notebook)} >= REQUIRED[name]


def test_required_definitions_exist_in_the_library():
    assert set().union(*REQUIRED.values()) <= library().keys()


# ------------------------------------------------------------------------------------------ these checks can fail


FIGURE = {"application/vnd.bertlib.figure+json": {"name": "x", "value": "1", "low": "0", "high": "2", "unit": ""}}

PICTURE = {"text/html": '<img alt="A line that rises from 1 to 2." src="data:image/png;base64,iVBORw0">'}


def sound_notebook():
    cells = [
        new_markdown_cell("# A lesson"),
        new_code_cell(
            "%matplotlib inline\nstart_lesson()",
            execution_count=1,
            outputs=[
                new_output("display_data", data=FIGURE | {"text/plain": "✓ x"}),
                new_output("display_data", data=PICTURE | {"image/png": "iVBORw0"}),
            ],
        ),
        new_markdown_cell("## Exercises\n\n1. …\n\n## Summary\n\n## 9. Sources"),
    ]
    return new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})


def stream(text):
    return lambda notebook: notebook.cells[1].outputs.append(new_output("stream", text=text))


def shows(data):
    return lambda notebook: notebook.cells[1].outputs.append(new_output("display_data", data=data))


def fold(notebook, source="# @title What it draws\nstart_lesson()", **changed):
    notebook.cells[1].update(source=source)
    notebook.cells[1].metadata.update(FOLD | changed)


BREAKAGES = {
    "executed": lambda notebook: notebook.cells[1].update(execution_count=2),
    "jupytext": lambda notebook: notebook.cells[1].update(source="start_lesson()\n# %% load the data\nx = 1"),
    "kernelspec": lambda notebook: notebook.metadata.pop("kernelspec"),
    "error": lambda notebook: notebook.cells[1].outputs.append(new_output("error", ename="E", evalue="", traceback=[])),
    "path": stream("saved to /home/anna/model"),
    "path of a machine": stream("C:\\Users\\anna"),
    "path of a": shows({"text/html": "<a href='/tmp/x'>x</a>"}),
    "warning": stream("x.py:1: UserWarning: deprecated"),
    "widget": shows({"application/vnd.jupyter.widget-view+json": {"model_id": "1"}}),
    "metadata": lambda notebook: notebook.metadata.update(jupytext={}),
    "cell 1: metadata": lambda notebook: notebook.cells[0].metadata.update(author="anna"),
    "cells": lambda notebook: notebook.cells.extend(new_markdown_cell("x") for _ in range(60)),
    "ids": lambda notebook: notebook.cells[0].update(id=notebook.cells[1].id),
    "empty": shows(PICTURE | {"image/png": ""}),
    "a picture without a text alternative": shows({"image/png": "iVBORw0"}),
    "without a text alternative: show it": shows({"text/html": "<p><img src='data:,'></p>"}),
    "text alternative": shows({"text/html": '<img alt="figure.png" src="data:,">'}),
    "picture in the text": lambda notebook: notebook.cells[0].update(source="# A\n\n![](a.png)"),
    "title": lambda notebook: notebook.cells[0].update(source="A lesson"),
    "folded without tag hide-input": lambda notebook: fold(notebook, tags=[]),
    "folded without cellView form": lambda notebook: fold(notebook, cellView="code"),
    "folded without jupyter.source_hidden": lambda notebook: fold(notebook, jupyter={}),
    "folded, but its first line": lambda notebook: fold(notebook, source="%matplotlib inline\nstart_lesson()"),
    "the cell is not folded": lambda notebook: notebook.cells[1].update(source="# @title x\nstart_lesson()"),
    "Exercises": lambda notebook: notebook.cells[2].update(source="## Summary\n\n## Sources"),
    "start_lesson": lambda notebook: notebook.cells[1].update(source="# start_lesson()"),
    "Summary": lambda notebook: notebook.cells[2].update(source="## Exercises\n\n## Sources"),
    "figure": lambda notebook: notebook.cells[1].update(outputs=[]),
}


def test_sound_notebook_has_no_problems():
    assert problems(sound_notebook(), "01_any") == []
    assert problems(new_notebook(), "01_any") != []


@pytest.mark.parametrize("expected", BREAKAGES)
def test_each_breakage_is_noticed(expected):
    notebook = sound_notebook()
    BREAKAGES[expected](notebook)
    (problem,) = problems(notebook, "01_any")
    assert expected in problem


def test_the_colab_cell_may_come_first():
    notebook = sound_notebook()
    notebook.cells[1].execution_count = 2
    notebook.cells.insert(1, new_code_cell("import os", id=COLAB_CELL, execution_count=1))
    notebook.cells.extend(new_markdown_cell("x") for _ in range(59 - 3))
    assert len(notebook.cells) == 60
    assert problems(notebook, "01_any") == []


def test_a_cell_may_be_folded():
    notebook = sound_notebook()
    fold(notebook)
    assert problems(notebook, "01_any") == []


def test_exercises_may_stand_in_the_text():
    notebook = sound_notebook()
    notebook.cells[2].source = "**Exercise 1 · Count** (2 min, ●)\n\n## Summary\n\n## Sources"
    assert problems(notebook, "A4_any") == []


def test_start_lesson_needs_no_frame():
    notebook = sound_notebook()
    notebook.cells.pop()
    notebook.cells[1].outputs = []
    assert problems(notebook, "00_start_here") == []
    assert len(problems(notebook, "01_attention")) == 4


ORIGINAL = '''
class Pooler(Base):
    """Docstring."""

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, T, D) -> (B, D)."""
        return torch.tanh(self.dense(hidden[:, 0]))  # [CLS]
'''


def first_definition(source):
    return next(iter(definitions(ast.parse(source)).values()))


@pytest.mark.parametrize(
    "change, same",
    [
        (("  # [CLS]", ""), True),
        (('"""Docstring."""', "'''Other words.'''"), True),
        (('        """(B, T, D) -> (B, D)."""\n', ""), True),
        (("torch.tanh(self", "torch.tanh(\n            self"), True),
        (("[:, 0]", "[:, 1]"), False),
        (("torch.tanh", "torch.relu"), False),
        (("(Base)", ""), False),
        ((" -> Tensor", ""), False),
        (("hidden: Tensor", "hidden: Tensor, extra=None"), False),
        (("class Pooler(Base):", "@final\nclass Pooler(Base):"), False),
    ],
)
def test_comparison_of_syntax_trees(change, same):
    assert change[0] in ORIGINAL
    assert same_code(first_definition(ORIGINAL), first_definition(ORIGINAL.replace(*change))) is same


def test_definitions_of_a_cell_with_magics_are_found():
    notebook = new_notebook(cells=[new_code_cell("%matplotlib inline\n!ls\ndef f():\n    def inner(): pass\nx = 1")])
    assert [name for name, _ in defined_in(notebook)] == ["f"]
