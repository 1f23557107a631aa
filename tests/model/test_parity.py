"""bertlib against transformers: outputs, attentions, gradients, files both ways, schedule, token ids."""

import os
import subprocess
import sys

import numpy as np
import pytest
import safetensors.torch
import torch
import transformers
from torch import nn
from torch.nn import functional as F

from bertlib import BertConfig, BertForPreTraining, BertForSequenceClassification, BertForTokenClassification, BertModel
from bertlib.data.encoders import encoder_folder
from bertlib.model.weights import transformers_name
from bertlib.tasks.classify import TextClassifier
from bertlib.text.batching import encode_texts, pad_batch
from bertlib.text.wordpiece import load_tokenizer
from bertlib.train.optimizer import linear_schedule, parameter_groups

TOLERANCE = 1e-5

TEXTS = [
    "The chancellor's budget speech moved the FTSE 100 by 1.2% on Tuesday.",
    "Arsenal 2-1 Chelsea!!!   Wenger: “we were lucky”…",
    "Émile Zola's naïve café, Zürich, Ångström, İstanbul",
    "自然语言处理 is natural language processing; 日本語 too, and 한국어.",
    "https://example.com/?q=a&b=c  user@example.org  #tag @name $9.99 €5 £3",
    "tabs\tand\nline\r\nbreaks\u00a0and\u200bzero-width\u3000spaces",
    "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
    "🙂 emoji 👩‍👩‍👧 and maths ∑ x² ≤ ∞",
    "[CLS] special [MASK] tokens [SEP] in the text [PAD]",
    "a",
    "word " * 300,
]

SHAPES = range(20)


def random_shape(seed):
    """A small BERT of any shape, as keyword arguments of either library's configuration."""
    rng = np.random.default_rng(seed)
    heads = int(rng.choice([1, 2, 3, 4]))
    return {
        "vocab_size": int(rng.integers(20, 90)),
        "hidden_size": heads * int(rng.choice([4, 8, 12])),
        "num_hidden_layers": int(rng.integers(1, 5)),
        "num_attention_heads": heads,
        "intermediate_size": int(rng.integers(5, 80)),
        "hidden_act": ["gelu", "gelu_new", "relu"][seed % 3],
        "max_position_embeddings": int(rng.integers(12, 30)),
        "type_vocab_size": int(rng.choice([1, 2, 3])),
        "layer_norm_eps": float(rng.choice([1e-12, 1e-6, 1e-3])),
        "pad_token_id": int(rng.choice([0, 3])),
        "hidden_dropout_prob": 0.2,
        "classifier_dropout": [None, 0.0, 0.4][int(rng.integers(3))],
    }


def randomise(model):
    """Weights of ordinary size everywhere: zero biases and unit gains would hide a mistake."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            centre = 1.0 if name.endswith("LayerNorm.weight") else 0.0
            nn.init.normal_(parameter, centre, 0.3)
    return model.eval()


def random_inputs(shape, seed):
    rng = np.random.default_rng(seed + 1000)
    size, length = int(rng.integers(2, 6)), int(rng.integers(2, shape["max_position_embeddings"] + 1))
    mask = np.arange(length) < rng.integers(1, length + 1, size=(size, 1))
    mask[0] = True
    inputs = {
        "input_ids": rng.integers(0, shape["vocab_size"], size=(size, length)),
        "attention_mask": mask.astype(np.int64),
        "token_type_ids": rng.integers(0, shape["type_vocab_size"], size=(size, length)),
    }
    return {name: torch.from_numpy(values) for name, values in inputs.items()}


def reference_classifier(seed, folder, num_labels=3):
    """A random classifier of transformers' own, saved; with its shape and inputs."""
    torch.manual_seed(seed)
    shape = random_shape(seed)
    names = {index: f"class {index}" for index in range(num_labels)}
    config = transformers.BertConfig(**shape, id2label=names, label2id={name: index for index, name in names.items()})
    theirs = randomise(transformers.BertForSequenceClassification._from_config(config, attn_implementation="eager"))
    theirs.save_pretrained(folder)
    return theirs, shape, random_inputs(shape, seed)


def assert_equal_encoders(ours, theirs, inputs):
    everything = {"output_hidden_states": True, "output_attentions": True}
    with torch.no_grad():
        mine, reference = ours(**inputs, **everything), theirs(**inputs, **everything)
    real = inputs["attention_mask"].bool()
    assert len(mine.hidden_states) == len(reference.hidden_states)
    assert len(mine.attentions) == len(reference.attentions) > 0
    for state, expected in zip(mine.hidden_states, reference.hidden_states, strict=True):
        assert (state - expected)[real].abs().max() <= TOLERANCE
    for weights, expected in zip(mine.attentions, reference.attentions, strict=True):
        assert (weights - expected).transpose(1, 2)[real].abs().max() <= TOLERANCE
    assert (mine.pooler_output - reference.pooler_output).abs().max() <= TOLERANCE
    with torch.no_grad():
        fused = ours(**inputs)  # the path that does not hold the weights
    assert (fused.last_hidden_state - reference.last_hidden_state)[real].abs().max() <= TOLERANCE


# --------------------------------------------------------------------------------------------------------- outputs


def test_real_weights_real_text():
    folder = encoder_folder("minilm")
    ids, mask = pad_batch(encode_texts(load_tokenizer(folder), TEXTS, 64), 0)
    assert (mask == 0).any()
    segments = ((ids == 102).cumsum(1) - (ids == 102).long()).clamp(max=1)
    theirs = transformers.BertModel.from_pretrained(folder, attn_implementation="eager").eval()
    inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": segments}
    assert_equal_encoders(BertModel.from_pretrained(folder), theirs, inputs)


@pytest.mark.parametrize("seed", SHAPES)
def test_random_shapes(seed, tmp_path):
    theirs, _, inputs = reference_classifier(seed, tmp_path)
    ours = BertForSequenceClassification.from_pretrained(tmp_path)
    assert ours.fresh == []
    assert_equal_encoders(ours.bert, theirs.bert, inputs)
    with torch.no_grad():
        assert (ours(**inputs).logits - theirs(**inputs).logits).abs().max() <= TOLERANCE


@pytest.mark.parametrize("seed", SHAPES)
def test_bare_encoders(seed, tmp_path):
    torch.manual_seed(seed)
    shape = random_shape(seed)
    config = transformers.BertConfig(**shape)
    theirs = randomise(transformers.BertModel._from_config(config, attn_implementation="eager"))
    theirs.save_pretrained(tmp_path)
    assert_equal_encoders(BertModel.from_pretrained(tmp_path), theirs, random_inputs(shape, seed))


def test_two_unnamed_classes(tmp_path):
    """transformers leaves its default classes out of config.json; the trained head must still be found."""
    shape = random_shape(1)
    theirs = randomise(transformers.BertForSequenceClassification(transformers.BertConfig(**shape)))
    theirs.save_pretrained(tmp_path)
    ours = BertForSequenceClassification.from_pretrained(tmp_path)
    assert ours.config.labels == ("LABEL_0", "LABEL_1")
    inputs = random_inputs(shape, 1)
    with torch.no_grad():
        assert (ours(**inputs).logits - theirs(**inputs).logits).abs().max() <= TOLERANCE


# ------------------------------------------------------------------------------------------------------- gradients


def gradient_gaps(ours, theirs, inputs):
    """For every parameter: the norm of the difference of both gradients, over the norm of transformers' gradient."""
    mine, reference = ours(**inputs), theirs(**inputs)
    assert abs(mine.loss - reference.loss) <= TOLERANCE
    mine.loss.backward()
    reference.loss.backward()
    expected = {name: parameter.grad for name, parameter in theirs.named_parameters()}
    actual = {transformers_name(name): parameter.grad for name, parameter in ours.named_parameters()}
    assert actual.keys() == expected.keys()
    whole = torch.cat([gradient.flatten() for gradient in expected.values()]).norm()
    return {
        # A key's bias moves all scores of a query alike, so its true gradient is 0: what is left there is rounding.
        name: float((actual[name] - gradient).norm() / (whole if name.endswith("key.bias") else gradient.norm()))
        for name, gradient in expected.items()
    }


@pytest.mark.parametrize("seed", SHAPES)
def test_gradients_of_every_parameter(seed, tmp_path):
    """In double precision: in single precision a gradient that happens to be tiny is mostly rounding."""
    theirs, _, inputs = reference_classifier(seed, tmp_path)
    ours = BertForSequenceClassification.from_pretrained(tmp_path)
    inputs["labels"] = torch.arange(len(inputs["input_ids"])) % 3
    gaps = gradient_gaps(ours.double(), theirs.double(), inputs)
    assert max(gaps.values()) <= 1e-5, max(gaps, key=gaps.get)


def test_gradients_with_real_weights():
    """In single precision, as one trains."""
    folder = encoder_folder("minilm")
    ours = BertForSequenceClassification.from_pretrained(folder, labels=["a", "b", "c"])
    theirs = transformers.BertForSequenceClassification.from_pretrained(folder, num_labels=3).eval()
    with torch.no_grad():
        theirs.classifier.weight.copy_(ours.classifier.weight)
        theirs.classifier.bias.copy_(ours.classifier.bias)
    ids, mask = pad_batch(encode_texts(load_tokenizer(folder), TEXTS, 64), 0)
    inputs = {"input_ids": ids, "attention_mask": mask, "labels": torch.arange(len(ids)) % 3}
    gaps = gradient_gaps(ours, theirs, inputs)
    # The tables' unused rows and segment B have no gradient here, which both sides agree on.
    assert max(gaps.values()) <= 1e-4, max(gaps, key=gaps.get)


# ------------------------------------------------------------------------------------------------------ round trip


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_encoder_saved_by_us_is_opened_by_transformers(seed, tmp_path):
    torch.manual_seed(seed)
    shape = random_shape(seed)
    ours = BertModel(BertConfig(**shape))
    for parameter in ours.parameters():
        nn.init.normal_(parameter, std=0.3)
    ours.eval().save_pretrained(tmp_path)
    theirs, report = transformers.AutoModel.from_pretrained(
        tmp_path, attn_implementation="eager", output_loading_info=True
    )
    assert not any(report.values()), report
    assert type(theirs) is transformers.BertModel
    assert_equal_encoders(ours, theirs, random_inputs(shape, seed))


@pytest.mark.parametrize("labels", [("no", "yes"), ("体育", "Größe", "tech")])
def test_classifier_saved_by_us_is_opened_by_transformers(labels, tmp_path):
    shape = random_shape(5)
    ours = BertForSequenceClassification(BertConfig(**shape, labels=labels)).eval()
    ours.save_pretrained(tmp_path)
    theirs, report = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(report.values()), report
    assert theirs.config.id2label == dict(enumerate(labels))
    assert theirs.config.label2id == {name: index for index, name in enumerate(labels)}
    inputs = random_inputs(shape, 5)
    with torch.no_grad():
        assert (ours(**inputs).logits - theirs(**inputs).logits).abs().max() <= TOLERANCE


@pytest.mark.parametrize("seed", [0, 4, 7])
def test_config_survives_both_ways(seed, tmp_path):
    shape = random_shape(seed)
    ours = BertConfig(**shape, attention_probs_dropout_prob=0.35, initializer_range=0.07, labels=("a", "b", "c"))
    BertForSequenceClassification(ours).save_pretrained(tmp_path / "ours")
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "ours")
    for name, value in ours.to_dict().items():
        if name not in ("id2label", "label2id"):
            assert getattr(theirs.config, name) == value, name
    theirs.save_pretrained(tmp_path / "theirs")
    assert BertConfig.from_pretrained(tmp_path / "theirs") == ours


# ------------------------------------------------------------------------------------------- texts in, answers out


@pytest.mark.parametrize("max_length", [8, 64, 256])
def test_token_ids(max_length):
    folder = encoder_folder("minilm")
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    expected = theirs(TEXTS, truncation=True, max_length=max_length)["input_ids"]
    assert encode_texts(load_tokenizer(folder), TEXTS, max_length) == expected


@pytest.mark.parametrize("lowercase", [True, False])
def test_saved_classifier_in_transformers_pipeline(lowercase, tiny_folder, tmp_path):
    from tokenizers import Tokenizer
    from tokenizers.implementations import BertWordPieceTokenizer

    words = (tiny_folder / "vocab.txt").read_text(encoding="utf-8").split()
    words += ["Goal", "Match", "É", "é", "中", "文"]
    (tmp_path / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    tokenizer = BertWordPieceTokenizer(str(tmp_path / "vocab.txt"), lowercase=lowercase)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=24,
        labels=("one", "two", "three"),
    )
    model = BertForSequenceClassification(config)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.2)
    ours = TextClassifier(model, Tokenizer.from_str(tokenizer.to_str()), 24)
    ours.save(tmp_path / "saved")
    texts = ["the Goal of the match", "É é e", "中文 goal", "bank", "profit market share " * 20]
    pipeline = transformers.pipeline("text-classification", model=str(tmp_path / "saved"))
    for mine, reference in zip(ours.predict(texts), pipeline(texts, truncation=True), strict=True):
        assert mine["label"] == reference["label"]
        assert mine["score"] == pytest.approx(reference["score"], abs=1e-4)
    in_training = transformers.BertForSequenceClassification.from_pretrained(tmp_path / "saved").train()
    careless = transformers.pipeline("text-classification", model=in_training, tokenizer=pipeline.tokenizer)
    assert len({careless("bank")[0]["score"] for _ in range(3)}) > 1  # a model in one's hands it takes as it is
    batched = pipeline(texts, truncation=True, batch_size=5)  # padded by transformers
    assert [answer["label"] for answer in batched] == [answer["label"] for answer in ours.predict(texts)]


# -------------------------------------------------------------------------------------------------------- training


@pytest.mark.parametrize("warmup_steps, total_steps", [(0, 10), (3, 10), (10, 10), (1, 2), (0, 1)])
def test_linear_schedule(warmup_steps, total_steps):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    reference = transformers.get_linear_schedule_with_warmup(optimizer, warmup_steps, total_steps)
    for step in range(total_steps + 1):
        share = linear_schedule(step, warmup_steps=warmup_steps, total_steps=total_steps)
        assert share == pytest.approx(reference.get_last_lr()[0])
        optimizer.step()
        reference.step()


def test_parameters_that_do_not_decay(tmp_path):
    """transformers' Trainer leaves out biases and LayerNorms; so do we, name for name."""
    theirs, _, _ = reference_classifier(0, tmp_path)
    ours = BertForSequenceClassification.from_pretrained(tmp_path)
    names = {id(parameter): transformers_name(name) for name, parameter in ours.named_parameters()}
    decaying, still = ([names[id(parameter)] for parameter in group["params"]] for group in parameter_groups(ours, 0.1))
    expected = {name for name, _ in theirs.named_parameters() if name.endswith(".bias") or ".LayerNorm." in name}
    assert set(still) == expected
    assert set(decaying) == {name for name, _ in theirs.named_parameters()} - expected
    assert len(still) + len(decaying) == len(names)


@pytest.mark.parametrize("seed", [0, 3])
def test_names_map_one_to_one(seed, tmp_path):
    theirs, _, _ = reference_classifier(seed, tmp_path)
    ours = BertForSequenceClassification.from_pretrained(tmp_path)
    mapped = [transformers_name(name) for name in ours.state_dict()]
    assert len(set(mapped)) == len(mapped)
    assert set(mapped) == set(theirs.state_dict())


# --------------------------------------------------------------------------------------------------- pretraining


def reference_pretraining(seed, folder, kind=transformers.BertForPreTraining):
    shape = random_shape(seed)
    torch.manual_seed(seed)
    theirs = kind(transformers.BertConfig(**shape))
    randomise(theirs)
    theirs.eval().save_pretrained(folder)
    return theirs, shape


def pretraining_inputs(shape, seed):
    inputs = random_inputs(shape, seed)
    torch.manual_seed(seed)
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    labels = torch.where((torch.rand(ids.shape) < 0.4) & (mask == 1), ids, -100)
    labels[0, 0] = ids[0, 0]
    return inputs | {"labels": labels, "next_sentence_label": torch.randint(0, 2, (len(ids),))}


@pytest.mark.parametrize("seed", SHAPES)
def test_pretraining_heads(seed, tmp_path):
    theirs, shape = reference_pretraining(seed, tmp_path)
    ours = BertForPreTraining.from_pretrained(tmp_path)
    assert ours.fresh == []
    inputs = pretraining_inputs(shape, seed)
    bare = {name: tensor for name, tensor in inputs.items() if "label" not in name}
    with torch.no_grad():
        expected, output, everywhere = theirs(**inputs), ours(**inputs), ours(**bare)
    close = {"rtol": 0, "atol": TOLERANCE}
    torch.testing.assert_close(everywhere.prediction_logits, expected.prediction_logits, **close)  # padding too
    chosen = inputs["labels"] != -100
    torch.testing.assert_close(output.prediction_logits, expected.prediction_logits[chosen], **close)
    for answer in (output, everywhere):
        torch.testing.assert_close(answer.seq_relationship_logits, expected.seq_relationship_logits, **close)
    # transformers gives the sum alone; each of the two is had by asking for it alone.
    mlm = F.cross_entropy(expected.prediction_logits[chosen], inputs["labels"][chosen])
    nsp = F.cross_entropy(expected.seq_relationship_logits, inputs["next_sentence_label"])
    torch.testing.assert_close(mlm + nsp, expected.loss, **close)
    torch.testing.assert_close(output.mlm_loss, mlm, **close)
    torch.testing.assert_close(output.nsp_loss, nsp, **close)
    torch.testing.assert_close(output.loss, expected.loss, **close)
    for name, value in (("labels", mlm), ("next_sentence_label", nsp)):
        torch.testing.assert_close(ours(**bare, **{name: inputs[name]}).loss, value, **close)


@pytest.mark.parametrize("seed", SHAPES)
def test_pretraining_gradients_of_every_parameter(seed, tmp_path):
    theirs, shape = reference_pretraining(seed, tmp_path)
    ours = BertForPreTraining.from_pretrained(tmp_path).double()
    inputs = pretraining_inputs(shape, seed)
    gaps = gradient_gaps(ours, theirs.double(), inputs)
    assert "cls.predictions.decoder.weight" not in gaps  # one table, and one gradient
    # The losses are computed in single precision, which shows where a gradient nearly cancels (the NSP head's bias).
    assert max(gaps.values()) <= 1e-4, max(gaps, key=gaps.get)
    assert gaps["bert.embeddings.word_embeddings.weight"] <= 1e-6


@pytest.mark.parametrize("seed", [0, 5])
def test_the_tied_table_learns_from_both_of_its_ends(seed, tmp_path):
    """Its gradient is that of the lookup plus that of the projection, which transformers gives when it is untied."""
    theirs, shape = reference_pretraining(seed, tmp_path)
    ours = BertForPreTraining.from_pretrained(tmp_path).double()
    theirs, inputs = theirs.double(), pretraining_inputs(shape, seed)
    decoder = theirs.cls.predictions.decoder
    decoder.weight = nn.Parameter(decoder.weight.detach().clone())
    theirs(**inputs).loss.backward(), ours(**inputs).loss.backward()
    ends = theirs.bert.embeddings.word_embeddings.weight.grad, decoder.weight.grad
    actual = ours.bert.embeddings.word_embeddings.weight.grad
    assert (actual - sum(ends)).norm() <= 1e-5 * actual.norm()
    assert all(end.norm() > 1e-3 * actual.norm() for end in ends)


OPENED_BY = [
    (transformers.BertForPreTraining, ("prediction_logits", "seq_relationship_logits")),
    (transformers.BertForMaskedLM, ("prediction_logits",)),
    (transformers.BertForNextSentencePrediction, ("seq_relationship_logits",)),
]


@pytest.mark.parametrize("seed", [0, 3, 11])
@pytest.mark.parametrize("kind, heads", OPENED_BY, ids=[kind.__name__ for kind, _ in OPENED_BY])
def test_pretraining_model_saved_by_us_is_opened_by_transformers(seed, kind, heads, tmp_path):
    torch.manual_seed(seed)
    shape = random_shape(seed)
    ours = randomise(BertForPreTraining(BertConfig(**shape)))
    ours.save_pretrained(tmp_path)
    again, report = kind.from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"] and not report["mismatched_keys"], report
    if kind is transformers.BertForPreTraining:
        assert not any(report.values()), report
    inputs = {name: tensor for name, tensor in pretraining_inputs(shape, seed).items() if "label" not in name}
    with torch.no_grad():
        mine, reference = ours(**inputs), again.eval()(**inputs)
    for name in heads:
        expected = getattr(reference, name) if len(heads) > 1 else reference.logits
        torch.testing.assert_close(getattr(mine, name), expected, rtol=0, atol=TOLERANCE)


def test_masked_language_model_has_no_nsp_head(tmp_path):
    theirs, shape = reference_pretraining(1, tmp_path, transformers.BertForMaskedLM)
    ours = BertForPreTraining.from_pretrained(tmp_path)
    # The pooler is not in such a file either.
    assert set(ours.fresh) == {"nsp.weight", "nsp.bias", "bert.pooler.dense.weight", "bert.pooler.dense.bias"}
    ids = pretraining_inputs(shape, 1)["input_ids"]
    torch.testing.assert_close(ours(ids).prediction_logits, theirs(ids).logits, rtol=0, atol=TOLERANCE)
    assert all(ours.get_parameter(name).isfinite().all() for name in ours.fresh)
    assert ours.nsp.weight.std() > 0


def test_next_sentence_model_has_no_mlm_head(tmp_path):
    theirs, shape = reference_pretraining(1, tmp_path, transformers.BertForNextSentencePrediction)
    ours = BertForPreTraining.from_pretrained(tmp_path)
    assert set(ours.fresh) == {f"mlm.{part}.{kind}" for part in ("dense", "norm") for kind in ("weight", "bias")} | {
        "mlm.bias"
    }
    ids = pretraining_inputs(shape, 1)["input_ids"]
    torch.testing.assert_close(ours(ids).seq_relationship_logits, theirs(ids).logits, rtol=0, atol=TOLERANCE)


def rewrite(folder, change):
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    change(tensors)
    safetensors.torch.save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


TABLE, BIAS = "bert.embeddings.word_embeddings.weight", "cls.predictions.bias"
COPIES = {"cls.predictions.decoder.weight": TABLE, "cls.predictions.decoder.bias": BIAS}


def test_copies_of_the_tied_table(tmp_path):
    theirs, shape = reference_pretraining(2, tmp_path)
    rewrite(tmp_path, lambda tensors: tensors.update({copy: tensors[own].clone() for copy, own in COPIES.items()}))
    ours = BertForPreTraining.from_pretrained(tmp_path)
    ids = pretraining_inputs(shape, 2)["input_ids"]
    torch.testing.assert_close(ours(ids).prediction_logits, theirs(ids).prediction_logits, rtol=0, atol=TOLERANCE)
    rewrite(tmp_path, lambda tensors: tensors.pop(BIAS))  # some files have the decoder's bias alone
    again = BertForPreTraining.from_pretrained(tmp_path)
    assert again.fresh == []
    assert torch.equal(again.mlm.bias, ours.mlm.bias)


@pytest.mark.parametrize("copy", COPIES)
def test_copies_that_differ_are_refused(copy, tmp_path):
    reference_pretraining(2, tmp_path)
    rewrite(tmp_path, lambda tensors: tensors.update({copy: tensors[COPIES[copy]] + 1}))
    with pytest.raises(ValueError, match=rf"{copy} differs from .*: bertlib ties them"):
        BertForPreTraining.from_pretrained(tmp_path)


def test_a_decoder_of_its_own_is_refused(tmp_path):
    shape = random_shape(2)
    theirs = randomise(transformers.BertForPreTraining(transformers.BertConfig(**shape, tie_word_embeddings=False)))
    theirs.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"config\.json: tie_word_embeddings=False: bertlib builds BERT as published"):
        BertForPreTraining.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    "part",
    [
        "predictions.bias",
        "predictions.transform.dense.bias",
        "predictions.transform.LayerNorm.weight",
        "seq_relationship.weight",
        "seq_relationship.bias",
    ],
)
def test_half_a_head_is_refused(part, tmp_path):
    reference_pretraining(3, tmp_path)
    rewrite(tmp_path, lambda tensors: tensors.pop(f"cls.{part}"))
    with pytest.raises(ValueError, match=rf"cls\.{part} is missing"):
        BertForPreTraining.from_pretrained(tmp_path)


# ------------------------------------------------------------------- what transformers 5 passes over without a word


def test_what_is_passed_over_there_is_refused_here(tmp_path):
    """Misspelt arguments, head masks, masks of another shape (added to the scores as they are) and tables that are no
    BERT's: transformers gives results as if they had not been there, or others."""
    transformers.BertModel(transformers.BertConfig(**random_shape(0))).save_pretrained(tmp_path)
    theirs = transformers.BertModel.from_pretrained(tmp_path, attn_implementation="eager").eval()
    ours, ids = BertModel.from_pretrained(tmp_path), torch.arange(6)[None] + 5
    layers, heads = ours.config.num_hidden_layers, ours.config.num_attention_heads
    with torch.no_grad():
        expected = theirs(ids).last_hidden_state
        for given in ({"atention_mask": torch.zeros_like(ids)}, {"head_mask": torch.zeros(layers, heads)}):
            assert torch.equal(theirs(ids, **given).last_hidden_state, expected)
            with pytest.raises(TypeError, match="unexpected keyword argument"):
                ours(ids, **given)
        apart = torch.block_diag(torch.ones(3, 3), torch.ones(3, 3)).long()[None, None]
        other = torch.cat([ids[:, :3], ids[:, 3:] + 1], dim=1)  # another second half, which the first is not to see
        first, again = (theirs(x, attention_mask=apart).last_hidden_state[:, :3] for x in (ids, other))
        assert (first - again).abs().max() > 1e-4
    with pytest.raises(ValueError, match=r"attention_mask has shape \(1, 1, 6, 6\), input_ids \(1, 6\)"):
        ours(ids, attention_mask=apart)
    transformers.BertModel(transformers.BertConfig(**random_shape(0), position_embedding_type="relative_key"))
    with pytest.raises(ValueError, match="position_embedding_type='relative_key': bertlib builds BERT as published"):
        BertConfig.from_dict({"position_embedding_type": "relative_key"})


def test_a_checkpoint_in_half_precision_is_trained_in_full(tmp_path):
    theirs = transformers.BertForMaskedLM(transformers.BertConfig(**random_shape(1))).half()
    theirs.save_pretrained(tmp_path)
    ours = BertForSequenceClassification.from_pretrained(tmp_path, labels=("a", "b"))
    assert {parameter.dtype for parameter in ours.parameters()} == {torch.float32}
    opened = transformers.BertForSequenceClassification.from_pretrained(tmp_path)
    assert opened.classifier.weight.dtype == torch.float16  # a fresh head, too
    ours.save_pretrained(tmp_path / "again")
    assert transformers.BertModel.from_pretrained(tmp_path / "again").dtype == torch.float32


def test_fresh_heads_are_the_same_in_every_process():
    program = (
        "import torch; from bertlib import BertForPreTraining; from bertlib.data import encoder_folder\n"
        "for seed in (5, 5, 6):\n"
        "    torch.manual_seed(seed); model = BertForPreTraining.from_pretrained(encoder_folder('minilm'))\n"
        "    print(*[f'{name} {model.get_parameter(name).double().abs().sum().item()!r}' for name in model.fresh])"
    )
    results = [
        subprocess.run(
            [sys.executable, "-c", program], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout.decode()
        for seed in ("1", "2")
    ]
    assert results[0] == results[1]
    first, again, other = results[0].splitlines()
    assert first == again != other
    assert "nan" not in first and "inf" not in first
    assert {entry.rpartition(".")[0] for entry in first.split()[::2]} == {"mlm", "mlm.dense", "mlm.norm", "nsp"}


# ------------------------------------------------------------------------------------------------------- tagging

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def reference_tagger(seed, folder):
    """A random tagger of transformers' own, saved; and labelled inputs for it."""
    torch.manual_seed(seed)
    shape = random_shape(seed)
    names = dict(enumerate(TAGS))
    config = transformers.BertConfig(**shape, id2label=names, label2id={name: index for index, name in names.items()})
    theirs = randomise(transformers.BertForTokenClassification._from_config(config, attn_implementation="eager"))
    theirs.save_pretrained(folder)
    inputs = random_inputs(shape, seed)
    labels = torch.randint(0, len(TAGS), inputs["input_ids"].shape)
    labels[(inputs["attention_mask"] == 0) | (torch.rand(labels.shape) < 0.3)] = -100
    labels[0, 0] = 1
    return theirs, inputs | {"labels": labels}


@pytest.mark.parametrize("seed", SHAPES)
def test_tagger_and_its_gradients(seed, tmp_path):
    theirs, inputs = reference_tagger(seed, tmp_path)
    ours = BertForTokenClassification.from_pretrained(tmp_path)
    assert ours.fresh == []
    assert ours.config.labels == TAGS
    with torch.no_grad():
        output, expected = ours(**inputs), theirs(**inputs)
    torch.testing.assert_close(output.logits, expected.logits, rtol=0, atol=TOLERANCE)
    torch.testing.assert_close(output.loss, expected.loss, rtol=0, atol=TOLERANCE)
    gaps = gradient_gaps(ours.double(), theirs.double(), inputs)
    assert max(gaps.values()) <= 1e-6, max(gaps, key=gaps.get)


@pytest.mark.parametrize("seed", [0, 3, 11])
def test_tagger_saved_by_us_is_opened_by_transformers(seed, tmp_path):
    theirs, inputs = reference_tagger(seed, tmp_path / "theirs")
    BertForTokenClassification.from_pretrained(tmp_path / "theirs").save_pretrained(tmp_path / "ours")
    again, info = transformers.BertForTokenClassification.from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not any(info[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert again.config.id2label == dict(enumerate(TAGS))
    with torch.no_grad():
        torch.testing.assert_close(again.eval()(**inputs).logits, theirs(**inputs).logits, rtol=0, atol=TOLERANCE)


def test_a_taggers_folder_has_no_pooler_and_an_encoders_has_one_too_many(tmp_path, tiny_folder):
    reference_tagger(0, tmp_path)
    encoder = BertModel.from_pretrained(tmp_path)
    assert encoder.fresh == ["pooler.dense.bias", "pooler.dense.weight"]
    tagger = BertForTokenClassification.from_pretrained(tiny_folder, labels=TAGS)
    assert tagger.fresh == ["classifier.bias", "classifier.weight"]
    # Only the kinds of models that never had one may lack it.
    path = tmp_path / "config.json"
    stored = path.read_text(encoding="utf-8")
    assert "BertForTokenClassification" in stored
    path.write_text(stored.replace("TokenClassification", "SequenceClassification"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"pooler\.dense"):
        BertModel.from_pretrained(tmp_path)


def test_two_unnamed_tags(tmp_path):
    theirs = randomise(transformers.BertForTokenClassification(transformers.BertConfig(**random_shape(1))))
    theirs.save_pretrained(tmp_path)
    assert BertForTokenClassification.from_pretrained(tmp_path).config.labels == ("LABEL_0", "LABEL_1")
