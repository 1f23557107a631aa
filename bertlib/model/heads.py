"""Heads on the encoder: for pretraining (Devlin et al., 2019, §3.1) and for tasks (§4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bertlib.model.config import BertConfig
from bertlib.model.dropout import Dropout
from bertlib.model.encoder import ACTIVATION, BertModel, check_ids
from bertlib.model.init import init_weights
from bertlib.model.weights import FromFolder, Stored, load_model, read_model


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


@dataclass(kw_only=True)
class Losses:
    """What an output with labels tells of its losses; no labels, no terms.

    Attributes:
        loss_sums: of each term cross-entropy in nats, summed over the batch.
        loss_counts: over how many tokens, pairs or examples these sums run.
    """

    loss_sums: dict[str, Tensor] = field(default_factory=dict)
    loss_counts: dict[str, int | Tensor] = field(default_factory=dict)

    def mean(self, term: str) -> Tensor | None:
        """A term's sum by its count; None if it was not asked for. Nothing to learn from gives 0, not 0/0."""
        if term not in self.loss_sums:
            return None
        count = self.loss_counts[term]
        return self.loss_sums[term] / (count.clamp(min=1) if isinstance(count, Tensor) else max(count, 1))

    @property
    def loss(self) -> Tensor | None:
        """The sum of the means that were asked for (where transformers gives None if one was not)."""
        return sum(map(self.mean, self.loss_sums)) if self.loss_sums else None


@dataclass
class PreTrainingOutput(Losses):
    """What `BertForPreTraining` returns, under transformers' names; its terms are "mlm" and "nsp".

    Attributes:
        prediction_logits: (B, T, V) scores of the vocabulary at every position; with labels (M, V), at the M selected
            positions alone, in the order of `labels[labels != -100]`.
        seq_relationship_logits: (B, 2) scores of IsNext (0) and NotNext (1).
    """

    prediction_logits: Tensor
    seq_relationship_logits: Tensor

    @property
    def mlm_loss(self) -> Tensor | None:
        """Mean over the selected positions; 0, and without influence on any weight, if none is selected."""
        return self.mean("mlm")

    @property
    def nsp_loss(self) -> Tensor | None:
        """Mean over the pairs."""
        return self.mean("nsp")


class BertForPreTraining(FromFolder, nn.Module):
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
        sequence_starts: Tensor | None = None,
        selected: Tensor | None = None,
    ) -> PreTrainingOutput:
        """Score a batch, and with labels measure the losses.

        With labels, only the selected positions pass through the MLM head: for the other 85 % the widest matrix of the
        model would be multiplied for nothing.

        Args:
            input_ids, attention_mask, token_type_ids, sequence_ids, sequence_starts: as in `BertModel.forward`.
            labels: (B, T) ids below V at selected positions, -100 elsewhere.
            next_sentence_label: (B,) 0 for IsNext, 1 for NotNext; of packed rows (N,), one for each of their pairs.
            selected: (M,) places of the selected positions in the rows laid end to end, ascending, as the batch builder
                knows them. None has them looked for in labels, which makes a GPU wait for the host.

        Raises:
            ValueError: labels have another shape; and all that BertModel raises.
        """
        packed = {"sequence_ids": sequence_ids, "sequence_starts": sequence_starts}
        encoded = self.bert(input_ids, attention_mask, token_type_ids, **packed)
        for name, given, shape in (
            ("labels", labels, input_ids.shape),
            ("next_sentence_label", next_sentence_label, encoded.pooler_output.shape[:1]),
        ):
            if given is not None and given.shape != shape:
                raise ValueError(f"{name} has shape {tuple(given.shape)}: give {tuple(shape)}")
        hidden, sums, counts = encoded.last_hidden_state, {}, {}
        if labels is not None:
            if selected is None:
                selected = (labels != -100).flatten().nonzero().flatten()
            hidden, labels = hidden.flatten(0, 1)[selected], labels.flatten()[selected]  # (M, D) and (M,)
        prediction_logits = self.mlm(hidden, self.bert.embeddings.word_embeddings.weight)
        seq_relationship_logits = self.nsp(encoded.pooler_output)
        if labels is not None:
            sums["mlm"] = F.cross_entropy(prediction_logits.float(), labels, reduction="sum")
            counts["mlm"] = len(labels)
        if next_sentence_label is not None:
            sums["nsp"] = F.cross_entropy(seq_relationship_logits.float(), next_sentence_label, reduction="sum")
            counts["nsp"] = len(next_sentence_label)
        return PreTrainingOutput(prediction_logits, seq_relationship_logits, loss_sums=sums, loss_counts=counts)

    def loss_counts(self, batch: Mapping[str, Tensor]) -> dict[str, int]:
        """Over how many tokens ("mlm") and pairs ("nsp") a batch's loss sums run."""
        chosen = batch.get("selected")
        mlm = int((batch["labels"] != -100).sum()) if chosen is None else len(chosen)
        return {"mlm": mlm, "nsp": len(batch["next_sentence_label"])}

    def check_batch(self, batch: Mapping[str, Tensor]) -> None:
        """`BertModel.check_batch`, and the labels: ids below V or -100; 0 or 1."""
        self.bert.check_batch(batch)
        if batch.get("labels") is not None:
            labels = batch["labels"][batch["labels"] != -100]
            check_ids("labels", labels, self.config.vocab_size, "use -100 where nothing is to be predicted")
        if batch.get("next_sentence_label") is not None:
            check_ids("next_sentence_label", batch["next_sentence_label"], 2, "0 is IsNext, 1 is NotNext")


class BertForMaskedLM(FromFolder, nn.Module):
    """The encoder with its masked-language head alone, as transformers has it under this name."""

    def __init__(self, config: BertConfig):
        super().__init__()
        self.config = config
        self.bert = BertModel(config, add_pooling_layer=False)
        self.mlm = MLMHead(config)
        self.mlm.apply(partial(init_weights, std=config.initializer_range))

    def logits(self, input_ids: Tensor, attention_mask: Tensor, places: Tensor) -> Tensor:
        """(B, T) ids and mask, (B, T) True at M places -> (M, V) scores of every id there."""
        states = self.bert(input_ids, attention_mask).last_hidden_state[places]
        return self.mlm(states, self.bert.embeddings.word_embeddings.weight)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor) -> Losses:
        """(B, T) ids, mask and labels (-100 where nothing is asked) -> the sum of the cross-entropies, "mlm"."""
        logits = self.logits(input_ids, attention_mask, labels != -100)
        total = F.cross_entropy(logits.float(), labels[labels != -100], reduction="sum")
        return Losses(loss_sums={"mlm": total}, loss_counts={"mlm": len(logits)})

    def loss_counts(self, batch: Mapping[str, Tensor]) -> dict[str, int]:
        """Over how many hidden items a batch's loss sum runs."""
        return {"mlm": int((batch["labels"] != -100).sum())}


@dataclass
class ClassifierOutput(Losses):
    """What a classification head returns, under transformers' names; its term is "classification" or "tagging".

    Attributes:
        logits: (B, C), or (B, T, C) of a tagger, unnormalised log-probabilities.
    """

    logits: Tensor


def own_head(stored: Stored, needs: str) -> BertConfig:
    """The configuration of a folder's model with the classes of the head that is stored."""
    config, rows = stored.config(classes_matter=True), stored.classes()
    count = stored.values.get("num_labels", 2)  # transformers' default is 2, in no file
    if rows == count and rows != len(config.labels):  # it goes before names of another number; nothing says what for
        return replace(config, labels=tuple(f"LABEL_{index}" for index in range(rows)))
    if not config.labels and not rows:
        raise ValueError(
            f"{stored.folder} has no classes: {needs}. config.json names none, and the weights hold no classifier; "
            "give labels for a new head"
        )
    if rows and rows != len(config.labels):
        raise ValueError(
            f"{stored.folder}: the classifier in the weights has {rows} classes, config.json names "
            f"{len(config.labels)} ({', '.join(config.labels) or 'none'}): write the names into its id2label, or give "
            "labels for a new head"
        )
    return config


class TaskHead(FromFolder, nn.Module):
    """Dropout and one linear layer on what the encoder gives; labels choose from its scores."""

    output: str  # the layer's name
    peft_task: str  # peft's word for such a head
    pooled = False  # one row of scores for the input, from the pooled [CLS]; else one for every token
    term: str  # of the loss
    each: str  # what a label is of, for the message
    result = ClassifierOutput

    def choices(self, logits: Tensor) -> Tensor:
        """The scores with those that one label chooses from in the last dimension."""
        return logits

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> ClassifierOutput:
        """Score a batch, and with labels measure the loss, as a sum of cross-entropies.

        Args:
            input_ids, attention_mask, token_type_ids: (B, T), as in `BertModel.forward`.
            labels: ids below C: (B,) of a classifier; (B, T) of a tagger, -100 where nothing is asked; (B, 2) places of
                an answer's first and last token, 0 and 0 where there is none.

        Raises:
            ValueError: labels have another shape; and all that BertModel raises.
        """
        encoded = self.bert(input_ids, attention_mask, token_type_ids, pooled_only=self.pooled)
        hidden = encoded.pooler_output if self.pooled else encoded.last_hidden_state
        logits = getattr(self, self.output)(self.dropout(hidden))
        if labels is None:
            return self.result(logits)
        choices = self.choices(logits)
        if labels.shape != choices.shape[:-1]:
            wanted, each = tuple(choices.shape[:-1]), self.each.format(len(logits))
            raise ValueError(f"labels has shape {tuple(labels.shape)}: give {wanted}, {each}")
        total = F.cross_entropy(choices.float().flatten(0, -2), labels.flatten(), reduction="sum")
        return self.result(logits, loss_sums={self.term: total}, loss_counts={self.term: self.count(labels)})

    def count(self, labels: Tensor) -> int | Tensor:
        """How many of the labels are asked for."""
        return labels.numel()

    def loss_counts(self, batch: Mapping[str, Tensor]) -> dict[str, int]:
        """Over how many labels a batch's loss sum runs: examples, tokens, or two places an example."""
        return {self.term: int(self.count(batch["labels"]))}


class LabelledHead(TaskHead):
    """A head whose labels have names, config.labels.

    Raises:
        ValueError: the configuration names fewer than two labels.
    """

    has_classes, output = True, "classifier"
    needs: str  # for the message

    def __init__(self, config: BertConfig):
        super().__init__()
        if len(config.labels) < 2:
            raise ValueError(f"labels={config.labels!r}: {self.needs}")
        self.config = config
        self.bert = BertModel(config, add_pooling_layer=self.pooled)
        p = config.hidden_dropout_prob if config.classifier_dropout is None else config.classifier_dropout
        self.dropout = Dropout(p)
        self.classifier = nn.Linear(config.hidden_size, len(config.labels))
        self.classifier.apply(partial(init_weights, std=config.initializer_range))

    @classmethod
    def from_pretrained(cls, folder: str | Path | Stored, labels: Sequence[str] | None = None) -> Self:
        """Load a transformers folder. Without a stored head of these labels, a fresh one is made.

        Args:
            folder: an encoder's or a fine-tuned model's folder, or what `read_model` gave for it.
            labels: their names for a new head; None to use the stored head and its names.

        Raises:
            ValueError: no labels given and none stored, the stored head is of another kind, or the weights do not fit.
        """
        stored = read_model(folder)
        if labels is not None:
            return load_model(cls, stored, stored.config(labels))
        cls.check_stored(stored)
        return load_model(cls, stored, own_head(stored, cls.needs), keep_classifier=True)

    @classmethod
    def check_stored(cls, stored: Stored) -> None:
        """Refuse a stored head that this class would read wrongly."""

    def check_batch(self, batch: Mapping[str, Tensor]) -> None:
        """`BertModel.check_batch`, and the labels: ids below C, or of a tagger -100."""
        self.bert.check_batch(batch)
        labels, names = batch.get("labels"), ", ".join(self.config.labels)
        if labels is None:
            return
        remedy = f"the head's classes are {names}"
        if not self.pooled:
            labels, remedy = labels.masked_fill(labels == -100, 0), f"the tags are {names}; -100 is no tag"
        check_ids("labels", labels, len(self.config.labels), remedy)


class BertForSequenceClassification(LabelledHead):
    """One class for the whole input (Devlin et al., 2019, §4.1)."""

    pooled, peft_task, needs = True, "SEQ_CLS", "a classifier needs at least two class names"
    term, each = "classification", "one class id for each of the {} texts"

    @classmethod
    def check_stored(cls, stored: Stored) -> None:
        kind = stored.values.get("problem_type")
        if kind not in (None, "single_label_classification"):
            raise ValueError(
                f"{stored.folder}: config.json has problem_type={kind!r}: bertlib's classifier gives a text one class; "
                "give labels for a new head"
            )


class BertForTokenClassification(LabelledHead):
    """A tag for every token (Devlin et al., 2019, §5.3). The encoder has no pooler, as in transformers."""

    pooled, peft_task, needs = False, "TOKEN_CLS", "a tagger needs at least two tags, such as O and B-PER"
    term, each = "tagging", "one tag a token of the {} texts"

    def count(self, labels: Tensor) -> Tensor:
        return (labels != -100).sum()


class SpanOutput(ClassifierOutput):
    """What `BertForQuestionAnswering` returns; its term is "answering".

    Attributes:
        logits: (B, T, 2) scores of every token as the first and as the last of the answer.
    """

    @property
    def start_logits(self) -> Tensor:
        """(B, T), as transformers calls them."""
        return self.logits[..., 0]

    @property
    def end_logits(self) -> Tensor:
        """(B, T)"""
        return self.logits[..., 1]


class BertForQuestionAnswering(TaskHead):
    """Where an answer begins and ends: two scores for every token (Devlin et al., 2019, §4.2 and §4.3).

    Segment 1 is the context. The loss is the mean of both places' cross-entropies over the T tokens. "No answer" is a
    span too, [CLS] alone. There is no pooler and no dropout before the layer, as in transformers. That makes as many
    scores as config.json names classes, so another task's are left out.
    """

    output, peft_task, result = "qa_outputs", "QUESTION_ANS", SpanOutput
    term, each = "answering", "first and last token"

    def __init__(self, config: BertConfig):
        super().__init__()
        self.config = config = replace(config, labels=())
        self.bert = BertModel(config, add_pooling_layer=False)
        self.dropout = nn.Identity()
        self.qa_outputs = nn.Linear(config.hidden_size, 2)
        self.qa_outputs.apply(partial(init_weights, std=config.initializer_range))

    @classmethod
    def from_pretrained(cls, folder: str | Path | Stored, labels: Sequence[str] = ()) -> Self:
        """Load a transformers folder, with the head that is stored or a fresh one; labels are none of its matter."""
        return load_model(cls, folder)

    def choices(self, logits: Tensor) -> Tensor:
        return logits.transpose(1, 2)  # (B, 2, T): among all tokens

    def check_batch(self, batch: Mapping[str, Tensor]) -> None:
        """`BertModel.check_batch`, and the labels: places among the T tokens."""
        self.bert.check_batch(batch)
        if batch.get("labels") is not None:
            check_ids("labels", batch["labels"], batch["input_ids"].size(1), "0 and 0 stand for no answer")


def mean_pooling(hidden: Tensor, attention_mask: Tensor | None = None) -> Tensor:
    """The mean over the tokens of each text, [CLS] and [SEP] included, padding not: (B, T, D) and (B, T) -> (B, D)."""
    if attention_mask is None:
        return hidden.mean(dim=1)
    mask = attention_mask[..., None].to(hidden.dtype)
    return (hidden * mask).sum(dim=1) / mask.sum(dim=1)


class VectorOutput(ClassifierOutput):
    """What `BertForEmbedding` returns; its term is "contrast".

    Attributes:
        logits: (B, D) a vector of length 1 for each text; under this name since tasks ask every head for it.
    """


class BertForEmbedding(FromFolder, nn.Module):
    """A vector of length 1 for a text: the mean of its tokens' last states (Reimers and Gurevych, 2019, §3).

    There is no weight beside the encoder's. Trained by contrast, a text's own partner has to be nearer than those of
    the other texts of the batch (Henderson et al., 2017, §4; SCALE as in sentence-transformers).
    """

    output, peft_task, SCALE = None, "FEATURE_EXTRACTION", 20.0

    def __init__(self, config: BertConfig):
        super().__init__()
        self.config = config = replace(config, labels=())
        self.bert = BertModel(config, add_pooling_layer=False)

    @classmethod
    def from_pretrained(cls, folder: str | Path | Stored, labels: Sequence[str] = ()) -> Self:
        """Load a transformers folder; labels are none of its matter."""
        return load_model(cls, folder)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        partner_ids: Tensor | None = None,
        partner_mask: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> VectorOutput:
        """Vectors of a batch, and with partners the loss.

        Args:
            input_ids, attention_mask, token_type_ids: (B, T), as in `BertModel.forward`.
            partner_ids, partner_mask: (P, U) partners, P at least B; text i's own in row i.
            labels: bool (B, P), True where partner j is right for text i (as each own one is): those other than the
                own are left out, neither right nor wrong.
        """
        hidden = self.bert(input_ids, attention_mask, token_type_ids).last_hidden_state
        vectors = F.normalize(mean_pooling(hidden, attention_mask), dim=-1)
        if partner_ids is None:
            return VectorOutput(vectors)
        partners = self(partner_ids, partner_mask).logits
        scores = self.SCALE * (vectors @ partners.T).float()
        own = torch.arange(len(scores), device=scores.device)
        if labels is not None:
            if labels.shape != scores.shape:
                raise ValueError(
                    f"labels has shape {tuple(labels.shape)}: give {tuple(scores.shape)}, texts by partners"
                )
            others = own[:, None] != torch.arange(len(partners), device=scores.device)
            scores = scores.masked_fill(labels & others, -torch.inf)
        total = F.cross_entropy(scores, own, reduction="sum")
        return VectorOutput(vectors, loss_sums={"contrast": total}, loss_counts={"contrast": len(own)})

    def loss_counts(self, batch: Mapping[str, Tensor]) -> dict[str, int]:
        """Over how many texts a batch's loss sum runs."""
        return {"contrast": len(batch["input_ids"])}

    def check_batch(self, batch: Mapping[str, Tensor]) -> None:
        """`BertModel.check_batch`, of the partners too."""
        self.bert.check_batch(batch)
        if "partner_ids" in batch:
            self.bert.check_batch({"input_ids": batch["partner_ids"], "attention_mask": batch["partner_mask"]})
