"""Text that need not fit in memory: what goes in comes out, training does not notice, and memory stays small."""

import datetime
import gzip
import json
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from datasets import Dataset
from test_pretrain import QUIET, TINY, documents, make_data, same_batch

from bertlib.__main__ import main
from bertlib.data.documents import stream_documents
from bertlib.tasks.pretrain import pretrain
from bertlib.text.corpus import EncodedCorpus, encode_corpus
from bertlib.text.pair_stream import PretrainingData
from bertlib.text.sentences import split_sentences
from bertlib.text.wordpiece import WordPiece


@pytest.fixture(scope="module")
def tokenizer():
    return WordPiece.train((s for document in documents(50, 0) for s in document), 200).to_tokenizers()


@pytest.fixture(scope="module")
def corpus(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus") / "encoded"
    return encode_corpus(iter(documents(600, 3)), tokenizer, folder, show_progress=False)


def test_what_goes_in_comes_out(corpus, tokenizer):
    expected = [[tokenizer.encode(s, add_special_tokens=False).ids for s in document] for document in documents(600, 3)]
    assert len(corpus) == 600
    assert list(corpus) == expected == list(EncodedCorpus(corpus.folder))
    assert (
        corpus[-1] == expected[-1]
        and list(corpus[17:40]) == expected[17:40]
        and list(corpus[:-5][-3:]) == expected[592:595]
    )
    assert corpus.tokens == sum(len(s) for d in expected for s in d)
    assert corpus[17:40].tokens == sum(len(s) for d in expected[17:40] for s in d) == 23 * 8 * 4
    flat = [i for d in expected[17:40] for s in d for i in s]
    assert np.concatenate(corpus[17:40].token_parts()).tolist() == flat
    assert corpus[5:5].tokens == 0
    with pytest.raises(IndexError):
        corpus[600]
    with pytest.raises(ValueError, match="step 1"):
        corpus[::2]
    assert corpus.tokenizer().get_vocab() == tokenizer.get_vocab()


def test_a_source_that_breaks_off_is_not_called_a_full_disk(tokenizer, tmp_path):
    def stream():
        yield ["cats purr ."]
        raise ConnectionError("the set broke off; check the network")

    with pytest.raises(ConnectionError, match=r"^the set broke off; check the network$"):
        encode_corpus(stream(), tokenizer, tmp_path / "odd", show_progress=False)
    assert list(tmp_path.iterdir()) == []


def test_documents_without_a_token_are_left_out(tokenizer, tmp_path):
    odd = [["cats purr .", "", "  "], [], ["\u200b"], ["", "dogs bark ."]]
    small = encode_corpus(odd, tokenizer, tmp_path / "odd", show_progress=False)
    assert [[tokenizer.decode(s) for s in d] for d in small] == [["cats purr."], ["dogs bark."]]
    with pytest.raises(ValueError, match="documents hold no text"):
        encode_corpus([[""]], tokenizer, tmp_path / "none", show_progress=False)
    assert not (tmp_path / "none").exists()


def test_training_does_not_notice(tokenizer, tmp_path):
    """Lists and files give the same batches, counts and model."""
    corpus = encode_corpus(documents(20, 3), tokenizer, tmp_path / "c", show_progress=False)
    settings = {"max_length": 20, "batch_size": 4, "show_progress": False}
    data, reference = PretrainingData(corpus, tokenizer, **settings), make_data(tokenizer)
    assert (data.token_counts() == reference.token_counts()).all() and data.tokens == reference.tokens
    assert all(same_batch(data.batch(number), reference.batch(number)) for number in range(40))
    run = {"start": TINY, "tokenizer": tokenizer, "updates": 3, "batch_size": 4, "max_length": 20} | QUIET
    models = [pretrain(source, corpus[:5], **run).model for source in (corpus, documents(20, 3))]
    for one, other in zip(*(model.parameters() for model in models), strict=True):
        assert torch.equal(one, other)


def test_another_vocabulary_is_refused(corpus):
    other = WordPiece.train((s for document in documents(50, 0) for s in document), 60).to_tokenizers()
    with pytest.raises(ValueError, match="encoded with another vocabulary"):
        PretrainingData(corpus, other, max_length=20, batch_size=4)


class InSections(PretrainingData):
    section = 150


def test_a_pass_in_sections_reads_every_document_once(corpus, tokenizer):
    data = InSections(corpus, tokenizer, max_length=20, batch_size=4, show_progress=False)
    assert data.sections == 4
    whole = sorted(tuple(s) for document in corpus for s in document)
    for number in (0, 1):
        pairs = [pair for batch in data.batches_of_pass(number) for pair in batch]
        firsts = [tuple(pair.first) + tuple(pair.second) for pair in pairs]
        single = PretrainingData(corpus, tokenizer, max_length=20, batch_size=4, show_progress=False)
        assert abs(len(firsts) - len([p for b in single.batches_of_pass(0) for p in b])) < 0.05 * len(firsts)
    assert len(whole) == 600 * 8
    first_pass = [data.batch(number) for number in range(len(data.batches_of_pass(0)))]
    again = InSections(corpus, tokenizer, max_length=20, batch_size=4, show_progress=False)
    middle = len(first_pass) // 2
    assert same_batch(again.batch(middle), first_pass[middle])  # a run that goes on begins anywhere
    assert len(again._drawn) <= 2  # and holds two sections, not the pass


def test_sections_of_a_pass_part_the_documents(corpus, tokenizer, monkeypatch):
    seen = []
    original = EncodedCorpus.__getitem__
    monkeypatch.setattr(EncodedCorpus, "__getitem__", lambda self, i: seen.append(i) or original(self, i))
    data = InSections(corpus, tokenizer, max_length=20, batch_size=4, show_progress=False)
    for number in (0, 1):
        seen.clear()
        data._drawn.clear()
        data.batches_of_pass(number)
        assert sorted(seen) == list(range(600))
        parts = np.split(np.array(seen), 4)
        assert all((np.diff(part) > 0).all() for part in parts)  # read forwards, as disks like it
    assert not (parts[0] < 200).all()


@pytest.mark.parametrize("spoil", ["tokens.bin", "sentence_ends.bin", "document_ends.bin"])
def test_a_cut_file_is_noticed(spoil, tokenizer, tmp_path):
    folder = encode_corpus(documents(5, 3), tokenizer, tmp_path / "c", show_progress=False).folder
    content = (folder / spoil).read_bytes()
    (folder / spoil).write_bytes(content[:-1])
    with pytest.raises(ValueError, match=f"{spoil} has {len(content) - 1} bytes, not {len(content)}"):
        EncodedCorpus(folder)


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(FileNotFoundError):
        EncodedCorpus(tmp_path)
    (tmp_path / "corpus.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match="not written by encode_corpus"):
        EncodedCorpus(tmp_path)


def test_an_error_on_the_way_leaves_nothing(tokenizer, tmp_path):
    def broken():
        yield from documents(300, 3)
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError, match="the source broke"):
        encode_corpus(broken(), tokenizer, tmp_path / "c", show_progress=False)
    assert list(tmp_path.iterdir()) == []


def test_memory_does_not_grow_with_the_corpus(tmp_path, tokenizer):
    """Encoding five times as much takes hardly more memory; measured in processes of their own."""
    vocab = tmp_path / "vocab.txt"
    pieces = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    vocab.write_text("".join(f"{piece}\n" for piece, _ in pieces), encoding="utf-8")
    program = """
import resource, sys
from bertlib.text.corpus import encode_corpus
from bertlib.text.wordpiece import WordPiece
count, vocab, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]
tokenizer = WordPiece.from_vocab(vocab).to_tokenizers()
documents = (["cats often purr . " * 5] * 40 for _ in range(count))
tokens = encode_corpus(documents, tokenizer, out, show_progress=False).tokens
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(tokens, peak / (1 if sys.platform == "linux" else 1024))
"""
    peaks = []
    for count in (600, 3000):
        command = [sys.executable, "-c", program, str(count), str(vocab), str(tmp_path / str(count))]
        tokens, peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        assert int(tokens) == count * 40 * 20
        peaks.append(float(peak) / 1024)  # MB
    assert peaks[1] - peaks[0] < 20  # as Python lists, these 1.9 million ids alone would take 70 MB


# ---------------------------------------------------------------------------------------------------- the sources

TEXTS = ["Cats purr. Dogs bark.\nBees buzz.", "Ducks quack. Cows moo."]


def test_sources(tmp_path):
    expected = [split_sentences(text) for text in TEXTS]
    rows = Dataset.from_dict({"text": TEXTS})
    for folder in ("parquet/a", "json"):
        (tmp_path / folder).mkdir(parents=True)
    Dataset.to_parquet(rows.select([0]), tmp_path / "parquet" / "a" / "0.parquet")
    Dataset.to_parquet(rows.select([1]), tmp_path / "parquet" / "b.parquet")
    (tmp_path / "json" / "x.jsonl").write_text("".join(json.dumps({"text": t}) + "\n" for t in TEXTS), encoding="utf-8")
    (tmp_path / "text.txt").write_text("\n\n".join(TEXTS), encoding="utf-8")
    for source in ("parquet", "parquet/b.parquet", "json", "json/x.jsonl", "text.txt"):
        wanted = expected[1:] if source.endswith("b.parquet") else expected
        assert list(stream_documents(tmp_path / source)) == wanted, source
    titled = Dataset.from_dict({"title": ["Animals", ""], "body": TEXTS})
    titled.to_parquet(tmp_path / "titled.parquet")
    assert list(stream_documents(tmp_path / "titled.parquet", text="body")) == [["Animals", *expected[0]], expected[1]]
    with pytest.raises(ValueError, match="has no column 'text'; its columns are 'title', 'body'"):
        list(stream_documents(tmp_path / "titled.parquet"))
    numbers = Dataset.from_dict({"title": ["A", "B"], "text": [None, 7]})
    numbers.to_parquet(tmp_path / "numbers.parquet")
    with pytest.raises(ValueError, match="row 1: column 'text' holds 7, no text"):
        list(stream_documents(tmp_path / "numbers.parquet"))
    (tmp_path / "nothing").mkdir()
    with pytest.raises(ValueError, match="is empty"):
        list(stream_documents(tmp_path / "nothing"))


def test_the_commands(tmp_path, capsys):
    texts = ["\n".join(document) for document in documents(40, 1)]
    Dataset.from_dict({"text": texts}).to_parquet(tmp_path / "data" / "0.parquet")
    encoded, out = str(tmp_path / "encoded"), str(tmp_path / "out")
    assert main(["encode", str(tmp_path / "data"), "--out", encoded, "--vocab-size", "120", "--limit", "30"]) == 0
    assert "30 documents, " in capsys.readouterr().out
    sizes = ["--hidden-size", "16", "--layers", "1", "--heads", "2", "--max-length", "24", "--updates", "3"]
    command = ["pretrain", "--corpus", encoded, *sizes, "--batch-size", "4", "--evaluate-every", "3"]
    for more in ([], ["--packing", "--recompute"]):
        assert main([*command, *more, "--out", out + str(len(more))]) == 0
        assert "update 3" in capsys.readouterr().out
    assert main(["encode", str(tmp_path / "data"), "--out", encoded + "2", "--tokenizer", encoded]) == 0
    assert list(EncodedCorpus(encoded + "2")[:30]) == list(EncodedCorpus(encoded))


# ------------------------------------------------------------------------------------------------ JSON of all sorts


def documents_in(path, content, **options):
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return list(stream_documents(path, **options))


LINES = "".join(json.dumps({"id": n, "text": text}) + "\n" for n, text in enumerate(("One. Two.", "Three.")))
ARRAY = json.dumps([{"text": "One. Two."}, {"text": "Three."}], indent=1)  # as pandas writes it by default


@pytest.mark.parametrize(
    "name, content",
    [
        ("a.jsonl", LINES),
        ("a.JSONL", LINES),
        ("a.json", LINES),  # spacemanidol/MSMARCO issue 9
        ("a.ndjson", LINES),
        ("wiki_00", LINES),  # attardi's wikiextractor names them so
        ("a.txt", LINES),
        ("a.json.gz", gzip.compress(LINES.encode(), mtime=0)),  # huggingface/datasets issue 5088
        ("a.jsonl.gz", gzip.compress(LINES.encode(), mtime=0)),
        ("a.json", ARRAY),  # huggingface/datasets issues 1784 and 4963
        ("a.jsonl", "\n" + ARRAY),
        ("a.jsonl", LINES.replace("\n", "\r\n")),
        ("a.jsonl", LINES.replace("\n", "\r\r\n")),
        ("a.jsonl", "\ufeff" + LINES.replace("\n", "\n\ufeff")),  # joined files
        ("a.jsonl", LINES.replace("\n", "\n\n").rstrip()),
    ],
)
def test_json_under_any_name(tmp_path, name, content):
    assert documents_in(tmp_path / name, content) == [["One.", "Two."], ["Three."]]


@pytest.mark.parametrize(
    "rows, expected",
    [
        # a title that comes late, or is empty for long (huggingface/datasets issues 7222 and 3965)
        ([{"text": "A."}, {"text": "B.", "title": "T"}], [["A."], ["T", "B."]]),
        ([{"text": "A.", "title": None}, {"text": "B.", "title": "T"}], [["A."], ["T", "B."]]),
        ([{"title": "T"}, {"text": None}, {"text": ""}, {"text": "A."}], [["T"], ["A."]]),
        # numbers and dates (huggingface/datasets issue 7664)
        ([{"text": "A.", "title": 1984}, {"text": "B.", "title": "T"}], [["1984", "A."], ["T", "B."]]),
        ([{"text": "A.", "title": "2020-01-01"}], [["2020-01-01", "A."]]),
        ([{"text": "A.", "title": float("nan")}], [["A."]]),
        # another column of many kinds (oobabooga issue 4325: "Column() changed from object to array")
        ([{"text": "A.", "meta": {"a": 1}}, {"text": "B.", "meta": [1]}, {"text": "C.", "meta": "x"}], None),
        # half an emoji (huggingface/transformers issue 8886): pyarrow reads no line of such a file
        ([{"text": "A \ud83d cat."}, {"text": "B."}], [["A \ufffd cat."], ["B."]]),
        ([{"text": "A \ud83d\ude00 cat."}], [["A 😀 cat."]]),
    ],
)
def test_rows_of_json_are_read_one_by_one(tmp_path, rows, expected):
    found = documents_in(tmp_path / "a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    assert found == (expected or [["A."], ["B."], ["C."]])


@pytest.mark.parametrize(
    "content, message",
    [
        ('{"text": "A."}\n{"text":\n', "a.json, line 2: not JSON"),
        ('[{"text": "A."},\n{"text": }]\n', "a.json, line 2: not JSON"),
        ('{\n "text": "A."\n}\n', "a.json, line 1: not JSON .*; write an object a line, or one array"),
        ('{"text": "A."}\n["B."]\n', r"a.json, line 2: \['B.'\] is no object with columns"),
        ('{"body": "A."}\n{"body": "B.", "x": 1}\n', "a.json has no column 'text'; its columns are 'body', 'x'"),
        ('{"text": "A."}\n{"text": 7}\n', "a.json, line 2: column 'text' holds 7, no text"),
        ('{"text": "A.", "title": ["T"]}\n', r"a.json, line 1: column 'title' holds \['T'\], no title"),
        (b'{"text": "A."}\n{"text": "caf\xe9"}\n', "a.json, line 1 or soon after: not UTF-8"),
        (gzip.compress(LINES.encode(), mtime=0)[:-9], "a.json.gz, line 3: not whole in gzip's form"),
    ],
)
def test_json_that_cannot_be_read_is_named(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        documents_in(tmp_path / re.match(r"a\.json(\.gz)?", message)[0], content)


def test_parquet_files_have_their_own_types(tmp_path):
    """A column that holds nothing in the first file has no type there, to which datasets would cast the next."""
    Dataset.from_dict({"title": [None], "text": ["A."]}).to_parquet(tmp_path / "0.parquet")
    Dataset.from_dict({"title": ["T"], "text": ["B."]}).to_parquet(tmp_path / "1.parquet")
    days = [datetime.date(2020, 1, 1)]
    Dataset.from_dict({"title": days, "text": ["C."]}).to_parquet(tmp_path / "2.parquet")
    assert list(stream_documents(tmp_path)) == [["A."], ["T", "B."], ["2020-01-01", "C."]]


def test_a_folder_is_read_for_one_kind(tmp_path):
    (tmp_path / "about.json").write_text('{"license": "MIT"}', encoding="utf-8")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / ".ipynb_checkpoints" / "a.jsonl").write_text(LINES, encoding="utf-8")
    (tmp_path / "a.txt").write_text("Text.", encoding="utf-8")
    assert list(stream_documents(tmp_path)) == [["Text."]]
    (tmp_path / "a.txt").unlink()
    (tmp_path / "about.json").write_text(LINES, encoding="utf-8")
    assert list(stream_documents(tmp_path)) == [["One.", "Two."], ["Three."]]
