"""Models without a wait for the host: torch.export takes them, and a forward pass reads no number back."""

import pytest
import torch

from bertlib import (
    BertForEmbedding,
    BertForPreTraining,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
    BertModel,
)
from bertlib.text.pair_stream import with_places


def make(kind, config):
    torch.manual_seed(0)
    return kind(config).eval()


def inputs(config, rows, length):
    ids = torch.randint(5, config.vocab_size, (rows, length))
    mask = torch.ones_like(ids)
    mask[0, length // 2 :] = 0
    return {
        "input_ids": ids,
        "attention_mask": mask,
        "token_type_ids": (torch.arange(length) > 2).long().expand(rows, -1),
    }


KINDS = [BertModel, BertForSequenceClassification, BertForTokenClassification, BertForQuestionAnswering]
KINDS += [BertForEmbedding]


@pytest.mark.parametrize("kind", KINDS)
def test_export_with_free_batch_and_length(kind, tiny_classifier_config):
    model = make(kind, tiny_classifier_config)
    batch, length = torch.export.Dim("batch", min=2, max=64), torch.export.Dim("length", min=4, max=40)
    given = inputs(tiny_classifier_config, 3, 10)
    free = {name: {0: batch, 1: length} for name in given}

    class Plain(torch.nn.Module):  # a tuple of tensors, as exporters want it
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, input_ids, attention_mask, token_type_ids):
            output = self.model(input_ids, attention_mask, token_type_ids)
            return output.last_hidden_state if kind is BertModel else output.logits

    exported = torch.export.export(Plain(), (), given, dynamic_shapes=free).module()
    for rows, tokens in ((3, 10), (2, 4), (7, 33), (5, 40)):
        other = inputs(tiny_classifier_config, rows, tokens)
        torch.testing.assert_close(exported(**other), Plain()(**other), atol=1e-5, rtol=1e-4)


class Waits(torch.utils._python_dispatch.TorchDispatchMode):
    """Counts what makes a GPU wait for the host: reading a number, and shapes that depend on values."""

    READS = ("_local_scalar_dense", "nonzero", "is_nonzero", "masked_select", "equal", "unique")

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__
        masks = [a for a in (args[1] if name == "index" else ()) if a is not None and a.dtype == torch.bool]
        if name in self.READS or masks:
            self.found.append(name)
        return function(*args, **(kwargs or {}))


def batches(config):
    given = inputs(config, 4, 12)
    labels = torch.where(torch.rand(4, 12) < 0.3, given["input_ids"], -100)
    pretraining = given | {"labels": labels, "next_sentence_label": torch.tensor([0, 1, 1, 0])}
    packed = {name: tensor for name, tensor in pretraining.items() if name != "attention_mask"}
    packed["sequence_ids"] = torch.tensor(
        [[1] * 5 + [2] * 5 + [0] * 2, [1] * 12, [1] * 3 + [2] * 3 + [3] * 6, [1] * 12]
    )
    packed["next_sentence_label"] = torch.tensor([0, 1, 1, 0, 0, 1, 1])
    return {
        "encoder": (BertModel, given),
        "classifier": (BertForSequenceClassification, given | {"labels": torch.tensor([0, 1, 2, 1])}),
        "tagger": (BertForTokenClassification, given | {"labels": torch.randint(0, 3, (4, 12))}),
        "answerer": (BertForQuestionAnswering, given | {"labels": torch.randint(0, 6, (4, 2))}),
        "embedder": (
            BertForEmbedding,
            given
            | {"partner_ids": given["input_ids"].flip(0), "partner_mask": given["attention_mask"].flip(0)}
            | {"labels": torch.eye(4, dtype=torch.bool)},
        ),
        "pretraining": (BertForPreTraining, with_places(pretraining)),
        "packed": (BertForPreTraining, with_places(packed)),
    }


@pytest.mark.parametrize("name", ["encoder", "classifier", "tagger", "answerer", "embedder", "pretraining", "packed"])
@pytest.mark.parametrize("training", [False, True])
def test_a_forward_pass_reads_nothing_back(name, training, tiny_classifier_config):
    kind, batch = batches(tiny_classifier_config)[name]
    model = make(kind, tiny_classifier_config).train(training)
    model(**batch)  # what is measured once in a process is measured now
    with Waits() as waits, torch.set_grad_enabled(training):
        output = model(**batch)
        if name != "encoder":
            assert output.loss is not None
    assert waits.found == []


def test_what_waits_is_counted():
    with Waits() as waits:
        numbers = torch.tensor([1.0, 2.0])
        numbers.sum().item()
        numbers[numbers > 1]
        bool((numbers > 0).all())
    assert len(waits.found) >= 3


def test_places_are_those_that_the_model_would_find(tiny_config):
    from dataclasses import replace

    model = make(BertForPreTraining, replace(tiny_config, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0))
    for name in ("pretraining", "packed"):
        given = batches(tiny_config)[name][1]
        without = {key: tensor for key, tensor in given.items() if key not in ("selected", "sequence_starts")}
        with torch.no_grad():
            mine, theirs = model(**given), model(**without)
        assert torch.equal(mine.loss, theirs.loss)
        assert torch.equal(mine.prediction_logits, theirs.prediction_logits)
        assert torch.equal(mine.seq_relationship_logits, theirs.seq_relationship_logits)
