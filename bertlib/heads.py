"""Heads on the encoder: for pretraining (Devlin et al., 2019, §3.1) and for tasks (§4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bertlib.config import BertConfig, read_json
from bertlib.dropout import Dropout
from bertlib.encoder import ACTIVATION, BertModel, check_ids
from bertlib.weights import init_weights, load_model, save_model


class MLMHead(nn.Module):
    """Scores of every vocabulary entry at a position: E · g(h) + b, with g = dense, activation, LayerNorm.

    E is the encoder's own token table ("tied"; Press and Wolf, 2017), so the head adds only g and b
    (google-research/bert, run_pretraining.py, `get_masked_lm_output`).
    """

    def __init__(self, config: BertConfig):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.activation = ACTIVATION[config.hidden_act]
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, hidden: Tensor, embedding: Tensor) -> Tensor:
        """(..., D) hidden states and the (V, D) token table -> (..., V) logits."""
        return F.linear(self.norm(self.activation(self.dense(hidden))), embedding, self.bias)


@dataclass
class PreTrainingOutput:
    """What `BertForPreTraining` returns, under transformers' names.

    Attributes:
        prediction_logits: (B, T, V) scores of the vocabulary at every position; with labels (M, V), at the M selected
            positions alone, in the order of `labels[labels != -100]`.
        seq_relationship_logits: (B, 2) scores of IsNext (0) and NotNext (1).
        mlm_loss: mean cross-entropy in nats over the selected positions of the batch, if labels were given; 0, and
            without influence on any weight, if none is selected.
        nsp_loss: mean cross-entropy in nats over the batch, if next_sentence_label was given.
        loss: their sum, or the one of them that was asked for.
    """

    prediction_logits: Tensor
    seq_relationship_logits: Tensor
    mlm_loss: Tensor | None = None
    nsp_loss: Tensor | None = None
    loss: Tensor | None = None


class BertForPreTraining(nn.Module):
    """The encoder with its two pretraining heads: MLM on every token, NSP on the pooled [CLS] (Devlin et al., §3.1)."""

    def __init__(self, config: BertConfig):
        super().__init__()
        self.config = config
        self.bert = BertModel(config)
        self.mlm = MLMHead(config)
        self.nsp = nn.Linear(config.hidden_size, 2)
        for head in (self.mlm, self.nsp):
            head.apply(partial(init_weights, std=config.initializer_range))

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        labels: Tensor | None = None,
        next_sentence_label: Tensor | None = None,
        *,
        sequence_ids: Tensor | None = None,
    ) -> PreTrainingOutput:
        """Score a batch, and with labels measure the losses.

        With labels, only the selected positions pass through the MLM head: for the other 85 % the widest matrix of the
        model would be multiplied for nothing.

        Args:
            input_ids, attention_mask, token_type_ids: (B, T), as in `BertModel.forward`.
            labels: (B, T) ids below V at selected positions, -100 elsewhere.
            next_sentence_label: (B,) 0 for IsNext, 1 for NotNext.
            sequence_ids: (B, T), for packed rows, in place of attention_mask, as in `BertModel.forward`; there is an
                NSP score and a next_sentence_label for each of the N pairs then.

        Raises:
            ValueError: labels have another shape or are out of range; and all that BertModel raises.
        """
        encoded = self.bert(input_ids, attention_mask, token_type_ids, sequence_ids=sequence_ids)
        for name, given, shape in (
            ("labels", labels, input_ids.shape),
            ("next_sentence_label", next_sentence_label, encoded.pooler_output.shape[:1]),
        ):
            if given is not None and given.shape != shape:
                raise ValueError(f"{name} has shape {tuple(given.shape)}: give {tuple(shape)}")
        hidden, losses = encoded.last_hidden_state, {}
        if labels is not None:
            selected = labels != -100
            hidden, labels = hidden[selected], labels[selected]  # (M, D) and (M,)
            check_ids("labels", labels, self.config.vocab_size, "use -100 where nothing is to be predicted")
        prediction_logits = self.mlm(hidden, self.bert.embeddings.word_embeddings.weight)
        seq_relationship_logits = self.nsp(encoded.pooler_output)
        if labels is not None:
            # A mean over nothing is 0/0: nothing selected means nothing to learn, not NaN.
            total = F.cross_entropy(prediction_logits.float(), labels, reduction="sum")
            losses["mlm_loss"] = total / max(len(labels), 1)
        if next_sentence_label is not None:
            check_ids("next_sentence_label", next_sentence_label, 2, "0 is IsNext, 1 is NotNext")
            losses["nsp_loss"] = F.cross_entropy(seq_relationship_logits.float(), next_sentence_label)
        loss = sum(losses.values()) if losses else None
        return PreTrainingOutput(prediction_logits, seq_relationship_logits, loss=loss, **losses)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> BertForPreTraining:
        """Load a transformers folder. A head that it lacks is left fresh; see `bertlib.weights.load_model`."""
        return load_model(cls, folder)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write a transformers folder; see `bertlib.weights.save_model`."""
        save_model(self, folder)


@dataclass
class ClassifierOutput:
    """What a classification head returns, under transformers' names.

    Attributes:
        logits: (B, C), or (B, T, C) of a tagger, unnormalised log-probabilities.
        loss: mean cross-entropy in nats over the batch, if labels were given.
    """

    logits: Tensor
    loss: Tensor | None = None


class BertForSequenceClassification(nn.Module):
    """Dropout and one linear layer on the pooled [CLS] (Devlin et al., 2019, §4.1). Class names: config.labels.

    Raises:
        ValueError: the configuration names fewer than two classes.
    """

    def __init__(self, config: BertConfig):
        super().__init__()
        if len(config.labels) < 2:
            raise ValueError(f"labels={config.labels!r}: a classifier needs at least two class names")
        self.config = config
        self.bert = BertModel(config)
        p = config.hidden_dropout_prob if config.classifier_dropout is None else config.classifier_dropout
        self.dropout = Dropout(p)
        self.classifier = nn.Linear(config.hidden_size, len(config.labels))
        self.classifier.apply(partial(init_weights, std=config.initializer_range))

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> ClassifierOutput:
        """Score a batch, and with labels measure the loss.

        Args:
            input_ids, attention_mask, token_type_ids: (B, T), as in `BertModel.forward`.
            labels: (B,) class ids below C.

        Raises:
            ValueError: a label is out of range or their number is not B; and all that BertModel raises.
        """
        encoded = self.bert(input_ids, attention_mask, token_type_ids, pooled_only=True)
        logits = self.classifier(self.dropout(encoded.pooler_output))
        if labels is None:
            return ClassifierOutput(logits)
        if labels.shape != logits.shape[:1]:
            raise ValueError(
                f"labels has shape {tuple(labels.shape)}: give one class id for each of the {len(logits)} texts"
            )
        check_ids("labels", labels, logits.size(-1), f"the head's classes are {', '.join(self.config.labels)}")
        return ClassifierOutput(logits, F.cross_entropy(logits.float(), labels))

    @classmethod
    def from_pretrained(cls, folder: str | Path, labels: Sequence[str] | None = None) -> BertForSequenceClassification:
        """Load a transformers folder. Without a stored head of these classes, a fresh one is made.

        Args:
            folder: an encoder's or a fine-tuned classifier's folder.
            labels: the class names for a new head; None to use the stored head and its names.

        Raises:
            ValueError: no labels given and none stored, the stored head gives no classes or several a text, or the
                weights do not fit; see `bertlib.weights.load_model`.
        """
        config = BertConfig.from_pretrained(folder)
        kind = read_json(Path(folder) / "config.json").get("problem_type")
        if labels is None and kind not in (None, "single_label_classification"):
            raise ValueError(
                f"{folder}: config.json has problem_type={kind!r}: bertlib's classifier gives a text one class; give "
                "labels for a new head"
            )
        return load_model(cls, folder, config if labels is None else replace(config, labels=tuple(labels)))

    def save_pretrained(self, folder: str | Path) -> None:
        """Write a transformers folder; see `bertlib.weights.save_model`."""
        save_model(self, folder)


class BertForTokenClassification(nn.Module):
    """Dropout and one linear layer on every token's last hidden state (Devlin et al., 2019, §5.3). Tags: config.labels.

    The encoder has no pooler, as in transformers.

    Raises:
        ValueError: the configuration names fewer than two tags.
    """

    def __init__(self, config: BertConfig):
        super().__init__()
        if len(config.labels) < 2:
            raise ValueError(f"labels={config.labels!r}: a tagger needs at least two tags, such as O and B-PER")
        self.config = config
        self.bert = BertModel(config, add_pooling_layer=False)
        p = config.hidden_dropout_prob if config.classifier_dropout is None else config.classifier_dropout
        self.dropout = Dropout(p)
        self.classifier = nn.Linear(config.hidden_size, len(config.labels))
        self.classifier.apply(partial(init_weights, std=config.initializer_range))

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> ClassifierOutput:
        """Score every token of a batch, and with labels measure the loss.

        Args:
            input_ids, attention_mask, token_type_ids: (B, T), as in `BertModel.forward`.
            labels: (B, T) tag ids below C, -100 where nothing is asked.

        Returns:
            logits (B, T, C); the loss is the mean cross-entropy in nats over the labelled tokens of the batch, 0 if
            there is none.

        Raises:
            ValueError: labels have another shape or are out of range; and all that BertModel raises.
        """
        encoded = self.bert(input_ids, attention_mask, token_type_ids)
        logits = self.classifier(self.dropout(encoded.last_hidden_state))
        if labels is None:
            return ClassifierOutput(logits)
        if labels.shape != input_ids.shape:
            raise ValueError(f"labels has shape {tuple(labels.shape)}: give {tuple(input_ids.shape)}, one tag a token")
        tags = labels.masked_fill(labels == -100, 0)
        check_ids("labels", tags, logits.size(-1), f"the tags are {', '.join(self.config.labels)}; -100 is no tag")
        total = F.cross_entropy(logits.float().flatten(0, 1), labels.flatten(), reduction="sum")
        return ClassifierOutput(logits, total / max(int((labels != -100).sum()), 1))

    @classmethod
    def from_pretrained(cls, folder: str | Path, labels: Sequence[str] | None = None) -> BertForTokenClassification:
        """Load a transformers folder. Without a stored head of these tags, a fresh one is made.

        Args:
            folder: an encoder's or a fine-tuned tagger's folder.
            labels: the tags for a new head; None to use the stored head and its tags.

        Raises:
            ValueError: no labels given and none stored, or the weights do not fit; see `bertlib.weights.load_model`.
        """
        config = BertConfig.from_pretrained(folder)
        return load_model(cls, folder, config if labels is None else replace(config, labels=tuple(labels)))

    def save_pretrained(self, folder: str | Path) -> None:
        """Write a transformers folder; see `bertlib.weights.save_model`."""
        save_model(self, folder)
