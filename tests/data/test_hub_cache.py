"""The hub's cache without a hub: made by hand, with links as on Linux and without as Windows may have it."""

import errno
import hashlib
from types import SimpleNamespace

import pytest
from huggingface_hub import HfApi, constants, errors

from bertlib.data import hub

REPO, COMMIT = "owner/name", "1" * 40
CONTENT = {"config.json": b"{}\n", "model.safetensors": b"weights " * 1000}


def git_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


DIGESTS = {"config.json": git_id(CONTENT["config.json"])}
DIGESTS["model.safetensors"] = hashlib.sha256(CONTENT["model.safetensors"]).hexdigest()


@pytest.fixture(params=[True, False], ids=["links", "no links"])
def cached(request, tmp_path, monkeypatch):
    """The files of a snapshot as the client leaves them; without links the digests are the hub's to tell."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    folder = hub.cache_folder(REPO, "model")
    snapshot = folder / "snapshots" / COMMIT
    for part in (folder / "blobs", snapshot):
        part.mkdir(parents=True)
    for name, content in CONTENT.items():
        if request.param:
            (folder / "blobs" / DIGESTS[name]).write_bytes(content)
            try:
                (snapshot / name).symlink_to(f"../../blobs/{DIGESTS[name]}")
            except OSError:
                pytest.skip("this system allows no links")
        else:
            (snapshot / name).write_bytes(content)

    def told(self, repo, path, *, revision, repo_type):
        assert not request.param, "the hub is not asked where the cache has links"
        assert (repo, revision, repo_type) == (REPO, COMMIT, "model")
        large = SimpleNamespace(sha256=DIGESTS[path]) if path.endswith(".safetensors") else None
        return [SimpleNamespace(lfs=large, blob_id=DIGESTS[path])]

    monkeypatch.setattr(HfApi, "get_paths_info", told)
    return snapshot


def test_unaltered_files_pass(cached):
    hub.check_content(REPO, "model")
    assert {path.name: path.read_bytes() for path in cached.iterdir()} == CONTENT


@pytest.mark.parametrize("name", CONTENT)
@pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: c + b" ", lambda c: c[:-1] + b"?", lambda c: b""])
def test_an_altered_file_is_named_and_deleted(cached, name, change):
    hub.check_content(REPO, "model")  # what was read once is read again when it changed
    (cached / name).resolve().write_bytes(change(CONTENT[name]))
    with pytest.raises(hub.DataChanged, match=rf"owner/name: {name} came with another content .* try again"):
        hub.check_content(REPO, "model")
    assert [path.name for path in cached.iterdir()] == [other for other in CONTENT if other != name]
    hub.check_content(REPO, "model")


def test_where_neither_links_nor_the_hub_tell_nothing_is_thrown_away(cached, monkeypatch):
    def unreachable(self, *args, **options):
        raise errors.OfflineModeIsEnabled("offline")

    monkeypatch.setattr(HfApi, "get_paths_info", unreachable)
    hub.check_content(REPO, "model")
    assert len(list(cached.iterdir())) == 2


def test_no_cache_is_no_problem(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    hub.check_content(REPO, "dataset")


def answered(status=503, method="GET"):
    """The client's error for such an answer; built without its constructor, which wants a real answer."""
    error = errors.HfHubHTTPError.__new__(errors.HfHubHTTPError)
    error.response = SimpleNamespace(status_code=status, request=SimpleNamespace(method=method))
    return error


@pytest.mark.parametrize("failures, waits", [(0, []), (1, [1]), (3, [1, 2, 4]), (5, [1, 2, 4, 8, 8])])
def test_an_overloaded_hub_is_given_time(tmp_path, monkeypatch, failures, waits):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    waited, failing = [], [answered() for _ in range(failures)]
    monkeypatch.setattr(hub.time, "sleep", waited.append)

    def get():
        if failing:
            try:
                raise failing.pop()
            except OSError as error:
                raise RuntimeError("the library's own words") from error
        return "the files"

    assert hub.fetch(REPO, "model", COMMIT, get, "do without") == "the files"
    assert waited == waits


@pytest.mark.parametrize(
    "error, waits",
    [
        (answered(), hub.WAITS),
        (errors.HTTPError("broke off"), hub.WAITS),
        (answered(method="HEAD"), ()),  # which the client has tried again itself
        (answered(403), ()),
        (type("ConnectError", (errors.HTTPError,), {})("refused"), ()),
        (KeyError("x"), ()),
        (OSError(errno.EACCES, "denied"), ()),
    ],
)
def test_what_the_libraries_raise_becomes_one_error_with_its_cause(tmp_path, monkeypatch, error, waits):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    waited = []
    monkeypatch.setattr(hub.time, "sleep", waited.append)

    def get():
        raise error

    with pytest.raises(ConnectionError, match=r"owner/name at revision 1111111 could not .* or do without") as caught:
        hub.fetch(REPO, "model", COMMIT, get, "do without")
    assert caught.value.__cause__ is error
    assert waited == list(waits)
