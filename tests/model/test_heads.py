from dataclasses import replace

import checks
import pytest
import torch
from bug_zoo import mlm_losses
from keywords import train
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from bertlib import BertForPreTraining, BertForSequenceClassification, BertForTokenClassification
from bertlib.model import attention
from bertlib.model.attention import measured_advantage
from bertlib.model.dropout import Dropout
from bertlib.text.batching import pack, pad_batch


@pytest.fixture
def model(tiny_classifier_config):
    return BertForSequenceClassification(tiny_classifier_config).eval()


def test_shapes_and_loss(model, batch):
    output = model(**batch)
    assert output.logits.shape == (3, 3)
    by_hand = -output.logits.log_softmax(-1)[torch.arange(3), batch["labels"]].mean()
    torch.testing.assert_close(output.loss, by_hand)


def test_no_labels_no_loss(model, batch):
    assert model(batch["input_ids"]).loss is None


def test_token_types_reach_the_encoder(model, batch):
    with_segments = model(batch["input_ids"], token_type_ids=batch["token_type_ids"]).logits
    assert not torch.allclose(with_segments, model(batch["input_ids"]).logits)


@pytest.mark.parametrize("kind", [BertForSequenceClassification, BertForTokenClassification])
@pytest.mark.parametrize("own, expected", [(None, 0.3), (0.0, 0.0), (0.5, 0.5)])
def test_classifier_dropout(kind, tiny_classifier_config, own, expected):
    config = replace(tiny_classifier_config, hidden_dropout_prob=0.3, classifier_dropout=own)
    head = kind(config).dropout
    assert isinstance(head, Dropout)
    assert head.p == expected


def test_dropout_acts_before_the_classifier_in_training(tiny_classifier_config, batch):
    config = replace(
        tiny_classifier_config, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, classifier_dropout=0.5
    )
    model = BertForSequenceClassification(config)
    assert not torch.equal(model(batch["input_ids"]).logits, model(batch["input_ids"]).logits)
    model.eval()
    assert torch.equal(model(batch["input_ids"]).logits, model(batch["input_ids"]).logits)


@pytest.mark.parametrize("kind", [BertForSequenceClassification, BertForTokenClassification])
def test_fresh_head(kind, tiny_classifier_config):
    head = kind(replace(tiny_classifier_config, initializer_range=0.1)).classifier
    assert (head.bias == 0).all()
    assert 0.05 < head.weight.std() < 0.12
    assert head.weight.abs().max() <= 0.2


@pytest.mark.parametrize("labels", [(), ("alone",)])
def test_fewer_than_two_classes(tiny_config, labels):
    with pytest.raises(ValueError, match="at least two class names"):
        BertForSequenceClassification(replace(tiny_config, labels=labels))
    with pytest.raises(ValueError, match="at least two tags"):
        BertForTokenClassification(replace(tiny_config, labels=labels))
    BertForSequenceClassification(replace(tiny_config, labels=("yes", "no")))
    BertForTokenClassification(replace(tiny_config, labels=("yes", "no")))


@pytest.mark.parametrize("bad", [3, -1, -100])
def test_label_out_of_range(model, batch, bad):
    batch["labels"][1] = bad
    with pytest.raises(ValueError, match=rf"labels\[1\] = {bad} is outside 0 … 2: .*sport, business, tech"):
        model.check_batch(batch)


@pytest.mark.parametrize("shape", [(2,), (4,), (3, 1), ()])
def test_wrong_number_of_labels(model, batch, shape):
    with pytest.raises(ValueError, match=r"labels has shape .*one class id for each of the 3 texts"):
        model(**batch | {"labels": torch.zeros(shape, dtype=torch.long)})


def test_tags_of_a_tagger(tiny_classifier_config):
    """Mean over the tokens that are asked; as many classes as there are, however long the text."""
    model = BertForTokenClassification(tiny_classifier_config).eval()
    ids, labels = torch.full((2, 5), 7), torch.tensor([[0, 2, -100, 1, -100], [-100, 1, 1, -100, -100]])
    output = model(ids, labels=labels)
    asked = labels != -100
    log_p = output.logits.log_softmax(-1)[asked]
    torch.testing.assert_close(output.loss, -log_p[torch.arange(5), labels[asked]].mean())
    assert model(ids[:, :2], labels=labels[:, :2]).loss.isfinite()  # a tag's number may be above the tokens'
    with pytest.raises(ValueError, match=r"labels\[0, 0\] = 3 is outside 0 … 2: the tags are sport"):
        model.check_batch({"input_ids": ids, "labels": torch.full((2, 5), 3)})


def test_loss_of_a_single_tag_and_place_of_a_wrong_one(tiny_classifier_config):
    """The mean over one tag is its own loss; and a message says where in the batch a wrong id stands."""
    tagger = BertForTokenClassification(tiny_classifier_config).eval()
    ids, labels = torch.tensor([[2, 5, 3], [2, 6, 3]]), torch.full((2, 3), -100)
    labels[1, 2] = 1
    output = tagger(ids, labels=labels)
    assert output.loss.item() == pytest.approx(-output.logits[1, 2].log_softmax(-1)[1].item())
    labels[0, 1], labels[1, 1] = 2, 3
    with pytest.raises(ValueError, match=r"labels\[1, 1\] = 3 is outside 0 … 2"):
        tagger.check_batch({"input_ids": ids, "labels": labels})


def test_a_head_that_gives_no_single_class_is_not_taken_for_one(tiny_config, tmp_path):
    """A multi-label head scores each class by a sigmoid of its own, a regression head scores none."""
    import transformers

    for kind in ("multi_label_classification", "regression", "single_label_classification"):
        config = transformers.BertConfig(**vars(tiny_config) | {"labels": None}, problem_type=kind, num_labels=3)
        transformers.BertForSequenceClassification(config).save_pretrained(tmp_path / kind)
        assert BertForSequenceClassification.from_pretrained(tmp_path / kind, labels=("a", "b")).fresh
    for kind in ("multi_label_classification", "regression"):
        with pytest.raises(ValueError, match=f"problem_type='{kind}': .* give labels for a new head"):
            BertForSequenceClassification.from_pretrained(tmp_path / kind)
    assert not BertForSequenceClassification.from_pretrained(tmp_path / "single_label_classification").fresh


def test_float_labels(model, batch):
    with pytest.raises(TypeError, match=r"labels has dtype torch\.float32: give integers"):
        model.check_batch(batch | {"labels": torch.zeros(3)})


# --------------------------------------------------------------------------------------------------- pretraining


def pretraining_batch(config, rows=4, length=10, seed=0):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(5, config.vocab_size, (rows, length), generator=generator)
    mask = torch.ones_like(ids)
    mask[1, 6:] = 0
    labels = torch.where((torch.rand(rows, length, generator=generator) < 0.4) & (mask == 1), ids, -100)
    labels[0, 1] = ids[0, 1]
    return {
        "input_ids": ids,
        "attention_mask": mask,
        "token_type_ids": (torch.arange(length) > 4).long().expand(rows, length),
        "labels": labels,
        "next_sentence_label": torch.tensor([0, 1] * (rows // 2)),
    }


def test_losses_are_means_over_selected_tokens_and_pairs(tiny_config):
    model, batch = BertForPreTraining(tiny_config).eval(), pretraining_batch(tiny_config)
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "token_type_ids")}
    everywhere, output = model(**inputs), model(**batch)
    selected = batch["labels"] != -100
    assert everywhere.prediction_logits.shape == (4, 10, tiny_config.vocab_size)
    assert everywhere.loss is None
    torch.testing.assert_close(output.prediction_logits, everywhere.prediction_logits[selected])

    def mlm_loss(logits, labels):  # the model's own arithmetic on these logits
        model.mlm.forward = lambda hidden, embedding: logits[labels != -100]
        batch = {"input_ids": torch.full(labels.shape, 5), "labels": labels}
        return model(**batch).mlm_loss

    def nsp_loss(logits, labels):
        model.nsp.forward = lambda pooled: logits
        return model(torch.full((len(labels), 3), 5), next_sentence_label=labels).nsp_loss

    total = output.mlm_loss + output.nsp_loss
    torch.testing.assert_close(output.loss, total)
    small = BertForPreTraining(tiny_config)
    model.bert, model.config = small.bert, small.config
    checks.mlm_loss_counts_selected_tokens_alone(mlm_loss)
    checks.nsp_loss_counts_both_classes(nsp_loss)


@pytest.mark.parametrize(
    "bug", [mlm_losses.padding_counts, mlm_losses.divides_by_all_tokens, mlm_losses.nan_when_nothing_is_selected]
)
def test_wrong_mlm_losses_are_caught(bug):
    with pytest.raises(AssertionError):
        checks.mlm_loss_counts_selected_tokens_alone(bug)


def test_nsp_loss_that_ignores_a_class_is_caught():
    with pytest.raises(AssertionError):
        checks.nsp_loss_counts_both_classes(mlm_losses.nsp_ignores_class_zero)


def test_projecting_selected_positions_only_changes_nothing(tiny_config):
    model, batch = BertForPreTraining(tiny_config).double().eval(), pretraining_batch(tiny_config)
    model(**batch).loss.backward()
    few = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    few_losses = model(**batch)
    model.zero_grad()
    output = model(**{name: tensor for name, tensor in batch.items() if "label" not in name})
    loss = F.cross_entropy(output.prediction_logits.flatten(0, 1), batch["labels"].flatten())
    torch.testing.assert_close(few_losses.mlm_loss, loss.float())
    (loss + F.cross_entropy(output.seq_relationship_logits, batch["next_sentence_label"])).backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(few[name], parameter.grad)


def test_nothing_selected_is_no_nan(tiny_config):
    model, batch = BertForPreTraining(tiny_config), pretraining_batch(tiny_config)
    output = model(**batch | {"labels": torch.full_like(batch["labels"], -100)})
    assert output.mlm_loss == 0
    output.loss.backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters() if parameter.grad is not None)
    for name, parameter in model.mlm.named_parameters():
        assert parameter.grad is None or (parameter.grad == 0).all(), name
    assert model.nsp.weight.grad.abs().sum() > 0


def test_nsp_still_learns_where_nothing_is_selected(tiny_config):
    batch = pretraining_batch(tiny_config)
    batch["labels"] = torch.full_like(batch["labels"], -100)
    config = replace(tiny_config, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    model = BertForPreTraining(config)
    head = {name: parameter.detach().clone() for name, parameter in model.mlm.named_parameters()}
    history = train(
        model,
        lambda epoch: [batch],
        epochs=40,
        learning_rate=3e-3,
        weight_decay=0.0,
        precision="fp32",
        show_progress=False,
    )
    assert history.updates[-1]["loss"] < 0.5 * history.updates[0]["loss"]
    for name, parameter in model.mlm.named_parameters():
        assert torch.equal(parameter, head[name]), name


def test_nsp_reads_the_pooled_cls(tiny_config):
    model, batch = BertForPreTraining(tiny_config).eval(), pretraining_batch(tiny_config)
    seen = {}
    model.bert.register_forward_hook(lambda module, inputs, output: seen.update(output=output))
    logits = model(batch["input_ids"]).seq_relationship_logits
    (gradient,) = torch.autograd.grad(logits.square().sum(), seen["output"].last_hidden_state)
    assert gradient[:, 0].abs().sum() > 0
    assert gradient[:, 1:].abs().sum() == 0
    torch.testing.assert_close(logits, model.nsp(seen["output"].pooler_output))


@pytest.mark.parametrize(
    "change, message",
    [
        ({"labels": torch.zeros(4, 9).long()}, r"labels has shape \(4, 9\): give \(4, 10\)"),
        ({"next_sentence_label": torch.zeros(3).long()}, r"next_sentence_label has shape \(3,\): give \(4,\)"),
        ({"labels": torch.full((4, 10), 999)}, r"labels\[0\] = 999 is outside .* use -100 where nothing"),
        ({"labels": torch.full((4, 10), -1)}, r"labels\[0\] = -1 is outside"),
        ({"labels": torch.full((4,), -100)}, r"labels has shape \(4,\): give \(4, 10\)"),
        ({"next_sentence_label": torch.tensor([[0, 1, 1, 0]])}, r"next_sentence_label has shape \(1, 4\): give \(4,\)"),
        ({"next_sentence_label": torch.tensor([0, 1, 1, -100])}, r"next_sentence_label\[3\] = -100 is outside 0 … 1"),
        ({"next_sentence_label": torch.tensor([0, 1, 2, 0])}, r"next_sentence_label\[2\] = 2 is outside 0 … 1: 0 is"),
    ],
)
def test_bad_pretraining_labels(tiny_config, change, message):
    model, batch = BertForPreTraining(tiny_config), pretraining_batch(tiny_config) | change
    with pytest.raises(ValueError, match=message):
        model.check_batch(batch)  # values
        model(**batch)  # shapes


def test_fresh_pretraining_heads(tiny_config):
    model = BertForPreTraining(replace(tiny_config, initializer_range=0.1))
    assert model.nsp.weight.shape == (2, 32)
    for bias in (model.mlm.bias, model.mlm.dense.bias, model.nsp.bias):
        assert (bias == 0).all()
    for weight in (model.mlm.dense.weight, model.nsp.weight):
        assert 0.05 < weight.std() < 0.12 and weight.abs().max() <= 0.2


@pytest.mark.parametrize("kind", [BertForPreTraining, BertForSequenceClassification, BertForTokenClassification])
def test_save_and_load(kind, tiny_classifier_config, tmp_path):
    model = kind(tiny_classifier_config)
    model.save_pretrained(tmp_path)
    again = kind.from_pretrained(tmp_path)
    assert again.config == model.config
    for one, other in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    if kind is not BertForPreTraining:
        fresh = kind.from_pretrained(tmp_path, labels=["yes", "no"])
        assert fresh.config.labels == ("yes", "no") and fresh.classifier.weight.shape == (2, 32)


def packed(rows, values):
    """The values of several sequences, side by side in rows."""
    return pad_batch([[v for i in row for v in values[i]] for row in rows], 0)[0]


@pytest.mark.parametrize("seed", range(5))
def test_packed_sequences_do_not_see_each_other(seed, tiny_config):
    """Outputs, losses and gradients are those of the same sequences in rows of their own."""
    config = replace(tiny_config, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    torch.manual_seed(seed)
    model = BertForPreTraining(config).train()
    lengths = torch.randint(2, 17, (9,)).tolist()
    ids = [torch.randint(5, config.vocab_size, (n,)).tolist() for n in lengths]
    types = [[0] * (n // 2) + [1] * (n - n // 2) for n in lengths]
    labels = [[token if place % 3 == 1 else -100 for place, token in enumerate(row)] for row in ids]
    follows = torch.randint(0, 2, (9,)).tolist()
    rows = pack(lengths, 16)
    order = [i for row in rows for i in row]
    assert len(rows) < 9
    sequence_ids = pad_batch([[n for n, i in enumerate(row, 1) for _ in ids[i]] for row in rows], 0)[0]
    in_rows, mask = packed(rows, ids), sequence_ids > 0
    row_labels = packed(rows, labels).masked_fill(~mask, -100)
    together = model(
        in_rows,
        token_type_ids=packed(rows, types),
        labels=row_labels,
        next_sentence_label=torch.tensor([follows[i] for i in order]),
        sequence_ids=sequence_ids,
    )
    together.loss.backward()
    gradients = [parameter.grad.clone() for parameter in model.parameters()]
    model.zero_grad()
    padded, padding = pad_batch(ids, 0)
    apart = model(
        padded,
        padding,
        pad_batch(types, 0)[0],
        pad_batch(labels, 0)[0].masked_fill(padding == 0, -100),
        torch.tensor(follows),
    )
    apart.loss.backward()
    torch.testing.assert_close(together.loss, apart.loss)
    torch.testing.assert_close(together.seq_relationship_logits, apart.seq_relationship_logits[order])
    for mine, parameter in zip(gradients, model.parameters(), strict=True):
        torch.testing.assert_close(mine, parameter.grad, rtol=1e-4, atol=1e-6)


def test_packed_rows_with_wrong_arguments(tiny_config):
    model = BertForPreTraining(tiny_config)
    ids, sequence_ids = torch.full((1, 4), 7), torch.tensor([[1, 1, 2, 2]])
    with pytest.raises(ValueError, match=r"next_sentence_label has shape \(1,\): give \(2,\)"):
        model(ids, next_sentence_label=torch.tensor([0]), sequence_ids=sequence_ids)
    with pytest.raises(ValueError, match="exclude each other"):
        model(ids, torch.ones(1, 4), sequence_ids=sequence_ids)
    with pytest.raises(ValueError, match="sequence_ids has shape"):
        model.bert(ids, sequence_ids=sequence_ids[:, :3])
    with pytest.raises(ValueError, match="pooled_only=True with sequence_ids"):
        model.bert(ids, sequence_ids=sequence_ids, pooled_only=True)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_recomputing_changes_neither_loss_nor_gradients(dropout, tiny_config):
    config = replace(tiny_config, hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout)
    model = BertForPreTraining(config).train()
    batch = pretraining_batch(config)
    results, layers_run = [], []
    model.bert.layers[0].register_forward_pre_hook(lambda *_: layers_run.append(1))
    for recompute in (False, True):
        model.bert.recompute = recompute
        model.zero_grad()
        torch.manual_seed(1)
        loss = model(**batch).loss
        loss.backward()
        results.append([loss.detach(), *[p.grad.clone() for p in model.parameters()]])
        assert len(layers_run) == (3 if recompute else 1)  # once; then forward, and again for the backward pass
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)
    model.eval()
    layers_run.clear()
    model(**batch)
    assert len(layers_run) == 1


def test_recomputing_runs_the_kernel_that_ran_first(tiny_config, monkeypatch):
    """As on a GPU, where `bertlib.device.autocast` leaves a kernel out and ends before the backward pass begins."""
    monkeypatch.setattr(attention, "use_formula", lambda query: False)
    model = BertForPreTraining(replace(tiny_config, attention_probs_dropout_prob=0.0)).train()
    model.bert.recompute = True
    kernels = []
    original = F.scaled_dot_product_attention

    def watched(*args, **kwargs):
        kernels.append((torch.backends.cuda.flash_sdp_enabled(), torch.backends.cuda.math_sdp_enabled()))
        return original(*args, **kwargs)

    monkeypatch.setattr(F, "scaled_dot_product_attention", watched)
    with sdpa_kernel([SDPBackend.MATH]):
        loss = model(**pretraining_batch(tiny_config)).loss
    loss.backward()
    assert set(kernels) == {(False, True)}
    assert len(kernels) == 2 * tiny_config.num_hidden_layers
    assert torch.backends.cuda.flash_sdp_enabled()


def test_recomputing_where_attention_is_still_to_be_measured(tiny_config):
    """What the measurement keeps for its own backward pass is none of the layer's business."""
    measured_advantage.cache_clear()
    model = BertForPreTraining(tiny_config).train()
    model.bert.recompute = True
    with torch.autocast("cpu", torch.bfloat16):
        loss = model(**pretraining_batch(tiny_config)).loss
    loss.backward()
    assert all(parameter.grad is not None for parameter in model.bert.layers.parameters())
