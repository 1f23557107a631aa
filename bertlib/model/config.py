"""The shape of a BERT: one validated dataclass, in transformers' names, read from and written to config.json."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from bertlib.files import read_json

# transformers' names: "gelu" is the exact form (erf), "gelu_new" the tanh approximation, up to 5e-4 away. The code that
# google-research/bert published computes the approximation and calls it "gelu"; weights serve either way.
ACTIVATIONS = ("gelu", "gelu_new", "relu")
SIZES = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
SIZES += ("max_position_embeddings", "type_vocab_size")


def class_names(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the classes that a config.json tells of, in id order, as transformers reads them.

    id2label names them (in a list, from 0 on). Without it num_labels says how many there are, LABEL_0, LABEL_1, …;
    without that, a model with a classifier has two: transformers leaves its default out of the file.
    """
    id2label, count = values.get("id2label"), values.get("num_labels")
    if id2label:
        remedy = 'give each id its name, as in {"0": "neg", "1": "pos"}'
        pairs = dict(enumerate(id2label)) if isinstance(id2label, list) else id2label
        if not isinstance(pairs, Mapping):
            raise ValueError(f"id2label={id2label!r}: {remedy}")
        by_id = {}
        for index, name in pairs.items():
            if not str(index).isdecimal() or not isinstance(name, (str, int, float)):
                raise ValueError(f"id2label has {index!r}: {name!r}: {remedy}")
            by_id[int(index)] = str(name)
        if sorted(by_id) != list(range(len(by_id))):
            raise ValueError(f"id2label has the ids {sorted(by_id)}: they must count from 0 without a gap")
        return tuple(by_id[index] for index in range(len(by_id)))
    if count is not None and (not isinstance(count, int) or count < 0):
        raise ValueError(f"num_labels={count!r}: give a whole number")
    if count is None:
        kinds = {"BertForSequenceClassification", "BertForTokenClassification"}
        count = 2 if kinds.intersection(values.get("architectures") or ()) else 0
    return tuple(f"LABEL_{index}" for index in range(count))


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
        for name in SIZES:
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
    def from_dict(cls, values: dict[str, Any], *, labels: Sequence[str] | None = None) -> Self:
        """Build from the content of a transformers config.json; fields that an encoder does not need are passed over.

        Labels that are given stand in place of the file's, which are not looked at then.

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
        labels = class_names(values) if labels is None else tuple(labels)
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
    def from_pretrained(cls, folder: str | Path, labels: Sequence[str] | None = None) -> Self:
        """Read config.json of a transformers folder; for labels see `from_dict`.

        Raises:
            FileNotFoundError: there is none. ValueError: it is not JSON, or describes a model that bertlib does not
                build.
        """
        return cls.from_values(read_json(Path(folder) / "config.json"), folder, labels)

    @classmethod
    def from_values(cls, values: dict[str, Any], folder: str | Path, labels: Sequence[str] | None = None) -> Self:
        """`from_dict` on the content of a folder's config.json, which its messages name."""
        try:
            return cls.from_dict(values, labels=labels)
        except ValueError as error:
            raise ValueError(f"{Path(folder) / 'config.json'}: {error}") from error
