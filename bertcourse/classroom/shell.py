"""Runs the cells of a notebook as Jupyter does, with nobody sitting before it.

IPython's own shell, so that it decides which lines are Python and what magics, `?`, `await`, `display`, `_` and `Out`
mean. What would start another program (`!ls`, `%pip`, `%%bash`, `subprocess.run` in a cell) or wait for a person is
passed over and told. No history, no settings of the user's and no pictures.
"""

from __future__ import annotations

import ast
import asyncio
import atexit
import contextlib
import functools
import io
import os
import subprocess  # nosec B404 - its functions are replaced, none is called
import sys
from collections.abc import Callable
from pathlib import Path

from IPython.core.autocall import ZMQExitAutocall
from IPython.core.compilerop import CachingCompiler
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magics.script import ScriptMagics
from IPython.core.page import as_hook, display_page
from IPython.utils.process import arg_split
from IPython.utils.text import LSString, SList
from traitlets.config import Config

# Magics that start a program, beyond those that call `system`: passed over and told. `shell` is Google Colab's.
PROGRAMS = {
    "line": {"conda", "ed", "edit", "mamba", "micromamba", "pip", "qtconsole", "rehashx", "shell", "tensorboard", "uv"},
    "cell": {"bash", "cmd", "perl", "pypy", "python", "python2", "python3", "ruby", "script", "sh", "shell"},
}
# What concerns a browser or a person at the keyboard: passed over in silence.
FOR_A_PERSON = {"autosave", "clear", "connect_info", "debug", "less", "man", "more", "pdb", "subshell"}
SETTLE = 0.05  # seconds that tasks which a cell has left behind may go on


class _NamedCells(CachingCompiler):
    """Gives the next cell the name it is told; errors and `inspect.getsource` speak of that."""

    name = ""

    def get_code_name(self, raw_code, transformed_code, number):
        name, self.name = self.name, ""
        return name or super().get_code_name(raw_code, transformed_code, number)


class _Imports:
    """Looks at all that IPython compiles, the code behind `%time` and `%%capture` too, and changes nothing."""

    def __init__(self):
        self.found: set[str] = set()

    def visit(self, tree: ast.AST) -> ast.AST:
        self.found |= own_imports(tree)
        return tree


PACKAGES = ("bertlib", "bertcourse")
CHECKS = {"bertcourse.checks", "bertlib.checks"}  # the second is the older name


def own_imports(tree: ast.AST) -> set[str]:
    """Modules of ours that a piece of code imports, but where it may ask for a check."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = [f"{node.module}.{alias.name}" for alias in node.names] if node.module in PACKAGES else []
            found |= {node.module, *parts}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name.partition(".")[0] in PACKAGES and "." in name and name not in CHECKS}


class ZMQInteractiveShell(InteractiveShell):
    """The shell. It is named as Jupyter's is: by that name notebooks ask where they run.

    Args:
        folder: for the few files that magics such as %store write; nothing is read from there.

    Attributes:
        passed_over: what was not run, as it stands in the notebook.
        seen: its `found` are the modules of ours that cells import.
    """

    compiler_class = _NamedCells

    def __init__(self, folder: Path, **kwargs):
        self.passed_over: list[str] = []
        self.shown: list[BaseException] = []
        self.without: list[str] = []  # extensions that are not installed here
        self.loop: asyncio.AbstractEventLoop | None = None
        config = Config()
        config.HistoryManager.enabled = False  # no database, no thread
        super().__init__(ipython_dir=str(folder), config=config, exiter=ZMQExitAutocall(), **kwargs)
        self.exiter.set_ip(self)
        atexit.unregister(self.atexit_operations)
        self.set_hook("show_in_pager", as_hook(display_page), 99)  # no program to turn pages
        self.loop_runner = self.run_in_loop
        self.seen = _Imports()
        self.ast_transformers.append(self.seen)
        self.load_extension = self.extension_manager.load_extension
        self.extension_manager.load_extension = self.load_if_there
        self.load_extension("storemagic")  # as Jupyter does

    def execute(self, source: str, name: str) -> None:
        """Run a cell, whatever is in it; the next one may use what it made, even if it failed.

        Args:
            source: of the cell, as it stands in the notebook.
            name: its file, for tracebacks.

        Raises:
            BaseException: what the cell raised, as Jupyter would show it: UsageError for a magic that nobody knows.
        """
        self.shown.clear()
        self.compile.name = name
        result = self.run_cell(source, store_history=True)
        if self.loop is not None and (tasks := asyncio.all_tasks(self.loop)):
            self.loop.run_until_complete(asyncio.wait(tasks, timeout=SETTLE))
        error = result.error_before_exec or result.error_in_exec or next(iter(self.shown), None)
        if error is not None:
            raise error

    def close(self) -> None:
        """Give back what a shell holds outside Python."""
        if self.loop is not None:
            self.loop.close()
        self.loop = None

    # A cell runs within an event loop, as in Jupyter, whether it awaits something or not: it may create tasks.

    def should_run_async(self, *args, **kwargs):
        return asyncio._get_running_loop() is None

    def run_in_loop(self, coroutine):
        if self.loop is None:
            self.loop = asyncio.new_event_loop()
        return self.loop.run_until_complete(coroutine)

    # ------------------------------------------------------------------------------------------ what is passed over

    def pass_over(self, what: str) -> None:
        print(f"not run when graded: {what}")
        self.passed_over.append(what)

    def system(self, cmd):
        self.pass_over(f"!{self.var_expand(cmd, depth=1)}")
        self.user_ns["_exit_code"] = 0

    system_piped = system_raw = system

    def getoutput(self, cmd, split=True, depth=0):
        self.pass_over(f"!{self.var_expand(cmd, depth=depth + 1)}")
        return SList() if split else LSString("")

    def run_line_magic(self, magic_name, line, _stack_depth=1):
        if magic_name in FOR_A_PERSON:
            return None
        if magic_name in PROGRAMS["line"] or (self.without and self.find_line_magic(magic_name) is None):
            return self.pass_over(f"%{magic_name} {line}".rstrip())
        if magic_name == "timeit":
            line = self.run_once(line)
        return super().run_line_magic(magic_name, line, _stack_depth + 1)

    def run_cell_magic(self, magic_name, line, cell):
        if magic_name in PROGRAMS["cell"]:
            args, _ = ScriptMagics.shebang.parser.parse_known_args(arg_split(line))
            self.user_ns |= {name: "" for name in (args.out, args.err) if name}
            return self.pass_over(f"%%{magic_name} {line}".rstrip())
        if self.without and self.find_cell_magic(magic_name) is None:
            return self.pass_over(f"%%{magic_name} {line}".rstrip())
        if magic_name == "timeit":
            line = self.run_once(line)
        return super().run_cell_magic(magic_name, line, cell)

    def run_once(self, line: str) -> str:
        """The line of a %timeit that nobody asks for its times: once is enough to see whether it fails."""
        magics = self.find_line_magic("timeit").__self__
        options, statement = magics.parse_options(
            line, "n:r:tcp:qov:", posix=False, strict=False, preserve_non_opts=True
        )
        if "o" in options or "v" in options:
            return line
        kept = " ".join(f"-{name} {value}".rstrip() for name, value in options.items() if name not in "nr")
        return f"-n1 -r1 {kept} {statement}"

    def load_if_there(self, name: str):
        try:
            return self.load_extension(name)
        except ImportError:
            self.without.append(name)
            return self.pass_over(f"%load_ext {name}")

    def enable_gui(self, gui=None):
        """Nobody looks."""

    def enable_matplotlib(self, gui=None):
        """Pictures are drawn into memory, by MPLBACKEND, whatever is asked for."""
        return gui, "agg"

    def ask_exit(self):
        self.pass_over("exit")

    # ------------------------------------------------------------------------- what a shell does for somebody who looks

    def showtraceback(self, exc_tuple=None, *args, **kwargs):
        error = (exc_tuple or sys.exc_info())[1]
        if error is not None:
            self.shown.append(error)

    def showsyntaxerror(self, *args, **kwargs):
        self.showtraceback()

    showindentationerror = showsyntaxerror

    def _format_exception_for_storage(self, exception, *args, **kwargs):
        return {"ename": type(exception).__name__, "evalue": "", "traceback": []}

    def _tee(self, channel):
        return contextlib.nullcontext()  # IPython would keep all that is printed

    def init_virtualenv(self):
        """The path is as it should be."""

    def init_sys_modules(self):
        """Who wants the cells' names in `__main__` puts them there."""


def pass_over_commands(shell: ZMQInteractiveShell) -> None:
    """Let commands that a cell starts by Python's own functions be passed over, as those of `!` are.

    They seem to succeed and to print nothing. Only calls from a cell: a library's own may be answered by an error, for
    which it has another way.
    """

    def nothing(options: dict) -> str | bytes:
        return "" if any(options.get(name) for name in ("text", "universal_newlines", "encoding", "errors")) else b""

    def replace(module: object, name: str, answer: Callable[[object, dict], object]) -> None:
        original = getattr(module, name)

        @functools.wraps(original)
        def instead(*args, **kwargs):
            if not sys._getframe(1).f_code.co_filename.startswith("<cell"):
                return original(*args, **kwargs)
            command = args[0] if args else kwargs.get("args", kwargs.get("command", kwargs.get("cmd", "")))
            parts = [command] if isinstance(command, str | bytes | os.PathLike) else command
            shell.pass_over(f"{name} {' '.join(map(str, parts))}")
            return answer(command, kwargs)

        setattr(module, name, instead)

    def completed(command: object, options: dict) -> subprocess.CompletedProcess:
        asked = {name: options.get(name) == subprocess.PIPE or options.get("capture_output") for name in _STREAMS}
        return subprocess.CompletedProcess(
            command, 0, *(nothing(options) if asked[name] else None for name in _STREAMS)
        )

    replace(subprocess, "run", completed)
    replace(subprocess, "call", lambda command, options: 0)
    replace(subprocess, "check_call", lambda command, options: 0)
    replace(subprocess, "check_output", lambda command, options: nothing(options))
    replace(subprocess, "getoutput", lambda command, options: "")
    replace(subprocess, "getstatusoutput", lambda command, options: (0, ""))
    replace(os, "system", lambda command, options: 0)
    replace(os, "popen", lambda command, options: io.StringIO())


_STREAMS = ("stdout", "stderr")
