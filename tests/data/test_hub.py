"""The hub's data and weights, through the real client libraries, from a small hub on this machine.

Each case runs in a process of its own, because huggingface_hub reads its environment (HF_ENDPOINT, HF_HOME,
HF_HUB_OFFLINE) when it is imported. What can go wrong is in test_bad_days.py.
"""

from collections import Counter

import pytest
from small_hub import NO_WAITING, answer, needs_small_hub, run, serve

from bertlib.data.from_hub import AG_NEWS_REPO, AG_NEWS_REVISION

pytestmark = needs_small_hub

# Says in JSON what a data set holds, or the error that loading it ended with.
TELL = """
import json
from bertlib.data.from_hub import from_hub; from bertlib.data.catalog import load

def tell(load, *arguments):
    try:
        dataset = load(*arguments)
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error)}
    return {
        name: {"columns": split.column_names, "classes": split.features["label"].names, **split.to_dict()}
        for name, split in dataset.items()
    }
"""
TELL_AG_NEWS = TELL + 'print(json.dumps(tell(load, "ag_news")))'


@pytest.fixture(scope="module")
def ag_news(tmp_path_factory):
    """AG News as `load` gives it, as the hub publishes it, and the cache that is left when the hub has gone."""
    folder = tmp_path_factory.mktemp("hub")
    program = (
        f"{TELL}print(json.dumps([tell(load, 'ag_news'), tell(from_hub, {AG_NEWS_REPO!r}, {AG_NEWS_REVISION!r})]))"
    )
    with serve(folder) as endpoint:
        ours, published = answer(run(program, endpoint, folder / "home"))
    return {"ours": ours, "published": published, "endpoint": endpoint, "home": folder / "home"}


def test_ag_news_splits_columns_classes_and_sizes(ag_news):
    assert set(ag_news["ours"]) == {"train", "validation", "test"}
    for split in ag_news["ours"].values():
        assert split["columns"] == ["text", "label"]
        assert split["classes"] == ["World", "Sports", "Business", "Sci/Tech"]
        assert all(text.strip() for text in split["text"])
    sizes = {name: len(split["text"]) for name, split in ag_news["ours"].items()}
    assert sizes == {"train": 4560, "validation": 240, "test": 1200}  # of the small hub's sample


def test_ag_news_validation_is_a_stratified_part_of_train_and_test_is_untouched(ag_news):
    ours, published = ag_news["ours"], ag_news["published"]
    assert ours["test"] == published["test"]
    assert sorted(ours["train"]["text"] + ours["validation"]["text"]) == sorted(published["train"]["text"])
    counts = Counter(published["train"]["label"])
    for label, count in Counter(ours["validation"]["label"]).items():
        assert abs(count - 0.05 * counts[label]) <= 1


def test_ag_news_is_read_from_the_cache_when_the_hub_has_gone(ag_news):
    done = run(TELL_AG_NEWS, ag_news["endpoint"], ag_news["home"], HF_HUB_OFFLINE="1")
    assert answer(done) == ag_news["ours"]


def test_ag_news_is_read_from_the_cache_without_saying_so(ag_news):
    """The same without HF_HUB_OFFLINE: the client tries in vain for half a minute (not here), then takes its cache."""
    assert answer(run(NO_WAITING + TELL_AG_NEWS, ag_news["endpoint"], ag_news["home"])) == ag_news["ours"]


def test_offline_without_a_cache_is_a_connection_error_with_a_remedy(tmp_path):
    program = """
from bertlib.data.encoders import encoder_folder
try:
    encoder_folder("bert-base-uncased")
except ConnectionError as error:
    print(json.dumps([tell(load, "ag_news"), str(error)]))
"""
    told, weights = answer(run(TELL + program, "http://127.0.0.1:9", tmp_path / "home", HF_HUB_OFFLINE="1"))
    assert told["error"] == "ConnectionError"
    assert "HF_HUB_OFFLINE if you set" in told["message"]
    assert "google-bert/bert-base-uncased at revision 86b5e09 could not be loaded from the hub" in weights
    assert "use 'minilm', which needs none" in weights


def test_fine_tuning_on_ag_news_from_the_hub(ag_news):
    program = """
import json
from datasets import DatasetDict
from bertlib.tasks.classify import fine_tune
from bertlib.data.catalog import load

dataset = load("ag_news")
small = DatasetDict({name: dataset[name].select(range(size)) for name, size in (("train", 192), ("test", 120))})
classifier = fine_tune(small, epochs=1, learning_rate=3e-4, batch_size=16, max_length=40, show_progress=False)
print(json.dumps(classifier.evaluate(small["test"]) | {"labels": classifier.labels}))
"""
    # One thread: two on a busy machine wait for each other and take many times as long.
    settings = {"HF_HUB_OFFLINE": "1", "BERT_COURSE_PROFILE": "mini", "OMP_NUM_THREADS": "1"}
    scores = answer(run(program, ag_news["endpoint"], ag_news["home"], **settings))
    assert scores["labels"] == ["World", "Sports", "Business", "Sci/Tech"]
    assert scores["accuracy"] > 0.6  # measured 0.80; chance is 0.25


def test_an_encoder_without_weights_is_refused_by_name(tmp_path):
    """The small hub has BERT's tokenizer and config, no weights."""
    program = """
import json
from bertlib.data.encoders import encoder_folder

try:
    encoder_folder("bert-base-uncased")
except FileNotFoundError as error:
    print(json.dumps(str(error)))
"""
    with serve(tmp_path) as endpoint:
        message = answer(run(program, endpoint, tmp_path / "home"))
    assert message.startswith("google-bert/bert-base-uncased at revision 86b5e09: model.safetensors is not there.")
    assert "try again with the network" in message


def test_named_entities_of_the_hub(tmp_path):
    program = """
import json
from bertlib.data.catalog import load
told = {}
for name in ("universal_ner", "wnut_17"):
    for split, rows in load(name).items():
        names = rows.features["ner_tags"].feature.names
        told[f"{name} {split}"] = [len(rows), names, rows.column_names, rows.to_dict()]
print(json.dumps(told))
"""
    with serve(tmp_path) as endpoint:
        told = answer(run(program, endpoint, tmp_path / "home"))
    sizes = {name: row[0] for name, row in told.items()}
    assert sizes == {
        "universal_ner train": 1700,
        "universal_ner validation": 301,
        "universal_ner test": 500,
        "wnut_17 train": 3394,
        "wnut_17 validation": 1009,
    }
    assert told["universal_ner test"][1] == ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]
    entities = 0
    for _, names, columns, rows in told.values():
        assert columns == ["text", "tokens", "starts", "ner_tags", "entities"]
        for text, tokens, starts, tags, found in zip(*(rows[column] for column in columns), strict=True):
            assert [text[start : start + len(token)] for start, token in zip(starts, tokens, strict=True)] == tokens
            assert len(found) == sum(names[tag].startswith("B-") for tag in tags)
            assert all(entity["start"] in starts for entity in found)
            entities += len(found)
    assert entities > 3000
    # The text of Universal NER is the one that was written, not tokens with spaces between them.
    assert "But I did find this website, www.igourmet.com, where" in " ".join(told["universal_ner train"][3]["text"])
