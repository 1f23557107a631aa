"""Documents and sentences."""

import random
from itertools import pairwise

import pytest

from bertlib.data.bbc import read_bbc_articles
from bertlib.data.documents import read_documents
from bertlib.files import read_text
from bertlib.text.sentences import sentence_spans, split_sentences


@pytest.mark.parametrize(
    "text, sentences",
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ('He said: "Yes." "No," she said.', ['He said: "Yes."', '"No," she said.']),
        (
            "“Really?” he asked. (So it was.) Then it rained.",
            ["“Really?” he asked.", "(So it was.)", "Then it rained."],
        ),
        ("Mr. Smith met J. K. Rowling, e.g. in St. Ives.", ["Mr. Smith met J. K. Rowling, e.g. in St. Ives."]),
        ("The U.S. Army left. It was 5.5% of bbc.co.uk.", ["The U.S. Army left.", "It was 5.5% of bbc.co.uk."]),
        ("Well... he left... Then he came.", ["Well... he left...", "Then he came."]),
        ("He left.\nMr. Benn stayed.\nU.S. troops too.", ["He left.", "Mr. Benn stayed.", "U.S. troops too."]),
        ("Title without a stop\nFirst line.\n\nSecond", ["Title without a stop", "First line.", "Second"]),
        ("In 2004. 10 men came.", ["In 2004.", "10 men came."]),
        ("为什么？因为。“好！”他说。", ["为什么？", "因为。", "“好！”", "他说。"]),
        ("Stop.Go on. ok", ["Stop.Go on. ok"]),
        (
            "See www.bbc.co.uk/news. It cost £5. £3 was left.",
            ["See www.bbc.co.uk/news.", "It cost £5.", "£3 was left."],
        ),
        ("[Laughs.] He went on. 'Go.' 'Why?' he asked.", ["[Laughs.]", "He went on.", "'Go.'", "'Why?' he asked."]),
        ("Стоило 5 руб. за кг. Потом ушёл.", ["Стоило 5 руб. за кг.", "Потом ушёл."]),
        ("「好。」他说……  对。", ["「好。」", "他说……", "对。"]),
        ("", []),
        (" \n\t\n ", []),
        ("?! ...", ["?!", "..."]),
    ],
)
def test_sentences(text, sentences):
    assert split_sentences(text) == sentences


def test_spans_cover_all_but_white_space():
    rng = random.Random(0)
    parts = ["Mr. X", "word", ". ", "! ", '." ', "\n", " ", "A.", "5.5", "。", "…", "(", ") ", "é"]
    for _ in range(3000):
        drawn = [rng.choice(parts) if rng.random() < 0.9 else chr(rng.randrange(32, 0xD800)) for _ in range(20)]
        text = "".join(drawn[: rng.randrange(21)])
        spans = sentence_spans(text)
        assert all(start < end for start, end in spans)
        assert spans == sorted(spans)
        covered = "".join(text[start:end] for start, end in spans)
        assert "".join(covered.split()) == "".join(text.split())
        for (_, end), (start, _) in pairwise(spans):
            assert end <= start
        assert all(text[start:end] == text[start:end].strip() for start, end in spans)


def test_bbc_sentences_are_of_ordinary_length():
    lengths = [len(s.split()) for article in read_bbc_articles()[::20] for s in split_sentences(article["text"])]
    assert 15 < sum(lengths) / len(lengths) < 25
    assert max(lengths) < 150


def test_folder_of_documents(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "b.txt").write_bytes("\ufeffOne.\r\nTwo. Three.".encode())
    (tmp_path / "deep" / "a.txt").write_text("Vier.", encoding="utf-8")
    (tmp_path / "c.txt").write_text(" \n", encoding="utf-8")
    (tmp_path / "notes.md").write_text("No.", encoding="utf-8")
    assert read_documents(tmp_path) == [["One.", "Two.", "Three."], ["Vier."]]


def test_file_of_documents(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("A one.\nA two.\n\n \n\nB one.\n", encoding="utf-8")
    assert read_documents(path) == [["A one.", "A two."], ["B one."]]


def test_what_is_no_text(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent: no such file"):
        read_documents(tmp_path / "absent")
    with pytest.raises(ValueError, match=r"holds no \.txt file"):
        read_documents(tmp_path)
    (tmp_path / "a.txt").write_text(" ", encoding="utf-8")
    with pytest.raises(ValueError, match="holds no text"):
        read_documents(tmp_path)
    (tmp_path / "b.txt").write_bytes("One.\nTwo \xe9.".encode("latin-1"))
    with pytest.raises(ValueError, match=r"b\.txt, line 2: byte 0xe9 is not UTF-8"):
        read_documents(tmp_path)
    (tmp_path / "b.txt").write_bytes(b"One.\nTwo\nx\0y")
    with pytest.raises(ValueError, match=r"b\.txt, line 3: a NUL byte"):
        read_text(tmp_path / "b.txt")
    with pytest.raises(FileNotFoundError, match="is a folder"):
        read_text(tmp_path)


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r", "\r\r\n"])
def test_line_ends_of_all_sorts(tmp_path, ends):
    """Text mode on Windows writes \\r\\n as \\r\\r\\n; then every line was a document."""
    (tmp_path / "a.txt").write_bytes("One. Two.\nThree.\n\nFour.\n".replace("\n", ends).encode())
    assert read_documents(tmp_path / "a.txt") == [["One.", "Two.", "Three."], ["Four."]]
    (tmp_path / "b.txt").write_bytes("One.\nTwo \xe9.".replace("\n", ends).encode("latin-1"))
    with pytest.raises(ValueError, match=r"b\.txt, line 2: byte 0xe9 is not UTF-8"):
        read_documents(tmp_path / "b.txt")


def test_hidden_files_are_no_documents(tmp_path):
    """Checkpoints of notebooks and a Mac's companions (fastai/fastai pull request 489) are not the corpus."""
    for name in (".ipynb_checkpoints/a-checkpoint.txt", ".git/x.txt", "deep/.hidden/b.txt", "._a.txt", ".trash.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("No.", encoding="utf-8")
    with pytest.raises(ValueError, match=r"holds no \.txt file"):
        read_documents(tmp_path)
    (tmp_path / "deep" / "A.TXT").write_text("Yes.", encoding="utf-8")
    assert read_documents(tmp_path) == [["Yes."]]
    assert read_documents(tmp_path / "deep" / ".hidden") == [["No."]]  # one that is meant is read


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.json", "a.jsonl", "a.ndjson", "a.txt"])
def test_tables_are_no_running_text(tmp_path, name):
    (tmp_path / name).write_text('{"text": "One."}\n{"text": "Two."}\n', encoding="utf-8")
    with pytest.raises(ValueError, match=rf"{name}, line 1: a table or JSON, no running text; .*bertlib encode"):
        read_documents(tmp_path / name)
    (tmp_path / "a.txt").write_text("{not json} One.\n", encoding="utf-8")
    assert read_documents(tmp_path / "a.txt") == [["{not json} One."]]
