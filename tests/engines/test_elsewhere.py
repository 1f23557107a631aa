"""The classifier's weights in JAX and in TensorFlow: the same logits, with gradients and compiled."""

import numpy as np
import pytest
import torch

from bertcourse.elsewhere import classify, read_weights
from bertlib.model.heads import BertForSequenceClassification
from bertlib.model.weights import save_model

pytestmark = pytest.mark.engine


@pytest.fixture
def case(tiny_classifier_config, tmp_path):
    """Weights, config, a batch of mixed lengths, and the library's logits."""
    torch.manual_seed(3)
    model = BertForSequenceClassification(tiny_classifier_config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, mean=0.1, std=0.3)
    save_model(model, tmp_path / "model")
    ids = torch.randint(5, tiny_classifier_config.vocab_size, (7, 31), generator=torch.Generator().manual_seed(1))
    mask = (torch.arange(31)[None] < torch.tensor([31, 3, 17, 2, 30, 9, 24])[:, None]).long()
    batch = [ids * mask, mask, (torch.arange(31) > 8).long() * mask]
    with torch.no_grad():
        logits = model(*batch).logits.numpy()
    return *read_weights(tmp_path / "model"), [part.int().numpy() for part in batch], logits


def test_jax_computes_the_same_and_compiles_it(case):
    import jax

    weights, config, batch, expected = case

    @jax.jit
    def forward(weights, *batch):
        return classify(weights, config, *batch, xp=jax.numpy, erf=jax.scipy.special.erf)

    np.testing.assert_allclose(forward(weights, *batch), expected, rtol=0, atol=1e-5)


def test_jax_has_the_gradients_of_torch(case, tiny_classifier_config, tmp_path):
    import jax

    weights, config, batch, _ = case
    model = BertForSequenceClassification.from_pretrained(tmp_path / "model").eval()
    model(*map(torch.from_numpy, batch)).logits.square().sum().backward()

    def total(weights):
        return (classify(weights, config, *batch, xp=jax.numpy, erf=jax.scipy.special.erf) ** 2).sum()

    gradients = jax.grad(total)(weights)
    expected = model.classifier.weight.grad.numpy()
    np.testing.assert_allclose(gradients["classifier.weight"], expected, rtol=1e-4, atol=1e-4)
    expected = model.bert.layers[0].attention.query.weight.grad.numpy()
    ours = gradients["bert.encoder.layer.0.attention.self.query.weight"]
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-3 * np.abs(expected).max())


def test_tensorflow_computes_the_same_and_makes_a_graph_of_it(case):
    import tensorflow as tf

    weights, config, batch, expected = case
    weights = {name: tf.constant(values) for name, values in weights.items()}

    @tf.function
    def forward(*batch):
        return classify(weights, config, *batch, xp=tf.experimental.numpy, erf=tf.math.erf)

    np.testing.assert_allclose(forward(*map(tf.constant, batch)), expected, rtol=0, atol=1e-5)
