"""Search by words and by meaning (Robertson and Zaragoza, 2009, §3; Reimers and Gurevych, 2019), or by both."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from bertlib.data.nearest import Exact, Vectors, fuse_ranks, fuse_scores
from bertlib.data.store import Store
from bertlib.tasks.embed import Embedder
from bertlib.text.inputs import checked, one_or_many

MODES = ("words", "meaning", "hybrid")
DEPTH = 100  # texts of either list that are fused
PROBE = "A text whose vector tells one model from another."


class Index:
    """Texts that are found by their words (SQLite's FTS5), by their meaning (vectors), or by both.

    With a path it is a file from the start, and what `add` was given is in it when `add` returns, all or nothing, also
    if the program is killed. Without one it is in memory, until `save`. It belongs to the thread that made it; another
    thread or program opens the file for itself, and `search` finds what either adds.

    Args:
        embedder: makes the vectors. path: of a new file.
        vectors: what compares them, exactly unless another engine is given.
        weight: of meaning where both are fused by `fuse_scores`, 0 to 1; None fuses by ranks.

    Raises:
        FileExistsError: the file is there already: `load` it. Else see `bertlib.data.store.Store`.
    """

    def __init__(
        self,
        embedder: Embedder,
        path: str | Path | None = None,
        *,
        vectors: Vectors | None = None,
        weight: float | None = None,
    ):
        self._use(embedder, vectors, weight)
        self.store = Store(path, embedder.predict(PROBE))

    def _use(self, embedder: Embedder, vectors: Vectors | None = None, weight: float | None = None) -> None:
        if weight is not None and not 0 <= weight <= 1:
            raise ValueError(f"weight={weight!r}: give a number from 0 (words alone) to 1 (meaning alone), or None")
        self.embedder, self.weight = embedder, weight
        self.vectors = Exact() if vectors is None else vectors

    @classmethod
    def load(cls, path: str | Path, embedder: Embedder, **options: Any) -> Self:
        """Open a file that `save` or an index with this path wrote; vectors and weight as of the class.

        Raises:
            FileNotFoundError: no such file. ValueError: it is no index, is damaged, or was made with another model.
        """
        index = cls.__new__(cls)
        index._use(embedder, **options)
        index.store = Store(path)
        probe, own = index.store.probe, embedder.predict(PROBE)
        if own.shape != probe.shape or own @ probe < 0.999:
            index.close()
            raise ValueError(
                f"{path} was made with another model (vectors of {len(probe)} numbers, this one's have {len(own)}): "
                "give that one, or add the texts to a new index"
            )
        return index

    def save(self, path: str | Path) -> None:
        """Write the whole index to a file; one that was there is replaced in one step, or stays as it was."""
        self.store.save(path)

    def add(
        self,
        texts: str | Sequence[str],
        ids: Sequence[str] | None = None,
        *,
        vectors: np.ndarray | None = None,
        **options: Any,
    ) -> list[str]:
        """Add texts, all of them or, where something fails, none. One that is there already is not added again.

        Args:
            ids: names of the texts; None names each by a digest of it, so that equal texts are one.
            vectors: (N, D) that the embedder gave for them before; None has it encode them, long ones in windows.
            options: see `Task.logits`.

        Returns:
            The texts' ids.

        Raises:
            ValueError: a text is blank, an id stands for another text already, or vectors do not fit.
            TimeoutError: another program writes to the file. OSError: no room left.
        """
        several, _ = one_or_many(texts)
        given = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in several] if ids is None else ids
        names = [checked(name, f"ids[{i}]") for i, name in enumerate([given] if isinstance(given, str) else given)]
        if len(names) != len(several):
            raise ValueError(f"{len(several)} texts and {len(names)} ids: give as many")
        new: dict[str, int] = {}
        for number, (name, text) in enumerate(zip(names, several, strict=True)):
            if not text.strip():
                raise ValueError(f"texts[{number}] is {text!r:.40}: give texts with something in them")
            there = several[new[name]] if name in new else self.store.text_of(name)
            if there not in (None, text):
                raise ValueError(f"ids[{number}]={name!r} is the id of another text, {there!r:.40}: give another")
            if there is None:
                new[name] = number
        if new:
            chosen = list(new.values())
            added = [several[i] for i in chosen]
            given = None if vectors is None else self._checked(vectors, len(several))[chosen]
            made = self.embedder.windows(added, **options) if given is None else (given, np.arange(len(added)))
            self.store.add(list(new), added, made[1], made[0])
        return names

    def _checked(self, vectors: np.ndarray, count: int) -> np.ndarray:
        vectors, shape = np.asarray(vectors, dtype=np.float32), (count, len(self.store.probe))
        lengths = np.linalg.norm(vectors, axis=1) if vectors.shape == shape else np.zeros(1)
        if not (abs(lengths - 1) < 0.01).all():
            raise ValueError(f"vectors of shape {vectors.shape}: give {shape}, each of length 1, of this embedder")
        return vectors / lengths[:, None]

    def search(self, query: str, k: int = 10, mode: str = "hybrid") -> list[dict]:
        """The k texts that suit a query best, best first; fewer where there are no more.

        Args:
            mode: "words" (BM25 of any of the query's words; texts with none of them are not found), "meaning" (cosine;
                of a long query of what the embedder reads), or "hybrid": the best `DEPTH` of both, fused.

        Returns:
            {"id", "text", "score"} of each; scores of different modes have nothing in common.

        Raises:
            ValueError: the query is blank or no string, k no whole number of at least 1, or the mode unknown.
        """
        if mode not in MODES:
            raise ValueError(f"mode={mode!r}: choose one of {', '.join(MODES)}")
        if not checked(query, "query").strip():
            raise ValueError(f"query={query!r:.40}: give a text with something in it")
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise ValueError(f"k={k!r}: give a whole number of at least 1")
        depth = max(k, DEPTH) if mode == "hybrid" else k
        words = self.store.by_words(query, depth) if mode != "meaning" else []
        meaning = self._by_meaning(query, depth) if mode != "words" else []
        if mode != "hybrid":
            found = words or meaning
        else:
            found = fuse_ranks(words, meaning) if self.weight is None else fuse_scores(words, meaning, self.weight)
        return [self.store.row(number) | {"score": score} for number, score in found[:k]]

    def _by_meaning(self, query: str, k: int) -> list[tuple[int, float]]:
        self.vectors.add(*self.store.vectors_after(len(self.vectors)))  # what was added since, here or elsewhere
        return self.vectors.best(self.embedder.predict(query), k)

    def __len__(self) -> int:
        return len(self.store)

    def close(self) -> None:
        """Let the file go."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
