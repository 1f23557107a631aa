"""WordPiece: what google-research/bert does to a text, held equal to `tokenizers` on tens of thousands of strings."""

import json
import random
import shutil
import time
import unicodedata
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import checks
import pytest
from bug_zoo import tokenizers_that_differ
from tokenizers.implementations import BertWordPieceTokenizer

from bertlib.data.bbc import read_bbc_articles
from bertlib.data.catalog import load
from bertlib.data.columns import documents_of
from bertlib.data.encoders import encoder_folder
from bertlib.text.sentences import split_sentences
from bertlib.text.wordpiece import (
    CHINESE_BLOCKS,
    SPECIAL_TOKENS,
    WordPiece,
    count_words,
    learn_pieces,
    load_tokenizer,
    longest_match,
    merge,
    normalize,
    split_words,
)

SHARED = Path(__file__).parents[3] / "shared"
READABLE = [*SPECIAL_TOKENS, "want", "##want", "##ed", "wa", "un", "runn", "##ing", ",", "low", "lowest"]


@pytest.fixture(scope="module")
def minilm():
    return WordPiece.from_vocab(encoder_folder("minilm") / "vocab.txt")


@pytest.fixture(scope="module")
def readable():
    return WordPiece({piece: number for number, piece in enumerate(READABLE)})


def words(text, lowercase=True):
    return ["".join(character for character, _ in word) for word in split_words(normalize(text, lowercase))]


# ----------------------------------------------------------------------------------------- cleaning and splitting


@pytest.mark.parametrize(
    "text, expected",
    [
        (" \tHeLLo!how  \n Are yoU?  ", ["hello", "!", "how", "are", "you", "?"]),
        ("H\u00e9llo na\u00efve", ["hello", "naive"]),
        ("He\u0301llo", ["hello"]),
        ("ah\u535a\u63a8zz", ["ah", "\u535a", "\u63a8", "zz"]),
        ("\u3042\u304b \ud55c\uad6d", ["\u3042\u304b", "\u1112\u1161\u11ab\u1100\u116e\u11a8"]),  # kana, Korean: whole
        ("a\u200bb\u00adc\x00d\ufffde", ["abcde"]),
        ("one\u00a0two\u3000three\u2028four", ["one", "two", "three", "four"]),
        ("$5.50 ~ x^2 `y`", ["$", "5", ".", "50", "~", "x", "^", "2", "`", "y", "`"]),
        ("$5 £5 3×4 a→b 10%", ["$", "5", "£5", "3×4", "a→b", "10", "%"]),  # only ASCII's symbols stand alone
        ("\u201cquoted\u201d \u2014 dash\u2026", ["\u201c", "quoted", "\u201d", "\u2014", "dash", "\u2026"]),
        ("\u0130stanbul \u03a3\u03a3", ["istanbul", "\u03c3\u03c3"]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_words(text, expected):
    assert words(text) == expected


def test_all_white_space_becomes_a_space():
    assert normalize("a\u00a0b\u3000\t") == [("a", 0), (" ", 1), ("b", 2), (" ", 3), (" ", 4)]


def test_cased_text_keeps_case_and_accents():
    assert words("H\u00e9llo \u535a", lowercase=False) == ["H\u00e9llo", "\u535a"]


def test_borders_of_the_chinese_blocks():
    fast = WordPiece({token: number for number, token in enumerate(SPECIAL_TOKENS)}).to_tokenizers()
    departs = range(0x2B820, 0x2B920)  # see the module's docstring
    for block in CHINESE_BLOCKS:
        for code in (block[0] - 1, block[0], block[1], block[1] + 1):
            assert any(first <= code <= last for first, last in CHINESE_BLOCKS) == (len(normalize(chr(code))) == 3)
            if code not in departs:
                theirs = fast.normalizer.normalize_str(chr(code))
                assert "".join(part for part, _ in normalize(chr(code))) == theirs, hex(code)


@pytest.mark.parametrize(
    "word, pieces",
    [
        ("unwanted", ["un", "##want", "##ed"]),
        ("want", ["want"]),
        ("running", ["runn", "##ing"]),
        ("lowest", ["lowest"]),  # not low + ##est
        ("unwantedx", ["[UNK]"]),  # one unknown letter at the end and the whole word is gone
        ("", []),
    ],
)
def test_longest_match(word, pieces, readable):
    assert longest_match(word, readable.vocab) == pieces


def test_over_long_words_are_unknown(minilm):
    assert minilm.encode("a" * 100, add_special_tokens=False).tokens != ["[UNK]"]
    assert minilm.encode("a" * 101, add_special_tokens=False).tokens == ["[UNK]"]


def test_offsets_point_into_the_original_text(readable):
    text = "  UNw\u00e1nted,\u200b Xyz [MASK] runn\u0301ing"
    encoding = readable.encode(text)
    assert encoding.tokens == ["[CLS]", "un", "##want", "##ed", ",", "[UNK]", "[MASK]", "runn", "##ing", "[SEP]"]
    spans = [text[start:end] for start, end in encoding.offsets]
    assert spans == ["", "UN", "w\u00e1nt", "ed", ",", "Xyz", "[MASK]", "runn", "ing", ""]
    assert encoding.offsets[0] == encoding.offsets[-1] == (0, 0)
    assert encoding.ids == [readable.vocab[token] for token in encoding.tokens]


# ------------------------------------------------------------------------------------------- equal to `tokenizers`


def random_strings(count, seed=0):
    """Strings from all corners of Unicode, of characters that are older than the tables in `tokenizers`."""
    rng = random.Random(seed)
    newer = set(differing_characters())
    ordinary = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF and code not in newer]
    assigned = [character for character in ordinary if unicodedata.category(character) not in ("Cn", "Co")]
    marks = [character for character in assigned if unicodedata.category(character)[0] == "M"]
    pools = [
        *[[chr(code) for code in range(32, 0x250)]] * 3,
        assigned,
        marks,
        ordinary,
        [chr(code) for code in range(0x4E00, 0x9FFF)],
        [chr(code) for code in range(0x1F300, 0x1F700)],
        [*SPECIAL_TOKENS, "[mask]", "[", "]"],
        ["\t", "\n", "\r", "\u00a0", "\u200b", "\u3000", "\ufffd", "\0", "\u2028"],
        ["\u0130", "\u00df", "\u03a3", "\u01c5", "\ufb01", "e\u0301", "\ud55c", "\u0203\u302f", "\u302e\u034e"],
        ["a" * 101, "playing", "antidisestablishmentarianism"],
    ]
    return ["".join(rng.choice(rng.choice(pools)) for _ in range(rng.randrange(1, 25))) for _ in range(count)]


@cache
def differing_characters():
    """Code points that `tokenizers` normalises or splits otherwise; see the docstring of bertlib.text.wordpiece."""
    fast = WordPiece({token: number for number, token in enumerate(SPECIAL_TOKENS)}).to_tokenizers()
    found = []
    planes = [*range(0x40000), *range(0x40000, 0x110000, 61)]  # nothing but tags and private use lies above
    for code in planes:
        if 0xD800 <= code <= 0xDFFF:
            continue
        text = f"a{chr(code)}b"
        theirs = fast.normalizer.normalize_str(text)
        same = theirs == "".join(part for part, _ in normalize(text))
        if not same or (
            not chr(code).isalnum() and [word for word, _ in fast.pre_tokenizer.pre_tokenize_str(theirs)] != words(text)
        ):
            found.append(code)
    return found


def test_every_single_character():
    """They differ where `tokenizers` departs from Google's code, and on characters newer than its tables."""
    differing = differing_characters()
    chinese = [code for code in differing if 0x2B820 <= code <= 0x2B91F]
    assert len(chinese) == 256
    categories = {unicodedata.category(chr(code)) for code in set(differing) - set(chinese)}
    assert len(differing) < 1500
    assert not categories & {"Lu", "Ll", "Nd", "Sm", "Sc", "Zs", "Cc"}
    assert all(code > 0x600 for code in differing)  # nothing that European text has


def differences(ours, fast, texts):
    return [
        text
        for text, theirs in zip(texts, fast.encode_batch(texts), strict=True)
        if (mine := ours.encode(text)).ids != theirs.ids
        or mine.tokens != theirs.tokens
        or mine.offsets != [tuple(span) for span in theirs.offsets]
    ]


def test_bbc_and_random_unicode(minilm):
    fast = load_tokenizer(encoder_folder("minilm"))
    sentences = [
        sentence
        for article in read_bbc_articles()
        for sentence in split_sentences(f"{article['title']}\n{article['text']}")
    ]
    texts = sentences + random_strings(8000)
    assert len(texts) > 50_000
    assert differences(minilm, fast, texts) == []


@pytest.mark.skipif(not SHARED.exists(), reason="needs the tweets and the Chinese article beside the project")
def test_tweets_and_chinese(minilm):
    import pandas as pd

    tweets = [
        " ".join(tokens)
        for path in sorted((SHARED / "hub" / "mirror").rglob("*wnut*/**/*.parquet"))
        for tokens in pd.read_parquet(path)["tokens"]
    ]
    article = (SHARED / "article.md").read_text(encoding="utf-8")
    assert len(tweets) > 4000
    assert differences(minilm, minilm.to_tokenizers(), [*tweets, *article.split("\n"), article]) == []


def test_cased_random_unicode(minilm):
    cased = WordPiece(minilm.vocab, lowercase=False)
    assert differences(cased, cased.to_tokenizers(), random_strings(1500, seed=1)) == []


def test_without_special_tokens(minilm):
    fast = minilm.to_tokenizers()
    for text in ("playing [MASK]", ""):
        assert minilm.encode(text, add_special_tokens=False).ids == fast.encode(text, add_special_tokens=False).ids


def test_decode(minilm):
    fast = minilm.to_tokenizers()
    rng = random.Random(2)
    for _ in range(2000):
        ids = [rng.randrange(len(minilm)) for _ in range(rng.randrange(0, 15))]
        ids += [
            minilm.vocab[piece] for piece in rng.sample([".", ",", "!", "?", "...", "##s", "'", *SPECIAL_TOKENS], 4)
        ]
        for skip in (True, False):
            assert minilm.decode(ids, skip_special_tokens=skip) == fast.decode(ids, skip_special_tokens=skip)
    text = "the film won three awards, and more!"
    assert minilm.decode(minilm.encode(text).ids) == text


# ---------------------------------------------------------------------------------------------------- the bug zoo


def test_our_tokenizer_passes_the_check(readable):
    checks.tokenizes_as_bert_does(WordPiece)


@pytest.mark.parametrize("bug", tokenizers_that_differ.BUGS, ids=lambda bug: bug.__name__)
def test_tokenizers_that_differ_are_caught(bug):
    with pytest.raises(AssertionError):
        checks.tokenizes_as_bert_does(bug)


# ------------------------------------------------------------------------------------------------------- training


def test_learning_by_hand():
    counts = {"low": 5, "lower": 2, "newest": 6, "widest": 3}
    assert merge(["n", "##e", "##s", "##e", "##s"], ("##e", "##s")) == ["n", "##es", "##es"]
    pieces = learn_pieces(counts, 100, min_count=1)
    letters = {"l", "n", "w", *(f"##{letter}" for letter in "ewostrid")}
    assert pieces[: len(letters)] == sorted(letters, key=lambda piece: (len(piece), piece))  # words' beginnings first
    # e-s, s-t: 9 times each, and then the alphabet decides; l-o and o-w: 7 times
    assert pieces[len(letters) : len(letters) + 4] == ["##es", "##est", "##ow", "low"]
    assert {"low", "lower", "newest", "widest"} <= set(pieces)


def check_against_counting_anew(counts, size):
    """Every piece learned is the commonest pair, counted anew after every merge."""
    learned = learn_pieces(counts, size)
    split = {word: [word[0], *(f"##{letter}" for letter in word[1:])] for word in counts}
    alphabet = {piece for pieces in split.values() for piece in pieces}
    known = set(alphabet)
    for piece in learned[len(alphabet) :]:
        while True:
            pairs = {}
            for word, pieces in split.items():
                for pair in pairwise(pieces):
                    pairs[pair] = pairs.get(pair, 0) + counts[word]
            best = min(pairs, key=lambda pair: (-pairs[pair], pair))
            split = {word: merge(pieces, best) for word, pieces in split.items()}
            joined = best[0] + best[1].removeprefix("##")
            if joined not in known:
                break
        assert joined == piece
        known.add(piece)
    return learned


def test_every_piece_learned_is_the_commonest_pair():
    articles = read_bbc_articles()[:12]
    counts = count_words(sentence for row in articles for sentence in split_sentences(row["text"]))
    assert len(check_against_counting_anew(counts, 400)) == 400


@pytest.mark.parametrize("seed", range(10))
def test_pairs_that_overlap_or_become_rarer(seed):
    rng = random.Random(seed)
    counts = {"".join(rng.choices("abc", k=rng.randrange(1, 9))): rng.randrange(1, 6) for _ in range(12)}
    learned = check_against_counting_anew(counts, 60)
    assert len(set(learned)) == len(learned) > 10


def test_as_good_as_the_trainer_of_tokenizers():
    corpus = load("bbc_news")
    training = [sentence for document in documents_of(corpus["train"])[:700] for sentence in document]
    held_out = [sentence for document in documents_of(corpus["validation"]) for sentence in document]
    reference = BertWordPieceTokenizer(lowercase=True)
    reference.train_from_iterator(training, vocab_size=4000, show_progress=False)
    ours = WordPiece.train(training, 4000)
    assert len(ours) == 4000

    def pieces(tokenizer):
        return sum(len(encoding.ids) for encoding in tokenizer.encode_batch(held_out, add_special_tokens=False))

    assert pieces(ours.to_tokenizers()) == pytest.approx(pieces(reference), rel=0.02)


def test_rare_pairs_are_not_joined():
    assert learn_pieces({"ab": 2, "cd": 1}, 10) == ["a", "c", "##b", "##d", "ab"]
    assert learn_pieces({"ab": 2, "cd": 1}, 10, min_count=1)[-2:] == ["ab", "cd"]
    assert "ab" in WordPiece.train(["ab ab"], 50).vocab


def test_uncased_unless_asked_otherwise(readable, tmp_path):
    assert WordPiece.train(["Ab"], 50).lowercase and WordPiece.from_vocab(readable.save(tmp_path)).lowercase
    assert "A" in WordPiece.train(["Ab"], 50, lowercase=False).vocab


def test_words_are_counted():
    assert count_words(["the cat, the", "Cat"]) == {"the": 2, "cat": 2, ",": 1}


def test_progress_is_shown_only_if_asked_for(monkeypatch):
    shown = []

    @contextmanager
    def progress_bar(show, total, **_):
        shown.append([show, total, 0])
        yield SimpleNamespace(update=lambda done=1: shown[-1].__setitem__(2, shown[-1][2] + done))

    monkeypatch.setattr("bertlib.text.wordpiece.progress_bar", progress_bar)
    learned = learn_pieces({"abc": 3, "abd": 2}, 7)
    WordPiece.train(["abc abc"], 50)
    WordPiece.train(["abc abc"], 50, show_progress=True)
    assert [show for show, *_ in shown] == [False, False, True]
    assert shown[0][1:] == [7, len(learned)]


def test_training_is_deterministic_and_bounded():
    texts = ["the cat sat on the mat", "the hat of the cat"] * 3
    first, second = WordPiece.train(texts, 60), WordPiece.train(reversed(texts), 60)
    assert first.vocab == second.vocab
    assert list(first.vocab)[:5] == list(SPECIAL_TOKENS)
    assert len(WordPiece.train(texts, 100_000)) < 100  # there is no more to learn
    assert first.encode("the cat", add_special_tokens=False).tokens == ["the", "cat"]


@pytest.mark.parametrize("texts", [[], [""], [" \n"]])
def test_nothing_to_learn_from(texts):
    with pytest.raises(ValueError, match="hold no words: give some text"):
        WordPiece.train(texts, 100)


def test_too_small_a_vocabulary_and_wrong_types():
    with pytest.raises(ValueError, match=r"vocab_size is too small: the texts have 5 single characters .* 3 more"):
        WordPiece.train(["abc cab"], 7)
    with pytest.raises(TypeError, match="texts='abc cab' is one string: give a list"):
        WordPiece.train("abc cab", 70)
    with pytest.raises(TypeError, match="texts holds None"):
        WordPiece.train(["abc", None], 70)
    with pytest.raises(TypeError, match=r"text=b'x' is a bytes"):
        WordPiece.train(["abc"], 70).encode(b"x")


# ---------------------------------------------------------------------------------------------- files and bad input


def test_save_and_read_again(readable, tmp_path):
    path = readable.save(tmp_path / "folder")
    assert WordPiece.from_vocab(path).vocab == readable.vocab
    assert load_tokenizer(tmp_path / "folder").encode("unwanted").ids == readable.encode("unwanted").ids


def test_a_cased_vocabulary_stays_one(tmp_path):
    for lowercase in (False, True):  # one after the other in the same folder
        ours = WordPiece.train(["The Bank of the bank"] * 2, 40, lowercase=lowercase)
        ours.save(tmp_path)
        assert load_tokenizer(tmp_path).encode("The Bank").tokens == ours.encode("The Bank").tokens
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tokenizer_config.json", "vocab.txt"]


def test_what_cannot_be_written_leaves_the_old_file(readable, tmp_path):
    path = readable.save(tmp_path)
    with pytest.raises(UnicodeEncodeError):
        WordPiece({piece: number for number, piece in enumerate([*READABLE, "\ud800"])}).save(tmp_path)
    assert WordPiece.from_vocab(path).vocab == readable.vocab
    assert [path.name for path in tmp_path.iterdir()] == ["vocab.txt"]


def test_a_byte_order_mark_is_no_part_of_the_first_piece(readable, tmp_path):
    path = readable.save(tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert WordPiece.from_vocab(path).vocab == readable.vocab


def test_transformers_opens_the_vocabulary(readable, tmp_path):
    import transformers

    readable.save(tmp_path)
    theirs = transformers.BertTokenizer(vocab=str(tmp_path / "vocab.txt"))
    assert theirs("UNwanted, xyz running")["input_ids"] == readable.encode("UNwanted, xyz running").ids


@pytest.mark.parametrize(
    "lines, message",
    [
        (READABLE[1:], r"vocab\.txt: the vocabulary lacks \[PAD\]: add"),
        (["a", "b"], r"lacks \[PAD\], \[UNK\], \[CLS\], \[SEP\], \[MASK\]"),
    ],
)
def test_bad_vocabularies(lines, message, tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        WordPiece.from_vocab(path)


def test_vocabulary_that_is_not_text(tmp_path):
    path = tmp_path / "vocab.txt"
    with pytest.raises(FileNotFoundError, match=r"vocab\.txt: no such file"):
        WordPiece.from_vocab(path)
    path.write_bytes(b"[PAD]\n\xff\xfe\n")
    with pytest.raises(ValueError, match="line 2: not UTF-8"):
        WordPiece.from_vocab(path)


def test_ids_outside_the_vocabulary(readable):
    with pytest.raises(ValueError, match="id 15 is outside the vocabulary of 15"):
        readable.decode([1, 15])
    with pytest.raises(ValueError, match="id -1 is outside"):
        readable.decode([-1])
    with pytest.raises(ValueError, match="0, 1, 2, …, each once"):
        WordPiece(dict.fromkeys(SPECIAL_TOKENS, 7))


# -------------------------------------------------------------------------------------------- a folder's tokenizer


def test_vocab_txt_is_read_as_an_uncased_vocabulary(tokenizer):
    encoding = tokenizer.encode("The Goál of X?")
    assert encoding.tokens == ["[CLS]", "the", "goal", "of", "x", "[UNK]", "[SEP]"]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"do_lower_case": False},
        {"do_lower_case": True, "strip_accents": False},
        {"do_lower_case": False, "strip_accents": True},
        {"do_lower_case": False, "strip_accents": None, "tokenize_chinese_chars": False},
    ],
)
def test_vocab_txt_is_read_as_tokenizer_config_says(settings, tmp_path):
    import transformers

    pieces = [*SPECIAL_TOKENS, "Paris", "paris", "caf\u00e9", "cafe", "\u4e2d", "\u6587", "\u4e2d\u6587"]
    (tmp_path / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    settings = {"tokenizer_class": "BertTokenizer", **settings}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    text = "Paris caf\u00e9 Caf\u00e9 \u4e2d\u6587"
    theirs = transformers.BertTokenizer.from_pretrained(tmp_path)
    assert load_tokenizer(tmp_path).encode(text).ids == theirs(text)["input_ids"]


def test_tokenizer_json_goes_before_vocab_txt(tmp_path):
    shutil.copy(encoder_folder("minilm") / "tokenizer.json", tmp_path)
    (tmp_path / "vocab.txt").write_text("nonsense", encoding="utf-8")
    assert load_tokenizer(tmp_path).encode("playing").tokens == ["[CLS]", "playing", "[SEP]"]


def test_padding_and_truncation_of_the_file_are_switched_off():
    tokenizer = load_tokenizer(encoder_folder("minilm"))
    assert tokenizer.padding is None
    assert tokenizer.truncation is None
    assert len(tokenizer.encode("word " * 300).ids) == 302


def test_no_tokenizer(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no tokenizer\.json and no vocab\.txt; copy"):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", '{"model": 3}'])
def test_damaged_tokenizer(tmp_path, content):
    (tmp_path / "tokenizer.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"the tokenizer cannot be read .*fetch or save it again"):
        load_tokenizer(tmp_path)


# ------------------------------------------------------------------------------------------------- absurdly long words


def ordinary_words(seed=0):
    rng = random.Random(seed)
    parts = ["ka", "lo", "mi", "ren", "tos", "vul", "per", "dan", "sig", "hut"]
    return ["".join(rng.choices(parts, k=rng.randrange(1, 5))) for _ in range(1000)]


def seconds_of(function, *arguments):
    """Of this process, the better of two: others may use the machine, too."""
    times = []
    for _ in range(2):
        start = time.process_time()
        result = function(*arguments)
        times.append(time.process_time() - start)
    return min(times), result


@pytest.mark.parametrize("length", [10**4, 10**5, 10**6])
def test_learning_does_not_look_at_an_absurd_word(length):
    counts = count_words([" ".join(ordinary_words())] * 3)
    word = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length))
    alone, expected = seconds_of(learn_pieces, counts, 1500)
    beside, learned = seconds_of(learn_pieces, counts | {word: 2}, 1500)
    assert learned == expected
    assert beside <= 2 * alone, (beside, alone)


@pytest.mark.parametrize("length", [10**4, 10**5])
def test_an_absurd_word_costs_no_more_than_reading_it(length):
    texts = [" ".join(ordinary_words())] * 10
    word = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length))
    alone, expected = seconds_of(WordPiece.train, texts, 500)
    reading, _ = seconds_of(count_words, [word])
    beside, ours = seconds_of(WordPiece.train, [*texts, word], 500)
    assert ours.vocab == expected.vocab
    assert beside <= 2 * (alone + reading), (beside, alone, reading)
    assert ours.encode(word).tokens == ours.to_tokenizers().encode(word).tokens == ["[CLS]", "[UNK]", "[SEP]"]


def test_reading_a_word_takes_time_linear_in_its_length():
    short, long = ("ab1" * n for n in (10**4, 8 * 10**4))
    quick, _ = seconds_of(count_words, [short])
    slow, _ = seconds_of(count_words, [long])
    assert slow <= 2 * 8 * quick, (slow, quick)
