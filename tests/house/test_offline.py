"""Safe to run: no network in the mini profile, nothing that can run foreign code, no secrets.

The lessons themselves run without network in `pytest --nbval-lax notebooks`: see conftest.py in the root.
"""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from test_floors import all_imports, unsafe
from test_notebooks import LESSONS, code_cells, python_of

ROOT = Path(__file__).resolve().parents[2]
GUARD = ROOT / "tests" / "offline"
FAR = "192.0.2.1"  # an address kept for documentation: nothing answers there


def guarded(program: str, tmp_path: Path) -> tuple[subprocess.CompletedProcess, str]:
    """Run a program as a lesson's kernel is run; gives its end, and what was refused."""
    log = tmp_path / "refused"
    environment = os.environ | {"PYTHONPATH": str(GUARD), "BERT_COURSE_REFUSED": str(log), "HTTPS_PROXY": "http://x"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, encoding="utf-8", timeout=60
    )
    return done, log.read_text(encoding="utf-8") if log.is_file() else ""


@pytest.mark.parametrize(
    "attempt, event",
    [
        (f"socket.socket().connect(('{FAR}', 80))", f"socket.connect {FAR}"),
        (f"socket.socket().connect_ex(('{FAR}', 80))", f"socket.connect {FAR}"),
        (f"socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('{FAR}', 53))", f"socket.sendto {FAR}"),
        ("socket.getaddrinfo('example.org', 443)", "socket.getaddrinfo example.org"),
        ("urllib.request.urlopen('https://example.org')", "socket.getaddrinfo example.org"),
        ("socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80))", "socket.connect 2001:db8::1"),
    ],
)
def test_the_guard_refuses_the_network_and_writes_it_down(attempt, event, tmp_path):
    done, refused = guarded(f"import socket, urllib.request\n{attempt}", tmp_path)
    assert done.returncode == 1
    assert "the lessons need no network in the mini profile" in done.stderr
    assert refused.splitlines()[0] == event


def test_the_guard_lets_this_machine_talk_to_itself(tmp_path):
    program = """
import os, socket
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname()).close()
    socket.create_connection(("localhost", server.getsockname()[1])).close()
one, other = socket.socketpair()
one.sendall(b"x"), other.recv(1)
assert "HTTPS_PROXY" not in os.environ
"""
    done, refused = guarded(program, tmp_path)
    assert (done.returncode, done.stderr, refused) == (0, "", "")


QUIET_CALL = """
import socket
try:
    socket.socket().connect(("192.0.2.1", 80))
except OSError:
    pass
"""


@pytest.mark.parametrize("source, passes", [("1 + 1", True), (QUIET_CALL, False)], ids=["quiet", "asks"])
def test_a_notebook_that_asks_for_the_network_fails_the_run(source, passes, tmp_path):
    """Even where the error is swallowed. (In the run of all lessons that the guard is for.)"""
    cells = [nbformat.v4.new_code_cell(source)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "P"}})
    nbformat.write(notebook, tmp_path / "lesson.ipynb")
    (tmp_path / "conftest.py").write_text(
        (ROOT / "conftest.py").read_text(encoding="utf-8").replace("Path(__file__).parent", f"Path({str(ROOT)!r})"),
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax", "lesson.ipynb"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BERT_COURSE_")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", timeout=120)
    assert (done.returncode == 0) == passes, done.stdout
    assert ("socket.connect 192.0.2.1" in done.stdout) != passes


# ------------------------------------------------------------------------------------- what lessons and scripts hold

NOTEBOOKS = [*LESSONS, *sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))]
SCRIPTS = sorted([*(ROOT / "benchmarks").glob("*.py"), *(ROOT / "data").glob("*.py")])
NETWORK = {"socket", "urllib", "http", "requests", "httpx", "ftplib", "aiohttp", "webbrowser", "smtplib"}
TO_ITSELF = {"benchmarks/desk.py": {"httpx"}}  # what asks the service that it has started, on this machine
TO_ITSELF |= {f"benchmarks/{name}.py": {"urllib"} for name in ("load", "serving")}
HOME = re.compile(r"(?<![\w.])/(?:home|root|work|tmp|Users)/\w|\b[A-Z]:\\(?:Users|Windows)\b")
SECRET = re.compile(
    r"\bhf_[A-Za-z0-9]{20,}|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{20,}|\bsk-[A-Za-z0-9_-]{20,}|\bAKIA[0-9A-Z]{16}"
    r"|\bxox[abp]-[\w-]{10,}|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|(?i:\b(?:password|api_?key|secret|token)\b\s*[=:]\s*[\"'][^\"'\s]{8,}[\"'])"
)


@pytest.mark.parametrize("path", [*NOTEBOOKS, *SCRIPTS], ids=lambda path: path.stem)
def test_nothing_in_lessons_and_scripts_runs_foreign_code_or_asks_for_the_network(path):
    if path.suffix == ".py":
        trees = [ast.parse(path.read_text(encoding="utf-8"))]
    else:
        trees = [python_of(cell) for cell in code_cells(nbformat.read(path, as_version=4))]
    for tree in trees:
        assert unsafe(tree) == []
        allowed = TO_ITSELF.get(path.relative_to(ROOT).as_posix(), set())
        assert not (NETWORK - allowed) & {name.split(".")[0] for name in all_imports(tree)}


def tracked(*endings: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout
    return [ROOT / name for name in listed.splitlines() if name.endswith(endings) and (ROOT / name).is_file()]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="asks git which files belong to the course")
def test_no_file_holds_a_secret():
    texts = tracked(".py", ".ipynb", ".md", ".yml", ".toml", ".txt", ".json", ".cff", "Makefile", "run")
    assert len(texts) > 50
    found = [
        f"{path.relative_to(ROOT)}: {match[0][:12]}…"
        for path in texts
        for match in SECRET.finditer(path.read_text(encoding="utf-8"))
        if path != Path(__file__)
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    ["hf_" + "a1" * 17, "ghp_" + "b2" * 18, "AKIA" + "C3" * 8, 'password = "correct-horse"', "api_key: 'abcdefgh123'"],
)
def test_a_secret_would_be_found(text):
    assert SECRET.search(f"x {text} y")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_notebook_names_a_place_on_somebodys_machine(path):
    for cell in nbformat.read(path, as_version=4).cells:
        match = HOME.search(cell.source)
        assert match is None, cell.source[max(0, match.start() - 40) : match.end() + 40]
