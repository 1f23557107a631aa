"""Five questions at the end of a lesson: each answer is a fold that says whether it is right, and why.

They are data, a file for each lesson in this folder (01.toml, 04b.toml, A4.toml) and for each assignment
(attention.toml). The folds are plain HTML: they open without a kernel, in JupyterLab also where the notebook is not
trusted, on Colab and in the site, and take their colours from the page around them.
"""

from __future__ import annotations

import html
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
QUESTIONS, FEWEST, MOST = 5, 3, 4  # questions of a file, answers of a question
LETTERS = "ABCD"


@dataclass(frozen=True)
class Answer:
    """One answer: its text, whether it is right, and why it is or is not."""

    text: str
    right: bool
    why: str


@dataclass(frozen=True)
class Question:
    """A question and its answers, of which one is right, in the order in which they are shown."""

    text: str
    answers: tuple[Answer, ...]


def load_questions(name: str, folder: Path = FOLDER) -> list[Question]:
    """The questions of a lesson or an assignment.

    Args:
        name: a lesson's number, such as "01", "04b" or "A4", or an assignment's name.
        folder: where the files lie.

    Raises:
        FileNotFoundError: there is no such file; the message names those that there are.
        ValueError: the file is not as it should be; the message names file, question and remedy.
    """
    path = folder / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(one.stem for one in folder.glob("*.toml"))) or "none"
        raise FileNotFoundError(f"name is {name!r}: there are no questions {path.name}; there are {known}")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path.name}: {error}") from None
    if extra := set(table) - {"question"}:
        raise ValueError(f"{path.name}: {min(extra)!r} is no part of it: write [[question]] tables only")
    found = table.get("question", [])
    if not isinstance(found, list) or len(found) != QUESTIONS:
        count = len(found) if isinstance(found, list) else "no list of"
        raise ValueError(f"{path.name}: {count} questions: write {QUESTIONS} tables [[question]]")
    return [_question(one, f"{path.name}, question {number}") for number, one in enumerate(found, start=1)]


def _question(table: dict, where: str) -> Question:
    if extra := set(table) - {"text", "answer"}:
        raise ValueError(f"{where}: {min(extra)!r} is no part of it: it has text and [[question.answer]] tables")
    text, found = _sentence(table, "text", where), table.get("answer", [])
    if not isinstance(found, list) or not FEWEST <= len(found) <= MOST:
        count = len(found) if isinstance(found, list) else "no list of"
        raise ValueError(f"{where}: {count} answers: write {FEWEST} or {MOST} tables [[question.answer]]")
    answers = tuple(_answer(one, f"{where}, answer {letter}") for letter, one in zip(LETTERS, found, strict=False))
    right = [letter for letter, answer in zip(LETTERS, answers, strict=False) if answer.right]
    if len(right) != 1:
        raise ValueError(f"{where}: right are {', '.join(right) or 'none'}: write right = true in exactly one answer")
    if len({answer.text for answer in answers}) < len(answers):
        raise ValueError(f"{where}: an answer stands there twice: each must differ from the others")
    return Question(text, answers)


def _answer(table: dict, where: str) -> Answer:
    if extra := set(table) - {"text", "right", "why"}:
        raise ValueError(f"{where}: {min(extra)!r} is no part of it: it has text, why, and right = true if it is")
    if not isinstance(right := table.get("right", False), bool):
        raise ValueError(f"{where}: right is {right!r}: write right = true, or leave it out")
    return Answer(_sentence(table, "text", where), right, _sentence(table, "why", where))


def _sentence(table: dict, key: str, where: str) -> str:
    text = table.get(key)
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{where}: {key} is {text!r}: write it, as a text in quotes")
    if text.count("$") > 1 or text.count("`") % 2:
        raise ValueError(f"{where}: {key} has a formula in $ or half a pair of `: `code` is set, formulas are not")
    return " ".join(text.split())


def _set(text: str) -> str:
    """A text as HTML: what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))


def questions_html(questions: list[Question]) -> str:
    """The questions as HTML: text, and a fold for each answer. No script, no style that a dark page would not bear."""
    parts = ["<p><strong>Five questions.</strong> Choose an answer, then unfold it: it says whether it is right.</p>"]
    for number, question in enumerate(questions, start=1):
        parts.append(f"<p><strong>{number}.</strong> {_set(question.text)}</p>")
        for letter, answer in zip(LETTERS, question.answers, strict=False):
            verdict = "✓ Right." if answer.right else "✗ Not so."
            parts.append(
                f"<details><summary>{letter}. {_set(answer.text)}</summary>"
                f"<p><strong>{verdict}</strong> {_set(answer.why)}</p></details>"
            )
    return "\n".join(["<div>", *parts, "</div>"])


def questions_text(questions: list[Question]) -> str:
    """The same where no HTML is shown: the questions first, below them the right answers with their reasons."""
    lines, below = [], ["", "Right are:"]
    for number, question in enumerate(questions, start=1):
        lines.append(f"{number}. {question.text}")
        for letter, answer in zip(LETTERS, question.answers, strict=False):
            lines.append(f"   {letter}. {answer.text}")
            if answer.right:
                below.append(f"{number} {letter}. {answer.why}")
    return "\n".join(lines + below)


def questions_output(name: str) -> dict[str, str]:
    """What `show_questions` displays, by kind."""
    questions = load_questions(name)
    return {"text/html": questions_html(questions), "text/plain": questions_text(questions)}


def show_questions(name: str) -> None:
    """Show the questions of a lesson, at its end.

    Args:
        name: the lesson's number, such as "01", "04b" or "A4".

    Raises:
        FileNotFoundError, ValueError: see `load_questions`.
    """
    from IPython.display import display

    display(questions_output(name), raw=True)
