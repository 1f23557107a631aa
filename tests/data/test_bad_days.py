"""What goes wrong between a learner and the hub, each for data and for weights, through the real client libraries.

Every bad day must end in an error that says what can be done, leave nothing half-written, and let a second try succeed;
never may other data come back than was asked for. One client process imports the libraries once; each day runs in a
fork of it, so that no day sees another's state. Between two tries of a day the hub on the same port changes.
"""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest
from small_hub import HUB, NO_WAITING, TIMEOUT, environment, needs_small_hub, serve

from bertlib.data.encoders import ENCODER_REPOS
from bertlib.data.from_hub import AG_NEWS_REPO

pytestmark = [
    needs_small_hub,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="forks; the same code is tested on other systems"),
]

CLIENT = (
    NO_WAITING
    + """
import ctypes, hashlib, json, os, resource, shutil, subprocess, sys, threading
from pathlib import Path
import huggingface_hub, datasets, tqdm
from bertlib.data.from_hub import from_hub; from bertlib.data.catalog import load
from bertlib.data.encoders import ENCODER_REPOS, encoder_folder

HOME = Path(os.environ["HF_HOME"])
ballast = HOME / "ballast"

def data(name="ag_news"):
    return {split: hashlib.sha256(repr(rows.to_dict()).encode()).hexdigest() for split, rows in load(name).items()}

def other_revision():
    from_hub("fancyzhx/ag_news", "main")

def model(name=None):
    folder = encoder_folder(name or "bert-base-uncased")
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}

def unknown(kind):
    return from_hub("fancyzhx/no_such", "1" * 40) if kind == "data" else encoder_folder(f"no/such@{'1' * 40}")

def unknown_revision(kind):
    return from_hub("fancyzhx/ag_news", "0" * 40) if kind == "data" else encoder_folder(
        ENCODER_REPOS["bert-base-uncased"].partition("@")[0] + "@" + "0" * 40)

def limit_files(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

def small_disk(kib):
    "A disk of its own for this process alone, filled but for so much; False where that is not allowed."
    HOME.mkdir(exist_ok=True)
    if ctypes.CDLL(None).unshare(0x00020000):  # CLONE_NEWNS
        return False
    for command in ("mount --make-rprivate /", f"mount -t tmpfs -o size=64m tmpfs {HOME}"):
        if subprocess.run(command.split(), capture_output=True).returncode:
            return False
    ballast.write_bytes(b"x" * (64 * 2**20 - kib * 1024))
    return True

def make_room():
    ballast.unlink()

def unfinished():
    "Parts of downloads and of prepared copies."
    found = [str(path.relative_to(HOME)) for path in HOME.rglob("*incomplete*") if path.suffix != ".lock"]
    return sorted(found)

def alter(pattern, change):
    "Spoil the one cached file of that pattern behind the libraries' back."
    (path,) = [path for path in HOME.glob(pattern)]
    path = path.resolve()
    content = path.read_bytes()
    if change == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif change == "delete":
        path.unlink()
    else:
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])

def kill_writing(pattern):
    "What a kill leaves while a blob is written: the part under its temporary name, no link."
    (path,) = [path for path in HOME.glob(pattern)]
    blob = path.resolve()
    content = blob.read_bytes()
    blob.unlink(), path.unlink()
    blob.with_name(blob.name + ".0123abcd.incomplete").write_bytes(content[: len(content) // 2])

def own_locks():
    "tqdm's locks, some of them its subclasses' own, are shared by all forks, and one may end while it holds them."
    lock, kinds = threading.RLock(), [tqdm.tqdm]
    for kind in kinds:
        kind.set_lock(lock)
        kinds += kind.__subclasses__()

def next_line():
    "Byte by byte: a buffer would be shared out to parent and child alike."
    line = b""
    while not line.endswith(b"\\n") and (byte := os.read(0, 1)):
        line += byte
    return line.decode().strip()

while next_line():
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        continue
    own_locks()
    shutil.rmtree(HOME, ignore_errors=True)
    while True:
        request = next_line()
        if request in ("", "good night"):
            print("told {}", flush=True)
            os._exit(0)
        try:
            told = {"result": eval(request)}
        except Exception as error:
            told = {"error": type(error).__name__, "message": str(error)}
        print("told", json.dumps(told), flush=True)
"""
)


class Day:
    """One fork of the client process; call it with an expression, and it tells the result or the error."""

    def __init__(self, process):
        self.process = process
        self.process.stdin.write("a new day\n")

    def __call__(self, request: str) -> dict:
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()
        watch = threading.Timer(TIMEOUT, os.killpg, (self.process.pid, signal.SIGKILL))  # its forks too
        watch.start()
        try:
            while line := self.process.stdout.readline():
                if line.startswith("told "):
                    return json.loads(line.removeprefix("told "))
        finally:
            watch.cancel()
        raise AssertionError(f"the client died, or was given up on after {TIMEOUT} s: {request}")


@pytest.fixture(scope="module")
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def client(tmp_path_factory, port):
    folder = tmp_path_factory.mktemp("client")
    process = subprocess.Popen(
        [sys.executable, "-c", CLIENT],
        env=environment(f"http://127.0.0.1:{port}", folder / "home", OMP_NUM_THREADS="1"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # A file would come under the limit on files' sizes, and tqdm never gives its lock back when it cannot write.
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        start_new_session=True,
    )
    yield process
    process.stdin.close()
    process.wait(timeout=20)


@pytest.fixture
def day(client):
    fork = Day(client)
    yield fork
    fork("good night")


@pytest.fixture
def hub(tmp_path, port, tiny_folder):
    """Starts the small hub on the client's port, with a tiny encoder under BERT's name; takes serve.py's options."""
    return lambda *options: serve(tmp_path, *options, port=port, encoder=tiny_folder)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, client, port, tiny_folder):
    """What every try must give that does not end in an error."""
    fork = Day(client)
    with serve(tmp_path_factory.mktemp("whole"), port=port, encoder=tiny_folder):
        told = {"data()": fork("data()"), "model()": fork("model()")}
    fork("good night")
    for name in ("config.json", "model.safetensors", "vocab.txt"):
        assert told["model()"]["result"][name] == hashlib.sha256((tiny_folder / name).read_bytes()).hexdigest()
    assert set(told["data()"]["result"]) == {"train", "validation", "test"}
    return told


KINDS = ["data()", "model()"]
both = pytest.mark.parametrize("kind", KINDS)
NAMES = {"data()": AG_NEWS_REPO, "model()": ENCODER_REPOS["bert-base-uncased"].partition("@")[0]}
REMEDIES = {"data()": "or use 'bbc_news', which needs none", "model()": "or use 'minilm', which needs none"}
FILES = {
    "data()": "datasets/fancyzhx/ag_news/data/train-00000-of-00001.parquet",
    "model()": "models/google-bert/bert-base-uncased/model.safetensors",
}
CACHED = {"data()": "hub/datasets--*/snapshots/*/data/train*.parquet", "model()": "hub/models--*/snapshots/*/model.*"}


def is_clear(told: dict, kind: str) -> bool:
    """A connection error that names what was wanted and what can be done."""
    assert told["error"] == "ConnectionError", told
    for part in (NAMES[kind], "check the network (and HF_ENDPOINT", "and try again", REMEDIES[kind]):
        assert part in told["message"]
    return True


@both
def test_hub_unreachable(kind, day, hub, whole):
    assert is_clear(day(kind), kind)
    assert day("unfinished()") == {"result": []}
    with hub():
        assert day(kind) == whole[kind]


@both
def test_name_or_revision_not_found(kind, day, hub, whole):
    word = kind.removesuffix("()")
    with hub():
        for request, name in ((f"unknown({word!r})", "no"), (f"unknown_revision({word!r})", NAMES[kind])):
            told = day(request)
            assert told["error"] == "FileNotFoundError"
            assert name in told["message"]
            assert "is not on the hub" in told["message"] and "check its name and revision" in told["message"]
        assert day(kind) == whole[kind]


@both
def test_overloaded_three_times(kind, day, hub, whole):
    """Each address answers 503 three times: the fourth try comes by itself."""
    with hub("--status", "503", "--times", "3"):
        assert day(kind) == whole[kind]


@both
def test_overloaded_all_day(kind, day, hub, whole):
    with hub("--status", "503", "--times", "1000"):
        told = day(kind)
    assert is_clear(told, kind)
    with hub():
        assert day(kind) == whole[kind]


@both
def test_connection_dropped_midway_is_resumed(kind, day, hub, whole):
    with hub("--drop-after", "3000"):
        assert day(kind) == whole[kind]
    assert day("unfinished()") == {"result": []}


@both
def test_connection_dropped_each_time(kind, day, hub, whole):
    with hub("--drop-after", "0", "--times", "1000"):
        told = day(kind)
    assert is_clear(told, kind)
    assert day("unfinished()") == {"result": []}
    with hub():
        assert day(kind) == whole[kind]


@both
def test_one_byte_altered_on_the_way(kind, day, hub, whole):
    with hub("--corrupt", FILES[kind]):
        told = day(kind)
    assert told["error"] == "DataChanged"
    assert NAMES[kind] in told["message"] and FILES[kind].rpartition("/")[2] in told["message"]
    assert "was deleted; try again" in told["message"]
    told = day(kind)  # without a hub nothing is left to be taken
    assert told["error"] in ("ConnectionError", "FileNotFoundError") and "try again" in told["message"]
    with hub():
        assert day(kind) == whole[kind]


@both
@pytest.mark.parametrize("change", ["cut", "flip"])
def test_one_byte_altered_on_the_disk(kind, change, day, hub, whole):
    with hub():
        assert day(kind) == whole[kind]
        day(f"alter({CACHED[kind]!r}, {change!r})")
        told = day(kind)
        assert told["error"] == "DataChanged" and "try again" in told["message"]
        assert day(kind) == whole[kind]


@both
def test_killed_while_a_download_was_written(kind, day, hub, whole):
    with hub():
        assert day(kind) == whole[kind]
        assert "error" not in day(f"kill_writing({CACHED[kind]!r})")
        day("shutil.rmtree(HOME / 'datasets', ignore_errors=True)")
    assert "error" in day(kind)  # half a download is no download
    with hub():
        assert day(kind) == whole[kind]


@pytest.mark.parametrize("change", ["cut", "delete"])
def test_prepared_copy_half_written(change, day, hub, whole):
    """The library keeps data a second time in its own format."""
    with hub():
        assert day("data()") == whole["data()"]
        assert "error" not in day(f"alter('datasets/*/*/*/*/ag_news-train.arrow', {change!r})")
        assert day("data()") == whole["data()"]


@both
def test_files_may_be_no_larger(kind, day, hub, whole):
    """A limit on the size of files stands for a quota: the system refuses the write itself."""
    with hub():
        day("limit_files(30_000)")
        told = day(kind)
        assert told["error"] == "OSError"
        assert "make room there, or set HF_HOME to a folder on another disk, and try again" in told["message"]
        assert day("unfinished()") == {"result": []}
        day("limit_files(-1)")
        assert day(kind) == whole[kind]


@both
def test_disk_full(kind, day, hub, whole):
    """A real full disk, in memory, that only this process sees."""
    if day("small_disk(60)") != {"result": True}:
        pytest.skip("mounting a small disk needs root on Linux")
    with hub():
        told = day(kind)
        assert told["error"] == "OSError" and "[Errno 28]" in told["message"]
        assert NAMES[kind] in told["message"] and "make room there" in told["message"]
        assert day("unfinished()") == {"result": []}
        day("make_room()")
        assert day(kind) == whole[kind]


def test_another_revision_in_the_cache_is_not_taken(day, hub, whole):
    """Where the hub does not answer, datasets takes whatever revision it prepared last, with a warning in the log."""
    with hub("--dataset", f"{AG_NEWS_REPO}@main={HUB / 'mirror' / 'datasets' / AG_NEWS_REPO}"):
        assert "error" not in day("other_revision()")
    told = day("data()")
    assert is_clear(told, "data()")
    assert "another revision" in told["message"]
    with hub():
        assert day("data()") == whole["data()"]
