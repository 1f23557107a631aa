import pytest
import torch

from bertlib.model.dropout import Dropout, dropout

RATES = [0.01, 0.1, 0.25, 0.5, 0.9]


@pytest.mark.parametrize("p", RATES)
def test_rate_and_expectation_within_five_sigma(p):
    n = 1_000_003  # not a multiple of the four numbers cut from a draw
    result = dropout(torch.ones(n), p)
    kept = result[result != 0]
    assert abs((n - len(kept)) / n - p) < 5 * (p * (1 - p) / n) ** 0.5 + 1 / 65536
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - p)), rtol=1e-4, atol=0)
    assert abs(result.mean() - 1) < 5 * (p / (1 - p) / n) ** 0.5


def test_each_place_is_dropped_equally_often_and_alone():
    p, runs = 0.3, 40_000
    dropped = torch.stack([dropout(torch.ones(7), p) == 0 for _ in range(runs)]).float()
    sigma = (p * (1 - p) / runs) ** 0.5
    assert (dropped.mean(0) - p).abs().max() < 5 * sigma
    together = dropped.T @ dropped / runs
    together.fill_diagonal_(p * p)
    assert (together - p * p).abs().max() < 5 * (p * p * (1 - p * p) / runs) ** 0.5


@pytest.mark.parametrize("shape", [(), (1,), (3,), (5, 7), (2, 3, 4, 5), (0,)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_shape_and_dtype_stay(shape, dtype):
    result = dropout(torch.ones(shape, dtype=dtype), 0.5)
    assert result.shape == shape
    assert result.dtype == dtype


def test_gradient_is_the_same_mask():
    x = torch.randn(1000, requires_grad=True)
    result = dropout(x, 0.4)
    result.backward(torch.ones_like(x))
    torch.testing.assert_close(x.grad, result.detach() / x.detach())
    assert 300 < (x.grad == 0).sum() < 500


def test_input_is_not_written_to():
    x = torch.ones(100)
    dropout(x, 0.5)
    assert (x == 1).all()


def test_zero_probability_is_identity():
    x = torch.randn(10)
    assert dropout(x, 0.0) is x
    assert Dropout(0.0)(x) is x


def test_evaluation_is_identity():
    x = torch.randn(10)
    assert Dropout(0.5).eval()(x) is x
    assert not torch.equal(Dropout(0.5)(x), x)


def test_seed_fixes_the_draws():
    x = torch.ones(1000)
    torch.manual_seed(5)
    first, second = dropout(x, 0.5), dropout(x, 0.5)
    torch.manual_seed(5)
    assert torch.equal(dropout(x, 0.5), first)
    assert not torch.equal(first, second)


def test_highest_probability_that_a_config_allows():
    assert dropout(torch.ones(100), 1 - 1e-9).isfinite().all()


def test_repr_names_the_rate():
    assert repr(Dropout(0.1)) == "Dropout(p=0.1)"
