from dataclasses import replace

import pytest
import torch

from bertlib import BertForSequenceClassification
from bertlib.dropout import Dropout


@pytest.fixture
def model(tiny_classifier_config):
    return BertForSequenceClassification(tiny_classifier_config).eval()


def test_shapes_and_loss(model, batch):
    output = model(**batch)
    assert output.logits.shape == (3, 3)
    by_hand = -output.logits.log_softmax(-1)[torch.arange(3), batch["labels"]].mean()
    torch.testing.assert_close(output.loss, by_hand)


def test_no_labels_no_loss(model, batch):
    assert model(batch["input_ids"]).loss is None


def test_token_types_reach_the_encoder(model, batch):
    with_segments = model(batch["input_ids"], token_type_ids=batch["token_type_ids"]).logits
    assert not torch.allclose(with_segments, model(batch["input_ids"]).logits)


@pytest.mark.parametrize("own, expected", [(None, 0.3), (0.0, 0.0), (0.5, 0.5)])
def test_classifier_dropout(tiny_classifier_config, own, expected):
    config = replace(tiny_classifier_config, hidden_dropout_prob=0.3, classifier_dropout=own)
    head = BertForSequenceClassification(config).dropout
    assert isinstance(head, Dropout)
    assert head.p == expected


def test_dropout_acts_before_the_classifier_in_training(tiny_classifier_config, batch):
    config = replace(
        tiny_classifier_config, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, classifier_dropout=0.5
    )
    model = BertForSequenceClassification(config)
    assert not torch.equal(model(batch["input_ids"]).logits, model(batch["input_ids"]).logits)
    model.eval()
    assert torch.equal(model(batch["input_ids"]).logits, model(batch["input_ids"]).logits)


def test_fresh_head(tiny_classifier_config):
    head = BertForSequenceClassification(replace(tiny_classifier_config, initializer_range=0.1)).classifier
    assert (head.bias == 0).all()
    assert 0.05 < head.weight.std() < 0.12
    assert head.weight.abs().max() <= 0.2


@pytest.mark.parametrize("labels", [(), ("alone",)])
def test_fewer_than_two_classes(tiny_config, labels):
    with pytest.raises(ValueError, match="at least two class names"):
        BertForSequenceClassification(replace(tiny_config, labels=labels))


@pytest.mark.parametrize("bad", [3, -1, -100])
def test_label_out_of_range(model, batch, bad):
    batch["labels"][1] = bad
    with pytest.raises(ValueError, match=rf"labels\[1\] = {bad} is outside 0 … 2: .*sport, business, tech"):
        model(**batch)


@pytest.mark.parametrize("shape", [(2,), (4,), (3, 1), ()])
def test_wrong_number_of_labels(model, batch, shape):
    with pytest.raises(ValueError, match=r"labels has shape .*one class id for each of the 3 texts"):
        model(**batch | {"labels": torch.zeros(shape, dtype=torch.long)})


def test_float_labels(model, batch):
    with pytest.raises(TypeError, match=r"labels has dtype torch\.float32: give integers"):
        model(**batch | {"labels": torch.zeros(3)})
