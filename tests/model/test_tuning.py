"""Adapters, prefixes, biases, last layers, the head alone: by the papers' formulas, stored small, wrong ones named."""

import copy
import json
import math
import shutil

import peft
import pytest
import safetensors.torch
import torch
import transformers
from bug_zoo import tuning_bugs

from bertlib import (
    BertConfig,
    BertForEmbedding,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
    BertModel,
)
from bertlib.model import encoder as encoder_module
from bertlib.model.adapters import (
    Adapter,
    Prefix,
    Tuning,
    load_adapters,
    lora_of,
    merge,
    put_on,
    save_adapters,
    trained,
    tuning_of,
)
from bertlib.model.weights import read_model, save_model
from conftest import TINY

NAMES = ("sport", "business", "tech")
METHODS = {"adapters": 4, "prefix": 3, "bitfit": 1, "last": 1, "frozen": 1}
KINDS = [BertForSequenceClassification, BertForTokenClassification, BertForQuestionAnswering]


def make(method="adapters", kind=BertForSequenceClassification, folder=None, **settings):
    """A model with large weights, so that what is added has a say, and with what is put on filled at random."""
    torch.manual_seed(0)
    model = kind(BertConfig(**TINY, labels=NAMES)) if folder is None else kind.from_pretrained(folder, labels=NAMES)
    if folder is None:
        for name, parameter in model.named_parameters():
            torch.nn.init.normal_(parameter, mean=float(name.endswith("norm.weight")), std=0.3)
    put_on(model, Tuning(method, METHODS[method], **settings))
    for parameter in trained(model).values():
        torch.nn.init.normal_(parameter, std=0.3)
    return model.eval()


def outputs(model, batch):
    with torch.no_grad():
        return model(**{name: tensor for name, tensor in batch.items() if name != "labels"}).logits


def alone(batch, row):
    """One text of a batch, without its padding."""
    length = int(batch["attention_mask"][row].sum())
    return {name: batch[name][row : row + 1, :length] for name in ("input_ids", "attention_mask", "token_type_ids")}


# ------------------------------------------------------------------------------------------------ the papers' formulas


def gelu(x):
    return x * (1 + torch.erf(x / math.sqrt(2))) / 2


def normalised(x, norm):
    return (x - x.mean(-1, keepdim=True)) / torch.sqrt(
        x.var(-1, correction=0, keepdim=True) + norm.eps
    ) * norm.weight + norm.bias


def heads_of(x, count):
    return torch.stack(x.chunk(count, dim=-1))  # (H, T, D / H)


def layer_by_hand(layer, x, adapters=False, prefix=False):
    """(T, D) -> (T, D), in the numbers' own format: a layer of BERT with what was put on it, written out."""

    def projected(linear, x):
        return x @ linear.weight.T + linear.bias

    def adapted(linear, h):
        return h + projected(linear.up, gelu(projected(linear.down, h))) if adapters else h

    attention = layer.attention
    query, key, value = (projected(linear, x) for linear in (attention.query, attention.key, attention.value))
    if prefix:
        key, value = torch.cat([attention.key.prefix, key]), torch.cat([attention.value.prefix, value])
    heads = []
    for q, k, v in zip(*(heads_of(x, attention.num_heads) for x in (query, key, value)), strict=True):
        scores = (q @ k.T / math.sqrt(q.size(-1))).exp()
        heads.append(scores / scores.sum(-1, keepdim=True) @ v)
    h = projected(attention.output, torch.cat(heads, dim=-1))
    x = normalised(x + adapted(attention.output, h), layer.attention_norm)
    h = projected(layer.output, gelu(projected(layer.intermediate, x)))
    return normalised(x + adapted(layer.output, h), layer.output_norm)


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("method", ["adapters", "prefix"])
def test_a_layer_equals_the_papers_formula(method, need_weights, batch):
    """In double precision, both of attention's paths, texts of three lengths in a batch."""
    model = make(method).double()
    inputs = {name: tensor for name, tensor in batch.items() if name != "labels"}
    with torch.no_grad():
        found = model.bert(**inputs, output_attentions=need_weights).last_hidden_state
        for row in range(3):
            text = alone(batch, row)
            hidden = model.bert.embeddings(text["input_ids"], text["token_type_ids"])[0]
            for layer in model.bert.layers:
                hidden = layer_by_hand(layer, hidden, **{method: True})
            assert (found[row, : len(hidden)] - hidden).abs().max() <= 1e-6


def check_singles(model, batch):
    """Each text alone gives what it gives beside others, and one as long as the table of positions is read, too."""
    together = outputs(model, batch)
    for row in range(3):
        assert (together[row] - outputs(model, alone(batch, row))[0]).abs().max() <= 1e-6


def test_a_text_with_a_prefix_is_the_same_alone_and_beside_others(batch):
    model = make("prefix")
    check_singles(model, batch)
    assert (outputs(make("frozen"), batch) - outputs(model, batch)).abs().max() > 1e-3
    long = torch.randint(5, 20, (2, TINY["max_position_embeddings"]))
    assert outputs(model, {"input_ids": long}).isfinite().all()
    attentions = model.bert(batch["input_ids"], batch["attention_mask"], output_attentions=True).attentions
    assert attentions[0].shape == (3, 4, 6, 9) and torch.all(attentions[0][1, :, :, 3 + 3 :] == 0)


def test_a_mask_that_is_not_widened_in_front_is_caught(batch, monkeypatch):
    torch.manual_seed(0)
    model = BertForSequenceClassification(BertConfig(**TINY, labels=NAMES)).eval()
    pad = tuning_bugs.mask_not_widened(model, Tuning("prefix", 3))
    for name, parameter in trained(model).items():
        torch.nn.init.normal_(parameter, std=3.0 if "prefix" in name else 0.3)
    check_singles(model, batch)
    monkeypatch.setattr(encoder_module.F, "pad", pad)
    with pytest.raises(AssertionError):
        check_singles(model, batch)


def check_positions(put_on, batch):
    """What goes into the first layer is what it was."""
    torch.manual_seed(0)
    model = BertForSequenceClassification(BertConfig(**TINY, labels=NAMES)).eval()
    before = model.bert.embeddings(batch["input_ids"], batch["token_type_ids"])
    put_on(model, Tuning("prefix", 3))
    assert torch.equal(model.bert.embeddings(batch["input_ids"], batch["token_type_ids"]), before)


def test_a_prefix_leaves_the_positions_as_they_are(batch):
    check_positions(put_on, batch)
    with pytest.raises(AssertionError):
        check_positions(tuning_bugs.positions_shifted, batch)


def test_a_prefix_that_is_never_looked_at_changes_nothing(batch):
    model = make("prefix")
    for layer in model.bert.layers:
        torch.nn.init.zeros_(layer.attention.query.weight)
        torch.nn.init.constant_(layer.attention.query.bias, 100.0)
        torch.nn.init.constant_(layer.attention.key.prefix, -100.0)
    seen = outputs(model, batch)
    for layer in model.bert.layers:
        layer.attention.key, layer.attention.value = (plain(x) for x in (layer.attention.key, layer.attention.value))
    model.bert.prefix_length = 0
    torch.testing.assert_close(seen, outputs(model, batch))


def plain(linear):
    made = torch.nn.Linear(linear.in_features, linear.out_features)
    made.weight, made.bias = linear.weight, linear.bias
    return made


def check_adapter(adapter):
    torch.manual_seed(0)
    linear, x = torch.nn.Linear(6, 5), torch.randn(3, 6)
    layer = adapter(linear, 2).eval()
    assert (layer(x) - linear(x)).abs().max() < 1e-4  # next to nothing at the start
    for thin in (layer.down, layer.up):
        torch.nn.init.normal_(thin.weight)
        torch.nn.init.normal_(thin.bias)
    h = linear(x)
    expected = h + gelu(h @ layer.down.weight.T + layer.down.bias) @ layer.up.weight.T + layer.up.bias
    torch.testing.assert_close(layer(x), expected)


def test_the_adapter_is_the_papers():
    check_adapter(Adapter)
    for bug in (tuning_bugs.NoResidual, tuning_bugs.AlsoOnItsInput):
        with pytest.raises((AssertionError, RuntimeError)):
            check_adapter(bug)


def test_dropout_stands_between_the_projection_and_the_adapter():
    """As in google-research/adapter-bert; and nowhere else a second time."""
    layer = Adapter(torch.nn.Linear(4, 4), 2, dropout=0.25).train()
    with torch.no_grad():
        for thin in (layer.down, layer.up):
            thin.weight.zero_()
        dropped = layer(torch.ones(20_000, 4)) == 0
    assert dropped.float().mean() == pytest.approx(0.25, abs=0.01)
    model = make("adapters")
    assert all(isinstance(layer.dropout, torch.nn.Identity) for layer in model.bert.layers)
    assert {layer.attention.output.dropout.p for layer in model.bert.layers} == {0.1}


# ------------------------------------------------------------------------------------------------------- what trains


def expected_names(model, method):
    """By the papers: Houlsby et al., 2019, §2.1; Ben Zaken et al., 2022, §3; Liu et al., 2022, §3."""
    found = {"classifier.weight", "classifier.bias"}
    for name, _ in model.named_parameters():
        norm, adapter = "norm." in name, ".down." in name or ".up." in name
        top = name.startswith(("bert.layers.1.", "bert.pooler."))
        wanted = {"adapters": norm or adapter, "prefix": name.endswith(".prefix"), "bitfit": name.endswith(".bias")}
        wanted |= {"last": top, "frozen": name.startswith("bert.pooler.")}
        found |= {name} if wanted[method] else set()
    return found


def check_what_trains(put_on, method):
    """One list by name, the other by an update of every weight that has a gradient."""
    torch.manual_seed(0)
    model = BertForSequenceClassification(BertConfig(**TINY, labels=NAMES))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    put_on(model, Tuning(method, METHODS[method]))
    expected = expected_names(model, method)
    before = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1.0)
    for _ in range(2):
        optimizer.zero_grad()
        ids = torch.tensor([[2, 5, 6, 3], [2, 7, 8, 3]])
        model.train()(ids, token_type_ids=ids % 2, labels=torch.tensor([1, 0])).loss.backward()
        optimizer.step()
    moved = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    still = {name for name in expected if name.endswith("key.bias")}  # softmax does not see it
    assert moved - still == expected - still
    assert {name for name, p in model.named_parameters() if p.requires_grad} == expected


@pytest.mark.parametrize("method", METHODS)
def test_what_trains_is_the_papers_list(method):
    check_what_trains(put_on, method)


@pytest.mark.parametrize("method, bug", [("adapters", "freezes_layer_norm"), ("prefix", "prompt_of_embeddings")])
def test_other_lists_are_caught(method, bug):
    bugs = {"freezes_layer_norm": tuning_bugs.freezes_layer_norm}
    bugs["prompt_of_embeddings"] = tuning_bugs.prompt_of_embeddings
    with pytest.raises(AssertionError):
        check_what_trains(bugs[bug], method)


def check_mode(put_on, method):
    """In training, what nothing learns below is the same each time."""
    torch.manual_seed(0)
    model = BertForSequenceClassification(BertConfig(**TINY | {"hidden_dropout_prob": 0.5}, labels=NAMES))
    put_on(model, Tuning(method, METHODS[method]))
    seen = []
    part = model.bert.pooler if method == "frozen" else model.bert.layers[1]
    part.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    for _ in range(2):
        model.train()(torch.tensor([[2, 5, 6, 3]]))
    assert torch.equal(*seen)


@pytest.mark.parametrize("method", ["last", "frozen"])
def test_what_is_frozen_below_is_in_evaluation_mode(method, batch):
    check_mode(put_on, method)
    with pytest.raises(AssertionError):
        check_mode(tuning_bugs.dropout_below, method)
    model = make(method)
    with_states = outputs(model, batch)
    model.bert.frozen = None
    torch.testing.assert_close(with_states, outputs(model, batch))


@pytest.mark.parametrize("method", ["adapters", "prefix", "bitfit"])
def test_dropout_acts_where_something_learns_in_all_layers(method, batch):
    model = make(method).train()
    given = {name: tensor for name, tensor in batch.items() if name != "labels"}
    assert not torch.equal(model(**given).logits, model(**given).logits)
    assert torch.equal(outputs(model.eval(), batch), outputs(model, batch))


# --------------------------------------------------------------------------------------------------- stored and opened


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_saved_and_opened(method, kind, tiny_folder, batch, tmp_path):
    model = make(method, kind, tiny_folder)
    model.bert.frozen = None  # which gives zeros at padding
    expected = outputs(model, batch)
    save_adapters(model, tmp_path / "small", {"max_length": 24})
    again = load_adapters(kind, read_model(tiny_folder), tmp_path / "small")
    assert torch.equal(outputs(again, batch), expected) and again.config.labels == model.config.labels
    assert tuning_of(again) == lora_of(model) and again.bert.frozen is None
    stored = safetensors.torch.load_file(tmp_path / "small" / "adapter_model.safetensors")
    assert sum(tensor.numel() for tensor in stored.values()) == sum(p.numel() for p in trained(model).values())
    assert {name for name, p in again.named_parameters() if p.requires_grad} == set(trained(model))
    if method in ("adapters", "prefix"):
        with pytest.raises(ValueError, match="has adapters: merge them first, or save them alone"):
            again.save_pretrained(tmp_path / "whole")
        with pytest.raises(ValueError, match=rf"method='{method}': no plain layer computes the same; save the small"):
            merge(again)
        assert torch.equal(outputs(again, batch), expected)
    else:
        assert merge(again) == {} and all(p.requires_grad for p in again.parameters())
        save_model(again, tmp_path / "small")
        whole = kind.from_pretrained(tmp_path / "small")
        torch.testing.assert_close(outputs(whole, batch), expected)
        assert not (tmp_path / "small" / "adapter_config.json").exists()
        with pytest.raises(ValueError, match="no adapters: they were never put on, or are merged already"):
            merge(again)


def test_peft_says_that_a_folder_is_not_its_own(tiny_folder, tmp_path):
    save_adapters(make("adapters", folder=tiny_folder), tmp_path)
    theirs = transformers.BertForSequenceClassification.from_pretrained(tiny_folder, num_labels=3)
    with pytest.raises(Exception, match="BERTLIB"):
        peft.PeftModel.from_pretrained(theirs, tmp_path)


def change(folder, **values):
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")


@pytest.mark.parametrize(
    "values, message",
    [
        ({"size": 0}, "rank=0: give a whole number of at least 1"),
        ({"size": None}, "rank=None: give a whole number"),
        ({"size": 5}, r"down\.\w+ is \(4.* there, and \(5"),
        ({"method": "adaptors"}, "method='adaptors': choose one of 'adapters', 'prefix', 'last', 'bitfit', 'frozen'"),
        ({"method": "bitfit"}, r"dense\.bias is missing there, and \(32,\) here"),
        ({"r": 4, "use_rslora": True}, "use_rslora=True"),
        ({"peft_type": "LORA"}, "method='adapters': .* reads plain LoRA"),
        ({"task_type": "TOKEN_CLS"}, "task_type='TOKEN_CLS'.* with 'SEQ_CLS' here"),
    ],
)
def test_a_changed_folder_is_refused(values, message, tiny_folder, tmp_path):
    save_adapters(make("adapters", folder=tiny_folder), tmp_path)
    change(tmp_path, **values)
    with pytest.raises(ValueError, match=message):
        load_adapters(BertForSequenceClassification, read_model(tiny_folder), tmp_path)


@pytest.mark.parametrize("method", METHODS)
def test_another_encoder_is_refused(method, tiny_folder, tmp_path):
    save_adapters(make(method, folder=tiny_folder), tmp_path / "small")
    torch.manual_seed(5)
    transformers.BertModel(transformers.BertConfig(**TINY)).save_pretrained(tmp_path / "other")
    shutil.copy(tiny_folder / "vocab.txt", tmp_path / "other")
    with pytest.raises(ValueError, match="encoder_digest"):
        load_adapters(BertForSequenceClassification, read_model(tmp_path / "other"), tmp_path / "small")


def test_a_head_that_is_not_stored_is_missed(tiny_folder, tmp_path):
    save_adapters(make("adapters", folder=tiny_folder), tmp_path)
    path = tmp_path / "adapter_model.safetensors"
    kept = {name: x for name, x in safetensors.torch.load_file(path).items() if "classifier" not in name}
    safetensors.torch.save_file(kept, path)
    with pytest.raises(ValueError, match=r"lacks the head \(classifier\.weight\)"):
        load_adapters(BertForSequenceClassification, read_model(tiny_folder), tmp_path)


@pytest.mark.parametrize(
    "settings, message",
    [
        (("adapters", 0), "rank=0: give a whole number of at least 1"),
        (("adapters", 2.0), r"rank=2\.0: give a whole number"),
        (("prefix", 0), "prefix_length=0: give a whole number"),
        (("last", True), "top_layers=True: give a whole number"),
        (("adapters", 33), "rank=33: the encoder has 32; give at most 32"),
        (("last", 3), "top_layers=3: the encoder has 2; give at most 2"),
        (("full", 3), "method='full': choose one of"),
    ],
)
def test_wrong_values_are_named(settings, message):
    model = BertForSequenceClassification(BertConfig(**TINY, labels=NAMES))
    with pytest.raises(ValueError, match=message):
        put_on(model, Tuning(*settings))
    assert tuning_of(model) is None


@pytest.mark.parametrize("method", METHODS)
def test_putting_on_twice_is_refused(method):
    with pytest.raises(ValueError, match="has adapters already: merge them first, or load the encoder again"):
        put_on(make(method), Tuning("prefix", 2))


def test_a_model_without_a_head_has_nothing_to_train():
    for model in (BertForEmbedding(BertConfig(**TINY)), BertModel(BertConfig(**TINY), add_pooling_layer=False)):
        with pytest.raises(ValueError, match="method='frozen': the model has no head, so nothing would train"):
            put_on(model, Tuning("frozen"))
        put_on(model, Tuning("prefix", 2))


def test_an_argument_that_is_none_is_named():
    model = BertForSequenceClassification(BertConfig(**TINY, labels=NAMES))
    with pytest.raises(ValueError, match="whole=None: give a tuple of names"):
        tuning_bugs.an_argument_that_is_none(model, ["classifier.weight"])


def test_a_plain_model_has_no_prefix_and_nothing_put_on(batch):
    model = BertForSequenceClassification(BertConfig(**TINY, labels=NAMES))
    assert tuning_of(model) is None and model.bert.prefix_length == 0
    assert isinstance(make("prefix").bert.layers[0].attention.key, Prefix)


def test_packed_texts_see_the_prefix_each_for_itself():
    packed = make("prefix").bert
    ids = torch.tensor([[2, 5, 3, 2, 6, 7, 3, 0]])
    places = torch.tensor([[1, 1, 1, 2, 2, 2, 2, 0]])
    together = packed(ids, sequence_ids=places).pooler_output
    singles = [packed(part).pooler_output[0] for part in (ids[:, :3], ids[:, 3:7])]
    torch.testing.assert_close(together, torch.stack(singles), rtol=1e-5, atol=1e-6)
