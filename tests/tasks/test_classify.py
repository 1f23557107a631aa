import json
import shutil
from collections import namedtuple

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from bertlib import BertForSequenceClassification
from bertlib.data.columns import class_names, labels_of, text_columns, texts_of
from bertlib.metrics import classification_scores
from bertlib.tasks import task
from bertlib.tasks.classify import TextClassifier, fine_tune
from bertlib.train.history import History

SETTINGS = {"epochs": 8, "learning_rate": 4e-3, "batch_size": 8, "max_length": 24, "precision": "fp32"}
SETTINGS |= {"show_progress": False}


def labelled(labels, names=("business", "sport"), texts=None):
    features = Features({"text": Value("string"), "label": ClassLabel(names=list(names))})
    return Dataset.from_dict({"text": texts or ["goal"] * len(labels), "label": list(labels)}, features=features)


@pytest.fixture(scope="module")
def trained(tiny_folder, tiny_dataset, tmp_path_factory):
    """One fine-tuned classifier and the checkpoint that was written along the way."""
    checkpoint = tmp_path_factory.mktemp("checkpoint") / "best"
    return fine_tune(tiny_dataset, encoder=tiny_folder, checkpoint=checkpoint, **SETTINGS), checkpoint


# ------------------------------------------------------------------------------------------------------ fine_tune


def test_fine_tuning_learns(trained, tiny_dataset):
    classifier, _ = trained
    assert classifier.labels == ("business", "sport")
    assert classifier.evaluate(tiny_dataset["train"])["accuracy"] > 0.95
    assert classifier.evaluate(tiny_dataset["test"])["accuracy"] > 0.9
    assert [answer["label"] for answer in classifier.predict(["the good goal", "bad profit of the bank"])] == [
        "sport",
        "business",
    ]


def test_best_epoch_is_the_one_with_the_best_validation_accuracy(trained, tiny_dataset):
    classifier, _ = trained
    accuracies = [row["validation_accuracy"] for row in classifier.history.epochs]
    assert len(accuracies) == SETTINGS["epochs"]
    assert classifier.history.best_epoch == 1 + int(np.argmax(accuracies))
    assert classifier.evaluate(tiny_dataset["validation"])["accuracy"] == max(accuracies)
    assert {"validation_macro_f1", "validation_loss"} <= classifier.history.epochs[0].keys()


def test_checkpoint_holds_the_best_model(trained, tiny_dataset):
    classifier, checkpoint = trained
    texts = tiny_dataset["test"]["text"]
    loaded = TextClassifier.load(checkpoint)
    np.testing.assert_array_equal(loaded.probabilities(texts), classifier.probabilities(texts))
    assert [path.name for path in checkpoint.parent.iterdir()] == ["best"]


def test_seed_decides_on_everything(tiny_folder, tiny_dataset):
    def probabilities(seed):
        settings = SETTINGS | {"epochs": 1, "seed": seed}
        return fine_tune(tiny_dataset, encoder=tiny_folder, **settings).probabilities(["goal", "bank of the"])

    np.testing.assert_array_equal(probabilities(0), probabilities(0))
    assert not np.array_equal(probabilities(0), probabilities(1))


def test_pretrained_false_starts_from_other_weights_of_the_same_shape(tiny_folder, tiny_dataset):
    def embeddings(pretrained):
        settings = SETTINGS | {"epochs": 1, "learning_rate": 1e-12}
        model = fine_tune(tiny_dataset, encoder=tiny_folder, pretrained=pretrained, **settings).model
        return model.bert.embeddings.word_embeddings.weight

    from bertlib import BertModel

    stored = BertModel.from_pretrained(tiny_folder).embeddings.word_embeddings.weight
    torch.testing.assert_close(embeddings(True), stored)
    assert embeddings(False).shape == stored.shape
    assert not torch.allclose(embeddings(False), stored, atol=1e-3)


def test_without_validation_the_last_epoch_is_kept(tiny_folder, tiny_dataset):
    only_train = DatasetDict(train=tiny_dataset["train"])
    classifier = fine_tune(only_train, encoder=tiny_folder, **SETTINGS | {"epochs": 2})
    assert classifier.history.best_epoch == 2
    assert "validation_accuracy" not in classifier.history.epochs[0]


def test_max_length_is_held_to_the_position_table(tiny_folder, tiny_dataset):
    classifier = fine_tune(tiny_dataset, encoder=tiny_folder, **SETTINGS | {"epochs": 1, "max_length": 512})
    assert classifier.max_length == 40
    assert classifier.predict("goal " * 100)["label"] in classifier.labels


def test_every_example_is_trained_on_once_an_epoch(tiny_folder, tiny_dataset, monkeypatch):
    seen = []

    def spy(model, make_batches, recipe, **objects):
        for epoch in range(2):
            ids = [row for batch in make_batches(epoch) for row in batch["input_ids"].tolist()]
            labels = [label for batch in make_batches(epoch) for label in batch["labels"].tolist()]
            seen.append(
                [(tuple(token for token in row if token), label) for row, label in zip(ids, labels, strict=True)]
            )
        return History(epochs=[{"epoch": 1}], best_epoch=1)

    monkeypatch.setattr(task, "train", spy)
    classifier = fine_tune(tiny_dataset, encoder=tiny_folder, **SETTINGS)
    train = tiny_dataset["train"]
    expected = [
        (tuple(classifier.tokenizer.encode(text).ids[:24]), label)
        for text, label in zip(train["text"], train["label"], strict=True)
    ]
    assert sorted(seen[0]) == sorted(seen[1]) == sorted(expected)
    assert seen[0] != seen[1]


# ------------------------------------------------------------------------------------------- predict and evaluate


def test_predictions_come_in_the_order_of_the_texts(trained, tiny_dataset):
    classifier, _ = trained
    texts = tiny_dataset["test"]["text"]
    together = classifier.probabilities(texts, batch_size=5)
    alone = np.concatenate([classifier.probabilities([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert together.shape == (24, 2)
    assert together.dtype == np.float32
    np.testing.assert_allclose(together.sum(1), 1, atol=1e-6)


def test_one_text_gives_one_result_and_a_list_a_list(trained):
    classifier, _ = trained
    single = classifier.predict("goal")
    assert single.keys() == {"label", "score"}
    assert classifier.predict(["goal"]) == [single]
    assert classifier.predict(["goal", "bank"], batch_size=1, precision="fp32", show_progress=False)[0] == single


def test_bf16_predictions_stay_near(trained, tiny_dataset):
    classifier, _ = trained
    texts = tiny_dataset["test"]["text"]
    np.testing.assert_allclose(
        classifier.probabilities(texts, precision="bf16"), classifier.probabilities(texts), atol=0.05
    )


def test_prediction_leaves_the_model_without_gradients(trained):
    classifier, _ = trained
    for parameter in classifier.model.parameters():
        parameter.grad = None
    classifier.predict(["goal"])
    assert all(parameter.grad is None for parameter in classifier.model.parameters())
    assert not classifier.model.training


def test_evaluation_agrees_with_the_predictions(trained, tiny_dataset):
    classifier, _ = trained
    test = tiny_dataset["test"]
    answers = [answer["label"] for answer in classifier.predict(test["text"])]
    gold = [classifier.labels[label] for label in test["label"]]
    hits = sum(answer == label for answer, label in zip(answers, gold, strict=True))
    assert classifier.evaluate(test)["accuracy"] == pytest.approx(hits / 24)


def test_scores_by_hand():
    probabilities = np.array([[0.8, 0.2], [0.6, 0.4], [0.3, 0.7], [0.9, 0.1]], dtype=np.float32)
    scores = classification_scores(probabilities, np.array([0, 1, 1, 0]))
    assert scores["accuracy"] == 0.75
    assert scores["macro_f1"] == pytest.approx((2 * 2 / 5 + 2 / 3) / 2)
    assert scores["loss"] == pytest.approx(-np.log([0.8, 0.4, 0.7, 0.9]).mean())


def test_score_of_an_impossible_class_stays_finite():
    assert np.isfinite(classification_scores(np.array([[1.0, 0.0]], dtype=np.float32), np.array([1]))["loss"])


@pytest.mark.parametrize("texts", [[], ["goal", ""], "", [None]])
def test_texts_that_cannot_be_classified(trained, texts):
    classifier, _ = trained
    with pytest.raises(ValueError, match="text"):
        classifier.predict(texts)


# --------------------------------------------------------------------------------------------------- save and load


def test_save_and_load(trained, tmp_path, tiny_dataset):
    classifier, _ = trained
    classifier.save(tmp_path / "saved")
    loaded = TextClassifier.load(tmp_path / "saved")
    assert (loaded.labels, loaded.max_length, loaded.text) == (classifier.labels, 24, ("text",))
    assert loaded.history is None
    texts = tiny_dataset["test"]["text"]
    assert loaded.predict(texts) == classifier.predict(texts)
    assert loaded.evaluate(tiny_dataset["test"]) == classifier.evaluate(tiny_dataset["test"])


def test_overwriting_keeps_foreign_files(trained, tmp_path):
    classifier, _ = trained
    classifier.save(tmp_path / "saved")
    (tmp_path / "saved" / "README.md").write_text("我的", encoding="utf-8")
    (tmp_path / "saved" / "tokenizer_config.json").write_text("{}", encoding="utf-8")
    classifier.save(tmp_path / "saved")
    assert (tmp_path / "saved" / "README.md").read_text(encoding="utf-8") == "我的"
    settings = json.loads((tmp_path / "saved" / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert settings["model_max_length"] == 24
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]


def test_no_room_for_the_checkpoint(tiny_folder, tiny_dataset, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")(1, 1, 0)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(OSError, match=r"best: .* MiB are free; make room or choose another folder"):
        fine_tune(tiny_dataset, encoder=tiny_folder, checkpoint=tmp_path / "best", **SETTINGS | {"epochs": 1})
    assert list(tmp_path.iterdir()) == []


def test_load_of_an_encoders_folder_and_of_none(tiny_folder, tmp_path):
    with pytest.raises(ValueError, match="has no classes: a classifier needs at least two class names"):
        TextClassifier.load(tiny_folder)
    with pytest.raises(
        FileNotFoundError, match=r"config\.json: no such file; give the folder that save_pretrained or save wrote"
    ):
        TextClassifier.load(tmp_path / "nowhere")


def test_load_of_a_folder_without_a_head(trained, tmp_path):
    classifier, _ = trained
    classifier.save(tmp_path / "m")
    config = (tmp_path / "m" / "config.json").read_text(encoding="utf-8")
    classifier.model.bert.save_pretrained(tmp_path / "m")
    (tmp_path / "m" / "config.json").write_text(config, encoding="utf-8")
    with pytest.raises(ValueError, match=r"no classification head \(classifier\.bias is missing\): fine-tune"):
        TextClassifier.load(tmp_path / "m")


def test_load_of_a_folder_with_other_settings(tiny_classifier_config, tokenizer, tmp_path):
    TextClassifier(BertForSequenceClassification(tiny_classifier_config), tokenizer, 20).save(tmp_path)
    (tmp_path / "bertlib.json").write_text('{"max_length": 20, "context": false}', encoding="utf-8")
    with pytest.raises(ValueError, match="lacks text; give a folder that"):
        TextClassifier.load(tmp_path)


# -------------------------------------------------------------------------------------------------------- the data


def test_columns_by_default_and_by_name():
    news = Dataset.from_dict({"title": ["T"], "text": ["body"], "other": ["o"]})
    assert text_columns(news) == ("title", "text")
    assert text_columns(news.remove_columns("title")) == ("text",)
    assert text_columns(news, "other") == ("other",)
    assert text_columns(news, ["other", "title"]) == ("other", "title")
    assert texts_of(news, ("title", "text")) == ["T\nbody"]


def test_absent_column():
    with pytest.raises(ValueError, match="text='body' is no column of the data; it has text, label"):
        text_columns(labelled([0, 1]), "body")


@pytest.mark.parametrize("bad", [-1, 2])
def test_label_out_of_range(bad):
    split = Dataset.from_dict({"text": ["a", "b", "c"], "label": [0, 1, bad]})
    with pytest.raises(ValueError, match=f"label of row 2 is {bad}, outside 0 … 1 .x, y.: remove"):
        labels_of(split, ("x", "y"))


@pytest.mark.parametrize(
    "labels, shown", [(["x", "y"], "row 0 is 'x'"), ([0, None], "row 1 is None"), ([0.7], "row 0 is 0.7")]
)
def test_labels_that_are_no_ids(labels, shown):
    split = Dataset.from_dict({"text": ["a"] * len(labels), "label": labels})
    with pytest.raises(ValueError, match=f"label of {shown}, no id: remove"):
        labels_of(split, ("x", "y"))


def test_texts_that_are_no_strings():
    split = Dataset.from_dict({"title": ["T", "U"], "text": ["body", None]})
    with pytest.raises(ValueError, match="row 1 of column 'text' is None: give strings"):
        texts_of(split, ("title", "text"))


def test_a_single_split_is_no_data_set(tiny_folder):
    with pytest.raises(ValueError, match="dataset is a Dataset: give a DatasetDict"):
        fine_tune(labelled([0, 1]), encoder=tiny_folder, **SETTINGS)


def test_no_label_column():
    with pytest.raises(ValueError, match="no column 'label'; it has text"):
        labels_of(Dataset.from_dict({"text": ["a"]}), ("x", "y"))


@pytest.mark.parametrize("names", [("sport", "business"), ("business", "sport", "tech"), ("a", "b")])
def test_classes_of_another_name_or_order_are_not_mixed_up(trained, names):
    classifier, _ = trained
    with pytest.raises(ValueError, match=f"are {', '.join(names)}, the expected ones business, sport: cast"):
        classifier.evaluate(labelled([0, 1], names))


def test_class_names():
    assert class_names(labelled([0, 1])) == ("business", "sport")
    with pytest.raises(ValueError, match=r"must be a datasets\.ClassLabel: use dataset\.class_encode_column"):
        class_names(Dataset.from_dict({"text": ["a"], "label": [0]}))
    with pytest.raises(ValueError, match="at least two"):
        class_names(labelled([0], names=("alone",)))


@pytest.mark.parametrize(
    "splits, message",
    [
        ({}, r"needs a split 'train', it has \[\]"),
        ({"test": labelled([0, 1])}, r"it has \['test'\]"),
        ({"train": labelled([])}, "no examples to train on"),
        ({"train": labelled([1, 1])}, "every training example is labelled 'sport': add"),
        ({"train": labelled([0, -1])}, "label of row 1 is -1"),
        ({"train": labelled([0, 1], texts=["goal", " "])}, r"texts\[1\] is ' '"),
        ({"train": labelled([0, 1]), "validation": labelled([])}, "'validation' is empty: add"),
        ({"train": labelled([0, 1]), "validation": labelled([0, -1])}, "label of row 1 is -1"),
        ({"train": labelled([0, 1]), "validation": labelled([0], names=("sport", "business"))}, "are sport, business"),
    ],
)
def test_data_that_cannot_be_trained_on_is_refused_before_training(tiny_folder, splits, message, monkeypatch):
    monkeypatch.setattr("bertlib.tasks.task.train", lambda *args, **settings: pytest.fail("training began"))
    with pytest.raises(ValueError, match=message):
        fine_tune(DatasetDict(splits), encoder=tiny_folder, **SETTINGS)


@pytest.mark.parametrize("name, value", [("batch_size", 0), ("max_length", 2), ("epochs", 0), ("learning_rate", 0)])
def test_settings_out_of_range(tiny_folder, tiny_dataset, name, value):
    with pytest.raises(ValueError, match=f"{name}={value}: give"):
        fine_tune(tiny_dataset, encoder=tiny_folder, **SETTINGS | {name: value})


def test_unknown_encoder_folder(tiny_dataset, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        fine_tune(tiny_dataset, encoder=tmp_path, **SETTINGS)


def test_classifier_is_put_into_evaluation_mode(tiny_classifier_config, tokenizer):
    assert not TextClassifier(BertForSequenceClassification(tiny_classifier_config), tokenizer, 20).model.training


@pytest.mark.parametrize("batch_size", [2.0, "8", None])
def test_a_batch_size_is_a_whole_number(trained, batch_size):
    classifier, _ = trained
    with pytest.raises(ValueError, match=f"batch_size={batch_size!r}: give a whole number"):
        classifier.predict(["a good match"], batch_size=batch_size)
    assert classifier.predict("a good match", batch_size=np.int64(2)) == classifier.predict("a good match")


def test_predict_takes_what_every_task_takes(trained):
    """The kinds themselves are tried in test_tag.py; here: that it is the same door."""
    classifier, _ = trained
    expected = classifier.predict(["the goal", "a bank"])
    assert classifier.predict(text for text in ("the goal", "a bank")) == expected
    assert classifier.predict(np.array(["the goal", "a bank"])) == expected
    assert classifier.predict(np.str_("the goal")) == expected[0]
    assert np.array_equal(classifier.probabilities("the goal"), classifier.probabilities(["the goal"]))
    for given, message in (
        ({"text": "the goal"}, r"texts is dict"),
        (None, r"texts is NoneType None: give a text or a list of them"),
        (["the goal", b"a bank"], r"texts\[1\] is bytes b'a bank': give strings"),
        (["the goal", "bank \ud83d"], r"texts\[1\]: character 5 is half a character \('\\ud83d'"),
    ):
        for asked in (classifier.predict, classifier.probabilities):
            with pytest.raises(ValueError, match=f"^{message}"):
                asked(given)


def test_opens_a_folder_of_transformers(tiny_folder, tmp_path):
    import transformers

    config = transformers.BertConfig.from_pretrained(tiny_folder, id2label={0: "no", 1: "yes"})
    model = transformers.BertForSequenceClassification(config).eval()
    model.save_pretrained(tmp_path)
    shutil.copy(tiny_folder / "vocab.txt", tmp_path)
    classifier = TextClassifier.load(tmp_path)
    assert (classifier.labels, classifier.max_length, classifier.text) == (("no", "yes"), 40, ("text",))
    ids = torch.tensor([classifier.tokenizer.encode("the goal").ids])
    expected = model(ids).logits.softmax(-1).max().item()
    assert classifier.predict("the goal")["score"] == pytest.approx(expected, abs=1e-6)
