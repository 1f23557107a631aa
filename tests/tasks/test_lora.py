"""Every task trains with adapters, by Python and by command; the small folder finds its encoder, or says how."""

import csv
import json
import os

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

from bertlib.__main__ import main
from bertlib.model.adapters import TARGETS, adapters_of, lora_of, merge, trained
from bertlib.model.frozen import FrozenLayers
from bertlib.tasks import classify, match, pretrain, tag
from bertlib.tasks.classify import TextClassifier
from bertlib.tasks.match import PairClassifier
from bertlib.tasks.tag import EntityTagger
from bertlib.train.recipe import RECIPES, PretrainingRecipe, Recipe

SETTINGS = {"epochs": 2, "batch_size": 16, "learning_rate": 1e-2, "max_length": 24, "show_progress": False}
LORA = {"method": "lora", "rank": 4, "alpha": 12.0}
TAGS = ["O", "B-TEAM", "I-TEAM"]


@pytest.fixture(scope="module")
def data(tiny_dataset):
    """The same texts for each task."""
    pairs = DatasetDict(
        {
            name: split.map(lambda row: {"first": row["text"], "second": "the goal"}, remove_columns="text")
            for name, split in tiny_dataset.items()
        }
    )
    rows = [{"tokens": ["the", "goal", "team", "of"], "ner_tags": [0, 1, 2, 0]}, {"tokens": ["bank"], "ner_tags": [0]}]
    features = Features({"tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=TAGS))})
    tags = Dataset.from_list(rows * 8, features=features)
    return {"classify": tiny_dataset, "match": pairs, "tag": DatasetDict(train=tags, validation=tags)}


TASKS = {"classify": (classify, TextClassifier), "match": (match, PairClassifier), "tag": (tag, EntityTagger)}
INPUTS = {"classify": ["the goal", "bank of"], "match": [("goal", "bank"), ("of", "team")], "tag": ["the goal team"]}


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_trained_saved_opened_and_merged(name, data, tiny_folder, tmp_path):
    module, kind = TASKS[name]
    folder = tmp_path / "adapters"
    task = module.fine_tune(data[name], encoder=tiny_folder, checkpoint=folder, **SETTINGS, **LORA)
    lora = lora_of(task.model)
    assert (lora.rank, lora.alpha, lora.encoder, len(adapters_of(task.model))) == (4, 12.0, "tiny", 4)
    there = ["adapter_config.json", "adapter_model.safetensors", "bertlib.json", "run.json"]
    assert sorted(os.listdir(folder)) == there

    again = kind.load(folder, tiny_folder)
    expected = task.predict(INPUTS[name])
    assert again.predict(INPUTS[name]) == expected and again.labels == task.labels
    assert all(getattr(again, setting) == getattr(task, setting) for setting in kind.kept)
    again.save(tmp_path / "copy")
    for file in os.listdir(folder):
        assert (tmp_path / "copy" / file).read_bytes() == (folder / file).read_bytes()

    with pytest.raises(ValueError, match=r"adapters holds adapters alone; give encoder=, the .* 'tiny' is unknown"):
        kind.load(folder)
    with pytest.raises(ValueError, match="encoder 'nowhere' is unknown"):
        kind.load(folder, "nowhere")

    merge(again.model)
    again.save(folder)  # in the adapters' place
    whole = kind.load(folder)
    assert not adapters_of(whole.model) and not (folder / "adapter_config.json").exists()
    one, other = (str(task.predict(INPUTS[name])) for task in (whole, again))
    assert one == other
    scores = [[row["score"] for row in np.ravel(task.predict(INPUTS[name]))] for task in (whole, task)]
    np.testing.assert_allclose(*scores, atol=1e-6)


def test_the_encoder_is_not_moved_and_the_task_is_learned(tiny_dataset, tiny_folder):
    settings = SETTINGS | {"epochs": 12, "learning_rate": 5e-2}
    classifier = classify.fine_tune(tiny_dataset, encoder=tiny_folder, **settings, method="lora", rank=8)
    start = TextClassifier.head.from_pretrained(tiny_folder, labels=("business", "sport")).state_dict()
    learned = set(trained(classifier.model))
    for name, tensor in classifier.model.state_dict().items():
        assert name in learned or torch.equal(tensor, start[name]), name
    assert classifier.evaluate(tiny_dataset["test"])["accuracy"] > 0.8


def test_minilms_folder_is_small_and_finds_minilm(tiny_dataset, tmp_path):
    few = DatasetDict(train=tiny_dataset["train"].select(range(4)))
    classifier = classify.fine_tune(few, epochs=1, max_length=8, method="lora", rank=8, show_progress=False)
    assert sum(p.numel() for p in trained(classifier.model).values()) == 6 * 2 * 2 * 8 * 384 + 2 * 384 + 2
    classifier.save(tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 0.31e6
    assert json.loads((tmp_path / "adapter_config.json").read_text())["base_model_name_or_path"] == "minilm"
    assert TextClassifier.load(tmp_path).predict("a goal") == classifier.predict("a goal")


def test_a_folder_of_another_task_or_encoder(data, tiny_folder, tmp_path):
    folder = tmp_path / "adapters"
    classify.fine_tune(data["classify"], encoder=tiny_folder, checkpoint=folder, **SETTINGS | {"epochs": 1}, **LORA)
    with pytest.raises(
        ValueError, match=r"task_type='SEQ_CLS': a BertForTokenClassification reads .* with 'TOKEN_CLS'"
    ):
        EntityTagger.load(folder, tiny_folder)
    with pytest.raises(ValueError, match=r"do not fit .*Give encoder=, what they were trained on \(tiny\)"):
        TextClassifier.load(folder, "minilm")
    (folder / "bertlib.json").unlink()  # as peft leaves it: names and lengths are the encoder's
    opened = TextClassifier.load(folder, tiny_folder)
    assert (opened.labels, opened.max_length, opened.text) == (("LABEL_0", "LABEL_1"), 40, ("text",))


@pytest.mark.parametrize(
    "settings, message",
    [
        (
            {"method": "qlora"},
            "method='qlora': choose one of 'full', 'last', 'bitfit', 'adapters', 'prefix', 'lora', 'frozen'",
        ),
        ({"method": "lora", "rank": 0}, "rank=0: give a whole number of at least 1"),
        ({"method": "lora", "alpha": 0.0}, r"alpha=0\.0: give a number above 0"),
        ({"rank": 4}, "rank=4: give method='lora' or 'adapters' too"),
        ({"alpha": 4.0}, r"alpha=4\.0: give method='lora' too"),
        ({"targets": "all"}, "targets='all': give method='lora' too"),
        ({"method": "lora", "targets": "query"}, "targets='query': choose one of 'attention', 'all'"),
    ],
)
def test_settings_that_do_not_fit_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**settings)


def test_adapters_beside_every_layer(tiny_dataset, tiny_folder, tmp_path):
    folder = tmp_path / "adapters"
    settings = SETTINGS | LORA | {"targets": "all", "encoder": tiny_folder}
    task = classify.fine_tune(tiny_dataset, checkpoint=folder, **settings)
    linear = [name for name, module in task.model.bert.layers.named_modules() if isinstance(module, torch.nn.Linear)]
    assert len(adapters_of(task.model)) == len(linear)
    told = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))["target_modules"]
    assert sorted(told) == sorted(TARGETS["all"])
    assert TextClassifier.load(folder, tiny_folder).predict(INPUTS["classify"]) == task.predict(INPUTS["classify"])


def test_what_does_not_go_with_adapters(tiny_dataset, tiny_folder):
    for other in ({"frozen": FrozenLayers(1)}, {"pretrained": False}):
        with pytest.raises(ValueError, match="leave out frozen and pretrained=False"):
            classify.fine_tune(tiny_dataset, encoder=tiny_folder, method="lora", **other)
    with pytest.raises(ValueError, match=r"rank=33: .* is 32 × 32; give at most 32"):
        classify.fine_tune(tiny_dataset, encoder=tiny_folder, **SETTINGS, method="lora", rank=33)
    with pytest.raises(ValueError, match="method='lora': pretraining makes an encoder, all of which trains"):
        PretrainingRecipe(method="lora")
    with pytest.raises(ValueError, match="method='lora': pretraining"):
        pretrain.pretrain([], start=tiny_folder, recipe=RECIPES["pretrain"], method="lora")


# ------------------------------------------------------------------------------------------------------- the commands

OPTIONS = ["--method", "lora", "--rank", "4", "--alpha", "12", "--epochs", "1", "--max-length", "24"]


def write_csv(path, columns, split):
    names = split.features["label"].names
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*columns, "label"])
        rows.writerows([*(row[column] for column in columns), names[row["label"]]] for row in split)


@pytest.mark.parametrize("name, columns", [("classify", ["text"]), ("match", ["first", "second"])])
def test_classify_and_match(name, columns, data, tiny_folder, tmp_path, capsys):
    write_csv(tmp_path / "train.csv", columns, data[name]["train"])
    files = ["--train", str(tmp_path / "train.csv"), "--out", str(tmp_path / "out"), "--encoder", str(tiny_folder)]
    assert main([name, *files, *OPTIONS]) == 0
    assert f"saved: {tmp_path / 'out'}" in capsys.readouterr().out
    lora = lora_of(TASKS[name][1].load(tmp_path / "out", tiny_folder).model)
    assert (lora.rank, lora.alpha) == (4, 12)
    assert main([name, *files, "--rank", "4"]) == 2
    assert "error: rank=4: give method='lora' or 'adapters' too" in capsys.readouterr().err


def test_tag_and_the_tagger_used_again(tiny_folder, tmp_path, capsys):
    text = "the\tO\ngoal\tB-TEAM\nteam\tI-TEAM\n\nbank\tO\n\n"
    (tmp_path / "train.conll").write_text(text * 8, encoding="utf-8")
    files = ["--train", str(tmp_path / "train.conll"), "--out", str(tmp_path / "out")]
    assert main(["tag", *files, "--encoder", str(tiny_folder), *OPTIONS]) == 0
    use = ["tag", "--model", str(tmp_path / "out"), "--text", "the goal team"]
    assert main([*use, "--encoder", str(tiny_folder)]) == 0
    capsys.readouterr()
    assert main(use) == 2
    assert "holds adapters alone; give encoder=" in capsys.readouterr().err


def test_pretrain_has_no_such_option(capsys):
    with pytest.raises(SystemExit):
        main(["pretrain", "--corpus", "x", "--out", "y", "--method", "lora"])
    assert "unrecognized arguments: --method lora" in capsys.readouterr().err
