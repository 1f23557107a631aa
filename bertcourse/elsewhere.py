"""The classifier's forward pass in whatever library has numpy's functions: numpy, JAX, TensorFlow.

A model folder is weights by name and a config.json, and no library's own. What a library calls the names is all that
moving a model takes, and the one proof that it went well is that the logits are equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from bertlib.files import read_json


def read_weights(folder: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Every tensor of a classifier's folder as float32 under transformers' names, and its config.json.

    Raises:
        ValueError: the folder holds no classifier of BERT with the exact GELU.
    """
    folder = Path(folder)
    config = read_json(folder / "config.json")
    weights = {name: values.astype(np.float32) for name, values in load_file(folder / "model.safetensors").items()}
    if "classifier.weight" not in weights or config.get("hidden_act", "gelu") != "gelu":
        raise ValueError(f"{folder} holds no classifier with hidden_act='gelu': give a folder that `classify` wrote")
    return weights, config


def classify(
    weights: Mapping[str, Any],
    config: Mapping[str, Any],
    input_ids: Any,
    attention_mask: Any,
    token_type_ids: Any,
    *,
    xp: Any = np,
    erf: Callable | None = None,
) -> Any:
    """Logits (B, C) of a BERT classifier (Devlin et al., 2019, §3), line by line the formula.

    Args:
        weights: arrays of the library `xp`, by transformers' names. config: that of config.json.
        input_ids, token_type_ids: (B, T) integers. attention_mask: (B, T), 1 for a token, 0 for padding.
        xp: numpy, jax.numpy or tensorflow.experimental.numpy. erf: its error function; None for scipy's.
    """
    if erf is None:
        from scipy.special import erf
    (B, T), H = input_ids.shape, config["num_attention_heads"]
    D, eps = config["hidden_size"], config.get("layer_norm_eps", 1e-12)

    def linear(x, name):  # transformers keeps a Linear as (out, in)
        return xp.matmul(x, xp.transpose(weights[f"{name}.weight"])) + weights[f"{name}.bias"]

    def norm(x, name):
        x = x - xp.mean(x, axis=-1, keepdims=True)
        scale = xp.sqrt(xp.mean(x * x, axis=-1, keepdims=True) + eps)
        return x / scale * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def heads(x):  # (B, T, D) -> (B, H, T, D / H)
        return xp.transpose(xp.reshape(x, (B, T, H, D // H)), (0, 2, 1, 3))

    def table(name):
        return weights[f"bert.embeddings.{name}_embeddings.weight"]

    words, segments = (
        xp.take(table(name), ids, axis=0) for name, ids in (("word", input_ids), ("token_type", token_type_ids))
    )
    x = norm(words + table("position")[:T] + segments, "bert.embeddings.LayerNorm")
    # As a float first: TensorFlow makes a factor what the tensor is, and -1e30 is no integer.
    forbidden = (xp.reshape(xp.asarray(attention_mask, dtype=np.float32), (B, 1, 1, T)) - 1) * 1e30
    for number in range(config["num_hidden_layers"]):
        layer = f"bert.encoder.layer.{number}"
        query, key, value = (heads(linear(x, f"{layer}.attention.self.{part}")) for part in ("query", "key", "value"))
        scores = xp.matmul(query, xp.transpose(key, (0, 1, 3, 2))) / math.sqrt(D // H) + forbidden
        scores = xp.exp(scores - xp.max(scores, axis=-1, keepdims=True))
        mixed = xp.matmul(scores / xp.sum(scores, axis=-1, keepdims=True), value)
        mixed = xp.reshape(xp.transpose(mixed, (0, 2, 1, 3)), (B, T, D))
        x = norm(x + linear(mixed, f"{layer}.attention.output.dense"), f"{layer}.attention.output.LayerNorm")
        inner = linear(x, f"{layer}.intermediate.dense")
        inner = inner * (1 + erf(inner / math.sqrt(2))) / 2  # GELU, exact
        x = norm(x + linear(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    return linear(xp.tanh(linear(x[:, 0], "bert.pooler.dense")), "classifier")
