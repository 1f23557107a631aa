"""Grades a class: every submission in a process of its own, shut in, while the tests stay on this side.

A source notebook is in nbgrader's format: solution cells, test cells with points, written questions. nbgrader's own
autograder runs the hidden tests inside the student's kernel, with the teacher's rights; here the student's cells run in
`bertcourse.classroom.submission`, without network, files or much memory, and the tests run in this process, on what
that one sends back as data. So a submission that loops, crashes, eats memory, overwrites `check` or looks for the tests
harms nobody and gains nothing.

Cells that are given to students (locked, and no test) run on both sides, so tests use the teacher's own constants and
imports; they may not use what a student writes. A test gets at a student's names: data as copies, functions by calling.

    python -m bertcourse grade submissions --out build/grades

The folder holds submissions/STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb, or submissions/STUDENT/ASSIGNMENT.ipynb. Points for
written questions, and corrections, are read from submissions/manual.csv (student, assignment, grade_id, points,
comment), so grading again keeps them.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import csv
import html
import io
import json
import os
import select
import signal
import struct
import subprocess  # nosec B404 - runs this very Python, see below
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager
from IPython.utils.capture import capture_output

from bertcourse.checks import cases_from
from bertcourse.classroom.assignments import CLASS_LINE, as_released, for_class, sources_in
from bertcourse.classroom.shell import ZMQInteractiveShell, own_imports
from bertcourse.classroom.wire import MOST_BYTES, WireError, carry_back, decode, encode
from bertlib.device import seed_everything
from bertlib.progress import progress_bar

THEIRS = "the submission's process"
MOST_NOTES = 20
MOST_FILES, MOST_ON_DISK = 1000, 200 * 2**20  # in the submission's own folder


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Attributes:
        cell_seconds: of the clock, for one cell, and for one call of a function.
        seconds: for the whole submission.
        memory: MiB beyond what Python and torch take.
        closed: whether files and system calls are shut off where the system can do that.
    """

    cell_seconds: float = 30.0
    seconds: float = 300.0
    memory: int = 2048
    closed: bool = True


@dataclass
class CellGrade:
    """What one test or written question got.

    Attributes:
        grade_id: of the cell.
        points, possible: points, and the most that it gives.
        message: in a line or two, why there are no more; empty if all is well.
        waiting: a written question that nobody has read yet.
    """

    grade_id: str
    points: float
    possible: float
    message: str = ""
    waiting: bool = False


@dataclass
class Grade:
    """What came of one submission.

    Attributes:
        student, assignment: from the folders' names.
        cells: one for each test and written question, in order.
        notes: what else happened, such as cells that failed or were stopped.
        seconds: how long it took.
        force: what held the submission: "network", "files", "processes", "limits", each True if it was in force.
    """

    student: str
    assignment: str
    cells: list[CellGrade] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    force: dict[str, bool] = field(default_factory=dict)

    def note(self, text: str) -> None:
        if len(self.notes) < MOST_NOTES:
            self.notes.append(tidy(text, 300))

    @property
    def points(self) -> float:
        return sum(cell.points for cell in self.cells)

    @property
    def possible(self) -> float:
        return sum(cell.possible for cell in self.cells)

    @property
    def waiting(self) -> float:
        return sum(cell.possible for cell in self.cells if cell.waiting)


def tidy(text: object, most: int = 600) -> str:
    """A text from a submission, fit for a terminal, a table and a page: no control characters, no half characters."""
    text = str(text)[:most].encode("utf-8", "replace").decode("utf-8")
    return "".join(letter if letter.isprintable() or letter == "\n" else "\ufffd" for letter in text)


def texts(answer: object) -> list[str]:
    """Of what should be a list of short texts, those that are; a submission may send anything."""
    given = answer if isinstance(answer, list) else []
    return [tidy(text, 100) for text in given[:MOST_NOTES] if isinstance(text, str)]


class Stopped(Exception):
    """The submission's process ran out of time, died, or sent what is no answer."""


class StudentError(RuntimeError):
    """An error of the student's own code that is no built-in one."""


# ------------------------------------------------------------------------------------------------------- the process


class Submission:
    """A student's process, started when it is needed and started again after it had to be stopped."""

    def __init__(self, limits: Limits):
        self.limits = limits
        self.ends = time.monotonic() + limits.seconds
        self.process: subprocess.Popen | None = None
        self.history: list[tuple[str, str]] = []  # cells that ran, so that a new process gets where the old one was
        self.force: dict[str, bool] = {}
        self.asked: dict[int, Callable] = {}
        self.passed_over: list[str] = []  # by the last request
        self.imports: set[str] = set()  # modules of bertlib, by all cells so far

    def __enter__(self):
        return self

    def __exit__(self, *about):
        self.stop()

    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="submission-", ignore_cleanup_errors=True)
        down, up = os.pipe(), os.pipe()
        kept = {
            name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT", "LD_LIBRARY_PATH") if name in os.environ
        }
        where = {"HOME": self.folder.name, "TMPDIR": self.folder.name, "MPLCONFIGDIR": self.folder.name}
        plain = {"MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        plain |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
        files = "closed" if self.limits.closed else "open"
        arguments = [down[0], up[1], self.folder.name, self.limits.memory, self.limits.seconds, files]
        # -P: the current folder is not on the path; the package is found wherever this one was.
        starter = (
            "import sys; sys.path.insert(0, sys.argv.pop(1)); from bertcourse.classroom.submission import main; main()"
        )
        self.process = subprocess.Popen(  # nosec B603 - no shell; the program is ours, shut in before it reads a submission
            [sys.executable, "-P", "-c", starter, str(Path(__file__).parents[2]), *map(str, arguments)],
            cwd=self.folder.name,
            env=kept | where | plain,
            pass_fds=(down[0], up[1]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(down[0]), os.close(up[1])
        self.writer, self.reader = os.fdopen(down[1], "wb", buffering=0), up[0]
        self.force = self.receive(time.monotonic() + 60.0)["ready"]
        replay, self.history = self.history, []
        for place, (source, name) in enumerate(replay):
            try:
                self.run(source, name)
            except Stopped:
                self.history += replay[place + 1 :]
                raise
            except Exception:  # nosec B112 - it was told the first time
                continue

    def stop(self) -> None:
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        self.writer.close()
        os.close(self.reader)
        self.folder.cleanup()
        self.process = None

    def send(self, message: dict) -> None:
        data = json.dumps(message).encode("utf-8")
        if len(data) > 2 * MOST_BYTES:
            raise WireError("too large to send")
        data = struct.pack(">I", len(data)) + data
        until = time.monotonic() + self.limits.cell_seconds
        while data:
            if not select.select([], [self.writer], [], max(0, until - time.monotonic()))[1]:
                raise Stopped(f"{THEIRS} did not listen")
            try:
                data = data[self.writer.write(data[:65536]) :]
            except OSError:
                raise Stopped(f"{THEIRS} ended") from None

    def receive(self, until: float) -> dict:
        """The next message, if it comes by then (time.monotonic)."""
        until, whole = min(until, self.ends), until >= self.ends

        def read(count):
            parts = bytearray()
            while len(parts) < count:
                left = until - time.monotonic()
                if left <= 0:
                    what, took = (
                        ("the whole submission", self.limits.seconds) if whole else ("it", self.limits.cell_seconds)
                    )
                    raise Stopped(f"{what} ran longer than {took:g} seconds, and was stopped")
                if not select.select([self.reader], [], [], min(left, 0.5))[0]:
                    self.look_at_folder()
                    continue
                part = os.read(self.reader, min(1 << 20, count - len(parts)))
                if not part:
                    raise Stopped(f"{THEIRS} ended")
                parts += part
            return bytes(parts)

        size = struct.unpack(">I", read(4))[0]
        if size > 2 * MOST_BYTES:
            raise Stopped(f"the answer is too large ({size / 2**20:.0f} MiB)")
        try:
            message = json.loads(read(size))
        except (ValueError, RecursionError):
            raise Stopped("the answer is malformed") from None
        if not isinstance(message, dict):
            raise Stopped("the answer is malformed")
        return message

    def look_at_folder(self) -> None:
        """Stop what writes without end."""
        count = size = 0
        waiting = [self.folder.name]
        while waiting:
            with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    count += 1
                    with contextlib.suppress(OSError):
                        size += entry.stat(follow_symlinks=False).st_blocks * 512
                    if count > MOST_FILES or size > MOST_ON_DISK:
                        raise Stopped("it wrote too much into its folder, and was stopped")
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)

    def request(self, do: str, **what: object) -> dict:
        """Have something done, and give the reply.

        Raises:
            Stopped: see there; the process is ended, and the next request starts a new one.
            Exception: what the student's code raised, as the same built-in error or as StudentError.
        """
        self.passed_over = []
        if time.monotonic() >= self.ends:
            raise Stopped(f"the whole submission ran longer than {self.limits.seconds:g} seconds, and was stopped")
        if self.process is None:
            self.start()
        try:
            until = time.monotonic() + self.limits.cell_seconds
            self.send({"do": do, "with": what})
            while True:
                reply = self.receive(until)
                if "ask" not in reply:
                    break
                answer = self.asked[reply["ask"]](*decode(reply["args"]))
                self.send({"value": encode(answer)})
        except BaseException as error:  # an alarm of the check's as well: an unfinished talk cannot go on
            self.stop()
            if isinstance(error, WireError | KeyError | TypeError):
                raise Stopped(f"the answer is malformed ({error})") from None
            raise
        self.passed_over = texts(reply.get("passed_over"))
        self.imports |= set(texts(reply.get("imports")))
        if "error" in reply:
            kind, message = (str(part) for part in (*reply["error"], "", "")[:2])
            where = f" ({reply.get('line')})" if reply.get("line") else ""
            raise BUILTIN_ERRORS.get(kind, StudentError)(
                f"{message}{where}" if kind in BUILTIN_ERRORS else f"{kind}: {message}{where}"
            )
        return reply

    def run(self, source: str, name: str) -> str:
        """Run a cell; gives what it printed."""
        try:
            printed = self.request("run", source=source, name=name).get("printed", "")
        except Stopped:
            raise
        except Exception:
            self.history.append((source, name))
            raise
        self.history.append((source, name))  # only now: a process that was started for it has run what went before
        return str(printed)

    def value(self, name: str) -> object:
        """What a name stands for there: data, or a function to call.

        Raises:
            NameError: nothing.
        """
        reply = self.request("look_up", name=name)
        if reply.get("missing"):
            raise NameError(f"{name!r} is not defined")
        try:
            return decode(reply["value"], lambda number: StudentFunction(self, name, number))
        except (WireError, KeyError) as error:
            raise Stopped(f"{name!r} is no plain value ({error})") from None

    def number_of(self, function: Callable) -> int:
        self.asked[len(self.asked)] = function
        return len(self.asked) - 1


class StudentFunction:
    """Stands for a function in the student's process: arguments go over as data, and what became of them comes back."""

    def __init__(self, submission: Submission, name: str, number: int):
        self.submission, self.__name__, self.number = submission, name, number
        self.process = submission.process

    def __call__(self, *args: object, **kwargs: object) -> object:
        if self.submission.process is None or self.submission.process is not self.process:  # it was started again
            again = self.submission.value(self.__name__)
            if not isinstance(again, StudentFunction):
                raise Stopped(f"{self.__name__!r} is no function any more")
            self.number, self.process = again.number, again.process
        give = self.submission.number_of
        reply = self.submission.request(
            "call", function=self.number, args=encode(list(args), give), kwargs=encode(kwargs, give)
        )
        try:
            value = decode(reply["value"], lambda number: StudentFunction(self.submission, self.__name__, number))
            after = decode(reply["args"], lambda number: None), decode(reply["kwargs"], lambda number: None)
        except (WireError, KeyError) as error:
            raise Stopped(f"the answer is no plain value ({error})") from None
        carry_back(list(args), after[0]), carry_back(dict(kwargs), after[1])
        return value

    def __deepcopy__(self, memo: dict) -> StudentFunction:
        return self


BUILTIN_ERRORS = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type)
    and issubclass(kind, Exception)
    and not issubclass(kind, UnicodeError | BaseExceptionGroup)
}


# ------------------------------------------------------------------------------------------------------ the notebooks


def read_cells(path: Path) -> list[dict]:
    """The cells of a notebook.

    Raises:
        ValueError: it is not a notebook.
    """
    if path.is_symlink() or not path.is_file():
        raise ValueError(f"{path.name} is no plain file")
    if path.stat().st_size > 50 * 2**20:
        raise ValueError(f"{path.name} is larger than 50 MiB")
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for cell in cells:
            cell["source"] = "".join(cell["source"]).replace("\r\n", "\n")  # as Jupyter's editor hands it on
            cell["about"] = cell.get("metadata", {}).get("nbgrader", {})
            if not isinstance(cell["about"], dict) or not isinstance(cell["cell_type"], str):
                raise TypeError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path.name} is not a notebook ({type(error).__name__})") from None
    return cells


def is_test(cell: Mapping) -> bool:
    about = cell["about"]
    return bool(about.get("grade")) and not about.get("solution") and cell["cell_type"] == "code"


def is_written(cell: Mapping) -> bool:
    return bool(cell["about"].get("grade")) and bool(cell["about"].get("solution"))


def is_given(cell: Mapping) -> bool:
    """Whether a cell is the teacher's alone, and the same for all."""
    about = cell["about"]
    return cell["cell_type"] == "code" and bool(about.get("locked")) and not about.get("grade")


def names_of(tree: ast.AST) -> tuple[set[str], set[str]]:
    """The names that a piece of code reads, and those that it makes."""
    read, made = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else made).add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            made |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.arg):
            made.add(node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            made.add(node.name)
    return read, made


@contextlib.contextmanager
def teachers_shell() -> Iterator[ZMQInteractiveShell]:
    """Where given cells run on this side; its names are what the tests use."""
    with tempfile.TemporaryDirectory(prefix="given-", ignore_cleanup_errors=True) as folder:
        shell = ZMQInteractiveShell(Path(folder))
        try:
            yield shell
        finally:
            shell.close()


def run_given(source: str, name: str, shell: ZMQInteractiveShell) -> None:
    """Run a given cell on this side.

    Raises:
        ValueError: it fails; that is the teacher's to mend.
    """
    try:
        with capture_output():
            shell.execute(source, f"<given {name}>")
    except Exception as error:
        raise ValueError(
            f"the given cell {name!r} fails ({type(error).__name__}: {error}); a locked cell may not use what students "
            "write: unlock it, or make it a test"
        ) from error


def run_test(source: str, grade_id: str, submission: Submission, names: dict) -> str:
    """Run a test cell here; names that no given cell or test has made are the submission's. "" or why it failed.

    Raises:
        ValueError: it is not plain Python; that is the teacher's to mend.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise ValueError(
            f"the test {grade_id!r} is not plain Python (line {error.lineno}: {error.msg}); tests run in the grader, "
            "not in a notebook: write it without magics and shell commands"
        ) from error
    read, made = names_of(tree)
    printed = io.StringIO()
    scope = dict(names)
    try:
        for name in sorted(read - made - set(names) - set(vars(builtins))):
            scope[name] = submission.value(name)
        seed_everything(0)  # what a test draws is the same for all, and when it is graded again
        with contextlib.redirect_stdout(printed), cases_from(0):
            exec(compile(tree, f"<test {grade_id}>", "exec"), scope)  # nosec B102 - the teacher's tests
    except Stopped as stopped:
        return tidy(stopped)
    except AssertionError as error:
        told = [line for line in printed.getvalue().splitlines() if line.strip() and not line.startswith("✓")]
        return tidy("\n".join(told[:4]) or error) or "the test failed"
    except Exception as error:
        return tidy(f"{type(error).__name__}: {error}")
    names |= {name: scope[name] for name in made if name in scope}
    return ""


def imports_of(source: str) -> set[str]:
    """Modules of ours that a cell of the teacher's imports."""
    try:
        return own_imports(ast.parse(TransformerManager().transform_cell(source)))
    except SyntaxError:
        return set()


def grade_submission(
    source: Path, submitted: Path, *, student: str = "", limits: Limits | None = None, variant: int = 1
) -> Grade:
    """Grade one notebook.

    Args:
        source: the assignment's source notebook, with solutions and hidden tests.
        submitted: the student's.
        student: whose it is.
        limits: what it may use.
        variant: the class's number, for which the assignment was built.

    Raises:
        ValueError: the source is not a notebook, or one of its given cells fails. A broken submission raises nothing.
        RuntimeError: this system cannot hold a submission (Windows).
    """
    if os.name != "posix":
        raise RuntimeError("grading needs Linux or macOS; on Windows run it in WSL (wsl --install)")
    limits, start = limits or Limits(), time.perf_counter()
    grade, wanted = Grade(student, source.stem), read_cells(source)
    for cell in wanted:
        cell["source"] = for_class(cell["source"], variant)
    try:
        cells = read_cells(submitted)
    except (ValueError, OSError) as error:
        grade.note(str(error))
        cells = []
    theirs, extra, waiting = {}, {}, []
    for cell in cells:
        name = cell["about"].get("grade_id")
        if isinstance(name, str):
            if name in theirs:
                grade.note(f"the cell {name} is there twice; the first counts")
                continue
            theirs[name], extra[name], waiting = cell, waiting, []
        elif cell["cell_type"] == "code":
            waiting.append(cell)
    with Submission(limits) as submission, teachers_shell() as shell:
        names = shell.user_ns
        passed_over: dict[str, str] = {}  # what was not run, and the first cell it stands in

        def run(text: str, name: str, *, given: bool = False) -> None:
            try:
                submission.run(text, name)
            except Stopped as stopped:
                grade.note(f"cell {name}: {stopped}")
            except Exception as error:
                if not isinstance(error, NotImplementedError):
                    grade.note(
                        f"cell {name}: {error}"
                        if isinstance(error, StudentError)
                        else f"cell {name}: {type(error).__name__}: {error.args[0] if error.args else error}"
                    )
            if not given:
                passed_over.update((what, name) for what in submission.passed_over if what not in passed_over)

        for cell in wanted:
            about, name = cell["about"], cell["about"].get("grade_id", "")
            for number, other in enumerate(extra.get(name, [])):
                run(other["source"], f"before {name}, {number + 1}")
            if is_test(cell):
                message = "not handed in"
                if cells:
                    with contextlib.suppress(Stopped):
                        submission.run("pass", name)  # it counts for Out[5] and _5, as in the notebook
                    message = run_test(cell["source"], name, submission, names)
                possible = float(about.get("points", 0))
                grade.cells.append(CellGrade(name, 0.0 if message else possible, possible, message))
            elif is_written(cell):
                text = theirs.get(name, {}).get("source", "").strip()
                empty = not text or text == as_released(cell["cell_type"], about, cell["source"]).strip()
                message = "not answered" if empty else "to be read"
                grade.cells.append(CellGrade(name, 0.0, float(about.get("points", 0)), message, waiting=not empty))
            elif cell["cell_type"] == "code" and cells:
                if about.get("solution"):
                    if name in theirs:
                        run(theirs[name]["source"], name)
                    else:
                        grade.note(f"the cell {name} is missing")
                elif is_given(cell):
                    run_given(cell["source"], name, shell)
                    run(cell["source"], name, given=True)
        for number, other in enumerate(waiting):
            run(other["source"], f"at the end, {number + 1}")
        grade.force = submission.force
    if passed_over:
        what = "; ".join(f"{what} ({name})" for what, name in passed_over.items())
        grade.note(f"not run when graded, which by itself costs nothing: {what}")
    imports = submission.imports - {module for cell in wanted for module in imports_of(cell["source"])}
    if imports:
        modules = ", ".join(sorted(imports))  # told however many notes there are
        grade.notes.append(tidy(f"imports {modules}: look whether that is the answer itself", 300))
    told = [match[1] for cell in cells if (match := CLASS_LINE.search(cell["source"]))]
    if told and told[0] != str(variant):
        grade.note(f"the notebook is of class {told[0]}, and was graded as one of class {variant}")
    grade.seconds = time.perf_counter() - start
    return grade


# ---------------------------------------------------------------------------------------------------------- the class


def submissions_in(folder: Path, assignments: Sequence[str]) -> list[tuple[str, str, Path]]:
    """(student, assignment, notebook) of everything that was handed in; nothing behind a link is followed."""
    found = []
    for student in sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()):
        for name in assignments:
            places = [student / name / f"{name}.ipynb", student / f"{name}.ipynb"]
            here = [p for p in places if p.is_file() and not p.is_symlink() and not p.parent.is_symlink()]
            if here:
                found.append((student.name, name, here[0]))
    return found


def read_manual(path: Path) -> dict[tuple[str, str, str], tuple[float, str]]:
    """Points that a person gave.

    Raises:
        ValueError: a row without its columns, or points that are no number; the message names the line.
    """
    given = {}
    if path.is_file():
        with path.open(encoding="utf-8-sig", newline="") as file:
            for line, row in enumerate(csv.DictReader(file), start=2):
                try:
                    key = row["student"], row["assignment"], row["grade_id"]
                    given[key] = float(row["points"]), row.get("comment") or ""
                except (KeyError, TypeError, ValueError):
                    raise ValueError(
                        f"{path}, line {line}: give student, assignment, grade_id, points (a number) and comment"
                    ) from None
    return given


def grade_class(
    sources: Path,
    submissions: Path,
    out: Path,
    *,
    limits: Limits | None = None,
    variant: int = 1,
    show_progress: bool = True,
) -> list[Grade]:
    """Grade all that was handed in; write grades.csv and feedback/STUDENT/ASSIGNMENT.html.

    Args:
        sources: folder of the assignments' sources, NAME/NAME.ipynb each.
        submissions: see the module.
        out: where to write.
        limits: what a submission may use.
        variant: the class's number, for which the assignments were built.
        show_progress: False for silence.

    Raises:
        FileNotFoundError: there are no sources, or nothing was handed in.
        ValueError: manual.csv cannot be read.
    """
    known = sources_in(sources)
    if not submissions.is_dir():
        raise FileNotFoundError(f"{submissions}: no such folder; give the folder with one folder a student")
    found = submissions_in(submissions, list(known))
    if not found:
        raise FileNotFoundError(f"{submissions}: nothing handed in; expected STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb")
    manual = read_manual(submissions / "manual.csv")
    grades = []
    with progress_bar(what="grading", unit="submissions", total=len(found), show=show_progress) as bar:
        for student, name, path in found:
            grade = grade_submission(known[name], path, student=student, limits=limits, variant=variant)
            for cell in grade.cells:
                if (student, name, cell.grade_id) in manual:
                    points, comment = manual[student, name, cell.grade_id]
                    cell.points, cell.message, cell.waiting = min(points, cell.possible), comment, False
            grades.append(grade)
            write_feedback(grade, out / "feedback" / student / f"{name}.html")
            bar.update()
    write_table(grades, out / "grades.csv")
    return grades


def harmless(text: object) -> str:
    """A cell of a table that no spreadsheet takes for a formula."""
    text = " ".join(tidy(text, 4000).split())
    return "'" + text if text[:1] in ("=", "+", "-", "@") else text


def write_table(grades: Sequence[Grade], path: Path) -> None:
    """A row for each question and one, "total", for each submission."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["student", "assignment", "grade_id", "points", "possible", "waiting", "seconds", "note"])
        for grade in grades:
            about = [harmless(grade.student), grade.assignment]
            for cell in grade.cells:
                waiting = f"{cell.possible:g}" if cell.waiting else "0"
                row = [cell.grade_id, f"{cell.points:g}", f"{cell.possible:g}", waiting, "", harmless(cell.message)]
                table.writerow(about + row)
            total = ["total", f"{grade.points:g}", f"{grade.possible:g}", f"{grade.waiting:g}", f"{grade.seconds:.0f}"]
            table.writerow(about + total + [harmless("; ".join(grade.notes))])


def write_feedback(grade: Grade, path: Path) -> None:
    """A page for the student: points and the reason for each question; never a test or a solution."""
    rows = "".join(
        f"<tr><td>{html.escape(cell.grade_id)}</td><td>{cell.points:g} of {cell.possible:g}</td>"
        f"<td>{html.escape(cell.message) or '✓'}</td></tr>\n"
        for cell in grade.cells
    )
    notes = "".join(f"<li>{html.escape(note)}</li>\n" for note in grade.notes)
    waiting = f"<p>{grade.waiting:g} points wait for a reader.</p>\n" if grade.waiting else ""
    title = html.escape(tidy(f"{grade.assignment} · {grade.student}"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title>\n'
        "<style>body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
        "td{padding:.3em .8em;border-bottom:1px solid #ccc;vertical-align:top;white-space:pre-wrap}</style>\n"
        f"<h1>{title}</h1>\n<p><b>{grade.points:g} of {grade.possible:g} points.</b></p>\n{waiting}"
        f"<table>\n{rows}</table>\n" + (f"<h2>Notes</h2>\n<ul>\n{notes}</ul>\n" if notes else "") + "</html>\n",
        encoding="utf-8",
    )


def summary(grades: Sequence[Grade]) -> str:
    """A line for each submission, and what held them."""
    wide = max(len(grade.student) for grade in grades) + 2
    lines = [
        f"{tidy(grade.student):{wide}}{grade.assignment:24}{grade.points:5g} of {grade.possible:g}"
        + (f", {grade.waiting:g} wait for a reader" if grade.waiting else "")
        + (f"; {'; '.join(grade.notes)}"[:120] if grade.notes else "")
        for grade in grades
    ]
    force = {name for grade in grades for name, held in grade.force.items() if held}
    open_ = [name for name in ("network", "files", "processes", "limits") if name not in force]
    lines.append(
        f"in force: {', '.join(sorted(force)) or 'time limits only'}" + (f"; open: {', '.join(open_)}" if open_ else "")
    )
    return "\n".join(lines)
