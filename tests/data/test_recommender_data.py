"""What data/recommender ships: models that give the ranks that are stored, figures that follow from these."""

import csv

import numpy as np
import pytest
from safetensors.numpy import load_file
from test_archives import needs

from bertcourse.data.movielens import load_clicks, load_films
from bertcourse.recommend.methods import by_last, by_vectors, item_knn, joined, popularity
from bertcourse.recommend.protocols import gains, hits, leave_one_out, ranks, time_line
from bertlib.files import data_folder
from bertlib.tasks.items import ItemModel

PROTOCOLS = {"last": leave_one_out, "date": time_line}


def rows_of(name):
    with (data_folder("recommender") / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def ranks_of(name):
    rows = rows_of(f"ranks_{name}.csv")
    return {column: np.array([int(row[column]) for row in rows]) for column in rows[0]}


@pytest.fixture(scope="module", params=PROTOCOLS)
def stored(request):
    needs("recbole")
    return request.param, PROTOCOLS[request.param](load_clicks()), ranks_of(request.param)


def test_the_model_predicts_what_is_stored(stored):
    name, split, found = stored
    films, model = load_films(), ItemModel.load(data_folder("recommender") / f"items_{name}")
    assert list(model.items) == [str(film.number) for film in films]
    scores = model.scores([[model.items[film] for film in seen] for seen in split.test.seen])
    again = ranks(scores, split.test)
    assert np.mean(again == found["items-0"]) > 0.97, "rounding may move one by one"
    assert abs(gains(again).mean() - gains(found["items-0"]).mean()) < 0.002
    if name == "last":
        vectors = load_file(data_folder("recommender") / "vectors.safetensors")["tuned"].astype(np.float32)
        meaning = by_vectors(vectors, split.test, 5)
        assert np.mean(ranks(meaning, split.test) == found["text-0"]) > 0.97
        weight = next(
            float(row["weight"])
            for row in rows_of("runs.csv")
            if (row["method"], row["protocol"], row["seed"]) == ("joined", "last", "0")
        )
        assert np.mean(ranks(joined(scores, meaning, weight), split.test) == found["joined-0"]) > 0.95


def test_figures_of_runs_follow_from_ranks(stored):
    name, split, found = stored
    rows = [row for row in rows_of("runs.csv") if row["protocol"] == name]
    assert {(row["method"], int(row["seed"])) for row in rows} >= {
        (method, seed) for method in ("items", "joined") for seed in range(3)
    } | {("text", 0)}
    for row in rows:
        own = found[f"{row['method']}-{row['seed']}"]
        assert own.min() >= 1 and own.max() <= len(load_films()) and len(own) == len(split.test)
        assert gains(own).mean() == pytest.approx(float(row["ndcg@10"]), abs=6e-5)
        assert hits(own).mean() == pytest.approx(float(row["recall@10"]), abs=6e-5)


def test_bert_on_items_is_above_popularity_and_item_knn(stored):
    _, split, found = stored
    films = len(load_films())
    for scores in (
        popularity(split.train, split.test, films),
        by_last(item_knn(split.histories, films), split.test, 10_000),
    ):
        own = gains(ranks(scores, split.test)).mean()
        assert all(gains(found[f"items-{seed}"]).mean() > own for seed in range(3))


def test_it_is_small_and_holds_no_titles():
    folder = data_folder("recommender")
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 4e6
    assert {path.suffix for path in files} == {".safetensors", ".json", ".csv", ".md"}
    for path in files:
        if path.suffix in (".json", ".csv"):
            assert "Toy Story" not in path.read_text(encoding="utf-8")
