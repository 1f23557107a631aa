"""The questions at the end of lessons and assignments: well-formed, shown where they belong, and shown as they are."""

import re
from collections import Counter
from pathlib import Path

import nbformat
import pytest
import questions as tool
from nbformat.v4 import new_code_cell, new_notebook

from bertcourse import questions
from bertcourse.classroom.assignments import sources_in
from bertcourse.lessons import lessons_in, number_of
from bertcourse.questions import load_questions, questions_html, questions_output, questions_text, show_questions

ROOT = Path(__file__).parents[2]
LESSONS = {number_of(path): path for path in lessons_in(ROOT / "notebooks")}
ASSIGNMENTS = sources_in(ROOT / "notebooks" / "assignments" / "source")
NAMES = sorted(path.stem for path in questions.FOLDER.glob("*.toml"))

ANSWER = '  [[question.answer]]\n  text = "{}"\n  why = "since <{}> & `x`"\n'
ONE = '[[question]]\ntext = "What is `a` < b?"\n' + ANSWER.format("this", 1) + "  right = true\n"
ONE += ANSWER.format("that", 2) + ANSWER.format("nothing", 3)


def cells_that_show(path):
    """The cells of a notebook that call show_questions, with their places counted from the end, -1 for the last."""
    cells = nbformat.read(path, as_version=4).cells
    return [(place - len(cells), cell) for place, cell in enumerate(cells) if "show_questions(" in cell.source]


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_valid_and_belongs_to_a_lesson_or_an_assignment(name):
    assert len(load_questions(name)) == 5
    assert name in LESSONS or name in ASSIGNMENTS


@pytest.mark.parametrize("name", [name for name in NAMES if name in LESSONS])
def test_a_lesson_shows_its_questions_in_its_last_cells_as_they_are_now(name):
    ((place, cell),) = cells_that_show(LESSONS[name])
    assert place >= -3, "they come last, but for summary and sources"
    assert f'show_questions("{name}")' in cell.source
    (output,) = cell.outputs
    assert dict(output.data) == questions_output(name), "python tools/questions.py writes them into the lesson"


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_an_assignment_with_questions_has_them_as_its_last_cell(name):
    last = nbformat.read(ASSIGNMENTS[name], as_version=4).cells[-1]
    wanted = questions_html(load_questions(name)) if name in NAMES else None
    assert (last.source if last.id == tool.CELL_ID else None) == wanted, "python tools/questions.py writes them"


@pytest.mark.parametrize("number", LESSONS)
def test_a_lesson_shows_no_questions_that_there_are_not(number):
    shown = [re.search(r"show_questions\(\"(\w+)\"\)", cell.source)[1] for _, cell in cells_that_show(LESSONS[number])]
    assert shown == ([number] if number in NAMES else [])


# ------------------------------------------------------------------------------- nothing but the subject gives it away


def rows():
    """Of each file the letters of its right answers."""
    return {name: "".join(letter_of(question) for question in load_questions(name)) for name in NAMES}


def letter_of(question):
    return next(letter for letter, answer in zip("ABCD", question.answers, strict=False) if answer.right)


def test_the_right_letter_cannot_be_guessed():
    found = rows()
    assert len(set(found.values())) == len(found), "two files have the same row of letters"
    for name, row in found.items():
        assert max(Counter(row).values()) <= 3, f"{name}: {row}, too often the same letter"
        assert len(set(row)) >= 3, f"{name}: {row}, too few letters"
    asked = [question for name in NAMES for question in load_questions(name)]
    counts = Counter(map(letter_of, asked))
    assert max(counts.values()) <= 0.35 * len(asked), counts
    for size, low, high in ((3, 0.28, 0.39), (4, 0.15, 0.35)):  # D is there only where there are four answers
        of_size = [letter_of(question) for question in asked if len(question.answers) == size]
        for letter in "ABCD"[:size]:
            assert low <= of_size.count(letter) / len(of_size) <= high, f"{letter} of {size}: {Counter(of_size)}"


def test_the_right_answer_is_seldom_the_longest():
    """Who always takes the longest answer, and any of several that are, is right in fewer than 45 of 100."""
    points, asked = 0.0, 0
    for name in NAMES:
        for question in load_questions(name):
            longest = max(len(answer.text) for answer in question.answers)
            those = [answer.right for answer in question.answers if len(answer.text) == longest]
            points, asked = points + sum(those) / len(those), asked + 1
    assert points <= 0.45 * asked, f"{points:g} of {asked}"


def test_no_answer_speaks_of_another_by_its_letter_or_place():
    """Answers are put in another order now and then, and each is unfolded by itself."""
    said = re.compile(r"\b([Aa]nswers? [A-D]\b|all of the above|none of the above|the (answer|one) (above|below))")
    for name in NAMES:
        for question in load_questions(name):
            for answer in question.answers:
                assert not said.search(f"{answer.text} {answer.why}"), f"{name}: {answer}"


# ------------------------------------------------------------------------------------------------------ how they look


def write(folder, text):
    (folder / "01.toml").write_text(text, encoding="utf-8")
    return folder


def test_html_is_folds_alone(tmp_path):
    made = questions_html(load_questions("01", write(tmp_path, ONE * 5)))
    assert made.count("<details>") == made.count("</details>") == 15 and " open" not in made
    assert made.count("✓ Right.") == 5 and made.count("✗ Not so.") == 10
    tags = set(re.findall(r"<(/?\w+[^>]*)>", made))
    opening = {tag for tag in tags if not tag.startswith("/")}
    assert opening == {"div", "p", "strong", "details", "summary", "code"}, "tags without attributes, hence no colour"
    assert "<code>a</code> &lt; b?" in made and "since &lt;1&gt; &amp; <code>x</code>" in made
    assert made.index("this") < made.index("that") < made.index("nothing"), "in the order of the file"


def test_text_has_the_answers_below_all_questions(tmp_path):
    made = questions_text(load_questions("01", write(tmp_path, ONE * 5)))
    asked, told = made.split("Right are:")
    assert asked.count("What is") == 5 and "since" not in asked
    assert told.split("\n")[1:] == [f"{number} A. since <1> & `x`" for number in range(1, 6)]


def test_they_are_shown_as_both(tmp_path, monkeypatch):
    import IPython.display

    seen = []
    written = load_questions("01", write(tmp_path, ONE * 5))
    monkeypatch.setattr(questions, "load_questions", lambda name: written if name == "01" else None)
    monkeypatch.setattr(IPython.display, "display", lambda data, raw: seen.append((set(data), raw)))
    show_questions("01")
    assert seen == [({"text/html", "text/plain"}, True)]


@pytest.mark.parametrize(
    "text, said",
    [
        ("[[question]\n", "01.toml: "),
        (ONE * 4, "01.toml: 4 questions: write 5"),
        ("question = 1", "01.toml: no list of questions"),
        ("title = 'x'\n" + ONE * 5, "01.toml: 'title' is no part"),
        (ONE * 4 + ONE.replace("  right = true\n", ""), "01.toml, question 5: right are none: write right = true"),
        (ONE.replace('text = "that"', 'text = "that"\n  right = true') + ONE * 4, "question 1: right are A, B"),
        (ONE + ANSWER.format("x", 1) + ANSWER.format("y", 1) + ONE * 4, "question 1: 5 answers: write 3 or 4"),
        (ONE.replace(ANSWER.format("nothing", 3), "") + ONE * 4, "question 1: 2 answers"),
        (ONE.replace("that", "this") + ONE * 4, "question 1: an answer stands there twice"),
        (ONE.replace('  why = "since <2> & `x`"\n', "") + ONE * 4, "question 1, answer B: why is None"),
        (ONE.replace("true", "1") + ONE * 4, "question 1, answer A: right is 1"),
        (ONE.replace("right", "wright") + ONE * 4, "question 1, answer A: 'wright' is no part"),
        (ONE.replace('text = "What', 'hint = "a"\ntext = "What') + ONE * 4, "question 1: 'hint' is no part"),
        (ONE.replace("What is", "What is $x$ of") + ONE * 4, "question 1: text has a formula"),
        (ONE.replace("What is `a`", "What is `a") + ONE * 4, "question 1: text has a formula in [$] or half a pair"),
    ],
)
def test_a_file_that_is_not_well_formed_is_named_with_the_remedy(tmp_path, text, said):
    with pytest.raises(ValueError, match=said):
        load_questions("01", write(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"name is '02': there are no questions 02.toml; there are 01"):
        load_questions("02", write(tmp_path, ONE * 5))


def test_the_tool_writes_the_stored_output_and_nothing_else(tmp_path, monkeypatch):
    path, made = tmp_path / "01_x.ipynb", {"text/html": "<p>new</p>", "text/plain": "new"}
    monkeypatch.setattr(tool, "questions_output", lambda name: made if name == "01" else None)
    source = 'from bertcourse.questions import show_questions\n\nshow_questions("01")'
    cells = [new_code_cell("x = 1", execution_count=1), new_code_cell(source, execution_count=2)]
    nbformat.write(new_notebook(cells=cells), path)
    assert tool.refresh(path) and not tool.refresh(path)
    first, second = nbformat.read(path, as_version=4).cells
    assert first.outputs == [] and dict(second.outputs[0].data) == made
    assert (second.source, second.execution_count) == (source, 2)


def test_the_tool_gives_an_assignment_its_last_cell(tmp_path):
    path = tmp_path / "one.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("x = 1")]), path)
    assert tool.refresh_assignment(path, "<p>a</p>") and not tool.refresh_assignment(path, "<p>a</p>")
    assert tool.refresh_assignment(path, "<p>b</p>")
    cells = nbformat.read(path, as_version=4).cells
    assert [(cell.cell_type, cell.source) for cell in cells] == [("code", "x = 1"), ("markdown", "<p>b</p>")]
    nbformat.validate(nbformat.read(path, as_version=4))
