"""Progress that a person can follow: one line that renews itself, in a notebook, a terminal or a log."""

import io
import sys
from collections.abc import Iterable

from tqdm import tqdm


class _NotebookLine(io.TextIOBase):
    """Shows the last line written to it as one output, so that a stored notebook keeps only the final state."""

    def __init__(self):
        self.handle = None

    def write(self, text: str) -> int:
        line = text.strip("\r\n ")
        if line:
            from IPython.display import display

            if self.handle is None:
                self.handle = display({"text/plain": line}, raw=True, display_id=True)
            else:
                self.handle.update({"text/plain": line}, raw=True)
        return len(text)


def in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and hasattr(shell, "kernel")


def progress_bar(
    items: Iterable | None = None, *, what: str, unit: str = "it", total: int | None = None, show: bool = True
) -> tqdm:
    """A tqdm bar whose line suits the place: renewed in place in notebooks and terminals, now and then in a log.

    Without items, `update` is called by hand. `what` are the words before the bar, `unit` is what is counted.
    """
    if in_notebook():
        file, pause = _NotebookLine(), 0.5
    else:
        file, pause = sys.stderr, 0.2 if sys.stderr.isatty() else 10.0
    return tqdm(
        items,
        desc=what,
        unit=unit,
        total=total,
        file=file,
        mininterval=pause,
        disable=not show,
        bar_format="{desc}: {n_fmt}/{total_fmt} {unit} · {elapsed}, {remaining} left{postfix}",
    )
