"""The full profile's data and encoder through the real clients; `make full-rehearsal` runs its lessons."""

import pytest
from small_hub import STANDIN, answer, needs_small_hub, run, serve, stand_ins

from bertlib.data.catalog import load
from bertlib.data.encoders import encoder_folder
from bertlib.data.from_hub import wikitext_articles
from bertlib.model.weights import read_tensors

pytestmark = needs_small_hub

PROGRAM = """
import json
from bertcourse.profile import start_lesson
profile = start_lesson()
from bertlib.tasks.classify import fine_tune
from bertlib.data.encoders import encoder_folder; from bertlib.model.weights import read_tensors
sets = {name: profile.load(name) for name in ("news", "corpus", "entities")}
told = {name: {split: rows[:] for split, rows in dataset.items()} for name, dataset in sets.items()}
told["tags"] = sets["entities"]["train"].features["ner_tags"].feature.names
folder = encoder_folder(profile.encoder)
told["folder"] = str(folder)
told["weights"] = {name: float(tensor.double().sum()) for name, tensor in read_tensors(folder).items()}
from datasets import DatasetDict
few = DatasetDict({split: rows.select(range(8)) for split, rows in sets["news"].items()})
settings = {"encoder": profile.encoder, "learning_rate": profile.learning_rate, "max_length": 16}
classifier = fine_tune(few, epochs=1, batch_size=4, show_progress=False, **settings)
told["layers"], told["updates"] = classifier.model.config.num_hidden_layers, len(classifier.history.updates)
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("full")
    settings = {"BERT_COURSE_PROFILE": "full", "BERT_COURSE_ENCODER": STANDIN, "BERT_COURSE_REHEARSAL": "40"}
    with serve(folder, *stand_ins(folder)) as endpoint:
        return answer(run(PROGRAM, endpoint, folder / "home", OMP_NUM_THREADS="1", **settings))


def test_each_set_is_the_full_profiles_and_cut_to_the_rehearsals_rows(told):
    for name, columns in (
        ("news", {"text", "label"}),
        ("corpus", {"title", "text"}),
        ("entities", {"text", "tokens", "starts", "ner_tags", "entities"}),
    ):
        assert set(told[name]) == {"train", "validation", "test"}
        for rows in told[name].values():
            assert set(rows) == columns
            assert len(rows["text"]) == 40


def test_wikitext_becomes_articles_again(told):
    articles = load("bbc_news")["train"].select(range(40))
    assert told["corpus"]["train"]["title"] == articles["title"][:]
    for found, text in zip(told["corpus"]["train"]["text"], articles["text"], strict=True):
        assert ["".join(part.split()) for part in found.split("\n")] == ["".join(p.split()) for p in text.split("\n")]
        assert " ," not in found
    assert [row["title"] for row in wikitext_articles([" = A = \n", " b \n"])] == ["A"]


def test_conll_keeps_tokens_and_tags(told):
    rows = load("bbc_entities")["test"].select(range(40))
    assert told["entities"]["test"]["tokens"] == rows["tokens"][:]
    assert told["entities"]["test"]["ner_tags"] == rows["ner_tags"][:]
    assert told["tags"] == rows.features["ner_tags"].feature.names


def test_the_other_encoder_is_fetched_from_the_hub_and_fine_tuned(told):
    repo, _, revision = STANDIN.partition("@")
    assert revision in told["folder"] and repo.replace("/", "--") in told["folder"]
    sums = {name: float(tensor.double().sum()) for name, tensor in read_tensors(encoder_folder("minilm")).items()}
    assert told["weights"] == sums
    assert (told["layers"], told["updates"]) == (6, 2)
