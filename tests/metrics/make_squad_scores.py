"""Writes squad_scores.csv: a thousand made answers with the scores that SQuAD's official script gives them.

The script's functions (version 2.0, from worksheets.codalab.org, bundle 0x6b567e1cf2e041ec80d7098f031c5c9e) are taken
from allennlp-models 2.10.1, allennlp_models/rc/tools/squad.py. That package wants other versions than this course, so
it is not installed; what it computes is stored. To make the table anew:

    pip download --no-deps --dest /tmp/allennlp allennlp-models==2.10.1
    unzip -d /tmp/allennlp /tmp/allennlp/allennlp_models-2.10.1-py3-none-any.whl
    python tests/metrics/make_squad_scores.py /tmp/allennlp/allennlp_models/rc/tools/squad.py

What the script does in its main loop is done here: right answers that are nothing once normalized are left out, and
where none is left the right one is "" (`get_raw_scores`).
"""

import csv
import hashlib
import importlib.util
import json
import random
import sys
from pathlib import Path

TABLE = Path(__file__).with_name("squad_scores.csv")
SHA256 = "47aef41ddaa9e162db21a68113e51021582950e8ed07f77bee448d227da2bc5e"  # of squad.py there
SIZE = 1000
WORDS = "goal team river bank north 1066 3.5 café naïve Zoe\u0301 O'Neill an U.S. well-known theatre Athens x banana"
WORDS = [*WORDS.split(), "東京", "Ärzte", "STRASSE", "ß", "İzmir", "$5", "50%"]
ARTICLES = ["a", "an", "the", "The", "AN", "A", "a.", "the-", "(the)"]
MARKS = ["", "", "", "", ".", ",", "!", "?", "'s", "\u2019s", "\u2026", "-", " –", ")", '"', "_"]
SPACES = [" ", " ", " ", " ", "  ", "\t", "\n", "\u00a0", "-", "\u2009"]
NOTHING = ["", " ", "the", "The.", "an a", "...", '"', "\u200b", "–", "a"]


def phrase(rng):
    """One to six words, some of them articles, with marks and odd spaces between them."""
    parts = []
    for _ in range(rng.randint(1, 6)):
        word = rng.choice(ARTICLES) if rng.random() < 0.25 else rng.choice(WORDS)
        word = rng.choice([word, word, word, word.upper(), word.capitalize()])
        parts += [word + rng.choice(MARKS), rng.choice(SPACES)]
    return "".join(parts[: -1 if rng.random() < 0.8 else None])


def changed(text, rng):
    """Nearly the same: other capitals, a word less, one twice, another order, a mark more, or as it was."""
    words = text.split()
    kind = rng.randrange(7)
    if kind == 0:
        return text.upper()
    if kind == 1 and len(words) > 1:
        del words[rng.randrange(len(words))]
    if kind == 2 and words:
        words.insert(rng.randrange(len(words)), rng.choice(words))
    if kind == 3:
        rng.shuffle(words)
    if kind == 4:
        words.insert(rng.randint(0, len(words)), rng.choice([*ARTICLES, *MARKS[4:]]))
    return text if kind == 5 else " ".join(words)


def pair(rng):
    """A prediction, and none to four right answers."""
    count = rng.choice([0, 1, 1, 1, 2, 3, 4])
    golds = [rng.choice(NOTHING) if rng.random() < 0.08 else phrase(rng) for _ in range(count)]
    kind = rng.random()
    if golds and kind < 0.7:
        return changed(rng.choice(golds), rng), golds
    return (rng.choice(NOTHING) if kind < 0.88 else phrase(rng)), golds


def main(path: str) -> None:
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    if digest != SHA256:
        raise SystemExit(f"{path} has SHA-256 {digest}, expected is {SHA256}: take it from allennlp-models 2.10.1")
    spec = importlib.util.spec_from_file_location("squad", path)
    official = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(official)
    rng, rows = random.Random(0), []
    for _ in range(SIZE):
        prediction, golds = pair(rng)
        right = [gold for gold in golds if official.normalize_answer(gold)] or [""]
        exact, f1 = official.get_metric_score(prediction, right)
        rows.append([json.dumps(prediction), json.dumps(golds), exact, repr(f1)])
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["prediction", "golds", "exact", "f1"])
        table.writerows(rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
