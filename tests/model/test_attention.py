import math
import time

import pytest
import torch

from bertlib import BertConfig
from bertlib.model.attention import (
    MultiHeadSelfAttention,
    measured_advantage,
    packed_mask,
    padding_mask,
    scaled_dot_product_attention,
    use_formula,
)


def attend(*sizes, mask=None, seed=0, **options):
    torch.manual_seed(seed)
    query, key, value = (torch.randn(size) for size in sizes)
    return query, key, value, *scaled_dot_product_attention(query, key, value, mask, **options)


def test_numbers_by_hand():
    query = torch.tensor([[2.0, 0.0]])
    key = torch.tensor([[math.sqrt(2) * math.log(3) / 2, 5.0], [0.0, -7.0]])
    value = torch.tensor([[4.0], [8.0]])
    output, weights = scaled_dot_product_attention(query, key, value)  # scores log 3 and 0, so shares 3/4 and 1/4
    torch.testing.assert_close(weights, torch.tensor([[0.75, 0.25]]))
    torch.testing.assert_close(output, torch.tensor([[5.0]]))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("lead", [(), (3,), (2, 4)])
def test_equals_torch(lead, masked):
    mask = torch.rand(*lead, 5, 7) < 0.6
    mask[..., 0] = True
    mask = mask if masked else None
    query, key, value, output, weights = attend((*lead, 5, 8), (*lead, 7, 8), (*lead, 7, 6), mask=mask)
    expected = torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    torch.testing.assert_close(output, expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(weights.sum(-1), torch.ones(*lead, 5))


def test_equals_torch_in_its_gradients():
    inputs = torch.randn(3, 2, 5, 8, dtype=torch.float64)
    mask = torch.tensor([1, 1, 1, 0, 1]).bool()
    gradients = []
    for attention in (
        lambda q, k, v: scaled_dot_product_attention(q, k, v, mask)[0],
        lambda q, k, v: torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask.expand(5, 5)),
    ):
        leaf = inputs.clone().requires_grad_()
        attention(*leaf.unbind()).sin().sum().backward()
        gradients.append(leaf.grad)
    torch.testing.assert_close(*gradients)


def test_masked_keys_and_values_have_no_influence():
    mask = torch.tensor([True, True, False])
    query, key, value, output, _ = attend((4, 8), (3, 8), (3, 8), mask=mask)
    key[2], value[2] = 1e4, -1e4
    torch.testing.assert_close(scaled_dot_product_attention(query, key, value, mask)[0], output, rtol=0, atol=0)


def test_is_permutation_equivariant():
    query, key, value, output, weights = attend((6, 8), (6, 8), (6, 8))
    order = torch.randperm(6)
    shuffled, shuffled_weights = scaled_dot_product_attention(query[order], key[order], value[order])
    torch.testing.assert_close(shuffled, output[order])
    torch.testing.assert_close(shuffled_weights, weights[order][:, order])


def test_huge_scores_stay_finite():
    query, key = torch.full((2, 4), 1e18), torch.full((3, 4), 1e18)
    output, weights = scaled_dot_product_attention(query, key, torch.ones(3, 2), torch.tensor([True, False, True]))
    assert output.isfinite().all()
    assert weights.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_keeps_the_dtype_masked_row_included(dtype):
    inputs = torch.randn(3, 4, 8).to(dtype)
    mask = torch.ones(4, 4, dtype=torch.bool)
    mask[1] = False
    output, weights = scaled_dot_product_attention(*inputs, mask)
    assert output.dtype == weights.dtype == dtype
    assert output[1].abs().sum() == 0


def test_dropout_thins_the_output_but_not_the_weights_returned():
    *_, value, output, weights = attend((200, 8), (300, 8), (300, 4), dropout_p=0.5)
    torch.testing.assert_close(weights.sum(-1), torch.ones(200))
    assert not torch.allclose(output, weights @ value)


@pytest.mark.parametrize(
    "query, key, value",
    [((5, 8), (5, 6), (5, 8)), ((5, 8), (4, 8), (5, 8))],
)
def test_shapes_that_do_not_fit(query, key, value):
    with pytest.raises(ValueError, match="do not fit") as error:
        attend(query, key, value)
    assert str(query) in str(error.value) and str(key) in str(error.value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.long])
def test_mask_that_is_not_bool(dtype):
    with pytest.raises(TypeError, match=rf"{dtype}: give torch\.bool"):
        attend((5, 8), (5, 8), (5, 8), mask=torch.ones(5, 5, dtype=dtype))


@pytest.mark.parametrize("dtype", [torch.long, torch.bool, torch.float32, torch.uint8])
def test_padding_mask(dtype):
    mask = padding_mask(torch.tensor([[1, 1, 0], [1, 1, 1]], dtype=dtype))
    assert mask.shape == (2, 1, 1, 3)
    assert mask.dtype == torch.bool
    assert mask[:, 0, 0].tolist() == [[True, True, False], [True, True, True]]


@pytest.mark.parametrize("bad", [2, -1, 0.5, float("nan"), -10000.0])
def test_padding_mask_with_other_values(bad):
    values = torch.tensor([[1, 1, bad], [1, 1, 1]])
    with pytest.raises(ValueError, match="other than 0 and 1: give 1 for a token"):
        padding_mask(values)


def test_padding_mask_names_the_row_that_is_all_padding():
    with pytest.raises(ValueError, match="row 1 is all padding: remove"):
        padding_mask(torch.tensor([[1, 0], [0, 0]]))


@pytest.mark.parametrize("shape", [(3,), (2, 1, 1, 3)])
def test_padding_mask_of_another_shape(shape):
    with pytest.raises(ValueError, match=r"attention_mask has shape \("):
        padding_mask(torch.ones(shape))


@pytest.mark.parametrize("heads", [1, 2, 8])
def test_heads_are_split_and_merged_without_mixing(heads):
    attention = MultiHeadSelfAttention(BertConfig(hidden_size=16, num_attention_heads=heads))
    hidden = torch.arange(2 * 3 * 16.0).view(2, 3, 16)
    split = attention.split_heads(hidden)
    assert split.shape == (2, heads, 3, 16 // heads)
    for head in range(heads):
        assert torch.equal(split[:, head], hidden[..., head * 16 // heads : (head + 1) * 16 // heads])
    assert torch.equal(attention.merge_heads(split), hidden)


@pytest.mark.parametrize("padded", [False, True])
def test_fused_and_written_out_paths_agree(tiny_config, padded, monkeypatch):
    monkeypatch.setattr("bertlib.model.attention.use_formula", lambda query: False)
    attention = MultiHeadSelfAttention(tiny_config).eval()
    hidden = torch.randn(2, 6, 32)
    mask = padding_mask(torch.tensor([[1] * 6, [1] * 4 + [0] * 2])) if padded else None
    fused, nothing = attention(hidden, mask, need_weights=False)
    written_out, weights = attention(hidden, mask, need_weights=True)
    assert nothing is None
    assert weights.shape == (2, 4, 6, 6)
    torch.testing.assert_close(fused, written_out, rtol=1e-5, atol=1e-6)


def test_dropout_of_weights_is_active_in_training_only(tiny_config):
    attention = MultiHeadSelfAttention(tiny_config)
    hidden = torch.randn(2, 6, 32)
    assert not torch.equal(attention(hidden, None, False)[0], attention(hidden, None, False)[0])
    attention.eval()
    assert torch.equal(attention(hidden, None, False)[0], attention(hidden, None, False)[0])


def test_the_faster_path_is_taken(tiny_config, monkeypatch):
    """Whichever was measured to be faster, and only where weights are not asked for."""
    attention, hidden = MultiHeadSelfAttention(tiny_config).eval(), torch.randn(2, 6, 32)
    calls = []
    monkeypatch.setattr(
        "bertlib.model.attention.F.scaled_dot_product_attention", lambda *a, **k: calls.append(1) or a[2]
    )
    for faster, expected in ((True, 0), (False, 1)):
        calls.clear()
        monkeypatch.setattr("bertlib.model.attention.use_formula", lambda query, faster=faster: faster)
        assert attention(hidden, None, False)[1] is None
        assert len(calls) == expected


@pytest.mark.parametrize(
    "training, advantage, formula",
    [
        (True, 1.0, True),
        (True, 0.8, True),
        (True, 0.6, True),
        (True, 0.3, False),
        (False, 1.0, False),
        (False, 1.8, False),  # bfloat16, where the course was written
        (False, 3, True),
    ],
)
def test_only_a_clear_gain_changes_the_path(training, advantage, formula, monkeypatch):
    asked = []
    monkeypatch.setattr("bertlib.model.attention.measured_advantage", lambda *about: asked.append(about) or advantage)
    query = torch.zeros(1, dtype=torch.bfloat16, requires_grad=training)
    assert use_formula(query) is formula
    assert asked == [(torch.bfloat16, training)]
    assert use_formula(query.to("meta")) is False  # of another device the clock says nothing


def test_measuring_is_quick_and_leaves_no_trace():
    before = torch.random.get_rng_state()
    started = time.perf_counter()
    for training in (True, False):
        with torch.inference_mode():
            assert 0.02 < measured_advantage.__wrapped__(torch.float32, training) < 50
    assert time.perf_counter() - started < 5
    assert torch.equal(torch.random.get_rng_state(), before)


def test_what_is_measured(monkeypatch):
    """The kernel's best time over the formula's, the backward pass included where there will be one."""
    kernel, formula = [9, 3, 4, 5, 6, 7, 8, 9], [8, 2, 3, 4, 5, 6, 7, 8]
    backward = []
    monkeypatch.setattr(torch.Tensor, "backward", lambda tensor: backward.append(tensor))
    for training in (False, True):
        clock = iter([time for pair in zip(kernel, formula, strict=True) for spent in pair for time in (0, spent)])
        monkeypatch.setattr("bertlib.model.attention.work_clock", lambda clock=clock: next(clock))
        assert measured_advantage.__wrapped__(torch.float32, training) == 1.5
        assert len(backward) == (16 if training else 0)


def test_packed_mask():
    mask = packed_mask(torch.tensor([[1, 1, 2, 0], [1, 2, 2, 3]]))
    assert mask.dtype == torch.bool and mask.shape == (2, 1, 4, 4)
    assert mask[0, 0].int().tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert mask[1, 0].int().tolist() == [[1, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1]]


@pytest.mark.parametrize(
    "row", [[0, 1, 1, 0], [1, 3, 3, 0], [2, 2, 2, 2], [1, 0, 1, 0], [1, 2, 1, 0], [1, 0, 2, 2], [1, 2, 2, 1]]
)
def test_sequence_ids_that_make_no_sense(row):
    with pytest.raises(ValueError, match="sequence_ids row 1: number the sequences"):
        packed_mask(torch.tensor([[1, 1, 2, 0], row]))
