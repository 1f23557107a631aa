"""Operations counted by hand are those that torch counts; the peak is a peak."""

import time
from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from bertcourse.costs import forward_flops, matrix_peak, training_flops
from bertlib import BertConfig, BertForPreTraining

SMALL = BertConfig(
    vocab_size=90,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=80,
    max_position_embeddings=24,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
)


@pytest.mark.parametrize(
    "change, rows, length, selected",
    [({}, 3, 11, 7), ({"num_hidden_layers": 5}, 2, 24, 1), ({"hidden_size": 64, "vocab_size": 300}, 1, 5, 3)],
)
def test_torch_counts_the_same(change, rows, length, selected, monkeypatch):
    monkeypatch.setattr("bertlib.model.attention.use_formula", lambda query: True)
    config = replace(SMALL, **change)
    model = BertForPreTraining(config)
    ids = torch.randint(5, config.vocab_size, (rows, length))
    labels = torch.full_like(ids, -100)
    labels.flatten()[:selected] = 7
    with FlopCounterMode(display=False) as forward:
        loss = model(ids, labels=labels, next_sentence_label=torch.zeros(rows, dtype=torch.long)).loss
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    by_hand = sum(forward_flops(config, rows, length, selected).values())
    assert forward.get_total_flops() == by_hand
    assert forward.get_total_flops() + backward.get_total_flops() == training_flops(config, rows, length, selected)


def test_the_paper_s_models_by_hand():
    base = forward_flops(BertConfig(), 1, 128, 0)
    assert base["projections"] + base["feed-forward"] == 12 * 24 * 768**2 * 128
    assert base["attention"] == 12 * 4 * 128 * 128 * 768
    assert base["vocabulary"] == base["MLM transform"] == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_no_product_beats_the_peak(dtype):
    """Twice the truth, or half of it, would be noticed: the same product is timed here in another way."""
    import time

    peak = matrix_peak(dtype, torch.device("cpu"), size=256, seconds=0.3)
    one, other = (torch.randn(256, 256).to(dtype) for _ in range(2))
    times = []
    for _ in range(300):
        start = time.perf_counter()
        one @ other
        times.append(time.perf_counter() - start)
    assert 0.4 < 2 * 256**3 / min(times) / peak < 2.5


def test_a_format_without_units_is_measured_by_smaller_products():
    """Two products of 2048 × 2048 take minutes where bfloat16 is emulated; whole numbers are as slow everywhere."""
    start = time.perf_counter()
    peak = matrix_peak(torch.int64, torch.device("cpu"), seconds=0.2)
    assert peak > 0 and time.perf_counter() - start < 5
