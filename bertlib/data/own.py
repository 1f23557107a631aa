"""A person's own labelled files: CSV and CoNLL; every fault named by file and line."""

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from datasets import ClassLabel, Dataset, Features, Value

from bertlib.data.entities import entity_features, entity_row, place_tokens
from bertlib.data.splits import check_class_sizes
from bertlib.files import read_text
from bertlib.text.spans import SCHEMES, follows, tag_names, to_bio

IDS_FROM = 100  # rows from which on a column that hardly repeats itself is refused: shorter files may be a beginning


def from_csv(
    path: str | Path,
    text: str | Sequence[str] = "text",
    label: str = "label",
    *,
    labels: Sequence[str] | None = None,
    delimiter: str | None = None,
) -> Dataset:
    """Read labelled texts from a CSV file with a header line, in UTF-8.

    Args:
        path: the file; quoted fields may hold delimiters and line breaks. Between tabs, where quotation marks need mean
            nothing, they do not if a text begins with one that its line does not close. A header that comes again, as
            where files were joined, is passed over.
        text: name of the column with the texts, or of several (such as the two of a pair).
        label: name of the column with the classes.
        labels: the classes that may occur, in id order (for a test file: those of the training data); None takes those
            of the file, sorted.
        delimiter: None for what a first line `sep=;` says (Excel writes it), else a tab in .tsv files and a comma
            elsewhere.

    Returns:
        A Dataset with the columns text (str) and label (ClassLabel); several columns of texts keep their names.

    Raises:
        FileNotFoundError: no such file.
        ValueError: bad encoding, a missing column, a row of the wrong width, an empty text or label, an unknown label,
            no rows, a single class, or a delimiter that is none; the message names the file, the line and the remedy.
    """
    path, columns = Path(path), [text] if isinstance(text, str) else list(text)
    called = ["text"] if isinstance(text, str) else columns
    decoded = read_text(path)
    if not decoded.strip():
        raise ValueError(f"{path}, line 1: the file is empty; write a header line and labelled texts into it")
    stated = re.match(r'"?sep=(.)"?\n', decoded)
    if delimiter is None:
        delimiter = stated[1] if stated else "\t" if path.suffix.lower() == ".tsv" else ","
    if len(delimiter) != 1:
        raise ValueError(f"delimiter={delimiter!r}: give a single character; a file named .tsv needs none for its tabs")
    skipped = 1 if stated else 0
    rows = _csv_rows(path, _lines(decoded)[skipped:], delimiter, skipped)
    first, header = next(rows, (1, []))
    again = [name.casefold() for name in header]  # joined files bring theirs along
    for name in (*columns, label):
        if header.count(name) != 1:
            problem = "no column" if name not in header else "more than one column"
            raise ValueError(
                f"{path}, line {first}: {problem} {name!r} among {header}; name the columns with text= and label=, and "
                f"check the delimiter ({delimiter!r})"
            )
    texts, found, known = [], [], None if labels is None else set(labels)
    places = [header.index(name) for name in (*columns, label)]
    for line, row in rows:
        if [field.casefold() for field in row] == again:
            continue
        if len(row) != len(header):
            raise ValueError(
                f"{path}, line {line}: {len(row)} fields where the header has {len(header)}; put quotes "
                f"around texts that hold a {delimiter!r}"
            )
        if sorted(field.casefold() for field in row) == sorted(again):
            raise ValueError(f"{path}, line {line}: another header, in another order; give files of one order")
        *parts, name = (row[place] for place in places)
        if not all((*parts, name)):
            absent = [*columns, label][[*parts, name].index("")]
            raise ValueError(f"{path}, line {line}: {absent!r} is empty; fill it in or delete the row")
        if known is not None and name not in known:
            raise ValueError(
                f"{path}, line {line}: label {name!r} is not among {', '.join(labels)}; correct it, or add it to "
                "the training data"
            )
        texts.append(parts)
        found.append(name)
    if not texts:
        raise ValueError(f"{path}, line {first}: no rows below the header; add labelled texts")
    if labels is None and len(found) >= IDS_FROM:
        try:
            check_class_sizes(found)
        except ValueError as error:
            raise ValueError(f"{path}, column {label!r}: {error}") from error
    names = sorted(set(found)) if labels is None else list(labels)
    if len(names) < 2:
        raise ValueError(f"{path}, line 2 to the end: every label is {names[0]!r}; add examples of another class")
    ids = {name: number for number, name in reversed([*enumerate(names)])}
    return Dataset.from_dict(
        dict(zip(called, map(list, zip(*texts, strict=True)), strict=True)) | {"label": [ids[name] for name in found]},
        features=Features({**dict.fromkeys(called, Value("string")), "label": ClassLabel(names=names)}),
    )


def _csv_rows(path: Path, lines: Sequence[str], delimiter: str, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, fields stripped, each with the line that it begins on."""
    csv.field_size_limit(2**31 - 1)
    plain = delimiter == "\t" and _marks_mean_nothing(lines)
    quoting = csv.QUOTE_NONE if plain else csv.QUOTE_MINIMAL
    padded = delimiter + " " in next((line for line in lines if line.strip()), "")  # text, label
    reader = csv.reader(lines, delimiter=delimiter, quoting=quoting, skipinitialspace=padded, strict=True)
    end = 0
    try:
        for row in reader:
            begin, end = end, reader.line_num
            if delimiter == "\t" and sum(line.count("\t") == len(row) - 1 for line in lines[begin:end]) > 1:
                raise ValueError(
                    f"{path}, line {begin + skipped + 1}: a quotation mark that opens here takes whole rows in; double "
                    'it ("") within quotes, or take the quotes away'
                )
            if row:
                yield begin + skipped + 1, [field.strip() for field in row]
    except csv.Error as error:
        raise ValueError(
            f"{path}, line {end + skipped + 1}: {error} in the row that begins here; close every quote, and double "
            "those in texts"
        ) from error


def _marks_mean_nothing(lines: Sequence[str]) -> bool:
    """Whether, in lines of equally many fields between tabs, one opens with a quotation mark that it does not close."""
    rows = [line.rstrip("\n").split("\t") for line in lines if line.strip()]
    if len(set(map(len, rows))) > 1:
        return False
    opened = [field for row in rows for field in row if field.startswith('"')]
    return not all(re.fullmatch('"(?:[^"]|"")*"', field) for field in opened)


def _lines(text: str) -> list[str]:
    """Cut after each line feed only (str.splitlines would also cut at form feeds and Unicode separators in a text)."""
    return [line + "\n" for line in text.rstrip("\n").split("\n")]


def from_conll(path: str | Path, *, scheme: str = "BIO", names: Sequence[str] | None = None) -> Dataset:
    """Read named entities in CoNLL's form: a word per line, its tag in the last column, a blank line between texts.

    Columns are separated by tabs, or by spaces; the first is the word. Lines that begin with -DOCSTART- open a
    document. In the newer form (CoNLL-U, GermEval, Universal NER) the words' numbers stand before them: then the lines
    of words written together (1-2) and of words left out (1.1) are passed over, as are comments (#), and of columns
    behind the tags (-) the last one with tags is read. Where two columns of tags stand right behind the word, as in
    GermEval, the second one has what lies within the entities of the first: the first is read.

    Args:
        path: the file, in UTF-8.
        scheme: "BIO" (each entity begins with B-, also called IOB2); or what is turned into it: "IOB1" (B- only where
            an entity follows another one of its type at once, as in CoNLL-2003's own files), "BIOES", "BILOU" or "BMES"
            (the last word and single ones are marked, too), "IO" (types alone).
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
    known = (*SCHEMES, "IO")
    if scheme not in known:
        raise ValueError(f"scheme={scheme!r}: choose one of {', '.join(known)}")
    path = Path(path)
    texts = _conll_texts(path, scheme)
    if scheme == "IO":
        texts = [[(line, word, tag if tag == "O" else f"I-{tag}") for line, word, tag in text] for text in texts]
    kinds = sorted({tag.partition("-")[2] for text in texts for *_, tag in text} - {""})
    every = ["O", *(f"{mark}-{kind}" for kind in kinds for mark in SCHEMES.get(scheme, "I"))]
    found = []
    for text in texts:
        words, tags = [word for _, word, _ in text], [tag for *_, tag in text]
        if scheme != "BIO":
            tags = to_bio(tags, every)
        for (line, *_), before, tag in zip(text, [None, *tags], tags, strict=False):
            if not follows(before, tag):
                raise ValueError(
                    f"{path}, line {line}: {tag} goes on with an entity, but {before or 'nothing'} stands before it; "
                    f"write B-{tag[2:]} or read the file with scheme='IOB1'"
                )
            if names is not None and tag not in names:
                raise ValueError(
                    f"{path}, line {line}: tag {tag} is not among {', '.join(names)}; correct it, or add it to the "
                    "training data"
                )
        found.append((words, tags))
    if names is None:
        names = tag_names(kinds)
        if len(names) == 1:
            raise ValueError(f"{path}: every word is tagged O; there is no entity to learn from")
    rows = [entity_row(*place_tokens(words), tags, names) for words, tags in found]
    return Dataset.from_list(rows, features=entity_features(names))


def _conll_texts(path: Path, scheme: str) -> list[list[tuple[int, str, str]]]:
    """Of each text the words, each with its line and tag."""
    groups = [[]]
    for number, line in enumerate(_lines(read_text(path)), start=1):
        if not line.strip() or line.startswith("-DOCSTART-"):
            groups.append([])
        else:
            line = line.rstrip(" \t\n")
            fields = line.split("\t") if "\t" in line else filter(None, line.split(" "))
            groups[-1].append((number, line, [field.strip() for field in fields]))
    numbered = _are_numbered(groups)
    if numbered:  # what is no whole number is a comment, words written together, or a word left out
        groups = [[(number, line, row[1:]) for number, line, row in group if row[0].isdigit()] for group in groups]
    words = [row for group in groups for row in group if numbered or not row[1].startswith("#")]
    width, at = len(words[0][2]) if words else 0, -1
    if numbered:
        fits = [sum(len(row) == width and _is_tag(row[c], scheme) for *_, row in words) for c in range(width)]
        at = max((c for c in range(1, width) if 2 * fits[c] >= len(words)), default=-1)
        if at == 2 and 2 * fits[1] >= len(words):
            outer, inner = ({row[c].partition("-")[2] for *_, row in words if len(row) == width} for c in (1, 2))
            at = 1 if inner <= outer else at
    texts = []
    for group in groups:
        text = []
        for number, line, row in group:
            if line.startswith("#") and len(row) != width and not numbered:
                continue  # a comment: in other lines it is a word, such as a hashtag
            if len(row) < 2 or not row[0] or not row[-1]:
                raise ValueError(
                    f"{path}, line {number}: {line!r} needs a word and, in its last column, a tag, with a tab or space "
                    "between"
                )
            if len(row) != width:
                raise ValueError(
                    f"{path}, line {number}: {len(row)} columns where the lines above have {width}; give each as many"
                )
            if not _is_tag(row[at], scheme):
                raise ValueError(
                    f"{path}, line {number}: tag {row[at]!r}: give O, or {'-, '.join(SCHEMES[scheme])}- with a type, "
                    f"such as B-PER; or the name of another scheme ({', '.join(SCHEMES)}, IO) with scheme="
                )
            text.append((number, row[0], row[at]))
        if text:
            texts.append(text)
    if not texts:
        raise ValueError(f"{path}, line 1: the file holds no words; give a word and its tag on each line")
    return texts


def _is_tag(tag: str, scheme: str) -> bool:
    mark, _, kind = tag.partition("-")
    return tag == "O" or scheme == "IO" or (kind != "" and len(mark) == 1 and mark in SCHEMES[scheme])


def _are_numbered(groups: Sequence[Sequence[tuple[int, str, list[str]]]]) -> bool:
    """Whether lines begin with numbers that count the words of each text, as in CoNLL-U, and not with the words."""
    counted = [[row for _, line, row in group if not line.startswith("#")] for group in groups]
    for rows in filter(None, counted):
        if not all(re.fullmatch(r"\d+([-.]\d+)?", row[0]) for row in rows):
            return False
        numbers = [int(row[0]) for row in rows if row[0].isdigit()]
        if any(number + 1 != following for number, following in pairwise(numbers)) or any(len(row) < 3 for row in rows):
            return False
    return any(counted)
