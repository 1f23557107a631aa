"""An index finds by words, by meaning and by both; it keeps what it was given, and names what does not fit."""

import os
import sqlite3
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

from bertlib.__main__ import main
from bertlib.data.encoders import encoder_folder
from bertlib.data.nearest import Exact, fuse_ranks, fuse_scores
from bertlib.data.store import MARK
from bertlib.model.heads import BertForEmbedding
from bertlib.tasks.embed import Embedder
from bertlib.tasks.search import DEPTH, MODES, Index

TEXTS = [
    "the goal of the match",
    "a bank and its market",
    "goal after goal and goal",
    "the coach and the team",
    "share and profit of the bank",
]


def make_embedder(config, tokenizer, seed=0):
    torch.manual_seed(seed)
    model = BertForEmbedding(config)
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    return Embedder(model, tokenizer, 12)


@pytest.fixture
def embedder(tiny_config, tokenizer):
    return make_embedder(tiny_config, tokenizer)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "texts.db"


@pytest.fixture
def index(embedder, path):
    with Index(embedder, path) as index:
        index.add(TEXTS, ids=["goal", "bank", "goals", "team", "share"])
        yield index


def ids_of(found):
    return [row["id"] for row in found]


# -------------------------------------------------------------------------------------------------------- what it finds


def test_by_words(index):
    found = index.search("goal", mode="words")
    assert ids_of(found) == ["goals", "goal"] and found[0]["text"] == TEXTS[2]
    assert all(list(row) == ["id", "text", "score"] for row in found)
    assert found[0]["score"] > found[1]["score"] > 0
    assert index.search("zebra", mode="words") == [] and len(index.search("the bank", 2, "words")) == 2


@pytest.mark.parametrize("k", [1, 3, 5, 6, 1000])
def test_by_meaning_in_the_order_of_brute_force(index, embedder, k):
    for query in ("goal", "the market of a bank", "zebra"):
        products = embedder.predict(TEXTS) @ embedder.predict(query)
        found = index.search(query, k, "meaning")
        order = np.argsort(-products, kind="stable")[:k]
        assert [row["text"] for row in found] == [TEXTS[place] for place in order]
        np.testing.assert_allclose([row["score"] for row in found], products[order], rtol=0, atol=1e-6)


@pytest.mark.parametrize("weight", [None, 0, 0.4, 1])
def test_by_both_as_a_plain_computation_fuses_them(index, embedder, path, weight):
    with Index.load(path, embedder, weight=weight) as again:
        for query in ("goal", "the bank of a team", "zebra", "profit coach match"):
            words, meaning = (
                [(row["id"], row["score"]) for row in again.search(query, DEPTH, mode)] for mode in MODES[:2]
            )
            expected = fuse_ranks(words, meaning) if weight is None else fuse_scores(words, meaning, weight)
            found = again.search(query, 4)
            assert [row["score"] for row in found] == pytest.approx([score for _, score in expected[:4]])
            assert ids_of(found) == [name for name, _ in expected[:4]]
    assert ids_of(index.search("goal", 5)) == ids_of(index.search("goal", 5, "hybrid"))


def test_more_than_its_depth_may_be_asked_for(embedder):
    with Index(embedder) as index:
        index.add([f"goal {letter} {other}" for letter in "abcdefghijkl" for other in "mnopqrstuvwx"])
        assert len(index) == 144 and len(index.search("goal", 130)) == 130 and len(index.search("goal", 500)) == 144


def test_a_word_deep_in_a_long_text_is_found_by_meaning():
    """Windows: MiniLM reads 256 tokens, and the 900th word is in none of these."""
    minilm = Embedder.load(encoder_folder("minilm"))
    filler = "The report is about the price of wheat and of barley in this year. " * 64
    ash = "A volcano erupted in Iceland, and its lava and ash covered the glacier. " * 4
    texts = [filler + ash + filler[:500], filler * 2, "Ministers met to talk about the tax on beer."]
    with Index(minilm) as index:
        index.add(texts, ids=["volcano", "wheat", "beer"])
        found = index.search("an eruption of lava beside ice", 3, "meaning")
        assert ids_of(found)[0] == "volcano" and found[0]["score"] > found[1]["score"] + 0.1
        assert len(index.vectors) > 10  # several of each long text, each text found once
        assert sorted(ids_of(found)) == ["beer", "volcano", "wheat"]
        one = minilm.predict(texts)
        assert abs(float(one[0] @ one[1])) > 0.999  # what a vector of 256 tokens knows of them


# --------------------------------------------------------------------------------------------------- what it is given


def test_an_empty_index(embedder, path):
    with Index(embedder, path) as index:
        assert len(index) == 0 and all(index.search("goal", 3, mode) == [] for mode in MODES)
    with Index.load(path, embedder) as again:
        assert len(again) == 0 and again.search("goal") == []
        again.add("goal")
        assert len(again.search("goal")) == 1


@pytest.mark.parametrize(
    "query, message",
    [
        ("", "query='': give a text with something in it"),
        (" \n\t", "query=' \\n\\t': give a text with something in it"),
        (None, "query is NoneType None: give strings"),
        (["goal"], "query is list ['goal']: give strings"),
        ("goal \ud83d", "query: character 5 is half a character"),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_queries_that_are_none(index, query, message, mode):
    with pytest.raises(ValueError) as caught:
        index.search(query, mode=mode)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("k", [0, -1, True, 2.0, "3", None])
def test_k_that_is_none(index, k):
    with pytest.raises(ValueError, match=r"k=.*: give a whole number of at least 1"):
        index.search("goal", k)


def test_a_mode_or_weight_that_there_is_not(index, embedder, path, tmp_path):
    with pytest.raises(ValueError, match="mode='lexical': choose one of words, meaning, hybrid"):
        index.search("goal", mode="lexical")
    for weight in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match=r"weight=.*: give a number from 0 \(words alone\) to 1"):
            Index(embedder, tmp_path / "new.db", weight=weight)
        with pytest.raises(ValueError, match="weight="):
            Index.load(path, embedder, weight=weight)
    assert os.listdir(tmp_path) == ["texts.db"]  # no file for what was refused


@pytest.mark.parametrize(
    "query",
    ['AND OR NOT "', 'goal" OR "bank', "NEAR(goal, bank)", "text:goal*", "'); DROP TABLE texts;--", "(((", "🙂", "\0"],
)
def test_operators_and_quotes_are_nothing_special(index, query):
    for mode in MODES:
        assert len(index.search(query, 3, mode)) <= 3
    assert len(index) == 5


def test_duplicates_are_one_text(index):
    assert index.add(TEXTS[0], ids="goal") == ["goal"] and len(index) == 5
    names = index.add(["zebra", "horse", "zebra"])
    assert names[0] == names[2] != names[1] and len(index) == 7
    assert index.add(["horse", "cow"])[0] == names[1] and len(index) == 8
    assert ids_of(index.search("zebra", 3, "words")) == [names[0]]
    assert len(index.search("zebra", 20, "meaning")) == 8  # nothing has two vectors
    index.add("zebra", ids=["another"])  # under a name of its own it is another text
    assert ids_of(index.search("zebra", 3, "words")) == [names[0], "another"]


def test_an_id_of_another_text(index):
    for ids in (["new", "goal"], ["same", "same"]):
        with pytest.raises(ValueError, match=r"ids\[1\]='(goal|same)' is the id of another text, '.*': give another"):
            index.add(["one", "two"], ids=ids)
    assert len(index) == 5 and index.search("one", mode="words") == []


@pytest.mark.parametrize(
    "texts, ids, message",
    [
        ([], None, "texts is empty"),
        (None, None, "texts is NoneType"),
        ({"a": "goal"}, None, "texts is dict"),
        (["goal", " "], None, "texts[1] is ' ': give texts with something in them"),
        (["goal", 5], None, "texts[1] is int 5"),
        (["goal", "team \ud83d"], None, "texts[1]: character 5 is half a character"),
        (["one", "two"], ["a"], "2 texts and 1 ids: give as many"),
        (["one", "two"], "ab", "2 texts and 1 ids: give as many"),
        (["one", "two"], ["a", 5], "ids[1] is int 5: give strings"),
        (["one", "two"], ["a", "\ud83d"], "ids[1]: character 0 is half a character"),
    ],
)
def test_texts_and_ids_that_are_none(index, texts, ids, message):
    for vectors in (None, np.eye(32)[:2]):
        with pytest.raises(ValueError) as caught:
            index.add(texts, ids, vectors=vectors)
        assert str(caught.value).startswith(message)
    assert len(index) == 5


def test_a_blank_text_is_named_by_its_place_among_all(index):
    with pytest.raises(ValueError, match=r"texts\[3\] is ' '"):
        index.add([*TEXTS[:3], " "], ids=["goal", "bank", "goals", "new"])


def test_vectors_that_are_given(embedder, index):
    texts = ["zebra", "the horse", "zebra"]
    vectors = embedder.predict(texts)
    with Index(embedder) as other:
        for kind in (np.float16, np.float64, list):
            names = [f"{kind.__name__}{number}" for number in range(3)]
            other.add(texts, names, vectors=vectors.tolist() if kind is list else vectors.astype(kind))
        assert len(other) == 9
        found = other.search("zebra", 9, "meaning")
        np.testing.assert_allclose([row["score"] for row in found[:6]], 1, rtol=0, atol=1e-3)
        other.add(["zebra", "new"], ["float160", "new"], vectors=embedder.predict(["zebra", "new"]))
        assert other.search("new", 1, "meaning")[0]["id"] == "new"  # its own vector, though the first text was there
    short = [vectors[:2], vectors[:, :31], vectors * 1.1, vectors * np.nan, vectors[0], np.zeros_like(vectors)]
    for bad in short:
        with pytest.raises(
            ValueError, match=r"vectors of shape .*: give \(3, 32\), each of length 1, of this embedder"
        ):
            index.add(texts, ["a", "b", "c"], vectors=bad)
    assert len(index) == 5


def test_texts_of_any_kind(embedder):
    with Index(embedder) as index:
        for given in (TEXTS[:1], tuple(TEXTS[1:2]), iter(TEXTS[2:3]), np.array(TEXTS[3:4]), (t for t in TEXTS[4:])):
            assert len(index.add(given)) == 1
        assert len(index) == 5 and len(index.add("goal")) == 1


def test_a_text_and_a_query_of_100_000_characters(index):
    index.embedder.max_length = 38
    text = ("match goal " * 10_000)[:99_994] + " zebra"
    query = " ".join(f"w{number}" for number in range(20_000))[:100_000]
    assert index.add(text, ids="long") == ["long"]
    for mode in MODES:
        assert "long" in ids_of(index.search(text, 6, mode)) and len(index.search(query, 3, mode)) <= 3
    assert index.search("zebra", 1, "words")[0]["text"] == text and len(index.vectors) > 600


def test_nul_characters(index):
    index.add(["one\0two", "\0"], ids=["a\0b", "\0"])
    assert ids_of(index.search("two", mode="words")) == ["a\0b"]
    assert {row["text"] for row in index.search("goal", 10, "meaning")} == {*TEXTS, "one\0two", "\0"}


# ------------------------------------------------------------------------------------------------------- what it keeps


def test_saved_loaded_and_closed(index, embedder, path, tmp_path):
    expected = {mode: index.search("the goal", 5, mode) for mode in MODES}
    index.save(tmp_path / "copy.db")
    index.add("later")
    index.close()
    with pytest.raises(RuntimeError, match="closed database"):
        index.search("goal")
    with Index.load(tmp_path / "copy.db", embedder) as copy, Index.load(path, embedder) as again:
        assert (len(copy), len(again)) == (5, 6)
        assert {mode: copy.search("the goal", 5, mode) for mode in MODES} == expected
    with pytest.raises(RuntimeError, match="closed database"):
        len(again)


def test_in_memory_until_it_is_saved(embedder, path):
    with Index(embedder) as index:
        index.add(TEXTS)
        assert not path.exists()
        index.save(path)
    with Index.load(path, embedder) as again:
        assert len(again) == 5


def test_an_index_of_another_model_or_size(index, path, embedder, tiny_config, tokenizer):
    from dataclasses import replace

    other = make_embedder(tiny_config, tokenizer, seed=1)
    with pytest.raises(ValueError, match=r"was made with another model \(vectors of 32 numbers, this one's have 32\)"):
        Index.load(path, other)
    with pytest.raises(ValueError, match=r"vectors of 32 numbers, this one's have 16\): give that one"):
        Index.load(path, make_embedder(replace(tiny_config, hidden_size=16), tokenizer))
    Index.load(path, make_embedder(tiny_config, tokenizer)).close()


def test_files_that_are_none(embedder, path, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no such file; Index\(embedder, path\) makes a new one"):
        Index.load(path, embedder)
    path.write_text("no index")
    with pytest.raises(ValueError, match="is no index of bertlib"):
        Index.load(path, embedder)
    with pytest.raises(FileExistsError, match=r"is there already: Index\.load opens it"):
        Index(embedder, path)


def test_a_full_disk_and_a_locked_file(index, path):
    index.store.base.execute(f"PRAGMA max_page_count = {index.store.one('PRAGMA page_count') + 2}")
    many = [f"goal {number} of the match" for number in range(500)]
    vectors = np.tile(np.eye(32, dtype=np.float32)[:1], (500, 1))
    with pytest.raises(OSError, match=r"texts\.db: could not be read or written \(database or disk is full\); nothing"):
        index.add(many, vectors=vectors)
    assert len(index) == 5
    index.store.base.execute("PRAGMA max_page_count = 100000")
    index.store.base.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    for do in (lambda: index.add(many, vectors=vectors), lambda: index.search("goal")):
        with pytest.raises(TimeoutError, match="another program is writing there"):
            do()
    other.close()
    index.add(many, vectors=vectors)
    assert len(index) == 505 and len(index.search("goal", 600, "meaning")) == 505


def test_what_another_index_adds_is_found_at_the_next_search(index, embedder, path):
    index.search("goal")
    with Index.load(path, embedder) as other:
        other.search("goal")
        other.add("zebra", ids="z1")
        assert ids_of(index.search("zebra", 1)) == ["z1"]
        index.add("zebra zebra", ids="z2")
        for one in (index, other):
            assert sorted(ids_of(one.search("zebra", 7, "words"))) == ["z1", "z2"]
            assert len(one.search("zebra", 10, "meaning")) == len(one) == len(one.vectors) == 7
        with pytest.raises(ValueError, match="ids\\[0\\]='z1' is the id of another text"):
            index.add("horse", ids="z1")


def test_another_threads_index_is_refused_and_one_of_its_own_is_none(index, embedder, path):
    caught = []

    def elsewhere():
        with pytest.raises(RuntimeError, match="in the thread that uses it"):
            index.search("goal")
        with Index.load(path, embedder) as own:
            own.add("zebra", ids="z")
            caught.append(ids_of(own.search("zebra", 1)))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert caught == [["z"]] and ids_of(index.search("zebra", 1)) == ["z"]


def test_a_failing_embedder_adds_nothing(index, embedder, monkeypatch):
    def broken(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(embedder, "vectors", broken)
    with pytest.raises(KeyboardInterrupt):
        index.add(["zebra"])
    assert len(index) == 5 and index.search("zebra", mode="words") == []


def test_another_engine_compares_the_vectors(embedder, path):
    """What `Vectors` asks is all that it is asked."""

    class Engine:
        def __init__(self):
            self.own, self.asked = Exact(), []

        def add(self, texts, vectors):
            self.asked.append(len(texts))
            self.own.add(texts, vectors)

        def best(self, vector, k):
            return self.own.best(vector, k)

        def __len__(self):
            return len(self.own)

    engine = Engine()
    with Index(embedder, path, vectors=engine) as index:
        index.add(TEXTS)
        found = index.search("goal", 3)
        assert engine.asked == [5]
        index.search("goal")
        assert engine.asked[1:] == [0]  # each vector once
    with Index.load(path, embedder) as again:
        assert again.search("goal", 3) == found


# ---------------------------------------------------------------------------------------------------------- the command


def test_the_command(tmp_path, tiny_folder, capsys):
    (tmp_path / "texts").mkdir()
    for name, text in zip("abcde", TEXTS, strict=True):
        (tmp_path / "texts" / f"{name}.txt").write_text(text, encoding="utf-8")
    (tmp_path / "rows.jsonl").write_text('{"body": "zebra and horse"}\n{"body": "goal"}\n', encoding="utf-8")
    place = tmp_path / "texts.db"
    assert main(["search", str(place), "--add", str(tmp_path / "texts"), "--encoder", str(tiny_folder)]) == 0
    assert "texts.db: 5 texts" in capsys.readouterr().out
    more = ["--add", str(tmp_path / "rows.jsonl"), "--text", "body", "--query", "zebra", "--query", "goal match"]
    assert main(["search", str(place), *more, "--encoder", str(tiny_folder), "--mode", "words", "--k", "2"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].endswith("texts.db: 7 texts") and printed[1:3] == ["", "zebra"]
    assert "zebra and horse" in printed[3] and printed[3].startswith("  1  ")
    assert printed[4:6] == ["", "goal match"] and "the goal of the match" in printed[6] and len(printed) == 8
    assert place.read_bytes()[68:72] == MARK.to_bytes(4, "big")


def test_the_command_says_what_is_wrong(tmp_path, tiny_folder, capsys):
    place = str(tmp_path / "none.db")
    assert main(["search", place, "--query", "goal"]) == 2
    assert "there is no such index; --add makes one" in capsys.readouterr().err
    (tmp_path / "none.db").write_text("no index")
    assert main(["search", place, "--query", "goal", "--encoder", str(tiny_folder)]) == 2
    assert "is no index of bertlib" in capsys.readouterr().err
    (tmp_path / "none.db").unlink()
    assert main(["search", place, "--add", str(tmp_path / "nowhere"), "--encoder", str(tiny_folder)]) == 2
    assert "nowhere" in capsys.readouterr().err and not os.path.exists(place)


def test_as_a_person_runs_it(tmp_path, tiny_folder):
    (tmp_path / "a.txt").write_text(TEXTS[0], encoding="utf-8")
    command = [sys.executable, "-X", "utf8", "-m", "bertlib", "search", "x.db", "--add", "a.txt", "--query", "goal"]
    done = subprocess.run(
        [*command, "--encoder", str(tiny_folder)], cwd=tmp_path, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0 and "x.db: 1 texts" in done.stdout and "the goal of the match" in done.stdout
