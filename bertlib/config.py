"""The shape of a BERT: one validated dataclass, in transformers' names, read from and written to config.json."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# transformers' names: "gelu" is the exact form (erf), "gelu_new" the tanh approximation, up to 5e-4 away. The code that
# google-research/bert published computes the approximation and calls it "gelu"; weights serve either way.
ACTIVATIONS = ("gelu", "gelu_new", "relu")


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file of a model folder.

    Raises:
        FileNotFoundError: no such file. ValueError: it is not JSON, or not an object; the message names the line.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; give the folder that save_pretrained or save wrote")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}, line {error.lineno}: not JSON ({error.msg}); fetch or save it again") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path}: holds a {type(values).__name__}, not an object; fetch or save it again")
    return values


@dataclass
class BertConfig:
    """Hyper-parameters of a BERT encoder; the defaults are bert-base-uncased (Devlin et al., 2019, §3).

    Args:
        vocab_size: V, the rows of the token table.
        hidden_size: D, the width of every hidden state.
        num_hidden_layers: how many encoder layers are stacked (L in the paper).
        num_attention_heads: H; each head is D / H wide, so H must divide D.
        intermediate_size: inner width of the feed-forward block, 4 D in the paper.
        hidden_act: "gelu" (exact), "gelu_new" (tanh approximation) or "relu".
        hidden_dropout_prob: dropout after each block and after the embeddings, in [0, 1).
        attention_probs_dropout_prob: dropout on the attention weights, in [0, 1).
        max_position_embeddings: the longest sequence, in tokens; positions are learned, so there is no going beyond.
        type_vocab_size: segments A and B.
        initializer_range: standard deviation of new weights (a normal truncated at two deviations).
        layer_norm_eps: added to the variance inside LayerNorm.
        pad_token_id: id of [PAD]; its embedding gets no gradient.
        classifier_dropout: dropout before a task's head; None means hidden_dropout_prob.
        labels: names of the classes of a fine-tuned head, in id order; empty for a bare encoder.

    Raises:
        ValueError: a value is out of its range; the message names the field, the value and the remedy.
    """

    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    pad_token_id: int = 0
    classifier_dropout: float | None = None
    labels: tuple[str, ...] = ()

    def __post_init__(self):
        for name in (
            "vocab_size",
            "hidden_size",
            "num_hidden_layers",
            "num_attention_heads",
            "intermediate_size",
            "max_position_embeddings",
            "type_vocab_size",
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name}={value!r}: give a whole number of at least 1")
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"num_attention_heads={self.num_attention_heads} does not divide hidden_size={self.hidden_size}: "
                "choose a number of heads that does"
            )
        if self.hidden_act not in ACTIVATIONS:
            raise ValueError(f"hidden_act={self.hidden_act!r}: choose one of {', '.join(ACTIVATIONS)}")
        for name in ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout"):
            value = getattr(self, name)
            if value is None and name == "classifier_dropout":
                continue
            if not isinstance(value, (int, float)) or not 0 <= value < 1:
                raise ValueError(f"{name}={value!r}: give a probability of at least 0 and below 1")
        if not isinstance(self.pad_token_id, int) or not 0 <= self.pad_token_id < self.vocab_size:
            raise ValueError(f"pad_token_id={self.pad_token_id!r}: give an id from 0 to {self.vocab_size - 1}")
        for name in ("initializer_range", "layer_norm_eps"):
            value = getattr(self, name)
            if not isinstance(value, (int, float)) or not value > 0:
                raise ValueError(f"{name}={value!r}: give a number above 0")
        self.labels = tuple(self.labels)
        if len(set(self.labels)) != len(self.labels):
            raise ValueError(f"labels={self.labels!r} repeats a name: give every class its own")

    @property
    def head_size(self) -> int:
        """Width of one attention head, D / H."""
        return self.hidden_size // self.num_attention_heads

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> BertConfig:
        """Build from the content of a transformers config.json; fields that an encoder does not need are passed over.

        Raises:
            ValueError: it describes another kind of model (not BERT, a decoder, or relative positions).
        """
        kind = values.get("model_type", "bert")
        if kind != "bert":
            raise ValueError(f"model_type={kind!r}: bertlib reads BERT only; give a folder whose model_type is 'bert'")
        for name, expected in {
            "position_embedding_type": "absolute",
            "is_decoder": False,
            "add_cross_attention": False,
            "tie_word_embeddings": True,
        }.items():
            if values.get(name, expected) != expected:
                raise ValueError(f"{name}={values[name]!r}: bertlib builds BERT as published, with {expected!r}")
        known = {field.name for field in dataclasses.fields(cls)} - {"labels"}
        id2label = {int(index): name for index, name in (values.get("id2label") or {}).items()}
        kinds = {"BertForSequenceClassification", "BertForTokenClassification"}
        if not id2label and kinds.intersection(values.get("architectures") or ()):
            id2label = {0: "LABEL_0", 1: "LABEL_1"}  # transformers' default, which it leaves out of the file
        if sorted(id2label) != list(range(len(id2label))):
            raise ValueError(f"id2label has the ids {sorted(id2label)}: they must count from 0 without a gap")
        labels = tuple(id2label[index] for index in range(len(id2label)))
        return cls(**{name: values[name] for name in known & values.keys()}, labels=labels)

    def to_dict(self) -> dict[str, Any]:
        """The fields as transformers' config.json has them (labels as id2label and label2id)."""
        values = dataclasses.asdict(self)
        labels = values.pop("labels")
        values["model_type"] = "bert"
        if labels:
            values["id2label"] = {str(index): name for index, name in enumerate(labels)}
            values["label2id"] = {name: index for index, name in enumerate(labels)}
        return values

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> BertConfig:
        """Read config.json of a transformers folder.

        Raises:
            FileNotFoundError: the folder has no config.json.
            ValueError: the file is not JSON, or describes a model that bertlib does not build.
        """
        path = Path(folder) / "config.json"
        values = read_json(path)
        try:
            return cls.from_dict(values)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
