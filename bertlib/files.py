"""Files and folders: UTF-8 text, JSON objects, folders that are written beside their place and renamed into it."""

import codecs
import json
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError


def data_folder(name: str) -> Path:
    """A folder of the repository's data/, which stands beside the package in a checkout; else in or above the folder
    where a notebook or a command was started.
    """
    for place in (Path(__file__).parents[1], Path.cwd(), *Path.cwd().parents):
        if (place / "data" / name).is_dir():
            return place / "data" / name
    raise FileNotFoundError(f"data/{name} was not found: run in a clone of the course's repository")


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file of a model folder.

    Raises:
        FileNotFoundError: no such file. ValueError: it is not JSON, or not an object; the message names the line.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; give the folder that save_pretrained or save wrote")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}, line {error.lineno}: not JSON ({error.msg}); fetch or save it again") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path}: holds a {type(values).__name__}, not an object; fetch or save it again")
    return values


def read_text(path: str | Path) -> str:
    """A text file in UTF-8; line ends become line feeds, byte order marks at the beginning of lines are passed over.

    Raises:
        FileNotFoundError: no such file. ValueError: it is not text in UTF-8; the message names file and line.
    """
    path = Path(path)
    if not path.is_file():
        problem = "is a folder" if path.is_dir() else "no such file"
        raise FileNotFoundError(f"{path}: {problem}; give the path of a file")
    content = path.read_bytes().removeprefix(codecs.BOM_UTF8)  # the mark that Windows programs write
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = line_at(content[: error.start].decode("utf-8"))
        raise ValueError(
            f"{path}, line {line}: byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8 (in Excel: "
            "'CSV UTF-8')"
        ) from error
    if "\0" in text:
        line = line_at(text[: text.index("\0")])
        raise ValueError(f"{path}, line {line}: a NUL byte, so this is no plain text in UTF-8; save the file as UTF-8")
    return unix_lines(text).replace("\n\ufeff", "\n")  # files joined to one bring theirs along


def unix_lines(text: str) -> str:
    """Line ends as line feeds: of Windows, also written twice as text (\\r\\r\\n), and of old Macs."""
    return re.sub(r"\r+\n", "\n", text).replace("\r", "\n")


def line_at(before: str) -> int:
    """The number, from 1, of the line that begins or goes on after this text."""
    return unix_lines(before).count("\n") + 1


def keep_other_files(source: Path, target: Path, without: Collection[str] = ()) -> None:
    """Copy what stands in source but not in target (a README beside the model, say), these names left out."""
    for other in source.iterdir():
        if (target / other.name).exists() or other.name in without:
            continue
        if other.is_dir():
            shutil.copytree(other, target / other.name)
        else:
            shutil.copy2(other, target / other.name)


@contextmanager
def write_folder(folder: str | Path, needed_bytes: int, without: Collection[str] = ()) -> Iterator[Path]:
    """Fill a folder beside the target and rename it into place at the end; on any error leave the target as it was.

    Other files that a folder there holds stay, except those named by `without`.

    Raises:
        ValueError: it is the working folder, which cannot be replaced beneath those who work in it.
        OSError: not enough room (needed_bytes, plus a little), or writing failed; the message names the folder. A
            ConnectionError, of what was to be written, stays one.
    """
    target = Path(folder).resolve()  # behind a link stands the folder that is meant
    if target.exists() and not target.is_dir():
        raise NotADirectoryError(f"{target} is a file: give the name of a folder")
    if target.exists() and target.samefile(os.curdir):
        raise ValueError(f"{target} is the working folder: give the name of a folder in it")
    target.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(target.parent).free
    if free < needed_bytes + 2**20:
        raise OSError(
            f"{target}: {needed_bytes / 2**20:.0f} MiB are needed, {free / 2**20:.0f} MiB are free; make room or "
            "choose another folder"
        )
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        beside.chmod(0o755)  # mkdtemp keeps others out; a model folder is an ordinary folder
        yield beside
        if target.exists():
            keep_other_files(target, beside, without)
            old = beside.with_name(beside.name + ".old")
            os.replace(target, old)
            try:
                os.replace(beside, target)
            except OSError:
                os.replace(old, target)
                raise
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.replace(beside, target)
    except BaseException as error:
        shutil.rmtree(beside, ignore_errors=True)
        if isinstance(error, (OSError, SafetensorError)) and not isinstance(error, ConnectionError):
            raise OSError(f"{target}: could not be written ({error}); nothing was changed there") from error
        raise
