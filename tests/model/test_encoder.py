from dataclasses import replace

import pytest
import torch
from torch import nn

from bertlib import BertConfig, BertModel
from bertlib.model.encoder import ACTIVATION, BertEmbeddings, BertLayer, BertPooler, check_ids
from bertlib.model.weights import count_parameters


@pytest.fixture
def model(tiny_config):
    return BertModel(tiny_config).eval()


def test_bert_base_has_the_published_number_of_parameters():
    with torch.device("meta"):
        assert count_parameters(BertModel(BertConfig())) == 109_482_240


def test_shapes(model, batch):
    output = model(batch["input_ids"], batch["attention_mask"], output_attentions=True, output_hidden_states=True)
    assert output.last_hidden_state.shape == (3, 6, 32)
    assert output.pooler_output.shape == (3, 32)
    assert [state.shape for state in output.hidden_states] == [(3, 6, 32)] * 3
    assert [weights.shape for weights in output.attentions] == [(3, 4, 6, 6)] * 2
    assert torch.equal(output.hidden_states[-1], output.last_hidden_state)


def test_nothing_is_returned_that_was_not_asked_for(model, batch):
    output = model(batch["input_ids"])
    assert output.hidden_states is None
    assert output.attentions is None


def test_embeddings_are_the_normalised_sum(tiny_config):
    embeddings = BertEmbeddings(tiny_config).eval()
    ids, segments = torch.tensor([[5, 7]]), torch.tensor([[0, 1]])
    word, position, segment = (
        table.weight
        for table in (
            embeddings.word_embeddings,
            embeddings.position_embeddings,
            embeddings.token_type_embeddings,
        )
    )
    total = torch.stack([word[5] + position[0] + segment[0], word[7] + position[1] + segment[1]])
    torch.testing.assert_close(embeddings(ids, segments)[0], nn.functional.layer_norm(total, (32,), eps=1e-12))
    assert torch.equal(embeddings(ids, None), embeddings(ids, torch.zeros_like(ids)))


def test_layer_normalises_after_each_addition(tiny_config):
    layer = BertLayer(tiny_config).eval()
    hidden, _ = layer(torch.randn(2, 5, 32) * 9 + 4, None, False)
    torch.testing.assert_close(hidden.mean(-1), torch.zeros(2, 5), rtol=0, atol=1e-5)
    torch.testing.assert_close(hidden.var(-1, unbiased=False), torch.ones(2, 5), rtol=1e-4, atol=0)


@pytest.mark.parametrize("queries", [None, 2])
def test_layer_by_its_parts(tiny_config, queries):
    layer, hidden = BertLayer(tiny_config).eval(), torch.randn(2, 5, 32)
    attended = layer.attention(hidden, None, False)[0][:, :queries]
    middle = layer.attention_norm(hidden[:, :queries] + attended)
    expected = layer.output_norm(middle + layer.output(nn.functional.gelu(layer.intermediate(middle))))
    torch.testing.assert_close(layer(hidden, None, False, queries)[0], expected)


def test_without_a_pooler(tiny_config, batch):
    model = BertModel(tiny_config, add_pooling_layer=False)
    assert model(batch["input_ids"]).pooler_output is None


def test_pooler_is_tanh_of_a_dense_layer_on_the_first_token(tiny_config):
    pooler, hidden = BertPooler(tiny_config), torch.randn(2, 5, 32)
    by_hand = torch.tanh(hidden[:, 0] @ pooler.dense.weight.T + pooler.dense.bias)
    torch.testing.assert_close(pooler(hidden), by_hand)


def test_activations_are_the_formulas():
    x = torch.linspace(-4, 4, 101)
    torch.testing.assert_close(ACTIVATION["gelu"](x), x * (1 + torch.erf(x / 2**0.5)) / 2)
    tanh = x / 2 * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3)))
    torch.testing.assert_close(ACTIVATION["gelu_new"](x), tanh)
    assert torch.equal(ACTIVATION["relu"](x), x.clamp(min=0))


def test_padding_changes_nothing_for_real_tokens(model, batch):
    padded = model(batch["input_ids"], batch["attention_mask"])
    for row, length in enumerate(batch["attention_mask"].sum(1).tolist()):
        alone = model(batch["input_ids"][row : row + 1, :length])
        torch.testing.assert_close(padded.last_hidden_state[row, :length], alone.last_hidden_state[0])
        torch.testing.assert_close(padded.pooler_output[row], alone.pooler_output[0])


def test_what_stands_under_the_padding_does_not_matter(model, batch):
    before = model(batch["input_ids"], batch["attention_mask"]).pooler_output
    batch["input_ids"][batch["attention_mask"] == 0] = 9
    assert torch.equal(model(batch["input_ids"], batch["attention_mask"]).pooler_output, before)


def test_mask_of_ones_is_no_mask(model, batch):
    ids = batch["input_ids"]
    assert torch.equal(model(ids, torch.ones_like(ids)).last_hidden_state, model(ids).last_hidden_state)


def test_order_matters_through_positions_alone(model):
    ids = torch.tensor([[2, 5, 9, 3], [2, 9, 5, 3]])
    assert not torch.allclose(*model(ids).pooler_output)
    model.embeddings.position_embeddings.weight.data.zero_()
    torch.testing.assert_close(*model(ids).pooler_output)


def test_full_length_is_accepted(model):
    assert model(torch.full((1, 40), 5)).last_hidden_state.shape == (1, 40, 32)


def test_what_is_off_unless_asked_for(model):
    assert model.recompute is False
    assert model.pooler is not None


def test_training_uses_dropout_and_evaluation_does_not(model, batch):
    ids = batch["input_ids"]
    assert torch.equal(model(ids).pooler_output, model(ids).pooler_output)
    model.train()
    assert not torch.equal(model(ids).pooler_output, model(ids).pooler_output)


def test_without_dropout_training_equals_evaluation(tiny_config, batch):
    model = BertModel(replace(tiny_config, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0))
    trained = model.train()(batch["input_ids"], batch["attention_mask"]).last_hidden_state
    evaluated = model.eval()(batch["input_ids"], batch["attention_mask"]).last_hidden_state
    torch.testing.assert_close(trained, evaluated)


def test_fresh_weights_have_the_papers_distribution():
    config = BertConfig(vocab_size=2000, hidden_size=256, num_hidden_layers=1, num_attention_heads=4)
    config = replace(config, initializer_range=0.05, pad_token_id=7)
    model = BertModel(config)
    for name, parameter in model.named_parameters():
        module = model.get_submodule(name.rpartition(".")[0])
        if name.endswith("bias"):
            assert (parameter == 0).all(), name
        elif isinstance(module, nn.LayerNorm):
            assert (parameter == 1).all(), name
        else:
            # A normal cut at two deviations has 0.8796 of its deviation; 5-sigma bounds on mean and deviation.
            n, std = parameter.numel(), 0.8796 * 0.05
            assert parameter.abs().max() <= 2 * 0.05
            assert abs(parameter.mean()) < 5 * std / n**0.5, name
            assert abs(parameter.std() / std - 1) < 5 / (2 * n) ** 0.5 + 0.001, name
    assert (model.embeddings.word_embeddings.weight[7] == 0).all()


def test_padding_token_gets_no_gradient(model, batch):
    model(batch["input_ids"]).last_hidden_state.square().sum().backward()
    gradient = model.embeddings.word_embeddings.weight.grad
    assert (gradient[0] == 0).all()
    assert (gradient[5] != 0).any()


# ------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize("bad", [70, -1, 10**9])  # there are 70
def test_token_id_out_of_range_names_value_and_place(model, batch, bad):
    batch["input_ids"][1, 2] = bad
    with pytest.raises(ValueError, match=rf"input_ids\[1, 2\] = {bad} is outside 0 … \d+: .*vocabular"):
        model.check_batch(batch)


def test_segment_out_of_range(model, batch):
    with pytest.raises(ValueError, match=r"token_type_ids\[0, 0\] = 2 is outside 0 … 1: use 0"):
        model.check_batch({"input_ids": batch["input_ids"], "token_type_ids": torch.full((3, 6), 2)})


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bool])
def test_ids_that_are_not_integers(model, batch, dtype):
    with pytest.raises(TypeError, match=rf"input_ids has dtype {dtype}: give integers"):
        model(batch["input_ids"].to(dtype))
    with pytest.raises(TypeError, match="token_type_ids has dtype"):
        model(batch["input_ids"], token_type_ids=batch["token_type_ids"].to(dtype))


def test_int32_ids_are_fine(model, batch):
    expected = model(batch["input_ids"]).pooler_output
    assert torch.equal(model(batch["input_ids"].int()).pooler_output, expected)


def test_sequence_beyond_the_position_table(model):
    with pytest.raises(ValueError, match=r"41 tokens long.*ends at 40: truncate"):
        model(torch.full((1, 41), 5))


@pytest.mark.parametrize("shape", [(6,), (0, 6), (3, 0), (1, 3, 6)])
def test_ids_of_another_shape(model, shape):
    with pytest.raises(ValueError, match=r"input_ids has shape \(.*give \(batch, tokens\)"):
        model(torch.full(shape, 5))


@pytest.mark.parametrize("name", ["attention_mask", "token_type_ids"])
@pytest.mark.parametrize("shape", [(3, 5), (2, 6), (3, 1), (6,)])
def test_mismatched_shapes(model, batch, name, shape):
    with pytest.raises(ValueError, match=rf"{name} has shape \(.*input_ids \(3, 6\): they must be equal"):
        model(batch["input_ids"], **{name: torch.ones(shape, dtype=torch.long)})


def test_row_that_is_all_padding(model, batch):
    batch["attention_mask"][2] = 0
    with pytest.raises(ValueError, match="row 2 is all padding: remove"):
        model.check_batch(batch)


def test_mask_with_other_values(model, batch):
    with pytest.raises(ValueError, match="other than 0 and 1"):
        model.check_batch(batch | {"attention_mask": batch["attention_mask"] * -10000})


def test_check_ids_accepts_an_empty_tensor():
    check_ids("labels", torch.empty(0, dtype=torch.long), 3, "")


@pytest.mark.parametrize("need_weights", [False, True])
def test_pooled_only_is_the_same_for_less(tiny_config, batch, need_weights):
    model = BertModel(tiny_config).eval()
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "token_type_ids")}
    whole = model(**inputs, output_attentions=need_weights)
    pooled = model(**inputs, output_attentions=need_weights, pooled_only=True)
    torch.testing.assert_close(pooled.pooler_output, whole.pooler_output)
    torch.testing.assert_close(pooled.last_hidden_state, whole.last_hidden_state[:, :1])
    if need_weights:
        torch.testing.assert_close(pooled.attentions[-1], whole.attentions[-1][:, :, :1])
