"""Patches: cut and put together again, the encoder against BERT's layers, and its errors."""

import pytest
import torch

from bertlib.model.config import BertConfig
from bertlib.model.encoder import BertModel
from bertlib.model.patches import PatchEncoder, cut_into_patches

CONFIG = BertConfig(vocab_size=8, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32)


def encoder(size=8, patch=4):
    torch.manual_seed(0)
    return PatchEncoder(CONFIG, size, patch).eval()


def test_patches_come_in_reading_order_each_row_by_row():
    patches = cut_into_patches(torch.arange(16.0).view(1, 4, 4), 2)
    assert patches.tolist() == [[[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]]


def test_patches_can_be_put_together_again():
    pictures = torch.rand(3, 12, 12, generator=torch.Generator().manual_seed(0))
    again = cut_into_patches(pictures, 3).view(3, 4, 4, 3, 3).transpose(2, 3).reshape(3, 12, 12)
    assert torch.equal(again, pictures)


def test_the_projection_is_a_convolution_with_a_stride_of_a_patch():
    """As published code has it (torch.nn.Conv2d with kernel and stride of a patch)."""
    model, pictures = encoder(), torch.rand(2, 8, 8, generator=torch.Generator().manual_seed(0))
    kernel = model.projection.weight.view(16, 1, 4, 4)
    by_convolution = torch.nn.functional.conv2d(pictures[:, None], kernel, model.projection.bias, stride=4)
    mine = model.projection(cut_into_patches(pictures, 4))
    torch.testing.assert_close(mine, by_convolution.flatten(2).transpose(1, 2), atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_the_encoder_is_our_bert_on_the_same_vectors():
    """BertModel, which is equal to transformers' own, with a table whose rows are the projected patches."""
    model, pictures = encoder(), torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(1))
    bert = BertModel(CONFIG, add_pooling_layer=False).eval()
    table = torch.cat([model.whole[None], model.projection(cut_into_patches(pictures, 4))[0]])
    bert.embeddings.word_embeddings.weight[: len(table)] = table
    bert.embeddings.position_embeddings.weight[: len(table)] = model.position_embeddings.weight
    bert.embeddings.token_type_embeddings.weight.zero_()
    bert.embeddings.norm.load_state_dict(model.norm.state_dict())
    bert.layers.load_state_dict(model.layers.state_dict())
    wanted = bert(torch.arange(len(table))[None]).last_hidden_state
    torch.testing.assert_close(model(pictures).last_hidden_state, wanted, atol=1e-6, rtol=1e-5)


def test_the_order_of_patches_matters_and_each_looks_at_all():
    model, pictures = encoder(), torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(2))
    output = model(pictures, output_attentions=True)
    assert output.last_hidden_state.shape == (1, 5, 16) and len(output.attentions) == 2
    assert output.attentions[0].shape == (1, 2, 5, 5)
    torch.testing.assert_close(output.attentions[1].sum(-1), torch.ones(1, 2, 5))
    turned = model(pictures.roll(4, dims=2)).last_hidden_state
    assert not torch.allclose(turned[:, 0], output.last_hidden_state[:, 0], atol=1e-4)
    assert model(pictures).attentions is None


def test_every_weight_learns():
    model = encoder()
    model(torch.rand(4, 8, 8)).last_hidden_state.square().sum().backward()
    assert [name for name, one in model.named_parameters() if one.grad is None] == []


def test_wrong_sizes_are_named():
    with pytest.raises(ValueError, match="patch=3 does not divide the size 8: give a divisor"):
        cut_into_patches(torch.zeros(1, 8, 8), 3)
    with pytest.raises(ValueError, match=r"shape \(8, 8\): give \(batch, size, size\)"):
        cut_into_patches(torch.zeros(8, 8), 4)
    with pytest.raises(ValueError, match="patch=0 does not divide size=32"):
        PatchEncoder(CONFIG, 32, 0)
    with pytest.raises(ValueError, match="pictures of 16 patches: this encoder reads 4; draw them anew"):
        encoder()(torch.zeros(1, 16, 16))
