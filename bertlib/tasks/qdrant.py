"""Vectors that a Qdrant server compares: beyond the million that `bertlib.data.nearest.Exact` is made for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

PART = 500  # vectors of one message, which a server takes up to 32 MB of


class Qdrant:
    """`Index(embedder, path, vectors=Qdrant(client, "texts"))`: a collection with the vectors of that index alone.

    They are its points, numbered from 0, with the number of their text as payload. What is not in it yet is added at
    the next search; a collection that is lost is filled anew.

    Args:
        client: such as `QdrantClient("http://localhost:6333")` of qdrant-client.
        collection: its name; it is made by the first `add`.
        exact: whether every vector is compared; False asks Qdrant's graph, which may miss some and is faster.
    """

    def __init__(self, client: QdrantClient, collection: str, *, exact: bool = True):
        self.client, self.collection, self.exact = client, collection, exact

    def __len__(self) -> int:
        there = self.client.collection_exists(self.collection)
        return self.client.count(self.collection, exact=True).count if there else 0

    def add(self, texts: Sequence[int], vectors: np.ndarray) -> None:
        from qdrant_client import models

        if len(vectors) and not self.client.collection_exists(self.collection):
            shape = models.VectorParams(size=vectors.shape[1], distance=models.Distance.DOT)
            self.client.create_collection(self.collection, vectors_config=shape)
        first = len(self)
        for start in range(0, len(vectors), PART):
            rows = vectors[start : start + PART].tolist()
            ids = list(range(first + start, first + start + len(rows)))
            payloads = [{"text": int(text)} for text in texts[start : start + PART]]
            points = models.Batch(ids=ids, vectors=rows, payloads=payloads)
            self.client.upsert(self.collection, points=points, wait=True)

    def best(self, vector: np.ndarray, k: int) -> list[tuple[int, float]]:
        from qdrant_client import models

        there, limit, found = len(self), k, {}
        how = models.SearchParams(exact=self.exact)
        while len(found) < min(k, there) and limit < 2 * max(k, there):  # windows of a text stand for it once
            asked = self.client.query_points(self.collection, query=vector.tolist(), limit=limit, search_params=how)
            for point in asked.points:
                found.setdefault(point.payload["text"], point.score)
            limit *= 2
        return sorted(found.items(), key=lambda item: (-item[1], item[0]))[:k]
