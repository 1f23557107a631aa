"""Data sets of the hub: AG News, WikiText-103, named entities; each at one revision, its content checked."""

import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import datasets
from datasets import Dataset, DatasetDict

from bertlib.data import hub
from bertlib.data.entities import entity_features, entity_row, place_tokens
from bertlib.data.hub import DataChanged
from bertlib.data.splits import with_validation

AG_NEWS_REPO = "fancyzhx/ag_news"
AG_NEWS_REVISION = "eb185aade064a813bc0b7f42de02595523103ca4"
WIKITEXT_REPO = "Salesforce/wikitext"
WIKITEXT_CONFIG = "wikitext-103-raw-v1"
WIKITEXT_REVISION = "b08601e04326c79dfdd32d625aee71d232d685c3"
# These repositories hold loading scripts, which `datasets` no longer runs, or old layouts: the hub's own conversion to
# parquet is read instead. It has no commit that stays, so the revision is a branch.
CONVERTED = "refs/convert/parquet"
ENTITY_REPOS = {
    "universal_ner": ("universalner/universal_ner", "en_ewt"),
    "wnut_17": ("leondz/wnut_17", "wnut_17"),
    "conll2003": ("lhoestq/conll2003", None),
}


def from_hub(repo: str, revision: str, config: str | None = None) -> DatasetDict:
    """A data set of the hub at one fixed revision, its files' content checked."""

    def prepare() -> DatasetDict:
        builder = datasets.load_dataset_builder(repo, config, revision=revision)
        # Where the hub does not answer, the library takes whatever revision it prepared last.
        found = Path(builder.cache_dir).name
        if re.fullmatch("[0-9a-f]{40}", revision) and found != revision:
            raise ConnectionError(f"what was loaded earlier is another revision, {hub.short(found)}")
        builder.download_and_prepare()
        try:
            hub.check_content(repo, "dataset")
        except DataChanged:
            shutil.rmtree(builder.cache_dir, ignore_errors=True)  # what was made of it
            raise
        try:
            return builder.as_dataset()
        except (OSError, ValueError):  # the library's prepared copy is damaged: once more from the files
            builder.download_and_prepare(download_mode=datasets.DownloadMode.REUSE_CACHE_IF_EXISTS)
            return builder.as_dataset()

    unknown = (datasets.exceptions.DatasetNotFoundError,)
    shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()  # their widgets are dead in a stored notebook
    try:
        return hub.fetch(repo, "dataset", revision, prepare, "use 'bbc_news', which needs none", unknown)
    finally:
        if shown:
            datasets.enable_progress_bars()


def load_ag_news() -> DatasetDict:
    """AG News; its validation split is taken from train, the published test set stays whole."""
    return with_validation(from_hub(AG_NEWS_REPO, AG_NEWS_REVISION), share=0.05)


def load_wikitext() -> DatasetDict:
    """WikiText-103 (Merity et al., 2016, §4.3), its lines put together to articles again; headings are left out."""
    splits = from_hub(WIKITEXT_REPO, WIKITEXT_REVISION, WIKITEXT_CONFIG).items()
    return DatasetDict({name: Dataset.from_list(list(wikitext_articles(rows["text"]))) for name, rows in splits})


def wikitext_articles(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    """Articles with title and text from WikiText's lines, in which " = Title = " opens one and " = = Part = = " a part.

    Spaces around punctuation, which its tokenization put in, are taken out where English has none.
    """
    title, paragraphs = None, []
    for line in lines:
        line = line.strip()
        if re.fullmatch(r"= [^=].*[^=] =|= [^=] =", line):
            if paragraphs:
                yield {"title": title, "text": "\n".join(paragraphs)}
            title, paragraphs = line[2:-2], []
        elif line and not line.startswith("= =") and title is not None:
            line = re.sub(r" @([-,.])@ ", r"\1", line)
            line = re.sub(r" ([,.;:!?%)\]])", r"\1", line)
            line = re.sub(r"([(\[$£]) ", r"\1", line)
            paragraphs.append(re.sub(r" '(s|t|re|ve|ll|d|m)\b", r"'\1", line))
    if paragraphs:
        yield {"title": title, "text": "\n".join(paragraphs)}


def load_hub_entities(name: str) -> DatasetDict:
    """A set of named entities from the hub, in the columns of `entity_features`, with the splits that it has there."""
    repo, config = ENTITY_REPOS[name]
    splits = {}
    for split, rows in from_hub(repo, CONVERTED, config).items():
        names = rows.features["ner_tags"].feature.names
        texts = rows["text"][:] if "text" in rows.column_names else [None] * len(rows)
        splits[split] = Dataset.from_list(
            [
                entity_row(*place_tokens(tokens, text), [names[tag] for tag in tags], names)
                for tokens, tags, text in zip(rows["tokens"][:], rows["ner_tags"][:], texts, strict=True)
                if tokens
            ],
            features=entity_features(names),
        )
    return DatasetDict(splits)
