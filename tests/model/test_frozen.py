"""Layers held fixed give what they would give anyway; only the others learn."""

import copy
from dataclasses import replace

import pytest
import torch

from bertlib import BertConfig, BertForSequenceClassification, BertForTokenClassification, BertModel
from bertlib.model.frozen import FrozenLayers

CONFIG = BertConfig(
    vocab_size=60,
    hidden_size=32,
    num_hidden_layers=4,
    num_attention_heads=4,
    intermediate_size=64,
    max_position_embeddings=20,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
    labels=("a", "b", "c"),
)
LENGTHS = torch.tensor([9, 5, 12, 5])


def batch(seed=0):
    generator = torch.Generator().manual_seed(seed)
    mask = (torch.arange(int(LENGTHS.max())) < LENGTHS[:, None]).long()
    return torch.randint(5, 60, mask.shape, generator=generator) * mask, mask


def two(kind, count=2, config=CONFIG):
    """The same model twice, the second with its lower layers fixed."""
    torch.manual_seed(1)
    plain = kind(config).train()
    fixed = copy.deepcopy(plain)
    frozen = FrozenLayers(count)
    frozen.fix(fixed.bert)
    return plain, fixed, frozen


@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("kind", [BertForSequenceClassification, BertForTokenClassification])
def test_outputs_and_the_gradients_above_are_those_of_the_whole_model(kind, count):
    plain, fixed, _ = two(kind, count)
    ids, mask = batch()
    real = mask.bool() if kind is BertForTokenClassification else slice(None)
    for _ in range(2):  # computed, then taken from what was kept
        for model in (plain, fixed):
            model.zero_grad()
            model(ids, mask).logits[real].square().sum().backward()
        moved = 0
        for (name, one), other in zip(plain.named_parameters(), fixed.parameters(), strict=True):
            below = "embeddings" in name or any(f"layers.{number}." in name for number in range(count))
            assert (other.grad is None) == (below or one.grad is None), name
            if other.grad is not None:
                torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-6)
                moved += 1
        assert moved > 10


def test_a_text_is_computed_once_whatever_stands_beside_it():
    _, fixed, frozen = two(BertForTokenClassification)
    ids, mask = batch()
    with torch.inference_mode():  # and what was made there can be trained on
        first = fixed(ids, mask).logits
    frozen._lower = None  # from here on nothing can be computed
    again = fixed(ids[[1, 3]][:, :5], mask[[1, 3]][:, :5]).logits
    torch.testing.assert_close(again, first[[1, 3], :5])
    again.sum().backward()
    with pytest.raises(TypeError):
        fixed(*batch(seed=1))


def test_dropout_is_off_below_and_on_above():
    shaky = replace(CONFIG, hidden_dropout_prob=0.3, attention_probs_dropout_prob=0.3)
    _, fixed, _ = two(BertForTokenClassification, config=shaky)
    ids, mask = batch()
    fixed.train()
    assert not torch.equal(fixed(ids, mask).logits, fixed(ids, mask).logits)
    fixed.eval()
    assert torch.equal(fixed(ids, mask).logits, fixed(ids, mask).logits)


def test_segments_count():
    torch.manual_seed(0)
    bert = BertModel(CONFIG).eval()
    ids, mask = batch()
    segments = torch.ones_like(ids)
    expected = [bert(ids, mask, given).pooler_output for given in (None, segments)]
    FrozenLayers(2).fix(bert)
    for given, right in zip((None, segments), expected, strict=True):
        torch.testing.assert_close(bert(ids, mask, given).pooler_output, right)


def test_several_models_share_one_if_their_lower_weights_are_the_same():
    _, fixed, frozen = two(BertForSequenceClassification)
    twin = copy.deepcopy(fixed)
    twin.bert.frozen = None
    frozen.fix(twin.bert)
    with torch.no_grad():
        twin.bert.layers[0].output.bias += 1
    with pytest.raises(ValueError, match="other weights"):
        frozen.fix(twin.bert)


@pytest.mark.parametrize("count", [-1, 1.5, "2"])
def test_senseless_counts_are_refused(count):
    with pytest.raises(ValueError, match=r"count="):
        FrozenLayers(count)


def test_there_are_no_more_layers_than_there_are():
    with pytest.raises(ValueError, match=r"count=5: the encoder has 4 layers; give at most 4"):
        FrozenLayers(5).fix(BertModel(CONFIG))
