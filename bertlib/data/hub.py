"""Files of the Hugging Face hub: one revision, content checked, and errors that say what can be done.

The client libraries compare sizes, not content. Their cache keeps each file under its digest (SHA-256 for large files,
git's blob id for small ones), so that content can be compared here without asking the hub again.
"""

import errno
import hashlib
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

Fetched = TypeVar("Fetched")

WAITS = (1, 2, 4, 8, 8)  # seconds before another try where the clients do not try again themselves
OVERLOADED = {429, 500, 502, 503, 504}
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class DataChanged(ValueError):
    """The content of a data set or a model is not what the course was written for."""


def short(revision: str) -> str:
    """A revision as messages name it: a branch, or seven digits of a commit."""
    return revision if "/" in revision else revision[:7]


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def cache_folder(repo: str, kind: str) -> Path:
    """Where the clients keep a repository's files; kind is "model" or "dataset"."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repo, repo_type=kind)


def passes(error: BaseException) -> bool:
    """Whether another try may help that the clients have not made: an overloaded hub, a connection that broke off.

    They try a HEAD request again by themselves, and a hub that cannot be reached at all.
    """
    from huggingface_hub import errors

    if isinstance(error, errors.HfHubHTTPError):
        return error.response.status_code in OVERLOADED and error.response.request.method != "HEAD"
    return isinstance(error, errors.HTTPError) and type(error).__name__ not in ("ConnectError", "ConnectTimeout")


@cache  # by size and time, so that a file is read once in a process, and again if it changed
def file_digest(path: Path, size: int, mtime_ns: int, algorithm: str) -> str:
    """SHA-256 of a file's content, or git's id of it ("sha1")."""
    # git's ids are SHA-1; they are compared, not relied on for secrecy.
    digest = hashlib.new(algorithm, b"blob %d\0" % size if algorithm == "sha1" else b"", usedforsecurity=False)
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, lambda: digest).hexdigest()


def expected_digest(path: Path, repo: str, kind: str) -> str | None:
    """What the hub says a cached file's digest is; None if it cannot be told.

    The cache's files are links to files named by their digest. Windows may have no links: there the hub is asked.
    """
    if path.is_symlink():
        return path.resolve().name
    from huggingface_hub import HfApi, errors

    snapshot = next(parent for parent in path.parents if parent.parent.name == "snapshots")
    try:
        name = path.relative_to(snapshot).as_posix()
        (told,) = HfApi().get_paths_info(repo, name, revision=snapshot.name, repo_type=kind)
    except (OSError, ValueError, errors.HTTPError):
        return None
    return told.lfs.sha256 if told.lfs else told.blob_id


def check_content(repo: str, kind: str) -> None:
    """Compare cached files of a repository with their digests; delete those that differ, and raise DataChanged."""
    changed = []
    for path in sorted((cache_folder(repo, kind) / "snapshots").rglob("*")):
        if not path.is_file():
            continue
        expected, status = expected_digest(path, repo, kind), path.stat()
        if expected is None:
            continue
        algorithm = "sha1" if len(expected) == 40 else "sha256"
        found = file_digest(path.resolve(), status.st_size, status.st_mtime_ns, algorithm)
        if found != expected:
            changed.append((path, found, expected))
            path.resolve().unlink()
            path.unlink(missing_ok=True)
    if changed:
        path, found, expected = changed[0]
        raise DataChanged(
            f"{repo}: {path.name} came with another content than the hub's (digest {found}, expected {expected}) and "
            "was deleted; try again. If that does not help, something between you and the hub alters files: try "
            "another network, and look at HF_ENDPOINT if you set it"
        )


def fetch(
    repo: str,
    kind: str,
    revision: str,
    get: Callable[[], Fetched],
    otherwise: str,
    absent: tuple[type[Exception], ...] = (),
) -> Fetched:
    """Let a client library get something of one revision, and see that it came whole.

    A hub that is overloaded or breaks off is tried again for some 20 seconds. What could not be finished is deleted.

    Args:
        repo: OWNER/NAME. kind: "model" or "dataset". revision: a commit, or a branch.
        get: calls the library.
        otherwise: what a reader without network can do, for the message.
        absent: the library's own errors for a name that the hub does not know.

    Raises:
        ConnectionError: the hub cannot be reached, or broke off. FileNotFoundError: no such repository or revision.
        DataChanged: a file's content is not the hub's; it is deleted, so that another try fetches it again.
        OSError: the disk is full.
    """
    from huggingface_hub import constants, errors

    what = f"{repo} at revision {short(revision)}"
    absent = (*absent, errors.RepositoryNotFoundError, errors.RevisionNotFoundError)
    for wait in (*WAITS, None):
        try:
            fetched = get()
        except DataChanged:
            raise
        except Exception as error:  # of the libraries' own many classes
            chain = list(causes(error))
            if wait is not None and any(passes(cause) for cause in chain):
                time.sleep(wait)
                continue
            for part in (cache_folder(repo, kind) / "blobs").glob("*.incomplete"):
                part.unlink(missing_ok=True)
            if any(isinstance(cause, OSError) and cause.errno in NO_ROOM for cause in chain):
                raise OSError(
                    errno.ENOSPC,
                    f"{what} does not fit on the disk of {constants.HF_HOME} ({error}); make room there, or set "
                    "HF_HOME to a folder on another disk, and try again. Nothing of it was kept",
                ) from error
            if any(isinstance(cause, absent) for cause in chain):
                raise FileNotFoundError(
                    f"{what} is not on the hub ({error}); check its name and revision (and HF_ENDPOINT if you set it)"
                ) from error
            check_content(repo, kind)  # what was altered need not be readable
            raise ConnectionError(
                f"{what} could not be loaded from the hub ({error}); check the network (and HF_ENDPOINT, "
                f"HF_HUB_OFFLINE if you set them) and try again, or {otherwise}"
            ) from error
        check_content(repo, kind)
        return fetched
    raise AssertionError("the last round returns or raises")
