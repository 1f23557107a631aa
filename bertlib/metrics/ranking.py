"""How well search finds what is relevant: nDCG, reciprocal rank, recall and average precision, as trec_eval has them.

Of one query: `found`, ids best first, none twice; `relevant`, a set of ids, or a dict id -> gain. An id is not relevant
if its gain is 0 or less, or if nobody judged it. A query with nothing relevant scores 0, and counts in a mean unless
you leave it out; in trec_eval it counts if anything was judged for it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np


def order(scores: Iterable[float], ids: Iterable) -> list:
    """Ids by score, best first; of equal ones the last id as a string, "9" before "10". As trec_eval 9.0.8, it rounds
    scores to float32 first. A run of one query, a dict id -> score, becomes found by `order(run.values(), run)`."""
    scores, ids = np.asarray(list(scores), dtype=np.float32), list(ids)
    if scores.shape != (len(ids),) or np.isnan(scores).any():
        raise ValueError(
            f"scores of shape {scores.shape} for {len(ids)} ids: give each id one number, none of them NaN"
        )
    ranked = sorted(zip(scores.tolist(), map(str, ids), range(len(ids)), strict=True), reverse=True)
    return [ids[place] for _, _, place in ranked]


def gains(found: Sequence, relevant: Collection, k: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The gains of the first k found ids (None: of all), and of all relevant ids, highest first."""
    if k is not None and k < 1:
        raise ValueError(f"k={k!r}: give a whole number of at least 1")
    for name, ids in (("found", found), ("relevant", relevant)):
        if isinstance(ids, str):
            raise ValueError(f"{name} is the text {ids[:40]!r}: give ids, [{ids[:40]!r}] if it is one")
    found = found.tolist() if isinstance(found, np.ndarray) else list(found)
    known = relevant if isinstance(relevant, Mapping) else dict.fromkeys(relevant, 1)
    if len(set(found)) < len(found):
        twice = next(one for place, one in enumerate(found) if one in found[:place])
        raise ValueError(f"found has {twice!r} twice: give each id once, best first")
    if len({isinstance(one, str) for one in [*found, *known]}) > 1:
        raise ValueError(
            f"found begins with {found[:1]}, relevant with {list(known)[:1]}: give strings in both, or none"
        )
    best = np.sort(np.array(list(known.values()), dtype=float))[::-1]
    if not np.isfinite(best).all():
        raise ValueError(f"relevant has the gains {best.tolist()}: give finite ones, such as 1, or grades 1, 2, 3")
    return np.array([max(known.get(one, 0), 0) for one in found[:k]], dtype=float), best[best > 0]


def ndcg(found: Sequence, relevant: Collection, k: int) -> float:
    """Normalized discounted cumulative gain: the sum of gain / log2(rank + 1) over ranks 1 … k, divided by the same sum
    for the best order of all that is relevant (Järvelin and Kekäläinen, 2002; the gain is the grade itself)."""
    ours, best = gains(found, relevant, k)
    ours, best = (float((one / np.log2(np.arange(2, len(one) + 2))).sum()) for one in (ours, best[:k]))
    return ours / best if best else 0.0


def recall(found: Sequence, relevant: Collection, k: int) -> float:
    """The share of what is relevant that is among the first k found."""
    ours, best = gains(found, relevant, k)
    return float((ours > 0).sum() / max(len(best), 1))


def reciprocal_rank(found: Sequence, relevant: Collection) -> float:
    """1 / the rank of the first relevant id; 0 if none is found. Its mean over queries is MRR."""
    right = gains(found, relevant)[0] > 0
    return 1 / (int(right.argmax()) + 1) if right.any() else 0.0


def average_precision(found: Sequence, relevant: Collection) -> float:
    """The mean over all relevant ids of the precision at their rank, 0 if not found. Its mean over queries is MAP."""
    ours, best = gains(found, relevant)
    ranks = np.flatnonzero(ours) + 1
    return float((np.arange(1, len(ranks) + 1) / ranks).sum() / max(len(best), 1))


def ranking_scores(
    found: Sequence[Sequence], relevant: Sequence[Collection], ks: Sequence[int] = (1, 10)
) -> dict[str, np.ndarray]:
    """Of each query reciprocal_rank and average_precision over all that is found, ndcg@k and recall@k: (Q,) each.

    Scores (Q, N) become found by `np.argsort(-scores, axis=1, kind="stable")`, where of equal ones the lower number is
    first. `bertlib.metrics.interval(np.mean, values)` is the interval of a mean.
    """
    if len(found) != len(relevant):
        raise ValueError(f"found is of {len(found)} queries, relevant of {len(relevant)}: give both for each query")
    pairs = list(zip(found, relevant, strict=True))
    scores = {measure.__name__: [measure(*pair) for pair in pairs] for measure in (reciprocal_rank, average_precision)}
    scores |= {
        f"{measure.__name__}@{k}": [measure(*pair, k) for pair in pairs] for k in ks for measure in (ndcg, recall)
    }
    return {name: np.array(values, dtype=float) for name, values in scores.items()}
