"""Fewer layers, fewer heads, and zeros: what is smaller, and what only looks so."""

import copy

import pytest
import torch
from bug_zoo import shrink_bugs
from keywords import train
from torch import nn

from bertlib import BertForSequenceClassification, BertModel
from bertlib.model.adapters import LoRA, put_on
from bertlib.model.shrink import (
    bytes_by_module,
    head_importance,
    keep_layers,
    magnitude_mask,
    prune_heads,
    prune_magnitude,
)

HEADS = {0: [1, 3], 1: [0]}


@pytest.fixture
def model(tiny_classifier_config):
    model = BertForSequenceClassification(tiny_classifier_config).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    return model


def logits(model, batch):
    with torch.no_grad():
        return model(**{name: tensor for name, tensor in batch.items() if name != "labels"}).logits


# ----------------------------------------------------------------------------------------------------------- layers


def test_the_layers_that_are_kept_compute_what_they_did(model, batch):
    small = keep_layers(model, (1,))
    assert len(small.bert.layers) == small.config.num_hidden_layers == small.bert.config.num_hidden_layers == 1
    assert model.config.num_hidden_layers == len(model.bert.layers) == 2
    states = model.bert(batch["input_ids"], output_hidden_states=True).hidden_states
    expected, _ = model.bert.layers[1](states[0], None, False)
    torch.testing.assert_close(small.bert(batch["input_ids"]).last_hidden_state, expected)


def test_a_copy_shares_nothing_and_all_of_it_trains(model):
    small = keep_layers(model, [0, 1])
    shared = {p.data_ptr() for p in model.parameters()} & {p.data_ptr() for p in small.parameters()}
    assert not shared
    small.load_state_dict(model.state_dict())


def test_an_encoder_without_a_head_too(tiny_config, batch):
    small = keep_layers(BertModel(tiny_config), [0])
    assert small(batch["input_ids"]).last_hidden_state.shape == (3, 6, 32)


def test_a_small_model_is_saved_and_opened(model, batch, tmp_path):
    small = keep_layers(model, [1])
    small.save_pretrained(tmp_path)
    torch.testing.assert_close(
        logits(BertForSequenceClassification.from_pretrained(tmp_path), batch), logits(small, batch)
    )


@pytest.mark.parametrize("which", [(), (1, 0), (0, 0), (0, 2), (-1,)])
def test_layers_that_there_are_not(model, which):
    with pytest.raises(ValueError, match="layers from 0 to 1"):
        keep_layers(model, which)


def test_adapters_have_to_be_merged_first(model):
    put_on(model, LoRA(rank=2))
    for shrink in (lambda: keep_layers(model, [0]), lambda: prune_heads(model, {0: [0]})):
        with pytest.raises(ValueError, match="merge"):
            shrink()
    with pytest.raises(ValueError, match="merge"):
        prune_magnitude(model, 0.5)


# ------------------------------------------------------------------------------------------------------------ heads


def is_smaller_and_equal_to_zeroed_heads(prune, model, batch):
    zeroed = copy.deepcopy(model)
    shrink_bugs.heads_set_to_zero(zeroed, HEADS)
    expected, before = logits(zeroed, batch), sum(bytes_by_module(model).values())
    assert (expected - logits(model, batch)).abs().max() > 1e-2
    prune(model, HEADS)
    torch.testing.assert_close(logits(model, batch), expected, rtol=1e-5, atol=1e-5)
    width = 32 // 4
    gone = 3 * (4 * 32 * width + 3 * width)  # of three heads: rows of three matrices and biases, columns of the fourth
    assert before - sum(bytes_by_module(model).values()) == 4 * gone


def test_pruned_heads_are_gone(model, batch):
    is_smaller_and_equal_to_zeroed_heads(prune_heads, model, batch)


def test_masked_heads_are_not(model, batch):
    with pytest.raises(AssertionError):
        is_smaller_and_equal_to_zeroed_heads(shrink_bugs.heads_set_to_zero, model, batch)


def test_importance_is_the_slope_of_a_factor_before_each_head(model, batch):
    """Written out: each head's output is scaled by 1 ± 0.01, and the loss is looked at."""
    model = model.double()
    found, expected = head_importance(model, [batch]), []
    for layer in model.bert.layers:
        slopes = []
        for head in range(4):
            columns, losses = slice(8 * head, 8 * (head + 1)), []
            for factor in (1.01, 0.99):
                with torch.no_grad():
                    as_is = layer.attention.output.weight[:, columns].clone()
                    layer.attention.output.weight[:, columns] *= factor
                    losses.append(model(**batch).loss.item())
                    layer.attention.output.weight[:, columns] = as_is
            slopes.append(abs(losses[0] - losses[1]) / 0.02)
        expected.append(torch.tensor(slopes) / torch.tensor(slopes).norm())
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-2, atol=1e-3)


def test_heads_are_counted_among_those_that_are_there(model, batch):
    at_once = copy.deepcopy(model)
    prune_heads(at_once, {0: [0, 2]})
    prune_heads(model, {0: [0]})
    prune_heads(model, {0: [1]})
    torch.testing.assert_close(logits(model, batch), logits(at_once, batch))


def test_what_is_left_trains_and_is_not_saved(model, batch, tmp_path):
    prune_heads(model, HEADS)
    before = copy.deepcopy(model.bert.layers[0].attention.query.weight)
    train(model, lambda epoch: [batch], epochs=2, learning_rate=1e-2, precision="fp32", show_progress=False)
    assert not torch.equal(model.bert.layers[0].attention.query.weight, before)
    with pytest.raises(ValueError, match="lost heads"):
        model.save_pretrained(tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("heads", "message"), [({2: [0]}, "layer 2"), ({0: [4]}, "heads 0 to 3"), ({0: range(4)}, "leave one")]
)
def test_heads_that_there_are_not(model, heads, message):
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match=message):
        prune_heads(model, {1: [0]} | heads)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


# ------------------------------------------------------------------------------------------------------------ zeros


@pytest.mark.parametrize("share", [0, 0.25, 0.9])
def test_the_smallest_of_all_layers_go(model, share):
    masks = magnitude_mask(model, share)
    assert len(masks) == 12  # six matrices in each of two layers; no table, no bias, no norm, no head
    kept = torch.cat([model.get_parameter(name).abs()[mask] for name, mask in masks.items()])
    gone = torch.cat([model.get_parameter(name).abs()[~mask] for name, mask in masks.items()])
    assert len(gone) == int(share * (len(kept) + len(gone)))
    assert not len(gone) or gone.max() <= kept.min()


def holds_its_zeros(prune, model, batch):
    before = bytes_by_module(model)
    masks = magnitude_mask(model, 0.5)
    prune(model, 0.5)
    assert bytes_by_module(model) == before  # zeros take the room that numbers took
    train(model, lambda epoch: [batch], epochs=3, learning_rate=1e-2, precision="fp32", show_progress=False)
    for name, kept in masks.items():
        assert (model.get_parameter(name)[~kept] == 0).all()
        assert (model.get_parameter(name)[kept] != 0).all()


def test_zeros_stay_in_training(model, batch):
    holds_its_zeros(prune_magnitude, model, batch)


def test_zeros_that_nothing_holds_do_not(model, batch):
    with pytest.raises(AssertionError):
        holds_its_zeros(shrink_bugs.zeros_not_held, model, batch)


def test_momentum_from_before_revives_zeros(model, batch):
    """Held by the gradient alone, they are moved by what an older optimizer remembers: make a new one."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    model(**batch).loss.backward()
    optimizer.step()
    prune_magnitude(model, 0.5)
    name = next(iter(magnitude_mask(model, 0.5)))
    gone = model.get_parameter(name) == 0
    optimizer.zero_grad()
    model(**batch).loss.backward()
    optimizer.step()
    assert (model.get_parameter(name)[gone] != 0).any()


@pytest.mark.parametrize("share", [-0.1, 1, 1.5])
def test_shares_that_there_are_not(model, share):
    with pytest.raises(ValueError, match="share="):
        magnitude_mask(model, share)


def test_bytes_are_counted_once_each_by_what_they_belong_to(model):
    found = bytes_by_module(model)
    assert sum(found.values()) == 4 * sum(p.numel() for p in model.parameters())
    assert found["token table"] == model.bert.embeddings.word_embeddings.weight.nbytes
    assert found["attention"] == 2 * 4 * (4 * (32 * 32 + 32) + 2 * 32)
    assert found["feed-forward"] == 2 * 4 * (2 * 32 * 64 + 64 + 32 + 2 * 32)
    assert found["pooler"] == 4 * (32 * 32 + 32)
    assert found["head"] == 4 * (3 * 32 + 3)
