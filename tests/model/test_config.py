import dataclasses
import json

import pytest

from bertlib import BertConfig


def test_defaults_are_bert_base():
    config = BertConfig()
    assert (config.hidden_size, config.num_hidden_layers, config.num_attention_heads) == (768, 12, 12)
    assert (config.vocab_size, config.intermediate_size, config.max_position_embeddings) == (30522, 3072, 512)
    assert config.head_size == 64


@pytest.mark.parametrize(
    "field, value",
    [
        ("vocab_size", 0),
        ("hidden_size", -8),
        ("hidden_size", 768.0),
        ("num_hidden_layers", True),
        ("num_attention_heads", "12"),
        ("num_attention_heads", 7),
        ("intermediate_size", None),
        ("max_position_embeddings", 0),
        ("type_vocab_size", 0),
        ("hidden_act", "swish"),
        ("hidden_dropout_prob", 1.0),
        ("hidden_dropout_prob", -0.1),
        ("hidden_dropout_prob", None),
        ("attention_probs_dropout_prob", float("nan")),
        ("classifier_dropout", 1.5),
        ("initializer_range", 0.0),
        ("layer_norm_eps", -1e-12),
        ("layer_norm_eps", "1e-12"),
        ("pad_token_id", None),
        ("pad_token_id", 30522),
        ("pad_token_id", -1),
        ("pad_token_id", 1.5),
        ("labels", ("a", "b", "a")),
    ],
)
def test_bad_value_is_named_with_its_field(field, value):
    with pytest.raises(ValueError) as error:
        BertConfig(**{field: value})
    assert f"{field}={value!r}" in str(error.value)
    assert ": " in str(error.value)  # the remedy follows


def test_labels_become_a_tuple():
    assert BertConfig(labels=["a", "b"]).labels == ("a", "b")


def test_every_field_survives_a_dict():
    config = BertConfig(
        vocab_size=99,
        hidden_size=24,
        num_hidden_layers=3,
        num_attention_heads=6,
        intermediate_size=50,
        hidden_act="gelu_new",
        hidden_dropout_prob=0.2,
        attention_probs_dropout_prob=0.3,
        max_position_embeddings=17,
        type_vocab_size=3,
        initializer_range=0.5,
        layer_norm_eps=1e-6,
        pad_token_id=4,
        classifier_dropout=0.4,
        labels=("no", "sì", "是"),
    )
    default = BertConfig()
    for field in dataclasses.fields(config):
        assert getattr(config, field.name) != getattr(default, field.name), f"{field.name} is not tried out"
    assert BertConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_labels_follow_their_ids_not_the_order_of_the_file():
    assert BertConfig.from_dict({"id2label": {"1": "b", "10": "k", "0": "a"} | {str(i): str(i) for i in range(2, 10)}})
    config = BertConfig.from_dict({"id2label": {"1": "second", "0": "first"}})
    assert config.labels == ("first", "second")


def test_transformers_unnamed_two_classes_are_read():
    """transformers leaves its default, two classes without names, out of config.json."""
    config = BertConfig.from_dict({"model_type": "bert", "architectures": ["BertForSequenceClassification"]})
    assert config.labels == ("LABEL_0", "LABEL_1")
    assert BertConfig.from_dict({"model_type": "bert", "architectures": ["BertModel"]}).labels == ()


def test_gap_in_the_class_ids():
    with pytest.raises(ValueError, match=r"id2label has the ids \[0, 2\].*without a gap"):
        BertConfig.from_dict({"id2label": {"0": "a", "2": "c"}})


@pytest.mark.parametrize(
    "field, value",
    [
        ("model_type", "roberta"),
        ("position_embedding_type", "relative_key"),
        ("is_decoder", True),
        ("add_cross_attention", True),
    ],
)
def test_other_kinds_of_model_are_refused(field, value):
    with pytest.raises(ValueError, match=f"{field}={value!r}"):
        BertConfig.from_dict({field: value})


def test_folder_without_config(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"config\.json.*give the folder"):
        BertConfig.from_pretrained(tmp_path)


def test_config_that_is_not_json_names_file_and_line(tmp_path):
    (tmp_path / "config.json").write_text('{\n "hidden_size": 768,\n oops', encoding="utf-8")
    with pytest.raises(ValueError, match=r"config\.json, line 3: not JSON"):
        BertConfig.from_pretrained(tmp_path)


def test_config_that_is_json_but_no_object(tmp_path):
    (tmp_path / "config.json").write_text("[1, 2]", encoding="utf-8")
    with pytest.raises(ValueError, match=r"config\.json: holds a list"):
        BertConfig.from_pretrained(tmp_path)


def test_bad_value_in_a_file_names_the_file(tmp_path):
    (tmp_path / "config.json").write_text('{"hidden_act": "swish"}', encoding="utf-8")
    with pytest.raises(ValueError, match=r"config\.json: hidden_act='swish': choose one of gelu"):
        BertConfig.from_pretrained(tmp_path)
