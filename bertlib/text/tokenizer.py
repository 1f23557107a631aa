"""A model folder's tokenizer: read as transformers reads it, written so that transformers reads the same back.

Up to six files of a folder have a say: tokenizer.json, vocab.txt, tokenizer_config.json, special_tokens_map.json,
added_tokens.json, config.json. Their rules are those of transformers' AutoTokenizer (release 5). The class is
tokenizer_config.json's, else config.json's, else that of the model type. BertTokenizer takes nothing but pieces and
added tokens from tokenizer.json or vocab.txt, and makes the rest anew from its settings; PreTrainedTokenizerFast takes
tokenizer.json as it stands. What goes by other rules is refused, never guessed.
"""

import codecs
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Encoding, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from bertlib.files import read_json

# What the library needs of the special tokens, and the names that they mostly have.
USUAL_NAMES = {
    "pad_token": ("[PAD]", "<pad>"),
    "unk_token": ("[UNK]", "<unk>"),
    "cls_token": ("[CLS]", "<s>"),
    "sep_token": ("[SEP]", "</s>"),
    "mask_token": ("[MASK]", "<mask>"),
}
NAMED_TOKENS = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
# Classes of transformers that are BertTokenizer under another name (an ending "Fast" is left out here and there).
BERT_KINDS = ("Bert", "DistilBert", "Electra", "LayoutLM", "Lxmert", "MobileBert", "SqueezeBert")
BERT_CLASSES = {f"{kind}Tokenizer" for kind in BERT_KINDS}
# Classes without rules of their own: tokenizer.json says it all.
PLAIN_CLASSES = {"PreTrainedTokenizer", "TokenizersBackend", "PythonBackend"}
BERT_MODEL_TYPES = {"bert", "distilbert", "electra"}  # whose class is BertTokenizer if no file names one
# Unicode's white space, which the compiled reader of vocab.txt cuts off at the end of a line; Python knows four more.
WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


# --------------------------------------------------------------------------------------------------------- reading


def read_vocab(path: str | Path) -> dict[str, int]:
    """Read a vocab.txt, one piece per line, as transformers does: piece -> number of its line from 0.

    Only a line feed ends a line: published vocabularies hold pieces such as U+2028 (bert-base-chinese's 344th). White
    space at the end of a line is no part of the piece; what is left of such a piece, or of an empty line, is the empty
    piece, which no word is cut into. A piece that stands in two lines has the number of the last.

    Raises:
        FileNotFoundError: no such file. ValueError: it is not UTF-8; the message names file and line.
    """
    path = Path(path)
    if not path.is_file():
        folder = path if path.is_dir() else path.parent
        other = ""
        if (folder / "tokenizer.json").is_file():  # transformers 5 writes nothing else
            other = f"; {folder} has a tokenizer.json: open that with load_tokenizer"
        raise FileNotFoundError(f"{path}: no such file; give the path of a vocab.txt{other}")
    content = path.read_bytes().removeprefix(codecs.BOM_UTF8)  # the mark that Windows programs write
    try:
        lines = content.decode("utf-8").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(f"{path}, line {line}: not UTF-8; save the file as UTF-8") from error
    return {line.rstrip(WHITE_SPACE): number for number, line in enumerate(lines)}


def load_tokenizer(folder: str | Path, config: Mapping[str, Any] | None = None) -> Tokenizer:
    """The tokenizer of a model folder, with the ids that transformers' AutoTokenizer gives; or a refusal.

    Padding and truncation that a file asks for are switched off: a batch decides about those. `special_tokens` knows
    its special tokens.

    Args:
        folder: a model folder; or a vocab.txt, which is read with the settings beside it, without a tokenizer.json.
        config: what its config.json holds, if that was read already.

    Raises:
        FileNotFoundError: there is no such file, or neither a tokenizer.json nor a vocab.txt.
        ValueError: a file is damaged, two files contradict each other, the tokenizer's class is one that bertlib does
            not read, or it adds no [CLS] and [SEP]; the message names the file and what can be done.
    """
    path = Path(folder)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder; give a model folder, or the path of a vocab.txt")
    if path.is_file() and path.suffix == ".json":
        raise ValueError(f"{path}: give the folder that it is in, or a vocab.txt")
    folder, vocab_file = (path.parent, path) if path.is_file() else (path, path / "vocab.txt")
    tokenizer_file = None if path.is_file() or not (folder / "tokenizer.json").is_file() else folder / "tokenizer.json"
    if tokenizer_file is None and not vocab_file.is_file():
        raise FileNotFoundError(f"{folder}: no tokenizer.json and no vocab.txt; copy the model's tokenizer there")

    settings = _read_settings(folder)
    if config is None:
        config = _read_if_there(folder / "config.json")
    kind = _tokenizer_class(folder, settings, config, tokenizer_file)
    content = {} if tokenizer_file is None else _read_tokenizer_json(tokenizer_file)
    names, extra, added = _stated_tokens(folder, settings, content)
    if kind in BERT_CLASSES:
        vocab = read_vocab(vocab_file) if tokenizer_file is None else _pieces_of(tokenizer_file, content)
        tokenizer, names = _build_bert(tokenizer_file or vocab_file, vocab, settings, names)
        _add_tokens(tokenizer, names, extra, added)
        _attach_template(tokenizer, str(names["cls_token"]), str(names["sep_token"]))
    elif tokenizer_file is None:
        raise ValueError(
            f"{folder / 'tokenizer_config.json'}: tokenizer_class {kind} keeps its rules in a tokenizer.json, and "
            f"{'there is none' if path.is_dir() else path.name + ' is none'}; give a folder that has one"
        )
    else:
        tokenizer = _from_file(tokenizer_file)
        if tokenizer.padding is not None:
            names.setdefault("pad_token", tokenizer.padding["pad_token"])
        _add_tokens(tokenizer, names, extra, added)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.encode_special_tokens = settings.get("split_special_tokens") is True
    _check_ids(folder, tokenizer, added)
    # tokenizers has no place for the roles of special tokens; an attribute of the object is where they go along.
    tokenizer.special_tokens = {role: str(name) for role, name in names.items() if name is not None}
    try:
        framing_ids(tokenizer)
    except ValueError as error:
        raise ValueError(f"{folder}: {error}") from error
    return tokenizer


def _read_if_there(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}


def _read_settings(folder: Path) -> dict[str, Any]:
    """tokenizer_config.json, if there is one; what bertlib cannot follow in it is refused."""
    path = folder / "tokenizer_config.json"
    settings = _read_if_there(path)
    own_code = settings.get("auto_map") or {}
    if isinstance(own_code, list) or "AutoTokenizer" in own_code:
        raise ValueError(f"{path}: auto_map names a tokenizer with code of its own, which bertlib does not run")
    if settings.get("init_inputs"):
        raise ValueError(f"{path}: init_inputs are not supported; remove them, or name each in the file")
    other = [name for name in settings.get("fast_tokenizer_files") or () if name != "tokenizer.json"]
    if other:
        raise ValueError(
            f"{path}: fast_tokenizer_files names {other[0]}, a tokenizer.json of another release; remove the entry"
        )
    for name in ("do_lower_case", "tokenize_chinese_chars", "strip_accents"):
        value = settings.get(name, True)
        if not isinstance(value, bool) and not (value is None and name == "strip_accents"):
            raise ValueError(f"{path}: {name}={value!r}: give true or false")
    return settings


def _tokenizer_class(
    folder: Path, settings: Mapping[str, Any], config: Mapping[str, Any], tokenizer_file: Path | None
) -> str:
    """The class that transformers would build, without an ending "Fast"; one that bertlib does not read is refused."""
    model_type = config.get("model_type") or ""
    place, name = "tokenizer_config.json", settings.get("tokenizer_class")
    if not name:
        place, name = "config.json", config.get("tokenizer_class")
    if not name:
        if model_type and model_type not in BERT_MODEL_TYPES:
            raise ValueError(
                f"{folder / place}: model_type={model_type!r} has a tokenizer of its own, which bertlib does not read"
            )
        name = "BertTokenizer" if model_type or tokenizer_file is None else "PreTrainedTokenizer"
    kind = str(name).removesuffix("Fast")
    if kind not in BERT_CLASSES | PLAIN_CLASSES:
        raise ValueError(
            f"{folder / place}: tokenizer_class {name!r} is not supported: bertlib reads BertTokenizer and "
            "PreTrainedTokenizerFast. Where the tokenizer is a fast one, PreTrainedTokenizerFast("
            "tokenizer_object=AutoTokenizer.from_pretrained(folder).backend_tokenizer, cls_token=…, …) of transformers "
            "saves it in that form"
        )
    marks = ("tok", "spiece", "sentencepiece", "spm")
    found = [] if tokenizer_file else sorted(path.name for path in folder.glob("*.model"))
    strange = [name for name in found if any(mark in name for mark in marks)]
    if kind in BERT_CLASSES and strange:
        raise ValueError(
            f"{folder / strange[0]}: a SentencePiece model, which bertlib does not read; save the tokenizer as a "
            "tokenizer.json with transformers, with tokenizer_class PreTrainedTokenizerFast"
        )
    return kind


def _read_tokenizer_json(path: Path) -> dict[str, Any]:
    """Its content, of whose model and added tokens at least the outer form is right."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content["model"], dict) or not isinstance(content.get("added_tokens") or [], list):
            raise ValueError("model is no object, or added_tokens no list")
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(path, error) from error
    return content


def _unreadable(path: Path, problem: object) -> ValueError:
    return ValueError(f"{path}: the tokenizer cannot be read ({problem}); fetch or save it again")


def _from_file(path: Path) -> Tokenizer:
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exception
        raise _unreadable(path, error) from error


def _pieces_of(path: Path, content: Mapping[str, Any]) -> dict[str, int]:
    """The vocabulary of a tokenizer.json whose model is a WordPiece."""
    model = content["model"]
    kind = model.get("type") or type(_from_file(path).model).__name__  # old files leave the type out
    if kind != "WordPiece":
        raise ValueError(
            f"{path}: holds a {kind} model, and the tokenizer's class is BertTokenizer, which is a WordPiece: write "
            'tokenizer_class "PreTrainedTokenizerFast" into tokenizer_config.json if the file is right'
        )
    if not isinstance(model.get("vocab"), dict):
        raise _unreadable(path, "no vocab in its model")
    return model["vocab"]


def _revive(value: Any) -> Any:
    """Added tokens that were written as objects, wherever they stand, made added tokens again."""
    if isinstance(value, dict):
        if value.get("__type") == "AddedToken":
            return AddedToken(**{name: field for name, field in value.items() if name != "__type"})
        return {name: _revive(field) for name, field in value.items()}
    return [_revive(field) for field in value] if isinstance(value, list) else value


def _added_token(fields: Mapping[str, Any]) -> AddedToken:
    return AddedToken(**{name: field for name, field in fields.items() if name != "id"})


def _stated_tokens(
    folder: Path, settings: Mapping[str, Any], content: Mapping[str, Any]
) -> tuple[dict[str, Any], list, dict[int, AddedToken]]:
    """What the files say of special and added tokens.

    Returns:
        The special tokens by role (cls_token, …; None where a file says so), special tokens without a role, and the
        added tokens by the id that a file gives them.
    """
    values, added = dict(settings), {}
    place = folder / "tokenizer_config.json"
    try:
        if values.get("additional_special_tokens") and not values.get("extra_special_tokens"):
            values["extra_special_tokens"] = values.pop("additional_special_tokens")
        if "added_tokens_decoder" in values:  # since release 4.34; older files are not asked then
            for number, fields in values["added_tokens_decoder"].items():
                added[int(number)] = AddedToken(**fields)
        else:
            place = folder / "special_tokens_map.json"
            for role, value in _read_if_there(place).items():
                if isinstance(value, dict) and role != "extra_special_tokens":
                    value = AddedToken(**(value | {"special": True}))
                elif role == "extra_special_tokens" and isinstance(value, list):
                    value = [*(values.get(role) or ()), *value]
                values[role] = value
            special = {str(values[role]) for role in NAMED_TOKENS if values.get(role)}
            special |= {str(token) for token in values.get("extra_special_tokens") or ()}
            place = folder / "added_tokens.json"
            for token, number in _read_if_there(place).items():
                added[int(number)] = AddedToken(token, normalized=token not in special, special=token in special)
            place = folder / "tokenizer.json"
            for fields in content.get("added_tokens") or ():
                added[int(fields["id"])] = _added_token(fields)
        place = folder / "tokenizer_config.json"
        if "additional_special_tokens" in values and "extra_special_tokens" not in values:
            values["extra_special_tokens"] = values.pop("additional_special_tokens")
        values = _revive(values)
        extra = values.get("extra_special_tokens") or []
        if isinstance(extra, str):  # as a list it would be its letters
            raise ValueError(f"extra or additional special tokens are {extra!r}: give a list")
        more = {role: value for role, value in values.items() if role.endswith("_token") and role not in NAMED_TOKENS}
        if isinstance(extra, dict):  # special tokens with roles of their own
            more, extra = more | extra, []
        by_content = {token.content: token for token in added.values()}
        names = {role: values[role] for role in NAMED_TOKENS if role in values}
        names = {role: by_content.get(str(name), name) for role, name in names.items()}
        names |= {role: value for role, value in more.items() if isinstance(value, (str, AddedToken))}
        for role, name in [*names.items(), *(("extra_special_tokens", token) for token in extra)]:
            if name is not None and not isinstance(name, (str, AddedToken)):
                raise ValueError(f"{role} holds {name!r}: give a string")
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        if str(error).startswith(str(folder)):
            raise
        raise ValueError(f"{place}: the special or added tokens cannot be read ({error}); save it again") from error
    return names, list(extra), added


def _build_bert(
    path: Path, vocab: Mapping[str, int], settings: Mapping[str, Any], names: Mapping[str, Any]
) -> tuple[Tokenizer, dict[str, Any]]:
    """What BertTokenizer makes of pieces and settings, without added tokens and template; and its special tokens."""
    names = {role: usual[0] for role, usual in USUAL_NAMES.items()} | dict(names)
    for role in ("unk_token", "cls_token", "sep_token"):
        if str(names[role]) not in vocab:
            raise ValueError(
                f"{path}: the vocabulary lacks {names[role]}, the {role}: add a line for it, or name the token that it "
                "has in tokenizer_config.json"
            )
    tokenizer = Tokenizer(models.WordPiece(dict(vocab), unk_token=str(names["unk_token"])))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=settings.get("tokenize_chinese_chars", True),
        strip_accents=settings.get("strip_accents"),
        lowercase=settings.get("do_lower_case", True),
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    return tokenizer, names


def _add_tokens(
    tokenizer: Tokenizer, names: Mapping[str, Any], extra: Sequence[str | AddedToken], added: Mapping[int, AddedToken]
) -> None:
    """Add what is not there yet in transformers' order: by id, then special tokens by role, then the others."""
    present = tokenizer.get_added_tokens_decoder().values()
    known = {repr(token) for token in present}
    new = [token for _, token in sorted(added.items()) if repr(token) not in known]
    taken = {token.content for token in [*present, *new]}
    ordered = [names.get(role) for role in NAMED_TOKENS]
    ordered += [name for role, name in names.items() if role not in NAMED_TOKENS]
    for token in [*ordered, *extra]:
        if token is not None and str(token) not in taken:
            new.append(AddedToken(token, special=True) if isinstance(token, str) else token)
            taken.add(str(token))
    named = {str(name) for name in names.values() if name is not None}
    for token in new:
        token.special = token.special or token.content in named
    tokenizer.add_tokens(new)


def _attach_template(tokenizer: Tokenizer, cls: str, sep: str) -> None:
    """[CLS] A [SEP], and for a pair [CLS] A [SEP] B [SEP] with segments 0 and 1."""
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{cls}:0 $A:0 {sep}:0",
        pair=f"{cls}:0 $A:0 {sep}:0 $B:1 {sep}:1",
        special_tokens=[(cls, tokenizer.token_to_id(cls)), (sep, tokenizer.token_to_id(sep))],
    )


def _check_ids(folder: Path, tokenizer: Tokenizer, added: Mapping[int, AddedToken]) -> None:
    """Refuse added tokens with other ids than the files give them, or another token's: rows were trained for those."""
    model = tokenizer.model
    for number, token in added.items():
        found = tokenizer.token_to_id(token.content)
        if model.token_to_id(token.content) is None and found != number:
            raise ValueError(
                f"{folder}: the files give the added token {token.content!r} the id {number}, transformers numbers it "
                f"{found} (added tokens follow each other behind the vocabulary's "
                f"{tokenizer.get_vocab_size(with_added_tokens=False)} pieces); correct the files that name it, and "
                "fill the gap"
            )
    normalized: dict[str, str] = {}
    for number, token in tokenizer.get_added_tokens_decoder().items():
        if token.normalized and tokenizer.normalizer is not None:
            form = tokenizer.normalizer.normalize_str(token.content)
            other = normalized.setdefault(form, token.content)
            if other != token.content:
                raise ValueError(
                    f"{folder}: the added tokens {other!r} and {token.content!r} are one after lower-casing and the "
                    f"like ({form!r}), and tokenizers takes either by chance: remove one, or give both "
                    '"normalized": false'
                )
        piece = model.id_to_token(number)
        if piece is not None and model.token_to_id(token.content) is None:
            raise ValueError(
                f"{folder}: {token.content!r} and {piece!r} both have the id {number} (pieces that are twice in the "
                "vocabulary leave its numbers short): give the added token a line of its own in the vocabulary"
            )


# ------------------------------------------------------------------------------------------------------ what it has


def vocabulary_size(tokenizer: Tokenizer) -> int:
    """The rows that a token table needs: the highest id and one. `get_vocab_size` is less where pieces stand twice."""
    return max(tokenizer.get_vocab().values()) + 1


def longest_input(folder: str | Path, positions: int) -> int:
    """Tokens that a folder's model can read: its positions, or fewer if tokenizer_config.json says so."""
    settings = _read_if_there(Path(folder) / "tokenizer_config.json")
    stated = settings.get("model_max_length", settings.get("max_len"))
    return min(positions, int(stated)) if isinstance(stated, (int, float)) and stated >= 3 else positions


def special_tokens(tokenizer: Tokenizer) -> dict[str, str]:
    """Special tokens by role: pad_token, unk_token, cls_token, sep_token, mask_token, as far as they are known.

    Of a tokenizer that `load_tokenizer` read as its folder names them. Of another one, cls_token and sep_token are what
    its template puts around a text, unk_token is its model's, and the others are the usual names that it has.
    """
    names = {role: name for role, name in getattr(tokenizer, "special_tokens", {}).items() if role in USUAL_NAMES}
    around = _frame(tokenizer)
    if len(around) == 2:
        names.setdefault("cls_token", around[0][1])
        names.setdefault("sep_token", around[1][1])
    if getattr(tokenizer.model, "unk_token", None):
        names.setdefault("unk_token", tokenizer.model.unk_token)
    for role, usual in USUAL_NAMES.items():
        for name in usual:
            if role not in names and tokenizer.token_to_id(name) is not None:
                names[role] = name
    return names


def _frame(tokenizer: Tokenizer) -> list[tuple[int, str]]:
    """Id and name of each token that it puts around a text."""
    encoding = tokenizer.encode("")
    rows = zip(encoding.ids, encoding.tokens, encoding.attention_mask, strict=True)
    return [(number, token) for number, token, real in rows if real]


def framing_ids(tokenizer: Tokenizer) -> tuple[int, int]:
    """The ids of what stands before and after a text, mostly [CLS] and [SEP]."""
    around = _frame(tokenizer)
    if len(around) != 2:
        raise ValueError(
            f"the tokenizer adds {len(around)} special tokens to a text, not [CLS] before and [SEP] after it (its "
            "post_processor says which): set tokenizer.post_processor = TemplateProcessing(…) of tokenizers and save "
            "it again, or write tokenizer_class BertTokenizer into tokenizer_config.json if it is a WordPiece"
        )
    return around[0][0], around[1][0]


def encode_batch(tokenizer: Tokenizer, texts: Sequence[str], *, name: str = "texts", **options: bool) -> list[Encoding]:
    """`tokenizer.encode_batch`, which says what is wrong with a text that cannot be encoded; `name` is what it calls
    them.

    Raises:
        ValueError: a text is no string, or holds half a surrogate pair, as out of an emoji that was cut in two.
    """
    try:
        return tokenizer.encode_batch(list(texts), **options)
    except TypeError as error:
        for number, text in enumerate(texts):
            if not isinstance(text, str):
                raise ValueError(f"{name}[{number}] is {text!r}: give strings") from error
            half = next((place for place, character in enumerate(text) if "\ud800" <= character <= "\udfff"), None)
            if half is not None:
                raise ValueError(
                    f"{name}[{number}] holds half a surrogate pair (U+{ord(text[half]):04X} at {half}), such as a cut "
                    "emoji: leave it out, or text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')"
                ) from error
        raise


# --------------------------------------------------------------------------------------------------------- writing


def tokenizer_files(tokenizer: Tokenizer, max_length: int) -> dict[str, str]:
    """The tokenizer's files for a model folder, by name: tokenizer.json and its settings, for a WordPiece vocab.txt.

    transformers reads the same ids from them. A tokenizer that BertTokenizer would build is written as one; every other
    as PreTrainedTokenizerFast, which takes tokenizer.json as it stands. One without a template gets [CLS] A [SEP].
    `max_length` is what transformers is to cut texts to, in tokens.
    """
    names = special_tokens(tokenizer)
    given, tokenizer = tokenizer, Tokenizer.from_str(tokenizer.to_str())
    tokenizer.encode_special_tokens = given.encode_special_tokens
    tokenizer.no_padding()  # the last batch's, which every program but transformers would obey ever after
    tokenizer.no_truncation()
    if tokenizer.post_processor is None and "cls_token" in names and "sep_token" in names:
        _attach_template(tokenizer, names["cls_token"], names["sep_token"])
    text = tokenizer.to_str()
    content = json.loads(text)
    added = {fields["id"]: {k: v for k, v in fields.items() if k != "id"} for fields in content["added_tokens"]}
    settings = _bert_settings(tokenizer, content, names)
    files = {"tokenizer.json": text}
    if settings is not None:
        pieces = {number: piece for piece, number in content["model"]["vocab"].items()}
        files["vocab.txt"] = "".join(f"{pieces.get(number, '')}\n" for number in range(max(pieces) + 1))
    values = {"tokenizer_class": "PreTrainedTokenizerFast" if settings is None else "BertTokenizer"}
    contents = {fields["content"] for fields in added.values()}  # a role would make an added token of any other piece
    values |= {"model_max_length": max_length, **(settings or {})}
    values |= {role: name for role, name in names.items() if name in contents}
    if tokenizer.encode_special_tokens:
        values["split_special_tokens"] = True
    # Said here, added tokens hide those of an added_tokens.json or special_tokens_map.json that the folder had before.
    values["added_tokens_decoder"] = {str(number): added[number] for number in sorted(added)}
    files["tokenizer_config.json"] = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
    return files


def _bert_settings(
    tokenizer: Tokenizer, content: Mapping[str, Any], names: Mapping[str, str]
) -> dict[str, bool | None] | None:
    """The settings with which BertTokenizer builds this very tokenizer; None if there are none."""
    normalizer, model = content["normalizer"] or {}, content["model"]
    if normalizer.get("type") != "BertNormalizer" or model.get("type") != "WordPiece" or len(names) < len(USUAL_NAMES):
        return None
    if any("\n" in piece for piece in model["vocab"]):
        return None
    settings = {
        "do_lower_case": normalizer["lowercase"],
        "strip_accents": normalizer["strip_accents"],
        "tokenize_chinese_chars": normalizer["handle_chinese_chars"],
    }
    try:
        built, _ = _build_bert(Path(), model["vocab"], settings, names)
    except ValueError:
        return None
    _add_tokens(built, names, (), {fields["id"]: _added_token(fields) for fields in content["added_tokens"]})
    _attach_template(built, names["cls_token"], names["sep_token"])
    theirs = json.loads(built.to_str())
    same = all(theirs[part] == content[part] for part in ("normalizer", "pre_tokenizer", "model", "added_tokens"))
    for texts in ([""], ["", ""]):
        ours, rebuilt = tokenizer.encode(*texts), built.encode(*texts)
        same = same and (ours.ids, ours.type_ids) == (rebuilt.ids, rebuilt.type_ids)
    return settings if same else None
