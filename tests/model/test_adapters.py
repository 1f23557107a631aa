"""LoRA: equal to peft in what it computes, learns, merges and writes; what does not fit is named."""

import copy
import json
import shutil
from pathlib import Path

import checks
import peft
import pytest
import safetensors.torch
import torch
import transformers
from bug_zoo import lora_bugs

from bertlib import (
    BertConfig,
    BertForEmbedding,
    BertForPreTraining,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
    BertModel,
)
from bertlib.model import adapters
from bertlib.model.adapters import LoRA, LoRALinear, adapters_of, load_adapters, merge, put_on, save_adapters, unmerge
from bertlib.model.weights import read_model, save_model
from conftest import TINY

NAMES = ("sport", "business", "tech")
ALL = ("query", "key", "value", "attention.output.dense", "intermediate.dense", "output.dense")
KINDS = {"SEQ_CLS": BertForSequenceClassification, "TOKEN_CLS": BertForTokenClassification}
KINDS |= {"QUESTION_ANS": BertForQuestionAnswering}
SCALED = LoRA(rank=4, alpha=12, dropout=0.1)  # α is not r, so that a forgotten scale is seen


def their_base(kind, encoder):
    """transformers' model of the encoder with a head of three classes, or of two scores where answers are marked;
    without dropout, so that gradients compare.
    """
    torch.manual_seed(2)
    still = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    return getattr(transformers, KINDS[kind].__name__).from_pretrained(encoder, num_labels=rows_of(kind), **still)


def rows_of(kind):
    return 2 if kind == "QUESTION_ANS" else len(NAMES)


def make_theirs(kind, encoder, targets=("query", "value"), dropout=0.0, **settings):
    """peft's adapters on that, filled with random numbers."""
    config = {"r": 4, "lora_alpha": 12, "lora_dropout": dropout, "target_modules": list(targets)} | settings
    model = peft.get_peft_model(their_base(kind, encoder), peft.LoraConfig(task_type=kind, **config))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    return model


def make_ours(kind, encoder, lora=SCALED):
    model = KINDS[kind].from_pretrained(encoder, labels=NAMES)
    put_on(model, lora)
    for layer in adapters_of(model).values():
        torch.nn.init.normal_(layer.lora_B, std=0.3)
    return model


def scores_of(model, batch):
    """With gradients. transformers gives an answer's first and last scores apart, and peft's class for them takes
    token_type_ids and does not hand them on: the layer below it does.
    """
    if isinstance(model, peft.PeftModelForQuestionAnswering):
        model = model.base_model
    output = model(**{name: tensor for name, tensor in batch.items() if name != "labels"})
    apart = not hasattr(output, "logits")
    return torch.stack([output.start_logits, output.end_logits], dim=-1) if apart else output.logits


def logits_of(model, batch):
    with torch.no_grad():
        return scores_of(model.eval(), batch)


def change(folder, name="adapter_config.json", **values):
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")


@pytest.fixture
def ours(tiny_folder):
    return make_ours("SEQ_CLS", tiny_folder)


@pytest.fixture
def saved(ours, tmp_path):
    save_adapters(ours, tmp_path / "adapters")
    return tmp_path / "adapters"


# ---------------------------------------------------------------------------------------------------- equal to peft


@pytest.mark.parametrize("targets", [("query", "value"), ALL], ids=["query, value", "all"])
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_gradients_merged_weights_and_what_trains_are_pefts(kind, targets, tiny_folder, batch, tmp_path):
    theirs = make_theirs(kind, tiny_folder, targets)
    theirs.save_pretrained(tmp_path)
    ours = load_adapters(KINDS[kind], read_model(tiny_folder), tmp_path)
    assert (logits_of(theirs, batch) - logits_of(ours, batch)).abs().max() <= 1e-6
    plain = logits_of(their_base(kind, tiny_folder), batch)
    assert (plain - logits_of(ours, batch)).abs().max() > 1e-4  # the adapters have a say

    learned = {name: p for name, p in theirs.named_parameters() if p.requires_grad}
    mine = {adapters.peft_key(name): p for name, p in ours.named_parameters() if p.requires_grad}
    assert sum(p.numel() for p in mine.values()) == sum(p.numel() for p in learned.values())
    for model in (theirs, ours):
        scores_of(model, batch).square().mean().backward()
    for name, parameter in learned.items():
        key = name.removeprefix("base_model.model.").replace(".default", "").replace(".modules_to_save", "")
        assert (mine.pop(key).grad - parameter.grad).abs().max() <= 1e-6, key
    assert not mine and all(p.grad is None for p in ours.parameters() if not p.requires_grad)

    merge(ours)
    save_model(ours, tmp_path / "merged")
    expected = theirs.merge_and_unload().state_dict()
    stored = safetensors.torch.load_file(tmp_path / "merged" / "model.safetensors")
    for name, tensor in stored.items():
        assert (tensor - expected[name]).abs().max() <= 1e-6, name
    other = getattr(transformers, KINDS[kind].__name__).from_pretrained(tmp_path / "merged")
    torch.testing.assert_close(logits_of(other, batch), logits_of(ours, batch), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_peft_opens_our_folder_with_its_head(kind, tiny_folder, batch, tmp_path):
    ours = make_ours(kind, tiny_folder, LoRA(4, 12, targets=ALL))
    save_adapters(ours, tmp_path)
    theirs = peft.PeftModel.from_pretrained(their_base(kind, tiny_folder), tmp_path)
    assert (logits_of(theirs, batch) - logits_of(ours, batch)).abs().max() <= 1e-6
    again = load_adapters(KINDS[kind], read_model(tiny_folder), tmp_path)
    assert torch.equal(logits_of(again, batch), logits_of(ours, batch)) and again.config.labels == ours.config.labels
    assert ours.config.labels == (() if kind == "QUESTION_ANS" else NAMES)
    assert adapters.lora_of(again).targets == tuple(sorted(ALL)) and adapters.lora_of(again).alpha == 12


def test_pefts_class_for_answers_loses_the_segments(tiny_folder, batch):
    """peft 0.21.2: a model trained through it has learned without them; CONTRIBUTING.md says so."""
    theirs = make_theirs("QUESTION_ANS", tiny_folder).eval()
    inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
    without = {name: tensor for name, tensor in inputs.items() if name != "token_type_ids"}
    with torch.no_grad():
        lost, none = theirs(**inputs).start_logits, theirs(**without).start_logits
        below = theirs.base_model(**inputs).start_logits
    assert torch.equal(lost, none) and not torch.allclose(lost, below)


@pytest.mark.filterwarnings("error")
def test_peft_knows_every_word_of_our_folder(saved):
    config = peft.PeftConfig.from_pretrained(saved)
    assert (config.r, config.lora_alpha, config.lora_dropout) == (4, 12, 0.1)
    assert set(config.target_modules) == {"query", "value"} and config.modules_to_save == ["classifier"]


def test_a_folder_of_pefts_with_more_modules_stored_whole(tiny_folder, batch, tmp_path):
    theirs = make_theirs("SEQ_CLS", tiny_folder, modules_to_save=["classifier", "pooler", "LayerNorm"])
    for name, parameter in theirs.named_parameters():
        if parameter.requires_grad and "lora_" not in name:
            torch.nn.init.normal_(parameter, std=0.1)
    theirs.save_pretrained(tmp_path / "theirs")
    ours = load_adapters(BertForSequenceClassification, read_model(tiny_folder), tmp_path / "theirs")
    assert (logits_of(theirs, batch) - logits_of(ours, batch)).abs().max() <= 1e-6
    assert ours.config.labels == ("LABEL_0", "LABEL_1", "LABEL_2")
    save_adapters(ours, tmp_path / "ours")
    back = peft.PeftModel.from_pretrained(their_base("SEQ_CLS", tiny_folder), tmp_path / "ours")
    assert (logits_of(theirs, batch) - logits_of(back, batch)).abs().max() <= 1e-6


def test_a_pooler_that_came_from_no_file_trains_and_is_stored(tiny_folder, batch, tmp_path):
    folder = shutil.copytree(tiny_folder, tmp_path / "encoder")
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if "pooler" not in name}
    safetensors.torch.save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    ours = make_ours("SEQ_CLS", folder)
    assert ours.bert.pooler.dense.weight.requires_grad
    save_adapters(ours, tmp_path / "adapters")
    again = load_adapters(BertForSequenceClassification, read_model(folder), tmp_path / "adapters")
    assert torch.equal(logits_of(again, batch), logits_of(ours, batch))
    theirs = peft.PeftModel.from_pretrained(their_base("SEQ_CLS", folder), tmp_path / "adapters")
    assert (logits_of(theirs, batch) - logits_of(ours, batch)).abs().max() <= 1e-6


# ------------------------------------------------------------------------------------------------- what it computes


@pytest.mark.parametrize("kind", [*KINDS.values(), BertForPreTraining, BertForEmbedding, BertModel])
def test_at_the_start_nothing_is_changed(kind, batch):
    """To the last bit; and nothing but the matrices A is drawn."""
    model = kind(BertConfig(**TINY, labels=NAMES)).eval()
    inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
    with torch.no_grad():
        before = [value for value in vars(model(**inputs)).values() if isinstance(value, torch.Tensor)]
        pooled = kind not in (BertForTokenClassification, BertForQuestionAnswering, BertForEmbedding)
        put_on(model, LoRA(targets=(*ALL, "pooler.dense") if pooled else ALL))
        after = [value for value in vars(model(**inputs)).values() if isinstance(value, torch.Tensor)]
    assert before and all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_a_is_drawn_as_peft_draws_it(tiny_folder):
    torch.manual_seed(3)
    theirs = peft.get_peft_model(their_base("SEQ_CLS", tiny_folder), peft.LoraConfig(r=16, target_modules=["query"]))
    bound = max(p.abs().max().item() for name, p in theirs.named_parameters() if "lora_A" in name)
    drawn = torch.stack([layer.lora_A.detach() for layer in adapters_of(make_ours("SEQ_CLS", tiny_folder)).values()])
    assert bound == pytest.approx(32**-0.5, rel=0.02) == drawn.abs().max().item()
    assert drawn.std() == pytest.approx(bound / 3**0.5, rel=0.1)


def test_dropout_is_on_the_input_of_a_alone():
    layer = LoRALinear(torch.nn.Linear(4, 4), LoRA(rank=4, alpha=8, dropout=0.25)).train()
    with torch.no_grad():
        layer.lora_A.copy_(torch.eye(4))
        layer.lora_B.copy_(torch.eye(4))
        x = torch.ones(20_000, 4)
        added = layer(x) - torch.nn.functional.linear(x, layer.weight, layer.bias)
    kept = added != 0
    assert kept.float().mean() == pytest.approx(0.75, abs=0.01)
    torch.testing.assert_close(added[kept], torch.full_like(added[kept], 2 / 0.75))
    torch.testing.assert_close(layer.eval()(x)[0] - layer.merged()(x)[0], torch.zeros(4))


def test_the_encoders_own_dropout_acts_while_it_trains_and_not_in_use(ours, batch):
    ours.train()
    inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
    assert not torch.equal(ours(**inputs).logits, ours(**inputs).logits)
    assert torch.equal(logits_of(ours, batch), logits_of(ours, batch))


# ------------------------------------------------------------------------------------------------ merge and unmerge


def test_merging_and_back_again_bit_for_bit(ours, batch):
    state, before, frozen = copy.deepcopy(ours.state_dict()), logits_of(ours, batch), adapters.digest(ours)
    layers = merge(ours)
    assert type(ours.bert.layers[0].attention.query) is torch.nn.Linear and not adapters_of(ours)
    assert (logits_of(ours, batch) - before).abs().max() <= 1e-6
    assert all(p.requires_grad for p in ours.parameters())
    for parameter in ours.bert.layers[0].attention.query.parameters():
        parameter.data += 1  # trained further, say
    unmerge(ours, layers)
    assert all(torch.equal(tensor, ours.state_dict()[name]) for name, tensor in state.items())
    assert torch.equal(logits_of(ours, batch), before) and adapters.digest(ours) == frozen
    assert {name for name, p in ours.named_parameters() if p.requires_grad} == set(adapters.trained(ours))


def test_merging_twice_and_putting_on_twice_are_refused(ours):
    with pytest.raises(ValueError, match="has adapters already: merge them first, or load the encoder again"):
        put_on(ours, LoRA())
    layers = merge(ours)
    with pytest.raises(ValueError, match="no adapters: they were never put on, or are merged already"):
        merge(ours)
    unmerge(ours, layers)
    unmerge(ours, layers)  # changes nothing more
    assert list(adapters_of(ours).values()) == list(layers.values())


def test_a_folder_holds_a_whole_model_or_adapters_never_both(ours, batch, tmp_path):
    """transformers adds adapters that lie beside weights: a merged model would come out as W + 2BA."""
    with pytest.raises(ValueError, match="has adapters: merge them first, or save them alone"):
        ours.save_pretrained(tmp_path / "model")
    before = logits_of(ours, batch)
    save_adapters(ours, tmp_path / "model")
    (tmp_path / "model" / "README.md").write_text("mine", encoding="utf-8")
    layers = merge(ours)
    save_model(ours, tmp_path / "model")
    assert {path.name for path in (tmp_path / "model").glob("*.safetensors")} == {"model.safetensors"}
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "model")
    assert (logits_of(theirs, batch) - before).abs().max() <= 1e-6
    unmerge(ours, layers)
    save_adapters(ours, tmp_path / "model")
    left = {path.name for path in (tmp_path / "model").iterdir()}
    assert left == {"adapter_config.json", "adapter_model.safetensors", "bertlib.json", "README.md"}


@pytest.mark.parametrize("training", [True, False])
def test_what_is_put_on_merged_and_put_back_is_in_the_models_mode(training, tiny_folder):
    ours = make_ours("SEQ_CLS", tiny_folder)  # put on in evaluation mode, as it was loaded
    assert not any(module.training for module in ours.modules())
    layers = merge(ours.train(training))
    assert all(module.training is training for module in ours.modules())
    unmerge(ours.train(not training), layers)
    assert all(module.training is not training for module in ours.modules())


def test_half_a_folder_and_halves_of_numbers(ours, saved, tiny_folder, batch):
    """Tensors in float16 become float32; without the file of ours the classes have no names of their own."""
    path = saved / "adapter_model.safetensors"
    halves = {name: tensor.half() for name, tensor in safetensors.torch.load_file(path).items()}
    safetensors.torch.save_file(halves, path)
    (saved / "bertlib.json").unlink()
    again = load_adapters(BertForSequenceClassification, read_model(tiny_folder), saved)
    assert {p.dtype for p in again.parameters()} == {torch.float32}
    assert again.config.labels == ("LABEL_0", "LABEL_1", "LABEL_2")
    torch.testing.assert_close(logits_of(again, batch), logits_of(ours, batch), rtol=0, atol=1e-2)


# ------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"rank": 0}, r"rank=0: give a whole number of at least 1"),
        ({"rank": 2.0}, r"rank=2\.0: give a whole number"),
        ({"rank": True}, r"rank=True: give a whole number"),
        ({"rank": 33}, r"rank=33: bert\.layers\.0\.attention\.query is 32 × 32; give at most 32"),
        ({"alpha": 0}, r"alpha=0: give a number above 0"),
        ({"alpha": float("nan")}, r"alpha=nan: give a number above 0"),
        ({"dropout": 1.0}, r"dropout=1\.0: give a probability"),
        ({"targets": ()}, r"targets=\(\): give a tuple of names"),
        ({"targets": "query"}, r"targets='query': give a tuple of names"),
        ({"targets": ["query"].append("value")}, r"targets=None: give a tuple of names"),
        (
            {"targets": ("query", "quarry")},
            r"the encoder has no linear layer 'quarry': there is attention\.output\.dense, attention\.self\.key, "
            r"attention\.self\.query, attention\.self\.value, intermediate\.dense, output\.dense, pooler\.dense",
        ),
        ({"targets": ("classifier",)}, "no linear layer 'classifier'"),
        ({"targets": ("LayerNorm",)}, "no linear layer 'LayerNorm'"),
    ],
)
def test_wrong_values_are_named(settings, message, tiny_classifier_config):
    with pytest.raises(ValueError, match=message):
        put_on(BertForSequenceClassification(tiny_classifier_config), LoRA(**settings))


def test_the_largest_rank_is_the_width(tiny_classifier_config):
    model = BertForSequenceClassification(tiny_classifier_config)
    put_on(model, LoRA(rank=32, targets=("intermediate.dense", "output.dense")))
    assert len(adapters_of(model)) == 6  # output.dense is the attention's and the layer's own, as with peft


def other_encoder(folder, **shape):
    transformers.BertModel(transformers.BertConfig(**TINY | shape)).save_pretrained(folder)
    return read_model(folder)


@pytest.mark.parametrize(
    "shape, message",
    [
        ({"hidden_size": 16}, r"do not fit .*lora_A\.weight is \(4, 32\) there, and \(4, 16\) here"),
        (
            {"num_hidden_layers": 1},
            r"layer\.1\.attention\.self\.query\.lora_A\.weight is .4, 32. there, and unknown here",
        ),
        (
            {"num_hidden_layers": 3},
            r"layer\.2\.attention\.self\.query\.lora_A\.weight is missing there, and .4, 32. here",
        ),
        ({}, r"encoder_digest is [0-9a-f]{64} there, and [0-9a-f]{64} here\. Give encoder="),
    ],
)
def test_adapters_of_another_encoder_are_refused(shape, message, saved, tmp_path):
    with pytest.raises(ValueError, match=message) as caught:
        load_adapters(BertForSequenceClassification, other_encoder(tmp_path / "other", **shape), saved)
    assert str(saved) in str(caught.value) and str(tmp_path / "other") in str(caught.value)


def test_a_trained_encoder_is_another_encoder(ours, tiny_folder, tmp_path):
    """Whose weights were moved by some other parameter list than ours: the folder does not hold that."""
    with torch.no_grad():
        ours.bert.embeddings.norm.bias[0] += 1e-6
    save_adapters(ours, tmp_path)
    with pytest.raises(ValueError, match="digest"):
        load_adapters(BertForSequenceClassification, read_model(tiny_folder), tmp_path)


@pytest.mark.parametrize(
    "values, message",
    [
        ({"peft_type": "LOHA"}, "peft_type='LOHA': a BertForSequenceClassification reads plain LoRA, with 'LORA' here"),
        ({"use_rslora": True}, "use_rslora=True: .* reads plain LoRA, with 'nothing' here; merge others with peft"),
        ({"alpha_pattern": {"query": 3}}, "alpha_pattern="),
        ({"rank_pattern": {"query": 3}}, "rank_pattern="),
        ({"bias": "lora_only"}, "bias='lora_only'"),
        ({"init_lora_weights": "pissa"}, "init_lora_weights='pissa'"),
        ({"layers_to_transform": [0]}, "layers_to_transform="),
        ({"r": None}, "rank=None: give a whole number"),
        ({"target_modules": "all-linear"}, "targets='all-linear': give a tuple"),
        ({"target_modules": ["q_proj"]}, "no linear layer 'q_proj'"),
        (
            {"task_type": "TOKEN_CLS"},
            "task_type='TOKEN_CLS': .* reads plain LoRA, with 'SEQ_CLS' here",
        ),
    ],
)
def test_other_adapters_than_these_are_refused(values, message, saved, tiny_folder):
    change(saved, **values)
    with pytest.raises(ValueError, match=message) as caught:
        load_adapters(BertForSequenceClassification, read_model(tiny_folder), saved)
    assert "adapter_config.json" in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_a_head_of_another_kind_is_refused(kind, other, tiny_folder, tmp_path):
    save_adapters(make_ours(kind, tiny_folder), tmp_path)
    if kind == other:
        load_adapters(KINDS[other], read_model(tiny_folder), tmp_path)
        return
    with pytest.raises(ValueError, match=rf"task_type='{kind}': .* with '{other}' here"):
        load_adapters(KINDS[other], read_model(tiny_folder), tmp_path)


def test_an_encoder_with_classes_of_its_own_does_for_an_answerer(tiny_folder, batch, tmp_path):
    """What it was made for before has no say in the rows of the layer: two, in both libraries."""
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "encoder"))
    change(folder, "config.json", id2label={str(i): name for i, name in enumerate("abcde")})
    ours = make_ours("QUESTION_ANS", folder)
    save_adapters(ours, tmp_path / "adapters")
    again = load_adapters(BertForQuestionAnswering, read_model(folder), tmp_path / "adapters")
    assert torch.equal(logits_of(again, batch), logits_of(ours, batch)) and again.config.labels == ()
    theirs = peft.PeftModel.from_pretrained(their_base("QUESTION_ANS", folder), tmp_path / "adapters")
    assert (logits_of(theirs, batch) - logits_of(ours, batch)).abs().max() <= 1e-6


def test_a_folder_without_its_head_or_its_tensors(saved, tiny_folder):
    stored, path = read_model(tiny_folder), saved / "adapter_model.safetensors"
    tensors = safetensors.torch.load_file(path)
    without = {name: tensor for name, tensor in tensors.items() if "classifier" not in name}
    safetensors.torch.save_file(without, path)
    with pytest.raises(ValueError, match=r"lacks the head \(classifier.weight\): save it too, in peft by modules_to"):
        load_adapters(BertForSequenceClassification, stored, saved)
    safetensors.torch.save_file(tensors | {"base_model.model.bert.x": torch.ones(1)}, path)
    with pytest.raises(ValueError, match=r"bert\.x is \(1,\) there, and unknown here"):
        load_adapters(BertForSequenceClassification, stored, saved)
    path.write_bytes(b"x")
    with pytest.raises(ValueError, match=r"adapter_model\.safetensors: damaged"):
        load_adapters(BertForSequenceClassification, stored, saved)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"adapter_model\.safetensors"):
        load_adapters(BertForSequenceClassification, stored, saved)


# ------------------------------------------------------------------------------------------------ published mistakes


def test_the_adapter_is_the_papers():
    checks.adapts_as_the_paper(LoRALinear)


@pytest.mark.parametrize("bug", [lora_bugs.IgnoresAlpha, lora_bugs.StartsSomewhere, lora_bugs.DropsInUse])
def test_other_adapters_are_caught(bug):
    with pytest.raises(AssertionError):
        checks.adapts_as_the_paper(bug)


def test_what_trains(tiny_classifier_config):
    checks.only_adapters_and_head_train(put_on, BertForSequenceClassification(tiny_classifier_config))


@pytest.mark.parametrize("bug", [lora_bugs.freezes_nothing, lora_bugs.freezes_the_head])
def test_other_parameter_lists_are_caught(bug, tiny_classifier_config):
    with pytest.raises(AssertionError):
        checks.only_adapters_and_head_train(bug, BertForSequenceClassification(tiny_classifier_config))


def test_merging_changes_nothing(ours):
    checks.merging_changes_nothing(merge, ours)


def test_merging_twice_is_caught(ours):
    with pytest.raises(AssertionError):
        checks.merging_changes_nothing(lora_bugs.merges_twice, ours)


def test_peft_opens_what_was_saved(ours, tiny_folder, tmp_path):
    checks.peft_opens_what_was_saved(save_adapters, ours, tmp_path, tiny_folder)


def test_a_head_that_was_not_stored_is_caught(ours, tiny_folder, tmp_path):
    with pytest.raises(AssertionError):
        checks.peft_opens_what_was_saved(lora_bugs.saves_no_head, ours, tmp_path, tiny_folder)


def test_a_merged_folder_opens_alike(ours, tmp_path):
    checks.merged_folder_opens_alike(lambda model, folder: merge(model) and save_model(model, folder), ours, tmp_path)


def test_saving_after_merging_is_caught(ours, tmp_path):
    """transformers adds what lies beside the weights, peft being installed."""
    with pytest.raises(AssertionError):
        checks.merged_folder_opens_alike(lora_bugs.saves_after_merging, ours, tmp_path / "model")


def test_the_digest_catches_another_encoder(saved, tmp_path):
    other = other_encoder(tmp_path / "other")
    with pytest.raises(ValueError, match="digest"):
        load_adapters(BertForSequenceClassification, other, saved)
    lora_bugs.opens_any_encoder(BertForSequenceClassification, other, saved)  # nothing else would
