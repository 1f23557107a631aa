"""The head that marks answers, against transformers: outputs, losses, gradients, folders both ways; what is refused."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import safetensors.torch
import torch
import transformers
from test_parity import SHAPES, TOLERANCE, random_inputs, random_shape, randomise

from bertlib import BertConfig, BertForQuestionAnswering, BertForTokenClassification, BertModel
from bertlib.model.heads import SpanOutput
from bertlib.model.weights import transformers_name
from conftest import TINY

CLOSE = {"rtol": 0, "atol": TOLERANCE}


def reference(seed, folder):
    """A random model of transformers' own, saved; inputs for it, and places of answers in what is no padding."""
    torch.manual_seed(seed)
    shape = random_shape(seed)
    config = transformers.BertConfig(**shape)
    theirs = randomise(transformers.BertForQuestionAnswering._from_config(config, attn_implementation="eager"))
    theirs.save_pretrained(folder)
    inputs = random_inputs(shape, seed)
    lengths = inputs["attention_mask"].sum(dim=1, keepdim=True)
    labels = (torch.rand(len(lengths), 2) * lengths).long().sort(dim=1).values
    labels[-1] = 0  # one without an answer
    return theirs, inputs, labels


def of_theirs(theirs, inputs, labels=None):
    """Its output, with both rows of scores side by side as ours has them."""
    places = {} if labels is None else {"start_positions": labels[:, 0], "end_positions": labels[:, 1]}
    output = theirs(**inputs, **places)
    return torch.stack([output.start_logits, output.end_logits], dim=-1), output.loss


# -------------------------------------------------------------------------------------------- equal to transformers


@pytest.mark.parametrize("seed", SHAPES)
def test_scores_losses_and_gradients_of_every_weight(seed, tmp_path):
    theirs, inputs, labels = reference(seed, tmp_path)
    ours = BertForQuestionAnswering.from_pretrained(tmp_path)
    assert ours.fresh == [] and not ours.training
    expected, loss = of_theirs(theirs, inputs, labels)
    output = ours(**inputs, labels=labels)
    assert isinstance(output, SpanOutput)
    torch.testing.assert_close(output.logits, expected, **CLOSE)
    torch.testing.assert_close(output.start_logits, expected[..., 0], **CLOSE)
    torch.testing.assert_close(output.end_logits, expected[..., 1], **CLOSE)
    torch.testing.assert_close(output.loss, loss, **CLOSE)
    gaps = gradient_gaps(ours.double(), theirs.double(), inputs, labels)
    assert max(gaps.values()) <= 1e-4, max(gaps, key=gaps.get)


def gradient_gaps(ours, theirs, inputs, labels):
    """For every parameter: the norm of the difference of both gradients, over the norm of transformers' gradient."""
    ours(**inputs, labels=labels).loss.backward()
    of_theirs(theirs, inputs, labels)[1].backward()
    expected = {name: p.grad for name, p in theirs.named_parameters()}
    found = {transformers_name(name): p.grad for name, p in ours.named_parameters()}
    assert found.keys() == expected.keys()
    whole = torch.cat([gradient.flatten() for gradient in expected.values()]).norm()
    # What moves the scores of all tokens alike has a true gradient of 0; what is left there is rounding.
    last = f"layer.{theirs.config.num_hidden_layers - 1}.output.LayerNorm.bias"
    alike = [name for name in expected if name.endswith(("key.bias", "qa_outputs.bias", last))]
    assert all(expected[name].norm() <= 1e-9 * whole for name in alike)
    return {
        name: float((found[name] - gradient).norm() / (whole if name in alike else gradient.norm()))
        for name, gradient in expected.items()
    }


def test_some_of_these_inputs_are_padded_and_some_answers_are_not_there():
    """Or the test above would say nothing of either."""
    padded = [random_inputs(random_shape(seed), seed)["attention_mask"].min().item() == 0 for seed in SHAPES]
    assert sum(padded) >= 15


@pytest.mark.parametrize("seed", [0, 3, 11])
def test_saved_by_us_and_opened_by_transformers(seed, tmp_path):
    theirs, inputs, _ = reference(seed, tmp_path / "theirs")
    BertForQuestionAnswering.from_pretrained(tmp_path / "theirs").save_pretrained(tmp_path / "ours")
    again, info = transformers.AutoModelForQuestionAnswering.from_pretrained(
        tmp_path / "ours", output_loading_info=True
    )
    assert type(again) is transformers.BertForQuestionAnswering
    assert not any(info[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    with torch.no_grad():
        torch.testing.assert_close(of_theirs(again.eval(), inputs)[0], of_theirs(theirs, inputs)[0], **CLOSE)


def test_save_and_load(tiny_config, tmp_path):
    model = BertForQuestionAnswering(tiny_config)
    model.save_pretrained(tmp_path)
    again = BertForQuestionAnswering.from_pretrained(tmp_path)
    assert again.config == model.config and again.fresh == []
    assert all(torch.equal(one, other) for one, other in zip(model.parameters(), again.parameters(), strict=True))


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16])
def test_a_folder_in_16_bits_becomes_float32(precision, tmp_path):
    theirs, inputs, _ = reference(0, tmp_path)
    theirs.to(precision).save_pretrained(tmp_path)
    ours = BertForQuestionAnswering.from_pretrained(tmp_path)
    assert {p.dtype for p in ours.parameters()} == {torch.float32}
    with torch.no_grad():
        torch.testing.assert_close(ours(**inputs).logits, of_theirs(theirs.float(), inputs)[0], **CLOSE)


# -------------------------------------------------------------------------------------------- the head and its folder


def test_a_folder_without_the_head_gives_a_fresh_one(tiny_folder):
    model = BertForQuestionAnswering.from_pretrained(tiny_folder)
    assert model.fresh == ["qa_outputs.bias", "qa_outputs.weight"]
    assert model.qa_outputs.weight.shape == (2, TINY["hidden_size"])
    assert (model.qa_outputs.bias == 0).all() and 0 < model.qa_outputs.weight.abs().max() <= 0.04
    encoder = BertModel.from_pretrained(tiny_folder)
    for name, tensor in model.bert.state_dict().items():
        assert torch.equal(tensor, encoder.state_dict()[name]), name


def test_a_fresh_head_comes_from_the_seed_and_its_range(tiny_config):
    heads = []
    for _ in range(2):
        torch.manual_seed(3)
        heads.append(BertForQuestionAnswering(replace(tiny_config, initializer_range=0.1)).qa_outputs)
    assert torch.equal(heads[0].weight, heads[1].weight)
    assert (heads[0].bias == 0).all()
    assert 0.05 < heads[0].weight.std() < 0.12 and heads[0].weight.abs().max() <= 0.2


def test_there_is_no_pooler_and_a_stored_one_is_passed_over(tiny_folder, tmp_path):
    model = BertForQuestionAnswering.from_pretrained(tiny_folder)  # the encoder's folder has one
    assert not any("pooler" in name for name in model.state_dict())
    model.save_pretrained(tmp_path)
    assert "pooler" not in " ".join(safetensors.torch.load_file(tmp_path / "model.safetensors"))
    assert BertModel.from_pretrained(tmp_path).fresh == ["pooler.dense.bias", "pooler.dense.weight"]


def test_no_dropout_stands_before_the_layer(tiny_config, batch):
    """As in transformers: what the encoder's own dropout leaves is scored as it is."""
    still = replace(tiny_config, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, classifier_dropout=0.5)
    model = BertForQuestionAnswering(still).train()
    assert torch.equal(model(batch["input_ids"]).logits, model(batch["input_ids"]).logits)
    assert sum(isinstance(module, torch.nn.Dropout) for module in model.modules()) == 0


@pytest.mark.parametrize("classes", [3, 5])
def test_classes_of_another_task_are_none_of_its_matter(classes, batch, tmp_path):
    """transformers gives this head as many rows as config.json has classes: a tagger's would make it another one."""
    theirs = transformers.BertForTokenClassification(transformers.BertConfig(**TINY, num_labels=classes))
    theirs.save_pretrained(tmp_path / "tagger")
    ours = BertForQuestionAnswering.from_pretrained(tmp_path / "tagger")
    assert ours.fresh == ["qa_outputs.bias", "qa_outputs.weight"] and ours.config.labels == ()
    ours.save_pretrained(tmp_path / "ours")
    again = transformers.BertForQuestionAnswering.from_pretrained(tmp_path / "ours").eval()
    inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
    with torch.no_grad():
        torch.testing.assert_close(of_theirs(again, inputs)[0], ours(**inputs).logits, **CLOSE)
    assert BertForTokenClassification.from_pretrained(tmp_path / "ours", labels=("O", "B-X", "I-X")).fresh


def test_other_heads_in_the_file_are_passed_over_and_stray_weights_are_not(tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder, tmp_path / "encoder")
    path = folder / "model.safetensors"
    tensors = safetensors.torch.load_file(path)
    more = {"classifier.weight": torch.ones(3, 32), "classifier.bias": torch.ones(3)}
    safetensors.torch.save_file(tensors | more, path, metadata={"format": "pt"})
    assert BertForQuestionAnswering.from_pretrained(folder).fresh == ["qa_outputs.bias", "qa_outputs.weight"]
    safetensors.torch.save_file(tensors | {"qa_outputs.weight": torch.ones(2, 32)}, path, metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"qa_outputs\.bias is missing"):
        BertForQuestionAnswering.from_pretrained(folder)
    head = {"qa_outputs.weight": torch.ones(3, 32), "qa_outputs.bias": torch.ones(3)}
    safetensors.torch.save_file(tensors | head, path, metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"qa_outputs\.bias is \(3,\), not \(2,\)"):
        BertForQuestionAnswering.from_pretrained(folder)


# ------------------------------------------------------------------------------------------------------- the loss


@pytest.fixture
def model(tiny_config):
    return BertForQuestionAnswering(tiny_config).eval()


def test_the_loss_is_the_mean_of_both_ends(model, batch):
    labels = torch.tensor([[1, 4], [0, 0], [2, 2]])
    output = model(batch["input_ids"], batch["attention_mask"], batch["token_type_ids"], labels)
    rows = torch.arange(3)
    starts, ends = (scores.log_softmax(-1) for scores in (output.start_logits, output.end_logits))
    by_hand = -(starts[rows, labels[:, 0]] + ends[rows, labels[:, 1]]) / 2
    torch.testing.assert_close(output.loss, by_hand.mean())
    assert set(output.loss_sums) == {"answering"} and output.loss_counts == {"answering": 6}
    assert model.loss_counts({"labels": labels}) == {"answering": 6}
    assert model(batch["input_ids"]).loss is None


def test_parts_of_a_batch_add_up_to_the_whole(model, batch):
    """Sums and counts, never means: so that the loop may split a batch as it likes."""
    inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
    labels = torch.tensor([[1, 4], [0, 0], [2, 2]])
    whole = model(**inputs, labels=labels)
    parts = [model(**{name: t[rows] for name, t in inputs.items()}, labels=labels[rows]) for rows in ([0], [1, 2])]
    torch.testing.assert_close(sum(part.loss_sums["answering"] for part in parts), whole.loss_sums["answering"])
    assert sum(part.loss_counts["answering"] for part in parts) == whole.loss_counts["answering"]


def test_which_segment_is_the_context_reaches_the_scores(model, batch):
    with_segments = model(batch["input_ids"], token_type_ids=batch["token_type_ids"]).logits
    assert not torch.allclose(with_segments, model(batch["input_ids"]).logits)


def test_bfloat16_gives_nearly_the_same(tiny_config, batch):
    torch.manual_seed(0)
    model = randomise(BertForQuestionAnswering(replace(tiny_config, hidden_dropout_prob=0.0)))
    inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
    labels = torch.tensor([[1, 4], [0, 0], [2, 2]])
    with torch.no_grad():
        exact = model(**inputs, labels=labels)
    with torch.autocast("cpu", torch.bfloat16):
        half = model(**inputs, labels=labels)
    assert half.logits.dtype == torch.bfloat16 and half.loss.dtype == torch.float32
    assert (half.logits - exact.logits).abs().max() < 0.05 * exact.logits.abs().max()
    assert abs(half.loss - exact.loss) < 0.05 * exact.loss
    half.loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


# ------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("shape", [(3,), (2, 2), (3, 1), (3, 3), (3, 6), ()])
def test_labels_of_another_shape(model, batch, shape):
    with pytest.raises(ValueError, match=r"labels has shape .*: give \(3, 2\), first and last token"):
        model(batch["input_ids"], labels=torch.zeros(shape, dtype=torch.long))


@pytest.mark.parametrize("bad", [6, -1, -100])
def test_places_outside_the_tokens(model, batch, bad):
    """transformers takes those beyond the end for no answer at all, and says nothing."""
    labels = torch.tensor([[1, 4], [0, bad], [2, 2]])
    with pytest.raises(ValueError, match=rf"labels\[1, 1\] = {bad} is outside 0 … 5: 0 and 0 stand for no answer"):
        model.check_batch(batch | {"labels": labels})
    model.check_batch(batch | {"labels": labels.clamp(0, 5)})
    model.check_batch({name: tensor for name, tensor in batch.items() if name != "labels"})


def test_labels_that_are_no_whole_numbers_and_ids_outside_the_vocabulary(model, batch):
    with pytest.raises(TypeError, match=r"labels has dtype torch\.float32: give integers"):
        model.check_batch(batch | {"labels": torch.zeros(3, 2)})
    with pytest.raises(ValueError, match="input_ids"):
        model.check_batch(batch | {"labels": torch.zeros(3, 2).long(), "input_ids": batch["input_ids"] + 999})


def test_what_config_json_says_of_the_shape(tmp_path, tiny_config):
    BertForQuestionAnswering(tiny_config).save_pretrained(tmp_path)
    values = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    assert values["architectures"] == ["BertForQuestionAnswering"]
    assert not {"num_labels", "id2label"} & values.keys()  # two, which is transformers' default
    assert BertConfig.from_pretrained(tmp_path) == tiny_config
    assert np.isclose(values["layer_norm_eps"], tiny_config.layer_norm_eps)
