import shutil

import pytest

from bertlib.weights import encoder_folder
from bertlib.wordpiece import load_tokenizer


def test_vocab_txt_is_read_as_an_uncased_vocabulary(tokenizer):
    encoding = tokenizer.encode("The Goál of X?")
    assert encoding.tokens == ["[CLS]", "the", "goal", "of", "x", "[UNK]", "[SEP]"]


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
