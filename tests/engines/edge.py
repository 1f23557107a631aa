"""Qdrant's own engine in this process (Qdrant Edge), with the five methods of a client that `Qdrant` calls."""

from types import SimpleNamespace

import qdrant_edge as edge


class EdgeClient:
    def __init__(self, folder, graph=False):
        self.folder, self.graph, self.shard = str(folder), graph, None

    def collection_exists(self, name):
        return self.shard is not None

    def create_collection(self, name, vectors_config):
        assert vectors_config.distance == "Dot"
        shape = edge.EdgeVectorParams(size=vectors_config.size, distance=edge.Distance.Dot)
        config = {"vectors": shape}
        if self.graph:  # from the first vector on, and a poor one, so that it misses some
            config["optimizers"] = edge.EdgeOptimizersConfig(indexing_threshold=1)
            config["hnsw_config"] = edge.HnswIndexConfig(m=8, ef_construct=32, full_scan_threshold=1)
        self.shard = edge.EdgeShard.create(self.folder, edge.EdgeConfig(**config))

    def count(self, name, exact):
        return SimpleNamespace(count=self.shard.count(edge.CountRequest(exact=exact)))

    def upsert(self, name, points, wait):
        rows = zip(points.ids, points.vectors, points.payloads, strict=True)
        self.shard.update(edge.UpdateOperation.upsert_points([edge.Point(*row) for row in rows]))

    def query_points(self, name, query, limit, search_params):
        how = edge.SearchParams(exact=search_params.exact)
        asked = edge.QueryRequest(limit, query=edge.Query.Nearest(query), params=how, with_payload=True)
        return SimpleNamespace(points=self.shard.query(asked))
