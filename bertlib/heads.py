"""Task heads on the encoder (Devlin et al., 2019, §4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from torch import Tensor, nn
from torch.nn import functional as F

from bertlib.config import BertConfig
from bertlib.dropout import Dropout
from bertlib.encoder import BertModel, check_ids
from bertlib.weights import init_weights, load_model, save_model


@dataclass
class ClassifierOutput:
    """What a classification head returns, under transformers' names.

    Attributes:
        logits: (B, C) unnormalised log-probabilities.
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
            ValueError: no labels given and none stored, or the weights do not fit; see `bertlib.weights.load_model`.
        """
        config = BertConfig.from_pretrained(folder)
        return load_model(cls, folder, config if labels is None else replace(config, labels=tuple(labels)))

    def save_pretrained(self, folder: str | Path) -> None:
        """Write a transformers folder; see `bertlib.weights.save_model`."""
        save_model(self, folder)
