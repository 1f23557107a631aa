"""Starts: the unigram guess, and heads that look at their neighbours."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from bertlib import BertConfig, BertForPreTraining
from bertlib.metrics import unigram_baseline
from bertlib.model.starts import OFFSETS, look_nearby, pass_through, rotation, start_from_counts

SHAPE = BertConfig(vocab_size=300, hidden_size=128, num_hidden_layers=3, num_attention_heads=4, intermediate_size=64)


def test_the_first_guess_is_the_unigram_guess():
    model = BertForPreTraining(SHAPE)
    counts = np.random.default_rng(0).integers(0, 1000, 300)
    start_from_counts(model, counts)
    expected = torch.tensor((counts + 1) / (counts + 1).sum()).float()
    torch.testing.assert_close(model.mlm.bias.softmax(-1), expected)
    assert model.mlm.bias.mean().abs() < 1e-4


def test_a_head_that_reads_nothing_has_exactly_the_unigram_loss():
    model = BertForPreTraining(SHAPE).eval()
    counts = np.random.default_rng(0).integers(0, 1000, 300)
    start_from_counts(model, counts)
    torch.nn.init.zeros_(model.mlm.norm.weight)  # nothing of a position reaches the logits
    ids = torch.randint(5, 300, (8, 20))
    labels = torch.where(torch.rand(8, 20) < 0.3, ids, -100)
    loss = model(ids, labels=labels).mlm_loss.item()
    assert loss == pytest.approx(unigram_baseline(counts, [{"labels": labels}])["mlm_loss"], abs=1e-5)


@pytest.mark.parametrize("offset", [-3, -1, 0, 2])
def test_rotation_moves_a_position(offset):
    frequencies = torch.tensor([1.0, 0.3, 0.01])

    def position(place):
        angles = place * frequencies
        return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten()

    torch.testing.assert_close(rotation(frequencies, offset) @ position(7.0), position(7.0 + offset))


def test_rotation_moves_the_rows_of_the_position_table():
    model = BertForPreTraining(SHAPE)
    look_nearby(model)
    table = model.bert.embeddings.position_embeddings.weight[:60, : SHAPE.head_size]
    frequencies = 500.0 ** (-torch.arange(0, SHAPE.head_size, 2) / SHAPE.head_size)
    for offset in (-2, 1, 3):
        moved = table[10:50] @ rotation(frequencies, offset).T
        torch.testing.assert_close(moved, table[10 + offset : 50 + offset], rtol=0, atol=1e-6)


@pytest.mark.parametrize("heads", [4, 8])
def test_heads_look_where_they_are_told(heads):
    model = BertForPreTraining(replace(SHAPE, hidden_size=32 * heads, num_attention_heads=heads)).eval()
    ids = torch.randint(5, 300, (16, 60))

    def by_offset():
        """For each layer and head: how much of its attention lies at each distance, on average over random tokens."""
        with torch.no_grad():
            attentions = model.bert(ids, output_attentions=True).attentions
        return [
            [
                {d: layer[:, head].diagonal(d, dim1=1, dim2=2)[:, 5:-5].mean().item() for d in range(-6, 7)}
                for head in range(heads)
            ]
            for layer in attentions
        ]

    even = by_offset()
    look_nearby(model, layers=2)
    for layer, shares in enumerate(by_offset()):
        for offset, share, before in zip(OFFSETS, shares, even[layer], strict=False):
            assert max(before.values()) < 1.5 / 60
            if layer < 2:
                assert max(share, key=share.get) == offset
                assert share[offset] > 3 / 60  # three times as much as an even look
            else:
                assert max(share.values()) < 1.5 / 60  # the other layers look evenly still


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
    width = SHAPE.head_size
    positions = model.bert.embeddings.position_embeddings.weight
    assert (positions[:, width:] == 0).all()
    assert (positions[:, :width] != 0).any(1).all()
    words, old_words = (state["bert.embeddings.word_embeddings.weight"] for state in (model.state_dict(), before))
    assert torch.equal(words[:, width:], old_words[:, width:])
    torch.testing.assert_close(words[:, :width], 0.1 * old_words[:, :width])
    for name in changed - {"bert.embeddings.position_embeddings.weight"}:  # the other columns stay as they were
        assert torch.equal(model.state_dict()[name][:, width:], before[name][:, width:])
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
