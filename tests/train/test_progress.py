import sys
from types import SimpleNamespace

import IPython.display
import pytest

from bertlib import progress
from bertlib.progress import in_notebook, progress_bar


def test_bar_hands_on_the_items(capsys):
    assert list(progress_bar(range(3), what="counting")) == [0, 1, 2]
    line = capsys.readouterr().err
    assert "counting: 3/3 it" in line and "left" in line


def test_silence(capsys):
    with progress_bar(what="counting", total=5, show=False) as bar:
        bar.update(5)
    assert capsys.readouterr().err == ""


def test_bar_by_hand(capsys):
    with progress_bar(what="training", unit="examples", total=4) as bar:
        bar.update(4)
        bar.set_postfix_str("loss 0.5")
    assert "training: 4/4 examples" in capsys.readouterr().err


def test_no_notebook_here():
    assert not in_notebook()


@pytest.mark.parametrize("shell, expected", [(None, False), (object(), False), (SimpleNamespace(kernel=1), True)])
def test_notebook_is_a_shell_with_a_kernel(monkeypatch, shell, expected):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert in_notebook() is expected


def test_notebook_gets_one_output_that_is_renewed(monkeypatch, capsys):
    shown = []

    class Handle:
        def update(self, data, raw):
            shown.append(("renewed", data["text/plain"]))

    def display(data, raw, display_id):
        shown.append(("new", data["text/plain"]))
        return Handle()

    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    monkeypatch.setattr(IPython.display, "display", display)
    bar = progress_bar(what="training", total=2)
    for _ in range(2):
        bar.update()
        bar.refresh()
    bar.close()
    assert [kind for kind, _ in shown].count("new") == 1
    assert shown[0][0] == "new"
    assert "2/2" in shown[-1][1]
    assert all("\r" not in line and "\n" not in line for _, line in shown)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""
