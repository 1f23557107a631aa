"""What all machines share: one HTML output that carries its data, its script and a picture for where no script runs.

The script draws into a shadow root, so that neither the page's styles reach it nor its own leave it; it fetches
nothing. Where a notebook is not trusted, JupyterLab removes the script (as GitHub does always), and what is left is a
picture of the first state.
"""

from __future__ import annotations

import hashlib
import html
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bertcourse.diagrams.drawing import Drawing

FOLDER = Path(__file__).resolve().parent
STILL = (
    "This is a picture. It becomes a machine that you can move, in JupyterLab and on Colab, when all cells from the "
    "top to this one have run. JupyterLab does it without running too: View → Activate Command Palette → Trust "
    "Notebook. The course's site needs JavaScript. On GitHub it stays a picture."
)


@cache
def _source(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _as_script(value) -> str:
    """JSON that may stand inside of a script: no "<" can end it. Numbers as short as they can be read back."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


@dataclass(frozen=True)
class Machine:
    """A thing to move.

    Attributes:
        script: the name of its script in this folder, without ".js".
        title: what it is, in a few words.
        question: one question, which is answered by moving it.
        data: what the script needs of the lesson's objects, as JSON would hold it.
        picture: its first state, for where no script runs.
    """

    script: str
    title: str
    question: str
    data: dict
    picture: Drawing

    def html(self) -> str:
        """The whole machine as one piece of HTML; the same machine gives the same bytes."""
        told = _as_script({"title": self.title, "question": self.question})
        body = f"{_source('frame.js')}\n// machine: {self.script}\n{_source(f'{self.script}.js')}"
        body += f"\nmount(mark, {_as_script(_source('frame.css'))}, {told}, {_as_script(self.data)}, machine);"
        mark = hashlib.sha256((body + self.picture.svg()).encode("utf-8")).hexdigest()[:16]
        still = f"<p><strong>{html.escape(self.title)}.</strong> {html.escape(self.question)}</p>"
        still += f"{self.picture.html()}<p><em>{STILL}</em></p>"
        script = f'(() => {{\nconst mark = "{mark}";\n{body}\n}})();'
        return f'<div data-machine="{mark}">{still}</div>\n<script>{script}</script>'

    def show(self) -> None:
        """Put the machine into the notebook, with its question and the picture's words where no HTML is shown."""
        from IPython.display import display

        words = f"Machine: {self.title}. {self.question}\nIts first state: {self.picture.alt}"
        display({"text/html": self.html(), "text/plain": words}, raw=True)
