"""A classifier's weights, by name, in numpy alone: the same logits as the library's."""

import numpy as np
import pytest
import torch

from bertcourse.elsewhere import classify, read_weights
from bertlib.model.heads import BertForSequenceClassification
from bertlib.model.weights import save_model


@pytest.fixture
def batch_of_lengths(tiny_classifier_config):
    ids = torch.randint(5, tiny_classifier_config.vocab_size, (7, 31), generator=torch.Generator().manual_seed(1))
    lengths = torch.tensor([31, 3, 17, 2, 30, 9, 24])
    mask = (torch.arange(31)[None] < lengths[:, None]).long()
    return {"input_ids": ids * mask, "attention_mask": mask, "token_type_ids": (torch.arange(31) > 8).long() * mask}


@pytest.fixture
def folder(tiny_classifier_config, tmp_path):
    torch.manual_seed(3)
    model = BertForSequenceClassification(tiny_classifier_config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, mean=0.1, std=0.3)  # biases and gains as well: each has to arrive
    save_model(model, tmp_path / "model")
    return tmp_path / "model", model


def test_numpy_computes_what_the_library_computes(folder, batch_of_lengths):
    place, model = folder
    with torch.no_grad():
        expected = model(**batch_of_lengths).logits.numpy()
    weights, config = read_weights(place)
    ours = classify(weights, config, *(batch_of_lengths[name].numpy() for name in batch_of_lengths))
    assert ours.shape == (7, 3) and ours.dtype == np.float32
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5)


def test_padding_changes_nothing(folder, batch_of_lengths):
    weights, config = read_weights(folder[0])
    arrays = [batch_of_lengths[name].numpy() for name in batch_of_lengths]
    whole = classify(weights, config, *arrays)
    for row, length in enumerate(arrays[1].sum(axis=1)):
        alone = classify(weights, config, *(array[row : row + 1, :length] for array in arrays))
        np.testing.assert_allclose(alone[0], whole[row], rtol=0, atol=1e-5)


def test_every_weight_counts(folder, batch_of_lengths):
    """A name that is read for another one, or not at all, would be seen."""
    weights, config = read_weights(folder[0])
    arrays = [batch_of_lengths[name].numpy() for name in batch_of_lengths]
    before = classify(weights, config, *arrays)
    for name in weights:
        noise = np.random.default_rng(0).normal(size=weights[name].shape).astype(np.float32)
        after = classify({**weights, name: weights[name] + noise}, config, *arrays)
        if name.endswith("key.bias"):  # the same for every key: softmax takes no notice
            np.testing.assert_allclose(after, before, rtol=0, atol=1e-4)
        else:
            assert np.abs(after - before).max() > 1e-4, name


def test_what_is_no_classifier_is_refused(tiny_folder):
    with pytest.raises(ValueError, match="holds no classifier"):
        read_weights(tiny_folder)
