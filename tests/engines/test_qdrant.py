"""An index whose vectors Qdrant compares: its engine in this process, and its client's own stand-in for a server."""

import numpy as np
import pytest
import torch

from bertlib.data.nearest import Exact
from bertlib.model.heads import BertForEmbedding
from bertlib.tasks.embed import Embedder
from bertlib.tasks.qdrant import PART, Qdrant
from bertlib.tasks.search import MODES, Index

pytestmark = pytest.mark.engine
TEXTS = ["the goal of the match", "a bank and its market", "goal after goal", "the coach and the team", "zebra " * 60]


@pytest.fixture(params=["engine", "client"])
def client(request, tmp_path):
    if request.param == "engine":
        from engines.edge import EdgeClient

        return EdgeClient(tmp_path / "shard")
    from qdrant_client import QdrantClient

    return QdrantClient(":memory:")


@pytest.fixture
def embedder(tiny_config, tokenizer):
    torch.manual_seed(0)
    model = BertForEmbedding(tiny_config)
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    return Embedder(model, tokenizer, 12)


def unit(rng, count, size=32):
    vectors = rng.normal(size=(count, size)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def same(ours, expected):
    assert [text for text, _ in ours] == [text for text, _ in expected]
    np.testing.assert_allclose([score for _, score in ours], [score for _, score in expected], rtol=0, atol=1e-5)


@pytest.mark.parametrize("windows", [False, True])
def test_it_finds_what_comparing_all_finds(client, windows):
    rng = np.random.default_rng(0)
    count = PART + 700
    owners = np.sort(rng.integers(0, 150, size=count)) if windows else np.arange(count)
    vectors, ours, exact = unit(rng, count), Qdrant(client, "texts"), Exact()
    assert len(ours) == 0 and ours.best(vectors[0], 3) == []
    for part in (slice(0, 5), slice(5, 5), slice(5, None)):
        for one in (ours, exact):
            one.add(owners[part], vectors[part])
    assert len(ours) == count
    for query in unit(rng, 5):
        for k in (1, 10, 200, 5000):
            same(ours.best(query, k), exact.best(query, k))
    found = ours.best(vectors[3], 1)
    assert type(found[0][0]) is int and type(found[0][1]) is float and found[0][1] == pytest.approx(1, abs=1e-5)


def test_one_text_of_many_windows_does_not_hide_the_others(client):
    near = np.tile(np.eye(4, dtype=np.float32)[:1], (300, 1))
    ours = Qdrant(client, "texts")
    ours.add([0] * 300 + [1, 2], np.concatenate([near, np.eye(4, dtype=np.float32)[1:3]]))
    assert [text for text, _ in ours.best(np.array([0.9, 0.4, 0.1, 0], dtype=np.float32), 3)] == [0, 1, 2]


def test_an_index_with_it_is_one_without(client, embedder, tmp_path):
    path, ours = tmp_path / "texts.db", Qdrant(client, "texts")
    with Index(embedder, path, vectors=ours) as index, Index(embedder) as plain:
        for one in (index, plain):
            assert one.search("goal") == []
            one.add(TEXTS)
        for mode in MODES:
            for query in ("goal", "the market", "zebra"):
                for row, expected in zip(index.search(query, 5, mode), plain.search(query, 5, mode), strict=True):
                    assert row["id"] == expected["id"] and row["score"] == pytest.approx(expected["score"], abs=1e-5)
        assert len(ours) == len(plain.vectors) > len(TEXTS)
        index.add("later")
        assert index.search("later", 1)[0]["text"] == "later"
    with Index.load(path, embedder, vectors=Qdrant(client, "texts")) as again:  # nothing is added twice
        assert again.search("later", 1, "meaning")[0]["text"] == "later" and len(again.vectors) == len(ours)


def test_a_collection_of_another_index_is_refused(client, embedder):
    ours = Qdrant(client, "texts")
    ours.add(range(9), unit(np.random.default_rng(0), 9))
    with Index(embedder, vectors=ours) as index:
        index.add(TEXTS[:2])
        with pytest.raises(ValueError, match="the engine holds 9 vectors, the index 2: give one of its own"):
            index.search("goal")


def test_the_graph_misses_some_and_exactness_none(tmp_path):
    from engines.edge import EdgeClient

    rng, client = np.random.default_rng(0), EdgeClient(tmp_path / "shard", graph=True)
    vectors, exact, ours = unit(rng, 6000), Exact(), Qdrant(client, "texts")
    for one in (exact, ours):
        one.add(np.arange(6000), vectors)
    client.shard.optimize()
    assert client.shard.info().indexed_vectors_count > 3000
    graph, met = Qdrant(client, "texts", exact=False), 0
    for query in unit(rng, 50):
        expected = exact.best(query, 10)
        same(ours.best(query, 10), expected)
        met += len({text for text, _ in expected} & {text for text, _ in graph.best(query, 10)})
    assert 250 < met < 500
