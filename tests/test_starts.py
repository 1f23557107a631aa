"""Starts: the unigram guess, and heads that look at their neighbours."""

import copy

import numpy as np
import pytest
import torch

from bertlib import BertConfig, BertForPreTraining
from bertlib.starts import OFFSETS, look_nearby, pass_through, rotation, start_from_counts

SHAPE = BertConfig(vocab_size=300, hidden_size=128, num_hidden_layers=3, num_attention_heads=4, intermediate_size=64)


def test_the_first_guess_is_the_unigram_guess():
    model = BertForPreTraining(SHAPE)
    counts = np.random.default_rng(0).integers(0, 1000, 300)
    start_from_counts(model, counts)
    expected = torch.tensor((counts + 1) / (counts + 1).sum()).float()
    torch.testing.assert_close(model.mlm.bias.softmax(-1), expected)
    assert model.mlm.bias.mean().abs() < 1e-4


@pytest.mark.parametrize("offset", [-3, -1, 0, 2])
def test_rotation_moves_a_position(offset):
    frequencies = torch.tensor([1.0, 0.3, 0.01])

    def position(place):
        angles = place * frequencies
        return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten()

    torch.testing.assert_close(rotation(frequencies, offset) @ position(7.0), position(7.0 + offset))


def test_heads_look_where_they_are_told():
    torch.manual_seed(0)
    model = BertForPreTraining(SHAPE).eval()
    look_nearby(model)
    ids = torch.randint(5, 300, (16, 60))
    with torch.no_grad():
        attentions = model.bert(ids, output_attentions=True).attentions
    for layer in (0, 1):
        for head, offset in enumerate(OFFSETS[:4]):
            by_offset = {
                d: attentions[layer][:, head].diagonal(d, dim1=1, dim2=2)[:, 5:-5].mean().item() for d in range(-6, 7)
            }
            assert max(by_offset, key=by_offset.get) == offset
            assert by_offset[offset] > 3 / 60  # three times as much as an even look


def test_only_positions_queries_and_keys_change():
    model = BertForPreTraining(SHAPE)
    before = copy.deepcopy(model.state_dict())
    look_nearby(model, layers=2)
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {
        "bert.embeddings.position_embeddings.weight",
        "bert.embeddings.word_embeddings.weight",
        *(f"bert.layers.{layer}.attention.{name}.weight" for layer in (0, 1) for name in ("query", "key")),
    }
    assert all(parameter.isfinite().all() for parameter in model.parameters())


def test_a_fresh_head_passes_the_bodys_vectors_through():
    torch.manual_seed(0)
    model = BertForPreTraining(SHAPE)
    before = copy.deepcopy(model.state_dict())
    pass_through(model)
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {"mlm.dense.weight"}
    hidden = torch.randn(200, 128)
    agreement = torch.cosine_similarity(model.mlm.dense(hidden), hidden, dim=-1)
    assert agreement.min() > 0.9


def test_odd_head_sizes():
    shape = {"vocab_size": 50, "hidden_size": 12, "num_hidden_layers": 1, "num_attention_heads": 4}
    model = BertForPreTraining(BertConfig(**shape, intermediate_size=8))
    look_nearby(model)
    assert model(torch.tensor([[5, 6, 7]])).prediction_logits.isfinite().all()
