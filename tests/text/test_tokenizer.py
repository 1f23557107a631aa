"""A folder's tokenizer against transformers' AutoTokenizer: the same ids, or a refusal that says what is amiss."""

import json
import random
import shutil
from collections import Counter

import pytest
import transformers
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from bertlib.text.tokenizer import (
    encode_batch,
    framing_ids,
    load_tokenizer,
    read_vocab,
    special_tokens,
    tokenizer_files,
    vocabulary_size,
)
from bertlib.text.wordpiece import SPECIAL_TOKENS, WordPiece

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ["the", "The", "cat", "café", "cafe", "London", "london", "naïve", "naive", "##ñ", "我", "京", "は"]
PIECES = [*WORDS, *LETTERS, *(f"##{letter}" for letter in LETTERS), *"[]<>/.,123"]
OTHER_NAMES = ("<pad>", "<unk>", "<s>", "</s>", "<mask>")
CLASSES = ["BertTokenizer", "BertTokenizerFast", "PreTrainedTokenizerFast", "TokenizersBackend", "DistilBertTokenizer"]
CLASSES += ["ElectraTokenizerFast", "MobileBertTokenizer", "BertJapaneseTokenizer", "KoTokenizer"]
ROLES = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
TEXTS = [
    "The café in London, naïve españa Ünï.",
    "Jose\u0301 naive cafe\u0301 CAFÉ",
    "我去北京 the 東京は",
    "[CLS] the [SEP] cat[MASK] [PAD] [UNK] [mask]",
    "<s> the </s> cat<mask> <pad>",
    "[E1]the cat [E2] [e1] COVID covid covids",
    "cats\u200b the\tcat\u00a0\u2028cat\u3000the\x00",
    "한국어 हिन्दी में ваза",
    "",
]


def vocabulary(names=SPECIAL_TOKENS, pieces=PIECES):
    return {piece: number for number, piece in enumerate([*names, *pieces])}


def write(folder, **files):
    """Files by name, with __ for the dot; what is not text becomes JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name.replace("__", ".")).write_bytes(text.encode("utf-8"))
    return folder


def lines(pieces):
    return "".join(f"{piece}\n" for piece in pieces)


def ids_of(tokenizer):
    """What transformers gives for the texts, alone and in pairs, with segments."""
    rows = [tokenizer(text) for text in TEXTS] + [
        tokenizer(a, b) for a, b in zip(TEXTS, reversed(TEXTS), strict=True) if b
    ]
    return [(row["input_ids"], row.get("token_type_ids")) for row in rows]


def our_ids(tokenizer):
    encodings = [tokenizer.encode(text) for text in TEXTS]
    encodings += [tokenizer.encode(a, b) for a, b in zip(TEXTS, reversed(TEXTS), strict=True) if b]
    return [(encoding.ids, encoding.type_ids) for encoding in encodings]


def same_ids(ours, theirs):
    """Segments count where transformers gives them at all."""
    return all(a[0] == b[0] and b[1] in (None, a[1]) for a, b in zip(our_ids(ours), ids_of(theirs), strict=True))


# ------------------------------------------------------------------------------------------------ many combinations


def random_folder(folder, rng):
    """A BERT-like folder out of all the parts that releases, tools and people have put into one."""
    names = rng.choice([SPECIAL_TOKENS] * 3 + [OTHER_NAMES])
    vocab = vocabulary(names)
    files = {"config.json": {"model_type": "bert"}}
    settings = {}
    kind = rng.choice([None, "BertTokenizer", *CLASSES])
    if kind is not None:
        rng.choice([settings, settings, files["config.json"]])["tokenizer_class"] = kind
    if rng.random() < 0.1:
        del files["config.json"]["model_type"]
    for name, values in (
        ("do_lower_case", (True, False, False)),
        ("strip_accents", (None, True, False)),
        ("tokenize_chinese_chars", (True, False)),
        ("model_max_length", (512, 10**30)),
        ("clean_up_tokenization_spaces", (True,)),
        ("split_special_tokens", (True, False, False, False)),
        ("do_basic_tokenize", (True, False)),
        ("add_bos_token", (True,)),
    ):
        if rng.random() < (0.5 if name in ("do_lower_case", "strip_accents") else 0.15):
            settings[name] = rng.choice(values)

    present = rng.choice(["vocab.txt", "tokenizer.json", "tokenizer.json", "both"])
    if present != "tokenizer.json":
        files["vocab.txt"] = lines(vocab)
    fast = None
    if present != "vocab.txt":
        fast = random_fast_tokenizer(vocab, names, rng)
        if rng.random() < 0.3:
            fast.add_tokens([AddedToken("[E1]", special=True), "COVID"])
    # Names of the special tokens.
    where = rng.choice(["settings", "map", "map of objects", "typed objects", "nowhere"])
    if names == OTHER_NAMES and where == "nowhere" and rng.random() < 0.8:
        where = "settings"
    stated = dict(zip(ROLES, names, strict=True))
    plain = {"lstrip": False, "rstrip": False, "normalized": False, "single_word": False}
    if where == "settings":
        settings |= stated
    elif where == "map":
        files["special_tokens_map.json"] = stated
    elif where == "map of objects":
        files["special_tokens_map.json"] = {role: {"content": name} | plain for role, name in stated.items()}
    elif where == "typed objects":
        settings |= {role: {"__type": "AddedToken", "content": name} | plain for role, name in stated.items()}
    # Added tokens.
    first = len(vocab)
    style = rng.choice(["none", "none", "none", "old", "old special", "decoder", "decoder of all", "extra", "gap"])
    marks = {"lstrip": rng.random() < 0.3, "rstrip": rng.random() < 0.3, "normalized": rng.random() < 0.5}
    marks |= {"single_word": rng.random() < 0.3, "special": rng.random() < 0.5}
    if style.startswith("old"):
        files["added_tokens.json"] = {"[E1]": first, "COVID": first + 1}
        if style == "old special":
            files.setdefault("special_tokens_map.json", {})["additional_special_tokens"] = ["[E1]"]
    elif style.startswith("decoder"):
        decoder = {str(first): {"content": "[E1]"} | marks, str(first + 1): {"content": "COVID"} | marks}
        if style == "decoder of all":
            decoder |= {str(n): {"content": name, "special": True} | plain for n, name in enumerate(names)}
        settings["added_tokens_decoder"] = decoder
    elif style == "extra":
        place = rng.choice([settings, files.setdefault("special_tokens_map.json", {})])
        place[rng.choice(["additional_special_tokens", "extra_special_tokens"])] = ["[E1]", "cat"]
    elif style == "gap":
        files["added_tokens.json"] = {"[E1]": first + 3}
    if fast is not None:
        files["tokenizer.json"] = fast.to_str()
    if settings or rng.random() < 0.5:
        files["tokenizer_config.json"] = settings
    return write(folder, **{name.replace(".", "__"): content for name, content in files.items()})


def random_fast_tokenizer(vocab, names, rng):
    """A tokenizer.json: mostly a WordPiece, with or without BERT's own parts around it."""
    pad, unk, cls, sep, _ = names
    kind = rng.choice(["WordPiece"] * 8 + ["BPE", "WordLevel", "Unigram"])
    model = {
        "WordPiece": lambda: models.WordPiece(vocab, unk_token=unk, max_input_chars_per_word=rng.choice([100, 4])),
        "BPE": lambda: models.BPE(vocab, [("c", "a")] if "ca" in vocab else [], unk_token=unk),
        "WordLevel": lambda: models.WordLevel(vocab, unk_token=unk),
        "Unigram": lambda: models.Unigram([(piece, -float(n % 7)) for n, piece in enumerate(vocab)], unk_id=1),
    }[kind]()
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = rng.choice(
        [
            normalizers.BertNormalizer(),
            normalizers.BertNormalizer(lowercase=False),
            normalizers.BertNormalizer(lowercase=True, strip_accents=False, handle_chinese_chars=False),
            normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()]),
            None,
        ]
    ) or normalizers.Sequence([])
    tokenizer.pre_tokenizer = rng.choice(
        [pre_tokenizers.BertPreTokenizer(), pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Whitespace()]
    )
    tokenizer.decoder = decoders.WordPiece()
    if rng.random() < 0.8:
        tokenizer.add_special_tokens(list(names))
    ends = rng.choice(["template", "template", "bert", "roberta", "none"])
    if ends == "template":
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{cls} $A {sep}",
            pair=f"{cls} $A {sep} $B:1 {sep}:1",
            special_tokens=[(cls, vocab[cls]), (sep, vocab[sep])],
        )
    elif ends == "bert":
        tokenizer.post_processor = processors.BertProcessing((sep, vocab[sep]), (cls, vocab[cls]))
    elif ends == "roberta":
        tokenizer.post_processor = processors.RobertaProcessing((sep, vocab[sep]), (cls, vocab[cls]))
    if rng.random() < 0.2:
        tokenizer.enable_padding(pad_id=vocab[pad], pad_token=pad, length=16)
        tokenizer.enable_truncation(16)
    return tokenizer


REASONS = {
    "tokenizer_class 'BertJapaneseTokenizer' is not supported": "a class of its own",
    "tokenizer_class 'KoTokenizer' is not supported": "a class of its own",
    "transformers numbers it": "an added token's id",
    "keeps its rules in a tokenizer.json": "no tokenizer.json",
    "special tokens to a text": "no template",
    "which is a WordPiece": "another model than the class says",
    "the vocabulary lacks": "names that are not in the vocabulary",
}


def test_ids_are_those_of_transformers_or_refused(tmp_path):
    """1,200 folders of random parts; what opens is saved again, and both libraries read the same from it."""
    seen, rng = Counter(), random.Random(0)
    for number in range(1200):
        folder = random_folder(tmp_path / f"f{number}", rng)
        try:
            theirs = transformers.AutoTokenizer.from_pretrained(folder)
        except Exception as error:
            theirs = f"{type(error).__name__}: {error}"
            if "model_type" not in json.loads((folder / "config.json").read_text(encoding="utf-8")):
                theirs = transformers.BertTokenizer.from_pretrained(folder)  # config.json of BERT's first releases
        try:
            ours = load_tokenizer(folder)
        except ValueError as error:
            message = str(error)
            assert message.startswith(str(folder)), message
            reason = next((short for part, short in REASONS.items() if part in message), None)
            assert reason, f"{folder}: refused with {message}; transformers: {theirs}"
            seen[f"refused: {reason}"] += 1
            continue
        told = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())}
        assert not isinstance(theirs, str), (theirs, told)
        assert same_ids(ours, theirs), (theirs, told)
        # The same once more after saving, into the same folder, whose other files stay.
        for name, text in tokenizer_files(ours, 64).items():
            (folder / name).write_text(text, encoding="utf-8")
        again = transformers.AutoTokenizer.from_pretrained(folder)
        assert our_ids(load_tokenizer(folder)) == our_ids(ours), told
        assert same_ids(ours, again), (again, told)
        seen["opened"] += 1
        shutil.rmtree(folder)
    assert seen["opened"] >= 400 and set(REASONS.values()) <= {key.removeprefix("refused: ") for key in seen}, seen


# --------------------------------------------------------------------------------- what people have reported elsewhere


def bert_folder(folder, pieces=PIECES, names=SPECIAL_TOKENS, **files):
    """config.json and vocab.txt, and what else is given."""
    files = {"config__json": {"model_type": "bert"}, "vocab__txt": lines(vocabulary(names, pieces))} | files
    return write(folder, **{name: content for name, content in files.items() if content is not None})


def saved_bert(folder, **options):
    """As transformers saves a BertTokenizer: tokenizer.json and tokenizer_config.json."""
    transformers.BertTokenizer(vocab=vocabulary(), **options).save_pretrained(folder)
    return write(folder, config__json={"model_type": "bert"})


def change_json(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")


def assert_as_transformers(folder, text):
    """Ids and tokens of a text; gives the tokens."""
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    ours = load_tokenizer(folder)
    assert ours.encode(text).ids == theirs(text)["input_ids"]
    assert same_ids(ours, theirs)
    return ours.encode(text, add_special_tokens=False).tokens


def test_lower_case_with_accents_kept(tmp_path):
    """huggingface/transformers issues 6186 and 2742, tokenizers 219: uncased, and accents tell words apart.

    Here tokenizer.json strips them and tokenizer_config.json says not to.
    """
    folder = saved_bert(tmp_path)
    change_json(folder / "tokenizer_config.json", strip_accents=False)
    assert assert_as_transformers(folder, "NAÏVE Café cafe") == ["naïve", "café", "cafe"]


@pytest.mark.parametrize(
    "odd",
    [
        ["", ""],  # WorksApplications/SudachiTra 64, pytorch/text 1840: two lines for "\n"
        ["\u2028", "\u3000", " \u00a0"],  # thunlp/OpenCLaP 1, bojone/bert4keras 291: white space of several kinds
        ["the", "the"],  # huggingface/transformers 990: vocabulary indices are not consecutive
        ["\x85", "a\u2003"],  # what ends in white space is read without it
        ["\u2028the", "\ufeff", "\u200b"],  # in front it stays
    ],
)
def test_odd_lines_of_a_vocabulary_keep_their_numbers(odd, tmp_path):
    pieces = [*PIECES[:8], *odd, *PIECES[8:]]
    (tmp_path / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    (tmp_path / "vocab.txt").write_text(lines([*SPECIAL_TOKENS, *pieces]), encoding="utf-8", newline="\n")
    text = "The cat, a naive London."
    assert_as_transformers(tmp_path, text)
    readable = WordPiece.from_vocab(tmp_path / "vocab.txt")
    assert readable.encode(text).ids == load_tokenizer(tmp_path).encode(text).ids
    assert len(readable) == vocabulary_size(load_tokenizer(tmp_path)) == len(SPECIAL_TOKENS) + len(pieces)
    again = WordPiece.from_vocab(readable.save(tmp_path / "again"))
    assert again.encode(text).ids == readable.encode(text).ids and len(again) == len(readable)
    for name, content in tokenizer_files(load_tokenizer(tmp_path), 64).items():
        (tmp_path / "again" / name).write_text(content, encoding="utf-8", newline="\n")
    (tmp_path / "again" / "tokenizer.json").unlink()
    assert load_tokenizer(tmp_path / "again").encode(text).ids == readable.encode(text).ids
    if odd[0] == "the":
        with pytest.raises(ValueError, match="id 5 is outside the vocabulary"):
            readable.decode([5])


def test_windows_line_ends_and_a_last_line_without_one(tmp_path):
    content = "\r\n".join([*SPECIAL_TOKENS, *PIECES])
    assert_as_transformers(bert_folder(tmp_path, vocab__txt=content), "The cat")
    assert list(read_vocab(tmp_path / "vocab.txt")) == [*SPECIAL_TOKENS, *PIECES]


def test_a_named_piece_of_the_vocabulary_is_not_cut(tmp_path):
    """huggingface/transformers issue 4683, mickeysjm/R-BERT issue 1: [unused1] or [E11] as a marker of entities."""
    folder = bert_folder(
        tmp_path,
        pieces=["[unused1]", *PIECES],
        special_tokens_map__json={"additional_special_tokens": ["[unused1]"]},
    )
    assert assert_as_transformers(folder, "[unused1] the cat[unused1]") == ["[unused1]", "the", "cat", "[unused1]"]


def test_added_tokens_of_chinese_markers(tmp_path):
    """princeton-nlp/PURE issue 36: markers with Chinese characters and =, in added_tokens.json beside vocab.txt."""
    first = len(vocabulary())
    folder = bert_folder(tmp_path, added_tokens__json={"<subj_start=我京>": first, "<subj_end=我京>": first + 1})
    tokens = assert_as_transformers(folder, "<subj_start=我京> the cat <subj_end=我京>")
    assert len(tokens) == 4
    assert load_tokenizer(folder).token_to_id("<subj_end=我京>") == first + 1


def test_special_tokens_under_other_names(tmp_path):
    """huggingface/tokenizers issue 168, dmlc/gluon-nlp issue 1451: vocabularies learned with <s>, </s>, <pad>."""
    named = {role: {"content": name, "lstrip": False} for role, name in zip(ROLES, OTHER_NAMES, strict=True)}
    folder = bert_folder(tmp_path, names=OTHER_NAMES, special_tokens_map__json=named)
    assert_as_transformers(folder, "the <mask> cat")
    tokenizer = load_tokenizer(folder)
    assert special_tokens(tokenizer) == dict(zip(ROLES, OTHER_NAMES, strict=True))
    assert framing_ids(tokenizer) == (2, 3)
    (folder / "special_tokens_map.json").unlink()
    with pytest.raises(
        ValueError, match=r"vocab\.txt: the vocabulary lacks \[UNK\], the unk_token: add a line .* or name"
    ):
        load_tokenizer(folder)


@pytest.mark.parametrize("place", ["config.json", "tokenizer_config.json"])
def test_japanese_words_are_cut_by_code_that_is_not_here(place, tmp_path):
    """cl-tohoku/bert-japanese issue 13, ThilinaRajapakse/simpletransformers issue 269: MeCab, then WordPiece."""
    folder = bert_folder(tmp_path)
    write(folder, **{place.replace(".", "__"): {"model_type": "bert", "tokenizer_class": "BertJapaneseTokenizer"}})
    with pytest.raises(ValueError, match=rf"{place}: tokenizer_class 'BertJapaneseTokenizer' is not supported"):
        load_tokenizer(folder)


def test_a_sentencepiece_model_beside_vocab_txt(tmp_path):
    """SKTBrain/KoBERT issues 6 and 56: the vocabulary's pieces are a SentencePiece model's, and no WordPiece's."""
    folder = bert_folder(tmp_path)
    (folder / "tokenizer_78b3253a26.model").write_bytes(b"\x0a")
    with pytest.raises(ValueError, match=r"tokenizer_78b3253a26\.model: a SentencePiece model, which bertlib does not"):
        load_tokenizer(folder)


def test_a_tokenizer_of_another_kind_saved_as_berts(tmp_path):
    """huggingface/tokenizers issue 1208: BertTokenizerFast(tokenizer_object=…) around words; no [CLS] comes out.

    transformers would read words as pieces; the file's own rules need PreTrainedTokenizerFast, and a template.
    """
    words = Tokenizer(models.WordLevel(vocabulary(), unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    settings = {"tokenizer_class": "BertTokenizerFast"}
    folder = bert_folder(tmp_path, vocab__txt=None, tokenizer__json=words.to_str(), tokenizer_config__json=settings)
    with pytest.raises(
        ValueError, match=r"tokenizer\.json: holds a WordLevel model, and the tokenizer's class is Bert"
    ):
        load_tokenizer(folder)
    write(folder, tokenizer_config__json={"tokenizer_class": "PreTrainedTokenizerFast"})
    with pytest.raises(ValueError, match=r"adds 0 special tokens to a text, not \[CLS\] before and \[SEP\] after"):
        load_tokenizer(folder)
    for name, content in tokenizer_files(words, 64).items():  # saving gives it the template
        (folder / name).write_text(content, encoding="utf-8")
    assert assert_as_transformers(folder, "the cat") == ["the", "cat"]


def test_one_trained_and_saved_without_a_template(tmp_path):
    """huggingface/tokenizers issue 1481: BertWordPieceTokenizer(…).train(…).save(…) has no post_processor."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=60, special_tokens=list(SPECIAL_TOKENS), show_progress=False)
    tokenizer.train_from_iterator(["the cat sat on the mat"] * 3, trainer)
    folder = bert_folder(tmp_path, vocab__txt=None, tokenizer__json=tokenizer.to_str())
    assert assert_as_transformers(folder, "the cat") == ["the", "cat"]  # BertTokenizer's own template
    write(folder, tokenizer_config__json={"tokenizer_class": "PreTrainedTokenizerFast"})
    with pytest.raises(ValueError, match="write tokenizer_class BertTokenizer into"):
        load_tokenizer(folder)


def test_what_the_last_batch_asked_for_is_not_saved(tmp_path):
    """`tokenizers` obeys the truncation and padding that stand in tokenizer.json; transformers does not."""
    tokenizer = WordPiece(vocabulary()).to_tokenizers()
    expected = tokenizer.encode("the cat the cat the cat").ids
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=4)
    write(tmp_path, **{name.replace(".", "__"): text for name, text in tokenizer_files(tokenizer, 64).items()})
    raw = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert raw.encode("the cat the cat the cat").ids == expected and len(raw.encode("").ids) == 2
    assert (
        tokenizer.truncation["max_length"] == 4
        and '"BertTokenizer"' in tokenizer_files(tokenizer, 64)["tokenizer_config.json"]
    )
    assert_as_transformers(tmp_path, "the cat the cat the cat")


def test_a_folder_without_vocab_txt_names_what_opens_it(tmp_path):
    """transformers 5 saves a tokenizer as tokenizer.json alone."""
    saved_bert(tmp_path)
    for path in (tmp_path / "vocab.txt", tmp_path):
        with pytest.raises(FileNotFoundError, match=r"has a tokenizer\.json: open that with load_tokenizer"):
            WordPiece.from_vocab(path)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"give the path of a vocab\.txt$"):
        WordPiece.from_vocab(tmp_path / "vocab.txt")


def test_files_of_the_tokenizer_before_do_not_spoil_the_next(tmp_path):
    """egesabanci/reap-mlx issue 88: saved into the folder of another model, whose added_tokens.json stays."""
    first = len(vocabulary())
    old = bert_folder(
        tmp_path,
        added_tokens__json={"cat": first, "[E1]": first + 1},
        special_tokens_map__json={"additional_special_tokens": ["the"], "unk_token": "London"},
    )
    for name, content in tokenizer_files(WordPiece(vocabulary(pieces=LETTERS)).to_tokenizers(), 64).items():
        (old / name).write_text(content, encoding="utf-8")
    assert_as_transformers(old, "the cat")
    ours = WordPiece(vocabulary(pieces=LETTERS)).encode("a cat [E1]").ids
    assert load_tokenizer(old).encode("a cat [E1]").ids == ours
    assert transformers.AutoTokenizer.from_pretrained(old)("a cat [E1]")["input_ids"] == ours


# ------------------------------------------------------------------------------------------------- refusals and helpers


@pytest.mark.parametrize(
    "settings, message",
    [
        (
            {"auto_map": {"AutoTokenizer": ["tokenization_my.My", None]}},
            "auto_map names a tokenizer with code of its own",
        ),
        ({"auto_map": ["tokenization_my.My", None]}, "auto_map names a tokenizer with code of its own"),
        ({"init_inputs": ["x"]}, "init_inputs are not supported"),
        ({"fast_tokenizer_files": ["tokenizer.4.0.json", "tokenizer.json"]}, "names tokenizer.4.0.json"),
        ({"do_lower_case": "false"}, "do_lower_case='false': give true or false"),
        ({"do_lower_case": None}, "do_lower_case=None: give true or false"),
        ({"strip_accents": 0}, "strip_accents=0: give true or false"),
        ({"cls_token": {"content": "[CLS]"}}, r"cls_token holds \{'content': '\[CLS\]'\}: give a string"),
        ({"sep_token": None}, "lacks None, the sep_token"),
        ({"extra_special_tokens": [3]}, "extra_special_tokens holds 3"),
        ({"additional_special_tokens": "[E1]"}, r"additional special tokens are '\[E1\]': give a list"),
        ({"extra_special_tokens": "[E1]"}, r"additional special tokens are '\[E1\]': give a list"),
        ({"added_tokens_decoder": {"x": {"content": "y"}}}, "special or added tokens cannot be read"),
        ({"added_tokens_decoder": {"90": "y"}}, "special or added tokens cannot be read"),
        (
            {"added_tokens_decoder": {"200": {"content": "[E1]"}}},
            r"the added token '\[E1\]' the id 200, transformers numb",
        ),
        ({"tokenizer_class": "RobertaTokenizer"}, "tokenizer_class 'RobertaTokenizer' is not supported: bertlib reads"),
        ({"tokenizer_class": "PreTrainedTokenizerFast"}, "keeps its rules in a tokenizer.json, and there is none"),
    ],
)
def test_settings_that_are_refused(settings, message, tmp_path):
    folder = bert_folder(tmp_path, tokenizer_config__json=settings)
    with pytest.raises(ValueError, match=message) as caught:
        load_tokenizer(folder)
    assert str(caught.value).startswith(str(folder))


def test_files_that_are_refused(tmp_path):
    folder = bert_folder(tmp_path, tokenizer_config__json="{\n oops")
    with pytest.raises(ValueError, match=r"tokenizer_config\.json, line 2: not JSON"):
        load_tokenizer(folder)
    write(folder, tokenizer_config__json={}, added_tokens__json={"[E1]": "first"})
    with pytest.raises(ValueError, match=r"added_tokens\.json: the special or added tokens cannot be read"):
        load_tokenizer(folder)
    write(folder, added_tokens__json={}, tokenizer__json={"model": {"type": "WordPiece"}})
    with pytest.raises(ValueError, match=r"tokenizer\.json: the tokenizer cannot be read \(no vocab in its model\)"):
        load_tokenizer(folder)
    with pytest.raises(ValueError, match=r"tokenizer\.json: give the folder that it is in, or a vocab\.txt"):
        load_tokenizer(folder / "tokenizer.json")
    write(folder, config__json={"model_type": "roberta"})
    with pytest.raises(ValueError, match=r"config\.json: model_type='roberta' has a tokenizer of its own"):
        load_tokenizer(folder)


def test_twice_in_the_vocabulary_and_added_tokens_behind_it(tmp_path):
    """transformers numbers the added token as the vocabulary's last piece: two tokens, one row of the table."""
    folder = bert_folder(
        tmp_path,
        vocab__txt=lines([*SPECIAL_TOKENS, *PIECES, "the"]),
        added_tokens__json={"[E1]": len(vocabulary())},
    )
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    assert theirs.convert_tokens_to_ids("[E1]") == theirs.convert_tokens_to_ids("the")
    with pytest.raises(ValueError, match=r"both have the id \d+ .*: give the added token a line of its own"):
        load_tokenizer(folder)


def test_added_tokens_that_lower_casing_makes_one(tmp_path):
    """huggingface/tokenizers 302: which of the two is found is chance, and another one in each process."""
    first = len(vocabulary())
    folder = bert_folder(tmp_path, added_tokens__json={"COVID": first, "Covid": first + 1})
    message = r"'COVID' and 'Covid' are one after lower-casing and the like \('covid'\), .* by chance: remove one"
    with pytest.raises(ValueError, match=message):
        load_tokenizer(folder)
    write(folder, tokenizer_config__json={"do_lower_case": False})
    assert assert_as_transformers(folder, "COVID Covid covid")[:2] == ["COVID", "Covid"]
    marks = {"normalized": False, "special": False}
    added = {str(first + n): {"content": name} | marks for n, name in enumerate(("COVID", "Covid"))}
    write(folder, tokenizer_config__json={"added_tokens_decoder": added})
    assert assert_as_transformers(folder, "COVID Covid covid")[:2] == ["COVID", "Covid"]


def test_an_added_token_is_found_in_words_and_in_any_case(tmp_path):
    """It is looked for before words are cut; and the token that is shown has no id where lower-casing was at work."""
    folder = bert_folder(tmp_path, added_tokens__json={"COVID": len(vocabulary())})
    assert assert_as_transformers(folder, "covids") == ["covid", "s"]
    tokenizer = load_tokenizer(folder)
    assert tokenizer.encode("Covid", add_special_tokens=False).ids == [len(vocabulary())]
    assert tokenizer.token_to_id("covid") is None


def test_the_remedy_for_another_class_works(tmp_path):
    """HerBERT's class is refused; saved as the message says, it opens with the same ids."""
    pieces = {
        piece: n for n, piece in enumerate(["<s>", "<pad>", "</s>", "<unk>", "<mask>", *LETTERS, "a</w>", "c</w>"])
    }
    theirs = transformers.HerbertTokenizer(vocab=pieces, merges=[("c", "a")] if "ca" in pieces else [])
    theirs.save_pretrained(tmp_path)
    write(tmp_path, config__json={"model_type": "bert"})
    with pytest.raises(ValueError, match="tokenizer_class 'HerbertTokenizer' is not supported") as caught:
        load_tokenizer(tmp_path)
    assert "PreTrainedTokenizerFast(tokenizer_object=AutoTokenizer" in str(caught.value)
    names = {role: getattr(theirs, role) for role in ROLES}
    plain = transformers.PreTrainedTokenizerFast(
        tokenizer_object=transformers.AutoTokenizer.from_pretrained(tmp_path).backend_tokenizer, **names
    )
    plain.save_pretrained(tmp_path)
    assert load_tokenizer(tmp_path).encode("a cab <mask>").ids == theirs("a cab <mask>")["input_ids"]


def test_a_vocabulary_file_comes_with_the_settings_beside_it(tmp_path):
    cased = WordPiece(vocabulary(), lowercase=False)
    path = cased.save(tmp_path)
    shutil.copy(path, tmp_path / "words.txt")
    assert load_tokenizer(path).encode("London the").ids == cased.encode("London the").ids
    assert load_tokenizer(tmp_path / "words.txt").encode("London the").ids == cased.encode("London the").ids
    saved_bert(tmp_path)  # a tokenizer.json beside it is not read then
    change_json(tmp_path / "tokenizer.json", model="nonsense")
    assert load_tokenizer(path).encode("The").ids == WordPiece(vocabulary()).encode("The").ids
    write(tmp_path, tokenizer_config__json={"tokenizer_class": "PreTrainedTokenizerFast"})
    with pytest.raises(ValueError, match=r"keeps its rules in a tokenizer\.json, and vocab\.txt is none"):
        load_tokenizer(path)


def test_special_tokens_of_any_tokenizer():
    usual = dict(zip(ROLES, SPECIAL_TOKENS, strict=True))
    tokenizer = WordPiece(vocabulary()).to_tokenizers()
    assert special_tokens(tokenizer) == usual and framing_ids(tokenizer) == (2, 3)
    tokenizer.enable_padding(length=9)
    tokenizer.enable_truncation(4)
    assert special_tokens(tokenizer) == usual and framing_ids(tokenizer) == (2, 3)
    bare = Tokenizer(models.WordLevel({"?": 0, "<pad>": 1, "[MASK]": 2}, unk_token="?"))
    assert special_tokens(bare) == {"unk_token": "?", "pad_token": "<pad>", "mask_token": "[MASK]"}
    with pytest.raises(ValueError, match="adds 0 special tokens to a text, not"):
        framing_ids(bare)


def test_rows_that_a_table_needs():
    tokenizer = Tokenizer(models.WordLevel({"?": 0, "a": 7}, unk_token="?"))
    assert (vocabulary_size(tokenizer), tokenizer.get_vocab_size()) == (8, 2)


def test_what_cannot_be_encoded_is_named():
    tokenizer = WordPiece(vocabulary()).to_tokenizers()
    assert [e.ids for e in encode_batch(tokenizer, ("the", "cat"))] == [[2, 5, 3], [2, 7, 3]]
    assert [e.ids for e in encode_batch(tokenizer, ["the"], add_special_tokens=False)] == [[5]]
    with pytest.raises(
        ValueError, match=r"rows\[1\] holds half a surrogate pair \(U\+DE00 at 2\), such as a cut emoji"
    ):
        encode_batch(tokenizer, ["a", "b \ude00"], name="rows")
    with pytest.raises(ValueError, match=r"texts\[0\] is None: give strings"):
        encode_batch(tokenizer, [None])
    text = "b \ude00 \U0001f600"
    mended = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # as the message says
    assert len(encode_batch(tokenizer, [mended])) == 1 and mended.endswith("\U0001f600")
