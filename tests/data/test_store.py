"""One SQLite file of texts, words and vectors: whole after a kill, a full disk, a lock; what is none is named."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing

import numpy as np
import pytest

from bertlib.data.store import MARK, Store

PROBE = np.arange(8, dtype=np.float32)
TEXTS = ["the goal of the match", "a bank and its market", "goal after goal", "the bad coach"]


def vectors_for(count, seed=0, size=8):
    vectors = np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def fill(store, texts=TEXTS, first=0):
    names = [f"t{number}" for number in range(first, first + len(texts))]
    store.add(names, texts, np.arange(len(texts)), vectors_for(len(texts), seed=first))
    return names


@pytest.fixture
def path(tmp_path):
    return tmp_path / "texts.db"


@pytest.fixture
def store(path):
    with closing(Store(path, PROBE)) as store:
        fill(store)
        yield store


def whole(path):
    """That SQLite finds nothing wrong, the words' own index is that of the texts, and each text has its vector."""
    with closing(sqlite3.connect(path)) as base:
        assert base.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        base.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
        texts = base.execute("SELECT number FROM texts ORDER BY number").fetchall()
        assert base.execute("SELECT DISTINCT text FROM vectors ORDER BY rowid").fetchall() == texts
        assert [number for (number,) in texts] == list(range(1, len(texts) + 1))
    return len(texts)


# ------------------------------------------------------------------------------------------------------- what it keeps


def test_what_was_added_is_there_again(store, path):
    assert len(store) == 4 and store.text_of("t1") == TEXTS[1] and store.text_of("t9") is None
    assert store.row(3) == {"id": "t2", "text": TEXTS[2]}
    store.close()
    with closing(Store(path)) as again:
        assert len(again) == 4 and again.row(1) == {"id": "t0", "text": TEXTS[0]}
        assert np.array_equal(again.probe, PROBE)
        numbers, vectors = again.vectors_after(0)
        assert numbers.tolist() == [1, 2, 3, 4] and numbers.dtype == np.int64
        assert vectors.dtype == np.float32 and np.array_equal(vectors, vectors_for(4))
        assert again.by_words("goal", 5) == again.by_words("goal", 5) != []
    assert whole(path) == 4


def test_vectors_after_a_number_and_several_of_one_text(store):
    store.add(["long", "short"], ["a long one", "a short one"], np.array([0, 0, 0, 1]), vectors_for(4, seed=5))
    numbers, vectors = store.vectors_after(4)
    assert numbers.tolist() == [5, 5, 5, 6] and np.array_equal(vectors, vectors_for(4, seed=5))
    numbers, vectors = store.vectors_after(6)
    assert numbers.tolist() == [5, 6] and np.array_equal(vectors, vectors_for(4, seed=5)[2:])
    numbers, vectors = store.vectors_after(8)
    assert numbers.shape == (0,) and vectors.shape == (0, 8)


def test_in_memory_it_is_alike_and_no_file_is_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with closing(Store(None, PROBE)) as store:
        fill(store)
        assert len(store) == 4 and [number for number, _ in store.by_words("goal", 5)] == [3, 1]
    assert os.listdir(tmp_path) == []


# ----------------------------------------------------------------------------------------------------- words of a query


@pytest.mark.parametrize(
    "query, found",
    [
        ("goal", [3, 1]),
        ("GOAL Goal goal", [3, 1]),
        ("coach bank", [4, 2]),  # any of the words; a tie would go to the lower number, here the shorter text is first
        ("AND", [2]),  # a word, no operator
        ("goal AND bank", [2, 3, 1]),
        ("NOT goal", [3, 1]),
        ('"goal of"', [1, 3]),
        ('goal" OR "coach', [4, 3, 1]),
        ("NEAR(goal bank)", [2, 3, 1]),
        ("text:goal", [3, 1]),
        ("goal* ^goal -goal +goal (goal", [3, 1]),
        ("goa*", []),
        ("'; DROP TABLE texts; --", []),
        ("match\x00es", [1]),
        ("half \ud83d goal", [3, 1]),
        ("🙂 … ?!", []),
        ("_", []),
        ("zebra", []),
    ],
)
def test_a_querys_words_are_words(store, query, found):
    ranked = store.by_words(query, 10)
    assert [number for number, _ in ranked] == found
    assert all(score > 0 for _, score in ranked) and len(store) == 4


def test_words_are_scored_by_bm25_as_fts5_has_it(path):
    """ln((N - n + 0.5) / (n + 0.5)), at least 1e-6, times tf (k1 + 1) / (tf + k1 (1 - b + b length / average))."""
    rng = np.random.default_rng(0)
    words = ["bank", "share", "profit", "market", "goal", "the"]
    texts = [" ".join(rng.choice(words[: rng.integers(2, 7)], size=rng.integers(1, 12))) for _ in range(60)]
    with closing(Store(path, PROBE)) as store:
        fill(store, texts)
        lengths = np.array([len(text.split()) for text in texts])
        for query in (["goal"], ["goal", "the"], ["bank"], words):
            expected = np.zeros(60)
            for word in query:
                counts = np.array([text.split().count(word) for text in texts])
                n = (counts > 0).sum()
                idf = max(np.log((60 - n + 0.5) / (n + 0.5)), 1e-6)  # "bank" is in more than half
                expected += idf * counts * 2.2 / (counts + 1.2 * (0.25 + 0.75 * lengths / lengths.mean()))
            found = store.by_words(" ".join(query), 60)
            assert {number for number, _ in found} == set((np.flatnonzero(expected) + 1).tolist())
            for number, score in found:
                assert score == pytest.approx(expected[number - 1], rel=1e-6)


def test_of_equal_texts_the_first_ones_are_found(store):
    store.add([f"n{i}" for i in range(300)], ["market day"] * 300, np.arange(300), vectors_for(300))
    assert [number for number, _ in store.by_words("day", 5)] == [5, 6, 7, 8, 9]


def test_long_texts_and_long_queries(store):
    text, query = "goal " * 20_000, " ".join(f"w{number}" for number in range(16_000)) + " coach"
    assert len(text) == 100_000 and len(query) > 100_000
    store.add(["long"], [text], np.array([0]), vectors_for(1))
    assert store.by_words("goal", 1)[0][0] in (3, 5) and store.row(5)["text"] == text
    assert [number for number, _ in store.by_words(query, 3)] == [4]


def test_nul_characters_are_kept(store):
    store.add(["a\0b"], ["one\0two"], np.array([0]), vectors_for(1))
    assert store.row(5) == {"id": "a\0b", "text": "one\0two"} and store.text_of("a\0b") == "one\0two"
    assert [store.by_words(word, 3)[0][0] for word in ("one", "two")] == [5, 5]


# ---------------------------------------------------------------------------------------------------- all or nothing


KILLED = """
import sys
import numpy as np
from bertlib.data.store import Store
assert "torch" not in sys.modules
store, count = Store(sys.argv[1]), 3000
vectors = np.random.default_rng(0).normal(size=(count, 384)).astype(np.float32)
names = [f"{len(store)}-{number}" for number in range(count)]
texts = [f"text {number} of many words about the market and the match" for number in range(count)]
print("begin", flush=True)
store.add(names, texts, np.arange(count), vectors)
print("end", flush=True)
sys.stdin.read()
"""


def adding(path):
    """A process that is about to add."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stdout.readline() == "begin\n"
    return process


def test_killed_at_any_moment_of_add_nothing_is_half_added(path):
    wide = np.ones(384, dtype=np.float32)
    Store(path, wide).close()
    started = time.monotonic()
    process = adding(path)
    started = time.monotonic()
    assert process.stdout.readline() == "end\n"
    seconds = time.monotonic() - started
    process.kill()
    process.communicate()
    rng, expected, amid = random.Random(0), 3000, 0
    for number in range(10):
        process = adding(path)
        time.sleep(seconds * (number + rng.random()) / 10)
        process.kill()
        ended = "end" in process.communicate()[0]
        amid += os.path.exists(f"{path}-journal")
        with closing(Store(path)) as store:
            found = len(store)
            assert found in ((expected + 3000,) if ended else (expected, expected + 3000))
            assert len(store.vectors_after(0)[0]) == found and len(store.by_words("market", 100_000)) == found
        assert whole(path) == found
        expected = found
    assert amid >= 3  # or all were killed before or after
    with closing(Store(path)) as store:
        store.add(["last"], ["the last one"], np.array([0]), wide[None])
        assert len(store) == expected + 1 and store.row(expected + 1) == {"id": "last", "text": "the last one"}


def test_a_full_disk_adds_nothing_and_with_room_it_goes_on(store, path):
    many = [f"text {number} " * 40 for number in range(2000)]
    before = path.read_bytes()
    pages = store.one("PRAGMA page_count")
    store.base.execute(f"PRAGMA max_page_count = {pages + 20}")  # SQLite's own SQLITE_FULL
    with pytest.raises(
        OSError, match=r"texts\.db: could not be read or written \(database or disk is full\)"
    ) as caught:
        fill(store, many, first=10)
    assert isinstance(caught.value, OSError) and caught.value.errno == 28
    assert len(store) == 4 and path.read_bytes() == before
    store.base.execute("PRAGMA max_page_count = 1000000")
    fill(store, many, first=10)
    assert len(store) == 2004 and whole(path) == 2004


def test_what_fails_in_the_middle_adds_nothing(store, path):
    """An interrupt, say, or vectors that are too few."""
    with pytest.raises(ValueError):
        store.add(["x", "y"], ["one", "two"], np.arange(2), vectors_for(1))

    def interrupted():
        yield from vectors_for(1)
        raise KeyboardInterrupt

    class Vectors:
        __iter__ = staticmethod(interrupted)

    with pytest.raises(KeyboardInterrupt):
        store.add(["x", "y"], ["one", "two"], np.arange(2), Vectors())
    assert len(store) == 4 and store.by_words("two", 3) == [] and len(store.vectors_after(0)[0]) == 4
    fill(store, ["once more"], first=4)
    assert whole(path) == 5


# ------------------------------------------------------------------------------------------------ two at the same file


def test_another_one_adds_while_this_is_open(store, path):
    with closing(Store(path)) as other:
        fill(other, ["added elsewhere"], first=4)
        assert len(store) == 5 and store.by_words("elsewhere", 3)[0][0] == 5
        assert store.vectors_after(4)[0].tolist() == [5]
        fill(store, ["and here"], first=5)
        assert other.by_words("here", 3)[0][0] == 6


def test_a_file_that_another_program_writes_to(store, path, tmp_path):
    store.base.execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for do in (
            lambda: fill(store, ["more"], first=4),
            lambda: store.by_words("goal", 3),
            lambda: store.vectors_after(0),
            lambda: store.row(1),
            lambda: store.text_of("t1"),
            lambda: len(store),
            lambda: store.save(tmp_path / "copy.db"),
        ):
            with pytest.raises(TimeoutError, match="another program is writing there; try again when it has ended"):
                do()
        other.rollback()
        other.execute("BEGIN IMMEDIATE")  # it is about to write: one may read
        assert len(store) == 4 and store.by_words("bank", 3)[0][0] == 2
        with pytest.raises(TimeoutError, match=r"texts\.db: another program is writing"):
            fill(store, ["more"], first=4)
    assert os.listdir(tmp_path) == ["texts.db"]  # of the copy nothing is left
    fill(store, ["more"], first=4)
    assert whole(path) == 5


def test_the_same_text_added_elsewhere_in_the_same_moment(store, path):
    with closing(Store(path)) as other:
        fill(other, ["new"], first=4)
    with pytest.raises(TimeoutError, match="try again"):
        fill(store, ["new"], first=4)
    assert whole(path) == 5


def test_it_belongs_to_the_thread_that_opened_it(store):
    caught = []

    def elsewhere():
        for do in (lambda: len(store), lambda: fill(store, ["new"], first=4), lambda: store.by_words("goal", 1)):
            with pytest.raises(RuntimeError, match=r"texts\.db: .* in the thread that uses it") as found:
                do()
            caught.append(found)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert len(caught) == 3 and len(store) == 4


def test_a_closed_one_says_so(store, tmp_path):
    store.close()
    for do in (lambda: len(store), lambda: fill(store), lambda: store.save(tmp_path / "copy.db")):
        with pytest.raises(RuntimeError, match=r"closed database\. Open it again"):
            do()
    store.close()  # twice is no matter
    assert os.listdir(tmp_path) == ["texts.db"]


# ----------------------------------------------------------------------------------------------------------- its copy


def test_a_copy_is_whole_and_its_own(store, tmp_path):
    store.save(tmp_path / "copy.db")
    fill(store, ["later"], first=4)
    with closing(Store(tmp_path / "copy.db")) as copy:
        assert len(copy) == 4 and np.array_equal(copy.vectors_after(0)[1], vectors_for(4))
        assert copy.by_words("goal", 5) != [] and copy.by_words("later", 5) == []
    assert whole(tmp_path / "copy.db") == 4 and whole(tmp_path / "texts.db") == 5
    store.save(tmp_path / "copy.db")  # replaced
    assert whole(tmp_path / "copy.db") == 5
    assert sorted(os.listdir(tmp_path)) == ["copy.db", "texts.db"]


def test_what_was_in_memory_goes_into_a_file(tmp_path):
    with closing(Store(None, PROBE)) as store:
        fill(store)
        store.save(tmp_path / "copy.db")
    assert whole(tmp_path / "copy.db") == 4


def test_saved_over_itself_it_stays_the_file_that_is_written_to(store, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.symlink(path, tmp_path / "link.db")
    for name in (path, "texts.db", "./texts.db", "link.db"):
        store.save(name)
    fill(store, ["later"], first=4)
    assert whole(path) == 5


def test_a_copy_that_does_not_fit_leaves_what_was_there(store, tmp_path, monkeypatch):
    (tmp_path / "copy.db").write_bytes(b"what was there")

    class Full:
        def execute(self, *_):
            raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(store, "base", Full())
        with pytest.raises(OSError, match=r"copy\.db: could not be read or written \(database or disk is full\)"):
            store.save(tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_bytes() == b"what was there"
    assert sorted(os.listdir(tmp_path)) == ["copy.db", "texts.db"]
    with pytest.raises(OSError, match="could not be read or written"):
        store.save(tmp_path / "nowhere" / "copy.db")


def test_a_copy_over_a_file_whose_writer_died(store, path, tmp_path):
    """Its journal would be played back into the copy."""
    killed = tmp_path / "killed.db"
    Store(killed, np.ones(384, dtype=np.float32)).close()
    journal, begun = tmp_path / "killed.db-journal", False
    for _ in range(20):
        process = adding(killed)
        deadline = time.monotonic() + 10
        while not begun and time.monotonic() < deadline and len(killed.read_bytes()) < 3 << 20:
            begun = journal.exists() and journal.read_bytes()[:1] > b"\0"  # pages of the file are being written over
        process.kill()
        process.communicate()
        if begun := begun and journal.exists():
            break
    assert begun
    store.save(killed)
    assert whole(killed) == 4
    assert sorted(os.listdir(tmp_path)) == ["killed.db", "texts.db"]


# -------------------------------------------------------------------------------------------------- what is no store


def test_a_new_one_where_something_is_already(store, path, tmp_path):
    with pytest.raises(FileExistsError, match=r"texts\.db is there already: Index\.load opens it"):
        Store(path, PROBE)
    with pytest.raises(FileExistsError):
        Store(tmp_path, PROBE)
    assert len(store) == 4


def test_an_empty_file_becomes_a_new_one(path):
    """It is what is left of one that could not be written."""
    path.touch()
    with pytest.raises(ValueError, match=r"texts\.db is no index of bertlib, or not whole"):
        Store(path)
    with closing(Store(path, PROBE)) as store:
        fill(store)
    assert whole(path) == 4


def test_where_there_is_none(tmp_path):
    for place in (tmp_path / "none.db", tmp_path, tmp_path / "no" / "folder.db"):
        with pytest.raises(FileNotFoundError, match=r"no such file; Index\(embedder, path\) makes a new one"):
            Store(place)
    with pytest.raises(OSError, match="could not be read or written"):
        Store(tmp_path / "no" / "folder.db", PROBE)
    assert os.listdir(tmp_path) == []


def test_files_of_other_programs(path):
    with closing(sqlite3.connect(path)) as base, base:
        base.execute("CREATE TABLE settings (name TEXT, value BLOB)")
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"texts\.db is no index of bertlib"):
        Store(path)
    assert path.read_bytes() == before
    for content in (
        b"a text that is longer than the header of a SQLite file, of one hundred bytes" * 3,
        b"SQLite format 3\0",
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"texts\.db is no index of bertlib"):
            Store(path)
        assert path.read_bytes() == content


def test_a_file_cut_anywhere_is_refused(store, path, tmp_path):
    fill(store, [f"text {number} of the market" for number in range(300)], first=4)
    store.close()
    content = path.read_bytes()
    rng = random.Random(0)
    cuts = {0, 1, 15, 16, 99, 100, 101, 511, 512, len(content) - 1, *range(4096, len(content), 4096)}
    cuts |= {rng.randrange(len(content)) for _ in range(60)}
    for cut in sorted(cuts):
        (tmp_path / "cut.db").write_bytes(content[:cut])
        with pytest.raises(ValueError, match=r"cut\.db is no index of bertlib, or (not whole|damaged)"):
            Store(tmp_path / "cut.db")
    (tmp_path / "cut.db").write_bytes(content + b"x")  # more than it needs is no matter
    Store(tmp_path / "cut.db").close()


def test_a_file_with_a_page_overwritten_says_so_or_answers(store, path, tmp_path):
    fill(store, [f"text {number} of the market" for number in range(300)], first=4)
    store.close()
    content, named = path.read_bytes(), 0
    for start in range(0, len(content), 4096):
        for page in (b"\0" * 4096, random.Random(start).randbytes(4096)):
            (tmp_path / "bad.db").write_bytes(content[:start] + page + content[start + 4096 :])
            try:
                with closing(Store(tmp_path / "bad.db")) as bad:
                    bad.by_words("market goal", 400)
                    bad.vectors_after(0)
                    len(bad)
                    for number in range(1, 305):
                        bad.row(number)
            except (ValueError, OSError) as error:
                assert "bad.db" in str(error)
                named += 1
    assert named > len(content) // 4096


def test_the_mark_is_in_the_header(store, path):
    store.close()
    assert path.read_bytes()[68:72] == b"BERT" == MARK.to_bytes(4, "big")
    shutil.copy(path, path.with_name("moved.db"))
    Store(path.with_name("moved.db")).close()
