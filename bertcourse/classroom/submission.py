"""Runs a student's cells, shut in. Started by `bertcourse.classroom.grading`, and by nothing else.

The process first gives up what it does not need: the network, other processes, files but Python's own and its own empty
folder, memory beyond a limit. Then it does what the grader asks for through two pipes: run a cell, give a value, call a
function. It holds no tests and no expected answers, so there is nothing in it to be found out, and all that it can send
is data.

The cells run in IPython's shell (`shell.py`), so a magic can do what the student's Python could do anyway, and no
more: it stands under the same limits.

On Linux files are shut off by Landlock, the network and other processes by a seccomp filter, the network by a
namespace as well; none of it needs rights, and each holds without the others. Elsewhere the limits and the time remain.
What is in force is told to the grader before the first cell runs.
"""

from __future__ import annotations

import builtins
import contextlib
import ctypes
import errno
import io
import json
import os
import platform
import struct
import sys
import sysconfig
import types
from pathlib import Path

MOST_OUTPUT = 20_000  # characters of a cell's output that are kept

# Landlock's numbers (linux/landlock.h); they are the same on all processors.
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
FS_EXECUTE, FS_WRITE, FS_READ, FS_READ_DIR = 1, 2, 4, 8
FS_ALL = (1 << 13) - 1  # what every version knows
FS_REFER, FS_TRUNCATE = 1 << 13, 1 << 14
NET_BIND_AND_CONNECT = 3
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_NO_NEW_PRIVS = 38
SCOPE_SOCKETS_AND_SIGNALS = 3

# What a filter of system calls refuses, by processor: the number in linux/audit.h and those of the calls.
# socket, io_uring_setup · fork, vfork, execve, execveat · kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo,
# pidfd_send_signal · ptrace, process_vm_readv, process_vm_writev · shmget, semget, msgget, which outlive a process ·
# unshare, setns, mount, bpf, perf_event_open, userfaultfd, which a namespace's owner might try.
REFUSED = {
    "x86_64": (
        0xC000003E,
        [
            41,
            425,
            57,
            58,
            59,
            322,
            62,
            200,
            234,
            129,
            297,
            424,
            101,
            310,
            311,
            29,
            64,
            68,
            272,
            308,
            165,
            321,
            298,
            323,
        ],
    ),
    "aarch64": (  # has no fork or vfork
        0xC00000B7,
        [198, 425, 221, 281, 129, 130, 131, 138, 240, 424, 117, 270, 271, 194, 190, 186, 97, 268, 40, 280, 241, 282],
    ),
}
SECCOMP = {"x86_64": 317, "aarch64": 277}
CLONE = {"x86_64": 56, "aarch64": 220}
CLONE3, CLONE_THREAD = 435, 0x10000


# ------------------------------------------------------------------------------------------------------- shutting in


def cut_network() -> bool:
    """Move into a network of one's own, which has nothing in it. Works while there is one thread only."""
    if sys.platform != "linux":
        return False
    return ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0


def refuse_calls() -> bool:
    """No sockets, no new processes, no signals: a filter of system calls, which no code in this process can lift."""
    processor = platform.machine()
    if sys.platform != "linux" or processor not in REFUSED or sys.maxsize < 2**32:
        return False
    audit, refused = REFUSED[processor]
    load, equal, at_least, has_bit, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    length = len(refused) + 11
    allow, deny, unknown = length - 3, length - 2, length - 1
    program: list[tuple[int, int, int, int]] = []

    def add(code, value, yes=None, no=None):  # jumps count from the next instruction; None goes on there
        here = len(program) + 1
        program.append((code, (yes or here) - here, (no or here) - here, value))

    add(load, 4)  # the processor's number
    add(equal, audit, no=deny)
    add(load, 0)  # the call's number
    add(at_least, 0x40000000, yes=deny)  # x86's second set of numbers
    for call in refused:
        add(equal, call, yes=deny)
    add(equal, CLONE3, yes=unknown)  # its flags cannot be read here; C libraries then use clone
    add(equal, CLONE[processor], no=allow)
    add(load, 16)  # clone's flags: threads may be, processes may not
    add(has_bit, CLONE_THREAD, yes=allow, no=deny)
    add(answer, 0x7FFF0000)
    add(answer, 0x00050000 | errno.EPERM)
    add(answer, 0x00050000 | errno.ENOSYS)
    code = b"".join(struct.pack("=HBBI", *line) for line in program)
    held = ctypes.create_string_buffer(code, len(code))
    about = struct.pack("@HP", len(program), ctypes.addressof(held))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return libc.syscall(SECCOMP[processor], 1, 1, about) == 0  # for all threads


def readable_places() -> list[Path]:
    """What Python, torch and bertlib need; not bertcourse.checks, whose references are answers."""
    course = Path(__file__).parents[1]
    places = [Path(sys.prefix), Path(sys.base_prefix), *map(Path, sysconfig.get_paths().values())]
    places += [
        Path(place) for place in ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/proc/self", "/sys/devices/system")
    ]
    places += [Path("/proc/cpuinfo"), Path("/proc/meminfo"), Path("/proc/sys"), Path("/dev/null"), Path("/dev/urandom")]
    places += [place for place in course.iterdir() if place.suffix == ".py" or place.name == "__pycache__"]
    places.append(course.with_name("bertlib"))
    return [place for place in places if place.exists()]


def close_files(folder: Path) -> bool:
    """Let this process read only `readable_places`, and write only in a folder (Landlock, Linux 5.13 and later)."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return False
    rights = FS_ALL | (FS_REFER if version >= 2 else 0) | (FS_TRUNCATE if version >= 3 else 0)
    network = NET_BIND_AND_CONNECT if version >= 4 else 0
    rules = struct.pack("Q", rights)
    rules += struct.pack("Q", network) if version >= 4 else b""
    rules += struct.pack("Q", SCOPE_SOCKETS_AND_SIGNALS) if version >= 6 else b""
    ruleset = libc.syscall(LANDLOCK_CREATE, rules, ctypes.c_size_t(len(rules)), 0)
    if ruleset < 0:
        return False
    for place, allowed in [(p, FS_EXECUTE | FS_READ | FS_READ_DIR) for p in readable_places()] + [(folder, rights)]:
        if not place.is_dir():
            allowed &= FS_EXECUTE | FS_READ | FS_WRITE
        handle = os.open(place, os.O_PATH | os.O_CLOEXEC)
        libc.syscall(LANDLOCK_ADD, ruleset, 1, struct.pack("=Qi", allowed, handle), 0)
        os.close(handle)
    null = os.open("/dev/null", os.O_PATH | os.O_CLOEXEC)
    libc.syscall(LANDLOCK_ADD, ruleset, 1, struct.pack("=Qi", FS_READ | FS_WRITE, null), 0)
    os.close(null)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    done = libc.syscall(LANDLOCK_RESTRICT, ruleset, 0) == 0
    os.close(ruleset)
    return done


def limit_resources(memory_mib: int, seconds: float) -> bool:
    """At most so much more memory than now; small files and few of them, no core dumps."""
    try:
        import resource
    except ImportError:  # Windows
        return False

    def limit(what, most):
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))

    with contextlib.suppress(ValueError, OSError):
        if Path("/proc/self/statm").exists():
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
            limit(resource.RLIMIT_AS, pages * resource.getpagesize() + memory_mib * 2**20)
        limit(resource.RLIMIT_FSIZE, 16 * 2**20)
        limit(resource.RLIMIT_NOFILE, 64)  # files without a name live in memory, beyond RLIMIT_AS
        limit(resource.RLIMIT_CORE, 0)
        limit(resource.RLIMIT_CPU, int(seconds) + 5)
        limit(resource.RLIMIT_NPROC, 64)
    return True


# ---------------------------------------------------------------------------------------------------------- the cells


class _Kept(io.TextIOBase):
    encoding = "utf-8"

    def __init__(self):
        self.text = ""

    def fileno(self):
        return 1  # leads nowhere; faulthandler asks for it

    def writable(self):
        return True

    def write(self, text):
        if len(self.text) < MOST_OUTPUT:
            self.text += text[: MOST_OUTPUT - len(self.text)]
        return len(text)


def nobody_answers(prompt: object = "") -> str:
    """In the place of `input`."""
    raise EOFError("nobody answers input() while a notebook is graded: write the value into the cell")


def stand_in_for_checks() -> types.ModuleType:
    """A `bertcourse.checks` that holds no answers: what it is asked to judge, the grader will."""
    module = types.ModuleType("bertcourse.checks")

    def check(name, answer=None, **options):
        print(f"– {name}: looked at when graded")
        return True

    module.check = module.examine = check
    module.example = lambda answer, *args, **kwargs: check("example")
    module.question = lambda name, **options: f"(the question {name})"
    return module


class Cells:
    """The shell in which the cells run, and what the grader asks of it."""

    def __init__(self, incoming, outgoing, is_placeholder, shell):
        self.incoming, self.outgoing, self.is_placeholder, self.shell = incoming, outgoing, is_placeholder, shell
        self.functions: dict[int, object] = {}

    def send(self, message: dict) -> None:
        data = json.dumps(message).encode("utf-8")
        self.outgoing.write(struct.pack(">I", len(data)) + data)
        self.outgoing.flush()

    def receive(self) -> dict:
        size = self.incoming.read(4)
        if len(size) < 4:
            os._exit(0)  # the grader is gone
        return json.loads(self.incoming.read(struct.unpack(">I", size)[0]))

    def serve(self) -> None:
        while True:
            self.send(self.answer(self.receive()))

    def answer(self, request: dict) -> dict:
        kept = _Kept()
        self.shell.passed_over = []
        try:
            with contextlib.redirect_stdout(kept), contextlib.redirect_stderr(kept):
                reply = getattr(self, request["do"])(**request["with"])
        except BaseException as error:  # SystemExit and KeyboardInterrupt too: a cell's end is not ours
            reply = {"error": [type(error).__name__, str(error)[:2000]], "line": self.line_of(error)}
        told = {"passed_over": list(self.shell.passed_over), "imports": sorted(self.shell.seen.found)}
        return reply | {"printed": kept.text} | told

    @staticmethod
    def line_of(error: BaseException) -> str:
        """The student's own line where it happened."""
        found, at, below = "", error.__traceback__, 0
        while at is not None:
            code = at.tb_frame.f_code
            if code.co_filename.startswith("<cell"):
                file, below = code.co_filename, 0
                found = f"{file}, line {at.tb_lineno}"
            elif code.co_name == "run_cell_magic":
                below = 1  # line of the cell: %%time, and the code counts from the next
            elif found and below and code.co_filename.startswith(("<timed", "<magic-timeit")):
                found = f"{file}, line {at.tb_lineno + below}"
            at = at.tb_next
        return found

    def run(self, source: str, name: str) -> dict:
        self.shell.execute(source, f"<cell {name}>")  # shut in by now
        return {}

    def look_up(self, name: str) -> dict:
        from bertcourse.classroom.wire import encode

        names = self.shell.user_ns
        if name not in names:
            return {"missing": True}
        if self.is_placeholder(names[name]):
            return {"value": encode(...)}
        return {"value": encode(names[name], self.number_of)}

    def number_of(self, function: object) -> int:
        self.functions[len(self.functions)] = function
        return len(self.functions) - 1

    def call(self, function: int, args: list, kwargs: list) -> dict:
        from bertcourse.classroom.wire import decode, encode

        given = decode(args, self.caller)
        named = decode(kwargs, self.caller)
        value = self.functions[function](*given, **named)
        return {"value": encode(value, self.number_of), "args": self.unchanged(given), "kwargs": self.unchanged(named)}

    def unchanged(self, arguments):
        """Arguments as they are now; functions stay what they were."""
        from bertcourse.classroom.wire import encode

        return encode(arguments, lambda function: -1)

    def caller(self, number: int):
        """A function of the grader's, such as a model's score: calling it here asks the grader."""

        def ask(*args):
            from bertcourse.classroom.wire import decode, encode

            self.send({"ask": number, "args": encode(list(args))})
            return decode(self.receive()["value"])

        return ask


def main() -> None:
    incoming, outgoing, folder, memory, seconds, files = sys.argv[1:]
    os.setsid() if hasattr(os, "setsid") and os.getpid() != os.getpgrp() else None
    reader, writer = os.fdopen(int(incoming), "rb"), os.fdopen(int(outgoing), "wb")
    force = {"network": cut_network()}
    import torch

    import bertcourse.classroom.wire
    import bertlib
    from bertcourse.checks.engine import is_placeholder
    from bertcourse.classroom.shell import ZMQInteractiveShell, pass_over_commands

    torch.set_num_threads(1)
    shell = ZMQInteractiveShell.instance(folder=Path(folder, ".ipython"))
    sys.modules["__main__"] = shell.user_module  # where pickle and dataclasses look
    for package in (bertcourse, bertlib):
        package.checks = sys.modules[f"{package.__name__}.checks"] = stand_in_for_checks()
    sys.path.insert(0, "")  # what %%writefile wrote may be imported, as in Jupyter
    builtins.input = nobody_answers
    pass_over_commands(shell)
    force["limits"] = limit_resources(int(memory), float(seconds))
    force["files"] = close_files(Path(folder)) if files == "closed" else False
    force["processes"] = refuse_calls() if files == "closed" else False
    force["network"] |= force["processes"]
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    cells = Cells(reader, writer, is_placeholder, shell)
    cells.send({"ready": force, "system": platform.system()})
    cells.serve()


if __name__ == "__main__":
    main()
