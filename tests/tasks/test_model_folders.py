"""Model folders that transformers opens: each opens here as well, or the message says truly what is amiss."""

import json

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from bertlib.model.config import BertConfig
from bertlib.model.encoder import BertModel
from bertlib.model.heads import BertForPreTraining, BertForSequenceClassification, BertForTokenClassification
from bertlib.tasks.classify import TextClassifier
from bertlib.tasks.match import PairClassifier
from bertlib.tasks.pretrain import PretrainedBert, pretrain
from bertlib.tasks.tag import EntityTagger, cut_into_pieces, first_pieces
from bertlib.text.pair_stream import PretrainingData, special_ids
from bertlib.text.tokenizer import load_tokenizer, longest_input, special_tokens
from bertlib.text.wordpiece import MAX_WORD_LENGTH, SPECIAL_TOKENS, WordPiece, learn_pieces

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ["the", "cat", "dog", "film", "is", "good", "bad", "in", "london"]
VOCAB = [*SPECIAL_TOKENS, *WORDS, *LETTERS, *(f"##{letter}" for letter in LETTERS), *".,"]
IDS = torch.tensor([[2, 5, 6, 9, 10, 3], [2, 7, 8, 3, 0, 0]])
DOCUMENTS = [["the cat is good", "the dog is bad", "the film is in london"], ["a film is bad", "a cat is in london"]]
DOCUMENTS += [["london is good", "the dog is in the film"], ["good is the cat", "bad is the dog"]]
BIO = {0: "O", 1: "B-LOC", 2: "I-LOC"}


def their_folder(folder, kind="BertModel", tokenizer=True, **config):
    """A folder as transformers' save_pretrained writes it."""
    torch.manual_seed(0)
    shape = {"vocab_size": len(VOCAB), "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    shape |= {"intermediate_size": 32, "max_position_embeddings": 64, "initializer_range": 0.3}
    model = getattr(transformers, kind)(transformers.BertConfig(**(shape | config))).eval()
    model.save_pretrained(folder)
    if tokenizer:
        pieces = {piece: number for number, piece in enumerate(VOCAB)}
        transformers.BertTokenizer(vocab=pieces).save_pretrained(folder)
    return folder


def change_config(folder, *, without=(), **values):
    path = folder / "config.json"
    content = json.loads(path.read_text(encoding="utf-8")) | values
    path.write_text(json.dumps({k: v for k, v in content.items() if k not in without}), encoding="utf-8")


def logits_of(model):
    with torch.no_grad():
        return model(IDS, attention_mask=(IDS > 0).long()).logits


# --------------------------------------------------------------------------------------------------- class names


@pytest.mark.parametrize(
    "rows, change, names",
    [
        (3, {"without": ("id2label", "label2id"), "num_labels": 3}, ("LABEL_0", "LABEL_1", "LABEL_2")),
        (2, {"without": ("id2label", "label2id", "architectures")}, ("LABEL_0", "LABEL_1")),
        (2, {"id2label": None, "label2id": None}, ("LABEL_0", "LABEL_1")),
        (2, {"id2label": {"0": "a", "1": "b", "2": "c"}, "num_labels": 2}, ("LABEL_0", "LABEL_1")),
        (3, {"id2label": {"2": "c", "0": "a", "1": "b"}}, ("a", "b", "c")),
        (3, {"id2label": {"0": 1, "1": 2, "2": 3}}, ("1", "2", "3")),
        (3, {"id2label": {"0": 0.5, "1": True, "2": "x"}}, ("0.5", "True", "x")),
    ],
)
def test_class_names_as_transformers_reads_them(rows, change, names, tmp_path):
    folder = their_folder(tmp_path, "BertForSequenceClassification", num_labels=rows)
    change_config(folder, **change)
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    ours = BertForSequenceClassification.from_pretrained(folder)
    assert ours.config.labels == names == tuple(str(theirs.config.id2label[n]) for n in range(rows))
    torch.testing.assert_close(logits_of(ours), logits_of(theirs), rtol=0, atol=1e-5)


ODD_NAMES = [
    ({"O": 0, "B-LOC": 1}, "id2label has 'O': 0: give each id its name"),  # label2id under the wrong name
    ({"0": "O", "1": None}, "id2label has '1': None: give each id its name"),
    ({"0": ["O"]}, r"id2label has '0': \['O'\]"),
    ({"0": "a", "2": "b"}, "without a gap"),
    ({"0": "other", "1": "other"}, "repeats a name"),
    ("O", "id2label='O': give each id its name"),
    ([[0, "O"]], r"id2label has 0: \[0, 'O'\]"),
]


@pytest.mark.parametrize("names, message", ODD_NAMES)
def test_class_names_that_cannot_be_read_matter_to_those_who_ask(names, message, tmp_path):
    folder = their_folder(tmp_path)
    plain = BertModel.from_pretrained(folder)(IDS).last_hidden_state
    change_config(folder, id2label=names, architectures=["BertModel"])
    for opened in (
        BertModel.from_pretrained(folder),
        BertForPreTraining.from_pretrained(folder).bert,
        BertForSequenceClassification.from_pretrained(folder, labels=("no", "yes")).bert,
        BertForTokenClassification.from_pretrained(folder, labels=("O", "B-X", "I-X")).bert,
    ):
        torch.testing.assert_close(opened.eval()(IDS).last_hidden_state, plain, rtol=0, atol=0)
    for asks in (BertForSequenceClassification.from_pretrained, TextClassifier.load, BertConfig.from_pretrained):
        with pytest.raises(ValueError, match=rf"config\.json: .*{message}"):
            asks(folder)


@pytest.mark.parametrize("value", ["3", 2.5, -1])
def test_num_labels_that_is_no_number(value):
    with pytest.raises(ValueError, match=rf"num_labels={value!r}: give a whole number"):
        BertConfig.from_dict({"num_labels": value})


@pytest.mark.parametrize("change", [{"without": ("id2label", "label2id")}, {"id2label": {"0": "a", "1": "b"}}])
def test_more_classes_than_names(change, tmp_path):
    """ThilinaRajapakse/simpletransformers 55, alexandrainst/danlp 80, huggingface/transformers 10449, 2487."""
    folder = their_folder(tmp_path, "BertForSequenceClassification", num_labels=3)
    change_config(folder, **change)
    for opener in (BertForSequenceClassification.from_pretrained, TextClassifier.load):
        with pytest.raises(
            ValueError, match=r"the weights has 3 classes, config\.json names 2 .*: write the names into"
        ):
            opener(folder)
    assert BertForSequenceClassification.from_pretrained(folder, labels=("x", "y", "z", "w")).fresh


# ------------------------------------------------------------------------------------------------- weights and parts


def test_a_model_without_a_pooler(tmp_path):
    """huggingface/transformers 8887 and 14017, allenai/allennlp 5574: BertModel(add_pooling_layer=False), saved."""
    their_folder(tmp_path)
    theirs = transformers.BertModel.from_pretrained(tmp_path, add_pooling_layer=False).eval()
    theirs.save_pretrained(tmp_path)
    ours = BertModel.from_pretrained(tmp_path)
    assert ours.fresh == ["pooler.dense.bias", "pooler.dense.weight"]
    torch.testing.assert_close(ours(IDS).last_hidden_state, theirs(IDS).last_hidden_state, rtol=0, atol=1e-5)
    classifier = BertForSequenceClassification.from_pretrained(tmp_path, labels=("no", "yes"))
    assert set(classifier.fresh) >= {"bert.pooler.dense.weight", "classifier.weight"}
    tagger = BertForTokenClassification.from_pretrained(tmp_path, labels=("O", "B-X", "I-X"))
    assert tagger.fresh == ["classifier.bias", "classifier.weight"]


def test_half_a_pooler_is_refused(tmp_path):
    import safetensors.torch

    path = their_folder(tmp_path) / "model.safetensors"
    tensors = safetensors.torch.load_file(path)
    del tensors["pooler.dense.bias"]
    safetensors.torch.save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"pooler\.dense\.bias is missing"):
        BertModel.from_pretrained(tmp_path)


@pytest.fixture
def parts(tmp_path):
    """A classifier in several files, and what it says."""
    folder = their_folder(tmp_path / "parts", "BertForSequenceClassification", num_labels=3)
    theirs = transformers.BertForSequenceClassification.from_pretrained(folder).eval()
    (folder / "model.safetensors").unlink()
    theirs.save_pretrained(folder, max_shard_size="3KB")
    assert len(list(folder.glob("model-*.safetensors"))) > 3
    return folder, theirs


def test_weights_in_several_files(parts):
    folder, theirs = parts
    ours = BertForSequenceClassification.from_pretrained(folder)
    torch.testing.assert_close(logits_of(ours), logits_of(theirs), rtol=0, atol=1e-5)


def test_a_part_is_missing_damaged_or_elsewhere(parts):
    """hiyouga/LlamaFactory 3340, sgl-project/sglang 32279, Neph0s/CoSER 3: a download that broke off."""
    folder, _ = parts
    index = folder / "model.safetensors.index.json"
    places = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
    part = folder / places["bert.embeddings.word_embeddings.weight"]
    content = part.read_bytes()
    part.write_bytes(content[:-7])
    with pytest.raises(ValueError, match=rf"{part.name}: damaged .*; fetch it again"):
        BertModel.from_pretrained(folder)
    part.unlink()
    with pytest.raises(FileNotFoundError, match=rf"{part.name}: no such file; it is one of the \d+ parts .*: fetch it"):
        BertModel.from_pretrained(folder)
    for name in ("../secret.safetensors", "/etc/passwd", "pytorch_model-00001-of-00002.bin"):
        changed = dict(places) | {"bert.embeddings.word_embeddings.weight": name}
        index.write_text(json.dumps({"weight_map": changed}), encoding="utf-8")
        with pytest.raises(ValueError, match="which is no safetensors file beside it"):
            BertModel.from_pretrained(folder)
    for text, message in (
        ("{", "line 1: not JSON"),
        ("{}", "has no weight_map"),
        ('{"weight_map": 3}', "no weight_map"),
    ):
        index.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=rf"index\.json.*{message}"):
            BertModel.from_pretrained(folder)


def test_one_file_goes_before_an_index_that_was_left_there(parts):
    """Blaizzy/mlx-vlm 1464: both in a folder, of two savings. transformers takes the one file."""
    folder, theirs = parts
    with torch.no_grad():
        theirs.classifier.bias += 1.0
    theirs.save_pretrained(folder.parent / "one")
    (folder.parent / "one" / "model.safetensors").rename(folder / "model.safetensors")
    torch.testing.assert_close(
        logits_of(BertForSequenceClassification.from_pretrained(folder)), logits_of(theirs), rtol=0, atol=1e-5
    )


# --------------------------------------------------------------------------------- what save_pretrained of theirs wrote


def test_a_classifier_of_transformers(tmp_path):
    folder = their_folder(tmp_path, "BertForSequenceClassification", id2label={0: "bad", 1: "good", 2: "so so"})
    texts = ["the film is good", "the dog is bad in london", "a cat"]
    pipeline = transformers.pipeline("text-classification", model=str(folder), device="cpu")
    ours = TextClassifier.load(folder)
    assert ours.max_length == 64 and ours.text == ("text",)
    for mine, theirs in zip(ours.predict(texts), pipeline(texts), strict=True):
        assert mine["label"] == theirs["label"] and mine["score"] == pytest.approx(theirs["score"], abs=1e-5)
    ours.save(tmp_path / "again")
    assert TextClassifier.load(tmp_path / "again").predict(texts) == ours.predict(texts)


def test_a_classifier_that_reads_the_end_of_long_texts(tmp_path):
    """transformers keeps the last tokens where the tokenizer says so; cut at the other end, texts would be others."""
    folder = their_folder(tmp_path, "BertForSequenceClassification", num_labels=2)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, truncation_side="left", model_max_length=8)
    tokenizer.save_pretrained(folder)
    for task in (TextClassifier, PairClassifier):
        with pytest.raises(ValueError, match=r"tokenizer_config\.json: truncation_side 'left' has .*: write 'right'"):
            task.load(folder)
    tokenizer.truncation_side = "right"
    tokenizer.save_pretrained(folder)
    text = "the film is good in london and the cat is bad"
    (theirs,) = transformers.pipeline("text-classification", model=str(folder), device="cpu")(text, truncation=True)
    assert TextClassifier.load(folder).predict(text)["score"] == pytest.approx(theirs["score"], abs=1e-5)


@pytest.mark.parametrize(
    "stated, expected",
    [(10**30, 64), (1e30, 64), (512, 64), (20, 20), (None, 64), (-1, 64), ("512", 64)],
)
def test_the_longest_input_is_what_the_model_can_read(stated, expected, tmp_path):
    """TheophileBlard/french-sentiment-analysis-with-bert 14: model_max_length 1000000000000000019884624838656."""
    settings = {} if stated is None else {"model_max_length": stated}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    assert longest_input(tmp_path, 64) == expected


def test_a_tagger_of_transformers(tmp_path):
    folder = their_folder(tmp_path, "BertForTokenClassification", id2label=BIO)
    ours = EntityTagger.load(folder)
    assert (ours.constrained, ours.context, ours.max_length) == (False, False, 64)  # as the pipeline decodes
    pipeline = transformers.pipeline("token-classification", model=str(folder), aggregation_strategy="first")
    for text in ("the cat is in london", "good dog in the film."):
        expected = [(row["entity_group"], row["start"], row["end"]) for row in pipeline(text)]
        assert [(row["type"], row["start"], row["end"]) for row in ours.predict(text)] == expected


@pytest.mark.parametrize("names", [("LABEL_0", "LABEL_1"), ("B-PER", "I-PER")])
def test_tags_without_an_outside_are_refused(names, tmp_path):
    folder = their_folder(tmp_path, "BertForTokenClassification", id2label=dict(enumerate(names)))
    with pytest.raises(ValueError, match=f"the model's tags are {', '.join(names)}, without O: write their true names"):
        EntityTagger.load(folder)


@pytest.mark.parametrize(
    "names", [("O", "B-PER", "I-PER", "X", "[CLS]", "[SEP]"), ("O", "PER", "LOC"), ("O", "I-PER", "B-LOC", "I-LOC")]
)
def test_other_tags_are_types_by_themselves_as_in_the_pipeline(names, tmp_path):
    """kamalkraj/BERT-NER 1 and EmilyAlsentzer/clinicalBERT 29: labels for word pieces, [CLS] and [SEP]."""
    folder = their_folder(tmp_path, "BertForTokenClassification", id2label=dict(enumerate(names)))
    pipeline = transformers.pipeline("token-classification", model=str(folder), aggregation_strategy="first")
    text = "the cat is in london"
    expected = [(row["entity_group"], row["start"], row["end"]) for row in pipeline(text)]
    found = EntityTagger.load(folder).predict(text)
    assert [(row["type"], row["start"], row["end"]) for row in found] == expected


def test_tags_without_their_first_half_are_not_constrained(tmp_path):
    folder = their_folder(tmp_path, "BertForTokenClassification", id2label={0: "O", 1: "I-PER", 2: "B-LOC", 3: "I-LOC"})
    assert not EntityTagger.load(folder).constrained


# ----------------------------------------------------------------------------------------------------- going on from it


@pytest.mark.parametrize("kind", ["BertForPreTraining", "BertModel"])
def test_more_rows_than_pieces(kind, tmp_path):
    """Padded tables; with a fresh head too, whose bias begins with the counts of the pieces that there are."""
    folder = their_folder(tmp_path / "padded", kind, vocab_size=len(VOCAB) + 6)
    result = pretrain(DOCUMENTS, start=folder, updates=1, max_length=32, out=tmp_path / "out", show_progress=False)
    assert result.model.config.vocab_size == len(VOCAB) + 6
    assert PretrainedBert.load(tmp_path / "out" / "model").model.mlm.bias.shape == (len(VOCAB) + 6,)
    given = {"start": folder, "updates": 1, "max_length": 32, "show_progress": False}
    assert pretrain(DOCUMENTS, tokenizer=load_tokenizer(folder), **given).model.config == result.model.config
    other = WordPiece.train([sentence for document in DOCUMENTS for sentence in document], 60)
    with pytest.raises(ValueError, match=rf"has {len(other)} entries, the model {len(VOCAB) + 6}: use its own"):
        pretrain(DOCUMENTS, tokenizer=other, **given)
    for path in folder.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(ValueError, match="use its own"):
        pretrain(DOCUMENTS, tokenizer=other, **given)


def test_more_pieces_than_rows(tmp_path):
    """huggingface/transformers 12763, mickeysjm/R-BERT 5: tokens added, the table not resized."""
    folder = their_folder(tmp_path, "BertForPreTraining")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["covid"])
    tokenizer.save_pretrained(folder)
    assert load_tokenizer(folder).encode("covid").ids[1] == len(VOCAB)
    with pytest.raises(ValueError, match=rf"tokenizer has {len(VOCAB) + 1} entries, the model {len(VOCAB)}: use"):
        pretrain(DOCUMENTS, start=folder, updates=1, max_length=32, show_progress=False)


def byte_pairs():
    """A tokenizer of HerBERT's kind: byte pairs within BERT's words, <s> and </s>."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trainer = trainers.BpeTrainer(vocab_size=80, special_tokens=names, end_of_word_suffix="</w>", show_progress=False)
    tokenizer.train_from_iterator([sentence for document in DOCUMENTS for sentence in document], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def test_pretraining_with_byte_pairs_and_other_names(tmp_path):
    tokenizer = byte_pairs()
    assert special_ids(tokenizer) == {"[PAD]": 1, "[UNK]": 3, "[CLS]": 0, "[SEP]": 2, "[MASK]": 4}
    start = BertConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, max_position_embeddings=32
    )
    result = pretrain(
        DOCUMENTS, start=start, tokenizer=tokenizer, updates=1, max_length=32, out=tmp_path, show_progress=False
    )
    assert result.model.config.pad_token_id == 1
    opened = PretrainedBert.load(tmp_path / "model")
    assert special_tokens(opened.tokenizer)["mask_token"] == "<mask>"
    theirs = transformers.pipeline("fill-mask", model=str(tmp_path / "model"), top_k=3)("the <mask> is good")
    ours = opened.fill_mask("the <mask> is good", top_k=3)
    assert [row["token"] for row in ours] == [row["token"] for row in theirs]
    with pytest.raises(ValueError, match="has no <mask>: write <mask>"):
        opened.fill_mask("the [MASK] is good")
    with pytest.raises(ValueError, match="whole_words=True with a tokenizer of the kind BPE: only WordPiece marks"):
        PretrainingData(DOCUMENTS, tokenizer, max_length=32, batch_size=2, whole_words=True, show_progress=False)


def test_half_a_character_in_a_document():
    tokenizer = WordPiece({piece: number for number, piece in enumerate(VOCAB)}).to_tokenizers()
    with pytest.raises(ValueError, match=r"sentences\[1\] holds half a surrogate pair \(U\+D83D at 4\)"):
        PretrainingData([["the cat", "bad \ud83d"]], tokenizer, max_length=32, batch_size=2, show_progress=False)


def test_words_and_pieces_of_a_sentencepiece_tokenizer():
    """Its pieces take the space before a word along: each word must still find its first one."""
    pieces = [("<unk>", 0.0), ("\u2581the", -1.0), ("\u2581cat", -1.0), ("\u2581", -3.0)]
    tokenizer = Tokenizer(models.Unigram(pieces + [(letter, -4.0) for letter in LETTERS], unk_id=0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    (cut,) = cut_into_pieces(tokenizer, ["the cat sat"])
    assert first_pieces(cut, [(0, 3), (4, 7), (8, 11)]).tolist() == [0, 1, 2]
    assert cut.core == (0, 6) and cut.offsets[:2] == [(0, 3), (4, 7)]
    (cut,) = cut_into_pieces(tokenizer, ["cat"], [("the", "sat")])
    assert cut.core == (1, 2) and cut.offsets[1] == (0, 3)
    assert np.array_equal(cut.first_of_words(), [True, True, True, False, False, False])


# ----------------------------------------------------------------------------------------- words that are none


def test_a_word_too_long_to_be_anything_but_unk_teaches_nothing():
    counts = {"the": 3, "then": 2, "x" * (MAX_WORD_LENGTH + 1): 99, "thin" * 25: 2}
    assert learn_pieces(counts, 30) == learn_pieces({k: v for k, v in counts.items() if k[0] != "x"}, 30)
    texts = ["the cat sat on the mat"] * 3
    assert WordPiece.train([*texts, "acgt" * 5000], 60).vocab == WordPiece.train(texts, 60).vocab


def test_nothing_but_such_words():
    """huggingface/tokenizers 1313 and 994: DNA and proteins, a sequence a line and no space in it."""
    with pytest.raises(ValueError, match="hold no words: give some text to learn from, with words of at most 100 char"):
        WordPiece.train(["acgt" * 50, "ggca" * 80], 100)
