"""Every task trains by every method, by Python and by command; what is frozen is fast; three tasks share an encoder."""

import csv
import time

import numpy as np
import pytest
import torch
from datasets import Dataset, DatasetDict
from test_lora import INPUTS, SETTINGS, TASKS, data  # noqa: F401

from bertlib.__main__ import main
from bertlib.data.encoders import encoder_folder
from bertlib.data.questions import question_rows
from bertlib.files import data_folder
from bertlib.model.adapters import SIZES, Tuning, lora_of, merge, trained
from bertlib.model.frozen import FrozenLayers
from bertlib.model.weights import count_parameters
from bertlib.tasks import answer, classify, embed
from bertlib.tasks.answer import Answerer
from bertlib.tasks.classify import TextClassifier
from bertlib.tasks.embed import Embedder
from bertlib.tasks.shared import load_together
from bertlib.train.recipe import Recipe

SIZED = {"adapters": {"rank": 4}, "prefix": {"prefix_length": 3}, "last": {"top_layers": 1}, "bitfit": {}, "frozen": {}}
SIZED["lora"] = {"rank": 4}


@pytest.mark.parametrize("method", SIZES)
@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_trained_saved_and_opened(name, method, data, tiny_folder, tmp_path):  # noqa: F811
    module, kind = TASKS[name]
    folder = tmp_path / "small"
    settings = SETTINGS | {"method": method, **SIZED[method]}
    task = module.fine_tune(data[name], encoder=tiny_folder, checkpoint=folder, **settings)
    own = lora_of(task.model)
    assert isinstance(own, Tuning) and own.method == method and own.encoder == "tiny" and task.model.bert.frozen is None
    start = kind.head.from_pretrained(tiny_folder, labels=task.labels).state_dict()
    learned = set(trained(task.model))
    for parameter, tensor in task.model.state_dict().items():
        assert parameter in learned or torch.equal(tensor, start[parameter]), parameter
    again = kind.load(folder, tiny_folder)
    expected = task.predict(INPUTS[name])
    assert again.predict(INPUTS[name]) == expected and lora_of(again.model).size == own.size
    if method in ("adapters", "prefix"):
        with pytest.raises(ValueError, match="no plain layer computes the same"):
            merge(again.model)
    else:
        merge(again.model)
        again.save(folder)
        assert kind.load(folder).predict(INPUTS[name]) == expected


@pytest.mark.parametrize("method", SIZES)
def test_answers_and_vectors(method, tiny_folder, tmp_path):
    rows = question_rows(
        [{"question": "the", "context": "the goal", "answers": {"text": ["goal"], "answer_start": [4]}}] * 8
    )
    settings = SETTINGS | {"encoder": tiny_folder, "method": method, **SIZED[method]}
    answerer = answer.fine_tune(DatasetDict(train=rows, validation=rows), **settings)
    answerer.save(tmp_path / "answers")
    again = Answerer.load(tmp_path / "answers", tiny_folder)
    assert again.predict("the", "the goal") == answerer.predict("the", "the goal")
    pairs = Dataset.from_dict({"first": ["the", "good"] * 4, "second": ["goal", "bank"] * 4})
    pairs = DatasetDict(train=pairs, validation=pairs)
    if method == "frozen":
        with pytest.raises(ValueError, match="the model has no head, so nothing would train"):
            embed.fine_tune(pairs, **settings)
        return
    embedder = embed.fine_tune(pairs, **settings)
    embedder.save(tmp_path / "vectors")
    assert np.array_equal(Embedder.load(tmp_path / "vectors", tiny_folder).predict("goal"), embedder.predict("goal"))


@pytest.mark.parametrize("method", SIZED)
def test_each_method_learns(method, tiny_dataset, tiny_folder):
    """On an encoder of random weights, whose [CLS] says little."""
    rate = {"prefix": 3e-1, "frozen": 2e-1, "last": 1e-2}.get(method, 5e-2)
    settings = SETTINGS | {"epochs": 20, "learning_rate": rate, "method": method, **SIZED[method]}
    model = classify.fine_tune(tiny_dataset, encoder=tiny_folder, **settings)
    losses = [row["loss"] for row in model.history.epochs]
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.005, losses


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"rank": 0, "method": "adapters"}, "rank=0: give a whole number of at least 1"),
        ({"prefix_length": 0, "method": "prefix"}, "prefix_length=0: give a whole number of at least 1"),
        ({"top_layers": 0, "method": "last"}, "top_layers=0: give a whole number of at least 1"),
        ({"prefix_length": 4}, "prefix_length=4: give method='prefix' too"),
        ({"top_layers": 3, "method": "lora"}, "top_layers=3: give method='last' too"),
        ({"rank": 4, "method": "bitfit"}, "rank=4: give method='lora' or 'adapters' too"),
        ({"alpha": 4.0, "method": "adapters"}, r"alpha=4\.0: give method='lora' too"),
    ],
)
def test_settings_that_do_not_fit_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**settings)


@pytest.mark.parametrize("method", SIZES)
def test_what_does_not_go_together(method, tiny_dataset, tiny_folder):
    for other in ({"frozen": FrozenLayers(1)}, {"pretrained": False}):
        with pytest.raises(ValueError, match=rf"method='{method}' holds .*: leave out frozen and pretrained=False"):
            classify.fine_tune(tiny_dataset, encoder=tiny_folder, method=method, **other)


@pytest.mark.parametrize("method, size", [("adapters", ["--rank", "33"]), ("last", ["--top-layers", "3"])])
def test_sizes_above_the_encoders(method, size, tiny_dataset, tiny_folder, tmp_path, capsys):
    with (tmp_path / "train.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerows([["text", "label"], *([row["text"], row["label"]] for row in tiny_dataset["train"])])
    train = ["classify", "--train", str(tmp_path / "train.csv"), "--encoder", str(tiny_folder), "--epochs", "1"]
    assert main([*train, "--method", method, *size, "--max-length", "24"]) == 2
    assert "the encoder has" in capsys.readouterr().err
    assert main([*train, "--method", method, "--max-length", "24", "--out", str(tmp_path / "out")]) == 0
    assert lora_of(TextClassifier.load(tmp_path / "out", tiny_folder).model).method == method


# ------------------------------------------------------------------------------------------------------ frozen, fast


def test_features_are_computed_once(tiny_dataset, tiny_folder, monkeypatch):
    """All epochs and the validation texts after each read the encoder's layers once a text."""
    asked, of = [], FrozenLayers.__call__

    def count(self, input_ids, *more):
        before = len(self._made)
        made = of(self, input_ids, *more)
        asked.append((len(input_ids), len(self._made) - before))
        assert made.shape[1] == 1  # [CLS] alone is kept, which is all that the pooler reads
        return made

    monkeypatch.setattr(FrozenLayers, "__call__", count)
    settings = SETTINGS | {"epochs": 6, "method": "frozen"}
    classify.fine_tune(tiny_dataset, encoder=tiny_folder, **settings)
    texts = [*tiny_dataset["train"]["text"], *tiny_dataset["validation"]["text"]]
    assert sum(new for _, new in asked) == len(set(texts)) and sum(rows for rows, _ in asked) == 6 * len(texts)


def test_frozen_features_are_several_times_as_fast_as_full(tiny_dataset):
    """With MiniLM, the caching pass counted; 5 times and more on a quiet machine, see data/tuning."""
    few = DatasetDict(train=tiny_dataset["train"], validation=tiny_dataset["validation"])
    took = {}
    for method in ("full", "frozen"):
        start = time.process_time()
        classify.fine_tune(few, method=method, epochs=3, batch_size=16, max_length=24, show_progress=False)
        took[method] = time.process_time() - start
    assert took["full"] > 2 * took["frozen"]


# ------------------------------------------------------------------------------------------------- one encoder, many

THREE = {
    "sentiment": (TextClassifier, data_folder("sentiment") / "products"),
    "answers": (Answerer, data_folder("answerer")),
    "vectors": (Embedder, data_folder("desk") / "embedder"),
}
ASKED = {
    "sentiment": ("It does what it should.", "Broken after a day."),
    "answers": ("Who wrote it?", "The report was written by Ann Lee in May."),
    "vectors": (["how do I pay", "where is it"],),
}


def test_three_tasks_share_one_encoder():
    together = load_together(THREE, "minilm")
    for name, (kind, folder) in THREE.items():
        asked = [list(ASKED[name])] if name == "sentiment" else ASKED[name]
        one, other = together[name].predict(*asked), kind.load(folder, "minilm").predict(*asked)
        assert np.array_equal(one, other) if name == "vectors" else one == other
    models = [task.model for task in together.values()]
    places = {parameter.data_ptr(): parameter.nbytes for model in models for parameter in model.parameters()}
    encoder = 4 * count_parameters(models[-1].bert)
    own = [sum(p.nbytes for p in trained(model).values()) for model in models]
    pooler = 4 * count_parameters(models[0].bert.pooler)
    assert sum(places.values()) <= encoder + pooler + sum(own)
    assert sum(places.values()) < 1.1 * 4 * count_parameters(models[0])
    words = {model.bert.embeddings.word_embeddings.weight.data_ptr() for model in models}
    assert len(words) == 1 and len({model.bert.layers[0].attention.query.weight.data_ptr() for model in models}) == 1
    assert not any(module.training for model in models for module in model.modules())


def test_what_cannot_be_loaded_together(tiny_dataset, tiny_folder, tmp_path):
    with pytest.raises(ValueError, match="folders is empty"):
        load_together({})
    with pytest.raises(ValueError, match=r"whole: .*model holds no adapters, but perhaps a whole model"):
        load_together({"whole": (TextClassifier, encoder_folder("minilm"))})
    few = DatasetDict(train=tiny_dataset["train"].select(range(8)))
    settings = {"epochs": 1, "max_length": 16, "method": "bitfit", "show_progress": False}
    classify.fine_tune(few, encoder="bbc_bert", **settings).save(tmp_path)
    with pytest.raises(ValueError, match=r"other: its encoder is another, .*bbc_bert: give the folders of one"):
        load_together({"sentiment": THREE["sentiment"], "other": (TextClassifier, tmp_path)})
    with pytest.raises(ValueError, match="do not fit"):
        load_together({"sentiment": THREE["sentiment"], "other": (TextClassifier, tmp_path)}, "minilm")
    assert load_together({"alone": (TextClassifier, tmp_path)})["alone"].predict("goal")


def test_a_method_that_trained_biases_keeps_its_own(tiny_dataset, tmp_path):
    few = DatasetDict(train=tiny_dataset["train"].select(range(8)))
    settings = {"epochs": 1, "max_length": 16, "show_progress": False}
    folders = {}
    for method in ("bitfit", "last", "prefix", "adapters"):
        model = classify.fine_tune(few, method=method, **settings)
        model.save(tmp_path / method)
        folders[method] = (TextClassifier, tmp_path / method)
    together = load_together(folders)
    for name, (kind, folder) in folders.items():
        assert together[name].predict("a goal") == kind.load(folder).predict("a goal"), name
